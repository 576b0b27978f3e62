"""The plot of routes: when each frees its first land, and for how much of the land."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import pandas as pd

from friches.view import frame, inert, words
from friches.view.lexicon import w

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from friches.result import Result


def routes(result: Result, figure: Figure) -> None:
    """Draw for each route when the first land is free, and the share of land it may free.

    A point is an instrument: the earliest central date of land over its blocks (the line: low and
    high date of that block), and the share of the blocks' area where it is open or to be asked.
    The steps join the routes that no other beats on both.
    """
    drawn, closed = _routes(result)
    axes = figure.subplots()
    figure.set_figheight(max(figure.get_figheight(), 1.8 + 0.5 * len(drawn)))
    _points(axes, drawn)
    front = _front(drawn)
    axes.plot(
        front["on"],
        front["share"],
        drawstyle="steps-post",
        color=frame.QUIET,
        linestyle=":",
        label=w.plots.routes.front,
    )
    states = (("yes", "o", w.plots.routes.open), ("unknown", "s", w.plots.routes.unknown))
    for key, marker, label in states:
        axes.plot([], [], marker, color=words.ANSWERS[key].colour, label=label)
    axes.set_ylim(-4, 108)
    axes.set_ylabel(w.plots.routes.share_axis)
    axes.set_xlabel(w.plots.routes.date_axis)
    _dates(axes, drawn)
    axes.grid(color="#DDDDDD")
    frame.nothing(axes, w.plots.routes.nothing, empty=drawn.empty)
    note = words.NOT_REVIEWED
    if closed:
        shut = w.plots.routes.closed.format(titles=", ".join(closed))
        note = w.plots.routes.note.format(not_reviewed=note, note=shut)
    frame.add(
        result,
        figure,
        axes,
        w.plots.routes.title,
        note,
    )


def _points(axes: Axes, drawn: pd.DataFrame) -> None:
    """Draw each route's point and span of dates, its name beside the plot with a line to it."""
    label_at = _apart(drawn["share"], 90 / max(len(drawn), 6))
    for place, row in enumerate(drawn.to_dict("records")):
        answer = words.ANSWERS["yes" if row["some_open"] else "unknown"]
        axes.hlines(
            row["share"], row["low"], row["high"], color=answer.colour, linewidth=1.2, alpha=0.7
        )
        axes.plot(
            row["on"], row["share"], "o" if row["some_open"] else "s", color=answer.colour, zorder=3
        )
        axes.annotate(
            textwrap.fill(
                w.plots.routes.named.format(
                    title=inert.clean(row["title"], 90), month=words.short_month(row["on"])
                ),
                40,
            ),
            (row["on"], row["share"]),
            xytext=(1.03, label_at[place]),
            textcoords=axes.get_yaxis_transform(),
            arrowprops={"arrowstyle": "-", "color": frame.QUIET, "linewidth": 0.6},
            fontsize="small",
            va="center",
            annotation_clip=False,
        )


def _apart(wanted: pd.Series[float], gap: float) -> list[float]:
    """Return where labels stand: near their point, from the top, never closer than `gap`."""
    told: list[float] = []
    for share in wanted:
        told.append(min(share, told[-1] - gap) if told else share)
    low = min(told, default=0.0)
    return [at - min(low - 2.0, 0.0) for at in told]


def _routes(result: Result) -> tuple[pd.DataFrame, list[str]]:
    """Return the routes drawn (title, on, low, high, share, some_open) and the titles of others."""
    areas = result.blocks.set_index("block_id")["area_ha"]
    told = result.routes.assign(
        area=result.routes["block_id"].astype("str").map(areas),
        key=result.routes["answer"].map(words.answer_key),
    )
    rows, closed = [], []
    for _, group in told.groupby("instrument", sort=True):
        left = group[group["key"] != "no"]
        dated = left[left["land_on"].notna()].sort_values(["land_on", "block_id"])
        if dated.empty:
            closed.append(inert.clean(group["title"].iloc[0], 90))
            continue
        first = dated.iloc[0]
        rows.append(
            {
                "title": first["title"],
                "on": first["land_on"],
                "low": first["land_on_low"],
                "high": first["land_on_high"],
                "share": float(100 * left["area"].sum() / areas.sum()) if areas.sum() else 0.0,
                "some_open": bool((group["key"] == "yes").any()),
            }
        )
    columns = ["title", "on", "low", "high", "share", "some_open"]
    table = pd.DataFrame(rows, columns=columns)
    return table.sort_values(["share", "on"], ascending=False, kind="stable"), closed


def _front(drawn: pd.DataFrame) -> pd.DataFrame:
    """Return the routes that no other beats: earlier and for a larger share of the land."""
    ordered = drawn.sort_values(["on", "share"], ascending=[True, False], kind="stable")
    best = ordered["share"].cummax().shift(fill_value=-1.0)
    return ordered[ordered["share"] > best]


def _dates(axes: Axes, drawn: pd.DataFrame) -> None:
    from matplotlib.dates import AutoDateLocator, num2date
    from matplotlib.ticker import FuncFormatter

    if drawn.empty:
        return
    located: Any = AutoDateLocator
    dated: Any = num2date
    axes.xaxis.set_major_locator(located(minticks=3, maxticks=7))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda at, _: words.short_month(dated(at).date())))

"""Plots of meals: months, organic shares before and after, crops, plans that no other beats.

Each draws tables that a result may lack (`demand`, `balance`, `shares`, `plots`, `front`); without
them it says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from friches.allocation.spread import ALL_GROUPS, ALL_KITCHENS
from friches.view import frame, inert, words
from friches.view.lexicon import w

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from friches.result import Result

TONNE = 1000.0
"""kg."""
MONTHS = tuple(w.plots.fed.months.split(" "))
DAYS_A_MONTH = 30.4375
FATES = (
    ("delivered", w.plots.fed.delivered, "#2E6F40", ""),
    ("sold_elsewhere", w.plots.fed.sold, "#B08D2F", "////"),
    ("lost", w.plots.fed.lost, "#6B6B6B", "...."),
)


def months(result: Result, figure: Figure) -> None:
    """Draw, month by month, what canteens lack in organic food and what becomes of the harvest (t).

    Of the food groups that the allocation grows.
    """
    balance, demand = _table(result, "balance"), _table(result, "demand")
    axes = figure.subplots()
    at = np.arange(1, 13)
    under = np.zeros(12)
    for column, label, colour, hatch in FATES:
        tall = _by_month(balance, column)
        axes.bar(at, tall, bottom=under, label=label, width=0.7,
                 facecolor="white" if hatch else colour, edgecolor=colour, hatch=hatch)  # fmt: skip
        under += tall
    groups = set(balance["food_group"]) if balance is not None else set()
    lacking = None if demand is None else demand[demand["food_group"].isin(groups)]
    if lacking is not None and len(lacking):
        axes.plot(at, _by_month(lacking, "gap"), "D-", color=frame.INK, markersize=4,
                  label=w.plots.fed.lacking)  # fmt: skip
    axes.set_xticks(at, MONTHS, fontsize="small")
    axes.set_ylabel(w.plots.fed.tonnes)
    frame.numbers(axes.yaxis)
    axes.grid(axis="y", color="#DDDDDD")
    frame.nothing(axes, w.plots.fed.nothing, empty=not under.any())
    named = ", ".join(inert.clean(group, 30) for group in sorted(groups))
    note = w.plots.fed.counted.format(groups=named) if named else ""
    frame.add(result, figure, axes, w.plots.fed.months_title, note)


def before_after(result: Result, figure: Figure) -> None:
    """Draw the organic share of all canteens by food group, today and after (low to high)."""
    shares = _table(result, "shares")
    rows = _nobody(shares, ["food_group", "share_now", "share_after"])
    if shares is not None:
        rows = shares[(shares["canteen_id"] == ALL_KITCHENS)].copy()
        rows["last"] = rows["food_group"] == ALL_GROUPS
        rows = rows.sort_values(
            ["last", "share_after", "food_group"], ascending=[True, False, True]
        )
    axes = figure.subplots()
    figure.set_figheight(max(figure.get_figheight(), 1.8 + 0.32 * len(rows)))
    at = np.arange(len(rows))
    if len(rows):
        now, after = (100 * rows[name].astype("float64") for name in ("share_now", "share_after"))
        low, high = (100 * rows[f"share_after_{end}"].astype("float64") for end in ("low", "high"))
        axes.hlines(at, now, after, color=frame.QUIET, linewidth=0.8, linestyle=":")
        axes.hlines(at, low, high, color="#2E6F40", linewidth=2.2)
        axes.plot(now, at, "o", color=frame.INK, fillstyle="none", label=w.plots.fed.today)
        axes.plot(after, at, "o", color="#2E6F40", label=w.plots.fed.after)
    names = [w.plots.fed.together if name == ALL_GROUPS else name for name in rows["food_group"]]
    axes.set_yticks(at, [inert.clean(name, 40) for name in names])
    axes.invert_yaxis()
    axes.set_xlim(-2, 102)
    axes.set_xlabel(w.plots.fed.share)
    axes.grid(axis="x", color="#DDDDDD")
    frame.nothing(axes, w.plots.fed.nothing, empty=rows.empty)
    frame.add(result, figure, axes, w.plots.fed.before_after)


def area_by_crop(result: Result, figure: Figure) -> None:
    """Draw the hectares given to each crop, blocks to check apart."""
    plots = _table(result, "plots")
    axes = figure.subplots()
    rows = _nobody(plots, ["crop", "area_ha"])
    if plots is not None:
        sure = plots["counted"] if "counted" in plots.columns else True
        rows = plots.assign(key=np.where(sure, "yes", "unknown"))
        rows["crop"] = rows["crop"].astype(str)
    order = rows.groupby("crop")["area_ha"].sum().sort_values(ascending=False, kind="stable").index
    left = np.zeros(len(order))
    for key in ("yes", "unknown"):
        part = rows[rows["key"] == key] if "key" in rows.columns else rows
        wide = part.groupby("crop")["area_ha"].sum().reindex(order).fillna(0.0).to_numpy()
        if wide.any():
            answer = words.ANSWERS[key]
            said = w.plots.fed.blocks.format(answer=answer.word)
            axes.barh(range(len(order)), wide, left=left, label=said, **frame.paint(answer))
            left += wide
    for place, total in enumerate(left):
        axes.text(total, place, f" {words.hectares(total)}", va="center", fontsize="small")
    axes.set_yticks(range(len(order)), [inert.clean(name, 40) for name in order])
    axes.invert_yaxis()
    axes.set_xlim(0, max(float(left.max(initial=0.0)) * 1.15, 1.0))
    axes.set_xlabel(w.plots.fed.area)
    frame.numbers(axes.xaxis)
    frame.nothing(axes, w.plots.fed.nothing, empty=not len(order))
    frame.add(result, figure, axes, w.plots.fed.area_title)


def plans(result: Result, figure: Figure) -> None:
    """Draw the plans that no other beats: cost against meals, delay in months, risk by colour."""
    front = _table(result, "front")
    axes = figure.subplots()
    if front is not None and len(front):
        risk = 100 * front["risk"].astype("float64")
        cost = front["cost_eur"].astype("float64") / TONNE
        drawn = axes.scatter(cost, front["meals"], c=risk, cmap="cividis_r", s=42,
                             edgecolor=frame.INK, linewidth=0.6, zorder=3)  # fmt: skip
        bar = figure.colorbar(drawn, ax=axes)
        bar.set_label(w.plots.fed.risk)
        _delays(axes, front, cost)
    axes.set_xlabel(w.plots.fed.cost)
    axes.set_ylabel(w.plots.fed.meals)
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0)
    for axis in (axes.xaxis, axes.yaxis):
        frame.numbers(axis)
    axes.grid(color="#DDDDDD")
    frame.nothing(axes, w.plots.fed.no_plan, empty=front is None or front.empty)
    note = w.plots.fed.plans_note
    frame.add(result, figure, axes, w.plots.fed.plans_title, note)


def _delays(axes: Axes, front: pd.DataFrame, cost: pd.Series[float]) -> None:
    for x, y, days in zip(cost, front["meals"], front["delay_days"], strict=True):
        said = w.plots.fed.delay.format(months=round(days / DAYS_A_MONTH))
        axes.annotate(said, (x, y), xytext=(5, 4), textcoords="offset points", fontsize="x-small")


def _by_month(table: pd.DataFrame | None, column: str) -> Any:
    if table is None:
        return np.zeros(12)
    summed = table.groupby("month")[column].sum().reindex(range(1, 13)).fillna(0.0)
    return summed.to_numpy(dtype=float) / TONNE


def _table(result: Result, name: str) -> pd.DataFrame | None:
    found: pd.DataFrame | None = getattr(result, name, None)
    return found


def _nobody(table: pd.DataFrame | None, columns: list[str]) -> pd.DataFrame:
    return pd.DataFrame(columns=columns) if table is None else table.iloc[:0]

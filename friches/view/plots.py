"""Plots of a result, for notebooks and reports: in French, with units, readable in grey."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from friches import tables
from friches.demand import ENDS, demand, yearly
from friches.errors import refuse
from friches.view import frame, inert, look, mealplots, pareto, words
from friches.view.audience import visible
from friches.view.lexicon import w

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from friches.result import Result

TONNE = 1000.0
"""kg."""


def plot(result: Result, name: str) -> Figure:
    """Return one plot of a result, cut down to what the study's audience may see.

    Parameters
    ----------
    result : Result
    name : str
        A key of `PLOTS`.

    Returns
    -------
    matplotlib.figure.Figure
        Shown once where a notebook ends a cell with it (pyplot does not keep it).

    Raises
    ------
    InputError
        Unknown name.
    """
    import matplotlib.pyplot as plt

    if name not in PLOTS:
        raise refuse(f"graphique inconnu : « {name} »", "plot", f"choisir parmi {', '.join(PLOTS)}")
    with plt.rc_context(frame.STYLE):
        figure = plt.figure(figsize=(8, 4.6), layout="constrained")
        PLOTS[name](visible(result), figure)
    plt.close(figure)
    return figure


def needs_and_supply(result: Result, figure: Figure) -> None:
    """Draw, by food group, what the canteens lack and what the blocks would grow (t a year)."""
    lacking = _lacking(result)
    grown = _grown(result)
    names = [*dict.fromkeys([*lacking.index, *grown["yes"].index, *grown["unknown"].index])]
    names.sort(key=lambda group: (-_largest(group, lacking, *grown.values()), group))
    axes = figure.subplots()
    lines = (
        (w.plots.needs.lacking, lacking, "D", frame.INK, 0.24),
        (_harvest("yes"), grown["yes"], "o", words.ANSWERS["yes"].colour, 0.0),
        (_harvest("unknown"), grown["unknown"], "s", words.ANSWERS["unknown"].colour, -0.24),
    )
    for label, table, marker, colour, shift in lines:
        _whiskers(axes, table.reindex(names) / TONNE, label, marker, colour, shift)
    for at in range(0, len(names), 2):
        axes.axhspan(at - 0.5, at + 0.5, color=look.GROUND, zorder=0)
    axes.set_yticks(range(len(names)), [inert.clean(n, 40) for n in names])
    axes.invert_yaxis()
    axes.set_xscale("symlog", linthresh=1.0)
    axes.set_xlim(left=0)
    axes.set_xlabel(w.plots.needs.axis)
    frame.numbers(axes.xaxis)
    axes.grid(axis="x", color="#DDDDDD")
    frame.nothing(axes, w.plots.needs.nothing, empty=not names)
    frame.add(
        result,
        figure,
        axes,
        w.plots.needs.title,
        w.plots.needs.note,
    )


def _harvest(key: str) -> str:
    return str(w.plots.needs.harvest.format(word=words.ANSWERS[key].word))


def _lacking(result: Result) -> pd.DataFrame:
    wanted = yearly(demand(result.canteens, result.study.goal.organic_share))
    # a kitchen whose organic share is unknown leaves the total without a central value
    gaps = wanted.groupby("food_group")[[f"gap{end}" for end in ENDS]]
    return _three(gaps.sum(skipna=False))


def _grown(result: Result) -> dict[str, pd.DataFrame]:
    answers = result.blocks.set_index("block_id")["answer"]
    of = result.meals["block_id"].map({b: words.answer_key(a) for b, a in answers.items()})
    return {
        key: _three(
            result.meals[of == key].groupby("food_group")[[f"kg{end}" for end in ENDS]].sum()
        )
        for key in ("yes", "unknown")
    }


def _three(table: pd.DataFrame) -> pd.DataFrame:
    return table.set_axis(["low", "central", "high"], axis=1).astype("float64")


def _largest(group: str, *tables_: pd.DataFrame) -> float:
    highs = [table["high"].get(group, 0.0) for table in tables_]
    return max(float(high) for high in highs)


def _whiskers(  # noqa: PLR0913, PLR0917
    axes: Axes, table: pd.DataFrame, label: str, marker: str, colour: str, shift: float
) -> None:
    at = np.arange(len(table)) - shift
    axes.hlines(at, table["low"], table["high"], color=colour, linewidth=1.6)
    for end in ("low", "high"):
        axes.plot(table[end], at, "|", color=colour, markersize=6)
    axes.plot(table["central"], at, marker, color=colour, markersize=5, label=label)


def area_by_stage(result: Result, figure: Figure) -> None:
    """Draw the blocks' area (ha) by the SAFER's ten classes, split by answer."""
    stages = [*tables.STAGES, w.plots.stages.no_stage]
    blocks = pd.DataFrame(
        {
            "stage": result.blocks["stage"].fillna(w.plots.stages.no_stage),
            "key": [words.answer_key(value) for value in result.blocks["answer"]],
            "area": result.blocks["area_ha"],
        }
    )
    axes = figure.subplots()
    left = np.zeros(len(stages))
    for key, answer in words.ANSWERS.items():
        areas = blocks[blocks["key"] == key].groupby("stage")["area"].sum().reindex(stages)
        wide = areas.fillna(0.0).to_numpy()
        if wide.any():
            axes.barh(range(len(stages)), wide, left=left, label=answer.word, **frame.paint(answer))
            left += wide
    for at, total in enumerate(left):
        said = words.hectares(total) if total else words.DASH
        axes.text(total, at, f" {said}", va="center", fontsize="small", color=frame.INK)
    axes.set_yticks(range(len(stages)), stages)
    axes.invert_yaxis()
    axes.set_xlim(0, max(float(left.max()) * 1.15, 1.0))
    axes.set_xlabel(w.plots.stages.axis)
    frame.numbers(axes.xaxis)
    frame.nothing(axes, w.plots.stages.nothing, empty=blocks.empty)
    frame.add(result, figure, axes, w.plots.stages.title)


def confidence(result: Result, figure: Figure) -> None:
    """Draw how many parcels (blocks, for the public) have which share of their clues known."""
    unit = "parcels" if len(result.fallow) else "blocks"
    table = result.fallow if len(result.fallow) else result.blocks
    key = table["answer"].map(words.answer_key)
    said = [k for k in words.ANSWERS if (key == k).any()] or ["unknown"]
    panels = figure.subplots(len(said), sharex=True, squeeze=False)[:, 0]
    for axes, name in zip(panels, said, strict=True):
        answer = words.ANSWERS[name]
        shares = 100 * table.loc[key == name, "share_known"].astype("float64")
        axes.hist(shares, bins=np.arange(0, 105, 5), label=answer.word, **frame.paint(answer))
        axes.set_ylabel(w.plots.confidence[unit])
        panel = w.plots.confidence.panel.format(word=answer.word, count=w.counts[unit](len(shares)))
        axes.set_title(panel, color=answer.colour)
        axes.locator_params(axis="y", nbins=4, integer=True)
        frame.numbers(axes.yaxis)
    panels[-1].set_xlim(0, 100)
    panels[-1].set_xlabel(w.plots.confidence.axis)
    frame.nothing(panels[-1], w.plots.confidence.nothing, empty=table.empty)
    frame.add(result, figure, None, w.plots.confidence.title)


PLOTS: dict[str, Callable[[Result, Figure], None]] = {
    "needs_and_supply": needs_and_supply,
    "area_by_stage": area_by_stage,
    "routes": pareto.routes,
    "confidence": confidence,
    "months": mealplots.months,
    "before_after": mealplots.before_after,
    "area_by_crop": mealplots.area_by_crop,
    "plans": mealplots.plans,
}

"""What every plot shares: style, answers kept apart without colour, title, notes and sources.

Every text is drawn as it stands (no mathematics between two « $ »), cleaned first.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from friches.view import inert, words
from friches.view.lexicon import w

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from friches.result import Result

HATCHES = {"solid": "", "lines": "////", "none": "...."}
"""How the hatches of `words.ANSWERS` are written in Matplotlib."""
INK, QUIET = "#1A1A1A", "#6B6B6B"
SOURCES_SHOWN = 5
STYLE: dict[Any, Any] = {
    "text.parse_math": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titlesize": "medium",
    "axes.axisbelow": True,
    "font.size": 9.0,
    "hatch.linewidth": 0.7,
}


def paint(answer: words.Answer) -> dict[str, Any]:
    """Return bar colours: filled, hatched or dotted, so that grey paper keeps answers apart."""
    solid = answer.hatch == "solid"
    return {
        "facecolor": answer.colour if solid else "white",
        "edgecolor": answer.colour,
        "hatch": HATCHES[answer.hatch],
        "linewidth": 1.0,
    }


def numbers(axis: Any) -> None:
    """Write the ticks of an axis as French numbers."""
    from matplotlib.ticker import FuncFormatter

    axis.set_major_formatter(
        FuncFormatter(lambda value, _: words.number(value, 0 if float(value).is_integer() else 1))
    )


def nothing(axes: Axes, said: str, *, empty: bool) -> None:
    """Say in an empty plot what is absent."""
    if empty:
        axes.text(0.5, 0.5, said, transform=axes.transAxes, ha="center", va="center", color=QUIET)


def add(result: Result, figure: Figure, axes: Axes | None, title: str, note: str = "") -> None:
    """Add what every plot says: territory and day above, hedge, note and sources below."""
    about = result.study.study
    place = inert.clean(about.name, 60)
    if about.fictitious and words.FICTITIOUS not in place.lower():
        place = w.plots.place.format(name=place, fictitious=words.FICTITIOUS)
    headed = w.plots.title.format(title=title, place=place, day=words.day(about.day))
    figure.suptitle(headed, x=0.01, ha="left", fontsize=11)
    told = w.plots.foot.format(said=words.TO_CONFIRM)
    if note:
        told = w.plots.foot_note.format(said=words.TO_CONFIRM, note=note)
    foot = "\n".join(textwrap.fill(line, 125) for line in (told, sources(result)))
    made = figure.supxlabel(foot, x=0.01, ha="left", fontsize="x-small", color=INK)
    made.set_linespacing(1.3)
    if axes is not None and axes.get_legend_handles_labels()[0]:
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, fontsize="small",
                    frameon=False, borderaxespad=0.2, columnspacing=1.2)  # fmt: skip


def sources(result: Result) -> str:
    """Return « Sources : … » with each attribution once, the first ones named."""
    given = result.provenance["attribution"].dropna().astype(str)
    said = [inert.clean(text, 80) for text in dict.fromkeys(given) if text]
    more = len(said) - SOURCES_SHOWN
    rest = w.plots.sources_more.format(others=w.counts.others(more)) if more > 0 else ""
    first = " ; ".join(said[:SOURCES_SHOWN]) or w.plots.no_sources
    return str(w.plots.sources.format(said=first, rest=rest))

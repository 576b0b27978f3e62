"""The few lines in French that a run ends with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from friches.view import inert, words
from friches.view.lexicon import w

if TYPE_CHECKING:
    from friches.result import Result


def _parcels(said: dict[str, Any]) -> str:
    return str(
        w.headline.parcels.format(
            parcels=w.counts.parcels(said["parcels"]),
            area=words.number(said["area_ha"]),
            yes=words.number(said["parcels_fallow_yes"]),
            unknown=words.number(said["parcels_fallow_unknown"]),
        )
    )


def summary_lines(result: Result) -> list[str]:
    """Return the headline figures of a run, one short sentence a line."""
    said = result.summary
    about = result.study.study
    lines = [
        w.headline.place.format(name=about.name, day=words.day(about.day)),
        _parcels(said),
        w.headline.blocks.format(blocks=w.counts.candidate_blocks(said["blocks"])),
    ]
    meals, first = said.get("meals_per_year") or {}, said.get("first_meal_on") or {}
    if meals.get("central") is not None:
        told = words.meals(meals["low"], meals["central"], meals["high"])
        lines.append(w.headline.meals.format(meals=told))
    if first:
        told = words.months(first["low"], first["central"], first["high"])
        lines.append(w.headline.first.format(first=told))
    if said.get("allocation"):
        lines.append(said["allocation"])
    if said.get("plan"):
        lines.append(w.headline.plan.format(told=said["plan"]))
    if said["missing_layers"]:
        lines.append(w.headline.missing.format(layers=", ".join(result.missing["label"])))
    lines.append(w.headline.not_reviewed)
    if about.fictitious and words.FICTITIOUS.split()[-1] not in about.name:
        lines.append(w.headline.fictitious)
    return [inert.clean(line) for line in lines]  # a terminal obeys control characters

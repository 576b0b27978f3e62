"""The few lines in French that a run ends with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from friches.view import words

if TYPE_CHECKING:
    from friches.result import Result


def _parcels(said: dict[str, Any]) -> str:
    return (
        f"{words.plural(said['parcels'], 'parcelle')} ({words.number(said['area_ha'])} ha) : "
        f"{words.number(said['parcels_fallow_yes'])} en friche probable, "
        f"{words.number(said['parcels_fallow_unknown'])} à confirmer ou sans réponse"
    )


def summary_lines(result: Result) -> list[str]:
    """Return the headline figures of a run, one short sentence a line."""
    said = result.summary
    about = result.study.study
    lines = [
        f"{about.name}, au {words.day(about.day)}",
        _parcels(said),
        f"{words.plural(said['blocks'], 'îlot candidat', 'îlots candidats')}, à confirmer",
    ]
    meals, first = said.get("meals_per_year") or {}, said.get("first_meal_on") or {}
    if meals.get("central") is not None:
        told = words.meals(meals["low"], meals["central"], meals["high"])
        lines.append(f"Repas bio possibles par an, îlots probables : {told}")
    if first:
        told = words.months(first["low"], first["central"], first["high"])
        lines.append(f"Premier repas servi : {told}")
    if said["missing_layers"]:
        lines.append(f"Couches absentes : {', '.join(result.missing['label'])}")
    lines.append("Le droit affiché n'a pas été relu par un juriste.")
    if about.fictitious and "fictif" not in about.name:
        lines.append("Territoire fictif.")
    return lines

"""How far the blocks close the canteens' gap: the headline figures of an allocation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from friches.allocation.parameters import parameters
from friches.allocation.spread import ALL_GROUPS, ALL_KITCHENS

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

ENDS = {"low": "_low", "central": "", "high": "_high"}


def outcome(meals: pd.DataFrame, demand: pd.DataFrame, shares: pd.DataFrame) -> dict[str, Any]:
    """Return what the allocation feeds in a year, in cruise years, with its range.

    Parameters
    ----------
    meals : DataFrame
        Table « meals » of the counted blocks: what a sober plan of each block alone would feed.
    demand, shares : DataFrame
        Tables of those names, from the same run.

    Returns
    -------
    dict
        meals_per_year, organic_share_after {low, central, high}; canteen_meals_per_year,
        organic_share_now; gap_by_group, closed_by_group (kg a year, by group); meals_uncapped;
        `notes`, French sentences. No central value (None) where a canteen's organic share is not
        known; all None but meals_uncapped without canteens.
    """
    uncapped = {name: float(meals[f"meals{end}"].sum()) for name, end in ENDS.items()}
    total = demand.groupby(["canteen_id", "month"])["meals"].max().sum() if len(demand) else 0.0
    if not total > 0 or shares.empty:
        return _without_canteens(uncapped, none_given=demand.empty)
    rows = {
        str(row["food_group"]): row
        for row in shares[shares["canteen_id"] == ALL_KITCHENS].to_dict("records")
    }
    whole = rows.pop(ALL_GROUPS)
    known = bool(demand["gap"].notna().all())
    gaps = demand.groupby("food_group")[["gap_low", "gap", "gap_high"]].sum()
    return {
        "meals_per_year": _three(whole, "meals", known=known),
        "canteen_meals_per_year": float(total),
        "organic_share_now": float(whole["share_now"]) if known else None,
        "organic_share_after": _three(whole, "share_after", known=known),
        "meals_uncapped": uncapped,
        "gap_by_group": {
            str(group): _three(row, "gap", known=known)
            for group, row in zip(gaps.index, gaps.to_dict("records"), strict=True)
        },
        "closed_by_group": {
            group: _three(row, "kg", known=known) for group, row in sorted(rows.items())
        },
        "notes": _notes(known=known),
    }


def _three(row: Mapping[Any, Any], name: str, *, known: bool) -> dict[str, float | None]:
    return {
        key: None if key == "central" and not known else float(row[f"{name}{end}"])
        for key, end in ENDS.items()
    }


def _without_canteens(uncapped: dict[str, float], *, none_given: bool) -> dict[str, Any]:
    none = {"low": None, "central": None, "high": None}
    why = "aucune cantine fournie" if none_given else "les cantines fournies ne servent aucun repas"
    return {
        "meals_per_year": dict(none),
        "canteen_meals_per_year": None,
        "organic_share_now": None,
        "organic_share_after": dict(none),
        "meals_uncapped": uncapped,
        "gap_by_group": {},
        "closed_by_group": {},
        "notes": [f"{why} : repas possibles non plafonnés par un besoin (meals_uncapped)"],
    }


def _notes(*, known: bool) -> list[str]:
    low, high = (round(100 * end) for end in (parameters().low, parameters().high))
    drawn = (
        f"bas et haut : P{low} et P{high} de {parameters().draws} tirages de rendements, de "
        "besoins et de parts bio inconnues, surfaces inchangées (ASSUMPTION)"
    )
    notes = [
        "part bio en masse, d'après celle que les cantines déclarent en valeur (INFERENCE)",
        "repas complets équivalents : kilogrammes livrés, rapportés à la masse de tout un repas",
        drawn,
    ]
    if not known:
        notes.append(
            "part bio inconnue pour au moins une cantine : ce qui lui manque va de rien à tout, "
            "sans valeur centrale"
        )
    return notes

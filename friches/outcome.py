"""How far the blocks close the canteens' gap: the headline figures of an allocation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from friches.allocation.spread import ALL_GROUPS, ALL_KITCHENS

if TYPE_CHECKING:
    from collections.abc import Mapping

ENDS = {"low": "_low", "central": "", "high": "_high"}
NOTES = (
    "part bio en masse, d'après celle que les cantines déclarent en valeur (INFERENCE)",
    "repas complets équivalents : kilogrammes livrés, rapportés à la masse de tout un repas",
    "bas et haut : une fois sur dix plus bas, une fois sur dix plus haut, aux tirages près",
)


def outcome(meals: pd.DataFrame, demand: pd.DataFrame, shares: pd.DataFrame) -> dict[str, Any]:
    """Return the headline figures of what the blocks would feed in a year, in cruise years.

    Parameters
    ----------
    meals : DataFrame
        Table « meals » of the blocks answered yes: what they would grow each on its own.
    demand, shares : DataFrame
        Tables of those names.

    Returns
    -------
    dict
        meals_per_year, organic_share_after {low, central, high}; canteen_meals_per_year,
        organic_share_now; gap_by_group, closed_by_group (kg a year, by group); meals_uncapped;
        `notes`, French sentences. None where unknown.
    """
    uncapped = {name: float(meals[f"meals{end}"].sum()) for name, end in ENDS.items()}
    # A month counts once for all the groups of a kitchen.
    served = demand.drop_duplicates(["canteen_id", "month"])["meals"].sum()
    rows = {
        str(row["food_group"]): row
        for row in shares[shares["canteen_id"] == ALL_KITCHENS].to_dict("records")
    }
    if not served > 0 or not rows:
        return _without_canteens(uncapped, none_given=demand.empty)
    whole = rows.pop(ALL_GROUPS)
    gaps = demand.groupby("food_group")[["gap_low", "gap", "gap_high"]].sum(min_count=1)
    return {
        "meals_per_year": _three(whole, "meals"),
        "canteen_meals_per_year": float(served),
        "organic_share_now": _known(whole["share_now"]),
        "organic_share_after": _three(whole, "share_after"),
        "meals_uncapped": uncapped,
        "gap_by_group": {
            str(group): _three(row, "gap") for group, row in gaps.sort_index().iterrows()
        },
        "closed_by_group": {group: _three(row, "kg") for group, row in sorted(rows.items())},
        "notes": list(NOTES),
    }


def _without_canteens(uncapped: dict[str, float], *, none_given: bool) -> dict[str, Any]:
    none = dict.fromkeys(ENDS)
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


def _three(row: Mapping[Any, Any] | pd.Series[Any], name: str) -> dict[str, float | None]:
    return {told: _known(row[f"{name}{end}"]) for told, end in ENDS.items()}


def _known(value: Any) -> float | None:
    return None if pd.isna(value) else float(value)

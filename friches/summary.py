"""The headline figures of a run (summary.json): numbers, or nothing where unknown."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from friches import tables
from friches.outcome import outcome
from friches.promising import others, part
from friches.sources.exclusions import counted

if TYPE_CHECKING:
    from friches.result import Result

ENDS = {"low": "_low", "central": "", "high": "_high"}


def summarise(result: Result) -> Result:
    """Return `result` with its summary filled.

    Areas count the registered contenance, or the drawing where it is absent. Meals and dates
    are those of blocks whose answer is yes. `seconds` stays empty: the clock is told in
    manifest.json only, so that the same inputs give the same bytes.
    """
    registered = result.facts["area_registered_m2"].fillna(result.facts["area_m2"])
    yes = result.fallow["answer"].fillna(value=False).astype(bool)
    areas = pd.Series(registered.to_numpy(), index=result.facts["parcel_id"])
    found = result.fallow.loc[yes, "parcel_id"]
    unruled = result.fallow["answer"].isna().all()
    summary: dict[str, Any] = {
        "parcels": len(result.parcels),
        "area_ha": round(float(areas.sum()) / 10_000, 2),
        "parcels_fallow_yes": int(yes.sum()),
        "parcels_fallow_unknown": int(result.fallow["answer"].isna().sum()),
        "area_fallow_ha": None if unruled else round(float(areas.loc[found].sum()) / 10_000, 2),
        "parcels_withdrawn": withdrawn(result),
        "blocks": len(result.blocks),
    }
    summary |= _food(result)
    summary["first_meal_on"] = first_meal(result)
    summary["missing_layers"] = sorted(result.missing["layer"])
    summary["seconds"] = None
    return replace(result, summary=summary)


def withdrawn(result: Result) -> int:
    """Return how many parcels are left out at somebody's request."""
    if result.exclusions is None:
        return 0
    return counted(result.exclusions, result.parcels)["withdrawn"]


def _food(result: Result) -> dict[str, Any]:
    sure = set(result.blocks.loc[result.blocks["answer"].fillna(value=False), "block_id"])
    grown = result.meals[result.meals["block_id"].isin(sure)]
    told = outcome(grown, _table(result.demand, "demand"), _table(result.shares, "shares"))
    found = {name: _rounded(value) for name, value in told.items()}
    found["notes"] = [*found["notes"], *weighed(result)]
    for name, table in (("allocation", result.plots), ("plan", result.openings)):
        found[name] = None if table is None else table.attrs.get("told")
    return found


def weighed(result: Result) -> list[str]:
    """Say which figures are of the blocks weighed alone, where the territory has too many."""
    solved = {} if result.plots is None else result.plots.attrs.get("solved", {})
    said = solved.get("left_out")
    if said is None:
        return []
    told = (
        f"meals_per_year, organic_share_after et closed_by_group : {part(said)} sont seuls "
        f"répartis entre fermes et cantines ; {others(said)} ne comptent que dans meals_uncapped, "
        "s'ils sont en friche à coup sûr"
    )
    return [told]


def _table(table: pd.DataFrame | None, name: str) -> pd.DataFrame:
    return tables.empty(name) if table is None else table


def _rounded(value: Any) -> Any:
    """Round to four decimals: nothing here is known better, and bytes must not depend on it."""
    if isinstance(value, dict):
        return {name: _rounded(inner) for name, inner in value.items()}
    return round(value, 4) if isinstance(value, float) else value


def first_meal(result: Result) -> dict[str, str | None] | None:
    """Return the first served meal's date over blocks answered yes, by their advised route."""
    sure = set(result.blocks.loc[result.blocks["answer"].fillna(value=False), "block_id"])
    advised = result.routes["block_id"].isin(sure) & (result.routes["order"] == 1)
    dates = {
        end: result.routes.loc[advised, f"first_meal_on{column}"].min()
        for end, column in ENDS.items()
    }
    if any(pd.isna(day) for day in dates.values()):
        return None
    return {end: day.date().isoformat() for end, day in dates.items()}

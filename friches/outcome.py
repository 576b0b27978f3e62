"""How far the blocks close the canteens' gap: headline figures, low, central and high."""

from __future__ import annotations

import json
from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.optimize import LinearConstraint, milp
from scipy.sparse import coo_array

from friches.demand import ENDS, demand, organic_goal, yearly

if TYPE_CHECKING:
    from collections.abc import Mapping

NAMES = {"_low": "low", "": "central", "_high": "high"}


class Case(NamedTuple):
    """One case of supply, needs and present organic share."""

    meals: float
    now: float
    after: float
    closed: dict[str, float]


def outcome(
    meals: pd.DataFrame, canteens: pd.DataFrame, matches: pd.DataFrame, goal: Any = 1.0
) -> dict[str, Any]:
    """Return the headline figures of what the blocks would feed in a year, in cruise years.

    A harvest can go to any kitchen in its reach, and no food group counts beyond what these
    kitchens still lack; within this, as much as possible is delivered, so more land or one more
    canteen never lowers the total. Shares are by mass of what the kitchens buy. The low end is
    the worst of all cases of need and of present organic share, the high end the best.

    Parameters
    ----------
    meals, matches : DataFrame
        Result tables. `matches.canteens_in_reach` (JSON list of canteen_id) says which kitchens
        a block reaches; where it is absent, `canteen_id` alone.
    canteens : DataFrame
        Table « canteens ».
    goal : float or object with `organic_share`
        Organic share aimed at, 0 to 1.

    Returns
    -------
    dict
        meals_per_year, organic_share_after {low, central, high}; canteen_meals_per_year,
        organic_share_now; gap_by_group, closed_by_group (kg a year, by group); meals_uncapped;
        `notes`, French sentences. None where unknown.

    Raises
    ------
    InputError
        Unknown audience, negative meals, share or goal outside 0 to 1.
    """
    organic_goal(goal)
    wanted = yearly(demand(canteens, goal))
    uncapped = {NAMES[end]: float(meals[f"meals{end}"].sum()) for end in ENDS}
    total = wanted.drop_duplicates("canteen_id")["meals"].sum()
    if not total > 0:
        return _without_canteens(uncapped, none_given=canteens.empty)
    supply = _supply(meals, matches, set(wanted["canteen_id"]))
    known = bool(wanted["organic_share"].notna().all())
    central = _case(wanted, supply, ("", ""), np.nan, organic_goal(goal)) if known else None
    unknowns = (0.0,) if known else (0.0, 1.0)
    cases = {
        name: [
            _case(wanted, supply, (end, needs), share, organic_goal(goal))
            for needs, share in product(ENDS, unknowns)
        ]
        for end, name in (("_low", "low"), ("_high", "high"))
    }
    groups = sorted(wanted["food_group"].unique())
    return {
        "meals_per_year": _three(cases, central, lambda case: case.meals),
        "canteen_meals_per_year": float(total),
        "organic_share_now": central.now if central else None,
        "organic_share_after": _three(cases, central, lambda case: case.after),
        "meals_uncapped": uncapped,
        "gap_by_group": {group: _gap(wanted, group, known=known) for group in groups},
        "closed_by_group": {
            group: _three(cases, central, lambda case, of=group: case.closed[of])
            for group in groups
        },
        "notes": _notes(known=known),
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
    notes = [
        "part bio en masse, d'après celle que les cantines déclarent en valeur (INFERENCE)",
        "repas complets équivalents : kilogrammes livrés, rapportés à la masse de tout un repas",
    ]
    if not known:
        notes.append(
            "part bio inconnue pour au moins une cantine : ce qui lui manque va de rien à tout, "
            "sans valeur centrale"
        )
    return notes


def _three(
    cases: Mapping[str, list[Case]], central: Case | None, read: Any
) -> dict[str, float | None]:
    return {
        "low": min(read(case) for case in cases["low"]),
        "central": read(central) if central else None,
        "high": max(read(case) for case in cases["high"]),
    }


def _gap(wanted: pd.DataFrame, group: str, *, known: bool) -> dict[str, float | None]:
    rows = wanted[wanted["food_group"] == group]
    return {NAMES[end]: float(rows[f"gap{end}"].sum()) if known or end else None for end in ENDS}


def _supply(
    meals: pd.DataFrame, matches: pd.DataFrame, kitchens: set[str]
) -> dict[str, pd.DataFrame]:
    # Blocks that reach the same kitchens are one supplier: few sets, small programmes.
    none: tuple[str, ...] = ()
    reached = {
        str(row["block_id"]): tuple(sorted(kitchens.intersection(_reached(row))))
        for row in matches.to_dict("records")
    }
    kg = ["kg_low", "kg", "kg_high"]
    to = pd.Series(
        [reached.get(str(block), none) for block in meals["block_id"]], meals.index, dtype=object
    )
    table = meals.loc[to.map(len) > 0, ["food_group", *kg]].assign(to=to)
    sums = table.groupby(["food_group", "to"], sort=True)[kg].sum().reset_index()
    return {str(group): rows for group, rows in sums.groupby("food_group", sort=True)}


def _reached(row: Mapping[Any, Any]) -> list[str]:
    listed, one = row.get("canteens_in_reach"), row.get("canteen_id")
    if isinstance(listed, str):
        return [str(name) for name in json.loads(listed)]
    return [] if one is None or pd.isna(one) else [str(one)]


def _case(
    wanted: pd.DataFrame,
    supply: Mapping[str, pd.DataFrame],
    ends: tuple[str, str],
    unknown_share: float,
    goal: float,
) -> Case:
    end, needs = ends
    organic = wanted["organic_share"].fillna(unknown_share)
    kg = wanted[f"kg{needs}"]
    gap = kg * (goal - organic).clip(lower=0)
    now = float((organic * wanted["kg"]).sum() / wanted["kg"].sum())
    room = gap.set_axis(pd.MultiIndex.from_frame(wanted[["food_group", "canteen_id"]]))
    closed = dict.fromkeys(sorted(wanted["food_group"].unique()), 0.0)
    for group, given in supply.items():
        closed[group] = delivered(given["to"], given[f"kg{end}"], room.loc[group])
    total, bought = sum(closed.values()), float(kg.sum())
    served = float(wanted.drop_duplicates("canteen_id")[f"meals{needs}"].sum())
    after = now + total / bought
    return Case(served * total / bought, now, min(max(after, now), 1.0), closed)


def delivered(to: pd.Series[Any], kg: pd.Series[float], room: pd.Series[float]) -> float:
    """Return the most that suppliers can deliver: each to its own kitchens, none beyond its room.

    Parameters
    ----------
    to : Series of tuple of str
        Kitchens each supplier reaches.
    kg : Series
        What each supplier has (kg), aligned with `to`.
    room : Series
        What each kitchen can take (kg), by canteen_id.

    Returns
    -------
    float
        kg delivered: the optimum of a transport programme (HiGHS).
    """
    links = [(s, c) for s, names in enumerate(to) for c in names]
    if len(room) == 1 or len(to) == 1:
        asked = float(room.loc[sorted({c for _, c in links})].sum())
        return min(float(kg.sum()), asked)
    position = {name: len(to) + i for i, name in enumerate(room.index)}
    rows = [s for s, _ in links] + [position[c] for _, c in links]
    columns = [*range(len(links)), *range(len(links))]
    ones = np.ones(len(rows))
    limits = np.concatenate([kg.to_numpy(), room.to_numpy()])
    scale = max(float(limits.max()), 1.0)
    passing = coo_array((ones, (rows, columns)), shape=(len(limits), len(links)))
    found = milp(
        -np.ones(len(links)), constraints=LinearConstraint(passing.tocsc(), ub=limits / scale)
    )
    if found.fun is None:
        raise RuntimeError(f"transport programme not solved: {found.message}")
    return min(-float(found.fun) * scale, float(kg.sum()), float(room.sum()))

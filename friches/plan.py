"""Which blocks to open, by which route and when, for a goal, a budget and a team."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from friches.errors import Breach, InputError
from friches.planning import words
from friches.planning.case import Case, Posed, case, enough, most, posed
from friches.planning.forward import forward
from friches.planning.front import front, measured, no_front
from friches.planning.goal import Goal, Limits, check_goal, read_goal
from friches.planning.holds import holding
from friches.planning.options import ENDS, READ, brought
from friches.planning.outlets import taken
from friches.planning.programme import WITHIN, Solved, more, settle
from friches.promising import promising, without
from friches.studyfile import TOLD_IN_FULL
from friches.supply import calendar as sold_calendar
from friches.tables import TABLES, check, empty

if TYPE_CHECKING:
    import datetime as dt

__all__ = ["Goal", "Limits", "Planned", "plan", "read_goal"]

SECONDS = 45.0
"""What all the programmes of one plan may take together."""
NEEDED = {
    "blocks": ("block_id", "area_ha", "stage"),
    "routes": ("block_id", "instrument", "title", "answer", "order"),
    "demand": ("canteen_id", "food_group", "month", "meals", "kg", "organic_now"),
}
HARVEST = ("block_id", "crop", "food_group", "kg_low", "kg", "kg_high")

NOTHING = Solved(np.array([], dtype=np.int64), 0.0, 0.0)
NO_LIMIT: list[str] = []


class Planned(NamedTuple):
    """A plan: its openings, the plans that no other beats, the sentence, and how it was solved.

    `openings`: table of that name, with counted columns area_ha, kg (of the goal's groups, expected
    at the date) and brings_share. `front`: see `friches.planning.front.front`. `solved`: reached,
    share_of_goal, organic_share, kg (with ends), meals, cost_eur, blocks, limits (names of what
    holds a goal back), gap (share of what was sought that may be left; missing where the cheapest
    plan was not found in time), openings_weighed.
    """

    openings: pd.DataFrame
    front: pd.DataFrame
    sentence: str
    solved: dict[str, Any]


def plan(  # noqa: PLR0913, PLR0917 - one argument a table
    blocks: pd.DataFrame,
    routes: pd.DataFrame,
    meals: pd.DataFrame,
    demand: pd.DataFrame,
    day: dt.date,
    goal: Goal | str,
    allocation: Any = None,
    limits: Limits | None = None,
    *,
    calendar: pd.DataFrame | None = None,
    unsure: bool = False,
    with_front: bool = True,
    seconds: float = SECONDS,
    told_in_full: int = TOLD_IN_FULL,
) -> Planned:
    """Choose the smallest set of openings that reaches a goal, or the most that can be.

    What an opening brings at the goal's date is its yearly harvest there: kilograms in cruise,
    times the year of the ramp after the land is free (clearing, conversion), nothing before the
    first meal, times the chance that the route succeeds; sold only in the months when the kitchens
    can take it. Closed routes never count, nor those without a date, a cost or a chance.

    The smallest set is the cheapest (central costs), then the one with least days to first meals,
    then with least blocks. A team that runs so many procedures at once starts others later, by
    quarters (once a year where blocks are many); a start put off moves the land by as much and the
    first meal by whole years (seasons do not move). At most six routes a block are weighed, those
    that no other beats on cost, dates and chance first.

    Parameters
    ----------
    blocks, routes, demand : DataFrame
        Tables of those names.
    meals : DataFrame
        Table « meals »: harvests where there is no allocation.
    day : date
        First day of the routes' procedures (the study's day).
    goal : Goal or str
        « légumes=100%@2029-09 »: a food group or « tout », an organic share, a day.
    allocation : optional
        Anything with a table `plots` (an `Allocation`): its crops and blocks instead of `meals`;
        those with `counted` false are blocks to check.
    limits : Limits, optional
        Budget, procedures at once, greatest chance of failure of an opening.
    calendar : DataFrame, optional
        crop, month, share, keeps; by default `friches.supply.calendar()`.
    unsure : bool
        Count the blocks that are not known to lie fallow too.
    with_front : bool
        Also seek the plans that no other beats (a dozen programmes more).
    seconds : float
        What all programmes may take together; beyond, the best found so far.
    told_in_full : int
        Blocks that are weighed at most, the most promising ones (`friches.promising`); the
        sentence says so.

    Returns
    -------
    Planned

    Raises
    ------
    InputError
        Unknown group, share over 1, past date, negative budget, missing columns: all at once.
    """
    kept = limits or Limits()
    aimed = read_goal(goal) if isinstance(goal, str) else goal
    _check_columns({"blocks": blocks, "routes": routes, "demand": demand})
    check_goal(aimed, kept, set(demand["food_group"].astype(str)), day)
    blocks, left = promising(blocks, told_in_full)
    harvest = without(harvests(blocks, meals, allocation), left)
    if unsure:
        harvest = harvest.assign(counted=True)
    sold = sold_calendar() if calendar is None else calendar
    routes = without(routes[[name for name in READ if name in routes.columns]], left)
    one = case(blocks, routes, harvest, demand, sold, aimed, kept, day, seconds, left)
    question = posed(one)
    if one.outlets.need <= 0:
        found, held, because = NOTHING, NO_LIMIT, ""
    else:
        found, held, because = _chosen(one, question)
        sooner = forward(question.options, found.chosen, kept.at_once)
        found = found._replace(chosen=sooner)
    table = question.options.table.iloc[found.chosen]
    solved = _solved(one, question, found) | {"limits": held, "reached": not held}
    tell = words.short(one, solved, because) if held else words.reached(one, solved)
    plans = front(one, question) if with_front else no_front()
    return Planned(_openings(one, question, table), plans, tell, solved)


def harvests(blocks: pd.DataFrame, meals: pd.DataFrame, allocation: Any = None) -> pd.DataFrame:
    """Return the harvests of the blocks: block_id, crop, food_group, kg with ends, meals, counted.

    Those of the allocation's plots where there is one, else of the table « meals ». `counted`: the
    block is known to lie fallow. `meals` is missing for plots.
    """
    source = meals if allocation is None else allocation.plots
    table = source[list(HARVEST)].astype({"block_id": "str"})
    table["meals"] = source["meals"] if "meals" in source.columns else np.nan
    if allocation is not None and "counted" in source.columns:
        table["counted"] = source["counted"].astype(bool)
    elif "answer" in blocks.columns:
        answer = blocks.set_index(blocks["block_id"].astype(str))["answer"].astype("boolean")
        sure = table["block_id"].map(answer).astype("boolean")
        table["counted"] = sure.fillna(value=False).astype(bool)
    else:
        table["counted"] = True
    return table.sort_values(["block_id", "crop"], ignore_index=True)


def _check_columns(given: dict[str, pd.DataFrame]) -> None:
    breaches = [
        Breach(f"colonne(s) manquante(s) : {', '.join(absent)}", name, "donner ces colonnes")
        for name, table in given.items()
        if (absent := [column for column in NEEDED[name] if column not in table.columns])
    ]
    if breaches:
        raise InputError(breaches)


def _chosen(one: Case, question: Posed) -> tuple[Solved, list[str], str]:
    """Return the openings, then what holds the goal back where they do not reach it."""
    reach, table = question.programme.reach, question.options.table
    cost = table["cost_eur"].to_numpy(dtype=float)
    days = (table["first_meal_on"] - pd.Timestamp(one.day)).dt.days.to_numpy(dtype=float)
    ranks = 1 + np.arange(len(table)) / (len(table) ** 2 + 1.0)
    aims = [cost, days, ranks]
    tight = more(question.programme, reach, 1.0, np.inf)
    found = settle(tight, aims, one.deadline)
    if not np.isnan(found.value):
        return found, [], ""
    near = most(one, question)
    if np.isnan(near.value):
        near = NOTHING
    elif enough(near):  # no cheapest plan found in time: this one reaches the goal, at any cost
        return near._replace(gap=float("nan")), [], ""
    part = max(-near.value, 0.0)
    least = more(question.programme, reach, max(part - WITHIN, 0.0), np.inf)
    cheapest = settle(least, aims, one.deadline)
    held, because = holding(one)
    kept = near if np.isnan(cheapest.value) else cheapest
    return kept._replace(gap=near.gap), held, because


def _solved(one: Case, question: Posed, found: Solved) -> dict[str, Any]:
    rows = question.options.table.iloc[found.chosen]
    told = measured(one, question, found.chosen)
    areas = one.blocks.set_index(one.blocks["block_id"].astype(str))["area_ha"]
    for end in ENDS:
        kg = brought(rows, one.harvest, question.options.crops, one.goal.by, end)
        told[f"kg{end}"] = taken(kg.sum(axis=0), question.sales, one.outlets.room)
    wanted = one.goal.share * one.outlets.bought
    now = wanted - one.outlets.need
    return told | {
        "organic_share_now": now / one.outlets.bought if one.outlets.bought else float("nan"),
        "organic_share": (now + told["kg"]) / one.outlets.bought if one.outlets.bought else np.nan,
        "need_kg": max(one.outlets.need, 0.0),
        "area_ha": float(areas.reindex(rows["block_id"]).sum()),
        "last_meal_on": rows["first_meal_on"].max() if len(rows) else None,
        "gap": found.gap,
        "openings_weighed": len(question.options.table),
    }


def _openings(one: Case, question: Posed, chosen: pd.DataFrame) -> pd.DataFrame:
    if chosen.empty:
        none: pd.DataFrame = empty("openings", extra={"area_ha": "float64", "kg": "float64"})
        return none
    table = chosen.sort_values(
        ["starts_on", "first_meal_on", "brings", "block_id"],
        ascending=[True, False, False, True],
        ignore_index=True,
    )
    harvest = one.harvest.assign(
        meals=one.harvest["meals"].fillna(one.harvest["kg"] / one.outlets.per_meal)
    )
    fed = harvest.groupby("block_id")["meals"].sum()
    areas = one.blocks.set_index(one.blocks["block_id"].astype(str))["area_ha"]
    table["why"] = [words.why(row, one, question) for row in table.to_dict("records")]
    table["position"] = pd.Series(range(1, len(table) + 1), dtype="Int64")
    table["meals"] = table["block_id"].map(fed)
    table["area_ha"] = table["block_id"].map(areas)
    table = table.rename(columns={"brings": "kg"})
    named = [column.name for column in TABLES["openings"].columns]
    return check(table[[*named, "area_ha", "kg"]], "openings", "plan d'action")

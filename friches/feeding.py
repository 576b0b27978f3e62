"""From harvests to plates: who grows what for whom, at what price, and what to open first.

The stages « matches » and « plan » of the path, as functions of tables.
"""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace
from typing import TYPE_CHECKING

from friches import tables
from friches.allocation import allocate, sentence
from friches.demand import demand
from friches.meals import grow
from friches.plan import plan
from friches.planning.goal import Goal, Limits
from friches.price import prices
from friches.spatial.beside import neighbours as touching
from friches.supply import supply as borne

if TYPE_CHECKING:
    import pandas as pd

    from friches.studyfile import Study

YEARS_AHEAD = 5
"""Horizon of the plan where the study names no day (ASSUMPTION: a municipal term and a half)."""
FRONT_BLOCKS = 300
"""Plans that no other beats are sought up to so many blocks (a dozen programmes more)."""


def harvests(
    blocks: pd.DataFrame, members: pd.DataFrame, facts: pd.DataFrame
) -> dict[str, pd.DataFrame]:
    """Return supply (what each block can bear) and meals (one sober plan a block on its own)."""
    return {"supply": borne(blocks, members, facts), "meals": grow(blocks, members, facts)}


def neighbours(blocks: pd.DataFrame, farm_fields: pd.DataFrame | None) -> pd.DataFrame:
    """Return which farms' own fields touch a block; nothing where no farm gave its fields."""
    if farm_fields is None or blocks.empty:
        none: pd.DataFrame = tables.empty("neighbours")
        return none
    return touching(blocks, farm_fields)


def feed(  # noqa: PLR0913, PLR0917 -- one argument a table
    blocks: pd.DataFrame,
    supply: pd.DataFrame,
    reach: pd.DataFrame,
    canteens: pd.DataFrame,
    farmers: pd.DataFrame,
    beside: pd.DataFrame,
    study: Study,
) -> dict[str, pd.DataFrame]:
    """Return demand, neighbours, plots, flows, balance, shares, limits, matches and prices.

    Of more blocks than the study tells in full, the most promising alone are shared out.
    `plots.attrs` holds « told », the sentence of the allocation, and « solved », how it was solved.
    """
    share = study.goal.organic_share
    wanted = demand(canteens, share)
    found = allocate(
        blocks, supply, reach, farmers, wanted, study.reach, share, beside,
        told_in_full=study.study.told_in_full,
    )  # fmt: skip
    made = found._asdict()
    solved = made.pop("solved")
    made["plots"].attrs |= {"told": sentence(found, study), "solved": solved}
    near = reach[reach["block_id"].isin(found.plots["block_id"])]
    cost = prices(found.plots, found.flows, wanted, near)
    return made | {"demand": wanted, "neighbours": beside, "prices": cost}


def open_in_order(
    blocks: pd.DataFrame,
    routes: pd.DataFrame,
    grown: pd.DataFrame,
    fed: dict[str, pd.DataFrame],
    study: Study,
) -> dict[str, pd.DataFrame]:
    """Return openings (which block, by which route, when) and front (plans no other beats).

    Of more blocks than the study tells in full, the most promising alone are weighed.
    `openings.attrs` holds « told », the sentence of the plan, and « goal », what it aims at.
    """
    day, aimed = study.study.day, study.goal
    if fed["demand"].empty or blocks.empty or routes.empty:
        return {"openings": tables.empty("openings")}
    by = aimed.by or dt.date(day.year + YEARS_AHEAD, day.month, 1)
    goal = Goal(aimed.food_group, aimed.organic_share, by)
    limits = Limits(aimed.budget_eur, aimed.at_once)
    found = plan(
        blocks, routes, grown, fed["demand"], day, goal,
        SimpleNamespace(plots=fed["plots"]), limits, with_front=len(blocks) <= FRONT_BLOCKS,
        told_in_full=study.study.told_in_full,
    )  # fmt: skip
    told = {"told": found.sentence, "goal": f"{goal.food_group}, {goal.share:.0%}, {by}"}
    found.openings.attrs |= told
    return {"openings": found.openings, "front": found.front}

"""One question put to the programme: the openings allowed, the kitchens, the limits kept."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from friches.planning.options import in_time, usable_routes
from friches.planning.outlets import outlets, sales
from friches.planning.programme import best, programme

if TYPE_CHECKING:
    import datetime as dt

    import pandas as pd

    from friches.planning.goal import Goal, Limits
    from friches.planning.options import Options
    from friches.planning.outlets import Outlets, Sales
    from friches.planning.programme import Programme, Solved
    from friches.promising import Left

QUARTER_DAYS = 91


class Case(NamedTuple):
    """What a plan is made from."""

    blocks: pd.DataFrame
    routes: pd.DataFrame
    harvest: pd.DataFrame
    calendar: pd.DataFrame
    outlets: Outlets
    goal: Goal
    limits: Limits
    day: dt.date
    deadline: float
    left: Left | None = None  # blocks left out of a large territory


class Posed(NamedTuple):
    """A case as a programme."""

    options: Options
    sales: Sales
    programme: Programme
    starts: int


def case(  # noqa: PLR0913, PLR0917 - one argument a table
    blocks: pd.DataFrame,
    routes: pd.DataFrame,
    harvest: pd.DataFrame,
    demand: pd.DataFrame,
    calendar: pd.DataFrame,
    goal: Goal,
    limits: Limits,
    day: dt.date,
    seconds: float,
    left: Left | None = None,
) -> Case:
    """Return a case; `seconds` is what it may take altogether."""
    found = outlets(demand, goal)
    deadline = time.monotonic() + seconds
    return Case(blocks, routes, harvest, calendar, found, goal, limits, day, deadline, left)


def posed(
    one: Case,
    *,
    unsure: bool = False,
    dated: bool = True,
    season: bool = True,
    limits: Limits | None = None,
) -> Posed:
    """Return a case as a programme, some of its limits let go.

    Parameters
    ----------
    one : Case
    unsure : bool
        Count the blocks that are not known to lie fallow.
    dated : bool
        Keep the date; else count cruise years, whenever they come (the team has all its time).
    season : bool
        Keep the months in which crops are sold.
    limits : Limits, optional
        Instead of those of the case.
    """
    kept = one.limits if limits is None else limits
    harvest = one.harvest if unsure else one.harvest[one.harvest["counted"]]
    routes = usable_routes(one.routes, one.blocks, kept.risk)
    starts = 1
    if not dated:
        kept = kept._replace(at_once=None)
    elif kept.at_once is not None:
        starts = max((one.goal.by - one.day).days // QUARTER_DAYS, 1)
    by = one.goal.by if dated else None
    options = in_time(routes, harvest, set(one.outlets.groups), one.day, by, starts=starts)
    group_of = dict(zip(harvest["crop"], harvest["food_group"], strict=True))
    known = sales(options.crops, group_of, one.outlets.groups, one.calendar)
    made = programme(options, known, one.outlets, kept, starts, season=season)
    return Posed(options, known, made, starts)


def most(one: Case, question: Posed, seconds: float = 10.0) -> Solved:
    """Return the openings that bring the goal nearest; `value`: minus the parts of it reached."""
    return best(question.programme, -question.programme.reach, one.deadline, most=seconds)


def enough(found: Solved) -> bool:
    """Return whether a solution of `most` reaches the goal."""
    return bool(-found.value >= 1 - 1e-6) and not np.isnan(found.value)

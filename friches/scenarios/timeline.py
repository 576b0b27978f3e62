"""Delays as the law counts them, and the dated steps of a procedure: low, central and high.

A step ends on a working day. Low takes the statutory delays whole, central and high what practice
adds; where a procedure forks (owner silent, owner commits then fails) low is the shorter branch,
central the expected one, high the longer. Optional steps count in the high dates alone.
"""

from __future__ import annotations

import datetime as dt
import tomllib
from functools import cache
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import networkx as nx
import pandas as pd
from dateutil.easter import easter
from dateutil.relativedelta import relativedelta

from friches.errors import refuse

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from friches.judge import Step

BOUNDS = ("low", "central", "high")
SUFFIXES = ("_low", "", "_high")
Dates = tuple[dt.date, dt.date, dt.date]
"""The low, central and high date of one event, never out of order."""
_FRENCH = {
    "day": ("jour", "jours"),
    "week": ("semaine", "semaines"),
    "month": ("mois", "mois"),
    "year": ("an", "ans"),
}


@cache
def _holiday_rules() -> dict[str, Any]:
    text = Path(__file__).with_name("calendar.toml").read_text("utf-8")
    rules: dict[str, Any] = tomllib.loads(text)["holidays"]
    return rules


@cache
def holidays(year: int) -> frozenset[dt.date]:
    """Return the public holidays of mainland France in one year (calendar.toml, RECALLED)."""
    rules = _holiday_rules()
    fixed = {dt.date.fromisoformat(f"{year}-{day}") for day in rules["fixed"]}
    sunday = easter(year)
    return frozenset(fixed | {sunday + dt.timedelta(n) for n in rules["days_after_easter"]})


def working_day(day: dt.date) -> dt.date:
    """Return `day`, or the next one that is no Saturday, Sunday nor public holiday."""
    while day.weekday() >= 5 or day in holidays(day.year):
        day += dt.timedelta(1)
    return day


@cache
def plus(day: dt.date, duration: str) -> dt.date:
    """Add a duration like « 2 months » by the calendar: 31 January + 1 month = 28 February."""
    count, unit = duration.rstrip("s").split(" ")
    added: Any = {f"{unit}s": int(count)}
    later: dt.date = day + relativedelta(**added)
    return later


@cache
def due(day: dt.date, duration: str) -> dt.date:
    """Return the last day of a delay from `day`, moved to a working day (calendar.toml)."""
    return working_day(plus(day, duration))


def french(duration: str) -> str:
    """Write « 2 months » as « 2 mois »."""
    count, unit = duration.rstrip("s").split(" ")
    return f"{count} {_FRENCH[unit][int(count) > 1]}"


def ordered(dates: Iterable[dt.date]) -> Dates:
    """Return low, central, high with each at least the one before (months and days may cross)."""
    low, central, high = dates
    central = max(low, central)
    return low, central, max(central, high)


def graph(steps: Sequence[Step], where: str) -> nx.DiGraph[str]:
    """Return the graph of steps, an edge from each step to those that follow it.

    Raises
    ------
    InputError
        When steps wait for one another in a circle, or for a step that does not exist.
    """
    known = {step.id for step in steps}
    links: nx.DiGraph[str] = nx.DiGraph()
    links.add_nodes_from(step.id for step in steps)
    for step in steps:
        for name in step.after:
            if name not in known:
                raise refuse(
                    f"étape « {step.id} » : « {name} » n'existe pas", where, "corriger « after »"
                )
            links.add_edge(name, step.id)
    if not nx.is_directed_acyclic_graph(links):
        circle = " → ".join(edge[0] for edge in nx.find_cycle(links))
        raise refuse(f"étapes en cercle : {circle}", where, "corriger « after »")
    return links


def durations(step: Step, where: str = "") -> tuple[str, str, str]:
    """Return how long a step takes, low / central / high: practice, else the statutory delay.

    Raises
    ------
    InputError
        When the step has neither a delay nor a practice.
    """
    if step.practice:
        return step.practice.low, step.practice.central, step.practice.high
    stated = step.lasts or step.within or step.at_least
    if not stated:
        raise refuse(f"étape « {step.id} » sans durée", where, "donner un délai ou « practice »")
    return stated, stated, stated


def end(step: Step, starts: Dates, where: str = "") -> Dates:
    """Return the end of a step; never before the delay that the text fixes or sets as shortest."""
    floor = step.lasts or step.at_least or "0 days"
    return ordered(
        max(due(day, lasting), due(day, floor))
        for day, lasting in zip(starts, durations(step, where), strict=True)
    )


def forks(steps: Sequence[Step]) -> list[list[str]]:
    """Return the branches of each fork: those whose first steps wait for the same steps.

    A branch alone at its fork is always taken.
    """
    places: dict[frozenset[str], list[str]] = {}
    seen: set[str] = set()
    for step in steps:
        if step.branch and step.branch not in seen:
            seen.add(step.branch)
            places.setdefault(frozenset(step.after), []).append(step.branch)
    return list(places.values())


def expected(steps: Sequence[Step], named: str = "", where: str = "") -> list[str]:
    """Return the branch of central dates at each fork: the one `named`, else the first.

    Raises
    ------
    InputError
        When a name (several go with spaces between) is that of no branch.
    """
    told = forks(steps)
    known = {branch for branches in told for branch in branches}
    wanted = named.split()
    for name in wanted:
        if name not in known:
            raise refuse(f"branche « {name} » inconnue", where, f"branches : {sorted(known)}")
    return [next((n for n in wanted if n in branches), branches[0]) for branches in told]


def schedule(
    steps: Sequence[Step], day: dt.date, expected_branch: str = "", where: str = ""
) -> dict[str, tuple[Dates, Dates]]:
    """Date every step of a procedure that starts on `day`.

    Parameters
    ----------
    steps : sequence of Step
        Steps of one version of an instrument.
    day : date
        First day of the steps that wait for none.
    expected_branch : str, optional
        The branch of the central dates (one a fork, with spaces between); by default the first one
        named.
    where : str, optional
        What to name in messages.

    Returns
    -------
    dict of str to (Dates, Dates)
        For each step, in an order where none comes before what it waits for: start and end.

    Raises
    ------
    InputError
        Circles, steps without duration, unknown branch.
    """
    links = graph(steps, where)
    place = {step.id: n for n, step in enumerate(steps)}
    names = list(nx.lexicographical_topological_sort(links, key=lambda name: place[name]))
    central = expected(steps, expected_branch, where)
    inorder = [steps[place[name]] for name in names]
    # every combination of branches, the expected one first
    paths = [tuple(central), *(path for path in product(*forks(steps)) if path != tuple(central))]
    runs = [_run(inorder, day, {"", *path}, where) for path in paths]
    return {step.id: _joined(step.id, runs) for step in inorder if any(step.id in r for r in runs)}


def _run(
    steps: Sequence[Step], day: dt.date, taken: set[str], where: str
) -> dict[str, tuple[Dates, Dates]]:
    dated: dict[str, tuple[Dates, Dates]] = {}
    freed: dict[str, Dates] = {}  # when what follows a step may start
    for step in steps:
        awaited = [freed[name] for name in step.after if name in freed]
        if step.branch not in taken or (step.after and not awaited):
            continue
        starts = ordered(max(dates) for dates in zip(*(awaited or [(day, day, day)]), strict=True))
        ends = end(step, starts, where)
        dated[step.id] = starts, ends
        freed[step.id] = (starts[0], starts[1], ends[2]) if step.optional else ends
    return dated


def _joined(name: str, runs: Sequence[Mapping[str, tuple[Dates, Dates]]]) -> tuple[Dates, Dates]:
    told = [run[name] for run in runs if name in run]  # the expected run first, where it has it
    starts, ends = (
        (min(d[i][0] for d in told), told[0][i][1], max(d[i][2] for d in told)) for i in (0, 1)
    )
    return ordered(starts), ordered(ends)


def dated_rows(
    steps: Sequence[Step], dates: Mapping[str, tuple[Dates, Dates]]
) -> list[dict[str, Any]]:
    """Return the dated steps as rows of table `steps`, without block, instrument nor position.

    Beyond the table's columns: branch (text or None) and optional (boolean).
    """
    said = {step.id: step for step in steps}
    rows = []
    for name, (starts, ends) in dates.items():
        step = said[name]
        rows.append(
            {
                "step": name,
                "who": step.who,
                "act": step.act,
                **date_columns("starts_on", starts),
                **date_columns("ends_on", ends),
                "article": f"{step.article} [{step.mark}]" if step.article else None,
                "text": step.text or None,
                "practice": practice_text(step),
                "branch": step.branch or None,
                "optional": step.optional,
            }
        )
    return rows


def date_columns(name: str, dates: Dates) -> dict[str, pd.Timestamp]:
    """Return low, central and high as the columns `name_low`, `name`, `name_high`."""
    return {
        f"{name}{suffix}": pd.Timestamp(day) for suffix, day in zip(SUFFIXES, dates, strict=True)
    }


def practice_text(step: Step) -> str:
    """Say in French the delay of the text and what practice is taken, with source and mark."""
    told = []
    for delay, words in (
        (step.within, "délai légal : {} au plus"),
        (step.at_least, "délai légal : {} au moins"),
        (step.lasts, "durée légale : {}"),
    ):
        if delay:
            told.append(words.format(french(delay)))
    if step.practice:
        low, central, high = map(french, durations(step))
        mark = f" [{step.practice.mark}]" if step.practice.mark else ""
        told.append(f"retenu : {low} / {central} / {high} ({step.practice.source}){mark}")
    return " ; ".join(told)

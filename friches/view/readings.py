"""What keeps each route from being open, condition by condition, in the words of the law.

Parcels that agree stand on one line. A way (1°, 2°) that is not met closes nothing while another
one is: its conditions are told only for parcels that no way lets through.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from friches.errors import InputError
from friches.judge import version_on
from friches.scenarios.rule import instruments
from friches.view import words
from friches.view.evidence import Finding

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping

    import pandas as pd

SHOWN = ("condition", "answer", "needed", "text", "source", "question", "whom")


class Reading(NamedTuple):
    """One condition that fails, or that nobody knows yet, on some parcels of a block.

    Attributes
    ----------
    condition : str
    met : bool or None
        False (fails) or None (unknown).
    text, needed, source : str
        Words of the law, what they ask, article and mark.
    question, whom : str
        What to ask where the answer is unknown.
    way : str
        « voie 1 sur 3 » where the condition belongs to one of several ways, else "".
    findings : tuple of Finding
    """

    condition: str
    met: bool | None
    text: str
    needed: str
    source: str
    question: str
    whom: str
    way: str
    findings: tuple[Finding, ...]


class Told(NamedTuple):
    """A route's readings on a block, and how many of its conditions every parcel meets."""

    readings: tuple[Reading, ...]
    met: int
    conditions: int


Route = tuple[str, str]


@cache
def ways(instrument: str, day: dt.date) -> tuple[dict[str, str], int]:
    """Return the way that each condition belongs to, and how many ways an instrument has."""
    document = instruments().get(instrument)
    if document is None:
        return {}, 0
    try:
        version = version_on(document, day)
    except InputError:
        return {}, 0
    return {c.id: way.id for way in version.way for c in way.condition}, len(version.way)


def by_route(rulings: pd.DataFrame, members: pd.DataFrame, day: dt.date) -> dict[Route, Told]:
    """Return what is told of each route: (block id, instrument) -> its readings.

    Parameters
    ----------
    rulings : DataFrame
        Table `rulings`.
    members : DataFrame
        Table `members`: only their rows are told.
    day : date
        The study's day: the version in force tells which conditions are ways.

    Returns
    -------
    dict
        No entry where there is no ruling (public version). Failing conditions come first, then
        unknown ones, each in the order of the law's text.
    """
    told = members.merge(rulings[rulings["condition"] != "verdict"], on="parcel_id")
    columns = [told[name].astype(object).where(told[name].notna(), None) for name in SHOWN]
    rows: dict[Route, list[tuple[str, str, tuple[object, ...]]]] = {}
    for block, instrument, parcel, found, *said in zip(
        told["block_id"],
        told["instrument"].astype("str"),
        told["parcel_id"],
        told["found"],
        *columns,
        strict=True,
    ):
        rows.setdefault((block, instrument), []).append((parcel, words.text(found), tuple(said)))
    return {route: _told(mine, *ways(route[1], day)) for route, mine in rows.items()}


def _told(
    rows: Iterable[tuple[str, str, tuple[object, ...]]], way_of: Mapping[str, str], count: int
) -> Told:
    rows = list(rows)
    names = list(dict.fromkeys(way_of.values()))
    open_: dict[str, set[str]] = {}
    for parcel, _, said in rows:
        if said[0] in names and said[1]:
            open_.setdefault(parcel, set()).add(str(said[0]))
    groups: dict[tuple[object, ...], dict[str, list[str]]] = {}
    conditions: dict[str, bool] = {}
    for parcel, found, said in rows:
        name = str(said[0])
        if name in names:  # a way as a whole says no more than its conditions
            continue
        passed = way_of.get(name) is not None and bool(open_.get(parcel))
        holds = bool(said[1]) or passed
        conditions[name] = conditions.get(name, True) and holds
        if not holds:
            groups.setdefault(said, {}).setdefault(found, []).append(parcel)
    readings = [_reading(said, found, way_of, names, count) for said, found in groups.items()]
    readings.sort(key=lambda reading: reading.met is None)
    return Told(tuple(readings), sum(conditions.values()), len(conditions))


def _reading(
    said: tuple[object, ...],
    found: Mapping[str, list[str]],
    way_of: Mapping[str, str],
    names: list[str],
    count: int,
) -> Reading:
    name, answer, needed, text, source, question, whom = said
    way = way_of.get(str(name))
    return Reading(
        condition=str(name),
        met=None if answer is None else False,
        text=words.text(text, ""),
        needed=words.text(needed, words.DASH),
        source=words.text(source, ""),
        question=words.text(question, ""),
        whom=words.text(whom, ""),
        way=f"voie {names.index(way) + 1} sur {count}" if way and count > 1 else "",
        findings=tuple(Finding(said_, tuple(parcels)) for said_, parcels in found.items()),
    )

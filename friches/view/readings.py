"""What keeps each instrument from being open, condition by condition, in the words of the law.

Parcels that agree stand on one line. A way (1°, 2°) that is not met closes nothing while another
one is: its conditions are told only for parcels that no way lets through.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from friches.errors import InputError
from friches.judge import version_on
from friches.scenarios.rule import law
from friches.view import words
from friches.view.evidence import Finding
from friches.view.lexicon import w

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
    """A document's readings on a block, and how many of its conditions every parcel meets."""

    readings: tuple[Reading, ...]
    met: int
    conditions: int


@cache
def ways(instrument: str, day: dt.date) -> tuple[dict[str, str], int]:
    """Return the way that each condition belongs to, and how many ways a document has."""
    document = law().get(instrument)
    if document is None:
        return {}, 0
    try:
        version = version_on(document, day)
    except InputError:
        return {}, 0
    return {c.id: way.id for way in version.way for c in way.condition}, len(version.way)


def title(name: str) -> str:
    """Return the French title of an instrument or gate (its name where it is not one of ours)."""
    document = law().get(name)
    return document.title if document else name


def by_document(
    rulings: pd.DataFrame, members: pd.DataFrame, day: dt.date
) -> dict[str, dict[str, Told]]:
    """Return what is told of each instrument and gate: block id -> name -> its readings.

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
        No entry where there is no ruling (public version). Where a document is closed to every
        parcel, what closes it is told alone. Failing conditions come first, then
        unknown ones, each in the order of the law's text.
    """
    told = members.merge(rulings, on="parcel_id")
    shut = _shut(told)
    told = told[told["condition"] != "verdict"]
    columns = [told[name].astype(object).where(told[name].notna(), None) for name in SHOWN]
    rows: dict[str, dict[str, list[tuple[str, str, tuple[object, ...]]]]] = {}
    for block, instrument, parcel, found, *said in zip(
        told["block_id"],
        told["instrument"].astype("str"),
        told["parcel_id"],
        told["found"],
        *columns,
        strict=True,
    ):
        of_block = rows.setdefault(str(block), {})
        of_block.setdefault(instrument, []).append((parcel, words.text(found), tuple(said)))
    return {
        block: {
            name: _told(mine, *ways(name, day), closed=(block, name) in shut)
            for name, mine in documents.items()
        }
        for block, documents in rows.items()
    }


def _shut(told: pd.DataFrame) -> set[tuple[str, str]]:
    """Return the (block, document) pairs closed to every parcel: nothing is left to ask."""
    rows = told[told["condition"] == "verdict"]
    no = rows["answer"].eq(False).fillna(value=False).astype(bool)
    key = [rows["block_id"].astype("str"), rows["instrument"].astype("str")]
    every = no.groupby(key).all()
    return {(str(block), str(name)) for block, name in every[every].index}


def _told(
    rows: Iterable[tuple[str, str, tuple[object, ...]]],
    way_of: Mapping[str, str],
    count: int,
    *,
    closed: bool,
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
        if not holds and not (closed and said[1] is None):
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
        way=w.shared.way.format(place=names.index(way) + 1, count=count)
        if way and count > 1
        else "",
        findings=tuple(Finding(said_, tuple(parcels)) for said_, parcels in found.items()),
    )

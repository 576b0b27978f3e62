"""What keeps each instrument from being open, condition by condition, in the words of the law.

Parcels that agree stand on one line. A way (1°, 2°) that is not met closes nothing while another
one is: its conditions are told only for parcels that no way lets through.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from friches import phrases
from friches.errors import InputError
from friches.judge import version_on
from friches.scenarios.rule import law
from friches.view import words
from friches.view.evidence import Finding
from friches.view.lexicon import w

if TYPE_CHECKING:
    import datetime as dt

    from numpy.typing import NDArray

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
    rules, of_row = _rules(told, day)
    documents, of_document = _documents(told, of_row, np.array([r.is_way for r in rules], bool))
    # A condition that holds says nothing more, nor does a way that is not open.
    telling = np.array([rule.holds == rule.is_way for rule in rules], dtype=bool)
    rows = np.flatnonzero(telling[of_row])
    found, seen = pd.factorize(told["found"].iloc[rows])
    said = [*map(words.text, seen), words.UNKNOWN]  # the last one is what -1 reads
    for place, parcel, rule, value in zip(
        of_document[rows].tolist(),
        told["parcel_id"].iloc[rows].to_numpy(dtype=object),
        of_row[rows].tolist(),
        found.tolist(),
        strict=True,
    ):
        documents[place].add(parcel, said[value], rules[rule])
    whole: dict[str, dict[str, Told]] = {}
    for document in documents:
        closed = (document.block, document.name) in shut
        whole.setdefault(document.block, {})[document.name] = document.told(closed=closed)
    return whole


def _rules(told: pd.DataFrame, day: dt.date) -> tuple[list[_Rule], NDArray[np.int64]]:
    """Return the distinct conditions and answers of rulings, and the place of each row's."""
    names = ["instrument", *SHOWN]
    codes = [pd.factorize(told[name])[0] for name in names]
    of_row, first = phrases.distinct(codes, len(told))
    rows = zip(*(told[name].iloc[first].astype(object) for name in names), strict=True)
    return [_Rule.of(day, *row) for row in rows], of_row


def _documents(
    told: pd.DataFrame, rules: NDArray[np.int64], is_way: NDArray[np.bool_]
) -> tuple[list[_Document], NDArray[np.int64]]:
    """Return each document on each block, in order, and the place of each row's.

    A document counts its conditions, once each; a way as a whole is none.
    """
    blocks, _ = pd.factorize(told["block_id"])
    names, _ = pd.factorize(told["instrument"])
    conditions, _ = pd.factorize(told["condition"])
    of_row, first = phrases.distinct([blocks, names], len(told))
    own = ~is_way[rules] if len(told) else np.zeros(0, dtype=bool)
    _, once = phrases.distinct([of_row[own], conditions[own]], int(own.sum()))
    counts = np.bincount(of_row[own][once], minlength=len(first))
    rows = told.iloc[first]
    return [
        _Document(str(block), str(name), count)
        for block, name, count in zip(
            rows["block_id"], rows["instrument"], counts.tolist(), strict=True
        )
    ], of_row


def _shut(told: pd.DataFrame) -> set[tuple[str, str]]:
    """Return the (block, document) pairs closed to every parcel: nothing is left to ask."""
    rows = told[told["condition"] == "verdict"]
    no = rows["answer"].eq(False).fillna(value=False).astype(bool)
    key = [rows["block_id"].astype("str"), rows["instrument"].astype("str")]
    every = no.groupby(key).all()
    return {(str(block), str(name)) for block, name in every[every].index}


class _Rule(NamedTuple):
    """What rulings say alike wherever they are made: one condition, one answer.

    Attributes
    ----------
    instrument : str
    holds : bool
    is_way, of_way : bool
        Whether it is a way as a whole, or one of a way's conditions.
    reading : Reading
        Without its findings.
    """

    instrument: str
    holds: bool
    is_way: bool
    of_way: bool
    reading: Reading

    @classmethod
    def of(cls, day: dt.date, instrument: object, *said: object) -> _Rule:
        name, answer, needed, text, source, question, whom = said
        way_of, count = ways(str(instrument), day)
        names = list(dict.fromkeys(way_of.values()))
        way = way_of.get(str(name))
        reading = Reading(
            condition=str(name),
            met=None if words.missing(answer) else False,
            text=words.text(text, ""),
            needed=words.text(needed, words.DASH),
            source=words.text(source, ""),
            question=words.text(question, ""),
            whom=words.text(whom, ""),
            way=w.shared.way.format(place=names.index(way) + 1, count=count)
            if way and count > 1
            else "",
            findings=(),
        )
        holds = words.answer_key(answer) == "yes"
        return cls(str(instrument), holds, str(name) in names, way is not None, reading)


class _Document:
    """A document on a block while its rulings are read, in the order of the law's text."""

    def __init__(self, block: str, name: str, conditions: int) -> None:
        self.block = block
        self.name = name
        self.conditions = conditions
        self.open_: set[str] = set()
        self.left: list[tuple[str, str, _Rule]] = []

    def add(self, parcel: str, found: str, rule: _Rule) -> None:
        """Read one ruling: a way that is open to a parcel, or a condition that does not hold."""
        if rule.is_way:
            self.open_.add(parcel)
        else:
            self.left.append((parcel, found, rule))

    def told(self, *, closed: bool) -> Told:
        """Return what is told of it; `closed`: to every parcel, what closes it is told alone."""
        groups: dict[_Rule, dict[str, list[str]]] = {}
        failing = set()
        for parcel, found, rule in self.left:
            if rule.of_way and parcel in self.open_:
                continue
            failing.add(rule.reading.condition)
            if not (closed and rule.reading.met is None):
                groups.setdefault(rule, {}).setdefault(found, []).append(parcel)
        readings = [
            rule.reading._replace(
                findings=tuple(Finding(said, tuple(parcels)) for said, parcels in found.items())
            )
            for rule, found in groups.items()
        ]
        readings.sort(key=lambda reading: reading.met is None)
        return Told(tuple(readings), self.conditions - len(failing), self.conditions)

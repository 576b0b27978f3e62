"""What each leg of a route says of each parcel: open, closed or not settled; by what; what to ask.

Parcels are numbers here, and so are sentences: thousands of blocks share a few hundred of each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from friches.judge import version_on
from friches.phrases import distinct
from friches.scenarios.rule import facts_named

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Hashable, Mapping, Sequence

    from numpy.typing import NDArray

    from friches.judge import Version
    from friches.scenarios.setting import Setting

    Codes = NDArray[np.int64]
    Mask = NDArray[np.bool_]

VERDICT = "verdict"
NOBODY = "à préciser"


class Lists(NamedTuple):
    """A list of numbers for each parcel: `lists[codes[parcel]]`, in the law's order."""

    codes: Codes
    lists: list[tuple[int, ...]]


class Leg(NamedTuple):
    """What one document says of every parcel.

    `known`: the parcel was judged; `yes` and `no`: its verdict; `closing` and `asked`: the
    sentences (numbers of a `Phrasebook`) that close it and that are asked of it.
    """

    known: Mask
    yes: Mask
    no: Mask
    closing: Lists
    asked: Lists


class Phrasebook:
    """Sentences by number: what closes (a key, with its words), and what is asked."""

    def __init__(self, here: Setting) -> None:
        self.labels = {name: fact.label for name, fact in facts_named(here.documents).items()}
        self.closing: dict[tuple[str, ...], int] = {}
        self.heads: list[str] = []
        self.asked: dict[str, int] = {}

    def close(self, leg: str, condition: str, fact: str, found: str, needed: str) -> int:
        """Return the number of « fact: found (needed) » of a condition of a leg."""
        key = (leg, condition, found, needed)
        if key not in self.closing:
            self.closing[key] = len(self.heads)
            self.heads.append(f"{self.labels[fact]} : {found} (exigé : {needed})")
        return self.closing[key]

    def ask(self, question: str, whom: str | None) -> int:
        """Return the number of « question (whom) »."""
        return self.asked.setdefault(f"{question} ({whom or NOBODY})", len(self.asked))


class Rulings(NamedTuple):
    """A table `rulings` by document, its parcels as numbers."""

    rows: dict[Hashable, pd.DataFrame]
    parcel: dict[Hashable, Codes]
    parcels: int


def by_document(rulings: pd.DataFrame, parcels: pd.Index[Any]) -> Rulings:
    """Part a table `rulings` by document; rows of parcels that are not in `parcels` are left."""
    places, names = pd.factorize(rulings["parcel_id"])
    number = parcels.get_indexer(pd.Index(names).astype("str"))[places]
    rows, parcel = {}, {}
    for name, found in rulings.groupby("instrument", observed=True, sort=False).indices.items():
        held = np.sort(np.asarray(found))
        held = held[number[held] >= 0]
        columns = ["condition", "answer", "found", "needed", "question", "whom"]
        rows[name], parcel[name] = rulings[columns].take(held), number[held]
    return Rulings(rows, parcel, len(parcels))


def leg_of(
    name: str, rulings: Rulings, day: dt.date, here: Setting, book: Phrasebook
) -> Leg | None:
    """Return what document `name` says of every parcel; nothing where it judged none."""
    rows = rulings.rows.get(name)
    if rows is None:
        return None
    version = version_on(here.documents[name], day)
    read = _Read.of(rows, rulings.parcel[name], rulings.parcels)
    known, yes, no = read.verdict()
    closes = read.closes(version)
    facts = {condition.id: condition.fact for condition in version.conditions}
    keys = read.numbered(
        closes,
        ("condition", "found", "needed"),
        lambda said: book.close(name, said[0], facts[said[0]], said[1], said[2]),
    )
    asked = read.asked(read.question & ~read.idle(version), book)
    return Leg(known, yes, no, read.lists(keys), read.lists(asked))


def gates_asked(names: Sequence[str], rulings: Rulings, book: Phrasebook) -> Lists:
    """Return what gates whose verdict is not settled still ask of each parcel, gate after gate."""
    parts = []
    for name in names:
        if name in rulings.rows:
            read = _Read.of(rulings.rows[name], rulings.parcel[name], rulings.parcels)
            known, yes, no = read.verdict()
            open_ = known & ~yes & ~no
            parts.append(read.lists(read.asked(read.question & open_[read.parcel], book)))
    return joined(parts, rulings.parcels)


def joined(parts: Sequence[Lists], size: int) -> Lists:
    """Return the lists of several parts one after the other."""
    codes, first = distinct([part.codes for part in parts], size)
    return Lists(codes, [sum((p.lists[p.codes[at]] for p in parts), ()) for at in first])


class _Read(NamedTuple):
    """The rows of one document, column by column as codes."""

    parcel: Codes
    parcels: int
    texts: Mapping[str, tuple[Codes, list[Any]]]
    yes: Mask
    no: Mask

    @classmethod
    def of(cls, rows: pd.DataFrame, parcel: Codes, parcels: int) -> _Read:
        texts = {}
        for column in ("condition", "found", "needed", "question", "whom"):
            codes, words = pd.factorize(rows[column])
            texts[column] = codes, list(words)
        answer = rows["answer"].astype("Int8").to_numpy(dtype=np.int8, na_value=-1)
        return cls(parcel, parcels, texts, answer == 1, answer == 0)

    @property
    def question(self) -> Mask:
        return self.texts["question"][0] >= 0

    def named(self, names: set[str]) -> Mask:
        """Mark the rows of conditions (or ways) so named."""
        codes, words = self.texts["condition"]
        told: Mask = np.array([*(word in names for word in words), False])[codes]
        return told

    def verdict(self) -> tuple[Mask, Mask, Mask]:
        told = np.zeros((3, self.parcels), dtype=bool)
        rows = self.named({VERDICT})
        for side, mask in zip(told, (rows, rows & self.yes, rows & self.no), strict=True):
            side[self.parcel[mask]] = True
        return told[0], told[1], told[2]

    def closes(self, version: Version) -> Mask:
        """Mark rows that close by themselves, or with the other ways when all are closed."""
        ways = {way.id for way in version.way}
        inner = {c.id for way in version.way for c in way.condition}
        shut = np.bincount(self.parcel[self.no & self.named(ways)], minlength=self.parcels)
        all_shut: Mask = (shut == len(ways)) & bool(ways)
        told: Mask = (
            (self.no & self.named({c.id for c in version.condition}))
            | (self.yes & self.named({c.id for c in version.bar}))
            | (self.no & self.named(inner) & all_shut[self.parcel])
        )
        return told

    def idle(self, version: Version) -> Mask:
        """Mark the conditions of ways where another way is open already: nothing hangs on them."""
        inner = {c.id for way in version.way for c in way.condition}
        open_ = np.zeros(self.parcels, dtype=bool)
        open_[self.parcel[self.yes & self.named({way.id for way in version.way})]] = True
        return self.named(inner) & open_[self.parcel]

    def asked(self, rows: Mask, book: Phrasebook) -> Codes:
        return self.numbered(rows, ("question", "whom"), lambda said: book.ask(said[0], said[1]))

    def numbered(self, rows: Mask, columns: Sequence[str], number: Any) -> Codes:
        """Return `number(words)` for each row marked, -1 elsewhere."""
        told = np.full(len(rows), -1, dtype=np.int64)
        at = np.flatnonzero(rows)
        codes, first = distinct([self.texts[column][0][at] for column in columns], len(at))
        said = []
        for row in at[first]:
            words = [self.texts[column] for column in columns]
            said.append(number([w[c[row]] if c[row] >= 0 else None for c, w in words]))
        told[at] = np.array(said, dtype=np.int64)[codes] if len(at) else told[at]
        return told

    def lists(self, numbers: Codes) -> Lists:
        """Return the numbers of each parcel's rows, in their order (-1: left out)."""
        conditions, words = self.texts["condition"]
        grid = np.full((self.parcels, len(words)), -1, dtype=np.int64)
        grid[self.parcel, conditions] = numbers
        codes, first = distinct(list(grid.T), self.parcels)
        return Lists(codes, [tuple(int(n) for n in grid[at] if n >= 0) for at in first])

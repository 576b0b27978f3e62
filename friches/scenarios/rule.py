"""The law on facts: every condition of every gate and instrument, for every parcel given.

Parcels on which a document reads the same facts are judged once. Documents are judged after those
whose verdicts they build on.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from friches.documents import chained
from friches.errors import refuse
from friches.facts import dictionary
from friches.grammar import VERDICT, FactRef, builds_on, uses, verdict_facts
from friches.judge import TEXTS, asked, read_folders, readings, version_on
from friches.phrases import Texts, distinct
from friches.telling import QUESTION, WHOM

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from friches.judge import Document, Fact, Reading, Version
    from friches.kleene import Truth

LAW = Path(__file__).with_name("law")
GATES = Path(__file__).with_name("gates")


@cache
def law() -> Mapping[str, Document]:
    """Return every gate then every instrument by name (TOML files of scenarios/gates and /law)."""
    return read_folders([GATES, LAW], dictionary())


def gates() -> dict[str, Document]:
    """Return the gates by name: what stands across instruments, and is no route of its own."""
    return {name: document for name, document in law().items() if document.kind == "gate"}


def instruments() -> dict[str, Document]:
    """Return the legal instruments by name: each a route to the land."""
    return {name: document for name, document in law().items() if document.kind == "instrument"}


def facts_named(documents: Mapping[str, Document] | None = None) -> dict[str, Fact]:
    """Return every fact that a condition may name: the dictionary's, and « verdict_of.x »."""
    given = law() if documents is None else documents
    return dictionary() | verdict_facts({name: said.title for name, said in given.items()})


def verdicts(
    facts: pd.DataFrame,
    day: dt.date,
    documents: Mapping[str, Document] | None = None,
    *,
    every_condition: bool = False,
) -> pd.DataFrame:
    """Answer alone, without texts: made for whole départements.

    Parameters
    ----------
    facts, day, documents
        As for `rule`.
    every_condition : bool
        Answer each condition and way too.

    Returns
    -------
    DataFrame
        One row a parcel (index parcel_id, sorted), one boolean column a document (NA = unknown),
        and with `every_condition` one « document.condition » each.

    Raises
    ------
    InputError
        As `rule`.
    """
    table, given = _sorted(facts), law() if documents is None else documents
    named, found = facts_named(given), _Found({}, {})
    answers: dict[str, Any] = {}
    for name in chained(given):
        version = version_on(given[name], day)
        rows = readings(_narrowed(table, version, found.verdicts), version, named)
        found.verdicts[VERDICT + name] = _answer(rows[-1].truth)
        if every_condition:
            answers |= {f"{name}.{row.name}": _answer(row.truth) for row in rows[:-1]}
    answers |= {name: found.verdicts[VERDICT + name] for name in given}
    order = [c for name in given for c in answers if c == name or c.startswith(f"{name}.")]
    return pd.DataFrame({column: answers[column] for column in order}, table.index, copy=False)


def rule(
    facts: pd.DataFrame, day: dt.date, documents: Mapping[str, Document] | None = None
) -> pd.DataFrame:
    """Judge parcels by every gate and instrument, as the law stands on a day.

    Parameters
    ----------
    facts : DataFrame
        Table `facts`, the rows to judge (a fact without its column is unknown).
    day : date
        The version in force on that day applies.
    documents : mapping of str to Document, optional
        What to judge by in place of `law()`: for a what-if, `law() | {"name": changed}`.

    Returns
    -------
    DataFrame
        Table `rulings` with its texts as categories: for each parcel and document one row a
        condition (and a way), then the row « verdict »; by parcel, gates before instruments, and
        the order of the law's text.

    Raises
    ------
    InputError
        When `day` is before the first version of a document, when a parcel stands twice, and as
        `documents.chained` where verdicts do not chain.
    """
    table, given = _sorted(facts), law() if documents is None else documents
    named, found, judged = facts_named(given), _Found({}, {}), {}
    needed = {other for document in given.values() for other in builds_on(document)}
    for name in chained(given):
        version = version_on(given[name], day)
        narrow = _narrowed(table, version, found.verdicts | found.asked)
        columns = [pd.factorize(narrow[column])[0] for column in narrow]
        case, first = distinct(columns, len(narrow))
        rows = readings(narrow.iloc[first], version, named)
        judged[name] = _Judged(version, rows, case)
        if name in needed:
            found.verdicts[VERDICT + name] = _answer(rows[-1].truth)[case]
            for column, texts in zip((QUESTION, WHOM), asked(version, rows), strict=True):
                found.asked[VERDICT + name + column] = _category(texts, case)
    return _gathered({name: judged[name] for name in given}, table.index)


class _Found(NamedTuple):
    """What later documents read of earlier ones: columns « verdict_of.x », and what x asks."""

    verdicts: dict[str, Any]
    asked: dict[str, Any]


class _Judged(NamedTuple):
    version: Version
    rows: list[Reading]  # of the distinct cases
    case: NDArray[np.int64]  # which case each parcel is


def _sorted(facts: pd.DataFrame) -> pd.DataFrame:
    table = facts.set_index("parcel_id").sort_index()
    twice = table.index.duplicated()
    if twice.any():
        first = table.index[int(twice.argmax())]
        raise refuse(
            f"{int(twice.sum())} parcelle(s) en double (première : « {first} »)",
            "faits",
            "garder une ligne par parcelle",
        )
    return table


def _narrowed(table: pd.DataFrame, version: Version, found: Mapping[str, Any]) -> pd.DataFrame:
    """Return the columns that a version reads, with the verdicts it builds on."""
    columns: dict[str, Any] = {}
    for name in dict.fromkeys(_named(version)):
        for column in (name, f"{name}_low", f"{name}_high"):
            if column in table.columns:
                columns[column] = table[column]
        for column in (name, name + QUESTION, name + WHOM):
            if column in found:
                columns[column] = found[column]
    return pd.DataFrame(columns, index=table.index, copy=False)


def facts_read(document: Document, day: dt.date) -> list[str]:
    """Return the facts (and « verdict_of.x ») that a document reads on a day, without bounds."""
    return list(dict.fromkeys(_named(version_on(document, day))))


def _named(version: Version) -> Iterator[str]:
    for condition in version.conditions:
        yield condition.fact
        for use in uses(condition):
            if use.under is not None:
                yield use.under.where
            if isinstance(use.value, FactRef):
                yield use.value.fact


def _answer(truth: Truth) -> Any:
    return pd.arrays.BooleanArray(truth.yes, truth.unknown)


def _category(texts: Texts, case: NDArray[np.int64]) -> Any:
    words = list(dict.fromkeys(word for word in texts.words if word))
    place = {word: code for code, word in enumerate(words)}
    moved = np.array([*(place.get(word, -1) for word in texts.words), -1], dtype=np.int32)
    return pd.Categorical.from_codes(moved[texts.codes][case], pd.Index(words, dtype="str"))


def _gathered(judged: Mapping[str, _Judged], parcels: pd.Index[Any]) -> pd.DataFrame:
    """Set the rows of every document side by side, parcel after parcel."""
    sizes = [len(part.rows) for part in judged.values()]
    starts = [part.version.from_ for part in judged.values()]
    n, total = len(parcels), sum(sizes)

    def each(values: list[str]) -> Any:
        codes, words = pd.factorize(np.array(values, dtype=object))
        return pd.Categorical.from_codes(np.tile(codes, n), pd.Index(words, dtype="str"))

    sides = {"yes": np.empty((n, total), dtype=bool), "unknown": np.empty((n, total), dtype=bool)}
    for side, filled in sides.items():
        for part, columns in _places(judged):
            cases = np.column_stack([getattr(row.truth, side) for row in part.rows])
            filled[:, columns] = cases[part.case]
    told = _told(judged, n, total)
    return pd.DataFrame(
        {
            "parcel_id": parcels.repeat(total),
            "instrument": each(list(np.repeat(list(judged), sizes))),
            "condition": each([row.name for part in judged.values() for row in part.rows]),
            "answer": pd.arrays.BooleanArray(sides["yes"].ravel(), sides["unknown"].ravel()),
            **{column: told[column] for column in ("found", "needed", "text", "source")},
            "version_from": np.tile(np.repeat(np.array(starts, dtype="M8[ns]"), sizes), n),
            **{column: told[column] for column in ("question", "whom")},
        },
        copy=False,
    )


def _places(judged: Mapping[str, _Judged]) -> Iterator[tuple[_Judged, slice]]:
    start = 0
    for part in judged.values():
        yield part, slice(start, start + len(part.rows))
        start += len(part.rows)


def _told(judged: Mapping[str, _Judged], n: int, total: int) -> dict[str, Any]:
    """Return the texts, as categories: each written once for the cases that share it."""
    words: dict[str, dict[str, int]] = {column: {} for column in TEXTS}
    codes = {column: np.empty((n, total), dtype=np.int32) for column in TEXTS}
    for part, columns in _places(judged):
        told = [row.tell() for row in part.rows]
        for column in TEXTS:
            moved = [
                _moved(texts.get(column), words[column], len(part.rows[0].truth.yes))
                for texts in told
            ]
            codes[column][:, columns] = np.column_stack(moved)[part.case]
    return {
        column: pd.Categorical.from_codes(
            codes[column].ravel(), pd.Index(list(words[column]), dtype="str")
        )
        for column in TEXTS
    }


def _moved(texts: Texts | None, words: dict[str, int], rows: int) -> NDArray[np.int32]:
    """Return the codes of texts within a common list of words, which grows as needed."""
    if texts is None:
        return np.full(rows, -1, dtype=np.int32)
    moved = [words.setdefault(word, len(words)) if word else -1 for word in texts.words]
    return np.array([*moved, -1], dtype=np.int32)[texts.codes]  # -1 reads the last: none

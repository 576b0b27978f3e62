"""What a condition found and needed, and what is asked of whom where it stays unknown."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from friches.grammar import VERDICT, FactRef, uses
from friches.kleene import column_of, ends_of
from friches.phrases import (
    Texts,
    found_number,
    found_word,
    lowered,
    needed,
    needed_of,
    picked,
    same,
    sentences,
    write,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from friches.grammar import Condition, Fact, Use, Version, Way
    from friches.kleene import Truth

QUESTION, WHOM = ".question", ".whom"
"""After « verdict_of.x »: the columns of what document « x » asks where its verdict is unknown."""
Telling = dict[str, Texts]
"""Columns found, needed, text, source, question, whom (those that have something to say)."""


class Reading(NamedTuple):
    """What every row of a table says of one condition, way, bar, or of the verdict."""

    name: str
    truth: Truth
    tell: Callable[[], Telling]


class Open(NamedTuple):
    """A condition judged: its truth, and where its exceptions hold."""

    truth: Truth
    fact: NDArray[np.bool_]  # the fact itself leaves a comparison that may apply unknown
    exceptions: list[tuple[Use, Truth]]  # and where each holds


def cited(said: Condition | Way | Version, version: Version) -> str:
    """Return the source of a condition, or else of its version, with its mark."""
    source, mark = said.source or version.source, said.mark or version.mark
    return f"{source} [{mark}]" if mark else source


def summed(name: str, truth: Truth, text: str, source: str) -> Reading:
    """Return the reading of a way or of the verdict, which sum conditions up."""

    def tell() -> Telling:
        codes = np.where(truth.yes, 0, np.where(truth.no, 1, 2)).astype(np.int32)
        found, rows = Texts(codes, ["oui", "non", "inconnu"]), len(codes)
        return {"found": found, "text": same(text, rows), "source": same(source, rows)}

    return Reading(name, truth, tell)


def tell_condition(
    table: pd.DataFrame, said: Condition, facts: Mapping[str, Fact], version: Version, open_: Open
) -> Telling:
    """Return the texts of a judged condition, a code a row."""
    base, *_ = uses(said)
    demand = _demanded(table, base, facts)
    for use, holds in reversed(open_.exceptions):
        demand = _excepted(demand, _demanded(table, use, facts), holds, use, facts)
    return {
        "found": _found(table, said, facts),
        "needed": demand,
        "text": same(said.text, len(table)),
        "source": same(cited(said, version), len(table)),
        **_questions(table, said, facts, open_),
    }


def asked(version: Version, rows: Sequence[Reading]) -> tuple[Texts, Texts]:
    """Return the questions that can still settle an unknown verdict, and whom to ask.

    Parameters
    ----------
    version : Version
        The version judged.
    rows : sequence of Reading
        As `readings` returns them for it.
    """
    read = {row.name: row for row in rows}
    verdict = read["verdict"].truth.unknown
    closed = np.zeros(len(verdict), dtype=bool)
    for way in version.way:
        closed |= read[way.id].truth.yes  # one way open: the others no longer matter
    where = {c.id: verdict for c in (*version.condition, *version.bar)}
    for way in version.way:
        open_ = verdict & read[way.id].truth.unknown & ~closed
        where |= {c.id: open_ for c in way.condition}
    parts: dict[str, list[Texts]] = {"question": [], "whom": []}
    for condition in version.conditions:
        told = read[condition.id].tell()
        for column, list_ in parts.items():
            texts = told[column]
            codes = np.where(where[condition.id], texts.codes, -1).astype(np.int32)
            list_.append(Texts(codes, texts.words))
    return sentences(parts["question"]), sentences(parts["whom"])


def _excepted(
    base: Texts, other: Texts, holds: Truth, use: Use, facts: Mapping[str, Fact]
) -> Texts:
    assert use.under is not None
    label = lowered(facts[use.under.where].label) + (" : non" if use.under.is_not else "")
    case = np.where(holds.yes, 1, np.where(holds.no, 0, 2))

    def phrase(state: int, i: int, j: int) -> str:
        if state == 0:
            return base.words[i]
        special = f"{other.words[j]} ({label})"
        return special if state == 1 else f"{base.words[i]}, ou {special}"

    return write([case, base.codes, other.codes], phrase)


def _found(table: pd.DataFrame, said: Condition, facts: Mapping[str, Fact]) -> Texts:
    values = [use.value for use in uses(said)]
    thresholds = [float(value) for value in values if isinstance(value, int | float)]
    return _seen(table, said.fact, facts[said.fact], thresholds)


def _seen(table: pd.DataFrame, name: str, fact: Fact, thresholds: Sequence[float] = ()) -> Texts:
    if fact.kind in ("number", "integer"):
        return found_number(*ends_of(table, name, fact), fact, thresholds)
    return found_word(column_of(table, name, fact), fact)


def _demanded(table: pd.DataFrame, use: Use, facts: Mapping[str, Fact]) -> Texts:
    fact = facts[use.condition.fact]
    if not isinstance(use.value, FactRef):
        return same(needed(use.name, use.value, fact), len(table))
    other = facts[use.value.fact]
    seen = _seen(table, use.value.fact, other)
    return Texts(seen.codes, [needed_of(use.name, other, word) for word in seen.words])


def _questions(
    table: pd.DataFrame, said: Condition, facts: Mapping[str, Fact], open_: Open
) -> Telling:
    """Ask for the fact itself, else for the fact it is compared with, else which rule applies."""
    options = [_question(table, said.fact, facts[said.fact], said.ask, said.whom)]
    choice = np.where(open_.truth.unknown, 0, -1).astype(np.int32)
    for use, holds in reversed(open_.exceptions):
        assert use.under is not None
        options.append(_question(table, use.under.where, facts[use.under.where]))
        choice[open_.truth.unknown & ~open_.fact & holds.unknown] = len(options) - 1
    known: NDArray[np.bool_] | None = None
    for use in uses(said):
        if isinstance(use.value, FactRef):
            known = _settled(table, said.fact, facts[said.fact]) if known is None else known
            other = facts[use.value.fact]
            options.append(_question(table, use.value.fact, other))
            missing = ~_settled(table, use.value.fact, other)
            choice[open_.truth.unknown & open_.fact & known & missing] = len(options) - 1
    return {
        "question": picked([question for question, _ in options], choice),
        "whom": picked([whom for _, whom in options], choice),
    }


def _question(
    table: pd.DataFrame, name: str, fact: Fact, ask: str = "", whom: str = ""
) -> tuple[Texts, Texts]:
    """Return the question that settles a fact and whom to ask; for a verdict, its document's."""
    if not ask and name.startswith(VERDICT) and name + QUESTION in table.columns:
        return _texts(table[name + QUESTION]), _texts(table[name + WHOM])
    said = ask or fact.ask or f"{fact.label} ?"
    return same(said, len(table)), same(whom or fact.whom, len(table))


def _texts(column: pd.Series[str]) -> Texts:
    codes, words = pd.factorize(column)
    return Texts(codes.astype(np.int32), [str(word) for word in words])


def _settled(table: pd.DataFrame, name: str, fact: Fact) -> NDArray[np.bool_]:
    if fact.kind in ("number", "integer"):
        low, high = ends_of(table, name, fact)
        return np.asarray(low == high)
    return column_of(table, name, fact).notna().to_numpy()

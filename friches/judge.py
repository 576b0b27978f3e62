"""Judge facts by a document: yes, no or unknown, with what was found, needed, and whom to ask.

Kleene's three values over whole columns, as two masks (yes, no); unknown is neither. Missing is
never no: an unknown end of a number is without bound, a missing column is unknown everywhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from friches.documents import read_document, read_facts, read_folder, version_on
from friches.examples import given_table, uncovered
from friches.grammar import (
    Condition,
    Derogation,
    Document,
    Example,
    Fact,
    FactRef,
    Practice,
    Step,
    Version,
    Way,
    uses,
)
from friches.kleene import Truth, column_of, compared, ends_of, equal, every, negated, replaced
from friches.phrases import (
    Texts,
    found_number,
    found_word,
    lowered,
    needed,
    needed_of,
    same,
    stacked,
    write,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from friches.grammar import Use

__all__ = [
    "Condition",
    "Derogation",
    "Document",
    "Example",
    "Fact",
    "Practice",
    "Step",
    "Version",
    "Way",
    "failed_examples",
    "judge",
    "read_document",
    "read_facts",
    "read_folder",
    "readings",
    "version_on",
]
TEXTS = ("found", "needed", "text", "source", "question", "whom")


class Reading(NamedTuple):
    """What every row of a table says of one condition, way, bar, or of the verdict."""

    name: str
    truth: Truth
    tell: Callable[[], dict[str, Texts]]  # found, needed, text, source, question, whom


class _Open(NamedTuple):
    truth: Truth
    fact: NDArray[np.bool_]  # the fact itself leaves a comparison that may apply unknown
    exceptions: list[tuple[Use, Truth]]  # and where each holds


def judge(table: pd.DataFrame, version: Version, facts: Mapping[str, Fact]) -> pd.DataFrame:
    """Judge every row of a table of facts by one version of a document.

    Parameters
    ----------
    table : DataFrame
        One row an id (the index), one column a fact (`X_low` and `X_high` for a bounded one). A
        fact without its column is unknown; other columns are not read.
    version : Version
        As returned by `version_on`.
    facts : mapping of str to Fact
        The facts the version names.

    Returns
    -------
    DataFrame
        For each id, in the table's order: one row a condition (then its way, if any), one a bar,
        and last the row « verdict ». Columns: the index's name (« id » if it has none), condition,
        answer (boolean; NA = unknown), found, needed, text, source, and where unknown question and
        whom.

    Raises
    ------
    InputError
        When a bounded fact's low end exceeds its high end.
    """
    rows = readings(table, version, facts)
    yes = np.column_stack([row.truth.yes for row in rows]).ravel()
    unknown = np.column_stack([row.truth.unknown for row in rows]).ravel()
    columns: dict[str, Any] = {
        str(table.index.name or "id"): table.index.repeat(len(rows)),
        "condition": stacked([same(row.name, len(table)) for row in rows], len(table)),
        "answer": pd.arrays.BooleanArray(yes, unknown),
    }
    told = [row.tell() for row in rows]
    for column in TEXTS:
        columns[column] = stacked([texts.get(column) for texts in told], len(table))
    return pd.DataFrame(columns)


def readings(table: pd.DataFrame, version: Version, facts: Mapping[str, Fact]) -> list[Reading]:
    """Read a table as `judge` does, column by column: conditions, ways, bars, and the verdict last.

    Texts are made when `tell` is called: answers alone are quicker.
    """

    def read(said: Condition) -> Reading:
        return _condition(table, said, facts, version)

    rows = [read(said) for said in version.condition]
    needs = [row.truth for row in rows]
    ways = []
    for way in version.way:
        inner = [read(said) for said in way.condition]
        ways.append(every([row.truth for row in inner]))
        rows += [*inner, _summed(way.id, ways[-1], way.text, _cited(way, version))]
    bars = [read(said) for said in version.bar]
    if ways:
        needs.append(negated(every([negated(way) for way in ways])))
    verdict = every(needs + [negated(row.truth) for row in bars])
    return [*rows, *bars, _summed("verdict", verdict, "", _cited(version, version))]


def _cited(said: Condition | Way | Version, version: Version) -> str:
    source, mark = said.source or version.source, said.mark or version.mark
    return f"{source} [{mark}]" if mark else source


def _summed(name: str, truth: Truth, text: str, source: str) -> Reading:
    def tell() -> dict[str, Texts]:
        codes = np.where(truth.yes, 0, np.where(truth.no, 1, 2)).astype(np.int32)
        found, rows = Texts(codes, ["oui", "non", "inconnu"]), len(codes)
        return {"found": found, "text": same(text, rows), "source": same(source, rows)}

    return Reading(name, truth, tell)


def _condition(
    table: pd.DataFrame, said: Condition, facts: Mapping[str, Fact], version: Version
) -> Reading:
    base, *exceptions = [(use, compared(table, use, facts)) for use in uses(said)]
    open_ = _Open(base[1], base[1].unknown, [])
    for use, other in reversed(exceptions):  # the first that holds has the last word
        assert use.under is not None
        holds = equal(
            column_of(table, use.under.where, facts[use.under.where]), not use.under.is_not
        )
        open_ = _Open(
            replaced(open_.truth, other, holds),
            (open_.fact & ~holds.yes) | (other.unknown & ~holds.no),
            [(use, holds), *open_.exceptions],
        )

    def tell() -> dict[str, Texts]:
        demand = _demanded(table, base[0], facts)
        for use, holds in reversed(open_.exceptions):
            demand = _excepted(demand, _demanded(table, use, facts), holds, use, facts)
        return {
            "found": _found(table, said, facts),
            "needed": demand,
            "text": same(said.text, len(table)),
            "source": same(_cited(said, version), len(table)),
            **_questions(table, said, facts, open_),
        }

    return Reading(said.id, open_.truth, tell)


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
    table: pd.DataFrame, said: Condition, facts: Mapping[str, Fact], open_: _Open
) -> dict[str, Texts]:
    """Ask for the fact itself, else for the fact it is compared with, else which rule applies."""
    fact = facts[said.fact]
    options = [(said.ask or fact.ask or f"{fact.label} ?", said.whom or fact.whom)]
    choice = np.where(open_.truth.unknown, 0, -1).astype(np.int32)
    for use, holds in reversed(open_.exceptions):
        assert use.under is not None
        name = use.under.where
        options.append((facts[name].ask or f"{facts[name].label} ?", facts[name].whom))
        choice[open_.truth.unknown & ~open_.fact & holds.unknown] = len(options) - 1
    known = _settled(table, said.fact, fact)
    for use in uses(said):
        if isinstance(use.value, FactRef):
            other = facts[use.value.fact]
            options.append((other.ask or f"{other.label} ?", other.whom))
            missing = ~_settled(table, use.value.fact, other)
            choice[open_.truth.unknown & open_.fact & known & missing] = len(options) - 1
    return {
        "question": Texts(choice, [question for question, _ in options]),
        "whom": Texts(choice, [whom for _, whom in options]),
    }


def _settled(table: pd.DataFrame, name: str, fact: Fact) -> NDArray[np.bool_]:
    if fact.kind in ("number", "integer"):
        low, high = ends_of(table, name, fact)
        return np.asarray(low == high)
    return column_of(table, name, fact).notna().to_numpy()


def failed_examples(document: Document, facts: Mapping[str, Fact]) -> list[str]:
    """Return what a document's examples show to be wrong or leave unshown, in French.

    Every example is judged; then every condition must be shown yes and no, and every threshold
    exactly at it and just beyond it on the other side. An empty list: the document holds.
    """
    wrong = []
    for version in document.version:
        examples = [e for e in document.example if version_on(document, e.on) is version]
        read = readings(given_table(examples, facts), version, facts)
        answers = {row.name: row.truth for row in read}
        for number, example in enumerate(examples):
            for name, expected in example.then.items():
                said = _said(answers[name], number)
                if said != expected:
                    found = f"{name} = {said}, attendu {expected}"
                    wrong.append(f"{document.title}, « {example.name} » : {found}")
    return wrong + [f"{document.title} : {gap}" for gap in uncovered(document, facts)]


def _said(truth: Truth, row: int) -> str:
    return "yes" if truth.yes[row] else "no" if truth.no[row] else "unknown"

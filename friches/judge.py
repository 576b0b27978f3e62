"""Judge facts by a document: yes, no or unknown, with what was found, needed, and whom to ask.

Kleene's three values over whole columns, as two masks (yes, no); unknown is neither. Missing is
never no: an unknown end of a number is without bound, a missing column is unknown everywhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from friches.documents import (
    read_document,
    read_facts,
    read_folder,
    read_folders,
    version_on,
    with_verdicts,
)
from friches.examples import given_table, uncovered
from friches.grammar import Condition, Derogation, Document, Example, Fact, Version, Way, uses
from friches.kleene import Truth, compared, every, held, negated, replaced
from friches.phrases import plain, same, stacked
from friches.procedure import Chance, Cost, Practice, Step
from friches.telling import Open, Reading, asked, cited, summed, tell_condition

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "Chance",
    "Condition",
    "Cost",
    "Derogation",
    "Document",
    "Example",
    "Fact",
    "Practice",
    "Reading",
    "Step",
    "Version",
    "Way",
    "asked",
    "contradicted",
    "failed_examples",
    "judge",
    "read_document",
    "read_facts",
    "read_folder",
    "read_folders",
    "readings",
    "version_on",
]
TEXTS = ("found", "needed", "text", "source", "question", "whom")


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
        The facts the version names. The verdict of another document, where one is read, is the
        column « verdict_of.x » of the table (and « .question », « .whom »: what « x » asks).

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
        "condition": plain(stacked([same(row.name, len(table)) for row in rows], len(table))),
        "answer": pd.arrays.BooleanArray(yes, unknown),
    }
    told = [row.tell() for row in rows]
    for column in TEXTS:
        columns[column] = plain(stacked([texts.get(column) for texts in told], len(table)))
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
        rows += [*inner, summed(way.id, ways[-1], way.text, cited(way, version))]
    bars = [read(said) for said in version.bar]
    if ways:
        needs.append(negated(every([negated(way) for way in ways])))
    verdict = every(needs + [negated(row.truth) for row in bars])
    return [*rows, *bars, summed("verdict", verdict, "", cited(version, version))]


def _condition(
    table: pd.DataFrame, said: Condition, facts: Mapping[str, Fact], version: Version
) -> Reading:
    base, *exceptions = [(use, compared(table, use, facts)) for use in uses(said)]
    open_ = Open(base[1], base[1].unknown, [])
    for use, other in reversed(exceptions):  # the first that holds has the last word
        holds = held(table, use, facts)
        open_ = Open(
            replaced(open_.truth, other, holds),
            (open_.fact & ~holds.yes) | (other.unknown & ~holds.no),
            [(use, holds), *open_.exceptions],
        )
    return Reading(said.id, open_.truth, lambda: tell_condition(table, said, facts, version, open_))


def failed_examples(document: Document, facts: Mapping[str, Fact]) -> list[str]:
    """Return what a document's examples show to be wrong or leave unshown, in French.

    Every example is judged; then every condition must be shown yes and no, and every threshold
    exactly at it and just beyond it on the other side. An empty list: the document holds.
    """
    gaps = uncovered(document, facts)
    return contradicted(document, facts) + [f"{document.title} : {gap}" for gap in gaps]


def contradicted(document: Document, facts: Mapping[str, Fact]) -> list[str]:
    """Return the answers of a document that are not those its examples expect, in French."""
    wrong = []
    facts = with_verdicts(facts, document)
    for version in document.version:
        examples = [e for e in document.example if version_on(document, e.on) is version]
        if not examples:
            continue
        read = readings(given_table(examples, facts), version, facts)
        answers = {row.name: row.truth for row in read}
        for number, example in enumerate(examples):
            for name, expected in example.then.items():
                said = _said(answers[name], number)
                if said != expected:
                    found = f"{name} = {said}, attendu {expected}"
                    wrong.append(f"{document.title}, « {example.name} » : {found}")
    return wrong


def _said(truth: Truth, row: int) -> str:
    return "yes" if truth.yes[row] else "no" if truth.no[row] else "unknown"

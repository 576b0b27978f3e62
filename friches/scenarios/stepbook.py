"""Table `steps`: procedure, permits, then field of each route, taken from the cases' own steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from friches import tables
from friches.phrases import Texts, coded, worded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from friches.scenarios.cases import Cases

    Codes = NDArray[np.int64]

EXTRA = {"branch": "category", "optional": "boolean", "critical": "boolean"}
TEXTS = ("step", "who", "act", "article", "text", "practice", "branch")
"""Columns that cases share; block_id and instrument are each row's own."""


def steps_of_blocks(
    blocks: Sequence[str], kinds: Codes, routes: Sequence[str], cases: Cases
) -> pd.DataFrame:
    """Return the dated steps of every route of blocks that is not closed.

    Parameters
    ----------
    blocks : sequence of str
        Their names, in the order of the rows.
    kinds : array of int, (blocks,)
        The block of `cases` that each is like.
    routes : sequence of str
        Names of the routes, in the order of `cases`.
    cases : Cases
        Routes, block after block, as cases.
    """
    inorder = np.argsort(np.array(routes))
    places = (kinds[:, None] * len(routes) + inorder).ravel()  # block after block, route by name
    parts = (cases.procedure, cases.permits, cases.field)
    of_row = np.column_stack([part[places] for part in parts])
    sizes = np.array([*map(len, cases.steps), 0], dtype=np.int64)  # -1 reads the last: none
    lengths = sizes[of_row]
    begins = (np.cumsum(sizes) - sizes)[of_row]
    if not lengths.sum():
        return pd.DataFrame(tables.empty("steps", extra=EXTRA))
    taken = _ranges(begins.ravel(), lengths.ravel())
    whole = lengths.sum(axis=1)
    rows = np.repeat(np.arange(len(places)), whole)
    book = _book([row for listed in cases.steps for row in listed])
    steps = book.take(taken).reset_index(drop=True)
    steps = steps.assign(
        block_id=_named(list(blocks), rows // len(routes)),
        instrument=_named(list(routes), inorder[rows % len(routes)]),
        position=_ranges(np.ones(len(whole), dtype=np.int64), whole),
        **{name: _left(steps[name]) for name in TEXTS},
    )
    return steps[[column.name for column in tables.TABLES["steps"].columns]]


def _ranges(begins: Codes, lengths: Codes) -> Codes:
    """Return begin, begin + 1, … of each range in turn."""
    ends = np.cumsum(lengths)
    told: Codes = np.arange(lengths.sum()) + np.repeat(begins - (ends - lengths), lengths)
    return told


def _book(rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """Return the rows of every case, one after the other, as columns."""
    columns: dict[str, Any] = {}
    for column in tables.TABLES["steps"].columns:
        said = [row.get(column.name) for row in rows]
        if column.name in TEXTS:
            columns[column.name] = worded(said)
        elif column.kind == tables.DATE:
            columns[column.name] = pd.Series(said, dtype=tables.DATE)
        elif column.kind == tables.ANSWER:
            columns[column.name] = pd.Series([bool(one) for one in said], dtype="boolean")
    return pd.DataFrame(columns)


def _left(column: pd.Series[str]) -> pd.Categorical:
    """Return a category without the words that no row has left."""
    told = column.cat
    return coded(Texts(np.array(told.codes, dtype=np.int32), list(told.categories)))


def _named(names: list[str], codes: Codes) -> pd.Categorical:
    return coded(Texts(codes.astype(np.int32), names))

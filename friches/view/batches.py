"""The blocks told in full, the first ones by rank, a batch at a time with their own rows alone.

A territory may have tens of thousands of blocks: the rows of those that are not told are never
looped over, and those that are told stand in memory a batch at a time.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from friches.studyfile import TOLD_IN_FULL
from friches.view import words
from friches.view.lexicon import w
from friches.view.rows import first_blocks, sorted_blocks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from friches.result import Result

SIZE = 100
"""Blocks whose rows are gathered together. ASSUMPTION: enough to share what gathering costs."""
OF_BLOCK = ("blocks", "members", "reach", "meals", "matches", "routes", "steps", "plots", "prices")
OF_PARCEL = ("facts", "evidence", "fallow", "rulings")


def told(result: Result, most: int = TOLD_IN_FULL) -> Result:
    """Return the result with the rows of its first `most` blocks by rank alone.

    `parcels`, `roads`, `owners`, `farmers` and `canteens` stay whole: plans and names read them.
    The same object where there are no more blocks than that.
    """
    first = first_blocks(result, most)
    if first is result:
        return result
    inside = set(first.members["parcel_id"])
    return replace(first, **{name: _within(getattr(first, name), inside) for name in OF_PARCEL})


def said(result: Result, most: int = TOLD_IN_FULL) -> str:
    """Return the sentence that says how many blocks have a sheet, "" where all of them have."""
    if len(result.blocks) <= most:
        return ""
    return str(
        w.sheet.told_in_full.format(
            told=w.counts.first_blocks(most), blocks=words.number(len(result.blocks))
        )
    )


def parts(result: Result, size: int = SIZE) -> Iterator[Result]:
    """Yield the result with the rows of some blocks alone, by rank, until all have been told.

    Rows keep their order within a batch.
    """
    names = list(sorted_blocks(result)["block_id"])
    of_block = {name: _Rows(getattr(result, name), "block_id") for name in _of_block(result)}
    of_parcel = {name: _Rows(getattr(result, name), "parcel_id") for name in OF_PARCEL}
    for start in range(0, len(names), size):
        cut = {name: rows.of(names[start : start + size]) for name, rows in of_block.items()}
        cut |= {name: rows.of(cut["members"]["parcel_id"]) for name, rows in of_parcel.items()}
        yield replace(result, **cut)


def _of_block(result: Result) -> list[str]:
    return [name for name in OF_BLOCK if getattr(result, name) is not None]


def _within(table: Any, parcels: set[str]) -> Any:
    kept = table["parcel_id"].isin(parcels)
    return table if kept.all() else table[kept]  # no copy of what is told whole already


class _Rows:
    """A table whose key is read once: the rows of some keys are then quick to find."""

    def __init__(self, table: Any, column: str) -> None:
        self.table = table
        codes, keys = pd.factorize(table[column])
        self.places = pd.Index(np.asarray(keys, dtype=object))
        self.rows: NDArray[np.int64] = np.argsort(codes, kind="stable")
        self.starts = np.searchsorted(codes[self.rows], np.arange(len(keys) + 1))

    def of(self, keys: Any) -> Any:
        """Return the rows of some keys, in the table's order."""
        found = np.unique(self.places.get_indexer(np.asarray(keys, dtype=object)))
        slices = [self.rows[self.starts[n] : self.starts[n + 1]] for n in found if n >= 0]
        rows = np.sort(np.concatenate(slices)) if slices else np.empty(0, dtype=np.int64)
        return self.table.iloc[rows]

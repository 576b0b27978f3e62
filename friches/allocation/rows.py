"""Rows of a programme, as triplets, and how they are put under each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.sparse import csr_array

if TYPE_CHECKING:
    from collections.abc import Sequence

    from friches.allocation.arrays import Indices, Numbers


class Rows(NamedTuple):
    """Rows `a @ columns <= upper`, as triplets."""

    row: Indices
    column: Indices
    value: Numbers
    upper: Numbers


def stacked(parts: Sequence[Rows], width: int) -> tuple[csr_array, Numbers]:
    """Return the matrix and the upper ends of rows put under each other."""
    offsets = np.cumsum([0, *(len(part.upper) for part in parts)])
    row = np.concatenate([part.row + at for part, at in zip(parts, offsets[:-1], strict=True)])
    column = np.concatenate([part.column for part in parts])
    value = np.concatenate([part.value for part in parts])
    upper = np.concatenate([part.upper for part in parts])
    return csr_array((value, (row, column)), shape=(int(offsets[-1]), width)), upper


def widened(matrix: csr_array, more: tuple[csr_array, Numbers]) -> tuple[csr_array, Numbers]:
    """Return `matrix` with rows under it that have more columns, and the upper ends of these."""
    under, upper = more
    rows = matrix.shape[0] + under.shape[0]
    data = np.concatenate([matrix.data, under.data])
    indices = np.concatenate([matrix.indices, under.indices])
    starts = np.concatenate([matrix.indptr, matrix.indptr[-1] + under.indptr[1:]])
    return csr_array((data, indices, starts), shape=(rows, under.shape[1])), upper

"""A packed tree of bounds: which boxes of one layer meet which of another.

Boxes are sorted by tiles (sort-tile-recursive: Leutenegger and others, 1997) and packed sixteen to
a node, level above level, in flat arrays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from friches.spatial.compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]
    Indices = NDArray[np.int64]

WIDTH = 16
"""Boxes a node."""


class Tree(NamedTuple):
    """Boxes of every level, the lowest first; `level` says where each level begins."""

    boxes: Numbers
    level: Indices
    row: Indices


def pack(bounds: Numbers) -> Tree:
    """Return the tree of n boxes (west, south, east, north); boxes with west > east are left out.

    Parameters
    ----------
    bounds : array (n, 4)
    """
    rows = np.flatnonzero(bounds[:, 0] <= bounds[:, 2])
    across = bounds[rows, 0] + bounds[rows, 2]
    up = bounds[rows, 1] + bounds[rows, 3]
    tiles = max(int(np.ceil(np.sqrt(len(rows) / WIDTH))), 1)
    by_x = np.argsort(across, kind="stable")
    strip = np.empty(len(rows), np.int64)
    strip[by_x] = np.arange(len(rows)) // max(-(-len(rows) // tiles), 1)
    order = np.lexsort((up, strip))
    rows = rows[order]
    levels = [bounds[rows]]
    while len(levels[-1]) > 1:
        below = levels[-1]
        starts = np.arange(0, len(below), WIDTH)
        low = np.minimum.reduceat(below[:, :2], starts)
        levels.append(np.hstack([low, np.maximum.reduceat(below[:, 2:], starts)]))
    begins = np.cumsum([0] + [len(level) for level in levels])
    return Tree(np.concatenate(levels), begins.astype(np.int64), rows.astype(np.int64))


@compiled
def meeting(tree: Tree, bounds: Any, first: int, last: int) -> tuple[Any, Any]:
    """Return the pairs (box of `bounds`, box of the tree) whose insides meet.

    Parameters
    ----------
    bounds : array (m, 4)
    first, last : int
        Rows of `bounds` to look at.

    Returns
    -------
    two arrays, ordered by row of `bounds`, then along the tree.
    """
    boxes, level, row = tree.boxes, tree.level, tree.row
    room = 4 * (last - first) + 64
    here, there = np.empty(room, np.int64), np.empty(room, np.int64)
    stack = np.empty((len(level) * WIDTH + 1, 2), np.int64)
    k = 0
    top = len(level) - 2
    for i in range(first, last):
        west, south, east, north = bounds[i, 0], bounds[i, 1], bounds[i, 2], bounds[i, 3]
        if not west <= east or len(row) == 0:
            continue
        stack[0, 0], stack[0, 1] = top, 0
        deep = 1
        while deep > 0:
            deep -= 1
            at, node = stack[deep, 0], stack[deep, 1]
            box = level[at] + node
            if (
                boxes[box, 0] >= east
                or boxes[box, 2] <= west
                or boxes[box, 1] >= north
                or boxes[box, 3] <= south
            ):
                continue
            if at > 0:
                until = min((node + 1) * WIDTH, level[at] - level[at - 1])
                for child in range(until - 1, node * WIDTH - 1, -1):
                    stack[deep, 0], stack[deep, 1] = at - 1, child
                    deep += 1
                continue
            if k == room:
                room *= 2
                wider, other = np.empty(room, np.int64), np.empty(room, np.int64)
                wider[:k], other[:k] = here, there
                here, there = wider, other
            here[k], there[k] = i, row[node]
            k += 1
    return here[:k], there[:k]

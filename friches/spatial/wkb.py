"""Well-known binary read by compiled loops: where rings begin, which are outsides, coordinates.

Types and flags after OGC 06-103r4 (ISO: 1000 for Z, 2000 for M) and PostGIS' EWKB (high bits).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from friches.spatial.compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

POINT, LINE, POLYGON = 1, 2, 3
MANY_FROM, MANY_TO = 4, 7  # multi-types and collections: a count, then whole geometries


@compiled
def _whole(data: Any, at: int) -> Any:
    """Return the 32-bit whole number stored at a place."""
    return (
        np.int64(data[at])
        | np.int64(data[at + 1]) << 8
        | np.int64(data[at + 2]) << 16
        | np.int64(data[at + 3]) << 24
    )


@compiled
def _head(data: Any, at: int) -> tuple[int, int, int]:
    """Return type, numbers a point, and where the content begins."""
    said = _whole(data, at + 1)
    at += 5
    sizes = 2
    if said & 0x80000000:
        sizes += 1
    if said & 0x40000000:
        sizes += 1
    if said & 0x20000000:
        at += 4
    said &= 0x0FFFFFFF
    thousands = said // 1000
    if thousands == 1 or thousands == 2:  # noqa: PLR1714 -- compiled code
        sizes += 1
    elif thousands == 3:
        sizes += 2
    return said % 1000, sizes, at


@compiled
def _count(data: Any, begin: int, end: int) -> tuple[int, int]:
    """Return rings and points of the polygons of one value; -1 when it cannot be read."""
    rings = points = 0
    left = 1 if end > begin else 0
    at = begin
    while left > 0:
        if at + 5 > end or data[at] != 1:
            return -1, 0
        kind, sizes, at = _head(data, at)
        left -= 1
        if kind == POINT:
            at += 8 * sizes
            continue
        if kind < POINT or kind > MANY_TO or at + 4 > end:
            return -1, 0
        n = _whole(data, at)
        at += 4
        if kind == LINE:
            at += 8 * sizes * n
        elif kind == POLYGON:
            for _ in range(n):
                if at + 4 > end:
                    return -1, 0
                size = _whole(data, at)
                at += 4 + 8 * sizes * size
                rings += 1
                points += size
        else:
            left += n
        if at > end:
            return -1, 0
    return (rings, points) if at == end else (-1, 0)


@compiled
def count(data: Any, offsets: Any) -> NDArray[np.int64]:
    """Return rings and points of each value, as an array (n, 2); -1 rings where unreadable."""
    found = np.empty((len(offsets) - 1, 2), np.int64)
    for row in range(len(offsets) - 1):
        found[row, 0], found[row, 1] = _count(data, offsets[row], offsets[row + 1])
    return found


@compiled
def fill(data: Any, offsets: Any, xy: Any, ring: Any, outer: Any) -> None:
    """Copy the rings of every value: `xy` is seen as bytes, `ring` and `outer` are filled."""
    rings = points = 0
    for row in range(len(offsets) - 1):
        at = offsets[row]
        left = 1 if offsets[row + 1] > at else 0
        while left > 0:
            kind, sizes, at = _head(data, at)
            left -= 1
            if kind == POINT:
                at += 8 * sizes
                continue
            n = _whole(data, at)
            at += 4
            if kind == LINE:
                at += 8 * sizes * n
            elif kind != POLYGON:
                left += n
            else:
                for one in range(n):
                    size = _whole(data, at)
                    at += 4
                    for point in range(size):
                        to = 16 * (points + point)
                        xy[to : to + 16] = data[at : at + 16]
                        at += 8 * sizes
                    outer[rings] = one == 0
                    rings += 1
                    points += size
                    ring[rings] = points


@compiled
def marks(words: Any, ring: Any, shape: Any) -> NDArray[np.uint64]:
    """Return two 64-bit marks of the coordinates of each shape, as an array (n, 2).

    Two unlike shapes with both marks equal are not to be expected before 10^19 pairs.
    """
    n = len(shape) - 1
    found = np.empty((n, 2), np.uint64)
    for g in range(n):
        one, other = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)
        for r in range(shape[g], shape[g + 1]):
            for i in range(ring[r], ring[r + 1]):
                for axis in range(2):
                    word = words[i, axis]
                    one = (one ^ word) * np.uint64(0xFF51AFD7ED558CCD)
                    one ^= one >> np.uint64(32)
                    other = (other + word) * np.uint64(0xC4CEB9FE1A85EC53)
                    other ^= other >> np.uint64(29)
            one += np.uint64(r - shape[g] + 1)  # where rings part counts too
        found[g, 0], found[g, 1] = one, other
    return found

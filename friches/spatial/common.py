"""The area two shapes have in common, exact and without building their intersection.

With each shape written as a signed sum of the regions below its edges, the common area is the sum,
over pairs of edges and the x they share, of the signs times the integral of the lower of the two.
Since the signs over any x cancel, min(y - z, 0) may stand for the lower one, so that an edge wholly
below counts for nothing and numbers stay small. It is a closed form: nothing is decided about
topology, so there is nothing to fail on slivers, shared edges or touching points.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

from friches.spatial.compiled import compiled
from friches.spatial.cores import threads
from friches.spatial.edges import Edges, slab_of
from friches.spatial.packed import meeting, pack

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]
    Indices = NDArray[np.int64]

CHUNK = 8192
"""Shapes or pairs given to a thread at once; the answer does not depend on it."""


def meeting_pairs(one: Numbers, other: Numbers) -> tuple[Indices, Indices]:
    """Return the pairs of bounds (n, 4) and (m, 4) that meet, ordered by the first."""
    tree = pack(other)
    n = len(one)
    parts = [(low, min(low + CHUNK, n)) for low in range(0, n, CHUNK)]
    found = threaded(lambda part: meeting(tree, one, *part), parts)
    if not found:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    first, second = zip(*found, strict=True)
    return np.concatenate(first), np.concatenate(second)


def common_areas(one: Edges, other: Edges, left: Indices, right: Indices) -> Numbers:
    """Return the area (m²) common to one[left] and other[right], pair by pair.

    Parameters
    ----------
    one, other : Edges
        Valid polygons (made valid beforehand), in metres.
    left, right : arrays of m rows

    Returns
    -------
    array of m areas (m²), never below 0; each depends on its own pair alone.
    """
    found = np.zeros(len(left))
    parts = [slice(low, low + CHUNK) for low in range(0, len(left), CHUNK)]
    threaded(lambda part: _areas(one, other, left[part], right[part], found[part]), parts)
    return found


def threaded(work: Callable[[Any], Any], parts: list[Any]) -> list[Any]:
    """Return work(part) for each part, in order; compiled loops let go of Python's lock."""
    if len(parts) < 2 or threads() < 2:
        return [work(part) for part in parts]
    with ThreadPoolExecutor(threads()) as pool:
        return list(pool.map(work, parts))


@compiled
def _cut(edge: Any, i: int, west: float, east: float, south: float, window: Any, k: int) -> int:
    """Add one edge, cut to a strip of x and told from its corner, to the window."""
    left, right = max(edge[i, 0], west), min(edge[i, 1], east)
    if left >= right:
        return k
    slope = edge[i, 3]
    at = edge[i, 2] - south + slope * (left - edge[i, 0])
    then = at + slope * (right - left)
    window[k, 0], window[k, 1], window[k, 2] = left - west, right - west, at
    window[k, 3], window[k, 4] = slope, edge[i, 4]
    window[k, 5], window[k, 6] = min(at, then), max(at, then)
    return k + 1


@compiled
def _window(shapes: Edges, g: int, west: float, east: float, south: float, window: Any) -> int:
    """Fill the window with the edges of a shape that lie in a strip of x; return how many."""
    k = 0
    n = shapes.slabs[g, 1]
    if n == 0:
        for i in range(shapes.begin[g], shapes.end[g]):
            k = _cut(shapes.edge, i, west, east, south, window, k)
        return k
    from_x, to_x = shapes.bounds[g, 0], shapes.bounds[g, 2]
    low, high = slab_of(west, from_x, to_x, n), slab_of(east, from_x, to_x, n)
    for s in range(low, high + 1):
        slab = shapes.slabs[g, 0] + s
        for place in range(shapes.slab[slab], shapes.slab[slab + 1]):
            i = shapes.inside[place]
            begins = max(slab_of(shapes.edge[i, 0], from_x, to_x, n), low)
            if begins == s:  # an edge over several slabs counts in the first alone
                k = _cut(shapes.edge, i, west, east, south, window, k)
    return k


@compiled
def _under(a: Any, u: int, b: Any, v: int) -> Any:
    """Return the integral of min(y - z, 0) over the x that edges u and v share."""
    left, right = max(a[u, 0], b[v, 0]), min(a[u, 1], b[v, 1])
    width = right - left
    if width <= 0.0:
        return 0.0
    gap = a[u, 2] + a[u, 3] * (left - a[u, 0]) - b[v, 2] - b[v, 3] * (left - b[v, 0])
    then = gap + (a[u, 3] - b[v, 3]) * width
    if gap <= 0.0 and then <= 0.0:
        return 0.5 * (gap + then) * width
    if gap < 0.0:
        return 0.5 * gap * gap / (gap - then) * width
    if then < 0.0:
        return 0.5 * then * then / (then - gap) * width
    return 0.0


@compiled
def _areas(one: Edges, other: Edges, left: Any, right: Any, found: Any) -> None:
    most_a = most_b = 0
    for p in range(len(left)):
        most_a = max(most_a, one.end[left[p]] - one.begin[left[p]])
        most_b = max(most_b, other.end[right[p]] - other.begin[right[p]])
    a, b = np.empty((most_a, 7)), np.empty((most_b, 7))
    for p in range(len(left)):
        i, j = left[p], right[p]
        west = max(one.bounds[i, 0], other.bounds[j, 0])
        east = min(one.bounds[i, 2], other.bounds[j, 2])
        south = max(one.bounds[i, 1], other.bounds[j, 1])
        if not west < east:
            continue
        n, m = (
            _window(one, i, west, east, south, a),
            _window(other, j, west, east, south, b),
        )
        total = 0.0
        for u in range(n):
            low, begins, ends = a[u, 5], a[u, 0], a[u, 1]
            part = 0.0
            for v in range(m):
                if b[v, 6] > low and b[v, 0] < ends and b[v, 1] > begins:
                    part += b[v, 4] * _under(a, u, b, v)
            total += a[u, 4] * part
        found[p] = max(total, 0.0)

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
from friches.spatial.edges import Edges, edges, slab_of
from friches.spatial.geos import OVERLAP_M2, remainders, summed
from friches.spatial.packed import meeting, pack
from friches.spatial.shapes import Shapes, as_geometries, first_alike, from_geometries, join, take

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]
    Indices = NDArray[np.int64]

CHUNK = 8192
"""Shapes or pairs given to a thread at once; the answer does not depend on it."""


def class_areas(
    land: Edges, drawn: Shapes, codes: Indices, which: Indices | None = None
) -> tuple[Indices, Indices, Numbers]:
    """Return row of land, class and common area (m²) of every pair that meets.

    Parameters
    ----------
    land : Edges
        Of n valid polygons, in metres.
    drawn : Shapes
        m valid polygons; where those of one class overlap, the ground they share counts once.
    codes : array of k class numbers, from 0
    which : array of k rows of `drawn`, optional
        The polygon of each code: one polygon may be in several classes. By default all, in order.

    Returns
    -------
    parcel, code, area_m2 : arrays, one row a parcel and class, ordered.
    """
    # Many fields are drawn alike year after year: each shape is measured once.
    firsts, alike = first_alike(drawn)
    drawn = take(drawn, firsts)
    alike = alike if which is None else alike[which]
    drawn, alike, codes = _apart(drawn, edges(drawn), alike, codes)
    one = edges(drawn)
    shape, parcel = meeting_pairs(one.bounds, land.bounds)
    area = common_areas(one, land, shape, parcel)
    met = area > 0
    shape, parcel, area = shape[met], parcel[met], area[met]
    order = np.argsort(alike, kind="stable")
    begin = np.searchsorted(alike[order], shape)
    many = np.searchsorted(alike[order], shape, side="right") - begin
    row = order[spread(begin, many)]
    return summed(np.repeat(parcel, many), codes[row], np.repeat(area, many))


def _apart(
    drawn: Shapes, outlines: Edges, alike: Indices, codes: Indices
) -> tuple[Shapes, Indices, Indices]:
    """Cut, out of each polygon, the larger ones of its class; return shapes, shape a row, codes."""
    _, rows = np.unique(np.stack([codes, alike]), axis=1, return_index=True)
    alike, codes = alike[rows], codes[rows]  # the same shape twice in a class counts once
    larger, smaller = _overlapping(outlines, alike, codes)
    if not len(larger):
        return drawn, alike, codes
    cut, case, first = _cases(alike, larger, smaller)
    # A few cases stand for all campaigns: rows of the first one, cut by the shapes themselves.
    told = np.isin(smaller, cut[first])
    larger, smaller = larger[told], smaller[told]
    kept, at = np.unique(np.concatenate([alike[cut[first]], alike[larger]]), return_inverse=True)
    whole = as_geometries(take(drawn, kept))
    geometries = np.concatenate([whole[at[: len(first)]], whole])
    place = np.searchsorted(cut[first], smaller)
    _, rest = remainders(geometries, len(first) + at[len(first) :], place)
    alike[cut] = len(drawn) + case
    return join(drawn, from_geometries(rest)), alike, codes


def _cases(alike: Indices, larger: Indices, smaller: Indices) -> tuple[Indices, Indices, Indices]:
    """Return the rows to cut, which case each is, and the first row (in these) of each case.

    The same shape cut by the same shapes is one case, in however many classes it comes.
    """
    cut, row = np.unique(smaller, return_inverse=True)
    words = alike[larger].astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    words = (words ^ (words >> np.uint64(31))) * np.uint64(0xBF58476D1CE4E5B9)
    mark = np.zeros(len(cut), np.uint64)
    np.add.at(mark, row, words ^ (words >> np.uint64(29)))
    many = np.bincount(row, minlength=len(cut)).astype(np.uint64)
    said = np.stack([alike[cut].astype(np.uint64), many, mark])
    _, first, case = np.unique(said, axis=1, return_index=True, return_inverse=True)
    # Rows of `cut` ascend, so cases are put in the order of their first rows.
    order = np.argsort(first)
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    return cut, rank[case.reshape(-1)], first[order]


def _overlapping(outlines: Edges, alike: Indices, codes: Indices) -> tuple[Indices, Indices]:
    """Return the pairs of rows of one class that overlap: larger, smaller; by smaller, by size."""
    bounds = outlines.bounds[alike].copy()
    if not len(bounds):
        return alike, alike
    # Each class is moved aside by more than the layer's width: classes meet only themselves.
    there = bounds[:, 0] <= bounds[:, 2]
    step = 2 * float(np.ptp(bounds[there][:, [0, 2]])) + 1 if there.any() else 1.0
    bounds[:, [0, 2]] += (codes * step)[:, None]
    one, other = meeting_pairs(bounds, bounds)
    once = one < other
    one, other = one[once], other[once]
    # The same two shapes may meet in several classes: their overlap is measured once.
    pair = alike[one] * len(outlines.begin) + alike[other]
    pairs, row = np.unique(pair, return_inverse=True)
    area = common_areas(outlines, outlines, *np.divmod(pairs, len(outlines.begin)))
    shared = area[row] > OVERLAP_M2
    one, other = one[shared], other[shared]
    everyone = np.arange(len(outlines.begin))
    size = common_areas(outlines, outlines, everyone, everyone)[alike]
    # Equal sizes are told apart by their place on the ground, never by their place in the file.
    first = np.lexsort((*outlines.bounds[alike].T, size))
    rank = np.empty(len(first), np.int64)
    rank[first] = np.arange(len(first))
    swap = rank[one] < rank[other]
    larger, smaller = np.where(swap, other, one), np.where(swap, one, other)
    order = np.lexsort((-rank[larger], smaller))
    return larger[order], smaller[order]


def spread(begin: Indices, many: Indices) -> Indices:
    """Return begin[0], begin[0]+1, ... (many[0] of them), then begin[1]..., as one array."""
    starts = np.cumsum(many) - many
    found: Indices = np.arange(int(many.sum())) + np.repeat(begin - starts, many)
    return found


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
    if len(parts) < 2:
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

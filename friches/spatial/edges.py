"""Edges of shapes, ready for the area kernel, with the bounds of each shape.

An edge of a shape counts +1 or -1: the sum, over the edges above a point, is 1 inside the shape
and 0 outside, whatever the way its rings were drawn. Upright edges count for nothing and are
dropped. Shapes with many edges carry an index by slabs of x, so that a small parcel under a large
wood meets the few edges beside it and not all of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from friches.spatial.compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from friches.spatial.shapes import Shapes

    Numbers = NDArray[np.float64]
    Indices = NDArray[np.int64]

MANY = 256
"""Shapes with more edges than this are indexed by slabs."""
PER_SLAB = 16
"""About as many edges begin in a slab."""


class Edges(NamedTuple):
    """Edges of n shapes.

    Attributes
    ----------
    edge : array (edges, 5)
        Left x, right x, y at the left, slope, sign.
    begin, end : arrays (n)
        Which edges are a shape's.
    bounds : array (n, 4)
        West, south, east, north (m); a shape without area has west > east.
    slabs : array (n, 2)
        First slab and number of slabs of a shape; none when it has few edges.
    slab : array (slabs + 1)
        Where each slab begins in `inside`.
    inside : array
        Edges that touch the slab, in order.
    """

    edge: Numbers
    begin: Indices
    end: Indices
    bounds: Numbers
    slabs: Indices
    slab: Indices
    inside: Indices


def edges(shapes: Shapes) -> Edges:
    """Return the edges of shapes and their index."""
    edge, begin, end, bounds = _edges(*shapes)
    size = end - begin
    many = np.where(size > MANY, size // PER_SLAB, 0)
    first = np.concatenate([[0], np.cumsum(many)]).astype(np.int64)
    slabs = np.stack([first[:-1], many], axis=1).astype(np.int64)
    slab, inside = _indexed(edge, begin, end, bounds, slabs, int(first[-1]))
    return Edges(edge, begin, end, bounds, slabs, slab, inside)


@compiled
def turn(xy: Any, begin: int, end: int) -> float:
    """Return twice the signed area of a ring, from its first point (large numbers cancel)."""
    x, y = xy[begin, 0], xy[begin, 1]
    twice = 0.0
    for i in range(begin, end - 1):
        twice += (xy[i, 0] - x) * (xy[i + 1, 1] - y) - (xy[i + 1, 0] - x) * (xy[i, 1] - y)
    return twice


@compiled
def _edges(xy: Any, ring: Any, outer: Any, shape: Any) -> tuple[Any, Any, Any, Any]:
    n = len(shape) - 1
    edge = np.empty((len(xy), 5))
    begin, end = np.empty(n, np.int64), np.empty(n, np.int64)
    bounds = np.empty((n, 4))
    k = 0
    for g in range(n):
        begin[g] = k
        west, south, east, north = np.inf, np.inf, -np.inf, -np.inf
        for r in range(shape[g], shape[g + 1]):
            # Seen from inside, the outside turns left; a hole turns right.
            sign = 1.0 if (turn(xy, ring[r], ring[r + 1]) > 0) == outer[r] else -1.0
            for i in range(ring[r], ring[r + 1] - 1):
                x0, y0, x1, y1 = xy[i, 0], xy[i, 1], xy[i + 1, 0], xy[i + 1, 1]
                west, east = min(west, x0), max(east, x0)
                south, north = min(south, y0), max(north, y0)
                if x0 == x1:
                    continue
                if x0 < x1:
                    edge[k, 0], edge[k, 1], edge[k, 2], edge[k, 4] = x0, x1, y0, -sign
                else:
                    edge[k, 0], edge[k, 1], edge[k, 2], edge[k, 4] = x1, x0, y1, sign
                edge[k, 3] = (y1 - y0) / (x1 - x0)
                k += 1
        end[g] = k
        bounds[g, 0], bounds[g, 1], bounds[g, 2], bounds[g, 3] = west, south, east, north
    return edge[:k].copy(), begin, end, bounds


@compiled
def slab_of(x: float, west: float, east: float, n: int) -> int:
    """Return the slab of a shape in which an x lies (clipped to the shape)."""
    return min(max(int((x - west) / (east - west) * n), 0), n - 1)


@compiled
def _indexed(
    edge: Any, begin: Any, end: Any, bounds: Any, slabs: Any, total: int
) -> tuple[Any, Any]:
    sizes = np.zeros(total + 1, np.int64)
    for g in range(len(begin)):
        first, n = slabs[g, 0], slabs[g, 1]
        if n == 0:
            continue
        for i in range(begin[g], end[g]):
            low = slab_of(edge[i, 0], bounds[g, 0], bounds[g, 2], n)
            high = slab_of(edge[i, 1], bounds[g, 0], bounds[g, 2], n)
            for s in range(low, high + 1):
                sizes[first + s + 1] += 1
    slab = np.cumsum(sizes)
    place = slab.copy()
    inside = np.empty(slab[-1], np.int64)
    for g in range(len(begin)):
        first, n = slabs[g, 0], slabs[g, 1]
        if n == 0:
            continue
        for i in range(begin[g], end[g]):
            low = slab_of(edge[i, 0], bounds[g, 0], bounds[g, 2], n)
            high = slab_of(edge[i, 1], bounds[g, 0], bounds[g, 2], n)
            for s in range(low, high + 1):
                inside[place[first + s]] = i
                place[first + s] += 1
    return slab, inside

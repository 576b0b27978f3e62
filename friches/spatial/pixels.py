"""Exact coverage of pixels by polygons, and sums of pixels weighed by it, as compiled loops.

Walking along the edges of a polygon, each piece of an edge within a pixel tells how much of its
row lies to the right of it: part of the pixel itself, and all of the next ones. Running sums along
each row then give the covered part of every pixel.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from friches.spatial.compiled import compiled
from friches.spatial.edges import turn

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from friches.spatial.coverage import Corner
    from friches.spatial.shapes import Shapes

    Indices = NDArray[np.int64]

ROUNDING = 1e-9
"""Covered parts of a pixel below this are rounding of running sums."""


@compiled
def _row(sums: Any, at: int, wide: int, xa: float, xb: float, dy: float, steep: float) -> None:
    """Add a piece of an edge, from xa to xb within one row of height dy, to the row's sums.

    The row is `wide` pixels and one more, from `at`; `steep` is the edge's height a pixel across.
    """
    left, right = min(xa, xb), max(xa, xb)
    if right <= 0.0:
        sums[at] += dy
        return
    if left >= wide:
        return
    if left < 0.0:
        piece = min(-left * steep, abs(dy))
        piece = piece if dy > 0.0 else -piece
        sums[at] += piece
        left, dy = 0.0, dy - piece
    cell = int(left)
    while right > cell + 1.0 and cell < wide:
        piece = min((cell + 1.0 - left) * steep, abs(dy))
        piece = piece if dy > 0.0 else -piece
        inside = 0.5 * (cell + 1.0 - left)
        sums[at + cell] += piece * inside
        sums[at + cell + 1] += piece * (1.0 - inside)
        dy -= piece
        cell += 1
        left = float(cell)
    if cell < wide:
        inside = cell + 1.0 - 0.5 * (left + right)
        sums[at + cell] += dy * inside
        sums[at + cell + 1] += dy * (1.0 - inside)


@compiled
def _edge(
    sums: Any, wide: int, down: int, x0: float, y0: float, x1: float, y1: float, sign: float
) -> None:
    """Add an edge to the sums; pixels count from the corner, y downward."""
    if y0 == y1:
        return
    if y0 > y1:
        x0, y0, x1, y1, sign = x1, y1, x0, y0, -sign
    slope = (x1 - x0) / (y1 - y0)
    steep = (y1 - y0) / abs(x1 - x0) if x1 != x0 else 0.0
    y, bottom = max(y0, 0.0), min(y1, float(down))
    xa = x0 + slope * (y - y0)
    row = int(y)
    while y < bottom:
        below = min(row + 1.0, bottom)
        xb = x1 if below == y1 else x0 + slope * (below - y0)
        _row(sums, row * (wide + 1), wide, xa, xb, sign * (below - y), steep)
        y, xa = below, xb
        row += 1


@compiled
def _span(xy: Any, begin: int, end: int, axis: int) -> tuple[float, float]:
    low, high = np.inf, -np.inf
    for i in range(begin, end):
        low, high = min(low, xy[i, axis]), max(high, xy[i, axis])
    return low, high


@compiled
def _clipped(low: float, high: float, n: int) -> tuple[int, int]:
    """Return the first pixel and the one after the last, within 0..n."""
    return max(int(np.floor(low)), 0), min(int(np.ceil(high)), n)


@compiled
def _bounded(
    shapes: Shapes, g: int, height: int, width: int, corner: Corner
) -> tuple[int, int, int, int]:
    """Return the first column and row of a window that a shape meets, and how many of each."""
    begin, end = shapes.ring[shapes.shape[g]], shapes.ring[shapes.shape[g + 1]]
    west, north, width_m, height_m = corner
    low, high = _span(shapes.xy, begin, end, 0)
    left, right = _clipped((low - west) / width_m, (high - west) / width_m, width)
    low, high = _span(shapes.xy, begin, end, 1)
    top, bottom = _clipped((north - high) / height_m, (north - low) / height_m, height)
    return left, top, right - left, bottom - top


@compiled
def _filled(
    shapes: Shapes, g: int, sums: Any, left: int, top: int, wide: int, down: int, corner: Corner
) -> None:
    """Add the edges of a shape to the sums of the pixels from (top, left) on."""
    xy, ring = shapes.xy, shapes.ring
    west, north, width_m, height_m = corner
    for r in range(shapes.shape[g], shapes.shape[g + 1]):
        sign = 1.0 if (turn(xy, ring[r], ring[r + 1]) > 0) == shapes.outer[r] else -1.0
        x, y = (xy[ring[r], 0] - west) / width_m - left, (north - xy[ring[r], 1]) / height_m - top
        for i in range(ring[r] + 1, ring[r + 1]):
            to_x, to_y = (xy[i, 0] - west) / width_m - left, (north - xy[i, 1]) / height_m - top
            _edge(sums, wide, down, x, y, to_x, to_y, sign)
            x, y = to_x, to_y


@compiled
def _tally(meaning: Any, cell: Any, part: Any, n: int, area: Any, place: int) -> None:
    for k in range(n):
        code = meaning[cell[k]]
        if code >= 0:
            area[place, code] += part[k]


@compiled
def _sum(bands: Any, cell: Any, part: Any, n: int, values: Any, weights: Any) -> None:
    values[:] = 0.0
    weights[:] = 0.0
    for k in range(n):
        pixel, share = cell[k], part[k]
        for band in range(bands.shape[1]):
            value = bands[pixel, band]
            known = share if value == value else 0.0  # noqa: PLR0124 -- not NaN
            values[band] += known * (value if value == value else 0.0)  # noqa: PLR0124
            weights[band] += known


@compiled
def weigh(
    shapes: Shapes, rows: Indices, places: Indices, cut: tuple[int, int, int, int],
    corner: Corner, meaning: Any, bands: Any, area: Any, sums: Any,
) -> None:  # fmt: skip
    """Add to each parcel the pixels it covers in a window, each weighing the part covered.

    Parameters
    ----------
    shapes : Shapes
        n valid polygons, in the CRS of the grid.
    rows, places : arrays of m
        Which of them meet the window, and in which row of `area` and `sums` each is told.
    cut : tuple
        Height and width of the window in pixels; in the pictures, its first pixel and the distance
        between rows.
    corner : tuple
        West and north edge of the window, width and height of a pixel (m).
    meaning : array of pixels
        Number of the class, below 0 where there is none; not read without classes.
    bands : array (pixels, bands)
        NaN where there is no value; not read without bands.
    area : array (places, classes)
        Changed in place, in pixels.
    sums : array (places, 2, bands)
        Changed in place: weighed values, weights.

    Notes
    -----
    Pixels are added row by row: no bit of a parcel's sums depends on the other parcels or on the
    thread.
    """
    height, width, start, stride = cut
    room = 4096
    covered, cell, part = np.empty(room), np.empty(room, np.int64), np.empty(room)
    values, weights = np.empty(sums.shape[2]), np.empty(sums.shape[2])
    for g, place in zip(rows, places):  # noqa: B905 -- compiled code knows no `strict`
        left, top, wide, down = _bounded(shapes, g, height, width, corner)
        if wide <= 0 or down <= 0:
            continue
        size = (wide + 1) * down
        if size > room:
            room = 2 * size
            covered, cell, part = np.empty(room), np.empty(room, np.int64), np.empty(room)
        covered[:size] = 0.0
        _filled(shapes, g, covered, left, top, wide, down, corner)
        n = 0
        for row in range(down):
            at, total = row * (wide + 1), 0.0
            first = start + (top + row) * stride + left
            for column in range(wide):
                total += covered[at + column]
                cell[n], part[n] = first + column, min(total, 1.0)
                n += total > ROUNDING
        if area.shape[1] > 0:
            _tally(meaning, cell, part, n, area, place)
        if sums.shape[2] > 0:
            _sum(bands, cell, part, n, values, weights)
            for band in range(len(values)):
                sums[place, 0, band] += values[band]
                sums[place, 1, band] += weights[band]

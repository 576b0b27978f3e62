"""Exact coverage of pixels by polygons, and sums of pixels weighed by it, as compiled loops.

Walking along the edges of a polygon, each piece of an edge within a pixel tells how much of its
row lies to the right of it: part of the pixel itself, and all of the next ones. Running sums along
each row then give the covered part of every pixel.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from friches.spatial.common import threaded
from friches.spatial.compiled import compiled
from friches.spatial.edges import turn

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from rasterio.windows import Window

    from friches.spatial.coverage import Corner
    from friches.spatial.shapes import Shapes

    Numbers = NDArray[np.float64]
    Indices = NDArray[np.int64]

CHUNK = 8192
"""Parcels given to a thread at once; the answer does not depend on it."""
ROUNDING = 1e-9
"""Covered parts of a pixel below this are rounding of running sums."""


def pixels(
    shapes: Shapes, rows: Indices, window: Window, corner: Corner
) -> tuple[Indices, Indices, Numbers]:
    """Return parcel, pixel and covered part of every pair in a window.

    Parameters
    ----------
    shapes : Shapes
        n valid polygons, in the CRS of the grid.
    rows : array
        Which of them may meet the window, ascending.
    window : Window
        Columns and rows of the grid.
    corner : tuple
        West and north edge of the window, width and height of a pixel (m).

    Returns
    -------
    parcel, cell, part : arrays
        Row of the shape, pixel (row-major in the window), part of the pixel (0 to 1).
    """
    size = int(window.height), int(window.width)
    parts = [rows[low : low + CHUNK] for low in range(0, len(rows), CHUNK)]
    found = threaded(lambda part: _covered(*shapes, part, *size, *corner), parts)
    if not found:
        return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0)
    parcel, cell, part = zip(*found, strict=True)
    return np.concatenate(parcel), np.concatenate(cell), np.concatenate(part)


@compiled
def _row(line: Any, xa: float, xb: float, dy: float) -> None:
    """Add a piece of an edge, from xa to xb within one row of height dy, to the row's sums."""
    left, right = min(xa, xb), max(xa, xb)
    wide = len(line) - 1
    if right <= 0.0:
        line[0] += dy
        return
    if left >= wide:
        return
    run = right - left
    if left < 0.0:
        line[0] += dy * (-left / run)
        left, dy, run = 0.0, dy * (right / run), right
    cell = int(left)
    while cell < wide:
        end = min(cell + 1.0, right)
        piece = dy * ((end - left) / run) if run > 0.0 else dy
        inside = cell + 1.0 - 0.5 * (left + end)
        line[cell] += piece * inside
        line[cell + 1] += piece * (1.0 - inside)
        if end >= right:
            return
        left = end
        cell += 1


@compiled
def _edge(sums: Any, x0: float, y0: float, x1: float, y1: float, sign: float) -> None:
    """Add an edge to the sums; pixels count from the corner, y downward."""
    if y0 == y1:
        return
    if y0 > y1:
        x0, y0, x1, y1, sign = x1, y1, x0, y0, -sign
    slope = (x1 - x0) / (y1 - y0)
    y, bottom = max(y0, 0.0), min(y1, float(len(sums)))
    xa = x0 + slope * (y - y0)
    row = int(y)
    while y < bottom:
        below = min(row + 1.0, bottom)
        xb = x1 if below == y1 else x0 + slope * (below - y0)
        _row(sums[row], xa, xb, sign * (below - y))
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
def _covered(
    xy: Any, ring: Any, outer: Any, shape: Any, rows: Any, height: int, width: int,
    west: float, north: float, width_m: float, height_m: float,
) -> tuple[Any, Any, Any]:  # fmt: skip
    room, k = 64 * len(rows) + 64, 0
    parcel, cell, part = np.empty(room, np.int64), np.empty(room, np.int64), np.empty(room)
    space = np.zeros(4096)
    for g in rows:
        begin, end = ring[shape[g]], ring[shape[g + 1]]
        low, high = _span(xy, begin, end, 0)
        left, right = _clipped((low - west) / width_m, (high - west) / width_m, width)
        low, high = _span(xy, begin, end, 1)
        top, bottom = _clipped((north - high) / height_m, (north - low) / height_m, height)
        if left >= right or top >= bottom:
            continue
        across, down = right - left + 1, bottom - top
        if across * down > len(space):
            space = np.zeros(2 * across * down)
        sums = space[: across * down].reshape(down, across)
        sums[:] = 0.0
        for r in range(shape[g], shape[g + 1]):
            sign = 1.0 if (turn(xy, ring[r], ring[r + 1]) > 0) == outer[r] else -1.0
            for i in range(ring[r], ring[r + 1] - 1):
                _edge(
                    sums,
                    (xy[i, 0] - west) / width_m - left,
                    (north - xy[i, 1]) / height_m - top,
                    (xy[i + 1, 0] - west) / width_m - left,
                    (north - xy[i + 1, 1]) / height_m - top,
                    sign,
                )
        if k + across * down > room:
            room = 2 * (k + across * down)
            parcel, cell, part = _longer(parcel, room), _longer(cell, room), _longer(part, room)
        for i in range(down):
            total = 0.0
            for j in range(across - 1):
                total += sums[i, j]
                if total > ROUNDING:
                    parcel[k], cell[k] = g, (top + i) * width + left + j
                    part[k] = min(total, 1.0)
                    k += 1
    return parcel[:k].copy(), cell[:k].copy(), part[:k].copy()


@compiled
def _longer(values: Any, room: int) -> Any:
    wider = np.empty(room, values.dtype)
    wider[: len(values)] = values
    return wider


@compiled
def weigh(picture: Any, parcel: Any, cell: Any, part: Any, sums: Any) -> None:
    """Add, for each parcel, its pixels' values weighed by part, and the weight, leaving NaN out.

    Parameters
    ----------
    picture : array of pixels (flat)
    parcel, cell, part : arrays
        As from `pixels`.
    sums : array (2, parcels)
        Changed in place: weighed values, weights.
    """
    for k in range(len(parcel)):
        value = picture[cell[k]]
        if value == value:  # noqa: PLR0124 -- not NaN
            sums[0, parcel[k]] += part[k] * value
            sums[1, parcel[k]] += part[k]


@compiled
def tally(meaning: Any, parcel: Any, cell: Any, part: Any, area: Any) -> None:
    """Add, for each parcel and class, the parts of its pixels of that class.

    Parameters
    ----------
    meaning : array of pixels (flat)
        Number of the class, below 0 where there is none.
    parcel, cell, part : arrays
        As from `pixels`.
    area : array (parcels, classes)
        Changed in place, in pixels.
    """
    for k in range(len(parcel)):
        known = meaning[cell[k]]
        if known >= 0:
            area[parcel[k], known] += part[k]

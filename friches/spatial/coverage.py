"""What pixels say of each parcel, weighed by the part of each that it covers, window by window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import shapely
from rasterio.windows import Window

from friches.spatial.overlay import COMPILED

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from friches.spatial.mosaic import Grid

    Corner = tuple[float, float, float, float]
    Indices = NDArray[np.int64]
    Numbers = NDArray[np.float64]


NO_CLASS = np.empty(0, np.int16)
NO_BAND = np.empty((0, 0), np.float32)


class Pictures(NamedTuple):
    """What the pixels of a window say: the pixel at (row, column) is start + row x stride + column.

    Attributes
    ----------
    meaning : array of pixels
        Number of the class, below 0 where there is none; of no length when no class is asked.
    bands : array (pixels, bands)
        Values, those of a pixel side by side; NaN where there is none.
    start, stride : int
        Where the window begins in the arrays, and how far apart its rows are.
    """

    meaning: NDArray[np.int16]
    bands: NDArray[Any]
    start: int
    stride: int


class Sums(NamedTuple):
    """Sums over the pixels of n parcels, each weighing the part covered (0 to 1).

    Attributes
    ----------
    area : array (n, classes)
        In pixels.
    weighted, weight : arrays (n, bands)
        Values weighed, and the weight of those known.
    """

    area: Numbers
    weighted: Numbers
    weight: Numbers


class _Visits(NamedTuple):
    """Which parcels meet which window: pairs in the order of windows, then parcels.

    `place` is the row in which a pair is told: the parcel's own where it meets one window alone,
    else one of the pair's own, added to the parcel's afterwards.
    """

    windows: list[Window]
    starts: Indices
    parcel: Indices
    place: Indices


def sums(  # noqa: PLR0913, PLR0917 -- a grid, what it holds, how it is cut
    geometries: NDArray[np.object_],
    grid: Grid,
    look: Callable[[Window], Pictures],
    shape: tuple[int, int],
    classes: int = 0,
    bands: int = 0,
) -> Sums:
    """Return the sums of classes and bands under each parcel, in one pass over its pixels.

    Parameters
    ----------
    geometries : array of n polygons
        In the CRS of the grid; parts outside it count for nothing.
    grid : Grid
    look : callable
        From a window of the grid to what its pixels say; called in several threads.
    shape : tuple
        Rows and columns of a window: bounds the memory. Windows stand at multiples of these from
        the corner of the grid, and a parcel's sums are added in their order, so that they are the
        same bits whichever other parcels are asked for and however many threads there are.
    classes, bands : int
        How many of each `look` tells.

    Notes
    -----
    Parts are exact to about 1e-9 of a pixel (1e-7 without Numba: exactextract holds them in single
    precision).
    """
    n = len(geometries)
    shapes, bounds, weigh, run = _way(geometries)
    visits = _visits(bounds, grid, shape)
    rows = max(n, int(visits.place.max(initial=-1)) + 1)
    area, found = np.zeros((rows, classes)), np.zeros((rows, 2, bands))

    def visit(k: int) -> None:
        window = visits.windows[k]
        these = slice(visits.starts[k], visits.starts[k + 1])
        corner = (
            grid.west + window.col_off * grid.width_m,
            grid.north - window.row_off * grid.height_m,
            grid.width_m,
            grid.height_m,
        )
        seen = look(window)
        cut = int(window.height), int(window.width), seen.start, seen.stride
        who = visits.parcel[these], visits.place[these]
        weigh(shapes, *who, cut, corner, seen.meaning, seen.bands, area, found)

    run(visit, list(range(len(visits.windows))))
    whole = visits.parcel[visits.place >= n]  # in the order of windows
    np.add.at(area, whole, area[n:])
    np.add.at(found, whole, found[n:])
    return Sums(area[:n], found[:n, 0], found[:n, 1])


def _way(geometries: NDArray[np.object_]) -> tuple[Any, Numbers, Callable[..., None], Any]:
    """Return the parcels as the loop takes them, their bounds, the loop, and how it is run."""
    if COMPILED:
        from friches.spatial.common import threaded
        from friches.spatial.land import land_of
        from friches.spatial.pixels import weigh

        land = land_of(geometries)
        return land.shapes, land.edges.bounds, weigh, threaded
    from friches.spatial import extracted

    def one_by_one(work: Callable[[int], None], parts: list[int]) -> None:
        for part in parts:
            work(part)

    return geometries, shapely.bounds(geometries), extracted.weigh, one_by_one


def _visits(bounds: Numbers, grid: Grid, shape: tuple[int, int]) -> _Visits:
    """Return the windows that parcels of these bounds meet; empty parcels meet none."""
    n = len(bounds)
    rows = np.flatnonzero(bounds[:, 0] <= bounds[:, 2])
    west, south, east, north = bounds[rows].T
    tall, wide = shape
    left, columns = _span((west - grid.west) / grid.width_m, (east - grid.west) / grid.width_m,
                          grid.columns, wide)  # fmt: skip
    top, lines = _span((grid.north - north) / grid.height_m, (grid.north - south) / grid.height_m,
                       grid.rows, tall)  # fmt: skip
    many = columns * lines
    parcel = np.repeat(np.arange(len(rows)), many)
    step = np.arange(len(parcel)) - np.repeat(np.cumsum(many) - many, many)
    line, column = np.divmod(step, columns[parcel])
    across = -(-grid.columns // wide)
    key = (top[parcel] + line) * across + left[parcel] + column
    order = np.argsort(key, kind="stable")
    parcel, key = parcel[order], key[order]
    keys, starts = np.unique(key, return_index=True)
    windows = [
        Window(x, y, min(wide, grid.columns - x), min(tall, grid.rows - y))
        for y, x in zip(
            *(np.stack(np.divmod(keys, across)) * [[tall], [wide]]).tolist(), strict=True
        )
    ]
    place = rows[parcel]
    several = many[parcel] > 1
    place[several] = n + np.arange(int(several.sum()))
    return _Visits(windows, np.append(starts, len(key)), rows[parcel], place)


def _span(low: Numbers, high: Numbers, cells: int, side: int) -> tuple[Indices, Indices]:
    """Return the first window along an axis, and how many, of spans told in pixels."""
    first = np.maximum(np.floor(low), 0).astype(np.int64)
    last = np.minimum(np.floor(high), cells - 1).astype(np.int64)
    many = np.where(first <= last, last // side - first // side + 1, 0)
    return first // side, many

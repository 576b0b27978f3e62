"""Which part of each pixel each parcel covers, exactly, window by window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import shapely
from rasterio.windows import Window

from friches.spatial.overlay import COMPILED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from friches.spatial.mosaic import Grid

    Corner = tuple[float, float, float, float]
    Indices = NDArray[np.int64]
    Numbers = NDArray[np.float64]

WINDOW_CELLS = 1024
"""Side of a window, in pixels: 8 MB a band as float64."""


class Covered(NamedTuple):
    """Parcel, pixel (row-major in the window) and covered part (0 to 1) of every pair.

    Pairs of one parcel stand together, parcels in their order.
    """

    window: Window
    parcel: Indices
    cell: Indices
    part: Numbers


def coverage(
    geometries: NDArray[np.object_], grid: Grid, side: int = WINDOW_CELLS
) -> Iterator[Covered]:
    """Yield the pixels under each parcel, one window of the grid after another.

    Parameters
    ----------
    geometries : array of n polygons
        In the CRS of the grid.
    grid : Grid
        The pixels; parts of parcels outside it yield nothing.
    side : int
        Side of a window in pixels: bounds the memory. Windows stand at multiples of it from the
        corner of the grid, so that a parcel meets the same ones whichever others are asked for.

    Yields
    ------
    Covered
        Parcel numbers count from 0 in `geometries`; parts are exact to about 1e-9 (1e-7 without
        Numba: exactextract holds them in single precision).
    """
    if not len(geometries):
        return
    tree = shapely.STRtree(geometries)
    if COMPILED:
        from friches.spatial.land import land_of
        from friches.spatial.pixels import pixels

        shapes: Any = land_of(geometries).shapes
        find: Callable[..., tuple[Indices, Indices, Numbers]] = pixels
    else:
        from friches.spatial import extracted

        shapes, find = geometries, extracted.pixels
    for window in _windows(shapely.total_bounds(geometries), grid, side):
        west = grid.west + window.col_off * grid.width_m
        north = grid.north - window.row_off * grid.height_m
        east = west + window.width * grid.width_m
        south = north - window.height * grid.height_m
        near = np.sort(tree.query(shapely.box(west, south, east, north)))
        if len(near):
            corner = west, north, grid.width_m, grid.height_m
            yield Covered(window, *find(shapes, near, window, corner))


def _windows(bounds: NDArray[np.float64], grid: Grid, side: int) -> Iterator[Window]:
    """Yield the windows of the grid that meet the bounds."""
    west, south, east, north = bounds
    left = max(0, int((west - grid.west) // grid.width_m) // side * side)
    top = max(0, int((grid.north - north) // grid.height_m) // side * side)
    right = min(grid.columns, int((east - grid.west) // grid.width_m) + 1)
    bottom = min(grid.rows, int((grid.north - south) // grid.height_m) + 1)
    for row in range(top, bottom, side):
        for column in range(left, right, side):
            yield Window(column, row, min(side, grid.columns - column), min(side, grid.rows - row))

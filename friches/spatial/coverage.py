"""Which part of each pixel each parcel covers, exactly, window by window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import shapely
from exactextract import exact_extract
from exactextract.feature import Feature, FeatureSource
from exactextract.raster import NumPyRasterSource
from rasterio.windows import Window

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from friches.spatial.mosaic import Grid

WINDOW_CELLS = 1024
"""Side of a window, in pixels: 8 MB a band as float64."""


class Covered(NamedTuple):
    """Parcel, pixel (row-major in the window) and covered part (0 to 1) of every pair."""

    window: Window
    parcel: NDArray[np.int64]
    cell: NDArray[np.int64]
    part: NDArray[np.float64]


class _Outline(Feature):  # type: ignore[misc]
    """One polygon for exactextract, as WKB: five times quicker than its GeoJSON door."""

    def __init__(self, row: int = -1, wkb: bytes = b"") -> None:
        super().__init__()
        self.wkb = wkb
        self.values: dict[str, Any] = {"row": row}

    def geometry(self) -> bytes:
        return self.wkb

    def fields(self) -> list[str]:
        return ["row"]

    def get(self, name: str) -> Any:
        return self.values[name]

    def set(self, name: str, value: Any) -> None:
        self.values[name] = value


class _Outlines(FeatureSource):  # type: ignore[misc]
    """Polygons for exactextract, each with its row number."""

    def __init__(self, rows: NDArray[np.intp], geometries: NDArray[np.object_]) -> None:
        super().__init__()
        self.outlines = list(zip(rows.tolist(), shapely.to_wkb(geometries), strict=True))

    def count(self) -> int:
        return len(self.outlines)

    def __iter__(self) -> Iterator[_Outline]:
        for row, wkb in self.outlines:
            yield _Outline(row, wkb)

    def srs_wkt(self) -> None:
        return None  # the mosaic's CRS was checked against the parcels'


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
        Side of a window in pixels: bounds the memory, changes no result.

    Yields
    ------
    Covered
        Parcel numbers count from 0 in `geometries`; parts are exact to about 1e-7 (exactextract
        holds them in single precision).
    """
    if not len(geometries):
        return
    tree = shapely.STRtree(geometries)
    for window in _windows(shapely.total_bounds(geometries), grid, side):
        west = grid.west + window.col_off * grid.width_m
        north = grid.north - window.row_off * grid.height_m
        east = west + window.width * grid.width_m
        south = north - window.height * grid.height_m
        near = np.sort(tree.query(shapely.box(west, south, east, north)))
        if len(near):
            blank = np.zeros((window.height, window.width), np.uint8)
            source = NumPyRasterSource(blank, west, south, east, north)
            yield _covered(source, _Outlines(near, geometries[near]), window)


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


def _covered(source: NumPyRasterSource, outlines: _Outlines, window: Window) -> Covered:
    found = exact_extract(
        source, outlines, ["cell_id", "coverage"], include_cols=["row"], output="pandas"
    )
    cells = found["cell_id"].to_list()
    parcel = np.repeat(found["row"].to_numpy(np.int64), [len(one) for one in cells])
    cell = np.concatenate(cells).astype(np.int64)
    return Covered(window, parcel, cell, np.concatenate(found["coverage"].to_list()))

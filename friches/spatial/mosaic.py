"""Raster files that share one grid, read window by window as one picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
import pyproj
import rasterio
from rasterio.crs import CRS
from rasterio.windows import Window

from friches.errors import Breach, InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

ALIGNED_CELLS = 1e-3
"""Grids part by less than this share of a pixel are one grid (rounding of file headers)."""


class Tile(NamedTuple):
    """One band of one file, and where its first pixel stands in the mosaic (rows, columns)."""

    path: str
    band: int
    nodata: float | None
    scale: float
    row: int
    column: int
    rows: int
    columns: int


class Grid(NamedTuple):
    """A north-up grid: its north-west corner and pixel size in metres, its size in pixels."""

    west: float
    north: float
    width_m: float
    height_m: float
    rows: int
    columns: int


def mosaic(rasters: pd.DataFrame, crs: pyproj.CRS) -> tuple[Grid, list[Tile]]:
    """Return the grid that all the files share, and each file's place in it.

    Parameters
    ----------
    rasters : DataFrame
        At least one row of the table `rasters`; where files overlap, the first by path and band
        that holds a value is read, whatever the order of the rows.
    crs : pyproj.CRS
        The CRS the files must be in.

    Raises
    ------
    InputError
        Every file that is rotated, in another CRS, or off the grid of the first.
    """
    opened: list[tuple[Grid, Tile]] = []
    breaches: list[Breach] = []
    rows = rasters.sort_values(["path", "band"], kind="stable")
    columns = (rows[name].to_list() for name in ("path", "band", "nodata", "scale"))
    for path, band, nodata, scale in zip(*columns, strict=True):
        with rasterio.open(path) as file:
            breaches += _file_breaches(file, path, crs)
            turn = file.transform
            grid = Grid(turn.c, turn.f, turn.a, -turn.e, file.height, file.width)
            absent = file.nodatavals[band - 1] if pd.isna(nodata) else nodata
            tile = Tile(path, int(band), absent, float(scale), 0, 0, file.height, file.width)
            opened.append((grid, tile))
    if not breaches:
        breaches += [b for b in (_off_grid(opened[0][0], *one) for one in opened) if b]
    if breaches:
        raise InputError(breaches)
    return _assembled(opened)


def read(tiles: list[Tile], window: Window) -> NDArray[np.float64]:
    """Return a window of the mosaic in natural units (scale applied), NaN where there is no data.

    Parameters
    ----------
    tiles
        As from `mosaic`.
    window : rasterio.windows.Window
        In pixels of the grid; it may stick out of it.
    """
    picture = np.full((window.height, window.width), np.nan)
    for tile in tiles:
        top, left = max(window.row_off, tile.row), max(window.col_off, tile.column)
        bottom = min(window.row_off + window.height, tile.row + tile.rows)
        right = min(window.col_off + window.width, tile.column + tile.columns)
        if top >= bottom or left >= right:
            continue
        inner = Window(left - tile.column, top - tile.row, right - left, bottom - top)
        with rasterio.open(tile.path) as file:
            found = file.read(tile.band, window=inner)
        values = found.astype(np.float64) * tile.scale
        if tile.nodata is not None:
            # In the file's own type: -3.4e38 stored as float32 is not the same float64.
            values[found == np.array(tile.nodata).astype(found.dtype)] = np.nan
        here = picture[
            top - window.row_off : bottom - window.row_off,
            left - window.col_off : right - window.col_off,
        ]
        np.copyto(here, values, where=np.isnan(here))
    return picture


def _file_breaches(file: rasterio.DatasetReader, path: str, crs: pyproj.CRS) -> list[Breach]:
    breaches = []
    turn = file.transform
    if turn.b or turn.d or turn.a <= 0 or turn.e >= 0:
        todo = "la redresser (gdalwarp)"
        breaches.append(Breach("image inclinée, retournée ou sans position", path, todo))
    if file.crs is None:
        todo = "déclarer le système de coordonnées du fichier"
        breaches.append(Breach("projection absente", path, todo))
    elif not _same(file.crs, crs):
        name = pyproj.CRS(file.crs.to_wkt()).name
        breaches.append(Breach(f"projection {name} au lieu de {crs.name}", path, "la reprojeter"))
    return breaches


def _same(theirs: CRS, ours: pyproj.CRS) -> bool:
    if theirs == CRS.from_user_input(ours):
        return True
    code = pyproj.CRS(theirs.to_wkt()).to_epsg()
    return code is not None and code == ours.to_epsg()


def _shift(first: Grid, grid: Grid) -> tuple[float, float]:
    """Return rows and columns from the corner of the first grid to that of another."""
    return (
        (first.north - grid.north) / first.height_m,
        (grid.west - first.west) / first.width_m,
    )


def _off_grid(first: Grid, grid: Grid, tile: Tile) -> Breach | None:
    shift = np.array(_shift(first, grid))
    stretch = max(
        abs(grid.width_m / first.width_m - 1) * grid.columns,
        abs(grid.height_m / first.height_m - 1) * grid.rows,
    )
    if max(np.abs(shift - shift.round()).max(), stretch) <= ALIGNED_CELLS:
        return None
    todo = "rééchantillonner les fichiers sur une même grille"
    return Breach("pixels décalés de ceux de la première image", tile.path, todo)


def _assembled(opened: list[tuple[Grid, Tile]]) -> tuple[Grid, list[Tile]]:
    first = opened[0][0]
    corners = np.array([_shift(first, grid) for grid, _ in opened]).round().astype(int)
    low = corners.min(axis=0)
    corners -= low
    tiles = [
        tile._replace(row=int(row), column=int(column))
        for (_, tile), (row, column) in zip(opened, corners, strict=True)
    ]
    whole = Grid(
        first.west + int(low[1]) * first.width_m,
        first.north - int(low[0]) * first.height_m,
        first.width_m,
        first.height_m,
        max(tile.row + tile.rows for tile in tiles),
        max(tile.column + tile.columns for tile in tiles),
    )
    return whole, tiles

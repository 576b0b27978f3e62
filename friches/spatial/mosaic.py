"""Raster files that share one grid, read window by window as one picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
import pyproj
import rasterio
from rasterio.crs import CRS
from rasterio.windows import Window

from friches.errors import Breach, InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

ALIGNED_CELLS = 1e-3
"""Grids part by less than this share of a pixel are one grid (rounding of file headers)."""
SIDE = 512
"""Side of a window, in pixels."""
NUMBERS = 2**22
"""Most numbers held of a window, all bands together: 16 MB in single precision."""
WIDEST = 8192
"""Most columns of a window of a file written by whole rows."""


class Tile(NamedTuple):
    """One band of one file, and where its first pixel stands in the mosaic (rows, columns).

    `strips` is whether the file is written by whole rows, and not by tiles.
    """

    path: str
    band: int
    nodata: float | None
    scale: float
    row: int
    column: int
    rows: int
    columns: int
    dtype: str
    strips: bool


class Stack(NamedTuple):
    """Pictures on one grid, read together.

    Attributes
    ----------
    tiles : list
        Tiles of each picture.
    dtype : dtype
        In which pixels are held: single precision, half the memory, where it holds the numbers of
        the files exactly.
    scaled : bool
        Whether values are scaled as they are read; otherwise their sums are to be, by `scale`.
    scale : array
        Of each picture, to apply to what is read.
    """

    tiles: list[list[Tile]]
    dtype: np.dtype[Any]
    scaled: bool
    scale: Numbers


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
            strips = file.block_shapes[band - 1][1] >= file.width
            size = file.height, file.width, file.dtypes[band - 1], strips
            opened.append((grid, Tile(path, int(band), absent, float(scale), 0, 0, *size)))
    if not breaches:
        breaches += [b for b in (_off_grid(opened[0][0], *one) for one in opened) if b]
    if breaches:
        raise InputError(breaches)
    return _assembled(opened)


def window_shape(tiles: list[Tile], grid: Grid, bands: int = 1) -> tuple[int, int]:
    """Return rows and columns of the windows in which to read a mosaic.

    Files written by whole rows are read by whole rows: narrower windows would decode each row
    again and again. The shape depends on the files alone.
    """
    side = SIDE
    while side > 1 and side * side * bands > NUMBERS:
        side //= 2
    if not any(tile.strips for tile in tiles):
        return side, side
    wide = min(max(grid.columns, side), WIDEST)
    return max(side * side // wide, 1), wide


def stack(pictures: list[list[Tile]]) -> Stack:
    """Return pictures of one grid as they are best read together.

    Parameters
    ----------
    pictures : list
        Tiles of each, as from `mosaic`, all on one grid.
    """
    every = [tile for tiles in pictures for tile in tiles]
    one_scale = all(len({tile.scale for tile in tiles}) == 1 for tiles in pictures)
    if one_scale and all(np.can_cast(tile.dtype, np.float32) for tile in every):
        scale = np.array([tiles[0].scale for tiles in pictures])
        return Stack(pictures, np.dtype(np.float32), False, scale)
    return Stack(pictures, np.dtype(np.float64), True, np.ones(len(pictures)))


def read(tiles: list[Tile], window: Window) -> Numbers:
    """Return a window of one mosaic in natural units (scale applied), NaN where there is no data.

    Parameters
    ----------
    tiles
        As from `mosaic`.
    window : rasterio.windows.Window
        In pixels of the grid; it may stick out of it.
    """
    whole = Stack([tiles], np.dtype(np.float64), True, np.ones(1))
    picture: Numbers = read_stack(whole, window)[:, :, 0]
    return picture


def read_stack(pictures: Stack, window: Window) -> NDArray[Any]:
    """Return a window of pictures, those of a pixel side by side (rows, columns, pictures).

    Each file is opened once. NaN where there is no data; `scale` is still to be applied.
    """
    found = np.full((window.height, window.width, len(pictures.tiles)), np.nan, pictures.dtype)
    files: dict[tuple[str, str], list[tuple[int, Tile]]] = {}
    for place, tiles in enumerate(pictures.tiles):
        for tile in tiles:
            files.setdefault((tile.path, tile.dtype), []).append((place, tile))
    for path, dtype in sorted(files):
        bands = files[path, dtype]
        first = bands[0][1]
        top, left = max(window.row_off, first.row), max(window.col_off, first.column)
        bottom = min(window.row_off + window.height, first.row + first.rows)
        right = min(window.col_off + window.width, first.column + first.columns)
        if top >= bottom or left >= right:
            continue
        inner = Window(left - first.column, top - first.row, right - left, bottom - top)
        with rasterio.open(path) as file:
            raw = file.read([tile.band for _, tile in bands], window=inner)
        here = found[
            top - window.row_off : bottom - window.row_off,
            left - window.col_off : right - window.col_off,
        ]
        for (place, tile), values in zip(bands, raw, strict=True):
            _lay(here[:, :, place], values, tile, pictures.scaled)
    return found


def _lay(here: NDArray[Any], raw: NDArray[Any], tile: Tile, scaled: bool) -> None:
    """Copy a tile's values where nothing is known yet."""
    lacking = np.isnan(here)
    if tile.nodata is not None:
        # In the file's own type: -3.4e38 stored as float32 is not the same float64.
        lacking &= raw != np.array(tile.nodata).astype(raw.dtype)
    np.copyto(here, raw * tile.scale if scaled else raw, where=lacking)


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

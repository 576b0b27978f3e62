"""What rasters say of each parcel: classes, means, relief, with the exact part of each pixel."""

from __future__ import annotations

import tomllib
from importlib import resources
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely
from rasterio.windows import Window

from friches.spatial.coverage import NO_BAND, NO_CLASS, Pictures, sums
from friches.spatial.metres import require_same_plane
from friches.spatial.mosaic import mosaic, read, read_stack, stack, window_shape

if TYPE_CHECKING:
    from collections.abc import Mapping

    import geopandas as gpd
    from numpy.typing import NDArray

    from friches.spatial.mosaic import Grid, Tile

    Numbers = NDArray[np.float64]

NEGLIGIBLE_SHARE = 1e-6
"""Shares below this are rounding (the precision asked of shares; ASSUMPTION)."""
STEEP_PCT = float(
    tomllib.loads((resources.files("friches.spatial") / "relief.toml").read_text("utf-8"))["steep"][
        "value"
    ]
)


def class_shares(
    parcels: gpd.GeoDataFrame, raster: pd.DataFrame, classes: Mapping[int, str]
) -> pd.DataFrame:
    """Return the share of each parcel under each class of a classified raster.

    Parameters
    ----------
    parcels : GeoDataFrame
        Columns parcel_id and geometry (metres).
    raster : DataFrame
        Rows of the table `rasters`, all of one picture (files side by side).
    classes : mapping
        Pixel code to class; several codes may mean one class.

    Returns
    -------
    DataFrame
        parcel_id, cover, share: the shares of a parcel sum to 1. A missing cover is what the raster
        does not tell: no data, a code outside `classes`, a part beyond its edge. Sorted by
        parcel_id then cover, missing last. Exact to about 1e-6 of the parcel.

    Raises
    ------
    InputError
        A raster in another CRS, rotated, or off the grid of the first.
    """
    require_same_plane(parcelles=parcels)
    land = parcels.geometry.to_numpy()
    names = sorted(set(classes.values()))
    area = np.zeros((len(land), len(names)))
    if len(raster) and classes:
        grid, tiles = mosaic(raster, parcels.crs)
        codes = np.array(sorted(classes))
        meaning = np.array([names.index(classes[code]) for code in codes.tolist()], np.int16)

        def look(window: Window) -> Pictures:
            found = read(tiles, window).ravel()
            place = np.searchsorted(codes, found).clip(max=len(codes) - 1)
            told = np.where(codes[place] == found, meaning[place], np.int16(-1))
            return Pictures(told, NO_BAND, 0, int(window.width))

        found = sums(land, grid, look, window_shape(tiles, grid), classes=len(names))
        area = found.area * (grid.width_m * grid.height_m)
    shares = area / shapely.area(land)[:, None]
    return _long_shares(pd.Index(parcels["parcel_id"]), names, shares)


def band_means(parcels: gpd.GeoDataFrame, rasters: pd.DataFrame) -> pd.DataFrame:
    """Return the mean of each band over each parcel, each pixel weighing the part covered.

    Parameters
    ----------
    parcels : GeoDataFrame
        Columns parcel_id and geometry (metres).
    rasters : DataFrame
        Rows of the table `rasters`; rows of the same band and day are one picture (files side by
        side; where they overlap the first by path holds).

    Returns
    -------
    DataFrame
        parcel_id, band, day, mean (scale applied, pixels without data left out, NaN where none has
        any): one row for each parcel and picture, sorted by these.

    Raises
    ------
    InputError
        A raster in another CRS, rotated, or off the grid of its picture.
    """
    require_same_plane(parcelles=parcels)
    land = parcels.geometry.to_numpy()
    pictures = [
        (rows["band"].iloc[0], rows["day"].iloc[0], *mosaic(rows, parcels.crs))
        for _, rows in rasters.groupby(["band", "day"], dropna=False, sort=True)
    ]
    means = np.full((len(land), len(pictures)), np.nan)
    for grid in dict.fromkeys(picture[2] for picture in pictures):
        these = [k for k, picture in enumerate(pictures) if picture[2] == grid]
        means[:, these] = _means(land, grid, [pictures[k][3] for k in these])
    ids = np.repeat(parcels["parcel_id"].to_numpy(), len(pictures))
    band, day = ([picture[part] for picture in pictures] * len(land) for part in (0, 1))
    told = pd.DataFrame(
        {
            "parcel_id": pd.Series(ids, dtype="str"),
            "band": pd.Series(band, dtype="Int64"),
            "day": pd.Series(day, dtype="datetime64[ns]"),
            "mean": means.ravel(),
        }
    )
    return told.sort_values(["parcel_id", "band", "day"], kind="stable", ignore_index=True)


def relief(parcels: gpd.GeoDataFrame, rasters: pd.DataFrame) -> pd.DataFrame:
    """Return the mean altitude and slope of each parcel, and the steep part of it.

    Parameters
    ----------
    parcels : GeoDataFrame
        Columns parcel_id and geometry (metres).
    rasters : DataFrame
        Rows of the table `rasters` of kind elevation (metres once scaled), one picture.

    Returns
    -------
    DataFrame
        parcel_id, altitude_mean_m (m), slope_mean_pct (%), slope_steep_share (0 to 1: the part over
        25 % among the part whose slope is known), sorted by parcel_id; NaN where unknown.

    Raises
    ------
    InputError
        A raster in another CRS, rotated, or off the grid of the first.

    Notes
    -----
    Slope after Horn (1981), Hill shading and the reflectance map, Proc. IEEE 69: 14-47 (RECALLED):
    the eight neighbours, those in line weighing double. It is unknown wherever one of them is, so
    also along the edge of the picture.
    """
    require_same_plane(parcelles=parcels)
    land = parcels.geometry.to_numpy()
    means = np.full((len(land), 3), np.nan)
    if len(rasters):
        grid, tiles = mosaic(rasters, parcels.crs)

        def look(window: Window) -> Pictures:
            altitude, slope = _relief(grid, tiles, window)
            steep = np.where(np.isnan(slope), np.nan, slope > STEEP_PCT)
            bands = np.stack([altitude, slope, steep], axis=-1).reshape(-1, 3)
            return Pictures(NO_CLASS, bands, 0, int(window.width))

        found = sums(land, grid, look, window_shape(tiles, grid, 3), bands=3)
        means = _ratio(found.weighted, found.weight)
    names = ("altitude_mean_m", "slope_mean_pct", "slope_steep_share")
    told = pd.DataFrame({"parcel_id": parcels["parcel_id"].to_numpy()}).astype("str")
    for name, mean in zip(names, means.T, strict=True):
        told[name] = mean
    return told.sort_values("parcel_id", kind="stable", ignore_index=True)


def horn(altitude: Numbers, width_m: float, height_m: float) -> Numbers:
    """Return the slope in % of the inner pixels of a picture of altitudes.

    Parameters
    ----------
    altitude : array (rows + 2, columns + 2)
        Metres, with a ring of one pixel around; NaN where unknown.
    width_m, height_m : float
        Pixel size in metres.

    Returns
    -------
    array (rows, columns)
        Slope in %, NaN where one of the eight neighbours is unknown.
    """
    down = altitude[:-2] + 2 * altitude[1:-1] + altitude[2:]
    across = altitude[:, :-2] + 2 * altitude[:, 1:-1] + altitude[:, 2:]
    east = (down[:, 2:] - down[:, :-2]) / (8 * width_m)
    south = (across[2:] - across[:-2]) / (8 * height_m)
    slope: Numbers = np.hypot(east, south) * 100
    return slope


def _relief(grid: Grid, tiles: list[Tile], window: Window) -> tuple[Numbers, Numbers]:
    """Return altitude (m) and slope (%) of a window, read with its ring of neighbours."""
    ring = Window(window.col_off - 1, window.row_off - 1, window.width + 2, window.height + 2)
    altitude = read(tiles, ring)
    return altitude[1:-1, 1:-1], horn(altitude, grid.width_m, grid.height_m)


def _means(land: NDArray[np.object_], grid: Grid, pictures: list[list[Tile]]) -> Numbers:
    """Return the mean of each picture over each parcel (parcels, pictures)."""
    stacked = stack(pictures)
    n = len(pictures)

    def look(window: Window) -> Pictures:
        return Pictures(NO_CLASS, read_stack(stacked, window).reshape(-1, n), 0, int(window.width))

    every = [tile for tiles in pictures for tile in tiles]
    found = sums(land, grid, look, window_shape(every, grid, n), bands=n)
    return _ratio(found.weighted, found.weight) * stacked.scale


def _ratio(weighted: Numbers, weight: Numbers) -> Numbers:
    blank: Numbers = np.full(weight.shape, np.nan)
    return np.divide(weighted, weight, out=blank, where=weight > 0)


def _long_shares(ids: pd.Index, names: list[str], shares: Numbers) -> pd.DataFrame:
    """Return one row for each parcel and class it holds, the untold part as a missing class."""
    known = shares.sum(axis=1)
    untold = 1 - known
    whole = untold <= NEGLIGIBLE_SHARE
    shares[whole] /= known[whole, None]
    untold[whole] = 0
    wide = np.column_stack([shares, untold])
    parcel, name = np.nonzero(wide > 0)
    cover = np.array([*names, None], dtype=object)[name]
    told = pd.DataFrame(
        {
            "parcel_id": pd.Series(ids.to_numpy()[parcel], dtype="str"),
            "cover": pd.Series(cover, dtype="str"),
            "share": wide[parcel, name],
        }
    )
    return told.sort_values(["parcel_id", "cover"], kind="stable", ignore_index=True)

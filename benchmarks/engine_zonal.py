"""Shares of a classified raster and means of twelve dates over each parcel.

Rasters are in memory before the core step, parcels in the form that each method takes, so that
the core step is coverage and sums alone; reading and decoding count in the whole process.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
import rasterio
import shapely
from rasterio.windows import Window

from benchmarks.engine_process import Method, table

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from benchmarks.engine_process import Answer, Core
    from friches.spatial.mosaic import Grid, Tile

TOLERANCE = 1e-6
"""Largest difference allowed between shares (0 to 1) and between means of NDVI (-1 to 1)."""
CLASSES = 24
"""Codes of the classified raster are below this; 0 is no data."""
SAMPLE = 500
"""Parcels given to rasterstats, which takes milliseconds for each and date."""
WARM = 8
"""Parcels on which compiled code is fetched from disk before the core step."""
SCALE = 1e-4
"""Pixels of NDVI are whole numbers of ten-thousandths."""


class Pictures(NamedTuple):
    """Both rasters: classes (rows, columns), dates (12, rows, columns), where they lie."""

    cover: NDArray[np.uint8]
    ndvi: NDArray[np.int16]
    nodata: int
    transform: Any


def pictures(land: Path) -> Pictures:
    """Read both rasters."""
    with rasterio.open(land / "cover.tif") as cover, rasterio.open(land / "ndvi.tif") as ndvi:
        assert cover.transform == ndvi.transform
        return Pictures(cover.read(1), ndvi.read(), int(ndvi.nodata), cover.transform)


def parcels(land: Path) -> NDArray[np.object_]:
    """Read the parcels as shapely geometries."""
    said: NDArray[np.object_] = shapely.from_wkb(
        table(land / "parcels.parquet")["geometry"].to_numpy()
    )
    return said


def friches(land: Path) -> Core:
    """Ours: exact coverage, classes and all dates in one compiled pass, window by window.

    Pixels are in memory as our reader lays them: the dates of a pixel side by side.
    """
    from friches.spatial.coverage import Pictures, sums
    from friches.spatial.land import land_of
    from friches.spatial.mosaic import window_shape

    grid, tiles, cover, dates = _read(land)
    ground = parcels(land)
    shape = window_shape(tiles, grid, dates.shape[1])
    sizes = {"classes": CLASSES, "bands": dates.shape[1]}

    def look(window: Window) -> Pictures:
        start = window.row_off * grid.columns + window.col_off
        return Pictures(cover, dates, start, grid.columns)

    def core() -> Answer:
        found = sums(ground, grid, look, shape, **sizes)
        return _told(found.area, found.weighted.T, found.weight.T)

    sums(ground[:WARM].copy(), grid, look, shape, **sizes)
    land_of(ground)
    return core


def _read(land: Path) -> tuple[Grid, list[Tile], NDArray[np.int16], NDArray[np.float32]]:
    """Return where the pixels lie, the dates' files, and classes and dates pixel by pixel."""
    from friches.spatial.mosaic import mosaic, read_stack, stack

    with rasterio.open(land / "ndvi.tif") as file:
        dates, crs = file.count, file.crs
    rows = {"path": str(land / "ndvi.tif"), "nodata": np.nan, "scale": 1.0}
    read = [mosaic(pd.DataFrame([rows | {"band": k + 1}]), crs) for k in range(dates)]
    grid, tiles = read[0][0], [tile for _, one in read for tile in one]
    files = stack([one for _, one in read])
    held = np.empty((grid.rows, grid.columns, dates), files.dtype)
    for row in range(0, grid.rows, 256):
        part = held[row : row + 256]
        part[:] = read_stack(files, Window(0, row, grid.columns, len(part)))
    with rasterio.open(land / "cover.tif") as file:
        cover = file.read(1).astype(np.int16).ravel()
    cover[cover == 0] = -1
    return grid, tiles, cover, held.reshape(-1, dates)


def once(land: Path) -> Core:
    """Exactextract asked for pixels and coverage once; sums by NumPy."""
    from friches.spatial import extracted

    seen, ground = pictures(land), parcels(land)
    turn, shape = seen.transform, seen.cover.shape
    corner = turn.c, turn.f, turn.a, -turn.e

    def core() -> Answer:
        parcel, cell, part = extracted.pixels(ground, *shape, corner)
        code = seen.cover.ravel()[cell]
        size = len(ground) * CLASSES
        area = np.bincount(parcel * CLASSES + code, part, size).reshape(-1, CLASSES)
        area[:, 0] = 0
        sums = np.zeros((2, len(seen.ndvi), len(ground)))
        for band, picture in enumerate(seen.ndvi):
            values = picture.ravel()[cell]
            known = values != seen.nodata
            rows, weight = parcel[known], part[known]
            sums[0, band] = np.bincount(rows, weight * values[known], len(ground))
            sums[1, band] = np.bincount(rows, weight, len(ground))
        return _told(area, *sums)

    return core


def by_raster(land: Path) -> Core:
    """Exactextract's own statistics, raster-sequential: fractions, and means of every date."""
    import geopandas as gpd
    from exactextract import exact_extract
    from exactextract.raster import NumPyRasterSource

    seen = pictures(land)
    ground = gpd.read_parquet(land / "parcels.parquet")
    bounds = rasterio.transform.array_bounds(*seen.cover.shape, seen.transform)
    cover = NumPyRasterSource(seen.cover, *bounds, nodata=0, name="cover")
    dates = [
        NumPyRasterSource(picture, *bounds, nodata=seen.nodata, name=f"d{band}")
        for band, picture in enumerate(seen.ndvi)
    ]
    how: dict[str, Any] = {
        "strategy": "raster-sequential",
        "include_cols": ["parcel"],
        "output": "pandas",
    }

    def core() -> Answer:
        said = exact_extract(cover, ground, ["unique", "frac", "count"], **how)
        said = said.sort_values("parcel")
        many = said["unique"].map(len).to_numpy()
        row = np.repeat(np.arange(len(said)), many)
        area = np.zeros((len(said), CLASSES))
        code = np.concatenate(said["unique"].to_list()).astype(np.int64)
        count = np.repeat(said["count"].to_numpy(), many)
        area[row, code] = np.concatenate(said["frac"].to_list()) * count
        mean = exact_extract(dates, ground, ["mean"], **how).sort_values("parcel")
        names = [f"d{band}_mean" for band in range(len(dates))]
        means = mean[names].to_numpy(np.float64).T
        return _told(area, means, np.ones_like(means))

    return core


def rasterstats(land: Path) -> Core:
    """Rasterstats on the first parcels: pixels whose centre is inside, so near and not equal."""
    from rasterstats import zonal_stats

    seen, ground = pictures(land), parcels(land)[:SAMPLE]

    def core() -> Answer:
        said = zonal_stats(
            ground, seen.cover, affine=seen.transform, categorical=True, nodata=0, all_touched=False
        )
        area = np.zeros((len(ground), CLASSES))
        for row, counts in enumerate(said):
            for code, many in counts.items():
                area[row, int(code)] = many
        means = np.full((len(seen.ndvi), len(ground)), np.nan)
        for band, picture in enumerate(seen.ndvi):
            found = zonal_stats(
                ground, picture, affine=seen.transform, stats=["mean"], nodata=seen.nodata
            )
            means[band] = [np.nan if one["mean"] is None else one["mean"] for one in found]
        return _told(area, means, np.ones_like(means))

    return core


def _told(area: Any, weighted: Any, weight: Any) -> Answer:
    """Return shares of the classes among the known part, and means; NaN where nothing is known."""
    known = area.sum(axis=1, keepdims=True)
    share, mean = np.full(area.shape, np.nan), np.full(weighted.shape, np.nan)
    np.divide(area, known, out=share, where=known > 0)
    np.divide(weighted, weight, out=mean, where=weight > 0)
    return {"share": share, "mean": SCALE * mean.T, "rows": np.array(len(area))}


def differences(one: Answer, other: Answer, _land: Path) -> NDArray[np.float64]:
    """Return differences of shares and means, on the parcels that both answer for.

    Where one answer knows nothing and the other does, the difference is infinite.
    """
    rows = min(int(one["rows"]), int(other["rows"]))
    gaps = []
    for name in ("share", "mean"):
        here, there = one[name][:rows], other[name][:rows]
        gap = np.abs(here - there)
        gap[np.isnan(here) & np.isnan(there)] = 0
        gaps.append(np.nan_to_num(gap, nan=np.inf).ravel())
    return np.concatenate(gaps)


METHODS = {
    "friches": Method("friches, compiled kernel", friches, ("numba",)),
    "once": Method("exactextract, coverage once + NumPy", once, ("exactextract",)),
    "by_raster": Method(
        "exactextract, own statistics, raster-sequential", by_raster, ("exactextract",)
    ),
    "rasterstats": Method(
        f"rasterstats (pixel centres; first {SAMPLE} parcels)",
        rasterstats,
        ("rasterstats",),
        rough=True,
    ),
}

"""Images of the fictitious land: land cover and greenness with their errors, and the relief."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import rasterio
import shapely
from rasterio.features import rasterize
from rasterio.windows import Window
from scipy.ndimage import distance_transform_edt

from friches.sample.history import luck
from friches.sample.terrain import Floats, chance, height, noise

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pandas as pd
    from numpy.typing import NDArray

    from friches.sample.layers import Shapes

PIXEL_M, RELIEF_M, TILE, HALO = 10, 25, 1024, 8
CLOUD, WATER = -32_768, 23
DAYS = (
    "2024-01-21", "2024-02-25", "2024-03-26", "2024-04-20", "2024-05-15", "2024-06-14",
    "2024-07-09", "2024-08-03", "2024-08-28", "2024-09-27", "2024-10-27", "2024-12-01",
)  # fmt: skip
SEEN: dict[str, tuple[tuple[int, float], ...]] = {
    "house": ((2, 0.78), (1, 0.08), (13, 0.14)),
    "garden": ((2, 0.45), (13, 0.4), (14, 0.15)),
    "arable": ((6, 0.56), (10, 0.1), (9, 0.1), (5, 0.06), (13, 0.18)),
    "meadow": ((13, 0.88), (6, 0.05), (18, 0.05), (19, 0.02)),
    "grazed": ((13, 0.82), (18, 0.12), (19, 0.06)),
    "pasture": ((18, 0.5), (13, 0.38), (19, 0.12)),
    "heath": ((19, 0.3), (18, 0.34), (13, 0.2), (16, 0.16)),
    "vine": ((15, 0.6), (13, 0.18), (6, 0.12), (14, 0.1)),
    "orchard": ((14, 0.35), (13, 0.42), (16, 0.18), (15, 0.05)),
    "chestnut": ((16, 0.62), (14, 0.22), (13, 0.16)),
    "market": ((12, 0.15), (13, 0.35), (6, 0.3), (10, 0.2)),
    "wood": ((16, 0.78), (17, 0.14), (13, 0.03), (19, 0.05)),
    "reclaimed": ((13, 0.6), (19, 0.2), (18, 0.2)),
    "compensation": ((13, 0.6), (18, 0.3), (19, 0.1)),
    "set_aside": ((13, 0.6), (6, 0.4)),
    "fallow_grass": ((13, 0.6), (18, 0.2), (19, 0.12), (6, 0.08)),
    "fallow_shrub": ((19, 0.27), (13, 0.33), (16, 0.24), (18, 0.14), (14, 0.02)),
    "fallow_vine": ((19, 0.24), (13, 0.4), (15, 0.2), (18, 0.16)),
    "fallow_trees": ((16, 0.4), (14, 0.12), (19, 0.2), (13, 0.28)),
}
"""OSO 23-class codes drawn for each real use. The order of errors is that of the published
confusions (shrub class recalled 0.2 to 0.3, orchards missed, vines partly); values ASSUMPTION."""
GREEN: dict[str, tuple[float, float, float]] = {
    "house": (0.32, 0.05, 0.03), "garden": (0.5, 0.09, 0.05), "arable": (0.46, 0.0, 0.05),
    "meadow": (0.57, 0.12, 0.05), "grazed": (0.54, 0.11, 0.05), "pasture": (0.42, 0.1, 0.04),
    "heath": (0.52, 0.06, 0.04), "vine": (0.4, 0.12, 0.05), "orchard": (0.54, 0.11, 0.05),
    "chestnut": (0.63, 0.13, 0.04), "market": (0.42, 0.16, 0.06), "wood": (0.74, 0.09, 0.03),
    "reclaimed": (0.57, 0.07, 0.05), "compensation": (0.58, 0.08, 0.04),
    "set_aside": (0.5, 0.12, 0.06), "fallow_grass": (0.56, 0.075, 0.04),
    "fallow_shrub": (0.63, 0.055, 0.04), "fallow_vine": (0.56, 0.065, 0.04),
    "fallow_trees": (0.65, 0.085, 0.04),
}  # fmt: skip
"""Mean greenness, yearly swing, spread between parcels. Fallow is "permanent vegetation, denser
than a field, less dense than a forest" (DDTM 34, VERIFIED in words); values ASSUMPTION."""
WINTER_CROP = (0.32, 0.42, 0.58, 0.72, 0.74, 0.5, 0.24, 0.2, 0.19, 0.2, 0.24, 0.3)
SUMMER_CROP = (0.26, 0.28, 0.24, 0.22, 0.3, 0.52, 0.76, 0.78, 0.6, 0.32, 0.24, 0.26)
SEASON = (-0.9, -0.7, -0.1, 0.8, 1.3, 1.0, 0.4, -0.3, -0.7, -0.3, 0.1, -0.6)


def looks(table: pd.DataFrame) -> NDArray[np.object_]:
    """Return the look of each parcel: its use, and for fallow what covers it."""
    stage = table["stage"]
    kind = np.select(
        [
            stage.str.startswith("vigne"),
            stage.str.contains("verger|oliveraie"),
            stage.isin(["arbustive basse", "arbustive haute", "potentiel sylvopastoral"]),
        ],
        ["fallow_vine", "fallow_trees", "fallow_shrub"],
        "fallow_grass",
    ).astype(object)
    return np.where(table["use"] == "fallow", kind, table["use"].to_numpy(dtype=object))


def _drawn(look: NDArray[np.object_], share: Floats) -> NDArray[np.uint8]:
    codes = np.zeros(len(look), np.uint8)
    for name, choices in SEEN.items():
        rows = np.flatnonzero(look == name)
        limits = np.cumsum([weight for _, weight in choices])
        # by rank, so that even a small territory has its classes in these proportions
        even = (np.argsort(np.argsort(share[rows], kind="stable")) + 0.5) / max(len(rows), 1)
        pick = np.minimum(np.searchsorted(limits, even, side="right"), len(choices) - 1)
        codes[rows] = np.asarray([code for code, _ in choices], np.uint8)[pick]
    return codes


def _greenness(table: pd.DataFrame, look: NDArray[np.object_], seed: int) -> Floats:
    """Return (parcels, dates) NDVI before pixel noise."""
    mean, swing, spread = np.asarray([GREEN[name] for name in look]).T
    level = mean + spread * 2.4 * (luck(table, seed + 201) + luck(table, seed + 202) - 1)
    swing = swing * (0.7 + 0.6 * luck(table, seed + 203, "group"))
    series = level[:, None] + swing[:, None] * np.asarray(SEASON)
    crop = look == "arable"
    summer = luck(table, seed + 204, "group") < 0.3
    year = np.where(summer[:, None], SUMMER_CROP, WINTER_CROP) + (level - 0.46)[:, None]
    series = np.where(crop[:, None], year, series)
    mown = np.isin(look, ["meadow", "set_aside"]) & (luck(table, seed + 205, "group") < 0.75)
    cut = np.where(luck(table, seed + 206, "group") < 0.5, 5, 6)
    series[np.flatnonzero(mown), cut[mown]] -= 0.22
    return np.asarray(series + 0.025 * (luck(table, seed + 207)[:, None] - 0.5))


def _frame(bounds: Floats, pixel: int, margin: int) -> tuple[float, float, int, int]:
    west = np.floor((bounds[0] - margin) / pixel) * pixel
    north = np.ceil((bounds[3] + margin) / pixel) * pixel
    width = int(np.ceil((bounds[2] + margin - west) / pixel))
    return west, north, width, int(np.ceil((north - bounds[1] + margin) / pixel))


def _placed(west: float, north: float, pixel: int) -> rasterio.Affine:
    return rasterio.Affine(pixel, 0, west, 0, -pixel, north)


def _profile(frame: tuple[float, float, int, int], pixel: int, **more: Any) -> dict[str, Any]:
    west, north, width, tall = frame
    said: dict[str, Any] = {
        "driver": "GTiff", "crs": "EPSG:2154", "transform": _placed(west, north, pixel),
        "width": width, "height": tall, "compress": "deflate", "BIGTIFF": "IF_SAFER",
    }  # fmt: skip
    if width > 2 * TILE:
        said |= {"tiled": True, "blockxsize": 256, "blockysize": 256, "NUM_THREADS": "2"}
    else:
        said |= {"zlevel": 9}
    return said | more


def write_images(
    folder: Path, geometry: Shapes, table: pd.DataFrame, river: Shapes, seed: int
) -> None:
    """Write `oso_2023.tif` (uint8) and `ndvi.tif` (12 bands, int16 x 10,000), tile by tile."""
    look = looks(table)
    first, second = (_drawn(look, luck(table, seed + k)) for k in (211, 212))
    green = _greenness(table, look, seed)
    first, second = np.append(first, WATER), np.append(second, WATER)
    green = np.vstack([green, np.full((1, len(DAYS)), -0.05)])
    frame = _frame(shapely.total_bounds(geometry), PIXEL_M, 30)
    cover = _profile(frame, PIXEL_M, dtype="uint8", count=1, nodata=0)
    ndvi = _profile(frame, PIXEL_M, dtype="int16", count=12, nodata=CLOUD, predictor=2,
                    interleave="band")  # fmt: skip
    with (
        rasterio.open(folder / "oso_2023.tif", "w", **cover) as oso,
        rasterio.open(folder / "ndvi.tif", "w", **ndvi) as images,
    ):
        for band, day in enumerate(DAYS, start=1):
            images.set_band_description(band, day)
            images.update_tags(band, DATE=day)
        images.scales = (0.0001,) * 12
        for window, owner in _owners(geometry, river, frame):
            oso.write(_cover(owner, first, second, window, seed), 1, window=window)
            images.write(_seen(owner, green, window, frame, seed), window=window)


def _owners(
    geometry: Shapes, river: Shapes, frame: tuple[float, float, int, int]
) -> Iterator[tuple[Window, NDArray[np.int32]]]:
    """Yield each tile with the parcel of each pixel (nearest within 60 m), -1 elsewhere.

    The river comes after the last parcel.
    """
    west, north, width, tall = frame
    tree, water = shapely.STRtree(geometry), shapely.STRtree(river)
    for top in range(0, tall, TILE):
        for left in range(0, width, TILE):
            rows, columns = min(TILE, tall - top), min(TILE, width - left)
            x, y = west + (left - HALO) * PIXEL_M, north - (top - HALO) * PIXEL_M
            shape = (rows + 2 * HALO, columns + 2 * HALO)
            box = shapely.box(x, y - shape[0] * PIXEL_M, x + shape[1] * PIXEL_M, y)
            found = np.sort(tree.query(box))
            owner = np.full(shape, -1, np.int32)
            if len(found):
                place = _placed(x, y, PIXEL_M)
                pairs = list(zip(geometry[found], found.tolist(), strict=True))
                rasterize(pairs, out=owner, transform=place)
                far, near = distance_transform_edt(owner < 0, return_indices=True)
                owner = np.where(far <= 6, owner[tuple(near)], -1).astype(np.int32)
                wet = [(river[one], len(geometry)) for one in np.sort(water.query(box))]
                if wet:
                    rasterize(wet, out=owner, transform=place)
            yield (
                Window(left, top, columns, rows),
                owner[HALO : HALO + rows, HALO : HALO + columns],
            )


def _grid(window: Window) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    row, column = np.meshgrid(
        np.arange(window.row_off, window.row_off + window.height),
        np.arange(window.col_off, window.col_off + window.width),
        indexing="ij",
    )
    return row, column


def _cover(
    owner: NDArray[np.int32],
    first: NDArray[np.uint8],
    second: NDArray[np.uint8],
    window: Window,
    seed: int,
) -> NDArray[np.uint8]:
    row, column = _grid(window)
    stray = chance(row, column, seed + 221) < 0.06
    codes = np.where(stray, second[owner], first[owner])
    return np.where(owner < 0, 0, codes).astype(np.uint8)


def _seen(
    owner: NDArray[np.int32],
    green: Floats,
    window: Window,
    frame: tuple[float, float, int, int],
    seed: int,
) -> NDArray[np.int16]:
    """Add what a sensor adds: pixel noise, and clouds that hide a place at some dates."""
    row, column = _grid(window)
    x = np.asarray(frame[0] + column * PIXEL_M, dtype=np.float64)
    y = np.asarray(frame[1] - row * PIXEL_M, dtype=np.float64)
    seen = np.empty((12, *owner.shape), np.int16)
    for band in range(12):
        value = green[:, band][owner] + 0.05 * (chance(row, column, seed + 230 + band) - 0.5)
        stored = np.round(np.clip(value, -0.1, 0.95) * 50) * 200
        cloud = noise(x, y, 700, seed + 250 + band) > 0.62
        seen[band] = np.where(cloud | (owner < 0), CLOUD, stored)
    return seen


def write_relief(folder: Path, geometry: Shapes, seed: int) -> None:
    """Write `mnt.tif`: altitude (m), float32, one value every 25 m, to the eighth of a metre."""
    frame = _frame(shapely.total_bounds(geometry), RELIEF_M, 100)
    west, north, width, tall = frame
    said = _profile(frame, RELIEF_M, dtype="float32", count=1, nodata=-99_999.0, predictor=3)
    with rasterio.open(folder / "mnt.tif", "w", **said) as out:
        for top in range(0, tall, 256):
            rows = min(256, tall - top)
            x = west + (np.arange(width) + 0.5) * RELIEF_M
            y = north - (np.arange(top, top + rows) + 0.5) * RELIEF_M
            east, north_ = np.meshgrid(x, y)
            z = height(east, north_, seed)
            out.write(
                (np.round(z * 8) / 8).astype(np.float32), 1, window=Window(0, top, width, rows)
            )

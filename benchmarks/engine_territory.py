"""A fictitious territory of a stated size, written once in the forms the methods read."""

from __future__ import annotations

import json
import shutil
import tomllib
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio

from friches.sample.make import make
from friches.sources.cadastre import read_cadastre
from friches.spatial.overlay import made_valid

if TYPE_CHECKING:
    from pathlib import Path

CRS = "EPSG:2154"
CAMPAIGN = "rpg_2024.gpkg"
LAYERS = (
    CAMPAIGN,
    "batiment.gpkg",
    "formation_vegetale.gpkg",
    "zone_urba.gpkg",
    "natura2000.gpkg",
    "zone_montagne.gpkg",
)
ROWS_A_GROUP = 10_000
"""DuckDB and SedonaDB share work by row groups."""
BLOCK = 256


def territory(folder: Path, parcels: int, seed: int) -> Path:
    """Return the folder of a territory, made if it is not there yet.

    Parameters
    ----------
    folder : Path
        Where territories are kept, one folder a size and seed.
    parcels, seed : int

    Returns
    -------
    Path
        With study/ (the files of `friches sample`), parcels.parquet (parcel, geometry),
        polygons.parquet (polygon, layer, geometry), cover.tif, ndvi.tif and land.json (what it
        holds). Rows are numbered in their order.
    """
    land = folder / f"{parcels}-{seed}"
    study = land / "study"
    if not (study / "study.toml").is_file():
        make(study, parcels, seed)
    return _prepared(land)


def reused(folder: Path, made: Path) -> Path:
    """Return the folder of a territory that `friches sample` made before (see `territory`).

    Parameters
    ----------
    folder : Path
        Where territories are kept; this one under its own name, with a link to its study.
    made : Path
        With study.toml, left as it is; or a folder that `territory` returned.
    """
    if (made / "land.json").is_file():
        return made
    land = folder / made.resolve().name
    land.mkdir(parents=True, exist_ok=True)
    if not (land / "study").exists():
        (land / "study").symlink_to(made.resolve())
    return _prepared(land)


def _prepared(land: Path) -> Path:
    """Write what the methods read, unless it is there."""
    if (land / "land.json").is_file():
        return land
    study = land / "study"
    told = tomllib.loads((study / "study.toml").read_text("utf-8"))
    paths = [study / name for name in told["sources"]["cadastre"]]
    cadastre = read_cadastre(paths, CRS, told["study"]["communes"])
    ground = _written(cadastre.geometry, "parcel", land / "parcels.parquet")
    drawn = [gpd.read_file(study / name) for name in LAYERS if (study / name).is_file()]
    geometry = gpd.GeoSeries(pd.concat([one.geometry for one in drawn], ignore_index=True), crs=CRS)
    layer = np.repeat(np.arange(len(drawn)), [len(one) for one in drawn])
    over = _written(geometry, "polygon", land / "polygons.parquet", layer=layer)
    for source, name in (("oso_2023.tif", "cover.tif"), ("ndvi.tif", "ndvi.tif")):
        _tiled(study / source, land / name)
    said = {"parcels": ground, "polygons": over, "pixels": _pixels(land / "cover.tif")}
    (land / "land.json").write_text(json.dumps(said), "utf-8")
    return land


def _written(geometry: gpd.GeoSeries, key: str, path: Path, **more: Any) -> dict[str, float]:
    """Write shapes as GeoParquet (WKB, zstd); return how many, and their mean vertices."""
    shapes = made_valid(geometry.to_numpy())
    columns = {key: np.arange(len(shapes)), **more}
    frame = gpd.GeoDataFrame(columns, geometry=shapes, crs=CRS)
    frame.to_parquet(path, index=False, compression="zstd", row_group_size=ROWS_A_GROUP)
    return {"rows": len(frame), "vertices": round(float(frame.count_coordinates().mean()), 1)}


def _tiled(source: Path, path: Path) -> None:
    """Copy a raster as a GeoTIFF in tiles; what every zonal method reads."""
    spare = path.with_suffix(".part.tif")
    with rasterio.open(source) as file:
        profile = file.profile | {
            "tiled": True,
            "blockxsize": BLOCK,
            "blockysize": BLOCK,
            "compress": "deflate",
            "interleave": "band",
        }
        with rasterio.open(spare, "w", **profile) as out:
            for band in range(1, file.count + 1):
                out.write(file.read(band), band)
            out.scales = file.scales
    shutil.move(spare, path)


def _pixels(path: Path) -> int:
    with rasterio.open(path) as file:
        return int(file.width * file.height)

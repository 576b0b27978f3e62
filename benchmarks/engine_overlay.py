"""The area that each parcel and each polygon have in common: our kernel and its peers."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks import engine_duckdb, engine_polars, engine_postgis, engine_sedona
from benchmarks.engine_process import Method, table

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

    from benchmarks.engine_process import Answer, Core

TOLERANCE = 1e-6
"""Largest difference allowed, as a share of the parcel's area."""
WARM = 64
"""Rows on which compiled code is fetched from disk before the core step."""


def friches(land: Path) -> Core:
    """Ours: WKB to areas by the compiled kernel. Decoding the WKB counts in the core step."""
    names = ("parcels.parquet", "polygons.parquet")
    parcels, polygons = (table(land / name, ["geometry"])["geometry"] for name in names)
    _kernel(parcels.slice(0, WARM), parcels.slice(0, WARM))
    return lambda: _kernel(parcels, polygons)


def _kernel(parcels: pa.ChunkedArray, polygons: pa.ChunkedArray) -> Answer:
    from friches.spatial.common import common_areas, meeting_pairs
    from friches.spatial.edges import edges
    from friches.spatial.shapes import from_wkb

    ground, drawn = edges(from_wkb(parcels)), edges(from_wkb(polygons))
    polygon, parcel = meeting_pairs(drawn.bounds, ground.bounds)
    return _met(parcel, polygon, common_areas(drawn, ground, polygon, parcel))


def best_geos(land: Path) -> Core:
    """GEOS at its best: parcels in the tree, what is wholly inside not cut, threads."""
    from friches.spatial import geos

    parcels, polygons = shapes(land)

    def core() -> Answer:
        polygon, parcel, area = geos._areas(parcels, polygons)  # noqa: SLF001 -- pairs, not sums
        return _met(parcel, polygon, area)

    return core


def strtree(land: Path) -> Core:
    """Shapely as its manual has it: tree of polygons, pairs that intersect, their intersections."""
    import shapely

    parcels, polygons = shapes(land)

    def core() -> Answer:
        parcel, polygon = shapely.STRtree(polygons).query(parcels, "intersects")

        def areas(rows: Any) -> Any:
            common = shapely.intersection(parcels[parcel[rows]], polygons[polygon[rows]])
            return shapely.area(common)

        parts = np.array_split(np.arange(len(parcel)), 8 * (os.cpu_count() or 1))
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            area = np.concatenate(list(pool.map(areas, parts)))
        return _met(parcel, polygon, area)

    return core


def geopandas_overlay(land: Path) -> Core:
    """geopandas.overlay, then the areas of what it cut."""
    import geopandas as gpd

    parcels = gpd.read_parquet(land / "parcels.parquet")
    polygons = gpd.read_parquet(land / "polygons.parquet", columns=["polygon", "geometry"])

    def core() -> Answer:
        cut = gpd.overlay(parcels, polygons, how="intersection")
        return _met(cut["parcel"].to_numpy(), cut["polygon"].to_numpy(), cut.area.to_numpy())

    return core


def shapes(land: Path) -> tuple[Any, Any]:
    """Return parcels and polygons as arrays of shapely geometries."""
    import shapely

    names = ("parcels.parquet", "polygons.parquet")
    parcels, polygons = (
        shapely.from_wkb(table(land / name)["geometry"].to_numpy()) for name in names
    )
    return parcels, polygons


def _met(parcel: Any, polygon: Any, area: Any) -> Answer:
    kept = area > 0
    return {"parcel": parcel[kept], "polygon": polygon[kept], "area_m2": area[kept]}


def differences(one: Answer, other: Answer, land: Path) -> Any:
    """Return, for every pair that either answer holds, the difference over the parcel's area."""
    import shapely

    whole = shapely.area(shapely.from_wkb(table(land / "parcels.parquet")["geometry"].to_numpy()))
    many = 1 + max(int(said["polygon"].max(initial=0)) for said in (one, other))
    keys = [said["parcel"].astype(np.int64) * many + said["polygon"] for said in (one, other)]
    pair, row = np.unique(np.concatenate(keys), return_inverse=True)
    signed = np.concatenate([one["area_m2"], -other["area_m2"]])
    gap = np.abs(np.bincount(row, signed, minlength=len(pair)))
    return gap / whole[pair // many]


METHODS = {
    "friches": Method("friches, compiled kernel", friches, ("numba",)),
    "geos": Method("GEOS, best form (tree of parcels, covers, threads)", best_geos),
    "strtree": Method("shapely STRtree + intersection, threads", strtree),
    "geopandas": Method("geopandas.overlay", geopandas_overlay),
    "duckdb": engine_duckdb.METHOD,
    "sedonadb": engine_sedona.METHOD,
    "polars-st": engine_polars.METHOD,
    "postgis": engine_postgis.METHOD,
}

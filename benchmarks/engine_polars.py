"""polars-st: a spatial join and intersections of WKB columns, parts of the parcels in threads."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from benchmarks.engine_process import Method

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.engine_process import Answer, Core


def load(land: Path) -> Core:
    """Read both layers; polars-st works on their WKB."""
    import polars as pl
    import polars_st as st

    parcels, polygons = (
        pl.read_parquet(land / f"{name}.parquet", columns=[key, "geometry"])
        for name, key in (("parcels", "parcel"), ("polygons", "polygon"))
    )
    step = -(-parcels.height // (os.cpu_count() or 1))

    def part(low: int) -> Any:
        met = parcels.slice(low, step).st.sjoin(polygons, predicate="intersects")
        common = st.geom("geometry").st.intersection(pl.col("geometry_right"))
        return met.select("parcel", "polygon", area_m2=common.st.area())

    def core() -> Answer:
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            found = pl.concat(list(pool.map(part, range(0, parcels.height, step))))
        found = found.filter(pl.col("area_m2") > 0)
        return {name: found[name].to_numpy() for name in found.columns}

    return core


METHOD = Method("polars-st, threads", load, ("polars", "polars_st"))

"""SedonaDB on the same GeoParquet files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.engine_process import Method

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.engine_process import Answer, Core

QUERY = """
SELECT p.parcel, q.polygon, ST_Area(ST_Intersection(p.geometry, q.geometry)) AS area_m2
FROM parcels AS p JOIN polygons AS q ON ST_Intersects(p.geometry, q.geometry)
"""


def load(land: Path) -> Core:
    """Name the files; the query reads them, in parallel by row groups."""
    import pyarrow as pa
    import sedonadb

    base = sedonadb.connect()
    for name in ("parcels", "polygons"):
        base.read_parquet(str(land / f"{name}.parquet")).to_view(name)

    def core() -> Answer:
        found = pa.table(base.sql(QUERY))
        columns = {name: found[name].to_numpy() for name in found.column_names}
        kept = columns["area_m2"] > 0
        return {name: column[kept] for name, column in columns.items()}

    return core


METHOD = Method("SedonaDB", load, ("sedonadb",))

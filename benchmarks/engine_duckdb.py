"""DuckDB spatial on the same GeoParquet files.

Its extension comes from PyPI (duckdb-extension-spatial), in the version of DuckDB itself.
"""

from __future__ import annotations

import importlib.metadata
import importlib.resources
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.engine_process import Method

if TYPE_CHECKING:
    from benchmarks.engine_process import Answer, Core

QUERY = """
SELECT p.parcel, q.polygon, ST_Area(ST_Intersection(p.geometry, q.geometry)) AS area_m2
FROM '{parcels}' AS p JOIN '{polygons}' AS q ON ST_Intersects(p.geometry, q.geometry)
"""


def _extension() -> Path:
    version = importlib.metadata.version("duckdb")
    folder = Path(str(importlib.resources.files("duckdb_extension_spatial")))
    return folder / "extensions" / f"v{version}" / "spatial.duckdb_extension"


def absent() -> str | None:
    """Return why DuckDB's extension cannot be loaded, or None."""
    if find_spec("duckdb_extension_spatial") and _extension().is_file():
        return None
    return "duckdb-extension-spatial is not installed in the version of duckdb"


def load(land: Path) -> Core:
    """Connect and load the extension; the query reads the files, in parallel by row groups."""
    import duckdb

    base = duckdb.connect(config={"autoinstall_known_extensions": False})
    base.load_extension(str(_extension()))
    text = QUERY.format(parcels=land / "parcels.parquet", polygons=land / "polygons.parquet")

    def core() -> Answer:
        found: dict[str, Any] = base.sql(text).fetchnumpy()
        kept = found["area_m2"] > 0
        return {name: column[kept] for name, column in found.items()}

    return core


METHOD = Method("DuckDB spatial", load, ("duckdb",), absent)

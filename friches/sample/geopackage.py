"""GeoPackages written small and always the same: no clock, small pages, few columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pyogrio
import shapely

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    from numpy.typing import NDArray

DAY = "2026-09-01T00:00:00Z"
"""The date written where GDAL would write the clock's."""
INDEXED_FROM = 50_000
"""Rows from which a spatial index is worth its bytes."""


def write_layer(
    path: Path, layer: str, columns: pd.DataFrame, geometry: NDArray[np.object_], kind: str
) -> Path:
    """Write one layer in EPSG:2154, coordinates to the centimetre.

    Parameters
    ----------
    columns : DataFrame, one row a feature
    kind : {"Polygon", "MultiPolygon", "LineString"}
    """
    shapes = _rounded(geometry)
    if kind == "MultiPolygon":
        multi = shapely.get_type_id(shapes) == 6
        shapes[~multi] = [shapely.MultiPolygon([one]) for one in shapes[~multi]]
    frame = gpd.GeoDataFrame(columns.reset_index(drop=True), geometry=shapes, crs=2154)
    path.unlink(missing_ok=True)
    pages = "page_size=1024" if len(frame) < INDEXED_FROM else "page_size=4096"
    settings = {"OGR_CURRENT_DATE": DAY, "OGR_SQLITE_PRAGMA": pages}
    pyogrio.set_gdal_config_options(settings)
    try:
        pyogrio.write_dataframe(
            frame,
            path,
            layer=layer,
            driver="GPKG",
            geometry_type=kind,
            dataset_options={"ADD_GPKG_OGR_CONTENTS": "NO"},
            layer_options={
                "SPATIAL_INDEX": "YES" if len(frame) >= INDEXED_FROM else "NO",
                "GEOMETRY_NAME": "geom",
            },
        )
    finally:
        pyogrio.set_gdal_config_options(dict.fromkeys(settings))
    return path


def _rounded(geometry: NDArray[np.object_]) -> NDArray[np.object_]:
    """Round to the centimetre; where that crosses an outline, let GEOS do it (largest part)."""
    shapes = np.asarray(shapely.transform(geometry, lambda xy: np.round(xy, 2)))
    for row in np.flatnonzero(~shapely.is_valid(shapes)):
        parts = shapely.get_parts(shapely.set_precision(geometry[row], 0.01))
        shapes[row] = parts[np.argmax(shapely.area(parts))]
    return shapes

"""Shapes made valid, and rows without a shape refused or counted."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import shapely

from friches.errors import refuse


def mended(frame: gpd.GeoDataFrame, which: Any) -> gpd.GeoDataFrame:
    """Return the frame with its invalid shapes made valid, among the rows where `which` is true.

    `attrs["repaired"]` counts them; polygons stay polygons (see `shapely.make_valid`).
    """
    shapes = np.asarray(frame.geometry.array, dtype=object)
    wrong = which & ~shapely.is_valid(shapes) & ~shapely.is_missing(shapes)
    if wrong.any():
        shapes[wrong] = [_as_valid(shape) for shape in shapes[wrong]]
        frame = frame.set_geometry(gpd.GeoSeries(shapes, index=frame.index, crs=frame.crs))
    frame.attrs.update({"repaired": int(wrong.sum()), "dropped": 0})
    return frame


def kept(frame: gpd.GeoDataFrame, where: str, drop_empty: bool) -> gpd.GeoDataFrame:
    """Return the rows with a shape; refuse empty ones, or count them in `attrs["dropped"]`."""
    void = (frame.geometry.isna() | frame.geometry.is_empty).to_numpy()
    if void.any() and not drop_empty:
        raise refuse(
            f"{int(void.sum())} géométrie(s) vide(s) ou absente(s) "
            f"(première : ligne {int(void.argmax()) + 1})",
            where,
            "retirer ou compléter ces lignes",
        )
    attrs, frame = frame.attrs, frame[~void].reset_index(drop=True)
    frame.attrs.update(attrs | {"dropped": int(void.sum())})
    return frame


def _as_valid(shape: Any) -> Any:
    """Return a valid shape of the same dimension: polygons stay polygons, crumbs are left out."""
    dimension = shapely.get_dimensions(shape)
    if dimension != 2:
        return shapely.make_valid(shape)
    fixed = shapely.make_valid(shape, method="structure", keep_collapsed=False)
    parts = [p for p in shapely.get_parts(fixed).tolist() if shapely.get_dimensions(p) == 2]
    parts = [q for p in parts for q in shapely.get_parts(p).tolist()]
    return shapely.multipolygons(parts) if len(parts) > 1 else (parts[0] if parts else None)

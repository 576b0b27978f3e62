"""Where a SIRET, a school or a commune lies: positions given beside a register without any."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from friches.sources.columns import numbers, pick
from friches.sources.exports import siret, texts

if TYPE_CHECKING:
    from pathlib import Path

    from friches.sources.exports import Export

LON, LAT = ["lon", "longitude", "x_longitude"], ["lat", "latitude", "y_latitude"]


def siret_points(said: Export, path: Path) -> pd.Series[Any]:
    """Return points (WGS 84) by SIRET from a geocoded file; the first of a repeated number."""
    picked = pick(said.rows, {"siret": ["siret"], "lon": LON, "lat": LAT}, path)
    points = points_at(picked["lon"], picked["lat"], path)
    return _by(siret(picked["siret"]), points)


def commune_points(said: Export, path: Path) -> pd.Series[Any]:
    """Return points (WGS 84) by INSEE code, from geo.api.gouv.fr's answer or a CSV."""
    codes = {"code": ["code", "code_insee", "insee_com"]}
    if "centre" in said.rows.columns:
        pairs = said.rows["centre"].map(_pair)
        lon, lat = pairs.map(lambda p: p[0]), pairs.map(lambda p: p[1])
        picked = pick(said.rows, codes, path)
    else:
        picked = pick(said.rows, codes | {"lon": LON, "lat": LAT}, path)
        lon, lat = picked["lon"], picked["lat"]
    return _by(texts(picked["code"]), points_at(lon, lat, path))


def outline_points(outlines: gpd.GeoDataFrame, path: Path) -> pd.Series[Any]:
    """Return one point (WGS 84) by INSEE code from communes' outlines: inside the largest part."""
    picked = pick(outlines, {"code": ["code", "code_insee", "insee_com", "insee"]}, path)
    inside = shapely.point_on_surface(outlines.geometry.array)
    points = gpd.GeoSeries(inside, index=outlines.index, crs=outlines.crs).to_crs("EPSG:4326")
    return _by(texts(picked["code"]), points)


def points_at(lon: pd.Series[Any], lat: pd.Series[Any], path: Path) -> gpd.GeoSeries:
    """Return points in WGS 84; None where a coordinate is missing or impossible."""
    x, y = numbers(lon, path, "lon"), numbers(lat, path, "lat")
    fine = (x.abs() <= 180) & (y.abs() <= 90) & ~((x == 0) & (y == 0))
    points = gpd.GeoSeries.from_xy(x.where(fine, 0.0), y.where(fine, 0.0), crs="EPSG:4326")
    return points.where(fine, None)


def _pair(value: Any) -> tuple[float, float]:
    found = value.get("coordinates") if isinstance(value, dict) else None
    if not isinstance(found, list) or len(found) < 2:
        return np.nan, np.nan
    return float(found[0]), float(found[1])


def _by(name: pd.Series[Any], points: gpd.GeoSeries) -> pd.Series[Any]:
    known = (name.notna() & points.notna()).to_numpy()
    table = pd.Series(np.asarray(points, dtype=object)[known], index=name[known])
    return table[~table.index.duplicated()]

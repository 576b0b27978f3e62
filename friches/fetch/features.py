"""Features as a service answers them, set in a table in the study's CRS, their place checked."""

from __future__ import annotations

import json
import re
from sys import intern
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from friches.fetch.asking import parsed
from friches.fetch.failure import Failure
from friches.fetch.paging import Leaf
from friches.sources.projection import bounds_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from friches.fetch.paging import Box, Feature
    from friches.fetch.request import Answer

NEAR_SHARE = 0.05
NEAR_M = 500.0
"""A box asked in one projection is larger once drawn in another: features may lie out of it by this
share of its side and this distance (m) (ASSUMPTION)."""
_URN = re.compile(r"(?:EPSG|epsg)[:/]+(?:[\d.]*[:/])?(\d+)$")


def leaf(answer: Answer, service: str) -> Leaf:
    """Return one page of features from an answer in GeoJSON.

    Raises
    ------
    Failure
        Not a collection of features.
    """
    page = parsed(answer.path, service)
    rows = page.get("features") if isinstance(page, dict) else None
    if not isinstance(rows, list):
        raise Failure(service, "la réponse n'est pas une collection d'objets géographiques")
    stated = _stated(page)
    features = [_feature(row, stated) for row in rows if isinstance(row, dict)]
    return Leaf(features, _total(page), answer)


def _feature(row: dict[str, Any], crs: str) -> Feature:
    """Return one feature; its geometry as text, a tenth of the memory of lists of numbers."""
    shape = row.get("geometry")
    told = {intern(str(key)): value for key, value in (row.get("properties") or {}).items()}
    return {
        "id": row.get("id"),
        "properties": told,
        "geometry": json.dumps(shape, separators=(",", ":")) if shape else None,
        "crs": crs,
    }


def _total(page: dict[str, Any]) -> int | None:
    for key in ("numberMatched", "totalFeatures"):
        value = page.get(key)
        if isinstance(value, int) or (isinstance(value, str) and value.isdigit()):
            return int(value)
    return None


def _stated(page: dict[str, Any]) -> str:
    """Return the CRS that a collection names, or ""."""
    crs = page.get("crs")
    name = crs.get("properties", {}).get("name", "") if isinstance(crs, dict) else ""
    found = _URN.search(str(name))
    if found:
        return f"EPSG:{found[1]}"
    return "EPSG:4326" if "CRS84" in str(name) else ""


def table(features: Sequence[Feature], asked_crs: str, crs: str) -> gpd.GeoDataFrame:
    """Return features in a table: lower-case columns, plain values, geometry in `crs`.

    Parameters
    ----------
    features : sequence of dict
        From `leaf`; each names the CRS of its page, or "" for the one that was asked.
    asked_crs, crs : str
        The CRS asked, and that of the answer.
    """
    names = dict.fromkeys(
        str(name).lower() for row in features for name in (row["properties"] or {})
    )
    rows = [{str(k).lower(): v for k, v in (row["properties"] or {}).items()} for row in features]
    columns = {
        name: _column([row.get(name) for row in rows])
        for name in names
        if name not in {"geometry", "bbox", "fid"}
    }
    stated = sorted({row["crs"] or asked_crs for row in features} or {asked_crs})
    shapes = shapely.from_geojson(
        np.array(
            [row["geometry"] for row in features],
            dtype=object,
        )
    )
    shapes = shapely.force_2d(shapes)
    frame = gpd.GeoDataFrame(columns, geometry=list(shapes), index=range(len(rows)), crs=stated[0])
    if len(stated) > 1:  # pages of one answer in several CRS
        each = [row["crs"] or asked_crs for row in features]
        parts = [
            frame[[one == name for one in each]].set_crs(name, allow_override=True).to_crs(crs)
            for name in stated
        ]
        return gpd.GeoDataFrame(pd.concat(parts), crs=crs).sort_index()
    return frame


def _column(values: list[Any]) -> pd.Series[Any]:
    """Return a column in the plainest kind that holds its values; missing stays missing."""
    there = [value for value in values if value is not None]
    if any(isinstance(value, (list, dict)) for value in there):
        values = [None if v is None else json.dumps(v, ensure_ascii=False) for v in values]
        return pd.Series(values, dtype="object")
    if there and all(isinstance(value, bool) for value in there):
        return pd.Series(values, dtype="boolean")
    if there and all(isinstance(value, int) for value in there):
        fits = all(abs(value) < 2**63 for value in there)
        return pd.Series(values, dtype="Int64") if fits else pd.Series(map(str, values))
    if there and all(isinstance(value, (int, float)) for value in there):
        return pd.Series(values, dtype="float64")
    return pd.Series([None if v is None else str(v) for v in values], dtype="object")


def settled(frame: gpd.GeoDataFrame, box: Box, crs: str, service: str) -> tuple[Any, str]:
    """Return the features in `crs`, with axes put right when the service swapped them.

    Parameters
    ----------
    frame : GeoDataFrame
        As told by the service.
    box : tuple of float
        What was asked, in `crs`: every feature must touch it, or nearly.
    crs : str
        CRS of the answer.
    service : str
        For the message.

    Returns
    -------
    (GeoDataFrame, str)
        The features, and what was put right, in French, or "".

    Raises
    ------
    Failure
        Features elsewhere, whichever way their coordinates are read.
    """
    if frame.empty:
        return frame.set_crs(crs, allow_override=True), ""
    told = frame.crs
    wanted = _grown(box if told.to_string() == crs else bounds_in(box, crs, told))
    away = _away(frame, wanted)
    if not away.any():
        return frame.to_crs(crs) if told.to_string() != crs else frame, ""
    turned = frame.set_geometry(_turned(frame))
    if not _away(turned, wanted).any():
        note = "axes inversés par le service : coordonnées remises dans l'ordre est, nord"
        return turned.to_crs(crs) if told.to_string() != crs else turned, note
    raise Failure(
        service,
        f"{int(away.sum())} objet(s) sur {len(frame)} hors de l'emprise demandée "
        "(système de coordonnées ou axes faux)",
        "réessayer plus tard ; sinon donner la couche à la main (--add)",
    )


def touching(frame: gpd.GeoDataFrame, box: Box) -> int:
    """Return how many features touch a box given in their CRS."""
    return int(frame.intersects(shapely.box(*box)).sum())


def _turned(frame: gpd.GeoDataFrame) -> gpd.GeoSeries:
    shapes = shapely.transform(frame.geometry.array, lambda xy: xy[:, ::-1])
    return gpd.GeoSeries(shapes, index=frame.index, crs=frame.crs)


def _away(frame: gpd.GeoDataFrame, box: Box) -> np.ndarray[Any, Any]:
    """Tell which features with a shape have no corner of their frame near the box."""
    west, south, east, north = box
    at = frame.geometry.bounds
    near = (at["minx"] <= east) & (at["maxx"] >= west) & (at["miny"] <= north)
    near &= at["maxy"] >= south
    void = frame.geometry.isna() | frame.geometry.is_empty
    return np.asarray(~near & ~void, dtype=bool)


def _grown(box: Box) -> Box:
    west, south, east, north = box
    degrees = abs(east) <= 360 and abs(north) <= 90
    apart = NEAR_M / 100_000 if degrees else NEAR_M
    x, y = (east - west) * NEAR_SHARE + apart, (north - south) * NEAR_SHARE + apart
    return (west - x, south - y, east + x, north + y)

"""Where a layer lies: the same projection under other names, the change to the study's one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyproj

from friches.errors import Breach, refuse

if TYPE_CHECKING:
    import geopandas as gpd

    Bounds = tuple[float, float, float, float]


def unknown(crs: str) -> list[Breach]:
    """Return a breach where the study's « crs » is none that the library of projections knows."""
    try:
        pyproj.CRS.from_user_input(crs)
    except pyproj.exceptions.CRSError:
        return [Breach(f"projection « {crs[:80]} » inconnue", "[study] crs", "écrire EPSG:2154")]
    return []


def bounds_in(bounds: Bounds, crs: Any, other: Any) -> Bounds:
    """Return the box in `other` that holds the whole of a box given in `crs`."""
    change = pyproj.Transformer.from_crs(crs, other, always_xy=True)
    box = change.transform_bounds(*bounds)
    return (box[0], box[1], box[2], box[3])


def same_crs(one: Any, other: Any) -> bool:
    """Say whether two CRS give the same coordinates, whatever their names (LAMB93, raw WKT)."""
    first, second = pyproj.CRS.from_user_input(one), pyproj.CRS.from_user_input(other)
    if first.equals(second, ignore_axis_order=True):
        return True
    if not (first.is_projected and second.is_projected):
        return False
    return _projection(first) == _projection(second)


def _projection(crs: pyproj.CRS) -> tuple[Any, ...]:
    operation, ellipsoid = crs.coordinate_operation, crs.ellipsoid
    if operation is None or ellipsoid is None:
        return (crs.to_wkt(),)
    values = sorted((int(p.code or 0), round(float(p.value), 6)) for p in operation.params)
    datum = (crs.datum.name if crs.datum else "").lower().replace("é", "e").replace("_", " ")
    family = "rgf93" if "rgf93" in datum or "reseau geodesique francais" in datum else datum
    return (
        operation.method_code,
        tuple(values),
        round(ellipsoid.semi_major_metre, 3),
        round(ellipsoid.inverse_flattening, 6),
        family,
    )


def projected(frame: gpd.GeoDataFrame, crs: str, where: str) -> gpd.GeoDataFrame:
    """Return the frame in `crs`; coordinates are untouched when only the CRS's name differs.

    Raises
    ------
    InputError
        No CRS; coordinates impossible in the stated CRS; all outside the domain of `crs`.
    """
    if frame.crs is None:
        raise refuse(
            "système de coordonnées absent",
            where,
            "joindre le fichier .prj, ou enregistrer la couche avec son système (EPSG:2154…)",
        )
    if frame.empty:
        return frame.set_crs(crs, allow_override=True)
    _check_place(frame, crs, where)
    if same_crs(frame.crs, crs):
        return frame.set_crs(crs, allow_override=True)
    return frame.to_crs(crs)


def _check_place(frame: gpd.GeoDataFrame, crs: str, where: str) -> None:
    """Refuse coordinates that cannot be what the CRS says, or that lie outside the study's CRS."""
    bounds = frame.total_bounds
    if np.isnan(bounds).all():
        return
    todo = "vérifier le système de coordonnées déclaré par la couche, et le territoire"
    degrees = frame.crs.is_geographic
    if not np.isfinite(bounds).all() or (
        degrees and (abs(bounds[[0, 2]]).max() > 360 or abs(bounds[[1, 3]]).max() > 90)
    ):
        raise refuse(
            f"coordonnées impossibles en {frame.crs.name} (de {bounds[0]:.6g} {bounds[1]:.6g} "
            f"à {bounds[2]:.6g} {bounds[3]:.6g})",
            where,
            todo,
        )
    area = pyproj.CRS.from_user_input(crs).area_of_use
    if area is None:
        return
    change = pyproj.Transformer.from_crs(frame.crs, "EPSG:4326", always_xy=True)
    west, south, east, north = change.transform_bounds(*bounds)
    apart = west > area.east or east < area.west or south > area.north or north < area.south
    if apart or not np.isfinite([west, south, east, north]).all():
        raise refuse(f"couche entièrement hors du domaine de {crs}", where, todo)

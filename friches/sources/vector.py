"""One vector layer opened safely: format told from content, one CRS, clean text, valid shapes."""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

import geopandas as gpd
import numpy as np
import pyogrio
import shapely
from pyogrio.errors import DataLayerError, DataSourceError, FeatureError

from friches.errors import refuse
from friches.sources.columns import (
    answers,
    clean,
    cleaned,
    dates,
    numbers,
    pick,
    read_csv_text,
)
from friches.sources.container import NAMES, beside, unpacked
from friches.sources.projection import bounds_in, projected
from friches.sources.shapes import kept, mended

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    Bounds = tuple[float, float, float, float]

__all__ = [
    "answers",
    "clean",
    "cleaned",
    "dates",
    "numbers",
    "open_vector",
    "overlaps",
    "pick",
    "read_csv_text",
    "settled",
]

MAX_FEATURES = 4_000_000
"""Features kept of one layer: the largest study foreseen has 1,000,000 parcels, and some layers
(buildings, fields of several years) are denser. ASSUMPTION on the margin."""
MAX_VERTICES = 200_000_000
"""Vertices of one layer: 3.2 GB of coordinates. Parcels have about 14 each (measured)."""
NOTHING_HERE = "FRICHES_NOTHING_HERE"
"""Mark of a GeoPackage's layer without rows that was asked of its service: none here is known."""
DRIVERS = {"gpkg": "GPKG", "json": "GeoJSON", "shp": "ESRI Shapefile"}
_AGAIN = "le télécharger ou l'exporter de nouveau"


class Wanted(NamedTuple):
    """Which layer of a file, and how: see `open_vector`."""

    crs: str
    where: str
    layer: str | None = None
    like: Sequence[str] = ()
    having: Sequence[str] = ()
    bounds: Bounds | None = None
    assume_crs: str | None = None


def open_vector(  # noqa: PLR0913
    path: Path,
    crs: str,
    *,
    layer: str | None = None,
    like: Sequence[str] = (),
    having: Sequence[str] = (),
    bounds: Bounds | None = None,
    name: str = "",
    assume_crs: str | None = None,
    drop_empty: bool = False,
    as_is: bool = False,
) -> gpd.GeoDataFrame:
    """Open one vector file and return one of its layers, ready for a reader.

    Parameters
    ----------
    path : Path
        GeoPackage, GeoJSON (also .gz), shapefile (also .zip), GeoParquet or CSV with lon and lat;
        told from the content, never from the extension.
    crs : str
        CRS of the answer (the study's).
    layer : str, optional
        The layer wanted, by name.
    like : sequence of str, optional
        When the file holds several layers: names to look for, best first, any case; a name that
        equals wins over one that contains.
    having : sequence of str, optional
        When several layers are still possible: columns that the right one alone has (any case).
    bounds : (xmin, ymin, xmax, ymax), optional
        In `crs`: only features that meet this box are read. The answer may then have no row
        (see `overlaps`).
    name : str
        What the layer is (« cadastre »), for messages.
    assume_crs : str, optional
        CRS of a file that states none (a shapefile without .prj).
    drop_empty : bool
        Leave out features without geometry (counted in `attrs["dropped"]`) instead of refusing.
    as_is : bool
        Leave empty and invalid geometries of the file untouched, for a caller who reports them.

    Returns
    -------
    GeoDataFrame
        Lower-case columns of clean text (`columns.clean`), `geometry` valid, 2-D, in `crs`; index
        0..n-1 in file order. `attrs`: `repaired` (invalid shapes mended), `dropped`, `notes`
        (what GDAL remarked), `layer`, `nothing_here` (without rows, and marked as asked for).

    Raises
    ------
    InputError
        Whatever makes the file unusable, in French, with what to do.
    """
    where = f"{path} ({name})" if name else str(path)
    wanted = Wanted(crs, where, layer, like, having, bounds, assume_crs)
    with unpacked(path) as (plain, form), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            frame, chosen = _read(path, plain, form, wanted)
        except (DataSourceError, DataLayerError, FeatureError, UnicodeDecodeError) as error:
            told = str(error).replace(str(plain), path.name)
            raise refuse(f"{NAMES[form]} illisible : {told}", where, _AGAIN) from error
        notes = {str(w.message).replace(str(plain), path.name) for w in caught}
    if frame.crs is None and assume_crs is not None:
        frame = frame.set_crs(assume_crs)
    frame = settled(frame, crs, where, drop_empty=drop_empty, as_is=as_is)
    if bounds is not None:
        near = frame.intersects(shapely.box(*bounds)) | frame.geometry.isna()
        attrs, frame = frame.attrs, frame[near.to_numpy()].reset_index(drop=True)
        frame.attrs.update(attrs)
    nothing = frame.empty and form == "gpkg" and _asked_for(plain, chosen)
    frame.attrs.update({"layer": chosen, "notes": tuple(sorted(notes)), "nothing_here": nothing})
    return frame


def _asked_for(plain: Path, layer: str) -> bool:
    """Tell a layer that a service has nothing for from one that lost its rows."""
    said = pyogrio.read_info(plain, layer=layer, force_feature_count=True)
    return said["features"] == 0 and NOTHING_HERE in (said["layer_metadata"] or {})


def _read(path: Path, plain: Path, form: str, wanted: Wanted) -> tuple[gpd.GeoDataFrame, str]:
    if form == "text":
        return _points(path, wanted.where), ""
    if form == "parquet":
        return _parquet(plain, wanted), ""
    if form == "json" and wanted.layer is None and _is_feature_collection(plain):
        # GDAL parses the whole text at each opening: one is enough for a single layer.
        frame = pyogrio.read_dataframe(plain, force_2d=True, max_features=MAX_FEATURES + 1)
        _check_count(len(frame), "", wanted.where)
        return frame, ""
    return _layer(plain, form, wanted)


def _is_feature_collection(plain: Path) -> bool:
    with plain.open("rb") as file:
        return re.search(rb'"type"\s*:\s*"FeatureCollection"', file.read(4096)) is not None


def _check_count(features: int, layer: str, where: str) -> None:
    named = f" « {layer} »" if layer else ""
    if features == 0:
        raise refuse(f"couche{named} vide", where, "donner une couche remplie ou la retirer")
    if features > MAX_FEATURES:
        raise refuse(
            f"plus de {MAX_FEATURES} objets dans la couche{named}",
            where,
            "découper la couche au territoire d'étude",
        )


def settled(
    frame: gpd.GeoDataFrame,
    crs: str,
    where: str,
    *,
    drop_empty: bool = False,
    as_is: bool = False,
) -> gpd.GeoDataFrame:
    """Return a layer as read by GDAL with clean columns, in `crs`, its shapes valid.

    Parameters and errors are those of `open_vector`.
    """
    frame = _tidy(frame, where)
    good = frame.is_valid.to_numpy()
    frame = projected(frame, crs, where)
    if int(shapely.get_num_coordinates(frame.geometry.array).sum()) > MAX_VERTICES:
        raise refuse(
            f"plus de {MAX_VERTICES} sommets", where, "découper la couche au territoire d'étude"
        )
    if as_is:
        return mended(frame, good)
    return kept(mended(frame, np.ones(len(frame), dtype=bool)), where, drop_empty)


def _layer(plain: Path, form: str, wanted: Wanted) -> tuple[gpd.GeoDataFrame, str]:
    where = wanted.where
    chosen = _chosen(plain, wanted)
    encoding = _encoding(plain) if form == "shp" else None
    info = pyogrio.read_info(plain, layer=chosen, encoding=encoding, force_feature_count=True)
    if info["driver"] != DRIVERS[form]:
        raise refuse(f"{NAMES[form]} lu comme {info['driver']}", where, _AGAIN)
    if info["features"] == 0 and NOTHING_HERE not in (info["layer_metadata"] or {}):
        _check_count(0, chosen, where)
    box = None
    stated = info["crs"] or wanted.assume_crs
    if wanted.bounds is not None and stated is not None and form != "json":
        box = bounds_in(wanted.bounds, wanted.crs, stated)
    frame = pyogrio.read_dataframe(
        plain,
        layer=chosen,
        bbox=box,
        force_2d=True,
        encoding=encoding,
        max_features=MAX_FEATURES + 1,
    )
    if len(frame) > MAX_FEATURES:
        _check_count(len(frame), chosen, where)
    if box is None and 0 <= info["features"] != len(frame):
        raise refuse(f"{len(frame)} objets lus sur {info['features']} annoncés", where, _AGAIN)
    return frame, chosen


def _chosen(plain: Path, wanted: Wanted) -> str:
    names = [str(n) for n, kind in pyogrio.list_layers(plain) if kind is not None]
    listed = ", ".join(clean(n) or "?" for n in names) or "aucune"
    if wanted.layer is not None:
        found = [n for n in names if n.lower() == wanted.layer.lower()]
        if not found:
            told = f"couche « {wanted.layer} » absente"
            raise refuse(told, wanted.where, f"couches présentes : {listed}")
        return found[0]
    if len(names) == 1:
        return names[0]
    for word in wanted.like:
        equal = [n for n in names if n.lower() == word.lower()]
        within = [n for n in names if word.lower() in n.lower()]
        if len(equal) == 1 or len(within) == 1:
            return (equal or within)[0]
    if wanted.having:
        fit = [n for n in names if set(wanted.having) <= _columns(plain, n)]
        if len(fit) == 1:
            return fit[0]
    raise refuse(
        "plusieurs couches, laquelle lire ?" if names else "aucune couche géographique",
        wanted.where,
        f"ne laisser que la couche voulue (présentes : {listed})",
    )


def _columns(plain: Path, layer: str) -> set[str]:
    return {str(field).lower() for field in pyogrio.read_info(plain, layer=layer)["fields"]}


def _encoding(plain: Path) -> str | None:
    """Return the encoding of a shapefile that states none: UTF-8 if its texts are, else cp1252."""
    if beside(plain, ".cpg") is not None:
        return None
    table = beside(plain, ".dbf")
    try:
        if table is not None:
            # The header (binary) ends where its own length says; the rest is text.
            raw = table.read_bytes()
            raw[int.from_bytes(raw[8:10], "little") :].decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _parquet(plain: Path, wanted: Wanted) -> gpd.GeoDataFrame:
    try:
        frame = gpd.read_parquet(plain)
    except (ValueError, OSError) as error:
        raise refuse(f"GeoParquet illisible : {error}", wanted.where, _AGAIN) from error
    if frame.empty:
        raise refuse("couche vide", wanted.where, "donner une couche remplie ou retirer la source")
    if frame.geometry.name != "geometry":
        frame = frame.rename_geometry("geometry")
    return frame.set_geometry(shapely.force_2d(frame.geometry.array)).reset_index(drop=True)


def _points(path: Path, where: str) -> gpd.GeoDataFrame:
    table = read_csv_text(path)
    picked = pick(
        table,
        {"lon": ["lon", "longitude", "x"], "lat": ["lat", "latitude", "y"]},
        where,
    )
    lon, lat = (numbers(picked[c], where, c) for c in ("lon", "lat"))
    points = gpd.GeoSeries(
        [shapely.Point(x, y) if x == x and y == y else None for x, y in zip(lon, lat, strict=True)],  # noqa: PLR0124
        crs="EPSG:4326",
    )
    return gpd.GeoDataFrame(table, geometry=points, crs="EPSG:4326")


def _tidy(frame: gpd.GeoDataFrame, where: str) -> gpd.GeoDataFrame:
    if not isinstance(frame, gpd.GeoDataFrame):
        raise refuse("aucune géométrie", where, "donner une couche géographique")
    if frame.empty and not len(frame.columns):
        raise refuse("couche vide", where, "donner une couche remplie ou retirer la source")
    columns: dict[str, Any] = {}
    for column in frame.columns.drop("geometry"):
        key = clean(str(column).lower()) or "colonne"
        values = cleaned(frame[column])
        if key in columns and not columns[key].equals(values):
            raise refuse(f"deux colonnes « {key} » aux majuscules près", where, "en renommer une")
        if key not in ("geometry", "bbox"):  # « bbox » : membre GeoJSON pris pour un attribut
            columns[key] = values
    return gpd.GeoDataFrame(columns, geometry=frame.geometry, crs=frame.crs, index=frame.index)


def overlaps(frame: gpd.GeoDataFrame, bounds: Bounds, where: object, what: str) -> None:
    """Refuse a layer none of whose features meets the study's bounds.

    Parameters
    ----------
    frame : GeoDataFrame
        In the study's CRS; may already be cut to the bounds.
    bounds : (xmin, ymin, xmax, ymax)
        Of the study, in the same CRS.
    where, what : str
        The file, and what the layer is (« zonage »), for the message.
    """
    if frame.empty or not frame.intersects(shapely.box(*bounds)).any():
        raise refuse(
            f"{what} : couche d'un autre territoire ou d'un autre département "
            "(aucun objet ne touche le territoire d'étude)",
            where,
            "donner la couche du bon département",
        )

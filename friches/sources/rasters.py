"""Rasters: land cover, elevation and greenness, described band by band and read by window later."""

from __future__ import annotations

import datetime as dt
import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import rasterio
import shapely
from pyproj import CRS, Transformer
from pyproj.exceptions import ProjError
from rasterio.errors import NotGeoreferencedWarning, RasterioError

from friches import tables
from friches.errors import Breach, InputError, refuse
from friches.sources import legends, pixels

if TYPE_CHECKING:
    from collections.abc import Sequence

MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
MAX_PIXELS = 2_500_000_000
"""Declared pixels a band: 50 000 x 50 000, a région at 10 m (ASSUMPTION: a safety cap)."""
MAX_BANDS = 400
"""Bands a file: ten years of Sentinel-2 dates, one in nine days (ASSUMPTION: a safety cap)."""
SAME_PLACE_M = 0.1
"""Two CRS are the same under two names when they place a point within this distance (m)."""
LEAST_COVER = 0.5
"""Least share of the study's extent that a raster covers (ASSUMPTION)."""
NDVI_INTEGER_SCALE = 1e-4
"""NDVI stored as an integer is NDVI x 10 000 (RECALLED: Theia and Copernicus products)."""

Bounds = tuple[float, float, float, float]


def read_rasters(
    paths: Sequence[Path],
    kind: str,
    crs: str,
    bounds: Bounds | None,
    legend: str | None = None,
) -> pd.DataFrame:
    """Describe the bands of one kind of raster; pixels stay on disk.

    Parameters
    ----------
    paths : sequence of Path
        GeoTIFF files, or tiles that together cover the study.
    kind : {"land_cover", "elevation", "ndvi"}
        What the values are: legend codes, metres, or NDVI (one band a date).
    crs : str
        The study's CRS; a raster in another one is refused with the command that mends it.
    bounds : tuple of float or None
        Extent of the parcels in `crs`: xmin, ymin, xmax, ymax (m). None: coverage is not judged.
    legend : str, optional
        Legend of the codes, for land cover: "oso17" or "oso23".

    Returns
    -------
    DataFrame
        Table "rasters", one row a band; `attrs["covered"]` is the share (0 to 1) of `bounds`
        inside the files' extents (data gaps not deducted).

    Raises
    ------
    InputError
        Not a GeoTIFF, no or other CRS, too large, turned, not covering the study, wrong number of
        bands, codes outside the legend, impossible values. All files' breaches at once.
    """
    if kind == "land_cover" and (legend is None or not legends.is_raster(legend)):
        raise refuse(
            f"occupation du sol en image avec la légende « {legend} »",
            "land_cover",
            'donner legend = "oso17" ou "oso23" ; ocsge et clc se lisent en polygones',
        )
    rows: list[dict[str, Any]] = []
    extents: list[shapely.Geometry] = []
    breaches: list[Breach] = []
    for path in paths:
        try:
            extent, found = _bands(Path(path), kind, crs, bounds, legend)
        except InputError as error:
            breaches += error.breaches
            continue
        extents.append(extent)
        rows += found
    if breaches:
        raise InputError(breaches)
    where = ", ".join(str(path) for path in paths)
    covered = _coverage(extents, bounds, where)
    # The columns are made even where no tile touches the study, so that `check` can speak.
    frame = pd.DataFrame(rows, columns=[c.name for c in tables.TABLES["rasters"].columns])
    checked = tables.check(frame, "rasters", where)
    checked.attrs["covered"] = covered
    return checked


def is_geotiff(path: Path) -> bool:
    """Tell by its first bytes whether a file is a TIFF (a name proves nothing)."""
    with path.open("rb") as file:
        return file.read(4) in MAGIC


def _bands(
    path: Path, kind: str, crs: str, bounds: Bounds | None, legend: str | None
) -> tuple[shapely.Geometry, list[dict[str, Any]]]:
    _check_signature(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            # rasterio's own arithmetic on the turned images that are refused below.
            warnings.simplefilter("ignore", PendingDeprecationWarning)
            with rasterio.open(path, driver="GTiff") as source:
                _check_frame(source, path, kind, crs)
                extent = shapely.box(*source.bounds)
                if not _meets(extent, bounds):
                    return extent, []
                rows = [_band(source, path, kind, band, legend) for band in source.indexes]
                _check_days(rows, path)
                pixels.check_values(source, path, rows, bounds)
                return extent, rows
    except (RasterioError, OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise refuse(
            f"image illisible ou tronquée ({_one_line(error)})", path, "télécharger de nouveau"
        ) from error


def _meets(extent: shapely.Geometry, bounds: Bounds | None) -> bool:
    """Tell whether an image shares ground with the study (a neighbouring tile only touches it)."""
    return bounds is None or bool(extent.intersection(shapely.box(*bounds)).area > 0)


def _check_signature(path: Path) -> None:
    if not path.is_file():
        raise refuse("fichier introuvable", path, "vérifier le chemin dans le fichier d'étude")
    if is_geotiff(path):
        return
    with path.open("rb") as file:
        start = file.read(512).lstrip(b"\xef\xbb\xbf \r\n\t")
    if start.startswith((b"<VRT", b"<OGRVRT", b"<?xml")):
        raise refuse(
            "fichier VRT ou XML : il renvoie à d'autres fichiers",
            path,
            "le convertir : gdal_translate -of GTiff entrée.vrt sortie.tif",
        )
    raise refuse("ce n'est pas un GeoTIFF", path, "convertir l'image : gdal_translate -of GTiff …")


def _check_frame(source: Any, path: Path, kind: str, crs: str) -> None:
    breaches = []
    if source.width * source.height > MAX_PIXELS or source.count > MAX_BANDS:
        breaches.append(
            Breach(
                f"image trop grande : {source.width} x {source.height} pixels, "
                f"{source.count} bande(s)",
                str(path),
                "découper autour de la commune : gdal_translate -projwin xmin ymax xmax ymin …",
            )
        )
    if source.crs is None:
        breaches.append(
            Breach(
                "aucun système de coordonnées dans l'image",
                str(path),
                f"s'il est connu, le déclarer : gdal_edit.py -a_srs {crs} {path.name}",
            )
        )
    elif not _same_crs(source.crs.to_wkt(), crs, source.bounds):
        breaches.append(
            Breach(
                f"image en {_crs_name(source.crs)}, étude en {crs}",
                str(path),
                f"la reprojeter : gdalwarp -t_srs {crs} -r "
                f"{'near' if kind == 'land_cover' else 'bilinear'} {path.name} sortie.tif",
            )
        )
    matrix = source.transform
    if matrix.b or matrix.d or matrix.a <= 0 or matrix.e >= 0:
        breaches.append(
            Breach("image tournée ou retournée", str(path), f"la redresser : gdalwarp -t_srs {crs}")
        )
    if kind != "ndvi" and source.count != 1:
        breaches.append(
            Breach(
                f"{source.count} bandes au lieu d'une",
                str(path),
                "n'en garder qu'une : gdal_translate -b 1 …",
            )
        )
    if breaches:
        raise InputError(breaches)


def _same_crs(found: str, wanted: str, bounds: Any) -> bool:
    """Tell whether two CRS place the raster's corners alike (EPSG:2154, IGNF:LAMB93, WKT)."""
    if CRS.from_user_input(found) == CRS.from_user_input(wanted):
        return True
    try:
        there = Transformer.from_crs(found, wanted, always_xy=True)
        x, y = [bounds.left, bounds.right], [bounds.bottom, bounds.top]
        moved = there.transform(x, y)
    except ProjError:
        return False
    return bool(np.allclose(moved, (x, y), rtol=0, atol=SAME_PLACE_M))


def _crs_name(crs: Any) -> str:
    code = crs.to_epsg()
    return f"EPSG:{code}" if code else str(CRS.from_user_input(crs.to_wkt()).name)


def _band(source: Any, path: Path, kind: str, band: int, legend: str | None) -> dict[str, Any]:
    place = band - 1
    scale = float(source.scales[place])
    if source.offsets[place]:
        raise refuse(
            f"bande {band} : valeurs décalées (offset {source.offsets[place]:g})",
            path,
            "appliquer l'échelle : gdal_translate -unscale -ot Float32 …",
        )
    whole = np.issubdtype(np.dtype(source.dtypes[place]), np.integer)
    if kind == "ndvi" and whole and scale == 1.0:
        if np.dtype(source.dtypes[place]).itemsize == 1:
            raise refuse(
                f"bande {band} : NDVI sur un octet sans échelle déclarée",
                path,
                "la déclarer : gdal_edit.py -scale … (NDVI = valeur x échelle)",
            )
        scale = NDVI_INTEGER_SCALE
    nodata = source.nodatavals[place]
    if nodata is None and legend is not None:
        nodata = legends.background(legend)
    return {
        "kind": kind,
        "path": str(path),
        "band": band,
        "day": _day(source, path, band) if kind == "ndvi" else pd.NaT,
        "nodata": np.nan if nodata is None else float(nodata),
        "scale": scale,
        "legend": legend,
    }


def _day(source: Any, path: Path, band: int) -> pd.Timestamp:
    """Return the date of one band: description, band tags, then (single band) file tag or name."""
    said = [source.descriptions[band - 1] or "", *map(str, source.tags(band).values())]
    if source.count == 1:
        said += [source.tags().get("TIFFTAG_DATETIME", ""), path.stem]
    for text in said:
        day = date_in(text)
        if day is not None:
            return pd.Timestamp(day)
    return pd.NaT  # type: ignore[return-value]  # pandas types NaT apart from Timestamp


def date_in(text: str) -> dt.date | None:
    """Return the first date written YYYY-MM-DD, YYYY:MM:DD, YYYY_MM_DD or YYYYMMDD in a text."""
    for match in re.finditer(r"(?<!\d)((?:19|20)\d\d)([-:_/]?)(\d\d)\2(\d\d)(?!\d)", text):
        year, month, day = int(match[1]), int(match[3]), int(match[4])
        try:
            return dt.date(year, month, day)
        except ValueError:
            continue
    return None


def _check_days(rows: list[dict[str, Any]], path: Path) -> None:
    days = pd.Series([row["day"] for row in rows], dtype="datetime64[ns]").dropna()
    twice = days[days.duplicated()]
    if len(twice):
        raise refuse(
            f"{len(twice)} date(s) en double (première : {twice.iloc[0]:%Y-%m-%d})",
            path,
            "une bande par date",
        )


def _coverage(extents: list[shapely.Geometry], bounds: Bounds | None, where: str) -> float:
    if bounds is None:
        return 1.0
    study = shapely.box(*bounds)
    inside = shapely.intersection(shapely.union_all(extents), study)
    if not inside.area:
        raise refuse("l'image ne couvre pas la commune", where, "prendre la dalle de ce territoire")
    covered = float(inside.area / study.area)
    if covered < LEAST_COVER:
        raise refuse(
            f"l'image ne couvre que {covered:.0%} de l'étendue des parcelles".replace("%", " %"),
            where,
            "ajouter les dalles manquantes",
        )
    return covered


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:160]

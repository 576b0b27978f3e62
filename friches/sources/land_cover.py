"""Land cover from images or polygons, each code moved to a common class by its declared legend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd

from friches.sources import legends
from friches.sources.rasters import is_geotiff, read_rasters
from friches.sources.stack import Bounds, stack
from friches.sources.vector import pick

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

CODES = {
    "oso17": ["classe", "class", "code"],
    "oso23": ["classe", "class", "code"],
    "ocsge": ["code_cs", "couverture", "cs"],
    "clc": ["code_18", "code_12", "code_06", "code_00", "code_90", "code_clc", "clc_code", "code"],
}
"""Columns that hold the code, newest product first (OCS GE: ref. R13; OSO seen; CLC RECALLED)."""
USES = ["code_us", "usage", "us"]


def read_land_cover(
    path: Path, legend: str, crs: str, bounds: Bounds | None
) -> tuple[str, pd.DataFrame]:
    """Read one land-cover file, image or polygons told by its content.

    Parameters
    ----------
    path : Path
        GeoTIFF (OSO) or vector layer (OSO, OCS GE, CORINE Land Cover).
    legend : {"oso17", "oso23", "ocsge", "clc"}
        Legend of its codes.
    crs, bounds
        The study's CRS and extent (m).

    Returns
    -------
    key : {"land_cover_raster", "land_cover"}
        Which layer the table is.
    table : DataFrame or GeoDataFrame
        Table "rasters" or "land_cover". `attrs["mixed"]` lists the common classes that the legend
        does not tell apart: their shares are unknown, not zero.

    Raises
    ------
    InputError
        Codes outside the legend (with the legend they belong to), and all that the readers refuse.
    """
    # VRT and other pictures go to the raster reader too, for its message.
    if path.is_file() and (is_geotiff(path) or path.suffix.lower() in {".tif", ".tiff", ".vrt"}):
        key, table = "land_cover_raster", read_rasters([path], "land_cover", crs, bounds, legend)
    else:
        legends.legend(legend)

        def shape(frame: gpd.GeoDataFrame, where: Path) -> gpd.GeoDataFrame:
            return _covers(frame, where, legend)

        like = ["occupation_sol", "ocsge", "clc", "oso"]
        key = "land_cover"
        table = stack([path], key, crs, bounds, shape, what="occupation du sol", like=like)
    table.attrs["mixed"] = sorted(legends.mixed(legend))
    return key, table


def _covers(frame: gpd.GeoDataFrame, path: Path, legend: str) -> gpd.GeoDataFrame:
    said = pick(frame, {"code": CODES[legend]}, path, optional={"usage": USES})
    known = legends.legend(legend)
    whole = isinstance(next(iter(known)), int)
    code: pd.Series[Any] = said["code"].map(lambda value: _code(value, whole), na_action="ignore")
    error = legends.unknown_codes(code.dropna().unique().tolist(), legend, path)
    if error:
        raise error
    cover = code.map(known).astype("str").fillna("other")
    columns = {"cover": cover, "code": code.map(str, na_action="ignore").astype("str")}
    if legend == "ocsge":
        # US6.2 (abandoned) and US6.3 (unused) are worth keeping beside the cover.
        columns["usage"] = said["usage"].astype("str")
    return gpd.GeoDataFrame(columns, geometry=frame.geometry, crs=frame.crs)


def _code(value: object, whole: bool) -> int | str:
    """Return a code as its legend writes it: OSO whole numbers, OCS GE and CORINE texts."""
    text = str(value).strip()
    text = text.removesuffix(".0") if text.replace(".", "", 1).isdigit() else text
    return int(text) if whole and text.isdigit() else text

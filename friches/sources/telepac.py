"""A farmer's own fields, as Telepac exports them: shapefile without .prj, in Lambert-93."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd
import pyogrio
from pyogrio.errors import DataSourceError

from friches.errors import InputError, refuse
from friches.sources.columns import numbers, pick
from friches.sources.container import unpacked
from friches.sources.vector import open_vector

if TYPE_CHECKING:
    from pathlib import Path

CRS = "EPSG:2154"
"""Telepac writes no .prj: mainland files are in Lambert-93 (a real file, VERIFIED)."""
MAX_BYTES = 50 * 1024**2
"""A farm's export weighs kilobytes (45 fields: 12 kB); larger files are not unpacked to look
(ASSUMPTION)."""
SIGNS = {"campagne", "pacage", "numero_i", "numero_p", "type"}


def is_telepac(path: Path) -> bool:
    """Tell by its columns whether a file is a Telepac export of fields."""
    if path.is_file() and path.stat().st_size > MAX_BYTES:
        return False
    try:
        with unpacked(path) as (plain, form):
            if form != "shp":
                return False
            fields = pyogrio.read_info(plain)["fields"]
    except (InputError, DataSourceError, UnicodeDecodeError):
        return False  # the reader that opens it will say what is wrong
    return {str(name).lower() for name in fields} >= SIGNS


def read_telepac(path: Path, campaign: int, crs: str, bounds: Any = None) -> gpd.GeoDataFrame:
    """Read one farm's fields of one campaign.

    Parameters
    ----------
    path : Path
        The archive or shapefile that the farmer exports (« parcelles »).
    campaign : int
        The year it is given for, compared with the file's own.
    crs : str
        CRS of the answer.
    bounds : tuple of float, optional
        Extent to read, in `crs`; no field within it is an answer (an empty table).

    Returns
    -------
    GeoDataFrame
        campaign, field_id ("telepac-<îlot>-<parcelle>"), crop_code, group_code (where crops.toml
        says it), area_declared_ha, geometry. The farmer's PACAGE number is not kept.

    Raises
    ------
    InputError
        Another campaign; crops or areas that cannot be read.
    """
    from friches.sources.declared_fields import crop_codes

    frame = open_vector(path, crs, bounds=bounds, name="Telepac", assume_crs=CRS)
    said = pick(
        frame,
        {"year": ["campagne"], "block": ["numero_i"], "plot": ["numero_p"], "crop": ["type"]},
        path,
        {"area": ["surf"]},
    )
    years = set(numbers(said["year"], path, "campagne").dropna().astype(int))
    if years - {campaign}:
        told = ", ".join(map(str, sorted(years)))
        raise refuse(
            f"export Telepac de la campagne {told}, donné pour {campaign}",
            path,
            f"le déclarer sous {told} dans [sources.declared_fields]",
        )
    block, plot = (
        numbers(said[c], path, c).astype("Int64").astype("str") for c in ("block", "plot")
    )
    crop = said["crop"].map(str, na_action="ignore").astype("str").str.upper()
    groups = crop_codes().dropna(subset=["group_code"]).set_index("crop_code")["group_code"]
    fields = gpd.GeoDataFrame(
        {
            "campaign": pd.Series(campaign, index=frame.index),
            "field_id": "telepac-" + block + "-" + plot,
            "crop_code": crop,
            "group_code": crop.map(groups).astype("Int64"),
            "area_declared_ha": numbers(said["area"], path, "surf"),
        },
        geometry=frame.geometry,
        crs=frame.crs,
    )
    fields.attrs["repaired"] = frame.attrs["repaired"]
    return fields

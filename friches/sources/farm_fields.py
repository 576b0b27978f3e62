"""Fields that known farmers work: one file (or several) a farm, in any vector format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd

from friches import tables
from friches.errors import Breach, InputError
from friches.sources.columns import pick
from friches.sources.vector import open_vector

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    Bounds = tuple[float, float, float, float]

LIKE = ("parcelle", "ilot")
"""What the layer of fields is called in exports of several layers."""
CODES = ["code_cultu", "code_culture", "culture", "crop_code"]
ASSUMED = "EPSG:2154"
"""CRS of a shapefile without .prj: Telepac exports mainland France in Lambert-93 (RECALLED)."""
MARGIN_M = 500.0
"""Metres read around the study: only what may touch a block serves. ASSUMPTION."""
NAME = "parcelles de ferme"


def read_farm_fields(
    files: Mapping[str, Sequence[Path]], crs: str, bounds: Bounds | None = None
) -> Any:
    """Read the fields of each farm near the study.

    Parameters
    ----------
    files : mapping of str to sequence of Path
        Farmer's identifier -> its files: any polygons (shapefile also zipped, GeoPackage, GeoJSON,
        GeoParquet), from Telepac or drawn; the crop code is kept where there is one.
    crs : str
        CRS of the answer.
    bounds : (xmin, ymin, xmax, ymax), optional
        Of the study, in `crs`; fields within `MARGIN_M` of it are kept. A farm whose fields all lie
        farther has no row.

    Returns
    -------
    GeoDataFrame
        Table « farm_fields », by farm then in file order. `attrs["repaired"]`: shapes mended.

    Raises
    ------
    InputError
        Unusable files, anything but polygons: every file in one message.
    """
    breaches: list[Breach] = []
    frames, repaired = [], 0
    for farmer in sorted(files):
        if not files[farmer]:
            breaches.append(Breach("aucun fichier", f"farm_fields.{farmer}", "retirer cette ferme"))
        for path in files[farmer]:
            try:
                frame = _read(path, farmer, crs, bounds)
            except InputError as error:
                breaches += error.breaches
                continue
            repaired += frame.attrs.pop("repaired", 0)
            frames.append(frame)
    if breaches:
        raise InputError(breaches)
    if not frames:
        return tables.empty("farm_fields", crs)
    whole = gpd.GeoDataFrame(pd.concat(frames, ignore_index=True), crs=crs)
    checked = tables.check(whole, "farm_fields", NAME, crs)
    checked.attrs["repaired"] = repaired
    return checked


def _read(path: Path, farmer: str, crs: str, bounds: Bounds | None) -> Any:
    where = f"{path} ({NAME})"
    # Read whole: a farm's file is small, and one farther away is no fault.
    frame = open_vector(
        path, crs, like=LIKE, having=("code_cultu",), name=NAME, assume_crs=ASSUMED, drop_empty=True
    )
    picked = pick(frame, {}, where, optional={"crop_code": CODES})
    table = gpd.GeoDataFrame(
        {"farmer_id": farmer, "crop_code": picked["crop_code"].astype("str")},
        geometry=frame.geometry,
        crs=frame.crs,
    )
    table = tables.check(table, "farm_fields", where, crs)
    if bounds is not None:
        west, south, east, north = bounds
        near = table.cx[west - MARGIN_M : east + MARGIN_M, south - MARGIN_M : north + MARGIN_M]
        table = near.reset_index(drop=True)
    table.attrs = {"repaired": frame.attrs.get("repaired", 0)}
    return table

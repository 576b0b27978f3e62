"""Zones of a town plan: CNIG documents (old and new), GPU answers, cartes communales."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import geopandas as gpd

from friches.errors import refuse
from friches.sources.stack import Bounds, some_known, stack
from friches.sources.vector import pick
from friches.sources.words import book

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

AROUND_M = 5_000.0
"""Zones read around the parcels (m), for the distance to building land (ASSUMPTION)."""
SHAPES = {".shp", ".gpkg", ".geojson", ".json", ".gz", ".zip", ".parquet"}


def read_zoning(paths: Sequence[Path], crs: str, bounds: Bounds | None) -> gpd.GeoDataFrame:
    """Read the zones of one or several town plans.

    Parameters
    ----------
    paths : sequence of Path
        Layers of zones (TYPEZONE) or of sectors of a carte communale (TYPESECT), or folders of a
        CNIG document, in which ZONE_URBA and SECTEUR_CC are looked for.
    crs, bounds
        The study's CRS and extent (m).

    Returns
    -------
    GeoDataFrame
        Table "zoning"; `label` is the document's own name of the zone, `typezone` its own type.

    Raises
    ------
    InputError
        Unreadable file, another territory, no TYPEZONE, a folder without zones.
    """
    files = [file for path in paths for file in _files(path)]
    return stack(
        *(files, "zoning", crs, bounds, _zones),
        what="zonage",
        like=["zone_urba", "secteur_cc", "zonage", "zoning"],
        margin_m=AROUND_M,
    )


def zone_of(typezone: object) -> str:
    """Return U, AU, A, N or other for one TYPEZONE (rules and sources: zoning.toml)."""
    text = re.sub(r"\s", "", typezone) if isinstance(typezone, str) else ""
    rule = book("zoning")
    exact: dict[str, str] = rule["exact"]["values"]
    if text in exact:
        return exact[text]
    for start in rule["starts"]["list"]:
        flags = re.NOFLAG if start.get("case") else re.IGNORECASE
        if re.match(start["pattern"], text, flags):
            return str(start["zone"])
    return "other"


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = sorted(
        file
        for file in path.rglob("*")
        if file.is_file()
        and file.suffix.lower() in SHAPES
        and re.search(r"zone_urba|secteur_cc", file.name, re.IGNORECASE)
    )
    if not found:
        raise refuse(
            "aucune couche ZONE_URBA ni SECTEUR_CC dans ce dossier",
            path,
            "donner le dossier d'un document d'urbanisme au standard CNIG, ou la couche elle-même",
        )
    return found


def _zones(frame: gpd.GeoDataFrame, path: Path) -> gpd.GeoDataFrame:
    names = book("zoning")["columns"]
    optional = {"label": names["label"]}
    if not set(names["zone"]) & set(frame.columns) and set(names["sector"]) & set(frame.columns):
        return _sectors(pick(frame, {"sector": names["sector"]}, path, optional))
    said = pick(frame, {"typezone": names["zone"]}, path, optional)
    typezone = said["typezone"].map(str, na_action="ignore").astype("str")
    zone = typezone.map(zone_of, na_action="ignore").fillna("other").astype("str")
    some_known(zone != "other", typezone, path, "typezone")
    return gpd.GeoDataFrame(
        {"zone": zone, "label": said["label"].astype("str"), "typezone": typezone},
        geometry=frame.geometry,
        crs=frame.crs,
    )


def _sectors(said: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    rule: dict[str, Any] = book("zoning")["sectors"]
    # TYPESECT is text in some layers and a number in others.
    code = said["sector"].map(lambda v: str(v).split(".")[0].zfill(2), na_action="ignore")
    zone = code.map(lambda v: rule["values"].get(v, "other"), na_action="ignore").fillna("other")
    label = said["label"].astype("str")
    label = label.where(label.notna(), code.map(rule["labels"]).astype("str"))
    return gpd.GeoDataFrame(
        {"zone": zone.astype("str"), "label": label, "typezone": code.astype("str")},
        geometry=said.geometry,
        crs=said.crs,
    )

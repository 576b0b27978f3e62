"""Buildings and roads: BD TOPO versions 2 and 3, and the cadastre's own buildings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd

from friches import tables
from friches.sources.edigeo import is_edigeo, read_edigeo_buildings
from friches.sources.stack import Bounds, stack
from friches.sources.vector import numbers, pick
from friches.sources.words import book, fold

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

AROUND_BUILDINGS_M = 2_000.0
"""Buildings read around the parcels (m): beyond it no distance matters (ASSUMPTION)."""
AROUND_ROADS_M = 60_000.0
"""Roads read around the parcels (m): 45 minutes at 80 km/h (ASSUMPTION)."""


def read_buildings(paths: Sequence[Path], crs: str, bounds: Bounds | None) -> gpd.GeoDataFrame:
    """Read buildings; those whose use nobody states keep `dwelling` unknown.

    Parameters
    ----------
    paths : sequence of Path
        BD TOPO `batiment` (2 or 3), PCI `batiments`, PCI EDIGEO sheets, or any layer of polygons.
    crs, bounds
        The study's CRS and extent (m).

    Returns
    -------
    GeoDataFrame
        Table "buildings".

    Raises
    ------
    InputError
        Unreadable file, another territory, text as a number of dwellings.
    """
    like = ["batiment", "batiments", "batiment_indifferencie", "building", "bati"]
    sheets = [path for path in paths if is_edigeo(path)]
    others = [path for path in paths if path not in sheets]
    read = [_sheets(sheets, crs)] if sheets else []
    if others:
        read.append(
            stack(
                *(others, "buildings", crs, bounds, _buildings),
                what="bâtiments",
                like=like,
                margin_m=AROUND_BUILDINGS_M,
            )
        )
    if len(read) == 1:
        return read[0]
    return gpd.GeoDataFrame(pd.concat(read, ignore_index=True), crs=crs)


def _sheets(paths: Sequence[Path], crs: str) -> gpd.GeoDataFrame:
    shapes = read_edigeo_buildings(paths, crs)[["geometry"]]
    unsaid = shapes.assign(
        use=pd.Series(index=shapes.index, dtype="str"),
        dwelling=pd.Series(index=shapes.index, dtype="boolean"),
    )
    return tables.check(unsaid, "buildings", ", ".join(map(str, paths)), crs)


def _buildings(frame: gpd.GeoDataFrame, path: Path) -> gpd.GeoDataFrame:
    said = pick(
        frame,
        {},
        path,
        optional={
            "usage_1": ["usage_1", "usage1"],
            "usage_2": ["usage_2", "usage2"],
            "nature": ["nature"],
            "dwellings": ["nombre_de_logements", "nb_logts", "nombre_de_l"],
        },
    )
    words = said[["usage_1", "usage_2", "nature"]].map(fold)
    rule = book("buildings")["dwelling"]
    yes, no = ({fold(word) for word in rule[key]} for key in ("yes", "no"))
    uses = words[["usage_1", "usage_2"]]
    lodged = uses.isin(yes).any(axis=1)
    lodged |= numbers(said["dwellings"], path, "nombre_de_logements") > 0
    # "No" needs every stated use to be one: « Indifférencié » beside « Agricole » may hide a home.
    other = (uses.isin(no) | (uses == "")).all(axis=1) & (uses != "").any(axis=1)
    other |= words["nature"].isin(no)
    dwelling = pd.Series(pd.NA, index=frame.index, dtype="boolean")
    dwelling[other] = False
    dwelling[lodged] = True
    use = said["usage_1"].where(said["usage_1"].notna(), said["nature"])
    return gpd.GeoDataFrame(
        {"use": use.astype("str"), "dwelling": dwelling}, geometry=frame.geometry, crs=frame.crs
    )


def read_roads(paths: Sequence[Path], crs: str, bounds: Bounds | None) -> gpd.GeoDataFrame:
    """Read road segments with a speed, whether a vehicle may take them, and their one way.

    Parameters
    ----------
    paths : sequence of Path
        BD TOPO `troncon_route` (2) or `troncon_de_route` (3); attributes may be empty.
    crs, bounds
        The study's CRS and extent (m); roads are read far around it, for travel times.

    Returns
    -------
    GeoDataFrame
        Table "roads". Speeds are those of the file (km/h) or, failing that, of roads.toml
        (ASSUMPTION); `attrs["assumed_speeds"]` counts the latter.

    Raises
    ------
    InputError
        Unreadable file, another territory, no column « nature », text as a speed.
    """
    roads = stack(
        *(paths, "roads", crs, bounds, _roads),
        what="routes",
        like=["troncon_de_route", "troncon_route", "route", "road"],
        margin_m=AROUND_ROADS_M,
    )
    # A layer known to be empty has no such column.
    roads.attrs["assumed_speeds"] = int(roads.pop("assumed").sum()) if "assumed" in roads else 0
    return roads


def _roads(frame: gpd.GeoDataFrame, path: Path) -> gpd.GeoDataFrame:
    said = pick(
        frame,
        {"nature": ["nature"]},
        path,
        optional={
            "importance": ["importance"],
            "way": ["sens_de_circulation", "sens_circulation", "sens_de_ci", "sens"],
            "speed": ["vitesse_moyenne_vl", "vit_moy_vl", "vitesse_mo"],
            "access": ["acces_vehicule_leger", "acces_vl", "acces_vehi"],
            "state": ["etat_de_l_objet", "etat_de_l_", "etat"],
        },
    )
    rule = book("roads")
    importance = pd.to_numeric(said["importance"], errors="coerce").astype("Int64")
    nature = said["nature"].map(fold).astype("object")
    kinds = {fold(name): kind for kind in rule["natures"]["list"] for name in kind["names"]}
    kind_of = nature.map(lambda word: kinds.get(word, rule["unknown"]))
    closed = said["access"].map(fold).isin([fold(w) for w in rule["closed"]["access"]])
    closed |= said["state"].map(fold).isin([fold(w) for w in rule["closed"]["state"]])
    drivable = kind_of.map(lambda kind: bool(kind["drivable"])).astype("bool") & ~closed
    stated = numbers(said["speed"], path, "vitesse_moyenne_vl")
    assumed = drivable & ~(stated > 0)
    table = pd.Series(
        [_kmh(kind, rank) for kind, rank in zip(kind_of, importance, strict=True)],
        index=frame.index,
        dtype="float64",
    )
    speed = table.where(assumed, stated).where(drivable, 0.0)
    return gpd.GeoDataFrame(
        {
            "nature": said["nature"].astype("str"),
            "importance": importance,
            "speed_kmh": speed,
            "drivable": drivable.astype("boolean"),
            "oneway": _oneway(said["way"], rule["oneway"]),
            "assumed": assumed,
        },
        geometry=frame.geometry,
        crs=frame.crs,
    )


def _kmh(kind: dict[str, Any], importance: Any) -> float:
    by_rank = kind.get("kmh_by_importance", {})
    return float(by_rank.get("" if importance is pd.NA else str(importance), kind["kmh"]))


def _oneway(said: pd.Series[Any], rule: dict[str, Any]) -> pd.Series[int]:
    way = said.map(fold)
    forward = way.isin([fold(word) for word in rule["forward"]])
    backward = way.isin([fold(word) for word in rule["backward"]])
    values = np.where(forward, 1, np.where(backward, -1, 0))
    return pd.Series(values, index=said.index, dtype="Int64")

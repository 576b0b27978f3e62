"""Buildings, roads, relief, zoning and protected perimeters around each parcel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from friches.measures.parameters import value
from friches.measures.whole import said
from friches.sources.constraints import nature_kinds
from friches.spatial.near import count_within, nearest_m
from friches.spatial.overlay import overlay

if TYPE_CHECKING:
    import geopandas as gpd


def _shares(
    parcels: gpd.GeoDataFrame, layer: gpd.GeoDataFrame, by: str, classes: list[str]
) -> pd.DataFrame:
    pieces = overlay(parcels, layer, [by])
    wide = pieces.pivot_table(index="parcel_id", columns=by, values="share", aggfunc="sum")
    index = pd.Index(parcels["parcel_id"], name="parcel_id")
    return wide.reindex(index=index, columns=classes).fillna(0.0).clip(0.0, 1.0)


def building_facts(parcels: gpd.GeoDataFrame, buildings: gpd.GeoDataFrame) -> pd.DataFrame:
    """Measure built_share, and distance to and number of dwellings.

    Where the layer does not say what any building is used for, dwellings stay unknown.
    """
    facts = _shares(parcels, buildings.assign(what="built"), "what", ["built"])
    facts.columns = pd.Index(["built_share"])
    if said(buildings, "homes_told"):
        homes = buildings[buildings["dwelling"].fillna(value=False).astype(bool)]
        facts["dwelling_distance_m"] = nearest_m(parcels, homes)
        near = count_within(parcels, homes, value("dwellings_within_m"))
        facts["dwellings_nearby"] = near.astype("Int64")
    return facts


def road_facts(parcels: gpd.GeoDataFrame, roads: gpd.GeoDataFrame) -> pd.DataFrame:
    """Measure the distance to the nearest drivable road (m) and whether it runs alongside."""
    drivable = roads[roads["drivable"].fillna(value=False).astype(bool)]
    distance = nearest_m(parcels, drivable)
    access = (distance <= value("road_access_m")).astype("boolean").where(distance.notna())
    return pd.DataFrame({"road_distance_m": distance, "road_access": access})


def zoning_facts(parcels: gpd.GeoDataFrame, zoning: gpd.GeoDataFrame) -> pd.DataFrame:
    """Measure the dominant zone, shares of A-N and of U-AU, and distance to building zones."""
    zones = ["A", "AU", "N", "U", "other"]
    shares = _shares(parcels, zoning, "zone", zones)
    covered = shares.sum(axis=1) > 0
    facts = pd.DataFrame(
        {
            "zone_plu": shares.idxmax(axis=1).where(covered).astype("str"),
            "zone_farm_share": (shares["A"] + shares["N"]).clip(upper=1.0).where(covered),
            "zone_urban_share": (shares["U"] + shares["AU"]).clip(upper=1.0).where(covered),
        }
    )
    building = zoning[zoning["zone"].isin(["U", "AU"])]
    facts["urban_distance_m"] = nearest_m(parcels, building).where(covered)
    return facts


_ZONES = {"zap": "in_zap", "paen": "in_paen", "natura2000": "in_natura2000", "ebc": "has_ebc"}


def _touching(
    parcels: gpd.GeoDataFrame, perimeters: gpd.GeoDataFrame, given: set[str]
) -> pd.DataFrame:
    """Say which parcels each given kind of perimeter touches (law reads it as a yes or no)."""
    index = pd.Index(parcels["parcel_id"], name="parcel_id")
    pieces = overlay(parcels, perimeters, ["kind"])
    pieces = pieces[pieces["area_m2"] >= value("touches_from_m2")]
    touched = {
        fact: pd.array(index.isin(pieces.loc[pieces["kind"] == kind, "parcel_id"]), dtype="boolean")
        for kind, fact in _ZONES.items()
        if kind in given
    }
    return pd.DataFrame(touched, index=index)


def constraint_facts(parcels: gpd.GeoDataFrame, perimeters: gpd.GeoDataFrame) -> pd.DataFrame:
    """Measure compensation and protected shares, names of perimeters, mountain and other zones.

    A kind of perimeter that was not given stays unknown; names list only what was given.
    """
    index = pd.Index(parcels["parcel_id"], name="parcel_id")
    given = set(said(perimeters, "kinds"))
    facts = pd.DataFrame(index=index)
    if given & nature_kinds():
        nature = perimeters[perimeters["kind"].isin(nature_kinds())]
        shares = _shares(parcels, nature.assign(what="nature"), "what", ["nature"])
        facts["protected_share"] = shares["nature"]
    for kind, fact in (("compensation", "compensation_share"), ("mountain", "mountain")):
        if kind in given:
            facts[fact] = _shares(parcels, perimeters, "kind", [kind])[kind]
    if "mountain" in facts:
        inside = facts.pop("mountain") >= value("mountain_from_share")
        facts["in_mountain_zone"] = inside.astype("boolean")
    facts = facts.join(_touching(parcels, perimeters, given))
    named = perimeters.assign(label=perimeters["name"].fillna(perimeters["kind"]))
    pieces = overlay(parcels, named, ["kind", "label"])
    pieces = pieces[
        (pieces["area_m2"] >= value("touches_from_m2")) & (pieces["kind"] != "mountain")
    ]
    labels = pieces.groupby("parcel_id")["label"].agg(lambda names: " ; ".join(sorted(set(names))))
    facts["constraint_names"] = labels.reindex(index).astype("str")
    return facts

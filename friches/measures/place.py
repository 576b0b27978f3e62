"""Buildings, roads, relief, zoning and protected perimeters around each parcel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from friches.measures.parameters import value
from friches.measures.whole import said
from friches.sources.constraints import nature_kinds
from friches.spatial.near import count_within, nearest_m
from friches.spatial.overlay import Met, by_class, met, shares_by

if TYPE_CHECKING:
    import geopandas as gpd


def building_facts(parcels: gpd.GeoDataFrame, buildings: gpd.GeoDataFrame) -> pd.DataFrame:
    """Measure built_share, and distance to and number of dwellings.

    Where the layer does not say what any building is used for, dwellings stay unknown.
    """
    facts = shares_by(parcels, buildings.assign(what="built"), "what", ["built"])
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
    shares = shares_by(parcels, zoning, "zone", zones)
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


def constraint_facts(parcels: gpd.GeoDataFrame, perimeters: gpd.GeoDataFrame) -> pd.DataFrame:
    """Measure compensation and protected shares, names of perimeters, mountain and other zones.

    A kind of perimeter that was not given stays unknown; names list only what was given.
    """
    given = set(said(perimeters, "kinds"))
    nature = perimeters["kind"].isin(nature_kinds())
    named = perimeters.assign(nature=nature, label=perimeters["name"].fillna(perimeters["kind"]))
    everything = np.ones(len(named), bool)
    asked = [(everything, ["kind"]), (nature.to_numpy(), ["nature"])]
    kinds, natural, labels = met(parcels, named, [*asked, (everything, ["kind", "label"])])
    shares = by_class(kinds, parcels, ["compensation", "mountain"])
    facts = pd.DataFrame(index=shares.index)
    if given & nature_kinds():
        facts["protected_share"] = by_class(natural, parcels, [True])[True]
    if "compensation" in given:
        facts["compensation_share"] = shares["compensation"]
    if "mountain" in given:
        inside = shares["mountain"] >= value("mountain_from_share")
        facts["in_mountain_zone"] = inside.astype("boolean")
    facts = facts.join(_touching(kinds, facts.index, given))
    return facts.assign(constraint_names=_names(labels, facts.index))


def _touching(kinds: Met, index: pd.Index[str], given: set[str]) -> pd.DataFrame:
    """Say which parcels each given kind of perimeter touches (law reads it as a yes or no)."""
    kind = kinds.classes["kind"].to_numpy()[kinds.code]
    enough = kinds.area_m2 >= value("touches_from_m2")
    touched = {}
    for name, fact in _ZONES.items():
        if name in given:
            flags = np.zeros(len(index), bool)
            flags[kinds.parcel[enough & (kind == name)]] = True
            touched[fact] = pd.array(flags, dtype="boolean")
    return pd.DataFrame(touched, index=index)


def _names(labels: Met, index: pd.Index[str]) -> pd.Series[str]:
    """Return the names of the perimeters on each parcel; missing where there is none."""
    kind, label = (labels.classes[name].to_numpy()[labels.code] for name in ("kind", "label"))
    told = (labels.area_m2 >= value("touches_from_m2")) & (kind != "mountain")
    each = pd.Series(label[told]).groupby(labels.parcel[told])
    names = each.agg(lambda found: " ; ".join(sorted(set(found))))
    return names.reindex(np.arange(len(index))).set_axis(index).astype("str")

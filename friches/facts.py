"""The dictionary of facts (facts.toml), and the one table in which rules and law read them."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from friches import tables
from friches.judge import Fact
from friches.measures.declared import declared_facts
from friches.measures.ownership import class_facts, owner_facts, sale_facts
from friches.measures.place import building_facts, constraint_facts, road_facts, zoning_facts
from friches.measures.vegetation import (
    compared,
    cover_facts,
    forest_facts,
    greenness_facts,
    reference_parcels,
    woody_facts,
)
from friches.spatial.zonal import relief

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import geopandas as gpd


DTYPES = {
    "boolean": "boolean",
    "number": "float64",
    "integer": "Int64",
    "text": "str",
    "date": "datetime64[ns]",
}


@cache
def dictionary() -> dict[str, Fact]:
    """Return every fact that rules and law may name, by name."""
    text = (resources.files("friches") / "facts.toml").read_text("utf-8")
    return {name: Fact.model_validate(said) for name, said in tomllib.loads(text).items()}


def measure(layers: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Measure every fact that the given layers settle; the others stay missing.

    Parameters
    ----------
    layers : mapping of str to DataFrame
        Checked tables by layer; `parcels` is required, an absent key is an absent layer.

    Returns
    -------
    DataFrame
        Table `facts`: one row a parcel, sorted by parcel_id, a column for every entry of
        facts.toml (two, _low and _high, where bounded) and declared_share_YYYY by campaign.
    """
    parcels: gpd.GeoDataFrame = layers["parcels"]
    measured = [areas(parcels)]
    measured += [way.of(parcels, layers[layer]) for layer, way in WAYS.items() if layer in layers]
    return complete(pd.concat(measured, axis=1))


class Way(NamedTuple):
    """How a layer is measured.

    `of` takes parcels and the layer and returns facts, each from what lies within `around_m` of its
    parcel; but for `distances` (m), which may be longer.
    """

    of: Callable[[gpd.GeoDataFrame, pd.DataFrame], pd.DataFrame]
    around_m: float = 1.0
    distances: tuple[str, ...] = ()


WAYS: dict[str, Way] = {
    "declared_fields": Way(declared_facts),
    "land_cover_raster": Way(lambda parcels, layer: cover_facts(parcels, layer, raster=True)),
    "land_cover": Way(lambda parcels, layer: cover_facts(parcels, layer, raster=False)),
    "forest": Way(forest_facts),
    "elevation": Way(lambda parcels, layer: relief(parcels, layer).set_index("parcel_id")),
    "buildings": Way(building_facts, 500.0, ("dwelling_distance_m",)),
    "roads": Way(road_facts, 500.0, ("road_distance_m",)),
    "zoning": Way(zoning_facts, 500.0, ("urban_distance_m",)),
    "constraints": Way(constraint_facts),
    "owners": Way(owner_facts),
    "sales": Way(sale_facts),
    "ndvi": Way(greenness_facts),
}
"""The layers that are measured, in the order of their facts."""


def areas(parcels: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return commune, registered and measured area (m²) and the gap between them, by parcel_id."""
    facts = pd.DataFrame(
        {
            "commune": parcels["commune"].to_numpy(),
            "area_registered_m2": parcels["area_registered_m2"].to_numpy(),
            "area_m2": parcels.geometry.area.to_numpy(),
        },
        index=pd.Index(parcels["parcel_id"], name="parcel_id"),
    )
    registered = facts["area_registered_m2"]
    gap = (facts["area_m2"] - registered).abs() / registered.where(registered > 0)
    facts["area_gap_share"] = gap
    return facts


def complete(facts: pd.DataFrame) -> pd.DataFrame:
    """Return table `facts` from what was measured of all parcels of the territory.

    Adds what compares parcels with one another (greenness) or facts with one another (woody share,
    fiscal class); facts that nothing measured are there, and missing.

    Parameters
    ----------
    facts : DataFrame
        By parcel_id: `areas` and the facts of `WAYS`.
    """
    facts = facts.sort_index()
    facts = facts.join(compared(facts, reference_parcels(facts)))
    facts = facts.join(woody_facts(facts))
    fiscal = class_facts(facts)
    facts = facts.drop(columns=["land_class", "land_class_sold"], errors="ignore").join(fiscal)
    return tables.check(_every(facts), "facts")


def _every(facts: pd.DataFrame) -> pd.DataFrame:
    first = ["commune", "area_registered_m2", "area_m2"]
    shares = sorted(c for c in facts.columns if c.startswith("declared_share_2"))
    wanted: dict[str, str] = {}
    for name, fact in dictionary().items():
        for column in (f"{name}_low", f"{name}_high") if fact.bounded else (name,):
            wanted[column] = DTYPES[fact.kind]
    measured = {column: facts[column] for column in wanted if column in facts}
    unknown = {
        column: pd.Series(index=facts.index, dtype=kind)
        for column, kind in wanted.items()
        if column not in measured
    }
    table = facts[[*first, *shares]].join(pd.DataFrame(measured | unknown)[list(wanted)])
    return table.astype(wanted).reset_index()

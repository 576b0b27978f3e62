"""The dictionary of facts (facts.toml), and the one table in which rules and law read them."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

import pandas as pd

from friches import tables
from friches.judge import Fact
from friches.measures.declared import declared_facts
from friches.measures.ownership import class_facts, owner_facts, sale_facts
from friches.measures.place import building_facts, constraint_facts, road_facts, zoning_facts
from friches.measures.vegetation import (
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
    facts = _areas(parcels)
    for layer, measured in _MEASURES.items():
        if layer in layers:
            facts = facts.join(measured(parcels, layers[layer]))
    if "ndvi" in layers:
        facts = facts.join(greenness_facts(parcels, layers["ndvi"], reference_parcels(facts)))
    facts = facts.join(woody_facts(facts))
    fiscal = class_facts(facts)
    facts = facts.drop(columns=["land_class", "land_class_sold"], errors="ignore").join(fiscal)
    return tables.check(_complete(facts), "facts")


_MEASURES: dict[str, Callable[[gpd.GeoDataFrame, pd.DataFrame], pd.DataFrame]] = {
    "declared_fields": declared_facts,
    "land_cover_raster": lambda parcels, layer: cover_facts(parcels, layer, raster=True),
    "land_cover": lambda parcels, layer: cover_facts(parcels, layer, raster=False),
    "forest": forest_facts,
    "elevation": lambda parcels, layer: relief(parcels, layer).set_index("parcel_id"),
    "buildings": building_facts,
    "roads": road_facts,
    "zoning": zoning_facts,
    "constraints": constraint_facts,
    "owners": owner_facts,
    "sales": sale_facts,
}


def _areas(parcels: gpd.GeoDataFrame) -> pd.DataFrame:
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


def _complete(facts: pd.DataFrame) -> pd.DataFrame:
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
    table = table.astype(wanted)
    return table.sort_index().reset_index()

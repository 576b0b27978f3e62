"""Land cover, forest and greenness of each parcel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from friches.measures import across
from friches.measures.parameters import value
from friches.sources.legends import legend
from friches.spatial.overlay import overlay, shares_by
from friches.spatial.zonal import band_means, class_shares

if TYPE_CHECKING:
    from collections.abc import Mapping

    import geopandas as gpd

COVERS = {
    "cover_arable_share": ("arable",),
    "cover_grass_share": ("grass",),
    "cover_orchard_share": ("orchard",),
    "cover_vine_share": ("vine",),
    "cover_wood_share": ("wood",),
    "cover_lawn_share": ("lawn",),
    "cover_shrub_share": ("shrub",),
    "cover_built_share": ("built", "road"),
    "cover_water_share": ("water", "bare", "snow"),
}


def cover_facts(parcels: gpd.GeoDataFrame, layer: pd.DataFrame, raster: bool) -> pd.DataFrame:
    """Measure the share of each land-cover class, from a raster (exact pixel coverage) or polygons.

    Returns a DataFrame indexed by parcel_id with the columns of `COVERS` (0..1). A parcel of which
    the layer covers less than half stays unknown, and so do classes that the legend does not tell
    apart (OCS GE and CORINE: arable land from grass, orchards...).
    """
    index = pd.Index(parcels["parcel_id"], name="parcel_id")
    if raster:
        classes = {int(code): name for code, name in legend(layer["legend"].iloc[0]).items()}
        pieces = class_shares(parcels, layer, classes)
    else:
        pieces = overlay(parcels, layer, ["cover"])
    known = pieces.dropna(subset="cover")
    wide = known.pivot_table(index="parcel_id", columns="cover", values="share", aggfunc="sum")
    wide = wide.reindex(index).fillna(0.0)
    facts = pd.DataFrame(
        {
            fact: across.total(wide.reindex(columns=list(names))).clip(0.0, 1.0)
            for fact, names in COVERS.items()
        },
        index=index,
    )
    mixed = set(layer.attrs.get("mixed", ()))
    for fact, names in COVERS.items():
        if mixed & set(names):
            facts[fact] = np.nan
    return facts.where(across.total(wide) >= value("cover_from_share"))


def forest_facts(parcels: gpd.GeoDataFrame, forest: gpd.GeoDataFrame) -> pd.DataFrame:
    """Measure closed forest (with poplars), open forest and heath shares, indexed by parcel_id."""
    stands = forest.assign(stand=forest["stand"].replace("poplar", "closed"))
    wide = shares_by(parcels, stands, "stand", ["closed", "open", "heath"])
    wide.columns = pd.Index(["forest_closed_share", "forest_open_share", "heath_share"])
    return wide


def woody_facts(facts: pd.DataFrame) -> pd.DataFrame:
    """Bound the woody share from forest and land cover (columns woody_share_low and _high).

    Low: the tree cover that the forest map guarantees (40 % of closed, 10 % of open forest).
    High: all that either map calls wood, open forest, heath, shrub or lawn; unknown without both.
    INFERENCE: land-cover maps find few shrubs (recall 0.06 to 0.25), so the high end may be short.
    """
    nothing = pd.Series(np.nan, index=facts.index)
    column = {name: facts.get(name, nothing) for name in (
        "forest_closed_share", "forest_open_share", "heath_share",
        "cover_wood_share", "cover_shrub_share", "cover_lawn_share",
    )}  # fmt: skip
    low = column["forest_closed_share"] * value("closed_cover_low") + column[
        "forest_open_share"
    ] * value("open_cover_low")
    # The two maps may show the same trees: together they cannot pass the whole parcel.
    high = pd.concat(column, axis=1).sum(axis=1, skipna=False).clip(upper=1.0)
    return pd.DataFrame({"woody_share_low": low, "woody_share_high": high.clip(lower=low)})


def greenness_facts(parcels: gpd.GeoDataFrame, ndvi: pd.DataFrame) -> pd.DataFrame:
    """Measure mean and spread of NDVI over the dates (table `rasters`, one row a date).

    Returns a DataFrame indexed by parcel_id: ndvi_mean, ndvi_std (unitless).
    """
    index = pd.Index(parcels["parcel_id"], name="parcel_id")
    means = band_means(parcels, ndvi)
    means["shot"] = means["day"].astype("str").fillna("") + means["band"].astype("str")
    means = means.pivot_table(index="parcel_id", columns="shot", values="mean").reindex(index)
    enough = means.notna().sum(axis=1) >= value("ndvi_dates")
    return pd.DataFrame(
        {"ndvi_mean": across.mean(means), "ndvi_std": across.spread(means).where(enough)},
        index=index,
    )


def compared(facts: pd.DataFrame, references: Mapping[str, pd.Series[bool]]) -> pd.DataFrame:
    """Compare greenness with that of declared land of the territory.

    Parameters
    ----------
    facts : DataFrame
        By parcel_id, of the whole territory: ndvi_mean and ndvi_std, where they were measured.
    references : mapping of str to Series of bool
        From `reference_parcels`: which parcels to compare with, by the ending of the facts.

    Returns
    -------
    DataFrame
        For each reference ndvi_mean_z and ndvi_std_z with its ending (in standard deviations of the
        reference; missing where fewer than ten parcels are a reference).
    """
    if "ndvi_mean" not in facts:
        return pd.DataFrame(index=facts.index)
    return pd.DataFrame(
        {
            f"{name}{ending}": _beside(facts[name], reference)
            for ending, reference in references.items()
            for name in ("ndvi_mean", "ndvi_std")
        },
        index=facts.index,
    )


def _beside(values: pd.Series[float], reference: pd.Series[bool]) -> pd.Series[float]:
    local = values[reference.reindex(values.index, fill_value=False)].dropna()
    spread = local.std(ddof=0)
    if len(local) < value("reference_parcels") or not spread > 0:
        return pd.Series(np.nan, index=values.index)
    return (values - local.mean()) / spread


def reference_parcels(facts: pd.DataFrame) -> dict[str, pd.Series[bool]]:
    """Return the parcels to compare greenness with, by the ending of the facts they give.

    « _z »: nearly all declared in annual crops or vines in the last campaign; « _grass_z »: in
    meadows. Nothing without declared fields.
    """
    if "declared_share_latest" not in facts:
        return {}
    latest = facts["last_declared_in"] == facts["last_declared_in"].max()
    whole = facts["declared_share_latest"] >= value("reference_from_share")
    chosen = {}
    for ending, groups in (("_z", "reference_groups"), ("_grass_z", "grass_groups")):
        kind = facts["last_crop_group"].isin(value(groups))
        chosen[ending] = (latest & whole & kind).fillna(value=False).astype(bool)
    return chosen

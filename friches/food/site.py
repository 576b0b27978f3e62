"""What is known of each block that decides its crops: relief, cover, access, water, last use."""

from __future__ import annotations

import unicodedata
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

Column = np.ndarray[Any, np.dtype[np.float64]]


class Place(NamedTuple):
    """The traits of one block that decide its crops; NaN or "" where unknown."""

    area_ha: float
    slope_pct: float
    altitude_m: float
    woody_low: float
    woody_high: float
    access: float  # 1 drivable road at the edge, 0 none
    steep_share: float
    lost_share: float  # built or under water
    lost_known: bool  # False where built land or water is not known, so more may be lost
    past: str
    stage: str
    irrigation: float = float("nan")  # 1 water to irrigate with, 0 none
    grazing: float = float("nan")  # 1 a herd grazes nearby, 0 none


_GROUPS = {
    **dict.fromkeys((1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 14, 15, 24), "arable"),
    **dict.fromkeys((16, 18, 19), "meadow"),
    17: "rough",
    20: "orchard",
    21: "vine",
    22: "nut",
    23: "olive",
    25: "garden",
    27: "orchard",
}
"""Last use from the RPG's groups of crops (IGN REF_CULTURES_GROUPES, VERIFIED; grouping ours)."""

_WORDS = (
    ("chataign", "chestnut"),
    ("noyer", "nut"),
    ("noix", "nut"),
    ("coque", "nut"),
    ("oliv", "olive"),
    ("verger", "orchard"),
    ("fruit", "orchard"),
    ("vign", "vine"),
    ("legume", "garden"),
    ("maraich", "garden"),
    ("prairie", "meadow"),
    ("fourrage", "meadow"),
    ("estive", "rough"),
    ("lande", "rough"),
    ("parcours", "rough"),
    ("pastoral", "rough"),
    ("terre", "arable"),
    ("cereal", "arable"),
    ("ble", "arable"),
    ("mais", "arable"),
    ("orge", "arable"),
    ("colza", "arable"),
    ("tournesol", "arable"),
    ("legumineuse", "arable"),
)


_FACTS = (
    "area_registered_m2",
    "area_m2",
    "road_access",
    "irrigation_water",
    "grazing_nearby",
    "built_share",
    "cover_built_share",
    "cover_water_share",
    "woody_share_low",
    "woody_share_high",
    "slope_steep_share",
    "last_crop",
    "last_crop_group",
)


def plain(text: object) -> str:
    """Return a text in lower case without accents; "" when missing."""
    if text is None or pd.isna(text):  # type: ignore[call-overload]
        return ""
    return (
        unicodedata.normalize("NFKD", str(text).lower().replace("œ", "oe"))
        .encode("ascii", "ignore")
        .decode()
    )


_STAGES = {"verger abandonné": "orchard", "oliveraie abandonnée": "olive"}


def _past(code: str, group: float, use: object, stage: str) -> str:
    if code == "CTG" or "chataign" in plain(stage):
        return "chestnut"
    if stage in _STAGES:
        return _STAGES[stage]
    if not np.isnan(group) and int(group) in _GROUPS:
        return _GROUPS[int(group)]
    words = plain(use)
    return next((past for word, past in _WORDS if word in words), "")


def places(blocks: pd.DataFrame, members: pd.DataFrame, facts: pd.DataFrame) -> dict[str, Place]:
    """Return the traits of each block, from its own columns and the facts of its parcels.

    Parameters
    ----------
    blocks, members, facts : DataFrame
        Result tables (see tables.toml). Facts that are not there are unknown.

    Returns
    -------
    dict of str to Place
        By block_id, in order.
    """
    table = blocks.sort_values("block_id", ignore_index=True)
    read = ["parcel_id", *(name for name in _FACTS if name in facts.columns)]
    parcels = members[["parcel_id", "block_id"]].merge(facts[read], on="parcel_id", how="left")
    block = pd.Index(table["block_id"]).get_indexer(parcels["block_id"])
    parcels = parcels.assign(block=block)[block >= 0]
    parcels = parcels.sort_values(["block", "parcel_id"], ignore_index=True)
    parcels = parcels.assign(weight=_weight(parcels))
    count = len(table)
    steep = _mean(parcels, _numbers(parcels, "slope_steep_share"), count)
    lost, lost_known, woody_low, woody_high = (
        _mean(parcels, share, count) for share in _cover(parcels)
    )
    access, irrigation, grazing = (
        _any(parcels, name, count) for name in ("road_access", "irrigation_water", "grazing_nearby")
    )
    groups, codes = _most(parcels, "last_crop_group"), _most(parcels, "last_crop")
    found = {}
    for i, row in enumerate(table.to_dict("records")):
        stage = "" if pd.isna(row.get("stage")) else str(row["stage"])
        code = codes.get(i)
        found[str(row["block_id"])] = Place(
            area_ha=float(row["area_ha"]),
            slope_pct=_number(row.get("slope_mean_pct")),
            altitude_m=_number(row.get("altitude_mean_m")),
            woody_low=float(woody_low[i]),
            woody_high=float(woody_high[i]),
            access=float(access[i]),
            steep_share=float(steep[i]),
            lost_share=float(lost[i]),
            lost_known=bool(lost_known[i] == 1),
            past=_past(str(code or ""), _number(groups.get(i)), row.get("past_use"), stage),
            stage=stage,
            irrigation=float(irrigation[i]),
            grazing=float(grazing[i]),
        )
    return found


def _numbers(table: pd.DataFrame, name: str) -> Column:
    if name not in table.columns:
        return np.full(len(table), np.nan)
    return pd.to_numeric(table[name]).to_numpy(dtype="float64", na_value=np.nan)


def _weight(parcels: pd.DataFrame) -> Column:
    registered, measured = (_numbers(parcels, n) for n in ("area_registered_m2", "area_m2"))
    return np.nan_to_num(np.where(np.isnan(registered), measured, registered))


def _cover(parcels: pd.DataFrame) -> tuple[Column, Column, Column, Column]:
    # Lost share, whether it is wholly known, woody share at the least and at the most.
    built = np.fmax(_numbers(parcels, "built_share"), _numbers(parcels, "cover_built_share"))
    water = _numbers(parcels, "cover_water_share")
    lost = np.where(np.isnan(water), built, np.nan_to_num(built) + water)
    low, high = _numbers(parcels, "woody_share_low"), _numbers(parcels, "woody_share_high")
    known = ~(np.isnan(built) | np.isnan(water))
    return (
        np.minimum(lost, 1.0),
        known.astype("float64"),
        np.nan_to_num(low),
        np.where(np.isnan(high), 1.0, high),
    )


def _sum(parcels: pd.DataFrame, values: Any, count: int) -> Column:
    weights = np.asarray(values, dtype="float64")
    block = parcels["block"].to_numpy(dtype="int64")
    return np.bincount(block, weights, minlength=count).astype("float64")


def _mean(parcels: pd.DataFrame, values: Column, count: int) -> Column:
    # By area. A share that some parcels lack is unknown for the block.
    weight = parcels["weight"].to_numpy()
    with np.errstate(invalid="ignore"):
        return _sum(parcels, values * weight, count) / _sum(parcels, weight, count)


def _any(parcels: pd.DataFrame, name: str, count: int) -> Column:
    # 1 where one parcel has it, 0 where all are known to have none.
    found = _numbers(parcels, name)
    has = _sum(parcels, found == 1, count) > 0
    known = _sum(parcels, ~np.isnan(found), count)
    none = (known > 0) & (known == _sum(parcels, np.ones(len(found)), count))
    return np.where(has, 1.0, np.where(none, 0.0, np.nan))


def _most(parcels: pd.DataFrame, name: str) -> dict[int, Any]:
    # The value that holds most of each block's area, the first one if several do.
    if name not in parcels.columns:
        return {}
    area = parcels.dropna(subset=[name]).groupby(["block", name], sort=True)["weight"].sum()
    first = area.reset_index().sort_values("weight", ascending=False, kind="stable")
    first = first.drop_duplicates("block")
    return dict(zip(first["block"].astype(int), first[name], strict=True))


def _number(value: Any) -> float:
    return float("nan") if value is None or pd.isna(value) else float(value)

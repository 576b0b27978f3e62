"""What a place allows: relief, woody cover, access, last use of each block, and their factors."""

from __future__ import annotations

import unicodedata
from bisect import bisect_left
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from pydantic import Field

from friches.food.crops import Bounds, Crop, Kind, Mark, Strict, document


class Classes(Strict):
    """Factors of one trait by class; upper ends belong to their class."""

    label: str
    unit: str
    up_to: list[float]
    mark: Mark
    source: str
    factor: dict[Kind, list[float]]

    def between(self, kind: Kind, low: float, high: float) -> tuple[float, float]:
        """Return the worst and the best factor for a value between two ends (NaN: unknown)."""
        row = self.factor[kind]
        first = 0 if np.isnan(low) else bisect_left(self.up_to, low)
        last = len(row) - 1 if np.isnan(high) else bisect_left(self.up_to, high)
        return min(row[first : last + 1]), max(row[first : last + 1])


class Soil(Strict):
    """Factor of the low end where no soil was measured."""

    mark: Mark
    source: str
    low: dict[Kind, float]


class Net(Strict):
    """Share of a hectare that bears the crop: low, central, high."""

    mark: Mark
    source: str
    share: dict[Kind, tuple[float, float, float]]


class Cruise(Strict):
    """Which year the yields are of."""

    mark: Mark
    text: str


class Site(Strict):
    """The whole of site.toml."""

    slope: Classes
    altitude: Classes
    woody: Classes
    access: Classes
    soil: Soil
    net: Net
    cruise: Cruise = Field()


@cache
def site() -> Site:
    """Return site.toml, checked."""
    found: Site = document("site.toml", Site)
    return found


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
    past: str
    stage: str


class Factor(NamedTuple):
    """Worst and best case of one crop on one place, what is not known, what was reckoned."""

    worst: float
    best: float
    unknown: tuple[str, ...]
    said: tuple[str, ...]


def factor(crop: Crop, place: Place) -> Factor:
    """Return the factor on yields of a crop on a place, from its worst to its best case."""
    said = site()
    traits = (
        (said.slope, place.slope_pct, place.slope_pct),
        (said.altitude, place.altitude_m, place.altitude_m),
        (said.woody, place.woody_low, place.woody_high),
        (said.access, place.access, place.access),
    )
    worst, best, unknown, told = 1.0, 1.0, [], []
    for classes, low, high in traits:
        bad, good = classes.between(crop.kind, low, high)
        if bad != good:
            unknown.append(classes.label)
        elif bad != 1:
            told.append(f"{classes.label} x {_decimal(bad)} ({classes.mark})")
        worst, best = worst * bad, best * good
    for label, limit, value in (
        ("pente", crop.slope_max_pct, place.slope_pct),
        ("altitude", crop.altitude_max_m, place.altitude_m),
    ):
        if limit is not None and np.isnan(value):
            worst = 0.0
            unknown.append(label)
        elif limit is not None and value > limit:
            worst = best = 0.0
    return Factor(worst, best, tuple(dict.fromkeys(unknown)), tuple(told))


def net_share(crop: Crop, basis: str) -> Bounds:
    """Return the share of the hectares that the yield counts: all of them for an estate yield."""
    return Bounds(1, 1, 1) if basis == "estate" else Bounds(*site().net.share[crop.kind])


# ------------------------------------------------------------------ places from facts

_GROUPS = {
    **dict.fromkeys((1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 14, 15, 24), "arable"),
    **dict.fromkeys((16, 18, 19), "meadow"),
    17: "rough",
    20: "orchard",
    21: "vine",
    22: "nut",
    25: "garden",
    27: "orchard",
}
"""Last use from the RPG's groups of crops (IGN REF_CULTURES_GROUPES, VERIFIED; grouping ours)."""

_WORDS = (
    ("chataign", "chestnut"),
    ("noyer", "nut"),
    ("noix", "nut"),
    ("coque", "nut"),
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


def _past(code: str, group: float, use: object, stage: str) -> str:
    if code == "CTG" or "chataign" in plain(stage):
        return "chestnut"
    if stage == "verger abandonné":
        return "orchard"
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
    read = ["parcel_id", *(name for name in _FACTS if name in facts.columns)]
    joined = members[["parcel_id", "block_id"]].merge(facts[read], on="parcel_id", how="left")
    of = {str(block): parcels for block, parcels in joined.groupby("block_id", sort=True)}
    found = {}
    for row in blocks.sort_values("block_id").itertuples():
        found[str(row.block_id)] = _place(row, of.get(str(row.block_id), joined.iloc[:0]))
    return found


def _place(row: Any, parcels: pd.DataFrame) -> Place:
    weight = _numbers(parcels, "area_registered_m2")
    weight = np.where(np.isnan(weight), _numbers(parcels, "area_m2"), weight)
    weight = np.where(np.isnan(weight), 0.0, weight)
    access = _numbers(parcels, "road_access")
    if not (access == 1).any() and np.isnan(access).any():
        access = np.array([np.nan])
    built = _numbers(parcels, "built_share")
    built = np.fmax(built, _numbers(parcels, "cover_built_share"))
    water = _numbers(parcels, "cover_water_share")
    lost = np.minimum(np.where(np.isnan(water), built, np.nan_to_num(built) + water), 1.0)
    woody = _numbers(parcels, "woody_share_low"), _numbers(parcels, "woody_share_high")
    stage = "" if pd.isna(getattr(row, "stage", None)) else str(row.stage)
    group, code = _most(parcels, "last_crop_group", weight), _most(parcels, "last_crop", weight)
    return Place(
        area_ha=float(row.area_ha),
        slope_pct=_number(getattr(row, "slope_mean_pct", None)),
        altitude_m=_number(getattr(row, "altitude_mean_m", None)),
        woody_low=_mean(np.nan_to_num(woody[0], nan=0.0), weight),
        woody_high=_mean(np.where(np.isnan(woody[1]), 1.0, woody[1]), weight),
        access=float(access.max()) if access.size else np.nan,
        steep_share=_mean(_numbers(parcels, "slope_steep_share"), weight),
        lost_share=_mean(lost, weight),
        past=_past(str(code or ""), _number(group), getattr(row, "past_use", None), stage),
        stage=stage,
    )


def _numbers(table: pd.DataFrame, name: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    if name not in table.columns:
        return np.full(len(table), np.nan)
    return pd.to_numeric(table[name]).to_numpy(dtype="float64", na_value=np.nan)


def _number(value: Any) -> float:
    return float("nan") if value is None or pd.isna(value) else float(value)


def _mean(values: Any, weight: Any) -> float:
    # A share that some parcels lack is unknown for the block.
    return float(np.average(values, weights=weight)) if len(values) and weight.sum() else np.nan


def _most(table: pd.DataFrame, name: str, weight: Any) -> Any:
    if name not in table.columns:
        return None
    area = pd.Series(weight, index=table.index).groupby(table[name]).sum()
    return None if area.empty else area.sort_index().idxmax()


def _decimal(value: float) -> str:
    return f"{value:g}".replace(".", ",")

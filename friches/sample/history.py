"""What grows on each parcel, what was declared of it each year, and what lies fallow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely
from scipy.spatial import KDTree

from friches.sample.terrain import (
    Floats,
    causse,
    chance,
    height,
    noise,
    river_offset,
    slope_pct,
)
from friches.tables import STAGES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from friches.sample.parcels import Plan
    from friches.sample.roads import Net

CAMPAIGNS = (2019, 2020, 2021, 2022, 2023, 2024)
FALLOW_SHARE = 0.062
(HERB, HERB_WOODY, LOW_SHRUB, HIGH_SHRUB, BUILT, OLIVES, ORCHARD, CHESTNUTS, VINES, PASTURE) = (
    STAGES
)
ROTATIONS = (
    ("BTH", "ORH", "TRN", "BTH", "LEC", "TTH"),
    ("LUZ", "LUZ", "LUZ", "BTH", "TTH", "ORH"),
    ("PTR", "PTR", "PTR", "MIS", "TTH", "BTH"),
    ("BTH", "CZH", "ORH", "SOJ", "BTH", "PCH"),
    ("ORH", "MLG", "MLG", "BTH", "TRN", "J5M"),
    ("PTR", "PTR", "PTR", "PTR", "TTH", "ORH"),
)
"""Six-year rotations in PAC codes: cereals, sunflower, lentils, and years of grass or lucerne."""
CROPS = {
    "vine": ("VRC",),
    "orchard": ("VRG", "VRG", "NOS"),
    "chestnut": ("CTG",),
    "market": ("FLA",),
    "meadow": ("PPH", "PPH", "PPH", "PTR"),
    "pasture": ("PPH", "SPH", "SPH"),
    "heath": ("SPL", "SPH", "BOP"),
    "set_aside": ("J5M", "J6S", "J6P"),
}


def land(plan: Plan, net: Net, seed: int) -> pd.DataFrame:
    """Return one row a parcel, in the plan's order.

    Columns: x, y (m), area_m2, slope_pct, plateau (0..1), hamlet_m, use (what is seen), former
    (the farming it had), fallow, stage, since (campaign of the first year without farming),
    declared (whether its farmer claims aid), group, block.
    """
    table = _places(plan, net, seed)
    table["former"] = _farming(table, seed)
    table["use"] = table["former"]
    _lay_fallow(table, seed)
    _lay_lookalikes(table, seed)
    return table


def _places(plan: Plan, net: Net, seed: int) -> pd.DataFrame:
    middle = shapely.get_coordinates(shapely.centroid(plan.geometry))
    x, y = middle[:, 0], middle[:, 1]
    homes = KDTree(net.nodes[np.union1d(net.hamlets, net.villages)])
    table = pd.DataFrame(
        {
            "x": x,
            "y": y,
            "area_m2": shapely.area(plan.geometry),
            "slope_pct": slope_pct(x, y, seed),
            "plateau": causse(x, y, seed),
            "valley_m": river_offset(x, y, seed),
            "hamlet_m": homes.query(middle)[0],
            "village_m": KDTree(net.nodes[net.villages]).query(middle)[0],
            "altitude_m": height(x, y, seed),
            "group": plan.group,
            "block": plan.block,
        }
    )
    # a field is farmed as one: its parcels share the look of the place where the field lies
    for name in ("x", "y", "slope_pct"):
        table[f"field_{name}"] = table.groupby("group")[name].transform("mean")
    table["row"] = np.arange(len(table))
    return table


def luck(table: pd.DataFrame, seed: int, by: str = "row") -> Floats:
    """Return one number in [0, 1) a parcel, the same for all parcels of one `by`."""
    key = table[by].to_numpy(np.int64)
    return chance(key, key * 0 + 17, seed)


def _farming(table: pd.DataFrame, seed: int) -> NDArray[np.object_]:
    x, y = table["field_x"].to_numpy(), table["field_y"].to_numpy()
    slope = table["field_slope_pct"].to_numpy()
    offset, plateau = river_offset(x, y, seed), causse(x, y, seed)
    far = table["hamlet_m"].to_numpy()
    field, single = luck(table, seed + 101, "group"), luck(table, seed + 102)
    wild = 0.8 * noise(x, y, 850, seed + 103) + 0.45 * noise(x, y, 280, seed + 104)
    wild += slope / 24 + 0.5 * plateau - 1.2 * np.exp(-((far / 260) ** 2)) + 0.25 * field
    patch = noise(x, y, 420, seed + 105)
    south = (offset > 160) & (offset < 800) & (plateau < 0.8)
    use = np.full(len(table), "meadow", dtype=object)
    use[(slope < 11) & (patch + 0.9 * field > (0.15 + 0.2 * plateau))] = "arable"
    use[(plateau > 0.5) & (patch < 0.1)] = "pasture"
    use[(plateau > 0.5) & (patch < -0.3)] = "heath"
    use[(slope > 22) & (use == "arable")] = "meadow"
    use[south & (noise(x, y, 500, seed + 106) + 0.5 * field > 0.42)] = "vine"
    near = (far < 700) & (plateau < 0.6)
    use[near & (noise(x, y, 300, seed + 107) + 0.6 * field > 0.78)] = "orchard"
    use[(offset < -250) & (slope > 9) & (noise(x, y, 330, seed + 108) > 0.55)] = "chestnut"
    use[(np.abs(offset) < 260) & (slope < 9) & (field > 0.86) & (far < 1_200)] = "market"
    limit = np.quantile(wild, 0.79)
    use[wild > limit] = "wood"
    table["edge"] = np.exp(-(((wild - limit) / 0.22) ** 2)) * (wild <= limit)
    town = np.where(table["village_m"] < 420, 0.85, 1.0)
    house = (table["village_m"] < 330) | (far < 190)
    use[house & (table["area_m2"] < 2_600) & (single < 0.62 * town)] = "house"
    use[house & (table["area_m2"] < 1_900) & (single >= 0.62 * town) & (single < 0.9)] = "garden"
    return use


def _lay_fallow(table: pd.DataFrame, seed: int) -> None:
    """Fallow keeps to slopes, far corners, forest edges and small plots, and in clusters."""
    x, y = table["x"].to_numpy(), table["y"].to_numpy()
    single = luck(table, seed + 111)
    use = table["former"].to_numpy()
    score = 1.5 * noise(x, y, 360, seed + 112) + 0.6 * noise(x, y, 150, seed + 113)
    score += (
        0.9 * table["plateau"].to_numpy()
        + np.minimum(table["slope_pct"].to_numpy(), 40) / 17
        + 1.1 * table["edge"].to_numpy()
    )
    score += 0.8 * np.minimum(table["hamlet_m"].to_numpy() / 900, 1.3)
    score -= 0.5 * np.log10(table["area_m2"].to_numpy() / 3_000) + 0.3 * (use == "arable")
    score += 0.4 * np.isin(use, ["vine", "orchard", "chestnut"]) + 0.75 * single
    open_to = ~np.isin(use, ["wood", "house", "garden", "market"])
    wanted = int(FALLOW_SHARE * 0.94 * len(table))
    chosen = np.zeros(len(table), bool)
    ranked = np.argsort(np.where(open_to, -score, np.inf), kind="stable")
    chosen[ranked[:wanted]] = True
    chosen |= open_to & (luck(table, seed + 114) < 0.004)
    since = 2004 + np.floor(19.5 * luck(table, seed + 115) ** 0.75).astype(np.int64)
    table["fallow"] = chosen
    table["since"] = np.where(chosen, since, 9999)
    table["stage"] = np.where(chosen, _stages(table, seed), "")
    table.loc[chosen, "use"] = "fallow"


def _stages(table: pd.DataFrame, seed: int) -> NDArray[np.object_]:
    """Name the stage in the SAFER's words: by what grew there, then by the years gone by."""
    years = 2025 - table["since"].to_numpy()
    single = luck(table, seed + 116)
    former = table["former"].to_numpy()
    stage = np.select(
        [years <= 5, years <= 9, years <= 15], [HERB, HERB_WOODY, LOW_SHRUB], HIGH_SHRUB
    ).astype(object)
    stage[(table["plateau"].to_numpy() > 0.5) & (single < 0.55)] = PASTURE
    stage[former == "vine"] = VINES
    stage[former == "orchard"] = ORCHARD
    stage[(former == "vine") & (table["slope_pct"].to_numpy() > 18) & (single < 0.12)] = OLIVES
    stage[former == "chestnut"] = CHESTNUTS
    stage[(table["hamlet_m"].to_numpy() > 250) & (single > 0.975)] = BUILT
    return stage


def _lay_lookalikes(table: pd.DataFrame, seed: int) -> None:
    """Lay land that looks fallow to a filter and is not: each known false positive is there."""
    single, field = luck(table, seed + 121), luck(table, seed + 122, "group")
    use, fallow = table["use"].to_numpy(), table["fallow"].to_numpy()
    undeclared = np.isin(use, ["wood", "house", "garden"])
    undeclared |= np.isin(use, ["vine", "orchard", "chestnut", "market"]) & (field < 0.7)
    horses = np.isin(use, ["meadow", "pasture", "heath"]) & (field < 0.15)
    horses |= (use == "meadow") & (table["hamlet_m"].to_numpy() < 350) & (single < 0.25)
    small = (use == "arable") & (field < 0.03)
    table["declared"] = ~(undeclared | horses | small)
    table.loc[horses, "use"] = "grazed"
    rough = np.isin(use, ["meadow", "pasture", "heath"]) & ~fallow
    reclaimed = rough & (single > 0.972)
    table.loc[reclaimed, "use"] = "reclaimed"
    kept = rough & ~reclaimed & (table["block"] % 61 == 7) & (field > 0.3)
    table.loc[kept, "use"] = "compensation"
    set_aside = (use == "arable") & (field > 0.975)
    table.loc[set_aside, "use"] = "set_aside"
    table.loc[kept, "declared"] = False
    table["back"] = np.where(reclaimed & (single < 0.985), 2024, 9999)


def crops(table: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Return the PAC code of each parcel for each campaign ("" where nothing is declared).

    One column a campaign. Soft codes (SNE, SPH, SPL, J6S) stand on part of what is let go.
    """
    field = luck(table, seed + 131, "group")
    seen = table["use"].where(~table["use"].isin(["fallow", "reclaimed"]), table["former"])
    seen = seen.where(~seen.isin(["grazed", "compensation"]), "meadow")
    use = seen.to_numpy(dtype=object)
    codes = np.full((len(table), len(CAMPAIGNS)), "", dtype=object)
    for name, choices in CROPS.items():
        rows = np.flatnonzero(use == name)
        pick = np.floor(field[rows] * len(choices)).astype(np.int64)
        codes[rows] = np.asarray(choices, dtype=object)[pick][:, None]
    rows = np.flatnonzero(use == "arable")
    pick = np.floor(field[rows] * len(ROTATIONS)).astype(np.int64)
    turn = np.floor(luck(table, seed + 132, "group")[rows] * 6).astype(np.int64)
    years = (turn[:, None] + np.arange(6)) % 6
    codes[rows] = np.asarray(ROTATIONS, dtype=object)[pick[:, None], years]
    _let_go(codes, table, seed)
    codes[~table["declared"].to_numpy()] = ""
    return pd.DataFrame(codes, columns=list(CAMPAIGNS), index=table.index)


def _let_go(codes: NDArray[np.object_], table: pd.DataFrame, seed: int) -> None:
    """Stop declaring when farming stops; some go on for a while under a soft code."""
    campaign = np.asarray(CAMPAIGNS)
    single, field = luck(table, seed + 133), luck(table, seed + 134, "group")
    since, back = table["since"].to_numpy(), table["back"].to_numpy()
    gone = campaign >= since[:, None]
    soft = np.full(len(table), "SNE", dtype=object)
    soft[table["plateau"].to_numpy() > 0.5] = "SPL"
    soft[field > 0.9] = "J6S"
    kept = gone & (single < 0.13)[:, None]
    codes[gone] = ""
    codes[kept] = np.broadcast_to(soft[:, None], codes.shape)[kept]
    reclaimed = (table["use"] == "reclaimed").to_numpy()
    codes[reclaimed[:, None] & (campaign < back[:, None])] = ""

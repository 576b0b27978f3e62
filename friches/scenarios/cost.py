"""What a route costs, low, central and high: its procedures, then clearing; and what a budget pays.

Euros of the sources' year, before any subsidy. Figures stand in each instrument's `[[cost]]` and
in cost.toml, each with its source and mark.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from friches.scenarios.timeline import BOUNDS, SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from numpy.typing import NDArray

    from friches.scenarios.setting import Setting

UNITS = ("eur", "eur_per_ha", "eur_per_parcel", "share_of_price")
WORDS = {
    "eur": "€",
    "eur_per_ha": "€/ha",
    "eur_per_parcel": "€/parcelle",
    "share_of_price": "du prix",
}
COLUMNS = [f"{what}{end}" for what in ("cost_eur", "clearing_eur") for end in SUFFIXES]


def prices(facts: pd.DataFrame, said: Mapping[str, Any]) -> dict[str, float]:
    """Return the price of land (€/ha) low, central, high: quartiles of known sales, else assumed.

    Parameters
    ----------
    facts : DataFrame
        Table `facts` of the whole territory; column last_sale_eur_m2 may be absent.
    said : mapping
        cost.toml, or what replaces it.
    """
    price = said["price"]
    if "last_sale_eur_m2" in facts:
        sold = facts["last_sale_eur_m2"].astype("float64").dropna()
        sold = sold[(sold > 0) & (sold < price["farmland_below_eur_m2"])]
        if len(sold) >= price["sales_at_least"]:
            found = (sold * 10_000).quantile([0.25, 0.5, 0.75])
            return dict(zip(BOUNDS, map(float, found), strict=True))
    return {bound: float(price[bound]) for bound in BOUNDS}


def costs(
    routes: pd.DataFrame, blocks: pd.DataFrame, price: Mapping[str, float], here: Setting
) -> pd.DataFrame:
    """Return what each route of each block costs.

    Parameters
    ----------
    routes : DataFrame
        Columns block_id, instrument.
    blocks : DataFrame
        Columns block_id, stage; area_ha and n_parcels where known.
    price : mapping
        As `prices` returns it.
    here : Setting
        For the instruments' `[[cost]]` and cost.toml.

    Returns
    -------
    DataFrame
        Indexed as `routes`: cost_eur_low, cost_eur, cost_eur_high (procedure and clearing), and
        clearing_eur_* alone; missing where the block's area is.
    """
    known = pd.DataFrame(blocks).set_index(blocks["block_id"].astype("str").to_numpy())
    known = known.reindex(columns=["stage", "area_ha", "n_parcels"])
    rows = known.reindex(routes["block_id"].astype("str").to_numpy())
    route = pd.Index(list(here.routes)).get_indexer(pd.Index(routes["instrument"].astype("str")))
    each = np.arange(len(rows))
    return pd.DataFrame(amounts(rows, each, route, price, here), index=routes.index)


def amounts(
    blocks: pd.DataFrame,
    block: NDArray[np.int64],
    route: NDArray[np.int64],
    price: Mapping[str, float],
    here: Setting,
) -> dict[str, NDArray[np.float64]]:
    """Return the columns of `costs` for rows that say the place of their block and of their route.

    Parameters
    ----------
    blocks : DataFrame
        Columns stage, area_ha, n_parcels.
    block, route : arrays of int
        Places in `blocks` and in `here.routes`.
    price, here
        As for `costs`.
    """
    area = blocks["area_ha"].to_numpy(dtype=np.float64, na_value=np.nan)
    parcels = blocks["n_parcels"].to_numpy(dtype=np.float64, na_value=np.nan)[block]
    clearing, found = here.cost["clearing"], {}
    for bound, end in zip(BOUNDS, SUFFIXES, strict=True):
        sums = [_sums(name, bound, here) for name in here.routes]
        unit = {name: np.array([one[name] for one in sums])[route] for name in UNITS}
        cost = unit["eur"] + unit["eur_per_ha"] * area[block] + unit["eur_per_parcel"] * parcels
        cost += unit["share_of_price"] * area[block] * price[bound]
        per_ha = blocks["stage"].map({n: s[bound] for n, s in clearing["stages"].items()})
        works = per_ha.astype("float64").fillna(clearing["unknown"][bound]).to_numpy() * area
        found[f"cost_eur{end}"] = (cost + works[block]).round(0)
        found[f"clearing_eur{end}"] = works.round(0)[block]
    return {column: found[column] for column in COLUMNS}


def _sums(name: str, bound: str, here: Setting) -> dict[str, float]:
    sums = dict.fromkeys(UNITS, 0.0)
    for leg in here.routes[name].leg:
        if leg.needed:
            for cost in here.documents[leg.instrument].cost:
                sums[cost.unit] += float(getattr(cost, bound))
    return sums


def told(name: str, here: Setting) -> str:
    """Say in French the costs of a route's procedures, with sources and marks."""
    said = []
    for leg in here.routes[name].leg:
        for cost in here.documents[leg.instrument].cost:
            factor = 100 if cost.unit == "share_of_price" else 1
            figures = " / ".join(f"{getattr(cost, bound) * factor:g}" for bound in BOUNDS)
            unit = ("% " if factor == 100 else "") + WORDS[cost.unit]
            said.append(f"{cost.what} : {figures} {unit} ({cost.source}) [{cost.mark}]")
    return " ; ".join(said)


def funded(routes: pd.DataFrame, ranks: pd.Series[int], budget: float | None) -> pd.Series[bool]:
    """Say which blocks a budget pays for, by their advised route at its central cost.

    Blocks are taken in order of rank while money is left; one that does not fit is passed over, as
    is one whose cost is unknown.

    Parameters
    ----------
    routes : DataFrame
        Columns block_id, order, cost_eur, land_on, answer.
    ranks : Series
        Rank of each block, indexed by block_id.
    budget : float or None
        Euros; None leaves every answer missing.

    Returns
    -------
    Series of boolean
        Indexed by block_id.
    """
    first = routes[(routes["order"] == 1) & routes["land_on"].notna()]
    costs_of = first.set_index("block_id")["cost_eur"].reindex(ranks.sort_values().index)
    if budget is None:
        return pd.Series(pd.NA, index=costs_of.index, dtype="boolean")
    left, paid = float(budget), {}
    for block, cost in costs_of.items():
        paid[block] = bool(cost <= left)  # a missing cost compares as no
        left -= float(cost) if paid[block] else 0.0
    return pd.Series(paid, dtype="boolean")

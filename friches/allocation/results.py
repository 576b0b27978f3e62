"""The tables of an allocation: plots, flows, and the balance of each month."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from friches.allocation.arrays import MONTHS
from friches.tables import check, empty

if TYPE_CHECKING:
    from friches.allocation.arrays import Given, Indices, Numbers
    from friches.allocation.deliver import Deliveries, Lots


def plots(given: Given, found: Lots) -> pd.DataFrame:
    """Return the table « plots »."""
    if not len(found.block):
        none: pd.DataFrame = empty("plots")
        return none
    kg = found.area[:, None] * found.kg_ha
    table = pd.DataFrame(
        {
            "block_id": _named(given.names.blocks, found.block),
            "crop": _named(given.names.crops, found.crop),
            "farmer_id": _named(given.names.farmers, found.farmer),
            "food_group": _named(given.names.groups, given.group[found.crop]),
            "area_ha": found.area,
            "kg_low": kg[:, 0],
            "kg": kg[:, 1],
            "kg_high": kg[:, 2],
        }
    )
    by = ["block_id", "crop", "farmer_id", "food_group"]
    return check(table.groupby(by, sort=True, as_index=False).sum(), "plots", "répartition")


def flows(given: Given, sent: Deliveries) -> pd.DataFrame:
    """Return the table « flows »; where several ways meet, the larger one is named."""
    if not len(sent.kg):
        none: pd.DataFrame = empty("flows")
        return none
    table = pd.DataFrame(
        {
            "farmer_id": _named(given.names.farmers, sent.farmer),
            "canteen_id": _named(given.names.kitchens, sent.kitchen),
            "food_group": _named(given.names.groups, sent.group),
            "month": sent.month + 1,
            "kg": sent.kg,
            "travel": sent.kg * sent.minutes,
            "via": sent.via,
        }
    )
    by = ["farmer_id", "canteen_id", "food_group", "month"]
    ways = table.groupby([*by, "via"], as_index=False)[["kg"]].sum()
    ways["less"] = -ways["kg"]
    most = ways.sort_values([*by, "less", "via"]).drop_duplicates(by)[[*by, "via"]]
    sums = table.groupby(by, sort=True, as_index=False)[["kg", "travel"]].sum()
    sums = sums.merge(most, on=by, validate="one_to_one")
    names = np.array([*given.names.farmers, None], dtype=object)
    sums["minutes"] = sums["travel"] / sums["kg"]
    sums["via"] = names[sums["via"].to_numpy()]
    return check(sums[[*by, "kg", "minutes", "via"]], "flows", "livraisons")


def balance(given: Given, found: Lots, sent: Deliveries) -> pd.DataFrame:
    """Return the table « balance »: grown = delivered + sold elsewhere + lost, by group and month.

    Crops that keep leave the store for canteens when they ask, and for other buyers in the crop's
    usual months. Kilograms lost are reckoned on what leaves the field or the store.
    """
    shape = (len(given.names.groups), len(MONTHS))
    gone, elsewhere, lost, grown = (np.zeros(shape) for _ in range(4))
    np.add.at(gone, (sent.group, sent.month), sent.kg)
    for group in np.unique(given.group[found.crop]):
        for kept in (False, True):
            other, bad, whole = _left_over(given, found, sent, int(group), kept=kept)
            elsewhere[group] += other
            lost[group] += bad
            grown[group] += whole
    rows = [
        {
            "food_group": given.names.groups[group],
            "month": month + 1,
            "grown": grown[group, month],
            "delivered": gone[group, month],
            "sold_elsewhere": elsewhere[group, month],
            "lost": lost[group, month],
        }
        for group in np.unique(given.group[found.crop])
        for month in range(len(MONTHS))
    ]
    if not rows:
        none: pd.DataFrame = empty("balance")
        return none
    return check(pd.DataFrame(rows), "balance", "bilan")


def _left_over(
    given: Given, found: Lots, sent: Deliveries, group: int, *, kept: bool
) -> tuple[Numbers, Numbers, Numbers]:
    """Return kg sold elsewhere, lost and grown by month, of a group's crops that keep or do not."""
    rows = np.flatnonzero((given.group[found.crop] == group) & (given.keeps[found.crop] == kept))
    year = found.area[rows] * found.kg_ha[rows, 1]
    usual = year[:, None] * given.share[found.crop[rows]]  # (lot, month)
    mine = (sent.group == group) & (sent.kept == int(kept))
    gone = np.bincount(sent.month[mine], weights=sent.kg[mine], minlength=len(MONTHS))
    if kept:
        total = max(float(year.sum()), np.finfo(float).tiny)
        rest = max(1 - gone.sum() / total, 0.0)
        elsewhere, part = usual.sum(axis=0) * rest, (year / total)[:, None]
        leaving = usual * rest + part * gone
    else:
        elsewhere, leaving = np.maximum(usual.sum(axis=0) - gone, 0.0), usual
    loss = given.lost[found.crop[rows]]
    grown = leaving / (1 - loss)
    return elsewhere, (grown * loss).sum(axis=0), grown.sum(axis=0)


def _named(names: list[str], index: Indices) -> list[str]:
    return [names[int(one)] for one in index]

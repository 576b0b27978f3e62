"""The tables of an allocation, checked, cut to what can be used, as arrays in a fixed order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from friches.allocation.arrays import AWAY, MONTHS, Given, Names, Offer, Rule, index, offered
from friches.allocation.farms import beside, hubs, pairs, wanted
from friches.allocation.parameters import parameters
from friches.food.rotations import turns

if TYPE_CHECKING:
    from friches.allocation.arrays import Flags, Indices, Numbers, Tables


def given(tables: Tables) -> Given:
    """Return the arrays of `tables`, which `checked` has let through."""
    names = _names(tables)
    offer = _offer(tables.supply, names)
    group = _groups(tables.supply, names)
    away = _minutes(tables.reach, "canteen", names.blocks, names.kitchens)
    to_canteen = np.where(away <= tables.minutes_to_canteen, away, AWAY)
    to_farm = _minutes(tables.reach, "farm", names.blocks, names.farmers)
    to_farm = np.where(to_farm <= tables.minutes_to_farm, to_farm, AWAY)
    farmers = _sorted(tables.farmers, "farmer_id")
    hub, to_hub = hubs(farmers, to_farm)
    room, per_kg = _kitchens(tables.demand, names)
    share, lost, keeps = _months(tables.calendar, names.crops)
    wants = wanted(farmers)
    useful = _useful(offer, group, room, (share > 0) | keeps[:, None], to_canteen, hub)
    whole = offer
    offer = offered(offer, useful)
    arcs, teams = pairs(offer, farmers, to_farm, beside(tables.neighbours, names), wants, names)
    rules, limits = (
        _rules(tables.rules, names.crops),
        (tables.minutes_to_farm, tables.minutes_to_canteen),
    )
    return Given(
        names, whole, offer, arcs, teams, group, wants, to_canteen, hub, to_hub,
        room, per_kg, share, lost, keeps, rules, limits,
    )  # fmt: skip


def _sorted(table: pd.DataFrame, key: str) -> pd.DataFrame:
    plain_table = pd.DataFrame(table.drop(columns="geometry", errors="ignore"))
    for name in ("organic", "productions", "wants_ha", "kind"):
        if name not in plain_table.columns:
            plain_table[name] = None
    plain_table[key] = plain_table[key].astype(str)
    return plain_table.sort_values(key, ignore_index=True)


def _names(tables: Tables) -> Names:
    def of(table: pd.DataFrame, column: str) -> list[str]:
        return sorted(set(table[column].astype(str)))

    groups = sorted({*of(tables.supply, "food_group"), *of(tables.demand, "food_group")})
    return Names(
        of(tables.blocks, "block_id"),
        of(tables.farmers, "farmer_id"),
        of(tables.demand, "canteen_id"),
        groups,
        of(tables.supply, "crop"),
    )


def _at(column: pd.Series[Any], known: list[str]) -> Indices:
    return index(known, column)


def _offer(supply: pd.DataFrame, names: Names) -> Offer:
    # Not known whether it suits is not no; a crop that needs more land than there is, is no, and
    # so is a block not worth coming for.
    may = supply["suits"].fillna(value=True).astype(bool)
    may &= (supply["usable_ha"] > 0) & (supply["share_max"] > 0) & (supply["kg_ha"] > 0)
    may &= supply["usable_ha"] >= supply["min_ha"].clip(lower=parameters().least)
    kept = supply[may].assign(block_id=lambda t: t["block_id"].astype(str))
    kept = kept.sort_values(["block_id", "crop"], ignore_index=True)
    return Offer(
        _at(kept["block_id"], names.blocks),
        _at(kept["crop"], names.crops),
        kept["usable_ha"].to_numpy("float64"),
        kept["share_max"].to_numpy("float64"),
        kept[["kg_ha_low", "kg_ha", "kg_ha_high"]].to_numpy("float64"),
    )


def _groups(supply: pd.DataFrame, names: Names) -> Indices:
    of = supply.drop_duplicates("crop").set_index("crop")["food_group"].astype(str)
    return _at(of.reindex(names.crops), names.groups)


def _minutes(reach: pd.DataFrame, kind: str, blocks: list[str], places: list[str]) -> Numbers:
    found = np.full((len(blocks), len(places)), AWAY)
    rows = reach[(reach["kind"] == kind) & reach["minutes"].notna()]
    block, place = _at(rows["block_id"], blocks), _at(rows["place_id"], places)
    known = (block >= 0) & (place >= 0)
    found[block[known], place[known]] = rows["minutes"].to_numpy("float64")[known]
    return found


def _kitchens(demand: pd.DataFrame, names: Names) -> tuple[Numbers, Numbers]:
    room = np.zeros((len(names.kitchens), len(names.groups), len(MONTHS)))
    at = (
        _at(demand["canteen_id"], names.kitchens),
        _at(demand["food_group"], names.groups),
        demand["month"].to_numpy("int64") - 1,
    )
    room[at] = lacking(demand)
    return room, meals_per_kg(demand, names.kitchens)


def lacking(demand: pd.DataFrame) -> Numbers:
    """Return the organic kg lacking, central; where not known, the middle of what it may be."""
    middle = (demand["gap_low"] + demand["gap_high"]) / 2
    return demand["gap"].fillna(middle).to_numpy("float64")


def meals_per_kg(demand: pd.DataFrame, kitchens: list[str]) -> Numbers:
    """Return how many full meals a kg is worth in each kitchen: its meals over all it buys."""
    served = demand.groupby(["canteen_id", "month"])["meals"].max().groupby("canteen_id").sum()
    bought = demand.groupby("canteen_id")["kg"].sum()
    ratio = (served / bought.where(bought > 0)).fillna(0.0)
    ratio.index = ratio.index.astype(str)
    return ratio.reindex(kitchens).to_numpy("float64")


def _months(calendar: pd.DataFrame, crops: list[str]) -> tuple[Numbers, Numbers, Flags]:
    share, lost = np.zeros((len(crops), len(MONTHS))), np.zeros((len(crops), len(MONTHS)))
    keeps = np.zeros(len(crops), dtype=bool)
    rows = calendar[calendar["crop"].astype(str).isin(crops)]
    at = _at(rows["crop"], crops), rows["month"].to_numpy("int64") - 1
    share[at], lost[at] = rows["share"], rows["lost_share"]
    if "keeps" in rows.columns:
        keeps[at[0]] = rows["keeps"].astype(bool)
    return share, lost, keeps


def _rules(rules: pd.DataFrame, crops: list[str]) -> list[Rule]:
    # Land taken and not sold counts as ley or green manure: it answers a rule that asks for them.
    families = {name: turns()[name].family for name in crops}
    found = []
    for row in rules.to_dict("records"):
        part = np.array([families[name] in row["families"] for name in crops], dtype=bool)
        whole = np.array([families[name] in row["of"] for name in crops], dtype=bool)
        if row["sense"] == "at_most":
            found.append(Rule(str(row["rule"]), part, ~whole, float(row["share"])))
        else:
            found.append(Rule(str(row["rule"]), whole & ~part, ~whole, 1 - float(row["share"])))
    return found


def _useful(  # noqa: PLR0913, PLR0917 - one argument an array
    offer: Offer, group: Indices, room: Numbers, sells: Flags, to_canteen: Numbers, hub: Indices
) -> Flags:
    # A crop that no kitchen in reach lacks in a month when it can be sold is never grown.
    sellable = np.zeros((len(room), len(group)), dtype=bool)
    for one, of in enumerate(group):
        sellable[:, one] = (room[:, of, :] * sells[one] > 0).any(axis=1)
    direct: Flags = np.greater(np.isfinite(to_canteen).astype(float) @ sellable.astype(float), 0)
    direct |= (hub >= 0)[:, None] & np.asarray(sellable.any(axis=0))[None, :]
    return direct[offer.block, offer.crop]

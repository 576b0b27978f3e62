"""The tables of an allocation, checked, cut to what can be used, as arrays in a fixed order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from friches.allocation.checked import checked
from friches.allocation.parameters import parameters
from friches.food.crops import crop
from friches.food.rotations import turns
from friches.food.site import plain

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]
    Indices = NDArray[np.int64]
    Flags = NDArray[np.bool_]

MONTHS = tuple(range(1, 13))
AWAY = np.inf


class Tables(NamedTuple):
    """The tables as given."""

    blocks: pd.DataFrame
    supply: pd.DataFrame
    reach: pd.DataFrame
    farmers: pd.DataFrame
    demand: pd.DataFrame
    neighbours: pd.DataFrame | None
    calendar: pd.DataFrame
    rules: pd.DataFrame
    minutes_to_farm: float
    minutes_to_canteen: float


class Names(NamedTuple):
    """What each index stands for, in order."""

    blocks: list[str]
    farmers: list[str]
    kitchens: list[str]
    groups: list[str]
    crops: list[str]


class Offer(NamedTuple):
    """What may be grown: one entry a block and crop."""

    block: Indices
    crop: Indices
    usable: Numbers  # ha of the block the crop may stand on
    share: Numbers  # of the land taken, by rotation
    kg_ha: Numbers  # deliverable, (entry, low/central/high)


class Arcs(NamedTuple):
    """Who may work which block: one entry a pair; the pairs of one class grow the same crops."""

    block: Indices
    farmer: Indices
    team: Indices  # class of the pair: same block, same crops, same outlet
    minutes: Numbers
    cost: Numbers  # minutes (0 where fields touch the block), preferences in the decimals


class Teams(NamedTuple):
    """Classes of pairs: one entry a block, set of crops and outlet."""

    block: Indices
    grows: Flags  # (class, crop)
    collective: Flags  # it sells through the collective alone


class Rule(NamedTuple):
    """A rotation rule: hectares of `crops` are at most `share` of the land taken, less `others`."""

    name: str
    crops: Flags
    others: Flags
    share: float


class Given(NamedTuple):
    """All that the programme reads; kg, ha, minutes."""

    names: Names
    suited: Offer  # all that the land can bear
    offer: Offer  # of it, what a kitchen in reach lacks
    arcs: Arcs
    teams: Teams
    group: Indices  # food group of each crop
    wants: Numbers  # ha wanted by each farmer; inf where not stated
    to_canteen: Numbers  # minutes (block, kitchen); inf beyond the limit
    hub: Indices  # collective that each block reaches; -1: none
    to_hub: Numbers
    room: Numbers  # organic kg lacking, central (kitchen, group, month)
    per_kg: Numbers  # full meals a kg, by kitchen
    share: Numbers  # of a year's deliverable kg, what is sold (crop, month)
    lost: Numbers  # of what leaves field or store, what is lost (crop, month)
    keeps: Flags  # the crop can wait for a buyer all the year: `share` is then a habit
    rules: list[Rule]
    limits: tuple[float, float]

    @property
    def sells(self) -> Flags:
        """Return in which months each crop may be sold."""
        return (self.share > 0) | self.keeps[:, None]


def given(tables: Tables) -> Given:
    """Return the arrays of `tables`, refusing bad ones.

    Raises
    ------
    InputError
        Every breach of every table at once.
    """
    tables = checked(tables)
    names = _names(tables)
    offer = _offer(tables.supply, names)
    group = _groups(tables.supply, names)
    away = _minutes(tables.reach, "canteen", names.blocks, names.kitchens)
    to_canteen = np.where(away <= tables.minutes_to_canteen, away, AWAY)
    to_farm = _minutes(tables.reach, "farm", names.blocks, names.farmers)
    to_farm = np.where(to_farm <= tables.minutes_to_farm, to_farm, AWAY)
    farmers = _sorted(tables.farmers, "farmer_id")
    hub, to_hub = _hubs(farmers, to_farm)
    room, per_kg = _kitchens(tables.demand, names)
    share, lost, keeps = _months(tables.calendar, names.crops)
    wants = _wants(farmers)
    useful = _useful(offer, group, room, (share > 0) | keeps[:, None], to_canteen, hub)
    whole = offer
    offer = Offer(*(column[useful] for column in offer))
    arcs, teams = _arcs(offer, farmers, to_farm, _pairs(tables.neighbours, names), wants, names)
    return Given(
        names, whole, offer, arcs, teams, group, wants, to_canteen, hub, to_hub,
        room, per_kg, share, lost, keeps, _rules(tables.rules, names.crops), (tables.minutes_to_farm, tables.minutes_to_canteen),
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
    return pd.Index(known).get_indexer(column.astype(str)).astype(np.int64)


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


def _hubs(farmers: pd.DataFrame, to_farm: Numbers) -> tuple[Indices, Numbers]:
    collective = np.flatnonzero((farmers["kind"] == "collective").to_numpy(dtype=bool))
    if not collective.size or not len(to_farm):
        return np.full(len(to_farm), -1, dtype=np.int64), np.full(len(to_farm), AWAY)
    nearest = to_farm[:, collective].argmin(axis=1)
    minutes = to_farm[np.arange(len(to_farm)), collective[nearest]]
    return np.where(np.isfinite(minutes), collective[nearest], -1).astype(np.int64), minutes


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
    served = demand.drop_duplicates(["canteen_id", "month"]).groupby("canteen_id")["meals"].sum()
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


def _wants(farmers: pd.DataFrame) -> Numbers:
    # Not stated is not limiting, but for a collective: without stated hectares it is an outlet.
    wants = pd.to_numeric(farmers["wants_ha"]).astype("float64").fillna(np.inf).to_numpy()
    collective = (farmers["kind"] == "collective").to_numpy(dtype=bool)
    return np.where(collective & np.isinf(wants), 0.0, wants)


def _useful(  # noqa: PLR0913, PLR0917 - one argument an array
    offer: Offer, group: Indices, room: Numbers, sells: Flags, to_canteen: Numbers, hub: Indices
) -> Flags:
    # A crop that no kitchen in reach lacks in a month when it can be sold is never grown.
    sellable = np.zeros((len(room), len(group)), dtype=bool)
    for index, of in enumerate(group):
        sellable[:, index] = (room[:, of, :] * sells[index] > 0).any(axis=1)
    direct = (np.isfinite(to_canteen).astype(float) @ sellable.astype(float)) > 0
    direct |= (hub >= 0)[:, None] & sellable.any(axis=0)[None, :]
    found: Flags = direct[offer.block, offer.crop] if len(offer.block) else np.zeros(0, bool)
    return found


def _pairs(neighbours: pd.DataFrame | None, names: Names) -> set[tuple[int, int]]:
    if neighbours is None:
        return set()
    found = zip(
        _at(neighbours["block_id"], names.blocks),
        _at(neighbours["farmer_id"], names.farmers),
        strict=True,
    )
    return {(int(block), int(farmer)) for block, farmer in found}


def grows(productions: object, crops: list[str]) -> Flags:
    """Return which crops a farm says it grows; all of them where it does not say."""
    said = plain(productions)
    return np.array([not said or any(word in said for word in crop(c).words) for c in crops], bool)


def _arcs(  # noqa: PLR0913, PLR0917 - one argument an array
    offer: Offer,
    farmers: pd.DataFrame,
    to_farm: Numbers,
    beside: set[tuple[int, int]],
    wants: Numbers,
    names: Names,
) -> tuple[Arcs, Teams]:
    masks = np.array([grows(p, names.crops) for p in farmers["productions"]], dtype=bool)
    suited = np.zeros((len(names.blocks), len(names.crops)), dtype=bool)
    suited[offer.block, offer.crop] = True
    block, farmer = np.nonzero(np.isfinite(to_farm) & (wants >= parameters().least)[None, :])
    common = suited[block] & masks.reshape(-1, len(names.crops))[farmer]
    useful = common.any(axis=1)
    block, farmer, common = block[useful], farmer[useful], common[useful]
    own = np.array([pair in beside for pair in zip(block, farmer, strict=True)], dtype=bool)
    minutes = to_farm[block, farmer]
    collective = (farmers["kind"] == "collective").to_numpy(dtype=bool)[farmer]
    cost = np.where(own, 0.0, minutes) + _preference(farmers)[farmer]
    kept = _undominated(block, common, collective, cost, wants[farmer])
    block, farmer, common = block[kept], farmer[kept], common[kept]
    key = np.column_stack([block, collective[kept], common])
    classes, team = np.unique(key, axis=0, return_inverse=True)
    width = len(names.crops)
    teams = Teams(
        classes[:, 0].astype(np.int64),
        classes[:, 2:].astype(bool).reshape(-1, width),
        classes[:, 1].astype(bool),
    )
    arcs = Arcs(block, farmer, team.reshape(-1).astype(np.int64), minutes[kept], cost[kept])
    return arcs, teams


def _preference(farmers: pd.DataFrame) -> Numbers:
    # Among equal trips: says what it grows, organic, then not known, then not, wanted hectares
    # stated, identifier. Thousandths of a minute: never a longer trip for it.
    order = parameters().preference
    said = farmers["productions"].map(plain) != ""
    organic = farmers["organic"].map(lambda one: 1 if pd.isna(one) else 0 if one else 2)
    unstated = farmers["wants_ha"].isna()
    rank = np.arange(len(farmers)) / max(len(farmers), 1)
    levels = 12.0 * ~said.to_numpy(bool) + 4.0 * organic.to_numpy(float) + 2.0 * unstated + rank
    return np.asarray(levels, dtype="float64") * order


def _undominated(
    block: Indices, common: Flags, collective: Flags, cost: Numbers, wants: Numbers
) -> Flags:
    """Return the pairs worth keeping: none that a cheaper farm, never short of land, replaces."""
    kept = np.ones(len(block), dtype=bool)
    order = np.lexsort((cost, block))
    edges = np.flatnonzero(np.diff(block[order], prepend=-1, append=-1))
    for start, end in zip(edges[:-1], edges[1:], strict=True):
        best: list[int] = []
        for pair in order[start:end]:
            kept[pair] = not any(
                not collective[pair] and not (common[pair] & ~common[other]).any() for other in best
            )
            if kept[pair] and np.isinf(wants[pair]):
                best.append(int(pair))
    return kept

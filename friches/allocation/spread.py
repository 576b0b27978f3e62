"""Low and high around the central allocation: yields, needs and unknown organic shares drawn.

Areas stay as they are. In each draw deliveries are scaled, not solved again: each kitchen asks its
farms for its share of what it now lacks, each farm gives what it now has in the same proportions,
then what is left over goes once more along the same ways. Each draw allows these deliveries, so
they never promise more than solving again would; at the central values they are the central ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from friches.allocation.arrays import MONTHS, index
from friches.allocation.deliver import sold
from friches.allocation.parameters import parameters
from friches.tables import check, empty

if TYPE_CHECKING:
    from friches.allocation.arrays import Given, Indices, Numbers
    from friches.allocation.deliver import Deliveries, Lots

ALL_KITCHENS, ALL_GROUPS = "toutes", "tout"
AT_ONCE = 50
"""Draws reckoned together: bounds the memory."""


class Needs(NamedTuple):
    """Demand as arrays (kitchen, group, month): kg low, central, high; gap; meals (kitchen)."""

    kg: Numbers  # (3, kitchen, group, month)
    gap: Numbers
    now: Numbers  # organic kg, central; nan where not known
    unknown: Numbers  # bool (kitchen, group, month)
    meals: Numbers  # (3, kitchen)


class Case(NamedTuple):
    """One set of draws, first axis; kg and meals a year by (kitchen, group)."""

    kg: Numbers
    bought: Numbers
    now: Numbers
    per_kg: Numbers


class Links(NamedTuple):
    """Who gives to whom: sparse sums over deliveries."""

    kg: Numbers
    by_source: csr_array
    by_plate: csr_array
    source: Indices
    plate: Indices
    lots: csr_array  # (source, lot-month) what a source has
    sold: Numbers


def needs(demand: pd.DataFrame, given: Given) -> Needs:
    """Return the demand as arrays."""
    names = given.names
    at = (
        index(names.kitchens, demand["canteen_id"]),
        index(names.groups, demand["food_group"]),
        demand["month"].to_numpy("int64") - 1,
    )

    def full(column: str) -> Numbers:
        found = np.zeros(given.room.shape)
        found[at] = demand[column].to_numpy("float64", na_value=np.nan)
        return found

    ends = ("_low", "", "_high")
    kg, gap = (np.stack([full(f"{name}{end}") for end in ends]) for name in ("kg", "gap"))
    unknown = np.isnan(gap[1])
    gap[1] = np.where(unknown, (gap[0] + gap[2]) / 2, gap[1])
    columns = [f"meals{end}" for end in ends]
    once = demand.groupby([demand["canteen_id"].astype(str), "month"])[columns].max()
    sums = once.groupby("canteen_id").sum()
    meals = sums.reindex(names.kitchens).to_numpy("float64").T
    return Needs(kg, gap, full("organic_now"), unknown, meals)


def shares(  # noqa: PLR0913, PLR0917 - one argument an array
    given: Given, wanted: Needs, found: Lots, sent: Deliveries, goal: float, seed: int
) -> pd.DataFrame:
    """Return the table « shares », with the low and high ends of seeded draws."""
    if not given.names.kitchens:
        none: pd.DataFrame = empty("shares")
        return none
    size = (len(given.names.kitchens), len(given.names.groups))
    central = _central(given, wanted, sent)
    drawn = _drawn(given, wanted, found, sent, goal, seed)
    bought = wanted.kg[1].sum(axis=2) > 0
    rows = []
    for kitchen in range(size[0]):
        for group in np.flatnonzero(bought[kitchen]):
            who = given.names.kitchens[kitchen], given.names.groups[group]
            rows.append(_row(who, central, drawn, (np.array([kitchen]), np.array([group]))))
        groups = np.flatnonzero(bought[kitchen])
        who = given.names.kitchens[kitchen], ALL_GROUPS
        rows.append(_row(who, central, drawn, (np.array([kitchen]), groups)))
    every = np.arange(size[0])
    for group in np.flatnonzero(bought.any(axis=0)):
        who = ALL_KITCHENS, given.names.groups[group]
        rows.append(_row(who, central, drawn, (every, np.array([group]))))
    rows.append(_row((ALL_KITCHENS, ALL_GROUPS), central, drawn, (every, np.arange(size[1]))))
    table = pd.DataFrame(rows).sort_values(["canteen_id", "food_group"], ignore_index=True)
    return check(table, "shares", "parts bio")


def _row(
    who: tuple[str, str], central: Case, drawn: Case, part: tuple[Indices, Indices]
) -> dict[str, object]:
    said: dict[str, object] = {"canteen_id": who[0], "food_group": who[1]}
    middle, around = (_figures(case, part) for case in (central, drawn))
    said["share_now"] = _first(_ratio(middle["now"], middle["bought"]))
    for name in ("share_after", "kg", "meals"):
        value = float(middle[name][0])
        low, high = np.quantile(around[name], [parameters().low, parameters().high])
        if np.isnan(value):
            ends = (float(low), value, float(high))
        else:
            ends = (min(float(low), value), value, max(float(high), value))
        said |= {f"{name}{end}": v for end, v in zip(("_low", "", "_high"), ends, strict=True)}
    return said


def _first(values: Numbers) -> float:
    return float(values[0])


def _figures(case: Case, part: tuple[Indices, Indices]) -> dict[str, Numbers]:
    kg, bought, now = (
        column[:, part[0]][:, :, part[1]] for column in (case.kg, case.bought, case.now)
    )
    total, after = bought.sum(axis=(1, 2)), (kg + now).sum(axis=(1, 2))
    return {
        "kg": kg.sum(axis=(1, 2)),
        "bought": total,
        "now": now.sum(axis=(1, 2)),
        "share_after": np.minimum(_ratio(after, total), 1.0),
        "meals": (kg * case.per_kg[:, part[0], None]).sum(axis=(1, 2)),
    }


def _ratio(above: Numbers, below: Numbers) -> Numbers:
    found = np.full(above.shape, np.nan)
    np.divide(above, below, out=found, where=below > 0)
    return found


def _central(given: Given, wanted: Needs, sent: Deliveries) -> Case:
    kg = np.zeros(given.room.shape)
    np.add.at(kg, (sent.kitchen, sent.group, sent.month), sent.kg)
    bought = wanted.kg[1].sum(axis=2)
    now = wanted.now.sum(axis=2)
    return Case(kg.sum(axis=2)[None], bought[None], now[None], given.per_kg[None])


# ------------------------------------------------------------------ draws


def _drawn(  # noqa: PLR0913, PLR0917 - one argument an array
    given: Given, wanted: Needs, found: Lots, sent: Deliveries, goal: float, seed: int
) -> Case:
    count = parameters().draws
    rng = np.random.default_rng(seed)
    needed = rng.triangular(-1, 0, 1, count)
    organic = rng.random((count, len(given.names.kitchens)))
    yields = rng.triangular(-1, 0, 1, (count, len(given.names.crops)))
    links = _links(given, found, sent)
    cases = [
        _case(given, wanted, found, links, (needed[at], organic[at], yields[at]), goal)
        for at in (slice(start, start + AT_ONCE) for start in range(0, count, AT_ONCE))
    ]
    return Case(*(np.concatenate(column) for column in zip(*cases, strict=True)))


def _case(  # noqa: PLR0913, PLR0917 - one argument an array
    given: Given,
    wanted: Needs,
    found: Lots,
    links: Links,
    draws: tuple[Numbers, Numbers, Numbers],
    goal: float,
) -> Case:
    needed, organic, yields = draws
    kg = _between(wanted.kg, needed)
    room = _between(wanted.gap, needed)
    share = organic[:, :, None, None]
    room = np.where(wanted.unknown[None], kg * np.maximum(goal - share, 0.0), room)
    known = np.nan_to_num(wanted.now)
    ratio = np.divide(known, wanted.kg[1], out=np.zeros_like(known), where=wanted.kg[1] > 0)
    now = kg * np.where(wanted.unknown[None], share, ratio[None])
    got = _delivered(given, found, links, room, yields)
    meals = _between(wanted.meals, needed)
    per_kg = np.zeros_like(meals)
    np.divide(meals, kg.sum(axis=(2, 3)), out=per_kg, where=kg.sum(axis=(2, 3)) > 0)
    return Case(got, kg.sum(axis=3), now.sum(axis=3), per_kg)


def _between(ends: Numbers, draw: Numbers) -> Numbers:
    """Return values between low (-1), central (0) and high (1), draws first."""
    at = draw.reshape(-1, *([1] * (ends.ndim - 1)))
    down, up = ends[1] - ends[0], ends[2] - ends[1]
    return np.asarray(ends[1] + np.where(at < 0, at * down, at * up))


def _links(given: Given, found: Lots, sent: Deliveries) -> Links:
    groups, months = len(given.names.groups), len(MONTHS)
    when = np.where(sent.kept == 1, months, sent.month)  # what keeps is one source for the year

    def source_of(block: Indices, via: Indices, group: Indices, month: Indices) -> Indices:
        way = (block * (len(given.names.farmers) + 1) + via + 1) * groups + group
        return np.asarray(way * (months + 1) + month)

    keys, source = np.unique(source_of(sent.block, sent.via, sent.group, when), return_inverse=True)
    plate = (sent.kitchen * groups + sent.group) * months + sent.month
    size, entries = len(sent.kg), np.arange(len(sent.kg))
    plates = int(np.prod(given.room.shape))
    block, via, group = (c[:, None] for c in (found.block, found.via, given.group[found.crop]))
    cell = source_of(block, via, group, np.arange(months + 1)[None, :]).ravel()
    row = np.searchsorted(keys, cell)
    held = np.flatnonzero(np.append(keys, -1)[row] == cell)
    return Links(
        sent.kg,
        csr_array((np.ones(size), (source, entries)), shape=(len(keys), size)),
        csr_array((np.ones(size), (plate, entries)), shape=(plates, size)),
        source,
        plate,
        csr_array((np.ones(len(held)), (row[held], held)), shape=(len(keys), len(cell))),
        sold(given, found).ravel(),
    )


def _delivered(given: Given, found: Lots, links: Links, room: Numbers, yields: Numbers) -> Numbers:
    """Return kg delivered by (draw, kitchen, group): along the ways of the central allocation."""
    count = len(room)
    if not links.kg.size:
        return np.zeros((count, *given.room.shape[:2]))
    low, middle, high = found.kg_ha.T
    draw = yields[:, found.crop]
    ratio = 1 + draw * np.where(draw < 0, middle - low, high - middle) / middle
    have = links.lots @ (np.repeat(ratio, len(MONTHS) + 1, axis=1) * links.sold).T
    lacking = room.reshape(count, -1).T
    central = given.room.ravel()[links.plate][:, None]
    asked = links.kg[:, None] * lacking[links.plate] / central
    got = asked * _part(have, links.by_source @ asked)[links.source]
    spare = np.maximum(have - links.by_source @ got, 0.0)
    short = np.maximum(lacking - links.by_plate @ got, 0.0)
    weight = links.kg / (links.by_plate @ links.kg)[links.plate]
    more = weight[:, None] * short[links.plate]
    got += more * _part(spare, links.by_source @ more)[links.source]
    total: Numbers = (links.by_plate @ got).T.reshape(count, *given.room.shape).sum(axis=3)
    return total


def _part(have: Numbers, asked: Numbers) -> Numbers:
    found = np.ones_like(asked)
    np.divide(have, asked, out=found, where=asked > have)
    return found

"""The linear programme of an allocation: sparse rows over hectares, land taken and deliveries.

Columns, in order: `x` ha of a crop on a block for a team of farms and an outlet; `y` ha of a block
taken by a farm; `q` harvest of a crop by zone (blocks that reach the same kitchens); `d` delivered
to a kitchen, by food group and month. Units: ha, and `unit` kg, so that figures stay near 1.

Deliveries are held by Gale's condition instead of one column a block and kitchen: what a set of
kitchens receives is at most what the zones that reach it can sell. The sets are found as needed
(`friches.allocation.cuts`), so nothing is lost: the optimum is that of the whole programme.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.sparse import csr_array

from friches.allocation.parameters import parameters

if TYPE_CHECKING:
    from collections.abc import Sequence

    from friches.allocation.given import Flags, Given, Indices, Numbers, Rule


class Rows(NamedTuple):
    """Rows `a @ columns <= upper`, as triplets."""

    row: Indices
    column: Indices
    value: Numbers
    upper: Numbers


class Entries(NamedTuple):
    """The columns x."""

    block: Indices
    team: Indices
    crop: Indices
    via: Flags  # sold through the collective
    kg_ha: Numbers  # what canteens may receive, kg a ha, central
    zone: Indices
    usable: Numbers
    share: Numbers


class Plates(NamedTuple):
    """The columns d: kitchens that lack a food group in a month when some harvest can serve it."""

    kitchen: Indices
    group: Indices
    month: Indices
    room: Numbers  # kg


class Programme(NamedTuple):
    """Columns, bounds and rows, whatever the objective."""

    given: Given
    entries: Entries
    plates: Plates
    zones: Flags  # (zone, kitchen)
    q: tuple[Indices, Indices]  # zone and crop of the columns q
    area: Numbers  # ha usable of each block
    unit: float  # kg
    upper: Numbers  # bounds of all columns
    matrix: csr_array
    limits: Numbers
    kinds: dict[str, tuple[int, Indices]]  # first row of each kind, and what each row is about

    @property
    def starts(self) -> tuple[int, int, int, int]:
        """First column of y, q, d, and the number of columns."""
        y = len(self.entries.block)
        q = y + len(self.given.arcs.block)
        d = q + len(self.q[0])
        return y, q, d, d + len(self.plates.kitchen)


def programme(given: Given) -> Programme:
    """Return the programme of `given`."""
    zones, zone_of = _zones(given)
    entries = _entries(given, zones, zone_of)
    area = np.zeros(len(given.names.blocks))
    np.maximum.at(area, given.offer.block, given.offer.usable)
    plates = _plates(given, entries, zones)
    keys = np.unique(entries.zone * len(given.names.crops) + entries.crop)
    q = keys // max(len(given.names.crops), 1), keys % max(len(given.names.crops), 1)
    unit = float(np.clip(plates.room.sum() / 1000, 1.0, 1000.0))
    sizes = (len(entries.block), len(given.arcs.block), len(keys))
    parts = {
        "land": _land(given, area, sizes),
        "wants": _wants(given, sizes),
        "team": _team(given, entries, sizes),
        "rotation": _rotation(given, entries, sizes),
        "rules": _rules(given, entries, sizes),
        "usable": _usable(entries, area),
        "harvest": _harvest(entries, keys, len(given.names.crops), sizes, unit),
    }
    width = sum(sizes) + len(plates.kitchen)
    kinds, first = {}, 0
    for name, (about, rows) in parts.items():
        kinds[name] = (first, about)
        first += len(rows.upper)
    matrix, limits = stacked([rows for _, rows in parts.values()], width)
    most = np.where(np.isfinite(given.wants), given.wants, np.inf)[given.arcs.farmer]
    upper = np.concatenate(
        [
            entries.usable * entries.share,
            np.minimum(area[given.arcs.block], most),
            np.full(len(keys), np.inf),
            plates.room / unit,
        ]
    )
    return Programme(
        given, entries, plates, zones, q, area, unit, upper, matrix, limits, kinds
    )  # fmt: skip


def stacked(parts: Sequence[Rows], width: int) -> tuple[csr_array, Numbers]:
    """Return the matrix and the upper ends of rows put under each other."""
    offsets = np.cumsum([0, *(len(part.upper) for part in parts)])
    row = np.concatenate([part.row + at for part, at in zip(parts, offsets[:-1], strict=True)])
    column = np.concatenate([part.column for part in parts])
    value = np.concatenate([part.value for part in parts])
    upper = np.concatenate([part.upper for part in parts])
    return csr_array((value, (row, column)), shape=(int(offsets[-1]), width)), upper


def widened(matrix: csr_array, more: tuple[csr_array, Numbers]) -> tuple[csr_array, Numbers]:
    """Return `matrix` with rows under it that have more columns, and the upper ends of these."""
    under, upper = more
    rows = matrix.shape[0] + under.shape[0]
    data = np.concatenate([matrix.data, under.data])
    indices = np.concatenate([matrix.indices, under.indices])
    starts = np.concatenate([matrix.indptr, matrix.indptr[-1] + under.indptr[1:]])
    return csr_array((data, indices, starts), shape=(rows, under.shape[1])), upper


def _zones(given: Given) -> tuple[Flags, Indices]:
    # The last zone is that of collectives: it reaches every kitchen.
    reached = np.isfinite(given.to_canteen)
    kinds, of = np.unique(reached, axis=0, return_inverse=True)
    everywhere = np.ones((1, reached.shape[1]), dtype=bool)
    return np.vstack([kinds.reshape(-1, reached.shape[1]), everywhere]), of.reshape(-1)


def _entries(given: Given, zones: Flags, zone_of: Indices) -> Entries:
    teams, offer = given.teams, given.offer
    at = np.full((len(given.names.blocks), len(given.names.crops)), -1, dtype=np.int64)
    at[offer.block, offer.crop] = np.arange(len(offer.block))
    team, crop = np.nonzero(teams.grows)
    block = teams.block[team]
    lacks = _lacks(given)  # (kitchen, crop)
    reached = zones[zone_of[block]]
    direct = ~teams.collective[team] & (reached & lacks.T[crop]).any(axis=1)
    # Through the collective: only for kitchens that the block does not reach itself.
    beyond = (~reached & lacks.T[crop]).any(axis=1) | teams.collective[team]
    through = ((given.hub[block] >= 0) | teams.collective[team]) & beyond
    pick = np.concatenate([np.flatnonzero(direct), np.flatnonzero(through)])
    via = np.repeat([False, True], [int(direct.sum()), int(through.sum())])
    order = np.lexsort((via, crop[pick], team[pick]))
    pick, via = pick[order], via[order]
    source = at[block[pick], crop[pick]]
    return Entries(
        block[pick],
        team[pick],
        crop[pick],
        via,
        offer.kg_ha[source, 1] * np.where(via, parameters().canteen_share, 1.0),
        np.where(via, len(zones) - 1, zone_of[block[pick]]),
        offer.usable[source],
        offer.share[source],
    )


def _lacks(given: Given) -> Flags:
    found = np.zeros((len(given.names.kitchens), len(given.names.crops)), dtype=bool)
    for crop, group in enumerate(given.group):
        found[:, crop] = (given.room[:, group, :] * given.sells[crop] > 0).any(axis=1)
    return found


def _plates(given: Given, entries: Entries, zones: Flags) -> Plates:
    served = np.zeros(given.room.shape, dtype=bool)
    for zone, crop in set(zip(entries.zone.tolist(), entries.crop.tolist(), strict=True)):
        served[np.ix_(zones[zone], [given.group[crop]], given.sells[crop])] = True
    served &= given.room > 0
    kitchen, group, month = np.nonzero(served)
    return Plates(kitchen, group, month, given.room[served])


# ------------------------------------------------------------------ rows


def _land(given: Given, area: Numbers, sizes: tuple[int, int, int]) -> tuple[Indices, Rows]:
    about, row = np.unique(given.arcs.block, return_inverse=True)
    ones = np.ones(len(row))
    return about, Rows(row, sizes[0] + np.arange(sizes[1]), ones, area[about])


def _wants(given: Given, sizes: tuple[int, int, int]) -> tuple[Indices, Rows]:
    limited = np.flatnonzero(np.isfinite(given.wants[given.arcs.farmer]))
    about, row = np.unique(given.arcs.farmer[limited], return_inverse=True)
    return about, Rows(row, sizes[0] + limited, np.ones(len(row)), given.wants[about])


def _team(given: Given, entries: Entries, sizes: tuple[int, int, int]) -> tuple[Indices, Rows]:
    count = len(given.teams.block)
    rows = Rows(
        np.concatenate([entries.team, given.arcs.team]),
        np.arange(sizes[0] + sizes[1]),
        np.repeat([1.0, -1.0], [sizes[0], sizes[1]]),
        np.zeros(count),
    )
    return given.teams.block, rows


def _rotation(given: Given, entries: Entries, sizes: tuple[int, int, int]) -> tuple[Indices, Rows]:
    # A crop takes its share of the land taken, not of the block: the farm rotates on its own land.
    held = np.flatnonzero(entries.share < 1)
    key = entries.team[held] * len(given.names.crops) + entries.crop[held]
    keys, first, row = np.unique(key, return_index=True, return_inverse=True)
    of_team = _members(given.arcs.team, len(given.teams.block))
    arcs = [of_team[team] for team in entries.team[held][first]]
    counts = np.array([len(found) for found in arcs], dtype=np.int64)
    share = entries.share[held][first]
    rows = Rows(
        np.concatenate([row, np.repeat(np.arange(len(keys)), counts)]),
        np.concatenate([held, sizes[0] + np.concatenate([*arcs, np.zeros(0, np.int64)])]),
        np.concatenate([np.ones(len(held)), -np.repeat(share, counts)]),
        np.zeros(len(keys)),
    )
    return entries.crop[held][first], rows


def _rules(given: Given, entries: Entries, sizes: tuple[int, int, int]) -> tuple[Indices, Rows]:
    # hectares of the rule's crops <= share x (land taken - hectares of crops that it leaves out)
    rows, columns, values, about, count = [], [], [], [], 0
    for at, rule in enumerate(given.rules):
        teams = _bound(given, entries, rule)
        position = np.full(len(given.teams.block), -1, dtype=np.int64)
        position[teams] = count + np.arange(len(teams))
        weight = rule.crops[entries.crop] + rule.share * rule.others[entries.crop]
        held = np.flatnonzero((weight > 0) & (position[entries.team] >= 0))
        arcs = np.flatnonzero(position[given.arcs.team] >= 0)
        rows += [position[entries.team[held]], position[given.arcs.team[arcs]]]
        columns += [held, sizes[0] + arcs]
        values += [weight[held], np.full(len(arcs), -rule.share)]
        about.append(np.full(len(teams), at))
        count += len(teams)
    none = np.zeros(0, np.int64)
    found = Rows(
        np.concatenate([*rows, none]),
        np.concatenate([*columns, none]),
        np.concatenate([*values, np.zeros(0)]),
        np.zeros(count),
    )
    return np.concatenate([*about, none]), found


def _bound(given: Given, entries: Entries, rule: Rule) -> Indices:
    """Return the teams that a rule can hold: others meet it by the share of each crop alone."""
    share = np.zeros((len(given.teams.block), len(given.names.crops)))
    share[entries.team, entries.crop] = entries.share
    most = np.minimum(share @ rule.crops, 1.0)
    outside = (share @ rule.others) > 0
    return np.flatnonzero((most > rule.share) | ((most > 0) & outside))


def _members(of: Indices, count: int) -> list[Indices]:
    order = np.argsort(of, kind="stable")
    return np.split(order, np.searchsorted(of[order], np.arange(1, max(count, 1))))


def _usable(entries: Entries, area: Numbers) -> tuple[Indices, Rows]:
    # Steep land of a block bears some crops only: those of the gentle part share the gentle part.
    tight = np.flatnonzero(entries.usable < area[entries.block])
    pairs = np.unique(np.column_stack([entries.block[tight], entries.usable[tight]]), axis=0)
    row: list[Indices] = []
    column: list[Indices] = []
    upper: list[float] = []
    by_block = {int(b): tight[entries.block[tight] == b] for b in np.unique(entries.block[tight])}
    for block, usable in pairs:
        column.append(by_block[int(block)][entries.usable[by_block[int(block)]] <= usable])
        upper.append(float(usable))
    # A crop sold both ways still has one share of its land.
    key = entries.block * (int(entries.crop.max(initial=0)) + 1) + entries.crop
    both = tight[(entries.share[tight] < 1) & np.isin(key[tight], key[tight][entries.via[tight]])]
    for one in np.unique(key[both]):
        column.append(both[key[both] == one])
        upper.append(float((entries.share * entries.usable)[column[-1][0]]))
    row = [np.full(len(found), at) for at, found in enumerate(column)]
    none = np.zeros(0, np.int64)
    columns = np.concatenate([*column, none])
    rows = Rows(np.concatenate([*row, none]), columns, np.ones(len(columns)), np.array(upper))
    return np.array([int(entries.block[c[0]]) for c in column], dtype=np.int64), rows


def _harvest(
    entries: Entries, keys: Indices, crops: int, sizes: tuple[int, int, int], unit: float
) -> tuple[Indices, Rows]:
    row = np.searchsorted(keys, entries.zone * crops + entries.crop)
    rows = Rows(
        np.concatenate([row, np.arange(len(keys))]),
        np.concatenate([np.arange(sizes[0]), sizes[0] + sizes[1] + np.arange(len(keys))]),
        np.concatenate([-entries.kg_ha / unit, np.ones(len(keys))]),
        np.zeros(len(keys)),
    )
    return keys, rows

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

from friches.allocation import hectares
from friches.allocation.parameters import parameters
from friches.allocation.rows import stacked

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from friches.allocation.arrays import Flags, Given, Indices, Numbers


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
        "land": hectares.land(given, area, sizes),
        "wants": hectares.wants(given, sizes),
        "team": hectares.team(given, entries, sizes),
        "rotation": hectares.rotation(given, entries, sizes),
        "rules": hectares.rules(given, entries, sizes),
        "usable": hectares.usable(entries, area),
        "harvest": hectares.harvest(entries, keys, len(given.names.crops), sizes, unit),
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


def _zones(given: Given) -> tuple[Flags, Indices]:
    # The last zone is that of collectives: it reaches every kitchen.
    reached = np.isfinite(given.to_canteen)
    kinds, of = np.unique(reached, axis=0, return_inverse=True)
    everywhere = np.ones((1, reached.shape[1]), dtype=bool)
    return np.vstack([kinds.reshape(len(kinds), reached.shape[1]), everywhere]), of.reshape(-1)


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

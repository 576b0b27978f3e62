"""Deliveries as columns, for the food groups where they are few: from each zone to each kitchen."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from friches.allocation.cuts import habits
from friches.allocation.rows import Rows

if TYPE_CHECKING:
    from friches.allocation.arrays import Flags, Indices, Numbers
    from friches.allocation.programme import Programme


class Ways(NamedTuple):
    """One entry a zone and place, and whether it gives what it sells in the month or has kept.

    A place is a kitchen in a month; where all crops of a food group keep, a kitchen in the year.
    """

    zone: Indices
    place: Indices
    kept: Flags
    of_plate: Indices  # place of each plate
    group: Indices  # food group of each entry
    month: Indices


def ways(programme: Programme) -> Ways:
    """Return every way by which a harvest can reach a kitchen."""
    plates, monthly, kept = programme.plates, *_sold(programme)
    place = _places(programme)
    first = np.unique(place, return_index=True)[1]
    reach = programme.zones[:, plates.kitchen[first]]
    group, month = plates.group[first], plates.month[first]
    now = np.nonzero(reach & monthly[:, group, month])
    later = np.nonzero(reach & kept[:, group])
    at = np.concatenate([now[1], later[1]])
    flags = np.repeat([False, True], [len(now[0]), len(later[0])])
    zones = np.concatenate([now[0], later[0]])
    return Ways(zones, at, flags, place, group[at], np.where(flags, -1, month[at]))


def few(found: Ways, most: int) -> tuple[Ways, frozenset[int]]:
    """Return the ways of the food groups with fewest, up to `most` in all, and these groups."""
    groups, counts = np.unique(found.group, return_counts=True)
    order = np.lexsort((groups, counts))
    kept = groups[order][np.cumsum(counts[order]) <= most]
    held = np.isin(found.group, kept)
    part = found._replace(
        **{name: getattr(found, name)[held] for name in ("zone", "place", "kept", "group", "month")}
    )
    return part, frozenset(int(group) for group in kept)


def _sold(programme: Programme) -> tuple[Flags, Flags]:
    given, (zone, crop) = programme.given, programme.q
    size = (len(programme.zones), len(given.names.groups))
    monthly, kept = np.zeros((*size, given.share.shape[1]), dtype=bool), np.zeros(size, dtype=bool)
    keeps = given.keeps[crop]
    kept[zone[keeps], given.group[crop[keeps]]] = True
    for z, c in zip(zone[~keeps], crop[~keeps], strict=True):
        monthly[z, given.group[c]] |= given.share[c] > 0
    return monthly, kept


def _places(programme: Programme) -> Indices:
    plates = programme.plates
    yearly = np.array(
        [
            not habits(programme.given, group)[0]
            for group in range(len(programme.given.names.groups))
        ]
    )
    month = np.where(yearly[plates.group], -1, plates.month)
    key = np.column_stack([plates.kitchen, plates.group, month])
    return np.unique(key, axis=0, return_inverse=True)[1].reshape(-1)


def way_rows(programme: Programme, found: Ways, groups: frozenset[int]) -> tuple[Rows, int]:
    """Return rows that tie deliveries to harvests by zone, and how many columns they add."""
    given, plates = programme.given, programme.plates
    start_q, start_d, width = programme.starts[1:]
    size, moments = len(given.names.groups), given.share.shape[1] + 1
    key = (found.zone * size + found.group) * moments + found.month + 1
    keys, source = np.unique(key, return_inverse=True)
    index, count = width + np.arange(len(key)), len(keys)
    mine = np.flatnonzero(np.isin(plates.group, sorted(groups)))
    places, to = np.unique(np.concatenate([found.of_plate[mine], found.place]), return_inverse=True)
    rows = [source, count + to[len(mine) :], count + to[: len(mine)]]
    columns, values = [index, index, start_d + mine], [
        np.ones(len(index)), -np.ones(len(index)), np.ones(len(mine)),
    ]  # fmt: skip
    # What a source has: its zone's harvests of the crops of its group, sold then or kept.
    zone, crop = programme.q
    for month in range(-1, moments - 1):
        share = _share(given.keeps, given.share, month)
        of = (zone * size + given.group[crop]) * moments + month + 1
        row = np.searchsorted(keys, of)
        held = np.flatnonzero((np.append(keys, -1)[row] == of) & (share[crop] > 0))
        rows.append(row[held])
        columns.append(start_q + held)
        values.append(-share[crop[held]])
    upper = np.zeros(count + len(places))
    stacked = Rows(np.concatenate(rows), np.concatenate(columns), np.concatenate(values), upper)
    return stacked, len(index)


def _share(keeps: Flags, share: Numbers, month: int) -> Numbers:
    return np.where(keeps, 1.0, 0.0) if month < 0 else np.where(keeps, 0.0, share[:, month])

"""Which kitchens together receive more than the zones that reach them can sell (Gale 1957).

A crop sold month by month serves a kitchen in that month only; a crop that keeps serves any month.
So a cut is over pairs of kitchen and month, of one food group.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order, maximum_flow

from friches.allocation.rows import Rows

if TYPE_CHECKING:
    from friches.allocation.arrays import Flags, Given, Indices, Numbers
    from friches.allocation.programme import Programme

WHOLE = 1_000_000_000
"""Flows are whole numbers of billionths of what is delivered."""


class Cut(NamedTuple):
    """Pairs of kitchen and month, by index, in one food group; zones follow from them."""

    group: int
    pairs: frozenset[tuple[int, int]]


def habits(given: Given, group: int) -> tuple[bool, bool]:
    """Return whether a food group has crops sold month by month, and crops that keep."""
    keeps = given.keeps[given.group == group]
    return bool((~keeps).any()), bool(keeps.any())


def first_cuts(programme: Programme) -> list[Cut]:
    """Return the cuts of all kitchens together: of each month, or of the year where crops keep."""
    plates = programme.plates
    found: dict[tuple[int, int], set[tuple[int, int]]] = {}
    for kitchen, group, month in zip(plates.kitchen, plates.group, plates.month, strict=True):
        when = -1 if habits(programme.given, int(group))[1] else int(month)
        found.setdefault((int(group), when), set()).add((int(kitchen), int(month)))
    return [Cut(group, frozenset(pairs)) for (group, _), pairs in sorted(found.items())]


def harvests(programme: Programme, x: Numbers) -> tuple[Numbers, Numbers]:
    """Return kg that zones can sell: by (zone, group, month), and kept (zone, group)."""
    entries, given = programme.entries, programme.given
    found = np.zeros((len(programme.zones), len(given.names.crops)))
    np.add.at(found, (entries.zone, entries.crop), entries.kg_ha * x[: len(entries.block)])
    sold = np.zeros((len(programme.zones), len(given.names.groups), given.share.shape[1]))
    kept = np.zeros(sold.shape[:2])
    for crop, group in enumerate(given.group):
        if given.keeps[crop]:
            kept[:, group] += found[:, crop]
        else:
            sold[:, group, :] += found[:, crop, None] * given.share[crop][None, :]
    return sold, kept


def violated(
    programme: Programme, x: Numbers, tolerance: float, besides: frozenset[int]
) -> list[Cut]:
    """Return cuts that a solution breaks by more than `tolerance` kg, and their like.

    Food groups `besides` are held otherwise.
    """
    plates, start = programme.plates, programme.starts[2]
    asked = np.zeros(programme.given.room.shape)
    sent = np.maximum(x[start : start + len(plates.kitchen)], 0.0) * programme.unit
    asked[plates.kitchen, plates.group, plates.month] = sent
    sold, kept = harvests(programme, x)
    found: dict[Cut, None] = {}
    for group in np.flatnonzero(asked.sum(axis=(0, 2)) > tolerance):
        if int(group) in besides:
            continue
        parts = asked[:, group], sold[:, group], kept[:, group]
        habit = habits(programme.given, int(group))
        for pairs in _broken(*parts, programme.zones, habit, tolerance):
            found |= dict.fromkeys(_alike(programme, int(group), pairs, every=habit[1]))
    return list(found)


def _alike(
    programme: Programme, group: int, pairs: frozenset[tuple[int, int]], *, every: bool
) -> list[Cut]:
    """Return the cut of these kitchens in each month: where one is broken, others soon are."""
    if every:
        return [Cut(group, pairs)]
    plates, kitchens = programme.plates, sorted({kitchen for kitchen, _ in pairs})
    mine = np.flatnonzero((plates.group == group) & np.isin(plates.kitchen, kitchens))
    months: dict[int, set[tuple[int, int]]] = {}
    for kitchen, month in zip(plates.kitchen[mine], plates.month[mine], strict=True):
        months.setdefault(int(month), set()).add((int(kitchen), int(month)))
    return [Cut(group, frozenset(found)) for _, found in sorted(months.items())]


def _broken(  # noqa: PLR0913, PLR0917 - one argument an array
    asked: Numbers,
    sold: Numbers,
    kept: Numbers,
    zones: Flags,
    habit: tuple[bool, bool],
    tolerance: float,
) -> list[frozenset[tuple[int, int]]]:
    months = asked.shape[1]
    if not habit[1]:  # each month on its own
        each = [(_short(sold[:, m], asked[:, m], zones, tolerance), m) for m in range(months)]
        return [frozenset((int(k), m) for k in ks) for ks, m in each if len(ks)]
    if not habit[0]:  # the year as a whole
        ks = _short(kept, asked.sum(axis=1), zones, tolerance)
        served = asked > 0
        return [frozenset((int(k), int(m)) for k in ks for m in np.flatnonzero(served[k]))] * bool(
            len(ks)
        )
    monthly = np.einsum("zk,mn->zmkn", zones, np.eye(months, dtype=bool))
    links = np.concatenate(
        [
            monthly.reshape(len(zones) * months, -1),
            np.repeat(zones[:, :, None], months, axis=2).reshape(len(zones), -1),
        ]
    )
    short = _short(np.concatenate([sold.ravel(), kept]), asked.ravel(), links, tolerance)
    return [frozenset((int(p) // months, int(p) % months) for p in short)] * bool(len(short))


def _short(have: Numbers, asked: Numbers, links: Flags, tolerance: float) -> Indices:
    """Return the places whose sources cannot give what they receive (none: it can be done)."""
    source, place = np.flatnonzero(have > 0), np.flatnonzero(asked > 0)
    total = asked.sum()
    if total <= tolerance:
        return place[:0]
    between = links[np.ix_(source, place)]
    if between.all() and total <= have.sum() + tolerance:
        return place[:0]
    scale = WHOLE / total
    graph = _graph(
        np.ceil(np.minimum(have[source], total) * scale), np.floor(asked[place] * scale), between
    )
    left = graph - maximum_flow(graph, 0, graph.shape[0] - 1).flow
    left.eliminate_zeros()
    reached = breadth_first_order(left, 0, return_predecessors=False)
    short = np.setdiff1d(np.arange(len(place)), reached - 1 - len(source))
    reach = between[:, short].any(axis=1)
    lacks = asked[place[short]].sum() - have[source[reach]].sum()
    return place[short] if short.size and lacks > tolerance else place[:0]


def _graph(have: Numbers, want: Numbers, links: Flags) -> csr_array:
    source, place = np.nonzero(links)
    sink = 1 + len(have) + len(want)
    rows = np.concatenate([np.zeros(len(have)), 1 + source, 1 + len(have) + np.arange(len(want))])
    columns = np.concatenate(
        [1 + np.arange(len(have)), 1 + len(have) + place, np.full(len(want), sink)]
    )
    most = np.concatenate([have, np.full(len(source), 2 * WHOLE), want]).astype(np.int32)
    index = rows.astype(np.int32), columns.astype(np.int32)
    return csr_array((most, index), shape=(sink + 1, sink + 1))


def cut_rows(programme: Programme, cuts: list[Cut]) -> tuple[Rows, int]:
    """Return the rows of the cuts and how many columns they add (harvest of a set of zones)."""
    zone, crop = programme.q
    start_q, start_d, width = programme.starts[1:]
    at = _columns(programme)
    sets: dict[tuple[bytes, int], int] = {}
    triplets: list[tuple[Indices, Numbers]] = []
    for cut in cuts:
        place = np.array([at[k, cut.group, m] for k, m in sorted(cut.pairs)]) + start_d
        harvest: dict[int, float] = {}
        for (reach, one), part in _weights(programme, cut).items():
            column = width + sets.setdefault((reach, one), len(sets))
            harvest[column] = harvest.get(column, 0.0) - part
        triplets.append(
            (
                np.concatenate([place, np.array(list(harvest), dtype=np.int64)]),
                np.concatenate([np.ones(len(place)), np.array(list(harvest.values()))]),
            )
        )
    for (mask, one), extra in sets.items():
        of = np.flatnonzero(np.frombuffer(mask, dtype=bool)[zone] & (crop == one))
        triplets.append((np.append(start_q + of, width + extra), np.append(-np.ones(len(of)), 1.0)))
    none = np.zeros(0, np.int64)
    rows = np.repeat(np.arange(len(triplets)), [len(index) for index, _ in triplets])
    index = np.concatenate([*(index for index, _ in triplets), none])
    value = np.concatenate([*(value for _, value in triplets), np.zeros(0)])
    return Rows(rows, index, value, np.zeros(len(triplets))), len(sets)


def _columns(programme: Programme) -> dict[tuple[int, int, int], int]:
    plates = programme.plates
    keys = zip(plates.kitchen.tolist(), plates.group.tolist(), plates.month.tolist(), strict=True)
    return {key: index for index, key in enumerate(keys)}


def _weights(programme: Programme, cut: Cut) -> dict[tuple[bytes, int], float]:
    """Return what share of the harvest of which zones and crop the cut's kitchens may receive."""
    given = programme.given
    crops = np.flatnonzero(given.group == cut.group)
    by_month: dict[int, list[int]] = {}
    for kitchen, month in sorted(cut.pairs):
        by_month.setdefault(month, []).append(kitchen)
    found: dict[tuple[bytes, int], float] = {}
    every = programme.zones[:, sorted({k for k, _ in cut.pairs})].any(axis=1).tobytes()
    for one in crops:
        if given.keeps[one]:
            found[every, int(one)] = 1.0
            continue
        for month, kitchens in by_month.items():
            if given.share[one, month] > 0:
                reach = programme.zones[:, kitchens].any(axis=1).tobytes()
                key = reach, int(one)
                found[key] = found.get(key, 0.0) + float(given.share[one, month])
    return found

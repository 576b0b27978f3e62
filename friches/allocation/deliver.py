"""From a solution to harvests and deliveries, by least travel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_array

from friches.allocation.arrays import MONTHS
from friches.allocation.parameters import parameters

if TYPE_CHECKING:
    from friches.allocation.arrays import Flags, Given, Indices, Numbers
    from friches.allocation.programme import Programme
    from friches.allocation.solve import Solution

SQUARE_M = 1e-4
"""Hectares (one square metre) below which a plot is rounding of the solver, not land."""


GRAM = 1e-3
"""What a kitchen may miss, kg, before it is said that a solution asks too much."""


class Lots(NamedTuple):
    """Harvests that go out one way: one entry a block, crop and outlet."""

    block: Indices
    farmer: Indices
    crop: Indices
    via: Indices  # collective they pass through; -1: none
    area: Numbers
    kg_ha: Numbers  # (lot, low/central/high), all that is deliverable


class Deliveries(NamedTuple):
    """What goes from a block to a kitchen: one entry a way, kitchen, group and month."""

    block: Indices
    farmer: Indices
    via: Indices
    kept: Indices  # 1: of crops that keep, from what the year has given
    kitchen: Indices
    group: Indices
    month: Indices
    kg: Numbers
    minutes: Numbers


def lots(programme: Programme, solution: Solution) -> Lots:
    """Return the plots of a solution: the farm that works each, the way its harvest goes."""
    given, entries = programme.given, programme.entries
    farmer = solution.farmer[entries.block] if len(entries.block) else entries.block
    area = np.maximum(solution.x[: len(entries.block)], 0.0)
    teams = {(int(f), int(t)) for f, t in zip(given.arcs.farmer, given.arcs.team, strict=True)}
    own = np.array(
        [pair in teams for pair in zip(farmer.tolist(), entries.team.tolist(), strict=True)], bool
    )
    kept = np.flatnonzero(own & (area > SQUARE_M)) if len(own) else np.zeros(0, np.int64)
    at = np.full((len(given.names.blocks), len(given.names.crops)), -1, dtype=np.int64)
    at[given.offer.block, given.offer.crop] = np.arange(len(given.offer.block))
    source = at[entries.block[kept], entries.crop[kept]]
    collective = given.teams.collective[entries.team[kept]]
    hub = np.where(collective, farmer[kept], given.hub[entries.block[kept]])
    return Lots(
        entries.block[kept],
        farmer[kept],
        entries.crop[kept],
        np.where(entries.via[kept], hub, -1),
        area[kept],
        given.offer.kg_ha[source],
    )


def sold(given: Given, found: Lots) -> Numbers:
    """Return what each lot can sell to canteens: kg by (lot, month), and the year's kg kept, last.

    What a lot of a crop that keeps can sell is in the last column, whatever the month.
    """
    kg = found.area * found.kg_ha[:, 1] * np.where(found.via >= 0, parameters().canteen_share, 1.0)
    keeps = given.keeps[found.crop]
    monthly = np.where(keeps[:, None], 0.0, kg[:, None] * given.share[found.crop])
    return np.column_stack([monthly, np.where(keeps, kg, 0.0)])


def wanted(programme: Programme, solution: Solution) -> Numbers:
    """Return what the solution delivers, kg by (kitchen, group, month)."""
    plates, start = programme.plates, programme.starts[2]
    found = np.zeros(programme.given.room.shape)
    sent = np.maximum(solution.x[start:], 0.0) * programme.unit
    found[plates.kitchen, plates.group, plates.month] = np.minimum(sent, plates.room)
    return found


def deliveries(given: Given, found: Lots, asked: Numbers) -> Deliveries:
    """Return what goes where: all of `asked` (kitchen, group, month), by least kg x minutes.

    One transport programme a food group and month, or a food group where its crops keep: the areas
    are settled.
    """
    parts = [_of_group(given, found, asked, int(group)) for group in _groups(given, found)]
    if not parts:
        none, zero = np.zeros(0, np.int64), np.zeros(0)
        return Deliveries(none, none, none, none, none, none, none, zero, zero)
    return Deliveries(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _groups(given: Given, found: Lots) -> Indices:
    return np.unique(given.group[found.crop])


def _of_group(given: Given, found: Lots, asked: Numbers, group: int) -> Deliveries:
    rows = np.flatnonzero(given.group[found.crop] == group)
    habit = given.keeps[found.crop[rows]].astype(np.int64)
    key = np.column_stack([found.block[rows], found.farmer[rows], found.via[rows], habit])
    ways, of = np.unique(key, axis=0, return_inverse=True)
    have = np.zeros((len(ways), len(MONTHS) + 1))
    np.add.at(have, of.reshape(-1), sold(given, found)[rows])
    minutes, kept = _minutes(given, ways), ways[:, 3] == 1
    sent = _by_month(have, kept, asked[:, group], minutes)
    if asked[:, group].sum() - sent.sum() > GRAM * sent.size:
        # A solution that is not exact asks for what cannot be sent: send it to whom it can.
        room = np.maximum(given.room[:, group] - sent.sum(axis=0), 0.0)
        sent += _by_month(_after(have, sent, kept), kept, room, minutes)
    way, kitchen, month = np.nonzero(sent > 0)
    return Deliveries(
        ways[way, 0],
        ways[way, 1],
        ways[way, 2],
        ways[way, 3],
        kitchen,
        np.full(len(way), group),
        month,
        sent[way, kitchen, month],
        minutes[way, kitchen],
    )


def _after(have: Numbers, sent: Numbers, kept: Flags) -> Numbers:
    gone = sent.sum(axis=1)
    monthly = np.where(kept[:, None], have[:, :-1], have[:, :-1] - gone)
    yearly = np.where(kept, have[:, -1] - gone.sum(axis=1), have[:, -1])
    return np.asarray(np.maximum(np.column_stack([monthly, yearly]), 0.0))


def _by_month(have: Numbers, kept: Flags, asked: Numbers, minutes: Numbers) -> Numbers:
    """Return kg by (way, kitchen, month)."""
    kitchens, months = asked.shape
    if not kept.any():
        monthly = [_sent(have[:, m], asked[:, m], minutes) for m in range(months)]
        return np.stack(monthly, axis=2)
    if kept.all():
        year = asked.sum(axis=1)
        part = np.divide(asked, year[:, None], out=np.zeros_like(asked), where=year[:, None] > 0)
        return np.asarray(_sent(have[:, -1], year, minutes)[:, :, None] * part[None])
    # Both: a source a way and month, and a source a way for the year; a place a kitchen and month.
    spread = np.where(
        np.eye(months, dtype=bool)[None, :, None, :], minutes[:, None, :, None], np.inf
    )
    trips = np.concatenate(
        [
            spread.reshape(len(have) * months, -1),
            np.repeat(minutes[:, :, None], months, axis=2).reshape(len(have), -1),
        ]
    )
    flat = _sent(np.concatenate([have[:, :-1].ravel(), have[:, -1]]), asked.ravel(), trips)
    monthly_kg = flat[: len(have) * months].reshape(len(have), months, kitchens, months).sum(axis=1)
    return np.asarray(monthly_kg + flat[len(have) * months :].reshape(len(have), kitchens, months))


def _minutes(given: Given, ways: Indices) -> Numbers:
    # Through a collective: the trip to it; its rounds reach every kitchen.
    own = given.to_canteen[ways[:, 0]]
    to_hub = np.where(np.isfinite(given.to_hub), given.to_hub, 0.0)[ways[:, 0]]
    return np.where(ways[:, 2:3] >= 0, to_hub[:, None], own)


def _sent(have: Numbers, room: Numbers, minutes: Numbers) -> Numbers:
    """Return kg by (way, kitchen): all that can be sent, then least kg x minutes."""
    found = np.zeros(minutes.shape)
    ways, kitchens = np.flatnonzero(have > 0), np.flatnonzero(room > 0)
    way, kitchen = np.nonzero(np.isfinite(minutes[np.ix_(ways, kitchens)]))
    if not way.size:
        return found
    trip = minutes[ways[way], kitchens[kitchen]]
    index = np.arange(len(way))
    # A kg more is worth any detour: a chain of changes passes each kitchen once at most. Of equal
    # trips, the first.
    cost = trip / max(trip.max(), 1.0) + 1e-5 * index / len(index) - (len(kitchens) + 1)
    unit = max(float(np.minimum(have[ways].max(), room[kitchens].max())), 1e-9)
    links = csr_array(
        (
            np.ones(2 * len(way)),
            (np.concatenate([way, len(ways) + kitchen]), np.concatenate([index, index])),
        ),
        shape=(len(ways) + len(kitchens), len(way)),
    )
    upper = np.concatenate([have[ways], room[kitchens]]) / unit
    solver: Any = linprog
    solved = solver(cost, A_ub=links, b_ub=upper, method="highs")
    if solved.x is None:
        raise RuntimeError(f"deliveries not solved: {solved.message}")
    found[ways[way], kitchens[kitchen]] = np.maximum(solved.x, 0.0) * unit
    return _within(found, have, room)


def _within(sent: Numbers, have: Numbers, room: Numbers) -> Numbers:
    # The solver's tolerance must not deliver a gram that was not grown.
    sent = np.where(sent < 1e-6, 0.0, sent)
    for axis, most in ((1, have), (0, room)):
        total = sent.sum(axis=axis)
        over = total > most
        factor = np.ones_like(total)
        factor[over] = most[over] / total[over]
        sent = sent * (factor[:, None] if axis else factor[None, :])
    return sent

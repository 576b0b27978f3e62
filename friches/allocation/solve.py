"""Solve an allocation: meals first, then the least served kitchen, then travel (HiGHS).

Few pairs of block and farm: the three aims one after the other, one farm a block in whole numbers.
Many: meals and travel in one linear programme, travel weighing next to nothing; then each block
goes to the farm that takes most of it, and deliveries are made fair. The optimum of the linear
programme, where farms may share a block, bounds the meals either way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from friches.allocation.cuts import cut_rows, first_cuts, violated
from friches.allocation.highs import in_whole, linear
from friches.allocation.parameters import parameters
from friches.allocation.programme import Programme, Rows, stacked, widened
from friches.allocation.ways import few, way_rows, ways

if TYPE_CHECKING:
    from friches.allocation.cuts import Cut
    from friches.allocation.given import Flags, Indices, Numbers
    from friches.allocation.highs import Point

BROKEN = 1e-6
"""Share of all that kitchens lack by which a cut may be broken: what is sent makes up for it."""
STILL = 1e-6
"""Share of the objective under which one more series of cuts has changed nothing."""
TAKEN = 1e-6
"""Hectares from which a farm is said to take land of a block."""


EVEN = 1e-6
"""Share of the bound under which a rounded solution is as good as one in whole numbers."""


class Extra(NamedTuple):
    """One more row over the columns of a programme (and the share of the least served, last)."""

    column: Indices
    value: Numbers
    upper: float


class Solution(NamedTuple):
    """The allocation: columns, which farm works which block, and how far from the bound."""

    x: Numbers
    farmer: Indices  # by block; -1: none
    bound: float
    prices: Numbers  # meals a unit more of each row of the programme
    rows: int
    columns: int


class Desk(NamedTuple):
    """What the steps of one solution share."""

    programme: Programme
    rows: Rows  # deliveries as columns, for some food groups
    more: int  # columns that these rows add
    groups: frozenset[int]
    cuts: list[Cut]  # deliveries of the other groups
    open_pairs: Flags
    whole: bool = False  # one farm a block, in whole numbers
    settled: Numbers | None = None  # hectares that may not change any more


def solve(programme: Programme, *, exact: bool = True) -> Solution:
    """Return the best allocation found, and the bound on its meals.

    Without `exact`, whole numbers are rounded whatever the size.
    """
    pairs = len(programme.given.arcs.block)
    if not len(programme.entries.block) or not len(programme.plates.kitchen):
        none = np.full(len(programme.given.names.blocks), -1, dtype=np.int64)
        width, rows = programme.starts[3], len(programme.limits)
        return Solution(np.zeros(width), none, 0.0, np.zeros(rows), rows, width)
    found = ways(programme)
    part, groups = few(found, parameters().flows)
    desk = Desk(programme, *way_rows(programme, part, groups), groups, [], np.ones(pairs, bool))
    desk.cuts.extend(cut for cut in first_cuts(programme) if cut.group not in groups)
    if exact and pairs <= parameters().exact_pairs and len(found.zone) <= parameters().exact_flows:
        return _exact(desk)
    return _rounded(desk)


def _exact(desk: Desk) -> Solution:
    programme = desk.programme
    best, point = _ordered(desk)
    bound = best.bound
    if _tidy(programme, point.x):
        return _solution(desk, best, point, bound)
    tidied, point = _tidied(desk, point)
    if _meals(programme) @ point.x < bound * (1 - EVEN):
        point = _best(desk._replace(whole=True), _both(desk), [])
        bound = min(bound, -point.bound + _worth_of_travel(programme))
        tidied = desk._replace(open_pairs=_winners(programme, point.x, used_only=True))
    best, point = _ordered(tidied)
    return _solution(tidied, best, point, bound)


def _rounded(desk: Desk) -> Solution:
    programme = desk.programme
    # All deliveries as cuts, one series of them: fewer only raise the bound, and the programme is
    # far smaller once rounded.
    loose = desk._replace(**_no_ways(desk), cuts=first_cuts(programme))
    point, _ = _cut(loose, _both(desk), [], 1)
    bound = min(-point.value + _worth_of_travel(programme), _all_closed(programme))
    loose, point = _tidied(loose, point)
    desk = desk._replace(open_pairs=loose.open_pairs)
    desk, point = _tidied(desk, _best(desk, _both(desk), []))
    desk = desk._replace(settled=point.x[: programme.starts[1]])
    return _solution(desk, point, _fair_deliveries(desk), bound)


def _no_ways(desk: Desk) -> dict[str, Any]:
    none = np.zeros(0, np.int64)
    return {"rows": Rows(none, none, np.zeros(0), np.zeros(0)), "more": 0, "groups": frozenset()}


def _tidied(desk: Desk, point: Point) -> tuple[Desk, Point]:
    """Return a desk and a point with one farm a block, and no block taken for next to nothing."""
    programme = desk.programme
    if _shared(programme, point.x).any():
        desk = desk._replace(open_pairs=_winners(programme, point.x))
        point = _best(desk, _both(desk), [])
    while _slivers(programme, point.x).any():
        used = _taken(programme, point.x) > TAKEN
        desk = desk._replace(open_pairs=used & ~_slivers(programme, point.x))
        point = _best(desk, _both(desk), [])
    return desk, point


def _both(desk: Desk) -> Numbers:
    """Return the cost of meals and travel together, travel weighing next to nothing."""
    return np.asarray(parameters().travel * _travel(desk) - _meals(desk.programme))


def _all_closed(programme: Programme) -> float:
    plates = programme.plates
    return float(programme.given.per_kg[plates.kitchen] @ plates.room)


def _worth_of_travel(programme: Programme) -> float:
    """Return the meals that this weight can hide at most: every block taken from farthest away."""
    most = np.zeros(len(programme.area))
    np.maximum.at(most, programme.given.arcs.block, programme.given.arcs.cost)
    hectares = programme.area * (most > 0)
    return parameters().travel * float(hectares @ (most + 2 * parameters().land))


def _solution(desk: Desk, best: Point, point: Point, bound: float) -> Solution:
    programme = desk.programme
    farmer = np.full(len(programme.given.names.blocks), -1, dtype=np.int64)
    held = _taken(programme, point.x) > TAKEN
    farmer[programme.given.arcs.block[held]] = programme.given.arcs.farmer[held]
    rows = len(programme.limits) + len(desk.cuts) + len(desk.rows.upper)
    size = rows, programme.starts[3] + desk.more
    return Solution(point.x, farmer, bound, best.prices, *size)


# ------------------------------------------------------------------ the three aims


def _ordered(desk: Desk) -> tuple[Point, Point]:
    """Return the point of most meals, and the last one: as many meals, fairly, by least travel."""
    meals = _meals(desk.programme)
    best = _best(desk, -meals, [])
    at = np.flatnonzero(meals)
    kept = [Extra(at, -meals[at], best.value * (1 - parameters().slack))]
    kept += _fair(desk, kept)
    return best._replace(bound=-best.bound), _best(desk, _travel(desk), kept)


def _meals(programme: Programme) -> Numbers:
    cost = np.zeros(programme.starts[3])
    start = programme.starts[2]
    cost[start:] = programme.given.per_kg[programme.plates.kitchen] * programme.unit
    return cost


def _travel(desk: Desk) -> Numbers:
    programme = desk.programme
    cost = np.zeros(programme.starts[3])
    y, q = programme.starts[:2]
    # Hectares sown beyond what canteens take are not free: the least is sown.
    cost[:y] = parameters().preference
    cost[y:q] = programme.given.arcs.cost + parameters().land
    return cost


def _fair(desk: Desk, kept: list[Extra]) -> list[Extra]:
    """Return rows that hold the lowest closed share as high as it can be, then the next ones."""
    programme = desk.programme
    columns, lacking = _kitchens(programme)
    held: list[Extra] = []
    free = sorted(columns)
    for _ in range(parameters().fair_rounds):
        if len(free) < 2:
            break
        rows = [_above(columns[k], lacking[k], programme) for k in free]
        cost = np.append(np.zeros(programme.starts[3]), -1.0)
        point = _best(desk, cost, [*kept, *held, *rows])
        own = point.extra_prices[len(kept) + len(held) :][: len(free)]
        tight = [k for k, price in zip(free, own, strict=True) if price > TAKEN] or free
        held += [_least(columns[k], -lacking[k] * point.value) for k in free]
        free = [k for k in free if k not in tight]
    return held


def _fair_deliveries(desk: Desk) -> Point:
    """Return deliveries, of settled hectares, that raise the lowest closed share."""
    programme, meals = desk.programme, _meals(desk.programme)
    rounds = parameters().rounds
    point, sound = _cut(desk, -meals, [], rounds)
    if not sound:
        return point
    at, columns = np.flatnonzero(meals), _kitchens(programme)
    kept = Extra(at, -meals[at], point.value * (1 - 10 * BROKEN))
    rows = [_above(columns[0][k], columns[1][k], programme) for k in sorted(columns[0])]
    cost = np.append(np.zeros(programme.starts[3]), -1.0)
    return _cut(desk, cost, [kept, *rows], rounds)[0]


def _kitchens(programme: Programme) -> tuple[dict[int, Indices], Numbers]:
    start, kitchens = programme.starts[2], programme.plates.kitchen
    lacking = programme.given.room.sum(axis=(1, 2)) / programme.unit
    return {int(k): start + np.flatnonzero(kitchens == k) for k in np.unique(kitchens)}, lacking


def _above(columns: Indices, lacking: float, programme: Programme) -> Extra:
    column = np.append(columns, programme.starts[3])
    return Extra(column, np.append(-np.ones(len(columns)), lacking), 0.0)


def _least(columns: Indices, least: float) -> Extra:
    return Extra(columns, -np.ones(len(columns)), -least * (1 - parameters().slack))


# ------------------------------------------------------------------ one farm a block


def _taken(programme: Programme, x: Numbers) -> Numbers:
    y, q = programme.starts[:2]
    return x[y:q]


def _tidy(programme: Programme, x: Numbers) -> bool:
    return not _shared(programme, x).any() and not _slivers(programme, x).any()


def _shared(programme: Programme, x: Numbers) -> Flags:
    """Return which blocks several farms take."""
    taken = _taken(programme, x) > TAKEN
    blocks = len(programme.given.names.blocks)
    return np.bincount(programme.given.arcs.block[taken], minlength=blocks) > 1


def _slivers(programme: Programme, x: Numbers) -> Flags:
    """Return the pairs of blocks of which less is taken than is worth coming for."""
    arcs, blocks = programme.given.arcs, len(programme.given.names.blocks)
    land = np.bincount(arcs.block, _taken(programme, x), minlength=blocks)
    sliver = (land > TAKEN) & (land < parameters().least - TAKEN)
    return np.asarray(sliver[arcs.block])


def _winners(programme: Programme, x: Numbers, *, used_only: bool = False) -> Flags:
    """Return one pair a block: the farm that takes most of it, else the best placed with land left.

    With `used_only`, blocks that nobody takes have none.
    """
    given, taken = programme.given, _taken(programme, x)
    arcs = given.arcs
    left = given.wants - np.bincount(arcs.farmer, taken, minlength=len(given.names.farmers))
    full = left[arcs.farmer] < parameters().least
    order = np.lexsort((arcs.farmer, arcs.cost, full, -np.round(taken, 6), arcs.block))
    first = np.ones(len(order), dtype=bool)
    first[1:] = arcs.block[order][1:] != arcs.block[order][:-1]
    kept = np.zeros(len(order), dtype=bool)
    kept[order[first]] = True
    return kept & (taken > TAKEN) if used_only else kept


# ------------------------------------------------------------------ one programme


def _best(desk: Desk, cost: Numbers, extra: list[Extra]) -> Point:
    """Return the least of `cost` over the programme, adding cuts until they change nothing.

    Deliveries alone may still break a cut, with hectares that can do as well: they are settled
    afterwards.
    """
    before = -np.inf
    while True:
        point, sound = _cut(desk, cost, extra, 1)
        if sound or point.value - before <= STILL * abs(point.value):
            return point
        before = point.value


def _cut(desk: Desk, cost: Numbers, extra: list[Extra], rounds: int) -> tuple[Point, bool]:
    """Return the least of `cost` after some series of cuts, and whether it breaks none."""
    grams = BROKEN * float(desk.programme.plates.room.sum())
    for _ in range(rounds):
        point = _once(desk, cost, extra)
        broken = violated(desk.programme, point.x, grams, desk.groups)
        news = [cut for cut in broken if cut not in set(desk.cuts)]
        if not news:
            return point, True
        desk.cuts.extend(news)
    return point, False


def _once(desk: Desk, cost: Numbers, extra: list[Extra]) -> Point:
    programme = desk.programme
    width, pairs = programme.starts[3], len(desk.open_pairs)
    cuts, held = cut_rows(programme, desk.cuts)
    more = held + desk.more
    own = len(cost) - width  # the share of the least served, where it is maximised
    # Columns: those of the programme, of deliveries or cuts, the least share, whole pairs.
    size = width + more + own + (pairs if desk.whole else 0)
    ways_on = desk.rows._replace(column=_moved(desk.rows.column, width, held))
    parts = [cuts, ways_on, _extra_rows(extra, width, more)]
    if desk.whole:
        parts.append(_whole_rows(programme, size - pairs))
    matrix, upper = widened(programme.matrix, stacked(parts, size))
    ends = _ends(desk, size, width + more, own)
    full = np.zeros(size)
    full[:width] = cost[:width]
    full[width + more : width + more + own] = cost[width:]
    upper = np.concatenate([programme.limits, upper])
    counts = (
        len(programme.limits),
        len(programme.limits) + len(cuts.upper) + len(ways_on.upper),
        width,
    )
    if desk.whole:
        kinds = np.zeros(size)
        kinds[size - pairs :] = 1
        return in_whole(full, matrix, upper, ends, kinds, counts)
    return linear(full, matrix, upper, ends, counts)


def _ends(desk: Desk, size: int, at: int, own: int) -> tuple[Numbers, Numbers]:
    programme = desk.programme
    y, q, _, width = programme.starts
    least, most = np.zeros(size), np.full(size, np.inf)
    most[:width] = programme.upper
    most[y:q] = np.where(desk.open_pairs, most[y:q], 0.0)
    if desk.settled is not None:
        most[:q] = np.maximum(desk.settled, 0.0)
        least[:q] = most[:q]
    most[at : at + own] = 1.0
    if desk.whole:
        most[at + own :] = 1.0
    return least, most


def _moved(column: Indices, width: int, by: int) -> Indices:
    return np.where(column >= width, column + by, column)


def _extra_rows(extra: list[Extra], width: int, more: int) -> Rows:
    none = np.zeros(0, np.int64)
    column = np.concatenate([*(one.column for one in extra), none]).astype(np.int64)
    return Rows(
        np.repeat(np.arange(len(extra)), [len(one.column) for one in extra]),
        _moved(column, width, more),
        np.concatenate([*(one.value for one in extra), np.zeros(0)]),
        np.array([one.upper for one in extra]),
    )


def _whole_rows(programme: Programme, start: int) -> Rows:
    # One farm a block at most; it takes nothing, or what is worth coming for.
    arcs, (y, q) = programme.given.arcs, programme.starts[:2]
    pairs, count = np.arange(q - y), q - y
    blocks, row = np.unique(arcs.block, return_inverse=True)
    least = np.full(count, parameters().least)
    return Rows(
        np.concatenate([pairs, pairs, count + pairs, count + pairs, 2 * count + row]),
        np.concatenate([y + pairs, start + pairs, y + pairs, start + pairs, start + pairs]),
        np.concatenate(
            [np.ones(count), -programme.upper[y:q], -np.ones(count), least, np.ones(count)]
        ),
        np.concatenate([np.zeros(2 * count), np.ones(len(blocks))]),
    )

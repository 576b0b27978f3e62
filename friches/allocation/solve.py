"""Solve an allocation: meals first, then the least served kitchen, then travel (HiGHS).

Few pairs of block and farm: the three aims one after the other, one farm a block in whole numbers.
Many: meals and travel in one linear programme, travel weighing next to nothing; then each block
goes to the farm that takes most of it, and deliveries are made fair. The optimum of the linear
programme, where farms may share a block, bounds the meals either way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from friches.allocation.cuts import first_cuts
from friches.allocation.desk import BROKEN, Desk, Extra, best, cut
from friches.allocation.onefarm import TAKEN, shared, slivers, taken, tidy, winners
from friches.allocation.parameters import parameters
from friches.allocation.rows import Rows
from friches.allocation.ways import few, way_rows, ways

if TYPE_CHECKING:
    from friches.allocation.arrays import Indices, Numbers
    from friches.allocation.highs import Point
    from friches.allocation.programme import Programme

EVEN = 1e-6
"""Share of the bound under which a rounded solution is as good as one in whole numbers."""


class Solution(NamedTuple):
    """The allocation: columns, which farm works which block, and how far from the bound."""

    x: Numbers
    farmer: Indices  # by block; -1: none
    bound: float
    prices: Numbers  # meals a unit more of each row of the programme
    rows: int
    columns: int


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
    most, point = _ordered(desk)
    bound = most.bound
    if tidy(programme, point.x):
        return _solution(desk, most, point, bound)
    tidied, point = _tidied(desk, point)
    if _meals(programme) @ point.x < bound * (1 - EVEN):
        point = best(desk._replace(whole=True), _both(desk), [])
        bound = min(bound, -point.bound + _worth_of_travel(programme))
        tidied = desk._replace(open_pairs=winners(programme, point.x, used_only=True))
    most, point = _ordered(tidied)
    return _solution(tidied, most, point, bound)


def _rounded(desk: Desk) -> Solution:
    programme = desk.programme
    # All deliveries as cuts, one series of them: fewer only raise the bound, and the programme is
    # far smaller once rounded.
    loose = desk._replace(**_no_ways(), cuts=first_cuts(programme), tight=True)
    point, _ = cut(loose, _both(desk), [], 1)
    bound = min(-point.value + _worth_of_travel(programme), _all_closed(programme))
    loose, point = _tidied(loose, point)
    desk = desk._replace(open_pairs=loose.open_pairs)
    desk, point = _tidied(desk, best(desk, _both(desk), []))
    desk = desk._replace(settled=point.x[: programme.starts[1]])
    return _solution(desk, point, _fair_deliveries(desk), bound)


def _no_ways() -> dict[str, Any]:
    none = np.zeros(0, np.int64)
    return {"rows": Rows(none, none, np.zeros(0), np.zeros(0)), "more": 0, "groups": frozenset()}


def _tidied(desk: Desk, point: Point) -> tuple[Desk, Point]:
    """Return a desk and a point with one farm a block, and no block taken for next to nothing."""
    programme = desk.programme
    if shared(programme, point.x).any():
        desk = desk._replace(open_pairs=winners(programme, point.x))
        point = best(desk, _both(desk), [])
    while slivers(programme, point.x).any():
        used = taken(programme, point.x) > TAKEN
        desk = desk._replace(open_pairs=used & ~slivers(programme, point.x))
        point = best(desk, _both(desk), [])
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


def _solution(desk: Desk, priced: Point, point: Point, bound: float) -> Solution:
    programme = desk.programme
    farmer = np.full(len(programme.given.names.blocks), -1, dtype=np.int64)
    held = taken(programme, point.x) > TAKEN
    farmer[programme.given.arcs.block[held]] = programme.given.arcs.farmer[held]
    rows = len(programme.limits) + len(desk.cuts) + len(desk.rows.upper)
    size = rows, programme.starts[3] + desk.more
    return Solution(point.x, farmer, bound, priced.prices, *size)


# ------------------------------------------------------------------ the three aims


def _ordered(desk: Desk) -> tuple[Point, Point]:
    """Return the point of most meals, and the last one: as many meals, fairly, by least travel."""
    meals = _meals(desk.programme)
    most = best(desk, -meals, [])
    at = np.flatnonzero(meals)
    kept = [Extra(at, -meals[at], most.value * (1 - parameters().slack))]
    kept += _fair(desk, kept)
    return most._replace(bound=-most.bound), best(desk, _travel(desk), kept)


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
        point = best(desk, cost, [*kept, *held, *rows])
        own = point.extra_prices[len(kept) + len(held) :][: len(free)]
        tight = [k for k, price in zip(free, own, strict=True) if price > TAKEN] or free
        held += [_least(columns[k], -lacking[k] * point.value) for k in free]
        free = [k for k in free if k not in tight]
    return held


def _fair_deliveries(desk: Desk) -> Point:
    """Return deliveries, of settled hectares, that raise the lowest closed share."""
    programme, meals = desk.programme, _meals(desk.programme)
    rounds = parameters().rounds
    point, sound = cut(desk, -meals, [], rounds)
    if not sound:
        return point
    at, columns = np.flatnonzero(meals), _kitchens(programme)
    kept = Extra(at, -meals[at], point.value * (1 - 10 * BROKEN))
    rows = [_above(columns[0][k], columns[1][k], programme) for k in sorted(columns[0])]
    cost = np.append(np.zeros(programme.starts[3]), -1.0)
    return cut(desk, cost, [kept, *rows], rounds)[0]


def _kitchens(programme: Programme) -> tuple[dict[int, Indices], Numbers]:
    start, kitchens = programme.starts[2], programme.plates.kitchen
    lacking = programme.given.room.sum(axis=(1, 2)) / programme.unit
    return {int(k): start + np.flatnonzero(kitchens == k) for k in np.unique(kitchens)}, lacking


def _above(columns: Indices, lacking: float, programme: Programme) -> Extra:
    column = np.append(columns, programme.starts[3])
    return Extra(column, np.append(-np.ones(len(columns)), lacking), 0.0)


def _least(columns: Indices, least: float) -> Extra:
    return Extra(columns, -np.ones(len(columns)), -least * (1 - parameters().slack))

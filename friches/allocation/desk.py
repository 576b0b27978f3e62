"""One programme with its deliveries put together, solved, and cut until its deliveries hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from friches.allocation.cuts import cut_rows, violated
from friches.allocation.highs import in_whole, linear
from friches.allocation.parameters import parameters
from friches.allocation.rows import Rows, stacked, widened

if TYPE_CHECKING:
    from friches.allocation.arrays import Flags, Indices, Numbers
    from friches.allocation.cuts import Cut
    from friches.allocation.highs import Point
    from friches.allocation.programme import Programme

BROKEN = 1e-6
"""Share of all that kitchens lack by which a cut may be broken: what is sent makes up for it."""
STILL = 1e-6
"""Share of the objective under which one more series of cuts has changed nothing."""


class Extra(NamedTuple):
    """One more row over the columns of a programme (and the share of the least served, last)."""

    column: Indices
    value: Numbers
    upper: float


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
    tight: bool = False  # hectares are bounded too: quicker, without the prices of their rows


def best(desk: Desk, cost: Numbers, extra: list[Extra]) -> Point:
    """Return the least of `cost` over the programme, adding cuts until they change nothing.

    Deliveries alone may still break a cut, with hectares that can do as well: they are settled
    afterwards.
    """
    before = -np.inf
    while True:
        point, sound = cut(desk, cost, extra, 1)
        if sound or point.value - before <= STILL * abs(point.value):
            return point
        before = point.value


def cut(desk: Desk, cost: Numbers, extra: list[Extra], rounds: int) -> tuple[Point, bool]:
    """Return the least of `cost` after some series of cuts, and whether it breaks none."""
    grams = BROKEN * float(desk.programme.plates.room.sum())
    for _ in range(rounds):
        point = once(desk, cost, extra)
        broken = violated(desk.programme, point.x, grams, desk.groups)
        news = [cut for cut in broken if cut not in set(desk.cuts)]
        if not news:
            return point, True
        desk.cuts.extend(news)
    return point, False


def once(desk: Desk, cost: Numbers, extra: list[Extra]) -> Point:
    """Return the least of `cost` over the programme and the rows it has now."""
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
    if not desk.tight:
        most[:q] = np.inf  # hectares are held by rows, so that these have prices
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

"""Blocks cut into parcels that share every vertex of their common edges, bit for bit.

Convex pieces are cut again and again, all at once. Every vertex remembers the lines it lies on;
at the end each edge takes in all the vertices of its line, so that neighbours agree exactly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import shapely
from scipy.spatial import KDTree

from friches.sample.pieces import (
    CORNERS,
    Ints,
    Lines,
    Members,
    Pieces,
    cut,
    following,
    joined,
    metres_along,
    middle,
    ring_of,
)
from friches.sample.roads import WIDTH_M, Net
from friches.sample.terrain import Floats, causse, chance, noise, river_offset, warp

if TYPE_CHECKING:
    from numpy.typing import NDArray

SMALLEST_M2, LARGEST_M2 = 520.0, 46_000.0
NEAREST_M = 0.05
"""Two corners nearer than this are made one, or rounding to the centimetre might cross them."""
WOBBLE_M = 1.8
"""How far a hedge strays from the straight line between two corners."""
BEND_M = 55.0
"""A vertex is added about every so many metres, so that edges follow the bent land."""


class Plan(NamedTuple):
    """The parcels: geometry (n,), block (n,), group (n,) the farmed field they belong to."""

    geometry: NDArray[np.object_]
    block: Ints
    group: Ints


def parcels(net: Net, seed: int) -> Plan:
    """Cut every block of the territory into parcels of 0.05 to 5 ha."""
    near = KDTree(net.nodes[np.union1d(net.hamlets, net.villages)])
    pieces, members, lines = _first_pieces(net)
    done: list[Pieces] = []
    while len(pieces.size):
        ready, group = _judged(pieces, near, seed)
        pieces = pieces._replace(group=group)
        done.append(pieces.take(ready))
        pieces, members, lines = cut(pieces.take(~ready), members, lines, seed + 97 * len(done))
    return _assembled(joined(done), members, lines, seed)


def _first_pieces(net: Net) -> tuple[Pieces, Members, Lines]:
    """Shrink the blocks by half the width of what runs along them.

    Where two sides are all but in line, shrinking one of them would move their corner far along
    the other: such a side is left as it is, and the road just touches the parcels.
    """
    width = WIDTH_M[net.kind] / 2
    nodes = KDTree(net.nodes)
    for _ in range(5):
        block, line, lines = _sides(net, width)
        pieces, members = _corners(block, line, lines, net)
        far = nodes.query(members.xy[0])[0] > 12
        bent = np.unique(np.concatenate([members.line[0][far], members.line[1][far]]) % len(width))
        bent = bent[width[bent] > 0]
        if not len(bent):
            break
        width[bent] = 0
    return pieces, members, lines


def _sides(net: Net, width: Floats) -> tuple[Ints, Ints, Lines]:
    """Return for each side of each block the block and its line, around the block; the lines."""
    a, b = net.nodes[net.edges[:, 0]], net.nodes[net.edges[:, 1]]
    direction = (b - a) / np.maximum(np.linalg.norm(b - a, axis=1), 1e-9)[:, None]
    count = len(a)
    normal = np.column_stack([-direction[:, 1], direction[:, 0]])
    origins = []
    for side in (0, 1):
        sign = np.sign(((net.seeds[net.sides[:, side]] - a) * normal).sum(axis=1))
        origins.append(a + normal * (sign * width)[:, None])
    lines = Lines(np.concatenate(origins), np.tile(direction, (2, 1)), np.tile(width > 0, 2))
    number = np.concatenate([np.arange(count), np.where(width > 0, count, 0) + np.arange(count)])
    block = np.concatenate([net.sides[:, 0], net.sides[:, 1]])
    keep = net.inside[block]
    middle = np.tile((a + b) / 2, (2, 1)) - net.seeds[block]
    order = np.lexsort((np.arctan2(middle[:, 1], middle[:, 0]), block))
    order = order[keep[order]]
    return block[order], number[order], lines


def _corners(block: Ints, line: Ints, lines: Lines, net: Net) -> tuple[Pieces, Members]:
    """Intersect the lines of each block, dropping those that vanish behind their neighbours."""
    for _ in range(6):
        first, size = _runs(block)
        place = np.arange(len(block)) - np.repeat(first, size)
        before = np.repeat(first, size) + (place - 1) % np.repeat(size, size)
        after = np.repeat(first, size) + (place + 1) % np.repeat(size, size)
        corner = _crossing(lines, line[before], line)
        run = corner[after] - corner
        ahead = lines.direction[line]
        normal = np.column_stack([-ahead[:, 1], ahead[:, 0]])
        inward = np.sign(((net.seeds[block] - lines.origin[line]) * normal).sum(axis=1))
        good = (run * ahead).sum(axis=1) * inward > 0  # else hidden behind its neighbours
        if good.all():
            break
        block, line = block[good], line[good]
    twins = KDTree(corner).query_pairs(NEAREST_M, output_type="ndarray")
    for _ in range(3):  # corners that all but meet must meet exactly, or rounding crosses them
        corner[twins[:, 1]] = corner[twins[:, 0]]
    rows = np.repeat(np.arange(len(first)), size)
    shape = (len(first), CORNERS)
    xy, vertex, along = np.zeros((*shape, 2)), np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    xy[rows, place], vertex[rows, place], along[rows, place] = corner, np.arange(len(block)), line
    start = block[first]
    pieces = Pieces(xy, vertex, along, size, start, np.full(len(start), -1))
    number = np.arange(len(block))
    members = Members(
        [number, number],
        [line, line[before]],
        [metres_along(lines, line, corner), metres_along(lines, line[before], corner)],
        [corner],
    )
    return pieces, members


def _runs(block: Ints) -> tuple[Ints, Ints]:
    first = np.flatnonzero(np.r_[True, block[1:] != block[:-1]])
    return first, np.diff(np.r_[first, len(block)])


def _crossing(lines: Lines, one: Ints, two: Ints) -> Floats:
    p, d = lines.origin[one], lines.direction[one]
    q, e = lines.origin[two], lines.direction[two]
    cross = d[:, 0] * e[:, 1] - d[:, 1] * e[:, 0]
    t = ((q - p)[:, 0] * e[:, 1] - (q - p)[:, 1] * e[:, 0]) / np.where(cross == 0, 1e-12, cross)
    return np.asarray(p + d * t[:, None])


def wanted_m2(points: Floats, near_m: Floats, seed: int) -> Floats:
    """Return the usual parcel area of a place: gardens by the houses, large on the causse."""
    x, y = points[:, 0], points[:, 1]
    low = np.abs(river_offset(x, y, seed)) < 350
    usual = np.where(low, 3_300.0, 4_600.0) + 9_500 * causse(x, y, seed) ** 2
    usual = usual * np.exp(0.35 * noise(x, y, 600, seed + 91))
    close = np.exp(-((near_m / 210) ** 2))
    return np.asarray(np.maximum(usual * (1 - close) + 900 * close, 800))


def _judged(pieces: Pieces, near: KDTree, seed: int) -> tuple[NDArray[np.bool_], Ints]:
    """Return which pieces are parcels already, and the field each belongs to so far."""
    area, centre = middle(pieces)
    key = pieces.vertex[:, 0] * 31 + pieces.vertex[:, 1]
    luck = chance(key, pieces.block, seed + 92)
    far = np.asarray(near.query(centre)[0])
    usual = wanted_m2(centre, far, seed)
    limit = np.minimum(usual * (0.75 + 1.5 * luck**1.5), LARGEST_M2)
    ready = (area < limit) | (area < 2.3 * SMALLEST_M2)
    ready |= pieces.size >= CORNERS - 2
    field = 2.6 * usual * (0.5 + 1.6 * chance(key, pieces.block, seed + 93))
    fresh = (pieces.group < 0) & ((area < field) | ready)
    return ready, np.where(fresh, pieces.vertex[:, 0] * 2**32 + pieces.vertex[:, 1], pieces.group)


def _assembled(pieces: Pieces, members: Members, lines: Lines, seed: int) -> Plan:
    """Build the polygons; where a wobbling hedge would cross another, straighten it and redo."""
    for _ in range(4):
        points, ring, owner = _rings(pieces, members, lines)
        geometry = _polygons(warp(points, seed)[ring], owner, len(pieces.size))
        crossed = ~shapely.is_valid(geometry)
        crossed |= ~shapely.is_empty(shapely.coverage_invalid_edges(geometry))
        if not crossed.any():
            break
        used, _ = ring_of(pieces)
        lines.firm[pieces.line[crossed][used[crossed]]] = True
    return Plan(geometry, pieces.block, np.unique(pieces.group, return_inverse=True)[1])


def _rings(pieces: Pieces, members: Members, lines: Lines) -> tuple[Floats, Ints, Ints]:
    """Put all the vertices of its line into every edge.

    Returns the points, the points of each ring in turn, and the piece each of these belongs to.
    """
    xy = np.concatenate(members.xy)
    vertex, line = np.concatenate(members.vertex), np.concatenate(members.line)
    along = np.concatenate(members.along)
    order = np.lexsort((along, line))
    vertex, line, along = vertex[order], line[order], along[order]
    twin = np.flatnonzero((line[1:] == line[:-1]) & (along[1:] - along[:-1] < NEAREST_M))
    for _ in range(2):
        xy[vertex[twin + 1]] = xy[vertex[twin]]
    xy, vertex, line = _bends(xy, vertex, line, along, lines)
    codes = line * len(xy) + vertex
    rank_of = np.argsort(codes)
    codes = codes[rank_of]
    used, _ = ring_of(pieces)
    ends = np.take_along_axis(pieces.vertex, following(pieces), axis=1)[used]
    on = pieces.line[used] * len(xy)
    first = rank_of[np.searchsorted(codes, on + pieces.vertex[used])]
    last = rank_of[np.searchsorted(codes, on + ends)]
    length = np.abs(last - first)
    edge = np.repeat(np.arange(len(length)), length)
    offset = np.arange(len(edge)) - np.repeat(np.cumsum(length) - length, length)
    ring = vertex[first[edge] + offset * np.sign(last - first)[edge]]
    return xy, ring, np.repeat(np.arange(len(pieces.size)), pieces.size)[edge]


def _polygons(points: Floats, owner: Ints, count: int) -> NDArray[np.object_]:
    same = np.r_[False, (points[1:] == points[:-1]).all(axis=1) & (owner[1:] == owner[:-1])]
    points, owner = points[~same], owner[~same]
    first = np.searchsorted(owner, np.arange(count))
    rings = np.insert(np.arange(len(owner)), np.r_[first[1:], len(owner)], first)
    sizes = np.diff(np.r_[first, len(owner)]) + 1
    made = shapely.linearrings(points[rings], indices=np.repeat(np.arange(count), sizes))
    return np.asarray(shapely.polygons(made))


def _bends(
    xy: Floats, vertex: Ints, line: Ints, along: Floats, lines: Lines
) -> tuple[Floats, Ints, Ints]:
    """Add vertices between those that are far apart on a line; let hedges wobble a little."""
    gap = along[1:] - along[:-1]
    extra = np.where(line[1:] == line[:-1], np.ceil(gap / BEND_M) - 1, 0).clip(0).astype(np.int64)
    after = np.repeat(np.arange(len(gap)), extra)
    step = np.arange(len(after)) - np.repeat(np.cumsum(extra) - extra, extra) + 1
    where = along[after] + gap[after] * step / (extra[after] + 1)
    on = line[after]
    normal = np.column_stack([-lines.direction[on, 1], lines.direction[on, 0]])
    push = np.where(lines.firm[on], 0.0, WOBBLE_M * (2 * chance(vertex[after], step, 95) - 1))
    points = lines.origin[on] + lines.direction[on] * where[:, None] + normal * push[:, None]
    vertex = np.concatenate([vertex, len(xy) + np.arange(len(after))])
    line, along = np.concatenate([line, on]), np.concatenate([along, where])
    order = np.lexsort((along, line))
    return np.concatenate([xy, points]), vertex[order], line[order]

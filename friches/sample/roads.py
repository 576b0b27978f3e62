"""Blocks of land and the roads between them: a Voronoi net, hamlets on it, paths over it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components, dijkstra, minimum_spanning_tree
from scipy.spatial import KDTree, Voronoi

from friches.sample.terrain import (
    ORIGIN_X,
    ORIGIN_Y,
    Floats,
    chance,
    height,
    noise,
    river_offset,
    river_rank,
    slope_pct,
)

Ints = NDArray[np.int64]
BLOCK_M = 300.0
"""Spacing of blocks: about 8 ha each, a dozen parcels in the hills."""
SPREAD = 0.84
"""How far seeds stray, of the spacing; at most 0.84, so that no two come within 25 m."""
NONE, TRACK, LANE, ROAD, RIVER = 0, 1, 2, 3, 4
WIDTH_M = np.array([0.0, 4.0, 6.0, 8.0, 12.0])


class Net(NamedTuple):
    """The net of blocks.

    nodes (n, 2) metres; edges (m, 2) nodes; sides (m, 2) blocks on both sides; seeds (b, 2);
    inside (b,) whether the block is of the territory; kind (m,) what runs along the edge;
    hamlets and villages: node numbers.
    """

    nodes: Floats
    edges: Ints
    sides: Ints
    seeds: Floats
    inside: NDArray[np.bool_]
    kind: Ints
    hamlets: Ints
    villages: Ints


def net(radius_m: float, communes: int, seed: int) -> Net:
    """Lay blocks over a territory of about `radius_m`, with its hamlets and roads."""
    nodes, edges, sides, seeds = _voronoi(radius_m + 3 * BLOCK_M, seed)
    inside = remoteness(seeds, seed) <= radius_m
    used = inside[sides].any(axis=1)
    edges, sides = edges[used], sides[used]
    kept, flat = np.unique(edges, return_inverse=True)
    nodes, edges = nodes[kept], flat.reshape(-1, 2)
    villages = _villages(nodes, radius_m, communes, seed)
    hamlets = _hamlets(nodes, villages, radius_m, seed)
    kind = _kinds(nodes, edges, hamlets, villages, seed)
    return Net(nodes, edges, sides, seeds, inside, kind, hamlets, villages)


def _square(across: int) -> tuple[Ints, Ints]:
    place = np.arange(-across, across + 1, dtype=np.int64)
    return np.tile(place, len(place)), np.repeat(place, len(place))


def remoteness(points: Floats, seed: int) -> Floats:
    """Return the distance to the middle (m), bent so that the outline is not a circle."""
    x, y = points[:, 0], points[:, 1]
    east, north = x - ORIGIN_X, y - ORIGIN_Y
    return np.hypot(east * 0.94, north * 1.06) * (1 + 0.09 * noise(x, y, 2_600, seed + 51))


def _voronoi(radius_m: float, seed: int) -> tuple[Floats, Ints, Ints, Floats]:
    across = int(np.ceil(1.15 * radius_m / BLOCK_M))
    column, row = _square(across)
    jitter = [chance(column, row, seed + 61 + axis) - 0.5 for axis in (0, 1)]
    x = (column + 0.5 * (row % 2) + SPREAD * jitter[0]) * BLOCK_M + ORIGIN_X
    y = (row * 0.93 + SPREAD * jitter[1]) * BLOCK_M + ORIGIN_Y
    seeds = np.column_stack([x, y])
    diagram = Voronoi(seeds)
    edges = np.asarray(diagram.ridge_vertices, dtype=np.int64)
    sides = np.asarray(diagram.ridge_points, dtype=np.int64)
    finite = (edges >= 0).all(axis=1)
    return diagram.vertices, edges[finite], sides[finite], seeds


def _graph(size: int, edges: Ints, weights: Floats) -> csr_array:
    return csr_array((weights, (edges[:, 0], edges[:, 1])), shape=(size, size))


def _rivers(nodes: Floats, edges: Ints, lengths: Floats, seed: int) -> NDArray[np.bool_]:
    """Each river is the cheapest way from west to east near its valley line."""
    offset = river_offset(nodes[:, 0], nodes[:, 1], seed)
    rank = river_rank(nodes[:, 0], nodes[:, 1], seed)
    off = np.abs(offset)[edges].mean(axis=1)
    graph = _graph(len(nodes), edges, lengths * (1 + (off / 70) ** 2))
    codes = {(min(a, b), max(a, b)): i for i, (a, b) in enumerate(edges.tolist())}
    river = np.zeros(len(edges), dtype=bool)
    for one in np.unique(rank):
        near = np.flatnonzero((rank == one) & (np.abs(offset) < 350))
        if len(near) < 2:
            continue
        west, east = near[np.argmin(nodes[near, 0])], near[np.argmax(nodes[near, 0])]
        before = dijkstra(graph, directed=False, indices=west, return_predecessors=True)[1]
        while before[east] >= 0:
            river[codes[min(before[east], east), max(before[east], east)]] = True
            east = before[east]
    return river


def _spread(radius_m: float, spacing_m: float, seed: int) -> Floats:
    """Return points on a jittered grid, the middle first."""
    across = int(radius_m / spacing_m) + 1
    column, row = _square(across)
    x = (column + 0.6 * (chance(column, row, seed) - 0.5)) * spacing_m + ORIGIN_X
    y = (row + 0.6 * (chance(column, row, seed + 1) - 0.5)) * spacing_m + ORIGIN_Y
    points = np.column_stack([x, y])
    return points[np.argsort(remoteness(points, seed), kind="stable")]


def _villages(nodes: Floats, radius_m: float, communes: int, seed: int) -> Ints:
    """Place one village a commune, by the river or on gentle ground."""
    spacing = 1.7 * radius_m / np.sqrt(communes)
    wanted = _spread(radius_m, spacing, seed + 71)[:communes]
    steep = slope_pct(nodes[:, 0], nodes[:, 1], seed)
    valley = np.abs(np.abs(river_offset(nodes[:, 0], nodes[:, 1], seed)) - 230)
    tree = KDTree(nodes)
    chosen = []
    for point in wanted:
        found = tree.query_ball_point(point, max(0.3 * spacing, 2 * BLOCK_M))
        near = np.asarray(found or [tree.query(point)[1]])  # at the rim there may be none around
        score = valley[near] / 100 + steep[near] / 6
        chosen.append(near[np.argmin(score)])
    return np.unique(np.asarray(chosen, dtype=np.int64))


def _hamlets(nodes: Floats, villages: Ints, radius_m: float, seed: int) -> Ints:
    """Place hamlets less than a kilometre apart, off the villages, on the gentlest nodes."""
    wanted = _spread(radius_m, 930, seed + 75)
    wanted = wanted[remoteness(wanted, seed) < radius_m - 120]
    wanted = wanted[KDTree(nodes[villages]).query(wanted)[0] > min(700, 0.55 * radius_m)]
    steep = slope_pct(nodes[:, 0], nodes[:, 1], seed)
    near = np.asarray(KDTree(nodes).query(wanted, k=6)[1])
    chosen = near[np.arange(len(near)), np.argmin(steep[near], axis=1)]
    return np.setdiff1d(chosen, villages).astype(np.int64)


def _kinds(nodes: Floats, edges: Ints, hamlets: Ints, villages: Ints, seed: int) -> Ints:
    """Return what runs along each edge."""
    lengths = np.linalg.norm(nodes[edges[:, 0]] - nodes[edges[:, 1]], axis=1)
    river = _rivers(nodes, edges, lengths, seed)
    z = height(nodes[:, 0], nodes[:, 1], seed)
    climb = np.abs(z[edges[:, 0]] - z[edges[:, 1]]) / np.maximum(lengths, 1)
    cost = lengths * (1 + (climb / 0.07) ** 2) * np.where(river, 8, 1)
    kind = np.zeros(len(edges), dtype=np.int64)
    kind[river] = RIVER
    kind[_paths(edges, cost, np.union1d(hamlets, villages), len(nodes))] = LANE
    if len(villages) > 1:
        kind[_paths(edges, cost, villages, len(nodes))] = ROAD
    else:
        kind[_through(nodes, edges, cost, villages[0])] = ROAD
    return _tracks(nodes, edges, cost, kind, seed)


def _through(nodes: Floats, edges: Ints, cost: Floats, village: int) -> Ints:
    """Give a single village its main road: west rim to east rim through it, and north."""
    graph = _graph(len(nodes), edges, cost)
    start = np.asarray([village])
    before = dijkstra(graph, directed=False, indices=start, return_predecessors=True)[1][0]
    ends = [np.argmin(nodes[:, 0]), np.argmax(nodes[:, 0]), np.argmax(nodes[:, 1])]
    return _walk(edges, before, np.asarray(ends), len(nodes))


def _walk(edges: Ints, before: NDArray[np.int32], starts: Ints, size: int) -> Ints:
    """Return the edges met when walking back from `starts` along the predecessors."""
    codes = np.sort(edges, axis=1) @ np.array([size, 1])
    order = np.argsort(codes)
    found: list[Ints] = []
    here = np.unique(starts)
    seen = np.zeros(size, dtype=bool)
    while len(here):
        seen[here] = True
        here = here[before[here] >= 0]
        back = before[here].astype(np.int64)
        code = np.minimum(here, back) * size + np.maximum(here, back)
        found.append(order[np.searchsorted(codes[order], code)])
        here = np.unique(back[~seen[back]])
    return np.unique(np.concatenate(found))


def _paths(edges: Ints, cost: Floats, places: Ints, size: int) -> Ints:
    """Return edges that join all places: a tree of the cheapest ways, and some short cuts."""
    if len(places) < 2:
        return np.zeros(0, dtype=np.int64)
    graph = _graph(size, edges, cost)
    far, before, source = dijkstra(
        graph, directed=False, indices=places, return_predecessors=True, min_only=True
    )
    one, two = edges[:, 0], edges[:, 1]
    meet = np.flatnonzero((source[one] != source[two]) & (source[one] >= 0) & (source[two] >= 0))
    way = far[one[meet]] + cost[meet] + far[two[meet]]
    rank = np.searchsorted(places, np.sort(source[edges[meet]], axis=1))
    pair = rank @ np.array([len(places), 1])
    order = np.lexsort((way, pair))
    best = order[np.unique(pair[order], return_index=True)[1]]
    table = csr_array((way[best], (rank[best, 0], rank[best, 1])), shape=(len(places),) * 2)
    tree = minimum_spanning_tree(table).tocoo()
    joined = set(zip(tree.row.tolist(), tree.col.tolist(), strict=True))
    kept = [
        i for i in best if tuple(rank[i].tolist()) in joined or way[i] < np.quantile(way[best], 0.2)
    ]
    chosen = meet[np.asarray(kept, dtype=np.int64)]
    return np.union1d(chosen, _walk(edges, before, edges[chosen].ravel(), size))


def _tracks(nodes: Floats, edges: Ints, cost: Floats, kind: Ints, seed: int) -> Ints:
    """Add farm tracks: every corner is joined but for some dead ends, and some loops close."""
    size = len(nodes)
    roads = kind >= LANE
    free = np.flatnonzero(kind == NONE)
    luck = chance(edges[:, 0], edges[:, 1], seed + 81)
    weight = np.where(roads & (kind != RIVER), 1e-3, cost * (0.5 + luck))
    weight[kind == RIVER] = weight[kind == RIVER] * 50
    tree = minimum_spanning_tree(_graph(size, edges, weight)).tocoo()
    pairs = np.sort(np.column_stack([tree.row, tree.col]), axis=1)
    codes = pairs @ np.array([size, 1])
    mine = np.sort(edges, axis=1) @ np.array([size, 1])
    kept = np.isin(mine[free], codes) | (luck[free] < 0.25)
    kind = kind.copy()
    kind[free[kept]] = TRACK
    leaf = np.bincount(edges[(kind != NONE) & (kind != RIVER)].ravel(), minlength=size) == 1
    drop = (kind == TRACK) & leaf[edges].any(axis=1) & (luck < 0.6)
    kind[drop] = NONE
    return _main_part(edges, kind, size)


def _main_part(edges: Ints, kind: Ints, size: int) -> Ints:
    """Keep only tracks that reach the roads."""
    on = (kind != NONE) & (kind != RIVER)
    graph = _graph(size, edges[on], np.ones(int(on.sum())))
    label = connected_components(graph, directed=False)[1]
    home = np.bincount(label[edges[on][:, 0]]).argmax()
    kind = kind.copy()
    kind[on & (label[edges[:, 0]] != home)] = NONE
    return kind

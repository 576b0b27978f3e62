"""The road network as a graph: junctions, directed stretches, and ways in from the land.

Roads meet where their ends meet. Lines that cross without an end there do not: the BD TOPO cuts its
segments at every real junction (RECALLED), and a crossing without one is a bridge or a tunnel.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
import shapely
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components, dijkstra
from scipy.spatial import KDTree

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

    Geometries = NDArray[np.object_]
    Indices = NDArray[np.int64]
    Numbers = NDArray[np.float64]

MINUTES_PER_KMH = 0.06
"""Minutes to go one metre at 1 km/h: 60 min/h over 1000 m/km."""
OFFSET_M = 1e-3
"""Ways in nearer than this along a road are one (1 mm)."""


class Roads(NamedTuple):
    """Drivable lines in an order that depends on their geometry alone; junctions by number."""

    lines: Geometries
    start: Indices
    end: Indices
    length_m: Numbers
    minutes_per_m: Numbers
    oneway: Indices
    junctions: int


class Network(NamedTuple):
    """Minutes and metres between nodes, as sparse matrices of one pattern."""

    minutes: csr_array
    metres: csr_array


def drivable(roads: gpd.GeoDataFrame, snap_m: float) -> Roads:
    """Return the drivable lines of a road layer, with the junctions at their ends.

    Parameters
    ----------
    roads : GeoDataFrame
        The table `roads` (metres); lines without speed or not drivable are left out.
    snap_m : float
        Ends at most this far apart, in metres, are one junction.
    """
    usable = roads["drivable"].fillna(value=False).astype(bool) & (roads["speed_kmh"] > 0)
    parts = roads.loc[usable, ["speed_kmh", "oneway", "geometry"]].explode(ignore_index=True)
    parts = parts[shapely.length(parts.geometry.to_numpy()) > 0].reset_index(drop=True)
    parts["wkb"] = shapely.to_wkb(parts.geometry.to_numpy())
    parts = parts.sort_values(["wkb", "speed_kmh", "oneway"], ignore_index=True)
    lines = parts.geometry.to_numpy()
    ends = shapely.get_coordinates([shapely.get_point(lines, 0), shapely.get_point(lines, -1)])
    node, junctions = _snapped(ends, snap_m)
    return Roads(
        lines,
        node[: len(lines)],
        node[len(lines) :],
        shapely.length(lines),
        MINUTES_PER_KMH / parts["speed_kmh"].to_numpy(np.float64),
        parts["oneway"].fillna(0).to_numpy(np.int64),
        junctions,
    )


def ways_in(
    shapes: Geometries, roads: Roads, beside_m: float, far_m: float | None = None
) -> pd.DataFrame:
    """Return where each shape reaches the roads: the nearest, and all that run beside it.

    Parameters
    ----------
    shapes : array of n geometries
    roads : Roads
    beside_m : float
        Every road this near a shape, in metres, is a way in; 0 keeps the nearest only.
    far_m : float, optional
        A shape farther than this from every road has no way in.

    Returns
    -------
    DataFrame
        shape and line (row numbers), along_m (from the line's start), off_m (from shape to line).
    """
    tree = shapely.STRtree(roads.lines)
    found = tree.query_nearest(shapes, max_distance=far_m)
    # Of roads equally near the first: where several lines end, each of them gives that junction.
    found = found[:, np.lexsort(found[::-1])]
    _, first = np.unique(found[0], return_index=True)
    found = found[:, first]
    if beside_m > 0:
        beside = tree.query(shapes, "dwithin", distance=beside_m)
        found = np.unique(np.concatenate([found, beside], axis=1), axis=1)
    shape, line = found
    legs = shapely.shortest_line(shapes[shape], roads.lines[line])
    along = shapely.line_locate_point(roads.lines[line], shapely.get_point(legs, -1))
    return pd.DataFrame(
        {"shape": shape, "line": line, "along_m": along, "off_m": shapely.length(legs)}
    )


def network(roads: Roads, ways: pd.DataFrame, snap_m: float) -> tuple[Network, Indices]:
    """Return the graph of the roads, cut at every way in, and the node of each way in.

    Parameters
    ----------
    roads : Roads
    ways : DataFrame
        Ways in, as from `ways_in`. One within `snap_m` of a line's end is the junction there.
    snap_m : float

    Returns
    -------
    Network
        Directed, from row to column.
    array
        The node of each row of `ways`.
    """
    cuts, node = _cut(roads, ways["line"].to_numpy(), ways["along_m"].to_numpy(), snap_m)
    n = int(cuts["node"].max()) + 1
    cuts = cuts.sort_values(["line", "along", "node"], ignore_index=True)
    same = (cuts["line"].to_numpy()[1:] == cuts["line"].to_numpy()[:-1]).nonzero()[0]
    on = cuts["line"].to_numpy()[same]
    metres = np.diff(cuts["along"].to_numpy())[same]
    minutes = metres * roads.minutes_per_m[on]
    tail, head = cuts["node"].to_numpy()[same], cuts["node"].to_numpy()[same + 1]
    forth, back = roads.oneway[on] >= 0, roads.oneway[on] <= 0
    stretches = pd.DataFrame(
        {
            "tail": np.concatenate([tail[forth], head[back]]),
            "head": np.concatenate([head[forth], tail[back]]),
            "minutes": np.concatenate([minutes[forth], minutes[back]]),
            "metres": np.concatenate([metres[forth], metres[back]]),
        }
    ).sort_values(["tail", "head", "minutes", "metres"])
    # Sparse matrices add up entries given twice: of parallel roads keep the quickest.
    stretches = stretches[stretches["tail"] != stretches["head"]].drop_duplicates(["tail", "head"])
    where = (stretches["tail"].to_numpy(), stretches["head"].to_numpy())
    shape = (n, n)
    minutes_of = csr_array((stretches["minutes"].to_numpy(), where), shape=shape)
    metres_of = csr_array((stretches["metres"].to_numpy(), where), shape=shape)
    return Network(minutes_of, metres_of), node


def reversed_(graph: Network) -> Network:
    """Return the graph with every stretch driven the other way."""
    return Network(graph.minutes.T.tocsr(), graph.metres.T.tocsr())


def routes(graph: Network, sources: Indices, limit_min: float) -> tuple[Numbers, Numbers]:
    """Return minutes, and metres along the quickest way, from k sources to every node.

    Parameters
    ----------
    graph : Network
    sources : array of k nodes
    limit_min : float
        Nodes farther than this, in minutes, are not looked for.

    Returns
    -------
    minutes, metres : arrays (k, nodes)
        Minutes are infinite where there is no way within the limit; metres mean nothing there.
    """
    minutes, before = dijkstra(
        graph.minutes, indices=sources, limit=limit_min, return_predecessors=True
    )
    n = graph.metres.shape[0]
    stretches = np.repeat(np.arange(n), np.diff(graph.metres.indptr)) * n + graph.metres.indices
    far = np.zeros(minutes.shape)
    place = np.zeros(n, np.int64)
    for row, source in enumerate(sources):
        _metres_back(graph.metres.data, stretches, before[row], int(source), place, far[row])
    return minutes, far


def _metres_back(  # noqa: PLR0913, PLR0917 - one argument an array
    metres: Numbers,
    stretches: Indices,
    before: NDArray[np.integer],
    source: int,
    place: Indices,
    far: Numbers,
) -> None:
    """Write the metres from each node back to the source, following the nodes before it.

    Only the nodes that have been reached are gone through: few of a large network.
    """
    reached = np.flatnonzero(before >= 0)
    place[reached] = np.arange(1, len(reached) + 1)
    place[source] = 0
    jump = np.append(0, place[before[reached]])
    steps = np.searchsorted(stretches, before[reached].astype(np.int64) * len(far) + reached)
    back = np.append(0.0, metres[steps])
    # Each pass doubles the number of steps taken back, so a way of n steps needs log2(n) passes.
    while jump.any():
        back += back[jump]
        jump = jump[jump]
    far[reached] = back[1:]


def _cut(
    roads: Roads, line: Indices, along_m: Numbers, snap_m: float
) -> tuple[pd.DataFrame, Indices]:
    """Return the nodes along every line (its ends and the ways in), and the node of each way in."""
    millimetres = np.round(along_m / OFFSET_M).astype(np.int64)
    spots, spot = np.unique(np.stack([line, millimetres]), axis=1, return_inverse=True)
    at, along = spots[0], spots[1] * OFFSET_M
    node = roads.junctions + np.arange(len(at))
    near_end = along >= roads.length_m[at] - snap_m
    node[near_end] = roads.end[at[near_end]]
    near_start = along <= snap_m
    node[near_start] = roads.start[at[near_start]]
    inner = ~(near_start | near_end)
    every = np.arange(len(roads.lines))
    cuts = pd.DataFrame(
        {
            "line": np.concatenate([every, every, at[inner]]),
            "along": np.concatenate([np.zeros(len(every)), roads.length_m, along[inner]]),
            "node": np.concatenate([roads.start, roads.end, node[inner]]),
        }
    )
    return cuts, node[np.ravel(spot)]


def _snapped(points: Numbers, snap_m: float) -> tuple[Indices, int]:
    """Return a number for each point, shared within `snap_m`, in the order of coordinates."""
    if not len(points):
        return np.empty(0, np.int64), 0
    order = np.lexsort((points[:, 1], points[:, 0]))
    pairs = KDTree(points[order]).query_pairs(snap_m, output_type="ndarray")
    links = coo_array((np.ones(len(pairs), bool), (pairs[:, 0], pairs[:, 1])), (len(points),) * 2)
    count, label = connected_components(links, directed=False)
    node = np.empty(len(points), np.int64)
    node[order] = label
    return node, int(count)

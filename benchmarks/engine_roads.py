"""Minutes by road between blocks and places: from the places, many at once, against one by one.

The graph, its ways in and its limit are those of a run; they are made before the core step, which
is the routing alone. Trips run from block to place, on one-way roads too.
"""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any, NamedTuple

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import shapely
from scipy.sparse.csgraph import dijkstra

from benchmarks.engine_process import Method, table
from friches.spatial import reach
from friches.spatial.roadgraph import Network, drivable, network, reversed_, routes, ways_in

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from benchmarks.engine_process import Answer, Core

TOLERANCE = 1e-6
"""Largest difference allowed, in minutes."""
CRS = "EPSG:2154"
LIMIT_MIN = 45.0
PLACES, BLOCKS = 140, 5_000
SAMPLE = 100
"""Blocks from which networkx sets out, since each takes a tenth of a second and more."""
SEED = 3


class Case(NamedTuple):
    """A graph (from row to column), the nodes of the places and those of the blocks."""

    graph: Network
    places: NDArray[np.int64]
    blocks: NDArray[np.int64]


def case(land: Path) -> Case:
    """Return the roads of the territory, cut at places and blocks drawn at random (seeded)."""
    from friches.sources.topo import read_roads

    study = tomllib.loads((land / "study" / "study.toml").read_text("utf-8"))
    roads = read_roads([land / "study" / study["sources"]["roads"]], CRS, None)
    lines = drivable(roads, reach.ASSUMED["snap"])
    ground = shapely.from_wkb(table(land / "parcels.parquet")["geometry"].to_numpy())
    draw = np.random.default_rng(SEED)
    blocks = ground[np.sort(draw.choice(len(ground), min(BLOCKS, len(ground) // 4), replace=False))]
    farms = gpd.read_file(land / "study" / study["sources"]["farmers"]).to_crs(CRS)
    places = farms.geometry.to_numpy()[:PLACES]
    gates = ways_in(places, lines, 0)
    doors = ways_in(blocks, lines, 0)
    graph, node = network(lines, pd.concat([gates, doors]), reach.ASSUMED["snap"])
    return Case(graph, node[: len(gates)], node[len(gates) :])


def friches(land: Path) -> Core:
    """Ours: from the places on the graph reversed, as many at once as a run takes; metres too."""
    given = case(land)
    graph = reversed_(given.graph)

    def core() -> Answer:
        found = [
            routes(graph, given.places[low : low + reach.AT_ONCE], LIMIT_MIN)[0][:, given.blocks]
            for low in range(0, len(given.places), reach.AT_ONCE)
        ]
        return _told(np.concatenate(found).T)

    return core


def scipy_places(land: Path) -> Core:
    """SciPy, one call a place on the graph reversed; minutes alone."""
    given = case(land)
    graph = reversed_(given.graph).minutes

    def core() -> Answer:
        found = [
            dijkstra(graph, indices=one, limit=LIMIT_MIN)[given.blocks] for one in given.places
        ]
        return _told(np.array(found).T)

    return core


def scipy_blocks(land: Path) -> Core:
    """SciPy, one call a block."""
    given = case(land)

    def core() -> Answer:
        minutes = given.graph.minutes
        found = [
            dijkstra(minutes, indices=one, limit=LIMIT_MIN)[given.places] for one in given.blocks
        ]
        return _told(np.array(found))

    return core


def networkx_places(land: Path) -> Core:
    """NetworkX, one Dijkstra a place on the graph reversed."""
    given = case(land)
    graph = _digraph(reversed_(given.graph))

    def core() -> Answer:
        return _told(np.array([_reached(graph, one, given.blocks) for one in given.places]).T)

    return core


def networkx_blocks(land: Path) -> Core:
    """NetworkX, one Dijkstra a block, on the first blocks alone."""
    given = case(land)
    graph = _digraph(given.graph)

    def core() -> Answer:
        some = given.blocks[:SAMPLE]
        return _told(np.array([_reached(graph, one, given.places) for one in some]))

    return core


def _digraph(graph: Network) -> nx.DiGraph[int]:
    made: nx.DiGraph[int] = nx.from_scipy_sparse_array(graph.minutes, create_using=nx.DiGraph)
    return made


def _reached(graph: nx.DiGraph[int], one: Any, wanted: NDArray[np.int64]) -> list[float]:
    found = nx.single_source_dijkstra_path_length(graph, int(one), cutoff=LIMIT_MIN)
    return [found.get(node, np.inf) for node in wanted.tolist()]


def _told(minutes: NDArray[np.float64]) -> Answer:
    return {"minutes": minutes, "rows": np.array(len(minutes))}


def differences(one: Answer, other: Answer, _land: Path) -> NDArray[np.float64]:
    """Return differences in minutes, on the blocks both set out from; infinite if one has none."""
    rows = min(int(one["rows"]), int(other["rows"]))
    here, there = one["minutes"][:rows].ravel(), other["minutes"][:rows].ravel()
    gap = np.full(len(here), np.inf)
    both = np.isfinite(here) & np.isfinite(there)
    gap[both] = np.abs(here[both] - there[both])
    gap[~np.isfinite(here) & ~np.isfinite(there)] = 0
    return gap


METHODS = {
    "friches": Method("friches, from the places, with metres", friches),
    "scipy_places": Method("SciPy, one call a place, minutes alone", scipy_places),
    "networkx_places": Method("networkx, one Dijkstra a place", networkx_places),
    "scipy_blocks": Method("SciPy, one call a block", scipy_blocks),
    "networkx_blocks": Method(
        f"networkx, one Dijkstra a block (first {SAMPLE} blocks)", networkx_blocks
    ),
}

"""Travel times between blocks and places: by road, or straight where roads are missing."""

from __future__ import annotations

import tomllib
from importlib import resources
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from friches import tables
from friches.spatial.metres import require_same_plane
from friches.spatial.roadgraph import (
    MINUTES_PER_KMH,
    Network,
    drivable,
    network,
    reversed_,
    routes,
    ways_in,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    import geopandas as gpd
    from numpy.typing import NDArray

    Indices = NDArray[np.int64]
    Numbers = NDArray[np.float64]

ASSUMED: dict[str, float] = {
    name: float(node["value"])
    for name, node in tomllib.loads(
        (resources.files("friches.spatial") / "reach.toml").read_text("utf-8")
    ).items()
}
"""Values of reach.toml, each with its unit, source and mark there."""
FROM_PLACE = frozenset({"farm"})
"""Kinds of places one drives from, to the block; to the others one drives from the block."""
AT_ONCE = 32
"""Places routed together: bounds the memory (12 bytes a place and node)."""
ROUNDING_MIN = 1e-9
"""Minutes by which rounding may carry a trip over its limit."""


def travel(
    blocks: gpd.GeoDataFrame,
    places: gpd.GeoDataFrame,
    roads: gpd.GeoDataFrame | None,
    limits: Mapping[str, float],
) -> pd.DataFrame:
    """Return the trips between blocks and places that take no longer than the limit.

    Parameters
    ----------
    blocks : GeoDataFrame
        Columns block_id and geometry (polygons, metres).
    places : GeoDataFrame
        Columns place_id, kind (farm or canteen) and geometry, in the same CRS.
    roads : GeoDataFrame or None
        The table `roads` in the same CRS; None when the study has none.
    limits : mapping
        Kind to the longest trip in minutes, itself included; places of other kinds are left out.

    Returns
    -------
    DataFrame
        The table `reach`: block_id, place_id, kind, minutes, distance_m, by; sorted. Trips run from
        farm to block and from block to canteen: one-way streets make a difference. `by` is "road",
        or "straight" when there is no roads layer or no drivable road within 500 m of the place:
        then minutes and distance_m are estimates from the straight line, its detour and mean speed
        (reach.toml). A place on a block is at 0 min. A pair without a way is absent.

    Raises
    ------
    InputError
        A layer without a CRS, or in another one.

    Notes
    -----
    A block is entered from every drivable road beside it, or else from the nearest point of the
    nearest one; a place from the nearest. The leg between land and road is driven at the access
    speed of reach.toml. Times are free-flow: no traffic, no junction delay.
    """
    layers = {"îlots": blocks, "lieux": places} | ({} if roads is None else {"routes": roads})
    require_same_plane(**layers)
    blocks = blocks.sort_values("block_id", ignore_index=True)
    places = places[places["kind"].isin(list(limits))].sort_values(
        ["place_id", "kind"], ignore_index=True
    )
    longest = places["kind"].map(dict(limits)).to_numpy(np.float64)
    found = _no_trips()
    on_road = np.zeros(len(places), bool)
    if roads is not None and len(blocks) and len(places):
        found, on_road = _by_road(blocks, places, roads, longest)
    trips = pd.concat(
        [
            _on_the_spot(blocks, places),
            found,
            _straight(blocks, places, np.where(on_road, np.nan, longest)),
        ]
    )
    trips = _quickest(trips[trips["minutes"] <= longest[trips["place"]] + ROUNDING_MIN])
    if trips.empty:
        none: pd.DataFrame = tables.empty("reach")
        return none
    block, place = trips["block"].to_numpy(), trips["place"].to_numpy()
    told = pd.DataFrame(
        {
            "block_id": _named(blocks["block_id"], block),
            "place_id": _named(places["place_id"], place),
            "kind": _named(places["kind"], place),
            "minutes": trips["minutes"].to_numpy(),
            "distance_m": trips["distance_m"].to_numpy(),
            "by": _named(pd.Series(["road", "straight"]), np.where(on_road[place], 0, 1)),
        }
    )
    return tables.check(told, "reach", "trajets")


def _named(names: pd.Series[Any], rows: Indices) -> pd.Categorical:
    """Return the names at some rows as a category, its words sorted, those that are used alone."""
    codes, words = pd.factorize(names, sort=True)
    held = pd.Categorical.from_codes(codes[rows], pd.Index(words, dtype="str"))
    return held.remove_unused_categories()


def _trips(place: Indices, block: Indices, minutes: Numbers, metres: Numbers) -> pd.DataFrame:
    # Trips come by the million: whole numbers of 4 bytes are enough for rows.
    rows = {"place": place.astype(np.int32), "block": block.astype(np.int32)}
    return pd.DataFrame({**rows, "minutes": minutes, "distance_m": metres})


def _no_trips() -> pd.DataFrame:
    return _trips(*(np.empty(0, np.int64),) * 2, *(np.empty(0),) * 2)


def _quickest(trips: pd.DataFrame) -> pd.DataFrame:
    """Return the quickest trip of each pair, the shorter of equals."""
    pair = trips["block"].to_numpy(np.int64) << 32 | trips["place"].to_numpy(np.int64)
    keys = trips["distance_m"].to_numpy(), trips["minutes"].to_numpy(), pair
    order = np.lexsort(keys)
    found: pd.DataFrame = trips.iloc[order[np.diff(pair[order], prepend=-1) != 0]]
    return found


def _on_the_spot(blocks: gpd.GeoDataFrame, places: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return a trip of 0 min for each place on a block."""
    tree = shapely.STRtree(blocks.geometry.to_numpy())
    place, block = tree.query(places.geometry.to_numpy(), "intersects")
    return _trips(place, block, np.zeros(len(place)), np.zeros(len(place)))


def _straight(blocks: gpd.GeoDataFrame, places: gpd.GeoDataFrame, longest: Numbers) -> pd.DataFrame:
    """Return the estimated trips along straight lines, none for places whose limit is NaN."""
    minutes_per_m = ASSUMED["detour"] * MINUTES_PER_KMH / ASSUMED["straight_speed"]
    asked = np.flatnonzero(~np.isnan(longest))
    shapes, ground = places.geometry.to_numpy(), blocks.geometry.to_numpy()
    reach_m = (longest[asked] + ROUNDING_MIN) / minutes_per_m
    near, block = shapely.STRtree(ground).query(shapes[asked], "dwithin", distance=reach_m)
    place = asked[near]
    metres = shapely.distance(shapes[place], ground[block])
    return _trips(place, block, metres * minutes_per_m, metres * ASSUMED["detour"])


def _by_road(
    blocks: gpd.GeoDataFrame, places: gpd.GeoDataFrame, roads: gpd.GeoDataFrame, longest: Numbers
) -> tuple[pd.DataFrame, NDArray[np.bool_]]:
    """Return the trips by road, and which places have a road."""
    lines = drivable(roads, ASSUMED["snap"])
    gates = ways_in(places.geometry.to_numpy(), lines, 0, ASSUMED["far_from_road"])
    doors = ways_in(blocks.geometry.to_numpy(), lines, ASSUMED["beside_road"])
    on_road = np.zeros(len(places), bool)
    on_road[gates["shape"]] = True
    if not on_road.any():
        return _no_trips(), on_road
    graph, node = network(lines, pd.concat([gates, doors]), ASSUMED["snap"])
    gates["node"], doors["node"] = np.split(node, [len(gates)])
    # Neighbours together: what they reach is then few of the blocks.
    gates = gates.iloc[np.argsort(places.geometry.hilbert_distance().to_numpy()[gates["shape"]])]
    from_place = places["kind"].isin(FROM_PLACE).to_numpy()[gates["shape"]]
    found = [_no_trips()]
    for ways, one_way in ((gates[from_place], graph), (gates[~from_place], reversed_(graph))):
        starts = range(0, len(ways), AT_ONCE)
        found += [_routed(one_way, ways[k : k + AT_ONCE], doors, longest) for k in starts]
    return pd.concat(found), on_road


def _routed(
    graph: Network, gates: pd.DataFrame, doors: pd.DataFrame, longest: Numbers
) -> pd.DataFrame:
    """Return the quickest trip from each gate's place to each block within reach."""
    limit = longest[gates["shape"]] + ROUNDING_MIN
    minutes, metres = routes(graph, gates["node"].to_numpy(), float(limit.max()))
    reached = np.asarray(np.isfinite(minutes).any(axis=0))
    doors = doors[reached[doors["node"]]]
    off_m = gates["off_m"].to_numpy()[:, None] + doors["off_m"].to_numpy()[None, :]
    minutes = minutes[:, doors["node"]] + off_m * MINUTES_PER_KMH / ASSUMED["access_speed"]
    metres = metres[:, doors["node"]] + off_m
    gate, door = np.nonzero(minutes <= limit[:, None])
    place, block = gates["shape"].to_numpy()[gate], doors["shape"].to_numpy()[door]
    return _quickest(_trips(place, block, minutes[gate, door], metres[gate, door]))

"""Outlines made small for a page: simplified together, as whole numbers, each from the last."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import shapely

from friches.view.rows import sorted_blocks

if TYPE_CHECKING:
    from friches.result import Result

DEGREES = 1e-6
"""Step of the coordinates: 0.11 m on the ground."""
SIMPLIFY_M = 0.5
"""Tolerance of the shared simplification, in metres."""
NEAR_M = 250.0
"""Parcels this near a block are drawn first when there are too many. ASSUMPTION: a few fields."""
MOST_PARCELS = 20_000
"""Parcels drawn at most: 20 000 with all their texts and 2 000 blocks told in full weigh less than
5 MB (measured, benchmarks/map_size.py)."""
CLOSE_M = 12.0
"""Roads and streams (not parcelled) narrower than twice this are closed in the study's outline."""

Rings = list[list[str]]
"""Polygons of one feature; each polygon its rings; each ring x, y, then steps dx, dy, ...
(`packed`)."""
BITS, FIRST = 5, 63
"""Bits of a number in one character, and the first of the 64 characters used (« ? » to « ~ »)."""


LONG = 14
"""Characters above which a part of the page is written once and pointed to."""


def drawn(result: Result, most: int = MOST_PARCELS) -> gpd.GeoDataFrame:
    """Return the parcels to draw, in their order: all, or those near blocks, or blocks' own.

    Parameters
    ----------
    result : Result
        Its blocks are those told in full (`rows.first_blocks`).
    most : int
        No more parcels than this are returned: those of the first blocks by rank.
    """
    parcels = result.parcels[result.parcels.geometry.notna() & ~result.parcels.geometry.is_empty]
    if len(parcels) <= most:
        return parcels
    blocks = sorted_blocks(result)
    near, _ = _within(parcels, blocks, NEAR_M)
    parcels = parcels.iloc[near]
    if len(near) <= most:
        return parcels
    own, turn = _within(parcels, blocks, 0.0)
    return parcels.iloc[np.sort(own[np.argsort(turn, kind="stable")][:most])]


def _within(
    parcels: gpd.GeoDataFrame, blocks: gpd.GeoDataFrame, metres: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the places of the parcels within `metres` of a block, and that of the first block."""
    # A point inside the parcel, not its outline: neighbours touch a block at distance 0.
    if metres:
        found = parcels.sindex.query(blocks.geometry, predicate="dwithin", distance=metres)
    else:
        inside = gpd.GeoSeries(parcels.geometry.representative_point(), crs=parcels.crs)
        found = inside.sindex.query(blocks.geometry, predicate="intersects")
    turn, place = found
    order = np.lexsort((turn, place))
    places, first = np.unique(place[order], return_index=True)
    return places, turn[order][first]


def simplified(shapes: gpd.GeoSeries, metres: float = SIMPLIFY_M) -> gpd.GeoSeries:
    """Return outlines with fewer points; edges that two outlines share stay shared."""
    if shapes.empty:
        return shapes
    try:
        made = shapely.coverage_simplify(shapes.to_numpy(), metres)
    except shapely.errors.GEOSException:
        return shapes
    lost = shapely.is_empty(made) | shapely.is_missing(made)
    return gpd.GeoSeries(
        np.where(lost, shapes.to_numpy(), made), index=shapes.index, crs=shapes.crs
    )


def study_area(parcels: gpd.GeoDataFrame) -> gpd.GeoSeries:
    """Return the outline of the studied land: the parcels, with roads between them closed."""
    shapes = parcels.geometry[parcels.geometry.notna() & ~parcels.geometry.is_empty]
    if shapes.empty:
        return gpd.GeoSeries([], crs=parcels.crs)
    # one commune after the other: the edges of a million parcels would not fit at once
    of = parcels["commune"].reindex(shapes.index)
    communes = [_closed(_united(some.to_numpy())) for _, some in shapes.groupby(of, dropna=False)]
    closed = communes[0] if len(communes) == 1 else _closed(_filled(communes))
    return gpd.GeoSeries([_filled([closed.simplify(3.0)])], crs=parcels.crs)


def _closed(shape: shapely.Geometry) -> shapely.Geometry:
    """Return a shape with its gaps closed up to twice `CLOSE_M`."""
    return shape.buffer(CLOSE_M, join_style="mitre").buffer(-CLOSE_M, join_style="mitre")


def _filled(shapes: list[shapely.Geometry]) -> shapely.Geometry:
    """Return the union of shapes without their holes."""
    parts = shapely.get_parts(shapes)
    return shapely.union_all([shapely.Polygon(part.exterior) for part in parts])


def _united(shapes: np.ndarray) -> shapely.Geometry:
    """Unite quickly where parcels share edges exactly; slowly where they overlap."""
    parts = shapely.get_parts(shapes)
    if shapely.coverage_is_valid(parts):
        return shapely.coverage_union_all(parts)
    return shapely.union_all(parts)


def origin(shapes: gpd.GeoSeries) -> list[int]:
    """Return the south-west corner of `shapes` in steps of `DEGREES` (longitude, latitude)."""
    if shapes.empty:
        return [0, 0]
    west, south, _, _ = shapes.to_crs("EPSG:4326").total_bounds
    return [round(west / DEGREES), round(south / DEGREES)]


def packed(numbers: Any) -> str:
    """Return whole numbers as text, five bits a character, the sixth saying that more follow.

    Half of what they take as digits. Signs are folded in (0, -1, 1, -2, ... as 0, 1, 2, 3, ...);
    numbers go from -2^29 to 2^29 - 1. The map's script reads this back.
    """
    whole = np.asarray(numbers, dtype=np.int64).ravel()
    if not len(whole):
        return ""
    left = np.where(whole < 0, -2 * whole - 1, 2 * whole)
    if left.max() >= 2**30:
        raise ValueError("a number too large to pack")
    turns = 1 + sum((left >= 2 ** (BITS * n)).astype(np.int64) for n in range(1, 6))
    at = np.repeat(np.cumsum(turns) - turns, turns)
    place = np.arange(turns.sum()) - at
    part = (np.repeat(left, turns) >> (BITS * place)) & (2**BITS - 1)
    more = place < np.repeat(turns, turns) - 1
    return bytes((part + (more << BITS) + FIRST).astype(np.uint8)).decode("ascii")


def encode(shapes: gpd.GeoSeries, start: list[int]) -> list[Rings]:
    """Return each outline as whole steps of `DEGREES` in WGS84, relative to `start`.

    Every ring begins at its own place (relative to `start`) and goes on by differences; its
    closing point is left out. The map's script reads this back.
    """
    if shapes.empty:
        return []
    polygons, owner = shapely.get_parts(shapes.to_crs("EPSG:4326").to_numpy(), return_index=True)
    rings, polygon = shapely.get_rings(polygons, return_index=True)
    points, ring = shapely.get_coordinates(rings, return_index=True)
    whole = np.rint(points / DEGREES).astype(np.int64) - np.asarray(start)
    first = np.flatnonzero(np.diff(ring, prepend=-1))
    steps = np.diff(whole, axis=0, prepend=0)
    steps[first] = whole[first]
    made: list[Rings] = [[] for _ in range(len(shapes))]
    ends = [*first[1:].tolist(), len(ring)]
    before = -1
    for begin, end, part in zip(first.tolist(), ends, polygon.tolist(), strict=True):
        home = made[owner[part]]
        if part != before:
            home.append([])
            before = part
        home[-1].append(packed(steps[begin : end - 1]))
    return made


def encode_points(shapes: gpd.GeoSeries, start: list[int]) -> list[list[int]]:
    """Return points as longitude, latitude in steps of `DEGREES` relative to `start`."""
    if shapes.empty:
        return []
    points = shapely.get_coordinates(shapes.to_crs("EPSG:4326").to_numpy())
    whole: list[list[int]] = (
        np.rint(points / DEGREES).astype(np.int64) - np.asarray(start)
    ).tolist()
    return whole


def interned(rows: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[Any]]:
    """Return the rows with each text or list written once: {"t": n} is the n-th of what is shared.

    {"l": numbers} is the list of those at the `packed` places.

    Thirty routes say much the same of every block, questions and all: what they share may itself
    point to shared parts.
    """
    places: dict[str, int] = {}
    shared: list[Any] = []
    same: dict[int, Any] = {}  # rows of many blocks are one and the same object: told once

    def told(value: Any) -> Any:
        if isinstance(value, str):
            return pointed(f"'{value}", value, len(value) + 2)
        if not isinstance(value, dict | list | tuple):
            return value
        if id(value) not in same:
            if isinstance(value, dict):
                made: Any = {key: told(inner) for key, inner in value.items()}
            else:
                made = [told(inner) for inner in value]
                if len(made) > 1 and all(isinstance(part, dict) and "t" in part for part in made):
                    made = {"l": packed([part["t"] for part in made])}
            name = json.dumps(made, ensure_ascii=False, separators=(",", ":"))
            same[id(value)] = pointed(name, made, len(name))
        return same[id(value)]

    def pointed(name: str, value: Any, length: int) -> Any:
        # a text is its own name (a list's begins with « [ », a row's with « { », so mark it)
        if length <= LONG:
            return value
        if name not in places:
            places[name] = len(shared)
            shared.append(value)
        return {"t": places[name]}

    return [{key: told(value) for key, value in row.items()} for row in rows], shared

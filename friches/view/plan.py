"""The plan of one block at a round scale, written as SVG by a template: no network, no tiles.

Paths are written straight from the geometries, in millimetres on paper: the page's policy refuses
the inline styles that drawing libraries put in their SVG, and texts stay texts.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import shapely
from pyproj import CRS, Proj, Transformer

from friches.view import compact, words
from friches.view.labels import labelled
from friches.view.paper import Key, Locator, Paper, Plan, Tick, path

if TYPE_CHECKING:
    import geopandas as gpd

    from friches.result import Result

SCALES = (1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000)
"""Scale denominators tried in turn."""
SIZE_MM = (182.0, 152.0)
"""Size on paper of a whole plan, with the grid's figures and the legend."""
LEFT_MM, BOTTOM_MM, EDGE_MM = 5.0, 6.6, 0.3
"""Room left of the frame and under it (grid), and around it for its line."""
KEYS = {"block": 15.0, "yes": 44.0, "unknown": 48.0, "neighbour": 29.0, "road": 17.0, "track": 20.0}
"""What the legend explains, and the room each takes (mm)."""
KEY_MM = 4.4
"""Height of a line of the legend."""
LOCATOR_MM = 26.0
LOCATED = 500
"""Blocks that the locator draws; where there are more they hide the land, and the block's own
place is drawn alone (ASSUMPTION: 26 mm across, over 25 kB a page)."""
FILLED = 0.72
"""Part of the frame that the block fills at most: its neighbourhood must show."""
STEPS_M = (20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000)
STEP_MM = 35.0
"""Least distance on paper between two lines of the grid."""
FINE_MM = 0.05
"""Outlines of neighbours are simplified by this much on paper."""
ROAD_MOST_IMPORTANCE = 5
"""BD TOPO: 1 to 5 are roads; 6 (and unknown) are tracks and paths, drawn dashed."""


class _Roads(NamedTuple):
    """Segments, and which of them are roads (the others are tracks and paths)."""

    near: Any
    shapes: Any
    roads: Any


class Atlas(NamedTuple):
    """What every plan of a result shares, made once."""

    near: Any
    shapes: Any
    numbers: Any
    parcel_of: dict[str, int]
    answers: dict[str, str]
    members: dict[str, list[str]]
    blocks: dict[str, Any]
    answer_of_block: dict[str, str]
    roads: _Roads | None
    crs: CRS
    to_degrees: Transformer
    projection: Proj
    locator: Locator
    locator_paper: Paper


def survey(result: Result, every: gpd.GeoSeries | None = None) -> Atlas:
    """Return what every plan shares: a spatial index, who belongs where, the locator.

    Parameters
    ----------
    result : Result
        Already cut down by `audience.visible`: for the public parcels have no number, and plans
        show the block's outline alone.
    every : GeoSeries, optional
        Outlines of all the blocks, for the locator, where `result` has some of them only.
    """
    crs = CRS(result.blocks.crs or result.study.crs)
    members: dict[str, list[str]] = {}
    for parcel, block in zip(result.members["parcel_id"], result.members["block_id"], strict=True):
        members.setdefault(block, []).append(parcel)
    ids = result.parcels["parcel_id"]
    places = np.flatnonzero(ids.isin(result.members["parcel_id"]))
    known = result.fallow[result.fallow["parcel_id"].isin(result.members["parcel_id"])]
    locator, paper = _locator(result, result.blocks.geometry if every is None else every)
    names = ("prefix", "section", "number")
    return Atlas(
        near=result.parcels.sindex,
        shapes=result.parcels.geometry.to_numpy(),
        numbers=np.column_stack([result.parcels[n].to_numpy(dtype=object) for n in names]),
        parcel_of=dict(zip(ids.iloc[places], places.tolist(), strict=True)),
        answers=dict(zip(known["parcel_id"], map(words.answer_key, known["answer"]), strict=True)),
        members={block: sorted(parcels) for block, parcels in members.items()},
        blocks=dict(zip(result.blocks["block_id"], result.blocks.geometry, strict=True)),
        answer_of_block=dict(
            zip(
                result.blocks["block_id"],
                map(words.answer_key, result.blocks["answer"]),
                strict=True,
            )
        ),
        roads=_surveyed(result.roads),
        crs=crs,
        to_degrees=Transformer.from_crs(crs, crs.geodetic_crs, always_xy=True),
        projection=Proj(crs),
        locator=locator,
        locator_paper=paper,
    )


def scale_for(
    bounds: tuple[float, float, float, float], width: float = 176.4, height: float = 140.7
) -> int:
    """Return the largest round scale at which `bounds` (metres) and some ground around fit.

    `width` and `height` (mm) are those of the frame: by default those of a whole plan.
    """
    wide, high = bounds[2] - bounds[0], bounds[3] - bounds[1]
    for scale in SCALES:
        if wide * 1000 / scale <= FILLED * width and high * 1000 / scale <= FILLED * height:
            return scale
    return SCALES[-1]


def north_of(atlas: Atlas, x: float, y: float) -> float:
    """Return the degrees clockwise from grid north to true north at a point of the study's CRS.

    PROJ's meridian convergence is the angle from true north to grid north, counted clockwise.
    """
    lon, lat = atlas.to_degrees.transform(x, y)
    return -float(atlas.projection.get_factors(lon, lat).meridian_convergence)


def draw(atlas: Atlas, block_id: str, size: tuple[float, float] = SIZE_MM) -> Plan:
    """Return the plan of one block in its neighbourhood.

    Parameters
    ----------
    atlas : Atlas
        From `survey`.
    block_id : str
        A block of the result.
    size : (float, float)
        Width and height on paper (mm).
    """
    width, height = size
    keys, lines = _keys(width - LEFT_MM, atlas.roads is not None)
    left, top = LEFT_MM, EDGE_MM
    right, bottom = width - EDGE_MM, height - BOTTOM_MM - KEY_MM * lines
    shape = atlas.blocks[block_id]
    scale = scale_for(shape.bounds, right - left, bottom - top)
    middle_x = (shape.bounds[0] + shape.bounds[2]) / 2
    middle_y = (shape.bounds[1] + shape.bounds[3]) / 2
    metre = 1000 / scale
    west = middle_x - (right - left) / 2 / metre
    south = middle_y - (bottom - top) / 2 / metre
    frame = (west, south, west + (right - left) / metre, south + (bottom - top) / metre)
    paper = Paper(west, south, metre, left, bottom)
    near = np.sort(atlas.near.query(shapely.box(*frame)))
    own = [atlas.parcel_of[pid] for pid in atlas.members.get(block_id, ())]
    others = near[~np.isin(near, own)]
    shapes = atlas.shapes
    clipped = shapely.clip_by_rect(shapes[others], *frame)
    step = next((s for s in STEPS_M if s * metre >= STEP_MM), STEPS_M[-1])
    outer, inner = _roads(atlas.roads, frame, paper)
    return Plan(
        block_id=block_id,
        scale=scale,
        width=width,
        height=height,
        left=left,
        top=top,
        right=right,
        bottom=bottom,
        ground=frame,
        neighbours=path(shapely.simplify(clipped, FINE_MM / metre), paper),
        roads=outer,
        tracks=inner,
        outline=path([shape], paper),
        members=_members(atlas, block_id, shapes, own, paper),
        labels=labelled(atlas.numbers, shapes, own, others, clipped, paper),
        columns=_ticks(frame[0::2], step, metre, left, "E"),
        rows=[
            Tick(round(bottom - (tick.at - top), 2), tick.text)
            for tick in _ticks(frame[1::2], step, metre, top, "N")
        ],
        north=north_of(atlas, middle_x, middle_y),
        bar_mm=round(step * metre, 2),
        bar_m=step,
        grid=atlas.crs.name.split(" / ")[-1],
        keys=keys,
        locator=_placed(atlas, middle_x, middle_y),
    )


def _keys(width: float, roads: bool) -> tuple[list[Key], int]:
    """Return where each sign of the legend stands, and on how many lines."""
    keys: list[Key] = []
    x, line = 0.0, 0
    for kind, room in KEYS.items():
        if kind in ("road", "track") and not roads:
            continue
        if x + room > width:
            x, line = 0.0, line + 1
        keys.append(Key(kind, x, line * KEY_MM))
        x += room
    return keys, line + 1


def _members(
    atlas: Atlas, block_id: str, shapes: Any, own: list[int], paper: Paper
) -> list[tuple[str, str]]:
    if not own:
        return [(path([atlas.blocks[block_id]], paper), atlas.answer_of_block[block_id])]
    return [
        (path([shapes[place]], paper), atlas.answers.get(pid, "unknown"))
        for place, pid in zip(own, atlas.members[block_id], strict=True)
    ]


def _surveyed(roads: gpd.GeoDataFrame | None) -> _Roads | None:
    if roads is None:
        return None
    road = (roads["importance"] <= ROAD_MOST_IMPORTANCE).fillna(value=False).to_numpy(dtype=bool)
    road &= roads["drivable"].fillna(value=False).to_numpy(dtype=bool)
    return _Roads(roads.sindex, roads.geometry.to_numpy(), road)


def _roads(
    roads: _Roads | None, frame: tuple[float, float, float, float], paper: Paper
) -> tuple[str, str]:
    """Return roads and tracks as two paths."""
    if roads is None or not len(roads.shapes):
        return "", ""
    near = np.sort(roads.near.query(shapely.box(*frame)))
    shapes = shapely.clip_by_rect(np.asarray(roads.shapes[near], dtype=object), *frame)
    road = roads.roads[near]
    return path(shapes[road], paper), path(shapes[~road], paper)


def _ticks(
    ends: tuple[float, ...], step: int, metre: float, start: float, letter: str
) -> list[Tick]:
    """Return the grid lines between two coordinates, placed from `start` (mm) on."""
    low, high = ends
    return [
        Tick(
            round(start + (n * step - low) * metre, 2),
            f"{letter}{words.NBSP}{words.number(n * step)}",
        )
        for n in range(math.ceil(low / step), math.floor(high / step) + 1)
    ]


def _locator(result: Result, blocks: gpd.GeoSeries) -> tuple[Locator, Paper]:
    """Return the territory's outline with the blocks, and how to place a point on it."""
    area = compact.study_area(result.parcels)
    bounds = area.total_bounds if len(area) else blocks.total_bounds
    if len(blocks) == 0 and not len(area):
        bounds = (0.0, 0.0, 1.0, 1.0)
    west, south, east, north = (float(end) for end in bounds)
    metre = (LOCATOR_MM - 2) / max(east - west, north - south, 1.0)
    left = (LOCATOR_MM - (east - west) * metre) / 2
    low = (LOCATOR_MM + (north - south) * metre) / 2
    paper = Paper(west, south, metre, left, low)
    shapes = shapely.simplify(area.to_numpy(), FINE_MM / metre)
    shown = blocks.to_numpy() if len(blocks) <= LOCATED else np.empty(0, dtype=object)
    spots = shapely.simplify(shown, FINE_MM / metre)
    drawn = Locator(LOCATOR_MM, path(shapes, paper), path(spots, paper), 0.0, 0.0)
    return drawn, paper


def _placed(atlas: Atlas, x: float, y: float) -> Locator:
    place = atlas.locator_paper.at(np.array([[x, y]])).tolist()[0]
    return atlas.locator._replace(x=place[0], y=place[1])

from __future__ import annotations

import tomllib
from importlib import resources
from itertools import pairwise

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import LineString, MultiLineString, Point, Polygon, box

from friches import tables
from friches.errors import InputError
from friches.spatial import reach
from friches.spatial.reach import ASSUMED, travel

LAMBERT_93 = "EPSG:2154"
FAR = {"farm": 1000, "canteen": 1000}


def spike(x, y, up=1):
    """A block that points at the road with one corner, so its way in is certain."""
    return Polygon([(x, y), (x + 20, y + 50 * up), (x - 20, y + 50 * up)])


def blocks(*shapes):
    ids = [f"B{k}" for k in range(1, len(shapes) + 1)]
    return gpd.GeoDataFrame({"block_id": ids}, geometry=list(shapes), crs=LAMBERT_93)


def places(**points):
    """Name starts with f for a farm, c for a canteen."""
    kinds = ["farm" if name[0] == "f" else "canteen" for name in points]
    shapes = [Point(xy) for xy in points.values()]
    return gpd.GeoDataFrame(
        {"place_id": list(points), "kind": kinds}, geometry=shapes, crs=LAMBERT_93
    )


def roads(*lines, kmh=60, drivable=True, oneway=0):
    """60 km/h: a kilometre a minute."""
    return gpd.GeoDataFrame(
        {
            "speed_kmh": np.broadcast_to(float(kmh) if np.isscalar(kmh) else kmh, len(lines)),
            "drivable": pd.array(np.broadcast_to(drivable, len(lines)).copy(), dtype="boolean"),
            "oneway": pd.array(np.broadcast_to(oneway, len(lines)).copy(), dtype="Int64"),
        },
        geometry=[LineString(line) if isinstance(line, list) else line for line in lines],
        crs=LAMBERT_93,
    )


def minutes(found):
    return {(b, p): m for b, p, m in found[["block_id", "place_id", "minutes"]].values}


LONG = [(0, 0), (4000, 0)]


def test_every_assumption_carries_unit_source_and_mark():
    said = tomllib.loads((resources.files("friches.spatial") / "reach.toml").read_text("utf-8"))
    for node in said.values():
        assert {"value", "unit", "text", "source", "mark"} == set(node)
        assert node["mark"] in {"VERIFIED", "RECALLED", "ASSUMPTION", "INFERENCE"}
    assert ASSUMED["access_speed"] == 10
    assert ASSUMED["far_from_road"] == 500
    assert ASSUMED["detour"] == 1.3


# ------------------------------------------------------------------------------------- by the road


def test_minutes_and_metres_by_hand():
    found = travel(blocks(spike(3000, 20)), places(f=(1000, 10)), roads(LONG), FAR)
    # 2 km at 60 km/h and 30 m at 10 km/h.
    assert found["minutes"].tolist() == [pytest.approx(2 + 0.18)]
    assert found["distance_m"].tolist() == [pytest.approx(2030)]
    assert found["by"].tolist() == ["road"]
    assert found["kind"].tolist() == ["farm"]
    assert found.columns.tolist() == [c.name for c in tables.TABLES["reach"].columns]


def test_a_place_on_its_block_is_at_zero_minutes():
    land = blocks(box(100, 10, 200, 90), box(100, 3000, 200, 3090))
    found = travel(land, places(c=(150, 50), f=(200, 90)), roads(LONG), FAR)
    assert found[["block_id", "place_id", "minutes", "distance_m", "by"]].values.tolist()[:2] == [
        ["B1", "c", 0, 0, "road"],
        ["B1", "f", 0, 0, "road"],
    ]
    none = travel(land, places(c=(150, 50)), None, {"canteen": 0})
    assert none[["block_id", "minutes", "by"]].values.tolist() == [["B1", 0, "straight"]]


@pytest.mark.parametrize(("limit", "rows"), [(2.18, 1), (2.1799, 0)])
def test_the_limit_itself_is_within_reach(limit, rows):
    found = travel(blocks(spike(3000, 20)), places(f=(1000, 10)), roads(LONG), {"farm": limit})
    assert len(found) == rows


def test_each_kind_has_its_own_limit_and_kinds_without_one_are_left_out():
    land, where = blocks(spike(3000, 20)), places(f=(1000, 10), c=(1000, 10))
    assert travel(land, where, roads(LONG), {"farm": 1, "canteen": 3})["place_id"].tolist() == ["c"]
    assert travel(land, where, roads(LONG), {"farm": 3})["place_id"].tolist() == ["f"]


def test_the_quickest_way_is_taken_not_the_shortest():
    detour = [(0, 0), (0, 1500), (4000, 1500), (4000, 0)]
    found = travel(
        blocks(spike(4000, 0, up=-1)), places(f=(0, 0)), roads(LONG, detour, kmh=[30, 120]), FAR
    )
    assert found["minutes"].tolist() == [pytest.approx(3.5)]
    assert found["distance_m"].tolist() == [pytest.approx(7000)]


def test_of_two_roads_between_the_same_junctions_the_quicker_counts_once():
    twice = roads(LONG, LONG, [(0, 0), (2000, 10), (4000, 0)], kmh=[40, 60, 20])
    found = travel(blocks(spike(4000, 0)), places(f=(0, 0)), twice, FAR)
    assert found["minutes"].tolist() == [pytest.approx(4)]


def test_one_way_streets_farm_drives_to_the_block_and_the_block_to_the_canteen():
    # A ring of four kilometres driven anticlockwise; block at (1000, 0), both places at (0, 0).
    ring = roads([(0, 0), (1000, 0)], [(1000, 0), (1000, 1000), (0, 1000), (0, 0)], oneway=1)
    found = travel(blocks(spike(1000, 0, up=-1)), places(c=(0, 0), f=(0, 0)), ring, FAR)
    assert minutes(found) == {("B1", "c"): pytest.approx(3), ("B1", "f"): pytest.approx(1)}
    other = travel(
        blocks(spike(1000, 0, up=-1)), places(c=(0, 0), f=(0, 0)), ring.assign(oneway=-1), FAR
    )
    assert minutes(other) == {("B1", "c"): pytest.approx(1), ("B1", "f"): pytest.approx(3)}


def test_a_block_just_behind_on_a_one_way_street_is_all_the_way_round():
    ring = roads([(0, 0), (1000, 0)], [(1000, 0), (1000, 1000), (0, 1000), (0, 0)], oneway=1)
    found = travel(blocks(spike(400, 0, up=-1)), places(f=(500, 0), c=(500, 0)), ring, FAR)
    assert minutes(found) == {("B1", "f"): pytest.approx(3.9), ("B1", "c"): pytest.approx(0.1)}


def test_roads_meet_at_their_ends_not_where_they_cross():
    cross = [[(0, 0), (4000, 0)], [(2000, -1000), (2000, 1000)]]
    land, where = blocks(spike(2000, 1000)), places(f=(0, 0))
    assert travel(land, where, roads(*cross), FAR).empty
    cut = [[(0, 0), (2000, 0)], [(2000, 0), (4000, 0)], [(2000, -1000), (2000, 0)]]
    joined = travel(land, where, roads(*cut, [(2000, 0), (2000, 1000)]), FAR)
    assert joined["minutes"].tolist() == [pytest.approx(3)]


@pytest.mark.parametrize(("gap", "rows"), [(0, 1), (0.1, 1), (0.11, 0)])
def test_ends_a_hair_apart_are_one_junction(gap, rows):
    split = roads([(0, 0), (2000, 0)], [(2000 + gap, 0), (4000, 0)])
    assert len(travel(blocks(spike(4000, 0)), places(f=(0, 0)), split, FAR)) == rows


def test_ends_snap_across_any_rounding_of_coordinates():
    split = roads([(0, 0), (2000.0499, 0)], [(2000.0501, 0), (4000, 0)])
    assert len(travel(blocks(spike(4000, 0)), places(f=(0, 0)), split, FAR)) == 1


def test_tracks_that_cannot_be_driven_are_left_out():
    lines = [[(0, 0), (0, 1000)], [(0, 1000), (4000, 1000)], [(4000, 1000), (4000, 0)], LONG]
    land, where = blocks(spike(4000, 0, up=-1)), places(f=(0, 0))
    shut = roads(*lines, drivable=[True, True, True, False])
    still = roads(*lines, kmh=[60, 60, 60, 0])
    for some in (shut, still):
        assert travel(land, where, some, FAR)["minutes"].tolist() == [pytest.approx(6)]


def test_a_road_in_several_parts_and_a_loop_are_roads():
    parts = MultiLineString([[(0, 0), (1000, 0)], [(1000, 0), (2000, 0)]])
    loop = LineString([(2000, 0), (2500, 500), (3000, 0), (2500, -500), (2000, 0)])
    found = travel(blocks(spike(3000, 0)), places(f=(0, 0)), roads(parts, loop), FAR)
    assert found["minutes"].tolist() == [pytest.approx(2 + np.sqrt(2))]


def test_without_a_way_the_pair_is_absent_never_infinite():
    split = roads([(0, 0), (1000, 0)], [(3000, 0), (4000, 0)])
    land = blocks(spike(4000, 0), spike(1000, 0))
    assert minutes(travel(land, places(f=(0, 0)), split, FAR)) == {("B2", "f"): pytest.approx(1)}


def test_a_block_is_entered_from_each_road_beside_it():
    # The nearer road, 5 m off, leads nowhere; the other, 12 m off, leads to the farm.
    wedge = Polygon([(1000, 12), (1500, 100), (1000, 195)])
    two = [[(0, 0), (1000, 0)], [(1000, 200), (2000, 200)]]
    found = travel(blocks(wedge), places(f=(0, 0)), roads(*two), FAR)
    assert found["minutes"].tolist() == [pytest.approx(1 + 0.072)]
    apart = Polygon([(1000, 15.1), (1500, 100), (1000, 195)])
    assert travel(blocks(apart), places(f=(0, 0)), roads(*two), FAR).empty


# --------------------------------------------------------------------------------- straight lines


def test_without_roads_straight_lines_and_their_detour():
    found = travel(blocks(box(3000, -9, 3050, 9)), places(f=(1000, 0)), None, FAR)
    assert found["distance_m"].tolist() == [pytest.approx(2000 * 1.3)]
    assert found["minutes"].tolist() == [pytest.approx(2.6 * 60 / ASSUMED["straight_speed"])]
    assert found["by"].tolist() == ["straight"]


@pytest.mark.parametrize(("limit", "rows"), [(3.9, 1), (3.8999, 0)])
def test_the_limit_holds_for_straight_lines(limit, rows):
    assert (
        len(travel(blocks(box(3000, -9, 3050, 9)), places(f=(1000, 0)), None, {"farm": limit}))
        == rows
    )


@pytest.mark.parametrize(("off", "by"), [(499.9, "road"), (500, "road"), (500.1, "straight")])
def test_a_place_far_from_every_road_falls_back_and_says_so(off, by):
    found = travel(blocks(spike(3000, 0)), places(f=(1000, off), g=(1000, 0)), roads(LONG), FAR)
    assert found["by"].tolist() == [by, "road"]


@pytest.mark.parametrize("some", [roads(LONG, drivable=False), roads()])
def test_a_layer_without_drivable_road_is_straight_lines(some):
    found = travel(blocks(spike(3000, 0)), places(f=(1000, 0)), some, FAR)
    assert found["by"].tolist() == ["straight"]


@pytest.mark.parametrize("some", [None, roads(LONG)])
def test_no_block_or_no_place_gives_an_empty_table(some):
    land, where = blocks(spike(3000, 0)), places(f=(1000, 0))
    for found in (
        travel(land.iloc[:0], where, some, FAR),
        travel(land, where.iloc[:0], some, FAR),
        travel(land, where, some, {}),
    ):
        assert found.empty
        assert found.dtypes.equals(tables.empty("reach").dtypes)


def test_layers_in_other_planes_are_refused():
    land, where = blocks(spike(3000, 0)), places(f=(1000, 0))
    with pytest.raises(InputError) as told:
        travel(land, where.to_crs("EPSG:4326"), roads(LONG).set_crs(None, allow_override=True), FAR)
    assert len(told.value.breaches) == 2


# ------------------------------------------------------------------------------------- properties


def random_town(rng):
    """A grid of 5 x 5 junctions, 1 km apart, some streets missing, some one-way."""
    lines, kmh, oneway = [], [], []
    for x in range(5):
        for y in range(5):
            for dx, dy in ((1, 0), (0, 1)):
                if x + dx < 5 and y + dy < 5 and rng.random() < 0.85:
                    lines.append(
                        LineString([(x * 1000, y * 1000), ((x + dx) * 1000, (y + dy) * 1000)])
                    )
                    kmh.append(rng.uniform(20, 90))
                    oneway.append(rng.choice([0, 0, 1, -1]))
    return roads(*lines, kmh=kmh, oneway=oneway)


def brute(land, where, streets):
    """Dijkstra from every place on a graph whose junctions are cut in by hand."""
    graph = nx.DiGraph()
    stops = {("B", k): shape for k, shape in zip(land["block_id"], land.geometry, strict=True)}
    stops |= {("P", k): shape for k, shape in zip(where["place_id"], where.geometry, strict=True)}
    nearest = {key: streets.distance(shape).to_numpy().argmin() for key, shape in stops.items()}
    for k, (line, kmh, oneway) in enumerate(
        zip(streets.geometry, streets["speed_kmh"], streets["oneway"], strict=True)
    ):
        on = [(line.project(stops[key].centroid), key) for key in stops if nearest[key] == k]
        ends = [
            (0, line.coords[0]),
            *sorted(on, key=lambda one: one[0]),
            (line.length, line.coords[-1]),
        ]
        for (a, tail), (b, head) in pairwise(ends):
            if oneway >= 0:
                graph.add_edge(tail, head, weight=(b - a) * 0.06 / kmh)
            if oneway <= 0:
                graph.add_edge(head, tail, weight=(b - a) * 0.06 / kmh)
    found = {}
    for place, kind in zip(where["place_id"], where["kind"], strict=True):
        way = graph if kind == "farm" else graph.reverse()
        far = nx.single_source_dijkstra_path_length(way, ("P", place))
        for key in stops:
            if key[0] == "B" and key in far:
                legs = sum(streets.distance(stops[one]).min() for one in (key, ("P", place)))
                found[key[1], place] = far[key] + legs * 0.06 / 10
    return found


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_equals_a_graph_made_by_hand_in_any_order(seed):
    rng = np.random.default_rng(seed)
    streets = random_town(rng)
    # Away from junctions and from other roads, so that each has one way in.
    on = streets.geometry.sample(9, random_state=seed, replace=True).to_numpy()
    spots = [line.interpolate(rng.uniform(100, 900)) for line in on]
    land = blocks(*(spot.buffer(0.01) for spot in spots[:5]))
    where = places(**{f"{'fc'[k % 2]}{k}": spot.coords[0] for k, spot in enumerate(spots[5:])})
    found = travel(land, where, streets, FAR)
    expected = brute(land, where, streets)
    assert set(minutes(found)) == set(expected)
    assert minutes(found) == pytest.approx(expected, abs=1e-3)  # a disc is entered anywhere in it
    assert found[["block_id", "place_id"]].apply(tuple, axis=1).is_monotonic_increasing

    shuffled = travel(
        land.iloc[::-1], where.iloc[::-1], streets.sample(frac=1, random_state=seed), FAR
    )
    pd.testing.assert_frame_equal(shuffled, found)


def test_batches_change_nothing(monkeypatch):
    rng = np.random.default_rng(3)
    streets = random_town(rng)
    points = rng.uniform(0, 4000, (12, 2))
    where = places(**{f"{'fc'[k % 2]}{k:02d}": tuple(xy) for k, xy in enumerate(points[:7])})
    land = blocks(*(box(*xy, *(xy + 90)) for xy in points[7:]))
    whole = travel(land, where, streets, FAR)
    monkeypatch.setattr(reach, "AT_ONCE", 2)
    pd.testing.assert_frame_equal(travel(land, where, streets, FAR), whole)
    assert len(whole) > 20

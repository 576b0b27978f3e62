"""The compiled area kernel against GEOS, on the cases that break geometry engines."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import MultiPolygon, Point, Polygon, box

from friches.errors import InputError
from friches.spatial import common, geos
from friches.spatial.classes import class_areas
from friches.spatial.edges import MANY, edges
from friches.spatial.packed import meeting, pack
from friches.spatial.shapes import as_geometries, first_alike, from_geometries, from_wkb, join, take

FAR = (652_000.0, 6_862_000.0)  # where Lambert-93 coordinates lie


def array(*shapes):
    return np.array(shapes, dtype=object)


def pair(one, other):
    """The common area of two shapes by the kernel, alone and with sides changed."""
    a, b = (edges(from_geometries(array(shape))) for shape in (one, other))
    zero = np.zeros(1, np.int64)
    there, back = common.common_areas(a, b, zero, zero)[0], common.common_areas(b, a, zero, zero)[0]
    assert there == pytest.approx(back, abs=1e-7)
    return there


@pytest.mark.parametrize(
    ("one", "other", "area"),
    [
        (box(0, 0, 3, 3), box(1, 1, 2, 2), 1),  # inside
        (box(0, 0, 3, 3), box(0, 0, 3, 3), 9),  # the same
        (box(0, 0, 3, 3), box(3, 0, 6, 3), 0),  # a shared side
        (box(0, 0, 3, 3), box(3, 3, 6, 6), 0),  # a shared corner
        (box(0, 0, 3, 3), box(1, -1, 2, 4), 3),  # a strip across
        (box(0, 0, 3, 3), box(0, 0, 3, 1), 3),  # collinear sides
        (box(0, 0, 3, 3).difference(box(1, 1, 2, 2)), box(0, 0, 3, 3), 8),  # a hole
        (box(0, 0, 3, 3).difference(box(1, 1, 2, 2)), box(1, 1, 2, 2), 0),  # within the hole
        (MultiPolygon([box(0, 0, 1, 1), box(2, 2, 3, 3)]), box(0, 0, 3, 3), 2),
        (Polygon([(0, 0), (3, 0), (0, 3)]), Polygon([(3, 3), (0, 3), (3, 0)]), 0),
        (Polygon([(0, 0), (3, 0), (0, 3)]), box(0, 0, 1.5, 1.5), 2.25),
        (Polygon(), box(0, 0, 1, 1), 0),
        (Point(1, 1), box(0, 0, 3, 3), 0),
    ],
)
def test_areas_a_person_can_check(one, other, area) -> None:
    assert pair(one, other) == pytest.approx(area, abs=1e-12)
    turned = [shapely.affinity.rotate(shape, 37, (0, 0)) for shape in (one, other)]
    moved = [shapely.affinity.translate(shape, *FAR) for shape in turned]
    assert pair(*moved) == pytest.approx(area, abs=1e-7)
    assert pair(one.reverse(), other) == pytest.approx(area, abs=1e-12)


def test_holes_drawn_either_way_are_holes() -> None:
    ring = [(0, 0), (3, 0), (3, 3), (0, 3)]
    hole = [(1, 1), (2, 1), (2, 2), (1, 2)]
    for outside in (ring, ring[::-1]):
        for inside in (hole, hole[::-1]):
            assert pair(Polygon(outside, [inside]), box(0, 0, 3, 3)) == pytest.approx(8)


SNAPPED = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=3, max_size=9)
FINE = st.floats(0, 6, allow_nan=False).map(lambda x: round(x, 3))
SLIVER = st.tuples(FINE, FINE, st.sampled_from([1e-9, 1e-6, 1e-3, 0.1]))


def whole(points):
    shape = shapely.make_valid(Polygon(points), method="structure")
    return MultiPolygon([p for p in shapely.get_parts(shape) if p.geom_type == "Polygon"])


def close_to_geos(one, other) -> None:
    """Within 1e-6 of the first shape's area, or 1e-7 m² at Lambert-93 coordinates."""
    at = [shapely.affinity.translate(shape, *FAR) for shape in (one, other)]
    at = [shapely.make_valid(shape, method="structure") for shape in at]
    for shape in at:
        if shape.is_empty or not shape.is_valid:
            return
    real = shapely.area(shapely.intersection(*at))
    assert abs(pair(*at) - real) <= max(1e-6 * at[0].area, 1e-7)


@given(SNAPPED, SNAPPED)
@settings(max_examples=150, deadline=None)
def test_snapped_to_a_grid(one, other) -> None:
    close_to_geos(whole(one), whole(other))


@given(SNAPPED, st.lists(st.floats(-1e-7, 1e-7), min_size=9, max_size=9))
@settings(max_examples=150, deadline=None)
def test_nearly_the_same(points, moves) -> None:
    other = [(x + move, y - move) for (x, y), move in zip(points, moves, strict=False)]
    close_to_geos(whole(points), whole(other))


@given(st.tuples(FINE, FINE), st.tuples(FINE, FINE), SLIVER, SNAPPED)
@settings(max_examples=150, deadline=None)
def test_slivers_and_nearly_collinear(start, end, sliver, other) -> None:
    x, y, width = sliver
    close_to_geos(whole([start, end, (end[0] + width, end[1]), (x, y)]), whole(other))


@given(SNAPPED, st.integers(1, 5))
@settings(max_examples=80, deadline=None)
def test_parts_of_a_cut_sum_to_the_whole(points, at) -> None:
    shape = whole(points)
    if shape.is_empty:
        return
    halves = [shapely.intersection(shape, half) for half in (box(-1, -1, at, 9), box(at, -1, 9, 9))]
    sums = sum(pair(half, box(0, 0, 6, 6)) for half in halves)
    assert sums == pytest.approx(pair(shape, box(0, 0, 6, 6)), abs=1e-9)


def circle(n, radius, x=0.0, y=0.0):
    turn = np.linspace(0, 2 * np.pi, n, endpoint=False)
    return Polygon(np.c_[x + radius * np.cos(turn), y + radius * np.sin(turn)])


def test_many_edges_are_found_through_their_slabs() -> None:
    wood = circle(20 * MANY, 1000).difference(circle(3 * MANY, 300, 200, 100))
    rng = np.random.default_rng(3)
    plots = array(*[box(x, y, x + 40, y + 25) for x, y in rng.uniform(-1100, 1100, (200, 2))])
    plots = np.append(plots, [circle(2 * MANY, 900, 50, 20), box(-2000, -2000, 2000, 2000)])
    a, b = edges(from_geometries(plots)), edges(from_geometries(array(wood)))
    assert b.slabs[0, 1] > 0
    found = common.common_areas(a, b, np.arange(202), np.zeros(202, np.int64))
    np.testing.assert_allclose(found, shapely.area(shapely.intersection(plots, wood)), atol=1e-6)


def random_layers(seed=5):
    rng = np.random.default_rng(seed)
    land = array(*[box(x, y, x + 1, y + 1) for x in range(12) for y in range(12)])
    drawn = array(*[whole(rng.uniform(0, 12, (6, 2))) for _ in range(60)])
    drawn = np.concatenate([drawn, drawn[:10]])
    return land, drawn, rng.integers(0, 4, 70)


def test_classes_that_overlap_count_once_as_geos_says() -> None:
    land, drawn, codes = random_layers()
    ours = class_areas(edges(from_geometries(land)), from_geometries(drawn), codes)
    theirs = geos.class_areas(land, drawn, codes)
    ours, theirs = (
        {(p, c): a for p, c, a in zip(*t, strict=True) if a > 1e-6} for t in (ours, theirs)
    )
    assert ours.keys() == theirs.keys()
    assert max(abs(ours[key] - theirs[key]) for key in ours) < 1e-6
    assert max(ours.values()) <= 1 + 1e-6


@pytest.mark.parametrize("chunk", [1, 7, 10_000])
def test_neither_order_nor_threads_change_a_bit(chunk, monkeypatch) -> None:
    land, drawn, codes = random_layers()
    before = class_areas(edges(from_geometries(land)), from_geometries(drawn), codes)
    monkeypatch.setattr(common, "CHUNK", chunk)
    order = np.random.default_rng(chunk).permutation(len(drawn))
    after = class_areas(edges(from_geometries(land)), from_geometries(drawn[order]), codes[order])
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, other)


def test_candidate_pairs_are_those_of_geos() -> None:
    rng = np.random.default_rng(1)
    corners = rng.uniform(0, 100, (2, 700, 2))
    sizes = rng.uniform(0, 9, (2, 700, 2))
    one, other = (np.hstack([c, c + s]) for c, s in zip(corners, sizes, strict=True))
    here, there = meeting(pack(other), one, 0, 700)
    tree = shapely.STRtree(shapely.box(*other.T))
    theirs = {tuple(found) for found in tree.query(shapely.box(*one.T)).T}
    assert set(zip(here.tolist(), there.tolist(), strict=True)) == theirs
    assert len(meeting(pack(np.empty((0, 4))), one, 0, 700)[0]) == 0


def test_wkb_in_all_its_spellings() -> None:
    flat = array(
        box(0, 0, 2, 2).difference(box(0.5, 0.5, 1, 1)),
        MultiPolygon([box(5, 5, 6, 6), box(7, 7, 8, 8)]),
    )
    high = shapely.force_3d(flat, 4.0)
    said = [
        *shapely.to_wkb(flat),
        *shapely.to_wkb(high, flavor="iso", output_dimension=3),
        *shapely.to_wkb(shapely.set_srid(high, 2154), include_srid=True, output_dimension=3),
        shapely.to_wkb(
            shapely.GeometryCollection([Point(9, 9), *flat, shapely.LineString([(0, 0), (1, 1)])])
        ),
        None,
        shapely.to_wkb(Polygon()),
    ]
    shapes = from_wkb(
        pa.chunked_array(
            [pa.array(said[:3], pa.large_binary()), pa.array(said[3:], pa.large_binary())]
        )
    )
    areas = shapely.area(as_geometries(shapes))
    assert areas.tolist() == [3.75, 2, 3.75, 2, 3.75, 2, 5.75, 0, 0]
    again = join(take(shapes, np.array([6, 0])), take(shapes, np.array([8, 1])))
    assert shapely.area(as_geometries(again)).tolist() == [5.75, 3.75, 0, 2]


def test_broken_wkb_is_told_and_never_read_beyond() -> None:
    good = shapely.to_wkb(box(0, 0, 1, 1))
    bad = [good[:-1], good + b"x", b"\x00" + good[1:], good[:3], b"\x01\x09\0\0\0\0\0\0\0"]
    for one in bad:
        with pytest.raises(InputError, match=r"1 géométrie.*ligne 2"):
            from_wkb(pa.array([good, one]))


def test_like_shapes_are_measured_once() -> None:
    shapes = from_geometries(
        array(box(0, 0, 1, 1), box(1, 0, 2, 1), box(0, 0, 1, 1), Polygon(), None)
    )
    firsts, alike = first_alike(shapes)
    assert firsts.tolist() == [0, 1, 3]
    assert alike.tolist() == [0, 1, 0, 2, 2]

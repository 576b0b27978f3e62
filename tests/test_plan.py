"""The plan of a block: true scale, true north, every parcel drawn, nothing but paths and texts."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import geopandas as gpd
import pytest
import shapely
from pyproj import Transformer
from tiny import CRS, SOUTH, WEST, tiny_result

from friches.view import paper, plan
from friches.view.audience import visible


def points(path: str) -> list[list[tuple[float, float]]]:
    """Read back the rings of an SVG path of ours."""
    return [
        [tuple(map(float, pair.split(","))) for pair in ring.split()]
        for ring in path.split("M")
        if ring
    ]


def drawn(block_id: str = "B001", **about: object) -> paper.Plan:
    return plan.draw(plan.survey(visible(tiny_result(**about))), block_id)


def test_s5_bar_is_as_long_on_paper_as_it_says() -> None:
    made = drawn()
    assert made.scale in plan.SCALES
    assert made.bar_mm == pytest.approx(made.bar_m * 1000 / made.scale, abs=0.005)


def test_a_square_is_drawn_at_scale_and_upright() -> None:
    made = drawn("B002")  # one square of 100 m
    (ring,) = points(made.outline)
    side = 100 * 1000 / made.scale
    xs, ys = [x for x, _ in ring], [y for _, y in ring]
    assert max(xs) - min(xs) == pytest.approx(side, abs=0.02)
    assert max(ys) - min(ys) == pytest.approx(side, abs=0.02)
    assert (min(xs) + max(xs)) / 2 == pytest.approx((made.left + made.right) / 2, abs=0.02)


def test_north_is_up_on_paper() -> None:
    made = drawn()  # B001 is the south-west pair; A 4 stands north of A 1
    at = {label.text: label for label in made.labels}
    assert at["4"].y < at["1"].y
    assert at["2"].x > at["1"].x


def test_s5_grid_lines_stand_where_their_figures_say() -> None:
    made = drawn()
    east = {round(float(re.sub(r"\D", "", tick.text))): tick.at for tick in made.columns}
    north = {round(float(re.sub(r"\D", "", tick.text))): tick.at for tick in made.rows}
    (ring,) = points(made.outline)
    metre = 1000 / made.scale
    west, south = min(x for x, _ in ring), max(y for _, y in ring)
    for easting, at in east.items():
        assert at == pytest.approx(west + (easting - WEST) * metre, abs=0.02)
    for northing, at in north.items():
        assert at == pytest.approx(south - (northing - SOUTH) * metre, abs=0.02)
    assert all(tick.text.startswith("E") for tick in made.columns)
    assert made.grid == "Lambert-93"


@pytest.mark.parametrize(
    ("x", "y"), [(200_000, 6_800_000), (700_000, 6_330_000), (1_050_000, 6_300_000)]
)
def test_s6_arrow_points_to_true_north(x: float, y: float) -> None:
    atlas = plan.survey(visible(tiny_result()))
    lon, lat = Transformer.from_crs(CRS, 4326, always_xy=True).transform(x, y)
    back = Transformer.from_crs(4326, CRS, always_xy=True)
    (x0, y0), (x1, y1) = back.transform(lon, lat), back.transform(lon, lat + 1e-4)
    seen = math.degrees(math.atan2(x1 - x0, y1 - y0))  # clockwise from grid north
    assert plan.north_of(atlas, x, y) == pytest.approx(seen, abs=1e-4)


@pytest.mark.parametrize(
    ("side", "scale"),
    [(10, 1_000), (100.8, 1_000), (101.5, 2_000), (500, 5_000), (1_000, 10_000), (90_000, 200_000)],
)
def test_s5_scale_is_the_largest_round_one_that_fits(side: float, scale: int) -> None:
    # frame 140.7 mm high, filled to 0.72 at most: 101.3 mm
    assert plan.scale_for((0.0, 0.0, side, side)) == scale


def test_members_carry_their_answers_and_neighbours_their_numbers() -> None:
    made = drawn()
    assert [answer for _, answer in made.members] == ["yes", "yes"]
    assert [label.text for label in made.labels if label.own] == ["1", "2"]
    assert {label.text for label in made.labels if not label.own} >= {"3", "4", "5"}
    assert drawn("B002").members[0][1] == "unknown"


def test_public_plan_has_no_number_and_one_outline() -> None:
    made = drawn(audience="public")
    assert made.labels == []
    assert len(made.members) == 1
    assert made.members[0][0] == made.outline


def test_sections_are_named_when_the_block_has_two() -> None:
    result = tiny_result()
    parcels = result.parcels.copy()
    parcels.loc[1, "section"] = "0B"
    made = plan.draw(plan.survey(replace(result, parcels=parcels)), "B001")
    assert [label.text for label in made.labels if label.own] == ["A 1", "B 2"]


def test_roads_and_tracks_are_apart_and_clipped() -> None:
    made = drawn()
    assert made.roads
    assert made.tracks == ""
    xs = [x for line in points(made.roads) for x, _ in line]
    assert min(xs) >= made.left - 0.01
    assert max(xs) <= made.right + 0.01
    without = plan.draw(plan.survey(replace(tiny_result(), roads=None)), "B001")
    assert without.roads == without.tracks == ""


def test_holes_are_drawn_as_rings() -> None:
    ring = shapely.Polygon(
        [(0, 0), (30, 0), (30, 30), (0, 30)], [[(10, 10), (20, 10), (20, 20), (10, 20)]]
    )
    assert len(points(paper.path([ring], paper.Paper(0, 0, 1, 0, 30)))) == 2


def test_locator_holds_the_block_in_its_square() -> None:
    made = drawn("B002").locator
    assert 0 < made.x < made.size
    assert made.y < made.size / 2  # the north-east square
    assert made.x > made.size / 2


def test_one_block_in_an_empty_country() -> None:
    result = tiny_result()
    far = gpd.GeoSeries([shapely.box(WEST, SOUTH, WEST + 50, SOUTH + 50)], crs=CRS)
    alone = replace(
        result,
        parcels=result.parcels.iloc[:1].set_geometry(far),
        blocks=result.blocks.iloc[:1].set_geometry(far),
        members=result.members.iloc[:1],
    )
    made = plan.draw(plan.survey(alone), "B001")
    assert made.neighbours == ""
    assert made.scale == 1_000

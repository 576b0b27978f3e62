from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import box

from friches.errors import InputError
from friches.spatial.overlay import by_class, met, overlay, overlays

LAMBERT_93 = "EPSG:2154"


def layer(shapes, **columns):
    return gpd.GeoDataFrame(columns, geometry=list(shapes), crs=LAMBERT_93)


def parcels(*shapes):
    return layer(shapes, parcel_id=[f"P{k}" for k in range(len(shapes))])


def nine_squares():
    return parcels(*(box(x, y, x + 1, y + 1) for y in range(3) for x in range(3)))


def told(found, *by):
    return {
        tuple(row[:-2]): row[-1] for row in found[["parcel_id", *by, "area_m2", "share"]].values
    }


def test_square_off_by_half_a_cell_covers_quarters_and_halves():
    found = overlay(nine_squares(), layer([box(0.5, 0.5, 2.5, 2.5)], kind=["a"]), ["kind"])
    assert found["share"].tolist() == [0.25, 0.5, 0.25, 0.5, 1, 0.5, 0.25, 0.5, 0.25]
    assert found["area_m2"].tolist() == found["share"].tolist()
    assert found.columns.tolist() == ["parcel_id", "kind", "area_m2", "share"]


def test_share_is_of_the_parcel_not_of_the_square_metre():
    found = overlay(parcels(box(0, 0, 4, 2)), layer([box(0, 0, 1, 2)], kind=["a"]), ["kind"])
    assert found[["area_m2", "share"]].values.tolist() == [[2.0, 0.25]]


@pytest.mark.parametrize(
    "others",
    [
        [box(0, 0, 1, 1)],  # the same twice
        [box(0.25, 0.25, 0.5, 0.5)],  # one inside
        [box(0.5, 0, 1, 1), box(0.25, 0, 0.75, 1)],  # a chain
    ],
)
def test_ground_declared_twice_in_one_class_counts_once(others):
    fields = layer([box(0, 0, 1, 1), *others], campaign=[2023] * (1 + len(others)))
    found = overlay(parcels(box(0, 0, 2, 1)), fields, ["campaign"])
    assert found["share"].tolist() == [0.5]


def test_ground_declared_in_two_classes_counts_in_each():
    fields = layer([box(0, 0, 1, 1)] * 2, campaign=[2022, 2023])
    found = overlay(parcels(box(0, 0, 2, 1)), fields, ["campaign"])
    assert told(found, "campaign") == {("P0", 2022): 0.5, ("P0", 2023): 0.5}
    whole = overlay(parcels(box(0, 0, 2, 1)), fields, [])
    assert whole.values.tolist() == [["P0", 1.0, 0.5]]


def test_missing_values_are_a_class_of_their_own():
    codes = pd.array(["PPH", None, None], dtype="str")
    groups = pd.array([1, 1, None], dtype="Int64")
    shapes = [box(0, 0, 1, 1), box(1, 0, 2, 1), box(1, 0, 2, 1)]
    fields = layer(shapes, crop_code=codes, group_code=groups)
    found = overlay(parcels(box(0, 0, 4, 1)), fields, ["crop_code"])
    assert found["crop_code"].fillna("?").tolist() == ["PPH", "?"]
    assert found["share"].tolist() == [0.25, 0.25]
    both = overlay(parcels(box(0, 0, 4, 1)), fields, ["crop_code", "group_code"])
    assert both["group_code"].fillna(-1).tolist() == [1, 1, -1]
    assert both["share"].tolist() == [0.25] * 3
    assert both["crop_code"].dtype == "str"
    assert both["group_code"].dtype == "Int64"


def test_holes_and_several_parts():
    ring = shapely.difference(box(0, 0, 3, 3), box(1, 1, 2, 2))
    parcel = shapely.union_all([ring, box(10, 0, 11, 1)])  # 8 + 1 m²
    found = overlay(parcels(parcel), layer([box(0, 0, 2, 2)], kind=["a"]), ["kind"])
    assert found["area_m2"].tolist() == [3.0]
    assert found["share"].tolist() == [pytest.approx(3 / 9, abs=1e-15)]
    hole = overlay(parcels(parcel), layer([box(1, 1, 2, 2)], kind=["a"]), ["kind"])
    assert hole.empty  # touching all around is no area


@pytest.mark.parametrize(("width", "rows"), [(1e-7, 0), (0.9e-6, 0), (1.1e-6, 1)])
def test_slivers_under_a_square_millimetre_are_dropped(width, rows):
    strip = layer([box(0, 0, width, 1)], kind=["a"])
    assert len(overlay(parcels(box(0, 0, 1, 1)), strip, ["kind"])) == rows


def test_split_slivers_are_summed_before_they_are_dropped():
    strips = layer([box(0, 0, 0.6e-6, 1), box(0.6e-6, 0, 1.2e-6, 1)], kind=["a", "a"])
    assert len(overlay(parcels(box(0, 0, 1, 1)), strips, ["kind"])) == 1


def test_rows_are_sorted_by_key_whatever_the_order_of_the_inputs():
    two = gpd.GeoDataFrame(
        {"parcel_id": ["B", "A"]}, geometry=[box(0, 0, 1, 1), box(1, 0, 2, 1)], crs=LAMBERT_93
    )
    shapes = [box(0, 0, 2, 1), box(0, 0, 2, 0.5), box(0, 0, 2, 0.25)]
    found = overlay(two, layer(shapes, kind=["z", None, "b"]), ["kind"])
    keys = list(zip(found["parcel_id"], found["kind"].fillna("?"), strict=True))
    assert keys == [(p, k) for p in "AB" for k in "bz?"]


@pytest.mark.parametrize("by", [[], ["kind"]])
def test_nothing_in_common_gives_an_empty_table_with_its_columns(by):
    far = layer([box(50, 50, 51, 51)], kind=pd.array(["a"], dtype="str"))
    for polygons in (far, far.iloc[:0]):
        for land in (nine_squares(), nine_squares().iloc[:0]):
            found = overlay(land, polygons, by)
            assert found.columns.tolist() == ["parcel_id", *by, "area_m2", "share"]
            assert found.empty
            assert found["parcel_id"].dtype == "str"
            assert found["share"].dtype == "float64"


def test_layers_in_other_planes_are_refused_all_at_once():
    land = nine_squares()
    with pytest.raises(InputError, match="au lieu de"):
        overlay(land, land.set_crs("EPSG:27572", allow_override=True), [])
    with pytest.raises(InputError) as told_both:
        overlay(
            land.set_crs("EPSG:4326", allow_override=True),
            land.set_crs(None, allow_override=True),
            [],
        )
    assert len(told_both.value.breaches) == 2


# ------------------------------------------------------------------------------------ properties


def random_polygons(rng, n, extent=60.0):
    """Star-shaped polygons, some with a hole, some in two parts."""
    shapes = []
    for _ in range(n):
        centre = rng.uniform(0, extent, 2)
        angles = np.sort(rng.uniform(0, 2 * np.pi, rng.integers(5, 12)))
        radii = rng.uniform(3, 15, len(angles))
        ring = centre + np.column_stack([np.cos(angles), np.sin(angles)]) * radii[:, None]
        shape = shapely.make_valid(shapely.polygons(ring))
        if rng.random() < 0.3:
            shape = shapely.difference(shape, shapely.buffer(shapely.points(centre), 1.5))
        if rng.random() < 0.2:
            shape = shapely.union(shape, box(*(centre + 20), *(centre + 22)))
        if shape.geom_type in {"Polygon", "MultiPolygon"}:
            shapes.append(shape)
    return shapes


def brute(land, polygons):
    rows = {}
    for pid, parcel in zip(land["parcel_id"], land.geometry, strict=True):
        for kind, group in polygons.groupby("kind"):
            area = parcel.intersection(shapely.union_all(group.geometry.to_numpy())).area
            if area > 1e-6:
                rows[pid, kind] = area / parcel.area
    return rows


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_equals_brute_force_and_moves_shuffles_and_splits_change_nothing(seed):
    rng = np.random.default_rng(seed)
    land = parcels(*random_polygons(rng, 8))
    shapes = random_polygons(rng, 10)
    polygons = layer(shapes, kind=rng.choice(["a", "b"], len(shapes)))
    first = told(overlay(land, polygons, ["kind"]), "kind")
    assert first == pytest.approx(brute(land, polygons), abs=1e-9)

    shuffled = overlay(
        land.sample(frac=1, random_state=1), polygons.sample(frac=1, random_state=2), ["kind"]
    )
    assert told(shuffled, "kind") == pytest.approx(first, abs=1e-9)

    moved = overlay(
        land.set_geometry(land.translate(1000, 1000)),
        polygons.set_geometry(polygons.translate(1000, 1000)),
        ["kind"],
    )
    assert told(moved, "kind") == pytest.approx(first, abs=1e-9)

    halves = [box(-100, -100, 30, 200), box(30, -100, 200, 200)]
    split = gpd.GeoDataFrame(
        pd.concat([polygons.clip(half, keep_geom_type=True) for half in halves], ignore_index=True)
    )
    assert told(overlay(land, split, ["kind"]), "kind") == pytest.approx(first, abs=1e-9)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_shares_of_a_partition_sum_to_one(seed):
    rng = np.random.default_rng(seed)
    land = parcels(*random_polygons(rng, 10))
    cells = shapely.get_parts(
        shapely.voronoi_polygons(
            shapely.multipoints(rng.uniform(0, 80, (12, 2))), extend_to=box(-99, -99, 199, 199)
        )
    )
    found = overlay(land, layer(cells, kind=range(len(cells))), ["kind"])
    sums = found.groupby("parcel_id")["share"].sum()
    # A sliver under 1 mm² is left out: at most one a cell.
    assert (np.abs(sums.to_numpy() - 1) * land.area.to_numpy()).max() < 12e-6
    assert len(sums) == len(land)


def test_an_invalid_polygon_is_made_valid_first():
    bow = shapely.Polygon([(0, 0), (2, 2), (2, 0), (0, 2)])  # two triangles of 1 m² each
    land = parcels(box(0, 0, 2, 2), bow)
    found = overlay(land, layer([bow, box(0, 0, 2, 2)], kind=[1, 2]), ["kind"])
    assert found["area_m2"].tolist() == pytest.approx([2, 4, 2, 2])


@pytest.mark.parametrize("compiled", [True, False])
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_several_overlays_at_once_are_each_of_them(compiled, seed):
    rng = np.random.default_rng(seed)
    land, drawn = parcels(*random_polygons(rng, 8)), random_polygons(rng, 6)
    same = [drawn[k] for k in rng.integers(0, len(drawn), 20)]  # drawn alike year after year
    fields = layer(same, year=rng.integers(2020, 2024, 20), crop=rng.choice(["a", "b"], 20))
    late = (fields["year"] >= 2022).to_numpy()
    asked = [(late | ~late, ["year"]), (late, ["year"]), (~late, []), (late, ["year", "crop"])]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("friches.spatial.overlay.COMPILED", compiled)
        together = overlays(land, fields, asked)
    for found, (rows, by) in zip(together, asked, strict=True):
        pd.testing.assert_frame_equal(found, overlay(land, fields[rows], by), atol=1e-6, rtol=0)


def test_by_class_gives_a_column_a_class_and_nought_where_nothing_is():
    squares = layer([box(0, 0, 0.5, 1), box(1, 0, 2, 1)], kind=["a", None])
    land = parcels(box(0, 0, 1, 1), box(1, 0, 2, 1))
    found = met(land, squares, [(np.array([True, True]), ["kind"])])[0]
    wide = by_class(found, land, ["b", "a"])
    assert wide.to_dict("list") == {"b": [0, 0], "a": [0.5, 0]}
    assert wide.index.tolist() == ["P0", "P1"]


def test_without_numba_geos_tells_the_same(monkeypatch):
    rng = np.random.default_rng(11)
    land = parcels(*random_polygons(rng, 15))
    drawn = layer(random_polygons(rng, 30), kind=rng.integers(0, 3, 30))
    compiled = overlay(land, drawn, ["kind"])
    monkeypatch.setattr("friches.spatial.overlay.COMPILED", False)
    plain = overlay(land, drawn, ["kind"])
    pd.testing.assert_frame_equal(compiled, plain, atol=1e-6, rtol=0)

from __future__ import annotations

import geopandas as gpd
import pytest
from shapely import LineString, Point, box

from friches.errors import InputError
from friches.spatial.near import count_within, nearest_m

LAMBERT_93 = "EPSG:2154"


def layer(*shapes):
    return gpd.GeoDataFrame(geometry=list(shapes), crs=LAMBERT_93)


@pytest.fixture
def land():
    shapes = [box(10, 0, 20, 10), box(0, 0, 10, 10)]
    return gpd.GeoDataFrame({"parcel_id": ["B", "A"]}, geometry=shapes, crs=LAMBERT_93)


def test_nearest_of_points_lines_and_polygons(land):
    found = nearest_m(land, layer(Point(0, 13), Point(20, 100), LineString([(24, -5), (24, 50)])))
    assert found.to_dict() == {"B": 4.0, "A": 3.0}
    assert found.index.tolist() == ["B", "A"]
    assert found.index.name == "parcel_id"


def test_touching_and_containing_are_zero_metres(land):
    found = nearest_m(land, layer(box(-5, 0, 0, 5), box(12, 2, 13, 3)))
    assert found.tolist() == [0, 0]


def test_distance_to_a_layer_without_feature_is_not_known(land):
    assert nearest_m(land, layer()).isna().all()
    assert count_within(land, layer(), 50).tolist() == [0, 0]
    assert nearest_m(land.iloc[:0], layer(Point(0, 0))).empty


@pytest.mark.parametrize(("metres", "count"), [(2.999, 0), (3, 1), (3.001, 1), (1000, 2)])
def test_count_within_a_distance_itself_included(land, metres, count):
    found = count_within(land, layer(Point(0, 13), Point(0, 500)), metres)
    assert found["A"] == count
    assert found.dtype == "Int64"


def test_each_feature_counts_once_however_large(land):
    assert count_within(land, layer(box(-50, -50, 50, 50)), 10).tolist() == [1, 1]


def test_layers_in_other_planes_are_refused(land):
    with pytest.raises(InputError, match="mètres"):
        nearest_m(land, gpd.GeoDataFrame(geometry=[Point(2, 48)], crs="EPSG:4326"))
    with pytest.raises(InputError, match="projection absente"):
        count_within(land, gpd.GeoDataFrame(geometry=[Point(2, 48)]), 5)

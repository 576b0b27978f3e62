from __future__ import annotations

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import Polygon, box

from friches.spatial.blocks import group, outlines

LAMBERT_93 = "EPSG:2154"


def parcels(**shapes):
    return gpd.GeoDataFrame(
        {"parcel_id": list(shapes)}, geometry=list(shapes.values()), crs=LAMBERT_93
    )


def test_a_shared_edge_joins_and_a_corner_alone_does_not():
    land = parcels(A=box(0, 0, 1, 1), B=box(1, 0, 2, 1), C=box(2, 1, 3, 2))
    assert group(land, 0).to_dict() == {"A": 1, "B": 1, "C": 2}


def test_part_of_an_edge_is_an_edge_and_a_stack_joins():
    land = parcels(A=box(0, 0, 1, 1), B=box(1, 0.5, 2, 3), C=box(0.5, 2, 1.5, 4))
    assert group(land, 0).tolist() == [1, 1, 1]


def test_a_corner_joins_when_a_gap_is_allowed():
    land = parcels(A=box(0, 0, 1, 1), B=box(1, 1, 2, 2))
    assert group(land, 0).tolist() == [1, 2]
    assert group(land, 0.3).tolist() == [1, 1]


@pytest.mark.parametrize(("gap", "labels"), [(4, [1, 1]), (3.99, [1, 2]), (0, [1, 2])])
def test_a_track_no_wider_than_the_gap_does_not_part(gap, labels):
    east, north = 700_000.1, 6_600_000.3  # where a metre has rounding in it
    land = parcels(
        A=box(east, north, east + 10, north + 10), B=box(east + 14, north, east + 24, north + 10)
    )
    assert group(land, gap).tolist() == labels


def test_labels_follow_the_first_parcel_id_not_the_rows():
    land = parcels(D=box(9, 0, 10, 1), B=box(5, 0, 6, 1), C=box(0, 0, 1, 1), A=box(8, 0, 9, 1))
    found = group(land, 0)
    assert found.to_dict() == {"D": 1, "A": 1, "B": 2, "C": 3}
    assert found.index.tolist() == ["D", "B", "C", "A"]
    assert group(land.iloc[::-1], 0).to_dict() == found.to_dict()


def test_no_parcel_no_block():
    none = parcels(A=box(0, 0, 1, 1)).iloc[:0]
    assert group(none, 1).empty
    assert outlines(none, group(none, 1)).empty
    assert outlines(none, group(none, 1)).crs == LAMBERT_93


def test_outline_keeps_gaps_and_holes():
    land = parcels(
        A=box(0, 0, 1, 3),
        B=box(1, 0, 2, 1),
        C=box(1, 2, 2, 3),
        D=box(2, 0, 3, 3),
        E=box(4, 0, 5, 3),
    )
    found = outlines(land, group(land, 1))
    assert found["label"].tolist() == [1]
    outline = found.geometry.iloc[0]
    assert outline.geom_type == "MultiPolygon"
    assert outline.area == 11
    assert outline.is_valid
    assert sum(len(part.interiors) for part in outline.geoms) == 1


def test_outline_of_overlapping_parcels_counts_ground_once():
    land = parcels(A=box(0, 0, 2, 1), B=box(1, 0, 3, 1))
    assert outlines(land, group(land, 0)).geometry.area.tolist() == [3]


def test_outline_of_parcels_whose_edges_are_not_noded_alike():
    land = parcels(A=box(0, 0, 2, 2), B=Polygon([(2, 0), (4, 0), (4, 2), (2, 2), (2, 1)]))
    assert outlines(land, group(land, 0.5)).geometry.area.tolist() == [8]


def test_outlines_follow_the_labels_and_leave_out_the_rest():
    land = parcels(A=box(0, 0, 1, 1), B=box(1, 0, 2, 1), C=box(5, 0, 6, 1))
    found = outlines(land, pd.Series({"C": 7, "A": 3}))
    assert found["label"].tolist() == [3, 7]
    assert found.geometry.area.tolist() == [1, 1]
    assert found.crs == LAMBERT_93


def test_labels_may_be_texts():
    land = parcels(A=box(0, 0, 1, 1), B=box(1, 0, 2, 1), C=box(5, 0, 6, 1))
    found = outlines(land, pd.Series({"C": "Y000002", "A": "Y000001", "B": "Y000001"}))
    assert found["label"].tolist() == ["Y000001", "Y000002"]
    assert found.geometry.area.tolist() == [2, 1]


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), gap=st.sampled_from([0.5, 2, 5]))
def test_equals_a_graph_made_pair_by_pair_in_any_order_and_place(seed, gap):
    rng = np.random.default_rng(seed)
    corners = rng.uniform(0, 60, (25, 2))
    sizes = rng.uniform(1, 8, (25, 2))
    shapes = [box(*c, *(c + s)) for c, s in zip(corners, sizes, strict=True)]
    land = parcels(**{f"P{k:02d}": shape for k, shape in enumerate(shapes)})
    graph = nx.Graph()
    graph.add_nodes_from(land["parcel_id"])
    ids = land["parcel_id"].tolist()
    far = shapely.distance(land.geometry.to_numpy()[:, None], land.geometry.to_numpy()[None, :])
    graph.add_edges_from((ids[a], ids[b]) for a, b in zip(*np.nonzero(far <= gap), strict=True))
    expected = {}
    for label, members in enumerate(sorted(nx.connected_components(graph), key=min), start=1):
        expected |= dict.fromkeys(members, label)
    found = group(land, gap)
    assert found.to_dict() == expected
    moved = land.set_geometry(land.translate(1000, 1000)).sample(frac=1, random_state=seed)
    assert group(moved, gap).to_dict() == expected
    united = outlines(land, found)
    assert united.is_valid.all()
    assert united.area.sum() == pytest.approx(shapely.union_all(shapes).area)
    again = outlines(land.iloc[::-1], found)
    assert united.to_wkb().equals(again.to_wkb())

"""Candidates become blocks: by touch, across a narrow track, never by a single doubt."""

from __future__ import annotations

import pandas as pd
import pytest
import shapely
import tiny

from friches import tables
from friches.facts import measure
from friches.group import candidates, form_blocks, limits


def judged(answers, share_known=1.0):
    """A fallow table from {parcel number: answer}; others are no."""
    rows = [
        {
            "parcel_id": pid,
            "answer": answers.get(n, False),
            "stage": "friche herbacée" if answers.get(n) else None,
            "share_known": share_known,
            "reasons": None,
            "against": None,
            "to_ask": None,
            "rank": n,
        }
        for n, pid in enumerate(tiny.IDS, start=1)
    ]
    return tables.check(pd.DataFrame(rows), "fallow")


def supports(*numbers):
    rows = [
        {
            "parcel_id": tiny.IDS[n - 1],
            "rule": "green",
            "role": "supports",
            "answer": True,
            "found": "",
            "needed": "",
            "text": "t",
            "source": "s",
            "question": None,
            "whom": None,
        }
        for n in numbers
    ]
    return tables.check(pd.DataFrame(rows), "evidence") if rows else tables.empty("evidence")


def blocks_of(parcels, answers, evidence=None, share_known=1.0):
    fallow = judged(answers, share_known)
    facts = measure({"parcels": parcels})
    return form_blocks(parcels, facts, fallow, supports() if evidence is None else evidence)


def test_two_squares_that_share_an_edge_are_one_block():
    blocks, members = blocks_of(tiny.squares(), {1: True, 2: True})
    assert blocks["block_id"].tolist() == ["B001"]
    assert blocks["area_ha"].iloc[0] == pytest.approx(2.01)  # contenance
    assert blocks["area_measured_ha"].iloc[0] == pytest.approx(2.0)  # drawing
    assert members["parcel_id"].tolist() == tiny.IDS[:2]
    assert blocks["answer"].iloc[0]


def test_missing_contenance_counts_the_drawing():
    blocks, _ = blocks_of(tiny.squares(), {9: True})
    assert blocks["area_ha"].iloc[0] == pytest.approx(1.0)


@pytest.mark.parametrize(("gap", "count"), [(6.0, 1), (6.1, 2)])
def test_a_track_of_six_metres_does_not_part_a_block(gap, count):
    parcels = tiny.squares()
    moved = parcels.geometry.copy()
    moved.iloc[1] = shapely.affinity.translate(moved.iloc[1], xoff=gap)
    blocks, _ = blocks_of(parcels.set_geometry(moved), {1: True, 2: True})
    assert len(blocks) == count
    assert limits()["gap_m"]["value"] == 6.0


@pytest.mark.parametrize(("side", "count"), [(31.63, 1), (31.61, 0)])
def test_a_tenth_of_a_hectare_is_the_smallest_block(side, count):
    parcels = tiny.squares()
    shapes = parcels.geometry.copy()
    shapes.iloc[0] = shapely.box(tiny.WEST, tiny.SOUTH, tiny.WEST + side, tiny.SOUTH + side)
    parcels = parcels.set_geometry(shapes).assign(area_registered_m2=float("nan"))
    blocks, members = blocks_of(parcels, {1: True})
    assert len(blocks) == count
    assert len(members) == count


def test_yes_and_unknown_never_share_a_block():
    blocks, members = blocks_of(tiny.squares(), {1: True, 2: None}, supports(2))
    assert len(blocks) == 2
    assert blocks["answer"].isna().tolist() == [False, True]
    assert members.set_index("parcel_id")["block_id"].tolist() == ["B001", "B002"]


@pytest.mark.parametrize(("share", "count"), [(0.50, 1), (0.49, 0)])
def test_an_unknown_needs_half_its_evidence_known(share, count):
    blocks, _ = blocks_of(tiny.squares(), {1: None}, supports(1), share)
    assert len(blocks) == count


def test_an_unknown_without_support_is_no_candidate():
    assert candidates(judged({1: None}), supports()).empty


def test_order_of_parcels_changes_nothing():
    one, _ = blocks_of(tiny.squares(), {1: True, 2: True, 9: True})
    other, _ = blocks_of(
        tiny.squares().iloc[::-1].reset_index(drop=True), {1: True, 2: True, 9: True}
    )
    pd.testing.assert_frame_equal(one.drop(columns="geometry"), other.drop(columns="geometry"))
    assert one.geometry.geom_equals(other.geometry).all()


def test_questions_are_listed_once_in_the_order_of_parcels():
    parcels, answers = tiny.squares(), {1: True, 2: True}
    facts = measure({"parcels": parcels})
    asked = {tiny.IDS[0]: "a ; b", tiny.IDS[1]: "b ; c"}
    fallow = judged(answers)
    fallow = fallow.assign(to_ask=fallow["parcel_id"].map(asked))
    for rows in (parcels, parcels.iloc[::-1].reset_index(drop=True)):
        blocks, _ = form_blocks(rows, facts, fallow.iloc[::-1], supports())
        assert blocks["to_ask"].tolist() == ["a ; b ; c"]


def test_nothing_fallow_gives_empty_tables():
    blocks, members = blocks_of(tiny.squares(), {})
    assert blocks.empty
    assert members.empty
    assert blocks.crs == tiny.CRS

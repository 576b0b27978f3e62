"""Facts on a 3 x 3 grid of one-hectare squares, each checked by hand."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
import tiny

from friches import tables
from friches.facts import dictionary, measure
from friches.measures.declared import declared_facts
from friches.measures.parameters import parameters
from friches.measures.place import building_facts, constraint_facts, zoning_facts
from friches.measures.vegetation import forest_facts, woody_facts

A1, A2, A9 = tiny.IDS[0], tiny.IDS[1], tiny.IDS[8]


def box(west, south, east, north):
    """A box in hundredths of the grid: (0, 0, 100, 100) is square A0001."""
    x, y = tiny.WEST, tiny.SOUTH
    return shapely.box(x + west, y + south, x + east, y + north)


def fields(rows):
    frame = gpd.GeoDataFrame(
        {
            "campaign": [year for year, *_ in rows],
            "field_id": None,
            "crop_code": [code for _, code, _, _ in rows],
            "group_code": [group for _, _, group, _ in rows],
            "area_declared_ha": None,
        },
        geometry=[shape for *_, shape in rows],
        crs=tiny.CRS,
    )
    return tables.check(frame, "declared_fields", crs=tiny.CRS)


def layer(table, shapes, **columns):
    frame = gpd.GeoDataFrame(geometry=shapes, crs=tiny.CRS).assign(**columns)
    return tables.check(frame, table, crs=tiny.CRS)


EVERYWHERE = box(0, 200, 300, 300)  # the northern row, declared each year: campaigns exist
FAR = [(year, "BTH", 1, EVERYWHERE) for year in (2021, 2022, 2023, 2024)]


def test_shares_are_unions_not_sums():
    rows = [*FAR, (2024, "PPH", 18, box(0, 0, 60, 100)), (2024, "BTH", 1, box(40, 0, 100, 100))]
    facts = declared_facts(tiny.squares(), fields(rows))
    assert facts.loc[A1, "declared_share_2024"] == pytest.approx(1.0, abs=1e-9)
    assert facts.loc[A1, "declared_share_2023"] == 0.0


@pytest.mark.parametrize(("width", "used"), [(30.0, True), (29.9, False)])
def test_farmed_from_thirty_per_cent(width, used):
    facts = declared_facts(tiny.squares(), fields([*FAR, (2024, "PPH", 18, box(0, 0, width, 100))]))
    assert bool(facts.loc[A1, "declared_before"]) is used


def test_never_declared_means_at_least_as_many_years_as_campaigns():
    facts = declared_facts(tiny.squares(), fields(FAR))
    assert facts.loc[A1, "years_unused_low"] == 4
    assert np.isnan(facts.loc[A1, "years_unused_high"])


def test_declared_in_2022_and_not_since_is_two_years_exactly():
    facts = declared_facts(tiny.squares(), fields([*FAR, (2022, "PPH", 18, box(0, 0, 100, 100))]))
    assert facts.loc[A1, ["years_unused_low", "years_unused_high"]].tolist() == [2, 2]
    assert facts.loc[A1, "last_declared_in"] == 2022
    assert facts.loc[A1, "last_crop"] == "PPH"


def test_a_year_not_given_proves_nothing():
    rows = [r for r in FAR if r[0] != 2023] + [(2021, "PPH", 18, box(0, 0, 100, 100))]
    facts = declared_facts(tiny.squares(), fields(rows))
    assert facts.loc[A1, "years_unused_low"] == 1  # 2024 alone; 2023 is not known
    assert facts.loc[A1, "years_unused_high"] == 3


def test_soft_codes_are_declared_but_not_farmed():
    facts = declared_facts(tiny.squares(), fields([*FAR, (2024, "SNE", 28, box(0, 0, 100, 100))]))
    assert facts.loc[A1, "declared_share_latest"] == pytest.approx(1)
    assert facts.loc[A1, "soft_share_latest"] == pytest.approx(1)
    assert facts.loc[A1, "years_unused_low"] == 4


def test_order_of_fields_changes_nothing():
    rows = [*FAR, (2024, "PPH", 18, box(0, 0, 60, 100)), (2024, "BTH", 1, box(40, 0, 100, 100))]
    one = declared_facts(tiny.squares(), fields(rows))
    pd.testing.assert_frame_equal(one, declared_facts(tiny.squares(), fields(rows[::-1])))


def test_built_share_counts_overlapping_buildings_once():
    buildings = layer("buildings", [box(0, 0, 20, 50), box(10, 0, 20, 50)], use=None, dwelling=None)
    facts = building_facts(tiny.squares(), buildings)
    assert facts.loc[A1, "built_share"] == pytest.approx(0.10, abs=1e-9)
    assert "dwelling_distance_m" not in facts  # nobody says what they are for


def test_dwellings_at_a_distance():
    home = layer("buildings", [box(150, 0, 160, 10)], use="Résidentiel", dwelling=[True])
    facts = building_facts(tiny.squares(), home)
    assert facts.loc[A1, "dwelling_distance_m"] == pytest.approx(50)
    assert facts.loc[A1, "dwellings_nearby"] == 1  # exactly 50 m counts
    assert facts.loc[A9, "dwellings_nearby"] == 0


def test_zone_is_the_largest_and_outside_is_unknown():
    zones = layer("zoning", [box(0, 0, 60, 100), box(60, 0, 100, 100)], zone=["A", "U"], label=None)
    facts = zoning_facts(tiny.squares(), zones)
    assert facts.loc[A1, "zone_plu"] == "A"
    assert facts.loc[A1, "zone_urban_share"] == pytest.approx(0.4)
    assert pd.isna(facts.loc[A9, "zone_plu"])
    assert pd.isna(facts.loc[A9, "zone_farm_share"])


@pytest.mark.parametrize(("width", "inside"), [(50.0, True), (49.9, False)])
def test_mountain_zone_from_half_the_parcel(width, inside):
    zone = layer("constraints", [box(0, 0, width, 100)], kind=["mountain"], name=None)
    facts = constraint_facts(tiny.squares(), zone)
    assert bool(facts.loc[A1, "in_mountain_zone"]) is inside
    assert "compensation_share" not in facts  # that layer was not given: unknown, not zero


def test_woody_share_is_bounded():
    forest = layer(
        "forest", [box(0, 0, 50, 100), box(50, 0, 100, 100)], tfv=None, stand=["closed", "open"]
    )
    facts = forest_facts(tiny.squares(), forest)
    assert facts.loc[A1, "forest_closed_share"] == pytest.approx(0.5)
    covers = {f"cover_{name}_share": 0.1 for name in ("wood", "shrub", "lawn")}
    woody = woody_facts(facts.assign(**covers))
    # 40 % of half and 10 % of half; and all of both, not more than the parcel
    assert woody.loc[A1, "woody_share_low"] == pytest.approx(0.25)
    assert woody.loc[A1, "woody_share_high"] == 1.0
    assert woody.loc[A9, "woody_share_high"] == pytest.approx(0.3)
    assert woody_facts(facts).loc[A1, "woody_share_high"] is not None
    assert np.isnan(woody_facts(facts).loc[A1, "woody_share_high"])  # no land cover: unknown


def test_cadastre_alone_leaves_everything_else_unknown():
    facts = measure({"parcels": tiny.squares()}).set_index("parcel_id")
    measured = {"commune", "area_registered_m2", "area_m2", "area_gap_share"}
    others = facts.drop(columns=[*measured])
    assert others.isna().all(axis=None)
    assert facts.loc[A1, "area_gap_share"] == pytest.approx(50 / 10_050)
    assert np.isnan(facts.loc[A9, "area_gap_share"])  # no contenance


def test_every_fact_has_a_question_and_someone_to_ask():
    for name, fact in dictionary().items():
        assert fact.ask, name
        assert fact.whom, name


def test_every_parameter_has_unit_source_and_mark():
    for name, said in parameters().items():
        assert {"value", "unit", "source", "mark"} <= said.keys(), name

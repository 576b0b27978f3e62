"""From evidence to a conclusion: yes, no or unknown, on parcels one can judge in the head."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from friches import tables
from friches.errors import InputError
from friches.fallow import conclude, facts_read, gather, rules

DAY = dt.date(2026, 9, 1)
KINDS = {"boolean": "boolean", "text": "str", "date": "datetime64[ns]", "integer": "Int64"}
# A field that left the declarations four years ago, with shrubs: everything known, all for fallow.
FIELD = {
    "years_unused_low": 4.0,
    "years_unused_high": 4.0,
    "declared_before": True,
    "soft_share_latest": 0.0,
    "in_mountain_zone": False,
    "built_share": 0.0,
    "dwelling_distance_m": 500.0,
    "forest_closed_share": 0.0,
    "forest_open_share": 0.0,
    "heath_share": 0.0,
    "woody_share_low": 0.4,
    "woody_share_high": 0.4,
    "cover_arable_share": 0.0,
    "cover_grass_share": 0.5,
    "cover_orchard_share": 0.0,
    "cover_vine_share": 0.0,
    "cover_wood_share": 0.0,
    "cover_lawn_share": 0.0,
    "cover_shrub_share": 0.4,
    "cover_built_share": 0.0,
    "cover_water_share": 0.0,
    "zone_plu": "A",
    "urban_distance_m": 500.0,
    "ndvi_mean_z": 2.0,
    "ndvi_std_z": -2.0,
    "ndvi_mean_grass_z": 0.0,
    "ndvi_std_grass_z": 0.0,
    "declared_share_latest": 0.0,
    "in_use_share_latest": 0.0,
    "slope_steep_share": 0.0,
    "road_distance_m": 50.0,
    "land_class": "T",
    "land_class_is_farm": True,
    "land_class_is_wood": False,
    "compensation_share": 0.0,
}
MEADOW = FIELD | {
    "declared_before": False,
    "years_unused_low": 6.0,
    "years_unused_high": None,
    "cover_grass_share": 1.0,
    "cover_shrub_share": 0.0,
    "woody_share_low": 0.0,
    "woody_share_high": 0.05,
}


def facts_of(*parcels):
    """Return a facts table of whole rows: parcel p1, p2... with every fact not given missing."""
    index = [f"p{n}" for n in range(1, len(parcels) + 1)]
    frame = pd.DataFrame(list(parcels), index=index)
    columns = {"parcel_id": index, "commune": "12999"}
    columns["area_registered_m2"] = [p.get("area_registered_m2", 5000.0) for p in parcels]
    columns["area_m2"] = [p.get("area_m2", 5000.0) for p in parcels]
    for name, fact in facts_read().items():
        for column in (f"{name}_low", f"{name}_high") if fact.bounded else (name,):
            if fact.layer and column not in columns:
                values = frame.get(column, pd.Series(None, index=index, dtype="object"))
                columns[column] = values.astype(KINDS.get(fact.kind, "float64")).to_numpy()
                columns[column] = pd.array(columns[column], dtype=KINDS.get(fact.kind, "float64"))
    return tables.check(pd.DataFrame(columns), "facts")


def concluded(*parcels):
    facts = facts_of(*parcels)
    return conclude(facts, gather(facts, DAY)).set_index("parcel_id")


def answer_of(parcel):
    answer = concluded(parcel)["answer"].iloc[0]
    return None if pd.isna(answer) else bool(answer)


def test_a_field_left_to_shrubs_is_fallow_with_its_reasons():
    row = concluded(FIELD).iloc[0]
    assert row["answer"]
    assert row["stage"] == "arbustive basse"
    assert row["share_known"] == 1.0
    assert "Végétation permanente" in row["reasons"]
    assert "Usage agricole passé établi" in row["reasons"]
    assert "Ligneux sur 30 % au moins (0,4 ; seuil : au moins 0,3)" in row["reasons"]
    assert pd.isna(row["against"])
    assert pd.isna(row["to_ask"])


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"years_unused_low": 2.0, "years_unused_high": 2.0}, "Déclarée exploitée"),
        ({"built_share": 0.21}, "Bâtie (0,21 ; seuil : plus de 0,2)"),
        ({"forest_closed_share": 0.5}, "Forêt fermée"),
        ({"dwelling_distance_m": 20.0, "area_m2": 999.0}, "Jardin d'un logement"),
    ],
)
def test_every_exclusion_closes_with_its_reason(change, why):
    row = concluded(FIELD | change).iloc[0]
    assert not row["answer"]
    assert why in row["against"]
    assert pd.isna(row["stage"])
    assert pd.isna(row["to_ask"])


@pytest.mark.parametrize(
    "hidden",
    [
        ("years_unused_low", "years_unused_high"),
        ("built_share",),
        ("forest_closed_share",),
    ],
)
def test_an_unknown_exclusion_leaves_the_answer_unknown_and_asks(hidden):
    row = concluded(FIELD | dict.fromkeys(hidden)).iloc[0]
    assert pd.isna(row["answer"])
    assert " ? (" in row["to_ask"]
    assert row["share_known"] < 1


@pytest.mark.parametrize(
    ("change", "answer"),
    [
        ({}, True),
        # one independent line only: exclusion alone is confirmed in 5 to 10 % of cases
        ({"ndvi_mean_z": 0.0, "woody_share_low": 0.0, "woody_share_high": 0.0,
          "cover_shrub_share": 0.0}, None),
        # never farmed as far as known: two lines are not enough, three are
        ({"declared_before": False, "land_class_is_farm": False, "woody_share_low": 0.0,
          "woody_share_high": 0.0}, None),
        ({"declared_before": False, "land_class_is_farm": False}, True),
        # two years are enough in a mountain zone
        ({"years_unused_low": 2.0, "years_unused_high": 2.0, "in_mountain_zone": True}, True),
        ({"years_unused_low": 2.0, "years_unused_high": 2.0, "in_mountain_zone": None}, None),
        # declared as woody rangeland: a farmer answers for it
        ({"soft_share_latest": 0.9, "in_use_share_latest": 0.9}, None),
        # declared « not used » by the farmer himself
        ({"soft_share_latest": 0.9}, True),
        # greenness alone is one line; unlike the meadows around, mown or grazed, it is a second
        ({"ndvi_std_grass_z": -1.0, "woody_share_low": 0.0, "woody_share_high": 0.0,
          "cover_shrub_share": 0.0, "cover_grass_share": 0.0}, True),
        # a layer that was not given does not hold back the other evidence
        ({"zone_plu": None, "cover_built_share": None, "cover_water_share": None}, True),
        # in a built-up zone, or built and paved as the map sees it: to be seen, never called yes
        ({"zone_plu": "U"}, None),
        ({"cover_built_share": 0.5}, None),
        # steep land is one line more
        ({"declared_before": False, "land_class_is_farm": False, "cover_grass_share": 0.0,
          "woody_share_low": 0.0, "woody_share_high": 0.0, "slope_steep_share": 0.5}, True),
    ],
)  # fmt: skip
def test_how_much_support_makes_a_yes(change, answer):
    assert answer_of(FIELD | change) is answer


@pytest.mark.parametrize(
    ("change", "answer", "why"),
    [
        ({}, None, "peut-être pâturée"),
        ({"cover_grass_share": 0.0, "cover_vine_share": 0.9}, False, "Vigne en activité"),
        ({"cover_grass_share": 0.0, "cover_orchard_share": 0.5}, False, "Verger en activité"),
        ({"cover_grass_share": 0.0, "cover_arable_share": 0.8, "ndvi_std_z": -1.0}, False,
         "Sol travaillé"),
        ({"ndvi_std_z": 0.3}, False, "Remise en culture récente"),
        ({"compensation_share": 0.5}, False, "Mesure compensatoire"),
        ({"cover_grass_share": 0.5, "cover_built_share": 0.5}, False, "Bâtie, route"),
        ({"cover_grass_share": 0.5, "cover_water_share": 0.5}, False, "Eau, roche"),
        ({"zone_plu": "U"}, False, "En zone urbaine"),
        ({"cover_grass_share": 0.0, "land_class": "J"}, None, "Jardin ou terrain d'agrément"),
    ],
)  # fmt: skip
def test_what_is_used_without_being_declared_is_not_called_fallow(change, answer, why):
    row = concluded(MEADOW | change).iloc[0]
    assert (None if pd.isna(row["answer"]) else bool(row["answer"])) is answer
    assert why in row["against"]


def test_evidence_of_use_against_two_lines_for_fallow_is_for_a_visit():
    assert answer_of(FIELD | {"cover_vine_share": 0.5, "woody_share_low": 0.2,
                              "woody_share_high": 0.2}) is None  # fmt: skip


def test_land_near_building_zones_is_flagged_not_weakened():
    row = concluded(FIELD | {"urban_distance_m": 100.0}).iloc[0]
    assert row["answer"]
    assert "devienne constructible ? (mairie" in row["to_ask"]
    assert pd.isna(row["against"])


def test_without_any_layer_nothing_is_invented():
    rows = concluded({}, {"built_share": 0.9}, {"zone_plu": "U"})
    assert rows["answer"].isna().tolist() == [True, False, False]
    assert not rows["answer"].fillna(value=False).any()
    assert "Depuis combien d'années" in rows["to_ask"].iloc[0]
    assert rows["share_known"].iloc[0] < 0.1
    assert "Bâtie" in rows["against"].iloc[1]
    assert rows["stage"].isna().all()


@pytest.mark.parametrize(
    ("change", "stage"),
    [
        ({"built_share": 0.1}, "friche avec bâti"),
        ({"last_crop_group": 21}, "vigne abandonnée"),
        ({"land_class": "VI"}, "vigne abandonnée"),
        ({"last_crop_group": 23}, "oliveraie abandonnée"),
        ({"last_crop_group": 20}, "verger abandonné"),
        ({"last_crop": "CTG"}, "verger de châtaigniers abandonné"),
        ({"woody_share_low": 0.8, "woody_share_high": 0.8}, "potentiel sylvopastoral"),
        ({"woody_share_low": 0.79, "woody_share_high": 0.79}, "arbustive haute"),
        ({"woody_share_low": 0.29, "woody_share_high": 0.29, "cover_shrub_share": 0.29},
         "herbacée avec ligneux"),
        ({"woody_share_low": 0.0, "woody_share_high": 0.09, "cover_shrub_share": 0.0},
         "friche herbacée"),
        ({"woody_share_low": 0.0, "woody_share_high": 1.0, "cover_shrub_share": None}, None),
    ],
)  # fmt: skip
def test_stage(change, stage):
    found = concluded(FIELD | change)["stage"].iloc[0]
    assert (None if pd.isna(found) else found) == stage


def test_every_parcel_is_ranked_yes_then_unknown_then_no():
    rows = concluded({}, MEADOW | {"zone_plu": "U"}, FIELD, MEADOW, FIELD | {"ndvi_mean_z": 0.0})
    assert sorted(rows["rank"]) == [1, 2, 3, 4, 5]
    assert list(rows.sort_values("rank").index) == ["p3", "p5", "p4", "p1", "p2"]


def test_ties_go_to_the_larger_then_the_first():
    large = FIELD | {"area_registered_m2": 9000.0}
    rows = concluded(FIELD, FIELD, large, FIELD | {"area_registered_m2": None, "area_m2": 6000.0})
    assert list(rows.sort_values("rank").index) == ["p3", "p4", "p1", "p2"]


def test_order_of_parcels_changes_nothing():
    facts = facts_of(FIELD, MEADOW, {}, FIELD | {"zone_plu": "U"})
    turned = facts.iloc[::-1].reset_index(drop=True)
    evidence = gather(facts, DAY)
    pd.testing.assert_frame_equal(evidence, gather(turned, DAY))
    shuffled = evidence.sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(conclude(facts, evidence), conclude(turned, shuffled))


def test_evidence_has_a_row_for_every_parcel_and_rule_with_its_sentence():
    evidence = gather(facts_of(FIELD, {}), DAY)
    assert len(evidence) == 2 * len(rules())
    assert evidence[["text", "source", "found", "needed"]].notna().all(axis=None)
    assert evidence.loc[evidence["answer"].isna(), ["question", "whom"]].notna().all(axis=None)
    assert evidence.loc[evidence["answer"].notna(), ["question", "whom"]].isna().all(axis=None)
    keys = list(zip(evidence["parcel_id"], evidence["rule"], strict=True))
    assert keys == sorted(keys)


def test_evidence_shows_the_condition_that_decides():
    evidence = gather(facts_of(FIELD | {"dwelling_distance_m": 15.0}, MEADOW), DAY)
    said = evidence.set_index(["parcel_id", "rule"])
    garden = said.loc[("p1", "garden")]  # near a house, but too large: the area decides
    assert (garden["found"], garden["needed"]) == ("5000\u00a0m²", "moins de 1000\u00a0m²")
    assert said.loc[("p1", "maybe_grazed"), "found"] == "0,4"
    former = said.loc[("p2", "former_farming")]
    assert "cadastre" not in former["found"]
    assert "DVF" in former["text"]


def test_missing_evidence_is_unknown_not_no():
    facts = facts_of(FIELD, FIELD)
    evidence = gather(facts, DAY)
    kept = evidence[(evidence["parcel_id"] == "p1") | (evidence["rule"] != "built")]
    rows = conclude(facts, kept).set_index("parcel_id")
    assert rows["answer"].isna().tolist() == [False, True]
    nothing = conclude(facts, evidence.iloc[:0])
    assert nothing["answer"].isna().all()
    assert (nothing["share_known"] == 0).all()


def test_a_day_before_the_rules_is_refused():
    with pytest.raises(InputError, match="aucune version connue"):
        gather(facts_of(FIELD), dt.date(2015, 3, 21))


def test_no_parcel_gives_empty_tables():
    facts = facts_of(FIELD).iloc[:0]
    assert conclude(facts, gather(facts, DAY)).empty


@settings(max_examples=8, deadline=None)
@given(
    st.lists(
        st.tuples(st.sets(st.sampled_from(sorted(FIELD))), st.sampled_from([FIELD, MEADOW])),
        min_size=1,
        max_size=20,
    )
)
def test_hiding_facts_never_makes_a_no(cases):
    """A parcel that is not « no » when all is known is never « no » when some is missing."""
    ends = {"woody_share_low": None, "woody_share_high": None}
    less = [p | dict.fromkeys(gone) | (ends if gone & set(ends) else {}) for gone, p in cases]
    assert concluded(*less)["answer"].fillna(value=True).all()

"""Matching: reach, order of preference, wanted hectares, canteens, and the reason given."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from friches.errors import InputError
from friches.food import menu
from friches.match import match
from friches.meals import outcome
from friches.studyfile import Reach
from friches.tables import TABLES

LIMITS = Reach()


def blocks(*ids, ranks=None):
    ids = ids or ("B1",)
    return pd.DataFrame({"block_id": ids, "rank": ranks or range(1, len(ids) + 1)})


def meals(*rows):
    rows = rows or (("B1", "légumes", 1.0, 4200.0),)
    table = pd.DataFrame(rows, columns=["block_id", "crop", "area_ha", "kg"])
    table["food_group"] = "légumes"
    for name in ("kg_low", "kg_high"):
        table[name] = table["kg"]
    for name in ("meals_low", "meals", "meals_high"):
        table[name] = table["kg"] / menu.need("elementaire")["kg"].sum()
    return table


def reach(*rows):
    rows = [(*row, "road") if len(row) == 4 else row for row in rows]
    names = ["block_id", "place_id", "kind", "minutes", "by"]
    return pd.DataFrame(rows, columns=names).astype({"minutes": "float64"})


def farmers(*rows):
    names = ["farmer_id", "organic", "productions", "wants_ha"]
    rows = rows or [("F1", True, "maraîchage;œufs", 5.0)]
    return pd.DataFrame(rows, columns=names).astype({"organic": "boolean"})


def canteens(*rows):
    rows = rows or [("C1", 1500.0, 0.5)]
    table = pd.DataFrame(rows, columns=["canteen_id", "meals_per_day", "organic_share"])
    return table.assign(days_per_year=140.0, audience="elementaire", kind="site", served_by=pd.NA)


NEAR = [("B1", "F1", "farm", 10), ("B1", "C1", "canteen", 30)]


def found(reach_rows=NEAR, block=None, grown=None, farms=None, plates=None, **more):
    return match(
        blocks() if block is None else block,
        meals() if grown is None else grown,
        reach(*reach_rows),
        farmers() if farms is None else farms,
        canteens() if plates is None else plates,
        LIMITS,
        **more,
    )


def test_one_block_one_farm_one_canteen():
    row = found().iloc[0]
    assert (row["farmer_id"], row["canteen_id"]) == ("F1", "C1")
    assert (row["minutes"], row["minutes_canteen"]) == (10, 30)
    assert row["meals"] == pytest.approx(meals()["meals"].sum())
    assert row["why"] == (
        "Ferme à 10 min par la route, elle produit déjà : légumes, en bio, elle cherche 5 ha, "
        "4 ha après cet îlot. Cantine à 30 min par la route : de ce qui lui manque en bio, "
        "l'îlot donnerait chaque année 4\u202f200 kg (légumes)."
    )
    assert json.loads(row["canteens_in_reach"]) == ["C1"]
    assert list(found().columns[:-1]) == [c.name for c in TABLES["matches"].columns]


@pytest.mark.parametrize(("minutes", "within"), [(20, True), (20.01, False)])
def test_minutes_to_farm_exactly_at_the_limit(minutes, within):
    row = found([("B1", "F1", "farm", minutes)]).iloc[0]
    assert pd.notna(row["farmer_id"]) == within
    if not within:
        assert row["why"].startswith("Aucune ferme à moins de 20 min.")
        assert pd.isna(row["minutes"])


@pytest.mark.parametrize(("minutes", "within"), [(45, True), (45.01, False)])
def test_minutes_to_canteen_exactly_at_the_limit(minutes, within):
    row = found([("B1", "C1", "canteen", minutes)]).iloc[0]
    assert pd.notna(row["canteen_id"]) == within
    assert within or "Aucune cantine à moins de 45 min" in row["why"]


def test_straight_lines_are_said():
    why = found([("B1", "F1", "farm", 10, "straight"), ("B1", "C1", "canteen", 9, "straight")])
    assert why["why"].iloc[0].count("à vol d'oiseau") == 2


def test_a_trip_without_minutes_is_no_trip():
    row = found([("B1", "F1", "farm", None), ("B1", "C1", "canteen", None)]).iloc[0]
    assert pd.isna(row["farmer_id"])
    assert pd.isna(row["canteen_id"])


def test_nobody_known():
    row = found([], farms=farmers().iloc[:0], plates=canteens().iloc[:0]).iloc[0]
    assert row["why"] == "Aucune ferme connue. Aucune cantine connue."
    assert found(block=blocks().iloc[:0]).empty


@pytest.mark.parametrize(("wants", "taken"), [(1.0, True), (0.99, False)])
def test_wanted_hectares_exactly_enough(wants, taken):
    row = found(farms=farmers(("F1", True, "maraîchage", wants))).iloc[0]
    assert pd.notna(row["farmer_id"]) == taken
    assert taken or "plus que ce que cherche" in row["why"]


def test_a_farm_that_seeks_no_land_is_left_alone():
    why = found(farms=farmers(("F1", True, "maraîchage", 0.0)))["why"].iloc[0]
    assert why.startswith("Les fermes proches ne cherchent pas de terre.")


def test_blocks_are_served_in_their_rank():
    rows = found(
        [("B1", "F1", "farm", 5), ("B2", "F1", "farm", 15)],
        block=blocks("B1", "B2", ranks=[2, 1]),
        grown=meals(("B1", "légumes", 1.0, 9.0), ("B2", "légumes", 1.0, 9.0)),
        farms=farmers(("F1", True, "maraîchage", 1.5)),
    ).set_index("block_id")
    assert rows.loc["B2", "farmer_id"] == "F1"
    assert pd.isna(rows.loc["B1", "farmer_id"])
    assert "déjà pourvues" in rows.loc["B1", "why"]


ORDER = [
    ("F5", True, "ovins", 5.0),  # beside the block
    ("F4", None, "maraîchage", 5.0),  # fits
    ("F3", True, None, None),  # organic, wants not stated
    ("F2", None, None, 5.0),  # organic not known
    ("F1", False, None, 5.0),  # not organic, but nearest
]


@pytest.mark.parametrize("dropped", range(len(ORDER)))
def test_order_of_preference(dropped):
    left = ORDER[dropped:]
    trips = [("B1", row[0], "farm", 10 + int(row[0][1])) for row in left]
    beside = pd.DataFrame({"block_id": ["B1"], "farmer_id": ["F5"]})
    row = found(trips, farms=farmers(*left), neighbours=beside).iloc[0]
    assert row["farmer_id"] == left[0][0]
    assert ("ses champs touchent l'îlot" in row["why"]) == (dropped == 0)


def test_a_farm_of_other_productions_is_not_proposed():
    row = found(farms=farmers(("F1", True, "ovins;bovins", 50.0))).iloc[0]
    assert pd.isna(row["farmer_id"])
    assert row["why"].startswith("Les fermes proches produisent autre chose que : légumes.")


def test_what_is_not_known_is_to_ask():
    why = found(farms=farmers(("F1", None, None, None)))["why"].iloc[0]
    for text in ("productions à demander", "bio à demander", "surface recherchée à demander"):
        assert text in why


def test_the_nearer_of_two_equal_farms_then_the_first_identifier():
    two = farmers(("F1", True, "", 5.0), ("F2", True, "", 5.0))
    assert found([("B1", "F1", "farm", 9), ("B1", "F2", "farm", 8)], farms=two)[
        "farmer_id"
    ].tolist() == ["F2"]
    assert found([("B1", "F2", "farm", 8), ("B1", "F1", "farm", 8)], farms=two)[
        "farmer_id"
    ].tolist() == ["F1"]


def test_the_canteen_that_lacks_most_then_the_next():
    trips = [(b, c, "canteen", m) for b in ("B1", "B2") for c, m in (("C1", 9), ("C2", 40))]
    rows = found(
        trips,
        block=blocks("B1", "B2"),
        grown=meals(("B1", "légumes", 1.0, 4200.0), ("B2", "légumes", 1.0, 4200.0)),
        plates=canteens(("C1", 40.0, 0.0), ("C2", 300.0, 0.0)),
    )
    # C1 lacks 676 kg, C2 5 073 kg: B1 to C2, which then lacks 873 kg, still more than C1.
    assert rows["canteen_id"].tolist() == ["C2", "C2"]
    assert rows["canteens_in_reach"].map(json.loads).tolist() == [["C1", "C2"]] * 2
    full = found(plates=canteens(("C1", 40.0, 1.0)))["why"].iloc[0]
    assert "déjà pourvue" in full


def test_a_canteen_of_unknown_organic_share_is_not_passed_over():
    row = found(plates=canteens(("C1", 40.0, None))).iloc[0]
    assert row["canteen_id"] == "C1"
    assert row["why"].endswith("au plus : sa part bio est à demander.")


def test_a_site_cooked_elsewhere_receives_no_harvest():
    both = canteens(("C1", 40.0, 0.0), ("K", 90.0, 0.0))
    both["kind"] = ["site_cooked_elsewhere", "central"]
    both["served_by"] = ["K", None]
    row = found([("B1", "C1", "canteen", 5), ("B1", "K", "canteen", 20)], plates=both).iloc[0]
    assert row["canteen_id"] == "K"


def test_a_block_with_nothing_to_grow_takes_no_farm():
    row = found(grown=meals().iloc[:0]).iloc[0]
    assert pd.isna(row["farmer_id"])
    assert pd.isna(row["meals"])
    assert "rien à cultiver" in row["why"].lower()


def test_trips_to_unknown_places_are_refused():
    with pytest.raises(InputError, match="« F9 »"):
        found([("B1", "F9", "farm", 5)])
    with pytest.raises(InputError, match="« C9 »"):
        found([("B1", "C9", "canteen", 5)])


@settings(max_examples=10, deadline=None, derandomize=True)
@given(
    st.lists(st.tuples(st.floats(0.1, 5), st.floats(1, 30)), min_size=1, max_size=6),
    st.lists(st.one_of(st.none(), st.floats(0, 8)), min_size=1, max_size=3),
)
def test_wanted_hectares_are_never_exceeded(sites, wants):
    ids = [f"B{i}" for i in range(len(sites))]
    grown = meals(*[(b, "légumes", a, 100.0) for b, (a, _) in zip(ids, sites, strict=True)])
    farms = farmers(*[(f"F{i}", None, "", want) for i, want in enumerate(wants)])
    trips = [
        (b, f, "farm", minutes)
        for b, (_, minutes) in zip(ids, sites, strict=True)
        for f in farms["farmer_id"]
    ]
    rows = found(trips, block=blocks(*ids), grown=grown, farms=farms)
    taken = rows.merge(grown[["block_id", "area_ha"]]).groupby("farmer_id")["area_ha"].sum()
    for name, want in zip(farms["farmer_id"], wants, strict=True):
        if want is not None:
            assert taken.get(name, 0.0) <= want + 1e-9
    assert (rows["minutes"].dropna() <= LIMITS.minutes_to_farm).all()
    assert rows["block_id"].tolist() == sorted(ids)


@settings(max_examples=6, deadline=None, derandomize=True)
@given(
    st.lists(
        st.tuples(st.floats(0.1, 3), st.sampled_from(["", "C1", "C2", "C1 C2"])),
        min_size=2,
        max_size=6,
    )
)
def test_more_land_never_feeds_fewer_meals_through_matching(sites):
    ids = [f"B{i}" for i in range(len(sites))]
    grown = meals(*[(b, "légumes", a, a * 4200) for b, (a, _) in zip(ids, sites, strict=True)])
    trips = [
        (b, c, "canteen", 5)
        for b, (_, reached) in zip(ids, sites, strict=True)
        for c in reached.split()
    ]
    plates = canteens(("C1", 300.0, 0.2), ("C2", 400.0, 0.6))

    def total(kept):
        rows = grown[grown["block_id"].isin(kept)]
        paired = found(
            [t for t in trips if t[0] in kept], block=blocks(*kept), grown=rows, plates=plates
        )
        return outcome(rows, plates, paired)["meals_per_year"]["central"]

    assert total(ids) >= total(ids[1:]) - 1e-6

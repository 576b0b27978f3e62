"""The allocation by hand: hectares, months, rotation, farms, collectives, fairness, travel, order."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from allocated import (
    LAMB,
    LENTIL,
    LIMITS,
    POTATO,
    VEG,
    WHEAT,
    blocks,
    calendar,
    demand,
    farmers,
    near,
    reach,
    run,
    supply,
)  # fmt: skip

from friches.allocation import sentence
from friches.allocation.parameters import parameters
from friches.tables import TABLES, check

ONE_TRIP = near([("B1", "F1")], [("B1", "C1")])


def one(kg=1200, usable=1.0, gap=60, **more):
    """One block of vegetables, 100 kg a month for a whole hectare; one canteen that buys 120."""
    said = {
        "given_blocks": blocks("B1"),
        "given_supply": supply(("B1", VEG, usable, kg)),
        "given_reach": ONE_TRIP,
        "given_farmers": farmers(("F1", "maraichage", 5.0)),
        "given_demand": demand(("C1", "légumes", 2 * gap, 0.5)),
    } | more
    return run(**said)


def test_one_of_each_by_hand():
    found = one()
    plot = found.plots.iloc[0]
    assert (plot["block_id"], plot["crop"], plot["farmer_id"]) == ("B1", VEG, "F1")
    assert plot["area_ha"] == pytest.approx(0.6)  # 60 kg a month lack, a hectare gives 100
    assert plot["kg"] == pytest.approx(720)
    assert found.flows["kg"].tolist() == pytest.approx([60] * 12)
    assert set(found.flows["minutes"]) == {20.0}
    whole = found.shares.set_index(["canteen_id", "food_group"]).loc[("toutes", "tout")]
    assert (whole["share_now"], whole["share_after"]) == pytest.approx((0.5, 1.0))
    assert whole["meals"] == pytest.approx(720)
    assert found.solved["gap"] == pytest.approx(0, abs=1e-6)
    assert found.limits.set_index("food_group").loc["légumes", "limit"] == "closed"


def test_tables_are_those_described():
    found = one()
    for name in ("plots", "flows", "balance", "shares", "limits", "matches"):
        table = getattr(found, name)
        check(table, name)
        fixed = [column.name for column in TABLES[name].columns if not column.absent]
        assert list(table.columns)[: len(fixed)] == fixed
        key = list(TABLES[name].key)
        assert table[key].to_numpy().tolist() == sorted(table[key].to_numpy().tolist())


def test_land_short_all_is_used_and_its_price_told():
    found = one(gap=200)
    assert found.plots["area_ha"].sum() == pytest.approx(1.0)
    row = found.limits.set_index("limit").loc["land"]
    assert row["price"] == pytest.approx(1200)  # meals a hectare more
    assert row["kg_missing"] == pytest.approx(1200)
    assert "un hectare de plus, au mieux : 1\u202f200 repas de plus par an" in row["text"]


def test_nothing_is_delivered_in_a_month_when_nothing_is_sold():
    found = one(calendar=calendar(months=range(4, 10)))
    # 1200 kg a ha over six months: 200 a month, 60 asked.
    assert found.flows["month"].tolist() == [4, 5, 6, 7, 8, 9]
    assert found.plots["area_ha"].sum() == pytest.approx(0.3)
    row = found.limits.set_index("limit").loc["season"]
    assert "janvier, février, mars, octobre, novembre et décembre" in row["text"]


def test_what_keeps_serves_any_month():
    found = one(calendar=calendar(months=[7, 8], keeps=[VEG]))
    assert found.flows["kg"].tolist() == pytest.approx([60] * 12, rel=1e-5)
    assert found.plots["kg"].sum() == pytest.approx(720)


def test_losses_are_grown_beyond_what_is_delivered():
    found = one(calendar=calendar(lost=0.2))
    assert found.balance["delivered"].tolist() == pytest.approx([60] * 12)
    assert found.balance["lost"].tolist() == pytest.approx([15] * 12)  # a fifth of what leaves
    assert found.balance["grown"].tolist() == pytest.approx([75] * 12)


def test_canteens_closed_in_summer_leave_the_harvest_to_others():
    months = [1, 2, 3, 4, 5, 6, 9, 10, 11, 12]
    found = one(given_demand=demand(("C1", "légumes", 120, 0.5, months)))
    summer = found.balance[found.balance["month"].isin([7, 8])]
    assert summer["sold_elsewhere"].tolist() == pytest.approx([60, 60])
    assert found.balance["delivered"].sum() == pytest.approx(600)


@pytest.mark.parametrize(("share", "area"), [(1.0, 1.0), (0.25, 0.25)])
def test_rotation_takes_its_share_of_the_land_taken(share, area):
    found = one(gap=500, given_supply=supply(("B1", VEG, 1.0, 1200, share)))
    assert found.plots["area_ha"].sum() == pytest.approx(area)
    assert ("rotation" in set(found.limits["limit"])) == (share < 1)


def test_a_farm_that_wants_two_hectares_rotates_on_two():
    found = one(
        gap=5000,
        given_supply=supply(("B1", VEG, 9.0, 1200, 0.25)),
        given_farmers=farmers(("F1", "maraichage", 2.0)),
    )
    assert found.plots["area_ha"].sum() == pytest.approx(0.5)
    assert found.solved["land_ha"] == pytest.approx(2.0)


def test_rules_of_families_hold_and_unsold_land_answers_them():
    rules = pd.DataFrame(
        [
            {"rule": "sarclées", "families": ["pommes de terre"], "sense": "at_most", "share": 0.4,
             "of": ["pommes de terre", "céréales", "légumineuses"]},
            {"rule": "légumineuses", "families": ["légumineuses"], "sense": "at_least",
             "share": 0.3, "of": ["pommes de terre", "céréales", "légumineuses"]},
        ]
    )  # fmt: skip
    said = {
        "given_supply": supply(("B1", POTATO, 1.0, 1200), ("B1", WHEAT, 1.0, 600)),
        "given_farmers": farmers(("F1", None, 5.0)),
        "given_demand": demand(
            ("C1", "pommes de terre", 900, 0.0, range(1, 13), 1800), ("C1", "pain", 900, 0.0, range(1, 13), 1800)
        ),
    }  # fmt: skip
    area = one(**said, rules=rules).plots.set_index("crop")["area_ha"]
    assert area[POTATO] == pytest.approx(0.4)
    assert area[WHEAT] == pytest.approx(0.3)  # 30 % stay in ley
    free = one(**said).plots.set_index("crop")["area_ha"]
    assert free.to_dict() == {POTATO: pytest.approx(1.0)}


def test_steep_land_bears_only_what_grazes():
    found = one(
        given_supply=supply(("B1", LENTIL, 0.4, 1200), ("B1", WHEAT, 0.4, 1100), ("B1", LAMB, 1.0, 120)),
        given_farmers=farmers(("F1", None, 5.0)),
        given_demand=demand(
            *[("C1", g, 500, 0.0, range(1, 13), 1500) for g in ("légumes secs", "pain", "agneau")]
        ),
    )  # fmt: skip
    area = found.plots.set_index("crop")["area_ha"]
    assert area.to_dict() == {LENTIL: pytest.approx(0.4), LAMB: pytest.approx(0.6)}


# ------------------------------------------------------------------ thresholds


@pytest.mark.parametrize(("minutes", "within"), [(20, True), (20.01, False)])
def test_minutes_to_farm_exactly_at_the_limit(minutes, within):
    found = one(given_reach=reach(("B1", "F1", "farm", minutes), ("B1", "C1", "canteen", 5)))
    assert (len(found.plots) > 0) == within
    if not within:
        why = found.matches["why"].iloc[0]
        assert why.startswith("Aucune ferme à moins de 20 min.")
        text = found.limits.set_index("limit").loc["farmer", "text"]
        assert text.startswith("légumes : assez de terre, aucun maraîcher à moins de 20 min")


@pytest.mark.parametrize(("minutes", "within"), [(45, True), (45.01, False)])
def test_minutes_to_canteen_exactly_at_the_limit(minutes, within):
    found = one(given_reach=reach(("B1", "F1", "farm", 5), ("B1", "C1", "canteen", minutes)))
    assert (len(found.flows) > 0) == within
    if not within:
        assert "Aucune cantine à moins de 45 min" in found.matches["why"].iloc[0]
        assert "canteen_reach" in set(found.limits["limit"])


@pytest.mark.parametrize(("wants", "works"), [(0.1, True), (0.0999, False)])
def test_nobody_comes_for_less_than_a_thousand_square_metres(wants, works):
    found = one(given_farmers=farmers(("F1", "maraichage", wants)))
    assert (len(found.plots) > 0) == works
    assert parameters().least == 0.1


@pytest.mark.parametrize(("usable", "works"), [(0.1, True), (0.0999, False)])
def test_a_block_of_less_is_left(usable, works):
    assert (len(one(usable=usable).plots) > 0) == works


@pytest.mark.parametrize(("closed", "limit"), [(995.0, "closed"), (994.9, "land")])
def test_a_group_is_closed_from_995_of_1000(closed, limit):
    found = one(kg=closed, given_demand=demand(("C1", "légumes", 1000 / 12, 0.0)))
    assert found.limits["limit"].tolist() == [limit]


def test_wanted_hectares_are_the_limit_told():
    found = one(gap=90, given_farmers=farmers(("F1", "maraichage", 0.5)))
    assert found.plots["area_ha"].sum() == pytest.approx(0.5)
    row = found.limits.set_index("limit").loc["farmer_ha"]
    assert row["price"] == pytest.approx(1200)
    assert "ne cherchent que 0,5 ha" in row["text"]


def test_wanted_hectares_not_stated_do_not_limit_but_are_asked():
    found = one(gap=90, given_farmers=farmers(("F1", "maraichage", None)))
    assert found.plots["area_ha"].sum() == pytest.approx(0.9)
    assert "surface recherchée à demander" in found.matches["why"].iloc[0]


# ------------------------------------------------------------------ farms


def test_a_farm_grows_what_it_says_and_anything_where_it_does_not_say():
    assert one(given_farmers=farmers(("F1", "ovins", 5.0))).plots.empty
    silent = one(given_farmers=farmers(("F1", None, 5.0)))
    assert len(silent.plots) == 1
    assert "productions à demander" in silent.matches["why"].iloc[0]
    why = one(given_farmers=farmers(("F1", "ovins", 5.0))).matches["why"].iloc[0]
    assert why.startswith(f"Les fermes proches produisent autre chose que : {VEG}.")


def two_farms(*rows, minutes=(10, 10), neighbours=None, **more):
    trips = reach(
        *[("B1", row[0], "farm", m) for row, m in zip(rows, minutes, strict=True)],
        ("B1", "C1", "canteen", 5),
    )
    found = one(given_reach=trips, given_farmers=farmers(*rows), neighbours=neighbours, **more)
    return found.plots["farmer_id"].unique().tolist()


VEG_FARM = ("maraichage", 5.0, True)


def test_the_nearest_farm_then_the_one_beside_the_block():
    pair = ("F1", *VEG_FARM), ("F2", *VEG_FARM)
    assert two_farms(*pair, minutes=(10, 9)) == ["F2"]
    beside = pd.DataFrame({"block_id": ["B1"], "farmer_id": ["F1"], "shared_m": [50.0]})
    assert two_farms(*pair, minutes=(10, 9), neighbours=beside) == ["F1"]


@pytest.mark.parametrize(
    "first",
    [
        ("F9", "maraichage", 5.0, True),  # says what it grows
        ("F8", None, 5.0, True),  # organic
        ("F7", None, None, None),  # organic not known
        ("F6", None, 5.0, False),  # not organic, hectares stated
        ("F5", None, None, False),
    ],
)
def test_order_of_preference_at_equal_trip(first):
    order = [
        ("F9", "maraichage", 5.0, True),
        ("F8", None, 5.0, True),
        ("F7", None, None, None),
        ("F6", None, 5.0, False),
        ("F5", None, None, False),
    ]
    left = order[order.index(first) :]
    trips = reach(*[("B1", row[0], "farm", 10) for row in left], ("B1", "C1", "canteen", 5))
    found = one(given_reach=trips, given_farmers=farmers(*left))
    assert found.plots["farmer_id"].tolist() == [first[0]]


def test_one_farm_a_block():
    # Each farm wants half the block: shared, it would give 1200 kg; one farm gives 600.
    pair = ("F1", "maraichage", 0.5), ("F2", "maraichage", 0.5)
    trips = near([("B1", "F1"), ("B1", "F2")], [("B1", "C1")])
    found = one(gap=100, given_reach=trips, given_farmers=farmers(*pair))
    assert len(set(found.plots["farmer_id"])) == 1
    assert found.solved["meals"] == pytest.approx(600)
    assert found.solved["bound"] == pytest.approx(600, rel=1e-3)


# ------------------------------------------------------------------ collectives


def with_collective(minutes_canteen=5, wants=None, hub_minutes=10):
    rows = [("B1", "F1", "farm", 10), ("B1", "H", "farm", hub_minutes)]
    rows.append(("B1", "C1", "canteen", minutes_canteen))
    return one(
        gap=100,
        given_reach=reach(*rows),
        given_farmers=farmers(
            ("F1", "maraichage", 5.0), ("H", "maraichage", wants, True, "collective")
        ),
    )


def test_a_canteen_in_reach_is_served_without_the_collective():
    found = with_collective()
    assert found.flows["via"].isna().all()
    assert found.solved["meals"] == pytest.approx(1200)


def test_beyond_reach_a_third_arrives_through_the_collective():
    found = with_collective(minutes_canteen=60)
    assert set(found.flows["via"]) == {"H"}
    assert set(found.flows["farmer_id"]) == {"F1"}
    assert found.solved["meals"] == pytest.approx(1200 * parameters().canteen_share)
    assert found.balance["sold_elsewhere"].sum() == pytest.approx(1200 - found.solved["meals"])
    assert "servie par le collectif H" in found.matches["why"].iloc[0]


@pytest.mark.parametrize(("minutes", "served"), [(20, True), (20.01, False)])
def test_a_collective_exactly_at_the_limit(minutes, served):
    found = with_collective(minutes_canteen=60, hub_minutes=minutes)
    assert (len(found.flows) > 0) == served


def test_a_collective_works_land_only_where_it_states_hectares():
    alone = {
        "given_reach": reach(("B1", "H", "farm", 5), ("B1", "C1", "canteen", 5)),
        "gap": 100,
    }
    outlet = one(given_farmers=farmers(("H", "maraichage", None, True, "collective")), **alone)
    assert outlet.plots.empty
    works = one(given_farmers=farmers(("H", "maraichage", 3.0, True, "collective")), **alone)
    assert works.plots["farmer_id"].tolist() == ["H"]
    assert works.solved["meals"] == pytest.approx(1200 * parameters().canteen_share)


# ------------------------------------------------------------------ canteens


def test_two_canteens_of_equal_meals_are_served_alike():
    trips = near([("B1", "F1")], [("B1", "C1"), ("B1", "C2")])
    two = demand(("C1", "légumes", 100, 0.0), ("C2", "légumes", 300, 0.0))
    found = one(given_reach=trips, given_demand=two)
    kg = found.flows.groupby("canteen_id")["kg"].sum()
    assert kg.tolist() == pytest.approx([300, 900], rel=1e-5)  # a quarter of each gap


def test_meals_come_before_fairness():
    # A kilogram is two meals at C2: it is served first.
    trips = near([("B1", "F1")], [("B1", "C1"), ("B1", "C2")])
    two = demand(("C1", "légumes", 100, 0.0), ("C2", "légumes", 60, 0.0, range(1, 13), 120))
    kg = one(given_reach=trips, given_demand=two).flows.groupby("canteen_id")["kg"].sum()
    assert kg.tolist() == pytest.approx([480, 720], rel=1e-5)


def test_fairness_chooses_the_land_too():
    # F1 wants one hectare; B1 reaches C1 alone, B2 C2 alone: half a hectare each.
    found = one(
        given_blocks=blocks("B1", "B2"),
        given_supply=supply(("B1", VEG, 1.0, 1200), ("B2", VEG, 1.0, 1200)),
        given_reach=near([("B1", "F1"), ("B2", "F1")], [("B1", "C1"), ("B2", "C2")]),
        given_farmers=farmers(("F1", "maraichage", 1.0)),
        given_demand=demand(("C1", "légumes", 100, 0.0), ("C2", "légumes", 100, 0.0)),
    )
    assert found.plots["area_ha"].tolist() == pytest.approx([0.5, 0.5], rel=1e-5)


def test_the_goal_is_that_of_the_demand():
    found = one(given_demand=demand(("C1", "légumes", 120, 0.5), goal=0.75), goal=0.75)
    whole = found.shares.set_index(["canteen_id", "food_group"]).loc[("toutes", "tout")]
    assert whole["share_after"] == pytest.approx(0.75)
    assert found.plots["area_ha"].sum() == pytest.approx(0.3)


def test_an_unknown_organic_share_has_no_central_share():
    found = one(given_demand=demand(("C1", "légumes", 120, None)))
    row = found.shares.set_index(["canteen_id", "food_group"]).loc[("toutes", "tout")]
    assert np.isnan(row["share_now"])
    assert np.isnan(row["share_after"])
    assert 0 <= row["share_after_low"] < row["share_after_high"] <= 1
    # The middle of nothing and all, 66 kg a month, is what the central areas are for.
    assert found.flows["kg"].tolist() == pytest.approx([66] * 12)
    limit = found.limits.set_index("limit").loc["unknown_share"]
    assert "part bio à demander à 1 cuisine(s)" in limit["text"]
    assert "sa part bio est à demander" in found.matches["why"].iloc[0]
    assert "part bio inconnue aujourd'hui" in sentence(found)


# ------------------------------------------------------------------ blocks to confirm


def test_sure_blocks_come_first_and_the_others_take_what_is_left():
    found = one(
        gap=150,
        given_blocks=blocks("B1", "B2", answer=[None, True]),
        given_supply=supply(("B1", VEG, 1.0, 2400), ("B2", VEG, 1.0, 1200)),
        given_reach=near([("B1", "F1"), ("B2", "F1")], [("B1", "C1"), ("B2", "C1")]),
    )
    plots = found.plots.set_index("block_id")
    assert plots["counted"].to_dict() == {"B1": False, "B2": True}
    assert plots["area_ha"].to_dict() == {"B1": pytest.approx(0.25), "B2": pytest.approx(1.0)}
    assert found.solved["meals"] == pytest.approx(1200)
    assert found.solved["meals_to_confirm"] == pytest.approx(600)
    assert found.balance["delivered"].sum() == pytest.approx(1200)
    assert found.matches["farmer_id"].tolist() == ["F1", "F1"]
    told = sentence(found)
    assert "1 îlot(s) à confirmer en porteraient 600 de plus (soit 100\u202f% de bio)" in told


def test_no_block_no_farm_no_canteen():
    nothing = one(given_blocks=blocks(), given_supply=supply(), given_reach=reach())
    assert nothing.plots.empty
    assert nothing.matches.empty
    assert "sans qu'aucun îlot soit cultivé" in sentence(nothing)
    alone = one(given_farmers=farmers(), given_reach=reach(("B1", "C1", "canteen", 5)))
    assert alone.matches["why"].iloc[0].startswith("Aucune ferme connue.")
    unfed = one(
        given_demand=demand(("C1", "légumes", 1, 0)).iloc[:0],
        given_reach=reach(("B1", "F1", "farm", 5)),
    )
    assert unfed.matches["why"].iloc[0].endswith("Aucune cantine connue.")
    assert unfed.shares.empty
    assert sentence(unfed).startswith("aucune cantine connue")


# ------------------------------------------------------------------ words


def test_the_sentence():
    told = sentence(one(gap=200, kg=(600, 1200, 1500)))
    assert told.startswith("de 50\u202f% à 75\u202f% de bio (")
    assert "1\u202f200 repas bio complets de plus par an" in told
    assert "grâce à 1 îlot(s) (1 ha) et 1 ferme(s), pour 1 cuisine(s)" in told
    assert told.endswith("restent ouverts : légumes.")


def test_what_no_land_can_close_is_told_apart():
    found = one(given_demand=demand(("C1", "légumes", 60, 0.0), ("C1", "poisson", 10, 0.0)))
    row = found.limits.set_index("food_group").loc["poisson"]
    assert row["limit"] == "no_crop"
    assert row["text"].endswith("à acheter ailleurs")
    assert sentence(found).endswith("qu'aucune de ces terres ne peut fermer : poisson.")


def test_why_a_block_is_worked_in_full():
    why = one().matches["why"].iloc[0]
    assert why == (
        "Ferme à 10 min par la route, elle produit déjà : légumes d'été, en bio, elle cherche 5 ha "
        "(4,4 ha restent libres), prend 0,6 ha sur 1 pour légumes d'été. Cantine à 20 min par la "
        "route : de ce qui lui manque en bio, l'îlot donnerait chaque année 720 kg (légumes)."
    )


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"given_supply": supply(("B1", VEG, 1.0, 0))}, "Rien à cultiver sur cet îlot"),
        ({"given_farmers": farmers(("F1", "maraichage", 0.0))}, "ne cherchent pas de terre"),
        ({"given_demand": demand(("C1", "légumes", 60, 1.0))}, "ne manquent pas de ce que l'îlot"),
    ],
)
def test_why_a_block_is_not(said, words):
    found = one(**said)
    assert words in found.matches["why"].iloc[0]
    assert found.matches["farmer_id"].isna().all()


def test_farms_already_provided():
    found = one(
        gap=400,
        given_blocks=blocks("B1", "B2"),
        given_supply=supply(("B1", VEG, 1.0, 1200), ("B2", VEG, 1.0, 900)),
        given_reach=near([("B1", "F1"), ("B2", "F1")], [("B1", "C1"), ("B2", "C1")]),
        given_farmers=farmers(("F1", "maraichage", 1.0)),
    )
    why = found.matches.set_index("block_id")["why"]
    assert why["B2"].startswith("Fermes déjà pourvues par d'autres îlots.")


def test_straight_lines_are_said():
    trips = reach(("B1", "F1", "farm", 10, "straight"), ("B1", "C1", "canteen", 9, "straight"))
    assert one(given_reach=trips).matches["why"].iloc[0].count("à vol d'oiseau") == 2


def test_limits_of_reach_are_those_of_the_study():
    assert (LIMITS.minutes_to_farm, LIMITS.minutes_to_canteen) == (20, 45)

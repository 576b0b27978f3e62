"""What the canteens buy and lack, by month: by hand, at its limits, and as laws."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from friches.demand import demand, yearly
from friches.errors import InputError
from friches.food import menu, months
from friches.food.purchases import price_of, price_table, prices
from friches.tables import TABLES

QUICK = settings(max_examples=15, deadline=None, derandomize=True)
AUDIENCES = [None, *menu.audiences()]


def canteen(canteen_id="C1", **more):
    said = {
        "canteen_id": canteen_id,
        "meals_per_day": 100.0,
        "days_per_year": 140.0,
        "organic_share": 0.5,
        "audience": "elementaire",
        "kind": "site",
        "served_by": None,
    }
    return said | more


def canteens(*rows):
    return pd.DataFrame(rows or [canteen()])


def year_of(*rows, **more):
    return yearly(demand(canteens(*rows), **more))


# ------------------------------------------------------------------ months


@pytest.mark.parametrize("audience", AUDIENCES)
@pytest.mark.parametrize("days", [0, 1, 138, 140, 162, 180, 216, 220, 261, 262, 365, 366])
def test_months_sum_to_the_days_and_hold_in_the_month(audience, days):
    served = months.spread(days, audience)
    assert served.sum() == pytest.approx(days, abs=1e-9)
    assert (served >= 0).all()
    assert (served <= np.array(months.months().all_days.days) + 1e-9).all()
    if days <= 261:
        assert (served <= np.array(months.months().weekdays.days) + 1e-9).all()


@QUICK
@given(st.sampled_from(AUDIENCES), st.floats(0, 366), st.floats(0, 366))
def test_more_days_never_lower_a_month(audience, one, other):
    few, many = sorted((one, other))
    assert (months.spread(few, audience) <= months.spread(many, audience) + 1e-9).all()


def test_schools_are_shut_in_august_and_creches_are_not():
    assert months.spread(140, "elementaire")[7] == 0
    assert months.spread(220, "creche")[7] == pytest.approx(6)
    # Up to 173 days: Wednesdays of term. Beyond, the holiday centre opens.
    assert months.spread(173, "elementaire")[7] == 0
    assert months.spread(180, "elementaire")[7] > 0
    assert months.spread(366, "adultes").tolist() == months.months().all_days.days


def test_every_audience_has_a_calendar_that_sums_to_its_days():
    said = months.months()
    assert set(said.audience) == {*menu.audiences(), "inconnu"}
    assert set(said.audience.values()) == set(said.calendar)
    assert sum(said.calendar["ecole"].days) == pytest.approx(137.67)
    assert sum(said.calendar["creche"].days) == menu.menu().days["creche"].central
    assert sum(said.calendar["adultes"].days) == menu.menu().days["adultes"].high
    groups = {group for season in said.season for group in season.groups}
    assert groups <= set(menu.need("elementaire").index)


def test_a_month_by_hand():
    rows = demand(canteens()).set_index(["food_group", "month"])
    days = months.spread(140, "elementaire")
    row = rows.loc[("légumes", 9)]
    kg = menu.need("elementaire").loc["légumes", "kg"]
    assert row["meals"] == pytest.approx(100 * (18 + 4 * (140 - 137.67) / 36))
    assert row["kg"] == pytest.approx(100 * days[8] * kg)
    assert row["gap"] == pytest.approx(row["kg"] / 2)
    assert row["gap_eur"] == pytest.approx(row["gap"] * price_of("légumes").organic[1])
    assert rows.loc[("légumes", 8), "kg"] == 0
    winter, summer = (
        rows.loc[("pommes de terre", m), "kg"] / rows.loc[("légumes", m), "kg"] for m in (1, 6)
    )
    assert winter / summer == pytest.approx(1.15 / 0.85)


def test_the_table_is_the_one_described():
    table = demand(canteens())
    assert set(table.columns) == {c.name for c in TABLES["demand"].columns}
    assert len(table) == 12 * len(menu.need("elementaire"))
    assert table["source"].str.contains("RECALLED").all()
    assert table["source"].str.contains("prix bio").all()
    assert table.equals(table.sort_values(["canteen_id", "food_group", "month"]))
    assert demand(canteens().iloc[:0]).empty


# ------------------------------------------------------------------ the year


def test_antibes_and_millau_count_their_meals():
    assert 810_000 / 5_000 == 162
    assert set(year_of(canteen(meals_per_day=5000, days_per_year=162))["meals"]) == {810_000}
    year = year_of(canteen(meals_per_day=1500, days_per_year=None))
    assert set(year["meals"]) == {210_000}
    assert set(year["meals_low"]) == {1500 * 140}
    assert set(year["meals_high"]) == {1500 * 180}


@pytest.mark.parametrize("days", [None, 0.0, 140.0])
def test_a_yearly_count_is_preferred_to_days_of_service(days):
    year = year_of(canteen(days_per_year=days, meals_per_year=151_541.0))
    for end in ("_low", "", "_high"):
        assert set(year[f"meals{end}"]) == {151_541}
    # A kitchen with a yearly count of 0 serves nobody.
    assert (year_of(canteen(meals_per_year=0.0))["kg_high"] == 0).all()


def test_gap_is_what_is_not_yet_organic():
    year = year_of().set_index("food_group")
    need = menu.need("elementaire")["kg"] * 14_000
    assert np.allclose(year["kg"], need[year.index])
    assert np.allclose(year["gap"], year["kg"] / 2)
    assert np.allclose(year["kg_organic_now"] + year["gap"], year["kg"])
    assert np.allclose(year_of(goal=0.6)["gap"], year["kg"] * 0.1)


@pytest.mark.parametrize(("goal", "open_gap"), [(0.5, False), (0.49, False), (0.51, True)])
def test_goal_exactly_at_the_present_share_leaves_no_gap(goal, open_gap):
    assert (demand(canteens(), goal)["gap"] > 0).any() == open_gap


def test_missing_organic_share_is_not_zero():
    for table, now in (
        (demand(canteens(canteen(organic_share=None))), "organic_now"),
        (year_of(canteen(organic_share=None)), "kg_organic_now"),
    ):
        assert (table["gap_low"] == 0).all()
        assert table["gap"].isna().all()
        assert table["gap_eur"].isna().all()
        assert np.allclose(table["gap_high"], table["kg_high"])
        assert table[now].isna().all()


@pytest.mark.parametrize(
    ("organic", "local", "both"),
    [(0.6, 0.5, (0.1, 0.3, 0.5)), (0.5, 0.5, (0, 0.25, 0.5)), (1.0, 0.4, (0.4, 0.4, 0.4))],
)
def test_what_is_organic_and_local_is_bounded_by_the_two_shares(organic, local, both):
    year = year_of(canteen(organic_share=organic, local_share=local))
    for end, share, other in zip(("_low", "", "_high"), both, reversed(both), strict=True):
        assert np.allclose(year[f"organic_local{end}"], share * year[f"kg{end}"])
        assert np.allclose(year[f"gap_local{end}"], (1 - other) * year[f"kg{end}"])
    unknown = year_of(canteen(organic_share=organic))
    assert unknown["gap_local"].isna().all()
    assert np.allclose(unknown["gap_local_low"], (1 - organic) * unknown["kg_low"])
    assert np.allclose(unknown["gap_local_high"], unknown["kg_high"])


def test_a_meal_costs_what_the_observatory_saw():
    need = menu.need("elementaire")
    said = prices()
    assert set(need.index) == {p.group for p in said.price}
    ordinary, organic = (
        {
            end: float((need[f"kg{end}"] * price_table(kind)[f"eur{end}"]).sum())
            for end in ("_low", "", "_high")
        }
        for kind in ("ordinary", "organic")
    )
    mixed = (0.7 * ordinary[""] + 0.3 * organic[""]) * (1 + said.other.central)
    assert mixed == pytest.approx(said.cost_per_meal.central, rel=0.1)
    assert ordinary["_low"] < said.cost_per_meal.central < organic["_high"]
    assert organic["_high"] < said.cost_per_meal.high
    with pytest.raises(InputError, match="« ananas » sans prix"):
        price_of("ananas")


# ------------------------------------------------------------------ waste


def test_a_weighed_kitchen_buys_as_parcel_says():
    reference = menu.menu().waste.reference_g
    assert menu.waste_factor_g(None) == 1
    assert menu.waste_factor_g(reference) == pytest.approx(1)
    # A quarter of the waste avoided.
    assert menu.waste_factor_g(0.75 * reference) == pytest.approx(0.948, abs=5e-4)
    assert menu.waste_factor_g(0) == pytest.approx(0.82)
    plain, weighed = year_of(), year_of(canteen(waste_g_per_meal=0.75 * reference))
    assert np.allclose(weighed["kg"], plain["kg"] * menu.waste_factor(25))
    assert np.allclose(year_of(waste=30)["kg"], plain["kg"] * menu.waste_factor_g(30))
    assert "75 g par repas" in demand(canteens(canteen(waste_g_per_meal=75.0)))["source"].iloc[0]


@pytest.mark.parametrize(("grams", "fine"), [(0, True), (400, True), (400.1, False), (-0.1, False)])
def test_waste_exactly_at_its_bounds(grams, fine):
    if fine:
        assert (demand(canteens(canteen(waste_g_per_meal=grams)))["kg"] >= 0).all()
        assert (demand(canteens(), waste=grams)["kg"] >= 0).all()
    else:
        with pytest.raises(InputError, match="gaspillage pesé hors de 0 à 400"):
            demand(canteens(canteen(waste_g_per_meal=grams)))
        with pytest.raises(InputError, match="gaspillage de"):
            demand(canteens(), waste=grams)


# ------------------------------------------------------------------ who cooks


def test_a_kitchen_and_its_sites_are_counted_once():
    kitchen = canteen("K", kind="central", meals_per_day=150.0)
    sites = [
        canteen(f"S{i}", kind="site_cooked_elsewhere", served_by="K", meals_per_day=50.0)
        for i in range(3)
    ]
    alone = demand(canteens(kitchen))
    pd.testing.assert_frame_equal(demand(canteens(kitchen, *sites)), alone)
    # Without meals of its own, the kitchen cooks those of its sites.
    through = demand(canteens(kitchen | {"meals_per_day": 0.0, "organic_share": None}, *sites))
    pd.testing.assert_frame_equal(through, alone)
    yearly_count = kitchen | {"meals_per_day": 0.0, "meals_per_year": 21_000.0}
    pd.testing.assert_frame_equal(demand(canteens(yearly_count, *sites)), alone)


def test_a_central_value_missing_at_one_site_is_missing_at_the_kitchen():
    kitchen = canteen("K", kind="central", meals_per_day=0.0, organic_share=None)
    sites = [
        canteen("S1", kind="site_cooked_elsewhere", served_by="K"),
        canteen("S2", kind="site_cooked_elsewhere", served_by="K", organic_share=None),
    ]
    year = year_of(kitchen, *sites)
    assert year["gap"].isna().all()
    assert year["organic_share"].isna().all()
    assert np.allclose(year["gap_low"], year["kg_low"] / 4)
    assert np.allclose(year["gap_high"], year["kg_high"] * 3 / 4)


def test_sites_of_one_kitchen_follow_their_own_calendars():
    kitchen = canteen("K", kind="central", meals_per_day=0.0)
    creche = canteen(
        "S1", kind="site_cooked_elsewhere", served_by="K", audience="creche", days_per_year=220.0
    )
    school = canteen("S2", kind="site_cooked_elsewhere", served_by="K", organic_share=0.2)
    rows = demand(canteens(kitchen, creche, school))
    august = rows[rows["month"] == 8].set_index("food_group")
    assert august.loc["légumes", "meals"] == pytest.approx(
        100 * (6 + months.spread(140, "elementaire")[7])
    )
    assert august["organic_share"].between(0.2, 0.5).all()
    assert (rows["source"].str.count("mois : ") == 2).all()


@pytest.mark.parametrize("kind", ["central", "central_serving", "site"])
def test_kitchens_count_even_if_said_to_be_served(kind):
    year = demand(canteens(canteen(), canteen("C2", kind=kind, served_by="C1")))
    assert set(year["canteen_id"]) == {"C1", "C2"}


# ------------------------------------------------------------------ bad input


def test_every_fault_of_the_canteens_is_told_at_once():
    elsewhere = "site_cooked_elsewhere"
    bad = canteens(
        canteen("A", audience="collège", meals_per_day=-1.0, meals_per_year=-1.0),
        canteen("B", organic_share=1.01, local_share=-0.01, days_per_year=367.0),
        canteen("B", waste_g_per_meal=401.0),
        canteen("D", kind=elsewhere, served_by="ailleurs"),
        canteen("E", kind=elsewhere, served_by="F"),
        canteen("F", kind=elsewhere, served_by="E"),
        canteen("G", kind=elsewhere, served_by="H"),
        canteen("H", kind=elsewhere, served_by="G"),
    )
    with pytest.raises(InputError) as told:
        demand(bad)
    said = [breach.what for breach in told.value.breaches]
    for what in (
        "identifiant en double",
        "repas par jour manquants ou négatifs (première : « A »)",
        "repas par an négatifs",
        "jours de service hors de 0 à 366",
        "part bio hors de 0 à 1",
        "part locale hors de 0 à 1",
        "gaspillage pesé",
        "public inconnu",
        "cuisine absente « ailleurs » (première : « D »)",
        "en rond : E → F → E",
        "en rond : G → H → G",
    ):
        assert sum(what in one for one in said) == 1, what
    assert len(said) == 11
    with pytest.raises(InputError, match="objectif"):
        demand(canteens(), 1.01)


# ------------------------------------------------------------------ laws

ROW = st.fixed_dictionaries(
    {
        "meals_per_day": st.floats(0, 5000),
        "days_per_year": st.one_of(st.none(), st.floats(0, 366)),
        "organic_share": st.one_of(st.none(), st.floats(0, 1)),
        "local_share": st.one_of(st.none(), st.floats(0, 1)),
        "waste_g_per_meal": st.one_of(st.none(), st.floats(0, 400)),
        "audience": st.sampled_from(AUDIENCES),
    }
)


@QUICK
@given(ROW, st.floats(0, 1))
def test_months_sum_to_the_year_and_bounds_are_ordered(row, goal):
    table = demand(canteens(canteen(**row)), goal)
    year = yearly(table).set_index("food_group")
    served = menu.service_days(row["audience"])
    days = served if row["days_per_year"] is None else (row["days_per_year"],) * 3
    need = menu.need(row["audience"]) * menu.waste_factor_g(row["waste_g_per_meal"])
    for end, count in zip(("_low", "", "_high"), days, strict=True):
        expected = need[f"kg{end}"] * row["meals_per_day"] * count
        assert np.allclose(year[f"kg{end}"], expected[year.index], rtol=1e-9)
    for name in ("meals", "kg", "organic_now", "gap", "organic_local", "gap_local"):
        low, central, high = (table[f"{name}{end}"] for end in ("_low", "", "_high"))
        central = central.fillna(low)
        assert (low <= central * (1 + 1e-9) + 1e-9).all(), name
        assert (central <= high * (1 + 1e-9) + 1e-9).all(), name
    # What is organic and what lacks for all to be organic make the whole.
    if goal == 1 and row["organic_share"] is not None:
        assert np.allclose(table["organic_now"] + table["gap"], table["kg"])


@QUICK
@given(ROW, st.floats(0.05, 0.95))
def test_a_canteen_split_in_two_changes_nothing(row, part):
    whole = year_of(canteen(**row)).drop(columns="canteen_id").set_index("food_group")
    halves = [
        canteen(name, **row | {"meals_per_day": row["meals_per_day"] * share})
        for name, share in (("C1", part), ("C2", 1 - part))
    ]
    two = year_of(*halves).drop(columns=["canteen_id", "organic_share"])
    joined = two.groupby("food_group").sum(skipna=False)
    assert np.allclose(whole[joined.columns], joined, rtol=1e-9, atol=1e-5, equal_nan=True)


@QUICK
@given(ROW, st.floats(0, 1000))
def test_more_meals_never_lower_a_need(row, more):
    few = demand(canteens(canteen(**row)))
    many = demand(canteens(canteen(**row | {"meals_per_day": row["meals_per_day"] + more})))
    for name in ("meals", "kg", "gap_low", "gap_high", "gap_local_high"):
        assert (many[name] >= few[name] * (1 - 1e-12)).all()

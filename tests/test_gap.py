"""EGalim thresholds: dated, by territory, in euros and kilograms, by hand and at their limits."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from friches.demand import demand, yearly
from friches.errors import InputError
from friches.figures import bounds, figure, rounded
from friches.food.purchases import price_table, prices
from friches.food.thresholds import Egalim, egalim_law, territory, thresholds
from friches.gap import ALL, Basket, egalim, swapped_kg

QUICK = settings(max_examples=15, deadline=None, derandomize=True)
TODAY = dt.date(2026, 9, 1)
MEATS = {"bœuf et veau", "agneau", "porc", "volaille"}


def canteen(canteen_id="C1", **more):
    said = {
        "canteen_id": canteen_id,
        "meals_per_day": 100.0,
        "days_per_year": 140.0,
        "organic_share": 0.1,
        "audience": "elementaire",
        "kind": "site",
        "served_by": None,
    }
    return said | more


def found(*rows, day=TODAY, insee="12999"):
    canteens = pd.DataFrame(rows or [canteen()])
    table = egalim(demand(canteens), canteens, day, insee)
    return table.set_index(["canteen_id", "measure"])


def held(day, insee):
    return {m.name: t.share for m, t in thresholds(dt.date.fromisoformat(day), insee)}


@pytest.mark.parametrize(
    ("day", "insee", "asked"),
    [
        ("2021-12-31", "12999", {}),
        ("2022-01-01", "12999", {"quality": 0.5, "organic": 0.2}),
        ("2023-12-31", "12999", {"quality": 0.5, "organic": 0.2}),
        ("2024-01-01", "12999", {"quality": 0.5, "organic": 0.2, "meat_and_fish": 0.6}),
        ("2025-12-31", "2A004", {"quality": 0.5, "organic": 0.2, "meat_and_fish": 0.6}),
        ("2026-01-01", "12999", {"quality": 0.5, "organic": 0.2, "meat": 0.6, "fish": 0.6}),
        ("2025-12-31", "97411", {"quality": 0.2, "organic": 0.05}),
        ("2026-01-01", "97411", {"quality": 0.35, "organic": 0.1}),
        ("2030-01-01", "97801", {"quality": 0.5, "organic": 0.2}),
        ("2025-12-31", "97611", {"quality": 0.05, "organic": 0.02}),
        ("2026-01-01", "97611", {"quality": 0.15, "organic": 0.05}),
        ("2034-12-31", "97611", {"quality": 0.3, "organic": 0.1}),
        ("2035-01-01", "97611", {"quality": 0.5, "organic": 0.2}),
        ("2029-12-31", "97502", {"quality": 0.3, "organic": 0.1}),
        ("2030-01-01", "97502", {"quality": 0.5, "organic": 0.2}),
        ("2026-01-01", "98818", {}),
    ],
)
def test_thresholds_are_dated_and_by_territory(day, insee, asked):
    assert held(day, insee) == asked


def test_territories_and_measures_are_all_known():
    said = egalim_law()
    assert {t.territory for t in said.threshold} <= {t.name for t in said.territory}
    assert {t.measure for t in said.threshold} == {m.name for m in said.measure}
    assert territory("97105").name == "groupe1"
    assert territory("12999").name == "metropole"
    twice = said.model_dump(by_alias=True)
    twice["threshold"].append(twice["threshold"][1])
    with pytest.raises(ValueError, match="deux seuils « quality » à la fois"):
        Egalim.model_validate(twice)


def test_organic_threshold_by_hand():
    row = found().loc[("C1", "organic")]
    kg = yearly(demand(pd.DataFrame([canteen()]))).set_index("food_group")["kg"]
    ordinary, organic = (price_table(kind)["eur"] for kind in ("ordinary", "organic"))
    spend = sum(kg[g] / (0.1 / organic[g] + 0.9 / ordinary[g]) for g in kg.index)
    spend *= 1 + prices().other.central
    assert row["spend_eur"] == pytest.approx(spend)
    o, p = (float((kg * price).sum() / kg.sum()) for price in (organic, ordinary))
    x = 0.1 * spend / (o - 0.2 * (o - p))
    assert row["missing_kg"] == pytest.approx(x)
    assert row["missing_eur"] == pytest.approx(x * o)
    assert row["extra_eur"] == pytest.approx(x * (o - p))
    # Once swapped, the threshold is met to the cent.
    assert (0.1 * spend + x * o) / (spend + x * (o - p)) == pytest.approx(0.2)
    assert not row["met"]
    assert "10\u202f% des achats, 20\u202f% demandés depuis le 01/01/2024" in row["text"]
    assert "VERIFIED" in row["source"]
    assert "RECALLED" in row["source"]


@pytest.mark.parametrize(("share", "met"), [(0.2, True), (0.1999, False), (1.0, True)])
def test_exactly_at_the_threshold_it_is_met(share, met):
    row = found(canteen(organic_share=share)).loc[("C1", "organic")]
    assert bool(row["met"]) == met
    assert (row["missing_kg_high"] == 0) == met
    assert ("atteint" in row["text"]) == met


def test_an_unknown_share_is_asked_and_leaves_bounds():
    table = found(canteen(organic_share=None))
    row = table.loc[("C1", "organic")]
    assert pd.isna(row["met"])
    assert pd.isna(row["missing_kg"])
    assert (row["missing_kg_low"], row["missing_eur_low"]) == (0, 0)
    assert row["missing_kg_high"] > 0
    assert row["spend_eur_low"] < row["spend_eur_high"]
    assert "à demander" in row["text"]


def test_what_is_organic_counts_as_quality():
    row = found(canteen(organic_share=0.6)).loc[("C1", "quality")]
    assert row["met"]
    assert pd.isna(row["share_now"])
    assert row["missing_kg_high"] == 0
    assert "au moins 60\u202f% des achats, le bio seul" in row["text"]
    part = found(canteen(organic_share=0.3)).loc[("C1", "quality")]
    assert pd.isna(part["met"])
    none = found(canteen(organic_share=0.0)).loc[("C1", "quality")]
    assert part["missing_kg_high"] < none["missing_kg_high"]


def test_meat_and_fish_are_apart_since_2026_and_together_before():
    shares = {"meat_quality_share": 0.6, "fish_quality_share": 0.5}
    now = found(canteen(**shares))
    assert now.loc[("C1", "meat"), "met"]
    assert not now.loc[("C1", "fish"), "met"]
    before = found(canteen(**shares), day=dt.date(2025, 6, 1)).loc[("C1", "meat_and_fish")]
    assert 0.5 < before["share_now"] < 0.6
    spends = now["spend_eur"]
    assert before["spend_eur"] == pytest.approx(spends[("C1", "meat")] + spends[("C1", "fish")])
    groups = {g for m in egalim_law().measure if m.name == "meat" for g in m.groups}
    assert groups == MEATS


def test_before_2024_private_canteens_are_not_bound_and_the_owner_is_not_known():
    row = found(day=dt.date(2023, 6, 1)).loc[("C1", "quality")]
    assert pd.isna(row["applies"])
    assert "aux cantines publiques" in row["text"]
    assert found().loc[("C1", "quality"), "applies"]


def test_the_whole_is_the_sum_and_its_share_is_by_value():
    table = found(canteen(organic_share=0.4), canteen("C2", meals_per_day=300.0))
    one, two, every = (table.loc[(name, "organic")] for name in ("C1", "C2", ALL))
    assert every["spend_eur"] == pytest.approx(one["spend_eur"] + two["spend_eur"])
    weighed = 0.4 * one["spend_eur"] + 0.1 * two["spend_eur"]
    assert every["share_now"] == pytest.approx(weighed / every["spend_eur"])
    assert one["met"]
    assert not every["met"]
    assert 0 < every["missing_kg"] < two["missing_kg"]


def test_no_threshold_in_force_or_no_meal_gives_nothing_to_do():
    assert found(day=dt.date(2021, 12, 31)).empty
    idle = found(canteen(meals_per_day=0.0))
    assert (idle["missing_kg_high"] == 0).all()
    none = pd.DataFrame([canteen()]).iloc[:0]
    assert egalim(demand(none), none, TODAY, "12999").empty


def test_wrong_shares_are_told_at_once():
    with pytest.raises(InputError) as told:
        found(
            canteen("A", quality_share=1.01),
            canteen("B", organic_share=0.3, quality_share=0.29),
            canteen("C", organic_share=0.3, quality_share=0.3, meat_quality_share=-0.1),
        )
    said = [breach.what for breach in told.value.breaches]
    assert len(said) == 3
    assert any("« A »" in one and "quality_share" in one for one in said)
    assert any("« B »" in one and "inférieure" in one for one in said)
    assert any("« C »" in one and "meat_quality_share" in one for one in said)


@QUICK
@given(st.floats(0, 1), st.floats(0, 1), st.floats(0.1, 20), st.floats(1, 3), st.floats(1, 1e6))
def test_the_swap_reaches_the_threshold_to_the_cent(share, threshold, price, dearer, kg):
    organic = price * dearer
    spend = kg / (share / organic + (1 - share) / price)
    basket = Basket(*(np.full(3, v) for v in (spend, kg * organic, kg * price, kg)), share, share)
    x = swapped_kg(basket, share, threshold)[1]
    assert x >= 0
    reached = (share * spend + x * organic) / (spend + x * (organic - price))
    assert reached == pytest.approx(max(share, threshold))
    assert x <= kg * (1 + 1e-9)  # never more than what is bought


@QUICK
@given(st.floats(0, 1), st.floats(1, 5000), st.floats(0, 1000))
def test_more_meals_never_lower_what_lacks_and_bounds_are_ordered(share, meals, more):
    few, many = (
        found(canteen(organic_share=share, meals_per_day=m)).loc[("C1", "organic")]
        for m in (meals, meals + more)
    )
    for name in ("spend_eur", "missing_eur", "missing_kg"):
        assert many[f"{name}_high"] >= few[f"{name}_high"] * (1 - 1e-9)
        assert few[f"{name}_low"] <= few[name] * (1 + 1e-9)
        assert few[name] <= few[f"{name}_high"] * (1 + 1e-9)


def test_figures_read_as_french():
    assert figure(4200) == "4\u202f200"
    assert figure(3.10, 2) == "3,1"
    assert figure(float("nan")) == "inconnu"
    assert rounded(12_345) == 12_300
    assert rounded(0) == 0
    assert bounds(3700, 4200, 5000, "kg") == "4\u202f200\u202fkg (de 3\u202f700 à 5\u202f000)"
    assert bounds(0, float("nan"), 500, "kg") == "de 0 à 500\u202fkg"
    assert bounds(2, 2, 2, "ha") == "2\u202fha"

"""The headline figures: read from the allocation's shares and the canteens' demand, by hand."""

from __future__ import annotations

import pandas as pd
import pytest

from friches import tables
from friches.demand import demand
from friches.outcome import outcome

ENDS = {"low": 0.5, "": 1.0, "high": 1.5}


def shares(now=0.5, after=0.75, kg=100.0):
    def row(group, part):
        said = {"canteen_id": "toutes", "food_group": group, "share_now": now}
        for end, times in (("_low", 0.9), ("", 1.0), ("_high", 1.1)):
            said |= {f"share_after{end}": after * times, f"kg{end}": kg * part * times}
            said |= {f"meals{end}": 10 * kg * part * times}
        return said

    return pd.DataFrame([row("légumes", 0.25), row("fruits", 0.75), row("tout", 1.0)])


def canteens(**more):
    row = {"canteen_id": "C1", "name": "Cantine fictive", "meals_per_day": 100.0}
    row |= {"days_per_year": 140.0, "organic_share": 0.5, "audience": "elementaire"}
    return pd.DataFrame([row | more])


MEALS = pd.DataFrame({"meals_low": [1.0, 2.0], "meals": [3.0, 4.0], "meals_high": [5.0, 6.0]})


def test_figures_are_those_of_the_whole_territory():
    found = outcome(MEALS, demand(canteens()), shares())
    assert found["meals_per_year"] == pytest.approx({"low": 900, "central": 1000, "high": 1100})
    assert found["organic_share_now"] == 0.5
    assert found["organic_share_after"]["central"] == 0.75
    assert found["canteen_meals_per_year"] == pytest.approx(14_000)
    assert found["closed_by_group"]["fruits"]["central"] == 75
    assert "tout" not in found["closed_by_group"]
    assert found["meals_uncapped"] == {"low": 3, "central": 7, "high": 11}


def test_gaps_are_summed_over_the_months():
    wanted = demand(canteens())
    found = outcome(MEALS, wanted, shares())
    of_fruit = wanted.loc[wanted["food_group"] == "fruits", "gap"].sum()
    assert found["gap_by_group"]["fruits"]["central"] == pytest.approx(of_fruit)


def test_unknown_organic_share_leaves_no_central_value():
    known = shares(now=float("nan"), after=float("nan"))
    found = outcome(MEALS, demand(canteens(organic_share=None)), known)
    assert found["organic_share_now"] is None
    assert found["organic_share_after"]["central"] is None
    assert found["gap_by_group"]["fruits"]["central"] is None


def test_without_canteens_the_potential_is_told_uncapped():
    found = outcome(MEALS, tables.empty("demand"), tables.empty("shares"))
    assert found["meals_per_year"] == {"low": None, "central": None, "high": None}
    assert found["meals_uncapped"]["central"] == 7
    assert "aucune cantine fournie" in found["notes"][0]

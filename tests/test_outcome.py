"""The headline figures of an allocation: by hand, without a known share, without canteens."""

from __future__ import annotations

import pandas as pd
import pytest
from allocated import demand
from test_allocation import one

from friches.outcome import outcome


def told(found, needs):
    meals = pd.DataFrame({"meals_low": [1.0], "meals": [2.0], "meals_high": [3.0]})
    return outcome(meals, needs, found.shares)


def test_outcome_by_hand():
    needs = demand(("C1", "légumes", 120, 0.5))
    found = told(one(given_demand=needs), needs)
    assert found["meals_per_year"]["central"] == pytest.approx(720)
    assert found["canteen_meals_per_year"] == pytest.approx(1440)
    assert found["organic_share_now"] == pytest.approx(0.5)
    assert found["organic_share_after"]["central"] == pytest.approx(1)
    assert found["gap_by_group"]["légumes"] == pytest.approx(
        {"low": 648, "central": 720, "high": 792}
    )
    assert found["closed_by_group"]["légumes"]["central"] == pytest.approx(720)
    assert found["meals_uncapped"] == {"low": 1, "central": 2, "high": 3}
    assert "P10 et P90 de 1000 tirages" in found["notes"][2]


def test_outcome_has_no_central_value_where_a_share_is_not_known():
    needs = demand(("C1", "légumes", 120, None))
    found = told(one(given_demand=needs), needs)
    for name in ("meals_per_year", "organic_share_after"):
        assert found[name]["central"] is None
        assert found[name]["low"] < found[name]["high"]
    assert found["organic_share_now"] is None
    assert len(found["notes"]) == 4


@pytest.mark.parametrize(
    ("needs", "words"),
    [
        (demand(("C1", "légumes", 1, 0.0)).iloc[:0], "aucune cantine fournie"),
        (demand(("C1", "légumes", 0, 0.0)), "ne servent aucun repas"),
    ],
)
def test_outcome_without_meals(needs, words):
    found = told(one(given_demand=needs), needs)
    assert found["meals_per_year"] == {"low": None, "central": None, "high": None}
    assert words in found["notes"][0]

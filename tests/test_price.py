"""Fair price: checked by hand on one farm, one canteen; every crop has a cost."""

from __future__ import annotations

import pandas as pd
import pytest

from friches import tables
from friches.errors import InputError
from friches.food import menu
from friches.food.crops import crops
from friches.food.purchases import price_of
from friches.price import costs, growing, prices, round_eur, sentence
from friches.supply import yield_ha

CROP, GROUP = "pommes de terre", "pommes de terre"


def plots(kg=None, ha=1.0, farmer="F1"):
    kg = yield_ha(CROP).central * ha if kg is None else kg
    return pd.DataFrame(
        {
            "block_id": ["B001"], "crop": CROP, "farmer_id": farmer, "food_group": GROUP,
            "area_ha": ha, "kg_low": kg, "kg": kg, "kg_high": kg,
        }
    )  # fmt: skip


def flows(kg=3600.0, via=None):
    return pd.DataFrame(
        {
            "farmer_id": "F1", "canteen_id": ["C1"], "food_group": GROUP, "month": 9,
            "kg": kg, "minutes": 10.0, "via": via,
        }
    )  # fmt: skip


DEMAND = pd.DataFrame(
    {"canteen_id": "C1", "food_group": GROUP, "month": [9, 10], "meals": 10_000.0}
)
REACH = pd.DataFrame(
    {
        "block_id": ["B001"], "place_id": "C1", "kind": "canteen", "minutes": 12.0,
        "distance_m": 15_500.0, "by": "road",
    }
)  # fmt: skip


def test_every_crop_has_a_cost_and_costs_rise() -> None:
    for name in crops():
        low, central, high = growing(name).eur_kg
        assert 0 < low <= central <= high
    with pytest.raises(InputError, match="« bonbons » sans coût"):
        growing("bonbons")


def test_the_observed_round_costs_what_was_observed() -> None:
    assert round_eur(31) == pytest.approx(12.6 + 25.8)
    # under a rule of 20 % the round asks for about 192 euros of goods
    assert round_eur(31) / 0.2 == pytest.approx(192)


def test_milk_is_paid_at_its_cost_after_aids() -> None:
    low, central, high = growing("lait").eur_kg
    litres = 1 / menu.dairy_per_kg_milk() / 1.03
    assert central == pytest.approx(0.554 * litres + 2.2)
    assert high == pytest.approx(0.787 * litres + 3.2)
    assert low < central
    assert "COUPROD" in growing("lait").source
    assert "VERIFIED" in growing("lait").source


def test_price_by_hand() -> None:
    table = prices(plots(), flows(), DEMAND, REACH)
    row = table.iloc[0]
    grown = growing(CROP).eur_kg[1]
    # 31 km both ways, 36 rounds a year, 3,600 kg delivered
    assert row["delivery_eur_kg"] == pytest.approx(38.4 * 36 / 3600)
    assert row["eur_kg"] == pytest.approx(grown + 0.384)
    now = price_of(GROUP).ordinary[1]
    assert row["cents_per_meal"] == pytest.approx(100 * (grown + 0.384 - now) * 3600 / 20_000)
    assert row["eur_kg_low"] < row["eur_kg"] < row["eur_kg_high"]
    tables.check(table, "prices")


def test_half_the_yield_doubles_the_growing_cost() -> None:
    whole = prices(plots(), flows(), DEMAND, REACH).iloc[0]
    half = prices(plots(kg=plots()["kg"].iloc[0] / 2), flows(), DEMAND, REACH).iloc[0]
    assert half["production_eur_kg"] == pytest.approx(2 * whole["production_eur_kg"])


def test_a_collective_keeps_its_share_in_place_of_the_round() -> None:
    row = prices(plots(), flows(via="F9"), DEMAND, REACH).iloc[0]
    share = costs().hub.share[1]
    assert row["delivery_eur_kg"] == pytest.approx(share * row["eur_kg"])


def test_unknown_distance_takes_the_observed_round() -> None:
    row = prices(plots(), flows(), DEMAND, REACH.iloc[:0]).iloc[0]
    assert row["delivery_eur_kg"] == pytest.approx(0.384)


def test_nothing_grown_or_delivered_has_no_figure() -> None:
    bare = prices(plots(kg=0.0), flows().iloc[:0], DEMAND, REACH)
    assert bare[["eur_kg", "cents_per_meal"]].isna().all(axis=None)
    assert "pas de prix" in sentence(bare.iloc[0])
    kept = prices(plots(), flows().iloc[:0], DEMAND, REACH)
    assert kept["eur_kg"].notna().all()
    assert "rien n'en est livré" in sentence(kept.iloc[0])
    assert prices(plots().iloc[:0], flows(), DEMAND, REACH).empty


def test_the_sentence_says_price_and_cents() -> None:
    row = prices(plots(), flows(), DEMAND, REACH).iloc[0]
    said = sentence(row).replace("\u202f", " ")
    assert "il faut en tirer 1,28 €/kg" in said
    assert "contre 0,9 €/kg" in said
    assert "6,91 centime(s) de plus par repas" in said

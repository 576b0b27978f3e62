"""From meals to hectares, farms and blocks: by hand, by level, and as laws."""

from __future__ import annotations

from contextlib import contextmanager

import numpy as np
import pandas as pd
import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import tiny_result
from typer.testing import CliRunner

from friches.errors import InputError
from friches.food import menu
from friches.food.crops import crops
from friches.need_cli import lines, register
from friches.needs import level_label, need, needs, total
from friches.supply import yield_ha

QUICK = settings(max_examples=15, deadline=None, derandomize=True)
LEVELS = [one.name for one in needs().level]
AUDIENCES = [None, *menu.audiences()]


def offered(*rows):
    table = pd.DataFrame(rows, columns=["block_id", "crop", "suits", "usable_ha", "share_max"])
    return table.astype({"suits": "boolean"})


def of(table, name, column="food_group"):
    rows = table[table[column] == name]
    assert len(rows) == 1
    return rows.iloc[0]


def test_potatoes_by_hand():
    row = of(need(210_000, "elementaire"), "pommes de terre")
    kg = 210_000 * 0.2 * 0.17 / 0.856 / 0.9  # 4 times of 20, 170 g cooked
    assert row["kg"] == pytest.approx(kg)
    each = yield_ha("pommes de terre")
    assert row["ha"] == pytest.approx(kg / each.central)
    assert row["ha_low"] == pytest.approx(0.9 * kg / each.high)
    assert row["ha_high"] == pytest.approx(1.1 * kg / each.low)
    assert row["farms"] == pytest.approx(row["ha"] / 80)
    assert row["farms_low"] == pytest.approx(row["ha_low"] / 120)
    assert row["farms_high"] == pytest.approx(row["ha_high"] / 40)
    assert row["m2_per_meal"] == pytest.approx(row["ha"] * 10_000 / 210_000)
    for mark in ("VERIFIED", "RECALLED", "ASSUMPTION"):
        assert mark in row["source"]


@pytest.mark.parametrize("level", LEVELS)
def test_every_group_is_there_at_every_level(level):
    table = need(1000, "elementaire", level)
    assert set(table["food_group"]) == set(menu.need("elementaire").index)
    kg = table.groupby("food_group")["kg"].sum()
    assert np.allclose(kg, 1000 * menu.need("elementaire")["kg"][kg.index])
    assert set(table["level"]) == {level}
    assert level_label(level)
    known = table["crop"].dropna()
    assert set(known) <= set(crops())
    assert (table["source"].str.len() > 0).all()


def test_estates_ask_for_more_land_than_fields():
    def vegetables(level):
        table = need(210_000, "elementaire", level)
        return table[table["food_group"] == "légumes"]["ha"].sum()

    # A whole estate gives 4.2 t/ha, four to five times less than a field.
    assert vegetables("estate") / vegetables("field") > 2
    assert vegetables("estate") == pytest.approx(25_367 / 4200, rel=0.01)
    assert vegetables("young_garden") == pytest.approx(vegetables("estate"), rel=0.15)


def test_fish_takes_no_land():
    row = of(need(1000, "adultes"), "poisson")
    assert (row["ha_low"], row["ha"], row["ha_high"]) == (0, 0, 0)
    assert pd.isna(row["crop"])
    assert pd.isna(row["farms"])


def test_less_waste_asks_for_less_land():
    plain, weighed = (total(need(1000, "elementaire", waste=w)) for w in (None, 75))
    assert weighed.central / plain.central == pytest.approx(menu.waste_factor(25))


@pytest.mark.parametrize(
    ("hectares", "expected"), [((3.0, 1.0), 1), ((1.0, 1.0), 2), ((0.2, 0.2), None)]
)
def test_blocks_are_counted_from_the_largest(hectares, expected):
    wanted = of(need(210_000, "elementaire"), "pommes de terre")["ha"]
    assert 0.2 < wanted < 1.0
    scaled = [ha * wanted / 2 for ha in hectares]  # half of the needs of 2 ha for 1.0
    rows = [(f"B{i}", "pommes de terre", True, ha / 0.25, 0.25) for i, ha in enumerate(scaled)]
    maybe = ("B9", "pommes de terre", pd.NA, 100.0, 1.0)
    table = need(210_000, "elementaire", supply=offered(*rows, maybe))
    row = of(table, "pommes de terre")
    assert row["blocks_ha"] == pytest.approx(sum(scaled))
    if expected is None:
        assert pd.isna(row["blocks"])
    else:
        assert row["blocks"] == expected
    none = of(table, "blé dur", "crop")
    assert pd.isna(none["blocks"])
    assert none["blocks_ha"] == 0


def test_bad_input_is_told_at_once():
    with pytest.raises(InputError) as told:
        need(-1, "collège", "hydroponie", waste=401)
    said = [b.what for b in told.value.breaches]
    assert len(said) == 4
    for what in ("-1 repas", "public « collège »", "niveau de rendement « hydroponie »", "401 g"):
        assert any(what in one for one in said), what
    for bad in (float("nan"), float("inf")):
        with pytest.raises(InputError, match="repas par an"):
            need(bad, "elementaire")
    with pytest.raises(InputError, match="niveau de rendement"):
        level_label("hydroponie")
    assert total(need(0, "elementaire")).high == 0


def test_every_figure_of_the_document_is_used_and_sourced():
    said = needs()
    assert {way.farm for way in said.way} == {farm.name for farm in said.farm}
    groups = set(menu.need("elementaire").index)
    landless = {one.group for one in said.landless}
    assert {foot.group for foot in said.footprint} == groups - landless
    assert {way.group for way in said.way} == groups - landless
    assert {name for way in said.way for name in way.levels} <= set(LEVELS)


@QUICK
@given(
    st.floats(0, 1e7),
    st.floats(0, 1e6),
    st.sampled_from(AUDIENCES),
    st.sampled_from(LEVELS),
    st.one_of(st.none(), st.floats(0, 400)),
)
def test_more_meals_never_ask_for_less_and_bounds_are_ordered(meals, more, audience, level, waste):
    few = need(meals, audience, level, waste=waste)
    many = need(meals + more, audience, level, waste=waste)
    for name in ("kg", "ha"):
        assert (few[f"{name}_low"] <= few[name] * (1 + 1e-9)).all()
        assert (few[name] <= few[f"{name}_high"] * (1 + 1e-9)).all()
        assert (many[name] >= few[name] * (1 - 1e-9)).all()
    if meals:
        twice = need(2 * meals, audience, level, waste=waste)
        assert total(twice).central == pytest.approx(2 * total(few).central)


# ------------------------------------------------------------------ the command


def command():
    app = typer.Typer()

    @contextmanager
    def errors():
        try:
            yield
        except InputError as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(2) from None

    @app.callback()
    def root() -> None:
        """A command beside others."""

    register(app, errors)
    return app


def test_the_command_tells_hectares_crops_and_level():
    told = CliRunner().invoke(command(), ["need", "--meals", "210000", "--audience", "elementaire"])
    assert told.exit_code == 0
    assert told.stdout.startswith("210\u202f000 repas par an, tout en bio : ")
    assert "domaine entier" in told.stdout
    assert "légumes d'été" in told.stdout
    assert "îlot(s)" not in told.stdout
    assert "poisson : sans terre" in told.stdout


def test_the_command_refuses_readably():
    told = CliRunner().invoke(command(), ["need", "--meals=-5", "--audience", "collège"])
    assert told.exit_code == 2
    assert "-5 repas" in told.stderr
    assert "« collège »" in told.stderr


def test_blocks_are_told_in_words():
    table = need(
        210_000,
        "elementaire",
        supply=offered(("B1", "lait", True, 100.0, 1.0), ("B1", "porc", True, 1.0, 1.0)),
    )
    said = "\n".join(lines(table, 210_000, with_blocks=True))
    assert "1 îlot(s), sur 100\u202fha qui s'y prêtent" in said
    assert "les îlots n'y suffisent pas (1\u202fha s'y prêtent)" in said


def test_the_command_counts_the_blocks_of_a_study(monkeypatch, tmp_path):
    monkeypatch.setattr("friches.studyfile.read_study", lambda path: path)
    monkeypatch.setattr("friches.study.run", lambda _study: tiny_result())
    given = ["need", "--meals", "100", "--audience", "elementaire"]
    told = CliRunner().invoke(command(), [*given, "--blocks", str(tmp_path / "study.toml")])
    assert told.exit_code == 0, told.output
    assert "îlot" in told.stdout.split("légumes d'été", 1)[1].split("\n", 1)[0]

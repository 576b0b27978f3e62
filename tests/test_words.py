"""French words, numbers and dates, to the exact no-break space."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from friches import tables
from friches.view import look, words
from friches.view.lexicon import w


def luminance(colour: str) -> float:
    """Relative luminance of WCAG 2.2."""
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    lin = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * lin[0] + 0.7152 * lin[1] + 0.0722 * lin[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (words.number(12345.67, 1), "12\u202f345,7"),
        (words.number(1234567), "1\u202f234\u202f567"),
        (words.number(-0.2), "0"),
        (words.number(-3.5, 1), "-3,5"),
        (words.number(None), "inconnu"),
        (words.number(float("nan"), absent="–"), "–"),
        (words.percent(0.123, 1), "12,3\u00a0%"),
        (words.percent(pd.NA), "inconnu"),
        (words.percent(0), "0\u00a0%"),
        (words.euros(1234.5), "1\u202f234,50\u00a0€"),
        (words.hectares(9.99), "9,99\u00a0ha"),
        (words.hectares(9.994), "9,99\u00a0ha"),
        (words.hectares(9.996), "10,0\u00a0ha"),
        (words.hectares(10), "10,0\u00a0ha"),
        (words.hectares(0), "0,00\u00a0ha"),
        (words.square_metres(10050), "10\u202f050\u00a0m²"),
        (words.minutes(6.4), "6\u00a0min"),
        (words.minutes(0.99), "<\u00a01\u00a0min"),
        (words.minutes(1), "1\u00a0min"),
        (words.distance(999), "999\u00a0m"),
        (words.distance(1000), "1,0\u00a0km"),
        (
            words.between(15400, 34700, 69400),
            "entre 15\u202f400 et 69\u202f400, sans doute 34\u202f700",
        ),
        (words.between(1, 2, 3, "kg"), "entre 1 et 3\u00a0kg, sans doute 2"),
        (words.between(None, None, None), "inconnu"),
        (
            words.meals(15432, 34712.3, 69440),
            "entre 15\u202f400 et 69\u202f400, sans doute 34\u202f700 repas\u00a0par an",
        ),
        (w.counts.blocks(1), "1\u00a0îlot"),
        (w.counts.blocks(0), "0\u00a0îlot"),
        (w.counts.blocks(2), "2\u00a0îlots"),
        (w.counts.first_blocks(1), "le premier îlot"),
        (w.counts.first_blocks(2000), "les 2\u202f000\u00a0premiers îlots"),
    ],
)
def test_numbers(said: str, expected: str) -> None:
    assert said == expected


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (words.day("2026-09-01"), "1er septembre 2026"),
        (words.day(dt.date(2026, 9, 11)), "11 septembre 2026"),
        (words.day(pd.Timestamp("2026-02-21 10:00")), "21 février 2026"),
        (words.day(np.datetime64("2026-08-31")), "31 août 2026"),
        (words.day(pd.NaT), "date inconnue"),
        (words.month("2026-08-31"), "août 2026"),
        (
            words.months("2027-05-01", "2028-01-02", "2028-06-03"),
            "entre mai 2027 et juin 2028, sans doute janvier 2028",
        ),
        (words.months("2027-05-01", "2027-05-02", "2027-05-03"), "mai 2027"),
    ],
)
def test_dates(said: str, expected: str) -> None:
    assert said == expected


def test_missing_is_never_no() -> None:
    for unknown in (None, pd.NA, np.nan, pd.NaT):
        assert words.answer(unknown) == "à confirmer"
        assert words.route_state(unknown) == "à instruire"
        assert words.yes_no(unknown) == "inconnu"
    assert [words.answer(v) for v in (True, np.True_, False, np.False_)] == [
        "probable",
        "probable",
        "non",
        "non",
    ]


def test_parcel_reference() -> None:
    assert words.parcel_reference("129990000A0001") == "000 A 1"
    assert words.parcel_reference("2A004123AB1230") == "123 AB 1230"
    assert words.parcel_reference("129990000A0000") == "000 A 0"
    assert words.parcel_reference("court") == "court"
    assert words.section("0A") == "A"
    assert words.section("00") == "00"


def test_a_single_owner_is_not_told_in_public() -> None:
    assert words.owners(1) == "au moins 1"
    assert {words.owners(n, public=True) for n in (1, 2, pd.NA)} == {"1 à 2"}
    assert words.owners(3, public=True) == "au moins 3"


@pytest.mark.parametrize("ground", ["#FFFFFF", look.GROUND])
def test_colours_stand_out_from_the_ground(ground: str) -> None:
    for colour in (*look.PALETTE, *(a.colour for a in words.ANSWERS.values())):
        assert contrast(colour, ground) >= 3, colour


def test_answers_differ_by_more_than_colour() -> None:
    drawn = list(words.ANSWERS.values())
    assert len({a.dash for a in drawn}) == len({a.hatch for a in drawn}) == 3
    assert len({a.word for a in drawn}) == 3


def test_every_value_of_the_tables_has_a_word() -> None:
    def values(table: str, column: str) -> tuple[str, ...]:
        return next(c for c in tables.TABLES[table].columns if c.name == column).values

    assert set(values("owners", "owner_kind")) <= set(words.OWNER_KINDS)
    assert set(values("zoning", "zone")) == set(words.ZONES)
    assert set(values("canteens", "kind")) == set(words.CANTEEN_KINDS)
    assert set(values("canteens", "audience")) == set(words.DINERS)
    assert set(values("farmers", "kind")) == set(words.FARM_KINDS)
    assert set(values("evidence", "role")) == set(words.ROLES)
    assert set(values("reach", "kind")) == set(words.PLACES)
    assert set(values("reach", "by")) == set(words.BY)
    sources = {n for n, t in tables.TABLES.items() if t.side == "source"} - {"rasters"}
    assert sources <= set(words.LAYERS)

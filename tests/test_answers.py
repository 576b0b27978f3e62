"""What people answered: read, refused, and set among the facts."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from friches import tables
from friches.errors import InputError
from friches.facts import dictionary
from friches.judge import read_document
from friches.scenarios.rule import LAW, rule
from friches.sources.answers import apply, ends, read_answers

HEAD = "subject;fact;value;source;date\n"
A, B, C = "129990000A0001", "129990000A0002", "129990000B0001"
DAY = dt.date(2026, 9, 1)
MEMBERS = pd.DataFrame({"parcel_id": [A, B], "block_id": ["B1", "B1"]}, dtype="str")


def answered(tmp_path, *rows):
    path = tmp_path / "answers.csv"
    path.write_text(HEAD + "".join(f"{row}\n" for row in rows), "utf-8")
    return read_answers(path)


def facts(**known):
    table = {
        "parcel_id": [A, B, C],
        "commune": ["12999"] * 3,
        "area_registered_m2": [100.0] * 3,
        "area_m2": [100.0] * 3,
    }
    return tables.check(pd.DataFrame(table | known), "facts")


def test_values_of_every_kind_are_read_and_set(tmp_path):
    said = answered(
        tmp_path,
        f"{A};farmable;oui;visite;2026-10-01",
        f"{A};property_tax_unpaid_years;3,5;DGFiP;01/10/2026",
        f"{A};zone_plu;A;mairie;20261001",
        f"{A};years_unused;au moins 3;voisin;2026-10-01",
        f"{B};years_unused;entre 2 et 4;voisin;2026-10-01",
    )
    assert said["date"].dt.day.eq(1).all()
    settled, lost = apply(facts(), said)
    row = settled.set_index("parcel_id").loc[A]
    assert row["farmable"] is np.True_ or row["farmable"] is True
    assert (row["property_tax_unpaid_years"], row["zone_plu"]) == (3.5, "A")
    assert settled["years_unused_low"].tolist()[:2] == [3, 2]
    assert settled["years_unused_high"].isna().tolist() == [True, False, True]
    assert lost.empty
    assert settled["farmable"].isna().tolist() == [False, True, True]


def test_an_answer_of_a_commune_or_a_block_is_given_to_its_parcels_the_nearest_holds(tmp_path):
    said = answered(
        tmp_path,
        "12999;lease_running;non;mairie;2026-10-01",
        "B1;lease_running;oui;fermier;2026-10-01",
        f"{B};lease_running;non;bail;2026-10-01",
    )
    settled, lost = apply(facts(), said, MEMBERS)
    assert settled["lease_running"].tolist() == [True, False, False]
    # what the block said of B, and the commune of A, is contrary to what is kept
    kept = lost[["parcel_id", "known", "answer", "source"]].itertuples(index=False, name=None)
    assert list(kept) == [(A, "non", "oui", "fermier"), (B, "oui", "non", "bail")]


def test_block_answers_wait_for_blocks(tmp_path):
    said = answered(tmp_path, "B1;lease_running;oui;fermier;2026-10-01")
    assert "lease_running" not in apply(facts(), said)[0]
    with pytest.raises(InputError, match="sujet inconnu « B1 »"):
        apply(facts(), said, MEMBERS.iloc[:0])


@pytest.mark.parametrize(
    ("measured", "answer", "expected", "contrary"),
    [
        ((2.0, np.nan), "3", (3, 3), False),  # « at least 2 » and three years agree
        ((2.0, 5.0), "au moins 3", (3, 5), False),
        ((2.0, 5.0), "au moins 1", (2, 5), False),
        ((2.0, 5.0), "6", (6, 6), True),
        ((2.0, 5.0), "5", (5, 5), False),
        ((2.0, 5.0), "au plus 1", (np.nan, 1), True),
        ((np.nan, np.nan), "au plus 1", (np.nan, 1), False),
    ],
)
def test_both_ends_close_in_on_the_answer(tmp_path, measured, answer, expected, contrary):
    low, high = measured
    known = facts(years_unused_low=[low] * 3, years_unused_high=[high] * 3)
    settled, lost = apply(known, answered(tmp_path, f"{A};years_unused;{answer};x;2026-10-01"))
    got = settled.loc[0, ["years_unused_low", "years_unused_high"]].astype(float)
    assert np.array_equal(got, expected, equal_nan=True)
    assert len(lost) == contrary
    assert settled.loc[1, "years_unused_low"] == low or np.isnan(low)


def test_a_measure_contradicted_keeps_both_and_the_answer_holds(tmp_path):
    known = facts(in_mountain_zone=pd.array([True, True, None], dtype="boolean"))
    said = answered(tmp_path, "12999;in_mountain_zone;non;arrêté;2026-10-01")
    settled, lost = apply(known, said)
    assert settled["in_mountain_zone"].eq(False).all()
    assert lost[["parcel_id", "known", "answer"]].to_numpy().tolist() == [
        [A, "oui", "non"],
        [B, "oui", "non"],
    ]


def test_every_breach_is_told_at_once(tmp_path):
    with pytest.raises(InputError) as caught:
        answered(
            tmp_path,
            f"{A};rien;oui;x;2026-10-01",
            f"{A};farmable;peut-être;x;2026-10-01",
            f"{A};years_unused;trois;x;2026-10-01",
            f"{A};campaigns_known;2,5;x;2026-10-01",
            f"{A};years_unused;entre 5 et 2;x;2026-10-01",
            f"{A};lease_running;oui;;2026-10-01",
            f"{B};lease_running;oui;x;demain",
            f"{C};lease_running;oui;x;2026-10-01",
            f"{C};lease_running;non;y;2026-10-02",
        )
    told = str(caught.value)
    for part in (
        "fait inconnu « rien »",
        "« peut-être » ne convient pas au fait « farmable »",
        "« trois » ne convient pas",
        "« 2,5 » ne convient pas",
        "« entre 5 et 2 » ne convient pas",
        "colonne « source » : 1 case(s) vide(s)",
        "colonne « date »",
        "réponses contraires « oui » et « non » (lignes 8, 9)",
    ):
        assert part in told


def test_the_same_answer_twice_is_kept_once(tmp_path):
    said = answered(
        tmp_path, f"{A};farmable;oui;visite;2026-10-01", f"{A};farmable;yes;mairie;2026-10-02"
    )
    assert said[["value", "source"]].to_numpy().tolist() == [["yes", "mairie"]]


def test_unknown_subjects_are_refused_all_at_once(tmp_path):
    said = answered(
        tmp_path,
        "129990000Z0001;farmable;oui;x;2026-10-01",
        "12998;farmable;oui;x;2026-10-01",
        f"{A};farmable;oui;x;2026-10-01",
    )
    with pytest.raises(InputError) as caught:
        apply(facts(), said)
    assert len(caught.value.breaches) == 2


def test_absent_columns_are_named(tmp_path):
    path = tmp_path / "answers.csv"
    path.write_text("subject;fact\nx;farmable\n", "utf-8")
    with pytest.raises(InputError) as caught:
        read_answers(path)
    assert len(caught.value.breaches) == 3


def test_answers_settle_verdicts(tmp_path):
    known = ("owner_known", "owner_agrees_to_lend", "farmable", "farmer_ready")
    said = answered(
        tmp_path,
        *[f"{A};{name};oui;x;2026-10-01" for name in known],
        f"{A};lease_running;non;x;2026-10-01",
        f"{A};agreement_years;6;x;2026-10-01",
        f"{B};lease_running;oui;x;2026-10-01",
    )
    settled, _ = apply(facts(), said)
    law = {"cmd_safer": read_document(LAW / "cmd_safer.toml", dictionary())}
    rows = rule(settled, DAY, law).query("condition == 'verdict'")
    assert rows["answer"].tolist() == [True, False, pd.NA]


def test_ends_of_a_fact_that_is_not_bounded_take_no_bound():
    with pytest.raises(InputError):
        ends("au moins 3", dictionary()["property_tax_unpaid_years"])

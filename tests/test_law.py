"""The four instruments: examples, quotes against the texts, thresholds, unknown never no."""

from __future__ import annotations

import datetime as dt
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from friches.errors import InputError
from friches.facts import dictionary
from friches.judge import failed_examples, judge, version_on
from friches.scenarios.rule import instruments, rule

DAY = dt.date(2026, 9, 1)
NAMES = ["cmd_safer", "l125_individuel", "safer_amiable", "sans_maitre_2"]
VERIFIED = ("V26", "V15c", "V15", "VP")
MARKED = re.compile(r"\[(?:V26|V15c|V15|VP)\]|\bR\b|\(VP,|lecture")


def facts(**known):
    row = {"parcel_id": "129990000A0001", "commune": "12999"}
    for name, value in known.items():
        if dictionary()[name].bounded:
            row |= {f"{name}_low": float(value), f"{name}_high": float(value)}
        else:
            row[name] = value
    return pd.DataFrame([row])


def answers(instrument, day=DAY, **known):
    rows = rule(facts(**known), day)
    rows = rows[rows["instrument"] == instrument]
    said = {pd.NA: "unknown", True: "yes", False: "no"}
    return {c: said[a] for c, a in zip(rows["condition"], rows["answer"], strict=True)}


def test_four_instruments():
    assert list(instruments()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_example_passes_and_nothing_is_unshown(name):
    assert failed_examples(instruments()[name], dictionary()) == []


@pytest.mark.parametrize("name", NAMES)
def test_the_day_before_the_first_version_is_refused(name):
    document = instruments()[name]
    first = document.version[0].from_
    assert version_on(document, first) is document.version[0]
    with pytest.raises(InputError, match="aucune version connue"):
        version_on(document, first - dt.timedelta(1))


def test_rule_refuses_a_day_that_one_instrument_does_not_know():
    with pytest.raises(InputError, match="01/07/2024"):
        rule(facts(), dt.date(2024, 6, 30))


# ------------------------------------------------------------------------------ quotes
def quotes():
    for name, document in instruments().items():
        for version in document.version:
            for condition in version.conditions:
                yield name, condition.text, condition.source, condition.mark
                for exception in condition.exception:
                    yield name, exception.text, exception.source, exception.mark
            for way in version.way:
                yield name, way.text, way.source, way.mark
            for step in version.step:
                yield name, step.text, step.article, step.mark


def squeezed(text):
    return " ".join(text.split())


def article_text(shared, article, mark):
    code, number = re.match(r"(CRPM|CG3P|CF) ([LRD][\d-]+\d)", article).groups()
    if mark == "VP":
        parts = (shared / "law" / "excerpts.md").read_text("utf-8").split("\n## ")
        return next(part for part in parts if part.startswith(f"{code} {number} "))
    folder = "2026-04" if mark == "V26" else "2015"
    stem = f"{ {'CF': 'cfor'}.get(code, code.lower()) }_{number.lower()}.md".replace(" ", "")
    return (shared / "law" / folder / stem).read_text("utf-8").split("<!--")[0]


@pytest.mark.shared
def test_every_quote_is_in_its_article_word_for_word(shared):
    wrong = [
        (name, article, text)
        for name, text, article, mark in quotes()
        if squeezed(text) not in squeezed(article_text(shared, article, mark))
    ]
    assert wrong == []


def test_every_sentence_of_law_names_an_article_read_and_nothing_recalled():
    for name, text, article, mark in quotes():
        assert text, (name, article)
        assert article, (name, text)
        assert mark in VERIFIED, (name, article, mark)


def test_practice_durations_say_that_they_are_recalled_or_assumed():
    for document in instruments().values():
        for step in document.version[-1].step:
            assert step.practice or step.within or step.lasts or step.at_least
            if step.practice:
                assert step.practice.mark in ("R", "ASSUMPTION")
                assert step.practice.source


@pytest.mark.parametrize("name", NAMES)
def test_about_says_what_a_reader_needs_with_its_marks(name):
    about = instruments()[name].about
    for key in ("initiator", "end_right", "organic", "installed_farmer", "cost", "risks"):
        assert MARKED.search(str(about[key])), (name, key)
    assert about["kind"] in ("amiable", "contraint")
    assert instruments()[name].checked.by == ""


def test_conventional_order_starts_with_the_amicable_routes():
    ranked = sorted(NAMES, key=lambda name: instruments()[name].about["order"])
    assert ranked == ["cmd_safer", "safer_amiable", "sans_maitre_2", "l125_individuel"]


def test_asked_facts_name_question_person_and_place():
    asked = {n: f for n, f in dictionary().items() if f.layer == "asked"}
    read = {c.fact for d in instruments().values() for c in d.version[-1].conditions}
    assert {"force_majeure", "farmable", "clearing_permit_needed", "lease_running"} <= asked.keys()
    for name, fact in asked.items():
        assert fact.ask.endswith("?"), name
        assert fact.whom, name
        assert fact.where, name
    assert asked.keys() - read == {"voted_period_reached"}  # read by an exception


# -------------------------------------------------------------------------- thresholds
SETTLED = {
    "neglected_compared": True,
    "farmable": True,
    "force_majeure": False,
    "clearing_permit_needed": False,
    "voted_period_reached": False,
}


@pytest.mark.parametrize(
    ("years", "mountain", "expected"),
    [
        (3, False, "yes"),
        (2, False, "no"),
        (2, True, "yes"),
        (1, True, "no"),
        (2, pd.NA, "unknown"),
        (3, pd.NA, "yes"),
        (1, pd.NA, "no"),
    ],
)
def test_uncultivated_for_three_years_or_two_in_mountain(years, mountain, expected):
    said = answers("l125_individuel", years_unused=years, in_mountain_zone=mountain, **SETTLED)
    assert said["duree"] == expected
    assert said["verdict"] == expected


def test_at_least_three_years_passes_whatever_the_high_end():
    table = facts(in_mountain_zone=False, **SETTLED)
    table = table.assign(years_unused_low=3.0, years_unused_high=float("nan"))
    rows = rule(table, DAY).set_index(["instrument", "condition"])["answer"]
    assert rows["l125_individuel", "verdict"] is True or rows["l125_individuel", "verdict"] == 1


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ({"property_tax_unpaid_years": 4.0}, "yes"),
        ({"property_tax_unpaid_years": 3.0}, "unknown"),
        ({"tax_paid_by_third_party": True, "third_party_tax_years": 4.0}, "yes"),
        ({"tax_exempt_or_not_collected": True}, "yes"),
        (
            {
                "property_tax_unpaid_years": 3.0,
                "tax_paid_by_third_party": False,
                "tax_exempt_or_not_collected": False,
            },
            "no",
        ),
    ],
)
def test_three_ways_to_a_good_presumed_without_owner(known, expected):
    said = answers("sans_maitre_2", owner_known=False, heirless_succession=False, **known)
    assert said["verdict"] == expected
    assert answers("sans_maitre_2", owner_known=True, **known)["verdict"] == "no"


# ------------------------------------------------------------------- missing is not no
def test_nothing_known_leaves_every_verdict_unknown_with_someone_to_ask():
    rows = rule(facts(), DAY)
    verdicts = rows[rows["condition"] == "verdict"]
    assert verdicts["answer"].isna().all()
    open_rows = rows[rows["question"].notna()]
    assert set(open_rows["instrument"]) == set(NAMES)
    assert open_rows["whom"].notna().all()
    assert (rows["source"].str.contains(r"\[V", regex=True)).all()


def test_no_parcel_gives_no_ruling():
    assert rule(facts().iloc[:0], DAY).empty


READ = sorted(
    {c.fact for d in instruments().values() for c in d.version[-1].conditions}
    | {"voted_period_reached", "in_mountain_zone"}
)


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 10**6))
def test_a_settled_verdict_never_turns_when_more_becomes_known(seed):
    # two hundred parcels at once: known in full, then with facts hidden and years less certain
    draw = np.random.default_rng(seed)
    whole = pd.DataFrame(index=pd.RangeIndex(200, name="parcel_id"))
    for name in READ:
        fact = dictionary()[name]
        for column in (f"{name}_low", f"{name}_high") if fact.bounded else (name,):
            whole[column] = draw.integers(0, 8, 200).astype(float)
        if fact.kind == "boolean":
            whole[name] = pd.array(draw.random(200) < 0.5, dtype="boolean")
    whole["years_unused_high"] = whole["years_unused_low"]
    less = whole.mask(draw.random(whole.shape) < 0.4)
    less["years_unused_high"] += draw.integers(0, 4, 200)
    for document in instruments().values():
        version = version_on(document, DAY)
        before, after = (judge(table, version, dictionary())["answer"] for table in (less, whole))
        settled = before.notna()
        assert (before[settled] == after[settled]).all()
        assert after.notna().all()  # every fact known: nothing is left unknown

"""Every detection rule shows itself: examples on both sides, sentence, source and mark."""

from __future__ import annotations

import pytest

from friches.fallow import conclusion, facts_read, rules
from friches.judge import failed_examples
from friches.tables import STAGES

MARKS = ("VERIFIED", "VERIFIED-3P", "RECALLED", "ASSUMPTION", "INFERENCE")
CONCLUSIONS = ("fallow", "not_fallow", "stage")


@pytest.mark.parametrize("name", sorted(rules()))
def test_rule_stands_by_its_examples(name):
    assert failed_examples(rules()[name], facts_read()) == []


@pytest.mark.parametrize("name", CONCLUSIONS)
def test_conclusion_stands_by_its_examples(name):
    assert failed_examples(conclusion(name), facts_read()) == []


@pytest.mark.parametrize("name", sorted(rules()))
def test_rule_has_role_weight_reason_and_an_unknown(name):
    rule = rules()[name]
    assert rule.role
    assert rule.weight
    assert rule.weight.source
    assert rule.weight.mark in MARKS
    assert any(example.then["verdict"] == "unknown" for example in rule.example)
    for version in rule.version:
        assert version.mark.split(",")[0].split(" ")[0] in MARKS
    if rule.role == "supports":
        assert rule.about["line"]
    if rule.weight.value == 0:
        assert rule.about["ask_if_yes"]
        assert rule.about["whom_if_yes"]


def test_every_exclusion_names_a_layer_and_asks_someone():
    for rule in rules().values():
        for version in rule.version:
            for condition in version.conditions:
                fact = facts_read()[condition.fact]
                assert condition.ask or fact.ask
                assert condition.whom or fact.whom
                assert fact.layer


def test_the_false_positives_reported_in_france_each_have_a_counter_measure():
    weakens = {name for name, rule in rules().items() if rule.role == "weakens"}
    assert weakens >= {
        "vineyard",
        "orchard",
        "perennial_class",
        "tilled",
        "maybe_grazed",
        "reclaimed",
        "compensation",
        "garden_possible",
        "retention",
    }


def test_stages_are_the_safers_ten_classes():
    assert {way.text for way in conclusion("stage").version[-1].way} == set(STAGES)

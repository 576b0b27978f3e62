"""Every instrument and gate alike: examples, quotes against the texts, marks, unknown never no.

What one instrument alone says (thresholds, ranks, exemptions): test_law_b.py and test_law_c.py.
That a settled answer never turns when more becomes known: test_rule.py.
"""

from __future__ import annotations

import datetime as dt
import re

import pytest
from articles import ABSENT, VERIFIED, article_file, article_text, cited, quotes, squeezed
from judged import DAY, facts

from friches.errors import InputError
from friches.facts import dictionary
from friches.grammar import VERDICT, FactRef, uses
from friches.judge import failed_examples, version_on
from friches.scenarios.rule import facts_named, gates, instruments, law, rule
from friches.scenarios.timeline import schedule

MARKED = re.compile(r"\[(?:V26|V15c|V15|VP)\]|\bR\b|\(VP,|lecture")
SAID_WITH_MARKS = (
    "initiator", "end_right", "organic", "installed_farmer", "cost", "risks", "incompatible",
)  # fmt: skip
STRENGTHS = ("aucune", "contractuelle", "clause_publique", "obligatoire")
# no source gives a figure: `about.cost` says so instead
WITHOUT_COST = {"boisements", "l125_8_safer_montagne", "sections_de_commune"}


def steps():
    for name, document in law().items():
        for version in document.version:
            for step in version.step:
                yield name, step


# ---------------------------------------------------------------------------- documents
def test_forty_nine_documents_of_two_kinds():
    assert (len(instruments()), len(gates())) == (37, 12)
    assert {d.kind for d in instruments().values()} == {"instrument"}
    assert {d.kind for d in gates().values()} == {"gate"}


@pytest.mark.parametrize("name", law())
def test_every_example_passes_and_nothing_is_unshown(name):
    assert failed_examples(law()[name], facts_named()) == []


@pytest.mark.parametrize("name", law())
def test_the_day_before_the_first_version_is_refused(name):
    document = law()[name]
    first = document.version[0].from_
    assert version_on(document, first) is document.version[0]
    with pytest.raises(InputError, match="aucune version connue"):
        version_on(document, first - dt.timedelta(1))


def test_rule_refuses_a_day_that_one_document_does_not_know():
    latest = max(document.version[0].from_ for document in law().values())
    assert not rule(facts(), latest).empty
    eve = latest - dt.timedelta(1)
    with pytest.raises(InputError, match=f"{eve:%d/%m/%Y}"):
        rule(facts(), eve)


@pytest.mark.parametrize("name", law())
def test_nobody_is_said_to_have_read_it_over(name):
    assert law()[name].checked.by == ""


# ------------------------------------------------------------------------------- quotes
@pytest.mark.shared
def test_every_quote_is_in_its_article_word_for_word(shared):
    absent, wrong = set(), []
    for quote in quotes(law()):
        if not article_file(shared, quote.article, quote.mark).is_file():
            absent.add(cited(quote.article))
        elif squeezed(quote.text) not in squeezed(article_text(shared, quote.article, quote.mark)):
            wrong.append(quote)
    assert wrong == []
    assert absent <= ABSENT


def test_every_sentence_of_law_names_an_article_read_and_nothing_recalled():
    for quote in quotes(law()):
        assert quote.text, quote
        assert cited(quote.article), quote
        assert quote.mark in VERIFIED, quote


@pytest.mark.parametrize("name", law())
def test_the_brownfield_of_town_planning_is_never_a_legal_basis(name):
    # CU D111-54, III: unbuilt farm land is no « friche » in that code
    assert "L111-26" not in law()[name].model_dump_json()


# -------------------------------------------------------------------------------- about
@pytest.mark.parametrize("name", instruments())
def test_about_says_what_a_reader_needs_with_its_marks(name):
    about = instruments()[name].about
    for key in SAID_WITH_MARKS:
        assert MARKED.search(str(about[key])), key
    for key in ("acts", "decides"):
        assert about[key], key
    assert about["kind"] in ("amiable", "contraint")
    assert about["organic_strength"] in STRENGTHS
    rank = about["farmer_rank"]
    assert rank == "" or (isinstance(rank, int) and rank >= 1)
    assert isinstance(about["order"], int)
    assert about.get("gives_land", "oui") in ("oui", "non")


@pytest.mark.parametrize("name", gates())
def test_every_gate_says_what_yes_means(name):
    about = gates()[name].about
    assert about["verdict"].startswith("Oui :")
    assert " Non :" in about["verdict"]
    assert about.keys() >= {"what", "cost", "risks", "decides", "acts"}


def test_orders_are_unlike_one_another():
    orders = [document.about["order"] for document in instruments().values()]
    assert len(set(orders)) == len(orders)


def test_conventional_order_starts_with_the_amicable_routes():
    names = ["cmd_safer", "l125_individuel", "safer_amiable", "sans_maitre_2"]
    ranked = sorted(names, key=lambda name: instruments()[name].about["order"])
    assert ranked == ["cmd_safer", "safer_amiable", "sans_maitre_2", "l125_individuel"]


# --------------------------------------------------------------------- steps and figures
@pytest.mark.parametrize("name", instruments())
def test_the_land_is_a_step(name):
    document = instruments()[name]
    branch = str(document.about.get("expected_branch", ""))
    dated = schedule(document.version[-1].step, DAY, branch, name)
    land = document.about["land"]
    assert land in dated or (name, land) == ("boisements", "")
    assert land in {step.id for step in document.version[-1].step} or land == ""


def test_every_step_has_an_actor_an_act_and_a_duration():
    for name, step in steps():
        assert step.who, (name, step.id)
        assert step.act, (name, step.id)
        assert step.practice or step.within or step.lasts or step.at_least, (name, step.id)


def test_practice_durations_say_that_they_are_recalled_or_assumed():
    said = [(name, step) for name, step in steps() if step.practice]
    assert said
    for name, step in said:
        assert step.practice.mark in ("R", "ASSUMPTION"), (name, step.id)
        assert step.practice.source, (name, step.id)


@pytest.mark.parametrize("name", instruments())
def test_each_fork_says_how_likely_its_branches_are(name):
    document = instruments()[name]
    for version in document.version:
        first, chances = {}, {}
        for step in version.step:
            if step.branch:
                first.setdefault(step.branch, step.chance)
            if step.chance:
                assert chances.setdefault(step.branch, step.chance) == step.chance
        assert all(first.values())  # said on the first step of each branch, and alike after it
        assert first == chances
        if first:
            assert document.about["expected_branch"] in first
            assert sum(chance.central for chance in first.values()) == pytest.approx(1)
            assert {chance.mark for chance in first.values()} == {"ASSUMPTION"}


@pytest.mark.parametrize("name", law())
def test_every_cost_has_its_source_and_mark(name):
    document = law()[name]
    for cost in document.cost:
        assert cost.mark in ("R", "ASSUMPTION")
        assert cost.source
        assert cost.low <= cost.central <= cost.high
    if document.kind == "instrument":
        assert bool(document.cost) != (name in WITHOUT_COST)
        assert document.cost or "faute de source" in str(document.about["cost"])


# ------------------------------------------------------------------------- facts to ask
def read_by_law():
    """Return every fact that a document reads, in its conditions or to need a step."""
    read = set()
    for document in law().values():
        for version in document.version:
            for condition in version.conditions:
                read |= {condition.fact, *(e.where for e in condition.exception)}
                read |= {
                    use.value.fact for use in uses(condition) if isinstance(use.value, FactRef)
                }
        for key in ("needs", "optional_needs"):
            read |= {need.split()[1] for need in document.about.get(key, [])}
    return {name for name in read if not name.startswith(VERDICT)}


def test_every_fact_that_law_reads_names_question_and_person():
    assert read_by_law() <= dictionary().keys()
    for name in read_by_law():
        assert dictionary()[name].ask.endswith("?"), name
        assert dictionary()[name].whom, name


def test_asked_facts_name_question_person_and_place_and_are_read():
    asked = {n: f for n, f in dictionary().items() if f.layer == "asked"}
    assert {"force_majeure", "farmable", "clearing_permit_needed", "lease_running"} <= asked.keys()
    for name, fact in asked.items():
        assert fact.ask.endswith("?"), name
        assert fact.whom, name
        assert fact.where, name
    by_harvests = {"irrigation_water", "grazing_nearby"}  # friches/food/site.py reads these
    assert asked.keys() <= read_by_law() | by_harvests


# ------------------------------------------------------------------- missing is not no
def test_nothing_known_leaves_every_verdict_unknown_with_someone_to_ask():
    rows = rule(facts(), DAY)
    verdicts = rows[rows["condition"] == "verdict"]
    assert verdicts["instrument"].tolist() == list(law())
    assert verdicts["answer"].isna().all()
    open_rows = rows[rows["question"].notna()]
    assert set(open_rows["instrument"]) == set(law())
    assert open_rows["whom"].notna().all()
    assert rows["source"].astype("str").str.contains(r"\[V", regex=True).all()


def test_no_parcel_gives_no_ruling():
    assert rule(facts().iloc[:0], DAY).empty

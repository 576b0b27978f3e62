"""The grammar and its evaluator, on cases one can judge in the head."""

from __future__ import annotations

import datetime as dt
import itertools
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from friches.documents import chained
from friches.errors import InputError
from friches.grammar import verdict_facts
from friches.judge import (
    Fact,
    failed_examples,
    judge,
    read_document,
    read_facts,
    read_folder,
    read_folders,
    version_on,
)

FACTS = {
    "years_unused": Fact(
        kind="number",
        bounded=True,
        label="Années sans déclaration",
        ask="Depuis quand ?",
        whom="mairie",
    ),
    "in_mountain_zone": Fact(
        kind="boolean", label="En zone de montagne", ask="En montagne ?", whom="DDT"
    ),
    "force_majeure": Fact(
        kind="boolean", label="Force majeure", ask="Force majeure ?", whom="propriétaire"
    ),
    "public": Fact(kind="boolean", label="Propriétaire public"),
    "share": Fact(kind="number", label="Part en herbe"),
    "other_share": Fact(kind="number", label="Part en bois", ask="Quelle part ?", whom="visite"),
    "distance_m": Fact(kind="number", unit="m", label="Distance"),
    "count": Fact(kind="integer", label="Nombre"),
    "zone": Fact(kind="text", label="Zone"),
    "sold_on": Fact(kind="date", label="Vendue le"),
}
L125 = """
title   = "Terres incultes : autorisation d'exploiter demandée au préfet"
checked = { on = 2026-11-21, by = "" }
[about]
initiator = "toute personne"
order = 2
[[version]]
from = 2015-03-22
source = "CRPM L125-1, al. 1"
  [[version.condition]]
  id   = "duree"
  text = "inculte ou manifestement sous-exploitée depuis au moins trois ans"
  fact = "years_unused"
  at_least = 3
    [[version.condition.exception]]
    text  = "Le délai de trois ans mentionné ci-dessus est réduit à deux ans en zone de montagne."
    where = "in_mountain_zone"
    at_least = 2
  [[version.bar]]
  id   = "force_majeure"
  text = "aucune raison de force majeure ne peut justifier"
  fact = "force_majeure"
  is   = true
  [[version.step]]
  id = "mise_en_demeure"
  who = "préfet"
  [[version.step]]
  id = "reponse"
  after = ["mise_en_demeure"]
  who = "propriétaire"
  text = "Dans un délai de deux mois à compter de la notification de la mise en demeure"
  within = "2 months"
  practice = { low = "2 months", central = "2 months", high = "4 months", source = "hypothèse" }
[[example]]
name  = "deux ans en montagne suffisent, la force majeure reste à demander"
on    = 2026-01-01
given = { years_unused = 2, in_mountain_zone = true }
then  = { duree = "yes", force_majeure = "unknown", verdict = "unknown" }
[[example]]
name  = "un an en montagne"
on    = 2026-01-01
given = { years_unused = 1, in_mountain_zone = true, force_majeure = false }
then  = { duree = "no", force_majeure = "no", verdict = "no" }
[[example]]
name  = "trois ans en plaine, force majeure"
on    = 2026-01-01
given = { years_unused = 3, in_mountain_zone = false, force_majeure = true }
then  = { duree = "yes", force_majeure = "yes", verdict = "no" }
[[example]]
name  = "deux ans en plaine"
on    = 2026-01-01
given = { years_unused = 2, in_mountain_zone = false }
then  = { duree = "no", verdict = "no" }
"""


def written(tmp_path, text, name="document.toml"):
    path = tmp_path / name
    path.write_text(text, "utf-8")
    return path


def one(condition, exception=""):
    """Return a document of one condition."""
    return f"""
title = "essai"
checked = {{ on = 2026-11-21 }}
[[version]]
from = 2020-01-01
source = "source"
  [[version.condition]]
  id = "c"
  text = "le texte"
  {condition}
{exception}
"""


def verdicts(tmp_path, text, columns):
    table = pd.DataFrame(columns)
    table.index = pd.Index([f"p{n}" for n in range(len(table))], name="parcel_id")
    document = read_document(written(tmp_path, text), FACTS)
    return judge(table, document.version[-1], FACTS)


def rows_of(judged, condition="c"):
    rows = judged[judged["condition"] == condition]
    return [None if pd.isna(answer) else bool(answer) for answer in rows["answer"]]


def test_l125_reads_judges_and_shows_all_it_should(tmp_path):
    document = read_document(written(tmp_path, L125), FACTS)
    assert failed_examples(document, FACTS) == []
    assert document.about["order"] == 2
    assert [step.within for step in document.version[0].step] == [None, "2 months"]


@pytest.mark.parametrize(
    ("low", "high", "mountain", "answer"),
    [
        (3, 3, False, True),
        (2, 2, False, False),
        (2, 2, True, True),
        (1, 1, True, False),
        (3, None, False, True),  # « at least 3 »
        (2, None, False, None),
        (None, 2, False, False),
        (None, 2, True, None),
        (2, 2, None, None),  # the two delays disagree
        (3, 3, None, True),  # and here they agree
        (1, 1, None, False),
        (None, None, True, None),
    ],
)
def test_bounds_and_an_exception_that_may_not_be_known(tmp_path, low, high, mountain, answer):
    columns = {
        "years_unused_low": [low],
        "years_unused_high": [high],
        "in_mountain_zone": [mountain],
    }
    judged = verdicts(tmp_path, L125, columns)
    assert rows_of(judged, "duree") == [answer]


def test_texts_say_what_was_found_needed_and_asked(tmp_path):
    columns = {
        "years_unused_low": [3, 2, 2, None, 2, None],
        "years_unused_high": [None, 5, 2, 4, 2, None],
        "in_mountain_zone": [False, False, True, False, None, None],
        "force_majeure": [False, False, True, False, None, None],
    }
    rows = verdicts(tmp_path, L125, columns).query("condition == 'duree'")
    assert list(rows["found"]) == [
        "au moins 3",
        "entre 2 et 5",
        "2",
        "au plus 4",
        "2",
        "inconnu",
    ]
    assert rows["needed"].iloc[0] == "au moins 3"
    assert rows["needed"].iloc[2] == "au moins 2 (en zone de montagne)"
    assert rows["needed"].iloc[4] == "au moins 3, ou au moins 2 (en zone de montagne)"
    asked = list(zip(rows["question"], rows["whom"], strict=True))
    assert asked[1] == asked[3] == asked[5] == ("Depuis quand ?", "mairie")
    assert asked[4] == ("En montagne ?", "DDT")
    assert rows["question"].isna().tolist() == [True, False, True, False, False, False]
    assert set(rows["source"]) == {"CRPM L125-1, al. 1"}


def test_rows_come_by_id_then_condition_with_the_verdict_last(tmp_path):
    columns = {
        "years_unused_low": [3, 0],
        "years_unused_high": [3, 0],
        "force_majeure": [False] * 2,
    }
    judged = verdicts(tmp_path, L125, columns)
    assert list(judged["parcel_id"]) == ["p0"] * 3 + ["p1"] * 3
    assert list(judged["condition"]) == ["duree", "force_majeure", "verdict"] * 2
    assert rows_of(judged, "verdict") == [True, False]
    assert judged["answer"].dtype == "boolean"


@pytest.mark.parametrize(
    ("comparison", "at", "below", "above"),
    [
        ("at_least = 3", True, False, True),
        ("more_than = 3", False, False, True),
        ("at_most = 3", True, True, False),
        ("less_than = 3", False, True, False),
        ("is = 3", True, False, False),
        ("one_of = [3, 9]", True, False, False),
    ],
)
def test_comparisons_at_below_above_and_unknown(tmp_path, comparison, at, below, above):
    judged = verdicts(
        tmp_path, one(f'fact = "share"\n{comparison}'), {"share": [3, 2.99, 3.01, None]}
    )
    assert rows_of(judged) == [at, below, above, None]


def test_text_boolean_and_date_comparisons(tmp_path):
    zones = verdicts(
        tmp_path, one('fact = "zone"\none_of = ["A", "N"]'), {"zone": ["N", "U", None]}
    )
    assert rows_of(zones) == [True, False, None]
    assert zones["needed"].iloc[0] == "A ou N"
    public = verdicts(tmp_path, one('fact = "public"\nis = false'), {"public": [True, False, None]})
    assert rows_of(public) == [False, True, None]
    days = [pd.Timestamp("2020-09-12"), pd.Timestamp("2020-09-11"), None]
    sold = verdicts(tmp_path, one('fact = "sold_on"\nat_least = 2020-09-12'), {"sold_on": days})
    assert rows_of(sold) == [True, False, None]
    assert list(sold["found"])[::2] == ["12/09/2020", "11/09/2020", "inconnu"]
    assert sold["needed"].iloc[0] == "au moins 12/09/2020"


def test_comparison_with_another_fact_asks_for_the_one_that_is_missing(tmp_path):
    text = one('fact = "share"\nmore_than = { fact = "other_share" }')
    judged = verdicts(tmp_path, text, {"share": [0.5, 0.5, 0.5], "other_share": [0.4, 0.5, None]})
    assert rows_of(judged) == [True, False, None]
    rows = judged[judged["condition"] == "c"]
    assert rows["needed"].iloc[0] == "plus de « Part en bois » (0,4)"
    assert (rows["question"].iloc[2], rows["whom"].iloc[2]) == ("Quelle part ?", "visite")


def test_yes_no_and_text_compared_with_another_fact(tmp_path):
    text = one('fact = "public"\nis = { fact = "force_majeure" }')
    columns = {"public": [True, True, None, False], "force_majeure": [True, False, True, None]}
    assert rows_of(verdicts(tmp_path, text, columns)) == [True, False, None, None]
    facts = FACTS | {"other_zone": Fact(kind="text", label="Autre zone")}
    text = one('fact = "zone"\nis = { fact = "other_zone" }')
    document = read_document(written(tmp_path, text), facts)
    table = pd.DataFrame({"zone": ["A", "A", None], "other_zone": ["A", "N", "N"]})
    assert rows_of(judge(table, document.version[-1], facts)) == [True, False, None]


def test_an_absent_column_is_unknown_and_a_question_is_made_from_the_label(tmp_path):
    judged = verdicts(tmp_path, one('fact = "public"\nis = true'), {"share": [1.0]})
    assert rows_of(judged) == [None]
    assert judged["question"].iloc[0] == "Propriétaire public ?"
    assert pd.isna(judged["whom"].iloc[0])


@pytest.mark.parametrize(
    ("value", "found"),
    [(0.4, "0,4"), (0.4999, "0,4999"), (0.423456, "0,42"), (1234.5, "1234,5"), (-0.001, "0")],
)
def test_numbers_are_rounded_but_never_across_the_threshold(tmp_path, value, found):
    judged = verdicts(tmp_path, one('fact = "share"\nat_least = 0.5'), {"share": [value]})
    assert judged["found"].iloc[0] == found


def test_units_and_thousands(tmp_path):
    judged = verdicts(tmp_path, one('fact = "distance_m"\nat_most = 50'), {"distance_m": [12500]})
    assert judged["found"].iloc[0] == "12\u202f500\u00a0m"
    assert judged["needed"].iloc[0] == "au plus 50\u00a0m"


WAYS = """
title = "voies"
checked = { on = 2026-11-21 }
[[version]]
from = 2020-01-01
source = "source"
mark = "VERIFIED"
  [[version.condition]]
  id = "need"
  text = "t"
  fact = "public"
  is = true
  [[version.way]]
  id = "first"
  text = "1°"
    [[version.way.condition]]
    id = "a"
    text = "t"
    fact = "in_mountain_zone"
    is = true
  [[version.way]]
  id = "second"
  text = "2°"
    [[version.way.condition]]
    id = "b"
    text = "t"
    fact = "force_majeure"
    is = true
  [[version.bar]]
  id = "closed"
  text = "t"
  fact = "share"
  more_than = 0.5
"""


def test_kleene_over_conditions_ways_and_bars(tmp_path):
    values = list(itertools.product([True, False, None], repeat=4))
    columns = {
        "public": [need for need, *_ in values],
        "in_mountain_zone": [a for _, a, _, _ in values],
        "force_majeure": [b for _, _, b, _ in values],
        "share": [{True: 0.6, False: 0.5, None: None}[bar] for *_, bar in values],
    }
    judged = verdicts(tmp_path, WAYS, columns)

    def expected(need, a, b, bar):
        way = True if True in (a, b) else None if None in (a, b) else False
        parts = [need, way, None if bar is None else not bar]
        return False if False in parts else None if None in parts else True

    assert rows_of(judged, "verdict") == [expected(*value) for value in values]
    assert list(judged["condition"][:6]) == ["need", "a", "first", "b", "second", "closed"]
    assert judged["source"].iloc[0] == "source [VERIFIED]"


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 5),
            st.integers(0, 5),
            st.booleans(),
            st.booleans(),
            st.tuples(*[st.booleans()] * 4),
        ),
        min_size=1,
        max_size=20,
    )
)
def test_learning_never_reverses_an_answer(tmp_path_factory, cases):
    """An answer given with some facts missing stands whatever they turn out to be."""
    folder = tmp_path_factory.mktemp("law")
    ends = [sorted(case[:2]) for case in cases]
    full = {
        "years_unused_low": [float(low) for low, _ in ends],
        "years_unused_high": [float(low) for low, _ in ends],
        "in_mountain_zone": [case[2] for case in cases],
        "force_majeure": [case[3] for case in cases],
    }
    hidden = {
        name: [
            None if case[4][n] else (high if name.endswith("high") else value)
            for case, value, (_, high) in zip(cases, values, ends, strict=True)
        ]
        for n, (name, values) in enumerate(full.items())
    }
    before, after = (verdicts(folder, L125, columns)["answer"] for columns in (hidden, full))
    settled = before.notna()
    assert (before[settled] == after[settled]).all()


def test_several_exceptions_the_first_that_holds_wins_and_is_not(tmp_path):
    text = one(
        'fact = "share"\nat_least = 3',
        """
    [[version.condition.exception]]
    text = "e"
    where = "public"
    at_least = 2
    [[version.condition.exception]]
    text = "e"
    where = "in_mountain_zone"
    is_not = true
    at_least = 1
""",
    )
    columns = {
        "share": [2, 1, 1, 2, 1],
        "public": [True, True, False, False, None],
        "in_mountain_zone": [False, False, False, True, False],
    }
    judged = verdicts(tmp_path, text, columns)
    assert rows_of(judged) == [True, False, True, False, None]
    assert judged["needed"].iloc[0] == "au moins 2 (propriétaire public)"
    assert judged["needed"].iloc[4] == "au moins 1 (en zone de montagne : non)"
    assert judged["question"].iloc[8] == "Propriétaire public ?"


def test_crossed_bounds_are_refused(tmp_path):
    columns = {"years_unused_low": [4.0], "years_unused_high": [3.0]}
    with pytest.raises(InputError, match=r"years_unused_low » dépasse.*p0"):
        verdicts(tmp_path, L125, columns)


def test_version_on_a_day(tmp_path):
    text = one('fact = "public"\nis = true') + one('fact = "public"\nis = false').split(
        "checked = { on = 2026-11-21 }"
    )[1].replace("2020-01-01", "2022-01-01")
    document = read_document(written(tmp_path, text), FACTS)
    assert version_on(document, dt.date(2021, 12, 31)).condition[0].is_ is True
    assert version_on(document, dt.date(2022, 1, 1)).condition[0].is_ is False
    with pytest.raises(InputError, match="aucune version connue au 31/12/2019"):
        version_on(document, dt.date(2019, 12, 31))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('who = "préfet"', 'whoo = "préfet"', "whoo » : clé inconnue"),
        ('fact = "force_majeure"', 'fact = "majeure"', "fait inconnu « majeure »"),
        ('where = "in_mountain_zone"', 'where = "mountain"', "fait inconnu « mountain »"),
        ('where = "in_mountain_zone"', 'where = "zone"', "« where » nomme « zone »"),
        ("is   = true", "is   = 3", "« is » ne convient pas au fait « force_majeure »"),
        ("is   = true", "at_least = 1", "« at_least » ne convient pas"),
        ("is   = true", 'is = "oui"', "« is » ne convient pas"),
        ("  at_least = 3", '  at_least = { fact = "zone" }', "« at_least » ne convient pas"),
        ("  at_least = 3", '  at_least = { fact = "rien" }', "fait inconnu « rien »"),
        ("  at_least = 3", "  one_of = [3]", "« one_of » ne convient pas"),
        ("  at_least = 3", "  at_least = 3\n  at_most = 4", "une seule comparaison"),
        ("  at_least = 3", "", "une seule comparaison"),
        ("  at_least = 3", "  at_least = true", "at_least"),
        (', verdict = "no" }', " }", "exemple sans « verdict »"),
        ('then  = { duree = "no"', 'then  = { delai = "no"', "condition inconnue « delai »"),
        ("given = { years_unused = 1", "given = { years = 1", "fait inconnu « years »"),
        ("given = { years_unused = 1", 'given = { years_unused = "un"', "ne peut pas valoir"),
        ("force_majeure = false", "force_majeure = { low = 1 }", "n'est pas un fait borné"),
        ('within = "2 months"', 'within = "deux mois"', "n'est pas une durée"),
        ('low = "2 months"', 'low = "1 year"', "low ≤ central ≤ high"),
        ('after = ["mise_en_demeure"]', 'after = ["suite"]', "placée avant « suite »"),
        ('id   = "force_majeure"', 'id   = "duree"', "identifiants répétés"),
        ('id   = "force_majeure"', 'id   = "verdict"', "identifiants répétés ou réservés"),
        ("from = 2015-03-22", 'from = "hier"', "from"),
        ("from = 2015-03-22", "from = 2027-03-22", "avant la première version"),
        ("[about]", "role = 'helps'\n[about]", "role"),
        ("title ", "title", "document.toml"),
    ],
)
def test_what_the_grammar_does_not_know_is_refused_by_name(tmp_path, old, new, said):
    assert old in L125
    if said == "document.toml":
        new = 'title = "x'
    with pytest.raises(InputError) as caught:
        read_document(written(tmp_path, L125.replace(old, new, 1)), FACTS)
    assert said in str(caught.value)
    assert "document.toml" in str(caught.value)


def test_every_breach_is_told_at_once(tmp_path):
    text = L125.replace('fact = "years_unused"', 'fact = "un"').replace(
        'fact = "force', 'fact = "d'
    )
    with pytest.raises(InputError) as caught:
        read_document(written(tmp_path, text), FACTS)
    assert len(caught.value.breaches) == 2
    written(tmp_path, text, "b.toml")
    written(tmp_path, text, "_skipped.toml")
    with pytest.raises(InputError) as caught:
        read_folder(tmp_path, FACTS)
    assert len(caught.value.breaches) == 4


def chain(**conditions):
    """Return documents by name, each of one condition."""
    return {name: one(said) for name, said in conditions.items()}


def folder_of(tmp_path, documents):
    for name, text in documents.items():
        written(tmp_path, text, f"{name}.toml")
    return tmp_path


ON_GATE = 'verdict_of = "gate"\nis = false'


def test_a_condition_may_be_the_verdict_of_another_document(tmp_path):
    folder = folder_of(tmp_path, chain(gate='fact = "public"\nis = true', route=ON_GATE))
    route = read_folder(folder, FACTS)["route"]
    assert route.version[0].condition[0].fact == "verdict_of.gate"
    table = pd.DataFrame({"verdict_of.gate": pd.array([True, False, None], dtype="boolean")})
    facts = FACTS | verdict_facts({"gate": "La barrière"})
    judged = judge(table, route.version[0], facts)
    assert rows_of(judged) == rows_of(judged, "verdict") == [False, True, None]
    assert judged["question"].iloc[4] == "Verdict de « La barrière » ?"


def test_what_a_verdict_asks_is_asked_in_its_place(tmp_path):
    folder = folder_of(tmp_path, chain(gate='fact = "public"\nis = true', route=ON_GATE))
    route, facts = read_folder(folder, FACTS)["route"], FACTS | verdict_facts({"gate": "g"})
    columns = {
        "verdict_of.gate": pd.array([None, True, None], dtype="boolean"),
        "verdict_of.gate.question": ["Public ?", None, "Privé ?"],
        "verdict_of.gate.whom": ["mairie", None, None],
    }
    rows = judge(pd.DataFrame(columns), route.version[0], facts).query("condition == 'c'")
    assert rows["question"].tolist()[::2] == ["Public ?", "Privé ?"]
    assert rows["whom"].isna().tolist() == [False, True, True]


def test_an_exception_may_hang_on_a_verdict(tmp_path):
    exception = """
    [[version.condition.exception]]
    text = "e"
    where = "verdict_of.gate"
    at_least = 1
"""
    text = one('fact = "share"\nat_least = 3', exception)
    folder = folder_of(tmp_path, {"gate": one('fact = "public"\nis = true'), "route": text})
    version = read_folder(folder, FACTS)["route"].version[0]
    gate = pd.array([True, False, None, None], dtype="boolean")
    table = pd.DataFrame({"share": [2.0, 2.0, 2.0, 3.0], "verdict_of.gate": gate})
    judged = judge(table, version, FACTS | verdict_facts({"gate": "G"}))
    assert rows_of(judged) == [True, False, None, True]
    assert judged["question"].iloc[4] == "Verdict de « G » ?"


@pytest.mark.parametrize(
    ("documents", "said"),
    [
        (chain(route=ON_GATE), "« verdict_of » nomme « gate », document inconnu"),
        (chain(gate=ON_GATE), "verdicts en cercle : gate → gate"),
        (
            chain(
                gate='verdict_of = "a"\nis = true',
                a='verdict_of = "b"\nis = true',
                b='verdict_of = "gate"\nis = true',
            ),
            "verdicts en cercle : ",
        ),
        (chain(a='verdict_of = "b"\nfact = "public"\nis = true'), "s'excluent"),
        (chain(a='verdict_of = "b"\nat_least = 3', b="fact = 'public'\nis = true"), "at_least"),
        (chain(a="is = true"), "fact » : clé absente"),
    ],
)
def test_verdicts_that_do_not_chain_are_refused_by_name(tmp_path, documents, said):
    with pytest.raises(InputError, match=re.escape(said)):
        read_folder(folder_of(tmp_path, documents), FACTS)


def test_the_order_of_a_circle_is_that_in_which_documents_build_on_one_another(tmp_path):
    documents = chain(a='verdict_of = "b"\nis = true', b='verdict_of = "c"\nis = true')
    folder = folder_of(tmp_path, documents | chain(c='verdict_of = "a"\nis = true'))
    with pytest.raises(InputError) as caught:
        read_folder(folder, FACTS)
    circle = re.search(r"cercle : (.*)", str(caught.value)).group(1).split(" → ")
    assert "".join(circle) in ("abca", "bcab", "cabc")


def test_documents_come_after_those_they_build_on_and_names_are_taken_once(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
    folder_of(first, chain(b='fact = "public"\nis = true', a='verdict_of = "z"\nis = true'))
    folder_of(second, chain(z='verdict_of = "b"\nis = true'))
    documents = read_folders([first, second], FACTS)
    assert list(documents) == ["a", "b", "z"]
    assert chained(documents) == ["b", "z", "a"]
    folder_of(second, chain(a='fact = "public"\nis = true'))
    with pytest.raises(InputError, match="nom « a » déjà pris"):
        read_folders([first, second], FACTS)


def test_examples_give_a_verdict_like_a_fact(tmp_path):
    examples = """
[[example]]
name = "open"
on = 2026-01-01
given = { "verdict_of.gate" = false }
then = { c = "yes", verdict = "yes" }
[[example]]
name = "shut"
on = 2026-01-01
given = { "verdict_of.gate" = true }
then = { c = "no", verdict = "no" }
[[example]]
name = "not known"
on = 2026-01-01
given = {}
then = { c = "unknown", verdict = "unknown" }
"""
    text = one(ON_GATE, examples)
    assert failed_examples(read_document(written(tmp_path, text), FACTS), FACTS) == []
    wrong = text.replace('"verdict_of.gate" = true', '"verdict_of.other" = true')
    with pytest.raises(InputError, match=r"fait inconnu « verdict_of\.other »"):
        read_document(written(tmp_path, wrong), FACTS)


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ('[[cost]]\nwhat = "a"\nunit = "eur"\nlow = 2\ncentral = 1\nhigh = 3', "à ranger"),
        ('[[cost]]\nwhat = "a"\nunit = "kg"\nlow = 1\ncentral = 1\nhigh = 3', "unit"),
        ('[[version.step]]\nid = "s"\nchance = { @ }', "branche"),
        ('[[version.step]]\nid = "s"\nbranch = "b"\nchance = { @, high = 2 }', "chance.high"),
    ],
)
def test_costs_and_chances_are_checked(tmp_path, extra, said):
    figures = 'low = 0.1, central = 0.5, source = "s", mark = "ASSUMPTION"'
    extra = extra.replace("@ }", f"{figures}, high = 0.9 }}").replace("@", figures)
    if extra.startswith("[[cost"):
        extra += '\nsource = "s"\nmark = "R"'
    with pytest.raises(InputError, match=said):
        read_document(written(tmp_path, one('fact = "public"\nis = true', extra)), FACTS)


def test_a_gate_its_costs_and_the_chance_of_a_branch_are_read(tmp_path):
    extra = """
[[version.step]]
id = "silence"
branch = "silence"
chance = { low = 0.1, central = 0.5, high = 0.9, source = "s", mark = "ASSUMPTION" }
[[cost]]
what = "frais"
unit = "share_of_price"
low = 0.05
central = 0.07
high = 0.1
source = "s"
mark = "R"
"""
    text = one('fact = "public"\nis = true', extra).replace("title", 'kind = "gate"\ntitle', 1)
    document = read_document(written(tmp_path, text), FACTS)
    assert (document.kind, document.cost[0].central) == ("gate", 0.07)
    assert document.version[0].step[0].chance.central == 0.5


def test_folder_is_read_by_stem_without_underscored_files(tmp_path):
    for name in ("b.toml", "a.toml", "_c.toml"):
        written(tmp_path, L125, name)
    assert list(read_folder(tmp_path, FACTS)) == ["a", "b"]
    with pytest.raises(InputError, match="introuvable"):
        read_document(tmp_path / "d.toml", FACTS)


def test_facts_are_read_and_checked(tmp_path):
    path = written(tmp_path, '[a]\nkind = "number"\nlabel = "A"\nbounded = true\n')
    assert read_facts(path)["a"].bounded
    wrong = '[a]\nkind = "boolean"\nlabel = "A"\nbounded = true\n[b]\nkind = "mot"\nlabell = "B"\n'
    with pytest.raises(InputError) as caught:
        read_facts(written(tmp_path, wrong))
    assert len(caught.value.breaches) == 4


@pytest.mark.parametrize(
    ("gone", "said"),
    [
        ("un an en montagne", "seuil at_least = 2 : aucun exemple juste avant"),
        ("deux ans en plaine", "seuil at_least = 3 : aucun exemple juste avant"),
        ("trois ans en plaine, force majeure", "seuil at_least = 3 : aucun exemple exactement"),
        ("trois ans en plaine, force majeure", "« force_majeure » jamais montrée « yes »"),
        ("un an en montagne", "« force_majeure » jamais montrée « no »"),
    ],
)
def test_examples_must_show_every_answer_and_both_sides_of_a_threshold(tmp_path, gone, said):
    head, *examples = L125.split("[[example]]")
    kept = [example for example in examples if f'"{gone}"' not in example]
    document = read_document(written(tmp_path, "[[example]]".join([head, *kept])), FACTS)
    assert any(said in failure for failure in failed_examples(document, FACTS))


def test_a_wrong_example_is_told(tmp_path):
    text = L125.replace('then  = { duree = "no", verdict', 'then  = { duree = "yes", verdict')
    failures = failed_examples(read_document(written(tmp_path, text), FACTS), FACTS)
    assert any("deux ans en plaine » : duree = no, attendu yes" in failure for failure in failures)


@pytest.mark.parametrize(
    ("comparison", "given_", "holds"),
    [
        ("more_than = 3", (3, 4), True),  # « plus de trois » : four whole years pass
        ("more_than = 3", (3, 3.5), True),
        ("more_than = 3", (2, 4), False),
        ("less_than = 0.1", (0.1, 0.09), True),
        ("less_than = 0.1", (0.1, 0.05), False),
        ("at_most = 0.5", (0.5, 0.51), True),
    ],
)
def test_just_short_of_a_threshold(tmp_path, comparison, given_, holds):
    examples = "".join(
        f"""
[[example]]
name = "{value}"
on = 2026-01-01
given = {{ share = {value} }}
then = {{ c = "{answer}", verdict = "{answer}" }}
"""
        for value, answer in zip(given_, ("?", "?"), strict=True)
    )
    text = one(f'fact = "share"\n{comparison}', examples)
    judged = verdicts(tmp_path, one(f'fact = "share"\n{comparison}'), {"share": list(given_)})
    for answer in rows_of(judged):
        text = text.replace('"?"', '"yes"' if answer else '"no"', 2)
    document = read_document(written(tmp_path, text), FACTS)
    assert (failed_examples(document, FACTS) == []) is holds


def test_an_empty_table_gives_no_rows(tmp_path):
    empty = {"years_unused_low": np.array([], dtype=float), "years_unused_high": []}
    judged = verdicts(tmp_path, L125, empty)
    assert judged.empty
    assert list(judged.columns)[:3] == ["parcel_id", "condition", "answer"]

"""What-if files: read, refused by name, applied; what moves between two results."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import pandas as pd
import pytest

from friches.errors import InputError
from friches.judge import version_on
from friches.scenarios.compare import compare, read_result
from friches.scenarios.cost import funded
from friches.scenarios.routes import plan
from friches.scenarios.rule import rule
from friches.scenarios.setting import setting
from friches.scenarios.whatif import apply, apply_facts, read_whatif

DAY = dt.date(2026, 9, 1)


def written(tmp_path, text):
    path = tmp_path / "hypothese.toml"
    path.write_text('title = "essai"\n' + text, "utf-8")
    return path


def read(tmp_path, text):
    return read_whatif(written(tmp_path, text))


def step_of(here, instrument, name):
    steps = version_on(here.documents[instrument], DAY).step
    return next(step for step in steps if step.id == name)


def test_a_delay_a_practice_a_condition_and_figures_change(tmp_path):
    said = read(
        tmp_path,
        """
[delay]
"l125_individuel.silence.lasts" = "1 month"
[practice.l125_individuel.commission]
low = "1 month"
central = "2 months"
high = "3 months"
[condition]
"l125_individuel.duree" = 2
"l125_individuel.duree.in_mountain_zone" = 1
[field]
"conversion.annual.central" = "0 days"
[chance]
"recognition.central" = 0.5
"hazard.recours.high" = 0.5
[cost]
"price.high" = 20000
[budget]
eur = 10000
""",
    )
    here = apply(said)
    assert step_of(here, "l125_individuel", "silence").lasts == "1 month"
    assert step_of(here, "l125_individuel", "commission").practice.central == "2 months"
    condition = version_on(here.documents["l125_individuel"], DAY).condition[0]
    assert condition.at_least == 2
    assert {e.where: e.at_least for e in condition.exception}["in_mountain_zone"] == 1
    assert here.field["conversion"]["annual"]["central"] == "0 days"
    assert here.chance["recognition"]["central"] == 0.5
    assert next(h for h in here.chance["hazard"] if h["id"] == "recours")["high"] == 0.5
    assert here.cost["price"]["high"] == 20000
    assert here.budget_eur == 10000


def test_the_package_s_setting_is_left_as_it_was(tmp_path):
    before = setting().field["conversion"]["annual"]["central"]
    apply(read(tmp_path, '[field]\n"conversion.annual.central" = "0 days"'))
    assert setting().field["conversion"]["annual"]["central"] == before
    assert step_of(setting(), "l125_individuel", "silence").lasts == "2 months"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[delay]\n"nulle_part.silence.lasts" = "1 month"', "instrument inconnu « nulle_part »"),
        ('[delay]\n"l125_individuel.bidon.lasts" = "1 month"', "bidon"),
        ('[delay]\n"l125_individuel.silence.within" = "1 month"', "silence.within"),
        ('[delay]\n"l125_individuel.silence.lasts" = "un mois"', "durée"),
        ('[practice]\n"l125_individuel.silence.low" = "1 month"', "silence.low"),
        ('[practice]\n"l125_individuel.commission.low" = "20 months"', "ranger"),
        ('[condition]\n"l125_individuel.bidon" = 2', "bidon"),
        ('[condition]\n"l125_individuel.duree" = true', "ne remplace pas"),
        ('[condition]\n"l125_individuel.vocation" = 2', "ne remplace pas"),
        ('[condition]\n"l125_individuel.duree.bidon" = 2', "duree.bidon"),
        ('[field]\n"conversion.annual.bidon" = "1 day"', "conversion.annual.bidon"),
        ('[field]\n"conversion.annual.low" = 3', "ne remplace pas"),
        ('[field]\n"conversion.source" = "x"', "ne se change pas"),
        ('[chance]\n"hazard.bidon.low" = 0.1', "bidon"),
        ('[chance]\n"recognition.high" = 1.5', "ne dépasse pas 1"),
        ('[cost]\n"price.low" = 99999', "ranger"),
        ('[[fact]]\nname = "bidon"', "fait inconnu « bidon »"),
        ('[[fact]]\nname = "farmable"\nvalue = 3', "ne peut pas valoir"),
        ('[[fact]]\nname = "slope_mean_pct"\nvalue = 3.0', "se mesure"),
        ("[bidon]\nx = 1", "clé inconnue"),
        ("[budget]\neur = -1", "budget"),
        ("[budget", "TOML illisible"),
    ],
)
def test_what_does_not_exist_or_does_not_fit_is_refused_by_name(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        read(tmp_path, text)


def test_every_fault_is_told_at_once_and_a_missing_file_too(tmp_path):
    text = '[delay]\n"a.b.lasts" = "1 day"\n[cost]\n"x.y" = 1\n[[fact]]\nname = "z"'
    with pytest.raises(InputError) as error:
        read(tmp_path, text)
    assert len(error.value.breaches) == 3
    with pytest.raises(InputError, match="introuvable"):
        read_whatif(tmp_path / "absent.toml")


# ------------------------------------------------------------------------------- facts
FACTS = pd.DataFrame(
    {
        "parcel_id": ["p1", "p2", "p3"],
        "commune": ["12999", "12999", "12998"],
        "owner_known": pd.array([True, None, None], dtype="boolean"),
    }
)
MEMBERS = pd.DataFrame({"parcel_id": ["p1", "p2"], "block_id": ["B1", "B1"]})


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("", [False, False, False]),
        ('parcels = ["p1"]', [False, None, None]),
        ('blocks = ["B1"]', [False, False, None]),
        ('communes = ["12998"]', [True, None, False]),
        ('parcels = ["p1"]\ncommunes = ["12998"]', [False, None, False]),
    ],
)
def test_a_fact_is_supposed_of_parcels_blocks_or_communes(tmp_path, where, expected):
    said = read(tmp_path, f'[[fact]]\nname = "owner_known"\nvalue = false\n{where}')
    changed = apply_facts(said, FACTS, MEMBERS)["owner_known"]
    assert [None if pd.isna(v) else bool(v) for v in changed] == expected
    assert FACTS["owner_known"].iloc[0]


def test_a_fact_may_be_supposed_unknown_or_come_in_a_new_column(tmp_path):
    said = read(
        tmp_path, '[[fact]]\nname = "owner_known"\n[[fact]]\nname = "agreement_years"\nvalue = 6'
    )
    changed = apply_facts(said, FACTS)
    assert changed["owner_known"].isna().all()
    assert changed["agreement_years"].tolist() == [6.0, 6.0, 6.0]


def test_a_parcel_that_is_not_in_the_study_is_refused(tmp_path):
    text = '[[fact]]\nname = "owner_known"\nvalue = true\nparcels = ["p9"]\nblocks = ["B9"]'
    with pytest.raises(InputError, match="p9") as error:
        apply_facts(read(tmp_path, text), FACTS, MEMBERS)
    assert len(error.value.breaches) == 2


# ----------------------------------------------------------------------------- compare
def run(said=None):
    """Plan two blocks of one parcel under a supposition; return what `compare` reads."""
    here = setting() if said is None else apply(said)
    facts = pd.DataFrame({"parcel_id": ["p1", "p2"], "commune": "12999"})
    facts["owner_known"] = pd.array([True, True], dtype="boolean")
    facts["years_unused_low"] = facts["years_unused_high"] = 5.0
    members = pd.DataFrame({"parcel_id": ["p1", "p2"], "block_id": ["B1", "B2"]})
    if said is not None:
        facts = apply_facts(said, facts, members)
    blocks = pd.DataFrame({"block_id": ["B1", "B2"], "stage": "friche herbacée"})
    blocks = blocks.assign(area_ha=[1.0, 2.0], n_parcels=1, rank=[2, 1])
    meals = pd.DataFrame(
        [(b, "légumes", "légumes", 100.0) for b in ("B1", "B2")],
        columns=["block_id", "crop", "food_group", "kg"],
    )
    rulings = rule(facts, DAY, here.documents)
    steps, routes = plan(blocks, members, rulings, facts, meals, DAY, here)
    matches = pd.DataFrame({"block_id": ["B1", "B2"], "meals": [1000.0, 500.0]})
    return SimpleNamespace(blocks=blocks, steps=steps, routes=routes, matches=matches)


@pytest.fixture(scope="module")
def before():
    return run()


def test_nothing_moves_against_itself(before):
    assert compare(before, before).empty


def test_a_shorter_delay_moves_only_the_routes_that_wait_for_it(tmp_path, before):
    said = read(tmp_path, '[practice]\n"safer_amiable.accord.high" = "3 months"')
    moved = compare(before, run(said))
    assert set(moved["instrument"]) == {"safer_amiable", "safer_commune_bail"}
    assert set(moved["what"]) <= {"terre", "premier repas"}
    assert moved["change"].fillna(0).le(0).all()
    assert moved["text"].str.contains("→").all()


def test_a_refusal_changes_what_is_open_and_what_is_advised(tmp_path, before):
    refusal = "".join(
        f'[[fact]]\nname = "{name}"\nvalue = false\nblocks = ["B1"]\n'
        for name in ("owner_agrees_to_lend", "owner_agrees_to_sell")
    )
    moved = compare(before, run(read(tmp_path, refusal)))
    assert set(moved["block_id"]) == {"B1"}
    advised = moved[moved["what"] == "voie conseillée"].iloc[0]
    assert advised["before"].startswith("Mise à disposition")
    assert "mise en demeure" in advised["after"]
    shut = moved[(moved["what"] == "ouverture") & (moved["after"] == "fermée")]
    assert {"cmd_puis_bail", "safer_amiable"} <= set(shut["instrument"])


@pytest.mark.parametrize(
    ("eur", "paid"),
    [(300, "B1 B2"), (299, "B2"), (200, "B2"), (199, "B1"), (100, "B1"), (99, ""), (0, "")],
)
def test_a_budget_pays_by_rank_and_passes_over_what_does_not_fit(eur, paid):
    routes = pd.DataFrame({"block_id": ["B1", "B2", "B3"], "order": 1, "answer": True})
    routes = routes.assign(cost_eur=[100.0, 200.0, None], land_on=pd.Timestamp("2027-01-01"))
    ranks = pd.Series([2, 1, 3], index=["B1", "B2", "B3"])
    told = funded(routes, ranks, eur)
    assert set(told[told].index) == set(paid.split())
    assert funded(routes, ranks, None).isna().all()


def test_a_budget_moves_the_meals_of_the_territory(tmp_path, before):
    moved = compare(before, run(read(tmp_path, "[budget]\neur = 0")))
    assert (moved["what"] == "financement").sum() == 2
    total = moved[(moved["what"] == "repas") & (moved["block_id"] == "")]
    assert total["change"].tolist() == [-1500]


def test_folders_are_compared_through_their_tables(tmp_path, before):
    with pytest.raises(InputError, match="tables absentes"):
        read_result(tmp_path)
    (tmp_path / "tables").mkdir()
    for name in ("blocks", "routes", "matches"):
        getattr(before, name).to_parquet(tmp_path / "tables" / f"{name}.parquet")
    assert compare(before, read_result(tmp_path)).empty


def test_a_block_that_is_gone_is_told(before):
    gone = SimpleNamespace(
        blocks=before.blocks.iloc[:1],
        routes=before.routes[before.routes["block_id"] == "B1"],
        matches=before.matches.iloc[:1],
    )
    moved = compare(before, gone)
    assert moved[moved["what"] == "îlot"]["text"].tolist() == ["B2 — îlot : présent → absent"]

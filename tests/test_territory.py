"""The law of a territory: blocks alike are read once, in chunks of any size; same tables."""

from __future__ import annotations

import datetime as dt
import io
import pickle

import pandas as pd
import pytest

from friches.grammar import builds_on
from friches.scenarios.kinds import kinds_of, names_read
from friches.scenarios.routes import crops_of, inorder, plan
from friches.scenarios.rule import rule
from friches.scenarios.setting import setting
from friches.scenarios.territory import law_of

DAY = dt.date(2026, 9, 1)
ROUTES = ("cmd_puis_bail", "l125_avec_cmd", "safer_amiable", "sans_maitre_2_bail", "zap")
TABLES = ("rulings", "steps", "routes")
OWNED = {"owner_known": True}
LOST = {"owner_known": False, "years_unused": 2.0}
REFUSES = OWNED | {"owner_agrees_to_lend": False, "owner_agrees_to_sell": False}
PUBLIC = {"owner_is_public": True, "years_unused": 5.0, "in_natura2000": True}
# B004 is like B001, and B005 like B002 with its parcels the other way round
BLOCKS = {
    "B001": [OWNED, LOST],
    "B002": [REFUSES, {}, OWNED],
    "B003": [PUBLIC],
    "B004": [OWNED, LOST],
    "B005": [OWNED, {}, REFUSES],
    "B006": [{}],
    "B007": [OWNED, LOST],
}
RANKS = dict(zip(BLOCKS, (3, 1, 2, 4, 7, 6, 5), strict=True))


def some_routes():
    """Return the setting with a few routes: one supposes facts, one frees no land by itself."""
    whole = setting()
    routes = {name: whole.routes[name] for name in ROUTES}
    wanted = {leg.instrument for route in routes.values() for leg in route.leg} | {
        "haies",
        "natura2000",
    }
    for name in sorted(wanted):
        wanted |= set(builds_on(whole.documents[name]))
    kept = {name: said for name, said in whole.documents.items() if name in wanted}
    return whole._replace(documents=kept, routes=routes)


HERE = some_routes()


def territory():
    """Return blocks, members, facts and meals of seven blocks; B007 has another stage."""
    members = pd.DataFrame(
        [
            (f"12999000{block}{n:02d}", block)
            for block, known in BLOCKS.items()
            for n in range(len(known))
        ],
        columns=["parcel_id", "block_id"],
    )
    rows = [known for parcels in BLOCKS.values() for known in parcels]
    facts = members[["parcel_id"]].assign(last_sale_eur_m2=[0.1 * n for n in range(len(rows))])
    for name in sorted({name for known in rows for name in known} - {"years_unused"}):
        facts[name] = pd.array([known.get(name, pd.NA) for known in rows], dtype="boolean")
    for end in ("_low", "_high"):
        facts[f"years_unused{end}"] = [known.get("years_unused") for known in rows]
    facts = facts.astype({"years_unused_low": "float64", "years_unused_high": "float64"})
    blocks = pd.DataFrame({"block_id": list(BLOCKS), "rank": list(RANKS.values())})
    blocks["stage"] = ["friche herbacée"] * 6 + ["arbustive haute"]
    blocks["area_ha"] = [0.5 * n for n in range(1, 8)]
    blocks["n_parcels"] = [len(known) for known in BLOCKS.values()]
    meals = pd.DataFrame(
        [(block, crop, crop, 100.0) for block in BLOCKS for crop in ("fruits", "légumes")],
        columns=["block_id", "crop", "food_group", "kg"],
    )
    return blocks.astype({"block_id": "str", "stage": "str"}), members, facts, meals


@pytest.fixture(scope="module")
def given():
    return territory()


@pytest.fixture(scope="module")
def whole(given):
    return law_of(*given, DAY, HERE)


def as_bytes(table):
    out = io.BytesIO()
    table.to_parquet(out)
    return out.getvalue()


def test_read_by_kinds_or_block_by_block_the_tables_are_the_same(given):
    blocks, members, facts, meals = given
    every = setting()
    told = law_of(*given, DAY, every)
    rulings = rule(facts, DAY, every.documents)
    steps, routes = plan(blocks, members, rulings, facts, meals, DAY, every)
    for name, table in (("rulings", rulings), ("steps", steps), ("routes", routes)):
        pd.testing.assert_frame_equal(told[name], table)


@pytest.mark.parametrize("at_once", [1, 7])
def test_the_same_bytes_whatever_the_chunks(given, whole, at_once):
    again = law_of(*given, DAY, HERE, at_once=at_once)
    for name in TABLES:
        assert as_bytes(again[name]) == as_bytes(whole[name])


def test_the_same_bytes_whatever_the_order_of_rows(given, whole):
    turned = [table.iloc[::-1].reset_index(drop=True) for table in given]
    again = law_of(*turned, DAY, HERE)
    for name in TABLES:
        assert as_bytes(again[name]) == as_bytes(whole[name])


def test_chunks_are_plain_tables_that_another_process_could_read(given, whole):
    sent = []

    def elsewhere(work, chunks):
        for chunk in chunks:
            sent.append(pickle.dumps((work, chunk)))
            there, told = pickle.loads(sent[-1])
            yield pickle.loads(pickle.dumps(there(told)))

    again = law_of(*given, DAY, HERE, at_once=2, mapped=elsewhere)
    assert len(sent) == 3  # six kinds of blocks
    assert as_bytes(again["routes"]) == as_bytes(whole["routes"])


@pytest.mark.parametrize(("told", "names"), [(2, ["B002", "B003"]), (1, ["B002"]), (0, [])])
def test_only_the_first_blocks_are_told_in_full(given, whole, told, names):
    cut = law_of(*given, DAY, HERE, told_in_full=told)
    assert as_bytes(cut["routes"]) == as_bytes(whole["routes"])
    kept = whole["steps"][whole["steps"]["block_id"].isin(names)].reset_index(drop=True)
    pd.testing.assert_frame_equal(cut["steps"], kept, check_categorical=False)
    assert sorted(cut["steps"]["block_id"].unique()) == names
    parcels = [pid for pid in given[1]["parcel_id"] if pid[8:12] in names]
    assert sorted(cut["rulings"]["parcel_id"].unique()) == parcels


def test_words_of_categories_are_sorted_and_used(whole):
    for name in ("steps", "routes"):
        for column in whole[name].select_dtypes("category"):
            words = list(whole[name][column].cat.categories)
            assert words == sorted(whole[name][column].dropna().astype("str").unique())


def test_a_budget_and_prices_look_across_all_blocks(given):
    rich = law_of(*given, DAY, HERE._replace(budget_eur=1e9), at_once=2)["routes"]
    assert rich.groupby("block_id")["funded"].first().all()
    cheapest = rich[rich["order"] == 1].set_index("block_id")["cost_eur"]
    poor = HERE._replace(budget_eur=float(cheapest["B002"]))
    paid = law_of(*given, DAY, poor, at_once=2)["routes"].groupby("block_id")["funded"].first()
    assert paid[paid].index.tolist() == ["B002"]  # the first by rank takes all


def test_blocks_are_alike_by_what_the_law_reads_of_their_parcels(given):
    blocks, members, facts, meals = given
    blocks = inorder(blocks)
    blocks["crops"], _ = crops_of(blocks["block_id"], meals)
    kinds = kinds_of(blocks, members, facts, DAY, HERE)
    assert kinds.kind.tolist() == [0, 1, 2, 0, 3, 4, 5]
    assert len(kinds.facts) == 5  # known owner, lost, refusal, public, nothing known
    assert "last_sale_eur_m2" not in kinds.facts
    known = facts.assign(in_natura2000=facts["in_natura2000"].where(facts.index != 6, False))
    other = kinds_of(blocks, members, known, DAY, HERE)
    assert len(set(other.kind)) == 7  # the parcel in 7th place is one of B004's


def test_every_fact_that_decides_is_read():
    names = set(names_read(DAY, HERE))
    assert {"years_unused", "owner_known", "owner_agrees_to_sell"} <= names
    for rule_ in HERE.advice["first"]:
        assert set(rule_["when"]) <= names


def test_no_block_no_row(given):
    none = law_of(*(table.iloc[:0] for table in given), DAY, HERE)
    assert [len(none[name]) for name in TABLES] == [0, 0, 0]
    assert none["routes"]["title"].dtype == "category"

"""Gates and instruments judged together: chained, each case once, and never turned by learning."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from friches import tables
from friches.errors import InputError
from friches.facts import dictionary
from friches.grammar import Document, FactRef, builds_on, uses
from friches.judge import judge, version_on
from friches.scenarios.rule import facts_named, gates, instruments, law, rule, verdicts

DAY = dt.date(2026, 9, 1)


def said(name, value, **of):
    """Return a condition: the fact of that name (or what `of` names) is yes, or is no."""
    return {"id": name, "text": "le texte", "is": value} | (of or {"fact": name})


def document(kind="instrument", **version):
    return Document.model_validate(
        {
            "title": "Essai",
            "kind": kind,
            "checked": {"on": dt.date(2026, 11, 21)},
            "version": [{"from": dt.date(2020, 1, 1), "source": "source"} | version],
        }
    )


CLEARING = document(
    "gate",
    condition=[said("force_majeure", True)],
    bar=[said("already_open", False, fact="farmable")],
)
ROUTE = document(
    condition=[
        said("owner_known", True),
        said("clearing", False, verdict_of="clearing"),
    ]
)
LAST = document(condition=[said("route", True, verdict_of="route")])
LAW = {"clearing": CLEARING, "last": LAST, "route": ROUTE}


def facts(**known):
    rows = len(next(iter(known.values()))) if known else 1
    ids = [f"12999000A{n:05d}" for n in range(rows)]
    table = {"parcel_id": ids, "commune": ["12999"] * rows}
    columns = {n: pd.array(v, dtype="boolean") for n, v in known.items()}
    return pd.DataFrame(table | columns)


def answered(rulings, name, condition="verdict"):
    rows = rulings[(rulings["instrument"] == name) & (rulings["condition"] == condition)]
    return [None if pd.isna(answer) else bool(answer) for answer in rows["answer"]]


def test_verdicts_chain_with_their_three_answers():
    known = facts(
        owner_known=[True, True, True, False, None],
        force_majeure=[False, True, None, None, False],
        farmable=[True, True, True, True, True],
    )
    rulings = rule(known, DAY, LAW)
    assert answered(rulings, "clearing") == [False, True, None, None, False]
    assert answered(rulings, "route") == [True, False, None, False, None]
    assert answered(rulings, "last") == [True, False, None, False, None]
    assert list(rulings["instrument"].unique()) == ["clearing", "last", "route"]


def test_what_the_other_document_asks_is_asked_down_the_chain_and_no_more():
    known = facts(owner_known=[True], force_majeure=[None], farmable=[True])
    rulings = rule(known, DAY, LAW).set_index(["instrument", "condition"])
    question = dictionary()["force_majeure"]
    for place in (("clearing", "force_majeure"), ("route", "clearing"), ("last", "route")):
        assert rulings.loc[place, "question"] == question.ask
        assert rulings.loc[place, "whom"] == question.whom
    assert pd.isna(rulings.loc[("route", "owner_known"), "question"])
    both = rule(facts(owner_known=[None]), DAY, LAW).set_index(["instrument", "condition"])
    asked = both.loc[("last", "route"), "question"].split(" ; ")
    names = ("owner_known", "force_majeure", "farmable")
    assert asked == [dictionary()[name].ask for name in names]


def test_a_way_that_is_open_or_shut_asks_nothing_of_others():
    ways = [
        {"id": "first", "text": "1°", "condition": [said("farmable", True)]},
        {"id": "second", "text": "2°", "condition": [said("farmer_ready", True)]},
    ]
    gate = document("gate", condition=[said("owner_known", True)], way=ways)
    on_gate = document(condition=[said("gate", True, verdict_of="gate")])
    known = facts(farmable=[True, False, None], owner_known=[None, True, True])
    rows = rule(known, DAY, {"gate": gate, "route": on_gate})
    rows = rows[(rows["instrument"] == "route") & (rows["condition"] == "gate")]
    asks = [dictionary()[n].ask for n in ("owner_known", "farmable", "farmer_ready")]
    assert rows["question"].tolist() == [asks[0], asks[2], f"{asks[1]} ; {asks[2]}"]


def test_rulings_are_what_each_document_says_parcel_by_parcel():
    known = facts(owner_known=[True, None, True, False], farmable=[None, True, None, True])
    by_parcel = known.set_index("parcel_id")
    rulings = rule(known.iloc[::-1], DAY, {"clearing": CLEARING})
    alone = judge(by_parcel, CLEARING.version[0], facts_named(LAW))
    for column in alone.columns:
        whole = alone[column].astype("object").where(alone[column].notna(), None)
        here = rulings[column].astype("object").where(rulings[column].notna(), None)
        assert whole.tolist() == here.tolist(), column
    assert rulings["version_from"].eq(pd.Timestamp("2020-01-01")).all()


def test_rulings_keep_the_shape_of_their_table():
    for parcels in (1, 0):
        rulings = rule(facts(owner_known=[True]).iloc[:parcels], DAY)
        assert list(rulings.columns) == [c.name for c in tables.TABLES["rulings"].columns]
        checked = tables.check(rulings, "rulings")
        assert len(checked) == parcels * sum(
            len(version_on(d, DAY).conditions) + len(version_on(d, DAY).way) + 1
            for d in law().values()
        )


def test_answers_alone_are_those_of_the_rulings():
    known = drawn(60, seed=1)
    wide, rulings = verdicts(known, DAY, every_condition=True), rule(known, DAY)
    names = rulings["instrument"].astype("str")
    names = names + ("." + rulings["condition"].astype("str")).replace(".verdict", "")
    long = rulings.assign(name=names).pivot_table(
        index="parcel_id", columns="name", values="answer", aggfunc="first", dropna=False
    )
    pd.testing.assert_frame_equal(
        wide.astype("boolean"), long[wide.columns].astype("boolean"), check_names=False
    )
    assert list(verdicts(known, DAY).columns) == list(law())


def test_a_parcel_twice_is_refused():
    twice = pd.concat([facts(owner_known=[True])] * 2)
    with pytest.raises(InputError, match="1 parcelle"):
        rule(twice, DAY)


def test_a_what_if_takes_the_place_of_the_law():
    changed = {"route": document(condition=[said("owner_known", False)])}
    known = facts(owner_known=[True], force_majeure=[False], farmable=[True])
    assert answered(rule(known, DAY, LAW | changed), "route") == [False]
    assert answered(rule(known, DAY, LAW | changed), "last") == [False]
    with pytest.raises(InputError, match="« clearing », document inconnu"):
        rule(known, DAY, {"route": ROUTE})


def test_gates_are_no_instruments_and_instruments_do_not_hide_behind_gates():
    assert not gates().keys() & instruments().keys()
    assert gates().keys() | instruments().keys() == law().keys()
    assert list(law()) == [*gates(), *instruments()]
    for name in law():
        assert f"verdict_of.{name}" in facts_named()
    for name, said_ in law().items():
        for other in builds_on(said_):
            assert other in law(), name


# ------------------------------------------------------------------ learning never reverses
def thresholds():
    """Return the values about which each fact decides something, by fact."""
    found: dict[str, set] = {}
    for document_ in law().values():
        for version in document_.version:
            for condition in version.conditions:
                for use in uses(condition):
                    values = use.value if isinstance(use.value, list) else [use.value]
                    found.setdefault(condition.fact, set()).update(
                        value for value in values if not isinstance(value, bool | FactRef)
                    )
    return found


NEAR = thresholds()


def drawn(parcels, seed):
    """Return facts fully known, most of them at or beside a threshold."""
    draw = np.random.default_rng(seed)
    columns = {
        "parcel_id": [f"12999{n:09d}" for n in range(parcels)],
        "commune": ["12999"] * parcels,
        "area_m2": [1.0] * parcels,
        "area_registered_m2": [1.0] * parcels,
    }
    for name, fact in dictionary().items():
        near = sorted(NEAR.get(name, ()))
        if fact.kind == "boolean":
            columns[name] = pd.array(draw.random(parcels) < 0.5, dtype="boolean")
        elif fact.kind == "text":
            columns[name] = draw.choice(np.array([*near, "autre"], dtype=object), parcels)
        elif fact.kind == "date":
            days = [pd.Timestamp(d) + pd.Timedelta(days=n) for d in near for n in (-1, 0, 1)]
            days = days or [pd.Timestamp("2020-01-01")]
            columns[name] = pd.Series(days)[draw.integers(0, len(days), parcels)].to_numpy()
        else:
            beside = [v + step for v in near or [1] for step in (-1, -0.1, 0, 0.1, 1)]
            beside = [round(v) for v in beside] if fact.kind == "integer" else beside
            values = draw.choice(np.array(beside, dtype=float), parcels)
            ends = (f"{name}_low", f"{name}_high") if fact.bounded else (name,)
            columns |= dict.fromkeys(ends, values)
    return pd.DataFrame(columns)


def less(known, seed):
    """Return the same facts, four in ten hidden and the ends of bounded ones apart."""
    draw = np.random.default_rng(seed)
    hidden = known.copy()
    for name in known.columns[4:]:
        column = known[name]
        if name.endswith("_low"):
            column = column - draw.integers(0, 3, len(known))
        elif name.endswith("_high"):
            column = column + draw.integers(0, 3, len(known))
        hidden[name] = column.mask(draw.random(len(known)) < 0.4)
    return hidden


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 10**6))
def test_a_settled_answer_never_turns_when_more_becomes_known(seed):
    known = drawn(300, seed)
    unsure = less(known, seed + 1)
    after = verdicts(known, DAY, every_condition=True)
    before = verdicts(unsure, DAY, every_condition=True)
    further = verdicts(less(unsure, seed + 2), DAY, every_condition=True)
    assert after.notna().all(axis=None)  # every fact known: nothing is left unknown
    for first, then in ((before, after), (further, before)):
        settled = first.notna()
        assert (first.eq(then).fillna(value=False) | ~settled).all(axis=None)


def test_every_unknown_verdict_says_what_to_ask_and_whom():
    rulings = rule(less(drawn(100, 7), 8), DAY)
    named = rulings["condition"].astype("str")
    ways = {way.id for d in law().values() for way in version_on(d, DAY).way} | {"verdict"}
    open_ = rulings[rulings["answer"].isna() & ~named.isin(ways)]
    assert open_["question"].notna().all()
    assert open_["whom"].notna().all()

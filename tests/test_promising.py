"""Large territories: the most promising blocks are weighed, and what is left out is said."""

from __future__ import annotations

from types import SimpleNamespace

import allocated
import pandas as pd
import pytest
import test_plan_openings as planned
from hypothesis import given, settings
from hypothesis import strategies as st

from friches.allocation import sentence
from friches.errors import InputError
from friches.outcome import outcome
from friches.plan import Goal, plan
from friches.promising import others, part, promising, without
from friches.summary import weighed

PULSES = "légumes secs"
LEFT_SAID = (
    " Répartition faite sur les 2 îlots les plus probables sur 3 (2\u202fha sur 6\u202fha) : "
    "l'autre îlot (4\u202fha) n'est ni compté ni exclu."
)


def land(*answers, areas=None, ranks=None):
    count = len(answers)
    ids = [f"B{n:03d}" for n in range(1, count + 1)]
    table = pd.DataFrame({"block_id": ids, "area_ha": areas or [1.0] * count})
    table["answer"] = pd.array(answers, dtype="boolean")
    return table if ranks is None else table.assign(rank=ranks)


def kept(blocks, most):
    return promising(blocks, most)[0]["block_id"].tolist()


@pytest.mark.parametrize(("most", "left"), [(3, None), (4, None), (2, 1)])
def test_nothing_is_left_out_up_to_the_limit(most, left):
    blocks = land(True, True, True)
    inside, out = promising(blocks, most)
    if left is None:
        assert out is None
        assert inside is blocks
        assert without(blocks, out) is blocks
    else:
        assert (out.weighed, out.blocks, out.ids) == (2, 3, {"B003"})
        assert without(blocks, out)["block_id"].tolist() == ["B001", "B002"]


def test_yes_comes_first_then_the_rank_then_the_identifier():
    assert kept(land(None, False, True, True), 2) == ["B003", "B004"]
    assert kept(land(None, False, None, True), 2) == ["B001", "B004"]
    assert kept(land(True, True, True, ranks=[3, 1, 2]), 2) == ["B002", "B003"]
    uneven = pd.DataFrame({"block_id": ["B10", "B9", "B8"], "area_ha": 1.0})
    assert kept(uneven, 2) == ["B9", "B8"]  # the order of rows stays, B9 counts before B10


@given(st.permutations(range(6)), st.integers(1, 5))
@settings(max_examples=20, deadline=None)
def test_the_order_of_rows_changes_nothing(order, most):
    blocks = land(True, None, True, None, True, True)
    assert sorted(kept(blocks.iloc[list(order)], most)) == sorted(kept(blocks, most))


def test_a_limit_under_one_is_refused():
    with pytest.raises(InputError, match="told_in_full"):
        promising(land(True), 0)


def test_both_numbers_and_the_hectares_are_said():
    said = promising(land(True, True, True, True, areas=[1.0, 1000.0, 2.0, 30.0]), 2)[1].said
    assert (
        part(said)
        == "les 2 îlots les plus probables sur 4 (1\u202f001\u202fha sur 1\u202f033\u202fha)"
    )
    assert others(said) == "les 2 autres îlots (32\u202fha)"


# ------------------------------------------------------------------ the allocation


def shared(most, answers=(True, True, True), order=None):
    """Three blocks of one farm and one canteen; the third is the largest."""
    ids = ["B001", "B002", "B003"]
    blocks = land(*answers, areas=[1.0, 1.0, 4.0])
    rows = [
        (name, allocated.LENTIL, area, 100.0) for name, area in zip(ids, (1, 1, 4), strict=True)
    ]
    supply, reach = (
        allocated.supply(*rows),
        allocated.near([(name, "F1") for name in ids], [(name, "C1") for name in ids]),
    )
    tables = [blocks, supply, reach]
    if order is not None:
        tables = [table.sample(frac=1, random_state=order) for table in tables]
    return allocated.run(
        *tables,
        allocated.farmers(("F1",)),
        allocated.demand(("C1", PULSES, 100.0, 0.0)),
        calendar=allocated.calendar(keeps=[allocated.LENTIL]),
        told_in_full=most,
    )


def test_exactly_at_the_limit_nothing_is_said():
    whole = shared(3)
    assert "left_out" not in whole.solved
    assert "Répartition faite" not in sentence(whole)
    assert not whole.matches["why"].str.contains("pesé").any()
    assert not whole.limits["text"].str.contains("pesés").any()


def test_one_block_too_many_is_said_wherever_it_counts():
    found = shared(2)
    assert found.solved["left_out"] == {
        "weighed": 2, "blocks": 3, "weighed_ha": 2.0, "area_ha": 6.0,
    }  # fmt: skip
    assert sentence(found).endswith(LEFT_SAID)
    assert sorted(found.plots["block_id"]) == ["B001", "B002"]
    assert found.matches["block_id"].tolist() == ["B001", "B002", "B003"]
    last = found.matches.iloc[2]
    assert last["why"] == "Îlot non pesé : seuls les 2 plus probables sur 3 sont répartis."
    assert last.drop(["block_id", "why"]).isna().all()
    open_ = found.limits[~found.limits["limit"].isin(["closed", "unknown_share"])]
    assert len(open_)
    assert open_["text"].str.endswith(" (2 îlots pesés sur 3)").all()


def test_a_sure_block_goes_before_a_likelier_doubt():
    found = shared(2, answers=(None, True, True))
    assert sorted(found.plots["block_id"]) == ["B002", "B003"]
    assert found.plots["counted"].all()


def test_the_order_of_tables_changes_nothing_in_what_is_shared():
    first, second = shared(2), shared(2, order=5)
    for name in ("plots", "flows", "matches", "limits", "shares"):
        pd.testing.assert_frame_equal(getattr(first, name), getattr(second, name))


def test_a_block_that_no_table_knows_is_still_refused():
    strange = allocated.supply(("B009", allocated.LENTIL, 1.0, 100.0))
    blocks = land(True, True, True)
    trips = allocated.near([("B001", "F1")], [("B001", "C1")])
    wanted = allocated.demand(("C1", PULSES, 100.0, 0.0))
    with pytest.raises(InputError, match="B009"):
        allocated.run(blocks, strange, trips, allocated.farmers(("F1",)), wanted, told_in_full=2)


# ------------------------------------------------------------------ the headline figures


def test_meals_that_land_could_feed_count_all_blocks_and_the_note_says_so():
    found = shared(2)
    meals = pd.DataFrame({"meals_low": [1.0] * 3, "meals": [2.0] * 3, "meals_high": [3.0] * 3})
    wanted = allocated.demand(("C1", PULSES, 100.0, 0.0))
    told = outcome(meals, wanted, found.shares)
    assert told["meals_uncapped"]["central"] == 6.0  # the block left out is there
    assert told["meals_per_year"]["central"] == pytest.approx(200.0)  # 2 ha of 100 kg
    plots = found.plots.copy()
    plots.attrs["solved"] = found.solved
    note = weighed(SimpleNamespace(plots=plots))
    assert len(note) == 1
    assert "les 2 îlots les plus probables sur 3" in note[0]
    assert "l'autre îlot (4\u202fha)" in note[0]


def test_no_note_where_all_blocks_are_weighed():
    plots = shared(3).plots.copy()
    plots.attrs["solved"] = shared(3).solved
    assert weighed(SimpleNamespace(plots=plots)) == []
    assert weighed(SimpleNamespace(plots=None)) == []


# ------------------------------------------------------------------ the plan of action


def opened(most, goal=None, kind="str"):
    names = [f"B{n:03d}" for n in range(1, 4)]
    # The third block is the cheapest by far.
    costs = (100.0, 100.0, 1.0)
    rows = [(name, "M", cost, 1.0, *planned.SOON) for name, cost in zip(names, costs, strict=True)]
    routes = planned.routes(*rows).astype({"block_id": kind, "instrument": kind, "title": kind})
    return plan(
        planned.blocks(3, area_ha=[1.0, 1.0, 4.0]), routes, planned.harvest([1000.0] * 3),
        planned.demand(), planned.DAY, goal or planned.GOAL, with_front=False, told_in_full=most,
    )  # fmt: skip


def test_a_plan_weighs_all_blocks_at_the_limit_and_says_nothing():
    found = opened(3)
    assert found.openings["block_id"].tolist() == ["B003"]
    assert "Plan cherché" not in found.sentence


def test_a_plan_of_a_larger_territory_says_what_it_did_not_weigh():
    found = opened(2)
    assert found.openings["block_id"].tolist() == ["B001"]
    assert found.sentence.endswith(
        " Plan cherché parmi les 2 îlots les plus probables sur 3 (2\u202fha sur 6\u202fha) : "
        "l'autre îlot (4\u202fha) n'est pas pesé, il pourrait faire mieux."
    )


def test_land_that_is_short_is_not_said_to_be_all_the_land():
    more = Goal(PULSES, 1.0, planned.BY)
    found = opened(1, goal=more)
    assert found.solved["reached"]
    short = plan(
        planned.blocks(3), planned.routes(("B001", "M", 1.0, 1.0, *planned.SOON)),
        planned.harvest([10.0] * 3), planned.demand(), planned.DAY, more,
        with_front=False, told_in_full=2,
    )  # fmt: skip
    assert "les 2 îlots pesés ensemble donneraient" in short.sentence
    assert "tous les îlots" not in short.sentence


def test_texts_or_categories_give_the_same_plan():
    pd.testing.assert_frame_equal(opened(3).openings, opened(3, kind="category").openings)

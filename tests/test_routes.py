"""Routes of blocks: counted answers, reasons, questions, order, dates up to the first meal."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from friches import tables
from friches.errors import InputError
from friches.facts import dictionary
from friches.judge import version_on
from friches.scenarios import routes as module
from friches.scenarios.routes import fitted, plan
from friches.scenarios.rule import instruments, rule

DAY = dt.date(2026, 9, 1)
DATES = [f"{what}{end}" for what in ("land_on", "first_meal_on") for end in ("_low", "", "_high")]


def case(parcels, *, stage="friche herbacée", crops=("légumes",), day=DAY):
    """Plan blocks of parcels: {block: [facts of each parcel]}."""
    rows, members = [], []
    for block, known in parcels.items():
        for number, facts in enumerate(known):
            pid = f"12999000{block}{number:02d}"
            members.append({"parcel_id": pid, "block_id": block})
            row = {"parcel_id": pid, "years_unused_low": None, "years_unused_high": None}
            for name, value in facts.items():
                ends = ("_low", "_high") if dictionary()[name].bounded else ("",)
                row |= {f"{name}{end}": value for end in ends}
            rows.append(row)
    facts = pd.DataFrame(rows)
    facts = facts.astype({"years_unused_low": "float64", "years_unused_high": "float64"})
    blocks = pd.DataFrame({"block_id": list(parcels), "stage": stage}).astype("str")
    meals = pd.DataFrame(
        [(b, c, c, 100.0) for b in parcels for c in crops],
        columns=["block_id", "crop", "food_group", "kg"],
    )
    members = pd.DataFrame(members)
    return plan(blocks, members, rule(facts, day), facts, meals, day)


def test_one_row_a_block_and_instrument_and_tables_hold():
    steps, routes = case({"B001": [{}, {}], "B002": [{}]})
    tables.check(steps, "steps")
    tables.check(routes, "routes")
    assert len(routes) == 8
    assert routes["answer"].isna().all()
    assert routes.groupby("block_id")["order"].apply(list).tolist() == [[1, 2, 3, 4]] * 2
    assert (routes["n_yes"] + routes["n_no"] + routes["n_unknown"]).tolist() == [2] * 4 + [1] * 4


def route(routes, instrument, block="B001"):
    return routes.set_index(["block_id", "instrument"]).loc[block, instrument]


def test_a_known_owner_closes_the_route_of_goods_without_owner():
    steps, routes = case({"B001": [{"owner_known": True}]})
    closed = route(routes, "sans_maitre_2")
    assert not closed["answer"]
    assert closed["order"] == 4
    assert closed["why_closed"] == "Propriétaire connu : oui (exigé : non)"
    assert pd.isna(closed["to_ask"])
    assert closed[DATES].isna().all()
    assert "sans_maitre_2" not in set(steps["instrument"])


def test_an_unknown_owner_closes_the_amicable_routes():
    _, routes = case({"B001": [{"owner_known": False}]})
    assert routes["instrument"].tolist()[2:] == ["cmd_safer", "safer_amiable"]
    assert routes["answer"].fillna(True).tolist() == [True, True, False, False]


def test_ways_close_only_together_and_then_say_why():
    closed = {
        "owner_known": False,
        "property_tax_unpaid_years": 3.0,
        "tax_paid_by_third_party": False,
        "tax_exempt_or_not_collected": False,
    }
    _, routes = case({"B001": [closed]})
    why = route(routes, "sans_maitre_2")["why_closed"]
    assert why.startswith("Années de taxe foncière non acquittée : 3")
    assert "exonérée" in why
    _, routes = case({"B001": [closed | {"tax_exempt_or_not_collected": pd.NA}]})
    assert pd.isna(route(routes, "sans_maitre_2")["answer"])


def test_a_block_open_in_part_is_unknown_and_says_for_how_many():
    _, routes = case({"B001": [{"owner_known": True}, {"owner_known": False}, {}]})
    partly = route(routes, "sans_maitre_2")
    assert pd.isna(partly["answer"])
    assert (partly["n_yes"], partly["n_no"], partly["n_unknown"]) == (0, 1, 2)
    assert partly["why_closed"].startswith("voie fermée pour une partie de l'îlot")
    assert "1 parcelle(s) sur 3" in partly["why_closed"]
    assert "Le propriétaire est-il connu ?" in partly["to_ask"]


def test_a_block_is_open_when_all_its_parcels_are():
    sold = {"farmable": True, "owner_known": True, "owner_agrees_to_sell": True}
    _, routes = case({"B001": [sold, sold]})
    assert route(routes, "safer_amiable")["answer"]
    assert pd.isna(route(routes, "safer_amiable")["why_closed"])
    _, routes = case({"B001": [sold, sold | {"owner_agrees_to_sell": pd.NA}]})
    assert pd.isna(route(routes, "safer_amiable")["answer"])


def test_a_parcel_without_ruling_is_unknown():
    facts = pd.DataFrame({"parcel_id": ["12999000B00100", "12999000B00101"]})
    facts["owner_known"] = pd.array([True, True], dtype="boolean")
    members = facts[["parcel_id"]].assign(block_id="B001")
    blocks = pd.DataFrame({"block_id": ["B001"], "stage": [None]})
    meals = pd.DataFrame(columns=["block_id", "crop", "food_group", "kg"])
    _, routes = plan(blocks, members, rule(facts.iloc[:1], DAY), facts, meals, DAY)
    said = route(routes, "sans_maitre_2")
    assert (said["n_no"], said["n_unknown"]) == (1, 1)
    assert pd.isna(said["answer"])


def test_amicable_routes_come_first_then_the_earliest():
    _, routes = case({"B001": [{}]})
    assert routes["instrument"].tolist() == [
        "cmd_safer",
        "safer_amiable",
        "l125_individuel",
        "sans_maitre_2",
    ]
    assert routes.loc[2, "land_on"] <= routes.loc[3, "land_on"]


def test_questions_name_whom_to_ask():
    _, routes = case({"B001": [{}]})
    asked = route(routes, "l125_individuel")["to_ask"]
    assert "force majeure" in asked
    assert asked.count("(") >= 5
    assert route(routes, "l125_individuel")["assumes"].startswith("ASSUMPTION")


# ------------------------------------------------------------------- optional steps
def test_a_missing_owner_calls_the_judge_and_a_known_one_does_not():
    dates, seen = {}, {}
    for said in (True, False, pd.NA):
        steps, routes = case({"B001": [{"owner_known": said}]})
        legal = steps[steps["instrument"] == "l125_individuel"].set_index("step")
        seen[said] = legal
        dates[said] = route(routes, "l125_individuel")[DATES[:3]]
    assert "mandataire" not in seen[True].index
    assert not seen[False].loc["mandataire", "optional"]
    assert seen[pd.NA].loc["mandataire", "optional"]
    assert dates[True]["land_on"] == dates[pd.NA]["land_on"] < dates[False]["land_on"]
    latest = {said: told["land_on_high"] for said, told in dates.items()}
    assert latest[True] < latest[False] == latest[pd.NA]


def test_steps_left_out_leave_no_gap():
    steps = version_on(instruments()["l125_individuel"], DAY).step
    kept = {s.id: s for s in fitted(steps, "-reprise -annee_reprise +mandataire")}
    assert kept["constat"].after == ["silence", "visite"]
    assert not kept["mandataire"].optional
    for name, document in instruments().items():
        known = {s.id for s in document.version[-1].step}
        needs = module._optional_needs(document, name)
        assert {need[0] for need in needs} <= known
        assert {need[1] for need in needs} <= dictionary().keys()


def test_an_optional_need_that_cannot_be_read_is_refused():
    about = {"optional_needs": ["mandataire owner_known"]}
    document = instruments()["l125_individuel"].model_copy(update={"about": about})
    with pytest.raises(InputError, match="illisible"):
        module._optional_needs(document, "essai")


# ---------------------------------------------------------------------------- dates
def test_land_then_clearing_conversion_harvest_and_meal():
    steps, routes = case({"B001": [{}]})
    rows = steps[steps["instrument"] == "cmd_safer"].set_index("step")
    assert rows.index.tolist()[-5:] == [
        "bail",
        "remise_en_etat",
        "conversion_bio",
        "premiere_recolte",
        "premier_repas",
    ]
    assert rows["position"].tolist() == list(range(1, 9))
    told = route(routes, "cmd_safer")
    assert told["land_on"] == rows.loc["bail", "ends_on"]
    assert told["first_meal_on"] == rows.loc["premier_repas", "ends_on"]
    assert rows.loc["conversion_bio", "ends_on"] == told["land_on"] + pd.DateOffset(months=24)
    assert rows["practice"].notna().all()


def test_no_crop_no_meal_date():
    steps, routes = case({"B001": [{}]}, crops=())
    assert routes["first_meal_on"].isna().all()
    assert routes["land_on"].notna().all()
    assert "premier_repas" not in set(steps["step"])


def test_the_crop_served_first_sets_the_first_meal():
    steps, routes = case({"B001": [{}]}, crops=("fruits", "légumes"))
    _, alone = case({"B001": [{}]}, crops=("légumes",))
    assert routes["first_meal_on"].tolist() == alone["first_meal_on"].tolist()
    assert steps.loc[steps["step"] == "premiere_recolte", "act"].str.contains("légumes").all()


@pytest.mark.parametrize(("years", "recognised"), [(3.0, True), (2.0, False), (None, True)])
def test_untreated_years_are_recognised_from_three_on(years, recognised):
    known = {} if years is None else {"years_unused": years}
    steps, _ = case({"B001": [known, {}]})
    row = steps[(steps["instrument"] == "cmd_safer") & (steps["step"] == "conversion_bio")].iloc[0]
    assert (row["ends_on_low"] == row["starts_on_low"]) == recognised


def test_no_block_no_row():
    steps, routes = case({"B001": [{}]})
    none = steps.iloc[:0]
    blocks = pd.DataFrame({"block_id": [], "stage": []})
    steps, routes = plan(blocks, none, none, none, none, DAY)
    assert steps.empty
    assert routes.empty


def test_same_tables_whatever_the_order_of_rows():
    parcels = {"B001": [{"owner_known": True}, {}], "B002": [{"owner_known": False}]}
    first = case(parcels, crops=("fruits", "légumes"))
    again = case(dict(reversed(parcels.items())), crops=("légumes", "fruits"))
    for one, other in zip(first, again, strict=True):
        pd.testing.assert_frame_equal(one, other)


STAGES = st.sampled_from([None, *tables.STAGES])
CROPS = st.sets(st.sampled_from(["légumes", "fruits", "pain", "agneau", "nouveauté"]), max_size=3)


@settings(max_examples=8, deadline=None)
@given(st.dates(dt.date(2024, 7, 1), dt.date(2050, 1, 1)), STAGES, CROPS)
def test_dates_never_cross_and_the_meal_comes_after_the_land(day, stage, crops):
    known = [{"owner_known": True, "years_unused": 1.0}, {"lease_running": False}]
    steps, routes = case({"B001": known, "B002": [{}]}, stage=stage, crops=tuple(crops), day=day)
    followed = routes[routes["land_on"].notna()]
    assert len(followed) == 8
    for what in ("land_on", "first_meal_on") if crops else ("land_on",):
        assert (followed[f"{what}_low"] <= followed[what]).all()
        assert (followed[what] <= followed[f"{what}_high"]).all()
    if crops:
        for end in ("_low", "", "_high"):
            assert (followed[f"first_meal_on{end}"] > followed[f"land_on{end}"]).all()
    for what in ("starts_on", "ends_on"):
        assert (steps[f"{what}_low"] <= steps[what]).all()
        assert (steps[what] <= steps[f"{what}_high"]).all()

"""Routes of blocks: counted answers, reasons, questions, order, dates up to the first meal."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from friches import tables
from friches.errors import InputError
from friches.facts import dictionary
from friches.judge import version_on
from friches.scenarios import cost
from friches.scenarios.needs import optional_needs
from friches.scenarios.path import fitted
from friches.scenarios.routebook import of_instrument, read_routes
from friches.scenarios.routes import plan
from friches.scenarios.rule import facts_named, instruments, rule
from friches.scenarios.setting import ROUTES, setting
from friches.scenarios.sidebyside import side_by_side

DAY = dt.date(2026, 9, 1)
FOUR = ["cmd_safer", "l125_individuel", "safer_amiable", "sans_maitre_2"]


def only(names, routes=None, *, gates=True):
    """Return the package's setting with a few instruments, each a route of its own."""
    whole = setting()
    kept = {name: said for name, said in whole.documents.items() if said.kind == "gate"}
    kept |= {name: whole.documents[name] for name in names}
    alone = {name: of_instrument(name, kept[name]) for name in names}
    usual = ["cmd_safer", "safer_amiable", "sans_maitre_2", "l125_individuel"]
    advice = dict(whole.advice) | ({} if gates else {"gate": {}}) | {"order": {"routes": usual}}
    return whole._replace(
        advice=advice, documents=kept, routes=dict(sorted((routes or alone).items()))
    )


DATES = [f"{what}{end}" for what in ("land_on", "first_meal_on") for end in ("_low", "", "_high")]


def case(parcels, *, stage="friche herbacée", crops=("légumes",), day=DAY, here=None):
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
    here = here or only(FOUR)
    rulings = rule(facts, day, here.documents)
    return plan(blocks, members, rulings, facts, meals, day, here)


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
    _, routes = plan(blocks, members, rule(facts.iloc[:1], DAY), facts, meals, DAY, only(FOUR))
    said = route(routes, "sans_maitre_2")
    assert (said["n_no"], said["n_unknown"]) == (1, 1)
    assert pd.isna(said["answer"])


def test_amicable_routes_come_first_then_the_usual_order():
    _, routes = case({"B001": [{}]})
    assert routes["instrument"].tolist() == [
        "cmd_safer",
        "safer_amiable",
        "sans_maitre_2",
        "l125_individuel",
    ]
    assert routes["kind"].tolist() == ["amiable", "amiable", "contraint", "contraint"]


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
        needs = optional_needs(document, name)
        assert {need[0] for need in needs} <= known
        assert {need[1] for need in needs} <= facts_named().keys()


def test_an_optional_need_that_cannot_be_read_is_refused():
    about = {"optional_needs": ["mandataire owner_known"]}
    document = instruments()["l125_individuel"].model_copy(update={"about": about})
    with pytest.raises(InputError, match="illisible"):
        optional_needs(document, "essai")


# ---------------------------------------------------------------------------- dates
def test_land_then_clearing_conversion_harvest_and_meal():
    steps, routes = case({"B001": [{}]}, here=only(FOUR, gates=False))
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


# ------------------------------------------------------------------- routes as data
WHOLE = setting()


def test_every_route_names_what_exists_and_says_what_a_reader_needs():
    assert len(WHOLE.routes) >= 30
    for name, route in WHOLE.routes.items():
        for leg in route.leg:
            assert leg.instrument in WHOLE.documents, name
            assert bool(leg.supposes) == bool(leg.why_supposed), name
        assert route.kind == "cadre" or route.land, name
        assert route.source, name
    opening = {route.instruments[0] for route in WHOLE.routes.values()}
    assert opening == set(instruments())  # every instrument opens a route


def test_the_order_of_advice_names_every_route_once_and_only_those():
    listed = WHOLE.advice["order"]["routes"]
    assert sorted(listed) == sorted(WHOLE.routes)
    kinds = [WHOLE.routes[name].kind for name in listed]
    assert kinds == sorted(kinds, key=["amiable", "contraint", "cadre"].index)
    for rule_ in WHOLE.advice["first"]:
        assert set(rule_["routes"]) <= set(listed), rule_["id"]
        assert set(rule_["when"]) <= dictionary().keys(), rule_["id"]
        assert rule_["reason"]
    gates = {n for n, d in WHOLE.documents.items() if d.kind == "gate"}
    assert WHOLE.advice["gate"].keys() <= gates
    assert WHOLE.advice["frame"].keys() <= instruments().keys()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ('instrument = "bidon"', "instrument inconnu « bidon »"),
        ('until = "bidon"', "« until » : étape inconnue"),
        ('after = ["x.y"]', "« after »"),
        ("supposes = { bidon = true }", "fait inconnu « bidon »"),
        ("bidon = 1", "clé inconnue"),
        ('before = ["cmd_safer.bail"]', "« before » sans « until »"),
    ],
)
def test_a_route_that_names_what_does_not_exist_is_refused(tmp_path, change, message):
    text = (ROUTES / "section_bail.toml").read_text("utf-8")
    head = text[: text.index("\n[[leg]]")].replace("sections_de_commune.bail", "cmd_safer.bail")
    leg = '\n[[leg]]\ninstrument = "cmd_safer"\n'
    if change.startswith("instrument"):
        leg = "\n[[leg]]\n"
    (tmp_path / "essai.toml").write_text(head + leg + change, "utf-8")
    with pytest.raises(InputError, match=message):
        read_routes(tmp_path, WHOLE.documents, dictionary())


def test_a_frame_has_steps_and_no_date_of_land():
    steps, routes = case({"B001": [{}]}, here=WHOLE)
    frames = routes[routes["kind"] == "cadre"]
    assert set(frames["instrument"]) == set(WHOLE.advice["frame"])
    assert frames["land_on"].isna().all()
    assert "remise_en_etat" not in set(steps.loc[steps["instrument"] == "zap", "step"])
    assert frames["order"].min() > routes.loc[routes["kind"] != "cadre", "order"].max()


def test_a_leg_is_read_with_what_the_legs_before_have_made_true():
    known = {"owner_known": False, "owner_is_public": False, "heirless_succession": False}
    known |= {"property_tax_unpaid_years": 4.0}
    _, routes = case({"B001": [known]}, here=WHOLE)
    assert not route(routes, "bail_public_bio")["answer"]  # the owner is not public today
    after = route(routes, "sans_maitre_2_bail")
    assert pd.isna(after["answer"])  # but will be: left to ask are the farmer's facts
    assert "propriétaire est-il connu" not in after["to_ask"]
    assert "association agréée" not in after["to_ask"]  # a public lessor's way is open
    farmer = {"farmer_has_dja": True, "forest_regime": False, "farmer_ready": True}
    _, routes = case({"B001": [known | farmer]}, here=WHOLE)
    assert route(routes, "sans_maitre_2_bail")["answer"]


def test_legs_follow_one_another_and_clauses_are_written_before_the_lease():
    steps, _ = case({"B001": [{}]}, here=WHOLE)
    rows = steps[steps["instrument"] == "sans_maitre_2_bail"].set_index("step")
    assert "sans_maitre_2.bail" not in rows.index
    start = rows.loc["bail_rural_public.deliberation", "starts_on"]
    assert start == rows.loc["sans_maitre_2.incorporation", "ends_on"]
    for end in ("_low", "", "_high"):
        lease = rows.loc["bail_rural_public.bail", f"starts_on{end}"]
        assert lease >= rows.loc["bre.clauses", f"ends_on{end}"]
    assert rows.loc["sans_maitre_2.attente", "critical"]
    later = steps[steps["instrument"] == "cmd_puis_bail"].set_index("step")
    term = later.loc["cmd_safer.bail", "ends_on"] + pd.DateOffset(years=6)
    assert later.loc["bail_long_terme.attente_terme", "ends_on"] >= term


def test_an_offer_during_the_two_months_may_free_the_land_sooner():
    _, alone = case({"B001": [{}]}, here=only(["l125_individuel"]))
    for refused in (False, True):
        known = {"owner_agrees_to_lend": False} if refused else {}
        steps, routes = case({"B001": [known]}, here=WHOLE)
        with_offer = route(routes, "l125_avec_cmd")
        assert pd.isna(with_offer["answer"])
        offered = steps.loc[steps["instrument"] == "l125_avec_cmd", "step"].str.startswith("cmd_")
        assert offered.any() != refused
        sooner = with_offer["land_on_low"] < alone["land_on_low"].iloc[0]
        assert sooner != refused
        assert with_offer["land_on"] == alone["land_on"].iloc[0]


# -------------------------------------------------------------------- what is advised
KNOWN = {"owner_known": True}
REFUSES = KNOWN | {"owner_agrees_to_lend": False, "owner_agrees_to_sell": False}


@pytest.mark.parametrize(
    ("known", "first"),
    [
        ({}, "cmd_puis_bail"),
        (KNOWN, "cmd_puis_bail"),
        (KNOWN | {"owner_agrees_to_lend": True}, "cmd_puis_bail"),
        (KNOWN | {"owner_agrees_to_sell": True}, "safer_amiable"),
        (REFUSES, "l125_avec_cmd"),
        ({"owner_known": False}, "sans_maitre_1_bail"),
        ({"owner_known": False, "succession_opened_years": 5.0, "in_frr": False, "in_ort": False,
          "in_gou": False, "in_qpv": False}, "sans_maitre_2_bail"),
        ({"owner_is_section": True}, "section_bail"),
        ({"owner_is_section": True, "owner_known": False}, "section_bail"),
    ],
)  # fmt: skip
def test_the_first_route_is_the_one_whose_conditions_are_met(known, first):
    _, routes = case({"B001": [known]}, here=WHOLE)
    assert routes.loc[0, "instrument"] == first
    assert routes["advice"].notna().tolist() == [True] + [False] * (len(routes) - 1)


def test_a_fact_counts_for_a_block_over_half_of_its_parcels():
    sells = KNOWN | {"owner_agrees_to_sell": True}
    for parcels, first in (([sells, sells, {}], "safer_amiable"), ([sells, {}], "cmd_puis_bail")):
        _, routes = case({"B001": parcels}, here=WHOLE)
        assert routes.loc[0, "instrument"] == first


def test_amicable_then_constrained_then_frames_then_closed():
    _, routes = case({"B001": [REFUSES | {"owner_is_section": False}]}, here=WHOLE)
    closed = routes["answer"].eq(False).fillna(value=False)
    assert closed.tolist() == sorted(closed)
    left = routes[~closed].iloc[1:]  # the first one is advised whatever its kind
    places = left["kind"].map(["amiable", "contraint", "cadre"].index)
    assert places.tolist() == sorted(places)


# ----------------------------------------------------------------- gates, draws, costs
def test_a_gate_that_holds_delays_works_one_that_does_not_is_left_out():
    here, dates, asked = only(FOUR), {}, {}
    for metres in (0.0, 12.0, None):
        known = (
            {}
            if metres is None
            else {"hedge_removed_m": metres, "hedge_declaration_unopposed": False}
        )
        steps, routes = case({"B001": [known]}, here=here)
        rows = steps[steps["instrument"] == "cmd_safer"].set_index("step")
        works = rows.loc["remise_en_etat"]
        dates[metres] = works["starts_on"]
        asked[metres] = "haies.declaration" in rows.index
        land = route(routes, "cmd_safer")["land_on"]
        assert (works["starts_on"] > land) == (metres == 12.0)
    assert asked == {0.0: False, 12.0: True, None: True}
    assert dates[0.0] == dates[None] < dates[12.0]


def test_gates_ask_their_questions_of_every_route_left():
    _, routes = case({"B001": [{}]}, here=WHOLE)
    assert routes["to_ask"].str.contains("photovoltaïque").all()
    assert not routes.loc[0, "to_ask"].count("photovoltaïque") > 2


def test_quantiles_are_ordered_and_the_chance_too():
    _, routes = case({"B001": [KNOWN], "B002": [{}]}, here=WHOLE, crops=("légumes", "fruits"))
    freed = routes[routes["land_on"].notna()]
    for what in ("land_on", "first_meal_on"):
        bounds = [freed[f"{what}_{part}"] for part in ("low", "p10", "p50", "p90", "high")]
        for before, after in pairwise(bounds):
            assert (before <= after).all()
    assert (freed["land_on_floor"] <= freed["land_on_low"]).all()
    assert (freed["chance_low"] <= freed["chance"]).all()
    assert (freed["chance"] <= freed["chance_high"]).all()
    assert freed["critical_path"].str.len().gt(0).all()


def test_costs_add_procedure_and_clearing():
    here = only(["cmd_safer", "safer_amiable"])
    blocks = pd.DataFrame({"block_id": ["B1"], "stage": ["friche herbacée"]})
    blocks = blocks.assign(area_ha=2.0, n_parcels=3)
    routes = pd.DataFrame({"block_id": "B1", "instrument": list(here.routes)})
    price = {"low": 1000.0, "central": 2000.0, "high": 3000.0}
    told = cost.costs(routes, blocks, price, here).set_axis(list(here.routes))
    assert told.loc["cmd_safer", "clearing_eur"] == 600 * 2
    assert told.loc["cmd_safer", "cost_eur"] == 300 + 600 * 2
    assert told.loc["safer_amiable", "cost_eur"] == 1.08 * 2 * 2000 + 1200 + 600 * 2
    unknown = cost.costs(routes, blocks.drop(columns="area_ha"), price, here)
    assert unknown["cost_eur"].isna().all()
    assert "8" in cost.told("safer_amiable", here)


def test_known_sales_replace_the_assumed_price_from_five_on():
    said = WHOLE.cost
    few = pd.DataFrame({"last_sale_eur_m2": [0.1, 0.2, 0.3, 0.4, 250.0, None]})
    assert cost.prices(few, said)["central"] == said["price"]["central"]
    enough = pd.DataFrame({"last_sale_eur_m2": [0.1, 0.2, 0.3, 0.4, 0.5]})
    assert cost.prices(enough, said) == pytest.approx({"low": 2000, "central": 3000, "high": 4000})


def test_clearing_costs_are_known_for_every_stage():
    assert set(WHOLE.cost["clearing"]["stages"]) == set(tables.STAGES)


def test_routes_side_by_side():
    _, routes = case({"B001": [KNOWN]}, here=WHOLE)
    told = side_by_side(routes, "B001")
    assert told.columns[0] == routes.loc[0, "title"]
    assert "Force de la clause bio" in told.index
    assert told.notna().all().all()
    assert len(side_by_side(routes, "B001", closed=True).columns) == len(routes)
    with pytest.raises(InputError, match="B009"):
        side_by_side(routes, "B009")

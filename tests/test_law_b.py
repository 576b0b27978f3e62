"""Instruments on owners, co-owners and land consolidation: thresholds, ranks, chains."""

from __future__ import annotations

import pandas as pd
import pytest
from judged import DAY, answers, facts

from friches.scenarios.rule import instruments, rule

TWO_THIRDS = 2 / 3


def steps(name):
    return {step.id: step for step in instruments()[name].version[-1].step}


# -------------------------------------------- uncultivated land alone, presumed without owner
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
    said = answers(
        "l125_individuel",
        years_unused_low=3.0,
        years_unused_high=float("nan"),
        in_mountain_zone=False,
        **SETTLED,
    )
    assert said["verdict"] == "yes"


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


# ------------------------------------------------------------------- uncultivated land (L125)
ESTABLISHED = {
    "neglected_compared": True,
    "farmable": True,
    "force_majeure": False,
    "voted_period_reached": False,
    "department_opens_perimeter": True,
    "verdict_of_defrichement": True,
}


@pytest.mark.parametrize(
    ("years", "mountain", "alone", "together"),
    [
        (2, False, "no", "no"),
        (3, False, "yes", "no"),  # « au moins trois ans » against « plus de trois ans »
        (4, False, "yes", "yes"),
        (1, True, "no", "no"),
        (2, True, "yes", "no"),
        (3, True, "yes", "yes"),
        (3, pd.NA, "yes", "unknown"),
        (4, pd.NA, "yes", "yes"),
        (2, pd.NA, "unknown", "no"),
    ],
)
def test_three_years_open_the_individual_route_four_the_collective(
    years, mountain, alone, together
):
    known = ESTABLISHED | {"years_unused": years, "in_mountain_zone": mountain}
    assert answers("l125_individuel", **known)["duree"] == alone
    said = answers("l125_collectif", **known)
    assert said["duree"] == together
    assert said["verdict"] == together


def test_a_wood_that_needs_a_clearing_permit_closes_the_collective_route_through_the_gate():
    known = ESTABLISHED | {"years_unused": 9, "in_mountain_zone": False}
    assert answers("l125_collectif", **known)["verdict"] == "yes"
    closed = answers("l125_collectif", **known | {"verdict_of_defrichement": False})
    assert closed["defrichement"] == closed["verdict"] == "no"
    waits = answers("l125_collectif", **known | {"verdict_of_defrichement": pd.NA})
    assert waits["defrichement"] == waits["verdict"] == "unknown"


@pytest.mark.parametrize("wooded", [True, False])
def test_the_gate_answers_for_the_collective_route(wooded):
    known = {"years_unused": 9, "in_mountain_zone": False, "wooded_state": wooded}
    rows = rule(facts(**known), DAY).astype({"instrument": "str", "condition": "str"})
    said = rows.set_index(["instrument", "condition"])["answer"]
    # no wood, nothing to clear; a wood of unknown age and origin still has to be asked about
    clear = said["l125_collectif", "defrichement"]
    assert pd.isna(clear) if wooded else bool(clear)
    assert pd.isna(said["l125_collectif", "verdict"])


def test_one_letter_a_co_owner_stands_in_the_steps_of_the_collective_route():
    consulted, summoned = (
        steps("l125_collectif")[n] for n in ("avis_consultation", "mise_en_demeure")
    )
    assert "une lettre recommandée par indivisaire" in consulted.act
    assert "jamais une seule par compte cadastral" in consulted.act
    assert "1705162" in consulted.act
    assert "une par indivisaire" in summoned.act
    assert "chaque propriétaire" in summoned.text
    assert "Moëlan-sur-Mer" in str(instruments()["l125_collectif"].about["risks"])


def test_the_collective_route_ranks_no_applicant_before_another():
    assert instruments()["l125_collectif"].about["farmer_rank"] == ""
    assert "plan" in steps("l125_collectif")["plan"].text


@pytest.mark.parametrize(
    ("alone", "together", "expected"),
    [(True, False, "yes"), (False, True, "yes"), (False, False, "no"), (pd.NA, False, "unknown")],
)
def test_the_safer_in_the_mountains_builds_on_either_procedure(alone, together, expected):
    known = {"verdict_of_l125_individuel": alone, "verdict_of_l125_collectif": together}
    commits = {"in_mountain_zone": True, "collectivity_takes_lease": True}
    assert answers("l125_8_safer_montagne", **known, **commits)["verdict"] == expected
    plain = commits | {"in_mountain_zone": False}
    assert answers("l125_8_safer_montagne", **known, **plain)["verdict"] == "no"


# ------------------------------------------------------------- without owner, vacant, undivided
@pytest.mark.parametrize("zone", ["in_frr", "in_ort", "in_gou", "in_qpv"])
@pytest.mark.parametrize(
    ("years", "inside", "expected"),
    [
        (10, True, "no"),
        (11, True, "yes"),
        (11, False, "no"),
        (30, False, "no"),
        (31, False, "yes"),
        (31, True, "yes"),
        (11, pd.NA, "unknown"),
        (10, pd.NA, "no"),
        (31, pd.NA, "yes"),
    ],
)
def test_thirty_years_without_heir_fall_to_ten_in_listed_zones(zone, years, inside, expected):
    elsewhere = dict.fromkeys(("in_frr", "in_ort", "in_gou", "in_qpv"), False)
    known = elsewhere | {zone: inside, "heir_came_forward": False, "heirless_succession": False}
    said = answers("sans_maitre_1", succession_opened_years=years, **known)
    assert said["duree"] == expected
    assert said["verdict"] == expected


def test_an_heir_who_came_forward_closes_the_oldest_succession():
    said = answers("sans_maitre_1", succession_opened_years=60, heir_came_forward=True)
    assert said["duree"] == "yes"
    assert said["verdict"] == "no"


@pytest.mark.parametrize(("years", "expected"), [(0.5, "no"), (0.51, "yes"), (pd.NA, "unknown")])
def test_six_months_without_choice_make_a_vacant_succession(years, expected):
    said = answers(
        "succession_vacante",
        owner_deceased=True,
        heirs_known=True,
        heirs_renounced=False,
        heirs_opted=False,
        succession_opened_years=years,
    )
    assert said["verdict"] == expected


@pytest.mark.parametrize(("share", "expected"), [(TWO_THIRDS, "yes"), (0.66, "no"), (0.667, "yes")])
def test_two_thirds_of_the_rights_may_ask_the_court_to_sell(share, expected):
    fit = dict.fromkeys(("dismembered", "co_owner_protected", "sale_harms_co_owners"), False)
    said = answers("indivision_deux_tiers", undivided=True, sale_rights_share=share, **fit)
    assert said["verdict"] == expected


def test_two_thirds_cannot_grant_a_farm_lease():
    assert "il faut l'accord de tous (CC 815-3, 4° [V26])" in str(
        instruments()["indivision_deux_tiers"].about["risks"]
    )


# ------------------------------------------------------------------------- abandon, sections
def test_manifest_neglect_says_why_it_is_weak_for_farming():
    about = instruments()["abandon_manifeste"].about
    assert str(about["weak"]).startswith("Faible pour l'agriculture")
    assert "l'exploitation agricole n'y est pas nommée" in str(about["weak"])
    assert "L2243-3" in str(about["weak"])
    assert str(about["risks"]).startswith("Faible pour l'agriculture")
    farming_alone = {
        "habitual_occupant": False,
        "manifestly_unmaintained": True,
        "owner_commits_to_works": False,
        "collective_development_project": False,
    }
    assert answers("abandon_manifeste", **farming_alone)["verdict"] == "no"


SECTION = {
    "owner_is_section": True,
    "farmable": True,
    "section_rules_met": True,
    "lease_running": False,
    "farmer_seated_in_section": False,
    "farmer_winters_in_section": False,
    "farmer_uses_section_land": False,
    "farmer_lives_in_commune": False,
    "farmer_starts_farm": False,
}


@pytest.mark.parametrize(
    ("farmer", "opens_from"),
    [
        ({"farmer_seated_in_section": True}, 1),
        ({"farmer_winters_in_section": True, "farmer_uses_section_land": True}, 1),
        ({"farmer_uses_section_land": True, "farmer_lives_in_commune": True}, 2),
        ({"farmer_uses_section_land": True}, 3),
        ({"farmer_starts_farm": True}, 4),
        ({"farmer_lives_in_commune": True}, 6),
    ],
)
def test_section_land_goes_to_the_local_farmer_first(farmer, opens_from):
    # a candidate passes unless another stands in a better rank (5: no other candidate)
    for rival in range(1, 6):
        said = answers("sections_de_commune", **SECTION | farmer | {"rival_section_rank": rival})
        assert said["verdict"] == ("yes" if rival >= opens_from else "no"), rival


def test_section_land_ranks_the_installed_local_farmer_before_an_installing_one():
    about = instruments()["sections_de_commune"].about
    assert about["farmer_rank"] == 1
    assert about["kind"] == "amiable"
    assert str(about["installed_farmer"]).startswith("Premier rang")
    ranks = [way.id for way in instruments()["sections_de_commune"].version[-1].way]
    assert ranks == ["rang_1", "rang_1_hivernage", "rang_2", "rang_3", "rang_4"]


# -------------------------------------------------------------------- land owners' associations
@pytest.mark.parametrize(
    ("owners", "area", "public", "pastoral", "agricultural"),
    [
        (0.5, 0.5, False, "yes", "no"),
        (0.49, 0.9, False, "no", "no"),
        (0.9, 0.49, True, "no", "no"),
        (0.5, TWO_THIRDS, False, "yes", "yes"),
        (TWO_THIRDS, 0.5, False, "yes", "yes"),
        (0.66, 0.66, False, "yes", "no"),
        (0.1, TWO_THIRDS, True, "yes", "yes"),
        (0.1, 0.66, True, "yes", "no"),
        (0.1, 0.5, True, "yes", "no"),
    ],
)
def test_majorities_of_pastoral_and_agricultural_associations(
    owners, area, public, pastoral, agricultural
):
    known = {
        "farmable": True,
        "buys_relinquished": True,
        "owner_gives_mandate": True,
        "in_mountain_zone": True,
        "in_pastoral_zone": False,
        "joining_owners_share": owners,
        "joining_area_share": area,
        "collectivity_joins": public,
    }
    assert answers("afp", **known)["verdict"] == pastoral
    assert answers("afa", **known)["verdict"] == agricultural
    lowland = known | {"in_mountain_zone": False}
    assert answers("afp", **lowland)["verdict"] == "no"
    delimited = lowland | {"in_pastoral_zone": True}
    assert answers("afp", **delimited)["verdict"] == pastoral


def test_planting_rules_free_no_land():
    about = instruments()["boisements"].about
    assert about["land"] == ""
    assert str(about["end_right"]).startswith("Aucun droit d'exploiter")

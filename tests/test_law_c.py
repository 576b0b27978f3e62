"""Preemption, zones, leases and gates: thresholds, exemptions, verdicts that chain."""

from __future__ import annotations

import datetime as dt

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from judged import DAY, answers, facts, needed

from friches.measures.place import constraint_facts
from friches.scenarios.rule import gates, instruments, rule

INSTRUMENTS = [
    "safer_preemption", "safer_substitution", "intermediation_locative", "vigifoncier",
    "captage_preemption", "ens_preemption", "dpu", "zap", "paen", "bail_rural_public", "bre",
    "bail_long_terme", "bail_cessible", "petites_parcelles", "convention_occupation_precaire",
    "paturage_pluriannuel", "commodat", "emphyteose", "ore", "regie",
]  # fmt: skip
GATES = [
    "defrichement", "natura2000", "zone_humide", "haies", "ebc", "controle_des_structures",
    "bail_en_cours", "document_cadre_solaire", "preemption_terrain", "preemption_exemptions",
    "preemption_bois", "structures_revenus",
]  # fmt: skip


def test_gates_and_instruments_are_where_they_belong():
    assert set(GATES) <= gates().keys()
    assert set(INSTRUMENTS) <= instruments().keys()


@pytest.mark.parametrize("name", INSTRUMENTS)
def test_every_one_says_whether_it_gives_the_land_and_what_it_costs(name):
    document = instruments()[name]
    assert document.about["gives_land"] in ("oui", "non")
    assert document.about["land"] in {step.id for step in document.version[-1].step}
    assert document.cost


# ------------------------------------------------------------------------ preemption
SALE = {
    "sale_notified": True,
    "zone_plu": "A",
    "sale_area_ha": 2.0,
    "safer_minimum_ha": 0.25,
    "buyer_is_relative": True,
    "buyer_is_coheir": False,
    "sale_is_l124_exchange": False,
    "sale_for_services_annuity": False,
    "buyer_is_exempt_farmworker": False,
    "sale_for_building": False,
    "sale_for_family_garden": False,
    "sale_in_insolvency_plan": False,
    "sale_reunites_usufruct": False,
    "land_class_is_wood": False,
    "sitting_tenant_years": 0,
    "public_preemption_used": False,
    "farmer_ready": True,
}


@pytest.mark.parametrize("document", ["safer_preemption", "captage_preemption"])
@pytest.mark.parametrize(("degree", "expected"), [(3, "no"), (4, "no"), (5, "yes")])
def test_a_sale_to_a_relative_up_to_the_fourth_degree_is_exempt(document, degree, expected):
    said = answers(document, in_catchment_preemption_zone=True, buyer_kinship_degree=degree, **SALE)
    assert said["exemptions"] == expected
    assert said["verdict"] == expected


def test_a_relative_of_unknown_degree_is_asked_about_and_not_refused():
    rows = rule(facts(**SALE), DAY, needed("safer_preemption"))
    rows = rows[rows["instrument"] == "safer_preemption"].set_index("condition")
    assert pd.isna(rows.loc["verdict", "answer"])
    assert "degré" in rows.loc["exemptions", "question"]
    assert "notaire" in rows.loc["exemptions", "whom"]


def test_wood_in_the_cadastre_closes_preemption_two_documents_away():
    wood = SALE | {
        "buyer_is_relative": False,
        "land_class_is_wood": True,
        "sold_with_open_land": False,
        "unlawful_planting": False,
        "clearing_granted_or_small_wood": False,
        "in_forest_land_scheme": False,
    }
    assert answers("safer_preemption", **wood)["verdict"] == "no"
    wood["sold_with_open_land"] = True
    assert answers("safer_preemption", **wood)["verdict"] == "yes"


def test_preemption_needs_an_objective_of_the_law():
    aims = {
        "farmer_ready": False,
        "farm_needs_land": False,
        "price_is_speculative": False,
        "environment_scheme_served": False,
        "in_paen": False,
    }
    sale = SALE | {"buyer_is_relative": False} | aims
    assert answers("safer_preemption", **sale)["verdict"] == "no"
    for aim in aims:
        assert answers("safer_preemption", **(sale | {aim: True}))["verdict"] == "yes", aim


DPU = {
    "dpu_instituted": True,
    "sale_notified": True,
    "dpu_purpose_met": True,
    "in_close_catchment_perimeter": False,
    "in_communal_map_perimeter": False,
}


@pytest.mark.parametrize(
    ("zone", "expected"), [("A", "no"), ("N", "no"), ("U", "yes"), ("AU", "yes")]
)
def test_urban_preemption_is_closed_in_farm_and_natural_zones(zone, expected):
    assert answers("dpu", zone_plu=zone, **DPU)["verdict"] == expected
    assert "zone A ou N" in instruments()["dpu"].about["why_closed"]


def test_urban_preemption_reaches_a_farm_zone_only_close_to_a_catchment():
    near = DPU | {"in_close_catchment_perimeter": True}
    assert answers("dpu", zone_plu="A", **near)["verdict"] == "yes"


def test_water_catchment_preemption_obliges_environmental_clauses():
    document = instruments()["captage_preemption"]
    assert document.about["organic_strength"] == "obligatoire"
    lease = next(step for step in document.version[-1].step if step.id == "bail")
    assert lease.text.startswith("Les baux nouveaux comportent des clauses environnementales")
    others = [n for n in INSTRUMENTS if n != "captage_preemption"]
    assert all(instruments()[n].about["organic_strength"] != "obligatoire" for n in others)


def test_zones_that_give_no_land_say_so():
    none = {n for n in INSTRUMENTS if instruments()[n].about["gives_land"] == "non"}
    assert none == {"zap", "vigifoncier", "ore"}


# ---------------------------------------------------------------------------- leases
PUBLIC = {
    "owner_is_public": True,
    "public_domain_land": False,
    "forest_regime": False,
    "lease_running": False,
    "farmer_has_dja": False,
    "dja_candidate": False,
    "farmer_in_commune": True,
    "commune_farmer_candidate": True,
}


@pytest.mark.parametrize(("years", "expected"), [(9, "yes"), (8, "no")])
def test_a_public_lease_lasts_nine_years_at_least(years, expected):
    assert answers("bail_rural_public", lease_years=years, **PUBLIC)["verdict"] == expected


def test_an_aided_setup_ranks_before_the_installed_farmer_of_the_commune():
    assert instruments()["bail_rural_public"].about["farmer_rank"] == 2
    rival = PUBLIC | {"dja_candidate": True}
    assert answers("bail_rural_public", lease_years=9, **rival)["verdict"] == "no"
    rival["farmer_has_dja"] = True
    assert answers("bail_rural_public", lease_years=9, **rival)["verdict"] == "yes"


def test_a_running_lease_closes_every_lease():
    known = {"lease_running": True, "tenant_gives_up": False}
    closed = {
        "bail_rural_public", "bre", "bail_long_terme", "bail_cessible", "petites_parcelles",
        "paturage_pluriannuel", "commodat", "emphyteose", "intermediation_locative", "regie",
    }  # fmt: skip
    for name in closed:
        assert answers(name, **known)["verdict"] == "no", name


def test_a_private_owner_cannot_oblige_a_fallow_to_organic_farming():
    private = {
        "owner_agrees_to_lend": True,
        "lease_running": False,
        "lease_years": 9,
        "farmer_ready": True,
        "owner_is_public": False,
        "practices_already_kept": False,
        "lessor_is_approved_body": False,
        "in_listed_protected_area": False,
    }
    assert answers("bre", **private)["verdict"] == "no"
    assert answers("bre", **(private | {"owner_is_public": True}))["verdict"] == "yes"


# ----------------------------------------------------------------------------- gates
WOOD = {
    "wooded_state": True,
    "clearing_permit_needed": True,
    "former_farmland": False,
    "declared_before": False,
    "spontaneous_regrowth": True,
    "heath_land": False,
    "nut_or_olive_land": False,
    "short_rotation_coppice": False,
    "legal_brushing_duty": False,
    "planting_block_ha": 30.0,
    "clearing_threshold_ha": 4.0,
    "replanting_regulated": False,
    "spontaneous_first_generation": True,
    "wood_reserved": False,
    "wood_kept_by_risk_plan": False,
}


@pytest.mark.parametrize(
    ("age", "mountain", "private"),
    [(29, False, "yes"), (30, False, "no"), (39, True, "yes"), (40, True, "no"), (39, False, "no")],
)
def test_a_public_owner_loses_the_exemptions_of_private_woods(age, mountain, private):
    known = WOOD | {"wood_age_years": age, "in_mountain_zone": mountain}
    assert answers("defrichement", owner_is_public=False, **known)["verdict"] == private
    assert answers("defrichement", owner_is_public=True, **known)["verdict"] == "no"


@pytest.mark.parametrize("public", [True, False])
def test_an_overgrown_field_is_no_clearing_whoever_owns_it(public):
    field = WOOD | {"former_farmland": True, "wood_age_years": 60, "in_mountain_zone": False}
    assert answers("defrichement", owner_is_public=public, **field)["verdict"] == "yes"


def test_small_woods_below_the_threshold_of_the_department():
    small = WOOD | {"planting_block_ha": 3.9, "wood_age_years": 60, "in_mountain_zone": False}
    assert answers("defrichement", owner_is_public=False, **small)["verdict"] == "yes"
    assert answers("defrichement", owner_is_public=True, **small)["verdict"] == "no"
    small["planting_block_ha"] = 4.0
    assert answers("defrichement", owner_is_public=False, **small)["verdict"] == "no"


UNCULTIVATED = {
    "years_unused_low": 5.0,
    "years_unused_high": 5.0,
    "neglected_compared": True,
    "farmable": True,
    "force_majeure": False,
}


def test_the_uncultivated_route_reads_the_clearing_gate():
    wood = WOOD | {"wood_age_years": 60, "in_mountain_zone": False, "owner_is_public": False}
    closed = answers("l125_individuel", voted_period_reached=False, **UNCULTIVATED, **wood)
    assert (closed["defrichement"], closed["verdict"]) == ("no", "no")
    wood["former_farmland"] = True
    opened = answers("l125_individuel", voted_period_reached=False, **UNCULTIVATED, **wood)
    assert (opened["defrichement"], opened["verdict"]) == ("yes", "yes")
    assert answers("l125_individuel", **UNCULTIVATED)["defrichement"] == "unknown"


FARM = {
    "structures_threshold_ha": 90.0,
    "removes_viable_farm": False,
    "farmer_qualified": True,
    "farm_has_farmer_member": True,
    "off_farm_smic_hours": 0,
    "beyond_structures_distance": False,
    "transfer_kinship_degree": 100,
    "safer_transfer_favourable": False,
    "structures_permit_granted": False,
}


@pytest.mark.parametrize(("area", "expected"), [(90.0, "yes"), (90.1, "no")])
def test_structures_control_begins_above_the_regional_threshold(area, expected):
    said = answers("controle_des_structures", farm_area_after_ha=area, **FARM)
    assert said["verdict"] == expected


@pytest.mark.parametrize(
    ("hours", "progressive", "expected"),
    [(3120, False, "yes"), (3121, False, "no"), (3121, True, "yes")],
)
def test_structures_control_counts_off_farm_income(hours, progressive, expected):
    known = FARM | {"off_farm_smic_hours": hours, "progressive_setup": progressive}
    said = answers("controle_des_structures", farm_area_after_ha=90.0, **known)
    assert said["verdict"] == expected


def test_a_favourable_safer_opinion_stands_for_the_permit():
    known = FARM | {"safer_transfer_favourable": True}
    said = answers("controle_des_structures", farm_area_after_ha=500.0, **known)
    assert said["verdict"] == "yes"


@pytest.mark.parametrize(("area", "expected"), [(1000, "yes"), (1001, "no")])
def test_wetland_works_are_declared_above_a_tenth_of_a_hectare(area, expected):
    assert answers("zone_humide", wetland_m2=area, drained_ha=0)["verdict"] == expected


def test_hedges_are_declared_since_the_law_of_march_2025():
    known = {"hedge_removed_m": 40.0, "in_natura2000": False, "hedge_declaration_unopposed": False}
    assert answers("haies", **known)["verdict"] == "no"
    assert answers("haies", day=dt.date(2025, 3, 25), **known)["verdict"] == "yes"


def test_a_protected_farm_zone_closes_the_solar_frame():
    assert answers("document_cadre_solaire", solar_listed=True, in_zap=True)["verdict"] == "yes"


# ------------------------------------------------------------------------------ facts
def test_perimeters_given_settle_the_zones_that_law_reads():
    square = shapely.box(0, 0, 100, 100)
    parcels = gpd.GeoDataFrame(
        {"parcel_id": ["a", "b"]}, geometry=[square, shapely.box(200, 0, 300, 100)], crs=2154
    )
    perimeters = gpd.GeoDataFrame(
        {"kind": ["zap"], "name": ["Plaine"]}, geometry=[square], crs=2154
    )
    perimeters.attrs["kinds_read"] = ["natura2000", "zap"]
    said = constraint_facts(parcels, perimeters)
    assert said["in_zap"].tolist() == [True, False]
    assert said["in_natura2000"].tolist() == [False, False]  # given, and nothing there
    assert "in_paen" not in said  # not given: unknown

"""What an allocation refuses: one clear French message each, all breaches at once."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from allocated import VEG, blocks, calendar, demand, farmers, near, reach, run, supply

from friches.errors import InputError

GOOD = {
    "given_blocks": blocks("B1"),
    "given_supply": supply(("B1", VEG, 1.0, 1200)),
    "given_reach": near([("B1", "F1")], [("B1", "C1")]),
    "given_farmers": farmers(("F1", None, 5.0)),
    "given_demand": demand(("C1", "légumes", 60, 0.5)),
}


def nowhere():
    table = GOOD["given_farmers"]
    return gpd.GeoDataFrame(table, geometry=[shapely.Point()], crs="EPSG:2154")


def without(months):
    table = calendar()
    return table[~table["month"].isin(months)]


BAD = [
    ({"given_farmers": nowhere()}, "1 ferme(s) : sans position (première : « F1 »)"),
    ({"given_farmers": farmers(("F1", None, -1.0))}, "surface recherchée négative"),
    ({"given_farmers": farmers(("F1", None, 1.0), ("F1", None, 1.0))}, "identifiant en double"),
    (
        {"given_reach": reach(("B1", "F9", "farm", 5))},
        "1 ferme(s) inconnue(s) (première : « F9 »)",
    ),
    (
        {"given_supply": supply(("B9", VEG, 1.0, 1200))},
        "1 îlot(s) inconnu(s) (premier : « B9 »)",
    ),
    (
        {"given_supply": supply(("B1", VEG, 1.0, 1)).assign(crop="bananes")},
        "1 culture(s) inconnue(s) (première : « bananes »)",
    ),
    (
        {"neighbours": pd.DataFrame({"block_id": ["B1"], "farmer_id": ["F9"]})},
        "champs voisins : 1 ferme(s) inconnue(s)",
    ),
    ({"given_supply": supply(("B1", VEG, -1.0, 1200))}, "usable_ha » : 1 valeur(s) sous 0"),
    ({"given_supply": supply(("B1", VEG, 1.0, 1200, 1.2))}, "share_max » : 1 valeur(s) au-dessus"),
    ({"given_supply": supply(("B1", VEG, 1.0, (9, 5, 10)))}, "kg_ha bas, central, haut"),
    ({"given_supply": supply(("B1", VEG, 1.0, float("inf")))}, "1 ligne(s) de valeurs infinies"),
    ({"given_demand": demand(("C1", "légumes", 60, 0.5)).assign(gap=-1.0)}, "12 valeur(s) sous 0"),
    (
        {"given_demand": demand(("C1", "légumes", 60, 0.5)).replace({"month": {12: 13}})},
        "month » : 1 valeur(s) au-dessus de 12",
    ),
    (
        {"given_reach": reach(("B1", "F1", "farm", -5)).assign(distance_m=5.0)},
        "minutes » : 1 valeur(s) sous 0",
    ),
    ({"calendar": calendar(names=["lait"])}, f"1 culture(s) sans mois (première : « {VEG} »)"),
    ({"calendar": without([1])}, "dont les mois ne font pas une année"),
    ({"calendar": calendar(lost=1.0)}, "part hors de 0 à 1"),
    ({"goal": 1.2}, "objectif de part bio de 1.2"),
]


@pytest.mark.parametrize(("said", "message"), BAD, ids=[words for _, words in BAD])
def test_refused(said, message):
    with pytest.raises(InputError) as error:
        run(**(GOOD | said))
    assert message in str(error.value)
    assert len(error.value.breaches) == 1
    assert error.value.breaches[0].todo


def test_all_breaches_at_once():
    with pytest.raises(InputError) as error:
        run(
            **(
                GOOD
                | {"given_farmers": farmers(("F1", None, -1.0)), "calendar": calendar(lost=1.0)}
                | {"neighbours": pd.DataFrame({"block_id": ["B1"], "farmer_id": ["F9"]})}
            )
        )
    assert len(error.value.breaches) == 3


def test_a_block_whose_trip_is_not_known_is_no_breach():
    trips = GOOD["given_reach"].assign(minutes=float("nan"))
    assert run(**(GOOD | {"given_reach": trips})).plots.empty

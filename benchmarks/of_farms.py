"""What the model says of published farms and canteens: anchors A1 to A8 and A17 to A24."""

from __future__ import annotations

import pandas as pd

from benchmarks.line import Line, one
from friches.demand import demand, yearly
from friches.figures import figure, rounded
from friches.food import menu
from friches.food.crops import Bounds
from friches.food.purchases import price_table, prices
from friches.needs import need, total
from friches.supply import yield_ha

SUMMER, FIELD = "légumes d'été", "légumes de plein champ"  # of crops.toml
DAYS_MS = 158  # Mouans-Sartoux 2011: 151,541 meals for 960 guests (A4)
CIRCULAR = "le rendement des domaines vient de cette ferme : test de non-régression, pas preuve"


def _vegetables(audience: str) -> Bounds:
    """Return the kg of raw vegetables of one meal."""
    return Bounds(*menu.need(audience).loc["légumes", ["kg_low", "kg", "kg_high"]])


def _estate_t(hectares: float) -> Bounds:
    kg = yield_ha(SUMMER)
    return Bounds(*(hectares * each / 1000 for each in kg))


def _fed(hectares: float, share: float, days: int, audience: str) -> Bounds:
    """Return the meals a day whose vegetables come in part (`share`) from an estate."""
    kg, one = _estate_t(hectares), _vegetables(audience)
    ends = zip(kg, reversed(one), strict=True)  # least harvest with largest portions
    return Bounds(*(t * 1000 / share / each / days for t, each in ends))


def a1() -> list[Line]:
    return [
        Line("récolte de 4 ha de domaine", 20, "t", _estate_t(4), test="fourchette", why=CIRCULAR)
    ]


def a2() -> list[Line]:
    field = yield_ha(FIELD)
    tall = Bounds(*(6 * each / 1000 for each in field))
    return [
        Line("récolte de 6 ha de domaine", 25, "t", _estate_t(6), 0.05, why=CIRCULAR),
        Line(
            "repas par jour à 85 %, 158 jours",
            1200,
            "repas",
            _fed(6, 0.85, DAYS_MS, "elementaire"),
            test="fourchette",
            why="121 g de légumes bruts par repas ; 165 à 195 g pesés là-bas",
        ),
        Line(
            "6 ha au rendement de plein champ (contre-épreuve)",
            25,
            "t",
            tall,
            0.05,
            why="ce niveau n'est jamais celui d'un domaine : chemins, haies, engrais verts et "
            "planches au repos n'en sont pas déduits",
        ),
    ]


def a3() -> list[Line]:
    fed = _fed(6, 0.96, DAYS_MS, "elementaire")
    return [
        Line(
            "repas par jour à 96 %, 158 jours", 1400, "repas", fed, test="fourchette", why=CIRCULAR
        )
    ]


def _year(meals_per_day: float, days: float | None) -> Bounds:
    row = {
        "canteen_id": "C",
        "meals_per_day": meals_per_day,
        "days_per_year": days,
        "audience": "elementaire",
        "organic_share": 0.0,
    }
    first = yearly(demand(pd.DataFrame([row]))).iloc[0]
    return Bounds(first["meals_low"], first["meals"], first["meals_high"])


def a4() -> list[Line]:
    why = "960 demi-pensionnaires, jours de service non donnés : 140 à 180"
    return [Line("repas par an", 151_541, "repas", _year(960, None), test="fourchette", why=why)]


def a5() -> list[Line]:
    table = need(15e6, "adolescents", "field")
    ha = total(table[table["food_group"] == "légumes"])
    why = "légumes de plein champ, portions d'adolescents ; le central est un tiers plus bas"
    return [Line("hectares de légumes", 226, "ha", ha, test="fourchette", why=why)]


def a6() -> list[Line]:
    grams = 2.9 * 30_000 / (19_000 * 140) * 1000
    why = (
        "le modèle ne sépare pas les légumes un à un ; à 30 t/ha (RECALLED) et 140 jours, la "
        f"surface donne {figure(grams)} g de carottes par repas, sur "
        f"{figure(_vegetables('elementaire').central * 1000)} g de légumes"
    )
    return [Line("hectares de carottes", 2.9, "ha", None, why=why)]


def a7() -> list[Line]:
    field, potato = yield_ha(FIELD), yield_ha("pommes de terre")
    ends = zip(reversed(field), reversed(potato), strict=True)
    ha = Bounds(*(3500 / veg + 2800 / pot for veg, pot in ends))
    why = "les trois légumes pesés seuls : un minorant de la surface"
    return [Line("hectares, plein champ", 0.6, "ha", ha, test="au plus", why=why)]


def a8() -> list[Line]:
    def m2(level: str) -> Bounds:
        whole = total(need(1e6, "adultes", level))
        return Bounds(*(ha / 100 for ha in whole))

    child = total(need(1e6, "elementaire", "agribalyse"))
    return [
        Line(
            "m² par déjeuner d'adulte, moyennes d'Agribalyse",
            6.67,
            "m²",
            m2("agribalyse"),
            test="au plus",
        ),
        Line(
            "m² par repas d'élémentaire, mêmes moyennes",
            6.67,
            "m²",
            Bounds(*(ha / 100 for ha in child)),
            test="au plus",
        ),
        Line(
            "le même repas d'élémentaire, au moins",
            1.0,
            "m²",
            Bounds(*(ha / 100 for ha in child)),
            test="au moins",
            why="borne du projet : moins d'un mètre carré serait une erreur",
        ),
        Line(
            "m² par déjeuner d'adulte, cultures et fermes d'ici",
            6.67,
            "m²",
            m2("field"),
            test="au plus",
            why="proche de la borne : chemins et haies compris, rendement physique de la "
            "viande (2,7 à 3 kg vif par kg désossé) au lieu d'une allocation entre viande, cuir et "
            "abats",
        ),
    ]


def a17() -> list[Line]:
    weekly = Bounds(*(t * 1000 / 52 for t in _estate_t(0.7)))
    return [
        Line(
            "repas de crèche par jour, légumes, 220 jours",
            170,
            "repas",
            _fed(0.7, 1.0, 220, "creche"),
            test="fourchette",
            why="portions de crèche ASSUMPTION",
        ),
        Line(
            "kilogrammes par semaine",
            80,
            "kg",
            weekly,
            0.2,
            why="une semaine d'hiver avec deux serres, contre la moyenne de l'année d'un domaine "
            "sans serre",
        ),
    ]


def a18() -> list[Line]:
    one = _vegetables("creche")
    ends = zip(one, reversed(yield_ha(SUMMER)), strict=True)
    ha = Bounds(*(340 * 220 * each / kg for each, kg in ends))
    return [
        Line(
            "hectares de domaine, légumes, 220 jours",
            1,
            "ha",
            ha,
            test="fourchette",
            why="portions de crèche ASSUMPTION",
        )
    ]


def _greens_kg() -> float:
    kg = menu.need("elementaire")["kg"]
    return float(kg["légumes"] + kg["fruits"])


def _implied(hectares: float, share: float) -> str:
    meals = _estate_t(hectares).central * 1000 / share / _greens_kg()
    return figure(rounded(meals))


def a19() -> list[Line]:
    why = (
        "nombre de repas non publié, première année ; en croisière le modèle verrait "
        f"{_implied(1.4, 0.05)} repas par an dans ces 5 %"
    )
    return [Line("part des fruits et légumes", 5, "%", None, why=why)]


def a20() -> list[Line]:
    why = (
        "nombre de repas non publié ; le modèle verrait "
        f"{_implied(1.0, 0.8)} repas par an dans ces 80 %"
    )
    return [Line("part des fruits et légumes", 80, "%", None, why=why)]


def a22() -> list[Line]:
    why = "162 jours ; 140 et 180 sont aussi en usage"
    return [Line("repas par an, 162 jours", 810_000, "repas", _year(5000, 162), 0.001, why=why)]


def _cost(organic: float) -> Bounds:
    """Return the food cost of an elementary meal (euros excl. VAT) at an organic share by value."""
    kg, other = menu.need("elementaire"), prices().other
    ends = (("_low", other.low), ("", other.central), ("_high", other.high))
    dear, plain = price_table("organic"), price_table("ordinary")
    return Bounds(
        *(
            float(
                (
                    kg[f"kg{e}"] / (organic / dear[f"eur{e}"] + (1 - organic) / plain[f"eur{e}"])
                ).sum()
            )
            * (1 + more)
            for e, more in ends
        )
    )


def a23() -> list[Line]:
    cost = _cost(0.62)
    meals = 890_000 / cost.central
    said = prices().cost_per_meal
    why = (
        f"à {figure(cost.central, 2)} € le repas d'enfant, ce budget paie "
        f"{figure(rounded(meals))} repas, soit {figure(meals / 1500)} jours à 1 500 : il "
        "couvre sans doute plus que 140 jours d'école (portage, adultes, vacances), INFERENCE ; "
        "prix RECALLED"
    )
    return [
        Line(
            "€ par repas si 140 jours", 890_000 / 1500 / 140, "€", cost, test="fourchette", why=why
        ),
        Line(
            "€ par repas d'enfant (Un Plus Bio, 20 à 40 % de bio)",
            said.central,
            "€",
            _cost(0.3),
            0.1,
            why="les prix d'achat sont réglés sur ce coût",
        ),
    ]


def a24() -> list[Line]:
    published = {each.name: each.grams for each in menu.menu().waste.published}
    before, after = published["Mouans-Sartoux 2010"], published["Mouans-Sartoux 2019"]
    grams = float(menu.need("elementaire")["kg"].sum()) * 1000
    saved = grams * (menu.waste_factor_g(before) - menu.waste_factor_g(after))
    why = "facteur de PARCEL sur la masse d'un repas d'élémentaire"
    return [
        Line("grammes achetés de moins par repas", before - after, "g", one(saved), 0.2, why=why),
        Line("facteur de PARCEL, un quart évité", 0.948, "", one(menu.waste_factor(25)), 0.001),
    ]

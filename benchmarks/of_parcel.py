"""What the model says of the figures that PARCEL published: anchors A9 to A16 and A21."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import parcel
from benchmarks.line import Line, one

if TYPE_CHECKING:
    from friches.food.crops import Bounds

FRANCE = {
    "A9": (219, 268, 2198, 18206, 20891),
    "A10": (280, 337, 3471, 37689, 41777),
    "A11": (774, 908, 4218, 21608, 27508),
    "A12": (1087, 1128, 6090, 11076, 19381),
}
SHARED = "part de la surface publiée (A9), divisée par les ratios bio de PARCEL"


def a9() -> list[Line]:
    kha = dict(zip(parcel.families(), FRANCE["A9"], strict=False))
    fitted = "aucun rendement par produit n'a été lu : le total publié sert de calage"
    feed = (
        "INFERENCE : empreintes moyennes d'Agribalyse, quand PARCEL partage entre les élevages "
        "toute la surface fourragère française, estives et prairies peu denses comprises, "
        "et compte la viande du troupeau laitier à part"
    )
    return [
        Line("légumes", kha["légumes"], "kha", None, why=fitted),
        Line("fruits", kha["fruits"], "kha", None, why=fitted),
        Line(
            "céréales et autres, rendements d'Agribalyse",
            kha["céréales et autres"],
            "kha",
            one(parcel.own_kha("céréales et autres")),
            0.05,
            why="consommation imprimée, rendements conventionnels",
        ),
        Line(
            "élevage, empreintes d'Agribalyse",
            kha["élevage"],
            "kha",
            one(parcel.own_kha("élevage")),
            0.15,
            why=feed,
        ),
    ]


def _diet(anchor: str, diet: str, tolerances: dict[str, float], whys: dict[str, str]) -> list[Line]:
    published = dict(zip(parcel.families(), FRANCE[anchor], strict=False))
    found = {f: parcel.area_kha(f, organic=True, diet=diet) for f in published}
    lines = [
        Line(f, published[f], "kha", one(found[f]), tolerances[f], why=whys.get(f, ""))
        for f in published
    ]
    why = whys.get("total", "")
    whole = one(sum(found.values()))
    return [*lines, Line("total", FRANCE[anchor][4], "kha", whole, tolerances["total"], why=why)]


def a10() -> list[Line]:
    tolerances = dict.fromkeys((*parcel.families(), "total"), 0.1)
    whys = dict.fromkeys(parcel.families(), SHARED)
    return _diet("A10", "actuel", tolerances, whys)


COWS = (
    "INFERENCE : PARCEL compte d'abord la viande des troupeaux laitiers, si bien que le "
    "troupeau à viande, le plus gourmand en terre, diminue plus que la consommation"
)
GREENS = (
    "les coefficients imprimés (165 et 200 pour 100) ne donnent pas les surfaces publiées "
    "(276 et 388 pour 100) : autre chose y est compté parmi les légumes"
)


def a11() -> list[Line]:
    tolerances = dict.fromkeys((*parcel.families(), "total"), 0.15)
    whys = {"légumes": GREENS, "élevage": COWS, "total": COWS, "fruits": "fruits à coque x 7,5"}
    return _diet("A11", "moins 25 %", tolerances, whys)


def a12() -> list[Line]:
    tolerances = dict.fromkeys((*parcel.families(), "total"), 0.15)
    whys = {"légumes": GREENS, "élevage": COWS, "total": COWS, "fruits": "fruits à coque x 10"}
    return _diet("A12", "moins 50 %", tolerances, whys)


LOCAL = "moyenne nationale publiée par habitant ; PARCEL prend les rendements du département"


def _per_person(anchor: str, part: int, inhabitants: float) -> Bounds:
    return one(FRANCE[anchor][part] * 1000 / parcel.people() * inhabitants)


def a13() -> list[Line]:
    small = f"{LOCAL} ; 3 ha publiés sont arrondis à l'hectare"
    greens = one(_per_person("A9", 0, 649).central + _per_person("A9", 1, 649).central)
    return [
        Line("hectares en tout", 240, "ha", _per_person("A9", 4, 649), 0.2, why=LOCAL),
        Line("élevage", 210, "ha", _per_person("A9", 3, 649), 0.2, why=LOCAL),
        Line("céréales et autres", 27, "ha", _per_person("A9", 2, 649), 0.2, why=LOCAL),
        Line("fruits et légumes", 3, "ha", greens, 0.2, why=small),
    ]


def a14() -> list[Line]:
    return [
        Line("hectares en tout, bio", 460, "ha", _per_person("A10", 4, 649), 0.2, why=LOCAL),
        Line("élevage, bio", 410, "ha", _per_person("A10", 3, 649), 0.2, why=LOCAL),
        Line("céréales et autres, bio", 43, "ha", _per_person("A10", 2, 649), 0.2, why=LOCAL),
    ]


def a15() -> list[Line]:
    return [
        Line("hectares en tout", 15_800, "ha", _per_person("A9", 4, 53_200), 0.2, why=LOCAL),
        Line("emplois agricoles", 540, "emplois", None, why="le modèle ne compte pas les emplois"),
    ]


def a16() -> list[Line]:
    why = f"{LOCAL} ; 118 000 habitants (RECALLED), et la Creuse est un pays d'élevage extensif"
    return [Line("hectares en tout", 61_600, "ha", _per_person("A11", 4, 118_000), 0.2, why=why)]


def a21() -> list[Line]:
    wallonia = 3_650_000
    why = (
        "moyenne française par habitant, 3,65 millions d'habitants (RECALLED) ; consommation, "
        "élevages et rendements wallons sont autres, la méthode de 2024 aussi"
    )
    published = {"A10": 828, "A11": 670, "A12": 520}
    names = {"A10": "tout en bio", "A11": "animaux -25 %", "A12": "animaux -50 %"}
    return [
        Line(names[a], kha, "kha", one(_per_person(a, 4, wallonia).central / 1000), 0.2, why=why)
        for a, kha in published.items()
    ]

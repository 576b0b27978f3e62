"""A result small enough to check by hand: a 3 x 3 grid of one-hectare squares.

Columns 0, 1, 2 go east, rows 0, 1, 2 go north; square (0, 0) has its south-west corner at
(700000, 6330000) in EPSG:2154. Squares A0001 and A0002 touch and form block B001 (answer yes);
A0009 alone is block B002 (answer unknown); the others are not fallow.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely

from friches import tables
from friches.result import Result
from friches.studyfile import Study

CRS = "EPSG:2154"
WEST, SOUTH, SIDE = 700_000.0, 6_330_000.0, 100.0
IDS = [f"129990000A{n:04d}" for n in range(1, 10)]


def squares() -> gpd.GeoDataFrame:
    """Nine parcels of 100 m by 100 m; the last one has no contenance."""
    boxes = [
        shapely.box(
            WEST + c * SIDE, SOUTH + r * SIDE, WEST + (c + 1) * SIDE, SOUTH + (r + 1) * SIDE
        )
        for r in range(3)
        for c in range(3)
    ]
    frame = gpd.GeoDataFrame(
        {
            "parcel_id": IDS,
            "commune": "12999",
            "prefix": "000",
            "section": "0A",
            "number": [f"{n:04d}" for n in range(1, 10)],
            "area_registered_m2": [10_050.0] * 8 + [None],
        },
        geometry=boxes,
        crs=CRS,
    )
    return tables.check(frame, "parcels", crs=CRS)


def study(**about: Any) -> Study:
    """A study file of the tiny commune."""
    said = {
        "name": "Carré (territoire fictif)",
        "communes": ["12999"],
        "day": "2026-09-01",
        "fictitious": True,
        "contact": "mairie@carre.example",
    } | about
    return Study.model_validate(
        {"study": said, "sources": {"cadastre": "cadastre.json"}, "folder": Path()}
    )


def _rows(name: str, rows: list[dict[str, Any]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows)
    for column in tables.TABLES[name].columns:
        if column.name not in frame and not column.absent:
            frame[column.name] = pd.Series(pd.NA, index=frame.index, dtype="object")
    return tables.check(frame, name)


def _facts() -> pd.DataFrame:
    return _rows(
        "facts",
        [
            {
                "parcel_id": pid,
                "commune": "12999",
                "area_registered_m2": 10_050.0 if n < 8 else None,
                "area_m2": 10_000.0,
                "declared_share_2024": 0.0 if n in (0, 1) else 1.0,
                "years_unused_low": 4.0 if n in (0, 1) else 0.0,
                "years_unused_high": float("nan") if n in (0, 1) else 0.0,
                "slope_mean_pct": 6.0,
                "owner_kind": "natural",
                "zone_plu": "A",
            }
            for n, pid in enumerate(IDS)
        ],
    )


def _evidence() -> pd.DataFrame:
    rows = []
    for n, pid in enumerate(IDS):
        unknown = n == 8
        rows.append(
            {
                "parcel_id": pid,
                "rule": "declared_recently",
                "role": "excludes",
                "answer": None if unknown else n not in (0, 1),
                "found": "inconnu" if unknown else ("au moins 4" if n in (0, 1) else "0"),
                "needed": "au moins 3",
                "text": "inculte ou manifestement sous-exploitée depuis au moins trois ans",
                "source": "CRPM L125-1, al. 1 [V15c]",
                "question": "Depuis combien d'années la parcelle n'est-elle plus exploitée ?"
                if unknown
                else None,
                "whom": "mairie, voisins" if unknown else None,
            }
        )
        rows.append(
            {
                "parcel_id": pid,
                "rule": "woody",
                "role": "supports",
                "answer": n in (0, 1),
                "found": "0,40" if n in (0, 1) else "0,00",
                "needed": "au moins 0,30",
                "text": "prorata PAC : de 30 à 50 % d'éléments non admissibles",
                "source": "legal.tricoteuses.fr LEGIARTI000031308666 [VERIFIED]",
            }
        )
    return _rows("evidence", rows)


def _fallow() -> pd.DataFrame:
    return _rows(
        "fallow",
        [
            {
                "parcel_id": pid,
                "answer": True if n in (0, 1) else (None if n == 8 else False),
                "stage": "arbustive basse" if n in (0, 1) else None,
                "share_known": 0.5 if n == 8 else 1.0,
                "reasons": "au moins 4 ans sans déclaration" if n in (0, 1) else None,
                "against": None if n in (0, 1, 8) else "déclarée à la PAC en 2024",
                "to_ask": "Depuis quand ? (mairie)" if n == 8 else None,
                "rank": 1 + n if n < 2 else (3 if n == 8 else n + 2),
            }
            for n, pid in enumerate(IDS)
        ],
    )


def _blocks(parcels: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    shapes = [parcels.geometry.iloc[:2].union_all(), parcels.geometry.iloc[8]]
    frame = gpd.GeoDataFrame(
        {
            "block_id": ["B001", "B002"],
            "commune": "12999",
            "answer": [True, None],
            "area_ha": [2.01, 1.0],
            "area_measured_ha": [2.0, 1.0],
            "n_parcels": [2, 1],
            "n_owners_low": [1, 1],
            "owner_kinds": ["personnes physiques", None],
            "stage": ["arbustive basse", None],
            "share_known": [1.0, 0.5],
            "rank": [1, 2],
            "slope_mean_pct": [6.0, None],
            "altitude_mean_m": [420.0, None],
            "past_use": ["prairie permanente (2020)", None],
            "to_ask": [None, "Depuis quand ? (mairie)"],
        },
        geometry=shapes,
        crs=CRS,
    )
    return tables.check(frame, "blocks", crs=CRS)


def _places() -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    canteens = gpd.GeoDataFrame(
        {
            "canteen_id": ["C1"],
            "name": ["Cuisine centrale fictive"],
            "meals_per_day": [1500.0],
            "days_per_year": [140.0],
            "organic_share": [0.58],
            "local_share": [0.40],
            "audience": ["elementaire"],
            "kind": ["central"],
            "served_by": [None],
        },
        geometry=[shapely.Point(WEST + 2000, SOUTH + 500)],
        crs=CRS,
    )
    farmers = gpd.GeoDataFrame(
        {
            "farmer_id": ["F1"],
            "name": ["Ferme fictive du Carré"],
            "organic": [True],
            "productions": ["maraichage;legumes"],
            "wants_ha": [5.0],
            "installed_on": pd.to_datetime(["2018-03-01"]),
            "kind": ["individual"],
        },
        geometry=[shapely.Point(WEST - 800, SOUTH)],
        crs=CRS,
    )
    return (
        tables.check(canteens, "canteens", crs=CRS),
        tables.check(farmers, "farmers", crs=CRS),
    )


def _food() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    reach = _rows(
        "reach",
        [
            {"block_id": b, "place_id": p, "kind": k, "minutes": m, "distance_m": d, "by": "road"}
            for b, p, k, m, d in (
                ("B001", "C1", "canteen", 6.0, 2300.0),
                ("B001", "F1", "farm", 4.0, 900.0),
                ("B002", "C1", "canteen", 7.0, 2500.0),
                ("B002", "F1", "farm", 5.0, 1100.0),
            )
        ],
    )
    meals = _rows(
        "meals",
        [
            {
                "block_id": "B001",
                "crop": "légumes de plein champ",
                "food_group": "légumes",
                "area_ha": 1.6,
                "kg_low": 6400.0,
                "kg": 14400.0,
                "kg_high": 28800.0,
                "meals_low": 15400.0,
                "meals": 34700.0,
                "meals_high": 69400.0,
                "meals_group_low": 52900.0,
                "meals_group": 119000.0,
                "meals_group_high": 238000.0,
                "source": "Agribalyse 3.2 [VERIFIED] ; abattement [ASSUMPTION]",
                "limits": None,
            }
        ],
    )
    matches = _rows(
        "matches",
        [
            {
                "block_id": "B001",
                "farmer_id": "F1",
                "canteen_id": "C1",
                "minutes": 4.0,
                "minutes_canteen": 6.0,
                "meals": 34700.0,
                "why": "maraîchage bio à 4 min, cherche 5 ha",
            },
            {"block_id": "B002", "why": "îlot à confirmer avant d'y placer une ferme"},
        ],
    )
    return reach, meals, matches


def _law() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    version = pd.Timestamp("2015-03-22")
    rulings = _rows(
        "rulings",
        [
            {
                "parcel_id": pid,
                "instrument": "l125_individuel",
                "condition": condition,
                "answer": answer,
                "found": found,
                "needed": "au moins 3",
                "text": "inculte ou manifestement sous-exploitée depuis au moins trois ans",
                "source": "CRPM L125-1, al. 1 [V15c]",
                "version_from": version,
                "question": None if answer else "Une force majeure l'explique-t-elle ?",
                "whom": None if answer else "propriétaire",
            }
            for pid in (IDS[0], IDS[1], IDS[8])
            for condition, answer, found in (
                ("duree", True if pid != IDS[8] else None, "au moins 4"),
                ("verdict", None, "inconnu"),
            )
        ],
    )
    dates = {
        f"{what}{end}": pd.Timestamp(day)
        for what, days in (
            ("land_on", ("2027-05-01", "2028-01-01", "2028-09-01")),
            ("first_meal_on", ("2027-09-01", "2029-09-01", "2031-06-01")),
        )
        for end, day in zip(("_low", "", "_high"), days, strict=True)
    }
    routes = _rows(
        "routes",
        [
            {
                "block_id": block,
                "instrument": instrument,
                "title": title,
                "answer": answer,
                "order": order,
                "n_yes": 0,
                "n_no": 0 if answer is None else n,
                "n_unknown": n if answer is None else 0,
                "why_closed": None if answer is None else "le propriétaire est connu",
                "to_ask": "Une force majeure ? (propriétaire)" if answer is None else None,
                "organic": "par le plan seulement",
                "installed_farmer": "rang 2",
                "cost": "procédure gratuite ; débroussaillage à la charge de l'exploitant",
                "risks": "le propriétaire remet en valeur une fois puis abandonne",
                **(dates if answer is None else {}),
            }
            for block, n in (("B001", 2), ("B002", 1))
            for instrument, title, answer, order in (
                ("l125_individuel", "Terres incultes : demande au préfet", None, 1),
                ("sans_maitre_2", "Bien présumé sans maître", False, 2),
            )
        ],
    )
    steps = _rows(
        "steps",
        [
            {
                "block_id": "B001",
                "instrument": "l125_individuel",
                "step": "reponse",
                "position": 1,
                "who": "propriétaire",
                "act": "répond à la mise en demeure",
                "starts_on": pd.Timestamp("2027-01-04"),
                "ends_on": pd.Timestamp("2027-03-04"),
                "article": "CRPM L125-3, al. 2 [V15]",
                "text": "Dans un délai de deux mois à compter de la notification",
                "practice": "2 à 4 mois [ASSUMPTION]",
            }
        ],
    )
    return rulings, routes, steps


def tiny_result(**about: Any) -> Result:
    """The tiny territory's result; keyword arguments change the study's [study] section."""
    parcels = squares()
    canteens, farmers = _places()
    reach, meals, matches = _food()
    rulings, routes, steps = _law()
    roads = tables.check(
        gpd.GeoDataFrame(
            {
                "nature": ["Route à 1 chaussée"],
                "importance": [5],
                "speed_kmh": [50.0],
                "drivable": [True],
                "oneway": [0],
            },
            geometry=[shapely.LineString([(WEST - 1000, SOUTH - 5), (WEST + 2100, SOUTH - 5)])],
            crs=CRS,
        ),
        "roads",
        crs=CRS,
    )
    return Result(
        study=study(**about),
        parcels=parcels,
        canteens=canteens,
        farmers=farmers,
        facts=_facts(),
        evidence=_evidence(),
        fallow=_fallow(),
        blocks=_blocks(parcels),
        members=_rows(
            "members",
            [
                {"parcel_id": IDS[0], "block_id": "B001"},
                {"parcel_id": IDS[1], "block_id": "B001"},
                {"parcel_id": IDS[8], "block_id": "B002"},
            ],
        ),
        reach=reach,
        meals=meals,
        matches=matches,
        rulings=rulings,
        routes=routes,
        steps=steps,
        missing=pd.DataFrame(
            {
                "layer": ["ndvi"],
                "label": ["images NDVI"],
                "settles": ["la végétation est-elle permanente ?"],
            }
        ),
        provenance=pd.DataFrame(
            {
                "layer": ["cadastre"],
                "file": ["cadastre.json"],
                "sha256": ["0" * 64],
                "publisher": ["DGFiP, Etalab"],
                "licence": ["Licence Ouverte 2.0"],
                "vintage": ["2026-06-01"],
                "attribution": ["DGFiP - cadastre, juin 2026"],
            }
        ),
        roads=roads,
        summary={
            "parcels": 9,
            "area_ha": 9.04,
            "parcels_fallow_yes": 2,
            "parcels_fallow_unknown": 1,
            "area_fallow_ha": 2.01,
            "blocks": 2,
            "meals_per_year": {"low": 15400, "central": 34700, "high": 69400},
            "canteen_meals_per_year": 210000,
            "organic_share_now": 0.58,
            "organic_share_after": {"low": 0.63, "central": 0.7, "high": 0.74},
            "first_meal_on": {"low": "2027-09-01", "central": "2029-09-01", "high": "2031-06-01"},
            "missing_layers": ["ndvi"],
            "seconds": None,
        },
    )

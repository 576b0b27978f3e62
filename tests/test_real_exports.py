"""Official exports read as they are: every real file at hand, and made ones of the same shape."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd
import pytest

from friches.demand import demand, yearly
from friches.errors import InputError
from friches.sources.cadastre import read_cadastre
from friches.sources.declared_fields import read_declared_fields
from friches.sources.exports import export, kind_of, siret
from friches.sources.places import read_canteens, read_farmers
from friches.sources.schools import read_schools
from friches.sources.telepac import is_telepac, read_telepac
from friches.sources.vector import open_vector
from friches.sources.zoning import read_zoning

if TYPE_CHECKING:
    from pathlib import Path

CRS = "EPSG:2154"
CAMPAIGN = {"rpg_v1": 2012, "rpg_v2": 2021}
REGISTRY = (
    "id,name,siret,city_insee_code,production_type,central_producer_siret,daily_meal_count,"
    "yearly_meal_count,sector_list,modification_date"
)
KITCHEN = "21129990000018"


def registry(path: Path, *rows: str, header: str = REGISTRY) -> Path:
    path.write_text("\n".join((header, *rows)) + "\n", "utf-8")
    return path


def communes(path: Path) -> Path:
    centre = {"type": "Point", "coordinates": [3.0, 44.07]}
    said = [{"code": "12999", "nom": "Saint-Rebelle (fictif)", "centre": centre}]
    path.write_text(json.dumps(said), "utf-8")
    return path


def geocoded(path: Path) -> Path:
    path.write_text(f"siret;longitude;latitude\n{KITCHEN};3.01;44.08\n", "utf-8")
    return path


ROWS = (
    f'10,Cuisine,{KITCHEN},12999,central,,1500,210000,"École primaire (maternelle et élémentaire)",',
    f'11,École,21129990000026,12999,site_cooked_elsewhere,{KITCHEN},240,33600,"École primaire",',
    '12,Foyer,,12999,site,,80,29200,"EHPAD / maisons de retraite / foyers de personnes âgées",',
)


# --- the national registry of canteens ------------------------------------------------------


def test_registry_as_exported(tmp_path: Path) -> None:
    files = [
        registry(tmp_path / "r.csv", *ROWS),
        communes(tmp_path / "c.json"),
        geocoded(tmp_path / "s.csv"),
    ]
    read = read_canteens(files, CRS)
    assert read["canteen_id"].tolist() == ["10", "11", "12"]
    assert read["located_by"].tolist() == ["siret", "commune", "commune"]
    assert read["days_per_year"].tolist() == [140, 140, 365]
    assert read["served_by"].dropna().tolist() == ["10"]
    assert read["audience"].tolist() == ["elementaire", "elementaire", "adultes"]
    point = read.to_crs("EPSG:4326").geometry[0]
    assert (point.x, point.y) == pytest.approx((3.01, 44.08), abs=1e-9)


def test_a_meal_of_a_satellite_is_counted_once(tmp_path: Path) -> None:
    files = [registry(tmp_path / "r.csv", *ROWS), communes(tmp_path / "c.json")]
    bought = yearly(demand(read_canteens(files, CRS))).groupby("canteen_id")["meals"].first()
    assert bought.to_dict() == {"10": 210_000, "12": 29_200}


@pytest.mark.parametrize(
    ("daily", "yearly", "meals", "days"),
    [
        ("100", "14000", 100, 140),
        ("", "14000", 100, 140),  # the total of the year is kept
        ("100", "", 100, None),
        ("100", "100", 100, 1),
        ("100", "99", 100, None),  # less than one day: told, not used
        ("100", "36600", 100, 366),
        ("100", "36601", 100, None),
    ],
)
def test_days_come_from_both_counts(
    tmp_path: Path, daily: str, yearly: str, meals: float, days: float | None
) -> None:
    row = f'1,Cantine,,12999,site,,{daily},{yearly},"Crèche",'
    read = read_canteens([registry(tmp_path / "r.csv", row), communes(tmp_path / "c.json")], CRS)
    assert read["meals_per_day"][0] == meals
    assert read["days_per_year"].isna()[0] if days is None else read["days_per_year"][0] == days
    odd = days is None and yearly != ""
    assert read.attrs["jours de service incohérents"] == int(odd)


def test_registry_needs_positions_beside(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="n'a pas de coordonnées"):
        read_canteens([registry(tmp_path / "r.csv", *ROWS)], CRS)
    with pytest.raises(InputError, match="aucune liste de cantines"):
        read_canteens([communes(tmp_path / "c.json")], CRS)


def test_what_the_registry_leaves_out_is_told(tmp_path: Path) -> None:
    rows = (
        *ROWS,
        '13,Ailleurs,,75056,site,,50,7000,"École primaire",',
        '14,Sans repas,,12999,site,,,,"École primaire",',
        '15,Livrée,,12999,site_cooked_elsewhere,99999999900019,50,7000,"Crèche;Collège",',
    )
    read = read_canteens([registry(tmp_path / "r.csv", *rows), communes(tmp_path / "c.json")], CRS)
    assert read["canteen_id"].tolist() == ["10", "11", "12", "15"]
    assert read.attrs["cantines sans position"] == 1
    assert read.attrs["cantines sans nombre de repas"] == 1
    assert read.attrs["cuisine livrante hors du registre donné"] == 1
    assert pd.isna(read["audience"][3])  # two publics: unknown, not the first


def test_far_canteens_and_their_satellites(tmp_path: Path) -> None:
    files = [
        registry(tmp_path / "r.csv", *ROWS),
        communes(tmp_path / "c.json"),
        geocoded(tmp_path / "s.csv"),
    ]
    point = read_canteens(files, CRS).geometry
    x, y = point[1].x, point[1].y
    kept = read_canteens(files, CRS, (x + 59_999, y, x + 60_100, y + 1))
    # The kitchen lies 796 m east of the commune's centre; the others are 59 999 m away.
    assert kept["canteen_id"].tolist() == ["10", "11", "12"]
    alone = read_canteens(files, CRS, (x + 60_001, y, x + 60_100, y + 1))
    assert alone["canteen_id"].tolist() == ["10"]
    with pytest.raises(InputError, match="aucune des 3 cantines"):
        read_canteens(files, CRS, (x + 70_000, y, x + 70_100, y + 1))


def test_older_sectors_and_a_far_kitchen(tmp_path: Path) -> None:
    header = REGISTRY.replace("sector_list", "sectors").replace(",", ";")
    row = f"1;Site;;12999;site_cooked_elsewhere;{KITCHEN};50;7000;['École maternelle'];"
    read = read_canteens(
        [registry(tmp_path / "r.csv", row, header=header), communes(tmp_path / "c.json")], CRS
    )
    assert read["audience"].tolist() == ["maternelle"]
    assert read["served_by"].isna().all()


def test_declarations_give_the_organic_share(tmp_path: Path) -> None:
    said = tmp_path / "t.csv"
    said.write_text(
        "canteen_id,year,teledeclaration_ratio_bio\n10,2023,0.2\n10,2024,0.31\n12,2024,1.5\n",
        "utf-8",
    )
    files = [registry(tmp_path / "r.csv", *ROWS), communes(tmp_path / "c.json"), said]
    share = read_canteens(files, CRS)["organic_share"]
    assert share[0] == 0.31
    assert share[1:].isna().all()


@pytest.mark.shared
def test_registry_placed_by_real_schools_and_outlines(tmp_path: Path, shared: Path) -> None:
    header = REGISTRY
    rows = (
        '1,École (fictif),21350016800025,35016,site,,90,12600,"",',
        '2,Cantine (fictif),,12145,site,,90,12600,"École primaire",',
    )
    files = [
        registry(tmp_path / "r.csv", *rows, header=header),
        shared / "data/schools/annuaire_education_35.csv",
        shared / "data/communes/communes-12-aveyron.geojson",
    ]
    read = read_canteens(files, CRS)
    assert read["located_by"].tolist() == ["school", "commune"]
    point = read.to_crs("EPSG:4326").geometry[0]
    assert (point.x, point.y) == pytest.approx((-1.9294895, 47.9861449), abs=1e-6)
    assert read["audience"].tolist()[0] == "elementaire"  # told by the school itself
    millau = gpd.read_file(files[2]).query("code == '12145'").to_crs(CRS).geometry.iloc[0]
    assert millau.contains(read.geometry[1])


# --- schools -----------------------------------------------------------------------------------


@pytest.mark.shared
def test_schools_with_headcounts(shared: Path) -> None:
    folder = shared / "data/schools"
    plain = read_schools([folder / "annuaire_education_35.csv"], CRS)
    assert set(plain["department"]) == {"35"}
    with (folder / "annuaire_education_35.csv").open(encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    fed = [r["Identifiant_de_l_etablissement"] for r in rows if r["Restauration"] == "1"]
    assert len(fed) == 866
    assert int(plain["canteen"].sum()) == len(set(fed))  # some schools stand on two rows
    assert plain["uai"].is_unique
    assert plain.geometry.notna().all()
    both = read_schools(
        [folder / "annuaire_education_35.csv", folder / "effectifs_ecoles_35.csv"], CRS
    )
    row = both.set_index("uai").loc["0350122T"]
    with (folder / "effectifs_ecoles_35.csv").open(encoding="utf-8-sig") as file:
        last = max(
            (line["Rentrée scolaire"], line["Nombre total d'élèves"])
            for line in csv.DictReader(file, delimiter=";")
            if line["Numéro de l'école"] == "0350122T"
        )
    assert row["pupils"] == float(last[1])
    assert both["pupils"].notna().sum() >= plain["pupils"].notna().sum() > 800


@pytest.mark.shared
def test_schools_of_a_spreadsheet(shared: Path) -> None:
    read = read_schools([shared / "data/schools/annuaire_doubs_extrait.csv"], CRS)
    assert len(read) == 8
    assert set(read["department"]) == {"25"}
    assert read["siret"].isna().all()  # « 2,12503E+13 » is no SIRET
    assert read["pupils"].isna().all()
    assert int(read["canteen"].sum()) == 5
    assert read["audience"].value_counts().to_dict() == {"elementaire": 6, "maternelle": 2}


def test_schools_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("Identifiant_de_l_etablissement;Nom_etablissement\n12;École\n", "utf-8")
    with pytest.raises(InputError, match="sept chiffres et une lettre"):
        read_schools([path], CRS)
    with pytest.raises(InputError, match="aucun annuaire"):
        read_schools([], CRS)


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("21350016800025", True),
        ("213 500 168 00025", True),
        ("2135001680002", False),
        ("213500168000250", False),
        ("2,12503E+13", False),
        ("00000000000000", False),
    ],
)
def test_siret(text: str, good: bool) -> None:
    assert siret(pd.Series([text])).notna().tolist() == [good]


# --- farms -------------------------------------------------------------------------------------


@pytest.mark.shared
def test_a_real_operator(shared: Path) -> None:
    path = shared / "data/agence_bio/annuaire_operateur_exemple_redacted.json"
    read = read_farmers([path], CRS)
    assert read["farmer_id"].tolist() == ["bio-141727"]  # a SIRET of zeros is none
    assert read["productions"].tolist() == ["rhubarbe;fraises;pommes de table"]
    assert read["organic"].tolist() == [True]
    point = read.to_crs("EPSG:4326").geometry[0]
    assert (point.x, point.y) == pytest.approx((0.70, 47.39), abs=1e-6)


def operator(number: int, **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "numeroBio": number,
        "raisonSociale": f"Ferme fictive {number}",
        "siret": None,
        "productions": [{"code": "01.13", "nom": "Légumes"}],
        "activites": [{"nom": "Production"}],
        "certificats": [{"etatCertification": "ENGAGEE"}],
        "adressesOperateurs": [{"lat": 44.08, "long": 3.01, "active": True}],
    } | more


def wrote(path: Path, said: Any) -> Path:
    path.write_text(json.dumps(said), "utf-8")
    return path


def test_flat_positions_and_active_addresses(tmp_path: Path) -> None:
    closed = {"lat": 44.5, "long": 3.5, "active": False}
    here = {"lat": "44.07", "long": "3.02", "active": True}
    said = {
        "nbTotal": 5,
        "items": [
            operator(1, adressesOperateurs=[closed, here]),
            operator(2, adressesOperateurs=[closed]),
            operator(3, activites=[{"nom": "Préparation"}]),
            operator(4, activites=[{"nom": "Production", "active": False}]),
            operator(5, certificats=[{"etatCertification": "ARRETEE"}], siret="21129990000018"),
        ],
    }
    read = read_farmers([wrote(tmp_path / "a.json", said)], CRS)
    assert read["farmer_id"].tolist() == ["21129990000018", "bio-1"]
    assert read["organic"].tolist() == [False, True]
    assert read.attrs["opérateurs sans production en activité"] == 2
    assert read.attrs["fermes sans adresse localisée"] == 1
    point = read.to_crs("EPSG:4326").geometry[1]
    assert (point.x, point.y) == pytest.approx((3.02, 44.07), abs=1e-9)


@pytest.mark.parametrize("shape", ["one", "list", "page", "pages"])
def test_every_way_to_hold_operators(tmp_path: Path, shape: str) -> None:
    one = operator(1)
    said = {
        "one": one,
        "list": [one],
        "page": {"nbTotal": 1, "items": [one]},
        "pages": [{"nbTotal": 1, "items": [one]}, {"nbTotal": 1, "items": []}],
    }[shape]
    assert len(read_farmers([wrote(tmp_path / "a.json", said)], CRS)) == 1


def firm(name: str, code: str, **more: Any) -> dict[str, Any]:
    place = {
        "siret": name,
        "activite_principale": code,
        "etat_administratif": "A",
        "longitude": "3.01",
        "latitude": "44.08",
        "libelle_commune": "SAINT-REBELLE",
    } | more
    return {
        "siren": name[:9],
        "nom_complet": "GAEC FICTIF",
        "nature_juridique": "6533",
        "siege": place,
        "matching_etablissements": [place],
        "complements": {"est_bio": None},
    }


def test_farms_by_activity(tmp_path: Path) -> None:
    person = firm("11111111100014", "01.13Z") | {
        "nature_juridique": "1000",
        "nom_complet": "NOM PRENOM",
    }
    said = {
        "results": [
            firm("22222222200012", "01.50Z"),
            firm("33333333300010", "01.61Z"),
            firm("44444444400018", "01.41Z", etat_administratif="F"),
            firm("55555555500016", "01.41Z", longitude=None),
            person,
        ],
        "total_results": 5,
    }
    read = read_farmers([wrote(tmp_path / "f.json", said)], CRS)
    assert read["farmer_id"].tolist() == ["11111111100014", "22222222200012"]
    assert read["productions"].tolist() == ["légumes", "polyculture;élevage"]
    assert read["name"].tolist() == [
        "exploitation individuelle (01.13), SAINT-REBELLE",
        "GAEC FICTIF",
    ]
    assert read["organic"].isna().all()
    assert sum(read.attrs.values()) == 3


def test_the_same_farm_in_both_answers(tmp_path: Path) -> None:
    bio = wrote(tmp_path / "a.json", operator(1, siret="22222222200012"))
    naf = wrote(tmp_path / "f.json", {"results": [firm("22222222200012", "01.50Z")]})
    for files in ([bio, naf], [naf, bio]):
        read = read_farmers(files, CRS)
        assert read["farmer_id"].tolist() == ["22222222200012"]
        assert read["organic"].tolist() == [True]


def test_answers_without_farms(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="aucune ferme en activité"):
        read_farmers([wrote(tmp_path / "a.json", operator(1, activites=[]))], CRS)
    with pytest.raises(InputError, match="aucune exploitation agricole"):
        read_farmers([wrote(tmp_path / "f.json", {"results": [firm("3" * 14, "01.61Z")]})], CRS)
    with pytest.raises(InputError, match="pas une liste de fermes"):
        read_farmers([registry(tmp_path / "r.csv", *ROWS)], CRS)
    (tmp_path / "b.json").write_text('{"items": [', "utf-8")
    with pytest.raises(InputError, match="illisible ou tronqué"):
        read_farmers([tmp_path / "b.json"], CRS)


def test_a_table_by_hand_is_no_export(tmp_path: Path) -> None:
    assert not kind_of(["canteen_id", "name", "siret", "lon", "lat"])
    assert not export(tmp_path / "absent.csv").kind
    path = tmp_path / "c.csv"
    path.write_text(
        "canteen_id,name,meals_per_day,lon,lat,siret,located_by\n1,A,10,3,44.1,,school\n", "utf-8"
    )
    assert read_canteens([path], CRS)["located_by"].tolist() == ["school"]


# --- Telepac -----------------------------------------------------------------------------------


@pytest.mark.shared
def test_a_real_telepac_export(shared: Path) -> None:
    path = shared / "data/telepac/telepac-parcelles.zip"
    assert is_telepac(path)
    read = read_telepac(path, 2024, CRS)
    assert len(read) == 45
    assert read.crs == CRS
    assert read["field_id"].is_unique
    assert read.is_valid.all()
    assert {"PTR", "PPH", "BTH"} <= set(read["crop_code"])
    # The declared hectares are those of the drawing, less what is not eligible.
    drawn = read.area.sum() / 10_000
    assert read["area_declared_ha"].sum() == pytest.approx(drawn, rel=0.02)
    assert not any("999100540" in str(value) for value in read.astype("str").to_numpy().ravel())
    fields = read_declared_fields({2024: [path]}, CRS)
    assert fields["campaign"].eq(2024).all()
    with pytest.raises(InputError, match="campagne 2024, donné pour 2023"):
        read_declared_fields({2023: [path]}, CRS)


@pytest.mark.shared
def test_other_archives_are_no_telepac(shared: Path) -> None:
    assert not is_telepac(shared / "data/oso/oso_vector_muret.shp")
    assert not is_telepac(shared / "data/README.md")
    assert not is_telepac(shared / "data/absent.zip")


# --- API Carto and the town plans -----------------------------------------------------------


def answers(folder: Path, start: str) -> list[Path]:
    return sorted(folder.glob(f"{start}*.geojson"))


@pytest.mark.shared
def test_all_recorded_answers_are_read(shared: Path) -> None:
    folder = shared / "data/apicarto"
    assert len(list(folder.iterdir())) == 58
    read = 0
    for path in answers(folder, "cadastre_parcelle"):
        said = json.loads(path.read_text("utf-8"))["features"]
        names = {one["properties"]["code_insee"] for one in said}
        assert len(read_cadastre([path], CRS, sorted(names))) == len(said)
        read += 1
    for start, campaign in CAMPAIGN.items():
        for path in answers(folder, start):
            fields = read_declared_fields({campaign: [path]}, CRS)
            assert len(fields) == len(json.loads(path.read_text("utf-8"))["features"])
            read += 1
    for path in answers(folder, "gpu_zone_urba"):
        zones = read_zoning([path], CRS, None)
        assert len(zones) == len(json.loads(path.read_text("utf-8"))["features"])
        read += 1
    assert read == 18 + 2 + 14 + 5


@pytest.mark.shared
def test_the_other_answers_are_opened_and_told(shared: Path) -> None:
    folder = shared / "data/apicarto"
    others = [p for s in ("gpu_document", "gpu_municipality", "_", "cadastre_commune")
              for p in answers(folder, s)]  # fmt: skip
    assert len(others) == 19
    for path in others:
        layer = open_vector(path, CRS)
        assert len(layer) == len(json.loads(path.read_text("utf-8"))["features"])
        assert layer.is_valid.all()
        if path.name.startswith("_5cbaea"):  # parcels of another collection
            assert len(read_cadastre([path], CRS, sorted(set(layer["code_insee"])))) == 10
            continue
        with pytest.raises(InputError, match="colonne « typezone » absente"):
            read_zoning([path], CRS, None)
        with pytest.raises(InputError, match="cadastre non reconnu"):
            read_cadastre([path], CRS, ["29158"])


@pytest.mark.shared
def test_both_town_plans(shared: Path) -> None:
    plans = sorted((shared / "data/plu").iterdir())
    assert [len(read_zoning([plan], CRS, None)) for plan in plans] == [221, 90]

"""Canteens and farms written by hand: every mistake is told at once, with its line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shapely.geometry import Point

from friches.errors import InputError
from friches.sources.places import read_canteens, read_farmers

if TYPE_CHECKING:
    from pathlib import Path

CRS = "EPSG:2154"
COLUMNS = (
    "canteen_id,name,meals_per_day,days_per_year,organic_share,local_share,audience,lon,lat,"
    "kind,served_by"
)
CENTRAL = "C1,Cuisine,1500,140,0.58,0.4,elementaire,3.0,44.1,central,"


def table(path: Path, *rows: str, columns: str = COLUMNS, sep: str = ",") -> Path:
    path.write_text("\n".join((columns, *rows)).replace(",", sep) + "\n", "utf-8")
    return path


def canteens(path: Path) -> gpd.GeoDataFrame:
    return read_canteens([path], CRS)


def refused(path: Path) -> list[str]:
    with pytest.raises(InputError) as caught:
        canteens(path)
    return [str(breach) for breach in caught.value.breaches]


@pytest.mark.parametrize("sep", [",", ";"])
def test_canteens(tmp_path: Path, sep: str) -> None:
    site = "C0,École,80,140,,,maternelle,3.1,44.2,site_cooked_elsewhere,C1"
    read = canteens(table(tmp_path / "c.csv", CENTRAL, site, sep=sep))
    assert read["canteen_id"].tolist() == ["C0", "C1"]
    assert read["meals_per_day"].tolist() == [80, 1500]
    assert read["organic_share"].tolist()[1] == 0.58
    assert read["organic_share"].isna().tolist() == [True, False]
    assert read["served_by"].tolist()[0] == "C1"
    expected = gpd.GeoSeries([Point(3.0, 44.1)], crs="EPSG:4326").to_crs(CRS)[0]
    assert read.geometry[1].distance(expected) < 1e-6
    assert read.crs == CRS


def test_weighings_yearly_counts_and_quality_shares_are_read_when_given(tmp_path: Path) -> None:
    columns = f"{COLUMNS},repas_par_an,waste_g_per_meal,part_egalim,meat_quality_share"
    read = canteens(table(tmp_path / "c.csv", f"{CENTRAL},210000,75,0.7,0.6", columns=columns))
    first = read.iloc[0]
    assert (first["meals_per_year"], first["waste_g_per_meal"]) == (210_000, 75)
    assert (first["quality_share"], first["meat_quality_share"]) == (0.7, 0.6)
    assert read["fish_quality_share"].isna().all()


def test_french_columns_words_and_decimals(tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_text(
        "identifiant;nom;repas_par_jour;part_bio;public;lon;lat;type\n"
        "007;Crèche;1 200;0,58;Crèche;3,0;44,1;Cuisine centrale\n",
        "cp1252",
    )
    row = canteens(path).iloc[0]
    assert (row["canteen_id"], row["meals_per_day"], row["organic_share"]) == ("007", 1200, 0.58)
    assert (row["audience"], row["kind"]) == ("creche", "central")
    assert pd.isna(row["days_per_year"])


@pytest.mark.parametrize(
    ("share", "fine"), [("1", True), ("1.01", False), ("0", True), ("-0.01", False)]
)
def test_share_bounds(tmp_path: Path, share: str, fine: bool) -> None:
    path = table(tmp_path / "c.csv", CENTRAL.replace("0.58", share))
    if fine:
        assert canteens(path).loc[0, "organic_share"] == float(share)
    else:
        assert "organic_share" in " ".join(refused(path))


@pytest.mark.parametrize(
    ("meals", "fine"), [("0", True), ("-1", False), ("", False), ("beaucoup", False)]
)
def test_meals(tmp_path: Path, meals: str, fine: bool) -> None:
    path = table(tmp_path / "c.csv", CENTRAL.replace("1500", meals))
    if fine:
        assert canteens(path).loc[0, "meals_per_day"] == 0
    else:
        breaches = refused(path)
        assert len(breaches) == 1
        assert "meals_per_day" in breaches[0]


def test_every_breach_at_once(tmp_path: Path) -> None:
    path = table(
        tmp_path / "c.csv",
        "C1,A,-5,140,58,0.4,elementaire,3.0,44.1,central,",
        "C1,B,10,400,0.5,0.4,seniors,3.0,44.1,site,C9",
        "C2,C,10,140,0.5,0.4,adultes,,44.1,cantine,C2",
        "C3,D,10,140,0.5,0.4,adultes,44.1,3.0,site,",
        "C4,E,10,140,0.5,0.4,adultes,700000,6300000,site,",
        "C5,F,10,140,0.5,0.4,adultes,-73.5,45.5,site,",
    )
    breaches = refused(path)
    text = "\n".join(breaches)
    for words in (
        "meals_per_day",
        "days_per_year",
        "« organic_share »",
        "« seniors »",
        "« cantine »",
        "sans position",
        "lon et lat inversées",
        "en mètres",
        "hors du domaine",
        "C1 → C9",
        "livrée(s) par elle(s)-même(s)",
        "partagent leur identifiant",
    ):
        assert words in text
    assert len(breaches) == 12
    assert "ligne 3)" in next(b for b in breaches if "sans position" in b)


def test_missing_columns_at_once(tmp_path: Path) -> None:
    breaches = refused(table(tmp_path / "c.csv", "1,2", columns="lon,lieu"))
    text = "\n".join(breaches)
    for column in ("« canteen_id »", "« name »", "« meals_per_day »", "« lat »"):
        assert text.count(f"colonne {column} absente") == 1
    assert len(breaches) == 4


def test_files_are_read_together(tmp_path: Path) -> None:
    one = table(tmp_path / "a.csv", CENTRAL)
    two = table(tmp_path / "b.csv", "C2,B,10,140,,,adultes,3.0,44.1,site_cooked_elsewhere,C1")
    assert len(read_canteens([one, two], CRS)) == 2
    assert "C2 → C1" in refused(two)[0]
    with pytest.raises(InputError, match="introuvable"):
        read_canteens([tmp_path / "none.csv"], CRS)
    with pytest.raises(InputError, match="aucun fichier"):
        read_canteens([], CRS)


def farms(path: Path, *features: dict[str, Any], point: Any = (3.0, 44.1)) -> Path:
    said = {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "properties": properties,
                "geometry": {"type": "Point", "coordinates": list(point)},
            }
            for properties in features
        ],
    }
    path.write_text(json.dumps(said), "utf-8")
    return path


def test_farmers_geojson(tmp_path: Path) -> None:
    path = farms(
        tmp_path / "f.geojson",
        {
            "farmer_id": "F2",
            "name": "Ferme B",
            "organic": "non",
            "productions": ["Légumes", "Œufs"],
        },
        {
            "farmer_id": "F1",
            "name": "Ferme A",
            "organic": "yes",
            "productions": "Légumes; fruits;légumes",
            "wants_ha": 3.5,
            "installed_on": "2019-03-01",
            "kind": "collective",
        },
    )
    read = read_farmers([path], CRS)
    assert read["farmer_id"].tolist() == ["F1", "F2"]
    assert read["organic"].tolist() == [True, False]
    assert read["productions"].tolist() == ["légumes;fruits", "légumes;œufs"]
    assert read["installed_on"][0] == pd.Timestamp("2019-03-01")
    assert read["kind"].tolist()[0] == "collective"
    assert pd.isna(read["wants_ha"][1])


def test_farmers_csv_with_quoted_list(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_text(
        "farmer_id;name;lon;lat;organic;productions;wants_ha\n"
        'F1;Ferme;3,0;44,1;oui;"légumes;fruits";\nF2;Ferme;3,0;44,1;;;2,5\n',
        "utf-8",
    )
    read = read_farmers([path], CRS)
    assert read["productions"].tolist()[0] == "légumes;fruits"
    assert pd.isna(read["organic"][1])
    assert read["wants_ha"].tolist()[1] == 2.5


def test_farmers_breaches(tmp_path: Path) -> None:
    path = farms(
        tmp_path / "f.geojson",
        {"farmer_id": "F1", "name": "A", "organic": "peut-être", "wants_ha": "-2", "kind": "club"},
        {"farmer_id": "F1", "name": None, "organic": "oui", "installed_on": "hier"},
    )
    with pytest.raises(InputError) as caught:
        read_farmers([path], CRS)
    text = str(caught.value)
    for words in ("« peut-être »", "wants_ha", "« club »", "« hier »", "« name »", "identifiant"):
        assert words in text


def test_swapped_geojson_is_refused(tmp_path: Path) -> None:
    path = farms(tmp_path / "f.geojson", {"farmer_id": "F1", "name": "A"}, point=(44.1, 3.0))
    with pytest.raises(InputError, match="hors du domaine"):
        read_farmers([path], CRS)


@given(st.floats(-4, 9), st.floats(42, 51))
@settings(
    max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
def test_positions_come_back(tmp_path: Path, lon: float, lat: float) -> None:
    path = table(tmp_path / "c.csv", f"C1,A,10,140,,,adultes,{lon:.7f},{lat:.7f},site,")
    back = canteens(path).to_crs("EPSG:4326").geometry[0]
    assert (back.x, back.y) == pytest.approx((lon, lat), abs=1e-6)

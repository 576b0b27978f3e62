"""Buildings and roads: both versions of BD TOPO, the cadastre's buildings, and bare shapes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd
import pytest
from shapely.geometry import LineString, Point, box

from friches.errors import InputError
from friches.sources.topo import read_buildings, read_roads
from friches.sources.words import book

if TYPE_CHECKING:
    from pathlib import Path

CRS = "EPSG:2154"
WEST, SOUTH = 700_000.0, 6_300_000.0
BOUNDS = (WEST, SOUTH, WEST + 100, SOUTH + 100)


def save(path: Path, shapes: list, **columns: list) -> Path:
    gpd.GeoDataFrame(columns, geometry=shapes, crs=CRS).to_file(path, driver="GPKG")
    return path


def houses(path: Path, **columns: list) -> Path:
    n = len(next(iter(columns.values())))
    return save(
        path, [box(WEST + 20 * i, SOUTH, WEST + 20 * i + 9, SOUTH + 9) for i in range(n)], **columns
    )


def lanes(path: Path, **columns: list) -> Path:
    n = len(next(iter(columns.values())))
    return save(
        path, [LineString([(WEST, SOUTH + i), (WEST + 9, SOUTH + i)]) for i in range(n)], **columns
    )


def dwelling(path: Path) -> list[Any]:
    values = read_buildings([path], CRS, BOUNDS)["dwelling"]
    return [None if pd.isna(v) else bool(v) for v in values]


@pytest.mark.parametrize(
    ("first", "second", "answer"),
    [
        ("Résidentiel", None, True),
        ("Agricole", "Résidentiel", True),
        ("Indifférencié", "Résidentiel", True),
        ("Agricole", None, False),
        ("Industriel", "Commercial et services", False),
        ("Indifférencié", None, None),
        ("Indifférencié", "Agricole", None),
        ("Agricole", "Indifférencié", None),
        ("Inédit", None, None),
        ("Agricole", "Inédit", None),
        (None, None, None),
        ("RESIDENTIEL", None, True),
    ],
)
def test_dwelling_by_use(tmp_path: Path, first: Any, second: Any, answer: Any) -> None:
    path = houses(tmp_path / "b.gpkg", USAGE_1=[first], USAGE_2=[second])
    assert dwelling(path) == [answer]


def test_dwelling_by_number_of_dwellings(tmp_path: Path) -> None:
    path = houses(
        tmp_path / "b.gpkg",
        usage_1=["Indifférencié"] * 3,
        nombre_de_logements=[1, 0, None],
    )
    assert dwelling(path) == [True, None, None]


def test_dwelling_by_nature_in_version_2(tmp_path: Path) -> None:
    path = houses(tmp_path / "b.gpkg", NATURE=["Serre", "Bâtiment industriel", "Indifférenciée"])
    assert dwelling(path) == [False, False, None]


def test_cadastre_buildings_say_nothing(tmp_path: Path) -> None:
    assert (
        dwelling(houses(tmp_path / "b.gpkg", commune=["12999"] * 2, type=["01", "02"]))
        == [None] * 2
    )


def test_buildings_text_as_number(tmp_path: Path) -> None:
    path = houses(tmp_path / "b.gpkg", nb_logts=["deux"])
    with pytest.raises(InputError, match="nombre_de_logements"):
        read_buildings([path], CRS, BOUNDS)


def test_buildings_that_are_points(tmp_path: Path) -> None:
    path = save(tmp_path / "b.gpkg", [Point(WEST, SOUTH)], usage_1=["Agricole"])
    with pytest.raises(InputError, match="Point"):
        read_buildings([path], CRS, BOUNDS)


def test_several_files_and_all_their_breaches(tmp_path: Path) -> None:
    one, two = (houses(tmp_path / f"{i}.gpkg", usage_1=["Agricole"]) for i in range(2))
    assert len(read_buildings([one, two], CRS, BOUNDS)) == 2
    with pytest.raises(InputError) as caught:
        read_buildings([one, tmp_path / "a.gpkg", tmp_path / "b.gpkg"], CRS, BOUNDS)
    assert len(caught.value.breaches) == 2


def test_other_territory(tmp_path: Path) -> None:
    path = houses(tmp_path / "b.gpkg", usage_1=["Agricole"])
    with pytest.raises(InputError, match="autre territoire"):
        read_buildings([path], CRS, (0, 0, 10, 10))


def test_roads_version_3(tmp_path: Path) -> None:
    natures = ["Route à 1 chaussée", "Chemin", "Sentier", "Escalier", "Bac ou liaison maritime"]
    path = lanes(
        tmp_path / "r.gpkg",
        nature=natures,
        importance=["4", "5", "6", "6", "6"],
        sens_de_circulation=["Sens direct", "Double sens", "Sans objet", None, "Sens inverse"],
        vitesse_moyenne_vl=[42, 0, 5, None, 20],
    )
    roads = read_roads([path], CRS, BOUNDS)
    assert roads["drivable"].tolist() == [True, True, False, False, False]
    assert roads["speed_kmh"].tolist() == [42, 10, 0, 0, 0]
    assert roads["oneway"].tolist() == [1, 0, 0, 0, -1]
    assert roads["importance"].tolist() == [4, 5, 6, 6, 6]
    assert roads.attrs["assumed_speeds"] == 1
    assert "assumed" not in roads


def test_roads_version_2(tmp_path: Path) -> None:
    path = lanes(
        tmp_path / "r.gpkg",
        NATURE=["Route à 1 chaussée", "Route à 1 chaussée", "Piste cyclable", "Autoroute"],
        IMPORTANCE=["1", "NC", "NR", "1"],
        SENS=["Double", "Inverse", None, "Direct"],
    )
    roads = read_roads([path], CRS, BOUNDS)
    assert roads["speed_kmh"].tolist() == [75, 45, 0, 105]
    assert roads["oneway"].tolist() == [0, -1, 0, 1]
    assert roads["importance"].isna().tolist() == [False, True, True, False]


def test_roads_without_any_attribute_may_be_taken_slowly(tmp_path: Path) -> None:
    path = lanes(tmp_path / "r.gpkg", nature=[None, None], importance=[None, None])
    roads = read_roads([path], CRS, BOUNDS)
    assert roads["nature"].isna().all()
    assert roads["drivable"].all()
    assert (roads["speed_kmh"] == book("roads")["unknown"]["kmh"]).all()


def test_closed_and_projected_roads(tmp_path: Path) -> None:
    path = lanes(
        tmp_path / "r.gpkg",
        nature=["Chemin"] * 3,
        acces_vehicule_leger=["Libre", "Physiquement impossible", None],
        etat_de_l_objet=["En service", None, "En projet"],
    )
    assert read_roads([path], CRS, BOUNDS)["drivable"].tolist() == [True, False, False]


def test_roads_need_a_nature_column(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="« nature » absente"):
        read_roads([lanes(tmp_path / "r.gpkg", name=["x"])], CRS, BOUNDS)


def test_roads_far_around_are_read(tmp_path: Path) -> None:
    path = save(
        tmp_path / "r.gpkg",
        [LineString([(WEST + x, SOUTH), (WEST + x + 9, SOUTH)]) for x in (0, 50_000, 70_000)],
        nature=["Chemin"] * 3,
    )
    assert len(read_roads([path], CRS, BOUNDS)) == 2


def test_every_speed_has_a_nature_and_the_table_its_mark() -> None:
    said = book("roads")
    assert said["speed"]["mark"] == "ASSUMPTION"
    assert said["speed"]["unit"] == "km/h"
    for kind in said["natures"]["list"]:
        assert kind["drivable"] == (kind["kmh"] > 0)


@pytest.mark.shared
def test_gennes(shared: Path) -> None:
    bounds = tuple(gpd.read_file(shared / "data/gennes/parcel.gpkg").total_bounds)
    buildings = read_buildings([shared / "data/gennes/building.gpkg"], CRS, bounds)
    assert len(buildings) == 325
    assert buildings["dwelling"].isna().all()
    assert buildings["use"].isna().all()
    roads = read_roads([shared / "data/gennes/road.gpkg"], CRS, bounds)
    assert len(roads) == 182
    assert roads.length.sum() / 1000 == pytest.approx(22.9, abs=0.05)
    assert not roads.has_z.any()
    assert roads["drivable"].all()
    assert roads["oneway"].value_counts().to_dict() == {0: 161, 1: 17, -1: 4}
    assert roads["nature"].value_counts().to_dict() == {
        "Route à 1 chaussée": 155,
        "Route empierrée": 27,
    }
    assert roads.attrs["assumed_speeds"] == 182


@pytest.mark.shared
def test_buildings_of_edigeo_sheets(shared):
    sheets = sorted((shared / "data" / "luxiol_edigeo").glob("*.tar.bz2"))
    buildings = read_buildings(sheets, "EPSG:2154", None)
    assert len(buildings) == 252
    assert buildings["dwelling"].isna().all()

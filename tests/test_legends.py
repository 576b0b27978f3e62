"""Legends: every code moves to a common class; the same integer is not the same land."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import pytest
from shapely.geometry import box

from friches.errors import InputError
from friches.sources import legends
from friches.sources.land_cover import read_land_cover

if TYPE_CHECKING:
    from pathlib import Path

CRS = "EPSG:2154"
WEST, SOUTH = 700_000.0, 6_300_000.0
BOUNDS = (WEST, SOUTH, WEST + 30, SOUTH + 30)


def squares(n: int) -> list:
    return [box(WEST + 10 * i, SOUTH, WEST + 10 * i + 10, SOUTH + 10) for i in range(n)]


def layer(path: Path, **columns: list) -> Path:
    n = len(next(iter(columns.values())))
    gpd.GeoDataFrame(columns, geometry=squares(n), crs=CRS).to_file(path, driver="GPKG")
    return path


@pytest.mark.parametrize(
    ("name", "count"), [("oso17", 17), ("oso23", 24), ("ocsge", 14), ("clc", 44)]
)
def test_every_code_has_a_common_class_a_label_and_its_source(name: str, count: int) -> None:
    codes = legends.legend(name)
    assert len(codes) == count == len(legends.labels(name))
    assert set(codes.values()) <= set(legends.COMMON)
    said = legends.legends()[name]
    assert said["source"]
    assert {said["mark"], said["class_mark"]} <= {"VERIFIED", "RECALLED", "ASSUMPTION", "INFERENCE"}
    assert len({row["code"] for row in said["classes"]}) == count
    assert legends.mixed(name) <= set(legends.COMMON)


def test_same_integer_other_land() -> None:
    old, new = legends.labels("oso17"), legends.labels("oso23")
    assert (old[11], new[11]) == ("Cultures d'été", "Riz")
    assert (old[12], new[12]) == ("Cultures d'hiver", "Tubercules et racines")
    assert set(old) & set(new) == {11, 12}
    # 211 is a meadow for OSO, ploughed land for CORINE, where it is a text.
    assert legends.legend("oso17")[211] == "grass"
    assert legends.legend("clc")["211"] == "arable"


def test_water_and_snow_are_not_swapped() -> None:
    classes = legends.legend("oso23")
    assert (classes[21], classes[22], classes[23]) == ("bare", "snow", "water")
    assert (classes[13], classes[18], classes[19]) == ("grass", "lawn", "shrub")


def test_unknown_legend_is_refused() -> None:
    with pytest.raises(InputError, match="oso17, oso23, ocsge, clc"):
        legends.legend("oso99")


@pytest.mark.parametrize("column", ["code_cs", "CODE_CS", "couverture"])
def test_ocsge_three_spellings(tmp_path: Path, column: str) -> None:
    use = {"couverture": "usage", "code_cs": "code_us", "CODE_CS": "CODE_US"}[column]
    path = layer(
        tmp_path / "ocsge.gpkg", **{column: ["CS2.1.2", "CS2.2.1"], use: ["US6.2", "US1.1"]}
    )
    key, table = read_land_cover(path, "ocsge", CRS, BOUNDS)
    assert key == "land_cover"
    assert table["cover"].tolist() == ["shrub", "grass"]
    assert table["usage"].tolist() == ["US6.2", "US1.1"]
    assert {"arable", "grass"} <= set(table.attrs["mixed"])


@pytest.mark.parametrize("codes", [["324", "243"], [324, 243], [324.0, 243.0]])
def test_clc_codes_as_text_or_numbers(tmp_path: Path, codes: list) -> None:
    _, table = read_land_cover(layer(tmp_path / "c.gpkg", CODE_18=codes), "clc", CRS, BOUNDS)
    assert table["cover"].tolist() == ["shrub", "other"]
    assert table["code"].tolist() == ["324", "243"]


def test_oso_vector_with_the_wrong_legend(tmp_path: Path) -> None:
    path = layer(tmp_path / "oso.gpkg", Classe=[13, 19])
    assert read_land_cover(path, "oso23", CRS, BOUNDS)[1]["cover"].tolist() == ["grass", "shrub"]
    with pytest.raises(InputError, match='legend = "oso23"'):
        read_land_cover(path, "oso17", CRS, BOUNDS)


def test_column_of_another_product(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="code_cs"):
        read_land_cover(layer(tmp_path / "x.gpkg", Classe=[13]), "ocsge", CRS, BOUNDS)


def test_other_territory(tmp_path: Path) -> None:
    path = layer(tmp_path / "oso.gpkg", Classe=[13])
    with pytest.raises(InputError, match="autre territoire"):
        read_land_cover(path, "oso23", CRS, (0, 0, 10, 10))


@pytest.mark.shared
def test_real_oso_vector(shared: Path) -> None:
    path = shared / "data/oso/oso_vector_muret.shp"
    _, table = read_land_cover(path, "oso17", CRS, None)
    assert table["cover"].value_counts().to_dict() == {
        "built": 5,
        "arable": 4,
        "wood": 2,
        "grass": 2,
    }
    with pytest.raises(InputError, match='legend = "oso17"'):
        read_land_cover(path, "oso23", CRS, None)

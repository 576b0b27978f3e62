"""Fields of known farms: read in any format, and which of them touch a block, by how much."""

from __future__ import annotations

import geopandas as gpd
import pytest
import shapely
from tiny import CRS, SIDE, SOUTH, WEST

from friches import tables
from friches.errors import InputError
from friches.sources.farm_fields import read_farm_fields
from friches.sources.read import layer_keys, provenance
from friches.spatial.beside import neighbours
from friches.studyfile import Study

BLOCK = shapely.box(WEST, SOUTH, WEST + SIDE, SOUTH + SIDE)


def field(gap, high=SIDE, farmer="F1"):
    """A field east of the block, so many metres away."""
    west = WEST + SIDE + gap
    return farmer, shapely.box(west, SOUTH, west + 50, SOUTH + high)


def layer(*fields):
    return gpd.GeoDataFrame(
        {"farmer_id": [farmer for farmer, _ in fields], "crop_code": None},
        geometry=[shape for _, shape in fields],
        crs=CRS,
    )


def blocks(*shapes):
    ids = [f"B{n:03d}" for n in range(1, len(shapes) + 1)]
    return gpd.GeoDataFrame({"block_id": ids}, geometry=list(shapes), crs=CRS)


def test_a_field_along_one_side_shares_that_side() -> None:
    found = neighbours(blocks(BLOCK), layer(field(0)), tolerance_m=0)
    assert found["shared_m"].iloc[0] == pytest.approx(SIDE, abs=1e-3)
    tables.check(found, "neighbours")


def test_the_tolerance_itself_counts_and_beyond_it_does_not() -> None:
    assert len(neighbours(blocks(BLOCK), layer(field(5)), tolerance_m=5)) == 1
    assert neighbours(blocks(BLOCK), layer(field(5.01)), tolerance_m=5).empty


def test_two_fields_of_one_farm_make_one_row_counted_once() -> None:
    one = neighbours(blocks(BLOCK), layer(field(0, 40)), tolerance_m=0)
    both = neighbours(blocks(BLOCK), layer(field(0, 40), field(0, 40)), tolerance_m=0)
    assert len(both) == 1
    assert both["shared_m"].iloc[0] == pytest.approx(one["shared_m"].iloc[0])


def test_farms_and_blocks_apart_whatever_the_order_of_rows() -> None:
    fields = layer(field(0, farmer="F2"), field(0, 30, farmer="F1"))
    other = shapely.box(WEST + 1000, SOUTH, WEST + 1100, SOUTH + 100)
    made = neighbours(blocks(BLOCK, other), fields)
    assert made[["block_id", "farmer_id"]].to_numpy().tolist() == [["B001", "F1"], ["B001", "F2"]]
    again = neighbours(blocks(BLOCK, other), fields.iloc[::-1])
    assert made.equals(again)


def test_no_field_no_row_and_another_projection_is_refused() -> None:
    assert neighbours(blocks(BLOCK), layer(field(0)).iloc[:0]).empty
    assert neighbours(blocks(BLOCK), layer(field(500))).empty
    with pytest.raises(InputError, match="projection"):
        neighbours(blocks(BLOCK), layer(field(0)).to_crs("EPSG:4326"))


@pytest.mark.parametrize("name", ["champs.gpkg", "champs.geojson", "champs.shp"])
def test_fields_are_read_in_any_format(tmp_path, name) -> None:
    path = tmp_path / name
    shapes = gpd.GeoDataFrame({"CODE_CULTU": ["PPH"]}, geometry=[field(0)[1]], crs=CRS)
    shapes.to_file(path)
    path.with_suffix(".prj").unlink(missing_ok=True)  # Lambert-93 is assumed
    near = tuple(shapely.bounds(BLOCK).tolist())
    found = read_farm_fields({"F1": [path]}, CRS, near)
    assert found[["farmer_id", "crop_code"]].to_numpy().tolist() == [["F1", "PPH"]]
    assert neighbours(blocks(BLOCK), found, 1)["shared_m"].iloc[0] == pytest.approx(102, abs=0.1)
    far = tuple(v + 100_000 for v in near)
    assert read_farm_fields({"F1": [path]}, CRS, far).empty


def test_points_and_farms_without_file_are_refused_together(tmp_path) -> None:
    path = tmp_path / "points.gpkg"
    gpd.GeoDataFrame({"a": [1]}, geometry=[shapely.Point(WEST, SOUTH)], crs=CRS).to_file(path)
    with pytest.raises(InputError) as error:
        read_farm_fields({"F1": [path], "F2": []}, CRS)
    assert "Point" in str(error.value)
    assert "aucun fichier" in str(error.value)


def test_the_study_names_fields_by_farm(tmp_path) -> None:
    (tmp_path / "c.json").write_text("{}")
    gpd.GeoDataFrame(geometry=[field(0)[1]], crs=CRS).to_file(tmp_path / "f.gpkg")
    said = {
        "study": {"name": "Carré", "communes": ["12999"], "day": "2026-09-01"},
        "sources": {"cadastre": "c.json", "farm_fields": {"F1": "f.gpkg"}},
        "folder": tmp_path,
    }
    study = Study.model_validate(said)
    assert study.files("farm_fields", "F1") == [tmp_path / "f.gpkg"]
    assert "farm_fields" in layer_keys(study)
    rows = provenance(study, {})
    assert rows["layer"].tolist() == ["cadastre", "farm_fields"]
    assert rows["vintage"].iloc[1] != "F1"

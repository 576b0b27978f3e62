"""The GeoPackage: layers, types, styles, same bytes, what each audience finds in it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from xml.etree import ElementTree as ET

import geopandas as gpd
import pyogrio
import pytest
from hostile import planted
from tiny import IDS, tiny_result

from friches.view import words
from friches.view.geopackage import write_geopackage

LAYERS = {
    "parcels": "MultiPolygon",
    "blocks": "MultiPolygon",
    "canteens": "Point",
    "farms": "Point",
}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gpkg")
    return write_geopackage(tiny_result(), folder / "candidates.gpkg")


def styles(path) -> dict[str, str]:
    with closing(sqlite3.connect(path)) as base:
        return dict(base.execute("SELECT f_table_name, styleQML FROM layer_styles"))


def test_layers_and_geometry_types(written) -> None:
    found = {str(name): kind for name, kind in pyogrio.list_layers(written)}
    assert found.pop("layer_styles") is None
    assert found == LAYERS
    for name, kind in LAYERS.items():
        table = gpd.read_file(written, layer=name)
        assert set(table.geom_type) == {kind}
        assert table.crs == "EPSG:2154"


def test_ids_are_text_and_unique(written) -> None:
    parcels = gpd.read_file(written, layer="parcels")
    assert list(parcels["parcel_id"]) == IDS
    with closing(sqlite3.connect(written)) as base:
        kinds = {row[1]: row[2] for row in base.execute("PRAGMA table_info(parcels)")}
        assert kinds["parcel_id"] == "TEXT"
        unique = {row[1]: row[2] for row in base.execute("PRAGMA index_list(parcels)")}
        assert unique["parcels_parcel_id"] == 1


def test_the_three_answers_in_words(written) -> None:
    parcels = gpd.read_file(written, layer="parcels")
    assert list(parcels["answer"]) == ["probable", "probable", *["non"] * 6, "à confirmer"]
    blocks = gpd.read_file(written, layer="blocks")
    assert list(blocks["answer"]) == ["probable", "à confirmer"]
    assert list(blocks["meals"].fillna(-1)) == [34700.0, -1.0]  # unknown stays empty, never 0


def test_styles_have_the_words_and_colours_of_the_map(written) -> None:
    found = styles(written)
    assert set(found) == set(LAYERS)
    for name, text in found.items():
        root = ET.fromstring(text)
        columns = set(gpd.read_file(written, layer=name).columns) - {"geometry"}
        aliases = {a.get("field"): a.get("name") for a in root.iter("alias")}
        assert set(aliases) == columns
        assert aliases.get("parcel_id", "Identifiant").startswith("Identifiant")
        raw = [field for field, label in aliases.items() if field == label]
        assert not raw, f"{name}: no French name for {raw}"
        classes = [c.get("value") for c in root.iter("category")]
        if name in {"parcels", "blocks"}:
            assert classes == [answer.word for answer in words.ANSWERS.values()]
        else:
            assert classes == []
    assert "213,94,0,140" in found["blocks"]


def test_same_bytes(tmp_path, written) -> None:
    again = write_geopackage(tiny_result(), tmp_path / "other.gpkg")
    assert again.read_bytes() == written.read_bytes()
    assert write_geopackage(tiny_result(), again).read_bytes() == written.read_bytes()
    assert pyogrio.get_gdal_config_option("OGR_CURRENT_DATE") is None


def test_says_what_it_is(written) -> None:
    with closing(sqlite3.connect(written)) as base:
        said = "".join(row[0] for row in base.execute("SELECT metadata FROM gpkg_metadata"))
    for text in ("à confirmer sur le terrain", "territoire fictif", "1er septembre 2026", "DGFiP"):
        assert text in said


def test_public_holds_outlines_only(tmp_path) -> None:
    path = write_geopackage(tiny_result(audience="public"), tmp_path / "public.gpkg")
    parcels = gpd.read_file(path, layer="parcels")
    assert list(parcels.columns) == ["commune", "geometry"]
    raw = path.read_bytes()
    for secret in (*IDS, "Ferme fictive du Carré"):
        assert secret.encode() not in raw


def test_empty_and_hostile_results_are_written(tmp_path) -> None:
    result = planted(tiny_result())
    write_geopackage(result, tmp_path / "hostile.gpkg")
    empty = {n: getattr(result, n).iloc[:0] for n in ("blocks", "members", "canteens", "farmers")}
    path = write_geopackage(replace(result, **empty), tmp_path / "empty.gpkg")
    assert {str(name): kind for name, kind in pyogrio.list_layers(path)} == LAYERS | {
        "layer_styles": None
    }
    assert pyogrio.read_info(path, layer="blocks")["features"] == 0

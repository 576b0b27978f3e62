"""The GeoPackage: layers, styles, forms, visits, same bytes."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from dataclasses import make_dataclass, replace
from xml.etree import ElementTree as ET

import geopandas as gpd
import pandas as pd
import pyogrio
import pytest
import shapely
from hostile import planted
from tiny import IDS, SOUTH, WEST, tiny_result

from friches import tables
from friches.result import Result
from friches.view import forms, page, words
from friches.view.audience import WITHDRAWN
from friches.view.geopackage import write_geopackage

LAYERS = {
    "parcels": "MultiPolygon",
    "blocks": "MultiPolygon",
    "canteens": "Point",
    "farms": "Point",
    "visits": "Point",
}
AUDIENCES = ("public", "internal", "restricted")


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gpkg")
    return write_geopackage(tiny_result(), folder / "candidates.gpkg")


@pytest.fixture
def mine(written, tmp_path):
    """A copy that a test may write to."""
    copy = tmp_path / "candidates.gpkg"
    copy.write_bytes(written.read_bytes())
    return copy


def styles(path) -> dict[str, ET.Element]:
    with closing(sqlite3.connect(path)) as base:
        rows = base.execute("SELECT f_table_name, styleQML FROM layer_styles")
        return {name: ET.fromstring(text) for name, text in rows}


def layers_of(path) -> dict[str, str | None]:
    return {str(name): kind for name, kind in pyogrio.list_layers(path)}


def metadata(path) -> str:
    with closing(sqlite3.connect(path)) as base:
        return "".join(row[0] for row in base.execute("SELECT metadata FROM gpkg_metadata"))


def visit(**said):
    row = {
        "visit_id": "{0c6f2a9e-0000-4000-8000-000000000001}",
        "parcel_id": IDS[0],
        "visited_on": pd.Timestamp("2026-09-12").date(),
        "answer": "yes",
        "stage": tables.STAGES[2],
        "woody_pct": 40,
        "person_met": False,
        "run_id": "abc",
        "drawn": "random",
    }
    at = shapely.Point(WEST + 50, SOUTH + 50)
    return gpd.GeoDataFrame([row | said], geometry=[at], crs="EPSG:2154")


# layers ---------------------------------------------------------------------------------------


def test_g1_layers_have_one_geometry_type_each(written) -> None:
    found = layers_of(written)
    assert found.pop("layer_styles") is None
    assert found == LAYERS
    for name, kind in LAYERS.items():
        table = gpd.read_file(written, layer=name)
        assert set(table.geom_type) == ({kind} if len(table) else set())
        assert table.crs == "EPSG:2154"


def test_g1_ids_are_text_and_unique(written, mine) -> None:
    assert list(gpd.read_file(written, layer="parcels")["parcel_id"]) == IDS
    with closing(sqlite3.connect(mine)) as base:
        for layer, key in (("parcels", "parcel_id"), ("blocks", "block_id")):
            kinds = {row[1]: row[2] for row in base.execute(f"PRAGMA table_info({layer})")}
            assert kinds[key] == "TEXT"
            unique = {row[1]: row[2] for row in base.execute(f"PRAGMA index_list({layer})")}
            assert unique[f"{layer}_{key}"] == 1
    twice = gpd.read_file(mine, layer="parcels").iloc[:1]
    with pytest.raises(pyogrio.errors.FeatureError, match="UNIQUE"):
        pyogrio.write_dataframe(twice, mine, layer="parcels", append=True)


def test_g1_three_answers_in_words_and_unknown_stays_empty(written) -> None:
    parcels = gpd.read_file(written, layer="parcels")
    assert list(parcels["answer"]) == ["probable", "probable", *["non"] * 6, "à confirmer"]
    blocks = gpd.read_file(written, layer="blocks")
    assert list(blocks["answer"]) == ["probable", "à confirmer"]
    assert list(blocks["meals"].fillna(-1)) == [34700.0, -1.0]  # unknown stays empty, never 0


def test_g1_sqlite_finds_nothing_wrong(written) -> None:
    with closing(sqlite3.connect(written)) as base:
        assert base.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert base.execute("PRAGMA foreign_key_check").fetchall() == []
        declared = {row[0] for row in base.execute("SELECT table_name FROM gpkg_contents")}
        there = {row[0] for row in base.execute("SELECT name FROM sqlite_master")}
    assert declared <= there
    assert declared == {*LAYERS, "layer_styles"}


def test_g1_empty_and_hostile_results_are_written(tmp_path) -> None:
    result = planted(tiny_result())
    hostile = write_geopackage(result, tmp_path / "hostile.gpkg")
    assert set(styles(hostile)) == set(LAYERS)  # every QML still parses
    empty = {n: getattr(result, n).iloc[:0] for n in ("blocks", "members", "canteens", "farmers")}
    path = write_geopackage(replace(result, **empty), tmp_path / "empty.gpkg")
    assert layers_of(path) == LAYERS | {"layer_styles": None}
    assert pyogrio.read_info(path, layer="blocks")["features"] == 0


# styles and forms -----------------------------------------------------------------------------


def test_g2_every_layer_opens_styled(written) -> None:
    with closing(sqlite3.connect(written)) as base:
        columns = [row[1] for row in base.execute("PRAGMA table_info(layer_styles)")]
        rows = base.execute(
            "SELECT f_table_name, f_geometry_column, useAsDefault, styleSLD FROM layer_styles"
        ).fetchall()
    assert columns == [
        "id", "f_table_catalog", "f_table_schema", "f_table_name", "f_geometry_column",
        "styleName", "styleQML", "styleSLD", "useAsDefault", "description", "owner", "ui",
        "update_time",
    ]  # fmt: skip
    assert [row[0] for row in rows] == list(LAYERS)
    assert {row[1:] for row in rows} == {("geom", 1, "")}


def test_g3_every_widget_is_known_to_qfield(written) -> None:
    used = {w.get("type") for root in styles(written).values() for w in root.iter("editWidget")}
    assert used == {"TextEdit", "CheckBox", "ValueMap", "ExternalResource", "DateTime", "Range"}
    assert used <= forms.known_widgets()


def test_g3_aliases_are_french_for_every_column(written) -> None:
    for name, root in styles(written).items():
        columns = set(gpd.read_file(written, layer=name).columns) - {"geometry"}
        for part in ("fieldConfiguration/field", "defaults/default", "constraints/constraint"):
            said = {e.get("field") or e.get("name") for e in root.findall(part)}
            assert said == columns, (name, part)
        aliases = {a.get("field"): a.get("name") for a in root.iter("alias")}
        assert set(aliases) == columns
        raw = [f for f, said in aliases.items() if f == said or not said]
        assert not raw, f"{name}: no French name for {raw}"


def test_g3_machine_fields_are_read_only(written) -> None:
    for name, root in styles(written).items():
        editable = {
            e.get("name") for e in root.findall("editable/field") if e.get("editable") == "1"
        }
        assert root.get("readOnly") == ("0" if name == "visits" else "1")
        if name == "visits":
            assert set(forms.visits()) - editable == {"visit_id", "run_id"}
        else:
            assert editable == set()


def choices(root: ET.Element, field: str) -> dict[str, str]:
    where = f"fieldConfiguration/field[@name='{field}']//Option[@name='map']/Option/Option"
    return {e.get("value", ""): e.get("name", "") for e in root.findall(where)}


def options(root: ET.Element, field: str) -> dict[str, str]:
    where = f"fieldConfiguration/field[@name='{field}']/editWidget/config/Option/Option"
    return {e.get("name", ""): e.get("value", "") for e in root.findall(where)}


def test_g3_the_visit_form(written) -> None:
    root = styles(written)["visits"]
    assert list(choices(root, "stage")) == list(tables.STAGES)
    assert len(tables.STAGES) == 10
    answers = choices(root, "answer")
    assert list(answers) == ["yes", "no", "unknown"]
    assert answers["unknown"] == "vu de loin ou inaccessible"  # which is not « no »
    assert list(choices(root, "drawn")) == ["random", "chosen"]
    photo = options(root, "photo")
    assert photo["RelativeStorage"] == "1"  # relative to the project
    assert options(root, "woody_pct") | {} == {
        "AllowNull": "true", "Style": "SpinBox", "Min": "0", "Max": "100", "Step": "5",
    }  # fmt: skip
    assert options(root, "visited_on")["field_format"] == "yyyy-MM-dd"
    assert options(root, "person_met")["AllowNullState"] == "true"
    assert options(root, "comment") == {"IsMultiline": "true", "UseHtml": "false"}
    defaults = {e.get("field"): e.get("expression") for e in root.iter("default")}
    assert defaults["visit_id"] == "uuid()"
    assert defaults["run_id"] == f"'{page.run_id(tiny_result())}'"
    assert defaults["drawn"] == "'chosen'"  # never « drawn » unless somebody says so
    assert all(e.get("applyOnUpdate") == "0" for e in root.iter("default"))


def test_g5_words_and_colours_are_those_of_the_map(written) -> None:
    for name, root in styles(written).items():
        classes = [c.get("value") for c in root.iter("category")]
        assert classes == (
            [a.word for a in words.ANSWERS.values()] if name in {"parcels", "blocks"} else []
        )
        colours = {e.get("value") for e in root.iter("Option") if e.get("name") == "outline_color"}
        if classes:
            assert colours == {f"{forms.rgb(a.colour)},255" for a in words.ANSWERS.values()}


# visits ---------------------------------------------------------------------------------------


def test_g4_visits_have_their_columns_and_no_row(written) -> None:
    info = pyogrio.read_info(written, layer="visits")
    assert info["features"] == 0
    assert list(info["fields"]) == list(forms.visits())
    for wanted in ("visit_id", "parcel_id", "visited_on", "visitor", "answer", "stage", "used_by",
                   "comment", "photo", "run_id", "drawn"):  # fmt: skip
        assert wanted in info["fields"]
    kinds = dict(zip(info["fields"], info["ogr_types"], strict=True))
    assert kinds["visited_on"] == "OFTDate"
    assert {"person_met": "OFTInteger", "woody_pct": "OFTInteger64"}.items() <= kinds.items()


def test_g4_one_row_a_visit_can_be_added_by_ogr(mine) -> None:
    pyogrio.write_dataframe(visit(), mine, layer="visits", append=True)
    again = visit(visit_id="{0c6f2a9e-0000-4000-8000-000000000002}", answer="no")
    pyogrio.write_dataframe(again, mine, layer="visits", append=True)  # same parcel, another visit
    table = gpd.read_file(mine, layer="visits")
    assert list(table["answer"]) == ["yes", "no"]
    assert set(table["parcel_id"]) == {IDS[0]}
    assert list(table.geometry.x) == [WEST + 50] * 2
    with pytest.raises(pyogrio.errors.FeatureError, match="UNIQUE"):
        pyogrio.write_dataframe(visit(), mine, layer="visits", append=True)


def test_g4_a_visit_needs_parcel_date_and_answer_but_no_place(mine) -> None:
    with closing(sqlite3.connect(mine)) as base:
        row = "('a', ?, '2026-09-12', ?, 'abc', 'chosen')"
        into = "INSERT INTO visits (visit_id, parcel_id, visited_on, answer, run_id, drawn) VALUES "
        for parcel, answer in ((None, "yes"), (IDS[0], None)):
            with pytest.raises(sqlite3.IntegrityError):
                base.execute(into + row, (parcel, answer))
        base.execute(into + row, (IDS[0], "unknown"))
        base.commit()
    assert gpd.read_file(mine, layer="visits").geometry.isna().all()


def test_g4_append_only_by_design_not_by_trigger(written) -> None:
    """Triggers break QField and Mergin (module docstring): a test keeps the choice."""
    with closing(sqlite3.connect(written)) as base:
        found = base.execute("SELECT sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        said = base.execute("SELECT description FROM gpkg_contents WHERE table_name = 'visits'")
        assert "ne jamais en corriger" in said.fetchone()[0]
    assert not [sql for (sql,) in found if re.search(r"\bON\s+\"?visits\"?", sql)]


def test_g4_the_public_file_has_no_visits(tmp_path) -> None:
    path = write_geopackage(tiny_result(audience="public"), tmp_path / "public.gpkg")
    assert "visits" not in layers_of(path)
    assert "visits" not in styles(path)


# same bytes, audiences, no project ------------------------------------------------------------


@pytest.mark.parametrize("audience", AUDIENCES)
def test_g6_no_owner_is_named(tmp_path, audience) -> None:
    owners = pd.DataFrame(
        {"parcel_id": IDS, "owner_kind": "legal", "owner_group": "0", "name": "NOM INVENTÉ"}
    )
    result = replace(tiny_result(audience=audience, purpose="essai"), owners=owners)
    path = write_geopackage(result, tmp_path / "x.gpkg")
    assert "NOM INVENTÉ".encode() not in path.read_bytes()
    for name in layers_of(path):
        assert "name" not in pyogrio.read_info(path, layer=name)["fields"] or name in {
            "canteens",
            "farms",
        }


def test_g6_says_its_sources_run_and_day(written) -> None:
    said = metadata(written)
    for text in ("à confirmer sur le terrain", "territoire fictif", "1er septembre 2026", "DGFiP"):
        assert text in said
    assert page.run_id(tiny_result()) in said
    assert "à détruire" not in said


def test_g6_a_restricted_file_says_when_to_destroy_it(tmp_path) -> None:
    result = tiny_result(audience="restricted", purpose="essai")
    path = write_geopackage(result, tmp_path / "restricted.gpkg")
    assert "à détruire avant le 31 décembre 2027" in metadata(path)
    assert "restreint" in metadata(path)


def test_g6_public_holds_outlines_only(tmp_path) -> None:
    path = write_geopackage(tiny_result(audience="public"), tmp_path / "public.gpkg")
    parcels = gpd.read_file(path, layer="parcels")
    assert list(parcels.columns) == ["commune", "geometry"]
    raw = path.read_bytes()
    for secret in (*IDS, "Ferme fictive du Carré"):
        assert secret.encode() not in raw


def test_g6_withdrawn_parcels_say_so(tmp_path) -> None:
    asked = pd.DataFrame({"parcel_id": [IDS[2]], "reason": ["x"], "by": ["y"]})
    kind = make_dataclass("Asked", [("exclusions", object, None)], bases=(Result,), frozen=True)
    for audience in AUDIENCES:
        result = tiny_result(audience=audience, purpose="essai")
        shown = kind(**{**vars(result), "exclusions": asked})
        path = write_geopackage(shown, tmp_path / f"{audience}.gpkg")
        if audience == "public":
            assert WITHDRAWN.encode() not in path.read_bytes()
        else:
            parcels = gpd.read_file(path, layer="parcels").set_index("parcel_id")
            assert parcels.loc[IDS[2], "answer"] == WITHDRAWN
            assert parcels.loc[IDS[0], "answer"] == "probable"
            assert "withdrawn" not in parcels


def test_g7_same_bytes(tmp_path, written) -> None:
    again = write_geopackage(tiny_result(), tmp_path / "other.gpkg")
    assert again.read_bytes() == written.read_bytes()
    assert write_geopackage(tiny_result(), again).read_bytes() == written.read_bytes()
    assert pyogrio.get_gdal_config_option("OGR_CURRENT_DATE") is None


def test_g8_no_qgis_project_inside(written) -> None:
    with closing(sqlite3.connect(written)) as base:
        found = {row[0] for row in base.execute("SELECT name FROM sqlite_master")}
    assert "qgis_projects" not in found

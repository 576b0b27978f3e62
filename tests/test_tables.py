"""Tables are checked at the door: each breach alone, several at once, ids stay text."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
import pytest
import shapely
import tiny

from friches import tables
from friches.errors import InputError
from friches.keep import kept, read_table


def squares(**changed):
    return tiny.squares().assign(**changed)


def breaches(table, name="parcels", **more):
    with pytest.raises(InputError) as caught:
        tables.check(table, name, "f.gpkg", **more)
    return caught.value.breaches


def test_a_good_table_passes_and_keeps_its_dtypes():
    table = tables.check(squares(), "parcels", crs=tiny.CRS)
    assert table["parcel_id"].dtype == "str"
    assert table["area_registered_m2"].dtype == "float64"


@pytest.mark.parametrize("name", sorted(tables.TABLES))
def test_every_table_described_passes_when_empty(name):
    assert tables.check(tables.empty(name, crs=tiny.CRS), name).empty


def test_missing_column_names_those_present():
    (breach,) = breaches(squares().drop(columns="number"))
    assert "number" in breach.what
    assert "parcel_id" in breach.todo


def test_text_in_a_number_column_says_which_row():
    (breach,) = breaches(squares(area_registered_m2=["beaucoup"] + [1.0] * 8))
    assert "beaucoup" in breach.what
    assert "ligne 1" in breach.what
    assert breach.where == "f.gpkg"


def test_value_at_the_limit_passes_and_just_under_does_not():
    tables.check(squares(area_registered_m2=0.0), "parcels")
    (breach,) = breaches(squares(area_registered_m2=[-0.001] + [1.0] * 8))
    assert "sous 0" in breach.what


def test_value_outside_a_list():
    rows = pd.DataFrame({"parcel_id": ["x"], "owner_kind": ["king"]})
    rows[["owner_group", "land_class"]] = None
    (breach,) = breaches(rows, "owners")
    assert "king" in breach.what
    assert "section" in breach.what


def test_missing_required_value():
    (breach,) = breaches(squares(commune=[None] + ["12999"] * 8))
    assert "manquante" in breach.what


def test_repeated_key_counts_rows():
    table = squares()
    table.loc[1, "parcel_id"] = table.loc[0, "parcel_id"]
    (breach,) = breaches(table)
    assert "2 lignes" in breach.what


def test_geometry_absent_empty_or_of_another_kind():
    shapes = [None, shapely.Polygon(), shapely.Point(0, 0), *tiny.squares().geometry[3:]]
    table = squares().set_geometry(gpd.GeoSeries(shapes, crs=tiny.CRS))
    empty, other = breaches(table)
    assert empty.what.startswith("2 géométrie")
    assert "Point" in other.what


def test_other_projection_or_none():
    (breach,) = breaches(squares().to_crs(4326), crs=tiny.CRS)
    assert "EPSG:4326" in breach.what
    (breach,) = breaches(squares().set_crs(None, allow_override=True))
    assert "projection absente" in breach.what


def test_three_breaches_come_in_one_message():
    table = squares(commune=[None] + ["12999"] * 8, area_registered_m2=[-1.0] * 9)
    table.loc[1, "parcel_id"] = table.loc[0, "parcel_id"]
    assert len(breaches(table)) == 3


def test_kept_tables_come_back_as_they_were(tmp_path):
    table = tiny.squares()
    table.attrs["left_out"] = 3
    kept(tmp_path, "layers", "a" * 30, lambda: {"parcels": table})
    back = kept(tmp_path, "layers", "a" * 30, lambda: pytest.fail("made twice"))["parcels"]
    pd.testing.assert_frame_equal(pd.DataFrame(back), pd.DataFrame(table))
    assert back.crs == table.crs
    assert back.attrs["left_out"] == 3
    assert back["parcel_id"].iloc[0] == "129990000A0001"


def test_keeping_another_version_removes_the_first(tmp_path):
    rows = pd.DataFrame({"a": [1]})
    kept(tmp_path, "facts", "a" * 30, lambda: {"facts": rows})
    kept(tmp_path, "facts", "b" * 30, lambda: {"facts": rows})
    assert [p.name for p in tmp_path.iterdir()] == ["facts-" + "b" * 24]


def test_a_stage_that_fails_leaves_nothing(tmp_path):
    def broken():
        raise InputError([])

    with pytest.raises(InputError):
        kept(tmp_path, "facts", "a" * 30, broken)
    assert not list(tmp_path.iterdir())


def test_plain_and_geographic_tables_are_told_apart(tmp_path):
    tiny.squares().to_parquet(tmp_path / "g.parquet")
    pd.DataFrame({"a": ["01"]}).to_parquet(tmp_path / "p.parquet")
    assert read_table(tmp_path / "g.parquet").crs == tiny.CRS
    assert read_table(tmp_path / "p.parquet")["a"].iloc[0] == "01"


def test_column_guide_has_a_label_for_every_column():
    for name in tables.TABLES:
        guide = tables.columns(name)
        assert guide["label"].str.len().gt(2).all(), name

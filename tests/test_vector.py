from __future__ import annotations

import gzip
import json
import sqlite3
import warnings
import zipfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, MultiPolygon, Point, Polygon, box

from friches.errors import InputError
from friches.sources import container, vector
from friches.sources.columns import UNSAFE, clean
from friches.sources.projection import same_crs
from friches.sources.vector import (
    answers,
    dates,
    numbers,
    open_vector,
    overlaps,
    pick,
    read_csv_text,
)

L93 = "EPSG:2154"
X, Y = 930_000, 6_690_000
LAMB93_WKT = (
    'PROJCS["RGF93_Lambert_93",GEOGCS["GCS_RGF_1993",DATUM["D_RGF_1993",'
    'SPHEROID["GRS_1980",6378137.0,298.257222101]],PRIMEM["Greenwich",0.0],'
    'UNIT["Degree",0.0174532925199433]],PROJECTION["Lambert_Conformal_Conic"],'
    'PARAMETER["False_Easting",700000.0],PARAMETER["False_Northing",6600000.0],'
    'PARAMETER["Central_Meridian",3.0],PARAMETER["Standard_Parallel_1",49.0],'
    'PARAMETER["Standard_Parallel_2",44.0],PARAMETER["Latitude_Of_Origin",46.5],'
    'UNIT["Meter",1.0]]'
)


def squares(n=3, crs=L93, **columns):
    shapes = [box(X + 10 * i, Y, X + 10 * i + 10, Y + 10) for i in range(n)]
    return gpd.GeoDataFrame(
        columns or {"Nom": [f"p{i}" for i in range(n)]}, geometry=shapes, crs=crs
    )


def written(path: Path, frame, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        frame.to_file(path, **options)
    return path


def geojson(path: Path, features, **members):
    text = json.dumps({"type": "FeatureCollection", **members, "features": features})
    path.write_text(text, encoding="utf-8")
    return path


def feature(shape, **properties):
    shown = None if shape is None else shapely.geometry.mapping(shape)
    return {"type": "Feature", "properties": properties, "geometry": shown}


def refused(call, *parts):
    with pytest.raises(InputError) as caught:
        call()
    for part in parts:
        assert part in str(caught.value)
    assert all(b.todo and b.where for b in caught.value.breaches)
    return caught.value


# --- what a file is


@pytest.mark.parametrize("ending", ["gpkg", "geojson", "shp", "parquet", "geojson.gz", "zip"])
def test_every_format_gives_the_same_squares_whatever_the_extension(tmp_path, ending):
    frame = squares(Nom=["a", "", " é "], Valeur=[1.5, 2.5, np.nan])
    plain = tmp_path / "couche.{}".format("shp" if ending == "zip" else ending.removesuffix(".gz"))
    if ending == "parquet":
        frame.to_parquet(plain)
    elif ending.startswith("geojson"):
        written(plain, frame.to_crs(4326), COORDINATE_PRECISION=9)
    else:
        written(plain, frame, encoding="utf-8" if ending in ("shp", "zip") else None)
    path = tmp_path / "sans_extension"
    if ending == "geojson.gz":
        path.write_bytes(gzip.compress(plain.read_bytes()))
    elif ending == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            for piece in tmp_path.glob("couche.*"):
                archive.write(piece, f"dossier/{piece.name}")
    elif ending in ("gpkg", "geojson", "parquet"):
        plain.rename(path)
    else:
        path = plain
    out = open_vector(path, L93)
    assert list(out.columns) == ["nom", "valeur", "geometry"]
    assert out["nom"].tolist()[::2] == ["a", "é"]
    assert pd.isna(out["nom"][1])
    assert out["valeur"].tolist()[:2] == [1.5, 2.5]
    assert out.crs == L93
    assert out.area.round(2).tolist() == [100.0] * 3
    assert out.attrs["repaired"] == 0


def test_missing_empty_folder_and_remote_files_are_refused(tmp_path):
    refused(lambda: open_vector(tmp_path / "x.gpkg", L93), "introuvable", "x.gpkg")
    (tmp_path / "vide.gpkg").touch()
    refused(lambda: open_vector(tmp_path / "vide.gpkg", L93), "fichier vide")
    refused(lambda: open_vector(tmp_path, L93), "dossier")
    for remote in ("/vsicurl/x", "http://exemple.fr/x.gpkg", "WFS:x", "PG:dbname=x"):
        refused(lambda remote=remote: open_vector(Path(remote), L93), "fichier local")


@pytest.mark.parametrize("name", ["couche.geojson", "couche.gpkg", "couche.csv", "couche.shp"])
@pytest.mark.parametrize("before", ["", "\ufeff \n", '{"a": "', "<?xml version='1.0'?>\n"])
def test_a_disguised_vrt_reads_nothing(tmp_path, name, before):
    secret = tmp_path / "secret.csv"
    secret.write_text("id\nmotdepasse\n")
    vrt = (
        f'{before}<OGRVRTDataSource><OGRVRTLayer name="secret"><SrcDataSource>{secret}'
        "</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>"
    )
    path = tmp_path / name
    path.write_text(vrt, encoding="utf-8")
    error = refused(lambda: open_vector(path, L93), "VRT")
    assert "motdepasse" not in str(error)
    packed = tmp_path / "couche.json.gz"
    packed.write_bytes(gzip.compress(vrt.encode()))
    refused(lambda: open_vector(packed, L93), "VRT")


@pytest.mark.parametrize(
    "content", [b"\x89PNG\r\n\x1a\n\0\0", b"<gml/>", b"[1, 2]", b"7z\xbc\xaf\x27\x1c0"]
)
def test_unknown_formats_are_refused(tmp_path, content):
    path = tmp_path / "x.geojson"
    path.write_bytes(content)
    refused(lambda: open_vector(path, L93), "x.geojson")


def test_truncated_files_are_refused(tmp_path):
    plain = written(tmp_path / "a.geojson", squares(50).to_crs(4326))
    whole = gzip.compress(plain.read_bytes())
    cut = tmp_path / "a.json.gz"
    cut.write_bytes(whole[: len(whole) // 2])
    refused(lambda: open_vector(cut, L93), "gzip tronqué", "a.json.gz")
    cut.write_bytes(whole[:20] + b"xxxx" + whole[24:])
    refused(lambda: open_vector(cut, L93), "gzip abîmé")
    plain.write_bytes(plain.read_bytes()[:-30])
    refused(lambda: open_vector(plain, L93), "tronqué")
    shp = written(tmp_path / "b.shp", squares(50))
    shp.write_bytes(shp.read_bytes()[:2000])
    refused(lambda: open_vector(shp, L93), "b.shp")
    gpkg = written(tmp_path / "c.gpkg", squares(2000))
    gpkg.write_bytes(gpkg.read_bytes()[: gpkg.stat().st_size // 3])
    refused(lambda: open_vector(gpkg, L93), "c.gpkg")


def test_bombs_are_refused_before_they_fill_the_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(container, "FREE_BYTES", 100_000)
    bomb = tmp_path / "a.json.gz"
    bomb.write_bytes(gzip.compress(b'{"type":' + b" " * 5_000_000))
    refused(lambda: open_vector(bomb, L93), "bombe")
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.geojson", b"{" + b" " * 5_000_000 + b"}")
    refused(lambda: open_vector(tmp_path / "a.zip", L93), "bombe")
    monkeypatch.setattr(container, "MAX_RATIO", 10_000)
    monkeypatch.setattr(container, "MAX_UNPACKED_BYTES", 1_000_000)
    refused(lambda: open_vector(bomb, L93), "bombe")


@pytest.mark.parametrize(
    "member", ["../a.geojson", "/a.geojson", "x/../../a.geojson", "C:/a.geojson"]
)
def test_zip_members_cannot_leave_their_folder(tmp_path, member):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(member, "{}")
    refused(lambda: open_vector(tmp_path / "a.zip", L93), "dangereux")
    assert not (tmp_path.parent / "a.geojson").exists()


def test_zip_with_a_link_two_layers_none_or_nested(tmp_path):
    path = tmp_path / "a.zip"
    link = zipfile.ZipInfo("a.geojson")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(link, "/etc/passwd")
    refused(lambda: open_vector(path, L93), "dangereux")
    for names, told in ((["a.json", "b.json"], "a.json, b.json"), (["lire.pdf"], "aucune")):
        with zipfile.ZipFile(path, "w") as archive:
            for name in names:
                archive.writestr(name, "{}")
        refused(lambda told=told: open_vector(path, L93), told)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.json", gzip.compress(b"{}"))
    refused(lambda: open_vector(path, L93), "archive dans une archive")


def test_a_shapefile_needs_its_table_and_its_index(tmp_path):
    shp = written(tmp_path / "a.shp", squares())
    (tmp_path / "a.dbf").unlink()
    (tmp_path / "a.shx").unlink()
    refused(lambda: open_vector(shp, L93), ".dbf", ".shx")


def test_geopackage_views_and_plain_sqlite_are_refused(tmp_path):
    path = written(tmp_path / "a.gpkg", squares(), layer="vraie")
    base = sqlite3.connect(path)
    base.execute("CREATE VIRTUAL TABLE piege USING fts4(x)")
    base.commit()
    base.close()
    refused(lambda: open_vector(path, L93), "piege")
    other = sqlite3.connect(tmp_path / "b.gpkg")
    other.execute("CREATE TABLE t (a)")
    other.commit()
    other.close()
    refused(lambda: open_vector(tmp_path / "b.gpkg", L93), "pas un GeoPackage")


# --- which layer


def test_the_layer_is_chosen_by_name_never_by_luck(tmp_path):
    path = written(tmp_path / "a.gpkg", squares(1), layer="PARCELLES_GRAPHIQUES")
    written(path, squares(2), layer="ilots")
    assert len(open_vector(path, L93, like=["parcelles_graphiques"])) == 1
    assert len(open_vector(path, L93, like=["absente", "ILOT"])) == 2
    assert len(open_vector(path, L93, layer="Ilots")) == 2
    refused(lambda: open_vector(path, L93), "plusieurs couches", "PARCELLES_GRAPHIQUES", "ilots")
    refused(lambda: open_vector(path, L93, layer="x"), "« x » absente", "ilots")
    written(path, squares(3, CODE=["a", "b", "c"]), layer="autre")
    assert len(open_vector(path, L93, having=["code"])) == 3


def test_an_empty_layer_is_refused(tmp_path):
    path = written(tmp_path / "a.gpkg", squares().iloc[:0], geometry_type="Polygon")
    refused(lambda: open_vector(path, L93), "vide")
    refused(lambda: open_vector(geojson(tmp_path / "a.json", []), L93), "a.json")
    refused(lambda: open_vector(geojson(tmp_path / "b.json", [feature(None, a=1)]), L93), "b.json")


# --- where it lies


def test_no_crs_is_refused_unless_the_caller_assumes_one(tmp_path):
    path = written(tmp_path / "a.shp", squares(crs=None))
    refused(lambda: open_vector(path, L93), "système de coordonnées absent", ".prj")
    assert open_vector(path, L93, assume_crs=L93).area.tolist() == [100.0] * 3


def test_a_wrong_crs_is_refused(tmp_path):
    degrees = gpd.GeoDataFrame(geometry=[box(6, 47, 6.01, 47.01)], crs=L93)
    refused(lambda: open_vector(written(tmp_path / "a.gpkg", degrees), L93), "hors du domaine")
    metres = geojson(tmp_path / "b.json", [feature(box(X, Y, X + 10, Y + 10))])
    refused(lambda: open_vector(metres, L93), "coordonnées impossibles")
    africa = written(tmp_path / "c.gpkg", gpd.GeoDataFrame(geometry=[box(10, 5, 11, 6)], crs=4326))
    refused(lambda: open_vector(africa, L93), "hors du domaine de EPSG:2154")


@pytest.mark.parametrize("name", ["EPSG:2154", "IGNF:LAMB93", LAMB93_WKT])
def test_lambert_93_under_other_names_keeps_its_coordinates(tmp_path, name):
    assert same_crs(name, L93)
    out = open_vector(written(tmp_path / "a.gpkg", squares(crs=name)), L93)
    assert out.crs == L93
    assert out.total_bounds.tolist() == [X, Y, X + 30, Y + 10]


def test_other_projections_are_not_taken_for_lambert_93():
    for other in ("EPSG:27572", "EPSG:3946", "EPSG:4326", "EPSG:32631", "EPSG:3857"):
        assert not same_crs(other, L93)


def test_geojson_states_its_crs_or_is_in_degrees(tmp_path):
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::2154"}}
    path = geojson(tmp_path / "a.json", [feature(box(X, Y, X + 10, Y + 10))], crs=crs)
    assert open_vector(path, L93).area.tolist() == [100.0]


@pytest.mark.parametrize("ending", ["gpkg", "parquet", "json", "shp"])
def test_bounds_read_the_neighbourhood_only(tmp_path, ending):
    frame = squares(5).to_crs(4326)
    path = tmp_path / f"a.{ending}"
    frame.to_parquet(path) if ending == "parquet" else written(path, frame)
    near = open_vector(path, L93, bounds=(X + 2, Y + 2, X + 8, Y + 8))
    assert near["nom"].tolist() == ["p0"]
    far = open_vector(path, L93, bounds=(X + 900, Y, X + 910, Y + 10))
    assert len(far) == 0
    refused(
        lambda: overlaps(far, (X, Y, X + 1, Y + 1), path, "zonage"), "zonage", "autre territoire"
    )


def test_overlaps_at_the_edge_and_just_beyond():
    frame = squares(1)
    overlaps(frame, (X + 10, Y, X + 20, Y + 10), "a", "routes")
    with pytest.raises(InputError, match="autre territoire"):
        overlaps(frame, (X + 10.01, Y, X + 20, Y + 10), "a", "routes")


# --- shapes


def test_empty_shapes_are_counted_with_the_first_row(tmp_path):
    frame = squares(4)
    frame.loc[1, "geometry"] = None
    frame.loc[3, "geometry"] = Polygon()
    path = written(tmp_path / "a.gpkg", frame)
    refused(lambda: open_vector(path, L93), "2 géométrie(s) vide(s)", "ligne 2")
    out = open_vector(path, L93, drop_empty=True)
    assert out["nom"].tolist() == ["p0", "p2"]
    assert out.attrs["dropped"] == 2
    assert open_vector(path, L93, as_is=True).geometry.isna().sum() >= 1


def test_invalid_polygons_are_mended_and_counted(tmp_path):
    bow_tie = Polygon([(X, Y), (X + 10, Y + 10), (X + 10, Y), (X, Y + 10)])
    spike = Polygon(
        [(X, Y), (X + 10, Y), (X + 10, Y + 10), (X + 10, Y + 90), (X + 10, Y + 10), (X, Y + 10)]
    )
    frame = gpd.GeoDataFrame(geometry=[bow_tie, spike, box(X, Y, X + 1, Y + 1)], crs=L93)
    path = written(tmp_path / "a.gpkg", frame)
    out = open_vector(path, L93)
    assert out.attrs["repaired"] == 2
    assert out.is_valid.all()
    assert out.area.round(6).tolist() == [50.0, 100.0, 1.0]
    assert set(out.geom_type) <= {"Polygon", "MultiPolygon"}
    assert (~open_vector(path, L93, as_is=True).is_valid).sum() == 2


def test_a_polygon_of_no_area_counts_as_empty(tmp_path):
    flat = Polygon([(X, Y), (X + 10, Y), (X, Y)])
    path = written(tmp_path / "a.gpkg", gpd.GeoDataFrame(geometry=[flat], crs=L93))
    refused(lambda: open_vector(path, L93), "1 géométrie(s) vide(s)")


def test_heights_are_dropped(tmp_path):
    frame = gpd.GeoDataFrame(
        geometry=[LineString([(X, Y, 5), (X + 1, Y, 6)]), LineString([(X, Y, 5), (X, Y + 9, 6)])],
        crs=L93,
    )
    out = open_vector(written(tmp_path / "a.gpkg", frame), L93)
    assert not out.has_z.any()
    assert out.length.tolist() == [1.0, 9.0]


def test_caps_on_features_and_vertices(tmp_path, monkeypatch):
    path = written(tmp_path / "a.gpkg", squares(3))
    monkeypatch.setattr(vector, "MAX_FEATURES", 3)
    monkeypatch.setattr(vector, "MAX_VERTICES", 15)
    assert len(open_vector(path, L93)) == 3
    monkeypatch.setattr(vector, "MAX_VERTICES", 14)
    refused(lambda: open_vector(path, L93), "plus de 14 sommets")
    monkeypatch.setattr(vector, "MAX_FEATURES", 2)
    refused(lambda: open_vector(path, L93), "plus de 2 objets")


# --- text


def test_text_is_cleaned_nfc_and_inert(tmp_path):
    names = ["  Le Pre\u0301  ", "a\u202eb\x07c", "   "]
    out = open_vector(written(tmp_path / "a.gpkg", squares(Nom=names)), L93)
    assert out["nom"].tolist()[:2] == ["Le Pré", "a\ufffdb\ufffdc"]
    assert pd.isna(out["nom"][2])


def test_a_shapefile_without_cpg_is_read_as_what_it_holds(tmp_path):
    for encoding in ("utf-8", "cp1252"):
        path = written(
            tmp_path / f"{encoding}.shp", squares(Nom=["é", "b", "œ"]), encoding=encoding
        )
        path.with_suffix(".cpg").unlink(missing_ok=True)
        assert open_vector(path, L93)["nom"].tolist() == ["é", "b", "œ"]


def test_the_bbox_member_of_a_feature_is_no_column(tmp_path):
    one = feature(box(6, 47, 6.01, 47.01), nom="a") | {"bbox": [6, 47, 6.01, 47.01]}
    out = open_vector(geojson(tmp_path / "a.json", [one]), L93)
    assert "bbox" not in out.columns


def test_csv_with_lon_and_lat_is_a_layer_of_points(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("Nom;Lon;Lat\nLycée;6,1;47,2\n", encoding="cp1252")
    out = open_vector(path, "EPSG:4326")
    assert out.geometry[0] == Point(6.1, 47.2)
    path.write_text("Nom;Lon;Lat\nLycée;;47,2\n", encoding="cp1252")
    refused(lambda: open_vector(path, L93), "géométrie(s) vide(s)")


@given(st.text(max_size=20))
@settings(max_examples=80, deadline=None)
def test_clean_text_is_stable_and_safe(value):
    once = clean(value)
    assert once is None or (once == once.strip() and once != "")
    assert once is None or not UNSAFE.search(once)
    assert clean(once) == once


# --- columns


def test_pick_names_every_missing_column_at_once():
    frame = pd.DataFrame({"idu": ["a"], "autre": ["b"]})
    wanted = {"id": ["ID", "idu"], "x": ["x", "lon"], "y": ["y"]}
    error = refused(lambda: pick(frame, wanted, "f.csv"), "« x »", "« y »", "x, lon", "idu, autre")
    assert len(error.breaches) == 2
    out = pick(frame, {"id": ["ID", "idu"]}, "f", optional={"z": ["z"], "w": ["AUTRE"]})
    assert out.columns.tolist() == ["id", "z", "w"]
    assert out["z"].isna().all()
    assert out["w"].tolist() == ["b"]


def test_pick_keeps_geometry_and_what_was_said():
    frame = squares(1)
    frame.attrs["repaired"] = 4
    out = pick(frame, {"n": ["nom"]}, "f")
    assert isinstance(out, gpd.GeoDataFrame)
    assert out.crs == L93
    assert out.attrs["repaired"] == 4


def test_numbers():
    text = pd.Series(["12,5", "1 234,5", " 7 ", "", None, "-3.2e1", "1\u202f000"])
    out = numbers(text, "f", "c")
    assert out.dropna().tolist() == [12.5, 1234.5, 7.0, -32.0, 1000.0]
    assert out.isna().tolist() == [False, False, False, True, True, False, False]
    assert numbers(pd.Series([1, 2]), "f", "c").dtype == "float64"
    assert numbers(pd.Series([20.12], dtype="float32"), "f", "c").tolist() == [20.12]
    for bad in ("abc", "nan", "inf", "1,2,3", "0x1F", "12 m", "1 2"):
        refused(
            lambda bad=bad: numbers(pd.Series(["1", bad, bad]), "f", "surf"),
            f"2 valeur(s) illisible(s) comme nombre (première : « {bad} », ligne 2)",
            "surf",
        )
    refused(lambda: numbers(pd.Series([1.0, float("inf")]), "f", "c"), "ligne 2")


def test_answers():
    out = answers(pd.Series(["Oui", "non", "", "TRUE", "0", None]), "f", "bio")
    assert out.dtype == "boolean"
    assert out.dropna().tolist() == [True, False, True, False]
    assert answers(pd.Series([True, False]), "f", "c").tolist() == [True, False]
    assert answers(pd.Series([1.0, 0.0, None]), "f", "c").dropna().tolist() == [True, False]
    refused(lambda: answers(pd.Series(["oui", "peut-être"]), "f", "bio"), "« peut-être », ligne 2")


def test_dates():
    out = dates(
        pd.Series(["2026-09-01", "01/09/2026", "20260901", "2026-09-01T10:00:00Z", ""]), "f", "c"
    )
    assert out.dtype == "datetime64[ns]"
    assert (out.dropna() == pd.Timestamp("2026-09-01")).all()
    assert out.isna().sum() == 1
    for bad in ("2026-02-30", "31/04/2026", "hier", "26-09-01"):
        refused(lambda bad=bad: dates(pd.Series([bad]), "f", "jour"), "jour", bad)
    stamps = pd.Series(pd.to_datetime(["2026-09-01 12:00"], utc=True))
    assert dates(stamps, "f", "c").tolist() == [pd.Timestamp("2026-09-01")]


@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
@settings(max_examples=50, deadline=None)
def test_numbers_read_back_what_french_people_write(value):
    text = f"{value:.6f}".replace(".", ",")
    assert numbers(pd.Series([text]), "f", "c")[0] == float(f"{value:.6f}")


# --- csv


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_csv_delimiter_and_encoding_are_told(tmp_path, delimiter, encoding):
    path = tmp_path / "a.csv"
    rows = ["Nom,Code", '"Pré, le ""Haut""",01', '"deux\nlignes",02', ",03"]
    text = "\n".join(
        r.replace(",", delimiter) if "Pré" not in r else f'"Pré, le ""Haut"""{delimiter}01'
        for r in rows
    )
    path.write_bytes(text.encode(encoding))
    out = read_csv_text(path)
    assert out.columns.tolist() == ["nom", "code"]
    assert out["code"].tolist() == ["01", "02", "03"]
    assert out["nom"].tolist()[:2] == ['Pré, le "Haut"', "deux lignes"]
    assert pd.isna(out["nom"][2])


def test_bad_csv(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("")
    refused(lambda: read_csv_text(path), "fichier vide")
    path.write_text("a;b\n\n")
    refused(lambda: read_csv_text(path), "sans aucune ligne")
    path.write_text("a;A;b\n1;2\n")
    error = refused(lambda: read_csv_text(path), "« a » deux fois", "ligne 2")
    assert len(error.breaches) == 2
    path.write_bytes(gzip.compress(b"a;b\n1;2\n"))
    assert read_csv_text(path)["b"].tolist() == ["2"]
    refused(lambda: read_csv_text(written(tmp_path / "a.gpkg", squares())), "pas une table")


# --- real files


@pytest.mark.shared
def test_gennes_layers(shared):
    folder = shared / "data/gennes"
    zoning = open_vector(folder / "zoning.gpkg", L93, drop_empty=True)
    assert (len(zoning), zoning.attrs["dropped"], zoning.has_z.any()) == (25, 1, False)
    area = (zoning.dissolve("typezone").area / 1e4).round(1)
    assert area.to_dict() == {"A": 208.8, "N": 541.0, "U": 65.0, "AU": 44.7}
    refused(lambda: open_vector(folder / "zoning.gpkg", L93), "1 géométrie(s)", "ligne 20")
    assert len(open_vector(folder / "building.gpkg", L93)) == 325
    road = open_vector(folder / "road.gpkg", L93)
    assert (len(road), round(road.length.sum() / 1000, 1)) == (182, 22.9)


@pytest.mark.shared
def test_plan_documents_in_ignf_and_raw_wkt(shared):
    for number, crs, zones in (("30014", "PLU_20171013", 90), ("241800432", "PLUi_20200128", 221)):
        folder = shared / f"data/plu/{number}_{crs}/Donnees_geographiques"
        out = open_vector(next(folder.glob("*ZONE_URBA*.shp")), L93)
        assert (len(out), out.crs == L93, out.is_valid.all()) == (zones, True, True)


@pytest.mark.shared
def test_boigneville_sequences(shared):
    path = shared / "data/rpg/boigneville_sequences.gpkg"
    out = open_vector(path, L93, like=["rpgBoignevilleSeq"])
    assert len(out) == 1200
    gel = out["sequences"].str.fullmatch(r".*=\s*gel\w*(->gel\w*){4}")
    assert int(gel.sum()) == 159
    refused(lambda: open_vector(path, L93), "rpgExtract", "rpgBoignevilleSeqMaj")


@pytest.mark.shared
def test_a_layer_of_another_departement(shared):
    doubs = open_vector(shared / "data/communes/communes-25-doubs.geojson", L93)
    aveyron = open_vector(shared / "data/communes/communes-12-aveyron.geojson", L93)
    refused(lambda: overlaps(aveyron, tuple(doubs.total_bounds), "a", "communes"), "département")


def test_nothing_is_left_behind(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path / "t"))
    (tmp_path / "t").mkdir()
    monkeypatch.setattr("tempfile.tempdir", None)
    path = tmp_path / "a.json.gz"
    path.write_bytes(gzip.compress(b"{}"))
    with pytest.raises(InputError):
        open_vector(path, L93)
    assert list((tmp_path / "t").iterdir()) == []


def test_multipolygons_stay_whole(tmp_path):
    two = MultiPolygon([box(X, Y, X + 1, Y + 1), box(X + 5, Y, X + 6, Y + 1)])
    out = open_vector(written(tmp_path / "a.gpkg", gpd.GeoDataFrame(geometry=[two], crs=L93)), L93)
    assert out.area.tolist() == [2.0]

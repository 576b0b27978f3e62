from __future__ import annotations

import gzip
import json
import warnings
from typing import TYPE_CHECKING

import geopandas as gpd
import pytest
import shapely
from shapely.geometry import Polygon, box

from friches import tables
from friches.errors import InputError
from friches.sources.cadastre import read_cadastre

if TYPE_CHECKING:
    from pathlib import Path

L93 = "EPSG:2154"
X, Y = 651_000, 6_225_000
BOW_TIE = Polygon([(X, Y), (X + 10, Y + 10), (X + 10, Y), (X, Y + 10)])


def square(i=0):
    return box(X + 10 * i, Y, X + 10 * i + 10, Y + 10)


def etalab(path: Path, rows, shapes=None):
    """Write rows of (commune, prefixe, section, numero, contenance) as Etalab does."""
    shapes = [square(i) for i in range(len(rows))] if shapes is None else shapes
    degrees = gpd.GeoSeries(shapes, crs=L93).to_crs(4326)
    features = []
    for (commune, prefix, section, number, area), shape in zip(rows, degrees, strict=True):
        name = commune + prefix + section.zfill(2) + number.zfill(4)
        said = {"id": name, "commune": commune, "prefixe": prefix, "section": section}
        said |= {"numero": number, "arpente": False, "created": "2020-01-01"}
        if area is not None:
            said["contenance"] = area
        geometry = None if shape is None else shapely.geometry.mapping(shape)
        features.append({"type": "Feature", "id": name, "geometry": geometry, "properties": said})
    text = json.dumps({"type": "FeatureCollection", "features": features})
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def ign(path: Path, shapes=None, **columns):
    n = len(next(iter(columns.values())))
    shapes = [square(i) for i in range(n)] if shapes is None else shapes
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gpd.GeoDataFrame(columns, geometry=shapes, crs=L93).to_file(path)
    return path


def breaches(call):
    with pytest.raises(InputError) as caught:
        call()
    assert all(b.where and b.todo for b in caught.value.breaches)
    return [str(b) for b in caught.value.breaches]


def test_etalab_gz_gives_padded_parts_and_keeps_missing_areas_missing(tmp_path):
    rows = [
        ("12999", "000", "AB", "12", 0),
        ("12999", "028", "A", "7", 150),
        ("12999", "000", "A", "3", None),
    ]
    out = read_cadastre([etalab(tmp_path / "c.json.gz", rows)], L93, ["12999"])
    assert out["parcel_id"].tolist() == ["129990000A0003", "12999000AB0012", "129990280A0007"]
    assert out["section"].tolist() == ["0A", "AB", "0A"]
    assert out["number"].tolist() == ["0003", "0012", "0007"]
    assert out["prefix"].tolist() == ["000", "000", "028"]
    assert out["area_registered_m2"].isna().tolist() == [True, True, False]
    assert out["area_registered_m2"][2] == 150
    assert out.area.round(1).tolist() == [100.0] * 3
    assert out.attrs == {"left_out": 0, "repaired": 0}
    assert tables.check(out, "parcels", "x", L93) is not None
    expected = [c.name for c in tables.TABLES["parcels"].columns]
    assert out.columns.tolist() == [*expected, "geometry"]


def test_etalab_without_any_area(tmp_path):
    rows = [("12999", "000", "A", "1", None)]
    out = read_cadastre([etalab(tmp_path / "c.json", rows)], L93, ["12999"])
    assert out["area_registered_m2"].isna().all()
    assert out["area_registered_m2"].dtype == "float64"


@pytest.mark.parametrize("case", [str.upper, str.lower])
def test_ign_parts_in_either_case(tmp_path, case):
    parts = {
        "code_dep": ["12", "12"],
        "code_com": ["999", "999"],
        "com_abs": ["000", "000"],
        "section": ["0A", "ZB"],
        "numero": ["0001", "12"],
        "contenance": [10, 20],
    }
    path = ign(tmp_path / "p.gpkg", **{case(k): v for k, v in parts.items()})
    out = read_cadastre([path], L93, ["12999"])
    assert out["parcel_id"].tolist() == ["129990000A0001", "12999000ZB0012"]
    assert out["area_registered_m2"].tolist() == [10.0, 20.0]


def test_ign_idu_alone_corsica_and_overseas(tmp_path):
    path = ign(tmp_path / "p.gpkg", IDU=["2A004000AB0001", "97105000AB0001"])
    out = read_cadastre([path], L93, ["2A004", "97105"])
    assert out["commune"].tolist() == ["2A004", "97105"]
    parts = {
        "code_dep": ["971"],
        "code_com": ["05"],
        "com_abs": ["000"],
        "section": ["AB"],
        "numero": ["1"],
    }
    out = read_cadastre([ign(tmp_path / "q.gpkg", **parts)], L93, ["97105"])
    assert out["parcel_id"].tolist() == ["97105000AB0001"]


def test_several_files_make_one_sorted_table(tmp_path):
    one = etalab(tmp_path / "a.json", [("12999", "000", "B", "1", 5)])
    two = etalab(tmp_path / "b.json", [("12998", "000", "A", "1", 6)])
    out = read_cadastre([one, two], L93, ["12998", "12999"])
    assert out["parcel_id"].tolist() == ["129980000A0001", "129990000B0001"]
    assert out.index.tolist() == [0, 1]
    again = read_cadastre([two, one], L93, ["12999", "12998"])
    assert again["parcel_id"].tolist() == out["parcel_id"].tolist()


def test_other_communes_are_left_out_and_counted_or_refused(tmp_path):
    rows = [
        ("12999", "000", "A", "1", 5),
        ("12001", "000", "A", "1", 5),
        ("12001", "000", "A", "2", 5),
    ]
    path = etalab(tmp_path / "a.json", rows)
    out = read_cadastre([path], L93, ["12999"])
    assert (len(out), out.attrs["left_out"]) == (1, 2)
    told = breaches(lambda: read_cadastre([path], L93, ["34001"]))
    assert "parcelles d'une autre commune : 12001, 12999 au lieu de 34001" in told[0]
    told = breaches(lambda: read_cadastre([path], L93, ["12999", "12777"]))
    assert "aucune parcelle de la commune 12777" in told[0]


def test_duplicates_bad_ids_empty_and_invalid_shapes_in_one_message(tmp_path):
    rows = [
        ("12999", "000", "A", "1", 5),
        ("12999", "000", "A", "2", 5),
        ("12999", "000", "A", "3", 5),
    ]
    one = etalab(tmp_path / "a.json", rows, [square(0), None, BOW_TIE])
    two = etalab(tmp_path / "b.json", [rows[0]])
    three = ign(tmp_path / "c.gpkg", IDU=["129990000A0009", "12999A"])
    told = breaches(lambda: read_cadastre([one, two, three], L93, ["12999"]))
    assert len(told) == 4
    text = "\n".join(told)
    assert "1 identifiant(s) de parcelle illisible(s) (premier : « 12999A », ligne 2)" in text
    assert (
        "1 identifiant(s) de parcelle en double, sur 2 lignes (premier : « 129990000A0001 »)"
        in text
    )
    assert f"{one}, {two}" in text
    assert "1 géométrie(s) vide(s) (première : parcelle « 129990000A0002 », ligne 2)" in text
    assert "1 géométrie(s) invalide(s) (première : parcelle « 129990000A0003 », ligne 3)" in text


def test_every_file_tells_its_own_fault(tmp_path):
    good = etalab(tmp_path / "a.json", [("12999", "000", "A", "1", "douze")])
    told = breaches(lambda: read_cadastre([tmp_path / "absent.json", good], L93, ["12999"]))
    assert "introuvable" in told[0]
    assert "colonne « contenance » : 1 valeur(s) illisible(s) comme nombre" in told[1]
    assert "« douze », ligne 1" in told[1]
    assert "aucun fichier" in breaches(lambda: read_cadastre([], L93, ["12999"]))[0]


def test_identifier_against_its_parts(tmp_path):
    path = etalab(tmp_path / "a.json", [("12999", "000", "A", "1", 5)])
    path.write_text(path.read_text().replace('"numero": "1"', '"numero": "2"'))
    told = breaches(lambda: read_cadastre([path], L93, ["12999"]))
    assert "« 129990000A0001 » et « 129990000A0002 », ligne 1" in told[0]


def test_a_layer_that_is_no_cadastre(tmp_path):
    told = breaches(lambda: read_cadastre([ign(tmp_path / "a.gpkg", nom=["x"])], L93, ["12999"]))
    assert "cadastre non reconnu" in told[0]
    assert "présentes : nom, geometry" in told[0]


def test_missing_parts_make_no_identifier(tmp_path):
    parts = {
        "code_dep": ["12"],
        "code_com": ["999"],
        "com_abs": [None],
        "section": ["AB"],
        "numero": ["1"],
    }
    told = breaches(lambda: read_cadastre([ign(tmp_path / "a.gpkg", **parts)], L93, ["12999"]))
    assert "illisible(s) (premier : « vide », ligne 1)" in told[0]


@pytest.mark.shared
def test_gennes(shared):
    path = shared / "data/gennes/parcel.gpkg"
    out = read_cadastre([path], L93, ["25267"])
    assert (len(out), out.attrs["left_out"], out.attrs["repaired"]) == (828, 23, 0)
    assert out["commune"].unique().tolist() == ["25267"]
    assert out["area_registered_m2"].isna().all()
    assert len(read_cadastre([path], L93, ["25267", "25395"])) == 851
    told = breaches(lambda: read_cadastre([path, path], L93, ["25267"]))
    assert "828 identifiant(s) de parcelle en double, sur 1656 lignes" in told[0]
    told = breaches(lambda: read_cadastre([path], L93, ["12145"]))
    assert "25267, 25395" in told[0]


@pytest.mark.shared
@pytest.mark.parametrize(("code", "parcels", "unknown"), [("91326", 2859, 4), ("91479", 2857, 6)])
def test_essonne(shared, code, parcels, unknown):
    path = shared / f"data/cadastre_etalab/cadastre-{code}-parcelles.json"
    out = read_cadastre([path], L93, [code])
    assert (len(out), int(out["area_registered_m2"].isna().sum())) == (parcels, unknown)
    assert out["parcel_id"].str.len().eq(14).all()
    assert out.is_valid.all()


@pytest.mark.shared
def test_ariege_unpadded_sections(shared):
    path = shared / "data/cadastre_etalab/etalab_dept09_3features_edition2026-06-01.json"
    out = read_cadastre([path], L93, ["09087", "09145", "09296"])
    assert out["parcel_id"].tolist() == ["090870000A0025", "091450000A0023", "092960280A0896"]
    assert out["section"].tolist() == ["0A"] * 3
    assert out["area_registered_m2"].tolist()[::2] == [535.0, 24.0]
    assert out["area_registered_m2"].isna().tolist() == [False, True, False]


@pytest.mark.shared
def test_apicarto_answers(shared):
    seen = 0
    for path in sorted((shared / "data/apicarto").glob("cadastre_parcelle_*.geojson")):
        rows = json.loads(path.read_text(encoding="utf-8"))["features"]
        wanted = sorted({r["properties"]["code_insee"] for r in rows})
        out = read_cadastre([path], L93, wanted)
        assert sorted(out["parcel_id"]) == sorted(r["properties"]["idu"] for r in rows)
        seen += 1
    assert seen >= 16
    commune = next((shared / "data/apicarto").glob("cadastre_commune_*.geojson"))
    assert "non reconnu" in breaches(lambda: read_cadastre([commune], L93, ["29158"]))[0]

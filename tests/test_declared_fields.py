from __future__ import annotations

import shutil
import warnings
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
from shapely.geometry import Polygon, box

from friches import tables
from friches.errors import InputError
from friches.sources.declared_fields import (
    MARGIN_M,
    crop_codes,
    crop_groups,
    read_declared_fields,
)

L93 = "EPSG:2154"
X, Y = 651_000, 6_225_000
HERE = (X, Y, X + 100, Y + 100)


def rpg(path: Path, shapes=None, layer=None, **columns):
    said = {
        "id_parcel": ["2", "1"],
        "surf_parc": [1.5, 0.0],
        "code_cultu": ["PPH", "J6S"],
        "code_group": ["18", "11"],
        "culture_d1": ["", None],
    } | columns
    said = {k: v for k, v in said.items() if v is not None}
    shapes = (
        [box(X + 10 * i, Y, X + 10 * i + 10, Y + 10) for i in range(2)]
        if shapes is None
        else shapes
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gpd.GeoDataFrame(said, geometry=shapes, crs=L93).to_file(path, layer=layer)
    return path


def blocks(path: Path, code=("01", "18")):
    said = {"num_ilot": ["012-1", "012-2"], "code_cultu": list(code), "surf_cultu": ["1.59", "2"]}
    shapes = gpd.GeoSeries([box(X, Y, X + 9, Y + 9), box(X + 9, Y, X + 18, Y + 9)], crs=L93)
    gpd.GeoDataFrame(said, geometry=shapes, crs=L93).to_crs(4326).to_file(path)
    return path


def breaches(call):
    with pytest.raises(InputError) as caught:
        call()
    assert all(b.where and b.todo for b in caught.value.breaches)
    return [str(b) for b in caught.value.breaches]


def test_one_table_for_all_campaigns(tmp_path):
    files = {
        2022: [rpg(tmp_path / "b.gpkg", layer="parcelles_graphiques")],
        2010: [blocks(tmp_path / "v1.geojson")],
        2016: [rpg(tmp_path / "c.shp", code_group=[18, 11])],
    }
    out = read_declared_fields(files, L93, HERE)
    assert out["campaign"].tolist() == [2010, 2010, 2016, 2016, 2022, 2022]
    assert out["field_id"].tolist() == ["012-1", "012-2", "1", "2", "1", "2"]
    assert out["group_code"].tolist() == [1, 18, 11, 18, 11, 18]
    assert out["crop_code"].isna().tolist() == [True, True, False, False, False, False]
    assert out["crop_code"].tolist()[2:] == ["J6S", "PPH"] * 2
    assert out["area_declared_ha"].tolist() == [1.59, 2.0, 0.0, 1.5, 0.0, 1.5]
    assert out.attrs["repaired"] == 0
    assert tables.check(out, "declared_fields", "x", L93) is not None


def test_upper_case_and_repeated_identifiers_of_2024(tmp_path):
    said = {
        "ID_PARCEL": ["7", "7"],
        "SURF_PARC": [1.0, 2.0],
        "CODE_CULTU": ["SNE", " "],
        "CODE_GROUP": ["28", ""],
    }
    nothing = dict.fromkeys(["id_parcel", "surf_parc", "code_cultu", "code_group", "culture_d1"])
    path = rpg(tmp_path / "a.gpkg", layer="RPG_Parcelles", **nothing, **said)
    rpg(path, layer="autre_couche")
    out = read_declared_fields({2024: [path]}, L93)
    assert out["field_id"].tolist() == ["7", "7"]
    assert out["crop_code"].isna().tolist() == [False, True]
    assert out["group_code"].isna().tolist() == [False, True]


def test_two_files_of_one_campaign_are_put_together(tmp_path):
    one = rpg(tmp_path / "a.gpkg", id_parcel=["1", "3"])
    two = rpg(tmp_path / "b.gpkg", id_parcel=["2", "4"])
    out = read_declared_fields({2020: [one, two]}, L93)
    assert out["field_id"].tolist() == ["1", "2", "3", "4"]


def test_a_campaign_twice(tmp_path):
    one = rpg(tmp_path / "a.gpkg")
    other = Path(shutil.copy(one, tmp_path / "b.gpkg"))
    for files in ({2020: [one], 2021: [other]}, {2020: [one], 2021: [one]}, {2020: [one, one]}):
        told = breaches(lambda files=files: read_declared_fields(files, L93))
        assert len(told) == 1
        assert "campagne donnée deux fois" in told[0]
    changed = rpg(tmp_path / "c.gpkg", code_cultu=["PPH", "J6P"])
    assert len(read_declared_fields({2020: [one], 2021: [changed]}, L93)) == 4


def test_fields_at_the_margin_and_just_beyond(tmp_path):
    at, beyond = HERE[2] + MARGIN_M, HERE[2] + MARGIN_M + 0.01
    shapes = [box(at, Y, at + 5, Y + 5), box(beyond, Y, beyond + 5, Y + 5)]
    path = rpg(tmp_path / "a.gpkg", shapes)
    out = read_declared_fields({2022: [path]}, L93, HERE)
    assert out["field_id"].tolist() == ["2"]
    far = rpg(tmp_path / "b.gpkg", [shapes[1], shapes[1]])
    told = breaches(lambda: read_declared_fields({2022: [far]}, L93, HERE))
    assert "RPG 2022 : couche d'un autre territoire ou d'un autre département" in told[0]


def test_every_fault_of_every_file_in_one_message(tmp_path):
    files = {
        2019: [tmp_path / "absent.gpkg"],
        2020: [rpg(tmp_path / "a.gpkg", surf_parc=["1,5", "beaucoup"], code_group=["18", "29"])],
        2021: [rpg(tmp_path / "b.gpkg", code_cultu=["PPH", "prairie"])],
        2022: [rpg(tmp_path / "c.gpkg", code_cultu=None, surf_parc=None)],
        2023: [],
    }
    told = "\n".join(breaches(lambda: read_declared_fields(files, L93)))
    assert "absent.gpkg : fichier introuvable" in told
    assert "« surf_parc » : 1 valeur(s) illisible(s) comme nombre (première : « beaucoup »" in told
    assert "1 groupe(s) hors de 1 à 28 (premier : « 29 », ligne 2)" in told
    assert "1 code(s) hors nomenclature (premier : « PRAIRIE », ligne 2)" in told
    assert "colonne « code_cultu » absente" in told
    assert "colonne « surf_parc » absente" in told
    assert "RPG 2023 : aucun fichier" in told


def test_a_file_of_another_era_is_refused(tmp_path):
    old, new = blocks(tmp_path / "v1.geojson"), rpg(tmp_path / "a.gpkg")
    told = breaches(lambda: read_declared_fields({2015: [old], 2014: [new]}, L93))
    assert "groupes de cultures seuls" in told[1]
    assert "codes de culture" in told[0]
    assert len(read_declared_fields({2014: [old], 2015: [new]}, L93)) == 4


@pytest.mark.parametrize(
    ("group", "fine"), [("1", True), ("28", True), ("0", False), ("29", False), ("1.5", False)]
)
def test_groups_run_from_1_to_28(tmp_path, group, fine):
    path = rpg(tmp_path / "a.gpkg", code_group=[group, "11"])
    if fine:
        assert read_declared_fields({2022: [path]}, L93)["group_code"].tolist() == [11, int(group)]
    else:
        assert "hors de 1 à 28" in breaches(lambda: read_declared_fields({2022: [path]}, L93))[0]


def test_invalid_fields_are_mended_and_counted(tmp_path):
    bow_tie = Polygon([(X, Y), (X + 10, Y + 10), (X + 10, Y), (X, Y + 10)])
    path = rpg(tmp_path / "a.gpkg", [bow_tie, box(X, Y, X + 1, Y + 1)])
    out = read_declared_fields({2022: [path]}, L93)
    assert out.attrs["repaired"] == 1
    assert sorted(out.area.round(6)) == [1.0, 50.0]


def test_negative_areas_are_refused(tmp_path):
    path = rpg(tmp_path / "a.gpkg", surf_parc=[-0.01, 0.0])
    told = breaches(lambda: read_declared_fields({2022: [path]}, L93))
    assert "area_declared_ha" in told[0]


def test_no_campaign_gives_an_empty_table():
    out = read_declared_fields({}, L93)
    assert len(out) == 0
    assert tables.check(out, "declared_fields", "x", L93) is not None


def test_groups_and_codes_carry_source_and_mark():
    groups, codes = crop_groups(), crop_codes()
    assert groups["group_code"].tolist() == list(range(1, 29))
    assert groups["label"].is_unique
    for listed in (groups, codes):
        assert listed["source"].str.len().gt(0).all()
        assert listed["mark"].str.contains("VERIFIED|INFERENCE").all()
    assert codes["crop_code"].is_unique
    assert set(codes.loc[codes["fallow"], "group_code"]) == {11}
    assert codes.loc[codes["group_code"].eq(17).fillna(value=False), "soft"].all()
    assert codes["group_code"].dropna().isin(groups["group_code"]).all()
    assert groups.set_index("group_code")["perennial"][[20, 21, 23]].all()
    assert not groups.set_index("group_code")["perennial"][18]


@pytest.mark.shared
def test_codes_agree_with_the_nomenclature(shared):
    path = shared / "data/rpg/REF_CULTURES_GROUPES_CULTURES_2020.csv"
    official = pd.read_csv(path, sep=";", encoding="utf-8-sig").set_index("CODE_CULTURE")
    codes = crop_codes().set_index("crop_code")
    known = codes.index.intersection(official.index)
    assert sorted(set(codes.index) - set(known)) == ["JAC", "SIN"]
    for code in known:
        assert codes.loc[code, "label"] == official.loc[code, "LIBELLE_CULTURE"]
        assert codes.loc[code, "group_code"] == official.loc[code, "CODE_GROUPE_CULTURE"]
    labels = official.drop_duplicates("CODE_GROUPE_CULTURE").set_index("CODE_GROUPE_CULTURE")
    groups = crop_groups().set_index("group_code")["label"]
    for group, label in labels["LIBELLE_GROUPE_CULTURE"].items():
        assert groups[group] == label


@pytest.mark.shared
def test_rpg_2022_sample(shared):
    path = shared / "data/rpg/rpg_2022_sample_PARCELLES_GRAPHIQUES.gpkg"
    out = read_declared_fields({2022: [path]}, L93)
    assert (len(out), out["crop_code"].nunique()) == (100, 29)
    assert (out["crop_code"] == "SNE").sum() == 7
    assert (out["crop_code"] == "J5M").sum() == 5
    assert out["area_declared_ha"].min() == 0
    assert 20.12 in out["area_declared_ha"].tolist()
    assert out["group_code"].between(1, 28).all()


@pytest.mark.shared
def test_boigneville_layer_is_found_by_its_columns(shared):
    out = read_declared_fields({2018: [shared / "data/rpg/boigneville_sequences.gpkg"]}, L93)
    assert len(out) == 10
    assert (out["crop_code"] == "J6S").sum() == 3


@pytest.mark.shared
def test_apicarto_answers(shared):
    folder = shared / "data/apicarto"
    answers = {path.read_bytes(): path for path in sorted(folder.glob("rpg_v2_*.geojson"))}
    assert len(answers) >= 5
    for path in answers.values():
        out = read_declared_fields({2020: [path]}, L93)
        assert out["crop_code"].str.fullmatch("[A-Z0-9]{3}").all()
        assert out["group_code"].notna().all()
    for path in sorted(folder.glob("rpg_v1_*.geojson")):
        out = read_declared_fields({2010: [path]}, L93)
        assert sorted(out["group_code"]) == [1, 2, 3, 3, 18, 18, 28]
        assert out["crop_code"].isna().all()
        assert out["field_id"][0] == "029-19860"

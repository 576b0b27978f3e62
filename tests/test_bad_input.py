"""Bad input gets one clear message and exit code 2; nothing is written."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from friches.cli import app
from friches.errors import wrong_value

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "data" / "sample"


@pytest.fixture
def territory(tmp_path):
    """A writable copy of the embedded territory; tests spoil one file of it."""
    folder = tmp_path / "etude"
    shutil.copytree(SAMPLE, folder, ignore=shutil.ignore_patterns(".friches"))
    return folder


def refused(folder: Path, *words: str) -> str:
    out = folder / "resultat"
    told = CliRunner().invoke(app, ["run", str(folder / "study.toml"), "--out", str(out), "-q"])
    assert told.exit_code == 2, told.output
    assert not out.exists()
    assert not list(folder.glob(".resultat*"))
    kept = folder / ".friches"  # layers without a fault may stay, whole, for the next try
    assert all(list(each.glob("*.parquet")) for each in kept.glob("*"))
    assert not [each for each in kept.glob("*") if not each.name.startswith("layer-")]
    if "cadastre" in words:
        assert not kept.exists()
    assert told.output.startswith("Entrée refusée")
    assert "Traceback" not in told.output
    for word in words:
        assert word in told.output, told.output
    return told.output


def edit(folder: Path, old: str, new: str) -> None:
    file = folder / "study.toml"
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new), "utf-8")


def cadastre(folder: Path) -> Path:
    return next(folder.glob("cadastre-*-parcelles.json.gz"))


def features(file: Path, change) -> None:
    said = json.loads(gzip.decompress(file.read_bytes()))
    change(said)
    file.write_bytes(gzip.compress(json.dumps(said).encode(), mtime=0))


def test_missing_file(territory):
    cadastre(territory).unlink()
    refused(territory, "introuvable", "cadastre")


def test_study_file_missing(tmp_path):
    told = CliRunner().invoke(app, ["run", str(tmp_path / "absent.toml")])
    assert told.exit_code == 2
    assert "introuvable" in told.output


def test_truncated_gz(territory):
    file = cadastre(territory)
    file.write_bytes(file.read_bytes()[:5000])
    refused(territory, "cadastre", "tronqu")


def test_no_crs(territory):
    import geopandas as gpd

    file = territory / "zone_urba.gpkg"
    frame = gpd.read_file(file).set_crs(None, allow_override=True)
    file.unlink()
    with pytest.warns(UserWarning, match="crs"):
        frame.to_file(file)
    refused(territory, "zone_urba", "système de coordonnées absent")


def test_wrong_crs_puts_the_layer_elsewhere(territory):
    import geopandas as gpd

    file = territory / "zone_urba.gpkg"
    frame = gpd.read_file(file).set_crs("EPSG:27572", allow_override=True)
    file.unlink()
    frame.to_file(file)
    refused(territory, "zone_urba", "autre territoire")


def test_empty_layer(territory):
    import geopandas as gpd

    file = territory / "batiment.gpkg"
    frame = gpd.read_file(file).iloc[:0]
    file.unlink()
    frame.to_file(file)
    refused(territory, "batiment", "vide")


def test_duplicate_parcel_ids(territory):
    def twice(said):
        said["features"].append(said["features"][0])

    features(cadastre(territory), twice)
    refused(territory, "cadastre", "2")


def test_empty_geometry(territory):
    def hollow(said):
        said["features"][3]["geometry"] = None

    features(cadastre(territory), hollow)
    refused(territory, "cadastre", "géométrie")


def test_invalid_geometry_is_told(territory):
    def bow_tie(said):
        ring = said["features"][3]["geometry"]["coordinates"]
        (x, y), *_ = ring[0]
        step = 0.001
        ring[:] = [[[x, y], [x + step, y + step], [x + step, y], [x, y + step], [x, y]]]

    features(cadastre(territory), bow_tie)
    refused(territory, "cadastre", "invalide")


def test_layer_of_another_departement(territory, shared):
    shutil.copy(shared / "data" / "gennes" / "building.gpkg", territory / "batiment.gpkg")
    refused(territory, "batiment", "autre territoire")


def test_unknown_study_key(territory):
    edit(territory, "[study]", '[study]\ncolour = "blue"')
    refused(territory, "colour", "clé inconnue")


def test_several_breaches_in_one_message(territory):
    edit(territory, "[study]", '[study]\ncolour = "blue"\nshape = "round"')
    told = refused(territory, "colour", "shape")
    assert "2 problèmes" in told


def test_raster_that_does_not_cover_the_commune(territory, shared):
    muret = shared / "data" / "oso" / "oso_17classes_muret.tif"
    shutil.copy(muret, next(territory.glob("oso_*.tif")))
    refused(territory, "oso")


def test_campaign_twice(territory):
    years = sorted(territory.glob("rpg_*.gpkg"))
    shutil.copy(years[-1], years[-2])
    refused(territory, "campagne")


def test_text_in_a_number_column(territory):
    file = territory / "cantines.csv"
    file.write_text(file.read_text("utf-8").replace("1500", "beaucoup", 1), "utf-8")
    refused(territory, "cantines", "beaucoup")


def test_breaches_of_several_layers_at_once(territory):
    file = territory / "cantines.csv"
    file.write_text(file.read_text("utf-8").replace("1500", "beaucoup", 1), "utf-8")
    (territory / "batiment.gpkg").write_bytes(b"<OGRVRTDataSource/>")
    refused(territory, "beaucoup", "batiment")


def test_check_lists_the_same_breaches_and_writes_nothing(territory):
    file = cadastre(territory)
    file.write_bytes(file.read_bytes()[:5000])
    told = CliRunner().invoke(app, ["check", str(territory / "study.toml")])
    assert told.exit_code == 2
    assert "tronqu" in told.output
    assert not (territory / ".friches").exists()


def test_check_of_a_good_study(territory):
    told = CliRunner().invoke(app, ["check", str(territory / "study.toml")])
    assert told.exit_code == 0, told.output
    assert "Étude utilisable" in told.output
    assert not (territory / ".friches").exists()


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"type": "missing", "msg": "Field required"}, "clé absente"),
        ({"type": "date_parsing", "msg": "x", "input": "hier"}, "« hier » n'est pas une date"),
        ({"type": "float_parsing", "msg": "x", "input": "dix"}, "« dix » n'est pas un nombre"),
        (
            {"type": "less_than_equal", "msg": "x", "input": 7, "ctx": {"le": 1}},
            "« 7 » est trop grand (au plus 1)",
        ),
        (
            {"type": "literal_error", "msg": "x", "input": "c", "ctx": {"expected": "'a' or 'b'"}},
            "« c » n'est pas l'une des valeurs connues ('a' ou 'b')",
        ),
        ({"type": "value_error", "msg": "Value error, sans surface"}, "sans surface"),
    ],
)
def test_wrong_values_are_told_in_french(fault, said):
    assert wrong_value(fault) == said

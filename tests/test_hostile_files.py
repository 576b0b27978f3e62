"""Files that are not what they say, too large or made to harm."""

from __future__ import annotations

import ast
import gzip
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import zipfile
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import rasterio
from hostile import PAYLOADS
from tiny import tiny_result

import friches
from friches.errors import InputError
from friches.sample import make
from friches.sources import container, rasters, vector
from friches.sources.read import read_layers
from friches.sources.vector import open_vector

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "friches"
ALL = " | ".join(PAYLOADS)
L93 = "EPSG:2154"


@pytest.fixture(scope="module")
def harmless(tmp_path_factory):
    folder = tmp_path_factory.mktemp("harmless")
    make(folder, 500, seed=3)
    return folder


def study_of(folder: Path, layer: str, file: str) -> Path:
    """Return a study of the territory with one layer besides the cadastre."""
    cadastre = next(folder.glob("cadastre-*")).name
    value = json.dumps(file)
    line = f"{layer} = {value}" if not layer.isdigit() else f"declared_fields.{layer} = {value}"
    path = folder / "one.toml"
    path.write_text(
        '[study]\nname = "x"\ncommunes = ["12999"]\nday = 2026-09-01\n[sources]\n'
        f"cadastre = {json.dumps(cadastre)}\n{line}\n"
    )
    return path


@pytest.fixture
def territory(harmless, tmp_path):
    shutil.copytree(harmless, tmp_path / "t")
    return tmp_path / "t"


def vrt_of(secret: Path) -> str:
    return (
        f'<OGRVRTDataSource><OGRVRTLayer name="secret"><SrcDataSource>{secret}</SrcDataSource>'
        "</OGRVRTLayer></OGRVRTDataSource>"
    )


@pytest.mark.parametrize(
    ("key", "file"),
    [("farmers", "fermes.geojson"), ("zoning", "zone_urba.gpkg"), ("canteens", "cantines.csv"),
     ("elevation", "mnt.tif")],
)  # fmt: skip
def test_x5_a_disguised_vrt_is_refused_by_the_run(territory, key: str, file: str) -> None:
    secret = territory / "secret.csv"
    secret.write_text("id,lon,lat\nmotdepasse,3.0,44.0\n")
    (territory / file).write_text(vrt_of(secret))
    with pytest.raises(InputError, match="VRT") as caught:
        read_layers(friches.open(study_of(territory, key, file)))
    assert file in str(caught.value)
    assert "motdepasse" not in str(caught.value)


@pytest.mark.parametrize(
    ("layer", "file", "column"),
    [
        ("2024", "rpg_2024.gpkg", "CODE_CULTU"),
        ("2024", "rpg_2024.gpkg", "CODE_GROUP"),
        ("zoning", "zone_urba.gpkg", "typezone"),
        ("forest", "formation_vegetale.gpkg", "CODE_TFV"),
        ("canteens", "cantines.csv", "audience"),
        ("canteens", "cantines.csv", "kind"),
        ("canteens", "cantines.csv", "meals_per_day"),
        ("sales", "dvf_12999.csv", "id_parcelle"),
        ("sales", "dvf_12999.csv", "date_mutation"),
    ],
)
def test_x1_codes_of_a_nomenclature_are_refused(territory, layer, file, column) -> None:
    """What must be a code, a number or a date never goes on as a text of somebody's own."""
    path = territory / file
    if file.endswith(".gpkg"):
        table = gpd.read_file(path)
        table[column] = ALL
        path.unlink()
        table.to_file(path, layer=path.stem, driver="GPKG")
    else:
        table = pd.read_csv(path, dtype="str").assign(**{column: PAYLOADS[0]})
        table.to_csv(path, index=False)
    with pytest.raises(InputError) as caught:
        read_layers(friches.open(study_of(territory, layer, file)))
    assert file in str(caught.value)
    assert "\u202e" not in str(caught.value)


@pytest.mark.parametrize("path", ["/vsicurl/http://x/y.tif", "http://x/y.gpkg", "WFS:http://x",
                                  "PG:dbname=x", "/vsizip/a.zip/b.shp"])  # fmt: skip
def test_x5_remote_and_virtual_paths_are_refused_by_the_study_file(tmp_path, path: str) -> None:
    (tmp_path / "study.toml").write_text(
        f'[study]\nname="x"\ncommunes=["12999"]\nday=2026-09-01\n[sources]\ncadastre="{path}"\n'
    )
    with pytest.raises(InputError, match="fichier local"):
        friches.open(tmp_path / "study.toml")


def test_x6_dangerous_drivers_are_off_before_the_first_import() -> None:
    code = (
        "import friches, pyogrio, rasterio\n"
        "from rasterio.drivers import raster_driver_extensions\n"
        "from rasterio.env import Env\n"
        "with Env() as env: names = set(env.drivers())\n"
        "names |= set(pyogrio.list_drivers())\n"
        "print(*sorted(names & {'VRT','OGR_VRT','GTI','WMS','WMTS','WCS','WFS','OAPIF','HTTP',"
        "'CSW','GDALG','DERIVED','STACIT','STACTA'}))"
    )
    clean = {k: v for k, v in os.environ.items() if k not in {"GDAL_SKIP", "OGR_SKIP"}}
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=clean, check=True
    )
    assert run.stdout.strip() == ""


def test_x7_a_huge_sparse_raster_is_refused_unread(tmp_path) -> None:
    path = tmp_path / "mnt.tif"
    with rasterio.open(
        *(path, "w"), driver="GTiff", width=100_000, height=100_000, count=1, dtype="uint8",
        crs=L93, transform=rasterio.Affine(1, 0, 700_000, 0, -1, 6_400_000), SPARSE_OK=True,
        BIGTIFF="YES",
    ):  # fmt: skip
        pass
    with pytest.raises(InputError, match="100000 x 100000"):
        rasters.read_rasters([path], "elevation", L93, (700_000, 6_350_000, 701_000, 6_351_000))


def test_x7_caps_on_features_and_vertices(tmp_path, monkeypatch) -> None:
    square = tiny_result().parcels[["geometry"]]
    square.to_file(tmp_path / "a.gpkg")
    monkeypatch.setattr(vector, "MAX_FEATURES", 8)
    with pytest.raises(InputError, match="plus de 8 objets"):
        open_vector(tmp_path / "a.gpkg", L93)
    monkeypatch.setattr(vector, "MAX_FEATURES", 9)
    monkeypatch.setattr(vector, "MAX_VERTICES", 44)  # nine squares have 45
    with pytest.raises(InputError, match="plus de 44 sommets"):
        open_vector(tmp_path / "a.gpkg", L93)


def test_x8_bombs_and_members_that_leave_are_refused(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(container, "FREE_BYTES", 100_000)
    bomb = tmp_path / "a.json.gz"
    bomb.write_bytes(gzip.compress(b"{" + b" " * 5_000_000 + b"}"))
    with pytest.raises(InputError, match="bombe"):
        open_vector(bomb, L93)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("../../a.geojson", "{}")
    with pytest.raises(InputError, match="dangereux"):
        open_vector(tmp_path / "a.zip", L93)


def test_x9_no_pickle_anywhere() -> None:
    forbidden = {
        "pickle",
        "cPickle",
        "_pickle",
        "joblib",
        "dill",
        "cloudpickle",
        "shelve",
        "marshal",
    }
    for path in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        for node in ast.walk(tree):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            assert not {name.split(".")[0] for name in names} & forbidden, path
            if isinstance(node, ast.Attribute):
                assert node.attr not in {"read_pickle", "to_pickle"}, path
            if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
                assert isinstance(node.value, ast.Constant)
                assert node.value.value is False, path
    pins = (ROOT / "pyproject.toml").read_text("utf-8")
    assert int(re.search(r'"pyarrow>=(\d+)', pins)[1]) >= 15  # CVE-2023-47248 mended in 14.0.1


def test_x10_views_of_a_foreign_geopackage_are_refused(tmp_path) -> None:
    path = tmp_path / "a.gpkg"
    tiny_result().parcels[["geometry"]].to_file(path, layer="a")
    with sqlite3.connect(path) as base:
        base.execute("CREATE VIEW b AS SELECT * FROM a")
        base.execute("UPDATE gpkg_contents SET table_name = 'b' WHERE table_name = 'a'")
    base.close()
    with pytest.raises(InputError, match="vue"):
        open_vector(path, L93)


def test_x11_no_xml_is_read_and_gml_is_refused(tmp_path) -> None:
    bomb = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bbbb">]><a>&b;</a>'
    for name in ("a.gml", "a.geojson", "a.kml"):
        (tmp_path / name).write_text(bomb)
        with pytest.raises(InputError, match="non reconnu"):
            open_vector(tmp_path / name, L93)
    for path in sorted(PACKAGE.rglob("*.py")):
        said = path.read_text("utf-8")
        assert not re.search(r"^\s*(import|from)\s+(xml|lxml)\b", said, re.MULTILINE), path

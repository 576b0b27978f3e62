"""Commands: what they print, how they exit; importing stays quick; GDAL lists are off in time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from friches.cli import app, default_folder

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "data" / "sample" / "study.toml"


def invoke(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


def python(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True
    )
    return done.stdout


def test_run_ends_with_a_summary_and_the_address_of_the_map(small, tmp_path):
    told = invoke("run", small / "study.toml", "--out", tmp_path / "out")
    assert told.exit_code == 0, told.output
    assert "territoire fictif" in told.output
    assert "repas" in told.output
    assert told.output.strip().splitlines()[-1].endswith("map.html")
    assert Path(told.output.strip().splitlines()[-1].removeprefix("Carte : ")).is_file()


def test_quiet_says_nothing(small, tmp_path):
    told = invoke("run", small / "study.toml", "--out", tmp_path / "out", "--quiet")
    assert told.exit_code == 0
    assert told.output == ""


def test_demo_writes_under_maps(kept_stages, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "maps").mkdir()
    kept_stages.rename(tmp_path / "maps" / ".friches")  # the same territory, measured already
    told = invoke("demo", "--quiet")
    assert told.exit_code == 0
    assert (tmp_path / "maps" / "saint-rebelle-territoire-fictif" / "map.html").is_file()


def test_out_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "out").write_text("mine")
    told = invoke("run", SAMPLE, "--out", tmp_path / "out")
    assert told.exit_code == 2
    assert (tmp_path / "out").read_text() == "mine"


def test_sample_then_check(tmp_path):
    made = invoke("sample", tmp_path / "t", "--parcels", 500, "--seed", 3)
    assert made.exit_code == 0, made.output
    checked = invoke("check", tmp_path / "t" / "study.toml")
    assert checked.exit_code == 0, checked.output
    assert "parcels : 500 lignes" in checked.output


@pytest.mark.parametrize("parcels", [499, 1_000_001])
def test_sample_size_has_limits(tmp_path, parcels):
    assert invoke("sample", tmp_path / "t", "--parcels", parcels).exit_code == 2
    assert not (tmp_path / "t").exists()


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("Saint-Rebelle (territoire fictif)", "saint-rebelle-territoire-fictif"),
        ("Millau", "millau"),
        ("../../etc", "etc"),
        ("///", "etude"),
    ],
)
def test_default_folder_is_a_safe_name(name, folder):
    assert default_folder(name) == Path("maps") / folder


def test_only_finished_commands_are_offered():
    told = invoke("--help").output
    for command in (
        *("demo", "run", "check", "sample", "compare", "lawbook", "letters"),
        *("fetch", "sources"),
    ):
        assert command in told
    assert "review" not in told


def test_importing_friches_loads_nothing_heavy():
    code = "import sys, friches; print(sorted({'geopandas', 'rasterio'} & set(sys.modules)))"
    assert python(code).strip() == "[]"


def test_public_names():
    import friches

    assert len(friches.__all__) <= 8
    for name in friches.__all__:
        assert getattr(friches, name)


def test_gdal_formats_that_read_other_sources_are_off():
    code = (
        "import friches, pyogrio, rasterio\n"
        "with rasterio.Env() as env: rasters = set(env.drivers())\n"
        "off = {'VRT', 'OGR_VRT', 'WMS', 'WFS', 'GDALG', 'HTTP', 'GTI', 'GPSBabel'}\n"
        "print(sorted(off & (rasters | set(pyogrio.list_drivers()))))"
    )
    assert python(code).strip() == "[]"


def test_workers_and_a_scheduler_are_one_too_many(tmp_path):
    out = tmp_path / "out"
    told = invoke("run", SAMPLE, "--out", out, "--workers", 2, "--scheduler", "tcp://127.0.0.1:1")
    assert told.exit_code == 2
    assert "choisir l'un des deux" in told.output
    assert not out.exists()

"""The engine's benchmark: ours beside GEOS at a small size, and that it catches a wrong answer."""

from __future__ import annotations

import json

import numpy as np
import pytest
import shapely

pytest.importorskip("psutil")
pytest.importorskip("numba")

from benchmarks import (
    engine,
    engine_overlay,
    engine_process,
    engine_roads,
    engine_stage,
    engine_zonal,
    territory_run,
)
from benchmarks.engine_growth import exponent
from benchmarks.engine_process import Method, Took
from benchmarks.engine_report import Line, lines_table, markdown
from benchmarks.engine_territory import reused, territory

PARCELS = 500  # `--quick` takes 5,000


@pytest.fixture(scope="module")
def lands(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lands")
    territory(folder, PARCELS, engine.SEED)
    return folder


@pytest.fixture(scope="module")
def land(lands):
    return lands / f"{PARCELS}-{engine.SEED}"


def test_quick_run_prints_both_methods(lands, tmp_path, capsys):
    out = tmp_path / "results.md"
    words = ["--quick", "--parcels", str(PARCELS), "--only", "overlay", "--peers", "geos"]
    out.write_text(
        "# Old\n\n## Growth\n\nkept\n\n## Areas of parcels and polygons\n\nearlier\n", "utf-8"
    )
    engine.main([*words, "--folder", str(lands), "--out", str(out)])
    text = out.read_text("utf-8")
    assert [line for line in text.splitlines() if line.startswith("#")] == [
        "# The engine beside its peers",
        "## Areas of parcels and polygons",
        "## Growth",
    ]
    assert text.endswith("kept\n")
    assert "earlier" not in text
    assert "`python -m benchmarks.engine --quick --parcels 500 --only overlay --peers geos`" in text
    assert str(lands) not in text
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith("| ")]
    assert [row[0].strip("| ").split(",")[0] for row in rows] == [
        "method",
        "---",
        "friches",
        "GEOS",
    ]
    assert rows[2][2] == "1.0"
    assert float(rows[3][10].strip("| ")) <= engine_overlay.TOLERANCE
    assert "numba" in text
    assert f"{PARCELS} parcels" in text
    assert capsys.readouterr().out.count("GEOS, best form") == 1


def test_quick_is_small_and_without_growth():
    quick, full = engine.parsed(["--quick"]), engine.parsed([])
    assert (quick.parcels, quick.rounds, quick.out) == (5_000, 1, None)
    assert "growth" not in quick.only
    assert (full.parcels, full.rounds, full.out.name) == (200_000, 3, "results.md")
    assert full.only == ["overlay", "zonal", "roads", "run", "growth"]


def test_territory_is_written_once_in_row_groups(lands, land):
    import pyarrow.parquet as pq

    parcels = land / "parcels.parquet"
    stamp = parcels.stat().st_mtime_ns
    assert territory(lands, PARCELS, engine.SEED) == land
    assert parcels.stat().st_mtime_ns == stamp
    said = json.loads((land / "land.json").read_text("utf-8"))
    assert said["parcels"]["rows"] == PARCELS == pq.read_metadata(parcels).num_rows
    assert pq.read_metadata(parcels).row_group(0).column(1).compression == "ZSTD"
    assert shapely.from_wkb(pq.read_table(parcels)["geometry"][0].as_py()).is_valid


def test_every_form_of_geos_says_the_same(land):
    ours = engine_overlay.friches(land)()
    assert len(ours["parcel"]) > PARCELS / 4
    for method in (engine_overlay.best_geos, engine_overlay.strtree):
        gap = engine_overlay.differences(ours, method(land)(), land)
        assert gap.max() <= engine_overlay.TOLERANCE


def test_a_wrong_area_a_lost_pair_and_an_extra_one_are_seen(land):
    ours = engine_overlay.friches(land)()
    whole = shapely.area(engine_overlay.shapes(land)[0])
    wrong = ours | {"area_m2": ours["area_m2"].copy()}
    wrong["area_m2"][3] += 2e-6 * whole[ours["parcel"][3]]
    assert engine_overlay.differences(ours, wrong, land).max() == pytest.approx(2e-6, rel=1e-3)
    lost = {name: column[1:] for name, column in ours.items()}
    share = ours["area_m2"][0] / whole[ours["parcel"][0]]
    assert engine_overlay.differences(ours, lost, land).max() == pytest.approx(share)
    assert engine_overlay.differences(lost, ours, land).max() == pytest.approx(share)


def _thin_method(monkeypatch, answer):
    """Make the benchmark believe that a peer left this answer."""

    def measured(kind, name, land, path):
        given = engine_overlay.friches(land)()
        np.savez(path, **(answer(given) if name == "peer" else given))
        return Took(1.0, 2.0, 1.5, 2.0, 100.0)

    ours = engine_overlay.METHODS["friches"]
    monkeypatch.setattr(engine, "measured", measured)
    monkeypatch.setattr(
        engine_overlay,
        "METHODS",
        {
            "friches": ours,
            "peer": Method("peer", lambda land: None),
            "gone": Method("x", None, ("no_such_package",)),
        },
    )


def test_a_different_answer_stops_before_any_time_is_shown(land, monkeypatch, capsys):
    _thin_method(monkeypatch, lambda given: given | {"area_m2": given["area_m2"] * 1.01})
    with pytest.raises(engine.DifferentError, match="overlay, peer"):
        engine.compared("overlay", land, 1, None)
    assert not capsys.readouterr().out


def test_a_part_that_fails_keeps_its_section_and_the_next_is_run(lands, tmp_path, monkeypatch):
    def failing(kind, *_):
        if kind == "overlay":
            raise engine.DifferentError("overlay, peer: 1 over 1e-06 allowed")
        return "times"

    monkeypatch.setattr(engine, "compared", failing)
    out = tmp_path / "results.md"
    out.write_text("#\n\n## Areas of parcels and polygons\n\nearlier\n", "utf-8")
    words = ["--quick", "--parcels", str(PARCELS), "--only", "overlay", "roads"]
    with pytest.raises(SystemExit, match="not reported: overlay"):
        engine.main([*words, "--folder", str(lands), "--out", str(out)])
    text = out.read_text("utf-8")
    assert text.index("earlier") < text.index("## Road times") < text.index("times")


def test_a_slow_method_runs_once(land, monkeypatch):
    runs = []

    def measured(kind, name, land, path):
        runs.append(name)
        np.savez(path, **engine_overlay.friches(land)())
        return Took(1.0, engine.SLOW_S + (name == "geos"), 1.0, 2.0, 100.0)

    monkeypatch.setattr(engine, "measured", measured)
    engine.compared("overlay", land, 3, ["geos", "strtree"])
    assert runs.count("friches") == runs.count("strtree") == 3
    assert runs.count("geos") == 1


def test_a_territory_made_before_is_left_as_it_is(land, tmp_path):
    before = sorted((land / "study").iterdir())
    assert reused(tmp_path, land) == land
    found = reused(tmp_path, land / "study")
    assert found.parent == tmp_path
    assert (found / "land.json").read_bytes() == (land / "land.json").read_bytes()
    assert sorted((land / "study").iterdir()) == before


def test_the_area_stage_measures_every_parcel(land):
    assert int(engine_stage.load(land)()["rows"]) == PARCELS


def test_a_run_is_told_by_stages_memory_and_outputs(monkeypatch, tmp_path):
    """In place of `friches run`: a program that holds 80 MB and writes what a run would."""
    code = """
import json, pathlib, sys, time
assert pathlib.Path("study.toml").is_file() and not pathlib.Path(".friches").exists()
held = bytearray(80_000_000); time.sleep(1.2)
out = pathlib.Path(sys.argv[1]); out.mkdir()
(out / "manifest.json").write_text(json.dumps({"seconds": {"facts": 0.5, "total": 0.5}}))
(out / "map.html").write_bytes(bytes(2_000_000))
"""
    study = tmp_path / "study"
    (study / ".friches").mkdir(parents=True)
    (study / "study.toml").write_text("")
    watched = territory_run._watched

    def instead(words, said):
        out = words[words.index("--out") + 1]
        assert words[-2:] == ["--workers", "2"]
        monkeypatch.chdir(said.parent)
        return watched([territory_run.sys.executable, "-c", code, out], said)

    monkeypatch.setattr(territory_run, "_watched", instead)
    run = territory_run.territory_run(study, tmp_path / "out", 2)
    assert run.peak_mb > 80
    assert run.seconds >= 1.2
    assert run.sizes["map.html"] == 2
    text = territory_run.told(run)
    assert "| stage facts | 0.5 | s |" in text
    assert "stage total" not in text


def test_a_run_that_fails_says_why(tmp_path):
    (tmp_path / "study.toml").write_text("nothing = 1")
    with pytest.raises(RuntimeError, match="nothing"):
        territory_run.territory_run(tmp_path, tmp_path / "out")


def test_a_peer_that_is_not_installed_is_named(land, monkeypatch):
    _thin_method(monkeypatch, lambda given: given)
    text = engine.compared("overlay", land, 1, None)
    assert "left out: x (not installed: no_such_package)" in text
    assert "| peer | 1 | 1.0 | 1.5 | 1.0 | 2 | 1.0 |" in text


def test_a_peer_that_fails_is_named_and_the_others_are_compared(land, monkeypatch):
    def broken(given):
        raise RuntimeError("first\nlast words")

    _thin_method(monkeypatch, broken)
    text = engine.compared("overlay", land, 1, None)
    assert "left out: peer (failed: last words)" in text
    assert text.count("compiled kernel") == 1


def test_unknown_methods_are_refused(capsys):
    with pytest.raises(SystemExit):
        engine.parsed(["--peers", "geos", "oracle"])
    assert "no such method: oracle" in capsys.readouterr().err


def test_zonal_methods_agree_on_the_small_territory(land):
    ours = engine_zonal.friches(land)()
    gap = engine_zonal.differences(ours, engine_zonal.once(land)(), land)
    assert gap.max() <= engine_zonal.TOLERANCE
    assert np.nansum(ours["share"], axis=1) == pytest.approx(1)
    assert (
        engine_zonal.differences(ours, ours | {"mean": ours["mean"] * np.nan}, land).max() == np.inf
    )


def test_road_methods_agree_on_the_small_territory(land):
    ours = engine_roads.friches(land)()
    assert np.isfinite(ours["minutes"]).any()
    for method in (engine_roads.scipy_places, engine_roads.networkx_blocks):
        gap = engine_roads.differences(ours, method(land)(), land)
        assert gap.max() <= engine_roads.TOLERANCE


def test_a_failing_method_says_why(land, tmp_path):
    with pytest.raises(RuntimeError, match="no_such_method"):
        engine_process.timed(
            [
                engine_process.sys.executable,
                "-m",
                "benchmarks.engine_process",
                "overlay",
                "no_such_method",
                land,
                tmp_path / "a",
            ],
            several=False,
        )


def test_memory_counts_the_whole_tree(tmp_path):
    """Two processes that hold 60 MB each: their parent alone holds far less."""
    child = "import time; held = bytearray(60_000_000); time.sleep(1.5)"
    parent = f"import subprocess, sys; two = [subprocess.Popen([sys.executable, '-c', {child!r}]) for _ in '12']; [one.wait() for one in two]"
    command = [engine_process.sys.executable, "-c", parent]
    whole_s, _, memory_mb = engine_process.timed(command, several=True)
    assert whole_s >= 1.5
    assert memory_mb > 115


def test_memory_is_not_that_of_the_benchmark(land, tmp_path):
    held = np.ones(500_000_000, np.uint8)
    took = engine_process.measured("overlay", "geos", land, tmp_path / "answer.npz")
    assert 30 < took.memory_mb < held.nbytes / 1e6
    assert 0 < took.core_s < took.whole_s


def test_exponent_is_that_of_the_growth():
    sizes = [25_000, 100_000, 400_000]
    assert exponent(sizes, [n * 3e-6 for n in sizes]) == pytest.approx(1)
    assert exponent(sizes, [n**1.5 for n in sizes]) == pytest.approx(1.5)


def test_ratios_are_of_medians_and_a_part_is_scaled():
    ours = Line("ours", [Took(1, 2, 1, 2, 100), Took(9, 9, 9, 9, 100), Took(2, 3, 2, 2, 100)], "")
    peer = Line("peer", [Took(3, 9, 1, 9, 150)], "1e-09", 0.25)
    rows = lines_table([ours, peer]).splitlines()
    assert rows[2] == "| ours | 2 (1–9) | 1.0 | 2 | 1.0 | 3 (2–9) | 1.0 | 2.0 | 100 | 1.00 |  |"
    assert rows[3] == "| peer | 12 (scaled) | 6.0 | 4 | 2.0 | 9 |  | 9.0 | 150 |  | 1e-09 |"
    assert markdown(("a", "b"), [(1, 2)]) == "| a | b |\n| --- | --: |\n| 1 | 2 |"

"""Same inputs, same bytes; the old result or the new one, whole."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
import tiny

from friches.view import output

ROOT = Path(__file__).resolve().parent.parent


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes()
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }


def test_same_inputs_same_bytes_but_manifest(small, tmp_path):
    """All layers, measured twice: the first run's stages serve the first outputs alone."""
    import friches

    study = friches.open(small / "study.toml")
    shutil.copytree(small / ".friches", tmp_path / "kept")
    first = output.write(friches.run(study, keep_in=tmp_path / "kept"), tmp_path / "first")
    second = output.write(friches.run(study, keep_in=tmp_path / "other"), tmp_path / "again")
    ours, theirs = files_of(first), files_of(second)
    assert ours.keys() == theirs.keys()
    differ = [name for name in ours if ours[name] != theirs[name]]
    assert differ == ["manifest.json"]


def test_new_result_replaces_the_old_one_whole(tmp_path):
    out = tmp_path / "carre"
    output.write(tiny.tiny_result(), out)
    (out / "left-over.txt").write_text("old")
    output.write(tiny.tiny_result(name="Autre (territoire fictif)"), out)
    assert not (out / "left-over.txt").exists()
    assert "Autre" in (out / "map.html").read_text("utf-8")
    assert [p.name for p in tmp_path.iterdir()] == ["carre"]


def test_a_failing_view_leaves_the_old_result_and_nothing_else(tmp_path, monkeypatch):
    out = output.write(tiny.tiny_result(), tmp_path / "carre")
    before = files_of(out)

    def broken(*_args, **_kwargs):
        raise RuntimeError("disk full")

    monkeypatch.setattr(output, "write_geopackage", broken)
    with pytest.raises(RuntimeError, match="disk full"):
        output.write(tiny.tiny_result(name="Autre"), out)
    assert files_of(out) == before
    assert [p.name for p in tmp_path.iterdir()] == ["carre"]


def test_exchange_in_two_steps_where_one_is_not_to_be_had(tmp_path, monkeypatch):
    monkeypatch.setattr(output, "_renameat2", lambda *_: False)
    out = output.write(tiny.tiny_result(), tmp_path / "carre")
    output.write(tiny.tiny_result(name="Autre (territoire fictif)"), out)
    assert "Autre" in (out / "map.html").read_text("utf-8")
    assert [p.name for p in tmp_path.iterdir()] == ["carre"]


def test_a_stop_between_two_renames_is_mended(tmp_path):
    out = output.write(tiny.tiny_result(), tmp_path / "carre")
    before = files_of(out)
    out.rename(tmp_path / ".carre.old")
    output._recover(out)
    assert files_of(out) == before


def test_a_killed_run_leaves_the_old_result_whole(tmp_path):
    out = output.write(tiny.tiny_result(), tmp_path / "carre")
    before = files_of(out)
    code = textwrap.dedent(
        f"""
        import sys, time
        sys.path.insert(0, {str(ROOT / "tests")!r})
        import tiny
        from friches.view import output
        from pathlib import Path
        def slow(result, path):
            print("ready", flush=True)
            time.sleep(60)
        output.write_geopackage = slow
        output.write(tiny.tiny_result(name="Autre"), Path({str(out)!r}))
        """
    )
    run = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=ROOT)
    assert run.stdout is not None
    assert run.stdout.readline().strip() == b"ready"
    os.kill(run.pid, signal.SIGKILL)
    run.wait(timeout=20)
    run.stdout.close()
    assert files_of(out) == before
    time.sleep(0.05)
    output.write(tiny.tiny_result(), out)  # the next run clears what the killed one left
    assert [p.name for p in tmp_path.iterdir()] == ["carre"]

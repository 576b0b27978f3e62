"""`friches run` of one study: seconds by stage, most memory of all its processes, outputs.

    python -m benchmarks.territory_run FOLDER [--workers N] [--out FOLDER]

FOLDER holds study.toml and the files that it names (`friches sample` writes one). The study is run
in a process of its own, from a temporary folder that links to these files, so that no stage kept
by another run is used and FOLDER is left as it is. The memory is looked at twice a second: that of
the process and all its descendants, pages they share counted once (proportional set size).
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import psutil

from benchmarks.engine_process import tree_mb
from benchmarks.engine_report import machine, markdown

LOOK_EVERY_S = 0.5
STUDY = "study.toml"


class Run(NamedTuple):
    """What a run took.

    Attributes
    ----------
    seconds, all_cores_s : float
        On the clock, and of all cores (processes that others end are not counted).
    peak_mb, peak_at_s : float
        Most memory held by all processes at once, and when.
    stages : dict
        Seconds by stage, as the run's manifest.json tells them.
    sizes : dict
        MB of what was written, by name.
    """

    seconds: float
    all_cores_s: float
    peak_mb: float
    peak_at_s: float
    stages: dict[str, float]
    sizes: dict[str, float]


def territory_run(folder: Path, out: Path, workers: int | None = None) -> Run:
    """Run a study and measure it.

    Parameters
    ----------
    folder : Path
        With study.toml.
    out : Path
        Where the outputs go.
    workers : int, optional
        Given to `friches run --workers`; not said when absent.

    Raises
    ------
    RuntimeError
        When the run fails, with the end of what it said.
    """
    with tempfile.TemporaryDirectory() as name:
        here = Path(name)
        shutil.copy(folder / STUDY, here)  # a link would be followed, and stages kept beside it
        for path in folder.resolve().iterdir():
            if path.name not in (STUDY, ".friches"):
                (here / path.name).symlink_to(path)
        command = [sys.executable, "-m", "friches.cli", "run", here / STUDY, "--out", out]
        more = [] if workers is None else ["--workers", workers]
        words = [str(word) for word in [*command, "--quiet", *more]]
        taken = _watched(words, here / ".said")
        sizes = _sizes(out) | {"stages kept for the next run": _mb(here / ".friches")}
    (told,) = out.rglob("manifest.json")
    return Run(*taken, json.loads(told.read_text("utf-8"))["seconds"], sizes)


def _watched(words: list[str], said: Path) -> tuple[float, float, float, float]:
    """Run a command; return seconds, seconds of all cores, most memory (MB) and when."""
    began = time.perf_counter()
    peak_mb = peak_at_s = 0.0
    with said.open("wb") as log:
        process = subprocess.Popen(words, stdout=log, stderr=log)
    top = psutil.Process(process.pid)
    while True:
        done, status, used = os.wait4(process.pid, os.WNOHANG)
        if done:
            break
        held, at_s = tree_mb(top), time.perf_counter() - began
        if held > peak_mb:
            peak_mb, peak_at_s = held, at_s
        time.sleep(LOOK_EVERY_S)
    seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        tail = said.read_text("utf-8", "replace")[-2000:]
        raise RuntimeError(f"{' '.join(words[1:])}: {process.returncode}\n{tail}")
    return seconds, used.ru_utime + used.ru_stime, peak_mb, peak_at_s


def _sizes(out: Path) -> dict[str, float]:
    return {path.name: _mb(path) for path in sorted(out.iterdir())}


def _mb(path: Path) -> float:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(one.stat().st_size for one in files if one.is_file()) / 1e6


def told(run: Run) -> str:
    """Return the run as a table of Markdown: stages, what they leave out, memory, sizes."""
    stages = {name: took for name, took in run.stages.items() if name != "total"}
    rest = run.seconds - sum(stages.values())
    rows = [(f"stage {name}", f"{took:.1f}", "s") for name, took in stages.items()]
    rows += [
        ("start of Python, and writing outputs", f"{rest:.1f}", "s"),
        ("**whole run**", f"{run.seconds:.1f}", "s"),
        ("of all cores", f"{run.all_cores_s:.1f}", "s"),
        (f"**most memory, all processes** (at {run.peak_at_s:.0f} s)", f"{run.peak_mb:.0f}", "MB"),
    ]
    rows += [(name, f"{size:.1f}", "MB") for name, size in run.sizes.items()]
    return markdown(("`friches run`", "", "unit"), rows)


def main() -> None:
    """Run, and print the table."""
    say = argparse.ArgumentParser(prog="python -m benchmarks.territory_run", description=__doc__)
    say.add_argument("folder", type=Path, help="with study.toml")
    say.add_argument("--workers", type=int, help="given to `friches run`")
    say.add_argument("--out", type=Path, help="of the outputs (a temporary folder)")
    options = say.parse_args()
    with tempfile.TemporaryDirectory() as spare:
        run = territory_run(options.folder, options.out or Path(spare) / "out", options.workers)
    with_workers = "" if options.workers is None else f", {options.workers} workers"
    day = dt.datetime.now(tz=dt.UTC).date()
    print(f"{day}, {options.folder.resolve().name}{with_workers}. {machine()}.\n")
    print(told(run))


if __name__ == "__main__":
    main()

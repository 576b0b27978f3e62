"""How times grow with the number of parcels, and the whole `friches run` at a small size."""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.engine_process import measured, timed
from benchmarks.engine_report import markdown

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.engine_process import Took

STEPS = {
    "overlay": "areas, core step",
    "zonal": "rasters, core step",
    "stage": "area stage: all facts of all layers",
}
ONCE = ("stage",)
"""Long enough to be timed once."""


def exponent(sizes: Sequence[int], seconds: Sequence[float]) -> float:
    """Return k of the time = c n^k that fits best (least squares of logarithms)."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def growth(sizes: Sequence[int], rounds: int, place: Callable[[int], Path]) -> str:
    """Time our kernels and the area stage at several sizes; return a table with the exponents.

    Parameters
    ----------
    sizes : sequence of int
        Parcels.
    rounds : int
        The least time of these is kept: what else the machine does only ever adds.
    place : callable
        From a size to the folder of its territory.
    """
    took = [_took(place(size), rounds) for size in sizes]
    head = ["", *(f"{size:,} parcels" for size in sizes), "exponent"]
    rows = []
    for kind, label in STEPS.items():
        all_rounds = [one[kind] for one in took]
        for name, what in (("core_s", "s"), ("core_cpu_s", "s of all cores")):
            least = [min(getattr(one, name) for one in said) for said in all_rounds]
            rows.append(_row(f"{label}, {what}", least, sizes))
        memory = [max(one.memory_mb for one in said) for said in all_rounds]
        rows.append([f"{label}, memory of the process, MB", *(f"{one:.0f}" for one in memory), ""])
    whole = [min(one.whole_s for one in said["overlay"]) for said in took]
    rows.append(_row("areas, whole process, s", whole, sizes))
    return markdown(head, rows)


def _took(land: Path, rounds: int) -> dict[str, list[Took]]:
    found = {}
    for kind in STEPS:
        times = 1 if kind in ONCE else rounds
        print(f"  growth: {kind}, {land.name}", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory() as spare:
            answer = Path(spare) / "answer.npz"
            found[kind] = [measured(kind, "friches", land, answer) for _ in range(times)]
    return found


def _row(label: str, seconds: Sequence[float], sizes: Sequence[int]) -> list[str]:
    return [label, *(f"{one:.3g}" for one in seconds), f"{exponent(sizes, seconds):.2f}"]


def whole_run(land: Path) -> str:
    """Time `friches run` from files to outputs: first, again, and with another reach."""
    with tempfile.TemporaryDirectory() as spare:
        study = Path(spare) / "study"
        shutil.copytree(land / "study", study, ignore=shutil.ignore_patterns(".friches"))
        path = study / "study.toml"
        rows = [_run("first run", path)]
        rows.append(_run("again, nothing changed", path))
        text, many = re.subn(r"(minutes_to_farm\s*=\s*)\d+", r"\g<1>15", path.read_text("utf-8"))
        assert many == 1
        path.write_text(text, "utf-8")
        rows.append(_run("farms within 15 min instead of 20", path))
    return markdown(("`friches run`", "seconds", "all cores, s", "memory, MB"), rows)


def _run(label: str, study: Path) -> tuple[str, ...]:
    out = study.parent.parent / "out"
    command = [sys.executable, "-m", "friches.cli", "run", study, "--out", out, "--quiet"]
    seconds, all_cores_s, memory_mb = timed(command, several=True)
    assert (out / "summary.json").is_file()
    return label, f"{seconds:.1f}", f"{all_cores_s:.1f}", f"{memory_mb:.0f}"

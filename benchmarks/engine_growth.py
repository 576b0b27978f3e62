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

STEPS = {"overlay": "overlay, core step", "zonal": "zonal, core step"}


def exponent(sizes: Sequence[int], seconds: Sequence[float]) -> float:
    """Return k of the time = c n^k that fits best (least squares of logarithms)."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def growth(sizes: Sequence[int], rounds: int, place: Callable[[int], Path]) -> str:
    """Time our kernels at several sizes; return a table with the exponents.

    Parameters
    ----------
    sizes : sequence of int
        Parcels.
    rounds : int
        The least time of these is kept: what else the machine does only ever adds.
    place : callable
        From a size to the folder of its territory.
    """
    least: dict[str, list[float]] = {name: [] for name in (*STEPS, "process")}
    memory = []
    for size in sizes:
        land = place(size)
        with tempfile.TemporaryDirectory() as spare:
            answer = Path(spare) / "answer.npz"
            took = {
                kind: [measured(kind, "friches", land, answer) for _ in range(rounds)]
                for kind in STEPS
            }
        for kind, all_rounds in took.items():
            least[kind].append(min(one.core_s for one in all_rounds))
        least["process"].append(min(one.whole_s for one in took["overlay"]))
        memory.append(max(one.memory_mb for one in took["overlay"]))
    head = ["step, s", *(f"{size:,} parcels" for size in sizes), "exponent"]
    labels = STEPS | {"process": "overlay, whole process"}
    rows = [
        [labels[name], *(f"{one:.3g}" for one in said), f"{exponent(sizes, said):.2f}"]
        for name, said in least.items()
    ]
    rows.append(["memory of the overlay, MB", *(f"{one:.0f}" for one in memory), ""])
    return markdown(head, rows)


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

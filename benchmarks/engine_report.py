"""What the benchmark found, as tables of Markdown: printed, and kept in results.md."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.engine_process import Took

HEAD = """# The engine beside its peers

Written by `python -m benchmarks.engine` (see README.md beside this file). Each part says when, by
what command and on what it was measured; a part run alone takes the place of its own section."""
PACKAGES = (
    "numpy", "numba", "scipy", "shapely", "geopandas", "pyarrow", "rasterio", "duckdb",
    "duckdb-extension-spatial", "sedonadb", "polars", "polars-st", "exactextract", "rasterstats",
    "networkx",
)  # fmt: skip


class Line(NamedTuple):
    """One method: every round, the largest difference from ours, the share of the rows it took."""

    label: str
    rounds: list[Took]
    gap: str
    part: float = 1.0


def lines_table(lines: Sequence[Line]) -> str:
    """Return a table of methods, ours first; a ratio above 1 is how many times ours is better.

    Times are the medians of the rounds, then the least and the most. The core step of a method that
    took a part of the rows is scaled to all of them; its whole process and memory are not.
    """
    head = (
        "method", "core step, s", "ratio", "of all cores, s", "ratio", "whole process, s", "ratio",
        "of all cores, s", "memory, MB", "ratio", "largest difference",
    )  # fmt: skip
    ours = lines[0]
    core, core_cpu, whole, memory = (
        _middle(ours, name) for name in ("core_s", "core_cpu_s", "whole_s", "memory_mb")
    )
    rows = []
    for line in lines:
        scaled = [took.core_s / line.part for took in line.rounds]
        all_cores = _middle(line, "core_cpu_s") / line.part
        entire = line.part == 1.0
        rows.append(
            (
                line.label,
                _spread(scaled) + ("" if entire else " (scaled)"),
                f"{np.median(scaled) / core:.1f}",
                f"{all_cores:.3g}" if np.isfinite(all_cores) else "",
                f"{all_cores / core_cpu:.1f}" if np.isfinite(all_cores) else "",
                _spread([took.whole_s for took in line.rounds]),
                f"{_middle(line, 'whole_s') / whole:.1f}" if entire else "",
                f"{_middle(line, 'cpu_s'):.1f}",
                f"{_middle(line, 'memory_mb'):.0f}",
                f"{_middle(line, 'memory_mb') / memory:.2f}" if entire else "",
                line.gap,
            )
        )
    return markdown(head, rows)


def markdown(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Return a table of Markdown; all but the first column are numbers, to the right."""
    rule = ["---", *["--:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in (head, rule, *rows))


def merged(text: str, section: str, order: Sequence[str]) -> str:
    """Return a report in which one section is put, or put anew; the others stay as they are.

    Parameters
    ----------
    text : str
        The report so far, perhaps empty.
    section : str
        Its first line is its title.
    order : sequence of str
        Every title, in the order of the report.
    """
    parts = {one.partition("\n")[0]: one.strip() for one in text.split("\n## ")[1:]}
    parts[section.partition("\n")[0]] = section.strip()
    kept = [parts[title] for title in order if title in parts]
    return "\n\n## ".join([HEAD, *kept]) + "\n"


def _middle(line: Line, name: str) -> float:
    return float(np.median([getattr(took, name) for took in line.rounds]))


def _spread(seconds: Sequence[float]) -> str:
    middle = f"{np.median(seconds):.3g}"
    return middle if len(seconds) < 2 else f"{middle} ({min(seconds):.3g}–{max(seconds):.3g})"


def machine() -> str:
    """Return processor, cores, memory and systems."""
    name = "unknown processor"
    listed = Path("/proc/cpuinfo")
    if listed.is_file():
        said = [one for one in listed.read_text("utf-8").splitlines() if one.startswith("model na")]
        name = said[0].partition(":")[2].strip() if said else name
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    system = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    return f"{name}, {os.cpu_count()} cores, {memory:.0f} GiB, {system}"


def versions() -> str:
    """Return the versions of the packages that are installed."""
    found = []
    for name in PACKAGES:
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return ", ".join(found)

"""Every sheet and dossier of a territory, in HTML then in PDF: seconds, megabytes, pages.

    python -m benchmarks.sheets [blocks]

Fictitious land (2,500 parcels, seed 1, all layers); the blocks are repeated under new ids where
the territory has fewer than asked. Prints what each kind of file takes, the most memory of this
process and of one printing worker, and how many pages the sheets have by number of parcels.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

import friches
from friches.sample import make
from friches.view.sheets import write_sheets

BLOCKS = 180
PARCELS = 2_500
SEED = 1
PRINT = """
import datetime, resource, sys
from pathlib import Path
from friches.view.pdf import print_pages
print_pages([Path(name) for name in sys.argv[2:]], datetime.date.fromisoformat(sys.argv[1]))
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)
"""
OF_BLOCK = ("blocks", "members", "reach", "meals", "matches", "routes", "steps")


def repeated(result: Any, blocks: int) -> Any:
    """Return a result of so many blocks: the first ones, then the same under other ids."""
    ids = list(result.blocks.sort_values("rank")["block_id"])
    named = {f"B{n + 1:03d}": ids[n % len(ids)] for n in range(blocks)}
    copies = pd.DataFrame({"copy": list(named), "block_id": list(named.values())})
    made = {}
    for name in OF_BLOCK:
        table = getattr(result, name).merge(copies, on="block_id")
        table = table.drop(columns="block_id").rename(columns={"copy": "block_id"})
        made[name] = table
    made["blocks"]["rank"] = range(1, blocks + 1)
    return replace(result, **made)


def megabytes() -> float:
    """Return the most memory held so far by this process (MB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def timed(what: str, files: list[Path], day: Any) -> None:
    """Print some pages as PDF and say what it took.

    A process of its own starts the workers: a worker's memory is counted from the one it left.
    """
    start = time.perf_counter()
    here = os.environ | {"PYTHONPATH": str(Path.cwd())}
    said = subprocess.run(
        [sys.executable, "-c", PRINT, day.isoformat(), *map(str, files)],
        check=True, capture_output=True, text=True, env=here,
    )  # fmt: skip
    took = time.perf_counter() - start
    spent, held = said.stdout.split()
    size = sum(path.with_suffix(".pdf").stat().st_size for path in files) / 1024**2
    print(
        f"PDF, {what}: {len(files)} files, {took:.0f} s ({float(spent):.0f} s of processor), "
        f"{size:.1f} MB, one worker {float(held):.0f} MB",
        flush=True,
    )


def main(blocks: int = BLOCKS) -> None:
    """Make a territory, write its sheets and print them."""
    import pypdf

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        make(folder / "land", PARCELS, seed=SEED)
        study = friches.open(folder / "land" / "study.toml")
        result = repeated(friches.run(study, keep_in=folder / "kept"), blocks)
        start = time.perf_counter()
        pages = write_sheets(result, folder / "sheets")
        print(
            f"HTML: {len(pages)} files of {blocks} blocks, {time.perf_counter() - start:.0f} s, "
            f"{sum(p.stat().st_size for p in pages) / 1024**2:.1f} MB, "
            f"this process {megabytes():.0f} MB",
            flush=True,
        )
        whole = [path for path in pages if path.stem.endswith("-dossier")]
        sheets = [path for path in pages if path not in whole]
        timed("sheets", sheets, study.study.day)
        sizes = result.blocks.set_index("block_id")["n_parcels"]
        found = Counter(
            (len(pypdf.PdfReader(p.with_suffix(".pdf")).pages), bool(sizes[p.stem] > 12))
            for p in sheets
        )
        for (count, many), times in sorted(found.items()):
            print(
                f"  {times} sheets of {count} pages, {'over 12' if many else '12 or fewer'} parcels"
            )
        timed("dossiers", whole, study.study.day)


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:]))

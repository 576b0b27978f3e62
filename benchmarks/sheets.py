"""Every sheet and dossier of a territory, in HTML then in PDF: seconds, megabytes, pages.

    python -m benchmarks.sheets [blocks]

Fictitious land (2,500 parcels, seed 1, all layers); the blocks are repeated under new ids where
the territory has fewer than asked. Prints what each kind of file takes, the most memory of this
process and of one printing worker, and how many pages the sheets have by number of parcels.
"""

from __future__ import annotations

import resource
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
from friches.view.pdf import print_pages
from friches.view.sheets import write_sheets

BLOCKS = 180
PARCELS = 2_500
SEED = 1
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


def megabytes(who: int) -> float:
    """Return the most memory held so far (MB) by this process or by any worker it waited for."""
    return resource.getrusage(who).ru_maxrss / 1024


def timed(what: str, files: list[Path], day: Any) -> None:
    """Print some pages as PDF and say what it took."""
    start = time.perf_counter()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    printed = print_pages(files, day)
    took = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    size = sum(path.stat().st_size for path in printed) / 1024**2
    print(
        f"PDF, {what}: {len(printed)} files, {took:.0f} s ({spent:.0f} s of processor), "
        f"{size:.1f} MB, one worker {megabytes(resource.RUSAGE_CHILDREN):.0f} MB"
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
            f"this process {megabytes(resource.RUSAGE_SELF):.0f} MB"
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

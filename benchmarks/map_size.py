"""The map of a large territory: how long to write, how heavy, how smooth in a browser.

    python -m benchmarks.map_size [parcels ...]     (5,000 and 20,000 by default)

Each territory is fictitious (seeded), run as any study, then every parcel is made a candidate with
the texts of one: the most a page can have to tell. In Chromium, from disk: time to load; a filter
changed, twenty pans and ten zooms, each timed from the call to the second frame after it.
The target (issue 3): under 5 MB, and filter, pan and zoom in 100 ms or less, with 20,000 candidate
parcels.
"""

from __future__ import annotations

import itertools
import json
import shutil
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from playwright.sync_api import sync_playwright

import friches
from friches.sample import make
from friches.view import compact, popups
from friches.view.audience import visible
from friches.view.map import MOST_TOLD, island, write_map
from friches.view.rows import first_blocks

if TYPE_CHECKING:
    from friches.result import Result

SIZES = (5_000, 20_000)
SEED = 4
ARGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
ACTS = {
    "filtre": """() => { const box = document.getElementById('f-reponse');
        box.value = box.value ? '' : 'yes'; box.dispatchEvent(new Event('change')); }""",
    "déplacement": "() => document.querySelectorAll('.pan button')[3].click()",
    "retour": "() => document.querySelectorAll('.pan button')[1].click()",
    "zoom": "() => document.querySelector('.leaflet-control-zoom-in').click()",
    "dézoom": "() => document.querySelector('.leaflet-control-zoom-out').click()",
}


def candidates(result: Result) -> Result:
    """Return the result with every parcel a candidate, its texts those of a real one."""
    fallow = result.fallow.copy()
    likely = fallow[fallow["answer"].fillna(value=True).astype(bool)]
    taken = np.resize(np.arange(len(likely)), len(fallow))
    for column in ("answer", "stage", "share_known", "reasons", "against", "to_ask"):
        fallow[column] = likely[column].to_numpy()[taken]
        fallow[column] = fallow[column].astype(likely[column].dtype)
    return replace(result, fallow=fallow)


def parts(result: Result) -> dict[str, float]:
    """Return the weight of each part of the page's data, MB."""
    shown = visible(first_blocks(result, MOST_TOLD))
    told = island(shown, popups.blocks(shown), base_maps=False)
    told |= {f"parcels.{name}": part for name, part in told.pop("parcels").items()}
    size = {name: len(json.dumps(part, separators=(",", ":"))) / 1e6 for name, part in told.items()}
    return {name: mb for name, mb in sorted(size.items(), key=lambda kept: -kept[1]) if mb >= 0.05}


def driven(path: Path, chromium: str) -> dict[str, Any]:
    """Open the page and work it; return milliseconds: load, then median and worst of each act."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=ARGS)
        page = browser.new_context(
            viewport={"width": 1400, "height": 900}, offline=True, reduced_motion="reduce"
        ).new_page()
        page.set_default_timeout(120_000)
        page.goto(path.as_uri())
        load = page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd")
        heap = page.evaluate("performance.memory ? performance.memory.usedJSHeapSize / 1e6 : 0")
        took: dict[str, list[float]] = {name: [] for name in ACTS}
        for turn, name in itertools.product(range(10), ACTS):
            del turn
            took[name].append(
                page.evaluate(
                    f"async () => {{ const t = performance.now(); ({ACTS[name]})();"
                    " await new Promise((d) => requestAnimationFrame("
                    "() => requestAnimationFrame(d)));"
                    " return performance.now() - t; }"
                )
            )
        browser.close()
    told = {name: (float(np.median(ms)), max(ms)) for name, ms in took.items()}
    return {"load": load, "heap": heap} | told


def measured(parcels: int, chromium: str) -> None:
    """Make, run, write and drive one territory; print what it took."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder, parcels, seed=SEED)
        result = candidates(friches.run(friches.open(folder / "study.toml"), keep_in=folder / "k"))
        started = time.perf_counter()
        path = write_map(result, folder / "map.html")
        took = time.perf_counter() - started
        drawn = len(compact.drawn(first_blocks(result, MOST_TOLD)))
        print(f"{parcels} parcelles candidates, {len(result.blocks)} îlots, {drawn} dessinées")
        print(f"  écrite en {took:.1f} s, {path.stat().st_size / 1e6:.2f} Mo")
        print("  " + ", ".join(f"{part} {mb:.2f}" for part, mb in parts(result).items()))
        for act, ms in driven(path, chromium).items():
            said = f"{ms[0]:.0f} ms, au pire {ms[1]:.0f}" if isinstance(ms, tuple) else f"{ms:.0f}"
            print(f"  {act} : {said}")


def main() -> None:
    """Measure each size named on the command line."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if not chromium:
        sys.exit("installer Chromium (paquet Debian : chromium)")
    for parcels in [int(said) for said in sys.argv[1:]] or SIZES:
        measured(parcels, chromium)


if __name__ == "__main__":
    main()

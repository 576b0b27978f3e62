"""The area stage of a territory: every overlay of its vector layers, from kept files to shares.

    python -m benchmarks.area_stage FOLDER [--workers N]

FOLDER is one of `friches sample`. Its layers are read and kept first (not timed here). Then, part
by part as in a run: parcels and the layers near them are read from GeoParquet, and all that is
asked of declared fields (every campaign), forest, buildings, zoning and perimeters is measured.
Target: 1.2 million parcels x 6 campaigns x static layers in under 60 s and 3 GB on 2 cores.
"""

from __future__ import annotations

import argparse
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import psutil

import friches
from benchmarks.engine_process import tree_mb
from friches import keep
from friches.crew import crew
from friches.layers import shelve_layers
from friches.measures.declared import declared_facts
from friches.measuring import around
from friches.parts import Part
from friches.sources import shelf
from friches.sources.read import WHOLE, layer_keys
from friches.spatial.overlay import met

if TYPE_CHECKING:
    from collections.abc import Mapping

CLASSES = {
    "forest": ["stand"], "buildings": [], "zoning": ["zone"], "constraints": ["kind"],
}  # fmt: skip


def measured(kept: Mapping[str, Path], part: Part) -> int:
    """Measure the areas of one part; return how many shares were found."""
    parcels = shelf.rows(kept["parcels"], *part)
    found = 0
    if "declared_fields" in kept:
        fields, _ = around(kept["declared_fields"], parcels, 1.0)
        found += declared_facts(parcels, fields).size
    for layer, by in CLASSES.items():
        if layer in kept:
            near, _ = around(kept[layer], parcels, 1.0)
            found += len(met(parcels, near, [(np.ones(len(near), bool), by)])[0].share)
    return found


class Memory(threading.Thread):
    """Looks twice a second at the memory of this process and its children (MB)."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.most, self.over = 0.0, False

    def run(self) -> None:
        """Look until told that it is over."""
        while not self.over:
            self.most = max(self.most, tree_mb(psutil.Process()))
            time.sleep(0.5)


def main() -> None:
    """Measure and print."""
    said = argparse.ArgumentParser(description=__doc__)
    said.add_argument("folder", type=Path)
    said.add_argument("--workers", type=int, default=0)
    asked = said.parse_args()
    study = friches.open(next(asked.folder.glob("*.toml")))
    kept = shelve_layers(study, asked.folder / ".friches", layer_keys(study), map)
    parts = [Part(*rows) for rows in keep.read_attrs(kept["parcels"])[WHOLE]["parts"]]
    watch = Memory()
    watch.start()
    with crew(asked.workers) as mapped:
        list(mapped(measured, [dict(kept)], parts[-1:]))  # compiled code is fetched from disk
        started = time.perf_counter()
        counts = list(mapped(measured, [dict(kept)] * len(parts), parts))
        spent = time.perf_counter() - started
    watch.over = True
    parcels = parts[-1].stop
    print(f"{parcels} parcelles, {len(parts)} parties, {int(np.sum(counts))} valeurs")
    print(f"{spent:.1f} s, {spent / parcels * 1e6:.1f} s par million, {watch.most / 1000:.2f} Go")


if __name__ == "__main__":
    main()

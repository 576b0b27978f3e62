"""The area stage: every fact of every parcel, measured on all layers of a study.

Layers are read and checked before the core step, which is `friches.facts.measure` alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import friches
from benchmarks.engine_process import Method
from friches.facts import measure
from friches.sources.read import read_layers

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.engine_process import Answer, Core

WARM = 64
"""Rows of each layer on which compiled code is fetched from disk before the core step."""


def load(land: Path) -> Core:
    """Read every layer of the territory's study."""
    layers = read_layers(friches.open(land / "study" / "study.toml"))
    measure({name: table.iloc[:WARM] for name, table in layers.items()})

    def core() -> Answer:
        facts = measure(layers)
        return {"rows": np.array(len(facts)), "known": facts.notna().sum().to_numpy()}

    return core


METHODS = {"friches": Method("friches, facts", load, ("numba",))}

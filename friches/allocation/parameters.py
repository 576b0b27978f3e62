"""The parameters of an allocation: hub.toml, spread.toml, solver.toml, with their marks."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Any, NamedTuple


class Parameters(NamedTuple):
    """Values read from the three files; units are there."""

    canteen_share: float
    draws: int
    seed: int
    low: float
    high: float
    slack: float
    exact_pairs: int
    exact_flows: int
    flows: int
    rounds: int
    travel: float
    least: float
    nodes: int
    fair_rounds: int
    preference: float
    land: float
    closed: float


@cache
def parameters() -> Parameters:
    """Return the parameters."""
    hub, spread, solver = (_read(name) for name in ("hub", "spread", "solver"))
    told = {name: node["value"] for name, node in solver.items()}
    return Parameters(
        canteen_share=hub["canteen_share"]["value"],
        draws=spread["draws"]["value"],
        seed=spread["seed"]["value"],
        low=spread["quantiles"]["low"],
        high=spread["quantiles"]["high"],
        **told,
    )


def _read(name: str) -> dict[str, Any]:
    text = (resources.files("friches.allocation") / f"{name}.toml").read_text("utf-8")
    return tomllib.loads(text)

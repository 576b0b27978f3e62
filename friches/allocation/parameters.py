"""The parameters of an allocation (hub.toml, spread.toml, solver.toml), each with its mark there."""

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
    return Parameters(
        hub["canteen_share"]["value"],
        spread["draws"]["value"],
        spread["seed"]["value"],
        spread["quantiles"]["low"],
        spread["quantiles"]["high"],
        *(
            solver[name]["value"]
            for name in (
                "slack",
                "exact_pairs",
                "exact_flows",
                "flows",
                "rounds",
                "travel",
                "least",
                "nodes",
                "fair_rounds",
                "preference",
            )  # fmt: skip
        ),
        land=solver["land"]["value"],
        closed=solver["closed"]["value"],
    )


def _read(name: str) -> dict[str, Any]:
    text = (resources.files("friches.allocation") / f"{name}.toml").read_text("utf-8")
    return tomllib.loads(text)

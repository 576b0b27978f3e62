"""Parameters of the measures, each with its unit, reason and mark (parameters.toml)."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Any


@cache
def parameters() -> dict[str, dict[str, Any]]:
    """Return every parameter: value, unit, source, mark."""
    text = (resources.files("friches.measures") / "parameters.toml").read_text("utf-8")
    return tomllib.loads(text)


def value(name: str) -> Any:
    """Return the value of one parameter."""
    return parameters()[name]["value"]

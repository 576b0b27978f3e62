"""PARCEL's reckoning made again from its printed consumption: areas by family and diet."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Any


@cache
def said() -> dict[str, Any]:
    """Return friches/food/consumption.toml."""
    text = (resources.files("friches") / "food" / "consumption.toml").read_text("utf-8")
    return tomllib.loads(text)


def families() -> list[str]:
    """Return the families of products, in order."""
    return list(said()["published_kha"])


def people() -> float:
    """Return the inhabitants PARCEL fed."""
    return float(said()["population"]["value"])


def own_kha(family: str) -> float:
    """Return the conventional area of a family (kha) from the yields that were read alone."""
    kg = (p for p in said()["product"] if p["family"] == family and "t_ha" in p)
    return float(sum(p["kg"] / p["t_ha"] for p in kg)) / 1000 * people() / 1000


def area_kha(family: str, *, organic: bool = False, diet: str = "actuel") -> float:
    """Return the area of a family (kha), its conventional total being the published one.

    Products share the published total by their own area; those without a yield share what is
    left by mass. Organic divides each by PARCEL's ratio, a diet multiplies it.
    """
    factors = next(d["factor"] for d in said()["diet"] if d["name"] == diet)
    total = 0.0
    for product, kha in _shares(family):
        ratio = product["organic_ratio"] if organic else 1.0
        total += kha / ratio * factors.get(product["diet"], 1.0)
    return total


def _shares(family: str) -> list[tuple[dict[str, Any], float]]:
    products = [p for p in said()["product"] if p["family"] == family]
    whole = float(said()["published_kha"][family])
    known = [p for p in products if "t_ha" in p]
    blank = [p for p in products if "t_ha" not in p]
    each = {p["name"]: p["kg"] / p["t_ha"] * people() / 1e6 for p in known}
    if blank:
        rest = (whole - sum(each.values())) / sum(p["kg"] for p in blank)
        each |= {p["name"]: p["kg"] * rest for p in blank}
    scale = whole / sum(each.values())
    return [(p, each[p["name"]] * scale) for p in products]

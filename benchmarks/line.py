"""One comparison of the model with a published figure."""

from __future__ import annotations

from typing import NamedTuple

from friches.food.crops import Bounds


class Line(NamedTuple):
    """One comparison: what, published, model, how they are compared, the reason or a remark."""

    what: str
    published: float
    unit: str
    model: Bounds | None
    tolerance: float = 0.0
    test: str = ""
    why: str = ""


def one(value: float) -> Bounds:
    return Bounds(value, value, value)

"""The first years of a crop on reopened land, clearing and organic conversion included."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib import resources
from typing import Annotated, Self

from pydantic import Field, model_validator

from friches.errors import Breach, InputError, refuse
from friches.food.crops import Bounds, Crop, Mark, Strict, crop, document

Share = Annotated[float, Field(ge=0, le=1)]
Three = tuple[Share, Share, Share]


class Curve(Strict):
    """Shares of the cruise yield, year by year: low, central, high; the last one holds beyond."""

    years: list[Three] = Field(min_length=1)
    mark: Mark
    source: str = Field(min_length=1)

    @model_validator(mode="after")
    def _rising(self) -> Self:
        for one in self.years:
            if not one[0] <= one[1] <= one[2]:
                raise ValueError("low, central, high doivent être croissants")
        for before, after in zip(self.years, self.years[1:], strict=False):
            if any(b > a for b, a in zip(before, after, strict=True)):
                raise ValueError("une année ne donne pas moins que la précédente")
        return self

    def at(self, year: int, end: int) -> float:
        """Return the share of one year (1 the first one; before it, nothing)."""
        return 0.0 if year < 1 else self.years[min(year, len(self.years)) - 1][end]


class Delay(Strict):
    """Years before a curve begins, by stage: at the earliest, central, at the latest."""

    mark: Mark
    source: str
    central_when_unknown: str
    stages: dict[str, tuple[int, int, int]]

    def of(self, stage: str | None) -> tuple[int, int, int]:
        """Return the delays of a stage; unknown: from the shortest to the longest of all."""
        if stage is not None:
            return self.stages[stage]
        earliest = min(one[0] for one in self.stages.values())
        latest = max(one[2] for one in self.stages.values())
        return earliest, self.stages[self.central_when_unknown][1], latest


class Ramp(Strict):
    """The whole of ramp.toml."""

    annual: Curve
    planted: Curve
    renewed: Curve
    delay: Delay
    standing: dict[str, list[str]]


@cache
def ramps() -> Ramp:
    """Return ramp.toml, checked."""
    found: Ramp = document("ramp.toml", Ramp)
    return found


@cache
def conversion_months(life: str) -> Bounds:
    """Return the months of conversion of annual or perennial crops (scenarios/field.toml)."""
    text = (resources.files("friches") / "scenarios" / "field.toml").read_text("utf-8")
    said = tomllib.loads(text)["conversion"][life]
    low, central, high = (_months(said[end]) for end in ("low", "central", "high"))
    return Bounds(low, central, high)


def _months(duration: str) -> float:
    found = re.fullmatch(r"(\d+) (day|month)s?", duration)
    if not found:
        raise refuse(f"durée « {duration} » illisible", "friches/scenarios/field.toml")
    return int(found[1]) / (30.4375 if found[2] == "day" else 1)


def ramp(
    years_since_opening: int,
    stage: str | None,
    name: str | None = None,
    *,
    recognised: bool | None = None,
) -> Bounds:
    """Return the share of the cruise harvest sold as organic in one year after the land is free.

    Parameters
    ----------
    years_since_opening : int
        1 for the first twelve months after the land is free; 0 gives nothing.
    stage : str or None
        One of the ten stages of the fallow; None where unknown: from the quickest to the
        slowest.
    name : str, optional
        A crop: orchards to plant or to renew have curves of their own. By default an annual.
    recognised : bool, optional
        Whether the untreated years are recognised in place of conversion; where unknown, the
        high end supposes that they are, low and central wait for the whole.

    Returns
    -------
    Bounds
        low, central, high (0 to 1). Never falls from one year to the next.

    Raises
    ------
    InputError
        Negative years; unknown stage or crop.
    """
    said = ramps()
    breaches = []
    if years_since_opening < 0:
        what = f"année {years_since_opening:g} depuis l'ouverture"
        breaches.append(Breach(what, "", "donner 0 ou plus"))
    if stage is not None and stage not in said.delay.stages:
        known = ", ".join(said.delay.stages)
        breaches.append(Breach(f"stade « {stage} » inconnu", "", f"choisir parmi : {known}"))
    if breaches:
        raise InputError(breaches)
    grown = None if name is None else crop(name)
    curve, delay = _curve(grown, stage), said.delay.of(stage)
    whole = conversion_months("perennial" if grown and grown.kind == "tree" else "annual")
    waits = {True: (0.0, 0.0, 0.0), False: (whole.central,) * 3}.get(
        recognised,  # type: ignore[arg-type]
        (whole.high, whole.central, whole.low),
    )
    late = (delay[2], delay[1], delay[0])
    low, central, high = (
        curve.at(years_since_opening - late[end], end)
        if 12 * (years_since_opening - 1) >= waits[end]
        else 0.0
        for end in range(3)
    )
    return Bounds(low, central, high)


def _curve(grown: Crop | None, stage: str | None) -> Curve:
    said = ramps()
    if grown is None or grown.kind != "tree":
        return said.annual
    standing = grown.needs_past or grown.name in said.standing.get(stage or "", [])
    return said.renewed if standing else said.planted

"""What the EGalim law asks of canteens, by date and territory."""

from __future__ import annotations

import datetime as dt  # noqa: TC003 -- pydantic reads it at run time
from functools import cache
from itertools import pairwise
from typing import Literal, Self

from pydantic import Field, model_validator

from friches.food.crops import Mark, Strict, document


class Territory(Strict):
    """A territory and how its commune codes begin; none for the mainland."""

    name: str
    label: str
    prefixes: list[str]


class Measure(Strict):
    """One share that the law looks at: of which food groups, and where it is declared."""

    name: str
    label: str
    groups: list[str]
    share_column: str


class Threshold(Strict):
    """One threshold, from a day and until another (both included)."""

    territory: str
    measure: str
    share: float = Field(ge=0, le=1)
    since: dt.date = Field(alias="from")
    until: dt.date | None = None
    owners: Literal["all", "public"] = "all"
    mark: Mark
    source: str = Field(min_length=1)


class Egalim(Strict):
    """The whole of egalim.toml."""

    territory: list[Territory]
    measure: list[Measure]
    threshold: list[Threshold]

    @model_validator(mode="after")
    def _one_at_a_time(self) -> Self:
        periods: dict[tuple[str, str], list[Threshold]] = {}
        for one in self.threshold:
            periods.setdefault((one.territory, one.measure), []).append(one)
        for (where, what), held in periods.items():
            for before, after in pairwise(sorted(held, key=lambda one: one.since)):
                if before.until is None or before.until >= after.since:
                    raise ValueError(f"deux seuils « {what} » à la fois pour « {where} »")
        return self


@cache
def egalim_law() -> Egalim:
    """Return egalim.toml, checked."""
    found: Egalim = document("egalim.toml", Egalim)
    return found


def territory(insee: str) -> Territory:
    """Return the territory of a commune (INSEE code); the mainland where no code begins so."""
    said = egalim_law().territory
    mainland = next(one for one in said if not one.prefixes)
    return next((one for one in said if insee[:3] in one.prefixes), mainland)


def thresholds(day: dt.date, insee: str) -> list[tuple[Measure, Threshold]]:
    """Return the thresholds in force on a day in a commune, in the order of the measures."""
    said, where = egalim_law(), territory(insee).name
    held = {
        one.measure: one
        for one in said.threshold
        if one.territory == where and one.since <= day and (one.until is None or day <= one.until)
    }
    return [(measure, held[measure.name]) for measure in said.measure if measure.name in held]

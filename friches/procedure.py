"""What a legal document says beyond its conditions: steps, delays, forks and costs."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

DURATION = re.compile(r"(\d+) (day|week|month|year)s?")
DAYS = {"day": 1, "week": 7, "month": 30, "year": 365}  # to order durations, never to date a step


class Strictly(BaseModel):
    """A table of the grammar: no other key than those named, and nothing changes once read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _duration(value: str) -> str:
    if not DURATION.fullmatch(value):
        raise ValueError(f"« {value} » n'est pas une durée comme « 2 months » ou « 15 days »")
    return value


Duration = Annotated[str, AfterValidator(_duration)]


def _days(value: str) -> int:
    count, unit = value.rstrip("s").split(" ")
    return int(count) * DAYS[unit]


class Practice(Strictly):
    """How long a step takes in practice, with the source of the three durations."""

    low: Duration
    central: Duration
    high: Duration
    source: str = Field(min_length=1)
    mark: str = ""

    @model_validator(mode="after")
    def _ordered(self) -> Practice:
        if not _days(self.low) <= _days(self.central) <= _days(self.high):
            raise ValueError("durées à ranger : low ≤ central ≤ high")
        return self


class _Figures(Strictly):
    low: float = Field(ge=0)
    central: float = Field(ge=0)
    high: float = Field(ge=0)
    source: str = Field(min_length=1)
    mark: str = Field(min_length=1)

    @model_validator(mode="after")
    def _ordered(self) -> _Figures:
        if not self.low <= self.central <= self.high:
            raise ValueError("chiffres à ranger : low ≤ central ≤ high")
        return self


class Chance(_Figures):
    """The probability (0 to 1) that the branch a step opens is the one taken."""

    high: float = Field(ge=0, le=1)


class Cost(_Figures):
    """What a procedure costs: euros, or euros a hectare or a parcel, or a share of the price."""

    what: str = Field(min_length=1)
    unit: Literal["eur", "eur_per_ha", "share_of_price", "eur_per_parcel"]


class Step(Strictly):
    """One step of a procedure: who does what after what, and the delays the text sets.

    `within` is a longest delay, `at_least` a shortest, `lasts` a fixed duration. `branch` names the
    branch of a fork that the step belongs to, `chance` how likely that branch is.
    """

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    after: list[str] = []
    who: str = ""
    act: str = ""
    text: str = ""
    article: str = ""
    mark: str = ""
    within: Duration | None = None
    at_least: Duration | None = None
    lasts: Duration | None = None
    practice: Practice | None = None
    branch: str = ""
    chance: Chance | None = None
    optional: bool = False

    @model_validator(mode="after")
    def _only_a_branch_has_a_chance(self) -> Step:
        if self.chance and not self.branch:
            raise ValueError("« chance » ne va qu'à l'étape d'une branche (« branch »)")
        return self

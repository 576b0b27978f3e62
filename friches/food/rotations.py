"""How often the same land may bear the same crop, and what a rotation must hold."""

from __future__ import annotations

from functools import cache
from typing import Self

import pandas as pd
from pydantic import Field, model_validator

from friches.food.crops import Mark, Strict, crops, document


class Turn(Strict):
    """How much of a block some crops may hold, and the family they count in."""

    crops: list[str] = Field(min_length=1)
    family: str
    share_max: float = Field(gt=0, le=1)
    mark: Mark
    source: str = Field(min_length=1)


class Rule(Strict):
    """Hectares of some families, at least or at most a share of those of others."""

    name: str
    families: list[str] = Field(min_length=1)
    of: list[str] = Field(min_length=1)
    share_min: float | None = Field(default=None, gt=0, le=1)
    share_max: float | None = Field(default=None, gt=0, le=1)
    mark: Mark
    source: str = Field(min_length=1)

    @model_validator(mode="after")
    def _one_bound(self) -> Self:
        if (self.share_min is None) == (self.share_max is None):
            raise ValueError("donner share_min ou share_max")
        if not set(self.families) <= set(self.of):
            raise ValueError("les familles comptées sont parmi celles de « of »")
        return self


class Rotations(Strict):
    """The whole of rotations.toml."""

    crop: list[Turn]
    rule: list[Rule]

    @model_validator(mode="after")
    def _known(self) -> Self:
        families = {turn.family for turn in self.crop}
        strangers = {name for rule in self.rule for name in rule.of} - families
        if strangers:
            raise ValueError(f"familles inconnues : {', '.join(sorted(strangers))}")
        return self


@cache
def rotations() -> Rotations:
    """Return rotations.toml, checked."""
    found: Rotations = document("rotations.toml", Rotations)
    return found


@cache
def turns() -> dict[str, Turn]:
    """Return the turn of every crop of crops.toml."""
    found = {name: turn for turn in rotations().crop for name in turn.crops}
    return {name: found[name] for name in crops()}


def rotation_limits() -> pd.DataFrame:
    """Return how much of a block each crop may hold, on the average of the years.

    Returns
    -------
    DataFrame
        One row a crop, ordered: crop, food_group, family, share_max (0 to 1, of the hectares the
        crop can use on the block), source.
    """
    rows = [
        {
            "crop": name,
            "food_group": crops()[name].food_group,
            "family": turn.family,
            "share_max": turn.share_max,
            "source": f"{turn.source} ({turn.mark})",
        }
        for name, turn in turns().items()
    ]
    return pd.DataFrame(rows).sort_values("crop", ignore_index=True)


def rotation_rules() -> pd.DataFrame:
    """Return the rules that the crops of a block keep together, on the average of the years.

    Returns
    -------
    DataFrame
        One row a rule, in the order of rotations.toml: rule, families and of (lists of str),
        sense ("at_least" or "at_most"), share (0 to 1), source. The rule reads: hectares of
        `families` are `sense` `share` x hectares of `of`.
    """
    return pd.DataFrame(
        [
            {
                "rule": rule.name,
                "families": rule.families,
                "of": rule.of,
                "sense": "at_most" if rule.share_min is None else "at_least",
                "share": rule.share_max if rule.share_min is None else rule.share_min,
                "source": f"{rule.source} ({rule.mark})",
            }
            for rule in rotations().rule
        ]
    )

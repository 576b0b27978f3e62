"""Crops a canteen can buy: organic yields with their bounds, sources and marks."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Any, Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from friches.errors import Breach, InputError, refuse

Mark = Literal["VERIFIED", "RECALLED", "INFERENCE", "ASSUMPTION"]
Kind = Literal["garden", "tillage", "tree", "grass", "rough"]
Water = Literal["needed", "helped", "none"]


class Strict(BaseModel):
    """A node of a food document: unknown keys are refused, figures carry mark and source."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Bounds(NamedTuple):
    """Three values of one quantity."""

    low: float
    central: float
    high: float


class Ratio(Strict):
    """A bounded conversion factor."""

    low: float = Field(gt=0)
    central: float = Field(gt=0)
    high: float = Field(gt=0)
    mark: Mark
    source: str = Field(min_length=1)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.low <= self.central <= self.high:
            raise ValueError("low, central, high doivent être croissants")
        return self


class Level(Ratio):
    """A yield (kg a hectare and year) and the hectares it is counted on."""

    name: str
    label: str
    why: str = ""
    basis: Literal["estate", "cropped"]
    counts: Literal["harvest", "delivered"] = "harvest"
    unit: str


class Crop(Strict):
    """One crop: what it feeds, what it yields, where it can grow."""

    name: str
    food_group: str
    kind: Kind
    water: Water = "none"
    needs_past: list[str] = []
    min_ha: float = Field(ge=0)
    min_ha_source: str
    slope_max_pct: float | None = None
    slope_source: str = ""
    altitude_max_m: float | None = None
    altitude_source: str = ""
    words: list[str]
    limits: str = ""
    bought_per_kg: Ratio | None = None
    from_milk: bool = False
    level_of: str = ""
    level: list[Level] = []

    @property
    def default(self) -> Level:
        """The yield used for blocks: the first one stated."""
        return self.level[0]

    def at(self, level: str | None = None) -> Level:
        """Return the yield of one level; the first one when none is named."""
        if level is None:
            return self.default
        for one in self.level:
            if one.name == level:
                return one
        raise refuse(
            f"niveau de rendement « {level} » inconnu pour « {self.name} »",
            "friches/food/crops.toml",
            f"niveaux connus : {', '.join(one.name for one in self.level)}",
        )


class Tranche(Strict):
    """Hectares up to a limit (none: beyond) and how crops share them."""

    up_to_ha: float | None = None
    share: dict[str, float]

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if abs(sum(self.share.values()) - 1) > 1e-9:
            raise ValueError("les parts d'une tranche font 1")
        return self


class Plan(Strict):
    """A sober crop plan and the places it is for."""

    name: str
    past: list[str] | None = None
    not_past: list[str] = []
    needs_relief: bool = False
    mark: Mark
    text: str
    tranche: list[Tranche] = Field(min_length=1)

    @model_validator(mode="after")
    def _open_end(self) -> Self:
        ends = [tranche.up_to_ha for tranche in self.tranche]
        bounded = [end for end in ends if end is not None]
        if ends[-1] is not None or len(bounded) != len(ends) - 1 or bounded != sorted(bounded):
            raise ValueError("les tranches croissent et la dernière est sans limite")
        return self

    @property
    def lead(self) -> str:
        """The crop that decides whether the plan suits a place."""
        return next(iter(self.tranche[0].share))


class Plans(Strict):
    """All plans in order, and the last uses they rely on."""

    worked: list[str]
    plan: list[Plan]


def document(name: str, shape: Any) -> Any:
    """Read one TOML document of friches/food and check it against a pydantic shape.

    Raises
    ------
    InputError
        With one breach for each key at fault.
    """
    where = f"friches/food/{name}"
    said = tomllib.loads((resources.files("friches") / "food" / name).read_text("utf-8"))
    try:
        return TypeAdapter(shape).validate_python(said)
    except ValidationError as error:
        raise InputError(
            Breach(f"« {'.'.join(map(str, fault['loc']))} » : {fault['msg']}", where)
            for fault in error.errors()
        ) from error


class _Crops(Strict):
    shared: dict[str, list[Level]]
    crop: list[Crop]

    @model_validator(mode="after")
    def _yields(self) -> Self:
        for crop in self.crop:
            if bool(crop.level) == (crop.level_of in self.shared):
                raise ValueError(f"« {crop.name} » : des rendements, ou ceux d'une liste commune")
        return self


@cache
def crops() -> dict[str, Crop]:
    """Return every crop by its name, in the order of crops.toml."""
    said = document("crops.toml", _Crops)
    return {
        crop.name: crop
        if crop.level
        else crop.model_copy(update={"level": said.shared[crop.level_of]})
        for crop in said.crop
    }


@cache
def plans() -> Plans:
    """Return the crop plans, the first suited one being the one to use."""
    found: Plans = document("plans.toml", Plans)
    for plan in found.plan:
        for tranche in plan.tranche:
            for name in tranche.share:
                crop(name)
    return found


def crop(name: str) -> Crop:
    """Return one crop by its name.

    Raises
    ------
    InputError
        Unknown crop.
    """
    if name not in crops():
        raise refuse(
            f"culture « {name} » inconnue",
            "friches/food/crops.toml",
            f"cultures connues : {', '.join(crops())}",
        )
    return crops()[name]

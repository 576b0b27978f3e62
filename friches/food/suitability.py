"""Does a crop suit a place (yes, no, unknown), and how the place changes what it yields."""

from __future__ import annotations

from bisect import bisect_left
from functools import cache, lru_cache
from math import isnan, prod
from typing import TYPE_CHECKING, Literal, NamedTuple, Self

from pydantic import Field, model_validator

from friches.food.crops import Bounds, Crop, Kind, Mark, Strict, Water, crop, document

if TYPE_CHECKING:
    from collections.abc import Iterator

    from friches.food.site import Place

Centre = Literal["middle", "best"]
Span = tuple[int, int]
"""First and last class in which a value may lie."""
SLOPE, ALTITUDE = "{pente}", "{altitude}"
"""Where the text of a place's own figure stands in what stops a crop."""
FITS = 2**17
"""Fits kept: places are of few kinds, whatever their number."""


class Trait(Strict):
    """What is read of a place: its French name, how to learn it, where the factors come from."""

    label: str
    ask: str
    mark: Mark
    source: str


class Classes(Trait):
    """Factors of one trait by class; upper ends belong to their class."""

    unit: str
    central: Centre
    up_to: list[float]
    factor: dict[Kind | Water, list[float]]

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if any(len(row) != len(self.up_to) + 1 for row in self.factor.values()):
            raise ValueError("un facteur par classe")
        return self

    def between(self, row: Kind | Water, low: float, high: float) -> tuple[float, float]:
        """Return the worst and the best factor for a value between two ends (NaN: unknown)."""
        return self.within(row, self.held(low, high))

    def held(self, low: float, high: float) -> Span:
        """Return the first and the last class of a value between two ends (NaN: unknown)."""
        first = 0 if isnan(low) else bisect_left(self.up_to, low)
        return first, len(self.up_to) if isnan(high) else bisect_left(self.up_to, high)

    def within(self, row: Kind | Water, held: Span) -> tuple[float, float]:
        """Return the worst and the best factor of some classes, both ends included."""
        factors = self.factor[row][held[0] : held[1] + 1]
        return min(factors), max(factors)


class Grazing(Classes):
    """Factors of a herd nearby, and the hectares above which none is needed."""

    herd_ha: float = Field(gt=0)


class Verdicts(Strict):
    """Last uses that bear a kind of crop out, or not."""

    yes: list[str]
    ask: list[str]
    no: list[str]


class Past(Trait):
    """What last uses say of each kind of crop."""

    answer: dict[Kind, Verdicts]

    def between(self, crop: Crop, past: str) -> tuple[float, float]:
        """Return 0 or 1 at the worst and at the best."""
        if crop.needs_past:
            held = past in crop.needs_past
            return float(held), float(held or not past)
        said = self.answer[crop.kind]
        if not past:
            return float(not (said.ask or said.no)), 1.0
        return float(past in said.yes), float(past not in said.no)


class Stage(Trait):
    """Stages that rule a kind of crop out."""

    no: dict[Kind, list[str]]

    def between(self, kind: Kind, stage: str) -> tuple[float, float]:
        """Return 0 or 1 at the worst and at the best."""
        if stage:
            known = float(stage not in self.no[kind])
            return known, known
        return float(not self.no[kind]), 1.0


class Soil(Strict):
    """Factor of the low end where no soil was measured."""

    mark: Mark
    source: str
    low: dict[Kind, float]


class Net(Strict):
    """Share of a hectare that bears the crop: low, central, high."""

    mark: Mark
    source: str
    share: dict[Kind, tuple[float, float, float]]


class Cruise(Strict):
    """Which year the yields are of."""

    mark: Mark
    text: str


class Closed(Strict):
    """Why food groups without a crop cannot be closed, and what of others comes from elsewhere."""

    mark: Mark
    why: dict[str, str]
    partly: dict[str, str]


class Suitability(Strict):
    """The whole of suitability.toml."""

    slope: Classes
    altitude: Classes
    woody: Classes
    access: Classes
    irrigation: Classes
    grazing: Grazing
    past: Past
    area: Trait
    stage: Stage
    soil: Soil
    net: Net
    cruise: Cruise
    closed: Closed


@cache
def suitability() -> Suitability:
    """Return suitability.toml, checked."""
    found: Suitability = document("suitability.toml", Suitability)
    return found


class Reading(NamedTuple):
    """One trait of one place for one crop: factors, and where the central one lies."""

    trait: Trait
    worst: float
    best: float
    centre: Centre
    found: str = ""


class Fit(NamedTuple):
    """One crop on one place: factors on yields, what stops it, what is not known, what was read."""

    low: float
    central: float
    high: float
    stops: tuple[str, ...] = ()
    middle: tuple[str, ...] = ()  # labels unknown, central in the middle
    best: tuple[str, ...] = ()  # labels unknown, central at the best
    ask: tuple[str, ...] = ()
    said: tuple[str, ...] = ()

    @property
    def answer(self) -> bool | None:
        """Yes where even the worst case yields, no where not even the best one does."""
        return True if self.low > 0 else None if self.high > 0 else False


class Seen(NamedTuple):
    """What `fit` reads of a place, in classes: places that are alike suit the same crops."""

    slope: Span
    altitude: Span
    woody: Span
    access: Span
    irrigation: Span
    grazing: Span
    past: str
    stage: str


class Asked(NamedTuple):
    """What `fit` reads of a place beside a crop: within its limits? (None: unknown)."""

    slope: bool | None
    altitude: bool | None
    herd: bool  # too small for a herd of its own
    unsure: bool  # more land may be lost


def seen(place: Place) -> Seen:
    """Return the classes of a place's traits."""
    said = suitability()
    return Seen(
        said.slope.held(place.slope_pct, place.slope_pct),
        said.altitude.held(place.altitude_m, place.altitude_m),
        said.woody.held(place.woody_low, place.woody_high),
        said.access.held(place.access, place.access),
        said.irrigation.held(place.irrigation, place.irrigation),
        said.grazing.held(place.grazing, place.grazing),
        place.past,
        place.stage,
    )


def fit(grown: Crop, place: Place, usable_ha: float, classes: Seen | None = None) -> Fit:
    """Return whether a crop suits a place and the factors on its yield.

    Parameters
    ----------
    grown : Crop
        A crop of crops.toml.
    place : Place
        What is known of the block.
    usable_ha : float
        Hectares of the block that this crop can use.
    classes : Seen, optional
        `seen(place)`, where it is known already.

    Returns
    -------
    Fit
        Factors 0 to 1, low <= central <= high; `answer` says yes, no or unknown.
    """
    asked = Asked(
        _below(place.slope_pct, grown.slope_max_pct),
        _below(place.altitude_m, grown.altitude_max_m),
        usable_ha < suitability().grazing.herd_ha,
        not place.lost_known or (grown.kind != "rough" and isnan(place.steep_share)),
    )
    found = _fitted(grown.name, classes or seen(place), asked)
    stops = [_written(text, place) for text in found.stops]
    if usable_ha < grown.min_ha or usable_ha <= 0:
        stops.append(
            f"{decimal(round(usable_ha, 2))}\u202fha utilisables, il en faut "
            f"{decimal(grown.min_ha)}"
            if usable_ha > 0
            else "aucune surface utilisable"
        )
    return Fit(0.0, 0.0, 0.0, stops=tuple(dict.fromkeys(stops))) if stops else found


def _below(value: float, most: float | None) -> bool | None:
    # Without a limit it is kept, whatever the value.
    return True if most is None else None if isnan(value) else value <= most


def _written(text: str, place: Place) -> str:
    if "{" not in text:
        return text
    slope, altitude = f"{place.slope_pct:.0f}\u202f%", f"{place.altitude_m:.0f}\u202fm"
    return text.replace(SLOPE, slope).replace(ALTITUDE, altitude)


@lru_cache(maxsize=FITS)
def _fitted(name: str, held: Seen, asked: Asked) -> Fit:
    """Return the fit of a crop of crops.toml and a kind of place, its own figures left out."""
    readings = list(_readings(crop(name), held, asked))
    stops = dict.fromkeys(
        f"{r.trait.label} ({r.found})" if r.found else r.trait.label
        for r in readings
        if r.best == 0
    )
    if stops:
        return Fit(0.0, 0.0, 0.0, stops=tuple(stops))
    open_to = [r for r in readings if r.worst != r.best]
    middle = dict.fromkeys(r.trait.label for r in open_to if r.centre == "middle")
    best = dict.fromkeys(r.trait.label for r in open_to if r.centre == "best")
    measured = [r for r in readings if r.centre == "middle"]
    half = (prod(r.worst for r in measured) + prod(r.best for r in measured)) / 2
    return Fit(
        prod(r.worst for r in readings),
        half * prod(r.best for r in readings if r.centre == "best"),
        prod(r.best for r in readings),
        middle=tuple(middle),
        best=tuple(name for name in best if name not in middle),
        ask=tuple(dict.fromkeys(r.trait.ask for r in open_to if r.worst == 0)),
        said=tuple(
            f"{r.trait.label} x {decimal(r.worst)} ({r.trait.mark})"
            for r in readings
            if r.worst == r.best and r.worst != 1
        ),
    )


def _readings(grown: Crop, held: Seen, asked: Asked) -> Iterator[Reading]:
    said, kind = suitability(), grown.kind
    for classes, row, span, found in (
        (said.slope, kind, held.slope, SLOPE),
        (said.altitude, kind, held.altitude, ALTITUDE),
        (said.woody, kind, held.woody, ""),
        (said.access, kind, held.access, ""),
        (said.irrigation, grown.water, held.irrigation, ""),
    ):
        yield Reading(classes, *classes.within(row, span), classes.central, found)
    for trait, limit, below, found in (
        (said.slope, grown.slope_max_pct, asked.slope, SLOPE),
        (said.altitude, grown.altitude_max_m, asked.altitude, ALTITUDE),
    ):
        if limit is not None:
            over = float(below is True)
            yield Reading(trait, over, 1.0 if below is None else over, "middle", found)
    if asked.herd:
        near = said.grazing.within(kind, held.grazing)
        yield Reading(said.grazing, *near, said.grazing.central)
    yield Reading(said.past, *said.past.between(grown, held.past), "best")
    yield Reading(said.stage, *said.stage.between(kind, held.stage), "best", held.stage)
    yield Reading(said.area, 0.0 if asked.unsure else 1.0, 1.0, "best")


def net_share(crop: Crop, basis: str) -> Bounds:
    """Return the share of the hectares that the yield counts: all of them for an estate yield."""
    return Bounds(1, 1, 1) if basis == "estate" else Bounds(*suitability().net.share[crop.kind])


def decimal(value: float) -> str:
    """Return a number as French text."""
    return f"{value:g}".replace(".", ",")

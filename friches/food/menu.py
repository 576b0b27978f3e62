"""What one canteen meal needs, in grams of what the kitchen buys, by food group and audience."""

from __future__ import annotations

from functools import cache

import pandas as pd
from pydantic import Field

from friches.errors import refuse
from friches.food.crops import Bounds, Mark, Ratio, Strict, document

CYCLE = 20
SCALES = ("maternelle", "elementaire", "adolescents", "adultes")


class Figure(Strict):
    """One figure with its mark and source."""

    value: float = Field(gt=0)
    mark: Mark
    source: str = Field(min_length=1)


class Share(Strict):
    """A share between 0 and 1, 1 excluded, with its mark and source."""

    value: float = Field(ge=0, lt=1)
    mark: Mark
    source: str = Field(min_length=1)


class GroupFigure(Figure):
    """A figure that holds for one food group."""

    group: str


class Portion(Strict):
    """Grams served, by audience."""

    maternelle: float = Field(ge=0)
    elementaire: float = Field(ge=0)
    adolescents: float = Field(ge=0)
    adultes: float = Field(ge=0)
    mark: Mark
    source: str = Field(min_length=1)


class Dish(Strict):
    """One component of the cycle: how often, how much, what it takes to make it."""

    name: str
    group: str
    times: int = Field(ge=0, le=CYCLE)
    counts: list[str] = Field(default_factory=list)
    portion: Portion
    taken: Figure | None = None
    cooked_over_raw: Figure | None = None
    inedible: Share | None = None
    milk_kg_per_kg: Figure | None = None

    def bought_g(self, audience: str) -> float:
        """Return the grams bought for one meal, averaged over the cycle."""
        grams: float = getattr(self.portion, audience) * self.times / CYCLE
        grams *= self.taken.value if self.taken else 1
        grams /= self.cooked_over_raw.value if self.cooked_over_raw else 1
        return grams / (1 - self.inedible.value if self.inedible else 1)


class Frequency(Strict):
    """What the arrêté asks of 20 meals."""

    name: str
    operator: str
    times: int
    mark: Mark
    source: str


class Scaled(Ratio):
    """An audience without portions of its own: a bounded fraction of another's."""

    base: str


class Weighing(Strict):
    """Grams wasted per guest and meal, as published."""

    name: str
    grams: float = Field(ge=0)
    mark: Mark
    source: str = Field(min_length=1)


class Waste(Strict):
    """The share of food that is wasted, and the grams it stands for."""

    share: float = Field(gt=0, lt=1)
    mark: Mark
    source: str
    reference_g: float = Field(gt=0)
    reference_source: str
    most_g: float = Field(gt=0)
    most_source: str
    published: list[Weighing]


class Menu(Strict):
    """The whole of meal.toml."""

    reference: str
    frequency: list[Frequency]
    dish: list[Dish]
    portion_low: Figure
    portion_high: Figure
    vegetables_high_g: GroupFigure
    creche: Scaled
    waste: Waste
    days: dict[str, Ratio]


@cache
def menu() -> Menu:
    """Return meal.toml, checked."""
    found: Menu = document("meal.toml", Menu)
    return found


def audiences() -> tuple[str, ...]:
    """Return the audiences that portions are known for."""
    return ("creche", *SCALES)


def _known(audience: str) -> str:
    if audience not in audiences():
        raise refuse(
            f"public « {audience} » inconnu",
            "cantines, colonne audience",
            f"choisir parmi : {', '.join(audiences())}",
        )
    return audience


def waste_factor(avoided_pct: float) -> float:
    """Return the factor on needs when a share of the waste is avoided (PARCEL).

    Parameters
    ----------
    avoided_pct : float
        Share of the waste that is avoided, in %: 0 to 100.

    Raises
    ------
    InputError
        Outside 0 to 100.
    """
    if not 0 <= avoided_pct <= 100:
        raise refuse(f"gaspillage évité de {avoided_pct:g} %", "", "donner une part de 0 à 100 %")
    share = menu().waste.share
    return (1 - share) / (1 - share * (1 - avoided_pct / 100))


def waste_factor_g(grams: float | None) -> float:
    """Return the factor on needs of a kitchen that was weighed (PARCEL's, against the reference).

    Parameters
    ----------
    grams : float or None
        Grams wasted per guest and meal; None where nothing was weighed: a factor of 1.

    Raises
    ------
    InputError
        Below 0 or above the most of meal.toml.
    """
    if grams is None:
        return 1.0
    said = menu().waste
    if not 0 <= grams <= said.most_g:
        raise refuse(f"gaspillage de {grams:g} g par repas", "", f"donner de 0 à {said.most_g:g} g")
    return (1 - said.share) / (1 - said.share * grams / said.reference_g)


@cache
def _grams(audience: str) -> dict[str, float]:
    grams: dict[str, float] = {}
    for dish in menu().dish:
        grams[dish.group] = grams.get(dish.group, 0.0) + dish.bought_g(audience)
    return grams


@cache
def _bounded(audience: str) -> dict[str, Bounds]:
    said = menu()
    scale = Bounds(1.0, 1.0, 1.0)
    if audience == "creche":
        scale = Bounds(said.creche.low, said.creche.central, said.creche.high)
        audience = said.creche.base
    reference, many = _grams("elementaire"), said.vegetables_high_g
    found = {}
    for group, grams in _grams(audience).items():
        high = said.portion_high.value
        if group == many.group:
            high = max(high, many.value / reference[group])
        found[group] = Bounds(
            grams * said.portion_low.value * scale.low,
            grams * scale.central,
            grams * high * scale.high,
        )
    return found


def need(audience: str | None = None, waste_avoided_pct: float = 0) -> pd.DataFrame:
    """Return the kilograms bought for one meal, by food group.

    Parameters
    ----------
    audience : str or None
        creche, maternelle, elementaire, adolescents or adultes; None (not known): elementary
        for the central value, from the smallest to the largest portions for the bounds.
    waste_avoided_pct : float
        Waste avoided, in %.

    Returns
    -------
    DataFrame
        Index food_group; columns kg_low, kg, kg_high (kg a meal).

    Raises
    ------
    InputError
        Unknown audience; waste outside 0 to 100 %.
    """
    factor = waste_factor(waste_avoided_pct) / 1000
    if audience is None:
        small, central, large = (_bounded(a) for a in ("creche", menu().reference, "adultes"))
        rows = {g: Bounds(small[g].low, central[g].central, large[g].high) for g in central}
    else:
        rows = _bounded(_known(audience))
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["kg_low", "kg", "kg_high"])
    return (table * factor).rename_axis("food_group")


def service_days(audience: str | None) -> Bounds:
    """Return the days of service a year to use when a canteen does not give them."""
    said = menu().days["unknown" if audience is None else _known(audience)]
    return Bounds(said.low, said.central, said.high)


@cache
def dairy_per_kg_milk() -> float:
    """Return the kg of cheese, yoghurt and butter of the cycle that one kg of milk makes."""
    dishes = [(d.bought_g(menu().reference), d.milk_kg_per_kg) for d in menu().dish]
    made = sum(grams for grams, milk in dishes if milk)
    return made / sum(grams * milk.value for grams, milk in dishes if milk)

"""What kitchens pay for what they buy, ordinary and organic, by food group."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Literal, Self

import pandas as pd
from pydantic import Field, model_validator

from friches.errors import refuse
from friches.food.crops import Mark, Ratio, Strict, document

Three = Annotated[list[Annotated[float, Field(gt=0)]], Field(min_length=3, max_length=3)]
Kind = Literal["ordinary", "organic"]


class Price(Strict):
    """Euros excl. VAT a kilogram of one food group: low, central, high."""

    group: str
    ordinary: Three
    organic: Three
    mark: Mark
    source: str = Field(min_length=1)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if sorted(self.ordinary) != self.ordinary or sorted(self.organic) != self.organic:
            raise ValueError("bas, central, haut doivent être croissants")
        if any(o < c for o, c in zip(self.organic, self.ordinary, strict=True)):
            raise ValueError("le bio ne coûte pas moins que l'ordinaire")
        return self


class Prices(Strict):
    """The whole of prices.toml."""

    cost_per_meal: Ratio
    other: Ratio
    price: list[Price]


@cache
def prices() -> Prices:
    """Return prices.toml, checked."""
    found: Prices = document("prices.toml", Prices)
    return found


@cache
def price_of(group: str) -> Price:
    """Return the purchase price of one food group.

    Raises
    ------
    InputError
        A group without a price.
    """
    for one in prices().price:
        if one.group == group:
            return one
    raise refuse(
        f"groupe d'aliments « {group} » sans prix",
        "friches/food/prices.toml",
        f"groupes connus : {', '.join(p.group for p in prices().price)}",
    )


@cache
def price_table(kind: Kind) -> pd.DataFrame:
    """Return euros excl. VAT a kilogram: index food_group, columns eur_low, eur, eur_high."""
    rows = {one.group: getattr(one, kind) for one in prices().price}
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["eur_low", "eur", "eur_high"])
    return table.rename_axis("food_group")

"""When each crop is gathered and sold in the year, and what is lost in store."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Self

import numpy as np
import pandas as pd
from pydantic import Field, model_validator

from friches.food import months
from friches.food.crops import Mark, Strict, crop, crops, document

Twelve = Annotated[list[Annotated[float, Field(ge=0, le=100)]], Field(min_length=12, max_length=12)]
Loss = Annotated[list[Annotated[float, Field(ge=0, lt=100)]], Field(min_length=12, max_length=12)]


class Season(Strict):
    """The year of some crops: months of harvest, of sale, losses."""

    crops: list[str] = Field(min_length=1)
    harvest: list[Annotated[int, Field(ge=1, le=12)]] = Field(min_length=1)
    keeps: bool = False
    pct: Twelve | None = None
    lost_pct: Loss
    mark: Mark
    source: str = Field(min_length=1)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.pct is None and not self.keeps:
            raise ValueError("donner les douze mois de vente de ce qui ne se garde pas")
        if self.pct is not None and abs(sum(self.pct) - 100) > 1e-9:
            raise ValueError("les douze mois de vente font 100")
        return self


class _Calendar(Strict):
    calendar: list[Season]


@cache
def seasons() -> dict[str, Season]:
    """Return the year of every crop of crops.toml, from calendar.toml."""
    found = {
        name: one for one in document("calendar.toml", _Calendar).calendar for name in one.crops
    }
    return {name: found[name] for name in crops()}


@cache
def sold(name: str) -> tuple[float, ...]:
    """Return the shares of a crop's deliverable that are sold in each month; they sum to 1."""
    said = seasons()[crop(name).name]
    if said.pct is not None:
        weights = np.array(said.pct)
    else:
        weights = np.array(months.calendar(None).days) * months.season(crop(name).food_group)
    return tuple(float(share) for share in weights / weights.sum())


@cache
def delivered_share(name: str) -> float:
    """Return the kg a buyer gets for one kg gathered, over the year."""
    lost = np.array(seasons()[crop(name).name].lost_pct) / 100
    return float(1 / (np.array(sold(name)) / (1 - lost)).sum())


def calendar() -> pd.DataFrame:
    """Return when each crop is sold and what is lost.

    Returns
    -------
    DataFrame
        One row a crop and month, ordered: crop, month (1 to 12), share (of the year's deliverable
        kg, sums to 1 a crop), lost_share (of what leaves the field or the store that month, 0 to
        1: gathered = delivered / (1 - lost_share)), harvest (gathered in that month), keeps (can
        wait for a buyer all the year: `share` is then a habit, not a limit), source.
    """
    rows = [
        {
            "crop": name,
            "month": month,
            "share": sold(name)[month - 1],
            "lost_share": said.lost_pct[month - 1] / 100,
            "harvest": month in said.harvest,
            "keeps": said.keeps,
            "source": f"{said.source} ({said.mark})",
        }
        for name, said in seasons().items()
        for month in range(1, 13)
    ]
    return pd.DataFrame(rows).sort_values(["crop", "month"], ignore_index=True)

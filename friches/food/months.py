"""Which months canteens serve in, and what their menus ask more of by season."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from friches.food.crops import Mark, Strict, document

if TYPE_CHECKING:
    from numpy.typing import NDArray

MONTHS = range(1, 13)
Days = Annotated[list[Annotated[float, Field(ge=0, le=31)]], Field(min_length=12, max_length=12)]
Weights = Annotated[list[Annotated[float, Field(gt=0)]], Field(min_length=12, max_length=12)]


class Count(Strict):
    """Twelve counts of days with their mark and source."""

    label: str = ""
    days: Days
    more: Days = [0.0] * 12
    mark: Mark
    source: str = Field(min_length=1)


class Season(Strict):
    """Weights of the twelve months for some food groups."""

    groups: list[str] = Field(min_length=1)
    weights: Weights
    mark: Mark
    source: str = Field(min_length=1)


class Months(Strict):
    """The whole of months.toml."""

    calendar: dict[str, Count]
    audience: dict[str, str]
    weekdays: Count
    all_days: Count
    season: list[Season]


@cache
def months() -> Months:
    """Return months.toml, checked."""
    found: Months = document("months.toml", Months)
    return found


def calendar(audience: str | None) -> Count:
    """Return the calendar that an audience follows (None: not known)."""
    said = months()
    return said.calendar[said.audience["inconnu" if audience is None else audience]]


def spread(days: float, audience: str | None) -> NDArray[np.float64]:
    """Return the days of service of each month, January to December.

    Parameters
    ----------
    days : float
        Days of service a year, 0 to 366.
    audience : str or None
        Whose calendar: creche, maternelle, elementaire, adolescents, adultes; None if not known.

    Returns
    -------
    ndarray of shape (12,)
        They sum to `days`; none falls when `days` grows.
    """
    said = months()
    own = calendar(audience)
    full = np.array(own.days, dtype="float64")
    for larger in (full + own.more, said.weekdays.days, said.all_days.days):
        if days <= full.sum() + 1e-9:
            break
        room = np.maximum(np.asarray(larger, dtype="float64") - full, 0.0)
        full += room * min(1.0, (days - full.sum()) / max(room.sum(), 1.0))
    served: NDArray[np.float64] = full * (days / full.sum())
    return served


@cache
def season(group: str) -> NDArray[np.float64]:
    """Return the weights of the twelve months for one food group (1 throughout: no season)."""
    for one in months().season:
        if group in one.groups:
            return np.array(one.weights)
    return np.ones(12)


def season_source(group: str) -> str:
    """Return why the months weigh differently for one group, with its mark; "" if they do not."""
    said = (s for s in months().season if group in s.groups)
    return next((f"saison : {one.source} ({one.mark})" for one in said), "")

"""The plan's cases beyond the law: permits, then the field and the crop whose meal comes first."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from friches.scenarios.field import clearing, conversion, crop_of, field_rows, harvest, served
from friches.scenarios.fielddraws import meals as drawn_meals
from friches.scenarios.fielddraws import quantiles

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from friches.scenarios.procedures import Dated, Held
    from friches.scenarios.setting import Setting
    from friches.scenarios.timeline import Dates

PARTS = ("p10", "p50", "p90")
Case = tuple[str, str, str, str | None, bool, str | None]
"""A route, its needs, the gates' states, stage, recognition, and the food group grown."""
Asked = tuple[str, str, str, str | None, bool, tuple[tuple[str, str], ...]]
"""The same with the crops to choose from: (crop, food group) each."""


def chosen(
    asked: Sequence[Asked], helds: Mapping[tuple[str, ...], Held],
    lands: Mapping[tuple[str, ...], Dates], here: Setting,
) -> list[Case]:  # fmt: skip
    """Return each case with the food group whose first meal comes first (None: no crop)."""
    field = here.field
    cleared = cache(lambda free, stage: clearing(free, stage, field)[1])
    converted = cache(lambda land, life, known: conversion(land, life, known, field))

    @cache
    def meal(free: Dates, land: Dates, stage: str | None, known: bool, group: str) -> Dates:
        crop = crop_of(group, field)
        ripe = harvest(cleared(free, stage), converted(land, crop["life"], known), crop)[1]
        return served(ripe, crop)

    cases: list[Case] = []
    for name, needs, gates, stage, known, crops in asked:
        free, land = helds[name, needs, gates].free, lands[name, needs]
        options = []
        for crop, group in crops:
            low, central, high = meal(free, land, stage, known, group)
            options.append((central, low, high, crop, group))
        group_first = min(options)[-1] if options else None
        cases.append((name, needs, gates, stage, known, group_first))
    return cases


def field_steps(
    cases: Sequence[Case], helds: Mapping[tuple[str, ...], Held],
    lands: Mapping[tuple[str, ...], Dates], here: Setting,
) -> list[list[dict[str, Any]]]:  # fmt: skip
    """Return the steps in the field of each case."""

    @cache
    def rows_of(
        land: Dates, free: Dates, stage: str | None, known: bool, group: str | None
    ) -> list[dict[str, Any]]:
        return field_rows(land, stage, group, known, free, here.field)

    return [
        rows_of(lands[name, needs], helds[name, needs, gates].free, stage, known, group)
        for name, needs, gates, stage, known, group in cases
    ]


def draws(
    cases: Sequence[Case], helds: Mapping[tuple[str, ...], Held],
    legal: Mapping[tuple[str, ...], Dated], here: Setting,
) -> pd.DataFrame:  # fmt: skip
    """Return quantiles of land and first meal, and the chance of success, for each case.

    Returns
    -------
    DataFrame
        Numbered as `cases`: land_on_p10 … first_meal_on_p90 (dates), chance_low, chance,
        chance_high (0 to 1, rounded to two decimals).
    """
    columns = [f"{what}_{part}" for what in ("land_on", "first_meal_on") for part in PARTS]
    table = {name: np.full(len(cases), np.datetime64("NaT"), dtype="M8[ns]") for name in columns}
    groups: dict[tuple[Any, ...], list[int]] = {}
    for n, case in enumerate(cases):
        groups.setdefault(case[3:], []).append(n)
    for told, places in groups.items():
        _fill(table, places, [cases[n] for n in places], helds, legal, told, here)
    drawn = [legal[case[:2]].draws for case in cases]
    sure = np.array([one.succeeds.mean(axis=1) for one in drawn if one]).reshape(-1, 3)
    chances = {
        name: np.round(sure[:, n], 2)
        for n, name in enumerate(("chance_low", "chance", "chance_high"))
    }
    return pd.DataFrame(table | chances)


def _fill(  # noqa: PLR0913, PLR0917 -- one table filled in place, group by group
    table: dict[str, Any],
    places: Sequence[int],
    cases: Sequence[Case],
    helds: Mapping[tuple[str, ...], Held],
    legal: Mapping[tuple[str, ...], Dated],
    told: tuple[str | None, bool, str | None],
    here: Setting,
) -> None:
    stage, known, group = told
    drawn = [one for case in cases if (one := legal[case[:2]].draws)]
    land = np.stack([one.land for one in drawn])
    succeeds = np.stack([one.succeeds[1] for one in drawn])
    days = {"land_on": land}
    if group:
        free = np.stack([helds[case[:3]].draws for case in cases])
        days["first_meal_on"] = drawn_meals(
            land, free, (stage, group, known), here.field, here.chance
        )
    for what, values in days.items():
        for part, dates in zip(PARTS, quantiles(values, succeeds, here.chance), strict=True):
            table[f"{what}_{part}"][places] = dates

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

LEGAL = ["instrument", "needs"]
HELD = [*LEGAL, "gates"]
CASE = [*HELD, "stage", "recognisable", "food_group"]
PARTS = ("p10", "p50", "p90")


def chosen(
    followed: pd.DataFrame, meals: pd.DataFrame, helds: Mapping[tuple[str, ...], Held],
    lands: Mapping[tuple[str, ...], Dates], here: Setting,
) -> pd.DataFrame:  # fmt: skip
    """Return `followed` with the food_group whose first meal comes first (missing: no crop)."""
    grown = meals.loc[meals["kg"] > 0, ["block_id", "crop", "food_group"]].astype("str")
    options = followed.merge(grown, on="block_id", how="left")
    cases = options[CASE].drop_duplicates(ignore_index=True)
    field = here.field
    cleared = cache(lambda free, stage: clearing(free, stage, field)[1])
    converted = cache(lambda land, life, known: conversion(land, life, known, field))

    @cache
    def meal(free: Dates, land: Dates, stage: str | None, known: bool, group: str) -> Dates:
        crop = crop_of(group, field)
        ripe = harvest(cleared(free, stage), converted(land, crop["life"], known), crop)[1]
        return served(ripe, crop)

    told = []
    for name, needs, gates, stage, known, group in _plain(cases):
        place = (name, needs, gates)
        late = meal(helds[place].free, lands[place[:2]], stage, known, group) if group else None
        told.append([late[1], late[0], late[2]] if late else [None] * 3)
    by = ["central", "low", "high"]
    cases = cases.join(pd.DataFrame(told, columns=by, index=cases.index, dtype="datetime64[ns]"))
    options = options.merge(cases, on=CASE, how="left")
    options = options.sort_values(["block_id", "instrument", *by, "crop"], na_position="last")
    best = options.drop_duplicates(["block_id", "instrument"])
    return best[["block_id", "instrument", "needs", "gates", "stage", "recognisable", "food_group"]]


def _plain(cases: pd.DataFrame) -> list[tuple[Any, ...]]:
    rows = cases[CASE].itertuples(index=False, name=None)
    return [tuple(None if pd.isna(value) else value for value in row) for row in rows]


def field_steps(
    cases: pd.DataFrame, helds: Mapping[tuple[str, ...], Held],
    lands: Mapping[tuple[str, ...], Dates], here: Setting,
) -> pd.DataFrame:  # fmt: skip
    """Return the steps in the field of each case (its row number in `cases` as column `field`)."""

    @cache
    def rows_of(
        land: Dates, free: Dates, stage: str | None, known: bool, group: str | None
    ) -> list[dict[str, Any]]:
        return field_rows(land, stage, group, known, free, here.field)

    rows = []
    for case, (name, needs, gates, stage, known, group) in enumerate(_plain(cases)):
        free = helds[name, needs, gates].free
        made = rows_of(lands[name, needs], free, stage, bool(known), group)
        rows += [row | {"field": case, "rank": rank} for rank, row in enumerate(made)]
    return pd.DataFrame(rows)


def draws(
    cases: pd.DataFrame, helds: Mapping[tuple[str, ...], Held],
    legal: Mapping[tuple[str, ...], Dated], here: Setting,
) -> pd.DataFrame:  # fmt: skip
    """Return quantiles of land and first meal, and the chance of success, for each case.

    Returns
    -------
    DataFrame
        Indexed as `cases`: land_on_p10 … first_meal_on_p90 (dates), chance_low, chance,
        chance_high (0 to 1, rounded to two decimals).
    """
    columns = [f"{what}_{part}" for what in ("land_on", "first_meal_on") for part in PARTS]
    table = pd.DataFrame(index=cases.index, columns=columns, dtype="datetime64[ns]")
    plain = _plain(cases)
    drawn = [legal[row[0], row[1]].draws for row in plain]
    groups: dict[tuple[Any, ...], list[int]] = {}
    for n, row in enumerate(plain):
        groups.setdefault((row[3], row[5], row[4]), []).append(n)
    for (stage, group, known), places in groups.items():
        _fill(table, places, [drawn[n] for n in places], plain, helds, (stage, group, known), here)
    sure = np.array([one.succeeds.mean(axis=1) for one in drawn if one]).reshape(-1, 3)
    for n, name in enumerate(("chance_low", "chance", "chance_high")):
        table[name] = np.round(sure[:, n], 2)
    return table


def _fill(  # noqa: PLR0913, PLR0917 -- one table filled in place, group by group
    table: pd.DataFrame,
    places: Sequence[int],
    drawn: Sequence[Any],
    plain: Sequence[tuple[Any, ...]],
    helds: Mapping[tuple[str, ...], Held],
    case: tuple[str | None, str | None, bool],
    here: Setting,
) -> None:
    stage, group, known = case
    land = np.stack([one.land for one in drawn])
    succeeds = np.stack([one.succeeds[1] for one in drawn])
    days = {"land_on": land}
    if group:
        free = np.stack([helds[plain[n][:3]].draws for n in places])
        told = (stage, group, bool(known))
        days["first_meal_on"] = drawn_meals(land, free, told, here.field, here.chance)
    for what, values in days.items():
        for part, dates in zip(PARTS, quantiles(values, succeeds, here.chance), strict=True):
            table.loc[table.index[list(places)], f"{what}_{part}"] = dates.astype("M8[ns]")

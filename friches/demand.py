"""What the canteens buy in a year, by food group, and what they still lack in organic food."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from friches.errors import Breach, InputError, refuse
from friches.food import menu

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ENDS = ("_low", "", "_high")
COLUMNS = {
    "canteen_id": "str",
    "food_group": "str",
    "organic_share": "float64",
    **{
        f"{name}{end}": "float64"
        for name in ("meals", "kg", "kg_organic_now", "gap")
        for end in ENDS
    },
}


def demand(canteens: pd.DataFrame, goal: Any = 1.0, waste_avoided_pct: float = 0) -> pd.DataFrame:
    """Return what each kitchen buys and lacks in a year, by food group.

    Meals sit at the kitchen that cooks them: a site cooked elsewhere is not counted when its
    kitchen is in the table and gives its meals; when the kitchen gives none, its sites' meals
    are counted there.

    Parameters
    ----------
    canteens : DataFrame
        Table « canteens » (see tables.toml).
    goal : float or object with `organic_share`
        Organic share aimed at, 0 to 1.
    waste_avoided_pct : float
        Share of the waste that is avoided, in %.

    Returns
    -------
    DataFrame
        One row a kitchen and food group, ordered: canteen_id, food_group, organic_share (by
        value, as declared; applied to masses, INFERENCE), then with _low, none and _high:
        meals (a year), kg, kg_organic_now and gap (kg a year). Where the organic share is
        missing, organic_now and gap go from nothing to all and have no central value.

    Raises
    ------
    InputError
        Unknown audience, negative meals, shares outside 0 to 1, sites that serve each other.
    """
    share = organic_goal(goal)
    rows = [
        {"canteen_id": row["at"], "food_group": group, **figures}
        for row in _counted(_checked(canteens))
        for group, figures in _needs(row, share, waste_avoided_pct).items()
    ]
    table = pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)
    return _joined(table)


def organic_goal(goal: Any) -> float:
    """Return the goal as a number; refuse one outside 0 to 1."""
    share = float(getattr(goal, "organic_share", goal))
    if not 0 <= share <= 1:
        raise refuse(f"objectif de part bio de {share:g}", "goal.organic_share", "donner 0 à 1")
    return share


def _joined(table: pd.DataFrame) -> pd.DataFrame:
    # Several sites may be counted at one kitchen: a central value missing in one is missing in all.
    if not table.duplicated(["canteen_id", "food_group"]).any():
        return table.sort_values(["canteen_id", "food_group"], ignore_index=True)
    weighted = table.assign(organic_share=table["organic_share"] * table["kg"])
    sums = weighted.groupby(["canteen_id", "food_group"], sort=True).agg(_whole_sum)
    sums["organic_share"] /= sums["kg"].where(sums["kg"] > 0)
    return sums.reset_index()[list(COLUMNS)].astype(COLUMNS)


def _whole_sum(column: pd.Series[float]) -> float:
    return float(column.sum(skipna=False))


def _needs(
    row: Mapping[str, Any], goal: float, waste_avoided_pct: float
) -> dict[str, dict[str, float]]:
    audience, days, organic = row["audience"], row["days_per_year"], row["organic_share"]
    served = menu.service_days(audience) if pd.isna(days) else (days, days, days)
    meals = [row["meals_per_day"] * day for day in served]
    found = {}
    for group, need in menu.need(audience, waste_avoided_pct).iterrows():
        kg = [count * one for count, one in zip(meals, need, strict=True)]
        if pd.isna(organic):
            now, gap = (0.0, np.nan, kg[2]), (0.0, np.nan, kg[2] * goal)
        else:
            now = tuple(one * organic for one in kg)
            gap = tuple(one * max(goal - organic, 0.0) for one in kg)
        found[str(group)] = {
            "organic_share": np.nan if pd.isna(organic) else float(organic),
            **_three("meals", meals),
            **_three("kg", kg),
            **_three("kg_organic_now", now),
            **_three("gap", gap),
        }
    return found


def _three(name: str, values: Any) -> dict[str, float]:
    return {f"{name}{end}": float(value) for end, value in zip(ENDS, values, strict=True)}


def _checked(canteens: pd.DataFrame) -> pd.DataFrame:
    table = pd.DataFrame(canteens.drop(columns="geometry", errors="ignore"))
    for name in ("days_per_year", "organic_share", "audience", "kind", "served_by"):
        if name not in table.columns:
            table[name] = None
    breaches = [
        Breach(
            f"{int(bad.sum())} cantine(s) : {what} "
            f"(première : « {table.loc[bad, 'canteen_id'].iloc[0]} »)",
            "cantines",
            todo,
        )
        for bad, what, todo in _faults(table)
        if bad.any()
    ]
    if breaches:
        raise InputError(breaches)
    return table


def _faults(table: pd.DataFrame) -> Iterator[tuple[pd.Series[bool], str, str]]:
    meals, days, organic = (
        pd.to_numeric(table[name]).astype("float64")
        for name in ("meals_per_day", "days_per_year", "organic_share")
    )
    yield table["canteen_id"].duplicated(), "identifiant en double", "garder une ligne par cantine"
    yield meals.isna() | (meals < 0), "repas par jour manquants ou négatifs", "donner 0 ou plus"
    yield (days < 0) | (days > 366), "jours de service hors de 0 à 366", "corriger days_per_year"
    yield (organic < 0) | (organic > 1), "part bio hors de 0 à 1", "0,58 pour 58 %"
    known = table["audience"].isna() | table["audience"].isin(menu.audiences())
    yield ~known, "public inconnu", f"choisir parmi : {', '.join(menu.audiences())}"


def _counted(canteens: pd.DataFrame) -> list[dict[str, Any]]:
    rows: dict[str, dict[str, Any]] = {
        str(row["canteen_id"]): {str(name): value for name, value in row.items()}
        for row in canteens.to_dict("records")
    }
    kitchens = {name: _kitchen(name, rows) for name in rows}
    counted = []
    for name, row in sorted(rows.items()):
        at = kitchens[name]
        if at != name and rows[at]["meals_per_day"] > 0:
            continue
        share = row["organic_share"]
        counted.append(
            row
            | {
                "at": at,
                "audience": None if pd.isna(row["audience"]) else str(row["audience"]),
                "organic_share": rows[at]["organic_share"] if pd.isna(share) else share,
            }
        )
    with_sites = {row["at"] for row in counted if row["at"] != row["canteen_id"]}
    # A kitchen without meals of its own adds nothing but the uncertainty of its missing columns.
    return [
        row
        for row in counted
        if row["meals_per_day"] > 0 or str(row["canteen_id"]) not in with_sites
    ]


def _kitchen(name: str, rows: Mapping[str, Mapping[str, Any]]) -> str:
    seen = [name]
    while True:
        row = rows[seen[-1]]
        by, kind = row["served_by"], row["kind"]
        cooked_here = not (pd.isna(kind) or kind == "site_cooked_elsewhere")
        if cooked_here or pd.isna(by) or str(by) not in rows or str(by) == seen[-1]:
            return seen[-1]
        if str(by) in seen:
            raise refuse(
                f"cantines qui se livrent en rond : {' → '.join([*seen, str(by)])}",
                "cantines, colonne served_by",
                "indiquer la cuisine centrale qui cuisine",
            )
        seen.append(str(by))

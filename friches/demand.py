"""What the canteens buy month by month, by food group, and what they still lack in organic food."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from friches.errors import refuse
from friches.food import menu, months
from friches.food.purchases import price_of, price_table
from friches.kitchens import cooked
from friches.tables import check

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Array = NDArray[np.float64]

ENDS = ("_low", "", "_high")
KEY = ["canteen_id", "food_group", "month"]
SUMS = [
    f"{name}{end}"
    for name in ("meals", "kg", "organic_now", "gap", "organic_local", "gap_local")
    for end in ENDS
]
PORTIONS = (
    "portions : GEM-RCN 2015 (RECALLED) sur 20 repas (ASSUMPTION, fréquences de l'arrêté du "
    "30/09/2011 tenues)"
)
COLUMNS = [*KEY, *SUMS[:6], "organic_share", *SUMS[6:], "gap_eur", "source"]


def demand(canteens: pd.DataFrame, goal: Any = 1.0, waste: float | None = None) -> pd.DataFrame:
    """Return what each kitchen buys and lacks in each month, by food group.

    Meals sit at the kitchen that cooks them: a site cooked elsewhere is not counted when its
    kitchen gives its meals; when the kitchen gives none, its sites' meals are counted there.
    A yearly count (`meals_per_year`) is preferred to meals a day x days a year.

    Parameters
    ----------
    canteens : DataFrame
        Table « canteens » (see tables.toml); weighings in `waste_g_per_meal`, when given, scale
        what is bought (PARCEL's factor against the reference of meal.toml).
    goal : float or object with `organic_share`
        Organic share aimed at, 0 to 1.
    waste : float, optional
        Grams wasted per guest and meal to suppose in every kitchen, weighed or not.

    Returns
    -------
    DataFrame
        Table « demand », ordered by key, twelve rows a kitchen and group. The organic share is by
        value, as declared, and applied to masses (INFERENCE); `organic_local` and `gap_local` are
        what is both organic and local, and what the goal lacks of it: bounds from the two shares,
        central value their product (ASSUMPTION). Where a share is missing they go from nothing to
        all and have no central value. Months sum to the year (`yearly`).

    Raises
    ------
    InputError
        Every breach of the canteens at once; goal or waste out of bounds.
    """
    aim = organic_goal(goal)
    if waste is not None:
        menu.waste_factor_g(waste)
    parts = [_site(row, aim, waste) for row in cooked(canteens)]
    if not parts:
        empty = pd.DataFrame(columns=COLUMNS).astype(dict.fromkeys(COLUMNS, "float64"))
        texts = dict.fromkeys(("canteen_id", "food_group", "source"), "str")
        return empty.astype(texts | {"month": "Int64"})
    table = _joined(pd.concat(parts, ignore_index=True))
    return check(table[COLUMNS], "demand", "besoins des cantines")


def organic_goal(goal: Any) -> float:
    """Return the goal as a number; refuse one outside 0 to 1."""
    share = float(getattr(goal, "organic_share", goal))
    if not 0 <= share <= 1:
        raise refuse(f"objectif de part bio de {share:g}", "goal.organic_share", "donner 0 à 1")
    return share


def yearly(monthly: pd.DataFrame) -> pd.DataFrame:
    """Return the year of a monthly demand: one row a kitchen and food group.

    Parameters
    ----------
    monthly : DataFrame
        What `demand` returns.

    Returns
    -------
    DataFrame
        canteen_id, food_group, organic_share, then with _low, none and _high: meals, kg,
        kg_organic_now, gap (kg), organic_local, gap_local (kg); gap_eur. A central value
        missing in a month is missing in the year.
    """
    by = monthly.groupby(KEY[:2], sort=True)
    sums = by[[*SUMS, "gap_eur"]].sum(skipna=False)
    # A count of meals is brought back from the dust of adding twelve shares of it.
    sums[SUMS[:3]] = sums[SUMS[:3]].round(6)
    sums.insert(0, "organic_share", by["organic_share"].first())
    return sums.reset_index().rename(
        columns=lambda name: name.replace("organic_now", "kg_organic_now")
    )


def meals_by_month(row: Mapping[str, Any]) -> Array:
    """Return the meals of one canteen: low, central, high by January to December.

    Parameters
    ----------
    row : mapping
        audience, meals_per_day, days_per_year, meals_per_year (NaN or None where unknown).

    Returns
    -------
    ndarray of shape (3, 12)
    """
    days, year = row["days_per_year"], row["meals_per_year"]
    served = menu.service_days(row["audience"])
    if pd.isna(year):
        ends = served if pd.isna(days) else (days, days, days)
        per_day = float(row["meals_per_day"])
        return np.array([per_day * months.spread(float(e), row["audience"]) for e in ends])
    known = served.central if pd.isna(days) or not days > 0 else float(days)
    one = months.spread(known, row["audience"]) / known * float(year)
    return np.array([one, one, one])


def _site(row: Mapping[str, Any], goal: float, waste: float | None) -> pd.DataFrame:
    meals = meals_by_month(row)
    weighed = row["waste_g_per_meal"] if waste is None else waste
    grams = None if pd.isna(weighed) else float(weighed)
    one = menu.need(row["audience"]) * menu.waste_factor_g(grams)
    parts = []
    for group, each in one.iterrows():
        kg = each.to_numpy()[:, None] * _by_season(meals, months.season(str(group)))
        figures = {
            **_three("meals", meals),
            **_three("kg", kg),
            **_lacks(kg, (row["organic_share"], row["local_share"]), goal),
        }
        fixed = {"canteen_id": row["at"], "food_group": group, "month": list(months.MONTHS)}
        share = np.nan if pd.isna(row["organic_share"]) else float(row["organic_share"])
        said = {"organic_share": share, "source": _source(row["audience"], str(group), grams)}
        parts.append(pd.DataFrame(fixed | figures | said))
    return pd.concat(parts, ignore_index=True)


def _by_season(meals: Array, weights: Array) -> Array:
    """Return meals as weighed by the season, each end keeping its sum."""
    weighed, total = meals * weights, meals.sum(axis=1, keepdims=True)
    sums = weighed.sum(axis=1, keepdims=True)
    factor: Array = np.divide(total, sums, out=np.ones_like(total), where=sums > 0)
    return weighed * factor


def _lacks(kg: Array, shares: tuple[Any, Any], goal: float) -> dict[str, Array]:
    organic, local = (np.nan if pd.isna(s) else float(s) for s in shares)
    low, central, high = kg
    least, most = (0.0, 1.0) if np.isnan(organic) else (organic, organic)
    near, far = (0.0, 1.0) if np.isnan(local) else (local, local)
    # Frechet's bounds on what is both, knowing each share alone.
    both = (max(0.0, least + near - 1), organic * local, min(most, far))
    lacking = [float(np.maximum(goal - share, 0.0)) for share in both]
    missing = np.nan if np.isnan(organic) else max(goal - organic, 0.0)
    bound = (0.0, goal) if np.isnan(organic) else (missing, missing)
    return {
        **_three("organic_now", (least * low, organic * central, most * high)),
        **_three("gap", (bound[0] * low, missing * central, bound[1] * high)),
        **_three("organic_local", (both[0] * low, both[1] * central, both[2] * high)),
        **_three("gap_local", (lacking[2] * low, lacking[1] * central, lacking[0] * high)),
    }


def _three(name: str, values: Any) -> dict[str, Array]:
    return {f"{name}{end}": value for end, value in zip(ENDS, values, strict=True)}


def _joined(table: pd.DataFrame) -> pd.DataFrame:
    # Several sites may be counted at one kitchen: a central value missing in one is missing in all.
    weighed = table.assign(weighed=table["organic_share"] * table["kg"])
    sums = weighed.groupby(KEY[:2], sort=True)[["weighed", "kg"]].sum(skipna=False)
    ends = table.groupby(KEY[:2], sort=True)["organic_share"].agg(["min", "max"])
    even = (ends["min"] == ends["max"]) & sums["weighed"].notna() | (sums["kg"] == 0)
    share = ends["min"].where(even, sums["weighed"] / sums["kg"])
    by = table.groupby(KEY, sort=True)
    joined = by[SUMS].sum(skipna=False)
    joined["source"] = by["source"].agg(lambda said: " | ".join(dict.fromkeys(said)))
    joined = joined.reset_index().join(share.rename("organic_share"), on=KEY[:2])
    price = joined["food_group"].map(price_table("organic")["eur"])
    return joined.assign(gap_eur=joined["gap"] * price)


def _source(audience: str | None, group: str, grams: float | None) -> str:
    calendar = months.calendar(audience)
    asked = menu.menu().waste
    parts = [
        PORTIONS,
        "gaspillage : "
        + (
            f"{grams:g} g par repas, facteur de PARCEL (VERIFIED) contre {asked.reference_g:g} g"
            if grams is not None
            else f"non pesé, repère de {asked.reference_g:g} g ({asked.reference_source})"
        ),
        f"mois : {calendar.source} ({calendar.mark})",
        months.season_source(group),
        f"prix bio : {price_of(group).source} ({price_of(group).mark})",
    ]
    return " ; ".join(part for part in parts if part)

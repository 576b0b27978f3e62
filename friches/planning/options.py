"""Every way to open a block in time: its route, its start, what it would then bring."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from friches.food.ramp import ramp

if TYPE_CHECKING:
    import datetime as dt

    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

ENDS = ("_low", "", "_high")
ROUTES_A_BLOCK = 6
"""Routes kept a block, once those that another beats on cost, dates and chance are left out."""
MANY = 12_000
"""Openings (routes x quarters) beyond which procedures start once a year only."""
MONTHS_A_QUARTER = 3
QUARTERS_A_YEAR = 4
DAYS_A_QUARTER = 91.3125
CRUISE = 99
"""A year by which every ramp has ended."""
NEEDED = ("land_on", "first_meal_on", "cost_eur", "chance")
READ = (
    "block_id", "instrument", "title", "answer", "order", "cost_eur",
    *(f"{name}{end}" for name in ("land_on", "first_meal_on", "chance") for end in ENDS),
)  # fmt: skip
"""Columns of « routes » that a plan reads, names first."""
OTHER_END = {"_low": "_high", "": "", "_high": "_low"}


class Options(NamedTuple):
    """Openings that may be chosen, one row each, and what each brings.

    `table`: block_id, instrument, title, answer, order, start (quarters after the first day),
    starts_on, land_on, first_meal_on (each with its ends), cost_eur, chance (with its ends),
    quarters (that the procedure keeps the team busy), brings (kg of the goal's groups expected at
    the date). `kg`: (options, crops) expected at the date, chance counted. `crops`: their names.
    """

    table: pd.DataFrame
    kg: Numbers
    crops: list[str]


def usable_routes(
    routes: pd.DataFrame, blocks: pd.DataFrame, risk: float | None = None
) -> pd.DataFrame:
    """Return the routes that may be counted, ordered: not closed, dated, priced, with a chance.

    Parameters
    ----------
    routes, blocks : DataFrame
        Tables of those names.
    risk : float, optional
        Greatest chance of failure, 0 to 1.

    Returns
    -------
    DataFrame
        Columns of `routes` that a plan reads, with the block's stage and ends of dates and chance.
    """
    open_ = ~routes["answer"].astype("boolean").eq(False).fillna(value=False).astype(bool)
    kept = [name for name in READ if name in routes.columns]
    # Some columns alone: routes come by the million, with long texts; names may be categories.
    table = routes.loc[open_, kept].astype(dict.fromkeys(READ[:3], "str"))
    for column in NEEDED:
        if column not in table.columns:
            table[column] = np.nan
    table = table[table[list(NEEDED)].notna().all(axis=1)]
    for name in ("land_on", "first_meal_on", "chance"):
        for end in ("_low", "_high"):
            given = table.get(f"{name}{end}", table[name])
            table[f"{name}{end}"] = given.where(given.notna(), table[name])
    stages = blocks.set_index(blocks["block_id"].astype(str))["stage"]
    table = table.assign(block_id=table["block_id"].astype(str))
    table = table[table["block_id"].isin(stages.index)]
    table["stage"] = table["block_id"].map(stages)
    if risk is not None:
        table = table[table["chance"] >= 1 - risk - 1e-12]
    dates = [f"{name}{end}" for name in ("land_on", "first_meal_on", "chance") for end in ENDS]
    named = ["block_id", "instrument", "title", "answer", "order", "stage", "cost_eur", *dates]
    return table[named].sort_values(["block_id", "order", "instrument"], ignore_index=True)


def in_time(  # noqa: PLR0913
    routes: pd.DataFrame,
    harvest: pd.DataFrame,
    wanted: set[str],
    day: dt.date,
    by: dt.date | None,
    *,
    starts: int = 1,
) -> Options:
    """Return the openings that bring something of the wanted groups at a date.

    A start put off by n quarters puts off the land by as much, and the first meal by whole years:
    seasons do not move (prudent).

    Parameters
    ----------
    routes : DataFrame
        As `usable_routes` gives them.
    harvest : DataFrame
        block_id, crop, food_group, kg (cruise, a year) with ends.
    wanted : set of str
        Food groups of the goal.
    day, by : date
        First start, and when the harvest is counted; None: in cruise years, whenever.
    starts : int
        Quarters in which a procedure may start, from `day` on; of many openings, one in four.
    """
    crops = sorted(harvest.loc[harvest["food_group"].isin(wanted), "crop"].unique())
    kept = harvest[harvest["food_group"].isin(wanted)]
    table = routes[routes["block_id"].isin(set(kept["block_id"]))].reset_index(drop=True)
    days = (table["land_on"] - pd.Timestamp(day)).dt.days
    table["quarters"] = np.maximum(np.ceil(days / DAYS_A_QUARTER), 1).astype(int)
    table["start"] = 0
    table["starts_on"] = pd.Timestamp(day)
    whole = brought(table, kept, crops, by)
    table["brings"] = whole.sum(axis=1)
    some = (table["brings"] > 0).to_numpy()
    table = table[some].reset_index(drop=True)
    table = table[_unbeaten(table)].reset_index(drop=True)
    if starts > 1:
        step = 1 if len(table) * starts <= MANY else QUARTERS_A_YEAR
        later = [postponed(table, start) for start in range(0, starts, step)]
        table = pd.concat(later, ignore_index=True)
        table = table.sort_values(
            ["block_id", "order", "instrument", "start"], kind="stable", ignore_index=True
        )
    kg = brought(table, kept, crops, by)
    table["brings"] = kg.sum(axis=1)
    some = (table["brings"] > 0).to_numpy()
    return Options(table[some].reset_index(drop=True), kg[some], crops)


def postponed(table: pd.DataFrame, start: int) -> pd.DataFrame:
    """Return routes started so many quarters later, their dates put off."""
    months = pd.DateOffset(months=MONTHS_A_QUARTER * start)
    years = pd.DateOffset(years=math.ceil(start / QUARTERS_A_YEAR))
    moved: dict[str, Any] = {"starts_on": table["starts_on"] + months, "start": start}
    moved |= {f"land_on{end}": table[f"land_on{end}"] + months for end in ENDS}
    moved |= {f"first_meal_on{end}": table[f"first_meal_on{end}"] + years for end in ENDS}
    return table.assign(**moved)


def brought(
    table: pd.DataFrame,
    harvest: pd.DataFrame,
    crops: list[str],
    by: dt.date | None,
    end: str = "",
) -> Numbers:
    """Return the kg a year that each opening may be expected to bring at a date, by crop.

    The chance to succeed is counted, and the first years of the crop (ramp.toml); nothing before
    the first meal. Low ends take late dates.

    Returns
    -------
    ndarray of shape (options, crops)
    """
    late = OTHER_END[end]
    land, meal = table[f"land_on{late}"], table[f"first_meal_on{late}"]
    if by is None:
        years = np.full(len(table), CRUISE)
    else:
        on = pd.Timestamp(by)
        passed = (land.dt.month > on.month) | ((land.dt.month == on.month) & (land.dt.day > on.day))
        years = (on.year - land.dt.year - passed.astype(int) + 1).to_numpy()
        years = np.where((land <= on) & (meal <= on), np.maximum(years, 0), 0)
    rows = table[["block_id", "stage"]].assign(
        at=np.arange(len(table)), year=years, chance=table[f"chance{end}"].to_numpy(dtype=float)
    )
    pairs = rows.merge(harvest[["block_id", "crop", f"kg{end}"]], on="block_id")
    column = pairs["crop"].map({name: n for n, name in enumerate(crops)})
    pairs = pairs[column.notna()]
    cases = pairs[["year", "stage", "crop"]].drop_duplicates()
    which = {"_low": 0, "": 1, "_high": 2}[end]
    share = [
        ramp(int(year), None if pd.isna(stage) else str(stage), str(crop))[which]
        for year, stage, crop in cases.itertuples(index=False, name=None)
    ]
    pairs = pairs.merge(cases.assign(share=share), on=["year", "stage", "crop"], how="left")
    kg = np.zeros((len(table), len(crops)))
    places = (
        pairs["at"].to_numpy(dtype=np.int64),
        pairs["crop"].map({name: n for n, name in enumerate(crops)}).to_numpy(dtype=np.int64),
    )
    weighed = pairs[f"kg{end}"] * pairs["share"] * pairs["chance"]
    np.add.at(kg, places, weighed.to_numpy(dtype=float))
    return kg


def _unbeaten(table: pd.DataFrame) -> NDArray[np.bool_]:
    """Mark the routes of each block that none beats, the best few of them."""
    kept = np.zeros(len(table), dtype=bool)
    worse = np.column_stack(
        [
            table["cost_eur"].to_numpy(dtype=float),
            table["quarters"].to_numpy(dtype=float),
            table["land_on"].to_numpy().astype("datetime64[D]").astype(float),
            table["first_meal_on"].to_numpy().astype("datetime64[D]").astype(float),
            -table["chance"].to_numpy(dtype=float),
            -table["brings"].to_numpy(dtype=float),
        ]
    )
    for found in table.groupby("block_id", sort=True).indices.values():
        places = np.asarray(found, dtype=np.int64)
        rows = worse[places]
        no_worse = (rows[:, None] <= rows[None]).all(axis=2)
        better = (rows[:, None] < rows[None]).any(axis=2)
        earlier = np.arange(len(rows))[:, None] < np.arange(len(rows))[None]
        beaten = (no_worse & (better | earlier)).any(axis=0)
        kept[_best_few(places[~beaten], worse)] = True
    return kept


def _best_few(places: NDArray[np.int64], worse: Numbers) -> NDArray[np.int64]:
    """Return the cheapest half, then those that bring most; the table's order breaks ties."""
    if len(places) <= ROUTES_A_BLOCK:
        return places
    cheap = places[np.argsort(worse[places, 0], kind="stable")[: ROUTES_A_BLOCK // 2]]
    rest = places[~np.isin(places, cheap)]
    most = rest[np.argsort(worse[rest, -1], kind="stable")[: ROUTES_A_BLOCK - len(cheap)]]
    return np.concatenate([cheap, most])

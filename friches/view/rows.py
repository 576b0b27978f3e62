"""Rows of a result's tables, gathered by block: what map, register, workbook and sheets tell."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from friches import tables
from friches.studyfile import TOLD_IN_FULL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from friches.result import Result

Three = tuple[float, float, float]
THREE = ["meals_low", "meals", "meals_high"]
ROOM = 1.01
"""Share of a block's area up to which its crops fit on it together: areas are rounded."""


class Told(NamedTuple):
    """A block with what stands beside it.

    Attributes
    ----------
    block : dict
        Its row, outline aside.
    eaten : (float, float, float) or None
        Meals a year: low, central, high.
    route : dict
        The first route in the advised order that is not closed; {} where there is none.
    match : dict
        The farm and canteen proposed; {} where there are none.
    farm, canteen : str or None
        Their names.
    """

    block: dict[str, Any]
    eaten: Three | None
    route: dict[str, Any]
    match: dict[str, Any]
    farm: str | None
    canteen: str | None


def first_blocks(result: Result, most: int = TOLD_IN_FULL) -> Result:
    """Return the result with no more than its first blocks by rank, and their rows alone.

    Parameters
    ----------
    result : Result
    most : int
        Blocks kept.

    Returns
    -------
    Result
        `result` itself where it has no more blocks than `most`. Else every table that names a
        block keeps the rows of those kept; what is told of parcels and places stays whole.
    """
    if len(result.blocks) <= most:
        return result
    blocks = sorted_blocks(result).iloc[:most]
    cut: dict[str, Any] = {}
    for name, described in tables.TABLES.items():
        table = getattr(result, name, None)
        if table is None or all(column.name != "block_id" for column in described.columns):
            continue
        cut[name] = table[table["block_id"].isin(blocks["block_id"])]
    return replace(result, **(cut | {"blocks": blocks}))


def gathered(result: Result) -> Iterator[Told]:
    """Yield each block by rank, with its meals, advised route, farm and canteen."""
    eaten = eaten_by_block(result)
    routes = advised(result)
    matches = {row["block_id"]: row for row in records(result.matches)}
    farms = dict(zip(result.farmers["farmer_id"], result.farmers["name"], strict=True))
    canteens = dict(zip(result.canteens["canteen_id"], result.canteens["name"], strict=True))
    for block in records(sorted_blocks(result)):
        name = block["block_id"]
        match = matches.get(name, {})
        yield Told(
            block,
            eaten.get(name),
            routes.get(name, {}),
            match,
            farms.get(match.get("farmer_id")),
            canteens.get(match.get("canteen_id")),
        )


def advised(result: Result) -> dict[str, dict[str, Any]]:
    """Return, by block, its first route in the advised order that is not closed."""
    left = result.routes[result.routes["answer"].fillna(value=True).astype(bool)]
    first = left.sort_values(["block_id", "order"]).drop_duplicates("block_id")
    return {str(row["block_id"]): row for row in records(first)}


def rows_of(table: pd.DataFrame, column: str) -> dict[Any, pd.DataFrame]:
    """Return the rows of each value of `column`, in the table's order."""
    return dict(iter(table.groupby(column, sort=False, observed=True)))


def records_of(table: pd.DataFrame, column: str) -> dict[Any, list[dict[str, Any]]]:
    """Return the rows of each value of `column` as dictionaries, in the table's order."""
    names = [str(name) for name in table.columns]
    found: dict[Any, list[dict[str, Any]]] = {}
    for row in zip(*(_values(table[name]) for name in names), strict=True):
        said = dict(zip(names, row, strict=True))
        found.setdefault(said[column], []).append(said)
    return found


def _values(column: pd.Series[Any]) -> list[Any]:
    """Return a column's values; texts and dates, which many rows share, are made once each."""
    if column.dtype.kind in "fib" or not len(column):
        return column.tolist()
    codes, kept = pd.factorize(column)
    absent = column[codes < 0].iloc[:1].tolist() or [None]
    values = [*kept.astype(object), *absent]  # -1 reads the last one
    return [values[code] for code in codes.tolist()]


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows as dictionaries, outlines aside."""
    columns = [str(column) for column in table.columns if column != "geometry"]
    return [
        dict(zip(columns, row, strict=True))
        for row in zip(*(table[c] for c in columns), strict=True)
    ]


def block_meals(meals: pd.DataFrame, area_ha: float) -> Three | None:
    """Return a block's meals a year (low, central, high), or None where nothing is known.

    Crops that fit together on the block are added up; crops that are alternatives (their areas
    exceed the block's) are not: the best one at the centre counts.
    """
    if meals.empty:
        return None
    together = meals["area_ha"].sum() <= area_ha * ROOM
    counted = meals if together else meals.loc[[meals["meals"].idxmax()]]
    return (
        float(counted["meals_low"].sum()),
        float(counted["meals"].sum()),
        float(counted["meals_high"].sum()),
    )


def eaten_by_block(result: Result, area: str | pd.Series[float] = "area_ha") -> dict[str, Three]:
    """Return `all_meals` by block, without those where nothing is known."""
    table = all_meals(result.meals, result.blocks, area)
    rows = zip(result.blocks["block_id"], table.itertuples(index=False, name=None), strict=True)
    known = set(result.meals["block_id"])
    return {name: row for name, row in rows if name in known}


def all_meals(
    meals: pd.DataFrame, blocks: pd.DataFrame, area: str | pd.Series[float] = "area_ha"
) -> pd.DataFrame:
    """Return the meals a year of every block: meals_low, meals, meals_high, in the blocks' order.

    The rule is that of `block_meals`; missing where nothing is known.

    Parameters
    ----------
    meals, blocks : DataFrame
        Tables of those names.
    area : str or Series
        The blocks' area (ha), or its column.
    """
    given = blocks[area] if isinstance(area, str) else area
    meals = meals.reset_index(drop=True)
    by = meals.groupby("block_id", observed=True)
    sums = by[["area_ha", *THREE]].sum()
    best = meals.loc[by["meals"].idxmax(), ["block_id", *THREE]].set_index("block_id")[THREE]
    areas = given.set_axis(blocks["block_id"]).reindex(sums.index)
    together = sums["area_ha"] <= areas * ROOM
    counted = sums[THREE].where(together, best)
    return counted.reindex(blocks["block_id"]).set_axis(blocks.index).astype("float64")


def sorted_blocks(result: Result) -> Any:
    """Return the blocks from the most likely fallow to the least."""
    return result.blocks.sort_values(["rank", "block_id"])

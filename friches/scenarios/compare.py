"""What moves between two results: blocks, routes, dates, costs, meals; and routes side by side."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Protocol

import pandas as pd

from friches.errors import refuse
from friches.keep import read_table
from friches.scenarios.openings import KEY
from friches.scenarios.timeline import SUFFIXES

if TYPE_CHECKING:
    from pathlib import Path

TABLES = ("blocks", "routes", "matches")
COLUMNS = {
    "block_id": "str",
    "instrument": "str",
    "title": "str",
    "what": "str",
    "before": "str",
    "after": "str",
    "change": "float64",
    "unit": "str",
    "text": "str",
}
STATES = {True: "ouverte", False: "fermée"}


class Tables(Protocol):
    """What is compared: a `Result`, or the tables of a folder of results (`read_result`)."""

    blocks: Any
    routes: pd.DataFrame
    matches: pd.DataFrame


def read_result(folder: Path) -> Tables:
    """Return the tables of a folder that `friches run` wrote.

    Raises
    ------
    InputError
        When the folder has no such tables.
    """
    paths = {name: folder / "tables" / f"{name}.parquet" for name in TABLES}
    absent = [path.name for path in paths.values() if not path.is_file()]
    if absent:
        raise refuse(
            f"tables absentes : {', '.join(absent)}", folder, "donner un dossier de résultats"
        )
    found: Tables = SimpleNamespace(**{name: read_table(path) for name, path in paths.items()})
    return found


def compare(result: Tables, other: Tables) -> pd.DataFrame:
    """Return what moves from one result to another.

    Parameters
    ----------
    result, other : Result or tables
        Before and after.

    Returns
    -------
    DataFrame
        One row a change: block_id, instrument (the route; « » for the block itself, both « » for
        the territory), title, what (îlot, ouverture, voie conseillée, terre, premier repas, coût,
        financement, repas), before, after, change (days, euros or meals; missing where it is no
        number), unit, text (the sentence). Rows by block, route, then what; none: nothing moves.
    """
    rows = [*_blocks(result, other), *_routes(result, other), *_meals(result, other)]
    table = pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)
    return table.sort_values(["block_id", "instrument", "what"], ignore_index=True)


def _row(  # noqa: PLR0913 -- the columns of one row
    what: str,
    before: str,
    after: str,
    *,
    block: str = "",
    route: tuple[str, str] = ("", ""),
    change: float | None = None,
    unit: str = "",
) -> dict[str, Any]:
    moved = f" ({change:+,.0f} {unit})".replace(",", "\u202f") if change is not None else ""
    place = " · ".join(part for part in (block or "Territoire", route[1]) if part)
    return {
        "block_id": block,
        "instrument": route[0],
        "title": route[1],
        "what": what,
        "before": before,
        "after": after,
        "change": change,
        "unit": unit,
        "text": f"{place} — {what} : {before} → {after}{moved}",
    }


def _blocks(result: Tables, other: Tables) -> list[dict[str, Any]]:
    before, after = (set(tables.blocks["block_id"].astype("str")) for tables in (result, other))
    said = [_row("îlot", "présent", "absent", block=block) for block in sorted(before - after)]
    return said + [_row("îlot", "absent", "présent", block=b) for b in sorted(after - before)]


def _routes(result: Tables, other: Tables) -> list[dict[str, Any]]:
    both = result.routes.merge(other.routes, on=KEY, how="inner", suffixes=("_0", "_1"))
    rows: list[dict[str, Any]] = []
    states = [
        [STATES.get(said, "à instruire") for said in both[f"answer_{n}"].astype("object")]
        for n in (0, 1)
    ]
    for n, (before, after) in enumerate(zip(*states, strict=True)):
        if before != after:
            rows.append(_row("ouverture", before, after, **_place(both, n)))
    rows += _advised(result, other)
    for what, column in (("terre", "land_on"), ("premier repas", "first_meal_on")):
        rows += _dates(both, what, column)
    rows += _costs(both)
    rows += _funding(both)
    return rows


def _place(both: pd.DataFrame, n: int) -> dict[str, Any]:
    row = both.iloc[n]
    return {"block": str(row["block_id"]), "route": (str(row["instrument"]), str(row["title_0"]))}


def _advised(result: Tables, other: Tables) -> list[dict[str, Any]]:
    first = [
        tables.routes.loc[tables.routes["order"] == 1, [*KEY, "title"]]
        .astype("str")
        .set_index("block_id")
        for tables in (result, other)
    ]
    both = first[0].merge(first[1], left_index=True, right_index=True, suffixes=("_0", "_1"))
    moved = both[both["instrument_0"] != both["instrument_1"]]
    return [
        _row("voie conseillée", str(row["title_0"]), str(row["title_1"]), block=str(block))
        for block, row in moved.iterrows()
    ]


def _dates(both: pd.DataFrame, what: str, column: str) -> list[dict[str, Any]]:
    pairs = [(f"{column}{end}_0", f"{column}{end}_1") for end in SUFFIXES]
    same = pd.Series(True, index=both.index)
    for before, after in pairs:
        same &= both[before].eq(both[after]) | (both[before].isna() & both[after].isna())
    rows = []
    for n in (~same).to_numpy().nonzero()[0].tolist():
        row = both.iloc[n]
        told = [" / ".join(_day(row[pair[side]]) for pair in pairs) for side in (0, 1)]
        days = row[f"{column}_1"] - row[f"{column}_0"]
        change = None if pd.isna(days) else float(days.days)
        rows.append(_row(what, *told, change=change, unit="jours", **_place(both, n)))
    return rows


def _day(value: Any) -> str:
    return "sans date" if pd.isna(value) else f"{value:%d/%m/%Y}"


def _costs(both: pd.DataFrame) -> list[dict[str, Any]]:
    if not {"cost_eur_0", "cost_eur_1"} <= set(both.columns):
        return []
    moved = (both["cost_eur_1"] - both["cost_eur_0"]).fillna(0).ne(0)
    return [
        _row(
            "coût",
            _euros(both["cost_eur_0"].iloc[n]),
            _euros(both["cost_eur_1"].iloc[n]),
            change=float(both["cost_eur_1"].iloc[n] - both["cost_eur_0"].iloc[n]),
            unit="€",
            **_place(both, n),
        )
        for n in moved.to_numpy().nonzero()[0].tolist()
    ]


def _euros(value: float) -> str:
    return f"{value:,.0f} €".replace(",", "\u202f")


def _funding(both: pd.DataFrame) -> list[dict[str, Any]]:
    if not {"funded_0", "funded_1"} <= set(both.columns):
        return []
    rows = []
    for block, told in both.groupby("block_id"):
        words = [_funded(told[f"funded_{n}"].iloc[0]) for n in (0, 1)]
        if words[0] != words[1]:
            rows.append(_row("financement", *words, block=str(block)))
    return rows


def _funded(value: Any) -> str:
    return "sans plafond" if pd.isna(value) else "payé" if value else "hors budget"


def _meals(result: Tables, other: Tables) -> list[dict[str, Any]]:
    """Return the blocks whose yearly meals move, and the territory's (of blocks paid for)."""
    said = [tables.matches.set_index("block_id")["meals"].fillna(0) for tables in (result, other)]
    both = pd.DataFrame({"before": said[0], "after": said[1]}).fillna(0).sort_index()
    rows = [_fed(row["before"], row["after"], str(block)) for block, row in both.iterrows()]
    totals = [
        float(meals[[_paid(tables).get(str(block), True) for block in meals.index]].sum())
        for meals, tables in zip(said, (result, other), strict=True)
    ]
    return [row for row in [*rows, _fed(totals[0], totals[1], "")] if row["change"]]


def _fed(before: float, after: float, block: str) -> dict[str, Any]:
    told = [f"{value:,.0f} par an".replace(",", "\u202f") for value in (before, after)]
    change = float(round(after) - round(before))
    return _row("repas", *told, block=block, change=change, unit="repas par an")


def _paid(tables: Tables) -> dict[str, bool]:
    if "funded" not in tables.routes:
        return {}
    said = tables.routes.drop_duplicates("block_id").set_index("block_id")["funded"]
    return {str(block): bool(value) for block, value in said.dropna().items()}

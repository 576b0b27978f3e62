"""Which routes are open to each block: rulings of its parcels counted, what closes, what to ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from friches.facts import dictionary
from friches.judge import version_on
from friches.scenarios.rule import instruments

if TYPE_CHECKING:
    import datetime as dt

    from friches.judge import Version

KEY = ["block_id", "instrument"]
TEXTS = ("condition", "found", "needed", "question", "whom")
READ = ("parcel_id", "instrument", "answer", *TEXTS)


def openings(
    blocks: pd.DataFrame, members: pd.DataFrame, rulings: pd.DataFrame, day: dt.date
) -> pd.DataFrame:
    """Count the verdicts of each block's parcels for each instrument.

    Returns
    -------
    DataFrame
        One row a block and instrument: block_id, instrument, answer (all yes: yes; all no: no; else
        unknown), n_yes, n_no, n_unknown (a parcel without ruling is unknown), why_closed, to_ask.
    """
    names = pd.DataFrame({"instrument": list(instruments())}, dtype="str")
    grid = blocks[["block_id"]].astype("str").merge(names, how="cross")
    told = rulings[list(READ)].merge(members[["parcel_id", "block_id"]], on="parcel_id")
    # a few sentences and many rows: grouped as categories, joined once for each block
    told = told.astype(dict.fromkeys([*TEXTS, "block_id", "instrument"], "category"))
    verdicts = told[told["condition"] == "verdict"]
    for answer, column in ((True, "n_yes"), (False, "n_no")):
        said = verdicts[verdicts["answer"].eq(answer).fillna(False)]
        found = said.groupby(KEY, observed=True).size().rename(column).reset_index()
        grid = grid.merge(found.astype(dict.fromkeys(KEY, "str")), on=KEY, how="left")
        grid[column] = grid[column].fillna(0).astype("Int64")
    sizes = members.groupby("block_id").size()
    total = grid["block_id"].map(sizes).astype("Int64")
    grid["n_unknown"] = total - grid["n_yes"] - grid["n_no"]
    grid["answer"] = pd.Series(pd.NA, index=grid.index, dtype="boolean")
    grid.loc[grid["n_yes"] == total, "answer"] = True
    grid.loc[grid["n_no"] == total, "answer"] = False
    grid = grid.merge(_closed(told, verdicts, day, sizes), on=KEY, how="left")
    grid = grid.merge(_asked(told, verdicts), on=KEY, how="left")
    grid = grid.astype({"why_closed": "str", "to_ask": "str"})
    partly = (grid["n_no"] > 0) & grid["answer"].isna()
    note = "voie fermée pour une partie de l'îlot : " + grid["why_closed"]
    grid["why_closed"] = grid["why_closed"].mask(partly, note)
    return grid


def _answered(told: pd.DataFrame, verdicts: pd.DataFrame, answer: bool | None) -> pd.DataFrame:
    kept = verdicts["answer"].isna() if answer is None else (verdicts["answer"] == answer)
    chosen = verdicts.loc[kept.fillna(False), ["parcel_id", "instrument"]]
    return told.merge(chosen, on=["parcel_id", "instrument"])


def _closed(
    told: pd.DataFrame, verdicts: pd.DataFrame, day: dt.date, sizes: pd.Series[int]
) -> pd.DataFrame:
    rows = _answered(told, verdicts, answer=False)
    closing = np.zeros(len(rows), dtype=bool)
    labels: dict[tuple[str, str], str] = {}
    for name, document in instruments().items():
        version = version_on(document, day)
        closing |= (rows["instrument"] == name).to_numpy() & _closes(rows, version)
        labels |= {(name, c.id): dictionary()[c.fact].label for c in version.conditions}
    cases = _cases(rows[closing], ["condition", "found", "needed"])
    if cases.empty:
        return _joined(cases, "why_closed")
    cases["said"] = [
        f"{labels[instrument, condition]} : {found} (exigé : {needed})"
        for instrument, condition, found, needed in cases[
            ["instrument", "condition", "found", "needed"]
        ].itertuples(index=False, name=None)
    ]
    total = cases["block_id"].map(sizes)
    share = " — " + cases["n"].astype("str") + " parcelle(s) sur " + total.astype("str")
    cases["said"] = (cases["said"] + share).where(total > 1, cases["said"])
    return _joined(cases, "why_closed")


def _closes(rows: pd.DataFrame, version: Version) -> np.ndarray:
    """Mark rows that close a route by themselves, or with the other ways when all are closed."""
    own = {c.id for c in version.condition}
    bars = {c.id for c in version.bar}
    ways = [way.id for way in version.way]
    inner = {c.id for way in version.way for c in way.condition}
    named = rows["condition"]
    no, yes = rows["answer"].eq(False).fillna(False), rows["answer"].eq(True).fillna(False)
    shut = no & named.isin(ways)
    by_parcel = [rows["parcel_id"], rows["instrument"]]
    all_shut = shut.groupby(by_parcel, observed=True).transform("sum").eq(len(ways)) & bool(ways)
    closes = no & named.isin(own) | yes & named.isin(bars) | no & named.isin(inner) & all_shut
    return closes.to_numpy(dtype=bool)


def _asked(told: pd.DataFrame, verdicts: pd.DataFrame) -> pd.DataFrame:
    rows = _answered(told, verdicts, answer=None)
    cases = _cases(rows[rows["question"].notna()], ["question", "whom"])
    whom = cases["whom"].fillna("à préciser")
    return _joined(cases.assign(said=cases["question"] + " (" + whom + ")"), "to_ask")


def _cases(rows: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Count the parcels of each block that share the same texts, in the law's order."""
    grouped = rows.groupby([*KEY, *by], sort=False, observed=True, dropna=False)
    cases = grouped["parcel_id"].nunique().rename("n").reset_index()
    return cases.astype(dict.fromkeys([*KEY, *by], "str"))


def _joined(cases: pd.DataFrame, column: str) -> pd.DataFrame:
    if cases.empty:
        return pd.DataFrame({name: pd.Series(dtype="str") for name in (*KEY, column)})
    joined = cases.assign(said=cases["said"].astype("str")).groupby(KEY, sort=True)["said"]
    return joined.agg(" ; ".join).rename(column).astype("str").reset_index()

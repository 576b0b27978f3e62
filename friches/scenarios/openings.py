"""Which routes are open to each block: rulings of its parcels counted, what closes, what to ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from friches.facts import DTYPES, dictionary
from friches.grammar import builds_on
from friches.judge import version_on
from friches.scenarios.rule import facts_named, rule

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Hashable, Mapping

    import numpy as np

    from friches.judge import Document, Version
    from friches.scenarios.routebook import Leg
    from friches.scenarios.setting import Setting

KEY = ["block_id", "instrument"]
TEXTS = ("condition", "found", "needed", "question", "whom")
READ = ("parcel_id", "answer", *TEXTS)
CASE = ["parcel_id", "instrument"]


def openings(  # noqa: PLR0913, PLR0917 -- one table a stage before it
    blocks: pd.DataFrame,
    members: pd.DataFrame,
    rulings: pd.DataFrame,
    facts: pd.DataFrame,
    day: dt.date,
    here: Setting,
) -> pd.DataFrame:
    """Count the verdicts of each block's parcels for each route.

    A parcel is open to a route when it is to all its needed legs, closed when it is to one.

    Returns
    -------
    DataFrame
        One row a block and route: block_id, instrument (the route's id), answer (all yes: yes; all
        no: no; else unknown), n_yes, n_no, n_unknown (a parcel without ruling is unknown),
        why_closed, to_ask (questions of the gates too, unless the route is closed).
    """
    names = pd.DataFrame({"instrument": list(here.routes)}, dtype="str")
    grid = blocks[["block_id"]].astype("str").merge(names, how="cross")
    told = _told(members, rulings, facts, day, here)
    verdicts = _verdicts(told)
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
    grid = grid.merge(_closed(told, verdicts, day, sizes, here), on=KEY, how="left")
    left = grid.loc[~grid["answer"].eq(False).fillna(value=False).astype(bool), KEY]
    gated = _gated(members, rulings, here)
    also = {(b, r): gated[b] for b, r in left.itertuples(index=False, name=None) if b in gated}
    asked = _asked(told, verdicts, day, here)
    grid = grid.merge(_joined(asked, "to_ask", also), on=KEY, how="left")
    grid = grid.astype({"why_closed": "str", "to_ask": "str"})
    partly = (grid["n_no"] > 0) & grid["answer"].isna()
    note = "voie fermée pour une partie de l'îlot : " + grid["why_closed"]
    grid["why_closed"] = grid["why_closed"].mask(partly, note)
    return grid


def _told(
    members: pd.DataFrame, rulings: pd.DataFrame, facts: pd.DataFrame, day: dt.date, here: Setting
) -> pd.DataFrame:
    """Return the rulings of every needed leg of every route, with the facts that it supposes."""
    read = {"": _by_document(rulings)}
    parts = []
    for name, route in here.routes.items():
        for leg in route.leg:
            if not leg.needed:
                continue
            supposed = f"{leg.instrument} {sorted(leg.supposes.items())}" if leg.supposes else ""
            if supposed not in read:
                documents = _with_those_read(leg.instrument, here)
                again = rule(_supposed(facts, members, leg), day, documents)
                read[supposed] = _by_document(again)
            rows = read[supposed].get(leg.instrument)
            if rows is not None:
                parts.append(rows.assign(leg=leg.instrument, instrument=name))
    told = pd.concat(parts) if parts else rulings[[*READ, "instrument"]].iloc[:0].assign(leg="")
    told = told.astype(dict.fromkeys([*TEXTS, "leg", "instrument"], "str"))
    told = told.merge(members[["parcel_id", "block_id"]], on="parcel_id")
    # a few sentences and many rows: grouped as categories, joined once for each block
    return told.astype(dict.fromkeys([*TEXTS, "leg", "instrument", "block_id"], "category"))


def _by_document(rulings: pd.DataFrame) -> dict[Hashable, pd.DataFrame]:
    return dict(list(rulings[[*READ, "instrument"]].groupby("instrument", observed=True)))


def _with_those_read(name: str, here: Setting) -> dict[str, Document]:
    """Return a document and all those whose verdicts it builds on, however far."""
    found = {name: here.documents[name]}
    for other in builds_on(found[name]):
        found |= _with_those_read(other, here)
    return found


def _supposed(facts: pd.DataFrame, members: pd.DataFrame, leg: Leg) -> pd.DataFrame:
    rows = facts[facts["parcel_id"].isin(members["parcel_id"])]
    for name, value in leg.supposes.items():
        fact = dictionary()[name]
        column = pd.Series([value] * len(rows), index=rows.index, dtype=DTYPES[fact.kind])
        ends = ("_low", "_high") if fact.bounded else ("",)
        rows = rows.assign(**{f"{name}{end}": column for end in ends})
    return rows


def _verdicts(told: pd.DataFrame) -> pd.DataFrame:
    """Return the verdict of each parcel for each route: that of all its needed legs together."""
    rows = told[told["condition"] == "verdict"]
    answer = rows["answer"].astype("boolean")
    said = rows[[*CASE, "block_id"]].assign(
        yes=answer.fillna(value=False).astype(bool), no=(~answer).fillna(value=False).astype(bool)
    )
    found = said.groupby([*CASE, "block_id"], observed=True).agg(
        yes=("yes", "all"), no=("no", "any")
    )
    verdicts = found.reset_index()
    settled = verdicts["yes"] | verdicts["no"]
    verdicts["answer"] = verdicts["yes"].astype("boolean").where(settled)
    return verdicts.drop(columns=["yes", "no"])


def _answered(told: pd.DataFrame, verdicts: pd.DataFrame, answer: bool | None) -> pd.DataFrame:
    """Return the rows of legs that answer so, for parcels whose route answers so."""
    legs = told.loc[told["condition"] == "verdict", [*CASE, "leg", "answer"]]
    for rows, by in ((verdicts, CASE), (legs, [*CASE, "leg"])):
        kept = rows["answer"].isna() if answer is None else rows["answer"].eq(answer)
        told = told.merge(rows.loc[kept.fillna(value=False).astype(bool), by], on=by)
    return told


def _closed(
    told: pd.DataFrame, verdicts: pd.DataFrame, day: dt.date, sizes: pd.Series[int], here: Setting
) -> pd.DataFrame:
    rows = _answered(told, verdicts, answer=False)
    closing = pd.Series(False, index=rows.index)
    labels: dict[tuple[str, str], str] = {}
    known = facts_named(here.documents)
    for name, of_leg in rows.groupby("leg", observed=True):
        version = version_on(here.documents[str(name)], day)
        closing.loc[of_leg.index] = _closes(of_leg, version)
        labels |= {(str(name), c.id): known[c.fact].label for c in version.conditions}
    cases = _cases(rows[closing], ["leg", "condition", "found", "needed"])
    if cases.empty:
        return _joined(cases, "why_closed")
    cases["said"] = [
        f"{labels[leg, condition]} : {found} (exigé : {needed})"
        for leg, condition, found, needed in cases[
            ["leg", "condition", "found", "needed"]
        ].itertuples(index=False, name=None)
    ]
    total = cases["block_id"].map(sizes)
    share = " — " + cases["n"].astype("str") + " parcelle(s) sur " + total.astype("str")
    cases["said"] = (cases["said"] + share).where(total > 1, cases["said"])
    return _joined(cases, "why_closed")


def _closes(rows: pd.DataFrame, version: Version) -> np.ndarray:
    """Mark rows that close a leg by themselves, or with the other ways when all are closed."""
    own = {c.id for c in version.condition}
    bars = {c.id for c in version.bar}
    ways = [way.id for way in version.way]
    inner = {c.id for way in version.way for c in way.condition}
    named = rows["condition"]
    no, yes = rows["answer"].eq(False).fillna(False), rows["answer"].eq(True).fillna(False)
    shut = no & named.isin(ways)
    by_parcel = [rows["parcel_id"], rows["instrument"]]
    count = shut.groupby(by_parcel, observed=True).transform("sum") if ways else shut.astype(int)
    all_shut = count.eq(len(ways)) & bool(ways)
    closes = no & named.isin(own) | yes & named.isin(bars) | no & named.isin(inner) & all_shut
    return closes.to_numpy(dtype=bool)


def _asked(told: pd.DataFrame, verdicts: pd.DataFrame, day: dt.date, here: Setting) -> pd.DataFrame:
    rows = _answered(told, verdicts, answer=None)
    idle = pd.Series(False, index=rows.index)
    for name, of_leg in rows.groupby("leg", observed=True):
        idle.loc[of_leg.index] = _idle(of_leg, version_on(here.documents[str(name)], day))
    cases = _cases(rows[rows["question"].notna() & ~idle], ["question", "whom"])
    return _questions(cases)


def _idle(rows: pd.DataFrame, version: Version) -> np.ndarray:
    """Mark the conditions of ways where another way is open already: nothing hangs on them."""
    inner = {c.id for way in version.way for c in way.condition}
    open_ = rows["condition"].isin({way.id for way in version.way}) & rows["answer"].eq(True)
    by_parcel = [rows["parcel_id"], rows["instrument"]]
    found = open_.fillna(value=False).astype(bool).groupby(by_parcel, observed=True)
    return (found.transform("any") & rows["condition"].isin(inner)).to_numpy(dtype=bool)


def _questions(cases: pd.DataFrame) -> pd.DataFrame:
    whom = cases["whom"].fillna("à préciser")
    return cases.assign(said=cases["question"] + " (" + whom + ")")


def _gated(members: pd.DataFrame, rulings: pd.DataFrame, here: Setting) -> dict[str, list[str]]:
    """Return what the gates that cross every route still ask of each block."""
    crossing = [name for name in here.advice["gate"] if name in here.gates]
    rows = rulings[rulings["instrument"].isin(crossing)]
    unknown = rows.loc[(rows["condition"] == "verdict") & rows["answer"].isna(), CASE]
    rows = rows[rows["question"].notna()].merge(unknown, on=CASE)
    rows = rows.merge(members[["parcel_id", "block_id"]], on="parcel_id")
    asked = _questions(rows[["block_id", "question", "whom"]].astype("str").drop_duplicates())
    found: dict[str, list[str]] = {}
    for block, said in zip(asked["block_id"], asked["said"], strict=True):
        found.setdefault(str(block), []).append(str(said))
    return found


def _cases(rows: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Count the parcels of each block that share the same texts, in the law's order."""
    grouped = rows.groupby([*KEY, *by], sort=False, observed=True, dropna=False)
    cases = grouped["parcel_id"].nunique().rename("n").reset_index()
    return cases.astype(dict.fromkeys([*KEY, *by], "str"))


def _joined(
    cases: pd.DataFrame, column: str, also: Mapping[tuple[str, str], list[str]] | None = None
) -> pd.DataFrame:
    """Join the different sentences of each block and route, then those of `also`."""
    told: dict[tuple[str, str], list[str]] = {}
    if len(cases):
        rows = (cases[name].astype("object").tolist() for name in (*KEY, "said"))
        for block, route, said in zip(*rows, strict=True):
            told.setdefault((block, route), []).append(said)
    for place, said in (also or {}).items():
        told[place] = told.get(place, []) + said
    joined = [(*place, " ; ".join(dict.fromkeys(said))) for place, said in sorted(told.items())]
    return pd.DataFrame(joined, columns=[*KEY, column], dtype="str")

"""Blocks that the law cannot tell apart: read once for all that are alike.

Parcels are alike when all that the law reads of them is; blocks, when their parcels are in turn,
and their stage and crops.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from friches.phrases import distinct
from friches.scenarios.needs import subjects
from friches.scenarios.rule import facts_read

if TYPE_CHECKING:
    import datetime as dt

    from numpy.typing import NDArray

    from friches.scenarios.setting import Setting

    Codes = NDArray[np.int64]


class Kinds(NamedTuple):
    """One block of each kind, with its parcels; `kind` is that of each block.

    `blocks` has a row a kind, `members` the parcels of those (each the first of its like, so that
    one may stand twice), `facts` what the law reads of them.
    """

    blocks: pd.DataFrame
    members: pd.DataFrame
    facts: pd.DataFrame
    kind: Codes


def names_read(day: dt.date, here: Setting) -> list[str]:
    """Return the facts that routes, their steps, dates and advice read, without bounds."""
    names: dict[str, None] = dict.fromkeys(["years_unused"])
    for document in here.documents.values():
        names |= dict.fromkeys(facts_read(document, day))
    names |= dict.fromkeys(subjects(day, here))
    for rule in here.advice["first"]:
        names |= dict.fromkeys(rule["when"])
    return sorted(names)


def kinds_of(
    blocks: pd.DataFrame, members: pd.DataFrame, facts: pd.DataFrame, day: dt.date, here: Setting
) -> Kinds:
    """Return one block of each kind.

    Parameters
    ----------
    blocks : DataFrame
        block_id, stage, crops (a number); by block_id.
    members, facts : DataFrame
        Tables of those names.
    day : date
        Day at which the law is read.
    here : Setting
        Law, routes and advice.
    """
    members = members[["parcel_id", "block_id"]].astype("str").sort_values("parcel_id")
    known = _narrowed(facts, members, day, here)
    columns = [pd.factorize(known[name])[0] for name in known if name != "parcel_id"]
    alike, first = distinct(columns, len(known))
    place = pd.Index(known["parcel_id"]).get_indexer(pd.Index(members["parcel_id"]))
    # a parcel without facts is like no other
    parcel = np.where(place >= 0, np.append(alike, 0)[place], len(first) + np.arange(len(place)))
    home = pd.Index(blocks["block_id"]).get_indexer(pd.Index(members["block_id"]))
    inside = np.argsort(home, kind="stable")
    inside = inside[home[inside] >= 0]
    kind, examples = _alike(blocks, parcel[inside], home[inside])
    kept = inside[np.isin(home[inside], examples)]
    told = members.iloc[kept]
    like = np.append(first, -1)[np.minimum(parcel[kept], len(first))]
    names = known["parcel_id"].to_numpy()[like]
    return Kinds(
        blocks.iloc[examples].reset_index(drop=True),
        told.assign(parcel_id=np.where(place[kept] >= 0, names, told["parcel_id"])).astype("str"),
        known.iloc[np.sort(first)].reset_index(drop=True),
        kind,
    )


def _narrowed(
    facts: pd.DataFrame, members: pd.DataFrame, day: dt.date, here: Setting
) -> pd.DataFrame:
    """Return what the law reads of the members."""
    columns = ["parcel_id"]
    for name in names_read(day, here):
        columns += [f"{name}{end}" for end in ("", "_low", "_high") if f"{name}{end}" in facts]
    rows = facts["parcel_id"].isin(members["parcel_id"])
    return facts.loc[rows, columns].sort_values("parcel_id", ignore_index=True)


def _alike(blocks: pd.DataFrame, parcel: Codes, home: Codes) -> tuple[Codes, Codes]:
    """Return the kind of each block, and the first block of each kind."""
    starts = np.searchsorted(home, np.arange(len(blocks) + 1)).tolist()
    stage = pd.factorize(blocks["stage"])[0].tolist()
    parcels, crops = parcel.tolist(), blocks["crops"].tolist()
    met: dict[tuple[int, ...], int] = {}
    kind = np.empty(len(blocks), dtype=np.int64)
    examples: list[int] = []
    for block in range(len(blocks)):
        key = (stage[block], crops[block], *parcels[starts[block] : starts[block + 1]])
        kind[block] = met.setdefault(key, len(met))
        if kind[block] == len(examples):
            examples.append(block)
    return kind, np.array(examples, dtype=np.int64)

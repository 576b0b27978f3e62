"""The law of a whole territory: every route of every block, at the cost of the kinds of blocks.

Blocks that the law cannot tell apart are read once (`kinds`), a few at a time; dates are made once
for each case that routes share (`cases`); what looks across blocks (prices, budget) is judged last,
on the whole. Steps and rulings, that are read one by one, are told of the first blocks alone.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from friches import tables
from friches.parts import joined
from friches.scenarios.cases import cases_of
from friches.scenarios.kinds import kinds_of
from friches.scenarios.routes import crops_of, inorder, opened_of, routes_of
from friches.scenarios.rule import rule
from friches.scenarios.stepbook import EXTRA, steps_of_blocks
from friches.studyfile import TOLD_IN_FULL

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable, Iterator

    from friches.scenarios.kinds import Kinds
    from friches.scenarios.setting import Setting

    Mapped = Callable[
        [Callable[["Chunk"], pd.DataFrame], Iterable["Chunk"]], Iterable[pd.DataFrame]
    ]

AT_ONCE = 2000


class Chunk(NamedTuple):
    """Blocks read at once: plain tables, fit to be sent to another process."""

    blocks: pd.DataFrame
    members: pd.DataFrame
    facts: pd.DataFrame


def law_of(  # noqa: PLR0913, PLR0917 -- one argument a table
    blocks: pd.DataFrame,
    members: pd.DataFrame,
    facts: pd.DataFrame,
    grown: pd.DataFrame,
    day: dt.date,
    here: Setting,
    told_in_full: int = TOLD_IN_FULL,
    at_once: int = AT_ONCE,
    mapped: Mapped = map,
) -> dict[str, pd.DataFrame]:
    """Return the routes of every block, and the steps and rulings of the first ones.

    Parameters
    ----------
    blocks, members, facts, grown : DataFrame
        Tables blocks, members, facts and meals.
    day : date
        First day of every procedure, and day at which the law is read.
    here : Setting
        Law, routes, chances, costs and budget.
    told_in_full : int
        Steps and rulings are those of so many blocks, by rank.
    at_once : int
        Kinds of blocks read at once. Tables do not depend on it.
    mapped : callable
        In place of `map`: gives the chunks to processes, and returns what comes of them in order.

    Returns
    -------
    dict of str to DataFrame
        rulings, steps, routes: tables of those names, as `rule` and `plan` return them.
    """
    if blocks.empty:
        empty = {"steps": tables.empty("steps", extra=EXTRA), "routes": tables.empty("routes")}
        return {"rulings": rule(facts.iloc[:0], day, here.documents)} | empty
    blocks = inorder(blocks)
    numbers, crops = crops_of(blocks["block_id"], grown)
    kinds = kinds_of(blocks.assign(crops=numbers), members, facts, day, here)
    read = mapped(partial(opened, day=day, here=here), list(chunks(kinds, at_once)))
    whole = joined(list(read))
    cases = cases_of(whole, crops, day, here)
    first = (blocks["rank"].rank(method="first") <= told_in_full).to_numpy()
    names = blocks.loc[first, "block_id"]
    steps = steps_of_blocks(list(names), kinds.kind[first], list(here.routes), cases)
    routes = routes_of(blocks, kinds.kind, whole, cases, facts, here)
    inside = members.loc[members["block_id"].astype("str").isin(names), "parcel_id"]
    return {
        "rulings": rule(facts[facts["parcel_id"].isin(inside)], day, here.documents),
        "steps": tables.check(steps, "steps", "étapes des voies"),
        "routes": tables.check(routes, "routes", "voies juridiques"),
    }


def chunks(kinds: Kinds, at_once: int) -> Iterator[Chunk]:
    """Yield the kinds of blocks a few at a time, with what the law reads of their parcels."""
    of_block = pd.Index(kinds.blocks["block_id"]).get_indexer(pd.Index(kinds.members["block_id"]))
    for start in range(0, len(kinds.blocks), at_once):
        inside = kinds.members[(of_block >= start) & (of_block < start + at_once)]
        yield Chunk(
            kinds.blocks.iloc[start : start + at_once],
            inside,
            kinds.facts[kinds.facts["parcel_id"].isin(inside["parcel_id"])],
        )


def opened(chunk: Chunk, day: dt.date, here: Setting) -> pd.DataFrame:
    """Judge the parcels of a chunk and open the routes of its blocks (`routes.opened_of`)."""
    rulings = rule(chunk.facts, day, here.documents)
    return opened_of(chunk.blocks, chunk.members, rulings, chunk.facts, day, here)

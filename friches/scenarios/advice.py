"""The recommended order of a block's routes: first the one whose conditions are really met.

The rules stand in routes/_advice.toml, each with its reason: facts of the block that call for a
route before the others; then the amicable before the constrained, what is open before what is not
settled, and the order each route says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Mapping

    from friches.scenarios.setting import Setting

KINDS = ("amiable", "contraint", "cadre")


def ranked(
    routes: pd.DataFrame, members: pd.DataFrame, facts: pd.DataFrame, here: Setting
) -> pd.DataFrame:
    """Return `order` (1 first) and `advice` (why the first one is) of each route of each block.

    Parameters
    ----------
    routes : DataFrame
        Columns block_id, instrument, answer, n_no, land_on.
    members, facts : DataFrame
        Tables of those names.
    here : Setting
        For the routes' kind and order, and the advice.

    Returns
    -------
    DataFrame
        Indexed as `routes`: order (Int64), advice (text, on the first row of each block).
    """
    advice = here.advice
    yes, no = (routes["answer"].eq(said).fillna(value=False).astype(bool) for said in (True, False))
    kinds = {name: KINDS.index(route.kind) for name, route in here.routes.items()}
    sort = routes[["block_id", "instrument", "land_on"]].assign(
        closed=no,
        kind=routes["instrument"].map(kinds).astype(int),
        state=(~yes).astype(int) + (~yes & (routes["n_no"] > 0)).astype(int),
        usual=routes["instrument"].map(_usual(here)).astype(int),
    )
    calls = _called(members, facts, advice)
    sort["called"] = len(advice["first"])
    left = sort.loc[~sort["closed"], ["block_id", "instrument", "state"]]
    rows = {(b, i): (n, s) for n, b, i, s in left.itertuples(name=None)}
    for block, numbers in calls.items():
        for number in numbers:
            wanted = [(block, name) for name in advice["first"][number]["routes"]]
            found = [rows[place] for place in wanted if place in rows]
            if found:
                sort.loc[min(found, key=lambda one: one[1])[0], "called"] = number
                break
    by = ["block_id", "closed", "called", "kind", "state", "usual", "land_on", "instrument"]
    inorder = sort.sort_values(by)
    order = (inorder.groupby("block_id").cumcount() + 1).reindex(routes.index)
    reasons = {n: said["reason"] for n, said in enumerate(advice["first"])}
    told = sort["called"].map(reasons).fillna(advice["otherwise"]["reason"])
    first = order.eq(1) & ~sort["closed"]
    text = told.astype("str").where(first)
    return pd.DataFrame({"order": order.astype("Int64"), "advice": text.astype("str")})


def _usual(here: Setting) -> dict[str, int]:
    said = here.advice["order"]["routes"]
    listed = {name: place for place, name in enumerate(said)}
    return {n: listed.get(n, len(said) + route.order) for n, route in here.routes.items()}


def _called(
    members: pd.DataFrame, facts: pd.DataFrame, advice: Mapping[str, Any]
) -> dict[str, list[int]]:
    """Return the numbers of the rules whose facts hold on more than the share of a block."""
    names = list(dict.fromkeys(name for rule in advice["first"] for name in rule["when"]))
    known = facts.reindex(columns=["parcel_id", *names])
    rows = members[["parcel_id", "block_id"]].merge(known, on="parcel_id", how="left")
    calls: dict[str, list[int]] = {}
    for number, rule in enumerate(advice["first"]):
        held = pd.Series(True, index=rows.index)
        for name, value in rule["when"].items():
            held &= rows[name].astype("boolean").eq(value).fillna(value=False).astype(bool)
        share = held.groupby(rows["block_id"]).mean()
        for block in share[share > advice["share_over"]].index:
            calls.setdefault(str(block), []).append(number)
    return calls

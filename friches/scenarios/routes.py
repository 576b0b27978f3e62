"""The ways to free each block: legal steps dated, then permits, clearing, harvest, first meal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from friches import tables
from friches.phrases import Texts, coded, worded
from friches.scenarios import cost
from friches.scenarios.advice import advice, called, ranked
from friches.scenarios.cases import cases_of
from friches.scenarios.legs import by_document
from friches.scenarios.needs import gate_states, holding, known, needs, recognisable
from friches.scenarios.openings import openings
from friches.scenarios.placed import Placed
from friches.scenarios.setting import Setting, setting
from friches.scenarios.stepbook import EXTRA, steps_of_blocks

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from friches.scenarios.cases import Cases, Crops

    Codes = NDArray[np.int64]


def plan(  # noqa: PLR0913, PLR0917 -- one table a stage before it
    blocks: pd.DataFrame,
    members: pd.DataFrame,
    rulings: pd.DataFrame,
    facts: pd.DataFrame,
    meals: pd.DataFrame,
    day: dt.date,
    here: Setting | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Date every step of every route not closed, and order the routes of each block.

    Parameters
    ----------
    blocks, members, rulings, facts, meals : DataFrame
        Tables of those names; rulings of every member parcel, as `rule` returns them.
    day : date
        First day of every procedure, and day at which the law is read.
    here : Setting, optional
        Law, routes, chances, costs and budget; by default those of the package.

    Returns
    -------
    steps, routes : DataFrame
        Tables of those names, their texts as categories; `instrument` is a route's id. Beyond their
        columns: steps has branch (text), optional and critical (boolean: on the critical path);
        routes has those of figures and reasons to compare them by (README: "Comparing routes").
    """
    here = here or setting()
    if blocks.empty:
        return tables.empty("steps", extra=EXTRA), tables.empty("routes")
    blocks = inorder(blocks)
    numbers, crops = crops_of(blocks["block_id"], meals)
    inside = members.sort_values("parcel_id")
    opened = opened_of(blocks.assign(crops=numbers), inside, rulings, facts, day, here)
    cases = cases_of(opened, crops, day, here)
    each = np.arange(len(blocks))
    steps = steps_of_blocks(list(blocks["block_id"]), each, list(here.routes), cases)
    routes = routes_of(blocks, each, opened, cases, facts, here)
    return (
        tables.check(steps, "steps", "étapes des voies"),
        tables.check(routes, "routes", "voies juridiques"),
    )


def inorder(blocks: pd.DataFrame) -> pd.DataFrame:
    """Return what the law reads of blocks, by name; without ranks, their order is their rank."""
    columns = ["block_id", "stage", "area_ha", "n_parcels", "rank"]
    table = pd.DataFrame(blocks).reindex(columns=columns).reset_index(drop=True)
    if "rank" not in blocks:
        table["rank"] = np.arange(1, len(table) + 1)
    table["block_id"] = table["block_id"].astype("str")
    return table.sort_values("block_id", ignore_index=True)


def crops_of(blocks: pd.Series[str], meals: pd.DataFrame) -> tuple[Codes, list[Crops]]:
    """Return the crops (and food groups) that each block may grow, as numbers in a list."""
    grown = meals.loc[meals["kg"] > 0, ["block_id", "crop", "food_group"]].astype("str")
    found: dict[str, list[tuple[str, str]]] = {}
    for block, crop, group in grown.itertuples(index=False, name=None):
        found.setdefault(block, []).append((crop, group))
    met: dict[Crops, int] = {}
    codes = [met.setdefault(tuple(sorted(found.get(name, []))), len(met)) for name in blocks]
    return np.array(codes, dtype=np.int64), list(met)


def opened_of(  # noqa: PLR0913, PLR0917 -- one table a stage before it
    blocks: pd.DataFrame,
    members: pd.DataFrame,
    rulings: pd.DataFrame,
    facts: pd.DataFrame,
    day: dt.date,
    here: Setting,
) -> pd.DataFrame:
    """Return every route of every block, and all that its dates and its rank depend on.

    Parameters
    ----------
    blocks : DataFrame
        block_id, stage, crops (a number).
    members : DataFrame
        parcel_id, block_id; the sentences of a block are told in the order of its rows.
    rulings, facts, day, here
        As for `plan`.

    Returns
    -------
    DataFrame
        One row a block and route, in the order of `blocks` and of `here.routes`: what `openings`
        returns, instrument, needs, gates, stage, recognisable, crops, called (a rule of advice).
    """
    placed = Placed.of(blocks, members)
    read = by_document(rulings, placed.parcels)
    opened = openings(placed, read, facts, day, here)
    said = known(placed, facts, read)
    routes = len(here.routes)
    limit = float(here.field["recognition"]["years_unused_at_least"])
    gates = gate_states(said, list(holding(here, day)))
    block = np.repeat(np.arange(len(blocks)), routes)
    opened["instrument"] = _each(list(here.routes), len(blocks))
    opened["needs"] = coded(needs(said, day, here))
    opened["gates"] = coded(Texts(gates.codes[block], gates.words))
    opened["stage"] = worded([None if pd.isna(one) else str(one) for one in blocks["stage"]])[block]
    opened["recognisable"] = recognisable(said, limit)[block]
    opened["crops"] = blocks["crops"].to_numpy()[block]
    opened["called"] = called(opened, said, here)
    return opened


def _each(texts: Sequence[str | None], blocks: int) -> pd.Categorical:
    """Return one text a route, block after block."""
    return worded(texts)[np.tile(np.arange(len(texts)), blocks)]


def routes_of(  # noqa: PLR0913, PLR0917 -- two tables, and how to read one by the other
    blocks: pd.DataFrame,
    kinds: Codes,
    opened: pd.DataFrame,
    cases: Cases,
    facts: pd.DataFrame,
    here: Setting,
) -> pd.DataFrame:
    """Return table `routes`: dates, order and advice of each kind of block, costs of each block.

    Parameters
    ----------
    blocks : DataFrame
        As `inorder` returns it.
    kinds : array of int, (blocks,)
        The block of `opened` that each is like.
    opened, cases
        As `opened_of` and `cases_of` return them.
    facts : DataFrame
        Table `facts` of the whole territory, for prices.
    here : Setting
        Law, routes, costs and budget.
    """
    routes = len(here.routes)
    told = _told(opened, cases, here)
    inside = np.argsort(told["order"].to_numpy().reshape(-1, routes), axis=1)
    places = (kinds[:, None] * routes + inside[kinds]).ravel()
    block = np.repeat(np.arange(len(blocks)), routes)
    made: dict[Any, Any] = {name: told[name].array.take(places) for name in told}
    names = Texts(block.astype(np.int32), list(blocks["block_id"]))
    price = cost.prices(facts, here.cost)
    made["block_id"] = coded(names)
    made |= cost.amounts(blocks, block, places % routes, price, here)
    advised = {name: made[name] for name in ("block_id", "order", "land_on", "cost_eur")}
    ranks = blocks.set_index("block_id")["rank"].astype(int)
    paid = cost.funded(pd.DataFrame(advised, copy=False), ranks, here.budget_eur)
    made["funded"] = paid.reindex(blocks["block_id"]).astype("boolean").array.take(block)
    named = [column.name for column in tables.TABLES["routes"].columns]
    return pd.DataFrame({name: made[name] for name in named}, copy=False)


def _told(opened: pd.DataFrame, cases: Cases, here: Setting) -> pd.DataFrame:
    """Return all that the blocks of a kind share, a row a route."""
    dates = cases.table.reindex(cases.case).reset_index(drop=True)  # -1: no such row
    order = ranked(opened, dates["land_on"].to_numpy(), here)
    counts = {name: opened[name].astype("Int64") for name in ("n_yes", "n_no", "n_unknown")}
    blocks = len(opened) // len(here.routes)
    said: dict[str, Any] = {
        "instrument": opened["instrument"],
        "order": pd.array(order, dtype="Int64"),
        "answer": opened["answer"],
        "why_closed": opened["why_closed"],
        "to_ask": opened["to_ask"],
        "advice": coded(advice(opened, order, here)),
    }
    return dates.assign(**said, **counts, **_said(here, blocks))


def _said(here: Setting, blocks: int) -> dict[str, Any]:
    """Return what each route says of itself, block after block."""
    said: dict[str, list[str | None]] = {
        "title": [route.title for route in here.routes.values()],
        "kind": [route.kind for route in here.routes.values()],
        "assumes": [route.assumes or None for route in here.routes.values()],
        "instruments": [" ; ".join(route.instruments) for route in here.routes.values()],
        "ends_in": [route.ends_in for route in here.routes.values()],
        "organic": [route.organic for route in here.routes.values()],
        "organic_strength": [route.organic_strength or None for route in here.routes.values()],
        "installed_farmer": [route.installed_farmer for route in here.routes.values()],
        "acts": [route.acts or None for route in here.routes.values()],
        "decides": [route.decides or None for route in here.routes.values()],
        "cost": [
            " ; ".join(filter(None, [route.cost, cost.told(name, here)])) or None
            for name, route in here.routes.items()
        ],
        "risks": [route.risks for route in here.routes.values()],
    }
    ranks = [
        r.farmer_rank if isinstance(r.farmer_rank, int) else None for r in here.routes.values()
    ]
    return {name: _each(texts, blocks) for name, texts in said.items()} | {
        "farmer_rank": pd.array(ranks * blocks, dtype="Int64")
    }

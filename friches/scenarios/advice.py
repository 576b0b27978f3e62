"""The recommended order of a block's routes: first the one whose conditions are really met.

The rules stand in routes/_advice.toml, each with its reason: facts of the block that call for a
route before the others; then the amicable before the constrained, what is open before what is not
settled, and the order each route says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from friches.phrases import Texts

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from friches.scenarios.needs import Known
    from friches.scenarios.setting import Setting

    Codes = NDArray[np.int64]

KINDS = ("amiable", "contraint", "cadre")
SHUT = 3


def called(opened: pd.DataFrame, said: Known, here: Setting) -> Codes:
    """Return the rule of advice that calls each route before the others of its block.

    Parameters
    ----------
    opened : DataFrame
        A row a block and route, block after block: columns answer, n_no.
    said : Known
        Facts of the blocks' parcels.
    here : Setting
        For the routes and the advice.

    Returns
    -------
    array of int
        A number of `advice["first"]`; their count where none calls the route.
    """
    rules = here.advice["first"]
    names = {name: place for place, name in enumerate(here.routes)}
    blocks = len(said.placed.sizes)
    state = _state(opened).reshape(blocks, -1)
    told = np.full(state.shape, len(rules), dtype=np.int64)
    left = np.ones(blocks, dtype=bool)
    for number, rule in enumerate(rules):
        wanted = [names[name] for name in rule["routes"] if name in names]
        if not wanted:
            continue
        choice = np.argmin(state[:, wanted], axis=1)  # the first of the best
        route = np.array(wanted)[choice]
        open_ = state[np.arange(blocks), route] < SHUT
        found = np.flatnonzero(left & open_ & _holds(rule["when"], said, here))
        told[found, route[found]] = number
        left[found] = False
    return told.ravel()


def _state(opened: pd.DataFrame) -> Codes:
    """Return 0 for an open route, 1 for one not settled, 2 if it is closed to some, or `SHUT`."""
    answer = opened["answer"].astype("Int8").to_numpy(dtype=np.int64, na_value=-1)
    some = opened["n_no"].to_numpy(dtype=np.int64) > 0
    return np.where(answer == 0, SHUT, np.where(answer == 1, 0, 1 + some)).astype(np.int64)


def _holds(when: dict[str, Any], said: Known, here: Setting) -> NDArray[np.bool_]:
    """Mark the blocks on more than the share of which the facts of a rule hold."""
    held = np.ones(len(said.placed.parcels), dtype=bool)
    for name, value in when.items():
        held &= said.answer(name)[0 if value else 1]
    share: NDArray[np.float64] = said.placed.number(held) / said.placed.sizes
    return share > float(here.advice["share_over"])


def ranked(opened: pd.DataFrame, land_on: NDArray[np.datetime64], here: Setting) -> Codes:
    """Return the order (1 first) of each route of each block.

    Parameters
    ----------
    opened : DataFrame
        A row a block and route, block after block: columns answer, n_no, called.
    land_on : array of dates
        When each would free the land (NaT: never, or not known).
    here : Setting
        For the routes' kind and order.
    """
    routes = len(here.routes)
    state, late = _state(opened), np.iinfo(np.int64).max
    days = np.where(np.isnat(land_on), late, land_on.astype("M8[ns]").astype(np.int64))
    kinds = [KINDS.index(route.kind) for route in here.routes.values()]
    names = np.argsort(np.argsort(np.array(list(here.routes))))
    usual = _usual(here)
    each = [np.tile(np.array(of_route), len(opened) // routes)
            for of_route in (names, [usual[name] for name in here.routes], kinds)]  # fmt: skip
    block = np.repeat(np.arange(len(opened) // routes), routes)
    by = (each[0], days, each[1], state, each[2], opened["called"].to_numpy(), state == SHUT, block)
    inorder = np.lexsort(by)  # the last one counts first
    order = np.empty(len(opened), dtype=np.int64)
    order[inorder] = np.tile(np.arange(1, routes + 1), len(opened) // routes)
    return order


def advice(opened: pd.DataFrame, order: Codes, here: Setting) -> Texts:
    """Return why the first route of each block is the first (nothing of the others)."""
    words = [rule["reason"] for rule in here.advice["first"]]
    words.append(here.advice["otherwise"]["reason"])
    first = (order == 1) & (_state(opened) < SHUT)
    return Texts(np.where(first, opened["called"].to_numpy(), -1).astype(np.int32), words)


def _usual(here: Setting) -> dict[str, int]:
    said = here.advice["order"]["routes"]
    listed = {name: place for place, name in enumerate(said)}
    return {n: listed.get(n, len(said) + route.order) for n, route in here.routes.items()}

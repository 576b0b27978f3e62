"""Farms: what each may grow, which blocks it may work, in what order of preference."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from friches.allocation.arrays import AWAY, Arcs, Teams, index
from friches.allocation.parameters import parameters
from friches.food.crops import crop
from friches.food.site import plain

if TYPE_CHECKING:
    from friches.allocation.arrays import Flags, Indices, Names, Numbers, Offer


def hubs(farmers: pd.DataFrame, to_farm: Numbers) -> tuple[Indices, Numbers]:
    """Return the collective that each block reaches soonest (-1: none), and in how many minutes."""
    collective = np.flatnonzero((farmers["kind"] == "collective").to_numpy(dtype=bool))
    if not collective.size or not len(to_farm):
        return np.full(len(to_farm), -1, dtype=np.int64), np.full(len(to_farm), AWAY)
    nearest = to_farm[:, collective].argmin(axis=1)
    minutes = to_farm[np.arange(len(to_farm)), collective[nearest]]
    return np.where(np.isfinite(minutes), collective[nearest], -1).astype(np.int64), minutes


def wanted(farmers: pd.DataFrame) -> Numbers:
    """Return the hectares that each farm wants; inf where it does not say."""
    # Not stated is not limiting, but for a collective: without stated hectares it is an outlet.
    wants = pd.to_numeric(farmers["wants_ha"]).astype("float64").fillna(np.inf).to_numpy()
    collective = (farmers["kind"] == "collective").to_numpy(dtype=bool)
    return np.where(collective & np.isinf(wants), 0.0, wants)


def beside(neighbours: pd.DataFrame | None, names: Names) -> set[tuple[int, int]]:
    """Return the pairs of block and farm whose fields touch."""
    if neighbours is None:
        return set()
    found = zip(
        index(names.blocks, neighbours["block_id"]),
        index(names.farmers, neighbours["farmer_id"]),
        strict=True,
    )
    return {(int(block), int(farmer)) for block, farmer in found if min(block, farmer) >= 0}


def grows(productions: object, crops: list[str]) -> Flags:
    """Return which crops a farm says it grows; all of them where it does not say."""
    said = plain(productions)
    return np.array([not said or any(word in said for word in crop(c).words) for c in crops], bool)


def pairs(  # noqa: PLR0913, PLR0917 - one argument an array
    offer: Offer,
    farmers: pd.DataFrame,
    to_farm: Numbers,
    beside: set[tuple[int, int]],
    wants: Numbers,
    names: Names,
) -> tuple[Arcs, Teams]:
    """Return who may work which block, and the classes of these pairs."""
    masks = np.array([grows(p, names.crops) for p in farmers["productions"]], dtype=bool)
    masks = masks.reshape(len(farmers), len(names.crops))
    suited = np.zeros((len(names.blocks), len(names.crops)), dtype=bool)
    suited[offer.block, offer.crop] = True
    block, farmer = np.nonzero(np.isfinite(to_farm) & (wants >= parameters().least)[None, :])
    common = suited[block] & masks[farmer]
    useful = common.any(axis=1)
    block, farmer, common = block[useful], farmer[useful], common[useful]
    touching = np.zeros(to_farm.shape, dtype=bool)
    touching[tuple(np.array([*beside], dtype=np.int64).reshape(-1, 2).T)] = True
    own = touching[block, farmer]
    minutes = to_farm[block, farmer]
    collective = (farmers["kind"] == "collective").to_numpy(dtype=bool)[farmer]
    cost = np.where(own, 0.0, minutes) + _preference(farmers)[farmer]
    kept = _undominated(block, common, collective, cost, wants[farmer])
    block, farmer, common = block[kept], farmer[kept], common[kept]
    key = np.column_stack([block, collective[kept], common])
    classes, team = np.unique(key, axis=0, return_inverse=True)
    width = len(names.crops)
    teams = Teams(
        classes[:, 0].astype(np.int64),
        classes[:, 2:].astype(bool).reshape(len(classes), width),
        classes[:, 1].astype(bool),
    )
    arcs = Arcs(block, farmer, team.reshape(-1).astype(np.int64), minutes[kept], cost[kept])
    return arcs, teams


def _preference(farmers: pd.DataFrame) -> Numbers:
    # Among equal trips: says what it grows, organic, then not known, then not, wanted hectares
    # stated, identifier. Thousandths of a minute: never a longer trip for it.
    order = parameters().preference
    said = farmers["productions"].map(plain) != ""
    organic = farmers["organic"].map(lambda one: 1 if pd.isna(one) else 0 if one else 2)
    unstated = farmers["wants_ha"].isna()
    rank = np.arange(len(farmers)) / max(len(farmers), 1)
    levels = 12.0 * ~said.to_numpy(bool) + 4.0 * organic.to_numpy(float) + 2.0 * unstated + rank
    return np.asarray(levels, dtype="float64") * order


def _undominated(
    block: Indices, common: Flags, collective: Flags, cost: Numbers, wants: Numbers
) -> Flags:
    """Return the pairs worth keeping: none that a cheaper farm, never short of land, replaces."""
    kept = np.ones(len(block), dtype=bool)
    order = np.lexsort((cost, block))
    edges = np.flatnonzero(np.diff(block[order], prepend=-1, append=-1))
    for start, end in pairwise(edges):
        best: list[int] = []
        for pair in order[start:end]:
            kept[pair] = not any(
                not collective[pair] and not (common[pair] & ~common[other]).any() for other in best
            )
            if kept[pair] and np.isinf(wants[pair]):
                best.append(int(pair))
    return kept

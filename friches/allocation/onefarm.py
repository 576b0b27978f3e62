"""One farm a block: who shares blocks in a solution, and who keeps each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from friches.allocation.parameters import parameters

if TYPE_CHECKING:
    from friches.allocation.arrays import Flags, Numbers
    from friches.allocation.programme import Programme

TAKEN = 1e-6
"""Hectares from which a farm is said to take land of a block."""


def taken(programme: Programme, x: Numbers) -> Numbers:
    """Return the hectares that each pair takes."""
    y, q = programme.starts[:2]
    return x[y:q]


def tidy(programme: Programme, x: Numbers) -> bool:
    """Return whether no block is shared, and none taken for next to nothing."""
    return not shared(programme, x).any() and not slivers(programme, x).any()


def shared(programme: Programme, x: Numbers) -> Flags:
    """Return which blocks several farms take."""
    held = taken(programme, x) > TAKEN
    blocks = len(programme.given.names.blocks)
    return np.bincount(programme.given.arcs.block[held], minlength=blocks) > 1


def slivers(programme: Programme, x: Numbers) -> Flags:
    """Return the pairs of blocks of which less is taken than is worth coming for."""
    arcs, blocks = programme.given.arcs, len(programme.given.names.blocks)
    land = np.bincount(arcs.block, taken(programme, x), minlength=blocks)
    sliver = (land > TAKEN) & (land < parameters().least - TAKEN)
    return np.asarray(sliver[arcs.block])


def winners(programme: Programme, x: Numbers, *, used_only: bool = False) -> Flags:
    """Return one pair a block: the farm that takes most of it, else the best placed with land left.

    With `used_only`, blocks that nobody takes have none.
    """
    given, hectares = programme.given, taken(programme, x)
    arcs = given.arcs
    left = given.wants - np.bincount(arcs.farmer, hectares, minlength=len(given.names.farmers))
    full = left[arcs.farmer] < parameters().least
    order = np.lexsort((arcs.farmer, arcs.cost, full, -np.round(hectares, 6), arcs.block))
    first = np.ones(len(order), dtype=bool)
    first[1:] = arcs.block[order][1:] != arcs.block[order][:-1]
    kept = np.zeros(len(order), dtype=bool)
    kept[order[first]] = True
    return kept & (hectares > TAKEN) if used_only else kept

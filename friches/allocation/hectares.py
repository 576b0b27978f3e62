"""Rows over hectares: land, wanted hectares, rotations, steep land, harvests.

Each function returns what its rows are about (blocks, farms, crops...) and the rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from friches.allocation.rows import Rows

if TYPE_CHECKING:
    from friches.allocation.arrays import Given, Indices, Numbers, Rule
    from friches.allocation.programme import Entries

Sizes = tuple[int, int, int]
"""Columns x, y and q."""


def land(given: Given, area: Numbers, sizes: Sizes) -> tuple[Indices, Rows]:
    """Return: of each block, no more is taken than there is."""
    about, row = np.unique(given.arcs.block, return_inverse=True)
    ones = np.ones(len(row))
    return about, Rows(row, sizes[0] + np.arange(sizes[1]), ones, area[about])


def wants(given: Given, sizes: Sizes) -> tuple[Indices, Rows]:
    """Return: each farm takes no more than it wants."""
    limited = np.flatnonzero(np.isfinite(given.wants[given.arcs.farmer]))
    about, row = np.unique(given.arcs.farmer[limited], return_inverse=True)
    return about, Rows(row, sizes[0] + limited, np.ones(len(row)), given.wants[about])


def team(given: Given, entries: Entries, sizes: Sizes) -> tuple[Indices, Rows]:
    """Return: the farms of a class sow no more than they take."""
    count = len(given.teams.block)
    rows = Rows(
        np.concatenate([entries.team, given.arcs.team]),
        np.arange(sizes[0] + sizes[1]),
        np.repeat([1.0, -1.0], [sizes[0], sizes[1]]),
        np.zeros(count),
    )
    return given.teams.block, rows


def rotation(given: Given, entries: Entries, sizes: Sizes) -> tuple[Indices, Rows]:
    """Return: a crop has at most its share of the land taken."""
    # A crop takes its share of the land taken, not of the block: the farm rotates on its own land.
    held = np.flatnonzero(entries.share < 1)
    key = entries.team[held] * len(given.names.crops) + entries.crop[held]
    keys, first, row = np.unique(key, return_index=True, return_inverse=True)
    of_team = _members(given.arcs.team, len(given.teams.block))
    arcs = [of_team[team] for team in entries.team[held][first]]
    counts = np.array([len(found) for found in arcs], dtype=np.int64)
    share = entries.share[held][first]
    rows = Rows(
        np.concatenate([row, np.repeat(np.arange(len(keys)), counts)]),
        np.concatenate([held, sizes[0] + np.concatenate([*arcs, np.zeros(0, np.int64)])]),
        np.concatenate([np.ones(len(held)), -np.repeat(share, counts)]),
        np.zeros(len(keys)),
    )
    return entries.crop[held][first], rows


def rules(given: Given, entries: Entries, sizes: Sizes) -> tuple[Indices, Rows]:
    """Return: families of crops keep the rules of rotation on the land taken."""
    # hectares of the rule's crops <= share x (land taken - hectares of crops that it leaves out)
    rows, columns, values, about, count = [], [], [], [], 0
    for at, rule in enumerate(given.rules):
        teams = _bound(given, entries, rule)
        position = np.full(len(given.teams.block), -1, dtype=np.int64)
        position[teams] = count + np.arange(len(teams))
        weight = rule.crops[entries.crop] + rule.share * rule.others[entries.crop]
        held = np.flatnonzero((weight > 0) & (position[entries.team] >= 0))
        arcs = np.flatnonzero(position[given.arcs.team] >= 0)
        rows += [position[entries.team[held]], position[given.arcs.team[arcs]]]
        columns += [held, sizes[0] + arcs]
        values += [weight[held], np.full(len(arcs), -rule.share)]
        about.append(np.full(len(teams), at))
        count += len(teams)
    none = np.zeros(0, np.int64)
    found = Rows(
        np.concatenate([*rows, none]),
        np.concatenate([*columns, none]),
        np.concatenate([*values, np.zeros(0)]),
        np.zeros(count),
    )
    return np.concatenate([*about, none]), found


def _bound(given: Given, entries: Entries, rule: Rule) -> Indices:
    """Return the teams that a rule can hold: others meet it by the share of each crop alone."""
    share = np.zeros((len(given.teams.block), len(given.names.crops)))
    share[entries.team, entries.crop] = entries.share
    most = np.minimum(share @ rule.crops, 1.0)
    outside = (share @ rule.others) > 0
    return np.flatnonzero((most > rule.share) | ((most > 0) & outside))


def _members(of: Indices, count: int) -> list[Indices]:
    order = np.argsort(of, kind="stable")
    return np.split(order, np.searchsorted(of[order], np.arange(1, max(count, 1))))


def usable(entries: Entries, area: Numbers) -> tuple[Indices, Rows]:
    """Return: crops that stand on part of a block share that part."""
    # Steep land of a block bears some crops only: those of the gentle part share the gentle part.
    tight = np.flatnonzero(entries.usable < area[entries.block])
    pairs = np.unique(np.column_stack([entries.block[tight], entries.usable[tight]]), axis=0)
    row: list[Indices] = []
    column: list[Indices] = []
    upper: list[float] = []
    by_block = {int(b): tight[entries.block[tight] == b] for b in np.unique(entries.block[tight])}
    for block, usable in pairs:
        column.append(by_block[int(block)][entries.usable[by_block[int(block)]] <= usable])
        upper.append(float(usable))
    # There a crop has its share of the land that it can use, not of all that is taken.
    key = entries.block * (int(entries.crop.max(initial=0)) + 1) + entries.crop
    turning = tight[entries.share[tight] < 1]
    for one in np.unique(key[turning]):
        column.append(turning[key[turning] == one])
        upper.append(float((entries.share * entries.usable)[column[-1][0]]))
    row = [np.full(len(found), at) for at, found in enumerate(column)]
    none = np.zeros(0, np.int64)
    columns = np.concatenate([*column, none])
    rows = Rows(np.concatenate([*row, none]), columns, np.ones(len(columns)), np.array(upper))
    return np.array([int(entries.block[c[0]]) for c in column], dtype=np.int64), rows


def harvest(
    entries: Entries, keys: Indices, crops: int, sizes: Sizes, unit: float
) -> tuple[Indices, Rows]:
    """Return: a zone harvests what its hectares give."""
    row = np.searchsorted(keys, entries.zone * crops + entries.crop)
    rows = Rows(
        np.concatenate([row, np.arange(len(keys))]),
        np.concatenate([np.arange(sizes[0]), sizes[0] + sizes[1] + np.arange(len(keys))]),
        np.concatenate([-entries.kg_ha / unit, np.ones(len(keys))]),
        np.zeros(len(keys)),
    )
    return keys, rows

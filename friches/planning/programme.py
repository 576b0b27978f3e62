"""The programme of a plan: which openings, under a budget, a team and the kitchens' months."""

from __future__ import annotations

import time
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import coo_array, csr_array, vstack

from friches.planning.outlets import MONTHS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from friches.planning.goal import Limits
    from friches.planning.options import Options
    from friches.planning.outlets import Outlets, Sales

    Numbers = NDArray[np.float64]

SMALL = 2000
"""Openings up to which the optimum is sought to the end; beyond, within `GAP`."""
GAP = 1e-3
INFEASIBLE = 2
"""Status by which SciPy says that a linear programme has no solution."""
WITHIN = 1e-6
"""Part of the goal (or of a euro, a day) that rounding may take."""


class Programme(NamedTuple):
    """A mixed programme: columns are openings (0 or 1), then kg of the goal, by group and month.

    Masses are in parts of what the goal lacks. `reach`: the objective that adds them up.
    """

    rows: csr_array
    low: Numbers
    high: Numbers
    openings: int
    reach: Numbers
    scale: float


class Solved(NamedTuple):
    """What was found: the openings chosen (positions), and how far from the bound (share)."""

    chosen: NDArray[np.int64]
    value: float
    gap: float


class _Rows:
    """Rows of a programme as they are written."""

    def __init__(self) -> None:
        self.parts: list[tuple[Any, Any, Any]] = []
        self.low: list[float] = []
        self.high: list[float] = []

    def add(self, columns: Any, values: Any, low: float, high: float) -> None:
        columns = np.asarray(columns, dtype=np.int64)
        values = np.broadcast_to(np.asarray(values, dtype=float), columns.shape)
        at = np.full(len(columns), len(self.low), dtype=np.int64)
        self.parts.append((at, columns, values))
        self.low.append(low)
        self.high.append(high)


def programme(  # noqa: PLR0913
    options: Options,
    known: Sales,
    outlets: Outlets,
    limits: Limits,
    starts: int = 1,
    *,
    season: bool = True,
) -> Programme:
    """Return the programme of some openings (see `Programme`).

    Parameters
    ----------
    options : Options
    known : Sales
        Of the options' crops.
    outlets : Outlets
    limits : Limits
        Budget and team; the risk has been kept by leaving routes out.
    starts : int
        Quarters in which a procedure may start.
    season : bool
        False: as if every crop kept all the year.
    """
    count, crops, groups = len(options.table), len(options.crops), len(outlets.groups)
    scale = outlets.need if outlets.need > 0 else 1.0
    masses = count + np.arange(crops)
    fresh = count + crops + np.arange(groups * MONTHS).reshape(groups, MONTHS)
    kept = fresh + groups * MONTHS
    width = count + crops + 2 * groups * MONTHS
    rows = _Rows()
    _one_a_block(rows, options)
    _limits(rows, options, limits, starts)
    for crop in range(crops):
        brings = np.flatnonzero(options.kg[:, crop])
        values = np.append(options.kg[brings, crop] / scale, -1.0)
        rows.add(np.append(brings, masses[crop]), values, 0.0, 0.0)
    keeps = known.keeps | (not season)
    for group in range(groups):
        of = known.group == group
        store = masses[of & keeps]
        ones = np.append(np.ones(MONTHS), -np.ones(len(store)))
        rows.add(np.append(kept[group], store), ones, -np.inf, 0.0)
        gathered = np.flatnonzero(of & ~keeps)
        for month in range(MONTHS):
            shares = np.append(-known.share[gathered, month], 1.0)
            columns = np.append(masses[gathered], fresh[group, month])
            rows.add(columns, shares, -np.inf, 0.0)
            both = [fresh[group, month], kept[group, month]]
            rows.add(both, 1.0, -np.inf, float(outlets.room[group, month]) / scale)
    reach = np.zeros(width)
    reach[count + crops :] = 1.0
    at, columns, values = (np.concatenate(part) for part in zip(*rows.parts, strict=True))
    matrix = coo_array((values, (at, columns)), shape=(len(rows.low), width)).tocsr()
    return Programme(matrix, np.array(rows.low), np.array(rows.high), count, reach, scale)


def _one_a_block(rows: _Rows, options: Options) -> None:
    for places in options.table.groupby("block_id", sort=True).indices.values():
        if len(places) > 1:
            rows.add(places, 1.0, -np.inf, 1.0)


def _limits(rows: _Rows, options: Options, limits: Limits, starts: int) -> None:
    table = options.table
    if limits.budget_eur is not None and len(table):
        unit = max(limits.budget_eur, 1.0)
        cost = table["cost_eur"].to_numpy(dtype=float) / unit
        rows.add(np.arange(len(table)), cost, -np.inf, limits.budget_eur / unit)
    if limits.at_once is not None:
        begins = table["start"].to_numpy(dtype=np.int64)
        ends = begins + table["quarters"].to_numpy(dtype=np.int64)
        # After the last start whatever runs was running at that start already.
        for quarter in range(starts):
            busy = np.flatnonzero((begins <= quarter) & (quarter < ends))
            if len(busy) > limits.at_once:
                rows.add(busy, 1.0, -np.inf, float(limits.at_once))


def more(one: Programme, values: Numbers, low: float, high: float) -> Programme:
    """Return a programme with one row more over all its columns (openings alone: the first)."""
    whole = np.zeros(len(one.reach))
    whole[: len(values)] = values
    return one._replace(
        rows=csr_array(vstack([one.rows, csr_array(whole[None])])),
        low=np.append(one.low, low),
        high=np.append(one.high, high),
    )


def best(
    one: Programme,
    objective: Numbers,
    deadline: float,
    *,
    most: float = 15.0,
    gap: float | None = None,
) -> Solved:
    """Return the openings that make an objective least; none where nothing is allowed.

    Parameters
    ----------
    one : Programme
    objective : ndarray
        Over the openings, or over all columns.
    deadline : float
        `time.monotonic` after which no solution is sought further.
    most : float
        Seconds at most.
    gap : float, optional
        Share of the bound that may be left; by default none for few openings, else `GAP`.

    Returns
    -------
    Solved
        `value` is NaN where there is no solution (or none found in time).
    """
    none = Solved(np.array([], dtype=np.int64), float("nan"), 0.0)
    if not one.openings:
        return none._replace(value=0.0) if (one.low <= WITHIN).all() else none
    whole = np.zeros(len(one.reach))
    whole[: len(objective)] = objective
    ends = time.monotonic() + min(max(deadline - time.monotonic(), 1.0), most)
    if one.openings <= SMALL:
        return _searched(one, whole, np.arange(one.openings), ends, gap or 0.0) or none
    asked = GAP if gap is None else gap
    relaxed = _relaxed(one, whole, ends)
    if relaxed is None:
        return none
    bound, promising = relaxed
    half = (time.monotonic() + ends) / 2
    few = _searched(one, whole, promising, half, asked)
    if few is not None and _apart(few.value, bound) <= asked:
        return few._replace(gap=_apart(few.value, bound))
    every = _searched(one, whole, np.arange(one.openings), ends, asked)
    found = [solved for solved in (few, every) if solved is not None]
    if not found:
        return none
    if every is not None:
        bound = max(bound, every.value - every.gap * abs(every.value))
    least = min(found, key=lambda solved: solved.value)
    return least._replace(gap=_apart(least.value, bound))


def _apart(value: float, bound: float) -> float:
    """Return how far a value is above its bound, as a share of the value."""
    return max(value - bound, 0.0) / abs(value) if value else 0.0


def _searched(
    one: Programme, objective: Numbers, openings: NDArray[np.int64], ends: float, gap: float
) -> Solved | None:
    """Return the best of some openings found before `ends`; None: nothing found."""
    binary = np.arange(len(objective)) < one.openings
    upper = np.where(binary, 0.0, np.inf)
    upper[openings] = 1.0
    # With presolve, HiGHS may print lines of its own on stdout.
    found = milp(
        objective,
        integrality=binary.astype(int),
        bounds=Bounds(0.0, upper),
        constraints=LinearConstraint(one.rows, one.low, one.high),
        options={
            "time_limit": max(ends - time.monotonic(), 1.0),
            "mip_rel_gap": gap,
            "presolve": False,
        },
    )
    if found.x is None:
        return None
    chosen = np.flatnonzero(found.x[: one.openings] > 0.5)
    return Solved(chosen, float(found.fun), float(found.mip_gap or 0.0))


def _relaxed(
    one: Programme, objective: Numbers, ends: float
) -> tuple[float, NDArray[np.int64]] | None:
    """Return a bound, and the openings that may well be in a solution; None: there is none.

    Parts of openings are allowed; those whose reduced cost is least are then sought first.
    """
    even = one.low == one.high
    over, under = ~even & np.isfinite(one.high), ~even & np.isfinite(one.low)
    solver: Any = linprog
    found = solver(
        objective,
        A_ub=vstack([one.rows[over], -one.rows[under]]),
        b_ub=np.concatenate([one.high[over], -one.low[under]]),
        A_eq=one.rows[even],
        b_eq=one.high[even],
        bounds=np.column_stack(
            [
                np.zeros(len(objective)),
                np.where(np.arange(len(objective)) < one.openings, 1, np.inf),
            ]
        ),
        method="highs",
        options={"time_limit": max(ends - time.monotonic(), 1.0)},
    )
    if found.status == INFEASIBLE:
        return None
    if found.status:
        return -np.inf, np.arange(one.openings)
    reduced = (found.lower.marginals + found.upper.marginals)[: one.openings]
    # Rounding orders nothing: of equal costs, the first ones.
    order = np.argsort(np.round(reduced / max(np.abs(reduced).max(), 1e-9), 9), kind="stable")
    return float(found.fun), np.sort(order[:SMALL])


def settle(one: Programme, aims: Sequence[Numbers], deadline: float) -> Solved:
    """Return the openings best for the first aim, then the second without losing on it, and so on.

    The gap is that of the first aim. A later aim that finds nothing in time leaves what was found;
    of many openings only the first aim is kept, being met within a gap alone.
    """
    found = best(one, aims[0], deadline)
    first = found
    for aim, then in pairwise(aims if one.openings <= SMALL else aims[:1]):
        if np.isnan(found.value):
            break
        size = max(1.0, abs(found.value))
        one = more(one, aim / size, -np.inf, found.value / size + WITHIN)
        further = best(one, then, deadline, most=8.0)
        if np.isnan(further.value):
            break
        found = further
    return found._replace(value=first.value, gap=first.gap)

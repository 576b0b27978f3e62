"""HiGHS through SciPy: a linear programme with the prices of its rows, or in whole numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

from friches.allocation.parameters import parameters

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from friches.allocation.arrays import Numbers


EVEN = 1e-7
"""Share of the objective to which a search in whole numbers is ended."""


class Point(NamedTuple):
    """One solution: columns, objective, bound on it, prices of the programme's and extra rows."""

    x: Numbers
    value: float
    bound: float
    prices: Numbers
    extra_prices: Numbers


def linear(
    cost: Numbers,
    matrix: csr_array,
    upper: Numbers,
    ends: tuple[Numbers, Numbers],
    counts: tuple[int, int, int],
) -> Point:
    """Return the least of `cost @ x` with `matrix @ x <= upper` and x between `ends`.

    Parameters
    ----------
    counts : tuple of int
        Rows of the programme, those and the deliveries', columns of the programme.
    """
    solver: Any = linprog
    found = solver(cost, A_ub=matrix, b_ub=upper, bounds=np.column_stack(ends), method="highs")
    if found.x is None:
        raise RuntimeError(f"allocation programme not solved: {found.message}")
    own, shared, width = counts
    prices = -np.asarray(found.ineqlin.marginals, dtype="float64")
    value = float(found.fun)
    return Point(found.x[:width], value, value, prices[:own], prices[shared:])


def in_whole(  # noqa: PLR0913, PLR0917 - one argument an array
    cost: Numbers,
    matrix: csr_array,
    upper: Numbers,
    ends: tuple[Numbers, Numbers],
    kinds: Numbers,
    counts: tuple[int, int, int],
) -> Point:
    """Return the same where columns of kind 1 are whole numbers; no prices."""
    solver: Any = milp
    found = solver(
        cost,
        constraints=LinearConstraint(matrix.tocsc(), ub=upper),
        bounds=Bounds(*ends),
        integrality=kinds,
        options={"mip_rel_gap": EVEN, "node_limit": parameters().nodes},
    )
    if found.x is None:
        raise RuntimeError(f"allocation programme not solved: {found.message}")
    own, shared, width = counts
    bound = found.fun if found.mip_dual_bound is None else found.mip_dual_bound
    none = np.zeros(len(upper) - shared)
    return Point(found.x[:width], float(found.fun), float(bound), np.zeros(own), none)

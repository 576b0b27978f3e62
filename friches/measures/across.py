"""Sums across the columns of a row, added in their order.

NumPy may add in another order when a table has few rows: the last bit of a fact would then tell
which parcels were measured together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from numpy.typing import NDArray


def total(table: pd.DataFrame) -> pd.Series[float]:
    """Return the sum of each row, unknown values as nought."""
    return _series(_added(_filled(table)), table)


def mean(table: pd.DataFrame) -> pd.Series[float]:
    """Return the mean of what is known of each row; missing where nothing is."""
    return _series(_mean(table), table)


def spread(table: pd.DataFrame) -> pd.Series[float]:
    """Return the standard deviation of what is known of each row (n, not n - 1)."""
    apart = (table.to_numpy(np.float64) - _mean(table)[:, None]) ** 2
    with np.errstate(invalid="ignore"):
        squares = _added(np.nan_to_num(apart)) / table.notna().to_numpy().sum(axis=1)
    return _series(np.sqrt(squares), table)


def _mean(table: pd.DataFrame) -> NDArray[np.float64]:
    known = table.notna().to_numpy().sum(axis=1)
    with np.errstate(invalid="ignore"):
        return np.asarray(_added(_filled(table)) / known)


def _filled(table: pd.DataFrame) -> NDArray[np.float64]:
    return np.asarray(np.nan_to_num(table.to_numpy(np.float64)), np.float64)


def _added(values: NDArray[np.float64]) -> NDArray[np.float64]:
    sums = np.zeros(len(values))
    for column in values.T:
        sums += column
    return sums


def _series(values: NDArray[np.float64], table: pd.DataFrame) -> pd.Series[float]:
    return pd.Series(values, index=table.index)

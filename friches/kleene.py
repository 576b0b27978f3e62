"""Three-valued logic over columns: two masks, yes and no; unknown is neither.

A number is read as an interval, without bound on the sides that are not known; a column that is
absent is unknown everywhere.
"""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from friches.errors import refuse
from friches.grammar import FactRef

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from friches.grammar import Fact, Use

DAY = 86_400  # seconds: dates are compared in days


class Truth(NamedTuple):
    """A column of answers: where it is yes, where it is no (never both)."""

    yes: NDArray[np.bool_]
    no: NDArray[np.bool_]

    @property
    def unknown(self) -> NDArray[np.bool_]:
        """Where the answer is neither yes nor no."""
        return ~(self.yes | self.no)


def negated(truth: Truth) -> Truth:
    """Return yes for no, no for yes."""
    return Truth(truth.no, truth.yes)


def every(truths: Sequence[Truth]) -> Truth:
    """Return yes where all are yes, no where any is no."""
    return Truth(
        reduce(np.logical_and, [truth.yes for truth in truths]),
        reduce(np.logical_or, [truth.no for truth in truths]),
    )


def replaced(base: Truth, other: Truth, holds: Truth) -> Truth:
    """Read `other` where the exception holds, `base` where not; unknown: only if both agree."""
    return Truth(
        (holds.yes & other.yes) | (holds.no & base.yes) | (base.yes & other.yes),
        (holds.yes & other.no) | (holds.no & base.no) | (base.no & other.no),
    )


def column_of(table: pd.DataFrame, name: str, fact: Fact) -> pd.Series[Any]:
    """Return a column with the dtype of its fact's kind, all missing when it is absent."""
    kinds = {"boolean": "boolean", "text": "str", "date": "datetime64[s]"}
    kind: Any = kinds.get(fact.kind, "Float64")
    if name not in table.columns:
        return pd.Series(None, index=table.index, dtype="object").astype(kind)
    column: pd.Series[Any] = table[name]
    return column if column.dtype == kind else column.astype(kind)


def ends_of(
    table: pd.DataFrame, name: str, fact: Fact
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return both ends of a number (or a date, in days), infinite where unknown."""
    low, high = _ends(table, name, fact)
    return np.fmax(low, -np.inf), np.fmin(high, np.inf)


def _ends(
    table: pd.DataFrame, name: str, fact: Fact
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return both ends, NaN where unknown: no comparison with NaN holds, so neither yes nor no."""
    if not fact.bounded:
        values = _numbers(table, name, fact)
        return values, values
    low, high = (_numbers(table, f"{name}_{side}", fact) for side in ("low", "high"))
    crossed = low > high
    if crossed.any():
        raise refuse(
            f"{int(crossed.sum())} ligne(s) où « {name}_low » dépasse « {name}_high » "
            f"(première : « {table.index[int(crossed.argmax())]} »)",
            "faits",
            "corriger la mesure de ce fait",
        )
    return low, high


def _numbers(table: pd.DataFrame, name: str, fact: Fact) -> NDArray[np.float64]:
    if name not in table.columns:
        return np.broadcast_to(np.nan, len(table))
    if fact.kind == "date":
        days = column_of(table, name, fact)
        seconds = days.to_numpy().astype("datetime64[s]").astype(np.int64) / DAY
        return np.where(days.isna(), np.nan, seconds)
    if table[name].dtype == np.float64:  # as measured: nothing to convert
        return table[name].to_numpy()
    return column_of(table, name, fact).to_numpy(dtype=np.float64, na_value=np.nan)


def held(table: pd.DataFrame, use: Use, facts: Mapping[str, Fact]) -> Truth:
    """Return where the exception that a use stands under holds."""
    assert use.under is not None
    where = use.under.where
    return equal(column_of(table, where, facts[where]), not use.under.is_not)


def compared(table: pd.DataFrame, use: Use, facts: Mapping[str, Fact]) -> Truth:
    """Compare a fact as one use of a condition says: with a value or with another fact."""
    fact, value = facts[use.condition.fact], use.value
    if fact.kind in ("boolean", "text"):
        column = column_of(table, use.condition.fact, fact)
        if isinstance(value, FactRef):
            value = column_of(table, value.fact, facts[value.fact])
        return equal(column, value)
    low, high = _ends(table, use.condition.fact, fact)
    if use.name == "one_of":
        known, within = low == high, np.isin(low, value)
        return Truth(known & within, known & ~within)
    if isinstance(value, FactRef):
        least, most = _ends(table, value.fact, facts[value.fact])
    else:
        least = most = np.array(_amount(value))
    return _ordered(use.name, low, high, least, most)


def _amount(value: Any) -> float:
    if isinstance(value, int | float):
        return float(value)
    return float(np.datetime64(value, "s").astype(np.int64) / DAY)


def equal(column: pd.Series[Any], value: Any) -> Truth:
    """Return where a column of yes/no or text equals a value, one of a list, or a column."""
    known = column.notna().to_numpy()
    if isinstance(value, pd.Series):
        known = known & value.notna().to_numpy()
        same = (column == value).fillna(value=False).to_numpy(dtype=bool)
    elif isinstance(value, bool):
        # what the array holds under its mask: the public way fills it in, ten times as slow
        same = column.array._data == value  # noqa: SLF001
    else:
        values = value if isinstance(value, list) else [value]
        same = column.isin(values).to_numpy(dtype=bool, na_value=False)
    return Truth(known & same, known & ~same)


def _ordered(
    name: str,
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    least: NDArray[np.float64],
    most: NDArray[np.float64],
) -> Truth:
    """Compare two intervals: yes if every pair of points passes, no if none does."""
    if name == "at_least":
        return Truth(low >= most, high < least)
    if name == "more_than":
        return Truth(low > most, high <= least)
    if name == "at_most":
        return Truth(high <= least, low > most)
    if name == "less_than":
        return Truth(high < least, low >= most)
    return Truth((low == high) & (least == most) & (low == least), (high < least) | (low > most))

"""A territory in parts small enough for one process: whole communes, or pieces of a large one.

No result depends on the parts: each parcel is measured alone, from all that lies near it.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from pandas.api.types import union_categoricals

from friches.sources.shelf import along_curve

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

PARCELS_A_PART = 25_000
"""Parcels measured at once at most, but for the end of a commune. Under 1,500 the cost of starting
a task shows; 25,000 parcels and what lies near them take less than 1 GB (measured: README)."""


class Part(NamedTuple):
    """Rows `start` to `stop` of the parcels in the order of `cut`."""

    start: int
    stop: int


def cut(
    parcels: gpd.GeoDataFrame, most: int = PARCELS_A_PART
) -> tuple[NDArray[np.int64], list[Part]]:
    """Return the order in which parcels are shelved, and the parts of it.

    Parameters
    ----------
    parcels : GeoDataFrame
        Table `parcels`, sorted by parcel_id.
    most : int
        Parcels in a part. Communes are put together up to it, neighbours first; a commune of more
        is cut into pieces, between parcels that follow one another on the plan.

    Returns
    -------
    order : array of n rows
    parts : list of Part
        In the order of their rows; together all of them, each once.
    """
    communes = parcels["commune"].to_numpy()
    names, firsts = np.unique(communes, return_index=True)
    places = parcels.geometry.iloc[firsts].reset_index(drop=True)
    ordered = names[along_curve(places)]
    rank = pd.Series(np.arange(len(ordered)), index=ordered)
    of = rank.reindex(communes).to_numpy()
    order = np.lexsort((np.arange(len(parcels)), of))
    sizes = np.bincount(of, minlength=len(ordered))
    return order, _packed(sizes.tolist(), most)


def _packed(sizes: list[int], most: int) -> list[Part]:
    parts: list[Part] = []
    start = stop = 0
    for size in sizes:
        if stop > start and stop - start + size > most:
            parts += _pieces(start, stop, most)
            start = stop
        stop += size
    return parts + _pieces(start, stop, most) if stop > start else parts


def _pieces(start: int, stop: int, most: int) -> list[Part]:
    """Return equal pieces of one commune too large for a part (one piece of any other)."""
    many = -(-(stop - start) // most)
    ends = np.linspace(start, stop, many + 1).round().astype(int).tolist()
    return [Part(low, high) for low, high in pairwise(ends)]


def joined(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """Return tables of the same columns one after the other, the categories of each put together.

    Categories come out sorted: the bytes do not tell into how many parts the rows were made.
    """
    if len(tables) == 1:
        return tables[0]
    columns: dict[str, Any] = {}
    for name, kind in tables[0].dtypes.items():
        each = [table[name] for table in tables]
        columns[str(name)] = (
            union_categoricals(each, sort_categories=True)
            if isinstance(kind, pd.CategoricalDtype)
            else pd.concat(each, ignore_index=True)
        )
    return pd.DataFrame(columns, copy=False)

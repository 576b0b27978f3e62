"""How much of each parcel each class of polygons covers.

Areas come from the compiled kernel of `common`; without Numba, from GEOS. Where polygons of one
class overlap, the ground they share counts once: only the polygons that do overlap are touched,
since uniting a whole layer costs minutes and tells nothing more.
"""

from __future__ import annotations

from importlib.util import find_spec
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from friches.spatial.metres import require_same_plane

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

    Geometries = NDArray[np.object_]
    Indices = NDArray[np.int64]
    Numbers = NDArray[np.float64]

NEGLIGIBLE_M2 = 1e-6
"""Areas below this, in m², are rounding: 1 mm² (the precision asked of shares; ASSUMPTION)."""
COMPILED = find_spec("numba") is not None
"""Whether the compiled kernel is there; otherwise GEOS tells the same, more slowly."""


def overlay(parcels: gpd.GeoDataFrame, polygons: gpd.GeoDataFrame, by: list[str]) -> pd.DataFrame:
    """Return the area and share of each parcel under each class of polygons.

    Parameters
    ----------
    parcels : GeoDataFrame
        Columns parcel_id and geometry (polygons, metres).
    polygons : GeoDataFrame
        Columns `by` and geometry (polygons, the same CRS). Rows with equal `by` values are one
        class, whose overlapping polygons count once; a missing value is a class of its own.
        Classes may overlap each other, so shares need not sum to 1.
    by : list of str
        Columns that name a class; none makes the whole layer one class.

    Returns
    -------
    DataFrame
        parcel_id, *by, area_m2 (m²), share (0 to 1, of the parcel's geometric area): one row for
        each parcel and class with more than 1e-6 m² in common, sorted by parcel_id then `by`,
        missing last. Invalid polygons are made valid first. Exact to 1e-6 of the parcel; neither
        the order of rows nor the number of threads changes a bit of it.

    Raises
    ------
    InputError
        A layer without a CRS, or in another one.
    """
    return overlays(parcels, polygons, [(np.ones(len(polygons), bool), by)])[0]


def overlays(
    parcels: gpd.GeoDataFrame,
    polygons: gpd.GeoDataFrame,
    asked: list[tuple[NDArray[np.bool_], list[str]]],
) -> list[pd.DataFrame]:
    """Return several overlays of one layer, for little more than the cost of one.

    Parameters
    ----------
    parcels, polygons
        As for `overlay`.
    asked : list of (array of bool, list of str)
        For each overlay the rows of `polygons` that count, and the columns that name a class.

    Returns
    -------
    list of DataFrame
        What `overlay(parcels, polygons[rows], by)` returns for each.

    Raises
    ------
    InputError
        A layer without a CRS, or in another one.
    """
    require_same_plane(parcelles=parcels, polygones=polygons)
    drawn = made_valid(polygons.geometry.to_numpy())
    ids, whole, met = parcels["parcel_id"], parcels.geometry.to_numpy(), []
    rows = [np.flatnonzero(kept) for kept, _ in asked]
    each = [classed(polygons.iloc[row], by) for row, (_, by) in zip(rows, asked, strict=True)]
    begin = np.cumsum([0, *(len(classes) for _, classes in each)])
    if COMPILED:
        from friches.spatial.common import class_areas
        from friches.spatial.land import land_of
        from friches.spatial.shapes import from_geometries

        land = land_of(whole)
        codes = np.concatenate([c + low for (c, _), low in zip(each, begin[:-1], strict=True)])
        parcel, code, area = class_areas(
            land.edges, from_geometries(drawn), codes, np.concatenate(rows)
        )
        area_m2 = land.area_m2
        for low, high in pairwise(begin):
            of = (code >= low) & (code < high)
            met.append((parcel[of], code[of] - low, area[of]))
    else:
        from friches.spatial.geos import class_areas as geos_areas

        whole = made_valid(whole)
        area_m2 = shapely.area(whole)
        met = [geos_areas(whole, drawn[r], c) for r, (c, _) in zip(rows, each, strict=True)]
    return [
        told(*found, ids, area_m2, classes) for found, (_, classes) in zip(met, each, strict=True)
    ]


def made_valid(geometries: Geometries) -> Geometries:
    """Return the geometries, those that GEOS calls invalid made valid."""
    wrong = ~shapely.is_valid(geometries) & ~shapely.is_missing(geometries)
    if not wrong.any():
        return geometries
    mended = geometries.copy()
    mended[wrong] = shapely.make_valid(geometries[wrong], method="structure")
    return mended


def classed(polygons: pd.DataFrame, by: list[str]) -> tuple[Indices, pd.DataFrame]:
    """Return the class number of each row and the `by` values of each class, missing last."""
    if not by:
        return np.zeros(len(polygons), np.int64), pd.DataFrame(index=range(1))
    values = pd.DataFrame(polygons[by]).reset_index(drop=True)
    codes = values.groupby(by, dropna=False, sort=True).ngroup().to_numpy().astype(np.int64)
    _, firsts = np.unique(codes, return_index=True)
    return codes, values.take(firsts)


def told(  # noqa: PLR0913, PLR0917 -- the columns of one table
    parcel: Indices,
    code: Indices,
    area_m2: Numbers,
    ids: pd.Series[str],
    whole_m2: Numbers,
    classes: pd.DataFrame,
) -> pd.DataFrame:
    """Return the table of `overlay` from row numbers of parcels and classes, and common areas.

    Parameters
    ----------
    parcel, code, area_m2 : arrays of m rows
        Row of the parcel, number of the class, common area (m²); one row a parcel and class.
    ids, whole_m2 : n rows
        Identifier and area (m²) of each parcel.
    classes : DataFrame
        Values of each class.
    """
    order, names = pd.factorize(ids, sort=True)
    kept = area_m2 > NEGLIGIBLE_M2
    parcel, code, area_m2 = parcel[kept], code[kept], area_m2[kept]
    sort = np.lexsort((code, order[parcel]))
    parcel, code, area_m2 = parcel[sort], code[sort], area_m2[sort]
    table = pd.DataFrame({"parcel_id": names.take(order[parcel])})
    table[list(classes.columns)] = classes.take(code).reset_index(drop=True)
    table["area_m2"] = np.minimum(area_m2, whole_m2[parcel])
    table["share"] = table["area_m2"].to_numpy() / whole_m2[parcel]
    return table.astype({"parcel_id": "str"})

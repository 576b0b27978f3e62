"""How much of each parcel each class of polygons covers.

Areas come from the compiled kernel of `common`; without Numba, from GEOS. Where polygons of one
class overlap, the ground they share counts once: only the polygons that do overlap are touched,
since uniting a whole layer costs minutes and tells nothing more.
"""

from __future__ import annotations

from importlib.util import find_spec
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
    require_same_plane(parcelles=parcels, polygones=polygons)
    codes, classes = classed(polygons, by)
    drawn = made_valid(polygons.geometry.to_numpy())
    if COMPILED:
        from friches.spatial.common import class_areas
        from friches.spatial.land import land_of
        from friches.spatial.shapes import from_geometries

        land = land_of(parcels.geometry.to_numpy())
        met = class_areas(land.edges, from_geometries(drawn), codes)
        return told(*met, parcels["parcel_id"], land.area_m2, classes)
    from friches.spatial.geos import class_areas as geos_areas

    whole = made_valid(parcels.geometry.to_numpy())
    return told(
        *geos_areas(whole, drawn, codes), parcels["parcel_id"], shapely.area(whole), classes
    )


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

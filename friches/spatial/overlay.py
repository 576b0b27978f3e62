"""How much of each parcel each class of polygons covers.

Areas come from the compiled kernel of `common`; without Numba, from GEOS. Where polygons of one
class overlap, the ground they share counts once: only the polygons that do overlap are touched,
since uniting a whole layer costs minutes and tells nothing more.
"""

from __future__ import annotations

from importlib.util import find_spec
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

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
    Asked = tuple[NDArray[np.bool_], list[str]]

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
    parcels: gpd.GeoDataFrame, polygons: gpd.GeoDataFrame, asked: list[Asked]
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
    return [told(found, parcels["parcel_id"]) for found in met(parcels, polygons, asked)]


class Met(NamedTuple):
    """What parcels and classes of polygons have in common: one row a parcel and class.

    Attributes
    ----------
    parcel, code : arrays (n)
        Row of the parcel, number of the class, in this order.
    area_m2, share : arrays (n)
        Common area (m², more than 1e-6), and its share of the parcel (0 to 1).
    classes : DataFrame
        Values of each class.
    """

    parcel: Indices
    code: Indices
    area_m2: Numbers
    share: Numbers
    classes: pd.DataFrame


def met(parcels: gpd.GeoDataFrame, polygons: gpd.GeoDataFrame, asked: list[Asked]) -> list[Met]:
    """Return what `overlays` returns, in numbers of rows and classes."""
    require_same_plane(parcelles=parcels, polygones=polygons)
    drawn, shape = _distinct(polygons.geometry.to_numpy())
    drawn, whole = made_valid(drawn), parcels.geometry.to_numpy()
    rows = [np.flatnonzero(kept) for kept, _ in asked]
    each = [classed(polygons.iloc[row], by) for row, (_, by) in zip(rows, asked, strict=True)]
    if COMPILED:
        from friches.spatial.land import land_of

        area_m2 = land_of(whole).area_m2
        found = _compiled(whole, drawn, shape, rows, [codes for codes, _ in each])
    else:
        from friches.spatial.geos import class_areas as geos_areas

        whole = made_valid(whole)
        area_m2 = shapely.area(whole)
        found = [
            geos_areas(whole, drawn[shape[r]], codes)
            for r, (codes, _) in zip(rows, each, strict=True)
        ]
    return [_met(*one, area_m2, classes) for one, (_, classes) in zip(found, each, strict=True)]


def _distinct(drawn: Geometries) -> tuple[Geometries, Indices]:
    """Return each geometry object once, in order, and which of these each row is.

    Layers read from the shelf hold one object for all rows drawn alike.
    """
    marks = np.fromiter(map(id, drawn), np.int64, len(drawn))
    shape, _ = pd.factorize(marks)
    _, firsts = np.unique(shape, return_index=True)
    return drawn[firsts], shape


def _compiled(
    whole: Geometries, drawn: Geometries, shape: Indices, rows: list[Indices], each: list[Indices]
) -> list[tuple[Indices, Indices, Numbers]]:
    """Return row of parcel, class and common area of every overlay asked for."""
    from friches.spatial.classes import class_areas, families
    from friches.spatial.land import land_of
    from friches.spatial.shapes import from_geometries

    begin = np.cumsum([0, *(codes.max(initial=-1) + 1 for codes in each)])
    codes = np.concatenate([own + low for own, low in zip(each, begin[:-1], strict=True)])
    row = np.concatenate(rows)
    kin = families(codes, row) if len(rows) > 1 else codes
    parcel, code, area = class_areas(
        land_of(whole).edges, from_geometries(drawn), codes, shape[row], kin
    )
    found = []
    for low, high in pairwise(begin):
        of = (code >= low) & (code < high)
        found.append((parcel[of], code[of] - low, area[of]))
    return found


def _met(
    parcel: Indices, code: Indices, area_m2: Numbers, whole_m2: Numbers, classes: pd.DataFrame
) -> Met:
    kept = area_m2 > NEGLIGIBLE_M2
    parcel, code = parcel[kept], code[kept]
    area_m2 = np.minimum(area_m2[kept], whole_m2[parcel])
    return Met(parcel, code, area_m2, area_m2 / whole_m2[parcel], classes)


def shares_by(
    parcels: gpd.GeoDataFrame, polygons: gpd.GeoDataFrame, by: str, classes: list[Any]
) -> pd.DataFrame:
    """Return the table `by_class` of one overlay of all polygons, its classes named by `by`."""
    return by_class(
        met(parcels, polygons, [(np.ones(len(polygons), bool), [by])])[0], parcels, classes
    )


def by_class(found: Met, parcels: gpd.GeoDataFrame, classes: list[Any]) -> pd.DataFrame:
    """Return shares as a table: a row a parcel (by parcel_id), a column a class, 0 to 1.

    Parameters
    ----------
    found : Met
        Its classes named by one column.
    classes : list
        Values of that column, the columns of the table; those that nothing met are 0.
    """
    column = pd.Index(classes).get_indexer(pd.Index(found.classes.iloc[:, 0]))[found.code]
    wanted = column >= 0
    wide = np.zeros((len(parcels), len(classes)))
    wide[found.parcel[wanted], column[wanted]] = found.share[wanted]
    index = pd.Index(parcels["parcel_id"], name="parcel_id")
    return pd.DataFrame(wide.clip(0.0, 1.0), index=index, columns=classes)


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


def told(found: Met, ids: pd.Series[str]) -> pd.DataFrame:
    """Return the table of `overlay` from what met, and the identifiers of the parcels."""
    order, names = pd.factorize(ids, sort=True)
    sort = np.lexsort((found.code, order[found.parcel]))
    table = pd.DataFrame({"parcel_id": names.take(order[found.parcel[sort]])})
    classes = found.classes
    table[list(classes.columns)] = classes.take(found.code[sort]).reset_index(drop=True)
    table["area_m2"], table["share"] = found.area_m2[sort], found.share[sort]
    return table.astype({"parcel_id": "str"})

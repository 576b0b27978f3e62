"""How much of each parcel each class of polygons covers.

Where polygons of one class overlap, the ground they share counts once: only the polygons that do
overlap are touched, since uniting a whole layer costs minutes and tells nothing more.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from friches.spatial.metres import require_same_plane

if TYPE_CHECKING:
    from collections.abc import Callable

    import geopandas as gpd
    from numpy.typing import NDArray

    Geometries = NDArray[np.object_]
    Indices = NDArray[np.intp]
    Numbers = NDArray[np.float64]

NEGLIGIBLE_M2 = 1e-6
"""Areas below this, in m², are rounding: 1 mm² (the precision asked of shares; ASSUMPTION)."""
CHUNK = 4096
"""Geometries or pairs given to a thread at once."""


def overlay(parcels: gpd.GeoDataFrame, polygons: gpd.GeoDataFrame, by: list[str]) -> pd.DataFrame:
    """Return the area and share of each parcel under each class of polygons.

    Parameters
    ----------
    parcels : GeoDataFrame
        Columns parcel_id and geometry (valid polygons, metres).
    polygons : GeoDataFrame
        Columns `by` and geometry (valid polygons, the same CRS). Rows with equal `by` values are
        one class, whose overlapping polygons count once; a missing value is a class of its own.
        Classes may overlap each other, so shares need not sum to 1.
    by : list of str
        Columns that name a class; none makes the whole layer one class.

    Returns
    -------
    DataFrame
        parcel_id, *by, area_m2 (m²), share (0 to 1, of the parcel's geometric area): one row for
        each parcel and class with more than 1e-6 m² in common, sorted by parcel_id then `by`,
        missing last.

    Raises
    ------
    InputError
        A layer without a CRS, or in another one.
    """
    require_same_plane(parcelles=parcels, polygones=polygons)
    codes, classes = _classes(polygons, by)
    pieces, codes = apart(polygons.geometry.to_numpy(), codes)
    land = parcels.geometry.to_numpy()
    # Many fields are drawn alike year after year: each shape is measured once.
    shape, _ = pd.factorize(shapely.to_wkb(pieces))
    _, firsts = np.unique(shape, return_index=True)
    drawn, parcel, area = _areas(land, pieces[firsts])
    order, ids = pd.factorize(parcels["parcel_id"], sort=True)
    met = pd.DataFrame({"shape": drawn, "parcel": order[parcel], "area_m2": area, "where": parcel})
    rows = met.merge(pd.DataFrame({"shape": shape, "code": codes}), on="shape")
    grouped = rows.groupby(["parcel", "code"], sort=True)
    sums = grouped.agg({"area_m2": "sum", "where": "first"}).reset_index()
    sums = sums[sums["area_m2"] > NEGLIGIBLE_M2].reset_index(drop=True)
    whole = shapely.area(land)[sums["where"].to_numpy()]
    named = classes.take(sums["code"].to_numpy()).reset_index(drop=True)
    told = pd.DataFrame({"parcel_id": ids.take(sums["parcel"].to_numpy())})
    told[by] = named
    told["area_m2"] = np.minimum(sums["area_m2"].to_numpy(), whole)
    told["share"] = told["area_m2"].to_numpy() / whole
    return told.astype({"parcel_id": "str"})


def apart(geometries: Geometries, codes: Indices) -> tuple[Geometries, Indices]:
    """Return polygons of which no two of one class overlap, with their classes.

    From each polygon the larger ones of its class that it overlaps are cut out. Uniting them would
    tell the same, but neighbours that overlap by centimetres would chain into one giant polygon.

    Parameters
    ----------
    geometries : array of n valid polygons
    codes : array of n class numbers, from 0

    Returns
    -------
    geometries, codes : arrays of n rows, covering class by class the same ground; a polygon that
        larger ones cover is empty.
    """
    order = np.lexsort((-shapely.area(geometries), codes))
    geometries, codes = geometries[order], codes[order]
    larger, smaller = _overlapping(geometries, codes)
    if not len(larger):
        return geometries, codes
    cut, starts = np.unique(smaller, return_index=True)
    over = np.split(larger, starts[1:])
    pieces = geometries.copy()

    def remainder(rows: Indices) -> list[shapely.Geometry]:
        covers = np.array([shapely.union_all(geometries[over[row]]) for row in rows])
        rest: list[shapely.Geometry] = shapely.difference(geometries[cut[rows]], covers).tolist()
        return rest

    parts = _threaded(remainder, _chunks(len(cut), CHUNK // 8))
    pieces[cut] = [rest for part in parts for rest in part]
    return pieces, codes


def _classes(polygons: gpd.GeoDataFrame, by: list[str]) -> tuple[Indices, pd.DataFrame]:
    """Return the class number of each row and the `by` values of each class, missing last."""
    if not by:
        return np.zeros(len(polygons), np.intp), pd.DataFrame(index=range(1))
    values = pd.DataFrame(polygons[by]).reset_index(drop=True)
    codes = values.groupby(by, dropna=False, sort=True).ngroup().to_numpy().astype(np.intp)
    _, firsts = np.unique(codes, return_index=True)
    return codes, values.take(firsts)


def _overlapping(geometries: Geometries, codes: Indices) -> tuple[Indices, Indices]:
    """Return the pairs of one class whose common ground is an area, sorted by the second."""
    firsts, seconds = [np.empty(0, np.intp)], [np.empty(0, np.intp)]
    order = np.argsort(codes, kind="stable")
    # A tree for each class: six campaigns in one tree would meet each other at every field.
    for rows in np.split(order, np.flatnonzero(np.diff(codes[order])) + 1):
        if len(rows) < 2:
            continue
        one, other = shapely.STRtree(geometries[rows]).query(geometries[rows], "intersects")
        once = one < other
        firsts.append(rows[one[once]])
        seconds.append(rows[other[once]])
    first, second = np.concatenate(firsts), np.concatenate(seconds)
    by_second = np.lexsort((first, second))
    first, second = first[by_second], second[by_second]
    shared = _common_area(geometries, geometries, first, second) > NEGLIGIBLE_M2 / 1000
    return first[shared], second[shared]


def _areas(land: Geometries, pieces: Geometries) -> tuple[Indices, Indices, Numbers]:
    """Return piece, parcel and common area (m²) of every pair that meets, in a fixed order."""
    tree = shapely.STRtree(land)

    # The tree prepares the polygons it is queried with, each within one thread. Never share a
    # geometry prepared by shapely.prepare between threads: GEOS crashes.
    def meet(rows: Indices) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        pairs = tree.query(pieces[rows], "intersects")
        inside = tree.query(pieces[rows], "covers")
        keys, covered = (found[0] * len(land) + found[1] for found in (pairs, inside))
        return np.stack([rows[pairs[0]], pairs[1]]), np.isin(keys, covered)

    met = _threaded(meet, _chunks(len(pieces), CHUNK // 8))
    piece, parcel = np.concatenate([pairs for pairs, _ in met], axis=1)
    covered = np.concatenate([inside for _, inside in met])
    area = shapely.area(land)[parcel]
    partly = ~covered
    area[partly] = _common_area(pieces, land, piece[partly], parcel[partly])
    return piece, parcel, area


def _common_area(one: Geometries, other: Geometries, left: Indices, right: Indices) -> Numbers:
    """Return the area (m²) common to one[left] and other[right], pair by pair."""

    def areas(rows: Indices) -> Numbers:
        common: Numbers = shapely.area(shapely.intersection(one[left[rows]], other[right[rows]]))
        return common

    return np.concatenate(_threaded(areas, _chunks(len(left), CHUNK)))


def _chunks(n: int, size: int) -> list[Indices]:
    return np.split(np.arange(n), range(size, n, size))


def _threaded(work: Callable[[Any], Any], parts: list[Any]) -> list[Any]:
    """Return work(part) for each part, in order; GEOS lets go of Python's lock, so threads help."""
    if len(parts) < 2:
        return [work(part) for part in parts]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(work, parts))

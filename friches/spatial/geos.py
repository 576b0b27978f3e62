"""The areas of `common.class_areas` by GEOS: the reference in tests, the way without Numba."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from friches.spatial.cores import threads

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Geometries = NDArray[np.object_]
    Indices = NDArray[np.int64]
    Numbers = NDArray[np.float64]

OVERLAP_M2 = 1e-6
"""Polygons of one class that share less than this, in m², do not overlap (1 mm², rounding)."""
CHUNK = 4096
"""Geometries or pairs given to a thread at once."""


def class_areas(
    land: Geometries, drawn: Geometries, codes: Indices
) -> tuple[Indices, Indices, Numbers]:
    """Return row of land, class and common area (m²) of every pair that meets.

    Parameters
    ----------
    land : array of n valid polygons
    drawn : array of m valid polygons
    codes : array of m class numbers, from 0
    """
    drawn, codes = apart(drawn, codes)
    piece, parcel, area = _areas(land, drawn)
    return summed(parcel, codes[piece], area)


def summed(parcel: Indices, code: Indices, area: Numbers) -> tuple[Indices, Indices, Numbers]:
    """Return one row a parcel and class, ordered; summed from the smallest piece up.

    The order of the pieces is by size, not by place in a file, so that no bit of a sum depends on
    how the layer was sorted or cut.
    """
    classes = int(code.max(initial=0)) + 1
    key = parcel * classes + code
    order = np.argsort(key, kind="stable")
    key, area = key[order], area[order]
    starts = np.flatnonzero(np.diff(key, prepend=-1))
    many = np.diff(starts, append=len(key))
    rows = np.flatnonzero(np.repeat(many > 2, many))  # two add up to the same either way
    area[rows] = area[rows[np.lexsort((area[rows], key[rows]))]]
    sums = np.add.reduceat(area, starts) if len(starts) else area
    return key[starts] // classes, key[starts] % classes, sums


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
    cut, rest = remainders(geometries, larger, smaller)
    pieces = geometries.copy()
    pieces[cut] = rest
    return pieces, codes


def remainders(
    geometries: Geometries, larger: Indices, smaller: Indices
) -> tuple[Indices, Geometries]:
    """Return the rows that others overlap, and what is left of each once these are cut out.

    Parameters
    ----------
    geometries : array of n valid polygons
    larger, smaller : arrays of rows
        Pairs that overlap, the one that stays whole first; cut out in this order.

    Returns
    -------
    cut : array of k rows, ascending
    rest : array of k geometries
    """
    order = np.argsort(smaller, kind="stable")
    larger, smaller = larger[order], smaller[order]
    cut, starts, many = np.unique(smaller, return_index=True, return_counts=True)
    rest = geometries[cut]
    for turn in range(int(many.max(initial=0))):
        rows = np.flatnonzero(many > turn)
        rest[rows] = _differences(rest[rows], geometries[larger[starts[rows] + turn]])
    return cut, rest


def _differences(whole: Geometries, over: Geometries) -> Geometries:
    def left(rows: Indices) -> Geometries:
        parts: Geometries = shapely.difference(whole[rows], over[rows])
        return parts

    return np.concatenate([np.empty(0, object), *_threaded(left, _chunks(len(whole), CHUNK))])


def _overlapping(geometries: Geometries, codes: Indices) -> tuple[Indices, Indices]:
    """Return the pairs of one class whose common ground is an area."""
    firsts, seconds = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
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
    shared = _common_area(geometries, geometries, first, second) > OVERLAP_M2
    return first[shared], second[shared]


def _areas(land: Geometries, pieces: Geometries) -> tuple[Indices, Indices, Numbers]:
    """Return piece, parcel and common area (m²) of every pair that meets."""
    tree = shapely.STRtree(land)

    # The tree prepares the polygons it is queried with, each within one thread. Never share a
    # geometry prepared by shapely.prepare between threads: GEOS crashes.
    def meet(rows: Indices) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        pairs = tree.query(pieces[rows], "intersects")
        inside = tree.query(pieces[rows], "covers")
        keys, covered = (found[0] * len(land) + found[1] for found in (pairs, inside))
        return np.stack([rows[pairs[0]], pairs[1]]), np.isin(keys, covered)

    met = _threaded(meet, _chunks(len(pieces), CHUNK // 8))
    if not met:
        none = np.empty(0, np.int64)
        return none, none, np.empty(0)
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

    return np.concatenate([np.empty(0), *_threaded(areas, _chunks(len(left), CHUNK))])


def _chunks(n: int, size: int) -> list[Indices]:
    return [np.arange(low, min(low + size, n)) for low in range(0, n, size)]


def _threaded(work: Callable[[Any], Any], parts: list[Any]) -> list[Any]:
    """Return work(part) for each part, in order; GEOS lets go of Python's lock, so threads help."""
    if len(parts) < 2 or threads() < 2:
        return [work(part) for part in parts]
    with ThreadPoolExecutor(threads()) as pool:
        return list(pool.map(work, parts))

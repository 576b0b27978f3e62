"""Common areas of parcels and classes of polygons: ground that a class covers twice counts once.

Many fields are drawn alike year after year, and one layer is asked about in several ways: each
shape is measured once, and each two shapes that overlap are cut once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from friches.spatial.common import common_areas, meeting_pairs
from friches.spatial.edges import Edges, edges
from friches.spatial.geos import OVERLAP_M2, remainders, summed
from friches.spatial.shapes import Shapes, as_geometries, first_alike, from_geometries, join, take

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]
    Indices = NDArray[np.int64]


def class_areas(
    land: Edges,
    drawn: Shapes,
    codes: Indices,
    which: Indices | None = None,
    kin: Indices | None = None,
) -> tuple[Indices, Indices, Numbers]:
    """Return row of land, class and common area (m²) of every pair that meets.

    Parameters
    ----------
    land : Edges
        Of n valid polygons, in metres.
    drawn : Shapes
        m valid polygons; where those of one class overlap, the ground they share counts once.
    codes : array of k class numbers, from 0
    which : array of k rows of `drawn`, optional
        The polygon of each code: one polygon may be in several classes. By default all, in order.
    kin : array of k, optional
        From `families`; by default each class is a family.

    Returns
    -------
    parcel, code, area_m2 : arrays, one row a parcel and class, ordered.
    """
    firsts, alike = first_alike(drawn)
    drawn = take(drawn, firsts)
    alike = alike if which is None else alike[which]
    drawn, alike, codes = _apart(drawn, alike, codes, codes if kin is None else kin)
    one = edges(drawn)
    shape, parcel = meeting_pairs(one.bounds, land.bounds)
    area = common_areas(one, land, shape, parcel)
    met = area > 0
    shape, parcel, area = shape[met], parcel[met], area[met]
    row, many = _holding(alike, shape)
    return summed(np.repeat(parcel, many), codes[row], np.repeat(area, many))


def families(codes: Indices, rows: Indices) -> Indices:
    """Return for each code the family of its class: classes that hold a same row are kin.

    Whatever is asked of declared fields, those of two campaigns are never in one family: their
    overlaps, which are everywhere, need not be looked for.

    Parameters
    ----------
    codes, rows : arrays of k
        Classes, and the row of the layer that each holds.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    first = int(rows.max(initial=-1)) + 1
    size = first + int(codes.max(initial=-1)) + 1
    held = coo_array((np.ones(len(codes), np.int8), (rows, first + codes)), shape=(size, size))
    family = connected_components(held, directed=False)[1]
    return np.asarray(family[first + codes], np.int64)


def _apart(
    drawn: Shapes, alike: Indices, codes: Indices, kin: Indices
) -> tuple[Shapes, Indices, Indices]:
    """Cut, out of each polygon, the larger ones of its class; return shapes, shape a row, codes."""
    # The same shape twice in a class counts once.
    _, rows = np.unique(codes * len(drawn) + alike, return_index=True)
    alike, codes = alike[rows], codes[rows]
    larger, smaller = _overlapping(edges(drawn), alike, codes, kin[rows])
    if not len(larger):
        return drawn, alike, codes
    cut, case, first = _cases(alike, larger, smaller)
    # A few cases stand for all campaigns: rows of the first one, cut by the shapes themselves.
    told = np.isin(smaller, cut[first])
    larger, smaller = larger[told], smaller[told]
    kept, at = np.unique(np.concatenate([alike[cut[first]], alike[larger]]), return_inverse=True)
    whole = as_geometries(take(drawn, kept))
    geometries = np.concatenate([whole[at[: len(first)]], whole])
    place = np.searchsorted(cut[first], smaller)
    _, rest = remainders(geometries, len(first) + at[len(first) :], place)
    alike[cut] = len(drawn) + case
    return join(drawn, from_geometries(rest)), alike, codes


def _cases(alike: Indices, larger: Indices, smaller: Indices) -> tuple[Indices, Indices, Indices]:
    """Return the rows to cut, which case each is, and the first row (in these) of each case.

    The same shape cut by the same shapes is one case, in however many classes it comes.
    """
    cut, row = np.unique(smaller, return_inverse=True)
    words = alike[larger].astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    words = (words ^ (words >> np.uint64(31))) * np.uint64(0xBF58476D1CE4E5B9)
    mark = np.zeros(len(cut), np.uint64)
    np.add.at(mark, row, words ^ (words >> np.uint64(29)))
    many = np.bincount(row, minlength=len(cut)).astype(np.uint64)
    said = (mark ^ alike[cut].astype(np.uint64)) * np.uint64(0xD6E8FEB86659FD93) + many
    _, first, case = np.unique(said, return_index=True, return_inverse=True)
    # Rows of `cut` ascend, so cases are put in the order of their first rows.
    order = np.argsort(first)
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    return cut, rank[case], first[order]


def _overlapping(
    outlines: Edges, alike: Indices, codes: Indices, kin: Indices
) -> tuple[Indices, Indices]:
    """Return the pairs of rows of one class that overlap: larger, smaller; by smaller, by size.

    Rows stand by class, then by shape.
    """
    shapes = len(outlines.begin)
    one, other = _sharing(outlines, alike, kin)
    # Each class that holds the one shape may hold the other too.
    row, many = _holding(alike, one)
    key, wanted = codes * shapes + alike, codes[row] * shapes + np.repeat(other, many)
    beside = np.searchsorted(key, wanted)
    both = np.take(key, beside, mode="clip") == wanted if len(key) else beside < 0
    row, beside = row[both], beside[both]
    rank = _ranks(outlines)[alike]
    swap = rank[row] < rank[beside]
    larger, smaller = np.where(swap, beside, row), np.where(swap, row, beside)
    order = np.lexsort((-rank[larger], smaller))
    return larger[order], smaller[order]


def _sharing(outlines: Edges, alike: Indices, kin: Indices) -> tuple[Indices, Indices]:
    """Return the pairs of shapes of one family that have an area in common, each once."""
    one, other = meeting_pairs(outlines.bounds, outlines.bounds)
    marks = _marks(len(outlines.begin), alike, kin)
    wanted = (one < other) & ((marks[one] & marks[other]) != 0)
    one, other = one[wanted], other[wanted]
    shared = common_areas(outlines, outlines, one, other) > OVERLAP_M2
    one, other = one[shared], other[shared]
    order = np.lexsort((other, one))
    return one[order], other[order]


def _marks(shapes: int, alike: Indices, kin: Indices) -> NDArray[np.uint64]:
    """Return a bit a family for each shape; above 64 families bits are shared, for more work."""
    order = np.argsort(alike, kind="stable")
    held, starts = np.unique(alike[order], return_index=True)
    bits = np.uint64(1) << (kin[order] % 64).astype(np.uint64)
    marks = np.zeros(shapes, np.uint64)
    if len(held):
        marks[held] = np.bitwise_or.reduceat(bits, starts)
    return marks


def _ranks(outlines: Edges) -> Indices:
    """Return the rank of each shape by size; equal sizes by place, not by row."""
    many = outlines.end - outlines.begin
    of = np.repeat(np.arange(len(many)), many)
    left, right, y, slope, sign = outlines.edge.T
    width = right - left
    under = sign * width * (y - outlines.bounds[of, 1] + slope * width / 2)
    size = np.bincount(of, weights=under, minlength=len(many))
    first = np.lexsort((*outlines.bounds.T, size))
    rank = np.empty(len(first), np.int64)
    rank[first] = np.arange(len(first))
    return rank


def _holding(alike: Indices, shape: Indices) -> tuple[Indices, Indices]:
    """Return the rows that hold each of these shapes, one after the other, and how many do."""
    held = np.bincount(alike, minlength=int(shape.max(initial=-1)) + 1)
    begin, many = (np.cumsum(held) - held)[shape], held[shape]
    starts = np.cumsum(many) - many
    place = np.arange(int(many.sum())) + np.repeat(begin - starts, many)
    row: Indices = np.argsort(alike, kind="stable")[place]
    return row, many

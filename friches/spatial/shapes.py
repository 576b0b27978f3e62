"""Polygons as plain coordinate arrays, taken from WKB without a Python loop.

The area and coverage kernels read these arrays and nothing else, so a layer kept as GeoParquet
reaches them without one geometry object being made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import shapely

from friches.errors import refuse
from friches.spatial import wkb

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]
    Indices = NDArray[np.int64]


class Shapes(NamedTuple):
    """n polygons or multipolygons, with holes.

    Attributes
    ----------
    xy : array (coordinates, 2)
        Metres; every ring closed.
    ring : array (rings + 1)
        Where each ring begins in `xy`.
    outer : array (rings), boolean
        Whether the ring is the outside of a part (holes are not).
    shape : array (n + 1)
        Where each shape begins in `ring`.
    """

    xy: Numbers
    ring: Indices
    outer: NDArray[np.bool_]
    shape: Indices

    def __len__(self) -> int:
        """Return the number of shapes (and not of fields)."""
        return len(self.shape) - 1


def from_geometries(geometries: NDArray[np.object_]) -> Shapes:
    """Return shapely polygons as arrays; missing and empty ones have no ring, lines are left out.

    Parameters
    ----------
    geometries : array of n shapely geometries
    """
    said = shapely.to_wkb(geometries, output_dimension=2, byte_order=1)
    return from_wkb(pa.array(said, pa.large_binary()))


def from_wkb(column: pa.Array | pa.ChunkedArray) -> Shapes:
    """Return a column of WKB (two or more dimensions, little-endian, with or without SRID).

    Parameters
    ----------
    column : Arrow array of n binary values
        What is not a polygon is left out; a missing value has no ring.

    Raises
    ------
    InputError
        Values that are not little-endian WKB, how many and which first.
    """
    data, offsets = buffers(column)
    counts = wkb.count(data, offsets)
    wrong = np.flatnonzero(counts[:, 0] < 0)
    if len(wrong):
        what = f"{len(wrong)} géométrie(s) WKB illisible(s) (la première : ligne {wrong[0] + 1})"
        raise refuse(what, "géométries", "écrire le fichier en WKB petit-boutiste")
    rings, points = counts.sum(axis=0)
    found = Shapes(
        np.empty((points, 2)),
        np.zeros(rings + 1, np.int64),
        np.zeros(rings, np.bool_),
        np.concatenate([[0], np.cumsum(counts[:, 0])]).astype(np.int64),
    )
    wkb.fill(data, offsets, found.xy.view(np.uint8).reshape(-1), found.ring, found.outer)
    return found


def buffers(column: pa.Array | pa.ChunkedArray) -> tuple[NDArray[np.uint8], Indices]:
    """Return the bytes of a binary column, and where each value begins in them."""
    column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(column.type, pa.BaseExtensionType):
        column = column.storage
    if not pa.types.is_binary(column.type):  # a cast imports pyarrow.compute: 0.1 s
        column = column.cast(pa.large_binary())
    parts: list[Any] = column.buffers()
    if not len(column) or parts[2] is None:
        return np.empty(0, np.uint8), np.zeros(len(column) + 1, np.int64)
    whole = np.dtype(np.int32 if pa.types.is_binary(column.type) else np.int64)
    begin = column.offset * whole.itemsize
    offsets = np.frombuffer(parts[1], whole, len(column) + 1, begin).astype(np.int64)
    return np.frombuffer(parts[2], np.uint8), offsets


def take(shapes: Shapes, rows: Indices) -> Shapes:
    """Return some of the shapes, in the order of `rows`."""
    rings = _ranges(shapes.shape[rows], shapes.shape[rows + 1])
    points = _ranges(shapes.ring[rings], shapes.ring[rings + 1])
    return Shapes(
        shapes.xy[points],
        _starts(shapes.ring[rings + 1] - shapes.ring[rings]),
        shapes.outer[rings],
        _starts(shapes.shape[rows + 1] - shapes.shape[rows]),
    )


def join(one: Shapes, other: Shapes) -> Shapes:
    """Return the shapes of both, one after the other."""
    return Shapes(
        np.concatenate([one.xy, other.xy]),
        np.concatenate([one.ring, other.ring[1:] + one.ring[-1]]),
        np.concatenate([one.outer, other.outer]),
        np.concatenate([one.shape, other.shape[1:] + one.shape[-1]]),
    )


def as_geometries(shapes: Shapes) -> NDArray[np.object_]:
    """Return shapes as shapely multipolygons."""
    rings = np.arange(len(shapes.outer))
    parts = np.flatnonzero(shapes.outer)
    part = np.append(parts, len(rings))
    shape = np.searchsorted(parts, shapes.shape)
    found: NDArray[np.object_] = shapely.from_ragged_array(
        shapely.GeometryType.MULTIPOLYGON, shapes.xy, (shapes.ring, part, shape)
    )
    return found


def first_alike(shapes: Shapes) -> tuple[Indices, Indices]:
    """Return the rows of shapes drawn for the first time, and for each row which of these it is.

    Shapes are alike when their coordinates are the same, in the same order.
    """
    marks = wkb.marks(shapes.xy.view(np.uint64), shapes.ring, shapes.shape)
    _, firsts, alike = np.unique(marks, axis=0, return_index=True, return_inverse=True)
    order = np.argsort(firsts, kind="stable")
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    return firsts[order].astype(np.int64), place[alike.reshape(-1)]


def _starts(sizes: Indices) -> Indices:
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)


def _ranges(begin: Indices, end: Indices) -> Indices:
    """Return begin[0] .. end[0]-1, begin[1] .. end[1]-1, and so on, as one array."""
    sizes = end - begin
    starts = _starts(sizes)
    return np.arange(starts[-1]) + np.repeat(begin - starts[:-1], sizes)

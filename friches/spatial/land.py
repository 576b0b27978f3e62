"""Parcels made ready once for the many layers they are measured against."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, NamedTuple

import shapely

from friches.spatial.edges import Edges, edges
from friches.spatial.overlay import made_valid
from friches.spatial.shapes import Shapes, from_geometries

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Land(NamedTuple):
    """Parcels as arrays: their rings, their edges, their areas (m²)."""

    shapes: Shapes
    edges: Edges
    area_m2: NDArray[np.float64]


_LAST: dict[int, tuple[weakref.ref[NDArray[np.object_]], Land]] = {}


def land_of(geometries: NDArray[np.object_]) -> Land:
    """Return parcels as arrays; those of the last array asked for are remembered.

    Parameters
    ----------
    geometries : array of n polygons
        Invalid ones are made valid. The array must not be changed in place afterwards.
    """
    known = _LAST.get(id(geometries))
    if known is not None and known[0]() is geometries:
        return known[1]
    valid = made_valid(geometries)
    shapes = from_geometries(valid)
    land = Land(shapes, edges(shapes), shapely.area(valid))
    _LAST.clear()
    _LAST[id(geometries)] = weakref.ref(geometries), land
    return land

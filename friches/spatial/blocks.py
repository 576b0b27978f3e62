"""Which parcels lie together, and the outline of each such block."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from friches.spatial.metres import require_same_plane

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROUNDING_M = 1e-6
"""Coordinates of millions of metres are not known to a micrometre: a gap may exceed by as much."""
CORNER_ONLY = "F***0****"
"""DE-9IM: interiors apart, borders meeting in points only."""


def group(parcels: gpd.GeoDataFrame, gap_m: float) -> pd.Series[int]:
    """Return the block each parcel belongs to.

    Parameters
    ----------
    parcels : GeoDataFrame
        Columns parcel_id and geometry (valid polygons, metres).
    gap_m : float
        Parcels at most this far apart, in metres, lie together, and so on from parcel to parcel; a
        track no wider than this does not part them. With 0 they must share a stretch of border: a
        corner is not enough. Sheets of the real cadastre do not meet exactly: 0.3 to 0.5 m is the
        least that finds neighbours across them (INFERENCE from measurements on generated land).

    Returns
    -------
    Series
        Block numbers from 1, indexed by parcel_id in the order of `parcels`; blocks are numbered by
        their first parcel_id, whatever the order of the rows.

    Raises
    ------
    InputError
        A layer without a CRS in metres.
    """
    require_same_plane(parcelles=parcels)
    geometries = parcels.geometry.to_numpy()
    first, second = _neighbours(geometries, gap_m)
    links = coo_array((np.ones(len(first), bool), (first, second)), shape=(len(geometries),) * 2)
    _, found = connected_components(links, directed=False)
    ids = pd.Index(parcels["parcel_id"])
    by_id = found[np.argsort(ids.to_numpy(), kind="stable")]
    _, firsts = np.unique(by_id, return_index=True)
    number = np.empty(len(firsts), np.int64)
    number[np.argsort(firsts)] = np.arange(1, len(firsts) + 1)
    return pd.Series(number[found], index=ids, name="label")


def outlines(parcels: gpd.GeoDataFrame, labels: pd.Series[Any]) -> gpd.GeoDataFrame:
    """Return the outline of each block: the union of its parcels, gaps between them kept.

    Parameters
    ----------
    parcels : GeoDataFrame
        Columns parcel_id and geometry (valid polygons, metres).
    labels : Series
        Block labels (numbers as from `group`, or texts) indexed by parcel_id; parcels it does not
        name are left out.

    Returns
    -------
    GeoDataFrame
        label, geometry (valid Polygon or MultiPolygon): one row a block, sorted by label.
    """
    sorted_parcels = parcels.sort_values("parcel_id", ignore_index=True)
    label = sorted_parcels["parcel_id"].map(labels).dropna().astype(labels.dtype)
    codes, names = pd.factorize(label, sort=True)
    order = np.argsort(codes, kind="stable")
    shapes = _united(sorted_parcels.geometry.to_numpy()[label.index[order]], codes[order])
    frame = pd.DataFrame({"label": pd.Series(names, dtype=labels.dtype)})
    return gpd.GeoDataFrame(frame, geometry=gpd.GeoSeries(shapes, crs=parcels.crs), crs=parcels.crs)


def _united(geometries: NDArray[np.object_], codes: NDArray[np.intp]) -> NDArray[np.object_]:
    """Return the union of the geometries of each code, which are in order from 0."""
    count = int(codes[-1]) + 1 if len(codes) else 0
    starts = np.searchsorted(codes, np.arange(count + 1))
    alone = np.diff(starts) == 1
    found = np.empty(count, dtype=object)
    found[alone] = shapely.normalize(geometries[starts[:-1][alone]])
    for code in np.flatnonzero(~alone):
        found[code] = _union(geometries[starts[code] : starts[code + 1]])
    return found


def _neighbours(geometries: NDArray[np.object_], gap_m: float) -> NDArray[np.intp]:
    """Return the pairs of parcels that lie together, each once."""
    tree = shapely.STRtree(geometries)
    if gap_m > 0:
        pairs: NDArray[np.intp] = tree.query(geometries, "dwithin", distance=gap_m + ROUNDING_M)
    else:
        pairs = tree.query(geometries, "intersects")
    pairs = pairs[:, pairs[0] < pairs[1]]
    if gap_m <= 0:
        one, other = geometries[pairs]
        pairs = pairs[:, ~shapely.relate_pattern(one, other, CORNER_ONLY)]
    return pairs


def _union(geometries: NDArray[np.object_]) -> shapely.Geometry:
    """Return the valid union of polygons; the quick way where they meet without overlapping."""
    if shapely.coverage_is_valid(geometries):
        united = shapely.coverage_union_all(geometries)
        if united.is_valid and united.geom_type in {"Polygon", "MultiPolygon"}:
            return shapely.normalize(united)
    return shapely.normalize(shapely.union_all(geometries))

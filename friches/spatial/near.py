"""How far the nearest feature is, and how many lie within a distance."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from friches.spatial.cores import threads
from friches.spatial.metres import require_same_plane

if TYPE_CHECKING:
    import geopandas as gpd

CHUNK = 2048
"""Parcels given to a thread at once."""


def nearest_m(parcels: gpd.GeoDataFrame, layer: gpd.GeoDataFrame) -> pd.Series[float]:
    """Return the distance in metres from each parcel to the nearest feature of a layer.

    Parameters
    ----------
    parcels : GeoDataFrame
        Columns parcel_id and geometry (metres).
    layer : GeoDataFrame
        Features of any geometry, in the same CRS.

    Returns
    -------
    Series
        Metres, indexed by parcel_id in the order of `parcels`; 0 where they touch; missing when the
        layer has no feature (how far the next one lies beyond it is not known).

    Raises
    ------
    InputError
        A layer without a CRS, or in another one.
    """
    require_same_plane(parcelles=parcels, couche=layer)
    far = np.full(len(parcels), np.nan)
    tree, shapes = shapely.STRtree(layer.geometry.to_numpy()), parcels.geometry.to_numpy()

    def seek(start: int) -> None:
        (parcel, _), metres = tree.query_nearest(
            shapes[start : start + CHUNK], return_distance=True, all_matches=False
        )
        far[start + parcel] = metres

    with ThreadPoolExecutor(threads()) as pool:  # the tree is only read, GEOS lets go of the lock
        list(pool.map(seek, range(0, len(shapes), CHUNK)))
    return pd.Series(far, index=pd.Index(parcels["parcel_id"]), name="nearest_m")


def count_within(
    parcels: gpd.GeoDataFrame, layer: gpd.GeoDataFrame, metres: float
) -> pd.Series[int]:
    """Return how many features of a layer lie within a distance of each parcel.

    Parameters
    ----------
    parcels : GeoDataFrame
        Columns parcel_id and geometry (metres).
    layer : GeoDataFrame
        Features of any geometry, in the same CRS.
    metres : float
        Greatest distance, itself included.

    Returns
    -------
    Series
        Counts (Int64), indexed by parcel_id in the order of `parcels`.

    Raises
    ------
    InputError
        A layer without a CRS, or in another one.
    """
    require_same_plane(parcelles=parcels, couche=layer)
    tree = shapely.STRtree(layer.geometry.to_numpy())
    parcel, _ = tree.query(parcels.geometry.to_numpy(), "dwithin", distance=metres)
    counts = np.bincount(parcel, minlength=len(parcels))
    index = pd.Index(parcels["parcel_id"])
    return pd.Series(counts, index=index, name="count_within", dtype="Int64")

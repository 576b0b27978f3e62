"""Which farms already work the field next to a block, and along how many metres."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import shapely

from friches.spatial.metres import require_same_plane
from friches.tables import check, empty

if TYPE_CHECKING:
    import geopandas as gpd

TOLERANCE_M = 10.0
"""Greatest gap between a block and a field that touch: a lane, a hedge, a field drawn askew.
ASSUMPTION."""
TOUCH = 1e-6
"""Metres: coordinates of millions of metres are not known better."""


def neighbours(
    blocks: gpd.GeoDataFrame, fields: gpd.GeoDataFrame, tolerance_m: float = TOLERANCE_M
) -> pd.DataFrame:
    """Return the farms with a field beside each block, and the length that they share.

    The length is that of the block's border within the tolerance of the farm's fields, both ends of
    each stretch longer by as much at most; of an island in a field, all of it. A field under the
    block's border counts for the border that it covers.

    Parameters
    ----------
    blocks : GeoDataFrame
        block_id, geometry (metres).
    fields : GeoDataFrame
        Table « farm_fields », same CRS.
    tolerance_m : float
        Greatest gap in metres, itself included.

    Returns
    -------
    DataFrame
        Table « neighbours »: block_id, farmer_id, shared_m; ordered by key. A farm whose field
        comes within the tolerance at one point alone shares about twice the tolerance.

    Raises
    ------
    InputError
        Layers not in metres or not in the same CRS.
    """
    require_same_plane(blocks=blocks, farm_fields=fields)
    none: pd.DataFrame = empty("neighbours")
    if blocks.empty or fields.empty:
        return none
    shapes, land = blocks.geometry.to_numpy(), fields.geometry.to_numpy()
    tree = shapely.STRtree(land)
    block, field = tree.query(shapes, "dwithin", distance=tolerance_m + TOUCH)
    pairs = pd.DataFrame(
        {
            "block_id": blocks["block_id"].astype("str").to_numpy()[block],
            "farmer_id": fields["farmer_id"].astype("str").to_numpy()[field],
            "at": block,
            "field": field,
        }
    ).sort_values(["block_id", "farmer_id", "field"])
    rows = []
    for (name, farmer), found in pairs.groupby(["block_id", "farmer_id"], sort=True):
        near = shapely.union_all(land[found["field"].to_numpy()])
        around = shapely.buffer(near, tolerance_m + TOUCH)
        edge = shapely.boundary(shapes[int(found["at"].iloc[0])])
        shared = float(shapely.length(shapely.intersection(edge, around)))
        rows.append({"block_id": name, "farmer_id": farmer, "shared_m": shared})
    if not rows:
        return none
    return check(pd.DataFrame(rows), "neighbours", "fermes voisines")

"""Layers kept one by one as GeoParquet, and read again whole, near a place, or a few rows.

Geometry is kept as WKB, zstd, with the box of each row beside it. Rows stand in the order of a
Hilbert curve, so that what lies together is read together; `ROW` tells the order they came in,
and every reader gives them back in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from friches import keep

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Box = tuple[float, float, float, float]

ROW = "row_in_layer"
ROWS_A_GROUP = 10_000
"""Rows decoded together: about 1 MB of parcels (ASSUMPTION: near what DuckDB and QGIS advise)."""


def shelve(table: Any, path: Path, order: NDArray[np.int64] | None = None) -> None:
    """Keep one layer at `path` (Parquet), its `attrs` beside it.

    Parameters
    ----------
    table : DataFrame or GeoDataFrame
    path : Path
    order : array of n rows, optional
        The order in which rows stand in the file; by default, along a Hilbert curve.
    """
    if not hasattr(table, "geometry"):
        keep.write_table(table, path)
        return
    if order is None:
        order = along_curve(table.geometry)
    ordered = table.assign(**{ROW: np.arange(len(table))}).iloc[order]
    ordered.attrs = table.attrs
    keep.write_table(
        ordered, path, index=False, write_covering_bbox=True, schema_version="1.1.0",
        geometry_encoding="WKB", row_group_size=ROWS_A_GROUP,
    )  # fmt: skip


def whole(path: Path) -> Any:
    """Return a layer as it was shelved: rows in their order, `attrs`."""
    return _in_order(keep.read_table(path))


def near(path: Path, box: Box) -> Any:
    """Return the rows of a layer whose bounds meet a box (in its CRS), in their order.

    A table without geometry is returned whole. Rows drawn alike share one geometry object.
    """
    import pyarrow.parquet as pq
    from pyarrow.compute import field

    if not is_spatial(path):
        return whole(path)
    west, south, east, north = (field("bbox", side) for side in ("xmin", "ymin", "xmax", "ymax"))
    met = (west <= box[2]) & (south <= box[3]) & (east >= box[0]) & (north >= box[1])
    return _drawn(pq.read_table(path, filters=met, columns=_own(path)), path)


def rows(path: Path, start: int, stop: int) -> Any:
    """Return the rows of a layer that stand from `start` to `stop` in its file."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        sizes = [file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)]
        ends = np.cumsum(sizes)
        groups = np.flatnonzero((ends > start) & (ends - sizes < stop))
        first = int(ends[groups[0]] - sizes[groups[0]])
        read = file.read_row_groups(groups.tolist(), columns=_own(path))
    return _drawn(read.slice(start - first, stop - start), path)


def _drawn(read: Any, path: Path) -> Any:
    """Return an Arrow table as a layer: each shape is decoded once, in however many rows it is."""
    import json

    import geopandas as gpd
    import shapely

    said = json.loads(read.schema.metadata[b"geo"])
    name = said["primary_column"]
    coded = read[name].combine_chunks().dictionary_encode()
    alike: Any = coded.dictionary.to_numpy(zero_copy_only=False)
    shapes = shapely.from_wkb(np.concatenate([alike, [None]]))
    place = coded.indices.fill_null(len(shapes) - 1).to_numpy()
    frame = read.drop_columns([name]).to_pandas()
    drawn = gpd.array.GeometryArray(shapes[place], said["columns"][name]["crs"])
    frame.insert(read.column_names.index(name), name, drawn)
    table = gpd.GeoDataFrame(frame, geometry=name)
    table.attrs.update(keep.read_attrs(path))
    return _in_order(table)


def extent(path: Path) -> Box | None:
    """Return the box that holds every row of a layer; None of a layer without rows."""
    import json

    import pyarrow.parquet as pq

    said = json.loads(pq.read_schema(path).metadata[b"geo"])
    box = said["columns"][said["primary_column"]].get("bbox")
    return tuple(box) if box and np.isfinite(box).all() else None


def is_spatial(path: Path) -> bool:
    """Say whether the layer kept at `path` has a geometry."""
    import pyarrow.parquet as pq

    return b"geo" in (pq.read_schema(path).metadata or {})


def _own(path: Path) -> list[str]:
    import pyarrow.parquet as pq

    return [name for name in pq.read_schema(path).names if name != "bbox"]


def _in_order(table: Any) -> Any:
    if ROW not in table:
        return table
    attrs = table.attrs
    table = table.sort_values(ROW, ignore_index=True).drop(columns=ROW)
    table.attrs = attrs
    return table


def along_curve(shapes: Any) -> NDArray[np.int64]:
    """Return the order of a GeoSeries along a Hilbert curve; rows without a shape last."""
    void = (shapes.isna() | shapes.is_empty).to_numpy()
    place = np.full(len(shapes), np.iinfo(np.int64).max)
    if not void.all():
        place[~void] = shapes[~void].hilbert_distance().to_numpy()
    return np.argsort(place, kind="stable")

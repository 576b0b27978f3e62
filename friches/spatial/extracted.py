"""The sums of `pixels.weigh` by exactextract: the way without Numba, the reference in tests.

It holds parts in single precision: exact to about 1e-7.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from exactextract import exact_extract
from exactextract.feature import Feature, FeatureSource
from exactextract.raster import NumPyRasterSource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from friches.spatial.coverage import Corner


class _Outline(Feature):  # type: ignore[misc]
    """One polygon for exactextract, as WKB: five times quicker than its GeoJSON door."""

    def __init__(self, row: int = -1, wkb: bytes = b"") -> None:
        super().__init__()
        self.wkb = wkb
        self.values: dict[str, Any] = {"row": row}

    def geometry(self) -> bytes:
        return self.wkb

    def fields(self) -> list[str]:
        return ["row"]

    def get(self, name: str) -> Any:
        return self.values[name]

    def set(self, name: str, value: Any) -> None:
        self.values[name] = value


class _Outlines(FeatureSource):  # type: ignore[misc]
    """Polygons for exactextract, each with its row number."""

    def __init__(self, rows: NDArray[np.intp], geometries: NDArray[np.object_]) -> None:
        super().__init__()
        self.outlines = list(zip(rows.tolist(), shapely.to_wkb(geometries), strict=True))

    def count(self) -> int:
        return len(self.outlines)

    def __iter__(self) -> Iterator[_Outline]:
        for row, wkb in self.outlines:
            yield _Outline(row, wkb)

    def srs_wkt(self) -> None:
        return None  # the mosaic's CRS was checked against the parcels'


def weigh(  # noqa: PLR0913, PLR0917 -- as the compiled loop
    geometries: NDArray[np.object_],
    rows: NDArray[np.int64],
    places: NDArray[np.int64],
    cut: tuple[int, int, int, int],
    corner: Corner,
    meaning: NDArray[np.int16],
    bands: NDArray[Any],
    area: NDArray[np.float64],
    sums: NDArray[np.float64],
) -> None:
    """Add to each parcel the pixels it covers in a window (see `pixels.weigh`)."""
    height, width, start, stride = cut
    row, cell, part = pixels(geometries[rows], height, width, corner)
    place, cell = places[row], start + cell // width * stride + cell % width
    if area.shape[1]:
        code = meaning[cell]
        known = code >= 0
        np.add.at(area, (place[known], code[known]), part[known])
    for band in range(sums.shape[2]):
        found = bands[cell, band].astype(np.float64)
        known = ~np.isnan(found)
        np.add.at(sums[:, 0, band], place[known], part[known] * found[known])
        np.add.at(sums[:, 1, band], place[known], part[known])


def pixels(
    geometries: NDArray[np.object_], height: int, width: int, corner: Corner
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return geometry, pixel (row-major) and covered part (0 to 1) of every pair in a window.

    Parameters
    ----------
    geometries : array of n polygons
    height, width : int
        Of the window, in pixels.
    corner : west, north, pixel width and height of the window (m)
    """
    west, north, width_m, height_m = corner
    blank = np.zeros((height, width), np.uint8)
    edges = west, north - height * height_m, west + width * width_m, north
    source = NumPyRasterSource(blank, *edges)
    return _covered(source, _Outlines(np.arange(len(geometries)), geometries))


def _covered(
    source: NumPyRasterSource, outlines: _Outlines
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    found = exact_extract(
        source, outlines, ["cell_id", "coverage"], include_cols=["row"], output="pandas"
    )
    cells = found["cell_id"].to_list()
    parcel = np.repeat(found["row"].to_numpy(np.int64), [len(one) for one in cells])
    cell = np.concatenate(cells).astype(np.int64)
    return parcel, cell, np.concatenate(found["coverage"].to_list()).astype(np.float64)

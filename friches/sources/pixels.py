"""Pixels of the study: values that a raster's kind and legend cannot hold are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from rasterio.windows import Window, from_bounds

from friches.errors import refuse
from friches.sources import legends

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_READ = 400_000_000
"""Pixels checked inside the study's bounds (ASSUMPTION: a safety cap)."""
LOWEST_LAND_M = -100.0
"""No land in France lies lower (ASSUMPTION: Les Moëres, about -3 m, with mine pits allowed)."""

BEYOND_NDVI, BEYOND_SHARE = 1.1, 0.05
"""Noise on dark water may pass 1 a little; more than this share of pixels is another quantity
(ASSUMPTION)."""
IMPOSSIBLE_NDVI = 3.0
"""A single such pixel, in a file that declares no absent value, is that value (ASSUMPTION)."""

Bounds = tuple[float, float, float, float]


def check_values(
    source: Any, path: Path, rows: list[dict[str, Any]], bounds: Bounds | None
) -> None:
    """Refuse pixels of the study that cannot be what the bands are said to hold.

    Parameters
    ----------
    source : rasterio dataset
        Open for reading.
    path : Path
        The file to name in messages.
    rows : list of dict
        Its bands: kind, band, nodata, scale, legend.
    bounds : tuple of float or None
        Extent to look at, in the raster's CRS (m); None: all of it.

    Raises
    ------
    InputError
        Codes outside the legend, altitudes below any land, NDVI outside -1..1, too many pixels.
    """
    if rows[0]["kind"] == "land_cover":
        _check_codes(source, path, rows[0], bounds)
        return
    for row in rows:
        if row["kind"] == "elevation":
            _check_elevation(source, path, row, bounds)
        else:
            _check_ndvi(source, path, row, bounds)


def _windows(source: Any, bounds: Bounds | None, side: int = 4096) -> Iterator[Window]:
    """Yield the squares of pixels that cover the study, at most `side` pixels wide."""
    whole = Window(0, 0, source.width, source.height)
    part = whole
    if bounds is not None:
        part = from_bounds(*bounds, transform=source.transform)
        part = part.round_offsets(op="floor").round_lengths(op="ceil")
        part = part.intersection(whole)
    if part.width * part.height > MAX_READ:
        raise refuse(
            f"{part.width:.0f} x {part.height:.0f} pixels à lire sur le territoire",
            source.name,
            "donner une image moins fine ou un territoire plus petit",
        )
    left, top = int(part.col_off), int(part.row_off)
    right, bottom = left + int(part.width), top + int(part.height)
    for row in range(top, bottom, side):
        for column in range(left, right, side):
            yield Window(column, row, min(side, right - column), min(side, bottom - row))


def _check_codes(source: Any, path: Path, row: dict[str, Any], bounds: Bounds | None) -> None:
    codes: set[float] = set()
    for window in _windows(source, bounds):
        codes |= set(np.unique(source.read(1, window=window)).tolist())
    codes = {code for code in codes if np.isfinite(code) and code != row["nodata"]}
    if any(code != int(code) for code in codes):
        raise refuse("valeurs décimales dans une occupation du sol", path, "donner des codes")
    error = legends.unknown_codes((int(code) for code in codes), row["legend"], path)
    if error:
        raise error


def _some_values(source: Any, row: dict[str, Any], bounds: Bounds | None) -> Any:
    """Return up to about 250 000 valid values of one band over the study, in its final unit."""
    parts = [np.empty(0)]
    for window in _windows(source, bounds):
        shape = (min(512, int(window.height)), min(512, int(window.width)))
        block = source.read(row["band"], window=window, out_shape=shape).astype("float64").ravel()
        parts.append(block)
    values = np.concatenate(parts)
    values = values[np.isfinite(values) & (values != row["nodata"])]
    return values[:: max(1, len(values) // 250_000)] * row["scale"]


def _check_elevation(source: Any, path: Path, row: dict[str, Any], bounds: Bounds | None) -> None:
    lowest = np.inf
    for window in _windows(source, bounds, 1024):
        values = source.read(1, window=window).astype("float64")
        values = values[np.isfinite(values) & (values != row["nodata"])]
        lowest = min(lowest, values.min() * row["scale"] if values.size else np.inf)
    if lowest < LOWEST_LAND_M:
        raise refuse(
            f"altitude de {lowest:.0f} m : valeur d'absence de donnée non déclarée ?",
            path,
            f"la déclarer : gdal_edit.py -a_nodata {lowest / row['scale']:.0f} {path.name}",
        )


def _check_ndvi(source: Any, path: Path, row: dict[str, Any], bounds: Bounds | None) -> None:
    values = np.abs(_some_values(source, row, bounds))
    if not values.size:
        return
    undeclared = np.isnan(row["nodata"]) and values.max() > IMPOSSIBLE_NDVI
    if undeclared or np.mean(values > BEYOND_NDVI) > BEYOND_SHARE:
        raise refuse(
            f"bande {row['band']} : NDVI hors de −1 à 1 (jusqu'à ± {values.max():.4g})",
            path,
            "donner un NDVI réel, ou entier égal à NDVI x 10 000, et déclarer la valeur "
            "d'absence de donnée (gdal_edit.py -a_nodata)",
        )

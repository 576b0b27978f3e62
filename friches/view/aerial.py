"""An aerial image beside the plan, same ground and same scale: only where the study gives one.

The image is drawn in the study's projection from the pixels of the frame alone, then held in the
page itself; nothing is asked of a server, and no scanned map is ever embedded.
"""

from __future__ import annotations

import base64
import io
import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from friches.sources.catalogue import catalogue
from friches.sources.pictures import credit
from friches.view import words

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from friches.result import Result
    from friches.studyfile import Study
    from friches.view.paper import Plan

DOTS_MM = 6.0
"""Pixels a millimetre of paper: about 150 to the inch."""
QUALITY = 78
MARGIN = 1.5
"""Pixels are read this much finer than they are drawn, at most."""
LEAST_SEEN = 0.02
"""Under this share of the frame, the image shows nothing of the block's surroundings."""

Bounds = tuple[float, float, float, float]


class View(NamedTuple):
    """An aerial image of a plan's frame.

    Attributes
    ----------
    data : str
        The image itself, as a `data:` address.
    credit : str
        Source and licence.
    seen : float
        Share (0 to 1) of the frame that the image covers.
    """

    data: str
    credit: str
    seen: float


def given(study: Study) -> bool:
    """Return whether the study gives an aerial image."""
    return bool(study.sources.aerial)


def view(result: Result, drawn: Plan) -> View | None:
    """Return the aerial image of a plan's frame, or None where the study has none there.

    Parameters
    ----------
    result : Result
        Its study names the image (`[sources] aerial`).
    drawn : Plan
        The plan whose frame is shown.
    """
    if not given(result.study):
        return None
    size = (
        round((drawn.right - drawn.left) * DOTS_MM),
        round((drawn.bottom - drawn.top) * DOTS_MM),
    )
    crs = str(result.blocks.crs or result.study.crs)
    pixels, seen = _read(result.study.files("aerial"), drawn.ground, crs, size)
    share = float(seen.mean())
    if share < LEAST_SEEN:
        return None
    pixels[:, ~seen] = 255
    return View(_jpeg(pixels), credited(result.study), share)


def credited(study: Study) -> str:
    """Return the source and licence of the study's aerial image."""
    if study.study.fictitious and not study.sources.aerial_licence:
        return words.FICTITIOUS
    said = catalogue()["aerial"] | credit(study, "aerial")
    told = dict.fromkeys((said["attribution"], said["licence"]))
    return " ; ".join(told)


def _read(
    paths: Sequence[Path], ground: Bounds, crs: str, size: tuple[int, int]
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Return red, green, blue of a frame (3, height, width), and where a file has a pixel."""
    from rasterio import Affine

    width, height = size
    pixels = np.full((3, height, width), 255, dtype=np.uint8)
    seen = np.zeros((height, width), dtype=bool)
    west, south, east, north = ground
    onto = Affine((east - west) / width, 0, west, 0, (south - north) / height, north)
    for path in paths:
        tile, there = _tile(path, ground, crs, onto, size)
        fresh = there & ~seen
        pixels[:, fresh] = tile[:, fresh]
        seen |= there
    return pixels, seen


def _tile(
    path: Path, ground: Bounds, crs: str, onto: Any, size: tuple[int, int]
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    import rasterio
    from rasterio import Affine
    from rasterio.enums import Resampling
    from rasterio.warp import reproject, transform_bounds
    from rasterio.windows import Window

    width, height = size
    made = np.zeros((4, height, width), dtype=np.uint8)
    with rasterio.open(path, driver="GTiff") as source:
        where = source.transform  # upright: checked when the study was read
        west, south, east, north = transform_bounds(crs, source.crs, *ground, densify_pts=21)
        left = max(math.floor((west - where.c) / where.a), 0)
        right = min(math.ceil((east - where.c) / where.a), source.width)
        top = max(math.floor((north - where.f) / where.e), 0)
        bottom = min(math.ceil((south - where.f) / where.e), source.height)
        if right <= left or bottom <= top:
            return made[:3], made[3].astype(bool)
        wide = max(1, min(right - left, round(width * MARGIN)))
        high = max(1, min(bottom - top, round(height * MARGIN)))
        window = Window(left, top, right - left, bottom - top)
        colours, mask = _colours(source, window, (high, wide))
        start = (where.c + left * where.a, where.f + top * where.e)
        step = (where.a * (right - left) / wide, where.e * (bottom - top) / high)
        from_ = Affine(step[0], 0, start[0], 0, step[1], start[1])
        for place, band in enumerate([*colours, mask]):
            reproject(
                band, made[place], src_transform=from_, src_crs=source.crs,
                dst_transform=onto, dst_crs=crs,
                resampling=Resampling.nearest if place == 3 else Resampling.bilinear,
            )  # fmt: skip
    return made[:3], made[3] > 0


def _colours(
    source: Any, window: Any, shape: tuple[int, int]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return three bands and a mask of a window; grey and palette images become red-green-blue."""
    mask = source.dataset_mask(window=window, out_shape=shape)
    if source.count >= 3:
        return source.read([1, 2, 3], window=window, out_shape=(3, *shape)), mask
    grey = source.read(1, window=window, out_shape=shape)
    try:
        palette = source.colormap(1)
    except ValueError:
        return np.stack([grey] * 3), mask
    table = np.array([palette.get(code, (0, 0, 0, 0))[:3] for code in range(256)], dtype=np.uint8)
    return np.moveaxis(table[grey], -1, 0), mask


def _jpeg(pixels: NDArray[np.uint8]) -> str:
    from PIL import Image

    held = io.BytesIO()
    Image.fromarray(np.moveaxis(pixels, 0, -1)).save(held, "JPEG", quality=QUALITY, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(held.getvalue()).decode("ascii")

"""Elevation asked as raw images of a WMS, tile by tile, set in one GeoTIFF."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import rasterio
from rasterio import Affine

from friches.fetch.asking import question
from friches.fetch.errand import Errand, Job, Piece
from friches.fetch.failure import Failure

if TYPE_CHECKING:
    from friches.fetch.request import Answer, Request
    from friches.fetch.services import Service

NODATA = -99999.0


def relief_pieces(errand: Errand, job: Job, service: Service) -> list[Piece]:
    """Return the elevation of the territory: float32 metres, `step_m` a pixel.

    The WMS answers little-endian floats without a header; its box is easting then northing since
    the projection is.

    Raises
    ------
    Failure
        A tile of the wrong size, or nothing but missing values.
    """
    step = service.step_m
    west, south, east, north = errand.box(job.layer.margin_m)
    west, south = math.floor(west / step) * step, math.floor(south / step) * step
    width, height = math.ceil((east - west) / step), math.ceil((north - south) / step)
    north = south + height * step
    pieces = []
    for file, layer in service.parts.items():
        image = np.full((height, width), NODATA, dtype="float32")
        answers: list[Answer] = []
        for row in range(0, height, service.tile):
            for column in range(0, width, service.tile):
                rows, columns = min(service.tile, height - row), min(service.tile, width - column)
                corner = (west + column * step, north - row * step)
                answer = errand.session.get(
                    _request(service, layer, errand.crs, corner, (columns, rows))
                )
                answers.append(answer)
                image[row : row + rows, column : column + columns] = _pixels(
                    answer, service, (rows, columns)
                )
        if (image == NODATA).all():
            raise Failure(service.pace, "aucune altitude sur ce territoire")
        path = errand.folder / f"{file}.tif"
        _write(path, image, errand.crs, Affine(step, 0, west, 0, -step, north))
        pieces.append(Piece(path, answers=tuple(answers)))
    return pieces


def _request(
    service: Service, layer: str, crs: str, corner: tuple[float, float], size: tuple[int, int]
) -> Request:
    columns, rows = size
    params = {
        "SERVICE": "WMS",
        "VERSION": "1.3.0",
        "REQUEST": "GetMap",
        "LAYERS": layer,
        "STYLES": "",
        "CRS": crs,
        "BBOX": ",".join(f"{edge:.2f}" for edge in _edges(service, corner, size)),
        "WIDTH": str(columns),
        "HEIGHT": str(rows),
        "FORMAT": service.format,
    }
    return question(service.pace, service.url, params, accepts="any", fresh_days=service.fresh_days)


def _edges(
    service: Service, corner: tuple[float, float], size: tuple[int, int]
) -> tuple[float, float, float, float]:
    x, y = corner
    return x, y - size[1] * service.step_m, x + size[0] * service.step_m, y


def _pixels(answer: Answer, service: Service, shape: tuple[int, int]) -> Any:
    raw = answer.path.read_bytes()
    if len(raw) != shape[0] * shape[1] * 4:
        raise Failure(
            service.pace, f"image de {len(raw)} octets au lieu de {shape[0] * shape[1] * 4}"
        )
    values = np.frombuffer(raw, dtype="<f4").reshape(shape).copy()
    low = -np.inf if service.nodata_below is None else service.nodata_below
    values[~np.isfinite(values) | (values < low)] = NODATA
    return values


def _write(path: Any, image: Any, crs: str, transform: Any) -> None:
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        dtype="float32",
        count=1,
        height=image.shape[0],
        width=image.shape[1],
        crs=crs,
        transform=transform,
        nodata=NODATA,
        compress="deflate",
    ) as file:
        file.write(image, 1)

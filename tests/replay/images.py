"""Images: elevation cut out by the WMS, a STAC catalogue and its Sentinel-2 files."""

from __future__ import annotations

import datetime as dt
import json
from functools import cache
from typing import Any

import numpy as np
import rasterio
from rasterio.io import MemoryFile
from rasterio.warp import transform_bounds

from replay.reply import Asked, Reply, as_json, refusal
from replay.territory import SAMPLE

HOST = "sentinel-cogs.s3.us-west-2.amazonaws.com"
NO_DATA = -99999.0
LIGHT = 5000
"""Half of red plus near infrared: makes every NDVI of the sample (steps of 0.02) exact."""
CLOUD, CLEAR = 9, 4


def relief(asked: Asked) -> Reply:
    """data.geopf.fr/wms-r: GetMap of the elevation as 32-bit numbers."""
    said = {name.upper(): value for name, value in asked.query.items()}
    if said.get("REQUEST", "").lower() != "getmap" or "ELEVATION" not in said.get("LAYERS", ""):
        return refusal(400, "unsupported")
    if said.get("CRS", said.get("SRS")) != "EPSG:2154" or "bil" not in said.get("FORMAT", ""):
        return refusal(400, "unsupported")
    xmin, ymin, xmax, ymax = (float(v) for v in said["BBOX"].split(","))
    width, height = int(said["WIDTH"]), int(said["HEIGHT"])
    x = xmin + (np.arange(width) + 0.5) * (xmax - xmin) / width
    y = ymax - (np.arange(height) + 0.5) * (ymax - ymin) / height
    with rasterio.open(SAMPLE / "mnt.tif") as source:
        band, place = source.read(1), source.transform
    column = np.floor((x - place.c) / place.a).astype(int)
    row = np.floor((y - place.f) / place.e).astype(int)
    values = np.full((height, width), NO_DATA, dtype="<f4")
    good_row = (row >= 0) & (row < band.shape[0])
    good_column = (column >= 0) & (column < band.shape[1])
    cut = band[np.ix_(row[good_row], column[good_column])]
    values[np.ix_(good_row, good_column)] = cut
    return Reply(values.tobytes(), "image/x-bil;bits=32")


@cache
def days() -> tuple[str, ...]:
    """Return the dates of the sample's images."""
    with rasterio.open(SAMPLE / "ndvi.tif") as source:
        return tuple(str(name) for name in source.descriptions)


@cache
def image(day: str, asset: str) -> bytes:
    """Return one file of one date: red (B04), nir (B08) or classes (SCL), tiled GeoTIFF."""
    with rasterio.open(SAMPLE / "ndvi.tif") as source:
        stored = source.read(days().index(day) + 1).astype(int)
        profile = source.profile
    seen = stored != profile["nodata"]
    value = {
        "red": np.where(seen, LIGHT - LIGHT * stored // 10_000, 3000),
        "nir": np.where(seen, LIGHT + LIGHT * stored // 10_000, 3100),
        "scl": np.where(seen, CLEAR, CLOUD),
    }[asset]
    profile |= {"count": 1, "dtype": "uint16", "nodata": 0, "tiled": True,
                "blockxsize": 128, "blockysize": 128}  # fmt: skip
    with MemoryFile() as memory:
        with memory.open(**profile) as out:
            out.write(value.astype("uint16"), 1)
        return bytes(memory.read())


def cogs(asked: Asked) -> Reply:
    """Answer for the files of the images, by ranges."""
    parts = asked.path.strip("/").split("/")
    if len(parts) == 2 and parts[0] in days() and parts[1].endswith(".tif"):
        return Reply(image(parts[0], parts[1][:-4]), "image/tiff", whole=True)
    return refusal(404, "Not found")


def catalogue(asked: Asked) -> Reply:
    """Answer a search: POST with pages that lead to the next by a token."""
    if asked.path != "/v1/search" or asked.method != "POST":
        return refusal(404, "Not found")
    said = json.loads(asked.body)
    first, last = (dt.date.fromisoformat(part[:10]) for part in said["datetime"].split("/"))
    most = said.get("query", {}).get("eo:cloud_cover", {}).get("lte", 100)
    found = [
        one
        for one in _items()
        if first <= dt.date.fromisoformat(one["properties"]["datetime"][:10]) <= last
        and one["properties"]["eo:cloud_cover"] <= most
        and _meet(one["bbox"], said["bbox"])
    ]
    start, limit = int(said.get("token", 0)), min(int(said.get("limit", 10)), 5)
    page = found[start : start + limit]
    links = []
    if start + limit < len(found):
        links.append({"rel": "next", "method": "POST", "merge": True,
                      "href": "https://earth-search.aws.element84.com/v1/search",
                      "body": {"token": str(start + limit)}})  # fmt: skip
    return as_json({"type": "FeatureCollection", "features": page, "links": links,
                    "numberMatched": len(found), "numberReturned": len(page)})  # fmt: skip


def _meet(one: list[float], other: list[float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


@cache
def _items() -> tuple[dict[str, Any], ...]:
    with rasterio.open(SAMPLE / "ndvi.tif") as source:
        box = transform_bounds(source.crs, "EPSG:4326", *source.bounds)
        clear = [float((source.read(b) != source.nodata).mean()) for b in source.indexes]
    return tuple(
        {
            "type": "Feature",
            "id": f"S2_FICTIF_{day}",
            "bbox": list(box),
            "geometry": None,
            "properties": {
                "datetime": f"{day}T10:50:00Z",
                "eo:cloud_cover": round(100 * (1 - share), 2),
                "s2:processing_baseline": "05.10",
                "earthsearch:boa_offset_applied": True,
            },
            "assets": {
                name: {"href": f"https://{HOST}/{day}/{name}.tif", "type": "image/tiff"}
                for name in ("red", "nir", "scl")
            },
        }
        for day, share in zip(days(), clear, strict=True)
    )

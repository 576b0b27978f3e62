"""Images read by windows through GDAL, clouds masked, their NDVI written one band a date."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import ExitStack
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from friches.fetch.address import Refused, check_address, is_mirror, mapped, masked
from friches.fetch.failure import Failure
from friches.fetch.stac import manner

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from friches.fetch.services import Service
    from friches.fetch.stac import Scene

    Bounds = tuple[float, float, float, float]

DATE_TAG = "DATE"
_TODO = "réessayer plus tard, ou donner une pile NDVI à la main : --add ndvi=FICHIER.tif"


class Stack(NamedTuple):
    """A stack written: the file, its days (ISO, one a band), what was left out (French)."""

    path: Path
    days: tuple[str, ...]
    notes: tuple[str, ...]


class Grid(NamedTuple):
    """Pixels of the stack: CRS, north-west corner (m), pixel side (m), width, height."""

    crs: str
    west: float
    north: float
    side: float
    width: int
    height: int


def grid(crs: str, bounds: Bounds) -> Grid:
    """Return the pixels that cover the bounds, their corners on whole multiples of the side."""
    side = float(manner()["stack"]["pixel_m"])
    west, south, east, north = bounds
    left, right = np.floor(west / side), np.ceil(east / side)
    low, high = np.floor(south / side), np.ceil(north / side)
    return Grid(crs, left * side, high * side, side, int(right - left), int(high - low))


def write_stack(  # noqa: PLR0913
    scenes: Sequence[Scene],
    target: Path,
    crs: str,
    bounds: Bounds,
    *,
    keep: Path,
    hosts: Mapping[str, str],
    service: Service,
) -> Stack:
    """Write the NDVI of scenes as one GeoTIFF, one band a day.

    Parameters
    ----------
    scenes : sequence of Scene
        By day; scenes of one day are laid over each other, the first clear pixel wins.
    target : Path
        int16, NDVI x 10 000, -32768 where nothing clear was seen; band description and tag DATE.
    crs, bounds
        Of the study (m).
    keep : Path
        Finished days are kept here, each whole, and never read again.
    hosts : mapping of str to str
        Mirrors of public addresses.
    service : Service
        For messages.

    Raises
    ------
    Failure
        Not one day could be read.
    """
    where = grid(crs, bounds)
    keep.mkdir(parents=True, exist_ok=True)
    days: list[tuple[str, Path]] = []
    notes: list[str] = []
    for day, group in groupby(scenes, key=lambda scene: scene.day):
        some = list(group)
        path = keep / f"{_digest(some, where)}.tif"
        try:
            if not path.is_file():
                _write_day(some, path, where, hosts)
        except (OSError, Refused) as error:  # rasterio's errors are OSErrors
            notes.append(f"image du {day} illisible : {_short(error)}")
            continue
        days.append((day, path))
    if not days:
        raise Failure(service.pace, notes[0] if notes else "aucune image", _TODO)
    _assemble(days, target, where)
    return Stack(target, tuple(day for day, _ in days), tuple(notes))


def _digest(scenes: Sequence[Scene], where: Grid) -> str:
    said = [[s.name, sorted(s.href.items()), s.offset] for s in scenes]
    text = json.dumps([said, where, manner()["clear"]["classes"]], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _write_day(scenes: Sequence[Scene], path: Path, where: Grid, hosts: Mapping[str, str]) -> None:
    import rasterio

    part = path.with_name(f"{path.stem}.{os.getpid()}.part.tif")
    tries = int(manner()["reading"]["tries"])
    addresses = [{role: address(url, hosts) for role, url in s.href.items()} for s in scenes]
    for attempt in range(1, tries + 1):
        try:
            with rasterio.Env(**_options()), rasterio.open(part, "w", **_profile(where, 1)) as out:
                for window in _windows(where):
                    out.write(_seen(scenes, addresses, window, where), 1, window=window)
            part.replace(path)
        except OSError:
            part.unlink(missing_ok=True)
            if attempt == tries:
                raise
        else:
            return


def address(url: str, hosts: Mapping[str, str]) -> str:
    """Return GDAL's name of a remote image; refuse what is not public https nor a mirror.

    Raises
    ------
    Refused
        Another scheme, a private address, or no image file.
    """
    import httpx

    target = mapped(url, hosts)
    if not is_mirror(target, hosts):
        try:
            check_address(httpx.URL(target), proxied=_proxied())
        except httpx.InvalidURL as error:
            raise Refused(f"adresse illisible : {masked(url)}") from error
    if not target.split("?")[0].lower().endswith((".tif", ".tiff")):
        raise Refused(f"ce n'est pas une image GeoTIFF : {masked(url)}")
    return f"/vsicurl/{target}"


def _proxied() -> bool:
    return any(os.environ.get(name) for name in ("HTTPS_PROXY", "https_proxy"))


def _options() -> dict[str, Any]:
    """Return how GDAL reads over the network: no listing, few bytes kept, patience bounded."""
    said = manner()["reading"]
    options: dict[str, Any] = {
        "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
        "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": ".tif,.tiff",
        "CPL_VSIL_CURL_NON_CACHED": "/vsicurl/",  # an answer that failed is asked again
        "GDAL_HTTP_CONNECTTIMEOUT": str(said["connect_seconds"]),
        "GDAL_HTTP_LOW_SPEED_TIME": str(said["quiet_seconds"]),
        "GDAL_HTTP_LOW_SPEED_LIMIT": "1024",
        "GDAL_HTTP_MAX_RETRY": str(said["tries"]),
        "GDAL_HTTP_RETRY_DELAY": str(said["retry_seconds"]),
        "GDAL_CACHEMAX": 64,
    }
    bundle = os.environ.get("SSL_CERT_FILE") or os.environ.get("REQUESTS_CA_BUNDLE")
    return options | ({"CURL_CA_BUNDLE": bundle} if bundle else {})


def _profile(where: Grid, bands: int) -> dict[str, Any]:
    from rasterio import Affine

    return {
        "driver": "GTiff",
        "dtype": "int16",
        "nodata": manner()["stack"]["nodata"],
        "count": bands,
        "width": where.width,
        "height": where.height,
        "crs": where.crs,
        "transform": Affine(where.side, 0, where.west, 0, -where.side, where.north),
        "compress": "deflate",
        "predictor": 2,
        "tiled": True,
        "blockxsize": 256,
        "blockysize": 256,
        "interleave": "band",
    }


def _windows(where: Grid) -> Iterator[Any]:
    from rasterio.windows import Window

    side = int(manner()["reading"]["window"])
    for top in range(0, where.height, side):
        for left in range(0, where.width, side):
            yield Window(left, top, min(side, where.width - left), min(side, where.height - top))


def _seen(
    scenes: Sequence[Scene], addresses: Sequence[Mapping[str, str]], window: Any, where: Grid
) -> NDArray[np.int16]:
    """Return one window of one day: stored NDVI, the first clear scene of each pixel."""
    seen = np.full((window.height, window.width), manner()["stack"]["nodata"], np.int16)
    for scene, path in zip(scenes, addresses, strict=True):
        red, nir, classes = (
            _read(path[role], window, where, role == "mask") for role in ("red", "nir", "mask")
        )
        fresh = stored(red, nir, classes, scene.offset)
        seen = np.where(seen == manner()["stack"]["nodata"], fresh, seen)
    return seen


def stored(
    red: NDArray[Any], nir: NDArray[Any], classes: NDArray[Any], offset: float
) -> NDArray[np.int16]:
    """Return NDVI x 10 000 as int16, -32768 where the scene is not clear.

    Parameters
    ----------
    red, nir : array
        Numbers as stored (reflectance x 10 000, before `offset`); 0 is absent.
    classes : array
        Scene classification.
    offset : float
        Added to both bands; a value that falls below 0 is taken as 0.
    """
    rule = manner()
    there = (red > 0) & (nir > 0) & np.isin(classes, rule["clear"]["classes"])
    dark = np.maximum(red.astype("float64") + offset, 0)
    light = np.maximum(nir.astype("float64") + offset, 0)
    total = dark + light
    there &= total > 0
    ndvi = np.divide(light - dark, total, out=np.zeros_like(total), where=there)
    scaled = np.round(ndvi / rule["stack"]["scale"])
    whole: NDArray[np.int16] = np.where(there, scaled, rule["stack"]["nodata"]).astype(np.int16)
    return whole


def _read(path: str, window: Any, where: Grid, nearest: bool) -> NDArray[Any]:
    import rasterio
    from rasterio.enums import Resampling
    from rasterio.vrt import WarpedVRT

    place = _profile(where, 1)
    with ExitStack() as open_files:
        source = open_files.enter_context(rasterio.open(path, driver="GTiff"))
        turned = open_files.enter_context(
            WarpedVRT(
                source,
                crs=where.crs,
                transform=place["transform"],
                width=where.width,
                height=where.height,
                src_nodata=0,
                nodata=0,
                # Classes are never mixed; light is, between the two grids.
                resampling=Resampling.nearest if nearest else Resampling.bilinear,
            )
        )
        values: NDArray[Any] = turned.read(1, window=window)
        return values


def _assemble(days: Sequence[tuple[str, Path]], target: Path, where: Grid) -> None:
    import rasterio

    part = target.with_name(f"{target.name}.part")
    with rasterio.open(part, "w", **_profile(where, len(days))) as out:
        out.scales = [manner()["stack"]["scale"]] * len(days)
        out.offsets = [0.0] * len(days)
        for band, (day, path) in enumerate(days, start=1):
            out.set_band_description(band, day)
            out.update_tags(band, **{DATE_TAG: day})
            with rasterio.open(path, driver="GTiff") as one:
                for window in _windows(where):
                    out.write(one.read(1, window=window), band, window=window)
    part.replace(target)


def _short(error: BaseException) -> str:
    return masked(" ".join(str(error).split()))[:160]

"""Sentinel-2 images in a STAC catalogue: which ones see the territory, by date and cloud."""

from __future__ import annotations

import json
import tomllib
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, NamedTuple

from friches.fetch.failure import Failure
from friches.fetch.request import Request

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from friches.fetch.greenness import Stack
    from friches.fetch.services import Service
    from friches.fetch.session import Session

    Bounds = tuple[float, float, float, float]

_TODO = "réessayer plus tard, ou donner une pile NDVI à la main : --add ndvi=FICHIER.tif"


class Scene(NamedTuple):
    """One image of the catalogue: its name, day (ISO), cloud (%), addresses by role, DN offset."""

    name: str
    day: str
    cloud: float
    href: Mapping[str, str]
    offset: float


@cache
def manner() -> dict[str, Any]:
    """Return stac.toml: how images are masked, scaled and read, each with its source."""
    return tomllib.loads((resources.files("friches.fetch") / "stac.toml").read_text("utf-8"))


def fetch_ndvi(  # noqa: PLR0913, PLR0917
    session: Session,
    service: Service,
    days: tuple[dt.date, dt.date],
    crs: str,
    bounds: Bounds,
    target: Path,
    *,
    keep: Path,
    hosts: Mapping[str, str] | None = None,
) -> Stack:
    """Find the images of a period, compute their NDVI and write them as one stack.

    Parameters
    ----------
    session : Session
        Asks the catalogue; images are read through GDAL (`greenness.write_stack`).
    service : Service
        Of kind « stac »: url, collection, assets (red, nir, mask), most_cloud_percent,
        most_images.
    days : (date, date)
        First and last day.
    crs, bounds
        The study's CRS and the extent to cover (m).
    target : Path
        The GeoTIFF to write: one band a date, as `sources.rasters` reads it.
    keep : Path
        Folder of finished dates: a second try reads none of them again.
    hosts : mapping of str to str, optional
        Mirrors, as for the session.

    Returns
    -------
    Stack
        The file, its dates, and what was left out.

    Raises
    ------
    Failure
        The catalogue does not answer or answers in part; no image; none that can be read.
    """
    from friches.fetch.greenness import write_stack

    scenes = find_scenes(session, service, days, crs, bounds)
    chosen = choose(scenes, service.most_images)
    return write_stack(chosen, target, crs, bounds, keep=keep, hosts=hosts or {}, service=service)


def find_scenes(
    session: Session,
    service: Service,
    days: tuple[dt.date, dt.date],
    crs: str,
    bounds: Bounds,
) -> list[Scene]:
    """Return the images that meet the territory, by day then name.

    Raises
    ------
    Failure
        No answer, pages that do not add up to the announced total, no usable image.
    """
    from pyproj import Transformer

    to_degrees = Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
    west, south, east, north = to_degrees.transform_bounds(*bounds)
    asked = {
        "collections": [service.collection],
        "bbox": [round(v, 6) for v in (west, south, east, north)],
        "datetime": f"{days[0]}T00:00:00Z/{days[1]}T23:59:59Z",
        "query": {"eo:cloud_cover": {"lte": service.most_cloud_percent}},
        "limit": manner()["reading"]["page"],
    }
    items: dict[str, dict[str, Any]] = {}
    total: int | None = None
    for page in _pages(session, service, asked):
        total = _total(page) if total is None else total
        items |= {str(one.get("id")): one for one in page["features"]}
    if total is not None and total != len(items):
        raise Failure(service.pace, f"{len(items)} images reçues sur {total} annoncées", _TODO)
    scenes = [scene for one in items.values() if (scene := _scene(one, service.assets))]
    if not scenes:
        raise Failure(
            service.pace,
            f"aucune image à moins de {service.most_cloud_percent:g} % de nuages "
            f"du {days[0]} au {days[1]}",
            _TODO,
        )
    return sorted(scenes, key=lambda s: (s.day, s.name))


def choose(scenes: Sequence[Scene], most: int) -> list[Scene]:
    """Return the scenes of at most `most` days: the clearest of each month first.

    Scenes of one day are kept together (neighbouring tiles).
    """
    clear: dict[str, float] = {}
    for scene in scenes:
        clear[scene.day] = max(clear.get(scene.day, 0.0), scene.cloud)
    months: dict[str, list[str]] = {}
    for day in sorted(clear, key=lambda d: (clear[d], d)):
        months.setdefault(day[:7], []).append(day)
    ranked = sorted(
        (place, month, day) for month, days in months.items() for place, day in enumerate(days)
    )
    kept = {day for _, _, day in (ranked[:most] if most else ranked)}
    return [scene for scene in scenes if scene.day in kept]


def _pages(session: Session, service: Service, asked: dict[str, Any]) -> Iterator[dict[str, Any]]:
    request: Request | None = Request(
        service.pace,
        f"{service.url}/search",
        method="POST",
        json=asked,
        accepts="json",
        fresh_days=service.fresh_days,
    )
    seen: set[str] = set()
    while request is not None:
        if request.key in seen or len(seen) >= manner()["reading"]["most_pages"]:
            raise Failure(service.pace, "pages du catalogue d'images sans fin", _TODO)
        seen.add(request.key)
        page = json.loads(session.get(request).path.read_text("utf-8"))
        if not isinstance(page, dict) or not isinstance(page.get("features"), list):
            raise Failure(service.pace, "réponse du catalogue d'images sans « features »", _TODO)
        yield page
        request = _next(page, request, asked) if page["features"] else None


def _next(page: dict[str, Any], request: Request, asked: dict[str, Any]) -> Request | None:
    for link in page.get("links", ()):
        if link.get("rel") != "next":
            continue
        if str(link.get("method", "GET")).upper() == "POST":
            body = link.get("body") or {}
            whole = {**(request.json or asked), **body} if link.get("merge", True) else body
            return request._replace(url=str(link["href"]), json=whole)
        return request._replace(url=str(link["href"]), method="GET", json=None)
    return None


def _total(page: dict[str, Any]) -> int | None:
    said = page.get("numberMatched", (page.get("context") or {}).get("matched"))
    return int(said) if said is not None else None


def _scene(item: dict[str, Any], assets: Mapping[str, str]) -> Scene | None:
    said = item.get("properties") or {}
    there = item.get("assets") or {}
    href = {role: str((there.get(name) or {}).get("href", "")) for role, name in assets.items()}
    day = str(said.get("datetime") or "")[:10]
    if not day or not all(href.values()):
        return None
    return Scene(str(item["id"]), day, float(said.get("eo:cloud_cover") or 0), href, _offset(said))


def _offset(said: Mapping[str, Any]) -> float:
    """Return what is to be added to the stored numbers of an image to be proportional to light."""
    rule = manner()["offset"]
    if said.get("earthsearch:boa_offset_applied") is True:
        return 0.0
    baseline = str(said.get("s2:processing_baseline") or "")
    return float(rule["value"]) if baseline >= rule["baseline"] else 0.0

"""Features of API Carto: pages of `_start` and `_limit`, or tiles where it has no pages."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from friches.fetch.asking import question
from friches.fetch.failure import Failure
from friches.fetch.features import leaf
from friches.fetch.paging import Asked, Whole, gather
from friches.fetch.services import filled, holes
from friches.sources.projection import bounds_in

if TYPE_CHECKING:
    from collections.abc import Mapping

    from friches.fetch.paging import Box, Leaf
    from friches.fetch.services import Service
    from friches.fetch.session import Session

CRS = "EPSG:4326"
"""API Carto takes and gives longitude then latitude (VERIFIED in its source)."""


def apicarto_features(  # noqa: PLR0913, PLR0917
    session: Session,
    service: Service,
    part: str,
    box: Box,
    crs: str,
    said: Mapping[str, str],
) -> Whole:
    """Return every feature that API Carto has for a box, or for a commune.

    Parameters
    ----------
    session : Session
        Where to ask.
    service : Service
        A service of kind "apicarto"; `ask` holds what is asked, `{geom}` is the box.
    part : str
        End of the address.
    box : tuple of float
        xmin, ymin, xmax, ymax in `crs`.
    crs : str
        CRS of the box.
    said : mapping of str to str
        What fills the other holes: insee, year.

    Raises
    ------
    Failure
        No answer, or one that does not agree with its total.
    """
    page = service.page
    if page is None:
        raise Failure(service.pace, "le catalogue ne dit pas comment ce service pagine")
    url = filled(service.url, part=part)
    tiled = "geom" in holes(*service.ask.values())

    def ask(tile: Box, asked: Asked) -> Leaf:
        params = {
            key: filled(value, geom=_outline(tile), **said) for key, value in service.ask.items()
        }
        if page.start:
            params |= {page.count: str(asked.many), page.start: str(asked.start)}
        request = question(service.pace, url, params, fresh_days=service.fresh_days)
        return leaf(session.get(request), service.pace)

    degrees = bounds_in(box, crs, CRS)
    return gather(ask, degrees, page, service.pace, tiled=tiled)


def _outline(box: Box) -> str:
    """Return a box as a short GeoJSON polygon (a long one makes the address too long: 414)."""
    west, south, east, north = (round(corner, 6) for corner in box)
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return json.dumps({"type": "Polygon", "coordinates": [ring]}, separators=(",", ":"))

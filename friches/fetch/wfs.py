"""Features of a WFS: pages sorted, counted, in the study's CRS; another question when in doubt."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from friches.fetch.asking import question
from friches.fetch.failure import Failure
from friches.fetch.features import leaf, table, touching
from friches.fetch.paging import Asked, Whole, gather
from friches.sources.projection import bounds_in

if TYPE_CHECKING:
    from friches.fetch.paging import Box, Leaf
    from friches.fetch.services import Page, Service
    from friches.fetch.session import Session

ENOUGH = 100
"""Features asked when checking that a box is empty."""
_MATCHED = re.compile(rb'numberMatched\s*=\s*"(\d+)"')


def wfs_features(session: Session, service: Service, typename: str, box: Box, crs: str) -> Whole:
    """Return every feature of one WFS layer in a box.

    Parameters
    ----------
    session : Session
        Where to ask.
    service : Service
        A service of kind "wfs": address, pages, key to sort by.
    typename : str
        Name of the layer.
    box : tuple of float
        xmin, ymin, xmax, ymax in `crs` (m).
    crs : str
        A projected CRS: asked for the box and for the answer alike, both are east then north.

    Raises
    ------
    Failure
        No answer, or one that does not agree with its total.
    """
    page = _page(service)

    def ask(tile: Box, asked: Asked) -> Leaf:
        params = _common(typename, tile, crs) | {
            "OUTPUTFORMAT": "application/json",
            "SRSNAME": crs,
            page.count: str(asked.many),
            page.start: str(asked.start),
        }
        if service.sort_by and asked.attempt != 1:
            params["SORTBY"] = service.sort_by
        request = question(service.pace, service.url, params, fresh_days=service.fresh_days)
        return leaf(session.get(request), service.pace)

    def counted(tile: Box, attempt: int) -> int | None:
        return hits(session, service, typename, tile, crs, attempt)

    whole = gather(ask, box, page, service.pace, counted)
    if not whole.features:
        _confirm_empty(session, service, typename, box, crs)
    return whole


def hits(  # noqa: PLR0913, PLR0917
    session: Session, service: Service, typename: str, box: Box, crs: str, attempt: int = 0
) -> int | None:
    """Return how many features a WFS counts in a box, or None when it does not say."""
    params = _common(typename, box, crs) | {"RESULTTYPE": "hits"}
    if attempt:  # another question, not the kept answer to the first
        params["COUNT"] = str(attempt)
    request = question(
        service.pace, service.url, params, accepts="any", fresh_days=service.fresh_days
    )
    try:
        found = _MATCHED.search(session.get(request).path.read_bytes()[:65536])
    except Failure as failure:
        if failure.unreachable:
            raise
        return None
    return int(found[1]) if found else None


def _confirm_empty(session: Session, service: Service, typename: str, box: Box, crs: str) -> None:
    """Ask a box found empty another way: by CQL, in the layer's own CRS and order of axes."""
    if not (service.geometry and service.layer_crs):
        return
    params = {
        "SERVICE": "WFS",
        "VERSION": "2.0.0",
        "REQUEST": "GetFeature",
        "TYPENAMES": typename,
        "CQL_FILTER": cql_box(service, box, crs),
        "OUTPUTFORMAT": "application/json",
        "SRSNAME": crs,
        "COUNT": str(ENOUGH),
    }
    request = question(service.pace, service.url, params, fresh_days=service.fresh_days)
    try:
        found = leaf(session.get(request), service.pace).features
    except Failure:
        return  # the first answer stands: pages, count and this one rarely fail alike
    inside = touching(table(found, crs, crs), box) if found else 0
    if inside:  # the other box is larger: what lies between the two is no contradiction
        raise Failure(
            service.pace,
            f"« {typename} » : vide par BBOX, mais {inside} objet(s) par CQL",
            "réessayer plus tard, ou donner la couche à la main (--add)",
        )


def cql_box(service: Service, box: Box, crs: str) -> str:
    """Return the box as CQL: in the layer's CRS, latitude first when that CRS is in degrees."""
    west, south, east, north = bounds_in(box, crs, service.layer_crs)
    if service.layer_crs == "EPSG:4326":
        west, south, east, north = south, west, north, east
    return f"BBOX({service.geometry},{west!r},{south!r},{east!r},{north!r})"


def _common(typename: str, box: Box, crs: str) -> dict[str, str]:
    corners = ",".join(f"{corner:.3f}" for corner in box)
    return {
        "SERVICE": "WFS",
        "VERSION": "2.0.0",
        "REQUEST": "GetFeature",
        "TYPENAMES": typename,
        "BBOX": f"{corners},{crs}",
    }


def _page(service: Service) -> Page:
    if service.page is None:
        raise Failure(service.pace, "le catalogue ne dit pas comment ce WFS pagine")
    return service.page

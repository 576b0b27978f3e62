"""Greenness from a catalogue of images: the last years of Sentinel-2 as one stack."""

from __future__ import annotations

import datetime as dt

from friches.fetch.errand import Errand, Job, Piece
from friches.fetch.services import Service, filled


def greenness_pieces(errand: Errand, job: Job, service: Service) -> list[Piece]:
    """Return a stack of NDVI images, one band a date.

    Raises
    ------
    Failure
        No catalogue, no image clear enough.
    """
    from friches.fetch.stac import fetch_ndvi

    last = errand.day
    path = errand.folder / filled(service.file, year=last.year)
    stack = fetch_ndvi(
        errand.session,
        service,
        (last - dt.timedelta(days=service.days), last),
        errand.crs,
        errand.box(job.layer.margin_m),
        path,
        keep=errand.cache / "ndvi",
        hosts=errand.hosts,
    )
    vintage = f"{min(stack.days)} à {max(stack.days)}" if stack.days else ""
    return [Piece(stack.path, vintage=vintage, notes=tuple(stack.notes))]

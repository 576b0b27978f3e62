"""Vector layers of a WFS or of API Carto, written as GeoPackages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from friches.fetch.apicarto import CRS as DEGREES
from friches.fetch.apicarto import apicarto_features
from friches.fetch.errand import Errand, Job, Piece
from friches.fetch.failure import Failure
from friches.fetch.features import settled, table, touching
from friches.fetch.services import Service, filled, holes
from friches.fetch.wfs import hits, wfs_features
from friches.fetch.writing import write_empty, write_layer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from friches.fetch.paging import Box, Whole


class Part(NamedTuple):
    """One file: its name, what the service calls it, what fills the holes of the question."""

    file: str
    name: str
    said: Mapping[str, str]


def vector_pieces(errand: Errand, job: Job, service: Service) -> list[Piece]:
    """Return the parts of a layer, each in its file; parts without features are left out.

    When no part has any, one file says that there is nothing here; perimeters keep one file a
    part, since each is of a kind of its own.

    Raises
    ------
    Failure
        One part cannot be had whole.
    """
    pieces = [_piece(errand, job, service, part) for part in _parts(errand, job, service)]
    if job.target == "constraints":
        return pieces
    full = [piece for piece in pieces if not piece.empty]
    kept = full or pieces[:1]
    for piece in pieces:
        if piece not in kept:
            piece.path.unlink()
    return kept


def foreseen(errand: Errand, job: Job, service: Service) -> int | None:
    """Return how many features a WFS counts for a layer, before any is asked; None if not told."""
    box, total = errand.box(job.layer.margin_m), 0
    for part in _parts(errand, job, service):
        count = hits(errand.session, service, part.name, box, errand.crs)
        if count is None:
            return None
        total += count
    return total


def _parts(errand: Errand, job: Job, service: Service) -> Iterator[Part]:
    said: dict[str, str] = {}
    if job.campaign is not None:
        if job.campaign not in service.by_year:
            raise Failure(
                service.pace,
                f"la campagne {job.campaign} n'est pas de celles de ce service "
                f"({min(service.by_year)} à {max(service.by_year)})",
            )
        said = {"year": str(job.campaign), "by_year": service.by_year[job.campaign]}
    for file, part in service.parts.items():
        if "insee" in holes(file, *service.ask.values()):
            for code in errand.territory.codes:
                told = said | {"insee": code}
                yield Part(filled(file, **told), filled(part, **told), told)
        else:
            yield Part(filled(file, **said), filled(part, **said), said)


def _piece(errand: Errand, job: Job, service: Service, part: Part) -> Piece:
    box = errand.box(job.layer.margin_m)
    if service.kind == "wfs":
        whole = wfs_features(errand.session, service, part.name, box, errand.crs)
    else:
        whole = apicarto_features(
            errand.session, service, part.name, box, errand.crs, dict(part.said)
        )
    year = "" if job.campaign is None else str(job.campaign)
    piece = Piece(
        errand.folder / f"{part.file}.gpkg",
        len(whole.features),
        whole.announced,
        year,
        whole.answers,
        whole.notes,
        empty=not whole.features,
    )
    if piece.empty:
        write_empty(piece.path, errand.crs)
        return piece
    frame, note = _frame(errand, service, whole, box)
    piece = piece._replace(notes=(*piece.notes, note) if note else piece.notes)
    # Readers keep what touches the parcels (of the declared fields, what is within their margin).
    reach = box if job.target == "declared_fields" else errand.bounds
    if job.name != "cadastre" and not touching(frame, reach):
        write_empty(piece.path, errand.crs)
        told = f"{len(frame)} objet(s) alentour, aucun sur l'emprise des parcelles"
        return piece._replace(empty=True, features=0, notes=(*piece.notes, told))
    write_layer(frame, piece.path)
    return piece


def _frame(errand: Errand, service: Service, whole: Whole, box: Box) -> tuple[Any, str]:
    by_box = service.kind == "wfs" or "geom" in holes(*service.ask.values())
    asked_crs = errand.crs if service.kind == "wfs" else DEGREES
    frame, note = table(whole.features, asked_crs, errand.crs), ""
    if by_box:
        frame, note = settled(frame, box, errand.crs, service.pace)
    return frame.to_crs(errand.crs), note

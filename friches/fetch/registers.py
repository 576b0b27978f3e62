"""Registers that answer rows of JSON, page by page: all rows, counted, in a file a reader takes."""

from __future__ import annotations

import csv
import json
import math
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from friches.fetch.asking import parsed, question
from friches.fetch.errand import Errand, Job, Piece
from friches.fetch.failure import Failure
from friches.fetch.paging import Asked, Leaf, Whole, gather
from friches.fetch.services import Service, Shape, filled, holes
from friches.fetch.territory import department_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from friches.fetch.paging import Box
    from friches.fetch.session import Session

_CELL = re.compile(r"\{(\w+)(?::(\d*):(\d*))?\}")
_NOWHERE: Box = (0.0, 0.0, 0.0, 0.0)


def register_pieces(errand: Errand, job: Job, service: Service) -> list[Piece]:
    """Return the rows of a register about the territory, one file a commune or a département.

    Raises
    ------
    Failure
        No answer, or fewer or more rows than announced, or none where there must be some.
    """
    pieces = []
    for said in _asked(errand, job, service):
        whole = rows_of(errand.session, service, said)
        path = errand.folder / filled(service.file, **said)
        rows = [row["properties"] for row in whole.features]
        if service.as_ == "dgfip":
            if not rows:  # a commune always owns some land
                raise Failure(
                    service.pace, f"aucune parcelle pour {said['insee']} : invraisemblable"
                )
            _write_csv(path, rows, service.columns)
        else:
            _write_json(path, rows, _shape(service))
        piece = Piece(path, len(rows), whole.announced, "", whole.answers, empty=not rows)
        pieces.append(piece._replace(notes=whole.notes))
    return pieces


def rows_of(session: Session, service: Service, said: Mapping[str, str]) -> Whole:
    """Return every row that a register answers to one question.

    Raises
    ------
    Failure
        No answer, or a number of rows that is not the one announced.
    """
    params = {key: filled(value, **said) for key, value in service.ask.items()}
    url = filled(service.url, **said)
    if service.page is None:
        return _by_next(session, service, url, params)
    page = service.page

    def ask(_box: Box, asked: Asked) -> Leaf:
        done = asked.start - page.first
        at = page.first + math.ceil(done / asked.many) if page.by == "page" else asked.start
        more = {page.count: str(asked.many), page.start: str(at)}
        request = question(service.pace, url, params | more, fresh_days=service.fresh_days)
        answer = session.get(request)
        return Leaf(*_page(parsed(answer.path, service.pace), service)[:2], answer)

    return gather(ask, _NOWHERE, page, service.pace, tiled=False)


def _by_next(session: Session, service: Service, url: str, params: dict[str, str]) -> Whole:
    """Follow the address of the next page that each page gives, on the same host alone."""
    features, answers, total = [], [], None
    request = question(service.pace, url, params, fresh_days=service.fresh_days)
    while True:
        answer = session.get(request)
        answers.append(answer)
        rows, said, following = _page(parsed(answer.path, service.pace), service)
        features += rows
        total = said if total is None else total
        if not rows or not following or (total is not None and len(features) >= total):
            break
        if urlsplit(following)[:2] != urlsplit(url)[:2]:
            raise Failure(service.pace, "la page suivante est sur un autre site : refusée")
        request = question(service.pace, following, fresh_days=service.fresh_days)
    if total is not None and len(features) != total:
        raise Failure(
            service.pace,
            f"{len(features)} lignes reçues sur {total} annoncées",
            "réessayer plus tard, ou donner le fichier à la main (--add)",
        )
    return Whole(features, len(features) if total is None else total, tuple(answers))


def _page(page: Any, service: Service) -> tuple[list[dict[str, Any]], int | None, str]:
    shape = _shape(service)
    rows = page.get(shape.items) if isinstance(page, dict) else page
    if not isinstance(rows, list):
        raise Failure(service.pace, f"réponse sans « {shape.items} »")
    total = page.get(shape.total) if isinstance(page, dict) and shape.total else None
    following = page.get(shape.next) if isinstance(page, dict) and shape.next else None
    features = [{"id": "", "properties": row, "geometry": None} for row in rows]
    return features, total if isinstance(total, int) else None, str(following or "")


def _shape(service: Service) -> Shape:
    if service.answer is None:
        raise Failure(service.pace, "le catalogue ne dit pas comment lire cette réponse")
    return service.answer


def _asked(errand: Errand, job: Job, service: Service) -> list[dict[str, str]]:
    """Return what fills the holes of each question: by commune, by département, round a point."""
    asked = holes(service.url, service.file, *service.ask.values())
    if asked & {"lon", "lat"}:
        return [_around(errand, job, service)]
    if "insee" in asked:
        return [{"insee": code, "dep": department_of(code)} for code in errand.territory.codes]
    return [{"dep": dep} for dep in errand.territory.departments]


def _around(errand: Errand, job: Job, service: Service) -> dict[str, str]:
    from friches.sources.projection import bounds_in

    west, south, east, north = errand.box(job.layer.margin_m)
    box = bounds_in((west, south, east, north), errand.crs, "EPSG:4326")
    radius = math.hypot(east - west, north - south) / 2 / 1000
    return {
        "lon": f"{(box[0] + box[2]) / 2:.5f}",
        "lat": f"{(box[1] + box[3]) / 2:.5f}",
        "radius_km": f"{min(radius, service.most_radius_km or radius):.0f}",
        "insee": errand.territory.codes[0],
    }


def _write_csv(path: Path, rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=";", lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([_cell(pattern, row) for pattern in columns.values()] for row in rows)


def _cell(pattern: str, row: Mapping[str, Any]) -> str:
    """Return a cell: `{name}` is a value, `{name:2:5}` some of its characters."""

    def value(hole: re.Match[str]) -> str:
        said = row.get(hole[1])
        text = "" if said is None else str(said)
        if hole[2] is None:
            return text
        return text[int(hole[2] or 0) : int(hole[3]) if hole[3] else None]

    return _CELL.sub(value, pattern)


def _write_json(path: Path, rows: Sequence[Any], shape: Shape) -> None:
    told = {shape.total or "total": len(rows), shape.items: list(rows)}
    path.write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", "utf-8")

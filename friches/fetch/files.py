"""Files that a service publishes whole: one a commune, a département, a year."""

from __future__ import annotations

from itertools import islice, product
from typing import TYPE_CHECKING

from friches.fetch.asking import is_absent, is_not_kept, question
from friches.fetch.errand import Errand, Job, Piece
from friches.fetch.failure import Failure
from friches.fetch.services import Service, filled, holes
from friches.fetch.territory import department_of
from friches.fetch.writing import place

if TYPE_CHECKING:
    from pathlib import Path

    from friches.fetch.request import Request

WEIGHED = 20
"""Files whose size is asked before a download; beyond, every so many (ASSUMPTION)."""


def file_pieces(errand: Errand, _job: Job, service: Service) -> list[Piece]:
    """Return the files of a layer, as published.

    Raises
    ------
    Failure
        A file that must exist does not, or none of those that may lack exists.
    """
    pieces, lacking, first = [], [], None
    for said in _each(errand, service):
        if said.get("dep") in service.nowhere:
            lacking.append(f"département {said['dep']} (non couvert)")
            continue
        path = errand.folder / filled(service.file, **said)
        try:
            answer = errand.session.get(request(service, said))
        except Failure as failure:
            if not (service.may_lack and (is_absent(failure) or is_not_kept(failure))):
                raise
            lacking.append(path.name + (" (hors connexion)" if is_not_kept(failure) else ""))
            first = first or failure
            continue
        notes = (answer.note,) if answer.note else ()
        place(answer, path)
        void = service.accepts == "csv" and _is_void(path)
        # A table without rows is an answer, but no reader takes it.
        pieces.append(
            Piece(path, None, None, said.get("year", ""), (answer,), notes, void, not void)
        )
    if not pieces:
        raise first or Failure(service.pace, f"rien de publié ici : {', '.join(lacking)}")
    if lacking:
        told = f"non publié : {', '.join(lacking)}"
        pieces[0] = pieces[0]._replace(notes=(*pieces[0].notes, told))
    return pieces


def _is_void(path: Path) -> bool:
    """Tell a table that has its header alone."""
    with path.open("rb") as file:
        return sum(1 for line in islice(file, 3) if line.strip()) < 2


def request(service: Service, said: dict[str, str]) -> Request:
    """Return the question for one file."""
    return question(
        service.pace,
        filled(service.url, **said),
        accepts=service.accepts,
        fresh_days=service.fresh_days,
    )


def bytes_foreseen(errand: Errand, service: Service) -> int | None:
    """Return the bytes of the files of a layer still to be downloaded; None when none is told.

    Of many files, some are asked and the others taken to weigh as much.
    """
    each = _each(errand, service)
    some = each[:: max(1, len(each) // WEIGHED)]
    sizes = [errand.session.size(request(service, said)) for said in some]
    told = [size for size in sizes if size is not None]
    return None if not told else round(sum(told) * len(each) / len(some))


def _each(errand: Errand, service: Service) -> list[dict[str, str]]:
    """Return what fills the holes of each file's address."""
    asked = holes(service.url, service.file)
    places: list[dict[str, str]] = [{}]
    if "insee" in asked:
        places = [{"insee": code, "dep": department_of(code)} for code in errand.territory.codes]
    elif asked & {"dep", "dep3"}:
        places = [{"dep": dep} for dep in errand.territory.departments]
    years: list[dict[str, str]] = [{}]
    if "year" in asked:
        last = errand.day.year
        years = [{"year": str(y)} for y in range(last - service.last_years + 1, last + 1)]
    return [
        place_ | year | ({"dep3": place_["dep"].zfill(3)} if "dep" in place_ else {})
        for place_, year in product(places, years)
    ]

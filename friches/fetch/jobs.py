"""Which layers are asked, in which order of services, and what becomes of a failure."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

from friches.errors import Breach, InputError, refuse
from friches.fetch import departments, files
from friches.fetch.arrival import check_arrival
from friches.fetch.errand import Errand, Job, Outcome, Piece
from friches.fetch.failure import Failure
from friches.fetch.greenery import greenness_pieces
from friches.fetch.places import canteen_pieces
from friches.fetch.registers import register_pieces
from friches.fetch.relief import relief_pieces
from friches.fetch.services import Layer, Service, layers
from friches.fetch.vectors import foreseen, vector_pieces

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    Bringer = Callable[[Errand, Job, Service], list[Piece]]

BRINGERS: dict[str, Bringer] = {
    "file": files.file_pieces,
    "wfs": vector_pieces,
    "apicarto": vector_pieces,
    "archive": departments.archive_pieces,
    "datagouv": canteen_pieces,
    "pages": register_pieces,
    "wms": relief_pieces,
    "stac": greenness_pieces,
}
LATER = {"canteens", "farmers"}
"""Layers whose files are turned into one table once all are there: not checked one by one."""


def jobs(
    day_year: int,
    *,
    only: Collection[str] = (),
    also: Collection[str] = (),
    added: Collection[str] = (),
    campaigns: str = "",
) -> list[Job]:
    """Return what is to be fetched, the cadastre first.

    Parameters
    ----------
    day_year : int
        Year of the study: the last campaign is not later.
    only, also : collection of str
        Names of layers: nothing else than `only`; `also` beside what is asked by default.
    added : collection of str
        Layers (or `declared_fields.2023`) given by hand: not fetched.
    campaigns : str
        "2019-2024", "2019,2021", or "" for the last ones that the catalogue wants.

    Raises
    ------
    InputError
        Unknown layers, a layer that nobody serves, campaigns that are no years.
    """
    known = layers()
    _check_names(known, only, also)
    found = []
    for name, layer in known.items():
        if name != "cadastre" and not _is_asked(name, layer, only, also):
            continue
        if name in added or not layer.machine:
            continue
        if not layer.campaigns:
            found.append(Job(name, layer))
            continue
        found += [
            Job(name, layer, year)
            for year in _years(layer, campaigns, day_year)
            if f"{name}.{year}" not in added
        ]
    return found


def _is_asked(name: str, layer: Layer, only: Collection[str], also: Collection[str]) -> bool:
    if name in also:
        return True
    if only:
        return name in only or (layer.feeds or "") in only
    return layer.asked == "always"


def _check_names(known: dict[str, Layer], only: Collection[str], also: Collection[str]) -> None:
    breaches = []
    for option, names in (("--only", only), ("--also", also)):
        for name in names:
            if name not in known:
                what, todo = f"couche inconnue « {name} »", f"couches : {', '.join(known)}"
                breaches.append(Breach(what, option, todo))
            elif not known[name].machine and name != "constraints":
                what = f"« {name} » ne se télécharge pas"
                breaches.append(Breach(what, option, known[name].by_hand))
    if breaches:
        raise InputError(breaches)


def _years(layer: Layer, said: str, day_year: int) -> list[int]:
    served = sorted({year for service in layer.machine for year in service.by_year})
    if not said:
        return [year for year in served if year <= day_year][-layer.campaigns :]
    years: set[int] = set()
    for part in said.split(","):
        span = re.fullmatch(r"\s*(\d{4})(?:\s*-\s*(\d{4}))?\s*", part)
        if span is None or int(span[2] or span[1]) < int(span[1]):
            raise refuse(f"campagnes « {said} » illisibles", "--campaigns", "écrire 2019-2024")
        years |= set(range(int(span[1]), int(span[2] or span[1]) + 1))
    if strange := sorted(years - set(served)):
        raise refuse(
            f"campagnes que personne ne sert : {', '.join(map(str, strange))}",
            "--campaigns",
            f"choisir entre {served[0]} et {served[-1]}",
        )
    return sorted(years)


def carry_out(errand: Errand, job: Job) -> Outcome:
    """Get one layer from the first service that can give it whole and readable."""
    tried: list[Failure] = []
    machine = job.layer.machine
    for rank, service in enumerate(machine):
        try:
            pieces = _brought(errand, job, service)
        except Failure as failure:
            tried.append(failure)
            continue
        outcome = Outcome(job, tuple(pieces), service, tuple(tried))
        if outcome.state == "empty":
            return _confirmed(errand, outcome, machine[rank + 1 :])
        return outcome
    return Outcome(job, tried=tuple(tried))


def _brought(errand: Errand, job: Job, service: Service, aside: str = "") -> list[Piece]:
    """Bring the files of a layer, in its own folder, and read them as a run would."""
    own = errand.folder / f"{job.name}{aside}"
    place = errand._replace(folder=own)
    if job.campaign is None:
        shutil.rmtree(own, ignore_errors=True)
    own.mkdir(parents=True, exist_ok=True)
    try:
        pieces = BRINGERS[service.kind](place, job, service)
        if job.layer.everywhere and all(piece.empty for piece in pieces):
            raise Failure(service.pace, "réponse vide, alors qu'aucun territoire n'en est dépourvu")
        told = [piece.path for piece in pieces if piece.read]
        if told and job.target and job.target not in LATER:
            check_arrival(errand, job.target, told, campaign=job.campaign, legend=service.legend)
    except InputError as error:
        raise _refused(service, error) from error
    return pieces


def _refused(service: Service, error: InputError) -> Failure:
    first = error.breaches[0]
    more = f" (et {len(error.breaches) - 1} autres défauts)" if len(error.breaches) > 1 else ""
    return Failure(service.pace, f"couche illisible : {first.what}{more}", first.todo)


def _confirmed(errand: Errand, outcome: Outcome, others: Sequence[Service]) -> Outcome:
    """Ask another service of the same parts whether there is really nothing here."""
    first = outcome.service
    for service in others:
        if first is None or set(service.parts) != set(first.parts):
            continue
        try:
            pieces = _brought(errand, outcome.job, service, ".autre")
        except Failure:
            continue
        other = Outcome(outcome.job, tuple(pieces), service, outcome.tried)
        if other.state == "empty":
            return outcome._replace(notes=("absence confirmée par un second service",))
        why = "répond qu'il n'y a rien, un second service a des objets"
        return other._replace(tried=(*outcome.tried, Failure(first.pace, why)))
    return outcome


def weight(errand: Errand, job: Job) -> tuple[int | None, int | None]:
    """Return the bytes and the features that the first service of a layer announces."""
    service = job.layer.machine[0]
    try:
        if service.kind == "file":
            return files.bytes_foreseen(errand, service), None
        if service.kind == "archive":
            return departments.bytes_foreseen(errand, service), None
        if service.kind == "wfs":
            return None, foreseen(errand, job, service)
    except Failure:
        return None, None
    return None, None

"""A resource of a data set of data.gouv.fr: the newest of its format and title."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from friches.fetch.asking import question, said
from friches.fetch.errand import Errand, Piece
from friches.fetch.failure import Failure
from friches.fetch.writing import place
from friches.sources.words import fold

if TYPE_CHECKING:
    from friches.fetch.services import Service


def datagouv_piece(errand: Errand, service: Service) -> Piece:
    """Return the file that a data set publishes now.

    Raises
    ------
    Failure
        The data set is gone, or has no such resource (it lists those it has).
    """
    listed = said(errand.session, question(service.pace, service.url, fresh_days=7))
    resource = chosen(listed, service)
    request = question(
        service.pace,
        str(resource["url"]),
        accepts=service.accepts,
        fresh_days=service.fresh_days,
    )
    answer = errand.session.get(request)
    path = place(answer, errand.folder / service.file)
    vintage = str(resource.get("last_modified") or resource.get("published") or "")[:10]
    return Piece(path, vintage=vintage, answers=(answer,))


def chosen(listed: Any, service: Service) -> dict[str, Any]:
    """Return the newest resource of the wanted format, of the wanted title if one has it."""
    wanted = service.resource
    rows = listed.get("resources") if isinstance(listed, dict) else None
    if wanted is None or not isinstance(rows, list):
        raise Failure(service.pace, f"jeu de données sans ressources : {service.url}")
    fitting = [
        row
        for row in rows
        if isinstance(row, dict) and fold(str(row.get("format", ""))) == wanted.format
    ]
    titled = [row for row in fitting if fold(wanted.title) in fold(str(row.get("title", "")))]
    if not (titled or fitting):
        there = ", ".join(f"{r.get('title')} ({r.get('format')})" for r in rows[:8]) or "aucune"
        raise Failure(
            service.pace,
            f"aucune ressource {wanted.format} dans ce jeu de données (présentes : {there})",
            "donner le fichier à la main (--add)",
        )
    return max(titled or fitting, key=lambda row: str(row.get("last_modified") or ""))

"""What the head of an answer says: whole, part, unchanged, later, never."""

from __future__ import annotations

import datetime as dt
import email.utils
import re
from typing import TYPE_CHECKING

from friches.fetch.address import masked
from friches.fetch.body import announced, is_encoded, wants_compressed
from friches.fetch.failure import Failure, Passing
from friches.fetch.store import Begun

if TYPE_CHECKING:
    import httpx

    from friches.fetch.request import Request
    from friches.fetch.store import Kept

PASSING = {408, 425, 429, 500, 502, 503, 504}
EXCERPT = 200
_MEANING = {
    400: "demande refusée",
    401: "accès réservé",
    403: "accès refusé",
    404: "adresse inconnue, le fichier a peut-être été déplacé",
    410: "fichier retiré",
    414: "adresse trop longue",
    429: "trop de demandes",
    500: "erreur du service",
    502: "service indisponible",
    503: "service indisponible",
    504: "service trop lent",
}
_REASON = re.compile(
    rb"<(?:\w+:)?(?:ExceptionText|ServiceException)[^>]*>([^<]{1,400})"
    rb'|"(?:message|detail|error)"\s*:\s*"([^"]{1,400})'
)


def asked_headers(
    request: Request, kept: Kept | None, begun: Begun | None, offset: int
) -> dict[str, str]:
    """Return the headers that spare a download: what is kept, or how far an earlier one went."""
    headers = {"Accept-Encoding": "gzip" if wants_compressed(request) else "identity"}
    if request.method != "GET":
        return headers
    if begun is not None and offset:
        headers |= {"Range": f"bytes={offset}-", "If-Range": begun.mark}
    elif kept is not None and kept.etag:
        headers["If-None-Match"] = kept.etag
    elif kept is not None and kept.modified:
        headers["If-Modified-Since"] = kept.modified
    return headers


def promise(response: httpx.Response) -> Begun:
    """Return what an answer promises of its body."""
    encoded = is_encoded(response)
    return Begun(
        etag=response.headers.get("etag", ""),
        modified=response.headers.get("last-modified", ""),
        total=None if encoded else announced(response),
        url=masked(response.url),
        resumable=not encoded and response.request.method == "GET",
    )


def resumes(response: httpx.Response, begun: Begun, offset: int) -> bool:
    """Return whether a partial answer goes on just where, and with what, the download stopped."""
    given = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+|\*)", response.headers.get("content-range", ""))
    if given is None or int(given[1]) != offset or is_encoded(response):
        return False
    same_total = given[3] == "*" or begun.total in {None, int(given[3])}
    return same_total and response.headers.get("etag", begun.etag) == begun.etag


def is_whole(response: httpx.Response, begun: Begun, offset: int) -> bool:
    """Return whether « range not satisfiable » means that nothing was left to send."""
    given = re.fullmatch(r"bytes \*/(\d+)", response.headers.get("content-range", ""))
    same = response.headers.get("etag", begun.etag) == begun.etag
    return given is not None and int(given[1]) == offset and begun.total in {None, offset} and same


def retry_after(response: httpx.Response) -> float | None:
    """Return the pause a service asks for (s): in seconds or until a date (RFC 9110, 10.2.3)."""
    text = response.headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,9}", text, re.ASCII):
        return float(text)
    try:
        until = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    until = until if until.tzinfo else until.replace(tzinfo=dt.UTC)
    return max(0.0, (until - dt.datetime.now(dt.UTC)).total_seconds())


def check_status(response: httpx.Response, request: Request) -> None:
    """Refuse an answer that is not a success.

    Raises
    ------
    Passing
        The service is busy or ill.
    Failure
        It will say the same next time.
    """
    code = response.status_code
    if code in {200, 203, 206}:
        return
    meaning = _MEANING.get(code, "réponse inattendue")
    why = f"réponse {code} ({meaning}){_excerpt(response)}"
    if code in PASSING:
        raise Passing(why)
    raise Failure(
        request.service,
        f"{why} : {masked(request.url)}",
        "vérifier l'adresse dans data/sources.toml, ou donner le fichier à la main (--add)",
    )


def _excerpt(response: httpx.Response) -> str:
    """Return the reason a service gives in the first bytes of a refusal."""
    if is_encoded(response):
        return ""
    found = _REASON.search(next(response.iter_raw(), b"")[:4096])
    if found is None:
        return ""
    text = (found[1] or found[2]).decode("utf-8", "replace")
    plain = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return f", « {masked(plain)[:EXCERPT]} »"

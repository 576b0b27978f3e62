"""Small questions whose answers are JSON, and what a refusal means."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from friches.fetch.failure import Failure
from friches.fetch.request import Request

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from friches.fetch.request import Accepts
    from friches.fetch.session import Session


def question(  # noqa: PLR0913 -- one argument a field of `Request`
    service: str,
    url: str,
    params: Mapping[str, str] | None = None,
    *,
    accepts: Accepts = "json",
    fresh_days: float = 30,
    most_bytes: int = 2**31,
) -> Request:
    """Return a request whose address bears no query: the one it had goes before `params`."""
    parts = urlsplit(url)
    asked = (*parse_qsl(parts.query, keep_blank_values=True), *(params or {}).items())
    bare = urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))
    return Request(
        service, bare, tuple(asked), accepts=accepts, fresh_days=fresh_days, most_bytes=most_bytes
    )


def said(session: Session, request: Request) -> Any:
    """Return a JSON answer.

    Raises
    ------
    Failure
        See `Session.get`; the answer tells an error in place of data.
    """
    return parsed(session.get(request).path, request.service)


def parsed(path: Path, service: str) -> Any:
    """Return the JSON of a kept answer; a service's own error message is a `Failure`."""
    try:
        found = json.loads(path.read_bytes())
    except ValueError as error:
        raise Failure(service, f"réponse illisible ({error})", "réessayer plus tard") from error
    if isinstance(found, dict) and str(found.get("type", "")).lower() == "error":
        raise Failure(service, f"le service répond : « {_short(found.get('message'))} »")
    return found


def is_absent(failure: Failure) -> bool:
    """Tell a file that does not exist (404, 410) from a service that is ill."""
    return re.search(r"réponse (404|410)\b", failure.why) is not None


def is_not_kept(failure: Failure) -> bool:
    """Tell an answer that the cache alone does not have (`--offline`)."""
    return failure.why.startswith("hors connexion")


def _short(text: object) -> str:
    return " ".join(str(text or "").split())[:200]

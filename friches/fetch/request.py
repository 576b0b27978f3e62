"""One question to a service, and the answer kept of it."""

from __future__ import annotations

import hashlib
import json as json_text
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    import datetime as dt
    from pathlib import Path

Pairs = tuple[tuple[str, str], ...]
Accepts = Literal["any", "json", "gzip", "zip", "7z", "tiff", "csv", "xml"]
FRESH_DAYS = 30.0
MOST_BYTES = 2**31


class Request(NamedTuple):
    """A question to a service.

    Parameters
    ----------
    service : str
        Key of the rate limit and of the messages, e.g. ``geopf_wfs``.
    url : str
        Public https address; the session maps it to a mirror by its `hosts`.
    params : tuple of (str, str)
        Query parameters, in order.
    method : {"GET", "POST"}
        POST with `form` or `json`.
    form : tuple of (str, str)
        Fields of a POST form.
    json : Any
        Body of a POST, written as JSON.
    accepts : str
        What the answer must be, checked on its bytes; a web page is never accepted.
    fresh_days : float
        A kept answer younger than this is used without asking (days).
    most_bytes : int
        Largest answer accepted, once decoded (bytes).
    """

    service: str
    url: str
    params: Pairs = ()
    method: Literal["GET", "POST"] = "GET"
    form: Pairs = ()
    json: Any = None
    accepts: Accepts = "any"
    fresh_days: float = FRESH_DAYS
    most_bytes: int = MOST_BYTES

    @property
    def key(self) -> str:
        """Name of the question in the cache: sha256 of all that changes its answer."""
        asked = [self.method, self.url, self.params, self.form, self.json]
        text = json_text.dumps(asked, sort_keys=True, ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()


class Answer(NamedTuple):
    """An answer kept in the cache.

    Parameters
    ----------
    path : Path
        The whole body, named by its sha256: link or copy it, never change it.
    sha256 : str
        Hash of the body, verified.
    size : int
        Bytes of the body.
    retrieved_on : date
        Day it was downloaded.
    etag : str
        Version given by the service, or "".
    from_cache : bool
        No byte of it was downloaded this time.
    url : str
        Address that answered (secrets masked).
    note : str
        Why an old copy is given although it should have been asked again (French), or "".
    """

    path: Path
    sha256: str
    size: int
    retrieved_on: dt.date
    etag: str
    from_cache: bool
    url: str
    note: str = ""

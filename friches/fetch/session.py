"""Ask the services politely, keep every answer, never take a broken one for a whole one."""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from friches.errors import refuse
from friches.fetch.address import check_hosts, masked
from friches.fetch.body import announced, receive
from friches.fetch.content import check_content
from friches.fetch.failure import Failure, Passing
from friches.fetch.pace import Gate, Pace
from friches.fetch.request import Answer, Request
from friches.fetch.status import (
    asked_headers,
    check_status,
    is_whole,
    promise,
    resumes,
    retry_after,
)
from friches.fetch.store import Begun, Kept, Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    import httpx

    from friches.fetch.wire import Wire

    Progress = Callable[[Request, int, int | None], None]
    """Called with the request, the bytes there so far and the total announced, if any."""

__all__ = ["Answer", "Failure", "Pace", "Request", "Session", "open_session"]

_QUIET = logging.NullHandler()
"""Retries are told in our words: without a handler of its own, Python prints those of stamina."""
_TODO_LATER = "réessayer plus tard, ou donner le fichier à la main (--add)"


@contextmanager
def open_session(  # noqa: PLR0913 -- what the command line offers, each by name
    cache: Path,
    *,
    pace: Mapping[str, Pace],
    hosts: Mapping[str, str] | None = None,
    offline: bool = False,
    refresh: bool = False,
    progress: Progress | None = None,
) -> Iterator[Session]:
    """Open a session on a cache.

    Parameters
    ----------
    cache : Path
        Folder of the cache, made when absent; other sessions may use it at the same time.
    pace : mapping of str to Pace
        By service; a service without one is asked once a second, one request at a time.
    hosts : mapping of str to str
        Mirrors by public https address: ``{"https://data.geopf.fr": "http://127.0.0.1:8000/x"}``.
        Plain http and private addresses are allowed there only.
    offline : bool
        Answer from the cache alone, whatever its age.
    refresh : bool
        Ask again whether every kept answer still holds.
    progress : callable
        Called while bytes come, from the thread that called `Session.get`.

    Yields
    ------
    Session
        Safe to use from several threads.

    Raises
    ------
    InputError
        `hosts` or the cache folder cannot be used; the `fetch` extra is not installed.
    """
    try:
        import certifi  # noqa: F401 -- the three come with the `fetch` extra
        import httpx  # noqa: F401
        import stamina  # noqa: F401
    except ImportError as error:
        raise refuse(
            f"le téléchargement demande le module « {error.name} »",
            "friches fetch",
            'installer « pip install "friches[fetch]" »',
        ) from error
    from friches.fetch.wire import Wire

    logging.getLogger("stamina").addHandler(_QUIET)
    wire = Wire(check_hosts(hosts or {}))
    session = Session(Store(cache), wire, pace, Manner(offline, refresh, progress))
    try:
        yield session
    finally:
        wire.close()


class Manner(NamedTuple):
    """How a session answers: see `open_session`."""

    offline: bool
    refresh: bool
    progress: Progress | None


class Session:
    """A cache and the way to the services; made by `open_session`."""

    def __init__(self, store: Store, wire: Wire, pace: Mapping[str, Pace], manner: Manner) -> None:
        self._store = store
        self._wire = wire
        self._pace = pace
        self._manner = manner
        self._gates: dict[str, Gate] = {}
        self._asked: set[str] = set()
        self._lock = threading.Lock()

    def get(self, request: Request) -> Answer:
        """Return the whole answer to a request, from the cache or from the service.

        Raises
        ------
        Failure
            No answer after all retries, an answer that will not change, or, offline, none kept.
        """
        with self._store.locked(request.key):
            kept = self._store.held(request.key)
            if kept is not None and self._is_enough(request, kept):
                return self._answer(kept, from_cache=True)
            if self._manner.offline:
                raise _absent(request)
            try:
                got, from_cache = self._ask(request, kept)
            except Failure as failure:
                if kept is None or self._manner.refresh:
                    raise
                note = f"copie du {kept.retrieved_on}, non vérifiée : {failure.why}"
                return self._answer(kept, from_cache=True, note=note)
            with self._lock:
                self._asked.add(request.key)
            return self._answer(got, from_cache=from_cache)

    def forget(self, request: Request) -> None:
        """Ask afresh next time: what came was whole, but not what it should be.

        Offline, the copy is kept: there is no other.
        """
        if not self._manner.offline:
            with self._store.locked(request.key):
                self._store.forget(request.key)

    def size(self, request: Request) -> int | None:
        """Return the bytes still to be downloaded: 0 when the cache is enough, None if unknown."""
        kept = self._store.noted(request.key)
        if kept is not None and self._is_enough(request, kept):
            return 0
        if self._manner.offline or request.method != "GET":
            return None
        gate = self._gate(request.service)
        headers = asked_headers(request, kept, None, 0)
        try:
            with (
                gate.turn(),
                self._wire.exchange(request, headers, gate.pace.deadline, "HEAD") as response,
            ):
                if response.status_code == 304:
                    return 0
                total = announced(response) if response.status_code == 200 else None
        except (Failure, Passing):
            return None
        begun, offset = self._left(request.key)
        done = offset if begun is not None and (begun.mark or begun.total == offset) else 0
        return None if total is None else max(0, total - done)

    def _is_enough(self, request: Request, kept: Kept) -> bool:
        if self._manner.offline:
            return True
        with self._lock:
            if request.key in self._asked:
                return True
        age = time.time() - kept.checked_at
        return not self._manner.refresh and 0 <= age < request.fresh_days * 86400

    def _ask(self, request: Request, kept: Kept | None) -> tuple[Kept, bool]:
        import stamina

        pace = self._gate(request.service).pace
        retries = stamina.retry_context(
            on=Passing,
            attempts=pace.retries + 1,
            timeout=None,
            wait_initial=pace.first_wait,
            wait_max=pace.longest_wait,
            wait_jitter=pace.first_wait,
        )
        try:
            for attempt in retries:
                with attempt:
                    return self._exchange(request, kept)
        except Passing as fault:
            tries = f"{pace.retries + 1} essais" if pace.retries else "1 essai"
            why = f"{fault.why} ({tries}) : {masked(request.url)}"
            raise Failure(
                request.service, why, _TODO_LATER, unreachable=fault.unreachable
            ) from fault
        raise AssertionError("stamina ends by an answer or by the last fault")

    def _exchange(self, request: Request, kept: Kept | None) -> tuple[Kept, bool]:
        """Ask once; return what is kept then, and whether it was kept before."""
        key, store, gate = request.key, self._store, self._gate(request.service)
        begun, offset = self._left(key)
        if begun is not None and begun.total == offset:
            return self._finish(request, begun), False
        if begun is None or not begun.mark:
            begun, offset = None, 0
        headers = asked_headers(request, kept, begun, offset)
        with gate.turn(), self._wire.exchange(request, headers, gate.pace.deadline) as response:
            if response.status_code == 304 and kept is not None:
                return store.confirm(key, kept, time.time()), True
            if response.status_code == 416 and begun is not None:
                if not is_whole(response, begun, offset):
                    store.drop(key)
                    raise Passing("reprise du téléchargement refusée")
                return self._finish(request, begun), False
            pause = retry_after(response)
            if pause is not None and response.status_code >= 400:
                gate.hold(pause)
            check_status(response, request)
            begun = self._receive(request, response, begun, offset)
        return self._finish(request, begun), False

    def _receive(
        self, request: Request, response: httpx.Response, begun: Begun | None, offset: int
    ) -> Begun:
        key, store = request.key, self._store
        if response.status_code == 206:
            if begun is None or not resumes(response, begun, offset):
                store.drop(key)
                raise Passing("la suite reçue n'est pas celle du téléchargement commencé")
        else:
            offset, begun = 0, promise(response)
            store.drop(key)
            store.begin(key, begun)
        told = self._manner.progress
        pace = self._gate(request.service).pace
        for done, total in receive(response, store.part(key), offset, request, pace):
            if told is not None:
                told(request, done, total)
        return begun

    def _finish(self, request: Request, begun: Begun) -> Kept:
        try:
            check_content(self._store.part(request.key), request.accepts, request.url)
        except Passing:
            self._store.drop(request.key)
            raise
        return self._store.keep(request.key, begun, time.time())

    def _left(self, key: str) -> tuple[Begun | None, int]:
        """Return what was promised of a download left half-way, and the bytes it left."""
        begun = self._store.begun(key)
        return begun, 0 if begun is None else self._store.part(key).stat().st_size

    def _gate(self, service: str) -> Gate:
        with self._lock:
            if service not in self._gates:
                self._gates[service] = Gate(self._pace.get(service, Pace()))
            return self._gates[service]

    def _answer(self, kept: Kept, *, from_cache: bool, note: str = "") -> Answer:
        return Answer(
            path=self._store.body(kept),
            sha256=kept.sha256,
            size=kept.size,
            retrieved_on=dt.date.fromisoformat(kept.retrieved_on),
            etag=kept.etag,
            from_cache=from_cache,
            url=kept.url,
            note=note,
        )


def _absent(request: Request) -> Failure:
    return Failure(
        request.service,
        f"hors connexion, et absent du cache (ou abîmé) : {masked(request.url)}",
        "relancer sans --offline, ou donner le fichier à la main (--add)",
    )

"""The body of an answer, written as it comes: bounded in size and in slowness."""

from __future__ import annotations

import shutil
import time
import zlib
from typing import TYPE_CHECKING

from friches.fetch.failure import Failure, Passing
from friches.fetch.gunzip import gunzip

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    import httpx

    from friches.fetch.pace import Pace
    from friches.fetch.request import Request

SPARE_BYTES = 2**28
"""256 MiB left free on the disk, for the system and what is unpacked next to it."""
_TODO_DISK = "libérer de la place, ou choisir un autre dossier de cache (--cache)"
_TEXTS = {"json", "csv", "xml", "any"}


def wants_compressed(request: Request) -> bool:
    """Return whether to ask for a compressed transfer: texts only, files resume by ranges."""
    return request.accepts in _TEXTS - {"any"}


def is_encoded(response: httpx.Response) -> bool:
    """Return whether what travels is not what is kept."""
    return response.headers.get("content-encoding", "").lower() not in {"", "identity"}


def announced(response: httpx.Response) -> int | None:
    """Return the bytes the answer says it will bring, or None."""
    text = response.headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() else None


def receive(
    response: httpx.Response, into: Path, start: int, request: Request, pace: Pace
) -> Iterator[tuple[int, int | None]]:
    """Write the body to a file from an offset on.

    Yields
    ------
    (int, int or None)
        Bytes there so far, and the total announced, after each piece.

    Raises
    ------
    Passing
        Too slow, cut short.
    Failure
        Larger than `request.most_bytes`, or than the disk; unknown encoding.
    """
    plain = not is_encoded(response) or request.accepts not in _TEXTS
    length = announced(response)
    _check_room(request, into, start, length or 0)
    pieces = _paced(response.iter_raw(), pace)
    if not plain:
        pieces = _inflated(pieces, response.headers["content-encoding"].lower(), request)
    total = None if length is None or not plain else start + length
    size = start
    try:
        with into.open("r+b" if start else "wb") as file:
            file.seek(start)
            file.truncate()
            for piece in pieces:
                size += len(piece)
                if size > request.most_bytes:
                    raise _too_large(request, size)
                file.write(piece)
                yield size, total
    except OSError as error:
        why = f"écriture impossible dans le cache : {error.strerror}"
        raise Failure(request.service, why, _TODO_DISK) from error


def _check_room(request: Request, into: Path, start: int, length: int) -> None:
    if start + length > request.most_bytes:
        raise _too_large(request, start + length)
    free = shutil.disk_usage(into.parent).free
    if length + SPARE_BYTES > free:
        raise Failure(
            request.service,
            f"place insuffisante sur le disque : {length / 1e6:.0f} Mo annoncés, "
            f"{free / 1e6:.0f} Mo libres",
            _TODO_DISK,
        )


def _too_large(request: Request, size: int) -> Failure:
    return Failure(
        request.service,
        f"réponse de plus de {request.most_bytes / 1e6:.0f} Mo ({size / 1e6:.0f} Mo), refusée",
        "réduire le territoire demandé, ou donner le fichier à la main (--add)",
    )


def _paced(pieces: Iterable[bytes], pace: Pace) -> Iterator[bytes]:
    """Give the pieces as they come, ended when they come too slowly over `pace.deadline`."""
    since, got = time.monotonic(), 0
    for piece in pieces:
        got += len(piece)
        now = time.monotonic()
        if now - since >= pace.deadline:
            if got < pace.least_rate * pace.deadline:
                raise Passing(f"débit trop faible : {got} octets en {now - since:.0f} s")
            since, got = now, 0
        yield piece


def _inflated(pieces: Iterable[bytes], encoding: str, request: Request) -> Iterator[bytes]:
    if encoding not in {"gzip", "x-gzip"}:
        raise Failure(request.service, f"codage « {encoding[:20]} » non demandé")
    try:
        yield from gunzip(pieces)
    except zlib.error as error:
        raise Passing("réponse compressée abîmée") from error
    except EOFError as error:
        raise Passing("réponse compressée tronquée") from error

"""A session without a network: each request is answered by a function, or by a failure."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from typing import TYPE_CHECKING, Any

from friches.fetch.failure import Failure
from friches.fetch.request import Answer, Request

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ABSENT = Failure("essai", "réponse 404 (adresse inconnue) : https://exemple.fr/")
NO_ROUTE = Failure("essai", "connexion impossible", unreachable=True)


class Told:
    """Answers requests from `say`: bytes, an object written as JSON, or a `Failure` to raise."""

    def __init__(self, folder: Path, say: Callable[[Request], Any]) -> None:
        self.folder, self.say = folder, say
        self.asked: list[Request] = []

    def get(self, request: Request) -> Answer:
        self.asked.append(request)
        said = self.say(request)
        if isinstance(said, Failure):
            raise said
        raw = said if isinstance(said, bytes) else json.dumps(said).encode()
        name = hashlib.sha256(raw).hexdigest()
        path = self.folder / name
        path.write_bytes(raw)
        return Answer(path, name, len(raw), dt.date(2026, 9, 1), "", False, request.url)

    def size(self, request: Request) -> int | None:
        return None if isinstance(self.say(request), Failure) else 1000

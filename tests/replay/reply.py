"""What is asked of the replay server, and what it answers before any fault."""

from __future__ import annotations

import json
from typing import Any, NamedTuple


class Asked(NamedTuple):
    """One request: method, public host, path, query and form (last value wins), body, headers."""

    method: str
    host: str
    path: str
    query: dict[str, str]
    body: bytes
    headers: dict[str, str]

    @property
    def where(self) -> str:
        """Host and path, what a fault's pattern is compared with, then the query and body."""
        pairs = "&".join(f"{name}={value}" for name, value in self.query.items())
        return f"{self.host}{self.path}?{pairs}"


class Reply(NamedTuple):
    """One answer: status, body, type, more headers; `whole` files may be asked by range."""

    body: bytes
    kind: str = "application/json; charset=utf-8"
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    whole: bool = False


def as_json(said: Any, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> Reply:
    """Return an answer in JSON; numbers are written so that they read back exactly equal."""
    body = json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()
    return Reply(body, status=status, headers=headers)


def refusal(status: int, text: str) -> Reply:
    """Return an error as the services write it."""
    return as_json({"code": status, "message": text}, status)

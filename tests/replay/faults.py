"""Faults on demand: how an answer is spoilt, how often, and for which addresses."""

from __future__ import annotations

import gzip
import json
import random
import re
import threading
from typing import TYPE_CHECKING, Any, NamedTuple

from replay.reply import Asked, Reply

if TYPE_CHECKING:
    from collections.abc import Sequence

PASSING = ("429", "503", "reset", "gzip", "length", "html", "drip", "loop")
"""Faults of transport: the same request, asked again, is answered."""
LYING = ("empty", "case", "axes", "cut", "more", "fewer")
"""Faults of content, with status 200 and whole bodies."""
KINDS = PASSING + LYING
PAGE = b"<!DOCTYPE html><html><head><title>Connexion</title></head><body>Portail</body></html>"


class Fault(NamedTuple):
    """A fault: its kind, the addresses it meets (regular expression), how many times, a pause."""

    kind: str
    pattern: str = "."
    times: int = 1
    seconds: float = 0.0


class Faults:
    """The faults still to come; the first that fits an address is used, and used up."""

    def __init__(self) -> None:
        self._left: list[list[Any]] = []
        self._lock = threading.Lock()
        self.used: list[tuple[str, str]] = []

    def add(self, *faults: Fault) -> None:
        """Put faults in the queue."""
        with self._lock:
            self._left += [[fault, fault.times] for fault in faults]

    def clear(self) -> None:
        """Forget the faults still to come, and those that came."""
        with self._lock:
            self._left, self.used = [], []

    def left(self) -> list[Fault]:
        """Return the faults that have not all come."""
        with self._lock:
            return [fault for fault, times in self._left if times > 0]

    def take(self, asked: Asked, reply: Reply) -> Fault | None:
        """Return the fault of this request, if any: one that this answer can bear."""
        with self._lock:
            for pair in self._left:
                fault, times = pair
                if times > 0 and re.search(fault.pattern, asked.where) and bears(fault, reply):
                    pair[1] -= 1
                    self.used.append((fault.kind, asked.where))
                    return fault  # type: ignore[no-any-return]
        return None


def bears(fault: Fault, reply: Reply) -> bool:
    """Tell whether a fault can be seen in an answer."""
    if reply.status != 200:
        return False
    if fault.kind == "gzip":
        return reply.body[:2] == b"\x1f\x8b"
    if fault.kind in LYING:
        return bool(_features(reply))
    return True


def seeded(seed: int, patterns: Sequence[str], kinds: Sequence[str]) -> list[Fault]:
    """Return each kind of fault once, each on a pattern of its own drawn by the seed."""
    draw = random.Random(seed)
    places = draw.sample(list(patterns), len(kinds))
    return [Fault(kind, place) for kind, place in zip(kinds, places, strict=True)]


def spoilt(fault: Fault, reply: Reply) -> Reply:
    """Return the answer with what a fault of content or of status does to it."""
    if fault.kind == "429":
        return Reply(b"", "text/plain", 429, (("Retry-After", str(int(fault.seconds))),))
    if fault.kind == "503":
        return Reply(b"Service Unavailable", "text/plain", 503)
    if fault.kind == "html":
        return Reply(PAGE, "text/html; charset=utf-8")
    if fault.kind == "gzip":
        return reply._replace(body=reply.body[: len(reply.body) // 2], whole=False)
    if fault.kind in LYING:
        said = _features(reply)
        return reply._replace(body=_packed(_lied(said or {}, fault.kind), reply), whole=False)
    return reply


def _features(reply: Reply) -> dict[str, Any] | None:
    raw = gzip.decompress(reply.body) if reply.body[:2] == b"\x1f\x8b" else reply.body
    if b'"FeatureCollection"' not in raw[:400]:
        return None
    said = json.loads(raw)
    return said if said.get("features") else None


def _packed(said: dict[str, Any], reply: Reply) -> bytes:
    raw = json.dumps(said, ensure_ascii=False).encode()
    return gzip.compress(raw, mtime=0) if reply.body[:2] == b"\x1f\x8b" else raw


def _lied(said: dict[str, Any], kind: str) -> dict[str, Any]:
    features = said["features"]
    told = {name: said[name] for name in TOTALS if name in said}
    if kind == "empty":
        return said | {"features": []} | dict.fromkeys(told, 0)
    if kind == "cut":  # a part, under the announced total of the whole
        return said | {"features": features[: len(features) // 2]}
    if kind in ("more", "fewer"):
        step = 7 if kind == "more" else -1
        totals = {name: int(told[name]) + step for name in told if name != "numberReturned"}
        return said | totals
    if kind == "case":
        return said | {"features": [_upper(one) for one in features]}
    return said | {"features": [_turned(one) for one in features]}


TOTALS = ("totalFeatures", "numberMatched", "numberReturned")


def _upper(one: dict[str, Any]) -> dict[str, Any]:
    return one | {"properties": {name.swapcase(): v for name, v in one["properties"].items()}}


def _turned(one: dict[str, Any]) -> dict[str, Any]:
    geometry = one["geometry"]
    return one | {"geometry": geometry | {"coordinates": _swap(geometry["coordinates"])}}


def _swap(at: Any) -> Any:
    if at and isinstance(at[0], (int, float)):
        return [at[1], at[0], *at[2:]]
    return [_swap(one) for one in at]

"""How fast a service may be asked, and how long it is waited for."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator


class Pace(NamedTuple):
    """Politeness and patience towards one service.

    Parameters
    ----------
    per_second : float
        Requests a second, on average.
    burst : int
        Requests that may be sent at once after a rest.
    at_once : int
        Requests under way together.
    retries : int
        Further attempts after a first one that failed in passing.
    deadline : float
        Longest silence, and span over which `least_rate` must be held (s).
    least_rate : float
        A slower download is ended (bytes a second).
    first_wait, longest_wait : float
        Wait before the first retry, doubled each time with jitter, and its cap (s).
    longest_pause : float
        Cap on the pause a service may ask for by Retry-After (s).
    """

    per_second: float = 1.0
    burst: int = 1
    at_once: int = 1
    retries: int = 4
    deadline: float = 60.0
    least_rate: float = 1024.0
    first_wait: float = 1.0
    longest_wait: float = 30.0
    longest_pause: float = 120.0


class Gate:
    """Lets requests to one service through at its pace, across threads.

    Parameters
    ----------
    pace : Pace
        A bucket of `burst` tokens refilled at `per_second`; `at_once` places.
    """

    def __init__(self, pace: Pace) -> None:
        self.pace = pace
        self._tokens = float(pace.burst)
        self._filled = time.monotonic()
        self._held_until = 0.0
        self._lock = threading.Lock()
        self._places = threading.BoundedSemaphore(pace.at_once)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for a place and a token; the place is held until the end of the block."""
        with self._places:
            while (wait := self._wait()) > 0:
                time.sleep(wait)
            yield

    def hold(self, seconds: float) -> None:
        """Let nothing through for a while: the service asked for a pause."""
        pause = min(seconds, self.pace.longest_pause)
        with self._lock:
            self._held_until = max(self._held_until, time.monotonic() + pause)

    def _wait(self) -> float:
        """Take a token and return 0, or return how long to wait before asking for it again."""
        with self._lock:
            now = time.monotonic()
            if now < self._held_until:
                return self._held_until - now
            gained = (now - self._filled) * self.pace.per_second
            self._tokens = min(float(self.pace.burst), self._tokens + gained)
            self._filled = now
            if self._tokens >= 1:
                self._tokens -= 1
                return 0.0
            return (1 - self._tokens) / self.pace.per_second

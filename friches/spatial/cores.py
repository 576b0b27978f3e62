"""How many threads compiled loops may use."""

from __future__ import annotations

import os

SAID = "FRICHES_THREADS"
"""Environment variable that says it: 1 in the workers of a crew, which share the machine."""


def threads() -> int:
    """Return the number of threads: as said in the environment, else one a core."""
    said = os.environ.get(SAID, "")
    return int(said) if said.isdecimal() and int(said) else os.cpu_count() or 1

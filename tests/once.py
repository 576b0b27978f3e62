"""Folders made once for a whole test session, whatever the number of processes that run it."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

LONGEST_S = 600.0
"""How long a process waits for the folder that another one makes."""


def once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """Return the session's folder of that name: `make(folder)` fills it, in one process alone.

    The others wait for it, and fail with it. Whoever changes what it holds must copy it first.
    """
    shared = factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        shared = shared.parent  # what the workers of a session have in common
    return made_once(shared, name, make)


def made_once(
    shared: Path, name: str, make: Callable[[Path], object], longest: float = LONGEST_S
) -> Path:
    """Return the folder `name` of `shared`, made by whoever asks for it first."""
    folder, failed = shared / f"once-{name}", shared / f"once-{name}.failed"
    try:
        os.close(os.open(shared / f"once-{name}.lock", os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return _awaited(folder, failed, longest)
    side = shared / f"once-{name}.side"
    try:
        side.mkdir()
        make(side)
        side.rename(folder)
    except BaseException as error:
        failed.write_text(repr(error), "utf-8")
        raise
    return folder


def _awaited(folder: Path, failed: Path, longest: float) -> Path:
    end = time.monotonic() + longest
    while not folder.exists():
        if failed.exists():
            raise RuntimeError(f"made elsewhere, and failed: {failed.read_text('utf-8')}")
        if time.monotonic() > end:
            raise TimeoutError(f"{folder.name} is not made after {longest:.0f} s")
        time.sleep(0.05)
    return folder

"""The stages of a run: kept by the hash of their inputs, timed, told to whoever waits."""

from __future__ import annotations

import ctypes
import sys
import tempfile
import time
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from friches import keep

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Progress = Callable[[str], AbstractContextManager[Any]]

STAGES = {
    "layers": "lecture des couches",
    "facts": "mesure des faits",
    "fallow": "règles de détection",
    "blocks": "îlots",
    "reach": "temps de trajet",
    "meals": "récoltes et repas",
    "law": "procédures et dates",
    "matches": "fermes et cantines",
    "plan": "plan d'action",
}


class Shop(NamedTuple):
    """Where stages are kept, where layers and parts lie, whom to tell, what each stage took."""

    kept: Path | None
    place: Path
    progress: Progress
    spent: dict[str, float]

    def stage(
        self, name: str, parts: Any, make: Callable[[], dict[str, Any]], *, keeps: bool = True
    ) -> dict[str, Any]:
        """Return the tables of a stage, kept under all that it depends on; time it."""
        key = keep.digest(name, keep.code_digest(), _said(parts))
        started = time.perf_counter()
        with self.progress(STAGES[name]):
            made = keep.kept(self.kept if keeps else None, name, key, make)
        self.spent[name] = round(time.perf_counter() - started, 3)
        give_back()
        return made


@contextmanager
def place(kept: Path | None) -> Iterator[Path]:
    """Give the folder of layers and parts: that of kept stages, or one that goes with the run."""
    if kept is not None:
        yield kept
        return
    with tempfile.TemporaryDirectory(prefix="friches-") as folder:
        yield Path(folder)


def _said(parts: Any) -> Any:
    if hasattr(parts, "model_dump"):
        return parts.model_dump(mode="json")
    if isinstance(parts, list):
        return [_said(part) for part in parts]
    return parts


def silent(_stage: str) -> AbstractContextManager[Any]:
    """Tell nobody of a stage."""
    return nullcontext()


def give_back() -> None:
    """Give memory that is free again back to the system: allocators would keep it for later."""
    import pyarrow as pa

    pa.default_memory_pool().release_unused()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc alone has it
        if trim is not None:
            trim(0)

"""Each method in a process of its own: whole time, time of its core step, memory of its tree.

    python -m benchmarks.engine_process KIND METHOD TERRITORY ANSWER

is what the benchmark starts, once a method and round. The process loads what the method needs,
times the core step, and leaves the answer (.npz) with what it took (.json) for the benchmark to
compare.
"""

from __future__ import annotations

import importlib
import json
import math
import os
import subprocess
import sys
import threading
import time
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import psutil
    import pyarrow as pa
    from numpy.typing import NDArray

    Answer = dict[str, NDArray[Any]]
    Core = Callable[[], Answer]

LOOK_EVERY_S = 0.1
"""Time between two looks at the memory of a method that runs several processes."""
KINDS = {
    "overlay": "benchmarks.engine_overlay",
    "zonal": "benchmarks.engine_zonal",
    "roads": "benchmarks.engine_roads",
    "stage": "benchmarks.engine_stage",
}


class Method(NamedTuple):
    """One way to the answer.

    Attributes
    ----------
    label : str
    load : callable
        From the territory's folder to the core step, itself a callable that returns the answer:
        what `load` does (imports, reading, decoding) counts in the whole process alone.
    needs : tuple of str
        Packages.
    absent : callable, optional
        Why the method cannot run here, beyond packages; None when it can.
    several : bool
        Whether it runs several processes, whose memory is then looked at.
    rough : bool
        Whether it answers a neighbouring question, so that only the middle of the differences is
        checked.
    """

    label: str
    load: Callable[[Path], Core]
    needs: tuple[str, ...] = ()
    absent: Callable[[], str | None] | None = None
    several: bool = False
    rough: bool = False


class Took(NamedTuple):
    """What one round of a method took.

    Attributes
    ----------
    core_s, whole_s : float
        Seconds on the clock of the core step and of the whole process.
    core_cpu_s, cpu_s : float
        The same in seconds of all cores; what servers use counts in the whole process alone.
    memory_mb : float
        Most memory held.
    """

    core_s: float
    whole_s: float
    core_cpu_s: float
    cpu_s: float
    memory_mb: float


def methods(kind: str) -> Mapping[str, Method]:
    """Return the methods of a kind, ours first."""
    found: Mapping[str, Method] = importlib.import_module(KINDS[kind]).METHODS
    return found


def why_not(method: Method) -> str | None:
    """Return why a method cannot run here, or None."""
    lacking = [name for name in method.needs if find_spec(name) is None]
    if lacking:
        return f"not installed: {', '.join(lacking)}"
    return method.absent() if method.absent else None


def measured(
    kind: str, name: str, land: Path, answer: Path, env: Mapping[str, str] | None = None
) -> Took:
    """Run a method in its own process and return what it took; its answer is left on disk.

    Raises
    ------
    RuntimeError
        When the process fails, with the end of what it said.
    """
    command = [sys.executable, "-m", "benchmarks.engine_process", kind, name, land, answer]
    whole_s, cpu_s, memory_mb = timed(command, methods(kind)[name].several, env)
    said = json.loads(answer.with_suffix(".json").read_text("utf-8"))
    core_cpu_s = math.nan if methods(kind)[name].several else said["core_cpu_s"]
    return Took(said["core_s"], whole_s, core_cpu_s, cpu_s, max(memory_mb, said["memory_mb"]))


def timed(
    command: list[Any], several: bool, env: Mapping[str, str] | None = None
) -> tuple[float, float, float]:
    """Run a command; return seconds, seconds of all cores, most memory held (MB).

    Memory is that of its processes together, looked at now and then; 0 unless they are `several`.
    """
    began = time.perf_counter()
    process = subprocess.Popen(
        [str(word) for word in command],
        env={**os.environ, **(env or {})},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    # A pipe left unread would stop a talkative process.
    said: list[bytes] = []
    pipe = process.stderr
    assert pipe is not None
    listener = threading.Thread(target=lambda: said.append(pipe.read()))
    listener.start()
    most = [0.0]
    looker = threading.Thread(target=_look, args=(process.pid, most), daemon=True)
    if several:
        looker.start()
    _, status, used = os.wait4(process.pid, 0)
    whole_s = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    listener.join()
    pipe.close()
    if process.returncode:
        tail = b"".join(said).decode("utf-8", "replace")[-2000:]
        raise RuntimeError(f"{' '.join(map(str, command[1:]))}: {process.returncode}\n{tail}")
    return whole_s, used.ru_utime + used.ru_stime, most[0]


def table(path: Path, columns: list[str] | None = None) -> pa.Table:
    """Return a GeoParquet file as it lies on disk: numbers, and geometry as WKB."""
    import pyarrow.parquet as pq

    # Not `read_table`, which imports pandas: 0.4 s.
    with pq.ParquetFile(path) as file:
        return file.read(columns)


def _look(pid: int, most: list[float]) -> None:
    """Keep the largest sum, over a process and its descendants, of the memory each accounts for."""
    import psutil

    try:
        top = psutil.Process(pid)
        while top.is_running() and top.status() != psutil.STATUS_ZOMBIE:
            most[0] = max(most[0], tree_mb(top))
            time.sleep(LOOK_EVERY_S)
    except psutil.NoSuchProcess:
        return


def tree_mb(top: psutil.Process) -> float:
    """Return the memory that a process and all its descendants hold, what they share once (MB)."""
    return sum(_held_mb(one.pid) for one in (top, *top.children(recursive=True)))


def _held_mb(pid: int) -> float:
    """Return the proportional set size: pages shared by k processes count one k-th in each."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii")
    except OSError:
        return 0.0  # ended meanwhile
    return _said_mb(text, "Pss:")


def _said_mb(text: str, name: str) -> float:
    line = next((line for line in text.splitlines() if line.startswith(name)), f"{name} 0")
    return int(line.split()[1]) / 1024


def main(kind: str, name: str, land: str, answer: str) -> None:
    """Load, time the core step, leave the answer and the time."""
    core = methods(kind)[name].load(Path(land))
    began, used = time.perf_counter(), time.process_time()
    found = core()
    took = {"core_s": time.perf_counter() - began, "core_cpu_s": time.process_time() - used}
    # The peak since this program began; what the kernel tells of a child that has ended counts its
    # parent's memory too.
    status = Path("/proc/self/status").read_text("ascii")
    took["memory_mb"] = _said_mb(status, "VmHWM:")
    arrays: dict[str, Any] = dict(found)
    np.savez(answer, **arrays)
    Path(answer).with_suffix(".json").write_text(json.dumps(took), "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Who does the work of the parts: this process, several, or several machines (Dask)."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from friches.errors import refuse
from friches.spatial.cores import SAID

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    Mapped = Callable[..., Iterable[Any]]

_ONE_THREAD = (SAID, "OMP_NUM_THREADS")
_MEMORY = {
    "MALLOC_ARENA_MAX": 1,
    "MALLOC_MMAP_THRESHOLD_": 2**25,
    "MALLOC_TRIM_THRESHOLD_": 2**29,
}
"""What the C library of a worker keeps of freed memory, in bytes: Dask would have it give back
every array at once, and ask for it again (areas of a million parcels took 65 s so, 61 s without;
one run each). Workers end with the facts, and give it all back."""
RETRIES = 3
"""Times that a task is tried again when its worker dies."""


@contextmanager
def crew(workers: int = 0, scheduler: str = "") -> Iterator[Mapped]:
    """Give a `map` whose tasks run elsewhere, and whose answers come in the order of the tasks.

    Parameters
    ----------
    workers : int
        Processes on this machine, of one thread each; 0: all in this process.
    scheduler : str
        Address of a Dask cluster (« tcp://10.0.0.1:8786 ») that sees the same folders under the
        same paths and has the same version of friches.

    Raises
    ------
    InputError
        When both are asked for, or the scheduler does not answer.

    Notes
    -----
    Tasks get paths and small tables, never geometries. A worker that is killed is replaced, and
    its task done again: parts are written whole or not at all, so no answer changes.
    """
    if workers and scheduler:
        raise refuse("--workers et --scheduler ensemble", "", "choisir l'un des deux")
    if not workers and not scheduler:
        yield map
        return
    with _client(workers, scheduler) as client:
        yield lambda work, *given: _gathered(client, work, *given)


def _gathered(client: Any, work: Callable[..., Any], *given: Iterable[Any]) -> Iterator[Any]:
    """Yield the answers in order, letting each go from the cluster once it is taken."""
    futures = client.map(work, *(list(each) for each in given), pure=False, retries=RETRIES)
    while futures:
        future = futures.pop(0)
        yield future.result()
        future.release()


@contextmanager
def _client(workers: int, scheduler: str) -> Iterator[Any]:
    try:
        import dask
        import distributed
    except ImportError as error:
        raise refuse(
            "Dask n'est pas installé", "--workers, --scheduler", "pip install 'friches[cluster]'"
        ) from error
    parts: Any = distributed
    if scheduler:
        with _reached(parts, scheduler) as client:
            yield client
        return
    # One compiled thread a worker: its share of the machine is one core.
    said = dict.fromkeys(_ONE_THREAD, 1) | _MEMORY
    with (
        dask.config.set({f"distributed.nanny.pre-spawn-environ.{k}": v for k, v in said.items()}),
        parts.LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            dashboard_address="127.0.0.1:0",  # any free port: two runs may stand side by side
            host="127.0.0.1",
            memory_limit=0,  # parts bound the memory; Dask would kill what it misjudges
        ) as cluster,
        parts.Client(cluster, set_as_default=False) as client,
    ):
        yield client


def _reached(parts: Any, scheduler: str) -> Any:
    try:
        return parts.Client(scheduler, timeout="20s", set_as_default=False)
    except (OSError, ValueError) as error:
        raise refuse(
            f"aucun ordonnanceur Dask à cette adresse : {error}",
            scheduler,
            "lancer « dask scheduler », puis « dask worker » sur chaque machine",
        ) from error

"""Progress of a fetch on a terminal: one bar a layer under way, a line when it ends."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

    from friches.fetch.errand import Job, Outcome
    from friches.fetch.request import Request

_SIGNS = {"fetched": "✓", "added": "✓", "empty": "○", "missing": "✗"}


class Bars:
    """Bars of layers under way; safe to use from several threads."""

    def __init__(self, progress: Progress, console: Console) -> None:
        self._progress = progress
        self._console = console
        self._tasks: dict[str, TaskID] = {}
        self._here = threading.local()
        self._lock = threading.Lock()

    def begins(self, job: Job) -> None:
        """Show a layer whose download begins in this thread."""
        with self._lock:
            self._tasks[job.label] = self._progress.add_task(job.label, total=None)
        self._here.label, self._here.done, self._here.key = job.label, 0, ""

    def bytes_(self, request: Request, done: int, total: int | None) -> None:
        """Add the bytes that came to the bar of the layer of this thread."""
        label = getattr(self._here, "label", "")
        if label not in self._tasks:
            return
        if request.key != self._here.key:
            self._here.key, self._here.last = request.key, 0
        self._here.done += done - self._here.last
        self._here.last = done
        whole = None if total is None else self._here.done - done + total
        self._progress.update(self._tasks[label], completed=self._here.done, total=whole)

    def ends(self, outcome: Outcome) -> None:
        """Replace the bar of a layer by a line."""
        label = outcome.job.label
        with self._lock:
            task = self._tasks.pop(label, None)
        if task is not None:
            self._progress.remove_task(task)
        self._console.print(f"  {_SIGNS[outcome.state]} {label}")

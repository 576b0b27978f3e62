"""The cache: bodies named by their content, shared by studies, threads and processes."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import json
import os
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from friches.errors import refuse

if TYPE_CHECKING:
    from collections.abc import Iterator

POLL = 0.05
"""Seconds between two looks at a lock that another process holds."""


class Kept(NamedTuple):
    """What is known of a whole answer.

    Parameters
    ----------
    sha256, size : str, int
        Its body.
    etag, modified : str
        Version marks of the service, as sent, or "".
    url : str
        Address that answered, secrets masked.
    retrieved_on : str
        Day of the download (ISO).
    checked_at : float
        When the service last said that it still holds (seconds since 1970).
    """

    sha256: str
    size: int
    etag: str
    modified: str
    url: str
    retrieved_on: str
    checked_at: float


class Begun(NamedTuple):
    """What was promised of an answer whose download began.

    Parameters
    ----------
    etag, modified : str
        Version marks: without one, a download cannot be resumed.
    total : int or None
        Bytes of the whole body.
    url : str
        Address that answered, secrets masked.
    resumable : bool
        The bytes kept are those that travel.
    """

    etag: str
    modified: str
    total: int | None
    url: str
    resumable: bool

    @property
    def mark(self) -> str:
        """Return the mark to resume by (If-Range takes no weak ETag), or ""."""
        if not self.resumable:
            return ""
        return self.etag if self.etag and not self.etag.startswith("W/") else self.modified


def default_cache() -> Path:
    """Return the folder of the cache: `FRICHES_CACHE`, or the system's place for caches."""
    if named := os.environ.get("FRICHES_CACHE"):
        return Path(named)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home())) / "friches" / "cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "friches"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "friches"


class Store:
    """Answers by question; each body once, whatever the number of questions it answers.

    A body is written aside and renamed once whole. What is known of it is written just before the
    rename: a process killed in between leaves a whole part, which the next one adopts.

    Parameters
    ----------
    folder : Path
        Made when absent.

    Raises
    ------
    InputError
        The folder cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen: dict[Path, tuple[int, int]] = {}
        self._guard = threading.Lock()
        try:
            for name in ("bodies", "answers", "parts", "locks"):
                (folder / name).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise refuse(
                "dossier de cache impossible à écrire", folder, "en choisir un autre (--cache)"
            ) from error

    @contextmanager
    def locked(self, key: str) -> Iterator[None]:
        """Keep other threads and processes from the same question, until the end of the block."""
        with (self._folder / "locks" / key).open("a+b") as file:
            while not _try_lock(file.fileno(), self._folder):
                time.sleep(POLL)
            try:
                yield
            finally:
                _unlock(file.fileno())

    def noted(self, key: str) -> Kept | None:
        """Return what is kept of a question if a body of its size is there, not verified."""
        try:
            kept = Kept(**json.loads(self._record(key).read_bytes()))
            return kept if self.body(kept).stat().st_size == kept.size else None
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def held(self, key: str) -> Kept | None:
        """Return what is kept of a question, its body verified; a damaged body is thrown away."""
        try:
            kept = Kept(**json.loads(self._record(key).read_bytes()))
        except (FileNotFoundError, ValueError, TypeError):
            return None
        body = self.body(kept)
        if not body.exists() and self._is(self.part(key), kept):
            self._place(key, kept)
        if self._is(body, kept):
            return kept
        with self._guard:
            self._seen.pop(body, None)
        body.unlink(missing_ok=True)
        self.forget(key)
        return None

    def forget(self, key: str) -> None:
        """Throw away what is kept of a question; its body may answer another one."""
        self._record(key).unlink(missing_ok=True)

    def body(self, kept: Kept) -> Path:
        """Return the path of a body."""
        return self._folder / "bodies" / kept.sha256[:2] / kept.sha256

    def part(self, key: str) -> Path:
        """Return the path where the answer to a question is downloaded."""
        return self._folder / "parts" / key

    def begun(self, key: str) -> Begun | None:
        """Return what was promised of a download left half-way."""
        try:
            begun = Begun(**json.loads(self._promise(key).read_bytes()))
        except (FileNotFoundError, ValueError, TypeError):
            return None
        return begun if self.part(key).exists() else None

    def begin(self, key: str, begun: Begun) -> None:
        """Note what is promised, before the first byte."""
        _write(self._promise(key), begun._asdict())

    def drop(self, key: str) -> None:
        """Throw away a download left half-way."""
        self.part(key).unlink(missing_ok=True)
        self._promise(key).unlink(missing_ok=True)

    def keep(self, key: str, begun: Begun, now: float) -> Kept:
        """Turn a whole part into an answer."""
        part = self.part(key)
        with part.open("rb+") as file:
            os.fsync(file.fileno())
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        day = dt.datetime.fromtimestamp(now).astimezone().date().isoformat()
        kept = Kept(digest, part.stat().st_size, begun.etag, begun.modified, begun.url, day, now)
        self._write_answer(key, kept)
        self._place(key, kept)
        return kept

    def confirm(self, key: str, kept: Kept, now: float) -> Kept:
        """Note that the service says that an answer still holds."""
        confirmed = kept._replace(checked_at=now)
        self._write_answer(key, confirmed)
        return confirmed

    def _write_answer(self, key: str, kept: Kept) -> None:
        _write(self._record(key), kept._asdict())

    def _place(self, key: str, kept: Kept) -> None:
        body = self.body(kept)
        body.parent.mkdir(exist_ok=True)
        if not self._is(body, kept):
            self.part(key).replace(body)
        self.drop(key)

    def _record(self, key: str) -> Path:
        return self._folder / "answers" / f"{key}.json"

    def _promise(self, key: str) -> Path:
        return self._folder / "parts" / f"{key}.json"

    def _is(self, path: Path, kept: Kept) -> bool:
        """Return whether a file is the body: hashed once, then while its size and time stand."""
        try:
            state = path.stat()
            mark = (state.st_size, state.st_mtime_ns)
            if state.st_size != kept.size:
                return False
            with self._guard:
                if self._seen.get(path) == mark:
                    return True
            with path.open("rb") as file:
                good = hashlib.file_digest(file, "sha256").hexdigest() == kept.sha256
        except FileNotFoundError:
            return False
        if good:
            with self._guard:
                self._seen[path] = mark
        return good


def _write(path: Path, content: dict[str, object]) -> None:
    aside = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}")
    try:
        aside.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


if sys.platform == "win32":
    import msvcrt

    def _try_lock(handle: int, folder: Path) -> bool:  # noqa: ARG001 -- as below
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _unlock(handle: int) -> None:
        with contextlib.suppress(OSError):
            os.lseek(handle, 0, os.SEEK_SET)
            msvcrt.locking(handle, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _try_lock(handle: int, folder: Path) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            raise refuse(
                "le dossier de cache n'admet pas de verrou (disque réseau ?)",
                folder,
                "choisir un dossier sur un disque local (--cache)",
            ) from error
        return True

    def _unlock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_UN)

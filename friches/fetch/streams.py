"""The bytes behind an archive: its volumes joined, its compression undone within bounds."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
from typing import IO, TYPE_CHECKING

from friches.errors import refuse
from friches.fetch.members import too_large

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from _typeshed import WriteableBuffer

MOST_MEMORY = 2**29
"""512 MiB: dictionaries larger than this are refused (xz -9 and 7z's ultra level use 64 MiB)."""
_FIRST_VOLUME = re.compile(r"(.+)\.(0*1)")


def volumes(path: Path) -> list[Path]:
    """Return the volumes of an archive: itself, or all that follow ``name.7z.001``.

    Raises
    ------
    InputError
        Not the first volume, or absent.
    """
    if not path.is_file():
        raise refuse("archive introuvable", path, "vérifier le chemin")
    first = _FIRST_VOLUME.fullmatch(path.name)
    if first is None:
        if re.search(r"\.\d{3}$", path.name):
            raise refuse("ce n'est pas le premier volume", path, "donner le volume « .001 »")
        return [path]
    found = [path]
    while (following := _volume(path, first, len(found) + 1)).is_file():
        found.append(following)
    return found


def _volume(path: Path, first: re.Match[str], number: int) -> Path:
    return path.with_name(f"{first[1]}.{number:0{len(first[2])}d}")


class Joined(io.RawIOBase):
    """Volumes read as one file.

    Parameters
    ----------
    paths : sequence of Path
        In order.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self._files = [path.open("rb") for path in paths]
        self._sizes = [path.stat().st_size for path in paths]
        self._at = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Move, and return the new place."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: sum(self._sizes)}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Fill a buffer, and return how many bytes were put in it."""
        start = self._at
        view = memoryview(buffer).cast("B")
        for file, size in zip(self._files, self._sizes, strict=True):
            if start < size:
                file.seek(start)
                got = file.readinto(view[: size - start])
                self._at += got
                return got
            start -= size
        return 0

    def close(self) -> None:
        """Close every volume."""
        for file in self._files:
            file.close()
        super().close()


class _Xz(io.RawIOBase):
    """What an .xz holds; unlike `lzma.LZMAFile`, bounded in memory."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._inflate = lzma.LZMADecompressor(memlimit=MOST_MEMORY)

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Fill a buffer, and return how many bytes were put in it."""
        view = memoryview(buffer).cast("B")
        while True:
            if self._inflate.eof:
                rest = (self._inflate.unused_data or self._file.read(2**16)).lstrip(b"\0")
                if not rest:
                    return 0
                self._inflate = lzma.LZMADecompressor(memlimit=MOST_MEMORY)
            elif self._inflate.needs_input:
                rest = self._file.read(2**16)
                if not rest:
                    raise EOFError("truncated .xz")
            else:
                rest = b""
            got = self._inflate.decompress(rest, len(view))
            if got:
                view[: len(got)] = got
                return len(got)


class Bounded(io.RawIOBase):
    """A stream that refuses to give more than so many bytes.

    Parameters
    ----------
    source : binary file
        The unpacking stream.
    most : float
        Bytes.
    where : Path
        The archive, for messages.
    """

    def __init__(self, source: io.RawIOBase | IO[bytes], most: float, where: Path) -> None:
        self._source = source
        self._left = most
        self._where = where

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Fill a buffer, and return how many bytes were put in it."""
        view = memoryview(buffer).cast("B")
        got = self._source.read(len(view)) or b""
        self._left -= len(got)
        if self._left < 0:
            raise too_large(self._where)
        view[: len(got)] = got
        return len(got)


def expanded(file: IO[bytes], kind: str, most: float, where: Path) -> io.BufferedReader:
    """Return the bytes behind a ``gzip``, ``bzip2`` or ``xz`` compression, at most so many."""
    file.seek(0)
    source: io.RawIOBase | IO[bytes] = file
    if kind == "gzip":
        source = gzip.GzipFile(fileobj=file, mode="rb")  # type: ignore[assignment]
    elif kind == "bzip2":
        source = bz2.BZ2File(file, "rb")
    elif kind == "xz":
        source = _Xz(file)
    return io.BufferedReader(Bounded(source, most, where), 2**20)

"""Members of a tar, compressed or not, and single compressed files."""

from __future__ import annotations

import re
import tarfile
from typing import IO, TYPE_CHECKING, Self

from friches.errors import refuse
from friches.fetch.members import Member, check_disk, choose, write
from friches.fetch.streams import expanded

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from friches.fetch.members import Task

LONG_NAME_BYTES = 2**20
"""What a header may say of a member beyond its fixed fields; tarfile reads it whole."""
_EXTENSIONS = {
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
}


class _Header(tarfile.TarInfo):
    """A header whose extensions are bounded."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        header = super().frombuf(buf, encoding, errors)
        if header.type in _EXTENSIONS and header.size > LONG_NAME_BYTES:
            raise tarfile.ReadError("oversized header")
        return header


def unpack_stream(file: IO[bytes], kind: str, aside: Path, task: Task) -> list[str]:
    """Unpack the wanted members of a ``gzip``, ``bzip2``, ``xz`` or ``tar``; return their names."""
    with expanded(file, kind, task.work, task.where) as stream:
        is_tar = _is_tar(stream.peek(tarfile.BLOCKSIZE)[: tarfile.BLOCKSIZE])
    if is_tar:
        return _unpack_tar(file, kind, aside, task)
    if kind == "tar":
        raise refuse("format d'archive non reconnu", task.where, "donner un zip, un 7z ou un tar")
    name = re.sub(r"(?i)\.(gz|bz2|xz)$", "", task.where.name)
    choose([Member(name, 0, "file")], task)
    check_disk(aside, task.packed, task.where)
    with expanded(file, kind, task.work, task.where) as stream:
        write(stream, aside / name, task.room, task.where)
    return [name]


def _unpack_tar(file: IO[bytes], kind: str, aside: Path, task: Task) -> list[str]:
    with expanded(file, kind, task.work, task.where) as stream:
        chosen = choose((_member(header) for _, header in _headers(stream)), task)
    check_disk(aside, sum(member.size for member in chosen), task.where)
    left = {member.name for member in chosen}
    room = task.room
    with expanded(file, kind, task.work, task.where) as stream:
        for archive, header in _headers(stream):
            source = archive.extractfile(header) if header.name in left else None
            if source is not None:
                room -= write(source, aside / header.name, room, task.where)
                left.remove(header.name)
            if not left:
                break
    return [member.name for member in chosen]


def _headers(stream: IO[bytes]) -> Iterator[tuple[tarfile.TarFile, tarfile.TarInfo]]:
    with tarfile.open(fileobj=stream, mode="r|", tarinfo=_Header) as archive:
        for header in archive:
            yield archive, header


def _member(header: tarfile.TarInfo) -> Member:
    if header.isdir():
        return Member(header.name, 0, "folder")
    return Member(header.name, header.size, "file" if header.isreg() else "other")


def _is_tar(head: bytes) -> bool:
    try:
        tarfile.TarInfo.frombuf(head, "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    return True

"""Members of a zip."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
from typing import IO, TYPE_CHECKING

from friches.fetch.members import Member, check_disk, choose, write

if TYPE_CHECKING:
    from pathlib import Path

    from friches.fetch.members import Kind, Task

LISTING_BYTES = 1024
"""Bytes an entry of the list of members may take; 46 and its name are usual."""
_END = struct.Struct("<4s4H2LH")
_LOCATOR = struct.Struct("<4sLQL")


def unpack_zip(file: IO[bytes], aside: Path, task: Task) -> list[str]:
    """Unpack the wanted members below a folder; return their names."""
    if _listing_bytes(file, task.packed) > task.most_members * LISTING_BYTES:
        raise task.refusal(f"plus de {task.most_members} fichiers dans l'archive")
    with zipfile.ZipFile(file) as archive:
        infos = {_name(info): info for info in archive.infolist()}
        if len(infos) < len(archive.infolist()):
            raise task.refusal("plusieurs fichiers de même nom dans l'archive")
        members = (Member(name, info.file_size, _kind(info)) for name, info in infos.items())
        chosen = choose(members, task)
        check_disk(aside, sum(member.size for member in chosen), task.where)
        room = task.room
        for member in chosen:
            with archive.open(infos[member.name]) as source:
                room -= write(source, aside / member.name, room, task.where)
    return [member.name for member in chosen]


def _name(info: zipfile.ZipInfo) -> str:
    """Return a member's name; some Windows programs separate folders by backslashes."""
    return info.filename.replace("\\", "/")


def _kind(info: zipfile.ZipInfo) -> Kind:
    if info.is_dir():
        return "folder"
    form = stat.S_IFMT(info.external_attr >> 16)
    return "file" if form in {0, stat.S_IFREG} else "other"


def _listing_bytes(file: IO[bytes], packed: int) -> int:
    """Return the size of the list of members, read before it is: it would fill the memory."""
    start = max(0, packed - 2**16 - _END.size - _LOCATOR.size)
    file.seek(start)
    tail = file.read()
    at = tail.rfind(b"PK\5\6")
    if at < 0 or len(tail) < at + _END.size:
        raise zipfile.BadZipFile("no end of central directory")
    size = int(_END.unpack_from(tail, at)[5])
    if size < 2**32 - 1 or at < _LOCATOR.size:
        return size
    magic, _, where, _ = _LOCATOR.unpack_from(tail, at - _LOCATOR.size)
    if magic != b"PK\6\7":
        return size
    file.seek(where + 40, io.SEEK_SET)
    return int.from_bytes(file.read(8), "little")

"""Members of a 7z."""

from __future__ import annotations

import struct
from typing import IO, TYPE_CHECKING, Any

from friches.errors import InputError, refuse
from friches.fetch.members import Member, check_disk, choose, too_large
from friches.fetch.streams import MOST_MEMORY

if TYPE_CHECKING:
    from pathlib import Path

    from friches.fetch.members import Task

LISTING_BYTES = 1024
"""Bytes an entry of the (often compressed) list of members may take."""
_LZMA, _LZMA2, _PPMD = b"\x03\x01\x01", b"\x21", b"\x03\x04\x01"


def unpack_7z(file: IO[bytes], aside: Path, task: Task) -> list[str]:
    """Unpack the wanted members below a folder; return their names."""
    try:
        import py7zr
    except ImportError as error:
        raise refuse(
            f"décompresser un 7z demande le module « {error.name} »",
            task.where,
            'installer « pip install "friches[fetch]" »',
        ) from error
    file.seek(20)
    listing = int.from_bytes(file.read(8), "little")
    if listing > task.most_members * LISTING_BYTES:
        raise task.refusal(f"plus de {task.most_members} fichiers dans l'archive")
    file.seek(0)
    try:
        with py7zr.SevenZipFile(file) as archive:
            chosen = choose((_member(entry) for entry in archive.files), task)
            _check_work(archive, task)
            check_disk(aside, sum(member.size for member in chosen), task.where)
            archive.extract(path=aside, targets=[member.name for member in chosen])
    except (InputError, OSError):
        raise
    except Exception as error:  # a forged list makes py7zr fail in any way
        raise ValueError(f"{type(error).__name__}: {error}") from error
    return [member.name for member in chosen]


def _member(entry: Any) -> Member:
    if entry.is_directory:
        return Member(entry.filename, 0, "folder")
    plain = entry.is_file and not (entry.is_symlink or entry.is_junction or entry.is_socket)
    return Member(entry.filename, int(entry.uncompressed or 0), "file" if plain else "other")


def _check_work(archive: Any, task: Task) -> None:
    """Refuse a password, too much to decompress, or dictionaries too large for the memory."""
    if archive.needs_password():
        raise refuse("archive chiffrée", task.where, "la déchiffrer d'abord")
    # A solid archive is decompressed up to the last wanted member, the others included.
    if sum(_member(entry).size for entry in archive.files) > task.work:
        raise too_large(task.where)
    streams = archive.header.main_streams
    for folder in streams.unpackinfo.folders if streams is not None else []:
        for coder in folder.coders:
            if _dictionary(coder["method"], coder.get("properties") or b"") > MOST_MEMORY:
                raise task.refusal("archive qui demande trop de mémoire")


def _dictionary(method: bytes, properties: bytes) -> int:
    if method == _LZMA2 and properties:
        return (2 | properties[0] & 1) << (properties[0] // 2 + 11)
    if method in {_LZMA, _PPMD} and len(properties) >= 5:
        return int(struct.unpack_from("<L", properties, 1)[0])
    return 0

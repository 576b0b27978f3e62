"""Unpack archives: wanted members only, within limits, nothing left half-written."""

from __future__ import annotations

import io
import lzma
import shutil
import struct
import tarfile
import tempfile
import zipfile
import zlib
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from friches.errors import InputError, refuse
from friches.fetch.members import Task
from friches.fetch.sevenzip import unpack_7z
from friches.fetch.streams import Joined, volumes
from friches.fetch.tars import unpack_stream
from friches.fetch.zips import unpack_zip
from friches.sources.container import MAX_MEMBERS, MAX_RATIO, MAX_UNPACKED_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_MAGIC = (
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"\x1f\x8b\x08", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\0", "xz"),
)
_DAMAGED = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    LookupError,
    MemoryError,
    struct.error,
)
"""What the unpacking libraries raise on truncated, damaged, encrypted or forged archives."""


def unpack(  # noqa: PLR0913 -- three limits, each by name
    path: Path,
    into: Path,
    wanted: Sequence[str],
    *,
    most_bytes: int = MAX_UNPACKED_BYTES,
    most_ratio: float = MAX_RATIO,
    most_members: int = MAX_MEMBERS,
) -> list[Path]:
    """Unpack the wanted members of an archive.

    Parameters
    ----------
    path : Path
        zip, 7z, tar (.gz, .bz2, .xz) or a single file in .gz, .bz2, .xz, told by its bytes. Of
        several volumes, the first one, named ``*.001``, the others beside it. The one member of a
        single compressed file is named as the archive without its last extension.
    into : Path
        Folder, made when absent. Members keep their folders below it.
    wanted : sequence of str
        Glob patterns on member names (whole, or last part), case ignored: ``*.gpkg``.
    most_bytes : int
        Bytes written.
    most_ratio : float
        Bytes decompressed, wanted or not, over bytes of the archive, once past 64 MiB.
    most_members : int
        Entries of the archive.

    Returns
    -------
    list of Path
        Files written, ordered by name.

    Raises
    ------
    InputError
        Unsafe, oversized, damaged or encrypted archive, nothing wanted in it, disk too full.
    """
    into.mkdir(parents=True, exist_ok=True)
    with _opened(path) as file:
        packed = file.seek(0, io.SEEK_END)
        task = Task(path, packed, wanted, most_bytes, most_ratio, most_members)
        file.seek(0)
        head = file.read(8)
        kind = next((name for magic, name in _MAGIC if head.startswith(magic)), "tar")
        aside = Path(tempfile.mkdtemp(prefix=".unpacking-", dir=into))
        try:
            if kind == "zip":
                names = unpack_zip(file, aside, task)
            elif kind == "7z":
                names = unpack_7z(file, aside, task)
            else:
                names = unpack_stream(file, kind, aside, task)
            return sorted(_moved(aside / name, into / name) for name in names)
        except InputError:
            raise
        except _DAMAGED as error:
            raise _damaged(error, path) from error
        finally:
            shutil.rmtree(aside, ignore_errors=True)


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    with io.BufferedReader(Joined(volumes(path)), 2**20) as file:
        yield file


def _moved(source: Path, target: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    source.chmod(0o644)
    return source.replace(target)


def _damaged(error: BaseException, path: Path) -> InputError:
    if "encrypted" in str(error) or "assword" in str(error):
        return refuse("archive chiffrée", path, "la déchiffrer d'abord")
    if isinstance(error, OSError) and error.errno is not None:
        return refuse(f"décompression impossible : {error.strerror}", path, "vérifier le disque")
    return refuse("archive abîmée ou tronquée", path, "la télécharger de nouveau")

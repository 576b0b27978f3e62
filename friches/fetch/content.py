"""Is it what was asked for? Told from the bytes, never from the name or the declared type."""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from typing import TYPE_CHECKING

from friches.fetch.failure import Passing
from friches.fetch.gunzip import gunzip
from friches.sources.container import FREE_BYTES, MAX_RATIO

if TYPE_CHECKING:
    from pathlib import Path

HEAD = 4096
_MAGIC = {
    "gzip": (b"\x1f\x8b\x08",),
    "zip": (b"PK\x03\x04", b"PK\x05\x06"),
    "7z": (b"7z\xbc\xaf\x27\x1c",),
    "tiff": (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
}
_WEB_PAGE = re.compile(
    rb"\A(<\?xml[^>]*>)?\s*(<!--.*?-->\s*)*<(!doctype\s+html|html|head|body)\b",
    re.IGNORECASE | re.DOTALL,
)
_STRING = re.compile(rb'(?<!\\)"(?:[^"\\]|\\.)*+"', re.DOTALL)
_REPORT = re.compile(rb"<(?:\w+:)?(?:ExceptionText|ServiceException)[^>]*>([^<]{1,300})")


def check_content(path: Path, accepts: str, name: str) -> None:
    """Check that a whole body is of the kind asked for, and is not cut short.

    Parameters
    ----------
    path : Path
        The body.
    accepts : str
        See `Request.accepts`.
    name : str
        End of the address: a first volume (``.001``) is shorter than its archive says.

    Raises
    ------
    Passing
        A web page, another kind, a truncated or damaged body: the service may do better next time.
    """
    with path.open("rb") as file:
        head = file.read(HEAD)
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not text:
        raise Passing("réponse vide")
    if _WEB_PAGE.match(text):
        raise Passing("page web au lieu des données")
    if accepts in _MAGIC and not head.startswith(_MAGIC[accepts]):
        raise Passing(f"la réponse n'est pas un fichier {accepts}{_said(head)}")
    if accepts == "csv" and (b"\0" in head or text.startswith((b"<", b"{"))):
        raise Passing(f"la réponse n'est pas un fichier CSV{_said(head)}")
    if accepts in {"json", "xml"}:
        (_check_json if accepts == "json" else _check_xml)(path, text)
    elif accepts == "gzip":
        _check_gzip(path)
    elif accepts == "7z":
        _check_7z(path, head, name)
    # The list of members of a zip stands at its end: it is there only when the file is whole.
    elif accepts == "zip" and not zipfile.is_zipfile(path):
        raise Passing("archive zip tronquée")


def _said(head: bytes) -> str:
    """Return what a service's error report says, if it is one."""
    found = _REPORT.search(head)
    return f" : « {found[1].decode('utf-8', 'replace').strip()[:200]} »" if found else ""


def _check_json(path: Path, text: bytes) -> None:
    """Check that JSON is whole, its brackets closed at its end; by pieces, whatever its size."""
    if not text.startswith((b"{", b"[")):
        raise Passing(f"la réponse n'est pas du JSON{_said(text)}")
    depth, left, last = 0, b"", b""
    with path.open("rb") as file:
        while piece := file.read(2**20):
            bare = _STRING.sub(b"", left + piece)
            bare, quote, rest = bare.partition(b'"')
            left = quote + rest
            last = bare.rstrip()[-1:] or last
            depth += sum(map(bare.count, (b"{", b"["))) - sum(map(bare.count, (b"}", b"]")))
    if depth or left or last not in {b"}", b"]"}:
        raise Passing("réponse JSON tronquée ou abîmée")


def _check_gzip(path: Path) -> None:
    most = max(FREE_BYTES, MAX_RATIO * path.stat().st_size)
    with path.open("rb") as file:
        try:
            for piece in gunzip(iter(lambda: file.read(2**20), b"")):
                most -= len(piece)
                if most < 0:
                    raise Passing("fichier gzip démesuré une fois décompressé")
        except zlib.error as error:
            raise Passing("fichier gzip abîmé") from error
        except EOFError as error:
            raise Passing("fichier gzip tronqué") from error


def _check_7z(path: Path, head: bytes, name: str) -> None:
    if len(head) < 32:
        raise Passing("archive 7z tronquée")
    checksum, after, size, _ = struct.unpack("<LQQL", head[8:32])
    if zlib.crc32(head[12:32]) != checksum:
        raise Passing("archive 7z abîmée")
    if not re.search(r"\.0\d\d$", name) and path.stat().st_size < 32 + after + size:
        raise Passing("archive 7z tronquée")


def _check_xml(path: Path, text: bytes) -> None:
    root = re.search(rb"<([A-Za-z_][\w.:-]*)", text)
    if root is None or not text.startswith(b"<"):
        raise Passing("la réponse n'est pas du XML")
    tail = _tail(path)
    if not tail.endswith(b">") or (b"</" + root[1] not in tail and not tail.endswith(b"/>")):
        raise Passing("réponse XML tronquée")


def _tail(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - HEAD))
        return file.read().rstrip(b"\0 \t\r\n")

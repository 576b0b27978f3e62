"""The file behind a layer: what it is, told from its first bytes, and its safe unpacking."""

from __future__ import annotations

import contextlib
import gzip
import re
import sqlite3
import stat
import tempfile
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote

from friches.errors import refuse

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_UNPACKED_BYTES = 8 * 1024**3
"""8 GiB: the largest file a study may need, the RPG of the whole country, is 6.2 GB (ref. R11,
VERIFIED-3P); beyond it is a mistake or a bomb. ASSUMPTION on the margin."""
MAX_RATIO = 200
"""Unpacked over packed bytes. GeoJSON and DBF shrink 5 to 30 times; gzip cannot pass 1032
(RFC 1951), which only constant bytes reach. ASSUMPTION on the bound."""
FREE_BYTES = 64 * 1024**2
"""The ratio is not looked at below 64 MiB: it is harmless, and small files may shrink well.
ASSUMPTION."""
MAX_MEMBERS = 5000
"""Members of one archive; a PLU archive has some 400 with its PDF pieces. ASSUMPTION."""
HEAD_BYTES = 65536
"""How far disguises are looked for: GDAL itself decides on the first 1 to 16 KiB of a file."""

NAMES = {
    "gpkg": "GeoPackage",
    "json": "GeoJSON",
    "gz": "archive gzip",
    "zip": "archive zip",
    "shp": "shapefile",
    "parquet": "GeoParquet",
    "text": "texte (CSV)",
}
_REMOTE = re.compile(r"^(/vsi|[A-Za-z][A-Za-z0-9+.-]+:(?!\\))")
_VIRTUAL = re.compile(rb"<\s*(OGRVRT|VRT|GDALTileIndex|GDAL_WMS|OGRWFS)", re.IGNORECASE)
_MAGIC = (
    (b"SQLite format 3\0", "gpkg"),
    (b"\x1f\x8b", "gz"),
    (b"PK\x03\x04", "zip"),
    (b"\x00\x00\x27\x0a", "shp"),
    (b"PAR1", "parquet"),
)
_TODO_FORMAT = (
    "donner un GeoPackage, un GeoJSON (.gz accepté), un shapefile (.zip accepté) ou un GeoParquet"
)
_SIDE_FILES = {".shp", ".shx", ".dbf", ".prj", ".cpg"}
_LAYER_FILES = {".shp", ".gpkg", ".json", ".geojson", ".parquet", ".csv", ".txt"}


def recognise(path: Path) -> str:
    """Return what a file is from its content: a key of `NAMES`, whatever its extension.

    Raises
    ------
    InputError
        Absent, empty, remote or virtual file, or a format that no reader takes.
    """
    if _REMOTE.match(str(path)):
        raise refuse("ce n'est pas un fichier local", path, "télécharger le fichier d'abord")
    if path.is_dir():
        raise refuse("dossier donné au lieu d'un fichier", path, "donner le fichier lui-même")
    if not path.is_file():
        raise refuse("fichier introuvable", path, "vérifier le chemin dans le fichier d'étude")
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if not head:
        raise refuse("fichier vide", path, "le télécharger de nouveau")
    if _VIRTUAL.search(head):
        raise refuse(
            "source virtuelle (VRT) : elle ferait lire d'autres fichiers, elle est refusée",
            path,
            "donner les données elles-mêmes, pas un fichier qui y renvoie",
        )
    return _format(head, path)


def _format(head: bytes, path: Path) -> str:
    for magic, name in _MAGIC:
        if head.startswith(magic):
            return name
    if head.startswith(b"7z\xbc\xaf\x27\x1c"):
        raise refuse("archive 7z", path, "la décompresser et donner la couche qu'elle contient")
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith(b"{"):
        return "json"
    if b"\0" in head or text.startswith((b"<", b"[")):
        raise refuse("format non reconnu", path, _TODO_FORMAT)
    return "text"


@contextlib.contextmanager
def unpacked(path: Path) -> Iterator[tuple[Path, str]]:
    """Give the path of the plain file and its format; archives are opened in a temporary folder.

    Parameters
    ----------
    path : Path
        A file in one of the formats of `NAMES`.

    Yields
    ------
    (Path, str)
        A file that is no archive, checked, and its format. Gone when the block ends.

    Raises
    ------
    InputError
        See `recognise`; truncated, damaged, oversized or unsafe archives; an archive in an archive.
    """
    form = recognise(path)
    if form not in ("gz", "zip"):
        _check_plain(path, form, path)
        yield path, form
        return
    with tempfile.TemporaryDirectory(prefix="friches-") as folder:
        inside = (_ungzip if form == "gz" else _unzip)(path, Path(folder))
        inner = recognise(inside)
        if inner in ("gz", "zip"):
            raise refuse("archive dans une archive", path, "décompresser le fichier d'abord")
        _check_plain(inside, inner, path)
        yield inside, inner


def _check_plain(path: Path, form: str, where: Path) -> None:
    if form == "json":
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 4096))
            if not file.read().rstrip(b"\0 \t\r\n").endswith(b"}"):
                raise refuse("fichier JSON tronqué", where, "le télécharger de nouveau")
    if form == "shp":
        absent = [s for s in (".dbf", ".shx") if beside(path, s) is None]
        if absent:
            raise refuse(
                f"shapefile incomplet : {', '.join(absent)} absent(s)",
                where,
                "donner ensemble .shp, .shx, .dbf et .prj",
            )
    if form == "gpkg":
        _check_geopackage(path, where)


def beside(path: Path, suffix: str) -> Path | None:
    """Return the file of the same stem with another suffix (any case), or None."""
    for candidate in (path.with_suffix(suffix), path.with_suffix(suffix.upper())):
        if candidate.is_file():
            return candidate
    return None


def _check_geopackage(path: Path, where: Path) -> None:
    # Views and virtual tables run what the file's author wrote: only plain tables are read.
    address = f"file:{quote(str(path.resolve()))}?mode=ro&immutable=1"
    try:
        with contextlib.closing(sqlite3.connect(address, uri=True)) as base:
            rows = base.execute("SELECT type, name, lower(coalesce(sql, '')) FROM sqlite_master")
            objects = rows.fetchall()
            names = {name for _, name, _ in objects}
            layers = set()
            if "gpkg_contents" in names:
                layers = {row[0] for row in base.execute("SELECT table_name FROM gpkg_contents")}
    except sqlite3.DatabaseError as error:
        raise refuse("GeoPackage abîmé", where, "le télécharger de nouveau") from error
    if "gpkg_contents" not in names:
        raise refuse("base SQLite qui n'est pas un GeoPackage", where, _TODO_FORMAT)
    for kind, name, sql in objects:
        virtual = re.match(r"create\s+virtual\s+table", sql) and not re.search(
            r"\busing\s+\W?rtree", sql
        )
        if virtual or (kind == "view" and name in layers):
            raise refuse(
                f"GeoPackage avec une vue ou table virtuelle « {name} »",
                where,
                "exporter la couche comme table simple",
            )


class Readable(Protocol):
    """Anything that gives bytes."""

    def read(self, size: int = -1, /) -> bytes:
        """Return up to `size` bytes."""


def copied(source: Readable, target: Path, packed: int, room: int, where: Path) -> int:
    """Copy a stream to a file, refusing when it grows out of proportion; return its bytes.

    Parameters
    ----------
    source : Readable
        The unpacking stream.
    target : Path
        The file to write.
    packed, room : int
        Bytes of the archive (for the ratio), and bytes still allowed.
    where : Path
        The archive to name in messages.

    Raises
    ------
    InputError
        Over `room`, or over `MAX_RATIO` once past `FREE_BYTES`.
    """
    done = 0
    with target.open("wb") as out:
        while piece := source.read(1024**2):
            done += len(piece)
            if done > room or (done > FREE_BYTES and done > MAX_RATIO * max(packed, 1)):
                raise refuse(
                    "archive démesurée une fois décompressée (bombe de décompression ?)",
                    where,
                    "vérifier son origine, ou la décompresser soi-même",
                )
            out.write(piece)
    return done


def _ungzip(path: Path, folder: Path) -> Path:
    target = folder / path.name.removesuffix(".gz")
    try:
        with gzip.open(path, "rb") as source:
            copied(source, target, path.stat().st_size, MAX_UNPACKED_BYTES, path)
    except EOFError as error:
        raise refuse("fichier gzip tronqué", path, "le télécharger de nouveau") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise refuse("fichier gzip abîmé", path, "le télécharger de nouveau") from error
    return target


def _unzip(path: Path, folder: Path) -> Path:
    room = MAX_UNPACKED_BYTES
    try:
        with zipfile.ZipFile(path) as archive:
            for member in _members(archive, path):
                # Only the name itself is kept: nothing can be written outside the folder.
                target = folder / Path(member.filename).name
                if target.exists():
                    raise refuse(f"« {target.name} » deux fois dans l'archive", path, _TODO_FORMAT)
                with archive.open(member) as source:
                    room -= copied(source, target, member.compress_size, room, path)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError) as error:
        if isinstance(error, RuntimeError) and "encrypted" in str(error):
            raise refuse("archive zip chiffrée", path, "la déchiffrer d'abord") from error
        raise refuse("archive zip abîmée", path, "la télécharger de nouveau") from error
    layers = sorted(p for p in folder.iterdir() if p.suffix.lower() in _LAYER_FILES)
    layers = [p for p in layers if p.suffix.lower() != ".txt"] or layers
    if len(layers) != 1:
        listed = ", ".join(p.name for p in layers) or "aucune"
        raise refuse(
            f"une seule couche attendue dans l'archive (trouvé : {listed})",
            path,
            "décompresser et donner la bonne couche",
        )
    return layers[0]


def _members(archive: zipfile.ZipFile, where: Path) -> list[zipfile.ZipInfo]:
    members = archive.infolist()
    if len(members) > MAX_MEMBERS:
        raise refuse(f"{len(members)} fichiers dans l'archive", where, "n'y laisser que la couche")
    for member in members:
        parts = re.split(r"[/\\]", member.filename)
        link = stat.S_ISLNK(member.external_attr >> 16)
        if link or ".." in parts or member.filename.startswith(("/", "\\")) or ":" in parts[0]:
            raise refuse(
                f"chemin dangereux dans l'archive : « {member.filename} »",
                where,
                "vérifier son origine",
            )
    kept = _SIDE_FILES | _LAYER_FILES
    return [m for m in members if not m.is_dir() and Path(m.filename).suffix.lower() in kept]

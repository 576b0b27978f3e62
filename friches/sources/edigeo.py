"""PCI EDIGEO sheets of the cadastre (.tar.bz2 or .THF), unpacked safely and read with GDAL."""

from __future__ import annotations

import contextlib
import re
import tarfile
import tempfile
import warnings
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd
import pyogrio
from pyogrio.errors import DataLayerError, DataSourceError, FeatureError

from friches.errors import Breach, InputError, refuse
from friches.sources.columns import numbers, pick
from friches.sources.container import copied
from friches.sources.vector import settled

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MAX_SHEET_BYTES = 2 * 1024**3
"""Unpacked bytes of one archive. A sheet has 0.2 to 2 MB (Luxiol, measured); archives of a whole
département stay under 1 GB. ASSUMPTION on the margin."""
MEMBERS = {".thf", ".vec", ".dic", ".gen", ".geo", ".qal", ".scd"}
"""The files of an EDIGEO exchange (NF Z 52000; the ten files of each Luxiol sheet)."""
PARCELS, BUILDINGS = "PARCELLE_id", "BATIMENT_id"
_AGAIN = "télécharger la feuille de nouveau"
_POINTERS = re.compile(r"^(?:LON|GNN|GON|QAN|DIN|SCN|GDN)SA\d\d:(.*)$", re.MULTILINE)


def is_edigeo(path: Path) -> bool:
    """Say whether a file is an EDIGEO header (.THF) or a tar archive, by its first bytes."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        head = file.read(512)
    if head.startswith(b"\x1f\x8b"):
        return path.name.lower().endswith((".tar.gz", ".tgz"))
    return head.startswith((b"BZh", b"BOMT")) or head[257:262] == b"ustar"


def read_edigeo_parcels(paths: Sequence[Path], crs: str, communes: Sequence[str]) -> Any:
    """Read the parcels of one or several sheets.

    Parameters
    ----------
    paths : sequence of Path
        `.tar.bz2` archives or `.THF` files.
    crs : str
        CRS of the answer.
    communes : sequence of str
        INSEE codes of the study: an EDIGEO identifier (12 characters) has no département.

    Returns
    -------
    GeoDataFrame
        parcel_id (14 characters), area_registered_m2 (SUPF, m²), file, geometry; shapes as they
        are in the sheet.

    Raises
    ------
    InputError
        Damaged or unsafe archives, sheets without parcels, unknown projection.
    """
    frames = []
    for path in paths:
        frame = _read_layer(path, PARCELS, crs)
        if frame is None:
            raise refuse("aucune parcelle dans la feuille", path, "donner une feuille complète")
        frame = pick(frame, {"idu": ["idu"], "supf": ["supf"]}, path)
        supf = numbers(frame["supf"], path, "SUPF")
        frame["parcel_id"] = _insee(frame["idu"], path, communes)
        # PCI writes 0 where the registered area is not known: no parcel has an area of nought.
        frame["area_registered_m2"] = supf.where(supf != 0)
        frame["file"] = str(path)
        frames.append(frame[["parcel_id", "area_registered_m2", "file", "geometry"]])
    return _joined(frames)


def read_edigeo_buildings(paths: Sequence[Path], crs: str) -> Any:
    """Read the buildings of one or several sheets.

    Returns
    -------
    GeoDataFrame
        dur (« 01 » solid, « 02 » light; RECALLED), file, geometry in `crs`. A sheet
        without buildings adds no row; no row at all gives an empty frame.

    Raises
    ------
    InputError
        As `read_edigeo_parcels`.
    """
    frames = []
    for path in paths:
        frame = _read_layer(path, BUILDINGS, crs)
        if frame is None:
            continue
        frame = pick(frame, {}, path, optional={"dur": ["dur"]})
        frame["file"] = str(path)
        frames.append(frame[["dur", "file", "geometry"]])
    if not frames:
        return gpd.GeoDataFrame(
            {"dur": pd.Series(dtype="str"), "file": pd.Series(dtype="str")}, geometry=[], crs=crs
        )
    return _joined(frames)


def _joined(frames: list[Any]) -> Any:
    repaired = sum(frame.attrs.get("repaired", 0) for frame in frames)
    for frame in frames:
        frame.attrs = {}
    whole = gpd.GeoDataFrame(pd.concat(frames, ignore_index=True), crs=frames[0].crs)
    whole.attrs["repaired"] = repaired
    return whole


def _insee(idu: pd.Series[Any], path: Path, communes: Sequence[str]) -> pd.Series[Any]:
    """Return the 14-character identifiers: the département is told by the file name or the study.

    The commune's three last digits are the identifier's three first. The name that the DGFiP
    gives to a sheet (edigeo-25354000AB01) holds the whole INSEE code; a renamed sheet belongs to
    the commune of the study with these digits, if there is one only.
    """
    named = re.search(r"(?<![0-9A-Z])(\d[\dAB]\d{3})\d{3}[0-9A-Z]{2}\d\d", path.name.upper())
    sheet = named[1] if named else ""
    known: dict[str, set[str]] = {}
    for code in communes:
        known.setdefault(code[2:], set()).add(code)
    text = idu.fillna("").astype("str")
    table = {}
    for short in sorted(set(text.str[:3])):
        fit = known.get(short, set())
        if sheet[2:] == short:
            table[short] = sheet
        elif len(fit) == 1:
            table[short] = next(iter(fit))
        elif len(fit) > 1:
            raise refuse(
                f"commune « {short} » ambiguë entre {', '.join(sorted(fit))}",
                path,
                "garder le nom d'origine de la feuille (edigeo-25354000AB01.tar.bz2)",
            )
        else:
            table[short] = communes[0][:2] + short
    return text.str[:3].map(table).astype("str") + text.str[3:]


def _read_layer(path: Path, layer: str, crs: str) -> Any:
    frames = []
    with _sheets(path) as headers:
        for header in headers:
            with warnings.catch_warnings():
                # GDAL remarks on sheets' drawing details; shapes are checked by the caller.
                warnings.simplefilter("ignore", RuntimeWarning)
                try:
                    listed = {str(name) for name, _ in pyogrio.list_layers(header)}
                    if layer not in listed:
                        continue
                    info = pyogrio.read_info(header, layer=layer)
                    if info["driver"] != "EDIGEO":
                        raise refuse("ce n'est pas une feuille EDIGEO", path, _AGAIN)
                    frame = pyogrio.read_dataframe(header, layer=layer, force_2d=True)
                except (DataSourceError, DataLayerError, FeatureError, UnicodeDecodeError) as error:
                    raise refuse("feuille EDIGEO illisible", path, _AGAIN) from error
            frames.append(settled(frame, crs, str(path), as_is=layer == PARCELS))
    return _joined(frames) if frames else None


@contextlib.contextmanager
def _sheets(path: Path) -> Iterator[list[Path]]:
    """Give the .THF files of an archive (unpacked to a temporary folder) or the one given."""
    if not path.is_file():
        raise refuse("fichier introuvable", path, "vérifier le chemin dans le fichier d'étude")
    with path.open("rb") as file:
        plain = file.read(4) == b"BOMT"
    if plain:
        _check_pointers(path, path)
        yield [path]
        return
    with tempfile.TemporaryDirectory(prefix="friches-") as folder:
        _untar(path, Path(folder))
        headers = sorted(p for p in Path(folder).iterdir() if p.suffix.lower() == ".thf")
        if not headers:
            raise refuse("aucun fichier .THF dans l'archive", path, "donner une archive EDIGEO")
        for header in headers:
            _check_pointers(header, path)
        yield headers


def _check_pointers(header: Path, where: Path) -> None:
    """Refuse a header that names files elsewhere than beside itself, or that are absent."""
    text = header.read_bytes().decode("latin-1").replace("\r", "")
    if any(not re.fullmatch(r"\w*", name.strip(), re.ASCII) for name in _POINTERS.findall(text)):
        raise refuse("en-tête EDIGEO qui renvoie hors de son dossier", where, _AGAIN)
    lots = re.findall(r"^LONSA\d\d:(\w+)", text, re.MULTILINE)
    beside = {p.name.upper() for p in header.parent.iterdir()}
    for lot in lots:
        if not any(name.startswith(lot.upper()) and name.endswith(".VEC") for name in beside):
            raise InputError(
                [
                    Breach(
                        f"lot « {lot} » sans fichier .VEC", str(where), "donner la feuille entière"
                    )
                ]
            )


def _untar(path: Path, folder: Path) -> None:
    packed, room = path.stat().st_size, MAX_SHEET_BYTES
    try:
        with tarfile.open(path, mode="r|*") as archive:
            for member in archive:
                if member.isdir():
                    continue
                parts = re.split(r"[/\\]", member.name)
                if not member.isfile() or ".." in parts or member.name.startswith(("/", "\\")):
                    raise refuse(
                        f"membre dangereux dans l'archive : « {member.name} »",
                        path,
                        "vérifier l'origine de l'archive",
                    )
                target = folder / parts[-1]
                source = archive.extractfile(member)
                if target.suffix.lower() not in MEMBERS or source is None or target.exists():
                    raise refuse(
                        f"membre inattendu dans l'archive : « {member.name} »",
                        path,
                        "donner l'archive d'origine d'une feuille EDIGEO",
                    )
                room -= copied(source, target, packed, room, path)
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise refuse("archive EDIGEO tronquée ou abîmée", path, _AGAIN) from error

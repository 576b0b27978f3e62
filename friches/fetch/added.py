"""Files given by hand (`--add LAYER=FILE[:LEGEND]`), taken as the layer they are said to be."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, get_args

from friches.errors import Breach, InputError
from friches.fetch.archives import unpack
from friches.fetch.arrival import check_arrival
from friches.fetch.errand import Errand, Job, Outcome, Piece
from friches.fetch.services import Layer, layers
from friches.fetch.writing import write_layer
from friches.sources.catalogue import vintage
from friches.sources.vector import open_vector
from friches.studyfile import LandCover

if TYPE_CHECKING:
    from collections.abc import Sequence

LEGENDS = get_args(LandCover.model_fields["legend"].annotation)
PACKED = re.compile(r"\.(7z|7z\.001|tar\.gz|tgz)$", re.IGNORECASE)
LARGE_BYTES = 200 * 1024**2
"""A larger vector file is cut to the territory instead of copied (ASSUMPTION)."""
_SPOKEN = re.compile(r"(?P<layer>\w+)(?:\.(?P<year>\d{4}))?=(?P<path>.+)")


class Added(NamedTuple):
    """A file given by hand: its layer, its campaign (declared fields), its legend (land cover)."""

    layer: str
    path: Path
    campaign: int | None = None
    legend: str = ""

    @property
    def key(self) -> str:
        """The layer, with its campaign: what is then not fetched."""
        return self.layer if self.campaign is None else f"{self.layer}.{self.campaign}"


def parse_added(texts: Sequence[str]) -> list[Added]:
    """Return what `--add` options say.

    Raises
    ------
    InputError
        Not LAYER=FILE, unknown layer, no such file, a campaign or a legend missing: all at once.
    """
    found: list[Added] = []
    breaches: list[Breach] = []
    for text in texts:
        try:
            found.append(_parsed(text))
        except InputError as error:
            breaches += error.breaches
    if breaches:
        raise InputError(breaches)
    return found


def _parsed(text: str) -> Added:
    said = _SPOKEN.fullmatch(text)
    if said is None:
        raise _no(text, "illisible", "écrire COUCHE=FICHIER, ou declared_fields.2023=FICHIER")
    layer, year = said["layer"], said["year"]
    if layer not in layers():
        raise _no(text, f"couche inconnue « {layer} »", f"couches : {', '.join(layers())}")
    path, _, legend = said["path"].rpartition(":")
    if legend not in LEGENDS or not path:
        path, legend = said["path"], ""
    if not Path(path).exists():
        raise _no(text, f"fichier introuvable : {path}", "vérifier le chemin")
    if layer == "declared_fields" and year is None:
        raise _no(text, "campagne absente", "écrire declared_fields.2023=FICHIER")
    if layer != "declared_fields" and year is not None:
        raise _no(text, "une année n'est attendue que pour declared_fields", "retirer l'année")
    if layer == "land_cover" and not legend:
        todo = f"écrire land_cover=FICHIER:LEGENDE ({', '.join(LEGENDS)})"
        raise _no(text, "légende absente", todo)
    return Added(layer, Path(path), int(year) if year else None, legend)


def _no(text: str, what: str, todo: str) -> InputError:
    return InputError([Breach(what, f"--add {text}", todo)])


def take(errand: Errand, given: Sequence[Added]) -> Outcome:
    """Copy the files given for one layer (one campaign) beside the others, read as a run would.

    Raises
    ------
    InputError
        What the reader refuses, or an archive that cannot be used.
    """
    first = given[0]
    layer = layers()[first.layer]
    job = Job(first.layer, layer, first.campaign)
    own = errand.folder / first.layer
    own.mkdir(parents=True, exist_ok=True)
    pieces = [_piece(errand, job, one, own) for one in given]
    check_arrival(
        errand,
        job.target,
        [piece.path for piece in pieces],
        campaign=first.campaign,
        legend=first.legend,
    )
    notes = (f"légende : {first.legend}",) if first.legend else ()
    return Outcome(job, tuple(pieces), notes=notes, added=True)


def _piece(errand: Errand, job: Job, one: Added, own: Path) -> Piece:
    year = str(one.campaign) if one.campaign else vintage(one.path)
    if one.path.is_dir():
        path = own / one.path.name
        shutil.copytree(one.path, path, dirs_exist_ok=True)
    elif PACKED.search(one.path.name) and job.name in {"declared_fields", "land_cover"}:
        path = _cut_from_archive(errand, job, one, own)
    elif _is_large_vector(one.path) and job.name in {"declared_fields", "land_cover"}:
        path = _cut(errand, job, one.path, own / f"{_stem(one)}.gpkg")
    else:
        path = own / one.path.name
        shutil.copyfile(one.path, path)
    return Piece(path, vintage=year)


def _is_large_vector(path: Path) -> bool:
    return path.suffix.lower() in {".gpkg", ".shp"} and path.stat().st_size > LARGE_BYTES


def _stem(one: Added) -> str:
    return f"rpg_{one.campaign}" if one.campaign else one.path.name.split(".")[0]


def _cut_from_archive(errand: Errand, job: Job, one: Added, own: Path) -> Path:
    with tempfile.TemporaryDirectory(dir=errand.cache, prefix="unpacked-") as folder:
        members = unpack(one.path, Path(folder), _members(job.layer))
        shapes = [path for path in members if path.suffix.lower() in {".gpkg", ".shp"}]
        if len(shapes) != 1:
            listed = ", ".join(path.name for path in shapes) or "aucune"
            raise _no(str(one.path), f"plusieurs couches ou aucune : {listed}", "en extraire une")
        return _cut(errand, job, shapes[0], own / f"{_stem(one)}.gpkg")


def _members(layer: Layer) -> list[str]:
    names = [name for service in layer.service for name in service.members] or ["*"]
    ends = ("shp", "shx", "dbf", "prj", "cpg", "gpkg")
    return [f"{name}.{end}" for name in names for end in ends]


def _cut(errand: Errand, job: Job, source: Path, path: Path) -> Path:
    frame = open_vector(
        source,
        errand.crs,
        bounds=errand.box(job.layer.margin_m),
        like=["parcelles_graphiques", "rpg_parcelles", "occupation_sol"],
        drop_empty=True,
    )
    if frame.empty:
        raise _no(
            str(source), "rien sur ce territoire", "donner la bonne région, le bon département"
        )
    frame.attrs = {}
    return write_layer(frame, path)

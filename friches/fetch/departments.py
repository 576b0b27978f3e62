"""Archives by département (OCS GE): the vintage in a table, the layer cut to the territory."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd

from friches.fetch.archives import unpack
from friches.fetch.asking import question
from friches.fetch.errand import Errand, Job, Piece
from friches.fetch.failure import Failure
from friches.fetch.services import Service, departments_of, filled
from friches.fetch.writing import write_layer
from friches.sources.vector import open_vector

if TYPE_CHECKING:
    from friches.fetch.errand import Box
    from friches.fetch.request import Request

LAYERS = {".gpkg", ".shp"}
SIDE_FILES = ("*.shp", "*.shx", "*.dbf", "*.prj", "*.cpg", "*.gpkg")


def archive_pieces(errand: Errand, job: Job, service: Service) -> list[Piece]:
    """Return one layer cut to the territory from the archives of its départements.

    Raises
    ------
    Failure
        A département has no archive; an archive without the layer, or that cannot be read.
    """
    frames, answers, vintages = [], [], []
    box = errand.box(job.layer.margin_m)
    for row in newest(errand, service):
        answer = errand.session.get(_request(service, row))
        answers.append(answer)
        vintages.append(row["vintage"])
        frames.append(_cut(errand, service, answer.path, row, box))
    whole = gpd.GeoDataFrame(pd.concat(frames, ignore_index=True), crs=errand.crs)
    if whole.empty:
        raise Failure(service.pace, "rien sur l'emprise dans les archives du département")
    vintage = max(vintages)
    name = filled(service.file, dep="-".join(errand.territory.departments), vintage=vintage)
    path = write_layer(whole, errand.folder / f"{name}.gpkg")
    return [Piece(path, len(whole), None, vintage, tuple(answers))]


def newest(errand: Errand, service: Service) -> list[dict[str, str]]:
    """Return the row of the newest archive, not later than the study, of each département."""
    found = []
    for dep in errand.territory.departments:
        rows = [row for row in departments_of(service) if row["department"] == dep]
        rows = [row for row in rows if int(row["vintage"]) <= errand.day.year]
        if not rows:
            raise Failure(service.pace, f"aucune archive connue pour le département {dep}")
        found.append(max(rows, key=lambda row: row["vintage"]) | {"dep3": dep.zfill(3)})
    return found


def bytes_foreseen(errand: Errand, service: Service) -> int | None:
    """Return the bytes of the archives still to be downloaded, None if one is not told."""
    sizes = [errand.session.size(_request(service, row)) for row in newest(errand, service)]
    told = [size for size in sizes if size is not None]
    return sum(told) if told else None


def _request(service: Service, row: dict[str, str]) -> Request:
    return question(
        service.pace,
        filled(service.url, **row),
        accepts=service.accepts,
        fresh_days=service.fresh_days,
        most_bytes=2**34,
    )


def _cut(errand: Errand, service: Service, archive: Path, row: dict[str, str], box: Box) -> Any:
    with tempfile.TemporaryDirectory(dir=errand.cache, prefix="unpacked-") as folder:
        room = Path(folder)
        wanted = [f"{name}{end[1:]}" for name in service.members for end in SIDE_FILES]
        members = unpack(_named(archive, room, service, row), room / "out", wanted)
        layers = [path for path in members if path.suffix.lower() in LAYERS]
        if len(layers) != 1:
            listed = ", ".join(path.name for path in layers) or "aucune"
            raise Failure(service.pace, f"archive sans la couche attendue (trouvées : {listed})")
        frame = open_vector(
            layers[0], errand.crs, bounds=box, like=["occupation_sol"], drop_empty=True
        )
        frame.attrs = {}
        return frame


def _named(archive: Path, room: Path, service: Service, row: dict[str, str]) -> Path:
    """Give the archive its published name: a kept body has none, and volumes go by theirs."""
    path = room / filled(service.url, **row).rsplit("/", 1)[-1]
    try:
        path.hardlink_to(archive)
    except OSError:
        shutil.copyfile(archive, path)
    return path

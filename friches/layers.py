"""The layers of a study, each read once and kept on its own: a change of one rereads one."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from friches import keep
from friches.errors import Breach, InputError
from friches.measures.whole import whole_of
from friches.parts import cut
from friches.sources import shelf
from friches.sources.read import (
    WHOLE,
    named_layers,
    read_layer,
    read_parcels,
    unusable_files,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from friches.crew import Mapped
    from friches.sources.shelf import Box
    from friches.studyfile import Study

CADASTRE = "cadastre"
LAND = "parcels"


class Task(NamedTuple):
    """One layer to read and where to keep it; the box is that of the parcels."""

    study: Study
    layer: str
    box: Box | None
    place: Path


def shelve_layers(
    study: Study, folder: Path, keys: Mapping[str, str], mapped: Mapped
) -> dict[str, Path]:
    """Read the layers that are not kept yet, and return where each is kept.

    Parameters
    ----------
    study : Study
    folder : Path
        Where layers are kept, in one folder each. Owners are kept without names.
    keys : mapping
        From `layer_keys`: a digest a layer.
    mapped : callable
        A `map` (see `crew`): layers are read side by side.

    Returns
    -------
    dict of str to Path
        Parquet files by the names of `read_layers`, `parcels` first; read them with `shelf`.

    Raises
    ------
    InputError
        Every breach of every layer; a folder that cannot be written.
    """
    breaches = unusable_files(study)
    if breaches:
        raise InputError(breaches)
    nameless = study.model_copy(
        update={"study": study.study.model_copy(update={"audience": "internal"})}
    )

    def task(layer: str, box: Box | None) -> Task:
        key = keep.digest(keep.code_digest(), keys[layer])
        return Task(nameless, layer, box, keep.place_of(folder, f"layer-{layer}", key))

    land = task(CADASTRE, None)
    breaches += shelved(land)
    box = None if breaches else shelf.extent(land.place / f"{LAND}.parquet")
    tasks = [task(layer, box) for layer in named_layers(study)]
    # Without parcels the other layers are read for their faults alone: all are told at once.
    for found in mapped(faults if breaches else shelved, tasks):
        breaches += found
    if breaches:
        raise InputError(breaches)
    kept: dict[str, Path] = {}
    for each in (land, *tasks):
        keep.forget(folder, f"layer-{each.layer}", each.place)
        kept |= {path.stem: path for path in sorted(each.place.glob("*.parquet"))}
    return kept


def shelved(task: Task) -> list[Breach]:
    """Read one layer and keep it, unless it is kept already; return its breaches."""
    if task.place.is_dir():
        return []
    order = None
    try:
        if task.layer == CADASTRE:
            name, table = LAND, read_parcels(task.study)
            order, parts = cut(table)
            table.attrs[WHOLE] = {"parts": [tuple(part) for part in parts]}
        else:
            name, table = read_layer(task.study, task.layer, task.box)
            table.attrs[WHOLE] = whole_of(name, table)
    except InputError as error:
        return list(error.breaches)
    try:
        keep.store(task.place, {name: table}, lambda made, path: shelf.shelve(made, path, order))
    except OSError as error:
        told = f"couche impossible à garder : {error.strerror or error}"
        return [Breach(told, str(task.place.parent), "libérer de la place, ou changer de dossier")]
    return []


def faults(task: Task) -> list[Breach]:
    """Read one layer for its breaches alone."""
    try:
        read_layer(task.study, task.layer, task.box)
    except InputError as error:
        return list(error.breaches)
    return []

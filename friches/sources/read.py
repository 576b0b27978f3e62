"""Every layer a study names, read and checked; all breaches of all layers in one message."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import pandas as pd

from friches.errors import Breach, InputError
from friches.keep import digest, file_digest
from friches.sources.cadastre import read_cadastre
from friches.sources.catalogue import catalogue, vintage
from friches.sources.constraints import read_constraints
from friches.sources.declared_fields import read_declared_fields
from friches.sources.farm_fields import read_farm_fields
from friches.sources.fetched import Origin, origins
from friches.sources.forest import read_forest
from friches.sources.land_cover import read_land_cover
from friches.sources.owners import read_owners
from friches.sources.pictures import SHOWN_ONLY, credit, unusable
from friches.sources.places import read_canteens, read_farmers
from friches.sources.projection import unknown
from friches.sources.rasters import read_rasters
from friches.sources.sales import read_sales
from friches.sources.topo import read_buildings, read_roads
from friches.sources.zoning import read_zoning

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from friches.studyfile import Study

Bounds = tuple[float, float, float, float]
Reader = Callable[[], tuple[str, pd.DataFrame]]
BY_KEY = ("declared_fields", "farm_fields")
"""Layers given by campaign, or by farm."""
WHOLE = "whole"
"""Key of `attrs` for what is true of a whole layer (see `measures.whole`): said in no note."""


def read_layers(study: Study) -> dict[str, Any]:
    """Read every layer that the study names.

    Returns
    -------
    dict of str to DataFrame
        Checked tables by layer, `parcels` first; an absent layer has no key. `land_cover` is
        under `land_cover_raster` when it is an image.

    Raises
    ------
    InputError
        Every breach of every layer, whichever reader found it.
    """
    breaches = unusable_files(study)
    if breaches:
        raise InputError(breaches)
    layers: dict[str, Any] = {}
    bounds: Bounds | None = None
    try:
        layers["parcels"] = read_parcels(study)
        bounds = extent(layers["parcels"])
    except InputError as error:
        breaches += error.breaches
    for layer in named_layers(study):
        try:
            key, table = read_layer(study, layer, bounds)
            layers[key] = table
        except InputError as error:
            breaches += error.breaches
    if breaches:
        raise InputError(breaches)
    return layers


def unusable_files(study: Study) -> list[Breach]:
    """Return what no reader need be asked: an unknown CRS, absent files, unusable pictures."""
    return unknown(study.crs) + _absent_files(study) + unusable(study)


def read_parcels(study: Study) -> Any:
    """Return table `parcels` of the communes of the study."""
    return read_cadastre(study.files("cadastre"), study.crs, study.study.communes)


def extent(parcels: Any) -> Bounds:
    """Return the box that holds all parcels."""
    xmin, ymin, xmax, ymax = parcels.total_bounds
    return float(xmin), float(ymin), float(xmax), float(ymax)


def named_layers(study: Study) -> list[str]:
    """Return the layers that the study gives files for, but the cadastre."""
    return list(_readers(study, None))


def read_layer(study: Study, layer: str, bounds: Bounds | None) -> tuple[str, pd.DataFrame]:
    """Return one layer's name among the tables, and its checked table.

    Parameters
    ----------
    study, layer
        A layer of `named_layers`.
    bounds : (xmin, ymin, xmax, ymax), optional
        The extent of the parcels, in the study's CRS.

    Raises
    ------
    InputError
        Every breach of the layer.
    """
    try:
        return _readers(study, bounds)[layer]()
    except InputError as error:
        raise InputError(_placed(breach, layer) for breach in error.breaches) from error


def _placed(breach: Breach, layer: str) -> Breach:
    return breach if breach.where else Breach(breach.what, layer, breach.todo)


def _readers(study: Study, bounds: Bounds | None) -> dict[str, Reader]:
    crs = study.crs
    readers: dict[str, Reader] = {}
    for layer, read in READERS.items():
        if files := study.files(layer):
            readers[layer] = partial(_named, layer, partial(read, files, crs, bounds))
    for layer in ("elevation", "ndvi"):
        if files := study.files(layer):
            bands = partial(read_rasters, files, layer, crs, bounds)
            readers[layer] = partial(_named, layer, bands)
    if cover := study.sources.land_cover:
        path = study.files("land_cover")[0]
        readers["land_cover"] = partial(read_land_cover, path, cover.legend, crs, bounds)
    if campaigns := study.sources.declared_fields:
        years = {year: study.files("declared_fields", year) for year in sorted(campaigns)}
        fields = partial(read_declared_fields, years, crs, bounds)
        readers["declared_fields"] = partial(_named, "declared_fields", fields)
    if farms := study.sources.farm_fields:
        named = {farm: study.files("farm_fields", farm) for farm in sorted(farms)}
        own = partial(read_farm_fields, named, crs, bounds)
        readers["farm_fields"] = partial(_named, "farm_fields", own)
    if files := study.files("owners"):
        names = study.study.audience == "restricted"
        readers["owners"] = partial(_named, "owners", partial(read_owners, files, names=names))
    return readers


READERS: dict[str, Callable[..., pd.DataFrame]] = {
    "buildings": read_buildings,
    "roads": read_roads,
    "forest": read_forest,
    "zoning": read_zoning,
    "constraints": read_constraints,
    "sales": read_sales,
    "canteens": read_canteens,
    "farmers": read_farmers,
}
"""Readers of layers that take paths, a CRS and the extent of the parcels, by layer."""


def _named(layer: str, read: Callable[[], pd.DataFrame]) -> tuple[str, pd.DataFrame]:
    return layer, read()


def _named_files(study: Study) -> list[tuple[str, Path]]:
    named = [
        (layer, path)
        for layer in type(study.sources).model_fields
        if layer not in BY_KEY
        for path in study.files(layer)
    ]
    for year in sorted(study.sources.declared_fields):
        named += [(f"declared_fields.{year}", p) for p in study.files("declared_fields", year)]
    for farm in sorted(study.sources.farm_fields):
        named += [(f"farm_fields.{farm}", p) for p in study.files("farm_fields", farm)]
    return named


def _absent_files(study: Study) -> list[Breach]:
    return [
        Breach("fichier introuvable", f"{layer} = {path}", "vérifier le chemin dans [sources]")
        for layer, path in _named_files(study)
        if not path.exists()
    ]


def layer_keys(study: Study) -> dict[str, str]:
    """Return a digest of each layer's files and of what reading them depends on.

    Two studies with the same digests read the same tables; pictures that are only shown have none.
    """
    breaches = unusable_files(study)
    if breaches:
        raise InputError(breaches)
    about = study.study
    common = [study.crs, sorted(about.communes), about.audience == "restricted"]
    files: dict[str, list[str]] = {}
    for layer, path in _named_files(study):
        if layer in SHOWN_ONLY:
            continue
        files.setdefault(layer.split(".")[0], []).extend([layer, file_digest(path)])
    if study.sources.land_cover is not None:
        files["land_cover"].append(study.sources.land_cover.legend)
    cadastre = digest(files["cadastre"], common)
    return {layer: digest(said, cadastre) for layer, said in sorted(files.items())}


def provenance(study: Study, notes: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """Return one row a file read: layer, file, sha256, publisher, licence, vintage, attribution.

    `notes` are the `attrs` of the tables of `read_layers`, by layer.

    Fictitious territories say so in publisher and licence: nothing in them is anybody's data.
    What `friches fetch` noted of its files goes before the catalogue.
    """
    rows = []
    known = origins(study.folder)
    for layer, path in _named_files(study):
        name, _, year = layer.partition(".")
        if name == "photos" and study.study.audience == "public":
            continue  # none is shown there
        said = catalogue()[name] | credit(study, name)
        origin = known.get(path)
        if origin is not None:
            said = said | {key: getattr(origin, key) for key in _TOLD}
        fictitious = study.study.fictitious
        rows.append(
            {
                "layer": name,
                "label": said["label"],
                "file": path.name,
                "sha256": file_digest(path),
                "publisher": "données fictives" if fictitious else said["publisher"],
                "licence": "sans objet (fictif)" if fictitious else said["licence"],
                "vintage": (name == "declared_fields" and year)
                or (origin.vintage if origin else "")
                or vintage(path),
                "attribution": "territoire fictif" if fictitious else said["attribution"],
                "notes": " ; ".join([*_history(origin, path), *_notes(notes.get(name, {}))]),
            }
        )
    return pd.DataFrame(rows).astype("str")


_TOLD = ("label", "publisher", "licence", "attribution")


def _history(origin: Origin | None, path: Path) -> list[str]:
    """Return when a file was fetched, that it has nothing here, that it was changed since."""
    if origin is None:
        return []
    notes = [f"récupéré le {origin.retrieved_on}"] if origin.retrieved_on else []
    notes += ["rien sur ce territoire"] if origin.empty else []
    if origin.sha256 and origin.sha256 != file_digest(path):
        notes.append("modifié depuis son téléchargement")
    return notes


def _notes(attrs: Mapping[str, Any]) -> list[str]:
    told = {key: said for key, said in attrs.items() if key != WHOLE}
    return [f"{key} : {said}" for key, said in sorted(told.items()) if said not in (0, [], "")]

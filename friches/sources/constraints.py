"""Perimeters that protect or bind the land, each told by a column, a name or its own columns."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd
import shapely

from friches.errors import refuse
from friches.sources.stack import Bounds, stack
from friches.sources.vector import open_vector, pick
from friches.sources.words import book, fold

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

FAR_M = 100_000.0
"""A layer that lies wholly farther than this from the study is another territory's (ASSUMPTION)."""


def read_constraints(paths: Sequence[Path], crs: str, bounds: Bounds | None) -> gpd.GeoDataFrame:
    """Read perimeters of several kinds.

    Parameters
    ----------
    paths : sequence of Path
        Vector files; the kind comes from a column `kind`, else TYPEPSC of a PLU, else the name of
        the file, of its folder's layer, else columns of its own (constraints.toml).
    crs, bounds
        The study's CRS and extent (m).

    Returns
    -------
    GeoDataFrame
        Table "constraints", perhaps without rows: no perimeter on the study is an answer.
        `attrs["kinds_read"]` names the kinds that files were given for.

    Raises
    ------
    InputError
        A kind that constraints.toml lacks, two kinds in one name, a layer of another territory.
    """
    kinds: set[str] = set()

    def shape(frame: gpd.GeoDataFrame, path: Path) -> gpd.GeoDataFrame:
        if frame.empty and bounds is not None and not frame.attrs["nothing_here"]:
            _check_near(path, crs, bounds)
        kind = _kinds(frame, path)
        kinds.update(kind.dropna().unique() if len(kind) else kind.attrs["read"])
        name = pick(frame, {}, path, optional={"name": book("constraints")["names"]})["name"]
        table = gpd.GeoDataFrame(
            {"kind": kind, "name": name.map(str, na_action="ignore").astype("str")},
            geometry=frame.geometry,
            crs=frame.crs,
        )
        return table[kind.notna().to_numpy()]

    table = stack(*(paths, "constraints", crs, bounds, shape), what="contraintes", may_miss=True)
    table.attrs["kinds_read"] = sorted(kinds)
    return table


def kind_labels() -> dict[str, str]:
    """Return the French label of each kind of perimeter."""
    return {kind: said["label"] for kind, said in book("constraints")["kinds"].items()}


def nature_kinds() -> frozenset[str]:
    """Return the kinds that protect nature by law (INFERENCE, constraints.toml)."""
    kinds = book("constraints")["kinds"]
    return frozenset(kind for kind, said in kinds.items() if said["nature"])


def kind_in(text: str) -> set[str]:
    """Return the kinds that a name speaks of ("ZONE_HUMIDE_2019" -> {"wetland"})."""
    flat = re.sub(r"[^a-z0-9]+", " ", fold(text))
    kinds = book("constraints")["kinds"]
    if flat.strip() in kinds:
        return {flat.strip()}
    return {
        kind
        for kind, said in kinds.items()
        if any(re.search(pattern, flat) for pattern in said["patterns"])
    }


def _kinds(frame: gpd.GeoDataFrame, path: Path) -> pd.Series[str]:
    said = book("constraints")
    column = next((c for c in said["columns"] if c in frame.columns), None)
    if column is not None:
        return _read(frame, _stated(frame[column], path))
    typepsc = next((c for c in said["prescription"]["columns"] if c in frame.columns), None)
    if typepsc is not None:
        code = frame[typepsc].map(lambda v: str(v).split(".")[0].zfill(2), na_action="ignore")
        return _read(frame, dict(enumerate(code.map(said["prescription"]["kinds"]))), {"ebc"})
    found = _told_by_name(frame, path)
    return _read(frame, dict.fromkeys(range(len(frame)), found), {found})


def _read(
    frame: gpd.GeoDataFrame, values: dict[int, Any], read: set[str] | None = None
) -> pd.Series[str]:

    kind = pd.Series([values[i] for i in range(len(frame))], index=frame.index, dtype="str")
    kind.attrs["read"] = read or set()
    return kind


def _stated(column: pd.Series[Any], path: Path) -> dict[int, str]:
    found = {value: kind_in(str(value)) for value in column.dropna().unique()}
    wrong = [str(value) for value, kinds in found.items() if len(kinds) != 1]
    if wrong or column.isna().any():
        listed = ", ".join(f"« {value} »" for value in wrong[:10]) or "valeur manquante"
        raise refuse(f"nature de périmètre inconnue : {listed}", path, _known())
    return {i: next(iter(found[value])) for i, value in enumerate(column)}


def _told_by_name(frame: gpd.GeoDataFrame, path: Path) -> str:
    for text in (path.name.split(".")[0], str(frame.attrs.get("layer", ""))):
        found = kind_in(text)
        if len(found) > 1:
            raise refuse(
                f"« {text} » nomme plusieurs périmètres : {', '.join(sorted(found))}",
                path,
                "renommer le fichier ou ajouter une colonne « kind »",
            )
        if found:
            return found.pop()
    for kind, said in book("constraints")["kinds"].items():
        own = said.get("own_columns")
        if own and set(own) <= set(frame.columns):
            return str(kind)
    raise refuse("nature du périmètre inconnue", path, _known())


def _known() -> str:
    kinds = ", ".join(book("constraints")["kinds"])
    return (
        f"nommer le fichier d'après l'une de ces natures, ou l'écrire en colonne « kind » : {kinds}"
    )


def _check_near(path: Path, crs: str, bounds: Bounds) -> None:
    """Tell a layer without perimeter here from a layer of another territory."""
    whole = open_vector(path, crs, name="contraintes", drop_empty=True)
    distance = shapely.box(*whole.total_bounds).distance(shapely.box(*bounds))
    if whole.empty or distance > FAR_M:
        raise refuse(
            f"contraintes : couche d'un autre territoire (à {distance / 1000:.0f} km au moins)",
            path,
            "donner la couche de ce département",
        )

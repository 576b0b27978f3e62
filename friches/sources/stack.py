"""Several files of one layer, read alike and set one upon the other as a checked table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd

from friches import tables
from friches.errors import Breach, InputError, refuse
from friches.sources.vector import open_vector, overlaps

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

Bounds = tuple[float, float, float, float]


def stack(  # noqa: PLR0913
    paths: Sequence[Path],
    table: str,
    crs: str,
    bounds: Bounds | None,
    shape: Callable[[gpd.GeoDataFrame, Path], gpd.GeoDataFrame],
    *,
    what: str,
    like: Sequence[str] = (),
    margin_m: float = 0,
    may_miss: bool = False,
) -> gpd.GeoDataFrame:
    """Read files of one layer, give each our columns, and return them as one checked table.

    Parameters
    ----------
    paths : sequence of Path
        Vector files (see `open_vector`), at least one.
    table : str
        Name of the table in `friches.tables`.
    crs, bounds
        The study's CRS and its extent (m), or None to read whole files.
    shape : callable
        From an opened layer and its path to the table's columns and geometry.
    what : str
        What the layer is, in French, for messages.
    like : sequence of str
        Layer names to look for in files that hold several.
    margin_m : float
        Features within this distance of the extent are read too (m).
    may_miss : bool
        No feature on the study is an answer (a protected site elsewhere), not a mistake.

    Returns
    -------
    GeoDataFrame
        `attrs`: repaired and dropped geometries, summed over files.

    Raises
    ------
    InputError
        The breaches of every file at once; a layer of another territory.
    """
    if not paths:
        raise refuse(f"{what} : aucun fichier", "", "donner au moins un fichier")
    parts: list[gpd.GeoDataFrame] = []
    breaches: list[Breach] = []
    for path in paths:
        try:
            frame = open_vector(
                path, crs, like=like, bounds=grown(bounds, margin_m), name=what, drop_empty=True
            )
            nothing = frame.attrs["nothing_here"] and not may_miss
            part = tables.empty(table, crs) if nothing else shape(frame, path)
            parts.append(_counted(part, frame.attrs))
        except InputError as error:
            breaches += error.breaches
    if breaches:
        raise InputError(breaches)
    where = ", ".join(str(path) for path in paths)
    joined = _joined(parts)
    known_void = joined.empty and all(part.attrs["nothing_here"] for part in parts)
    if bounds is not None and not may_miss and not known_void:
        overlaps(joined, bounds, where, what)
    answer = tables.check(joined, table, where, crs)
    answer.attrs = {
        key: sum(int(part.attrs.get(key, 0)) for part in parts) for key in ("repaired", "dropped")
    }
    return answer


def _joined(parts: list[gpd.GeoDataFrame]) -> gpd.GeoDataFrame:
    # Tables without rows lose dtypes when joined: they are left out unless all are empty.
    full = [part for part in parts if len(part)] or parts[:1]
    joined = gpd.GeoDataFrame(pd.concat(full, ignore_index=True), crs=full[0].crs)
    joined.attrs = {}
    return joined


def grown(bounds: Bounds | None, margin_m: float) -> Bounds | None:
    """Return an extent widened by `margin_m` on each side."""
    if bounds is None:
        return None
    xmin, ymin, xmax, ymax = bounds
    return (xmin - margin_m, ymin - margin_m, xmax + margin_m, ymax + margin_m)


def some_known(known: pd.Series[bool], said: pd.Series[Any], where: object, column: str) -> None:
    """Refuse a column none of whose values belongs to its nomenclature: it is another column."""
    if len(known) and said.notna().any() and not known.any():
        first = said.dropna().iloc[0]
        breach = Breach(
            f"colonne « {column} » : aucune valeur reconnue (première : « {first} »)",
            str(where),
            "vérifier que la couche est bien celle attendue",
        )
        raise InputError([breach])


def _counted(table: gpd.GeoDataFrame, said: dict[str, Any]) -> gpd.GeoDataFrame:
    table.attrs = {key: said.get(key, 0) for key in ("repaired", "dropped", "nothing_here")}
    return table

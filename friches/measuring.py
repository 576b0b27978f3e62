"""Facts of a whole territory, part by part: each part reads what lies near it, and is kept."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from friches import keep
from friches.facts import WAYS, areas, complete
from friches.parts import Part
from friches.sources import shelf
from friches.sources.read import WHOLE, extent
from friches.spatial.overlay import COMPILED

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import geopandas as gpd
    from numpy.typing import NDArray

    from friches.crew import Mapped
    from friches.facts import Way

    Shapes = NDArray[np.object_]

NEIGHBOURS_M = 400.0
"""How far beyond what is measured a layer is read at once (ASSUMPTION: most polygons there end
within it); where one does not, the layer is read again, so that no answer depends on it."""
CLOSE_M = 10.0
"""Up to this, what lies around parcels is told from each of them, not from their common box: boxes
grown by more would meet too many (ASSUMPTION; no answer depends on it)."""
FARTHER = 4.0
"""By how much the search for what is nearest grows when nothing was near enough."""


def measure_parts(kept: Mapping[str, Path], folder: Path, mapped: Mapped) -> pd.DataFrame:
    """Measure every fact that the kept layers settle, part by part.

    Parameters
    ----------
    kept : mapping of str to Path
        From `shelve_layers`.
    folder : Path
        Where the facts of each part are kept meanwhile: a run that was stopped goes on there.
    mapped : callable
        A `map` (see `crew`): parts are measured side by side.

    Returns
    -------
    DataFrame
        Table `facts`: to the bit what `facts.measure` returns of the same layers, whatever the
        parts.
    """
    said = keep.read_attrs(kept["parcels"])[WHOLE]["parts"]
    parts = [Part(*rows) for rows in said]
    folder.mkdir(parents=True, exist_ok=True)
    places = [folder / f"{part.start:09d}.parquet" for part in parts]
    found = list(mapped(measure_part, [dict(kept)] * len(parts), parts, places))
    return complete(pd.concat([pd.read_parquet(path) for path in found]))


def measure_part(kept: Mapping[str, Path], part: Part, place: Path) -> Path:
    """Measure one part, write its facts to `place` (Parquet) in one step, and return `place`."""
    if place.is_file():
        return place
    parcels = shelf.rows(kept["parcels"], *part)
    measured = [areas(parcels)]
    measured += [_near(parcels, kept[name], way) for name, way in WAYS.items() if name in kept]
    beside = place.with_suffix(f".{os.getpid()}")
    pd.concat(measured, axis=1).to_parquet(beside, compression="zstd")
    beside.replace(place)
    return place


def _near(parcels: gpd.GeoDataFrame, path: Path, way: Way) -> pd.DataFrame:
    """Measure parcels against what lies near them, and farther for those that found nothing."""
    reach = way.around_m
    layer, is_all = around(path, parcels, reach)
    facts = way.of(parcels, layer)
    distances = [name for name in way.distances if name in facts]
    while distances and not is_all:
        beyond = ~(facts[distances] <= reach).all(axis=1).to_numpy()  # also where nothing is known
        if not beyond.any():
            break
        lost = parcels[parcels["parcel_id"].isin(facts.index[beyond])]
        reach *= FARTHER
        layer, is_all = around(path, lost, reach)
        facts = pd.concat([facts[~beyond], way.of(lost, layer)]).reindex(facts.index)
    return facts


def around(path: Path, parcels: gpd.GeoDataFrame, around_m: float) -> tuple[Any, bool]:
    """Return the rows of a layer within a distance of parcels and all that meet these rows.

    Polygons of one class that overlap share their ground out, so that a row needs its neighbours
    whole. Also returns whether no row of the layer lies farther.
    """
    if not shelf.is_spatial(path):
        return shelf.whole(path), True
    box = _grown(extent(parcels), around_m)
    wider = _grown(box, NEIGHBOURS_M)
    layer = shelf.near(path, wider)
    held = shelf.extent(path)
    is_all = held is None or _within(held, wider)
    if not is_all and len(layer):
        reached = _joined(box, _of_those_in(box, layer))
        layer = layer if _within(reached, wider) else shelf.near(path, reached)
    if COMPILED and around_m <= CLOSE_M:
        layer = layer[_beside(layer.geometry.to_numpy(), parcels.geometry.to_numpy(), around_m)]
    return layer, is_all


def _beside(drawn: Shapes, parcels: Shapes, around_m: float) -> NDArray[np.bool_]:
    """Say which shapes are close to a parcel, or beside a shape that is (all by their bounds).

    Communes read together rarely fill a box: about half of the fields in it are near none.
    """
    from friches.spatial.common import meeting_pairs

    bounds = shapely.bounds(drawn)
    grown = shapely.bounds(parcels) + around_m * np.array([-1.0, -1.0, 1.0, 1.0])
    kept = np.zeros(len(drawn), bool)
    kept[meeting_pairs(bounds, grown)[0]] = True
    others = np.flatnonzero(~kept)
    kept[others[meeting_pairs(bounds[others], bounds[kept])[0]]] = True
    return kept


def _of_those_in(box: shelf.Box, layer: gpd.GeoDataFrame) -> shelf.Box:
    """Return the box of the rows that meet a box (that box itself when none does)."""
    west, south, east, north = layer.geometry.bounds.to_numpy().T
    met = (west <= box[2]) & (east >= box[0]) & (south <= box[3]) & (north >= box[1])
    if not met.any():
        return box
    return west[met].min(), south[met].min(), east[met].max(), north[met].max()


def _grown(box: shelf.Box, by_m: float) -> shelf.Box:
    return box[0] - by_m, box[1] - by_m, box[2] + by_m, box[3] + by_m


def _joined(one: shelf.Box, other: shelf.Box) -> shelf.Box:
    return (*map(min, one[:2], other[:2]), *map(max, one[2:], other[2:]))  # type: ignore[return-value]


def _within(inner: shelf.Box, outer: shelf.Box) -> bool:
    return all(a >= b for a, b in zip(inner[:2], outer[:2], strict=True)) and all(
        a <= b for a, b in zip(inner[2:], outer[2:], strict=True)
    )

"""A layer checked at its arrival, with the very reader that a run uses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from friches.sources.cadastre import read_cadastre
from friches.sources.declared_fields import read_declared_fields
from friches.sources.land_cover import read_land_cover
from friches.sources.owners import read_owners
from friches.sources.rasters import read_rasters
from friches.sources.read import READERS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from friches.fetch.errand import Box, Errand

_READERS: dict[str, Callable[..., Any]] = READERS | {"owners": read_owners}


def check_arrival(
    errand: Errand,
    target: str,
    files: Sequence[Path],
    *,
    campaign: int | None = None,
    legend: str = "",
) -> None:
    """Read the files of one layer as a run would.

    Parameters
    ----------
    errand : Errand
        Communes, CRS and extent.
    target : str
        Layer of the study; one that no reader takes is not checked.
    files : sequence of Path
        At least one.
    campaign : int, optional
        Of declared fields.
    legend : str
        Of land cover.

    Raises
    ------
    InputError
        What the reader refuses.
    """
    crs, bounds = errand.crs, errand.bounds
    if target == "cadastre":
        extent(files, crs, errand.territory.codes)
    elif target == "declared_fields" and campaign is not None:
        read_declared_fields({campaign: list(files)}, crs, bounds)
    elif target == "land_cover":
        read_land_cover(files[0], legend, crs, bounds)
    elif target in {"elevation", "ndvi"}:
        read_rasters(list(files), target, crs, bounds)
    elif target in _READERS:
        _READERS[target](list(files), crs, bounds)


def extent(files: Sequence[Path], crs: str, communes: Sequence[str]) -> Box:
    """Return the extent of the communes' parcels in `crs` (m).

    Raises
    ------
    InputError
        What the reader of the cadastre refuses.
    """
    west, south, east, north = read_cadastre(list(files), crs, communes).total_bounds
    return (float(west), float(south), float(east), float(north))

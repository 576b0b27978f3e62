"""Layers written as files that the readers take; an empty one says that it was asked for."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pyogrio

from friches.sources.vector import NOTHING_HERE

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator
    from pathlib import Path

    from friches.fetch.request import Answer

_PLAIN: dict[str, Any] = {
    "driver": "GPKG",
    "dataset_options": {"ADD_GPKG_OGR_CONTENTS": "NO"},
    "layer_options": {"GEOMETRY_NAME": "geom"},
}


@contextmanager
def dated(day: dt.date) -> Iterator[None]:
    """Have GDAL write the study's day where it would write the clock's."""
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": f"{day}T00:00:00Z"})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})


def write_layer(frame: gpd.GeoDataFrame, path: Path) -> Path:
    """Write features as a GeoPackage with one layer named as the file."""
    path.unlink(missing_ok=True)
    pyogrio.write_dataframe(frame, path, layer=path.stem, **_PLAIN)
    return path


def write_empty(path: Path, crs: str) -> Path:
    """Write a layer without rows, marked so that readers take « none here » for an answer."""
    path.unlink(missing_ok=True)
    pyogrio.write_dataframe(
        gpd.GeoDataFrame(geometry=[], crs=crs),
        path,
        layer=path.stem,
        geometry_type="Polygon",
        layer_metadata={NOTHING_HERE: "YES"},
        **_PLAIN,
    )
    return path


def place(answer: Answer, path: Path) -> Path:
    """Copy a kept answer to its name: a link would let a person's edit spoil the cache."""
    shutil.copyfile(answer.path, path)
    return path

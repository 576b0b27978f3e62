"""Everything a run leaves on disk, written beside its place and exchanged whole."""

from __future__ import annotations

import ctypes
import datetime as dt
import json
import os
import platform
import shutil
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from friches import __version__, keep, tables
from friches.sources.exclusions import counted
from friches.stages import give_back
from friches.view import inert
from friches.view.audience import visible
from friches.view.geopackage import write_geopackage
from friches.view.map import write_map
from friches.view.page import run_id
from friches.view.register import write_register_html
from friches.view.sheets import write_sheets
from friches.view.workbook import write_workbook

if TYPE_CHECKING:
    from collections.abc import Iterator

    from friches.result import Result

TABLE_NAMES = (
    "facts", "evidence", "fallow", "blocks", "members", "reach",
    "supply", "meals", "demand", "plots", "flows", "balance", "shares", "limits", "neighbours",
    "prices", "matches", "rulings", "routes", "steps", "openings",
)  # fmt: skip
PACKAGES = (
    "exactextract", "folium", "geopandas", "networkx", "numpy", "openpyxl", "pandas", "pyarrow",
    "pyogrio", "rasterio", "scipy", "shapely",
)  # fmt: skip
PART = 100_000
"""Rows of a table written at a time."""
_EXCHANGE = 2  # RENAME_EXCHANGE of renameat2(2)
_HERE = -100  # AT_FDCWD


def write(result: Result, out: Path, *, pdf: bool = False, base_maps: bool = False) -> Path:
    """Write every output of a run to `out`, which holds the old result or the new one, whole.

    Map, registers and sheets tell the first blocks by rank one by one, as many as the study's
    `told_in_full`, and say so where there are more; `candidates.gpkg` and the tables hold them all.

    Parameters
    ----------
    result : Result
        From `friches.run`.
    out : Path
        Folder of the outputs (see README); its parent is made if needed.
    pdf : bool
        Also write each sheet as PDF (needs the extra `pdf` and Pango).
    base_maps : bool
        Let the map ask the Géoplateforme for background maps when it is online.

    Returns
    -------
    Path
        `out`.
    """
    out = Path(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    _recover(out)
    side = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    side.chmod(0o755)
    try:
        _fill(result, side, pdf=pdf, base_maps=base_maps)
        _exchange(side, out)
    finally:
        shutil.rmtree(side, ignore_errors=True)
    return out


def _fill(result: Result, side: Path, *, pdf: bool, base_maps: bool) -> None:
    first = result.study.study.told_in_full
    writers = (
        lambda: write_map(result, side / "map.html", base_maps=base_maps, told_in_full=first),
        lambda: write_register_html(result, side / "register.html", told_in_full=first),
        lambda: write_workbook(result, side / "register.xlsx", told_in_full=first),
        lambda: write_sheets(result, side / "sheets", pdf=pdf, told_in_full=first),
        lambda: write_geopackage(result, side / "candidates.gpkg"),
        lambda: write_tables(result, side / "tables"),
    )
    for writer in writers:
        writer()
        give_back()
    _json(side / "summary.json", result.summary)
    _json(side / "manifest.json", manifest(result))


def write_tables(result: Result, folder: Path) -> None:
    """Write every table as Parquet, a part of its rows at a time: no copy of a whole table."""
    import geopandas as gpd
    import pyarrow as pa
    import pyarrow.parquet as pq

    shown = visible(result)
    folder.mkdir(parents=True, exist_ok=True)
    for name in TABLE_NAMES:
        table = getattr(shown, name)
        if table is None:  # a result made by hand may lack what a run always has
            continue
        table = _used(table)
        path = folder / f"{name}.parquet"
        if isinstance(table, gpd.GeoDataFrame) or len(table) <= PART:
            table.to_parquet(path, compression="zstd")
            continue
        parts = (pa.Table.from_pandas(part, preserve_index=False) for part in _parts(table))
        first = next(parts)
        with pq.ParquetWriter(path, first.schema, compression="zstd") as writer:
            writer.write_table(first)
            for part in parts:
                writer.write_table(part.cast(first.schema))


def _used(table: Any) -> Any:
    """Return a table without notes, and without texts of rows that are not shown.

    A category keeps the texts of rows that were taken out: a withdrawn parcel would stay in it.
    """
    bare = table.copy(deep=False)
    bare.attrs = {}
    for name, kind in table.dtypes.items():
        if isinstance(kind, pd.CategoricalDtype) and not _all_met(table[name]):
            bare[name] = table[name].cat.remove_unused_categories()
    return bare


def _all_met(column: pd.Series[Any]) -> bool:
    """Say whether every category has a row: pandas finds out by sorting a copy of all rows."""
    met = np.zeros(len(column.cat.categories) + 1, bool)
    met[column.cat.codes.to_numpy()] = True  # the last place is that of missing values
    return bool(met[:-1].all())


def _parts(table: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Yield the rows of a table a part at a time; texts of many kinds as plain texts.

    A category goes into every part with all its texts: a million identifiers would be written
    over and over.
    """
    many = [
        name
        for name, kind in table.dtypes.items()
        if isinstance(kind, pd.CategoricalDtype) and len(kind.categories) > PART // 10
    ]
    for start in range(0, len(table), PART):
        yield table.iloc[start : start + PART].astype(dict.fromkeys(many, "str"))


def _json(path: Path, said: Any) -> None:
    path.write_text(json.dumps(inert.cleaned(said), ensure_ascii=False, indent=2) + "\n", "utf-8")


def manifest(result: Result) -> dict[str, Any]:
    """Return what the outputs were made from: inputs, parameters, versions, durations."""
    study = result.study.model_dump(mode="json", exclude={"folder"})
    return {
        "run": run_id(result),
        "made_on": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "friches": __version__,
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
        "code_sha256": keep.code_digest(),
        "study": study,
        "inputs": result.provenance.to_dict(orient="records"),
        "missing_layers": result.missing.to_dict(orient="records"),
        "exclusions": None
        if result.exclusions is None
        else counted(result.exclusions, result.parcels),
        "answers": None
        if result.answers is None or result.contradictions is None
        else {"given": len(result.answers), "contradictions": len(result.contradictions)},
        "seconds": {**result.durations, "total": round(sum(result.durations.values()), 3)},
        "tables": {
            name: sorted(c.name for c in tables.TABLES[name].columns) for name in TABLE_NAMES
        },
        "law_reviewed_by": "",
    }


def _exchange(side: Path, out: Path) -> None:
    """Put `side` at `out` in one step; afterwards `side` holds the old result, if there was one."""
    if not out.exists():
        side.rename(out)
        return
    if sys.platform == "linux" and _renameat2(side, out):
        return
    old = out.with_name(f".{out.name}.old")  # two steps; `_recover` mends a stop between them
    shutil.rmtree(old, ignore_errors=True)
    out.rename(old)
    side.rename(out)
    shutil.rmtree(old, ignore_errors=True)


def _renameat2(side: Path, out: Path) -> bool:
    call = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if call is None:
        return False
    return bool(call(_HERE, os.fsencode(side), _HERE, os.fsencode(out), _EXCHANGE) == 0)


def _recover(out: Path) -> None:
    old = out.with_name(f".{out.name}.old")
    if old.is_dir() and not out.exists():
        old.rename(out)
    for left in out.parent.glob(f".{out.name}-*"):
        if left.is_dir() and (left / "map.html").exists() | (not any(left.iterdir())):
            shutil.rmtree(left, ignore_errors=True)

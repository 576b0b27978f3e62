"""Stages kept by the hash of what they were made from, so that work is never done twice."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Callable

PACKAGE = Path(__file__).resolve().parent
NOT_HASHED = ("view", "sample", "cli.py", "data")


def digest(*parts: Any) -> str:
    """Return a SHA-256 of anything that JSON can say (dates and paths as text)."""
    text = json.dumps(parts, sort_keys=True, default=str, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file, or of every file of a folder in the order of their names."""
    if path.is_dir():
        inside = sorted(p for p in path.rglob("*") if p.is_file())
        return digest([(p.relative_to(path).as_posix(), file_digest(p)) for p in inside])
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@cache
def code_digest() -> str:
    """Return the SHA-256 of the code, rules and figures that make tables (not of the views)."""
    files = sorted(p for end in ("py", "toml", "csv") for p in PACKAGE.rglob(f"*.{end}"))
    kept = [p for p in files if p.relative_to(PACKAGE).parts[0] not in NOT_HASHED]
    return digest([(p.relative_to(PACKAGE).as_posix(), file_digest(p)) for p in kept])


def kept(
    folder: Path | None, stage: str, key: str, make: Callable[[], dict[str, Any]]
) -> dict[str, Any]:
    """Return the tables of a stage: from `folder` if they were kept under `key`, else made.

    Parameters
    ----------
    folder : Path or None
        Where stages are kept; None keeps nothing. A folder that cannot be written is as None.
    stage, key : str
        Name of the stage and digest of everything it depends on.
    make : callable
        Returns the tables by name; called only when they are not kept.

    Notes
    -----
    A stage is written beside its place and renamed, so a killed run leaves whole stages only.
    Other keys of the same stage are removed: at most one version of each stage is kept.
    """
    if folder is None:
        return make()
    place = folder / f"{stage}-{key[:24]}"
    if place.is_dir():
        return _load(place)
    made = make()
    try:
        _store(folder, place, made)
    except OSError:
        return made
    for old in folder.glob(f"{stage}-*"):
        if old != place and old.name.removeprefix(f"{stage}-").isalnum():
            shutil.rmtree(old, ignore_errors=True)
    return made


def _store(folder: Path, place: Path, made: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    side = Path(tempfile.mkdtemp(prefix=".part-", dir=folder))
    try:
        for name, table in made.items():
            _write(table, side / f"{name}.parquet")
        side.rename(place)
    except FileExistsError:  # another run kept the same stage meanwhile
        shutil.rmtree(side, ignore_errors=True)
    except OSError:
        shutil.rmtree(side, ignore_errors=True)
        if not place.is_dir():
            raise


def _write(table: Any, path: Path) -> None:
    attrs, table = dict(table.attrs), table.copy(deep=False)
    table.attrs = {}
    table.to_parquet(path, compression="zstd")
    if attrs:
        path.with_suffix(".json").write_text(json.dumps(attrs, default=str), "utf-8")


def _load(place: Path) -> dict[str, Any]:
    tables = {}
    for path in sorted(place.glob("*.parquet")):
        tables[path.stem] = read_table(path)
        notes = path.with_suffix(".json")
        if notes.is_file():
            tables[path.stem].attrs.update(json.loads(notes.read_text("utf-8")))
    return tables


def read_table(path: Path) -> Any:
    """Read a table kept as Parquet, with its geometry if it has one."""
    import pyarrow.parquet as pq

    if b"geo" in (pq.read_schema(path).metadata or {}):
        import geopandas as gpd

        return gpd.read_parquet(path)
    return pd.read_parquet(path)


def writable(folder: Path) -> bool:
    """Say whether `folder` (or its nearest existing parent) can be written."""
    while not folder.exists():
        folder = folder.parent
    return os.access(folder, os.W_OK)

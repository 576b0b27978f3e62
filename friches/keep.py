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
    place = place_of(folder, stage, key)
    if place.is_dir():
        return {path.stem: read_table(path) for path in sorted(place.glob("*.parquet"))}
    made = make()
    try:
        store(place, made)
    except OSError:
        return made
    forget(folder, stage, place)
    return made


def place_of(folder: Path, stage: str, key: str) -> Path:
    """Return the folder where a stage is kept under `key`; it is there whole or not at all."""
    return folder / f"{stage}-{key[:24]}"


def forget(folder: Path, stage: str, but: Path) -> None:
    """Remove what is kept of a stage under other keys."""
    for old in folder.glob(f"{stage}-*"):
        if old != but and old.name.removeprefix(f"{stage}-").isalnum():
            shutil.rmtree(old, ignore_errors=True)


def store(
    place: Path, made: dict[str, Any], write: Callable[[Any, Path], None] | None = None
) -> None:
    """Write tables to the folder `place`, in one step: another process sees all of it or nothing.

    Parameters
    ----------
    place : Path
        Made, with its parents; one that is already there is left as it is.
    made : dict of str to DataFrame
    write : callable, optional
        Writes one table to a path; `write_table` by default.

    Raises
    ------
    OSError
        When the folder cannot be written.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    side = Path(tempfile.mkdtemp(prefix=".part-", dir=place.parent))
    try:
        for name, table in made.items():
            (write or write_table)(table, side / f"{name}.parquet")
        side.rename(place)
    except OSError:
        shutil.rmtree(side, ignore_errors=True)
        if not place.is_dir():  # else another run kept the same stage meanwhile
            raise


def write_table(table: Any, path: Path, **how: Any) -> None:
    """Write a table as Parquet, its `attrs` as JSON beside it; `how` goes to `to_parquet`."""
    attrs, table = dict(table.attrs), table.copy(deep=False)
    table.attrs = {}
    table.to_parquet(path, compression="zstd", **how)
    if attrs:
        path.with_suffix(".json").write_text(json.dumps(attrs, default=str), "utf-8")


def read_attrs(path: Path) -> dict[str, Any]:
    """Return the `attrs` kept beside a table."""
    notes = path.with_suffix(".json")
    return json.loads(notes.read_text("utf-8")) if notes.is_file() else {}


def read_table(path: Path) -> Any:
    """Read a table kept as Parquet, with its geometry if it has one, and its `attrs`."""
    import pyarrow.parquet as pq

    if b"geo" in (pq.read_schema(path).metadata or {}):
        import geopandas as gpd

        table: Any = gpd.read_parquet(path)
    else:
        table = pd.read_parquet(path)
    table.attrs.update(read_attrs(path))
    return table


def writable(folder: Path) -> bool:
    """Say whether `folder` (or its nearest existing parent) can be written."""
    while not folder.exists():
        folder = folder.parent
    return os.access(folder, os.W_OK)

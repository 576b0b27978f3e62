"""Official exports told from tables written by hand: by their columns, never by their names."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from friches.errors import refuse
from friches.sources.columns import clean, cleaned, read_csv_text
from friches.sources.words import book, fold

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

MAX_BYTES = 512 * 1024**2
"""Bytes of one JSON export: all of the Agence Bio's operators weigh under 300 MB (ASSUMPTION)."""
SIRET = r"\d{14}"


class Export(NamedTuple):
    """One file: what it is (a key of exports.toml, "" when it is none) and its rows as told.

    `rows` has our column names (`key`) and cleaned text (CSV) or values as in the JSON.
    """

    kind: str
    rows: pd.DataFrame


def export(path: Path) -> Export:
    """Return what an official export holds, or an `Export` of kind "" for any other file.

    Parameters
    ----------
    path : Path
        CSV, or JSON: one object, a list of objects, or pages of them (`items`, `results`).

    Raises
    ------
    InputError
        JSON that cannot be read, or a CSV that cannot.
    """
    none = Export("", pd.DataFrame())
    if not path.is_file():
        return none
    with path.open("rb") as file:
        start = file.read(4096)
    head = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    if head[:1] in (b"{", b"["):
        if re.search(rb'"type"\s*:\s*"FeatureCollection"', head):
            return none
        rows = pd.DataFrame(_records(_json(path)))
    elif start[:2] == b"\x1f\x8b" or b"\0" in head or head[:1] in (b"<", b""):
        return none
    else:
        rows = read_csv_text(path)
    rows.columns = pd.Index([key(name) for name in rows.columns])
    kind = kind_of(rows.columns)
    return Export(kind, rows.loc[:, ~rows.columns.duplicated()]) if kind else none


def key(name: object) -> str:
    """Return a column name in lower case, without accents, words joined by « _ »."""
    return re.sub(r"[^a-z0-9]+", "_", fold(str(name))).strip("_")


def kind_of(columns: Iterable[str]) -> str:
    """Return the kind of export that has these columns, or ""."""
    present = set(columns)
    for kind, having, without in _signs():
        if all(present & names for names in having) and not present & without:
            return kind
    return ""


def label(kind: str) -> str:
    """Return what a kind of export is called in French."""
    return str(book("exports")[kind]["label"])


@cache
def _signs() -> list[tuple[str, list[set[str]], set[str]]]:
    return [
        (kind, [set(names) for names in said["having"]], set(said.get("without", ())))
        for kind, said in book("exports").items()
    ]


def siret(column: pd.Series[Any]) -> pd.Series[str]:
    """Return SIRET numbers of 14 digits; anything else (a spreadsheet's 2,1E+13) as missing."""
    text = column.map(lambda v: re.sub(r"\s|\.0$", "", str(v)), na_action="ignore").astype("str")
    good = text.str.fullmatch(SIRET).fillna(value=False).astype(bool)
    return text.where(good & (text != "0" * 14))


def _json(path: Path) -> Any:
    again = "le télécharger de nouveau"
    if path.stat().st_size > MAX_BYTES:
        raise refuse("fichier JSON démesuré", path, "le découper au département")
    try:
        raw = path.read_bytes()
        if raw[:2] == b"\x1f\x8b":
            raw = gzip.decompress(raw)
        return json.loads(raw.decode("utf-8-sig"))
    except (ValueError, RecursionError, EOFError, OSError, zlib.error) as error:
        raise refuse(f"JSON illisible ou tronqué ({clean(str(error))})", path, again) from error


def _records(said: Any) -> list[dict[str, Any]]:
    """Return the objects of an answer: one, a list, a page or a list of pages."""
    if isinstance(said, dict):
        for name in ("items", "results", "features"):
            if isinstance(said.get(name), list):
                return _records(said[name])
        return [said]
    if isinstance(said, list):
        found: list[dict[str, Any]] = []
        for one in said:
            if isinstance(one, dict) and isinstance(one.get("items", one.get("results")), list):
                found += _records(one)
            elif isinstance(one, dict):
                found.append(one)
        return found
    return []


def texts(column: pd.Series[Any]) -> pd.Series[str]:
    """Return a column as cleaned text, whatever JSON held; missing as NaN."""
    as_text = column.map(lambda v: v if isinstance(v, str) else str(v), na_action="ignore")
    return cleaned(as_text.astype("str"))

"""Columns as people write them: text cleaned; numbers, answers and dates read or refused."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from typing import TYPE_CHECKING, Any

import pandas as pd

from friches.errors import UNSAFE, Breach, InputError, refuse
from friches.sources.container import unpacked

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_SPACES = re.compile(r"[\t\r\n\v\f]+")
_THOUSANDS = re.compile(r"(?<=\d)[ \u00a0\u202f\u2009](?=\d{3}(\D|$))")
_YES = {"oui", "o", "yes", "y", "true", "vrai", "t", "1", "1.0"}
_NO = {"non", "n", "no", "false", "faux", "f", "0", "0.0"}
_TODO = {
    "nombre": "mettre un nombre ou laisser vide",
    "oui/non": "mettre oui, non, ou laisser vide",
    "date": "écrire AAAA-MM-JJ ou laisser vide",
}
_DAYS = (
    (r"\d{4}-\d{2}-\d{2}", "%Y-%m-%d"),
    (r"\d{1,2}/\d{1,2}/\d{4}", "%d/%m/%Y"),
    (r"\d{4}/\d{2}/\d{2}", "%Y/%m/%d"),
    (r"\d{8}", "%Y%m%d"),
)


def clean(value: Any) -> Any:
    """Return one text stripped, NFC, unsafe characters as U+FFFD; None when nothing is left."""
    if not isinstance(value, str):
        return value
    if value.isascii() and value.isprintable():  # nothing to mend: most of a cadastre
        return value.strip() or None
    if not value.isascii():
        value = unicodedata.normalize("NFC", value)
    value = UNSAFE.sub("\ufffd", _SPACES.sub(" ", value)).strip()
    return value or None


def cleaned(series: pd.Series[Any]) -> pd.Series[Any]:
    """Return a column with its texts cleaned (`clean`); other kinds pass untouched.

    Columns that hold only texts come back as `str`, missing as NaN.
    """
    if not (isinstance(series.dtype, pd.StringDtype) or series.dtype == object):
        return series
    values = series.map(clean, na_action="ignore")
    if isinstance(series.dtype, pd.StringDtype) or values.isna().all():
        return values.astype("str")
    if values.dropna().map(lambda v: isinstance(v, str)).all():
        return values.astype("str")
    return values


def pick(
    frame: pd.DataFrame,
    wanted: Mapping[str, Sequence[str]],
    where: object,
    optional: Mapping[str, Sequence[str]] | None = None,
) -> pd.DataFrame:
    """Return the wanted columns of `frame` under our names (geometry kept last).

    Parameters
    ----------
    frame : DataFrame or GeoDataFrame
        Lower-case columns.
    wanted : mapping
        Our name -> names it may have in the file, best first; the first one present is taken.
    where : str or Path
        The file to name in messages.
    optional : mapping, optional
        The same for columns that a file may lack: they come back as missing text.

    Raises
    ------
    InputError
        One breach for every wanted column that is absent, all at once.
    """
    present = {str(column).lower(): column for column in frame.columns}
    found: dict[str, Any] = {}
    breaches = []
    for target, names in wanted.items():
        found[target] = next((present[n.lower()] for n in names if n.lower() in present), None)
        if found[target] is None:
            breaches.append(
                Breach(
                    f"colonne « {names[0]} » absente",
                    str(where),
                    f"noms acceptés : {', '.join(names)} ; "
                    f"colonnes présentes : {', '.join(map(str, frame.columns))}",
                )
            )
    if breaches:
        raise InputError(breaches)
    for target, names in (optional or {}).items():
        found[target] = next((present[n.lower()] for n in names if n.lower() in present), None)
    out = pd.DataFrame(
        {
            target: pd.Series(index=frame.index, dtype="str") if name is None else frame[name]
            for target, name in found.items()
        },
        index=frame.index,
    )
    if "geometry" in frame.columns and hasattr(frame, "crs"):
        import geopandas as gpd

        out = gpd.GeoDataFrame(out, geometry=frame.geometry, crs=frame.crs)
    out.attrs.update(frame.attrs)
    return out


def _refuse_unread(
    series: pd.Series[Any], values: pd.Series[Any], where: object, column: str, kind: str
) -> None:
    bad = (values.isna() & series.notna()).to_numpy()
    if bad.any():
        row = int(bad.argmax())
        raise refuse(
            f"colonne « {column} » : {int(bad.sum())} valeur(s) illisible(s) comme {kind} "
            f"(première : « {series.iloc[row]} », ligne {row + 1})",
            where,
            _TODO[kind],
        )


def numbers(series: pd.Series[Any], where: object, column: str) -> pd.Series[float]:
    """Return a column as float64, missing as NaN; « 12,5 » and « 1 234 » are read.

    Raises
    ------
    InputError
        Text or infinite values, with their count and the first one.
    """
    series = cleaned(series)
    if isinstance(series.dtype, pd.StringDtype) or series.dtype == object:
        text = series.map(str, na_action="ignore").astype("str")
        text = text.str.replace(_THOUSANDS, "", regex=True).str.replace(",", ".", regex=False)
        # Only plain decimal writing: « nan », « inf » and « 0x1F » are no numbers here.
        plain = text.str.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?").fillna(value=False)
        values = pd.to_numeric(text.where(plain.astype(bool)), errors="coerce").astype("float64")
    elif series.dtype == "float32":
        # By its shortest writing: 20.12 is meant, not 20.120001.
        read = series.to_numpy().astype(str).astype("float64")
        values = pd.Series(read, index=series.index)
    else:
        values = pd.to_numeric(series, errors="coerce").astype("float64")
    values = values.where(values.abs() != float("inf"))
    _refuse_unread(series, values, where, column, "nombre")
    return values


def answers(series: pd.Series[Any], where: object, column: str) -> pd.Series[bool]:
    """Return a column of oui/non (yes/no, true/false, 1/0) as boolean; missing stays missing.

    Raises
    ------
    InputError
        Any other word, with the count and the first one.
    """
    series = cleaned(series)
    text = series.map(lambda v: str(v).lower(), na_action="ignore")
    values = text.map(lambda v: True if v in _YES else False if v in _NO else None)
    values = values.astype("boolean")
    _refuse_unread(series, values, where, column, "oui/non")
    return values


def dates(series: pd.Series[Any], where: object, column: str) -> pd.Series[Any]:
    """Return a column of days as datetime64[ns] (2026-09-01, 01/09/2026, 20260901); missing NaT.

    Raises
    ------
    InputError
        Anything else, impossible days included, with the count and the first one.
    """
    series = cleaned(series)
    if pd.api.types.is_datetime64_any_dtype(series):
        if getattr(series.dt, "tz", None) is not None:
            series = series.dt.tz_localize(None)
        days: pd.Series[Any] = series.dt.normalize().astype("datetime64[ns]")
        return days
    text = series.map(lambda v: re.sub(r"[T ]\d\d:.*$", "", str(v)), na_action="ignore")
    text = text.astype("str").str.removesuffix(".0")
    values = pd.Series(pd.NaT, index=series.index, dtype="datetime64[ns]")
    for pattern, form in _DAYS:
        fits = text.str.fullmatch(pattern).fillna(value=False).astype(bool)
        read = pd.to_datetime(text.where(fits), format=form, errors="coerce")
        values = values.fillna(read.astype("datetime64[ns]"))
    _refuse_unread(series, values, where, column, "date")
    return values


def read_csv_text(path: Path) -> pd.DataFrame:
    """Read a CSV (also .gz) with all its columns as cleaned text and lower-case names.

    The delimiter (`,`, `;`, tab or `|`) is told from the first line, quotes respected; the
    encoding is UTF-8 (with or without mark), else Windows-1252.

    Raises
    ------
    InputError
        No text table, empty file, a header twice, or rows of another length than the header.
    """
    with unpacked(path) as (plain, form):
        if form != "text":
            raise refuse("ce n'est pas une table CSV", path, "donner un fichier .csv")
        raw = plain.read_bytes()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("cp1252", errors="replace")
    first = next((line for line in text.splitlines() if line.strip()), "")
    outside = re.sub(r'"[^"]*"', "", first)
    delimiter = max(";,\t|", key=outside.count)
    rows = [r for r in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if any(r)]
    if len(rows) < 2:
        raise refuse("table sans aucune ligne", path, "ajouter des lignes ou retirer la source")
    header = [(clean(name) or f"colonne_{i}").lower() for i, name in enumerate(rows[0], start=1)]
    _check_rows(header, rows, path)
    frame = pd.DataFrame(rows[1:], columns=header, dtype="str")
    return frame.apply(cleaned)


def _check_rows(header: list[str], rows: list[list[str]], path: Path) -> None:
    breaches = [
        Breach(f"colonne « {name} » deux fois", str(path), "renommer l'une des deux")
        for name in sorted({n for n in header if header.count(n) > 1})
    ]
    uneven = [i for i, row in enumerate(rows, start=1) if len(row) != len(header)]
    if uneven:
        breaches.append(
            Breach(
                f"{len(uneven)} ligne(s) n'ont pas les {len(header)} champs de l'en-tête "
                f"(première : ligne {uneven[0]})",
                str(path),
                "vérifier le séparateur et les guillemets",
            )
        )
    if breaches:
        raise InputError(breaches)

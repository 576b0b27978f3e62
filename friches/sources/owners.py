"""Legal persons' parcels (DGFiP): who owns, by kind; names stay out unless asked for."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING

import pandas as pd

from friches import tables
from friches.errors import Breach, InputError, refuse
from friches.sources.columns import clean
from friches.sources.container import unpacked
from friches.sources.vector import numbers
from friches.sources.words import book, fold

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

PARCEL_ID = r"(?:\d\d|2[AB])\d{3}\d{3}[0-9A-Z]{2}\d{4}"
"""A cadastral identifier: commune (5), prefix (3), section (2), number (4)."""
_WIDTH = 24


def read_owners(
    paths: Sequence[Path],
    crs: str = "",  # noqa: ARG001  (one signature for all readers)
    bounds: object = None,  # noqa: ARG001
    *,
    names: bool = False,
    communes: Collection[str] | None = None,
) -> pd.DataFrame:
    """Read the parcels of legal persons, one row a parcel, right and land class.

    Parameters
    ----------
    paths : sequence of Path
        DGFiP files: 24 columns, `;`, UTF-8 or Windows-1252, with or without a header.
    crs, bounds
        Not used: the file has no geometry.
    names : bool
        Keep the denomination (restricted audience only).
    communes : collection of str, optional
        INSEE codes to keep.

    Returns
    -------
    DataFrame
        Table "owners", sorted by parcel, with two columns more: `right` (DGFiP code) and
        `land_m2` (area of the fiscal subdivision, m2). A parcel absent from it belongs to
        natural persons.

    Raises
    ------
    InputError
        Not such a file, impossible identifiers, unknown groups: every breach of every file.
    """
    parts: list[pd.DataFrame] = []
    breaches: list[Breach] = []
    for path in paths:
        try:
            parts.append(_owners(_rows(path), path, names))
        except InputError as error:
            breaches.extend(error.breaches)
    if breaches:
        raise InputError(breaches)
    table = pd.concat(parts, ignore_index=True)
    if communes is not None:
        table = table[table["parcel_id"].str[:5].isin(list(communes))]
    table = table.drop_duplicates().sort_values("parcel_id", kind="stable", ignore_index=True)
    return tables.check(table, "owners", ", ".join(map(str, paths)))


def group_labels() -> dict[str, str]:
    """Return the French label of each DGFiP group of persons ("0" to "9")."""
    return {row["code"]: row["label"] for row in book("owners")["groups"]["list"]}


def parcel_ids(
    department: pd.Series[str],
    commune: pd.Series[str],
    prefix: pd.Series[str],
    section: pd.Series[str],
    plan: pd.Series[str],
) -> pd.Series[str]:
    """Return 14-character identifiers from unpadded parts (missing prefix: 000).

    A commune is 3 characters after a département of 2, 2 after an overseas one of 3; a complete
    INSEE code of 5 is taken as it is.
    """
    department = department.fillna("").str.upper().str.zfill(2)
    commune = commune.fillna("").str.upper()
    commune = commune.where(department.str.len() != 2, commune.str.zfill(3))
    commune = commune.where(department.str.len() != 3, commune.str.zfill(2))
    # Overseas, some files repeat the third figure: 974 and 411 make 97411.
    head = department.where(commune.str.len() != 3, department.str[:2])
    insee = (head + commune).where(commune.str.len() != 5, commune)
    return (
        insee
        + prefix.fillna("").str.zfill(3)
        + section.fillna("").str.upper().str.zfill(2)
        + plan.fillna("").str.zfill(4)
    )


def _rows(path: Path) -> pd.DataFrame:
    """Return the file's cells as text under our names."""
    with unpacked(path) as (plain, form):
        if form != "text":
            raise refuse("ce n'est pas une table CSV", path, "donner le fichier de la DGFiP")
        raw = plain.read_bytes()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("cp1252", errors="replace")
    first = text.split("\n", 1)[0]
    delimiter = max(";,\t|", key=first.count)
    rows = [
        row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if any(row)
    ]
    if not rows:
        raise refuse("table vide", path, "donner le fichier de la DGFiP")
    header = None if re.match(r"\s*(\d|2[AB])", rows[0][0]) else rows.pop(0)
    width = len(header) if header else _WIDTH
    uneven = [number for number, row in enumerate(rows, 1) if len(row) != width]
    if uneven or not rows:
        raise refuse(
            f"{len(uneven)} ligne(s) sans les {width} colonnes attendues "
            f"(première : ligne {uneven[0]})"
            if uneven
            else "table sans aucune ligne",
            path,
            "vérifier le séparateur « ; » et que le fichier est complet",
        )
    places = _places(header, path)
    columns = {
        name: [clean(row[at]) for row in rows] if at is not None else None
        for name, at in places.items()
    }
    return pd.DataFrame(columns, index=range(len(rows))).astype("str")


def _places(header: list[str] | None, path: Path) -> dict[str, int | None]:
    """Return the position of each column read: by its name, or by its rank without a header."""
    specs = {k: v for k, v in book("owners")["columns"].items() if isinstance(v, dict)}
    if header is None:
        return {name: spec["at"] for name, spec in specs.items()}
    folded = [re.sub(r"[_\s]+", " ", fold(cell)) for cell in header]
    places: dict[str, int | None] = {}
    breaches = []
    for name, spec in specs.items():
        found = [at for at, cell in enumerate(folded) if re.search(spec["like"], cell)]
        places[name] = spec["at"] if spec["at"] in found else next(iter(found), None)
        if places[name] is None and not spec.get("optional"):
            breaches.append(
                Breach(
                    f"colonne introuvable pour « {name} » (rang {spec['at'] + 1} attendu)",
                    str(path),
                    f"en-tête lu : {' ; '.join(header)}",
                )
            )
    if breaches:
        raise InputError(breaches)
    return places


def _owners(rows: pd.DataFrame, path: Path, names: bool) -> pd.DataFrame:
    parts = [rows[part] for part in ("department", "commune", "prefix", "section", "plan")]
    ids = parcel_ids(*parts)
    group = rows["group"].str.extract(r"^0*(\d)(?:\D|$)")[0].astype("str")
    breaches = [
        *_breach(~ids.str.fullmatch(PARCEL_ID), ids, path, "identifiant(s) de parcelle impossible"),
        *_breach(group.isna() & rows["group"].notna(), rows["group"], path, "groupe(s) inconnu"),
    ]
    if breaches:
        raise InputError(breaches)
    columns = {
        "parcel_id": ids,
        "owner_kind": _kinds(rows["name"], group, rows["siren"]),
        "owner_group": group,
        "land_class": rows["land_class"].str.upper(),
        "right": rows["right"].str.upper(),
        "land_m2": numbers(rows["land_m2"], path, "contenance (évaluation SUF)"),
    }
    if names:
        columns["name"] = rows["name"]
    return pd.DataFrame(columns)


def _kinds(name: pd.Series[str], group: pd.Series[str], siren: pd.Series[str]) -> pd.Series[str]:
    rule = book("owners")
    kinds = {row["code"]: row["kind"] for row in rule["groups"]["list"]}
    kind = group.map(kinds).astype("str")
    # Group left blank: SIREN numbers in 1 and 2 are those of public bodies (RECALLED).
    public = siren.str.match(r"[12]\d{8}$").fillna(value=False).astype("bool")
    kind = kind.where(kind.notna(), public.map({True: "public", False: "legal"}).astype("str"))
    flat = name.map(lambda text: fold(text).upper()).astype("str")
    for answer in ("section", "unknown"):
        pattern = re.compile("|".join(f"(?:{p})" for p in rule[answer]["patterns"]))
        said = flat.map(lambda text, like=pattern: bool(like.search(text))).astype("bool")
        kind = kind.mask(said, answer)
    return kind


def _breach(bad: pd.Series[bool], values: pd.Series[str], path: Path, what: str) -> list[Breach]:
    if not bad.any():
        return []
    at = int(bad.to_numpy().argmax())
    return [
        Breach(
            f"{int(bad.sum())} {what}(s) (première ligne de données : {at + 1}, "
            f"« {values.iloc[at]} »)",
            str(path),
            "vérifier que les 24 colonnes sont dans l'ordre de la DGFiP",
        )
    ]

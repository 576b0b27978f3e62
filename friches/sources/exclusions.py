"""Parcels withdrawn at somebody's request: `exclusions.csv` beside the study file, if there is one.

Columns parcel, reason, date, by. Who asked and why stays in that file: outputs carry a count, and
« retirée à la demande » where the reader may see parcels.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pandas as pd

from friches.errors import Breach, InputError
from friches.keep import file_digest
from friches.sources.columns import clean, dates, pick, read_csv_text
from friches.sources.owners import PARCEL_ID

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from friches.studyfile import Study

NAME = "exclusions.csv"
WANTED = {
    "parcel_id": ("parcel", "parcel_id", "parcelle"),
    "reason": ("reason", "motif"),
    "date": ("date",),
    "by": ("by", "par"),
}
_TODO = "colonnes parcel, reason, date, by ; une ligne par parcelle"


def exclusions_file(study: Study) -> Path:
    """Return where the exclusions of a study stand, whether or not the file is there."""
    return study.folder / NAME


def exclusions_key(study: Study) -> str:
    """Return the SHA-256 of the exclusions file, "" without one: part of what blocks depend on."""
    path = exclusions_file(study)
    return file_digest(path) if path.is_file() else ""


def read_exclusions(study: Study) -> pd.DataFrame:
    """Read the parcels withdrawn at somebody's request.

    Parameters
    ----------
    study : Study
        Its folder may hold `exclusions.csv`.

    Returns
    -------
    DataFrame
        parcel_id (14 characters), reason, date (datetime64[ns]), by; sorted by parcel; no row
        without a file, or with a header alone.

    Raises
    ------
    InputError
        Absent columns, impossible identifiers, a parcel twice, a reason, date or author left
        empty, unreadable dates: every breach at once.
    """
    path = exclusions_file(study)
    if not path.exists() or (path.is_file() and _header_alone(path)):
        return _empty()
    said = pick(read_csv_text(path), WANTED, path)
    said["parcel_id"] = said["parcel_id"].str.upper().str.replace(" ", "", regex=False)
    breaches = list(_breaches(said, path))
    try:
        said["date"] = dates(said["date"], path, "date")
    except InputError as error:
        breaches += error.breaches
    if breaches:
        raise InputError(breaches)
    return said.sort_values("parcel_id", ignore_index=True)


def _empty() -> pd.DataFrame:
    kinds = dict.fromkeys(WANTED, "str") | {"date": "datetime64[ns]"}
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in kinds.items()})


def _header_alone(path: Path) -> bool:
    """Tell a file prepared for later (one line, the header) from one with requests."""
    with path.open("rb") as file:
        lines = [line for line in file.read(4096).splitlines() if line.strip()]
    return len(lines) == 1 and bool(re.search(rb"parcel", lines[0], re.IGNORECASE))


def _breaches(said: pd.DataFrame, path: Path) -> Iterable[Breach]:
    known = said["parcel_id"].notna()
    wrong = known & ~said["parcel_id"].fillna("").str.fullmatch(PARCEL_ID)
    if wrong.any():
        yield _breach(wrong, said["parcel_id"], path, "identifiant(s) de parcelle impossible(s)")
    for column in ("parcel_id", "reason", "date", "by"):
        empty = said[column].isna()
        if empty.any():
            name = WANTED[column][0]
            yield _breach(empty, said["parcel_id"], path, f"colonne « {name} » vide")
    twice = known & said["parcel_id"].duplicated(keep=False)
    if twice.any():
        yield _breach(twice, said["parcel_id"], path, "ligne(s) pour une même parcelle")


def _breach(bad: pd.Series[Any], ids: pd.Series[Any], path: Path, what: str) -> Breach:
    row = int(bad.to_numpy().argmax())
    first = clean(ids.iloc[row]) if isinstance(ids.iloc[row], str) else "parcelle non indiquée"
    return Breach(
        f"{int(bad.sum())} {what} (première : « {first} », ligne {row + 2})", str(path), _TODO
    )


def counted(exclusions: pd.DataFrame, parcels: pd.DataFrame) -> dict[str, int]:
    """Return how many requests there are, how many apply here, how many find no parcel.

    Parameters
    ----------
    exclusions : DataFrame
        From `read_exclusions`.
    parcels : DataFrame
        Table "parcels".
    """
    here = exclusions["parcel_id"].isin(parcels["parcel_id"])
    return {
        "asked": len(exclusions),
        "withdrawn": int(here.sum()),
        "not_in_cadastre": int((~here).sum()),
    }


def unmatched(exclusions: pd.DataFrame, parcels: pd.DataFrame) -> list[str]:
    """Return the withdrawn ids that the cadastre does not hold: divided, merged or mistyped."""
    here = exclusions["parcel_id"].isin(parcels["parcel_id"])
    return list(exclusions.loc[~here, "parcel_id"])

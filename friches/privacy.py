"""Owners are people: how long, what for, and which counts are too small to be shown.

Every threshold stands in privacy.toml with its source and mark.
"""

from __future__ import annotations

import datetime as dt
import tomllib
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from friches.errors import refuse
from friches.sources.catalogue import UNDATED, vintage

if TYPE_CHECKING:
    from friches.studyfile import Study


@cache
def rules() -> dict[str, dict[str, Any]]:
    """Return the rules of privacy.toml: value, sentence, source and mark of each."""
    return tomllib.loads((resources.files("friches") / "privacy.toml").read_text("utf-8"))


def destroy_by(day: dt.date) -> dt.date:
    """Return the last day on which files with owners' names made as of `day` may be kept."""
    return dt.date(day.year + rules()["destroy"]["years_after"], 12, 31)


def check_purpose(study: Study) -> None:
    """Refuse the restricted audience without a written purpose.

    Raises
    ------
    InputError
        `audience = "restricted"` and `purpose` absent or blank.
    """
    if study.study.audience == "restricted" and not study.study.purpose.strip():
        raise refuse(
            '« audience = "restricted" » sans finalité : les noms de propriétaires ne se '
            "traitent que pour une finalité écrite",
            "[study] purpose",
            "écrire la finalité de l'engagement signé, par exemple "
            'purpose = "recherche des propriétaires de terres incultes (CRPM L125-1)"',
        )


def owners_warnings(study: Study) -> list[str]:
    """Return what to tell about the age of the owners' files, by the year in their names.

    A year alone counts from its 1st of January (state of the files at that date: RECALLED). A file
    exactly as old as the limit is not warned of; one whose name has no year is, since nobody can
    tell.
    """
    limit = rules()["owners_file"]["years_at_most"]
    told = []
    for path in study.files("owners"):
        said = vintage(path)
        if said == UNDATED:
            told.append(
                f"propriétaires : {path.name} : millésime non indiqué ; écrire l'année dans le nom "
                f"du fichier (au-delà de {limit} ans, il ne dit plus qui possède)"
            )
            continue
        known = _day(said)
        if study.study.day > _later(known, limit):
            told.append(
                f"propriétaires : {path.name} : fichier de plus de {limit} ans au "
                f"{study.study.day:%d/%m/%Y} ; en demander un plus récent et détruire celui-ci"
            )
    return told


def _day(said: str) -> dt.date:
    try:
        return dt.date.fromisoformat(said)
    except ValueError:  # a year alone, or no day of the calendar
        return dt.date(int(said[:4]), 1, 1)


def _later(day: dt.date, years: int) -> dt.date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:  # 29 February
        return dt.date(day.year + years, 3, 1)


def suppressed(
    counts: pd.Series | pd.DataFrame, largest: pd.Series | pd.DataFrame | None = None
) -> Any:
    """Return counts with the cells that could single somebody out left empty.

    Parameters
    ----------
    counts : Series or DataFrame of int
        Units by class, without totals; totals of lines and columns are taken as published.
    largest : same shape, optional
        Share (0 to 1) of the largest unit in each cell's quantity, where a quantity is shown.

    Returns
    -------
    Series or DataFrame of Int64
        Cells under 11 units, or with a unit over 85 %, are NA; so are the smallest others of a
        line whose hidden part a published total would give away (a single hidden cell, or hidden
        cells that hold under 11 units together). Cells of 0 hold nobody and stay.

    Notes
    -----
    Where a whole line has under 11 units its total must not be published either: pass totals
    through this function too.
    """
    table = counts.to_frame() if isinstance(counts, pd.Series) else counts
    units = table.fillna(0).to_numpy(dtype="int64")
    rule = rules()["secrecy"]
    hidden = (units > 0) & (units < rule["units_at_least"])
    if largest is not None:
        shares = (largest.to_frame() if isinstance(largest, pd.Series) else largest).to_numpy()
        hidden |= (units > 0) & (shares.astype("float64") > rule["largest_share_at_most"])
    one_line = isinstance(counts, pd.Series)
    while _complement(units, hidden, rule["units_at_least"], rows=not one_line):
        pass
    shown = pd.DataFrame(units, index=table.index, columns=table.columns).astype("Int64")
    shown = shown.mask(hidden)
    return shown if isinstance(counts, pd.DataFrame) else shown.iloc[:, 0].rename(str(counts.name))


def _complement(units: Any, hidden: Any, least: int, *, rows: bool) -> bool:
    """Hide one cell more where a total gives a hidden part away; return whether one was hidden."""
    lines = [(units[:, n], hidden[:, n]) for n in range(units.shape[1])]
    lines += [(units[n], hidden[n]) for n in range(units.shape[0])] if rows else []
    for counted, masked in lines:
        kept = (counted > 0) & ~masked
        exposed = masked.sum() == 1 or (masked.any() and counted[masked].sum() < least)
        if exposed and kept.any():
            masked[int(np.where(kept, counted, counted.max() + 1).argmin())] = True
            return True
    return False

"""The law on facts: every condition of every instrument, for every parcel given."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from pandas.api.types import union_categoricals

from friches import tables
from friches.facts import dictionary
from friches.judge import judge, read_folder, version_on

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from friches.judge import Document

LAW = Path(__file__).with_name("law")


@cache
def instruments() -> Mapping[str, Document]:
    """Return the legal instruments by name (the TOML files of scenarios/law)."""
    return read_folder(LAW, dictionary())


def rule(facts: pd.DataFrame, day: dt.date) -> pd.DataFrame:
    """Judge parcels by every instrument, as the law stands on a day.

    Parameters
    ----------
    facts : DataFrame
        Table `facts`, the rows to judge (a fact without its column is unknown).
    day : date
        The version in force on that day applies.

    Returns
    -------
    DataFrame
        Table `rulings`: for each parcel and instrument one row a condition (and a way), then the
        row « verdict »; by parcel, instrument, and the order of the law's text.

    Raises
    ------
    InputError
        When `day` is before the first version of an instrument.
    """
    by_parcel = facts.set_index("parcel_id").sort_index()
    judged = {}
    for name, document in instruments().items():
        version = version_on(document, day)
        rows = judge(by_parcel, version, dictionary())
        rows["version_from"] = pd.Timestamp(version.from_)
        judged[name] = rows
    return tables.check(_gathered(judged, len(by_parcel)), "rulings", "lecture de la loi")


def _gathered(judged: Mapping[str, pd.DataFrame], parcels: int) -> pd.DataFrame:
    """Set the rows of every instrument under one another, parcel by parcel."""
    parts = list(judged.values())
    sizes = [len(part) for part in parts]
    # each part holds the same parcels in the same order, and as many rows for each of them
    place = [np.arange(size) // max(size // max(parcels, 1), 1) for size in sizes]
    order = np.argsort(np.concatenate(place), kind="stable")
    names = pd.Categorical(np.repeat(list(judged), sizes), categories=list(judged))
    gathered: dict[str, Any] = {}
    for column in [column.name for column in tables.TABLES["rulings"].columns]:
        if column == "instrument":
            gathered[column] = names[order]
        elif isinstance(parts[0][column].dtype, pd.CategoricalDtype):
            gathered[column] = union_categoricals([part[column] for part in parts])[order]
        else:
            gathered[column] = pd.concat([part[column] for part in parts]).to_numpy()[order]
    gathered["answer"] = pd.concat([part["answer"] for part in parts]).array[order]
    return pd.DataFrame(gathered)

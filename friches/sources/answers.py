"""What people answered (answers.csv): read, checked, and set among the facts.

One row an answer: subject (a parcel, a block or a commune), fact (of facts.toml), value, source
(who said it, which deed), date. Values: oui/non, a number, a text, a day; of a bounded fact also
« au moins 3 », « au plus 5 », « entre 3 et 5 ».
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from friches import tables
from friches.errors import Breach, InputError
from friches.judge import read_facts
from friches.phrases import found_number, found_word, plain
from friches.sources.columns import answers as yes_or_no
from friches.sources.columns import dates, numbers, pick, read_csv_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from friches.judge import Fact

FACTS = Path(__file__).parents[1] / "facts.toml"
COLUMNS = ("subject", "fact", "value", "source", "date")
BLOCK = re.compile(r"B\d+")
LEVELS = ("commune", "block", "parcel")  # of two answers the nearer to the parcel holds
_ENDS = (
    (re.compile(r"au moins (.+)"), (True, False)),
    (re.compile(r"au plus (.+)"), (False, True)),
    (re.compile(r"entre (.+) et (.+)"), (True, True)),
)
_READERS = {"boolean": yes_or_no, "date": dates, "number": numbers, "integer": numbers}
_DTYPES: dict[str, Any] = {
    "boolean": "boolean",
    "number": "float64",
    "integer": "Int64",
    "text": "str",
    "date": "datetime64[ns]",
}
_SHAPES = {
    "boolean": "oui ou non",
    "number": "un nombre",
    "integer": "un nombre entier",
    "date": "une date AAAA-MM-JJ",
    "text": "un mot",
}
_TODO = "voir les faits et leurs questions dans le guide des colonnes"


@cache
def _dictionary() -> dict[str, Fact]:
    return read_facts(FACTS)


def read_answers(path: Path, facts: Mapping[str, Fact] | None = None) -> pd.DataFrame:
    """Read answers and check them; `apply` checks their subjects.

    Parameters
    ----------
    path : Path
        CSV (`,` or `;`) with columns subject, fact, value, source, date.
    facts : mapping of str to Fact, optional
        The facts that may be answered (by default those of facts.toml).

    Returns
    -------
    DataFrame
        Table `answers`, sorted by subject then fact; each answer once.

    Raises
    ------
    InputError
        Every breach at once: columns absent, cells empty, unknown facts, values that do not suit
        the fact, unreadable dates, answers that contradict one another.
    """
    known = _dictionary() if facts is None else facts
    table = pick(read_csv_text(path), {name: [name] for name in COLUMNS}, path)
    breaches = [*_empty_cells(table, path), *_unfit(table, known, path)]
    try:
        table["date"] = dates(table["date"], path, "date")
    except InputError as error:
        breaches += error.breaches
    breaches += _contradictory(table, known, path)
    if breaches:
        raise InputError(breaches)
    table = table.sort_values(["subject", "fact", "date", "source"])
    table = table.drop_duplicates(["subject", "fact"], keep="last", ignore_index=True)
    return tables.check(table, "answers", path)


def apply(
    facts: pd.DataFrame, answers: pd.DataFrame, members: pd.DataFrame | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Set answers among the facts; where one contradicts what was measured, the answer holds.

    Parameters
    ----------
    facts : DataFrame
        Table `facts`.
    answers : DataFrame
        Table `answers`. That of a commune or a block is given to each of its parcels; an answer
        nearer to the parcel holds over one further from it.
    members : DataFrame, optional
        Table `members`; without it, answers about blocks wait.

    Returns
    -------
    facts, contradictions : DataFrame
        Tables of those names. Both ends of a bounded fact close in on the answer: at least 2 and
        an answer of 3 are no contradiction.

    Raises
    ------
    InputError
        When a subject is no parcel, commune or block of the study (all at once).
    """
    said = _spread(facts, answers, members)
    facts = facts.copy(deep=False)  # columns are replaced, never written into
    lost = [_overruled(said)]
    held = said.drop_duplicates(["parcel_id", "fact"], keep="last")
    for name, rows in held.groupby("fact", sort=True):
        lost.append(_settle(facts, str(name), rows, _dictionary()[str(name)]))
    told = pd.concat([part for part in lost if len(part)] or lost[:1], ignore_index=True)
    told = told.sort_values(["parcel_id", "fact", "known", "source"], ignore_index=True)
    return tables.check(facts, "facts"), tables.check(told, "contradictions")


def ends(value: str, fact: Fact) -> tuple[Any, Any]:
    """Return the low and high end of an answer (equal but for a bounded fact; None: no bound).

    Raises
    ------
    InputError
        When the value does not suit the fact.
    """
    if fact.bounded:
        for pattern, (has_low, has_high) in _ENDS:
            found = pattern.fullmatch(value)
            if found:
                said = [_value(part, fact) for part in found.groups()]
                low, high = said[0] if has_low else None, said[-1] if has_high else None
                if low is not None and high is not None and low > high:
                    raise InputError([Breach(f"« {value} » : bornes inversées")])
                return low, high
    one = _value(value, fact)
    return one, one


def _value(text: str, fact: Fact) -> Any:
    if fact.kind == "text":
        return text
    read = _READERS[fact.kind](pd.Series([text], dtype="str"), "", "value").iloc[0]
    if fact.kind == "integer" and not float(read).is_integer():
        raise InputError([Breach(f"« {text} » n'est pas entier")])
    return bool(read) if fact.kind == "boolean" else read


def _empty_cells(table: pd.DataFrame, path: Path) -> Iterator[Breach]:
    for column in COLUMNS:
        empty = table[column].isna().to_numpy()
        if empty.any():
            yield Breach(
                f"colonne « {column} » : {int(empty.sum())} case(s) vide(s) "
                f"(première : ligne {int(empty.argmax()) + 1})",
                str(path),
                "remplir, ou retirer la ligne tant que la réponse n'est pas connue",
            )


def _unfit(table: pd.DataFrame, known: Mapping[str, Fact], path: Path) -> Iterator[Breach]:
    for line, name, value in _said(table):
        if name not in known:
            yield Breach(f"ligne {line} : fait inconnu « {name} »", str(path), _TODO)
            continue
        try:
            ends(value, known[name])
        except InputError:
            fact = known[name]
            shape = _SHAPES[fact.kind] + (", ou une borne : « au moins 3 »" if fact.bounded else "")
            what = f"ligne {line} : « {value} » ne convient pas au fait « {name} » ({fact.label})"
            yield Breach(what, str(path), f"donner {shape}")


def _said(table: pd.DataFrame) -> Iterator[tuple[int, str, str]]:
    rows = table[["fact", "value"]].itertuples(index=False, name=None)
    for line, (name, value) in enumerate(rows, start=1):
        if isinstance(name, str) and isinstance(value, str):
            yield line, name, value


def _contradictory(table: pd.DataFrame, known: Mapping[str, Fact], path: Path) -> Iterator[Breach]:
    for (subject, name), rows in table.groupby(["subject", "fact"], sort=True):
        if len(rows) == 1 or name not in known:
            continue
        try:
            values = {ends(value, known[str(name)]) for value in rows["value"].dropna()}
        except InputError:  # told by its own breach
            continue
        if len(values) > 1:
            lines = ", ".join(str(int(line) + 1) for line in rows.index)
            said = " et ".join(f"« {value} »" for value in rows["value"].drop_duplicates())
            yield Breach(
                f"« {subject} », fait « {name} » : réponses contraires {said} (lignes {lines})",
                str(path),
                "garder celle qui fait foi",
            )


def _spread(
    facts: pd.DataFrame, answers: pd.DataFrame, members: pd.DataFrame | None
) -> pd.DataFrame:
    """Return one row a parcel and answer: parcel_id, the answer, and level (nearest last)."""
    homes = {
        "commune": facts[["commune", "parcel_id"]],
        "block": pd.DataFrame({"block": [], "parcel_id": []}, dtype="str")
        if members is None
        else members[["block_id", "parcel_id"]],
        "parcel": facts[["parcel_id"]].assign(subject=facts["parcel_id"]),
    }
    parts, found = [], pd.Series(False, index=answers.index)
    for level, name in enumerate(LEVELS):
        home = homes[name].set_axis(["subject", "parcel_id"], axis=1).astype("str")
        found |= answers["subject"].isin(home["subject"])
        parts.append(answers.merge(home, on="subject").assign(level=level))
    if members is None:
        found |= answers["subject"].str.fullmatch(BLOCK)
    if not found.all():
        raise InputError(
            Breach(
                f"sujet inconnu « {subject} »", "réponses", "parcelle, îlot ou commune de l'étude"
            )
            for subject in answers.loc[~found, "subject"].unique()
        )
    joined = pd.concat(parts, ignore_index=True)
    return joined.sort_values(["parcel_id", "fact", "level"], ignore_index=True)


def _overruled(said: pd.DataFrame) -> pd.DataFrame:
    """Return the answers to which one nearer to the parcel is contrary."""
    last = said.groupby(["parcel_id", "fact"])["value"].transform("last")
    lost = said[said["value"] != last]
    held = said.drop_duplicates(["parcel_id", "fact"], keep="last")
    held = held[["parcel_id", "fact", "value", "source", "date"]].rename(
        columns={"value": "answer"}
    )
    lost = lost.rename(columns={"value": "known"})[["parcel_id", "fact", "known"]]
    told = lost.merge(held, on=["parcel_id", "fact"])
    return told.reindex(columns=[c.name for c in tables.TABLES["contradictions"].columns])


def _settle(facts: pd.DataFrame, name: str, rows: pd.DataFrame, fact: Fact) -> pd.DataFrame:
    """Write the answers to one fact among the facts; return those contrary to what was known."""
    place = pd.Index(facts["parcel_id"]).get_indexer(pd.Index(rows["parcel_id"]))
    read = {value: ends(value, fact) for value in rows["value"].unique()}
    said = [read[value] for value in rows["value"]]
    sides = (f"{name}_low", f"{name}_high") if fact.bounded else (name,)
    before = pd.DataFrame({side: _column(facts, side, fact).iloc[place] for side in sides})
    after = pd.DataFrame(
        {side: [pair[n] for pair in said] for n, side in enumerate(sides)}, index=before.index
    ).astype(before.dtypes.to_dict())
    if fact.bounded:
        low, high = sides[0], sides[-1]
        apart = (after[low] > before[high]) | (after[high] < before[low])
        closer = before.assign(
            **{low: after[low].combine(before[low], np.fmax)},
            **{high: after[high].combine(before[high], np.fmin)},
        )
        after = after.where(apart, closer)
    else:
        apart = before[name].notna() & (before[name] != after[name]).fillna(value=False)
    for side in sides:
        column = _column(facts, side, fact).copy()
        column.iloc[place] = after[side].array
        facts[side] = column
    told = rows[["parcel_id", "fact", "value", "source", "date"]].rename(
        columns={"value": "answer"}
    )
    told.insert(2, "known", _words(before, sides, fact))
    return told[apart.to_numpy(dtype=bool)]


def _column(facts: pd.DataFrame, name: str, fact: Fact) -> pd.Series[Any]:
    if name in facts.columns:
        column: pd.Series[Any] = facts[name]
        return column
    return pd.Series(index=facts.index, dtype=_DTYPES[fact.kind])


def _words(known: pd.DataFrame, sides: tuple[str, ...], fact: Fact) -> Any:
    """Write what was known as rulings write it: « au moins 2 », « oui »."""
    if fact.kind not in ("number", "integer"):
        return plain(found_word(known[sides[0]], fact))
    low, high = (
        known[side].to_numpy(dtype=np.float64, na_value=np.nan) for side in (sides[0], sides[-1])
    )
    open_low, open_high = (
        np.where(np.isnan(low), -np.inf, low),
        np.where(np.isnan(high), np.inf, high),
    )
    return plain(found_number(open_low, open_high, fact, ()))

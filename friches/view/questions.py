"""What is left to ask, of whom, about which parcels and for which route: each question once."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from friches.facts import dictionary
from friches.view import words

if TYPE_CHECKING:
    from collections.abc import Iterable

_ITEMS = re.compile(r"(?<=\)) ; ")
_ITEM = re.compile(r"(.*?\?)\s*\((.*)\)")
_JOINED = re.compile(r"(?<=\?) ; ")


class Question(NamedTuple):
    """One question, whom to ask, and what it would settle.

    Attributes
    ----------
    number : int
        Its number on the sheet (Q1, Q2, …).
    text, whom : str
    parcels : tuple of str
        Parcels whose answer it would settle, if any.
    routes : tuple of str
        Titles of the routes that wait for it, if any.
    closes : tuple of str
        Titles of the routes that one unfavourable answer closes, whatever the others are.
    n_parcels : int or None
        Parcels it is asked about, by the law or for their answer; None where it is not known.
    area_ha : float or None
        Their area (ha).
    """

    number: int
    text: str
    whom: str
    parcels: tuple[str, ...]
    routes: tuple[str, ...]
    closes: tuple[str, ...] = ()
    n_parcels: int | None = None
    area_ha: float | None = None


def split(to_ask: object) -> list[tuple[str, str]]:
    """Return the (question, whom) pairs of a `to_ask` text: « question (whom) ; question (whom) ».

    A text that is not written so is one question, asked of nobody in particular.
    """
    if words.missing(to_ask) or not str(to_ask).strip():
        return []
    return list(_read(str(to_ask).strip()))


@cache
def _read(said: str) -> tuple[tuple[str, str], ...]:
    pairs: dict[tuple[str, str], None] = {}
    for item in _ITEMS.split(said):
        read = _ITEM.fullmatch(item)
        joined = read and _JOINED.search(item)
        if read and joined:  # several questions before one bracket: the last one ends there
            head, _, tail = item.rpartition("?")
            pairs |= dict.fromkeys(singles(head + "?", tail.strip().removeprefix("(")[:-1]))
        else:
            pairs[(read[1].strip(), read[2].strip()) if read else (item.strip(), "")] = None
    return tuple(pairs)


@cache
def singles(question: str, whom: str) -> tuple[tuple[str, str], ...]:
    """Return each question of a text that joins several, with the person each fact names.

    A condition that builds on a whole document asks all its questions at once
    (« question ? ; question ? », « person ; person »).
    """
    texts = [text.strip() for text in _JOINED.split(question)]
    if len(texts) < 2:
        return ((question, whom),)
    persons = whom.split(" ; ")
    if len(persons) != len(texts):  # persons are named once each: the facts say who knows what
        persons = [_asked_of().get(text, whom) for text in texts]
    return tuple(dict.fromkeys(zip(texts, persons, strict=True)))


@cache
def _asked_of() -> dict[str, str]:
    return {fact.ask: fact.whom for fact in dictionary().values() if fact.ask and fact.whom}


@cache
def label_of() -> dict[str, str]:
    """Return the name of the fact that each question asks for, by question."""
    return {fact.ask: fact.label for fact in dictionary().values() if fact.ask}


def by_person(questions: Iterable[Question]) -> dict[str, list[Question]]:
    """Return the questions of each person to ask, in the order they first appear."""
    persons: dict[str, list[Question]] = {}
    for question in questions:
        persons.setdefault(question.whom, []).append(question)
    return persons


def numbers(questions: Iterable[Question], parcel: str) -> str:
    """Return « Q1, Q3 »: the numbers of the questions about a parcel."""
    return ", ".join(f"Q{q.number}" for q in questions if parcel in q.parcels)


def totals(result_members: pd.DataFrame, fallow: pd.DataFrame) -> pd.DataFrame:
    """Return every question of a territory's parcels with whom to ask and how many parcels wait.

    Parameters
    ----------
    result_members : DataFrame
        Table `members`.
    fallow : DataFrame
        Table `fallow`.

    Returns
    -------
    DataFrame
        Columns whom, question, n_parcels, blocks (ids, « ; » between them), the most parcels first.
    """
    waiting: dict[tuple[str, str], tuple[int, set[str]]] = {}
    asked = fallow.loc[fallow["to_ask"].notna(), ["parcel_id", "to_ask"]]
    asked = asked.merge(result_members[["parcel_id", "block_id"]], on="parcel_id", how="left")
    # each text once: many parcels wait for the same answers
    for said, rows_ in asked.groupby("to_ask", sort=False, observed=True):
        named = set(rows_["block_id"].dropna())
        for text, whom in split(said):
            count, blocks = waiting.get((whom or words.NOBODY, text), (0, set()))
            waiting[whom or words.NOBODY, text] = (count + len(rows_), blocks | named)
    rows = [
        (whom, text, count, " ; ".join(sorted(blocks)))
        for (whom, text), (count, blocks) in waiting.items()
    ]
    rows.sort(key=lambda row: (-row[2], row[0], row[1]))
    return pd.DataFrame(rows, columns=["whom", "question", "n_parcels", "blocks"])

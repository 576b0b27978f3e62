"""What is left to ask, of whom, about which parcels and for which route: each question once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from friches.view import words

if TYPE_CHECKING:
    from collections.abc import Iterable

_ITEMS = re.compile(r"(?<=\)) ; ")
_ITEM = re.compile(r"(.*?\?)\s*\((.*)\)")


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
        Titles of the routes it would settle, if any.
    """

    number: int
    text: str
    whom: str
    parcels: tuple[str, ...]
    routes: tuple[str, ...]


def split(to_ask: object) -> list[tuple[str, str]]:
    """Return the (question, whom) pairs of a `to_ask` text: « question (whom) ; question (whom) ».

    A text that is not written so is one question, asked of nobody in particular.
    """
    if words.missing(to_ask) or not str(to_ask).strip():
        return []
    pairs = []
    for item in _ITEMS.split(str(to_ask).strip()):
        read = _ITEM.fullmatch(item)
        pairs.append((read[1].strip(), read[2].strip()) if read else (item.strip(), ""))
    return pairs


def gathered(
    of_parcels: Iterable[tuple[str, object]],
    of_routes: Iterable[tuple[str, object]],
    of_block: object = None,
) -> list[Question]:
    """Return every question once, those about parcels first.

    Parameters
    ----------
    of_parcels : iterable of (str, object)
        Parcel id and its `to_ask`.
    of_routes : iterable of (str, object)
        Title of a route and its `to_ask`.
    of_block : object
        The block's own `to_ask`, asked where no parcel says it (public version).
    """
    about: dict[tuple[str, str], tuple[list[str], list[str]]] = {}
    for parcel, said in of_parcels:
        for pair in split(said):
            about.setdefault(pair, ([], []))[0].append(parcel)
    for pair in split(of_block):
        about.setdefault(pair, ([], []))
    for title, said in of_routes:
        for pair in split(said):
            about.setdefault(pair, ([], []))[1].append(title)
    return [
        Question(n, text, whom or words.NOBODY, tuple(parcels), tuple(dict.fromkeys(routes)))
        for n, ((text, whom), (parcels, routes)) in enumerate(about.items(), 1)
    ]


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
    block_of = dict(zip(result_members["parcel_id"], result_members["block_id"], strict=True))
    waiting: dict[tuple[str, str], tuple[int, dict[str, None]]] = {}
    asked = fallow[fallow["to_ask"].notna()]
    for parcel, said in zip(asked["parcel_id"], asked["to_ask"], strict=True):
        for text, whom in split(said):
            count, blocks = waiting.get((whom or words.NOBODY, text), (0, {}))
            if parcel in block_of:
                blocks[block_of[parcel]] = None
            waiting[whom or words.NOBODY, text] = (count + 1, blocks)
    rows = [
        (whom, text, count, " ; ".join(sorted(blocks)))
        for (whom, text), (count, blocks) in waiting.items()
    ]
    rows.sort(key=lambda row: (-row[2], row[0], row[1]))
    return pd.DataFrame(rows, columns=["whom", "question", "n_parcels", "blocks"])

"""Answers of a study: `answers.csv` beside the study file, if there is one (see `answers`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from friches import tables
from friches.keep import file_digest
from friches.sources.answers import apply, read_answers

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from friches.studyfile import Study

NAME = "answers.csv"


def answers_file(study: Study) -> Path:
    """Return where the answers of a study stand, whether or not the file is there."""
    return study.folder / NAME


def answers_key(study: Study) -> str:
    """Return the SHA-256 of the answers file, "" without one: detection, blocks, law depend on it.

    Who answered what is personal: the digest alone goes into keys and editions.
    """
    path = answers_file(study)
    return file_digest(path) if path.is_file() else ""


def given_answers(study: Study) -> pd.DataFrame:
    """Read the answers of a study.

    Returns
    -------
    DataFrame
        Table `answers`; no row without a file, or with a header alone.

    Raises
    ------
    InputError
        As `read_answers`.
    """
    path = answers_file(study)
    if not path.exists() or (path.is_file() and _header_alone(path)):
        none: pd.DataFrame = tables.empty("answers")
        return none
    return read_answers(path)


def settle(
    measured: pd.DataFrame, answers: pd.DataFrame, members: pd.DataFrame | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Set the answers of a study among its measured facts; without answers, give them back as is.

    Parameters
    ----------
    measured, answers, members
        As for `answers.apply`. Always give what was measured, never facts already settled: the
        contradictions are then those of all answers, each told once.

    Returns
    -------
    facts, contradictions : DataFrame
        Tables of those names.

    Raises
    ------
    InputError
        As `answers.apply`.
    """
    if answers.empty:
        return measured, tables.empty("contradictions")
    return apply(measured, answers, members)


def _header_alone(path: Path) -> bool:
    """Tell a file prepared for later (one line, the header) from one with answers."""
    with path.open("rb") as file:
        lines = [line for line in file.read(4096).splitlines() if line.strip()]
    return len(lines) == 1 and b"subject" in lines[0].lower()

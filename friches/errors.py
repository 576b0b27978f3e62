"""The one error a user meets: what, where, how many, the first case, what to do."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
"""Control and direction-changing characters: they can hide or turn round a text."""


def plain(text: str) -> str:
    """Return a text as a terminal may show it: unsafe characters as U+FFFD, lines kept."""
    return "\n".join(UNSAFE.sub("\ufffd", line) for line in text.split("\n"))


@dataclass(frozen=True)
class Breach:
    """One thing wrong with an input, said so that its owner can mend it.

    Parameters
    ----------
    what : str
        The fault, in French, with how many rows and the first case.
    where : str
        The file (and layer, column, key) at fault.
    todo : str
        What to do about it, in French.
    """

    what: str
    where: str = ""
    todo: str = ""

    def __str__(self) -> str:
        """Return the breach as one readable block, with nothing in it that acts on a terminal."""
        place = f"{self.where} : ".replace("\n", " ") if self.where else ""
        advice = f"\n    → {self.todo}" if self.todo else ""
        return plain(f"{place}{self.what}{advice}")


class InputError(ValueError):
    """Input that cannot be used; carries every breach found, not the first one only.

    Parameters
    ----------
    breaches : iterable of Breach
        At least one.
    """

    def __init__(self, breaches: Iterable[Breach]) -> None:
        self.breaches = tuple(breaches)
        super().__init__("\n".join(f"- {breach}" for breach in self.breaches))


def refuse(what: str, where: object = "", todo: str = "") -> InputError:
    """Return an `InputError` with a single breach, ready to raise."""
    return InputError([Breach(what, str(where), todo)])

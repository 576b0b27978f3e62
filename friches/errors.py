"""The one error a user meets: what, where, how many, the first case, what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


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
        """Return the breach as one readable block."""
        place = f"{self.where} : " if self.where else ""
        advice = f"\n    → {self.todo}" if self.todo else ""
        return f"{place}{self.what}{advice}"


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

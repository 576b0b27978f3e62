"""The one error a user meets: what, where, how many, the first case, what to do."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

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


_WRONG = {
    "extra_forbidden": "clé inconnue",
    "missing": "clé absente",
    "less_than_equal": "{given} est trop grand (au plus {le})",
    "less_than": "{given} est trop grand (moins de {lt})",
    "greater_than_equal": "{given} est trop petit (au moins {ge})",
    "greater_than": "{given} est trop petit (plus de {gt})",
    "literal_error": "{given} n'est pas l'une des valeurs connues ({expected})",
    "string_type": "{given} n'est pas un texte",
    "list_type": "{given} n'est pas une liste",
    "dict_type": "{given} n'est pas une section",
    "model_type": "{given} n'est pas une section",
}
_KINDS = {
    "date": "une date",
    "int": "un nombre entier",
    "float": "un nombre",
    "bool": "true ou false",
}


def wrong_value(fault: Mapping[str, Any]) -> str:
    """Return in French what pydantic says of a value (one of `ValidationError.errors()`)."""
    said = _WRONG.get(fault["type"])
    given = f"« {str(fault.get('input'))[:60]} »"
    if said:
        words = fault.get("ctx", {})
        expected = str(words.get("expected", "")).replace(" or ", " ou ")
        return said.format(**words | {"given": given, "expected": expected})
    for kind, label in _KINDS.items():
        if fault["type"].startswith(f"{kind}_"):
            return f"{given} n'est pas {label}"
    return str(fault["msg"]).removeprefix("Value error, ")

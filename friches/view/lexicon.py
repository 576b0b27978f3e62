"""The French of every output, read once from words.toml and looked up by key: `w.map.title`."""

from __future__ import annotations

import keyword
import re
import tomllib
from functools import lru_cache
from importlib import resources
from typing import Any

from babel import Locale
from babel.numbers import format_decimal

NBSP = "\u00a0"
"""Before « : », « % », « € » and a unit, so that a line never breaks there."""
FORMS = {"one", "other"}
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_FRENCH = Locale("fr")


def typeset(said: str) -> str:
    """Return a French text with no-break spaces inside « » and before « : ; ? ! % € »."""
    return re.sub(r" ([:;?!»%€])", rf"{NBSP}\1", said).replace("« ", f"«{NBSP}")


class Section(dict[str, Any]):
    """A table of words.toml: keys are attributes, and a key that is not there is an error.

    Leaves are plain texts, to be filled with `str.format`; a table of plural forms is a `Counted`.
    """

    def __getattr__(self, key: str) -> Any:
        try:
            return self[key]
        except KeyError:
            raise AttributeError(f"words.toml has no « {key} » here") from None


class Counted(Section):
    """A text with plural forms: `w.counts.parcels(3)` is « 3 parcelles »."""

    def __call__(self, count: float, **values: object) -> str:
        """Return the form that Babel's French plural rule names, `{n}` being the number.

        In French zero and one are singular; forms that are not given fall back on « other ».
        """
        form, written = _counted(count)
        return str(self.get(form, self["other"]).format(n=written, **values))


@lru_cache(maxsize=10_000)
def _counted(count: float) -> tuple[str, str]:
    """Return which plural form a number takes, and the number as it is written."""
    return _FRENCH.plural_form(abs(count)), format_decimal(count, format="#,##0", locale="fr")


def section(said: dict[str, Any], where: str = "") -> Section:
    """Return a table read from TOML as a `Section`; a no-break space follows the field `{n}`.

    Raises
    ------
    ValueError
        A key that cannot be an attribute, or a value that is neither text nor table.
    """
    made = Counted() if set(said) == FORMS and "other" in said else Section()
    for key, value in said.items():
        if not _KEY.fullmatch(key) or keyword.iskeyword(key) or hasattr(dict, key):
            raise ValueError(f"« {where}{key} » cannot be a key of words.toml")
        if isinstance(value, dict):
            made[key] = section(value, f"{where}{key}.")
        elif isinstance(value, str):
            made[key] = typeset(value).replace("{n} ", f"{{n}}{NBSP}")
        else:
            raise ValueError(f"« {where}{key} » is neither a text nor a table")  # noqa: TRY004
    return made


def _read() -> Section:
    text = (resources.files("friches.view") / "words.toml").read_text("utf-8")
    return section(tomllib.loads(text))


w: Section = _read()
"""Every label and sentence of the outputs."""

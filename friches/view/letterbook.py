"""Templates of letters and acts: TOML data in friches/view/letters, quotes taken from the law."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field, ValidationError, model_validator

from friches.errors import Breach, InputError
from friches.judge import version_on
from friches.procedure import Strictly
from friches.scenarios import rule
from friches.view.worddoc import Quote

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

FOLDER = Path(__file__).with_name("letters")
FIELD = re.compile(r"\{([a-z_]+)\}")


class Cited(Strictly):
    """A sentence of law: of a condition or step of a document, or with its own article."""

    law: str = ""
    condition: str = ""
    step: str = ""
    text: str = ""
    article: str = ""
    mark: str = ""

    @model_validator(mode="after")
    def _one_source(self) -> Cited:
        own = bool(self.text and self.article and self.mark)
        named = bool(self.law) and bool(self.condition) != bool(self.step)
        if own == named:
            raise ValueError("citer law et condition ou step, ou bien text, article et mark")
        return self


class Part(Strictly):
    """A part of a letter, in this order: heading, text, quotes, insert, items, closing text."""

    heading: str = ""
    text: list[str] = Field(default_factory=list)
    quote: list[Cited] = Field(default_factory=list)
    insert: Literal["", "parcels", "owners", "evidence", "searches"] = ""
    items: list[str] = Field(default_factory=list)
    then: list[str] = Field(default_factory=list)


class Template(Strictly):
    """One letter or act: for which instrument, to whom, one a block or one an owner."""

    title: str = Field(min_length=1)
    instrument: str
    recipient: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    each: Literal["block", "owner"] = "block"
    form: Literal["letter", "act"] = "letter"
    send: str = ""
    sender: list[str] = Field(min_length=1)
    address: list[str] = Field(default_factory=list)
    part: list[Part] = Field(min_length=1)
    sign: list[str] = Field(min_length=1)
    joined: list[str] = Field(default_factory=list)
    warn: list[str] = Field(default_factory=list)

    @property
    def name(self) -> str:
        """Part of the file name after the block: « l125_individuel-prefet »."""
        return f"{self.instrument}-{self.recipient}"


@cache
def templates() -> Mapping[str, Template]:
    """Return every template by file stem, sorted.

    Raises
    ------
    InputError
        Every fault of every file at once: keys, unknown instruments, quotes not found.
    """
    breaches, read = [], {}
    for path in sorted(FOLDER.glob("*.toml"), key=lambda p: p.stem):
        try:
            read[path.stem] = Template.model_validate(tomllib.loads(path.read_text("utf-8")))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            breaches.append(Breach(f"TOML illisible : {error}", str(path), "corriger"))
        except ValidationError as error:
            breaches += [
                Breach(f"« {'.'.join(map(str, f['loc']))} » : {f['msg']}", str(path), "corriger")
                for f in error.errors()
            ]
    breaches += [
        Breach(f"« {said.instrument} » n'est pas un document de droit", name, "corriger")
        for name, said in read.items()
        if said.instrument not in rule.law()
    ]
    if breaches:
        raise InputError(breaches)
    return read


def quoted(cited: Cited, day: dt.date) -> Quote:
    """Return a quote with its article and mark, as the law stands on a day.

    Raises
    ------
    InputError
        When the document, or its condition or step, is not there.
    """
    if not cited.law:
        return Quote(cited.text, f"{cited.article} [{cited.mark}]")
    document = rule.law().get(cited.law)
    version = version_on(document, day) if document else None
    if version and cited.step:
        for step in version.step:
            if step.id == cited.step:
                return Quote(step.text, f"{step.article} [{step.mark}]")
    if version and cited.condition:
        for said in version.conditions:
            if said.id == cited.condition:
                return Quote(said.text, f"{said.source} [{said.mark}]")
    where = f"{cited.law}.{cited.step or cited.condition}"
    raise InputError([Breach(f"citation introuvable : « {where} »", "lettres", "corriger")])


def filled(said: str, values: Mapping[str, str]) -> str:
    """Return a text with its fields « {area} » replaced, each once: values are never read again.

    Raises
    ------
    KeyError
        For a field that no value is given for.
    """
    return FIELD.sub(lambda found: values[found[1]], said)

"""The grammar of rules and law: what a TOML document may say, and nothing more.

Attributes bear the names of the TOML keys (`is_` and `from_` stand for `is` and `from`). No
expressions: one fact, one comparison, a sentence beside it. What this cannot say becomes a fact.

A document may build on the verdict of another, of any kind, named by its file:

    [[version.condition]]
    id = "defrichement"
    text = "le texte"
    verdict_of = "defrichement"     # in place of `fact`; a gate's « yes » lets pass
    is = true

Where that verdict is unknown so is the condition, and what is asked is what that document asks. An
exception may name it too (`where = "verdict_of.defrichement"`). In examples the verdict is given
like a fact: `given = { "verdict_of.defrichement" = true }`; the key is quoted, for its dot.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

from pydantic import (
    Field,
    Strict,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    model_validator,
)

from friches.procedure import Cost, Step, Strictly

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

COMPARISONS = ("is_", "at_least", "more_than", "at_most", "less_than", "one_of")
ORDERED = ("at_least", "more_than", "at_most", "less_than")
VERDICT = "verdict_of."
"""Before a document's name: the fact that its verdict is, for those that build on it."""


class Fact(Strictly):
    """What is known of a parcel: one column, or two (`_low`, `_high`) where `bounded`.

    `layer` is the study's source that settles it (« asked »: only a person can tell); `ask` and
    `whom` are shown whenever it is missing, `where` says where the answer is found.
    """

    kind: Literal["boolean", "number", "integer", "text", "date"]
    label: str = Field(min_length=1)
    unit: str = ""
    bounded: bool = False
    layer: str = ""
    ask: str = ""
    whom: str = ""
    where: str = ""

    @model_validator(mode="after")
    def _only_numbers_have_bounds(self) -> Fact:
        if self.bounded and self.kind not in ("number", "integer"):
            raise ValueError("« bounded » ne va qu'à un nombre")
        return self


class FactRef(Strictly):
    """The right side of a comparison between two facts: `{ fact = "other" }`."""

    fact: str


Day = Annotated[dt.date, Strict()]
Amount = FactRef | StrictInt | StrictFloat | Day
Value = FactRef | StrictBool | StrictInt | StrictFloat | StrictStr | Day


class Comparison(Strictly):
    """Exactly one of the six comparisons."""

    is_: Value | None = Field(None, alias="is")
    at_least: Amount | None = None
    more_than: Amount | None = None
    at_most: Amount | None = None
    less_than: Amount | None = None
    one_of: list[StrictStr | StrictInt | StrictFloat] | None = Field(None, min_length=1)

    @model_validator(mode="after")
    def _one_comparison(self) -> Comparison:
        said = [name for name in COMPARISONS if getattr(self, name) is not None]
        if len(said) != 1:
            raise ValueError(
                "il faut une seule comparaison parmi is, at_least, more_than, at_most, less_than, "
                f"one_of ({len(said)} trouvée(s))"
            )
        return self

    @property
    def comparison(self) -> tuple[str, Any]:
        """Its name (`is_`, `at_least`, …) and the value or `FactRef` compared against."""
        name = next(name for name in COMPARISONS if getattr(self, name) is not None)
        return name, getattr(self, name)


class Derogation(Comparison):
    """An exception: its comparison replaces the base one when the boolean fact `where` is true.

    With `is_not = true`, when that fact is false. Of several exceptions the first that holds wins.
    """

    text: str = Field(min_length=1)
    where: str
    is_not: bool = False
    source: str = ""
    mark: str = ""


class Condition(Comparison):
    """One condition (or bar): the sentence it encodes, the fact, the comparison.

    `verdict_of = "x"` in place of `fact` tests the verdict of document « x »: the fact is then
    « verdict_of.x », a yes/no.
    """

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    text: str = Field(min_length=1)
    fact: str
    verdict_of: str = ""
    source: str = ""
    mark: str = ""
    ask: str = ""
    whom: str = ""
    exception: list[Derogation] = Field(default_factory=list)

    @model_validator(mode="before")
    @classmethod
    def _one_subject(cls, said: Any) -> Any:
        if not isinstance(said, dict) or "verdict_of" not in said:
            return said
        if "fact" in said:
            raise ValueError("« fact » et « verdict_of » s'excluent : garder l'un des deux")
        return said | {"fact": f"{VERDICT}{said['verdict_of']}"}


class Way(Strictly):
    """One of several ways (1°, 2°): open when all its conditions are met."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    text: str = Field(min_length=1)
    condition: list[Condition] = Field(min_length=1)
    source: str = ""
    mark: str = ""


class Version(Strictly):
    """The document as it stands from a day on.

    Verdict: every condition met, one way open (if there are ways), no bar met.
    """

    from_: dt.date = Field(alias="from")
    source: str = Field(min_length=1)
    url: str = ""
    mark: str = ""
    condition: list[Condition] = Field(default_factory=list)
    way: list[Way] = Field(default_factory=list)
    bar: list[Condition] = Field(default_factory=list)
    step: list[Step] = Field(default_factory=list)

    @property
    def conditions(self) -> list[Condition]:
        """Every condition, in the order shown: own, of the ways, bars."""
        return [*self.condition, *(c for way in self.way for c in way.condition), *self.bar]

    @model_validator(mode="after")
    def _names_hold_together(self) -> Version:
        if not self.conditions:
            raise ValueError("version sans condition")
        ids = [c.id for c in self.conditions] + [way.id for way in self.way]
        twice = sorted({name for name in ids if ids.count(name) > 1})
        if twice or "verdict" in ids:
            raise ValueError(f"identifiants répétés ou réservés : {', '.join(twice) or 'verdict'}")
        seen: list[str] = []
        for step in self.step:
            late = [name for name in step.after if name not in seen]
            if late or step.id in seen:
                raise ValueError(
                    f"étape « {step.id} » : nom répété, ou placée avant « {', '.join(late)} »"
                )
            seen.append(step.id)
        return self


class Checked(Strictly):
    """Who read the document over, and when; `by` empty: « non relu par un juriste »."""

    on: dt.date
    by: str = ""


class Weight(Strictly):
    """What a detection rule counts for, with the reason of the figure."""

    value: int = Field(ge=0)
    source: str = Field(min_length=1)
    mark: str = ""


class Ends(Strictly):
    """A bounded fact in an example: `{ low = 3 }`, `{ high = 5 }` or both."""

    low: float | None = None
    high: float | None = None


class Example(Strictly):
    """A case that tests the document: facts given, answers expected (`verdict` among them)."""

    name: str = Field(min_length=1)
    on: dt.date
    given: dict[str, Ends | StrictBool | StrictInt | StrictFloat | StrictStr | Day]
    then: dict[str, Literal["yes", "no", "unknown"]]

    @model_validator(mode="after")
    def _has_verdict(self) -> Example:
        if "verdict" not in self.then:
            raise ValueError("exemple sans « verdict » dans « then »")
        return self


class Document(Strictly):
    """One rule, legal instrument or gate: its dated versions and the examples that test it.

    An instrument leads to the land; a gate (clearing permit, wetland…) stands across all of them:
    its « yes » lets pass.
    """

    title: str = Field(min_length=1)
    kind: Literal["instrument", "gate"] = "instrument"
    checked: Checked
    about: dict[str, str | int | list[str]] = Field(default_factory=dict)
    role: Literal["excludes", "supports", "weakens"] | None = None
    weight: Weight | None = None
    cost: list[Cost] = Field(default_factory=list)
    version: list[Version] = Field(min_length=1)
    example: list[Example] = Field(default_factory=list)

    @model_validator(mode="after")
    def _dated(self) -> Document:
        days = [version.from_ for version in self.version]
        if days != sorted(set(days)):
            raise ValueError("versions à ranger par date « from », sans doublon")
        return self


class Use(NamedTuple):
    """One comparison of a condition: the base one, or an exception's (`under` names it)."""

    condition: Condition
    name: str
    value: Any
    under: Derogation | None


def builds_on(document: Document) -> list[str]:
    """Return the names of the documents whose verdict a document reads, in any of its versions."""
    read: dict[str, None] = {}
    for version in document.version:
        for condition in version.conditions:
            read |= dict.fromkeys([condition.fact, *(e.where for e in condition.exception)])
    return sorted(name.removeprefix(VERDICT) for name in read if name.startswith(VERDICT))


def verdict_facts(titles: Mapping[str, str]) -> dict[str, Fact]:
    """Return the facts « verdict_of.x » of documents given by name, with their titles."""
    return {
        f"{VERDICT}{name}": Fact(kind="boolean", label=f"Verdict de « {title} »")
        for name, title in titles.items()
    }


def uses(condition: Condition) -> Iterator[Use]:
    """Yield the base comparison of a condition, then those of its exceptions."""
    for said in (condition, *condition.exception):
        under = said if isinstance(said, Derogation) else None
        yield Use(condition, *said.comparison, under)

"""The grammar of rules and law: what a TOML document may say, and nothing more.

Attributes bear the names of the TOML keys (`is_` and `from_` stand for `is` and `from`). No
expressions: one fact, one comparison, a sentence beside it. What this cannot say becomes a fact.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    Strict,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    model_validator,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

COMPARISONS = ("is_", "at_least", "more_than", "at_most", "less_than", "one_of")
ORDERED = ("at_least", "more_than", "at_most", "less_than")
DURATION = re.compile(r"(\d+) (day|week|month|year)s?")
DAYS = {"day": 1, "week": 7, "month": 30, "year": 365}  # to order durations, never to date a step


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Fact(_Strict):
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


class FactRef(_Strict):
    """The right side of a comparison between two facts: `{ fact = "other" }`."""

    fact: str


Day = Annotated[dt.date, Strict()]
Amount = FactRef | StrictInt | StrictFloat | Day
Value = FactRef | StrictBool | StrictInt | StrictFloat | StrictStr | Day


class Comparison(_Strict):
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
    """One condition (or bar): the sentence it encodes, the fact, the comparison."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    text: str = Field(min_length=1)
    fact: str
    source: str = ""
    mark: str = ""
    ask: str = ""
    whom: str = ""
    exception: list[Derogation] = []


class Way(_Strict):
    """One of several ways (1°, 2°): open when all its conditions are met."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    text: str = Field(min_length=1)
    condition: list[Condition] = Field(min_length=1)
    source: str = ""
    mark: str = ""


def _duration(value: str) -> str:
    if not DURATION.fullmatch(value):
        raise ValueError(f"« {value} » n'est pas une durée comme « 2 months » ou « 15 days »")
    return value


Duration = Annotated[str, AfterValidator(_duration)]


def _days(value: str) -> int:
    count, unit = value.rstrip("s").split(" ")
    return int(count) * DAYS[unit]


class Practice(_Strict):
    """How long a step takes in practice, with the source of the three durations."""

    low: Duration
    central: Duration
    high: Duration
    source: str = Field(min_length=1)
    mark: str = ""

    @model_validator(mode="after")
    def _ordered(self) -> Practice:
        if not _days(self.low) <= _days(self.central) <= _days(self.high):
            raise ValueError("durées à ranger : low ≤ central ≤ high")
        return self


class Step(_Strict):
    """One step of a procedure: who does what after what, and the delays the text sets.

    `within` is a longest delay, `at_least` a shortest, `lasts` a fixed duration.
    """

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    after: list[str] = []
    who: str = ""
    act: str = ""
    text: str = ""
    article: str = ""
    mark: str = ""
    within: Duration | None = None
    at_least: Duration | None = None
    lasts: Duration | None = None
    practice: Practice | None = None
    branch: str = ""
    optional: bool = False


class Version(_Strict):
    """The document as it stands from a day on.

    Verdict: every condition met, one way open (if there are ways), no bar met.
    """

    from_: dt.date = Field(alias="from")
    source: str = Field(min_length=1)
    url: str = ""
    mark: str = ""
    condition: list[Condition] = []
    way: list[Way] = []
    bar: list[Condition] = []
    step: list[Step] = []

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


class Checked(_Strict):
    """Who read the document over, and when; `by` empty: « non relu par un juriste »."""

    on: dt.date
    by: str = ""


class Weight(_Strict):
    """What a detection rule counts for, with the reason of the figure."""

    value: int = Field(ge=0)
    source: str = Field(min_length=1)
    mark: str = ""


class Ends(_Strict):
    """A bounded fact in an example: `{ low = 3 }`, `{ high = 5 }` or both."""

    low: float | None = None
    high: float | None = None


class Example(_Strict):
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


class Document(_Strict):
    """One rule or one legal instrument: its dated versions and the examples that test it."""

    title: str = Field(min_length=1)
    checked: Checked
    about: dict[str, str | int | list[str]] = {}
    role: Literal["excludes", "supports", "weakens"] | None = None
    weight: Weight | None = None
    version: list[Version] = Field(min_length=1)
    example: list[Example] = []

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


def uses(condition: Condition) -> Iterator[Use]:
    """Yield the base comparison of a condition, then those of its exceptions."""
    for said in (condition, *condition.exception):
        under = said if isinstance(said, Derogation) else None
        yield Use(condition, *said.comparison, under)

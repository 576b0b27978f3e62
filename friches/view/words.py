"""French typography: numbers, units, dates and the words that every output shares.

Labels and sentences stand in words.toml (`lexicon.w`); how answers are drawn, in look.py.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import pandas as pd
from babel.dates import format_date
from babel.numbers import format_decimal

from friches.group import OWNERS
from friches.view.lexicon import NBSP as NBSP  # noqa: PLC0414 -- words.NBSP is read elsewhere
from friches.view.lexicon import w
from friches.view.look import ANSWERS as ANSWERS  # noqa: PLC0414
from friches.view.look import Answer as Answer  # noqa: PLC0414

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

THIN = "\u202f"
"""Between thousands (CLDR French)."""
DASH = "–"

OWNER_KINDS = OWNERS
"""As blocks say them: stages before the views cannot read words.toml."""
ROUTE_STATES: dict[str, str] = w.route_states
YES_NO: dict[str, str] = w.yes_no
ROLES: dict[str, str] = w.roles
PLACES: dict[str, str] = w.places
BY: dict[str, str] = w.by
ZONES: dict[str, str] = w.zones
CANTEEN_KINDS: dict[str, str] = w.canteen_kinds
DINERS: dict[str, str] = w.diners
FARM_KINDS: dict[str, str] = w.farm_kinds
AUDIENCES: dict[str, str] = w.audiences
LAYERS: dict[str, str] = w.layers
COLUMNS: dict[str, str] = w.columns
CONCLUSIONS: dict[str, str] = w.conclusions
SEEN = tuple(w.seen.values())
"""What a visitor may answer; the last two are not « non »."""
UNKNOWN: str = w.shared.unknown
NO_DATE: str = w.said.no_date
FICTITIOUS: str = w.shared.fictitious
TO_CONFIRM: str = w.shared.to_confirm
MARKS: str = w.shared.marks
NOT_REVIEWED: str = w.shared.not_reviewed
NO_CONTACT: str = w.shared.no_contact
TO_COMPLETE: str = w.shared.to_complete
WITHDRAWN: str = w.shared.withdrawn
NOBODY: str = w.shared.nobody
CONTEST: str = w.shared.contest
NO_ROUTE: str = w.shared.no_route
EXTRACT: str = w.shared.extract
NO_PHOTO: str = w.shared.no_photo
UNKNOWN_IS_NOT_NO: str = w.shared.unknown_is_not_no


def missing(value: object) -> bool:
    """Return whether a single value is None, NaN, NaT or NA."""
    return value is None or value is pd.NA or value is pd.NaT or value != value  # noqa: PLR0124


def answer_key(value: object) -> str:
    """Return "yes", "no" or "unknown" for a nullable boolean: missing is never "no"."""
    if missing(value):
        return "unknown"
    return "yes" if value else "no"


def answer(value: object) -> str:
    """Return « probable », « non » or « à confirmer » for a fallow answer."""
    return ANSWERS[answer_key(value)].word


def route_state(value: object) -> str:
    """Return « ouverte », « fermée » or « à instruire » for a route's answer."""
    return ROUTE_STATES[answer_key(value)]


def yes_no(value: object) -> str:
    """Return « oui », « non » or « inconnu » for a condition's answer."""
    return YES_NO[answer_key(value)]


def text(value: object, absent: str = UNKNOWN) -> str:
    """Return a value as text, or `absent` where it is missing or blank."""
    said = "" if missing(value) else str(value).strip()
    return said or absent


def number(value: Any, decimals: int = 0, absent: str = UNKNOWN) -> str:
    """Return « 12 345,7 »: thin no-break space between thousands, decimal comma.

    Parameters
    ----------
    value : number or missing
    decimals : int
        How many decimals are written, always that many.
    absent : str
        What is written for a missing value.
    """
    if missing(value):
        return absent
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    return _written(float(value), decimals)


@lru_cache(maxsize=20_000)
def _written(value: float, decimals: int) -> str:
    pattern = "#,##0" + ("." + "0" * decimals if decimals else "")
    said = str(format_decimal(value, format=pattern, locale="fr"))
    return said.removeprefix("-") if not re.search("[1-9]", said) else said  # no « -0 »


def with_unit(value: Any, unit: str, decimals: int = 0, absent: str = UNKNOWN) -> str:
    """Return a number, a no-break space and its unit."""
    return absent if missing(value) else f"{number(value, decimals)}{NBSP}{unit}"


def hectares(value: Any, absent: str = UNKNOWN) -> str:
    """Return an area: two decimals under 10 ha, one from there."""
    if missing(value):
        return absent
    return with_unit(value, "ha", 2 if abs(round(value, 2)) < 10 else 1)


def square_metres(value: Any, absent: str = UNKNOWN) -> str:
    """Return an area in m², no decimals."""
    return with_unit(value, "m²", 0, absent)


def percent(share: Any, decimals: int = 0, absent: str = UNKNOWN) -> str:
    """Return a share (0 to 1) as « 12,3 % »."""
    return absent if missing(share) else with_unit(share * 100, "%", decimals)


def euros(value: Any, decimals: int = 2, absent: str = UNKNOWN) -> str:
    """Return « 1 234,50 € »."""
    return with_unit(value, "€", decimals, absent)


def minutes(value: Any, absent: str = UNKNOWN) -> str:
    """Return a travel time in whole minutes; under one minute is said so."""
    if not missing(value) and 0 <= value < 1:
        return f"<{NBSP}1{NBSP}min"
    return with_unit(value, "min", 0, absent)


def distance(metres: Any, absent: str = UNKNOWN) -> str:
    """Return a distance: metres under 1 km, else kilometres with one decimal."""
    if missing(metres):
        return absent
    return with_unit(metres, "m") if metres < 1000 else with_unit(metres / 1000, "km", 1)


def rounded(value: float, digits: int = 3) -> float:
    """Return a number with `digits` significant ones, so that an estimate does not look exact."""
    if not value or math.isinf(value):
        return value
    return round(value, digits - 1 - math.floor(math.log10(abs(value))))


def between(low: Any, central: Any, high: Any, unit: str = "", decimals: int = 0) -> str:
    """Return « entre 15 400 et 69 400, sans doute 34 700 » (with the unit after each end)."""
    if missing(low) and missing(high) and missing(central):
        return UNKNOWN
    tail = f"{NBSP}{unit}" if unit else ""
    ends = [number(end, decimals) for end in (low, high)]
    span = ends[0] if ends[0] == ends[1] else w.said.between.format(low=ends[0], high=ends[1])
    return _perhaps(f"{span}{tail}", "" if missing(central) else number(central, decimals))


def _perhaps(said: str, central: str) -> str:
    return str(w.said.perhaps.format(said=said, central=central)) if central else said


def meals(low: Any, central: Any, high: Any) -> str:
    """Return meals a year, three significant digits: low, high, then central."""
    ends = [end if missing(end) else rounded(end) for end in (low, central, high)]
    said = between(ends[0], ends[1], ends[2])
    return said if said == UNKNOWN else str(w.said.meals.format(said=said))


def _date(value: Any) -> dt.date | None:
    if missing(value):
        return None
    if isinstance(value, str):
        return dt.date.fromisoformat(value[:10])
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return value
    return pd.Timestamp(value).date()


@lru_cache(maxsize=20_000)
def _dated(date: dt.date, form: str) -> str:
    return str(format_date(date, form, locale="fr"))


def day(value: Any, absent: str = NO_DATE) -> str:
    """Return « 1er septembre 2026 » for a date, a timestamp or an ISO text."""
    date = _date(value)
    if date is None:
        return absent
    said = _dated(date, "d MMMM y")
    return said.replace("1", w.said.first_of, 1) if date.day == 1 else said


def month(value: Any, absent: str = NO_DATE) -> str:
    """Return « septembre 2026 »."""
    date = _date(value)
    return absent if date is None else _dated(date, "MMMM y")


def short_month(value: Any, absent: str = NO_DATE) -> str:
    """Return « sept. 2029 », for narrow columns."""
    date = _date(value)
    if date is None:
        return absent
    return _dated(date, "MMM y").replace(" ", NBSP)


def months(low: Any, central: Any, high: Any) -> str:
    """Return « entre mai 2027 et juin 2028, sans doute janvier 2028 »: an estimate has no day."""
    if missing(low) and missing(central) and missing(high):
        return NO_DATE
    ends = month(low), month(high)
    if ends[0] == ends[1]:
        return ends[0]
    said = w.said.between.format(low=ends[0], high=ends[1])
    return _perhaps(said, "" if missing(central) else month(central))


def when(row: Mapping[str, Any], what: str) -> str:
    """Return when something of a row happens: its span, or the month alone where it has none."""
    low, high = row[f"{what}_low"], row[f"{what}_high"]
    if missing(low) and missing(high):
        return month(row[what])
    return months(low, row[what], high)


def owners(at_least: Any, public: bool = False) -> str:
    """Return how many owners a block has; the public never learns that there is only one."""
    if missing(at_least):
        return str(w.said.few_owners) if public else UNKNOWN
    if public and at_least <= 2:
        return str(w.said.few_owners)
    return str(w.said.at_least.format(n=number(at_least)))


def section(value: str) -> str:
    """Return a section without its padding: « 0A » is « A »."""
    return value.lstrip("0") or value


def parcel_reference(parcel_id: str) -> str:
    """Return « 000 A 1 » (prefix, section, number) for a 14-character cadastral id."""
    if len(parcel_id) != 14:
        return parcel_id
    return f"{parcel_id[5:8]} {section(parcel_id[8:10])} {parcel_id[10:].lstrip('0') or '0'}"


def owner_kinds(kinds: Iterable[str]) -> str:
    """Return owner kinds as words, each once, in the order of `OWNER_KINDS`."""
    known = set(kinds)
    said = [word for kind, word in OWNER_KINDS.items() if kind in known]
    return ", ".join(said) or OWNER_KINDS["unknown"]

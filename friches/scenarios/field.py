"""From land set free to the first organic meal: clearing, conversion, harvest, plate.

Every duration stands in field.toml with its source and mark. Low dates suppose that a body
recognises the untreated years (no conversion to wait for); central and high wait for the whole.
"""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from friches.scenarios.timeline import BOUNDS, Dates, date_columns, due, french, ordered, plus

OTHER = "autre"
Field = Mapping[str, Any]
"""field.toml, or what a what-if file puts in its place."""


class Season(NamedTuple):
    """A span of the year, ends included, as (month, day); it may pass the new year."""

    opens: tuple[int, int]
    closes: tuple[int, int]

    @classmethod
    def read(cls, opens: str, closes: str) -> Season:
        """Read « MM-DD » ends."""
        return cls(*((int(end[:2]), int(end[3:])) for end in (opens, closes)))

    def holds(self, day: dt.date) -> bool:
        """Whether a day lies within the season."""
        here = (day.month, day.day)
        if self.opens <= self.closes:
            return self.opens <= here <= self.closes
        return here >= self.opens or here <= self.closes

    def first(self, day: dt.date) -> dt.date:
        """Return the first day of the season from `day` on."""
        if self.holds(day):
            return day
        opening = dt.date(day.year, *self.opens)
        return opening if opening >= day else dt.date(day.year + 1, *self.opens)

    def last(self, day: dt.date) -> dt.date:
        """Return the last day of the season that holds `day`."""
        closing = dt.date(day.year, *self.closes)
        return closing if closing >= day else dt.date(day.year + 1, *self.closes)


@cache
def figures() -> dict[str, Any]:
    """Return field.toml: durations, seasons, sources and marks."""
    return tomllib.loads(Path(__file__).with_name("field.toml").read_text("utf-8"))


def works(day: dt.date, duration: str, season: Season | None) -> tuple[dt.date, dt.date]:
    """Return the start and end of works that stop when their season closes, and go on at the next.

    Parameters
    ----------
    day : date
        First day on which the land may be worked.
    duration : str
        Time of work, like « 4 weeks ».
    season : Season or None
        When work is allowed; None: all year.
    """
    start = season.first(day) if season else day
    left = plus(start, duration) - start
    if season is None:
        return start, start + left
    now = start
    while now + left > season.last(now):
        left -= season.last(now) - now
        now = season.first(season.last(now) + dt.timedelta(1))
    return start, now + left


def clearing(free: Dates, stage: str | None, field: Field | None = None) -> tuple[Dates, Dates]:
    """Return start and end of clearing for a stage; unknown: from the quickest to the slowest."""
    field = field or figures()
    said = field["clearing"]
    season = Season.read(field["works"]["opens"], field["works"]["closes"])
    known = stage if stage in said["stages"] else None
    options: dict[str, list[tuple[dt.date, dt.date]]] = {}
    for bound, day in zip(BOUNDS, free, strict=True):
        one = known or (said["central_when_unknown"] if bound == "central" else None)
        stages = [said["stages"][one]] if one else said["stages"].values()
        options[bound] = [works(day, s[bound], season if s["woody"] else None) for s in stages]
    chosen = [
        min(options["low"], key=_by_end),
        options["central"][0],
        max(options["high"], key=_by_end),
    ]
    return ordered(start for start, _ in chosen), ordered(end for _, end in chosen)


def _by_end(span: tuple[dt.date, dt.date]) -> tuple[dt.date, dt.date]:
    return span[1], span[0]


def conversion(land: Dates, life: str, recognisable: bool, field: Field | None = None) -> Dates:
    """Return the end of organic conversion, which starts with the land's availability."""
    lasting = (field or figures())["conversion"][life]
    low = lasting["low"] if recognisable else lasting["high"]
    return ordered(
        plus(day, duration)
        for day, duration in zip(land, (low, lasting["central"], lasting["high"]), strict=True)
    )


def harvest(cleared: Dates, converted: Dates, crop: Mapping[str, str]) -> tuple[Dates, Dates]:
    """Return sowing (planting, turning out) and first organic harvest of a crop.

    Annual crops are sown once conversion has ended; perennials are planted before and only their
    harvest waits for it.
    """
    season = Season.read(crop["sown_from"], crop["sown_to"])
    perennial = crop["life"] == "perennial"
    ready = cleared if perennial else [max(days) for days in zip(cleared, converted, strict=True)]
    sown = ordered(season.first(day) for day in ready)
    ripe = [plus(day, crop[bound]) for day, bound in zip(sown, BOUNDS, strict=True)]
    if perennial:
        ripe = [max(days) for days in zip(ripe, converted, strict=True)]
    return sown, ordered(ripe)


def served(harvested: Dates, crop: Mapping[str, str]) -> Dates:
    """Return the first meal: harvest, then sorting, milling, ageing and delivery."""
    lasting = (crop["plate_low"], crop["plate"], crop["plate_high"])
    return ordered(due(day, wait) for day, wait in zip(harvested, lasting, strict=True))


def crop_of(food_group: str, field: Field | None = None) -> Mapping[str, str]:
    """Return the calendar of a food group, or of « autre » when it has none."""
    groups: dict[str, dict[str, str]] = (field or figures())["crops"]["groups"]
    return groups.get(food_group, groups[OTHER])


def first_meal(
    spans: tuple[Dates, Dates], stage: str | None, crop: Mapping[str, str], recognisable: bool,
    field: Field | None = None,
) -> Dates:  # fmt: skip
    """Return the first meal alone; arguments as those of `field_rows` (`spans`: land, free)."""
    land, free = spans
    cleared = clearing(free, stage, field)[1]
    converted = conversion(land, crop["life"], recognisable, field)
    return served(harvest(cleared, converted, crop)[1], crop)


def field_rows(  # noqa: PLR0913, PLR0917 -- what a field depends on
    land: Dates,
    stage: str | None,
    food_group: str | None,
    recognisable: bool,
    free: Dates | None = None,
    field: Field | None = None,
) -> list[dict[str, Any]]:
    """Return the steps from land to plate as rows of table `steps` (without block or position).

    Parameters
    ----------
    land : Dates
        When the land is set free.
    stage : str or None
        Stage of the fallow (`tables.STAGES`), if known.
    food_group : str or None
        Food group of the crop; None: clearing alone.
    recognisable : bool
        Whether untreated years may still be recognised instead of conversion (low dates).
    free : Dates, optional
        When works may start, if permits are awaited beyond `land`.
    field : mapping, optional
        What replaces field.toml.
    """
    field = field or figures()
    starts, cleared = clearing(free or land, stage, field)
    note = _clearing_note(stage, field)
    rows = [_row("remise_en_etat", _clearing_act(stage), starts, cleared, note)]
    if food_group is None:
        return rows
    crop, said = crop_of(food_group, field), field["crops"]
    converted = conversion(land, crop["life"], recognisable, field)
    sown, ripe = harvest(cleared, converted, crop)
    meal = served(ripe, crop)
    act = "Plantation" if crop["life"] == "perennial" else "Mise en culture ou en pâture"
    return [
        *rows,
        _row("conversion_bio", "Conversion à l'agriculture biologique", land, converted,
             _conversion_note(crop["life"], recognisable, field)),
        _row("premiere_recolte", f"{act}, puis première récolte bio : {food_group}", sown, ripe,
             _crop_note(crop, [crop[bound] for bound in BOUNDS], said)),
        _row("premier_repas", "Tri, transformation, livraison : premier repas servi", ripe, meal,
             _crop_note(crop, [crop["plate_low"], crop["plate"], crop["plate_high"]], said)),
    ]  # fmt: skip


def _row(step: str, act: str, starts: Dates, ends: Dates, practice: str) -> dict[str, Any]:
    return {
        "step": step,
        "who": "ferme",
        "act": act,
        **date_columns("starts_on", starts),
        **date_columns("ends_on", ends),
        "practice": practice,
        "optional": False,
    }


def _clearing_act(stage: str | None) -> str:
    return f"Remise en état ({stage or 'stade inconnu'})"


def _clearing_note(stage: str | None, field: Field) -> str:
    said, season = field["clearing"], field["works"]
    told = said["stages"].get(stage or "")
    note = f"{said['source_unknown']} [{said['mark']}]"
    if told:
        lasting = " / ".join(french(told[bound]) for bound in BOUNDS)
        note = f"{lasting} ; {said['source']} [{said['mark']}]"
    if told and not told["woody"]:
        return note
    return f"{note} ; {season['source']} [{season['mark']}]"


def _conversion_note(life: str, recognisable: bool, field: Field) -> str:
    said, limit = field["conversion"], field["recognition"]
    lasting = " / ".join(french(said[life][bound]) for bound in BOUNDS)
    if not recognisable:
        lasting = (
            f"{french(said[life]['high'])}, sans reconnaissance rétroactive : {limit['source']}"
        )
    return f"{lasting} ; {said['source']} [{said['mark']}]"


def _crop_note(crop: Mapping[str, str], lasting: list[str], said: Field) -> str:
    window = f"mise en culture du {_day(crop['sown_from'])} au {_day(crop['sown_to'])}"
    told = " / ".join(map(french, lasting))
    return f"{told} ; {window} ; {said['source']} [{said['mark']}]"


def _day(text: str) -> str:
    return f"{text[3:]}/{text[:2]}"

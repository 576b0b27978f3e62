"""The rules that ran, said in words: what each looks for, its threshold, its source and mark."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from friches.errors import InputError
from friches.fallow import conclusion, facts_read, rules
from friches.grammar import FactRef
from friches.judge import version_on
from friches.phrases import needed
from friches.scenarios.rule import instruments
from friches.view import words
from friches.view.lexicon import w

if TYPE_CHECKING:
    import datetime as dt

    from friches.judge import Document

ROLE_ORDER = tuple(words.ROLES)


class Threshold(NamedTuple):
    """One condition of one rule.

    Attributes
    ----------
    rule : str
        Title of the rule.
    role : str
        What a yes does, in words.
    weight : str
        Points it counts for in rank and share known, and where that weight comes from.
    fact, needed : str
        What is measured, and the threshold.
    text, source : str
        The sentence it encodes; source and mark.
    """

    rule: str
    role: str
    weight: str
    fact: str
    needed: str
    text: str
    source: str


class Law(NamedTuple):
    """One legal instrument as it stood on the study's day."""

    title: str
    source: str
    since: str
    conditions: int
    steps: int
    reviewed: str


class Check(NamedTuple):
    """One check of the data: how many parcels it concerns, of how many, within what tolerance."""

    what: str
    over: int
    of: int
    tolerance: str


KNOWN = {
    "area_registered_m2": w.method.no_registered,
    "years_unused_low": w.method.no_years,
    "zone_plu": w.method.no_zone,
    "slope_mean_pct": w.method.no_slope,
    "owner_kind": w.method.no_owner,
}
"""Facts whose absence is counted, and how it is told."""
UNKNOWN_KIND = "unknown"


def thresholds(day: dt.date) -> list[Threshold]:
    """Return every threshold in force on a day: detection rules by role, then the conclusions."""
    ordered = sorted(rules().values(), key=lambda rule: (_role_place(rule), rule.title))
    said = [row for rule in ordered for row in _conditions(rule, words.ROLES[str(rule.role)], day)]
    for name, role in words.CONCLUSIONS.items():
        said += _conditions(conclusion(name), role, day)
    return said


def _role_place(rule: Document) -> int:
    return ROLE_ORDER.index(str(rule.role))


def _conditions(document: Document, role: str, day: dt.date) -> list[Threshold]:
    try:
        version = version_on(document, day)
    except InputError:  # not in force yet on that day: it did not run
        return []
    weight = document.weight
    counted = f"{weight.value:g} ({weight.source}) [{weight.mark}]" if weight else ""
    return [
        Threshold(
            rule=w.method.way.format(title=document.title, way=way) if way else document.title,
            role=role,
            weight=counted,
            fact=words.COLUMNS.get(condition.fact, facts_read()[condition.fact].label),
            needed=_needed(condition.fact, said),
            text=said.text,
            source=_sourced(said, version),
        )
        for way, condition in _named(version)
        for said in (condition, *condition.exception)
    ]


def _named(version: Any) -> list[tuple[str, Any]]:
    """Return each condition with the words of the way it belongs to, or « sauf si » for a bar."""
    said = [("", condition) for condition in version.condition]
    said += [(way.text, condition) for way in version.way for condition in way.condition]
    return said + [(w.method.bar, condition) for condition in version.bar]


def _needed(measured: str, said: Any) -> str:
    """Return the threshold of a condition or of an exception to it, in words."""
    name, value = said.comparison
    if isinstance(value, FactRef):
        return str(w.method.compared.format(label=facts_read()[value.fact].label))
    threshold = needed(name, value, facts_read()[measured])
    where = getattr(said, "where", "")
    if not where:
        return threshold
    return str(w.method.where.format(threshold=threshold, label=facts_read()[where].label))


def _sourced(condition: Any, version: Any) -> str:
    source = condition.source or version.source
    mark = condition.mark if condition.source else condition.mark or version.mark
    return f"{source} [{mark}]" if mark else str(source)


def laws(day: dt.date) -> list[Law]:
    """Return the legal instruments in force on a day, in the order they are advised."""
    said = []
    for document in sorted(instruments().values(), key=_advised):
        try:
            version = version_on(document, day)
        except InputError:
            continue
        by = document.checked.by
        said.append(
            Law(
                title=document.title,
                source=f"{version.source} [{version.mark}]" if version.mark else version.source,
                since=words.day(version.from_),
                conditions=len(version.conditions),
                steps=len(version.step),
                reviewed=w.shared.read_by.format(name=by) if by else w.shared.unread,
            )
        )
    return said


def _advised(document: Document) -> tuple[int, str]:
    order = document.about.get("order", 99)
    return int(order) if isinstance(order, int | float | str) else 99, document.title


def checks(facts: Any) -> list[Check]:
    """Return the checks of a territory's data: « n parcelles sur m concernées », and tolerances.

    The gap between areas is judged where both are known: its `of` and the parcels without a
    contenance add up to all parcels, but for contenances of zero.
    """
    if not len(facts):
        return []
    over, of, tolerance = gaps(facts)
    told = [
        Check(
            w.method.gap,
            over,
            of,
            w.method.gap_tolerance.format(share=words.percent(tolerance)),
        )
    ]
    for name, what in KNOWN.items():
        values = facts.get(name)
        lost = len(facts) if values is None else int(values.isna().sum())
        if name == "owner_kind" and values is not None:
            lost += int(values.eq(UNKNOWN_KIND).sum())
        told.append(Check(what, lost, len(facts), w.method.no_tolerance))
    return told


def gaps(facts: Any) -> tuple[int, int, float]:
    """Return how many parcels have an area gap over the tolerance, of how many, and the tolerance.

    The gap is |measured - registered| / registered, where both are known.
    """
    from friches.view.popups import GAP_SHOWN

    known = facts[facts["area_registered_m2"].gt(0) & facts["area_m2"].notna()]
    gap = (known["area_m2"] - known["area_registered_m2"]).abs() / known["area_registered_m2"]
    return int((gap > GAP_SHOWN).sum()), len(known), GAP_SHOWN

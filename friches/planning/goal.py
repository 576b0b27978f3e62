"""The goal of a plan, « légumes=100%@2029-09 », and the limits it must keep, checked."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, NamedTuple

from friches.errors import Breach, InputError, refuse

if TYPE_CHECKING:
    from collections.abc import Collection

ALL = "tout"
EXAMPLE = "légumes=100%@2029-09"
_WRITTEN = re.compile(
    r"\s*(?P<group>[^=@]+?)\s*=\s*(?P<share>\d+(?:[.,]\d+)?)\s*(?P<pct>%?)\s*"
    r"@\s*(?P<year>\d{4})-(?P<month>\d{1,2})(?:-(?P<day>\d{1,2}))?\s*"
)


class Goal(NamedTuple):
    """An organic share (0 to 1) of what the kitchens buy of a food group, by a day."""

    food_group: str
    share: float
    by: dt.date


class Limits(NamedTuple):
    """What a plan must keep; None: no limit.

    `at_once`: procedures that run in the same quarter; `risk`: greatest chance that an opening
    fails, 0 to 1.
    """

    budget_eur: float | None = None
    at_once: int | None = None
    risk: float | None = None


def read_goal(text: str) -> Goal:
    """Return the goal written « group=share@date »; a month alone is its first day.

    Raises
    ------
    InputError
        Text that does not read so, or a day that does not exist.
    """
    found = _WRITTEN.fullmatch(text.replace("\u202f", " ").replace("\xa0", " "))
    todo = f"écrire par exemple « {EXAMPLE} » ({ALL} : tous les groupes d'aliments)"
    if found is None:
        raise refuse(f"objectif « {text} » illisible", "--goal", todo)
    share = float(found["share"].replace(",", ".")) / (100 if found["pct"] else 1)
    try:
        by = dt.date(int(found["year"]), int(found["month"]), int(found["day"] or 1))
    except ValueError:
        raise refuse(f"date impossible dans « {text} »", "--goal", todo) from None
    return Goal(found["group"].strip().lower(), share, by)


def check_goal(goal: Goal, limits: Limits, groups: Collection[str], day: dt.date) -> None:
    """Refuse a goal or limits that mean nothing, every breach at once.

    Parameters
    ----------
    goal, limits : Goal, Limits
    groups : collection of str
        Food groups that the kitchens buy.
    day : date
        First day on which a procedure may start.
    """
    breaches = []
    if not groups:
        breaches.append(Breach("aucune cantine : rien à atteindre", "goal", "donner des cantines"))
    elif goal.food_group not in {*groups, ALL}:
        known = ", ".join([*sorted(groups), ALL])
        what = f"groupe d'aliments « {goal.food_group} » inconnu"
        breaches.append(Breach(what, "goal", f"choisir parmi : {known}"))
    if not 0 < goal.share <= 1:
        what = f"part bio visée de {100 * goal.share:g} %"
        breaches.append(Breach(what, "goal", "donner plus de 0 % et 100 % au plus"))
    if goal.by <= day:
        what = f"échéance du {goal.by:%d/%m/%Y} qui n'est pas après le {day:%d/%m/%Y}"
        breaches.append(Breach(what, "goal", "donner une date future"))
    if limits.budget_eur is not None and not limits.budget_eur >= 0:
        what = f"budget de {limits.budget_eur:g} €"
        breaches.append(Breach(what, "budget", "donner 0 € ou plus"))
    if limits.at_once is not None and limits.at_once < 1:
        what = f"{limits.at_once} procédure(s) menée(s) de front"
        breaches.append(Breach(what, "at_once", "donner 1 ou plus"))
    if limits.risk is not None and not 0 <= limits.risk <= 1:
        what = f"risque d'échec accepté de {100 * limits.risk:g} %"
        breaches.append(Breach(what, "risk", "donner de 0 à 1"))
    if breaches:
        raise InputError(breaches)

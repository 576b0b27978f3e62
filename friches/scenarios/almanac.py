"""The calendar as tables of day numbers, so that whole arrays of dates move at once.

A day is an int32: days since `FIRST`. Every table is made once from the same rules as
`timeline` (calendar months, month ends, holidays) and read by indexing.
"""

from __future__ import annotations

import datetime as dt
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from friches.scenarios.timeline import holidays

if TYPE_CHECKING:
    from friches.scenarios.field import Season

FIRST, LAST = dt.date(2000, 1, 1), dt.date(2150, 1, 1)
SIZE = (LAST - FIRST).days
_MONTHS = {"month": 1, "year": 12}
_DAYS = {"day": 1, "week": 7}
Days = NDArray[np.int32]


def number(day: dt.date) -> int:
    """Return the number of a day; it must lie between `FIRST` and `LAST`."""
    if not FIRST <= day < LAST:
        raise ValueError(f"{day} lies outside the almanac")
    return (day - FIRST).days


def timestamps(days: NDArray[Any]) -> NDArray[np.datetime64]:
    """Return day numbers as dates."""
    return np.datetime64(FIRST) + days.astype("timedelta64[D]")


@cache
def _all() -> NDArray[np.datetime64]:
    return np.arange(np.datetime64(FIRST), np.datetime64(LAST))


@cache
def _after(duration: str) -> Days:
    count, unit = duration.rstrip("s").split(" ")
    if unit in _DAYS:
        moved = np.arange(SIZE) + int(count) * _DAYS[unit]
    else:
        months = _all().astype("datetime64[M]")
        target = months + int(count) * _MONTHS[unit]
        length = ((target + 1).astype("datetime64[D]") - target.astype("datetime64[D]")).astype(int)
        within = (_all() - months.astype("datetime64[D]")).astype(int)
        ends = target.astype("datetime64[D]") + np.minimum(within, length - 1)
        moved = (ends - np.datetime64(FIRST)).astype(int)
    capped: Days = np.minimum(moved, SIZE - 1).astype(np.int32)
    return capped


@cache
def _working() -> Days:
    closed = [day for year in range(FIRST.year, LAST.year) for day in holidays(year)]
    rolled = np.busday_offset(_all(), 0, roll="forward", holidays=np.array(closed, "M8[D]"))
    moved = (rolled - np.datetime64(FIRST)).astype(int)
    capped: Days = np.minimum(moved, SIZE - 1).astype(np.int32)
    return capped


def _taken(table: Days, days: Days) -> Days:
    found: Days = np.take(table, np.minimum(days, SIZE - 1))
    return found


def plus(days: Days, duration: str) -> Days:
    """Add a duration like « 2 months » by the calendar, as `timeline.plus`."""
    return _taken(_after(duration), days)


def working(days: Days) -> Days:
    """Move each day to the next working one, as `timeline.working_day`."""
    return _taken(_working(), days)


@cache
def _season(season: Season) -> tuple[Days, Days, Days]:
    """Return, for each day: first day of the season from it on, days worked before it, inverse."""
    held = np.array([season.holds(day) for day in _all().astype(object)])
    open_days = np.flatnonzero(held)
    place = np.minimum(np.searchsorted(open_days, np.arange(SIZE)), len(open_days) - 1)
    first = open_days[place].astype(np.int32)
    spans = held & np.append(held[1:], False)  # a day is worked when the next is in season too
    before = np.concatenate([[0], np.cumsum(spans)])[:SIZE].astype(np.int32)
    ends = np.concatenate([[0], np.flatnonzero(spans) + 1]).astype(np.int32)
    return first, before, ends


def opening(days: Days, season: Season) -> Days:
    """Return the first day of the season from each day on."""
    return _taken(_season(season)[0], days)


def worked(starts: Days, lasting: Days, season: Season) -> Days:
    """Return the end of works that stop when their season closes and go on at the next one.

    Parameters
    ----------
    starts : array of int32
        Days within the season.
    lasting : array of int32
        Days of work, at least one.
    season : Season
        When work is allowed.
    """
    _, before, ends = _season(season)
    done = np.minimum(_taken(before, starts) + lasting, len(ends) - 1)
    return _taken(ends, done)

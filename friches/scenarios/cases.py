"""Dates of the cases that routes of blocks share: each dated once, whatever the number of blocks.

A case is a route, the optional steps it needs, the gates that hold, the stage, whether untreated
years may be recognised, and the crops to choose from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from friches.phrases import distinct, worded
from friches.scenarios.fieldplan import chosen, draws, field_steps
from friches.scenarios.needs import holding
from friches.scenarios.procedures import dated, held
from friches.scenarios.timeline import SUFFIXES

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from friches.scenarios.fieldplan import Asked, Case
    from friches.scenarios.procedures import Dated, Held
    from friches.scenarios.setting import Setting
    from friches.scenarios.timeline import Dates

    Codes = NDArray[np.int64]
    Rows = list[dict[str, Any]]

Crops = tuple[tuple[str, str], ...]


class Cases(NamedTuple):
    """Routes of blocks as cases.

    `table`: a row a case, with dates, quantiles, chances and critical path. `case` is the row of
    each route (-1: closed, or it frees no land); `procedure`, `permits`, `field` are its places in
    the lists of `steps` (-1: none).
    """

    table: pd.DataFrame
    case: Codes
    procedure: Codes
    permits: Codes
    field: Codes
    steps: list[Rows]


def cases_of(opened: pd.DataFrame, crops: Sequence[Crops], day: dt.date, here: Setting) -> Cases:
    """Date the cases of `opened` (a row a block and route), whose column crops numbers `crops`."""
    legal_of, named = _cases(opened, ["instrument", "needs"])
    legal: dict[tuple[str, ...], Dated] = {
        (name, need): dated(name, need, day, here) for name, need in named
    }
    lands = {place: one.land for place, one in legal.items() if one.land is not None}
    frees = np.array([place in lands for place in named] + [False])[legal_of]
    asked_of, asked = _cases(
        opened, ["instrument", "needs", "gates", "stage", "recognisable", "crops"], frees
    )
    held_of, places = _numbered([case[:3] for case in asked])
    helds = _helds(places, legal, lands, day, here)
    questions: list[Asked] = [(*case[:5], crops[case[5]]) for case in asked]
    case_of, cases = _numbered(chosen(questions, helds, lands, here))
    field = field_steps(cases, helds, lands, here)
    steps = [*(one.rows for one in legal.values()), *(one.rows for one in helds.values()), *field]
    case = _then(case_of, asked_of)
    permits = _then(held_of, asked_of)
    return Cases(
        _table(cases, draws(cases, helds, legal, here), field, legal, lands),
        case,
        legal_of,
        np.where(permits < 0, -1, permits + len(legal)),
        np.where(case < 0, -1, case + len(legal) + len(helds)),
        steps,
    )


def _cases(
    opened: pd.DataFrame, columns: list[str], some: NDArray[np.bool_] | None = None
) -> tuple[Codes, list[tuple[Any, ...]]]:
    """Give a number to the distinct rows of `some` routes not closed (-1 to the others)."""
    left = ~opened["answer"].eq(False).fillna(value=False).to_numpy(bool)
    at = np.flatnonzero(left if some is None else left & some)
    rows = opened[columns].take(at)
    codes, first = distinct([pd.factorize(rows[column])[0] for column in columns], len(at))
    told = np.full(len(opened), -1, dtype=np.int64)
    told[at] = codes
    plain = [
        [None if pd.isna(value) else value for value in rows[column].take(first).tolist()]
        for column in columns
    ]
    for column, said in zip(columns, plain, strict=True):
        if column in ("needs", "gates"):
            said[:] = [value or "" for value in said]
    return told, list(zip(*plain, strict=True))


def _numbered(values: Sequence[Any]) -> tuple[Codes, list[Any]]:
    met: dict[Any, int] = {}
    codes = [met.setdefault(value, len(met)) for value in values]
    return np.array(codes, dtype=np.int64), list(met)


def _then(second: Codes, first: Codes) -> Codes:
    """Return `second[first]`, -1 where `first` is."""
    return np.append(second, -1)[first]


def _helds(
    places: Sequence[tuple[str, str, str]], legal: dict[tuple[str, ...], Dated],
    lands: dict[tuple[str, ...], Dates], day: dt.date, here: Setting,
) -> dict[tuple[str, ...], Held]:  # fmt: skip
    gates = holding(here, day)
    found: dict[tuple[str, ...], Held] = {}
    for name, need, states in places:
        drawn = legal[name, need].draws
        assert drawn is not None
        found[name, need, states] = held(states, lands[name, need], drawn.land, gates, here)
    return found


def _table(
    cases: Sequence[Case], told: pd.DataFrame, field: Sequence[Rows],
    legal: dict[tuple[str, ...], Dated], lands: dict[tuple[str, ...], Dates],
) -> pd.DataFrame:  # fmt: skip
    """Return what each case says: bounds, legal floor, critical path; quantiles and chance."""
    for end in SUFFIXES:
        meals = [_served(rows, f"ends_on{end}") for rows in field]
        told[f"first_meal_on{end}"] = pd.Series(meals, dtype="datetime64[ns]")
    for n, end in enumerate(SUFFIXES):
        told[f"land_on{end}"] = pd.Series([lands[c[:2]][n] for c in cases], dtype="datetime64[ns]")
    floors = [legal[case[:2]].legal_floor for case in cases]
    told["land_on_floor"] = pd.Series(floors, dtype="datetime64[ns]")
    told["critical_path"] = worded([" → ".join(legal[case[:2]].path) for case in cases])
    told["gates"] = worded([case[2] for case in cases])
    return told


def _served(rows: Rows, column: str) -> Any:
    return next((row[column] for row in rows if row["step"] == "premier_repas"), pd.NaT)

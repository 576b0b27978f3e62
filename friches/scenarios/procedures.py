"""Dates of routes and of gates, once for each case that blocks share: schedule, path, draws."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from friches.errors import refuse
from friches.scenarios import almanac
from friches.scenarios.chance import Drawn, draw, occurs, run
from friches.scenarios.path import critical, fitted, floor, up_to
from friches.scenarios.routebook import end_of, expected_of, steps_of
from friches.scenarios.timeline import Dates, dated_rows, ordered, schedule

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence

    from friches.procedure import Step
    from friches.scenarios.setting import Setting


class Dated(NamedTuple):
    """A route under given needs: its steps dated, when the land is free, and how sure that is.

    `land`, `legal_floor`, `draws` are None for a frame that frees no land by itself.
    """

    rows: list[dict[str, Any]]
    land: Dates | None
    legal_floor: dt.date | None
    path: list[str]
    draws: Drawn | None


def dated(name: str, needs: str, day: dt.date, here: Setting) -> Dated:
    """Date a route that starts on `day`, with the optional steps that `needs` calls for.

    Raises
    ------
    InputError
        When the step that frees the land is not among those left.
    """
    route = here.routes[name]
    steps = fitted(steps_of(route, here.documents, day), needs)
    dates = schedule(steps, day, expected_of(route, here.documents), name)
    ends = end_of(route), end_of(route, "or_land")
    if not ends[0]:
        return Dated(_marked(dated_rows(steps, dates), []), None, None, [], None)
    if ends[0] not in dates:
        raise refuse(f"« land » nomme l'étape inconnue « {ends[0]} »", name, "corriger [about]")
    land = dates[ends[0]][1]
    inorder = [step for one in dates for step in steps if step.id == one]
    wanted = [s for end in ends if end in dates for s in up_to(inorder, end, name)]
    needed = [step for step in inorder if step in wanted]
    drawn = draw(route, name, needed, ends, almanac.number(day), here.chance)
    if ends[1] in dates:
        sooner = dates[ends[1]][1][0]
        land = ordered((min(land[0], sooner), *land[1:]))
    path = critical(steps, dates, ends[0])
    lawful = floor(up_to(steps, ends[0], name), day, ends[0])
    return Dated(_marked(dated_rows(steps, dates), path), land, lawful, path, drawn)


def _marked(rows: list[dict[str, Any]], path: Sequence[str]) -> list[dict[str, Any]]:
    return [row | {"critical": row["step"] in path} for row in rows]


class Held(NamedTuple):
    """What gates add before works on the land: their steps dated, and when works may start."""

    rows: list[dict[str, Any]]
    free: Dates
    draws: almanac.Days


def held(
    states: str,
    land: Dates,
    drawn: almanac.Days,
    gates: Mapping[str, Sequence[Step]],
    here: Setting,
) -> Held:
    """Date the gates that hold (+) or may hold (?) a block, from the day its land is free.

    A gate that may hold counts in high dates alone, and in draws by the chance of an optional
    step.
    """
    rows: list[dict[str, Any]] = []
    free, late = land, drawn
    for said in states.split():
        sign, name = said[0], said[1:]
        if sign == "-":
            continue
        steps = _gate_steps(name, gates[name], sure=sign == "+")
        runs = [schedule(steps, start, where=name) for start in land]
        dates = {
            one: (
                ordered(run[one][0][n] for n, run in enumerate(runs)),
                ordered(run[one][1][n] for n, run in enumerate(runs)),
            )
            for one in runs[1]
        }
        rows += dated_rows(steps, dates)
        ends = [max(d[1][n] for d in dates.values()) for n in range(3)]
        counted = ends if sign == "+" else [*land[:2], ends[2]]
        free = ordered(max(pair) for pair in zip(free, counted, strict=True))
        sure = _gate_steps(name, gates[name], sure=True)
        done = np.maximum.reduce(list(run(sure, drawn, here.chance, name)[0].values()))
        called = sign == "+" or occurs(f"{name}?", here.chance["optional"], here.chance)[1]
        late = np.where(called, np.maximum(late, done), late).astype(np.int32)
    return Held([row | {"critical": False} for row in rows], free, late)


def _gate_steps(name: str, steps: Sequence[Step], *, sure: bool) -> list[Step]:
    said = f"{name}."
    return [
        step.model_copy(
            update={
                "id": said + step.id,
                "after": [said + before for before in step.after],
                "branch": step.branch and said + step.branch,
                "optional": step.optional or not sure,
            }
        )
        for step in steps
    ]

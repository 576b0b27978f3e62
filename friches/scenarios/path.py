"""What of a procedure really counts: the steps called for, the critical path, the legal floor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import networkx as nx

from friches.scenarios.timeline import Dates, graph, schedule

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence

    from friches.procedure import Step

NONE = "0 days"


def fitted(steps: Sequence[Step], needs: str) -> list[Step]:
    """Return the steps that circumstances call for: « +step » is needed, « -step » is left out.

    A step told several times is left out if it is once, else needed if it is once.
    """
    out = {need[1:] for need in needs.split() if need[0] == "-"}
    called = {need[1:] for need in needs.split() if need[0] == "+"}
    kept = []
    before = {step.id: step for step in steps}
    for step in steps:
        if step.id in out:
            continue
        changed: dict[str, Any] = {"after": _reattached(step, before, out)}
        if step.id in called:
            changed["optional"] = False
        kept.append(step.model_copy(update=changed))
    return kept


def _reattached(step: Step, before: Mapping[str, Step], out: set[str]) -> list[str]:
    """Return what a step waits for once the steps left out are replaced by what they waited for."""
    found: dict[str, None] = {}
    for name in step.after:
        names = _reattached(before[name], before, out) if name in out else [name]
        found |= dict.fromkeys(names)
    return list(found)


def up_to(steps: Sequence[Step], last: str, where: str = "") -> list[Step]:
    """Return the steps that `last` waits for, and `last`."""
    links = graph(steps, where)
    kept = nx.ancestors(links, last) | {last}
    return [step for step in steps if step.id in kept]


def critical(
    steps: Sequence[Step], dates: Mapping[str, tuple[Dates, Dates]], last: str
) -> list[str]:
    """Return the critical path of the central dates: the steps that `last` really waited for.

    Optional steps do not count in central dates, so they are never on it.
    """
    optional = " ".join(f"-{step.id}" for step in steps if step.optional and step.id != last)
    before = {step.id: step.after for step in fitted(steps, optional)}
    path = [last]
    while True:
        starts = dates[path[0]][0][1]
        ends = {name: dates[name][1][1] for name in before[path[0]] if name in dates}
        held = [name for name, day in ends.items() if day <= starts]
        if not held:
            return path
        path.insert(0, max(held, key=lambda name: ends[name]))


def floor(steps: Sequence[Step], day: dt.date, last: str) -> dt.date:
    """Return the day before which no diligence ends `last`: the delays that nobody may shorten.

    Those that the text fixes (`lasts`) or sets as shortest (`at_least`); what may be done at once
    (`within`, practice) takes no time. Optional steps are left out; a fork takes its shorter
    branch.
    """
    bare = [
        step.model_copy(
            update={"practice": None, "within": None, "lasts": step.lasts or step.at_least or NONE}
        )
        for step in steps
    ]
    return schedule(bare, day)[last][1][0]

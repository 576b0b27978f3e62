"""What each block calls for: optional steps of its routes, state of the gates, stage, recognition.

Needs are a text like « +mandataire -reprise ?structures »: + the step is needed, - it is not, ? it
may be (it then counts in high dates, and in draws by its chance). Equal texts share their dates.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from friches.errors import refuse
from friches.grammar import VERDICT
from friches.judge import version_on
from friches.phrases import Texts, distinct, stacked
from friches.scenarios.path import fitted
from friches.scenarios.routebook import steps_of

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from friches.judge import Document
    from friches.procedure import Step
    from friches.scenarios.legs import Rulings
    from friches.scenarios.placed import Placed
    from friches.scenarios.routebook import Route
    from friches.scenarios.setting import Setting

    Mask = NDArray[np.bool_]

SIGNS = "+-?"


class State(NamedTuple):
    """Whether some parcel of each block says so, and whether one may (one value a block)."""

    some: Mask
    may: Mask

    def signs(self) -> NDArray[np.int64]:
        """Return for each block the place in `SIGNS` of its sign."""
        return np.where(self.some, 0, np.where(self.may, 2, 1)).astype(np.int64)


class Known(NamedTuple):
    """What is known of parcels, placed in their blocks."""

    placed: Placed
    facts: pd.DataFrame  # a row a parcel of `placed`, in its order
    rulings: Rulings

    def answer(self, subject: str) -> tuple[Mask, Mask]:
        """Return where a fact, or « verdict_of.x », is known to be yes, and to be no."""
        size = len(self.placed.parcels)
        yes, no = np.zeros(size, dtype=bool), np.zeros(size, dtype=bool)
        if not subject.startswith(VERDICT):
            if subject in self.facts:
                said = self.facts[subject].astype("boolean")
                yes, no = (said.eq(one).fillna(value=False).to_numpy(bool) for one in (True, False))
            return yes, no
        rows = self.rulings.rows.get(subject.removeprefix(VERDICT))
        if rows is not None:
            parcel = self.rulings.parcel[subject.removeprefix(VERDICT)]
            verdict = rows["condition"].eq("verdict").to_numpy(bool)
            for side, wanted in ((yes, True), (no, False)):
                held = rows["answer"].eq(wanted).fillna(value=False).to_numpy(bool)
                side[parcel[verdict & held]] = True
        return yes, no

    def state(self, subject: str, wanted: str) -> State:
        """Return where the answer wanted is given, by block."""
        yes, no = self.answer(subject)
        if wanted == "possible":  # never needed; out as soon as one parcel is closed to it
            held = self.placed.number(no) == 0
            return State(np.zeros_like(held), held)
        meets, fails = (yes, no) if wanted == "yes" else (no, yes)
        some, may = (self.placed.number(marked) > 0 for marked in (meets, ~fails))
        return State(some, may)


def known(placed: Placed, facts: pd.DataFrame, rulings: Rulings) -> Known:
    """Set facts in the order of the parcels of `placed` (a parcel without facts: all missing)."""
    return Known(placed, facts.set_index("parcel_id").reindex(placed.parcels), rulings)


def recognisable(said: Known, limit: float) -> Mask:
    """Say whether untreated years may be recognised for the whole of each block.

    `limit` is the number of unused years under which no parcel's may be.
    """
    years = said.facts.get("years_unused_high", pd.Series(dtype="float64"))
    years = years.reindex(said.placed.parcels).astype("float64")
    held: Mask = said.placed.number((years < limit).to_numpy(bool)) == 0
    return held


def needs(said: Known, day: dt.date, here: Setting) -> Texts:
    """Say which optional steps each route of each block needs (block after block)."""
    states: dict[tuple[str, str], NDArray[np.int64]] = {}
    parts = []
    for route in here.routes.values():
        columns, named = [], []
        for steps, subject, wanted in _asked(route, day, here):
            if (subject, wanted) not in states:
                states[subject, wanted] = said.state(subject, wanted).signs()
            columns += [states[subject, wanted]] * len(steps)
            named += steps
        parts.append(_signed(columns, named, len(said.placed.sizes)))
    return stacked(parts, len(said.placed.sizes))


def subjects(day: dt.date, here: Setting) -> list[str]:
    """Return the facts (and « verdict_of.x ») that decide of optional steps."""
    told = (asked for route in here.routes.values() for asked in _asked(route, day, here))
    return list(dict.fromkeys(subject for _, subject, _ in told))


def _signed(columns: list[NDArray[np.int64]], names: list[str], blocks: int) -> Texts:
    case, first = distinct(columns, blocks)
    words = [
        "".join(f" {SIGNS[column[at]]}{name}" for column, name in zip(columns, names, strict=True))
        for at in first
    ]
    return Texts(case.astype(np.int32), words)


def _asked(route: Route, day: dt.date, here: Setting) -> Iterator[tuple[list[str], str, str]]:
    """Yield the optional steps of a route, what decides of them, and the answer that calls them."""
    alone = len(route.leg) == 1
    steps = steps_of(route, here.documents, day)
    known = {step.id for step in steps}
    for leg in route.leg:
        prefix = "" if alone else f"{leg.instrument}."
        for step, fact, wanted in optional_needs(here.documents[leg.instrument], leg.instrument):
            if prefix + step in known:
                yield [prefix + step], fact, wanted
        if not leg.needed and not alone:
            its = [step.id for step in steps if step.id.startswith(prefix)]
            yield its, f"verdict_of.{leg.instrument}", "possible"
    for gate, said in here.advice["gate"].items():  # whether or not `optional_needs` says so
        optional = [s.id for s in steps if s.optional and s.id.split(".")[-1] == said.get("step")]
        if optional and gate in here.gates:
            yield optional, f"verdict_of.{gate}", "no"


def optional_needs(document: Document, name: str) -> list[list[str]]:
    """Return « step fact yes|no » of an instrument's `optional_needs`, in three words each.

    Raises
    ------
    InputError
        When one cannot be read.
    """
    said = document.about.get("optional_needs", [])
    found = [need.split() for need in said] if isinstance(said, list) else []
    for need in found:
        if len(need) != 3 or need[2] not in ("yes", "no"):
            fault = f"« optional_needs » illisible : « {' '.join(need)} »"
            raise refuse(fault, name, "« étape fait yes|no »")
    return found


def holding(here: Setting, day: dt.date) -> dict[str, list[Step]]:
    """Return the steps of the gates that hold back works on the land, by gate."""
    found = {}
    for name, said in here.advice["gate"].items():
        if said["holds"] == "works" and name in here.gates:
            steps = list(version_on(here.gates[name], day).step)
            found[name] = fitted(steps, " ".join(f"-{one}" for one in said.get("without", [])))
    return {name: steps for name, steps in found.items() if steps}


def gate_states(said: Known, names: list[str]) -> Texts:
    """Say for each block which gates hold (+), do not (-), or may (?).

    A gate's verdict is yes where it holds nothing back.
    """
    columns = [said.state(f"{VERDICT}{name}", "no").signs() for name in names]
    return _signed(columns, names, len(said.placed.sizes))

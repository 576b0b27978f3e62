"""What each block calls for: optional steps of its routes, state of the gates, stage, recognition.

Needs are a text like « +mandataire -reprise ?structures »: + the step is needed, - it is not, ? it
may be (it then counts in high dates, and in draws by its chance). Equal texts share their dates.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from friches.errors import refuse
from friches.judge import version_on
from friches.scenarios.path import fitted
from friches.scenarios.routebook import steps_of

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

    from friches.judge import Document
    from friches.procedure import Step
    from friches.scenarios.routebook import Route
    from friches.scenarios.setting import Setting


class State(NamedTuple):
    """Whether some parcel of each block says so, and whether one may (both indexed by block)."""

    some: pd.Series[bool]
    may: pd.Series[bool]

    def signs(self, blocks: pd.Series[str]) -> pd.Series[str]:
        """Return +, - or ? for each block."""
        told = pd.Series("?", index=blocks.index, dtype="str")
        some, may = (blocks.map(held).astype(bool) for held in self)
        return told.mask(~may, "-").mask(some, "+")


def circumstances(
    blocks: pd.DataFrame, members: pd.DataFrame, facts: pd.DataFrame, limit: float
) -> pd.DataFrame:
    """Return block_id, stage, and whether untreated years may be recognised for the whole block.

    `limit` is the number of unused years under which no parcel's may be.
    """
    known = facts.reindex(columns=["parcel_id", "years_unused_high"])
    years = members.merge(known, on="parcel_id", how="left")
    fewest = years.groupby("block_id")["years_unused_high"].min()
    stages = blocks[["block_id", "stage"]].astype("str").reset_index(drop=True)
    recent = stages["block_id"].map(fewest) < limit
    return pd.DataFrame(stages).assign(recognisable=~recent.fillna(False))


def needs(  # noqa: PLR0913, PLR0917 -- one table a stage before it
    followed: pd.DataFrame,
    members: pd.DataFrame,
    facts: pd.DataFrame,
    rulings: pd.DataFrame,
    day: dt.date,
    here: Setting,
) -> pd.Series[str]:
    """Say which optional steps each row of `followed` (block_id, instrument) needs."""
    told = pd.Series("", index=followed.index, dtype="str")
    states: dict[tuple[str, str], State] = {}
    for name, of_route in followed["block_id"].groupby(followed["instrument"]):
        said = told.loc[of_route.index]
        for steps, subject, wanted in _asked(here.routes[str(name)], day, here):
            if (subject, wanted) not in states:
                states[subject, wanted] = _state(subject, wanted, members, facts, rulings)
            signs = states[subject, wanted].signs(of_route)
            for step in steps:
                said = said + " " + signs + step
        told.loc[of_route.index] = said
    return told


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


def _state(
    subject: str, wanted: str, members: pd.DataFrame, facts: pd.DataFrame, rulings: pd.DataFrame
) -> State:
    if subject.startswith("verdict_of."):
        named = rulings["instrument"].eq(subject.removeprefix("verdict_of."))
        rows = rulings.loc[named & rulings["condition"].eq("verdict"), ["parcel_id", "answer"]]
        rows = rows.rename(columns={"answer": subject})
    else:
        rows = facts.reindex(columns=["parcel_id", subject])
    answers = members[["parcel_id", "block_id"]].merge(rows, on="parcel_id", how="left")
    said = answers[subject].astype("boolean")
    if wanted == "possible":  # never needed; out as soon as one parcel is closed to it
        shut = said.eq(False).fillna(value=False).astype(bool)
        held = ~shut.groupby(answers["block_id"]).any()
        return State(held & False, held)
    matches = said.eq(wanted == "yes")
    some, may = (
        matches.fillna(value=unknown).astype(bool).groupby(answers["block_id"]).any()
        for unknown in (False, True)
    )
    return State(some, may)


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


def gate_states(
    block_ids: pd.Series[str], members: pd.DataFrame, rulings: pd.DataFrame, names: list[str]
) -> pd.Series[str]:
    """Say for each block which gates hold (+), do not (-), or may (?).

    A gate's verdict is yes where it holds nothing back.
    """
    none = pd.DataFrame({"parcel_id": pd.Series(dtype="str")})
    told = pd.Series("", index=block_ids.index, dtype="str")
    for name in names:
        state = _state(f"verdict_of.{name}", "no", members, none, rulings)
        told = told + " " + state.signs(block_ids) + name
    return told

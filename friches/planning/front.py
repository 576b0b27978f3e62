"""Plans that no other beats: meals, cost, delay, risk."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from friches.planning.forward import forward
from friches.planning.outlets import taken
from friches.planning.programme import best, more

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from friches.planning.case import Case, Posed
    from friches.planning.programme import Programme

    Numbers = NDArray[np.float64]

MEALS = (0.25, 0.5, 0.75, 0.9)
DELAYS = (0.0, 0.25, 0.5, 0.75)
RISKS = (0.0, 0.25, 0.5, 0.75)
"""Where the limits of the front stand, from the least to the greatest."""
NEARLY = 1e-4
"""Share of the meals that the cheapest plan may leave."""
SECONDS = 2.0
KINDS = {
    "meals": "float64",
    "kg": "float64",
    "share_of_goal": "float64",
    "cost_eur": "float64",
    "delay_days": "float64",
    "risk": "float64",
    "blocks": "Int64",
    "within": "str",
}


def measured(one: Case, question: Posed, chosen: NDArray[np.int64]) -> dict[str, Any]:
    """Return what some openings bring and ask.

    meals (whole-meal equivalents a year expected at the date), kg, share_of_goal (of what it
    lacks, 1 at most), cost_eur, delay_days (to the last first meal), risk (chance to fail, weighted
    by what each opening would bring), blocks.
    """
    rows = question.options.table.iloc[chosen]
    kg = taken(question.options.kg[chosen].sum(axis=0), question.sales, one.outlets.room)
    brings = rows["brings"].to_numpy(dtype=float)
    sure = brings / rows["chance"].to_numpy(dtype=float)
    days = (rows["first_meal_on"] - pd.Timestamp(one.day)).dt.days
    need = one.outlets.need
    return {
        "meals": kg / one.outlets.per_meal,
        "kg": kg,
        "share_of_goal": min(kg / need, 1.0) if need > 0 else 1.0,
        "cost_eur": float(rows["cost_eur"].sum()),
        "delay_days": float(days.max()) if len(rows) else 0.0,
        "risk": 1 - float(brings.sum() / sure.sum()) if len(rows) else 0.0,
        "blocks": len(rows),
    }


def front(one: Case, question: Posed) -> pd.DataFrame:
    """Return a dozen plans, those that another beats left out.

    Epsilon-constraint: the cheapest plans for the most meals and for parts of them, then for the
    most meals with an earlier last first meal, or with a smaller chance of failure an opening.

    Returns
    -------
    DataFrame
        meals, kg, share_of_goal, cost_eur, delay_days, risk, blocks, within (French, the limit),
        openings (tuple of block_id / instrument); by cost, then meals.
    """
    rows = []
    for label, limited, parts in _limited(question):
        if time.monotonic() > one.deadline:
            break
        reach = limited.reach
        most = best(limited, -reach, one.deadline, most=SECONDS, gap=NEARLY)
        if np.isnan(most.value) or not len(most.chosen):
            continue
        for part in parts:
            least = more(limited, reach, -most.value * part * (1 - NEARLY), np.inf)
            cheap = best(least, _cost(question), one.deadline, most=SECONDS, gap=NEARLY)
            whole = most.chosen if part == 1 else most.chosen[:0]
            chosen = whole if np.isnan(cheap.value) else cheap.chosen
            if len(chosen):
                chosen = forward(question.options, chosen, one.limits.at_once)
                told = label if part == 1 else f"{100 * part:.0f} % de ce qui se peut"
                rows.append(measured(one, question, chosen) | _named(question, chosen, told))
    if not rows:
        return no_front()
    table = pd.DataFrame(rows)
    table = table[unbeaten(table)].drop_duplicates("openings")
    table = table.astype(KINDS).sort_values(["cost_eur", "meals", "within"], ignore_index=True)
    return table[[*KINDS, "openings"]]


def no_front() -> pd.DataFrame:
    """Return a front without plans."""
    return pd.DataFrame(columns=[*KINDS, "openings"]).astype(KINDS)


def unbeaten(table: pd.DataFrame) -> NDArray[np.bool_]:
    """Mark the plans that no other equals on meals, cost, delay and risk while beating one."""
    worse = np.column_stack(
        [-table["meals"], table["cost_eur"], table["delay_days"], table["risk"]]
    ).astype(float)
    # Rounding parts no two plans.
    size = np.maximum(np.abs(worse).max(axis=0), 1e-9)
    worse = np.round(worse / size, 6)
    no_worse = (worse[:, None] <= worse[None]).all(axis=2)
    better = (worse[:, None] < worse[None]).any(axis=2)
    return np.asarray(~(no_worse & better).any(axis=0))


def _cost(question: Posed) -> Numbers:
    cost: Numbers = question.options.table["cost_eur"].to_numpy(dtype=float)
    return cost


def _named(question: Posed, chosen: NDArray[np.int64], told: str) -> dict[str, Any]:
    rows = question.options.table.iloc[chosen]
    pairs = zip(rows["block_id"], rows["instrument"], strict=True)
    return {"within": told, "openings": tuple(f"{block} / {route}" for block, route in pairs)}


def _limited(question: Posed) -> Iterator[tuple[str, Programme, tuple[float, ...]]]:
    """Return the programmes of the front: the limit added, in words, and the parts of its most."""
    whole, table = question.programme, question.options.table
    if not len(table):
        return
    yield "tout ce qui se peut", whole, (*MEALS, 1.0)
    days = table["first_meal_on"].to_numpy().astype("datetime64[D]")
    for part in DELAYS:
        last = days.min() + np.timedelta64(int(part * (days.max() - days.min()).astype(int)), "D")
        late = (days > last).astype(float)
        if late.any():
            label = f"premiers repas au {pd.Timestamp(last):%d/%m/%Y} au plus tard"
            yield label, more(whole, late, 0.0, 0.0), (1.0,)
    fails = 1 - table["chance"].to_numpy(dtype=float)
    for part in RISKS:
        greatest = fails.min() + part * (fails.max() - fails.min()) + 1e-9
        risky = (fails > greatest).astype(float)
        if risky.any():
            label = f"échec : {100 * greatest:.0f} % au plus par îlot"
            yield label, more(whole, risky, 0.0, 0.0), (1.0,)

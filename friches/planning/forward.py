"""Start as soon as the team can: nothing waits that need not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from friches.planning.options import Options

    Places = NDArray[np.int64]


def forward(options: Options, chosen: Places, at_once: int | None) -> Places:
    """Return the same openings, each started as early as the team allows, first ones first.

    Starting earlier never brings less: dates only come sooner.

    Parameters
    ----------
    options : Options
    chosen : ndarray of int
        Positions in `options.table`.
    at_once : int or None
        Procedures that may run in the same quarter.
    """
    if at_once is None or not len(chosen):
        return chosen
    table = options.table
    start = table["start"].to_numpy(dtype=np.int64)
    lasts = table["quarters"].to_numpy(dtype=np.int64)
    names = list(zip(table["block_id"], table["instrument"], strict=True))
    wanted = {names[at] for at in chosen}
    ways: dict[tuple[str, str], list[int]] = {}
    for at, name in enumerate(names):
        if name in wanted:
            ways.setdefault(name, []).append(at)
    busy = np.zeros(int((start[chosen] + lasts[chosen]).max()) + 1, dtype=np.int64)
    for at in chosen:
        busy[start[at] : start[at] + lasts[at]] += 1
    kept = []
    for at in sorted(chosen.tolist(), key=lambda one: (start[one], names[one])):
        busy[start[at] : start[at] + lasts[at]] -= 1
        sooner = sorted(ways[names[at]], key=lambda one: start[one])
        best = next(
            one
            for one in sooner
            if one == at or (busy[start[one] : start[one] + lasts[one]] < at_once).all()
        )
        busy[start[best] : start[best] + lasts[best]] += 1
        kept.append(best)
    return np.array(sorted(kept), dtype=np.int64)

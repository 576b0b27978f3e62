"""What the kitchens can still take of each food group, month by month, and what the goal asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from friches.planning.goal import ALL

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from friches.planning.goal import Goal

    Numbers = NDArray[np.float64]

MONTHS = 12


class Outlets(NamedTuple):
    """The kitchens taken together, for the goal's groups.

    `room`: kg not yet organic (groups, 12). `need`: kg a year that the goal lacks; below 0 where it
    is passed. `bought`: kg a year. `per_meal`: kg of all that one meal takes. `unknown`: kitchens
    whose organic share is not known, counted as having none.
    """

    groups: list[str]
    room: Numbers
    need: float
    bought: float
    per_meal: float
    unknown: int


def outlets(demand: pd.DataFrame, goal: Goal) -> Outlets:
    """Return what the kitchens can still take, and what the goal lacks.

    Parameters
    ----------
    demand : DataFrame
        Table « demand » (month by month); whatever goal it was made for.
    goal : Goal
    """
    groups = sorted(demand["food_group"].astype(str).unique())
    chosen = groups if goal.food_group == ALL else [goal.food_group]
    now = demand["organic_now"].astype("float64")
    rows = demand.assign(left=demand["kg"] - now.fillna(0.0), now=now.fillna(0.0))
    rows = rows[rows["food_group"].isin(chosen)]
    room = np.zeros((len(chosen), MONTHS))
    places = (
        rows["food_group"].map({name: n for n, name in enumerate(chosen)}).to_numpy(dtype=np.int64),
        rows["month"].to_numpy(dtype=np.int64) - 1,
    )
    np.add.at(room, places, np.maximum(rows["left"].to_numpy(dtype=float), 0.0))
    bought = float(rows["kg"].sum())
    one = demand.drop_duplicates(["canteen_id", "month"])
    meals = float(one["meals"].sum())
    return Outlets(
        chosen,
        room,
        goal.share * bought - float(rows["now"].sum()),
        bought,
        float(demand["kg"].sum()) / meals if meals > 0 else np.nan,
        int(demand.loc[now.isna(), "canteen_id"].nunique()),
    )


class Sales(NamedTuple):
    """How the crops of a plan are sold: group (index), share by month (crops, 12), keeps."""

    group: NDArray[np.int64]
    share: Numbers
    keeps: NDArray[np.bool_]


def sales(
    crops: list[str], group_of: dict[str, str], groups: list[str], calendar: pd.DataFrame
) -> Sales:
    """Return how some crops are sold, by the calendar (crop, month, share, keeps)."""
    known = calendar[calendar["crop"].isin(crops)]
    share = known.pivot_table(index="crop", columns="month", values="share", aggfunc="first")
    share = share.reindex(index=crops, columns=range(1, MONTHS + 1)).fillna(0.0)
    keeps = known.groupby("crop")["keeps"].first().reindex(crops).fillna(value=False)
    group = [groups.index(group_of[name]) for name in crops]
    return Sales(
        np.array(group, dtype=np.int64),
        share.to_numpy(dtype=float).reshape(len(crops), MONTHS),
        keeps.to_numpy(dtype=bool),
    )


def taken(kg: Numbers, known: Sales, room: Numbers, *, season: bool = True) -> float:
    """Return the kg of a year's crops that the kitchens can take, group by group and by month.

    Parameters
    ----------
    kg : ndarray of shape (crops,)
    known : Sales
    room : ndarray of shape (groups, 12)
    season : bool
        False: as if everything kept all the year.
    """
    keeps = known.keeps | (not season)
    fresh = np.zeros_like(room)
    np.add.at(fresh, known.group[~keeps], kg[~keeps, None] * known.share[~keeps])
    kept = np.bincount(known.group[keeps], kg[keeps], minlength=len(room))
    now = np.minimum(fresh, room)
    return float((now.sum(axis=1) + np.minimum(kept, (room - now).sum(axis=1))).sum())

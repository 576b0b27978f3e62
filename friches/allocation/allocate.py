"""Which crops on which block, by which farm, for which canteens: the allocation and its tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from friches.allocation import deliver, pairs, results, spread, words
from friches.allocation.arrays import Tables, joined, offered
from friches.allocation.checked import checked
from friches.allocation.given import given
from friches.allocation.parameters import parameters
from friches.allocation.programme import programme
from friches.allocation.solve import solve
from friches.demand import organic_goal
from friches.promising import promising, without
from friches.studyfile import TOLD_IN_FULL

if TYPE_CHECKING:
    from friches.allocation.arrays import Flags, Given, Numbers
    from friches.allocation.solve import Solution


class Allocation(NamedTuple):
    """The tables of an allocation, and how it was solved."""

    plots: pd.DataFrame
    flows: pd.DataFrame
    balance: pd.DataFrame
    shares: pd.DataFrame
    limits: pd.DataFrame
    matches: pd.DataFrame
    solved: dict[str, Any]


def allocate(  # noqa: PLR0913, PLR0917 - one argument a table
    blocks: pd.DataFrame,
    supply: pd.DataFrame,
    reach: pd.DataFrame,
    farmers: pd.DataFrame,
    demand: pd.DataFrame,
    reach_limits: Any,
    goal: Any = 1.0,
    neighbours: pd.DataFrame | None = None,
    calendar: pd.DataFrame | None = None,
    rules: pd.DataFrame | None = None,
    seed: int | None = None,
    *,
    told_in_full: int = TOLD_IN_FULL,
) -> Allocation:
    """Choose crops by block, blocks by farm and deliveries by month that close most of the gap.

    Aims, each without giving up the one before: (1) most full organic meal equivalents delivered
    in a year (kg delivered over the kg of all that a meal takes); (2) the least served kitchen
    served as well as can be (share of its own gap), then the next; (3) least travel from farms to
    land, weighted by hectares (nothing where the farm's fields touch the block), then least
    kg x minutes of deliveries. Ties go to farms that say what they grow, organic, then not known,
    with stated hectares, then by identifier: the order of rows changes nothing.

    A block is worked by one farm, which may take part of it. A crop takes at most its rotation
    share of the land taken. A farm grows what it says it produces, anything where it does not say.
    Wanted hectares that are not stated do not limit. A farm of kind « collective » is an outlet:
    it hands a share of what passes through it (hub.toml) to every canteen of the study; it works
    land only where it states hectares. Nothing is delivered in a month when the crop is not sold.

    Blocks whose `answer` is not yes are placed afterwards, with the land wanted and the gap that
    are left; they appear in `plots` (counted: no) and `matches` only.

    Parameters
    ----------
    blocks, supply, reach, demand, neighbours : DataFrame
        Tables of those names. `neighbours`: farms with a field that touches the block.
    farmers : DataFrame
        Source table.
    reach_limits : object
        With minutes_to_farm and minutes_to_canteen, both ends included (`Study.reach`).
    goal : float or object with `organic_share`
        Organic share that the canteens aim at: that of `demand`.
    calendar : DataFrame, optional
        crop, month, share, lost_share, keeps; by default `friches.supply.calendar()`. Crops that
        keep serve any month.
    rules : DataFrame, optional
        rule, families, of, sense, share; by default `friches.supply.rotation_rules()`. Land taken
        and not sold counts as ley or green manure.
    seed : int, optional
        Of the draws of low and high; by default that of spread.toml.
    told_in_full : int
        Blocks that are weighed at most, the most promising ones (`friches.promising`); the others
        are in `matches` alone, which says so.

    Returns
    -------
    Allocation
        plots, flows, balance, shares, limits, matches, and `solved`: meals, bound, gap (share of
        the bound), rows, columns; left_out where not all blocks are weighed.

    Raises
    ------
    InputError
        Unknown, negative or missing values; places, blocks or crops absent from their table.
    """
    share = organic_goal(goal)
    blocks, left = promising(blocks, told_in_full)
    supply, reach = without(supply, left), without(reach, left)
    neighbours = None if neighbours is None else without(neighbours, left)
    tables = checked(Tables(
        blocks, supply, reach, farmers, demand, neighbours,
        _calendar() if calendar is None else calendar, _rules() if rules is None else rules,
        float(reach_limits.minutes_to_farm), float(reach_limits.minutes_to_canteen),
    ))  # fmt: skip
    known = given(tables)
    sure = _sure(blocks, known)
    first = _placed(_only(known, sure))
    needs = spread.needs(tables.demand, known)
    found = _tables(first, needs, tables, share, parameters().seed if seed is None else seed)
    if sure.all():
        placed = [first]
    else:
        placed = [first, _placed(_left(known, ~sure, first), exact=False)]
        found |= {"plots": _both(first, placed[1])}
    matches = pairs.matches(tables, known, placed)
    solved = _solved(placed, tables.supply)
    if left is not None:
        found["limits"] = words.of_weighed(found["limits"], left)
        matches, solved["left_out"] = pairs.with_others(matches, left), left.said
    return Allocation(**found, matches=matches, solved=solved)


class Placed(NamedTuple):
    """One programme solved, with its lots and deliveries."""

    given: Given
    solution: Solution
    lots: deliver.Lots
    sent: deliver.Deliveries
    taken: Numbers  # hectares taken by each farm
    land: Numbers  # hectares taken of each block
    prices: words.Prices


def _placed(known: Given, *, exact: bool = True) -> Placed:
    built = programme(known)
    solution = solve(built, exact=exact)
    lots = deliver.lots(built, solution)
    sent = deliver.deliveries(known, lots, deliver.wanted(built, solution))
    y, q = built.starts[:2]
    hectares = np.maximum(solution.x[y:q], 0.0)
    taken, land = np.zeros(len(known.names.farmers)), np.zeros(len(known.names.blocks))
    np.add.at(taken, known.arcs.farmer, hectares)
    np.add.at(land, known.arcs.block, hectares)
    return Placed(known, solution, lots, sent, taken, land, words.prices(built, solution, lots))


def _calendar() -> pd.DataFrame:
    from friches.supply import calendar

    return calendar()


def _rules() -> pd.DataFrame:
    from friches.supply import rotation_rules

    return rotation_rules()


def _sure(blocks: pd.DataFrame, known: Given) -> Flags:
    if "answer" not in blocks.columns:
        return np.ones(len(known.names.blocks), dtype=bool)
    answer = blocks.set_index(blocks["block_id"].astype(str))["answer"]
    yes = answer.reindex(known.names.blocks).astype("boolean").fillna(value=False)
    return np.asarray(yes.to_numpy(dtype=bool))


def _only(known: Given, kept: Flags) -> Given:
    """Return `known` with some of its blocks; every index keeps its meaning."""
    if kept.all():
        return known
    suited = offered(known.suited, kept[known.suited.block])
    offer = offered(known.offer, kept[known.offer.block])
    arcs = joined(known.arcs, kept[known.arcs.block])
    grows = known.teams.grows & kept[known.teams.block][:, None]
    return known._replace(
        suited=suited, offer=offer, arcs=arcs, teams=known.teams._replace(grows=grows)
    )


def _left(known: Given, kept: Flags, first: Placed) -> Given:
    """Return `known` with the other blocks, the hectares and the room that `first` leaves."""
    given_to = np.zeros_like(known.room)
    np.add.at(given_to, (first.sent.kitchen, first.sent.group, first.sent.month), first.sent.kg)
    wants = np.maximum(known.wants - first.taken, 0.0)
    return _only(known._replace(room=np.maximum(known.room - given_to, 0.0), wants=wants), kept)


def _both(first: Placed, second: Placed) -> pd.DataFrame:
    parts = [
        results.plots(one.given, one.lots).assign(counted=counted)
        for one, counted in ((first, True), (second, False))
    ]
    table: pd.DataFrame = pd.concat([part for part in parts if len(part)] or parts[:1])
    return table.sort_values(["block_id", "crop"], ignore_index=True)


def _tables(
    placed: Placed, needs: spread.Needs, tables: Tables, goal: float, seed: int
) -> dict[str, pd.DataFrame]:
    known, lots, sent = placed.given, placed.lots, placed.sent
    return {
        "plots": results.plots(known, lots).assign(counted=True),
        "flows": results.flows(known, sent),
        "balance": results.balance(known, lots, sent),
        "shares": spread.shares(known, needs, lots, sent, goal, seed),
        "limits": words.limits(known, needs, tables.supply, sent, placed.prices),
    }


def _solved(placed: list[Placed], supply: pd.DataFrame) -> dict[str, Any]:
    """Return how the counted blocks were solved, and what the others would add."""
    first, solution = placed[0], placed[0].solution
    meals = [float(one.given.per_kg[one.sent.kitchen] @ one.sent.kg) for one in placed]
    bound = max(solution.bound, meals[0])
    grown = set(supply["food_group"].astype(str))
    return {
        "meals": meals[0],
        "bound": bound,
        "gap": (bound - meals[0]) / bound if bound > 0 else 0.0,
        "rows": solution.rows,
        "columns": solution.columns,
        "land_ha": float(first.land.sum()),
        "blocks_to_confirm": sum(len(set(one.lots.block.tolist())) for one in placed[1:]),
        "meals_to_confirm": sum(meals[1:]),
        "kg_to_confirm": float(sum(one.sent.kg.sum() for one in placed[1:])),
        "never": [name for name in first.given.names.groups if name not in grown],
    }

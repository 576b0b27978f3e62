"""Seeded Monte Carlo over forks, optional steps, durations and failures of a procedure.

Every draw is an array of day numbers (almanac.py). Chances and seed stand in chance.toml; each step
draws from a generator of its own, named by the step, so that a route's dates do not depend on the
other routes, and a changed delay moves only what waits for it.
"""

from __future__ import annotations

import tomllib
import zlib
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from friches.procedure import DAYS
from friches.scenarios import almanac
from friches.scenarios.timeline import BOUNDS, durations, forks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from friches.procedure import Chance, Step
    from friches.scenarios.almanac import Days
    from friches.scenarios.routebook import Route

Mask = NDArray[np.bool_]


class Drawn(NamedTuple):
    """Draws of a route: the day the land is free, and whether it succeeds.

    `land` is an array of day numbers (draws,). `succeeds` is (3, draws): with chances of failure
    high, central and low, so that the row means never decrease.
    """

    land: Days
    succeeds: Mask


@cache
def figures() -> dict[str, Any]:
    """Return chance.toml: seed, number of draws, chances with their sources and marks."""
    return tomllib.loads(Path(__file__).with_name("chance.toml").read_text("utf-8"))


def generator(name: str, seed: int) -> np.random.Generator:
    """Return the generator of one named draw."""
    return np.random.default_rng([seed, zlib.crc32(name.encode())])


@lru_cache(maxsize=4096)
def _uniform(name: str, seed: int, draws: int) -> NDArray[np.float64]:
    return generator(name, seed).random(draws)


@lru_cache(maxsize=4096)
def _weights(
    name: str, lasting: tuple[str, str, str], seed: int, draws: int, weight: float
) -> NDArray[np.float64]:
    low, central, high = (_days(text) for text in lasting)
    if low == high:
        return np.zeros(draws)
    mode = (central - low) / (high - low)
    return generator(name, seed).beta(1 + weight * mode, 1 + weight * (1 - mode), draws)


def _days(duration: str) -> int:
    count, unit = duration.rstrip("s").split(" ")
    return int(count) * DAYS[unit]


def uniform(name: str, said: Mapping[str, Any]) -> NDArray[np.float64]:
    """Return a uniform draw (draws,) of its own for each name."""
    return _uniform(name, said["seed"], said["draws"])


def lasting(
    name: str, starts: Days, spans: tuple[str, str, str], said: Mapping[str, Any]
) -> NDArray[np.int32]:
    """Return ends by a beta-PERT law between the calendar ends of `spans` (low, central, high)."""
    weight = float(said["duration"]["weight"])
    share = _weights(name, spans, said["seed"], said["draws"], weight)
    low, high = almanac.plus(starts, spans[0]), almanac.plus(starts, spans[2])
    return (low + np.rint(share * (high - low))).astype(np.int32)


def occurs(name: str, chance: Mapping[str, Any], said: Mapping[str, Any]) -> Mask:
    """Return (3, draws): what happens with a chance low, central and high, on the same draw."""
    drawn = uniform(name, said)
    return np.stack([drawn < float(chance[bound]) for bound in BOUNDS])


def run(
    steps: Sequence[Step], starts: Days, said: Mapping[str, Any], where: str = ""
) -> tuple[dict[str, Days], dict[str, Mask]]:
    """Draw the end of every step of a procedure.

    Parameters
    ----------
    steps : sequence of Step
        Each after those it waits for.
    starts : array of int32, (draws,) or (cases, draws)
        First day of the steps that wait for none.
    said : mapping
        chance.toml, or what replaces it.
    where : str, optional
        The procedure's name, of which each step's generator is named.

    Returns
    -------
    ends, passed : dict of str to array
        For each step its end, and in which draws the procedure passes it (draws,).
    """
    taken = _branches(steps, said, where)
    ends: dict[str, Days] = {}
    passed: dict[str, Mask] = {}
    for step in steps:
        reached = np.ones(said["draws"], dtype=bool)
        begins = starts
        if step.after:
            reached = np.any([passed[name] for name in step.after], axis=0)
            waits = [np.where(passed[name], ends[name], -1) for name in step.after]
            begins = np.maximum.reduce(waits).astype(np.int32)
            begins = np.where(reached, begins, starts).astype(np.int32)
        done = _end(step, begins, said, where)
        if step.optional:
            called = occurs(f"{where}:{step.id}?", said["optional"], said)[1]
            done = np.where(called, done, begins).astype(np.int32)
        passed[step.id] = reached & taken[step.branch] if step.branch else reached
        ends[step.id] = done
    return ends, passed


def _end(step: Step, begins: Days, said: Mapping[str, Any], where: str) -> Days:
    name = f"{where}:{step.id}"
    done = almanac.working(lasting(name, begins, durations(step, where), said))
    floor = step.lasts or step.at_least
    return np.maximum(done, almanac.working(almanac.plus(begins, floor))) if floor else done


def _branches(steps: Sequence[Step], said: Mapping[str, Any], where: str) -> dict[str, Mask]:
    stated = {s.branch: s.chance for s in reversed(steps) if s.branch and s.chance}
    taken: dict[str, Mask] = {}
    for branches in forks(steps):
        bounds = np.cumsum(_shares(branches, stated))
        drawn = uniform(f"{where}:{' '.join(branches)}", said) * bounds[-1]
        choice = np.searchsorted(bounds, drawn, side="right")
        taken |= {branch: choice == n for n, branch in enumerate(branches)}
    return taken


def _shares(branches: Sequence[str], stated: Mapping[str, Chance]) -> NDArray[np.float64]:
    """Return the central chance of each branch; those without share what is left equally."""
    known = {name: stated[name].central for name in branches if name in stated}
    silent = max(len(branches) - len(known), 1)
    left = max(1 - sum(known.values()), 0.0) / silent
    shares = np.array([known.get(name, left) for name in branches])
    return shares if shares.sum() > 0 else np.ones(len(branches))


def hazards(route: Route, said: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what may make a route fail (`[[hazard]]` of chance.toml that concern it)."""
    found = []
    for hazard in said["hazard"]:
        rank = route.farmer_rank
        ranked = isinstance(rank, int) and rank >= hazard.get("ranks_from", 10**6)
        named = set(route.instruments) & set(hazard.get("instruments", []))
        if ranked or named or route.kind in hazard.get("kinds", []):
            found.append(hazard)
    return found


def draw(  # noqa: PLR0913, PLR0917 -- what a draw depends on
    route: Route, name: str, steps: Sequence[Step], ends: tuple[str, str], day: int,
    said: Mapping[str, Any],
) -> Drawn:  # fmt: skip
    """Draw when a route frees the land and whether it succeeds.

    Parameters
    ----------
    route : Route
        For its hazards and the chance of its leg that may free the land sooner.
    name : str
        Its id.
    steps : sequence of Step
        Of the route, fitted to the circumstances.
    ends : tuple of str
        Steps that free the land: of the route, and of its optional leg (or « »).
    day : int
        Start, as a day number.
    said : mapping
        chance.toml, or what replaces it.
    """
    starts = np.full(said["draws"], day, dtype=np.int32)
    dates, passed = run(steps, starts, said, name)
    land = dates[ends[0]]
    fails = np.zeros((3, said["draws"]), dtype=bool)
    for hazard in hazards(route, said):
        fails |= occurs(f"{name}:{hazard['id']}", hazard, said)[::-1]
    succeeds = passed[ends[0]] & ~fails
    if ends[1] and ends[1] in dates:
        chances = [leg.chance for leg in route.leg if leg.chance is not None]
        chance = chances[0].model_dump() if chances else said["optional"]
        agreed = occurs(f"{name}:{ends[1]}", chance, said) & passed[ends[1]]
        land = np.where(agreed[1], np.minimum(dates[ends[1]], land), land).astype(np.int32)
        succeeds = succeeds | agreed
    return Drawn(land, succeeds)

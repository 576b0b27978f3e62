"""Monte Carlo from free land to the first meal, many cases at once (field.toml, chance.toml)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from friches.scenarios import almanac
from friches.scenarios.chance import lasting, occurs, uniform
from friches.scenarios.field import OTHER, Season

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from friches.scenarios.almanac import Days


def meals(
    land: Days,
    free: Days,
    case: tuple[str | None, str, bool],
    field: Mapping[str, Any],
    said: Mapping[str, Any],
) -> Days:
    """Draw the day of the first organic meal.

    Parameters
    ----------
    land, free : array of int32, (cases, draws)
        Day the land is available (conversion starts), and day it may be cleared.
    case : tuple
        Stage (or None: a stage at random), food group, and whether untreated years may be
        recognised.
    field, said : mapping
        field.toml and chance.toml, or what replaces them.

    Returns
    -------
    array of int32, (cases, draws)
    """
    stage, group, recognisable = case
    groups = field["crops"]["groups"]
    crop = groups.get(group, groups[OTHER])
    cleared = _cleared(free, stage, field, said)
    converted = _converted(land, crop["life"], recognisable, field, said)
    season = Season.read(crop["sown_from"], crop["sown_to"])
    perennial = crop["life"] == "perennial"
    sown = almanac.opening(cleared if perennial else np.maximum(cleared, converted), season)
    ripe = lasting(f"harvest:{group}", sown, (crop["low"], crop["central"], crop["high"]), said)
    if perennial:
        ripe = np.maximum(ripe, converted)
    plate = (crop["plate_low"], crop["plate"], crop["plate_high"])
    return almanac.working(lasting(f"plate:{group}", ripe, plate, said))


def _cleared(
    free: Days, stage: str | None, field: Mapping[str, Any], said: Mapping[str, Any]
) -> Days:
    stages = field["clearing"]["stages"]
    if stage in stages:
        return _works(free, str(stage), field, said)
    names = sorted(stages)
    choice = (uniform("stage", said) * len(names)).astype(int)
    done = np.empty_like(free)
    for n, name in enumerate(names):
        here = choice == n
        done[:, here] = _works(free, name, field, said)[:, here]
    return done


def _works(free: Days, stage: str, field: Mapping[str, Any], said: Mapping[str, Any]) -> Days:
    told = field["clearing"]["stages"][stage]
    spans = (told["low"], told["central"], told["high"])
    if not told["woody"]:
        return lasting(f"clear:{stage}", free, spans, said)
    season = Season.read(field["works"]["opens"], field["works"]["closes"])
    begins = almanac.opening(free, season)
    left = lasting(f"clear:{stage}", begins, spans, said) - begins
    return almanac.worked(begins, left, season)


def _converted(
    land: Days, life: str, recognisable: bool, field: Mapping[str, Any], said: Mapping[str, Any]
) -> Days:
    told = field["conversion"][life]
    whole = almanac.plus(land, told["high"])
    if not recognisable:
        return whole
    recognised = occurs("recognition", said["recognition"], said)[1]
    return np.where(recognised, almanac.plus(land, told["low"]), whole).astype(np.int32)


def quantiles(
    days: Days, succeeds: NDArray[np.bool_], said: Mapping[str, Any]
) -> list[NDArray[np.datetime64]]:
    """Return the quantiles of draws that succeed, as dates (cases,), NaT where none does.

    Parameters
    ----------
    days, succeeds : array, (cases, draws)
        Day numbers, and whether the draw succeeds.
    said : mapping
        chance.toml, whose `quantiles` are returned in order.
    """
    late = np.iinfo(np.int32).max
    inorder = np.sort(np.where(succeeds, days, late), axis=1)
    count = succeeds.sum(axis=1)
    found = []
    for share in said["quantiles"]:
        place = np.clip(np.ceil(share * count).astype(int) - 1, 0, None)
        value = inorder[np.arange(len(days)), place]
        told = almanac.timestamps(np.where(count > 0, value, 0))
        found.append(np.where(count > 0, told, np.datetime64("NaT")))
    return found


def stacked(rows: Sequence[Days]) -> Days:
    """Return draws of several cases as one array (cases, draws)."""
    return np.stack(list(rows)).astype(np.int32)

"""What an allocation reads, as tables and as arrays in a fixed order."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

Numbers = NDArray[np.float64]
Indices = NDArray[np.int64]
Flags = NDArray[np.bool_]

MONTHS = tuple(range(1, 13))
AWAY = np.inf


class Tables(NamedTuple):
    """The tables as given."""

    blocks: pd.DataFrame
    supply: pd.DataFrame
    reach: pd.DataFrame
    farmers: pd.DataFrame
    demand: pd.DataFrame
    neighbours: pd.DataFrame | None
    calendar: pd.DataFrame
    rules: pd.DataFrame
    minutes_to_farm: float
    minutes_to_canteen: float


class Names(NamedTuple):
    """What each index stands for, in order."""

    blocks: list[str]
    farmers: list[str]
    kitchens: list[str]
    groups: list[str]
    crops: list[str]


class Offer(NamedTuple):
    """What may be grown: one entry a block and crop."""

    block: Indices
    crop: Indices
    usable: Numbers  # ha of the block the crop may stand on
    share: Numbers  # of the land taken, by rotation
    kg_ha: Numbers  # deliverable, (entry, low/central/high)


class Arcs(NamedTuple):
    """Who may work which block: one entry a pair; the pairs of one class grow the same crops."""

    block: Indices
    farmer: Indices
    team: Indices  # class of the pair: same block, same crops, same outlet
    minutes: Numbers
    cost: Numbers  # minutes (0 where fields touch the block), preferences in the decimals


class Teams(NamedTuple):
    """Classes of pairs: one entry a block, set of crops and outlet."""

    block: Indices
    grows: Flags  # (class, crop)
    collective: Flags  # it sells through the collective alone


class Rule(NamedTuple):
    """A rotation rule: hectares of `crops` are at most `share` of the land taken, less `others`."""

    name: str
    crops: Flags
    others: Flags
    share: float


class Given(NamedTuple):
    """All that the programme reads; kg, ha, minutes."""

    names: Names
    suited: Offer  # all that the land can bear
    offer: Offer  # of it, what a kitchen in reach lacks
    arcs: Arcs
    teams: Teams
    group: Indices  # food group of each crop
    wants: Numbers  # ha wanted by each farmer; inf where not stated
    to_canteen: Numbers  # minutes (block, kitchen); inf beyond the limit
    hub: Indices  # collective that each block reaches; -1: none
    to_hub: Numbers
    room: Numbers  # organic kg lacking, central (kitchen, group, month)
    per_kg: Numbers  # full meals a kg, by kitchen
    share: Numbers  # of a year's deliverable kg, what is sold (crop, month)
    lost: Numbers  # of what leaves field or store, what is lost (crop, month)
    keeps: Flags  # the crop can wait for a buyer all the year: `share` is then a habit
    rules: list[Rule]
    limits: tuple[float, float]

    @property
    def sells(self) -> Flags:
        """Return in which months each crop may be sold."""
        return (self.share > 0) | self.keeps[:, None]


def offered(offer: Offer, kept: Flags) -> Offer:
    """Return some entries of an offer."""
    return Offer(
        offer.block[kept], offer.crop[kept], offer.usable[kept], offer.share[kept],
        offer.kg_ha[kept],
    )  # fmt: skip


def joined(arcs: Arcs, kept: Flags) -> Arcs:
    """Return some pairs of block and farm."""
    return Arcs(
        arcs.block[kept], arcs.farmer[kept], arcs.team[kept], arcs.minutes[kept], arcs.cost[kept]
    )


def index(names: list[str], column: Iterable[object]) -> Indices:
    """Return the place of each value among `names`; -1: not there."""
    at = {name: place for place, name in enumerate(names)}
    return np.array([at.get(str(value), -1) for value in column], dtype=np.int64)

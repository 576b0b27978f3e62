"""The most promising blocks, where a territory has more than an allocation or a plan can weigh."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from friches.errors import refuse
from friches.figures import THIN, figure
from friches.studyfile import TOLD_IN_FULL

if TYPE_CHECKING:
    from collections.abc import Mapping


class Left(NamedTuple):
    """What is left out: blocks weighed and in all, hectares weighed and in all, identifiers."""

    weighed: int
    blocks: int
    weighed_ha: float
    area_ha: float
    ids: frozenset[str]

    @property
    def said(self) -> dict[str, Any]:
        """Return the figures alone, as JSON can say them."""
        names = ("weighed", "blocks", "weighed_ha", "area_ha")
        return {name: getattr(self, name) for name in names}


def promising(blocks: pd.DataFrame, most: int = TOLD_IN_FULL) -> tuple[pd.DataFrame, Left | None]:
    """Return the blocks that are weighed, in their order, and what is left out (None: nothing).

    Those answered yes first, then by rank: the order of identifiers where there is no rank.

    Parameters
    ----------
    blocks : DataFrame
        Table of that name: block_id and area_ha, answer and rank where they are there.
    most : int
        Blocks weighed at most, from 1.

    Raises
    ------
    InputError
        `most` under 1.
    """
    if most < 1:
        raise refuse(f"{most} îlot(s) détaillé(s)", "study.told_in_full", "donner 1 ou plus")
    if len(blocks) <= most:
        return blocks, None
    ids = blocks["block_id"].astype("str")
    order = pd.DataFrame({"size": ids.str.len(), "id": ids}, index=blocks.index)
    order["rank"] = blocks["rank"] if "rank" in blocks.columns else 0
    yes = blocks["answer"].astype("boolean") if "answer" in blocks.columns else True
    order["doubt"] = ~pd.Series(yes, index=blocks.index, dtype="boolean").fillna(value=False)
    kept = set(order.sort_values(["doubt", "rank", "size", "id"])["id"].iloc[:most])
    inside = ids.isin(kept)
    area = blocks["area_ha"].astype("float64")
    left = Left(
        int(inside.sum()),
        len(blocks),
        float(area[inside].sum()),
        float(area.sum()),
        frozenset(ids[~inside]),
    )
    return blocks[inside], left


def without(table: pd.DataFrame, left: Left | None) -> pd.DataFrame:
    """Return the rows of a table that are not of blocks left out."""
    if left is None:
        return table
    return table[~table["block_id"].isin(left.ids)]


def part(said: Mapping[str, Any]) -> str:
    """Return « les 2 000 îlots les plus probables sur 65 000 (3 100 ha sur 84 000 ha) »."""
    return (
        f"les {figure(said['weighed'])} îlots les plus probables sur {figure(said['blocks'])} "
        f"({_ha(said['weighed_ha'])} sur {_ha(said['area_ha'])})"
    )


def others(said: Mapping[str, Any]) -> str:
    """Return « les 63 000 autres îlots (80 900 ha) »."""
    count, hectares = said["blocks"] - said["weighed"], _ha(said["area_ha"] - said["weighed_ha"])
    return (
        f"l'autre îlot ({hectares})"
        if count == 1
        else (f"les {figure(count)} autres îlots ({hectares})")
    )


def _ha(value: float) -> str:
    return f"{figure(value, 1)}{THIN}ha"

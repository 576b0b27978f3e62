"""The allocation in one sentence, with its range."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from friches.allocation.spread import ALL_GROUPS, ALL_KITCHENS
from friches.figures import figure, rounded
from friches.promising import others, part

if TYPE_CHECKING:
    from collections.abc import Mapping

    from friches.allocation.allocate import Allocation


def sentence(allocation: Allocation, study: Any = None) -> str:
    """Return what the allocation does for the canteens, in one French sentence.

    Parameters
    ----------
    allocation : Allocation
        From `allocate`.
    study : Study, optional
        Names the territory.

    Returns
    -------
    str
        From what organic share to what (low to high), meals, blocks, hectares, farms, kitchens,
        and the food groups that stay open; a second sentence where not all blocks are weighed.
    """
    name = f"{study.study.name} : " if study is not None else ""
    rows = {
        (row["canteen_id"], row["food_group"]): row for row in allocation.shares.to_dict("records")
    }
    if not rows:
        return f"{name}aucune cantine connue, donc aucune part bio à dire."
    whole = rows[ALL_KITCHENS, ALL_GROUPS]
    parts = [_from_to(whole), _meals(whole), _by(allocation)]
    told = f"{name}{', '.join(parts)}{_more(allocation, whole)} ; {_open(allocation)}."
    return f"{told}{_left_out(allocation)}"


def _left_out(allocation: Allocation) -> str:
    """Return what is not weighed, where the territory has too many blocks."""
    said = allocation.solved.get("left_out")
    if said is None:
        return ""
    rest = (
        "n'est ni compté ni exclu"
        if said["blocks"] - said["weighed"] == 1
        else ("ne sont ni comptés ni exclus")
    )
    return f" Répartition faite sur {part(said)} : {others(said)} {rest}."


def _more(allocation: Allocation, whole: Mapping[Any, Any]) -> str:
    """Return what the blocks still to confirm would add, where there are any."""
    blocks = allocation.solved["blocks_to_confirm"]
    if not blocks:
        return ""
    meals = figure(rounded(allocation.solved["meals_to_confirm"]))
    told = f" ; {blocks} îlot(s) à confirmer en porteraient {meals} de plus"
    after, kg = whole["share_after"], whole["kg"]
    if kg > 0 and after > whole["share_now"]:
        share = after + (after - whole["share_now"]) * allocation.solved["kg_to_confirm"] / kg
        told += f" (soit {_percent(min(share, 1.0))} de bio)"
    return told


def _from_to(row: Mapping[Any, Any]) -> str:
    low, high = _percent(row["share_after_low"]), _percent(row["share_after_high"])
    if math.isnan(row["share_now"]) or math.isnan(row["share_after"]):
        return f"part bio inconnue aujourd'hui, de {low} à {high} de bio ensuite"
    now, after = _percent(row["share_now"]), _percent(row["share_after"])
    return f"de {now} à {after} de bio ({low} à {high})"


def _percent(share: float) -> str:
    return f"{figure(100 * share)}\u202f%"


def _meals(row: Mapping[Any, Any]) -> str:
    low, central, high = (figure(rounded(row[f"meals{end}"])) for end in ("_low", "", "_high"))
    return f"soit {central} repas bio complets de plus par an ({low} à {high})"


def _by(allocation: Allocation) -> str:
    plots = allocation.plots[allocation.plots["counted"]]
    blocks, farms = plots["block_id"].nunique(), plots["farmer_id"].nunique()
    kitchens = allocation.flows["canteen_id"].nunique()
    if not blocks:
        return "sans qu'aucun îlot soit cultivé"
    hectares = figure(allocation.solved["land_ha"], 1)
    return (
        f"grâce à {blocks} îlot(s) ({hectares} ha) et {farms} ferme(s), pour {kitchens} cuisine(s)"
    )


def _open(allocation: Allocation) -> str:
    limits = allocation.limits
    held = limits[~limits["limit"].isin(["closed", "unknown_share"])]
    never = sorted(set(held["food_group"]) & set(allocation.solved["never"]))
    still = sorted(set(held["food_group"]) - set(never))
    parts = []
    if still:
        parts.append(f"restent ouverts : {', '.join(still)}")
    if never:
        parts.append(f"qu'aucune de ces terres ne peut fermer : {', '.join(never)}")
    return " ; ".join(parts) or "aucun groupe d'aliments ne reste ouvert"

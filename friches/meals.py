"""Meals: a sober crop plan for each block on its own, and the meals it feeds.

Made from what each block can bear (`supply`): the same kg a hectare. Plans are in
friches/food/plans.toml, each an ASSUMPTION.
"""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from friches import supply
from friches.errors import refuse
from friches.food import menu
from friches.food.crops import Bounds, Plan, plans
from friches.food.site import places
from friches.food.suitability import seen
from friches.tables import check, empty

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from friches.food.site import Place
    from friches.supply import Offer

__all__ = ["grow", "harvest"]


def harvest(name: str, hectares: float, level: str | None = None) -> Bounds:
    """Return the kg a year that canteens can buy from some hectares of one crop.

    Good land, cruise years; see `supply.yield_ha` for what is counted.

    Parameters
    ----------
    name : str
        A crop of crops.toml.
    hectares : float
        Hectares of the place given to the crop.
    level : str, optional
        Which yield of the crop; by default its first one (for market gardens, whole estates).

    Returns
    -------
    Bounds
        low, central, high (kg a year of what the kitchen buys).

    Raises
    ------
    InputError
        Unknown crop or level; negative hectares.
    """
    if not hectares >= 0:
        raise refuse(f"surface de {hectares:g} ha", name, "donner une surface positive")
    return _times(supply.yield_ha(name, level), hectares)


def _times(each: Bounds, hectares: float) -> Bounds:
    return Bounds(each.low * hectares, each.central * hectares, each.high * hectares)


def grow(blocks: pd.DataFrame, members: pd.DataFrame, facts: pd.DataFrame) -> pd.DataFrame:
    """Propose for each block a sober crop plan and the meals it feeds.

    The first plan of plans.toml that the place allows is taken; its crops yield what `supply`
    says of them. Where a trait is unknown the low end takes the worst case, the high end the
    best, and `limits` says so.

    Parameters
    ----------
    blocks, members, facts : DataFrame
        Result tables (see tables.toml); columns that are absent are unknown.

    Returns
    -------
    DataFrame
        Table « meals »: one row a block and crop, areas summing to what is usable of the block;
        `plan` names the plan. Meal equivalents are of the reference audience of meal.toml.

    Raises
    ------
    InputError
        As `supply`: missing columns, areas below 0 or missing, blocks given twice.
    """
    supply.refuse_bad(blocks, members, facts)
    rows = [
        row
        for block, place in places(blocks, members, facts).items()
        for row in _rows(block, place)
    ]
    if not rows:
        none: pd.DataFrame = empty("meals", extra={"plan": "str"})
        return none
    table = pd.DataFrame(rows).sort_values(["block_id", "crop"], ignore_index=True)
    return check(table, "meals", "repas")


def _rows(block: str, place: Place) -> Iterator[dict[str, Any]]:
    offers = cache(partial(supply.offer, place, seen(place)))  # a plan needs few of the crops
    plan, hectares = _plan(place, offers)
    for name, area in sorted(hectares.items()):
        offer = offers(name)
        yield {
            "block_id": block,
            "crop": name,
            "food_group": offer.crop.food_group,
            "area_ha": area,
            **_figures(offer.crop.food_group, _times(offer.kg_ha, area)),
            "source": _source(offer, plan),
            "limits": _limits(offer, place),
            "plan": plan.name,
        }


@cache
def _per_meal() -> dict[str, dict[str, float]]:
    needs = menu.need(menu.menu().reference)
    by_group = {str(group): dict(row) for group, row in needs.iterrows()}
    return {"": dict(needs.sum()), **by_group}


def _figures(group: str, kg: Bounds) -> dict[str, float]:
    needs = _per_meal()
    found: dict[str, float] = {}
    for name, need in (("meals", needs[""]), ("meals_group", needs[group])):
        found[f"{name}_low"] = kg.low / need["kg_high"]
        found[name] = kg.central / need["kg"]
        found[f"{name}_high"] = kg.high / need["kg_low"]
    return {"kg_low": kg.low, "kg": kg.central, "kg_high": kg.high} | found


# ------------------------------------------------------------------ which plan for which place


def _plan(place: Place, offers: Callable[[str], Offer]) -> tuple[Plan, dict[str, float]]:
    for plan in plans().plan:
        if offers(plan.lead).fit.answer is not False and _suits(plan, place):
            return plan, _hectares(plan, offers)
    return plan, {
        plan.lead: offers(plan.lead).usable_ha
    }  # the last plan, even if it yields nothing


def _suits(plan: Plan, place: Place) -> bool:
    if plan.past is not None and place.past not in plan.past:
        return False
    if place.past in plan.not_past:
        return False
    relief_known = not (np.isnan(place.slope_pct) or np.isnan(place.altitude_m))
    return relief_known or not plan.needs_relief or place.past in plans().worked


def _hectares(plan: Plan, offers: Callable[[str], Offer]) -> dict[str, float]:
    usable = offers(plan.lead).usable_ha
    found: dict[str, float] = {}
    start = 0.0
    for tranche in plan.tranche:
        end = usable if tranche.up_to_ha is None else min(tranche.up_to_ha, usable)
        if end <= start:
            break
        fits = {n: s for n, s in tranche.share.items() if offers(n).fit.answer is not False}
        shares = fits or {plan.lead: 1.0}
        for name, share in shares.items():
            part = (end - start) * share / sum(shares.values())
            found[name] = found.get(name, 0.0) + part
        start = end
    return found


# ------------------------------------------------------------------ what is said of it


def _source(offer: Offer, plan: Plan) -> str:
    parts = [
        supply.source(offer),
        f"plan « {plan.name} » ({plan.mark})",
        "repas : portions du GEM-RCN 2015 (RECALLED) sur 20 repas (ASSUMPTION)",
    ]
    return " ; ".join(parts)


def _limits(offer: Offer, place: Place) -> str:
    said = supply.limits(offer)
    if np.isnan(place.slope_pct) and not place.past:
        return f"{said} ; pente et dernier usage inconnus : aucun labour proposé"
    return said

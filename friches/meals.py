"""Meals: what each block can grow, for how many meals, and how much of the canteens' gap it closes.

`grow` proposes a sober crop plan; `demand` says what the canteens lack; `outcome` joins the two.
Every figure is in friches/food/*.toml with its unit, source and mark.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from friches.demand import demand
from friches.errors import refuse
from friches.food import menu
from friches.food.crops import Bounds, Crop, Plan, crop, crops, plans
from friches.food.site import Factor, Place, factor, net_share, places, site
from friches.outcome import outcome
from friches.tables import check, empty

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["demand", "grow", "harvest", "outcome"]


def harvest(name: str, hectares: float, level: str | None = None) -> Bounds:
    """Return the kg a year that canteens can buy from some hectares of one crop.

    Good land, cruise years. Hectares are those of the place, paths and hedges included: a yield
    counted on cropped land is brought down by the net share of site.toml.

    Parameters
    ----------
    name : str
        A crop of crops.toml.
    hectares : float
        Hectares of the place given to the crop.
    level : str, optional
        Which yield of the crop; by default its first one (for vegetables, whole estates).

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
    grown = crop(name)
    stated = grown.at(level)
    net, bought = net_share(grown, stated.basis), _bought(grown)
    return Bounds(
        stated.low * net.low * bought.low * hectares,
        stated.central * net.central * bought.central * hectares,
        stated.high * net.high * bought.high * hectares,
    )


def _bought(grown: Crop) -> Bounds:
    if grown.from_milk:
        share = menu.dairy_per_kg_milk()
        return Bounds(share, share, share)
    ratio = grown.bought_per_kg
    return Bounds(ratio.low, ratio.central, ratio.high) if ratio else Bounds(1, 1, 1)


def grow(blocks: pd.DataFrame, members: pd.DataFrame, facts: pd.DataFrame) -> pd.DataFrame:
    """Propose for each block a sober crop plan and the meals it feeds.

    The first plan of plans.toml that the place allows is taken. Where slope, altitude, woody
    cover or access are unknown the low end takes the worst case, the high end the best, the
    central value the middle, and `limits` says so.

    Parameters
    ----------
    blocks, members, facts : DataFrame
        Result tables (see tables.toml); columns that are absent are unknown.

    Returns
    -------
    DataFrame
        Table « meals »: one row a block and crop, areas summing to what is usable of the block;
        `plan` names the plan. Meal equivalents are of the reference audience of meal.toml.
    """
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
    plan, hectares = _plan(place)
    for name, area in sorted(hectares.items()):
        grown = crop(name)
        reckoned = factor(grown, place)
        kg = _kg(grown, area, reckoned)
        yield {
            "block_id": block,
            "crop": name,
            "food_group": grown.food_group,
            "area_ha": area,
            **_figures(grown.food_group, kg),
            "source": _source(grown, reckoned, plan),
            "limits": _limits(grown, reckoned, place),
            "plan": plan.name,
        }


def _kg(grown: Crop, hectares: float, reckoned: Factor) -> Bounds:
    base = harvest(grown.name, hectares)
    return Bounds(
        base.low * reckoned.worst * site().soil.low[grown.kind],
        base.central * (reckoned.worst + reckoned.best) / 2,
        base.high * reckoned.best,
    )


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


def _plan(place: Place) -> tuple[Plan, dict[str, float]]:
    rough = place.stage in plans().rough_stages
    for plan in plans().plan:
        lead = crop(plan.lead)
        usable = usable_ha(place, lead)
        if rough and lead.kind != "rough":
            continue
        if _suits(plan, lead, place, usable):
            return plan, _hectares(plan, place, usable)
    return plan, {plan.lead: usable}  # the last plan: grazing, even where it yields nothing


def usable_ha(place: Place, lead: Crop) -> float:
    """Return the hectares left without built land, water and (unless grazed) steep parts."""
    share = 1 - np.nan_to_num(place.lost_share)
    if lead.kind != "rough":
        share *= 1 - np.nan_to_num(place.steep_share)
    return place.area_ha * float(share)


def _suits(plan: Plan, lead: Crop, place: Place, usable: float) -> bool:
    if plan.past is not None and place.past not in plan.past:
        return False
    if place.past in plan.not_past:
        return False
    relief_known = not (np.isnan(place.slope_pct) or np.isnan(place.altitude_m))
    if plan.needs_relief and not relief_known and place.past not in plans().worked:
        return False
    return usable >= lead.min_ha and factor(lead, place).best > 0


def _hectares(plan: Plan, place: Place, usable: float) -> dict[str, float]:
    fits = {
        name: usable >= grown.min_ha and factor(grown, place).best > 0
        for name, grown in crops().items()
    }
    found: dict[str, float] = {}
    start = 0.0
    for tranche in plan.tranche:
        end = usable if tranche.up_to_ha is None else min(tranche.up_to_ha, usable)
        if end <= start:
            break
        shares = {n: s for n, s in tranche.share.items() if fits[n]} or {plan.lead: 1.0}
        for name, share in shares.items():
            part = (end - start) * share / sum(shares.values())
            found[name] = found.get(name, 0.0) + part
        start = end
    return found


# ------------------------------------------------------------------ what is said of it


def _source(grown: Crop, reckoned: Factor, plan: Plan) -> str:
    stated, said = grown.default, site()
    parts = [f"rendement {stated.unit} : {stated.source} ({stated.mark})"]
    if grown.bought_per_kg:
        parts.append(f"{grown.bought_per_kg.source} ({grown.bought_per_kg.mark})")
    if grown.from_milk:
        parts.append("lait vers fromages, laitages et beurre du cycle : Agribalyse 3.2 (VERIFIED)")
    if stated.basis == "cropped" and grown.kind != "rough":
        parts.append(f"{said.net.source} ({said.net.mark})")
    parts += reckoned.said
    parts.append(f"plan « {plan.name} » ({plan.mark})")
    parts.append("repas : portions du GEM-RCN 2015 (RECALLED) sur 20 repas (ASSUMPTION)")
    return " ; ".join(parts)


def _limits(grown: Crop, reckoned: Factor, place: Place) -> str:
    said = site()
    parts = [grown.limits, said.cruise.text] if grown.limits else [said.cruise.text]
    if said.soil.low[grown.kind] != 1:
        parts.append(said.soil.source)
    if reckoned.unknown:
        many = "s" if len(reckoned.unknown) > 1 else ""
        parts.append(
            f"inconnu{many} : {', '.join(reckoned.unknown)} "
            "(bas : au pire, haut : au mieux, central : au milieu)"
        )
    if np.isnan(place.slope_pct) and not place.past:
        parts.append("pente et dernier usage inconnus : aucun labour proposé")
    if np.isnan(place.lost_share):
        parts.append("part bâtie ou en eau inconnue : rien n'est déduit")
    if reckoned.best == 0:
        parts.append("rien de récoltable en l'état : trop de ligneux")
    return " ; ".join(parts)

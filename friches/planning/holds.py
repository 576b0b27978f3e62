"""What keeps a goal out of reach: each limit let go in turn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from friches.figures import THIN, figure
from friches.planning.case import enough, most, posed

if TYPE_CHECKING:
    from friches.planning.case import Case

ENOUGH = 1 - 1e-6
"""Parts of the goal from which it is reached."""
SECONDS = 4.0


def holding(one: Case) -> tuple[list[str], str]:
    """Return which limits hold the goal back, and the sentence that says so.

    Parameters
    ----------
    one : Case
        Whose goal is out of reach.

    Returns
    -------
    limits : list of str
        « closed » (no land feeds the group), « routes » (none dated, priced and open), « land »,
        or those of budget, team, date, risk, season, unsure (blocks to check) that are enough
        alone, else that are enough together.
    sentence : str
        French.
    """
    feeding = one.harvest[one.harvest["food_group"].isin(one.outlets.groups)]
    if feeding.empty or not feeding["kg"].sum():
        which = "aucun îlot" if one.left is None else "aucun îlot pesé"
        return ["closed"], f"{which} ne peut porter de quoi fournir : {_named(one)}"
    free = one.limits._replace(budget_eur=None, at_once=None, risk=None)
    all_let_go = posed(one, unsure=True, dated=False, season=False, limits=free)
    if not len(all_let_go.options.table):
        return ["routes"], "aucune voie n'est à la fois non fermée, datée et chiffrée"
    at_most = most(one, all_let_go, SECONDS)
    if not enough(at_most):
        return ["land"], _land(one, -at_most.value)
    gains = {name: _without(one, {name}) for name in _present(one)}
    alone = [name for name, part in gains.items() if part >= ENOUGH]
    if alone:
        return alone, _alone(one, alone)
    several = _several(one, gains)
    told = ", ".join(_word(one, name) for name in several)
    return several, f"plusieurs limites à la fois : {told}"


def _several(one: Case, gains: dict[str, float]) -> list[str]:
    """Return limits that are enough together, those that gain most first, none to spare."""
    ordered = sorted(gains, key=lambda name: (-gains[name], name))
    kept: list[str] = []
    for name in ordered:
        kept.append(name)
        if _without(one, set(kept)) >= ENOUGH:
            break
    for name in kept[:-1]:
        fewer = [other for other in kept if other != name]
        if len(fewer) > 1 and _without(one, set(fewer)) >= ENOUGH:
            kept = fewer
    return kept


def _present(one: Case) -> list[str]:
    limits = one.limits
    given = {
        "budget": limits.budget_eur is not None,
        "team": limits.at_once is not None,
        "risk": limits.risk is not None,
        "date": True,
        "season": True,
        "unsure": not one.harvest["counted"].all(),
    }
    return [name for name, there in given.items() if there]


def _without(one: Case, names: set[str]) -> float:
    """Return the parts of the goal that the best plan brings once some limits are let go."""
    limits = one.limits
    question = posed(
        one,
        unsure="unsure" in names,
        dated="date" not in names,
        season="season" not in names,
        limits=limits._replace(
            budget_eur=None if "budget" in names else limits.budget_eur,
            at_once=None if "team" in names else limits.at_once,
            risk=None if "risk" in names else limits.risk,
        ),
    )
    found = most(one, question, SECONDS)
    return 0.0 if np.isnan(found.value) else -found.value


def _land(one: Case, part: float) -> str:
    harvest = one.harvest[one.harvest["food_group"].isin(one.outlets.groups)]
    tonnes = figure(float(harvest["kg"].sum()) / 1000, 1)
    needed = figure(one.outlets.need / 1000, 1)
    fed = set(harvest.loc[harvest["kg"] > 0, "food_group"])
    closed = ", ".join(name for name in one.outlets.groups if name not in fed)
    never = f" ; rien ici ne donne : {closed}" if closed else ""
    most_pct = figure(100 * min(max(part, 0.0), 1.0))
    return (
        f"la terre : {_blocks(one)} ensemble donneraient {tonnes}{THIN}t par an en croisière, il "
        f"en manque {needed}{THIN}t, et {most_pct}{THIN}% de ce manque au plus serait comblé, "
        f"chances d'aboutir comptées{never}"
    )


def _blocks(one: Case) -> str:
    return "tous les îlots" if one.left is None else f"les {figure(one.left.weighed)} îlots pesés"


def _alone(one: Case, names: list[str]) -> str:
    told = " ; ou ".join(_word(one, name) for name in names)
    return f"{told} (sans cette limite, l'objectif serait tenu)"


def _word(one: Case, name: str) -> str:
    limits = one.limits
    return {
        "budget": f"le budget de {figure(limits.budget_eur or 0.0)}{THIN}€",
        "team": f"l'équipe, {limits.at_once} procédure(s) de front",
        "risk": f"le risque accepté, {figure(100 * (limits.risk or 0.0))}{THIN}% par îlot",
        "date": f"la date du {one.goal.by:%d/%m/%Y}",
        "season": "la saison, les récoltes ne tombant pas les mois où les cantines achètent",
        "unsure": "les îlots à vérifier, que le plan ne compte pas",
    }[name]


def _named(one: Case) -> str:
    return ", ".join(one.outlets.groups)

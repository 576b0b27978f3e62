"""The plan in words: why each opening, and the sentence of the whole."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pandas as pd

from friches.figures import THIN, bounds, figure
from friches.planning.goal import ALL
from friches.promising import others, part

if TYPE_CHECKING:
    from collections.abc import Mapping

    from friches.planning.case import Case, Posed

KILOGRAMS = 1000
DAYS_A_MONTH = 30.4375


def aim(one: Case) -> str:
    """Return « 100 % de légumes bio au 01/09/2029 »."""
    goal = one.goal
    what = "d'achats bio" if goal.food_group == ALL else f"de bio ({goal.food_group})"
    return f"{figure(100 * goal.share, 1)}{THIN}% {what} au {goal.by:%d/%m/%Y}"


def mass(kg: float) -> str:
    """Return « 850 kg » or « 2,3 t »."""
    if kg < KILOGRAMS:
        return f"{figure(kg)}{THIN}kg"
    return f"{figure(kg / KILOGRAMS, 1)}{THIN}t"


def why(row: Mapping[Any, Any], one: Case, question: Posed) -> str:
    """Return why this block, this route, this moment."""
    share = 100 * float(row["brings"]) / one.outlets.need if one.outlets.need > 0 else 0.0
    brings = f"{mass(float(row['brings']))} par an attendus au {one.goal.by:%d/%m/%Y}"
    part = f"{figure(share, 1 if share < 10 else 0)}{THIN}% de ce qui manque"
    return " ; ".join([f"{brings} ({part})", _route(row, question), _moment(row, one)])


def _route(row: Mapping[Any, Any], question: Posed) -> str:
    table = question.options.table
    others = table[(table["block_id"] == row["block_id"]) & (table["start"] == row["start"])]
    state = "ouverte" if row["answer"] == True else "à instruire"  # noqa: E712
    chance = f"{state}, {figure(100 * float(row['chance']))}{THIN}% de chances d'aboutir"
    if len(others) == 1:
        return f"la seule voie utile à temps ({chance})"
    cheapest = others.loc[others["cost_eur"].idxmin()]
    many = f"des {len(others)} meilleures voies à temps"
    if float(row["cost_eur"]) <= float(cheapest["cost_eur"]):
        return f"la moins chère {many} ({chance})"
    if float(row["chance"]) > float(cheapest["chance"]):
        return f"plus sûre que la moins chère {many} ({chance})"
    if row["quarters"] < cheapest["quarters"]:
        return f"occupe moins longtemps l'équipe que la moins chère {many} ({chance})"
    return f"plus tôt que la moins chère {many} ({chance})"


def _moment(row: Mapping[Any, Any], one: Case) -> str:
    left = (pd.Timestamp(one.goal.by) - row["first_meal_on"]).days
    margin = f"premier repas {math.floor(left / DAYS_A_MONTH)} mois avant l'échéance"
    if row["start"] == 0:
        return f"à lancer d'emblée : {margin}"
    return f"départ différé au {row['starts_on']:%d/%m/%Y}, l'équipe étant prise : {margin}"


def reached(one: Case, found: Mapping[str, Any]) -> str:
    """Return the sentence of a goal that some openings reach."""
    if not found["blocks"]:
        return f"{aim(one)} : déjà atteint, aucun îlot à ouvrir.{_unknown(one)}{_left_out(one)}"
    last = f"{found['last_meal_on']:%d/%m/%Y}"
    return (
        f"{aim(one)} : {_openings(found)} suffisent, pour {figure(found['cost_eur'])}{THIN}€ "
        f"(central{_gap(found)}), premier repas du dernier îlot le {last}. "
        f"{_expected(one, found)}{_unsure(one)}{_unknown(one)}{_left_out(one)}"
    )


def short(one: Case, found: Mapping[str, Any], because: str) -> str:
    """Return the sentence of a goal out of reach: how near, and what holds it back."""
    if not found["blocks"]:
        none = f"{aim(one)} : hors d'atteinte, rien n'arrive à temps"
        return f"{none}. Ce qui retient : {because}.{_unsure(one)}{_unknown(one)}{_left_out(one)}"
    share = figure(100 * found["organic_share"], 1)
    return (
        f"{aim(one)} : hors d'atteinte, au plus {share}{THIN}% avec {_openings(found)} et "
        f"{figure(found['cost_eur'])}{THIN}€ (central). Ce qui retient : {because}. "
        f"{_expected(one, found)}{_unsure(one)}{_unknown(one)}{_left_out(one)}"
    )


def _gap(found: Mapping[str, Any]) -> str:
    """Say how far the cost may be from the least one, where that is more than 1 %."""
    gap = 100 * float(found["gap"])
    if math.isnan(gap):
        return ", un moins cher n'ayant pas été trouvé à temps"
    return f", à {figure(gap)}{THIN}% près du moins cher" if gap >= 1 else ""


def _openings(found: Mapping[str, Any]) -> str:
    count = found["blocks"]
    return f"{count} îlot{'s' if count > 1 else ''} ({figure(found['area_ha'], 1)}{THIN}ha)"


def _expected(one: Case, found: Mapping[str, Any]) -> str:
    low, central, high = (found[f"kg{end}"] / KILOGRAMS for end in ("_low", "", "_high"))
    return (
        f"Attendus : {bounds(low, central, high, 't')} par an pour {mass(one.outlets.need)} "
        "qui manquent, chaque voie comptée avec sa chance d'aboutir."
    )


def _unsure(one: Case) -> str:
    kept = one.harvest[one.harvest["food_group"].isin(one.outlets.groups)]
    count = kept.loc[~kept["counted"], "block_id"].nunique()
    return f" {count} îlot(s) à vérifier sur le terrain ne sont pas comptés." if count else ""


def _unknown(one: Case) -> str:
    count = one.outlets.unknown
    told = f" {count} cantine(s) de part bio inconnue comptée(s) comme sans bio."
    return told if count else ""


def _left_out(one: Case) -> str:
    """Return what is not weighed, where the territory has too many blocks."""
    if one.left is None:
        return ""
    said = one.left.said
    one_more = len(one.left.ids) == 1
    rest = "n'est pas pesé" if one_more else "ne sont pas pesés"
    could = "il pourrait" if one_more else "ils pourraient"
    return f" Plan cherché parmi {part(said)} : {others(said)} {rest}, {could} faire mieux."

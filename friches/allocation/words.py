"""What holds each food group back, in French, with the worth of one unit more (shadow prices)."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from friches.allocation.parameters import parameters
from friches.figures import figure, rounded
from friches.tables import check, empty

if TYPE_CHECKING:
    from collections.abc import Iterator

    from friches.allocation.arrays import Flags, Given, Numbers, Offer
    from friches.allocation.deliver import Deliveries, Lots
    from friches.allocation.programme import Programme
    from friches.allocation.solve import Solution
    from friches.allocation.spread import Needs
    from friches.promising import Left

WORTH = 0.5
"""Meals a year for one unit more below which a price is nothing."""


class Prices(NamedTuple):
    """Meals a year that one hectare more is worth, where a food group is grown."""

    land: Numbers  # of usable land, by (block, group)
    wants: Numbers  # wanted by a farm, by (farm, group)
    rotation: Numbers  # of a crop allowed by its rotation, by crop (the best block)


class Potential(NamedTuple):
    """What a food group could give a year, kg, under one limit more each time; by block."""

    land: Numbers  # all suitable land, every year
    rotation: Numbers
    reach: Numbers  # blocks from which a kitchen that lacks it is in reach
    farmed: Numbers  # of these, where a farm in reach grows it


def prices(programme: Programme, solution: Solution, found: Lots) -> Prices:
    """Return the prices of the hectares, from the rows of the solved programme."""
    given = programme.given

    def of(kind: str, size: int) -> Numbers:
        first, about = programme.kinds[kind]
        best = np.zeros(size)
        np.maximum.at(best, about, solution.prices[first : first + len(about)])
        return best

    names, group = given.names, given.group[found.crop]
    land = np.zeros((len(names.blocks), len(names.groups)))
    wants = np.zeros((len(names.farmers), len(names.groups)))
    land[found.block, group] = of("land", len(names.blocks))[found.block]
    wants[found.farmer, group] = of("wants", len(names.farmers))[found.farmer]
    return Prices(land, wants, of("rotation", len(names.crops)))


def limits(
    given: Given, needs: Needs, supply: pd.DataFrame, sent: Deliveries, worth: Prices
) -> pd.DataFrame:
    """Return the table « limits »: for each food group, what keeps it from being closed."""
    gone = np.zeros(given.room.shape)
    np.add.at(gone, (sent.kitchen, sent.group, sent.month), sent.kg)
    missing = np.maximum(given.room - gone, 0.0)
    bought = needs.kg.sum(axis=(0, 1, 3)) > 0
    rows = []
    for group in np.flatnonzero(bought):
        name = given.names.groups[group]
        total = float(missing[:, group].sum())
        for limit, price, text in _found(given, needs, supply, missing, worth, int(group)):
            rows.append(
                {
                    "food_group": name,
                    "limit": limit,
                    "kg_missing": total,
                    "price": price,
                    "unit": "ha" if price is not None else None,
                    "text": f"{name} : {text}",
                }
            )
    if not rows:
        none: pd.DataFrame = empty("limits")
        return none
    table = pd.DataFrame(rows).sort_values(["food_group", "limit"], ignore_index=True)
    return check(table.astype({"price": "float64"}), "limits", "limites")


def of_weighed(table: pd.DataFrame, left: Left) -> pd.DataFrame:
    """Return « limits » whose sentences say that not all blocks were weighed."""
    held = ~table["limit"].isin(["closed", "unknown_share"])
    told = f" ({figure(left.weighed)} îlots pesés sur {figure(left.blocks)})"
    return table.assign(text=table["text"].where(~held, table["text"] + told))


Said = tuple[str, "float | None", str]


def _found(  # noqa: PLR0913, PLR0917 - one argument an array
    given: Given,
    needs: Needs,
    supply: pd.DataFrame,
    missing: Numbers,
    worth: Prices,
    group: int,
) -> Iterator[Said]:
    lacking, left = float(given.room[:, group].sum()), float(missing[:, group].sum())
    unknown = needs.unknown[:, group].any(axis=1)
    if unknown.any():
        ends = needs.gap[:, unknown, group].sum(axis=(1, 2))
        yield (
            "unknown_share",
            None,
            (
                f"part bio à demander à {int(unknown.sum())} cuisine(s) ; il leur manque de "
                f"{_kg(ends[0])} à {_kg(ends[2])} par an"
            ),
        )
    if left <= (parameters().closed + 10 * parameters().slack) * lacking:
        yield "closed", None, "le manque est comblé" if lacking > 0 else "rien ne manque"
        return
    held = [
        *_no_crop(given, supply, group),
        *_out_of_reach(given, missing, group),
        *_season(given, missing, group),
        *_farms(given, worth, lacking, group),
        *_land(given, worth, lacking, group),
    ]
    yield from held
    if not held:
        yield (
            "season",
            None,
            (f"il manque {_kg(left)} par an : la récolte ne tombe pas dans les mois qui manquent"),
        )


def _no_crop(given: Given, supply: pd.DataFrame, group: int) -> list[Said]:
    if (given.group[given.suited.crop] == group).any():
        return []
    if given.names.groups[group] in set(supply["food_group"].astype(str)):
        return [("no_crop", None, "aucun îlot retenu ne convient à une culture qui en donne")]
    return [("no_crop", None, "aucune culture de ces terres n'en donne ; à acheter ailleurs")]


def _out_of_reach(given: Given, missing: Numbers, group: int) -> list[Said]:
    blocks = np.unique(given.suited.block[given.group[given.suited.crop] == group])
    if not blocks.size or (given.hub[blocks] >= 0).any():
        return []
    reached = np.isfinite(given.to_canteen[blocks]).any(axis=0)
    far = ~reached & (missing[:, group].sum(axis=1) > 0)
    if not far.any():
        return []
    first = given.names.kitchens[int(np.argmax(far))]
    text = (
        f"{int(far.sum())} cuisine(s) à plus de {figure(given.limits[1])} min de tout îlot "
        f"qui convient (première : {first}), aucun collectif à portée de ces îlots"
    )
    return [
        ("canteen_reach", None, text),
    ]


def _season(given: Given, missing: Numbers, group: int) -> list[Said]:
    crops = np.unique(given.suited.crop[given.group[given.suited.crop] == group])
    if not crops.size:
        return []
    never = ~given.sells[crops].any(axis=0)
    kg = float(missing[:, group][:, never].sum())
    if kg <= parameters().closed * float(given.room[:, group].sum()):
        return []
    months = [MONTH_NAMES[m] for m in np.flatnonzero(never) if missing[:, group, m].sum() > 0]
    return [
        ("season", None, f"il manque {_kg(kg)} en {_listed(months)}, mois où rien ne s'en vend")
    ]


def _farms(given: Given, worth: Prices, lacking: float, group: int) -> list[Said]:
    could = potential(given, group)
    reach, farmed = could.reach.sum(), could.farmed.sum()
    found: list[Said] = []
    if reach > 0 and farmed < min(lacking, reach * (1 - parameters().closed)):
        land = "assez de terre" if reach >= lacking else f"de la terre pour {_kg(reach)} par an"
        within = f"à moins de {figure(given.limits[0])} min"
        who = _grower(given.names.groups[group])
        if farmed <= 0:
            text = f"{land}, {who} {within} qui cherche de la terre"
        else:
            text = (
                f"{land}, mais les fermes {within} qui en produisent n'en couvrent que "
                f"{_kg(farmed)} par an"
            )
        found.append(("farmer", None, text))
    best = float(worth.wants[:, group].max(initial=0.0))
    if best > WORTH:
        hectares = given.wants[worth.wants[:, group] > WORTH].sum()
        text = (
            f"les fermes qui en produisent ne cherchent que {figure(hectares, 1)} ha, tous "
            f"pris ; un hectare de plus cherché : {_meals(best)}"
        )
        found.append(("farmer_ha", best, text))
    return found


def _land(given: Given, worth: Prices, lacking: float, group: int) -> list[Said]:
    could = potential(given, group)
    found: list[Said] = []
    crops = given.group == group
    best = float(worth.rotation[crops].max(initial=0.0))
    if best > WORTH:
        name = given.names.crops[int(np.argmax(np.where(crops, worth.rotation, -1.0)))]
        text = f"la rotation ({name}) ; un hectare de plus permis : {_meals(best)}"
        found.append(("rotation", best, text))
    best = float(worth.land[:, group].max(initial=0.0))
    short = 0 < could.reach.sum() < lacking
    if best > WORTH or short:
        hectares = _hectares(given.offer, crops)
        text = f"{figure(hectares, 1)} ha conviennent"
        if short:
            text += f" et donneraient au plus {_kg(could.reach.sum())} par an"
        if best > WORTH:
            text += f" ; un hectare de plus, au mieux : {_meals(best)}"
        found.append(("land", best if best > WORTH else None, text))
    return found


def _hectares(offer: Offer, crops: Flags) -> float:
    kept = crops[offer.crop]
    found: dict[int, float] = {}
    for block, usable in zip(offer.block[kept], offer.usable[kept], strict=True):
        found[int(block)] = max(found.get(int(block), 0.0), float(usable))
    return sum(found.values())


def potential(given: Given, group: int) -> Potential:
    """Return what the blocks could give of one food group if it alone were grown."""
    crops = given.group == group
    grown = np.zeros((len(given.names.blocks), len(given.names.crops)), dtype=bool)
    held = np.unique(given.arcs.team)
    np.logical_or.at(grown, given.teams.block[held], given.teams.grows[held])
    offer = given.offer
    farmed = grown[offer.block, offer.crop] if len(offer.block) else np.zeros(0, bool)
    return Potential(
        _most(given, given.suited, crops[given.suited.crop], turning=False),
        _most(given, given.suited, crops[given.suited.crop]),
        _most(given, offer, crops[offer.crop]),
        _most(given, offer, crops[offer.crop] & farmed),
    )


def _most(given: Given, offer: Offer, kept: Flags, *, turning: bool = True) -> Numbers:
    best, rotated = (np.zeros(len(given.names.blocks)) for _ in range(2))
    kg = offer.kg_ha[:, 1] * offer.usable
    np.maximum.at(best, offer.block[kept], kg[kept])
    np.add.at(rotated, offer.block[kept], (kg * offer.share)[kept])
    return np.minimum(best, rotated) if turning else best


# ------------------------------------------------------------------ words

MONTH_NAMES = (
    "janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre",
    "octobre", "novembre", "décembre",
)  # fmt: skip


@cache
def _words() -> dict[str, Any]:
    return tomllib.loads((resources.files("friches.allocation") / "words.toml").read_text("utf-8"))


def _grower(group: str) -> str:
    said = _words()
    who = said["grower"].get(group, said["default"])
    return f"{'aucune' if who.split()[0] in said['feminine'] else 'aucun'} {who}"


def _kg(value: float) -> str:
    return f"{figure(rounded(float(value)))}\u202fkg"


def _meals(value: float) -> str:
    return f"{figure(rounded(float(value)))} repas de plus par an"


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} et {names[-1]}"

"""For each block, the farm and the canteen of the allocation, or why there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from friches.allocation.farms import grows
from friches.figures import figure
from friches.food.site import plain
from friches.tables import check, empty

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from friches.allocation.allocate import Placed
    from friches.allocation.arrays import Given, Indices, Tables
    from friches.promising import Left

LITTLE = 0.05
"""Hectares of a block under which what a farm leaves of it is not told."""


class Book(NamedTuple):
    """What the sentences read beside the allocation."""

    known: Given
    farmers: dict[str, dict[str, Any]]
    beside: set[tuple[str, str]]
    straight: set[tuple[str, str, str]]
    near: dict[str, list[str]]  # farms within reach of a block, collectives left out
    left: dict[str, float]  # hectares wanted and not taken
    meals_ha: dict[tuple[str, str], float]
    unsure: set[str]  # kitchens whose organic share is not known


def matches(tables: Tables, known: Given, placed: Sequence[Placed]) -> pd.DataFrame:
    """Return the table « matches »: one row a block."""
    if not known.names.blocks:
        none: pd.DataFrame = empty("matches")
        return none
    book = _book(tables, known, placed)
    drawers = [_drawers(one) for one in placed]
    rows = []
    for index, block in enumerate(known.names.blocks):
        part = next((one for one in drawers if len(one.lots[index])), None)
        rows.append(_alone(block, index, book) if part is None else _row(block, index, part, book))
    return check(pd.DataFrame(rows), "matches", "rapprochements")


def with_others(table: pd.DataFrame, left: Left) -> pd.DataFrame:
    """Return « matches » with a row for each block left out, which says that it was not weighed."""
    said = figure(left.weighed), figure(left.blocks)
    why = f"Îlot non pesé : seuls les {said[0]} plus probables sur {said[1]} sont répartis."
    more = pd.DataFrame({"block_id": sorted(left.ids), "why": why}).reindex(columns=table.columns)
    both = pd.concat([table, more.astype(table.dtypes)], ignore_index=True)
    return both.sort_values("block_id", ignore_index=True)


class Drawers(NamedTuple):
    """A programme solved, with the places of its lots, deliveries and pairs by block."""

    placed: Placed
    lots: list[Indices]
    sent: list[Indices]
    arcs: list[Indices]


def _drawers(placed: Placed) -> Drawers:
    count = len(placed.given.names.blocks)
    return Drawers(
        placed,
        *(
            _by_block(column, count)
            for column in (placed.lots.block, placed.sent.block, placed.given.arcs.block)
        ),
    )


def _by_block(block: Indices, count: int) -> list[Indices]:
    order = np.argsort(block, kind="stable")
    return np.split(order, np.searchsorted(block[order], np.arange(1, count)))


def _book(tables: Tables, known: Given, placed: Sequence[Placed]) -> Book:
    farmers = {
        str(row["farmer_id"]): {str(k): v for k, v in row.items()}
        for row in pd.DataFrame(tables.farmers.drop(columns="geometry", errors="ignore")).to_dict(
            "records"
        )
    }
    trips = tables.reach[tables.reach["minutes"].notna()]
    straight = trips[trips["by"] == "straight"]
    close = trips[(trips["kind"] == "farm") & (trips["minutes"] <= tables.minutes_to_farm)]
    close = close[["block_id", "place_id", "minutes"]].astype({"block_id": str, "place_id": str})
    outlets = {
        name
        for name, wants in zip(known.names.farmers, known.wants, strict=True)
        if wants <= 0 and farmers[name].get("kind") == "collective"
    }
    close = close[~close["place_id"].isin(outlets)].sort_values(["block_id", "minutes", "place_id"])
    near = {str(block): list(found) for block, found in close.groupby("block_id")["place_id"]}
    left = known.wants - np.sum([one.taken for one in placed], axis=0)
    demand, supply = tables.demand, tables.supply
    return Book(
        known,
        farmers,
        _pairs(tables.neighbours),
        set(_texts(straight, "block_id", "place_id", "kind")),
        near,
        dict(zip(known.names.farmers, left, strict=True)),
        dict(zip(_texts(supply, "block_id", "crop"), supply["meals_ha"].tolist(), strict=True)),
        set(demand.loc[demand["gap"].isna(), "canteen_id"].astype(str)),
    )


def _pairs(neighbours: pd.DataFrame | None) -> set[tuple[str, str]]:
    if neighbours is None:
        return set()
    return set(_texts(neighbours, "block_id", "farmer_id"))


def _texts(table: pd.DataFrame, *names: str) -> Iterator[Any]:
    return zip(*(table[name].astype(str).tolist() for name in names), strict=True)


# ------------------------------------------------------------------ a block that is worked


def _row(block: str, index: int, held: Drawers, book: Book) -> dict[str, Any]:
    part, rows = held.placed, held.lots[index]
    names, lots, arcs = part.given.names, part.lots, part.given.arcs
    farm = int(lots.farmer[rows[0]])
    crops = sorted({names.crops[int(crop)] for crop in lots.crop[rows]})
    pair = held.arcs[index][arcs.farmer[held.arcs[index]] == farm][0]
    minutes = float(arcs.minutes[pair])
    kitchen, to_canteen, where = _plate(block, index, held, book)
    usable = part.given.offer.usable[part.given.offer.block == index].max()
    who = _who(block, names.farmers[farm], minutes, crops, book)
    who += f", {_land(float(part.land[index]), float(usable), crops)}"
    return {
        "block_id": block,
        "farmer_id": names.farmers[farm],
        "canteen_id": kitchen,
        "minutes": minutes,
        "minutes_canteen": to_canteen,
        "meals": sum(
            float(lots.area[row]) * book.meals_ha[block, names.crops[int(lots.crop[row])]]
            for row in rows
        ),
        "why": f"{_capital(who)}. {_capital(where)}.",
    }


def _who(block: str, farm: str, minutes: float, crops: list[str], book: Book) -> str:
    said = book.farmers[farm]
    parts = [f"ferme à {_trip(minutes, straight=(block, farm, 'farm') in book.straight)}"]
    if (block, farm) in book.beside:
        parts.append("ses champs touchent l'îlot")
    if plain(said.get("productions")):
        parts.append(f"elle produit déjà : {', '.join(crops)}")
    else:
        parts.append("productions à demander")
    organic = said.get("organic")
    if organic is None or pd.isna(organic):
        parts.append("bio à demander")
    else:
        parts.append("en bio" if organic else "à convertir en bio")
    wants = said.get("wants_ha")
    if wants is None or pd.isna(wants):
        parts.append("surface recherchée à demander")
    else:
        left = figure(max(book.left[farm], 0.0), 1)
        parts.append(f"elle cherche {figure(float(wants), 1)} ha ({left} ha restent libres)")
    return ", ".join(parts)


def _land(taken: float, usable: float, crops: list[str]) -> str:
    what = f"pour {', '.join(crops)}"
    if usable - taken > LITTLE:
        return f"prend {figure(taken, 2)} ha sur {figure(usable, 2)} {what}"
    return f"prend {figure(taken, 2)} ha {what}"


def _plate(
    block: str, index: int, drawers: Drawers, book: Book
) -> tuple[str | None, float | None, str]:
    part, mine = drawers.placed, drawers.sent[index]
    sent, names = part.sent, part.given.names
    if not len(mine):
        return None, None, "sa récolte sert de réserve : rien n'en est livré au central"
    kg = np.bincount(sent.kitchen[mine], sent.kg[mine], minlength=len(names.kitchens))
    best = int(np.argmax(np.round(kg, 6)))
    kitchen = names.kitchens[best]
    held = mine[sent.kitchen[mine] == best]
    groups = np.bincount(sent.group[held], sent.kg[held], minlength=len(names.groups))
    gives = ", ".join(
        f"{figure(groups[g]) if groups[g] >= 1 else 'moins de 1'} kg ({names.groups[g]})"
        for g in np.flatnonzero(groups > 0)
    )
    others = int((kg >= 1).sum()) - 1
    more = f" ; {others} autre(s) cantine(s) servie(s)" if others > 0 else ""
    ask = ", au plus : sa part bio est à demander" if kitchen in book.unsure else ""
    tail = f"de ce qui lui manque en bio, l'îlot donnerait chaque année {gives}{ask}{more}"
    via = sent.via[held]
    if (via >= 0).all():
        return kitchen, None, f"cantine servie par le collectif {names.farmers[via[0]]} : {tail}"
    minutes = float(part.given.to_canteen[index, best])
    trip = _trip(minutes, straight=(block, kitchen, "canteen") in book.straight)
    return kitchen, minutes, f"cantine à {trip} : {tail}"


# ------------------------------------------------------------------ a block that is not


def _alone(block: str, index: int, book: Book) -> dict[str, Any]:
    why = f"{_capital(_no_farm(block, index, book))}. {_capital(_no_plate(index, book))}."
    none = dict.fromkeys(("farmer_id", "canteen_id", "minutes", "minutes_canteen", "meals"))
    return {"block_id": block, **none, "why": why}


def _no_farm(block: str, index: int, book: Book) -> str:  # noqa: PLR0911 - one return a reason
    known = book.known
    suited = known.suited.crop[known.suited.block == index]
    near = book.near.get(block, [])
    if not suited.size:
        return "rien à cultiver sur cet îlot : aucune ferme cherchée"
    if not known.names.farmers:
        return "aucune ferme connue"
    if not near:
        return f"aucune ferme à moins de {figure(known.limits[0])} min"
    names = [known.names.crops[int(crop)] for crop in suited]
    fit = [farm for farm in near if grows(book.farmers[farm].get("productions"), names).any()]
    if not fit:
        return f"les fermes proches produisent autre chose que : {', '.join(sorted(names))}"
    wants = [known.wants[known.names.farmers.index(farm)] for farm in fit]
    if max(wants) <= 0:
        return "les fermes proches ne cherchent pas de terre"
    if max(book.left[farm] for farm in fit) <= LITTLE:
        return "fermes déjà pourvues par d'autres îlots"
    return "des fermes proches pourraient le travailler"


def _no_plate(index: int, book: Book) -> str:
    known = book.known
    if not known.names.kitchens:
        return "aucune cantine connue"
    if not np.isfinite(known.to_canteen[index]).any() and known.hub[index] < 0:
        return f"aucune cantine à moins de {figure(known.limits[1])} min"
    if not (known.offer.block == index).any():
        return "les cantines à portée ne manquent pas de ce que l'îlot peut donner"
    return "d'autres îlots, de plus court trajet ou de meilleur rendement, sont servis d'abord"


def _trip(minutes: float, *, straight: bool) -> str:
    if straight:
        return f"environ {figure(minutes)} min, estimées à vol d'oiseau"
    return f"{figure(minutes)} min par la route"


def _capital(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}"

"""Supply: which crops each block can bear, how many kilograms a hectare, and what limits them.

Figures are in friches/food/*.toml with their unit, source and mark: yields (crops.toml), places
(suitability.toml), rotations, calendar of sales, first years (ramp.toml).
"""

from __future__ import annotations

from functools import cache, lru_cache
from itertools import islice
from math import isnan
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd
from pandas import CategoricalDtype
from pandas.api.types import union_categoricals

from friches.errors import Breach, InputError
from friches.food import menu
from friches.food.crops import Bounds, Crop, crop, crops
from friches.food.ramp import ramp
from friches.food.rotations import rotation_limits, rotation_rules, turns
from friches.food.seasons import calendar, delivered_share
from friches.food.site import Place, places
from friches.food.suitability import Fit, Seen, fit, net_share, seen, suitability
from friches.tables import check, empty

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "calendar",
    "closable_groups",
    "offer",
    "offers",
    "ramp",
    "rotation_limits",
    "rotation_rules",
    "supply",
    "yield_ha",
]

NEEDED = {
    "blocks": ("block_id", "area_ha"),
    "members": ("block_id", "parcel_id"),
    "facts": ("parcel_id",),
}


COLUMNS = (
    "block_id", "crop", "food_group", "suits", "why", "usable_ha", "share_max", "min_ha",
    "kg_ha_low", "kg_ha", "kg_ha_high", "meals_ha", "level", "source", "limits",
)  # fmt: skip
TEXTS = ("crop", "food_group", "why", "level", "source", "limits")
"""Columns of « supply » in which few texts come back often."""
AT_ONCE = 2000
"""Blocks made into rows together: bounds the memory."""
TOLD = 2**15
"""Texts kept at hand, made once for blocks that are alike."""


class Offer(NamedTuple):
    """One crop on one block: what the place allows, usable hectares, kg a hectare."""

    crop: Crop
    place: Place
    fit: Fit
    usable_ha: float
    kg_ha: Bounds


def supply(blocks: pd.DataFrame, members: pd.DataFrame, facts: pd.DataFrame) -> pd.DataFrame:
    """Return for each block and crop whether it suits, and the kg a hectare in cruise years.

    Where a trait of the block is unknown the low end takes the worst case and the high end the
    best; `suits` is yes where even the worst case yields, no where not even the best one does,
    else unknown. A crop that does not suit yields 0 in all three.

    Parameters
    ----------
    blocks, members, facts : DataFrame
        Result tables (see tables.toml). Of blocks, block_id and area_ha are needed; columns
        that are absent are unknown. Facts read where they are there: road_access, shares of
        built land, water, woods and steep slope, last crop, irrigation_water and grazing_nearby
        (yes, no, unknown).

    Returns
    -------
    DataFrame
        Table « supply »: one row a block and crop, ordered. kg_ha are of what the kitchen buys,
        losses in store taken off, for a hectare of the block given to the crop.

    Raises
    ------
    InputError
        Missing columns; negative or missing area; a block twice.
    """
    refuse_bad(blocks, members, facts)
    found = iter(places(blocks, members, facts).items())
    parts = [_part(some) for some in iter(lambda: list(islice(found, AT_ONCE)), [])]
    if not parts:
        none: pd.DataFrame = empty("supply")
        return none
    table = joined(parts).sort_values(["block_id", "crop"], ignore_index=True)
    return check(table, "supply", "récoltes")


def _part(some: list[tuple[str, Place]]) -> pd.DataFrame:
    rows = [_row(block, offer) for block, place in some for offer in offers(place).values()]
    columns = (list(column) for column in zip(*rows, strict=True))
    table = pd.DataFrame(dict(zip(COLUMNS, columns, strict=True)))
    return table.astype({"suits": "boolean"} | dict.fromkeys(TEXTS, "category"))


def joined(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """Return tables put under each other, their categories too, with words sorted."""
    table: pd.DataFrame = pd.concat(parts, ignore_index=True)
    for name in [n for n, kind in parts[0].dtypes.items() if isinstance(kind, CategoricalDtype)]:
        table[name] = union_categoricals([part[name] for part in parts], sort_categories=True)
    return table


def refuse_bad(blocks: pd.DataFrame, members: pd.DataFrame, facts: pd.DataFrame) -> None:
    """Refuse tables without the columns needed, areas below 0 or missing, blocks given twice."""
    tables = {"blocks": blocks, "members": members, "facts": facts}
    breaches = [
        Breach(f"colonne(s) manquante(s) : {', '.join(missing)}", name, "donner ces colonnes")
        for name, needed in NEEDED.items()
        if (missing := [column for column in needed if column not in tables[name].columns])
    ]
    if breaches:
        raise InputError(breaches)
    area = pd.to_numeric(blocks["area_ha"]).astype("float64")
    for bad, what in (
        (~(area >= 0), "surface négative ou manquante"),
        (blocks["block_id"].duplicated(), "îlot en double"),
    ):
        if bad.any():
            first = blocks.loc[bad, "block_id"].iloc[0]
            breaches.append(
                Breach(
                    f"{int(bad.sum())} îlot(s) : {what} (premier : « {first} »)",
                    "blocks",
                    "corriger la table des îlots",
                )
            )
    if breaches:
        raise InputError(breaches)


def offers(place: Place) -> dict[str, Offer]:
    """Return what one place offers, by crop, in the order of crops.toml."""
    classes = seen(place)
    return {name: offer(place, classes, name) for name in crops()}


def offer(place: Place, classes: Seen, name: str) -> Offer:
    """Return what one place, whose traits are of these classes (`seen`), offers of one crop."""
    grown = crop(name)
    usable = usable_ha(place, grown)
    found = fit(grown, place, usable, classes)
    base, soil = yield_ha(grown.name), suitability().soil.low[grown.kind]
    kg = Bounds(base.low * found.low * soil, base.central * found.central, base.high * found.high)
    return Offer(grown, place, found, usable, kg)


def usable_ha(place: Place, grown: Crop) -> float:
    """Return the hectares left without built land, water and (unless grazed) steep parts."""
    share = 1.0 if isnan(place.lost_share) else 1 - place.lost_share
    if grown.kind != "rough" and not isnan(place.steep_share):
        share *= 1 - place.steep_share
    return place.area_ha * share


@cache
def yield_ha(name: str, level: str | None = None) -> Bounds:
    """Return the kg a year that a kitchen can buy from one hectare, good land, cruise years.

    Hectares are those of the place, paths and hedges included: a yield counted on cropped land
    is brought down by the net share of suitability.toml, a harvest by its losses in store.

    Parameters
    ----------
    name : str
        A crop of crops.toml.
    level : str, optional
        Which yield of the crop; by default its first one.

    Raises
    ------
    InputError
        Unknown crop or level.
    """
    grown = crop(name)
    stated = grown.at(level)
    net, bought = net_share(grown, stated.basis), _bought(grown)
    kept = delivered_share(name) if stated.counts == "harvest" else 1.0
    return Bounds(
        stated.low * net.low * bought.low * kept,
        stated.central * net.central * bought.central * kept,
        stated.high * net.high * bought.high * kept,
    )


def _bought(grown: Crop) -> Bounds:
    if grown.from_milk:
        share = menu.dairy_per_kg_milk()
        return Bounds(share, share, share)
    ratio = grown.bought_per_kg
    return Bounds(ratio.low, ratio.central, ratio.high) if ratio else Bounds(1, 1, 1)


@cache
def _kg_per_meal() -> float:
    return float(menu.need(menu.menu().reference)["kg"].sum())


def _row(block: str, offer: Offer) -> tuple[Any, ...]:
    grown, kg, fitted = offer.crop, offer.kg_ha, offer.fit
    return (
        block,
        grown.name,
        grown.food_group,
        fitted.answer,
        _why(fitted),
        offer.usable_ha,
        turns()[grown.name].share_max,
        grown.min_ha,
        kg.low,
        kg.central,
        kg.high,
        kg.central / _kg_per_meal(),
        grown.default.label,
        source(offer),
        limits(offer),
    )


# ------------------------------------------------------------------ what is said of it


@lru_cache(maxsize=TOLD)
def _why(found: Fit) -> str | None:
    if found.stops:
        return f"ne convient pas : {', '.join(found.stops)}"
    return f"à savoir : {' ; '.join(found.ask)}" if found.ask else None


def source(offer: Offer) -> str:
    """Return where the kg a hectare come from, with their marks."""
    return _source(offer.crop.name, offer.fit.said)


@lru_cache(maxsize=TOLD)
def _source(name: str, said: tuple[str, ...]) -> str:
    return " ; ".join([_sourced(name), *said])


@cache
def _sourced(name: str) -> str:
    grown, said = crop(name), suitability()
    stated = grown.default
    parts = [f"rendement {stated.unit} ({stated.label}) : {stated.source} ({stated.mark})"]
    if stated.why:
        parts.append(f"niveau retenu : {stated.why}")
    if grown.bought_per_kg:
        parts.append(f"{grown.bought_per_kg.source} ({grown.bought_per_kg.mark})")
    if grown.from_milk:
        parts.append("lait vers fromages, laitages et beurre du cycle : Agribalyse 3.2 (VERIFIED)")
    if stated.basis == "cropped" and grown.kind != "rough":
        parts.append(f"{said.net.source} ({said.net.mark})")
    if stated.counts == "harvest":
        parts.append("pertes de stockage et de tri déduites (ASSUMPTION)")
    return " ; ".join(parts)


def limits(offer: Offer) -> str:
    """Return what the reader must know of these figures."""
    return _limited(offer.crop.name, offer.fit, lost_known=offer.place.lost_known)


@lru_cache(maxsize=TOLD)
def _limited(name: str, found: Fit, *, lost_known: bool) -> str:
    return " ; ".join(_limits(crop(name), found, lost_known=lost_known))


def _limits(grown: Crop, found: Fit, *, lost_known: bool) -> Iterator[str]:
    said = suitability()
    if grown.limits:
        yield grown.limits
    yield said.cruise.text
    if said.soil.low[grown.kind] != 1:
        yield said.soil.source
    if found.middle:
        many = "s" if len(found.middle) > 1 else ""
        yield (
            f"inconnu{many} : {', '.join(found.middle)} "
            "(bas : au pire, haut : au mieux, central : au milieu)"
        )
    if found.best:
        yield f"à vérifier : {', '.join(found.best)} (bas : au pire, central et haut : au mieux)"
    if not lost_known and not found.stops:
        yield f"{said.area.source} ({said.area.mark})"
    if found.stops:
        yield f"rien de récoltable en l'état : {', '.join(found.stops)}"


# ------------------------------------------------------------------ what land can serve


def closable_groups() -> pd.DataFrame:
    """Return which food groups of the meal land can serve, and why not the others.

    Returns
    -------
    DataFrame
        One row a food group of meal.toml, ordered: food_group, closable (bool), why.
    """
    of: dict[str, list[str]] = {}
    for name, grown in crops().items():
        of.setdefault(grown.food_group, []).append(name)
    return pd.DataFrame(
        {"food_group": group, "closable": group in of, "why": _closes(group, of.get(group, []))}
        for group in sorted(menu.need(menu.menu().reference).index)
    )


def _closes(group: str, names: list[str]) -> str:
    closed = suitability().closed
    if not names:
        return f"{closed.why.get(group, 'aucune culture connue ne le donne')} ({closed.mark})"
    said = f"cultures possibles : {', '.join(names)}"
    return f"{said} ; {closed.partly[group]}" if group in closed.partly else said

"""The other direction: how many hectares, farms and blocks some meals ask for."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from pydantic import Field, model_validator

from friches.demand import ENDS
from friches.errors import Breach, InputError, refuse
from friches.food import menu
from friches.food.crops import Bounds, Mark, Ratio, Strict, crop, document
from friches.supply import yield_ha

if TYPE_CHECKING:
    from collections.abc import Iterator

M2_PER_HA = 10_000
KINDS = {
    "food_group": "str",
    "crop": "str",
    "level": "str",
    **{f"{name}{end}": "float64" for name in ("kg", "ha", "farms") for end in ENDS},
    "m2_per_meal": "float64",
    "blocks": "Int64",
    "blocks_ha": "float64",
    "source": "str",
}


class Level(Strict):
    """A level of yield and how it is named."""

    name: str
    label: str


class Way(Strict):
    """Which crops make a food group, by shares of its kilograms, and on which kind of farm."""

    group: str
    levels: list[str] = Field(default_factory=list)
    share: dict[str, float]
    farm: str
    mark: Mark
    source: str = Field(min_length=1)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if abs(sum(self.share.values()) - 1) > 1e-9:
            raise ValueError("les parts d'un groupe font 1")
        return self


class Landless(Strict):
    """A food group that takes no land here."""

    group: str
    source: str


class Farm(Ratio):
    """Hectares of one farm of a kind."""

    name: str


class Footprint(Ratio):
    """Square metres for one kg bought (of milk, where `from_milk`), as a national mean."""

    group: str
    from_milk: bool = False


class Needs(Strict):
    """The whole of needs.toml."""

    level: list[Level]
    way: list[Way]
    landless: list[Landless]
    farm: list[Farm]
    footprint: list[Footprint]


@cache
def needs() -> Needs:
    """Return needs.toml, checked: each crop makes the group it is named for."""
    found: Needs = document("needs.toml", Needs)
    wrong = [
        Breach(f"« {name} » ne donne pas « {way.group} »", "friches/food/needs.toml")
        for way in found.way
        for name in way.share
        if crop(name).food_group != way.group
    ]
    if wrong:
        raise InputError(wrong)
    return found


def need(
    meals: float,
    audience: str | None = None,
    level: str = "estate",
    supply: pd.DataFrame | None = None,
    waste: float | None = None,
) -> pd.DataFrame:
    """Return the hectares, farms and blocks that some meals a year ask for, all organic.

    Parameters
    ----------
    meals : float
        Meals a year, 0 or more.
    audience : str, optional
        creche, maternelle, elementaire, adolescents, adultes; None if not known.
    level : str
        Level of yield (needs.toml): estate, young_garden, field, or agribalyse.
    supply : DataFrame, optional
        Table « supply » of a study: counts the blocks, largest first, whose usable hectares
        within the rotation hold each crop; blocks that are only perhaps suited do not count.
    waste : float, optional
        Grams wasted per guest and meal; None: the reference of meal.toml.

    Returns
    -------
    DataFrame
        One row a food group and crop (no crop for `agribalyse` and for fish): level, then with
        _low, none and _high: kg (bought), ha (low: small portions on high yields), farms (whole
        farms of that kind); m2_per_meal (central); blocks (NA where those of the study do not
        hold it, or none is given), blocks_ha (hectares the study offers); source with marks.

    Raises
    ------
    InputError
        Negative meals, unknown audience or level, waste out of bounds: every breach at once.
    """
    _refuse_bad(meals, audience, level, waste)
    kg = menu.need(audience) * menu.waste_factor_g(waste) * meals
    rows = [
        _row(part, kg.loc[part["food_group"]].to_numpy() * part["share"], meals, level, supply)
        for part in _parts(level)
    ]
    table = pd.DataFrame(rows, columns=list(KINDS)).astype(KINDS)
    return table.sort_values(["food_group", "crop"], ignore_index=True)


def total(table: pd.DataFrame) -> Bounds:
    """Return the hectares of all rows of a need, low, central, high."""
    return Bounds(*(float(table[f"ha{end}"].sum()) for end in ENDS))


def level_label(name: str) -> str:
    """Return how a level of yield is named to readers.

    Raises
    ------
    InputError
        Unknown level.
    """
    found = {one.name: one.label for one in needs().level}
    if name not in found:
        raise refuse(f"niveau de rendement « {name} » inconnu", "", _one_of(found))
    return found[name]


def _one_of(names: Any) -> str:
    return f"choisir parmi : {', '.join(names)}"


def _refuse_bad(meals: float, audience: str | None, level: str, waste: float | None) -> None:
    levels, most = [one.name for one in needs().level], menu.menu().waste.most_g
    breaches = []
    if not 0 <= meals < np.inf:
        breaches.append(Breach(f"{meals:g} repas par an", "", "donner 0 ou plus"))
    if audience is not None and audience not in menu.audiences():
        todo = _one_of(menu.audiences())
        breaches.append(Breach(f"public « {audience} » inconnu", "", todo))
    if level not in levels:
        breaches.append(Breach(f"niveau de rendement « {level} » inconnu", "", _one_of(levels)))
    if waste is not None and not 0 <= waste <= most:
        breaches.append(Breach(f"gaspillage de {waste:g} g par repas", "", f"de 0 à {most:g} g"))
    if breaches:
        raise InputError(breaches)


def _parts(level: str) -> Iterator[dict[str, Any]]:
    """Yield each group's crops at a level: share of its kg, m2 a kg, farm, source."""
    said = needs()
    for none in said.landless:
        zero = Bounds(0.0, 0.0, 0.0)
        yield _part(none.group, None, 1.0, zero, None, none.source)
    if level == "agribalyse":
        for foot in said.footprint:
            milk = 1 / menu.dairy_per_kg_milk() if foot.from_milk else 1.0
            m2 = Bounds(foot.low * milk, foot.central * milk, foot.high * milk)
            yield _part(foot.group, None, 1.0, m2, None, f"{foot.source} ({foot.mark})")
        return
    for way in said.way:
        if way.levels and level not in way.levels:
            continue
        farm = next(one for one in said.farm if one.name == way.farm)
        for name, share in way.share.items():
            kg_ha = yield_ha(name, level if level in _levels(name) else None)
            # The most land goes with the least yield.
            m2 = Bounds(*(M2_PER_HA / each for each in reversed(kg_ha)))
            yield _part(way.group, name, share, m2, farm, _source(way, name, level, farm))


def _part(  # noqa: PLR0913, PLR0917 -- one argument a column
    group: str, name: str | None, share: float, m2: Bounds, farm: Farm | None, source: str
) -> dict[str, Any]:
    return {
        "food_group": group,
        "crop": name,
        "share": share,
        "m2": np.array(m2),
        "farm": farm,
        "source": source,
    }


def _levels(name: str) -> list[str]:
    return [one.name for one in crop(name).level]


def _row(
    part: dict[str, Any], kg: Any, meals: float, level: str, supply: pd.DataFrame | None
) -> dict[str, Any]:
    ha = kg * part["m2"] / M2_PER_HA
    blocks, offered = _blocks(supply, part["crop"], float(ha[1]))
    farm = part["farm"]
    sizes = np.array([farm.high, farm.central, farm.low]) if farm else np.full(3, np.nan)
    figures = {"kg": kg, "ha": ha, "farms": ha / sizes}
    return {
        "food_group": part["food_group"],
        "crop": part["crop"],
        "level": level,
        **{
            f"{n}{end}": v
            for n, three in figures.items()
            for end, v in zip(ENDS, three, strict=True)
        },
        "m2_per_meal": ha[1] * M2_PER_HA / meals if meals else np.nan,
        "blocks": blocks,
        "blocks_ha": offered,
        "source": part["source"],
    }


def _blocks(supply: pd.DataFrame | None, name: str | None, ha: float) -> tuple[Any, float]:
    if supply is None or name is None:
        return pd.NA, np.nan
    rows = supply[(supply["crop"] == name) & supply["suits"].fillna(value=False).astype(bool)]
    each = (rows["usable_ha"] * rows["share_max"]).sort_values(ascending=False).cumsum()
    offered = float(each.iloc[-1]) if len(each) else 0.0
    if offered < ha:
        return pd.NA, offered
    return (int((each < ha).sum()) + 1 if ha > 0 else 0), offered


def _source(way: Way, name: str, level: str, farm: Farm) -> str:
    stated = crop(name).at(level if level in _levels(name) else None)
    return " ; ".join(
        [
            f"rendement ({stated.label}) : {stated.source} ({stated.mark})",
            f"{way.source} ({way.mark})",
            f"taille des fermes : {farm.source} ({farm.mark})",
            "portions : GEM-RCN 2015 (RECALLED) sur 20 repas (ASSUMPTION)",
        ]
    )

"""The price a kilogram must fetch, delivered, and what it does to the food cost of a meal."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import numpy as np
import pandas as pd
from pydantic import Field

from friches.demand import ENDS
from friches.errors import refuse
from friches.figures import THIN, figure
from friches.food import menu
from friches.food.crops import Mark, Strict
from friches.food.crops import document as read
from friches.food.purchases import price_of
from friches.supply import yield_ha
from friches.tables import check, empty

if TYPE_CHECKING:
    from collections.abc import Mapping

Three = Annotated[list[Annotated[float, Field(gt=0)]], Field(min_length=3, max_length=3)]
LITRES = 1000
CENTS = 100
METRES_A_KM = 1000
KEY = ["farmer_id", "food_group"]
EXTRA = ("production_eur_kg", "delivery_eur_kg", "kg_delivered")


class Cost(Strict):
    """Euros a kilogram as bought, at the central yield, of some crops."""

    crops: list[str]
    eur_kg: Three
    mark: Mark
    source: str = Field(min_length=1)


class Milk(Strict):
    """Euros for 1,000 litres of milk."""

    crops: list[str]
    eur_1000_l: Three
    mark: Mark
    source: str = Field(min_length=1)


class Dairy(Strict):
    """What dairy products take beyond the milk."""

    kg_per_l: float = Field(gt=0)
    making_eur_kg: Three
    mark: Mark
    source: str = Field(min_length=1)


class Round(Strict):
    """One delivery round as observed, and how many a year."""

    km: float = Field(gt=0)
    vehicle_eur: float = Field(gt=0)
    time_eur: float = Field(gt=0)
    a_year: Three
    mark: Mark
    source: str = Field(min_length=1)
    a_year_source: str
    unknown_source: str


class Hub(Strict):
    """The share of the price that a collective keeps."""

    share: Three
    mark: Mark
    source: str = Field(min_length=1)


class Costs(Strict):
    """The whole of costs.toml."""

    cost: list[Cost]
    milk: list[Milk]
    dairy: Dairy
    round: Round
    hub: Hub


class Growing(NamedTuple):
    """Euros a kilogram as bought (low, central, high), and where they come from."""

    eur_kg: tuple[float, float, float]
    source: str


@cache
def costs() -> Costs:
    """Return costs.toml, checked."""
    found: Costs = read("costs.toml", Costs)
    return found


@cache
def growing(crop: str) -> Growing:
    """Return what it costs to grow a kilogram of a crop at its central yield.

    Raises
    ------
    InputError
        A crop without a cost.
    """
    for one in costs().cost:
        if crop in one.crops:
            low, central, high = one.eur_kg
            return Growing((low, central, high), f"{one.source} ({one.mark})")
    for milk in costs().milk:
        if crop in milk.crops:
            return _dairy(milk)
    raise refuse(f"culture « {crop} » sans coût", "friches/food/costs.toml", "ajouter ce coût")


def _dairy(milk: Milk) -> Growing:
    said = costs().dairy
    litres = 1 / menu.dairy_per_kg_milk() / said.kg_per_l
    low, central, high = (
        euros / LITRES * litres + making
        for euros, making in zip(milk.eur_1000_l, said.making_eur_kg, strict=True)
    )
    sources = f"{milk.source} ({milk.mark}) ; {said.source} ({said.mark})"
    return Growing((low, central, high), sources)


def round_eur(km: float) -> float:
    """Return what one delivery round of some kilometres costs, in euros (both ways counted)."""
    said = costs().round
    return (said.vehicle_eur + said.time_eur) / said.km * km


def prices(
    plots: pd.DataFrame, flows: pd.DataFrame, demand: pd.DataFrame, reach: pd.DataFrame
) -> pd.DataFrame:
    """Return for each harvest the price it must fetch and what it does to the cost of a meal.

    The price covers growing (a hectare costs the same whatever it yields), then the farm's weekly
    round to the farthest canteen that it serves, shared by all that it delivers; or, where a
    collective delivers, the share of the price that this keeps. The effect on a meal is the price
    less that of today's ordinary purchases, times what is delivered, over all the meals of the
    canteens that the farm serves with this food group.

    Parameters
    ----------
    plots, flows, demand, reach : DataFrame
        Tables of those names.

    Returns
    -------
    DataFrame
        Table « prices », ordered by key, with production_eur_kg, delivery_eur_kg (central),
        kg_delivered. Prices are missing where a block yields nothing; effects, where nothing of it
        is delivered.

    Raises
    ------
    InputError
        A crop without a cost; a food group without a price.
    """
    if plots.empty:
        none: pd.DataFrame = empty("prices", extra=dict.fromkeys(EXTRA, "float64"))
        return none
    grown = plots.groupby(KEY)["kg"].sum()
    sent = flows.groupby(KEY)["kg"].sum()
    hubs = flows[flows["via"].notna()].groupby(KEY)["kg"].sum()
    rounds = _rounds(plots, flows, reach)
    served = _served(flows, demand)
    rows = []
    for plot in plots.sort_values(["block_id", "crop"]).to_dict("records"):
        place = (plot["farmer_id"], plot["food_group"])
        part = float(sent.get(place, 0.0)) / float(grown[place]) if grown[place] > 0 else 0.0
        by_hub = float(hubs.get(place, 0.0)) / float(sent[place]) if place in sent.index else 0.0
        own = rounds.get(str(plot["farmer_id"]), (0.0, 0.0, 0.0))
        meals = served.get(place, float("nan"))
        rows.append(_row(plot, part * float(plot["kg"]), by_hub, own, meals))
    table = pd.DataFrame(rows)
    return check(table, "prices", "prix des récoltes")


def _row(
    plot: Mapping[Any, Any],
    delivered: float,
    by_hub: float,
    own: tuple[float, float, float],
    meals: float,
) -> dict[str, Any]:
    grown, hub = growing(str(plot["crop"])), costs().hub
    now = price_of(str(plot["food_group"]))
    yields = float(plot["kg"]) / float(plot["area_ha"]) if plot["area_ha"] else 0.0
    poorer = yield_ha(str(plot["crop"])).central / yields if yields > 0 else float("nan")
    row: dict[str, Any] = {"block_id": plot["block_id"], "crop": plot["crop"]}
    for at, end in enumerate(ENDS):
        made = grown.eur_kg[at] * poorer
        kept = made * hub.share[at] / (1 - hub.share[at])  # a share of the price, not of the cost
        brought = by_hub * kept + (1 - by_hub) * own[at]
        row[f"eur_kg{end}"] = made + brought
        dearer = (made + brought - now.ordinary[1]) * delivered / meals if delivered > 0 else np.nan
        row[f"cents_per_meal{end}"] = CENTS * dearer
        if not end:
            row |= {"production_eur_kg": made, "delivery_eur_kg": brought}
    way = hub if by_hub > 0.5 else costs().round
    sources = [
        grown.source,
        f"{way.source} ({way.mark})",
        f"prix actuel supposé : {now.source} ({now.mark})",
    ]
    return row | {
        "eur_kg_now": now.ordinary[1],
        "kg_delivered": delivered,
        "source": " ; ".join(sources),
    }


def _rounds(
    plots: pd.DataFrame, flows: pd.DataFrame, reach: pd.DataFrame
) -> dict[str, tuple[float, float, float]]:
    """Return what each farm's own round adds to a kilogram: low, central, high."""
    said = costs().round
    own = flows[flows["via"].isna() & (flows["kg"] > 0)]
    canteens = reach[reach["kind"] == "canteen"].set_index(["block_id", "place_id"])["distance_m"]
    found = {}
    for farmer, sent in own.groupby("farmer_id", sort=True):
        blocks = plots.loc[plots["farmer_id"] == farmer, "block_id"].unique()
        pairs = [(b, c) for b in blocks for c in sent["canteen_id"].unique()]
        far = canteens.reindex(pd.MultiIndex.from_tuples(pairs)).max() if pairs else np.nan
        km = said.km if pd.isna(far) else 2 * float(far) / METRES_A_KM
        kg = float(sent["kg"].sum())
        low, central, high = (round_eur(km) * times / kg for times in said.a_year)
        found[str(farmer)] = (low, central, high)
    return found


def _served(flows: pd.DataFrame, demand: pd.DataFrame) -> dict[tuple[str, str], float]:
    """Return the meals a year of the canteens that each farm serves with each food group."""
    meals = demand.groupby(["canteen_id", "food_group"])["meals"].sum()
    pairs = flows.loc[flows["kg"] > 0, [*KEY, "canteen_id"]].drop_duplicates()
    index = pd.MultiIndex.from_frame(pairs[["canteen_id", "food_group"]])
    pairs = pairs.assign(meals=meals.reindex(index).to_numpy())
    summed = pairs.groupby(KEY)["meals"].sum(min_count=1).reset_index()
    rows = summed.itertuples(index=False, name=None)
    return {(str(farm), str(group)): float(value) for farm, group, value in rows}


def sentence(row: Mapping[Any, Any]) -> str:
    """Return what a row of « prices » says, for a block's sheet.

    « légumes d'été : il faut en tirer 2,9 €/kg (de 2 à 4,1), livraison comprise, contre 2 €/kg pour
    les achats ordinaires : 1,4 centime de plus par repas (de 0,1 à 3). »
    """
    if pd.isna(row["eur_kg"]):
        return f"{row['crop']} : rien de récoltable, pas de prix."
    ends = [figure(float(row[f"eur_kg{end}"]), 2) for end in ENDS]
    told = (
        f"{row['crop']} : il faut en tirer {ends[1]}{THIN}€/kg (de {ends[0]} à {ends[2]}), "
        f"livraison comprise, contre {figure(float(row['eur_kg_now']), 2)}{THIN}€/kg supposés pour "
        "les achats ordinaires"
    )
    if pd.isna(row["cents_per_meal"]):
        return f"{told} ; rien n'en est livré aux cantines."
    cents = [float(row[f"cents_per_meal{end}"]) for end in ENDS]
    more = "de plus" if cents[1] >= 0 else "de moins"
    central = figure(abs(cents[1]), 2)
    span = f"de {_signed(cents[0])} à {_signed(cents[2])}"
    return f"{told} : {central} centime(s) {more} par repas des cantines livrées ({span})."


def _signed(cents: float) -> str:
    return f"{'+' if cents >= 0 else '-'}{figure(abs(cents), 2)}"

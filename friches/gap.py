"""How far each canteen is from what the EGalim law asks of it, in euros and in kilograms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from friches.demand import ENDS, yearly
from friches.errors import Breach, InputError
from friches.figures import THIN, bounds, figure
from friches.food.purchases import price_of, price_table, prices
from friches.food.thresholds import thresholds
from friches.phrases import day as told_day

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from friches.food.thresholds import Measure, Threshold

    Array = NDArray[np.float64]

ALL = "toutes"
DUST = 1e-12
FIGURES = [f"{name}{end}" for name in ("spend_eur", "missing_eur", "missing_kg") for end in ENDS]
KINDS = {
    "canteen_id": "str",
    "measure": "str",
    "threshold": "float64",
    "applies": "boolean",
    "share_now": "float64",
    "met": "boolean",
    **dict.fromkeys(FIGURES, "float64"),
    "extra_eur": "float64",
    "text": "str",
    "source": "str",
}


class Basket(NamedTuple):
    """What one measure looks at in some kitchens: euros a year and kilograms, low to high."""

    spend: Array
    organic_eur: Array  # the whole basket at organic prices
    ordinary_eur: Array
    kg: Array
    share: float  # as declared, NaN where unknown
    least: float  # what the share is at least


def egalim(demand: pd.DataFrame, canteens: pd.DataFrame, day: dt.date, insee: str) -> pd.DataFrame:
    """Return what each kitchen lacks of the thresholds in force on a day in a territory.

    What lacks is reckoned as ordinary purchases replaced by organic ones, kilogram for kilogram,
    until the threshold is met by value; the measure's other labels would cost otherwise.

    Parameters
    ----------
    demand : DataFrame
        What `demand.demand` returns.
    canteens : DataFrame
        Table « canteens »; quality_share, meat_quality_share, fish_quality_share where known.
    day : date
        The day the law is read.
    insee : str
        A commune of the territory (overseas thresholds differ).

    Returns
    -------
    DataFrame
        One row a kitchen (then « toutes », all purchases together) and measure: threshold, applies
        (NA: binds public canteens only and the owner is not known), share_now (by value), met,
        then with _low, none and _high: spend_eur (a year, excl. VAT, what the measure is a share
        of), missing_eur and missing_kg (organic purchases to add); extra_eur, what they cost more
        than what they replace (central); text, source. Empty where no threshold is in force.

    Raises
    ------
    InputError
        Shares outside 0 to 1, or a quality share under the organic one; every breach at once.
    """
    declared = _declared(canteens)
    if demand.empty:
        return pd.DataFrame(columns=list(KINDS)).astype(KINDS)
    bought = _bought(yearly(demand))
    rows = [
        _row(name, measure, threshold, basket)
        for measure, threshold in thresholds(day, insee)
        for name, basket in _baskets(bought, declared, measure)
    ]
    return pd.DataFrame(rows, columns=list(KINDS)).astype(KINDS)


def _nearly(share: float, threshold: float) -> bool:
    """Return whether a share reaches a threshold, but for the dust of weighing it."""
    return share >= threshold - DUST


def _declared(canteens: pd.DataFrame) -> pd.DataFrame:
    names = ("organic_share", "quality_share", "meat_quality_share", "fish_quality_share")
    table = pd.DataFrame(index=canteens["canteen_id"].astype("str"))
    for name in names:
        given = canteens.get(name, pd.Series(np.nan, index=canteens.index))
        table[name] = pd.to_numeric(given).astype("float64").to_numpy()
    faults = [(~table[n].between(0, 1) & table[n].notna(), f"{n} hors de 0 à 1") for n in names]
    below = table["quality_share"] < table["organic_share"]
    faults.append((below, "part de qualité inférieure à la part bio, qu'elle comprend"))
    breaches = [
        Breach(
            f"{int(bad.sum())} cantine(s) : {what} (première : « {table.index[bad][0]} »)",
            "cantines",
            "donner des parts de 0 à 1, bio compris dans la qualité",
        )
        for bad, what in faults
        if bad.any()
    ]
    if breaches:
        raise InputError(breaches)
    return table.drop(columns="organic_share")


def _bought(year: pd.DataFrame) -> pd.DataFrame:
    """Return, for each kitchen and group, kg and euros at ordinary, organic and today's prices."""
    table = year[["canteen_id", "food_group", "organic_share"]].copy()
    share = table["organic_share"]
    for end in ENDS:
        ordinary, organic = (
            year["food_group"].map(price_table(kind)[f"eur{end}"])
            for kind in ("ordinary", "organic")
        )
        kg = year[f"kg{end}"]
        table[f"kg{end}"] = kg
        table[f"ordinary{end}"], table[f"organic{end}"] = kg * ordinary, kg * organic
        # The share is by value: of one euro, `share` buys at organic prices, the rest does not.
        table[f"spend{end}"] = kg / (share / organic + (1 - share) / ordinary)
    # Share unknown: nothing organic at the least, all at the most.
    table["spend_low"] = table["spend_low"].fillna(table["ordinary_low"])
    table["spend_high"] = table["spend_high"].fillna(table["organic_high"])
    return table


def _baskets(
    bought: pd.DataFrame, declared: pd.DataFrame, measure: Measure
) -> Iterator[tuple[str, Basket]]:
    rows = bought[bought["food_group"].isin(measure.groups)] if measure.groups else bought
    said = prices().other
    whole = 1.0 if measure.groups else 1 + np.array([said.low, said.central, said.high])
    given = {str(name): row for name, row in declared.to_dict("index").items()}
    found = []
    for name, part in rows.groupby("canteen_id", sort=True):
        sums = {
            what: np.array([part[f"{what}{end}"].sum(skipna=False) for end in ENDS])
            for what in ("spend", "organic", "ordinary", "kg")
        }
        share, least = _share(part, given[str(name)], measure)
        basket = Basket(
            sums["spend"] * whole, sums["organic"], sums["ordinary"], sums["kg"], share, least
        )
        found.append(basket)
        yield str(name), basket
    if found:
        yield ALL, _together(found)


def _share(part: pd.DataFrame, given: Mapping[Any, Any], measure: Measure) -> tuple[float, float]:
    """Return the share of a measure in one kitchen, and what it is at least."""
    organic = float(part["organic_share"].iloc[0])
    if measure.name == "organic":
        share = organic
    elif measure.share_column:
        share = float(given[measure.share_column])
    else:
        fish = part["food_group"] == "poisson"
        eur = float(part.loc[~fish, "spend"].sum()), float(part.loc[fish, "spend"].sum())
        shares = float(given["meat_quality_share"]), float(given["fish_quality_share"])
        share = float(np.dot(eur, shares) / sum(eur)) if sum(eur) > 0 else np.nan
    known_least = organic if measure.name == "quality" else 0.0
    return share, float(np.nan_to_num(share if not np.isnan(share) else known_least))


def _together(baskets: list[Basket]) -> Basket:
    sums = Basket(
        np.sum([b.spend for b in baskets], axis=0),
        np.sum([b.organic_eur for b in baskets], axis=0),
        np.sum([b.ordinary_eur for b in baskets], axis=0),
        np.sum([b.kg for b in baskets], axis=0),
        np.nan,
        0.0,
    )
    spend = np.array([basket.spend[1] for basket in baskets])
    spend = np.where(np.isnan(spend), [basket.spend[0] for basket in baskets], spend)
    if not spend.sum() > 0:
        return sums
    # A kitchen that buys nothing has no say.
    share = sum(b.share * eur for b, eur in zip(baskets, spend, strict=True) if eur > 0)
    least = sum(b.least * eur for b, eur in zip(baskets, spend, strict=True))
    return sums._replace(share=float(share / spend.sum()), least=float(least / spend.sum()))


def _row(name: str, measure: Measure, asked: Threshold, basket: Basket) -> dict[str, Any]:
    unknown = np.isnan(basket.share)
    kg = swapped_kg(basket, basket.least, asked.share)
    each = np.divide(basket.organic_eur, basket.kg, out=np.zeros(3), where=basket.kg > 0)
    more = basket.organic_eur - basket.ordinary_eur
    dearer = np.divide(more, basket.kg, out=np.zeros(3), where=basket.kg > 0)
    met = True if _nearly(basket.least, asked.share) else (pd.NA if unknown else False)
    open_end = unknown and met is not True
    figures: dict[str, Sequence[float] | Array] = {
        "spend_eur": basket.spend,
        "missing_eur": _ends(kg * each, open_end=open_end),
        "missing_kg": _ends(kg, open_end=open_end),
    }
    row: dict[str, Any] = {
        "canteen_id": name,
        "measure": measure.name,
        "threshold": asked.share,
        "applies": True if asked.owners == "all" else pd.NA,
        "share_now": basket.share,
        "met": met,
        **{
            f"{k}{end}": v
            for k, three in figures.items()
            for end, v in zip(ENDS, three, strict=True)
        },
        "extra_eur": np.nan if open_end else float(np.nan_to_num((kg * dearer)[1])),
    }
    return row | {
        "text": _text(measure, asked, row, basket.least),
        "source": _source(measure, asked),
    }


def swapped_kg(basket: Basket, share: float, threshold: float) -> Array:
    """Return the kg to buy organic instead of ordinary until `threshold` of the value is met.

    x kg replaced add x·o euros of what counts and raise the whole by x·(o - p):
    (share·V + x·o) / (V + x·(o - p)) = threshold, solved for x (o, p: organic, ordinary price).
    """
    if _nearly(share, threshold):
        return np.zeros(3)
    kg = np.where(basket.kg > 0, basket.kg, 1.0)
    organic, ordinary = basket.organic_eur / kg, basket.ordinary_eur / kg
    worth = organic - threshold * (organic - ordinary)
    return np.divide(
        (threshold - share) * basket.spend, worth, out=np.zeros(3), where=basket.kg > 0
    )


def _ends(values: Array, *, open_end: bool) -> tuple[float, float, float]:
    if open_end:
        return 0.0, np.nan, float(np.nanmax(values))
    return float(np.nanmin(values)), float(values[1]), float(np.nanmax(values))


def _text(measure: Measure, asked: Threshold, row: dict[str, Any], least: float) -> str:
    since = f"{figure(asked.share * 100, 1)}{THIN}% demandés depuis le {told_day(asked.since)}"
    if asked.owners == "public":
        since += " aux cantines publiques"
    if np.isnan(row["share_now"]) and least > 0:
        now = f"{measure.label} : au moins {figure(least * 100, 1)}{THIN}% des achats, le bio seul"
    elif np.isnan(row["share_now"]):
        now = f"{measure.label} : part d'aujourd'hui à demander"
    else:
        now = f"{measure.label} : {figure(row['share_now'] * 100, 1)}{THIN}% des achats"
    if row["met"] is True:
        return f"{now}, {since} : atteint."
    eur, kg = (
        bounds(row[f"{name}_low"], row[name], row[f"{name}_high"], unit)
        for name, unit in (("missing_eur", "€ HT"), ("missing_kg", "kg"))
    )
    return f"{now}, {since} : il manque par an {eur}, soit {kg} si le bio comble le manque."


def _source(measure: Measure, asked: Threshold) -> str:
    marks = sorted({price_of(group).mark for group in measure.groups} or {"RECALLED"})
    said = f"{asked.source} ({asked.mark}) ; prix d'achat : ordres de grandeur ({', '.join(marks)})"
    if measure.groups:
        return said
    other = prices().other
    return f"{said} ; {other.source} ({other.mark})"

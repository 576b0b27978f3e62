"""Which kitchens cook the meals: canteens checked, none counted twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from friches.errors import Breach, InputError
from friches.food import menu

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

OPTIONAL = (
    "days_per_year",
    "meals_per_year",
    "organic_share",
    "local_share",
    "waste_g_per_meal",
    "audience",
    "kind",
    "served_by",
)
SHARES = {"organic_share": "part bio", "local_share": "part locale"}


def cooked(canteens: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the canteens whose meals count, each with `at`, the kitchen that cooks them.

    A site cooked elsewhere is not counted when its kitchen gives its meals; when the kitchen
    gives none, its sites' meals are counted there.

    Parameters
    ----------
    canteens : DataFrame
        Table « canteens »; optional columns may be absent.

    Returns
    -------
    list of dict
        Ordered by canteen_id; audience is None where unknown, organic_share and local_share
        those of the kitchen where the site gives none.

    Raises
    ------
    InputError
        Every breach at once: duplicate, negative meals, shares outside 0 to 1, unknown audience,
        kitchen that is not in the table, canteens that serve each other.
    """
    rows = {
        str(row["canteen_id"]): {str(name): value for name, value in row.items()}
        for row in _checked(canteens).to_dict("records")
    }
    found = []
    for name, row in sorted(rows.items()):
        at = _chain(name, rows)[-1]
        if at != name and rows[at]["serves"]:
            continue
        row["audience"] = None if pd.isna(row["audience"]) else str(row["audience"])
        shares = {s: rows[at][s] if pd.isna(row[s]) else row[s] for s in SHARES}
        found.append(row | shares | {"at": at})
    with_sites = {row["at"] for row in found if row["at"] != row["canteen_id"]}
    # A kitchen without meals of its own adds nothing but the uncertainty of its missing columns.
    return [r for r in found if r["serves"] or str(r["canteen_id"]) not in with_sites]


def _checked(canteens: pd.DataFrame) -> pd.DataFrame:
    table = pd.DataFrame(canteens.drop(columns="geometry", errors="ignore"))
    for name in OPTIONAL:
        if name not in table.columns:
            table[name] = None
    breaches = [
        Breach(
            f"{int(bad.sum())} cantine(s) : {what} "
            f"(première : « {table.loc[bad, 'canteen_id'].iloc[0]} »)",
            "cantines",
            todo,
        )
        for bad, what, todo in _faults(table)
        if bad.any()
    ]
    breaches += _rings(table)
    if breaches:
        raise InputError(breaches)
    year = pd.to_numeric(table["meals_per_year"]).astype("float64")
    table["serves"] = year.fillna(table["meals_per_day"]) > 0
    return table


def _faults(table: pd.DataFrame) -> Iterator[tuple[pd.Series[bool], str, str]]:
    number = {
        name: pd.to_numeric(table[name]).astype("float64")
        for name in ("meals_per_day", "meals_per_year", "days_per_year", "waste_g_per_meal")
    }
    meals, year, days, waste = number.values()
    yield table["canteen_id"].duplicated(), "identifiant en double", "garder une ligne par cantine"
    yield meals.isna() | (meals < 0), "repas par jour manquants ou négatifs", "donner 0 ou plus"
    yield year < 0, "repas par an négatifs", "donner 0 ou plus, ou laisser vide"
    yield (days < 0) | (days > 366), "jours de service hors de 0 à 366", "corriger days_per_year"
    for name, label in SHARES.items():
        share = pd.to_numeric(table[name]).astype("float64")
        yield (share < 0) | (share > 1), f"{label} hors de 0 à 1", "0,58 pour 58 %"
    most = menu.menu().waste.most_g
    yield (
        (waste < 0) | (waste > most),
        f"gaspillage pesé hors de 0 à {most:g} g par repas",
        "donner des grammes par convive et par repas (waste_g_per_meal)",
    )
    known = table["audience"].isna() | table["audience"].isin(menu.audiences())
    yield ~known, "public inconnu", f"choisir parmi : {', '.join(menu.audiences())}"
    by = table["served_by"]
    strange = by.notna() & ~by.isin(table["canteen_id"])
    first = "" if not strange.any() else f" « {by[strange].iloc[0]} »"
    yield (
        strange,
        f"livrée(s) par une cuisine absente{first}",
        "ajouter cette cuisine, ou corriger « served_by »",
    )


def _rings(table: pd.DataFrame) -> list[Breach]:
    rows = {str(row["canteen_id"]): row for row in table.to_dict("records")}
    seen: set[frozenset[str]] = set()
    breaches = []
    for name in rows:
        chain = _chain(name, rows)
        ring = chain[chain.index(chain[-1]) :]
        if len(ring) == 1 or frozenset(ring) in seen:
            continue
        seen.add(frozenset(ring))
        breaches.append(
            Breach(
                f"cantines qui se livrent en rond : {' → '.join(ring)}",
                "cantines, colonne served_by",
                "indiquer la cuisine centrale qui cuisine",
            )
        )
    return breaches


def _chain(name: str, rows: Mapping[str, Mapping[Any, Any]]) -> list[str]:
    """Return the canteens from one to the kitchen that cooks; a ring ends on one already named."""
    chain = [name]
    while True:
        row = rows[chain[-1]]
        by, kind = row["served_by"], row["kind"]
        cooked_here = not (pd.isna(kind) or kind == "site_cooked_elsewhere")
        if cooked_here or pd.isna(by) or str(by) not in rows or str(by) == chain[-1]:
            return chain
        if str(by) in chain:
            return [*chain, str(by)]
        chain.append(str(by))

"""What an allocation refuses: every breach of its tables, at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from friches.errors import Breach, InputError
from friches.food.crops import crops
from friches.tables import TABLES, check

if TYPE_CHECKING:
    from collections.abc import Iterator

    from friches.allocation.arrays import Tables

SUM = 1e-6
"""By how much a crop's months may miss a whole year (rounding of a table by hand)."""


def checked(tables: Tables) -> Tables:
    """Return the tables with their dtypes set, or refuse those that do not hold together.

    Raises
    ------
    InputError
        Unknown, negative or missing values; a place, block or crop that its table does not have;
        a farm without a position; a month or crop without calendar.
    """
    breaches: list[Breach] = []
    typed: dict[str, Any] = {}
    for name, table, where in (
        ("supply", tables.supply, "récoltes possibles"),
        ("demand", tables.demand, "besoins des cantines"),
        ("reach", tables.reach, "trajets"),
    ):
        try:
            # In one order, so that sums are the same whatever that of the rows given.
            typed[name] = check(table, name, where).sort_values(
                list(TABLES[name].key), ignore_index=True
            )
        except InputError as error:
            breaches += error.breaches
    if not breaches:
        tables = tables._replace(**typed)
        breaches = [*_farmers(tables.farmers), *_strangers(tables), *_calendar(tables)]
        breaches += _order(tables)
    if breaches:
        raise InputError(breaches)
    return tables


def _farmers(farmers: pd.DataFrame) -> Iterator[Breach]:
    ids = farmers["farmer_id"].astype(str)
    if ids.duplicated().any():
        yield _said(ids, ids.duplicated(), "identifiant en double", "garder une ligne par ferme")
    if "geometry" in farmers.columns:
        shapes: Any = farmers["geometry"]
        nowhere = shapes.isna() | shapes.map(lambda shape: shape is not None and shape.is_empty)
        if nowhere.any():
            yield _said(ids, nowhere, "sans position", "donner lon et lat, ou retirer la ligne")
    if "wants_ha" in farmers.columns:
        negative = pd.to_numeric(farmers["wants_ha"]).astype("float64") < 0
        if negative.any():
            yield _said(ids, negative, "surface recherchée négative", "donner 0 ou plus")


def _said(ids: pd.Series[str], bad: pd.Series[bool], what: str, todo: str) -> Breach:
    count, first = int(bad.sum()), ids[bad].sort_values().iloc[0]
    return Breach(f"{count} ferme(s) : {what} (première : « {first} »)", "fermes", todo)


def _strangers(tables: Tables) -> Iterator[Breach]:
    farms, blocks = set(tables.farmers["farmer_id"].astype(str)), _ids(tables.blocks, "block_id")
    trips = tables.reach[tables.reach["kind"] == "farm"]
    yield from _unknown(
        trips["place_id"],
        farms,
        "trajets",
        "ferme(s) inconnue(s) (première",
        "recalculer les trajets",
    )
    supply = tables.supply["block_id"]
    where, what = "récoltes possibles", "îlot(s) inconnu(s) (premier"
    yield from _unknown(supply, blocks, where, what, "donner la table blocks")
    if tables.neighbours is not None:
        beside = tables.neighbours["farmer_id"]
        todo = "corriger sources.farm_fields"
        what = "ferme(s) inconnue(s) (première"
        yield from _unknown(beside, farms, "champs voisins", what, todo)
    crop_names = tables.supply["crop"]
    known = f"cultures connues : {', '.join(sorted(crops()))}"
    what = "culture(s) inconnue(s) (première"
    yield from _unknown(crop_names, set(crops()), where, what, known)


def _ids(table: pd.DataFrame, column: str) -> set[str]:
    return set(table[column].astype(str))


def _unknown(
    column: pd.Series[Any], known: set[str], where: str, what: str, todo: str
) -> Iterator[Breach]:
    strangers = sorted(set(column.astype(str)) - known)
    if strangers:
        yield Breach(f"{len(strangers)} {what} : « {strangers[0]} »)", where, todo)


def _calendar(tables: Tables) -> Iterator[Breach]:
    calendar, where = tables.calendar, "calendrier des cultures"
    absent = [c for c in ("crop", "month", "share", "lost_share") if c not in calendar.columns]
    if absent:
        yield Breach(f"colonne(s) absente(s) : {', '.join(absent)}", where, "voir calendar()")
        return
    needed = _ids(tables.supply, "crop") & set(crops())
    missing = sorted(needed - _ids(calendar, "crop"))
    if missing:
        what = f"{len(missing)} culture(s) sans mois (première : « {missing[0]} »)"
        yield Breach(what, where, "donner sa part vendue par mois")
    share, lost = (calendar[name].astype("float64") for name in ("share", "lost_share"))
    if not (share.between(0, 1) & lost.between(0, 1, inclusive="left")).all():
        yield Breach("part hors de 0 à 1", where, "share de 0 à 1, lost_share de 0 à 1 exclu")
    if not calendar["month"].between(1, 12).all():
        yield Breach("mois hors de 1 à 12", where, "corriger month")
    whole = calendar.groupby("crop")["share"].sum()
    off = whole[~np.isclose(whole, 1, atol=SUM)]
    if len(off):
        yield Breach(
            f"{len(off)} culture(s) dont les mois ne font pas une année (première : "
            f"« {off.index[0]} », {off.iloc[0]:g})".replace(".", ","), where, "parts de somme 1",
        )  # fmt: skip


def _order(tables: Tables) -> Iterator[Breach]:
    for table, stems, where in (
        (tables.supply, ("kg_ha",), "récoltes possibles"),
        (tables.demand, ("meals", "kg"), "besoins des cantines"),
    ):
        for stem in stems:
            low, middle, high = (table[f"{stem}{end}"] for end in ("_low", "", "_high"))
            wrong = (low > middle) | (middle > high)
            if wrong.any():
                yield Breach(
                    f"{int(wrong.sum())} ligne(s) où {stem} bas, central, haut ne croissent pas "
                    f"(première : ligne {int(np.argmax(wrong.to_numpy())) + 1})",
                    where,
                    "remettre les bornes dans l'ordre",
                )
    for table, where in ((tables.supply, "récoltes possibles"), (tables.demand, "besoins")):
        endless = np.isinf(table.select_dtypes("float64").to_numpy("float64")).any(axis=1)
        if endless.any():
            what = f"{int(endless.sum())} ligne(s) de valeurs infinies"
            first = int(np.argmax(endless)) + 1
            yield Breach(f"{what} (première : ligne {first})", where, "donner des nombres finis")
    crop_groups = tables.supply.groupby("crop")["food_group"].nunique()
    if (crop_groups > 1).any():
        first = crop_groups[crop_groups > 1].index[0]
        yield Breach(f"culture « {first} » dans plusieurs groupes d'aliments", "récoltes possibles",
                     "un groupe par culture")  # fmt: skip

"""Sales (DVF, geolocated files): the price is that of the whole sale, repeated on each row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from friches import tables
from friches.errors import Breach, InputError
from friches.sources.owners import PARCEL_ID
from friches.sources.vector import dates, numbers, pick, read_csv_text
from friches.sources.words import book, fold

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path


def read_sales(
    paths: Sequence[Path],
    crs: str = "",  # noqa: ARG001  (one signature for all readers)
    bounds: object = None,  # noqa: ARG001
    *,
    communes: Collection[str] | None = None,
) -> pd.DataFrame:
    """Read sales, one row a sale and a parcel.

    Parameters
    ----------
    paths : sequence of Path
        Geolocated DVF files (CSV, also .gz).
    crs, bounds
        Not used: parcels are found by their identifier.
    communes : collection of str, optional
        INSEE codes of the parcels to keep; the price stays that of the whole sale.

    Returns
    -------
    DataFrame
        Table "sales", sorted by sale and parcel. `price_eur` is the price of the whole sale: the
        one that its rows repeat, else the sum of its dispositions' (RECALLED), missing where rows
        of one disposition disagree. `land_m2` is the land
        sold on the parcel, `land_class` the fiscal code of its largest part (or its name).
        Columns more: `land_special` (special class), `sale_land_m2` (land of the whole sale, m2).

    Raises
    ------
    InputError
        Columns missing, text as a number or a date, impossible parcel identifiers.
    """
    parts: list[pd.DataFrame] = []
    breaches: list[Breach] = []
    for path in paths:
        try:
            parts.append(_rows(path))
        except InputError as error:
            breaches.extend(error.breaches)
    if breaches:
        raise InputError(breaches)
    # A year given twice (whole and by commune) repeats its rows exactly.
    rows = pd.concat(parts, ignore_index=True).drop_duplicates(ignore_index=True)
    kept = rows["nature"].map(fold).isin([fold(w) for w in book("sales")["natures"]["kept"]])
    rows = rows[kept]
    table = _by_parcel(rows).merge(_by_sale(rows), on="sale_id", how="left")
    if communes is not None:
        table = table[table["parcel_id"].str[:5].isin(list(communes))]
    table = table.sort_values(["sale_id", "parcel_id"], kind="stable", ignore_index=True)
    return tables.check(table, "sales", ", ".join(map(str, paths)))


def _rows(path: Path) -> pd.DataFrame:
    said = book("sales")["columns"]
    wanted, optional = ({name: [name] for name in said[key]} for key in ("needed", "optional"))
    cells = pick(read_csv_text(path), wanted, path, optional)
    breaches: list[Breach] = []
    read: dict[str, pd.Series] = {}
    for name, how in (
        ("valeur_fonciere", numbers),
        ("surface_terrain", numbers),
        ("date_mutation", dates),
    ):
        try:
            read[name] = how(cells[name], path, name)
        except InputError as error:
            breaches += error.breaches
    wrong = ~cells["id_parcelle"].str.fullmatch(PARCEL_ID).fillna(value=False).astype("bool")
    if wrong.any():
        at = int(wrong.to_numpy().argmax())
        breaches.append(
            Breach(
                f"{int(wrong.sum())} identifiant(s) de parcelle impossible(s) "
                f"(premier : « {cells['id_parcelle'].iloc[at]} », ligne {at + 1})",
                str(path),
                "donner le fichier DVF géolocalisé (id_parcelle de 14 caractères)",
            )
        )
    if breaches:
        raise InputError(breaches)
    code = cells["code_nature_culture"]
    return pd.DataFrame(
        {
            "sale_id": cells["id_mutation"],
            "parcel_id": cells["id_parcelle"],
            "disposition": cells["numero_disposition"].fillna(""),
            "nature": cells["nature_mutation"],
            "sold_on": read["date_mutation"],
            "price": read["valeur_fonciere"],
            "area": read["surface_terrain"],
            "land_class": code.where(code.notna(), cells["nature_culture"]).astype("str"),
            "special": cells["nature_culture_speciale"].astype("str"),
        }
    )


def _by_sale(rows: pd.DataFrame) -> pd.DataFrame:
    """Return date, price and land of each whole sale."""
    # One price on every row is the price of the sale; else each disposition has its own, and
    # where the rows of one disposition disagree nobody knows which is right.
    whole = rows.groupby("sale_id", sort=True)["price"].agg(["min", "max"])
    each = rows.groupby(["sale_id", "disposition"], sort=True)["price"].agg(["min", "max"])
    added = each["max"].where(each["min"] == each["max"]).groupby("sale_id").sum(min_count=1)
    told = (each["min"] == each["max"]).groupby("sale_id").all()
    prices = whole["max"].where(whole["min"] == whole["max"], added.where(told))
    first = rows.groupby("sale_id", sort=True)["sold_on"].max()
    land = _plots(rows).groupby("sale_id")["area"].sum(min_count=1)
    return pd.DataFrame({"sold_on": first, "price_eur": prices, "sale_land_m2": land}).reset_index()


def _plots(rows: pd.DataFrame) -> pd.DataFrame:
    """Return one row a fiscal plot: DVF repeats its area for every building on it.

    Two plots of one parcel with the same class and area are taken for one (rare).
    """
    plot = ["sale_id", "parcel_id", "disposition", "land_class", "special", "area"]
    return rows.drop_duplicates(plot)


def _by_parcel(rows: pd.DataFrame) -> pd.DataFrame:
    plots = _plots(rows).sort_values(
        ["sale_id", "parcel_id", "area"], ascending=[True, True, False], kind="stable"
    )
    grouped = plots.groupby(["sale_id", "parcel_id"], sort=True)
    return pd.DataFrame(
        {
            "land_m2": grouped["area"].sum(min_count=1),
            "land_class": grouped["land_class"].first(),
            "land_special": grouped["special"].first(),
        }
    ).reset_index()

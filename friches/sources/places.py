"""Canteens and farms: simple tables written by hand (CSV or GeoJSON), or the official exports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
from pyproj import CRS

from friches import tables
from friches.errors import Breach, InputError, refuse
from friches.sources.container import recognise
from friches.sources.listings import Listing, farmers_of, listing
from friches.sources.registry import canteens_of
from friches.sources.vector import answers, clean, dates, numbers, open_vector, pick, read_csv_text
from friches.sources.words import book, fold

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    Bounds = tuple[float, float, float, float]

LON, LAT = ["lon", "longitude", "lng"], ["lat", "latitude"]
READERS: dict[str, dict[str, Callable[..., Any]]] = {
    "canteens": dict.fromkeys(
        (
            "meals_per_day",
            "days_per_year",
            "meals_per_year",
            "organic_share",
            "local_share",
            "quality_share",
            "meat_quality_share",
            "fish_quality_share",
            "waste_g_per_meal",
        ),
        numbers,
    ),
    "farmers": {"organic": answers, "wants_ha": numbers, "installed_on": dates},
}


def read_canteens(
    paths: Sequence[Path],
    crs: str,
    bounds: Bounds | None = None,
) -> gpd.GeoDataFrame:
    """Read canteens: meals a day, days a year, shares, audience, position.

    Parameters
    ----------
    paths : sequence of Path
        CSV (`,` or `;`, with lon and lat in degrees) or a point layer; columns as in the README.
        Or the national registry of canteens as it is exported, with beside it what places it
        (see `registry.canteens_of`).
    crs : str
        The study's CRS, that of the answer.
    bounds : tuple of float, optional
        Of the study (m): canteens of the registry far from it are left out, those written by hand
        never are.

    Returns
    -------
    GeoDataFrame
        Table "canteens", sorted by identifier. Shares are 0 to 1, meals are per service day.

    Raises
    ------
    InputError
        Every breach of every file at once: numbers, shares over 1, unknown audience, positions
        missing, swapped or elsewhere, duplicate identifiers, `served_by` naming no canteen.
    """
    said = listing(paths)
    return _places(said, "canteens", crs, _check_kitchens, canteens_of, bounds)


def read_farmers(
    paths: Sequence[Path],
    crs: str,
    bounds: Bounds | None = None,
) -> gpd.GeoDataFrame:
    """Read farms: organic or not, productions, hectares wanted, position.

    Parameters
    ----------
    paths : sequence of Path
        CSV (`,` or `;`, with lon and lat in degrees) or a point layer; columns as in the README.
        Or answers of the Agence Bio or of the search of firms (JSON), as they are.
    crs : str
        The study's CRS, that of the answer.
    bounds : tuple of float, optional
        Of the study (m): farms of official answers far from it are left out, those written by
        hand never are.

    Returns
    -------
    GeoDataFrame
        Table "farmers", sorted by identifier; `productions` in lower case, separated by `;`.

    Raises
    ------
    InputError
        Every breach of every file at once.
    """
    said = listing(paths)
    return _places(said, "farmers", crs, lambda _table, _where: [], farmers_of, bounds)


def _places(  # noqa: PLR0913, PLR0917
    said: Listing,
    name: str,
    crs: str,
    more: Callable[[pd.DataFrame, str], list[Breach]],
    official: Callable[[Listing, str, Bounds | None], gpd.GeoDataFrame | None],
    bounds: Bounds | None,
) -> gpd.GeoDataFrame:
    parts: list[gpd.GeoDataFrame] = []
    breaches: list[Breach] = list(said.breaches)
    told: set[str] = set()  # columns already spoken of: the final check does not repeat them
    notes: dict[str, int] = {}
    if said.official:
        try:
            part = official(said, crs, bounds)
            if part is not None:
                notes, part.attrs = dict(part.attrs), {}
                parts.append(part)
        except InputError as error:
            breaches += error.breaches
    for path in said.plain:
        try:
            parts.append(_read(path, name, crs, breaches, told))
        except InputError as error:
            breaches += error.breaches
    where = ", ".join(map(str, said.paths))
    if parts:
        joined = gpd.GeoDataFrame(pd.concat(parts, ignore_index=True), crs=crs)
        key = tables.TABLES[name].key[0]
        joined = joined.sort_values(key, kind="stable", ignore_index=True)
        breaches += more(joined, where)
        try:
            joined = tables.check(joined, name, where, crs)
            joined.attrs.update(notes)
        except InputError as error:
            breaches += [b for b in error.breaches if not any(word in b.what for word in told)]
    if breaches:
        raise InputError(breaches)
    if not parts:
        raise refuse("aucun fichier", name, "donner au moins un fichier")
    return joined


def _read(
    path: Path, name: str, crs: str, breaches: list[Breach], told: set[str]
) -> gpd.GeoDataFrame:
    said = book("places")[name]
    if path.is_file() and recognise(path) == "text":
        cells = read_csv_text(path)
        geometry = _positions(cells, path, crs, breaches, told)
    else:
        cells = open_vector(path, crs, like=[name], name=name)
        geometry = cells.geometry
    # Only columns that the table may lack are optional; the others are refused all at once.
    frame = pd.DataFrame(cells.drop(columns="geometry", errors="ignore"))
    optional = said["optional"]
    if "located_by" in frame.columns:  # the precision of a position, in files made by « fetch »
        optional = optional | {"located_by": ["located_by"]}
    try:
        picked = pick(frame, said["columns"], path, optional)
    except InputError as error:
        breaches += error.breaches
        told.update(f"« {column} »" for column in said["columns"])
        picked = pick(frame, {}, path, {**said["columns"], **optional})
    for column, how in READERS[name].items():
        try:
            picked[column] = how(picked[column], path, column)
        except InputError as error:
            breaches += error.breaches
            told.add(f"« {column} »")
            picked[column] = np.nan
    for column, words in said["words"].items():
        picked[column] = _word(picked[column], words, path, breaches)
    if "productions" in picked:
        picked["productions"] = picked["productions"].map(_listed).astype("str")
    for column in picked.columns.difference([*READERS[name], *said["words"]]):
        picked[column] = picked[column].map(_text, na_action="ignore").astype("str")
    return gpd.GeoDataFrame(picked, geometry=geometry, crs=crs)


def _text(value: object) -> str:
    """Return an identifier or name as text: 12.0, read as a number, is "12"."""
    return str(value).removesuffix(".0") if isinstance(value, float) else str(value)


def _listed(value: object) -> str | None:
    """Return productions as "a;b": from a text with `;` or `,`, or from a GeoJSON list."""
    if isinstance(value, (list, tuple, np.ndarray)):
        value = ";".join(map(str, value))
    if not isinstance(value, str):
        return None
    parts = value.strip("[]").replace('"', "").replace(",", ";").split(";")
    cleaned = [str(clean(part) or "").lower() for part in parts]
    return ";".join(dict.fromkeys(part for part in cleaned if part)) or None


def _word(
    column: pd.Series[Any], words: dict[str, list[str]], path: Path, breaches: list[Breach]
) -> pd.Series[str]:
    """Return our word for each of the words that people write; refuse the others by name."""
    known = {word: ours for ours, theirs in words.items() for word in theirs}
    folded = column.map(fold, na_action="ignore")
    ours = folded.map(known).astype("str")
    strange = column[ours.isna() & column.notna()]
    if len(strange):
        row = column.index.get_loc(strange.index[0])
        breaches.append(
            Breach(
                f"colonne « {column.name} » : {len(strange)} valeur(s) inconnue(s) "
                f"(première : « {strange.iloc[0]} », ligne {int(str(row)) + 1})",
                str(path),
                f"valeurs admises : {', '.join(words)}",
            )
        )
    return ours


def _positions(
    cells: pd.DataFrame, path: Path, crs: str, breaches: list[Breach], told: set[str]
) -> gpd.GeoSeries:
    """Return points in `crs` from lon and lat, with a breach for each way to be wrong."""
    found = []
    try:
        picked = pick(cells, {"lon": LON, "lat": LAT}, path)
        found = [numbers(picked[axis], path, axis) for axis in ("lon", "lat")]
        breaches += _wrong_places(found[0], found[1], crs, path)
    except InputError as error:
        breaches += error.breaches
    told.add("géométrie")
    if not found:
        return gpd.GeoSeries([None] * len(cells), index=cells.index, crs=crs)
    lon, lat = found
    # Impossible figures are refused above; they must not reach the projection.
    fine = lon.abs().le(180) & lat.abs().le(90)
    points = gpd.GeoSeries.from_xy(lon.where(fine), lat.where(fine), crs="EPSG:4326")
    return points.where(fine, None).to_crs(crs)


def _wrong_places(
    lon: pd.Series[float], lat: pd.Series[float], crs: str, path: Path
) -> list[Breach]:
    area = CRS.from_user_input(crs).area_of_use
    west, south, east, north = area.bounds if area else (-180.0, -90.0, 180.0, 90.0)
    missing = lon.isna() | lat.isna()
    inside = lon.between(west, east) & lat.between(south, north)
    swapped = ~inside & lat.between(west, east) & lon.between(south, north)
    metres = ~missing & ((lon.abs() > 360) | (lat.abs() > 360))
    elsewhere = ~missing & ~inside & ~swapped & ~metres
    ways = (
        (missing, "sans position (lon ou lat vide)", "compléter lon et lat"),
        (swapped, "aux lon et lat inversées", "lon est la longitude (est-ouest), lat la latitude"),
        (metres, "en mètres et non en degrés", "donner lon et lat en degrés (WGS 84)"),
        (elsewhere, f"hors du domaine de {crs}", "vérifier lon et lat (degrés, WGS 84)"),
    )
    return [
        Breach(
            f"{int(bad.sum())} ligne(s) {what} (première : ligne {int(bad.to_numpy().argmax()) + 1}"
            + ("" if bad is missing else f", lon {lon[bad].iloc[0]:g}, lat {lat[bad].iloc[0]:g}")
            + ")",
            str(path),
            todo,
        )
        for bad, what, todo in ways
        if bad.any()
    ]


def _check_kitchens(table: pd.DataFrame, where: str) -> list[Breach]:
    said = table.dropna(subset=["served_by"])
    absent = said[~said["served_by"].isin(table["canteen_id"])]
    itself = said[said["served_by"] == said["canteen_id"]]
    breaches = []
    if len(absent):
        listed = ", ".join(
            f"{row.canteen_id} → {row.served_by}" for row in absent.head(5).itertuples()
        )
        breaches.append(
            Breach(
                f"{len(absent)} cantine(s) livrée(s) par une cuisine absente : {listed}",
                where,
                "ajouter cette cuisine, ou corriger « served_by »",
            )
        )
    if len(itself):
        breaches.append(
            Breach(
                f"{len(itself)} cantine(s) livrée(s) par elle(s)-même(s) "
                f"(première : {itself['canteen_id'].iloc[0]})",
                where,
                "laisser « served_by » vide",
            )
        )
    return breaches

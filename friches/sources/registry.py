"""The national registry of canteens (ma cantine) as it is exported: it has no coordinates."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from friches.errors import refuse
from friches.sources.columns import numbers, pick
from friches.sources.exports import Export, label, siret, texts
from friches.sources.gazetteer import commune_points, outline_points, siret_points
from friches.sources.schools import schools
from friches.sources.stack import grown
from friches.sources.vector import open_vector
from friches.sources.words import book, fold

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from friches.sources.listings import Listing

    Bounds = tuple[float, float, float, float]

KINDS = ("central", "central_serving", "site", "site_cooked_elsewhere")
BESIDE = ("schools", "headcounts", "sirets", "communes", "declarations")
"""Exports that say something of the registry's canteens, and are no list of canteens."""


class Beside(NamedTuple):
    """Positions (WGS 84) by precision then key, publics by SIRET, organic shares by canteen."""

    points: dict[str, pd.Series[Any]]
    audience: pd.Series[Any]
    organic: pd.Series[Any]


def canteens_of(listed: Listing, crs: str, bounds: Bounds | None) -> gpd.GeoDataFrame:
    """Return the canteens of the registry, placed by what was given beside it.

    Parameters
    ----------
    listed : Listing
        Registry files and what lies beside them: directory of schools, headcounts, geocoded
        SIRET, communes, declarations.
    crs, bounds
        The study's CRS and extent (m); canteens farther than `registry.toml` says are left out.

    Returns
    -------
    GeoDataFrame
        Table "canteens" with `located_by`: siret, school or commune. A site cooked elsewhere
        names its kitchen in `served_by` when the kitchen is in the files, so that `demand` counts
        each meal once. `attrs`: what was left out and why, in French.

    Raises
    ------
    InputError
        No file gives positions; figures that are no numbers; no canteen left.
    """
    said = listed.official
    strange = {one.kind for one in said.values()} - {"registry", *BESIDE}
    files = [path for path, one in said.items() if one.kind == "registry"]
    if strange or not files:
        kinds = sorted(strange or {one.kind for one in said.values()})
        raise refuse(
            f"aucune liste de cantines : {', '.join(label(k) for k in kinds)}",
            ", ".join(map(str, said)),
            "donner le registre national des cantines, ou une table de cantines",
        )
    where = ", ".join(map(str, files))
    rows = pd.concat([_said(said[path].rows, path) for path in files], ignore_index=True)
    rows = rows.drop_duplicates(ignore_index=True)
    given = _beside(said, listed.outlines, crs)
    if not given.points:
        raise refuse(
            "le registre des cantines n'a pas de coordonnées",
            where,
            "donner à côté, dans « canteens », l'annuaire de l'éducation, un fichier de SIRET "
            "géocodés ou les centres des communes",
        )
    points, located = _places(rows, given)
    rows["located_by"] = located
    taught = rows["siret"].map(given.audience).astype("str")
    rows["audience"] = rows["audience"].fillna(taught)
    rows["organic_share"] = rows["canteen_id"].map(given.organic).astype("float64")
    rows["served_by"] = _kitchens(rows)
    shapes = gpd.GeoSeries(points, index=rows.index, crs="EPSG:4326").to_crs(crs)
    placed = gpd.GeoDataFrame(rows, geometry=shapes, crs=crs)
    return _kept(placed, bounds, where)


def _said(rows: pd.DataFrame, path: Path) -> pd.DataFrame:
    words = book("registry")
    optional = {k: v for k, v in words["optional"].items() if isinstance(v, list)}
    said = pick(rows, words["columns"], path, optional)
    daily, yearly = (
        numbers(said[c], path, f"{c}_meal_count").where(lambda v: v > 0)
        for c in ("daily", "yearly")
    )
    rule = words["days"]
    days = yearly / daily
    sane = days.between(rule["least"], rule["most"])
    kind = texts(said["kind"]).str.lower()
    only_yearly = daily.isna() & yearly.notna()
    return pd.DataFrame(
        {
            "canteen_id": texts(said["canteen_id"]),
            "name": texts(said["name"]),
            # A total given for the year alone is kept exactly, whatever the days.
            "meals_per_day": daily.fillna(yearly / rule["default"]),
            "days_per_year": days.where(sane).mask(only_yearly, rule["default"]),
            "odd_days": days.notna() & ~sane,
            "local_share": np.nan,
            "audience": said["sectors"].map(_audience).astype("str"),
            "kind": kind.where(kind.isin(KINDS)),
            "siret": siret(said["siret"]),
            "kitchen_siret": siret(said["kitchen_siret"]),
            "commune": texts(said["commune"]).str.zfill(5),
        }
    )


def _audience(sectors: Any) -> str | None:
    """Return the one public that all the sectors have, or None."""
    text = " ; ".join(_words(sectors))
    found = {
        rule["value"]
        for rule in book("registry")["audience"]
        for part in text.split(" ; ")
        if re.search(rule["pattern"], part)
    }
    return found.pop() if len(found) == 1 else None


def _words(sectors: Any) -> Iterator[str]:
    """Yield the sectors of either edition: a list, objects with a name, or one text."""
    if isinstance(sectors, dict):
        yield fold(str(sectors.get("name", "")))
    elif isinstance(sectors, (list, tuple, np.ndarray)):
        for one in sectors:
            yield from _words(one)
    elif isinstance(sectors, str):
        yield fold(sectors)


def _beside(said: Mapping[Path, Export], outlines: Sequence[Path], crs: str) -> Beside:
    points: dict[str, list[pd.Series[Any]]] = {}
    audience = organic = pd.Series(dtype="object")
    directory = {p: e for p, e in said.items() if e.kind in ("schools", "headcounts")}
    if any(one.kind == "schools" for one in directory.values()):
        known = schools(directory, "EPSG:4326").dropna(subset=["siret"]).drop_duplicates("siret")
        known = known.set_index("siret")
        audience = known["audience"].dropna()
        points["school"] = [known.geometry[known.geometry.notna()]]
    for path, one in said.items():
        if one.kind == "sirets":
            points.setdefault("siret", []).append(siret_points(one, path))
        elif one.kind == "communes":
            points.setdefault("commune", []).append(commune_points(one, path))
        elif one.kind == "declarations":
            organic = _organic(one.rows, path)
    for path in outlines:
        layer = open_vector(path, crs, name="communes")
        points.setdefault("commune", []).append(outline_points(layer, path))
    return Beside({k: _first(parts) for k, parts in points.items()}, audience, organic)


def _first(parts: list[pd.Series[Any]]) -> pd.Series[Any]:
    whole = pd.concat([pd.Series(np.asarray(p, dtype=object), index=p.index) for p in parts])
    return whole[~whole.index.duplicated()]


def _organic(rows: pd.DataFrame, path: Path) -> pd.Series[Any]:
    """Return the organic share (0 to 1, by value) of each canteen's last declaration."""
    said = pick(
        rows,
        {"canteen_id": ["canteen_id"], "share": ["teledeclaration_ratio_bio"]},
        path,
        {"year": ["year"]},
    )
    table = pd.DataFrame(
        {
            "canteen_id": texts(said["canteen_id"]),
            "share": numbers(said["share"], path, "teledeclaration_ratio_bio"),
            "year": numbers(said["year"], path, "year").fillna(0),
        }
    )
    known = table[table["share"].between(0, 1)].sort_values("year", kind="stable")
    return known.drop_duplicates("canteen_id", keep="last").set_index("canteen_id")["share"]


def _places(rows: pd.DataFrame, given: Beside) -> tuple[Any, pd.Series[str]]:
    found = pd.Series(index=rows.index, dtype="object")
    located = pd.Series(index=rows.index, dtype="str")
    # The most precise first: the establishment, then its school, then its commune.
    for precision, name in (("siret", "siret"), ("school", "siret"), ("commune", "commune")):
        if precision not in given.points:
            continue
        here = rows[name].map(given.points[precision])
        fresh = found.isna() & here.notna()
        found = found.mask(fresh, here)
        located = located.mask(fresh, precision)
    return [None if pd.isna(p) else p for p in found], located


def _kitchens(rows: pd.DataFrame) -> pd.Series[str]:
    """Return the kitchen of each site cooked elsewhere, when it is in the registry given."""
    cooks = rows["kind"].isin(["central", "central_serving"]) & rows["siret"].notna()
    kitchens = rows[cooks].sort_values("canteen_id").drop_duplicates("siret")
    by = rows["kitchen_siret"].map(kitchens.set_index("siret")["canteen_id"]).astype("str")
    served = (rows["kind"] == "site_cooked_elsewhere") & (by != rows["canteen_id"])
    return by.where(served)


def _kept(table: gpd.GeoDataFrame, bounds: Bounds | None, where: str) -> gpd.GeoDataFrame:
    unplaced = table.geometry.isna()
    near = ~unplaced
    if bounds is not None:
        box = shapely.box(*(grown(bounds, book("registry")["far"]["metres"]) or bounds))
        near &= table.geometry.intersects(box)
    unfed = near & table["meals_per_day"].isna()
    kept = table[near & ~unfed]
    if kept.empty:
        raise refuse(
            f"aucune des {len(table)} cantines du registre n'a de repas et de position près du "
            "territoire",
            where,
            "compléter les positions (SIRET géocodés, annuaire, communes) ou retirer cette source",
        )
    kept = _with_kitchens_kept(kept.reset_index(drop=True))
    told = {
        "cantines sans position": int(unplaced.sum()),
        "cantines sans nombre de repas": int(unfed.sum()),
        "jours de service incohérents": int(kept["odd_days"].sum()),
        "cuisine livrante hors du registre donné": int(
            (
                (kept["kind"] == "site_cooked_elsewhere")
                & kept["kitchen_siret"].notna()
                & kept["served_by"].isna()
            ).sum()
        ),
    }
    kept = kept.drop(columns=["odd_days", "siret", "kitchen_siret", "commune"])
    kept.attrs = told
    return kept


def _with_kitchens_kept(table: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the table with no `served_by` that names a kitchen left out (far, or no meals)."""
    known = table["served_by"].isin(table["canteen_id"])
    return table.assign(served_by=table["served_by"].where(known))

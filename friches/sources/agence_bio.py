"""Organic farms: the Agence Bio's operators, in both shapes that its services answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd

from friches.errors import refuse
from friches.sources.columns import clean
from friches.sources.exports import siret
from friches.sources.gazetteer import points_at
from friches.sources.words import fold

if TYPE_CHECKING:
    from pathlib import Path

ENGAGED = "ENGAGEE"
"""State of a running certificate (one real answer: VERIFIED; the other states are not listed)."""


def operators(rows: pd.DataFrame, path: Path, crs: str) -> gpd.GeoDataFrame:
    """Return the farms among operators of the Agence Bio.

    Parameters
    ----------
    rows : DataFrame
        One row an operator, as `exports.export` gives it: raisonsociale or nom, siret, numerobio,
        productions, activites, certificats, adressesoperateurs (position in `location.lon, lat`
        or flat `long, lat`).
    path : Path
        The file to name in messages.
    crs : str
        CRS of the answer.

    Returns
    -------
    GeoDataFrame
        Table "farmers" with `located_by` "address": operators whose activity « Production » is
        active, at their first active address with a position; wants_ha, installed_on and kind are
        not known to the Agence Bio. `attrs`: how many were left out, and why.

    Raises
    ------
    InputError
        No farm with a position in the file.
    """
    wanted = ("raisonsociale", "denominationcourante", "nom", "siret", "numerobio", "id",
              "productions", "activites", "certificats", "adressesoperateurs")  # fmt: skip
    said = rows.reindex(columns=list(wanted)).astype("object")
    farms = said[said["activites"].map(_farms).astype(bool)]
    places = farms["adressesoperateurs"].map(_place)
    lon = places.map(lambda p: p[0]).astype("float64")
    lat = places.map(lambda p: p[1]).astype("float64")
    number = farms["numerobio"].fillna(farms["id"]).map(_text, na_action="ignore")
    table = pd.DataFrame(
        {
            "farmer_id": siret(farms["siret"]).fillna("bio-" + number.astype("str")),
            "name": _names(farms),
            "organic": farms["certificats"].map(_organic).astype("boolean"),
            "productions": farms["productions"].map(_productions).astype("str"),
            "wants_ha": pd.Series(index=farms.index, dtype="float64"),
            "installed_on": pd.Series(pd.NaT, index=farms.index, dtype="datetime64[ns]"),
            "kind": pd.Series(index=farms.index, dtype="str"),
            "located_by": "address",
        }
    )
    points = points_at(lon, lat, path)
    placed = (points.notna() & table["farmer_id"].notna()).to_numpy()
    if not placed.any():
        raise refuse(
            f"aucune ferme en activité avec une adresse localisée, sur {len(said)} opérateur(s)",
            path,
            "demander l'activité « Production » à l'annuaire, ou retirer cette source",
        )
    table = gpd.GeoDataFrame(table, geometry=points.to_crs(crs), crs=crs)[placed]
    table = table.drop_duplicates("farmer_id").reset_index(drop=True)
    table.attrs = {
        "opérateurs sans production en activité": len(said) - len(farms),
        "fermes sans adresse localisée": int((~placed).sum()),
    }
    return table


def _farms(activities: Any) -> bool:
    """Tell whether one of the activities is an active production (no state: taken as active)."""
    return any(
        fold(one.get("nom")) == "production" and one.get("active", True) is not False
        for one in _objects(activities)
    )


def _place(addresses: Any) -> tuple[float, float]:
    """Return lon and lat of the first active address that has them, NaN otherwise."""
    for one in _objects(addresses):
        if one.get("active", True) is False:
            continue
        nested = one.get("location")
        at = nested if isinstance(nested, dict) else one
        lon, lat = (_number(at.get(a, at.get(b))) for a, b in (("lon", "long"), ("lat", "lat")))
        if lon == lon and lat == lat and (lon, lat) != (0.0, 0.0):  # noqa: PLR0124
            return lon, lat
    return float("nan"), float("nan")


def _number(value: Any) -> float:
    try:
        return float(str(value).replace(",", "."))
    except ValueError:
        return float("nan")


def _organic(certificates: Any) -> bool | None:
    states = [str(one.get("etatCertification", "")).upper() for one in _objects(certificates)]
    return any(state == ENGAGED for state in states) if any(states) else None


def _productions(said: Any) -> str | None:
    names = [str(clean(str(one.get("nom") or "")) or "").lower() for one in _objects(said)]
    # A name may hold « ; », which separates them in the table.
    return ";".join(dict.fromkeys(n.replace(";", ",") for n in names if n)) or None


def _names(farms: pd.DataFrame) -> pd.Series[str]:
    name = pd.Series(index=farms.index, dtype="str")
    for column in ("denominationcourante", "raisonsociale", "nom"):
        said = farms[column].map(lambda v: clean(str(v)), na_action="ignore").astype("str")
        name = name.fillna(said)
    return name.fillna("ferme sans nom")


def _text(value: Any) -> str:
    return str(value).removesuffix(".0")


def _objects(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []

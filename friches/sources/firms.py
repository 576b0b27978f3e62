"""Farms among firms, by activity code (NAF 01), as the search of firms answers them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd

from friches.errors import refuse
from friches.sources.columns import clean
from friches.sources.exports import siret
from friches.sources.gazetteer import points_at
from friches.sources.words import book

if TYPE_CHECKING:
    from pathlib import Path


def farms(rows: pd.DataFrame, path: Path, crs: str) -> gpd.GeoDataFrame:
    """Return the farms among firms (recherche-entreprises.api.gouv.fr).

    Parameters
    ----------
    rows : DataFrame
        One row a firm, as `exports.export` gives it: siren, nom_complet, nature_juridique,
        siege, matching_etablissements, complements.
    path : Path
        The file to name in messages.
    crs : str
        CRS of the answer.

    Returns
    -------
    GeoDataFrame
        Table "farmers" with `located_by` "siret", one row an establishment that is open, of an
        activity that grows or rears (firms.toml), and placed. A natural person is not named: the
        activity is given instead. `attrs`: how many establishments were left out.

    Raises
    ------
    InputError
        No such establishment in the file.
    """
    found, seen = [], 0
    for firm in rows.to_dict("records"):
        for one in _establishments(firm):
            seen += 1
            row = _farm({str(k): v for k, v in firm.items()}, one)
            if row is not None:
                found.append(row)
    if not found:
        raise refuse(
            f"aucune exploitation agricole ouverte et localisée, sur {seen} établissement(s)",
            path,
            "demander la section d'activité A, ou retirer cette source",
        )
    table = pd.DataFrame(found).drop_duplicates("farmer_id", ignore_index=True)
    points = points_at(table.pop("lon"), table.pop("lat"), path)
    table = table.astype({"organic": "boolean", "productions": "str", "name": "str"})
    table["wants_ha"] = pd.Series(index=table.index, dtype="float64")
    table["installed_on"] = pd.Series(pd.NaT, index=table.index, dtype="datetime64[ns]")
    table["kind"] = pd.Series(index=table.index, dtype="str")
    out = gpd.GeoDataFrame(table, geometry=points.to_crs(crs), crs=crs)
    out = out[out.geometry.notna()].reset_index(drop=True)
    out.attrs = {"établissements fermés, d'une autre activité ou sans position": seen - len(out)}
    return out


def _establishments(firm: dict[Any, Any]) -> list[dict[str, Any]]:
    """Return the establishments that matched, else the head office."""
    matched = firm.get("matching_etablissements")
    if isinstance(matched, list) and matched:
        return [one for one in matched if isinstance(one, dict)]
    head = firm.get("siege")
    return [head] if isinstance(head, dict) else []


def _farm(firm: dict[str, Any], one: dict[str, Any]) -> dict[str, Any] | None:
    words = book("firms")
    code = str(one.get("activite_principale") or firm.get("activite_principale") or "")
    name = siret(pd.Series([one.get("siret")], dtype="object")).iloc[0]
    lon, lat = one.get("longitude"), one.get("latitude")
    closed = str(one.get("etat_administratif", "A")).upper() != "A"
    placed = lon not in (None, "") and lat not in (None, "")
    if closed or not placed or pd.isna(name) or not re.match(words["farming"], code):
        return None
    more = firm.get("complements")
    organic = more.get("est_bio") if isinstance(more, dict) else None
    return {
        "farmer_id": name,
        "name": _name(firm, one, code),
        "organic": organic if isinstance(organic, bool) else None,
        "productions": ";".join(words["productions"].get(_class(code), [])) or None,
        "located_by": "siret",
        "lon": str(lon),
        "lat": str(lat),
    }


def _class(code: str) -> str:
    """Return "01.13" for "01.13Z" or "0113Z"."""
    digits = re.sub(r"\D", "", code)
    return f"{digits[:2]}.{digits[2:4]}"


def _name(firm: dict[str, Any], one: dict[str, Any], code: str) -> str:
    signs = one.get("liste_enseignes")
    sign = clean(str(signs[0])) if isinstance(signs, list) and signs else None
    person = str(firm.get("nature_juridique", "")) in book("firms")["natural_persons"]
    name = None if person else clean(str(firm.get("nom_complet") or ""))
    town = clean(str(one.get("libelle_commune") or "")) or ""
    plain = f"exploitation individuelle ({_class(code)}){', ' + town if town else ''}"
    return str(sign or name or plain)

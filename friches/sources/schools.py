"""Schools: the national directory, with the headcounts of the yearly survey when given beside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd

from friches.errors import Breach, InputError, refuse
from friches.sources.columns import answers, numbers, pick
from friches.sources.exports import Export, export, siret, texts
from friches.sources.gazetteer import points_at

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

UAI = r"\d{7}[A-Z]"
COLUMNS = {
    "uai": ["identifiant_de_l_etablissement", "numero_uai"],
    "name": ["nom_etablissement", "appellation_officielle"],
}
OPTIONAL = {
    "siret": ["siren_siret", "siret"],
    "commune": ["code_commune"],
    "department": ["code_departement"],
    "type": ["type_etablissement"],
    "nursery": ["ecole_maternelle"],
    "primary": ["ecole_elementaire"],
    "canteen": ["restauration"],
    "pupils": ["nombre_d_eleves"],
    "state": ["etat"],
    "lon": ["longitude"],
    "lat": ["latitude"],
}
LEVELS = {"Collège": "adolescents", "Lycée": "adolescents", "EREA": "adolescents"}


def read_schools(paths: Sequence[Path], crs: str) -> gpd.GeoDataFrame:
    """Read schools as the ministry exports them.

    Parameters
    ----------
    paths : sequence of Path
        One directory or more (annuaire de l'éducation, `;` or `,`, any edition) and, beside, the
        headcounts by school (effectifs): the last year of each school is taken.
    crs : str
        CRS of the answer.

    Returns
    -------
    GeoDataFrame
        One row a school, by uai: uai, name, siret (missing where a spreadsheet rounded it),
        commune (INSEE), department ("35", "2A", "971"), audience, canteen (boolean), pupils
        (float64), geometry (None where the directory has no position).

    Raises
    ------
    InputError
        No directory, or identifiers that are no school's, all files at once.
    """
    said = {path: export(path) for path in paths}
    return schools({p: e for p, e in said.items() if e.kind in ("schools", "headcounts")}, crs)


def schools(said: Mapping[Path, Export], crs: str) -> gpd.GeoDataFrame:
    """Return the table of `read_schools` from exports already opened."""
    parts: list[pd.DataFrame] = []
    breaches: list[Breach] = []
    for path, found in said.items():
        if found.kind != "schools":
            continue
        try:
            parts.append(_directory(found.rows, path))
        except InputError as error:
            breaches += error.breaches
    if breaches:
        raise InputError(breaches)
    if not parts:
        raise refuse("aucun annuaire d'établissements", "écoles", "en donner un")
    table = pd.concat(parts, ignore_index=True).drop_duplicates("uai")
    for path, found in said.items():
        if found.kind == "headcounts":
            counted = table["uai"].map(_headcounts(found.rows, path))
            table["pupils"] = counted.fillna(table["pupils"])
    table = table.sort_values("uai", ignore_index=True)
    shapes = gpd.GeoSeries(table.pop("geometry"), crs="EPSG:4326").to_crs(crs)
    return gpd.GeoDataFrame(table, geometry=shapes, crs=crs)


def _directory(rows: pd.DataFrame, path: Path) -> pd.DataFrame:
    said = pick(rows, COLUMNS, path, OPTIONAL)
    name = texts(said["uai"])
    odd = ~name.str.fullmatch(UAI).fillna(value=False).astype(bool)
    if odd.any():
        row = int(odd.to_numpy().argmax())
        raise InputError(
            [
                Breach(
                    f"{int(odd.sum())} identifiant(s) d'établissement illisible(s) "
                    f"(premier : « {name.iloc[row]} », ligne {row + 1})",
                    str(path),
                    "attendu : sept chiffres et une lettre (0350122T)",
                )
            ]
        )
    table = pd.DataFrame(
        {
            "uai": name,
            "name": texts(said["name"]),
            "siret": siret(said["siret"]),
            "commune": texts(said["commune"]).str.zfill(5),
            "department": texts(said["department"]).map(_department, na_action="ignore"),
            "audience": _audience(said, path),
            "canteen": answers(said["canteen"], path, "restauration"),
            "pupils": numbers(said["pupils"], path, "nombre_d_eleves"),
            "geometry": points_at(said["lon"], said["lat"], path),
        }
    )
    closed = texts(said["state"]).str.upper().str.startswith("FERM").fillna(value=False)
    return table[~closed.astype(bool)]


def _department(code: str) -> str:
    """Return "35" for "035" and "01" for "1"; overseas codes keep their three figures."""
    return code[1:] if len(code) == 3 and code.startswith("0") else code.zfill(2)


def _audience(said: pd.DataFrame, path: Path) -> pd.Series[str]:
    level = texts(said["type"]).map(LEVELS).astype("str")
    nursery, primary = (answers(said[c], path, c) for c in ("nursery", "primary"))
    level = level.mask(primary.fillna(value=False).astype(bool), "elementaire")
    alone = nursery.fillna(value=False) & ~primary.fillna(value=True)
    return level.mask(alone.astype(bool), "maternelle")


def _headcounts(rows: pd.DataFrame, path: Path) -> pd.Series[Any]:
    said = pick(
        rows,
        {
            "uai": ["numero_de_l_ecole", "numero_ecole"],
            "pupils": ["nombre_total_d_eleves", "nombre_total_eleves"],
        },
        path,
        {"year": ["rentree_scolaire"]},
    )
    table = pd.DataFrame(
        {
            "uai": texts(said["uai"]),
            "pupils": numbers(said["pupils"], path, "nombre total d'élèves"),
            "year": numbers(said["year"], path, "rentrée scolaire").fillna(0),
        }
    )
    last = table.sort_values("year", kind="stable").drop_duplicates("uai", keep="last")
    return last.set_index("uai")["pupils"]

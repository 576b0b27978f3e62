"""The files given for canteens or farms, sorted: exports, outlines, tables written by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import geopandas as gpd
import pandas as pd
import pyogrio
import shapely
from pyogrio.errors import DataSourceError

from friches.errors import Breach, InputError, refuse
from friches.sources.agence_bio import operators
from friches.sources.container import unpacked
from friches.sources.exports import Export, export, label
from friches.sources.firms import farms
from friches.sources.stack import grown
from friches.sources.words import book

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    Bounds = tuple[float, float, float, float]

_FARMS = {"agence_bio": operators, "firms": farms}


class Listing(NamedTuple):
    """Files of one list: the official ones opened, layers of communes, the others, breaches."""

    paths: Sequence[Path]
    official: Mapping[Path, Export]
    outlines: Sequence[Path]
    plain: Sequence[Path]
    breaches: Sequence[Breach]


def listing(paths: Sequence[Path]) -> Listing:
    """Sort files by what they hold; a file that cannot be opened is left to its reader."""
    official: dict[Path, Export] = {}
    plain: list[Path] = []
    breaches: list[Breach] = []
    for path in paths:
        try:
            said = export(path)
        except InputError as error:
            breaches += error.breaches
            continue
        if said.kind:
            official[path] = said
        else:
            plain.append(path)
    placed = any(said.kind == "registry" for said in official.values())
    outlines = [path for path in plain if placed and _is_outline(path)]
    return Listing(
        paths, official, outlines, [p for p in plain if p not in outlines], tuple(breaches)
    )


def _is_outline(path: Path) -> bool:
    """Tell a layer of communes (a code and a name, no canteen) by its columns."""
    try:
        with unpacked(path) as (plain, form):
            if form == "text":
                return False
            fields = {str(f).lower() for f in pyogrio.read_info(plain)["fields"]}
    except (InputError, DataSourceError, UnicodeDecodeError):
        return False
    code = fields & {"code", "code_insee", "insee_com"}
    return bool(code and fields & {"nom", "nom_officiel"} and "canteen_id" not in fields)


def farmers_of(listed: Listing, crs: str, bounds: Bounds | None) -> gpd.GeoDataFrame:
    """Return the farms of official answers, each SIRET once, the Agence Bio's word first.

    Raises
    ------
    InputError
        An export that lists no farms; answers without any farm.
    """
    strange = {p: e.kind for p, e in listed.official.items() if e.kind not in _FARMS}
    if strange:
        raise InputError(
            Breach(
                f"ce fichier n'est pas une liste de fermes : {label(kind)}",
                str(path),
                "donner l'annuaire de l'Agence Bio, une recherche d'entreprises ou une table",
            )
            for path, kind in strange.items()
        )
    parts = [
        _FARMS[said.kind](said.rows, path, crs)
        for path, said in sorted(listed.official.items(), key=lambda pair: pair[1].kind)
    ]
    notes: dict[str, int] = {}
    for part in parts:
        for what, many in part.attrs.items():
            notes[what] = notes.get(what, 0) + int(many)
        part.attrs = {}
    whole = gpd.GeoDataFrame(pd.concat(parts, ignore_index=True), crs=crs)
    whole = whole.drop_duplicates("farmer_id", ignore_index=True)
    return _near(whole, bounds, notes, ", ".join(map(str, listed.official)))


def _near(
    table: gpd.GeoDataFrame, bounds: Bounds | None, notes: dict[str, int], where: str
) -> gpd.GeoDataFrame:
    kept = table
    if bounds is not None:
        box = shapely.box(*(grown(bounds, book("registry")["far"]["metres"]) or bounds))
        kept = table[table.geometry.intersects(box)].reset_index(drop=True)
        notes["fermes éloignées du territoire"] = len(table) - len(kept)
    if kept.empty:
        raise refuse(
            f"aucune des {len(table)} fermes n'est près du territoire",
            where,
            "demander le bon département, ou retirer cette source",
        )
    kept.attrs = dict(notes)
    return kept

"""Who may see what: every view draws what `visible` gives, never the result itself.

- public: blocks and owner kinds; no parcel number beside the word « friche », no parcel row at all
  but bare outlines, no price, no owner, no farmer's name (craft.md P3, P8, P9, P11; design §2.9).
- internal (the default): parcels and owner kinds; no owner's name.
- restricted: the same in the common files; names go to separate files marked « restreint ».
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from friches.view import words

if TYPE_CHECKING:
    import geopandas as gpd

    from friches.result import Result

PARCEL_ID = re.compile(r"(?<![0-9A-Za-z])\d[\dAB]\d{3}\d{3}[0-9A-Z]{2}\d{4}(?![0-9A-Za-z])")
BY_PARCEL = ("facts", "evidence", "fallow", "members", "rulings")
FARMERS_OWN = ("wants_ha", "installed_on", "productions")


def is_public(result: Result) -> bool:
    """Return whether the study is drawn for the public."""
    return result.study.study.audience == "public"


def visible(result: Result) -> Result:
    """Return the result cut down to what the study's audience may see.

    The tables keep their columns and order. `blocks` gains `owners_said`, the number of owners in
    words (« au moins 3 »; public: « 1 à 2 » where there may be only one).

    For the public: `facts`, `evidence`, `fallow`, `members` and `rulings` have no row; `parcels`
    keep commune and outline only; farms are « Ferme 1 », « Ferme 2 », … under new ids; parcel
    numbers are taken out of every text. Applying it twice changes nothing more.
    """
    public = is_public(result)
    blocks = result.blocks.copy()
    blocks["owners_said"] = [words.owners(n, public) for n in blocks["n_owners_low"]]
    shown = replace(result, blocks=blocks, owners=_nameless(result.owners))
    return _for_the_public(shown) if public else shown


def _nameless(owners: pd.DataFrame | None) -> pd.DataFrame | None:
    return None if owners is None else owners.drop(columns="name", errors="ignore")


def _for_the_public(result: Result) -> Result:
    blocks = result.blocks.copy()
    few = blocks["n_owners_low"].le(2).fillna(True)
    blocks["n_owners_low"] = blocks["n_owners_low"].mask(few)
    farms = {old: f"F{n:03d}" for n, old in enumerate(sorted(result.farmers["farmer_id"]), 1)}
    reach = result.reach.copy()
    reach["place_id"] = reach["place_id"].where(
        reach["kind"] != "farm", reach["place_id"].map(farms)
    )
    matches = result.matches.copy()
    matches["farmer_id"] = matches["farmer_id"].map(farms)
    matches["why"] = matches["why"].where(matches["farmer_id"].isna(), "ferme proche")
    return replace(
        result,
        **{name: getattr(result, name).iloc[:0] for name in BY_PARCEL},
        owners=None,
        parcels=_bare(result.parcels),
        farmers=_unnamed(result.farmers, farms),
        blocks=_unnumbered(blocks),
        reach=reach,
        matches=_unnumbered(matches),
        routes=_unnumbered(result.routes),
        steps=_unnumbered(result.steps),
    )


def _bare(parcels: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    bare = parcels.copy()
    for column in bare.columns.difference(["commune", "geometry"]):
        bare[column] = bare[column].where(np.zeros(len(bare), dtype=bool))
    return bare


def _unnamed(farmers: gpd.GeoDataFrame, farms: dict[str, str]) -> gpd.GeoDataFrame:
    # A farm's name often is its farmer's; what they look for and since when is theirs to tell.
    bare = farmers.sort_values("farmer_id").copy()
    bare["name"] = [f"Ferme {n}" for n in range(1, len(bare) + 1)]
    bare["farmer_id"] = bare["farmer_id"].map(farms)
    for column in FARMERS_OWN:
        bare[column] = bare[column].where(np.zeros(len(bare), dtype=bool))
    return bare


def _unnumbered(table: Any) -> Any:
    """Take parcel numbers out of every text column."""
    bare = table.copy()
    for column in bare.columns:
        if isinstance(bare[column].dtype, pd.StringDtype):
            bare[column] = bare[column].str.replace(PARCEL_ID, "parcelle", regex=True)
    return bare

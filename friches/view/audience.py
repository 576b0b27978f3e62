"""Who may see what: every view draws what `visible` gives, never the result itself.

- public: blocks and owner kinds; no parcel number beside the word « friche », no parcel row at all
  but bare outlines, no price, no owner, no farmer's name.
- internal (the default): parcels and owner kinds; no owner's name.
- restricted: the same in the common files; names go to separate files marked « restreint ».

Parcels whose removal was asked for (`exclusions.csv`) are in no block; whatever the audience,
nothing of their analysis is shown, and outside the public files they read « retirée à la demande ».
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from friches import privacy
from friches.phrases import Texts, coded
from friches.view import words
from friches.view.lexicon import w

if TYPE_CHECKING:
    import geopandas as gpd

    from friches.result import Result
    from friches.studyfile import Study

WITHDRAWN = words.WITHDRAWN
PARCEL_ID = re.compile(r"(?<![0-9A-Za-z])\d[\dAB]\d{3}\d{3}[0-9A-Z]{2}\d{4}(?![0-9A-Za-z])")
BY_FARM = ("plots", "flows", "neighbours", "prices")
BY_PARCEL = ("facts", "evidence", "fallow", "members", "rulings")
FARMERS_OWN = ("wants_ha", "installed_on", "productions")


def is_public(result: Result) -> bool:
    """Return whether the study is drawn for the public."""
    return result.study.study.audience == "public"


def visible(result: Result) -> Result:
    """Return the result cut down to what the study's audience may see.

    The tables keep their columns and order. `blocks` gains `owners_said`, the number of owners in
    words (« au moins 3 »; public: « 1 à 2 » where there may be only one).

    For the public: `facts`, `evidence`, `fallow`, `members`, `rulings` and what names a farm
    (`plots`, `flows`, `neighbours`, `prices`) have no row; `parcels`
    keep commune and outline only; farms are « Ferme 1 », « Ferme 2 », … under new ids; parcel
    numbers are taken out of every text. Applying it twice changes nothing more.

    `fallow` gains `withdrawn` (boolean) where parcels were withdrawn: their answer, stage, reasons
    and questions are emptied, `against` reads « retirée à la demande », and they have no row left
    in `evidence` and `rulings`.
    """
    public = is_public(result)
    blocks = result.blocks.copy(deep=False)
    blocks["owners_said"] = [words.owners(n, public) for n in blocks["n_owners_low"]]
    shown = _withdrawn(replace(result, blocks=blocks, owners=_nameless(result.owners)))
    return _for_the_public(shown) if public else shown


def destroy_mention(study: Study) -> str:
    """Return « à détruire avant le … » for a restricted study, else "".

    The day and its source stand in privacy.toml.
    """
    if study.study.audience != "restricted":
        return ""
    day = words.day(privacy.destroy_by(study.study.day))
    return str(w.shared.destroy.format(day=day))


def by_owner_kind(result: Result) -> pd.DataFrame:
    """Return the candidate parcels by kind of owner: kind (French), parcels (NA where hidden).

    For the public, kinds with under 11 parcels are hidden, and another one where the total would
    give them away (`privacy.suppressed`). Parcels stand for owners, who are not counted in the
    files read: one owner may hold several, so this protects less than a count of owners would.
    """
    facts = result.facts.loc[
        result.facts["parcel_id"].isin(result.members["parcel_id"]), ["parcel_id", "owner_kind"]
    ]
    kinds = facts.set_index("parcel_id")["owner_kind"].reindex(result.members["parcel_id"])
    said = kinds.map(words.OWNER_KINDS).astype("object").fillna(words.OWNER_KINDS["unknown"])
    counts = said.value_counts().reindex(list(words.OWNER_KINDS.values()), fill_value=0)
    counts = counts[counts > 0].rename("parcels")
    shown = privacy.suppressed(counts) if is_public(result) else counts.astype("Int64")
    table: pd.DataFrame = shown.rename_axis("kind").reset_index()
    return table


def _withdrawn(result: Result) -> Result:
    asked = getattr(result, "exclusions", None)
    if asked is None or asked.empty:
        return result
    gone = set(asked["parcel_id"])
    fallow = result.fallow.copy(deep=False)
    fallow["withdrawn"] = fallow["parcel_id"].isin(gone).astype("boolean")
    for column in ("answer", "stage", "reasons", "to_ask"):
        fallow[column] = fallow[column].mask(fallow["withdrawn"].astype(bool))
    fallow["against"] = fallow["against"].mask(fallow["withdrawn"].astype(bool), WITHDRAWN)
    kept: dict[str, Any] = {}
    for name in ("evidence", "rulings"):
        shown = ~getattr(result, name)["parcel_id"].isin(gone)
        if not shown.all():  # these tables are the largest: no copy for nothing
            kept[name] = getattr(result, name)[shown]
    # Who asked, why and when is nobody else's: only the count goes on.
    bare = asked.iloc[:0] if is_public(result) else asked[["parcel_id"]]
    return replace(result, fallow=fallow, **(kept | {"exclusions": bare}))


def _nameless(owners: pd.DataFrame | None) -> pd.DataFrame | None:
    return None if owners is None else owners.drop(columns="name", errors="ignore")


def _for_the_public(result: Result) -> Result:
    blocks = result.blocks.copy()
    few = blocks["n_owners_low"].le(2).fillna(True)
    blocks["n_owners_low"] = blocks["n_owners_low"].mask(few)
    farms = {old: f"F{n:03d}" for n, old in enumerate(sorted(result.farmers["farmer_id"]), 1)}
    reach = result.reach.copy()
    place = reach["place_id"].astype("str")
    place = place.where(reach["kind"] != "farm", place.map(farms))
    reach["place_id"] = place.astype("category")
    matches = result.matches.copy()
    matches["farmer_id"] = matches["farmer_id"].astype("str").map(farms)
    matches["why"] = (
        matches["why"].astype("str").where(matches["farmer_id"].isna(), w.shared.nearby_farm)
    )
    of_farms: dict[str, Any] = {name: _none_of(getattr(result, name)) for name in BY_FARM}
    return replace(
        result,
        **{name: getattr(result, name).iloc[:0] for name in BY_PARCEL},
        **of_farms,
        owners=None,
        parcels=_bare(result.parcels),
        farmers=_unnamed(result.farmers, farms),
        blocks=_unnumbered(blocks),
        reach=reach,
        matches=_unnumbered(matches),
        routes=_unnumbered(result.routes),
        steps=_unnumbered(result.steps),
    )


def _none_of(table: pd.DataFrame | None) -> pd.DataFrame | None:
    return None if table is None else table.iloc[:0]


def _bare(parcels: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    bare = parcels.copy()
    for column in bare.columns.difference(["commune", "geometry"]):
        bare[column] = bare[column].where(np.zeros(len(bare), dtype=bool))
    return bare


def _unnamed(farmers: gpd.GeoDataFrame, farms: dict[str, str]) -> gpd.GeoDataFrame:
    # A farm's name often is its farmer's; what they look for and since when is theirs to tell.
    bare = farmers.sort_values("farmer_id").copy()
    bare["name"] = [w.shared.public_farm.format(n=n) for n in range(1, len(bare) + 1)]
    bare["farmer_id"] = bare["farmer_id"].map(farms)
    for column in FARMERS_OWN:
        bare[column] = bare[column].where(np.zeros(len(bare), dtype=bool))
    return bare


def _unnumbered(table: Any) -> Any:
    """Take parcel numbers out of every text column, each text once."""
    bare = table.copy()
    for column in bare.columns:
        said = bare[column]
        if isinstance(said.dtype, pd.StringDtype):
            bare[column] = said.str.replace(PARCEL_ID, w.shared.public_parcel, regex=True)
        elif isinstance(said.dtype, pd.CategoricalDtype):
            texts = pd.Series(said.cat.categories, dtype="str")
            texts = texts.str.replace(PARCEL_ID, w.shared.public_parcel, regex=True)
            codes = said.cat.codes.to_numpy(dtype=np.int32)
            bare[column] = coded(Texts(codes, list(texts)))  # words made equal become one
    return bare

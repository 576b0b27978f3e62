"""Forest and heath: BD Forêt version 2 (TFV codes), or the vegetation of BD TOPO."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import pandas as pd

from friches.sources.stack import Bounds, some_known, stack
from friches.sources.vector import pick
from friches.sources.words import book, fold

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def read_forest(paths: Sequence[Path], crs: str, bounds: Bounds | None) -> gpd.GeoDataFrame:
    """Read vegetation formations with the stand that rules ask about.

    Parameters
    ----------
    paths : sequence of Path
        BD Forêt v2 `formation_vegetale` (CODE_TFV) or BD TOPO `zone_de_vegetation` (nature).
    crs, bounds
        The study's CRS and extent (m).

    Returns
    -------
    GeoDataFrame
        Table "forest"; a code that forest.toml lacks gives stand "unknown".

    Raises
    ------
    InputError
        Unreadable file, another territory, no known column, no known code at all.
    """
    return stack(
        *(paths, "forest", crs, bounds, _forest),
        what="formations végétales",
        like=["formation_vegetale", "zone_de_vegetation", "zone_vegetation", "foret"],
    )


def stand_of(code: object) -> str:
    """Return the stand of one TFV code: its longest known beginning, else "unknown"."""
    stands: dict[str, str] = book("forest")["tfv"]["stands"]
    text = str(code).strip().upper() if isinstance(code, str) else ""
    starts = sorted((start for start in stands if text.startswith(start)), key=len)
    return stands[starts[-1]] if starts else "unknown"


def _forest(frame: gpd.GeoDataFrame, path: Path) -> gpd.GeoDataFrame:
    if "code_tfv" in frame.columns or "nature" not in frame.columns:
        code = pick(frame, {"tfv": ["code_tfv", "codetfv", "tfv"]}, path)["tfv"].astype("str")
        stand = code.map(stand_of, na_action="ignore").fillna("unknown").astype("str")
        some_known(stand != "unknown", code, path, "code_tfv")
    else:
        nature = frame["nature"].astype("str")
        known = {fold(row["name"]): row["stand"] for row in book("forest")["nature"]["list"]}
        folded = nature.map(fold).astype("object")
        some_known(folded.isin(list(known)), nature, path, "nature")
        stand = folded.map(lambda word: known.get(word, "unknown")).astype("str")
        code = pd.Series(index=frame.index, dtype="str")
    table = gpd.GeoDataFrame({"tfv": code, "stand": stand}, geometry=frame.geometry, crs=frame.crs)
    return table[(stand != "").to_numpy()]

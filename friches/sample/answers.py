"""What a few fictitious owners answered (answers.csv), so that each way to the land shows once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd

from friches.sample.people import owned
from friches.spatial.blocks import group

if TYPE_CHECKING:
    from pathlib import Path

    from friches.sample.layers import Shapes

GAP_M = 6.0
"""Parcels nearer than this are asked about together (m), as blocks are formed."""
SOURCE = "réponse fictive"
DAY = "2026-08-15"
ANSWERS: tuple[dict[str, str], ...] = (
    {"owner_known": "oui", "owner_agrees_to_lend": "non", "owner_agrees_to_sell": "oui"},
    {"owner_known": "oui", "owner_agrees_to_lend": "non", "owner_agrees_to_sell": "non"},
    {"owner_known": "non", "property_tax_unpaid_years": "5"},
    {"owner_known": "oui", "owner_agrees_to_lend": "oui", "owner_agrees_to_sell": "non"},
)
"""One set of answers for each of the largest groups of fallow parcels of natural persons."""


def write_answers(
    folder: Path, geometry: Shapes, table: pd.DataFrame, known: pd.DataFrame, seed: int
) -> Path:
    """Write `answers.csv`: subject, fact, value, source, date, one row an answer.

    The groups asked are the largest of touching fallow parcels that belong to natural persons; the
    whole neighbourhood within the gap answers alike, so that a block found there is settled.
    """
    alone = owned(table, seed) == ""
    land = gpd.GeoDataFrame(
        {"parcel_id": known["parcel_id"].to_numpy()}, geometry=geometry, crs="EPSG:2154"
    )
    fallow = land[table["fallow"].to_numpy(bool) & alone]
    rows = []
    if len(fallow):
        labels = group(fallow, GAP_M)
        areas = fallow.geometry.area.groupby(labels.reindex(fallow["parcel_id"]).to_numpy()).sum()
        largest = areas.sort_values(ascending=False, kind="stable").index[: len(ANSWERS)]
        for label, said in zip(largest, ANSWERS, strict=False):
            heart = fallow[labels.reindex(fallow["parcel_id"]).to_numpy() == label]
            near = land[alone & land.dwithin(heart.union_all(), GAP_M).to_numpy()]
            rows += [
                (parcel, fact, value, SOURCE, DAY)
                for parcel in np.sort(near["parcel_id"].to_numpy(dtype=object))
                for fact, value in said.items()
            ]
    path = folder / "answers.csv"
    told = pd.DataFrame(rows, columns=["subject", "fact", "value", "source", "date"])
    told.drop_duplicates(["subject", "fact"]).to_csv(
        path, index=False, lineterminator="\n", encoding="utf-8"
    )
    return path

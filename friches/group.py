"""Touching candidates become blocks (ilots): area is judged on the block, never on a parcel."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd

from friches import tables
from friches.measures.declared import crop_labels
from friches.spatial.blocks import group, outlines

if TYPE_CHECKING:
    from collections.abc import Collection


@cache
def limits() -> dict[str, dict[str, Any]]:
    """Return the gap, the smallest block and the doubt allowed, each sourced (group.toml)."""
    text = (resources.files("friches") / "group.toml").read_text("utf-8")
    return tomllib.loads(text)


def candidates(fallow: pd.DataFrame, evidence: pd.DataFrame) -> pd.DataFrame:
    """Return the parcels worth a block: answered yes, or unknown but supported and mostly known.

    Returns a DataFrame indexed by parcel_id with the column answer (yes or missing).
    """
    yes_for = (evidence["role"] == "supports") & evidence["answer"].fillna(value=False)
    # Evidence has rows by the million: of those that count, the parcels alone, each once.
    supports = evidence.loc[yes_for.astype(bool), "parcel_id"].unique()
    supported = fallow["parcel_id"].isin(supports)
    known = fallow["share_known"] >= limits()["unknown_share_known"]["value"]
    unknown = fallow["answer"].isna() & supported & known
    yes = fallow["answer"].fillna(value=False).astype(bool)
    chosen: pd.DataFrame = fallow.loc[yes | unknown, ["parcel_id", "answer"]]
    return chosen.set_index("parcel_id")


def form_blocks(
    parcels: gpd.GeoDataFrame,
    facts: pd.DataFrame,
    fallow: pd.DataFrame,
    evidence: pd.DataFrame,
    withdrawn: Collection[str] = (),
) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    """Group candidates that touch, or that a track narrower than the stated gap separates.

    Parcels answered yes and parcels still unknown form separate blocks, so that one doubt never
    hides what is shown, nor the other way round.

    Returns
    -------
    blocks : GeoDataFrame
        Table `blocks`, numbered B001, B002... from the most likely.
    members : DataFrame
        Table `members`.
    """
    chosen = candidates(fallow, evidence)
    chosen = chosen[~chosen.index.isin(list(withdrawn))]
    rows = parcels[parcels["parcel_id"].isin(chosen.index)]
    labels = []
    for yes in (True, False):
        same = rows[rows["parcel_id"].map(chosen["answer"].fillna(value=False)) == yes]
        if len(same):
            found = group(same, limits()["gap_m"]["value"])
            labels.append(found.map(lambda label, yes=yes: f"{'Y' if yes else 'U'}{label:06d}"))
    if not labels:
        return tables.empty("blocks", crs=parcels.crs), tables.empty("members")
    label = pd.concat(labels).rename("label")
    members = _described(label, facts, fallow)
    members = members[members.groupby("label")["area_ha"].transform("sum") >= _smallest()]
    if members.empty:
        return tables.empty("blocks", crs=parcels.crs), tables.empty("members")
    return _numbered(members, parcels, label)


def _smallest() -> float:
    return float(limits()["smallest_block_ha"]["value"])


READ = (
    "commune", "area_m2", "area_registered_m2", "last_crop", "last_crop_group", "owner_kind",
    "owner_group", "slope_mean_pct", "altitude_mean_m",
)  # fmt: skip
"""Facts that blocks are told from."""
JUDGED = ("answer", "rank", "stage", "share_known", "to_ask")


def _described(label: pd.Series, facts: pd.DataFrame, fallow: pd.DataFrame) -> pd.DataFrame:
    members = label.rename_axis("parcel_id").reset_index()
    members = members.merge(facts[["parcel_id", *READ]], on="parcel_id")
    members = members.merge(fallow[["parcel_id", *JUDGED]], on="parcel_id")
    # In one order, so that sums and lists are the same whatever that of the parcels given.
    members = members.sort_values("parcel_id", ignore_index=True)
    members["area_measured_ha"] = members["area_m2"] / 10_000
    registered = members["area_registered_m2"].fillna(members["area_m2"])
    members["area_ha"] = registered / 10_000
    members["past_use"] = crop_labels(members["last_crop"], members["last_crop_group"])
    return members


def _numbered(
    members: pd.DataFrame, parcels: gpd.GeoDataFrame, label: pd.Series
) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    summary = _summaries(members)
    summary = summary.sort_values(["unsure", "best", "label"]).reset_index(drop=True)
    summary["rank"] = np.arange(1, len(summary) + 1)
    width = max(3, len(str(len(summary))))
    summary["block_id"] = [f"B{n:0{width}d}" for n in summary["rank"]]
    inside = parcels[parcels["parcel_id"].isin(members["parcel_id"])]
    shapes = outlines(inside, label).set_index("label")["geometry"]
    blocks = gpd.GeoDataFrame(
        summary,
        geometry=gpd.GeoSeries(shapes.reindex(summary["label"]).to_numpy()),
        crs=parcels.crs,
    )
    ids = summary.set_index("label")["block_id"]
    pairs = pd.DataFrame(
        {"parcel_id": members["parcel_id"], "block_id": members["label"].map(ids)}
    ).sort_values("parcel_id", ignore_index=True)
    wanted = [c.name for c in tables.TABLES["blocks"].columns]
    blocks = tables.check(blocks[[*wanted, "geometry"]], "blocks", crs=parcels.crs)
    return blocks, tables.check(pairs, "members")


OWNERS = {
    "public": "personne publique",
    "section": "section de commune",
    "legal": "personne morale privée",
    "natural": "personne physique",
    "unknown": "propriétaire inconnu",
}


def _summaries(members: pd.DataFrame) -> pd.DataFrame:
    by = members.groupby("label", sort=True)
    account = members["owner_kind"] + "/" + members["owner_group"].fillna("")
    owners = members.assign(owner=members["owner_kind"].map(OWNERS), account=account)
    unsure = members["answer"].isna().groupby(members["label"]).any()
    all_yes = members["answer"].fillna(value=False).astype(bool).groupby(members["label"]).all()
    return (
        pd.DataFrame(
            {
                "commune": _commonest(members, "commune"),
                "answer": all_yes.astype("boolean").mask(unsure),
                "unsure": unsure.astype(int),
                "best": by["rank"].min(),
                "area_ha": by["area_ha"].sum(),
                "area_measured_ha": by["area_measured_ha"].sum(),
                "n_parcels": by.size(),
                "n_owners_low": owners.groupby("label")["account"].nunique().clip(lower=1),
                "owner_kinds": _listed(owners.sort_values("owner"), "owner"),
                "stage": _heaviest(members, "stage"),
                "share_known": _weighted(members, "share_known"),
                "slope_mean_pct": _weighted(members, "slope_mean_pct"),
                "altitude_mean_m": _weighted(members, "altitude_mean_m"),
                "past_use": _heaviest(members, "past_use"),
                "to_ask": _listed(members, "to_ask"),
            }
        )
        .rename_axis("label")
        .reset_index()
    )


def _commonest(members: pd.DataFrame, column: str) -> pd.Series:
    counts = members.groupby(["label", column]).size().rename("n").reset_index()
    counts = counts.sort_values(["label", "n", column], ascending=[True, False, True])
    return counts.drop_duplicates("label").set_index("label")[column]


def _listed(members: pd.DataFrame, column: str) -> pd.Series:
    """Return, by block, the items of its members' lists (« a ; b »), each once, as they come."""
    rows = members[["label", column]].dropna().drop_duplicates()
    found: dict[str, dict[str, None]] = {}
    for label, text in zip(rows["label"], rows[column], strict=True):
        found.setdefault(label, {}).update(dict.fromkeys(text.split(" ; ")))
    return pd.Series({label: " ; ".join(items) for label, items in found.items()}, dtype="str")


def _heaviest(members: pd.DataFrame, column: str) -> pd.Series:
    areas = members.dropna(subset=column).groupby(["label", column])["area_m2"].sum().reset_index()
    areas = areas.sort_values(["label", "area_m2", column], ascending=[True, False, True])
    return areas.drop_duplicates("label").set_index("label")[column]


def _weighted(members: pd.DataFrame, column: str) -> pd.Series:
    known = members.dropna(subset=column)
    weighted = (known[column] * known["area_m2"]).groupby(known["label"]).sum()
    return weighted / known.groupby("label")["area_m2"].sum()

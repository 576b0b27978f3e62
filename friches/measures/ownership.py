"""Who owns (by kind, never by name), fiscal class, and last sale of each parcel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from friches.measures.parameters import value

if TYPE_CHECKING:
    import geopandas as gpd

KINDS = ("section", "public", "legal", "unknown")  # the first found names the parcel


def owner_facts(parcels: gpd.GeoDataFrame, owners: pd.DataFrame) -> pd.DataFrame:
    """Return owner_kind, owner_group, owner_known, owner_is_public, owner_is_section, land_class.

    A parcel that the legal persons' file does not name belongs to natural persons (ref. R9,
    VERIFIED-3P), in a commune that the file covers; whether they are known stays a question.
    """
    index = pd.Index(parcels["parcel_id"], name="parcel_id")
    known = owners[owners["parcel_id"].isin(index)].copy()
    known["order"] = known["owner_kind"].map({kind: n for n, kind in enumerate(KINDS)})
    first = known.sort_values(["parcel_id", "order", "owner_group"]).drop_duplicates("parcel_id")
    first = first.set_index("parcel_id").reindex(index)
    covered = pd.Series(index.str[:5], index=index).isin(set(owners["parcel_id"].str[:5]))
    kind = first["owner_kind"].astype("object").where(first["owner_kind"].notna(), "natural")
    kind = kind.where(covered).astype("str")
    facts = pd.DataFrame({"owner_kind": kind, "owner_group": first["owner_group"].astype("str")})
    named = kind.isin(["public", "section", "legal"])
    said = named | (kind == "unknown")
    facts["owner_known"] = named.astype("boolean").where(said)
    settled = named | (kind == "natural")
    facts["owner_is_public"] = kind.isin(["public", "section"]).astype("boolean").where(settled)
    facts["owner_is_section"] = (kind == "section").astype("boolean").where(settled)
    facts["land_class"] = known.groupby("parcel_id")["land_class"].first().reindex(index)
    return facts


def sale_facts(parcels: gpd.GeoDataFrame, sales: pd.DataFrame) -> pd.DataFrame:
    """Return last_sold_on, last_sale_eur_m2 and the fiscal class written at the last sale.

    The price is that of the whole sale, repeated on each of its rows: it is divided by all the
    land of the sale, once.
    """
    index = pd.Index(parcels["parcel_id"], name="parcel_id")
    # The file read may hold a part of the sale only: its whole land stands in its own column.
    by_sale = sales.groupby("sale_id")
    column = "sale_land_m2" if "sale_land_m2" in sales else "land_m2"
    land = by_sale[column].first() if column == "sale_land_m2" else by_sale[column].sum(min_count=1)
    price = by_sale["price_eur"].first() / land.where(land > 0)
    last = sales.sort_values(["sold_on", "sale_id"]).drop_duplicates("parcel_id", keep="last")
    last = last.set_index("parcel_id").reindex(index)
    return pd.DataFrame(
        {
            "last_sold_on": last["sold_on"],
            "last_sale_eur_m2": last["sale_id"].map(price).astype("float64"),
            "land_class_sold": last["land_class"].astype("str"),
        },
        index=index,
    )


def class_facts(facts: pd.DataFrame) -> pd.DataFrame:
    """Return land_class (owners' file first, then sales) and whether it is farm land or wood."""
    nothing = pd.Series(np.nan, index=facts.index, dtype="object")
    owned = facts.get("land_class", nothing).astype("object")
    sold = facts.get("land_class_sold", nothing).astype("object")
    letters = owned.where(owned.notna(), sold)
    said = letters.notna()
    return pd.DataFrame(
        {
            "land_class": letters.astype("str"),
            "land_class_is_farm": letters.isin(value("farm_classes")).astype("boolean").where(said),
            "land_class_is_wood": letters.isin(value("wood_classes")).astype("boolean").where(said),
        },
        index=facts.index,
    )

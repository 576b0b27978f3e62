"""What six (or more, or fewer) campaigns of declared fields say of each parcel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from friches.measures.parameters import value
from friches.measures.whole import said
from friches.sources.declared_fields import crop_codes, crop_groups
from friches.spatial.overlay import Met, by_class, met

if TYPE_CHECKING:
    import geopandas as gpd


def declared_facts(parcels: gpd.GeoDataFrame, fields: gpd.GeoDataFrame) -> pd.DataFrame:
    """Measure the history of declarations of each parcel.

    Parameters
    ----------
    parcels : GeoDataFrame
        Table `parcels`, in metres.
    fields : GeoDataFrame
        Table `declared_fields`: every campaign given, one row a field.

    Returns
    -------
    DataFrame
        Indexed by parcel_id: declared_share_YYYY (0..1, union of that campaign's fields),
        campaigns_known, declared_before, declared_share_latest, soft_share_latest,
        in_use_share_latest, last_crop, last_crop_group, last_declared_in, years_unused_low and
        years_unused_high.

    Notes
    -----
    Years are counted as of the last campaign given. A parcel never declared in what was given has
    no upper end: three vintages without a declaration mean « at least 3 ». Soft codes (declared,
    but not farmed) do not make a parcel farmed.
    """
    campaigns: list[int] = said(fields, "campaigns")
    soft, idle = _soft(fields).to_numpy(), _idle(fields).to_numpy()
    latest = (fields["campaign"] == campaigns[-1]).to_numpy()
    by = ["campaign"]
    asked = [(latest | ~latest, by), (~soft, by), (soft & latest, by), (~idle & latest, by)]
    crops = (~soft, ["campaign", "crop_code", "group_code"])
    *pieces, crop = met(parcels, fields, [*asked, crops])
    shares, farmed, softly, in_use = (by_class(each, parcels, campaigns) for each in pieces)
    facts = shares.add_prefix("declared_share_")
    facts["campaigns_known"] = len(campaigns)
    facts["declared_share_latest"] = shares[campaigns[-1]]
    facts["soft_share_latest"] = softly[campaigns[-1]]
    facts["in_use_share_latest"] = in_use[campaigns[-1]]
    used = farmed >= value("declared_from_share")
    facts["declared_before"] = used.any(axis=1).astype("boolean")
    return facts.join(_years(used)).join(_last_crop(crop, used))


def _soft(fields: gpd.GeoDataFrame) -> pd.Series[bool]:
    codes, groups = crop_codes(), crop_groups()
    by_code = fields["crop_code"].isin(codes.loc[codes["soft"], "crop_code"])
    by_group = fields["group_code"].isin(groups.loc[groups["soft"], "group_code"])
    either = by_code | (by_group & fields["crop_code"].isna())
    soft: pd.Series[bool] = either.fillna(value=False).astype(bool)
    return soft


def _idle(fields: gpd.GeoDataFrame) -> pd.Series[bool]:
    codes = crop_codes()
    idle = fields["crop_code"].isin(codes.loc[codes["idle"], "crop_code"])
    said: pd.Series[bool] = idle.fillna(value=False).astype(bool)
    return said


def _years(used: pd.DataFrame) -> pd.DataFrame:
    years = np.array([int(year) for year in used.columns])
    flags = used.to_numpy(dtype=bool)
    ever = flags.any(axis=1)
    last = np.where(ever, years[flags.shape[1] - 1 - flags[:, ::-1].argmax(axis=1)], 0)
    # Only an unbroken run of campaigns proves disuse: a year that was not given proves nothing.
    run_from = years[-1]
    for year in years[::-1]:
        if year < run_from - 1:
            break
        run_from = year
    low = years[-1] - np.maximum(last, run_from - 1)
    high = np.where(ever, years[-1] - last, np.nan)
    known = pd.Series(last, index=used.index).where(pd.Series(ever, index=used.index))
    return pd.DataFrame(
        {
            "years_unused_low": low.astype("float64"),
            "years_unused_high": high,
            "last_declared_in": known.astype("Int64"),
        },
        index=used.index,
    )


def _last_crop(crop: Met, used: pd.DataFrame) -> pd.DataFrame:
    """Return the largest crop of the last campaign in which each parcel was farmed."""
    campaign = crop.classes["campaign"].to_numpy(np.int64)[crop.code]
    column = used.columns.get_indexer(pd.Index(campaign))
    farmed = used.to_numpy(bool)[crop.parcel, column]
    parcel, code = crop.parcel[farmed], crop.code[farmed]
    # Classes stand by campaign, crop and group: of equal shares the first crop is told.
    order = np.lexsort((code, -crop.share[farmed], -campaign[farmed], parcel))
    parcel, firsts = np.unique(parcel[order], return_index=True)
    last = crop.classes.take(code[order][firsts]).set_index(used.index[parcel])
    last = last.reindex(used.index)
    return pd.DataFrame(
        {
            "last_crop": last["crop_code"].astype("str"),
            "last_crop_group": last["group_code"].astype("Int64"),
        },
        index=used.index,
    )


def crop_labels(codes: pd.Series[str], groups: pd.Series[int]) -> pd.Series[str]:
    """Return French labels of last crops, « group (code) », missing where nothing is known."""
    known = crop_groups().set_index("group_code")["label"]
    label = groups.map(known).astype("str")
    code = codes.astype("str")
    both = label.str.cat(" (" + code + ")")
    return both.where(both.notna(), label.where(label.notna(), code))

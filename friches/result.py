"""What a run found: every table as an attribute, ready for Jupyter and for the views."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd
    from matplotlib.figure import Figure

    from friches.studyfile import Study


@dataclass(frozen=True, repr=False)
class Result:
    """The tables of one run (see `friches.tables.TABLES` for their columns).

    Attributes
    ----------
    study : Study
        The study file the run was made from.
    parcels, canteens, farmers : GeoDataFrame
        Source tables in the study's CRS (canteens and farmers may have no row).
    roads : GeoDataFrame or None
        Road segments, for the plans.
    owners : DataFrame or None
        Legal owners; carries names only when the audience is « restricted ».
    facts, evidence, fallow, blocks, members, reach, meals, matches, rulings, routes, steps
        Result tables.
    supply, demand, plots, flows, balance, shares, limits, neighbours, prices : DataFrame
        What blocks can bear, what kitchens lack, and the allocation between them.
    openings, front : DataFrame
        The plan: which block to open by which route and when; the plans that no other beats.
    missing : DataFrame
        Absent layers: layer, label, settles (French, what the layer would settle).
    provenance : DataFrame
        Layers read: layer, file, sha256, publisher, licence, vintage, attribution.
    exclusions : DataFrame or None
        Parcels withdrawn at somebody's request (exclusions.csv): in no block.
    answers, contradictions : DataFrame or None
        What people answered (answers.csv), already among `facts`, and where that is contrary to
        what was known. Their `source` may name somebody: neither goes into the outputs as it is.
    summary : dict
        The headline figures of summary.json.
    durations : dict
        Seconds by stage; shown in manifest.json alone.
    """

    study: Study
    parcels: gpd.GeoDataFrame
    canteens: gpd.GeoDataFrame
    farmers: gpd.GeoDataFrame
    facts: pd.DataFrame
    evidence: pd.DataFrame
    fallow: pd.DataFrame
    blocks: gpd.GeoDataFrame
    members: pd.DataFrame
    reach: pd.DataFrame
    meals: pd.DataFrame
    matches: pd.DataFrame
    rulings: pd.DataFrame
    routes: pd.DataFrame
    steps: pd.DataFrame
    missing: pd.DataFrame
    provenance: pd.DataFrame
    supply: pd.DataFrame | None = None
    demand: pd.DataFrame | None = None
    plots: pd.DataFrame | None = None
    flows: pd.DataFrame | None = None
    balance: pd.DataFrame | None = None
    shares: pd.DataFrame | None = None
    limits: pd.DataFrame | None = None
    neighbours: pd.DataFrame | None = None
    prices: pd.DataFrame | None = None
    openings: pd.DataFrame | None = None
    front: pd.DataFrame | None = None
    roads: gpd.GeoDataFrame | None = None
    owners: pd.DataFrame | None = None
    exclusions: pd.DataFrame | None = None
    answers: pd.DataFrame | None = None
    contradictions: pd.DataFrame | None = None
    summary: dict[str, Any] = field(default_factory=dict)
    durations: dict[str, float] = field(default_factory=dict)

    def map(self) -> Any:
        """Return an interactive `folium.Map` of blocks, farms and canteens, for Jupyter."""
        from friches.view.jupyter import folium_map

        return folium_map(self)

    def plot(self, name: str) -> Figure:
        """Return one of the plots as a Matplotlib `Figure` (see `friches.view.plots`).

        Parameters
        ----------
        name : str
            « needs_and_supply » (what canteens lack and what the blocks would grow, t a year),
            « area_by_stage » (ha), « routes » (when land is free and how much of it) or
            « confidence » (share of the clues known, by answer).

        Raises
        ------
        InputError
            Any other name.
        """
        from friches.view.plots import plot

        return plot(self, name)

    def __repr__(self) -> str:
        return (
            f"<Result {self.study.name!r} on {self.study.study.day}: "
            f"{len(self.parcels)} parcels, {len(self.blocks)} blocks>"
        )

    def _repr_html_(self) -> str:
        from friches.view.jupyter import summary_html

        return summary_html(self)

"""What a run found: every table as an attribute, ready for Jupyter and for the views."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

    from friches.studyfile import Study


@dataclass(frozen=True)
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
    missing : DataFrame
        Absent layers: layer, label, settles (French, what the layer would settle).
    provenance : DataFrame
        Layers read: layer, file, sha256, publisher, licence, vintage, attribution.
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
    roads: gpd.GeoDataFrame | None = None
    owners: pd.DataFrame | None = None
    summary: dict[str, Any] = field(default_factory=dict)
    durations: dict[str, float] = field(default_factory=dict)

    def map(self) -> Any:
        """Return an interactive `folium.Map` of blocks, farms and canteens, for Jupyter."""
        from friches.view.jupyter import folium_map

        return folium_map(self)

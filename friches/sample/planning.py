"""What the plans say of the land: zoning, nature sites, compensation, mountain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from friches.sample.geopackage import write_layer
from friches.sample.history import luck
from friches.sample.layers import Shapes, grown
from friches.sample.terrain import warp

if TYPE_CHECKING:
    from pathlib import Path

    from friches.sample.roads import Net

MOUNTAIN_M = 600.0
"""Altitude from which a block of the fictitious land is classed as mountain (ASSUMPTION)."""


def cells(net: Net, lines: Shapes, seed: int) -> Shapes:
    """Return the whole land of every block, roads included; None outside the territory."""
    faces = shapely.get_parts(shapely.polygonize(lines))
    inside = np.flatnonzero(net.inside)
    points = shapely.points(warp(net.seeds[inside], seed))
    which, face = shapely.STRtree(faces).query(points, predicate="within")
    made = np.full(len(net.seeds), None, dtype=object)
    made[inside[which]] = faces[face]
    return made


def write_zoning(
    folder: Path,
    geometry: Shapes,
    table: pd.DataFrame,
    land: Shapes,
    seed: int,
) -> Path:
    """Write the zones (CNIG columns): U round the houses, AUc beside the village, N woods, A."""
    use = table["use"].to_numpy()
    wooded = pd.Series(np.where(use == "wood", table["area_m2"], 0.0)).groupby(table["block"]).sum()
    share = wooded / table.groupby("block")["area_m2"].sum()
    kind = np.where(share.to_numpy() > 0.5, "N", "A")
    home = table.groupby("block")["commune"].first().to_numpy()
    town = np.isin(use, ["house", "garden"])
    later = np.isin(use, ["meadow", "arable", "grazed", "fallow"]) & (
        (table["village_m"].to_numpy() < 430) & (luck(table, seed + 191, "group") < 0.28)
    )
    rows, shapes = [], []
    for commune in sorted(table["commune"].unique(), reverse=True):
        mine = (table["commune"] == commune).to_numpy()
        built = grown(geometry[mine & town], 7.0, 5.0)
        built = shapely.union_all(built[shapely.area(built) > 4_000])
        future = shapely.difference(shapely.union_all(geometry[mine & later]), built)
        taken = shapely.union(built, future)
        for name, where in (("U", built), ("AUc", future), ("A", None), ("N", None)):
            blocks = share.index.to_numpy()[(home == commune) & (kind == name)]
            rest = shapely.difference(shapely.union_all(land[blocks]), taken)
            for part in _parts(rest if where is None else where):
                rows.append((ZONES[name][0], ZONES[name][1], name, commune))
                shapes.append(part)
    columns = pd.DataFrame(rows, columns=["libelle", "libelong", "typezone", "partition"])
    columns["idurba"] = columns["partition"] + "_PLU_20230315"
    columns["datvalid"] = "20230315"
    columns["partition"] = "DU_" + columns["partition"]
    path = folder / "zone_urba.gpkg"
    return write_layer(path, "zone_urba", columns, np.asarray(shapes, dtype=object), "MultiPolygon")


ZONES = {
    "U": ("Ub", "Zone urbaine (plan fictif)"),
    "AUc": ("1AU", "Zone à urbaniser ouverte (plan fictif)"),
    "A": ("A", "Zone agricole (plan fictif)"),
    "N": ("N", "Zone naturelle et forestière (plan fictif)"),
}


def _parts(where: shapely.Geometry) -> list[shapely.Geometry]:
    parts = shapely.get_parts(where)
    parts = parts[(shapely.get_type_id(parts) == 3) & (shapely.area(parts) > 20)]
    bounds = np.round(shapely.bounds(parts), 2)
    return list(parts[np.lexsort((bounds[:, 1], bounds[:, 0]))]) if len(parts) else []


def write_constraints(
    folder: Path, geometry: Shapes, table: pd.DataFrame, land: Shapes
) -> list[Path]:
    """Write a nature site on the edge of the causse, compensation land and the mountain zone."""
    blocks = table.groupby("block")[["plateau", "altitude_m", "x"]].mean()
    gorge = blocks.index[
        (blocks["plateau"] > 0.25)
        & (blocks["plateau"] < 0.95)
        & (blocks["x"] > blocks["x"].median())
    ].to_numpy()
    high = blocks.index[blocks["altitude_m"] > MOUNTAIN_M].to_numpy()
    kept = grown(geometry[(table["use"] == "compensation").to_numpy()], 3.0, 3.0)
    site = np.asarray(_parts(shapely.union_all(land[gorge])), dtype=object)
    mountain = np.asarray(_parts(shapely.union_all(land[high])), dtype=object)
    named = {
        "natura2000": (
            site,
            pd.DataFrame({
                "sitecode": [f"FR99{n:05d}" for n in range(1, len(site) + 1)],
                "sitename": "Corniches de Saint-Rebelle (site fictif)",
            }),
        ),
        "mesures_compensatoires": (
            kept,
            pd.DataFrame({
                "id": [str(n) for n in range(1, len(kept) + 1)],
                "nom": "Mesure compensatoire fictive",
                "categorie": "Compensation",
            }),
        ),
        "zone_montagne": (
            mountain,
            pd.DataFrame({"nom": ["Zone de montagne (fictive)"] * len(mountain)}),
        ),
    }  # fmt: skip
    return [
        write_layer(folder / f"{name}.gpkg", name, columns, shapes, "MultiPolygon")
        for name, (shapes, columns) in named.items()
        if len(shapes)
    ]

"""Make a whole territory: one seed, every source file in its real format, the study file."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
import pyproj
import shapely

from friches.errors import refuse
from friches.sample.answers import write_answers
from friches.sample.cadastre import numbered, write_cadastre
from friches.sample.history import CAMPAIGNS, crops, land
from friches.sample.layers import (
    Shapes,
    edge_lines,
    write_buildings,
    write_fields,
    write_forest,
    write_roads,
)
from friches.sample.parcels import Plan, parcels
from friches.sample.people import write_canteens, write_farms, write_owners, write_sales
from friches.sample.planning import cells, write_constraints, write_zoning
from friches.sample.rasters import write_images, write_relief
from friches.sample.roads import LANE, RIVER, ROAD, Net, net, remoteness
from friches.sample.terrain import Floats, chance, warp

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

FEWEST, MOST = 500, 1_000_000
PARCELS_A_COMMUNE = 3_000
MEAN_M2 = 3_700.0
"""Mean parcel area met in practice: only a first guess of the radius, mended by trying again."""


class Land(NamedTuple):
    """What the files are written from: the net, the parcels, what grows there, their numbers."""

    net: Net
    geometry: Shapes
    table: pd.DataFrame
    known: pd.DataFrame


def make(folder: Path, parcels: int, seed: int, truth: bool = False) -> Path:
    """Write a fictitious territory in the formats of the real sources.

    Parameters
    ----------
    folder : Path
        Where to write; made if absent. Files of the same names are replaced.
    parcels : int
        How many parcels, 500 to 1,000,000.
    seed : int
        The same seed gives the same territory (and, with the same libraries, the same bytes).
    truth : bool
        Also write `truth.parquet`: parcel_id, fallow, stage.

    Returns
    -------
    Path
        The study file, ready for a run.

    Raises
    ------
    InputError
        When `parcels` or `seed` is out of range.
    """
    if not FEWEST <= parcels <= MOST:
        raise refuse(f"{parcels} parcelles demandées", "", f"choisir de {FEWEST} à {MOST}")
    if not 0 <= seed < 2**31:
        raise refuse(f"graine {seed}", "", "choisir un entier positif ou nul")
    folder.mkdir(parents=True, exist_ok=True)
    made = lay(parcels, seed)
    cadastre = write_cadastre(folder, made.geometry, made.known)
    _write_layers(folder, made, seed)
    if truth:
        _write_truth(folder, made)
    study = folder / "study.toml"
    study.write_text(_study_text(folder, made, [path.name for path in cadastre]), "utf-8")
    return study


def lay(wanted: int, seed: int) -> Land:
    """Return the land before it is written: exactly `wanted` parcels."""
    communes = max(1, round(wanted / PARCELS_A_COMMUNE))
    radius = np.sqrt(wanted * MEAN_M2 * 1.06 / np.pi)
    for _ in range(8):
        ground = net(radius, communes, seed)
        plan = parcels(ground, seed)
        if len(plan.geometry) >= wanted:
            break
        radius *= 1.02 * np.sqrt(wanted / len(plan.geometry))
    plan = _trimmed(plan, ground, wanted, seed)
    table = land(plan, ground, seed)
    known = numbered(table, ground, seed)
    table["commune"] = known["commune"]
    return Land(ground, plan.geometry, table, known)


def _trimmed(plan: Plan, ground: Net, wanted: int, seed: int) -> Plan:
    """Keep the nearest blocks, in their order, and only as many parcels as wanted."""
    far = remoteness(ground.seeds, seed)[plan.block]
    own = remoteness(shapely.get_coordinates(shapely.centroid(plan.geometry)), seed)
    order = np.lexsort((own, plan.block, far))[:wanted]
    order = np.sort(order)
    group = np.unique(plan.group[order], return_inverse=True)[1]
    return Plan(plan.geometry[order], plan.block[order], group)


def _write_layers(folder: Path, made: Land, seed: int) -> None:
    table, known, geometry = made.table, made.known, made.geometry
    lines = edge_lines(made.net, seed)
    write_fields(folder, geometry, table, crops(table, seed), seed)
    write_buildings(folder, geometry, table, seed)
    write_roads(folder, made.net, lines)
    write_forest(folder, geometry, table, seed)
    ground = cells(made.net, lines, seed)
    write_zoning(folder, geometry, table, ground, seed)
    write_constraints(folder, geometry, table, ground)
    river = shapely.buffer(lines[made.net.kind == RIVER], 6.0, cap_style="square")
    write_images(folder, geometry, table, river, seed)
    write_relief(folder, geometry, seed)
    write_owners(folder, table, known, seed)
    write_sales(folder, table, known, seed)
    write_answers(folder, geometry, table, known, seed)
    homes = _homes(made.net, seed)
    write_canteens(folder, homes, len(table))
    write_farms(folder, _seats(made.net, seed), len(table))


def _homes(ground: Net, seed: int) -> NDArray[np.float64]:
    """Return longitude and latitude of the villages, then of the hamlets, the middle first."""
    places = []
    for group in (ground.villages, ground.hamlets):
        points = ground.nodes[group]
        places.append(points[np.argsort(remoteness(points, seed), kind="stable")])
    return _degrees(warp(np.concatenate(places), seed))


def _seats(ground: Net, seed: int) -> NDArray[np.float64]:
    """Return places for farms in a mixed order: by a road, inside the territory."""
    road = np.unique(ground.edges[(ground.kind == LANE) | (ground.kind == ROAD)])
    inner = np.zeros(len(ground.nodes), bool)
    inner[ground.edges[ground.inside[ground.sides].all(axis=1)].ravel()] = True
    road = road[inner[road]]
    road = road[np.argsort(chance(road, road, seed + 321))]
    return _degrees(warp(ground.nodes[road], seed) + 18.0)


def _degrees(points: Floats) -> NDArray[np.float64]:
    turn = pyproj.Transformer.from_crs(2154, 4326, always_xy=True)
    return np.column_stack(turn.transform(points[:, 0], points[:, 1]))


def _write_truth(folder: Path, made: Land) -> None:
    truth = pd.DataFrame(
        {
            "parcel_id": made.known["parcel_id"].astype("str"),
            "fallow": made.table["fallow"].astype(bool),
            "stage": made.table["stage"].astype("str"),
        }
    )
    truth = truth.sort_values("parcel_id", ignore_index=True)
    truth.to_parquet(folder / "truth.parquet", index=False, compression="zstd")


def _study_text(folder: Path, made: Land, cadastre: list[str]) -> str:
    codes = sorted(made.known["commune"].unique(), reverse=True)
    constraints = [
        f"{name}.gpkg"
        for name in ("natura2000", "mesures_compensatoires", "zone_montagne")
        if (folder / f"{name}.gpkg").is_file()
    ]
    fields = "\n".join(f'{year} = "rpg_{year}.gpkg"' for year in CAMPAIGNS)
    return f"""# Territoire entièrement fictif, produit par « friches sample » : aucun lieu réel.

[study]
name       = "Saint-Rebelle (territoire fictif)"
communes   = {_listed(codes)}
day        = 2026-09-01
fictitious = true

[sources]
cadastre    = {_listed(cadastre)}
buildings   = "batiment.gpkg"
roads       = "troncon_de_route.gpkg"
forest      = "formation_vegetale.gpkg"
zoning      = "zone_urba.gpkg"
land_cover  = {{ path = "oso_2023.tif", legend = "oso23" }}
elevation   = "mnt.tif"
ndvi        = "ndvi.tif"
owners      = "parcelles_personnes_morales.csv"
sales       = "dvf_12999.csv"
constraints = {_listed(constraints)}
canteens    = "cantines.csv"
farmers     = "fermes.geojson"

[sources.declared_fields]
{fields}

[reach]
minutes_to_farm    = 20
minutes_to_canteen = 45

[goal]
organic_share = 1.0
"""


def _listed(names: list[str]) -> str:
    told = ", ".join(f'"{name}"' for name in names)
    return f"[{told}]"

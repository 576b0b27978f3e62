"""The map layers of the fictitious land: declared fields, buildings, roads, forest, zoning."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from friches.sample.geopackage import write_layer
from friches.sample.history import CAMPAIGNS, luck
from friches.sample.parcels import BEND_M
from friches.sample.roads import LANE, NONE, RIVER, ROAD, TRACK, Net
from friches.sample.terrain import Floats, chance, noise, warp

if TYPE_CHECKING:
    from pathlib import Path

Shapes = NDArray[np.object_]
GROUPS = {
    "BTH": 1, "MIS": 2, "ORH": 3, "TTH": 4, "CZH": 5, "TRN": 6, "SOJ": 7, "J5M": 11, "J6S": 11,
    "J6P": 11, "LEC": 15, "PCH": 15, "LUZ": 16, "MLG": 16, "SPH": 17, "SPL": 17, "BOP": 17,
    "PPH": 18, "PTR": 19, "VRG": 20, "VRC": 21, "CTG": 22, "NOS": 22, "FLA": 25, "SNE": 28,
}  # fmt: skip
"""PAC code -> group of cultures. VERIFIED: nomenclature REF_CULTURES_GROUPES_CULTURES_2020."""
MANY = 20_000


class Style(NamedTuple):
    """How one campaign's RPG names its layer and columns, and writes an empty text."""

    layer: str
    upper: bool
    empty: str | None


STYLES = {
    2019: Style("PARCELLES_GRAPHIQUES", True, None),
    2020: Style("PARCELLES_GRAPHIQUES", True, None),
    2021: Style("PARCELLES_GRAPHIQUES", True, None),
    2022: Style("parcelles_graphiques", False, ""),
    2023: Style("PARCELLES_GRAPHIQUES", False, None),
    2024: Style("RPG_Parcelles", True, None),
}
"""Layer names by year VERIFIED (shared notes); case of the columns of 2023 is an ASSUMPTION."""


def write_fields(
    folder: Path, geometry: Shapes, table: pd.DataFrame, codes: pd.DataFrame, seed: int
) -> list[Path]:
    """Write one RPG a campaign: fields of several parcels, drawn 0.5 to 2 m beside them."""
    label = {
        year: _same(table["group"].to_numpy(), codes[year].to_numpy(dtype=object))
        for year in CAMPAIGNS
    }
    mark = chance(table["row"].to_numpy(np.int64), table["row"].to_numpy(np.int64), seed) * 2**40
    names = {year: _fingerprints(label[year], mark.astype(np.int64)) for year in CAMPAIGNS}
    every = np.unique(np.concatenate(list(names.values())))
    shapes = np.empty(len(every), dtype=object)
    known = np.zeros(len(every), bool)
    for year in CAMPAIGNS:
        place = np.searchsorted(every, names[year])
        fresh = ~known[place]
        shapes[place[fresh]] = _united(geometry, label[year], np.flatnonzero(fresh))
        known[place] = True
    drawn = {False: _drawn(shapes, every, seed + 151), True: _drawn(shapes, every, seed + 152)}
    moved = chance(every, every, seed + 153) < 0.24
    paths = []
    for year in CAMPAIGNS:
        place = np.searchsorted(every, names[year])
        later = moved[place] & (year >= 2022)
        outline = np.where(later, drawn[True][place], drawn[False][place])
        first = np.unique(label[year][label[year] >= 0], return_index=True)[1]
        crop = codes[year].to_numpy(dtype=object)[label[year] >= 0][first]
        serial = place + 11_000_000 if year >= 2022 else np.arange(len(place)) + year * 1_000
        paths.append(_write_campaign(folder, year, outline, crop, serial))
    return paths


def _same(group: NDArray[np.int64], code: Shapes) -> NDArray[np.int64]:
    """Give each field of a campaign (a group under one code) a number; -1 where there is none."""
    said = code != ""
    label = np.full(len(group), -1)
    kinds = pd.factorize(code[said], sort=True)[0]
    pair = group[said] * 1_000 + kinds
    label[said] = np.unique(pair, return_inverse=True)[1]
    return label


def _fingerprints(label: NDArray[np.int64], mark: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return one number a field that depends only on which parcels make it."""
    said = label >= 0
    total = np.zeros(label.max() + 1, dtype=np.int64)
    np.add.at(total, label[said], mark[said])
    return total


def _united(geometry: Shapes, label: NDArray[np.int64], wanted: NDArray[np.int64]) -> Shapes:
    """Unite the parcels of each wanted field, all fields of one size at a time."""
    order = np.argsort(label, kind="stable")
    first = np.searchsorted(label[order], wanted)
    size = np.searchsorted(label[order], wanted, side="right") - first
    made = np.empty(len(wanted), dtype=object)
    for count in np.unique(size):
        rows = np.flatnonzero(size == count)
        members = order[first[rows][:, None] + np.arange(count)]
        made[rows] = (
            geometry[members[:, 0]] if count == 1 else shapely.union_all(geometry[members], axis=1)
        )
    return made


def _drawn(shapes: Shapes, names: NDArray[np.int64], seed: int) -> Shapes:
    """Draw fields as farmers do on a photograph: fewer corners, a metre or so aside."""
    turn = 2 * np.pi * chance(names, names, seed)
    away = 0.5 + 1.5 * chance(names, names, seed + 5)
    shift = np.column_stack([away * np.cos(turn), away * np.sin(turn)])
    plain = shapely.simplify(shapes, 1.2, preserve_topology=True)
    xy, owner = shapely.get_coordinates(plain, return_index=True)
    return np.asarray(shapely.set_coordinates(plain.copy(), xy + shift[owner]))


def _write_campaign(
    folder: Path, year: int, outline: Shapes, crop: Shapes, serial: NDArray[np.int64]
) -> Path:
    style = STYLES[year]
    parts, owner = shapely.get_parts(outline, return_index=True)
    area = np.round(shapely.area(parts) / 10_000, 2)
    columns = pd.DataFrame(
        {
            "id_parcel": serial[owner].astype(str),
            "surf_parc": area,
            "code_cultu": crop[owner],
            "code_group": [str(GROUPS[code]) for code in crop[owner]],
            "culture_d1": pd.Series([style.empty] * len(owner), dtype="str"),
            "culture_d2": pd.Series([style.empty] * len(owner), dtype="str"),
        }
    )
    if style.upper:
        columns.columns = columns.columns.str.upper()
    return write_layer(folder / f"rpg_{year}.gpkg", style.layer, columns, parts, "Polygon")


def write_buildings(folder: Path, geometry: Shapes, table: pd.DataFrame, seed: int) -> Path:
    """Write the buildings (BD TOPO columns): houses, sheds, a few ruins in the fallow."""
    house = (table["use"] == "house").to_numpy()
    ruin = (table["stage"] == "friche avec bâti").to_numpy()
    single = luck(table, seed + 161)
    shed = house & (single < 0.13)
    rows = np.concatenate([np.flatnonzero(house), np.flatnonzero(shed), np.flatnonzero(ruin)])
    farm = np.r_[np.zeros(house.sum(), bool), np.ones(shed.sum(), bool), np.zeros(ruin.sum(), bool)]
    fallen = np.r_[np.zeros(house.sum() + shed.sum(), bool), np.ones(ruin.sum(), bool)]
    outlines = _rectangles(geometry[rows], table.iloc[rows], farm, seed)
    public = ~farm & ~fallen & (single[rows] > 0.985)
    columns = pd.DataFrame(
        {
            "cleabs": [f"BATIMENT{number:016d}" for number in range(1, len(rows) + 1)],
            "nature": "Indifférenciée",
            "usage_1": np.select(
                [farm, fallen, public],
                ["Agricole", "Indifférencié", "Commercial et services"],
                "Résidentiel",
            ),
            "usage_2": pd.Series([None] * len(rows), dtype="str"),
            "etat_de_l_objet": np.where(fallen, "En ruine", "En service"),
            "nombre_de_logements": pd.Series(
                np.where(farm | fallen | public, 0, 1), dtype="Int64"
            ).mask(farm | fallen),
            "hauteur": np.round(4 + 4 * luck(table, seed + 162)[rows], 1),
        }
    )
    return write_layer(folder / "batiment.gpkg", "batiment", columns, outlines, "Polygon")


def _rectangles(shapes: Shapes, table: pd.DataFrame, farm: NDArray[np.bool_], seed: int) -> Shapes:
    """Put a rectangle well inside each parcel, turned at random; a shed stands beside."""
    middle = shapely.get_coordinates(shapely.point_on_surface(shapes))
    room = np.sqrt(table["area_m2"].to_numpy())
    half = np.clip(0.13 * room * (0.8 + 0.5 * luck(table, seed + 163)), 3.2, 9.0)
    deep = half * (0.6 + 0.3 * luck(table, seed + 164))
    turn = np.pi * np.round(8 * luck(table, seed + 165)) / 8
    along = np.column_stack([np.cos(turn), np.sin(turn)])
    across = np.column_stack([-along[:, 1], along[:, 0]])
    middle = middle + across * np.where(farm, 2.6 * half, 0.0)[:, None]
    corners = [
        middle + along * (i * half)[:, None] + across * (j * deep)[:, None]
        for i, j in ((-1, -1), (1, -1), (1, 1), (-1, 1))
    ]
    return np.asarray(shapely.polygons(np.stack(corners, axis=1)))


def edge_lines(net: Net, seed: int) -> Shapes:
    """Return the bent line of every edge of the net; edges that meet share their end, exactly."""
    a, b = net.nodes[net.edges[:, 0]], net.nodes[net.edges[:, 1]]
    pieces = np.maximum(np.ceil(np.linalg.norm(b - a, axis=1) / BEND_M), 1).astype(np.int64)
    edge = np.repeat(np.arange(len(pieces)), pieces + 1)
    step = np.arange(len(edge)) - np.repeat(np.cumsum(pieces + 1) - pieces - 1, pieces + 1)
    ratio = (step / pieces[edge])[:, None]
    points: Floats = a[edge] * (1 - ratio) + b[edge] * ratio
    points[step == pieces[edge]] = b[edge[step == pieces[edge]]]
    return np.asarray(shapely.linestrings(warp(points, seed), indices=edge))


def write_roads(folder: Path, net: Net, lines: Shapes) -> Path:
    """Write the roads (BD TOPO columns), cut at every crossing."""
    driven = np.flatnonzero((net.kind != NONE) & (net.kind != RIVER))
    kind = net.kind[driven]
    luckier = chance(net.edges[driven, 0], net.edges[driven, 1], 171)
    stony = (kind == TRACK) & (luckier < 0.4)
    columns = pd.DataFrame(
        {
            "cleabs": [f"TRONROUT{number + 1:016d}" for number in range(len(driven))],
            "nature": np.select(
                [kind >= LANE, stony], ["Route à 1 chaussée", "Route empierrée"], "Chemin"
            ),
            "importance": np.select([kind == ROAD, kind == LANE, stony], ["3", "5", "6"], "6"),
            "fictif": "Non",
            "etat_de_l_objet": "En service",
            "sens_de_circulation": "Double sens",
            "vitesse_moyenne_vl": np.select([kind == ROAD, kind == LANE, stony], [65, 40, 15], 10),
            "acces_vehicule_leger": "Libre",
        }
    )
    path = folder / "troncon_de_route.gpkg"
    return write_layer(path, "troncon_de_route", columns, lines[driven], "LineString")


STANDS = (
    ("FF1G01-01", "Forêt fermée de chênes décidus purs", "Forêt fermée feuillus", "Chênes décidus"),
    ("FF2-52-52", "Forêt fermée de pin sylvestre pur", "Forêt fermée conifères", "Pin sylvestre"),
    ("FF31", "Forêt fermée à mélange de feuillus prépondérants et conifères",
     "Forêt fermée mixte", "Mixte"),
    ("FO1", "Forêt ouverte de feuillus purs", "Forêt ouverte feuillus", "Feuillus"),
    ("LA4", "Lande", "Lande", "NC"),
)  # fmt: skip


def write_forest(folder: Path, geometry: Shapes, table: pd.DataFrame, seed: int) -> Path:
    """Write the stands (BD Forêt v2): half a hectare at least, some woods and heaths missed."""
    use, stage = table["use"].to_numpy(), table["stage"].to_numpy()
    single = luck(table, seed + 181)
    x, y = table["field_x"].to_numpy(), table["field_y"].to_numpy()
    taste = noise(x, y, 900, seed + 182)
    kind = np.full(len(table), -1)
    wood = (use == "wood") & (single < 0.95)
    kind[wood] = np.select([taste > 0.25, taste < -0.35], [1, 2], 0)[wood]
    kind[(stage == "arbustive haute") & (single < 0.5)] = 3
    shrubs = np.isin(stage, ["arbustive basse", "potentiel sylvopastoral"]) | (use == "heath")
    kind[shrubs & (single < 0.45)] = 4
    outlines, stands = [], []
    for number in range(len(STANDS)):
        parts = grown(geometry[kind == number], 4.0, 5.0)
        parts = parts[shapely.area(parts) >= 5_000]
        outlines.append(parts)
        stands += [STANDS[number]] * len(parts)
    columns = pd.DataFrame(stands, columns=["CODE_TFV", "TFV", "TFV_G11", "ESSENCE"])
    columns.insert(0, "ID", [f"FORESTFICTIF{number:06d}" for number in range(1, len(stands) + 1)])
    shapes = np.concatenate(outlines)
    path = folder / "formation_vegetale.gpkg"
    return write_layer(path, "formation_vegetale", columns, shapes, "Polygon")


def grown(shapes: Shapes, out_m: float, back_m: float) -> Shapes:
    """Unite shapes across gaps narrower than twice `out_m`; return simple polygons in order."""
    wide = shapely.buffer(shapes, out_m, join_style="mitre", mitre_limit=2)
    merged = shapely.get_parts(shapely.union_all(wide))
    back = shapely.buffer(merged, -back_m, join_style="mitre", mitre_limit=2)
    parts = shapely.simplify(shapely.get_parts(back), 2.0)
    parts = parts[shapely.area(parts) > 1]
    bounds = np.round(shapely.bounds(parts), 2)
    return np.asarray(parts[np.lexsort((bounds[:, 1], bounds[:, 0]))])

"""The parcels written as Etalab writes the cadastre: GeoJSON, WGS84, seven decimals, gzipped."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyproj
import shapely
from scipy.spatial import KDTree

from friches.sample.history import luck
from friches.sample.roads import Net, remoteness

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from friches.sample.terrain import Floats

SECTIONS = "ABCDEFGHKLMNPRSTUVWXYZ"
PARCELS_A_SECTION = 260
FIRST_CODE = 12_999
"""INSEE codes go down from 12999: Aveyron has none so high."""


def numbered(table: pd.DataFrame, net: Net, seed: int) -> pd.DataFrame:
    """Return the parcels' commune, section, number, 14-character id, contenance and dates.

    Sections turn around each village, a few hundred parcels each; numbers start again in each.
    """
    villages = net.nodes[net.villages]
    villages = villages[np.argsort(remoteness(villages, seed), kind="stable")]
    seats = net.seeds[table["block"].to_numpy()]
    home = np.asarray(KDTree(villages).query(seats)[1], dtype=np.int64)
    angle = np.arctan2(*(seats - villages[home]).T[::-1])
    order = np.lexsort((table["row"].to_numpy(), table["block"].to_numpy(), angle, home))
    first = np.searchsorted(home[order], np.arange(len(villages)))
    rank = np.arange(len(table)) - first[home[order]]
    section = np.empty(len(table), dtype=np.int64)
    number = np.empty(len(table), dtype=np.int64)
    section[order], number[order] = rank // PARCELS_A_SECTION, rank % PARCELS_A_SECTION + 1
    names = np.asarray([*SECTIONS, *(a + b for a in "ABC" for b in SECTIONS)], dtype=object)
    made = pd.DataFrame({"commune": (FIRST_CODE - home).astype(str)}, index=table.index)
    made["section"] = names[section]
    made["number"] = number.astype(str)
    made["parcel_id"] = (
        made["commune"] + "000" + made["section"].str.zfill(2) + made["number"].str.zfill(4)
    )
    made["contenance"] = _registered(table, seed)
    made["arpente"] = luck(table, seed + 141) < 0.12
    made["created"] = _days(luck(table, seed + 142), "1996-01-01", "2014-12-31")
    made["updated"] = _days(luck(table, seed + 143), "2015-01-01", "2026-03-31")
    return made


def _days(share: Floats, first: str, last: str) -> NDArray[np.str_]:
    start, stop = np.datetime64(first), np.datetime64(last)
    days = np.floor(share * (stop - start).astype(int)).astype("timedelta64[D]")
    return np.asarray((start + days).astype(str))


def _registered(table: pd.DataFrame, seed: int) -> pd.Series:
    """Contenance in whole m2: about 1 % off the plan, 6 to 10 % on a few, absent on very few."""
    spread = luck(table, seed + 144) + luck(table, seed + 145) + luck(table, seed + 146) - 1.5
    factor = 1 + 0.02 * spread
    wrong = luck(table, seed + 147)
    sign = np.where(luck(table, seed + 148) < 0.5, -1, 1)
    factor = np.where(wrong < 0.02, 1 + sign * (0.06 + 2.0 * wrong), factor)
    area = np.round(table["area_m2"].to_numpy() * factor)
    return pd.Series(area, index=table.index).astype("Int64").mask(wrong > 0.9985)


def write_cadastre(folder: Path, geometry: NDArray[np.object_], known: pd.DataFrame) -> list[Path]:
    """Write one `cadastre-<commune>-parcelles.json.gz` a commune; return the paths."""
    paths = []
    turn = pyproj.Transformer.from_crs(2154, 4326, always_xy=True)
    for commune, rows in known.groupby("commune", sort=True).indices.items():
        part = known.iloc[np.sort(rows)].sort_values("parcel_id", kind="stable")
        shapes = geometry[known.index.get_indexer(part.index)]
        xy, owner = shapely.get_coordinates(shapes, return_index=True)
        degrees = np.round(np.column_stack(turn.transform(xy[:, 0], xy[:, 1])), 7)
        rings = shapely.linearrings(degrees, indices=owner)
        texts = shapely.to_geojson(shapely.polygons(rings))
        path = folder / f"cadastre-{commune}-parcelles.json.gz"
        lines = [
            f'{{"type":"Feature","id":"{row[0]}","geometry":{text},"properties":{_told(row)}}}'
            for row, text in zip(part[_COLUMNS].itertuples(index=False), texts, strict=True)
        ]
        body = '{"type":"FeatureCollection","features":[\n' + ",\n".join(lines) + "\n]}\n"
        path.write_bytes(gzip.compress(body.encode(), 9 if len(known) < 20_000 else 5, mtime=0))
        paths.append(path)
    return sorted(paths, reverse=True)


_COLUMNS = [
    "parcel_id",
    "commune",
    "section",
    "number",
    "contenance",
    "arpente",
    "created",
    "updated",
]


def _told(row: tuple[object, ...]) -> str:
    parcel, commune, section, number, area, arpente, created, updated = row
    told = {
        "id": parcel,
        "commune": commune,
        "prefixe": "000",
        "section": section,
        "numero": number,
        "contenance": None if area is pd.NA else int(str(area)),
        "arpente": bool(arpente),
        "created": created,
        "updated": updated,
    }
    if area is pd.NA:
        del told["contenance"]  # Etalab leaves the key out
    return json.dumps(told, separators=(",", ":"))

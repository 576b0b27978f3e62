"""Canteens and farms: official files kept as they are, and the tables a study reads, placed."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any

from friches.fetch.asking import question
from friches.fetch.datagouv import datagouv_piece
from friches.fetch.errand import Errand, Job, Piece
from friches.fetch.failure import Failure
from friches.fetch.files import file_pieces
from friches.fetch.registers import rows_of
from friches.fetch.services import Service, communes_service, filled, layers
from friches.fetch.writing import place
from friches.sources.exports import export, siret, texts
from friches.sources.projection import bounds_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    import geopandas as gpd

MOST_LOOKUPS = 400
"""SIRET asked one by one, at most: the canteens of some fifty communes (ASSUMPTION)."""
GIVE_UP_AFTER = 3
"""Failed lookups after which the others are not asked."""


def canteen_pieces(errand: Errand, _job: Job, service: Service) -> list[Piece]:
    """Return the registry of canteens and what places them: schools, SIRET, communes.

    Raises
    ------
    Failure
        No registry. What places the canteens may lack: it is told in the notes.
    """
    registry = datagouv_piece(errand, service)
    pieces, notes = [registry], []
    for what, bring in (("annuaire des écoles", _schools), ("communes", _communes)):
        try:
            pieces += bring(errand)
        except Failure as failure:
            notes.append(f"{what} : {failure.why}")
    try:
        pieces += _sirets(errand, registry.path, [piece.path for piece in pieces[1:]])
    except Failure as failure:
        notes.append(f"positions par SIRET : {failure.why}")
    pieces[0] = registry._replace(notes=(*registry.notes, *notes))
    return pieces


def _schools(errand: Errand) -> list[Piece]:
    layer = layers()["schools"]
    return file_pieces(errand, Job("schools", layer), layer.machine[0])


def _communes(errand: Errand) -> list[Piece]:
    service = communes_service()
    pieces = []
    for dep in errand.territory.departments:
        url = filled(service.by_department, code=dep, fields=service.fields)
        answer = errand.session.get(question(service.pace, url, fresh_days=service.fresh_days))
        path = place(answer, errand.folder / f"communes_{dep}.json")
        pieces.append(Piece(path, answers=(answer,)))
    return pieces


def _sirets(errand: Errand, registry: Path, beside: Sequence[Path]) -> list[Piece]:
    """Look up where the canteens of the communes around are, by SIRET; the rest wait."""
    numbers = _near(errand, registry, _centres(beside))[:MOST_LOOKUPS]
    service = layers()["siret"].machine[0]
    rows, failures = [], 0
    for number in numbers:
        try:
            found = rows_of(errand.session, service, {"siret": number}).features
        except Failure as failure:
            failures += 1
            if failure.unreachable or failures >= GIVE_UP_AFTER:
                break
            continue
        pair = _position([row["properties"] for row in found], number)
        if pair is not None:
            rows.append((number, *pair))
    if not rows:
        raise Failure(service.pace, f"aucune des {len(numbers)} cantines n'a été située par SIRET")
    path = errand.folder / "positions_siret.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("siret", "lon", "lat"))
        writer.writerows(rows)
    note = f"{len(rows)} cantine(s) située(s) par SIRET sur {len(numbers)} demandées"
    return [Piece(path, len(rows), notes=(note,))]


def _near(errand: Errand, registry: Path, centres: dict[str, tuple[float, float]]) -> list[str]:
    """Return the SIRET of the canteens whose commune's centre is within the layer's margin."""
    rows = export(registry).rows
    if "siret" not in rows or "city_insee_code" not in rows:
        return []
    box = errand.box(layers()["canteens"].margin_m)
    west, south, east, north = bounds_in(box, errand.crs, "EPSG:4326")
    own = set(errand.territory.codes)
    near = own | {
        code
        for code, (lon, lat) in centres.items()
        if west <= lon <= east and south <= lat <= north
    }
    code = texts(rows["city_insee_code"]).str.zfill(5)
    found = siret(rows["siret"])[code.isin(near).to_numpy()].dropna()
    return sorted(found.unique())


def _centres(paths: Iterable[Path]) -> dict[str, tuple[float, float]]:
    found: dict[str, tuple[float, float]] = {}
    for path in paths:
        if path.name.startswith("communes_"):
            for row in json.loads(path.read_bytes()):
                pair = (row.get("centre") or {}).get("coordinates")
                if pair:
                    found[str(row["code"])] = (float(pair[0]), float(pair[1]))
    return found


def _position(firms: Sequence[dict[str, Any]], number: str) -> tuple[str, str] | None:
    """Return longitude and latitude of the establishment that has this SIRET."""
    for firm in firms:
        for one in [*(firm.get("matching_etablissements") or []), firm.get("siege") or {}]:
            told = (one.get("longitude"), one.get("latitude"))
            if str(one.get("siret")) == number and all(value not in (None, "") for value in told):
                return str(told[0]), str(told[1])
    return None


def write_places(table: gpd.GeoDataFrame, path: Path) -> Path:
    """Write canteens or farms as the table that people write by hand: lon, lat, located_by."""
    points = table.geometry.to_crs("EPSG:4326")
    rows = table.drop(columns="geometry").copy()
    rows.insert(len(rows.columns), "lon", points.x.round(6))
    rows.insert(len(rows.columns), "lat", points.y.round(6))
    if path.suffix == ".csv":
        rows.to_csv(path, index=False, lineterminator="\n")
        return path
    columns = [name for name in rows.columns if name not in {"lon", "lat"}]
    features = [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [row["lon"], row["lat"]]},
            "properties": {name: _plain(row[name]) for name in columns},
        }
        for row in rows.to_dict("records")
    ]
    told = {"type": "FeatureCollection", "features": features}
    path.write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", "utf-8")
    return path


def _plain(value: Any) -> Any:
    """Return a value as JSON writes it; missing is null."""
    import pandas as pd

    if isinstance(value, pd.Timestamp):
        return value.date().isoformat()
    if pd.isna(value):
        return None
    return value.item() if hasattr(value, "item") else value

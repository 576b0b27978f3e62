"""The committed sample territory, layer by layer, as the services would know it."""

from __future__ import annotations

import csv
import gzip
import json
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import geopandas as gpd
import pandas as pd
import shapely
from pyproj import Transformer

if TYPE_CHECKING:
    from collections.abc import Iterator

SAMPLE = Path(__file__).resolve().parents[2] / "data" / "sample"
INSEE, DEP, NAME = "12999", "12", "Saint-Rebelle (fictif)"
EPCI = "200099999"
FAR_FARMS = 43
"""Fictitious operators added so that the register takes several pages of 20."""


class Layer(NamedTuple):
    """A layer of a service: table in its own CRS (EPSG code), name of its geometry column."""

    table: gpd.GeoDataFrame
    crs: int
    geometry: str


FILES = {
    "BDTOPO_V3:batiment": ("batiment.gpkg", 4326, "geometrie"),
    "BDTOPO_V3:troncon_de_route": ("troncon_de_route.gpkg", 4326, "geometrie"),
    "LANDCOVER.FORESTINVENTORY.V2:formation_vegetale": ("formation_vegetale.gpkg", 2154, "geom"),
    "wfs_du:zone_urba": ("zone_urba.gpkg", 4326, "the_geom"),
    "patrinat_sic:sic": ("natura2000.gpkg", 3857, "geom"),
    "MESURES_COMPENSATOIRES:emprises_polygones": ("mesures_compensatoires.gpkg", 4326, "geom"),
    **{
        f"RPG.{year}:parcelles_graphiques": (f"rpg_{year}.gpkg", 4326, "geom")
        for year in range(2019, 2025)
    },
}
# Layers that hold nothing here. The sample says nothing of prescriptions: no service has them.
EMPTY = {
    "wfs_du:secteur_cc": (4326, "the_geom"),
    "wfs_du:document": (4326, "the_geom"),
    "patrinat_zps:zps": (3857, "geom"),
    "patrinat_znieff1:znieff1": (3857, "geom"),
    "patrinat_znieff2:znieff2": (3857, "geom"),
    "patrinat_apb:apb": (3857, "geom"),
    "patrinat_pnr:pnr": (3857, "geom"),
    "AOC-VITICOLES:aire_parcellaire": (2154, "geom"),
    "BDTOPO_V3:haie": (4326, "geometrie"),
    "BDTOPO_V3:zone_de_vegetation": (4326, "geometrie"),
    "LANDCOVER.CLC18_FR:clc18_fr": (2154, "geom"),
}


MADE: dict[str, Layer] = {}
"""Layers that a test puts in place of those of the sample; it takes them away again."""


def layer(name: str) -> Layer | None:
    """Return a layer of the WFS by its typename, in EPSG:2154; None when there is none."""
    return MADE.get(name) or _layer(name)


@cache
def _layer(name: str) -> Layer | None:
    if name in FILES:
        file, crs, geometry = FILES[name]
        table = gpd.read_file(SAMPLE / file)
        table.columns = [c.lower() if c != "geometry" else c for c in table.columns]
        if name.startswith("wfs_du"):
            table.insert(0, "gid", range(1, len(table) + 1))
        return Layer(table, crs, geometry)
    if name in EMPTY:
        crs, geometry = EMPTY[name]
        return Layer(gpd.GeoDataFrame({"gid": []}, geometry=[], crs=2154), crs, geometry)
    return None


def features(name: str, crs: int) -> tuple[tuple[dict[str, Any], ...], shapely.STRtree]:
    """Return the features of a layer as GeoJSON in a CRS, and an index of them in EPSG:2154."""
    return _features(name, crs, id(layer(name)))


@cache
def _features(
    name: str, crs: int, _identity: int
) -> tuple[tuple[dict[str, Any], ...], shapely.STRtree]:
    found = layer(name)
    if found is None:
        raise KeyError(name)
    return as_features(found.table, crs, name.partition(":")[2], found.geometry)


def as_features(
    table: gpd.GeoDataFrame, crs: int, stem: str, geometry: str
) -> tuple[tuple[dict[str, Any], ...], shapely.STRtree]:
    """Return a table (EPSG:2154) as GeoJSON features in a CRS, and its index in EPSG:2154."""
    shapes = table.geometry if crs == 2154 else table.geometry.to_crs(crs)
    columns = pd.DataFrame(table.drop(columns="geometry")).astype("object")
    rows = columns.where(columns.notna(), None).to_dict("records")
    made = tuple(
        {
            "type": "Feature",
            "id": f"{stem}.{number}",
            "geometry": shapely.geometry.mapping(shape),
            "geometry_name": geometry,
            "properties": row,
        }
        for number, (row, shape) in enumerate(zip(rows, shapes, strict=True), start=1)
    )
    return made, shapely.STRtree(table.geometry.array)


@cache
def parcels() -> gpd.GeoDataFrame:
    """Return the cadastre as API Carto names it, in EPSG:2154."""
    raw = json.loads(gzip.decompress(cadastre()))
    table = gpd.GeoDataFrame.from_features(raw["features"], crs=4326)
    section = table["section"].str.zfill(2)
    number = table["numero"].str.zfill(4)
    made = gpd.GeoDataFrame(
        {
            "gid": range(1, len(table) + 1),
            "numero": number,
            "feuille": 1,
            "section": section,
            "code_dep": DEP,
            "nom_com": NAME,
            "code_com": INSEE[2:],
            "com_abs": table["prefixe"],
            "code_arr": "000",
            "idu": table["id"],
            "contenance": table["contenance"].astype("object"),
            "code_insee": INSEE,
        },
        geometry=table.geometry,
        crs=4326,
    )
    return made.to_crs(2154)


@cache
def parcel_features() -> tuple[dict[str, Any], ...]:
    """Return the parcels of API Carto, their coordinates as in the Etalab file."""
    raw = json.loads(gzip.decompress(cadastre()))["features"]
    made, _ = as_features(parcels(), 2154, "parcelle", "geom")
    return tuple(
        one | {"geometry": _multi(there["geometry"])} for one, there in zip(made, raw, strict=True)
    )


def _multi(geometry: dict[str, Any]) -> dict[str, Any]:
    if geometry["type"] == "MultiPolygon":
        return geometry
    return {"type": "MultiPolygon", "coordinates": [geometry["coordinates"]]}


FEW: list[int] = []


@contextmanager
def few(count: int) -> Iterator[None]:
    """Serve the first parcels of the Etalab file alone, for tests that fetch again and again."""
    FEW.append(count)
    try:
        yield
    finally:
        FEW.pop()


def cadastre() -> bytes:
    """Return the Etalab file of parcels."""
    return _cadastre(FEW[-1] if FEW else 0)


@cache
def _cadastre(count: int) -> bytes:
    whole = (SAMPLE / "cadastre-12999-parcelles.json.gz").read_bytes()
    if not count:
        return whole
    said = json.loads(gzip.decompress(whole))
    said["features"] = said["features"][:count]
    return gzip.compress(json.dumps(said).encode(), mtime=0)


@cache
def buildings() -> bytes:
    """Return the Etalab file of buildings, made from those of the sample."""
    shapes = gpd.read_file(SAMPLE / "batiment.gpkg").to_crs(4326).geometry
    said = {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "geometry": shapely.geometry.mapping(shape),
                "properties": {"commune": INSEE, "nom": None, "type": "01"},
            }
            for shape in shapes
        ],
    }
    return gzip.compress(json.dumps(said).encode(), mtime=0)


@cache
def sales() -> dict[str, bytes]:
    """Return the sales by year, each with the header."""
    lines = (SAMPLE / "dvf_12999.csv").read_bytes().splitlines(keepends=True)
    years: dict[str, list[bytes]] = {}
    for line in lines[1:]:
        years.setdefault(line.split(b",")[1][:4].decode(), []).append(line)
    return {year: b"".join([lines[0], *some]) for year, some in years.items()}


@cache
def owners() -> tuple[dict[str, Any], ...]:
    """Return the lines of legal persons' parcels, under the names of the interface."""
    with (SAMPLE / "parcelles_personnes_morales.csv").open(encoding="utf-8") as file:
        rows = list(csv.reader(file, delimiter=";"))[1:]
    return tuple(
        {
            "_i": number,
            "code_commune": INSEE,
            "code_parcelle": r[0] + r[2].zfill(3) + r[4].zfill(3) + r[5].zfill(2) + r[6].zfill(4),
            "contenance_parcelle": int(r[13]) if r[13] else None,
            "nature_culture": r[15],
            "contenance_suf": int(r[16]) if r[16] else None,
            "code_droit": r[17],
            "numero_siren": r[19],
            "groupe_personne": r[20],
            "forme_juridique_abregee": r[22],
            "denomination": r[23],
        }
        for number, r in enumerate(rows, start=1)
    )


class Kitchen(NamedTuple):
    """A canteen of the sample with a fictitious SIRET."""

    siret: str
    row: dict[str, str]


@cache
def kitchens() -> tuple[Kitchen, ...]:
    """Return the canteens of the sample."""
    with (SAMPLE / "cantines.csv").open(encoding="utf-8") as file:
        return tuple(
            Kitchen(f"999000{number:03d}00010", row)
            for number, row in enumerate(csv.DictReader(file), start=1)
        )


SECTORS = {
    "creche": "Crèche",
    "maternelle": "École maternelle",
    "elementaire": "École primaire (maternelle et élémentaire)",
    "adolescents": "Secondaire collège",
    "adultes": "Restaurants d'entreprises",
}


@cache
def registry() -> bytes:
    """Return the national registry of canteens: those of the sample, and one far away."""
    by_id = {one.row["canteen_id"]: one.siret for one in kitchens()}
    head = (
        "id,name,siret,city,city_insee_code,postal_code,department,economic_model,"
        "management_type,production_type,central_producer_siret,daily_meal_count,"
        "yearly_meal_count,sector_list,active_on_ma_cantine"
    )
    lines = [head]
    for one in kitchens():
        row = one.row
        daily = int(row["meals_per_day"])
        lines.append(
            f"{row['canteen_id']},{row['name']},{one.siret},{NAME},{INSEE},12000,{DEP},public,"
            f"direct,{row['kind']},{by_id.get(row['served_by'], '')},{daily},"
            f'{daily * int(row["days_per_year"])},"{SECTORS[row["audience"]]}",True'
        )
    lines.append(
        "Z1,Cantine lointaine (fictif),99900099900010,Ailleurs,75056,75001,75,public,direct,site,,"
        '100,14000,"École primaire",True'
    )
    return ("\n".join(lines) + "\n").encode()


@cache
def schools() -> bytes:
    """Return the directory of schools: one at each school canteen but the last."""
    head = (
        "Identifiant_de_l_etablissement;Nom_etablissement;Type_etablissement;Code_commune;"
        "Code_departement;Ecole_maternelle;Ecole_elementaire;Restauration;SIREN_SIRET;"
        "Nombre_d_eleves;latitude;longitude;etat"
    )
    lines = [
        f"0129{number:03d}A;{one.row['name']};Ecole;{INSEE};012;1;1;1;{one.siret};"
        f"{one.row['meals_per_day']};{one.row['lat']};{one.row['lon']};OUVERT"
        for number, one in enumerate(kitchens()[1:-1], start=1)
    ]
    return ("\ufeff" + "\n".join([head, *lines]) + "\n").encode()


@cache
def operators() -> tuple[dict[str, Any], ...]:
    """Return the organic farms of the sample, then farms made for the pages."""
    raw = json.loads((SAMPLE / "fermes.geojson").read_text("utf-8"))["features"]
    there = [
        (
            one["properties"]["name"],
            one["properties"]["productions"],
            *one["geometry"]["coordinates"],
        )
        for one in raw
        if one["properties"]["organic"] == "yes"
    ]
    there += [
        (f"Ferme fictive n° {n}", "legumes", round(2.99 + n / 10_000, 6), 44.07)
        for n in range(FAR_FARMS)
    ]
    return tuple(
        {
            "id": number,
            "numeroBio": 100_000 + number,
            "raisonSociale": name,
            "siret": f"999111{number:03d}00015",
            "productions": [{"code": "0", "nom": nom} for nom in grown.split(";")],
            "activites": [{"id": 1, "nom": "Production"}],
            "certificats": [{"organisme": "fictif", "etatCertification": "ENGAGEE"}],
            "adressesOperateurs": [
                {
                    "lieu": "fictif",
                    "codePostal": "12000",
                    "ville": NAME,
                    "lat": lat,
                    "long": lon,
                    "active": True,
                }
            ],
        }
        for number, (name, grown, lon, lat) in enumerate(there, start=1)
    )


@cache
def centre() -> tuple[float, float]:
    """Return the longitude and latitude of the middle of the parcels."""
    xmin, ymin, xmax, ymax = parcels().total_bounds
    turned = Transformer.from_crs(2154, 4326, always_xy=True)
    lon, lat = turned.transform((xmin + xmax) / 2, (ymin + ymax) / 2)
    return float(lon), float(lat)

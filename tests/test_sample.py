"""The fictitious territory: same seed same bytes, land that hangs together, errors as real ones."""

from __future__ import annotations

import filecmp
import gzip
import json
import tomllib

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pyogrio
import pytest
import rasterio
import shapely

from friches.errors import InputError
from friches.sample import make
from friches.sample.history import CAMPAIGNS, crops
from friches.sample.make import lay
from friches.studyfile import read_study
from friches.tables import STAGES

RPG_UPPER = ["ID_PARCEL", "SURF_PARC", "CODE_CULTU", "CODE_GROUP", "CULTURE_D1", "CULTURE_D2"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("land")
    make(path, 500, seed=3, truth=True)
    return path


@pytest.fixture(scope="module")
def land():
    return lay(2_500, seed=12)


def cadastre(folder):
    (path,) = folder.glob("cadastre-*.json.gz")
    return json.loads(gzip.decompress(path.read_bytes()))


def test_same_seed_same_bytes_and_another_differs(folder, tmp_path):
    make(tmp_path / "again", 500, seed=3, truth=True)
    make(tmp_path / "other", 500, seed=4)
    names = sorted(path.name for path in folder.iterdir())
    assert names == sorted(path.name for path in (tmp_path / "again").iterdir())
    same, differ, gone = filecmp.cmpfiles(folder, tmp_path / "again", names, shallow=False)
    assert (same, differ, gone) == (names, [], [])
    other = (tmp_path / "other" / "cadastre-12999-parcelles.json.gz").read_bytes()
    assert other != (folder / "cadastre-12999-parcelles.json.gz").read_bytes()
    assert not (tmp_path / "other" / "truth.parquet").exists()


@pytest.mark.parametrize("seed", [1, 12, 33])
def test_parcels_share_their_edges_exactly(seed):
    shapes = lay(1_500, seed).geometry
    assert len(shapes) == 1_500
    assert shapely.is_valid(shapes).all()
    assert shapely.coverage_is_valid(shapes)
    # neighbours have vertices in common, not merely places
    corners = shapely.get_coordinates(shapes)
    shared = np.unique(corners, axis=0, return_counts=True)[1]
    assert (shared > 1).mean() > 0.5


def test_parcel_areas_are_those_of_a_countryside(land):
    hectares = shapely.area(land.geometry) / 10_000
    assert ((hectares >= 0.05) & (hectares <= 5)).mean() > 0.995
    causse = land.table["plateau"].to_numpy() > 0.8
    hamlet = land.table["hamlet_m"].to_numpy() < 150
    assert np.median(hectares[causse]) > 4 * np.median(hectares[hamlet])


def test_cadastre_is_as_etalab_writes_it(folder):
    told = cadastre(folder)["features"]
    ids = [feature["id"] for feature in told]
    assert len(set(ids)) == len(ids) == 500
    for feature in told:
        said = feature["properties"]
        assert feature["id"] == said["id"]
        assert len(said["id"]) == 14
        padded = said["section"].zfill(2) + said["numero"].zfill(4)
        assert said["id"] == said["commune"] + said["prefixe"] + padded
        assert not said["numero"].startswith("0")
        assert said["created"] < said["updated"]
        assert said.get("contenance", 1) > 0
    ring = np.array(told[0]["geometry"]["coordinates"][0])
    assert (np.round(ring, 7) == ring).all()
    assert (ring[0] == ring[-1]).all()


def test_registered_area_is_about_the_measured_one(land):
    gap = np.abs(land.known["contenance"].astype(float) / land.table["area_m2"] - 1)
    assert gap.median() < 0.015
    assert 0.005 < (gap > 0.05).mean() < 0.04
    assert gap.max() < 0.13
    assert 0 < land.known["contenance"].isna().sum() < 20


def test_roads_are_one_network_and_reach_every_home(folder):
    roads = gpd.read_file(folder / "troncon_de_route.gpkg")
    web = nx.Graph()
    for line in roads.geometry:
        web.add_edge(line.coords[0], line.coords[-1])
    assert nx.is_connected(web)
    assert set(roads["nature"]) <= {"Route à 1 chaussée", "Route empierrée", "Chemin"}
    houses = gpd.read_file(folder / "batiment.gpkg").query("usage_1 == 'Résidentiel'")
    far = houses.geometry.distance(roads.union_all())
    assert far.quantile(0.95) < 250


def test_parcels_lie_beside_the_roads_not_under_them(folder, land):
    roads = gpd.read_file(folder / "troncon_de_route.gpkg").union_all()
    told = gpd.GeoDataFrame.from_features(cadastre(folder)["features"], crs=4326).to_crs(2154)
    inside = told.buffer(-1.0).intersection(roads.buffer(0.1)).area
    assert (inside > 0).mean() < 0.02
    assert (told.distance(roads) < 10).mean() > 0.3


def test_fields_rotate_and_hold_several_parcels(land):
    codes = crops(land.table, seed=12)
    arable = (land.table["use"] == "arable").to_numpy() & land.table["declared"].to_numpy()
    kinds = codes[arable].nunique(axis=1)
    assert kinds.min() > 1
    perennial = (land.table["use"] == "vine").to_numpy() & land.table["declared"].to_numpy()
    assert codes[perennial].nunique(axis=1).max() == 1
    assert (land.table.loc[codes[2024] != "", "group"].value_counts() > 1).mean() > 0.3


@pytest.mark.parametrize("year", CAMPAIGNS)
def test_declared_fields_are_as_that_year_wrote_them(folder, year):
    path = folder / f"rpg_{year}.gpkg"
    ((layer, kind),) = pyogrio.list_layers(path)
    upper, lower = ("PARCELLES_GRAPHIQUES", "parcelles_graphiques")
    assert layer == {2022: lower, 2024: "RPG_Parcelles"}.get(year, upper)
    assert kind == "Polygon"
    fields = gpd.read_file(path)
    expected = RPG_UPPER if year in {2019, 2020, 2021, 2024} else [c.lower() for c in RPG_UPPER]
    assert [c for c in fields.columns if c != "geometry"] == expected
    assert fields.crs == 2154
    assert fields.geometry.is_valid.all()
    empty = fields[expected[4]]
    assert (empty == "").all() if year == 2022 else empty.isna().all()


def test_fields_are_drawn_half_a_metre_to_two_metres_aside(folder):
    fields = gpd.read_file(folder / "rpg_2024.gpkg")
    told = gpd.GeoDataFrame.from_features(cadastre(folder)["features"], crs=4326).to_crs(2154)
    land = told.union_all()
    outside = fields.geometry.difference(land.buffer(2.5)).area.sum()
    assert outside < 0.01 * fields.area.sum()
    corners = shapely.points(shapely.get_coordinates(fields.geometry))
    apart = shapely.distance(corners, shapely.union_all(told.boundary))
    assert 0.3 < np.median(apart) < 2.0


def test_truth_is_plausible_and_named_as_the_safer_names_it(folder, land):
    truth = pd.read_parquet(folder / "truth.parquet")
    assert list(truth.columns) == ["parcel_id", "fallow", "stage"]
    assert len(truth) == 500
    assert 0.04 <= truth["fallow"].mean() <= 0.08
    assert 0.04 <= land.table["fallow"].mean() <= 0.08
    assert set(truth.loc[truth["fallow"], "stage"]) <= set(STAGES)
    assert (truth.loc[~truth["fallow"], "stage"] == "").all()
    assert land.table["stage"].replace("", np.nan).nunique() >= 8


def test_fallow_is_clustered_and_keeps_to_slopes(land):
    tree = shapely.STRtree(land.geometry)
    one, two = tree.query(land.geometry, predicate="touches")
    fallow = land.table["fallow"].to_numpy()
    beside_fallow = fallow[two[fallow[one]]].mean()
    assert beside_fallow > 4 * fallow[two[~fallow[one]]].mean()
    slope = land.table["slope_pct"]
    open_land = ~land.table["use"].isin(["wood", "house", "garden"])
    assert slope[fallow].mean() > 1.2 * slope[open_land & ~fallow].mean()


def test_what_looks_fallow_to_a_filter_and_is_not_is_there(land):
    codes = crops(land.table, seed=12)
    silent = (codes[[2022, 2023, 2024]] == "").all(axis=1)
    for use in ("vine", "orchard", "market", "grazed", "compensation", "reclaimed"):
        rows = land.table["use"] == use
        assert (rows & silent).any(), use
        assert not land.table.loc[rows, "fallow"].any(), use
    candidates = silent & ~land.table["use"].isin(["wood", "house", "garden"])
    assert 0.1 < land.table.loc[candidates, "fallow"].mean() < 0.35
    assert land.table.loc[candidates, "fallow"].sum() < land.table["fallow"].sum()


def shares(folder, truth_of):
    with rasterio.open(folder / "oso_2023.tif") as image:
        assert (image.dtypes, image.nodata, image.res) == (("uint8",), 0, (10, 10))
        assert image.crs == 2154
        spots = [(p.x, p.y) for p in shapely.point_on_surface(truth_of.geometry)]
        return np.array([code for (code,) in image.sample(spots)])


def test_land_cover_errs_as_the_real_one(tmp_path_factory, land):
    folder = tmp_path_factory.mktemp("big")
    make(folder, 2_500, seed=12)
    code = shares(folder, land)
    shrubs = land.table["stage"].isin(["arbustive basse", "arbustive haute"]).to_numpy()
    shrubs = shrubs | (land.table["use"] == "heath").to_numpy()
    assert 0.15 < (code[shrubs] == 19).mean() < 0.4
    bounds = {
        "wood": (0.8, 0.99),
        "orchard": (0.2, 0.5),
        "vine": (0.4, 0.8),
        "meadow": (0.75, 0.95),
    }
    codes = {"wood": (16, 17), "orchard": (14,), "vine": (15,), "meadow": (13,)}
    for use, (low, high) in bounds.items():
        right = codes[use]
        found = np.isin(code[(land.table["use"] == use).to_numpy()], right).mean()
        assert low < found < high, use
    with rasterio.open(folder / "ndvi.tif") as image:
        assert image.count == 12
        assert set(image.dtypes) == {"int16"}
        assert image.nodata == -32_768
        assert [pd.Timestamp(day).year for day in image.descriptions] == [2024] * 12
        spots = [(p.x, p.y) for p in shapely.point_on_surface(land.geometry)]
        seen = np.array(list(image.sample(spots))).astype(float)
    seen[seen == -32_768] = np.nan
    assert 0.01 < np.isnan(seen).mean() < 0.25
    mean, spread = np.nanmean(seen, axis=1) / 10_000, np.nanstd(seen, axis=1) / 10_000
    use = land.table["use"].to_numpy()
    assert mean[use == "wood"].mean() > mean[use == "fallow"].mean() > mean[use == "arable"].mean()
    assert spread[use == "fallow"].mean() < 0.6 * spread[use == "arable"].mean()
    assert mean[use == "arable"].mean() < mean[use == "orchard"].mean() < mean[use == "wood"].mean()


def test_relief_covers_the_parcels(folder):
    told = gpd.GeoDataFrame.from_features(cadastre(folder)["features"], crs=4326).to_crs(2154)
    with rasterio.open(folder / "mnt.tif") as image:
        assert (image.dtypes, image.res) == (("float32",), (25, 25))
        west, south, east, north = told.total_bounds
        assert image.bounds.left < west
        assert image.bounds.bottom < south
        assert image.bounds.right > east
        assert image.bounds.top > north
        heights = image.read(1)
    assert 100 < heights.min() < heights.max() < 1_000
    assert np.ptp(heights) > 80


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("batiment", {"cleabs", "nature", "usage_1", "usage_2", "hauteur"}),
        ("troncon_de_route", {"cleabs", "nature", "importance", "sens_de_circulation",
                              "vitesse_moyenne_vl"}),
        ("formation_vegetale", {"CODE_TFV", "TFV", "TFV_G11", "ESSENCE"}),
        ("zone_urba", {"libelle", "libelong", "typezone", "partition"}),
    ],
)  # fmt: skip
def test_layers_have_the_columns_of_the_real_ones(folder, name, columns):
    layer = gpd.read_file(folder / f"{name}.gpkg")
    assert columns <= set(layer.columns)
    assert layer.crs == 2154
    assert layer.geometry.is_valid.all()


@pytest.mark.shared
def test_owners_are_legal_persons_with_fictitious_names(folder, shared):
    expected = (shared / "data/owners/colonnes_parcelles_personnes_morales.txt").read_text("utf-8")
    owners = pd.read_csv(folder / "parcelles_personnes_morales.csv", sep=";", dtype=str)
    assert list(owners.columns) == expected.split("\n")[:24]
    names = owners["Dénomination (Propriétaire(s) parcelle)"]
    unknown = names == "PROPRIETAIRE INCONNU"
    assert names[~unknown].str.contains("FICTI").all()
    assert (names == "SECTION DE HAUT-HAMEAU (FICTIF)").sum() == 1


def test_price_stands_on_every_row_of_a_sale(folder):
    sales = pd.read_csv(folder / "dvf_12999.csv", dtype={"id_parcelle": str})
    assert len(sales.columns) == 40
    assert sales.groupby("id_mutation")["valeur_fonciere"].nunique().max() == 1
    assert sales["id_mutation"].duplicated().any()
    assert sales["id_parcelle"].str.len().eq(14).all()


def test_meals_of_the_satellites_are_those_of_the_kitchen(folder):
    canteens = pd.read_csv(folder / "cantines.csv", dtype={"canteen_id": str, "served_by": str})
    (kitchen,) = canteens.query("kind == 'central'").itertuples()
    served = canteens.query("kind == 'site_cooked_elsewhere'")
    assert (served["served_by"] == kitchen.canteen_id).all()
    assert served["meals_per_day"].sum() == kitchen.meals_per_day == 1_500
    assert (kitchen.organic_share, kitchen.local_share) == (0.58, 0.40)


def test_a_dozen_farms_and_a_collective(folder):
    farms = gpd.read_file(folder / "fermes.geojson")
    assert len(farms) == 13
    assert (farms["kind"] == "collective").sum() == 1
    assert farms["name"].str.contains("ficti").all()
    assert farms["farmer_id"].is_unique
    assert len(set(farms.geometry.to_wkt())) == 13


def test_the_study_file_names_every_source(folder):
    study = read_study(folder / "study.toml")
    assert study.name == "Saint-Rebelle (territoire fictif)"
    assert study.study.fictitious
    said = tomllib.loads((folder / "study.toml").read_text("utf-8"))["sources"]
    assert set(said) == {"cadastre", "buildings", "roads", "forest", "zoning", "land_cover",
                         "elevation", "ndvi", "owners", "sales", "constraints", "canteens",
                         "farmers", "declared_fields"}  # fmt: skip
    for layer in set(said) - {"declared_fields"}:
        assert all(path.is_file() for path in study.files(layer)), layer
    assert [int(year) for year in said["declared_fields"]] == list(CAMPAIGNS)


def test_a_larger_land_has_several_communes():
    land = lay(6_000, seed=5)
    communes = land.known["commune"].unique()
    assert sorted(communes) == ["12998", "12999"]
    assert land.known["parcel_id"].is_unique


@pytest.mark.parametrize(("parcels", "seed"), [(499, 1), (1_000_001, 1), (500, -1)])
def test_out_of_range_is_refused_before_anything_is_written(tmp_path, parcels, seed):
    with pytest.raises(InputError):
        make(tmp_path / "never", parcels, seed)
    assert not (tmp_path / "never").exists()

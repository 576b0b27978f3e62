"""Forest stands and zones of a town plan, from every spelling met."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import box

from friches.errors import InputError
from friches.sources.forest import read_forest, stand_of
from friches.sources.zoning import read_zoning, zone_of

if TYPE_CHECKING:
    from pathlib import Path

CRS = "EPSG:2154"
WEST, SOUTH = 700_000.0, 6_300_000.0
BOUNDS = (WEST, SOUTH, WEST + 100, SOUTH + 100)


def layer(path: Path, *, driver: str = "GPKG", **columns: list) -> Path:
    n = len(next(iter(columns.values())))
    shapes = [box(WEST + 10 * i, SOUTH, WEST + 10 * i + 10, SOUTH + 10) for i in range(n)]
    gpd.GeoDataFrame(columns, geometry=shapes, crs=CRS).to_file(path, driver=driver)
    return path


@pytest.mark.parametrize(
    ("code", "stand"),
    [
        ("FF0", "closed"),
        ("FF1-00-00", "closed"),
        ("FF2G61-61", "closed"),
        ("FF31", "closed"),
        ("FO0", "open"),
        ("FO3", "open"),
        ("FP", "poplar"),
        ("LA4", "heath"),
        ("LA6", "herb"),
        ("ff1g01-01", "closed"),
        ("LA9", "unknown"),
        ("", "unknown"),
        (None, "unknown"),
    ],
)
def test_stand_of_code(code: str | None, stand: str) -> None:
    assert stand_of(code) == stand


@pytest.mark.parametrize("column", ["CODE_TFV", "code_tfv", "TFV"])
def test_bd_foret(tmp_path: Path, column: str) -> None:
    path = layer(tmp_path / "f.gpkg", **{column: ["FF1-00-00", "LA4", None]})
    forest = read_forest([path], CRS, BOUNDS)
    assert forest["stand"].tolist() == ["closed", "heath", "unknown"]
    assert forest["tfv"].tolist()[:2] == ["FF1-00-00", "LA4"]


def test_vegetation_of_bd_topo(tmp_path: Path) -> None:
    natures = ["Forêt ouverte", "Lande ligneuse", "Verger", "Haie", "Inédit"]
    forest = read_forest([layer(tmp_path / "f.gpkg", nature=natures)], CRS, BOUNDS)
    # An orchard is no forest; a hedge or an unknown word does not say how closed it is.
    assert forest["stand"].tolist() == ["open", "heath", "unknown", "unknown"]
    assert forest["tfv"].isna().all()


@pytest.mark.parametrize("columns", [{"nature": ["Chemin"]}, {"code_tfv": ["31"]}])
def test_another_layer_is_told(tmp_path: Path, columns: dict) -> None:
    with pytest.raises(InputError, match="aucune valeur reconnue"):
        read_forest([layer(tmp_path / "f.gpkg", **columns)], CRS, BOUNDS)


@pytest.mark.parametrize(
    ("typezone", "zone"),
    [
        *[(t, "U") for t in ("U", "UA", "Ub", "1U", "NB")],
        *[
            (t, "AU")
            for t in ("AU", "AUc", "AUs", "1AU", "2AUx", "IIAU", "NA", "1NA", "INA", "IINA")
        ],
        *[(t, "A") for t in ("A", "Ah", "Ap", "NC", "a")],
        *[(t, "N") for t in ("N", "Nh", "Nd", "ND", "Nc", "Na", "n", " N ")],
        *[(t, "other") for t in ("", "ZZ", "X1", "99", None)],
    ],
)
def test_zone_of(typezone: str | None, zone: str) -> None:
    assert zone_of(typezone) == zone


@given(st.text(max_size=6))
@settings(max_examples=60)
def test_zone_is_always_one_of_five(text: str) -> None:
    assert zone_of(text) in {"U", "AU", "A", "N", "other"}


def test_zoning_columns_old_and_new(tmp_path: Path) -> None:
    old = layer(tmp_path / "old.gpkg", TYPEZONE=["NC", "U"], LIBELLE=["NCa", None])
    new = layer(tmp_path / "new.gpkg", typezone=["AUs", None], libelle=["2AU", "?"])
    zones = read_zoning([old, new], CRS, BOUNDS)
    assert zones["zone"].tolist() == ["A", "U", "AU", "other"]
    assert zones["label"].tolist()[0] == "NCa"
    assert zones["typezone"].tolist()[:3] == ["NC", "U", "AUs"]


@pytest.mark.parametrize("codes", [["01", "02", "03", "99"], [1, 2, 3, 99]])
def test_carte_communale(tmp_path: Path, codes: list) -> None:
    zones = read_zoning([layer(tmp_path / "cc.gpkg", TYPESECT=codes)], CRS, BOUNDS)
    assert zones["zone"].tolist() == ["U", "U", "other", "other"]
    assert zones["label"][2] == "secteur non ouvert à la construction"


def test_folder_of_a_document(tmp_path: Path) -> None:
    inside = tmp_path / "12999_PLU" / "Donnees_geographiques"
    inside.mkdir(parents=True)
    with pytest.raises(InputError, match="ZONE_URBA"):
        read_zoning([tmp_path], CRS, BOUNDS)
    layer(inside / "12999_zone_urba_20200101.shp", driver="ESRI Shapefile", TYPEZONE=["A"])
    layer(inside / "12999_prescription_surf_20200101.gpkg", TYPEPSC=["01"])
    assert read_zoning([tmp_path], CRS, BOUNDS)["zone"].tolist() == ["A"]


def test_not_a_zoning(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="« typezone » absente"):
        read_zoning([layer(tmp_path / "z.gpkg", name=["x"])], CRS, BOUNDS)
    with pytest.raises(InputError, match="aucune valeur reconnue"):
        read_zoning([layer(tmp_path / "y.gpkg", typezone=["forêt"])], CRS, BOUNDS)


@pytest.mark.shared
def test_gennes_zones(shared: Path) -> None:
    bounds = tuple(gpd.read_file(shared / "data/gennes/parcel.gpkg").total_bounds)
    zones = read_zoning([shared / "data/gennes/zoning.gpkg"], CRS, bounds)
    hectares = (zones.area.groupby(zones["zone"]).sum() / 1e4).to_dict()
    expected = {"A": 208.8, "N": 541.0, "U": 65.0, "AU": 44.7}
    assert hectares == pytest.approx(expected, abs=0.1)


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("30014_PLU_20171013", {"A": 50, "N": 22, "U": 16, "AU": 2}),
        ("241800432_PLUi_20200128", {"N": 167, "U": 38, "A": 13, "AU": 3}),
    ],
)
def test_real_documents(shared: Path, name: str, counts: dict[str, int]) -> None:
    zones = read_zoning([shared / "data/plu" / name], CRS, None)
    assert zones["zone"].value_counts().to_dict() == counts
    assert len(zones) == sum(counts.values())
    assert zones.crs == CRS
    assert not zones.has_z.any()
    assert zones.is_valid.all()


@pytest.mark.shared
def test_recorded_gpu_answers(shared: Path) -> None:
    answers = sorted((shared / "data/apicarto").glob("gpu_zone_urba_*.geojson"))
    tables = [read_zoning([path], CRS, None) for path in answers]
    assert sorted(len(table) for table in tables) == [1, 1, 1, 3, 39]
    assert set().union(*(set(table["zone"]) for table in tables)) == {"U", "AU", "A", "N"}

"""Perimeters: their kind told by a column, a name or their own columns, never guessed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import pytest
from shapely.geometry import box

from friches.errors import InputError
from friches.sources.constraints import kind_in, kind_labels, nature_kinds, read_constraints

if TYPE_CHECKING:
    from pathlib import Path

CRS = "EPSG:2154"
WEST, SOUTH = 700_000.0, 6_300_000.0
BOUNDS = (WEST, SOUTH, WEST + 100, SOUTH + 100)


def layer(path: Path, east: float = 0, **columns: list) -> Path:
    n = len(next(iter(columns.values())))
    shapes = [
        box(WEST + east + 10 * i, SOUTH, WEST + east + 10 * i + 10, SOUTH + 10) for i in range(n)
    ]
    gpd.GeoDataFrame(columns, geometry=shapes, crs=CRS).to_file(path, driver="GPKG")
    return path


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("natura2000", "natura2000"),
        ("N_ZSC_S_012", "natura2000"),
        ("sic", "natura2000"),
        ("znieff1", "znieff"),
        ("patrinat_apb", "biotope"),
        ("mesures_compensatoires_emprises", "compensation"),
        ("ZAP_12", "zap"),
        ("paen", "paen"),
        ("périmètre captage", "captage"),
        ("aire_parcellaire", "aoc"),
        ("EBC", "ebc"),
        ("ZONE_HUMIDE_2019", "wetland"),
        ("zone_montagne", "mountain"),
        ("ens_12", "ens"),
        ("pnr", "park"),
        ("RNN", "reserve"),
    ],
)
def test_kind_in_a_name(text: str, kind: str) -> None:
    assert kind_in(text) == {kind}


def test_words_inside_words_say_nothing() -> None:
    assert kind_in("basic_ensemble_zapping") == set()


@pytest.mark.parametrize("kind", sorted(kind_labels()))
def test_every_kind_is_its_own_name_and_has_a_label(tmp_path: Path, kind: str) -> None:
    assert kind_in(kind) == {kind}
    assert kind_labels()[kind]
    table = read_constraints([layer(tmp_path / f"{kind}.gpkg", nom=["X"])], CRS, BOUNDS)
    assert table["kind"].tolist() == [kind]
    assert table["name"].tolist() == ["X"]


def test_nature_kinds() -> None:
    assert {"natura2000", "biotope", "compensation"} <= nature_kinds()
    assert not nature_kinds() & {"zap", "aoc", "mountain", "znieff"}


def test_several_files(tmp_path: Path) -> None:
    one = layer(tmp_path / "znieff1.gpkg", nom=["Causse"])
    two = layer(tmp_path / "mixed.gpkg", kind=["zap", "Natura 2000 (ZSC)"], name=["a", None])
    table = read_constraints([one, two], CRS, BOUNDS)
    assert table["kind"].tolist() == ["znieff", "zap", "natura2000"]
    assert table["name"].isna().tolist() == [False, False, True]
    assert table.attrs["kinds_read"] == ["natura2000", "zap", "znieff"]


def test_own_columns(tmp_path: Path) -> None:
    path = layer(tmp_path / "couche.gpkg", SITECODE=["FR1"], SITENAME=["Gorges"])
    table = read_constraints([path], CRS, BOUNDS)
    assert table[["kind", "name"]].values.tolist() == [["natura2000", "Gorges"]]


@pytest.mark.parametrize("codes", [["01", "07"], [1, 7]])
def test_prescriptions_of_a_plan(tmp_path: Path, codes: list) -> None:
    path = layer(tmp_path / "prescription_surf.gpkg", TYPEPSC=codes, LIBELLE=["EBC", "haie"])
    assert read_constraints([path], CRS, BOUNDS)["kind"].tolist() == ["ebc"]


def test_unknown_kinds_list_the_known(tmp_path: Path) -> None:
    nameless = layer(tmp_path / "couche.gpkg", nom=["X"])
    wrong = layer(tmp_path / "b.gpkg", kind=["zap", "inédit"])
    both = layer(tmp_path / "natura_znieff.gpkg", nom=["X"])
    with pytest.raises(InputError) as caught:
        read_constraints([nameless, wrong, both], CRS, BOUNDS)
    first, second, third = map(str, caught.value.breaches)
    assert all(kind in first for kind in kind_labels())
    assert "« inédit »" in second
    assert "plusieurs périmètres" in third


def test_none_here_is_an_answer_elsewhere_is_not(tmp_path: Path) -> None:
    near = layer(tmp_path / "zap.gpkg", east=5_000, nom=["X"])
    table = read_constraints([near], CRS, BOUNDS)
    assert len(table) == 0
    assert table.attrs["kinds_read"] == ["zap"]
    far = layer(tmp_path / "paen.gpkg", east=200_000, nom=["X"])
    with pytest.raises(InputError, match="autre territoire"):
        read_constraints([far], CRS, BOUNDS)


@pytest.mark.shared
def test_real_prescriptions(shared: Path) -> None:
    paths = sorted((shared / "data/plu").rglob("*PRESCRIPTION_SURF*.shp"))
    assert len(paths) == 2
    for path in paths:
        said = gpd.read_file(path)["TYPEPSC"].astype("str").str.zfill(2)
        table = read_constraints([path], CRS, None)
        assert len(table) == int((said == "01").sum())
        assert set(table["kind"]) <= {"ebc"}

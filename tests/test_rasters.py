"""Rasters: what is read of a GeoTIFF, and what is refused before any pixel is used."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
import rasterio
from affine import Affine

from friches.errors import InputError
from friches.sources import pixels, rasters
from friches.sources.land_cover import read_land_cover
from friches.sources.rasters import date_in, read_rasters

if TYPE_CHECKING:
    from pathlib import Path

CRS = "EPSG:2154"
WEST, NORTH = 700_000.0, 6_300_000.0
BOUNDS = (WEST, NORTH - 30, WEST + 30, NORTH)  # three pixels of 10 m a side


def from_origin(west: float, north: float, width: float, height: float) -> Affine:
    return Affine(width, 0, west, 0, -height, north)


def write(path: Path, values: Any, **said: Any) -> Path:
    cube = np.atleast_3d(np.asarray(values))
    if np.asarray(values).ndim == 2:
        cube = np.asarray(values)[None]
    profile = {
        "driver": "GTiff",
        "count": cube.shape[0],
        "height": cube.shape[1],
        "width": cube.shape[2],
        "dtype": cube.dtype,
        "crs": CRS,
        "transform": from_origin(WEST, NORTH, 10, 10),
    } | {k: v for k, v in said.items() if k not in ("descriptions", "tags", "offsets", "scales")}
    with rasterio.open(path, "w", **profile) as out:
        out.write(cube)
        for band, text in enumerate(said.get("descriptions", ()), 1):
            out.set_band_description(band, text)
        out.update_tags(**said.get("tags", {}))
        if "offsets" in said:
            out.offsets = said["offsets"]
        if "scales" in said:
            out.scales = said["scales"]
    return path


def refused(path: Path, kind: str = "land_cover", legend: str | None = "oso23", **kw: Any) -> str:
    bounds = kw.get("bounds", BOUNDS)
    with pytest.raises(InputError) as caught:
        read_rasters([path], kind, CRS, bounds, legend)
    return str(caught.value)


COVER = np.array([[13, 13, 19], [16, 13, 19], [16, 16, 5]], dtype="uint8")


def test_land_cover_row(tmp_path: Path) -> None:
    path = write(tmp_path / "oso.tif", COVER)
    table = read_rasters([path], "land_cover", CRS, BOUNDS, "oso23")
    assert table.attrs["covered"] == 1.0
    row = table.iloc[0]
    assert (row["kind"], row["band"], row["scale"], row["legend"]) == (
        "land_cover",
        1,
        1.0,
        "oso23",
    )
    assert row["nodata"] == 0  # the legend's own, as the file declares none
    assert pd.isna(row["day"])


def test_declared_nodata_is_kept(tmp_path: Path) -> None:
    path = write(tmp_path / "oso.tif", COVER, nodata=255)
    assert read_rasters([path], "land_cover", CRS, BOUNDS, "oso23").loc[0, "nodata"] == 255


@pytest.mark.parametrize(
    ("code", "legend", "other"),
    [
        (211, "oso23", "oso17"),
        (31, "oso23", "oso17"),
        (19, "oso17", "oso23"),
        (1, "oso17", "oso23"),
    ],
)
def test_code_of_the_other_legend(tmp_path: Path, code: int, legend: str, other: str) -> None:
    path = write(tmp_path / "oso.tif", np.full((3, 3), code, dtype="uint8"))
    message = refused(path, legend=legend)
    assert str(code) in message
    assert f'legend = "{other}"' in message


def test_code_of_no_legend_and_outside_the_study(tmp_path: Path) -> None:
    values = np.full((3, 6), 13, dtype="uint8")
    values[0, 5] = 99  # east of the study
    path = write(tmp_path / "oso.tif", values)
    assert len(read_rasters([path], "land_cover", CRS, BOUNDS, "oso23")) == 1
    assert "99" in refused(path, bounds=(WEST, NORTH - 30, WEST + 60, NORTH))


def test_codes_with_decimals(tmp_path: Path) -> None:
    path = write(tmp_path / "oso.tif", np.full((3, 3), 13.5, dtype="float32"))
    assert "décimales" in refused(path)


@pytest.mark.parametrize("legend", ["clc", "ocsge", None])
def test_legend_not_read_in_images(tmp_path: Path, legend: str | None) -> None:
    assert "oso17" in refused(write(tmp_path / "x.tif", COVER), legend=legend)


@pytest.mark.parametrize("name", ["x.tif", "x.vrt"])
def test_vrt_is_refused_even_in_disguise(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text('<VRTDataset rasterXSize="3" rasterYSize="3"></VRTDataset>')
    assert "VRT" in refused(path)
    with pytest.raises(InputError, match="VRT"):
        read_land_cover(path, "oso23", CRS, BOUNDS)


def test_other_files(tmp_path: Path) -> None:
    path = tmp_path / "x.tif"
    path.write_bytes(b"\x89PNG\r\n")
    assert "GeoTIFF" in refused(path)
    assert "introuvable" in refused(tmp_path / "none.tif")
    whole = write(tmp_path / "y.tif", np.full((400, 400), 13, dtype="uint8"))
    path.write_bytes(whole.read_bytes()[:5000])
    assert "illisible" in refused(path)


def test_crs_missing_other_and_renamed(tmp_path: Path) -> None:
    assert "aucun système" in refused(write(tmp_path / "a.tif", COVER, crs=None))
    message = refused(write(tmp_path / "b.tif", COVER, crs="EPSG:32631"))
    assert "gdalwarp -t_srs EPSG:2154 -r near" in message
    for name in ("IGNF:LAMB93", "EPSG:9794"):
        path = write(tmp_path / "c.tif", COVER, crs=name)
        assert len(read_rasters([path], "land_cover", CRS, BOUNDS, "oso23")) == 1


def test_huge_sparse_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "huge.tif"
    with rasterio.open(
        *(path, "w"),
        driver="GTiff",
        width=100_000,
        height=100_000,
        count=1,
        dtype="uint8",
        crs=CRS,
        transform=from_origin(WEST, NORTH, 10, 10),
        SPARSE_OK=True,
        BIGTIFF="YES",
    ):
        pass
    assert path.read_bytes()[:4] in rasters.MAGIC
    assert "100000 x 100000" in refused(path)


def test_too_many_pixels_on_the_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "x.tif", COVER)
    monkeypatch.setattr(pixels, "MAX_READ", 9)
    assert len(read_rasters([path], "land_cover", CRS, BOUNDS, "oso23")) == 1
    monkeypatch.setattr(pixels, "MAX_READ", 8)
    assert "3 x 3 pixels" in refused(path)


def test_turned_image(tmp_path: Path) -> None:
    path = write(tmp_path / "x.tif", COVER, transform=Affine(9, 1, WEST, 1, -9, NORTH))
    assert "tournée" in refused(path)


def test_coverage_exactly_half_and_just_short(tmp_path: Path) -> None:
    path = write(tmp_path / "x.tif", COVER)
    half = (WEST, NORTH - 30, WEST + 60, NORTH)
    assert read_rasters([path], "land_cover", CRS, half, "oso23").attrs["covered"] == 0.5
    assert "ne couvre que" in refused(path, bounds=(WEST, NORTH - 30, WEST + 60.1, NORTH))
    assert "ne couvre pas la commune" in refused(path, bounds=(0, 0, 10, 10))


def test_tiles_add_up_and_far_ones_are_left(tmp_path: Path) -> None:
    paths = [
        write(tmp_path / f"{i}.tif", COVER, transform=from_origin(WEST + x, NORTH, 10, 10))
        for i, x in enumerate((0, 30, 90_000))
    ]
    study = (WEST, NORTH - 30, WEST + 60, NORTH)
    table = read_rasters(paths, "land_cover", CRS, study, "oso23")
    assert table.attrs["covered"] == 1.0
    assert table["path"].tolist() == [str(p) for p in paths[:2]]


def test_tile_that_only_touches(tmp_path: Path) -> None:
    path = write(tmp_path / "x.tif", COVER)
    beside = (WEST + 30, NORTH - 30, WEST + 60, NORTH)
    assert "ne couvre pas la commune" in refused(path, bounds=beside)
    next_tile = write(tmp_path / "y.tif", COVER, transform=from_origin(WEST + 30, NORTH, 10, 10))
    assert len(read_rasters([path, next_tile], "land_cover", CRS, beside, "oso23")) == 1


def test_two_bad_files_in_one_message(tmp_path: Path) -> None:
    bad = [write(tmp_path / f"{i}.tif", COVER, crs=None) for i in range(2)]
    with pytest.raises(InputError) as caught:
        read_rasters(bad, "land_cover", CRS, BOUNDS, "oso23")
    assert len(caught.value.breaches) == 2


def test_elevation(tmp_path: Path) -> None:
    heights = np.array([[600, 601, 602]] * 3, dtype="float32")
    path = write(tmp_path / "mnt.tif", heights, nodata=-99999)
    row = read_rasters([path], "elevation", CRS, BOUNDS).iloc[0]
    assert (row["nodata"], row["scale"], row["band"]) == (-99999, 1.0, 1)
    assert pd.isna(row["legend"])
    heights[0, 0] = -99999
    message = refused(write(tmp_path / "bad.tif", heights), "elevation", None)
    assert "-a_nodata -99999" in message
    two = write(tmp_path / "two.tif", np.stack([heights, heights]))
    assert "2 bandes" in refused(two, "elevation", None)


def test_ndvi_dates_from_descriptions(tmp_path: Path) -> None:
    cube = np.full((3, 3, 3), 5000, dtype="int16")
    path = write(tmp_path / "ndvi.tif", cube, descriptions=["2023-04-05", "NDVI 20230610", ""])
    table = read_rasters([path], "ndvi", CRS, BOUNDS)
    assert table["day"].tolist()[:2] == [pd.Timestamp("2023-04-05"), pd.Timestamp("2023-06-10")]
    assert pd.isna(table["day"][2])
    assert table["scale"].tolist() == [1e-4] * 3
    assert table["band"].tolist() == [1, 2, 3]


def test_ndvi_date_from_tag_then_name(tmp_path: Path) -> None:
    one = np.full((1, 3, 3), 0.5, dtype="float32")
    tags = {"TIFFTAG_DATETIME": "2023:05:12 10:00:00"}
    tagged = write(tmp_path / "ndvi_20230101.tif", one, tags=tags)
    named = write(tmp_path / "ndvi_20230601.tif", one)
    yearly = write(tmp_path / "ndvi_2023.tif", one)
    days = [read_rasters([p], "ndvi", CRS, BOUNDS).loc[0, "day"] for p in (tagged, named, yearly)]
    assert days[:2] == [pd.Timestamp("2023-05-12"), pd.Timestamp("2023-06-01")]
    assert pd.isna(days[2])
    assert read_rasters([named], "ndvi", CRS, BOUNDS).loc[0, "scale"] == 1.0


def test_ndvi_refusals(tmp_path: Path) -> None:
    two = np.full((2, 3, 3), 5000, dtype="int16")
    twice = write(tmp_path / "a.tif", two, descriptions=["2023-04-05", "20230405"])
    assert "en double" in refused(twice, "ndvi", None)
    real = write(tmp_path / "b.tif", np.full((3, 3), 5000, dtype="float32"))
    assert "hors de −1 à 1" in refused(real, "ndvi", None)
    hole = np.full((30, 30), 5000, dtype="int16")
    hole[0, 0] = -32768
    assert "a_nodata" in refused(write(tmp_path / "e.tif", hole), "ndvi", None)
    assert len(read_rasters([write(tmp_path / "e.tif", hole, nodata=-32768)], "ndvi", CRS, BOUNDS))
    byte = write(tmp_path / "c.tif", np.full((3, 3), 125, dtype="uint8"))
    assert "octet" in refused(byte, "ndvi", None)
    shifted = write(tmp_path / "d.tif", two[:1], offsets=[0.1])
    assert "offset" in refused(shifted, "ndvi", None)


def test_ndvi_declared_scale_wins(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", np.full((3, 3), 125, dtype="uint8"), scales=[0.004])
    assert read_rasters([path], "ndvi", CRS, BOUNDS).loc[0, "scale"] == 0.004


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2023-04-05", dt.date(2023, 4, 5)),
        ("S2A_20230405T105031", dt.date(2023, 4, 5)),
        ("S2A_20230405_x", dt.date(2023, 4, 5)),
        ("20231345 20230405", dt.date(2023, 4, 5)),
        ("2023", None),
        ("120230405", None),
    ],
)
def test_date_in(text: str, day: dt.date | None) -> None:
    assert date_in(text) == day


@pytest.mark.shared
def test_real_oso(shared: Path) -> None:
    path = shared / "data/oso/oso_17classes_muret.tif"
    bounds = (570_420.0, 6_262_890.0, 571_920.0, 6_264_390.0)
    key, table = read_land_cover(path, "oso17", CRS, bounds)
    assert (key, table.attrs["covered"], table.attrs["mixed"]) == ("land_cover_raster", 1.0, [])
    with rasterio.open(table.loc[0, "path"]) as source:
        codes, counts = np.unique(source.read(1), return_counts=True)
    assert dict(zip(codes.tolist(), counts.tolist(), strict=True)) == {
        11: 195,
        12: 1237,
        31: 40,
        42: 838,
        43: 160,
        211: 30,
    }
    assert "oso17" in refused(path, bounds=bounds)

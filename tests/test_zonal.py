from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import CRS
from rasterio import Affine
from shapely import box

from friches.errors import InputError
from friches.spatial import mosaic as mosaics
from friches.spatial.mosaic import Grid, mosaic, window_shape
from friches.spatial.overlay import overlay
from friches.spatial.zonal import STEEP_PCT, band_means, class_shares, horn, relief

LAMBERT_93 = "EPSG:2154"
NINE = np.arange(1, 10, dtype=np.uint8).reshape(3, 3)


def parcels(*shapes):
    ids = [f"P{k}" for k in range(len(shapes))]
    return gpd.GeoDataFrame({"parcel_id": ids}, geometry=list(shapes), crs=LAMBERT_93)


@pytest.fixture
def raster(tmp_path):
    """Write bands to a GeoTIFF whose south-west corner is (0, 0); return its rows."""
    count = iter(range(100))

    def write(
        *bands, west=0.0, north=None, size=1.0, nodata=None, scale=1.0, days=None, crs=LAMBERT_93
    ):
        path = tmp_path / f"{next(count)}.tif"
        rows, columns = bands[0].shape
        corner = Affine(size, 0, west, 0, -size, rows * size if north is None else north)
        shape = {"height": rows, "width": columns, "count": len(bands), "dtype": bands[0].dtype}
        with rasterio.open(path, "w", driver="GTiff", crs=crs, transform=corner, **shape) as file:
            for number, band in enumerate(bands, start=1):
                file.write(band, number)
        n = len(bands)
        return pd.DataFrame(
            {
                "path": pd.Series([str(path)] * n, dtype="str"),
                "band": pd.Series(range(1, n + 1), dtype="Int64"),
                "day": pd.Series(days or [None] * n, dtype="datetime64[ns]"),
                "nodata": pd.Series([nodata] * n, dtype="float64"),
                "scale": pd.Series([scale] * n, dtype="float64"),
            }
        )

    return write


def shares(found, pid="P0"):
    mine = found[found["parcel_id"] == pid]
    return dict(zip(mine["cover"].fillna("?"), mine["share"], strict=True))


# ---------------------------------------------------------------------------------- class_shares


def test_square_off_by_half_a_pixel_holds_quarters_and_halves(raster):
    found = class_shares(
        parcels(box(0.5, 0.5, 2.5, 2.5)), raster(NINE), {k: str(k) for k in range(10)}
    )
    quarter, half = 0.25 / 4, 0.5 / 4
    assert found["share"].tolist() == [
        quarter,
        half,
        quarter,
        half,
        1 / 4,
        half,
        quarter,
        half,
        quarter,
    ]
    assert found.columns.tolist() == ["parcel_id", "cover", "share"]
    assert found["cover"].tolist() == list("123456789")


def test_codes_of_one_class_are_summed_and_other_codes_are_not_known(raster):
    classes = {1: "grass", 2: "grass", 3: "wood"}
    found = class_shares(parcels(box(0, 2, 3, 3), box(0, 1, 1, 3)), raster(NINE), classes)
    assert shares(found, "P0") == pytest.approx({"grass": 2 / 3, "wood": 1 / 3})
    assert shares(found, "P1") == {"grass": 0.5, "?": 0.5}


def test_no_data_and_what_lies_beyond_the_edge_are_not_known(raster):
    land = parcels(box(2, 1, 4, 2), box(10, 10, 11, 11), box(0, 0, 1, 1))
    found = class_shares(land, raster(NINE, nodata=7), {6: "vine", 7: "vine"})
    assert shares(found, "P0") == {"vine": 0.5, "?": 0.5}
    assert shares(found, "P1") == {"?": 1.0}
    assert shares(found, "P2") == {"?": 1.0}


def test_a_parcel_smaller_than_a_pixel_takes_the_pixels_it_lies_on(raster):
    land = parcels(box(0.9, 0.4, 1.1, 0.5), box(1.4, 1.4, 1.41, 1.41))
    found = class_shares(land, raster(NINE), {5: "grass", 7: "wood", 8: "water"})
    assert shares(found, "P0") == pytest.approx({"wood": 0.5, "water": 0.5}, abs=1e-6)
    assert shares(found, "P1") == {"grass": 1.0}


def test_holes_and_parts_count_as_they_are(raster):
    ring = shapely.difference(box(0, 0, 3, 3), box(1, 1, 2, 2))
    found = class_shares(parcels(ring), raster(NINE), {5: "hole", 1: "corner"})
    assert shares(found) == pytest.approx({"corner": 1 / 8, "?": 7 / 8})


def test_pixels_larger_than_a_metre(raster):
    found = class_shares(parcels(box(0, 0, 5, 20)), raster(NINE, size=10), {7: "a", 4: "b"})
    assert shares(found) == {"a": 0.5, "b": 0.5}


def test_without_raster_or_class_nothing_is_known(raster):
    land = parcels(box(0, 0, 1, 1))
    assert shares(class_shares(land, raster(NINE).iloc[:0], {1: "a"})) == {"?": 1.0}
    assert shares(class_shares(land, raster(NINE), {})) == {"?": 1.0}
    assert class_shares(land.iloc[:0], raster(NINE), {1: "a"}).empty


def test_files_side_by_side_are_one_picture_in_any_order(raster):
    one, other = raster(NINE), raster(NINE, west=3)
    land = parcels(box(2, 0, 4, 3))
    classes = {3: "a", 6: "a", 9: "a", 1: "b", 4: "b", 7: "b"}
    for rows in ([one, other], [other, one]):
        found = class_shares(land, pd.concat(rows), classes)
        assert shares(found) == {"a": 0.5, "b": 0.5}


def test_where_files_overlap_each_pixel_counts_once(raster):
    one, other = raster(NINE, nodata=9), raster(NINE, west=2)
    found = class_shares(
        parcels(box(2, 0, 3, 3)), pd.concat([one, other]), {3: "a", 6: "a", 7: "b"}
    )
    assert shares(found) == pytest.approx({"a": 2 / 3, "b": 1 / 3})


@pytest.mark.parametrize("side", [1, 2, 5])
def test_windows_change_nothing(raster, monkeypatch, side):
    rng = np.random.default_rng(1)
    codes = rng.integers(0, 4, (12, 12)).astype(np.uint8)
    land = parcels(*(box(x, y, x + 4.3, y + 3.1) for x in (-1, 3.2, 9) for y in (0.4, 5, 10)))
    classes = {1: "a", 2: "b", 3: "c"}
    rows = raster(codes)
    whole = class_shares(land, rows, classes)
    slopes = relief(land, rows)
    monkeypatch.setattr(mosaics, "SIDE", side)
    pd.testing.assert_frame_equal(class_shares(land, rows, classes), whole, rtol=1e-6)
    pd.testing.assert_frame_equal(relief(land, rows), slopes, rtol=1e-6)


def scattered(rng, n, around):
    """Polygons of ten points or so, some over several windows, none of them on round numbers."""
    centres = rng.uniform(-2, around + 2, (n, 2))
    return parcels(*shapely.buffer(shapely.points(centres), rng.uniform(0.3, 4, n), quad_segs=3))


@pytest.mark.parametrize("compiled", [True, False])
def test_parcels_one_by_one_are_those_measured_together_to_the_bit(raster, monkeypatch, compiled):
    monkeypatch.setattr("friches.spatial.coverage.COMPILED", compiled)
    monkeypatch.setattr("friches.spatial.overlay.COMPILED", compiled)
    monkeypatch.setattr(mosaics, "SIDE", 5)
    rng = np.random.default_rng(3)
    land = scattered(rng, 10, 20)
    codes = raster(rng.integers(0, 4, (20, 20)).astype(np.uint8))
    dates = raster(*rng.integers(-99, 9999, (3, 20, 20)).astype(np.int16), scale=1e-4, nodata=7)
    fields = scattered(rng, 40, 20).assign(kind=np.arange(40) % 3)
    asked = [
        lambda land: class_shares(land, codes, {1: "a", 2: "b", 3: "c"}),
        lambda land: band_means(land, dates),
        lambda land: relief(land, dates.iloc[:1]),
        lambda land: overlay(land, fields, ["kind"]),
    ]
    for ask in asked:
        alone = [ask(land.iloc[[k]]) for k in rng.permutation(len(land))]
        keys = [name for name in ("parcel_id", "cover", "band", "kind") if name in alone[0]]
        alone = pd.concat(alone).sort_values(keys, kind="stable", ignore_index=True)
        pd.testing.assert_frame_equal(alone, ask(land), check_exact=True)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_equals_the_overlay_of_the_pixels_as_squares(seed, tmp_path_factory):
    rng = np.random.default_rng(seed)
    codes = rng.integers(1, 4, (6, 6)).astype(np.uint8)
    path = tmp_path_factory.mktemp("codes") / "codes.tif"
    west, north = 700_000.0, 6_600_060.0
    shape = {"height": 6, "width": 6, "count": 1, "dtype": "uint8", "crs": LAMBERT_93}
    with rasterio.open(path, "w", transform=Affine(10, 0, west, 0, -10, north), **shape) as file:
        file.write(codes, 1)
    centres = rng.uniform(0, 60, (8, 2)) + np.array([west, north - 60])
    land = parcels(*shapely.buffer(shapely.points(centres), rng.uniform(0.5, 20, 8), quad_segs=3))
    rows = pd.DataFrame(
        {"path": [str(path)], "band": [1], "day": [pd.NaT], "nodata": [np.nan], "scale": [1.0]}
    )
    classes = {1: "a", 2: "b", 3: "c"}
    found = class_shares(land, rows, classes)
    assert np.abs(found.groupby("parcel_id")["share"].sum() - 1).max() < 1e-9
    squares = [
        box(west + 10 * c, north - 10 * (r + 1), west + 10 * (c + 1), north - 10 * r)
        for r in range(6)
        for c in range(6)
    ]
    pixels = gpd.GeoDataFrame(
        {"cover": [classes[k] for k in codes.ravel()]}, geometry=squares, crs=LAMBERT_93
    )
    expected = overlay(land, pixels, ["cover"]).set_index(["parcel_id", "cover"])["share"]
    known = found.dropna().set_index(["parcel_id", "cover"])["share"]
    assert (known.sub(expected, fill_value=0).abs() < 1e-6).all()


# ------------------------------------------------------------------------------------ band_means


def test_mean_weighs_the_part_of_each_pixel(raster):
    found = band_means(parcels(box(0.5, 2, 2.5, 3)), raster(NINE, scale=0.1))
    assert found["mean"].tolist() == [pytest.approx(0.1 * (0.5 * 1 + 1 * 2 + 0.5 * 3) / 2)]
    assert found.columns.tolist() == ["parcel_id", "band", "day", "mean"]


def test_pixels_without_data_are_left_out_of_the_mean(raster):
    land = parcels(box(0, 2, 2, 3), box(0, 2, 1, 3), box(7, 7, 8, 8))
    found = band_means(land, raster(NINE.astype(np.int16), nodata=1))
    assert found["mean"].fillna(-9).tolist() == [2, -9, -9]
    holed = NINE.astype(np.float32)
    holed[0, 0] = np.nan
    assert band_means(land, raster(holed))["mean"].fillna(-9).tolist() == [2, -9, -9]
    holed[0, 0] = np.float32(-3.4e38)
    assert band_means(land, raster(holed, nodata=-3.4e38))["mean"].fillna(-9).tolist() == [
        2,
        -9,
        -9,
    ]


def test_one_row_for_each_parcel_and_date(raster):
    days = ["2023-05-01", "2023-08-01"]
    rows = raster(NINE, NINE * 2, days=days)
    found = band_means(parcels(box(0, 0, 1, 1), box(2, 0, 3, 1))[::-1], rows[::-1])
    assert found["parcel_id"].tolist() == ["P0", "P0", "P1", "P1"]
    assert found["band"].tolist() == [1, 2, 1, 2]
    assert found["day"].dt.strftime("%Y-%m-%d").tolist() == days * 2
    assert found["mean"].tolist() == [7, 14, 9, 18]


def test_dates_in_files_of_their_own_and_of_other_grids(raster):
    rows = pd.concat(
        [raster(NINE, days=["2023-05-01"]), raster(NINE[:2, :2], size=2, days=["2023-08-01"])]
    )
    found = band_means(parcels(box(0, 0, 2, 2)), rows)
    assert found["mean"].tolist() == [(4 + 5 + 7 + 8) / 4, 4]


def test_files_of_one_picture_may_have_their_own_scale(raster):
    one, other = raster(NINE, scale=0.5), raster(NINE, west=3, scale=2.0)
    found = band_means(parcels(box(2, 2, 4, 3)), pd.concat([one, other]))
    assert found["mean"].tolist() == [(0.5 * 3 + 2.0 * 1) / 2]


def test_numbers_too_fine_for_single_precision_are_held_in_double(raster):
    fine = np.full((3, 3), 1 + 2.0**-40)
    assert band_means(parcels(box(0, 0, 2, 2)), raster(fine))["mean"].tolist() == [1 + 2.0**-40]


def test_windows_are_squares_or_whole_rows_within_bounds(raster, monkeypatch):
    monkeypatch.setattr(mosaics, "NUMBERS", 2**18)
    _, tiles = mosaic(raster(NINE), CRS(LAMBERT_93))
    assert tiles[0].strips
    tiled = [tile._replace(strips=False) for tile in tiles]
    grid = Grid(0, 0, 10, 10, 5000, 4096)
    assert window_shape(tiled, grid) == (512, 512)
    assert window_shape(tiled, grid, 2) == (256, 256)
    assert window_shape(tiles, grid) == (64, 4096)
    assert window_shape(tiles, grid._replace(columns=100_000)) == (32, 8192)
    assert window_shape(tiles, grid._replace(columns=3)) == (512, 512)


def test_no_band_no_row(raster):
    found = band_means(parcels(box(0, 0, 1, 1)), raster(NINE).iloc[:0])
    assert found.empty
    assert found.columns.tolist() == ["parcel_id", "band", "day", "mean"]


# ---------------------------------------------------------------------------------------- relief


def test_horn_of_the_nine_by_hand():
    east = ((3 + 2 * 6 + 9) - (1 + 2 * 4 + 7)) / 8  # 1 m a pixel
    south = ((7 + 2 * 8 + 9) - (1 + 2 * 2 + 3)) / 8  # 3 m a pixel
    found = horn(NINE.astype(float), 2, 4)
    assert found.tolist() == [[pytest.approx(100 * np.hypot(east / 2, south / 4))]]


@pytest.mark.parametrize(
    ("rise", "steep"), [(0.25, 0.0), (0.25 + 2**-20, 1.0), (0.25 - 2**-20, 0.0)]
)
def test_plane_at_the_threshold_is_not_steep_and_just_over_is(raster, rise, steep):
    assert STEEP_PCT == 25
    plane = np.tile(np.arange(6) * rise, (6, 1))
    found = relief(parcels(box(1, 1, 5, 5)), raster(plane)).iloc[0]
    assert found["slope_mean_pct"] == 100 * rise
    assert found["slope_steep_share"] == steep
    assert found["altitude_mean_m"] == pytest.approx(2.5 * rise)


def test_slope_is_not_known_along_the_edge_nor_beside_a_hole(raster):
    plane = np.tile(np.arange(7.0), (7, 1))
    land = parcels(box(0, 0, 1, 7), box(0, 3, 2, 4), box(20, 20, 21, 21))
    found = relief(land, raster(plane))
    assert found["slope_mean_pct"].fillna(-1).tolist() == [-1, 100, -1]
    assert found["altitude_mean_m"].fillna(-1).tolist() == [0, 0.5, -1]
    plane[3, 3] = -99
    beside = relief(
        parcels(box(2, 3, 3, 4), box(3, 3, 4, 4), box(1, 3, 2, 4)), raster(plane, nodata=-99)
    )
    assert beside["slope_mean_pct"].fillna(-1).tolist() == [-1, 100, 100]
    assert beside["altitude_mean_m"].fillna(-1).tolist() == [2, -1, 1]


def test_steep_share_is_of_the_part_whose_slope_is_known(raster):
    bent = np.tile(np.array([0, 0, 0, 0, 1, 2, 3, 4.0]), (5, 1))
    found = relief(parcels(box(0, 1, 8, 4)), raster(bent))
    # Columns 1 to 6 are known: 0, 0, 50, 100, 100, 100 %.
    assert found["slope_steep_share"].tolist() == [pytest.approx(4 / 6)]
    assert found["slope_mean_pct"].tolist() == [pytest.approx(350 / 6)]


def test_slope_crosses_from_file_to_file(raster):
    plane = np.tile(np.arange(8.0), (4, 1))
    rows = pd.concat([raster(plane[:, :4]), raster(plane[:, 4:], west=4)])
    found = relief(parcels(box(3, 1, 5, 3)), rows)
    assert found["slope_mean_pct"].tolist() == [100]


def test_without_elevation_relief_is_not_known(raster):
    found = relief(parcels(box(0, 0, 1, 1)), raster(NINE).iloc[:0])
    assert found.drop(columns="parcel_id").isna().all(axis=None)


# --------------------------------------------------------------------------------------- refusals


def test_rasters_in_other_planes_or_off_the_grid_are_refused_all_at_once(raster):
    land = parcels(box(0, 0, 1, 1))
    wrong = pd.concat([raster(NINE, crs="EPSG:27572"), raster(NINE, crs=None), raster(NINE)])
    with pytest.raises(InputError) as told:
        class_shares(land, wrong, {1: "a"})
    assert len(told.value.breaches) == 2
    with pytest.raises(InputError, match="même grille"):
        relief(land, pd.concat([raster(NINE), raster(NINE, west=3.5)]))
    with pytest.raises(InputError, match="même grille"):
        relief(land, pd.concat([raster(NINE), raster(NINE, west=3, size=1.1)]))


def test_a_turned_raster_is_refused(tmp_path):
    path = tmp_path / "turned.tif"
    shape = {"height": 3, "width": 3, "count": 1, "dtype": "uint8", "crs": LAMBERT_93}
    turned = Affine(0, 1, 0, 1, 0, 0)
    with rasterio.open(path, "w", transform=turned, **shape) as file:
        file.write(NINE, 1)
    rows = pd.DataFrame({"path": [str(path)], "band": [1], "nodata": [np.nan], "scale": [1.0]})
    with pytest.raises(InputError, match="redresser"):
        mosaic(rows, CRS(LAMBERT_93))

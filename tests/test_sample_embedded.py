"""The committed territory is small, and is what the generator writes.

GeoPackage, GeoTIFF and Parquet bytes carry the versions of the libraries that wrote them: here
contents are compared. That one machine writes the same bytes twice is tested in test_sample.py.
"""

from __future__ import annotations

import gzip
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio

from friches.sample import make

SAMPLE = Path(__file__).resolve().parent.parent / "data" / "sample"
FILES = sorted(path.name for path in SAMPLE.iterdir() if path.is_file())


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sample")
    make(folder, 2_500, seed=12, truth=True)
    return folder


def test_it_is_under_three_megabytes():
    assert sum((SAMPLE / name).stat().st_size for name in FILES) < 3_000_000


def test_it_has_the_files_the_generator_writes(made):
    assert sorted(path.name for path in made.iterdir()) == FILES


@pytest.mark.parametrize("name", FILES)
def test_it_is_what_the_generator_writes(made, name):
    kept, fresh = SAMPLE / name, made / name
    if name.endswith(".gpkg"):
        one, two = gpd.read_file(kept), gpd.read_file(fresh)
        pd.testing.assert_frame_equal(one.drop(columns="geometry"), two.drop(columns="geometry"))
        assert one.geometry.is_valid.all()
        assert one.geometry.geom_equals_exact(two.geometry, 0.011).all()
    elif name.endswith(".tif"):
        with rasterio.open(kept) as one, rasterio.open(fresh) as two:
            assert one.profile == two.profile
            assert one.descriptions == two.descriptions
            np.testing.assert_array_equal(one.read(), two.read())
    elif name.endswith(".parquet"):
        pd.testing.assert_frame_equal(pd.read_parquet(kept), pd.read_parquet(fresh))
    elif name.endswith(".gz"):
        assert gzip.decompress(kept.read_bytes()) == gzip.decompress(fresh.read_bytes())
    else:
        assert kept.read_bytes() == fresh.read_bytes()


def test_it_says_that_it_is_fictitious():
    assert "territoire fictif" in (SAMPLE / "study.toml").read_text("utf-8")

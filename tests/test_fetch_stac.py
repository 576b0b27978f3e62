"""Images of a STAC catalogue, read by windows from the local server, become the sample's stack."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import rasterio
from replay.faults import Fault
from replay.images import image
from replay.territory import SAMPLE

from friches.fetch.address import Refused
from friches.fetch.failure import Failure
from friches.fetch.greenness import address, grid, stored, write_stack
from friches.fetch.pace import Pace
from friches.fetch.services import layers
from friches.fetch.session import open_session
from friches.fetch.stac import Scene, choose, fetch_ndvi, find_scenes, manner
from friches.sources.rasters import read_rasters

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from replay.server import Replay

    from friches.fetch.session import Session

CRS = "EPSG:2154"
YEAR = (dt.date(2024, 1, 1), dt.date(2024, 12, 31))
QUICK = {"stac": Pace(per_second=1000, burst=100, at_once=4, retries=2, first_wait=0.01)}


@pytest.fixture
def session(replay: Replay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    monkeypatch.setitem(manner()["reading"], "retry_seconds", 0.01)
    with open_session(tmp_path / "cache", pace=QUICK, hosts=replay.hosts) as opened:
        yield opened


@pytest.fixture
def service() -> Any:
    said = next(s for s in layers()["ndvi"].service if s.kind == "stac")
    return said.model_copy(update={"most_cloud_percent": 100.0})


def bounds() -> tuple[float, float, float, float]:
    with rasterio.open(SAMPLE / "ndvi.tif") as source:
        box = source.bounds
    return (box.left, box.bottom, box.right, box.top)


def test_the_stack_is_the_sample(
    session: Session, service: Any, replay: Replay, tmp_path: Path
) -> None:
    target = tmp_path / "ndvi.tif"
    made = fetch_ndvi(
        session, service, YEAR, CRS, bounds(), target, keep=tmp_path / "k", hosts=replay.hosts
    )
    assert not made.notes
    with rasterio.open(target) as ours, rasterio.open(SAMPLE / "ndvi.tif") as sample:
        for said in ("dtypes", "nodatavals", "scales", "descriptions", "transform", "crs", "shape"):
            assert getattr(ours, said) == getattr(sample, said), said
        assert [ours.tags(b) for b in ours.indexes] == [sample.tags(b) for b in sample.indexes]
        assert (ours.read() == sample.read()).all()
    bands = read_rasters([target], "ndvi", CRS, bounds())
    assert bands["day"].is_monotonic_increasing
    assert len(bands) == 12


def test_catalogue_pages_and_cloud(session: Session, service: Any) -> None:
    every = find_scenes(session, service, YEAR, CRS, bounds())
    assert len(every) == 12  # three pages of five
    most = sorted(scene.cloud for scene in every)[5]
    clear = service.model_copy(update={"most_cloud_percent": most})
    assert len(find_scenes(session, clear, YEAR, CRS, bounds())) == 6
    short = (dt.date(2024, 1, 21), dt.date(2024, 2, 25))
    assert [s.day for s in find_scenes(session, service, short, CRS, bounds())] == [
        "2024-01-21",
        "2024-02-25",
    ]
    with pytest.raises(Failure, match="aucune image"):
        find_scenes(session, service, (dt.date(2020, 1, 1), dt.date(2020, 2, 1)), CRS, bounds())


def test_the_clearest_of_each_month_first() -> None:
    def scene(day: str, cloud: float) -> Scene:
        return Scene(day, day, cloud, {}, 0)

    scenes = [
        scene("2024-01-01", 9),
        scene("2024-01-11", 2),
        scene("2024-02-01", 30),
        scene("2024-02-01", 1),  # one day is as cloudy as its cloudiest tile
        scene("2024-02-11", 20),
    ]
    assert [s.day for s in choose(scenes, 2)] == ["2024-01-11", "2024-02-11"]
    assert [s.day for s in choose(scenes, 4)] == [s.day for s in scenes]
    assert choose(scenes, 0) == scenes


@pytest.mark.parametrize("kind", ["503", "reset", "length"])
def test_an_image_that_fails_once_is_read_again(
    session: Session, service: Any, replay: Replay, tmp_path: Path, kind: str
) -> None:
    replay.faults.add(Fault(kind, r"/2024-06-14/nir\.tif"))
    days = (dt.date(2024, 6, 1), dt.date(2024, 7, 31))
    made = fetch_ndvi(
        session, service, days, CRS, bounds(), tmp_path / "n.tif",
        keep=tmp_path / "k", hosts=replay.hosts,
    )  # fmt: skip
    assert made.days == ("2024-06-14", "2024-07-09")
    assert not made.notes
    assert not replay.faults.left()


def test_an_image_that_is_lost_is_told(
    session: Session, service: Any, replay: Replay, tmp_path: Path
) -> None:
    replay.faults.add(Fault("html", r"/2024-06-14/nir\.tif", times=99))
    days = (dt.date(2024, 6, 1), dt.date(2024, 7, 31))
    args = (session, service, days, CRS, bounds(), tmp_path / "n.tif")
    made = fetch_ndvi(*args, keep=tmp_path / "k", hosts=replay.hosts)
    assert made.days == ("2024-07-09",)
    assert len(made.notes) == 1
    assert "2024-06-14" in made.notes[0]
    replay.reset()
    again = fetch_ndvi(*args, keep=tmp_path / "k", hosts=replay.hosts)
    assert again.days == ("2024-06-14", "2024-07-09")
    # The date that was whole is not read again.
    assert not [line for line in replay.log if "/2024-07-09/" in line.asked.path]
    replay.faults.add(Fault("503", r"\.tif", times=9999))
    with pytest.raises(Failure, match="illisible"):
        fetch_ndvi(*args, keep=tmp_path / "other", hosts=replay.hosts)
    assert not list((tmp_path / "other").iterdir())


def test_windows_read_little(
    session: Session, service: Any, replay: Replay, tmp_path: Path
) -> None:
    west, south, _, _ = bounds()
    small = (west + 5, south + 5, west + 205, south + 105)
    days = (dt.date(2024, 6, 1), dt.date(2024, 6, 30))
    made = fetch_ndvi(
        session, service, days, CRS, small, tmp_path / "n.tif",
        keep=tmp_path / "k", hosts=replay.hosts,
    )  # fmt: skip
    with rasterio.open(made.path) as ours, rasterio.open(SAMPLE / "ndvi.tif") as sample:
        assert ours.shape == (11, 21)  # snapped outwards to whole pixels
        band = sample.read(sample.descriptions.index("2024-06-14") + 1)
        assert (ours.read(1) == band[-11:, :21]).all()
    sent = sum(line.sent for line in replay.log if line.asked.path.endswith(".tif"))
    whole = sum(len(image("2024-06-14", name)) for name in ("red", "nir", "scl"))
    assert 0 < sent < 2 * whole


def test_another_projection_is_turned(replay: Replay, tmp_path: Path) -> None:
    # A plain slope of light, in UTM 31: its NDVI is the same number everywhere.
    folder = tmp_path / "utm"
    folder.mkdir()
    place = rasterio.Affine(20, 0, 498_000, 0, -20, 4_882_000)
    for name, value in (("red", 2000), ("nir", 6000), ("scl", 4)):
        with rasterio.open(
            folder / f"{name}.tif", "w", driver="GTiff", dtype="uint16", count=1, width=250,
            height=250, crs="EPSG:32631", transform=place, nodata=0,
        ) as out:  # fmt: skip
            out.write(np.full((250, 250), value, "uint16"), 1)
    from friches.fetch import greenness

    scene = Scene("S", "2024-06-14", 0, {r: f"https://x.fr/{n}.tif" for r, n in
                  (("red", "red"), ("nir", "nir"), ("mask", "scl"))}, -1000)  # fmt: skip
    served = {f"https://x.fr/{n}.tif": str(folder / f"{n}.tif") for n in ("red", "nir", "scl")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(greenness, "address", lambda url, _hosts: served[url])
        box = (700_005.0, 6_330_005.0, 700_995.0, 6_330_995.0)
        made = write_stack([scene], tmp_path / "n.tif", CRS, box, keep=tmp_path / "k",
                           hosts=replay.hosts, service=layers()["ndvi"].service[0])  # fmt: skip
    with rasterio.open(made.path) as ours:
        # (6000 - 1000 - 1000) / (6000 - 1000 + 1000)
        assert set(np.unique(ours.read(1))) == {6667}


def test_stored_numbers() -> None:
    red = np.array([1000, 1000, 0, 1000, 500, 1000])
    nir = np.array([3000, 3000, 3000, 3000, 400, 3000])
    classes = np.array([4, 9, 4, 3, 4, 7])
    assert stored(red, nir, classes, 0).tolist() == [5000, -32768, -32768, -32768, -1111, 5000]
    # Both below the offset: nothing is known of that pixel.
    assert stored(red, nir, classes, -500).tolist() == [6667, -32768, -32768, -32768, -32768, 6667]


def test_grid_covers() -> None:
    assert grid(CRS, (1.0, 2.0, 19.0, 20.0)) == (CRS, 0, 20, 10, 2, 2)
    assert grid(CRS, (0.0, 0.0, 20.0, 20.0)) == (CRS, 0, 20, 10, 2, 2)


@pytest.mark.parametrize(
    "url",
    [
        "s3://bucket/a.tif",
        "http://example.org/a.tif",
        "https://127.0.0.1/a.tif",
        "https://10.0.0.1/a.tif",
        "https://x.fr/a.vrt",
        "file:///etc/passwd.tif",
    ],
)
def test_only_public_images(url: str) -> None:
    with pytest.raises(Refused):
        address(url, {"https://x.fr": "http://127.0.0.1:1/x"})


def test_mirror_of_images() -> None:
    hosts = {"https://x.fr": "http://127.0.0.1:1/x"}
    assert address("https://x.fr/b/a.tif", hosts) == "/vsicurl/http://127.0.0.1:1/x/b/a.tif"


def test_a_total_that_lies(session: Session, service: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from friches.fetch import stac

    monkeypatch.setattr(stac, "_total", lambda _page: 13)
    with pytest.raises(Failure, match="12 images reçues sur 13"):
        find_scenes(session, service, YEAR, CRS, bounds())

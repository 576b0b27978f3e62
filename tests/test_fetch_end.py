"""From the code of a commune to facts, whatever happens on the way: the whole of « friches fetch ».

One minute alone on two cores: two whole fetches, some twenty partial ones, twenty killed ones.
"""

from __future__ import annotations

import datetime as dt
import io
import json
import multiprocessing
import random
import signal
import time
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pytest
import rasterio
from replay.faults import KINDS, LYING, PASSING, Fault, seeded
from replay.runner import SOME, digests, fetch_here
from replay.territory import MADE, SAMPLE, Layer, few
from typer.testing import CliRunner

import friches
from friches.cli import app
from friches.errors import InputError
from friches.facts import measure
from friches.fetch.request import Request
from friches.fetch.store import Store
from friches.sources.cadastre import read_cadastre
from friches.sources.places import read_canteens, read_farmers
from friches.sources.read import read_layers

if TYPE_CHECKING:
    from pathlib import Path

    from replay.server import Replay, Sent

    from friches.fetch.fetching import Fetched

KILLED = 20
FEWER = 250
"""Parcels of the fetches that are made again and again."""
CRS = "EPSG:2154"
FILES = r"cadastre-12999-parcelles\.json\.gz"


def facts(study: Path) -> bytes:
    """Return the facts of a study as they are written."""
    written = io.BytesIO()
    measure(read_layers(friches.open(study))).to_parquet(written)
    return written.getvalue()


@pytest.fixture(scope="module")
def sample_facts() -> bytes:
    return facts(SAMPLE / "study.toml")


@pytest.fixture(scope="module")
def some(replay_server: Replay, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the files of a partial fetch that nothing disturbed."""
    folder = tmp_path_factory.mktemp("some")
    replay_server.reset()
    with few(FEWER):
        fetch_here(folder / "out", folder / "cache", replay_server.hosts, **SOME)
    return digests(folder / "out")


def states(fetched: Fetched) -> dict[str, str]:
    return {o.job.name: o.state for o in fetched.outcomes}


# --- the whole of it ------------------------------------------------------------------------


def test_the_facts_are_those_of_the_sample(
    replay: Replay, tmp_path: Path, sample_facts: bytes
) -> None:
    fetched = fetch_here(
        tmp_path / "out", tmp_path / "cache", replay.hosts, by_hand=True, campaigns="2019-2024"
    )
    assert facts(fetched.study) == sample_facts
    assert not [line for line in replay.log if line.status >= 500]
    # What no service has is told, not made.
    assert states(fetched)["prescriptions"] == "missing"
    asked = [line.key for line in replay.whole()]
    assert len(asked) == len(set(asked))  # nothing twice
    # Again, from the cache alone: the same files, and not one request.
    before = len(replay.log)
    again = fetch_here(
        tmp_path / "again", tmp_path / "cache", replay.hosts, by_hand=True,
        campaigns="2019-2024", offline=True,
    )  # fmt: skip
    assert digests(again.study.parent) == digests(fetched.study.parent)
    assert len(replay.log) == before


def test_canteens_and_farms_are_placed(replay: Replay, tmp_path: Path) -> None:
    only = ("canteens", "farmers", "firms")
    fetched = fetch_here(tmp_path / "out", tmp_path / "cache", replay.hosts, only=only)
    study, sample = friches.open(fetched.study), friches.open(SAMPLE / "study.toml")
    ours, theirs = (read_canteens(one.files("canteens"), CRS) for one in (study, sample))
    for column in ("canteen_id", "name", "meals_per_day", "days_per_year", "audience", "kind"):
        assert ours[column].tolist() == theirs[column].tolist(), column
    assert ours["served_by"].dropna().tolist() == theirs["served_by"].dropna().tolist()
    assert ours.geometry.distance(theirs.geometry).max() < 0.2
    assert set(ours["located_by"]) <= {"siret", "school"}
    names = set(read_farmers(study.files("farmers"), CRS)["name"])
    known = read_farmers(sample.files("farmers"), CRS)
    assert set(known[known["organic"].fillna(value=False)]["name"]) <= names
    assert len(names) > 50


def test_everything_wrong_in_one_run(replay: Replay, tmp_path: Path, sample_facts: bytes) -> None:
    files = ["operateurs", "koumoul", "geo-dvf", "annuaire-education", "wfs_du:zone_urba",
             "BDTOPO_V3:batiment", "registre"]  # fmt: skip
    page = "{}.*STARTINDEX=0"
    layers = [page.format(name) for name in
              ("troncon_de_route", "formation_vegetale", *(rf"RPG\.{y}" for y in range(2019, 2025)))
              ]  # fmt: skip
    replay.faults.add(Fault("gzip", FILES))
    replay.faults.add(*seeded(20260901, files, [kind for kind in PASSING if kind != "gzip"]))
    replay.faults.add(*seeded(20260901, layers, LYING))
    fetched = fetch_here(
        tmp_path / "out", tmp_path / "cache", replay.hosts, by_hand=True, campaigns="2019-2024"
    )
    assert {kind for kind, _ in replay.faults.used} == set(KINDS)
    assert facts(fetched.study) == sample_facts


def test_images_of_the_catalogue(replay: Replay, tmp_path: Path) -> None:
    said = {"only": ("ndvi",), "also": ("ndvi",), "day": dt.date(2025, 1, 1)}
    fetched = fetch_here(tmp_path / "o", tmp_path / "c", replay.hosts, **said)
    assert states(fetched)["ndvi"] == "fetched"
    files = friches.open(fetched.study).files("ndvi")
    with rasterio.open(files[0]) as ours, rasterio.open(SAMPLE / "ndvi.tif") as sample:
        named = list(sample.descriptions)
        assert len(ours.descriptions) > 1
        assert set(ours.descriptions) < set(named)  # the cloudy ones are left
        column = round((ours.bounds.left - sample.bounds.left) / 10)
        row = round((sample.bounds.top - ours.bounds.top) / 10)
        for band, day in enumerate(ours.descriptions, start=1):
            there = sample.read(named.index(day) + 1)
            # The stack goes a little beyond the sample's images: nothing was seen there.
            whole = np.full(ours.shape, sample.nodata, "int16")
            top, left = max(0, -row), max(0, -column)
            part = there[max(0, row) :, max(0, column) :][: ours.height - top, : ours.width - left]
            whole[top : top + part.shape[0], left : left + part.shape[1]] = part
            assert (ours.read(band) == whole).all()


# --- each fault once ------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_each_fault_once(replay: Replay, tmp_path: Path, some: dict[str, str], kind: str) -> None:
    pattern = FILES if kind == "gzip" else "GetFeature.*BDTOPO_V3:batiment.*STARTINDEX=0"
    replay.faults.add(Fault(kind, pattern))
    with few(FEWER):
        fetched = fetch_here(tmp_path / "out", tmp_path / "cache", replay.hosts, **SOME)
    assert [used[0] for used in replay.faults.used] == [kind]
    assert digests(fetched.study.parent) == some
    assert states(fetched)["buildings"] == "fetched"


# --- killed and restarted -------------------------------------------------------------------


def key_of(line: Sent) -> str:
    """Return the name in the cache of what a line of the log asked."""
    asked = line.asked
    url = f"https://{asked.host}{asked.path}"
    return Request("", url, tuple(asked.query.items())).key


def kept(cache: Path) -> set[str]:
    """Return the questions whose whole answer is in the cache."""
    if not (cache / "answers").is_dir():
        return set()
    store = Store(cache)
    names = [path.stem for path in (cache / "answers").glob("*.json")]
    return {name for name in names if store.noted(name) is not None}


def test_killed_twenty_times(replay: Replay, tmp_path: Path, some: dict[str, str]) -> None:
    draw = random.Random(20260901)
    start = multiprocessing.get_context("forkserver")
    start.set_forkserver_preload(["friches.fetch.fetching"])
    out, cache = tmp_path / "out", tmp_path / "cache"
    wish: dict[str, Any] = {"out": out, "cache": cache, "hosts": replay.hosts, **SOME}
    seen: set[str] = set()
    gained, killed, tries = 0, 0, 0
    with few(FEWER):
        while killed < KILLED and tries < 2 * KILLED:
            tries += 1
            before = len(replay.log)
            child = start.Process(target=fetch_here, kwargs=wish)
            child.start()
            killed += _kill(child, replay, before, draw)
            again = {key_of(line) for line in replay.log[before:]} & seen
            assert not again, f"try {tries}: what was whole was asked again"
            now = kept(cache)
            gained += len(now) > len(seen)
            seen = now
            assert not out.exists() or digests(out) == some  # no result, or the whole one
        last = len(replay.log)
        fetched = fetch_here(**wish)
    assert digests(fetched.study.parent) == some
    assert not {key_of(line) for line in replay.log[last:]} & seen
    assert killed == KILLED
    assert gained > 1  # the kills came at different moments of the way


def _kill(child: Any, replay: Replay, before: int, draw: random.Random) -> bool:
    """Kill a fetch once some answers more went out, or after a while; tell if it still ran."""
    wanted, late = draw.randrange(1, 4), draw.uniform(0.0, 0.2)
    # When all is in the cache no answer goes out: the rest of the way is met by the clock.
    limit = time.monotonic() + draw.uniform(0.2, 2.0)
    while len(replay.log) < before + wanted and time.monotonic() < limit and child.is_alive():
        time.sleep(0.005)
    child.join(late)
    child.kill()
    child.join()
    running = bool(child.exitcode == -signal.SIGKILL)
    child.close()
    return running


def test_a_killed_fetch_leaves_nothing_behind(replay: Replay, tmp_path: Path) -> None:
    start = multiprocessing.get_context("forkserver")
    wish: dict[str, Any] = {"out": tmp_path / "o", "cache": tmp_path / "c", "hosts": replay.hosts}
    wish |= {"only": ("buildings",)}
    with few(FEWER):
        replay.faults.add(Fault("drip", "BDTOPO_V3:batiment"))
        child = start.Process(target=fetch_here, kwargs=wish)
        child.start()
        limit = time.monotonic() + 60
        while not list(tmp_path.glob(".o.*")) and time.monotonic() < limit:
            time.sleep(0.01)
        child.kill()
        child.join()
        child.close()
        assert list(tmp_path.glob(".o.*"))
        fetch_here(**wish)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c", "o"]


# --- numbers --------------------------------------------------------------------------------


def test_twelve_thousand_roads_arrive(replay: Replay, tmp_path: Path) -> None:
    sample = gpd.read_file(SAMPLE / "troncon_de_route.gpkg")
    copies = [sample.assign(cleabs=sample["cleabs"] + f"-{n:02d}") for n in range(49)]
    import pandas as pd

    table = gpd.GeoDataFrame(pd.concat(copies, ignore_index=True).head(12_000), crs=2154)
    MADE["BDTOPO_V3:troncon_de_route"] = Layer(table, 4326, "geometrie")
    try:
        fetched = fetch_here(tmp_path / "o", tmp_path / "c", replay.hosts, only=("roads",))
    finally:
        del MADE["BDTOPO_V3:troncon_de_route"]
    roads = next(o for o in fetched.outcomes if o.job.name == "roads").pieces[0]
    assert len(gpd.read_file(roads.path)) == roads.features == roads.announced == 12_000
    told = json.loads((tmp_path / "o" / "fetched.json").read_text("utf-8"))
    assert "12000" in json.dumps(told)


def test_a_total_that_keeps_lying_costs_the_layer(replay: Replay, tmp_path: Path) -> None:
    replay.faults.add(Fault("more", "GetFeature.*troncon_de_route", times=999))
    fetched = fetch_here(tmp_path / "o", tmp_path / "c", replay.hosts, only=("roads",))
    assert states(fetched) == {"cadastre": "fetched", "roads": "missing"}
    roads = next(o for o in fetched.outcomes if o.job.name == "roads")
    assert "total" in roads.tried[0].why
    assert friches.open(fetched.study).sources.roads == []


def test_a_dead_service_gives_way_to_the_next(replay: Replay, tmp_path: Path) -> None:
    replay.faults.add(Fault("503", r"data\.geopf\.fr", times=9999))
    fetched = fetch_here(
        tmp_path / "o", tmp_path / "c", replay.hosts, only=("zoning", "roads", "buildings")
    )
    assert states(fetched) == {
        "cadastre": "fetched",
        "zoning": "fetched",
        "roads": "missing",
        "buildings": "fetched",
    }
    by = {o.job.name: o.service.kind for o in fetched.outcomes if o.service}
    assert by == {"cadastre": "file", "zoning": "apicarto", "buildings": "file"}


def test_the_cadastre_from_api_carto(replay: Replay, tmp_path: Path) -> None:
    replay.faults.add(Fault("503", FILES, times=9999))
    fetched = fetch_here(tmp_path / "o", tmp_path / "c", replay.hosts, only=("cadastre",))
    files = friches.open(fetched.study).files("cadastre")
    parcels = read_cadastre(files, CRS, ["12999"])
    sample = read_cadastre([SAMPLE / "cadastre-12999-parcelles.json.gz"], CRS, ["12999"])
    assert parcels["parcel_id"].equals(sample["parcel_id"])
    assert parcels["area_registered_m2"].equals(sample["area_registered_m2"])
    assert parcels.geometry.hausdorff_distance(sample.geometry).max() < 1e-6


# --- nothing at all -------------------------------------------------------------------------


def test_no_network(tmp_path: Path) -> None:
    dead = {"https://cadastre.data.gouv.fr": "http://127.0.0.1:9",
            "https://files.data.gouv.fr": "http://127.0.0.1:9",
            "https://apicarto.ign.fr": "http://127.0.0.1:9",
            "https://geo.api.gouv.fr": "http://127.0.0.1:9",
            "https://data.geopf.fr": "http://127.0.0.1:9"}  # fmt: skip
    with pytest.raises(InputError) as caught:
        fetch_here(tmp_path / "o", tmp_path / "c", dead)
    assert len(caught.value.breaches) == 1
    assert "réseau" in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["c"]
    assert not [p for p in (tmp_path / "c").rglob("*") if p.is_file() and p.parent.name == "bodies"]


def test_no_network_from_the_command_line(tmp_path: Path) -> None:
    mirrors = tmp_path / "hosts.toml"
    lines = [f'"https://{host}" = "http://127.0.0.1:9"' for host in
             ("cadastre.data.gouv.fr", "files.data.gouv.fr", "apicarto.ign.fr", "geo.api.gouv.fr",
              "data.geopf.fr")]  # fmt: skip
    rates = [f"[pace.{name}]\nfirst_wait = 0.01\nlongest_wait = 0.02" for name in
             ("etalab", "apicarto", "geo_api", "geopf_wfs")]  # fmt: skip
    mirrors.write_text("\n".join(["[hosts]", *lines, *rates]) + "\n", "utf-8")
    said = ["fetch", "12999", "--out", str(tmp_path / "o"), "--cache", str(tmp_path / "c"),
            "--hosts", str(mirrors), "--yes"]  # fmt: skip
    result = CliRunner().invoke(app, said)
    assert result.exit_code == 2
    assert result.output.count("Entrée refusée : 1 problème") == 1
    assert "réseau" in result.output
    assert "Traceback" not in result.output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c", "hosts.toml"]


def test_no_cadastre_no_study(replay: Replay, tmp_path: Path) -> None:
    replay.faults.add(Fault("503", "cadastre", times=9999))
    with pytest.raises(InputError, match="pas de cadastre"):
        fetch_here(tmp_path / "o", tmp_path / "c", replay.hosts, only=("roads",))
    assert [path.name for path in tmp_path.iterdir()] == ["c"]

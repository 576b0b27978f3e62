"""The client against the local server, service by service: pages, caps, totals, every fault once."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
from functools import partial
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pytest
import shapely
from replay import plugin, territory, wfs
from replay.faults import LYING, PASSING, Fault
from replay.reply import Asked, Reply
from replay.server import Replay

from friches.fetch.apicarto import apicarto_features
from friches.fetch.failure import Failure
from friches.fetch.features import table
from friches.fetch.pace import Pace
from friches.fetch.registers import rows_of
from friches.fetch.request import Request
from friches.fetch.services import layers
from friches.fetch.session import open_session
from friches.fetch.wfs import hits, wfs_features

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from friches.fetch.services import Service
    from friches.fetch.session import Session

CRS = "EPSG:2154"
QUICK = Pace(
    per_second=10_000,
    burst=1000,
    at_once=4,
    retries=3,
    deadline=2.0,
    first_wait=0.01,
    longest_wait=0.05,
    longest_pause=0.05,
)
PACE = dict.fromkeys(
    ("geopf_wfs", "apicarto", "etalab", "datafair", "agence_bio", "firms", "education"), QUICK
)
BOX = (690_000.0, 6_320_000.0, 710_000.0, 6_340_000.0)
BUILDINGS = "BDTOPO_V3:batiment"
MANY = 12_000


def service(layer: str, kind: str) -> Service:
    return next(s for s in layers()[layer].service if s.kind == kind)


@pytest.fixture
def session(replay: Replay, tmp_path: Path) -> Iterator[Session]:
    with open_session(tmp_path / "cache", pace=PACE, hosts=replay.hosts) as opened:
        yield opened


def many(count: int) -> territory.Layer:
    """Squares of 20 m, 110 a row, 100 m apart."""
    shapes = [
        shapely.box(x, y, x + 20, y + 20)
        for x, y in (
            (690_050 + 100 * (n % 110), 6_320_050 + 100 * (n // 110)) for n in range(count)
        )
    ]
    names = [f"BATIMENT{n:08d}" for n in range(count)]
    frame = gpd.GeoDataFrame({"cleabs": names}, geometry=shapes, crs=2154)
    return territory.Layer(frame, 4326, "geometrie")


@pytest.fixture
def twelve_thousand() -> Iterator[territory.Layer]:
    territory.MADE[BUILDINGS] = made = many(MANY)
    territory.features(BUILDINGS, 2154)  # made now, not while a client waits
    yield made
    del territory.MADE[BUILDINGS]


# --- caps and totals ------------------------------------------------------------------------


def test_twelve_thousand_behind_five(
    session: Session, replay: Replay, twelve_thousand: territory.Layer
) -> None:
    whole = wfs_features(session, service("buildings", "wfs"), BUILDINGS, BOX, CRS)
    assert whole.announced == len(whole.features) == MANY
    back = table(whole.features, CRS, CRS)
    assert sorted(back["cleabs"]) == twelve_thousand.table["cleabs"].tolist()
    assert back.geometry.area.sum() == pytest.approx(MANY * 400)
    pages = [line for line in replay.log if line.asked.query.get("STARTINDEX")]
    assert [line.asked.query["STARTINDEX"] for line in pages] == ["0", "5000", "10000", "12000"]


def only_first_pages(asked: Asked) -> Reply:
    """Answer as a service that knows no page: the same first 5,000 whatever is asked."""
    if asked.host == "data.geopf.fr":
        plain = asked._replace(query=asked.query | {"STARTINDEX": "0"})
        return wfs.answer(plain)
    return plugin.answer(asked)


@pytest.mark.usefixtures("twelve_thousand")
def test_a_service_without_pages_never_gives_a_part(tmp_path: Path) -> None:
    server = Replay(only_first_pages)
    came = MANY
    try:
        with (
            open_session(tmp_path / "c", pace=PACE, hosts=server.hosts) as session,
            contextlib.suppress(Failure),
        ):
            whole = wfs_features(session, service("buildings", "wfs"), BUILDINGS, BOX, CRS)
            came = len(whole.features)
    finally:
        server.close()
    assert came == MANY


def silent(asked: Asked) -> Reply:
    """Answer as a service that gives an arbitrary 5,000 and calls that the total."""
    if asked.host != "data.geopf.fr":
        return plugin.answer(asked)
    start, count = (int(asked.query.get(name, "0")) for name in ("STARTINDEX", "COUNT"))
    query = asked.query | {"STARTINDEX": "0", "COUNT": "5000"}
    reply = wfs.answer(asked._replace(query=query))
    if reply.body[:1] != b"{":
        return Reply(b"<wfs:FeatureCollection numberMatched='unknown'/>", "application/xml")
    said = json.loads(reply.body)
    page = said["features"][start : start + (count or 5000)]
    told = dict.fromkeys(("totalFeatures", "numberMatched"), len(said["features"]))
    said |= {"features": page, "numberReturned": len(page)} | told
    return reply._replace(body=json.dumps(said).encode())


@pytest.mark.usefixtures("twelve_thousand")
def test_a_truncation_without_a_word(tmp_path: Path) -> None:
    server = Replay(silent)
    try:
        with open_session(tmp_path / "c", pace=PACE, hosts=server.hosts) as session:
            whole = wfs_features(session, service("buildings", "wfs"), BUILDINGS, BOX, CRS)
    finally:
        server.close()
    assert len(whole.features) == MANY


@pytest.mark.parametrize("kind", ["more", "fewer"])
def test_a_lying_total_is_caught(session: Session, replay: Replay, kind: str) -> None:
    replay.faults.add(Fault(kind, r"STARTINDEX", times=999))
    with pytest.raises(Failure, match=r"total|annonc"):
        wfs_features(session, service("buildings", "wfs"), BUILDINGS, BOX, CRS)


@pytest.mark.parametrize("count", [4999, 5000, 5001])
def test_at_the_cap_and_just_beside(session: Session, count: int) -> None:
    territory.MADE[BUILDINGS] = many(count)
    try:
        whole = wfs_features(session, service("buildings", "wfs"), BUILDINGS, BOX, CRS)
    finally:
        del territory.MADE[BUILDINGS]
    assert len(whole.features) == count


# --- every fault once -----------------------------------------------------------------------


@pytest.mark.parametrize("kind", [k for k in PASSING if k != "gzip"])
def test_a_fault_that_passes(session: Session, replay: Replay, kind: str) -> None:
    replay.faults.add(Fault(kind, r"STARTINDEX=0"))
    whole = wfs_features(session, service("buildings", "wfs"), BUILDINGS, BOX, CRS)
    assert len(whole.features) == 306
    assert [used[0] for used in replay.faults.used] == [kind]


def test_a_file_that_stops_short(session: Session, replay: Replay) -> None:
    # The archive is cut, and the length announced is that of the cut one.
    replay.faults.add(Fault("gzip", r"parcelles\.json\.gz"))
    url = "https://cadastre.data.gouv.fr/data/etalab-cadastre/latest/geojson/communes/12/12999/"
    request = Request("etalab", f"{url}cadastre-12999-parcelles.json.gz", accepts="gzip")
    assert session.get(request).path.read_bytes() == territory.cadastre()
    assert not replay.faults.left()


@pytest.mark.parametrize("kind", LYING)
def test_a_lie_told_once(session: Session, replay: Replay, kind: str) -> None:
    """Whatever the first page says wrongly, no shorter nor misplaced layer comes out of it."""
    replay.faults.add(Fault(kind, r"STARTINDEX=0"))
    asked = partial(wfs_features, session, service("buildings", "wfs"), BUILDINGS, BOX, CRS)
    whole = asked()
    back = table(whole.features, CRS, CRS)
    assert len(back) == 306
    assert "usage_1" in back.columns  # whatever the case of the names
    assert not replay.faults.left()


# --- the other services ---------------------------------------------------------------------


def test_the_parcels_of_api_carto(session: Session) -> None:
    said = {"insee": "12999", "dep": "12"}
    asked = service("cadastre", "apicarto")
    whole = apicarto_features(session, asked, "parcelle", BOX, CRS, said)
    assert len(whole.features) == whole.announced == 2500
    names = sorted(one["properties"]["idu"] for one in whole.features)
    raw = sorted(one["properties"]["idu"] for one in territory.parcel_features())
    assert names == raw


def test_fields_of_api_carto(session: Session) -> None:
    asked = service("declared_fields", "apicarto")
    whole = apicarto_features(session, asked, "v2", BOX, CRS, {"year": "2023"})
    assert len(whole.features) == 487


@pytest.mark.parametrize(
    ("layer", "said", "count"),
    [
        ("farmers", {"dep": "12"}, len(territory.operators())),
        ("owners", {"insee": "12999"}, len(territory.owners())),
        ("firms", {"lon": "3", "lat": "44", "radius_km": "20", "insee": "12999"}, 57),
    ],
)
def test_registers_come_whole(
    session: Session, layer: str, said: dict[str, str], count: int
) -> None:
    rows = rows_of(session, service(layer, "pages"), said)
    assert len(rows.features) == count
    assert count > 20  # more than one page of the smallest


def test_a_next_page_in_small(session: Session) -> None:
    asked = service("owners", "pages")
    small = asked.model_copy(update={"ask": asked.ask | {"size": "50"}})
    rows = rows_of(session, small, {"insee": "12999"})
    assert [row["properties"]["_i"] for row in rows.features] == list(
        range(1, len(territory.owners()) + 1)
    )


def test_hits_are_the_count(session: Session) -> None:
    asked = service("buildings", "wfs")
    assert hits(session, asked, BUILDINGS, BOX, CRS) == 306
    nowhere = (100_000.0, 6_100_000.0, 100_100.0, 6_100_100.0)
    assert hits(session, asked, BUILDINGS, nowhere, CRS) == 0


def test_coordinates_read_back_exactly(session: Session) -> None:
    whole = wfs_features(session, service("buildings", "wfs"), BUILDINGS, BOX, CRS)
    back = table(whole.features, CRS, CRS).sort_values("cleabs")
    sample = gpd.read_file(territory.SAMPLE / "batiment.gpkg").sort_values("cleabs")
    assert shapely.equals_identical(back.geometry.array, sample.geometry.array).all()


# --- the server itself ----------------------------------------------------------------------


def asked(**query: str) -> Asked:
    return Asked("GET", "data.geopf.fr", "/wfs/ows", query, b"", {})


def test_what_the_wfs_refuses() -> None:
    common = {"REQUEST": "GetFeature", "TYPENAMES": BUILDINGS, "OUTPUTFORMAT": "application/json"}
    both = common | {"BBOX": "0,0,1,1,EPSG:2154", "CQL_FILTER": "BBOX(geometrie,0,0,1,1)"}
    assert wfs.answer(asked(**both)).status == 500
    assert wfs.answer(asked(**common | {"TYPENAMES": "x:y"})).status == 400
    assert wfs.answer(asked(**common | {"CQL_FILTER": "BBOX(geom,0,0,1,1)"})).status == 400
    assert wfs.answer(asked(**common | {"SORTBY": "absent"})).status == 400


def test_axes_of_the_wfs() -> None:
    common = {
        "REQUEST": "GetFeature",
        "TYPENAMES": BUILDINGS,
        "OUTPUTFORMAT": "application/json",
        "COUNT": "1",
    }

    def matched(**query: str) -> int:
        return int(json.loads(wfs.answer(asked(**common | query)).body)["numberMatched"])

    assert matched() == 306
    assert matched(BBOX="2.9,44,3.1,44.2,EPSG:4326") == 306
    assert matched(BBOX="44,2.9,44.2,3.1,EPSG:4326") == 0
    assert matched(BBOX="44,2.9,44.2,3.1,urn:ogc:def:crs:EPSG::4326") == 306
    assert matched(CQL_FILTER="BBOX(geometrie,44,2.9,44.2,3.1)") == 306
    assert matched(CQL_FILTER="BBOX(geometrie,2.9,44,3.1,44.2)") == 0
    forest = {"TYPENAMES": "LANDCOVER.FORESTINVENTORY.V2:formation_vegetale"}
    assert matched(**forest, CQL_FILTER="BBOX(geom,690000,6320000,710000,6340000)") == 30


def test_the_sample_dates() -> None:
    from replay.images import days

    assert [dt.date.fromisoformat(day).year for day in days()] == [2024] * 12


def test_the_server_speaks_of_no_secret(replay: Replay) -> None:
    said: dict[str, Any] = {"hosts": list(replay.hosts)}
    assert all(host.startswith("https://") for host in said["hosts"])
    assert all(base.startswith("http://127.0.0.1:") for base in replay.hosts.values())

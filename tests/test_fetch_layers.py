"""Layers as services answer them: pages counted, axes, kinds of values, archives, files."""

from __future__ import annotations

import datetime as dt
import gzip
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import py7zr
import pyogrio
import pytest
import rasterio
import shapely
from asked import ABSENT, NO_ROUTE, Told
from hypothesis import given, settings
from hypothesis import strategies as st

from friches.errors import InputError
from friches.fetch import departments, files
from friches.fetch.added import parse_added, take
from friches.fetch.datagouv import chosen, datagouv_piece
from friches.fetch.errand import Errand, Job
from friches.fetch.failure import Failure
from friches.fetch.features import settled, table
from friches.fetch.jobs import carry_out, jobs
from friches.fetch.paging import Asked, Leaf, gather
from friches.fetch.registers import register_pieces, rows_of
from friches.fetch.relief import relief_pieces
from friches.fetch.services import Page, Service, filled, layers
from friches.fetch.territory import Commune, Territory
from friches.fetch.wfs import cql_box
from friches.fetch.writing import write_empty
from friches.sources.constraints import read_constraints
from friches.sources.declared_fields import read_declared_fields
from friches.sources.forest import read_forest
from friches.sources.land_cover import read_land_cover
from friches.sources.owners import read_owners
from friches.sources.topo import read_roads

if TYPE_CHECKING:
    from collections.abc import Callable

    from friches.fetch.paging import Box

SAMPLE = Path(__file__).resolve().parent.parent / "data" / "sample"
DAY = dt.date(2026, 9, 1)
PAGES = Page(size=10, cap=10, start="START", count="COUNT")
BOX = (0.0, 0.0, 100.0, 100.0)


def points(count: int) -> list[dict[str, Any]]:
    """Return features on the diagonal of the box, named and spread evenly."""
    return [
        {
            "id": f"point.{at}",
            "properties": {"n": at},
            "geometry": {"type": "Point", "coordinates": [at * 100 / count, at * 100 / count]},
            "crs": "",
        }
        for at in range(count)
    ]


def inside(box: Box, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the features in a box, edges included, as services do."""
    west, south, east, north = box
    at = [row["geometry"]["coordinates"] for row in rows]
    return [
        row
        for row, (x, y) in zip(rows, at, strict=True)
        if west <= x <= east and south <= y <= north
    ]


def service(
    rows: list[dict[str, Any]],
    *,
    reach: int | None = None,
    total: Callable[[int], int] = lambda n: n,
) -> Callable[[Box, Asked], Leaf]:
    """Return a service of these features: rows beyond `reach` are never given."""

    def ask(box: Box, asked: Asked) -> Leaf:
        here = inside(box, rows)
        given_ = here[: len(here) if reach is None else reach]
        page = given_[asked.start : asked.start + asked.many]
        return Leaf(page, total(len(here)), None)  # type: ignore[arg-type]

    return ask


def names(features: list[dict[str, Any]]) -> list[str]:
    return sorted(feature["id"] for feature in features)


# --- pages and totals -------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 60), st.integers(1, 15))
def test_all_pages_come_whatever_their_size(count: int, size: int) -> None:
    page = Page(size=size, start="START", count="COUNT")
    whole = gather(service(points(count)), BOX, page, "essai")
    assert names(whole.features) == names(points(count))
    assert whole.announced == count


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 120))
def test_a_cap_is_gone_round_by_tiles(count: int) -> None:
    """Nothing beyond the tenth row of any box is ever given: only tiles bring the whole."""
    rows = points(count)
    whole = gather(service(rows, reach=10), BOX, PAGES, "essai")
    assert names(whole.features) == names(rows)


@pytest.mark.parametrize(("count", "tiled"), [(9, False), (10, True), (11, True)])
def test_a_total_that_is_the_cap_is_doubted(count: int, tiled: bool) -> None:
    """9 of 10 stands; 10 of 10 may be a cap written as a total."""
    whole = gather(
        service(points(count), reach=10, total=lambda n: min(n, 10)), BOX, PAGES, "essai"
    )
    assert len(whole.features) == count
    assert bool(whole.notes) == tiled


def test_a_service_without_pages_is_tiled() -> None:
    page = Page(size=10, cap=10)
    whole = gather(service(points(35), reach=10), BOX, page, "essai")
    assert len(whole.features) == 35


def test_a_refusal_beyond_the_cap_leads_to_tiles() -> None:
    ask = service(points(23))

    def refusing(box: Box, asked: Asked) -> Leaf:
        if asked.start >= 10:
            raise Failure("essai", "réponse 400 : STARTINDEX")
        return ask(box, asked)

    assert len(gather(refusing, BOX, PAGES, "essai").features) == 23


def test_pages_in_another_order_each_time_lead_to_tiles() -> None:
    """Rows shuffled between pages: some come twice, others never; the count betrays it."""
    rows = points(24)
    turn = iter(range(1000))

    def ask(box: Box, asked: Asked) -> Leaf:
        here = inside(box, rows)
        moved = np.roll(np.arange(len(here)), 7 * next(turn))
        page = [here[at] for at in moved[asked.start : asked.start + asked.many]]
        return Leaf(page, len(here), None)  # type: ignore[arg-type]

    page = Page(size=10, cap=1000, start="START", count="COUNT")
    assert names(gather(ask, BOX, page, "essai").features) == names(rows)


@pytest.mark.parametrize("step", [-3, 4])
def test_a_false_total_is_a_failure(step: int) -> None:
    page = Page(size=10, cap=1000, start="START", count="COUNT")
    with pytest.raises(Failure, match=r"faux|tronquée"):
        gather(service(points(15), total=lambda n: n + step), BOX, page, "essai")


def test_a_false_total_of_every_tile_is_a_failure_too() -> None:
    with pytest.raises(Failure):
        gather(service(points(35), reach=10, total=lambda n: n + 1), BOX, PAGES, "essai")


def test_a_count_apart_that_disagrees_is_a_failure() -> None:
    page = Page(size=10, start="START", count="COUNT")
    with pytest.raises(Failure, match=r"se contredit sur son total \(5, 15\)"):
        gather(service(points(5)), BOX, page, "essai", lambda _box, _attempt: 15)


def test_two_alike_in_one_page_are_two_and_volatile_names_do_not_count() -> None:
    one = {"properties": {"a": 1}, "geometry": None, "crs": ""}
    rows = [one | {"id": "fid-1"}, one | {"id": "fid-2"}]

    def ask(_box: Box, asked: Asked) -> Leaf:
        return Leaf(rows[asked.start :], 2, None)  # type: ignore[arg-type]

    page = Page(size=10, start="START", count="COUNT")
    assert len(gather(ask, BOX, page, "essai").features) == 2


def test_a_question_without_a_box_is_not_tiled() -> None:
    calls = []

    def ask(_box: Box, asked: Asked) -> Leaf:
        calls.append(asked)
        return Leaf(points(50)[asked.start : 10], 50, None)  # type: ignore[arg-type]

    with pytest.raises(Failure, match="10 objets différents reçus sur 50 annoncés"):
        gather(ask, BOX, PAGES, "essai", tiled=False)
    assert len(calls) < 10


def test_no_network_ends_at_once() -> None:
    calls = []

    def ask(_box: Box, asked: Asked) -> Leaf:
        calls.append(asked)
        raise NO_ROUTE

    with pytest.raises(Failure):
        gather(ask, BOX, PAGES, "essai")
    assert len(calls) == 1


# --- coordinates and values -------------------------------------------------------------------


def test_values_keep_their_kind_and_columns_lose_their_case() -> None:
    rows = [
        {"id": "", "properties": {"CODE": "01", "N": 1, "X": 1, "ok": True, "l": [1]}},
        {"id": "", "properties": {"code": None, "n": None, "x": 1.5, "OK": None, "l": None}},
    ]
    for row in rows:
        row |= {"geometry": '{"type":"Point","coordinates":[0,0,5]}', "crs": ""}
    frame = table(rows, "EPSG:2154", "EPSG:2154")
    assert list(frame.columns) == ["code", "n", "x", "ok", "l", "geometry"]
    assert frame["code"].tolist() == ["01", None]
    assert str(frame["n"].dtype) == "Int64"
    assert frame["x"].tolist() == [1.0, 1.5]
    assert str(frame["ok"].dtype) == "boolean"
    assert frame["l"].tolist() == ["[1]", None]
    assert not frame.has_z.any()


def square(x: float, y: float, crs: str) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(geometry=[shapely.box(x, y, x + 10, y + 10)], crs=crs)


def test_swapped_axes_are_put_right_and_told() -> None:
    box = (700_000.0, 6_330_000.0, 701_000.0, 6_331_000.0)
    right, note = settled(square(700_500, 6_330_500, "EPSG:2154"), box, "EPSG:2154", "essai")
    assert note == ""
    turned, note = settled(square(6_330_500, 700_500, "EPSG:2154"), box, "EPSG:2154", "essai")
    assert "axes inversés" in note
    assert turned.geometry.iloc[0].equals(right.geometry.iloc[0])


def test_degrees_swapped_are_put_right() -> None:
    box = (700_000.0, 6_330_000.0, 710_000.0, 6_340_000.0)
    at = gpd.GeoSeries([shapely.Point(705_000, 6_335_000)], crs=2154).to_crs(4326)[0]
    frame = gpd.GeoDataFrame(geometry=[shapely.Point(at.y, at.x)], crs=4326)
    put, note = settled(frame, box, "EPSG:2154", "essai")
    assert note
    assert put.geometry.iloc[0].distance(shapely.Point(705_000, 6_335_000)) < 0.01


def test_features_elsewhere_are_a_failure() -> None:
    box = (700_000.0, 6_330_000.0, 701_000.0, 6_331_000.0)
    with pytest.raises(Failure, match=r"1 objet\(s\) sur 1 hors de l'emprise"):
        settled(square(800_000, 6_330_500, "EPSG:2154"), box, "EPSG:2154", "essai")


@pytest.mark.parametrize("apart", [549.0, 551.0])
def test_how_far_from_the_box_a_feature_may_lie(apart: float) -> None:
    """5 % of a side of 1 km and 500 m: 550 m."""
    box = (700_000.0, 6_330_000.0, 701_000.0, 6_331_000.0)
    frame = gpd.GeoDataFrame(geometry=[shapely.Point(701_000 + apart, 6_330_500)], crs=2154)
    if apart < 550:
        assert settled(frame, box, "EPSG:2154", "essai")[1] == ""
    else:
        with pytest.raises(Failure):
            settled(frame, box, "EPSG:2154", "essai")


def test_cql_has_latitude_first_in_degrees_alone() -> None:
    box = (700_000.0, 6_330_000.0, 701_000.0, 6_331_000.0)
    degrees = Service(kind="wfs", mark="VERIFIED", geometry="geom", layer_crs="EPSG:4326")
    metres = degrees.model_copy(update={"layer_crs": "EPSG:2154"})
    south, west, *_ = cql_box(degrees, box, "EPSG:2154").removeprefix("BBOX(geom,").split(",")
    assert (round(float(south)), round(float(west))) == (44, 3)
    assert cql_box(metres, box, "EPSG:2154").startswith("BBOX(geom,700000.0,6330000.0")


# --- the catalogue ----------------------------------------------------------------------------


def test_every_layer_says_how_it_is_got() -> None:
    for name, layer in layers().items():
        if name != "constraints":  # what feeds it does
            assert layer.service, name
    for said in [s for layer in layers().values() for s in layer.service]:
        page = said.page_url.startswith("https://") or "clé « photos »" in said.how
        assert said.url.startswith("https://") or page
        assert said.kind == "by_hand" or said.pace


def test_holes_and_departments() -> None:
    rows = departments.departments_of(layers()["land_cover"].service[0])
    assert len(rows) == 204
    url = filled(layers()["land_cover"].service[0].url, **(rows[22] | {"dep3": "012"}))
    assert "_D012_" in url
    assert "{" not in url


def test_which_layers_are_asked() -> None:
    asked = {job.name for job in jobs(2026)}
    assert {"cadastre", "roads", "natura2000"} <= asked
    assert not asked & {"ndvi", "hedges", "siret", "mountain", "telepac"}
    assert [job.campaign for job in jobs(2026, only=["declared_fields"])][1:] == [
        *range(2019, 2025)
    ]
    only = jobs(2026, only=["declared_fields"], campaigns="2015,2020-2021")
    assert [job.campaign for job in only][1:] == [2015, 2020, 2021]
    # « constraints » stands for all that feeds it.
    assert "aoc" in {job.name for job in jobs(2026, only=["constraints"])}
    assert "ndvi" in {job.name for job in jobs(2026, also=["ndvi"])}
    given_ = jobs(2026, added=["roads", "declared_fields.2024"])
    assert "roads" not in {job.name for job in given_}
    assert 2024 not in {job.campaign for job in given_}


@pytest.mark.parametrize(
    ("wish", "told"),
    [
        ({"only": ["rodas"]}, "couche inconnue « rodas »"),
        ({"also": ["mountain"]}, "ne se télécharge pas"),
        ({"campaigns": "20-24"}, "illisibles"),
        ({"campaigns": "2024-2019"}, "illisibles"),
        ({"campaigns": "1999"}, "que personne ne sert : 1999"),
    ],
)
def test_wrong_layers_and_campaigns(wish: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError, match=told):
        jobs(2026, **wish)


# --- files, archives, registers, relief ------------------------------------------------------


def errand(folder: Path, say: Callable[[Any], Any], **more: Any) -> Errand:
    territory = Territory("Saint-Rebelle", (Commune("12999", "Saint-Rebelle", 3.0, 44.07),))
    bounds = (698_500.0, 6_328_500.0, 701_500.0, 6_331_500.0)
    out, cache = folder / "out", folder / "cache"
    out.mkdir(exist_ok=True)
    cache.mkdir(exist_ok=True)
    told = Errand(Told(cache, say), territory, bounds, DAY, out, cache, {})  # type: ignore[arg-type]
    return told._replace(**more)


def test_files_that_may_lack(tmp_path: Path) -> None:
    layer = layers()["sales"]
    dvf = (SAMPLE / "dvf_12999.csv").read_bytes()
    header = dvf.split(b"\n")[0] + b"\n"

    def say(request: Any) -> Any:
        if "2023" in request.url:
            return dvf
        return header if "2024" in request.url else ABSENT

    pieces = files.file_pieces(errand(tmp_path, say), Job("sales", layer), layer.machine[0])
    assert [(p.path.name, p.empty) for p in pieces] == [
        ("dvf_12999_2023.csv", False),
        ("dvf_12999_2024.csv", True),
    ]
    assert "dvf_12999_2026.csv" in pieces[0].notes[0]
    with pytest.raises(Failure, match="404"):
        files.file_pieces(
            errand(tmp_path, lambda _r: ABSENT), Job("sales", layer), layer.machine[0]
        )


def test_a_department_without_sales_is_told(tmp_path: Path) -> None:
    layer = layers()["sales"]
    there = Territory("Colmar", (Commune("68066", "Colmar"),))
    with pytest.raises(Failure, match=r"département 68 \(non couvert\)"):
        files.file_pieces(
            errand(tmp_path, lambda _r: ABSENT, territory=there),
            Job("sales", layer),
            layer.machine[0],
        )


def ocsge(folder: Path, columns: tuple[str, str]) -> bytes:
    """Return a département's archive: two polygons, one of them far from the territory."""
    gpkg = folder / "OCCUPATION_SOL.gpkg"
    near, far = shapely.box(699_000, 6_329_000, 701_000, 6_331_000), shapely.box(0, 0, 10, 10)
    frame = gpd.GeoDataFrame(
        {columns[0]: ["CS2.1.2", "CS2.2.1"], columns[1]: ["US6.2", "US1.1"]},
        geometry=[near, far],
        crs=2154,
    )
    pyogrio.write_dataframe(frame, gpkg, layer="occupation_sol")
    archive = folder / "ocsge.7z"
    with py7zr.SevenZipFile(archive, "w") as file:
        file.write(gpkg, "OCS-GE_2-0/1_DONNEES_LIVRAISON/OCCUPATION_SOL.gpkg")
        file.writestr("lisez-moi", "OCS-GE_2-0/LISEZ-MOI.txt")
    gpkg.unlink()
    return archive.read_bytes()


@pytest.mark.parametrize(
    "columns", [("code_cs", "code_us"), ("CODE_CS", "CODE_US"), ("couverture", "usage")]
)
def test_an_archive_is_cut_to_the_territory(tmp_path: Path, columns: tuple[str, str]) -> None:
    layer = layers()["land_cover"]
    body = ocsge(tmp_path, columns)
    asked = errand(tmp_path, lambda _r: body)
    outcome = carry_out(asked, Job("land_cover", layer))
    (piece,) = outcome.pieces
    assert (piece.path.name, piece.features, piece.vintage) == ("ocsge_12_2022.gpkg", 1, "2022")
    key, cover = read_land_cover(piece.path, "ocsge", "EPSG:2154", asked.bounds)
    assert (key, cover["code"].tolist(), cover["usage"].tolist()) == (
        "land_cover",
        ["CS2.1.2"],
        ["US6.2"],
    )
    assert list(asked.cache.glob("unpacked-*")) == []


def test_the_vintage_is_not_later_than_the_study(tmp_path: Path) -> None:
    said = layers()["land_cover"].machine[0]
    early = errand(tmp_path, lambda _r: b"", day=dt.date(2021, 6, 1))
    assert departments.newest(early, said)[0]["vintage"] == "2019"
    with pytest.raises(Failure, match="aucune archive connue pour le département 12"):
        departments.newest(early._replace(day=dt.date(2018, 1, 1)), said)


def test_a_broken_archive_gives_way_to_the_next_service(tmp_path: Path) -> None:
    short = ocsge(tmp_path, ("code_cs", "code_us"))[:-40]
    outcome = carry_out(
        errand(tmp_path, lambda r: short if "7z" in r.url else ABSENT),
        Job("land_cover", layers()["land_cover"]),
    )
    assert outcome.state == "missing"
    assert [failure.service for failure in outcome.tried] == ["geopf_download", "essai"]
    assert "archive abîmée" in outcome.tried[0].why


LINE = {
    "code_parcelle": "129990000A0016",
    "nature_culture": "P",
    "contenance_suf": 4040,
    "groupe_personne": "4 - Commune",
    "numero_siren": "211200001",
    "denomination": "COMMUNE (FICTIF)",
}


def test_owners_become_the_file_of_the_dgfip(tmp_path: Path) -> None:
    layer = layers()["owners"]
    said = {"results": [LINE], "total": 1}
    (piece,) = register_pieces(
        errand(tmp_path, lambda _r: said), Job("owners", layer), layer.machine[0]
    )
    owners = read_owners([piece.path])
    assert owners["parcel_id"].tolist() == ["129990000A0016"]
    assert owners["land_class"].tolist() == ["P"]
    with pytest.raises(Failure, match="invraisemblable"):
        register_pieces(
            errand(tmp_path, lambda _r: {"results": [], "total": 0}),
            Job("owners", layer),
            layer.machine[0],
        )


def test_a_next_page_elsewhere_is_refused(tmp_path: Path) -> None:
    said = {"results": [LINE], "total": 2, "next": "https://ailleurs.exemple.fr/?after=1"}
    with pytest.raises(Failure, match="autre site"):
        rows_of(Told(tmp_path, lambda _r: said), layers()["owners"].machine[0], {"insee": "12999"})  # type: ignore[arg-type]


def test_rows_short_of_their_total_are_a_failure(tmp_path: Path) -> None:
    said = {"results": [LINE], "total": 2}
    with pytest.raises(Failure, match="1 lignes reçues sur 2 annoncées"):
        rows_of(Told(tmp_path, lambda _r: said), layers()["owners"].machine[0], {"insee": "12999"})  # type: ignore[arg-type]


def test_the_newest_resource_of_the_right_format(tmp_path: Path) -> None:
    said = layers()["canteens"].machine[0]
    rows = [
        {"format": "csv", "title": "Registre 2024", "last_modified": "2024-01-01", "url": "a"},
        {"format": "csv", "title": "Registre 2026", "last_modified": "2026-01-01", "url": "b"},
        {"format": "csv", "title": "Dictionnaire", "last_modified": "2026-06-01", "url": "c"},
        {"format": "xlsx", "title": "Registre 2026", "last_modified": "2026-02-01", "url": "d"},
    ]
    assert chosen({"resources": rows}, said)["url"] == "b"
    assert chosen({"resources": rows[2:]}, said)["url"] == "c"
    with pytest.raises(Failure, match=r"aucune ressource csv.*Registre 2026 \(xlsx\)"):
        chosen({"resources": rows[3:]}, said)
    with pytest.raises(Failure):
        datagouv_piece(errand(tmp_path, lambda _r: {"message": "gone"}), said)


def test_relief_is_set_tile_by_tile(tmp_path: Path) -> None:
    """Each pixel holds its own northing: a tile put at the wrong place would show."""
    layer = layers()["elevation"]
    said = layer.machine[0].model_copy(update={"tile": 7, "step_m": 100.0})

    def say(request: Any) -> bytes:
        asked = dict(request.params)
        _, _, _, north = (float(edge) for edge in asked["BBOX"].split(","))
        rows, columns = int(asked["HEIGHT"]), int(asked["WIDTH"])
        centres = north - 100 * (np.arange(rows) + 0.5) - 6_300_000
        return np.repeat(centres[:, None], columns, axis=1).astype("<f4").tobytes()

    (piece,) = relief_pieces(errand(tmp_path, say), Job("elevation", layer), said)
    with rasterio.open(piece.path) as image:
        assert image.res == (100.0, 100.0)
        assert image.bounds.left <= 698_300
        assert image.bounds.top >= 6_331_700
        for row in (0, 8, image.height - 1):
            y = image.bounds.top - (row + 0.5) * 100
            assert image.read(1)[row, 3] == pytest.approx(y - 6_300_000)


def test_relief_of_the_wrong_size_or_void_is_a_failure(tmp_path: Path) -> None:
    layer = layers()["elevation"]
    with pytest.raises(Failure, match="image de 3 octets"):
        relief_pieces(
            errand(tmp_path, lambda _r: b"abc"), Job("elevation", layer), layer.machine[0]
        )

    def void(request: Any) -> bytes:
        asked = dict(request.params)
        return np.full(int(asked["WIDTH"]) * int(asked["HEIGHT"]), -99999, "<f4").tobytes()

    with pytest.raises(Failure, match="aucune altitude"):
        relief_pieces(errand(tmp_path, void), Job("elevation", layer), layer.machine[0])


# --- nothing here -----------------------------------------------------------------------------


def test_none_here_is_known(tmp_path: Path) -> None:
    bounds = (698_500.0, 6_328_500.0, 701_500.0, 6_331_500.0)
    void = {
        name: write_empty(tmp_path / f"{name}.gpkg", "EPSG:2154")
        for name in ("formation_vegetale", "troncon_de_route", "natura2000_sic", "rpg_2023")
    }
    assert len(read_forest([void["formation_vegetale"]], "EPSG:2154", bounds)) == 0
    assert len(read_roads([void["troncon_de_route"]], "EPSG:2154", bounds)) == 0
    perimeters = read_constraints([void["natura2000_sic"]], "EPSG:2154", bounds)
    assert perimeters.attrs["kinds_read"] == ["natura2000"]
    fields = read_declared_fields(
        {2023: [void["rpg_2023"]], 2024: [SAMPLE / "rpg_2024.gpkg"]}, "EPSG:2154"
    )
    assert set(fields["campaign"]) == {2024}
    assert fields.attrs["without_fields"] == [2023]


def test_a_layer_that_lost_its_rows_is_still_refused(tmp_path: Path) -> None:
    path = tmp_path / "formation_vegetale.gpkg"
    frame = gpd.GeoDataFrame({"code_tfv": []}, geometry=[], crs=2154)
    pyogrio.write_dataframe(frame, path, layer="formation_vegetale", geometry_type="Polygon")
    with pytest.raises(InputError, match="vide"):
        read_forest([path], "EPSG:2154", None)


def test_no_declared_field_in_a_campaign_counts_as_a_campaign(tmp_path: Path) -> None:
    from friches.measures.declared import declared_facts

    void = write_empty(tmp_path / "rpg_2023.gpkg", "EPSG:2154")
    fields = read_declared_fields({2023: [void]}, "EPSG:2154")
    parcels = gpd.GeoDataFrame(
        {"parcel_id": ["129990000A0001"]}, geometry=[shapely.box(0, 0, 10, 10)], crs=2154
    )
    facts = declared_facts(parcels, fields)
    assert facts["declared_share_2023"].tolist() == [0.0]
    assert facts["campaigns_known"].tolist() == [1]
    assert facts["declared_before"].tolist() == [False]


# --- files given by hand ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("roads", "illisible"),
        ("rodas=a.gpkg", "couche inconnue « rodas »"),
        ("roads=absent.gpkg", "fichier introuvable : absent.gpkg"),
        (f"declared_fields={SAMPLE / 'rpg_2023.gpkg'}", "campagne absente"),
        (f"roads.2023={SAMPLE / 'rpg_2023.gpkg'}", "une année n'est attendue"),
        (f"land_cover={SAMPLE / 'oso_2023.tif'}", "légende absente"),
        (f"land_cover={SAMPLE / 'oso_2023.tif'}:oso99", "fichier introuvable"),
    ],
)
def test_what_add_refuses(text: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        parse_added([text])


def test_a_volume_given_by_hand_is_cut(tmp_path: Path) -> None:
    archive = tmp_path / "RPG_2-2__GPKG_LAMB93_R76_2023-01-01.7z"
    with py7zr.SevenZipFile(archive, "w") as file:
        file.write(SAMPLE / "rpg_2023.gpkg", "RPG/1_DONNEES/PARCELLES_GRAPHIQUES.gpkg")
        file.writestr("x", "RPG/LISEZ-MOI.txt")
    asked = errand(tmp_path, lambda _r: ABSENT)
    outcome = take(asked, parse_added([f"declared_fields.2023={archive}"]))
    (piece,) = outcome.pieces
    assert piece.path.name == "rpg_2023.gpkg"
    fields = read_declared_fields({2023: [piece.path]}, "EPSG:2154", asked.bounds)
    whole = read_declared_fields({2023: [SAMPLE / "rpg_2023.gpkg"]}, "EPSG:2154", asked.bounds)
    assert len(fields) == len(whole) > 0


def test_cadastre_in_gzip_is_checked_by_its_reader(tmp_path: Path) -> None:
    """Another commune's parcels under the right address: the next services are tried."""
    raw = gzip.decompress((SAMPLE / "cadastre-12999-parcelles.json.gz").read_bytes())
    page = json.loads(raw)
    page["features"] = page["features"][:3]
    wrong = gzip.compress(json.dumps(page).replace("12999", "12998").encode())

    def say(request: Any) -> Any:
        if "apicarto" in request.url:
            start = int(dict(request.params)["_start"])
            rows = [
                {"id": f["id"], "geometry": f["geometry"], "properties": {"idu": f["id"]}}
                for f in page["features"]
            ]
            return {"type": "FeatureCollection", "features": rows[start:], "totalFeatures": 3}
        return wrong

    outcome = carry_out(errand(tmp_path, say), Job("cadastre", layers()["cadastre"]))
    assert outcome.service is not None
    assert outcome.service.kind == "apicarto"
    assert [failure.service for failure in outcome.tried] == ["etalab", "etalab"]
    assert "autre commune" in outcome.tried[0].why

"""The map page as a file: same bytes, no outside link, sizes, what each audience finds in it."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hostile import PAYLOADS, planted
from tiny import CRS, IDS, SOUTH, WEST, tiny_result

from friches import tables
from friches.errors import InputError
from friches.view import compact, popups
from friches.view.jupyter import folium_map
from friches.view.map import map_html, stages, write_map


def data_of(html: str) -> dict:
    found = re.search(r'<script type="application/json" id="donnees">(.*?)</script>', html)
    assert found
    return json.loads(found[1])


def markup(html: str) -> str:
    """The page without the texts of its scripts, styles and island."""
    return re.sub(r"(<(script|style)[^>]*>).*?</\2>", r"\1", html, flags=re.DOTALL)


def decoded(rings: list[int], origin: list[int]) -> np.ndarray:
    """What map.js does: whole steps, each from the last, from the origin."""
    return (np.cumsum(np.reshape(rings, (-1, 2)), axis=0) + origin) * 1e-6


def test_same_bytes(tmp_path) -> None:
    first = write_map(tiny_result(), tmp_path / "a" / "map.html").read_bytes()
    assert first == write_map(tiny_result(), tmp_path / "b.html").read_bytes()
    assert b"\r" not in first


def test_nothing_outside() -> None:
    html = map_html(tiny_result())
    assert not re.search(r'(?:src|href)\s*=\s*["\']?(?:https?:)?//', markup(html))
    assert "url(images" not in html
    assert "sourceMappingURL" not in html
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)[1]
    assert "default-src &#39;none&#39;" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


def test_base_maps_name_one_host_only() -> None:
    html = map_html(tiny_result(), base_maps=True)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)[1]
    assert re.findall(r"https?://[^ ;]+", policy) == ["https://data.geopf.fr"]
    assert {base["url"].split("/wmts")[0] for base in data_of(html)["base_maps"]} == {
        "https://data.geopf.fr"
    }


def test_first_screen_and_what_is_missing() -> None:
    html = map_html(tiny_result()).replace("\u202f", " ").replace("\u00a0", " ")
    for said in (
        "2 îlots candidats",
        "3,01 ha",
        "1er septembre 2026",
        "entre 15 400 et 69 400, sans doute 34 700 repas par an",
        "à confirmer sur le terrain",
        "Territoire fictif",
        "relu par un juriste",
        "usage interne",
        "images NDVI",
        "la végétation est-elle permanente",
        "DGFiP - cadastre, juin 2026",
        "Licence Ouverte 2.0",
        "mairie@carre.example",
        'name="robots" content="noindex',
    ):
        assert said in html, said
    assert "Territoire fictif" not in map_html(tiny_result(fictitious=False, name="Carré"))


def test_table_and_island_tell_the_same() -> None:
    html = map_html(tiny_result())
    rows = re.findall(r'<tr id="ligne-(\w+)".*?</tr>', html, re.DOTALL)
    blocks = data_of(html)["blocks"]
    assert rows == [block["id"] for block in blocks] == ["B001", "B002"]
    for block in blocks:
        row = re.search(rf'<tr id="ligne-{block["id"]}".*?</tr>', html, re.DOTALL)[0]
        assert block["area"] in row
        assert ("probable" in row) == (block["answer"] == "yes")
    assert blocks[1]["answer"] == "unknown"
    assert blocks[1]["eaten"] is None
    assert [route["word"] for route in blocks[0]["routes"]] == ["à instruire", "fermée"]


def test_public_page_has_no_parcel_number_and_no_farmer() -> None:
    html = map_html(tiny_result(audience="public"))
    assert not [pid for pid in IDS if pid in html]
    assert "Ferme fictive du Carré" not in html
    assert "version publique" in html
    parcels = data_of(html)["parcels"]
    assert set(parcels) == {"answer", "shape"}
    assert parcels["answer"] == [3] * 9
    assert "1 à 2" in html


def test_payloads_stay_inside_their_strings() -> None:
    html = map_html(planted(tiny_result()))
    assert html.count("<script") == map_html(tiny_result()).count("<script")
    assert not re.search(r"<(img|svg|b)\b", markup(html))
    for payload in PAYLOADS[:4]:
        assert payload not in html
    assert "49" not in re.findall(r"<h1>(.*?)</h1>", html, re.DOTALL)[0]


def test_folium_map_is_safe_too() -> None:
    page = folium_map(planted(tiny_result())).get_root().render()
    clean = folium_map(tiny_result()).get_root().render()
    assert page.count("</script>") == clean.count("</script>")
    assert not re.search(r"<(img|svg|b) ", page)
    assert "${" not in page.replace("${this}", "")
    assert "B001" in clean
    assert "Cuisine centrale fictive" in clean


def test_hostile_block_id_names_no_file() -> None:
    result = tiny_result()
    blocks = result.blocks.assign(block_id=["../../x", "B002"])
    with pytest.raises(InputError, match="ne peut pas nommer un fichier"):
        map_html(replace(result, blocks=blocks))


def _without(result, **tables_):
    return replace(result, **{name: getattr(result, name).iloc[:0] for name in tables_})


def test_nothing_found_is_a_page_too() -> None:
    empty = _without(
        tiny_result(),
        blocks=1, members=1, meals=1, matches=1, routes=1, steps=1, reach=1, canteens=1, farmers=1,
    )  # fmt: skip
    fallow = empty.fallow.assign(
        answer=pd.Series([pd.NA] * 9, dtype="boolean"), stage=None, reasons=None
    )
    summary = {"meals_per_year": None, "first_meal_on": None, "organic_share_after": None}
    html = map_html(replace(empty, fallow=fallow, summary=summary))
    assert "Aucun îlot candidat" in html
    assert "inconnu" in html
    assert set(data_of(html)["parcels"]["answer"]) == {1}


def test_outlines_read_back_to_eleven_centimetres() -> None:
    parcels = tiny_result().parcels
    origin = compact.origin(parcels.geometry)
    made = compact.encode(parcels.geometry, origin)
    assert len(made) == 9
    for shape, rings in zip(parcels.geometry.to_crs("EPSG:4326"), made, strict=True):
        back = shapely.Polygon(decoded(rings[0][0], origin))
        assert back.hausdorff_distance(shape) <= 0.71e-6


def test_holes_and_parts_survive() -> None:
    holed = shapely.box(0, 0, 300, 300).difference(shapely.box(100, 100, 200, 200))
    shapes = gpd.GeoSeries(
        [
            shapely.MultiPolygon([holed, shapely.box(400, 0, 500, 100)]),
            shapely.box(600, 0, 700, 100),
        ],
        crs=CRS,
    ).translate(WEST, SOUTH)
    made = compact.encode(shapes, compact.origin(shapes))
    assert [[len(polygon) for polygon in shape] for shape in made] == [[2, 1], [1]]


def _grid(side: int):
    """A landscape of side x side parcels that share wiggly edges of four points each."""
    rng = np.random.default_rng(1)
    n = 4 * side + 1
    rows, columns = np.mgrid[0:n, 0:n] * 25.0
    x = WEST + columns + rng.uniform(-8, 8, (n, n))
    y = SOUTH + rows + rng.uniform(-8, 8, (n, n))
    loop = [(0, k) for k in range(4)] + [(k, 4) for k in range(4)]
    loop += [(4, 4 - k) for k in range(4)] + [(4 - k, 0) for k in range(5)]
    down, right = np.array(loop).T
    r, c = (4 * k.ravel()[:, None] for k in np.mgrid[0:side, 0:side])
    shapes = shapely.polygons(np.stack([x[r + down, c + right], y[r + down, c + right]], -1))
    return gpd.GeoDataFrame(
        {
            "parcel_id": [f"12999000{k // 9999:02d}{k % 9999 + 1:04d}" for k in range(side**2)],
            "commune": "12999",
            "prefix": "000",
            "section": "0A",
            "number": "0001",
            "area_registered_m2": 10_000.0,
        },
        geometry=shapes,
        crs=CRS,
    )


def test_five_thousand_parcels_stay_under_five_megabytes() -> None:
    result = tiny_result()
    parcels = tables.check(_grid(71), "parcels", crs=CRS)
    fallow = pd.concat([result.fallow] * 561, ignore_index=True).iloc[: len(parcels)]
    facts = pd.concat([result.facts] * 561, ignore_index=True).iloc[: len(parcels)]
    html = map_html(
        replace(
            result,
            parcels=parcels,
            fallow=fallow.assign(parcel_id=parcels["parcel_id"].to_numpy()),
            facts=facts.assign(parcel_id=parcels["parcel_id"].to_numpy()),
        )
    )
    assert len(data_of(html)["parcels"]["shape"]) == 71 * 71 > 5_000
    assert len(html.encode()) < 5_000_000


def test_too_many_parcels_leaves_those_near_blocks() -> None:
    result = tiny_result()
    assert len(compact.drawn(result, 9)) == 9
    far = replace(result, parcels=_grid(30))
    kept = compact.drawn(far, 200)
    assert 0 < len(kept) <= 200
    near = far.parcels.geometry.distance(far.blocks.union_all())
    assert set(kept.index) == set(near.index[near <= compact.NEAR_M])
    assert list(compact.drawn(result, 4)["parcel_id"]) == [IDS[0], IDS[1], IDS[8]]
    assert len(compact.drawn(result, 2)) == 2


def test_study_area_closes_roads_and_holds_every_parcel() -> None:
    result = tiny_result()
    parcels = result.parcels.copy()
    apart = [2 * compact.CLOSE_M - 1 if n % 3 == 2 else 0 for n in range(9)]
    parcels.geometry = [
        shapely.affinity.translate(s, x) for s, x in zip(parcels.geometry, apart, strict=True)
    ]
    area = compact.study_area(parcels).iloc[0]
    assert area.geom_type == "Polygon"
    assert area.buffer(0.01).covers(parcels.union_all())


def test_meals_of_crops_add_up_only_where_they_fit() -> None:
    meals = tiny_result().meals
    two = pd.concat([meals, meals.assign(crop="blé", meals=9.0, meals_low=1.0, meals_high=90.0)])
    assert popups.block_meals(two.reset_index(drop=True), 3.2) == (15401.0, 34709.0, 69490.0)
    assert popups.block_meals(two.reset_index(drop=True), 2.0) == (15400.0, 34700.0, 69400.0)
    assert popups.block_meals(meals.iloc[:0], 2.0) is None


def test_stages_have_ten_distinct_looks() -> None:
    assert len({(stage["colour"], stage["hatch"]) for stage in stages()}) == 10

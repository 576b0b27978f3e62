"""The map page as a file: same bytes, no outside link, sizes, what each audience finds in it.

Which test covers which requirement of the map; each name begins `test_m<id>_`; those marked B are
in `test_map_browser.py` (headless Chromium), the one marked A is `test_no_violation` of
`test_axe.py`.

===  ====================================================================================
M1   nothing_outside, base_maps_name_one_host_only; B: base_maps_fail_quietly, and every
     page opened asks for nothing but itself (fixture `open_page`)
M2   policy_names_each_script_and_style_by_hash; payloads_stay_inside_their_strings;
     B: hostile_texts_never_act
M3   frame_of_the_page; A
M4   first_screen
M5   table_and_island_tell_the_same; B: opens_by_click_and_reads_whole, back_to_the_row
M6   slider_needs_two_years, year_is_that_of_the_advised_route;
     B: filters_announce_and_never_end_in_silence, year_slider, an_unknown_date_is_not_a_late_one
M7   B: keyboard_scenario, keyboard_opens_a_block_on_the_map, no_tab_trap, M13's big page
M8   B: grey_keeps_the_answers_apart
M9   contrast_of_every_colour
M10  B: phone_has_the_list_first_and_no_sideways_scroll
M11  B: controls_speak_french
M12  B: print_holds_legend_and_every_block, print_hides_the_controls
M13  five_thousand_parcels_stay_under_five_megabytes, too_many_parcels_leaves_those_near_blocks;
     B: twenty_thousand_parcels_open
M14  B: parcels_on_canvas_blocks_in_svg
M15  french_typography_to_the_exact_space
M16  every_layer_of_the_manifest_is_named
M17  missing_layers_and_what_each_would_settle
M18  study_area_closes_roads_and_holds_every_parcel; B: outside_is_greyed
M19  not_indexed_and_audience_in_the_title_bar
===  ====================================================================================
"""

from __future__ import annotations

import base64
import hashlib
import html as entities
import json
import re
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hostile import PAYLOADS, planted
from test_words import contrast
from tiny import CRS, IDS, SOUTH, WEST, tiny_result

from friches import tables
from friches.errors import InputError
from friches.view import compact, look, page, parcels, popups, words
from friches.view.audience import visible
from friches.view.jupyter import folium_map
from friches.view.map import first_meal_years, map_html, stages, write_map


def data_of(html: str) -> dict:
    found = re.search(r'<script type="application/json" id="donnees">(.*?)</script>', html)
    assert found
    data = json.loads(found[1])

    def spoken(said: object) -> object:  # as the page's script reads what is written once
        if isinstance(said, dict):
            if "t" in said:
                return spoken(data["shared"][said["t"]])
            if "l" in said:
                return [spoken(data["shared"][place]) for place in unpacked(said["l"])]
            return {key: spoken(value) for key, value in said.items()}
        return [spoken(value) for value in said] if isinstance(said, list) else said

    return data | {"blocks": spoken(data["blocks"]), "places": spoken(data["places"])}


def markup(html: str) -> str:
    """The page without the texts of its scripts, styles and island."""
    return re.sub(r"(<(script|style)[^>]*>).*?</\2>", r"\1", html, flags=re.DOTALL)


def unpacked(text: str) -> list[int]:
    """What map.js does: five bits a character, the sixth saying that more follow."""
    numbers, n, shift = [], 0, 0
    for sign in text:
        part = ord(sign) - 63
        n |= (part & 31) << shift
        shift += 5
        if not part & 32:
            numbers.append((n >> 1) ^ -(n & 1))
            n = shift = 0
    return numbers


def decoded(ring: str, origin: list[int]) -> np.ndarray:
    """What map.js does: whole steps, each from the last, from the origin."""
    return (np.cumsum(np.reshape(unpacked(ring), (-1, 2)), axis=0) + origin) * 1e-6


def test_same_bytes(tmp_path) -> None:
    first = write_map(tiny_result(), tmp_path / "a" / "map.html").read_bytes()
    assert first == write_map(tiny_result(), tmp_path / "b.html").read_bytes()
    assert b"\r" not in first


def test_m1_nothing_outside() -> None:
    html = map_html(tiny_result())
    assert not re.search(r'(?:src|href)\s*=\s*["\']?(?:https?:)?//', markup(html))
    assert "url(images" not in html
    assert "sourceMappingURL" not in html
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)[1]
    assert "default-src &#39;none&#39;" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


def test_m1_base_maps_name_one_host_only() -> None:
    html = map_html(tiny_result(), base_maps=True)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)[1]
    assert re.findall(r"https?://[^ ;]+", policy) == ["https://data.geopf.fr"]
    assert {base["url"].split("/wmts")[0] for base in data_of(html)["base_maps"]} == {
        "https://data.geopf.fr"
    }


def prose(html: str) -> str:
    """What a reader sees of the page before any script runs, every space as it is."""
    return entities.unescape(re.sub(r"<[^>]+>", "|", markup(html).split("</head>")[1]))


def test_m2_policy_names_each_script_and_style_by_hash() -> None:
    html = map_html(tiny_result())
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)[1]
    for tag, directive, count in (("script", "script-src", 2), ("style", "style-src", 3)):
        texts = re.findall(rf"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
        digests = [base64.b64encode(hashlib.sha256(t.encode()).digest()).decode() for t in texts]
        named = re.search(rf"{directive} ([^;]*)(?:;|$)", entities.unescape(policy))[1]
        assert len(texts) == count
        assert named.split() == [f"'sha256-{digest}'" for digest in digests]
    assert not re.search(r"<[^>]+ on[a-z]+\s*=", markup(html))
    assert " style=" not in markup(html)


def test_m3_frame_of_the_page() -> None:
    html = map_html(tiny_result())
    assert '<html lang="fr">' in html
    assert [html.count(tag) for tag in ("<title>", "<h1", "<main")] == [1, 1, 1]
    target = re.search(r'<body>\s*<a class="skip" href="#([a-z]+)">', html)[1]
    assert f'<table id="{target}" tabindex="-1">' in html
    viewport = re.search(r'name="viewport" content="([^"]*)"', html)[1]
    assert viewport == "width=device-width, initial-scale=1"


def test_m4_first_screen() -> None:
    html = map_html(tiny_result())
    first = prose(html.split('<section class="list"')[0])
    for said in (
        "Carré (territoire fictif)",
        "2\u00a0îlots candidats",
        "3,01\u00a0ha",
        "1er septembre 2026",
        "entre 15\u202f400 et 69\u202f400, sans doute 34\u202f700 repas\u00a0par an",
        "Part des indices connus",
        "83\u00a0%",
        "à confirmer sur le terrain",
        "Territoire fictif",
        "relu par un juriste",
    ):
        assert said in first, said
    assert "mairie@carre.example" in html
    assert "Territoire fictif" not in map_html(tiny_result(fictitious=False, name="Carré"))


def dated(days: list[str | None], *, shut: int | None = None):
    """The tiny result, the advised route of block B001, B002 giving its first meal on each day."""
    result = tiny_result()
    routes = result.routes.copy()
    for block, day in zip(("B001", "B002"), days, strict=True):
        first = (routes["block_id"] == block) & (routes["order"] == 1)
        routes.loc[first, "first_meal_on"] = pd.Timestamp(day) if day else pd.NaT
    if shut is not None:
        routes.loc[routes["block_id"] == f"B{shut:03d}", "answer"] = False
    return replace(result, routes=routes)


def test_m6_slider_needs_two_years() -> None:
    assert 'id="f-annee"' not in map_html(tiny_result())
    assert 'id="f-annee"' not in map_html(dated([None, "2029-01-01"]))
    html = map_html(dated(["2028-12-31", "2031-01-01"]))
    slider = re.search(r'<input id="f-annee"[^>]*>', html)[0]
    for said in ('type="range"', 'min="2028"', 'max="2031"', 'value="2031"', 'step="1"'):
        assert said in slider, said
    assert '<label for="f-annee">Premier repas servi au plus tard en\u00a0:' in html
    assert html.count('id="f-annee-aide"') == 1
    assert html.count("<select") <= 4


def test_m6_year_is_that_of_the_advised_route() -> None:
    def said(result) -> list[tuple[str | None, str]]:
        return [(block["first"], block["first_said"]) for block in popups.blocks(visible(result))]

    assert said(dated(["2028-12-31", None])) == [
        ("2028-12-31", "déc.\u00a02028"),
        (None, "inconnu"),
    ]
    assert said(dated(["2028-12-31", "2030-01-01"], shut=2))[1] == (None, "aucun")
    later = dated([None, "2030-01-01"])
    routes = later.routes.copy()
    second = (routes["block_id"] == "B001") & (routes["order"] == 2)
    routes.loc[second, "answer"] = True
    routes.loc[second, "first_meal_on"] = pd.Timestamp("2027-01-01")
    assert said(replace(later, routes=routes))[0] == (None, "inconnu")  # not the second route's
    assert first_meal_years([{"first": None}]) is None


COLOUR = re.compile(r"#[0-9A-Fa-f]{6}\b")
PAPER = "#FFFFFF"
GROUNDS = {"#ffffff", "#eceae4", "#eaf3fa", "#fff3d6", "#f7f6f2"}
"""Colours of surfaces, which text and graphics are compared with."""
RULES_BETWEEN_ROWS = {"#c9c7c0"}
"""Hairlines of tables, which carry no meaning."""


def test_m9_contrast_of_every_colour() -> None:
    graphics = [answer.colour for answer in words.ANSWERS.values()] + list(look.PALETTE)
    for ground in (PAPER, look.GROUND):
        assert min(contrast(colour, ground) for colour in graphics) >= 3
        assert min(contrast(colour, ground) for colour in look.PLACE_COLOURS.values()) >= 4.5
    sheets = page.asset("style.css") + page.asset("map.css")
    known = {f"--{n}": c for n, c in re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", sheets)}
    assert known["--ground"].upper() == look.GROUND
    texts = {known[name] for name in ("--ink", "--soft", "--link")}
    texts |= set(re.findall(r"[{; ]color: (#[0-9a-f]{6})", sheets))
    for text in texts:
        assert min(contrast(text, ground) for ground in (PAPER, look.GROUND)) >= 4.5, text
    assert contrast(known["--warn-ink"], known["--warn"]) >= 4.5
    drawn = {c.lower() for c in COLOUR.findall(page.asset("map.js") + sheets)}
    drawn -= GROUNDS | RULES_BETWEEN_ROWS
    assert len(drawn) >= 8
    for colour in drawn:
        assert contrast(colour, look.GROUND) >= 3, colour


def test_m15_french_typography_to_the_exact_space() -> None:
    assert words.number(12345.7, 1) == "12\u202f345,7"
    assert words.percent(0.123, 1) == "12,3\u00a0%"
    assert words.euros(1234.5) == "1\u202f234,50\u00a0€"
    assert words.day("2026-09-01") == "1er septembre 2026"
    assert (words.hectares(9.99), words.hectares(10)) == ("9,99\u00a0ha", "10,0\u00a0ha")
    seen = prose(map_html(tiny_result()))
    assert "15\u202f400" in seen
    assert "58\u00a0%" in seen
    assert "2,01\u00a0ha" in seen
    assert not re.findall(r".{0,20}(?:\d [%€]|\d \d{3}\b|\d (?:ha|min|km)\b).{0,9}", seen)
    bare = re.compile(r".{0,20}(?: [:;!?%€»](?![\w(])|« ).{0,9}")  # a plain space before a sign
    frame = re.sub(r"{[{%].*?[%}]}", "", page.asset("map.html.j2"), flags=re.DOTALL)
    assert bare.findall(frame) == []
    code = re.sub(r"//.*", "", page.asset("map.js"))
    said = [text for text in re.findall(r'"([^"\n]*)"', code) if re.search("[a-zà-ÿ]{3}", text)]
    assert [text for text in said if bare.search(text)] == []


def test_m16_every_layer_of_the_manifest_is_named(saint_rebelle) -> None:
    _, out = saint_rebelle
    inputs = json.loads((out / "manifest.json").read_text("utf-8"))["inputs"]
    html = (out / "map.html").read_text("utf-8")
    listed = re.search(r'<ul class="sources">(.*?)</ul>', html, re.DOTALL)[1]
    assert len({row["layer"] for row in inputs}) > 10
    for row in inputs:
        line = f"{words.LAYERS[row['layer']]}\u00a0: {row['publisher']}, {row['vintage']}"
        assert line in entities.unescape(listed), line
    shown = data_of(html)["credits"]
    assert all(row["attribution"] in shown for row in inputs)
    assert data_of(map_html(tiny_result()))["credits"] == "DGFiP - cadastre, juin 2026"
    assert "Licence Ouverte 2.0" in markup(map_html(tiny_result()))


def test_m17_missing_layers_and_what_each_would_settle(saint_rebelle) -> None:
    result = tiny_result()
    html = map_html(result)
    told = re.search(r'<h2 id="manque">.*?<ul>(.*?)</ul>', html, re.DOTALL)[1]
    assert list(result.missing["layer"]) == result.summary["missing_layers"]
    assert re.findall(r"<li><strong>(.*?)</strong>\s*:\s*(.*?)</li>", told) == [
        ("images NDVI", "la végétation est-elle permanente ?")
    ]
    _, out = saint_rebelle
    missing = json.loads((out / "summary.json").read_text("utf-8"))["missing_layers"]
    complete = (out / "map.html").read_text("utf-8")
    assert ('id="manque"' in complete) == bool(missing)


@pytest.mark.parametrize("audience", words.AUDIENCES)
def test_m19_not_indexed_and_audience_in_the_title_bar(audience: str) -> None:
    html = map_html(tiny_result(audience=audience))
    assert '<meta name="robots" content="noindex, nofollow">' in html
    title = re.search(r"<title>(.*?)</title>", html)[1]
    assert words.AUDIENCES[audience] in title


def test_m5_table_and_island_tell_the_same() -> None:
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
    assert unpacked(parcels["answer"]) == [3] * 9
    assert "1 à 2" in html


def test_m2_payloads_stay_inside_their_strings() -> None:
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
    assert set(unpacked(data_of(html)["parcels"]["answer"])) == {1}


@pytest.mark.parametrize(
    "numbers",
    [[], [0], [-1, 1, -2], [15, 16, -16, -17, 511, 512], [2**29 - 1, -(2**29)], [3] * 100],
)
def test_m13_packed_numbers_come_back(numbers: list[int]) -> None:
    text = compact.packed(numbers)
    assert unpacked(text) == numbers
    assert all("?" <= sign <= "~" for sign in text)  # nothing that the page would escape but « \\ »


def test_m13_a_number_too_large_is_an_error() -> None:
    with pytest.raises(ValueError, match="too large"):
        compact.packed([2**29])


def test_m13_identifiers_are_written_as_runs() -> None:
    told = parcels.runs(["129990000A0001", "129990000A0012", "12999000AB0003"])
    assert [(head, unpacked(said)) for head, said in told] == [
        ("129990000A", [1, 12]), ("12999000AB", [3]),
    ]  # fmt: skip


def test_m13_texts_share_their_parts() -> None:
    said = data_of(map_html(tiny_result()))["parcels"]
    assert said["texts"][0] == ""
    assert len({str(text) for text in said["texts"]}) == len(said["texts"])
    figures = {row["label"]: unpacked(row["values"]) for row in said["lines"] if row["unit"]}
    assert figures["Contenance"] == [10_051] * 8 + [0]  # one more than the area; 0 is unknown
    assert sum(len(run) for _, run in said["id"]) == 9


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


def grid(side: int):
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


def test_m13_five_thousand_parcels_stay_under_five_megabytes() -> None:
    result = tiny_result()
    parcels = tables.check(grid(71), "parcels", crs=CRS)
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


def test_m13_too_many_parcels_leaves_those_near_blocks() -> None:
    result = tiny_result()
    assert len(compact.drawn(result, 9)) == 9
    far = replace(result, parcels=grid(30))
    kept = compact.drawn(far, 200)
    assert 0 < len(kept) <= 200
    near = far.parcels.geometry.distance(far.blocks.union_all())
    assert set(kept.index) == set(near.index[near <= compact.NEAR_M])
    assert list(compact.drawn(result, 4)["parcel_id"]) == [IDS[0], IDS[1], IDS[8]]
    assert len(compact.drawn(result, 2)) == 2


def test_m18_study_area_closes_roads_and_holds_every_parcel() -> None:
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

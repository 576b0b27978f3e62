"""What the views do where there are more blocks than they tell one by one: nothing is hushed up."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pyogrio
import pytest
import shapely
from test_map import data_of, decoded, markup, unpacked
from tiny import IDS, SOUTH, WEST, tiny_result

from friches.view import audience, beyond, compact, geopackage, output, register, rows, workbook
from friches.view import map as map_page
from friches.view.jupyter import folium_map

if TYPE_CHECKING:
    from friches.result import Result


def many(count: int) -> Result:
    """The tiny result with blocks of one hectare in a row, the last one by rank first."""
    result = tiny_result()
    blocks = pd.concat([result.blocks.iloc[:1]] * count, ignore_index=True)
    blocks["block_id"] = [f"B{n:03d}" for n in range(count, 0, -1)]
    blocks["rank"] = range(count, 0, -1)
    blocks["answer"] = pd.array([None, True] * count, dtype="boolean")[:count]
    shapes = [shapely.box(WEST + 200 * n, SOUTH, WEST + 200 * n + 100, SOUTH + 100)
              for n in range(count, 0, -1)]  # fmt: skip
    return replace(result, blocks=blocks.set_geometry(shapes, crs=result.blocks.crs))


def test_first_blocks_by_rank_with_their_rows_alone() -> None:
    result = many(5)
    assert rows.first_blocks(result, 5) is result
    two = rows.first_blocks(result, 2)
    assert list(two.blocks["block_id"]) == ["B001", "B002"]
    assert set(two.routes["block_id"]) == set(two.members["block_id"]) == {"B001", "B002"}
    one = rows.first_blocks(result, 1)
    assert set(one.routes["block_id"]) == {"B001"}
    assert len(one.fallow) == len(result.fallow)


@pytest.mark.parametrize(("most", "kept"), [(5, 5), (4, 4), (1, 1)])
def test_map_tells_the_first_blocks_and_draws_the_others(most: int, kept: int) -> None:
    html = map_page.map_html(many(5), told_in_full=most)
    data = data_of(html)
    names = [f"B{n:03d}" for n in range(1, 6)]
    assert [block["id"] for block in data["blocks"]] == names[:kept]
    assert re.findall(r'<tr id="ligne-(\w+)"', html) == names[:kept]
    rest = data["rest"]
    assert len(rest["shape"]) == 5 - kept
    said = re.search(r'<p class="limits">(.*?)</p>', markup(html))
    assert (said is None) == (kept == 5)
    if said:
        assert f"les {kept} premiers îlots par rang sur 5" in said[1]
        assert "candidates.gpkg" in said[1]
        assert [head for head, *_ in rest["id"]] == ["B"]
        assert list(np.cumsum(unpacked(rest["id"][0][2]))) == list(range(kept + 1, 6))
        assert unpacked(rest["answer"]) == [n % 2 for n in range(kept + 1, 6)]  # yes 0, unknown 1


def test_the_rest_takes_the_room_there_is_outlines_then_points_then_nothing() -> None:
    blocks = rows.sorted_blocks(many(50))
    start = compact.origin(blocks.geometry)
    one = beyond.ROW_BYTES + beyond.POINT_BYTES
    none = beyond.beyond(blocks, start, 0)
    assert (none.outlines, none.points, none.absent) == (0, 0, 50)
    ten = beyond.beyond(blocks, start, 10 * one)
    assert (ten.outlines, ten.points, ten.absent) == (0, 10, 40)
    short = beyond.beyond(blocks, start, 10 * one - 1)
    assert (short.outlines + short.points, short.absent) == (9, 41)
    every = beyond.beyond(blocks, start, 100_000)
    assert (every.outlines, every.points, every.absent) == (50, 0, 0)
    some = beyond.beyond(blocks, start, 50 * one + 200)
    assert 0 < some.outlines < 50
    assert some.outlines + some.points == 50
    inside = np.reshape(unpacked(some.island["points"]), (-1, 2))
    assert len(inside) == some.points
    ring = decoded(every.island["shape"][0][0][0], start)
    back = shapely.Polygon(ring)
    assert back.hausdorff_distance(blocks.to_crs(4326).geometry.iloc[0]) < 1e-6


def test_the_page_never_weighs_more_than_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    result = many(400)
    bare = len(map_page.map_html(rows.first_blocks(result, 2)).encode())
    monkeypatch.setattr(map_page, "PAGE_BYTES", bare + 6_000)
    html = map_page.map_html(result, told_in_full=2)
    assert bare < len(html.encode()) < bare + 7_000  # the sentence itself aside
    assert "ne sont pas dessinés" in html


def test_a_page_too_heavy_tells_fewer_blocks_and_says_how_many(monkeypatch) -> None:
    result = many(40)
    ten = len(map_page.map_html(rows.first_blocks(result, 10)).encode())
    monkeypatch.setattr(map_page, "PAGE_BYTES", ten)
    html = map_page.map_html(result)
    assert len(html.encode()) < ten + 1_000  # the sentence aside
    told = re.search(r"Sont détaillés ici les (\d+) premiers îlots par rang sur 40", html)
    assert told
    assert 1 < int(told[1]) <= 10


@pytest.mark.parametrize(
    ("ids", "runs"),
    [
        (["B009", "B010", "B100"], [["B", 3, [9, 1, 90]]]),
        (["B99", "B100"], [["B", 2, [99]], ["B", 3, [100]]]),
        (["HAUT", "B1"], [["HAUT", 0, [0]], ["B", 1, [1]]]),
        ([], []),
    ],
)
def test_identifiers_of_the_rest(ids: list[str], runs: list) -> None:
    assert [[head, width, unpacked(said)] for head, width, said in beyond.numbered(ids)] == runs


def test_parcels_of_the_first_blocks_are_drawn_first() -> None:
    result = tiny_result()
    turned = replace(result, blocks=result.blocks.assign(rank=[2, 1]))
    assert list(compact.drawn(turned, 1)["parcel_id"]) == [IDS[8]]
    assert list(compact.drawn(result, 2)["parcel_id"]) == IDS[:2]


def test_registers_list_the_first_blocks_and_say_so(tmp_path) -> None:
    result = tiny_result()
    assert register.limits(result, 2, 9) == ""
    html = register.register_html(result, told_in_full=1)
    seen = re.sub(r"[\s\u00a0]+", " ", markup(html))
    assert "sont listés les 1 premiers îlots par rang sur 2 ; sont listées 2 parcelles sur 9" in (
        seen.lower()
    )
    assert "sheets/B001.html" in html
    assert "sheets/B002.html" not in html
    path = workbook.write_workbook(result, tmp_path / "r.xlsx", told_in_full=1)
    book = openpyxl.load_workbook(path, read_only=True)
    sheets = [list(sheet.values) for sheet in book.worksheets]
    first, blocks, parcels = sheets[:3]
    assert [row[0] for row in blocks[1:]] == ["B001"]
    assert len(parcels) == 1 + 2
    told = " ".join(str(cell) for row in first for cell in row)
    assert "premiers îlots par rang sur 2" in told
    assert "candidates.gpkg" in told


def test_a_spreadsheet_holds_no_more_rows_than_excel(monkeypatch, tmp_path) -> None:
    assert workbook.MOST_ROWS + 1 == 1_048_576
    monkeypatch.setattr(workbook, "MOST_ROWS", 4)
    path = workbook.write_workbook(tiny_result(), tmp_path / "r.xlsx")
    book = openpyxl.load_workbook(path, read_only=True)
    assert max(len(list(sheet.values)) for sheet in book.worksheets) == 5


def test_questions_of_routes_count_every_block() -> None:
    result = tiny_result()
    names, waiting = workbook._waiting(result.routes)
    told: dict[tuple[str, str], set[str]] = {}
    for block, said in zip(result.routes["block_id"], result.routes["to_ask"], strict=True):
        for text, whom in workbook.questions.split(said):
            told.setdefault((whom or workbook.words.NOBODY, text), set()).add(block)
    assert {key: set(names[blocks]) for key, (blocks, _) in waiting.items()} == told
    assert len(told) > 0
    assert workbook._waiting(result.routes.iloc[:0])[1] == {}


def test_meals_of_all_blocks_are_those_of_each() -> None:
    result = tiny_result()
    meals = result.meals
    wide = meals.assign(block_id="B002", area_ha=9.0)
    both = pd.concat([meals, meals.assign(crop="blé"), wide, wide.assign(meals=1.0)])
    for table in (meals, both, meals.iloc[:0]):
        found = rows.all_meals(table, result.blocks)
        for row, name, area in zip(
            found.itertuples(index=False), result.blocks["block_id"], result.blocks["area_ha"],
            strict=True,
        ):  # fmt: skip
            one = rows.block_meals(table[table["block_id"] == name].reset_index(drop=True), area)
            assert tuple(row) == one or (one is None and all(np.isnan(list(row))))


def as_categories(table: pd.DataFrame) -> pd.DataFrame:
    texts = [c for c in table if isinstance(table[c].dtype, pd.StringDtype)]
    return table.astype(dict.fromkeys(texts, "category"))


@pytest.mark.parametrize("kind", ["internal", "public"])
def test_texts_held_once_give_the_same_pages(kind: str, tmp_path) -> None:
    plain = tiny_result(audience=kind)
    names = ("routes", "steps", "meals", "matches")
    held = replace(plain, **{name: as_categories(getattr(plain, name)) for name in names})
    assert map_page.map_html(held) == map_page.map_html(plain)
    assert register.register_html(held) == register.register_html(plain)
    made = [workbook.write_workbook(r, tmp_path / f"{n}.xlsx") for n, r in enumerate((plain, held))]
    assert made[0].read_bytes() == made[1].read_bytes()


def test_public_texts_lose_parcel_numbers_however_they_are_held() -> None:
    table = pd.DataFrame({"text": [f"voir {IDS[0]}", None, "rien"]}, index=[4, 2, 9])
    for kind in ("str", "category"):
        said = audience._unnumbered(table.astype({"text": kind}))["text"]
        assert list(said.index) == [4, 2, 9]
        assert IDS[0] not in said.iloc[0]
        assert said.isna().tolist() == [False, True, False]
        assert said.iloc[2] == "rien"


def test_layers_and_tables_written_in_parts_are_the_same(monkeypatch, tmp_path) -> None:
    result = tiny_result()
    whole = geopackage.write_geopackage(result, tmp_path / "a.gpkg")
    monkeypatch.setattr(geopackage, "PART", 2)
    parts = geopackage.write_geopackage(result, tmp_path / "b.gpkg")
    for layer, _ in pyogrio.list_layers(whole):
        if layer in {"parcels", "blocks"}:
            one, two = (gpd.read_file(path, layer=layer) for path in (whole, parts))
            pd.testing.assert_frame_equal(one, two)
    output.write_tables(result, tmp_path / "a")
    monkeypatch.setattr(output, "PART", 2)
    output.write_tables(result, tmp_path / "b")
    names = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert len(names) > 10
    for name in names:
        if name != "blocks.parquet":
            one, two = (pd.read_parquet(tmp_path / side / name) for side in "ab")
            pd.testing.assert_frame_equal(one.astype(two.dtypes), two)  # categories, texts


def test_the_map_of_a_notebook_draws_the_first_blocks_and_says_so() -> None:
    result = many(5)
    about = result.study.study.model_copy(update={"told_in_full": 2})
    few = replace(result, study=result.study.model_copy(update={"study": about}))
    html = folium_map(few).get_root().render()
    assert "les 2 premiers îlots par rang, sur 5" in html
    assert "premiers îlots par rang" not in folium_map(result).get_root().render()


def test_a_long_list_of_communes_is_cut_and_counted() -> None:
    result = tiny_result()
    codes = [f"12{n:03d}" for n in range(14)]
    about = result.study.study.model_copy(update={"communes": codes})
    html = map_page.map_html(
        replace(result, study=result.study.model_copy(update={"study": about}))
    )
    lead = html[html.index('class="lead"') :][:1500]
    assert "12011 et 2 autres" in lead.replace("\u202f", " ").replace("\u00a0", " ")
    assert "12012" not in lead

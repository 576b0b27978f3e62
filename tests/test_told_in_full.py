"""Sheets for the first blocks by rank alone: the others have none, and every file says so."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from tiny import IDS, tiny_result

from friches.view import batches, desk, inert, page, plan, sheets
from friches.view.audience import visible
from friches.view.lexicon import w

if TYPE_CHECKING:
    from pathlib import Path

SAID = (
    "<p>Fiches et dossiers\u00a0: le premier îlot par rang, sur 2\u00a0; "
    "les autres n&#39;en ont pas.</p>\n"
)


@pytest.mark.parametrize(("most", "names"), [(1, ["B001"]), (2, ["B001", "B002"])])
def test_the_first_blocks_have_a_sheet(tmp_path: Path, most: int, names: list[str]) -> None:
    made = sheets.write_sheets(tiny_result(), tmp_path, told_in_full=most)
    assert [path.name for path in made] == [
        f"{name}{end}.html" for name in names for end in ("", "-dossier")
    ]
    for path in made:
        assert (SAID in path.read_text("utf-8")) is (most == 1)


def test_first_is_by_rank_not_by_name() -> None:
    result = tiny_result()
    turned = replace(result, blocks=result.blocks.assign(rank=[2, 1]))
    assert [name for name, _ in sheets.pages(turned, 1)] == ["B002", "B002-dossier"]


@pytest.mark.parametrize("audience", ["public", "internal", "restricted"])
def test_a_sheet_is_the_same_whatever_the_others(audience: str) -> None:
    """But for the sentence that says which blocks are told."""
    result = tiny_result(audience=audience, purpose="essai")
    whole, first = dict(sheets.pages(result)), dict(sheets.pages(result, 1))
    assert set(first) < set(whole)
    for name, html in first.items():
        if name.startswith("restreint"):
            assert html == whole[name]
        else:
            assert SAID in html
            assert html.replace(SAID, "") == whole[name]


def test_rows_of_other_blocks_are_left_out() -> None:
    told = batches.told(tiny_result(), 1)
    assert list(told.blocks["block_id"]) == ["B001"]
    assert set(told.members["parcel_id"]) == set(IDS[:2])
    for name in batches.OF_PARCEL:
        assert set(getattr(told, name)["parcel_id"]) <= set(IDS[:2])
    for name in batches.OF_BLOCK:
        table = getattr(told, name)
        assert table is None or set(table["block_id"]) <= {"B001"}
    assert len(told.parcels) == 9  # neighbours are drawn


def test_no_limit_no_copy() -> None:
    result = tiny_result()
    assert batches.told(result, 2) is result
    assert batches.said(result, 2) == ""


@pytest.mark.parametrize("size", [1, 2, 3])
def test_batches_hold_each_row_once_in_order(size: int) -> None:
    result = tiny_result()
    parts = list(batches.parts(result, size))
    assert len(parts) == (2 if size == 1 else 1)
    for name in (*batches.OF_BLOCK, *batches.OF_PARCEL):
        table = getattr(result, name)
        if table is None:
            continue
        key = "block_id" if name in batches.OF_BLOCK else "parcel_id"
        keys = set(result.blocks["block_id"] if key == "block_id" else result.members["parcel_id"])
        joined = pd.concat([getattr(part, name) for part in parts])
        expected = table[table[key].isin(keys)]
        assert sorted(joined.index) == sorted(expected.index)
        for part in parts:
            assert list(getattr(part, name).index) == sorted(getattr(part, name).index)


def test_no_block_no_batch() -> None:
    result = tiny_result()
    empty = {name: getattr(result, name).iloc[:0] for name in ("blocks", "members")}
    assert list(batches.parts(replace(result, **empty))) == []


def _categories(result: Any) -> Any:
    """Return the same result, its texts held as categories."""
    made = {}
    for field in fields(result):
        table = getattr(result, field.name)
        if field.name in ("routes", "steps", "rulings", "evidence"):
            texts = [c for c in table if isinstance(table[c].dtype, pd.StringDtype)]
            made[field.name] = table.astype(dict.fromkeys(texts, "category"))
    return replace(result, **made)


@pytest.mark.parametrize("audience", ["internal", "restricted"])
def test_texts_may_be_categories(audience: str) -> None:
    result = tiny_result(audience=audience, purpose="essai")
    assert dict(sheets.pages(_categories(result))) == dict(sheets.pages(result))


def test_the_survey_of_a_batch_tells_what_the_whole_tells() -> None:
    result = visible(tiny_result())
    whole = desk.survey(result)
    for part in batches.parts(result, 1):
        known = desk.survey(part)
        (block,) = part.blocks.drop(columns="geometry").to_dict("records")
        assert str(desk.context(part, known, block)) == str(desk.context(result, whole, block))


def test_the_locator_shows_no_block_where_they_would_hide_the_land(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    result = visible(tiny_result())
    assert plan.survey(result).locator.blocks
    monkeypatch.setattr(plan, "LOCATED", 1)
    assert plan.survey(result).locator.blocks == ""
    assert plan.survey(result).locator.area


def test_our_words_stand_in_the_compiled_template() -> None:
    """Written once when the template is compiled, escaped like any other text."""
    made = page.environment().from_string("{{ w.shared.skip }} {{ '<b>' }} {{ x }}")
    assert made.render(x="<i>\u202e") == f"{w.shared.skip} &lt;b&gt; &lt;i&gt;\ufffd"


@pytest.mark.parametrize("length", [inert.SHORT - 3, inert.SHORT - 2])
def test_long_texts_are_escaped_but_not_kept(length: int) -> None:
    said = "<" + "x" * length + "> "
    before = inert._short.cache_info().currsize
    assert inert.written(said) == f"&lt;{'x' * length}&gt; "
    kept = inert._short.cache_info().currsize - before
    assert kept == (1 if len(said) <= inert.SHORT else 0)

"""Privacy from the study file to every output: withdrawn parcels, purpose, destroy-by dates."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import geopandas as gpd
import pandas as pd
import pytest
from tiny import tiny_result

import friches
from friches.errors import InputError
from friches.view.audience import WITHDRAWN
from friches.view.map import write_map
from friches.view.output import write
from friches.view.register import write_register_html
from friches.view.sheets import write_sheets

UNKNOWN = "129990000Z9999"


@pytest.fixture(scope="module")
def runs(small, tmp_path_factory):
    """The same territory before and after a request, stages kept between the two."""
    folder = tmp_path_factory.mktemp("withdrawn")
    shutil.copytree(small, folder, dirs_exist_ok=True)
    (folder / ".friches").rename(folder / "kept")
    before = friches.run(friches.open(folder / "study.toml"), keep_in=folder / "kept")
    block = before.members["block_id"].value_counts().index[0]
    asked = before.members.loc[before.members["block_id"] == block, "parcel_id"].iloc[0]
    (folder / "exclusions.csv").write_text(
        f"parcel;reason;date;by\n{asked};jardin partagé;2026-03-01;mairie\n"
        f"{UNKNOWN};divisée;2026-03-01;mairie\n",
        "utf-8",
    )
    after = friches.run(friches.open(folder / "study.toml"), keep_in=folder / "kept")
    return folder, asked, before, after


def test_p5_the_parcel_is_in_no_block_and_the_others_stay(runs) -> None:
    _, asked, before, after = runs
    assert asked in set(before.members["parcel_id"])
    assert set(before.members["parcel_id"]) - {asked} >= set(after.members["parcel_id"])
    for table in ("members", "rulings"):
        assert asked not in set(getattr(after, table)["parcel_id"])
    shape = after.parcels.set_index("parcel_id").geometry[asked].buffer(-0.5)
    assert not after.blocks.geometry.intersects(shape).any()
    pd.testing.assert_frame_equal(before.facts, after.facts)


@pytest.fixture(scope="module")
def outputs(runs, tmp_path_factory):
    folder, after = tmp_path_factory.mktemp("outputs"), runs[3]
    made = {}
    for audience in ("internal", "public"):
        about = after.study.study.model_copy(update={"audience": audience})
        study = after.study.model_copy(update={"study": about})
        made[audience] = write(replace(after, study=study), folder / audience)
    return made


def test_p5_requests_are_counted(runs, outputs) -> None:
    _, _, before, after = runs
    assert (before.summary["parcels_withdrawn"], after.summary["parcels_withdrawn"]) == (0, 1)
    said = json.loads((outputs["internal"] / "manifest.json").read_text("utf-8"))
    assert said["exclusions"] == {"asked": 2, "withdrawn": 1, "not_in_cadastre": 1}


@pytest.mark.parametrize("audience", ["internal", "public"])
def test_p5_outputs_say_it_to_those_who_see_parcels(runs, outputs, audience: str) -> None:
    asked, out = runs[1], outputs[audience]
    files = [p for p in out.rglob("*") if p.suffix in {".html", ".json"}]
    said = "".join(p.read_text("utf-8") for p in files)
    assert "jardin partagé" not in said  # the reason stays in the file
    table = gpd.read_file(out / "candidates.gpkg", layer="parcels")
    if audience == "public":
        assert WITHDRAWN not in said
        assert WITHDRAWN.encode() not in (out / "candidates.gpkg").read_bytes()
    else:
        assert table.set_index("parcel_id").loc[asked, "answer"] == WITHDRAWN
        fallow = pd.read_parquet(out / "tables" / "fallow.parquet").set_index("parcel_id")
        assert fallow.loc[asked, "against"] == WITHDRAWN
        assert WITHDRAWN in (out / "map.html").read_text("utf-8")


@pytest.mark.parametrize("audience", ["internal", "public"])
def test_p5_no_table_keeps_texts_of_rows_that_are_not_shown(outputs, audience: str) -> None:
    for path in sorted((outputs[audience] / "tables").glob("*.parquet")):
        table = pd.read_parquet(path)
        for column in table.select_dtypes("category"):
            used = table[column].cat.remove_unused_categories()
            assert table[column].cat.categories.equals(used.cat.categories), (path.name, column)


def test_p5_a_request_changes_the_edition_and_a_bad_one_stops_the_run(runs) -> None:
    from friches.view.page import run_id

    folder, _, _, after = runs
    one = run_id(after)
    asked = (folder / "exclusions.csv").read_text("utf-8")
    try:
        (folder / "exclusions.csv").unlink()
        assert run_id(after) != one
        (folder / "exclusions.csv").write_text("parcel;reason;date;by\nA1;;;\n", "utf-8")
        with pytest.raises(InputError, match=r"exclusions\.csv"):
            friches.run(friches.open(folder / "study.toml"), keep_in=folder / "kept")
    finally:
        (folder / "exclusions.csv").write_text(asked, "utf-8")


def test_p2_a_restricted_run_without_purpose_is_refused(runs) -> None:
    folder, *_ = runs
    text = (folder / "study.toml").read_text("utf-8")
    said = 'audience = "restricted"\n[sources]'
    (folder / "r.toml").write_text(text.replace("[sources]", said, 1), "utf-8")
    with pytest.raises(InputError, match="finalité"):
        friches.run(friches.open(folder / "r.toml"), keep_in=folder / "kept")


@pytest.mark.parametrize("audience", ["internal", "restricted"])
def test_p4_restricted_pages_say_when_to_destroy_them(tmp_path, audience: str) -> None:
    result = tiny_result(audience=audience, purpose="essai")
    pages = write_sheets(result, tmp_path / "sheets")
    pages += [write_map(result, tmp_path / "map.html")]
    pages += [write_register_html(result, tmp_path / "register.html")]
    for path in pages:
        said = "à détruire avant le 31 décembre 2027" in path.read_text("utf-8")
        assert said is (audience == "restricted"), path.name

"""The whole path on the embedded territory: what the tables promise each other."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

import friches
from friches import study as path
from friches import tables
from friches.facts import dictionary

ROOT = Path(__file__).resolve().parent.parent
WRITTEN = {
    "map.html", "register.html", "register.xlsx", "sheets", "candidates.gpkg", "tables",
    "summary.json", "manifest.json",
}  # fmt: skip


def test_every_output_is_written(saint_rebelle):
    _, folder = saint_rebelle
    assert {p.name for p in folder.iterdir()} == WRITTEN


def test_tables_on_disk_pass_their_own_check(saint_rebelle):
    _, folder = saint_rebelle
    from friches.keep import read_table

    for file in sorted((folder / "tables").glob("*.parquet")):
        table = read_table(file)
        assert len(tables.check(table, file.stem)) == len(table), file.stem


def test_ids_stay_text(saint_rebelle):
    _, folder = saint_rebelle
    facts = pd.read_parquet(folder / "tables" / "facts.parquet")
    assert facts["parcel_id"].str.fullmatch(r"\d{5}\d{3}[0-9A-Z]{2}\d{4}").all()
    assert facts["commune"].str.len().eq(5).all()


def test_every_fact_of_the_dictionary_has_its_column(saint_rebelle):
    result, _ = saint_rebelle
    for name, fact in dictionary().items():
        for column in (f"{name}_low", f"{name}_high") if fact.bounded else (name,):
            assert column in result.facts, column


def test_parcels_are_all_judged_and_ranked_once(saint_rebelle):
    result, _ = saint_rebelle
    parcels = set(result.parcels["parcel_id"])
    assert set(result.fallow["parcel_id"]) == parcels
    assert sorted(result.fallow["rank"]) == list(range(1, len(parcels) + 1))
    assert len(result.evidence) == len(parcels) * result.evidence["rule"].nunique()


def test_unknown_always_says_what_to_ask_and_whom(saint_rebelle):
    result, _ = saint_rebelle
    unknown = result.evidence[result.evidence["answer"].isna()]
    assert unknown["question"].notna().all()
    assert unknown["whom"].notna().all()


def test_blocks_are_the_sum_of_their_members(saint_rebelle):
    result, _ = saint_rebelle
    facts = result.facts.set_index("parcel_id")
    registered = facts["area_registered_m2"].fillna(facts["area_m2"]) / 10_000
    area = registered.reindex(result.members["parcel_id"]).groupby(
        result.members["block_id"].to_numpy()
    )
    blocks = result.blocks.set_index("block_id")
    pd.testing.assert_series_equal(
        area.sum(), blocks["area_ha"], check_names=False, check_index_type=False
    )
    assert (area.size() == blocks["n_parcels"]).all()


def test_a_block_never_mixes_answers(saint_rebelle):
    result, _ = saint_rebelle
    joined = result.members.merge(result.fallow, on="parcel_id")
    mixed = joined.groupby("block_id")["answer"].agg(lambda a: a.isna().nunique())
    assert (mixed == 1).all()
    assert (result.blocks["area_ha"] >= 0.1).all()


def test_summary_says_what_the_tables_say(saint_rebelle):
    result, folder = saint_rebelle
    summary = json.loads((folder / "summary.json").read_text("utf-8"))
    assert summary["parcels"] == len(result.parcels)
    assert summary["parcels_fallow_yes"] == int(result.fallow["answer"].sum())
    assert summary["blocks"] == len(result.blocks)
    assert summary["missing_layers"] == ["farm_fields"]
    assert summary["canteen_meals_per_year"] == 1500 * 140
    assert summary["organic_share_now"] == pytest.approx(0.58)
    after, meals = summary["organic_share_after"], summary["meals_per_year"]
    assert 0.58 <= after["low"] <= after["central"] <= after["high"] <= 1
    assert 0 < meals["low"] <= meals["central"] <= meals["high"]
    first = summary["first_meal_on"]
    assert "2026-09-01" < first["low"] <= first["central"] <= first["high"]
    assert summary["seconds"] is None


def test_manifest_names_every_input_with_its_hash(saint_rebelle):
    result, folder = saint_rebelle
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    files = {row["file"] for row in manifest["inputs"]}
    assert {p.name for p in result.study.files("cadastre")} <= files
    assert all(len(row["sha256"]) == 64 for row in manifest["inputs"])
    assert manifest["seconds"]["total"] > 0


def test_bounds_never_cross(saint_rebelle):
    result, _ = saint_rebelle
    meals, routes = result.meals, result.routes.dropna(subset="first_meal_on")
    for what in ("kg", "meals", "meals_group"):
        assert (meals[f"{what}_low"] <= meals[what] + 1e-9).all()
        assert (meals[what] <= meals[f"{what}_high"] + 1e-9).all()
    for what in ("land_on", "first_meal_on"):
        assert (routes[f"{what}_low"] <= routes[what]).all()
        assert (routes[what] <= routes[f"{what}_high"]).all()
    assert not routes.empty


def test_every_route_is_shown_for_every_block(saint_rebelle):
    result, _ = saint_rebelle
    instruments = result.routes["instrument"].nunique()
    assert instruments == 38
    assert (result.routes.groupby("block_id").size() == instruments).all()
    assert set(result.routes["block_id"]) == set(result.blocks["block_id"])


def test_second_run_with_another_goal_measures_nothing_again(kept_stages, monkeypatch):
    study = friches.open(ROOT / "data" / "sample" / "study.toml")

    def never(*_args, **_kwargs):
        raise AssertionError("a kept stage was made again")

    monkeypatch.setattr("friches.layers.read_layer", never)
    monkeypatch.setattr(path, "measure_parts", never)
    nearer = study.reach.model_copy(update={"minutes_to_farm": 15.0})
    assert friches.run(study.model_copy(update={"reach": nearer}), keep_in=kept_stages).durations
    friches.run(study, keep_in=kept_stages)
    monkeypatch.setattr(path, "travel", never)
    other = study.model_copy(update={"goal": study.goal.model_copy(update={"organic_share": 0.8})})
    again = friches.run(other, keep_in=kept_stages)
    assert again.summary["parcels"] > 0


def test_workers_change_no_table(tmp_path, saint_rebelle):
    result, _ = saint_rebelle
    study = friches.open(ROOT / "data" / "sample" / "study.toml")
    other = friches.run(study, keep_in=tmp_path, workers=2)
    for name in ("facts", "evidence", "fallow", "members", "reach", "meals", "routes", "steps"):
        pd.testing.assert_frame_equal(getattr(result, name), getattr(other, name), check_exact=True)


def test_kept_stages_give_the_same_tables(kept_stages, saint_rebelle, monkeypatch):
    result, _ = saint_rebelle
    study = friches.open(ROOT / "data" / "sample" / "study.toml")
    monkeypatch.setattr(
        path, "measure_parts", lambda *_: pytest.fail("a kept stage was made again")
    )
    kept = friches.run(study, keep_in=kept_stages)
    for name in ("facts", "evidence", "fallow", "members", "reach", "meals", "routes", "steps"):
        pd.testing.assert_frame_equal(getattr(result, name), getattr(kept, name))

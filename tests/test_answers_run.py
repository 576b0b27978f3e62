"""Answers from answers.csv to the rulings: parcel, block, commune, contradictions, same bytes."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pytest

import friches
from friches.errors import InputError
from friches.sources.answersfile import answers_key, given_answers
from friches.view.map import write_map
from friches.view.output import TABLE_NAMES, manifest
from friches.view.page import run_id
from friches.view.register import write_register_html

SAMPLE = Path(__file__).resolve().parents[1] / "data" / "sample"
MOUNTAIN = {True: "oui", False: "non"}
HEAD = "subject;fact;value;source;date\n"
WHO = "Mairie, visite du garde"
DAY = "2026-06-01"
OPEN = {
    "neglected_compared": "oui",
    "farmable": "oui",
    "force_majeure": "non",
    "clearing_permit_needed": "non",
    "voted_period_reached": "non",
}


class Asked(NamedTuple):
    """The territory before and after: parcels of three blocks, and the block answered for."""

    folder: Path
    before: friches.Result
    after: friches.Result
    settled: str
    barred: str
    block: str


def told(folder, *rows):
    lines = [f"{subject};{fact};{value};{WHO};{DAY}\n" for subject, fact, value in rows]
    (folder / "answers.csv").write_text(HEAD + "".join(lines), "utf-8")


def ran(folder, kept):
    return friches.run(friches.open(folder / "study.toml"), keep_in=kept)


def verdicts(result, instrument="l125_individuel"):
    rows = result.rulings[result.rulings["instrument"] == instrument]
    return rows[rows["condition"] == "verdict"].set_index("parcel_id")["answer"]


def mountain(result, parcel):
    return bool(result.facts.set_index("parcel_id").loc[parcel, "in_mountain_zone"])


def three_blocks(result):
    """Return a parcel of a first block, a parcel of a second, and a third block of many parcels."""
    years = result.facts.set_index("parcel_id")["years_unused_low"]
    members = result.members[result.members["parcel_id"].map(years) >= 3]
    third = members["block_id"].value_counts().index[0]
    others = members[members["block_id"] != third].drop_duplicates("block_id")
    return *others["parcel_id"].iloc[:2], third


@pytest.fixture(scope="module")
def asked(sample_run, tmp_path_factory) -> Asked:
    """The embedded territory without its answers, then copied and answered for.

    Layers and facts, which no answer changes, are those of the suite's run of it.
    """
    silent = tmp_path_factory.mktemp("silent")
    shutil.copytree(SAMPLE, silent, dirs_exist_ok=True)
    shutil.copytree(sample_run / "kept", silent / "kept")
    (silent / "answers.csv").unlink()
    before = ran(silent, silent / "kept")
    folder = tmp_path_factory.mktemp("answered")
    shutil.copytree(SAMPLE, folder, dirs_exist_ok=True)
    shutil.copytree(sample_run / "kept", folder / "kept")
    settled, barred, block = three_blocks(before)
    told(
        folder,
        *[(settled, fact, value) for fact, value in OPEN.items()],
        (settled, "in_mountain_zone", MOUNTAIN[not mountain(before, settled)]),
        (barred, "force_majeure", "oui"),
        (block, "force_majeure", "oui"),
        ("12999", "force_majeure", "non"),
    )
    return Asked(folder, before, ran(folder, folder / "kept"), settled, barred, block)


def test_without_a_file_or_with_a_header_alone_nothing_is_answered(asked, tmp_path):
    assert asked.before.answers.empty
    assert asked.before.contradictions.empty
    shutil.copy(SAMPLE / "study.toml", tmp_path)
    study = friches.open(tmp_path / "study.toml")
    assert answers_key(study) == ""
    (tmp_path / "answers.csv").write_text(HEAD, "utf-8")
    assert given_answers(study).empty


def test_a_parcel_answered_for_turns_its_verdict(asked):
    before, after = verdicts(asked.before), verdicts(asked.after)
    assert before.isna().all()
    assert after[asked.settled] == True  # noqa: E712 -- numpy or Python, but not missing
    assert after[asked.barred] == False  # noqa: E712


def test_a_block_answered_for_turns_the_verdict_of_each_of_its_parcels(asked):
    pd.testing.assert_frame_equal(asked.before.members, asked.after.members)
    members = asked.after.members
    inside = members.loc[members["block_id"] == asked.block, "parcel_id"]
    assert len(inside) > 1
    assert verdicts(asked.after)[inside].eq(False).all()
    facts = asked.after.facts.set_index("parcel_id")["force_majeure"]
    assert facts[inside].all()
    # the commune's answer holds everywhere else, in blocks or not
    assert not facts.drop([*inside, asked.barred]).any()
    assert facts.notna().all()


def test_verdicts_nobody_answered_for_stay_unknown(asked):
    members = asked.after.members.set_index("parcel_id")["block_id"]
    others = members.index[(members != asked.block)].drop([asked.settled, asked.barred])
    assert verdicts(asked.after)[others].isna().all()


def test_contradictions_are_listed_once_and_the_nearest_answer_holds(asked):
    said = asked.after.contradictions
    columns = ["parcel_id", "fact", "known", "answer"]
    inside = asked.after.members.query("block_id == @asked.block")["parcel_id"]
    measured = mountain(asked.before, asked.settled)
    known, answer = MOUNTAIN[measured], MOUNTAIN[not measured]
    expected = [(asked.settled, "in_mountain_zone", known, answer)]
    expected += [(name, "force_majeure", "non", "oui") for name in (asked.barred, *inside)]
    assert sorted(said[columns].itertuples(index=False, name=None)) == sorted(expected)
    assert set(said["source"]) == {WHO}
    assert mountain(asked.after, asked.settled) is not measured


def test_same_answers_same_bytes(asked, kept_stages, tmp_path):
    again = ran(asked.folder, kept_stages)
    for name in TABLE_NAMES:
        for result, end in ((asked.after, "once"), (again, "again")):
            getattr(result, name).to_parquet(tmp_path / f"{name}.{end}")
    for result, end in ((asked.after, "once"), (again, "again")):
        write_map(result, tmp_path / f"map.{end}")
        write_register_html(result, tmp_path / f"register.{end}")
    for name in (*TABLE_NAMES, "map", "register"):
        once = (tmp_path / f"{name}.once").read_bytes()
        assert once == (tmp_path / f"{name}.again").read_bytes(), name
        assert WHO.encode() not in once, name  # who answered stays in the file
    pd.testing.assert_frame_equal(asked.after.contradictions, again.contradictions)


def test_who_answered_is_kept_in_no_stage_and_answers_are_counted(asked):
    kept = [p for p in (asked.folder / "kept").rglob("*") if p.is_file()]
    assert kept
    assert not {p.name for p in kept} & {"answers.parquet", "contradictions.parquet"}
    assert all(WHO.encode() not in p.read_bytes() for p in kept)
    counts = {"given": 9, "contradictions": len(asked.after.contradictions)}
    assert manifest(asked.after)["answers"] == counts
    assert WHO not in str(manifest(asked.after))


def test_an_answer_reaches_detection_through_kept_stages_and_makes_another_edition(asked, tmp_path):
    shutil.copytree(SAMPLE, tmp_path, dirs_exist_ok=True)
    told(tmp_path, (asked.barred, "built_share", "1"))
    after = ran(tmp_path, asked.folder / "kept")
    assert asked.barred in set(asked.after.members["parcel_id"])
    assert asked.barred not in set(after.members["parcel_id"])
    found = after.fallow.set_index("parcel_id").loc[asked.barred, "answer"]
    assert found == False  # noqa: E712
    assert len({run_id(asked.before), run_id(asked.after), run_id(after)}) == 3


@pytest.mark.parametrize("subject", ["B999", "129990000Z9999"])
def test_an_answer_about_nothing_of_the_study_stops_the_run(asked, tmp_path, subject):
    shutil.copytree(SAMPLE, tmp_path, dirs_exist_ok=True)
    told(tmp_path, (subject, "force_majeure", "oui"))
    with pytest.raises(InputError, match=f"sujet inconnu « {subject} »"):
        ran(tmp_path, asked.folder / "kept")

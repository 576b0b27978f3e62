"""`friches plan`: refusals, sentence and files; texts from data stay inert."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from hostile import PAYLOADS
from tiny import tiny_result
from typer.testing import CliRunner

from friches.cli import app
from friches.plan import Limits
from friches.plan_cli import inert_texts, lines, of_result, write

SAMPLE = Path(__file__).parents[1] / "data" / "sample" / "study.toml"


@pytest.mark.parametrize(
    ("goal", "said"),
    [("légumes 100 %", "illisible"), ("légumes=100%@2029-13", "date impossible")],
)
def test_a_goal_that_does_not_read_is_refused_before_any_work(goal, said) -> None:
    made = CliRunner().invoke(app, ["plan", str(SAMPLE), "--goal", goal])
    assert made.exit_code == 2
    assert said in made.output
    assert "écrire par exemple « légumes=100%@2029-09 »" in made.output


def test_limits_and_group_are_refused_before_any_work_all_at_once() -> None:
    asked = ["--goal", "bonbons=120%@2020-01", "--budget", "-5", "--at-once", "0", "--risk", "2"]
    made = CliRunner().invoke(app, ["plan", str(SAMPLE), *asked])
    assert made.exit_code == 2
    assert "6 problèmes" in made.output
    assert "« bonbons » inconnu" in made.output


def test_a_missing_study_is_refused() -> None:
    made = CliRunner().invoke(app, ["plan", "nulle-part.toml", "--goal", "pain=100%@2030-01"])
    assert made.exit_code == 2
    assert "introuvable" in made.output


def test_the_tiny_result_gives_a_plan_in_words_and_files(tmp_path) -> None:
    made = of_result(tiny_result(), "tout=100%@2040-09", Limits(), unsure=True)
    told = "\n".join(lines(made))
    assert "100 % d'achats bio au 01/09/2040" in told.replace("\u202f", " ")
    write(made, tmp_path / "plan")
    written = pd.read_parquet(tmp_path / "plan" / "openings.parquet")
    assert len(written) == len(made.openings)
    head = (tmp_path / "plan" / "plan.csv").read_text("utf-8-sig").splitlines()[0]
    assert head.startswith("Identifiant de l'îlot;Rang de l'action")


@pytest.mark.parametrize("payload", [*PAYLOADS, "=1+1", "-2", "@x", "+3", "\t=1"])
def test_no_cell_begins_as_a_formula(payload) -> None:
    told = inert_texts(pd.DataFrame({"why": [payload]}, dtype="str"))["why"].iloc[0]
    assert not told.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert "\n" not in told


def test_need_and_plan_are_commands() -> None:
    told = CliRunner().invoke(app, ["--help"]).output
    assert "need" in told
    assert "plan" in told

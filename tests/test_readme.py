"""What the README says is what runs."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from friches.cli import app
from friches.studyfile import read_study

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, flags=re.DOTALL)


def commands(word: str) -> list[str]:
    shells = "\n".join(text for kind, text in BLOCKS if kind == "sh")
    lines = [line.split("#")[0].strip() for line in shells.splitlines()]
    return [line for line in lines if line.startswith(word)]


def test_the_two_commands_exist():
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert commands("make")[:2] == ["make demo", "make test"]
    for command in commands("make"):
        assert f"\n{command.split()[1]}:" in makefile


def test_every_friches_command_runs(sample_run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "data", tmp_path / "data", ignore=shutil.ignore_patterns(".friches"))
    for folder in (tmp_path / "data" / "sample", tmp_path / "maps"):  # measured already
        shutil.copytree(sample_run / "kept", folder / ".friches")
    assert commands("friches")
    for command in commands("friches"):
        told = CliRunner().invoke(app, shlex.split(command)[1:])
        assert told.exit_code == 0, (command, told.output)


def test_python_blocks_run(monkeypatch):
    monkeypatch.chdir(ROOT)
    pythons = [text for kind, text in BLOCKS if kind == "python"]
    assert pythons
    for text in pythons:
        exec(compile(text, "README.md", "exec"), {})


def test_study_file_example_is_accepted(tmp_path):
    (example,) = [text for kind, text in BLOCKS if kind == "toml"]
    file = tmp_path / "study.toml"
    file.write_text(example, "utf-8")
    assert read_study(file).study.communes


@pytest.mark.parametrize("link", re.findall(r"\]\((?!http)([^)#]+)\)", README))
def test_links_lead_somewhere(link):
    assert (ROOT / link).exists()

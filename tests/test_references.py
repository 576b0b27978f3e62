"""Sources are ones a reader can open: no internal note is cited, and every « réf. Rn » has its entry.

The entries stand in docs/references.md, in French, with the mark of each fact.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
REFERENCES = ROOT / "docs" / "references.md"
READ = {".py", ".toml", ".csv", ".md", ".ipynb", ".j2", ".css", ".js", ".json", ".yml", ".yaml"}
NOT_OURS = {"maps", "dist", "build", "__pycache__", "node_modules"}

NOTES = ("detection", "meals", "craft", "legal", "models", "performance", "design", "prototypes")
NOTE = re.compile(
    rf"\b(?:{'|'.join(NOTES)})\.md\b"  # the file
    rf"|\b(?:{'|'.join(NOTES)}) ?§"  # a section of it
    r"|\bshared/research\b",
    re.IGNORECASE,
)
CITED = re.compile(r"\br[ée]f\. (R\d+)\b")
NEAR = re.compile(r"\br[ée]fs?\.? ?R ?\d+", re.IGNORECASE)
ENTRY = re.compile(r"^## (R\d+)\. \S", re.MULTILINE)
ANCHOR = re.compile(r'<a id="([^"]+)"></a>')
LINK = re.compile(r"\]\(#([^)]+)\)")
MARK = re.compile(r"\b(?:VERIFIED(?:-3P)?|RECALLED|INFERENCE|ASSUMPTION)\b")


def text_files() -> list[Path]:
    """Every text file of the project but this one, which has to name what it looks for."""
    found = []
    for path in sorted(ROOT.rglob("*")):
        parts = path.relative_to(ROOT).parts
        hidden = any(part.startswith(".") and part != ".github" for part in parts)
        if hidden or NOT_OURS.intersection(parts) or path == Path(__file__).resolve():
            continue
        if path.is_file() and (path.suffix in READ or path.name == "Makefile"):
            found.append(path)
    return found


@cache
def texts() -> dict[str, str]:
    return {str(p.relative_to(ROOT)): p.read_text("utf-8") for p in text_files()}


def lines_that_match(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{name}:{number}: {line.strip()[:120]}"
        for name, text in texts().items()
        for number, line in enumerate(text.split("\n"), 1)
        if pattern.search(line)
    ]


def entries() -> dict[str, str]:
    """Each entry of the references with its text, up to the next one."""
    head, *rest = ENTRY.split(REFERENCES.read_text("utf-8"))
    assert head
    return dict(zip(rest[::2], rest[1::2], strict=True))


@pytest.mark.parametrize(
    "note", ["detection.md §1.3", "design §2.9", "../shared/research/x", "Craft.md"]
)
def test_the_pattern_sees_a_note(note):
    assert NOTE.search(note)


@pytest.mark.parametrize(
    "plain", ["legal.tricoteuses.fr", "friches/meals.py", "art. 10, § 3", "meals"]
)
def test_the_pattern_leaves_the_rest(plain):
    assert not NOTE.search(plain)


def test_the_files_are_read():
    assert {"friches/rules/garden.toml", "friches/tables.py", "data/sources.toml"} <= set(texts())


def test_no_internal_note_is_cited():
    assert lines_that_match(NOTE) == []


def test_every_reference_cited_has_its_entry_and_the_reverse():
    cited = {
        found
        for name, text in texts().items()
        if not name.startswith(("docs/", "tests/"))
        for found in CITED.findall(text)
    }
    assert cited == set(entries())


def test_references_are_written_one_way():
    assert [
        line
        for line in lines_that_match(NEAR)
        if len(NEAR.findall(line)) != len(CITED.findall(line))
    ] == []


def test_entries_are_numbered_in_order_each_once():
    numbers = ENTRY.findall(REFERENCES.read_text("utf-8"))
    assert numbers == [f"R{n}" for n in range(1, len(numbers) + 1)]


def test_anchors_are_those_of_the_entries_and_no_link_is_dead():
    text = REFERENCES.read_text("utf-8")
    anchors = ANCHOR.findall(text)
    assert anchors == [number.lower() for number in entries()]
    assert set(LINK.findall(text)) <= set(anchors)
    assert [n for n, times in Counter(anchors).items() if times > 1] == []


def test_the_table_lists_every_entry():
    listed = re.findall(
        r"^\| \[(R\d+)\]\(#(r\d+)\) \|", REFERENCES.read_text("utf-8"), re.MULTILINE
    )
    assert listed == [(number, number.lower()) for number in entries()]


@pytest.mark.parametrize("number", sorted(entries()))
def test_each_entry_gives_its_facts_a_mark(number):
    assert MARK.search(entries()[number])


@pytest.mark.parametrize("number", sorted(entries()))
def test_each_fact_of_an_entry_ends_on_a_mark_or_leans_on_one(number):
    said = entries()[number]
    if "Tout est VERIFIED" in said or number == "R19":
        return  # marked once for all, or line by line in its table
    facts = re.split(r"\n- ", said.split("<a id=")[0])[1:]
    assert facts
    assert [fact for fact in facts if not (MARK.search(fact) or "](#" in fact)] == []

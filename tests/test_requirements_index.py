"""Every requirement of the hand-over has a test that bears its id: `test_m13_…`, `test_x1_x2_…`.

The ids are those of the project's list of requirements: M map, S block sheet, R register, G
GeoPackage, P privacy, X hostile input. Each stands here in a few words, so that the list of tests
reads as the list of promises kept.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
ASKED = {
    "M1": "one file, no request",
    "M2": "a policy that names each script by hash",
    "M3": "language, title, landmarks, skip link, zoom allowed",
    "M4": "the first screen says what, where, when, how much, how sure",
    "M5": "every block in a table with a button; same facts on both sides",
    "M6": "at most four filters, each explained; an empty answer is said",
    "M7": "keyboard: focus, Enter, Escape, no trap",
    "M8": "not by colour alone",
    "M9": "contrast of graphics and texts",
    "M10": "phones: list first, no sideways scroll, targets of 24 px",
    "M11": "controls in French",
    "M12": "print keeps legend, scale, north, sources, every block",
    "M13": "size of the file; 20,000 parcels open",
    "M14": "parcels on canvas, blocks in SVG",
    "M15": "French numbers, units and dates",
    "M16": "every layer's source named",
    "M17": "missing layers and what each would settle",
    "M18": "studied area outlined, the rest greyed",
    "M19": "not indexed; audience in the title bar",
    "S1": "head of the sheet",
    "S2": "état parcellaire adds up",
    "S3": "for and against, equal weight",
    "S4": "every route, condition by condition",
    "S5": "plan at a round scale",
    "S6": "true north",
    "S7": "aerial image only when the study has one",
    "S8": "field box, ten classes",
    "S9": "one A4 recto-verso",
    "S10": "PDF tagged",
    "S11": "nothing fetched while printing",
    "S12": "glyphs",
    "S13": "contest line",
    "S14": "footer; same bytes",
    "S15": "names on the restricted sheet alone",
    "R1": "no formula from data",
    "R2": "CSV inert",
    "R3": "drop-downs from a named range",
    "R4": "errors told, not blocked in silence",
    "R5": "table sortable, not protected",
    "R6": "frozen header, key as text, units in headers",
    "R7": "names of the sheets",
    "R8": "order: what to do next",
    "R10": "the register to read and print",
    "R11": "data quality, counts and tolerances",
    "G1": "layers, keys, geometry types",
    "G2": "layer_styles",
    "G3": "QML: aliases, forms that QField knows, machine fields read-only",
    "G4": "visits, one row each",
    "G5": "same classes and words as the map",
    "G6": "no owner column; metadata",
    "G7": "same bytes",
    "G8": "no project inside",
    "P1": "no names in bulk",
    "P2": "a named purpose where owners are people",
    "P3": "no parcel number in public files",
    "P4": "destroy-by date",
    "P5": "contest and removal",
    "P6": "small counts hidden",
    "P7": "checklist before publishing",
    "P8": "no price per parcel; not indexed",
    "P9": "kinds of owners, not names",
    "P10": "who may receive which file",
    "P11": "a lone owner is not told",
    "P12": "photos without place nor device",
    "X1": "texts from data stay texts",
    "X2": "autoescape, one module marks safe",
    "X3": "the policy holds when escaping is broken",
    "X4": "links and file names",
    "X5": "content sniffed, virtual files refused",
    "X6": "dangerous drivers off",
    "X7": "caps on rasters and vectors",
    "X8": "archives",
    "X9": "no pickle",
    "X10": "foreign databases read as data",
    "X11": "no XML read",
    "X12": "hidden characters shown",
}
ELSEWHERE = {
    "R9": "a returned workbook is read by « friches review », which is not there yet",
    "G9": "an optional form for ODK, of the review too",
}
"""Asked for, and no part of these outputs."""


@cache
def named() -> dict[str, list[str]]:
    """Return, by requirement, the tests whose names begin with its id (or with several)."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted(TESTS.glob("test_*.py")):
        for node in ast.parse(path.read_text("utf-8")).body:
            ids = re.match(r"test_((?:[a-z]\d+_)+)", getattr(node, "name", ""))
            if isinstance(node, ast.FunctionDef) and ids:
                for name in ids[1].strip("_").upper().split("_"):
                    found[name].append(f"{path.stem}::{node.name}")
    return found


@pytest.mark.parametrize("name", sorted(ASKED, key=lambda name: (name[0], int(name[1:]))))
def test_each_requirement_has_a_test(name: str) -> None:
    assert named()[name], f"{name}: {ASKED[name]}"


def test_the_list_is_whole() -> None:
    counts = {"M": 19, "S": 15, "R": 11, "G": 9, "P": 12, "X": 12}
    wanted = {f"{letter}{n}" for letter, last in counts.items() for n in range(1, last + 1)}
    assert set(ASKED) | set(ELSEWHERE) == wanted
    assert not set(ASKED) & set(ELSEWHERE)


def test_no_test_bears_an_id_that_is_none() -> None:
    others = {"A", "L"}  # accuracy and the review: other lists
    assert [n for n in named() if n not in ASKED and n[0] not in others] == []

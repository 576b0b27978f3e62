"""No English is left in what readers see: map, register, sheets, workbook, GeoPackage, notebook.

The words looked for are common English ones that French does not write; a machine name (a column
of the sheet « colonnes », a key of JSON, an attribute of HTML that is not read aloud) is not text.
"""

from __future__ import annotations

import json
import re
import sqlite3
from functools import cache
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import openpyxl
import pytest
from tiny import tiny_result

from friches.view import words
from friches.view.jupyter import folium_map
from friches.view.output import write
from friches.view.plots import PLOTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_LISTED = """
    the and with without of from by is are was were be this that these those which where when
    has have had its their they you your it if then than into about above below under between
    unknown yes true false none missing empty answer answers found needed why whom
    block blocks parcel parcels fallow canteen canteens farmer farmers farm farms meal meals owner
    owners natural legal other others road roads straight area areas share yield yields crop crops
    year years month months week weeks day days hour hours low high first last next
    step steps law laws rule rules evidence ruling rulings match matches reach forest zoning
    building buildings land cover slope height width size name names kind kinds
    zoom close open popup search filter show hide print click layer layers
    read write file files sheet sheets row rows column columns key keys value values
    register workbook map maps unreviewed reviewed draft drafts estimated warning error
"""
ENGLISH = frozenset(_LISTED.split())
# names and references that stand in their own language
QUOTED = (
    r"\bOpenStreetMap\b|\bCorine Land Cover\b|\bopen data\b|\bOpen Licence\b",
    r"\bPARCEL\b",  # a calculator of the land that a diet needs
    r"https?://\S+|\b[\w.-]+@[\w.-]+\b|\b[\w-]+(?:\.[\w-]+)*\.(?:fr|org|com|eu)\b",
    r"\{\w+\}",  # a field that the map's script fills
    r"\b[\w/-]+\.(?:html|toml|csv|gpkg|tif|json|gz|geojson|xlsx|md)\b",
)
READ_ALOUD = ("title", "alt", "aria-label", "aria-description", "placeholder", "summary", "content")
CODED = {"id", "answer", "state", "kind", "sheet", "url", "layer", "format", "colour", "hatch",
         "shape", "outline", "values", "block", "l"}  # fmt: skip
"""Keys of the map's JSON whose values are codes or packed numbers for its script."""


class _Text(HTMLParser):
    """Collects what a page shows or reads aloud, and its JSON islands."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.inside: list[str] = []
        self.shown: list[str] = []
        self.islands: list[str] = []

    def handle_starttag(self, tag, attrs):
        said = dict(attrs)
        if tag in ("script", "style"):
            self.inside.append("island" if "json" in (said.get("type") or "") else tag)
        if tag == "meta" and said.get("name") != "description":
            return
        self.shown += [value for name, value in attrs if name in READ_ALOUD and value]

    def handle_endtag(self, tag):
        if tag in ("script", "style"):
            self.inside.pop()

    def handle_data(self, data):
        if not self.inside:
            self.shown.append(data)
        elif self.inside[-1] == "island":
            self.islands.append(data)


def _strings(data, key: str = "") -> Iterator[str]:
    if isinstance(data, str):
        if key not in CODED:
            yield data
    elif isinstance(data, dict):
        for name, value in data.items():
            yield from _strings(value, name)
    elif isinstance(data, list):
        for value in data:
            yield from _strings(value, key)


def of_page(html: str) -> list[str]:
    page = _Text()
    page.feed(html)
    return page.shown + [text for said in page.islands for text in _strings(json.loads(said))]


def of_workbook(path: Path) -> list[str]:
    book = openpyxl.load_workbook(path)
    said = list(book.sheetnames)
    for sheet in book:
        for row in sheet.iter_rows():
            for cell in row:
                # machine names stand in the first columns of « colonnes », without a space
                if isinstance(cell.value, str) and not (
                    sheet.title == "colonnes" and re.fullmatch(r"[\w.]+", cell.value)
                ):
                    said.append(cell.value)
                if cell.comment:
                    said.append(cell.comment.text)
        for checked in sheet.data_validations.dataValidation:
            told = (checked.prompt, checked.promptTitle, checked.error, checked.errorTitle)
            said += [text for text in told if text]
        for side in (sheet.oddHeader, sheet.oddFooter):
            said += [part.text for part in (side.left, side.center, side.right) if part.text]
    about = book.properties
    return said + [text for text in (about.title, about.subject, about.description) if text]


def of_geopackage(path: Path) -> list[str]:
    said: list[str] = []
    with sqlite3.connect(path) as base:
        said += [
            text
            for row in base.execute("SELECT description FROM gpkg_contents")
            for text in row
            if text
        ]
        styles = base.execute("SELECT styleQML, description FROM layer_styles").fetchall()
    base.close()
    for qml, about in styles:
        said.append(re.sub(r"^friches : \w+$", "", about or ""))  # a layer's machine name
        tree = ET.fromstring(qml)
        said += [alias.get("name", "") for alias in tree.iter("alias")]
        said += [tag.get("label", "") for tag in tree.iter("category")]
        said += [tag.get("label", "") for tag in tree.iter("rule")]
    assert [text for text in said if text]
    return said


def english(texts: Iterable[str]) -> list[str]:
    """Return each English word found, with what stands around it."""
    found: dict[str, None] = {}
    for text in dict.fromkeys(texts):
        found |= dict.fromkeys(_english(text))
    return list(found)


@cache  # sheets say much the same of every block
def _english(text: str) -> tuple[str, ...]:
    if ENGLISH.isdisjoint(word.lower() for word in re.findall("[A-Za-z]+", text)):
        return ()
    left = text
    for pattern in QUOTED:
        left = re.sub(pattern, " ", left, flags=re.IGNORECASE)
    return tuple(
        f"{word[0]}: …{' '.join(left[max(word.start() - 40, 0) : word.end() + 40].split())}…"
        for word in re.finditer(r"(?<![\w'’-])[A-Za-z]+(?![\w-])", left)
        if word[0].lower() in ENGLISH
    )


def test_the_test_finds_english() -> None:
    assert english(["the road to the canteen"])
    assert english(["answer: unknown"])
    assert not english(["une parcelle en friche, route ouverte, « légal », îlot, source, stage"])
    assert not english(["Corine Land Cover 2018, © OpenStreetMap, sheets/B001.html"])
    shown = of_page('<p title="yes">a</p><script>the</script><img alt="road"><style>by</style>')
    assert len(english(shown)) == 2
    island = (
        '<script type="application/json" id="x">{"answer": "yes", "word": ["unknown"]}</script>'
    )
    assert english(of_page(island)) == ["unknown: …unknown…"]


@pytest.fixture(scope="module")
def tiny_folder(tmp_path_factory) -> Path:
    return write(tiny_result(), tmp_path_factory.mktemp("tiny") / "carre")


@pytest.fixture(scope="module")
def public_folder(tmp_path_factory) -> Path:
    return write(tiny_result(audience="public"), tmp_path_factory.mktemp("tiny") / "carre")


def _checked(folder: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for path in sorted(folder.rglob("*.html")):
        found[path.relative_to(folder).as_posix()] = english(of_page(path.read_text("utf-8")))
    for path in sorted(folder.rglob("*.xlsx")):
        found[path.name] = english(of_workbook(path))
    for path in sorted(folder.rglob("*.gpkg")):
        found[path.name] = english(of_geopackage(path))
    assert {"map.html", "register.html", "register.xlsx", "candidates.gpkg"} <= set(found)
    return {name: said for name, said in found.items() if said}


def test_tiny_outputs_are_french(tiny_folder) -> None:
    assert _checked(tiny_folder) == {}


def test_public_outputs_are_french(public_folder) -> None:
    assert _checked(public_folder) == {}


def test_sample_outputs_are_french(saint_rebelle) -> None:
    assert _checked(saint_rebelle[1]) == {}


def test_notebook_summary_map_and_plots_are_french(saint_rebelle) -> None:
    result = saint_rebelle[0]
    # the popups stand in the map's script, as texts of HTML
    page = folium_map(result).get_root().render()
    popups = re.findall(r"<strong>.*?</table>", page, re.DOTALL)
    assert popups
    drawn = []
    for name in PLOTS:
        figure = result.plot(name)
        figure.canvas.draw()
        drawn += [text.get_text() for text in figure.findobj(lambda a: hasattr(a, "get_text"))]
    shown = [of_page(page), of_page("".join(popups)), of_page(result._repr_html_()), drawn]
    assert [english(texts) for texts in shown] == [[], [], [], []]


def test_words_are_french() -> None:
    said = []
    for name, value in vars(words).items():
        if name.isupper() and isinstance(value, str):
            said.append(value)
        if name.isupper() and isinstance(value, dict):
            said += [
                part
                for shown in value.values()
                for part in ((shown.word, shown.sentence) if hasattr(shown, "word") else (shown,))
            ]
    assert english(said) == []

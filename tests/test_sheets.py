"""Block sheets: complete, inert, the same bytes, and no more than the audience may see."""

from __future__ import annotations

import builtins
import re
import time
import zlib
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from hostile import planted
from tiny import IDS, tiny_result

from friches import tables
from friches.errors import InputError
from friches.view import evidence, plan, questions, sheets, words
from friches.view.audience import visible

if TYPE_CHECKING:
    from pathlib import Path


class Page(HTMLParser):
    """Every element with its attributes, and the text of the page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.said: list[str] = []
        self._skip = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._skip = tag in ("style", "script")

    def handle_endtag(self, tag: str) -> None:
        self._skip = False

    def handle_data(self, data: str) -> None:
        if not self._skip:
            self.said.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", "".join(self.said))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.elements if name == tag]


def html_of(result: Any, name: str = "B001") -> str:
    return dict(sheets.pages(result))[name]


def page_of(result: Any, name: str = "B001") -> Page:
    return Page(html_of(result, name))


def assert_inert(html: str) -> None:
    page = Page(html)
    assert not page.all("script")
    assert not page.all("img")
    assert not page.all("iframe")
    for _, attrs in page.elements:
        assert not [name for name in attrs if name.startswith("on")]
        assert "style" not in attrs  # the policy would refuse it
        for name in ("src", "href"):
            assert not re.match(r"[a-z]+:|//", attrs.get(name) or "")
    assert "url(http" not in html
    policy = next(a["content"] for a in page.all("meta") if "http-equiv" in a)
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy


def test_one_file_a_block_the_same_bytes_twice(tmp_path: Path) -> None:
    result = tiny_result()
    one = sheets.write_sheets(result, tmp_path / "one")
    two = sheets.write_sheets(result, tmp_path / "two")
    assert [path.name for path in one] == ["B001.html", "B002.html"]
    assert sorted(p.name for p in (tmp_path / "one").iterdir()) == ["B001.html", "B002.html"]
    assert [p.read_bytes() for p in one] == [p.read_bytes() for p in two]


def test_no_block_leaves_an_empty_folder(tmp_path: Path) -> None:
    result = tiny_result()
    empty = {
        name: getattr(result, name).iloc[:0]
        for name in ("blocks", "members", "reach", "meals", "matches", "routes", "steps")
    }
    assert sheets.write_sheets(replace(result, **empty), tmp_path / "sheets") == []
    assert (tmp_path / "sheets").is_dir()


def test_frame_language_title_heading_and_captions() -> None:
    page = page_of(tiny_result())
    assert page.all("html")[0]["lang"] == "fr"
    assert len(page.all("h1")) == len(page.all("title")) - 2 == 1  # the two drawings have titles
    assert len(page.all("table")) == len(page.all("caption"))
    assert all("scope" in attrs for attrs in page.all("th"))
    for drawing in page.all("svg"):
        assert drawing["role"] == "img"
        assert drawing["aria-labelledby"]


def test_header_says_who_where_how_much_and_how_sure() -> None:
    said = page_of(tiny_result()).text
    for part in (
        "Îlot B001",
        "12999",
        "2,01 ha",
        "2,00 ha",
        "au moins 1",
        "arbustive basse",
        "probable",
        "100 %",
        "1 sur 2",
        "Résultat d'analyse, à confirmer sur le terrain",
        "Territoire fictif",
        "droit au 1er septembre 2026",
        "Cadastre : 2026-06-01",
        "le droit affiché n'a pas été relu par un juriste",
        "mairie@carre.example",
        "images NDVI (la végétation est-elle permanente ?)",
    ):
        assert re.sub(r"\s+", " ", part) in said, part


@pytest.mark.parametrize(("measured", "told"), [(1.9095, False), (1.9094, True), (2.111, True)])
def test_gap_between_areas_is_told_past_five_percent(measured: float, told: bool) -> None:
    result = tiny_result()
    blocks = result.blocks.assign(area_measured_ha=measured)  # of 2.01 registered
    assert ("Écart de" in page_of(replace(result, blocks=blocks)).text) is told


def test_parcels_add_up_to_the_block() -> None:
    result = visible(tiny_result())
    desk = sheets._desk(result)
    for block in result.blocks.drop(columns="geometry").to_dict("records"):
        context = sheets._context(result, desk, block)
        assert len(context["parcels"]) == block["n_parcels"]
        assert context["total"]["counted"] == pytest.approx(block["area_ha"] * 10_000)
        assert context["total"]["measured"] == pytest.approx(block["area_measured_ha"] * 10_000)
    assert context["total"]["by_plan"]  # B002: contenance missing, the plan's area is counted
    assert "manque : plan" in page_of(tiny_result(), "B002").text


def test_every_evidence_row_once_on_its_side() -> None:
    result = tiny_result()
    told = evidence.by_block(result.evidence, result.members)
    seen = Counter(
        (entry.rule, parcel)
        for sides in told.values()
        for entries in sides.values()
        for entry in entries
        for finding in entry.findings
        for parcel in finding.parcels
    )
    of_members = result.evidence[result.evidence["parcel_id"].isin(result.members["parcel_id"])]
    wanted = set(zip(of_members["rule"], of_members["parcel_id"], strict=True))
    assert set(seen) == wanted
    assert set(seen.values()) == {1}
    assert {e.rule for e in told["B001"]["for"]} == {"declared_recently", "woody"}
    assert {e.rule for e in told["B002"]["against"]} == {"woody"}  # looked for, not there
    assert {e.rule for e in told["B002"]["unknown"]} == {"declared_recently"}


@pytest.mark.parametrize(
    ("role", "answer", "side"),
    [
        ("supports", True, "for"),
        ("supports", False, "against"),
        ("weakens", True, "against"),
        ("weakens", False, "for"),
        ("excludes", True, "against"),
        ("excludes", False, "for"),
        ("supports", None, "unknown"),
        ("excludes", None, "unknown"),
    ],
)
def test_side_follows_role_and_answer(role: str, answer: bool | None, side: str) -> None:
    result = tiny_result()
    one = result.evidence.iloc[:1].assign(role=role, answer=pd.array([answer], dtype="boolean"))
    told = evidence.by_block(one, result.members)["B001"]
    assert [name for name in evidence.SIDES if told[name]] == [side]


def test_findings_that_differ_stand_in_one_entry_with_their_parcels() -> None:
    result = tiny_result()
    rows = result.evidence["rule"].eq("woody") & result.evidence["parcel_id"].eq(IDS[1])
    changed = result.evidence.assign(found=result.evidence["found"].mask(rows, "0,55"))
    said = page_of(replace(result, evidence=changed)).text
    assert "0,40 (A 1) ; 0,55 (A 2)" in said
    assert "au moins 4 (les 2 parcelles)" in said


def test_all_routes_are_shown_with_their_state_and_whom_to_ask() -> None:
    result = tiny_result()
    page = page_of(result)
    shown = [a["data-route"] for a in page.all("div") if "data-route" in a]
    mine = result.routes[result.routes["block_id"] == "B001"]
    assert shown == list(mine["instrument"])
    assert "Terres incultes : demande au préfet : à instruire" in page.text
    assert "Bien présumé sans maître : fermée" in page.text
    assert "le propriétaire est connu" in page.text
    assert "entre mai 2027 et septembre 2028, sans doute janvier 2028" in page.text
    assert "Q1 (propriétaire)" in page.text


def test_steps_of_the_first_route_that_is_not_closed() -> None:
    result = tiny_result()
    assert "CRPM L125-3, al. 2 [V15]" in page_of(result).text
    closed = result.routes.assign(answer=pd.array([False] * 4, dtype="boolean"))
    said = page_of(replace(result, routes=closed)).text
    assert "Aucune voie ouverte ou à instruire" in said
    assert "CRPM L125-3" not in said


def test_ten_classes_in_the_safer_words_and_the_pen_box() -> None:
    html = html_of(tiny_result())
    field = html[html.index('id="t-terrain"') : html.index('id="t-questions"')]
    ticked = re.findall(r'<li><span class="tick"></span> ([^<]+)</li>', field)
    assert tuple(ticked) == tables.STAGES
    for words_ in ("Date de la visite", "Visiteur", "Accès", "Eau", "Pente", "Photos",
                   "exploité, par qui ?", "autre raison de non-usage",
                   "Personne rencontrée"):  # fmt: skip
        assert words_ in field


def test_places_meals_and_sources_are_there() -> None:
    said = page_of(tiny_result()).text
    assert "Ferme fictive du Carré" in said
    assert "par la route" in said
    assert "6 400 – 14 400 – 28 800" in said
    assert "Agribalyse 3.2 [VERIFIED] ; abattement [ASSUMPTION]" in said


def test_blank_contact_is_marked() -> None:
    assert words.NO_CONTACT in page_of(tiny_result(contact="")).text


def test_public_sheets_hold_no_parcel_number() -> None:
    for name, html in sheets.pages(tiny_result(audience="public")):
        assert not re.search(r"12999\d{3}[0-9A-Z]{2}\d{4}", html), name
        assert "1 à 2" in html
        assert "Ferme fictive" not in html
        assert "version publique" in html
        assert_inert(html)


def owners() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "parcel_id": [IDS[0], IDS[5]],
            "owner_kind": ["legal", "legal"],
            "owner_group": ["0", "0"],
            "land_class": ["T", "T"],
            "name": ["DENOMINATION-TEMOIN-1", "DENOMINATION-TEMOIN-2"],
        }
    )


def test_names_only_in_restricted_files() -> None:
    for audience in ("public", "internal"):
        made = dict(sheets.pages(replace(tiny_result(audience=audience), owners=owners())))
        assert sorted(made) == ["B001", "B002"]
        assert "TEMOIN" not in "".join(made.values())
    made = dict(sheets.pages(replace(tiny_result(audience="restricted"), owners=owners())))
    assert list(made) == ["B001", "restreint-B001", "B002", "restreint-B002"]
    assert "TEMOIN" not in made["B001"] + made["B002"] + made["restreint-B002"]
    assert "DENOMINATION-TEMOIN-1" in made["restreint-B001"]
    assert "TEMOIN-2" not in made["restreint-B001"]  # not a parcel of the block
    assert "RESTREINT" in made["restreint-B001"]
    assert "détruire avant le 31 décembre 2027" in made["restreint-B001"]
    assert_inert(made["restreint-B001"])


def test_hostile_texts_stay_texts() -> None:
    for _, html in sheets.pages(planted(tiny_result())):
        assert_inert(html)
        assert "\u202e" not in html
        assert "<b onmouseover" not in html
        assert "&lt;img src=x" in html
        assert "{{ 7*7 }}" in html


def test_block_ids_that_are_paths_are_refused(tmp_path: Path) -> None:
    result = tiny_result()
    blocks = result.blocks.assign(block_id=["../../x", "B002"])
    with pytest.raises(InputError, match="ne peut pas nommer un fichier"):
        sheets.write_sheets(replace(result, blocks=blocks), tmp_path)


def test_svg_bar_and_arrow_are_drawn_as_computed() -> None:
    result = visible(tiny_result())
    made = plan.draw(plan.survey(result), "B001")
    page = page_of(tiny_result())
    bar = next(a for a in page.all("rect") if a.get("class") == "bar")
    assert float(bar["width"] or 0) == pytest.approx(made.bar_m * 1000 / made.scale, rel=0.01)
    drawing = next(a for a in page.all("svg") if a.get("class") == "plan")
    assert drawing["width"] == f"{made.width}mm"
    assert drawing["viewbox"] == f"0 0 {made.width} {made.height}"
    arrow = next(a for a in page.all("g") if a.get("class") == "north")
    assert arrow["transform"] == f"rotate({made.north:.3f})"
    assert "Échelle 1:2 000" in page.text


def test_questions_are_read_back_from_their_text() -> None:
    said = "Depuis quand (à peu près) ? (mairie, voisins) ; Par qui ? (DDT (service foncier))"
    assert questions.split(said) == [
        ("Depuis quand (à peu près) ?", "mairie, voisins"),
        ("Par qui ?", "DDT (service foncier)"),
    ]
    assert questions.split("sans forme") == [("sans forme", "")]
    assert questions.split(pd.NA) == questions.split(" ") == []


def test_a_question_is_asked_once_for_parcels_and_routes() -> None:
    made = questions.gathered(
        [("P1", "Qui ? (mairie)"), ("P2", "Qui ? (mairie)")],
        [("Voie", "Qui ? (mairie) ; Quand ? (DDT)")],
    )
    assert [(q.number, q.text, q.parcels, q.routes) for q in made] == [
        (1, "Qui ?", ("P1", "P2"), ("Voie",)),
        (2, "Quand ?", (), ("Voie",)),
    ]
    assert list(questions.by_person(made)) == ["mairie", "DDT"]
    assert questions.numbers(made, "P2") == "Q1"


def test_two_hundred_sheets_are_quick() -> None:
    result = tiny_result()
    desk = sheets._desk(visible(result))
    block = visible(result).blocks.drop(columns="geometry").to_dict("records")[0]
    started = time.perf_counter()
    for _ in range(20):
        sheets._context(visible(result), desk, block)
    assert (time.perf_counter() - started) / 20 < 0.15


def test_pdf_is_tagged_dated_by_the_study_and_the_same_twice(tmp_path: Path) -> None:
    pytest.importorskip("weasyprint")
    one = sheets.write_sheets(_one_block(), tmp_path / "one", pdf=True)
    two = sheets.write_sheets(_one_block(), tmp_path / "two", pdf=True)
    assert [path.name for path in one] == ["B001.html", "B001.pdf"]
    raw = one[1].read_bytes()
    assert raw == two[1].read_bytes()
    assert raw.startswith(b"%PDF")
    inside = raw + b"".join(
        _inflated(stream)
        for stream in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", raw, re.DOTALL)
    )
    assert b"/MarkInfo" in inside
    assert b"pdfuaid" in inside
    assert re.search(rb"/Lang ?\(fr\)", inside)


def _inflated(stream: bytes) -> bytes:
    try:
        return zlib.decompress(stream)
    except zlib.error:
        return b""


def _one_block() -> Any:
    result = tiny_result()
    return replace(result, blocks=result.blocks.iloc[:1])


def test_pdf_opens_no_file(tmp_path: Path) -> None:
    pytest.importorskip("weasyprint")
    import datetime as dt

    from friches.view.pdf import _closed_fetcher, printer

    for url in ("file:///etc/hostname", "http://127.0.0.1/x", "FILE:///etc/hostname"):
        with pytest.raises(ValueError, match="refused"):
            _closed_fetcher().fetch(url)
    html = '<html lang="fr"><title>t</title><p>x</p><img src="file:///etc/hostname" alt="x">'
    made = printer(dt.date(2026, 9, 1))(html, tmp_path / "x.pdf")
    assert made.stat().st_size > 500


def test_pdf_without_pango_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def refuse(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.startswith("weasyprint"):
            raise OSError("cannot load library 'libpango-1.0-0'")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(InputError, match=r"libpangoft2-1\.0-0") as refused:
        sheets.write_sheets(tiny_result(), tmp_path, pdf=True)
    assert "friches[pdf]" in str(refused.value)
    assert not list(tmp_path.iterdir())

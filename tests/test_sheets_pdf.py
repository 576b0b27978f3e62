"""Sheets as PDF: recto-verso, tagged, numbered, the same bytes, nothing fetched (S9 to S12, S14)."""

from __future__ import annotations

import builtins
import re
import zlib
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from tiny import SIDE, SOUTH, WEST, tiny_result

from friches import tables
from friches.errors import InputError
from friches.fallow import rules
from friches.view import sheets

if TYPE_CHECKING:
    from pathlib import Path


def test_s10_s14_pdf_is_tagged_dated_by_the_study_and_the_same_twice(tmp_path: Path) -> None:
    pytest.importorskip("weasyprint")
    one = sheets.write_sheets(_one_block(), tmp_path / "one", pdf=True)
    two = sheets.write_sheets(_one_block(), tmp_path / "two", pdf=True)
    names = ["B001.html", "B001.pdf", "B001-dossier.html", "B001-dossier.pdf"]
    assert sorted(path.name for path in one) == sorted(names)
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]
    for stem, title in (
        ("B001", "Îlot B001 – Carré"),
        ("B001-dossier", "Îlot B001\u00a0: dossier"),
    ):
        _tagged(tmp_path / "one" / f"{stem}.pdf", title)


def _tagged(path: Path, title: str) -> None:
    raw = path.read_bytes()
    assert raw.startswith(b"%PDF")
    inside = raw + b"".join(
        _inflated(stream)
        for stream in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", raw, re.DOTALL)
    )
    assert b"/MarkInfo" in inside
    assert b"pdfuaid" in inside
    assert re.search(rb"/Lang ?\(fr\)", inside)
    pypdf = pytest.importorskip("pypdf")
    read = pypdf.PdfReader(path)
    root = read.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert root["/Lang"] == "fr"
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert read.metadata.title.startswith(title)
    tags = Counter(_tags(root["/StructTreeRoot"]))
    assert tags["/H1"] == 1
    assert min(tags[name] for name in ("/H2", "/Table", "/TH", "/TD", "/Figure", "/L")) > 0
    alternatives = [node["/Alt"] for node in _nodes(root["/StructTreeRoot"]) if "/Alt" in node]
    assert any("Plan parcellaire" in said for said in alternatives)


def _nodes(node: Any) -> Any:
    node = node.get_object()
    if not isinstance(node, dict):
        return
    yield node
    kids = node.get("/K", [])
    for kid in kids if isinstance(kids, list) else [kids]:
        yield from _nodes(kid)


def _tags(node: Any) -> Any:
    return (found["/S"] for found in _nodes(node) if "/S" in found)


def _large(count: int) -> Any:
    """One block of so many parcels, with as many routes, rules and long texts as a real one."""
    result = tiny_result()
    ids = [f"129990000A{n:04d}" for n in range(1, count + 1)]
    wide = max(1, round(count**0.5))
    boxes = [
        shapely.box(WEST + n % wide * SIDE, SOUTH + n // wide * SIDE,
                    WEST + (n % wide + 1) * SIDE, SOUTH + (n // wide + 1) * SIDE)
        for n in range(count)
    ]  # fmt: skip
    parcels = _copies(result.parcels.iloc[:1], count).assign(
        parcel_id=ids, number=[f"{n:04d}" for n in range(1, count + 1)]
    )
    parcels = parcels.set_geometry(gpd.GeoSeries(boxes, index=parcels.index, crs=parcels.crs))
    against = " ; ".join(
        ["Herbe sans ligneux : peut-être pâturée (0,96 ; seuil : au moins 0,5)"] * 3
    )
    asked = " ; ".join(f"Question {n} sur cette parcelle ? (mairie, voisins)" for n in range(4))
    fallow = _copies(result.fallow.iloc[8:9], count).assign(
        parcel_id=ids,
        against=against,
        to_ask=asked,
        stage=tables.STAGES[7],
        rank=range(1, count + 1),
    )
    facts = _copies(result.facts.iloc[:1], count).assign(
        parcel_id=ids, owner_kind="legal", zone_plu="AU", years_unused_high=6.0, area_m2=10_900.0
    )
    block = result.blocks.iloc[:1].assign(
        n_parcels=count, to_ask=asked, stage=tables.STAGES[7], area_ha=1.005 * count,
        area_measured_ha=1.09 * count, owner_kinds="personne physique ; propriétaire inconnu",
    ).set_geometry([shapely.union_all(boxes)], crs=parcels.crs)  # fmt: skip
    return replace(
        result, parcels=parcels, fallow=fallow, facts=facts, blocks=block,
        members=pd.DataFrame({"parcel_id": ids, "block_id": "B001"}).astype("str"),
        evidence=_every_rule(result, ids), routes=_many_routes(result), rulings=result.rulings.iloc[:0],
    )  # fmt: skip


def _copies(rows: Any, count: int) -> Any:
    return rows.iloc[[0] * count].reset_index(drop=True)


def _every_rule(result: Any, ids: list[str]) -> Any:
    """Every rule on every parcel: seven met for and three against, the others not met or unknown."""
    rows = []
    roles = {name: document.role for name, document in rules().items()}
    met = {"supports": 7, "weakens": 3, "excludes": 0}
    for name, role in sorted(roles.items()):
        left = met[role] > 0
        met[role] -= left
        for n, parcel in enumerate(ids):
            answer = None if role == "excludes" and name < "d" else left and n % 5 > 0
            rows.append({"rule": name, "role": role, "parcel_id": parcel, "answer": answer,
                         "found": f"{n / 100:.2f}".replace(".", ",")})  # fmt: skip
    like = result.evidence.iloc[:1].drop(columns=["rule", "role", "parcel_id", "answer", "found"])
    made = _copies(like, len(rows)).join(pd.DataFrame(rows))
    return tables.check(made, "evidence")


def _many_routes(result: Any) -> Any:
    """As many routes as the law has today, a third with long titles, most of them to ask about."""
    made = _copies(result.routes.iloc[:1], 38)
    long = "Indivision débloquée aux deux tiers, achat par la commune, puis bail rural public avec clause bio"
    asked = " ; ".join(
        f"Le propriétaire de tous les droits indivis accepte-t-il la condition {n} de cette voie, "
        f"et depuis quand le sait-on ? (propriétaire, notaire de la succession)"
        for n in range(40)
    )
    return made.assign(
        instrument=[f"voie_{n}" for n in range(38)],
        title=[f"{long} {n}" if n % 3 == 0 else f"Bail rural à clauses {n}" for n in range(38)],
        order=range(1, 39), to_ask=asked,
    )  # fmt: skip


@pytest.mark.parametrize(("count", "wanted"), [(1, 2), (12, 2), (13, 3), (40, 3)])
def test_s9_recto_verso_and_a_third_page_past_twelve_parcels(
    tmp_path: Path, count: int, wanted: int
) -> None:
    pytest.importorskip("weasyprint")
    pypdf = pytest.importorskip("pypdf")
    from friches.view.pdf import printer

    result = _large(count)
    html = dict(sheets.pages(result))["B001"]
    made = printer(result.study.study.day)(html, tmp_path / "B001.pdf")
    pages = [page.extract_text().replace("\u00a0", " ") for page in pypdf.PdfReader(made).pages]
    assert len(pages) == wanted
    assert "Cadre de terrain" in pages[0]
    assert "repas par an" in pages[0]
    assert "Voies juridiques" in pages[1]
    assert "Contester" in pages[1]
    for number, said in enumerate(pages, 1):
        assert f"page {number} / {wanted}" in said
        assert "Îlot B001 – droit au 1er septembre 2026" in said
    told = " ".join(pages)
    assert all(f"129990000A{n:04d}" in told for n in range(1, count + 1))


@pytest.mark.browser
@pytest.mark.parametrize("count", [12, 40])
def test_s9_chromium_prints_it_on_as_many_pages(tmp_path: Path, chromium: str, count: int) -> None:
    pypdf = pytest.importorskip("pypdf")
    from playwright.sync_api import sync_playwright

    sheet = tmp_path / "B001.html"
    sheet.write_text(dict(sheets.pages(_large(count)))["B001"], "utf-8")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(sheet.as_uri())
        page.pdf(path=tmp_path / "x.pdf", prefer_css_page_size=True)
        browser.close()
    assert len(pypdf.PdfReader(tmp_path / "x.pdf").pages) == (2 if count <= 12 else 3)


@pytest.mark.parametrize("audience", ["public", "restricted"])
def test_s9_other_audiences_have_two_pages_too(tmp_path: Path, audience: str) -> None:
    pytest.importorskip("weasyprint")
    pypdf = pytest.importorskip("pypdf")
    from friches.view.pdf import printer

    result = tiny_result(audience=audience, purpose="essai")
    made = printer(result.study.study.day)(dict(sheets.pages(result))["B001"], tmp_path / "x.pdf")
    assert len(pypdf.PdfReader(made).pages) == 2


def test_s12_every_glyph_is_there(tmp_path: Path) -> None:
    pytest.importorskip("weasyprint")
    pypdf = pytest.importorskip("pypdf")
    from friches.view.pdf import printer

    result = tiny_result()
    result = replace(result, canteens=result.canteens.assign(name="Œuvre œ É ç ² € 1\u202f000"))
    html = dict(sheets.pages(result))["B001"]
    assert "Marianne" not in html
    made = printer(result.study.study.day)(html, tmp_path / "B001.pdf")
    said = "".join(page.extract_text() for page in pypdf.PdfReader(made).pages)
    assert "\ufffd" not in said
    assert re.search("Œuvre œ É ç ² € 1[\u202f\u00a0 ]000", said)


def test_pages_printed_by_several_workers_are_the_same_bytes(tmp_path: Path) -> None:
    pytest.importorskip("weasyprint")
    from friches.view.pdf import print_pages

    day = tiny_result().study.study.day
    html = '<html lang="fr"><head><title>t</title></head><body><h1>{}</h1></body></html>'
    pages = [tmp_path / f"{n}.html" for n in range(3)]
    for n, page in enumerate(pages):
        page.write_text(html.format(n), "utf-8")
    many = print_pages(pages, day, workers=2)
    assert many == [tmp_path / f"{n}.pdf" for n in range(3)]
    bytes_ = [path.read_bytes() for path in many]
    assert [path.read_bytes() for path in print_pages(pages, day, workers=1)] == bytes_
    assert len(set(bytes_)) == 3
    pages[1].unlink()
    with pytest.raises(RuntimeError, match="PDF non écrits"):
        print_pages(pages, day, workers=2)


def _inflated(stream: bytes) -> bytes:
    try:
        return zlib.decompress(stream)
    except zlib.error:
        return b""


def _one_block() -> Any:
    result = tiny_result()
    return replace(result, blocks=result.blocks.iloc[:1])


def test_s11_pdf_opens_no_file(tmp_path: Path) -> None:
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

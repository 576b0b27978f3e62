"""The map page driven in headless Chromium, from disk, with the network off.

Names begin with the requirement they cover; the table is at the top of `test_map.py`.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from hostile import planted
from PIL import Image
from playwright.sync_api import expect, sync_playwright
from test_map import dated, grid
from test_told_views import many
from tiny import CRS, squares, tiny_result

from friches import tables
from friches.view.map import write_map

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from friches.result import Result

pytestmark = pytest.mark.browser
ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def three_answers() -> Result:
    """The tiny result with a third block, which is no candidate."""
    result = tiny_result()
    more = result.blocks.iloc[[1]].assign(block_id="B003", answer=False, rank=3)
    more["answer"] = more["answer"].astype("boolean")
    more = more.set_geometry([squares().geometry.iloc[6]])
    return replace(result, blocks=pd.concat([result.blocks, more], ignore_index=True))


def twenty_thousand() -> Result:
    """20,000 wiggly parcels, of which 60 are blocks: more than the keyboard should walk."""
    result = tiny_result()
    parcels = tables.check(grid(142).iloc[:20_000], "parcels", crs=CRS)
    rows = parcels.iloc[::333].iloc[:60]
    blocks = pd.concat([result.blocks.iloc[:1]] * len(rows), ignore_index=True)
    blocks["block_id"] = [f"B{n:03d}" for n in range(1, len(rows) + 1)]
    blocks["rank"] = range(1, len(rows) + 1)
    fallow = pd.concat([result.fallow] * 2223, ignore_index=True).iloc[:20_000]
    facts = pd.concat([result.facts] * 2223, ignore_index=True).iloc[:20_000]
    return replace(
        result,
        parcels=parcels,
        blocks=blocks.set_geometry(rows.geometry.to_numpy(), crs=CRS),
        fallow=fallow.assign(parcel_id=parcels["parcel_id"].to_numpy()),
        facts=facts.assign(parcel_id=parcels["parcel_id"].to_numpy()),
        **{name: getattr(result, name).iloc[:0] for name in ("members", "matches", "reach")},
    )


MAKERS = {
    "internal": tiny_result,
    "public": lambda: tiny_result(audience="public"),
    "hostile": lambda: planted(tiny_result()),
    "dated": lambda: dated(["2028-12-31", "2030-01-01"]),
    "undated": lambda: dated(["2028-12-31", None]),
    "three": three_answers,
    "big": twenty_thousand,
}


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=chromium, args=ARGS)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("maps")
    made: dict[str, Path] = {}

    def path(name: str) -> Path:
        if name not in made:
            made[name] = write_map(MAKERS[name](), folder / f"{name}.html")
        return made[name]

    return path


@pytest.fixture
def open_page(browser: Browser, pages):
    """Open a page with the network off; at the end nothing else was asked for, nothing failed."""
    asked, told, contexts = [], [], []

    def opener(name: str = "internal", width: int = 1400, height: int = 900) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": height},
            offline=True,
            reduced_motion="reduce",
            locale="fr-FR",
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(4000)
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda said: told.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: told.append(str(error)))
        page.goto(pages(name).as_uri(), timeout=30_000)  # how long it may take is M13's to say
        return page

    yield opener
    for context in contexts:
        context.close()
    assert not [url for url in asked if not url.startswith(("file://", "data:"))]
    assert len([url for url in asked if url.startswith("file://")]) == len(contexts)
    assert not told


def status(page: Page):
    return page.locator("#etat")


def test_m5_opens_by_click_and_reads_whole(open_page) -> None:
    page = open_page()
    expect(page.locator("path.ilot")).to_have_count(2)
    page.locator('path[data-block="0"]').click()
    card = page.get_by_role("dialog")
    for said in (
        "Îlot B001", "probable", "2,01\u00a0ha", "2,00\u00a0ha", "au moins 1",
        "légumes de plein champ", "Ferme fictive du Carré, 4\u00a0min",
        "Cuisine centrale fictive, 6\u00a0min", "Terres incultes : demande au préfet",
        "à instruire", "fermée", "Fiche complète de l'îlot B001",
    ):  # fmt: skip
        expect(card).to_contain_text(said)
    assert card.get_by_role("link").first.get_attribute("href") == "sheets/B001.html"
    card.get_by_text("Terres incultes").click()
    expect(card).to_contain_text("entre septembre 2027 et juin 2031, sans doute septembre 2029")
    expect(status(page)).to_contain_text("Îlot B001")
    assert page.locator("tr[aria-current]").get_attribute("id") == "ligne-B001"
    card.get_by_role("button", name="Fermer").click()
    expect(card).to_be_hidden()


def focused(page: Page, what: str) -> str:
    return page.evaluate(f"document.activeElement.{what}")


def press_until(page: Page, key: str, what: str, wanted: str) -> None:
    """Press a key until the focus is where it should be; forty presses are a trap."""
    for _ in range(40):
        page.keyboard.press(key)
        if focused(page, what) == wanted:
            return
    pytest.fail(f"{wanted} never has the focus")


def test_m7_keyboard_scenario(open_page) -> None:
    """Skip link, filter, slider, table button, details, Escape: no mouse, no focus() by script."""
    page = open_page("dated")
    page.keyboard.press("Tab")
    assert focused(page, "textContent") == "Aller à la liste des îlots"
    page.keyboard.press("Enter")
    assert focused(page, "id") == "liste"
    press_until(page, "Shift+Tab", "id", "f-reponse")
    page.keyboard.press("p")  # probable
    expect(status(page)).to_have_text("1 îlot correspond sur 2.")
    page.keyboard.press("Home")
    press_until(page, "Tab", "id", "f-annee")
    page.keyboard.press("Home")
    expect(page.locator("#annee")).to_have_text("2028")
    expect(status(page)).to_have_text("1 îlot correspond sur 2.")
    page.keyboard.press("End")
    expect(status(page)).to_have_text("2 îlots correspondent sur 2.")
    press_until(page, "Tab", "textContent", "B002")
    page.keyboard.press("Enter")
    assert focused(page, "id") == "fiche"
    expect(page.get_by_role("dialog")).to_contain_text("Îlot B002")
    press_until(page, "Tab", "tagName", "SUMMARY")
    page.keyboard.press("Enter")
    expect(page.locator("#fiche details[open]")).to_have_count(1)
    expect(page.locator("#fiche details[open]")).to_contain_text("Premier repas")
    page.keyboard.press("Escape")
    expect(page.locator("#fiche")).to_be_hidden()
    assert focused(page, "textContent") == "B002"


def test_m7_keyboard_opens_a_block_on_the_map(open_page) -> None:
    page = open_page()
    path = page.locator('path[data-block="1"]')
    assert path.get_attribute("aria-label") == "Îlot B002, 1,00\u00a0ha, à confirmer"
    assert path.get_attribute("role") == "button"
    for key in ("Enter", " "):
        path.focus()
        page.keyboard.press(key)
        expect(page.get_by_role("dialog")).to_contain_text("Îlot B002")
        assert focused(page, "id") == "fiche"
        page.keyboard.press("Escape")
        expect(page.locator("#fiche")).to_be_hidden()
        assert focused(page, "dataset.block") == "1"


def test_m7_no_tab_trap(open_page) -> None:
    page = open_page()
    page.locator(".pick").first.click()
    seen = []
    for _ in range(60):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.tagName"))
    assert "BODY" in seen  # the end of the page is reached


def test_m5_back_to_the_row(open_page) -> None:
    page = open_page()
    page.locator('path[data-block="0"]').click()
    page.get_by_role("link", name="Retour à la liste").click()
    assert page.evaluate("document.activeElement.closest('tr').id") == "ligne-B001"


def test_search_finds_a_parcel(open_page) -> None:
    page = open_page()
    card = page.locator("#fiche")
    for asked in ("A 9", "a9", "000 A 9", "129990000A0009", "0A0009"):
        page.get_by_label("Chercher une parcelle").fill(asked)
        page.keyboard.press("Enter")
        expect(card).to_contain_text("Parcelle 000 A 9")
        expect(card).to_contain_text("à confirmer")
        expect(card).to_contain_text("Depuis quand ? (mairie)")
        page.keyboard.press("Escape")
        expect(card).to_be_hidden()
    page.keyboard.press("Enter")
    card.get_by_role("button", name="Voir l'îlot B002").click()
    expect(card).to_contain_text("Îlot B002")


def test_search_finds_a_block_or_says_nothing_matches(open_page) -> None:
    page = open_page()
    field = page.get_by_label("Chercher une parcelle")
    field.fill("b 002")
    page.get_by_role("button", name="Chercher").click()
    expect(page.get_by_role("dialog")).to_contain_text("Îlot B002")
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.id") == "cherche"
    field.fill("ZZ 999")
    page.keyboard.press("Enter")
    expect(status(page)).to_contain_text("Rien ne correspond")


def test_parcel_popup_by_click(open_page) -> None:
    page = open_page()
    box = page.locator('path[data-block="1"]').bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] * 1.5)
    card = page.get_by_role("dialog")
    expect(card).to_contain_text("Parcelle 000 A 6")
    expect(card).to_contain_text("déclarée à la PAC en 2024")
    expect(card).to_contain_text("10\u202f050\u00a0m²")
    page.keyboard.press("Escape")
    page.locator('path[data-block="1"]').click()  # the block first, then the parcel under it
    expect(card).to_contain_text("Îlot B002")
    page.locator('path[data-block="1"]').click()
    expect(card).to_contain_text("Parcelle 000 A 9")


def test_m6_filters_announce_and_never_end_in_silence(open_page) -> None:
    page = open_page()
    assert page.locator("#outils select").count() <= 4
    for box in page.locator("#outils select").all():
        assert page.locator(f"#{box.get_attribute('aria-describedby')}").inner_text()
    page.get_by_label("Réponse suggérée").select_option(label="probable")
    expect(status(page)).to_have_text("1 îlot correspond sur 2.")
    expect(page.locator("#ligne-B002")).to_be_hidden()
    expect(page.locator("path.ilot")).to_have_count(1)
    page.get_by_label("Voie juridique").select_option("sans_maitre_2")
    expect(status(page)).to_have_text("Aucun îlot ne correspond.")
    expect(page.get_by_text("Aucun îlot ne correspond à ces filtres.")).to_be_visible()
    page.get_by_label("Voie juridique").select_option("l125_individuel")
    page.get_by_label("Réponse suggérée").select_option("")
    expect(status(page)).to_have_text("2 îlots correspondent sur 2.")
    expect(page.locator('path.ilot[tabindex="0"]')).to_have_count(2)


def test_m6_year_slider(open_page) -> None:
    page = open_page("dated")
    slider = page.get_by_label("Premier repas servi au plus tard en")
    assert [slider.get_attribute(end) for end in ("type", "min", "max")] == [
        "range", "2028", "2030",
    ]  # fmt: skip
    expect(page.locator("#annee")).to_have_text("2030 (tous les îlots)")
    assert page.locator("#f-annee-aide").inner_text().count(".") == 1
    slider.focus()
    for key, year, kept in (
        ("ArrowLeft", "2029", ["B001"]),
        ("ArrowLeft", "2028", ["B001"]),
        ("ArrowLeft", "2028", ["B001"]),
        ("End", "2030 (tous les îlots)", ["B001", "B002"]),
    ):
        page.keyboard.press(key)
        expect(page.locator("#annee")).to_have_text(year)
        assert page.locator("tr[data-block]:visible .pick").all_inner_texts() == kept
        expect(page.locator("path.ilot")).to_have_count(len(kept))
        assert slider.get_attribute("aria-valuetext") == year
        said = "1 îlot correspond sur 2." if len(kept) == 1 else "2 îlots correspondent sur 2."
        expect(status(page)).to_have_text(said)
    slider.fill("2029")
    page.get_by_label("Réponse suggérée").select_option(label="à confirmer")
    expect(page.get_by_text("Aucun îlot ne correspond à ces filtres.")).to_be_visible()
    page.emulate_media(media="print")
    expect(page.get_by_text("Liste filtrée")).to_be_visible()


def test_m6_an_unknown_date_is_not_a_late_one(browser: Browser, tmp_path) -> None:
    three = dated(["2028-12-31", None])
    shut = dated(["2028-12-31", None], shut=2)
    routes = [
        shut.routes.assign(block_id=shut.routes["block_id"].astype("str").replace("B002", "B003"))
    ]
    late = shut.routes[shut.routes["block_id"] == "B001"].assign(
        block_id="B004", first_meal_on=pd.Timestamp("2031-01-01")
    )
    routes += [three.routes[three.routes["block_id"] == "B002"], late]
    more = [three.blocks.iloc[[1]].assign(block_id=name) for name in ("B003", "B004")]
    made = replace(
        three,
        blocks=pd.concat([three.blocks, *more], ignore_index=True),
        routes=pd.concat(routes, ignore_index=True),
    )
    page = browser.new_context(offline=True, reduced_motion="reduce").new_page()
    page.goto(write_map(made, tmp_path / "map.html").as_uri())
    page.get_by_label("Premier repas servi au plus tard en").fill("2030")
    expect(status(page)).to_have_text("2 îlots correspondent sur 4, dont 1 sans date connue.")
    assert page.locator("tr[data-block]:visible .pick").all_inner_texts() == ["B001", "B002"]
    page.context.close()


def test_layers_and_colours(open_page) -> None:
    page = open_page()
    page.get_by_label("à confirmer (1)").first.uncheck()
    expect(page.locator("path.ilot")).to_have_count(1)
    page.get_by_label("à confirmer (1)").first.check()
    page.get_by_role("checkbox", name="Fermes").uncheck()
    expect(page.locator(".leaflet-marker-icon")).to_have_count(1)
    before = page.locator('path[data-block="0"]').get_attribute("fill")
    page.get_by_label("par stade").check()
    expect(page.locator("#legende")).to_contain_text("arbustive basse")
    assert page.locator('path[data-block="0"]').get_attribute("fill") != before


def test_m11_controls_speak_french(open_page) -> None:
    page = open_page()
    for name in ("Zoomer", "Dézoomer", "Vers le nord", "Tout le territoire"):
        assert page.get_by_role("button", name=name, exact=True).count() == 1
    assert "Zoom in" not in page.content().split("<script")[0]
    assert page.title().endswith("usage interne")
    assert page.locator(".leaflet-control-scale-line").inner_text().endswith("m")


@pytest.mark.parametrize("width", [320, 599])
def test_m10_phone_has_the_list_first_and_no_sideways_scroll(open_page, width: int) -> None:
    page = open_page(width=width, height=640)
    page.locator(".pick").first.click()
    page.wait_for_selector("#fiche:not([hidden])")
    for details in page.locator("#fiche details").all():
        details.evaluate("d => { d.open = true; }")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("#liste").bounding_box()["y"] < page.locator("#carte").bounding_box()["y"]
    small = [
        (box["width"], box["height"])
        for button in page.locator("button:visible").all()
        if (box := button.bounding_box()) and min(box["width"], box["height"]) < 24
    ]
    assert not small


def test_public_page_searches_blocks_only(open_page) -> None:
    page = open_page("public")
    page.get_by_label("Chercher un îlot").fill("A 1")
    page.keyboard.press("Enter")
    expect(status(page)).to_contain_text("Rien ne correspond")
    page.locator(".pick").first.click()
    expect(page.get_by_role("dialog")).to_contain_text("1 à 2")
    expect(page.get_by_role("dialog")).to_contain_text("Ferme 1, 4\u00a0min")


def test_m2_hostile_texts_never_act(open_page) -> None:
    page = open_page("hostile")
    title = page.title()
    assert title.startswith("<img src=x")
    for path in page.locator("path.ilot").all():
        path.hover()
        path.click()
        for details in page.locator("#fiche details").all():
            details.evaluate("d => { d.open = true; }")
        expect(page.locator("#fiche")).to_contain_text("<img src=x onerror")
        page.keyboard.press("Escape")
    for marker in page.locator(".leaflet-marker-icon").all():
        marker.focus()
        page.keyboard.press("Enter")
        page.keyboard.press("Escape")
    page.get_by_label("Chercher une parcelle").fill("A 1")
    page.keyboard.press("Enter")
    page.locator("#fiche").hover()
    assert page.title() == title
    assert page.locator("img, b, [onload], [onerror], [onmouseover], [onfocus]").count() == 0
    assert page.evaluate("document.scripts.length") == 3
    assert page.locator('a[href^="javascript"]').count() == 0


def grey_of(page: Page, block: int) -> np.ndarray:
    """Greys (0 black, 255 white) of the middle of a block, as a colour-blind eye sees it."""
    box = page.locator(f'path[data-block="{block}"]').bounding_box()
    side = min(box["width"], box["height"]) / 2
    clip = {
        "x": box["x"] + (box["width"] - side) / 2,
        "y": box["y"] + (box["height"] - side) / 2,
        "width": side,
        "height": side,
    }
    return np.asarray(Image.open(io.BytesIO(page.screenshot(clip=clip))).convert("L"), float)


def test_m8_grey_keeps_the_answers_apart(open_page) -> None:
    page = open_page("three")
    page.context.new_cdp_session(page).send(
        "Emulation.setEmulatedVisionDeficiency", {"type": "achromatopsia"}
    )
    greys = [grey_of(page, n) for n in range(3)]  # yes, unknown, no
    levels = [grey.mean() for grey in greys]
    assert levels == sorted(levels)
    assert min(np.diff(levels)) >= 20, levels
    # texture too: hatching swings, a filled block and an empty one are flat but for a few lines
    swings = [grey.std() for grey in greys]
    assert swings[1] > 2 * max(swings[0], swings[2]), swings
    signs = page.locator("#legende fieldset:first-of-type svg")
    assert signs.count() == 3
    assert len({sign.inner_html() for sign in signs.all()}) == 3


@pytest.fixture(scope="module")
def pdftotext() -> str:
    found = shutil.which("pdftotext")
    if not found:
        said = "install poppler-utils to read a printed map"
        (pytest.fail if os.environ.get("FRICHES_FULL") == "1" else pytest.skip)(said)
    return str(found)


def printed(page: Page, reader: str, *, first_only: bool = False) -> str:
    made = page.pdf(format="A4", print_background=True, prefer_css_page_size=False)
    last = ["-l", "1"] if first_only else []
    ran = subprocess.run(
        [reader, *last, "-layout", "-", "-"], input=made, capture_output=True, check=True
    )
    return re.sub(r"\s+", " ", ran.stdout.decode("utf-8"))


def test_m12_print_holds_legend_and_every_block(browser, saint_rebelle, pdftotext) -> None:
    result, out = saint_rebelle
    page = browser.new_context(offline=True, reduced_motion="reduce", locale="fr-FR").new_page()
    page.goto((out / "map.html").as_uri())
    first, whole = printed(page, pdftotext, first_only=True), printed(page, pdftotext)
    answers = result.blocks["answer"]
    for said in (
        "Îlots candidats",
        f"probable ({int(answers.fillna(value=False).sum())})",
        f"à confirmer ({int(answers.isna().sum())})",
        "non candidates",
        "Fermes",
        "Cantines",
        "territoire étudié",
        "Nord en haut",
        "1er septembre 2026 · édition",
        "territoire fictif",
        "Sources",
    ):
        assert said in first, said
    assert re.search(r"\d+ k?m\b", first)
    assert set(result.blocks["block_id"]) <= set(re.findall(r"\bB\d{3,}\b", whole))
    assert whole.count("Surface Stade") > 1  # the header comes back on each page
    for control in ("Chercher", "Zoomer", "Aller à la carte", "Ferme à moins de"):
        assert control not in whole, control
    page.context.close()


def test_m12_print_hides_the_controls(open_page) -> None:
    page = open_page()
    page.emulate_media(media="print")
    for said in ("probable (1)", "à confirmer (1)", "non candidates (6)", "DGFiP", "B002"):
        expect(page.get_by_text(said).first).to_be_visible()
    expect(page.locator(".leaflet-control-scale-line")).to_be_visible()
    for hidden in (".leaflet-control-zoom", "#outils", ".pan", ".skip", "#tri"):
        expect(page.locator(hidden)).to_be_hidden()


def test_m13_twenty_thousand_parcels_open(open_page, pages) -> None:
    assert pages("big").stat().st_size < 15_000_000
    page = open_page("big")
    expect(page.locator("path.ilot")).to_have_count(60)
    expect(page.locator("#legende")).to_contain_text("non candidates (13\u202f332)")
    took = page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd")
    assert took < 9_000  # milliseconds; 3 s on a quiet machine
    assert page.locator("path.ilot[tabindex]").count() == 0  # M7: beyond 50, the table is the way
    page.get_by_role("button", name="Îlot B060, voir la fiche").press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text("Îlot B060")


def test_m13_many_blocks_on_the_canvas_still_answer(browser: Browser, tmp_path) -> None:
    """Beyond 200 blocks no SVG path is made; what comes after the first ones is a short card."""
    path = write_map(many(260), tmp_path / "map.html", told_in_full=230)
    page = browser.new_context(offline=True, reduced_motion="reduce", locale="fr-FR").new_page()
    page.set_default_timeout(8000)
    broken = []
    page.on("pageerror", lambda error: broken.append(str(error)))
    page.goto(path.as_uri())
    expect(page.locator("path.ilot")).to_have_count(0)
    expect(page.locator(".limits")).to_contain_text("les 230 premiers îlots par rang sur 260")
    expect(page.locator("#legende")).to_contain_text("Autres îlots")
    rows = page.locator("tr[data-block]:visible")
    expect(rows).to_have_count(150)
    page.get_by_role("button", name="Montrer la suite").dispatch_event("click")
    expect(rows).to_have_count(230)
    page.get_by_label("Réponse suggérée").select_option(label="probable")
    expect(status(page)).to_have_text("115 îlots correspondent sur 230.")
    expect(rows).to_have_count(115)
    page.get_by_label("Réponse suggérée").select_option("")
    page.get_by_role("button", name="Îlot B002, voir la fiche").click()
    card = page.get_by_role("dialog")
    expect(card).to_contain_text("Îlot B002")
    marked = page.locator(".leaflet-overlay-pane path[stroke-width='5']")
    expect(marked).to_have_count(1)
    box = marked.bounding_box()
    page.keyboard.press("Escape")
    expect(marked).to_have_count(0)
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(card).to_contain_text("Îlot B002")  # framed from the table, opened again on the map
    page.keyboard.press("Escape")
    page.get_by_label("Chercher une parcelle").fill("B245")
    page.keyboard.press("Enter")
    expect(card).to_contain_text("Îlot B245")
    expect(card).to_contain_text("candidates.gpkg")
    page.emulate_media(media="print")
    assert page.locator("tr[data-block]:visible").count() == 230
    page.context.close()
    assert not broken


def test_m14_parcels_on_canvas_blocks_in_svg(open_page) -> None:
    page = open_page()
    expect(page.locator(".leaflet-parcelles-pane canvas")).to_have_count(1)
    expect(page.locator(".leaflet-overlay-pane path.ilot")).to_have_count(2)
    assert page.locator("path").count() < 30  # no path a parcel


def test_m18_outside_is_greyed(open_page) -> None:
    page = open_page()
    shade, outline = page.locator(".leaflet-dehors-pane path").all()
    assert shade.get_attribute("fill") == "#8a8a8a"
    assert shade.get_attribute("d").count("M") == 2  # the world, less the territory
    assert outline.get_attribute("stroke") == "#1b1b1b"
    expect(page.get_by_label("territoire étudié")).to_be_checked()


def test_m1_base_maps_fail_quietly(browser: Browser, tmp_path) -> None:
    path = write_map(tiny_result(), tmp_path / "base.html", base_maps=True)
    page = browser.new_context(reduced_motion="reduce").new_page()
    broken, asked = [], set()
    page.on("pageerror", lambda error: broken.append(str(error)))
    page.on("request", lambda request: asked.add(request.url.split("/wmts")[0]))
    page.route("https://**", lambda route: route.abort())
    page.goto(path.as_uri())
    expect(status(page)).to_contain_text("Fond de carte indisponible")
    page.get_by_label("Photographies aériennes").check()
    page.locator('path[data-block="0"]').click()
    expect(page.get_by_role("dialog")).to_contain_text("Îlot B001")
    page.context.close()
    assert asked == {path.as_uri(), "https://data.geopf.fr"}
    assert not broken

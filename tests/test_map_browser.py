"""The map page driven in headless Chromium, from disk, with the network off."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe
from hostile import planted
from playwright.sync_api import expect, sync_playwright
from tiny import tiny_result

from friches.view.map import write_map

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

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
MAKERS = {
    "internal": tiny_result,
    "public": lambda: tiny_result(audience="public"),
    "hostile": lambda: planted(tiny_result()),
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
    return {name: write_map(make(), folder / f"{name}.html") for name, make in MAKERS.items()}


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
        page.goto(pages[name].as_uri())
        return page

    yield opener
    for context in contexts:
        context.close()
    assert not [url for url in asked if not url.startswith(("file://", "data:"))]
    assert len([url for url in asked if url.startswith("file://")]) == len(contexts)
    assert not told


def violations(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [f"{v['id']}: {v['nodes'][0]['html'][:200]}" for v in found]


def status(page: Page):
    return page.locator("#etat")


def test_opens_by_click_and_reads_whole(open_page) -> None:
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


def test_keyboard_only(open_page) -> None:
    page = open_page()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Aller à la liste des îlots"
    path = page.locator('path[data-block="1"]')
    assert path.get_attribute("aria-label") == "Îlot B002, 1,00\u00a0ha, à confirmer"
    for key in ("Enter", " "):
        path.focus()
        page.keyboard.press(key)
        expect(page.get_by_role("dialog")).to_contain_text("Îlot B002")
        assert page.evaluate("document.activeElement.id") == "fiche"
        page.keyboard.press("Escape")
        expect(page.locator("#fiche")).to_be_hidden()
        assert page.evaluate("document.activeElement.dataset.block") == "1"
    button = page.get_by_role("button", name="Îlot B001, voir la fiche")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text("Îlot B001")
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.textContent") == "B001"


def test_no_tab_trap(open_page) -> None:
    page = open_page()
    page.locator(".pick").first.click()
    seen = []
    for _ in range(60):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.tagName"))
    assert "BODY" in seen  # the end of the page is reached


def test_back_to_the_row(open_page) -> None:
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


def test_filters_announce_and_never_end_in_silence(open_page) -> None:
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


def test_controls_speak_french(open_page) -> None:
    page = open_page()
    for name in ("Zoomer", "Dézoomer", "Vers le nord", "Tout le territoire"):
        assert page.get_by_role("button", name=name, exact=True).count() == 1
    assert "Zoom in" not in page.content().split("<script")[0]
    assert page.title().endswith("usage interne")
    assert page.locator(".leaflet-control-scale-line").inner_text().endswith("m")


@pytest.mark.parametrize("width", [320, 599])
def test_phone_has_the_list_first_and_no_sideways_scroll(open_page, width: int) -> None:
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


@pytest.mark.parametrize("name", ["internal", "public"])
def test_axe_finds_nothing(open_page, name: str) -> None:
    page = open_page(name)
    assert violations(page) == []
    page.locator(".pick").first.click()
    for details in page.locator("details").all():
        details.evaluate("d => { d.open = true; }")
    assert violations(page) == []


def test_public_page_searches_blocks_only(open_page) -> None:
    page = open_page("public")
    page.get_by_label("Chercher un îlot").fill("A 1")
    page.keyboard.press("Enter")
    expect(status(page)).to_contain_text("Rien ne correspond")
    page.locator(".pick").first.click()
    expect(page.get_by_role("dialog")).to_contain_text("1 à 2")
    expect(page.get_by_role("dialog")).to_contain_text("Ferme 1, 4\u00a0min")


def test_hostile_texts_never_act(open_page) -> None:
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


def test_print_holds_legend_scale_and_table(open_page) -> None:
    page = open_page()
    made = page.pdf(format="A4", print_background=True)
    assert made.startswith(b"%PDF")
    page.emulate_media(media="print")
    for said in ("probable (1)", "à confirmer (1)", "non candidates (6)", "DGFiP", "B002"):
        expect(page.get_by_text(said).first).to_be_visible()
    expect(page.locator(".leaflet-control-scale-line")).to_be_visible()
    for hidden in (".leaflet-control-zoom", "#outils", ".pan", ".skip"):
        expect(page.locator(hidden)).to_be_hidden()


def test_base_maps_fail_quietly(browser: Browser, tmp_path) -> None:
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

"""What a notebook shows of a result: summary, tables and map, with every text inert."""

from __future__ import annotations

import re
from dataclasses import replace
from importlib import resources
from typing import TYPE_CHECKING

import pandas as pd
import pytest
from hostile import PAYLOADS, planted
from playwright.sync_api import sync_playwright
from tiny import tiny_result

from friches.view.jupyter import folium_map, summary_html

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

ARGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]


def plain(html: str) -> str:
    return html.replace("\u202f", " ").replace("\u00a0", " ").replace("&#x27;", "'")


def page(result) -> str:
    return str(folium_map(result).get_root().render())


def test_summary_says_what_counts() -> None:
    html = plain(tiny_result()._repr_html_())
    for said in (
        "Carré (territoire fictif)",
        "1er septembre 2026",
        "territoire fictif ;",
        "à confirmer sur le terrain",
        "relu par un juriste",
        "usage interne",
        "9, 9,04 ha",
        "probable : 2, 2,01 ha ; à confirmer : 1",
        "entre 15 400 et 69 400, sans doute 34 700 repas par an",
        "entre septembre 2027 et juin 2031, sans doute septembre 2029",
        "images NDVI (la végétation est-elle permanente ?)",
        "58 &#37;",
    ):
        assert said in html, said
    assert 'lang="fr"' in html


def test_summary_of_real_land_does_not_say_fictitious() -> None:
    assert "fictif" not in summary_html(tiny_result(fictitious=False, name="Carré"))


def test_unknown_is_said_and_never_zero() -> None:
    html = plain(summary_html(replace(tiny_result(), summary={})))
    assert html.count("inconnu") >= 5
    assert "0 repas" not in html


def test_summary_is_inert() -> None:
    html = summary_html(planted(tiny_result()))
    assert not re.search(r"<(?!/?(div|p|strong|br|table|tr|th|td)\b)", html)
    assert not re.findall(r"<[^>]*\bon\w+=", html)
    assert not [payload for payload in PAYLOADS if payload in html and "<" in payload]
    assert not re.search("[\u202a-\u202e\u2066-\u2069`{}$]", html)


def test_tables_are_html_and_escaped() -> None:
    result = planted(tiny_result())
    for name in ("blocks", "routes", "matches", "evidence"):
        html = getattr(result, name)._repr_html_()
        assert "<table" in html
        assert not re.search(r"<(img|svg|script|b)\b", html.replace("<style", ""))


def test_repr_is_one_short_line() -> None:
    said = repr(tiny_result())
    assert said == "<Result 'Carré (territoire fictif)' on 2026-09-01: 9 parcels, 2 blocks>"


def test_map_has_key_bounds_and_french_controls() -> None:
    html = plain(page(tiny_result()))
    for said in (
        "îlot probable",
        "îlot à confirmer",
        "ferme",
        "cantine",
        'aria-label="Légende"',
        "à confirmer sur le terrain",
        "territoire fictif",
        "Sources : DGFiP - cadastre, juin 2026",
        "lots\\u00a0: probable",  # escaped in the script, « Î » too
        "Zoomer",
        "D\\u00e9zoomer",
        "Fermer",
        'documentElement.lang = "fr"',
    ):
        assert said in html, said
    assert "fitBounds" in html
    assert "Zoom in" not in html
    assert "<title>Îlots candidats : Carré" in html


def test_key_tells_answers_by_line_and_not_by_colour_alone() -> None:
    html = page(tiny_result())
    assert all(f"2.5px {line}" in html for line in ("solid", "dashed"))


def test_map_of_nothing() -> None:
    result = tiny_result()
    empty = {
        name: getattr(result, name).iloc[:0]
        for name in ("blocks", "members", "meals", "matches", "routes", "steps", "reach",
                     "canteens", "farmers")
    }  # fmt: skip
    html = page(replace(result, **empty))
    assert "fitBounds" in html
    assert "Légende" in html
    assert "fitBounds" not in page(replace(result, **empty, parcels=result.parcels.iloc[:0]))


def test_public_map_and_summary_name_no_farm() -> None:
    result = tiny_result(audience="public")
    assert "Ferme fictive du Carré" not in page(result)
    assert "version publique" in summary_html(result)


def test_unknown_dates_are_said() -> None:
    routes = tiny_result().routes
    dates = {c: pd.NaT for c in routes.columns if c.startswith(("land_on", "first_meal_on"))}
    html = page(replace(tiny_result(), routes=routes.assign(**dates)))
    assert "<th>Premier repas</th><td>inconnu</td>" in html


# In Chromium: Leaflet comes from XStatic, for Folium's page names servers ----------------------

SHIM = """
window.$ = (html) => { const made = document.createElement('div'); made.innerHTML = html;
                       return [made.firstElementChild]; };
"""


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=chromium, args=ARGS)
        yield opened
        opened.close()


def local(html: str) -> str:
    """Folium's page with Leaflet inline, and a line for what it uses of jQuery."""
    data = resources.files("xstatic.pkg.leaflet") / "data"
    html = re.sub(r'<script src="[^"]*"></script>', "", html)
    html = re.sub(r'<link rel="stylesheet" href="[^"]*"\s*/>', "", html)
    script = (data / "leaflet.js").read_text("utf-8").replace("</script", "<\\/script")
    style = (data / "leaflet.css").read_text("utf-8")
    head = f"<style>{style}</style><script>{script}</script><script>{SHIM}</script>"
    return html.replace("<head>", f"<head>{head}", 1)


@pytest.mark.browser
@pytest.mark.parametrize("hostile", [False, True], ids=["plain", "hostile"])
def test_every_popup_opens_and_nothing_runs(browser, tmp_path, hostile: bool) -> None:
    result = planted(tiny_result()) if hostile else tiny_result()
    file = tmp_path / "map.html"
    file.write_text(local(page(result)), "utf-8")
    context = browser.new_context(viewport={"width": 1000, "height": 700}, offline=True)
    tab = context.new_page()
    failed: list[str] = []
    tab.on("pageerror", lambda error: failed.append(str(error)))
    tab.goto(file.as_uri())
    title = tab.title()
    assert "Îlots candidats" in title
    shapes = tab.locator(".leaflet-interactive")
    assert shapes.count() == 4
    for place in range(shapes.count()):
        shapes.nth(place).dispatch_event("click")
        popup = tab.locator(".leaflet-popup-content").last
        popup.wait_for()
        assert popup.locator("img, svg, script, b, [onload], [onerror], [autofocus]").count() == 0
        close = tab.locator(".leaflet-popup-close-button").last
        assert close.get_attribute("aria-label") == "Fermer"
    assert tab.title() == title
    assert "pwned" not in title or hostile
    assert tab.locator("html").get_attribute("lang") == "fr"
    assert tab.locator('[aria-label="Légende"]').is_visible()
    assert tab.get_by_role("button", name="Zoomer", exact=True).is_visible()
    assert not failed
    context.close()

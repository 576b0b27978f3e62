"""axe finds nothing to say of the map, the register and a sheet: tiny territory and sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright
from tiny import tiny_result

from friches.view.map import write_map
from friches.view.register import write_register_html
from friches.view.sheets import write_sheets

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser
PAGES = ("map.html", "register.html", "sheets/B001.html", "sheets/B001-dossier.html")


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as driver:
        opened = driver.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def tiny_out(tmp_path_factory) -> dict[str, Path]:
    made = {}
    for audience in ("internal", "public"):
        result = tiny_result(audience=audience)
        made[audience] = tmp_path_factory.mktemp(audience)
        write_map(result, made[audience] / "map.html")
        write_register_html(result, made[audience] / "register.html")
        write_sheets(result, made[audience] / "sheets")
    return made


def violations(page: Page) -> list[str]:
    """What axe finds, all its rules on, every `details` open."""
    page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [f"{v['id']}: {v['nodes'][0]['html'][:200]}" for v in found]


THIN = """document.querySelectorAll("tbody").forEach((body) => {
  [...body.rows].slice(30, -30).forEach((row) => row.remove());
})"""
"""Leave 60 rows a table: the others are made by the same line of the template (50 s of axe)."""


def opened(browser: Browser, path: Path) -> Page:
    context = browser.new_context(offline=True, reduced_motion="reduce", locale="fr-FR")
    page = context.new_page()
    page.goto(path.as_uri())
    return page


@pytest.mark.parametrize("audience", ["internal", "public"])
@pytest.mark.parametrize("name", PAGES)
def test_no_violation(browser: Browser, tiny_out, name: str, audience: str) -> None:
    page = opened(browser, tiny_out[audience] / name)
    assert violations(page) == []
    if name == "map.html":
        page.locator(".pick").first.click()
        assert violations(page) == []
    page.context.close()


@pytest.mark.parametrize("name", PAGES)
def test_no_violation_on_the_sample(browser: Browser, saint_rebelle, name: str) -> None:
    _, out = saint_rebelle
    page = opened(browser, out / name)
    page.evaluate(THIN)
    if name == "map.html":
        page.locator(".pick").first.click()
    assert violations(page) == []
    page.context.close()

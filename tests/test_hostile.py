"""Whatever stands in the data stays text.

Every text that a reader takes is made hostile (`hostile.territory`), the study is run for the
audience that shows most, and every page is opened in Chromium. Codes, numbers and keys, which are
refused, are in test_hostile_fields.py; files that are not what they say, in test_hostile_files.py.
"""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import hostile
import openpyxl
import pytest
from playwright.sync_api import sync_playwright
from tiny import tiny_result

import friches
from friches.errors import InputError
from friches.view import inert, page
from friches.view.map import write_map
from friches.view.output import write
from friches.view.register import write_register_html
from friches.view.sheets import write_sheets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "friches"
ARGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
CLOSED = (
    "<img src=x onerror=\"document.title='pwned'\">",
    "<svg onload=\"document.title='pwned'\"></svg>",
    "</script><script>document.title='pwned'</script>",
    "<b onmouseover=\"document.title='pwned'\">x</b>",
    "<a href=\"javascript:document.title='pwned'\">y</a>",
)
ALIVE = "img:not([src^='data:']), [onload], [onerror], [onmouseover], [onfocus], [autofocus]"
"""What a payload would leave in a page if it were read as markup."""


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    return friches.run(friches.open(hostile.territory(folder)), keep_in=folder / "kept")


@pytest.fixture(scope="module")
def out(result, tmp_path_factory):
    return write(result, tmp_path_factory.mktemp("out") / "hostile")


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=chromium, args=ARGS)
        yield opened
        opened.close()


@pytest.fixture
def opened(browser: Browser):
    """Open a file with the network off; give the page, what it asked for and what it refused."""
    contexts = []

    def opener(path: Path) -> tuple[Page, list[str], list[str]]:
        context = browser.new_context(offline=True, reduced_motion="reduce")
        contexts.append(context)
        asked: list[str] = []
        told: list[str] = []
        shown = context.new_page()
        shown.set_default_timeout(5000)
        shown.on("request", lambda request: asked.append(request.url))
        shown.on("console", lambda said: told.append(said.text))
        shown.on("pageerror", lambda error: told.append(str(error)))
        shown.on("dialog", lambda dialog: (told.append("dialog"), dialog.dismiss()))
        shown.goto(path.as_uri())
        return shown, asked, told

    yield opener
    for context in contexts:
        context.close()


def open_everything(shown: Page) -> None:
    """Hover, focus and click whatever can be; open all that folds."""
    shown.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    for path in shown.locator("path.ilot").all()[:8]:
        path.hover(force=True)
        path.click(force=True)
        shown.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
        shown.keyboard.press("Escape")
    for button in shown.locator(".pick").all()[:4]:
        button.click()
        shown.keyboard.press("Escape")
    for marker in shown.locator(".leaflet-marker-icon").all()[:6]:
        marker.focus()
        shown.keyboard.press("Enter")
        shown.keyboard.press("Escape")
    if shown.locator("#cherche").count() and shown.locator("#cherche").is_visible():
        for asked in ("A 1", "129990000A0001", hostile.PAYLOADS[0]):
            shown.locator("#cherche").fill(asked)
            shown.keyboard.press("Enter")
        for found in shown.locator("#trouve button").all()[:2]:
            found.click()
    shown.evaluate(
        """() => { for (const e of document.querySelectorAll('body *')) {
            for (const kind of ['mouseover', 'mouseenter', 'pointerover'])
              e.dispatchEvent(new MouseEvent(kind, { bubbles: true, clientX: 9, clientY: 9 }));
            e.dispatchEvent(new Event('focus')); } }"""
    )


# pages ----------------------------------------------------------------------------------


def test_x1_the_run_kept_the_payloads_as_texts(result) -> None:
    """Without payloads in the tables the tests below would prove nothing."""
    for table, column in (("canteens", "name"), ("farmers", "name"), ("owners", "name")):
        said = " ".join(getattr(result, table)[column].dropna())
        assert "<img src=x onerror=" in said
        assert "</script><script>" in said
        assert "\u202e" not in said
    assert len(result.blocks)
    assert result.study.name.startswith("<img")
    assert result.provenance["file"].str.contains("<img src=x").sum() >= 18  # names of files
    assert "onerror=" in " ".join(result.facts["zone_plu"].dropna()) + " ".join(
        result.facts["last_crop"].dropna()
    )  # an answer and a label of the zoning


def pages_of(out: Path) -> list[Path]:
    named = sorted((out / "sheets").glob("restreint-*.html"))
    with_name = next(p for p in named if "onerror" in p.read_text("utf-8"))
    sheet = out / "sheets" / with_name.name.removeprefix("restreint-")
    return [out / "map.html", out / "register.html", sheet, with_name]


@pytest.mark.browser
@pytest.mark.parametrize("which", range(4), ids=["map", "register", "sheet", "restricted"])
def test_x1_nothing_acts_in_any_page(out, opened, which: int) -> None:
    path = pages_of(out)[which]
    shown, asked, told = opened(path)
    title, scripts = shown.title(), shown.evaluate("document.scripts.length")
    assert "<img src=x" in title  # the hostile name of the study, as text
    assert "<img src=x onerror" in shown.locator("body").inner_text()
    open_everything(shown)
    assert shown.title() == title
    assert shown.evaluate("document.scripts.length") == scripts == (3 if which == 0 else 0)
    assert shown.locator(ALIVE).count() == 0
    assert shown.locator('a[href^="javascript" i], iframe, object, embed').count() == 0
    assert asked == [path.as_uri()]
    assert told == []


def test_x1_templates_and_widths_of_jinja_are_not_run_on_data(out) -> None:
    for path in out.rglob("*.html"):
        assert "{{ 7*7 }}" in path.read_text("utf-8")  # printed, never computed


def test_x2_autoescape_is_on_and_only_inert_marks_text_safe() -> None:
    assert page.environment().autoescape is True
    for path in sorted((PACKAGE / "view" / "templates").iterdir()):
        text = path.read_text("utf-8")
        assert not re.search(r"\|\s*safe\b|autoescape", text), path.name
        if path.suffix == ".js":
            assert not re.search(
                r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function",
                text,
            )
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.name not in {"inert.py", "page.py"}:
            assert "markupsafe" not in path.read_text("utf-8"), path.name


def broken(monkeypatch) -> None:
    """Break every escaping of ours at once: templates, JSON islands, cleaning."""
    bare = page.environment().overlay(autoescape=False, finalize=None)
    monkeypatch.setattr(page, "environment", lambda: bare)
    monkeypatch.setattr(inert, "clean", lambda value, cap=None: "" if value is None else str(value))
    monkeypatch.setattr(inert, "_ISLAND", {mark: mark for mark in inert._ISLAND})


@pytest.mark.browser
def test_x3_with_the_escaping_broken_the_policy_still_holds(tmp_path, opened, monkeypatch) -> None:
    broken(monkeypatch)
    # Payloads that close what they open: an open comment would only swallow the others.
    monkeypatch.setattr(hostile, "PAYLOADS", CLOSED)
    result = hostile.planted(tiny_result())
    name = "</title>" + "".join(CLOSED)
    about = result.study.study.model_copy(update={"name": name, "contact": name})
    object.__setattr__(result, "study", result.study.model_copy(update={"study": about}))
    pages = [
        write_map(result, tmp_path / "map.html"),
        write_register_html(result, tmp_path / "register.html"),
        write_sheets(result, tmp_path / "sheets")[0],
    ]
    for path in pages:
        text = path.read_text("utf-8")
        assert text.index("Content-Security-Policy") < text.index("<title>")
        shown, asked, told = opened(path)
        assert shown.locator("img[onerror]").count() > 0, "the escaping was not broken"
        assert shown.evaluate("[...document.scripts].some(s => s.text.includes('pwned'))")
        open_everything(shown)
        shown.wait_for_timeout(100)
        assert shown.title() != "pwned"
        assert "dialog" not in told
        assert any("Content Security Policy" in line for line in told)
        assert all(url == path.as_uri() or url.startswith("data:") for url in asked) or any(
            "Content Security Policy" in line and "img" in line for line in told
        )


def test_x3_every_page_carries_the_policy_before_any_data(out) -> None:
    for path in out.rglob("*.html"):
        text = path.read_text("utf-8")
        policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
        assert policy, path.name
        assert policy[1].replace("&#39;", "'").startswith("default-src 'none'; script-src ")
        assert "unsafe" not in policy[1]
        assert policy.start() < text.index("<title>")


# the workbook ----------------------------------------------------------------------------


def test_x1_the_workbook_holds_no_formula_and_no_link(out) -> None:
    with zipfile.ZipFile(out / "register.xlsx") as archive:
        for member in archive.namelist():
            raw = archive.read(member)
            if member.startswith("xl/worksheets/sheet"):
                assert not re.search(rb"<f[ >/]", raw), member
            assert b"<script>document" not in raw
            assert not re.search(
                rb'Target="(?!/xl/|worksheets/|styles|theme|sharedStrings)', raw
            ) or (not member.startswith("xl/"))
    book = openpyxl.load_workbook(out / "register.xlsx")
    kinds = {cell.data_type for sheet in book for row in sheet.iter_rows() for cell in row}
    assert "f" not in kinds


# names of files -------------------------------------------------------------------------------


def test_x4_file_names_are_ours(out) -> None:
    for path in out.rglob("*"):
        assert re.fullmatch(r"[A-Za-z0-9_.-]{1,40}", path.name), path.name
    assert not [p for p in out.parent.iterdir() if p != out]


@pytest.mark.parametrize("name", ["../../x", "B001/../..", "B001\0", "\u202eB001", "B 1", "b001"])
def test_x4_a_block_id_cannot_leave_its_folder(tmp_path, name: str) -> None:
    result = tiny_result()
    for table in ("blocks", "members", "reach", "meals", "matches", "routes", "steps"):
        frame = getattr(result, table)
        frame["block_id"] = frame["block_id"].astype("str").replace({"B001": name})
    with pytest.raises(InputError, match="nommer un fichier"):
        write_sheets(result, tmp_path / "sheets")
    assert not [p for p in tmp_path.rglob("*") if p.is_file() and p.name != "B002.html"]


# control characters ---------------------------------------------------------------------------


def test_x12_no_control_nor_bidi_character_reaches_an_output(out) -> None:
    hidden = re.compile(
        "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]"
    )
    for path in [*out.rglob("*.html"), *out.rglob("*.json")]:
        text = path.read_text("utf-8")
        found = hidden.search(text)
        assert not found, f"{path.name}: {text[max(0, found.start() - 40) : found.end()]!r}"
    with zipfile.ZipFile(out / "register.xlsx") as archive:
        for member in archive.namelist():
            assert not hidden.search(archive.read(member).decode("utf-8", "replace")), member


def test_x12_shown_as_a_replacement_mark(out) -> None:
    assert "\ufffdgpj.exe\ufffd" in (out / "map.html").read_text("utf-8")

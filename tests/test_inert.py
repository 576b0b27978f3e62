"""Nothing in the data may act: cleaned text, JSON islands, policy, names and links."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import UndefinedError
from tiny import study

from friches.errors import InputError
from friches.view import inert, page

TEMPLATES = Path(page.__file__).parent / "templates"


def test_x12_clean_composes_and_shows_what_hides() -> None:
    assert inert.clean("e\u0301te\u0301") == "été"
    assert inert.clean("a\u202egpj.exe") == "a�gpj.exe"
    assert inert.clean("a\x00b\u200bc\ufeff") == "a�b�c�"
    assert inert.clean("deux\nlignes\u2028trois") == "deux lignes trois"
    assert inert.clean("12\u202f345\u00a0%") == "12\u202f345\u00a0%"
    assert inert.clean(None) == inert.clean(pd.NA) == inert.clean(float("nan")) == ""


def test_x12_clean_caps_exactly() -> None:
    assert inert.clean("x" * 10, 10) == "x" * 10
    assert inert.clean("x" * 11, 10) == "x" * 9 + "…"


@settings(max_examples=60)
@given(st.recursive(st.text() | st.integers() | st.booleans() | st.none(), st.lists, max_leaves=5))
def test_x1_island_cannot_be_left_and_reads_back(data: object) -> None:
    element = str(inert.json_island({"data": data}, "data"))
    inside = re.fullmatch(r'<script type="application/json" id="data">(.*)</script>', element)
    assert inside
    assert not set("<>&\u2028\u2029") & set(inside[1])
    assert json.loads(inside[1]) == {"data": inert.cleaned(data)}


def test_x1_island_refuses_what_is_not_json() -> None:
    with pytest.raises(ValueError):
        inert.json_island({"x": float("nan")}, "data")
    with pytest.raises(ValueError):
        inert.json_island({}, 'data"><script>')


def test_x3_policy_names_each_script_by_hash() -> None:
    policy = inert.csp(["let a = 1;"], ["p { }"], ["https://data.geopf.fr"])
    digest = base64.b64encode(hashlib.sha256(b"let a = 1;").digest()).decode()
    assert f"script-src 'sha256-{digest}';" in policy
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert "img-src data: https://data.geopf.fr;" in policy
    assert "connect-src 'none'; base-uri 'none'; form-action 'none'" in policy
    assert "script-src 'none'" in inert.csp([], [])


def test_x3_element_text_cannot_close_it() -> None:
    for text in ("a</ScRiPt>b", "<!-- x", "a\r\nb"):
        with pytest.raises(ValueError):
            inert.script(text)


@pytest.mark.parametrize("name", ["B001", "A", "A_B-9", "X" * 20])
def test_x4_safe_name_passes(name: str) -> None:
    assert inert.safe_name(name) == name


@pytest.mark.parametrize("name", ["", "../../x", "b001", "X" * 21, "B 1", "B.1", "B001\n", "É"])
def test_x4_safe_name_refuses(name: str) -> None:
    with pytest.raises(InputError):
        inert.safe_name(name)


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://a.fr/x?y=1", True),
        ("sheets/B001.html", True),
        ("#bloc-B001", True),
        ("javascript:alert(1)", False),
        ("JaVaScRiPt:alert(1)", False),
        ("data:text/html,x", False),
        ("//evil.example/x", False),
        ("../../etc/passwd", False),
        ("https://a.fr/x y", False),
        (None, False),
    ],
)
def test_x4_links(url: object, kept: bool) -> None:
    assert inert.safe_link(url) == (url if kept else "")


def test_x2_templates_never_switch_escaping_off() -> None:
    for path in sorted(TEMPLATES.glob("*.j2")):
        text = path.read_text("utf-8")
        assert not re.search(r"\|\s*safe\b|autoescape|Markup", text), path.name
        assert not re.search(r"\son[a-z]+\s*=|\sstyle\s*=|javascript:", text), path.name


def test_x2_base_page() -> None:
    made = page.environment().from_string(
        '{% extends "base.html.j2" %}{% block main %}<h1>{{ bad }}</h1>{% endblock %}'
    )
    html = made.render(
        study=study().study,
        title='</title><script>"',
        audience="usage interne",
        csp="default-src 'none'",
        styles=[],
        scripts=[inert.script("let a = 1;")],
        bad="<img src=x onerror=alert(1)>\u202e",
    )
    assert '<html lang="fr">' in html
    assert "&lt;img src=x onerror=alert(1)&gt;�" in html
    assert html.count("<script") == 1
    assert "user-scalable" not in html
    assert "noindex" in html
    with pytest.raises(UndefinedError):
        made.render(study=study().study)

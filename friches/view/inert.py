"""Text from data made harmless: cleaned, escaped, fenced by a content security policy.

The only module that may mark text as safe HTML (`Markup`); templates never use `|safe`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from friches.errors import refuse
from friches.view.words import missing

if TYPE_CHECKING:
    from collections.abc import Iterable

SHOWN_INSTEAD = "\ufffd"
_SPACES = re.compile("[\t\n\r\x0b\x0c\x85\u2028\u2029]+")
# Control characters, direction marks and overrides (U+202E turns « exe.fdp » round), invisible
# marks, lone surrogates, non-characters. Joiners (U+200C, U+200D) stay: scripts need them.
_HIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\ufffb\ufdd0-\ufdef\ufffe\uffff\ud800-\udfff\U000e0000-\U000e007f]"
)
_SAFE_NAME = re.compile(r"[A-Z0-9_-]{1,20}")
_ISLAND = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def clean(value: object, cap: int | None = None) -> str:
    """Return a text as it may be shown: NFC, one line, hidden characters as �, no longer than cap.

    Parameters
    ----------
    value : object
        Any value; missing gives "".
    cap : int, optional
        Longest length; a longer text ends with « … ».
    """
    if missing(value):
        return ""
    said = str(value)
    if not (said.isascii() and said.isprintable()):
        said = _shown(said)
    return said if cap is None or len(said) <= cap else said[: cap - 1].rstrip() + "…"


@lru_cache(maxsize=20_000)
def _shown(said: str) -> str:
    return _HIDDEN.sub(SHOWN_INSTEAD, _SPACES.sub(" ", unicodedata.normalize("NFC", said)))


SHORT, KEPT = 400, 50_000
"""Texts up to so many characters are escaped once, the last ones met: 20 MB at most."""


def written(value: Any) -> Markup:
    """Return what a template prints, cleaned and escaped; markup of this module passes."""
    if type(value) is str:
        return _short(value) if len(value) <= SHORT else escape(clean(value))
    if isinstance(value, (Markup, int, float)):
        return escape(value)
    return escape(clean(value))


@lru_cache(maxsize=KEPT)
def _short(value: str) -> Markup:
    return escape(clean(value))


def rich(said: str, **values: object) -> Markup:
    """Return a text of words.toml as HTML: `**strong**` of ours, fields cleaned and escaped.

    A value is never read again: stars and braces in it stay as they are.
    """
    marked = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", str(escape(said)))
    filled = re.sub(r"\{(\w+)\}", lambda found: str(escape(clean(values[found[1]]))), marked)
    return Markup(filled)  # noqa: S704


def cleaned(data: Any) -> Any:
    """Return JSON-like data with every text in it cleaned (keys are ours and stay)."""
    if isinstance(data, str):
        return clean(data)
    if isinstance(data, dict):
        return {key: cleaned(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [cleaned(value) for value in data]
    return data


def json_island(data: Any, island: str) -> Markup:
    """Return `data` as one inert JSON script element, to be read with `JSON.parse`.

    `<`, `>`, `&` and the two line separators are escaped, so that nothing in the data can close
    the element. NaN and infinities are refused (ValueError): they are not JSON.
    """
    said = json.dumps(cleaned(data), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    said = re.sub("[<>&\u2028\u2029]", lambda found: _ISLAND[found[0]], said)
    return Markup(f'<script type="application/json" id="{_name(island)}">{said}</script>')  # noqa: S704


def script(text: str) -> Markup:
    """Return our own or a library's script as an inline element (its hash goes to `csp`)."""
    return _element("script", text)


def style(text: str) -> Markup:
    """Return a style sheet as an inline element (its hash goes to `csp`)."""
    return _element("style", text)


def _element(tag: str, text: str) -> Markup:
    if re.search(rf"</{tag}|<!--", text, re.IGNORECASE) or "\r" in text:
        raise ValueError(f"this text cannot stand inside <{tag}>")
    return Markup(f"<{tag}>{text}</{tag}>")  # noqa: S704


def _hashes(texts: Iterable[str]) -> str:
    digests = (hashlib.sha256(text.encode("utf-8")).digest() for text in texts)
    said = " ".join(f"'sha256-{base64.b64encode(digest).decode('ascii')}'" for digest in digests)
    return said or "'none'"


def csp(scripts: Iterable[str], styles: Iterable[str], images: Iterable[str] = ()) -> str:
    """Return the content of a Content-Security-Policy meta element.

    Parameters
    ----------
    scripts, styles : iterable of str
        The exact texts of the page's inline scripts and style sheets: nothing else runs.
    images : iterable of str
        Hosts whose images may be asked for (base maps); none by default.
    """
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {_hashes(scripts)}",
            f"style-src {_hashes(styles)}",
            " ".join(("img-src data:", *images)),
            "connect-src 'none'",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _name(name: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9-]*", name):
        raise ValueError(f"{name!r} is not an element id of ours")
    return name


def safe_name(name: str) -> str:
    """Return an id that may be part of a file name, or refuse it.

    Raises
    ------
    InputError
        Anything but 1 to 20 of A-Z, 0-9, « _ » and « - » (no path, no dot, no space).
    """
    if not _SAFE_NAME.fullmatch(name):
        raise refuse(
            f"« {clean(name, 40)} » ne peut pas nommer un fichier",
            "identifiant",
            "n'employer que A-Z, 0-9, _ et -, 20 caractères au plus",
        )
    return name


def safe_link(url: object) -> str:
    """Return a link that is http(s) or relative to the page, else "" (no `javascript:`)."""
    said = "" if missing(url) else str(url).strip()
    if re.match(r"https?://[^\s]+$", said):
        return said
    if re.fullmatch(r"[A-Za-z0-9_./#-]+", said) and ".." not in said and not said.startswith("/"):
        return said
    return ""

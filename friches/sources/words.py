"""Words compared without case, accents or doubled spaces: producers spell them in many ways."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from functools import cache
from importlib import resources
from typing import Any


def fold(text: object) -> str:
    """Return a text in lower case without accents, with single spaces; missing gives ''."""
    if not isinstance(text, str):
        return ""
    flat = unicodedata.normalize("NFKD", text.replace("’", "'").replace("œ", "oe"))
    flat = "".join(letter for letter in flat if not unicodedata.combining(letter))
    return re.sub(r"\s+", " ", flat).strip().lower()


@cache
def book(name: str) -> dict[str, Any]:
    """Return one TOML document that lies beside the readers (roads, forest, zoning…)."""
    text = (resources.files("friches.sources") / f"{name}.toml").read_text("utf-8")
    return tomllib.loads(text)

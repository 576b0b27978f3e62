"""The catalogue of layers (data/sources.toml): publisher, licence, what each settles."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

UNDATED = "millésime non indiqué"


def data_folder() -> Path:
    """Return the folder of shipped data: in the package when installed, beside it in a clone."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "data"
    return installed if installed.is_dir() else package.parent / "data"


@cache
def whole_catalogue() -> dict[str, dict[str, Any]]:
    """Return the whole document: layers with their services, rates, the service of communes."""
    return tomllib.loads((data_folder() / "sources.toml").read_text("utf-8"))


@cache
def catalogue() -> dict[str, dict[str, str]]:
    """Return, for each layer a study may name: label, publisher, licence, attribution, settles.

    What only feeds another layer, or stands beside the study, is in `whole_catalogue` alone.
    """
    return {
        layer: {key: value for key, value in said.items() if isinstance(value, str)}
        for layer, said in whole_catalogue().items()
        if "settles" in said and "feeds" not in said
    }


def vintage(path: Path) -> str:
    """Return the date or year that a file name states, or « millésime non indiqué ».

    >>> vintage(Path("oso_2023.tif"))
    '2023'
    >>> vintage(Path("cadastre-2026-06-01.json"))
    '2026-06-01'
    """
    # « natura2000 » is a name, not a year.
    dates = re.findall(
        r"(?<!\d)(?<!natura)((?:19|20)\d{2}-\d{2}-\d{2}|(?:19|20)\d{2})(?!\d)", path.name.lower()
    )
    return dates[-1] if dates else UNDATED

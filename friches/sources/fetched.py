"""What `friches fetch` noted of its files (fetched.json): where each comes from, and when."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from friches.errors import refuse

if TYPE_CHECKING:
    from pathlib import Path

REPORT = "fetched.json"


class Origin(NamedTuple):
    """Where a fetched file comes from."""

    label: str
    publisher: str
    licence: str
    attribution: str
    vintage: str
    retrieved_on: str
    sha256: str
    empty: bool


def read_report(folder: Path) -> dict[str, Any]:
    """Return what fetched.json says, or {} where there is none.

    Raises
    ------
    InputError
        It cannot be read.
    """
    path = folder / REPORT
    if not path.is_file():
        return {}
    try:
        said = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise refuse(f"illisible ({error})", path, "relancer « friches fetch »") from error
    if not isinstance(said, dict) or not isinstance(said.get("layers"), list):
        raise refuse(
            "ce n'est pas un rapport de téléchargement", path, "relancer « friches fetch »"
        )
    return said


def origins(folder: Path) -> dict[Path, Origin]:
    """Return the origin of each file that was fetched or given to a fetch, by absolute path."""
    report = read_report(folder)
    found: dict[Path, Origin] = {}
    for entry in report.get("layers", []):
        for file in entry["files"]:
            found[folder / file["path"]] = _origin(entry, file)
    for target, name in report.get("derived", {}).items():
        parts = [
            _origin(entry, file)
            for entry in report["layers"]
            if entry["feeds"] == target
            for file in entry["files"]
        ]
        if parts:
            found[folder / name] = parts[0]._replace(
                attribution=" ; ".join(dict.fromkeys(part.attribution for part in parts)),
                sha256="",
            )
    return found


def _origin(entry: dict[str, Any], file: dict[str, Any]) -> Origin:
    return Origin(
        entry["label"],
        entry["publisher"],
        entry["licence"],
        entry["attribution"],
        file["vintage"],
        file["retrieved_on"],
        file["sha256"],
        file["empty"],
    )

"""What every test may use: the real files beside the repository, a tiny result made by hand."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from replay.plugin import replay, replay_server  # noqa: F401 -- fixtures

if TYPE_CHECKING:
    from friches.result import Result

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"
FULL = os.environ.get("FRICHES_FULL") == "1"


def _absent(what: str) -> None:
    if FULL:
        pytest.fail(f"FRICHES_FULL=1 forbids skipping: {what}")
    pytest.skip(what)


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of real files; its tests skip, saying so, where a clone stands alone."""
    if not (SHARED / "data").is_dir():
        _absent("real files ../shared are not beside this clone")
    return SHARED


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of a Chromium to drive."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if not found:
        _absent("install Chromium (Debian package: chromium) to test pages")
    return str(found)


@pytest.fixture(scope="session")
def libreoffice() -> str:
    """Path of a LibreOffice that can open and save workbooks."""
    found = shutil.which("libreoffice") or shutil.which("soffice")
    if not found:
        _absent("install LibreOffice Calc (Debian package: libreoffice-calc-nogui)")
    return str(found)


@pytest.fixture(scope="session")
def saint_rebelle(tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, Path]:
    """The embedded territory, run once for the whole suite: its result and its outputs."""
    import friches
    from friches.view.output import write

    kept = tmp_path_factory.mktemp("kept")
    result = friches.run(friches.open(ROOT / "data" / "sample" / "study.toml"), keep_in=kept)
    return result, write(result, tmp_path_factory.mktemp("maps") / "saint-rebelle")

"""What every test may use: the real files beside the repository, a tiny result made by hand."""

from __future__ import annotations

import os
import pickle
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from once import once
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
def sample_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The embedded territory, run once for the whole suite, whatever the number of processes.

    Folder of `kept` (its stages), `result.pickle` and `out` (its outputs): copy before changing.
    """

    def make(folder: Path) -> None:
        import friches
        from friches.view.output import write

        study = friches.open(ROOT / "data" / "sample" / "study.toml")
        result = friches.run(study, keep_in=folder / "kept")
        with (folder / "result.pickle").open("wb") as file:
            pickle.dump(result, file)
        write(result, folder / "out")

    return once(tmp_path_factory, "sample", make)


@pytest.fixture(scope="session")
def saint_rebelle(sample_run: Path) -> tuple[Result, Path]:
    """The embedded territory's result and its outputs, the same for the whole suite."""
    with (sample_run / "result.pickle").open("rb") as file:
        return pickle.load(file), sample_run / "out"


@pytest.fixture
def kept_stages(sample_run: Path, tmp_path: Path) -> Path:
    """A copy of the stages that a run of the embedded territory keeps."""
    return Path(shutil.copytree(sample_run / "kept", tmp_path / "kept_stages"))


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fictitious territory of 500 parcels (seed 3), its stages kept beside: copy to change."""

    def build(folder: Path) -> None:
        import friches
        from friches.sample import make

        make(folder, 500, seed=3)
        friches.run(friches.open(folder / "study.toml"))
        assert (folder / ".friches").is_dir()

    return once(tmp_path_factory, "small", build)

"""What the suite shares between processes is made once, and its failure is everybody's."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest
from once import made_once

if TYPE_CHECKING:
    from pathlib import Path


def test_many_ask_one_makes(tmp_path: Path) -> None:
    made: list[int] = []

    def make(folder: Path) -> None:
        time.sleep(0.1)
        (folder / "file").write_text("whole")
        made.append(1)

    found: list[str] = []

    def ask() -> None:
        found.append((made_once(tmp_path, "x", make) / "file").read_text())

    threads = [threading.Thread(target=ask) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert made == [1]
    assert found == ["whole"] * 5


def test_a_failure_is_told_to_all(tmp_path: Path) -> None:
    def broken(folder: Path) -> None:
        raise ValueError("no land")

    with pytest.raises(ValueError, match="no land"):
        made_once(tmp_path, "x", broken)
    with pytest.raises(RuntimeError, match="no land"):
        made_once(tmp_path, "x", broken)


def test_nobody_waits_for_ever(tmp_path: Path) -> None:
    (tmp_path / "once-x.lock").touch()
    with pytest.raises(TimeoutError, match="once-x"):
        made_once(tmp_path, "x", lambda folder: None, longest=0.1)

"""Notebooks are executed, and committed without outputs."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
DRAWS = {"01_first_map": 4, "02_one_block": 1, "03_change_the_law": 0}


def test_all_are_there():
    assert [file.stem for file in NOTEBOOKS] == sorted(DRAWS)


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda p: p.stem)
def test_committed_without_outputs(file):
    notebook = nbformat.read(file, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert code
    assert all(not cell.outputs and cell.execution_count is None for cell in code)
    assert [cell.id for cell in notebook.cells] == [
        f"cell-{n:02d}" for n in range(len(notebook.cells))
    ]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.enable_socket
@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda p: p.stem)
def test_runs_from_top_to_bottom(file, monkeypatch):
    from nbclient import NotebookClient

    monkeypatch.delenv("MPLBACKEND", raising=False)  # plots are shown as in Jupyter
    notebook = nbformat.read(file, as_version=4)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": ROOT}}).execute()
    shown = [out for cell in notebook.cells for out in cell.get("outputs", [])]
    assert any("text/html" in out.get("data", {}) for out in shown)
    assert not [out for out in shown if out.output_type == "error"]
    assert not [out["text"] for out in shown if out.get("name") == "stderr"]
    drawn = [out for out in shown if "image/png" in out.get("data", {})]
    assert len(drawn) == DRAWS[file.stem]

"""The generated territory of the benchmark, small: solved, with its gap told."""

from __future__ import annotations

import pytest

from benchmarks.allocation import CROPS, territory
from friches.allocation import allocate
from friches.studyfile import Reach


@pytest.mark.parametrize("size", [(60, 12, 4)])
def test_a_generated_territory_is_solved_close_to_its_bound(size):
    tables = territory(5, *size)
    assert len(CROPS) == 12
    found = allocate(**tables, reach_limits=Reach())
    assert 0 <= found.solved["gap"] < 0.02
    assert found.solved["meals"] > 0
    assert set(found.plots["crop"]) <= set(CROPS)
    assert (found.plots.groupby("block_id")["farmer_id"].agg(lambda ids: len(set(ids))) == 1).all()

"""A territory in parts: the same bytes however it is cut, whoever does the work."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

import friches
from friches import fallow
from friches.crew import crew
from friches.errors import InputError
from friches.facts import measure
from friches.layers import shelve_layers
from friches.measuring import around, measure_parts
from friches.parts import Part, cut, joined
from friches.sample.make import make
from friches.sources import shelf
from friches.sources.read import layer_keys, read_layers

if TYPE_CHECKING:
    from pathlib import Path

    from friches.studyfile import Study


def land(communes: list[str]) -> gpd.GeoDataFrame:
    """Unit squares side by side, one a parcel."""
    shapes = [shapely.box(10 * k, 0, 10 * k + 10, 10) for k in range(len(communes))]
    ids = [f"{commune}000AA{k:04d}" for k, commune in enumerate(communes)]
    table = {"parcel_id": ids, "commune": communes}
    return gpd.GeoDataFrame(table, geometry=shapes, crs="EPSG:2154")


def test_small_communes_share_a_part_and_a_large_one_is_cut() -> None:
    _, parts = cut(land(["01001"] * 2 + ["01002"] * 2 + ["01003"] * 7), most=4)
    assert parts == [Part(0, 4), Part(4, 8), Part(8, 11)]
    _, parts = cut(land(["01001"] * 4), most=4)
    assert parts == [Part(0, 4)]
    _, parts = cut(land(["01001"] * 5), most=4)
    assert [part.stop - part.start for part in parts] == [2, 3]


def test_communes_that_lie_together_go_together_whatever_their_codes() -> None:
    shapes = land(["01001", "01009", "01002", "01005"]).sort_values("parcel_id", ignore_index=True)
    order, _ = cut(shapes, most=2)
    found = shapes["commune"].to_numpy()[order].tolist()
    assert found in (["01001", "01009", "01002", "01005"], ["01005", "01002", "01009", "01001"])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=12), st.integers(1, 12))
def test_every_parcel_is_in_one_part_and_none_is_too_large(sizes: list[int], most: int) -> None:
    communes = [f"01{k:03d}" for k, size in enumerate(sizes) for _ in range(size)]
    order, parts = cut(land(communes), most)
    assert sorted(order.tolist()) == list(range(len(communes)))
    assert parts[0].start == 0
    assert parts[-1].stop == len(communes)
    assert all(one.stop == other.start for one, other in pairwise(parts))
    assert all(0 < part.stop - part.start <= most for part in parts)


def test_a_layer_comes_back_as_it_was_shelved(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    at = rng.uniform(0, 1000, (500, 2))
    table = gpd.GeoDataFrame(
        {"name": [f"n{k}" for k in range(500)]}, geometry=shapely.points(at), crs="EPSG:2154"
    )
    table.attrs = {"repaired": 3}
    shelf.shelve(table, tmp_path / "a.parquet")
    whole = shelf.whole(tmp_path / "a.parquet")
    pd.testing.assert_frame_equal(pd.DataFrame(whole), pd.DataFrame(table))
    assert whole.attrs == {"repaired": 3}
    near = shelf.near(tmp_path / "a.parquet", (0, 0, 100, 100))
    assert near["name"].tolist() == table["name"][(at <= 100).all(axis=1)].tolist()
    some = shelf.rows(tmp_path / "a.parquet", 100, 130)
    assert len(some) == 30
    assert some["name"].map(table.reset_index().set_index("name")["index"]).is_monotonic_increasing
    assert shelf.extent(tmp_path / "a.parquet") == tuple(table.total_bounds)


def test_rows_drawn_alike_share_one_object(tmp_path: Path) -> None:
    shapes = [shapely.box(0, 0, 1, 1), shapely.box(0, 0, 1, 1), None, shapely.box(2, 0, 3, 1)]
    table = gpd.GeoDataFrame({"n": range(4)}, geometry=shapes, crs=2154)
    shelf.shelve(table, tmp_path / "a.parquet", np.arange(4))
    found = shelf.rows(tmp_path / "a.parquet", 0, 4)
    pd.testing.assert_frame_equal(pd.DataFrame(found), pd.DataFrame(table))
    assert found.geometry[0] is found.geometry[1]
    assert found.crs == table.crs


def test_a_part_gets_what_is_beside_its_parcels_and_what_is_beside_that(tmp_path: Path) -> None:
    parcels = gpd.GeoDataFrame(
        geometry=[shapely.box(0, 0, 10, 10), shapely.box(1000, 0, 1010, 10)], crs=2154
    )
    lefts = {"on": 5, "beside it": 14, "farther": 23, "between": 500, "within a metre": 1010.5}
    squares = [shapely.box(x, 0, x + 10, 10) for x in lefts.values()]
    layer = gpd.GeoDataFrame({"name": list(lefts)}, geometry=squares, crs=2154)
    layer.attrs = {"whole": {"campaigns": [2023]}}
    shelf.shelve(layer, tmp_path / "a.parquet")
    found, _ = around(tmp_path / "a.parquet", parcels, 1.0)
    assert found["name"].tolist() == ["on", "beside it", "within a metre"]
    assert found.attrs == layer.attrs


@pytest.mark.parametrize("count", [0, 1])
def test_a_layer_of_no_row_or_of_one_is_shelved_too(tmp_path: Path, count: int) -> None:
    table = gpd.GeoDataFrame({"n": range(count)}, geometry=[shapely.Point(1, 2)] * count, crs=2154)
    shelf.shelve(table, tmp_path / "a.parquet")
    assert len(shelf.whole(tmp_path / "a.parquet")) == count
    assert len(shelf.near(tmp_path / "a.parquet", (0, 0, 5, 5))) == count
    assert shelf.extent(tmp_path / "a.parquet") == ((1, 2, 1, 2) if count else None)


def test_tables_put_together_have_sorted_categories() -> None:
    one = pd.DataFrame({"a": pd.Categorical(["z", None]), "n": [1, 2]})
    other = pd.DataFrame({"a": pd.Categorical(["b"]), "n": [3]})
    both = joined([one, other])
    assert both["a"].cat.categories.tolist() == ["b", "z"]
    assert both["a"].astype("str").fillna("-").tolist() == ["z", "-", "b"]
    assert both["n"].tolist() == [1, 2, 3]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Study, pd.DataFrame]:
    """A fictitious territory and its facts, measured whole."""
    study = friches.open(make(tmp_path_factory.mktemp("small"), 600, 11))
    return study, measure(read_layers(study))


def in_parts(
    study: Study, folder: Path, most: int, monkeypatch: pytest.MonkeyPatch, mapped: Any = map
) -> pd.DataFrame:
    monkeypatch.setattr("friches.layers.cut", lambda parcels: cut(parcels, most))
    kept = shelve_layers(study, folder, layer_keys(study), mapped)
    return measure_parts(kept, folder / "parts", mapped)


@pytest.mark.parametrize("most", [37, 250])
def test_facts_of_parts_are_those_of_the_whole_to_the_bit(
    small: tuple[Study, pd.DataFrame], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    study, whole = small
    found = in_parts(study, tmp_path, most, monkeypatch)
    pd.testing.assert_frame_equal(found, whole, check_exact=True)


def test_what_is_nearest_is_sought_until_it_is_found(
    small: tuple[Study, pd.DataFrame], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study, whole = small
    ways = {
        name: way._replace(around_m=min(way.around_m, 60.0))
        for name, way in friches.measuring.WAYS.items()  # type: ignore[attr-defined]
    }
    monkeypatch.setattr("friches.measuring.WAYS", ways)
    found = in_parts(study, tmp_path, 150, monkeypatch)
    pd.testing.assert_frame_equal(found, whole, check_exact=True)
    assert (whole["dwelling_distance_m"] > 60).any()


def test_evidence_does_not_tell_how_many_parcels_were_judged_at_once(
    small: tuple[Study, pd.DataFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    study, facts = small
    evidence = fallow.gather(facts, study.study.day)
    monkeypatch.setattr(fallow, "AT_ONCE", 77)
    again = fallow.gather(facts, study.study.day)
    pd.testing.assert_frame_equal(again, evidence, check_exact=True)


def test_a_stopped_run_goes_on_with_the_parts_it_has(
    small: tuple[Study, pd.DataFrame], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study, whole = small
    done: list[Any] = []

    def stops(work: Any, *given: Any) -> Any:
        for task in zip(*given, strict=True):
            if len(done) == 2:
                raise KeyboardInterrupt
            done.append(task)
            yield work(*task)

    monkeypatch.setattr("friches.layers.cut", lambda parcels: cut(parcels, 150))
    kept = shelve_layers(study, tmp_path, layer_keys(study), map)
    with pytest.raises(KeyboardInterrupt):
        measure_parts(kept, tmp_path / "parts", stops)
    first = {path: path.stat().st_mtime_ns for path in (tmp_path / "parts").iterdir()}
    assert len(first) == 2
    found = measure_parts(kept, tmp_path / "parts", map)
    pd.testing.assert_frame_equal(found, whole, check_exact=True)
    assert all(path.stat().st_mtime_ns == then for path, then in first.items())


def test_a_layer_that_is_kept_is_not_read_again(
    small: tuple[Study, pd.DataFrame], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study, _ = small
    keys = layer_keys(study)
    first = shelve_layers(study, tmp_path, keys, map)
    read: list[str] = []
    real = friches.layers.read_layer  # type: ignore[attr-defined]
    monkeypatch.setattr(
        "friches.layers.read_layer", lambda *given: read.append(given[1]) or real(*given)
    )
    monkeypatch.setattr("friches.layers.read_parcels", lambda _study: pytest.fail("read again"))
    assert shelve_layers(study, tmp_path, keys, map) == first
    assert not read
    again = shelve_layers(study, tmp_path, keys | {"forest": "other"}, map)
    assert read == ["forest"]
    assert {name for name in first if first[name] != again[name]} == {"forest"}
    assert not first["forest"].exists()  # one version of each layer is kept


def test_two_workers_find_the_same_even_when_one_is_killed(
    small: tuple[Study, pd.DataFrame], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study, whole = small
    killed: list[int] = []

    def kill() -> None:
        for _ in range(1200):
            if any((tmp_path / "parts").glob("*.parquet")):
                victim = multiprocessing.active_children()[0].pid
                assert victim is not None
                os.kill(victim, signal.SIGKILL)
                killed.append(victim)
                return
            time.sleep(0.05)

    watcher = threading.Thread(target=kill)
    with crew(workers=2) as mapped:
        watcher.start()
        found = in_parts(study, tmp_path, 25, monkeypatch, mapped)
        watcher.join()
    assert killed
    pd.testing.assert_frame_equal(found, whole, check_exact=True)


def test_breaches_of_layers_read_by_workers_come_together(tmp_path: Path) -> None:
    path = make(tmp_path, 500, 3)
    study = friches.open(path)
    for layer in ("forest", "zoning"):
        study.files(layer)[0].write_bytes(b"nothing of the kind")
    with crew(workers=1) as mapped, pytest.raises(InputError) as told:
        shelve_layers(study, tmp_path / "kept", layer_keys(study), mapped)
    assert {breach.where.split("/")[-1].split(".")[0] for breach in told.value.breaches} == {
        study.files(layer)[0].name.split(".")[0] for layer in ("forest", "zoning")
    }


def test_a_cluster_that_runs_already_is_used(
    small: tuple[Study, pd.DataFrame], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    distributed = pytest.importorskip("distributed")
    study, whole = small
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0"
        ) as cluster,
        crew(scheduler=cluster.scheduler_address) as mapped,
    ):
        found = in_parts(study, tmp_path, 300, monkeypatch, mapped)
    pd.testing.assert_frame_equal(found, whole, check_exact=True)


def test_workers_and_scheduler_together_are_refused() -> None:
    with pytest.raises(InputError, match="choisir l'un des deux"), crew(2, "tcp://127.0.0.1:1"):
        pass

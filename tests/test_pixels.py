"""The compiled coverage kernel against exactextract and against squares a person can check."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import MultiPolygon, Polygon, box

from friches.spatial import extracted
from friches.spatial.coverage import NO_CLASS, Pictures, sums
from friches.spatial.mosaic import Grid


def parts(*shapes, rows=3, columns=3, corner=(0.0, 3.0, 1.0, 1.0), side=1024):
    """Covered part of each pixel, a picture for each shape: each pixel is a band of its own."""
    west, north, width_m, height_m = corner
    grid = Grid(west, north, width_m, height_m, rows, columns)
    own = np.eye(rows * columns)

    def look(window):
        return Pictures(NO_CLASS, own, window.row_off * columns + window.col_off, columns)

    geometries = np.array(shapes, dtype=object)
    found = sums(geometries, grid, look, (side, side), bands=rows * columns)
    return found.weighted.reshape(len(shapes), rows, columns)


@pytest.mark.parametrize(
    ("shape", "picture"),
    [
        (box(0, 0, 3, 3), [[1, 1, 1], [1, 1, 1], [1, 1, 1]]),
        (box(0.5, 0.5, 2.5, 2.5), [[0.25, 0.5, 0.25], [0.5, 1, 0.5], [0.25, 0.5, 0.25]]),
        (box(1, 1, 2, 2), [[0, 0, 0], [0, 1, 0], [0, 0, 0]]),
        (Polygon([(0, 0), (3, 0), (0, 3)]), [[0.5, 0, 0], [1, 0.5, 0], [1, 1, 0.5]]),
        (Polygon([(0, 3), (3, 3), (3, 0)]), [[0.5, 1, 1], [0, 0.5, 1], [0, 0, 0.5]]),
        (box(0, 0, 3, 3).difference(box(1, 1, 2, 2)), [[1, 1, 1], [1, 0, 1], [1, 1, 1]]),
        (MultiPolygon([box(0, 2, 1, 3), box(2, 0, 3, 1)]), [[1, 0, 0], [0, 0, 0], [0, 0, 1]]),
        (box(-5, -5, 1.5, 8), [[1, 0.5, 0], [1, 0.5, 0], [1, 0.5, 0]]),  # sticks out of the window
        (Polygon([(-3, -3), (3, -3), (3, 3)]), [[0, 0, 0.5], [0, 0.5, 1], [0.5, 1, 1]]),
        (box(5, 5, 6, 6), [[0, 0, 0], [0, 0, 0], [0, 0, 0]]),
        (Polygon(), [[0, 0, 0], [0, 0, 0], [0, 0, 0]]),
        (box(0, 1.9, 3, 2), [[0, 0, 0], [0.1, 0.1, 0.1], [0, 0, 0]]),
    ],
)
def test_parts_a_person_can_check(shape, picture) -> None:
    np.testing.assert_allclose(parts(shape)[0], picture, atol=1e-12)
    np.testing.assert_allclose(parts(shape.reverse())[0], picture, atol=1e-12)


def test_pixels_need_not_be_square() -> None:
    found = parts(box(0, 0, 3, 3), corner=(0.0, 6.0, 2.0, 3.0))
    np.testing.assert_allclose(found[0], [[0, 0, 0], [1, 0.5, 0], [0, 0, 0]], atol=1e-12)


def random_shapes(seed, n=40):
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(n):
        at = rng.uniform(-2, 14, 2) + rng.normal(0, rng.choice([0.2, 3]), (rng.integers(3, 9), 2))
        shape = shapely.make_valid(Polygon(at.round(int(rng.integers(0, 6)))), method="structure")
        made.append(MultiPolygon([p for p in shapely.get_parts(shape) if p.area > 0]))
    return np.array([shape for shape in made if not shape.is_empty], dtype=object)


@given(st.integers(0, 10**6))
@settings(max_examples=25, deadline=None)
def test_equal_to_exactextract(seed) -> None:
    geometries = random_shapes(seed)
    size = {"rows": 11, "columns": 12, "corner": (0.5, 11.25, 1.0, 1.0)}
    ours = parts(*geometries, **size).reshape(-1, 132)
    theirs = np.zeros(ours.shape)
    parcel, cell, part = extracted.pixels(geometries, 11, 12, size["corner"])
    theirs[parcel, cell] = part
    inside = shapely.area(shapely.intersection(geometries, box(0.5, 0.25, 12.5, 11.25)))
    np.testing.assert_allclose(ours.sum(axis=1), inside, atol=1e-8)
    # On rare shapes (one in 16,000) exactextract misses a whole pixel: its own sum tells.
    sound = np.abs(theirs.sum(axis=1) - inside) < 1e-5
    assert sound.sum() >= len(ours) - 1
    np.testing.assert_allclose(ours[sound], theirs[sound], atol=1e-6)


@pytest.mark.parametrize("side", [1, 4, 5])
def test_windows_change_nothing(side) -> None:
    geometries = random_shapes(7)
    size = {"rows": 11, "columns": 12, "corner": (0.5, 11.25, 1.0, 1.0)}
    whole = parts(*geometries, **size)
    np.testing.assert_allclose(parts(*geometries, **size, side=side), whole, atol=1e-9)


def test_shapes_one_by_one_are_those_measured_together_to_the_bit() -> None:
    geometries = random_shapes(7)
    size = {"rows": 11, "columns": 12, "corner": (0.5, 11.25, 1.0, 1.0), "side": 4}
    together = parts(*geometries, **size)
    alone = np.concatenate([parts(one, **size) for one in geometries])
    assert alone.tobytes() == together.tobytes()


@pytest.mark.parametrize("compiled", [True, False])
def test_values_are_weighed_and_holes_in_the_picture_left_out(compiled, monkeypatch) -> None:
    monkeypatch.setattr("friches.spatial.coverage.COMPILED", compiled)
    bands = np.array([[1.0, 8.0], [np.nan, 8.0], [3.0, 8.0]], np.float32)
    meaning = np.array([1, -1, 0], np.int16)
    found = sums(
        np.array([box(0, 0, 2.5, 1), box(1, 0, 2, 1)], dtype=object),
        Grid(0, 1, 1, 1, 1, 3),
        lambda window: Pictures(meaning, bands, window.col_off, 3),
        (2, 2),
        classes=2,
        bands=2,
    )
    assert found.weighted.tolist() == [[2.5, 20], [0, 8]]
    assert found.weight.tolist() == [[1.5, 2.5], [0, 1]]
    assert found.area.tolist() == [[0.5, 1], [0, 0]]


@pytest.mark.parametrize("compiled", [True, False])
def test_without_parcel_nothing_is_looked_at(compiled, monkeypatch) -> None:
    monkeypatch.setattr("friches.spatial.coverage.COMPILED", compiled)
    for geometries in ([], [Polygon(), None], [box(3, 3, 4, 4)]):
        land = np.array([*geometries, None], dtype=object)[:-1]
        found = sums(land, Grid(0, 1, 1, 1, 1, 3), pytest.fail, (2, 2), classes=2, bands=1)
        assert found.area.tolist() == [[0, 0]] * len(geometries)

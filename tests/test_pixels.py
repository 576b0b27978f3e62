"""The compiled coverage kernel against exactextract and against squares a person can check."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.windows import Window
from shapely import MultiPolygon, Polygon, box

from friches.spatial import extracted, pixels
from friches.spatial.coverage import coverage
from friches.spatial.mosaic import Grid
from friches.spatial.shapes import from_geometries

NINE = Window(0, 0, 3, 3)


def parts(*shapes, window=NINE, corner=(0.0, 3.0, 1.0, 1.0)):
    """Covered part of each of the window's pixels, a picture for each shape."""
    found = np.zeros((len(shapes), window.height * window.width))
    geometries = np.array(shapes, dtype=object)
    rows = np.arange(len(shapes))
    parcel, cell, part = pixels.pixels(from_geometries(geometries), rows, window, corner)
    found[parcel, cell] = part
    return found.reshape(len(shapes), window.height, window.width)


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
    window, corner = Window(0, 0, 12, 11), (0.5, 11.25, 1.0, 1.0)
    rows = np.arange(len(geometries))
    ours, theirs = np.zeros((2, len(rows), 132))
    for picture, find, shapes in (
        (ours, pixels.pixels, from_geometries(geometries)),
        (theirs, extracted.pixels, geometries),
    ):
        parcel, cell, part = find(shapes, rows, window, corner)
        picture[parcel, cell] = part
    inside = shapely.area(shapely.intersection(geometries, box(0.5, 0.25, 12.5, 11.25)))
    np.testing.assert_allclose(ours.sum(axis=1), inside, atol=1e-8)
    # On rare shapes (one in 16,000) exactextract misses a whole pixel: its own sum tells.
    sound = np.abs(theirs.sum(axis=1) - inside) < 1e-5
    assert sound.sum() >= len(rows) - 1
    np.testing.assert_allclose(ours[sound], theirs[sound], atol=1e-6)


@pytest.mark.parametrize("side", [1, 4, 5, 1024])
def test_windows_and_threads_change_nothing(side, monkeypatch) -> None:
    monkeypatch.setattr(pixels, "CHUNK", 3)
    geometries = random_shapes(7)
    grid = Grid(0.5, 11.25, 1.0, 1.0, 11, 12)
    found = np.zeros((len(geometries), 11, 12))
    for window, parcel, cell, part in coverage(geometries, grid, side):
        row, column = np.divmod(cell, window.width)
        found[parcel, window.row_off + row, window.col_off + column] += part
    whole = parts(*geometries, window=Window(0, 0, 12, 11), corner=(0.5, 11.25, 1.0, 1.0))
    np.testing.assert_allclose(found, whole, atol=1e-9)


def test_values_are_weighed_and_holes_in_the_picture_left_out() -> None:
    picture = np.array([1.0, np.nan, 3.0])
    sums = np.zeros((2, 2))
    at = np.array([0, 0, 0, 1]), np.array([0, 1, 2, 1]), np.array([1.0, 1.0, 0.5, 1.0])
    pixels.weigh(picture, *at, sums)
    assert sums.tolist() == [[2.5, 0], [1.5, 0]]
    area = np.zeros((2, 2))
    pixels.tally(np.array([1, -1, 0]), *at, area)
    assert area.tolist() == [[0.5, 1], [0, 0]]

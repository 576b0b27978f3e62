"""The relief of the fictitious land: rivers, a limestone plateau (causse) north, hills south.

Everything is a function of the place and the seed, so that any tile can be made alone.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ORIGIN_X, ORIGIN_Y = 700_000.0, 6_330_000.0
VALLEY_SPACING_M = 6_000.0
"""Distance between two rivers; the whole landscape repeats, differently, at that pace."""


def chance(first: NDArray[np.int64], second: NDArray[np.int64], seed: int) -> Floats:
    """Return a number in [0, 1) that depends only on two integers and the seed."""
    state = first.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    state ^= second.astype(np.uint64) * np.uint64(0xC2B2AE3D27D4EB4F)
    state += np.uint64((seed * 0x165667B19E3779F9) % 2**64)
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        state ^= state >> np.uint64(33)
        state *= np.uint64(factor)
    state ^= state >> np.uint64(33)
    return (state >> np.uint64(11)).astype(np.float64) * 2.0**-53


def noise(x: Floats, y: Floats, wavelength_m: float, seed: int) -> Floats:
    """Return smooth value noise in [-1, 1] (quintic interpolation of a random lattice)."""
    gx, gy = np.asarray(x) / wavelength_m, np.asarray(y) / wavelength_m
    ix, iy = np.floor(gx).astype(np.int64), np.floor(gy).astype(np.int64)
    u, v = _ease(gx - ix), _ease(gy - iy)
    low = chance(ix, iy, seed) * (1 - u) + chance(ix + 1, iy, seed) * u
    high = chance(ix, iy + 1, seed) * (1 - u) + chance(ix + 1, iy + 1, seed) * u
    return 2 * (low * (1 - v) + high * v) - 1


def _ease(t: Floats) -> Floats:
    return t * t * t * (t * (6 * t - 15) + 10)


def step(low: float, high: float, value: Floats) -> Floats:
    """Return 0 below `low`, 1 above `high`, smooth between."""
    return _ease(np.clip((value - low) / (high - low), 0, 1))


def river_offset(x: Floats, y: Floats, seed: int) -> Floats:
    """Return the distance to the nearest river (m), positive to its north."""
    return _river(x, y, seed)[0]


def river_rank(x: Floats, y: Floats, seed: int) -> NDArray[np.int64]:
    """Return which river (0, 1, -1, ... from the middle northwards) is the nearest."""
    return _river(x, y, seed)[1]


def _river(x: Floats, y: Floats, seed: int) -> tuple[Floats, NDArray[np.int64]]:
    east, north = np.asarray(x) - ORIGIN_X, np.asarray(y) - ORIGIN_Y
    phase = chance(np.array([1, 2]), np.array([0, 0]), seed + 11) * 2 * np.pi
    bend = 230 * np.sin(2 * np.pi * east / 3_100 + phase[0])
    bend = bend + 90 * np.sin(2 * np.pi * east / 1_270 + phase[1])
    bend = bend + 400 * noise(east, 0 * east, 5_000, seed + 12)
    rank = np.round((north - bend) / VALLEY_SPACING_M)
    return north - bend - VALLEY_SPACING_M * rank, rank.astype(np.int64)


def causse(x: Floats, y: Floats, seed: int) -> Floats:
    """Return how much a place belongs to the plateau (0 to 1)."""
    offset = river_offset(x, y, seed)
    edge = offset + 210 * noise(x, y, 800, seed + 21) + 70 * noise(x, y, 300, seed + 22)
    return step(480, 1_050, edge) * (1 - step(2_450, 2_950, offset))


def height(x: Floats, y: Floats, seed: int) -> Floats:
    """Return the altitude (m)."""
    offset = river_offset(x, y, seed)
    plateau = causse(x, y, seed)
    valley = 1 - np.exp(-((offset / 420) ** 2))
    hills = 38 * noise(x, y, 720, seed + 31) + 13 * noise(x, y, 270, seed + 32)
    hills = hills * valley * (1 - 0.85 * plateau)
    broad = 30 * noise(x, y, 4_000, seed + 33)
    rough = 2 * noise(x, y, 90, seed + 34)
    return np.asarray(395 + broad + 120 * valley + 165 * plateau + hills + rough)


def slope_pct(x: Floats, y: Floats, seed: int, reach_m: float = 20.0) -> Floats:
    """Return the slope (%) measured over twice `reach_m`."""
    east = height(x + reach_m, y, seed) - height(x - reach_m, y, seed)
    north = height(x, y + reach_m, seed) - height(x, y - reach_m, seed)
    return 100 * np.hypot(east, north) / (2 * reach_m)


def warp(points: Floats, seed: int) -> Floats:
    """Bend straight lines as fields and roads bend; rounded to the centimetre.

    Parameters
    ----------
    points : array (n, 2), metres
    """
    x, y = points[:, 0], points[:, 1]
    moved = np.empty_like(points)
    for axis in (0, 1):
        shift = 30 * noise(x, y, 430, seed + 41 + axis) + 7 * noise(x, y, 150, seed + 43 + axis)
        moved[:, axis] = points[:, axis] + shift
    return np.round(moved, 2)

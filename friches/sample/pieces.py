"""Convex pieces of land, cut in two all at once; every vertex knows the lines it lies on."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from friches.sample.terrain import Floats, chance

Ints = NDArray[np.int64]
CORNERS = 20
"""Most corners a convex piece may have while it is cut."""


class Pieces(NamedTuple):
    """Convex pieces, side by side in arrays.

    xy (n, K, 2) corners; vertex (n, K) their numbers; line (n, K) the line from corner k to the
    next; size (n,) how many corners; block, group (n,): the block, and the field (-1: none yet).
    """

    xy: Floats
    vertex: Ints
    line: Ints
    size: Ints
    block: Ints
    group: Ints

    def take(self, rows: NDArray[np.bool_] | Ints) -> Pieces:
        """Return some of the pieces."""
        return Pieces(
            self.xy[rows],
            self.vertex[rows],
            self.line[rows],
            self.size[rows],
            self.block[rows],
            self.group[rows],
        )


class Members(NamedTuple):
    """Which vertex lies on which line, how far along (m); and where each vertex is."""

    vertex: list[Ints]
    line: list[Ints]
    along: list[Floats]
    xy: list[Floats]


class Lines(NamedTuple):
    """Lines: a point and a unit direction each; firm lines (roads) are not made to wobble."""

    origin: Floats
    direction: Floats
    firm: NDArray[np.bool_]


def metres_along(lines: Lines, line: Ints, points: Floats) -> Floats:
    """Return how far along its line each point is (m)."""
    return np.asarray(((points - lines.origin[line]) * lines.direction[line]).sum(axis=1))


def following(pieces: Pieces) -> Ints:
    """Return the place of the corner that follows each corner."""
    place = np.arange(CORNERS)
    return np.where(place + 1 < pieces.size[:, None], place + 1, 0)


def ring_of(pieces: Pieces) -> tuple[NDArray[np.bool_], Floats]:
    """Return which corners are real, and the corner that follows each."""
    used = np.arange(CORNERS) < pieces.size[:, None]
    return used, np.take_along_axis(pieces.xy, following(pieces)[:, :, None], axis=1)


def joined(parts: list[Pieces]) -> Pieces:
    """Return several sets of pieces as one."""
    return Pieces(
        np.concatenate([part.xy for part in parts]),
        np.concatenate([part.vertex for part in parts]),
        np.concatenate([part.line for part in parts]),
        np.concatenate([part.size for part in parts]),
        np.concatenate([part.block for part in parts]),
        np.concatenate([part.group for part in parts]),
    )


def middle(pieces: Pieces) -> tuple[Floats, Floats]:
    """Return the area (m2) and the centroid of each piece."""
    used, after = ring_of(pieces)
    base = pieces.xy[:, :1]
    p, q = pieces.xy - base, after - base
    cross = np.where(used, p[..., 0] * q[..., 1] - p[..., 1] * q[..., 0], 0)
    area = cross.sum(axis=1) / 2
    weighted = ((p + q) * cross[..., None]).sum(axis=1)
    return area, base[:, 0] + weighted / (6 * np.maximum(area, 1e-9))[:, None]


def cut(pieces: Pieces, members: Members, lines: Lines, seed: int) -> tuple[Pieces, Members, Lines]:
    """Cut every piece in two, mostly across its length, sometimes along: strips."""
    if not len(pieces.size):
        return pieces, members, lines
    knife = _knife(pieces, len(lines.origin), sum(len(xy) for xy in members.xy), seed)
    span = knife.ends[1] - knife.ends[0]
    unit = span / np.maximum(np.linalg.norm(span, axis=1), 1e-9)[:, None]
    lines = Lines(
        np.concatenate([lines.origin, knife.ends[0]]),
        np.concatenate([lines.direction, unit]),
        np.concatenate([lines.firm, np.zeros(len(span), bool)]),
    )
    rows = np.arange(len(span))
    for side in (0, 1):
        members.xy.append(knife.ends[side])
        for line in (pieces.line[rows, knife.edges[side]], knife.line):
            members.vertex.append(knife.numbers[side])
            members.line.append(line)
            members.along.append(metres_along(lines, line, knife.ends[side]))
    halves = [_half(pieces, knife, side) for side in (0, 1)]
    return joined(halves), members, lines


class Knife(NamedTuple):
    """A cut of each piece: the two edges it crosses, where, the new vertices, the new line."""

    edges: list[Ints]
    ends: list[Floats]
    numbers: list[Ints]
    line: Ints


def _knife(pieces: Pieces, lines: int, vertices: int, seed: int) -> Knife:
    rows = np.arange(len(pieces.size))
    area, centre = middle(pieces)
    first, second = pieces.vertex[:, 0], pieces.vertex[:, 1] + 7 * pieces.size
    luck = [chance(first, second, seed + k) for k in range(3)]
    turn = _direction(pieces, luck[1]) + 0.16 * (luck[0] - 0.5)
    shift = (luck[2] - 0.5) * 0.28 * np.sqrt(area)
    normal = np.column_stack([-np.sin(turn), np.cos(turn)])
    signed = ((pieces.xy - (centre + normal * shift[:, None])[:, None]) * normal[:, None]).sum(2)
    used, after = ring_of(pieces)
    ahead = np.take_along_axis(signed, following(pieces), axis=1)
    edges = [
        np.argmax(used & (signed > 0) & (ahead <= 0), axis=1),
        np.argmax(used & (signed <= 0) & (ahead > 0), axis=1),
    ]
    ends = []
    for edge in edges:
        p, q = pieces.xy[rows, edge], after[rows, edge]
        ratio = signed[rows, edge] / (signed[rows, edge] - ahead[rows, edge])
        # two metres from a corner at least, so that rounding never joins two corners
        margin = np.minimum(2.0 / np.maximum(np.linalg.norm(q - p, axis=1), 1e-9), 0.5)
        ends.append(p + (q - p) * np.clip(ratio, margin, 1 - margin)[:, None])
    return Knife(edges, ends, [vertices + rows, vertices + len(rows) + rows], lines + rows)


def _direction(pieces: Pieces, share: Floats) -> Floats:
    """Return the direction (radians) of the cut: across the length, or along for a strip."""
    used, after = ring_of(pieces)
    run = after - pieces.xy
    longest = np.argmax(np.where(used, np.hypot(run[..., 0], run[..., 1]), -1), axis=1)
    best = run[np.arange(len(longest)), longest]
    turn = np.arctan2(best[:, 1], best[:, 0])
    extent: list[Floats] = []
    for angle in (turn, turn + np.pi / 2):
        reach = (pieces.xy * np.column_stack([np.cos(angle), np.sin(angle)])[:, None]).sum(2)
        high = np.where(used, reach, -np.inf).max(axis=1)
        extent.append(high - np.where(used, reach, np.inf).min(axis=1))
    slender = extent[0] / np.maximum(extent[1], 1e-9)
    lengthwise = (slender < 0.8) | ((share < 0.2) & (slender < 2.2))
    return np.asarray(np.where(lengthwise, turn, turn + np.pi / 2))


def _half(pieces: Pieces, knife: Knife, side: int) -> Pieces:
    """Return one side of each cut: its two new corners around the old ones between."""
    start, stop = knife.edges[side], knife.edges[1 - side]
    rows = np.arange(len(start))
    kept = (stop - start - 1) % pieces.size + 1
    old = (start[:, None] + np.arange(CORNERS)) % pieces.size[:, None]
    take = rows[:, None], old
    xy, vertex, line = pieces.xy[take], pieces.vertex[take], pieces.line[take]
    xy[:, 0], vertex[:, 0] = knife.ends[side], knife.numbers[side]
    xy[rows, kept + 1], vertex[rows, kept + 1] = knife.ends[1 - side], knife.numbers[1 - side]
    line[rows, kept + 1] = knife.line
    return Pieces(xy, vertex, line, kept + 2, pieces.block, pieces.group)

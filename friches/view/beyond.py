"""Blocks after those told in full: on the map an outline or a point each, no card of their own."""

from __future__ import annotations

import re
from itertools import accumulate, groupby
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from friches.view import compact, words
from friches.view.lexicon import w
from friches.view.parcels import CODES
from friches.view.popups import stage_index

if TYPE_CHECKING:
    from collections.abc import Iterable

    import geopandas as gpd

SIMPLIFY_M = 2.0
"""Tolerance of these outlines, in metres: half the points of those told in full."""
ROW_BYTES = 8
"""Identifier, answer, stage and area of one block, packed (6.1 measured on 13 000 blocks)."""
POINT_BYTES = 10
"""Its point: two numbers of five characters at most."""
AREA_MOST = 2**29 - 1
_NUMBERED = re.compile(r"(.*?)([0-9]{1,8})")


class Beyond(NamedTuple):
    """What the page holds of these blocks.

    Attributes
    ----------
    island : dict
        Columns read by the page's script: `id` (runs of `numbered`), `answer`, `stage`, `area`
        (ares), `shape` (outlines of the first ones), `points` (the others): see `compact.encode`.
    outlines, points, absent : int
        Blocks with an outline, with a point, and with nothing, the last by rank.
    """

    island: dict[str, Any]
    outlines: int
    points: int
    absent: int


def beyond(blocks: gpd.GeoDataFrame, start: list[int], room: int) -> Beyond:
    """Return what `room` bytes can show of blocks: outlines of the first, then points, then none.

    Parameters
    ----------
    blocks : GeoDataFrame
        Rows of `blocks` by rank, after those told in full.
    start : [int, int]
        The page's origin (`compact.origin`).
    room : int
        Bytes that the page still may weigh.
    """
    drawn = blocks.iloc[: max(room, 0) // (ROW_BYTES + POINT_BYTES)]
    spare = room - len(drawn) * (ROW_BYTES + POINT_BYTES)
    # an outline weighs at least 4 points of 2 characters, with its brackets and quotes
    tried = drawn.iloc[: max(spare, 0) // 8]
    shapes = compact.encode(tried.geometry.simplify(SIMPLIFY_M), start)
    weights = accumulate(_weight(shape) - POINT_BYTES for shape in shapes)
    outlines = sum(1 for weight in weights if weight <= spare)
    points = drawn.geometry.iloc[outlines:].representative_point()
    areas = drawn["area_ha"].fillna(drawn["area_measured_ha"]).fillna(0.0)
    island = {
        "id": numbered(drawn["block_id"]),
        "answer": compact.packed([CODES[words.answer_key(value)] for value in drawn["answer"]]),
        "stage": compact.packed([stage_index(stage) for stage in drawn["stage"]]),
        "area": compact.packed(np.minimum((areas * 100).round(), AREA_MOST)),
        "shape": shapes[:outlines],
        "points": compact.packed(compact.encode_points(points, start)),
    }
    return Beyond(island, outlines, len(points), len(blocks) - len(drawn))


def _weight(shape: compact.Rings) -> int:
    """Return the bytes of an outline as the page writes it: `[["…","…"],["…"]],`."""
    escaped = sum(ring.count("\\") for rings in shape for ring in rings)
    return escaped + 3 + sum(2 + 1 + sum(len(ring) + 3 for ring in rings) for rings in shape)


def numbered(ids: Iterable[str]) -> list[list[Any]]:
    """Return identifiers as runs: what comes before the number, its digits, steps between numbers.

    An identifier that ends with no number is a run of its own, with 0 digits.
    """
    parts = [(found[1], found[2]) if (found := _NUMBERED.fullmatch(name)) else (name, "")
             for name in ids]  # fmt: skip
    runs = []
    for (head, digits), run in groupby(parts, key=lambda part: (part[0], len(part[1]))):
        steps = np.diff([int(number or 0) for _, number in run], prepend=0)
        runs.append([head, digits, compact.packed(steps)])
    return runs


def sentence(told: int, whole: int, rest: Beyond, drawn: int, parcels: int) -> str:
    """Return what is drawn of what and where the rest is; "" where nothing is left out.

    Parameters
    ----------
    told, whole : int
        Blocks told in full, and blocks.
    rest : Beyond
    drawn, parcels : int
        Parcels drawn, and parcels.
    """
    said = w.map.limits
    parts = []
    if told < whole:
        parts.append(said.told.format(told=words.number(told), all=words.number(whole)))
        counts = ((said.outlines, rest.outlines), (said.dots, rest.points),
                  (said.absent, rest.absent))  # fmt: skip
        parts += [form(count) for form, count in counts if count]
        parts.append(said.filters)
    if drawn < parcels:
        parts.append(said.parcels.format(drawn=words.number(drawn), all=words.number(parcels)))
    return " ; ".join([*parts, said.where]) if parts else ""

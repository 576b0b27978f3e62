"""Parcel numbers of a plan: where they stand, and none written over another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from friches.view import words
from friches.view.paper import Label

if TYPE_CHECKING:
    from friches.view.paper import Paper

LABEL_MM = 5.0
"""A neighbour narrower than this on paper is drawn without its number."""
MOST_LABELS = 150
OWN_MM, OTHER_MM = 2.4, 1.9
"""Height of the numbers of the block's parcels and of their neighbours, as drawn."""
LETTER = 0.6
"""Width of a letter, as a share of its height (ASSUMPTION: sans-serif figures)."""


def labelled(  # noqa: PLR0913, PLR0917
    numbers: Any, outlines: Any, own: list[int], others: Any, clipped: Any, paper: Paper
) -> list[Label]:
    """Return the numbers of the block's parcels, and of the neighbours large enough for one.

    Parameters
    ----------
    numbers : array of object, shape (parcels, 3)
        Prefix, section and number of every parcel.
    outlines : array of object, shape (parcels,)
    own : list of int
        Places of the block's parcels.
    others : array of int, shape (n,)
        Places of their neighbours.
    clipped : array of object, shape (n,)
        What the frame shows of each neighbour.
    paper : Paper
    """
    narrow = shapely.bounds(clipped)
    room = np.minimum(narrow[:, 2] - narrow[:, 0], narrow[:, 3] - narrow[:, 1]) * paper.metre
    fits = np.flatnonzero(room >= LABEL_MM)
    fits = fits[np.argsort(-room[fits], kind="stable")][:MOST_LABELS]
    chosen = [*own, *others[fits].tolist()]
    shapes = [*outlines[own], *clipped[fits]]
    rows = numbers[chosen].tolist()
    sections = {(prefix, section) for prefix, section, _ in rows[: len(own)]}
    spots = shapely.point_on_surface(np.asarray(shapes, dtype=object))
    places = paper.at(shapely.get_coordinates(spots).reshape(-1, 2))
    kept = ~(shapely.is_empty(spots) | shapely.is_missing(spots))
    labels = []
    turn = iter(places.tolist())
    for rank, (prefix, section, number) in enumerate(rows):
        if not kept[rank]:
            continue
        x, y = next(turn)
        if words.missing(number):
            continue
        bare = str(number).lstrip("0") or "0"
        alone = sections == {(prefix, section)}
        text = bare if alone else f"{words.section(str(section))} {bare}"
        labels.append(Label(x, y, text, rank < len(own)))
    return _apart(labels)


def _apart(labels: list[Label]) -> list[Label]:
    """Return the labels that stand clear of those before them: none is written over another."""
    kept: list[Label] = []
    boxes: list[tuple[float, float, float, float]] = []
    for label in labels:
        size = OWN_MM if label.own else OTHER_MM
        half = len(label.text) * size * LETTER / 2
        box = (label.x - half, label.y - size / 2, label.x + half, label.y + size / 2)
        for left, low, right, high in boxes:
            if box[2] > left and box[0] < right and box[3] > low and box[1] < high:
                break
        else:
            kept.append(label)
            boxes.append(box)
    return kept

"""How answers, stages and places are drawn: never by colour alone."""

from __future__ import annotations

from typing import NamedTuple

from friches.view.lexicon import w


class Answer(NamedTuple):
    """How one of the three answers is said and drawn: never by colour alone.

    Attributes
    ----------
    word : str
        The word shown for the answer.
    colour : str
        Okabe-Ito hue (or grey), at least 3:1 on white and on the map's ground.
    dash : str
        SVG `stroke-dasharray` of the outline ("" = full line).
    hatch : str
        "solid" (filled), "lines" (45 degree hatching) or "none" (outline only).
    sentence : str
        What the answer means, for legends.
    """

    word: str
    colour: str
    dash: str
    hatch: str
    sentence: str


_LOOKS = {
    "yes": ("#D55E00", "", "solid"),
    "unknown": ("#0072B2", "7 4", "lines"),
    "no": ("#6B6B6B", "2 3", "none"),
}
ANSWERS = {
    key: Answer(w.answers[key].word, *look, w.answers[key].sentence) for key, look in _LOOKS.items()
}
GROUND = "#F7F6F2"
"""Colour of the map where nothing is drawn."""
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#AA4A80", "#4D4D4D")
"""Five hues kept apart by colour-blind readers, all at least 3:1 on `GROUND`; purple is darkened
from Okabe-Ito's #CC79A7, which falls to 2.8:1 there (computed in the tests)."""
PLACE_COLOURS = {"farm": "#00734F", "canteen": "#7A2E5E"}
"""Darkened Okabe-Ito green and purple, over 4.5:1 on the ground: small shapes need it."""

"""What the map says of each parcel, as columns: small for a page that may hold twenty thousand."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from friches.view import compact, inert, words
from friches.view.lexicon import w
from friches.view.popups import CAP, GAP_SHOWN

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from friches.result import Result

CODES = {"yes": 0, "unknown": 1, "no": 2}
NOTHING = 3
HEAD = 10
"""Characters of an identifier before the number: commune, prefix, section."""
PARTED = " ; "
"""Between the parts of a text: reasons, questions. Many parcels share a part, few a whole text."""


def columns(result: Result, shown: pd.DataFrame, order: dict[str, int]) -> dict[str, Any]:
    """Return the drawn parcels as columns: what the map colours by, and what a card says.

    Parameters
    ----------
    result : Result
        Already cut down by `audience.visible`.
    shown : GeoDataFrame
        The parcels drawn (`compact.drawn`).
    order : dict
        Place of each block on the page, by block id.

    Returns
    -------
    dict
        Numbers are `compact.packed`. `answer` (0 yes, 1 unknown, 2 no, 3 nothing to say), and,
        unless the audience is public:

        - `id`: runs [first ten characters, numbers] in the parcels' order;
        - `block`: place or -1;
        - `texts`: each text once; a list stands for the texts at its places, parted by « ; »;
        - `lines`: label, unit, values. With a unit (which may be "") the values are numbers plus
          one, 0 where unknown; with null they are places in `texts` (0 = nothing said).
    """
    if result.fallow.empty:
        return {"answer": compact.packed([NOTHING] * len(shown))}
    known = result.fallow.set_index("parcel_id").reindex(shown["parcel_id"])
    facts = result.facts.set_index("parcel_id").reindex(shown["parcel_id"])
    member = result.members.set_index("parcel_id")["block_id"].reindex(shown["parcel_id"])
    texts = _Texts()
    lines = _figures(known, facts) + [
        _line(label, None, [texts.place(text) for text in said])
        for label, said in _told(known, facts)
    ]
    answers = [
        NOTHING if gone else CODES[words.answer_key(value)]
        for value, gone in zip(known["answer"], withdrawn(known), strict=True)
    ]
    return {
        "answer": compact.packed(answers),
        "id": runs(shown["parcel_id"]),
        "block": compact.packed([order.get(block, -1) for block in member]),
        "texts": texts.kept,
        "lines": lines,
    }


def runs(ids: Iterable[str]) -> list[list[Any]]:
    """Return identifiers as runs: the first ten characters, then the numbers that follow."""
    return [
        [head, compact.packed([int(name[HEAD:]) for name in run])]
        for head, run in groupby(ids, key=lambda name: name[:HEAD])
    ]


class _Texts:
    """Texts, each written once; a text of several parts is a list of their places."""

    def __init__(self) -> None:
        self.kept: list[Any] = [""]
        self.places: dict[str, int] = {"": 0}

    def place(self, text: str) -> int:
        """Return the place of a text, kept on first sight."""
        if text not in self.places:
            parts = text.split(PARTED)
            kept = text if len(parts) == 1 else [self.place(part) for part in parts]
            self.places[text] = len(self.kept)
            self.kept.append(kept)
        return self.places[text]


def withdrawn(known: pd.DataFrame) -> pd.Series[bool]:
    """Return which rows of `fallow` are parcels left out at somebody's request."""
    import pandas as pd

    if "withdrawn" not in known:
        return pd.Series(data=False, index=known.index)
    asked: pd.Series[bool] = known["withdrawn"].fillna(value=False).astype(bool)
    return asked


def _line(label: str, unit: str | None, values: list[int]) -> dict[str, Any]:
    return {"label": label, "unit": unit, "values": compact.packed(values)}


def _figures(known: pd.DataFrame, facts: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        _line(label, unit, [0 if words.missing(value) else round(value) + 1 for value in values])
        for label, unit, values in (
            (w.popup.parcel_area, "m²", facts["area_registered_m2"]),
            (w.popup.area_measured, "m²", facts["area_m2"]),
            (w.popup.rank, "", known["rank"]),
        )
    ]


def _told(known: pd.DataFrame, facts: pd.DataFrame) -> list[tuple[str, list[str]]]:
    gap = (facts["area_registered_m2"] - facts["area_m2"]).abs() / facts["area_registered_m2"]
    lines = [
        (w.popup.gap, [words.percent(part) if part > GAP_SHOWN else "" for part in gap]),
        (w.popup.stage, [words.text(stage, "") for stage in known["stage"]]),
        (w.popup.known, [words.percent(share) for share in known["share_known"]]),
    ]
    if "owner_kind" in facts:
        kinds = [words.OWNER_KINDS.get(words.text(kind, ""), "") for kind in facts["owner_kind"]]
        lines.append((w.popup.owner, kinds))
    for column in ("reasons", "against", "to_ask"):
        said = [inert.clean(words.text(t, ""), CAP) for t in known[column]]
        lines.append((w.popup[column], said))
    return lines

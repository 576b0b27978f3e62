"""What a block's sheet says in short: one A4 recto-verso; the dossier has the whole.

Texts that could be long are cut at a word, with « … »: none is lost, the dossier has it.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from friches.view import inert, questions, words
from friches.view.evidence import SIDES
from friches.view.lexicon import w

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from friches.view.evidence import Entry
    from friches.view.questions import Question

RECTO, FEWER = 12, 6
"""Parcels of the état parcellaire on the recto: all of them up to 12; where there are more, six and
a larger plan, for a third page has to hold the others anyway."""
SETTLING = 10
"""Questions on a sheet: those that settle most."""
CROPS, NEAREST = 3, 2
"""Crops, farms and canteens on a sheet at most."""
PLAN_MM = (188.0, 150.0)
"""Widest and highest plan of a sheet."""
LOWEST_MM = 46.0
BESIDE_MM = 3.0
"""Room between the plan and an aerial photo beside it."""
LEFT_OVER_MM = 130.0
"""What the recto leaves to the plan and to the rows of the état parcellaire together."""
NOTE_MM = 5.0
LINE_MM, ROW_MM = 2.85, 0.75
"""Height of a line of the état parcellaire, and what a row adds to its lines."""
TITLE, ASKED, CLUE, RUN = 74, 80, 82, 168
"""Characters that fit on a line of the verso: a route, a question, a clue, a whole line."""
VERSO_MM = (2.72, 2.95, 2.62)
"""Height of a line of the routes, of the questions, of the mémoire."""
DENSE_MM = 214.0
"""Above this, lines of the verso are written smaller."""
COLUMNS = {"zone": 12, "owner": 17, "state": 25, "unused": 14, "against": 36, "asked": 11}
"""Characters that fit on a line of each column."""
CAPS = {"against": 60, "asked": 24, "owner": 32, "state": 46, "zone": 24, "unused": 28}
_FIGURES = re.compile(r"\s*\((?:[^()]|\([^()]*\))*seuil(?:[^()]|\([^()]*\))*\)")
_NUMBER = re.compile(r"(-?[\d\s\u202f\u00a0]*\d(?:,\d+)?)(\D*)")
_EVERYWHERE = re.compile(r"\s*—\s*(\d+) \w+\(s\) \w+ (\d+)")
"""How `friches.scenarios` counts the parcels that a condition closes: « — 3 parcelle(s) sur 4 »."""


class Clue(NamedTuple):
    """A rule that is met on a side: its title, what was found, on how many parcels."""

    title: str
    found: str
    needed: str
    parcels: int


class Side(NamedTuple):
    """One side of the mémoire in short: what is met, then what was looked for and not met.

    `met` and `unmet` hold one entry a rule; counts are of parcels.
    """

    met: list[Clue]
    unmet: list[Clue]


def cut(said: str, cap: int) -> str:
    """Return a text cut at a word, « … » at its end, where it is longer than `cap`."""
    said = inert.clean(said)
    if len(said) <= cap:
        return said
    return said[: cap - 1].rsplit(" ", 1)[0].rstrip(" ,;:(") + "…"


def rows(parcels: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Return the état parcellaire in short: reasons without their figures, three questions."""
    return [_row(row) for row in parcels]


def split(shown: list[dict[str, str]]) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Return the rows of the recto, and those of the third page."""
    kept = len(shown) if len(shown) <= RECTO else FEWER
    return shown[:kept], shown[kept:]


def _row(row: Mapping[str, Any]) -> dict[str, Any]:
    short = {
        "against": _FIGURES.sub("", row["against"]),
        "asked": _some(row["asked"].split(", "), 2),
        "state": f"{row['answer']}, {row['stage']}",
        "owner": row["owner"],
        "zone": row["zone"],
        "unused": row["unused"],
    }
    return dict(row) | {name: cut(said, CAPS[name]) for name, said in short.items()}


def _some(said: Sequence[str], most: int) -> str:
    rest = len(said) - most
    return ", ".join(said[:most]) + (f" + {rest}" if rest > 0 else "")


def plan_size(
    shown: Sequence[Mapping[str, Any]], *, beside: bool, noted: bool
) -> tuple[float, float]:
    """Return width and height (mm) of a sheet's plan: what the rows of parcels leave.

    Parameters
    ----------
    shown : sequence of dict
        The rows of the recto, from `rows`.
    beside : bool
        An aerial photo of the same size stands beside it.
    noted : bool
        A note stands above it.
    """
    lines = [
        max(2, *(math.ceil(len(row[name]) / wide) for name, wide in COLUMNS.items()))
        for row in shown
    ]
    left = LEFT_OVER_MM - LINE_MM * sum(lines) - ROW_MM * len(lines) - NOTE_MM * noted
    width = (PLAN_MM[0] - BESIDE_MM) / 2 if beside else PLAN_MM[0]
    return width, float(math.floor(min(max(left, LOWEST_MM), PLAN_MM[1], width * 1.1)))


def argued(sides: Mapping[str, Sequence[Entry]]) -> dict[str, Side]:
    """Return each side of the mémoire in short: one line a rule that is met, the others by name.

    Every row of the evidence is counted once, on its side, by the number of its parcels.
    """
    return {name: _side(sides[name]) for name in SIDES}


def _side(entries: Sequence[Entry]) -> Side:
    found: dict[tuple[bool, str], dict[str, int]] = {}
    needed: dict[tuple[bool, str], dict[str, None]] = {}
    for entry in entries:
        key = (bool(entry.met), entry.title)
        for finding in entry.findings:
            counts = found.setdefault(key, {})
            counts[finding.found] = counts.get(finding.found, 0) + len(finding.parcels)
        needed.setdefault(key, {})[entry.needed] = None
    clues = [
        (
            met,
            Clue(title, _range(list(said)), _needed(needed[met, title], said), sum(said.values())),
        )
        for (met, title), said in found.items()
    ]
    return Side([c for met, c in clues if met], [c for met, c in clues if not met])


def _needed(needed: Mapping[str, None], found: Mapping[str, int]) -> str:
    """Return the threshold, "" where what was found is the very word that is needed."""
    return "" if set(needed) == set(found) else w.sheet.argued.either.join(filter(None, needed))


def _range(found: list[str]) -> str:
    """Return « de 0,12 à 0,96 » for numbers of one unit, else the first two findings."""
    if len(found) < 3:
        return " ; ".join(found)
    read = [_NUMBER.fullmatch(said) for said in found]
    if all(read) and len({one[2] for one in read if one}) == 1:
        ends = sorted((one for one in read if one), key=lambda one: _value(one[1]))
        return str(w.sheet.argued.between.format(low=ends[0][1], high=ends[-1][0]))
    return " ; ".join(found[:2]) + " ; …"


def _value(said: str) -> float:
    return float(re.sub(r"\s", "", said).replace(",", "."))


def routes(found: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return every route on a line: state, what closes it or is missing, dates."""
    return [
        {
            "instrument": route["instrument"],
            "title": route["title"],
            "answer": route["answer"],
            "said": _said(route),
            "dates": _dates(route),
        }
        for route in found
    ]


def _said(route: Mapping[str, Any], cap: int = 52) -> str:
    """Return what closes a route, or the questions that may close it, those of its own first."""
    state = words.answer_key(route["answer"])
    if state == "no":
        return cut(_EVERYWHERE.sub(_share, route["closed"]), cap)
    if not route["mine"]:
        return ""
    title = route["title"]
    order = sorted(
        route["mine"],
        key=lambda q: (title not in q.closes, len(q.closes) if title in q.closes else 0, q.number),
    )
    first = order[0]
    whom = cut(first.whom.split(",")[0], 21)
    rest = f" + {len(order) - 1}" if order[1:] else ""
    return f"Q{first.number} {_label(first, cap - 8 - len(whom) - len(rest))} ({whom}){rest}"


def _label(question: Question, cap: int) -> str:
    said = questions.label_of().get(question.text, question.text)
    return cut(said[0].lower() + said[1:] if said[1:2].islower() else said, cap)


def _share(found: re.Match[str]) -> str:
    if found[1] == found[2]:
        return ""
    return str(w.sheet.routes.share.format(closed=found[1], parcels=found[2]))


def _dates(route: Mapping[str, Any]) -> str:
    """Return « 05/2027 – 01/2028 – 09/2028 »: when the land is free, low, central, high."""
    if words.answer_key(route["answer"]) == "no":
        return words.DASH
    days = [route[f"land_on{end}"] for end in ("_low", "", "_high")]
    if all(words.missing(day) for day in days):
        return words.NO_DATE
    return " – ".join("?" if words.missing(day) else f"{day:%m/%Y}" for day in days)


def is_dense(
    lines: Sequence[Mapping[str, Any]], asked: Sequence[Question], told: Mapping[str, Side]
) -> bool:
    """Return whether the verso needs its smaller letters to hold on a page."""
    high = sum(math.ceil(len(line["title"]) / TITLE) for line in lines) * VERSO_MM[0]
    high += sum(math.ceil(min(len(q.text), 130) / ASKED) for q in asked) * VERSO_MM[1]
    met = [
        sum(math.ceil((len(c.title) + len(c.found) + len(c.needed) + 16) / CLUE) for c in side.met)
        for side in (told["for"], told["against"])
    ]
    named = sum(
        math.ceil((60 + sum(len(c.title) + 7 for c in clues)) / RUN)
        for clues in (
            told["for"].unmet, told["against"].unmet, told["unknown"].met + told["unknown"].unmet
        )
    )  # fmt: skip
    return high + (max(met) + named) * VERSO_MM[2] > DENSE_MM

"""Which routes are open to each block: rulings of its parcels counted, what closes, what to ask."""

from __future__ import annotations

from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from friches.facts import DTYPES, dictionary
from friches.grammar import builds_on
from friches.phrases import Texts, coded, distinct, stacked
from friches.scenarios.legs import Leg, Lists, Phrasebook, by_document, gates_asked, leg_of
from friches.scenarios.rule import rule

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from friches.judge import Document
    from friches.scenarios.legs import Rulings
    from friches.scenarios.placed import Placed
    from friches.scenarios.setting import Setting

    Codes = NDArray[np.int64]
    Mask = NDArray[np.bool_]

KEY = ["block_id", "instrument"]
PARTLY = "voie fermée pour une partie de l'îlot : "


class Verdict(NamedTuple):
    """What a route says of each parcel: closed to it, open; by its needed legs together."""

    yes: Mask
    no: Mask
    unknown: Mask
    legs: list[Leg]


def openings(
    placed: Placed, rulings: Rulings, facts: pd.DataFrame, day: dt.date, here: Setting
) -> pd.DataFrame:
    """Count the verdicts of each block's parcels for each route.

    A parcel is open to a route when it is to all its needed legs, closed when it is to one.

    Returns
    -------
    DataFrame
        One row a block and route, block after block, routes as `here` has them: answer (all yes:
        yes; all no: no; else unknown), n_yes, n_no, n_unknown (a parcel without ruling is unknown),
        why_closed, to_ask (questions of the gates too, unless the route is closed).
    """
    book = Phrasebook(here)
    legs = _legs(placed, rulings, facts, day, here, book)
    total = placed.sizes
    crossing = [name for name in here.gates if name in here.advice["gate"]]
    gates = _by_block(placed, [gates_asked(crossing, rulings, book)])
    counts, texts = [], []
    for name in here.routes:
        said = _verdict(legs[name], rulings.parcels)
        n_yes, n_no = placed.number(said.yes), placed.number(said.no)
        counts.append((n_yes, n_no))
        open_, shut = n_yes == total, n_no == total
        by_leg = [_only(leg.closing, said.no & leg.no) for leg in said.legs]
        closing = _by_block(placed, by_leg)
        by_leg = [_only(leg.asked, said.unknown & ~leg.yes & ~leg.no) for leg in said.legs]
        asked = _by_block(placed, by_leg)
        texts.append(
            (
                _why(closing, total, (n_no > 0) & ~open_ & ~shut, book),
                _ask(asked, gates, shut, book),
            )
        )
    return _table(counts, texts, total)


def _table(
    counts: list[tuple[Codes, Codes]], texts: list[tuple[Texts, Texts]], total: Codes
) -> pd.DataFrame:
    n_yes, n_no = (np.column_stack([one[n] for one in counts]) for n in (0, 1))
    whole = total[:, None]
    answer = pd.arrays.BooleanArray(
        ((n_yes == whole) & (n_no != whole)).ravel(), ((n_yes != whole) & (n_no != whole)).ravel()
    )
    told = {
        "answer": answer,
        "n_yes": n_yes.ravel(),
        "n_no": n_no.ravel(),
        "n_unknown": (whole - n_yes - n_no).ravel(),
    }
    return pd.DataFrame(
        told
        | {
            column: coded(stacked([one[n] for one in texts], len(total)))
            for n, column in enumerate(("why_closed", "to_ask"))
        }
    )


def _legs(  # noqa: PLR0913, PLR0917 -- what a leg is read with
    placed: Placed,
    rulings: Rulings,
    facts: pd.DataFrame,
    day: dt.date,
    here: Setting,
    book: Phrasebook,
) -> dict[str, list[Leg]]:
    """Return the needed legs of every route, read with the facts that each supposes."""
    read: dict[str, Leg | None] = {}
    found: dict[str, list[Leg]] = {}
    known = facts[facts["parcel_id"].isin(placed.parcels)]
    for name, route in here.routes.items():
        found[name] = []
        for leg in route.leg:
            if not leg.needed:
                continue
            said = f"{leg.instrument} {sorted(leg.supposes.items())}"
            if said not in read:
                source = rulings
                if leg.supposes:
                    documents = _with_those_read(leg.instrument, here)
                    again = rule(_supposed(known, leg.supposes), day, documents)
                    source = by_document(again, placed.parcels)
                read[said] = leg_of(leg.instrument, source, day, here, book)
            one = read[said]
            found[name] += [one] if one else []
    return found


def _with_those_read(name: str, here: Setting) -> dict[str, Document]:
    """Return a document and all those whose verdicts it builds on, however far."""
    found = {name: here.documents[name]}
    for other in builds_on(found[name]):
        found |= _with_those_read(other, here)
    return found


def _supposed(rows: pd.DataFrame, supposes: dict[str, bool | int | str]) -> pd.DataFrame:
    for name, value in supposes.items():
        fact = dictionary()[name]
        column = pd.Series([value] * len(rows), index=rows.index, dtype=DTYPES[fact.kind])
        ends = ("_low", "_high") if fact.bounded else ("",)
        rows = rows.assign(**{f"{name}{end}": column for end in ends})
    return rows


def _verdict(legs: list[Leg], parcels: int) -> Verdict:
    """Return the verdict of each parcel for a route: that of all its needed legs together."""
    known, no = np.zeros(parcels, dtype=bool), np.zeros(parcels, dtype=bool)
    yes = np.ones(parcels, dtype=bool)
    for leg in legs:
        known |= leg.known
        yes &= leg.yes | ~leg.known
        no |= leg.no
    yes &= known
    return Verdict(yes, no, known & ~yes & ~no, legs)


def _only(lists: Lists, parcels: Mask) -> Lists:
    """Return the lists of the parcels marked; empty ones for the others."""
    return Lists(np.where(parcels, lists.codes, len(lists.lists)), [*lists.lists, ()])


class _Said(NamedTuple):
    """Equal sequences of lists share a number; -1 where a block says nothing."""

    codes: Codes
    lists: list[tuple[tuple[int, ...], ...]]


def _by_block(placed: Placed, by_leg: list[Lists]) -> _Said:
    """Return what each block says: for each leg in turn, the list of each of its parcels."""
    told = np.full(len(placed.starts) - 1, -1, dtype=np.int64)
    case, first = distinct([part.codes for part in by_leg], len(placed.parcels))
    of_case = [[part.lists[part.codes[at]] for part in by_leg] for at in first]
    speaks = np.array([any(lists) for lists in of_case], dtype=bool)[case]
    cases = case[placed.parcel].tolist()
    met: dict[tuple[int, ...], int] = {}
    for block in np.flatnonzero(placed.number(speaks)).tolist():
        key = tuple(cases[placed.starts[block] : placed.starts[block + 1]])
        told[block] = met.setdefault(key, len(met))
    legs = range(len(by_leg))
    return _Said(told, [tuple(of_case[case][n] for n in legs for case in key) for key in met])


def _why(said: _Said, total: Codes, partly: Mask, book: Phrasebook) -> Texts:
    """Say what closes a route: each sentence once, and for how many parcels where there are more.

    `partly`: the route stays open to some parcels.
    """

    def text(code: int, parcels: int, some: int) -> str:
        count = Counter(chain.from_iterable(said.lists[code]))
        share = " — {} parcelle(s) sur {}" if parcels > 1 else ""
        heads = [book.heads[one] + share.format(n, parcels) for one, n in count.items()]
        return (PARTLY if some else "") + " ; ".join(dict.fromkeys(heads))

    return _written([said.codes, total, partly.astype(np.int64)], said.codes >= 0, text)


def _ask(asked: _Said, gates: _Said, shut: Mask, book: Phrasebook) -> Texts:
    """Say what a route that is not closed still asks, then what the gates that cross it ask."""
    questions = list(book.asked)

    def text(own: int, crossing: int) -> str:
        said = [*(asked.lists[own] if own >= 0 else ())]
        said += gates.lists[crossing] if crossing >= 0 else ()
        met = {id(listed): listed for listed in said}  # parcels that ask the same share their list
        return " ; ".join([questions[one] for one in dict.fromkeys(chain(*met.values()))])

    some = ((asked.codes >= 0) | (gates.codes >= 0)) & ~shut
    return _written([asked.codes, gates.codes], some, text)


def _written(columns: Iterable[Codes], rows: Mask, text: Callable[..., str]) -> Texts:
    """Return `text(code, …)` of the rows marked, called once for each distinct row of codes."""
    at = np.flatnonzero(rows)
    kept = [column[at] for column in columns]
    case, first = distinct(kept, len(at))
    codes = np.full(len(rows), -1, dtype=np.int32)
    codes[at] = case
    return Texts(codes, [text(*(int(column[row]) for column in kept)) for row in first])

"""The questions of each block, those that settle most first.

A question counts for each verdict that waits for it: whether a parcel is fallow (worth all the
routes that are not closed, for none starts without it), and whether a route is open to a parcel.
It counts for the whole verdict where one unfavourable answer settles it (a condition of its own,
a bar, an exclusion), else for an equal share with the other questions asked. Verdicts weigh the
hectares of their parcel. Equal scores: the routes that wait, then the text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from friches.errors import InputError
from friches.judge import version_on
from friches.scenarios.rule import law
from friches.view import questions, rows, words
from friches.view.questions import Question

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping

    from friches.result import Result

Pair = tuple[str, str]
Places = dict[str, dict[Pair, set[str]]]
"""Block -> question -> the parcels that the law asks it about."""
Closing = dict[tuple[str, str], dict[Pair, set[str]]]
"""Block and route -> question -> the parcels to which one answer closes the route."""


class _Case(NamedTuple):
    """A block as the ranking reads it: its parcels' areas, its routes, what parcels ask."""

    block_id: str
    areas: Mapping[str, float]
    whole: float
    n_parcels: int
    routes: list[dict[str, Any]]
    asked: list[tuple[str, list[Pair], bool]]
    of_block: list[Pair]


class _Tally:
    """What is known of one question while verdicts are counted."""

    def __init__(self) -> None:
        self.score = 0.0
        self.parcels: dict[str, None] = {}
        self.routes: dict[str, None] = {}
        self.closes: dict[str, None] = {}


def ranked(result: Result) -> dict[str, list[Question]]:
    """Return the questions of each block, numbered from the one that settles most.

    Parameters
    ----------
    result : Result
        Already cut down by `audience.visible`: without rulings (public) every question of a route
        counts for an equal share.

    Returns
    -------
    dict
        Block id -> its questions, each once.
    """
    asked, closing = _places(result)
    excluding = _excluding(result.evidence)
    return {
        case.block_id: _ranked(case, asked.get(case.block_id, {}), closing, excluding)
        for case in _cases(result)
    }


def _cases(result: Result) -> Iterable[_Case]:
    columns = ["parcel_id", "area_registered_m2", "area_m2"]
    facts = result.facts.reindex(columns=columns)
    known = result.members.merge(facts, on="parcel_id", how="left")
    known = known.merge(result.fallow[["parcel_id", "answer", "to_ask"]], on="parcel_id")
    counted = known["area_registered_m2"].fillna(known["area_m2"]).astype("Float64") / 10_000
    known["ha"] = counted.fillna(0.0).astype(float)
    known = known[["block_id", "parcel_id", "ha", "answer", "to_ask"]].sort_values("parcel_id")
    parcels = rows.records_of(known, "block_id")
    ordered = result.routes.sort_values(["block_id", "order", "instrument"])
    open_ = ordered.loc[
        ordered["answer"].fillna(value=True).astype(bool),
        ["block_id", "instrument", "title", "to_ask"],
    ]
    routes = rows.records_of(open_, "block_id")
    for block in result.blocks.drop(columns="geometry").to_dict("records"):
        name = str(block["block_id"])
        mine = parcels.get(name, [])
        # One question may be asked of parcels that are settled already: it counts for nothing.
        yield _Case(
            name,
            {row["parcel_id"]: row["ha"] for row in mine},
            0.0 if words.missing(block["area_ha"]) else float(block["area_ha"]),
            int(block["n_parcels"]),
            routes.get(name, []),
            [
                (
                    row["parcel_id"],
                    questions.split(row["to_ask"]),
                    words.answer_key(row["answer"]) == "unknown",
                )
                for row in mine
            ],
            [] if mine else questions.split(block["to_ask"]),
        )


def _ranked(
    case: _Case,
    asked: Mapping[Pair, set[str]],
    closing: Closing,
    excluding: Mapping[str, set[Pair]],
) -> list[Question]:
    tallies: dict[Pair, _Tally] = {}
    _count_parcels(case, tallies, excluding)
    _count_routes(case, tallies, asked, closing)
    order = sorted(
        tallies, key=lambda pair: (-round(tallies[pair].score, 9), -len(tallies[pair].routes), pair)
    )
    return [
        _question(number, pair, tallies[pair], case, asked) for number, pair in enumerate(order, 1)
    ]


def _count_parcels(
    case: _Case, tallies: dict[Pair, _Tally], excluding: Mapping[str, set[Pair]]
) -> None:
    worth = max(len(case.routes), 1)
    for parcel, pairs, waits in case.asked:
        for pair in pairs:
            tally = _tally(tallies, pair)
            tally.parcels[parcel] = None
            if waits:
                alone = pair in excluding.get(parcel, ())
                tally.score += case.areas[parcel] * worth * (1 if alone else 1 / len(pairs))
    for pair in case.of_block:
        _tally(tallies, pair).score += case.whole * worth / len(case.of_block)


def _count_routes(
    case: _Case,
    tallies: dict[Pair, _Tally],
    asked: Mapping[Pair, set[str]],
    closing: Closing,
) -> None:
    areas: dict[Pair, float] = {}
    for route in case.routes:
        title = route["title"]
        pairs = questions.split(route["to_ask"])
        closed = closing.get((case.block_id, route["instrument"]), {})
        for pair in pairs:
            tally = _tally(tallies, pair)
            tally.routes[title] = None
            shut = closed.get(pair)
            whole = 0.0
            if shut:
                tally.closes[title] = None
                whole = _sum(case, shut)
            area = areas.get(pair)
            if area is None:
                there = asked.get(pair)
                area = areas[pair] = case.whole if there is None else _sum(case, there)
            tally.score += whole + max(area - whole, 0.0) / len(pairs)


def _tally(tallies: dict[Pair, _Tally], pair: Pair) -> _Tally:
    found = tallies.get(pair)
    if found is None:
        found = tallies[pair] = _Tally()
    return found


def _sum(case: _Case, parcels: set[str]) -> float:
    return sum(case.areas[parcel] for parcel in sorted(parcels))


def _question(
    number: int, pair: Pair, tally: _Tally, case: _Case, asked: Mapping[Pair, set[str]]
) -> Question:
    there = asked.get(pair, set()) | set(tally.parcels)
    return Question(
        number,
        pair[0],
        pair[1] or words.NOBODY,
        tuple(tally.parcels),
        tuple(tally.routes),
        tuple(tally.closes),
        len(there) or case.n_parcels,
        _sum(case, there) if there else case.whole,
    )


def _places(result: Result) -> tuple[Places, Closing]:
    """Return on which parcels each question is asked by the law, and where it closes a route."""
    columns = ["parcel_id", "instrument", "condition", "question", "whom"]
    rulings = result.rulings
    asking = rulings.loc[rulings["answer"].isna() & rulings["question"].notna(), columns]
    homes: dict[str, list[str]] = {}
    for parcel, block in _distinct(result.members[["parcel_id", "block_id"]]):
        homes.setdefault(parcel, []).append(block)
    asked: Places = {}
    for parcel, said, whom in _distinct(asking[["parcel_id", "question", "whom"]]):
        pairs = questions.singles(said, whom)
        for block in homes.get(parcel, ()):
            for pair in pairs:
                asked.setdefault(block, {}).setdefault(pair, set()).add(parcel)
    return asked, _closing(result, asking, homes)


def _closing(result: Result, asking: pd.DataFrame, homes: Mapping[str, list[str]]) -> Closing:
    day = result.study.study.day
    own = {(name, one) for name in asking["instrument"].unique() for one in _own(str(name), day)}
    named = pd.MultiIndex.from_frame(asking[["instrument", "condition"]].astype("str"))
    alone = asking[named.isin(list(own))] if own else asking.iloc[:0]
    legs = _legs(result.routes)
    routes: dict[tuple[str, str], list[str]] = {}
    for block, route, instrument in _distinct(legs):
        routes.setdefault((block, instrument), []).append(route)
    shut = _shut(result, legs)
    found: Closing = {}
    for parcel, instrument, said, whom in _distinct(
        alone[["parcel_id", "instrument", "question", "whom"]]
    ):
        pairs = questions.singles(said, whom)
        if len(pairs) > 1:
            continue
        for block in homes.get(parcel, ()):
            for route in routes.get((block, instrument), ()):
                if (route, parcel) not in shut:
                    found.setdefault((block, route), {}).setdefault(pairs[0], set()).add(parcel)
    return found


def _distinct(table: pd.DataFrame) -> Iterable[tuple[Any, ...]]:
    """Return the distinct rows of a table of texts, each once."""
    kept = table.drop_duplicates()
    return zip(*(kept[name].to_numpy(dtype=object) for name in kept.columns), strict=True)


def _own(instrument: str, day: dt.date) -> set[str]:
    """Return the conditions and bars that one answer is enough to close an instrument by."""
    document = law().get(instrument)
    if document is None:
        return set()
    try:
        version = version_on(document, day)
    except InputError:
        return set()
    return {c.id for c in version.condition} | {c.id for c in version.bar}


def _legs(routes: pd.DataFrame) -> pd.DataFrame:
    """Return the instruments that each route of each block joins (its own name where alone)."""
    left = routes[routes["answer"].fillna(value=True).astype(bool)]
    alone = left["instrument"].astype("str")
    joined = left["instruments"].astype("str").fillna(alone) if "instruments" in left else alone
    legs = pd.DataFrame(
        {
            "block_id": left["block_id"].astype("str"),
            "route": alone,
            "instrument": joined.str.split(" ; "),
        }
    )
    return legs.explode("instrument", ignore_index=True).astype({"instrument": "str"})


def _shut(result: Result, legs: pd.DataFrame) -> set[tuple[str, str]]:
    """Return the (route, parcel) pairs that one leg closes already."""
    rulings = result.rulings
    no = rulings.loc[
        (rulings["condition"] == "verdict") & rulings["answer"].eq(False).fillna(value=False),
        ["parcel_id", "instrument"],
    ]
    closed = no.astype("str").merge(
        legs[["route", "instrument"]].drop_duplicates(), on="instrument"
    )
    return set(zip(closed["route"], closed["parcel_id"], strict=True))


def _excluding(evidence: pd.DataFrame) -> dict[str, set[Pair]]:
    """Return the questions by which one answer excludes a parcel, by parcel."""
    kept = evidence[
        evidence["answer"].isna() & evidence["question"].notna() & evidence["role"].eq("excludes")
    ]
    found: dict[str, set[Pair]] = {}
    for parcel, said, whom in _distinct(kept[["parcel_id", "question", "whom"]]):
        found.setdefault(str(parcel), set()).add((str(said), words.text(whom, "")))
    return found

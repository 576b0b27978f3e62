"""The questions of each block, those that settle most first.

A question counts for each verdict that waits for it: whether a parcel is fallow (worth all the
routes that are not closed, for none starts without it), and whether a route is open to a parcel.
It counts for the whole verdict where one unfavourable answer settles it (a condition of its own,
a bar, an exclusion), else for an equal share with the other questions asked. Verdicts weigh the
hectares of their parcel. Equal scores: the routes that wait, then the text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, cast

import pandas as pd

from friches.errors import InputError
from friches.judge import version_on
from friches.scenarios.rule import law
from friches.view import questions, words
from friches.view.questions import Question

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping

    from friches.result import Result

Pair = tuple[str, str]
Places = dict[tuple[str, Pair], set[str]]


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
    return {case.block_id: _ranked(case, asked, closing, excluding) for case in _cases(result)}


def _cases(result: Result) -> Iterable[_Case]:
    columns = ["parcel_id", "area_registered_m2", "area_m2"]
    facts = result.facts.reindex(columns=columns)
    known = result.members.merge(facts, on="parcel_id", how="left")
    known = known.merge(result.fallow[["parcel_id", "answer", "to_ask"]], on="parcel_id")
    known["ha"] = known["area_registered_m2"].fillna(known["area_m2"]).astype("Float64") / 10_000
    parcels = dict(iter(known.sort_values("parcel_id").groupby("block_id")))
    ordered = result.routes.sort_values(["block_id", "order", "instrument"])
    open_ = ordered.loc[
        ordered["answer"].fillna(value=True).astype(bool),
        ["block_id", "instrument", "title", "to_ask"],
    ]
    routes = dict(iter(open_.groupby("block_id", sort=False)))
    for block in result.blocks.drop(columns="geometry").to_dict("records"):
        name = str(block["block_id"])
        mine = parcels.get(name, known.iloc[:0])
        # One question may be asked of parcels that are settled already: it counts for nothing.
        yield _Case(
            name,
            {
                pid: float(ha)
                for pid, ha in zip(mine["parcel_id"], mine["ha"].fillna(0.0), strict=True)
            },
            0.0 if words.missing(block["area_ha"]) else float(block["area_ha"]),
            int(block["n_parcels"]),
            cast("list[dict[str, Any]]", routes[name].to_dict("records")) if name in routes else [],
            [
                (pid, questions.split(said), words.answer_key(answer) == "unknown")
                for pid, said, answer in zip(
                    mine["parcel_id"], mine["to_ask"], mine["answer"], strict=True
                )
            ],
            [] if len(mine) else questions.split(block["to_ask"]),
        )


def _ranked(
    case: _Case,
    asked: Places,
    closing: Mapping[tuple[str, str, Pair], set[str]],
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
            tally = tallies.setdefault(pair, _Tally())
            tally.parcels[parcel] = None
            if waits:
                alone = pair in excluding.get(parcel, ())
                tally.score += case.areas[parcel] * worth * (1 if alone else 1 / len(pairs))
    for pair in case.of_block:
        tallies.setdefault(pair, _Tally()).score += case.whole * worth / len(case.of_block)


def _count_routes(
    case: _Case,
    tallies: dict[Pair, _Tally],
    asked: Places,
    closing: Mapping[tuple[str, str, Pair], set[str]],
) -> None:
    for route in case.routes:
        pairs = questions.split(route["to_ask"])
        for pair in pairs:
            tally = tallies.setdefault(pair, _Tally())
            tally.routes[route["title"]] = None
            shut = closing.get((case.block_id, route["instrument"], pair), set())
            if shut:
                tally.closes[route["title"]] = None
            whole = sum(case.areas[parcel] for parcel in sorted(shut))
            left = _area(case, asked, pair) - whole
            tally.score += whole + max(left, 0.0) / len(pairs)


def _area(case: _Case, asked: Places, pair: Pair) -> float:
    there = asked.get((case.block_id, pair))
    return case.whole if there is None else sum(case.areas[parcel] for parcel in sorted(there))


def _question(number: int, pair: Pair, tally: _Tally, case: _Case, asked: Places) -> Question:
    there = asked.get((case.block_id, pair), set()) | set(tally.parcels)
    return Question(
        number,
        pair[0],
        pair[1] or words.NOBODY,
        tuple(tally.parcels),
        tuple(tally.routes),
        tuple(tally.closes),
        len(there) or case.n_parcels,
        sum(case.areas[parcel] for parcel in sorted(there)) if there else case.whole,
    )


def _places(result: Result) -> tuple[Places, dict[tuple[str, str, Pair], set[str]]]:
    """Return on which parcels each question is asked by the law, and where it closes a route."""
    columns = ["parcel_id", "instrument", "condition", "question", "whom"]
    rulings = result.rulings
    rows = rulings.loc[rulings["answer"].isna() & rulings["question"].notna(), columns]
    rows = rows.astype("str").merge(result.members[["parcel_id", "block_id"]], on="parcel_id")
    asked: Places = {}
    for block, parcel, said, whom in (
        rows[["block_id", "parcel_id", "question", "whom"]]
        .drop_duplicates()
        .itertuples(index=False, name=None)
    ):
        for pair in questions.singles(said, whom):
            asked.setdefault((block, pair), set()).add(parcel)
    return asked, _closing(result, rows)


def _closing(result: Result, rows: pd.DataFrame) -> dict[tuple[str, str, Pair], set[str]]:
    day = result.study.study.day
    own = {name: _own(name, day) for name in sorted(rows["instrument"].unique())}
    alone = [
        condition in own[name]
        for name, condition in zip(rows["instrument"], rows["condition"], strict=True)
    ]
    legs = _legs(result.routes)
    kept = rows[pd.array(alone, dtype="bool")].merge(legs, on=["block_id", "instrument"])
    shut = _shut(result, legs)
    found: dict[tuple[str, str, Pair], set[str]] = {}
    for block, route, parcel, said, whom in (
        kept[["block_id", "route", "parcel_id", "question", "whom"]]
        .drop_duplicates()
        .itertuples(index=False, name=None)
    ):
        pairs = questions.singles(said, whom)
        if len(pairs) == 1 and (route, parcel) not in shut:
            found.setdefault((block, route, pairs[0]), set()).add(parcel)
    return found


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
    rows = evidence[
        evidence["answer"].isna() & evidence["question"].notna() & evidence["role"].eq("excludes")
    ]
    found: dict[str, set[Pair]] = {}
    for parcel, said, whom in zip(rows["parcel_id"], rows["question"], rows["whom"], strict=True):
        found.setdefault(str(parcel), set()).add((str(said), words.text(whom, "")))
    return found

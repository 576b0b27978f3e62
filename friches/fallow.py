"""Is it fallow? What every rule says of every parcel, and what that amounts to.

`gather` reads friches/rules/*.toml on the facts; `conclude` counts the answers and reads
_fallow.toml, _not_fallow.toml and _stage.toml on the counts. No threshold stands here.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from friches import tables
from friches.judge import read_document, read_facts, read_folder, readings, version_on
from friches.kleene import Truth, negated
from friches.parts import joined
from friches.phrases import Texts, coded, picked, plain, same, stacked, write

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from friches.judge import Document, Fact, Version

FOLDER = Path(__file__).parent
AT_ONCE = 50_000
"""Parcels judged at once: bounds the memory, and changes no answer."""
FORMER = "former_farming"
COLUMNS = ("found", "needed", "text", "source", "question", "whom")


@cache
def facts_read() -> dict[str, Fact]:
    """Return the facts that rules may name: those measured, and those counted from the evidence."""
    return read_facts(FOLDER / "facts.toml") | read_facts(FOLDER / "rules" / "_facts.toml")


@cache
def rules() -> dict[str, Document]:
    """Return the detection rules, by name (the stem of their file)."""
    return read_folder(FOLDER / "rules", facts_read())


@cache
def conclusion(name: str) -> Document:
    """Return a document read on the evidence: « fallow », « not_fallow » or « stage »."""
    return read_document(FOLDER / "rules" / f"_{name}.toml", facts_read())


def gather(facts: pd.DataFrame, day: dt.date) -> pd.DataFrame:
    """Judge every parcel by every detection rule.

    Parameters
    ----------
    facts : DataFrame
        Table `facts`.
    day : date
        The rules as they stand on this day.

    Returns
    -------
    DataFrame
        Table `evidence`: one row a parcel and rule, sorted, with what the deciding condition found
        and needed (the first met for a yes, failed for a no, open for an unknown).

    Raises
    ------
    InputError
        When the day is before the first version of a rule.
    """
    table = facts.sort_values("parcel_id", ignore_index=True)
    parts = [_gathered(table[n : n + AT_ONCE], day) for n in range(0, max(len(table), 1), AT_ONCE)]
    return tables.check(joined(parts), "evidence")


def _gathered(facts: pd.DataFrame, day: dt.date) -> pd.DataFrame:
    table = facts.set_index("parcel_id")
    parts = [_decided(table, version_on(rule, day)) for rule in rules().values()]

    def each(values: Iterable[str | None]) -> Any:
        return coded(stacked([same(value or "", len(table)) for value in values], len(table)))

    columns: dict[str, Any] = {
        "parcel_id": pd.Categorical.from_codes(
            np.arange(len(table), dtype=np.int32).repeat(len(parts)),
            categories=table.index.rename(None),
        ),
        "rule": each(rules()),
        "role": each(rule.role for rule in rules().values()),
        "answer": pd.arrays.BooleanArray(
            np.column_stack([part.truth.yes for part in parts]).ravel(),
            np.column_stack([part.truth.unknown for part in parts]).ravel(),
        ),
    }
    for column in COLUMNS:
        columns[column] = coded(stacked([part.texts[column] for part in parts], len(table)))
    return pd.DataFrame(columns)


class _Part(NamedTuple):
    truth: Truth
    texts: dict[str, Texts]


def _decided(table: pd.DataFrame, version: Version) -> _Part:
    """Judge by one rule, with the texts of the condition that decides."""
    read = {row.name: row for row in readings(table, version, facts_read())}
    verdict = read["verdict"].truth
    speaks = [(read[c.id], _agree(read[c.id].truth, verdict)) for c in version.condition]
    for way in version.way:  # a condition of a way speaks where it decides the way
        whole = read[way.id].truth
        speaks += [(read[c.id], _agree(read[c.id].truth, whole, verdict)) for c in way.condition]
    speaks += [(read[bar.id], _agree(negated(read[bar.id].truth), verdict)) for bar in version.bar]
    deciding = np.column_stack([agrees for _, agrees in speaks]).argmax(axis=1)
    told = [row.tell() for row, _ in speaks]
    texts = {column: picked([words[column] for words in told], deciding) for column in COLUMNS}
    for column in ("question", "whom"):  # only what is unknown asks
        texts[column].codes[~verdict.unknown] = -1
    return _Part(verdict, texts)


def _agree(*truths: Truth) -> NDArray[np.bool_]:
    sides = zip(*((truth.yes, truth.no, truth.unknown) for truth in truths), strict=True)
    same_side = [np.logical_and.reduce(side) for side in sides]
    return np.asarray(np.logical_or.reduce(same_side))


def conclude(facts: pd.DataFrame, evidence: pd.DataFrame) -> pd.DataFrame:
    """Conclude for every parcel: fallow or not, at what stage, how sure, what to ask whom.

    Parameters
    ----------
    facts : DataFrame
        Table `facts`.
    evidence : DataFrame
        Table `evidence`, as gathered from these facts. A rule without its row is unknown.

    Returns
    -------
    DataFrame
        Table `fallow`, sorted by parcel_id. Yes and no as `rules/_fallow.toml` and
        `rules/_not_fallow.toml` say, missing otherwise; every parcel has a rank: by answer, then
        weight for less weight against, share known, area, and identifier.
    """
    table = facts.set_index("parcel_id").sort_index()
    answers, rows = _answered(table.index, evidence)
    counts = _counted(answers, table.index)
    yes, no = (_concluded(counts, name).yes for name in ("fallow", "not_fallow"))
    weights = np.array([_weight(rule) for rule in rules().values()])
    known = ((answers >= 0) * weights).sum(axis=1) / weights.sum()
    score = (counts["support_weight"] - counts["weaken_weight"]).to_numpy(dtype=np.float64)
    area = table["area_registered_m2"].fillna(table["area_m2"]).to_numpy(dtype=np.float64)
    order = np.lexsort((-area, -known, -score, np.where(yes, 0, np.where(no, 2, 1))))
    rank = np.empty(len(table), dtype=np.int64)
    rank[order] = np.arange(1, len(table) + 1)
    said = pd.DataFrame(
        {
            "parcel_id": table.index,
            "answer": pd.arrays.BooleanArray(yes, ~(yes | no)),
            "stage": _staged(table, no),
            "share_known": np.clip(known, 0.0, 1.0),
            "reasons": _spoken(answers, rows, evidence, ("supports",)),
            "against": _spoken(answers, rows, evidence, ("excludes", "weakens")),
            "to_ask": _asked(answers, rows, evidence, yes, no),
            "rank": rank,
        }
    )
    return tables.check(said, "fallow")


def _weight(rule: Document) -> int:
    return rule.weight.value if rule.weight else 0


def _answered(
    parcels: pd.Index[Any], evidence: pd.DataFrame
) -> tuple[NDArray[np.int8], NDArray[np.int64]]:
    """Return answers (parcels x rules; 1, 0, -1) and the row of `evidence` of each (-1: none)."""
    names = pd.Index(list(rules()))
    i, j = (
        _places(known, evidence[name]) for known, name in ((parcels, "parcel_id"), (names, "rule"))
    )
    met = (i >= 0) & (j >= 0)
    answers = np.full((len(parcels), len(names)), -1, dtype=np.int8)
    rows = np.full(answers.shape, -1, dtype=np.int64)
    coded = evidence["answer"].astype("Int8").to_numpy(dtype=np.int8, na_value=-1)
    answers[i[met], j[met]] = coded[met]
    rows[i[met], j[met]] = np.flatnonzero(met)
    return answers, rows


def _places(known: pd.Index[Any], column: pd.Series[Any]) -> NDArray[np.int64]:
    """Return the place of each value among those known, -1 where it is not."""
    words = column.astype("category")
    place = np.append(known.get_indexer(pd.Index(words.cat.categories)), -1).astype(np.int64)
    return place[words.cat.codes.to_numpy()]


def _counted(answers: NDArray[np.int8], parcels: pd.Index[Any]) -> pd.DataFrame:
    """Count the evidence into the facts that the conclusions read (rules/_facts.toml)."""
    of = {name: answers[:, place] for place, name in enumerate(rules())}
    role = {kind: [n for n, r in rules().items() if r.role == kind] for kind in _ROLES}
    excludes = np.column_stack([of[name] for name in role["excludes"]])
    excluded = (excludes == 1).any(axis=1)
    open_ = ~excluded & (excludes < 0).any(axis=1)
    lines: dict[str, list[str]] = {}
    for name in role["supports"]:
        if name != FORMER:  # a former use is asked for apart: alone it shows no present neglect
            lines.setdefault(str(rules()[name].about["line"]), []).append(name)
    shown = [np.any([of[name] == 1 for name in names], axis=0) for names in lines.values()]
    weigh = {
        kind: sum((of[name] == 1) * _weight(rules()[name]) for name in role[kind])
        for kind in ("supports", "weakens")
    }
    return pd.DataFrame(
        {
            "excluded": pd.arrays.BooleanArray(excluded, open_),
            "former_farming_shown": pd.arrays.BooleanArray(of[FORMER] == 1, of[FORMER] < 0),
            "support_lines": np.sum(shown, axis=0),
            "support_weight": weigh["supports"],
            "weaken_weight": weigh["weakens"],
        },
        index=parcels,
    )


_ROLES = ("excludes", "supports", "weakens")


def _concluded(counts: pd.DataFrame, name: str) -> Truth:
    return readings(counts, conclusion(name).version[-1], facts_read())[-1].truth


def _staged(table: pd.DataFrame, no: NDArray[np.bool_]) -> Any:
    """Return the text of the first way shown, for parcels that are not answered « no »."""
    version = conclusion("stage").version[-1]
    read = {row.name: row.truth.yes for row in readings(table, version, facts_read())}
    shown = np.column_stack([read[way.id] for way in version.way])
    first = np.where(shown.any(axis=1) & ~no, shown.argmax(axis=1), -1).astype(np.int32)
    return plain(Texts(first, [way.text for way in version.way]))


def _spoken(
    answers: NDArray[np.int8],
    rows: NDArray[np.int64],
    evidence: pd.DataFrame,
    roles: tuple[str, ...],
) -> Any:
    """Say each rule of these roles that is met: its title, what was found, what was needed."""
    parts = []
    for place, rule in _ordered(roles):
        met = (answers[:, place] == 1) & (rows[:, place] >= 0)
        parts.append(_picked(evidence, ["found", "needed"], rows[:, place], met, rule.title))
    return _joined(parts)


def _asked(
    answers: NDArray[np.int8],
    rows: NDArray[np.int64],
    evidence: pd.DataFrame,
    yes: NDArray[np.bool_],
    no: NDArray[np.bool_],
) -> Any:
    """Say once each question that could still change the answer, and whom to ask.

    A parcel answered yes is asked only what would speak against it; one answered no, nothing.
    """
    parts = []
    for place, rule in _ordered(_ROLES):
        open_ = (answers[:, place] < 0) & (rows[:, place] >= 0) & ~no
        if rule.role == "supports":
            open_ &= ~yes
        parts.append(_picked(evidence, ["question", "whom"], rows[:, place], open_))
    for place, rule in enumerate(rules().values()):
        if "ask_if_yes" in rule.about:
            flagged = np.where((answers[:, place] == 1) & ~no, 0, -1).astype(np.int32)
            said = f"{rule.about['ask_if_yes']} ({rule.about['whom_if_yes']})"
            parts.append(Texts(flagged, [said]))
    return _joined(parts)


def _ordered(roles: tuple[str, ...]) -> list[tuple[int, Document]]:
    """Return the rules of these roles that weigh, the heaviest first."""
    chosen = [(n, rule) for n, rule in enumerate(rules().values()) if rule.role in roles]
    chosen = [(n, rule) for n, rule in chosen if _weight(rule)]
    return sorted(chosen, key=lambda item: (_ROLES.index(str(item[1].role)), -_weight(item[1])))


def _picked(
    evidence: pd.DataFrame,
    columns: list[str],
    rows: NDArray[np.int64],
    chosen: NDArray[np.bool_],
    title: str = "",
) -> Texts:
    """Return « title (first, second) » from two columns of the chosen rows of the evidence."""
    codes = np.full(len(rows), -1, dtype=np.int32)
    if not chosen.any():
        return Texts(codes, [])
    seen = evidence[columns].iloc[rows[chosen]]
    groups = seen.groupby(columns, sort=False, dropna=False)
    codes[chosen] = groups.ngroup()
    cases = groups.head(1).astype("object").itertuples(index=False)
    return Texts(codes, [_phrase(title, first, second) for first, second in cases])


def _phrase(title: str, first: object, second: object) -> str:
    if title:
        plain_yes = first in {"oui", "non"}
        return title if plain_yes else f"{title} ({first} ; seuil : {second})"
    return f"{first} ({second})" if isinstance(second, str) and second else str(first)


def _joined(parts: list[Texts]) -> Any:
    """Join the texts of each row with « ; », each once; missing where there is none."""

    def phrase(*codes: int) -> str:
        said = (part.words[code] for part, code in zip(parts, codes, strict=True) if code >= 0)
        return " ; ".join(dict.fromkeys(said))

    return plain(write([part.codes for part in parts], phrase))

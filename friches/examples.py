"""The examples that stand beside a rule: their facts as a table, and what they leave unshown."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pandas as pd

from friches.documents import version_on
from friches.grammar import ORDERED, Ends, FactRef, uses

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from friches.grammar import Condition, Document, Example, Fact, Use

SHORT = 0.1  # « just short » of a fractional threshold: within a tenth of it (of whole ones: 1)


def given_table(examples: Sequence[Example], facts: Mapping[str, Fact]) -> pd.DataFrame:
    """Return the facts of examples as a table, one row an example (numbered), ready to judge."""
    rows: list[dict[str, Any]] = []
    for example in examples:
        row: dict[str, Any] = {}
        for name, value in example.given.items():
            if isinstance(value, Ends):
                row |= {f"{name}_low": value.low, f"{name}_high": value.high}
            elif facts[name].bounded:
                row |= {f"{name}_low": value, f"{name}_high": value}
            else:
                row[name] = pd.Timestamp(value) if isinstance(value, dt.date) else value
        rows.append(row)
    names = dict.fromkeys(name for row in rows for name in row)
    # objects, so that a yes/no beside a missing one stays a yes/no
    columns = {n: pd.Series([row.get(n) for row in rows], dtype="object") for n in names}
    return pd.DataFrame(columns, index=pd.RangeIndex(len(rows)))


def uncovered(document: Document, facts: Mapping[str, Fact]) -> list[str]:
    """Return the conditions not shown both yes and no, and the thresholds not shown on both sides.

    Examples of every version count together, so that an unchanged condition is shown once.
    """
    gaps: dict[str, None] = {}
    for version in document.version:
        for condition in version.conditions:
            shown = [e for e in document.example if e.then.get(condition.id) in ("yes", "no")]
            for answer in ("yes", "no"):
                if all(e.then[condition.id] != answer for e in shown):
                    gaps[f"condition « {condition.id} » jamais montrée « {answer} »"] = None
            held = [e for e in shown if condition in version_on(document, e.on).conditions]
            gaps |= dict.fromkeys(_unshown(condition, held, facts))
    return list(gaps)


def _unshown(
    condition: Condition, examples: list[Example], facts: Mapping[str, Fact]
) -> Iterator[str]:
    for use in uses(condition):
        if use.name not in ORDERED:
            continue
        gaps = [gap for e in examples if _applies(use, e) for gap in _gaps(use, e)]
        near = _near(use, facts)
        said = f"condition « {condition.id} », seuil {use.name} = {_said(use.value)}"
        if not any(gap == 0 for gap in gaps):
            yield f"{said} : aucun exemple exactement au seuil"
        # « at least » and « less than » turn below the value, the two others above it
        side = -1 if use.name in ("at_least", "less_than") else 1
        if not any(0 < side * gap <= near + 1e-9 for gap in gaps):
            yield f"{said} : aucun exemple juste avant de basculer"


def _said(value: Any) -> str:
    return f"« {value.fact} »" if isinstance(value, FactRef) else str(value)


def _applies(use: Use, example: Example) -> bool:
    """Whether this comparison is the one that decides in the example."""
    for exception in use.condition.exception:
        holds = example.given.get(exception.where) is (not exception.is_not)
        if exception is use.under:
            return holds
        if holds:
            return False
    return use.under is None


def _gaps(use: Use, example: Example) -> Iterator[float]:
    given = _numbers(example.given.get(use.condition.fact))
    value = example.given.get(use.value.fact) if isinstance(use.value, FactRef) else use.value
    for limit in _numbers(value):
        yield from (round(number - limit, 9) for number in given)


def _numbers(value: Any) -> list[float]:
    if value is None:
        return []
    if isinstance(value, Ends):
        return [end for end in (value.low, value.high) if end is not None]
    return [float(value.toordinal() if isinstance(value, dt.date) else value)]


def _near(use: Use, facts: Mapping[str, Fact]) -> float:
    if isinstance(use.value, FactRef | dt.date) or facts[use.condition.fact].kind == "integer":
        return 1
    limit = abs(float(use.value))
    return 1 if limit and limit.is_integer() else SHORT * (limit or 1)

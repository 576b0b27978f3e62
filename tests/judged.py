"""One parcel judged by one document of the law, for tests: facts by name, answers in words."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pandas as pd

from friches.documents import with_verdicts
from friches.facts import dictionary
from friches.grammar import Document, builds_on
from friches.judge import judge, version_on
from friches.scenarios.rule import law, rule

DAY = dt.date(2026, 9, 1)
SAID = {pd.NA: "unknown", True: "yes", False: "no"}
VERDICT_OF = "verdict_of_"


def facts(**known: Any) -> pd.DataFrame:
    """Return a parcel of which only this is known; both ends of a bounded fact are the value."""
    row: dict[str, Any] = {"parcel_id": "129990000A0001", "commune": "12999"}
    for name, value in known.items():
        if name in dictionary() and dictionary()[name].bounded:
            row |= {f"{name}_low": float(value), f"{name}_high": float(value)}
        else:
            row[name.replace(VERDICT_OF, "verdict_of.")] = value
    return pd.DataFrame([row])


def needed(name: str) -> dict[str, Document]:
    """Return a document after those whose verdicts it builds on: quicker to judge than all."""
    found: dict[str, Document] = {}
    for other in builds_on(law()[name]):
        found |= needed(other)
    return found | {name: law()[name]}


def answers(name: str, day: dt.date = DAY, **known: Any) -> dict[str, str]:
    """Return the answer of each condition and the verdict: « yes », « no », « unknown ».

    With `verdict_of_x` among what is known the document is judged alone, the verdicts it builds on
    given like facts (one left out is unknown); else the documents it builds on are judged first.
    """
    table = facts(**known)
    if any(fact.startswith(VERDICT_OF) for fact in known):
        document = law()[name]
        named = with_verdicts(dictionary(), document)
        rows = judge(table.set_index("parcel_id"), version_on(document, day), named)
    else:
        rows = rule(table, day, needed(name))
        rows = rows[rows["instrument"] == name]
    return {c: SAID[a] for c, a in zip(rows["condition"], rows["answer"], strict=True)}

"""The evidence of a block in three lists of equal weight: for, against, unknown.

A rule that says yes to what it looks for may speak for a fallow or against it: its role decides.
Rows that say the same are told once, each finding with its parcels, so that every row of the
evidence appears exactly once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from friches.fallow import rules
from friches.view import words
from friches.view.lexicon import w

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd

SIDES = ("for", "against", "unknown")
MET = {"supports": "for", "weakens": "against", "excludes": "against"}
OTHER = {"for": "against", "against": "for"}
SHOWN = ("rule", "role", "answer", "needed", "text", "source", "question", "whom")


class Finding(NamedTuple):
    """One finding of a rule and the parcels it was made on."""

    found: str
    parcels: tuple[str, ...]


class Entry(NamedTuple):
    """What one rule says of one or several parcels of a block, in one sense.

    Attributes
    ----------
    rule, title, role : str
        Name, French title, and role (supports, weakens, excludes).
    met : bool or None
        Whether what the rule looks for is there.
    text, needed, source : str
        The sentence it stands on, its threshold, its source and mark.
    question, whom : str
        What to ask where the answer is unknown.
    findings : tuple of Finding
    """

    rule: str
    title: str
    role: str
    met: bool | None
    text: str
    needed: str
    source: str
    question: str
    whom: str
    findings: tuple[Finding, ...]


def by_block(evidence: pd.DataFrame, members: pd.DataFrame) -> dict[str, dict[str, list[Entry]]]:
    """Return, for each block, its entries in three lists (`SIDES`).

    Parameters
    ----------
    evidence : DataFrame
        Table `evidence`.
    members : DataFrame
        Table `members`: only their rows are told.

    Returns
    -------
    dict
        Block id -> side -> entries: what is met first, then what was looked for and not met.
    """
    told = members.merge(evidence, on="parcel_id").sort_values(["block_id", "rule", "parcel_id"])
    columns = [told[name].astype(object).where(told[name].notna(), None) for name in SHOWN]
    groups: dict[str, dict[tuple[object, ...], dict[str, list[str]]]] = {}
    for block, parcel, found, *key in zip(
        told["block_id"], told["parcel_id"], told["found"], *columns, strict=True
    ):
        findings = groups.setdefault(block, {}).setdefault(tuple(key), {})
        findings.setdefault(words.text(found), []).append(parcel)
    return {block: _sided(cases.items()) for block, cases in groups.items()}


def _sided(
    cases: Iterable[tuple[tuple[object, ...], dict[str, list[str]]]],
) -> dict[str, list[Entry]]:
    sides: dict[str, list[Entry]] = {side: [] for side in SIDES}
    for (rule, role, answer, needed, text, source, question, whom), found in cases:
        entry = Entry(
            rule=str(rule),
            title=title(str(rule)),
            role=str(role),
            met=None if answer is None else bool(answer),
            text=words.text(text, ""),
            needed=words.text(needed, ""),
            source=words.text(source, ""),
            question=words.text(question, ""),
            whom=words.text(whom, ""),
            findings=tuple(Finding(said, tuple(parcels)) for said, parcels in found.items()),
        )
        sides[side_of(entry)].append(entry)
    for entries in sides.values():
        entries.sort(key=lambda entry: (not entry.met, entry.role != "supports", entry.title))
    return sides


def side_of(entry: Entry) -> str:
    """Return on which side an entry speaks: a doubt that is lifted speaks for the fallow."""
    if entry.met is None:
        return "unknown"
    return MET[entry.role] if entry.met else OTHER[MET[entry.role]]


def title(rule: str) -> str:
    """Return a rule's French title (its name where the rule is not one of ours)."""
    document = rules().get(rule)
    return document.title if document else rule


def reference(parcel_id: str) -> str:
    """Return « A 12 », with the prefix where the commune has several (« 064 A 12 »)."""
    said = words.parcel_reference(parcel_id)
    return said.removeprefix("000 ")


def references(parcels: Sequence[str], of: int) -> str:
    """Return the parcels of a finding: their references, or « les 3 parcelles » for all of them."""
    if len(parcels) == of:
        said = w.evidence
        return str(said.the_parcel if of == 1 else said.all_parcels.format(count=of))
    return ", ".join(reference(parcel) for parcel in parcels)

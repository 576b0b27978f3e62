"""The last sheet of a draft, taken out before sending: what to fill, check and fear."""

from __future__ import annotations

from typing import TYPE_CHECKING

from friches.scenarios.rule import law
from friches.view import dossier, letterbook, page, words
from friches.view.lawbook import MARKS, checked
from friches.view.lexicon import w
from friches.view.worddoc import Piece, Text

if TYPE_CHECKING:
    import pandas as pd

    from friches.view.dossier import Case
    from friches.view.lexicon import Counted

TOLD = 20
"""Questions, or indices against, told one by one at most."""
FIRST = 3
"""Questions of a control that the instrument builds on, told at most."""


def pieces(case: Case, judged: pd.DataFrame, left_out: list[str]) -> list[Piece]:
    """Return the control sheet of a draft.

    Parameters
    ----------
    case : Case
        The draft.
    judged : DataFrame
        Rulings of the block's parcels.
    left_out : list of str
        Parcels to which the instrument is closed.
    """
    document = law()[case.template.instrument]
    c = w.letters.control
    said: list[Piece] = [
        Text(c.heading, "heading"),
        Text(c.route.format(title=document.title, checked=checked(document))),
    ]
    if case.result.study.study.fictitious:
        said.append(Text(c.fictitious.format(fictitious=words.FICTITIOUS.capitalize())))
    said.append(Text(c.blanks))
    warned: list[Piece] = [Text(line, "item") for line in case.template.warn]
    said += [Text(c.warn, "subheading"), *warned] if warned else []
    said += _listed(c.questions, _questions(case, judged))
    said += _listed(c.against, _against(case))
    said += _listed(c.left_out, _closed(case, judged, left_out))
    said += _listed(c.read, _marks(case))
    run = page.run_id(case.result)
    said.append(Text(c.run.format(run=run, day=words.day(case.result.study.study.day))))
    return said


def _listed(heading: str, lines: list[str]) -> list[Piece]:
    if not lines:
        return []
    shown = lines[:TOLD]
    if len(lines) > TOLD:
        shown.append(w.letters.control.more.format(n=len(lines) - TOLD))
    return [Text(heading, "subheading"), *(Text(line, "item") for line in shown)]


def _rows(case: Case, judged: pd.DataFrame, parcels: list[str]) -> pd.DataFrame:
    here = (judged["instrument"] == case.template.instrument) & judged["parcel_id"].isin(parcels)
    return judged[here & (judged["condition"] != "verdict")]


def _questions(case: Case, judged: pd.DataFrame) -> list[str]:
    rows, c = _rows(case, judged, case.parcels), w.letters.control
    asked: dict[str, list[str]] = {}
    for row in rows[rows["answer"].isna()].to_dict("records"):
        if not words.missing(row["question"]):
            said = c.question.format(
                question=_few(row["question"], c.few_questions),
                whom=_few(row["whom"], c.few_people),
            )
            asked.setdefault(said, []).append(words.parcel_reference(str(row["parcel_id"])))
    return [
        c.about.format(said=said, references=", ".join(dict.fromkeys(refs)))
        for said, refs in asked.items()
    ]


def _few(said: object, more: Counted) -> str:
    """Return the first of the texts that a verdict on a verdict joins, and how many follow."""
    parts = words.text(said).split(" ; ")
    left = len(parts) - FIRST
    first = " ; ".join(parts[:FIRST])
    return more(left, said=first) if left > 0 else first


def _against(case: Case) -> list[str]:
    if not any(part.insert == "evidence" for part in case.template.part):
        return []
    told: dict[str, list[str]] = {}
    for row in dossier.spoken(case, dossier.AGAINST).to_dict("records"):
        said = w.letters.control.found.format(
            text=words.text(row["text"]), found=words.text(row["found"])
        )
        told.setdefault(said, []).append(words.parcel_reference(str(row["parcel_id"])))
    return [
        w.letters.control.about.format(said=said, references=", ".join(refs))
        for said, refs in told.items()
    ]


def _closed(case: Case, judged: pd.DataFrame, parcels: list[str]) -> list[str]:
    rows = _rows(case, judged, parcels)
    no = rows[rows["answer"].eq(False).fillna(False)]
    lines, c = [], w.letters.control
    for parcel in parcels:
        why = no.loc[no["parcel_id"] == parcel, ["text", "found"]].to_dict("records")
        reason = c.not_judged
        if why:
            reason = c.closed_why.format(
                text=words.text(why[0]["text"]), found=words.text(why[0]["found"])
            )
        lines.append(c.closed.format(reference=words.parcel_reference(parcel), reason=reason))
    return lines


def _marks(case: Case) -> list[str]:
    day = case.result.study.study.day
    found: dict[str, dict[str, None]] = {}
    for part in case.template.part:
        for cited in part.quote:
            where, _, mark = letterbook.quoted(cited, day).where.rpartition(" [")
            found.setdefault(mark.removesuffix("]"), {})[where] = None
    return [
        w.letters.control.mark.format(
            mark=mark,
            articles=", ".join(articles),
            meaning=MARKS.get(mark, w.letters.control.see_lawbook),
        )
        for mark, articles in sorted(found.items())
    ]

"""The last sheet of a draft, taken out before sending: what to fill, check and fear."""

from __future__ import annotations

from typing import TYPE_CHECKING

from friches.scenarios.rule import law
from friches.view import dossier, letterbook, page, words
from friches.view.lawbook import MARKS, checked
from friches.view.worddoc import Piece, Text

if TYPE_CHECKING:
    import pandas as pd

    from friches.view.dossier import Case

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
    said: list[Piece] = [
        Text("Feuille de contrôle, à retirer avant l'envoi", "heading"),
        Text(f"Voie : {document.title} ; {checked(document)}."),
    ]
    if case.result.study.study.fictitious:
        said.append(Text(f"{words.FICTITIOUS.capitalize()} : ne pas envoyer."))
    said.append(Text("Chaque champ « À COMPLÉTER » est surligné ; l'outil n'invente rien."))
    warned: list[Piece] = [Text(line, "item") for line in case.template.warn]
    said += [Text("Attention", "subheading"), *warned] if warned else []
    said += _listed("Questions encore sans réponse", _questions(case, judged))
    said += _listed("Ce que l'on peut opposer", _against(case))
    said += _listed("Parcelles laissées hors du courrier", _closed(case, judged, left_out))
    said += _listed("Comment les textes cités ont été lus", _marks(case))
    run = page.run_id(case.result)
    said.append(Text(f"Calcul {run} ; droit au {words.day(case.result.study.study.day)}."))
    return said


def _listed(heading: str, lines: list[str]) -> list[Piece]:
    if not lines:
        return []
    shown = lines[:TOLD]
    if len(lines) > TOLD:
        shown.append(f"et {len(lines) - TOLD} autres : voir la fiche de l'îlot")
    return [Text(heading, "subheading"), *(Text(line, "item") for line in shown)]


def _rows(case: Case, judged: pd.DataFrame, parcels: list[str]) -> pd.DataFrame:
    here = (judged["instrument"] == case.template.instrument) & judged["parcel_id"].isin(parcels)
    return judged[here & (judged["condition"] != "verdict")]


def _questions(case: Case, judged: pd.DataFrame) -> list[str]:
    rows = _rows(case, judged, case.parcels)
    asked: dict[str, list[str]] = {}
    for row in rows[rows["answer"].isna()].to_dict("records"):
        if not words.missing(row["question"]):
            said = f"{_few(row['question'], 'question')} (à : {_few(row['whom'], 'personne')})"
            asked.setdefault(said, []).append(words.parcel_reference(str(row["parcel_id"])))
    return [f"{said} – {', '.join(dict.fromkeys(refs))}" for said, refs in asked.items()]


def _few(said: object, kind: str) -> str:
    """Return the first of the texts that a verdict on a verdict joins, and how many follow."""
    parts = words.text(said).split(" ; ")
    left = len(parts) - FIRST
    tail = f" ; et {words.plural(left, f'autre {kind}', f'autres {kind}s')}, voir la fiche"
    return " ; ".join(parts[:FIRST]) + (tail if left > 0 else "")


def _against(case: Case) -> list[str]:
    if not any(part.insert == "evidence" for part in case.template.part):
        return []
    told: dict[str, list[str]] = {}
    for row in dossier.spoken(case, dossier.AGAINST).to_dict("records"):
        said = f"{words.text(row['text'])} (constaté : {words.text(row['found'])})"
        told.setdefault(said, []).append(words.parcel_reference(str(row["parcel_id"])))
    return [f"{said} – {', '.join(refs)}" for said, refs in told.items()]


def _closed(case: Case, judged: pd.DataFrame, parcels: list[str]) -> list[str]:
    rows = _rows(case, judged, parcels)
    no = rows[rows["answer"].eq(False).fillna(False)]
    lines = []
    for parcel in parcels:
        why = no.loc[no["parcel_id"] == parcel, ["text", "found"]].to_dict("records")
        reason = f"« {words.text(why[0]['text'])} » : {words.text(why[0]['found'])}" if why else ""
        lines.append(f"{words.parcel_reference(parcel)} : {reason or 'voie non jugée'}")
    return lines


def _marks(case: Case) -> list[str]:
    day = case.result.study.study.day
    found: dict[str, dict[str, None]] = {}
    for part in case.template.part:
        for cited in part.quote:
            where, _, mark = letterbook.quoted(cited, day).where.rpartition(" [")
            found.setdefault(mark.removesuffix("]"), {})[where] = None
    return [
        f"{mark} ({', '.join(articles)}) : {MARKS.get(mark, 'voir le recueil du droit')}"
        for mark, articles in sorted(found.items())
    ]

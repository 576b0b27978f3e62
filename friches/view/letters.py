"""Drafts of letters and acts for a block, as Word files: what is not known stays a marked blank.

One file a template of `letterbook` and block, or a template and owner. A letter names only the
parcels to which its instrument is not closed; letters to an owner name only that owner's.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from friches.errors import refuse
from friches.scenarios.rule import law
from friches.view import control, dossier, inert, letterbook, words
from friches.view.audience import is_public
from friches.view.lexicon import w
from friches.view.worddoc import NewPage, Piece, Sheet, Text, packed

if TYPE_CHECKING:
    from collections.abc import Collection

    import pandas as pd

    from friches.result import Result
    from friches.view.letterbook import Part, Template

BLANK_NAME: str = w.letters.owner


class Owner(NamedTuple):
    """Whom a letter goes to: file name part, name or marked blank, parcels."""

    key: str
    name: str
    parcels: list[str]


def write_letters(
    result: Result,
    block_id: str,
    folder: Path | str,
    instruments: Collection[str] | None = None,
) -> list[Path]:
    """Write every draft of a block whose instrument is not closed to all of its parcels.

    Parameters
    ----------
    result : Result
        What a run found. Names of owners are written only when the audience is « restricted ».
    block_id : str
        The block, as « B001 ».
    folder : Path or str
        Files such as `B001-l125_individuel-prefet.docx` are written there.
    instruments : collection of str, optional
        Draft for these instruments alone (all by default).

    Returns
    -------
    list of Path
        The files written, sorted; none when every route with a draft is closed.

    Raises
    ------
    InputError
        Unknown block or instrument, public study (letters name parcels), a faulty template, a
        draft already there and changed since (nothing is then written).
    """
    folder, name = Path(folder), _block(result, block_id)
    wanted = _wanted(instruments)
    members = result.members.loc[result.members["block_id"] == name, "parcel_id"]
    judged = result.rulings[result.rulings["parcel_id"].isin(members)]
    judged = judged.astype({"instrument": "str", "condition": "str"})
    made: dict[Path, bytes] = {}
    for template in wanted:
        kept = _open(judged, template.instrument)
        out = sorted(set(members) - set(kept))
        for owner in _owners(result, template, kept):
            case = dossier.Case(result, name, template, owner.parcels, owner.name)
            stem = "-".join(filter(None, (name, template.name, owner.key)))
            pieces = (*_pieces(case), NewPage(), *control.pieces(case, judged, out))
            made[folder / f"{stem}.docx"] = packed(_sheet(case, tuple(pieces)))
    return _written(made, folder)


def _written(made: dict[Path, bytes], folder: Path) -> list[Path]:
    """Write the files; one already there and unlike ours was filled by someone: all is refused."""
    other = [path for path in sorted(made) if path.exists() and path.read_bytes() != made[path]]
    if other:
        raise refuse(
            f"{w.counts.letters(len(other))} déjà là, sans doute complété à la main "
            f"(premier : {other[0].name}) : rien n'a été écrit",
            folder,
            "choisir un autre dossier, ou mettre ces fichiers à part",
        )
    folder.mkdir(parents=True, exist_ok=True)
    for path, content in made.items():
        path.write_bytes(content)
    return sorted(made)


def _block(result: Result, block_id: str) -> str:
    """Return the block's name, fit for a file name, or refuse it."""
    if is_public(result):
        raise refuse(
            "les courriers nomment des parcelles : pas de courrier pour une étude publique",
            "audience",
            'mettre audience = "internal" ou "restricted" dans le fichier d\'étude',
        )
    known = sorted(result.blocks["block_id"].astype("str"))
    name = inert.safe_name(block_id)
    if name not in known:
        some = f"{', '.join(known[:5])}…" if len(known) > 5 else ", ".join(known) or words.DASH
        raise refuse(f"îlot « {name} » inconnu", "îlot", f"choisir parmi : {some}")
    return name


def _wanted(instruments: Collection[str] | None) -> list[Template]:
    """Return the templates of the instruments named, or refuse those that have none."""
    given = list(letterbook.templates().values())
    if instruments is None:
        return given
    known = sorted({template.instrument for template in given})
    unknown = sorted(set(instruments) - set(known))
    if unknown:
        raise refuse(
            f"pas de courrier pour la voie « {inert.clean(', '.join(unknown), 60)} »",
            "voie",
            f"choisir parmi : {', '.join(known)}",
        )
    return [template for template in given if template.instrument in instruments]


def _open(judged: pd.DataFrame, instrument: str) -> list[str]:
    """Return the parcels to which an instrument is not closed (unknown is not closed)."""
    rows = judged[(judged["instrument"] == instrument) & (judged["condition"] == "verdict")]
    closed = rows["answer"].eq(False).fillna(False)
    return sorted(rows.loc[~closed, "parcel_id"].astype("str"))


def _owners(result: Result, template: Template, parcels: list[str]) -> list[Owner]:
    """Return whom a template is written to: once for all parcels, or once an owner.

    Where no name is known, one letter a parcel: parcels of one account are joined by hand.
    """
    if not parcels:
        return []
    if template.each == "block":
        return [Owner("", BLANK_NAME, parcels)]
    named: dict[str, list[str]] = {}
    for parcel, names in dossier.names(result, parcels).items():
        for name in names:
            named.setdefault(name, []).append(parcel)
    known = [Owner(f"{n}", name, named[name]) for n, name in enumerate(sorted(named), 1)]
    found = {parcel for owner in known for parcel in owner.parcels}
    lone = [parcel for parcel in parcels if parcel not in found]
    return known + [Owner(inert.safe_name(parcel[5:]), BLANK_NAME, [parcel]) for parcel in lone]


def _sheet(case: dossier.Case, pieces: tuple[Piece, ...]) -> Sheet:
    study = case.result.study.study
    notes = [w.letters.draft.upper()]
    if study.fictitious:
        notes.append(words.FICTITIOUS)
    if study.audience == "restricted":
        notes.append(words.AUDIENCES["restricted"])
    return Sheet(
        title=w.letters.title.format(title=case.template.title, id=case.block_id),
        header=" – ".join(notes),
        footer=w.letters.foot.format(
            id=case.block_id, template=case.template.name, day=words.day(study.day)
        ),
        day=study.day,
        pieces=pieces,
    )


def _pieces(case: dossier.Case) -> list[Piece]:
    template, values = case.template, dossier.values(case)
    letter = template.form == "letter"

    def said(text: str, style: str = "plain") -> Text:
        return Text(letterbook.filled(text, values), style)

    pieces: list[Piece] = [said(line, "sender") for line in template.sender]
    if letter:
        pieces += [Text(""), *(said(line, "address") for line in template.address), Text("")]
        pieces.append(said(w.letters.place_and_date, "right"))
        if template.send:
            pieces.append(said(template.send))
        # an owner has no use for the block's name
        subject = w.letters.subject if template.each == "owner" else w.letters.subject_block
        told = subject.format(title=template.title, id=case.block_id)
        pieces.append(said(told, "subheading"))
    else:
        pieces.append(said(template.title, "title"))
    for part in template.part:
        pieces += _part(part, case, said)
    pieces += [Text(""), *(said(line, "right") for line in template.sign)]
    if template.joined:
        pieces.append(said(w.letters.joined, "subheading"))
        pieces += [said(line, "item") for line in template.joined]
    return pieces


def _part(part: Part, case: dossier.Case, said: Any) -> list[Piece]:
    day = case.result.study.study.day
    pieces: list[Piece] = [said(part.heading, "heading")] if part.heading else []
    pieces += [said(line) for line in part.text]
    pieces += [letterbook.quoted(cited, day) for cited in part.quote]
    pieces += dossier.INSERTS[part.insert](case) if part.insert else []
    pieces += [said(line, "item") for line in part.items]
    pieces += [said(line) for line in part.then]
    return pieces


def counts(paths: list[Path], block_id: str) -> list[str]:
    """Return one French line an instrument: its title and how many drafts were written."""
    tally = Counter(path.stem.removeprefix(f"{block_id}-").split("-")[0] for path in paths)
    return [
        w.letters.counted.format(title=law()[name].title, n=n) for name, n in sorted(tally.items())
    ]

"""The lawbook: what each text says, what we read in it, how it was read and who checked it."""

from __future__ import annotations

import tomllib
import unicodedata
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field, TypeAdapter, ValidationError

from friches import fallow
from friches.errors import refuse
from friches.procedure import Strictly
from friches.scenarios import rule
from friches.studyfile import Study
from friches.view import page, reading, words
from friches.view.lexicon import w

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from friches.grammar import Document, Fact

NOT_ENCODED = Path(rule.__file__).with_name("not_encoded.toml")
NOT_CHECKED: str = w.shared.unread
MARKS: dict[str, str] = w.lawbook.marks
ABOUT: dict[str, str] = w.lawbook.about
TECHNICAL = ("order", "kind", "land", "expected_branch", "optional_needs", "gives_land")


class Omission(Strictly):
    """What the program leaves out, and why."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    what: str = Field(min_length=1)
    why: str = Field(min_length=1)
    source: str = Field(min_length=1)
    mark: str = Field(min_length=1)


def omissions() -> list[Omission]:
    """Return what is not encoded, in the order of `friches/scenarios/not_encoded.toml`.

    Raises
    ------
    InputError
        When the file cannot be read, or says more than the keys of `Omission`.
    """
    try:
        said = tomllib.loads(NOT_ENCODED.read_text("utf-8"))
        return TypeAdapter(list[Omission]).validate_python(said["item"])
    except (tomllib.TOMLDecodeError, KeyError, ValidationError) as error:
        raise refuse(f"liste illisible : {error}", NOT_ENCODED, "corriger le fichier") from error


def write_lawbook(path: Path | str) -> Path:
    """Write the lawbook as one self-contained HTML page, made to be printed too.

    Parameters
    ----------
    path : Path or str
        A file ending in `.html`, or a folder where `lawbook.html` is written.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    InputError
        When a document of the law, a detection rule or the list of what is left out is refused.
    """
    path = Path(path)
    if path.suffix.lower() not in (".html", ".htm"):
        path = path / "lawbook.html"
    return page.write(path, html())


def html(documents: Mapping[str, Document] | None = None) -> str:
    """Return the page; `documents` (by default `rule.law()`) are the gates and instruments."""
    given = rule.law() if documents is None else documents
    named = rule.facts_named(given)
    rules = fallow.rules()
    law = {name: _entry(name, said, named) for name, said in given.items()}
    detection = [_entry(f"regle-{n}", said, fallow.facts_read()) for n, said in rules.items()]
    seen = max(said.checked.on for said in [*given.values(), *rules.values()])
    return page.render(
        "lawbook.html.j2",
        _frame(seen),
        w.lawbook.title,
        styles=[page.asset("lawbook.css")],
        seen=seen,
        parts=[
            ("voies", w.lawbook.part_routes, _of_kind(law, given, "instrument")),
            (
                "controles",
                w.lawbook.part_gates,
                _of_kind(law, given, "gate"),
            ),
        ],
        rules=detection,
        omissions=[omission.model_dump() for omission in omissions()],
        told={
            name: str(said.about["not_encoded"])
            for name, said in given.items()
            if said.about.get("not_encoded")
        },
        titles={name: said.title for name, said in given.items()},
        legend=_legend([*law.values(), *detection]),
        counts=_counts(given),
        kinds=w.lawbook.kinds,
        unread=NOT_CHECKED,
    )


def _frame(day: dt.date) -> Study:
    """Return the least study that a page needs: the lawbook is that of no territory."""
    about = {"name": w.lawbook.name, "communes": ["00000"], "day": day, "audience": "public"}
    return Study.model_validate({"study": about, "sources": {"cadastre": []}})


def _of_kind(
    entries: Mapping[str, dict[str, Any]], given: Mapping[str, Document], kind: str
) -> list[dict[str, Any]]:
    """Return the entries of one kind, by title, accents aside."""
    named = [entries[name] for name, document in given.items() if document.kind == kind]
    return sorted(named, key=lambda entry: unicodedata.normalize("NFD", entry["title"]))


def _entry(name: str, document: Document, facts: Mapping[str, Fact]) -> dict[str, Any]:
    return {
        "name": name,
        "title": document.title,
        "checked": checked(document),
        "checked_on": document.checked.on,
        "role": words.ROLES.get(document.role or "", ""),
        "weight": document.weight,
        "about": _about(document),
        "costs": [_cost(cost) for cost in document.cost],
        "examples": len(document.example),
        "versions": [
            {
                "from": version.from_,
                "source": version.source,
                "url": version.url,
                "mark": version.mark,
                "verdict": reading.verdict(version),
                "rows": reading.rows(version, facts),
            }
            for version in reversed(document.version)
        ],
    }


def checked(document: Document) -> str:
    """Return who read a document over: « relu par … », or « non relu par un juriste »."""
    by = document.checked.by
    return str(w.shared.read_by.format(name=by)) if by else NOT_CHECKED


def _about(document: Document) -> list[tuple[str, str]]:
    told = []
    for key in [*ABOUT, *(key for key in document.about if key not in ABOUT)]:
        value = document.about.get(key, "")
        if key in TECHNICAL or document.role or value in ("", []):
            continue
        said = "; ".join(map(str, value)) if isinstance(value, list) else str(value)
        if key == "organic_strength":
            said = w.lawbook.strengths.get(said, said)
        told.append((ABOUT.get(key, key.replace("_", " ").capitalize()), said))
    return told


def _cost(cost: Any) -> dict[str, str]:
    share = cost.unit == "share_of_price"
    ends = [
        words.percent(value, 1) if share else words.number(value)
        for value in (cost.low, cost.central, cost.high)
    ]
    return {
        "what": cost.what,
        "said": f"{' / '.join(ends)} {w.lawbook.units[cost.unit]}",
        "source": cost.source,
        "mark": cost.mark,
    }


def _legend(entries: list[dict[str, Any]]) -> list[tuple[str, str, int]]:
    """Return each mark with its meaning and how many lines bear it."""
    found = Counter(
        row.mark
        for entry in entries
        for version in entry["versions"]
        for row in version["rows"]
        if row.mark
    )
    others = [
        (mark, w.lawbook.see_line, found[mark]) for mark in sorted(found) if mark not in MARKS
    ]
    return [*((mark, meaning, found[mark]) for mark, meaning in MARKS.items()), *others]


def _counts(given: Mapping[str, Document]) -> dict[str, int]:
    versions = [version for document in given.values() for version in document.version]
    return {
        "instruments": sum(document.kind == "instrument" for document in given.values()),
        "gates": sum(document.kind == "gate" for document in given.values()),
        "conditions": sum(len(version.conditions) for version in versions),
        "steps": sum(len(version.step) for version in versions),
        "examples": sum(len(document.example) for document in given.values()),
        "checked": sum(bool(document.checked.by) for document in given.values()),
    }

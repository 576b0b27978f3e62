"""Rules and law read from TOML: what is unknown or does not fit is refused by name, all at once."""

from __future__ import annotations

import tomllib
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, TypeVar

from pydantic import TypeAdapter, ValidationError

from friches.errors import Breach, InputError, refuse, wrong_value
from friches.grammar import (
    ORDERED,
    Document,
    Ends,
    Fact,
    FactRef,
    Version,
    builds_on,
    uses,
    verdict_facts,
)

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from friches.grammar import Example, Use

GUIDE = "voir « The grammar of rules and law » dans le README"
NUMBERS = ("number", "integer")
_Read = TypeVar("_Read")


def read_facts(path: Path) -> dict[str, Fact]:
    """Read a dictionary of facts: one TOML table a fact, named as its column.

    Raises
    ------
    InputError
        File missing or unreadable, unknown or missing keys (all at once).
    """
    return _read(path, TypeAdapter(dict[str, Fact]))


def read_document(path: Path, facts: Mapping[str, Fact]) -> Document:
    """Read one rule or legal instrument and check it against the facts it may name.

    Parameters
    ----------
    path : Path
        A TOML document (design: "The grammar of rules and law").
    facts : mapping of str to Fact
        Every fact that conditions and examples may name. The verdicts of other documents need not
        be among them: `read_folders` tells whether those documents are there.

    Raises
    ------
    InputError
        Every breach at once: unknown keys, unknown facts, comparisons that do not fit the kind of
        their fact, examples that name unknown conditions or stand before the first version.
    """
    document = _read(path, TypeAdapter(Document))
    facts = with_verdicts(facts, document)
    faults = [*_fact_faults(document, facts), *_example_faults(document, facts)]
    if faults:
        raise InputError(Breach(fault, str(path), GUIDE) for fault in dict.fromkeys(faults))
    return document


def with_verdicts(facts: Mapping[str, Fact], document: Document) -> Mapping[str, Fact]:
    """Return facts with those verdicts of other documents that a document reads and they lack."""
    lacking = verdict_facts({name: name for name in builds_on(document)})
    return {**lacking, **facts} if lacking else facts


def read_folder(folder: Path, facts: Mapping[str, Fact]) -> dict[str, Document]:
    """Read every `*.toml` of a folder but those whose name starts with « _ », by file stem.

    Raises
    ------
    InputError
        As `read_folders`.
    """
    return read_folders([folder], facts)


def read_folders(folders: Sequence[Path], facts: Mapping[str, Fact]) -> dict[str, Document]:
    """Read the documents of several folders that may build on one another's verdicts.

    Returns
    -------
    dict
        By file stem: folder after folder, sorted by name within each.

    Raises
    ------
    InputError
        With the breaches of every document at once; then, names found twice, verdicts of
        documents that are not there, and documents that build on one another in a circle.
    """
    documents: dict[str, Document] = {}
    breaches: list[Breach] = []
    for path in [p for f in folders for p in sorted(f.glob("[!_]*.toml"), key=lambda p: p.stem)]:
        if path.stem in documents:
            breaches.append(Breach(f"nom « {path.stem} » déjà pris", str(path), "le renommer"))
        try:
            documents[path.stem] = read_document(path, facts)
        except InputError as error:
            breaches += error.breaches
    if breaches:
        raise InputError(breaches)
    chained(documents)
    return documents


def chained(documents: Mapping[str, Document]) -> list[str]:
    """Return the names of documents, each after those whose verdicts it builds on.

    Raises
    ------
    InputError
        When a verdict is that of a document that is not there, or of one that leads back to it.
    """
    links = {name: builds_on(documents[name]) for name in sorted(documents)}
    unknown = [
        Breach(f"« verdict_of » nomme « {other} », document inconnu", name, GUIDE)
        for name, others in links.items()
        for other in others
        if other not in documents
    ]
    if unknown:
        raise InputError(unknown)
    try:
        return list(TopologicalSorter(links).static_order())
    except CycleError as error:
        circle = list(error.args[1])[::-1]  # each name builds on the next
        raise refuse(
            f"verdicts en cercle : {' → '.join(circle)}", circle[0], "retirer un « verdict_of »"
        ) from error


def version_on(document: Document, day: dt.date) -> Version:
    """Return the version in force on a day.

    Raises
    ------
    InputError
        When the day is before the first version: what held then is not known here.
    """
    held = [version for version in document.version if version.from_ <= day]
    if not held:
        raise refuse(
            f"aucune version connue au {day:%d/%m/%Y} : la première date du "
            f"{document.version[0].from_:%d/%m/%Y}",
            document.title,
            "choisir un jour d'étude postérieur",
        )
    return held[-1]


def _read(path: Path, adapter: TypeAdapter[_Read]) -> _Read:
    if not path.is_file():
        raise refuse("fichier introuvable", path, "vérifier le chemin")
    try:
        return adapter.validate_python(tomllib.loads(path.read_text("utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise refuse(f"TOML illisible : {error}", path, "corriger le fichier") from error
    except ValidationError as error:
        raise InputError(_told(error, path)) from error


def _told(error: ValidationError, path: Path) -> Iterator[Breach]:
    branches = {"FactRef", "Ends", "bool", "int", "float", "str", "date", "list[str]"}
    seen = set()
    for fault in error.errors():
        # a value that fits no branch of a union is told once, not once for each branch
        key = ".".join(str(part) for part in fault["loc"] if part not in branches)
        if key not in seen:
            seen.add(key)
            yield Breach(f"« {key} » : {wrong_value(fault)}", str(path), GUIDE)


def _fact_faults(document: Document, facts: Mapping[str, Fact]) -> Iterator[str]:
    for version in document.version:
        for condition in version.conditions:
            if condition.fact not in facts:
                yield f"condition « {condition.id} » : fait inconnu « {condition.fact} »"
                continue
            for use in uses(condition):
                yield from _use_faults(use, facts)


def _use_faults(use: Use, facts: Mapping[str, Fact]) -> Iterator[str]:
    place = f"condition « {use.condition.id} »"
    if use.under is not None:
        where = facts.get(use.under.where)
        if where is None:
            yield f"{place} : fait inconnu « {use.under.where} »"
        elif where.kind != "boolean":
            yield f"{place} : « where » nomme « {use.under.where} », qui n'est pas un oui/non"
    fact, said = facts[use.condition.fact], use.name.rstrip("_")
    if isinstance(use.value, FactRef):
        other = facts.get(use.value.fact)
        if other is None:
            yield f"{place} : fait inconnu « {use.value.fact} »"
            return
        fits = _family(fact) == _family(other)
    elif use.name == "one_of":
        fits = not fact.bounded and all(_fits(value, fact) for value in use.value)
    else:
        fits = _fits(use.value, fact)
    if not fits or (use.name in ORDERED and _family(fact) not in ("number", "date")):
        yield f"{place} : « {said} » ne convient pas au fait « {use.condition.fact} » ({fact.kind})"


def _family(fact: Fact) -> str:
    return "number" if fact.kind in NUMBERS else fact.kind


def _fits(value: object, fact: Fact) -> bool:
    kinds: dict[type, tuple[str, ...]] = {
        bool: ("boolean",),
        int: NUMBERS,
        float: ("number",),
        str: ("text",),
    }
    return fact.kind in kinds.get(type(value), ("date",))


def _example_faults(document: Document, facts: Mapping[str, Fact]) -> Iterator[str]:
    for example in document.example:
        place = f"exemple « {example.name} »"
        yield from (f"{place} : {fault}" for fault in _given_faults(example, facts))
        if example.on < document.version[0].from_:
            yield f"{place} : daté du {example.on:%d/%m/%Y}, avant la première version"
            continue
        version = version_on(document, example.on)
        known = {"verdict", *(c.id for c in version.conditions), *(w.id for w in version.way)}
        yield from (
            f"{place} : condition inconnue « {name} »" for name in example.then.keys() - known
        )


def _given_faults(example: Example, facts: Mapping[str, Fact]) -> Iterable[str]:
    for name, value in example.given.items():
        fact = facts.get(name)
        if fact is None:
            yield f"fait inconnu « {name} »"
        elif isinstance(value, Ends):
            if not fact.bounded:
                yield f"« {name} » n'est pas un fait borné"
        elif not _fits(value, fact):
            yield f"« {name} » ({fact.kind}) ne peut pas valoir « {value} »"

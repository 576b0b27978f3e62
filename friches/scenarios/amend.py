"""One change of a what-if file, made to documents or figures; a key that leads nowhere is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError

from friches.grammar import Comparison, Condition
from friches.procedure import DURATION, Practice, Step
from friches.scenarios.timeline import BOUNDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from friches.judge import Document, Version

Said = TypeVar("Said", bound=Comparison)
DELAYS = ("within", "at_least", "lasts")


def amended(documents: dict[str, Document], section: str, key: str, value: Any) -> list[str]:
    """Change one step or condition in every version of a document that has it.

    Parameters
    ----------
    documents : dict of str to Document
        Changed in place (the documents themselves are not).
    section : str
        « delay », « practice » or « condition ».
    key : str
        « instrument.step.within », « instrument.step.low », « instrument.condition[.where] ».
    value
        What replaces the value there.

    Returns
    -------
    list of str
        Faults, in French; none when the change is made.
    """
    name, _, rest = key.partition(".")
    document = documents.get(name)
    if document is None:
        return [f"« {section}.{key} » : instrument inconnu « {name} »"]
    change = _condition if section == "condition" else _step
    try:
        versions = [change(version, section, rest, value) for version in document.version]
    except ValueError as error:
        return [f"« {section}.{key} » : {_short(error)}"]
    if not any(versions):
        return [f"« {section}.{key} » : « {rest} » n'existe pas dans « {name} »"]
    kept = [new or old for new, old in zip(versions, document.version, strict=True)]
    documents[name] = document.model_copy(update={"version": kept})
    return []


def _short(error: ValueError) -> str:
    if isinstance(error, ValidationError):
        return "; ".join(fault["msg"].removeprefix("Value error, ") for fault in error.errors())
    return str(error)


def _step(version: Version, section: str, rest: str, value: Any) -> Version | None:
    """Return a version with a changed delay (that the step has) or practice (that it has)."""
    name, _, part = rest.rpartition(".")
    found = False
    steps = []
    for step in version.step:
        if step.id != name:
            steps.append(step)
            continue
        if section == "delay" and part in DELAYS and getattr(step, part):
            found = True
            steps.append(_checked(step, {part: value}))
        elif section == "practice" and part in BOUNDS and step.practice:
            found = True
            steps.append(_practised(step, {part: value}))
        else:
            steps.append(step)
    return version.model_copy(update={"step": steps}) if found else None


def _checked(step: Step, changed: dict[str, Any]) -> Step:
    return Step.model_validate(step.model_dump() | changed)


def _practised(step: Step, changed: dict[str, Any]) -> Step:
    assert step.practice is not None
    said = step.practice.model_dump() | changed
    said["source"] = "hypothèse"
    said["mark"] = "ASSUMPTION"
    # bounds given one by one may cross until the last of them is read: `ordered` tells in the end
    return step.model_copy(update={"practice": Practice.model_construct(**_durations(said))})


def _durations(said: dict[str, Any]) -> dict[str, Any]:
    for bound in BOUNDS:
        if not isinstance(said[bound], str) or not DURATION.fullmatch(said[bound]):
            raise ValueError(f"« {said[bound]} » n'est pas une durée comme « 2 months »")
    return said


def ordered(documents: dict[str, Document]) -> list[str]:
    """Return the practices of which a change has left low, central and high out of order."""
    faults = []
    for name, document in documents.items():
        for step in (step for version in document.version for step in version.step):
            if step.practice and step.practice.source == "hypothèse":
                try:
                    Practice.model_validate(step.practice.model_dump())
                except ValueError as error:
                    faults.append(f"« practice.{name}.{step.id} » : {_short(error)}")
    return faults


def _condition(version: Version, _section: str, rest: str, value: Any) -> Version | None:
    """Return a version with another value in a condition (own, of a way, a bar) or an exception."""
    name, _, where = rest.partition(".")
    found: list[str] = []

    def change(condition: Condition) -> Condition:
        if condition.id != name:
            return condition
        if not where:
            found.append(name)
            return _valued(condition, value)
        inner = []
        for exception in condition.exception:
            here = exception.where == where
            found.extend([where] * here)
            inner.append(_valued(exception, value) if here else exception)
        return condition.model_copy(update={"exception": inner})

    changed = _everywhere(version, change)
    return changed if found else None


def _everywhere(version: Version, change: Callable[[Condition], Condition]) -> Version:
    ways = [
        way.model_copy(update={"condition": [change(c) for c in way.condition]})
        for way in version.way
    ]
    return version.model_copy(
        update={
            "condition": [change(c) for c in version.condition],
            "bar": [change(c) for c in version.bar],
            "way": ways,
        }
    )


def _valued(said: Said, value: Any) -> Said:
    name, old = said.comparison
    same = isinstance(value, bool) == isinstance(old, bool) and (
        (isinstance(old, int | float) and isinstance(value, int | float))
        or (type(value) is type(old))
    )
    if not same:
        raise ValueError(f"« {value} » ne remplace pas « {old} »")
    return said.model_copy(update={name: value})


def put(tree: dict[str, Any], name: str, key: str, value: Any) -> list[str]:
    """Change one figure of a tree of figures (in place); return faults.

    Lists of tables are entered by their `id` (« hazard.recours.central »).
    """
    *path, last = key.split(".")
    place: Any = tree
    for part in path:
        if isinstance(place, list):
            place = next((one for one in place if one.get("id") == part), None)
        else:
            place = place.get(part) if isinstance(place, dict) else None
        if place is None:
            return [f"« {name}.{key} » n'existe pas : « {part} » inconnu"]
    old = place.get(last) if isinstance(place, dict) else None
    if old is None or last in ("source", "mark") or isinstance(old, dict | list):
        return [f"« {name}.{key} » n'existe pas ou ne se change pas"]
    if not _alike(value, old):
        return [f"« {name}.{key} » : « {value} » ne remplace pas « {old} »"]
    place[last] = value
    return []


def _alike(value: Any, old: Any) -> bool:
    if isinstance(old, bool) or isinstance(value, bool):
        return isinstance(old, bool) and isinstance(value, bool)
    if isinstance(old, str):
        duration = DURATION.fullmatch(old)
        return isinstance(value, str) and (not duration or bool(DURATION.fullmatch(value)))
    return isinstance(value, int | float) and value >= 0


def knowable(trees: dict[str, dict[str, Any]]) -> list[str]:
    """Return the figures left out of order (low, central, high), or chances beyond one."""
    faults: list[str] = []

    def walk(said: Any, path: str) -> None:
        if isinstance(said, list):
            for one in said:
                if isinstance(one, dict):
                    walk(one, f"{path}.{one.get('id', '')}")
            return
        if not isinstance(said, dict):
            return
        ends = [said[b] for b in BOUNDS if isinstance(said.get(b), int | float)]
        if ends != sorted(ends):
            faults.append(f"« {path} » : chiffres à ranger : low ≤ central ≤ high")
        if path.startswith("chance") and any(end > 1 for end in ends):
            faults.append(f"« {path} » : une chance ne dépasse pas 1")
        for key, inner in said.items():
            walk(inner, f"{path}.{key}")

    for name, tree in trees.items():
        walk(tree, name)
    return faults

"""What-if files: change a delay, a practice, a condition's value, a budget or an asked fact.

A TOML file of one supposition. Keys are paths into what the package says; one that leads nowhere is
refused by name. Nothing is added to the law: what a file changes must already be there.
"""

from __future__ import annotations

import copy
import tomllib
from typing import TYPE_CHECKING, Any

import pandas as pd
from pydantic import Field, StrictBool, StrictFloat, StrictInt, StrictStr, ValidationError

from friches.errors import Breach, InputError, refuse
from friches.facts import DTYPES, dictionary
from friches.procedure import Strictly
from friches.scenarios.amend import amended, knowable, ordered, put
from friches.scenarios.setting import Setting, setting

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from friches.judge import Fact

GUIDE = "voir « What-if files » dans le README"
TREES = ("field", "chance", "cost")
LAYERS = ("asked", "owners")  # what a person or a register tells; the rest is measured


class Supposed(Strictly):
    """A fact supposed of parcels, blocks or communes (none named: everywhere).

    Without `value` the fact is supposed unknown.
    """

    name: str
    value: StrictBool | StrictInt | StrictFloat | StrictStr | None = None
    parcels: list[str] = Field(default_factory=list)
    blocks: list[str] = Field(default_factory=list)
    communes: list[str] = Field(default_factory=list)


class Budget(Strictly):
    """What may be spent in all, euros."""

    eur: float = Field(ge=0)


class WhatIf(Strictly):
    """A supposition: sections of dotted keys (« instrument.step.within ») and their new values.

    `delay` and `practice` change steps, `condition` the value a condition compares (« instrument.
    condition », or « instrument.condition.where » for an exception), `field`, `chance` and `cost`
    the files of those names.
    """

    title: str = Field(min_length=1)
    delay: dict[str, Any] = Field(default_factory=dict)
    practice: dict[str, Any] = Field(default_factory=dict)
    condition: dict[str, Any] = Field(default_factory=dict)
    field: dict[str, Any] = Field(default_factory=dict)
    chance: dict[str, Any] = Field(default_factory=dict)
    cost: dict[str, Any] = Field(default_factory=dict)
    budget: Budget | None = None
    fact: list[Supposed] = Field(default_factory=list)


def read_whatif(path: Path) -> WhatIf:
    """Read a what-if file and check it against the law, the figures and the facts.

    Raises
    ------
    InputError
        File missing or unreadable; unknown sections, keys or facts; values that do not fit; all
        at once.
    """
    if not path.is_file():
        raise refuse("fichier introuvable", path, "vérifier le chemin")
    try:
        read = WhatIf.model_validate(tomllib.loads(path.read_text("utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise refuse(f"TOML illisible : {error}", path, "corriger le fichier") from error
    except ValidationError as error:
        raise InputError(_told(fault, str(path)) for fault in error.errors()) from error
    _, faults = _applied(read, setting())
    faults += _fact_faults(read)
    if faults:
        raise InputError(Breach(fault, str(path), GUIDE) for fault in faults)
    return read


def _told(fault: Any, where: str) -> Breach:
    words = {"extra_forbidden": "clé inconnue", "missing": "clé absente"}
    key = ".".join(str(part) for part in fault["loc"])
    return Breach(f"« {key} » : {words.get(fault['type'], fault['msg'])}", where, GUIDE)


def apply(whatif: WhatIf, here: Setting | None = None) -> Setting:
    """Return the setting that a supposition makes of `here` (by default the package's).

    Raises
    ------
    InputError
        Keys that do not exist, values that do not fit; all at once.
    """
    changed, faults = _applied(whatif, here or setting())
    if faults:
        raise InputError(Breach(fault, whatif.title, GUIDE) for fault in faults)
    return changed


def _applied(whatif: WhatIf, here: Setting) -> tuple[Setting, list[str]]:
    faults: list[str] = []
    documents = dict(here.documents)
    for section in ("delay", "practice", "condition"):
        for key, value in flat(getattr(whatif, section)):
            faults += amended(documents, section, key, value)
    faults += ordered(documents)
    trees = {name: copy.deepcopy(dict(getattr(here, name))) for name in TREES}
    for name, tree in trees.items():
        for key, value in flat(getattr(whatif, name)):
            faults += put(tree, name, key, value)
    faults += knowable(trees)
    budget = here.budget_eur if whatif.budget is None else whatif.budget.eur
    return here._replace(documents=documents, budget_eur=budget, **trees), faults


def flat(section: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    """Yield dotted keys and values of nested tables: quoted « a.b.c » and [a.b] c are the same."""
    for key, value in section.items():
        if isinstance(value, dict):
            yield from flat(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value


def _fact_faults(whatif: WhatIf) -> list[str]:
    faults = []
    for said in whatif.fact:
        fact = dictionary().get(said.name)
        if fact is None:
            faults.append(f"fait inconnu « {said.name} »")
        elif fact.layer not in LAYERS:
            faults.append(f"« {said.name} » se mesure (couche « {fact.layer} ») : non modifiable")
        elif not _fits(said.value, fact):
            faults.append(f"« {said.name} » ({fact.kind}) ne peut pas valoir « {said.value} »")
    return faults


def _fits(value: object, fact: Fact) -> bool:
    if value is None:
        return True
    if isinstance(value, bool):
        return fact.kind == "boolean"
    if isinstance(value, str):
        return fact.kind == "text"
    return fact.kind == "number" or (fact.kind == "integer" and isinstance(value, int))


def apply_facts(
    whatif: WhatIf, facts: pd.DataFrame, members: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Return facts as a supposition has them; to be judged by the law, not by detection.

    Parameters
    ----------
    whatif : WhatIf
        Its `fact` sections, in order (the last one holds).
    facts : DataFrame
        Table `facts`.
    members : DataFrame, optional
        Table of that name, for suppositions on blocks.

    Raises
    ------
    InputError
        Facts, parcels, blocks or communes that do not exist; all at once.
    """
    faults = _fact_faults(whatif)
    changed = facts.copy(deep=False)
    for said in whatif.fact:
        rows, unknown = _rows(said, facts, members)
        faults += [f"« {name} » n'est pas dans l'étude" for name in unknown]
        fact = dictionary().get(said.name)
        if fact is None or faults:
            continue
        kind: Any = DTYPES[fact.kind]
        value = pd.NA if said.value is None and fact.kind != "number" else said.value
        for end in ("_low", "_high") if fact.bounded else ("",):
            column = f"{said.name}{end}"
            if column not in changed:
                changed[column] = pd.Series(index=changed.index, dtype=kind)
            supposed = pd.Series([value] * len(changed), index=changed.index, dtype=kind)
            changed[column] = changed[column].astype(kind).mask(rows, supposed)
    if faults:
        raise InputError(Breach(fault, whatif.title, GUIDE) for fault in dict.fromkeys(faults))
    return changed


def _rows(
    said: Supposed, facts: pd.DataFrame, members: pd.DataFrame | None
) -> tuple[pd.Series[bool], list[str]]:
    """Return the rows of `facts` concerned, and the names that are not in the study."""
    blocks = members if members is not None else pd.DataFrame({"parcel_id": [], "block_id": []})
    of_parcel = blocks.set_index("parcel_id")["block_id"].astype("str")
    places = {
        "parcels": facts["parcel_id"].astype("str"),
        "blocks": facts["parcel_id"].astype("str").map(of_parcel),
        "communes": facts.get("commune", pd.Series("", index=facts.index)).astype("str"),
    }
    rows = pd.Series(not (said.parcels or said.blocks or said.communes), index=facts.index)
    unknown: list[str] = []
    for key, values in places.items():
        wanted = getattr(said, key)
        rows |= values.isin(wanted)
        unknown += [name for name in wanted if name not in set(values.dropna())]
    return rows, unknown

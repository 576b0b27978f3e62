"""Routes as data: which instruments, joined in order or side by side, lead to a farmer on the land.

One TOML file a route in scenarios/routes. An instrument that opens no such route is a route of its
own. A file says the instruments (`[[leg]]`), what each waits for, and what it supposes that the
legs before it have made true (a commune that has become owner, say).
"""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Literal

from pydantic import Field, StrictBool, StrictInt, StrictStr, ValidationError

from friches.errors import Breach, InputError, refuse
from friches.judge import version_on
from friches.procedure import Chance, Duration, Step, Strictly
from friches.scenarios.path import up_to

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

    from friches.judge import Document, Fact

GUIDE = "voir les voies de scenarios/routes"
KINDS = ("amiable", "contraint", "cadre")
Strength = Literal["aucune", "contractuelle", "clause_publique", "obligatoire"]


class Leg(Strictly):
    """One instrument of a route.

    `after` names « instrument.step » of earlier legs (nothing: the leg starts at once), `wait` a
    delay between them, `until` its last step kept; steps named by `before` wait for that last step.
    `supposes` are facts that earlier legs make
    true: its conditions are read with them. A leg that is not `needed` closes nothing; `chance` is
    how likely it is to succeed.
    """

    instrument: str
    after: list[str] = Field(default_factory=list)
    wait: Duration | None = None
    before: list[str] = Field(default_factory=list)
    until: str = ""
    supposes: dict[str, StrictBool | StrictInt | StrictStr] = Field(default_factory=dict)
    why_supposed: str = ""
    needed: bool = True
    chance: Chance | None = None


class Route(Strictly):
    """A path to the land: its legs, the step that frees the land, and what it gives.

    `land` is « instrument.step »; empty for a frame that frees no land by itself. `or_land`: the
    end of a leg that is not needed and frees the land sooner if it succeeds.
    """

    title: str = Field(min_length=1)
    kind: Literal["amiable", "contraint", "cadre"]
    order: int = Field(ge=0)
    land: str = ""
    or_land: str = ""
    ends_in: str = Field(min_length=1)
    organic: str = Field(min_length=1)
    organic_strength: Strength | Literal[""] = ""
    installed_farmer: str = Field(min_length=1)
    farmer_rank: int | Literal[""] = ""
    acts: str = ""
    decides: str = ""
    cost: str = ""
    risks: str = Field(min_length=1)
    assumes: str = ""
    source: str = Field(min_length=1)
    mark: str = Field(min_length=1)
    also_alone: bool = False  # its first instrument is a route by itself too
    leg: list[Leg] = Field(min_length=1)

    @property
    def instruments(self) -> list[str]:
        """The instruments joined, in order."""
        return [leg.instrument for leg in self.leg]


def read_routes(
    folder: Path,
    documents: Mapping[str, Document],
    facts: Mapping[str, Fact],
    frames: Collection[str] = (),
) -> dict[str, Route]:
    """Read every route of a folder, and make one of each instrument that opens none of them.

    `frames` are instruments that free no land by themselves.

    Raises
    ------
    InputError
        Every breach at once: unknown keys, instruments, steps or facts.
    """
    routes: dict[str, Route] = {}
    breaches: list[Breach] = []
    for path in sorted(folder.glob("[!_]*.toml"), key=lambda p: p.stem):
        try:
            route = Route.model_validate(tomllib.loads(path.read_text("utf-8")))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            breaches.append(Breach(f"TOML illisible : {error}", str(path), "corriger le fichier"))
        except ValidationError as error:
            breaches += [_told(fault, path) for fault in error.errors()]
        else:
            faults = _faults(path.stem, route, documents, facts)
            breaches += [Breach(fault, str(path), GUIDE) for fault in faults]
            routes[path.stem] = route
    if breaches:
        raise InputError(breaches)
    opening = {route.instruments[0] for route in routes.values() if not route.also_alone}
    alone = {
        name: of_instrument(name, document, frame=name in frames)
        for name, document in documents.items()
        if document.kind == "instrument" and name not in opening
    }
    return dict(sorted((routes | alone).items()))


def _told(fault: object, path: Path) -> Breach:
    said = dict(fault)  # type: ignore[call-overload]
    key = ".".join(str(part) for part in said["loc"])
    words = {"extra_forbidden": "clé inconnue", "missing": "clé absente"}
    return Breach(f"« {key} » : {words.get(said['type'], said['msg'])}", str(path), GUIDE)


def _faults(
    name: str, route: Route, documents: Mapping[str, Document], facts: Mapping[str, Fact]
) -> Iterator[str]:
    if name in documents and route.instruments != [name]:
        yield f"la voie porte le nom de l'instrument « {name} »"
    known: set[str] = set()
    for leg in route.leg:
        document = documents.get(leg.instrument)
        if document is None or document.kind != "instrument":
            yield f"instrument inconnu « {leg.instrument} »"
            continue
        if leg.instrument in {step.partition(".")[0] for step in known}:
            yield f"instrument « {leg.instrument} » nommé deux fois"
        steps = {step.id for step in document.version[-1].step}
        if leg.until and leg.until not in steps:
            yield f"« until » : étape inconnue « {leg.until} » de « {leg.instrument} »"
        waits = [*leg.after, *leg.before]
        yield from (
            f"« after », « before » : étape inconnue « {s} »" for s in waits if s not in known
        )
        if leg.before and not leg.until:
            yield f"« before » sans « until » : {leg.instrument}"
        yield from (f"« supposes » : fait inconnu « {f} »" for f in leg.supposes if f not in facts)
        known |= {f"{leg.instrument}.{step}" for step in steps}
    for end in filter(None, (route.land, route.or_land)):
        if end not in known:
            yield f"« land » : étape inconnue « {end} »"


def of_instrument(name: str, document: Document, *, frame: bool = False) -> Route:
    """Return the route that an instrument is by itself, from what its `[about]` says.

    A `frame` frees no land, whatever its steps.
    """
    about = document.about

    def said(key: str, default: str = "") -> str:
        return str(about.get(key, default))

    rank, order = about.get("farmer_rank", ""), about.get("order", 99)
    land = "" if frame else said("land")
    kind = said("kind") if land else "cadre"
    if kind not in KINDS:
        raise refuse(f"[about] kind « {kind} » inconnu", name, f"un de {', '.join(KINDS)}")
    return Route.model_validate(
        {
            "title": document.title,
            "kind": kind,
            "order": int(str(order)) if str(order).isdigit() else 99,
            "land": f"{name}.{land}" if land else "",
            "ends_in": said("end_right", "non précisé"),
            "organic": said("organic", "non précisé"),
            "organic_strength": said("organic_strength"),
            "installed_farmer": said("installed_farmer", "non précisé"),
            "farmer_rank": rank if isinstance(rank, int) else "",
            "acts": said("acts", said("initiator")),
            "decides": said("decides"),
            "cost": said("cost"),
            "risks": said("risks", "non précisé"),
            "assumes": said("expected_branch_why"),
            "source": document.version[-1].source,
            "mark": document.version[-1].mark or "non précisé",
            "leg": [{"instrument": name}],
        }
    )


def steps_of(route: Route, documents: Mapping[str, Document], day: dt.date) -> list[Step]:
    """Return every step of a route: those of its legs, named « instrument.step » if several.

    The first steps of a leg wait for its `after` (and `wait`); those beyond its `until` are left.
    """
    alone = len(route.leg) == 1
    found: list[Step] = []
    for leg in route.leg:
        steps = list(version_on(documents[leg.instrument], day).step)
        if leg.until:
            steps = up_to(steps, leg.until, leg.instrument)
        first = [] if alone else list(leg.after)
        if leg.wait:
            waiting = Step(id="attente_terme", after=first, lasts=leg.wait, act="Durée à courir")
            first = [f"{leg.instrument}.attente_terme"]
            found.append(waiting.model_copy(update={"id": first[0]}))
        found += [_renamed(step, leg, first, alone) for step in steps]
    for leg in route.leg:
        last = f"{leg.instrument}.{leg.until}"
        found = [
            step.model_copy(update={"after": [*step.after, last]})
            if step.id in leg.before
            else step
            for step in found
        ]
    return found


def _renamed(step: Step, leg: Leg, first: list[str], alone: bool) -> Step:
    if alone:
        return step
    said = f"{leg.instrument}."
    return step.model_copy(
        update={
            "id": said + step.id,
            "after": [said + name for name in step.after] or first,
            "branch": step.branch and said + step.branch,
            "optional": step.optional or not leg.needed,
        }
    )


def end_of(route: Route, which: str = "land") -> str:
    """Return the step that frees the land (or `or_land`), as `steps_of` names it."""
    end: str = getattr(route, which)
    return end.partition(".")[2] if len(route.leg) == 1 else end


def expected_of(route: Route, documents: Mapping[str, Document]) -> str:
    """Return the expected branches of a route's forks, with spaces between."""
    said = []
    for leg in route.leg:
        names = str(documents[leg.instrument].about.get("expected_branch", "")).split()
        prefix = "" if len(route.leg) == 1 else f"{leg.instrument}."
        said += [prefix + name for name in names]
    return " ".join(said)

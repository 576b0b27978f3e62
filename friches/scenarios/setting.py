"""All that a plan reads besides tables: law, routes, calendars, chances, costs, advice, budget."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from friches.facts import dictionary
from friches.scenarios import chance, field
from friches.scenarios.routebook import Route, read_routes
from friches.scenarios.rule import law

if TYPE_CHECKING:
    from collections.abc import Mapping

    from friches.judge import Document

ROUTES = Path(__file__).with_name("routes")


class Setting(NamedTuple):
    """What stands behind dates, costs and advice; a what-if file makes another one of it.

    Attributes
    ----------
    documents : mapping of str to Document
        Gates and instruments.
    routes : mapping of str to Route
        Every route, those of a single instrument included.
    field, chance, cost, advice : mapping
        field.toml, chance.toml, cost.toml and routes/_advice.toml.
    budget_eur : float or None
        What may be spent in all; None: no limit.
    """

    documents: Mapping[str, Document]
    routes: Mapping[str, Route]
    field: Mapping[str, Any]
    chance: Mapping[str, Any]
    cost: Mapping[str, Any]
    advice: Mapping[str, Any]
    budget_eur: float | None = None

    @property
    def gates(self) -> dict[str, Document]:
        """The documents that stand across every route."""
        return {name: said for name, said in self.documents.items() if said.kind == "gate"}


@cache
def setting() -> Setting:
    """Return the setting as the package has it."""
    documents, advice = law(), _read(ROUTES / "_advice.toml")
    return Setting(
        documents,
        read_routes(ROUTES, documents, dictionary(), advice["frame"]),
        field.figures(),
        chance.figures(),
        _read(Path(__file__).with_name("cost.toml")),
        advice,
    )


def _read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text("utf-8"))

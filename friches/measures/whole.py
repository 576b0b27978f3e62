"""What is true of a whole layer, and must be known where only a part of it is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from friches.sources.read import WHOLE

if TYPE_CHECKING:
    import pandas as pd


def whole_of(layer: str, table: pd.DataFrame) -> dict[str, Any]:
    """Return what `said` reads of a layer, to be put in its `attrs` under `WHOLE`."""
    return {name: find(table) for name, find in _FINDERS.get(layer, {}).items()}


def said(table: pd.DataFrame, name: str) -> Any:
    """Return what is true of the whole layer of which `table` may be a part.

    « campaigns » of declared_fields: years given, also those known to have no field here;
    « homes_told » of buildings: whether any building says that it is a dwelling, or is none;
    « kinds » of constraints: the kinds of perimeters that were given.
    """
    told = table.attrs.get(WHOLE, {})
    return told[name] if name in told else _ALL[name](table)


def _campaigns(fields: pd.DataFrame) -> list[int]:
    # A campaign known to have no field here is a campaign given: nothing was declared in it.
    void = fields.attrs.get("without_fields", [])
    return sorted({int(year) for year in [*fields["campaign"].unique(), *void]})


def _homes_told(buildings: pd.DataFrame) -> bool:
    return bool(buildings["dwelling"].notna().any())


def _kinds(perimeters: pd.DataFrame) -> list[str]:
    return sorted(perimeters.attrs.get("kinds_read", perimeters["kind"].unique()))


_FINDERS: dict[str, dict[str, Any]] = {
    "declared_fields": {"campaigns": _campaigns},
    "buildings": {"homes_told": _homes_told},
    "constraints": {"kinds": _kinds},
}
_ALL = {name: find for finders in _FINDERS.values() for name, find in finders.items()}

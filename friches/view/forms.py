"""QGIS styles: the map's words and colours, French column names, forms that QField knows.

Everything a run computed is read-only in QGIS; the layer `visits` alone is filled by hand.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, NamedTuple

from friches import tables
from friches.view import look, page, words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

VISITS = "visits"
POINTS = ("canteens", "farms", VISITS)
KEYS = {"parcels": "parcel_id", "blocks": "block_id", "canteens": "name", "farms": "name"}
"""The column that names a row in lists of features."""
FILLS = {"solid": ("solid", 140), "lines": ("b_diagonal", 255), "none": ("no", 0)}
LINES = {"": "solid", "7 4": "dash", "2 3": "dot"}
"""QGIS words for the hatch and dash of `words.ANSWERS`."""
_HOMES = {
    "parcels": ("parcels", "fallow", "members", "facts"),
    "blocks": ("blocks", "matches", "meals"),
    "canteens": ("canteens",),
    "farms": ("farmers",),
}
_NOT_NULL, _UNIQUE = 1, 2  # QgsFieldConstraints


class Field(NamedTuple):
    """One column of a form.

    Attributes
    ----------
    name, label : str
        Machine name, French name.
    widget : str
        QGIS widget type.
    options : tuple of (str, str, str)
        Qt type, name and value of the widget's own options.
    choices : tuple of (str, str)
        French word and stored value, for ValueMap.
    editable : bool
    default : str
        QGIS expression, or "".
    constraints : int
        Sum of 1 (never empty) and 2 (unique).
    """

    name: str
    label: str
    widget: str = "TextEdit"
    options: tuple[tuple[str, str, str], ...] = ()
    choices: tuple[tuple[str, str], ...] = ()
    editable: bool = False
    default: str = ""
    constraints: int = 0


@cache
def visits() -> dict[str, dict[str, Any]]:
    """Return the columns of the layer `visits`, in order (visits.toml)."""
    return dict(_book()["columns"])


def known_widgets() -> frozenset[str]:
    """Return the widgets that QField's documentation lists (visits.toml, with its source)."""
    return frozenset(_book()["widgets"]["known"])


@cache
def _book() -> dict[str, Any]:
    text = (resources.files("friches.view") / "visits.toml").read_text("utf-8")
    return tomllib.loads(text)


def qml(layer: str, columns: Mapping[str, str], run_id: str = "") -> str:
    """Return the QGIS style of a layer.

    Parameters
    ----------
    layer : str
        parcels, blocks, canteens, farms or visits.
    columns : mapping
        Machine name -> dtype of the columns of the layer, in order, without geometry (not looked
        at for visits).
    run_id : str
        The edition a visitor has before them, for visits.
    """
    fields = _asked(run_id) if layer == VISITS else list(_shown(layer, columns))
    key = "parcel_id" if layer == VISITS else KEYS[layer]
    return (
        page.environment()
        .get_template("layer.qml.j2")
        .render(
            classes=_classes() if layer != VISITS and "answer" in columns else [],
            width="0.66" if layer == "blocks" else "0.26",
            symbol=_symbol(layer),
            fields=fields,
            geometry=0 if layer in POINTS else 2,
            read_only=0 if layer == VISITS else 1,
            display=key if any(f.name == key for f in fields) else fields[0].name,
        )
    )


def _shown(layer: str, columns: Mapping[str, str]) -> Iterable[Field]:
    """Return the read-only fields of a layer that a run writes."""
    for name, kind in columns.items():
        if kind.startswith("datetime"):
            options = _date("dd/MM/yyyy")
            yield Field(name, label(layer, name), "DateTime", options)
        elif kind.lower().startswith(("int", "float")):
            yield Field(name, label(layer, name), "Range", _range({}))
        else:
            yield Field(name, label(layer, name), "TextEdit", _text(multiline=name in _LONG))


_LONG = {"reasons", "against", "to_ask", "why"}


def _asked(run_id: str) -> list[Field]:
    return [
        Field(
            name,
            said["label"],
            said["widget"],
            _options(said),
            _choices(said.get("values")),
            not said.get("fixed", False),
            f"'{run_id}'" if said.get("default") == "@run_id" else said.get("default", ""),
            _NOT_NULL * said.get("required", False) + _UNIQUE * said.get("unique", False),
        )
        for name, said in visits().items()
    ]


def _choices(values: Any) -> tuple[tuple[str, str], ...]:
    if values == "@stages":
        return tuple((stage, stage) for stage in tables.STAGES)
    return tuple((word, value) for value, word in (values or {}).items())


def _options(said: Mapping[str, Any]) -> tuple[tuple[str, str, str], ...]:
    widget = said["widget"]
    if widget == "TextEdit":
        return _text(multiline=said.get("multiline", False))
    if widget == "DateTime":
        return _date("dd/MM/yyyy")
    if widget == "Range":
        return _range(said)
    if widget == "ExternalResource":
        # Stored relative to the project: the file and its photos move together.
        return (
            ("int", "RelativeStorage", "1"),
            ("int", "StorageMode", "0"),
            ("int", "DocumentViewer", "1"),
            ("bool", "FileWidget", "true"),
            ("bool", "FileWidgetButton", "true"),
        )
    if widget == "CheckBox":
        return (("bool", "AllowNullState", "true"),)  # not ticked is not « no »
    return ()


def _text(*, multiline: bool) -> tuple[tuple[str, str, str], ...]:
    # UseHtml stays off: a text from data is never rendered.
    return (
        ("bool", "IsMultiline", "true" if multiline else "false"),
        ("bool", "UseHtml", "false"),
    )


def _date(shown: str) -> tuple[tuple[str, str, str], ...]:
    return (
        ("bool", "allow_null", "true"),
        ("bool", "calendar_popup", "true"),
        ("QString", "display_format", shown),
        ("QString", "field_format", "yyyy-MM-dd"),
        ("bool", "field_iso_format", "false"),
    )


def _range(said: Mapping[str, Any]) -> tuple[tuple[str, str, str], ...]:
    ends = [("int", name, str(said[key])) for name, key in _ENDS.items() if key in said]
    return (("bool", "AllowNull", "true"), ("QString", "Style", "SpinBox"), *ends)


_ENDS = {"Min": "low", "Max": "high", "Step": "step"}


def _classes() -> list[dict[str, Any]]:
    return [
        {
            "word": answer.word,
            "rgb": rgb(answer.colour),
            "fill": FILLS[answer.hatch][0],
            "alpha": FILLS[answer.hatch][1],
            "line": LINES[answer.dash],
        }
        for answer in words.ANSWERS.values()
    ]


def rgb(colour: str) -> str:
    """Return « #D55E00 » as « 213,94,0 »."""
    return ",".join(str(int(colour[n : n + 2], 16)) for n in (1, 3, 5))


def _symbol(layer: str) -> dict[str, Any]:
    if layer not in POINTS:
        options = [("color", "0,0,0,0"), ("style", "no"), ("outline_color", "138,138,138,255")]
        return {"type": "fill", "class": "SimpleFill", "options": options}
    shape, colour = {
        "farms": ("pentagon", look.PLACE_COLOURS["farm"]),
        "canteens": ("circle", look.PLACE_COLOURS["canteen"]),
        VISITS: ("diamond", look.PALETTE[-1]),
    }[layer]
    options = [
        ("name", shape),
        ("color", f"{rgb(colour)},255"),
        ("outline_color", "255,255,255,255"),
        ("size", "4"),
    ]
    return {"type": "marker", "class": "SimpleMarker", "options": options}


def label(layer: str, column: str) -> str:
    """Return the French name of a column, from the tables it may come from."""
    for home in _HOMES[layer]:
        for described in tables.TABLES[home].columns:
            if described.name == column:
                return described.label
    return words.COLUMNS.get(column, column)

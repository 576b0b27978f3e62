"""The same candidates for QGIS: one GeoPackage, styled like the map, the same bytes every time."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyogrio

from friches import tables
from friches.view import page, popups, words
from friches.view.audience import is_public, visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    import geopandas as gpd

    from friches.result import Result

PARCEL_FACTS = ("area_registered_m2", "area_m2", "years_unused_low", "years_unused_high",
                "owner_kind", "zone_plu", "slope_mean_pct", "road_distance_m")  # fmt: skip
FILLS = {"solid": ("solid", 140), "lines": ("b_diagonal", 255), "none": ("no", 0)}
LINES = {"": "solid", "7 4": "dash", "2 3": "dot"}
"""QGIS words for the hatch and dash of `words.ANSWERS`."""
_STYLES = """
CREATE TABLE layer_styles (
    id INTEGER PRIMARY KEY AUTOINCREMENT, f_table_catalog TEXT(256), f_table_schema TEXT(256),
    f_table_name TEXT(256), f_geometry_column TEXT(256), styleName TEXT(30), styleQML TEXT,
    styleSLD TEXT, useAsDefault BOOLEAN, description TEXT, owner TEXT(30), ui TEXT(30),
    update_time DATETIME);
"""


def write_geopackage(result: Result, path: Path | str) -> Path:
    """Write layers parcels, blocks, canteens and farms with their styles for QGIS.

    Parameters
    ----------
    result : Result
        What a run found; cut down here to what the study's audience may see (for the public,
        parcels are outlines without number or answer).
    path : Path or str
        The .gpkg to write; an old one is replaced.

    Returns
    -------
    Path
        `path`.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    shown = visible(result)
    moment = f"{shown.study.study.day.isoformat()}T00:00:00.000Z"
    layers = {
        "parcels": _parcels(shown),
        "blocks": _blocks(shown),
        "canteens": _places(shown.canteens),
        "farms": _places(shown.farmers),
    }
    with _clock(moment):
        for name, layer in layers.items():
            _write(layer, path, name, _about(shown))
    _style(path, layers, moment)
    return path


@contextmanager
def _clock(moment: str) -> Iterator[None]:
    """Let GDAL date the file by the study's day: the same inputs give the same bytes."""
    before = pyogrio.get_gdal_config_option("OGR_CURRENT_DATE")
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": moment})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": before})


def _write(layer: gpd.GeoDataFrame, path: Path, name: str, about: dict[str, str]) -> None:
    kind = "Point" if name in {"canteens", "farms"} else "MultiPolygon"
    pyogrio.write_dataframe(
        layer,
        path,
        layer=name,
        driver="GPKG",
        geometry_type=kind,
        promote_to_multi=kind != "Point",
        append=path.exists(),
        layer_options={"FID": "fid", "GEOMETRY_NAME": "geom"},
        dataset_metadata=None if path.exists() else about,
    )


def _about(result: Result) -> dict[str, str]:
    """Return what the file says of itself: run, day of law, audience, warning, sources."""
    sources = [
        f"{words.LAYERS.get(layer, layer)} : {text}"
        for layer, text in zip(
            result.provenance["layer"], result.provenance["attribution"], strict=True
        )
    ]
    return {
        "edition": page.run_id(result),
        "droit_au": words.day(result.study.study.day),
        "version": words.AUDIENCES[result.study.study.audience],
        "avertissement": words.TO_CONFIRM,
        "sources": " ; ".join(sources),
    } | ({"territoire": words.FICTITIOUS} if result.study.study.fictitious else {})


def _parcels(result: Result) -> gpd.GeoDataFrame:
    if is_public(result):
        return result.parcels[["commune", "geometry"]].reset_index(drop=True)
    facts = result.facts[["parcel_id", *(c for c in PARCEL_FACTS if c in result.facts)]]
    made = (
        result.parcels[["parcel_id", "commune", "prefix", "section", "number", "geometry"]]
        .merge(result.fallow, on="parcel_id", how="left")
        .merge(result.members, on="parcel_id", how="left")
        .merge(facts, on="parcel_id", how="left")
    )
    if "owner_kind" in made:
        made["owner_kind"] = made["owner_kind"].map(words.OWNER_KINDS).astype("str")
    return _plain(made)


def _blocks(result: Result) -> gpd.GeoDataFrame:
    made = popups.sorted_blocks(result).merge(
        result.matches.drop(columns="meals"), on="block_id", how="left"
    )
    eaten = popups.rows_of(result.meals, "block_id")
    none = result.meals.iloc[:0]
    three = [
        popups.block_meals(eaten.get(name, none), area) or (None, None, None)
        for name, area in zip(made["block_id"], made["area_ha"], strict=True)
    ]
    for place, column in enumerate(("meals_low", "meals", "meals_high")):
        made[column] = pd.Series([row[place] for row in three], index=made.index, dtype="float64")
    return _plain(made)


def _places(places: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    made = places.copy()
    if "organic" in made:
        made["organic"] = pd.Series(
            [words.yes_no(v) for v in made["organic"]], index=made.index, dtype="str"
        )
    return _plain(made)


def _plain(layer: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Say answers in words and put the outline last: what GIS readers expect of a table."""
    made = layer.reset_index(drop=True)
    if "answer" in made:
        made["answer"] = pd.Series(
            [words.answer(v) for v in made["answer"]], index=made.index, dtype="str"
        )
    return made[[*(column for column in made.columns if column != "geometry"), "geometry"]]


def _style(path: Path, layers: dict[str, gpd.GeoDataFrame], moment: str) -> None:
    with closing(sqlite3.connect(path)) as base:
        base.executescript(_STYLES)
        base.execute(
            "INSERT INTO gpkg_contents (table_name, data_type, identifier, last_change)"
            " VALUES ('layer_styles', 'attributes', 'layer_styles', ?)",
            (moment,),
        )
        base.executemany(
            "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name,"
            " f_geometry_column, styleName, styleQML, styleSLD, useAsDefault, description, owner,"
            " ui, update_time) VALUES ('', '', ?, 'geom', ?, ?, '', 1, ?, '', '', ?)",
            [
                (name, name, qml(name, layer), f"friches : {name}", moment)
                for name, layer in layers.items()
            ],
        )
        if "parcel_id" in layers["parcels"]:
            base.execute("CREATE UNIQUE INDEX parcels_parcel_id ON parcels (parcel_id)")
        base.commit()


def qml(name: str, layer: gpd.GeoDataFrame) -> str:
    """Return the QGIS style of a layer: the map's words and colours, French column names."""
    return (
        page.environment()
        .get_template("layer.qml.j2")
        .render(
            classes=_classes() if "answer" in layer else [],
            width="0.66" if name == "blocks" else "0.26",
            symbol=_symbol(name),
            fields=[(c, _label(name, c)) for c in layer.columns if c != "geometry"],
            geometry=0 if name in {"canteens", "farms"} else 2,
        )
    )


def _classes() -> list[dict[str, Any]]:
    return [
        {
            "word": answer.word,
            "rgb": _rgb(answer.colour),
            "fill": FILLS[answer.hatch][0],
            "alpha": FILLS[answer.hatch][1],
            "line": LINES[answer.dash],
        }
        for answer in words.ANSWERS.values()
    ]


def _rgb(colour: str) -> str:
    return ",".join(str(int(colour[n : n + 2], 16)) for n in (1, 3, 5))


def _symbol(name: str) -> dict[str, Any]:
    if name not in {"canteens", "farms"}:
        options = [("color", "0,0,0,0"), ("style", "no"), ("outline_color", "138,138,138,255")]
        return {"type": "fill", "class": "SimpleFill", "options": options}
    kind, shape = ("farm", "pentagon") if name == "farms" else ("canteen", "circle")
    options = [
        ("name", shape),
        ("color", f"{_rgb(words.PLACE_COLOURS[kind])},255"),
        ("outline_color", "255,255,255,255"),
        ("size", "4"),
    ]
    return {"type": "marker", "class": "SimpleMarker", "options": options}


def _label(layer: str, column: str) -> str:
    """Return the French name of a column, from the tables it may come from."""
    homes = {
        "parcels": ("parcels", "fallow", "members", "facts"),
        "blocks": ("blocks", "matches", "meals"),
        "canteens": ("canteens",),
        "farms": ("farmers",),
    }[layer]
    for home in homes:
        for described in tables.TABLES[home].columns:
            if described.name == column:
                return described.label
    return words.COLUMNS.get(column, column)

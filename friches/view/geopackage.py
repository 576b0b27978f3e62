"""The same candidates for QGIS: one GeoPackage, styled like the map, the same bytes every time.

Its layer `visits` is for the field: one row a visit, never written over. This holds by design, not
by force: the key is a fresh UUID, the form never asks for it, the review reads rows by that key and
reports a row that changed. SQLite triggers refusing UPDATE and DELETE were left out: QField writes
a new row in several steps, and its issue 7006 and Mergin's 1414 tell of triggers that break saving
and syncing (VERIFIED, issue texts).

No QGIS project is inside: only QGIS can write one.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyogrio

from friches.view import forms, inert, page, rows, words
from friches.view.audience import WITHDRAWN, destroy_mention, is_public, visible
from friches.view.lexicon import w

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import geopandas as gpd
    from numpy.typing import NDArray

    from friches.result import Result

PART = 50_000
"""Parcels written at a time."""
PARCEL_FACTS = ("area_registered_m2", "area_m2", "years_unused_low", "years_unused_high",
                "owner_kind", "zone_plu", "slope_mean_pct", "road_distance_m")  # fmt: skip
_STYLES = """
CREATE TABLE layer_styles (
    id INTEGER PRIMARY KEY AUTOINCREMENT, f_table_catalog TEXT(256), f_table_schema TEXT(256),
    f_table_name TEXT(256), f_geometry_column TEXT(256), styleName TEXT(30), styleQML TEXT,
    styleSLD TEXT, useAsDefault BOOLEAN, description TEXT, owner TEXT(30), ui TEXT(30),
    update_time DATETIME);
"""


def write_geopackage(result: Result, path: Path | str) -> Path:
    """Write layers parcels, blocks, canteens, farms and visits with their styles for QGIS.

    Parameters
    ----------
    result : Result
        What a run found; cut down here to what the study's audience may see (for the public,
        parcels are outlines without number or answer, and there is no layer `visits`).
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
    makers: dict[str, Callable[[], Iterator[gpd.GeoDataFrame]]] = {
        "parcels": lambda: _parcels(shown),
        "blocks": lambda: iter([_blocks(shown)]),
        "canteens": lambda: iter([_places(shown.canteens)]),
        "farms": lambda: iter([_places(shown.farmers)]),
    }
    columns = {}
    with _clock(moment):
        for name, make in makers.items():
            for part in make():
                columns[name] = _columns(part)
                _write(part, path, name, _about(shown))
    with closing(sqlite3.connect(path)) as base:
        if not is_public(shown):
            _add_visits(base, shown, moment)
            columns[forms.VISITS] = {name: said["kind"] for name, said in forms.visits().items()}
        _style(base, columns, page.run_id(shown), moment)
        _index(base, columns)
        base.commit()
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
        use_arrow=True,
    )


def _about(result: Result) -> dict[str, str]:
    """Return what the file says of itself: run, day of law, audience, warning, sources."""
    sources = [
        w.shared.layer_line.format(layer=words.LAYERS.get(layer, layer), rest=text)
        for layer, text in zip(
            result.provenance["layer"], result.provenance["attribution"], strict=True
        )
    ]
    said = {
        "edition": page.run_id(result),
        "droit_au": words.day(result.study.study.day),
        "version": words.AUDIENCES[result.study.study.audience],
        "avertissement": words.TO_CONFIRM,
        "sources": " ; ".join(sources),
    }
    if result.study.study.fictitious:
        said["territoire"] = words.FICTITIOUS
    if mention := destroy_mention(result.study):
        said["destruction"] = mention
    return {name: inert.clean(text) for name, text in said.items()}


def _parcels(result: Result) -> Iterator[gpd.GeoDataFrame]:
    """Yield the layer a part at a time: a million rows with their texts would not fit twice."""
    public = is_public(result)
    kept = ["commune"] if public else ["parcel_id", "commune", "prefix", "section", "number"]
    parcels = result.parcels[[*kept, "geometry"]]
    facts = result.facts[["parcel_id", *(c for c in PARCEL_FACTS if c in result.facts)]]
    beside = [] if public else [result.fallow, result.members, facts]
    indexed = [table.set_index("parcel_id") for table in beside]
    for start in range(0, max(len(parcels), 1), PART):
        made = parcels.iloc[start : start + PART].reset_index(drop=True)
        for table in indexed:
            rows_of_part = table.index.get_indexer(made["parcel_id"])
            made = made.join(_taken(table, rows_of_part))
        if "owner_kind" in made:
            made["owner_kind"] = made["owner_kind"].map(words.OWNER_KINDS).astype("str")
        yield _plain(made)


def _taken(table: pd.DataFrame, places: NDArray[np.intp]) -> pd.DataFrame:
    """Return the rows at `places`, in that order, and missing values where a place is -1."""
    there = np.flatnonzero(places >= 0)
    return table.iloc[places[there]].set_axis(there)


def _blocks(result: Result) -> gpd.GeoDataFrame:
    made = rows.sorted_blocks(result).merge(
        result.matches.drop(columns="meals"), on="block_id", how="left"
    )
    return _plain(made.join(rows.all_meals(result.meals, made)))


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
    if "withdrawn" in made:
        gone = made.pop("withdrawn").fillna(value=False).astype(bool)
        made["answer"] = made["answer"].mask(gone, WITHDRAWN)
    return made[[*(column for column in made.columns if column != "geometry"), "geometry"]]


def _columns(layer: gpd.GeoDataFrame) -> dict[str, str]:
    return {name: str(layer[name].dtype) for name in layer.columns if name != "geometry"}


def _add_visits(base: sqlite3.Connection, result: Result, moment: str) -> None:
    """Add the empty layer of visits: a point each, perhaps without position."""
    said = forms.visits()
    columns = ", ".join(
        f"{name} {spec['kind']}{' NOT NULL' if spec.get('required') else ''}"
        f"{' UNIQUE' if spec.get('unique') else ''}"
        for name, spec in said.items()
    )
    base.execute(
        "CREATE TABLE visits"
        f" (fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, geom POINT, {columns})"
    )
    srs = base.execute("SELECT srs_id FROM gpkg_contents WHERE table_name = 'blocks'").fetchone()
    west, south, east, north = (float(end) for end in result.parcels.total_bounds)
    base.execute(
        "INSERT INTO gpkg_contents (table_name, data_type, identifier, description, last_change,"
        " min_x, min_y, max_x, max_y, srs_id) VALUES (?, 'features', ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            forms.VISITS,
            forms.VISITS,
            w.geopackage.one_a_visit,
            moment,
            west,
            south,
            east,
            north,
            srs[0],
        ),
    )
    base.execute(
        "INSERT INTO gpkg_geometry_columns VALUES ('visits', 'geom', 'POINT', ?, 0, 0)", srs
    )


def _style(
    base: sqlite3.Connection, columns: dict[str, dict[str, str]], run_id: str, moment: str
) -> None:
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
            (name, name, forms.qml(name, said, run_id), f"friches : {name}", moment)
            for name, said in columns.items()
        ],
    )


def _index(base: sqlite3.Connection, columns: dict[str, dict[str, str]]) -> None:
    """Let no file hold a parcel or a block twice, and find the visits of a parcel at once."""
    for layer, key in (("parcels", "parcel_id"), ("blocks", "block_id")):
        if key in columns[layer]:
            base.execute(f"CREATE UNIQUE INDEX {layer}_{key} ON {layer} ({key})")
    if forms.VISITS in columns:
        base.execute("CREATE INDEX visits_parcel_id ON visits (parcel_id)")

"""Every table that passes between stages, described once and checked at the door.

A table is a plain (Geo)DataFrame. `TABLES` (from tables.toml) says what its columns hold (French
label, unit, whether a value may be missing); `check` refuses a table with every breach in one
message; the column guide shown to readers is made from the same place (`columns`).
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from friches.errors import Breach, InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import geopandas as gpd

TEXT, NUMBER, INTEGER, ANSWER, DATE = "str", "float64", "Int64", "boolean", "datetime64[ns]"
KINDS_OF_GEOMETRY = {
    "polygon": {"Polygon", "MultiPolygon"},
    "line": {"LineString", "MultiLineString"},
    "point": {"Point"},
    "any": {"Polygon", "MultiPolygon", "LineString", "MultiLineString", "Point", "MultiPoint"},
}
STAGES = (
    "friche herbacée",
    "herbacée avec ligneux",
    "arbustive basse",
    "arbustive haute",
    "friche avec bâti",
    "oliveraie abandonnée",
    "verger abandonné",
    "verger de châtaigniers abandonné",
    "vigne abandonnée",
    "potentiel sylvopastoral",
)
"""The SAFER Occitanie's ten classes (Izifriche), in its words. VERIFIED, ref. R4."""


class Column(NamedTuple):
    """One column: machine name, dtype, French label with its unit, and what it may hold."""

    name: str
    kind: str
    label: str
    missing: bool = False  # a row may lack a value
    absent: bool = False  # the whole column may be absent
    values: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None


class Table(NamedTuple):
    """One table: its side (source or result), title, key, columns, and geometry (or none)."""

    side: str
    title: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    geometry: str = ""


def _column(name: str, said: dict[str, Any]) -> Column:
    values = said.pop("values", ())
    return Column(name, **said, values=STAGES if values == "@stages" else tuple(values))


def _described() -> dict[str, Table]:
    text = (resources.files("friches") / "tables.toml").read_text("utf-8")
    return {
        name: Table(
            said["side"],
            said["title"],
            tuple(said["key"]),
            tuple(_column(column, spec) for column, spec in said["columns"].items()),
            said.get("geometry", ""),
        )
        for name, said in tomllib.loads(text).items()
    }


TABLES: dict[str, Table] = _described()


@cache
def _schema(name: str) -> Any:
    import pandera.pandas as pa

    columns = {}
    for column in TABLES[name].columns:
        checks = []
        if column.values:
            checks.append(pa.Check.isin(column.values))
        if column.low is not None:
            checks.append(pa.Check.ge(column.low))
        if column.high is not None:
            checks.append(pa.Check.le(column.high))
        columns[column.name] = pa.Column(
            column.kind,
            checks,
            nullable=column.missing,
            coerce=True,
            required=not column.absent,
            description=column.label,
        )
    return pa.DataFrameSchema(columns, strict=False)


def check(
    table: pd.DataFrame, name: str, where: object = "", crs: object = None
) -> pd.DataFrame | gpd.GeoDataFrame:
    """Return `table` with its dtypes set, or refuse it with every breach at once.

    Parameters
    ----------
    table : DataFrame or GeoDataFrame
        Rows to check; columns that `TABLES` does not name pass untouched.
    name : str
        A key of `TABLES`.
    where : str or Path, optional
        The file to name in messages.
    crs : optional
        The CRS that a table with geometry must be in.

    Raises
    ------
    InputError
        With one breach for each column and rule: how many rows, the first one, what to do.
    """
    import pandera.errors

    breaches = list(_geometry_breaches(table, name, str(where), crs))
    absent = [c for c in TABLES[name].columns if c.name not in table.columns and not c.absent]
    breaches += [
        Breach(
            f"colonne « {c.name} » absente ({c.label})",
            str(where),
            f"colonnes présentes : {', '.join(map(str, table.columns))}",
        )
        for c in absent
    ]
    if not absent:
        try:
            # a shallow copy keeps the caller's table as it is, and no column twice in memory
            table = _schema(name).validate(table.copy(deep=False), lazy=True, inplace=True)
        except pandera.errors.SchemaErrors as error:
            breaches += _readable(error.failure_cases, name, str(where))
        breaches += _key_breaches(table, name, str(where))
    if breaches:
        raise InputError(breaches)
    return table


def _readable(cases: pd.DataFrame, name: str, where: str) -> list[Breach]:
    labels = {c.name: c for c in TABLES[name].columns}
    breaches = []
    cases = cases[~cases["failure_case"].astype("str").str.startswith("TypeError(")]
    cases = cases.drop_duplicates(["column", "index", "failure_case"])
    for (column, rule), group in cases.groupby(["column", "check"], sort=False, dropna=False):
        described = labels.get(str(column))
        first = group.iloc[0]
        row = "" if pd.isna(first["index"]) else f", ligne {int(first['index']) + 1}"
        expected = _expectation(str(rule), described)
        breaches.append(
            Breach(
                f"colonne « {column} » : {len(group)} valeur(s) {expected} "
                f"(première : « {first['failure_case']} »{row})",
                where,
                f"attendu : {described.label}" if described else "",
            )
        )
    return breaches


def _expectation(rule: str, column: Column | None) -> str:
    if rule == "not_nullable":
        return "manquante(s)"
    if rule.startswith(("dtype", "coerce")):
        kinds = {NUMBER: "nombre", INTEGER: "nombre entier", DATE: "date", ANSWER: "oui/non"}
        return f"illisible(s) comme {kinds.get(column.kind, 'texte') if column else 'donnée'}"
    if rule.startswith("isin") and column:
        return f"hors de la liste {', '.join(column.values)}"
    if rule.startswith("greater") and column:
        return f"sous {column.low:g}"
    if rule.startswith("less") and column:
        return f"au-dessus de {column.high:g}"
    return f"refusée(s) par « {rule} »"


def _key_breaches(table: pd.DataFrame, name: str, where: str) -> Iterable[Breach]:
    key = list(TABLES[name].key)
    if not key:
        return
    twice = table.duplicated(key, keep=False)
    if twice.any():
        first = " / ".join(map(str, table.loc[twice, key].iloc[0]))
        yield Breach(
            f"{int(twice.sum())} lignes partagent leur identifiant {', '.join(key)} "
            f"(première : « {first} »)",
            where,
            "garder une seule ligne par identifiant",
        )


def _geometry_breaches(table: Any, name: str, where: str, crs: object) -> Iterable[Breach]:
    kind = TABLES[name].geometry
    if not kind:
        return
    if "geometry" not in table.columns or not hasattr(table, "crs"):
        yield Breach("aucune géométrie", where, "donner une couche géographique")
        return
    missing = table.geometry.isna() | table.geometry.is_empty
    if missing.any():
        yield Breach(
            f"{int(missing.sum())} géométrie(s) vide(s) (première : ligne "
            f"{int(missing.to_numpy().argmax()) + 1})",
            where,
            "retirer ou réparer ces lignes",
        )
    wrong = ~missing & ~table.geometry.geom_type.isin(KINDS_OF_GEOMETRY[kind])
    if wrong.any():
        found = table.geometry.geom_type[wrong].iloc[0]
        yield Breach(f"{int(wrong.sum())} géométrie(s) de type {found}", where, f"attendu : {kind}")
    if table.crs is None:
        yield Breach("projection absente", where, "déclarer le système de coordonnées du fichier")
    elif crs is not None and table.crs != crs:
        yield Breach(f"projection {table.crs} au lieu de {crs}", where, "reprojeter la couche")


def columns(name: str) -> pd.DataFrame:
    """Return the column guide of one table: name, label, kind, whether a value may be missing."""
    return pd.DataFrame(
        [(c.name, c.label, c.kind, c.missing) for c in TABLES[name].columns],
        columns=["column", "label", "kind", "may_be_missing"],
    )


def empty(name: str, crs: object = None, extra: Mapping[str, str] | None = None) -> Any:
    """Return a table of no rows with the columns and dtypes of `name` (and of `extra`)."""
    kinds = {c.name: c.kind for c in TABLES[name].columns if not c.absent} | dict(extra or {})
    frame = pd.DataFrame({column: pd.Series(dtype=kind) for column, kind in kinds.items()})
    if not TABLES[name].geometry:
        return frame
    import geopandas as gpd

    return gpd.GeoDataFrame(frame, geometry=gpd.GeoSeries([], crs=crs), crs=crs)

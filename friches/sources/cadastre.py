"""The cadastre's parcels, from Etalab, IGN, apicarto or PCI EDIGEO files, under one identifier."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd

from friches import tables
from friches.errors import Breach, InputError, refuse
from friches.sources.columns import numbers, pick
from friches.sources.edigeo import is_edigeo, read_edigeo_parcels
from friches.sources.vector import open_vector

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

IDENTIFIER = r"\d[\dAB]\d{3}\d{3}[0-9A-Z]{2}\d{4}"
"""INSEE code (5), prefix (3), section (2), plan number (4): VERIFIED, ref. R12."""
_PARTS = ("code_dep", "code_com", "com_abs", "section", "numero")
_LAYERS = ("parcelle", "parcelles", "parcel")


def read_cadastre(paths: Sequence[Path], crs: str, communes: Sequence[str]) -> Any:
    """Read the parcels of the study's communes.

    Parameters
    ----------
    paths : sequence of Path
        Etalab GeoJSON (also .gz), IGN parcels (BD Parcellaire or Parcellaire Express columns, any
        case), apicarto answers, PCI EDIGEO sheets; several files are put together.
    crs : str
        CRS of the answer.
    communes : sequence of str
        INSEE codes (five characters): parcels of other communes are left out.

    Returns
    -------
    GeoDataFrame
        The `parcels` table, sorted by parcel_id. `attrs["left_out"]`: parcels of other communes;
        `attrs["repaired"]`: shapes that reprojection alone had made invalid, mended.

    Raises
    ------
    InputError
        Unusable files; no parcel of a commune of the study; wrong or repeated identifiers, empty or
        invalid shapes: all files and all breaches in one message.
    """
    if not paths:
        raise refuse("aucun fichier de cadastre", "cadastre", "en donner un dans [sources]")
    frames: list[Any] = []
    breaches: list[Breach] = []
    for path in paths:
        try:
            frame, more = _read(path, crs, communes)
        except InputError as error:
            breaches += error.breaches
            continue
        frames.append(frame)
        breaches += more
    if not frames:
        raise InputError(breaches)
    repaired = sum(frame.attrs.get("repaired", 0) for frame in frames)
    for frame in frames:
        frame.attrs = {}
    whole = gpd.GeoDataFrame(pd.concat(frames, ignore_index=True), crs=crs)
    inside = whole["parcel_id"].str[:5].isin(list(communes))
    breaches += _bad_identifiers(whole) + _clashes(whole)
    parcels = whole[inside].copy()
    if not breaches:
        breaches += _absent_communes(whole, parcels, communes, paths)
    breaches += _repeated(parcels) + _bad_shapes(parcels)
    if breaches:
        raise InputError(breaches)
    return _table(parcels, crs, paths, {"left_out": int((~inside).sum()), "repaired": repaired})


def _table(parcels: Any, crs: str, paths: Sequence[Path], attrs: dict[str, int]) -> Any:
    parcels = parcels.sort_values("parcel_id", ignore_index=True)
    name = parcels["parcel_id"].str
    for column, (start, stop) in {
        "commune": (0, 5),
        "prefix": (5, 8),
        "section": (8, 10),
        "number": (10, 14),
    }.items():
        parcels[column] = name[start:stop]
    order = [column.name for column in tables.TABLES["parcels"].columns]
    checked = tables.check(
        parcels[[*order, "geometry"]], "parcels", ", ".join(map(str, paths)), crs
    )
    checked.attrs.update(attrs)
    return checked


def _read(path: Path, crs: str, communes: Sequence[str]) -> tuple[Any, list[Breach]]:
    """Return the rows of one file (with file, row and the identifier its parts make), faults."""
    if is_edigeo(path):
        frame = read_edigeo_parcels([path], crs, communes)
        rows = range(1, len(frame) + 1)
        return frame.assign(row=rows, built=frame["parcel_id"]), []
    frame = open_vector(path, crs, like=_LAYERS, having=("section", "numero"), as_is=True)
    given, built = _identifiers(frame, path)
    area: pd.Series[float] = pd.Series(index=frame.index, dtype="float64")
    breaches: list[Breach] = []
    try:
        area = _registered(frame, path)
    except InputError as error:
        breaches += error.breaches
    out = gpd.GeoDataFrame(
        {
            "parcel_id": given.fillna(built),
            "built": built.fillna(given),
            "area_registered_m2": area,
            "file": str(path),
            "row": range(1, len(frame) + 1),
        },
        geometry=frame.geometry,
        crs=frame.crs,
    )
    out.attrs["repaired"] = frame.attrs["repaired"]
    return out, breaches


def _registered(frame: Any, path: Path) -> pd.Series[float]:
    picked = pick(frame, {}, path, optional={"area": ["contenance", "supf"]})
    area = numbers(picked["area"], path, "contenance")
    # Nought stands for « not known » in the plan's files: no parcel has an area of nought.
    return area.where(area != 0)


def _identifiers(frame: Any, path: Path) -> tuple[pd.Series[Any], pd.Series[Any]]:
    """Return the identifier each row states, and the one its parts make; missing where absent."""
    present = set(frame.columns)
    given = built = pd.Series(index=frame.index, dtype="str")
    stated = next((name for name in ("idu", "id") if name in present and _long(frame[name])), None)
    if stated is not None:
        given = frame[stated].astype("str")
    if {"commune", "prefixe", "section", "numero"} <= present:  # Etalab
        built = _joined(frame, ("commune", "prefixe", "section", "numero"), (5, 3, 2, 4))
    elif set(_PARTS) <= present:  # IGN, apicarto
        built = _joined(frame, _PARTS, (2, 0, 3, 2, 4))
    elif stated is None:
        raise refuse(
            "cadastre non reconnu : ni « id » ou « idu » de 14 caractères, ni ses parties",
            path,
            f"colonnes acceptées : id, idu, ou {', '.join(_PARTS)} ; "
            f"présentes : {', '.join(frame.columns)}",
        )
    return given, built


def _long(names: pd.Series[Any]) -> bool:
    return bool(names.astype("str").str.len().eq(14).any())


def _joined(frame: Any, parts: Sequence[str], widths: Sequence[int]) -> pd.Series[Any]:
    # A missing part makes the whole identifier missing; leading zeros are put back.
    whole: pd.Series[Any] = pd.Series("", index=frame.index, dtype="str")
    for part, width in zip(parts, widths, strict=True):
        text = frame[part].map(str, na_action="ignore").astype("str").str.removesuffix(".0")
        if part == "code_com":  # « 02 » after an overseas département of three figures
            long = frame["code_dep"].map(str, na_action="ignore").astype("str").str.len() == 3
            text = text.str.zfill(3).where(~long, text.str[-2:].str.zfill(2))
        whole = whole + text.str.zfill(width)
    return whole


def _bad_identifiers(whole: Any) -> list[Breach]:
    bad = whole[~whole["parcel_id"].str.fullmatch(IDENTIFIER).fillna(value=False).astype(bool)]
    return [
        Breach(
            f"{len(rows)} identifiant(s) de parcelle illisible(s) (premier : "
            f"« {_shown(rows['parcel_id'].iloc[0])} », ligne {rows['row'].iloc[0]})",
            str(file),
            "attendu : 14 caractères, commune (5), préfixe (3), section (2), numéro (4)",
        )
        for file, rows in bad.groupby("file", sort=True)
    ]


def _clashes(whole: Any) -> list[Breach]:
    apart = whole[whole["parcel_id"].notna() & (whole["parcel_id"] != whole["built"])]
    return [
        Breach(
            f"{len(rows)} identifiant(s) en désaccord avec leurs section et numéro (premier : "
            f"« {rows['parcel_id'].iloc[0]} » et « {rows['built'].iloc[0]} », "
            f"ligne {rows['row'].iloc[0]})",
            str(file),
            "exporter la couche de nouveau depuis sa source",
        )
        for file, rows in apart.groupby("file", sort=True)
    ]


def _shown(value: Any) -> str:
    return "vide" if pd.isna(value) else str(value)


def _absent_communes(
    whole: Any, parcels: Any, communes: Sequence[str], paths: Sequence[Path]
) -> list[Breach]:
    where = ", ".join(map(str, paths))
    found = ", ".join(sorted(set(whole["parcel_id"].str[:5])))
    if parcels.empty:
        return [
            Breach(
                f"parcelles d'une autre commune : {found} au lieu de {', '.join(communes)}",
                where,
                "donner le cadastre des communes de l'étude, ou corriger leurs codes INSEE",
            )
        ]
    absent = sorted(set(communes) - set(parcels["parcel_id"].str[:5]))
    return [
        Breach(
            f"aucune parcelle de la commune {code} (communes trouvées : {found})",
            where,
            "ajouter le cadastre de cette commune, ou la retirer de l'étude",
        )
        for code in absent
    ]


def _repeated(parcels: Any) -> list[Breach]:
    named = parcels[parcels["parcel_id"].notna()]
    twice = named[named.duplicated("parcel_id", keep=False)]
    if twice.empty:
        return []
    first = str(min(twice["parcel_id"]))
    files = sorted(set(twice["file"]))
    return [
        Breach(
            f"{twice['parcel_id'].nunique()} identifiant(s) de parcelle en double, "
            f"sur {len(twice)} lignes (premier : « {first} »)",
            ", ".join(files),
            "garder une seule ligne par parcelle, et ne donner chaque feuille qu'une fois",
        )
    ]


def _bad_shapes(parcels: Any) -> list[Breach]:
    void = parcels.geometry.isna() | parcels.geometry.is_empty
    invalid = ~void & ~parcels.geometry.is_valid
    breaches = []
    for rows, what in ((parcels[void], "vide(s)"), (parcels[invalid], "invalide(s)")):
        for file, some in rows.groupby("file", sort=True):
            breaches.append(
                Breach(
                    f"{len(some)} géométrie(s) {what} (première : parcelle "
                    f"« {_shown(some['parcel_id'].iloc[0])} », ligne {some['row'].iloc[0]})",
                    str(file),
                    "réparer ou retirer ces parcelles (QGIS : « Réparer les géométries »)",
                )
            )
    return breaches

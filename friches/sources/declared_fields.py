"""Fields declared to the CAP (RPG), all campaigns in one table; the codes and groups of crops."""

from __future__ import annotations

import hashlib
import tomllib
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd

from friches import tables
from friches.errors import Breach, InputError, refuse
from friches.sources.columns import numbers, pick
from friches.sources.telepac import is_telepac, read_telepac
from friches.sources.vector import open_vector, overlaps

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    Bounds = tuple[float, float, float, float]

MARGIN_M = 500.0
"""Metres read around the study: fields drawn askew, and neighbours' fields. ASSUMPTION."""
LAYERS = ("parcelles_graphiques", "rpg_parcelles")
"""Names of the fields' layer: `parcelles_graphiques` (2023: in capitals), `RPG_Parcelles` from 2024
(VERIFIED-3P, ref. R11)."""
FIRST_CODES = 2015
"""First campaign with three-letter crop codes; before, only the 28 groups (ref. R10,
VERIFIED)."""
_GROUPS = range(1, 29)


def crop_groups() -> pd.DataFrame:
    """Return the 28 groups of crops of the RPG.

    Returns
    -------
    DataFrame
        group_code (Int64), label (French), perennial (boolean: woody crops), soft (boolean: see
        `crop_codes`), source, mark.
    """
    return _listed("group")


def crop_codes() -> pd.DataFrame:
    """Return the crop codes that matter to fallow land (not the whole nomenclature).

    Returns
    -------
    DataFrame
        crop_code, label (French), group_code (Int64, missing where no text says it), fallow
        (boolean: fallow as the CAP means it, that is farmed), soft (boolean: declared, but
        under-used at best), idle (boolean: the farmer says it is not used), source, mark.
    """
    return _listed("code")


def _listed(kind: str) -> pd.DataFrame:
    frame = pd.DataFrame(list(_crops()[kind]))
    if kind == "code":
        frame["idle"] = frame["idle"].eq(other=True)
    flags = {c: "boolean" for c in ("perennial", "soft", "fallow", "idle") if c in frame.columns}
    return frame.astype({"group_code": "Int64"} | flags)


@cache
def _crops() -> dict[str, Any]:
    return tomllib.loads((resources.files("friches.sources") / "crops.toml").read_text("utf-8"))


def read_declared_fields(
    files: Mapping[int, Sequence[Path]], crs: str, bounds: Bounds | None = None
) -> Any:
    """Read the RPG of several campaigns near the study.

    Parameters
    ----------
    files : mapping of int to sequence of Path
        Campaign (year) -> its files: RPG 2015 and later in any of its versions, apicarto answers
        (rpg/v1 2010-2014, rpg/v2 2015 and later), a farmer's own Telepac export.
    crs : str
        CRS of the answer.
    bounds : (xmin, ymin, xmax, ymax), optional
        Of the study, in `crs`; fields within `MARGIN_M` of it are read.

    Returns
    -------
    GeoDataFrame
        The `declared_fields` table, by campaign then field. Before 2015 only the group of crops is
        known (crop_code missing) and the area is that of the crop named, not of the whole block.
        `attrs["repaired"]`: invalid shapes mended; `attrs["without_fields"]`: campaigns known to
        have no field here, when there are.

    Raises
    ------
    InputError
        Unusable files, a file given twice, codes or groups out of the nomenclature, no field near
        the study: every file and every breach in one message.
    """
    breaches = _given_twice(files)
    frames = []
    for campaign in sorted(files):
        if not files[campaign]:
            breaches.append(Breach("aucun fichier", f"RPG {campaign}", "retirer cette campagne"))
        for path in files[campaign]:
            try:
                frames.append(_read(path, campaign, crs, bounds))
            except InputError as error:
                breaches += error.breaches
    if breaches:
        raise InputError(breaches)
    if not frames:
        return tables.empty("declared_fields", crs)
    repaired = sum(frame.attrs["repaired"] for frame in frames)
    void = {frame.attrs.get("without_fields") for frame in frames} - {None}
    # Tables without rows lose dtypes when joined: they are left out unless all are empty.
    full = [frame for frame in frames if len(frame)] or frames[:1]
    for frame in full:
        frame.attrs = {}
    whole = gpd.GeoDataFrame(pd.concat(full, ignore_index=True), crs=crs)
    whole = whole.sort_values(["campaign", "field_id"], kind="stable", ignore_index=True)
    where = ", ".join(str(path) for campaign in sorted(files) for path in files[campaign])
    checked = tables.check(whole, "declared_fields", where, crs)
    checked.attrs["repaired"] = repaired
    if without := sorted(void - set(whole["campaign"])):
        checked.attrs["without_fields"] = without
    return checked


def _given_twice(files: Mapping[int, Sequence[Path]]) -> list[Breach]:
    """Return a breach for each file whose bytes were already given, for any campaign."""
    by_size: dict[int, list[tuple[int, Path]]] = {}
    for campaign in sorted(files):
        for path in files[campaign]:
            if path.is_file():
                by_size.setdefault(path.stat().st_size, []).append((campaign, path))
    breaches = []
    for same in by_size.values():
        seen: dict[str, tuple[int, Path]] = {}
        # Whole files are hashed only when their sizes agree: the country's RPG weighs 6 GB.
        for campaign, path in same if len(same) > 1 else ():
            first = seen.setdefault(_digest(path), (campaign, path))
            if first != (campaign, path) or sum(s == (campaign, path) for s in same) > 1:
                breaches.append(_twice(campaign, path, *first))
    return list(dict.fromkeys(breaches))


def _twice(campaign: int, path: Path, first_campaign: int, first: Path) -> Breach:
    return Breach(
        f"campagne donnée deux fois : le RPG {campaign} est le même fichier que "
        f"« {first} » (RPG {first_campaign})",
        str(path),
        "donner un fichier différent pour chaque campagne",
    )


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read(path: Path, campaign: int, crs: str, bounds: Bounds | None) -> Any:
    near = None
    if bounds is not None:
        west, south, east, north = bounds
        near = (west - MARGIN_M, south - MARGIN_M, east + MARGIN_M, north + MARGIN_M)
    if is_telepac(path):
        return read_telepac(path, campaign, crs, near)
    name = f"RPG {campaign}"
    frame = open_vector(
        path, crs, like=LAYERS, having=("code_cultu", "surf_parc"), bounds=near, name=name
    )
    where = f"{path} ({name})"
    if frame.attrs["nothing_here"]:
        void = tables.empty("declared_fields", crs)
        void.attrs.update({"repaired": 0, "without_fields": campaign})
        return void
    if near is not None:
        overlaps(frame, near, where, name)
    grouped = "num_ilot" in frame.columns
    if grouped == (campaign >= FIRST_CODES):
        told = "des groupes de cultures seuls (avant 2015)" if grouped else "des codes de culture"
        raise refuse(
            f"fichier d'une autre époque : il donne {told}",
            where,
            "vérifier l'année de ce fichier",
        )
    fields = _from_groups(frame, where) if grouped else _from_codes(frame, where)
    fields.insert(0, "campaign", campaign)
    fields.attrs["repaired"] = frame.attrs["repaired"]
    return fields


def _from_codes(frame: Any, where: str) -> Any:
    picked = pick(
        frame,
        {"crop_code": ["code_cultu"], "area_declared_ha": ["surf_parc"]},
        where,
        optional={"field_id": ["id_parcel"], "group_code": ["code_group"]},
    )
    code = picked["crop_code"].map(str, na_action="ignore").astype("str").str.upper()
    odd = code.notna() & ~code.str.fullmatch("[0-9A-Z]{3}").fillna(value=False).astype(bool)
    breaches = []
    if odd.any():
        row = int(odd.to_numpy().argmax())
        breaches.append(
            Breach(
                f"colonne « code_cultu » : {int(odd.sum())} code(s) hors nomenclature "
                f"(premier : « {code.iloc[row]} », ligne {row + 1})",
                where,
                "attendu : trois lettres ou chiffres (PPH, J6S…)",
            )
        )
    return _fields(picked, code, "code_group", "surf_parc", breaches, where)


def _from_groups(frame: Any, where: str) -> Any:
    picked = pick(
        frame,
        {"field_id": ["num_ilot"], "group_code": ["code_cultu", "cult_maj"]},
        where,
        optional={"area_declared_ha": ["surf_cultu", "surf_graph"]},
    )
    code = pd.Series(index=picked.index, dtype="str")
    return _fields(picked, code, "code_cultu", "surf_cultu", [], where)


def _fields(  # noqa: PLR0913, PLR0917
    picked: Any, code: Any, group: str, area: str, breaches: list[Breach], where: str
) -> Any:
    values = {}
    for column, shown, read in (
        ("group_code", group, _group_numbers),
        ("area_declared_ha", area, numbers),
    ):
        try:
            values[column] = read(picked[column], where, shown)
        except InputError as error:
            breaches += error.breaches
    if breaches:
        raise InputError(breaches)
    names = picked["field_id"].map(str, na_action="ignore").astype("str").str.removesuffix(".0")
    return gpd.GeoDataFrame(
        {
            "field_id": names,
            "crop_code": code,
            "group_code": values["group_code"],
            "area_declared_ha": values["area_declared_ha"],
        },
        geometry=picked.geometry,
        crs=picked.crs,
    )


def _group_numbers(series: pd.Series[Any], where: object, column: str) -> Any:
    values = numbers(series, where, column)
    odd = (values.notna() & ~values.isin(_GROUPS)).to_numpy()
    if odd.any():
        row = int(odd.argmax())
        raise refuse(
            f"colonne « {column} » : {int(odd.sum())} groupe(s) hors de 1 à 28 "
            f"(premier : « {series.iloc[row]} », ligne {row + 1})",
            where,
            "vérifier le fichier et son année",
        )
    return values.astype("Int64")

"""Texts that must stay texts: what a hostile file may put in any label, and where it is planted.

`territory` makes a whole territory in which every text that a reader takes is hostile: fields of
every layer, names of layers and of files, feature ids, descriptions of rasters, the study file,
answers and exclusions. What must be a code, a number or a date is in `CODES`: planted one by one in
test_hostile_fields.py, where it is refused with an inert message or goes on as an inert text.
"""

from __future__ import annotations

import csv
import gzip
import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd
import pyogrio
import rasterio

from friches.sample import make

if TYPE_CHECKING:
    from pathlib import Path

    from friches.result import Result

PAYLOADS = (
    "<img src=x onerror=\"document.title='pwned'\">",
    "<svg onload=\"document.title='pwned'\">",
    "</script><script>document.title='pwned'</script>",
    "<!--<script>document.title='pwned'",
    "`${document.title='pwned'}`",
    "{{ 7*7 }}{% raw %}",
    "javascript:document.title='pwned'",
    "\"><b onmouseover=document.title='pwned'>x",
    "' autofocus onfocus=document.title='pwned' x='",
    "\u202egpj.exe\u2066",
    "&lt;img src=x onerror=alert(1)&gt;\u2028document.title='pwned'",
    "\\u003cimg src=x onerror=document.title='pwned'\\u003e",
)


def planted(result: Result) -> Result:
    """Return `result` with every label made hostile, each payload several times."""
    all_of_them = " | ".join(PAYLOADS)
    made = {}
    for name in (
        "blocks",
        "canteens",
        "farmers",
        "routes",
        "meals",
        "matches",
        "fallow",
        "evidence",
        "rulings",
        "steps",
        "missing",
        "provenance",
    ):
        table = getattr(result, name).copy()
        for column in table.columns:
            keep = {"block_id", "parcel_id", "farmer_id", "canteen_id", "commune", "stage"}
            keep |= {"kind", "audience", "instrument", "condition", "rule", "role", "step"}
            keep |= {"served_by", "layer", "sha256", "geometry"}
            if column not in keep and str(table[column].dtype) in ("str", "object"):
                table[column] = all_of_them
        made[name] = table
    study = result.study.model_copy(
        update={
            "study": result.study.study.model_copy(
                update={"name": all_of_them, "contact": all_of_them}
            )
        }
    )
    return replace(result, study=study, **made)


ALL = " | ".join(PAYLOADS)
BIDI = "\u202e\u2066\u200f\x07\x00"
ESCAPES = "\x1b[2J\x1b]0;pwned\x07\u202e"
"""What would clear a terminal, name its window, turn its text round."""
HIDDEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""What no message and no output may hold (a line end may stand in a message)."""
NAMED = "<img src=x onerror=alert(1)> \u202e"
"""A part of a file name; a name may hold neither « / » nor a NUL."""
CODES = {
    "zone_urba": {"typezone", "datvalid"},
    "troncon_de_route": {"importance", "fictif"},
    "formation_vegetale": {"CODE_TFV"},
    "rpg": {"CODE_CULTU", "CODE_GROUP", "code_cultu", "code_group"},
    "cadastre": {"id", "commune", "prefixe", "section", "numero", "contenance"},
    "cantines": {"canteen_id", "meals_per_day", "days_per_year", "organic_share", "local_share",
                 "audience", "lon", "lat", "kind", "served_by"},
    "fermes": {"organic", "wants_ha", "installed_on", "kind"},
    "dvf": {"id_mutation", "date_mutation", "numero_disposition", "nature_mutation",
            "valeur_fonciere", "code_commune", "id_parcelle", "surface_terrain", "longitude",
            "latitude", "surface_reelle_bati", "nombre_lots", "code_type_local",
            "nombre_pieces_principales", "code_departement"},
    "answers": {"subject", "fact", "value", "date"},
    "exclusions": {"parcel", "date"},
}  # fmt: skip
"""Fields of each kind of file that are a code, a number, a date or a key."""
SPARE = {"troncon_de_route": 3, "batiment": 3}
"""Road natures decide speeds, a building's state whether it stands: two rows in three stay."""
OWNER_CODES = {0, 1, 2, 4, 5, 6, 13, 16, 20}
"""Columns of the owners' file that are a code or a number, by place."""
ANSWERED = ("last_crop", "owner_group", "land_class", "constraint_names")
"""Facts whose answer is a free text."""


def payload(n: int) -> str:
    """Return every payload for the first rows, then one a row."""
    return ALL if n % 13 == 0 else PAYLOADS[n % len(PAYLOADS)]


def territory(folder: Path, parcels: int = 500) -> Path:
    """Make a hostile territory in `folder` and return its study file, for the audience « restricted »."""
    make(folder, parcels, seed=3)
    renamed = {path.name: _layer(path) for path in sorted(folder.glob("*.gpkg"))}
    renamed["natura2000.gpkg"] = _site(folder, renamed["zone_urba.gpkg"])
    renamed |= {path.name: _raster(path) for path in sorted(folder.glob("*.tif"))}
    for path in (next(folder.glob("cadastre-*")), folder / "fermes.geojson"):
        renamed[path.name] = _features(path)
    for path in (folder / "cantines.csv", next(folder.glob("dvf_*.csv"))):
        renamed[path.name] = _table(path)
    renamed["parcelles_personnes_morales.csv"] = _owners(folder / "parcelles_personnes_morales.csv")
    _answered(folder)
    return _study(folder, renamed)


def kind_of(path: Path) -> str:
    """Return the key of `CODES` for a file of the sample."""
    return re.split(r"[_-]\d|-", path.stem)[0].removesuffix("-parcelles")


def _renamed(path: Path) -> str:
    """Give a file a hostile name and return it; its first word stays, some readers read it."""
    name = f"{path.name.split('.')[0]} {NAMED}.{path.name.split('.', 1)[1]}"
    path.rename(path.with_name(name))
    return name


def planted_in(layer: gpd.GeoDataFrame | pd.DataFrame, kept: set[str], spare: int = 1) -> Any:
    """Return the table with a payload in each of its text columns but those kept."""
    made = layer.copy()
    for column in made.columns:
        text = column != "geometry" and str(made[column].dtype) in ("str", "object")
        if text and column not in kept:
            old = made[column].astype("object")
            made[column] = [payload(n) if n % spare == 0 else v for n, v in enumerate(old)]
    return made


def _layer(path: Path) -> str:
    name = kind_of(path)
    layer = planted_in(gpd.read_file(path), CODES.get(name, set()), SPARE.get(name, 1))
    path.unlink()
    pyogrio.write_dataframe(layer, path, layer=f"{name} {PAYLOADS[0]}", driver="GPKG")
    return _renamed(path)


def _site(folder: Path, zoning: str) -> str:
    site = gpd.read_file(folder / zoning).dissolve()[["geometry"]]
    path = folder / "natura2000.gpkg"
    path.unlink(missing_ok=True)
    pyogrio.write_dataframe(site.assign(sitecode=ALL, sitename=ALL), path, driver="GPKG")
    return _renamed(path)


def _raster(path: Path) -> str:
    with rasterio.open(path, "r+") as raster:
        raster.update_tags(TIFFTAG_IMAGEDESCRIPTION=ALL, TIFFTAG_SOFTWARE=PAYLOADS[2], TITRE=ALL)
        for band in range(1, raster.count + 1):
            raster.update_tags(band, TITRE=payload(band))
            if not raster.descriptions[band - 1]:  # a date, where there is one
                raster.set_band_description(band, payload(band))
    return _renamed(path)


def _features(path: Path) -> str:
    packed = path.suffix == ".gz"
    text = gzip.decompress(path.read_bytes()).decode() if packed else path.read_text("utf-8")
    whole = json.loads(text)
    whole |= {"name": ALL, "lieu": ALL}
    kept = CODES["cadastre" if packed else "fermes"]
    for n, feature in enumerate(whole["features"]):
        said = feature["properties"]
        said |= {"nom": payload(n), PAYLOADS[2]: payload(n), "lieudit": f"{payload(n)}{BIDI}"}
        said |= {name: payload(n) for name in said if name not in kept | {"farmer_id"}}
        if "farmer_id" in said:
            said["farmer_id"] += f"{payload(n)}{BIDI}"
        feature["id"] = f"{payload(n)}{n}"
    raw = json.dumps(whole).encode()
    path.write_bytes(gzip.compress(raw) if packed else raw)
    return _renamed(path)


def _table(path: Path) -> str:
    table = pd.read_csv(path, dtype="str").assign(**{f"colonne {PAYLOADS[0]}": ALL})
    planted_in(table, CODES[kind_of(path)]).to_csv(path, index=False, quoting=csv.QUOTE_ALL)
    return _renamed(path)


def _owners(path: Path) -> str:
    rows = list(csv.reader(path.read_text("utf-8").splitlines(), delimiter=";"))
    for n, row in enumerate(rows[1:]):
        for column in set(range(len(row))) - OWNER_CODES:
            # land class and right decide nature and group: one in two stays
            if column not in (15, 17) or n % 2:
                row[column] = payload(n)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=";", quoting=csv.QUOTE_ALL).writerows(rows)
    return _renamed(path)


def _answered(folder: Path) -> None:
    path = folder / "answers.csv"
    table = pd.read_csv(path, dtype="str")
    table["source"] = [f"{payload(n)}{BIDI[:-1]}" for n in range(len(table))]
    subject, day = table["subject"].iloc[0], table["date"].iloc[0]
    more = [
        {"subject": subject, "fact": fact, "value": payload(n), "source": ALL, "date": day}
        for n, fact in enumerate(ANSWERED)
    ]
    table = pd.concat([table, pd.DataFrame(more)], ignore_index=True)
    table.to_csv(path, index=False, quoting=csv.QUOTE_ALL)
    gone = {"parcel": table["subject"].iloc[-5], "reason": ALL, "date": day, "by": PAYLOADS[2]}
    pd.DataFrame([gone]).to_csv(folder / "exclusions.csv", index=False, quoting=csv.QUOTE_ALL)


def _study(folder: Path, renamed: dict[str, str]) -> Path:
    text = (folder / "study.toml").read_text("utf-8")
    text = re.sub(
        r'"([^"\n]+\.[a-z.]+)"', lambda found: json.dumps(renamed.get(found[1], found[1])), text
    )
    if "natura2000" not in text:
        site = json.dumps(renamed["natura2000.gpkg"])
        text = re.sub(r"constraints *= *\[", lambda _: f"constraints = [{site}, ", text)
    name = json.dumps(ALL, ensure_ascii=True).replace("\\u007f", "")
    about = f'audience = "restricted"\npurpose = {name}\ncontact = {name}\n\n[sources]'
    text = re.sub(r"^name\s*=.*$", lambda _: f"name = {name}", text, flags=re.MULTILINE)
    path = folder / "hostile.toml"
    path.write_text(text.replace("[sources]", about, 1), "utf-8")
    return path

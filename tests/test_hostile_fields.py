"""Every field that is a code, a number, a date or a key, hostile one by one: refused, or inert.

A field that is refused counts as safe only if the message itself does nothing to a terminal; one
that is read counts only if nothing hidden is left in the table. Which fields these are stands in
`hostile.CODES`; the free texts of the same files are all hostile at once in test_hostile.py.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import hostile
import pandas as pd
import pyogrio
import pytest
import rasterio
import shapely
from hostile import ALL, CODES, ESCAPES, HIDDEN, OWNER_CODES, PAYLOADS, kind_of

import friches
from friches.errors import Breach, InputError
from friches.sample import make
from friches.sources.answers import read_answers
from friches.sources.cadastre import read_cadastre
from friches.sources.edigeo import read_edigeo_buildings
from friches.sources.exclusions import read_exclusions
from friches.sources.read import read_layers

if TYPE_CHECKING:
    from collections.abc import Callable

L93 = "EPSG:2154"
EACH = (f"{ALL}{ESCAPES}", f"{PAYLOADS[0]}{ESCAPES}", "=1+1", f"{ESCAPES}")
LAYERS = {"zone_urba": "zoning", "troncon_de_route": "roads", "formation_vegetale": "forest",
          "rpg_2019": "2019", "rpg_2022": "2022", "rpg_2024": "2024"}  # fmt: skip
TABLES = {"cantines.csv": "canteens", "dvf_12999.csv": "sales",
          "parcelles_personnes_morales.csv": "owners"}  # fmt: skip


def harmless_or_refused(read: Callable[[], Any]) -> str:
    """Read; return "refused" or "read", after checking that nothing hidden is told or kept."""
    try:
        made = read()
    except InputError as error:
        told = error
    else:
        told = None
    if told is not None:
        assert not HIDDEN.search(str(told)), ascii(str(told))
        assert all(breach.where and breach.todo for breach in told.breaches)
        return "refused"
    tables = [t for t in (made if isinstance(made, list | tuple) else [made]) if t is not None]
    for table in tables:
        for column in table.select_dtypes(include=["object", "str"]).columns:
            if column != "geometry":
                left = table[column].dropna().astype(str)
                assert not left.str.contains(HIDDEN).any(), column
    return "read"


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fields")
    make(folder, 500, seed=3)
    return folder


@pytest.fixture(scope="session")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cadastre of one large parcel that holds the sample's territory: quick to read."""
    path = tmp_path_factory.mktemp("ground") / "cadastre.json.gz"
    said = features()
    del said["features"][1]
    large = shapely.box(2.9, 44.0, 3.1, 44.2)
    said["features"][0]["geometry"] = shapely.geometry.mapping(large)
    etalab(path, said)
    return path


def layer_of(cadastre: Path, key: str, path: Path) -> Callable[[], Any]:
    """Return what reads one file as one layer of a study."""
    line = f"declared_fields.{key}" if key.isdigit() else key
    value = json.dumps(str(path))
    said = (
        '[study]\nname = "x"\ncommunes = ["12999"]\nday = 2026-09-01\n[sources]\n'
        f"cadastre = {json.dumps(str(cadastre))}\n{line} = {value}\n"
    )
    study = path.with_name("one.toml")
    study.write_text(said, "utf-8")
    name = "declared_fields" if key.isdigit() else key

    def read() -> Any:
        return read_layers(friches.open(study))[name]

    return read


# the cadastre's own fields ------------------------------------------------------------------


def features(**fields: Any) -> dict[str, Any]:
    """Two parcels as Etalab writes them, the second with the fields given."""
    made = []
    for n in (1, 2):
        west = 2.98 + n / 1000
        said = {"id": f"129990000A000{n}", "commune": "12999", "prefixe": "000", "section": "A",
                "numero": str(n), "contenance": 100, "arpente": False, "created": "2020-01-01",
                "updated": "2020-01-01"}  # fmt: skip
        shape = shapely.box(west, 44.07, west + 0.001, 44.071)
        made.append({"type": "Feature", "id": said["id"], "geometry": shapely.geometry.mapping(shape),
                     "properties": said | (fields if n == 2 else {})})  # fmt: skip
    return {"type": "FeatureCollection", "features": made}


def etalab(path: Path, whole: dict[str, Any]) -> Callable[[], Any]:
    path.write_bytes(gzip.compress(json.dumps(whole).encode()))
    return lambda: read_cadastre([path], L93, ["12999"])


@pytest.mark.parametrize("text", EACH, ids=["all", "one", "formula", "escape"])
@pytest.mark.parametrize("field", sorted(CODES["cadastre"]))
def test_x1_the_cadastre_refuses_what_is_no_identifier(tmp_path, field: str, text: str) -> None:
    read = etalab(tmp_path / "c.json.gz", features(**{field: text}))
    assert harmless_or_refused(read) == "refused"


@pytest.mark.parametrize("field", ["prefixe", "section", "numero"])
def test_x1_the_cadastre_built_of_its_parts_refuses_too(tmp_path, field: str) -> None:
    said = features(**{field: f"{PAYLOADS[3]}{ESCAPES}"})
    for feature in said["features"]:
        del feature["properties"]["id"]
    assert harmless_or_refused(etalab(tmp_path / "c.json.gz", said)) == "refused"


def test_x1_every_other_text_of_the_cadastre_is_left_where_it_is(tmp_path) -> None:
    """Feature ids, dates, foreign members, names of properties: read, and never carried on."""
    said = features(created=ALL, updated=ESCAPES, nom=ALL, **{f"{PAYLOADS[2]}{ESCAPES}": ALL})
    said |= {"name": f"{ALL}{ESCAPES}", "note": ALL, "crs_name": ESCAPES}
    for feature in said["features"]:
        feature["id"] = f"{ALL}{ESCAPES}{feature['id']}"
        feature["properties"]["arpente"] = ALL
        feature["title"] = ALL
    read = etalab(tmp_path / "c.json.gz", said)
    assert harmless_or_refused(read) == "read"
    assert "pwned" not in read().drop(columns="geometry").to_csv()


@pytest.mark.parametrize("field", ["code_dep", "code_com", "com_abs", "section", "numero", "idu",
                                   "feuille", "nom_com", "contenance"])  # fmt: skip
def test_x1_ign_parcels(tmp_path, field: str) -> None:
    columns = {"code_dep": "12", "code_com": "999", "com_abs": "000", "section": "0A",
               "numero": "0001", "idu": "129990000A0001", "feuille": "1", "nom_com": "Saint-Rebelle",
               "contenance": "100"}  # fmt: skip
    frame = gpd.GeoDataFrame(
        {name: [value] for name, value in (columns | {field: f"{ALL}{ESCAPES}"}).items()},
        geometry=[shapely.box(651_000, 6_225_000, 651_010, 6_225_010)],
        crs=L93,
    )
    path = tmp_path / "parcelle.gpkg"
    pyogrio.write_dataframe(frame, path, layer=f"parcelle {PAYLOADS[0]}", driver="GPKG")

    def read() -> Any:
        return read_cadastre([path], L93, ["12999"])

    # an « idu » that is none is not looked at: the parts make the identifier
    wanted = "read" if field in {"feuille", "nom_com", "idu"} else "refused"
    assert harmless_or_refused(read) == wanted
    if wanted == "read":
        assert "pwned" not in read().drop(columns="geometry").to_csv()


def sheet_with(sheet: Path, folder: Path, attribute: str, text: str) -> Path:
    """Copy an EDIGEO sheet, one attribute of every object replaced (its length written anew)."""
    raw = text.encode("latin-1", "replace")[:79]
    path, replaced = folder / "sheet.tar.bz2", 0
    with tarfile.open(sheet) as old, tarfile.open(path, "w:bz2") as new:
        for member in old.getmembers():
            content = old.extractfile(member).read()
            if member.name.upper().endswith(".VEC"):
                pattern = rb"(ATPCP\d\d:[^\r\n]*%s_id\r?\n(?:TEXT ?\d\d:[^\r\n]*\r?\n)?)(ATVS[A-Z])\d\d:[^\r\n]*"
                content, n = re.subn(
                    pattern % attribute.encode(),
                    lambda found: found[1] + found[2] + b"%02d:%s" % (len(raw), raw),
                    content,
                )
                replaced += n
            member.size = len(content)
            new.addfile(member, io.BytesIO(content))
    assert replaced, attribute
    return path


@pytest.mark.shared
@pytest.mark.parametrize(
    "text", [PAYLOADS[0], PAYLOADS[2], f"x{ESCAPES}"], ids=["img", "script", "esc"]
)
@pytest.mark.parametrize("attribute", ["IDU", "SUPF", "INDP", "TEX"])
def test_x1_edigeo_texts(shared, tmp_path, attribute: str, text: str) -> None:
    sheet = min((shared / "data/luxiol_edigeo").glob("*.tar.bz2"))
    path = sheet_with(sheet, tmp_path, attribute, text)
    done = harmless_or_refused(lambda: read_cadastre([path], L93, ["25354"]))
    # a SUPF that is no number is an absent contenance: the drawing counts, and it is said
    assert done == ("refused" if attribute == "IDU" else "read")
    if done == "read":
        assert (
            "pwned" not in read_cadastre([path], L93, ["25354"]).drop(columns="geometry").to_csv()
        )


@pytest.mark.shared
def test_x1_edigeo_buildings(shared, tmp_path) -> None:
    sheet = max((shared / "data/luxiol_edigeo").glob("*.tar.bz2"))
    path = sheet_with(sheet, tmp_path, "DUR", f"{PAYLOADS[0]}{ESCAPES}")
    assert harmless_or_refused(lambda: read_edigeo_buildings([path], L93)) in {"read", "refused"}


# names: files, layers, columns --------------------------------------------------------------


def test_x1_a_refusal_names_a_hostile_file_without_obeying_it(tmp_path) -> None:
    name = f"cadastre {PAYLOADS[0]}{ESCAPES}\n.json.gz".replace("/", "")
    path = tmp_path / name
    said = features(section=ESCAPES)
    assert harmless_or_refused(etalab(path, said)) == "refused"
    told = str(Breach("x", str(path), "y"))
    assert "cadastre <img src=x" in told
    assert told.count("\n") == 1  # the name's own line end is none


def test_x1_names_of_layers_and_columns_are_told_inertly(tmp_path) -> None:
    path = tmp_path / "a.gpkg"
    one = gpd.GeoDataFrame(
        {f"{PAYLOADS[0]}{ESCAPES[:-1]}".replace("\x07", ""): [ALL]},
        geometry=[shapely.Point(651_000, 6_225_000)],
        crs=L93,
    )
    for n in (1, 2):
        pyogrio.write_dataframe(one, path, layer=f"{n} {PAYLOADS[0]}\u202e\x1b[2J", append=n > 1)
    assert harmless_or_refused(lambda: read_cadastre([path], L93, ["12999"])) == "refused"
    cadastre = tmp_path / "cadastre.json.gz"
    etalab(cadastre, features())
    for key in ("zoning", "forest", "roads", "2024", "buildings", "farmers", "canteens"):
        assert harmless_or_refused(layer_of(cadastre, key, path)) == "refused", key


def test_x1_the_study_file_is_refused_inertly(tmp_path) -> None:
    path = tmp_path / "study.toml"
    etalab(tmp_path / "c.json.gz", features())
    bad = json.dumps(f"{ALL}{ESCAPES}")
    for line in (f"{bad} = 1", f"communes = [{bad}]", f"day = {bad}", f"audience = {bad}",
                 f"crs = {bad}"):  # fmt: skip
        kept = {"name": '"x"', "communes": '["12999"]', "day": "2026-09-01"}
        about = "\n".join(f"{k} = {v}" for k, v in kept.items() if not line.startswith(k))
        path.write_text(f'[study]\n{about}\n{line}\n[sources]\ncadastre = "c.json.gz"\n', "utf-8")
        done = harmless_or_refused(lambda: read_layers(friches.open(path))["parcels"])
        assert done == "refused", line


def test_x12_the_command_line_obeys_no_file(tmp_path) -> None:
    """What a terminal gets, bytes and all: a hostile name, section and study name."""
    etalab(tmp_path / f"c{NAMED_TTY}.json.gz", features(section=ESCAPES))
    study = tmp_path / "study.toml"
    study.write_text(
        f'[study]\nname = {json.dumps(ALL + ESCAPES)}\ncommunes = ["12999"]\nday = 2026-09-01\n'
        f"[sources]\ncadastre = {json.dumps(f'c{NAMED_TTY}.json.gz')}\n",
        "utf-8",
    )
    ran = subprocess.run(
        [sys.executable, "-m", "friches.cli", "check", str(study)], capture_output=True, check=False
    )
    told = (ran.stdout + ran.stderr).decode("utf-8")
    assert ran.returncode == 2, told
    assert "Entrée refusée" in told
    assert not HIDDEN.search(told), ascii(told)


NAMED_TTY = "\x1b]0;pwned\x07\u202e"


# layers and tables ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(LAYERS))
def test_x1_codes_of_the_layers(whole, ground, tmp_path, name: str) -> None:
    source = gpd.read_file(whole / f"{name}.gpkg").iloc[:20]
    columns = sorted(CODES[kind_of(whole / f"{name}.gpkg")] & set(source.columns))
    assert columns
    for column in columns:
        path = tmp_path / f"{name}.gpkg"
        path.unlink(missing_ok=True)
        pyogrio.write_dataframe(source.assign(**{column: f"{ALL}{ESCAPES}"}), path, driver="GPKG")
        assert harmless_or_refused(layer_of(ground, LAYERS[name], path)) in {"refused", "read"}


@pytest.mark.parametrize("name", sorted(TABLES))
def test_x1_codes_of_the_tables(whole, ground, tmp_path, name: str) -> None:
    """Each code and number in turn; what decides something is refused."""
    delimiter = ";" if "personnes" in name else ","
    with (whole / name).open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file, delimiter=delimiter))[:8]
    done = {}
    coded = OWNER_CODES if "personnes" in name else {
        place for place, column in enumerate(rows[0]) if column in CODES[kind_of(Path(name))]
    }  # fmt: skip
    for place in sorted(coded):
        path = tmp_path / name
        made = [list(row) for row in rows]
        for row in made[1:]:
            row[place] = f"{PAYLOADS[place % len(PAYLOADS)]}{ESCAPES}"
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows(made)
        done[rows[0][place]] = harmless_or_refused(layer_of(ground, TABLES[name], path))
    assert "refused" in done.values()
    if name == "cantines.csv":
        read = {column for column, told in done.items() if told == "read"}
        assert read <= {"canteen_id", "name", "served_by", "organic_share", "local_share"}


@pytest.mark.parametrize("field", sorted(CODES["fermes"]))
def test_x1_codes_of_the_farms(whole, ground, tmp_path, field: str) -> None:
    farms = json.loads((whole / "fermes.geojson").read_text("utf-8"))
    for farm in farms["features"]:
        farm["properties"][field] = f"{ALL}{ESCAPES}"
    path = tmp_path / "fermes.geojson"
    path.write_text(json.dumps(farms), "utf-8")
    assert harmless_or_refused(layer_of(ground, "farmers", path)) == "refused"


@pytest.mark.parametrize("column", ["subject", "fact", "value", "date"])
def test_x1_answers_that_are_none(tmp_path, column: str) -> None:
    row = {"subject": "129990000A0001", "fact": "owner_known", "value": "oui", "source": "x",
           "date": "2026-08-15"} | {column: f"{ALL}{ESCAPES}"}  # fmt: skip
    path = tmp_path / "answers.csv"
    pd.DataFrame([row]).to_csv(path, index=False, quoting=csv.QUOTE_ALL)
    done = harmless_or_refused(lambda: read_answers(path))
    assert done == ("read" if column == "subject" else "refused")  # subjects are checked later


@pytest.mark.parametrize("column", ["parcel", "date"])
def test_x1_exclusions_that_are_none(whole, tmp_path, column: str) -> None:
    row = {"parcel": "129990000A0001", "reason": "x", "date": "2026-08-15", "by": "x"}
    path = tmp_path / "exclusions.csv"
    pd.DataFrame([row | {column: f"{ALL}{ESCAPES}"}]).to_csv(path, index=False)
    shutil.copy(whole / "study.toml", tmp_path / "study.toml")
    study = friches.open(tmp_path / "study.toml")
    assert harmless_or_refused(lambda: read_exclusions(study)) == "refused"


@pytest.mark.parametrize("name", ["mnt", "ndvi", "oso_2023"])
def test_x1_descriptions_of_rasters(whole, tmp_path, name: str) -> None:
    """A band's description says the date of an image: what is no date is no date, and not kept."""
    path = tmp_path / f"{name}.tif"
    shutil.copy(whole / f"{name}.tif", path)
    with rasterio.open(path, "r+") as raster:
        raster.update_tags(TIFFTAG_DATETIME=f"{ALL}{ESCAPES[:4]}", TIFFTAG_ARTIST=ALL)
        for band in range(1, raster.count + 1):
            raster.set_band_description(band, f"{ALL} \u202e")
            raster.update_tags(band, DATE=ALL)
    key = {"mnt": "elevation", "ndvi": "ndvi", "oso_2023": "land_cover"}[name]
    value = json.dumps(path.name)
    if key == "land_cover":
        value = f'{{ path = {value}, legend = "oso23" }}'
    study = tmp_path / "one.toml"
    study.write_text(
        '[study]\nname = "x"\ncommunes = ["12999"]\nday = 2026-09-01\n[sources]\n'
        f"cadastre = {json.dumps(str(next(whole.glob('cadastre-*'))))}\n{key} = {value}\n",
        "utf-8",
    )

    def read() -> Any:
        made = read_layers(friches.open(study))
        return [table for table in made.values() if isinstance(table, pd.DataFrame)]

    assert harmless_or_refused(read) == "read"
    assert "pwned" not in str(read())


def test_every_text_of_the_sample_is_planted_or_listed(whole, tmp_path) -> None:
    """No text column of any layer is forgotten: hostile in the run, or a code tried above."""
    study = hostile.territory(tmp_path)
    assert study.is_file()
    forgotten = []
    for path in sorted(whole.glob("*.gpkg")):
        made = next(tmp_path.glob(f"{path.stem} *"))
        table = gpd.read_file(made).drop(columns="geometry")
        for column in table.select_dtypes(include=["object", "str"]).columns:
            said = " ".join(table[column].dropna().astype(str))
            if "pwned" not in said and column not in CODES.get(kind_of(path), set()):
                forgotten.append((path.name, column))
        assert "<img" in str(pyogrio.list_layers(made)[0][0])
    for name in ("cantines.csv", "dvf_12999.csv"):
        table = pd.read_csv(next(tmp_path.glob(f"{name[:-4]} *")), dtype="str")
        for column in table.columns:
            said = " ".join(table[column].dropna())
            if "pwned" not in said and column not in CODES[kind_of(Path(name))] and said:
                forgotten.append((name, column))
    assert forgotten == []

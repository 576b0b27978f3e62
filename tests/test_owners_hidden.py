"""Fictitious owners planted in a territory, then looked for in every byte of every output.

Public and internal outputs name nobody; restricted ones name owners on the separate
files marked « restreint » and nowhere else.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import shutil
import sqlite3
import subprocess
import zipfile
from contextlib import closing
from dataclasses import replace

import pandas as pd
import pyarrow.parquet as pq
import pytest

import friches
from friches.sample import make
from friches.sources.read import layer_keys
from friches.view import words
from friches.view.output import write
from friches.view.sheets import write_sheets

AUDIENCES = ("internal", "public", "restricted")
GREEK = ("ALPHA", "BETA", "GAMMA", "DELTA", "EPSILON")
NAMES = [f"PROPRIETAIRE FICTIF {greek} {n:02d}" for greek in GREEK for n in range(1, 5)]
STREETS = ("VOIE FICTIVE OMEGA", "RUE FICTIVE SIGMA")
ASKER, REASON = "DEMANDEUR FICTIF ZETA", "MOTIF FICTIF KAPPA"
ACCOUNTS = ("UFICTIF", "999888777")  # MAJIC account and SIREN: they name as well as a name
NEVER = (*STREETS, ASKER, REASON, *ACCOUNTS)
NAME, STREET, ACCOUNT, SIREN, PRICE = 23, 12, 18, 19, 987_654


def plant(folder) -> None:
    """Name owners, streets, accounts and who asked for a removal; one price to know again."""
    path = folder / "parcelles_personnes_morales.csv"
    rows = list(csv.reader(path.read_text("utf-8").splitlines(), delimiter=";"))
    for n, row in enumerate(rows[1:]):
        row[NAME], row[STREET] = NAMES[n % len(NAMES)], STREETS[0]
        row[ACCOUNT], row[SIREN] = ACCOUNTS
    assert len(rows) > len(NAMES)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=";").writerows(rows)
    sales = pd.read_csv(next(folder.glob("dvf_*.csv")), dtype="str")
    sales["adresse_nom_voie"], sales["valeur_fonciere"] = STREETS[1], str(PRICE)
    sales.to_csv(next(folder.glob("dvf_*.csv")), index=False)
    parcel = f"12999000{rows[1][5]:0>2}{rows[1][6]:0>4}"
    (folder / "exclusions.csv").write_text(
        f"parcel;reason;date;by\n{parcel};{REASON};2026-03-01;{ASKER}\n", "utf-8"
    )


@pytest.fixture(scope="module")
def territory(tmp_path_factory):
    folder = tmp_path_factory.mktemp("planted")
    make(folder, 500, seed=3)
    plant(folder)
    return folder


@pytest.fixture(scope="module")
def studies(territory):
    """The study file of each audience."""
    study = (territory / "study.toml").read_text("utf-8")
    made = {}
    for audience in AUDIENCES:
        said = f'audience = "{audience}"\npurpose = "essai sur un territoire fictif"\n[sources]'
        (territory / f"{audience}.toml").write_text(study.replace("[sources]", said, 1), "utf-8")
        made[audience] = friches.open(territory / f"{audience}.toml")
    return made


@pytest.fixture(scope="module")
def results(territory, studies):
    """The territory's tables for each audience, stages kept in folders that are searched too."""
    # Public and internal runs read the same tables: one run serves both.
    assert layer_keys(studies["public"]) == layer_keys(studies["internal"])
    internal = friches.run(studies["internal"], keep_in=territory / "kept")
    restricted = friches.run(studies["restricted"], keep_in=territory / "kept-restricted")
    public = replace(internal, study=studies["public"])
    return {"internal": internal, "public": public, "restricted": restricted}


@pytest.fixture(scope="module")
def outputs(results, tmp_path_factory):
    folder = tmp_path_factory.mktemp("outputs")
    return {audience: write(result, folder / audience) for audience, result in results.items()}


def texts(path):
    """Yield every text a file may hold, whatever it is packed in."""
    raw = path.read_bytes()
    yield path.name.encode()
    yield raw
    if raw.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            for member in archive.infolist():
                yield member.filename.encode() + member.comment
                yield archive.read(member)
    elif raw.startswith(b"\x1f\x8b"):
        yield gzip.decompress(raw)
    elif raw.startswith(b"SQLite format 3\0"):
        with closing(sqlite3.connect(path)) as base:
            for (table,) in base.execute("SELECT name FROM sqlite_master WHERE type = 'table'"):
                for row in base.execute(f'SELECT * FROM "{table}"'):
                    yield repr(row).encode()
    elif raw.startswith(b"PAR1"):
        yield repr(pq.read_metadata(path).metadata).encode()
        yield pd.read_parquet(path).drop(columns="geometry", errors="ignore").to_csv().encode()
    elif raw.startswith(b"{"):
        yield json.dumps(json.loads(raw), ensure_ascii=False).encode()


def found_in(folder, secrets) -> dict[str, set[str]]:
    """Return which secrets each file of a folder holds, in UTF-8 or UTF-16, in any case."""
    held: dict[str, set[str]] = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        for raw in texts(path):
            low = raw.lower()
            for secret in secrets:
                forms = (secret.lower().encode(), secret.lower().encode("utf-16-le"))
                if any(form in low for form in forms):
                    held.setdefault(path.relative_to(folder).as_posix(), set()).add(secret)
    return held


def test_the_search_finds_what_is_there(territory, results) -> None:
    """A search that finds nothing anywhere would prove nothing."""
    held = found_in(territory, [*NAMES, *NEVER])
    assert set().union(*held.values()) == {*NAMES, *NEVER}
    probe = territory / "probe"  # inside parquet too
    probe.mkdir(exist_ok=True)
    pd.DataFrame({"name": [NAMES[0]]}).to_parquet(probe / "owners.parquet")
    assert set().union(*found_in(probe, NAMES).values()) == {NAMES[0]}


def test_p9_a_restricted_run_keeps_no_stage(territory, results) -> None:
    assert not (territory / "kept-restricted").exists()


def test_p9_every_kind_of_file_is_searched(outputs) -> None:
    ends = {p.suffix for folder in outputs.values() for p in folder.rglob("*") if p.is_file()}
    assert ends == {".html", ".xlsx", ".gpkg", ".parquet", ".json"}


@pytest.mark.parametrize("audience", ["public", "internal"])
def test_p9_no_owner_is_named_in_any_byte(outputs, audience: str) -> None:
    assert found_in(outputs[audience], [*NAMES, *NEVER]) == {}


def test_p9_kept_stages_of_common_runs_name_nobody(territory, results) -> None:
    assert found_in(territory / "kept", [*NAMES, *NEVER]) == {}


def test_p9_results_in_memory_name_nobody_but_restricted_ones(results) -> None:
    for audience in ("public", "internal"):
        assert "name" not in results[audience].owners
    assert set(results["restricted"].owners["name"]) == set(NAMES)


def test_p1_names_are_on_the_separate_restricted_files_alone(results, outputs) -> None:
    result, folder = results["restricted"], outputs["restricted"]
    owners = result.owners.merge(result.members, on="parcel_id")
    expected: dict[str, set[str]] = {}
    for block, name in zip(owners["block_id"], owners["name"], strict=True):
        expected.setdefault(f"sheets/restreint-{block}.html", set()).add(name)
    assert expected, "no owner of this territory is in a block: nothing would be shown"
    assert found_in(folder, NAMES) == expected  # and no bulk list of names anywhere
    assert found_in(folder, NEVER) == {}
    for file in expected:
        page = (folder / file).read_text("utf-8")
        assert words.AUDIENCES["restricted"] in page
        assert "noindex" in page


def test_p3_public_files_hold_no_parcel_number(results, outputs) -> None:
    ids = list(results["internal"].members["parcel_id"])
    assert ids
    assert found_in(outputs["public"], ids) == {}
    assert found_in(outputs["internal"], ids[:3])


def test_p8_no_sale_price_in_public_outputs(results, outputs) -> None:
    facts = results["internal"].facts
    assert facts["last_sale_eur_m2"].notna().any()
    said = [str(PRICE), f"{PRICE:,}".replace(",", "\u202f"), f"{PRICE:,}".replace(",", "\u00a0")]
    assert found_in(outputs["public"], said) == {}
    assert pd.read_parquet(outputs["public"] / "tables" / "facts.parquet").empty
    for file in ("map.html", "register.html"):
        assert "noindex" in (outputs["public"] / file).read_text("utf-8")


def test_p9_public_names_no_farmer(results, outputs) -> None:
    names = list(results["internal"].farmers["name"])
    assert names
    assert found_in(outputs["public"], names) == {}


def test_p11_one_owner_reads_one_to_two(results, outputs) -> None:
    internal = results["internal"].blocks.set_index("block_id")["n_owners_low"]
    lone = internal[internal == 1].index
    assert len(lone)
    public = pd.read_parquet(outputs["public"] / "tables" / "blocks.parquet").set_index("block_id")
    assert public.loc[lone, "n_owners_low"].isna().all()
    assert set(public.loc[lone, "owners_said"]) == {"1 à 2"}
    sheet = (outputs["public"] / "sheets" / f"{lone[0]}.html").read_text("utf-8")
    assert "1 à 2" in sheet
    assert "au moins 1<" not in sheet


def test_p9_pdf_sheets_name_owners_when_restricted_only(results, tmp_path) -> None:
    pytest.importorskip("weasyprint")
    reader = shutil.which("pdftotext")
    if reader is None:
        told = "install poppler-utils to read the text of PDF sheets"
        (pytest.fail if os.environ.get("FRICHES_FULL") == "1" else pytest.skip)(told)
    owners = results["restricted"].owners.merge(results["restricted"].members, on="parcel_id")
    block = min(owners["block_id"])
    named = sorted(set(owners.loc[owners["block_id"] == block, "name"]))
    for audience in ("internal", "restricted"):
        result = results[audience]
        one = replace(result, blocks=result.blocks[result.blocks["block_id"] == block])
        files = [p for p in write_sheets(one, tmp_path / audience, pdf=True) if p.suffix == ".pdf"]
        said = {}
        for path in files:
            text = subprocess.run([reader, "-raw", path, "-"], capture_output=True, check=True)
            said[path.name] = " ".join(text.stdout.decode().split())
            assert found_in(path.parent, NAMES).get(path.name) is None  # not in clear metadata
        holders = {file for file, text in said.items() for name in NAMES if name in text}
        assert holders == ({f"restreint-{block}.pdf"} if audience == "restricted" else set())
        if audience == "restricted":
            assert all(name in said[f"restreint-{block}.pdf"] for name in named)

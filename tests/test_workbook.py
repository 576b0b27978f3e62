"""The workbook: text stays text, numbers numbers, drop-downs work, the same bytes each time.

===  =======================================  ==================================================
R1   texts from data are no formulas          test_r1_r5_…, test_r1_a_hostile_text…, test_r1_hostile_study
R2   CSV exports                              test_r2_no_csv_is_written (would need quoting)
R3   drop-downs from named ranges             test_r3_r4_…, test_r3_r6_libreoffice_…
R4   errors told, blanks allowed              test_r3_r4_…
R5   no protection, sortable                  test_r1_r5_…, test_r5_r6_…
R6   one header, frozen, keys are texts       test_r5_r6_…, test_r6_…
R7   sheets and column guide                  test_r7_…
R8   order: what to do next                   test_r8_…
R11  checks of the data                       test_r11_…
P7   what to check before publishing          test_p7_…
P10  who may receive which file               test_p10_…
===  =======================================  ==================================================

R9 (a workbook that comes back) belongs to the review; R10: test_register.py.
"""

from __future__ import annotations

import datetime as dt
import io
import re
import subprocess
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import openpyxl
import pandas as pd
import pytest
from hostile import PAYLOADS, planted
from tiny import IDS, tiny_result

from friches import tables
from friches.view import cells, method, output, publish, words, workbook
from friches.view.cells import Column, Sheet

if TYPE_CHECKING:
    from pathlib import Path

TITLES = [
    "lire d'abord", "îlots", "parcelles", "à demander", "plan d'action",
    "récoltes et prix", "méthode", "sources", "colonnes", "listes",
]  # fmt: skip
HOSTILE = (
    '=HYPERLINK("http://x.example")', "+1+1", "-1+1", "@SUM(1)", "\t=1", "\r=1", "=1\n", "#N/A",
    "'=1", "<img src=x onerror=alert(1)>", "\u202egpj.exe", "=cmd|' /C calc'!A0",
)  # fmt: skip


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return workbook.write_workbook(tiny_result(), tmp_path_factory.mktemp("xlsx") / "register.xlsx")


def inside(path: Path) -> dict[str, str]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name).decode("utf-8") for name in archive.namelist()}


def column(sheet: Any, label: str) -> list[Any]:
    place = next(c.column for c in sheet[1] if c.value == label)
    return [row[place - 1].value for row in sheet.iter_rows(min_row=2)]


def test_r7_sheets_and_their_order(written: Path) -> None:
    assert openpyxl.load_workbook(written).sheetnames == TITLES


def test_same_bytes_twice_and_no_clock_inside(written: Path, tmp_path: Path) -> None:
    again = workbook.write_workbook(tiny_result(), tmp_path / "again.xlsx")
    assert again.read_bytes() == written.read_bytes()
    with zipfile.ZipFile(written) as archive:
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert inside(written)["docProps/core.xml"].count("2026-09-01T00:00:00Z") == 2


def test_r1_r5_no_formula_no_merge_no_protection_no_link_out(written: Path) -> None:
    for name, xml in inside(written).items():
        assert "<f>" not in xml, name
        assert "<f " not in xml
        assert "mergeCell" not in xml
        assert "sheetProtection" not in xml
        assert "externalLink" not in name
        assert "hyperlink" not in xml.lower() or name.endswith(("theme1.xml", "Types].xml"))


def test_r5_r6_header_and_key_are_frozen_and_filtered(written: Path) -> None:
    book = openpyxl.load_workbook(written)
    for sheet in book:
        assert sheet.freeze_panes == "B2"
        assert sheet.auto_filter.ref.startswith("A1:")
        labels = [cell.value for cell in sheet[1]]
        assert all(labels)
        assert len(labels) == len(set(labels)), sheet.title


def test_r6_keys_are_text_and_numbers_are_numbers(written: Path) -> None:
    book = openpyxl.load_workbook(written)
    parcels, blocks = book["parcelles"], book["îlots"]
    assert all(isinstance(row[0].value, str) for row in parcels.iter_rows(min_row=2))
    assert parcels["A2"].quotePrefix
    assert column(blocks, "Surface cadastrale (ha)") == [2.01, 1.0]
    assert column(parcels, "Contenance cadastrale (m²)").count(10_050) == 8
    assert column(parcels, "Code INSEE de la commune") == ["12999"] * 9
    first = column(blocks, "Premier repas, au plus tôt")[0]
    assert (first.year, first.month, first.day) == (2027, 9, 1)


def test_r6_pandas_reads_it_as_it_is(written: Path) -> None:
    read = pd.read_excel(written, sheet_name="parcelles")
    assert len(read) == 9
    assert set(read.iloc[:, 0]) == set(IDS)


def test_r8_rows_stand_in_the_order_of_what_to_do(written: Path) -> None:
    book = openpyxl.load_workbook(written)
    assert [row[0].value for row in book["îlots"].iter_rows(min_row=2)] == ["B001", "B002"]
    ids = [row[0].value for row in book["parcelles"].iter_rows(min_row=2)]
    assert ids[:3] == [IDS[0], IDS[1], IDS[8]]  # A 9 is unknown without any sign


@pytest.mark.parametrize(
    ("label", "name", "values"),
    [
        ("Réponse constatée", "liste_reponses", list(words.SEEN)),
        ("Stade constaté", "liste_stades", list(tables.STAGES)),
    ],
)
@pytest.mark.parametrize("title", ["îlots", "parcelles"])
def test_r3_r4_review_cells_choose_from_named_ranges_and_tell_errors(
    written: Path, title: str, label: str, name: str, values: list[str]
) -> None:
    book = openpyxl.load_workbook(written)
    sheet = book[title]
    cell = next(c for c in sheet[1] if c.value == label)
    rule = next(
        r for r in sheet.data_validations.dataValidation if f"{cell.column_letter}2" in r.sqref
    )
    assert (rule.type, rule.formula1) == ("list", name)
    assert rule.allow_blank
    assert rule.showErrorMessage
    assert rule.errorTitle == "Valeur hors liste"
    assert f"{cell.column_letter}{sheet.max_row}" in rule.sqref
    where = book.defined_names[name].attr_text
    page, cells_ = where.split("!")
    assert [c.value for (c,) in book[page][cells_.replace("$", "")]] == values


def test_r7_every_column_is_in_the_guide(written: Path) -> None:
    book = openpyxl.load_workbook(written)
    guide = {(row[1], row[0]) for row in book["colonnes"].iter_rows(min_row=2, values_only=True)}
    for sheet in book:
        if sheet.title not in ("colonnes", "listes"):
            assert {(sheet.title, cell.value) for cell in sheet[1]} <= guide


def test_first_sheet_warns_and_tells_who_may_receive_it(written: Path) -> None:
    said = dict(
        openpyxl.load_workbook(written)["lire d'abord"].iter_rows(min_row=2, values_only=True)
    )
    assert "à confirmer sur le terrain" in said["Nature"]
    assert "non relu" in said["Nature"] or "n'a pas été relu" in said["Nature"]
    assert said["Avertissement"] == "territoire fictif"
    assert said["Jour du droit"] == "1er septembre 2026"
    assert "SAFER" in said["Qui peut le recevoir"]


def test_questions_count_parcels_and_blocks(written: Path) -> None:
    rows = list(
        openpyxl.load_workbook(written)["à demander"].iter_rows(min_row=2, values_only=True)
    )
    assert [row[:7] for row in rows] == [
        ("Q001", "mairie", "Depuis quand ?", "détection", 1, 1, "B002"),
        ("Q002", "propriétaire", "Une force majeure ?", "Terres incultes : demande au préfet",
         None, 2, "B001 ; B002"),
    ]  # fmt: skip


def test_the_hash_of_a_row_changes_with_its_facts_alone(tmp_path: Path) -> None:
    def hashes(result: Any) -> dict[str, str]:
        path = workbook.write_workbook(result, tmp_path / "x.xlsx")
        rows = openpyxl.load_workbook(path)["parcelles"].iter_rows(min_row=2, values_only=True)
        return {row[0]: row[-1] for row in rows}

    result = tiny_result()
    facts = result.facts.copy()
    facts.loc[facts["parcel_id"] == IDS[0], "slope_mean_pct"] = 7.0
    before, after = hashes(result), hashes(replace(result, facts=facts))
    assert [pid for pid in before if before[pid] != after[pid]] == [IDS[0]]


@pytest.mark.parametrize("text", HOSTILE)
def test_r1_a_hostile_text_is_a_text(text: str) -> None:
    book = openpyxl.Workbook(write_only=True)
    sheet = Sheet("x", (Column("a", "a"), Column("b", "b", "number")), [{"a": text, "b": -1.5}])
    cells.add(book, sheet)
    made = io.BytesIO()
    book.save(made)
    back = openpyxl.load_workbook(io.BytesIO(made.getvalue()))["x"]
    assert back["A2"].data_type == "s"
    assert back["A2"].value == cells.inert.clean(text)
    assert back["A2"].quotePrefix
    assert back["B2"].value == -1.5
    assert not back["B2"].quotePrefix


def test_r1_hostile_study(tmp_path: Path) -> None:
    path = workbook.write_workbook(planted(tiny_result()), tmp_path / "hostile.xlsx")
    for xml in inside(path).values():
        assert "<f>" not in xml
        assert "\u202e" not in xml
        assert "<img" not in xml
    book = openpyxl.load_workbook(path)
    assert any(PAYLOADS[0] in str(value) for value in column(book["îlots"], "Ferme proposée"))


def test_long_texts_are_capped_and_infinity_is_a_word() -> None:
    assert len(cells._plain("x" * 50_000)) == cells.CAP
    assert cells._plain(float("inf")) == "∞"
    assert cells._plain(pd.NA) is None
    assert cells._plain(pd.Timestamp("2026-09-01")) == dt.date(2026, 9, 1)


def test_r2_no_csv_is_written(tmp_path: Path) -> None:
    out = output.write(tiny_result(), tmp_path / "out")
    assert not list(out.rglob("*.csv"))


def test_r11_checks_stand_in_the_method(written: Path) -> None:
    rows = openpyxl.load_workbook(written)["méthode"].iter_rows(min_row=2, values_only=True)
    told = {row[0]: row[2] for row in rows if row[1] == "qualité"}
    assert re.sub(r"\s", " ", told["contrôle\u00a0: contenance absente du cadastre"]) == (
        "1 parcelle sur 9 concernées"
    )
    assert len(told) == len(method.checks(tiny_result().facts))


def first(result: Any, folder: Path) -> dict[str, str]:
    path = workbook.write_workbook(result, folder / "first.xlsx")
    rows = openpyxl.load_workbook(path)["lire d'abord"].iter_rows(min_row=2, values_only=True)
    return dict(rows)


def test_p7_checklist_before_publishing(tmp_path: Path) -> None:
    assert publish.checklist(tiny_result()) == []
    assert "Avant de publier" not in first(tiny_result(), tmp_path)
    public = tiny_result(audience="public", contact="")
    lines = publish.checklist(public)
    assert lines[0] == "Avant de publier\u00a0:"
    assert all(line.startswith("[ ] ") for line in lines[1:-1])
    assert any("0\u00a0parcelle retirée" in line for line in lines)
    assert any(words.NO_CONTACT in line for line in lines)
    assert any("12999" in line for line in lines)
    assert "L312-1-2" in lines[-1]
    assert lines[1] in first(public, tmp_path)["Avant de publier"]


@pytest.mark.parametrize("audience", ["public", "internal", "restricted"])
def test_p10_every_file_has_receivers_and_the_public_stays_at_commune_scale(
    audience: str, tmp_path: Path
) -> None:
    result = tiny_result(audience=audience, purpose="recherche des propriétaires")
    said = first(result, tmp_path)["Qui peut le recevoir"]
    for name in ("map.html", "register.html", "register.xlsx", "fiches", "candidates.gpkg",
                 "tables/", "summary.json", "manifest.json"):  # fmt: skip
        assert name in said, name
    assert ("échelle communale" in said and "12999" in said) is (audience == "public")
    assert ("restreint-" in said) is (audience == "restricted")
    assert ("à détruire avant le" in said) is (audience == "restricted")


def test_public_workbook_has_no_parcel_row(tmp_path: Path) -> None:
    path = workbook.write_workbook(tiny_result(audience="public"), tmp_path / "public.xlsx")
    for name, xml in inside(path).items():
        assert not re.search(r"12999\d{3}[0-9A-Z]{2}\d{4}", xml), name
        assert "Ferme fictive" not in xml
    book = openpyxl.load_workbook(path)
    assert book["parcelles"].max_row == 1
    assert column(book["îlots"], "Nombre de propriétaires") == ["1 à 2", "1 à 2"]


@pytest.mark.office
def test_r3_r6_libreoffice_keeps_keys_texts_and_lists(
    written: Path, libreoffice: str, tmp_path: Path
) -> None:
    profile = f"-env:UserInstallation=file://{tmp_path / 'profile'}"
    subprocess.run(
        [libreoffice, "--headless", profile, "--convert-to", "xlsx:Calc MS Excel 2007 XML",
         "--outdir", str(tmp_path / "out"), str(written)],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    before = openpyxl.load_workbook(written)
    after = openpyxl.load_workbook(tmp_path / "out" / written.name)
    assert after.sheetnames == TITLES
    for title in TITLES:
        old = [[_said(c) for c in row] for row in before[title].iter_rows(values_only=True)]
        new = [[_said(c) for c in row] for row in after[title].iter_rows(values_only=True)]
        assert new == old
    assert {"liste_reponses", "liste_stades"} <= set(after.defined_names)
    for title in ("îlots", "parcelles"):
        rules = after[title].data_validations.dataValidation
        assert {r.formula1 for r in rules if r.type == "list"} == {"liste_reponses", "liste_stades"}
        assert any(r.errorTitle == "Valeur hors liste" for r in rules)
    assert after["parcelles"]["A2"].data_type == "s"


def _said(value: object) -> object:
    return value.date() if isinstance(value, dt.datetime) else value

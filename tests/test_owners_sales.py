"""Owners (DGFiP) and sales (DVF): identifiers, kinds of owner, prices of whole sales."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from friches.errors import InputError
from friches.sources.owners import group_labels, parcel_ids, read_owners
from friches.sources.sales import read_sales

if TYPE_CHECKING:
    from pathlib import Path

HEADER = [
    *("Département", "Code Direction", "Code Commune", "Nom Commune", "Préfixe", "Section"),
    *("N° plan", "N° de voirie", "Indice de répétition", "Code voie MAJIC", "Code voie rivoli"),
    *("Nature voie", "Nom voie", "Contenance (Caractéristiques parcelle)", "SUF"),
    *("Nature culture", "Contenance (Evaluation SUF)", "Code droit", "N° MAJIC", "N° SIREN"),
    *("Groupe personne", "Forme juridique", "Forme juridique abrégée", "Dénomination"),
]


def row(**said: str) -> list[str]:
    cells = dict.fromkeys(HEADER, "")
    cells |= {"Département": "12", "Code Direction": "0", "Code Commune": "999"}
    cells |= {"Section": "A", "N° plan": "12", "Nature culture": "L", "Code droit": "P"}
    cells |= {
        "Groupe personne": "4",
        "Dénomination": "COMMUNE",
        "Contenance (Evaluation SUF)": "50",
    }
    names = {"group": "Groupe personne", "name": "Dénomination", "plan": "N° plan"}
    names |= {"section": "Section", "prefix": "Préfixe", "siren": "N° SIREN"}
    names |= {"land": "Nature culture", "right": "Code droit", "commune": "Code Commune"}
    return list((cells | {names[k]: v for k, v in said.items()}).values())


def owners_file(path: Path, rows: list, header: list | None = HEADER, code: str = "utf-8") -> Path:
    lines = [";".join(cells) for cells in ([header] if header else []) + rows]
    path.write_bytes("\r\n".join(lines).encode(code) + b"\r\n")
    return path


def test_one_row(tmp_path: Path) -> None:
    table = read_owners([owners_file(tmp_path / "o.csv", [row()])])
    assert table.iloc[0].to_dict() == {
        "parcel_id": "129990000A0012",
        "owner_kind": "public",
        "owner_group": "4",
        "land_class": "L",
        "right": "P",
        "land_m2": 50.0,
    }


@pytest.mark.parametrize("header", [HEADER, None, [h.upper() for h in HEADER]])
@pytest.mark.parametrize("code", ["utf-8", "utf-8-sig", "iso-8859-1"])
def test_header_and_encoding_variants(tmp_path: Path, header: list | None, code: str) -> None:
    path = owners_file(tmp_path / "o.csv", [row(name="FORÊT DE L'ÉTAT", group="1")], header, code)
    table = read_owners([path], names=True)
    assert table["name"].tolist() == ["FORÊT DE L'ÉTAT"]
    assert table["parcel_id"].tolist() == ["129990000A0012"]


def test_names_only_when_asked(tmp_path: Path) -> None:
    path = owners_file(tmp_path / "o.csv", [row()])
    assert "name" not in read_owners([path])
    assert read_owners([path], names=True)["name"].tolist() == ["COMMUNE"]


@pytest.mark.parametrize(
    ("group", "kind"),
    [
        *[(g, "public") for g in "12349"],
        *[(g, "legal") for g in "05678"],
        *[("04", "public"), ("1 - État", "public")],
    ],
)
def test_kind_by_group(tmp_path: Path, group: str, kind: str) -> None:
    table = read_owners([owners_file(tmp_path / "o.csv", [row(group=group, name="X")])])
    assert table["owner_kind"].tolist() == [kind]
    assert table.loc[0, "owner_group"] in group_labels()


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("SECTION DE LA ROQUE", "section"),
        ("Section d'En-Haut", "section"),
        ("HABITANTS DE LA ROQUE", "section"),
        ("LES HABITANTS DU MAS", "section"),
        ("BIENS DE SECTION DU MAS", "section"),
        ("PROPRIETAIRE INCONNU", "unknown"),
        ("PROPRIÉTAIRES INCONNUS", "unknown"),
        ("INTERSECTION DE LA ROQUE", "public"),
        ("COMMUNE DE LA ROQUE", "public"),
        ("", "public"),
    ],
)
def test_kind_by_name(tmp_path: Path, name: str, kind: str) -> None:
    table = read_owners([owners_file(tmp_path / "o.csv", [row(name=name)])])
    assert table["owner_kind"].tolist() == [kind]


@pytest.mark.parametrize(
    ("siren", "kind"), [("212999999", "public"), ("812999999", "legal"), ("", "legal")]
)
def test_blank_group(tmp_path: Path, siren: str, kind: str) -> None:
    table = read_owners([owners_file(tmp_path / "o.csv", [row(group="", siren=siren, name="X")])])
    assert table["owner_kind"].tolist() == [kind]
    assert table["owner_group"].isna().all()


@pytest.mark.parametrize(
    ("parts", "insee"),
    [
        (("12", "999"), "12999"),
        (("1", "4"), "01004"),
        (("2A", "4"), "2A004"),
        (("97", "411"), "97411"),
        (("974", "11"), "97411"),
        (("974", "411"), "97411"),
        (("12", "12999"), "12999"),
    ],
)
def test_commune_codes(parts: tuple[str, str], insee: str) -> None:
    series = [pd.Series([v], dtype="str") for v in (*parts, np.nan, "b", "7")]
    assert parcel_ids(*series).tolist() == [f"{insee}0000B0007"]


@given(st.integers(0, 999), st.sampled_from(["A", "0A", "ZK"]), st.integers(1, 9999))
@settings(max_examples=25)
def test_padding_never_changes_a_padded_id(prefix: int, section: str, plan: int) -> None:
    bare = [pd.Series([v], dtype="str") for v in ("12", "999", str(prefix), section, str(plan))]
    full = [
        pd.Series([v], dtype="str")
        for v in ("12", "999", f"{prefix:03}", section.zfill(2), f"{plan:04}")
    ]
    assert parcel_ids(*bare)[0] == parcel_ids(*full)[0]
    assert len(parcel_ids(*bare)[0]) == 14


def test_rows_sorted_repeated_rows_once_and_communes_kept(tmp_path: Path) -> None:
    rows = [
        row(plan="9"),
        row(plan="8"),
        row(plan="8"),
        row(plan="8", right="U"),
        row(commune="998"),
    ]
    path = owners_file(tmp_path / "o.csv", rows)
    table = read_owners([path], communes=["12999"])
    assert table["parcel_id"].str[-1].tolist() == ["8", "8", "9"]


def test_every_breach_at_once(tmp_path: Path) -> None:
    bad = owners_file(tmp_path / "a.csv", [row(), row(plan="x1"), row(group="État")])
    short = owners_file(tmp_path / "b.csv", [row()[:20]])
    with pytest.raises(InputError) as caught:
        read_owners([bad, short, tmp_path / "none.csv"])
    text = str(caught.value)
    assert len(caught.value.breaches) == 4
    assert "1299900000A00x1" in text or "0A00x1" in text
    assert "« État »" in text
    assert "24 colonnes" in text


def test_another_table(tmp_path: Path) -> None:
    path = owners_file(tmp_path / "o.csv", [["x", "y"]], ["canteen_id", "name"])
    with pytest.raises(InputError, match="« section »"):
        read_owners([path])


@pytest.mark.shared
def test_real_column_names(shared: Path, tmp_path: Path) -> None:
    said = (shared / "data/owners/colonnes_parcelles_personnes_morales.txt").read_text("utf-8")
    header = said.splitlines()
    assert len(header) == 24
    table = read_owners([owners_file(tmp_path / "o.csv", [row(land="BT")], header)], names=True)
    assert table.loc[0, ["parcel_id", "land_class", "land_m2", "owner_group", "name"]].tolist() == [
        *("129990000A0012", "BT", 50.0, "4", "COMMUNE"),
    ]


# ------------------------------------------------------------------------------------- sales
DVF = (
    "id_mutation,date_mutation,numero_disposition,nature_mutation,valeur_fonciere,id_parcelle,"
    "code_type_local,code_nature_culture,nature_culture,nature_culture_speciale,surface_terrain\n"
)
P1, P2 = "129990000A0001", "129990000A0002"


def dvf(path: Path, *rows: str) -> Path:
    path.write_text(DVF + "\n".join(rows) + "\n", "utf-8")
    return path


def test_price_is_that_of_the_whole_sale(tmp_path: Path) -> None:
    path = dvf(
        tmp_path / "d.csv",
        f"2023-1,2023-05-02,000001,Vente,10000,{P1},,T,terres,,3000",
        f"2023-1,2023-05-02,000001,Vente,10000,{P1},,L,landes,Friche,500",
        f"2023-1,2023-05-02,000001,Vente,10000,{P2},,P,prés,,2000",
    )
    table = read_sales([path])
    assert table["price_eur"].tolist() == [10000, 10000]
    assert table["land_m2"].tolist() == [3500, 2000]
    assert table["sale_land_m2"].tolist() == [5500, 5500]
    assert table["land_class"].tolist() == ["T", "P"]
    assert table["sold_on"].tolist() == [pd.Timestamp("2023-05-02")] * 2


def test_land_repeated_for_each_building_counts_once(tmp_path: Path) -> None:
    rows = [f"m,2023-05-02,000001,Vente,9,{P1},{kind},S,sols,,800" for kind in (1, 3)]
    assert read_sales([dvf(tmp_path / "d.csv", *rows)])["land_m2"].tolist() == [800]


def test_dispositions_add_up_and_contradictions_are_unknown(tmp_path: Path) -> None:
    path = dvf(
        tmp_path / "d.csv",
        f"a,2023-05-02,000001,Vente,100,{P1},,T,terres,,10",
        f"a,2023-05-02,000002,Vente,40,{P2},,T,terres,,10",
        f"b,2023-05-02,000001,Vente,100,{P1},,T,terres,,10",
        f"b,2023-05-02,000001,Vente,101,{P2},,T,terres,,10",
        f"c,2023-05-02,000001,Vente,,{P1},,T,terres,,",
        f"d,2023-05-02,000001,Vente,70,{P1},,T,terres,,10",
        f"d,2023-05-02,000002,Vente,70,{P2},,T,terres,,10",
    )
    table = read_sales([path])
    assert table["price_eur"].tolist()[:2] == [140, 140]
    assert table["price_eur"].isna().tolist()[2:5] == [True, True, True]
    assert pd.isna(table["land_m2"].iloc[4])
    assert table["price_eur"].tolist()[5:] == [70, 70]


@pytest.mark.parametrize(
    ("nature", "kept"),
    [
        ("Vente", 1),
        ("Vente terrain à bâtir", 1),
        ("Adjudication", 1),
        ("Echange", 0),
        ("Expropriation", 0),
    ],
)
def test_natures(tmp_path: Path, nature: str, kept: int) -> None:
    path = dvf(tmp_path / "d.csv", f"a,2023-05-02,1,{nature},100,{P1},,T,terres,,10")
    assert len(read_sales([path])) == kept


def test_compressed_and_given_twice(tmp_path: Path) -> None:
    plain = dvf(tmp_path / "d.csv", f"a,2023-05-02,1,Vente,100,{P1},,T,terres,,10")
    packed = tmp_path / "d.csv.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    table = read_sales([plain, packed], communes=["12999"])
    assert table["land_m2"].tolist() == [10]
    assert len(read_sales([plain], communes=["25267"])) == 0


def test_sales_breaches_at_once(tmp_path: Path) -> None:
    path = dvf(
        tmp_path / "d.csv",
        "a,2023-05-02,1,Vente,cent,A12,,T,terres,,dix",
        f"b,2023-15-02,1,Vente,100,{P1},,T,terres,,10",
    )
    with pytest.raises(InputError) as caught:
        read_sales([path])
    text = str(caught.value)
    for word in ("« cent »", "« dix »", "2023-15-02", "A12"):
        assert word in text
    other = tmp_path / "x.csv"
    other.write_text("a,b\n1,2\n")
    with pytest.raises(InputError) as caught:
        read_sales([other])
    assert len(caught.value.breaches) == 5

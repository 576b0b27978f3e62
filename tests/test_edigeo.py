from __future__ import annotations

import bz2
import io
import tarfile
from typing import TYPE_CHECKING

import pytest

from friches.errors import InputError
from friches.sources import container, edigeo
from friches.sources.cadastre import read_cadastre
from friches.sources.edigeo import is_edigeo, read_edigeo_buildings, read_edigeo_parcels

if TYPE_CHECKING:
    from pathlib import Path

L93 = "EPSG:2154"


def archive(path: Path, members, mode="w:bz2"):
    with tarfile.open(path, mode) as tar:
        for name, content in members:
            info = tarfile.TarInfo(name) if isinstance(name, str) else name
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def unpacked(sheet: Path, folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    with tarfile.open(sheet) as tar:
        tar.extractall(folder, filter="data")
    return next(folder.glob("*.THF"))


def refused(call, *parts):
    with pytest.raises(InputError) as caught:
        call()
    for part in parts:
        assert part in str(caught.value)


@pytest.fixture
def sheets(shared):
    return sorted((shared / "data/luxiol_edigeo").glob("*.tar.bz2"))


def read(path, communes=("25354",)):
    return read_edigeo_parcels([path], L93, list(communes))


@pytest.mark.parametrize("name", ["../A.VEC", "/tmp/A.VEC", "x/../../A.VEC", "..\\A.VEC"])
def test_members_cannot_leave_their_folder(tmp_path, name):
    path = archive(tmp_path / "a.tar.bz2", [(name, b"x")])
    refused(lambda: read(path), "membre dangereux")


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE]
)
def test_links_and_devices_are_refused(tmp_path, kind):
    info = tarfile.TarInfo("A.VEC")
    info.type, info.linkname = kind, "/etc/passwd"
    path = archive(tmp_path / "a.tar.bz2", [(info, b"")])
    refused(lambda: read(path), "membre dangereux")


def test_unexpected_or_repeated_members_are_refused(tmp_path):
    refused(lambda: read(archive(tmp_path / "a.tar.bz2", [("x.vrt", b"<OGRVRT")])), "inattendu")
    twice = archive(tmp_path / "b.tar.bz2", [("A.VEC", b"x"), ("d/A.VEC", b"y")])
    refused(lambda: read(twice), "inattendu")
    refused(lambda: read(archive(tmp_path / "c.tar.bz2", [("A.VEC", b"x")])), "aucun fichier .THF")


def test_bombs_are_refused(tmp_path, monkeypatch):
    path = archive(tmp_path / "a.tar.bz2", [("A.VEC", b"0" * 3_000_000)])
    monkeypatch.setattr(container, "FREE_BYTES", 100_000)
    refused(lambda: read(path), "bombe")
    monkeypatch.setattr(container, "FREE_BYTES", 10_000_000)
    monkeypatch.setattr(edigeo, "MAX_SHEET_BYTES", 2_999_999)
    refused(lambda: read(path), "bombe")
    monkeypatch.setattr(edigeo, "MAX_SHEET_BYTES", 3_000_000)
    refused(lambda: read(path), "aucun fichier .THF")


def test_missing_and_damaged_archives(tmp_path):
    refused(lambda: read(tmp_path / "x.tar.bz2"), "introuvable")
    bad = tmp_path / "a.tar.bz2"
    bad.write_bytes(bz2.compress(b"x" * 5000)[:30])
    refused(lambda: read(bad), "tronquée ou abîmée")
    assert is_edigeo(bad)
    assert not is_edigeo(tmp_path / "x.tar.bz2")


@pytest.mark.parametrize("pointer", ["GDNSA10:../../etc/", "LONSA08:/etc/pas", "SCNSA05:a\\b.c"])
def test_headers_that_point_elsewhere_are_refused(tmp_path, pointer):
    header = tmp_path / "E.THF"
    header.write_bytes(f"BOMT 12:E000AB01.THF\r\n{pointer}\r\nEOMT 00:\r\n".encode("latin-1"))
    refused(lambda: read(header), "hors de son dossier")


def test_a_header_without_its_files(tmp_path):
    header = tmp_path / "E.THF"
    header.write_bytes(b"BOMT 12:E000AB01.THF\r\nLONSA06:EDAB01\r\n")
    refused(lambda: read(header), "« EDAB01 » sans fichier .VEC")


@pytest.mark.shared
def test_luxiol(sheets):
    out = read_cadastre(sheets, L93, ["25354"])
    assert (len(out), out["parcel_id"].nunique()) == (511, 511)
    assert round(out.area.sum() / 1e4, 1) == 611.8
    assert out.is_valid.all()
    assert out.crs == L93
    assert out["area_registered_m2"].notna().all()
    assert out["parcel_id"][0] == "25354000AB0001"
    assert out["area_registered_m2"][0] == 226060
    assert out["parcel_id"].str.match(r"25354000[A-Z0-9]{2}\d{4}$").all()
    buildings = read_edigeo_buildings(sheets, L93)
    assert len(buildings) == 252
    assert set(buildings["dur"].dropna()) <= {"01", "02"}


@pytest.mark.shared
def test_a_sheet_without_buildings_and_one_unpacked(sheets, tmp_path):
    empty = [s for s in sheets if len(read_edigeo_buildings([s], L93)) == 0]
    assert empty
    assert read_edigeo_buildings(empty[:1], L93).crs == L93
    header = unpacked(sheets[0], tmp_path / "feuille")
    assert is_edigeo(header)
    assert len(read_cadastre([header], L93, ["25354"])) == 14


@pytest.mark.shared
def test_the_departement_comes_from_the_study_or_the_file_name(sheets, tmp_path):
    assert read(sheets[0], ["25354", "70354"])["parcel_id"][0].startswith("25354")
    renamed = tmp_path / "feuille.tar.bz2"
    renamed.write_bytes(sheets[0].read_bytes())
    assert read(renamed)["parcel_id"][0].startswith("25354")
    refused(lambda: read(renamed, ["25354", "70354"]), "ambiguë entre 25354, 70354")
    refused(lambda: read_cadastre([sheets[0]], L93, ["25267"]), "autre commune : 25354")
    refused(lambda: read_cadastre([sheets[0]], L93, ["70354"]), "autre commune : 25354")


@pytest.mark.shared
def test_a_truncated_sheet_or_one_without_its_vectors(sheets, tmp_path):
    cut = tmp_path / "edigeo-25354000AB01.tar.bz2"
    whole = sheets[0].read_bytes()
    for share in (0.2, 0.6, 0.95):
        cut.write_bytes(whole[: int(len(whole) * share)])
        refused(lambda: read(cut), "tronquée")
    header = unpacked(sheets[0], tmp_path / "feuille")
    for vectors in header.parent.glob("*.VEC"):
        vectors.unlink()
    refused(lambda: read(header), "sans fichier .VEC")


@pytest.mark.shared
def test_the_same_sheet_twice(sheets):
    refused(lambda: read_cadastre([sheets[0], sheets[0]], L93, ["25354"]), "en double")

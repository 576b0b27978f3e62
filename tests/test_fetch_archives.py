"""Archives: wanted members only, within limits; bombs, links and traversals refused."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import stat
import struct
import tarfile
import warnings
import zipfile
import zlib
from pathlib import Path

import py7zr
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from friches.errors import InputError
from friches.fetch import members
from friches.fetch.archives import unpack
from friches.fetch.members import is_safe
from friches.fetch.sevenzip import _dictionary
from friches.fetch.streams import MOST_MEMORY, volumes

LAYER = b"SQLite format 3\0" + bytes(range(256)) * 40
CONTENT = {
    "RPG/1_DONNEES/RPG_Parcelles.gpkg": LAYER,
    "RPG/1_DONNEES/empty.gpkg": b"",
    "RPG/lisez-moi.pdf": b"%PDF",
}


def make_zip(path, content=CONTENT):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return path


def make_7z(path, content=CONTENT):
    with py7zr.SevenZipFile(path, "w") as archive:
        for name, data in content.items():
            archive.writestr(data, name)
    return path


def make_tar(path, content=CONTENT, mode="w"):
    with tarfile.open(path, mode) as archive:
        for name, data in content.items():
            header = tarfile.TarInfo(name)
            header.size = len(data)
            archive.addfile(header, io.BytesIO(data))
    return path


def split(path, size):
    data = path.read_bytes()
    path.unlink()
    pieces = [data[i : i + size] for i in range(0, len(data), size)]
    for number, piece in enumerate(pieces, start=1):
        path.with_name(f"{path.name}.{number:03d}").write_bytes(piece)
    return path.with_name(path.name + ".001"), len(pieces)


MAKERS = {
    "a.zip": make_zip,
    "a.7z": make_7z,
    "a.tar": make_tar,
    "a.tar.gz": lambda p: make_tar(p, mode="w:gz"),
    "a.tar.bz2": lambda p: make_tar(p, mode="w:bz2"),
    "a.tar.xz": lambda p: make_tar(p, mode="w:xz"),
}


def nothing_left(into):
    return not any(into.rglob("*"))


def refused(path, into, pattern, wanted=("*",), **limits):
    with pytest.raises(InputError, match=pattern):
        unpack(path, into, wanted, **limits)
    assert nothing_left(into)


@pytest.mark.parametrize("name", MAKERS)
def test_wanted_members_only(tmp_path, name):
    path = MAKERS[name](tmp_path / name)
    into = tmp_path / "out"
    found = unpack(path, into, ["*.GPKG"])
    assert [p.relative_to(into).as_posix() for p in found] == [
        "RPG/1_DONNEES/RPG_Parcelles.gpkg",
        "RPG/1_DONNEES/empty.gpkg",
    ]
    assert found[0].read_bytes() == LAYER
    assert found[1].read_bytes() == b""
    assert sorted(p.name for p in into.rglob("*") if p.is_file()) == [
        "RPG_Parcelles.gpkg",
        "empty.gpkg",
    ]
    assert [p.name for p in into.iterdir()] == ["RPG"]


@pytest.mark.parametrize("name", MAKERS)
def test_kind_is_told_by_bytes_not_by_name(tmp_path, name):
    path = MAKERS[name](tmp_path / name)
    renamed = path.rename(tmp_path / "0f3a")
    assert unpack(renamed, tmp_path / "out", ["RPG_*"])[0].read_bytes() == LAYER


@pytest.mark.parametrize("name", MAKERS)
def test_truncated_archive_leaves_nothing(tmp_path, name):
    path = MAKERS[name](tmp_path / name)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    refused(path, tmp_path / "out", "abîmée|tronquée|non reconnu|aucun fichier")


@pytest.mark.parametrize("name", ["a.zip", "a.7z", "a.tar.gz", "a.tar.bz2", "a.tar.xz"])
def test_damaged_archive_leaves_nothing(tmp_path, name):
    path = MAKERS[name](tmp_path / name)
    data = bytearray(path.read_bytes())
    for at in range(40, min(len(data), 140)):
        data[at] ^= 0x5A
    path.write_bytes(bytes(data))
    refused(path, tmp_path / "out", "abîmée|tronquée|aucun|dangereux|démesurée")


@pytest.mark.parametrize("name", MAKERS)
def test_nothing_wanted_says_what_there_is(tmp_path, name):
    path = MAKERS[name](tmp_path / name)
    refused(path, tmp_path / "out", r"aucun fichier attendu \(\*\.shp\).*RPG_Parcelles", ["*.shp"])


@pytest.mark.parametrize("make", [gzip.compress, bz2.compress, lzma.compress])
def test_single_compressed_file(tmp_path, make):
    ending = {gzip.compress: "gz", bz2.compress: "bz2", lzma.compress: "xz"}[make]
    path = tmp_path / f"cadastre-12145-parcelles.json.{ending}"
    path.write_bytes(make(b'{"a": 1}') + make(b"\n"))
    (found,) = unpack(path, tmp_path / "out", ["*.json"])
    assert found.name == "cadastre-12145-parcelles.json"
    assert found.read_bytes() == b'{"a": 1}\n'


def test_volumes_are_joined(tmp_path):
    noise = os.urandom(50_000)
    first, count = split(make_7z(tmp_path / "RPG.7z", {"x/RPG.gpkg": noise}), 9_000)
    assert count == 6
    (tmp_path / "RPG.7z.001.part").write_bytes(b"not a volume")
    (found,) = unpack(first, tmp_path / "out", ["*.gpkg"])
    assert found.read_bytes() == noise


def test_missing_volume_is_refused(tmp_path):
    first, _ = split(make_7z(tmp_path / "RPG.7z", {"RPG.gpkg": os.urandom(50_000)}), 9_000)
    (tmp_path / "RPG.7z.004").unlink()
    assert len(volumes(first)) == 3
    refused(first, tmp_path / "out", "abîmée|tronquée")


def test_later_volume_alone_is_refused(tmp_path):
    first, _ = split(make_7z(tmp_path / "RPG.7z", {"RPG.gpkg": os.urandom(50_000)}), 9_000)
    refused(first.with_name("RPG.7z.002"), tmp_path / "out", "premier volume")


HOSTILE = [
    "../out.gpkg",
    "a/../../out.gpkg",
    "/etc/out.gpkg",
    "\\\\server\\share\\out.gpkg",
    "C:\\out.gpkg",
    "C:out.gpkg",
    "a/b:stream.gpkg",
    "a\\..\\..\\out.gpkg",
    "a//b.gpkg",
    "nul.gpkg",
    "a/COM1",
    "a./b.gpkg",
    "a\u202eb.gpkg",
    "a\nb.gpkg",
    "x" * 256,
]


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_unsafe_names_refuse_the_archive(tmp_path, kind, name):
    content = {"good.gpkg": b"1", name: b"2"}
    path = tmp_path / f"a.{kind}"
    (make_zip if kind == "zip" else make_tar)(path, content)
    refused(path, tmp_path / "out", "dangereux", ["good.gpkg"])
    assert not (tmp_path / "out.gpkg").exists()


@pytest.mark.parametrize("name", ["../out.gpkg", "/etc/out.gpkg", "a/../../out.gpkg"])
def test_unsafe_names_in_7z(tmp_path, monkeypatch, name):
    path = tmp_path / "a.7z"
    monkeypatch.setattr("py7zr.py7zr.check_archive_path", lambda _: True)
    monkeypatch.setattr("py7zr.helpers.check_archive_path", lambda _: True)
    with py7zr.SevenZipFile(path, "w") as archive:
        archive.writestr(b"1", "good.gpkg")
        archive.writestr(b"2", name)
    refused(path, tmp_path / "out", "dangereux", ["good.gpkg"])


@pytest.mark.parametrize("name", ["a.gpkg", "./a.gpkg", "é/à ç.shp", "x" * 255, ".hidden/b"])
def test_safe_names(name):
    assert is_safe(name)


@settings(max_examples=50, deadline=None)
@given(st.text(min_size=1, max_size=30))
def test_a_safe_name_stays_inside(name):
    if is_safe(name):
        base = Path("/base")
        assert os.path.normpath(base / name).startswith("/base")
        assert "\\" not in name or ".." not in name.split("\\")


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE]
)
def test_links_and_devices_in_tar(tmp_path, kind):
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as archive:
        header = tarfile.TarInfo("good.gpkg")
        header.size = 1
        archive.addfile(header, io.BytesIO(b"1"))
        link = tarfile.TarInfo("link.gpkg")
        link.type, link.linkname = kind, "/etc/passwd"
        archive.addfile(link)
    refused(path, tmp_path / "out", "lien ou fichier spécial", ["*.gpkg"])
    assert [p.name for p in unpack(path, tmp_path / "out", ["good.gpkg"])] == ["good.gpkg"]


def test_links_in_zip(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        link = zipfile.ZipInfo("link.gpkg")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    refused(path, tmp_path / "out", "lien ou fichier spécial")


def test_links_in_7z(tmp_path):
    (tmp_path / "real.gpkg").write_bytes(b"1")
    (tmp_path / "link.gpkg").symlink_to("real.gpkg")
    path = tmp_path / "a.7z"
    with py7zr.SevenZipFile(path, "w") as archive:
        archive.write(tmp_path / "real.gpkg", "real.gpkg")
        archive.write(tmp_path / "link.gpkg", "link.gpkg")
    refused(path, tmp_path / "out", "lien ou fichier spécial", ["*.gpkg"])
    assert [p.name for p in unpack(path, tmp_path / "out", ["real.*"])] == ["real.gpkg"]


def test_same_name_twice(tmp_path):
    path = make_tar(tmp_path / "a.tar", {"A.gpkg": b"1", "a.gpkg": b"2"})
    refused(path, tmp_path / "out", "deux fois")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
            archive.writestr("a.gpkg", b"1")
            archive.writestr("a.gpkg", b"2")
    refused(tmp_path / "a.zip", tmp_path / "out", "même nom")


@pytest.mark.parametrize("name", MAKERS)
def test_bytes_written_exactly_at_the_limit(tmp_path, name):
    path = MAKERS[name](tmp_path / name)
    assert unpack(path, tmp_path / "good", ["*.gpkg"], most_bytes=len(LAYER))
    refused(path, tmp_path / "out", "démesurée", ["*.gpkg"], most_bytes=len(LAYER) - 1)


@pytest.mark.parametrize("name", MAKERS)
def test_members_exactly_at_the_limit(tmp_path, name):
    path = MAKERS[name](tmp_path / name)
    assert unpack(path, tmp_path / "good", ["*.gpkg"], most_members=3)
    refused(path, tmp_path / "out", "plus de 2 fichiers", ["*.gpkg"], most_members=2)


@pytest.mark.parametrize("make", [gzip.compress, bz2.compress, lzma.compress])
def test_bomb_in_a_single_file(tmp_path, make, monkeypatch):
    monkeypatch.setattr(members, "FREE_BYTES", 10**6)
    path = tmp_path / "a.json.gz"
    path.write_bytes(make(b"\0" * 10**6))
    assert unpack(path, tmp_path / "good", ["*"])
    path.write_bytes(make(b"\0" * (10**6 + 1)))
    refused(path, tmp_path / "out", "bombe", most_ratio=100)


@pytest.mark.parametrize("name", ["a.zip", "a.7z", "a.tar.gz"])
def test_bomb_by_ratio(tmp_path, name, monkeypatch):
    monkeypatch.setattr(members, "FREE_BYTES", 1000)
    content = {"a.gpkg": b"x", "zeros.bin": b"\0" * 200_000}
    path = {"a.zip": make_zip, "a.7z": make_7z}.get(name, lambda p, c: make_tar(p, c, "w:gz"))(
        tmp_path / name, content
    )
    refused(path, tmp_path / "out", "bombe", most_ratio=50)
    if name != "a.zip":  # decompressed on the way to the next member, wanted or not
        refused(path, tmp_path / "out", "bombe", ["a.gpkg"], most_ratio=50)
    assert unpack(path, tmp_path / "good", ["*"], most_ratio=5000)


def test_zip_that_lies_about_its_size(tmp_path):
    path = make_zip(tmp_path / "a.zip", {"a.gpkg": b"\0" * 500_000})
    data = path.read_bytes()
    true, lie = struct.pack("<L", 500_000), struct.pack("<L", 10)
    path.write_bytes(data.replace(true, lie))
    refused(path, tmp_path / "out", "abîmée|démesurée", most_bytes=1000)


def test_zip_whose_list_is_a_bomb(tmp_path):
    path = make_zip(tmp_path / "a.zip")
    data = bytearray(path.read_bytes())
    end = data.rfind(b"PK\5\6")
    data[end + 12 : end + 16] = struct.pack("<L", 2**31)
    path.write_bytes(bytes(data))
    refused(path, tmp_path / "out", "plus de")


@pytest.mark.parametrize(("size", "good"), [(2**20 - 100, True), (2**20 + 100, False)])
def test_tar_header_that_would_fill_the_memory(tmp_path, size, good):
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive:
        header = tarfile.TarInfo("a.gpkg")
        header.pax_headers = {"comment": "x" * size}
        archive.addfile(header)
    if good:
        assert unpack(path, tmp_path / "good", ["*"])
    else:
        refused(path, tmp_path / "out", "abîmée")


def test_7z_dictionaries():
    assert _dictionary(b"\x21", b"\x18") == 16 * 2**20  # 7z's own default for LZMA2
    assert _dictionary(b"\x21", b"\x26") == 2**31
    assert _dictionary(b"\x21", b"\x22") == MOST_MEMORY
    assert _dictionary(b"\x03\x01\x01", b"\x5d" + struct.pack("<L", 2**31)) == 2**31
    assert _dictionary(b"\x00", b"") == 0


def test_7z_that_wants_too_much_memory(tmp_path, monkeypatch):
    path = make_7z(tmp_path / "a.7z")
    monkeypatch.setattr("friches.fetch.sevenzip.MOST_MEMORY", 1000)
    refused(path, tmp_path / "out", "mémoire", ["*.gpkg"])


def test_encrypted_archives(tmp_path):
    path = tmp_path / "a.7z"
    with py7zr.SevenZipFile(path, "w", password="secret") as archive:
        archive.writestr(b"1", "a.gpkg")
    refused(path, tmp_path / "out", "chiffrée")
    path = make_zip(tmp_path / "a.zip", {"a.gpkg": b"123"})
    data = bytearray(path.read_bytes())
    data[6] |= 1
    data[data.find(b"PK\1\2") + 8] |= 1
    path.write_bytes(bytes(data))
    refused(path, tmp_path / "out", "chiffrée")


@pytest.mark.parametrize("name", MAKERS)
def test_disk_is_looked_at_before(tmp_path, name, monkeypatch):
    path = MAKERS[name](tmp_path / name)
    usage = type("Usage", (), {"free": members.SPARE_BYTES + len(LAYER)})
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    assert unpack(path, tmp_path / "good", ["*.gpkg"])
    usage.free -= 1
    refused(path, tmp_path / "out", "place insuffisante", ["*.gpkg"])


def test_not_an_archive(tmp_path):
    path = tmp_path / "a.zip"
    path.write_bytes(b"<html>down</html>" * 100)
    refused(path, tmp_path / "out", "non reconnu")
    refused(tmp_path / "absent.zip", tmp_path / "out", "introuvable")


def test_modes_are_not_kept(tmp_path):
    (tmp_path / "a.gpkg").write_bytes(b"1")
    (tmp_path / "a.gpkg").chmod(0o4777)
    with py7zr.SevenZipFile(tmp_path / "a.7z", "w") as archive:
        archive.write(tmp_path / "a.gpkg", "a.gpkg")
    (found,) = unpack(tmp_path / "a.7z", tmp_path / "out", ["*"])
    assert stat.S_IMODE(found.stat().st_mode) == 0o644


def test_single_file_exactly_at_the_limit(tmp_path):
    path = tmp_path / "a.json.gz"
    path.write_bytes(gzip.compress(LAYER))
    assert unpack(path, tmp_path / "good", ["*"], most_bytes=len(LAYER))
    refused(path, tmp_path / "out", "démesurée", most_bytes=len(LAYER) - 1)


@settings(max_examples=30, deadline=None)
@given(
    at=st.integers(0, 400), value=st.integers(0, 255), kind=st.sampled_from(["zip", "7z", "tar"])
)
def test_any_damaged_byte_is_refused_or_harmless(tmp_path_factory, at, value, kind):
    folder = tmp_path_factory.mktemp("bytes")
    path = MAKERS[f"a.{kind}"](folder / f"a.{kind}")
    data = bytearray(path.read_bytes())
    data[at % len(data)] = value
    path.write_bytes(bytes(data))
    try:
        found = unpack(path, folder / "out", ["*.gpkg"])
    except InputError:
        assert nothing_left(folder / "out")
    else:
        assert all(p.is_relative_to(folder / "out") for p in found)


def test_crc_is_checked(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.gpkg", LAYER)
    data = path.read_bytes()
    assert zlib.crc32(LAYER) != zlib.crc32(LAYER.replace(b"SQLite", b"SQLitf"))
    path.write_bytes(data.replace(b"SQLite", b"SQLitf"))
    refused(path, tmp_path / "out", "abîmée")

"""Aerial image (S7) and field photos (P12): only where given, bare of what the camera wrote."""

from __future__ import annotations

import base64
import io
import re
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from PIL import Image
from rasterio import Affine
from rasterio.crs import CRS
from rasterio.warp import transform_bounds
from test_sheets import assert_inert
from tiny import SOUTH, WEST, tiny_result

from friches.errors import InputError
from friches.sources import pictures
from friches.sources.read import layer_keys, provenance
from friches.studyfile import read_study
from friches.view import aerial, brief, photos, plan, sheets
from friches.view.audience import visible

DEVICE, SERIAL = "APPAREIL-TEMOIN", "NUMERO-TEMOIN"
STUDY = """
[study]
name = "Essai"
communes = ["12999"]
day = 2026-09-01
[sources]
cadastre = "parcelles.json"
"""


def image(path: Path, crs: str = "EPSG:2154", bands: int = 3, **other: Any) -> Path:
    """Write an image of 4 km: red, its western half blue where it has colours."""
    west, south, east, north = WEST - 2000, SOUTH - 2000, WEST + 2000, SOUTH + 2000
    if crs != "EPSG:2154":
        west, south, east, north = transform_bounds("EPSG:2154", crs, west, south, east, north)
    pixels = np.zeros((bands, 400, 400), dtype=other.pop("dtype", "uint8"))
    pixels[0, :, 200:] = 200
    pixels[-1, :, :200] = 200
    shape = Affine((east - west) / 400, 0, west, 0, (south - north) / 400, north)
    with rasterio.open(
        path, "w", driver="GTiff", width=400, height=400, count=bands, dtype=pixels.dtype,
        crs=CRS.from_user_input(crs) if crs else None, transform=other.pop("transform", shape), **other,
    ) as file:  # fmt: skip
        file.write(pixels)
    return path


def given(folder: Path, audience: str = "internal", **sources: Any) -> Any:
    result = tiny_result(audience=audience, purpose="essai")
    named = result.study.sources.model_copy(update=sources)
    return replace(
        result, study=result.study.model_copy(update={"sources": named, "folder": folder})
    )


def pixels_of(data: str) -> Any:
    return Image.open(io.BytesIO(base64.b64decode(data.partition(",")[2])))


@pytest.mark.parametrize("crs", ["EPSG:2154", "EPSG:4326", "EPSG:3857"])
def test_s7_the_image_shows_the_plans_ground_whatever_its_crs(tmp_path: Path, crs: str) -> None:
    image(tmp_path / "ortho.tif", crs)
    result = visible(given(tmp_path, aerial=["ortho.tif"]))
    drawn = plan.draw(plan.survey(result), "B001", (90.0, 80.0))
    seen = aerial.view(result, drawn)
    shown = pixels_of(seen.data)
    assert seen.seen == 1.0
    assert shown.size == (
        round((drawn.right - drawn.left) * 6),
        round((drawn.bottom - drawn.top) * 6),
    )
    west, _, east, _ = drawn.ground
    border = (WEST - west) / (east - west) * shown.width  # where blue turns to red
    assert west < WEST < east
    for x, colour in ((border - 12, 2), (border + 12, 0)):
        dot = shown.getpixel((int(x), shown.height // 2))
        assert max(range(3), key=dot.__getitem__) == colour


def test_s7_sheet_and_dossier_hold_the_image_with_its_licence(tmp_path: Path) -> None:
    image(tmp_path / "ortho.tif")
    found = given(tmp_path, aerial=["ortho.tif"], aerial_licence="Survol communal 2025, CC BY")
    for name, html in sheets.pages(found):
        assert html.count("data:image/jpeg;base64,") == 1, name
        assert "Survol communal 2025, CC BY" in html
        assert "sans photo aérienne" not in html
        assert "Photographie aérienne de l'îlot" in unescape(html)
        assert_inert(html)


def test_s7_where_parcels_leave_little_room_the_image_is_in_the_dossier(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image(tmp_path / "ortho.tif")
    found = given(tmp_path, aerial=["ortho.tif"])
    monkeypatch.setattr(brief, "FEWER", 2)  # as many as B001 has
    assert "data:image" in dict(sheets.pages(found))["B001"]
    monkeypatch.setattr(brief, "FEWER", 1)
    html = dict(sheets.pages(found))
    assert "data:image" not in html["B001"]
    assert re.search(r"Photographie aérienne\s: dossier", html["B001"])
    assert "data:image" in html["B001-dossier"]


def test_s7_the_licence_is_the_catalogues_where_the_study_says_none(tmp_path: Path) -> None:
    study = given(tmp_path, aerial=["ortho.tif"]).study
    real = study.model_copy(update={"study": study.study.model_copy(update={"fictitious": False})})
    assert "BD ORTHO" in aerial.credited(real)
    assert "Licence Ouverte 2.0" in aerial.credited(real)
    assert aerial.credited(study) == "territoire fictif"


def test_s7_an_image_of_elsewhere_leaves_the_drawn_plan(tmp_path: Path) -> None:
    image(tmp_path / "ortho.tif", transform=Affine(10, 0, 100_000, 0, -10, 7_000_000))
    html = dict(sheets.pages(given(tmp_path, aerial=["ortho.tif"])))["B001"]
    assert "data:image" not in html
    assert 'width="188.0mm"' in html
    assert "sans photo aérienne" in html


@pytest.mark.parametrize("bands", [1, 4])
def test_s7_grey_and_infrared_images_are_shown(tmp_path: Path, bands: int) -> None:
    image(tmp_path / "ortho.tif", bands=bands)
    result = visible(given(tmp_path, aerial=["ortho.tif"]))
    seen = aerial.view(result, plan.draw(plan.survey(result), "B001"))
    assert pixels_of(seen.data).mode == "RGB"


def _study(folder: Path, lines: str) -> Any:
    (folder / "parcelles.json").write_text("{}", "utf-8")
    (folder / "study.toml").write_text(STUDY + lines, "utf-8")
    return read_study(folder / "study.toml")


def told(study: Any) -> str:
    return "\n".join(map(str, pictures.unusable(study)))


def test_s7_bad_images_are_told_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "faux.tif").write_text("<VRTDataset/>", "utf-8")
    image(tmp_path / "SCAN25_2024.tif")
    image(tmp_path / "deux.tif", bands=2)
    image(tmp_path / "fin.tif", dtype="uint16")
    names = ["faux.tif", "SCAN25_2024.tif", "deux.tif", "fin.tif"]
    study = _study(tmp_path, f"aerial = {names}".replace("'", '"'))
    said = told(study)
    for part in ("GeoTIFF", "carte scannée de l'IGN", "2 bandes", "uint16 au lieu d'octets"):
        assert part in said
    with pytest.raises(InputError, match="carte scannée"):
        layer_keys(study)


@pytest.mark.parametrize("name", ["scan.tif", "ortho_scan2.tif", "rescan25.tif"])
def test_only_names_of_scanned_maps_are_refused(name: str) -> None:
    assert not pictures.SCANNED.search(Path(name).stem)


def test_pictures_change_no_stage_and_stand_in_the_provenance(tmp_path: Path) -> None:
    image(tmp_path / "ortho_2025.tif")
    (tmp_path / "photos").mkdir()
    plain = _study(tmp_path, "")
    keys = layer_keys(plain)
    lines = 'aerial = "ortho_2025.tif"\naerial_licence = "Survol"\nphotos = "photos"\n'
    study = _study(tmp_path, lines)
    assert layer_keys(study) == keys
    rows = provenance(study, {}).set_index("layer")
    assert rows.loc["aerial", ["vintage", "attribution", "licence"]].tolist() == [
        "2025",
        "Survol",
        "Survol",
    ]
    assert "photos" in rows.index
    public = study.model_copy(
        update={"study": study.study.model_copy(update={"audience": "public"})}
    )
    assert "photos" not in set(provenance(public, {})["layer"])


def photo(path: Path, size: tuple[int, int] = (60, 40), kind: str = "JPEG") -> Path:
    """Write a photo with a place, a device, a day and a comment."""
    path.parent.mkdir(exist_ok=True)
    made = Image.new("RGB", size, (30, 90, 30))
    said = Image.Exif()
    said[0x010F], said[0x0110], said[0x0131] = DEVICE, DEVICE, DEVICE
    said.get_ifd(0x8769)[36867] = "2026:08:12 10:11:12"
    said.get_ifd(0x8769)[0xA431] = SERIAL
    said.get_ifd(0x8825).update({1: "N", 2: (44.0, 12.0, 30.0), 3: "E", 4: (2.0, 30.0, 1.0)})
    made.save(
        path, kind, exif=said.tobytes(), **({"comment": SERIAL.encode()} if kind == "JPEG" else {})
    )
    raw = path.read_bytes()
    assert DEVICE.encode() in raw
    return path


def embedded(folder: Path) -> bytes:
    """Every byte of every file, images unpacked from the pages."""
    found = b""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            raw = path.read_bytes()
            found += raw + b"".join(
                base64.b64decode(text)
                for text in re.findall(rb"data:image/\w+;base64,([^\"]+)", raw)
            )
    return found


SECRETS = (DEVICE.encode(), SERIAL.encode(), b"Exif\0\0", b"GPS")


@pytest.mark.parametrize("audience", ["public", "internal"])
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_p12_nothing_that_the_camera_wrote_is_in_any_byte(
    tmp_path: Path, audience: str, kind: str
) -> None:
    end = "jpg" if kind == "JPEG" else "png"
    photo(tmp_path / "photos" / f"B001-1.{end}", kind=kind)
    found = given(tmp_path, audience, photos=["photos"])
    pytest.importorskip("weasyprint")
    one = replace(found, blocks=found.blocks.iloc[:1])
    sheets.write_sheets(one, tmp_path / "out", pdf=audience == "internal" and kind == "JPEG")
    raw = embedded(tmp_path / "out")
    assert [secret for secret in SECRETS if secret in raw] == []
    dossier = (tmp_path / "out" / "B001-dossier.html").read_text("utf-8")
    assert ("data:image/jpeg" in dossier) is (audience == "internal")
    assert ("prise le 12 août 2026" in dossier) is (audience == "internal")
    assert ("ne montre un visage, une plaque" in dossier) is (audience == "internal")


def test_p12_only_the_restricted_file_keeps_place_and_device(tmp_path: Path) -> None:
    photo(tmp_path / "photos" / "B001-1.jpg")
    found = given(tmp_path, "restricted", photos=["photos"])
    sheets.write_sheets(found, tmp_path / "out")
    (tmp_path / "out" / "restreint-B001.html").rename(tmp_path / "restreint.html")
    raw = embedded(tmp_path / "out")
    assert [secret for secret in SECRETS if secret in raw] == []
    (data,) = re.findall(
        r"data:image/jpeg;base64,[^\"]+", (tmp_path / "restreint.html").read_text("utf-8")
    )
    assert pixels_of(data).getexif()[0x0110] == DEVICE
    assert pixels_of(data).getexif().get_ifd(0x8825)[1] == "N"


def test_photos_go_to_the_block_they_name_or_whose_parcel_they_name(tmp_path: Path) -> None:
    for name in ("B001-2.jpg", "b001-1.JPG", "129990000A0009-1.png", "B099-1.jpg"):
        photo(tmp_path / "photos" / name, kind="PNG" if name.endswith("png") else "JPEG")
    found = visible(given(tmp_path, photos=["photos"]))
    shown = {block: photos.shown(seen) for block, seen in photos.of_blocks(found).items()}
    assert [one.caption.split(",")[0] for one in shown["B001"]] == ["Photo 1", "Photo 2"]
    assert "parcelle A 9" in shown["B002"][0].caption
    assert photos.strays(found) == ["B099-1.jpg"]
    html = dict(sheets.pages(found))
    assert "2\u00a0photos" in html["B001"]
    assert "data:image" not in html["B001"]
    assert_photos_only(html["B001-dossier"])
    assert "1\u00a0photo ne montre aucun îlot de cette étude : B099-1.jpg." in html["B001-dossier"]


def assert_photos_only(html: str) -> None:
    assert len(re.findall(r'<img src="data:image/jpeg;base64,[^"]+" alt="[^"]+">', html)) == 2
    assert html.count("<img") == 2


def test_photos_are_turned_upright_and_reduced(tmp_path: Path) -> None:
    path = tmp_path / "photos" / "B001-1.jpg"
    path.parent.mkdir()
    said = Image.Exif()
    said[0x0112] = 6
    Image.new("RGB", (3000, 1500)).save(path, exif=said.tobytes())
    ((seen,),) = photos.of_blocks(visible(given(tmp_path, photos=["photos"]))).values()
    (shown,) = photos.shown([seen])
    assert pixels_of(shown.data).size == (700, 1400)
    assert "date non indiquée" in shown.caption


def test_p12_bad_photos_are_told_before_any_work(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    photo(folder / "B001-1.jpg")
    (folder / "B001-2.jpg").write_bytes(b"GIF89a" + bytes(40))
    (folder / "B001-3.jpg").write_bytes(b"\xff\xd8\xff\xe0" + bytes(20))
    (folder / "vacances.jpg").write_bytes((folder / "B001-1.jpg").read_bytes())
    (folder / "notes.txt").write_text("à trier", "utf-8")
    (folder / "B001-4.png").write_bytes(bomb(30_000, 30_000))
    (folder / "B001-5.png").write_bytes(bomb(8_000, 8_000))
    said = told(_study(tmp_path, 'photos = "photos"'))
    for part in ("1 fichier(s) qui ne nomment ni îlot ni parcelle (premier : vacances.jpg)",
                 "ni un JPEG ni un PNG", "photo illisible", "se déplie sans fin",
                 "8000 x 8000 pixels"):  # fmt: skip
        assert part in said, part
    assert len(pictures.unusable(_study(tmp_path, 'photos = "photos"'))) == 5


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says it is huge."""
    import struct
    import zlib

    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(b""))
        + chunk(b"IEND", b"")
    )


def test_a_photo_over_the_size_cap_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = photo(tmp_path / "photos" / "B001-1.jpg")
    monkeypatch.setattr(pictures, "MAX_BYTES", path.stat().st_size)
    assert told(_study(tmp_path, 'photos = "photos"')) == ""
    monkeypatch.setattr(pictures, "MAX_BYTES", path.stat().st_size - 1)
    assert "Mo" in told(_study(tmp_path, 'photos = "photos"'))


def test_photos_must_be_a_folder_and_a_licence_needs_its_image(tmp_path: Path) -> None:
    photo(tmp_path / "B001-1.jpg")
    said = told(_study(tmp_path, 'photos = "B001-1.jpg"\naerial_licence = "x"'))
    assert "n'est pas un dossier" in said
    assert "« aerial_licence » sans « aerial »" in said


def test_the_same_pictures_give_the_same_bytes(tmp_path: Path) -> None:
    image(tmp_path / "ortho.tif", "EPSG:3857")
    photo(tmp_path / "photos" / "B001-1.jpg")
    found = given(tmp_path, aerial=["ortho.tif"], photos=["photos"])
    assert dict(sheets.pages(found)) == dict(sheets.pages(found))

"""Pictures that are only shown: an aerial image beside the plan, photos taken in the field.

They judge nothing and are in no table. Only their headers are read here, so that a bad file is
told before any work; pixels are read by the views, within the same caps.
"""

from __future__ import annotations

import io
import re
import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

from friches.errors import Breach

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from friches.studyfile import Study

SHOWN_ONLY = ("aerial", "photos")
"""Layers of a study that no rule reads."""
MAX_PIXELS = 20_000_000_000
"""Declared pixels of an aerial image: 30 km at 20 cm (ASSUMPTION: a safety cap); only the windows
of the blocks are read."""
MAX_BYTES = 30 * 1024**2
"""A photo: phones write 3 to 15 MB (ASSUMPTION: a safety cap)."""
MAX_PHOTO_PIXELS = 60_000_000
"""A photo, unpacked: phones take 12 to 50 million pixels (ASSUMPTION: a safety cap)."""
MAX_PHOTOS = 5_000
ENDLESS = "photo qui se déplie sans fin"
PHOTO_TYPES = {b"\xff\xd8\xff": "JPEG", b"\x89PNG\r\n\x1a\n": "PNG"}
NAME = re.compile(r"([A-Z0-9_-]{1,20})-(\d{1,3})\.(?:jpe?g|png)", re.IGNORECASE)
IGNORED = {".csv", ".txt", ".md", ".db", ".ini", ".xmp"}
SCANNED = re.compile(
    r"(?<![a-z])sc(?:an)?[ _-]?(?:25|50|100|1000|reg|dep|histo|litto|em)", re.IGNORECASE
)
_TODO_AERIAL = "gdal_translate -of GTiff -ot Byte -b 1 -b 2 -b 3 …"


class Photo(NamedTuple):
    """A photo of the field: what it shows (a block's or a parcel's id), its number, its file."""

    subject: str
    number: int
    path: Path


def credit(study: Study, layer: str) -> dict[str, str]:
    """Return what the study itself says of a picture's source, in place of the catalogue."""
    said = study.sources.aerial_licence.strip()
    return {"attribution": said, "licence": said} if layer == "aerial" and said else {}


def unusable(study: Study) -> list[Breach]:
    """Return what keeps the study's pictures from being shown, from their headers alone."""
    breaches = [
        breach for path in study.files("aerial") if path.is_file() for breach in _aerial(path)
    ]
    if not study.sources.aerial and study.sources.aerial_licence:
        told = "« aerial_licence » sans « aerial »"
        breaches.append(Breach(told, "[sources]", "donner l'image, ou retirer la clé"))
    for folder in study.files("photos"):
        if folder.is_dir():
            breaches += _photos(folder)
        elif folder.exists():
            told = "« photos » n'est pas un dossier"
            breaches.append(Breach(told, str(folder), "donner le dossier qui les contient"))
    return breaches


def _aerial(path: Path) -> Iterator[Breach]:
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning, RasterioError

    from friches.sources.rasters import is_geotiff

    where = str(path)
    if SCANNED.search(path.stem):
        told = "carte scannée de l'IGN : elle n'est pas sous licence ouverte"
        yield Breach(told, where, "donner une photographie aérienne (BD ORTHO, survol)")
        return
    if not is_geotiff(path):
        yield Breach("la photographie aérienne n'est pas un GeoTIFF", where, _TODO_AERIAL)
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            warnings.simplefilter("ignore", PendingDeprecationWarning)
            with rasterio.open(path, driver="GTiff") as source:
                yield from _frame(source, where)
    except (RasterioError, OSError, ValueError) as error:
        told = f"image illisible ou tronquée ({' '.join(str(error).split())[:160]})"
        yield Breach(told, where, "la télécharger de nouveau")


def _frame(source: Any, where: str) -> Iterator[Breach]:
    if source.width * source.height > MAX_PIXELS:
        told = f"image trop grande : {source.width} x {source.height} pixels"
        yield Breach(told, where, "découper autour de la commune : gdal_translate -projwin …")
    if source.crs is None:
        yield Breach("aucun système de coordonnées dans l'image", where, "gdal_edit.py -a_srs …")
    if source.count not in (1, 3, 4):
        yield Breach(f"{source.count} bandes au lieu de 1, 3 ou 4", where, _TODO_AERIAL)
    if set(source.dtypes) != {"uint8"}:
        yield Breach(f"valeurs {source.dtypes[0]} au lieu d'octets", where, _TODO_AERIAL)
    matrix = source.transform
    if matrix.b or matrix.d or matrix.a <= 0 or matrix.e >= 0:
        yield Breach("image tournée ou retournée", where, "la redresser : gdalwarp …")


def photos(folder: Path) -> list[Photo]:
    """Return the photos of a folder that are named by block or parcel, in order."""
    found = []
    for path in sorted(folder.iterdir()):
        read = NAME.fullmatch(path.name)
        if read and path.is_file() and not path.is_symlink():
            found.append(Photo(read[1].upper(), int(read[2]), path))
    return sorted(found, key=lambda photo: (photo.subject, photo.number, photo.path.name))


def _photos(folder: Path) -> Iterator[Breach]:
    files = [p for p in sorted(folder.iterdir()) if not p.name.startswith(".")]
    named = {photo.path for photo in photos(folder)}
    stray = [p for p in files if p not in named and p.suffix.lower() not in IGNORED]
    if stray:
        told = f"{len(stray)} fichier(s) qui ne nomment ni îlot ni parcelle"
        todo = "les nommer comme B001-1.jpg ou 129990000A0001-1.jpg (JPEG ou PNG)"
        yield Breach(f"{told} (premier : {stray[0].name[:60]})", str(folder), todo)
    if len(named) > MAX_PHOTOS:
        yield Breach(f"{len(named)} photos", str(folder), f"{MAX_PHOTOS} au plus")
        return
    for path in sorted(named):
        yield from _photo(path)


def _photo(path: Path) -> Iterator[Breach]:
    size = path.stat().st_size
    if size > MAX_BYTES:
        told = f"photo de {size / 1024**2:.0f} Mo"
        yield Breach(told, str(path), f"{MAX_BYTES // 1024**2} Mo au plus : la réduire")
        return
    kind = photo_type(path)
    if kind is None:
        yield Breach("ce n'est ni un JPEG ni un PNG", str(path), "convertir la photo")
        return
    try:
        with opened(path) as picture:
            wide, high = picture.size
    except (OSError, ValueError, SyntaxError) as error:
        yield Breach(unreadable(error), str(path), "la copier de nouveau depuis l'appareil")
        return
    if wide * high > MAX_PHOTO_PIXELS:
        told = f"photo de {wide} x {high} pixels"
        yield Breach(told, str(path), f"{MAX_PHOTO_PIXELS // 10**6} millions au plus : la réduire")


def check_size(picture: Any) -> None:
    """Refuse, with a ValueError, a photo larger than the cap: before its pixels are unpacked."""
    if picture.width * picture.height > MAX_PHOTO_PIXELS:
        raise ValueError(ENDLESS)


def unreadable(error: Exception) -> str:
    """Return why a photo cannot be read (Pillow's own words name addresses in memory)."""
    return ENDLESS if str(error) == ENDLESS else "photo illisible ou tronquée"


def photo_type(path: Path) -> str | None:
    """Return « JPEG » or « PNG » by a file's first bytes (a name proves nothing), else None."""
    with path.open("rb") as file:
        head = file.read(8)
    return next((kind for magic, kind in PHOTO_TYPES.items() if head.startswith(magic)), None)


def opened(path: Path) -> Any:
    """Return a photo as a Pillow image: its header is read, its pixels are not.

    Raises
    ------
    ValueError, OSError, SyntaxError
        Not the type that its first bytes say, damaged, or larger than Pillow unpacks.
    """
    from PIL import Image

    kind = photo_type(path)
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            return Image.open(io.BytesIO(path.read_bytes()), formats=[kind] if kind else [])
        except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
            raise ValueError(ENDLESS) from error

"""Photos taken in the field, shown in the dossier of their block: never in a public file.

Each is made again from its pixels, so that nothing else of the file goes on: place (GPS), device,
serial number, thumbnail. The day it was taken is read before and written in the caption. Only the
restricted file keeps what the camera wrote.
"""

from __future__ import annotations

import base64
import datetime as dt
import io
from typing import TYPE_CHECKING, Any, NamedTuple

from friches.errors import refuse
from friches.sources import pictures
from friches.view import words
from friches.view.audience import is_public
from friches.view.lexicon import w

if TYPE_CHECKING:
    from collections.abc import Iterable

    from friches.result import Result
    from friches.sources.pictures import Photo

SIDE = 1400
"""Longest side of a photo as shown (pixels)."""
QUALITY = 80
MOST = 12
"""Photos shown of a block."""
TAKEN = 36867
"""EXIF tag DateTimeOriginal."""
EXIF_IFD = 0x8769


class Shown(NamedTuple):
    """A photo as a page holds it.

    Attributes
    ----------
    data : str
        The image, as a `data:` address.
    caption : str
        What it shows, its number, and the day by the device's clock.
    alt : str
    """

    data: str
    caption: str
    alt: str


def of_blocks(result: Result) -> dict[str, list[Photo]]:
    """Return the photos of each block, at most `MOST`: none for the public."""
    found: dict[str, list[Photo]] = {}
    for block, photo in _placed(result):
        if block is not None:
            found.setdefault(block, []).append(photo)
    return {block: photos[:MOST] for block, photos in found.items()}


def shown(photos: Iterable[Photo]) -> list[Shown]:
    """Return photos bare of all that the camera wrote."""
    return [_shown(photo, bare=True) for photo in photos]


def whole(photos: Iterable[Photo]) -> list[Shown]:
    """Return photos with what the camera wrote, for the restricted file alone."""
    return [_shown(photo, bare=False) for photo in photos]


def strays(result: Result) -> list[str]:
    """Return the names of the photos that belong to no block (none for the public)."""
    return [photo.path.name for block, photo in _placed(result) if block is None]


def _placed(result: Result) -> list[tuple[str | None, Photo]]:
    """Return every photo with the block that it names, or whose parcel it names."""
    if is_public(result):
        return []
    found = [p for folder in result.study.files("photos") for p in pictures.photos(folder)]
    named = {photo.subject for photo in found}
    homes = result.members[result.members["parcel_id"].isin(named)]
    home = dict(zip(homes["parcel_id"], homes["block_id"], strict=True))
    blocks = named.intersection(result.blocks["block_id"])
    return [(p.subject if p.subject in blocks else home.get(p.subject), p) for p in found]


def _shown(photo: Photo, *, bare: bool) -> Shown:
    from PIL import Image, ImageOps

    try:
        with pictures.opened(photo.path) as opened:
            pictures.check_size(opened)
            written = opened.getexif()
            taken = _taken(written)
            upright = ImageOps.exif_transpose(opened).convert("RGB")
    except (OSError, ValueError, SyntaxError) as error:
        raise refuse(
            pictures.unreadable(error), photo.path, "la copier de nouveau depuis l'appareil"
        ) from error
    upright.thumbnail((SIDE, SIDE))
    clean = Image.frombytes("RGB", upright.size, upright.tobytes())  # pixels alone: no metadata
    held = io.BytesIO()
    kept: dict[str, Any] = {} if bare else {"exif": _upright(written)}
    clean.save(held, "JPEG", quality=QUALITY, optimize=True, **kept)
    day = w.photos.taken.format(day=words.day(taken)) if taken else w.photos.undated
    said = w.photos.named.format(number=photo.number, subject=_subject(photo.subject))
    data = "data:image/jpeg;base64," + base64.b64encode(held.getvalue()).decode("ascii")
    return Shown(data, said + day, f"{said} : {w.photos.alt}")


def _subject(subject: str) -> str:
    if len(subject) == 14:
        reference = words.parcel_reference(subject).removeprefix("000 ")
        return str(w.photos.parcel.format(reference=reference))
    return str(w.photos.block.format(id=subject))


def _taken(written: Any) -> dt.date | None:
    said = written.get_ifd(EXIF_IFD).get(TAKEN) or written.get(306)
    try:
        return dt.datetime.strptime(str(said)[:10], "%Y:%m:%d").date()  # noqa: DTZ007 -- a day
    except ValueError:
        return None


def _upright(written: Any) -> bytes:
    written[0x0112] = 1  # the pixels are turned already
    return bytes(written.tobytes())

"""What an archive may hold: safe names, plain files, within limits."""

from __future__ import annotations

import re
import shutil
from fnmatch import fnmatchcase
from typing import IO, TYPE_CHECKING, Literal, NamedTuple

from friches.errors import InputError, refuse
from friches.sources.container import FREE_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

SPARE_BYTES = 2**28
"""256 MiB left free on the disk."""
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_TODO_ORIGIN = "vérifier son origine, ou la décompresser soi-même"


Kind = Literal["file", "folder", "other"]


class Member(NamedTuple):
    """One entry of an archive."""

    name: str
    size: int
    kind: Kind


class Task(NamedTuple):
    """What is wanted of an archive; see `friches.fetch.archives.unpack`.

    Parameters
    ----------
    where : Path
        The archive.
    packed : int
        Its size (bytes).
    wanted : sequence of str
        Glob patterns.
    most_bytes, most_ratio, most_members : int, float, int
        Limits.
    """

    where: Path
    packed: int
    wanted: Sequence[str]
    most_bytes: int
    most_ratio: float
    most_members: int

    @property
    def work(self) -> float:
        """Bytes that may be decompressed, wanted or not."""
        return max(float(FREE_BYTES), self.most_ratio * self.packed)

    @property
    def room(self) -> float:
        """Bytes that may be written."""
        return min(float(self.most_bytes), self.work)

    def refusal(self, what: str) -> InputError:
        """Return the refusal of an archive, ready to raise."""
        return refuse(what, self.where, _TODO_ORIGIN)


def choose(members: Iterable[Member], task: Task) -> list[Member]:
    """Return the files to unpack, ordered by name.

    Parameters
    ----------
    members : iterable of Member
        May be endless: it is left at `task.most_members`.
    task : Task
        Patterns and limits, these also on the sizes declared.

    Raises
    ------
    InputError
        An unsafe name anywhere, a link or a device among the wanted, nothing wanted, too much.
    """
    chosen: dict[str, Member] = {}
    seen: list[str] = []
    for count, member in enumerate(members, start=1):
        if count > task.most_members:
            raise task.refusal(f"plus de {task.most_members} fichiers dans l'archive")
        if not is_safe(member.name):
            raise task.refusal(f"chemin dangereux dans l'archive : {member.name!r}")
        seen.append(member.name)
        if member.kind == "folder" or not is_wanted(member.name, task.wanted):
            continue
        if member.kind == "other":
            raise task.refusal(f"lien ou fichier spécial dans l'archive : {member.name!r}")
        if member.name.lower() in chosen:
            raise task.refusal(f"« {member.name} » deux fois dans l'archive")
        chosen[member.name.lower()] = member
    if not chosen:
        raise _nothing(seen, task)
    if sum(member.size for member in chosen.values()) > task.room:
        raise too_large(task.where)
    return sorted(chosen.values())


def _nothing(seen: list[str], task: Task) -> InputError:
    listed = ", ".join(sorted(seen)[:5]) or "aucun"
    return refuse(
        f"aucun fichier attendu ({', '.join(task.wanted)}) dans l'archive (trouvé : {listed})",
        task.where,
        "vérifier que c'est la bonne archive",
    )


def is_wanted(name: str, wanted: Sequence[str]) -> bool:
    """Return whether a member's name, or its last part, fits one of the patterns."""
    whole = name.lower()
    names = (whole, whole.rpartition("/")[2])
    return any(fnmatchcase(n, pattern.lower()) for pattern in wanted for n in names)


def is_safe(name: str) -> bool:
    """Return whether a name stays inside its folder, on every system."""
    parts = re.split(r"[/\\]", name.rstrip("/"))
    return (
        name.isprintable()
        and not name.startswith(("/", "\\"))
        and all(_is_safe_part(part) for part in parts)
    )


def _is_safe_part(part: str) -> bool:
    return part == "." or (
        part not in {"", ".."}
        and ":" not in part
        and len(part.encode()) <= 255
        and not part.endswith((".", " "))
        and not _RESERVED.fullmatch(part)
    )


def check_disk(into: Path, size: int, where: Path) -> None:
    """Refuse to begin what the disk could not hold."""
    free = shutil.disk_usage(into).free
    if size + SPARE_BYTES > free:
        raise refuse(
            f"place insuffisante sur le disque : {size / 1e6:.0f} Mo une fois décompressée, "
            f"{free / 1e6:.0f} Mo libres",
            where,
            "libérer de la place, ou choisir un autre dossier",
        )


def write(source: IO[bytes], target: Path, room: float, where: Path) -> int:
    """Copy what comes out of an archive, whatever it declared; return its bytes.

    Raises
    ------
    InputError
        More than `room`.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    done = 0
    with target.open("xb") as out:
        while piece := source.read(2**20):
            done += len(piece)
            if done > room:
                raise too_large(where)
            out.write(piece)
    return done


def too_large(where: Path) -> InputError:
    """Return the refusal of an archive that grows out of proportion."""
    return refuse(
        "archive démesurée une fois décompressée (bombe de décompression ?)", where, _TODO_ORIGIN
    )

"""What a fetch leaves: a ready study file, where each layer comes from, exchanged whole."""

from __future__ import annotations

import glob
import json
import os
import shutil
from typing import TYPE_CHECKING, Any

from friches.errors import refuse
from friches.keep import digest, file_digest
from friches.sources.catalogue import UNDATED, vintage
from friches.sources.fetched import REPORT, read_report

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from friches.fetch.errand import Outcome, Piece
    from friches.fetch.territory import Territory

STUDY = "study.toml"
_ORDER = (
    "cadastre",
    "buildings",
    "roads",
    "forest",
    "zoning",
    "land_cover",
    "elevation",
    "ndvi",
    "owners",
    "sales",
    "constraints",
    "canteens",
    "farmers",
)


def write_study(
    folder: Path,
    territory: Territory,
    day: dt.date,
    outcomes: Sequence[Outcome],
    derived: Mapping[str, Path],
) -> Path:
    """Write the study file that names every layer had.

    Parameters
    ----------
    folder : Path
        Where it is written; paths in it are relative to it.
    territory, day
        Of the study.
    outcomes : sequence of Outcome
        What was had and what was not.
    derived : mapping of str to Path
        Tables made from official files (canteens, farmers), which are named in their place.
    """
    lines = [
        "# Écrit par « friches fetch » ; d'où vient chaque fichier est dans fetched.json.",
        "",
        "[study]",
        f"name     = {_text(territory.name)}",
        f"communes = {_text(territory.codes)}",
        f"day      = {day}",
        "",
        "[sources]",
    ]
    named, legend = _files(folder, outcomes, derived)
    for layer in _ORDER:
        files = named.get((layer, None), [])
        if layer == "land_cover" and files:
            lines.append(f"{layer} = {{ path = {_text(files[0])}, legend = {_text(legend)} }}")
        elif files:
            lines.append(f"{layer} = {_text(files)}")
    campaigns = sorted(year for layer, year in named if layer == "declared_fields" and year)
    if campaigns:
        lines += ["", "[sources.declared_fields]"]
        lines += [f"{year} = {_text(named['declared_fields', year])}" for year in campaigns]
    path = folder / STUDY
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def _files(
    folder: Path, outcomes: Sequence[Outcome], derived: Mapping[str, Path]
) -> tuple[dict[tuple[str, int | None], list[str]], str]:
    named: dict[tuple[str, int | None], list[str]] = {}
    legend = ""
    for outcome in outcomes:
        target = outcome.job.target
        if not target or (target in ("canteens", "farmers") and not outcome.added):
            continue
        files = [_relative(piece.path, folder) for piece in outcome.pieces if piece.read]
        named.setdefault((target, outcome.job.campaign), []).extend(files)
        if target == "land_cover":
            legend = legend_of(outcome)
    for target, path in derived.items():
        named.setdefault((target, None), []).append(_relative(path, folder))
    return {key: files for key, files in named.items() if files}, legend


def legend_of(outcome: Outcome) -> str:
    """Return the legend of a land cover that was had."""
    if outcome.service is not None:
        return outcome.service.legend
    return next(
        (note.removeprefix("légende : ") for note in outcome.notes if note.startswith("légende")),
        "",
    )


def _relative(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()


def _text(value: object) -> str:
    """Return a text or a list of texts as TOML writes it (JSON's escapes are its own)."""
    return json.dumps(value, ensure_ascii=False)


def write_report(
    folder: Path,
    territory: Territory,
    day: dt.date,
    outcomes: Sequence[Outcome],
    derived: Mapping[str, Path],
) -> Path:
    """Write fetched.json: what was had, from whom, at which vintage, and what is missing.

    The study file is written before: its content is noted, to know later whether it was changed.
    """
    said = {
        "territory": {
            "name": territory.name,
            "communes": territory.codes,
            "crs": territory.crs,
            "notes": list(territory.notes),
        },
        "day": day.isoformat(),
        "layers": [_told(outcome, folder) for outcome in outcomes],
        "study": digest((folder / STUDY).read_text("utf-8")),
        "derived": {target: _relative(path, folder) for target, path in sorted(derived.items())},
    }
    path = folder / REPORT
    path.write_text(json.dumps(said, ensure_ascii=False, indent=1) + "\n", "utf-8")
    return path


def _told(outcome: Outcome, folder: Path) -> dict[str, Any]:
    job, service = outcome.job, outcome.service
    layer = job.layer

    def said(key: str) -> str:
        return getattr(service, key, "") or str(getattr(layer, key))

    return {
        "layer": job.name,
        "campaign": job.campaign,
        "label": job.label,
        "feeds": job.target,
        "state": outcome.state,
        "service": None if service is None else {"kind": service.kind, "url": service.url},
        "publisher": said("publisher"),
        "licence": said("licence"),
        "attribution": said("attribution"),
        "stale_after_days": layer.stale_after_days,
        "files": [_file(piece, folder) for piece in outcome.pieces],
        "notes": [*outcome.notes, *_costs(outcome)],
        "tried": [
            {"service": failure.service, "why": failure.why, "todo": failure.todo}
            for failure in outcome.tried
        ],
        "costs": layer.settles if outcome.state == "missing" else "",
    }


def _costs(outcome: Outcome) -> list[str]:
    service = outcome.service
    return [service.cost] if service is not None and service.cost else []


def _file(piece: Piece, folder: Path) -> dict[str, Any]:
    days = sorted({answer.retrieved_on for answer in piece.answers})
    year = piece.vintage or vintage(piece.path)
    whole = piece.path.is_file()
    return {
        "path": _relative(piece.path, folder),
        "sha256": file_digest(piece.path) if whole else "",
        "bytes": piece.path.stat().st_size if whole else None,
        "features": piece.features,
        "announced": piece.announced,
        "vintage": "" if year == UNDATED else year,
        "retrieved_on": days[0].isoformat() if days else "",
        "answers": len(piece.answers),
        "answers_sha256": digest([answer.sha256 for answer in piece.answers]),
        "empty": piece.empty,
        "notes": list(piece.notes),
    }


def check_out(out: Path) -> None:
    """Refuse a folder that a fetch did not write.

    Raises
    ------
    InputError
        A file, or a folder with other things in it.
    """
    if out.exists() and not out.is_dir():
        raise refuse("ce nom est celui d'un fichier", out, "choisir un autre --out")
    if out.is_dir() and any(out.iterdir()) and not (out / REPORT).is_file():
        raise refuse(
            "ce dossier contient autre chose qu'un téléchargement", out, "choisir un autre --out"
        )


def exchange(side: Path, out: Path) -> list[str]:
    """Put a finished folder in its place; what people added to the old one is carried over.

    Returns
    -------
    list of str
        What was carried over or set aside, in French.
    """
    old = out.with_name(f".{out.name}.ancien")
    notes = list(_carried(out, side)) if out.is_dir() else []
    shutil.rmtree(old, ignore_errors=True)
    if out.exists():
        out.rename(old)
    side.rename(out)
    shutil.rmtree(old, ignore_errors=True)
    return notes


def side_of(out: Path) -> Path:
    """Return the folder beside `out` in which this process writes."""
    return out.with_name(f".{out.name}.{os.getpid()}.partiel")


def recover(out: Path) -> None:
    """Undo what killed fetches left: an exchange cut short, folders of processes that are gone."""
    old = out.with_name(f".{out.name}.ancien")
    if old.is_dir() and not out.exists():
        old.rename(out)
    for side in out.parent.glob(f".{glob.escape(out.name)}.*.partiel"):
        number = side.name.split(".")[-2]
        if number.isdigit() and not _runs(int(number)):
            shutil.rmtree(side, ignore_errors=True)


def _runs(process: int) -> bool:
    """Tell whether a process runs; only POSIX can be asked without harm."""
    if os.name != "posix":
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _carried(out: Path, side: Path) -> Iterator[str]:
    said = read_report(out)
    ours = {file["path"] for layer in said.get("layers", []) for file in layer["files"]}
    ours |= {*said.get("derived", {}).values(), REPORT}
    for path in sorted(out.rglob("*")):
        name = _relative(path, out)
        if not path.is_file() or name in ours or _within(name, ours):
            continue
        target = side / name
        if name == STUDY:
            if path.read_bytes() == (side / STUDY).read_bytes():
                continue
            if digest(path.read_text("utf-8")) == said.get("study"):
                continue
            target = side / "study.precedent.toml"
            yield f"l'ancien fichier d'étude est gardé : {target.name}"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)


def _within(name: str, ours: set[str]) -> bool:
    return any(name.startswith(f"{one}/") for one in ours)

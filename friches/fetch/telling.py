"""What a fetch says, in French: the size to come, how each layer ended, what exists and how old."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any

from friches.fetch.services import Layer, layers
from friches.sources.catalogue import UNDATED, vintage
from friches.sources.constraints import kind_in
from friches.sources.fetched import read_report

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from friches.fetch.errand import Outcome
    from friches.fetch.fetching import Fetched, Weight
    from friches.studyfile import Study

THIN = "\u202f"


def size(count: float) -> str:
    r"""Return a number of bytes in French units.

    >>> size(1_234_567)
    '1,2\u202fMo'
    """
    for unit in ("octets", "ko", "Mo", "Go"):
        if count < 1000 or unit == "Go":
            digits = 0 if unit == "octets" or count >= 100 else 1
            return f"{count:.{digits}f}".replace(".", ",") + THIN + unit
        count /= 1000
    raise AssertionError(count)


def number(count: int) -> str:
    """Return a whole number with thin spaces between thousands."""
    return f"{count:,}".replace(",", THIN)


def weight_told(weight: Weight) -> str:
    """Return how much is about to be downloaded."""
    text = f"À télécharger : environ {size(weight.total)}"
    text += f" (fichiers {size(weight.files)}, {number(weight.features)} objets)"
    if weight.unknown:
        text += f" ; taille non annoncée : {', '.join(weight.unknown)}"
    return text


def outcome_told(outcome: Outcome) -> str:
    """Return how one layer ended, in one line or a few."""
    label = outcome.job.label
    if outcome.state == "missing":
        lines = [f"  ✗ {label} : manque. Ce que cela coûte : {outcome.job.layer.settles}."]
        lines += [f"      {failure.service} : {failure.why}" for failure in outcome.tried]
        advice = outcome.job.layer.by_hand
        advice = advice or next((f.todo for f in reversed(outcome.tried) if f.todo), "")
        return "\n".join([*lines, f"      → {advice}"] if advice else lines)
    if outcome.state == "empty":
        lines = [f"  ○ {label} : rien sur ce territoire (c'est une réponse, pas un manque)"]
    else:
        lines = [f"  ✓ {label} : {', '.join(_extent(outcome))}"]
    lines += [f"      {note}" for note in _notes(outcome)]
    lines += [f"      premier choix en échec, {f.service} : {f.why}" for f in outcome.tried]
    return "\n".join(lines)


def _extent(outcome: Outcome) -> Iterator[str]:
    counted = [piece.features for piece in outcome.pieces if piece.features is not None]
    if counted:
        yield f"{number(sum(counted))} objets"
    many = len(outcome.pieces)
    yield f"{many} fichier{'s' if many > 1 else ''}"
    years = sorted({piece.vintage for piece in outcome.pieces if piece.vintage} - {UNDATED})
    if years:
        yield "millésime " + (years[0] if len(years) == 1 else f"{years[0]} à {years[-1]}")
    if outcome.added:
        yield "donné à la main"
    elif outcome.service is not None:
        yield f"par {outcome.service.pace}"
        if outcome.pieces and all(a.from_cache for p in outcome.pieces for a in p.answers):
            yield "du cache"


def _notes(outcome: Outcome) -> list[str]:
    notes = [*outcome.notes, *(note for piece in outcome.pieces for note in piece.notes)]
    if outcome.service is not None and outcome.service.cost:
        notes.append(outcome.service.cost)
    return list(dict.fromkeys(notes))


def fetched_told(done: Fetched) -> str:
    """Return the report that a fetch ends with."""
    missing = [outcome for outcome in done.outcomes if outcome.state == "missing"]
    had = len(done.outcomes) - len(missing)
    lines = [f"{done.territory.name} ({', '.join(done.territory.codes[:12])})"]
    lines += [outcome_told(outcome) for outcome in done.outcomes]
    lines += [f"  Attention : {note}" for note in done.notes]
    lines.append(f"{had} couche(s) sur {len(done.outcomes)} ; {len(missing)} manquante(s).")
    return "\n".join([*lines, f"Étude prête : friches run {done.study}"])


def sources_told(study: Study | None, today: dt.date) -> str:
    """Return what the catalogue holds, or what a study has, how old it is, and what it lacks."""
    if study is None:
        return "\n".join(_catalogue_told())
    return "\n".join(_study_told(study, today))


def _catalogue_told() -> Iterator[str]:
    for name, layer in layers().items():
        ways = [s.kind for s in layer.machine]
        got = f"services : {', '.join(dict.fromkeys(ways))}" if ways else "à la main"
        when = "" if layer.asked == "always" else " (avec --also)"
        when = " (avec une autre couche)" if layer.asked == "inside" else when
        yield f"{name} : {layer.label} — {layer.publisher} — {got}{when}"
        yield f"    dit {layer.settles}"
        if layer.by_hand:
            yield f"    à la main : {layer.by_hand}"


def _study_told(study: Study, today: dt.date) -> Iterator[str]:
    report = read_report(study.folder)
    told: dict[str, list[Any]] = {}
    for entry in report.get("layers", []):
        told.setdefault(entry["layer"], []).append(entry)
    for name, layer in layers().items():
        beside = layer.asked == "inside" or layer.feeds == ""
        if name in told:
            yield from _entries_told(name, told[name], today)
        elif beside or name == "constraints":
            continue
        elif paths := _paths(study, name, layer):
            for path in paths:
                # Earlier campaigns are history, not stale copies: the last one alone ages.
                aged = name != "declared_fields" or path == paths[-1]
                age = _age(vintage(path), layer, today) if aged else ""
                yield f"{name} : {path.name} — {vintage(path)}{age}"
        elif layer.feeds is None or layer.asked == "always":
            yield f"{name} : manque. Dirait {layer.settles}."
            yield f"    → {_way(name, layer)}"


def _paths(study: Study, name: str, layer: Layer) -> Sequence[Path]:
    """Return the files that a study gives for a layer, without a report to say so."""
    if layer.feeds == "constraints":
        parts = {part for service in layer.service for part in service.parts}
        kinds = set().union(*(kind_in(text) for text in (name, *parts)))
        files = study.files("constraints")
        return [path for path in files if kind_in(path.name.split(".")[0]) & kinds]
    if layer.feeds is not None:
        return []
    if name == "declared_fields":
        years = sorted(study.sources.declared_fields)
        return [path for year in years for path in study.files(name, year)]
    return study.files(name)


def _way(name: str, layer: Layer) -> str:
    ways = [f"friches fetch … --only {name}"] if layer.machine else []
    return " ; ".join([*ways, *([layer.by_hand] if layer.by_hand else [])])


def _entries_told(name: str, entries: Sequence[Any], today: dt.date) -> Iterator[str]:
    for entry in entries:
        label = name if entry["campaign"] is None else f"{name} {entry['campaign']}"
        if entry["state"] == "missing":
            yield f"{label} : manque. Dirait {entry['costs']}."
            continue
        what = "rien sur ce territoire" if entry["state"] == "empty" else entry["publisher"]
        years = sorted({f["vintage"] for f in entry["files"] if f["vintage"]})
        days = sorted({f["retrieved_on"] for f in entry["files"] if f["retrieved_on"]})
        dated = f"millésime {', '.join(years)}" if years else UNDATED
        seen = f", récupéré le {days[0]}" if days else ", donné à la main"
        age = _age(days[0] if days else (years or [""])[-1], layers()[name], today)
        yield f"{label} : {what} — {dated}{seen} — {entry['licence']}{age}"


def _age(text: str, layer: Layer, today: dt.date) -> str:
    """Return « périmé » when a day or a year is older than the layer's own delay."""
    found = re.match(r"(\d{4})(?:-(\d\d)-(\d\d))?", text)
    if not found:
        return ""
    year, month, day = int(found[1]), int(found[2] or 12), int(found[3] or 31)
    days = (today - dt.date(year, month, day)).days
    return f" — PÉRIMÉ ({number(days)}{THIN}jours)" if days > layer.stale_after_days else ""

"""The register as a workbook: a row a block, a row a parcel, columns to fill after a visit."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from openpyxl import Workbook
from openpyxl.workbook.defined_name import DefinedName

from friches import __version__
from friches.view import cells, inert, method, page, popups, publish, questions, words
from friches.view.audience import destroy_mention, visible
from friches.view.cells import Column, Sheet
from friches.view.layout import (
    BLOCKS,
    EDITION,
    FIRST,
    GUIDE,
    LISTS,
    METHOD,
    PARCELS,
    QUESTIONS,
    SOURCES,
)
from friches.view.register import advised, answer_said, listed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from friches.result import Result

MOST_PARCELS = 100_000
"""Above this, only parcels answered yes or unknown have a row: spreadsheets slow down."""
MOST_NAMED = 12
"""Blocks named beside a question; the sheets have them all."""


def write_workbook(result: Result, path: Path | str) -> Path:
    """Write the register as an .xlsx: what to read first, blocks, parcels, questions, method.

    Parameters
    ----------
    result : Result
        What a run found; cut down here to what the study's audience may see (for the public no
        parcel has a row).
    path : Path or str
        The file to write; the same result gives the same bytes.

    Returns
    -------
    Path
        `path`.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    shown = visible(result)
    book = Workbook(write_only=True)
    book.properties.creator = f"friches {__version__}"
    book.properties.title = f"{inert.clean(shown.study.name, 200)} : registre"
    book.properties.language = "fr"
    for sheet in _sheets(shown):
        cells.add(book, sheet)
    _name_lists(book)
    made = io.BytesIO()
    book.save(made)
    path.write_bytes(cells.same_bytes(made.getvalue(), shown.study.study.day))
    return path


def _sheets(result: Result) -> list[Sheet]:
    known = listed(result, MOST_PARCELS)
    sheets = [
        Sheet("lire d'abord", FIRST, _first(result, len(known)), wrap=True),
        Sheet("îlots", BLOCKS, _hashed(_blocks(result), BLOCKS, result)),
        Sheet("parcelles", PARCELS, _hashed(_parcels(result, known), PARCELS, result)),
        Sheet("à demander", QUESTIONS, _questions(result), wrap=True),
        Sheet("méthode", METHOD, _method(result), wrap=True),
        Sheet("sources", SOURCES, _sources(result), wrap=True),
    ]
    sheets.append(Sheet("colonnes", GUIDE, cells.guide(sheets), wrap=True))
    labels = ("Réponses possibles", "Stades (dix classes de la SAFER)")
    columns = [Column(n, label, width=34) for n, label in zip(LISTS, labels, strict=True)]
    longest = max(len(values) for values in LISTS.values())
    rows = [
        {name: values[n] for name, values in LISTS.items() if n < len(values)}
        for n in range(longest)
    ]
    return [*sheets, Sheet("listes", columns, rows)]


def _name_lists(book: Workbook) -> None:
    for place, (name, values) in enumerate(LISTS.items()):
        letter = "ABCDEFGH"[place]
        where = f"listes!${letter}$2:${letter}${len(values) + 1}"
        book.defined_names[name] = DefinedName(name, attr_text=where)


def _hashed(
    rows: list[dict[str, Any]], columns: Sequence[Column], result: Result
) -> list[dict[str, Any]]:
    """Add the edition, and the hash of what the reviewer sees: changed facts show on return."""
    run = page.run_id(result)
    seen = [c.name for c in columns if not c.review and c not in EDITION]
    for row in rows:
        said = "|".join("" if words.missing(row.get(name)) else str(row[name]) for name in seen)
        digest = hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()[:12]
        row.update(run_id=run, facts_hash=digest)
    return rows


def _blocks(result: Result) -> list[dict[str, Any]]:
    meals = popups.rows_of(result.meals, "block_id")
    none = result.meals.iloc[:0]
    routes = advised(result)
    matches = {row["block_id"]: row for row in _records(result.matches)}
    farms = dict(zip(result.farmers["farmer_id"], result.farmers["name"], strict=True))
    canteens = dict(zip(result.canteens["canteen_id"], result.canteens["name"], strict=True))
    rows = []
    for block in _records(popups.sorted_blocks(result).drop(columns="geometry")):
        route = routes.get(block["block_id"], {})
        match = matches.get(block["block_id"], {})
        eaten = popups.block_meals(meals.get(block["block_id"], none), block["area_ha"])
        three = eaten or (None, None, None)
        dates = {
            c.name: route.get(c.name) for c in BLOCKS if c.name.startswith(("land_", "first_"))
        }
        row = block | dates
        row |= {
            "answer": words.answer(block["answer"]),
            "stage": words.text(block["stage"]),
            "farm": farms.get(match.get("farmer_id")),
            "minutes": _rounded(match.get("minutes"), 1),
            "canteen": canteens.get(match.get("canteen_id")),
            "minutes_canteen": _rounded(match.get("minutes_canteen"), 1),
            "route": route.get("title", words.NO_ROUTE),
            "route_answer": words.route_state(route["answer"]) if route else None,
            "sheet": f"sheets/{block['block_id']}.html",
            "meals_low": _whole(three[0]),
            "meals": _whole(three[1]),
            "meals_high": _whole(three[2]),
        }
        for name, decimals in (("area_ha", 4), ("area_measured_ha", 4), ("share_known", 3),
                               ("slope_mean_pct", 1), ("altitude_mean_m", 0)):  # fmt: skip
            row[name] = _rounded(row[name], decimals)
        rows.append(row)
    return rows


def _rounded(value: Any, decimals: int) -> float | None:
    return None if words.missing(value) else round(float(value), decimals)


def _whole(value: float | None) -> float | None:
    """Return an estimate with three significant digits."""
    return None if value is None else words.rounded(value)


def _parcels(result: Result, known: Any) -> list[dict[str, Any]]:
    wanted = ["area_registered_m2", "area_m2", "commune", *words.COLUMNS]
    facts = result.facts.reindex(columns=["parcel_id", *wanted])
    numbers = result.parcels[["parcel_id", "prefix", "section", "number"]]
    rows = _records(
        known.merge(result.members, on="parcel_id", how="left")
        .merge(facts, on="parcel_id", how="left")
        .merge(numbers, on="parcel_id", how="left")
    )
    for row in rows:
        row["answer"] = answer_said(row)
        if row["answer"] in (words.ANSWERS["yes"].word, words.ANSWERS["unknown"].word):
            row["stage"] = words.text(row["stage"])
        kind, zone = words.text(row["owner_kind"], ""), words.text(row["zone_plu"], "")
        row["owner_kind"] = words.OWNER_KINDS.get(kind)
        row["zone_plu"] = words.ZONES.get(zone, zone or None)
        row["share_known"] = _rounded(row["share_known"], 3)
        for name in ("area_m2", "road_distance_m"):
            row[name] = _rounded(row[name], 0)
        row["slope_mean_pct"] = _rounded(row["slope_mean_pct"], 1)
    return rows


def _records(table: Any) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def _questions(result: Result) -> list[dict[str, Any]]:
    """Return the questions of detection, those about the most parcels first, then of routes."""
    rows = [
        row | {"about": "détection", "blocks": row["blocks"].split(" ; ") if row["blocks"] else []}
        for row in _records(questions.totals(result.members, result.fallow))
    ]
    waiting: dict[tuple[str, str], tuple[dict[str, None], dict[str, None]]] = {}
    for route in _records(result.routes.sort_values(["order", "block_id"])):
        for text, whom in questions.split(route["to_ask"]):
            blocks, titles = waiting.setdefault((whom or words.NOBODY, text), ({}, {}))
            blocks[route["block_id"]] = None
            titles[route["title"]] = None
    rows += [
        {"whom": whom, "question": text, "about": " ; ".join(titles), "blocks": sorted(blocks)}
        for (whom, text), (blocks, titles) in waiting.items()
    ]
    return [
        row
        | {
            "question_id": f"Q{n:03d}",
            "n_blocks": len(row["blocks"]),
            "blocks": _some(row["blocks"]),
        }
        for n, row in enumerate(rows, 1)
    ]


def _some(blocks: list[str]) -> str:
    """Return the first block ids, and how many are left out."""
    left = len(blocks) - MOST_NAMED
    return " ; ".join(blocks[:MOST_NAMED]) + (f" ; et {left} autres" if left > 0 else "")


def _method(result: Result) -> list[dict[str, Any]]:
    day = result.study.study.day
    rows = [row._asdict() for row in method.thresholds(day)]
    rows += [
        {"rule": law.title, "role": "procédure", "fact": f"{law.conditions} conditions, "
         f"{law.steps} étapes", "needed": f"version du {law.since}", "text": law.reviewed,
         "source": law.source}
        for law in method.laws(day)
    ]  # fmt: skip
    rows += [
        {"rule": f"contrôle : {check.what}", "role": "qualité", "needed": check.tolerance,
         "fact": f"{words.plural(check.over, 'parcelle')} sur {words.number(check.of)} "
         "concernées"}
        for check in method.checks(result.facts)
    ]  # fmt: skip
    return rows


def _sources(result: Result) -> list[dict[str, Any]]:
    given = [row | {"state": "lue"} for row in _records(result.provenance)]
    absent = [
        {"layer": row["layer"], "state": "absente", "settles": row["settles"]}
        for row in _records(result.missing)
    ]
    return [row | {"layer": words.LAYERS.get(row["layer"], row["layer"])} for row in given + absent]


def _first(result: Result, listed_parcels: int) -> list[dict[str, str]]:
    """Return what to know before reading: nature of the answers, how to fill, who may receive."""
    about = result.study.study
    all_parcels = len(result.fallow)
    said = {
        "Étude": result.study.name,
        "Avertissement": words.FICTITIOUS if about.fictitious else "",
        "Nature": f"{words.TO_CONFIRM} ; {words.NOT_REVIEWED}",
        "Jour du droit": words.day(about.day),
        "Version": words.AUDIENCES[about.audience],
        "Qui peut le recevoir": publish.who_may_receive(result),
        "Avant de publier": " ; ".join(publish.checklist(result)[1:]),
        "Conservation": destroy_mention(result.study),
        "Réponses": " ; ".join(f"{a.word} : {a.sentence}" for a in words.ANSWERS.values()),
        "Inconnu": f"{words.UNKNOWN_IS_NOT_NO} ; la question et la personne à interroger sont dans "
        "« à demander »",
        "Ordre des lignes": "ce qui est à faire d'abord : îlots par rang ; parcelles à confirmer "
        "qui ont des indices, puis probables, puis les autres",
        "À remplir": "colonnes au fond jaune : vérifié le, vérifié par, réponse et stade "
        "constatés (listes), commentaire. « Vu de loin » et « inaccessible » ne valent pas "
        "« non ».",
        "Ne pas changer": "la première colonne et les deux dernières : elles permettent de relire "
        "le fichier et de voir si les données ont changé depuis",
        "Contenu": f"{words.plural(len(result.blocks), 'îlot')}, "
        f"{words.plural(listed_parcels, 'parcelle')} sur {words.number(all_parcels)}"
        + ("" if listed_parcels == all_parcels else " (probables ou à confirmer seulement)"),
        "Couches absentes": " ; ".join(result.missing["label"]) or "aucune",
        words.CONTEST: about.contact or words.NO_CONTACT,
        "Édition": f"friches {__version__}, {page.run_id(result)}",
    }
    return [{"topic": topic, "text": text} for topic, text in said.items() if text]

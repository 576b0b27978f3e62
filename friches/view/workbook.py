"""The register as a workbook: a row a block, a row a parcel, columns to fill after a visit."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from openpyxl import Workbook
from openpyxl.workbook.defined_name import DefinedName

from friches import __version__
from friches.studyfile import TOLD_IN_FULL
from friches.view import cells, inert, method, page, publish, questions, words
from friches.view.audience import destroy_mention, visible
from friches.view.cells import Column, Sheet
from friches.view.layout import (
    BLOCKS,
    EDITION,
    FIRST,
    GUIDE,
    HARVESTS,
    LISTS,
    METHOD,
    PARCELS,
    PLAN,
    QUESTIONS,
    SOURCES,
)
from friches.view.lexicon import w
from friches.view.register import answer_said, limits, listed, told_parcels
from friches.view.rows import first_blocks, gathered, records

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from friches.result import Result

MOST_PARCELS = 100_000
"""Above this, only parcels answered yes or unknown have a row: spreadsheets slow down."""
MOST_ROWS = 1_048_575
"""Rows below the header that a spreadsheet holds: Excel's limit is 1 048 576 rows."""
MOST_NAMED = 12
"""Blocks named beside a question; the sheets have them all."""


def write_workbook(result: Result, path: Path | str, *, told_in_full: int = TOLD_IN_FULL) -> Path:
    """Write the register as an .xlsx: what to read first, blocks, parcels, questions, method.

    Parameters
    ----------
    result : Result
        What a run found; cut down here to what the study's audience may see (for the public no
        parcel has a row).
    path : Path or str
        The file to write; the same result gives the same bytes.
    told_in_full : int
        Blocks listed, with their parcels, where there are more; the first sheet says so.

    Returns
    -------
    Path
        `path`.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = visible(result)
    shown = first_blocks(whole, told_in_full)
    book = Workbook(write_only=True)
    book.properties.creator = f"friches {__version__}"
    book.properties.title = w.workbook.title.format(name=inert.clean(shown.study.name, 200))
    book.properties.language = "fr"
    for sheet in _sheets(shown, whole):
        cells.add(book, sheet._replace(rows=sheet.rows[:MOST_ROWS]))
    _name_lists(book)
    made = io.BytesIO()
    book.save(made)
    path.write_bytes(cells.same_bytes(made.getvalue(), shown.study.study.day))
    return path


def _sheets(result: Result, whole: Result) -> list[Sheet]:
    known = listed(result, MOST_PARCELS, **told_parcels(result, whole)).iloc[:MOST_ROWS]
    names = w.workbook.sheets
    sheets = [
        Sheet(names.first, FIRST, _first(result, whole, len(known)), wrap=True),
        Sheet(names.blocks, BLOCKS, _hashed(_blocks(result), BLOCKS, result)),
        Sheet(names.parcels, PARCELS, _hashed(_parcels(result, known), PARCELS, result)),
        Sheet(names.questions, QUESTIONS, _questions(whole), wrap=True),
        Sheet(names.plan, PLAN, _plan(whole, len(result.blocks)), wrap=True),
        Sheet(names.harvests, HARVESTS, _harvests(result)),
        Sheet(names.method, METHOD, _method(result), wrap=True),
        Sheet(names.sources, SOURCES, _sources(result), wrap=True),
    ]
    sheets.append(Sheet(names.guide, GUIDE, cells.guide(sheets), wrap=True))
    labels = (w.workbook.list_answers, w.workbook.list_stages)
    columns = [Column(n, label, width=34) for n, label in zip(LISTS, labels, strict=True)]
    longest = max(len(values) for values in LISTS.values())
    rows = [
        {name: values[n] for name, values in LISTS.items() if n < len(values)}
        for n in range(longest)
    ]
    return [*sheets, Sheet(names.lists, columns, rows)]


def _name_lists(book: Workbook) -> None:
    for place, (name, values) in enumerate(LISTS.items()):
        letter = "ABCDEFGH"[place]
        where = f"{w.workbook.sheets.lists}!${letter}$2:${letter}${len(values) + 1}"
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
    rows = []
    for block, eaten, route, match, farm, canteen in gathered(result):
        low, central, high = eaten or (None, None, None)
        dates = {
            c.name: route.get(c.name) for c in BLOCKS if c.name.startswith(("land_", "first_"))
        }
        row = block | dates
        row |= {
            "answer": words.answer(block["answer"]),
            "stage": words.text(block["stage"]),
            "farm": farm,
            "minutes": _rounded(match.get("minutes"), 1),
            "canteen": canteen,
            "minutes_canteen": _rounded(match.get("minutes_canteen"), 1),
            "route": route.get("title", words.NO_ROUTE),
            "route_answer": words.route_state(route["answer"]) if route else None,
            "sheet": f"sheets/{block['block_id']}.html",
            "meals_low": _whole(low),
            "meals": _whole(central),
            "meals_high": _whole(high),
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
    facts = facts[facts["parcel_id"].isin(known["parcel_id"])]
    numbers = result.parcels[["parcel_id", "prefix", "section", "number"]]
    rows = records(
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


def _questions(result: Result) -> list[dict[str, Any]]:
    """Return the questions of detection, those about the most parcels first, then of routes."""
    rows = [
        row
        | {
            "about": w.workbook.detection,
            "blocks": row["blocks"].split(" ; ") if row["blocks"] else [],
        }
        for row in records(questions.totals(result.members, result.fallow))
    ]
    names, waiting = _waiting(result.routes)
    rows += [
        {
            "whom": whom,
            "question": text,
            "about": " ; ".join(titles),
            "blocks": list(names[blocks]),
        }
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


def _waiting(
    routes: pd.DataFrame,
) -> tuple[NDArray[Any], dict[tuple[str, str], tuple[NDArray[np.bool_], dict[str, None]]]]:
    """Return the blocks, sorted, and by question: which of them wait for it, and which routes.

    Texts are split once each, not once a route: a large territory has two million routes.
    """
    routes = routes.loc[routes["to_ask"].notna(), ["order", "block_id", "title", "to_ask"]]
    names, block = np.unique(routes["block_id"].astype(object), return_inverse=True)
    text = routes.groupby(["title", "to_ask"], sort=False, observed=True).ngroup().to_numpy()
    turn = np.lexsort((block, routes["order"]))  # questions in the order of routes, then of blocks
    block, text = block[turn], text[turn]
    alike = np.argsort(text, kind="stable")
    starts = np.flatnonzero(np.diff(text[alike], prepend=-1))
    groups = np.split(alike, starts[1:]) if len(alike) else []
    waiting: dict[tuple[str, str], tuple[NDArray[np.bool_], dict[str, None]]] = {}
    for group in sorted(groups, key=lambda group: int(group[0])):
        row = routes.iloc[turn[group[0]]]
        concerned = block[group]
        for question, whom in questions.split(row["to_ask"]):
            key = (whom or words.NOBODY, question)
            blocks, titles = waiting.setdefault(key, (np.zeros(len(names), dtype=bool), {}))
            blocks[concerned] = True
            titles[row["title"]] = None
    return names, waiting


def _plan(result: Result, most: int) -> list[dict[str, Any]]:
    """Return the first openings, no more than there are blocks listed."""
    if result.openings is None:
        return []
    return records(result.openings.sort_values("position").iloc[:most])


def _harvests(result: Result) -> list[dict[str, Any]]:
    """Return who would grow what on each block, and the price that it must fetch."""
    if result.plots is None:
        return []
    table = result.plots
    if result.prices is not None:
        table = table.merge(result.prices, on=["block_id", "crop"], how="left")
    names = dict(zip(result.farmers["farmer_id"], result.farmers["name"], strict=True))
    return [row | {"farm": names.get(row["farmer_id"])} for row in records(table)]


def _some(blocks: list[str]) -> str:
    """Return the first block ids, and how many are left out."""
    left = len(blocks) - MOST_NAMED
    return " ; ".join(blocks[:MOST_NAMED]) + (
        w.workbook.and_others.format(n=left) if left > 0 else ""
    )


def _method(result: Result) -> list[dict[str, Any]]:
    day = result.study.study.day
    said = w.workbook
    rows = [row._asdict() for row in method.thresholds(day)]
    rows += [
        {
            "rule": law.title,
            "role": said.law_role,
            "fact": said.law_size.format(conditions=law.conditions, steps=law.steps),
            "needed": said.law_version.format(since=law.since),
            "text": law.reviewed,
            "source": law.source,
        }
        for law in method.laws(day)
    ]
    rows += [
        {
            "rule": said.check.format(what=check.what),
            "role": said.check_role,
            "needed": check.tolerance,
            "fact": said.check_said.format(
                parcels=w.counts.parcels(check.over), of=words.number(check.of)
            ),
        }
        for check in method.checks(result.facts)
    ]
    return rows


def _sources(result: Result) -> list[dict[str, Any]]:
    given = [row | {"state": w.workbook.source_read} for row in records(result.provenance)]
    absent = [
        {"layer": row["layer"], "state": w.workbook.source_absent, "settles": row["settles"]}
        for row in records(result.missing)
    ]
    return [row | {"layer": words.LAYERS.get(row["layer"], row["layer"])} for row in given + absent]


def _first(result: Result, whole: Result, listed_parcels: int) -> list[dict[str, str]]:
    """Return what to know before reading: nature of the answers, how to fill, who may receive."""
    about, said = result.study.study, w.workbook.said
    counted = said.contents if listed_parcels == len(result.fallow) else said.contents_part
    told = {
        "study": result.study.name,
        "warning": words.FICTITIOUS if about.fictitious else "",
        "nature": said.nature.format(to_confirm=words.TO_CONFIRM, not_reviewed=words.NOT_REVIEWED),
        "day": words.day(about.day),
        "version": words.AUDIENCES[about.audience],
        "receivers": publish.who_may_receive(result),
        "publishing": " ; ".join(publish.checklist(result)[1:]),
        "keeping": destroy_mention(result.study),
        "answers": " ; ".join(
            said.answer.format(word=a.word, sentence=a.sentence) for a in words.ANSWERS.values()
        ),
        "unknown": said.unknown.format(unknown_is_not_no=words.UNKNOWN_IS_NOT_NO),
        "order": said.order,
        "to_fill": said.to_fill,
        "to_keep": said.to_keep,
        "contents": counted.format(
            blocks=w.counts.blocks(len(result.blocks)),
            parcels=w.counts.parcels(listed_parcels),
            all=words.number(len(result.fallow)),
        ),
        "limits": limits(whole, len(result.blocks), listed_parcels),
        "missing": " ; ".join(result.missing["label"]) or w.shared.none,
        "contest": about.contact or words.NO_CONTACT,
        "edition": said.edition.format(version=__version__, run=page.run_id(result)),
    }
    return [{"topic": w.workbook.topics[key], "text": told[key]} for key in told if told[key]]

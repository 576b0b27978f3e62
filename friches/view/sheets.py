"""Two files a block: its sheet, one A4 recto-verso to carry and argue with, and its dossier.

The three parts of a file to the prefect are there by their names in CRPM R125-6 (plan parcellaire,
état parcellaire, mémoire justificatif): in short on the sheet, whole in the dossier.
"""

from __future__ import annotations

import gc
from pathlib import Path
from typing import TYPE_CHECKING, Any

from friches.studyfile import TOLD_IN_FULL
from friches.view import aerial, batches, brief, desk, inert, page, photos, plan, rows, words
from friches.view.audience import visible
from friches.view.lexicon import w

if TYPE_CHECKING:
    from collections.abc import Iterator

    from friches.result import Result
    from friches.view.paper import Plan
    from friches.view.plan import Atlas


def write_sheets(
    result: Result,
    folder: Path | str,
    pdf: bool = False,
    told_in_full: int = TOLD_IN_FULL,
) -> list[Path]:
    """Write one self-contained HTML sheet a block, its dossier, and what else its audience may see.

    Parameters
    ----------
    result : Result
        What a run found; cut down here to what the study's audience may see.
    folder : Path or str
        `B001.html`, `B001-dossier.html` and so on are written there, and `restreint-B001.html`
        with the owners' names when the audience is « restricted ».
    pdf : bool
        Also write each file as PDF/UA beside it.
    told_in_full : int
        Blocks told in full: the first ones by rank have these files, and each file says so where
        others have none.

    Returns
    -------
    list of Path
        The files written, in order.

    Raises
    ------
    InputError
        With `pdf`, when WeasyPrint or Pango is not installed: what to install. An aerial image or
        photos that cannot be read.
    """
    folder = Path(folder)
    if pdf:
        from friches.view.pdf import print_pages, printer

        printer(result.study.study.day)  # refused before anything is written
    gc.freeze()  # what stands already is not looked through for garbage after every few pages
    try:
        written = [
            page.write(folder / f"{name}.html", html) for name, html in pages(result, told_in_full)
        ]
    finally:
        gc.unfreeze()
    if pdf:
        written += print_pages(written, result.study.study.day)
    folder.mkdir(parents=True, exist_ok=True)
    return sorted(written, key=lambda path: (path.stem.removeprefix("restreint-"), path.name))


def pages(result: Result, told_in_full: int = TOLD_IN_FULL) -> Iterator[tuple[str, str]]:
    """Yield the name and the HTML of every file `write_sheets` writes."""
    told = batches.told(result, told_in_full)
    shown = visible(told)
    common = desk.common(shown) | {
        "n_blocks": len(result.blocks),
        "told_in_full": batches.said(result, told_in_full),
        "strays": photos.strays(result),
    }
    atlas = plan.survey(shown, result.blocks.geometry)
    names, pictures = _names(told), photos.of_blocks(shown)
    for batch in batches.parts(shown):
        known = desk.survey(batch)
        for block in rows.sorted_blocks(batch).drop(columns="geometry").to_dict("records"):
            seen = pictures.get(inert.safe_name(str(block["block_id"])), [])
            about = common | desk.context(batch, known, block) | {"photos": photos.shown(seen)}
            yield from _of_block(batch, atlas, block, about)
            if names is not None:
                yield _named(batch, about, names, photos.whole(seen))


def _of_block(
    result: Result, atlas: Atlas, block: dict[str, Any], told: dict[str, Any]
) -> Iterator[tuple[str, str]]:
    """Yield a block's sheet and its dossier."""
    block_id = str(block["block_id"])
    short = told | _short(result, atlas, block, told)
    title = w.sheet.block.format(id=block_id)
    yield block_id, _render("sheet.html.j2", result, title, block_id, short)
    whole = told | _whole(result, atlas, block, told)
    title = w.sheet.title_dossier.format(id=block_id)
    yield f"{block_id}-dossier", _render("dossier.html.j2", result, title, block_id, whole)


def _named(
    result: Result,
    told: dict[str, Any],
    names: dict[str, list[dict[str, str]]],
    pictures: list[photos.Shown],
) -> tuple[str, str]:
    """Return the restricted file: a block's parcels with their owners' names."""
    block_id = str(told["block"]["block_id"])
    parcels = [row | {"owners": names.get(row["id"], [])} for row in told["parcels"]]
    title = w.sheet.title_owners.format(id=block_id)
    context = told | {"parcels": parcels, "photos": pictures}
    html = _render("restricted.html.j2", result, title, block_id, context)
    return f"restreint-{block_id}", html


def _render(
    template: str, result: Result, title: str, block_id: str, context: dict[str, Any]
) -> str:
    # Chromium and WeasyPrint print these margin boxes; ids, dates and our words: nothing can act.
    about = result.study.study
    said = [w.sheet.block.format(id=block_id), w.sheet.running.format(day=words.day(about.day))]
    said += [words.AUDIENCES[about.audience], *[words.FICTITIOUS] * about.fictitious]
    running = f'@page {{ @top-left {{ content: "{" – ".join(said)}"; }} }}\n'
    brief_only = [page.asset("recto.css")] if template == "sheet.html.j2" else []
    return page.render(
        template,
        result.study,
        f"{title} – {result.study.name}",
        styles=[page.asset("sheet.css"), *brief_only, running],
        **context,
    )


def _short(
    result: Result, atlas: Atlas, block: dict[str, Any], told: dict[str, Any]
) -> dict[str, Any]:
    """Return what the sheet tells in short, on its recto, its verso and its third page."""
    first, more = brief.split(brief.rows(told["parcels"]))
    # Where many parcels leave little room, the image would make the plan too small: dossier only.
    given = aerial.given(result.study)
    seen = None
    for beside in (True, False) if given and len(first) <= brief.FEWER else (False,):
        size = brief.plan_size(first, beside=beside, noted=told["gap"] is not None)
        drawn = plan.draw(atlas, str(block["block_id"]), size)
        seen = aerial.view(result, drawn) if beside else None
        if seen is not None:
            break
    asked = told["asked"]
    lines = brief.routes(told["routes"])
    argued = brief.argued(told["sides"])
    return {
        "dense": brief.is_dense(lines, asked[: brief.SETTLING], argued),
        "plan": drawn,
        "plan_said": _plan_said(block, drawn),
        "aerial": seen,
        "elsewhere": given and len(first) > brief.FEWER,
        "rows": first,
        "more_rows": more,
        "argued": argued,
        "lines": lines,
        "settling": asked[: brief.SETTLING],
        "left": len(asked) - brief.SETTLING,
        "cut": brief.cut,
        "some": {"crops": brief.CROPS, "places": brief.NEAREST},
    }


def _whole(
    result: Result, atlas: Atlas, block: dict[str, Any], told: dict[str, Any]
) -> dict[str, Any]:
    """Return what the dossier tells besides: the whole plan, the texts that each route reads."""
    drawn = plan.draw(atlas, str(block["block_id"]))
    documents = {document["name"]: document for document in told["documents"]}
    return {
        "plan": drawn,
        "plan_said": _plan_said(block, drawn),
        "aerial": aerial.view(result, drawn),
        "elsewhere": False,
        "left": [r for r in told["routes"] if words.answer_key(r["answer"]) != "no"],
        "shut": [r for r in told["routes"] if words.answer_key(r["answer"]) == "no"],
        "told_of": lambda route: [documents[leg] for leg in route["legs"] if leg in documents],
    }


def _plan_said(block: dict[str, Any], drawn: Plan) -> str:
    """Return what the plan shows, for those who do not see it."""
    numbers = [label.text for label in drawn.labels if label.own]
    p = w.sheet.plan
    said = p.said.format(
        id=block["block_id"],
        area=words.hectares(block["area_ha"]),
        width=words.distance((drawn.right - drawn.left) * drawn.scale / 1000),
        height=words.distance((drawn.bottom - drawn.top) * drawn.scale / 1000),
        parcels=p.numbers.format(numbers=", ".join(numbers)) if numbers else p.no_number,
    )
    return str(said)


def _names(result: Result) -> dict[str, list[dict[str, str]]] | None:
    """Return the owners named in the restricted file, by parcel; None for other audiences."""
    if result.study.study.audience != "restricted":
        return None
    named: dict[str, list[dict[str, str]]] = {}
    owners = result.owners
    if owners is None or "name" not in owners:
        return named
    owners = owners[owners["parcel_id"].isin(result.members["parcel_id"])]
    for row in owners.sort_values(["parcel_id", "name"]).to_dict("records"):
        if not words.missing(row["name"]):
            said = {"name": str(row["name"]), "right": words.text(row.get("right"), "")}
            if said not in named.setdefault(str(row["parcel_id"]), []):
                named[str(row["parcel_id"])].append(said)
    return named

"""The register to read and print: blocks, parcels, method, thresholds, sources, questions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from friches import __version__
from friches.studyfile import TOLD_IN_FULL
from friches.view import evidence, inert, method, page, publish, questions, words
from friches.view.audience import (
    by_owner_kind,
    destroy_mention,
    is_public,
    visible,
)
from friches.view.lexicon import w
from friches.view.map import headline
from friches.view.parcels import withdrawn
from friches.view.rows import first_blocks, gathered, records

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    import pandas as pd

    from friches.result import Result

MOST_PARCELS = 3_000
"""Above this many parcels the page lists only candidates and unknown ones (a page to print)."""
FIRST_ACTIONS = 10
"""Openings told on the page; the workbook has them all."""
CAP = 240
"""Longest text in a cell; the block sheets have the whole."""


def write_register_html(
    result: Result, path: Path | str, *, told_in_full: int = TOLD_IN_FULL
) -> Path:
    """Write the register as one HTML page that opens from disk and prints on A4.

    Parameters
    ----------
    result : Result
        What a run found; cut down here to what the study's audience may see.
    path : Path or str
        The file to write; sheets are expected in `sheets/` beside it.
    told_in_full : int
        Blocks listed, with their parcels, where there are more; the page says so.

    Returns
    -------
    Path
        `path`.
    """
    return page.write(Path(path), register_html(result, told_in_full=told_in_full))


def register_html(result: Result, *, told_in_full: int = TOLD_IN_FULL) -> str:
    """Return the page `write_register_html` writes: the same bytes for the same result."""
    whole = visible(result)
    shown = first_blocks(whole, told_in_full)
    day = shown.study.study.day
    foot = w.register.running.format(day=words.day(day))
    running = f'@page {{ @bottom-left {{ content: "{foot}"; }} }}\n'
    parcels = _parcels(shown, listed(shown, **told_parcels(shown, whole)))
    return page.render(
        "register.html.j2",
        shown.study,
        w.register.title.format(name=shown.study.name),
        styles=[page.asset("sheet.css"), page.asset("register.css"), running],
        public=is_public(shown),
        destroy=destroy_mention(shown.study),
        kinds=by_owner_kind(result).to_dict("records") if "owner_kind" in result.facts else [],
        headline=headline(whole),
        limits=limits(whole, len(shown.blocks), len(parcels)),
        blocks=_blocks(shown),
        parcels=parcels,
        candidates=[row for row in parcels if row["candidate"]],
        others=[row for row in parcels if not row["candidate"]],
        counts=_counts(shown),
        whole=len(parcels) == len(shown.fallow),
        checks=method.checks(shown.facts),
        receivers=publish.receivers(shown),
        thresholds=method.thresholds(day),
        laws=method.laws(day),
        plan=openings(whole),
        questions=questions.totals(whole.members, whole.fallow).to_dict("records"),
        sources=shown.provenance.to_dict("records"),
        missing=shown.missing.to_dict("records"),
        run=page.run_id(shown),
        version=__version__,
    )


def openings(result: Result) -> dict[str, Any]:
    """Return the plan to show: sentences, the first ten openings, what holds each food group."""
    opened = [] if result.openings is None else records(result.openings)
    opened = sorted(opened, key=lambda row: int(row["position"]))
    return {
        "told": [said for name in ("allocation", "plan") if (said := result.summary.get(name))],
        "openings": opened[:FIRST_ACTIONS],
        "count": len(opened),
        "limits": [] if result.limits is None else records(result.limits),
    }


def told_parcels(shown: Result, whole: Result) -> dict[str, Any]:
    """Return the `within` of `listed`: nothing, or the parcels of the blocks told in full."""
    cut = len(shown.blocks) < len(whole.blocks)
    return {"within": shown.members["parcel_id"]} if cut else {}


def limits(whole: Result, blocks: int, parcels: int) -> str:
    """Return what is listed of what and where the rest is; "" where no block is left out.

    Parameters
    ----------
    whole : Result
    blocks, parcels : int
        Blocks and parcels listed.
    """
    said = w.register.limits
    if blocks >= len(whole.blocks):
        return ""
    counts = [(said.blocks, blocks, len(whole.blocks)), (said.parcels, parcels, len(whole.fallow))]
    told = [
        form.format(listed=words.number(some), all=words.number(every))
        for form, some, every in counts
        if every
    ]
    return " ; ".join([*told, said.where])


def listed(
    result: Result, most: int = MOST_PARCELS, *, within: Collection[str] | None = None
) -> pd.DataFrame:
    """Return the rows of `fallow` to list, what to do next first: unknown with signs, yes, others.

    Parameters
    ----------
    result : Result
    most : int
        Above this many parcels only those answered yes or unknown are returned.
    within : collection of str, optional
        Only these parcels are returned: those of the blocks told in full.
    """
    known = result.fallow
    if within is not None:
        known = known[known["parcel_id"].isin(within)]
    candidate = known["answer"].fillna(value=True).astype(bool) & ~withdrawn(known)
    if len(known) > most:
        known, candidate = known[candidate], candidate[candidate]
    turn = known["answer"].map({True: 1, False: 3}).astype("float64").fillna(2)
    turn = turn.mask(known["answer"].isna() & known["reasons"].notna(), 0)
    turn = turn.mask(withdrawn(known), 4)
    return known.assign(turn=turn).sort_values(["turn", "rank", "parcel_id"]).drop(columns="turn")


def answer_said(row: Mapping[Any, Any]) -> str:
    """Return a parcel's answer in words, or that its removal was asked for."""
    gone = row.get("withdrawn")
    return words.WITHDRAWN if not words.missing(gone) and gone else words.answer(row["answer"])


def _blocks(result: Result) -> list[dict[str, Any]]:
    return [
        told.block
        | {
            "sheet": f"sheets/{inert.safe_name(str(told.block['block_id']))}.html",
            "eaten": told.eaten,
            "route": told.route,
            "farm": told.farm,
            "minutes": told.match.get("minutes"),
        }
        for told in gathered(result)
    ]


def _parcels(result: Result, known: pd.DataFrame) -> list[dict[str, Any]]:
    block_of = dict(zip(result.members["parcel_id"], result.members["block_id"], strict=True))
    facts = result.facts.reindex(columns=["parcel_id", "area_registered_m2", "area_m2"])
    facts = facts[facts["parcel_id"].isin(known["parcel_id"])]
    rows = known.merge(facts, on="parcel_id", how="left").to_dict("records")
    return [
        {str(name): value for name, value in row.items()}
        | {
            "block": block_of.get(row["parcel_id"], ""),
            "reference": evidence.reference(str(row["parcel_id"])),
            "area": row["area_m2"]
            if words.missing(row["area_registered_m2"])
            else row["area_registered_m2"],
            "by_plan": words.missing(row["area_registered_m2"]),
            "answer_said": answer_said(row),
            "candidate": answer_said(row) not in (words.WITHDRAWN, words.ANSWERS["no"].word),
            "said": inert.clean(words.text(row["reasons"], ""), CAP),
            "unsaid": inert.clean(words.text(row["against"], ""), CAP),
        }
        for row in rows
    ]


def _counts(result: Result) -> dict[str, int]:
    gone = withdrawn(result.fallow)
    answers = result.fallow.loc[~gone, "answer"].map(words.answer_key, na_action=None)
    counts = answers.value_counts()
    said = {key: int(counts.get(key, 0)) for key in words.ANSWERS}
    return said | {"withdrawn": int(gone.sum())}

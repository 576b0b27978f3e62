"""One sheet a block, to read, print and carry to the field: plan, parcels, evidence, routes.

The three parts of a file to the prefect are there by their names in CRPM R125-6 (plan parcellaire,
état parcellaire, mémoire justificatif); the rest argues the use: meals, farm, canteens, routes.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from friches import __version__, privacy, tables
from friches.view import (
    evidence,
    inert,
    page,
    plan,
    popups,
    publish,
    questions,
    readings,
    request,
    words,
)
from friches.view.audience import destroy_mention, is_public, visible

if TYPE_CHECKING:
    from friches.result import Result
    from friches.view.paper import Plan

WHOLE = 6
"""Routes told condition by condition, in the advised order; the others have a line each."""
NEAREST = 4
"""Farms, and canteens, listed on a sheet at most."""
PARCEL_FACTS = ("area_registered_m2", "area_m2", "years_unused_low", "years_unused_high",
                "owner_kind", "zone_plu", "last_declared_in", "slope_mean_pct")  # fmt: skip


def write_sheets(result: Result, folder: Path | str, pdf: bool = False) -> list[Path]:
    """Write one self-contained HTML sheet a block, and what the audience may see besides.

    Parameters
    ----------
    result : Result
        What a run found; cut down here to what the study's audience may see.
    folder : Path or str
        `B001.html` and so on are written there, and `restreint-B001.html` with the owners' names
        when the audience is « restricted ».
    pdf : bool
        Also write each file as PDF/UA beside it.

    Returns
    -------
    list of Path
        The files written, in order.

    Raises
    ------
    InputError
        With `pdf`, when WeasyPrint or Pango is not installed: what to install.
    """
    folder = Path(folder)
    if pdf:
        from friches.view.pdf import print_pages, printer

        printer(result.study.study.day)  # refused before anything is written
    written = [page.write(folder / f"{name}.html", html) for name, html in pages(result)]
    if pdf:
        written += print_pages(written, result.study.study.day)
    folder.mkdir(parents=True, exist_ok=True)
    return sorted(written, key=lambda path: (path.stem.removeprefix("restreint-"), path.name))


def pages(result: Result) -> Any:
    """Yield the name and the HTML of every file `write_sheets` writes."""
    shown = visible(result)
    desk = _desk(shown)
    common = _common(shown)
    names = _names(result)
    for block in popups.sorted_blocks(shown).to_dict("records"):
        block_id = inert.safe_name(str(block["block_id"]))
        context = common | _context(shown, desk, block)
        yield block_id, _render("sheet.html.j2", shown, f"Îlot {block_id}", block_id, context)
        if names is not None:
            title = f"Îlot {block_id} : propriétaires"
            rows = [row | {"owners": names.get(row["id"], [])} for row in context["parcels"]]
            restricted = context | {"parcels": rows}
            html = _render("restricted.html.j2", shown, title, block_id, restricted)
            yield f"restreint-{block_id}", html


def _render(
    template: str, result: Result, title: str, block_id: str, context: dict[str, Any]
) -> str:
    # Chromium and WeasyPrint print these margin boxes; ids and dates only, so nothing can act.
    day = words.day(result.study.study.day)
    running = f'@page {{ @bottom-left {{ content: "Îlot {block_id} – droit au {day}"; }} }}\n'
    return page.render(
        template,
        result.study,
        f"{title} – {result.study.name}",
        styles=[page.asset("sheet.css"), running],
        **context,
    )


def _common(result: Result) -> dict[str, Any]:
    """Return what every sheet says: sources, versions, the ten classes."""
    provenance = result.provenance
    campaigns = provenance.loc[provenance["layer"] == "declared_fields", "vintage"]
    cadastre = provenance.loc[provenance["layer"].isin(["cadastre", "parcels"]), "vintage"]
    return {
        "public": is_public(result),
        "destroy": destroy_mention(result.study),
        "destroy_rule": privacy.rules()["destroy"],
        "stages": tables.STAGES,
        "run": page.run_id(result),
        "version": __version__,
        "campaigns": ", ".join(sorted(set(campaigns))) or "aucune",
        "cadastre": ", ".join(sorted(set(cadastre))) or "millésime non indiqué",
        "credits": list(
            dict.fromkeys(text for text in provenance["attribution"] if not words.missing(text))
        ),
        "missing": result.missing.to_dict("records"),
        "roads_known": result.roads is not None,
        "n_blocks": len(result.blocks),
        "receivers": publish.receivers(result),
        "request": request,
        "restricted": result.study.study.audience == "restricted",
    }


def _desk(result: Result) -> dict[str, Any]:
    """Return every table split by block, once for all sheets."""
    known = result.members.merge(result.fallow, on="parcel_id", how="left")
    facts = result.facts.reindex(columns=["parcel_id", *PARCEL_FACTS])
    known = known.merge(facts, on="parcel_id", how="left").sort_values("parcel_id")
    places = pd.concat(
        [
            result.farmers[["farmer_id", "name"]].set_axis(["place_id", "name"], axis=1),
            result.canteens[["canteen_id", "name"]].set_axis(["place_id", "name"], axis=1),
        ]
    )
    reach = result.reach.merge(places, on="place_id", how="left")
    routes = result.routes.sort_values(["block_id", "order", "instrument"])
    # Only what a sheet tells: the first routes condition by condition, the advised one by steps.
    whole = routes.groupby("block_id", sort=False).head(WHOLE)["instrument"].unique()
    rulings = result.rulings[result.rulings["instrument"].isin(whole)]
    open_ = routes[routes["answer"].fillna(value=True).astype(bool)].drop_duplicates("block_id")
    steps = result.steps.merge(open_[["block_id", "instrument"]], on=["block_id", "instrument"])
    return {
        "atlas": plan.survey(result),
        "evidence": evidence.by_block(result.evidence, result.members),
        "readings": readings.by_route(rulings, result.members, result.study.study.day),
        "parcels": popups.rows_of(known, "block_id"),
        "reach": popups.rows_of(reach.sort_values(["minutes", "place_id"]), "block_id"),
        "meals": popups.rows_of(result.meals, "block_id"),
        "routes": popups.rows_of(routes, "block_id"),
        "steps": popups.rows_of(steps.sort_values("position"), "block_id"),
        "matches": {row["block_id"]: row for row in result.matches.to_dict("records")},
        "names": dict(zip(places["place_id"], places["name"], strict=True)),
    }


def _rows(desk: dict[str, Any], table: str, block_id: str) -> list[dict[str, Any]]:
    found = desk[table].get(block_id)
    return [] if found is None else found.to_dict("records")


def _context(result: Result, desk: dict[str, Any], block: dict[str, Any]) -> dict[str, Any]:
    block_id = str(block["block_id"])
    routes = _rows(desk, "routes", block_id)
    known = _rows(desk, "parcels", block_id)
    asked = questions.gathered(
        ((row["parcel_id"], row["to_ask"]) for row in known),
        ((row["title"], row["to_ask"]) for row in routes[:WHOLE]),
        None if known else block["to_ask"],
    )
    parcels = [_parcel(row, asked) for row in known]
    advised = next((r for r in routes if words.answer_key(r["answer"]) != "no"), None)
    drawn = plan.draw(desk["atlas"], block_id)
    eaten = desk["meals"].get(block_id, result.meals.iloc[:0])
    steps = _rows(desk, "steps", block_id)
    return {
        "block": block,
        "gap": _gap(block["area_ha"], block["area_measured_ha"]),
        "plan": drawn,
        "plan_said": _plan_said(block, drawn),
        "parcels": parcels,
        "total": _total(parcels),
        "sides": desk["evidence"].get(block_id, {side: [] for side in evidence.SIDES}),
        "references": evidence.references,
        "farms": _places(desk, block_id, "farm"),
        "canteens": _places(desk, block_id, "canteen"),
        "match": _match(desk, block_id),
        "eaten": popups.block_meals(eaten, block["area_ha"]),
        "crops": eaten.to_dict("records"),
        "alternatives": eaten["area_ha"].sum() > block["area_ha"] * 1.01,
        "whole": WHOLE,
        "asked_for": min(WHOLE, len(routes)),
        "routes": [
            _route(desk, route, asked, whole=place < WHOLE) for place, route in enumerate(routes)
        ],
        "advised": advised,
        "steps": [s for s in steps if advised and s["instrument"] == advised["instrument"]],
        "persons": questions.by_person(asked),
        "reference": evidence.reference,
    }


def _parcel(row: dict[str, Any], asked: list[questions.Question]) -> dict[str, Any]:
    """Return one row of the état parcellaire; contenance missing: the measured area, said so."""
    parcel_id = str(row["parcel_id"])
    registered = row["area_registered_m2"]
    measured = row["area_m2"]
    absent = words.missing(registered)
    kind = words.text(row["owner_kind"], "")
    zone = words.text(row["zone_plu"], "")
    return {
        "id": parcel_id,
        "reference": evidence.reference(parcel_id),
        "counted": measured if absent else registered,
        "by_plan": absent,
        "measured": measured,
        "gap": _gap(registered, measured),
        "zone": words.ZONES.get(zone, zone) or words.UNKNOWN,
        "owner": words.OWNER_KINDS.get(kind, words.UNKNOWN),
        "answer": words.answer(row["answer"]),
        "stage": words.text(row["stage"], "stade inconnu"),
        "unused": _unused(row["years_unused_low"], row["years_unused_high"]),
        "against": words.text(row["against"], "rien de connu"),
        "asked": questions.numbers(asked, parcel_id) or words.DASH,
    }


def _unused(low: Any, high: Any) -> str:
    if words.missing(low):
        return words.UNKNOWN
    if not words.missing(high) and high == low:
        return words.number(low)
    top = "" if words.missing(high) or high == float("inf") else f", au plus {words.number(high)}"
    return f"au moins {words.number(low)}{top}"


def _gap(registered: Any, measured: Any) -> float | None:
    """Return the gap as a share of the registered area where it is over `popups.GAP_SHOWN`."""
    if words.missing(registered) or words.missing(measured) or not registered:
        return None
    gap = abs(float(measured) - float(registered)) / float(registered)
    return gap if gap > popups.GAP_SHOWN else None


def _total(parcels: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "counted": sum(row["counted"] for row in parcels),
        "measured": sum(row["measured"] for row in parcels),
        "by_plan": any(row["by_plan"] for row in parcels),
    }


def _places(desk: dict[str, Any], block_id: str, kind: str) -> dict[str, Any]:
    """Return the nearest places of a kind (unknown times last) and how many there are."""
    rows = [row for row in _rows(desk, "reach", block_id) if row["kind"] == kind]
    return {"shown": rows[:NEAREST], "count": len(rows)}


def _match(desk: dict[str, Any], block_id: str) -> dict[str, Any] | None:
    row = desk["matches"].get(block_id)
    if row is None:
        return None
    return dict(row) | {
        "farm": desk["names"].get(row["farmer_id"], ""),
        "canteen": desk["names"].get(row["canteen_id"], ""),
    }


def _route(
    desk: dict[str, Any],
    route: dict[str, Any],
    asked: list[questions.Question],
    *,
    whole: bool,
) -> dict[str, Any]:
    """Return a route with its readings (if told whole), each with the number of its question."""
    key = (route["block_id"], route["instrument"])
    told = desk["readings"].get(key) if whole else None
    numbers = {(q.text, q.whom): f"Q{q.number}" for q in asked}
    rows = [
        (reading, numbers.get((reading.question, reading.whom), ""))
        for reading in (told.readings if told else ())
    ]
    left = {number for _, number in rows}
    fails = any(reading.met is False for reading, _ in rows)  # told below, condition by condition
    mine = _asked(route, asked)
    mine = {who: [n for n in listed if n not in left] for who, listed in mine.items()}
    return route | {
        "told": told,
        "readings": rows,
        "closed": "" if fails else words.text(route["why_closed"], ""),
        "asked": {who: listed for who, listed in mine.items() if listed},
    }


def _asked(route: dict[str, Any], asked: list[questions.Question]) -> dict[str, list[str]]:
    """Return the numbers of a route's questions by person to ask."""
    mine = [question for question in asked if route["title"] in question.routes]
    return {
        person: [f"Q{question.number}" for question in group]
        for person, group in questions.by_person(mine).items()
    }


def _plan_said(block: dict[str, Any], drawn: Plan) -> str:
    """Return what the plan shows, for those who do not see it."""
    numbers = [label.text for label in drawn.labels if label.own]
    said = f"parcelles {', '.join(numbers)}" if numbers else "sans numéro de parcelle"
    return (
        f"Îlot {block['block_id']} de {words.hectares(block['area_ha'])} au centre d'un cadre de "
        f"{words.distance((drawn.right - drawn.left) * drawn.scale / 1000)} sur "
        f"{words.distance((drawn.bottom - drawn.top) * drawn.scale / 1000)}, {said}, "
        "avec les parcelles voisines et les chemins ; les mêmes parcelles sont dans l'état "
        "parcellaire."
    )


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

"""What the sheet and the dossier of a block both tell, gathered once for all blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from friches import __version__, price, privacy, tables
from friches.view import (
    evidence,
    page,
    popups,
    publish,
    questions,
    ranking,
    readings,
    request,
    rows,
    words,
)
from friches.view.audience import destroy_mention, is_public
from friches.view.lexicon import w

if TYPE_CHECKING:
    from friches.result import Result
    from friches.view.questions import Question

FIRST = 6
"""Routes compared with one another, in the advised order."""
NEAREST = 4
"""Farms, and canteens, listed in a dossier at most."""
PARCEL_FACTS = ("area_registered_m2", "area_m2", "years_unused_low", "years_unused_high",
                "owner_kind", "zone_plu", "last_declared_in", "slope_mean_pct")  # fmt: skip


def common(result: Result) -> dict[str, Any]:
    """Return what every page says: sources, versions, the ten classes."""
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
        "campaigns": ", ".join(sorted(set(campaigns))) or w.shared.none,
        "cadastre": ", ".join(sorted(set(cadastre))) or w.sheet.no_vintage,
        "credits": list(
            dict.fromkeys(text for text in provenance["attribution"] if not words.missing(text))
        ),
        "missing": result.missing.to_dict("records"),
        "roads_known": result.roads is not None,
        "n_blocks": len(result.blocks),
        "receivers": publish.receivers(result),
        "request": request,
        "restricted": result.study.study.audience == "restricted",
        "reference": evidence.reference,
    }


def survey(result: Result) -> dict[str, Any]:
    """Return every table split by block, once for all pages.

    Parameters
    ----------
    result : Result
        Already cut down by `audience.visible`. Rows of other blocks than its own are not told.
    """
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
    open_ = routes[routes["answer"].fillna(value=True).astype(bool)].drop_duplicates("block_id")
    steps = result.steps.merge(open_[["block_id", "instrument"]], on=["block_id", "instrument"])
    return {
        "questions": ranking.ranked(result),
        "evidence": evidence.by_block(result.evidence, result.members),
        "readings": readings.by_document(result.rulings, result.members, result.study.study.day),
        "parcels": rows.records_of(known, "block_id"),
        "reach": rows.records_of(reach.sort_values(["minutes", "place_id"]), "block_id"),
        "meals": rows.rows_of(result.meals, "block_id"),
        "harvests": rows.records_of(_harvests(result), "block_id"),
        "routes": rows.records_of(routes, "block_id"),
        "steps": rows.records_of(steps.sort_values("position"), "block_id"),
        "matches": {row["block_id"]: row for row in result.matches.to_dict("records")},
        "names": dict(zip(places["place_id"], places["name"], strict=True)),
    }


def _harvests(result: Result) -> pd.DataFrame:
    """Return what the allocation has grown on each block, by whom, and at what price."""
    if result.plots is None or result.prices is None:
        return pd.DataFrame({"block_id": pd.Series(dtype="str")})
    names = result.farmers.set_index("farmer_id")["name"]
    table = result.plots.merge(result.prices, on=["block_id", "crop"], how="left")
    told = [price.sentence(row) for row in table.to_dict("records")]
    return table.assign(farm=table["farmer_id"].map(names), told=told)


def context(result: Result, desk: dict[str, Any], block: dict[str, Any]) -> dict[str, Any]:
    """Return what is known of one block, as both pages need it."""
    block_id = str(block["block_id"])
    asked = desk["questions"].get(block_id, [])
    told = desk["readings"].get(block_id, {})
    routes = [
        _route(route, asked, told) | {"place": place}
        for place, route in enumerate(desk["routes"].get(block_id, []), 1)
    ]
    advised = next((r for r in routes if words.answer_key(r["answer"]) != "no"), None)
    parcels = [_parcel(row, asked) for row in desk["parcels"].get(block_id, [])]
    eaten = desk["meals"].get(block_id, result.meals.iloc[:0])
    steps = desk["steps"].get(block_id, [])
    return {
        "block": block,
        "gap": _gap(block["area_ha"], block["area_measured_ha"]),
        "parcels": parcels,
        "total": _total(parcels),
        "sides": desk["evidence"].get(block_id, {side: [] for side in evidence.SIDES}),
        "farms": _places(desk, block_id, "farm"),
        "canteens": _places(desk, block_id, "canteen"),
        "match": _match(desk, block_id),
        "eaten": rows.block_meals(eaten, block["area_ha"]),
        "crops": eaten.to_dict("records"),
        "harvests": desk["harvests"].get(block_id, []),
        "alternatives": eaten["area_ha"].sum() > block["area_ha"] * 1.01,
        "first": FIRST,
        "routes": routes,
        "advised": advised,
        "steps": [s for s in steps if advised and s["instrument"] == advised["instrument"]],
        "asked": asked,
        "documents": _documents(told, asked),
    }


def _parcel(row: dict[str, Any], asked: list[Question]) -> dict[str, Any]:
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
        "stage": words.text(row["stage"], w.sheet.no_stage),
        "unused": _unused(row["years_unused_low"], row["years_unused_high"]),
        "against": words.text(row["against"], w.sheet.parcels.no_against),
        "asked": questions.numbers(asked, parcel_id) or words.DASH,
    }


def _unused(low: Any, high: Any) -> str:
    if words.missing(low):
        return words.UNKNOWN
    if not words.missing(high) and high == low:
        return words.number(low)
    p = w.sheet.parcels
    if words.missing(high) or high == float("inf"):
        return str(p.unused_from.format(low=words.number(low)))
    return str(p.unused_between.format(low=words.number(low), high=words.number(high)))


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
    mine = [row for row in desk["reach"].get(block_id, []) if row["kind"] == kind]
    return {"shown": mine[:NEAREST], "count": len(mine)}


def _match(desk: dict[str, Any], block_id: str) -> dict[str, Any] | None:
    row = desk["matches"].get(block_id)
    if row is None:
        return None
    return dict(row) | {
        "farm": desk["names"].get(row["farmer_id"], ""),
        "canteen": desk["names"].get(row["canteen_id"], ""),
    }


def _route(
    route: dict[str, Any], asked: list[Question], told: dict[str, readings.Told]
) -> dict[str, Any]:
    """Return a route with what closes it and its questions: its own, then those it shares."""
    mine = [question for question in asked if route["title"] in question.routes]
    legs = words.text(route.get("instruments"), route["instrument"]).split(" ; ")
    own = {
        pair
        for leg in legs
        for reading in (told[leg].readings if leg in told else ())
        if reading.question
        for pair in questions.singles(reading.question, reading.whom)
    }
    alone = [q for q in mine if not told or (q.text, q.whom) in own]
    return route | {
        "closed": words.text(route["why_closed"], ""),
        "legs": legs,
        "mine": mine,
        "own": [f"Q{q.number}" for q in alone],
        "shared": [f"Q{q.number}" for q in mine if q not in alone],
    }


def _documents(told: dict[str, readings.Told], asked: list[Question]) -> list[dict[str, Any]]:
    """Return each instrument and gate with its readings.

    Beside each: the numbers of its questions, and whether what was found says anything.
    """
    numbers = {(q.text, q.whom): f"Q{q.number}" for q in asked}
    return [
        {
            "name": name,
            "title": readings.title(name),
            "told": said,
            "readings": [(r, _numbers(r, numbers), _seen(r)) for r in said.readings],
        }
        for name, said in told.items()
    ]


def _seen(reading: readings.Reading) -> bool:
    found = reading.findings
    return reading.met is False or len(found) > 1 or found[0].found != words.UNKNOWN


def _numbers(reading: readings.Reading, numbers: dict[tuple[str, str], str]) -> str:
    """Return « Q3, Q7 »: the numbers of a reading's questions ("" where none is asked here)."""
    if not reading.question:
        return ""
    pairs = questions.singles(reading.question, reading.whom)
    return ", ".join(numbers[pair] for pair in pairs if pair in numbers)

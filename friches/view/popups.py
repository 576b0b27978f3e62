"""What the map says of each block, place and parcel: plain texts, laid out by the page's script."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from friches import tables
from friches.view import inert, words
from friches.view.lexicon import w
from friches.view.rows import block_meals as block_meals  # noqa: PLC0414 -- the sheets read it here
from friches.view.rows import eaten_by_block, records
from friches.view.rows import rows_of as rows_of  # noqa: PLC0414
from friches.view.rows import sorted_blocks as sorted_blocks  # noqa: PLC0414

if TYPE_CHECKING:
    import pandas as pd

    from friches.result import Result
    from friches.view.rows import Three

Pairs = list[tuple[str, str]]
GAP_SHOWN = 0.05
"""Gap between registered and measured area above which it is shown."""
TOLD = ("why_closed", "assumes", "organic", "installed_farmer", "cost", "risks")
"""Texts of a route, in the order they are told."""
ROUTE_SAID = ("instrument", "title", "answer", "to_ask", "land_on_low", "land_on", "land_on_high",
              "first_meal_on_low", "first_meal_on", "first_meal_on_high")  # fmt: skip
"""Columns of `routes` that are told besides `TOLD`."""
CAP = 600
"""Longest text in a popup; the block sheet has the whole."""


class Route(NamedTuple):
    """A route of a block: its row, and what is told of it."""

    row: dict[str, Any]
    told: dict[str, Any]


def blocks(result: Result) -> list[dict[str, Any]]:
    """Return what is said of each block, by rank: facts, meals, places, routes, questions.

    Routes that read the same are one and the same dictionary: thousands of blocks share them.
    """
    areas = result.blocks["area_ha"].fillna(result.blocks["area_measured_ha"])
    eaten = eaten_by_block(result, areas)
    crops: dict[Any, list[dict[str, Any]]] = {}
    for crop in records(result.meals):
        crops.setdefault(crop["block_id"], []).append(crop)
    nearest = _nearest(result.reach)
    routes = _routes(result.routes)
    matches = {row["block_id"]: row for row in records(result.matches)}
    opened = {}
    if result.openings is not None:
        opened = {row["block_id"]: row for row in records(result.openings)}
    return [
        _block(
            row,
            eaten.get(row["block_id"]),
            crops.get(row["block_id"], []),
            nearest,
            matches.get(row["block_id"]),
            routes.get(row["block_id"], []),
            opened.get(row["block_id"]),
        )
        for row in records(sorted_blocks(result))
    ]


def _routes(table: pd.DataFrame) -> dict[Any, list[Route]]:
    """Return the routes of each block in the advised order: as dated, and as told."""
    table = table.sort_values(["block_id", "order"])
    said = table.reindex(columns=[*ROUTE_SAID, *TOLD]).astype(object)
    said = said.where(said.notna(), None)
    known: dict[tuple[Any, ...], Route] = {}
    routes: dict[Any, list[Route]] = {}
    told = zip(*(said[column] for column in said), strict=True)
    for block, key in zip(table["block_id"], told, strict=True):
        if key not in known:
            row = dict(zip(said.columns, key, strict=True))
            known[key] = Route(row, _route(row))
        routes.setdefault(block, []).append(known[key])
    return routes


def _block(  # noqa: PLR0913, PLR0917 -- one argument a table
    row: dict[str, Any],
    eaten: Three | None,
    crops: list[dict[str, Any]],
    nearest: dict[tuple[Any, Any], float],
    match: dict[str, Any] | None,
    routes: list[Route],
    opening: dict[str, Any] | None,
) -> dict[str, Any]:
    name = str(row["block_id"])
    area = row["area_ha"] if not words.missing(row["area_ha"]) else row["area_measured_ha"]
    # A block in the plan is dated by it: the plan may take another route, or start it later.
    first = _first_meal(routes) if opening is None else str(opening["first_meal_on"].date())
    return {
        "id": name,
        "sheet": f"sheets/{inert.safe_name(name)}.html",
        "commune": str(row["commune"]),
        "answer": words.answer_key(row["answer"]),
        "stage": stage_index(row["stage"]),
        "area": words.hectares(area),
        "stage_said": words.text(row["stage"], w.map.list.no_stage),
        "eaten": None if eaten is None else [words.number(words.rounded(end)) for end in eaten],
        "eaten_said": words.UNKNOWN if eaten is None else words.meals(*eaten),
        "first": first,
        "first_said": words.short_month(
            first, w.map.list.no_first if _shut(routes) else words.UNKNOWN
        ),
        "minutes": {kind: _minutes(nearest, name, match, kind) for kind in words.PLACES},
        "facts": [*_facts(row), *_planned(opening)],
        "meals": [_crop(crop) for crop in crops],
        "match": _match(match),
        "routes": [route.told for route in routes],
        "ask": asked(row["to_ask"]),
    }


def asked(text: object) -> list[str]:
    """Return the questions of a « to_ask » text, one by one (they are parted by « ; »)."""
    return [part for part in inert.clean(words.text(text, "")).split(" ; ") if part]


def stage_index(stage: object) -> int:
    """Return a stage's place among the SAFER's ten, or -1 where it is unknown."""
    return tables.STAGES.index(str(stage)) if stage in tables.STAGES else -1


def _facts(row: dict[str, Any]) -> Pairs:
    p = w.popup
    kinds = words.text(row["owner_kinds"], p.no_kind)
    said = [
        (p.area_registered, words.hectares(row["area_ha"])),
        (p.area_measured, words.hectares(row["area_measured_ha"])),
        (p.parcels, words.number(row["n_parcels"])),
        (p.owners, p.owners_said.format(n=row["owners_said"], kinds=kinds)),
        (p.stage, words.text(row["stage"])),
        (p.known, words.percent(row["share_known"])),
        (p.rank, words.number(row["rank"])),
        (p.slope, words.with_unit(row["slope_mean_pct"], "%")),
        (p.altitude, words.with_unit(row["altitude_mean_m"], "m")),
        (p.past_use, words.text(row["past_use"])),
        (p.commune, str(row["commune"])),
    ]
    return [(label, inert.clean(value, CAP)) for label, value in said]


def _planned(opening: dict[str, Any] | None) -> Pairs:
    if opening is None:
        return []
    told = w.popup.plan_said.format(
        position=opening["position"],
        route=opening["title"],
        start=words.short_month(str(opening["starts_on"].date()), words.UNKNOWN),
    )
    return [(w.popup.plan, inert.clean(told, CAP))]


def _crop(row: dict[str, Any]) -> dict[str, str]:
    three = [words.rounded(row[f"meals_group{end}"]) for end in ("_low", "", "_high")]
    return {
        "crop": w.popup.crop.format(crop=row["crop"], area=words.hectares(row["area_ha"])),
        "whole": words.meals(row["meals_low"], row["meals"], row["meals_high"]),
        "group": w.popup.group.format(
            group=row["food_group"], meals=words.between(three[0], three[1], three[2])
        ),
        "source": inert.clean(row["source"], CAP),
        "limits": inert.clean(row["limits"], CAP),
    }


def _nearest(reach: pd.DataFrame) -> dict[tuple[Any, Any], float]:
    """Return the minutes from each block to the nearest place of each kind."""
    least = reach.groupby(["block_id", "kind"], observed=True)["minutes"].min()
    return dict(zip(least.index, least, strict=True))


def _minutes(
    nearest: dict[tuple[Any, Any], float], block: str, match: dict[str, Any] | None, kind: str
) -> float | None:
    """Return the minutes to the matched place of a kind, else to the nearest one."""
    column = "minutes" if kind == "farm" else "minutes_canteen"
    known = None if match is None else match[column]
    if words.missing(known):
        known = nearest.get((block, kind))
    return None if words.missing(known) else round(float(known), 1)  # type: ignore[arg-type]


def _match(match: dict[str, Any] | None) -> dict[str, Any]:
    if match is None:
        return {"farm": "", "canteen": "", "why": "", "farm_min": "", "canteen_min": ""}
    return {
        "farm": words.text(match["farmer_id"], ""),
        "canteen": words.text(match["canteen_id"], ""),
        "farm_min": words.minutes(match["minutes"], w.popup.no_minutes),
        "canteen_min": words.minutes(match["minutes_canteen"], w.popup.no_minutes),
        "why": inert.clean(match["why"], CAP),
    }


def _advised(routes: list[Route]) -> Route | None:
    """Return a block's first route, in the advised order, that is not closed, or None."""
    return next((route for route in routes if route.told["state"] != "no"), None)


def _first_meal(routes: list[Route]) -> str | None:
    """Return the central first-meal date of the advised route, or None where it is not known."""
    advised = _advised(routes)
    if advised is None or words.missing(advised.row["first_meal_on"]):
        return None
    return str(advised.row["first_meal_on"].date())


def _shut(routes: list[Route]) -> bool:
    """Return whether routes were studied and all are closed: no first meal, not an unknown one."""
    return bool(routes) and _advised(routes) is None


def _route(row: dict[str, Any]) -> dict[str, Any]:
    state = words.answer_key(row["answer"])
    lines = []
    if state != "no":
        lines = [
            (w.popup.land_on, _dates(row, "land_on")),
            (w.popup.first_meal_on, _dates(row, "first_meal_on")),
        ]
    lines += [
        (w.popup[column], inert.clean(words.text(row.get(column), ""), CAP)) for column in TOLD
    ]
    return {
        "id": str(row["instrument"]),
        "title": inert.clean(row["title"], 200),
        "state": state,
        "word": words.ROUTE_STATES[state],
        "lines": [line for line in lines if line[1]],
        "ask": asked(row["to_ask"]),
    }


def _dates(row: dict[str, Any], what: str) -> str:
    return words.months(row[f"{what}_low"], row[what], row[f"{what}_high"])


def places(result: Result) -> list[dict[str, Any]]:
    """Return what is said of each farm and each canteen, farms first."""
    return [_farm(row) for row in records(result.farmers)] + [
        _canteen(row) for row in records(result.canteens)
    ]


def _farm(row: dict[str, Any]) -> dict[str, Any]:
    made = words.text(row["productions"], "").replace(";", ", ")
    said = [
        (w.popup.place_type, words.FARM_KINDS.get(words.text(row["kind"], ""), "")),
        (w.popup.farm_organic, words.yes_no(row["organic"])),
        (w.popup.productions, made),
        (w.popup.wants, words.hectares(row["wants_ha"], "")),
        (w.popup.installed_on, words.day(row["installed_on"], "")),
    ]
    return _place(str(row["farmer_id"]), "farm", row["name"], said)


def _canteen(row: dict[str, Any]) -> dict[str, Any]:
    said = [
        (w.popup.place_type, words.CANTEEN_KINDS.get(words.text(row["kind"], ""), "")),
        (w.popup.meals_per_day, words.number(row["meals_per_day"])),
        (w.popup.days_per_year, words.number(row["days_per_year"])),
        (w.popup.organic_share, words.percent(row["organic_share"])),
        (w.popup.local_share, words.percent(row["local_share"])),
        (w.popup.diners, words.DINERS.get(words.text(row["audience"], ""), "")),
    ]
    return _place(str(row["canteen_id"]), "canteen", row["name"], said)


def _place(key: str, kind: str, name: object, said: Pairs) -> dict[str, Any]:
    lines = [(label, inert.clean(value, CAP)) for label, value in said if value]
    return {"id": key, "kind": kind, "name": inert.clean(name, 120), "facts": lines}

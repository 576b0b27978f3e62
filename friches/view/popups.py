"""What the map says of each block, place and parcel: plain texts, laid out by the page's script."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from friches import tables
from friches.view import inert, words

if TYPE_CHECKING:
    from friches.result import Result

Pairs = list[tuple[str, str]]
GAP_SHOWN = 0.05
"""Gap between registered and measured area above which it is shown."""
CAP = 600
"""Longest text in a popup; the block sheet has the whole."""


def rows_of(table: pd.DataFrame, column: str) -> dict[Any, pd.DataFrame]:
    """Return the rows of each value of `column`, in the table's order."""
    return dict(iter(table.groupby(column, sort=False)))


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    columns = [str(column) for column in table.columns if column != "geometry"]
    return [
        dict(zip(columns, row, strict=True))
        for row in zip(*(table[c] for c in columns), strict=True)
    ]


def block_meals(meals: pd.DataFrame, area_ha: float) -> tuple[float, float, float] | None:
    """Return a block's meals a year (low, central, high), or None where nothing is known.

    Crops that fit together on the block are added up; crops that are alternatives (their areas
    exceed the block's) are not: the best one at the centre counts.
    """
    if meals.empty:
        return None
    together = meals["area_ha"].sum() <= area_ha * 1.01
    counted = meals if together else meals.loc[[meals["meals"].idxmax()]]
    return (
        float(counted["meals_low"].sum()),
        float(counted["meals"].sum()),
        float(counted["meals_high"].sum()),
    )


def sorted_blocks(result: Result) -> Any:
    """Return the blocks from the most likely fallow to the least."""
    return result.blocks.sort_values(["rank", "block_id"])


def blocks(result: Result) -> list[dict[str, Any]]:
    """Return what is said of each block, by rank: facts, meals, places, routes, questions."""
    meals = rows_of(result.meals, "block_id")
    reach = rows_of(result.reach, "block_id")
    routes = rows_of(result.routes.sort_values(["block_id", "order"]), "block_id")
    matches = result.matches.set_index("block_id")
    return [
        _block(
            row,
            meals.get(row["block_id"], result.meals.iloc[:0]),
            reach.get(row["block_id"], result.reach.iloc[:0]),
            matches.loc[row["block_id"]] if row["block_id"] in matches.index else None,
            routes.get(row["block_id"], result.routes.iloc[:0]),
        )
        for row in _records(sorted_blocks(result))
    ]


def _block(
    row: dict[str, Any], meals: pd.DataFrame, reach: pd.DataFrame, match: Any, routes: pd.DataFrame
) -> dict[str, Any]:
    name = str(row["block_id"])
    area = row["area_ha"] if not words.missing(row["area_ha"]) else row["area_measured_ha"]
    eaten = block_meals(meals, area)
    first = _first_meal(routes)
    return {
        "id": name,
        "sheet": f"sheets/{inert.safe_name(name)}.html",
        "commune": str(row["commune"]),
        "answer": words.answer_key(row["answer"]),
        "stage": stage_index(row["stage"]),
        "area": words.hectares(area),
        "stage_said": words.text(row["stage"], "stade inconnu"),
        "eaten": None if eaten is None else [words.number(words.rounded(end)) for end in eaten],
        "eaten_said": words.UNKNOWN if eaten is None else words.meals(*eaten),
        "first": first,
        "first_said": words.short_month(first, "aucun" if _shut(routes) else words.UNKNOWN),
        "minutes": {kind: _nearest(reach, match, kind) for kind in words.PLACES},
        "facts": _facts(row),
        "meals": [_crop(crop) for crop in _records(meals)],
        "match": _match(match),
        "routes": [_route(route) for route in _records(routes)],
        "ask": asked(row["to_ask"]),
    }


def asked(text: object) -> list[str]:
    """Return the questions of a « to_ask » text, one by one (they are parted by « ; »)."""
    return [part for part in inert.clean(words.text(text, "")).split(" ; ") if part]


def stage_index(stage: object) -> int:
    """Return a stage's place among the SAFER's ten, or -1 where it is unknown."""
    return tables.STAGES.index(str(stage)) if stage in tables.STAGES else -1


def _facts(row: dict[str, Any]) -> Pairs:
    kinds = words.text(row["owner_kinds"], "nature inconnue")
    said = [
        ("Contenance cadastrale", words.hectares(row["area_ha"])),
        ("Surface mesurée", words.hectares(row["area_measured_ha"])),
        ("Parcelles", words.number(row["n_parcels"])),
        ("Propriétaires", f"{row['owners_said']} ({kinds})"),
        ("Stade", words.text(row["stage"])),
        ("Indices connus", words.percent(row["share_known"])),
        ("Rang", words.number(row["rank"])),
        ("Pente moyenne", words.with_unit(row["slope_mean_pct"], "%")),
        ("Altitude moyenne", words.with_unit(row["altitude_mean_m"], "m")),
        ("Dernier usage connu", words.text(row["past_use"])),
        ("Commune", str(row["commune"])),
    ]
    return [(label, inert.clean(value, CAP)) for label, value in said]


def _crop(row: dict[str, Any]) -> dict[str, str]:
    three = [words.rounded(row[f"meals_group{end}"]) for end in ("_low", "", "_high")]
    return {
        "crop": f"{row['crop']}, {words.hectares(row['area_ha'])}",
        "whole": words.meals(row["meals_low"], row["meals"], row["meals_high"]),
        "group": f"ou, pour le seul groupe « {row['food_group']} » :"
        f" {words.between(three[0], three[1], three[2])} repas{words.NBSP}par an",
        "source": inert.clean(row["source"], CAP),
        "limits": inert.clean(row["limits"], CAP),
    }


def _nearest(reach: pd.DataFrame, match: Any, kind: str) -> float | None:
    """Return the minutes to the matched place of a kind, else to the nearest one."""
    column = "minutes" if kind == "farm" else "minutes_canteen"
    if match is not None and not words.missing(match[column]):
        return round(float(match[column]), 1)
    known = reach.loc[reach["kind"] == kind, "minutes"].min()
    return None if words.missing(known) else round(float(known), 1)


def _match(match: Any) -> dict[str, Any]:
    if match is None:
        return {"farm": "", "canteen": "", "why": "", "farm_min": "", "canteen_min": ""}
    return {
        "farm": words.text(match["farmer_id"], ""),
        "canteen": words.text(match["canteen_id"], ""),
        "farm_min": words.minutes(match["minutes"], "trajet inconnu"),
        "canteen_min": words.minutes(match["minutes_canteen"], "trajet inconnu"),
        "why": inert.clean(match["why"], CAP),
    }


def _advised(routes: pd.DataFrame) -> Any:
    """Return a block's first route, in the advised order, that is not closed, or None."""
    left = routes[routes["answer"].fillna(value=True).astype(bool)]
    return None if left.empty else left.iloc[0]


def _first_meal(routes: pd.DataFrame) -> str | None:
    """Return the central first-meal date of the advised route, or None where it is not known."""
    advised = _advised(routes)
    if advised is None or words.missing(advised["first_meal_on"]):
        return None
    return str(advised["first_meal_on"].date())


def _shut(routes: pd.DataFrame) -> bool:
    """Return whether routes were studied and all are closed: no first meal, not an unknown one."""
    return not routes.empty and _advised(routes) is None


def _route(row: dict[str, Any]) -> dict[str, Any]:
    state = words.answer_key(row["answer"])
    lines = []
    if state != "no":
        lines = [
            ("Terre disponible", _dates(row, "land_on")),
            ("Premier repas", _dates(row, "first_meal_on")),
        ]
    lines += [
        (label, inert.clean(words.text(row.get(column), ""), CAP))
        for label, column in (
            ("Ce qui la ferme", "why_closed"),
            ("Supposé", "assumes"),
            ("Bio", "organic"),
            ("Ferme déjà installée", "installed_farmer"),
            ("Coûts", "cost"),
            ("Risques", "risks"),
        )
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
    return [_farm(row) for row in _records(result.farmers)] + [
        _canteen(row) for row in _records(result.canteens)
    ]


def _farm(row: dict[str, Any]) -> dict[str, Any]:
    made = words.text(row["productions"], "").replace(";", ", ")
    said = [
        ("Type", words.FARM_KINDS.get(words.text(row["kind"], ""), "")),
        ("En bio", words.yes_no(row["organic"])),
        ("Productions", made),
        ("Surface recherchée", words.hectares(row["wants_ha"], "")),
        ("Installée le", words.day(row["installed_on"], "")),
    ]
    return _place(str(row["farmer_id"]), "farm", row["name"], said)


def _canteen(row: dict[str, Any]) -> dict[str, Any]:
    said = [
        ("Type", words.CANTEEN_KINDS.get(words.text(row["kind"], ""), "")),
        ("Repas par jour", words.number(row["meals_per_day"])),
        ("Jours de service par an", words.number(row["days_per_year"])),
        ("Part bio des achats", words.percent(row["organic_share"])),
        ("Part locale des achats", words.percent(row["local_share"])),
        ("Public", words.DINERS.get(words.text(row["audience"], ""), "")),
    ]
    return _place(str(row["canteen_id"]), "canteen", row["name"], said)


def _place(key: str, kind: str, name: object, said: Pairs) -> dict[str, Any]:
    lines = [(label, inert.clean(value, CAP)) for label, value in said if value]
    return {"id": key, "kind": kind, "name": inert.clean(name, 120), "facts": lines}


def parcels(result: Result, shown: pd.DataFrame, order: dict[str, int]) -> dict[str, Any]:
    """Return the drawn parcels as columns: what the map colours by, and what a popup says.

    Parameters
    ----------
    result : Result
        Already cut down by `audience.visible`.
    shown : GeoDataFrame
        The parcels drawn (`compact.drawn`).
    order : dict
        Place of each block on the page, by block id.

    Returns
    -------
    dict
        `answer` (0 yes, 1 unknown, 2 no, 3 nothing to say), and, unless the audience is public,
        `id`, `ref`, `block` (place or -1), `texts` (each text once) and `lines`, pairs of a label
        and the place in `texts` of each parcel's value (0 = nothing said).
    """
    if result.fallow.empty:
        return {"answer": [3] * len(shown)}
    known = result.fallow.set_index("parcel_id").reindex(shown["parcel_id"])
    facts = result.facts.set_index("parcel_id").reindex(shown["parcel_id"])
    member = result.members.set_index("parcel_id")["block_id"].reindex(shown["parcel_id"])
    codes = {"yes": 0, "unknown": 1, "no": 2}
    texts = {"": 0}
    lines = [
        [label, [texts.setdefault(text, len(texts)) for text in said]]
        for label, said in _parcel_lines(known, facts)
    ]
    return {
        "answer": [
            3 if gone else codes[words.answer_key(value)]
            for value, gone in zip(known["answer"], withdrawn(known), strict=True)
        ],
        "id": list(shown["parcel_id"]),
        "ref": [words.parcel_reference(pid) for pid in shown["parcel_id"]],
        "block": [order.get(block, -1) for block in member],
        "texts": list(texts),
        "lines": lines,
    }


def withdrawn(known: pd.DataFrame) -> pd.Series[bool]:
    """Return which rows of `fallow` are parcels left out at somebody's request."""
    if "withdrawn" not in known:
        return pd.Series(data=False, index=known.index)
    asked: pd.Series[bool] = known["withdrawn"].fillna(value=False).astype(bool)
    return asked


def _parcel_lines(known: pd.DataFrame, facts: pd.DataFrame) -> list[tuple[str, list[str]]]:
    gap = (facts["area_registered_m2"] - facts["area_m2"]).abs() / facts["area_registered_m2"]
    lines = [
        ("Contenance", [words.square_metres(area) for area in facts["area_registered_m2"]]),
        ("Surface mesurée", [words.square_metres(area) for area in facts["area_m2"]]),
        ("Écart", [words.percent(part) if part > GAP_SHOWN else "" for part in gap]),
        ("Stade", [words.text(stage, "") for stage in known["stage"]]),
        ("Indices connus", [words.percent(share) for share in known["share_known"]]),
        ("Rang", [words.number(rank) for rank in known["rank"]]),
    ]
    if "owner_kind" in facts:
        kinds = [words.OWNER_KINDS.get(words.text(kind, ""), "") for kind in facts["owner_kind"]]
        lines.append(("Propriétaire", kinds))
    for label, column in (("Pour", "reasons"), ("Contre", "against"), ("À demander", "to_ask")):
        lines.append((label, [inert.clean(words.text(t, ""), CAP) for t in known[column]]))
    return lines

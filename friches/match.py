"""For each block, the installed farmer who could work it and the canteen it could feed, and why."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from friches.demand import demand, yearly
from friches.errors import refuse
from friches.food.crops import crop
from friches.food.site import plain
from friches.tables import check, empty

if TYPE_CHECKING:
    from collections.abc import Mapping


class Farmer(NamedTuple):
    """What is known of one farm; NaN, NA or "" where unknown."""

    organic: Any
    productions: str
    wants_ha: float


class Trip(NamedTuple):
    """One trip from a block."""

    place_id: str
    minutes: float
    by: str


def match(  # noqa: PLR0913, PLR0917 - one argument a table
    blocks: pd.DataFrame,
    meals: pd.DataFrame,
    reach: pd.DataFrame,
    farmers: pd.DataFrame,
    canteens: pd.DataFrame,
    reach_limits: Any,
    neighbours: pd.DataFrame | None = None,
    goal: Any = 1.0,
) -> pd.DataFrame:
    """Propose for each block a farmer and a canteen within reach, with the reason.

    Blocks choose in their rank, the most certain fallow first: no block loses its farmer to a
    less certain one, and a person can redo the choice by hand. A farm within reach is eligible
    when it works a field beside the block, produces one of its crops or does not say what it
    produces, and when the hectares it wants still hold the block. The first of this order
    (ASSUMPTION) is taken: own fields beside the block; productions that fit; organic, then not
    known, then not; wanted hectares stated; shortest trip; identifier. The canteen is the one
    whose gap the harvest closes most, then the nearest.

    Parameters
    ----------
    blocks, meals, reach : DataFrame
        Result tables.
    farmers, canteens : DataFrame
        Source tables.
    reach_limits : object
        With minutes_to_farm and minutes_to_canteen, both ends included (`Study.reach`).
    neighbours : DataFrame, optional
        block_id, farmer_id: farms known to work a field beside the block.
    goal : float or object with `organic_share`
        Organic share that the canteens aim at.

    Returns
    -------
    DataFrame
        Table « matches », one row a block, ordered by block_id; also `canteens_in_reach` (JSON
        list of canteen_id), which `meals.outcome` reads.

    Raises
    ------
    InputError
        A trip to a farm or canteen that is not in its table.
    """
    if blocks.empty:
        none: pd.DataFrame = empty("matches", extra={"canteens_in_reach": "str"})
        return none
    farms, wanted = _farms(farmers), yearly(demand(canteens, goal))
    _no_stranger(reach, "farm", set(farms), "fermes")
    _no_stranger(reach, "canteen", set(canteens["canteen_id"].astype(str)), "cantines")
    trips = {
        "farm": _trips(reach, "farm", reach_limits.minutes_to_farm, set(farms)),
        "canteen": _trips(
            reach, "canteen", reach_limits.minutes_to_canteen, set(wanted["canteen_id"])
        ),
    }
    own = _pairs(neighbours)
    left = {name: farm.wants_ha for name, farm in farms.items()}
    plates = _room(wanted), set(wanted.loc[wanted["gap"].isna(), "canteen_id"])
    rows = []
    grown = {str(block): part for block, part in meals.groupby("block_id", sort=True)}
    for block in blocks.sort_values(["rank", "block_id"])["block_id"].astype(str):
        crops = grown.get(block, meals.iloc[:0])
        farm, who = _farmer(
            block, crops, trips["farm"].get(block, []), (farms, left, own), reach_limits
        )
        plate, where = _canteen(crops, trips["canteen"].get(block, []), plates, reach_limits)
        rows.append(
            {
                "block_id": block,
                "farmer_id": farm.place_id if farm else None,
                "canteen_id": plate.place_id if plate else None,
                "minutes": farm.minutes if farm else None,
                "minutes_canteen": plate.minutes if plate else None,
                "meals": float(crops["meals"].sum()) if len(crops) else None,
                "why": f"{who[0].upper()}{who[1:]}. {where[0].upper()}{where[1:]}.",
                "canteens_in_reach": json.dumps(
                    sorted(trip.place_id for trip in trips["canteen"].get(block, []))
                ),
            }
        )
    table = pd.DataFrame(rows).sort_values("block_id", ignore_index=True)
    return check(table, "matches", "rapprochements")


def _farms(farmers: pd.DataFrame) -> dict[str, Farmer]:
    table = pd.DataFrame(farmers.drop(columns="geometry", errors="ignore"))
    for name in ("organic", "productions", "wants_ha"):
        if name not in table.columns:
            table[name] = None
    return {
        str(row["farmer_id"]): Farmer(
            row["organic"],
            plain(row["productions"]),
            float("nan") if pd.isna(row["wants_ha"]) else float(row["wants_ha"]),
        )
        for row in table.sort_values("farmer_id").to_dict("records")
    }


def _room(wanted: pd.DataFrame) -> dict[str, dict[str, float]]:
    # A kitchen whose organic share is not known may lack all: it is not passed over.
    lacking = wanted.assign(room=wanted["gap"].fillna(wanted["gap_high"]))
    return {
        str(name): dict(zip(rows["food_group"], rows["room"], strict=True))
        for name, rows in lacking.groupby("canteen_id", sort=True)
    }


def _no_stranger(reach: pd.DataFrame, kind: str, known: set[str], layer: str) -> None:
    found = reach.loc[reach["kind"] == kind, "place_id"].astype(str)
    strangers = sorted(set(found) - known)
    if strangers:
        raise refuse(
            f"{len(strangers)} lieu(x) de trajet absent(s) de la table (premier : "
            f"« {strangers[0]} »)",
            layer,
            "recalculer les trajets avec cette table",
        )


def _trips(reach: pd.DataFrame, kind: str, limit: float, known: set[str]) -> dict[str, list[Trip]]:
    near = reach[(reach["kind"] == kind) & (reach["minutes"] <= limit)]
    found: dict[str, list[Trip]] = {}
    for row in near.sort_values(["block_id", "minutes", "place_id"]).to_dict("records"):
        if str(row["place_id"]) in known:
            trip = Trip(str(row["place_id"]), float(row["minutes"]), str(row["by"]))
            found.setdefault(str(row["block_id"]), []).append(trip)
    return found


def _pairs(neighbours: pd.DataFrame | None) -> set[tuple[str, str]]:
    if neighbours is None:
        return set()
    return {(str(row["block_id"]), str(row["farmer_id"])) for row in neighbours.to_dict("records")}


def _fits(crops: pd.DataFrame, farm: Farmer) -> list[str]:
    return [
        str(name)
        for name in crops["crop"]
        if any(word in farm.productions for word in crop(str(name)).words)
    ]


def _may(crops: pd.DataFrame, farm: Farmer) -> bool:
    # A farm that does not say what it produces is asked, not ruled out.
    return not farm.productions or bool(_fits(crops, farm))


def _farmer(
    block: str,
    crops: pd.DataFrame,
    trips: list[Trip],
    known: tuple[Mapping[str, Farmer], dict[str, float], set[tuple[str, str]]],
    limits: Any,
) -> tuple[Trip | None, str]:
    farms, left, own = known
    area = float(crops["area_ha"].sum())
    if area <= 0:
        return None, "rien à cultiver sur cet îlot : aucune ferme cherchée"
    if not farms:
        return None, "aucune ferme connue"
    if not trips:
        return None, f"aucune ferme à moins de {_fr(limits.minutes_to_farm)} min"
    suited = [t for t in trips if (block, t.place_id) in own or _may(crops, farms[t.place_id])]
    if not suited:
        names = ", ".join(sorted(crops["crop"].astype(str)))
        return None, f"les fermes proches produisent autre chose que : {names}"
    open_to = [t for t in suited if not left[t.place_id] < area]  # not stated: still open
    if not open_to:
        return None, _full(area, [farms[t.place_id].wants_ha for t in suited])

    def order(trip: Trip) -> tuple[Any, ...]:
        farm = farms[trip.place_id]
        organic = 1 if pd.isna(farm.organic) else 0 if farm.organic else 2
        beside = (block, trip.place_id) in own
        unstated = pd.isna(farm.wants_ha)
        misfit = not _fits(crops, farm)
        return (not beside, misfit, organic, unstated, trip.minutes, trip.place_id)

    chosen = min(open_to, key=order)
    left[chosen.place_id] -= area
    beside = (block, chosen.place_id) in own
    return chosen, _why(chosen, farms[chosen.place_id], crops, left[chosen.place_id], beside=beside)


def _full(area: float, wants: list[float]) -> str:
    if max(wants) <= 0:
        return "les fermes proches ne cherchent pas de terre"
    if max(wants) < area:
        return f"îlot de {_fr(area, 1)} ha : plus que ce que cherche chacune des fermes proches"
    return "fermes déjà pourvues par des îlots mieux classés"


def _why(trip: Trip, farm: Farmer, crops: pd.DataFrame, left: float, *, beside: bool) -> str:
    parts = [f"ferme à {_trip(trip)}"]
    if beside:
        parts.append("ses champs touchent l'îlot")
    fits = _fits(crops, farm)
    if fits:
        parts.append(f"elle produit déjà : {', '.join(fits)}")
    elif farm.productions:
        parts.append("autres productions aujourd'hui")
    else:
        parts.append("productions à demander")
    if pd.isna(farm.organic):
        parts.append("bio à demander")
    else:
        parts.append("en bio" if farm.organic else "à convertir en bio")
    if pd.isna(farm.wants_ha):
        parts.append("surface recherchée à demander")
    else:
        parts.append(
            f"elle cherche {_fr(farm.wants_ha, 1)} ha, {_fr(max(left, 0.0), 1)} ha après cet îlot"
        )
    return ", ".join(parts)


def _canteen(
    crops: pd.DataFrame,
    trips: list[Trip],
    known: tuple[dict[str, dict[str, float]], set[str]],
    limits: Any,
) -> tuple[Trip | None, str]:
    room, unsure = known
    if not room:
        return None, "aucune cantine connue"
    if not trips:
        return None, f"aucune cantine à moins de {_fr(limits.minutes_to_canteen)} min"
    harvest = crops.groupby("food_group", sort=True)["kg"].sum()

    def closes(trip: Trip) -> dict[str, float]:
        lacking = room[trip.place_id]
        return {str(g): min(float(kg), lacking.get(str(g), 0.0)) for g, kg in harvest.items()}

    chosen = min(trips, key=lambda trip: (-sum(closes(trip).values()), trip.minutes, trip.place_id))
    taken = {group: kg for group, kg in closes(chosen).items() if kg > 0}
    for group, kg in taken.items():
        room[chosen.place_id][group] -= kg
    if not taken:
        return chosen, f"cantine à {_trip(chosen)}, déjà pourvue en ce que l'îlot peut donner"
    gives = ", ".join(f"{_fr(kg)} kg ({group})" for group, kg in taken.items())
    ask = ", au plus : sa part bio est à demander" if chosen.place_id in unsure else ""
    return chosen, (
        f"cantine à {_trip(chosen)} : de ce qui lui manque en bio, l'îlot donnerait chaque année "
        f"{gives}{ask}"
    )


def _trip(trip: Trip) -> str:
    if trip.by == "straight":
        return f"environ {_fr(trip.minutes)} min, estimées à vol d'oiseau"
    return f"{_fr(trip.minutes)} min par la route"


def _fr(value: float, digits: int = 0) -> str:
    text = f"{value:,.{digits}f}".replace(",", "\u202f").replace(".", ",")
    return text.removesuffix(",0") if digits else text

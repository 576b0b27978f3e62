"""Small tables for allocations that can be checked by hand."""

from __future__ import annotations

import pandas as pd

from friches.allocation import allocate
from friches.food.crops import crop
from friches.studyfile import Reach

LIMITS = Reach()
NO_RULES = pd.DataFrame(columns=["rule", "families", "of", "sense", "share"])
VEG, POTATO, LENTIL, WHEAT, LAMB = (
    "légumes d'été", "pommes de terre", "lentilles", "blé panifiable", "agneau",
)  # fmt: skip


def blocks(*ids, answer=None):
    table = pd.DataFrame({"block_id": ids, "rank": range(1, len(ids) + 1)})
    return table if answer is None else table.assign(answer=pd.array(answer, dtype="boolean"))


def supply(*rows):
    """Rows: block, crop, usable ha, kg a ha (one value or low, central, high), share_max."""
    made = []
    for block, name, usable, kg, *rest in rows:
        low, central, high = kg if isinstance(kg, tuple) else (kg, kg, kg)
        made.append(
            {
                "block_id": block,
                "crop": name,
                "food_group": crop(name).food_group,
                "suits": rest[1] if len(rest) > 1 else True,
                "why": None,
                "usable_ha": usable,
                "share_max": rest[0] if rest else 1.0,
                "min_ha": 0.1,
                "kg_ha_low": low,
                "kg_ha": central,
                "kg_ha_high": high,
                "meals_ha": central,
                "level": "essai",
                "source": "essai",
                "limits": None,
            }
        )
    names = "block_id crop food_group suits why usable_ha share_max min_ha kg_ha_low kg_ha kg_ha_high meals_ha level source limits"
    return pd.DataFrame(made, columns=names.split()).astype({"suits": "boolean"})


def reach(*rows):
    """Rows: block, place, kind, minutes, by."""
    full = [(*row, "road") if len(row) == 4 else row for row in rows]
    table = pd.DataFrame(full, columns=["block_id", "place_id", "kind", "minutes", "by"])
    table = table.astype({"minutes": "float64"})
    return table.assign(distance_m=1000 * table["minutes"])


def farmers(*rows):
    """Rows: farmer, productions, wants_ha, organic, kind."""
    full = [(*row, *(None, None, True, "individual")[len(row) - 1 :]) for row in rows]
    names = ["farmer_id", "productions", "wants_ha", "organic", "kind"]
    table = pd.DataFrame(full, columns=names)
    return table.astype({"organic": "boolean", "wants_ha": "float64"})


def demand(*rows, goal=1.0):
    """Rows: canteen, food group, kg bought a month, organic share (None: unknown), months, meals.

    Needs go from 10 % less to 10 % more; 1 kg is a meal unless meals a month are given.
    """
    made = []
    for canteen, group, kg, share, *rest in rows:
        months = rest[0] if rest else range(1, 13)
        for month in range(1, 13):
            bought = float(kg) if month in months else 0.0
            now = None if share is None else bought * share
            gap = None if share is None else bought * max(goal - share, 0)
            row = {"canteen_id": canteen, "food_group": group, "month": month}
            for end, by in (("_low", 0.9), ("", 1.0), ("_high", 1.1)):
                row[f"meals{end}"] = (rest[1] if len(rest) > 1 else bought) * by
                row[f"kg{end}"] = bought * by
                row[f"organic_now{end}"] = now if now is None else now * by
                row[f"gap{end}"] = gap if gap is None else gap * by
            if share is None:
                row |= {"organic_now_low": 0.0, "organic_now_high": 1.1 * bought}
                row |= {"gap_low": 0.0, "gap_high": 1.1 * bought * goal}
            made.append(row | {"organic_share": share, "gap_eur": None, "source": "essai"})
    table = pd.DataFrame(made)
    texts = ("canteen_id", "food_group", "source")
    return table.astype(
        {name: "float64" for name in table.columns if name not in (*texts, "month")}
    )


def calendar(keeps=(), lost=0.0, months=range(1, 13), names=None):
    from friches.food.crops import crops

    rows = [
        {
            "crop": name,
            "month": month,
            "share": 1 / len(months) if month in months else 0.0,
            "lost_share": lost,
            "keeps": name in keeps,
        }
        for name in names or crops()
        for month in range(1, 13)
    ]
    return pd.DataFrame(rows)


def run(given_blocks, given_supply, given_reach, given_farmers, given_demand, **more):
    said = {"calendar": calendar(), "rules": NO_RULES} | more
    return allocate(
        given_blocks, given_supply, given_reach, given_farmers, given_demand, LIMITS, **said
    )


def near(pairs_farm, pairs_canteen, farm_minutes=10, canteen_minutes=20):
    """Trips of equal minutes between pairs of block and place."""
    return reach(
        *[(block, place, "farm", farm_minutes) for block, place in pairs_farm],
        *[(block, place, "canteen", canteen_minutes) for block, place in pairs_canteen],
    )

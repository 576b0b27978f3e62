"""Allocation of a generated territory: size, gap to the bound, seconds, peak memory.

2,000 blocks x 100 farms x 40 canteens x 12 crops over 60 km by 60 km, everything drawn from a seed
(« fictif »). What keeps it small, all exact unless said: crops that no kitchen in reach lacks are
left out; farms of the same crops share their columns of hectares; a farm never short of land hides
dearer ones that grow no more; blocks that reach the same kitchens are one zone; deliveries are held
by the cuts that are needed instead of one column a block, kitchen and month. Then one farm a block:
rounded, with the gap to the linear bound told (not exact).
"""

from __future__ import annotations

import argparse
import resource
import time
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from friches.allocation import allocate
from friches.demand import demand
from friches.food.crops import crop
from friches.studyfile import Reach
from friches.supply import rotation_limits, yield_ha

if TYPE_CHECKING:
    from numpy.random import Generator

SIDE_KM, DETOUR, KM_A_MINUTE = 60.0, 1.3, 50 / 60
CROPS = (
    "légumes d'été", "légumes de conservation", "pommes de terre", "lentilles", "pois chiches",
    "blé panifiable", "blé dur", "fruits de verger", "lait", "viande bovine", "agneau", "œufs",
)  # fmt: skip
PRODUCTIONS = (
    "maraichage", "maraichage;fruits", "grandes_cultures;legumineuses", "grandes_cultures",
    "bovins", "ovins", "bovins;lait", "volailles;grandes_cultures", "arboriculture", None,
)  # fmt: skip


def territory(seed: int, blocks: int, farms: int, kitchens: int) -> dict[str, pd.DataFrame]:
    """Return the tables of a generated territory."""
    rng = np.random.default_rng(seed)
    at = {
        name: rng.uniform(0, SIDE_KM, (count, 2))
        for name, count in (("block", blocks), ("farm", farms), ("canteen", kitchens))
    }
    ids = {name: [f"{name[0].upper()}{i:04d}" for i in range(len(xy))] for name, xy in at.items()}
    area = np.clip(rng.lognormal(0.6, 0.8, blocks), 0.2, 25)
    return {
        "blocks": pd.DataFrame({"block_id": ids["block"], "rank": range(1, blocks + 1)}),
        "supply": _supply(rng, ids["block"], area),
        "reach": pd.concat(
            [
                _trips(at["block"], at[kind], ids["block"], ids[kind], kind, limit)
                for kind, limit in (("farm", 20), ("canteen", 45))
            ],
            ignore_index=True,
        ),
        "farmers": pd.DataFrame(
            {
                "farmer_id": ids["farm"],
                "organic": pd.array(rng.choice([True, False, None], farms), dtype="boolean"),
                "productions": rng.choice(np.array(PRODUCTIONS, dtype=object), farms),
                "wants_ha": np.where(rng.random(farms) < 0.1, np.nan, rng.uniform(0, 25, farms)),
                "kind": ["collective" if i < farms // 30 else "individual" for i in range(farms)],
            }
        ),
        "demand": demand(_canteens(rng, ids["canteen"])),
    }


def _supply(rng: Generator, ids: list[str], area: np.ndarray) -> pd.DataFrame:
    turn = rotation_limits().set_index("crop")["share_max"]
    rows = []
    for name in CROPS:
        ends = yield_ha(name)
        fit = rng.uniform(0.5, 1.0, len(ids)) * (rng.random(len(ids)) < 0.7)
        rows.append(
            pd.DataFrame(
                {
                    "block_id": ids,
                    "crop": name,
                    "food_group": crop(name).food_group,
                    "suits": fit > 0,
                    "why": None,
                    "usable_ha": area * (1.0 if crop(name).kind == "rough" else 0.9),
                    "share_max": turn[name],
                    "min_ha": crop(name).min_ha,
                    "kg_ha_low": ends.low * fit,
                    "kg_ha": ends.central * fit,
                    "kg_ha_high": ends.high * fit,
                    "meals_ha": ends.central * fit,
                    "level": "fictif",
                    "source": "fictif",
                    "limits": None,
                }
            )
        )
    return pd.concat(rows, ignore_index=True).astype({"suits": "boolean"})


def _trips(  # noqa: PLR0913, PLR0917
    blocks: np.ndarray, places: np.ndarray, names: list[str], ids: list[str], kind: str, most: float
) -> pd.DataFrame:
    km = np.hypot(*(blocks[:, None, :] - places[None, :, :]).transpose(2, 0, 1)) * DETOUR
    block, place = np.nonzero(km / KM_A_MINUTE <= most)
    return pd.DataFrame(
        {
            "block_id": np.array(names)[block],
            "place_id": np.array(ids)[place],
            "kind": kind,
            "minutes": km[block, place] / KM_A_MINUTE,
            "distance_m": 1000 * km[block, place],
            "by": "road",
        }
    )


def _canteens(rng: Generator, ids: list[str]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "canteen_id": ids,
            "name": ids,
            "meals_per_day": rng.integers(200, 4000, len(ids)).astype(float),
            "days_per_year": 140.0,
            "organic_share": rng.uniform(0, 0.6, len(ids)),
            "local_share": np.nan,
            "audience": rng.choice(["maternelle", "elementaire", "adolescents"], len(ids)),
            "kind": "site",
            "served_by": None,
        }
    )


def main() -> None:
    """Print the size, the gap, the seconds and the peak memory."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--blocks", type=int, default=2000)
    parser.add_argument("--farms", type=int, default=100)
    parser.add_argument("--canteens", type=int, default=40)
    parser.add_argument("--seed", type=int, default=11)
    said = parser.parse_args()
    tables = territory(said.seed, said.blocks, said.farms, said.canteens)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    started = time.perf_counter()
    found = allocate(**tables, reach_limits=Reach(), told_in_full=said.blocks)
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    lacking = tables["demand"]["gap"].sum()
    print(
        f"{said.blocks} blocks x {said.farms} farms x {said.canteens} canteens x "
        f"{len(CROPS)} crops, "
        f"{len(tables['reach'])} trips, seed {said.seed}\n"
        f"programme of {found.solved['rows']} rows x {found.solved['columns']} columns\n"
        f"{found.solved['meals']:.0f} meals a year, bound {found.solved['bound']:.0f}, "
        f"gap {100 * found.solved['gap']:.3f} %\n"
        f"{found.plots['block_id'].nunique()} blocks, {found.plots['area_ha'].sum():.0f} ha sown, "
        f"{100 * found.flows['kg'].sum() / lacking:.1f} % of the gap in kg, "
        f"{len(found.flows)} flows\n"
        f"{seconds:.1f} s, peak {peak:.0f} MB (before: {before:.0f} MB)"
    )


if __name__ == "__main__":
    main()

"""Precision and recall by area of « answer = yes » against the truth of fictitious territories.

The plain exclusion filter stands beside it: cadastre minus what was declared in the last three
campaigns, minus closed forest, minus built land (ref. R2: the method of most inventories; the
State's study found 5 to 10 % of its hits right on real land).

Fictitious land says nothing of real land. The embedded territory was looked at while the rules were
written; the other seeds were not.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

import friches
from friches.sample.make import make
from friches.sources.catalogue import data_folder

if TYPE_CHECKING:
    from friches.result import Result

SEEDS = (101, 202, 303)
PARCELS = 2500


def plain_exclusion(facts: pd.DataFrame) -> pd.Series:
    """Return which parcels remain once all that is known to be used has been removed."""
    years = sorted(c for c in facts if c.startswith("declared_share_2"))[-3:]
    declared = facts[years].max(axis=1) >= 0.3
    forest = facts["forest_closed_share"] >= 0.5
    built = (facts["built_share"] >= 0.1) | (facts["zone_plu"] == "U")
    return ~(declared | forest | built)


def scores(found: pd.Series, truth: pd.Series, area: pd.Series) -> tuple[float, float]:
    """Return precision and recall, both by area."""
    right = area[found & truth].sum()
    return right / max(area[found].sum(), 1e-9), right / max(area[truth].sum(), 1e-9)


def rows(name: str, result: Result, truth: pd.DataFrame) -> list[dict[str, object]]:
    """Return one row a method for one territory."""
    facts = result.facts.set_index("parcel_id")
    real = truth.set_index("parcel_id")["fallow"].reindex(facts.index).astype(bool)
    answer = result.fallow.set_index("parcel_id")["answer"].reindex(facts.index)
    methods = {
        "exclusion seule": plain_exclusion(facts),
        "friches, réponse oui": answer.fillna(value=False).astype(bool),
        "friches, oui ou inconnu": answer.fillna(value=True).astype(bool),
    }
    area = facts["area_m2"] / 10_000
    told = []
    for method, found in methods.items():
        precision, recall = scores(found, real, area)
        told.append(
            {
                "territory": name,
                "method": method,
                "precision": round(precision, 3),
                "recall": round(recall, 3),
                "found_ha": round(area[found].sum(), 1),
                "true_ha": round(area[real].sum(), 1),
            }
        )
    return told


def main() -> None:
    """Print the table, with the time of each run."""
    folders = {"Saint-Rebelle (embarqué)": data_folder() / "sample"}
    told: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as temporary:
        for seed in SEEDS:
            folder = Path(temporary) / str(seed)
            make(folder, PARCELS, seed, truth=True)
            folders[f"graine {seed}"] = folder
        for name, folder in folders.items():
            started = time.perf_counter()
            result = friches.run(
                friches.open(folder / "study.toml"), keep_in=Path(temporary) / f"kept-{len(told)}"
            )
            print(f"{name} : {time.perf_counter() - started:.1f} s")
            told += rows(name, result, pd.read_parquet(folder / "truth.parquet"))
    print("\nPrécision et rappel par surface, sur des territoires FICTIFS")
    print(pd.DataFrame(told).to_string(index=False))


if __name__ == "__main__":
    main()

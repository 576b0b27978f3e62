"""The whole law on a whole département: 700,000 parcels by every gate and instrument.

    python -m benchmarks.law [parcels]

Facts are drawn at random (seeded), so that hardly two parcels are alike: six in ten known, numbers
with decimals, bounds apart. First the answers alone (`verdicts`, every condition kept), then the
rulings with their texts for one parcel in fifty, as a study asks them for its candidate blocks.
The target is 10 s and 4 GB for the answers, the table of facts included in the memory.
"""

from __future__ import annotations

import datetime as dt
import resource
import sys
import time

import numpy as np
import pandas as pd

from friches.facts import dictionary
from friches.scenarios.rule import gates, instruments, law, rule, verdicts

PARCELS = 700_000
DAY = dt.date(2026, 9, 1)
KNOWN = 0.6
SEED = 4


def drawn(parcels: int) -> pd.DataFrame:
    """Return a table of facts: every fact of the dictionary, six in ten known."""
    draw = np.random.default_rng(SEED)
    columns: dict[str, object] = {
        "parcel_id": pd.Series([f"12999{n:09d}" for n in range(parcels)], dtype="str"),
        "commune": pd.Series(["12999"], dtype="str").repeat(parcels).array,
        "area_registered_m2": draw.exponential(4000, parcels),
        "area_m2": draw.exponential(4000, parcels),
    }
    for name, fact in dictionary().items():
        known = draw.random(parcels) < KNOWN
        if fact.kind == "boolean":
            columns[name] = pd.arrays.BooleanArray(draw.random(parcels) < 0.5, ~known)
        elif fact.kind == "text":
            words = np.array([f"valeur {n}" for n in range(20)], dtype=object)
            codes = np.where(known, draw.integers(0, 20, parcels), -1)
            columns[name] = pd.Series(pd.Categorical.from_codes(codes, words)).astype("str")
        elif fact.kind == "date":
            days = (
                np.datetime64("2010-01-01", "ns") + draw.integers(0, 6000, parcels) * 86400 * 10**9
            )
            columns[name] = np.where(known, days, np.datetime64("NaT", "ns"))
        elif fact.bounded:
            low = np.where(known, draw.random(parcels) * 8, np.nan)
            columns |= {f"{name}_low": low, f"{name}_high": low + draw.integers(0, 3, parcels)}
        elif fact.kind == "integer":
            whole = draw.integers(0, 20, parcels)
            columns[name] = pd.arrays.IntegerArray(whole, ~known)
        else:
            columns[name] = np.where(known, draw.random(parcels) * 12, np.nan)
    return pd.DataFrame(columns, copy=False)


def gigabytes() -> float:
    """Return the most memory held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2


def main(parcels: int = PARCELS) -> None:
    """Draw, judge, and print durations, memory and what was answered."""
    facts = drawn(parcels)
    read = sum(len(document.version[-1].conditions) for document in law().values())
    print(f"{len(gates())} gates, {len(instruments())} instruments, {read} conditions")
    print(f"{parcels:,} parcels, {facts.shape[1]} columns, {gigabytes():.2f} GB with the facts")
    start = time.perf_counter()
    answers = verdicts(facts, DAY)
    print(f"verdicts: {time.perf_counter() - start:.2f} s, peak {gigabytes():.2f} GB")
    start = time.perf_counter()
    every = verdicts(facts, DAY, every_condition=True)
    took = time.perf_counter() - start
    print(f"every condition: {took:.2f} s, {every.size:,} answers, peak {gigabytes():.2f} GB")
    share = {
        n: f"{answers[n].eq(True).fillna(False).mean():.0%}/{answers[n].isna().mean():.0%}"
        for n in answers
    }
    print("yes/unknown:", ", ".join(f"{name} {said}" for name, said in share.items()))
    del answers, every
    start = time.perf_counter()
    rulings = rule(facts.iloc[::50], DAY)
    took, size = time.perf_counter() - start, rulings.memory_usage(deep=True).sum() / 1e6
    print(
        f"rulings with texts, one parcel in fifty: {took:.2f} s, {len(rulings):,} rows, "
        f"{size:.0f} MB, peak {gigabytes():.2f} GB"
    )


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:]))

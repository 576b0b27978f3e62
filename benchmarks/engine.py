"""The engine beside its peers, in one run, on a fictitious territory of a stated size.

    python -m benchmarks.engine [--parcels N] [--quick] [--only overlay zonal roads run growth]

Answers are compared before any time is shown: a part where a method's answer differs from ours is
not reported. Peers that are not installed are left out, and named. Each part is written as soon as
it is done, in its section of the report. See README.md beside this file.
"""

from __future__ import annotations

import argparse
import datetime as dt
import importlib
import json
import os
import shlex
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.engine_growth import growth, whole_run
from benchmarks.engine_process import KINDS, measured, methods, why_not
from benchmarks.engine_report import Line, lines_table, machine, merged, versions
from benchmarks.engine_territory import reused, territory

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.engine_process import Took

HERE = Path(__file__).parent
LANDS = HERE.parent / "maps" / "bench"
"""Where territories are kept: with what runs make, out of git."""
SEED = 42
PARCELS, QUICK, RUN = 200_000, 5_000, 5_000
GROWTH = (25_000, 100_000, 400_000)
SLOW_S = 30.0
"""A method that takes longer, in seconds of its whole process, runs once."""
ROUGH = 0.05
"""Median difference allowed to a method that answers a neighbouring question."""
TITLES = {
    "overlay": "Areas of parcels and polygons",
    "zonal": "Shares of a 10 m land cover, means of twelve NDVI dates",
    "roads": "Road times",
    "run": "The whole run",
    "growth": "Growth",
}


class DifferentError(Exception):
    """An answer that is not ours."""


def compared(kind: str, land: Path, rounds: int, peers: Sequence[str] | None) -> str:
    """Run every method of a kind, check the answers, then return the table of times.

    Parameters
    ----------
    kind : str
    land : Path
    rounds : int
        Methods take turns, so that a busy minute of the machine does not fall on one alone. Those
        whose first round takes over `SLOW_S` run once.
    peers : sequence of str, optional
        Methods to run beside ours; all when absent.

    Raises
    ------
    DifferentError
        An answer that differs from ours, by how much.
    """
    every = methods(kind)
    chosen = {
        name: one
        for name, one in every.items()
        if name == "friches" or peers is None or name in peers
    }
    reasons = {name: why_not(one) for name, one in chosen.items()}
    took: dict[str, list[Took]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as spare:
        for _ in range(rounds):
            for name in [name for name, reason in reasons.items() if reason is None]:
                if name != "friches" and took[name] and took[name][0].whole_s > SLOW_S:
                    continue
                print(f"  {kind}: {name}", file=sys.stderr, flush=True)
                try:
                    took[name].append(measured(kind, name, land, Path(spare) / f"{name}.npz"))
                except RuntimeError as error:
                    if name == "friches":
                        raise
                    reasons[name] = f"failed: {str(error).strip().splitlines()[-1]}"
        ready = [name for name, reason in reasons.items() if reason is None]
        gaps = {name: _checked(kind, name, land, Path(spare)) for name in ready}
    lines = [Line(every[name].label, took[name], *gaps[name]) for name in ready]
    skipped = [f"- left out: {chosen[name].label} ({why})" for name, why in reasons.items() if why]
    return "\n".join([lines_table(lines), *([""] if skipped else []), *skipped])


def _checked(kind: str, name: str, land: Path, folder: Path) -> tuple[str, float]:
    """Compare an answer with ours; return the largest difference, and the part of rows taken."""
    module: Any = importlib.import_module(KINDS[kind])
    ours, said = (dict(np.load(folder / f"{one}.npz")) for one in ("friches", name))
    gap = module.differences(ours, said, land)
    part = float(said["rows"] / ours["rows"]) if "rows" in said else 1.0
    if name == "friches":
        return "", part
    if methods(kind)[name].rough:
        middle = float(np.median(gap[gap > 0])) if (gap > 0).any() else 0.0
        if middle > ROUGH:
            raise DifferentError(f"{kind}, {name}: median difference {middle:.2g}")
        return f"median {middle:.1g}", part
    most = float(gap.max(initial=0))
    if not most <= module.TOLERANCE:
        raise DifferentError(f"{kind}, {name}: {most:.2g}, over {module.TOLERANCE:.0g} allowed")
    return f"{most:.1g}", part


def part(kind: str, options: argparse.Namespace) -> str:
    """Run one part; return its section: title, how it was measured, tables."""
    before = os.getloadavg()[0]
    if kind == "growth":
        made = f"`friches sample`, seed {SEED}"
        about = f"Fictitious territories ({made}), six campaigns of fields in the area stage"
        text = growth(
            options.growth, options.rounds, lambda size: territory(options.folder, size, SEED)
        )
    elif kind == "run":
        land = territory(options.folder, options.run, SEED)
        about = f"Fictitious territory (`friches sample`, seed {SEED}): {_land(land)}"
        text = whole_run(land)
    else:
        land, made = _compared_on(options)
        about = f"Fictitious territory ({made}): {_land(land)}"
        text = compared(kind, land, options.rounds, options.peers)
    load = f"{before:.1f} before, {os.getloadavg()[0]:.1f} after"
    day = dt.datetime.now(tz=dt.UTC).date()
    how = (
        f"{day}, `{_command(options.words)}`, {options.rounds} round(s) at most. {machine()}. "
        f"Load of the machine: {load}. {about}. Versions: {versions()}."
    )
    return f"{TITLES[kind]}\n\n{how}\n\n{text}"


def _compared_on(options: argparse.Namespace) -> tuple[Path, str]:
    """Return the territory on which methods are compared, and where it comes from."""
    if options.territory:
        name = options.territory.resolve().name
        return reused(options.folder, options.territory), f"`friches sample`, made before: {name}"
    land = territory(options.folder, options.parcels, SEED)
    return land, f"`friches sample`, seed {SEED}"


def _command(words: Sequence[str]) -> str:
    """Return the command as typed, but for where files lie."""
    said = [
        Path(word).name if os.sep in word else word
        for before, word in zip(["", *words], words, strict=False)
        if not {before, word} & {"--folder", "--out"}
    ]
    return shlex.join(["python", "-m", "benchmarks.engine", *said])


def _land(land: Path) -> str:
    said = json.loads((land / "land.json").read_text("utf-8"))
    parcels, polygons = said["parcels"], said["polygons"]
    return (
        f"{parcels['rows']:,} parcels of {parcels['vertices']} vertices on average, "
        f"{polygons['rows']:,} polygons of {polygons['vertices']} (one campaign of fields, "
        f"buildings, forest, zoning, constraints), {said['pixels']:,} pixels of 10 m"
    )


def parsed(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the options of the command."""
    say = argparse.ArgumentParser(prog="python -m benchmarks.engine", description=__doc__)
    say.add_argument("--parcels", type=int, help=f"of the territory ({PARCELS:,})")
    say.add_argument("--quick", action="store_true", help=f"{QUICK:,} parcels, 1 round, no growth")
    say.add_argument("--rounds", type=int, help="of each method (3)")
    say.add_argument("--only", nargs="+", choices=list(TITLES), help="parts to run (all)")
    say.add_argument("--peers", nargs="*", help="methods beside ours (all)")
    say.add_argument("--run", type=int, default=RUN, help=f"parcels of the whole run ({RUN:,})")
    say.add_argument("--growth", nargs="+", type=int, default=list(GROWTH), help="sizes")
    say.add_argument(
        "--territory", type=Path, help="made before, for overlay, zonal and roads (one is made)"
    )
    say.add_argument("--folder", type=Path, default=LANDS, help="of territories")
    say.add_argument("--out", type=Path, help="report (results.md beside this file)")
    words = sys.argv[1:] if words is None else list(words)
    found = say.parse_args(words)
    found.words = words
    unknown = set(found.peers or ()) - {name for kind in KINDS for name in methods(kind)}
    if unknown:
        say.error(f"no such method: {', '.join(sorted(unknown))}")
    found.parcels = found.parcels or (QUICK if found.quick else PARCELS)
    found.rounds = found.rounds or (1 if found.quick else 3)
    usual = [name for name in TITLES if not (found.quick and name == "growth")]
    found.only = found.only or usual
    if found.out is None and not found.quick:
        found.out = HERE / "results.md"
    return found


def main(words: Sequence[str] | None = None) -> None:
    """Run each part, print it, write it; end in error if one of them failed."""
    options = parsed(words)
    failed = []
    for kind in options.only:
        try:
            section = part(kind, options)
        except (DifferentError, RuntimeError, OSError) as error:
            print(f"\n{kind}: {error}", file=sys.stderr, flush=True)
            failed.append(kind)
            continue
        print(f"\n## {section}", flush=True)
        if options.out is not None:
            before = options.out.read_text("utf-8") if options.out.is_file() else ""
            options.out.write_text(merged(before, section, list(TITLES.values())), "utf-8")
    if failed:
        sys.exit(f"not reported: {', '.join(failed)}")


if __name__ == "__main__":
    main()

"""A fetch from the local server with waits made tiny, here or in another process."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import TYPE_CHECKING, Any

from replay.territory import INSEE, SAMPLE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from friches.fetch.fetching import Fetched

DAY = dt.date(2026, 9, 1)
QUICK: dict[str, Any] = {
    "per_second": 10_000,
    "burst": 1000,
    "at_once": 4,
    "retries": 4,
    "deadline": 5.0,
    "first_wait": 0.01,
    "longest_wait": 0.05,
    "longest_pause": 0.05,
}
"""No politeness towards a server of our own, and no patience."""
BY_HAND = (
    f"land_cover={SAMPLE / 'oso_2023.tif'}:oso23",
    f"elevation={SAMPLE / 'mnt.tif'}",
    f"ndvi={SAMPLE / 'ndvi.tif'}",
    f"mountain={SAMPLE / 'zone_montagne.gpkg'}",
)
"""Layers of the sample that no service gives."""
SOME = {"only": ("buildings", "zoning", "declared_fields", "farmers"), "campaigns": "2023"}
"""A few layers, of every kind of page: quick to fetch again and again."""


def fetch_here(
    out: Path, cache: Path, hosts: Mapping[str, str], *, by_hand: bool = False, **wish: Any
) -> Fetched:
    """Fetch the sample's commune; `wish` as in `fetching.Wish`, plus offline and refresh."""
    from friches.fetch import fetching
    from friches.fetch.added import parse_added
    from friches.fetch.pace import Pace
    from friches.fetch.services import paces

    how = {name: wish.pop(name) for name in ("offline", "refresh") if name in wish}
    said = {"added": tuple(parse_added(BY_HAND))} if by_hand else {}
    day = wish.pop("day", DAY)
    asked = fetching.Wish(wish.pop("asked", (INSEE,)), out, day, **(said | wish))
    quick = dict.fromkeys(paces(), Pace(**QUICK))
    return fetching.fetch(asked, cache, hosts=hosts, pace=quick, **how)


def digests(folder: Path) -> dict[str, str]:
    """Return the sha256 of each file of a study but its report, which tells of the way it came."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "fetched.json"
    }

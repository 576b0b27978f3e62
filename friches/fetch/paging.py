"""All the features of a box: page after page, counted against what the service announces.

A service that stops before its total, or whose total equals its cap, is asked again by quarters of
the box. A page asked beyond the end shows a total that was too low. A total that cannot be brought
together is a failure, never a shorter layer.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from friches.fetch.failure import Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from friches.fetch.request import Answer
    from friches.fetch.services import Page

    Box = tuple[float, float, float, float]
    Feature = dict[str, Any]

DEEPEST = 7
"""Times a box is cut in four: 16 384 tiles of the smallest kind (ASSUMPTION: a safety cap)."""
_AGAIN = "réessayer plus tard ; sinon donner la couche à la main (--add)"


class Leaf(NamedTuple):
    """One page: its features, the total it announces for the box (None: not said), its answer."""

    features: list[Feature]
    total: int | None
    answer: Answer


class Asked(NamedTuple):
    """How one page is asked: first row, rows at most, and which attempt it is (0, 1, 2)."""

    start: int
    many: int
    attempt: int


class Whole(NamedTuple):
    """All features of a box, the total announced, the answers used, what is worth telling."""

    features: list[Feature]
    announced: int
    answers: tuple[Answer, ...]
    notes: tuple[str, ...] = ()


class _Run(NamedTuple):
    pages: list[list[Feature]]
    totals: list[int]
    answers: list[Answer]
    trouble: str
    capped: bool


def gather(  # noqa: PLR0913 -- one argument a rule of the service
    ask: Callable[[Box, Asked], Leaf],
    box: Box,
    page: Page,
    service: str,
    counted: Callable[[Box, int], int | None] = lambda _box, _attempt: None,
    *,
    tiled: bool = True,
) -> Whole:
    """Return every feature that a service has in a box.

    Parameters
    ----------
    ask : callable
        Asks one page of one box; raises `Failure`.
    box : tuple of float
        xmin, ymin, xmax, ymax, in the unit that `ask` understands.
    page : Page
        Size, cap, and whether the service has pages at all.
    service : str
        For messages.
    counted : callable
        The total of a box as counted apart (WFS `hits`), or None.
    tiled : bool
        The question depends on the box, which may be cut.

    Raises
    ------
    Failure
        What came does not agree with what was announced, even by tiles.
    """
    return _gathered(ask, box, page, service, counted, 0 if tiled else DEEPEST)


def _gathered(  # noqa: PLR0913, PLR0917
    ask: Callable[[Box, Asked], Leaf],
    box: Box,
    page: Page,
    service: str,
    counted: Callable[[Box, int], int | None],
    depth: int,
) -> Whole:
    failure: Failure | None = None
    run = _Run([], [], [], "", capped=False)
    for attempt, size in enumerate(_sizes(page)):
        try:
            run = _run(ask, box, page, Asked(0, size, attempt), counted(box, attempt))
        except Failure as refused:
            # A key to sort by that does not exist is left out the second time.
            if refused.unreachable or attempt or not page.start:
                raise
            failure = refused
            continue
        if not run.trouble:
            return Whole(_merged(run.pages), run.totals[-1], tuple(run.answers))
        if run.capped:
            break
    if run.capped and depth < DEEPEST:
        return _by_tiles(ask, box, page, service, counted, depth, run)
    if not run.trouble and failure is not None:
        raise failure
    raise Failure(service, run.trouble, _AGAIN)


def _sizes(page: Page) -> list[int]:
    """Return the sizes of pages of each attempt: another size is another question."""
    if not page.start:
        return [page.size]
    return [page.size, max(1, page.size // 2), max(1, page.size // 4)]


def _run(
    ask: Callable[[Box, Asked], Leaf], box: Box, page: Page, first: Asked, hits: int | None
) -> _Run:
    pages: list[list[Feature]] = []
    totals = [] if hits is None else [hits]
    answers: list[Answer] = []
    start = 0
    while True:
        try:
            leaf = ask(box, Asked(page.first + start, first.many, first.attempt))
        except Failure as failure:
            if failure.unreachable or not start:
                raise
            break  # some refuse to go beyond their cap: what is missing is asked by tiles
        answers.append(leaf.answer)
        if leaf.total is not None:
            totals.append(leaf.total)
        pages.append(leaf.features)
        start += len(leaf.features)
        beyond = bool(totals) and start > max(totals)
        if not leaf.features or not page.start or beyond:
            break
    return _judged(pages, totals, answers, page)


def _judged(
    pages: list[list[Feature]], totals: list[int], answers: list[Answer], page: Page
) -> _Run:
    came, whole = sum(map(len, pages)), len(_merged(pages))
    if not totals:  # nothing announced: what came is all, unless it fills the cap
        full = bool(page.cap) and came >= page.cap
        trouble = f"plafond de {page.cap} objets atteint, total inconnu" if full else ""
        return _Run(pages, [whole], answers, trouble, full)
    total = totals[-1]
    if len(set(totals)) > 1:
        said = ", ".join(map(str, sorted(set(totals))))
        trouble = f"le service se contredit sur son total ({said})"
        return _Run(pages, totals, answers, trouble, bool(page.cap) and came >= page.cap)
    if came > total:
        trouble = f"le service annonce {total} objets et en rend davantage : son total est faux"
        return _Run(pages, totals, answers, trouble, capped=False)
    if whole < total:
        trouble = f"{whole} objets différents reçus sur {total} annoncés : réponse tronquée"
        return _Run(pages, totals, answers, trouble, capped=came >= min(total, page.size))
    if page.cap and total == page.cap:
        trouble = (
            f"le total annoncé est le plafond du service ({total}) : réponse sans doute tronquée"
        )
        return _Run(pages, totals, answers, trouble, capped=True)
    return _Run(pages, totals, answers, "", capped=False)


def _by_tiles(  # noqa: PLR0913, PLR0917
    ask: Callable[[Box, Asked], Leaf],
    box: Box,
    page: Page,
    service: str,
    counted: Callable[[Box, int], int | None],
    depth: int,
    run: _Run,
) -> Whole:
    parts = [_gathered(ask, tile, page, service, counted, depth + 1) for tile in quarters(box)]
    features = _merged([part.features for part in parts])
    total = max(run.totals, default=None)
    if total is not None and total != page.cap and len(features) != total:
        raise Failure(
            service,
            f"{len(features)} objets reçus par tuiles sur {total} annoncés : le total est faux ou "
            "la réponse tronquée",
            _AGAIN,
        )
    answers = tuple(answer for part in parts for answer in part.answers)
    note = f"plafond du service contourné par tuiles ({len(features)} objets)"
    notes = () if depth else (note,)
    return Whole(sorted(features, key=_key), len(features), (*run.answers, *answers), notes)


def quarters(box: Box) -> list[Box]:
    """Return the four quarters of a box; they share their edges."""
    west, south, east, north = box
    x, y = (west + east) / 2, (south + north) / 2
    return [(west, south, x, y), (x, south, east, y), (west, y, x, north), (x, y, east, north)]


def _merged(pages: Iterable[list[Feature]]) -> list[Feature]:
    """Return features of several pages or tiles, each once, in order of arrival.

    Two alike within one page are two; the same one in two pages is one.
    """
    kept: Counter[str] = Counter()
    merged: list[Feature] = []
    for page in pages:
        here: Counter[str] = Counter()
        for feature in page:
            key = _key(feature)
            here[key] += 1
            if here[key] > kept[key]:
                kept[key] += 1
                merged.append(feature)
    return merged


def _key(feature: Feature) -> str:
    """Return what tells a feature: its identifier, unless made for the answer, and its content."""
    name = str(feature.get("id") or "")
    lasting = "" if name.startswith("fid-") else name  # GeoServer's names of rows without a key
    content = [
        lasting,
        {str(k).lower(): v for k, v in (feature.get("properties") or {}).items()},
        feature.get("geometry"),
    ]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

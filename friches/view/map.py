"""The policy officer's map: one HTML file that opens from disk and asks the network for nothing.

Leaflet's script, style and images come from the installed XStatic-Leaflet package and stand in the
page; data stand in one JSON island; one script of ours (`templates/map.js`) draws them. The page's
policy names these scripts by hash and forbids every connection.
"""

from __future__ import annotations

import base64
import re
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from friches import tables
from friches.studyfile import TOLD_IN_FULL
from friches.view import beyond, compact, inert, look, page, parcels, popups, words
from friches.view.audience import is_public, visible
from friches.view.lexicon import w
from friches.view.rows import first_blocks, sorted_blocks

if TYPE_CHECKING:
    from collections.abc import Callable

    from friches.result import Result

TILES = "https://data.geopf.fr"
_WMTS = (
    f"{TILES}/wmts?SERVICE=WMTS&REQUEST=GetTile&VERSION=1.0.0&TILEMATRIXSET=PM&STYLE=normal"
    "&TILEMATRIX={z}&TILEROW={y}&TILECOL={x}"
)
BASE_MAPS = (
    {
        "name": w.map.base.plan,
        "url": f"{_WMTS}&LAYER=GEOGRAPHICALGRIDSYSTEMS.PLANIGNV2&FORMAT=image/png",
        "zoom": 19,
    },
    {
        "name": w.map.base.photo,
        "url": f"{_WMTS}&LAYER=ORTHOIMAGERY.ORTHOPHOTOS&FORMAT=image/jpeg",
        "zoom": 19,
    },
    {
        "name": w.map.base.cadastre,
        "url": f"{_WMTS}&LAYER=CADASTRALPARCELS.PARCELLAIRE_EXPRESS&FORMAT=image/png",
        "zoom": 20,
    },
)
"""Public WMTS layers of the Géoplateforme, no key needed. RECALLED, names seen in public code."""
MOST_COMMUNES = 12
"""Communes named in the first lines of the page."""
MOST_TOLD = 2_000
"""Blocks told in full on one page at most, whatever the study says: a row and a card each."""
FEWER = 0.6
"""Where a page is too heavy, so much of it is told in full, and the rest is left for the others."""
PAGE_BYTES = 4_950_000
"""What the page may weigh: outlines and points of blocks not told in full take what is left."""
OF_THE_LIST = {"sheet", "stage_said", "first_said"}
"""What `popups.blocks` says for the list alone, or what the page's script knows without it."""
MINUTES = (5, 10, 15, 20, 30, 45)
"""Steps offered by the travel-time filter."""


def write_map(
    result: Result, path: Path | str, *, base_maps: bool = False, told_in_full: int = TOLD_IN_FULL
) -> Path:
    """Write the interactive map of a result as one HTML file.

    Parameters
    ----------
    result : Result
        What a run found; cut down here to what the study's audience may see.
    path : Path or str
        The file to write; block sheets are expected in `sheets/` beside it.
    base_maps : bool
        Offer background maps of the Géoplateforme: the page then asks one host for images, and
        goes on without them when it does not answer. Off, the page asks for nothing at all.
    told_in_full : int
        Blocks with a row and a card, the first by rank; the others have an outline or a point, as
        far as the page stays under 5 MB, and the page says so.

    Returns
    -------
    Path
        `path`.
    """
    return page.write(Path(path), map_html(result, base_maps=base_maps, told_in_full=told_in_full))


def map_html(result: Result, *, base_maps: bool = False, told_in_full: int = TOLD_IN_FULL) -> str:
    """Return the page `write_map` writes: the same bytes for the same result."""
    most = min(told_in_full, MOST_TOLD, max(len(result.blocks), 1))
    html, size = _told(result, most, base_maps=base_maps)
    while size > PAGE_BYTES and most > 1:
        most = max(1, int(most * FEWER * PAGE_BYTES / size))
        html, size = _told(result, most, base_maps=base_maps)
    return html


def _told(result: Result, most: int, *, base_maps: bool) -> tuple[str, int]:
    """Return the page that tells `most` blocks in full, and its bytes without the others."""
    shown = visible(first_blocks(result, most))
    said = popups.blocks(shown)
    data = island(shown, said, base_maps=base_maps)
    after = sorted_blocks(result).iloc[most:]
    rest = beyond.beyond(after, data["origin"], 0)
    frame = _frame(result, shown, said)

    def drawn(rest: beyond.Beyond) -> str:
        counts = len(said), len(result.blocks), rest, data["drawn_parcels"], data["all_parcels"]
        whole = inert.json_island(data | {"rest": rest.island}, "donnees")
        images = [TILES] if base_maps else []
        return frame(images=images, limits=beyond.sentence(*counts), island=whole)

    html = drawn(rest)
    size = len(html.encode())
    if len(after):
        html = drawn(beyond.beyond(after, data["origin"], PAGE_BYTES - size))
    return html, size


def _frame(result: Result, shown: Result, said: list[dict[str, Any]]) -> Callable[..., str]:
    """Return what writes the page, but for its data and the sentence on what they leave out."""
    return partial(
        page.render,
        "map.html.j2",
        shown.study,
        w.map.title.format(name=shown.study.name),
        scripts=[_leaflet("leaflet.js"), page.asset("outlines.js") + page.asset("map.js")],
        styles=[_leaflet("leaflet.css"), page.asset("map.css")],
        public=is_public(shown),
        blocks=said,
        places=popups.places(shown),
        headline=headline(result),
        filters=_filters(shown, said),
        missing=shown.missing.to_dict("records"),
        sources=source_lines(shown),
        run=page.run_id(shown),
    )


def headline(result: Result) -> dict[str, str]:
    """Return what the first screen says before any click."""
    told = result.summary
    eaten = told.get("meals_per_year") or {}
    after = told.get("organic_share_after") or {}
    first = told.get("first_meal_on") or {}
    shares = _hundred(after, "low"), _hundred(after, "central"), _hundred(after, "high")
    blocks = result.blocks
    areas = blocks["area_ha"].fillna(blocks["area_measured_ha"])
    sure = blocks["answer"].fillna(value=False).astype(bool)
    known = (blocks["share_known"] * areas).sum() / areas.sum() if areas.sum() else None
    return {
        "blocks": w.counts.candidate_blocks(len(blocks)),
        "area": words.hectares(float(areas.sum())),
        "sure": w.counts.probable(int(sure.sum())),
        "sure_area": words.hectares(float(areas[sure].sum())),
        "known": words.percent(known),
        "meals": words.meals(eaten.get("low"), eaten.get("central"), eaten.get("high")),
        "first": words.months(first.get("low"), first.get("central"), first.get("high")),
        "organic_now": words.percent(told.get("organic_share_now")),
        "organic_after": words.between(*shares, unit="%"),
        "day": words.day(result.study.study.day),
        "parcels": words.number(told.get("parcels", len(result.parcels))),
        "communes": _some(result.study.study.communes),
    }


def _some(codes: list[str]) -> str:
    """Return the first codes, and how many others there are."""
    others = len(codes) - MOST_COMMUNES
    said = ", ".join(codes[:MOST_COMMUNES])
    return said + (str(w.map.others(others)) if others > 0 else "")


def _hundred(shares: dict[str, float], end: str) -> float | None:
    share = shares.get(end)
    return None if share is None else share * 100


def _filters(result: Result, said: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the choices of the four filters and of the slider; one choice alone is no filter."""
    routes = result.routes.drop_duplicates("instrument").sort_values("order")
    return {
        "communes": sorted(set(result.blocks["commune"])),
        "answers": sorted({words.answer_key(answer) for answer in result.blocks["answer"]}),
        "routes": [
            (str(i), str(t)) for i, t in zip(routes["instrument"], routes["title"], strict=True)
        ],
        "minutes": MINUTES if len(result.farmers) else (),
        "years": first_meal_years(said),
    }


def first_meal_years(said: list[dict[str, Any]]) -> tuple[int, int] | None:
    """Return the first and the last year of a first meal, or None where there are not two.

    Parameters
    ----------
    said : list of dict
        What `popups.blocks` says; `first` is the central date of the advised route.
    """
    years = {int(block["first"][:4]) for block in said if block["first"]}
    return (min(years), max(years)) if len(years) > 1 else None


def island(result: Result, blocks: list[dict[str, Any]], *, base_maps: bool) -> dict[str, Any]:
    """Return the data of the page's script but for `rest` (`beyond.Beyond.island`).

    Outlines are as `compact.encode` makes them.
    """
    shown = compact.drawn(result)
    area = compact.study_area(result.parcels)
    start = compact.origin(area)
    outlines = result.blocks.set_index("block_id").geometry
    order = {block["id"]: place for place, block in enumerate(blocks)}
    drawn = compact.encode(outlines.loc[list(order)].simplify(compact.SIMPLIFY_M), start)
    spots = compact.encode_points(result.farmers.geometry, start)
    spots += compact.encode_points(result.canteens.geometry, start)
    places = popups.places(result)
    rows = [{key: block[key] for key in block if key not in OF_THE_LIST} for block in blocks]
    said, shared = compact.interned([*rows, *places])
    return {
        "words": w.map.script,
        "shared": shared,
        "origin": start,
        "public": is_public(result),
        "answers": {key: answer._asdict() for key, answer in words.ANSWERS.items()},
        "states": words.ROUTE_STATES,
        "stages": stages(),
        "colours": look.PLACE_COLOURS,
        "outline": compact.encode(area, start),
        "blocks": [block | {"shape": s} for block, s in zip(said[: len(rows)], drawn, strict=True)],
        "places": [place | {"at": at} for place, at in zip(said[len(rows) :], spots, strict=True)],
        "parcels": parcels.columns(result, shown, order)
        | {"shape": compact.encode(compact.simplified(shown.geometry), start)},
        "drawn_parcels": len(shown),
        "all_parcels": len(result.parcels),
        "credits": credits_line(result) + (w.map.ground_credit if base_maps else ""),
        "base_maps": list(BASE_MAPS) if base_maps else [],
    }


def stages() -> list[dict[str, str]]:
    """Return the ten stages with a colour and a hatch each: five hues, filled then hatched."""
    hatches = ("solid", "lines")
    return [
        {
            "name": stage,
            "colour": look.PALETTE[place % len(look.PALETTE)],
            "hatch": hatches[place // len(look.PALETTE)],
        }
        for place, stage in enumerate(tables.STAGES)
    ]


def credits_line(result: Result) -> str:
    """Return the attribution printed inside the map: each layer's, once, in order."""
    said = dict.fromkeys(words.text(text, "") for text in result.provenance["attribution"])
    return " · ".join(text for text in said if text) or str(w.map.no_sources)


def source_lines(result: Result) -> list[str]:
    """Return layer, publisher, vintage and licence of every layer read, each line once."""
    columns = (result.provenance[name] for name in ("layer", "publisher", "vintage", "licence"))
    said = (
        w.shared.layer_line.format(
            layer=words.LAYERS.get(layer, layer), rest=", ".join(words.text(t) for t in rest)
        )
        for layer, *rest in zip(*columns, strict=True)
    )
    return list(dict.fromkeys(said))


@cache
def _leaflet(name: str) -> str:
    """Return a file of the installed Leaflet, its images turned into data, fit to stand inline."""
    folder = Path(import_module("xstatic.pkg.leaflet").BASE_DIR)
    text = (folder / name).read_text("utf-8").replace("\r\n", "\n")
    text = re.sub(r"\n?//# sourceMappingURL=\S+\s*$", "\n", text)

    def _inlined(found: re.Match[str]) -> str:
        image = base64.b64encode((folder / found[1]).read_bytes()).decode("ascii")
        return f"url(data:image/png;base64,{image})"

    return re.sub(r"url\((images/[a-z0-9-]+\.png)\)", _inlined, text)

"""The map in a notebook: a `folium.Map` of blocks, farms and canteens.

Folium writes popups with `innerHTML`: whatever comes from data is cleaned and escaped here, and
tooltips, icons and layer names hold words of ours only (craft.md §0.1).
"""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

import folium
import shapely

from friches.view import inert, popups, words
from friches.view.audience import visible

if TYPE_CHECKING:
    import geopandas as gpd

    from friches.result import Result

WIDTH = 320
"""Width of a popup in pixels."""


def folium_map(result: Result) -> folium.Map:
    """Return an interactive map of blocks, farms and canteens, for Jupyter.

    Parameters
    ----------
    result : Result
        Cut down here to what the study's audience may see.

    Returns
    -------
    folium.Map
        Layers « probable », « à confirmer », « fermes », « cantines »; no background map is
        asked for (add one with `folium.TileLayer`). The notebook needs the network for Leaflet:
        `friches.view.map.write_map` writes the map that does not.
    """
    shown = visible(result)
    made = folium.Map(tiles=None, control_scale=True)
    said = popups.blocks(shown)
    outlines = shown.blocks.set_index("block_id").geometry.to_crs("EPSG:4326")
    for key, answer in words.ANSWERS.items():
        group = folium.FeatureGroup(name=f"Îlots : {answer.word}")
        for block in said:
            if block["answer"] == key:
                _outline(block, outlines[block["id"]], answer).add_to(group)
        if group._children:  # noqa: SLF001
            group.add_to(made)
    _places(popups.places(shown), shown, made)
    folium.LayerControl(collapsed=False).add_to(made)
    _fit(made, outlines if len(outlines) else shown.parcels.geometry.to_crs("EPSG:4326"))
    return made


def _outline(block: dict[str, Any], shape: Any, answer: words.Answer) -> folium.GeoJson:
    style = {
        "color": answer.colour,
        "weight": 2.5,
        "dashArray": answer.dash,
        "fillOpacity": 0.5 if answer.hatch == "solid" else 0.15,
    }
    feature = {
        "type": "Feature",
        "properties": {},
        "geometry": shapely.geometry.mapping(shapely.set_precision(shape, 1e-6)),
    }
    made = folium.GeoJson(feature, style_function=lambda _: style)
    _popup(f"Îlot {block['id']}", [("Réponse", answer.word), *_lines(block)]).add_to(made)
    return made


def _lines(block: dict[str, Any]) -> popups.Pairs:
    routes = " ; ".join(f"{route['title']} : {route['word']}" for route in block["routes"])
    return [
        *block["facts"],
        ("Repas", block["eaten_said"]),
        ("Premier repas", block["first_said"]),
        ("Voies", routes or "aucune voie étudiée"),
        ("À demander", " ; ".join(block["ask"])),
    ]


def _places(places: list[dict[str, Any]], result: Result, made: folium.Map) -> None:
    points: dict[str, gpd.GeoSeries] = {
        "farm": result.farmers.set_index("farmer_id").geometry.to_crs("EPSG:4326"),
        "canteen": result.canteens.set_index("canteen_id").geometry.to_crs("EPSG:4326"),
    }
    for kind, word in words.PLACES.items():
        group = folium.FeatureGroup(name=f"{word.capitalize()}s")
        for place in places:
            if place["kind"] != kind:
                continue
            at = points[kind][place["id"]]
            folium.RegularPolygonMarker(
                [round(at.y, 6), round(at.x, 6)],
                number_of_sides=4 if kind == "farm" else 12,
                radius=9,
                color="#ffffff",
                fill_color=words.PLACE_COLOURS[kind],
                fill_opacity=1,
                popup=_popup(place["name"], place["facts"]),
            ).add_to(group)
        group.add_to(made)


def _popup(title: str, lines: popups.Pairs) -> folium.Popup:
    rows = "".join(
        f"<tr><th>{_text(label)}</th><td>{_text(value)}</td></tr>"
        for label, value in lines
        if value
    )
    content = f"<strong>{_text(title)}</strong><table>{rows}</table>"
    return folium.Popup(folium.Html(content, script=True), max_width=WIDTH)


def _text(value: str) -> str:
    # Besides HTML, what could act where Folium puts it: a Jinja template, a JavaScript one.
    said = html.escape(inert.clean(value), quote=True)
    return said.translate({ord(sign): f"&#{ord(sign)};" for sign in "`$\\{}%"})


def _fit(made: folium.Map, shapes: gpd.GeoSeries) -> None:
    if len(shapes):
        west, south, east, north = shapes.total_bounds
        made.fit_bounds([[south, west], [north, east]])

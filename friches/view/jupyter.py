"""A result in a notebook: its summary in French, and a `folium.Map` of blocks, farms and canteens.

Folium writes popups with `innerHTML`: whatever comes from data is cleaned and escaped here, and
tooltips, icons and layer names hold words of ours only.
"""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

import folium
import shapely
from branca.element import MacroElement
from jinja2 import Template

from friches.view import inert, look, popups, words
from friches.view.audience import visible
from friches.view.lexicon import w
from friches.view.rows import first_blocks

if TYPE_CHECKING:
    import geopandas as gpd

    from friches.result import Result

WIDTH, HEIGHT, ZOOM_WIDTH, KEY_WIDTH = 320, 260, 55, 280
"""Width and height of a popup, and room kept for the buttons and the map's key, in pixels."""


class _French(MacroElement):
    """What Leaflet says in English (zoom, closing a popup) and the page's language, in French."""

    words = w.notebook

    _template = Template(
        """{% macro script(this, kwargs) %}
        document.documentElement.lang = "fr";
        {{ this._parent.get_name() }}.attributionControl.setPrefix(false);
        L.control.zoom({zoomInTitle: {{ this.words.zoom_in | tojson }},
            zoomOutTitle: {{ this.words.zoom_out | tojson }}})
            .addTo({{ this._parent.get_name() }});
        L.control.scale({imperial: false}).addTo({{ this._parent.get_name() }});
        {{ this._parent.get_name() }}.on("popupopen", function (opened) {
            var button = opened.popup.getElement().querySelector(".leaflet-popup-close-button");
            if (button) {
                button.title = {{ this.words.close | tojson }};
                button.setAttribute("aria-label", button.title);
            }
        });
        {% endmacro %}"""
    )


def summary_html(result: Result) -> str:
    """Return what a run found in a few lines of French HTML, every text escaped.

    Parameters
    ----------
    result : Result
        Cut down here to what the study's audience may see.

    Returns
    -------
    str
        A table; it stands at the end of a notebook cell that ends with the result.
    """
    shown = visible(result)
    about, said = shown.study.study, shown.summary
    tags = [words.AUDIENCES[about.audience], words.TO_CONFIRM, words.NOT_REVIEWED]
    if about.fictitious:
        tags.insert(0, words.FICTITIOUS)
    rows = "".join(
        f'<tr><th scope="row" style="text-align:left">{_text(label)}</th>'
        f'<td style="text-align:left">{_text(value)}</td></tr>'
        for label, value in _figures(shown, said)
    )
    return (
        f'<div lang="fr"><p><strong>{_text(about.name)}</strong>, {_text(words.day(about.day))}'
        f"<br>{_text(' ; '.join(tags))}</p><table>{rows}</table></div>"
    )


def _figures(result: Result, said: dict[str, Any]) -> popups.Pairs:
    meals, first = (said.get(name) or {} for name in ("meals_per_year", "first_meal_on"))
    ends = ("low", "central", "high")
    yes, unknown = (
        words.number(said.get(f"parcels_fallow_{answer}")) for answer in ("yes", "unknown")
    )
    n = w.notebook
    lacking = [
        n.missing_row.format(label=label, settles=settles)
        for label, settles in zip(result.missing["label"], result.missing["settles"], strict=True)
    ]
    area, fallow = (words.hectares(said.get(name)) for name in ("area_ha", "area_fallow_ha"))
    found = n.fallow_said.format(
        yes_word=words.ANSWERS["yes"].word,
        unknown_word=words.ANSWERS["unknown"].word,
        yes=yes,
        unknown=unknown,
        area=fallow,
    )
    return [
        (n.parcels, n.parcels_said.format(n=words.number(len(result.parcels)), area=area)),
        (n.fallow, found),
        (n.blocks, words.number(len(result.blocks))),
        (n.meals, words.meals(*(meals.get(end) for end in ends))),
        (n.organic, words.percent(said.get("organic_share_now"))),
        (n.first, words.months(*(first.get(end) for end in ends))),
        (n.missing, " ; ".join(lacking) or n.none_missing),
    ]


def folium_map(result: Result) -> folium.Map:
    """Return an interactive map of blocks, farms and canteens, for Jupyter.

    Parameters
    ----------
    result : Result
        Cut down here to what the study's audience may see; its first blocks by rank are drawn, as
        many as the study tells in full.

    Returns
    -------
    folium.Map
        Layers « probable », « à confirmer », « fermes », « cantines »; no background map is
        asked for (add one with `folium.TileLayer`). The notebook needs the network for Leaflet:
        `friches.view.map.write_map` writes the map that does not.
    """
    whole = visible(result)
    shown = first_blocks(whole, result.study.study.told_in_full)
    made = folium.Map(tiles=None, control_scale=False, zoom_control=False)
    said = popups.blocks(shown)
    outlines = shown.blocks.set_index("block_id").geometry.to_crs("EPSG:4326")
    for key, answer in words.ANSWERS.items():
        group = folium.FeatureGroup(name=w.notebook.layer_blocks.format(word=answer.word))
        for block in said:
            if block["answer"] == key:
                _outline(block, outlines[block["id"]], answer).add_to(group)
        if group._children:  # noqa: SLF001
            group.add_to(made)
    _places(popups.places(shown), shown, made)
    folium.LayerControl(collapsed=False).add_to(made)
    french: Any = _French  # branca has no types for these
    french().add_to(made)
    root: Any = made.get_root()
    root.title = _text(w.notebook.title.format(name=shown.study.name))
    root.html.add_child(folium.Element(_legend(shown, len(whole.blocks))))
    _fit(made, outlines if len(outlines) else shown.parcels.geometry.to_crs("EPSG:4326"))
    return made


def _legend(result: Result, blocks: int) -> str:
    """Return the map's key: what it is, what each outline and sign means; never colour alone."""
    about = result.study.study
    here = {words.answer_key(value) for value in result.blocks["answer"]}
    lines = [
        (_swatch(answer), w.notebook.legend_block.format(word=answer.word))
        for key, answer in words.ANSWERS.items()
        if key in here
    ]
    lines += [
        (_sign(kind, colour), words.PLACES[kind]) for kind, colour in look.PLACE_COLOURS.items()
    ]
    keys = "".join(f'<li style="margin:2px 0">{sign} {_text(word)}</li>' for sign, word in lines)
    tags = [words.day(about.day), words.AUDIENCES[about.audience], words.TO_CONFIRM]
    if about.fictitious:
        tags.insert(0, words.FICTITIOUS)
    if len(result.blocks) < blocks:
        told, every = words.number(len(result.blocks)), words.number(blocks)
        tags.append(str(w.notebook.first_blocks.format(told=told, all=every)))
    sources = " ; ".join(
        dict.fromkeys(str(said) for said in result.provenance["attribution"].dropna())
    )
    legend = _text(w.notebook.legend)
    told = inert.clean(sources, 300) or w.notebook.no_sources
    return (
        f'<div lang="fr" role="note" aria-label="{legend}" style="{LEGEND}">'
        f"<details open><summary>{legend}</summary><strong>{_text(about.name)}</strong><br>"
        f"{_text(' ; '.join(tags))}"
        f'<ul style="list-style:none;margin:4px 0;padding:0">{keys}</ul>'
        f"<small>{_text(w.notebook.sources.format(said=told))}</small>"
        "</details></div>"
    )


LEGEND = (
    "position:fixed;bottom:10px;right:10px;z-index:1000;max-width:240px;padding:6px 10px;"
    "background:#fff;color:#1a1a1a;border:1px solid #6b6b6b;font:13px/1.35 sans-serif"
)


def _swatch(answer: words.Answer) -> str:
    # a box drawn by its border: « hatch » and dash are told by the line, not by the colour alone
    line = {"solid": "solid", "lines": "dashed", "none": "dotted"}[answer.hatch]
    wash = f"{answer.colour}80" if answer.hatch == "solid" else f"{answer.colour}26"
    return _shape(f"width:20px;height:10px;border:2.5px {line} {answer.colour};background:{wash}")


def _sign(kind: str, colour: str) -> str:
    turned = "transform:rotate(45deg)" if kind == "farm" else "border-radius:50%"
    return _shape(f"width:12px;height:12px;margin:0 6px;background:{colour};{turned}")


def _shape(style: str) -> str:
    return f'<span style="display:inline-block;vertical-align:middle;{style}"></span>'


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
    title = w.notebook.block.format(id=block["id"])
    _popup(title, [(w.notebook.answer, answer.word), *_lines(block)]).add_to(made)
    return made


def _lines(block: dict[str, Any]) -> popups.Pairs:
    n = w.notebook
    routes = " ; ".join(
        n.route.format(title=route["title"], state=route["word"]) for route in block["routes"]
    )
    return [
        *block["facts"],
        (n.meals, block["eaten_said"]),
        (n.first, block["first_said"]),
        (n.routes, routes or n.no_routes),
        (n.ask, " ; ".join(block["ask"])),
    ]


def _places(places: list[dict[str, Any]], result: Result, made: folium.Map) -> None:
    points: dict[str, gpd.GeoSeries] = {
        "farm": result.farmers.set_index("farmer_id").geometry.to_crs("EPSG:4326"),
        "canteen": result.canteens.set_index("canteen_id").geometry.to_crs("EPSG:4326"),
    }
    for kind in words.PLACES:
        group = folium.FeatureGroup(name=w.notebook[f"layer_{kind}"])
        for place in places:
            if place["kind"] != kind:
                continue
            at = points[kind][place["id"]]
            folium.Marker(
                [round(at.y, 6), round(at.x, 6)],
                icon=folium.DivIcon(
                    html=_sign(kind, look.PLACE_COLOURS[kind]),
                    icon_size=(24, 24),
                    icon_anchor=(12, 12),
                    class_name="",
                ),
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
    return folium.Popup(
        folium.Html(f'<div style="font:13px/1.35 sans-serif">{content}</div>', script=True),
        max_width=WIDTH,
        max_height=HEIGHT,
        auto_pan_padding_top_left=(ZOOM_WIDTH, 10),
        auto_pan_padding_bottom_right=(KEY_WIDTH, 10),
    )


def _text(value: str) -> str:
    # Besides HTML, what could act where Folium puts it: a Jinja template, a JavaScript one.
    said = html.escape(inert.clean(value), quote=True)
    return said.translate({ord(sign): f"&#{ord(sign)};" for sign in "`$\\{}%"})


def _fit(made: folium.Map, shapes: gpd.GeoSeries) -> None:
    if len(shapes):
        west, south, east, north = shapes.total_bounds
        made.fit_bounds([[south, west], [north, east]])

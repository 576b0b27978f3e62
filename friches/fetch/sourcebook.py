"""docs/sources.md from the catalogue: `python -m friches.fetch.sourcebook > docs/sources.md`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from friches.fetch.services import Layer, Service, communes_service, layers
from friches.sources.catalogue import whole_catalogue

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEAD = """# Where the layers come from

Made from [data/sources.toml](../data/sources.toml): `python -m friches.fetch.sourcebook`.

**The live services were not reachable when `friches fetch` was built and tested.** Everything here
was written from what the publishers' code and pages, or their users' code, say of the services
(the mark of each way tells which), and was proved against a local server that behaves as they are
described, faults included. The first fetch from the real services may find an address that moved:
it is then told in one line, the next way is tried, and the address is corrected in one place,
`data/sources.toml`.

| mark | meaning |
|---|---|
| VERIFIED | read in the publisher's own code, page or answer |
| VERIFIED-3P | read in a third party's code or document that uses the service |
| RECALLED | from memory: check before relying on it |
| ASSUMPTION | a choice of this project |

## How to use it

    friches fetch 12145 --out millau            # INSEE codes, or a name, --epci, --department
    friches run millau/study.toml
    friches sources millau/study.toml           # vintage, age, what is missing

- `--only LAYER`, `--also LAYER`: nothing else than, or beside, what is fetched by default.
- `--add LAYER=FILE[:LEGEND]`: a file given by hand takes the place of a download, for instance
  `--add land_cover=oso_2023.tif:oso23` or `--add declared_fields.2023=RPG.7z`.
- `--offline` uses the cache alone, `--refresh` asks again, `--cache DIR` says where it is.
- `--hosts FILE.toml` names mirrors, and their own rates:

      [hosts]
      "https://data.geopf.fr" = "https://mirror.example.org/geopf"
      [pace.geopf_wfs]
      per_second = 10

A layer that no service gives whole is left out and its cost is told; without a cadastre nothing is
written (exit code 2). A layer of which a service has nothing on the territory is kept as an empty
file: « none here » is an answer, « missing » is not. `fetched.json` says of each file who published
it, under which licence, when it was retrieved, its sha256, and how many features were announced
and came.

## What is checked of every answer

- Pages are asked to the end, and one page beyond it; what came is counted against the total that
  each page and a separate count announce. A total that is too low, too high or changing is a
  failure, never a shorter layer.
- A service that stops at its cap is asked again by quarters of the box, until each quarter is
  whole; a feature met twice is kept once.
- Boxes and answers are both in the study's projection, where the axes are east then north whatever
  the layer's own order. Features must lie near the box that was asked: swapped axes are put right
  and told. A layer found empty is asked again by CQL in its own projection and order of axes, or
  from a second service.
- Columns are read whatever their case. Each layer is opened at arrival by the reader that a run
  uses; one that it refuses counts as not served.

## Layers
"""


def page() -> str:
    """Return the page."""
    lines = [_HEAD, *_overview(), ""]
    for name, layer in layers().items():
        lines += [*_layer(name, layer), ""]
    return "\n".join([*lines, *_communes(), "", *_paces()]) + "\n"


def _overview() -> Iterator[str]:
    yield "| layer | what | fetched | ends in |"
    yield "|---|---|---|---|"
    for name, layer in layers().items():
        ends = f"`{name}`" if layer.feeds is None else f"`{layer.feeds}`"
        ends = "kept beside the study" if layer.feeds == "" else ends
        yield f"| [`{name}`](#{name}) | {layer.label} | {_when(layer)} | {ends} |"


def _when(layer: Layer) -> str:
    if not layer.machine:
        return "by hand"
    return {"always": "yes", "also": "with `--also`", "inside": "while placing another"}[
        layer.asked
    ]


def _layer(name: str, layer: Layer) -> Iterator[str]:
    yield f'<a id="{name}"></a>'
    yield f"### {name}: {layer.label}"
    yield ""
    yield f"{layer.publisher}. Licence: {layer.licence}. Credit: « {layer.attribution} »."
    yield f"Publisher's page: <{layer.url}> ({layer.mark}). It tells {layer.settles}."
    if layer.margin_m:
        yield (
            f"Asked {layer.margin_m:g} m around the parcels "
            f"({layer.margin_source}; {layer.margin_mark})."
        )
    yield ""
    for rank, service in enumerate(layer.service, 1):
        yield f"{rank}. {_service(service)}"


def _service(service: Service) -> str:
    if service.kind == "by_hand":
        page = f"; <{service.page_url}>" if service.page_url else ""
        return f"by hand: {service.how}{page} ({service.mark})"
    parts = ", ".join(f"`{part}`" for part in service.parts.values() if "{" not in part)
    if service.by_year:
        years = sorted(service.by_year)
        parts = f"{years[0]} to {years[-1]}, such as `{service.by_year[years[-1]]}`"
    text = f"{service.kind}: `{service.url}`" + (f", {parts}" if parts else "")
    if service.page:
        cap = f", capped at {service.page.cap}" if service.page.cap else ""
        text += f"; pages of {service.page.size}{cap}" if service.page.start else f"; no pages{cap}"
    cost = f"; {service.cost}" if service.cost else ""
    return f"{text} ({service.mark}){cost}"


def _communes() -> Iterator[str]:
    said = communes_service()
    yield "## Communes"
    yield ""
    yield f"{said.publisher}: <{said.url}> ({said.mark}). Licence: {said.licence}."
    yield f"By code `{said.by_code}`."


def _paces() -> Iterator[str]:
    yield "## How often each service is asked"
    yield ""
    yield "| service | a second | burst | at once | source | mark |"
    yield "|---|---|---|---|---|---|"
    for name, said in whole_catalogue()["service_pace"].items():
        yield (
            f"| {name} | {said['per_second']:g} | {said['burst']} | {said['at_once']} | "
            f"{said['source']} | {said['mark']} |"
        )


if __name__ == "__main__":
    sys.stdout.write(page())

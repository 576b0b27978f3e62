"""The services of data/sources.toml, checked: addresses, pages, rates, in order of preference."""

from __future__ import annotations

import re
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from friches.errors import Breach, InputError
from friches.fetch.pace import Pace
from friches.sources.catalogue import data_folder, whole_catalogue

Kind = Literal["file", "wfs", "apicarto", "archive", "datagouv", "pages", "wms", "stac", "by_hand"]
Mark = Literal["VERIFIED", "VERIFIED-3P", "RECALLED", "ASSUMPTION", "INFERENCE"]
_HOLE = re.compile(r"\{([a-z_0-9]+)\}")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Page(_Strict):
    """How an answer is asked page by page; without `start`, the service has no pages."""

    size: int = Field(gt=0)
    cap: int = 0
    start: str = ""
    count: str = ""
    first: int = 0
    by: Literal["row", "page"] = "row"


class Shape(_Strict):
    """Where the rows, their total and the next address stand in a page of JSON."""

    items: str
    total: str = ""
    next: str = ""


class Resource(_Strict):
    """Which resource of a data set: its format, and a word of its title."""

    format: str
    title: str = ""


class Service(_Strict):
    """One way to get a layer."""

    kind: Kind
    mark: Mark
    pace: str = ""
    url: str = ""
    parts: dict[str, str] = {}
    by_year: Annotated[
        dict[int, str], BeforeValidator(lambda said: {int(k): v for k, v in said.items()})
    ] = {}
    ask: dict[str, str] = {}
    page: Page | None = None
    answer: Shape | None = None
    resource: Resource | None = None
    columns: dict[str, str] = {}
    as_: str = Field("", alias="as")
    file: str = ""
    accepts: Literal["any", "json", "gzip", "zip", "7z", "tiff", "csv", "xml"] = "any"
    table: str = ""
    members: list[str] = []
    geometry: str = ""
    sort_by: str = ""
    id: str = ""
    layer_crs: str = ""
    legend: str = ""
    last_years: int = 0
    may_lack: bool = False
    nowhere: list[str] = []
    fresh_days: float = 30
    format: str = ""
    step_m: float = 0
    tile: int = 0
    nodata_below: float | None = None
    collection: str = ""
    assets: dict[str, str] = {}
    most_cloud_percent: float = 100
    most_images: int = 0
    days: int = 0
    most_radius_km: float = 0
    publisher: str = ""
    licence: str = ""
    attribution: str = ""
    cost: str = ""
    page_url: str = ""
    how: str = ""


class Layer(_Strict):
    """One entry of the catalogue: who publishes it, what it settles, how it is got."""

    label: str
    publisher: str
    licence: str
    attribution: str
    url: str
    settles: str
    mark: Mark
    feeds: str | None = None
    asked: Literal["always", "also", "inside"] = "always"
    stale_after_days: int = 365
    campaigns: int = 0
    campaigns_source: str = ""
    everywhere: bool = False
    margin_m: float = 0
    margin_source: str = ""
    margin_mark: Mark = "ASSUMPTION"
    service: list[Service] = []

    @property
    def machine(self) -> list[Service]:
        """Services that a machine can ask, best first."""
        return [service for service in self.service if service.kind != "by_hand"]

    @property
    def by_hand(self) -> str:
        """How to get the layer by hand, in French, or ""."""
        ways = [
            f"{s.how} ({s.page_url})" if s.page_url else s.how
            for s in self.service
            if s.kind == "by_hand"
        ]
        return " ; ".join(ways)


class Communes(_Strict):
    """The service that tells communes, EPCI and départements."""

    label: str
    publisher: str
    licence: str
    attribution: str
    url: str
    mark: Mark
    pace: str
    fresh_days: float
    fields: str
    by_code: str
    by_name: str
    by_epci: str
    epci: str
    epci_by_name: str
    by_department: str
    merged: str


@cache
def layers() -> dict[str, Layer]:
    """Return every layer of the catalogue by name, in its order.

    Raises
    ------
    InputError
        The catalogue has a wrong or unknown key: all of them in one message.
    """
    found, breaches = {}, []
    for name, said in whole_catalogue().items():
        if "settles" not in said:
            continue
        try:
            found[name] = Layer.model_validate(said)
        except ValidationError as error:
            breaches += [_told(name, fault) for fault in error.errors()]
    if breaches:
        raise InputError(breaches)
    return found


def communes_service() -> Communes:
    """Return the service of communes."""
    return Communes.model_validate(whole_catalogue()["territory"])


def paces() -> dict[str, Pace]:
    """Return the rate of each service."""
    told = whole_catalogue()["service_pace"]
    return {
        name: Pace(**{key: value for key, value in said.items() if key in Pace._fields})
        for name, said in told.items()
    }


def filled(text: str, **said: object) -> str:
    """Return a pattern with its `{holes}` filled; a hole that nothing fills is left as it is.

    >>> filled("{dep}/{insee}.csv", dep="12", insee="12999")
    '12/12999.csv'
    """
    return _HOLE.sub(lambda hole: str(said.get(hole[1], hole[0])), text)


def holes(*texts: str) -> set[str]:
    """Return the names of the holes in some patterns."""
    return {name for text in texts for name in _HOLE.findall(text)}


def departments_of(service: Service) -> list[dict[str, str]]:
    """Return the rows of the table beside the catalogue that a service's address is made from."""
    import pandas as pd

    table = pd.read_csv(data_folder() / service.table, dtype=str)
    return [{str(k): str(v) for k, v in row.items()} for row in table.to_dict("records")]


def _told(name: str, fault: Any) -> Breach:
    key = ".".join(str(part) for part in (name, *fault["loc"]))
    return Breach(f"« {key} » : {fault['msg']}", "data/sources.toml", "corriger le catalogue")

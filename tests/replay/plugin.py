"""The fixture: one server a session, its faults and its log emptied for each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from replay import images, registers, wfs
from replay.reply import Asked, Reply, refusal
from replay.server import Replay

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SERVICES: dict[str, Callable[[Asked], Reply]] = {
    "geo.api.gouv.fr": registers.communes,
    "apicarto.ign.fr": registers.carto,
    "cadastre.data.gouv.fr": registers.files,
    "files.data.gouv.fr": registers.files,
    "www.data.gouv.fr": registers.datasets,
    "static.data.gouv.fr": registers.resources,
    "data.education.gouv.fr": registers.education,
    "opendata.agencebio.org": registers.organic,
    "recherche-entreprises.api.gouv.fr": registers.firms,
    "koumoul.com": registers.lines,
    "earth-search.aws.element84.com": images.catalogue,
    images.HOST: images.cogs,
}


def answer(asked: Asked) -> Reply:
    """Answer for the service of a host."""
    if asked.host == "data.geopf.fr":
        if asked.path.startswith("/wfs"):
            return wfs.answer(asked)
        if asked.path.startswith("/wms-r"):
            return images.relief(asked)
        return refusal(404, "Not found")
    service = SERVICES.get(asked.host)
    return service(asked) if service else refusal(404, "Not found")


@pytest.fixture(scope="session")
def replay_server() -> Iterator[Replay]:
    """Give the server of the whole session."""
    server = Replay(answer)
    yield server
    server.close()


@pytest.fixture
def replay(replay_server: Replay) -> Iterator[Replay]:
    """Give the server with no fault to come and an empty log."""
    replay_server.reset()
    yield replay_server
    replay_server.faults.clear()

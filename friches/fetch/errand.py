"""What a layer is fetched with, and what is brought back."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping
    from pathlib import Path

    from friches.fetch.failure import Failure
    from friches.fetch.request import Answer
    from friches.fetch.services import Layer, Service
    from friches.fetch.session import Session
    from friches.fetch.territory import Territory

    Box = tuple[float, float, float, float]


class Errand(NamedTuple):
    """One fetch under way.

    Parameters
    ----------
    session : Session
        Where to ask.
    territory : Territory
        Communes asked for.
    bounds : tuple of float
        Extent of their parcels in the study's CRS (m).
    day : date
        Day of the study.
    folder : Path
        Where files are written, beside their final place.
    cache : Path
        Folder of what is kept between studies.
    hosts : mapping of str to str
        Mirrors, for what is not asked through the session (images).
    """

    session: Session
    territory: Territory
    bounds: Box
    day: dt.date
    folder: Path
    cache: Path
    hosts: Mapping[str, str]

    @property
    def crs(self) -> str:
        """The study's CRS."""
        return self.territory.crs

    def box(self, margin_m: float) -> Box:
        """Return the extent widened by a margin (m)."""
        west, south, east, north = self.bounds
        return (west - margin_m, south - margin_m, east + margin_m, north + margin_m)


class Job(NamedTuple):
    """One layer, or one campaign of the declared fields."""

    name: str
    layer: Layer
    campaign: int | None = None

    @property
    def label(self) -> str:
        """What the job brings, in French."""
        return self.layer.label if self.campaign is None else f"{self.layer.label} {self.campaign}"

    @property
    def target(self) -> str:
        """The layer of the study that the files go to, or "" when none reads them."""
        return self.name if self.layer.feeds is None else self.layer.feeds


class Piece(NamedTuple):
    """One file brought back.

    `announced`: the total that the service told; `empty`: it has nothing on the territory;
    `read`: the file is for the study (else kept beside it).
    """

    path: Path
    features: int | None = None
    announced: int | None = None
    vintage: str = ""
    answers: tuple[Answer, ...] = ()
    notes: tuple[str, ...] = ()
    empty: bool = False
    read: bool = True


class Outcome(NamedTuple):
    """How a job ended: its files and the service that gave them, or why there is none."""

    job: Job
    pieces: tuple[Piece, ...] = ()
    service: Service | None = None
    tried: tuple[Failure, ...] = ()
    notes: tuple[str, ...] = ()
    added: bool = False

    @property
    def state(self) -> str:
        """`added` by hand, `fetched`, known `empty`, or `missing`."""
        if self.added:
            return "added"
        if not self.pieces:
            return "missing"
        return "empty" if all(piece.empty for piece in self.pieces) else "fetched"

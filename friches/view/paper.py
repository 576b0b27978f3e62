"""What a plan is made of: places and lengths in millimetres on paper, outlines as SVG paths."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import shapely

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Label(NamedTuple):
    """A parcel number and where it stands (mm); `own` when the parcel is one of the block's."""

    x: float
    y: float
    text: str
    own: bool


class Tick(NamedTuple):
    """A line of the grid: its place along the frame (mm) and its coordinate, in words."""

    at: float
    text: str


class Key(NamedTuple):
    """A sign of the legend, and where it stands under the frame (mm)."""

    kind: str
    x: float
    y: float


class Locator(NamedTuple):
    """Where the block lies in the study's territory (mm in a square of `size`)."""

    size: float
    area: str
    blocks: str
    x: float
    y: float


class Plan(NamedTuple):
    """What the SVG template draws; lengths in mm on paper, paths as SVG path data.

    Attributes
    ----------
    block_id : str
    scale : int
        Denominator: one metre on the ground is 1000 / scale mm here.
    width, height : float
        Size of the drawing.
    left, top, right, bottom : float
        Frame of the map.
    ground : (float, float, float, float)
        The frame on the ground: xmin, ymin, xmax, ymax (m, the study's CRS).
    neighbours, roads, tracks, outline : str
    members : list of (str, str)
        Outline and answer key of each parcel of the block (the block itself for the public).
    labels : list of Label
    columns, rows : list of Tick
        Grid lines of constant easting (left to right) and northing.
    north : float
        Degrees clockwise from the top of the sheet to true north.
    bar_mm, bar_m : float
        Length of the scale bar on paper, and the metres it stands for.
    grid : str
        Name of the projection the grid is in.
    keys : list of Key
        The legend.
    locator : Locator
    """

    block_id: str
    scale: int
    width: float
    height: float
    left: float
    top: float
    right: float
    bottom: float
    ground: tuple[float, float, float, float]
    neighbours: str
    roads: str
    tracks: str
    outline: str
    members: list[tuple[str, str]]
    labels: list[Label]
    columns: list[Tick]
    rows: list[Tick]
    north: float
    bar_mm: float
    bar_m: float
    grid: str
    keys: list[Key]
    locator: Locator


class Paper(NamedTuple):
    """How metres become millimetres: origin on the ground, mm a metre, origin on paper."""

    west: float
    south: float
    metre: float
    left: float
    bottom: float

    def at(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return points (rows of x, y in metres) as mm on paper, y downwards."""
        across = self.left + (points[:, 0] - self.west) * self.metre
        down = self.bottom - (points[:, 1] - self.south) * self.metre
        return np.asarray(np.round(np.column_stack([across, down]), 2), dtype=np.float64)


def path(shapes: Any, paper: Paper) -> str:
    """Return polygons or lines as one SVG path; polygons' rings are closed."""
    parts = shapely.get_parts(np.asarray(shapes, dtype=object))
    closed = shapely.get_type_id(parts) == shapely.GeometryType.POLYGON
    drawn = np.concatenate(
        [shapely.get_rings(parts[closed]), parts[shapely.get_dimensions(parts) == 1]]
    )
    points, owner = shapely.get_coordinates(drawn, return_index=True)
    if not len(points):
        return ""
    first = np.flatnonzero(np.diff(owner, prepend=-1))
    ends = [*first[1:].tolist(), len(owner)]
    said = [f"{x:g},{y:g}" for x, y in paper.at(points).tolist()]
    return "".join(
        f"M{' '.join(said[start:end])}" for start, end in zip(first.tolist(), ends, strict=True)
    )

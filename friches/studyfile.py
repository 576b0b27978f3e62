"""The study file: which territory, as of which day, from which files. Unknown keys are refused."""

from __future__ import annotations

import datetime as dt  # noqa: TC003 -- pydantic reads it at run time
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator

from friches.errors import Breach, InputError, refuse, wrong_value

OVERSEAS_CRS = {
    "971": "EPSG:5490",
    "972": "EPSG:5490",
    "973": "EPSG:2972",
    "974": "EPSG:2975",
    "976": "EPSG:4471",
}
"""Legal projections outside mainland France (décret 2006-272; RECALLED: check on use)."""


def _as_list(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LandCover(_Strict):
    """A land-cover file and the legend its codes are to be read with."""

    path: str
    legend: Literal["oso17", "oso23", "ocsge", "clc"]


Files = Annotated[list[str], BeforeValidator(_as_list)]


class Sources(_Strict):
    """Paths of the layers, relative to the study file; only the cadastre is required.

    `aerial` (GeoTIFF) and `photos` (folder) are shown on sheets and judge nothing;
    `aerial_licence` is the credit line printed under the aerial image.
    """

    cadastre: Files
    buildings: Files = []
    roads: Files = []
    forest: Files = []
    zoning: Files = []
    land_cover: LandCover | None = None
    elevation: Files = []
    ndvi: Files = []
    owners: Files = []
    sales: Files = []
    constraints: Files = []
    canteens: Files = []
    farmers: Files = []
    aerial: Files = []
    aerial_licence: str = ""
    photos: Files = []
    declared_fields: dict[int, Files] = {}
    farm_fields: dict[str, Files] = {}

    @field_validator("*")
    @classmethod
    def _local(cls, value: Any) -> Any:
        for path in _paths_in(value):
            if re.match(r"^(/vsi|[A-Za-z][A-Za-z0-9+.-]+:(?!\\))", path):
                raise ValueError(f"« {path} » n'est pas un fichier local")
        return value


class Reach(_Strict):
    """How far, in minutes by road, a farmer goes to a block and a harvest to a canteen."""

    minutes_to_farm: float = Field(20, gt=0)
    minutes_to_canteen: float = Field(45, gt=0)


class Goal(_Strict):
    """What the canteens aim at, and what the plan must keep."""

    organic_share: float = Field(1.0, ge=0, le=1)
    food_group: str = "tout"
    by: dt.date | None = None
    budget_eur: float | None = Field(None, ge=0)
    at_once: int | None = Field(None, ge=1)


TOLD_IN_FULL = 2_000
"""Blocks told in full where the study says nothing."""


class About(_Strict):
    """Name, communes, day at which the law is judged, projection, audience.

    `told_in_full` blocks, the first by rank, are told condition by condition and step by step, with
    a sheet each; the others keep their routes, dates and harvests.
    """

    name: str = Field(min_length=1)
    communes: list[str] = Field(min_length=1)
    day: dt.date
    crs: str = ""
    audience: Literal["public", "internal", "restricted"] = "internal"
    fictitious: bool = False
    contact: str = ""
    purpose: str = ""
    told_in_full: int = Field(TOLD_IN_FULL, ge=1)

    @field_validator("communes")
    @classmethod
    def _insee(cls, value: list[str]) -> list[str]:
        for code in value:
            if not re.fullmatch(r"\d[\dAB]\d{3}", code):
                raise ValueError(f"« {code} » n'est pas un code INSEE de cinq caractères")
        return value


class Study(_Strict):
    """A study file, read and checked.

    Attributes
    ----------
    study, sources, reach, goal
        The four sections of the file (design: "The study file").
    folder : Path
        Where the file lies; source paths are relative to it.
    """

    study: About
    sources: Sources
    reach: Reach = Reach()
    goal: Goal = Goal()
    folder: Path = Path()

    @property
    def name(self) -> str:
        """Name of the territory."""
        return self.study.name

    @property
    def crs(self) -> str:
        """The study's CRS: stated, or the legal one of its département."""
        if self.study.crs:
            return self.study.crs
        return OVERSEAS_CRS.get(self.study.communes[0][:3], "EPSG:2154")

    def files(self, layer: str, campaign: int | str | None = None) -> list[Path]:
        """Return the files of one layer (of one campaign, of one farm), as absolute paths."""
        value = getattr(self.sources, layer)
        if campaign is not None:
            value = value[campaign]
        return [self.folder / path for path in _paths_in(value)]


def _paths_in(value: Any) -> list[str]:
    if value is None or isinstance(value, str):  # a text of the section, such as a licence
        return []
    if isinstance(value, LandCover):
        return [value.path]
    if isinstance(value, dict):
        return [path for files in value.values() for path in files]
    return list(value)


def read_study(path: str | Path) -> Study:
    """Read and check a study file.

    Parameters
    ----------
    path : str or Path
        A TOML file as described in the README.

    Raises
    ------
    InputError
        File missing or not TOML; unknown or missing keys, wrong values (all at once).
    """
    path = Path(path)
    if not path.is_file():
        raise refuse("fichier d'étude introuvable", path, "vérifier le chemin")
    try:
        said = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise refuse(f"TOML illisible : {error}", path, "corriger le fichier") from error
    if "folder" in said:
        raise refuse("clé inconnue « folder »", path, "retirer cette clé")
    try:
        return Study.model_validate(said | {"folder": path.resolve().parent})
    except ValidationError as error:
        raise InputError(_told(fault, path) for fault in error.errors()) from error


def _told(fault: Any, path: Path) -> Breach:
    key = ".".join(str(part) for part in fault["loc"])
    return Breach(
        f"« {key} » : {wrong_value(fault)}", str(path), "voir « The study file » dans le README"
    )

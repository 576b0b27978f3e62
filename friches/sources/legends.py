"""Land-cover legends: product codes, their French labels and the common class of each."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from friches.errors import InputError, refuse

if TYPE_CHECKING:
    from collections.abc import Iterable

COMMON = (
    *("built", "road", "arable", "grass", "orchard", "vine", "wood"),
    *("lawn", "shrub", "bare", "water", "snow", "other"),
)
"""The classes that rules and facts read, whatever the product."""


@cache
def legends() -> dict[str, dict[str, Any]]:
    """Return every legend of legends.toml: title, source, marks, mixed classes and codes."""
    text = (resources.files("friches.sources") / "legends.toml").read_text("utf-8")
    return tomllib.loads(text)


def _said(name: str) -> dict[str, Any]:
    if name not in legends():
        raise refuse(
            f"légende d'occupation du sol inconnue « {name} »",
            "land_cover",
            f"choisir parmi {', '.join(legends())}",
        )
    return legends()[name]


def legend(name: str) -> dict[int | str, str]:
    """Return the common class of each code of one legend.

    Parameters
    ----------
    name : {"oso17", "oso23", "ocsge", "clc"}
        OSO codes are integers, OCS GE and CORINE codes are text.

    Returns
    -------
    dict
        Code to one of `COMMON`. The move to a common class is an INFERENCE of ours.

    Raises
    ------
    InputError
        For a name that legends.toml does not hold.
    """
    return {row["code"]: row["cover"] for row in _said(name)["classes"]}


def labels(name: str) -> dict[int | str, str]:
    """Return the French label of each code of one legend."""
    return {row["code"]: row["label"] for row in _said(name)["classes"]}


def mixed(name: str) -> frozenset[str]:
    """Return the common classes that a legend does not tell apart: shares unknown, not zero."""
    return frozenset(_said(name)["mixed"])


def background(name: str) -> int | None:
    """Return the code that stands for "no data" where a file declares none (RECALLED)."""
    code: int | None = _said(name).get("nodata")
    return code


def is_raster(name: str) -> bool:
    """Tell whether rasters in this legend are read."""
    return bool(_said(name)["raster"])


def unknown_codes(codes: Iterable[int | str], name: str, where: object) -> InputError | None:
    """Return the refusal of codes that a legend lacks, or None when it holds them all.

    The 17- and 23-class OSO legends use the same integers for different classes, so a file read
    with the wrong one is told by the codes that the declared legend cannot hold.
    """
    known = legend(name)
    found = sorted(set(codes), key=str)
    strange = [code for code in found if code not in known]
    if not strange:
        return None
    others = [n for n in legends() if n != name and all(code in legend(n) for code in found)]
    advice = (
        f"ces codes sont ceux de la légende {' ou '.join(others)} : "
        f'écrire legend = "{others[0]}" dans le fichier d\'étude'
        if others
        else "vérifier le produit et sa légende"
    )
    listed = ", ".join(map(str, strange[:10])) + (", …" if len(strange) > 10 else "")
    return refuse(
        f"{len(strange)} code(s) absent(s) de la légende {name} : {listed}", where, advice
    )

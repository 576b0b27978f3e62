"""Which communes are meant: INSEE codes, a name, an EPCI or a département."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

from friches.errors import Breach, InputError, refuse
from friches.fetch.asking import is_absent, question, said
from friches.fetch.failure import Failure
from friches.fetch.services import Communes, communes_service, filled
from friches.sources.words import fold
from friches.studyfile import OVERSEAS_CRS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from friches.fetch.session import Session

INSEE = re.compile(r"\d[\dAB]\d{3}")
SIREN = re.compile(r"\d{9}")
LISTED = 12
"""Communes named in a message, at most."""


class Commune(NamedTuple):
    """A commune: INSEE code, name, longitude and latitude of its centre (NaN if unknown)."""

    code: str
    name: str
    lon: float = float("nan")
    lat: float = float("nan")

    @property
    def department(self) -> str:
        """Département: two characters, three overseas."""
        return department_of(self.code)


class Territory(NamedTuple):
    """Communes of a study, sorted by code; what could not be checked about them."""

    name: str
    communes: tuple[Commune, ...]
    notes: tuple[str, ...] = ()

    @property
    def codes(self) -> list[str]:
        """INSEE codes."""
        return [commune.code for commune in self.communes]

    @property
    def departments(self) -> list[str]:
        """Départements, sorted."""
        return sorted({commune.department for commune in self.communes})

    @property
    def crs(self) -> str:
        """Legal projection of the territory."""
        return OVERSEAS_CRS.get(self.codes[0][:3], "EPSG:2154")


def department_of(code: str) -> str:
    """Return the département of an INSEE code.

    >>> department_of("12145"), department_of("2A004"), department_of("97411")
    ('12', '2A', '974')
    """
    return code[:3] if code.startswith("97") else code[:2]


def resolve(
    session: Session, asked: Sequence[str], epci: str | None = None, department: str | None = None
) -> Territory:
    """Return the communes that are meant.

    Parameters
    ----------
    session : Session
        Asks the service of communes.
    asked : sequence of str
        INSEE codes and names of communes.
    epci : str, optional
        SIREN or name of a group of communes.
    department : str, optional
        Code of a département.

    Raises
    ------
    InputError
        Nothing asked; unknown code or name, merged commune, several communes of that name, two
        projections: all of them in one message.
    """
    service = communes_service()
    if not (asked or epci or department):
        raise refuse(
            "aucun territoire demandé", "friches fetch", "donner un code INSEE ou un nom de commune"
        )
    breaches: list[Breach] = []
    found: list[Commune] = []
    names: list[str] = []
    notes: list[str] = []
    for one in dict.fromkeys(asked):
        try:
            communes, note = _one(session, service, one.strip())
        except InputError as error:
            breaches += error.breaches
            continue
        found += communes
        notes += [note] if note else []
        names += [commune.name for commune in communes]
    for how, code in ((_epci, epci), (_department, department)):
        if code:
            try:
                name, communes = how(session, service, code.strip())
            except InputError as error:
                breaches += error.breaches
                continue
            found += communes
            names.append(name)
    if breaches:
        raise InputError(breaches)
    unique = tuple(sorted({commune.code: commune for commune in found}.values()))
    _check_one_projection(unique)
    return Territory(_named(list(dict.fromkeys(names))), unique, tuple(notes))


def _named(names: list[str]) -> str:
    return ", ".join(names) if len(names) <= 3 else f"{names[0]} et {len(names) - 1} autres"


def _check_one_projection(communes: Sequence[Commune]) -> None:
    by_crs = {OVERSEAS_CRS.get(c.code[:3], "EPSG:2154"): c.code for c in communes}
    if len(by_crs) > 1:
        told = ", ".join(f"{code} ({crs})" for crs, code in sorted(by_crs.items()))
        raise refuse(
            f"communes de plusieurs projections : {told}",
            "friches fetch",
            "faire une étude par territoire",
        )


def _one(session: Session, service: Communes, asked: str) -> tuple[list[Commune], str]:
    if SIREN.fullmatch(asked):
        return _epci(session, service, asked)[1], ""
    if INSEE.fullmatch(asked.upper()):
        return _by_code(session, service, asked.upper())
    if asked[:1].isdigit():
        raise refuse(
            f"« {asked} » n'est pas un code INSEE de cinq caractères (un code postal non plus)",
            "friches fetch",
            "donner le code INSEE ou le nom de la commune",
        )
    return [_by_name(session, service, asked)], ""


def _by_code(session: Session, service: Communes, code: str) -> tuple[list[Commune], str]:
    try:
        rows = _rows(session, service, service.by_code, code=code)
    except Failure as failure:
        # The cadastre alone will tell whether the commune exists.
        note = f"nom de la commune {code} non vérifié : {failure.why}"
        return [Commune(code, f"commune {code}")], note
    if rows:
        return [_commune(rows[0])], ""
    merged = _merged(session, service, code)
    if merged:
        raise refuse(
            f"{merged['nom']} ({code}) n'est plus une commune : elle a été réunie à "
            f"{merged['chefLieu']}",
            "friches fetch",
            f"demander {merged['chefLieu']}",
        )
    raise refuse(
        f"aucune commune n'a le code {code}",
        "friches fetch",
        "vérifier le code INSEE (ce n'est pas le code postal)",
    )


def _merged(session: Session, service: Communes, code: str) -> dict[str, Any] | None:
    try:
        rows = _rows(session, service, service.merged, code=code)
    except Failure:
        return None
    fitting = [row for row in rows if row.get("code") == code and row.get("chefLieu")]
    return fitting[0] if fitting else None


def _by_name(session: Session, service: Communes, name: str) -> Commune:
    rows = _asked(session, service, service.by_name, f"« {name} »", name=quote(name))
    exact = [row for row in rows if fold(str(row.get("nom", ""))) == fold(name)]
    if len(exact) == 1:
        return _commune(exact[0])
    if exact or rows:
        several = exact or rows
        listed = ", ".join(
            f"{row['nom']} ({row['code']})"
            for row in sorted(several, key=lambda r: str(r["code"]))[:LISTED]
        )
        more = " …" if len(several) > LISTED else ""
        told = f"{len(exact)} communes s'appellent" if exact else "aucune commune ne s'appelle"
        raise refuse(f"{told} « {name} » : {listed}{more}", "friches fetch", "donner le code INSEE")
    raise refuse(f"aucune commune « {name} »", "friches fetch", "vérifier le nom, ou son code")


def _epci(session: Session, service: Communes, asked: str) -> tuple[str, list[Commune]]:
    if not SIREN.fullmatch(asked):
        rows = _asked(session, service, service.epci_by_name, f"« {asked} »", name=quote(asked))
        exact = [row for row in rows if fold(str(row.get("nom", ""))) == fold(asked)]
        one = exact if len(exact) == 1 else rows
        if len(one) != 1:
            listed = ", ".join(f"{row['nom']} ({row['code']})" for row in one[:LISTED])
            what = f"plusieurs EPCI « {asked} » : {listed}" if one else f"aucun EPCI « {asked} »"
            raise refuse(what, "--epci", "donner son SIREN (neuf chiffres)")
        asked, name = str(one[0]["code"]), str(one[0]["nom"])
    else:
        told = _asked(session, service, service.epci, f"EPCI {asked}", code=asked)
        if not told:
            raise refuse(f"aucun EPCI {asked}", "--epci", "vérifier son SIREN (neuf chiffres)")
        name = str(told[0].get("nom", asked))
    rows = _asked(session, service, service.by_epci, f"EPCI {asked}", code=asked)
    return name, _some(rows, f"EPCI {asked}", "--epci")


def _department(session: Session, service: Communes, code: str) -> tuple[str, list[Commune]]:
    code = code.upper().zfill(2)
    if not re.fullmatch(r"\d[\dAB]|97\d", code):
        raise refuse(
            f"« {code} » n'est pas un département", "--department", "donner 01 à 95, 2A, 2B ou 97x"
        )
    rows = _asked(session, service, service.by_department, f"département {code}", code=code)
    return f"Département {code}", _some(rows, f"département {code}", "--department")


def _some(rows: list[dict[str, Any]], what: str, where: str) -> list[Commune]:
    if not rows:
        raise refuse(f"aucune commune dans ce territoire : {what}", where, "vérifier le code")
    return [_commune(row) for row in rows]


def _asked(
    session: Session, service: Communes, pattern: str, what: str, **holes: str
) -> list[dict[str, Any]]:
    try:
        return _rows(session, service, pattern, **holes)
    except Failure as failure:
        raise refuse(
            f"communes introuvables ({what}) : {failure.why}",
            "friches fetch",
            "donner les codes INSEE des communes, qui se passent de ce service",
        ) from failure


def _rows(session: Session, service: Communes, pattern: str, **holes: str) -> list[dict[str, Any]]:
    url = filled(pattern, fields=service.fields, **holes)
    request = question(service.pace, url, fresh_days=service.fresh_days)
    try:
        answer = said(session, request)
    except Failure as failure:
        if is_absent(failure):
            return []
        raise
    rows = answer if isinstance(answer, list) else [answer]
    return [row for row in rows if isinstance(row, dict) and "code" in row]


def _commune(row: dict[str, Any]) -> Commune:
    centre = row.get("centre") or {}
    pair = centre.get("coordinates") if isinstance(centre, dict) else None
    lon, lat = (float(pair[0]), float(pair[1])) if pair else (float("nan"), float("nan"))
    return Commune(str(row["code"]), str(row.get("nom", row["code"])), lon, lat)

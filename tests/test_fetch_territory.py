"""Which communes are meant: codes, names, groups, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from asked import ABSENT, NO_ROUTE, Told

from friches.errors import InputError
from friches.fetch.failure import Failure
from friches.fetch.territory import department_of, resolve

if TYPE_CHECKING:
    from pathlib import Path

MILLAU = {"nom": "Millau", "code": "12145", "centre": {"coordinates": [3.08, 44.1]}}
CREISSELS = {"nom": "Creissels", "code": "12084"}
SAINT_AUBIN = [{"nom": "Saint-Aubin", "code": code} for code in ("39476", "10325", "21541")]
GROUP = {"nom": "CC fictive", "code": "200000001"}


def communes(request: Any) -> Any:  # noqa: PLR0911 -- one answer an address
    """Answer as the service of communes does, for a few of them."""
    asked, path = dict(request.params), request.url.removeprefix("https://geo.api.gouv.fr")
    if path == "/communes_associees_deleguees":
        joined = {"nom": "Ancienne", "code": "12001", "chefLieu": "12145"}
        return [joined] if asked["code"] == "12001" else []
    if path == "/communes" and "code" in asked:
        return [row for row in (MILLAU, CREISSELS) if row["code"] == asked["code"]]
    if path == "/communes":
        known = [MILLAU, CREISSELS, *SAINT_AUBIN]
        return [row for row in known if asked["nom"].lower() in str(row["nom"]).lower()]
    if path == "/epcis":
        return [GROUP] if asked["nom"] == "CC fictive" else []
    if path == "/epcis/200000001":
        return GROUP
    if path in ("/epcis/200000001/communes", "/departements/12/communes"):
        return [MILLAU, CREISSELS]
    return ABSENT


@pytest.fixture
def session(tmp_path: Path) -> Any:
    return Told(tmp_path, communes)


def test_a_code_and_a_name(session: Any) -> None:
    found = resolve(session, ["12145", "creissels"])
    assert found.codes == ["12084", "12145"]
    assert found.name == "Millau, Creissels"
    assert found.departments == ["12"]
    assert found.crs == "EPSG:2154"
    assert found.communes[1].lon == 3.08


def test_a_group_and_a_department(session: Any) -> None:
    assert resolve(session, [], epci="200000001").name == "CC fictive"
    assert resolve(session, [], epci="CC fictive").codes == ["12084", "12145"]
    assert resolve(session, ["200000001"]).codes == ["12084", "12145"]
    assert resolve(session, [], department="12").codes == ["12084", "12145"]


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (["99999"], "aucune commune n'a le code 99999"),
        (["12001"], r"Ancienne \(12001\) n'est plus une commune : elle a été réunie à 12145"),
        (["1210"], "n'est pas un code INSEE de cinq caractères"),
        (["Nulle-Part"], "aucune commune « Nulle-Part »"),
        (
            ["Saint-Aubin"],
            r"3 communes s'appellent « Saint-Aubin » : Saint-Aubin \(10325\), Saint-Aubin \(21541\)",
        ),
        (["Saint"], r"aucune commune ne s'appelle « Saint » : Saint-Aubin \(10325\)"),
        ([], "aucun territoire demandé"),
    ],
)
def test_what_is_refused(session: Any, asked: list[str], told: str) -> None:
    with pytest.raises(InputError, match=told):
        resolve(session, asked)


@pytest.mark.parametrize("code", ["98", "xx"])
def test_a_wrong_department(session: Any, code: str) -> None:
    with pytest.raises(InputError, match=r"département|commune"):
        resolve(session, [], department=code)


def test_a_wrong_group(session: Any) -> None:
    with pytest.raises(InputError, match="aucun EPCI « Nulle-Part »"):
        resolve(session, [], epci="Nulle-Part")


def test_all_faults_in_one_message(session: Any) -> None:
    with pytest.raises(InputError) as refused:
        resolve(session, ["99999", "Nulle-Part"])
    assert len(refused.value.breaches) == 2


def test_a_code_does_without_the_service(tmp_path: Path) -> None:
    """The cadastre will tell whether it exists; a name cannot be looked up."""
    dead = Told(tmp_path, lambda _r: NO_ROUTE)
    found = resolve(dead, ["97411"])  # type: ignore[arg-type]
    assert (found.codes, found.crs) == (["97411"], "EPSG:2975")
    assert "non vérifié" in found.notes[0]
    with pytest.raises(InputError, match="communes introuvables"):
        resolve(dead, ["Millau"])  # type: ignore[arg-type]


def test_two_projections_make_two_studies(tmp_path: Path) -> None:
    ill = Told(tmp_path, lambda _r: Failure("geo_api", "réponse 500"))
    with pytest.raises(InputError, match=r"plusieurs projections : 12145 \(EPSG:2154\), 97411"):
        resolve(ill, ["97411", "12145"])  # type: ignore[arg-type]


def test_departments() -> None:
    assert [department_of(c) for c in ("01001", "2B033", "97411")] == ["01", "2B", "974"]

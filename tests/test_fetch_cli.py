"""The commands: what they say, what they leave, what they keep of what people wrote."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from replay.faults import Fault
from replay.territory import SAMPLE
from typer.testing import CliRunner

import friches
from friches.cli import app
from friches.fetch.services import paces
from friches.fetch.sourcebook import page
from friches.fetch.telling import number, size
from friches.sources.read import provenance, read_layers

if TYPE_CHECKING:
    from pathlib import Path

    from replay.server import Replay

DAY = "2026-09-01"


class Desk:
    """A folder, a cache, mirrors: what a person has when typing `friches fetch`."""

    def __init__(self, folder: Path, hosts: dict[str, str]) -> None:
        self.out, self.cache, self.hosts = folder / "out", folder / "cache", folder / "hosts.toml"
        rate = "per_second = 1000\nburst = 100\nretries = 1\nfirst_wait = 0.01\n"
        lines = ["[hosts]", *(f'"{public}" = "{mirror}"' for public, mirror in hosts.items())]
        lines += [f"[pace.{name}]\n{rate}" for name in paces()]
        self.hosts.write_text("\n".join(lines), "utf-8")

    def fetch(self, *more: str) -> Any:
        where = ["--out", str(self.out), "--cache", str(self.cache), "--hosts", str(self.hosts)]
        return CliRunner().invoke(app, ["fetch", *where, "--day", DAY, *more])


@pytest.fixture
def desk(tmp_path: Path, replay: Replay) -> Desk:
    return Desk(tmp_path, replay.hosts)


def report(desk: Desk) -> dict[str, Any]:
    said: dict[str, Any] = json.loads((desk.out / "fetched.json").read_text("utf-8"))
    return said


def test_a_few_layers_and_what_is_told_of_them(desk: Desk) -> None:
    done = desk.fetch("12999", "--only", "zoning", "--only", "natura2000", "--only", "aoc")
    assert done.exit_code == 0, done.output
    assert "À télécharger : environ" in done.output
    assert "document d'urbanisme : 45 objets" in done.output
    assert "aires viticoles d'appellation : rien sur ce territoire" in done.output
    assert "friches run" in done.output
    said = {entry["layer"]: entry for entry in report(desk)["layers"]}
    assert said["zoning"]["files"][0]["features"] == said["zoning"]["files"][0]["announced"] == 45
    assert said["zoning"]["files"][0]["retrieved_on"]
    assert said["natura2000"]["attribution"] == "Natura 2000 : INPN, MNHN"
    assert said["aoc"]["state"] == "empty"
    # What was fetched is what the outputs cite, and « none here » is read as an answer.
    study = friches.open(desk.out / "study.toml")
    layers = read_layers(study)
    assert "aoc" in layers["constraints"].attrs["kinds_read"]
    origin = provenance(study, {name: table.attrs for name, table in layers.items()}).set_index(
        "file"
    )
    assert origin.loc["natura2000_sic.gpkg", "publisher"] == "MNHN (INPN), diffusion IGN"
    assert origin.loc["natura2000_sic.gpkg", "label"] == "sites Natura 2000"
    assert "récupéré le" in origin.loc["zone_urba.gpkg", "notes"]
    assert "rien sur ce territoire" in origin.loc["aire_parcellaire_aoc.gpkg", "notes"]


def test_a_missing_layer_says_what_it_costs(desk: Desk, replay: Replay) -> None:
    replay.faults.add(Fault("503", "apicarto|wfs", times=10_000))
    done = desk.fetch("12999", "--only", "zoning")
    assert done.exit_code == 0, done.output
    assert "document d'urbanisme : manque. Ce que cela coûte : la zone (A, N, U, AU)" in done.output
    assert "geopf_wfs : réponse 503" in done.output
    assert "apicarto : réponse 503" in done.output
    assert "--add zoning=DOSSIER" in done.output
    assert "zoning" not in (desk.out / "study.toml").read_text("utf-8")
    told = CliRunner().invoke(app, ["sources", str(desk.out / "study.toml"), "--day", DAY])
    assert "zoning : manque. Dirait la zone" in told.output


def test_what_people_added_stays(desk: Desk) -> None:
    assert desk.fetch("12999", "--only", "zoning", "-q").exit_code == 0
    (desk.out / "answers.csv").write_text("subject,fact,value\n", "utf-8")
    study = desk.out / "study.toml"
    # The study file as it was written is replaced, changed it is kept beside.
    assert desk.fetch("12999", "--only", "zoning", "--only", "aoc", "-q").exit_code == 0
    assert not (desk.out / "study.precedent.toml").exists()
    study.write_text(study.read_text("utf-8") + "\n[goal]\norganic_share = 0.5\n", "utf-8")
    done = desk.fetch("12999", "--only", "zoning")
    assert done.exit_code == 0, done.output
    assert "l'ancien fichier d'étude est gardé" in done.output
    assert "organic_share" in (desk.out / "study.precedent.toml").read_text("utf-8")
    assert (desk.out / "answers.csv").is_file()
    assert not (desk.out / "aoc").exists()
    assert [p.name for p in desk.out.parent.iterdir() if p.name.startswith(".out")] == []


def test_a_changed_file_is_told(desk: Desk) -> None:
    assert desk.fetch("12999", "--only", "sales", "-q").exit_code == 0
    study = friches.open(desk.out / "study.toml")
    path = study.files("sales")[0]
    path.write_bytes(path.read_bytes() + b"\n")
    notes = provenance(study, {}).set_index("file")["notes"]
    assert "modifié depuis son téléchargement" in notes[path.name]
    # The cache is none the worse for it.
    assert desk.fetch("12999", "--only", "sales", "--offline", "-q").exit_code == 0
    assert "modifié" not in provenance(study, {}).set_index("file")["notes"][path.name]


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["99999"], "aucune commune n'a le code 99999"),
        (["12999", "--only", "rodas"], "couche inconnue « rodas »"),
        (["12999", "--day", "demain"], "« demain » n'est pas un jour"),
        (["12999", "--add", "roads"], "écrire COUCHE=FICHIER"),
        ([], "aucun territoire demandé"),
    ],
)
def test_wrong_wishes(desk: Desk, more: list[str], told: str) -> None:
    done = desk.fetch(*more)
    assert done.exit_code == 2
    assert told in done.output
    assert not desk.out.exists()


def test_a_folder_of_something_else_is_left_alone(desk: Desk) -> None:
    desk.out.mkdir()
    (desk.out / "photos.txt").write_text("x", "utf-8")
    done = desk.fetch("12999", "--only", "zoning")
    assert done.exit_code == 2
    assert "contient autre chose" in done.output
    assert [path.name for path in desk.out.iterdir()] == ["photos.txt"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[hosts]\n'ftp://a.fr' = 'http://b.fr'", "n'est pas une adresse https"),
        ("[hosts]\n'https://a.fr' = 3", "une adresse publique par ligne"),
        ("[pace.nulle]\nper_second = 1", "service inconnu : nulle"),
        ("[pace.etalab]\nvitesse = 1", "[pace]"),
        ("[", "TOML illisible"),
    ],
)
def test_wrong_mirrors(desk: Desk, text: str, told: str) -> None:
    desk.hosts.write_text(text, "utf-8")
    done = desk.fetch("12999", "--only", "zoning")
    assert done.exit_code == 2
    assert told in done.output


def test_files_given_by_hand(desk: Desk) -> None:
    done = desk.fetch(
        "12999",
        *("--only", "aoc"),
        *("--add", f"land_cover={SAMPLE / 'oso_2023.tif'}:oso23"),
        *("--add", f"mountain={SAMPLE / 'zone_montagne.gpkg'}"),
        *("--add", f"declared_fields.2023={SAMPLE / 'rpg_2023.gpkg'}"),
    )
    assert done.exit_code == 0, done.output
    assert "déclarations PAC (RPG) 2023 : 1 fichier, millésime 2023, donné à la main" in done.output
    study = friches.open(desk.out / "study.toml")
    assert study.sources.land_cover is not None
    assert study.sources.land_cover.legend == "oso23"
    assert list(study.sources.declared_fields) == [2023]
    layers = read_layers(study)
    assert set(layers["constraints"].attrs["kinds_read"]) == {"aoc", "mountain"}


def test_a_wrong_file_given_by_hand_is_refused_by_its_reader(desk: Desk) -> None:
    done = desk.fetch("12999", "--only", "aoc", "--add", f"roads={SAMPLE / 'zone_urba.gpkg'}")
    assert done.exit_code == 2
    assert "nature" in done.output
    assert not desk.out.exists()


def test_sources_lists_the_catalogue() -> None:
    done = CliRunner().invoke(app, ["sources"])
    assert done.exit_code == 0
    assert "cadastre : cadastre — DGFiP" in done.output
    assert "mountain : zone de montagne" in done.output
    assert "à la main : couche « zone_montagne »" in done.output


@pytest.mark.parametrize(("day", "stale"), [("2024-07-18", False), ("2024-07-19", True)])
def test_a_vintage_grows_stale(tmp_path: Path, day: str, stale: bool) -> None:
    """Zones of the end of 2023, good for 200 days: 18 July 2024 is the 200th."""
    (tmp_path / "study.toml").write_text(
        '[study]\nname = "x"\ncommunes = ["12999"]\nday = 2026-09-01\n'
        '[sources]\ncadastre = "c.json"\nzoning = "zone_urba_2023.gpkg"\n',
        "utf-8",
    )
    done = CliRunner().invoke(app, ["sources", str(tmp_path / "study.toml"), "--day", day])
    line = next(text for text in done.output.splitlines() if text.startswith("zoning"))
    assert ("PÉRIMÉ (201\u202fjours)" in line) == stale


def test_the_sample_tells_what_it_has_and_lacks() -> None:
    done = CliRunner().invoke(app, ["sources", str(SAMPLE / "study.toml"), "--day", DAY])
    assert "declared_fields : rpg_2024.gpkg — 2024" in done.output
    assert "natura2000 : natura2000.gpkg" in done.output  # under « constraints » in the study
    assert "znieff : manque. Dirait si la parcelle est dans un inventaire" in done.output
    assert "mountain : zone_montagne.gpkg" in done.output


def test_numbers_in_french() -> None:
    assert [size(n) for n in (0, 999, 1000, 12_345_678, 3e9)] == [
        "0\u202foctets",
        "999\u202foctets",
        "1,0\u202fko",
        "12,3\u202fMo",
        "3,0\u202fGo",
    ]
    assert number(1_234_567) == "1\u202f234\u202f567"


def test_the_page_of_sources_is_current() -> None:
    """Made again by: python -m friches.fetch.sourcebook > docs/sources.md."""
    written = SAMPLE.parent.parent / "docs" / "sources.md"
    assert written.read_text("utf-8") == page()
    assert "live services were not reachable" in page()

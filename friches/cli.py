"""Commands: demo, run, check, sample, compare, lawbook, letters; others stand beside."""

from __future__ import annotations

import re
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from friches import fetch_cli, need_cli, plan_cli
from friches.exits import readable_errors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from friches.result import Result

app = typer.Typer(
    help="Friches agricoles : les trouver, compter les repas bio qu'elles nourriraient, "
    "et dire par quelle voie juridique les libérer.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="N'afficher que les erreurs.")]
Pdf = Annotated[bool, typer.Option("--pdf", help="Écrire aussi les fiches en PDF.")]
BaseMaps = Annotated[
    bool,
    typer.Option(
        "--base-maps", help="Fonds de carte de la Géoplateforme, quand la carte est en ligne."
    ),
]
Out = Annotated[Path | None, typer.Option("--out", help="Dossier des résultats.")]
StudyFile = Annotated[Path, typer.Argument(help="Fichier d'étude (TOML).", metavar="ETUDE.toml")]


def _progress(quiet: bool, stages: int) -> Callable[[str], AbstractContextManager[Any]] | None:
    if quiet:
        return None
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True, highlight=False)
    done = 0

    @contextmanager
    def shown(stage: str) -> Iterator[None]:
        nonlocal done
        started = time.perf_counter()
        columns = (TextColumn(f"{stage}…"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=console, transient=True) as bar:
            bar.add_task(stage, total=stages, completed=done)
            yield
        done += 1
        console.print(f"  {stage} : {time.perf_counter() - started:.1f} s".replace(".", ","))

    return shown


def default_folder(name: str) -> Path:
    """Return `maps/<study name in lower case>`, safe as a folder name."""
    safe = re.sub(r"[^\w-]+", "-", name.lower()).strip("-")
    return Path("maps") / (safe or "etude")


def _run(  # noqa: PLR0913 -- one argument an option
    study_file: Path,
    out: Path | None,
    *,
    quiet: bool,
    pdf: bool,
    base_maps: bool,
    keep_in: Path | None = None,
    what_if: Path | None = None,
    workers: int = 0,
    scheduler: str = "",
) -> None:
    from friches.stages import STAGES
    from friches.study import run
    from friches.studyfile import read_study
    from friches.view.output import write

    with readable_errors():
        study = read_study(study_file)
        folder = out or default_folder(study.name)
        if folder.exists() and not folder.is_dir():
            from friches.errors import refuse

            raise refuse("ce nom est celui d'un fichier", folder, "choisir un autre --out")
        progress = _progress(quiet, len(STAGES) + 1)
        started = time.perf_counter()
        result = run(
            study, keep_in=keep_in, what_if=what_if, progress=progress,
            workers=workers, scheduler=scheduler,
        )  # fmt: skip
        with (progress or _nothing)("cartes, fiches et registre"):
            write(result, folder, pdf=pdf, base_maps=base_maps)
        if not quiet:
            typer.echo(told(result, folder, time.perf_counter() - started))


@contextmanager
def _nothing(_stage: str) -> Iterator[None]:
    yield


def told(result: Result, folder: Path, seconds: float) -> str:
    """Return the summary that a run ends with, in French."""
    from friches.view.headline import summary_lines
    from friches.view.publish import checklist

    spent = f"Calculé en {seconds:.1f} s".replace(".", ",")
    lines = [*summary_lines(result), *checklist(result), spent]
    return "\n".join([*lines, "", f"Carte : {(folder / 'map.html').resolve()}"])


@app.command("run")
def run_command(  # noqa: PLR0913, PLR0917 -- one argument an option
    study_file: StudyFile,
    out: Out = None,
    pdf: Pdf = False,
    base_maps: BaseMaps = False,
    what_if: Annotated[
        Path | None, typer.Option("--what-if", help="Fichier de suppositions (TOML).")
    ] = None,
    workers: Annotated[
        int, typer.Option("--workers", min=0, help="Processus à employer sur cette machine.")
    ] = 0,
    scheduler: Annotated[
        str, typer.Option("--scheduler", help="Adresse d'une grappe Dask, tcp://machine:port.")
    ] = "",
    quiet: Quiet = False,
) -> None:
    """Lire une étude et écrire carte, fiches, registre et tables."""
    _run(
        study_file, out, quiet=quiet, pdf=pdf, base_maps=base_maps, what_if=what_if,
        workers=workers, scheduler=scheduler,
    )  # fmt: skip


@app.command()
def demo(out: Out = None, quiet: Quiet = False) -> None:
    """Lancer le territoire fictif de démonstration, Saint-Rebelle."""
    from friches.sources.catalogue import data_folder

    study_file = data_folder() / "sample" / "study.toml"
    kept = (out.parent if out else Path("maps")) / ".friches"  # the shipped data stay as they are
    _run(study_file, out, quiet=quiet, pdf=False, base_maps=False, keep_in=kept)


@app.command()
def check(study_file: StudyFile, quiet: Quiet = False) -> None:
    """Lire et vérifier une étude, sans rien écrire : tous les défauts de toutes les couches."""
    from friches import privacy
    from friches.errors import plain
    from friches.sources.exclusions import read_exclusions, unmatched
    from friches.sources.read import read_layers
    from friches.studyfile import read_study

    with readable_errors():
        study = read_study(study_file)
        privacy.check_purpose(study)
        asked = read_exclusions(study)
        layers = read_layers(study)
        lost = unmatched(asked, layers["parcels"])
        for warning in privacy.owners_warnings(study):
            typer.echo(plain(f"Attention : {warning}"), err=True)
        if lost:
            told = f"Attention : exclusions.csv : absentes du cadastre : {', '.join(lost)}"
            typer.echo(plain(told), err=True)
        if not quiet:
            for name, table in layers.items():
                notes = "".join(f" ; {key} : {value}" for key, value in table.attrs.items())
                typer.echo(plain(f"{name} : {len(table)} lignes{notes}"))
            typer.echo("Étude utilisable.")


@app.command()
def sample(
    folder: Annotated[Path, typer.Argument(help="Dossier à créer.")],
    parcels: Annotated[
        int, typer.Option(min=500, max=1_000_000, help="Nombre de parcelles.")
    ] = 2500,
    seed: Annotated[int, typer.Option(help="Graine du hasard.")] = 1,
    truth: Annotated[bool, typer.Option("--truth", help="Écrire aussi la vérité.")] = False,
    quiet: Quiet = False,
) -> None:
    """Écrire un territoire fictif dans les formats réels."""
    from friches.sample.make import make

    with readable_errors(), (_progress(quiet, 1) or _nothing)("territoire fictif"):
        study_file = make(folder, parcels, seed, truth)
    if not quiet:
        typer.echo(f"Étude : {study_file}")


@app.command()
def compare(
    before: Annotated[Path, typer.Argument(help="Dossier d'un premier résultat.")],
    after: Annotated[Path, typer.Argument(help="Dossier d'un second résultat.")],
) -> None:
    """Dire quels îlots, voies, dates et repas changent d'un résultat à l'autre."""
    from friches.scenarios.compare import compare as moved
    from friches.scenarios.compare import read_result

    with readable_errors():
        lines = moved(read_result(before), read_result(after))["text"]
        typer.echo("\n".join(lines) if len(lines) else "Rien ne change.")


@app.command()
def lawbook(out: Out = None, quiet: Quiet = False) -> None:
    """Écrire le recueil du droit : le texte dit, nous lisons."""
    from friches.view.lawbook import write_lawbook

    with readable_errors():
        path = write_lawbook(out or Path("maps"))
    if not quiet:
        typer.echo(f"Recueil : {path.resolve()}")


@app.command()
def letters(
    study_file: StudyFile,
    block: Annotated[str, typer.Argument(help="Îlot, par exemple B001.", metavar="ILOT")],
    out: Out = None,
    route: Annotated[
        list[str] | None, typer.Option("--route", help="Cette voie seule (à répéter).")
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Écrire les projets de courriers et d'actes d'un îlot (.docx), à compléter et à relire."""
    from friches.stages import STAGES
    from friches.study import run
    from friches.studyfile import read_study
    from friches.view.letters import counts, write_letters

    with readable_errors():
        study = read_study(study_file)
        folder = out or default_folder(f"{study.name} courriers") / "letters"
        result = run(study, progress=_progress(quiet, len(STAGES)))
        paths = write_letters(result, block, folder, route or None)
    if not quiet:
        lines = counts(paths, block) or [
            "Aucun courrier : toutes les voies qui en ont sont fermées."
        ]
        typer.echo("\n".join([*lines, f"Projets, non relus par un juriste : {folder.resolve()}"]))


app.command("fetch")(fetch_cli.fetch)
app.command("sources")(fetch_cli.sources)
need_cli.register(app, readable_errors)
plan_cli.register(app, readable_errors)


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    sys.exit(app())

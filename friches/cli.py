"""Commands: `friches demo`, `run`, `check`, `sample`."""

from __future__ import annotations

import re
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

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
WRONG_INPUT, STOPPED = 2, 130


@contextmanager
def _readable_errors() -> Iterator[None]:
    """Show input errors as one block and exit with code 2; an interruption with code 130."""
    from friches.errors import InputError

    try:
        yield
    except InputError as error:
        count = len(error.breaches)
        many = "s" if count > 1 else ""
        typer.echo(f"Entrée refusée : {count} problème{many}.\n{error}", err=True)
        raise typer.Exit(WRONG_INPUT) from None
    except KeyboardInterrupt:
        typer.echo("Interrompu : l'ancien résultat est intact.", err=True)
        raise typer.Exit(STOPPED) from None


def _progress(quiet: bool) -> Callable[[str], AbstractContextManager[Any]] | None:
    if quiet:
        return None
    from rich.console import Console

    console = Console(stderr=True, highlight=False)

    @contextmanager
    def shown(stage: str) -> Iterator[None]:
        started = time.perf_counter()
        with console.status(f"{stage}…"):
            yield
        console.print(f"  {stage} : {time.perf_counter() - started:.1f} s")

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
) -> None:
    from friches.study import run
    from friches.studyfile import read_study
    from friches.view.output import write

    with _readable_errors():
        study = read_study(study_file)
        folder = out or default_folder(study.name)
        if folder.exists() and not folder.is_dir():
            from friches.errors import refuse

            raise refuse("ce nom est celui d'un fichier", folder, "choisir un autre --out")
        progress = _progress(quiet)
        started = time.perf_counter()
        result = run(study, keep_in=keep_in, progress=progress)
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

    lines = [*summary_lines(result), f"Calculé en {seconds:.1f} s".replace(".", ",")]
    return "\n".join([*lines, "", f"Carte : {(folder / 'map.html').resolve()}"])


@app.command("run")
def run_command(
    study_file: StudyFile,
    out: Out = None,
    pdf: Pdf = False,
    base_maps: BaseMaps = False,
    quiet: Quiet = False,
) -> None:
    """Lire une étude et écrire carte, fiches, registre et tables."""
    _run(study_file, out, quiet=quiet, pdf=pdf, base_maps=base_maps)


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
    from friches.sources.exclusions import read_exclusions, unmatched
    from friches.sources.read import read_layers
    from friches.studyfile import read_study

    with _readable_errors():
        study = read_study(study_file)
        privacy.check_purpose(study)
        asked = read_exclusions(study)
        layers = read_layers(study)
        lost = unmatched(asked, layers["parcels"])
        for warning in privacy.owners_warnings(study):
            typer.echo(f"Attention : {warning}", err=True)
        if lost:
            typer.echo(
                f"Attention : exclusions.csv : absentes du cadastre : {', '.join(lost)}", err=True
            )
        if not quiet:
            for name, table in layers.items():
                notes = "".join(f" ; {key} : {value}" for key, value in table.attrs.items())
                typer.echo(f"{name} : {len(table)} lignes{notes}")
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

    with _readable_errors(), (_progress(quiet) or _nothing)("territoire fictif"):
        study_file = make(folder, parcels, seed, truth)
    if not quiet:
        typer.echo(f"Étude : {study_file}")


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    sys.exit(app())

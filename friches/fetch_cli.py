"""Commands that bring data: fetch, sources."""

from __future__ import annotations

import datetime as dt
import sys
import tomllib
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from friches.exits import readable_errors

if TYPE_CHECKING:
    from collections.abc import Iterator

    from friches.fetch.fetching import Watch, Weight
    from friches.fetch.pace import Pace
    from friches.fetch.territory import Territory

LARGE_BYTES = 300_000_000
"""Beyond this much to download, a person is asked first (ASSUMPTION)."""
Asked = Annotated[
    list[str] | None, typer.Argument(help="Codes INSEE ou noms de communes.", metavar="COMMUNE...")
]
Out = Annotated[Path, typer.Option("--out", help="Dossier à écrire.")]


def fetch(  # noqa: PLR0913, PLR0917 -- one argument an option
    out: Out,
    asked: Asked = None,
    epci: Annotated[str | None, typer.Option(help="SIREN ou nom d'un EPCI.")] = None,
    department: Annotated[str | None, typer.Option(help="Code d'un département.")] = None,
    campaigns: Annotated[str, typer.Option(help="Campagnes du RPG : 2019-2024.")] = "",
    day: Annotated[str, typer.Option(help="Jour de l'étude (AAAA-MM-JJ).")] = "",
    only: Annotated[list[str] | None, typer.Option(help="Cette couche seule (à répéter).")] = None,
    also: Annotated[list[str] | None, typer.Option(help="Cette couche aussi (à répéter).")] = None,
    add: Annotated[
        list[str] | None,
        typer.Option(help="Fichier donné à la main.", metavar="COUCHE=FICHIER[:LEGENDE]"),
    ] = None,
    cache: Annotated[Path | None, typer.Option(help="Dossier du cache.")] = None,
    hosts: Annotated[Path | None, typer.Option(help="Miroirs (TOML).")] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Le cache seul.")] = False,
    refresh: Annotated[bool, typer.Option("--refresh", help="Tout redemander.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ne rien demander.")] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="N'afficher que les erreurs.")
    ] = False,
) -> None:
    """Télécharger les couches d'un territoire et écrire son étude."""
    with readable_errors("ce qui est arrivé entier est dans le cache, relancer pour continuer"):
        from friches.fetch.added import parse_added
        from friches.fetch.fetching import Wish
        from friches.fetch.fetching import fetch as bring
        from friches.fetch.store import default_cache
        from friches.fetch.telling import fetched_told

        wish = Wish(
            tuple(asked or ()),
            out,
            _day(day),
            epci,
            department,
            campaigns,
            tuple(only or ()),
            tuple(also or ()),
            tuple(parse_added(add or ())),
        )
        mirrors, pace = _mirrors(hosts)
        with _watch(quiet, yes) as watch:
            done = bring(
                wish,
                cache or default_cache(),
                hosts=mirrors,
                pace=pace,
                offline=offline,
                refresh=refresh,
                watch=watch,
            )
        if not quiet:
            typer.echo(fetched_told(done))


def sources(
    study_file: Annotated[
        Path | None, typer.Argument(help="Fichier d'étude (TOML).", metavar="[ETUDE.toml]")
    ] = None,
    day: Annotated[str, typer.Option(help="Âge des couches à ce jour (AAAA-MM-JJ).")] = "",
) -> None:
    """Lister les couches : ce qui existe, de quel millésime, ce qui est périmé ou manque."""
    with readable_errors():
        from friches.fetch.telling import sources_told
        from friches.studyfile import read_study

        study = None if study_file is None else read_study(study_file)
        typer.echo(sources_told(study, _day(day)))


def _day(text: str) -> dt.date:
    from friches.errors import refuse

    try:
        return dt.date.fromisoformat(text) if text else dt.datetime.now(dt.UTC).date()
    except ValueError as error:
        raise refuse(f"« {text} » n'est pas un jour", "--day", "écrire AAAA-MM-JJ") from error


def _mirrors(path: Path | None) -> tuple[dict[str, str], dict[str, Pace]]:
    """Return the mirrors of a TOML file and their own rates.

    `[hosts]` holds addresses by public address; `[pace.SERVICE]` replaces a rate.
    """
    from friches.errors import refuse
    from friches.fetch.pace import Pace
    from friches.fetch.services import paces

    if path is None:
        return {}, {}
    if not path.is_file():
        raise refuse("fichier introuvable", path, "vérifier --hosts")
    try:
        said = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise refuse(f"TOML illisible : {error}", path, "corriger le fichier") from error
    rates = said.pop("pace", {})
    table = said.pop("hosts", said)
    if not all(isinstance(value, str) for value in table.values()):
        todo = 'écrire "https://data.geopf.fr" = "https://miroir.exemple.fr/geopf"'
        raise refuse("une adresse publique par ligne est attendue", path, todo)
    known = paces()
    if strange := sorted(set(rates) - set(known)):
        raise refuse(f"service inconnu : {strange[0]}", path, f"services : {', '.join(known)}")
    try:
        return dict(table), {n: Pace(**(known[n]._asdict() | one)) for n, one in rates.items()}
    except TypeError as error:
        raise refuse(f"[pace] : {error}", path, f"clés : {', '.join(Pace._fields)}") from error


@contextmanager
def _watch(quiet: bool, yes: bool) -> Iterator[Watch]:
    """Follow a fetch: the size first, then one bar a layer under way."""
    from friches.fetch.fetching import Watch
    from friches.fetch.telling import weight_told

    def agrees(territory: Territory, weight: Weight) -> bool:
        if not quiet:
            typer.echo(f"{territory.name} : {weight_told(weight)}", err=True)
        if yes or weight.total < LARGE_BYTES or not sys.stdin.isatty():
            return True
        return typer.confirm("Continuer ?", err=True)

    if quiet:
        yield Watch(agrees=agrees)
        return
    with _bars() as bars:
        yield Watch(bars.begins, bars.ends, bars.bytes_, agrees)


@contextmanager
def _bars() -> Iterator[Any]:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

    from friches.fetch.bars import Bars

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn())
    console = Console(stderr=True, highlight=False)
    with Progress(*columns, console=console, transient=True) as progress:
        yield Bars(progress, console)

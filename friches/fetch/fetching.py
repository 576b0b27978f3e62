"""From a territory to files and a ready study: the cadastre first, then the rest side by side."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

from friches.errors import Breach, InputError, refuse
from friches.fetch.added import Added, take
from friches.fetch.arrival import check_arrival, extent
from friches.fetch.errand import Errand, Job, Outcome, Piece
from friches.fetch.jobs import carry_out, jobs, weight
from friches.fetch.kept import check_out, exchange, recover, side_of, write_report, write_study
from friches.fetch.places import write_places
from friches.fetch.services import layers, paces
from friches.fetch.session import open_session
from friches.fetch.territory import Territory, resolve
from friches.fetch.writing import dated
from friches.sources.places import read_canteens, read_farmers

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from friches.fetch.pace import Pace
    from friches.fetch.request import Request
    from friches.fetch.session import Session

AT_ONCE = 6
"""Layers under way together; each service has its own, lower, limit (ASSUMPTION)."""
BYTES_A_FEATURE = 1000
"""To tell a size before it is known: a parcel or a building in GeoJSON (ASSUMPTION)."""
TABLES = {"canteens": ("cantines.csv", read_canteens), "farmers": ("fermes.geojson", read_farmers)}


class Wish(NamedTuple):
    """What is asked: a territory, a folder, which layers.

    `asked` holds INSEE codes or names; `campaigns` is "" for the last six; `added` are files
    given by hand.
    """

    asked: tuple[str, ...]
    out: Path
    day: dt.date
    epci: str | None = None
    department: str | None = None
    campaigns: str = ""
    only: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    added: tuple[Added, ...] = ()


class Weight(NamedTuple):
    """What is about to be downloaded: bytes of files, features, layers whose size nobody tells."""

    files: int
    features: int
    unknown: tuple[str, ...]

    @property
    def total(self) -> int:
        """Bytes, features counted at `BYTES_A_FEATURE`."""
        return self.files + self.features * BYTES_A_FEATURE


class Watch(NamedTuple):
    """What the caller is told while it goes, and whether it agrees to the total."""

    begins: Callable[[Job], None] = lambda _job: None
    ends: Callable[[Outcome], None] = lambda _outcome: None
    bytes_: Callable[[Request, int, int | None], None] = lambda _request, _done, _total: None
    agrees: Callable[[Territory, Weight], bool] = lambda _territory, _weight: True


class Fetched(NamedTuple):
    """The folder written, its study file, how each layer ended, what is worth telling."""

    study: Path
    territory: Territory
    outcomes: tuple[Outcome, ...]
    notes: tuple[str, ...]


def fetch(  # noqa: PLR0913 -- what the command line offers, each by name
    wish: Wish,
    cache: Path,
    *,
    hosts: Mapping[str, str] | None = None,
    pace: Mapping[str, Pace] | None = None,
    offline: bool = False,
    refresh: bool = False,
    watch: Watch | None = None,
) -> Fetched:
    """Write the layers of a territory and its study file.

    Parameters
    ----------
    wish : Wish
        Territory, folder, day, layers.
    cache : Path
        Folder of what is kept between studies.
    hosts : mapping of str to str, optional
        Mirrors by public address.
    pace : mapping of str to Pace, optional
        Rates that replace the catalogue's: those of one's own mirrors.
    offline, refresh : bool
        The cache alone; every kept answer asked again.
    watch : Watch, optional
        Who follows.

    Returns
    -------
    Fetched
        Layers that could not be had are told in `outcomes`; the study does without them.

    Raises
    ------
    InputError
        Wrong territory or options; no cadastre (then nothing is written); no network.
    """
    watch = watch or Watch()
    recover(wish.out)
    check_out(wish.out)
    todo = jobs(
        wish.day.year,
        only=wish.only,
        also=wish.also,
        added={one.key for one in wish.added},
        campaigns=wish.campaigns,
    )
    wish.out.parent.mkdir(parents=True, exist_ok=True)
    side = side_of(wish.out)
    shutil.rmtree(side, ignore_errors=True)
    try:
        with (
            open_session(
                cache,
                pace=paces() | dict(pace or {}),
                hosts=hosts or {},
                offline=offline,
                refresh=refresh,
                progress=watch.bytes_,
            ) as session,
            dated(wish.day),
        ):
            errand, cadastre = _begun(session, wish, Rest(cache, side, hosts or {}, watch))
            outcomes = (cadastre, *_others(errand, wish, todo, watch))
            derived, notes = _derived(errand, outcomes)
        _tidied(side, outcomes, derived)
        write_study(side, errand.territory, wish.day, outcomes, derived)
        write_report(side, errand.territory, wish.day, outcomes, derived)
        notes += exchange(side, wish.out)
    finally:
        shutil.rmtree(side, ignore_errors=True)
    moved = tuple(_at(outcome, side, wish.out) for outcome in outcomes)
    told = (*errand.territory.notes, *notes)
    return Fetched(wish.out / "study.toml", errand.territory, moved, told)


class Rest(NamedTuple):
    """Where a fetch keeps and writes, its mirrors, who follows."""

    cache: Path
    side: Path
    hosts: Mapping[str, str]
    watch: Watch


def _begun(session: Session, wish: Wish, rest: Rest) -> tuple[Errand, Outcome]:
    """Resolve the territory and get its cadastre: everything else needs their extent."""
    territory = resolve(session, wish.asked, wish.epci, wish.department)
    rest.side.mkdir()
    unbounded = (0.0, 0.0, 0.0, 0.0)
    errand = Errand(session, territory, unbounded, wish.day, rest.side, rest.cache, rest.hosts)
    given = [one for one in wish.added if one.layer == "cadastre"]
    if given:
        cadastre = take(errand, given)
    else:
        job = Job("cadastre", layers()["cadastre"])
        rest.watch.begins(job)
        cadastre = carry_out(errand, job)
    if cadastre.state == "missing":
        raise _no_cadastre(cadastre, territory)
    rest.watch.ends(cadastre)
    bounds = extent([piece.path for piece in cadastre.pieces], territory.crs, territory.codes)
    return errand._replace(bounds=bounds), cadastre


def _no_cadastre(outcome: Outcome, territory: Territory) -> InputError:
    codes = ", ".join(territory.codes[:5])
    if outcome.tried and all(failure.unreachable for failure in outcome.tried):
        return refuse(
            f"pas de réseau, rien n'est écrit : {outcome.tried[0].why}",
            f"friches fetch {codes}",
            "vérifier la connexion et le proxy, ou relancer avec --offline sur un cache rempli",
        )
    ways = " ; ".join(f"{failure.service} : {failure.why}" for failure in outcome.tried)
    return refuse(
        f"pas de cadastre, donc pas d'étude ({ways})",
        f"friches fetch {codes}",
        f"vérifier le code ; sinon {outcome.job.layer.by_hand}",
    )


def _others(errand: Errand, wish: Wish, todo: Sequence[Job], watch: Watch) -> list[Outcome]:
    """Take what was given by hand, say how much is to come, then fetch the layers side by side."""
    taken = _taken(errand, wish.added)
    rest = [job for job in todo if job.name != "cadastre"]

    def one(job: Job) -> Outcome:
        watch.begins(job)
        outcome = carry_out(errand, job)
        watch.ends(outcome)
        return outcome

    with ThreadPoolExecutor(AT_ONCE) as pool:
        try:
            _check_agreed(watch, errand, rest, pool)
            fetched = list(pool.map(one, rest))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    order = {name: rank for rank, name in enumerate(layers())}
    return sorted(
        [*taken, *fetched],
        key=lambda outcome: (order[outcome.job.name], outcome.job.campaign or 0),
    )


def _check_agreed(
    watch: Watch, errand: Errand, rest: Sequence[Job], pool: ThreadPoolExecutor
) -> None:
    """Say how much is to come; stop when that is not wanted."""
    weights = list(pool.map(lambda job: weight(errand, job), rest))
    unknown = [job.label for job, said in zip(rest, weights, strict=True) if said == (None, None)]
    total = Weight(
        sum(size or 0 for size, _ in weights), sum(n or 0 for _, n in weights), tuple(unknown)
    )
    if not watch.agrees(errand.territory, total):
        raise refuse("arrêté avant de télécharger", "friches fetch", "relancer avec --yes")


def _taken(errand: Errand, added: Sequence[Added]) -> list[Outcome]:
    keys = dict.fromkeys(one.key for one in added if one.layer != "cadastre")
    breaches: list[Breach] = []
    taken: list[Outcome] = []
    for key in keys:
        try:
            taken.append(take(errand, [one for one in added if one.key == key]))
        except InputError as error:
            breaches += error.breaches
    if breaches:
        raise InputError(breaches)
    return taken


def _derived(errand: Errand, outcomes: Sequence[Outcome]) -> tuple[dict[str, Path], list[str]]:
    """Return the tables of canteens and farms made from the official files, and what fails."""
    made: dict[str, Path] = {}
    notes: list[str] = []
    for target, (name, read) in TABLES.items():
        files = [
            piece.path
            for outcome in outcomes
            if outcome.job.target == target and not outcome.added
            for piece in outcome.pieces
            if not piece.empty
        ]
        if not files:
            continue
        try:
            table = read(files, errand.crs, errand.bounds)
            path = write_places(table, errand.folder / name)
            check_arrival(errand, target, [path])
        except InputError as error:
            notes.append(f"{target} : {error.breaches[0].what}")
            (errand.folder / name).unlink(missing_ok=True)
        else:
            made[target] = path
    return made, notes


def _tidied(side: Path, outcomes: Sequence[Outcome], derived: Mapping[str, Path]) -> None:
    """Remove what abandoned attempts left: only files that are told stay."""
    told = {piece.path for outcome in outcomes for piece in outcome.pieces} | {*derived.values()}
    for path in sorted(side.rglob("*"), reverse=True):
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()
        elif path.is_file() and not any(one == path or one in path.parents for one in told):
            path.unlink()


def _at(outcome: Outcome, side: Path, out: Path) -> Outcome:
    def moved(piece: Piece) -> Piece:
        return piece._replace(path=out / piece.path.relative_to(side))

    return outcome._replace(pieces=tuple(moved(piece) for piece in outcome.pieces))

"""The command `friches plan`: which blocks to open, by which route and when, for a goal."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 -- Typer reads it at run time
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    import pandas as pd

    from friches.plan import Limits, Planned
    from friches.result import Result

FIRST = 10
"""Actions told on the screen; the files hold them all."""
RISKY = "=+-@\t\r"
"""First characters that a spreadsheet may take for a formula."""


def register(app: typer.Typer, errors: Callable[[], AbstractContextManager[None]]) -> None:
    """Add `plan` to a Typer app; `errors` shows input errors as the other commands do."""

    @app.command("plan")
    def plan_command(  # noqa: PLR0913, PLR0917 -- one argument an option
        study_file: Annotated[
            Path, typer.Argument(help="Fichier d'étude (TOML).", metavar="ETUDE.toml")
        ],
        goal: Annotated[
            str, typer.Option("--goal", help="« légumes=100%@2029-09 », ou tout=50%@2030-09.")
        ],
        budget: Annotated[
            float | None, typer.Option("--budget", help="Euros à ne pas dépasser.")
        ] = None,
        at_once: Annotated[
            int | None, typer.Option("--at-once", help="Procédures menées de front.")
        ] = None,
        risk: Annotated[
            float | None,
            typer.Option("--risk", help="Risque d'échec accepté par îlot (0 à 1)."),
        ] = None,
        unsure: Annotated[
            bool, typer.Option("--unsure", help="Compter aussi les îlots à vérifier.")
        ] = False,
        out: Annotated[Path | None, typer.Option("--out", help="Dossier des résultats.")] = None,
    ) -> None:
        """Dire quels îlots ouvrir, par quelle voie et quand, pour tenir un objectif."""
        from friches.errors import refuse
        from friches.plan import Limits, read_goal

        with errors():
            aim = read_goal(goal)
            if out is not None and out.exists() and not out.is_dir():
                raise refuse("ce nom est celui d'un fichier", out, "choisir un autre --out")
            made = planned(study_file, aim, Limits(budget, at_once, risk), unsure=unsure)
            typer.echo("\n".join(lines(made)))
            if out is not None:
                write(made, out)
                typer.echo(f"\nPlan : {(out / 'plan.csv').resolve()}")


def planned(study_file: Path, goal: Any, limits: Limits, *, unsure: bool = False) -> Planned:
    """Run a study, then plan on what its audience may see; a bad goal is refused before."""
    from friches.food.menu import need
    from friches.planning.goal import check_goal
    from friches.study import run
    from friches.studyfile import read_study
    from friches.view.audience import visible

    study = read_study(study_file)
    check_goal(goal, limits, set(need().index), study.study.day)
    return of_result(visible(run(study)), goal, limits, unsure=unsure)


def of_result(result: Result, goal: Any, limits: Limits, *, unsure: bool = False) -> Planned:
    """Plan on a result: its allocation's plots where it has them, else its table « meals »."""
    from friches.demand import demand
    from friches.plan import plan

    wanted = demand(result.canteens, result.study.goal.organic_share)
    shared = result if getattr(result, "plots", None) is not None else None
    return plan(
        result.blocks,
        result.routes,
        result.meals,
        wanted,
        result.study.study.day,
        goal,
        shared,
        limits,
        unsure=unsure,
        told_in_full=result.study.study.told_in_full,
    )


def lines(made: Planned) -> list[str]:
    """Return a plan as lines of text: the sentence, the first ten actions, the other plans."""
    from friches.figures import THIN, figure
    from friches.view.inert import clean

    told = [made.sentence]
    if len(made.openings):
        told += ["", "Premières actions :"]
    for row in made.openings.head(FIRST).to_dict("records"):
        head = f"{row['position']}. {row['starts_on']:%d/%m/%Y}, {clean(row['block_id'])} :"
        told.append(f"  {head} {clean(row['title'])}, {figure(row['cost_eur'])}{THIN}€")
        told.append(f"     {clean(row['why'])}")
    rest = len(made.openings) - FIRST
    if rest > 0:
        told.append(f"  … et {rest} autre(s).")
    if len(made.front):
        told += ["", "Plans qu'aucun autre ne bat (repas, coût, délai, risque) :"]
    for row in made.front.to_dict("records"):
        told.append(
            f"  {figure(row['meals'])} repas par an, {figure(row['cost_eur'])}{THIN}€, dernier "
            f"premier repas dans {figure(row['delay_days'] / 30.4375)} mois, "
            f"{figure(100 * row['risk'])}{THIN}% de risque, {row['blocks']} îlot(s) "
            f"({row['within']})"
        )
    return told


def write(made: Planned, out: Path) -> None:
    """Write openings.parquet, and plan.csv whose texts no spreadsheet takes for a formula."""
    from friches.tables import TABLES

    out.mkdir(parents=True, exist_ok=True)
    made.openings.to_parquet(out / "openings.parquet", compression="zstd")
    labels = {column.name: column.label for column in TABLES["openings"].columns}
    named = [column for column in labels if column in made.openings.columns]
    table = inert_texts(made.openings[named]).rename(columns=labels)
    table.to_csv(out / "plan.csv", sep=";", index=False, encoding="utf-8-sig", lineterminator="\n")


def inert_texts(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose texts are clean and never begin as a formula does."""
    import pandas as pd

    from friches.view.inert import clean

    kept = table.copy()
    for column in kept.columns:
        if isinstance(kept[column].dtype, pd.StringDtype):
            kept[column] = [
                f"'{said}" if (said := clean(value)).startswith(tuple(RISKY)) else said
                for value in kept[column]
            ]
    return kept

"""The command `friches need`: hectares, farms and blocks for some meals a year."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 -- Typer reads it at run time
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    import pandas as pd


CAUTION = (
    "Bas, central et haut suivent portions et rendements ; fermes entières de ce genre, tailles de "
    "mémoire (RECALLED).\nUn même îlot peut compter pour plusieurs cultures."
)


def register(app: typer.Typer, errors: Callable[[], AbstractContextManager[None]]) -> None:
    """Add `need` to a Typer app; `errors` shows input errors as the other commands do."""

    @app.command("need")
    def need_command(
        meals: Annotated[float, typer.Option("--meals", help="Repas par an.")],
        audience: Annotated[
            str | None,
            typer.Option(
                "--audience", help="creche, maternelle, elementaire, adolescents ou adultes."
            ),
        ] = None,
        level: Annotated[
            str,
            typer.Option("--level", help="Rendement : estate, young_garden, field ou agribalyse."),
        ] = "estate",
        waste: Annotated[
            float | None, typer.Option("--waste", help="Gaspillage (g par convive et par repas).")
        ] = None,
        blocks: Annotated[
            Path | None,
            typer.Option("--blocks", help="Étude dont compter les îlots.", metavar="ETUDE.toml"),
        ] = None,
    ) -> None:
        """Dire combien d'hectares, de fermes et d'îlots demandent des repas par an, tout en bio."""
        from friches.needs import need

        with errors():
            supply = None if blocks is None else offered(blocks)
            table = need(meals, audience, level, supply, waste)
            typer.echo("\n".join(lines(table, meals, with_blocks=supply is not None)))


def offered(study_file: Path) -> pd.DataFrame:
    """Return the table « supply » of a study: what its blocks can bear."""
    from friches.study import run
    from friches.studyfile import read_study
    from friches.supply import supply

    result = run(read_study(study_file))
    return supply(result.blocks, result.members, result.facts)


def lines(table: pd.DataFrame, meals: float, *, with_blocks: bool = False) -> list[str]:
    """Return a need as lines of text: the whole, then one line a crop, then what it rests on."""
    from friches.figures import bounds, figure
    from friches.needs import level_label, total

    level = str(table["level"].iloc[0])
    found = [
        f"{figure(meals)} repas par an, tout en bio : {bounds(*total(table), 'ha')}",
        f"Rendements : {level_label(level)}.",
        "",
    ]
    for row in table.sort_values(["ha", "food_group"], ascending=[False, True]).to_dict("records"):
        name = row["food_group"] if row["crop"] != row["crop"] else row["crop"]
        parts = [
            bounds(row["ha_low"], row["ha"], row["ha_high"], "ha") if row["ha"] else "sans terre"
        ]
        parts.append(bounds(row["kg_low"], row["kg"], row["kg_high"], "kg"))
        if row["farms"] == row["farms"]:
            parts.append(_told_farms(row["farms_low"], row["farms"], row["farms_high"]))
        if with_blocks and row["blocks_ha"] == row["blocks_ha"]:
            parts.append(_told_blocks(row["blocks"], float(row["blocks_ha"])))
        found.append(f"  {name} : {' ; '.join(parts)}")
    return [*found, "", CAUTION]


def _told_farms(low: float, central: float, high: float) -> str:
    from friches.figures import bounds

    return "moins d'une ferme" if high < 1 else bounds(low, central, high, "ferme(s)")


def _told_blocks(blocks: Any, offered_ha: float) -> str:
    import pandas as pd

    from friches.figures import THIN, figure

    hectares = f"{figure(offered_ha, 1)}{THIN}ha"
    if pd.isna(blocks):
        return f"les îlots n'y suffisent pas ({hectares} s'y prêtent)"
    return f"{blocks} îlot(s), sur {hectares} qui s'y prêtent"

"""The routes of one block side by side: a criterion a row, a route a column, in advised order."""

from __future__ import annotations

from typing import Any

import pandas as pd

from friches.errors import refuse
from friches.scenarios.timeline import SUFFIXES

STRENGTHS = {
    "aucune": "aucune",
    "contractuelle": "par contrat",
    "clause_publique": "clause d'un bailleur public",
    "obligatoire": "obligatoire",
}
NONE = "—"


def side_by_side(routes: pd.DataFrame, block_id: str, *, closed: bool = False) -> pd.DataFrame:
    """Return the routes of a block compared, as text for readers.

    Parameters
    ----------
    routes : DataFrame
        Table `routes` as `plan` returns it.
    block_id : str
        The block.
    closed : bool
        Show closed routes too.

    Returns
    -------
    DataFrame
        Index: criteria (French). Columns: titles of routes, the advised one first; cells are text,
        « — » where nothing is known.

    Raises
    ------
    InputError
        When the block has no route.
    """
    rows = routes[routes["block_id"] == block_id].sort_values("order")
    if rows.empty:
        raise refuse(
            f"îlot « {block_id} » inconnu", "voies juridiques", "choisir un îlot du registre"
        )
    if not closed:
        rows = rows[~rows["answer"].eq(False).fillna(value=False).astype(bool)]
    columns = {str(row["title"]): _told(row) for row in rows.to_dict("records")}
    return pd.DataFrame(columns)


def _told(row: dict[Any, Any]) -> dict[str, str]:
    total = row["n_yes"] + row["n_no"] + row["n_unknown"]
    answer = row["answer"]
    state = "à instruire" if pd.isna(answer) else "ouverte" if answer else "fermée"
    return {
        "Ordre conseillé": f"{row['order']}",
        "État": f"{state} ({row['n_yes']} parcelle(s) sur {total} ouverte(s))",
        "Nature": _text(row["kind"]),
        "Aboutit à": _text(row["ends_in"]),
        "Terre disponible (bas / central / haut)": _three(row, "land_on"),
        "Terre disponible, P10 / P50 / P90": _quantiles(row, "land_on"),
        "Jamais avant (délais incompressibles)": _day(row["land_on_floor"]),
        "Premier repas (bas / central / haut)": _three(row, "first_meal_on"),
        "Premier repas, P10 / P50 / P90": _quantiles(row, "first_meal_on"),
        "Chance d'aboutir (supposée)": _chance(row),
        "Coût, remise en état comprise (bas / central / haut)": _euros(row, "cost_eur"),
        "dont remise en état": _euros(row, "clearing_eur"),
        "Qui agit": _text(row["acts"]),
        "Qui décide": _text(row["decides"]),
        "Force de la clause bio": STRENGTHS.get(str(row["organic_strength"]), NONE),
        "Le bio peut-il être exigé ?": _text(row["organic"]),
        "Rang de la ferme installée": _rank(row["farmer_rank"], row["installed_farmer"]),
        "Risques": _text(row["risks"]),
        "Chemin critique": _text(row["critical_path"]),
        "À demander": _text(row["to_ask"]),
        "Ce qui la ferme": _text(row["why_closed"]),
        "Pourquoi d'abord": _text(row["advice"]),
    }


def _text(value: Any) -> str:
    return NONE if pd.isna(value) or value == "" else str(value)


def _rank(rank: Any, said: Any) -> str:
    return _text(said) if pd.isna(rank) else f"{rank} — {_text(said)}"


def _day(value: Any) -> str:
    return NONE if pd.isna(value) else f"{value:%d/%m/%Y}"


def _three(row: dict[Any, Any], what: str) -> str:
    return _joined([_day(row[f"{what}{end}"]) for end in SUFFIXES])


def _quantiles(row: dict[Any, Any], what: str) -> str:
    return _joined([_day(row[f"{what}_{part}"]) for part in ("p10", "p50", "p90")])


def _joined(said: list[str]) -> str:
    return NONE if set(said) == {NONE} else " / ".join(said)


def _euros(row: dict[Any, Any], what: str) -> str:
    figures = [row[f"{what}{end}"] for end in SUFFIXES]
    if any(pd.isna(figure) for figure in figures):
        return NONE
    return " / ".join(f"{figure:,.0f}".replace(",", "\u202f") for figure in figures) + " €"


def _chance(row: dict[Any, Any]) -> str:
    figures = [row[name] for name in ("chance_low", "chance", "chance_high")]
    if any(pd.isna(figure) for figure in figures):
        return NONE
    return " / ".join(f"{figure:.0%}".replace("%", " %") for figure in figures)

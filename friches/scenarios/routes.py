"""The ways to free each block: legal steps dated, then permits, clearing, harvest, first meal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from friches import tables
from friches.scenarios import cost
from friches.scenarios.advice import ranked
from friches.scenarios.fieldplan import CASE, HELD, LEGAL, chosen, draws, field_steps
from friches.scenarios.needs import circumstances, gate_states, holding, needs
from friches.scenarios.openings import KEY, openings
from friches.scenarios.procedures import Dated, Held, dated, held
from friches.scenarios.setting import Setting, setting
from friches.scenarios.timeline import SUFFIXES, Dates

if TYPE_CHECKING:
    import datetime as dt

EXTRA = {"branch": "str", "optional": "boolean", "critical": "boolean"}


def plan(  # noqa: PLR0913, PLR0917 -- one table a stage before it
    blocks: pd.DataFrame,
    members: pd.DataFrame,
    rulings: pd.DataFrame,
    facts: pd.DataFrame,
    meals: pd.DataFrame,
    day: dt.date,
    here: Setting | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Date every step of every route not closed, and order the routes of each block.

    Parameters
    ----------
    blocks, members, rulings, facts, meals : DataFrame
        Tables of those names; rulings of every member parcel, as `rule` returns them.
    day : date
        First day of every procedure, and day at which the law is read.
    here : Setting, optional
        Law, routes, chances, costs and budget; by default those of the package.

    Returns
    -------
    steps, routes : DataFrame
        Tables of those names; `instrument` is a route's id. Beyond their columns: steps has branch
        (text), optional and critical (boolean: on the critical path); routes has those of
        figures and reasons to compare them by (README: "Comparing routes").
    """
    here = here or setting()
    if blocks.empty:
        return tables.empty("steps", extra=EXTRA), tables.empty("routes")
    routes = openings(blocks, members, rulings, facts, day, here).merge(
        _said(here), on="instrument"
    )
    followed = _followed(routes, blocks, members, facts, rulings, day, here)
    legal: dict[tuple[str, ...], Dated] = {
        (name, need): dated(name, need, day, here) for name, need in _cases(followed, LEGAL)
    }
    lands = {place: one.land for place, one in legal.items() if one.land is not None}
    freeing = followed[
        [place in lands for place in zip(*(followed[c] for c in LEGAL), strict=True)]
    ]
    helds = _helds(freeing, legal, lands, day, here)
    best = chosen(freeing, meals, helds, lands, here)
    cases = best[CASE].drop_duplicates(ignore_index=True)
    field = field_steps(cases, helds, lands, here)
    steps = _steps(followed, best, cases, field, legal, helds)
    told = cases.join(draws(cases, helds, legal, here))
    routes = _filled(routes, best, told, field, legal, lands)
    routes = _settled(routes, blocks, members, facts, here)
    named = [column.name for column in tables.TABLES["routes"].columns]
    routes = routes.sort_values(["block_id", "order"], ignore_index=True)[named]
    return (
        tables.check(steps, "steps", "étapes des voies"),
        tables.check(routes, "routes", "voies juridiques"),
    )


def _said(here: Setting) -> pd.DataFrame:
    rows = [
        {
            "instrument": name,
            "title": route.title,
            "kind": route.kind,
            "assumes": route.assumes or None,
            "instruments": " ; ".join(route.instruments),
            "ends_in": route.ends_in,
            "organic": route.organic,
            "organic_strength": route.organic_strength or None,
            "installed_farmer": route.installed_farmer,
            "farmer_rank": route.farmer_rank if isinstance(route.farmer_rank, int) else None,
            "acts": route.acts or None,
            "decides": route.decides or None,
            "cost": " ; ".join(filter(None, [route.cost, cost.told(name, here)])) or None,
            "risks": route.risks,
        }
        for name, route in here.routes.items()
    ]
    table = pd.DataFrame(rows)
    texts = [column for column in table if column != "farmer_rank"]
    return table.astype(dict.fromkeys(texts, "str") | {"farmer_rank": "Int64"})


def _followed(  # noqa: PLR0913, PLR0917 -- one table a stage before it
    routes: pd.DataFrame,
    blocks: pd.DataFrame,
    members: pd.DataFrame,
    facts: pd.DataFrame,
    rulings: pd.DataFrame,
    day: dt.date,
    here: Setting,
) -> pd.DataFrame:
    """Return the routes not closed, with all that their dates depend on but the crop."""
    limit = float(here.field["recognition"]["years_unused_at_least"])
    followed = routes.loc[~routes["answer"].eq(False).fillna(value=False).astype(bool), KEY]
    followed = followed.merge(circumstances(blocks, members, facts, limit), on="block_id")
    followed["needs"] = needs(followed, members, facts, rulings, day, here)
    names = list(holding(here, day))
    followed["gates"] = gate_states(followed["block_id"], members, rulings, names)
    return followed


def _cases(rows: pd.DataFrame, by: list[str]) -> list[tuple[str, ...]]:
    return list(rows[by].drop_duplicates().itertuples(index=False, name=None))


def _helds(
    freeing: pd.DataFrame, legal: dict[tuple[str, ...], Dated],
    lands: dict[tuple[str, ...], Dates], day: dt.date, here: Setting,
) -> dict[tuple[str, ...], Held]:  # fmt: skip
    gates = holding(here, day)
    found: dict[tuple[str, ...], Held] = {}
    for name, need, states in _cases(freeing, HELD):
        drawn = legal[name, need].draws
        assert drawn is not None
        found[name, need, states] = held(states, lands[name, need], drawn.land, gates, here)
    return found


def _steps(  # noqa: PLR0913, PLR0917 -- three kinds of cases set together
    followed: pd.DataFrame,
    best: pd.DataFrame,
    cases: pd.DataFrame,
    field: pd.DataFrame,
    legal: dict[tuple[str, ...], Dated],
    helds: dict[tuple[str, ...], Held],
) -> pd.DataFrame:
    """Return table `steps`: procedure, permits, field, in that order for each route."""
    parts = [
        _spread(followed, _listed({place: one.rows for place, one in legal.items()}, LEGAL), LEGAL),
        _spread(best, _listed({place: one.rows for place, one in helds.items()}, HELD), HELD),
    ]
    if len(field):
        numbered = cases.assign(field=range(len(cases)))
        keyed = best.merge(numbered, on=CASE)[[*KEY, "field"]]
        parts.append(keyed.merge(field, on="field").drop(columns="field"))
    kept = [part.assign(part=n) for n, part in enumerate(parts) if len(part)]
    if not kept:
        return pd.DataFrame(tables.empty("steps", extra=EXTRA))
    steps = pd.concat(kept, ignore_index=True).sort_values([*KEY, "part", "rank"])
    steps["position"] = steps.groupby(KEY).cumcount() + 1
    steps["critical"] = steps.get("critical", pd.Series(pd.NA, index=steps.index)).fillna(False)
    named = [column.name for column in tables.TABLES["steps"].columns]
    steps = steps.reindex(columns=named).reset_index(drop=True)
    return steps.astype({"article": "str", "text": "str"} | EXTRA)


def _listed(rows: dict[tuple[str, ...], list[dict[str, object]]], by: list[str]) -> pd.DataFrame:
    said = [
        dict(zip(by, place, strict=True)) | row | {"rank": rank}
        for place, listed in rows.items()
        for rank, row in enumerate(listed)
    ]
    return pd.DataFrame(said)


def _spread(cases: pd.DataFrame, rows: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    if rows.empty:
        return rows
    return (
        cases[[*KEY, *(c for c in by if c not in KEY)]]
        .merge(rows, on=by)
        .drop(columns=[c for c in by if c not in KEY])
    )


def _filled(  # noqa: PLR0913, PLR0917 -- one case of each kind a row
    routes: pd.DataFrame,
    best: pd.DataFrame,
    told: pd.DataFrame,
    field: pd.DataFrame,
    legal: dict[tuple[str, ...], Dated],
    lands: dict[tuple[str, ...], Dates],
) -> pd.DataFrame:
    """Return routes with their dates: bounds, legal floor, quantiles, chance, critical path."""
    if len(field):
        last = field[field["step"] == "premier_repas"].set_index("field")
        for end in SUFFIXES:
            told[f"first_meal_on{end}"] = last[f"ends_on{end}"].reindex(range(len(told)))
    places = list(zip(told["instrument"], told["needs"], strict=True))
    for n, end in ((0, "_low"), (1, ""), (2, "_high")):
        told[f"land_on{end}"] = pd.to_datetime([lands[place][n] for place in places])
    floors = pd.Series([legal[place].legal_floor for place in places], index=told.index)
    told["land_on_floor"] = pd.to_datetime(floors)
    told["critical_path"] = [" → ".join(legal[place].path) for place in places]
    rows = best.merge(told, on=CASE).drop(columns=[c for c in CASE if c not in (*KEY, "gates")])
    return routes.merge(rows, on=KEY, how="left").astype({"gates": "str", "critical_path": "str"})


def _settled(
    routes: pd.DataFrame, blocks: pd.DataFrame, members: pd.DataFrame, facts: pd.DataFrame,
    here: Setting,
) -> pd.DataFrame:  # fmt: skip
    """Return routes with costs, order, advice, and whether the budget pays for their block."""
    routes = routes.join(cost.costs(routes, blocks, cost.prices(facts, here.cost), here))
    routes = routes.join(ranked(routes, members, facts, here))
    by_block = blocks.set_index(blocks["block_id"].astype("str"))
    rank = by_block.get("rank", pd.Series(range(1, len(blocks) + 1), index=by_block.index))
    paid = cost.funded(routes, rank.astype(int), here.budget_eur)
    return routes.assign(funded=routes["block_id"].map(paid).astype("boolean"))

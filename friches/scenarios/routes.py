"""The ways to free each block: legal steps dated, then clearing, conversion, harvest, meal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from friches import tables
from friches.errors import refuse
from friches.judge import version_on
from friches.scenarios.field import field_rows, figures
from friches.scenarios.openings import KEY, openings
from friches.scenarios.rule import instruments
from friches.scenarios.timeline import SUFFIXES, Dates, dated_table, schedule

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from friches.judge import Document, Step

ABOUT = ("organic", "installed_farmer", "cost", "risks")
CASE = ["instrument", "needs", "stage", "recognisable", "food_group"]


def plan(  # noqa: PLR0913, PLR0917 -- one table a stage before it
    blocks: pd.DataFrame,
    members: pd.DataFrame,
    rulings: pd.DataFrame,
    facts: pd.DataFrame,
    meals: pd.DataFrame,
    day: dt.date,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Date every step of every route not closed, and order the routes of each block.

    Parameters
    ----------
    blocks, members, rulings, facts, meals : DataFrame
        Tables of those names; rulings of every member parcel, as `rule` returns them.
    day : date
        First day of every procedure, and day at which the law is read.

    Returns
    -------
    steps, routes : DataFrame
        Tables of those names. Beyond their columns: steps has branch (text) and optional
        (boolean); routes has assumes (what central dates suppose).
    """
    if blocks.empty:
        return tables.empty("steps"), tables.empty("routes")
    routes = openings(blocks, members, rulings, day)
    routes = routes.merge(_told(), on="instrument")
    followed = routes.loc[~routes["answer"].eq(False).fillna(False), KEY]
    followed = followed.merge(_circumstances(blocks, members, facts), on="block_id")
    followed["needs"] = _needs(followed, members, facts)
    legal, lands = _procedures(followed, day)
    field = _fields(followed, meals, lands)
    steps = _numbered(legal, field)
    routes = _with_dates(routes, steps)
    named = [column.name for column in tables.TABLES["routes"].columns]
    routes = routes.sort_values(["block_id", "order"], ignore_index=True)[[*named, "assumes"]]
    return (
        tables.check(steps, "steps", "étapes des voies"),
        tables.check(routes, "routes", "voies juridiques"),
    )


def _told() -> pd.DataFrame:
    rows = [
        {
            "instrument": name,
            "title": document.title,
            "land_step": str(document.about["land"]),
            "amicable": document.about["kind"] == "amiable",
            "usual_order": document.about["order"],
            "assumes": document.about.get("expected_branch_why"),
            **{key: document.about[key] for key in ABOUT},
        }
        for name, document in instruments().items()
    ]
    return pd.DataFrame(rows).astype({"assumes": "str"})


def _circumstances(
    blocks: pd.DataFrame, members: pd.DataFrame, facts: pd.DataFrame
) -> pd.DataFrame:
    """Return block_id, stage, and whether untreated years may be recognised for the whole block."""
    limit = figures()["recognition"]["years_unused_at_least"]
    known = facts.reindex(columns=["parcel_id", "years_unused_high"])
    years = members.merge(known, on="parcel_id", how="left")
    fewest = years.groupby("block_id")["years_unused_high"].min()
    stages = blocks[["block_id", "stage"]].astype("str").reset_index(drop=True)
    recent = stages["block_id"].map(fewest) < limit
    return pd.DataFrame(stages).assign(recognisable=~recent.fillna(False))


def _needs(followed: pd.DataFrame, members: pd.DataFrame, facts: pd.DataFrame) -> pd.Series[str]:
    """Say which optional steps each route needs (+), does without (-), or may need (?)."""
    told = pd.Series("", index=followed.index, dtype="str")
    for name, document in instruments().items():
        here = followed["instrument"] == name
        for need in _optional_needs(document, name):
            step, fact, wanted = need
            known = facts.reindex(columns=["parcel_id", fact])
            answers = members.merge(known, on="parcel_id", how="left")
            matches = answers[fact].astype("boolean").eq(wanted == "yes")
            some, may = (
                followed["block_id"].map(matches.fillna(unknown).groupby(answers["block_id"]).any())
                for unknown in (False, True)
            )
            sign = pd.Series("?", index=told.index, dtype="str").mask(~may, "-").mask(some, "+")
            told = told.mask(here, told + " " + sign + step)
    return told


def _optional_needs(document: Document, name: str) -> list[list[str]]:
    said = document.about.get("optional_needs", [])
    needs = [need.split() for need in said] if isinstance(said, list) else []
    for need in needs:
        if len(need) != 3 or need[2] not in ("yes", "no"):
            fault = f"« optional_needs » illisible : « {' '.join(need)} »"
            raise refuse(fault, name, "« étape fait yes|no »")
    return needs


def fitted(steps: Sequence[Step], needs: str) -> list[Step]:
    """Return the steps that circumstances call for: « +step » is needed, « -step » is left out."""
    signs = {need[1:]: need[0] for need in needs.split()}
    out = {name for name, sign in signs.items() if sign == "-"}
    kept = []
    for step in steps:
        if step.id in out:
            continue
        changed: dict[str, Any] = {"after": _reattached(step, steps, out)}
        if signs.get(step.id) == "+":
            changed["optional"] = False
        kept.append(step.model_copy(update=changed))
    return kept


def _reattached(step: Step, steps: Sequence[Step], out: set[str]) -> list[str]:
    """Return what a step waits for once the steps left out are replaced by what they waited for."""
    before = {other.id: other for other in steps}
    found: dict[str, None] = {}
    for name in step.after:
        names = _reattached(before[name], steps, out) if name in out else [name]
        found |= dict.fromkeys(names)
    return list(found)


def _procedures(
    followed: pd.DataFrame, day: dt.date
) -> tuple[pd.DataFrame, dict[tuple[str, str], Dates]]:
    dated: list[pd.DataFrame] = [tables.empty("steps")]
    lands: dict[tuple[str, str], Dates] = {}
    for (name, needs), routes in followed.groupby(["instrument", "needs"]):
        document = instruments()[str(name)]
        steps = fitted(version_on(document, day).step, str(needs))
        dates = schedule(steps, day, str(document.about.get("expected_branch", "")), str(name))
        land = str(document.about["land"])
        if land not in dates:
            raise refuse(f"« land » nomme l'étape inconnue « {land} »", name, "corriger [about]")
        lands[str(name), str(needs)] = dates[land][1]
        dated.append(routes[KEY].merge(dated_table(steps, dates), how="cross"))
    return _stacked(dated), lands


def _stacked(parts: list[pd.DataFrame]) -> pd.DataFrame:
    filled = [part for part in parts if not part.empty] or parts[:1]
    return pd.concat(filled, ignore_index=True)


def _fields(
    followed: pd.DataFrame, meals: pd.DataFrame, lands: dict[tuple[str, str], Dates]
) -> pd.DataFrame:
    """Return the steps in the field, with the crop of each route whose first meal comes first."""
    grown = meals.loc[meals["kg"] > 0, ["block_id", "crop", "food_group"]].astype("str")
    options = followed.merge(grown, on="block_id", how="left")
    cases = options[CASE].drop_duplicates(ignore_index=True)
    rows = []
    for case, (name, needs, stage, recognisable, group) in enumerate(
        cases.itertuples(index=False, name=None)
    ):
        known = [None if pd.isna(value) else str(value) for value in (stage, group)]
        made = field_rows(lands[name, needs], known[0], known[1], bool(recognisable))
        rows += [row | {"case": case, "rank": rank} for rank, row in enumerate(made)]
    if not rows:
        return pd.DataFrame(tables.empty("steps", extra={"rank": "int64"}))
    table = pd.DataFrame(rows)
    last = table.groupby("case").tail(1).set_index("case")
    options = options.merge(cases.assign(case=range(len(cases))), on=CASE, how="left")
    for column in ("ends_on", "ends_on_low", "ends_on_high"):
        options[column] = options["case"].map(last[column])
    options = options.sort_values([*KEY, "ends_on", "ends_on_low", "ends_on_high", "crop"])
    best = options.drop_duplicates(KEY)[[*KEY, "case"]]
    return best.merge(table, on="case").drop(columns="case")


def _numbered(legal: pd.DataFrame, field: pd.DataFrame) -> pd.DataFrame:
    if legal.empty:
        return pd.DataFrame(tables.empty("steps", extra={"branch": "str", "optional": "boolean"}))
    last = legal.groupby(KEY)["position"].max().rename("last").reset_index()
    field = field.merge(last, on=KEY)
    field["position"] = field["last"] + field["rank"] + 1
    steps = _stacked([legal, field.drop(columns=["last", "rank"])])
    steps = steps.sort_values([*KEY, "position"], ignore_index=True)
    for column in ("article", "text", "branch"):
        steps[column] = steps[column].astype("str")
    steps["optional"] = steps["optional"].astype("boolean")
    named = [column.name for column in tables.TABLES["steps"].columns]
    return steps[[*named, "branch", "optional"]]


def _with_dates(routes: pd.DataFrame, steps: pd.DataFrame) -> pd.DataFrame:
    ends = [f"ends_on{suffix}" for suffix in SUFFIXES]
    for what, wanted in (("land_on", routes["land_step"]), ("first_meal_on", "premier_repas")):
        names = {old: f"{what}{suffix}" for old, suffix in zip(ends, SUFFIXES, strict=True)}
        told = steps[[*KEY, "step", *ends]].rename(columns=names)
        routes = routes.assign(step=wanted).merge(told, on=[*KEY, "step"], how="left")
        routes = routes.drop(columns="step")
    closed = routes["answer"].eq(False).fillna(False)
    sort = routes.assign(closed=closed, forced=~routes["amicable"])
    by = ["block_id", "closed", "forced", "land_on", "usual_order", "instrument"]
    place = sort.sort_values(by).groupby("block_id").cumcount() + 1
    return routes.assign(order=place.astype("Int64"))

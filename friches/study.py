"""The one path, on one page: sources -> facts -> fallow? -> blocks -> meals, farms, law.

Every stage is a function of tables. Geometry stops after `facts`; rules and law read facts.
"""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from friches import fallow, feeding, group, keep, privacy, tables
from friches.facts import dictionary, measure
from friches.result import Result
from friches.scenarios.setting import setting
from friches.scenarios.territory import law_of
from friches.scenarios.whatif import apply, apply_facts, read_whatif
from friches.sources.answersfile import answers_key, given_answers, settle
from friches.sources.catalogue import catalogue
from friches.sources.exclusions import exclusions_key, read_exclusions
from friches.sources.pictures import SHOWN_ONLY
from friches.sources.read import layer_keys, provenance, read_layers
from friches.spatial.reach import travel
from friches.summary import summarise

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import pandas as pd

    from friches.scenarios.whatif import WhatIf
    from friches.studyfile import Study

Progress = "Callable[[str], AbstractContextManager[Any]]"

STAGES = {
    "layers": "lecture des couches",
    "facts": "mesure des faits",
    "fallow": "règles de détection",
    "blocks": "îlots",
    "reach": "temps de trajet",
    "meals": "récoltes et repas",
    "law": "procédures et dates",
    "matches": "fermes et cantines",
    "plan": "plan d'action",
}


def run(
    study: Study,
    *,
    keep_in: Path | None = None,
    what_if: Path | None = None,
    progress: Callable[[str], AbstractContextManager[Any]] | None = None,
) -> Result:
    """Run a study from its files to its tables (nothing is written but kept stages).

    Parameters
    ----------
    study : Study
        From `friches.open(path)`.
    keep_in : Path, optional
        Folder where stages are kept between runs; by default `.friches` beside the study file,
        if it can be written.
    what_if : Path, optional
        A what-if file: other delays, thresholds, costs, answers (README, "What-if files").
    progress : callable, optional
        Called with each stage's French name; returns a context manager.

    Raises
    ------
    InputError
        Every breach of every layer, at once.
    """
    privacy.check_purpose(study)
    asked, answers = read_exclusions(study), given_answers(study)
    supposed = read_whatif(what_if) if what_if else None
    folder = keep_in or study.folder / ".friches"
    restricted = study.study.audience == "restricted"  # names are kept nowhere but in the outputs
    spent: dict[str, float] = {}
    kept = folder if keep.writable(folder) and not restricted else None
    stage = _stages(kept, progress or _silent, spent)

    keys = layer_keys(study)
    layers = stage("layers", keys, lambda: read_layers(study))
    spatial = {k: keys[k] for k in keys if k not in ("canteens", "farmers", "farm_fields")}
    measured = stage("facts", spatial, lambda: {"facts": measure(layers)})["facts"]

    # Answers on parcels and communes count in detection, those on blocks once there are blocks.
    # Who said what is kept in no stage.
    facts, _ = settle(measured, answers)
    judged = [spatial, study.study.day, answers_key(study)]
    found = stage("fallow", judged, lambda: _judge(facts, study))
    parcels = layers["parcels"]
    judged = [*judged, exclusions_key(study)]
    withdrawn = list(asked["parcel_id"])
    grouped = stage("blocks", judged, lambda: _group(parcels, facts, found, withdrawn))
    blocks, members = grouped["blocks"], grouped["members"]
    facts, contradictions = settle(measured, answers, members)

    places = [keys.get("canteens"), keys.get("farmers"), keys.get("roads"), study.reach]
    reach = stage("reach", [judged, places], lambda: _reach(blocks, layers, study))["reach"]
    grown = stage("meals", judged, lambda: feeding.harvests(blocks, members, facts))
    changed = [*judged, supposed.model_dump(mode="json") if supposed else None]
    law = stage(
        "law", changed, lambda: _law(blocks, members, facts, grown["meals"], study, supposed)
    )
    canteens, farmers = (_or_empty(layers, name, study) for name in ("canteens", "farmers"))
    beside = feeding.neighbours(blocks, layers.get("farm_fields"))
    wanted = [judged, places, keys.get("farm_fields"), study.goal.organic_share]
    people = (canteens, farmers, beside)
    fed = stage(
        "matches", wanted, lambda: feeding.feed(blocks, grown["supply"], reach, *people, study)
    )
    opened = stage(
        "plan",
        [changed, wanted, study.goal],
        lambda: feeding.open_in_order(blocks, law["routes"], grown["meals"], fed, study),
    )
    result = Result(
        study=study,
        parcels=parcels,
        canteens=canteens,
        farmers=farmers,
        facts=facts,
        reach=reach,
        **found,
        **grouped,
        **grown,
        **law,
        **fed,
        **opened,
        missing=missing_layers(layers),
        provenance=provenance(study, layers),
        roads=layers.get("roads"),
        owners=layers.get("owners"),
        exclusions=asked,
        answers=answers,
        contradictions=contradictions,
        durations=spent,
    )
    return summarise(result)


def _stages(
    folder: Path | None,
    progress: Callable[[str], AbstractContextManager[Any]],
    spent: dict[str, float],
) -> Callable[[str, Any, Callable[[], dict[str, Any]]], dict[str, Any]]:
    def stage(name: str, parts: Any, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        key = keep.digest(name, keep.code_digest(), _said(parts))
        started = time.perf_counter()
        with progress(STAGES[name]):
            made = keep.kept(folder, name, key, make)
        spent[name] = round(time.perf_counter() - started, 3)
        return made

    return stage


def _said(parts: Any) -> Any:
    if hasattr(parts, "model_dump"):
        return parts.model_dump(mode="json")
    if isinstance(parts, list):
        return [_said(part) for part in parts]
    return parts


def _silent(_stage: str) -> AbstractContextManager[Any]:
    return nullcontext()


def _judge(facts: pd.DataFrame, study: Study) -> dict[str, Any]:
    evidence = fallow.gather(facts, study.study.day)
    return {"evidence": evidence, "fallow": fallow.conclude(facts, evidence)}


def _group(
    parcels: Any, facts: pd.DataFrame, found: Mapping[str, Any], withdrawn: list[str]
) -> dict[str, Any]:
    blocks, members = group.form_blocks(
        parcels, facts, found["fallow"], found["evidence"], withdrawn
    )
    return {"blocks": blocks, "members": members}


def _reach(blocks: Any, layers: Mapping[str, Any], study: Study) -> dict[str, Any]:
    import geopandas as gpd
    import pandas as pd

    named = []
    for layer, kind in (("farmers", "farm"), ("canteens", "canteen")):
        if layer in layers:
            table = layers[layer]
            ids = table["farmer_id" if kind == "farm" else "canteen_id"]
            named.append(table[["geometry"]].assign(place_id=ids, kind=kind))
    if not named or blocks.empty:
        return {"reach": tables.empty("reach")}
    places = gpd.GeoDataFrame(pd.concat(named, ignore_index=True), crs=blocks.crs)
    within = {"farm": study.reach.minutes_to_farm, "canteen": study.reach.minutes_to_canteen}
    return {"reach": travel(blocks, places, layers.get("roads"), within)}


def _law(  # noqa: PLR0913, PLR0917 -- one argument a table
    blocks: Any,
    members: pd.DataFrame,
    facts: pd.DataFrame,
    grown: pd.DataFrame,
    study: Study,
    supposed: WhatIf | None,
) -> dict[str, pd.DataFrame]:
    here = apply(supposed) if supposed else setting()
    facts = apply_facts(supposed, facts, members) if supposed else facts
    return law_of(blocks, members, facts, grown, study.study.day, here)


def _or_empty(layers: Mapping[str, Any], name: str, study: Study) -> Any:
    return layers[name] if name in layers else tables.empty(name, crs=study.crs)


def missing_layers(layers: Mapping[str, Any]) -> pd.DataFrame:
    """Return the layers that were not given: layer, label, and what each would settle (French)."""
    import pandas as pd

    given = {"land_cover" if name == "land_cover_raster" else name for name in layers}
    rows = [
        (layer, said["label"], said["settles"])
        for layer, said in catalogue().items()
        if layer not in given and layer != "cadastre" and layer not in SHOWN_ONLY
    ]
    return pd.DataFrame(rows, columns=["layer", "label", "settles"]).astype("str")


def facts_guide() -> pd.DataFrame:
    """Return every fact with its label, layer, question and whom to ask (for the column guide)."""
    import pandas as pd

    return pd.DataFrame(
        [(n, f.label, f.layer, f.ask, f.whom) for n, f in dictionary().items()],
        columns=["fact", "label", "layer", "ask", "whom"],
    )

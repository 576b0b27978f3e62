"""The one path, on one page: sources -> facts -> fallow? -> blocks -> meals, farms, law.

Every stage is a function of tables. Geometry stops after `facts`; rules and law read facts.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any, NamedTuple

from friches import fallow, feeding, group, keep, privacy, tables
from friches.crew import crew
from friches.facts import dictionary
from friches.layers import shelve_layers
from friches.measuring import measure_parts
from friches.result import Result
from friches.scenarios.setting import setting
from friches.scenarios.territory import law_of
from friches.scenarios.whatif import apply, apply_facts, read_whatif
from friches.sources import shelf
from friches.sources.answersfile import answers_key, given_answers, settle
from friches.sources.catalogue import catalogue
from friches.sources.exclusions import exclusions_key, read_exclusions
from friches.sources.pictures import SHOWN_ONLY
from friches.sources.read import layer_keys, provenance, read_layer
from friches.spatial.reach import travel
from friches.stages import Shop, place, silent
from friches.summary import summarise

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pandas as pd

    from friches.crew import Mapped
    from friches.scenarios.whatif import WhatIf
    from friches.stages import Progress
    from friches.studyfile import Study


def run(  # noqa: PLR0913 -- one argument an option
    study: Study,
    *,
    keep_in: Path | None = None,
    what_if: Path | None = None,
    progress: Progress | None = None,
    workers: int = 0,
    scheduler: str = "",
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
    workers, scheduler : int, str
        Processes on this machine, or the address of a Dask cluster (see `crew`); by default all is
        done in this process. No answer depends on it.

    Raises
    ------
    InputError
        Every breach of every layer, at once.
    """
    privacy.check_purpose(study)
    supposed = read_whatif(what_if) if what_if else None
    restricted = study.study.audience == "restricted"  # names are kept nowhere but in the outputs
    folder = keep_in or study.folder / ".friches"
    kept = folder if keep.writable(folder) and not restricted else None
    with place(kept) as folder:
        shop = Shop(kept, folder, progress or silent, {})
        with crew(workers, scheduler) as mapped:  # what follows is small: workers go
            measured = _measured(study, shop, mapped)
        return summarise(_tail(_head(study, *measured, shop), supposed, shop))


class _Land(NamedTuple):
    """What detection hands on: keys and files of layers, all it was judged on, tables."""

    study: Study
    keys: dict[str, str]
    layers: dict[str, Path]
    judged: list[Any]
    tables: dict[str, Any]


def _measured(
    study: Study, shop: Shop, mapped: Mapped
) -> tuple[dict[str, str], dict[str, Path], pd.DataFrame]:
    """Follow the path from sources to facts: keys and files of layers, table `facts`."""
    keys = layer_keys(study)
    layers = shop.stage(
        "layers", keys, lambda: shelve_layers(study, shop.place, keys, mapped), keeps=False
    )
    spatial = _spatial(keys)

    def measure() -> dict[str, Any]:
        folder = keep.place_of(shop.place, "parts", keep.digest(keep.code_digest(), spatial))
        keep.forget(shop.place, "parts", folder)  # those of other layers
        facts = measure_parts(layers, folder, mapped)
        shutil.rmtree(folder, ignore_errors=True)
        return {"facts": facts}

    return keys, layers, shop.stage("facts", spatial, measure)["facts"]


def _spatial(keys: Mapping[str, str]) -> dict[str, str]:
    return {k: keys[k] for k in keys if k not in ("canteens", "farmers", "farm_fields")}


def _head(
    study: Study, keys: dict[str, str], layers: dict[str, Path], measured: pd.DataFrame, shop: Shop
) -> _Land:
    """Follow the path from facts to blocks."""
    asked, answers = read_exclusions(study), given_answers(study)
    # Answers on parcels and communes count in detection, those on blocks once there are blocks.
    # Who said what is kept in no stage.
    facts, _ = settle(measured, answers)
    judged = [_spatial(keys), study.study.day, answers_key(study)]
    found = shop.stage("fallow", judged, lambda: _judge(facts, study))
    judged = [*judged, exclusions_key(study)]
    parcels = shelf.whole(layers["parcels"])
    withdrawn = list(asked["parcel_id"])
    grouped = shop.stage("blocks", judged, lambda: _group(parcels, facts, found, withdrawn))
    facts, contradictions = settle(measured, answers, grouped["members"])
    made = {
        "parcels": parcels,
        "facts": facts,
        "exclusions": asked,
        "answers": answers,
        "contradictions": contradictions,
    }
    return _Land(study, keys, layers, judged, made | found | grouped)


def _tail(land: _Land, supposed: WhatIf | None, shop: Shop) -> Result:
    """Follow the path from blocks to the plan."""
    study, keys, layers, judged, made = land
    blocks, members, facts = made["blocks"], made["members"], made["facts"]
    beside_it = {name: _whole(layers, name) for name in BESIDE}
    places = [keys.get("canteens"), keys.get("farmers"), keys.get("roads"), study.reach]
    reach = shop.stage("reach", [judged, places], lambda: _reach(blocks, beside_it, study))["reach"]
    grown = shop.stage("meals", judged, lambda: feeding.harvests(blocks, members, facts))
    first = study.study.told_in_full
    changed = [*judged, first, supposed.model_dump(mode="json") if supposed else None]
    law = shop.stage("law", changed, lambda: _law(made, grown["meals"], land, supposed))
    canteens, farmers = (_or_empty(beside_it[name], name, study) for name in PLACES)
    people = canteens, farmers, feeding.neighbours(blocks, beside_it["farm_fields"])
    wanted = [judged, places, keys.get("farm_fields"), study.goal.organic_share, first]
    fed = shop.stage(
        "matches", wanted, lambda: feeding.feed(blocks, grown["supply"], reach, *people, study)
    )
    opened = shop.stage(
        "plan",
        [changed, wanted, study.goal],
        lambda: feeding.open_in_order(blocks, law["routes"], grown["meals"], fed, study),
    )
    return Result(
        study=study,
        canteens=canteens,
        farmers=farmers,
        reach=reach,
        roads=beside_it["roads"],
        owners=_owners(layers, study),
        missing=missing_layers(layers),
        provenance=provenance(study, {n: keep.read_attrs(path) for n, path in layers.items()}),
        durations=shop.spent,
        **made,
        **grown,
        **law,
        **fed,
        **opened,
    )


PLACES = ("canteens", "farmers")
BESIDE = (*PLACES, "roads", "farm_fields")
"""Layers that are not measured on parcels, but read beside blocks."""


def _whole(layers: Mapping[str, Path], name: str) -> Any:
    return shelf.whole(layers[name]) if name in layers else None


def _owners(layers: Mapping[str, Path], study: Study) -> Any:
    """Return the owners' table, with names when the audience may read them."""
    if study.study.audience == "restricted" and "owners" in layers:
        return read_layer(study, "owners", None)[1]
    return _whole(layers, "owners")


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
        if layers[layer] is not None:
            table = layers[layer]
            ids = table["farmer_id" if kind == "farm" else "canteen_id"]
            named.append(table[["geometry"]].assign(place_id=ids, kind=kind))
    if not named or blocks.empty:
        return {"reach": tables.empty("reach")}
    places = gpd.GeoDataFrame(pd.concat(named, ignore_index=True), crs=blocks.crs)
    within = {"farm": study.reach.minutes_to_farm, "canteen": study.reach.minutes_to_canteen}
    return {"reach": travel(blocks, places, layers["roads"], within)}


def _law(
    made: Mapping[str, Any], grown: pd.DataFrame, land: _Land, supposed: WhatIf | None
) -> dict[str, pd.DataFrame]:
    here = apply(supposed) if supposed else setting()
    blocks, members, facts = made["blocks"], made["members"], made["facts"]
    facts = apply_facts(supposed, facts, members) if supposed else facts
    about = land.study.study
    return law_of(blocks, members, facts, grown, about.day, here, about.told_in_full)


def _or_empty(table: Any, name: str, study: Study) -> Any:
    return tables.empty(name, crs=study.crs) if table is None else table


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

"""The sheets of the workbook, column by column, labelled as the tables are described."""

from __future__ import annotations

from friches import tables
from friches.view import words
from friches.view.cells import Column
from friches.view.lexicon import w

LISTS = {"liste_reponses": words.SEEN, "liste_stades": tables.STAGES}
REVIEW_KINDS = {
    "checked_on": ("date", 12, ""),
    "checked_by": ("text", 14, ""),
    "checked_answer": ("text", 16, "liste_reponses"),
    "checked_stage": ("text", 22, "liste_stades"),
    "comment": ("text", 30, ""),
}
REVIEW = tuple(
    Column(name, w.workbook.review[name], kind, width, choices, review=True)
    for name, (kind, width, choices) in REVIEW_KINDS.items()
)
EDITION = (
    Column("run_id", w.workbook.edition.run_id, width=13),
    Column("facts_hash", w.workbook.edition.facts_hash, width=15),
)


def _of(table: str, name: str, kind: str = "text", width: float = 0.0) -> Column:
    """Return a column labelled as the table's description says."""
    label = next(c.label for c in tables.TABLES[table].columns if c.name == name)
    return Column(name, label, kind, width)


def _own(sheet: str, name: str, kind: str = "text", width: float = 0.0) -> Column:
    """Return a column labelled in words.toml, under workbook and the sheet's name."""
    return Column(name, w.workbook[sheet][name], kind, width)


BLOCKS = (
    _of("blocks", "block_id", width=12),
    _own("blocks", "answer", width=13),
    _of("blocks", "stage", width=22),
    _of("blocks", "area_ha", "ha"),
    _of("blocks", "rank", "integer", 11),
    *REVIEW,
    _of("blocks", "commune", width=10),
    _of("blocks", "area_measured_ha", "ha"),
    _of("blocks", "n_parcels", "integer"),
    Column("owners_said", words.COLUMNS["owners_said"], width=14),
    _of("blocks", "owner_kinds", width=26),
    _of("blocks", "share_known", "share"),
    _of("blocks", "slope_mean_pct", "number"),
    _of("blocks", "altitude_mean_m", "integer"),
    _of("blocks", "past_use", width=24),
    _own("blocks", "farm", width=26),
    _of("matches", "minutes", "number"),
    _own("blocks", "canteen", width=26),
    _of("matches", "minutes_canteen", "number"),
    *(_of("meals", name, "integer") for name in ("meals_low", "meals", "meals_high")),
    _own("blocks", "route", width=40),
    _own("blocks", "route_answer", width=13),
    *(_of("routes", f"land_on{end}", "date") for end in ("_low", "", "_high")),
    *(_of("routes", f"first_meal_on{end}", "date") for end in ("_low", "", "_high")),
    _of("blocks", "to_ask", "long"),
    _own("blocks", "sheet", width=18),
    *EDITION,
)
PARCELS = (
    _of("fallow", "parcel_id", width=17),
    _of("members", "block_id", width=11),
    _own("blocks", "answer", width=13),
    _of("fallow", "stage", width=22),
    _of("facts", "area_registered_m2", "integer"),
    _of("fallow", "rank", "integer", 11),
    *REVIEW,
    _of("facts", "commune", width=10),
    *(_of("parcels", name, width=9) for name in ("prefix", "section", "number")),
    _of("facts", "area_m2", "integer"),
    *(
        Column(name, words.COLUMNS[name], kind, width)
        for name, kind, width in (
            ("zone_plu", "text", 14),
            ("owner_kind", "text", 20),
            ("years_unused_low", "integer", 13),
            ("years_unused_high", "integer", 13),
            ("slope_mean_pct", "number", 10),
            ("road_distance_m", "integer", 13),
        )
    ),
    _of("fallow", "share_known", "share"),
    _of("fallow", "reasons", "long"),
    _of("fallow", "against", "long"),
    _of("fallow", "to_ask", "long"),
    *EDITION,
)
QUESTIONS = (
    _own("questions", "question_id", width=11),
    _own("questions", "whom", "long", 36),
    _own("questions", "question", "long", 70),
    _own("questions", "about", "long", 34),
    _own("questions", "n_parcels", "integer", 11),
    _own("questions", "n_blocks", "integer", 11),
    _own("questions", "blocks", "long", 34),
    _own("questions", "asked_on", "date", 12)._replace(review=True),
    _own("questions", "comment", "text", 40)._replace(review=True),
)
FIRST = (_own("first", "topic", width=26), _own("first", "text", "long", 110))
METHOD = (
    _own("method", "rule", "long", 36),
    _own("method", "role", width=18),
    _own("method", "fact", "long", 34),
    _own("method", "needed", "long", 18),
    _own("method", "text", "long", 56),
    _own("method", "source", "long", 56),
    _own("method", "weight", "long", 34),
)
SOURCES = (
    _own("sources", "layer", width=30),
    _own("sources", "state", width=12),
    _own("sources", "file", width=34),
    _own("sources", "vintage", width=20),
    _own("sources", "publisher", "long", 30),
    _own("sources", "licence", "long", 24),
    _own("sources", "attribution", "long", 34),
    _own("sources", "settles", "long", 60),
    _own("sources", "sha256", width=20),
)
GUIDE = (
    _own("guide", "column", "long", 52),
    _own("guide", "sheet", width=16),
    _own("guide", "name", width=22),
    _own("guide", "kind", width=14),
    _own("guide", "filled", width=26),
)
PLAN = (
    _of("openings", "position", "integer", 8),
    _of("openings", "block_id", width=12),
    _of("openings", "title", width=40),
    *(_of("openings", name, "date") for name in ("starts_on", "land_on")),
    *(
        _of("openings", name, "date")
        for name in ("first_meal_on_low", "first_meal_on", "first_meal_on_high")
    ),
    _of("openings", "cost_eur", "integer"),
    _of("openings", "chance", "share"),
    _of("openings", "meals", "integer"),
    _of("openings", "why", width=60),
)
HARVESTS = (
    _of("plots", "block_id", width=12),
    _of("plots", "crop", width=26),
    _of("plots", "food_group", width=20),
    _own("harvests", "farm", width=26),
    _of("plots", "area_ha", "ha"),
    *(_of("plots", name, "integer") for name in ("kg_low", "kg", "kg_high")),
    *(_of("prices", name, "number") for name in ("eur_kg_low", "eur_kg", "eur_kg_high")),
    _of("prices", "eur_kg_now", "number"),
    *(
        _of("prices", name, "number")
        for name in ("cents_per_meal_low", "cents_per_meal", "cents_per_meal_high")
    ),
)

"""The sheets of the workbook, column by column, labelled as the tables are described."""

from __future__ import annotations

from friches import tables
from friches.view import words
from friches.view.cells import Column

LISTS = {"liste_reponses": words.SEEN, "liste_stades": tables.STAGES}
REVIEW = (
    Column("checked_on", "Vérifié le", "date", 12, review=True),
    Column("checked_by", "Vérifié par", "text", 14, review=True),
    Column("checked_answer", "Réponse constatée", "text", 16, "liste_reponses", review=True),
    Column("checked_stage", "Stade constaté", "text", 22, "liste_stades", review=True),
    Column("comment", "Commentaire", "text", 30, review=True),
)
EDITION = (
    Column("run_id", "Édition de l'analyse", "text", 13),
    Column("facts_hash", "Empreinte de la ligne", "text", 15),
)


def _of(table: str, name: str, kind: str = "text", width: float = 0.0) -> Column:
    """Return a column labelled as the table's description says."""
    label = next(c.label for c in tables.TABLES[table].columns if c.name == name)
    return Column(name, label, kind, width)


BLOCKS = (
    _of("blocks", "block_id", width=12),
    Column("answer", "Réponse de l'analyse", width=13),
    _of("blocks", "stage", width=22),
    _of("blocks", "area_ha", "ha"),
    _of("blocks", "rank", "integer", 11),
    *REVIEW,
    _of("blocks", "commune", width=10),
    _of("blocks", "area_measured_ha", "ha"),
    _of("blocks", "n_parcels", "integer"),
    Column("owners_said", "Nombre de propriétaires", width=14),
    _of("blocks", "owner_kinds", width=26),
    _of("blocks", "share_known", "share"),
    _of("blocks", "slope_mean_pct", "number"),
    _of("blocks", "altitude_mean_m", "integer"),
    _of("blocks", "past_use", width=24),
    Column("farm", "Ferme proposée", width=26),
    _of("matches", "minutes", "number"),
    Column("canteen", "Cantine proposée", width=26),
    _of("matches", "minutes_canteen", "number"),
    *(_of("meals", name, "integer") for name in ("meals_low", "meals", "meals_high")),
    Column("route", "Voie conseillée", width=40),
    Column("route_answer", "État de cette voie", width=13),
    *(_of("routes", f"land_on{end}", "date") for end in ("_low", "", "_high")),
    *(_of("routes", f"first_meal_on{end}", "date") for end in ("_low", "", "_high")),
    _of("blocks", "to_ask", "long"),
    Column("sheet", "Fiche (fichier)", width=18),
    *EDITION,
)
PARCELS = (
    _of("fallow", "parcel_id", width=17),
    _of("members", "block_id", width=11),
    Column("answer", "Réponse de l'analyse", width=13),
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
    Column("question_id", "Question n°", width=11),
    Column("whom", "À qui la poser", "long", 36),
    Column("question", "Question", "long", 70),
    Column("about", "Ce qu'elle règle", "long", 34),
    Column("n_parcels", "Parcelles en attente", "integer", 11),
    Column("n_blocks", "Îlots en attente", "integer", 11),
    Column("blocks", "Lesquels", "long", 34),
    Column("asked_on", "Posée le", "date", 12, review=True),
    Column("comment", "Réponse reçue", "text", 40, review=True),
)
FIRST = (Column("topic", "Rubrique", width=26), Column("text", "À savoir", "long", 110))
METHOD = (
    Column("rule", "Règle", "long", 36),
    Column("role", "Si oui", width=18),
    Column("fact", "Mesure", "long", 34),
    Column("needed", "Seuil", "long", 18),
    Column("text", "Phrase de la source", "long", 56),
    Column("source", "Source et marque", "long", 56),
    Column("weight", "Poids", "long", 34),
)
SOURCES = (
    Column("layer", "Couche", width=30),
    Column("state", "État", width=12),
    Column("file", "Fichier", width=34),
    Column("vintage", "Millésime", width=20),
    Column("publisher", "Producteur", "long", 30),
    Column("licence", "Licence", "long", 24),
    Column("attribution", "Mention à citer", "long", 34),
    Column("settles", "Ce que la couche règle", "long", 60),
    Column("sha256", "Empreinte du fichier (sha256)", width=20),
)
GUIDE = (
    Column("column", "Colonne", "long", 52),
    Column("sheet", "Feuille", width=16),
    Column("name", "Nom technique", width=22),
    Column("kind", "Nature", width=14),
    Column("filled", "Qui la remplit", width=26),
)

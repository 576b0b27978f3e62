"""French for everything a reader sees: words, units, numbers and dates, in one place."""

from __future__ import annotations

import datetime as dt
import math
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd
from babel.dates import format_date
from babel.numbers import format_decimal

from friches.group import OWNERS

if TYPE_CHECKING:
    from collections.abc import Iterable

NBSP = "\u00a0"
"""Before « : », « % », « € » and a unit, so that a line never breaks there."""
THIN = "\u202f"
"""Between thousands (CLDR French)."""
UNKNOWN = "inconnu"
DASH = "–"


class Answer(NamedTuple):
    """How one of the three answers is said and drawn: never by colour alone.

    Attributes
    ----------
    word : str
        The word shown for the answer.
    colour : str
        Okabe-Ito hue (or grey), at least 3:1 on white and on the map's ground.
    dash : str
        SVG `stroke-dasharray` of the outline ("" = full line).
    hatch : str
        "solid" (filled), "lines" (45 degree hatching) or "none" (outline only).
    sentence : str
        What the answer means, for legends.
    """

    word: str
    colour: str
    dash: str
    hatch: str
    sentence: str


ANSWERS = {
    "yes": Answer(
        "probable",
        "#D55E00",
        "",
        "solid",
        "assez d'indices indépendants vont dans le sens d'une friche ; à confirmer sur le terrain",
    ),
    "unknown": Answer(
        "à confirmer",
        "#0072B2",
        "7 4",
        "lines",
        "il manque un indice pour conclure ; la question à poser est indiquée",
    ),
    "no": Answer("non", "#6B6B6B", "2 3", "none", "un indice au moins exclut la friche"),
}
GROUND = "#F7F6F2"
"""Colour of the map where nothing is drawn."""
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#AA4A80", "#4D4D4D")
"""Five hues kept apart by colour-blind readers, all at least 3:1 on `GROUND`; purple is darkened
from Okabe-Ito's #CC79A7, which falls to 2.8:1 there (computed in the tests)."""
PLACE_COLOURS = {"farm": "#00734F", "canteen": "#7A2E5E"}
"""Darkened Okabe-Ito green and purple, over 4.5:1 on the ground: small shapes need it."""

ROUTE_STATES = {"yes": "ouverte", "no": "fermée", "unknown": "à instruire"}
YES_NO = {"yes": "oui", "no": "non", "unknown": "inconnu"}
ROLES = {"excludes": "exclut la friche", "supports": "parle pour", "weakens": "parle contre"}
PLACES = {"farm": "ferme", "canteen": "cantine"}
BY = {"road": "par la route", "straight": "à vol d'oiseau"}
OWNER_KINDS = OWNERS
"""As blocks say them: stages before the views cannot read this module."""
ZONES = {
    "U": "U (urbaine)",
    "AU": "AU (à urbaniser)",
    "A": "A (agricole)",
    "N": "N (naturelle)",
    "other": "autre zone",
}
CANTEEN_KINDS = {
    "central": "cuisine centrale",
    "central_serving": "cuisine centrale avec service sur place",
    "site": "cuisine sur place",
    "site_cooked_elsewhere": "restaurant livré",
}
DINERS = {
    "creche": "crèche",
    "maternelle": "maternelle",
    "elementaire": "élémentaire",
    "adolescents": "adolescents",
    "adultes": "adultes",
}
FARM_KINDS = {"individual": "ferme individuelle", "collective": "ferme collective"}
AUDIENCES = {
    "public": "version publique",
    "internal": "usage interne",
    "restricted": "restreint",
}
LAYERS = {
    "answers": "réponses recueillies",
    "cadastre": "cadastre",
    "parcels": "cadastre",
    "declared_fields": "parcelles déclarées à la PAC (RPG)",
    "land_cover": "occupation du sol",
    "elevation": "relief",
    "ndvi": "images de verdeur (NDVI)",
    "buildings": "bâtiments",
    "roads": "routes",
    "forest": "forêt",
    "zoning": "document d'urbanisme",
    "owners": "parcelles des personnes morales",
    "sales": "ventes (DVF)",
    "constraints": "périmètres de protection",
    "canteens": "cantines",
    "farmers": "fermes",
}
COLUMNS = {
    "owners_said": "Nombre de propriétaires",
    "years_unused_low": "Années entières sans déclaration PAC, au moins",
    "years_unused_high": "Années entières sans déclaration PAC, au plus",
    "owner_kind": "Nature du propriétaire",
    "zone_plu": "Zone du document d'urbanisme",
    "slope_mean_pct": "Pente moyenne (%)",
    "road_distance_m": "Distance à la voie carrossable la plus proche (m)",
}
"""Names of columns that are shown but described neither in tables.toml nor elsewhere."""
HEDGE = "candidate, à confirmer sur le terrain"
TO_CONFIRM = "résultat d'analyse, à confirmer sur le terrain"
FICTITIOUS = "territoire fictif"
MARKS = (
    "Marques : VERIFIED, lu dans la source ; VERIFIED-3P, lu chez un tiers qui la cite ; RECALLED "
    "ou R, de mémoire, à vérifier ; INFERENCE, déduit ; ASSUMPTION, supposé ; V26, V15c, V15, VP : "
    "texte de loi lu dans le code de 2026, dans celui de 2015 sans version ultérieure vue, dans "
    "celui de 2015, sur une page qui le cite."
)
"""What the marks beside figures and articles mean: shown wherever they are."""

NOT_REVIEWED = "le droit affiché n'a pas été relu par un juriste"
REGISTERED = "contenance cadastrale"
MEASURED = "surface mesurée sur le plan"
NO_CONTACT = "contact à préciser par la commune"
TO_COMPLETE = "à compléter"
WITHDRAWN = "retirée à la demande"
"""What a parcel whose removal was asked for reads, outside the public files."""
NOBODY = "à déterminer"
"""Whom to ask, where nobody is named."""
CONTEST = "Contester ou corriger"
NO_BLOCK = "Aucun îlot candidat."
NO_ROUTE = "aucune"
HIDDEN_COUNT = "secret statistique"
SEEN = ("en friche", "pas en friche", "vu de loin", "inaccessible")
"""What a visitor may answer; the last two are not « non »."""
CONCLUSIONS = {
    "fallow": "conclut : friche probable",
    "not_fallow": "conclut : pas une friche",
    "stage": "nomme le stade",
}
EXTRACT = (
    "demande ponctuelle d'extrait de matrice cadastrale (formulaire 6815-EM-SD, centre des impôts "
    "fonciers ; livre des procédures fiscales, L107 A)"
)
"""How anyone may learn who owns one parcel."""
NO_PHOTO = (
    "Plan dessiné à partir de couches vectorielles seules, sans photo aérienne : l'étude n'en "
    "fournit pas."
)
UNKNOWN_IS_NOT_NO = "une donnée absente donne « à confirmer », jamais « non »"
CLOSED_NUMBERS = "La version publique ne donne ni numéro ni réponse par parcelle."


def missing(value: object) -> bool:
    """Return whether a single value is None, NaN, NaT or NA."""
    return value is None or value is pd.NA or value is pd.NaT or value != value  # noqa: PLR0124


def answer_key(value: object) -> str:
    """Return "yes", "no" or "unknown" for a nullable boolean: missing is never "no"."""
    if missing(value):
        return "unknown"
    return "yes" if value else "no"


def answer(value: object) -> str:
    """Return « probable », « non » or « à confirmer » for a fallow answer."""
    return ANSWERS[answer_key(value)].word


def route_state(value: object) -> str:
    """Return « ouverte », « fermée » or « à instruire » for a route's answer."""
    return ROUTE_STATES[answer_key(value)]


def yes_no(value: object) -> str:
    """Return « oui », « non » or « inconnu » for a condition's answer."""
    return YES_NO[answer_key(value)]


def text(value: object, absent: str = UNKNOWN) -> str:
    """Return a value as text, or `absent` where it is missing or blank."""
    said = "" if missing(value) else str(value).strip()
    return said or absent


def number(value: Any, decimals: int = 0, absent: str = UNKNOWN) -> str:
    """Return « 12 345,7 »: thin no-break space between thousands, decimal comma.

    Parameters
    ----------
    value : number or missing
    decimals : int
        How many decimals are written, always that many.
    absent : str
        What is written for a missing value.
    """
    if missing(value):
        return absent
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    pattern = "#,##0" + ("." + "0" * decimals if decimals else "")
    said = str(format_decimal(value, format=pattern, locale="fr"))
    return said.removeprefix("-") if not re.search("[1-9]", said) else said  # no « -0 »


def with_unit(value: Any, unit: str, decimals: int = 0, absent: str = UNKNOWN) -> str:
    """Return a number, a no-break space and its unit."""
    return absent if missing(value) else f"{number(value, decimals)}{NBSP}{unit}"


def hectares(value: Any, absent: str = UNKNOWN) -> str:
    """Return an area: two decimals under 10 ha, one from there."""
    if missing(value):
        return absent
    return with_unit(value, "ha", 2 if abs(round(value, 2)) < 10 else 1)


def square_metres(value: Any, absent: str = UNKNOWN) -> str:
    """Return an area in m², no decimals."""
    return with_unit(value, "m²", 0, absent)


def percent(share: Any, decimals: int = 0, absent: str = UNKNOWN) -> str:
    """Return a share (0 to 1) as « 12,3 % »."""
    return absent if missing(share) else with_unit(share * 100, "%", decimals)


def euros(value: Any, decimals: int = 2, absent: str = UNKNOWN) -> str:
    """Return « 1 234,50 € »."""
    return with_unit(value, "€", decimals, absent)


def minutes(value: Any, absent: str = UNKNOWN) -> str:
    """Return a travel time in whole minutes; under one minute is said so."""
    if not missing(value) and 0 <= value < 1:
        return f"<{NBSP}1{NBSP}min"
    return with_unit(value, "min", 0, absent)


def distance(metres: Any, absent: str = UNKNOWN) -> str:
    """Return a distance: metres under 1 km, else kilometres with one decimal."""
    if missing(metres):
        return absent
    return with_unit(metres, "m") if metres < 1000 else with_unit(metres / 1000, "km", 1)


def rounded(value: float, digits: int = 3) -> float:
    """Return a number with `digits` significant ones, so that an estimate does not look exact."""
    if not value or math.isinf(value):
        return value
    return round(value, digits - 1 - math.floor(math.log10(abs(value))))


def between(low: Any, central: Any, high: Any, unit: str = "", decimals: int = 0) -> str:
    """Return « entre 15 400 et 69 400, sans doute 34 700 » (with the unit after each end)."""
    if missing(low) and missing(high) and missing(central):
        return UNKNOWN
    tail = f"{NBSP}{unit}" if unit else ""
    ends = [number(end, decimals) for end in (low, high)]
    span = f"entre {ends[0]} et {ends[1]}{tail}" if ends[0] != ends[1] else f"{ends[0]}{tail}"
    return span if missing(central) else f"{span}, sans doute {number(central, decimals)}"


def meals(low: Any, central: Any, high: Any) -> str:
    """Return meals a year, three significant digits: low, high, then central."""
    ends = [end if missing(end) else rounded(end) for end in (low, central, high)]
    said = between(ends[0], ends[1], ends[2])
    return said if said == UNKNOWN else f"{said} repas{NBSP}par an"


def _date(value: Any) -> dt.date | None:
    if missing(value):
        return None
    if isinstance(value, str):
        return dt.date.fromisoformat(value[:10])
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return value
    return pd.Timestamp(value).date()


def day(value: Any, absent: str = "date inconnue") -> str:
    """Return « 1er septembre 2026 » for a date, a timestamp or an ISO text."""
    date = _date(value)
    if date is None:
        return absent
    said = str(format_date(date, "d MMMM y", locale="fr"))
    return said.replace("1 ", "1er ", 1) if date.day == 1 else said


def month(value: Any, absent: str = "date inconnue") -> str:
    """Return « septembre 2026 »."""
    date = _date(value)
    return absent if date is None else str(format_date(date, "MMMM y", locale="fr"))


def short_month(value: Any, absent: str = "date inconnue") -> str:
    """Return « sept. 2029 », for narrow columns."""
    date = _date(value)
    if date is None:
        return absent
    return str(format_date(date, "MMM y", locale="fr")).replace(" ", NBSP)


def days(low: Any, central: Any, high: Any) -> str:
    """Return « entre le 1er mai 2027 et le 3 juin 2028, sans doute le 2 janvier 2028 »."""
    if missing(low) and missing(central) and missing(high):
        return "date inconnue"
    said = f"entre le {day(low)} et le {day(high)}" if low != high else f"le {day(low)}"
    return said if missing(central) or low == high else f"{said}, sans doute le {day(central)}"


def months(low: Any, central: Any, high: Any) -> str:
    """Return « entre mai 2027 et juin 2028, sans doute janvier 2028 »: an estimate has no day."""
    if missing(low) and missing(central) and missing(high):
        return "date inconnue"
    ends = month(low), month(high)
    if ends[0] == ends[1]:
        return ends[0]
    said = f"entre {ends[0]} et {ends[1]}"
    return said if missing(central) else f"{said}, sans doute {month(central)}"


def plural(count: int, one: str, many: str | None = None) -> str:
    """Return « 1 îlot », « 3 îlots »: in French zero and one are singular."""
    return f"{number(count)}{NBSP}{one if abs(count) < 2 else many or one + 's'}"


def owners(at_least: Any, public: bool = False) -> str:
    """Return how many owners a block has; the public never learns that there is only one."""
    if missing(at_least):
        return UNKNOWN if not public else "1 à 2"
    if public and at_least <= 2:
        return "1 à 2"
    return f"au moins {number(at_least)}"


def section(value: str) -> str:
    """Return a section without its padding: « 0A » is « A »."""
    return value.lstrip("0") or value


def parcel_reference(parcel_id: str) -> str:
    """Return « 000 A 1 » (prefix, section, number) for a 14-character cadastral id."""
    if len(parcel_id) != 14:
        return parcel_id
    return f"{parcel_id[5:8]} {section(parcel_id[8:10])} {parcel_id[10:].lstrip('0') or '0'}"


def owner_kinds(kinds: Iterable[str]) -> str:
    """Return owner kinds as words, each once, in the order of `OWNER_KINDS`."""
    known = set(kinds)
    said = [word for kind, word in OWNER_KINDS.items() if kind in known]
    return ", ".join(said) or OWNER_KINDS["unknown"]

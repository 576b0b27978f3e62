"""Who owns, sells, eats and farms on the fictitious land: no person's name, all fictitious."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyproj

from friches.sample.history import luck

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

TERRITORY = "Saint-Rebelle"
OWNER_COLUMNS = (
    "Département (Champ géographique)", "Code Direction (Champ géographique)",
    "Code Commune (Champ géographique)", "Nom Commune (Champ géographique)",
    "Préfixe (Références cadastrales)", "Section (Références cadastrales)",
    "N° plan (Références cadastrales)", "N° de voirie (Adresse parcelle)",
    "Indice de répétition (Adresse parcelle)", "Code voie MAJIC (Adresse parcelle)",
    "Code voie rivoli (Adresse parcelle)", "Nature voie (Adresse parcelle)",
    "Nom voie (Adresse parcelle)", "Contenance (Caractéristiques parcelle)",
    "SUF (Evaluation SUF)", "Nature culture (Evaluation SUF)", "Contenance (Evaluation SUF)",
    "Code droit (Propriétaire(s) parcelle)", "N° MAJIC (Propriétaire(s) parcelle)",
    "N° SIREN (Propriétaire(s) parcelle)", "Groupe personne (Propriétaire(s) parcelle)",
    "Forme juridique (Propriétaire(s) parcelle)",
    "Forme juridique abrégée (Propriétaire(s) parcelle)", "Dénomination (Propriétaire(s) parcelle)",
)  # fmt: skip
"""The 24 columns of the DGFiP file of legal persons' parcels. VERIFIED (shared/data/owners)."""
OWNERS = {
    "commune": ("4", "7210", "COM", "COMMUNE DE {name}"),
    "state": ("1", "7113", "ETAT", "ETAT (FICTIF)"),
    "county": ("3", "7220", "DEP", "DEPARTEMENT (FICTIF)"),
    "safer": ("6", "5499", "SA", "SAFER FICTIVE"),
    "sci": ("6", "6540", "SCI", "SCI FICTIVE N {n}"),
    "gfa": ("6", "6534", "GFA", "GFA FICTIF N {n}"),
    "section": ("4", "7210", "COM", "SECTION DE HAUT-HAMEAU (FICTIF)"),
    "unknown": ("0", "", "", "PROPRIETAIRE INCONNU"),
}
"""DGFiP group, legal form, its abbreviation, denomination."""
FISCAL = {
    "arable": "T", "meadow": "P", "pasture": "PA", "heath": "L", "vine": "VI", "orchard": "VE",
    "chestnut": "VE", "market": "T", "wood": "BT", "house": "S", "garden": "J",
}  # fmt: skip
"""Fiscal class of the land's former use: what the cadastre still says of fallow."""


def commune_name(code: str) -> str:
    """Return the shown name of a commune."""
    number = 12_999 - int(code)
    return f"{TERRITORY} (fictif)" if number == 0 else f"{TERRITORY}-{number + 1} (fictif)"


def owned(table: pd.DataFrame, seed: int) -> NDArray[np.object_]:
    """Return the kind of owner of each parcel, "" for natural persons."""
    single, field = luck(table, seed + 301), luck(table, seed + 302, "block")
    use, fallow = table["use"].to_numpy(), table["fallow"].to_numpy()
    kind = np.full(len(table), "", dtype=object)
    kind[field < 0.035] = "gfa"
    kind[(single < 0.02)] = "sci"
    kind[(single > 0.985)] = "commune"
    kind[(use == "wood") & (field > 0.93)] = "commune"
    kind[(single > 0.975) & (single <= 0.978)] = "county"
    kind[(single > 0.978) & (single <= 0.981)] = "state"
    kind[(single > 0.981) & (single <= 0.984)] = "safer"
    lost = fallow & (single > 0.5) & (single < 0.5 + 0.04)
    lost |= ~fallow & (single > 0.6) & (single < 0.6009)
    kind[lost] = "unknown"
    common = fallow & (table["hamlet_m"].to_numpy() > 300) & (kind == "")
    rows = np.flatnonzero(common)
    if len(rows):
        kind[rows[np.argmax(table["area_m2"].to_numpy()[rows])]] = "section"
    return kind


def write_owners(folder: Path, table: pd.DataFrame, known: pd.DataFrame, seed: int) -> Path:
    """Write the legal persons' parcels; natural persons are not in that file, as in reality."""
    kind = owned(table, seed)
    rows = np.flatnonzero(kind != "")
    rows = rows[np.argsort(known["parcel_id"].to_numpy()[rows])]
    block, area = table["block"].to_numpy(), table["area_m2"].round().astype(int).to_numpy()
    contenance = known["contenance"].fillna(pd.Series(area, index=known.index)).to_numpy(np.int64)
    communes, sections, numbers = (
        known[name].to_numpy(dtype=object) for name in ("commune", "section", "number")
    )
    former = table["former"].to_numpy(dtype=object)
    lines: list[tuple[object, ...]] = []
    for row in rows:
        group, form, short, name = OWNERS[kind[row]]
        commune = communes[row]
        named = commune_name(commune).upper()
        number = int(block[row]) % 37 + 1
        what = FISCAL[former[row]]
        split = what == "T" and row % 9 == 0
        sizes = [contenance[row] // 3, contenance[row] - contenance[row] // 3]
        for letter, size in zip("AB", sizes if split else [contenance[row]], strict=False):
            lines.append((
                "12", "0", commune[2:], named, "", sections[row],
                numbers[row], "", "", "", "B001", "", "LIEU-DIT FICTIF",
                contenance[row], letter if split else "", what if letter == "A" else "L", size,
                "P", f"PB{number:04d}", f"U{(abs(hash_of(name)) + number) % 10**8:08d}",
                group, form, short, name.format(name=named, n=number),
            ))  # fmt: skip
    path = folder / "parcelles_personnes_morales.csv"
    _write(pd.DataFrame(lines, columns=list(OWNER_COLUMNS)), path, ";")
    return path


def hash_of(text: str) -> int:
    """Return a number that depends only on a text (Python's own hash changes at each run)."""
    return sum((place + 1) * 7_919 * ord(letter) for place, letter in enumerate(text))


def _write(table: pd.DataFrame, path: Path, separator: str = ",") -> None:
    table.to_csv(path, sep=separator, index=False, lineterminator="\n", encoding="utf-8")


SALE_COLUMNS = (
    "id_mutation", "date_mutation", "numero_disposition", "nature_mutation", "valeur_fonciere",
    "adresse_numero", "adresse_suffixe", "adresse_nom_voie", "adresse_code_voie", "code_postal",
    "code_commune", "nom_commune", "code_departement", "ancien_code_commune",
    "ancien_nom_commune", "id_parcelle", "ancien_id_parcelle", "numero_volume", "lot1_numero",
    "lot1_surface_carrez", "lot2_numero", "lot2_surface_carrez", "lot3_numero",
    "lot3_surface_carrez", "lot4_numero", "lot4_surface_carrez", "lot5_numero",
    "lot5_surface_carrez", "nombre_lots", "code_type_local", "type_local", "surface_reelle_bati",
    "nombre_pieces_principales", "code_nature_culture", "nature_culture",
    "code_nature_culture_speciale", "nature_culture_speciale", "surface_terrain", "longitude",
    "latitude",
)  # fmt: skip
"""The columns of geolocalised DVF. VERIFIED."""
DVF_CLASSES = {
    "T": "terres", "P": "prés", "PA": "pâtures", "L": "landes", "VI": "vignes", "VE": "vergers",
    "BT": "taillis simples", "S": "sols", "J": "jardins",
}  # fmt: skip


def write_sales(folder: Path, table: pd.DataFrame, known: pd.DataFrame, seed: int) -> Path:
    """Write five years of sales (geolocalised DVF): the price stands on every row of a sale."""
    sold = luck(table, seed + 311, "group") < 0.035
    rows = np.flatnonzero(sold)
    rows = rows[np.lexsort((known["parcel_id"].to_numpy()[rows], table["group"].to_numpy()[rows]))]
    part = table.iloc[rows]
    day = np.datetime64("2021-01-04") + np.floor(luck(part, seed + 312, "group") * 1_800).astype(
        "timedelta64[D]"
    )
    house = (part["use"] == "house").to_numpy()
    price_m2 = np.where(house, 90.0, 0.28 + 0.5 * luck(part, seed + 313, "group"))
    town = (part["village_m"].to_numpy() < 430) & ~house & (luck(part, seed + 314, "group") < 0.3)
    price_m2 = np.where(town, 14.0, price_m2)
    value = pd.Series(price_m2 * part["area_m2"].to_numpy()).groupby(part["group"].to_numpy())
    code = part["former"].map(FISCAL).to_numpy()
    turn = pyproj.Transformer.from_crs(2154, 4326, always_xy=True)
    lon, lat = turn.transform(part["x"].to_numpy(), part["y"].to_numpy())
    serial = pd.factorize(part["group"])[0] + 1
    made = pd.DataFrame("", index=range(len(rows)), columns=list(SALE_COLUMNS), dtype=object)
    made["id_mutation"] = [f"{str(d)[:4]}-{n}" for d, n in zip(day, serial, strict=True)]
    made["date_mutation"], made["numero_disposition"] = day.astype(str), "000001"
    made["nature_mutation"] = "Vente"
    made["valeur_fonciere"] = (value.transform("sum") // 100 * 100 + 500).to_numpy()
    made["code_commune"] = known["commune"].to_numpy()[rows]
    made["nom_commune"] = [commune_name(one) for one in made["code_commune"]]
    made["code_departement"], made["nombre_lots"] = "12", "0"
    made["id_parcelle"] = known["parcel_id"].to_numpy()[rows]
    made["code_nature_culture"] = code
    made["nature_culture"] = [DVF_CLASSES[one] for one in code]
    made["surface_terrain"] = part["area_m2"].round().astype(int).to_numpy()
    made["longitude"], made["latitude"] = np.round(lon, 6), np.round(lat, 6)
    path = folder / "dvf_12999.csv"
    _write(made, path)
    return path


SERVED = (
    ("École maternelle", "maternelle", 240), ("École élémentaire", "elementaire", 430),
    ("École élémentaire des Hauts", "elementaire", 210), ("Collège", "adolescents", 460),
    ("École primaire de la Vallée", "elementaire", 160),
)  # fmt: skip
"""Satellites of a central kitchen: name, audience, meals a day; 1,500 in all."""
PARCELS_A_KITCHEN, PARCELS_A_FARM, MOST_FARMS = 25_000, 200, 2_000


def write_canteens(folder: Path, homes: NDArray[np.float64], parcels: int) -> Path:
    """Write the kitchens and their satellites, whose meals are the kitchen's, not more.

    Parameters
    ----------
    homes : array (n, 2)
        Longitude and latitude of the villages and hamlets, the middle first.
    """
    rows = []
    kitchens = max(1, parcels // PARCELS_A_KITCHEN)
    stride = max(1, len(homes) // kitchens)
    for number in range(1, kitchens + 1):
        kitchen, start = f"C{number:03d}-00", (number - 1) * stride
        mark = "" if kitchens == 1 else f" n° {number}"
        total = sum(meals for _, _, meals in SERVED)
        lon, lat = homes[start % len(homes)]
        rows.append((kitchen, f"Cuisine centrale fictive{mark}", total, 140, 0.58, 0.40,
                     "elementaire", lon, lat, "central", ""))  # fmt: skip
        for place, (name, audience, meals) in enumerate(SERVED, start=1):
            lon, lat = homes[(start + place // 2) % len(homes)]
            rows.append((f"C{number:03d}-{place:02d}", f"{name} (fictif){mark}", meals, 140, 0.58,
                         0.40, audience, lon + 0.0004 * place, lat - 0.0003 * place,
                         "site_cooked_elsewhere", kitchen))  # fmt: skip
    columns = ["canteen_id", "name", "meals_per_day", "days_per_year", "organic_share",
               "local_share", "audience", "lon", "lat", "kind", "served_by"]  # fmt: skip
    made = pd.DataFrame(rows, columns=columns)
    made[["lon", "lat"]] = made[["lon", "lat"]].round(6)
    path = folder / "cantines.csv"
    _write(made, path)
    return path


FARMS = (
    ("Ferme fictive du Causse", True, "ovins;legumineuses", 12, "2011-03-01", "individual"),
    ("Ferme fictive de la Rivière", True, "maraichage;legumes", 2, "2018-01-15", "individual"),
    ("Ferme fictive des Terrasses", True, "viticulture;arboriculture", 3, "2009-11-01",
     "individual"),
    ("Ferme fictive du Plateau", False, "bovins;grandes_cultures", 0, "1998-09-01", "individual"),
    ("Ferme fictive du Gué", False, "bovins", 6, "2004-04-01", "individual"),
    ("Ferme fictive des Chênes", True, "caprins;volailles", 4, "2020-02-01", "individual"),
    ("Ferme fictive de la Combe", False, "grandes_cultures;legumineuses", 8, "2001-01-01",
     "individual"),
    ("Ferme fictive du Verger", True, "arboriculture;maraichage", 2.5, "2016-06-01", "individual"),
    ("Ferme fictive des Bruyères", False, "ovins", 10, "2007-10-01", "individual"),
    ("Ferme fictive du Puits", True, "grandes_cultures;legumes;legumineuses", 9, "2013-05-01",
     "individual"),
    ("Ferme fictive de l'Aubrac d'en bas", False, "bovins;volailles", 0, "1995-01-01",
     "individual"),
    ("Ferme fictive du Ruisseau", True, "maraichage", 1.5, "2022-03-01", "individual"),
    ("Collectif agricole fictif de Saint-Rebelle", True,
     "maraichage;legumes;legumineuses;grandes_cultures;arboriculture", 25, "2021-09-01",
     "collective"),
)  # fmt: skip
"""Name, organic, productions, hectares wanted, installed on, kind; a dozen and a collective."""


def write_farms(folder: Path, seats: NDArray[np.float64], parcels: int) -> Path:
    """Write the farms (GeoJSON, WGS84); larger territories repeat the list, numbered.

    Parameters
    ----------
    seats : array (n, 2)
        Longitude and latitude of places for farms, beside roads.
    """
    count = max(len(FARMS), min(MOST_FARMS, parcels // PARCELS_A_FARM))
    features = []
    for number in range(count):
        name, organic, productions, wants, since, kind = FARMS[number % len(FARMS)]
        round_ = number // len(FARMS)
        spot = np.round(seats[number % len(seats)], 6).tolist()
        features.append({
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": spot},
            "properties": {
                "farmer_id": f"F{number + 1:03d}",
                "name": name if round_ == 0 else f"{name} n° {round_ + 1}",
                "organic": "yes" if organic else "no",
                "productions": productions,
                "wants_ha": wants,
                "installed_on": since,
                "kind": kind,
            },
        })  # fmt: skip
    path = folder / "fermes.geojson"
    body = {"type": "FeatureCollection", "features": features}
    path.write_text(json.dumps(body, ensure_ascii=False, indent=1) + "\n", "utf-8")
    return path

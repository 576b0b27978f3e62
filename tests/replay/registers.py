"""The smaller services: communes, API Carto, registers by pages, files, the catalogue of data."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from pyproj import Transformer

from replay import territory
from replay.reply import Asked, Reply, as_json, refusal
from replay.territory import DEP, EPCI, INSEE, NAME

if TYPE_CHECKING:
    from collections.abc import Sequence

CARTO = {
    "/api/rpg/v2": "RPG.{year}:parcelles_graphiques",
    "/api/gpu/zone-urba": "wfs_du:zone_urba",
    "/api/nature/natura-habitat": "patrinat_sic:sic",
}
CARTO_CAP, GPU_CAP, BIO_CAP, FIRMS_CAP, LINES_CAP = 1000, 5000, 20, 25, 10_000


def communes(asked: Asked) -> Reply:
    """geo.api.gouv.fr: communes, EPCI and départements."""
    lon, lat = territory.centre()
    one = {
        "nom": NAME,
        "code": INSEE,
        "codeDepartement": DEP,
        "codeEpci": EPCI,
        "population": 1500,
        "centre": {"type": "Point", "coordinates": [round(lon, 4), round(lat, 4)]},
    }
    epci = {"nom": "Communauté fictive", "code": EPCI}
    name = asked.query.get("nom", "").lower()
    named = bool(name) and name in NAME.lower()
    grouped = bool(name) and name in epci["nom"].lower()
    said: dict[str, Any] = {
        "/communes": [one] if named or asked.query.get("code") == INSEE else [],
        "/communes_associees_deleguees": [],
        f"/communes/{INSEE}": one,
        "/epcis": [epci] if grouped else [],
        f"/epcis/{EPCI}": epci,
        f"/epcis/{EPCI}/communes": [one],
        f"/departements/{DEP}/communes": [one],
    }
    return as_json(said[asked.path]) if asked.path in said else refusal(404, "Not found")


def carto(asked: Asked) -> Reply:
    """apicarto.ign.fr: cadastre, RPG, GPU and nature."""
    said = dict(asked.query)
    if asked.method == "POST" and asked.body[:1] == b"{":
        said |= json.loads(asked.body)
    path = asked.path
    if path == "/api/rpg/v1" and asked.method == "POST":
        return refusal(400, "Valeur uniquement entre 2015 et 2024")
    if path == "/api/gpu/municipality":
        return as_json(_municipality(said))
    if path == "/api/cadastre/parcelle":
        fits = said.get("code_insee") == INSEE
        return _collection(territory.parcel_features() if fits else (), said, CARTO_CAP)
    cap = GPU_CAP if path.startswith("/api/gpu/") else CARTO_CAP
    name = CARTO.get(path, "").format(year=said.get("annee"))
    if name:
        return _met(name, said, cap)
    known = path in ("/api/gpu/secteur-cc", "/api/gpu/document") or path.startswith("/api/nature/")
    return _collection((), said, cap) if known else refusal(404, "Not found")


def _municipality(said: dict[str, Any]) -> dict[str, Any]:
    fits = said.get("insee") == INSEE
    lon, lat = territory.centre()
    shape = shapely.geometry.mapping(shapely.MultiPolygon([shapely.Point(lon, lat).buffer(0.02)]))
    properties = {"gid": 1, "insee": INSEE, "name": NAME, "is_rnu": False, "is_deleted": False}
    one = {"type": "Feature", "id": "1", "geometry": shape, "properties": properties}
    return {"type": "FeatureCollection", "features": [one] if fits else [],
            "totalFeatures": int(fits)}  # fmt: skip


def _met(name: str, said: dict[str, Any], cap: int) -> Reply:
    if territory.layer(name) is None:
        return refusal(400, "couche inconnue")
    geom = said.get("geom")
    if geom is None:
        return refusal(400, "geom manquant")
    made, tree = territory.features(name, 4326)
    shape = shapely.geometry.shape(json.loads(geom) if isinstance(geom, str) else geom)
    turn = Transformer.from_crs(4326, 2154, always_xy=True)
    moved = shapely.transform(
        shapely.segmentize(shape, 0.001),
        lambda xy: np.column_stack(turn.transform(xy[:, 0], xy[:, 1])),
    )
    rows = sorted(int(row) for row in tree.query(moved, predicate="intersects"))
    return _collection([made[row] for row in rows], said, cap)


def _collection(features: Sequence[dict[str, Any]], said: dict[str, Any], cap: int) -> Reply:
    limit, start = int(said.get("_limit", cap)), int(said.get("_start", 0))
    if limit > cap:
        return refusal(400, f"_limit : {cap} au plus")
    page = list(features[start : start + limit])
    return as_json(
        {
            "type": "FeatureCollection",
            "features": page,
            "totalFeatures": len(features),
            "numberMatched": len(features),
            "numberReturned": len(page),
            "timeStamp": "2026-09-01T00:00:00.000Z",
            "crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4326"}},
        }
    )


def files(asked: Asked) -> Reply:
    """Etalab's tree of the cadastre and of sales, on either host."""
    path = asked.path
    if path.endswith(f"/{DEP}/{INSEE}/cadastre-{INSEE}-parcelles.json.gz"):
        return Reply(territory.cadastre(), "application/gzip", whole=True)
    if path.endswith(f"/{DEP}/{INSEE}/cadastre-{INSEE}-batiments.json.gz"):
        return Reply(territory.buildings(), "application/gzip", whole=True)
    if path.startswith("/geo-dvf/latest/"):
        # « latest » leads to the dated folder.
        place = asked.path.replace("/latest/", "/2026-04/")
        return Reply(b"", "text/plain", 302, (("Location", f"https://{asked.host}{place}"),))
    if path.startswith("/geo-dvf/2026-04/csv/") and path.endswith(f"/{DEP}/{INSEE}.csv"):
        year = path.split("/")[4]
        found = territory.sales().get(year)
        if found is not None:
            return Reply(found, "text/csv; charset=utf-8", whole=True)
    return refusal(404, "Not found")


def datasets(asked: Asked) -> Reply:
    """www.data.gouv.fr: one data set and its resources."""
    if asked.path.rstrip("/") != "/api/1/datasets/registre-national-des-cantines":
        return refusal(404, "Not found")
    place = "https://static.data.gouv.fr/resources/registre-national-des-cantines"
    return as_json(
        {
            "id": "0" * 24,
            "slug": "registre-national-des-cantines",
            "title": "Registre national des cantines",
            "resources": [
                _resource("Documentation", "pdf", f"{place}/notice.pdf"),
                _resource("Registre national des cantines", "csv", f"{place}/registre.csv"),
                _resource("Registre national des cantines", "xlsx", f"{place}/registre.xlsx"),
            ],
        }
    )


def _resource(title: str, kind: str, url: str) -> dict[str, Any]:
    return {
        "id": f"{title}-{kind}",
        "title": title,
        "format": kind,
        "mime": "text/csv" if kind == "csv" else "application/octet-stream",
        "url": url,
        "latest": url,
        "type": "main",
        "filesize": len(territory.registry()) if kind == "csv" else None,
        "last_modified": "2026-08-15T00:00:00+00:00",
    }


def resources(asked: Asked) -> Reply:
    """static.data.gouv.fr: the files of data sets."""
    if asked.path.endswith("/registre.csv"):
        return Reply(territory.registry(), "text/csv; charset=utf-8", whole=True)
    return refusal(404, "Not found")


def education(asked: Asked) -> Reply:
    """data.education.gouv.fr: exports and pages of records."""
    name = "/api/explore/v2.1/catalog/datasets/fr-en-annuaire-education/"
    if asked.path == f"{name}exports/csv":
        return Reply(territory.schools(), "text/csv; charset=utf-8")
    if asked.path == f"{name}records":
        rows = _rows(territory.schools())
        limit, offset = int(asked.query.get("limit", 10)), int(asked.query.get("offset", 0))
        if limit > 100:
            return refusal(400, "limit: 100 at most")
        return as_json({"total_count": len(rows), "results": rows[offset : offset + limit]})
    return refusal(404, "Not found")


def _rows(table: bytes) -> list[dict[str, str]]:
    head, *lines = table.decode("utf-8-sig").splitlines()
    names = [name.lower() for name in head.split(";")]
    return [dict(zip(names, line.split(";"), strict=True)) for line in lines]


def organic(asked: Asked) -> Reply:
    """opendata.agencebio.org: operators, at most 20 a page whatever is asked."""
    if asked.path != "/api/gouv/operateurs":
        return refusal(404, "Not found")
    fits = asked.query.get("departements", DEP) == DEP
    rows = territory.operators() if fits else ()
    start = int(asked.query.get("debut", 0))
    count = min(int(asked.query.get("nb", BIO_CAP)), BIO_CAP)
    return as_json({"nbTotal": len(rows), "items": list(rows[start : start + count])})


def firms(asked: Asked) -> Reply:
    """recherche-entreprises.api.gouv.fr: around a point, or by SIRET."""
    query = asked.query
    rows = []
    if asked.path == "/search":
        rows = [_firm(k.siret, k.row["lon"], k.row["lat"], "56.29A") for k in territory.kitchens()
                if k.siret == query.get("q", "").replace(" ", "")]  # fmt: skip
    elif asked.path == "/near_point":
        rows = [_firm(f"999222{n:03d}00016", f"{2.99 + n / 5000:.6f}", "44.07", "01.50Z")
                for n in range(57)]  # fmt: skip
    else:
        return refusal(404, "Not found")
    size, page = int(query.get("per_page", 10)), int(query.get("page", 1))
    if size > FIRMS_CAP:
        return refusal(400, f"per_page : {FIRMS_CAP} au plus")
    some = rows[(page - 1) * size : page * size]
    total = -(-len(rows) // size)
    return as_json({"results": some, "total_results": len(rows), "page": page, "per_page": size,
                    "total_pages": total})  # fmt: skip


def _firm(siret: str, lon: str, lat: str, code: str) -> dict[str, Any]:
    place = {"siret": siret, "longitude": lon, "latitude": lat, "activite_principale": code,
             "etat_administratif": "A", "libelle_commune": NAME, "commune": INSEE}  # fmt: skip
    return {
        "siren": siret[:9],
        "nom_complet": f"Établissement fictif {siret[:9]}",
        "nature_juridique": "7210",
        "activite_principale": code,
        "siege": place,
        "matching_etablissements": [place],
        "complements": {"est_bio": False},
    }


def lines(asked: Asked) -> Reply:
    """koumoul.com: legal persons' parcels, page after page."""
    name = "/data-fair/api/v1/datasets/parcelles-des-personnes-morales/lines"
    if asked.path != name:
        return refusal(404, "Not found")
    query = asked.query
    size = int(query.get("size", 12))
    if size > LINES_CAP:
        return refusal(400, "size trop grand")
    fits = query.get("qs", "").replace('"', "").endswith(f"code_commune:{INSEE}")
    rows = [row for row in territory.owners() if fits and row["_i"] > int(query.get("after", 0))]
    said: dict[str, Any] = {"total": len(territory.owners()) if fits else 0, "results": rows[:size]}
    if len(rows) > size:
        kept = "&".join(f"{k}={v}" for k, v in query.items() if k != "after")
        said["next"] = f"https://koumoul.com{name}?{kept}&after={rows[size - 1]['_i']}"
    return as_json(said)

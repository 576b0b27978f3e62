"""The WFS of the Géoplateforme: pages, caps, axes, and what it refuses."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from pyproj import Transformer

from replay.reply import Asked, Reply, as_json
from replay.territory import EMPTY, FILES, Layer, features, layer

if TYPE_CHECKING:
    from collections.abc import Sequence

CAP = 5000
RATE = (("x-ratelimit-limit-second", "1"), ("x-ratelimit-remaining-second", "29"))
STAMP = "2026-09-01T00:00:00.000Z"


class RefusedError(Exception):
    """An answer of the WFS that is an ExceptionReport."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


def answer(asked: Asked, cap: int = CAP) -> Reply:
    """Answer one request of the WFS."""
    said = {name.upper(): value for name, value in asked.query.items()}
    try:
        what = said.get("REQUEST", "").lower()
        if what == "getcapabilities":
            return _capabilities()
        if what == "getfeature":
            return _features(said, cap)
        if what == "describefeaturetype":
            return _description(said)
    except RefusedError as refusal:
        return _report(refusal.status, str(refusal))
    return _report(400, f"Operation {what} is not supported")


def _report(status: int, text: str) -> Reply:
    body = (
        '<?xml version="1.0" encoding="UTF-8"?><ows:ExceptionReport '
        'xmlns:ows="http://www.opengis.net/ows/1.1" version="2.0.0"><ows:Exception>'
        f"<ows:ExceptionText>{text}</ows:ExceptionText></ows:Exception></ows:ExceptionReport>"
    )
    return Reply(body.encode(), "application/xml", status, RATE)


def _capabilities() -> Reply:
    types = "".join(
        f"<FeatureType><Name>{name}</Name>"
        f"<DefaultCRS>urn:ogc:def:crs:EPSG::{crs}</DefaultCRS></FeatureType>"
        for name, crs in sorted(
            [(n, f[1]) for n, f in FILES.items()] + [(n, e[0]) for n, e in EMPTY.items()]
        )
    )
    body = (
        '<?xml version="1.0" encoding="UTF-8"?><wfs:WFS_Capabilities version="2.0.0" '
        'xmlns:wfs="http://www.opengis.net/wfs/2.0" xmlns="http://www.opengis.net/wfs/2.0">'
        f"<FeatureTypeList>{types}</FeatureTypeList></wfs:WFS_Capabilities>"
    )
    return Reply(body.encode(), "application/xml", headers=RATE)


def _layer(said: dict[str, str]) -> tuple[str, Layer]:
    name = said.get("TYPENAMES") or said.get("TYPENAME") or ""
    found = layer(name)
    if found is None:
        raise RefusedError(400, f"Feature type {name} unknown")
    return name, found


def _description(said: dict[str, str]) -> Reply:
    name, found = _layer(said)
    properties = [
        {"name": c, "localType": "string"} for c in found.table.columns if c != "geometry"
    ]
    properties.append({"name": found.geometry, "localType": "Geometry"})
    kind = {"typeName": name.partition(":")[2], "properties": properties}
    return as_json({"featureTypes": [kind]}, headers=RATE)


def _features(said: dict[str, str], cap: int) -> Reply:
    name, found = _layer(said)
    if "BBOX" in said and "CQL_FILTER" in said:
        raise RefusedError(500, "bbox and cql_filter both specified but are mutually exclusive")
    crs = _epsg(said.get("SRSNAME", "")) or found.crs
    made, tree = features(name, crs)
    rows = _met(said, found, tree, len(made))
    if said.get("RESULTTYPE", "").lower() == "hits":
        return Reply(
            f'<?xml version="1.0" encoding="UTF-8"?><wfs:FeatureCollection '
            f'xmlns:wfs="http://www.opengis.net/wfs/2.0" numberMatched="{len(rows)}" '
            f'numberReturned="0" timeStamp="{STAMP}"/>'.encode(),
            "application/xml",
            headers=RATE,
        )
    if "json" not in said.get("OUTPUTFORMAT", "").lower():
        raise RefusedError(400, "only application/json is replayed")
    rows = _sorted(said, found, rows)
    start = int(said.get("STARTINDEX", "0"))
    count = min(int(said.get("COUNT", str(cap))), cap)
    page = [made[row] for row in rows[start : start + count]]
    whole: dict[str, Any] = {
        "type": "FeatureCollection",
        "features": page,
        "totalFeatures": len(rows),
        "numberMatched": len(rows),
        "numberReturned": len(page),
        "timeStamp": STAMP,
        "crs": {"type": "name", "properties": {"name": f"urn:ogc:def:crs:EPSG::{crs}"}},
    }
    return as_json(whole, headers=RATE)


def _epsg(text: str) -> int:
    found = re.search(r"EPSG:{1,2}(\d+)$", text)
    return int(found[1]) if found else 0


def _sorted(said: dict[str, str], found: Layer, rows: Sequence[int]) -> list[int]:
    by = said.get("SORTBY", "").split(" ")[0].removesuffix("+A")
    if not by:
        return list(rows)
    if by not in found.table.columns:
        raise RefusedError(400, f"Illegal property name: {by}")
    values = found.table[by].tolist()
    return sorted(rows, key=lambda row: (values[row], row))


def _met(said: dict[str, str], found: Layer, tree: shapely.STRtree, many: int) -> list[int]:
    """Return the rows that meet the box or the filter, in file order."""
    shape = None
    if "BBOX" in said:
        parts = said["BBOX"].split(",")
        code = parts[4] if len(parts) > 4 else f"EPSG:{found.crs}"
        shape = _box([float(v) for v in parts[:4]], _epsg(code), code.startswith("urn"))
    elif said.get("CQL_FILTER"):
        shape = _filter(said["CQL_FILTER"], found)
    if shape is None:
        return list(range(many))
    return sorted(int(row) for row in tree.query(shape, predicate="intersects"))


def _box(box: Sequence[float], crs: int, by_rule: bool) -> shapely.Geometry:
    # « EPSG:4326 » is taken as lon, lat; « urn:ogc:def:crs:EPSG::4326 » as lat, lon.
    turned = crs == 4326 and by_rule
    corners = [box[1], box[0], box[3], box[2]] if turned else list(box)
    return _in_metres(shapely.box(*corners), crs)


def _filter(text: str, found: Layer) -> shapely.Geometry:
    column = re.match(r"\s*(BBOX|INTERSECTS)\(\s*(\w+)\s*,", text, re.IGNORECASE)
    if not column:
        raise RefusedError(400, "Could not parse CQL filter list")
    if column[2] != found.geometry:
        raise RefusedError(400, f"Illegal property name: {column[2]}")
    rest = text[column.end() :].rstrip().removesuffix(")")
    # In a filter, a layer in EPSG:4326 is asked lat, lon.
    turned = found.crs == 4326
    if column[1].upper() == "BBOX":
        four = [float(v) for v in rest.split(",")[:4]]
        corners = [four[1], four[0], four[3], four[2]] if turned else four
        return _in_metres(shapely.box(*corners), found.crs)
    shape = shapely.from_wkt(rest.strip())
    if turned:
        shape = shapely.transform(shape, lambda xy: np.asarray(xy)[:, ::-1])
    return _in_metres(shape, found.crs)


def _in_metres(shape: shapely.Geometry, crs: int) -> shapely.Geometry:
    if crs == 2154:
        return shape
    turn = Transformer.from_crs(crs, 2154, always_xy=True)
    dense = shapely.segmentize(shape, shape.length / 40 or 1)
    return shapely.transform(dense, lambda xy: np.column_stack(turn.transform(xy[:, 0], xy[:, 1])))

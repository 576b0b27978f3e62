"""What the tool knows of a block, put as a letter needs it: fields, tables, searches made."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from friches.view import words
from friches.view.lexicon import w
from friches.view.worddoc import Piece, Table, Text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pandas as pd

    from friches.result import Result
    from friches.view.letterbook import Template

FOR = {"excludes": False, "supports": True}
"""The answer of an evidence row that speaks for a fallow, by role."""
AGAINST = {"excludes": True, "weakens": True}
NOTE = re.compile(r"\s*[;,]?\s*\b[\w-]+\.md\b[^;\[\]]*")
"""References to working notes, which a reader of the letter does not have."""


class Case(NamedTuple):
    """One document to draft: for which block, parcels and owner."""

    result: Result
    block_id: str
    template: Template
    parcels: list[str]
    owner: str


def names(result: Result, parcels: list[str]) -> dict[str, list[str]]:
    """Return the owners' names known for each parcel: none but for the « restricted » audience."""
    owners = result.owners
    if result.study.study.audience != "restricted" or owners is None or "name" not in owners:
        return {}
    rows = owners[owners["parcel_id"].isin(parcels)].dropna(subset=["name"])
    return {
        str(parcel): sorted(set(group["name"].astype("str")))
        for parcel, group in rows.groupby("parcel_id")
    }


def parcel_facts(case: Case) -> list[dict[str, Any]]:
    """Return one record a parcel: areas, zone, owner kind, years unused, stage (NA unknown)."""
    wanted = ["area_registered_m2", "area_m2", "zone_plu", "owner_kind", "lease_running",
              "years_unused_low", "years_unused_high"]  # fmt: skip
    facts = _of(case.result.facts, case.parcels)
    facts = facts.reindex(columns=wanted).astype(object)
    land = _of(case.result.parcels, case.parcels)
    facts["area_registered_m2"] = land["area_registered_m2"].astype(object)
    return [{str(k): v for k, v in row.items()} for row in facts.reset_index().to_dict("records")]


def _of(table: pd.DataFrame, parcels: list[str]) -> pd.DataFrame:
    """Return the rows of some parcels, in their order (missing where the table has none)."""
    rows = table[table["parcel_id"].isin(parcels)]
    return rows.set_index("parcel_id").reindex(parcels)


def values(case: Case) -> Mapping[str, str]:
    """Return the fields that templates may name between braces."""
    study = case.result.study.study
    rows = parcel_facts(case)
    communes = sorted({row["parcel_id"][:5] for row in rows})
    departments = sorted({code[:3] if code[:2] == "97" else code[:2] for code in communes})
    refs = [words.parcel_reference(row["parcel_id"]) for row in rows]
    field = w.letters.field
    return {
        "block": case.block_id,
        "territory": study.name,
        "communes": _named(field.commune, field.commune_code, communes),
        "department": _named(field.department, field.department_code, departments),
        "count": w.counts.parcels(len(rows)),
        "references": ", ".join(refs),
        "area": area(rows),
        "unused": _least_unused(rows),
        "day": words.day(study.day),
        "owner": case.owner,
    }


def _named(blank: str, kind: str, codes: list[str]) -> str:
    said = w.letters.field.named
    return ", ".join(said.format(blank=blank, kind=kind, code=code) for code in codes)


def area(rows: list[dict[str, Any]]) -> str:
    """Return the sum of the registered areas, or a marked blank where one is not known."""
    known = [row["area_registered_m2"] for row in rows]
    if any(words.missing(value) for value in known):
        return str(w.letters.field.area)
    total = sum(float(value) for value in known)
    m2, ha = words.square_metres(total), words.hectares(total / 10_000)
    return str(w.letters.field.area_said.format(m2=m2, ha=ha))


def _least_unused(rows: list[dict[str, Any]]) -> str:
    years = [row["years_unused_low"] for row in rows]
    if any(words.missing(value) for value in years):
        return str(w.letters.field.unused)
    return str(w.letters.field.unused_said.format(years=w.counts.whole_years(int(min(years)))))


def _parcels(case: Case) -> list[Piece]:
    rows = parcel_facts(case)
    p = w.letters.parcels
    head = (p.commune, p.prefix, p.section, p.number, p.locality, p.area, p.zone)
    lines = tuple(
        (
            row["parcel_id"][:5],
            *words.parcel_reference(row["parcel_id"]).split(" "),
            p.no_locality,
            _contents(row),
            _zone(row["zone_plu"]),
        )
        for row in rows
    )
    total = (p.total, "", "", f"{len(rows)}", "", area(rows), "")
    return [Table(head, lines, total, (4, 3, 3, 3, 5, 5, 4))]


def _contents(row: dict[str, Any]) -> str:
    if not words.missing(row["area_registered_m2"]):
        return words.square_metres(row["area_registered_m2"])
    measured = words.square_metres(row["area_m2"])
    return str(w.letters.parcels.no_area.format(measured=measured))


def _zone(zone: Any) -> str:
    if words.missing(zone):
        return str(w.letters.parcels.no_zone)
    return words.ZONES.get(str(zone), str(zone))


def _owners(case: Case) -> list[Piece]:
    known = names(case.result, case.parcels)
    o = w.letters.owners
    head = (o.parcel, o.owner, o.holder)
    lines = []
    for row in parcel_facts(case):
        kind = words.text(row["owner_kind"], "")
        told = o.both.join(known.get(row["parcel_id"], [])) or o.no_name
        quality = f", {words.OWNER_KINDS[kind]}" if kind in words.OWNER_KINDS else ""
        free = words.answer_key(row["lease_running"]) == "no"
        holder = o.free.format(said=o.holder_said) if free else o.holder_said
        reference = words.parcel_reference(row["parcel_id"])
        lines.append((reference, o.said.format(name=f"{told}{quality}"), holder))
    return [Table(head, tuple(lines), widths=(3, 8, 8))]


def _searches(case: Case) -> list[Piece]:
    """Tell the searches the tool itself made: the file of parcels of legal persons, when given."""
    provenance = case.result.provenance
    files = provenance[provenance["layer"] == "owners"]
    if files.empty or case.result.owners is None:
        return [Text(w.letters.searches.not_made, "item")]
    held = set(case.result.owners["parcel_id"].astype("str"))
    there = [words.parcel_reference(p) for p in case.parcels if p in held]
    absent = [words.parcel_reference(p) for p in case.parcels if p not in held]
    s = w.letters.searches
    said = (s.some if absent else s.all) if there else s.none
    vintage = words.text(files["vintage"].iloc[0], s.no_vintage)
    said = said.format(vintage=vintage, there=", ".join(there), absent=", ".join(absent))
    return [Text(said, "item")]


def spoken(case: Case, answers: Mapping[str, bool]) -> pd.DataFrame:
    """Return the evidence rows of the letter's parcels whose answer is the one given by role."""
    rows = case.result.evidence[case.result.evidence["parcel_id"].isin(case.parcels)]
    wanted = rows["role"].astype("str").map(answers)
    return rows[rows["answer"].astype("boolean").eq(wanted.astype("boolean")).fillna(False)]


def _evidence(case: Case) -> list[Piece]:
    rows = spoken(case, FOR)
    if rows.empty:
        return [Text(w.letters.evidence.none)]
    e = w.letters.evidence
    head = (e.text, e.found, e.needed, e.source)
    lines = []
    for _, group in rows.groupby("rule", sort=True, observed=True):
        first = group.iloc[0]
        found: dict[str, list[str]] = {}
        for row in group.sort_values("parcel_id").to_dict("records"):
            reference = words.parcel_reference(str(row["parcel_id"]))
            found.setdefault(words.text(row["found"]), []).append(reference)
        told = " ; ".join(
            e.found_said.format(references=", ".join(refs), value=value)
            for value, refs in found.items()
        )
        source = NOTE.sub("", words.text(first["source"], "")).strip(" ;,")
        lines.append((words.text(first["text"]), told, words.text(first["needed"], words.DASH),
                      source or e.no_source))  # fmt: skip
    return [Table(head, tuple(lines), widths=(6, 5, 3, 5))]


INSERTS: dict[str, Callable[[Case], list[Piece]]] = {
    "parcels": _parcels,
    "owners": _owners,
    "evidence": _evidence,
    "searches": _searches,
}

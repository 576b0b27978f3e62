"""The register page: what the study found, its thresholds and sources, inert.

====  ===============================================================================
R8    order: what to do next              test_r8_order_is_what_to_do_next
R10   captions, scopes, relative links    test_r10_…  (axe: test_axe.py)
R11   checks with counts and tolerances   test_r11_…
P10   who may receive which file          test_p10_…
====  ===============================================================================

R1 to R7: test_workbook.py.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd
import pytest
from hostile import planted
from test_sheets import Page, assert_inert
from tiny import IDS, tiny_result

from friches.fallow import rules
from friches.judge import version_on
from friches.scenarios.rule import instruments
from friches.view import method, publish, register
from friches.view.audience import visible

if TYPE_CHECKING:
    from pathlib import Path

DAY = dt.date(2026, 9, 1)


def test_same_bytes_twice(tmp_path: Path) -> None:
    one = register.write_register_html(tiny_result(), tmp_path / "a" / "register.html")
    two = register.write_register_html(tiny_result(), tmp_path / "b.html")
    assert one.read_bytes() == two.read_bytes()


def test_r10_tables_have_captions_and_scopes_and_links_are_relative() -> None:
    html = register.register_html(tiny_result())
    page = Page(html)
    assert page.all("html")[0]["lang"] == "fr"
    assert len(page.all("h1")) == 1
    assert len(page.all("table")) == len(page.all("caption")) >= 6
    assert all("scope" in attrs for attrs in page.all("th"))
    links = [attrs["href"] for attrs in page.all("a")]
    assert {"sheets/B001.html", "sheets/B002.html", "map.html"} <= set(links)
    anchors = {link[1:] for link in links if link and link.startswith("#")}
    ids = {attrs.get("id") for _, attrs in page.elements}
    assert anchors <= ids
    assert_inert(html)


def test_page_holds_blocks_parcels_questions_sources_and_gaps() -> None:
    said = Page(register.register_html(tiny_result())).text
    for part in ("2,01 ha", *IDS, "Depuis quand ?", "DGFiP, Etalab", "Licence Ouverte 2.0",
                 "images NDVI", "la végétation est-elle permanente ?", "à confirmer sur le terrain",
                 "0 parcelle sur 8", "5 % de la contenance", "1 parcelle sur 9", "mairie@carre.example"):  # fmt: skip
        assert part in said, part


def test_every_threshold_in_force_is_told_with_its_source() -> None:
    rows = method.thresholds(DAY)
    for rule in rules().values():
        names = (rule.title, f"{rule.title}\u00a0: ")
        mine = [r for r in rows if r.weight and (r.rule == names[0] or r.rule.startswith(names[1]))]
        conditions = version_on(rule, DAY).conditions
        assert len(mine) == sum(1 + len(c.exception) for c in conditions), rule.title
    assert all(row.needed and row.text and row.source and row.fact for row in rows)
    said = Page(register.register_html(tiny_result())).text
    for row in rows:
        assert re.sub(r"\s+", " ", row.text) in said
        assert re.sub(r"\s+", " ", row.source) in said


def test_rules_not_yet_in_force_are_left_out() -> None:
    assert method.thresholds(dt.date(1990, 1, 1)) == method.laws(dt.date(1990, 1, 1)) == []


def test_laws_say_their_version_and_that_nobody_reviewed_them() -> None:
    laws = method.laws(DAY)
    assert len(laws) == len(instruments())
    for law in laws:
        assert law.conditions > 0
        assert law.reviewed == "non relu par un juriste" or law.reviewed.startswith("relu par")


def test_r8_order_is_what_to_do_next() -> None:
    result = visible(tiny_result())
    known = result.fallow.copy()
    known.loc[known["parcel_id"] == IDS[4], ["answer", "reasons"]] = [pd.NA, "un indice"]
    rows = register.listed(replace(result, fallow=known))
    assert list(rows["parcel_id"].iloc[:4]) == [IDS[4], IDS[0], IDS[1], IDS[8]]
    assert len(rows) == len(known)


@pytest.mark.parametrize(("most", "count"), [(9, 9), (8, 3)])
def test_long_registers_list_candidates_and_unknown_only(most: int, count: int) -> None:
    assert len(register.listed(visible(tiny_result()), most)) == count


def test_a_limited_list_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Liste limitée" not in register.register_html(tiny_result())
    monkeypatch.setattr(register.listed, "__defaults__", (8,))
    html = register.register_html(tiny_result())
    assert "Liste limitée aux parcelles probables ou à confirmer" in html
    assert IDS[3] not in html
    assert "2 probables, 1 à confirmer, 6 non" in Page(html).text


def test_r11_gap_counts_over_and_exactly_at_the_tolerance() -> None:
    facts = pd.DataFrame(
        {
            "area_registered_m2": [100.0, 100.0, 100.0, None, 0.0],
            "area_m2": [105.0, 105.1, 94.9, 50.0, 5.0],
        }
    )
    assert method.gaps(facts) == (2, 3, 0.05)


def test_r11_checks_are_counted_of_all_parcels_with_their_tolerance() -> None:
    facts = tiny_result().facts
    checks = {row.what: row for row in method.checks(facts)}
    gap = checks["écart entre contenance et surface mesurée"]
    absent = checks["contenance absente du cadastre"]
    assert gap.of + absent.over == absent.of == len(facts) == 9
    assert re.sub(r"\s", " ", gap.tolerance) == "5 % de la contenance"
    assert checks["zone du document d'urbanisme inconnue"].over == 0
    less = facts.drop(columns="zone_plu").assign(owner_kind=["unknown", *["natural"] * 8])
    less.loc[3, "owner_kind"] = None
    checks = {row.what: row for row in method.checks(less)}
    assert checks["zone du document d'urbanisme inconnue"].over == 9
    assert checks["nature du propriétaire inconnue"].over == 2
    assert method.checks(facts.iloc[:0]) == []


@pytest.mark.parametrize("audience", ["public", "internal", "restricted"])
def test_p10_the_register_tells_who_may_receive_which_file(audience: str) -> None:
    result = tiny_result(audience=audience, purpose="recherche des propriétaires")
    said = Page(register.register_html(result)).text
    assert "Qui peut recevoir quel fichier" in said
    for row in publish.receivers(result):
        assert row.files in said
        assert re.sub(r"\s+", " ", row.who) in said


def test_public_register_has_no_parcel(tmp_path: Path) -> None:
    html = register.register_html(tiny_result(audience="public"))
    assert not re.search(r"12999\d{3}[0-9A-Z]{2}\d{4}", html)
    assert "Ferme fictive" not in html
    assert "La version publique ne donne ni numéro ni réponse" in html
    assert "1 à 2" in html
    assert_inert(html)


def test_hostile_texts_stay_texts() -> None:
    html = register.register_html(planted(tiny_result()))
    assert_inert(html)
    assert "\u202e" not in html
    assert "&lt;img src=x" in html


def test_empty_study_still_has_its_page() -> None:
    result = tiny_result()
    empty = {
        name: getattr(result, name).iloc[:0]
        for name in ("blocks", "members", "reach", "meals", "matches", "routes", "steps", "missing")
    }
    said = Page(register.register_html(replace(result, **empty, summary={}))).text
    assert "Aucun îlot candidat." in said
    assert "toutes les couches que l'outil sait lire ont été fournies" in said


def test_withdrawn_parcels_are_no_candidates() -> None:
    result = visible(tiny_result())
    gone = pd.array(result.fallow["parcel_id"].eq(IDS[8]), dtype="boolean")
    known = replace(result, fallow=result.fallow.assign(withdrawn=gone))
    assert register.listed(known)["parcel_id"].iloc[-1] == IDS[8]
    assert IDS[8] not in set(register.listed(known, 8)["parcel_id"])
    assert register._counts(known) == {"yes": 2, "unknown": 0, "no": 6, "withdrawn": 1}
    rows = {r["parcel_id"]: r for r in register._parcels(known, known.fallow)}
    assert rows[IDS[8]]["answer_said"] == "retirée à la demande"
    assert not rows[IDS[8]]["candidate"]


def test_owner_kinds_are_counted_and_hidden_from_the_public_when_few() -> None:
    cells = r'<th scope="row">personne physique</th><td class="n">([^<]+)</td>'
    assert re.findall(cells, register.register_html(tiny_result())) == ["3"]
    public = register.register_html(tiny_result(audience="public"))
    assert re.findall(cells, public) == ["secret statistique"]

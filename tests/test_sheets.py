"""Sheets and dossiers: complete, inert, the same bytes, no more than the audience may see.

===  =========================================  ================================================
S1   header                                     test_s1_…
S2   état parcellaire adds up                   test_s2_…
S3   mémoire justificatif, two equal sides      test_s3_…
S4   all routes, conditions in the law's words  test_s4_…
S5   plan at a round scale                      test_s5_s6_…, test_plan.py
S6   true north                                 test_s5_s6_…, test_plan.py
S7   no aerial image unless the study has one   test_s7_…, test_pictures.py
S8   field box, ten classes                     test_s8_…
S9   recto-verso, header with id and x/y        test_sheets_pdf.py
S10  PDF/UA tags, language, title               test_sheets_pdf.py
S11  nothing fetched                            test_sheets_pdf.py
S12  glyphs                                     test_sheets_pdf.py
S13  contest line                               test_s13_…
S14  footer, same bytes                         test_s14_…
S15  names in restricted files only             test_s15_…
P10  who may receive which file                 test_p10_…
===  =========================================  ================================================

R125-1 and R125-6 (request to the prefect): test_request_…. Photos (P12): test_pictures.py. The
questions that settle most: test_ranking.py.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from hostile import planted
from tiny import IDS, tiny_result

from friches import tables
from friches.errors import InputError
from friches.view import (
    brief,
    desk,
    evidence,
    plan,
    publish,
    questions,
    readings,
    request,
    sheets,
    words,
)
from friches.view.audience import visible

if TYPE_CHECKING:
    from pathlib import Path


class Page(HTMLParser):
    """Every element with its attributes, and the text of the page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.said: list[str] = []
        self._skip = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._skip = tag in ("style", "script")

    def handle_endtag(self, tag: str) -> None:
        self._skip = False

    def handle_data(self, data: str) -> None:
        if not self._skip:
            self.said.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", "".join(self.said))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.elements if name == tag]


def html_of(result: Any, name: str = "B001") -> str:
    return dict(sheets.pages(result))[name]


def page_of(result: Any, name: str = "B001") -> Page:
    return Page(html_of(result, name))


def dossier_of(result: Any, name: str = "B001") -> Page:
    return page_of(result, f"{name}-dossier")


def assert_inert(html: str) -> None:
    # an image of ours stands in the page itself: it is left out of what is looked at
    page = Page(re.sub(r'href="data:image/jpeg;base64,[A-Za-z0-9+/=]+"', "", html))
    assert not page.all("script")
    assert not page.all("img")
    assert not page.all("iframe")
    for _, attrs in page.elements:
        assert not [name for name in attrs if name.startswith("on")]
        assert "style" not in attrs  # the policy would refuse it
        for name in ("src", "href"):
            assert not re.match(r"[a-z]+:|//", attrs.get(name) or "")
    assert "url(http" not in html
    policy = next(a["content"] for a in page.all("meta") if "http-equiv" in a)
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy


def test_s14_one_file_a_block_the_same_bytes_twice(tmp_path: Path) -> None:
    result = tiny_result()
    one = sheets.write_sheets(result, tmp_path / "one")
    two = sheets.write_sheets(result, tmp_path / "two")
    names = ["B001.html", "B001-dossier.html", "B002.html", "B002-dossier.html"]
    assert [path.name for path in one] == names
    assert sorted(p.name for p in (tmp_path / "one").iterdir()) == sorted(names)
    assert [p.read_bytes() for p in one] == [p.read_bytes() for p in two]


def test_no_block_leaves_an_empty_folder(tmp_path: Path) -> None:
    result = tiny_result()
    empty = {
        name: getattr(result, name).iloc[:0]
        for name in ("blocks", "members", "reach", "meals", "matches", "routes", "steps")
    }
    assert sheets.write_sheets(replace(result, **empty), tmp_path / "sheets") == []
    assert (tmp_path / "sheets").is_dir()


@pytest.mark.parametrize("name", ["B001", "B001-dossier"])
def test_frame_language_title_heading_and_captions(name: str) -> None:
    page = page_of(tiny_result(), name)
    assert page.all("html")[0]["lang"] == "fr"
    assert len(page.all("h1")) == len(page.all("title")) - 2 == 1  # the two drawings have titles
    assert len(page.all("table")) == len(page.all("caption"))
    assert all("scope" in attrs for attrs in page.all("th"))
    for drawing in page.all("svg"):
        assert drawing["role"] == "img"
        assert drawing["aria-labelledby"]


def test_sheet_and_dossier_name_each_other() -> None:
    links = {a.get("href") for a in page_of(tiny_result()).all("a")}
    assert "B001-dossier.html" in links
    assert "B001.html" in {a.get("href") for a in dossier_of(tiny_result()).all("a")}


@pytest.mark.parametrize("name", ["B001", "B001-dossier"])
def test_s1_header_says_who_where_how_much_and_how_sure(name: str) -> None:
    said = page_of(tiny_result(), name).text
    for part in (
        "Îlot B001",
        "12999",
        "2,01 ha",
        "2,00 ha",
        "au moins 1",
        "arbustive basse",
        "probable",
        "100 %",
        "1 sur 2",
        "Résultat d'analyse, à confirmer sur le terrain",
        "Territoire fictif",
        "droit au 1er septembre 2026",
        "Cadastre : 2026-06-01",
        "le droit affiché n'a pas été relu par un juriste",
        "mairie@carre.example",
        "images NDVI (la végétation est-elle permanente ?)",
    ):
        assert re.sub(r"\s+", " ", part) in said, part


@pytest.mark.parametrize(("measured", "told"), [(1.9095, False), (1.9094, True), (2.111, True)])
def test_s1_gap_between_areas_is_told_past_five_percent(measured: float, told: bool) -> None:
    result = tiny_result()
    blocks = result.blocks.assign(area_measured_ha=measured)  # of 2.01 registered
    assert ("Écart de" in page_of(replace(result, blocks=blocks)).text) is told


def test_s2_parcels_add_up_to_the_block() -> None:
    result = visible(tiny_result())
    known = desk.survey(result)
    for block in result.blocks.drop(columns="geometry").to_dict("records"):
        context = desk.context(result, known, block)
        assert len(context["parcels"]) == block["n_parcels"]
        assert context["total"]["counted"] == pytest.approx(block["area_ha"] * 10_000)
        assert context["total"]["measured"] == pytest.approx(block["area_measured_ha"] * 10_000)
    assert context["total"]["by_plan"]  # B002: contenance missing, the plan's area is counted
    for name in ("B002", "B002-dossier"):
        assert "manque : plan" in page_of(tiny_result(), name).text


def _rows(count: int) -> list[dict[str, str]]:
    row = {"against": "Vigne (0,9 ; seuil : au moins 0,5) ; Verger", "asked": "Q1, Q2, Q3",
           "answer": "probable", "stage": "friche herbacée", "owner": "personne physique",
           "zone": "A", "unused": "au moins 4"}  # fmt: skip
    return brief.rows([dict(row) for _ in range(count)])


@pytest.mark.parametrize(("count", "recto", "third"), [(1, 1, 0), (12, 12, 0), (13, 6, 7)])
def test_s9_a_third_page_is_for_more_than_twelve_parcels(
    count: int, recto: int, third: int
) -> None:
    shown, more = brief.split(_rows(count))
    assert (len(shown), len(more)) == (recto, third)


def test_s2_rows_in_short_keep_the_reasons_and_count_the_questions() -> None:
    (row,) = _rows(1)
    assert row["against"] == "Vigne ; Verger"
    assert row["asked"] == "Q1, Q2 + 1"
    assert row["state"] == "probable, friche herbacée"


def test_the_plan_of_a_sheet_has_the_room_that_parcels_leave() -> None:
    sizes = [brief.plan_size(_rows(n), beside=False, noted=False) for n in (0, 1, 6, 12)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1][1] >= brief.LOWEST_MM
    narrow = brief.plan_size(_rows(1), beside=True, noted=False)
    assert narrow[0] == (188.0 - 3.0) / 2
    assert brief.plan_size(_rows(6), beside=False, noted=True)[1] == sizes[2][1] - 5


@pytest.mark.parametrize(
    ("said", "cap", "cut"),
    [("abc def", 7, "abc def"), ("abc def ", 7, "abc…"), ("abcdef ghi", 9, "abcdef…"), ("", 3, "")],
)
def test_texts_are_cut_at_a_word(said: str, cap: int, cut: str) -> None:
    assert brief.cut(said, cap) == cut


def test_s3_the_sheet_counts_every_evidence_row_once() -> None:
    result = visible(tiny_result())
    told = evidence.by_block(result.evidence, result.members)
    for block, parcels in (("B001", 2), ("B002", 1)):
        sides = brief.argued(told[block])
        counted = sum(c.parcels for side in sides.values() for c in (*side.met, *side.unmet))
        assert counted == parcels * result.evidence["rule"].nunique()
    assert [c.title for c in brief.argued(told["B001"])["for"].met] == [evidence.title("woody")]


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (["0,40"], "0,40"),
        (["0,96", "0,40", "0,55"], "de 0,40 à 0,96"),
        (["1\u202f114 m", "20 m", "-3 m"], "de -3 à 1\u202f114 m"),
        (["oui", "non", "inconnu"], "oui ; non ; …"),
        (["3 m", "4 %", "5 m"], "3 m ; 4 % ; …"),
    ],
)
def test_findings_in_short_are_a_range_or_the_first_two(found: list[str], told: str) -> None:
    assert brief._range(found) == told


def test_s3_every_evidence_row_once_on_its_side() -> None:
    result = tiny_result()
    told = evidence.by_block(result.evidence, result.members)
    seen = Counter(
        (entry.rule, parcel)
        for sides in told.values()
        for entries in sides.values()
        for entry in entries
        for finding in entry.findings
        for parcel in finding.parcels
    )
    of_members = result.evidence[result.evidence["parcel_id"].isin(result.members["parcel_id"])]
    wanted = set(zip(of_members["rule"], of_members["parcel_id"], strict=True))
    assert set(seen) == wanted
    assert set(seen.values()) == {1}
    assert {e.rule for e in told["B001"]["for"]} == {"declared_recently", "woody"}
    assert {e.rule for e in told["B002"]["against"]} == {"woody"}  # looked for, not there
    assert {e.rule for e in told["B002"]["unknown"]} == {"declared_recently"}


@pytest.mark.parametrize(
    ("role", "answer", "side"),
    [
        ("supports", True, "for"),
        ("supports", False, "against"),
        ("weakens", True, "against"),
        ("weakens", False, "for"),
        ("excludes", True, "against"),
        ("excludes", False, "for"),
        ("supports", None, "unknown"),
        ("excludes", None, "unknown"),
    ],
)
def test_side_follows_role_and_answer(role: str, answer: bool | None, side: str) -> None:
    result = tiny_result()
    one = result.evidence.iloc[:1].assign(role=role, answer=pd.array([answer], dtype="boolean"))
    told = evidence.by_block(one, result.members)["B001"]
    assert [name for name in evidence.SIDES if told[name]] == [side]


def test_findings_that_differ_stand_in_one_entry_with_their_parcels() -> None:
    result = tiny_result()
    rows = result.evidence["rule"].eq("woody") & result.evidence["parcel_id"].eq(IDS[1])
    changed = result.evidence.assign(
        found=result.evidence["found"].astype("str").mask(rows, "0,55")
    )
    said = dossier_of(replace(result, evidence=changed)).text
    assert "0,40 (A 1) ; 0,55 (A 2)" in said
    assert "au moins 4 (les 2 parcelles)" in said


@pytest.mark.parametrize("name", ["B001", "B001-dossier"])
def test_s4_all_routes_are_shown_with_their_state(name: str) -> None:
    result = tiny_result()
    page = page_of(result, name)
    shown = [a["data-route"] for tag in ("div", "tr") for a in page.all(tag) if "data-route" in a]
    mine = result.routes[result.routes["block_id"] == "B001"]
    assert shown == list(mine["instrument"])
    assert "le propriétaire est connu" in page.text


def test_s4_a_line_of_the_sheet_says_what_is_missing_who_knows_and_when() -> None:
    text = page_of(tiny_result()).text
    assert (
        "Terres incultes : demande au préfetà instruireQ1 une force majeure ? (propriétaire)"
        in text
    )
    assert "05/2027 – 01/2028 – 09/2028" in text
    assert "Bien présumé sans maîtreferméele propriétaire est connu–" in text


def test_s4_the_dossier_tells_dates_in_words_and_the_number_of_the_question() -> None:
    text = dossier_of(tiny_result()).text
    assert "Terres incultes : demande au préfet : à instruire" in text
    assert "Bien présumé sans maître : fermée" in text
    assert "entre mai 2027 et septembre 2028, sans doute janvier 2028" in text
    assert "Q1 Une force majeure ? propriétaire" in re.sub(
        r"(?<=Q1)(?=\S)|(?<=\?)(?=\S)", " ", text
    )


def _failing(result: Any) -> Any:
    """B001: owner known on A 1 (closed), unknown on A 2; one of two ways is open on A 1."""
    said = [
        ("proprietaire", False, True, "des immeubles qui n'ont pas de propriétaire connu", "non"),
        ("impayee_annees", None, None, "les taxes foncières n'ont pas été acquittées", "3 ans"),
        ("impayee", None, None, "les taxes foncières", None),
        ("exoneree_ou_non_recouvree", True, None, "font l'objet d'une exonération", "oui"),
        ("exoneree", True, None, "font l'objet d'une exonération", None),
        ("verdict", False, None, None, None),
    ]
    rows = [
        {
            "parcel_id": parcel,
            "instrument": "sans_maitre_2",
            "condition": condition,
            "answer": answers[n],
            "found": {None: "inconnu", True: "oui", False: "oui"}[answers[n]],
            "needed": needed,
            "text": text,
            "source": "CG3P L1123-1, 2° [V26]",
            "version_from": pd.Timestamp("2024-07-01"),
            "question": "Depuis quand ?" if answers[n] is None else None,
            "whom": "administration fiscale" if answers[n] is None else None,
        }
        for n, parcel in enumerate(IDS[:2])
        for condition, *answers, text, needed in said
    ]
    return tables.check(pd.DataFrame(rows), "rulings")


def test_s4_conditions_that_fail_or_miss_in_the_words_of_the_law() -> None:
    result = tiny_result()
    rulings = _failing(result)
    open_ = rulings["condition"].ne("verdict") | rulings["parcel_id"].ne(IDS[0])
    told = readings.by_document(rulings[open_], result.members, result.study.study.day)
    ((block, documents),) = told.items()
    assert (block, list(documents)) == ("B001", ["sans_maitre_2"])
    said = documents["sans_maitre_2"]
    assert [
        (r.condition, r.met, r.way, [f.parcels for f in r.findings]) for r in said.readings
    ] == [
        ("proprietaire", False, "", [(IDS[0],)]),
        ("impayee_annees", None, "voie 1 sur 3", [(IDS[1],)]),  # A 1: another way is open
        ("exoneree_ou_non_recouvree", None, "voie 3 sur 3", [(IDS[1],)]),
    ]
    assert (said.met, said.conditions) == (0, 3)
    page = dossier_of(replace(result, rulings=rulings))
    assert "des immeubles qui n'ont pas de propriétaire connu" in page.text
    assert "CG3P L1123-1, 2° [V26]" in page.text
    assert "oui (A 1)" in page.text
    assert "non remplie" in page.text
    assert "voie 1 sur 3, une suffit" in page.text


def test_s4_of_a_closed_text_only_what_closes_it_is_told() -> None:
    result = tiny_result()
    rulings = _failing(result)
    rulings.loc[rulings["condition"] == "verdict", "answer"] = False
    told = readings.by_document(rulings, result.members, result.study.study.day)
    assert [r.condition for r in told["B001"]["sans_maitre_2"].readings] == ["proprietaire"]


def test_s4_parcels_that_agree_share_a_line_and_met_ones_are_counted() -> None:
    result = tiny_result()
    told = readings.by_document(result.rulings, result.members, result.study.study.day)
    assert told["B001"]["l125_individuel"] == readings.Told((), 1, 1)
    (one,) = told["B002"]["l125_individuel"].readings
    assert one.met is None
    said = dossier_of(result).text
    assert "1 condition remplie partout, sur 1 : rien ne manque ni ne fait obstacle" in said
    unknown = result.rulings.assign(answer=pd.array([None] * 6, dtype="boolean"))
    told = readings.by_document(unknown, result.members, result.study.study.day)
    (both,) = told["B001"]["l125_individuel"].readings
    assert both.findings[0].parcels == (IDS[0], IDS[1])


@pytest.mark.parametrize("name", ["B001", "B001-dossier"])
def test_s7_no_aerial_image_and_the_sheet_says_so(name: str) -> None:
    page = page_of(tiny_result(), name)
    assert "couches vectorielles seules, sans photo aérienne" in page.text
    assert not page.all("img")
    assert not page.all("image")


def test_request_to_the_prefect_lacks_nothing_but_marked_blanks() -> None:
    # CRPM R125-1: designation, name, capacity and domicile of requester, owner and holder of the
    # right to farm, searches made, evidence; R125-6: plan, état parcellaire, mémoire justificatif
    result = tiny_result()
    html = html_of(result, "B001-dossier")
    page = Page(html)
    ids = {attrs.get("id") for _, attrs in page.elements}
    sections = {
        piece.place: html[html.index(f'id="{piece.place}"') :].split("</section>")[0]
        for piece in request.PIECES
        if piece.place
    }
    assert set(sections) <= ids
    for pid in IDS[:2]:
        assert pid in sections["t-etat"]  # designation of each parcel
    assert sections["t-etat"].count("10\u202f050") == 2  # areas
    assert "Plan parcellaire au 1:" in sections["t-plan"]
    assert "État parcellaire" in sections["t-etat"]
    assert "Mémoire justificatif" in sections["t-memoire"]
    assert "au moins 4" in sections["t-memoire"]
    blank = html[html.index('id="t-demande"') :].split("</section>")[0]
    left = [piece for piece in request.PIECES if not piece.place]
    assert [piece.what.split(" d")[0].split(",")[0] for piece in left] == [
        "Nom", "Nom", "Nom", "Recherches faites"
    ]  # fmt: skip
    assert all(piece.said.startswith(words.TO_COMPLETE) for piece in left)
    assert all(piece.source for piece in request.PIECES)
    for part in ("Demandeur, nom (à compléter)", "Qualité (à compléter)",
                 "Domicile du demandeur (à compléter)", "Propriétaire : nom, qualité, domicile",
                 "Titulaire du droit d'exploitation : nom, qualité, domicile",
                 "recherches faites", "R125-11"):  # fmt: skip
        assert part in re.sub(r"\s+", " ", unescape(blank)), part
    rows = re.findall(r'<tr><th scope="row">(A \d)</th>(.*?)</tr>', blank)
    assert [name for name, _ in rows] == ["A 1", "A 2"]
    assert all(cells.count(words.TO_COMPLETE) == 3 for _, cells in rows)
    assert 'Lieu-dit</dt><dd><span class="blank short"></span> à compléter' in html


def test_request_is_not_in_the_public_dossier() -> None:
    assert "t-demande" not in html_of(tiny_result(audience="public"), "B001-dossier")


@pytest.mark.parametrize("audience", ["public", "internal"])
@pytest.mark.parametrize("name", ["B001", "B001-dossier"])
def test_p10_sheets_say_who_may_receive_what(audience: str, name: str) -> None:
    result = tiny_result(audience=audience)
    said = page_of(result, name).text
    rows = publish.receivers(result)
    assert "fiches" in rows[0].files
    for row in rows if "dossier" in name else rows[:1]:
        assert re.sub(r"\s+", " ", row.who) in said


def test_steps_of_the_first_route_that_is_not_closed() -> None:
    result = tiny_result()
    assert "CRPM L125-3, al. 2 [V15]" in dossier_of(result).text
    closed = result.routes.assign(answer=pd.array([False] * 4, dtype="boolean"))
    said = dossier_of(replace(result, routes=closed)).text
    assert "Aucune voie ouverte ou à instruire" in said
    assert "CRPM L125-3" not in said


def test_s8_ten_classes_in_the_safer_words_and_the_pen_box() -> None:
    html = html_of(tiny_result())
    field = html[html.index('id="t-terrain"') : html.index('id="t-ferme"')]
    ticked = re.findall(r'<li><span class="tick"></span> ([^<]+)</li>', field)
    assert tuple(ticked) == tables.STAGES
    for words_ in ("Date de la visite", "Visiteur", "Accès", "Eau", "Pente", "Photos",
                   "exploité, par qui\u00a0?", "autre raison de non-usage",
                   "Personne rencontrée"):  # fmt: skip
        assert words_ in field


def test_places_meals_and_sources_are_there() -> None:
    for name in ("B001", "B001-dossier"):
        said = page_of(tiny_result(), name).text
        assert "Ferme fictive du Carré" in said
        assert "par la route" in said
        assert "6 400 – 14 400 – 28 800" in said
        assert "Entre 15 400 et 69 400, sans doute 34 700 repas par an" in said
    assert "Agribalyse 3.2 [VERIFIED] ; abattement [ASSUMPTION]" in said


@pytest.mark.parametrize("name", ["B001", "B001-dossier"])
def test_s13_contest_line_says_whom_what_and_what_happens(name: str) -> None:
    said = page_of(tiny_result(), name).text
    for part in ("Écrire à mairie@carre.example", "une pièce datée", "elle est retirée"):
        assert part in said
    assert words.NO_CONTACT in page_of(tiny_result(contact="")).text


def test_public_sheets_hold_no_parcel_number() -> None:
    for name, html in sheets.pages(tiny_result(audience="public")):
        assert not re.search(r"12999\d{3}[0-9A-Z]{2}\d{4}", html), name
        assert "1 à 2" in html, name
        assert "Ferme fictive" not in html
        assert "version publique" in html
        assert_inert(html)


def owners() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "parcel_id": [IDS[0], IDS[5]],
            "owner_kind": ["legal", "legal"],
            "owner_group": ["0", "0"],
            "land_class": ["T", "T"],
            "name": ["DENOMINATION-TEMOIN-1", "DENOMINATION-TEMOIN-2"],
        }
    )


def test_s15_names_only_in_restricted_files_that_say_when_to_destroy_them() -> None:
    for audience in ("public", "internal"):
        made = dict(sheets.pages(replace(tiny_result(audience=audience), owners=owners())))
        assert sorted(made) == ["B001", "B001-dossier", "B002", "B002-dossier"]
        assert "TEMOIN" not in "".join(made.values())
    made = dict(sheets.pages(replace(tiny_result(audience="restricted"), owners=owners())))
    names = [
        f"{kind.format(n)}"
        for n in (1, 2)
        for kind in ("B00{}", "B00{}-dossier", "restreint-B00{}")
    ]
    assert list(made) == names
    assert "TEMOIN" not in "".join(said for name, said in made.items() if name != "restreint-B001")
    assert "DENOMINATION-TEMOIN-1" in made["restreint-B001"]
    assert "TEMOIN-2" not in made["restreint-B001"]  # not a parcel of the block
    assert "RESTREINT" in made["restreint-B001"]
    assert "détruire avant le 31 décembre 2027" in made["restreint-B001"]
    assert_inert(made["restreint-B001"])


def test_hostile_texts_stay_texts() -> None:
    for _, html in sheets.pages(planted(tiny_result())):
        assert_inert(html)
        assert "\u202e" not in html
        assert "<b onmouseover" not in html
        assert "&lt;img src=x" in html
        assert "{{ 7*7 }}" in html


def test_block_ids_that_are_paths_are_refused(tmp_path: Path) -> None:
    result = tiny_result()
    blocks = result.blocks.assign(block_id=["../../x", "B002"])
    with pytest.raises(InputError, match="ne peut pas nommer un fichier"):
        sheets.write_sheets(replace(result, blocks=blocks), tmp_path)


def test_s5_s6_svg_bar_and_arrow_are_drawn_as_computed() -> None:
    result = visible(tiny_result())
    made = plan.draw(plan.survey(result), "B001")
    page = dossier_of(tiny_result())
    bar = next(a for a in page.all("rect") if a.get("class") == "bar")
    assert float(bar["width"] or 0) == pytest.approx(made.bar_m * 1000 / made.scale, rel=0.01)
    drawing = next(a for a in page.all("svg") if a.get("class") == "plan")
    assert drawing["width"] == f"{made.width}mm"
    assert drawing["viewbox"] == f"0 0 {made.width} {made.height}"
    arrow = next(a for a in page.all("g") if a.get("class") == "north")
    assert arrow["transform"] == f"rotate({made.north:.3f})"
    assert "Échelle 1:2 000" in page.text


def test_s5_the_plan_of_the_sheet_is_at_a_round_scale_too() -> None:
    result = visible(tiny_result())
    size = brief.plan_size([], beside=False, noted=False)
    made = plan.draw(plan.survey(result), "B001", size)
    assert (made.width, made.height) == size
    assert made.scale in plan.SCALES
    assert made.bar_mm == pytest.approx(made.bar_m * 1000 / made.scale, abs=0.005)
    west, south, east, north = made.ground
    assert (east - west) * 1000 / made.scale == pytest.approx(made.right - made.left)
    assert (north - south) * 1000 / made.scale == pytest.approx(made.bottom - made.top)
    assert {key.y for key in made.keys} == {0.0}
    narrow = plan.draw(plan.survey(result), "B001", (92.0, 80.0))
    assert max(key.x + plan.KEYS[key.kind] for key in narrow.keys) <= 92.0
    assert len({key.y for key in narrow.keys}) > 1


def test_questions_are_read_back_from_their_text() -> None:
    said = "Depuis quand (à peu près) ? (mairie, voisins) ; Par qui ? (DDT (service foncier))"
    assert questions.split(said) == [
        ("Depuis quand (à peu près) ?", "mairie, voisins"),
        ("Par qui ?", "DDT (service foncier)"),
    ]
    assert questions.split("sans forme") == [("sans forme", "")]
    assert questions.split(pd.NA) == questions.split(" ") == []


def test_what_two_hundred_sheets_tell_is_gathered_quickly() -> None:
    result = visible(tiny_result())
    known = desk.survey(result)
    block = result.blocks.drop(columns="geometry").to_dict("records")[0]
    started = time.perf_counter()
    for _ in range(20):
        desk.context(result, known, block)
    assert (time.perf_counter() - started) / 20 < 0.15

"""The lawbook: a line for every sentence encoded, our reading beside it, nothing hidden."""

from __future__ import annotations

import datetime as dt
import re
from html import unescape

import pytest
from hostile import PAYLOADS

from friches.errors import InputError
from friches.grammar import Document
from friches.scenarios import rule
from friches.view import lawbook, reading
from friches.view.lawbook import html, omissions, write_lawbook

DOCUMENT = {
    "title": "Voie d'essai",
    "checked": {"on": "2026-11-21"},
    "version": [
        {
            "from": "2015-03-22",
            "source": "CRPM L1",
            "mark": "V15",
            "condition": [
                {
                    "id": "duree",
                    "text": "depuis au moins trois ans",
                    "fact": "years_unused",
                    "at_least": 3,
                    "source": "CRPM L125-1, al. 1",
                    "mark": "V15c",
                    "exception": [
                        {
                            "text": "réduit à deux ans en zone de montagne",
                            "where": "in_mountain_zone",
                            "at_least": 2,
                        }
                    ],
                },
                {
                    "id": "defrichement",
                    "text": "pas de défrichement",
                    "verdict_of": "defrichement",
                    "is": True,
                },
            ],
            "bar": [{"id": "bail", "text": "loué", "fact": "lease_running", "is": True}],
            "step": [
                {"id": "demande", "who": "préfet", "act": "Accuse réception", "within": "2 months"},
                {
                    "id": "silence",
                    "after": ["demande"],
                    "act": "Rien",
                    "text": "L'absence de réponse vaut renonciation.",
                    "article": "CRPM L125-3, al. 2",
                    "mark": "V15",
                    "lasts": "2 months",
                    "branch": "silence",
                    "chance": {
                        "low": 0.1,
                        "central": 0.5,
                        "high": 0.9,
                        "source": "essai",
                        "mark": "ASSUMPTION",
                    },
                },
            ],
        }
    ],
}


def document(**changed):
    said = DOCUMENT | changed
    version = said["version"][0] | {"from": dt.date(2015, 3, 22)}
    checked = {"on": dt.date(2026, 11, 21)} | said.get("checked_by", {})
    said = {k: v for k, v in said.items() if k != "checked_by"}
    return Document.model_validate(said | {"version": [version], "checked": checked})


@pytest.fixture(scope="module")
def page():
    return html()


def rows():
    return reading.rows(document().version[0], rule.facts_named())


def test_one_row_a_condition_exception_bar_and_step_in_the_order_of_the_file():
    assert [(row.kind, row.name) for row in rows()] == [
        ("condition", "duree"),
        ("exception", "duree"),
        ("condition", "defrichement"),
        ("bar", "bail"),
        ("step", "demande"),
        ("step", "silence"),
    ]


def test_our_reading_says_label_comparison_threshold_and_exception():
    first, exception, verdict, bar, asked, silence = (
        " ".join(row.read).replace("\u00a0", " ") for row in rows()
    )
    assert first.startswith("« Années entières sans déclaration PAC » : au moins 3")
    assert "Si on ne sait pas : « Depuis combien d'années" in first
    assert exception == "Si « En zone de montagne » : oui, alors il faut au moins 2."
    title = rule.law()["defrichement"].title
    assert verdict.startswith(f"Verdict de « {title} » : oui.")
    assert bar.startswith("Ferme la voie si « ")
    assert asked == "préfet : Accuse réception. Délai légal : 2 mois au plus."
    assert "Durée légale : 2 mois." in silence
    assert "Branche « silence », chance retenue 10 % / 50 % / 90 % (essai) [ASSUMPTION]." in silence
    assert silence.endswith("Après : demande.")


def test_a_row_without_its_own_source_or_mark_bears_that_of_its_version():
    first, exception, verdict, *_ = rows()
    assert (first.article, first.mark) == ("CRPM L125-1, al. 1", "V15c")
    assert (exception.article, exception.mark) == ("CRPM L125-1, al. 1", "V15")
    assert (verdict.article, verdict.mark, verdict.link) == ("CRPM L1", "V15", "defrichement")


def test_the_verdict_sentence_names_what_there_is():
    said = reading.verdict(document().version[0])
    assert said.startswith("Oui si toutes les conditions sont remplies, et si aucun obstacle")
    assert "cas" not in said


def test_every_sentence_of_every_document_is_in_the_page(page):
    from markupsafe import escape

    from friches.view.inert import clean

    for name, said in rule.law().items():
        assert f'id="{name}"' in page
        assert escape(clean(said.title)) in page
        for version in said.version:
            spoken = [c.text for c in version.conditions] + [s.text for s in version.step]
            for text in [*spoken, *(e.text for c in version.conditions for e in c.exception)]:
                assert escape(clean(text)) in page, (name, text)


def test_one_table_row_a_line(page):
    lines = sum(
        len(reading.rows(version, rule.facts_named()))
        for said in rule.law().values()
        for version in said.version
    )
    assert len(re.findall(r'<tr class="(?:condition|way|case|bar|exception|step)">', page)) >= lines
    assert page.count("non relu par un juriste") > lines


def test_who_checked_is_said_when_a_jurist_did():
    assert lawbook.checked(document()) == "non relu par un juriste"
    assert lawbook.checked(document(checked_by={"by": "service juridique"})) == (
        "relu par service juridique"
    )


def test_every_mark_is_explained(page):
    for mark in ("V26", "V15c", "V15", "VP", "R"):
        assert f'<th scope="row">{mark}</th>' in page
    for said in rule.law().values():
        for version in said.version:
            for row in reading.rows(version, rule.facts_named()):
                assert row.mark in lawbook.MARKS or row.mark == "", (said.title, row.name, row.mark)


def test_what_is_not_encoded_is_said_with_reason_and_is_not_encoded(page):
    left = omissions()
    assert len({row.id for row in left}) == len(left) >= 15
    for row in left:
        assert row.id not in rule.law(), row.id
        assert row.mark in lawbook.MARKS
        assert ".md" not in row.source
    assert "Ce qui n&#39;est pas encodé</h2>" in page
    assert "L111-26" in page  # said once, as never invoked


def test_detection_rules_stand_in_the_annex(page):
    from friches import fallow

    for name in fallow.rules():
        assert f'id="regle-{name}"' in page


def test_self_contained_fenced_and_the_same_twice(tmp_path):
    path = write_lawbook(tmp_path)
    assert path == tmp_path / "lawbook.html"
    page = path.read_text("utf-8")
    assert write_lawbook(tmp_path / "recueil.html").read_bytes() == path.read_bytes()
    assert '<html lang="fr">' in page
    assert "script-src 'none'" in unescape(page)
    assert not re.search(r'(?:src|srcset)="', page)
    assert not re.search(r'<link|@import|style="|\son\w+="', page)
    assert "@page" in page
    assert len(set(re.findall(r' id="([^"]+)"', page))) == page.count(' id="')
    for anchor in re.findall(r'href="#([^"]+)"', page):
        assert f'id="{anchor}"' in page, anchor


@pytest.mark.parametrize("payload", PAYLOADS)
def test_hostile_texts_are_inert(payload):
    bad = document(title=payload, about={"risks": payload, "unnamed_key": payload})
    page = html({"essai": bad, "defrichement": rule.law()["defrichement"]})
    assert not re.search(r"<(?:script|img|svg|b)\b", page)
    assert "\u202e" not in page
    assert not re.search(r"<[^>]*\son\w+=", page)
    assert 'href="javascript:' not in page


def test_a_faulty_list_of_what_is_left_out_is_refused_by_name(tmp_path, monkeypatch):
    path = tmp_path / "not_encoded.toml"
    path.write_text('[[item]]\nid = "x"\nwhat = "y"\n', "utf-8")
    monkeypatch.setattr(lawbook, "NOT_ENCODED", path)
    with pytest.raises(InputError, match="not_encoded"):
        omissions()

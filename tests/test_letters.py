"""Drafts of letters: what is known is there, what is not is a marked blank, nothing is invented."""

from __future__ import annotations

import re
import subprocess
import zipfile
from dataclasses import replace

import docx
import pandas as pd
import pytest
from articles import article_text, squeezed
from conftest import FULL
from docx.enum.text import WD_COLOR_INDEX
from hostile import PAYLOADS, planted
from tiny import IDS, tiny_result

from friches import tables
from friches.errors import InputError
from friches.scenarios.rule import law, rule
from friches.view import letterbook, letters, words
from friches.view.letters import write_letters
from friches.view.worddoc import BLANK

NBSP = "\u00a0"


def judged(result, **known):
    """The result with every document judged on its facts, some of them given."""
    facts = result.facts.copy()
    for name, value in known.items():
        facts[name] = pd.array([value] * len(facts), dtype="boolean")
    return replace(result, facts=facts, rulings=rule(facts, result.study.study.day))


@pytest.fixture(scope="module")
def result():
    return judged(tiny_result())


@pytest.fixture(scope="module")
def drafts(result, tmp_path_factory):
    folder = tmp_path_factory.mktemp("letters")
    return {path.stem: path for path in write_letters(result, "B001", folder)}


def paragraphs(path):
    made = docx.Document(path)
    yield from made.paragraphs
    for table in made.tables:
        for row in table.rows:
            for cell in row.cells:
                yield from cell.paragraphs


def text(path):
    return "\n".join(p.text for p in paragraphs(path)).replace(NBSP, " ")


def body(path):
    """The letter without its control sheet."""
    made = docx.Document(path)
    said = "\n".join(p.text for p in made.paragraphs).split("Feuille de contrôle")[0]
    cells = [c.text for t in made.tables for row in t.rows for c in row.cells]
    return "\n".join([said, *cells]).replace(NBSP, " ")


def owned(result, audience, names):
    """The result with owners' names (of fictitious bodies) by parcel."""
    rows = [
        {"parcel_id": pid, "owner_kind": "legal", "name": name}
        for pid, held in names.items()
        for name in held
    ]
    for row in rows:
        row |= {"owner_group": None, "land_class": None}
    about = result.study.study.model_copy(update={"audience": audience})
    study = result.study.model_copy(update={"study": about})
    owners = tables.check(pd.DataFrame(rows), "owners")
    return replace(result, study=study, owners=owners)


# ---------------------------------------------------------------------------- what R125-1 asks
def test_the_request_to_the_prefect_states_all_that_r125_1_asks(drafts):
    said = body(drafts["B001-l125_individuel-prefet"])
    for parcel in IDS[:2]:
        assert words.parcel_reference(parcel).split(" ")[2] in said
    made = docx.Document(drafts["B001-l125_individuel-prefet"])
    land = [[c.text.replace(NBSP, " ") for c in row.cells] for row in made.tables[0].rows]
    assert land[1][:4] == ["12999", "000", "A", "1"]
    assert land[2][:4] == ["12999", "000", "A", "2"]
    assert land[1][5] == f"10{words.THIN}050 m²"
    assert land[3][5].startswith(f"20{words.THIN}100 m²")
    for blank in (
        "nom, prénoms ou dénomination du demandeur",
        "qualité du demandeur",
        "domicile ou siège du demandeur",
        "parcelles comparées, culture et état",
    ):
        assert f"[À COMPLÉTER : {blank}]" in said, blank
    owner = [c.text.replace(NBSP, " ") for c in made.tables[1].rows[1].cells]
    assert owner[0] == "000 A 1"
    for blank in ("nom", "qualité", "domicile"):
        assert f"[À COMPLÉTER : {blank}]" in owner[1]
    assert "[À COMPLÉTER : nom, qualité et domicile, ou « aucun »]" in owner[2]
    assert "4. Recherches faites pour les connaître" in said
    assert "Service de la publicité foncière, demandé le [À COMPLÉTER : date]" in said
    assert "au moins 4 années entières sans déclaration" in said
    found = [[c.text for c in row.cells] for row in made.tables[2].rows]
    assert found[1][1].replace(NBSP, " ") == "000 A 1, 000 A 2 : au moins 4"


def test_the_quotes_are_those_of_the_law_word_for_word(drafts, result):
    step = {s.id: s for s in law()["l125_individuel"].version[-1].step}
    said = text(drafts["B001-l125_individuel-rappel-prefet"])
    for name in ("mise_en_demeure", "engagement", "silence", "annee_engagee", "constat"):
        assert f"« {step[name].text} » ({step[name].article} [{step[name].mark}])" in said
    assert "deux mois" in said
    assert "délai d'un an" in said


@pytest.mark.shared
def test_every_quote_of_a_template_is_in_its_article(shared):
    own = [
        cited
        for template in letterbook.templates().values()
        for part in template.part
        for cited in part.quote
        if cited.text
    ]
    assert own
    for cited in own:
        there = article_text(shared, cited.article, cited.mark)
        assert squeezed(cited.text) in squeezed(there), cited


def test_every_quote_named_by_a_template_is_found(result):
    day = result.study.study.day
    for template in letterbook.templates().values():
        for part in template.part:
            for cited in part.quote:
                assert letterbook.quoted(cited, day).said


# ------------------------------------------------------------------------------------- blanks
def test_every_blank_is_marked_and_highlighted(drafts):
    for path in drafts.values():
        seen = 0
        for paragraph in paragraphs(path):
            for run in paragraph.runs:
                lit = run.font.highlight_color == WD_COLOR_INDEX.YELLOW
                assert lit == bool(BLANK.fullmatch(run.text)), (path.name, run.text)
                seen += lit
            assert paragraph.text.count("[À COMPLÉTER") == len(BLANK.findall(paragraph.text))
        assert seen >= 4, path.name


def test_no_unmarked_blank_and_no_word_of_the_machine(drafts):
    for path in drafts.values():
        said = body(path)
        assert not re.search(r"_{2,}|\.{4,}|\bnan\b|\bNone\b|<NA>|NaT|[{}]|XXX|TODO", said), path
        assert not re.search(r"\binconnu\b", said), path.name


def test_a_missing_contenance_and_zone_are_blanks_never_zero(tmp_path, result):
    [path] = write_letters(result, "B002", tmp_path, ["sans_maitre_1"])
    said = body(path)
    assert f"[À COMPLÉTER : contenance] (mesurée sur le plan : 10{words.THIN}000 m²)" in said
    assert "[À COMPLÉTER : contenance cadastrale totale]" in said
    bare = result.facts.assign(zone_plu=pd.NA, years_unused_low=float("nan"))
    paths = write_letters(replace(result, facts=bare), "B001", tmp_path, ["l125_individuel"])
    said = body(paths[1])
    assert "[À COMPLÉTER : zone]" in said
    assert "[À COMPLÉTER : nombre d'années sans exploitation, et preuve]" in said


def test_every_draft_says_that_it_is_one(drafts):
    for path in drafts.values():
        made = docx.Document(path)
        header = made.sections[0].header.paragraphs[0].text
        assert header == "PROJET, NON RELU PAR UN JURISTE – territoire fictif"
        assert "Feuille de contrôle, à retirer avant l'envoi" in text(path)
        assert "non relu par un juriste" in text(path)
        assert "ne pas envoyer" in text(path)


def test_a_real_territory_is_not_said_fictitious(tmp_path):
    real = judged(tiny_result(fictitious=False, name="Commune d'essai"))
    for path in write_letters(real, "B002", tmp_path, ["cmd_safer"]):
        header = docx.Document(path).sections[0].header.paragraphs[0].text
        assert header == "PROJET, NON RELU PAR UN JURISTE"
        assert "fictif" not in text(path)


# ------------------------------------------------------------------------- which letters, to whom
def test_a_draft_for_every_template_whose_route_is_not_closed(drafts):
    one_each = {t.name for t in letterbook.templates().values() if t.each == "block"}
    assert {stem.removeprefix("B001-") for stem in drafts} >= one_each
    for name in ("dgfip", "arrete", "deliberation", "prefet", "incorporation", "occupant"):
        assert f"B001-sans_maitre_2-{name}" in drafts


def test_a_closed_route_has_no_draft(tmp_path):
    known = judged(tiny_result(), owner_known=True, lease_running=True, owner_is_section=False)
    names = {path.stem for path in write_letters(known, "B001", tmp_path)}
    assert not [name for name in names if "sans_maitre_2" in name or "cmd_safer" in name]
    assert not [name for name in names if "sections" in name]
    assert "B001-l125_individuel-prefet" in names


def test_a_parcel_to_which_the_route_is_closed_is_left_out_and_said_so(tmp_path, result):
    facts = result.facts.assign(owner_known=pd.array([pd.NA] * 9, dtype="boolean"))
    facts.loc[1, "owner_known"] = True
    mixed = replace(result, facts=facts, rulings=rule(facts, result.study.study.day))
    made = write_letters(mixed, "B001", tmp_path, ["sans_maitre_2"])
    paths = {p.stem: p for p in made}
    made = docx.Document(paths["B001-sans_maitre_2-arrete"])
    assert [row.cells[3].text for row in made.tables[0].rows][1:-1] == ["1"]
    assert "000 A 2 : « " in text(paths["B001-sans_maitre_2-arrete"])
    assert "Parcelles laissées hors du courrier" in text(paths["B001-sans_maitre_2-arrete"])


def test_without_names_one_marked_letter_a_parcel_with_the_warning(drafts):
    mine = sorted(s for s in drafts if s.startswith("B001-cmd_safer-proprietaire"))
    assert mine == [f"B001-cmd_safer-proprietaire-{pid[5:]}" for pid in IDS[:2]]
    said = text(drafts[mine[0]])
    assert "[À COMPLÉTER : nom, prénoms ou dénomination]" in said
    assert "Moëlan-sur-Mer" in said
    assert "Une lettre par indivisaire" in said
    assert "000 A 1" in said
    assert "000 A 2" not in said


def test_restricted_one_letter_a_co_owner_naming_only_their_parcels(tmp_path, result):
    names = {IDS[0]: ["Société fictive Alpha", "Société fictive Bêta"], IDS[1]: []}
    known = owned(result, "restricted", names)
    made = write_letters(known, "B001", tmp_path, ["cmd_safer", "l125_individuel"])
    paths = {p.stem: p for p in made}
    mine = [s for s in paths if s.startswith("B001-cmd_safer-proprietaire")]
    assert mine == [
        "B001-cmd_safer-proprietaire-0000A0002",
        "B001-cmd_safer-proprietaire-1",
        "B001-cmd_safer-proprietaire-2",
    ]
    first = text(paths["B001-cmd_safer-proprietaire-1"])
    assert "Société fictive Alpha" in first
    assert "Bêta" not in first
    assert "000 A 2" not in first
    header = docx.Document(paths[mine[1]]).sections[0].header.paragraphs[0].text
    assert header.endswith("– restreint")
    request = body(paths["B001-l125_individuel-prefet"])
    assert "Société fictive Alpha et Société fictive Bêta" in request
    assert "[À COMPLÉTER : domicile]" in request


def test_internal_drafts_bear_no_name(tmp_path, result):
    known = owned(result, "internal", {IDS[0]: ["Société fictive Alpha"], IDS[1]: []})
    some = ["cmd_safer", "l125_individuel", "sans_maitre_2"]
    for path in write_letters(known, "B001", tmp_path, some):
        with zipfile.ZipFile(path) as packed:
            for name in packed.namelist():
                assert b"Alpha" not in packed.read(name), (path.name, name)


def test_searches_made_by_the_tool_are_told(tmp_path, result):
    known = owned(result, "internal", {IDS[0]: ["Société fictive Alpha"]})
    source = known.provenance.iloc[:1].assign(layer="owners", vintage="2025")
    known = replace(known, provenance=pd.concat([known.provenance, source]))
    paths = {p.stem: p for p in write_letters(known, "B001", tmp_path, ["l125_individuel"])}
    said = text(paths["B001-l125_individuel-prefet"])
    assert "(DGFiP, 2025), consulté ; y figurent : 000 A 1 ; n'y figurent pas : 000 A 2." in said


# ---------------------------------------------------------------------------------- refusals
def test_unknown_block_is_refused_and_names_some(tmp_path, result):
    with pytest.raises(InputError, match="B001, B002"):
        write_letters(result, "B999", tmp_path)
    with pytest.raises(InputError, match="choisir parmi : bail_rural_public, cmd_safer, "):
        write_letters(result, "B001", tmp_path, ["nulle_part"])
    with pytest.raises(InputError, match="ne peut pas nommer"):
        write_letters(result, "../../x", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_public_study_writes_no_letter(tmp_path):
    with pytest.raises(InputError, match="étude publique"):
        write_letters(judged(tiny_result(audience="public")), "B001", tmp_path)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ('unknown = "x"\n', "unknown"),
        ('each = "village"\n', "each"),
    ],
)
def test_a_faulty_template_is_refused_by_name(tmp_path, monkeypatch, change, told):
    good = (letterbook.FOLDER / "cmd_safer-safer.toml").read_text("utf-8")
    (tmp_path / "essai.toml").write_text(change + good, "utf-8")
    monkeypatch.setattr(letterbook, "FOLDER", tmp_path)
    letterbook.templates.cache_clear()
    with pytest.raises(InputError, match=f"(?s)essai.*{told}|{told}.*essai"):
        letterbook.templates()
    letterbook.templates.cache_clear()


def test_a_quote_that_is_not_there_is_refused(result):
    lost = letterbook.Cited(law="cmd_safer", step="nulle_part")
    with pytest.raises(InputError, match=r"cmd_safer\.nulle_part"):
        letterbook.quoted(lost, result.study.study.day)


# ------------------------------------------------------------------------------- bytes, hostility
def test_the_same_result_gives_the_same_bytes(drafts, result, tmp_path):
    again = write_letters(result, "B001", tmp_path, ["cmd_safer", "l125_individuel"])
    assert len(again) == 6
    for path in again:
        assert path.read_bytes() == drafts[path.stem].read_bytes(), path.stem


def test_a_draft_filled_by_hand_is_never_overwritten(result, tmp_path):
    first, second = write_letters(result, "B001", tmp_path, ["cmd_safer"])[1:]
    assert write_letters(result, "B001", tmp_path, ["cmd_safer"])[2] == second
    first.write_bytes(b"complete")
    second.unlink()
    with pytest.raises(InputError, match=first.name):
        write_letters(result, "B001", tmp_path, ["cmd_safer"])
    assert first.read_bytes() == b"complete"
    assert not second.exists()


def test_the_file_keeps_no_hour_and_no_machine(drafts, result):
    with zipfile.ZipFile(drafts["B001-cmd_safer-safer"]) as packed:
        assert {entry.date_time for entry in packed.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert not [n for n in packed.namelist() if "thumbnail" in n]
        core = packed.read("docProps/core.xml").decode()
    assert f"{result.study.study.day}T00:00:00Z" in core
    assert "python-docx" not in core


def test_file_names_are_safe(drafts):
    for path in drafts.values():
        assert re.fullmatch(r"B001-[a-z0-9_]+-[a-z0-9-]+(-[0-9A-Z]{1,20})?\.docx", path.name)


def test_hostile_texts_stay_texts(tmp_path, result):
    bad = planted(result)
    owner = {IDS[0]: [PAYLOADS[0], PAYLOADS[9]], IDS[1]: ["../../x {owner} [À COMPLÉTER : y"]}
    bad = owned(bad, "restricted", owner)
    for path in write_letters(bad, "B001", tmp_path, ["cmd_safer", "l125_individuel"]):
        assert path.parent == tmp_path
        with zipfile.ZipFile(path) as packed:
            xml = packed.read("word/document.xml").decode()
            assert "\u202e" not in xml
            for tag in ("<img", "<svg", "<script", "<w:hyperlink", "<w:object"):
                assert tag not in xml
            fields = re.findall(r"<w:instrText[^>]*>([^<]*)<", xml)
            assert fields == []
            footer = "".join(packed.read(n).decode() for n in packed.namelist() if "footer" in n)
            assert set(re.findall(r"<w:instrText[^>]*>([^<]*)<", footer)) == {"PAGE", "NUMPAGES"}


def test_counts_say_how_many_drafts_each_route_has(drafts):
    said = letters.counts(list(drafts.values()), "B001")
    assert "Convention de mise à disposition par la SAFER\u00a0: 3" in said


# ---------------------------------------------------------------------------------- LibreOffice
@pytest.mark.office
def test_libreoffice_opens_them_and_keeps_every_blank(drafts, libreoffice, tmp_path):
    paths = [drafts["B001-l125_individuel-prefet"], drafts["B001-sans_maitre_2-arrete"]]
    subprocess.run(
        [libreoffice, f"-env:UserInstallation={(tmp_path / 'lo').as_uri()}", "--headless",
         "--convert-to", "odt", "--outdir", str(tmp_path), *map(str, paths)],
        check=True, capture_output=True, timeout=180,
    )  # fmt: skip
    for path in paths:
        back = tmp_path / f"{path.stem}.odt"
        if not back.is_file():
            assert not FULL, "install libreoffice-writer-nogui"
            pytest.skip("LibreOffice Writer is not installed (libreoffice-writer-nogui)")
        with zipfile.ZipFile(back) as packed:
            xml = packed.read("content.xml").decode()
        said = re.sub(r"<[^>]+>", "", xml.replace("<text:s/>", " "))
        for paragraph in paragraphs(path):
            for blank in BLANK.findall(paragraph.text):
                assert blank.replace("&", "&amp;").replace("'", "&apos;") in said, blank

"""Word files from plain pieces: text runs only, marked blanks highlighted, the same bytes twice."""

from __future__ import annotations

import datetime as dt
import re
import zipfile
from io import BytesIO
from typing import Any, NamedTuple

import docx
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_BREAK, WD_COLOR_INDEX
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Pt, RGBColor

from friches.view import inert
from friches.view.lexicon import NBSP, typeset, w

BLANK = re.compile(r"\[À COMPLÉTER\s:[^\[\]]*\]")
"""A field that a person fills: « [À COMPLÉTER : nom du demandeur] »."""
FONT = "Arial"
WIDTH_CM = 16.6
EPOCH = (1980, 1, 1, 0, 0, 0)


class Text(NamedTuple):
    """A paragraph: `style` is plain, title, heading, subheading, item, address, sender or right."""

    said: str
    style: str = "plain"


class Quote(NamedTuple):
    """A sentence of law, word for word, and where it stands."""

    said: str
    where: str


class Table(NamedTuple):
    """Rows under a header; `total` is a last row in bold, `widths` the columns' shares."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    total: tuple[str, ...] = ()
    widths: tuple[int, ...] = ()


class NewPage(NamedTuple):
    """A page break."""


Piece = Text | Quote | Table | NewPage


class Sheet(NamedTuple):
    """A document to write: its title, running header and footer, day, and pieces."""

    title: str
    header: str
    footer: str
    day: dt.date
    pieces: tuple[Piece, ...]


def packed(sheet: Sheet) -> bytes:
    """Return a Word file; the same pieces give the same bytes."""
    made = docx.Document()
    _dress(made, sheet)
    for piece in sheet.pieces:
        _add(made, piece)
    kept = BytesIO()
    made.save(kept)
    return _fixed(kept)


def _fixed(saved: BytesIO) -> bytes:
    """Return a Word file packed anew with fixed dates (the zip bears the hour of writing)."""
    out = BytesIO()
    with zipfile.ZipFile(saved) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o600 << 16
            entry.create_system = 3
            new.writestr(entry, old.read(name))
    return out.getvalue()


def _dress(made: Any, sheet: Sheet) -> None:
    """Set paper, fonts, language, properties, header and footer."""
    section = made.sections[0]
    section.page_width, section.page_height = Cm(21), Cm(29.7)
    section.left_margin = section.right_margin = Cm(2.2)
    section.top_margin = section.bottom_margin = Cm(2)
    _styles(made)
    day = dt.datetime.combine(sheet.day, dt.time())
    about = made.core_properties
    about.title, about.author, about.last_modified_by = inert.clean(sheet.title), "friches", ""
    about.subject, about.keywords, about.category = "", "", ""
    about.comments, about.language, about.revision = w.letters.draft, "fr-FR", 1
    about.created = about.modified = day
    rels = made.part.package.rels  # the library's template brings a picture of its own
    for key in [k for k, rel in rels.items() if rel.reltype == RELATIONSHIP_TYPE.THUMBNAIL]:
        del rels[key]
    top = section.header.paragraphs[0]
    top.alignment = WD_ALIGN_PARAGRAPH.CENTER
    _run(top, typeset(inert.clean(sheet.header)), bold=True)
    foot = section.footer.paragraphs[0]
    _run(foot, typeset(inert.clean(sheet.footer)) + " – page ")
    _field(foot, "PAGE")
    _run(foot, "/")
    _field(foot, "NUMPAGES")
    for run in foot.runs:
        run.font.size = Pt(8)


def _styles(made: Any) -> None:
    language = made.styles.element.find(f".//{qn('w:rPrDefault')}//{qn('w:lang')}")
    for key in ("w:val", "w:eastAsia"):
        language.set(qn(key), "fr-FR")
    for name, size in (("Normal", 10.5), ("Title", 14), ("Heading 1", 12), ("Heading 2", 10.5)):
        style = made.styles[name]
        fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
        fonts.attrib.clear()
        for key in ("w:ascii", "w:hAnsi", "w:cs"):
            fonts.set(qn(key), FONT)
        style.font.size, style.font.color.rgb = Pt(size), RGBColor(0, 0, 0)
        style.paragraph_format.space_after = Pt(6)
        if name.startswith("Heading"):
            style.paragraph_format.space_before = Pt(10)
    made.styles["Title"].font.bold = True
    made.styles["Title"].paragraph_format.space_before = Pt(6)
    border = made.styles["Title"].element.find(f".//{qn('w:pBdr')}")
    if border is not None:
        border.getparent().remove(border)


IDS = {"title": "Title", "heading": "Heading1", "subheading": "Heading2", "item": "ListBullet"}
"""Styles of the library's template, by id: looking them up by name took half of the time."""


def _add(made: Any, piece: Piece) -> None:
    if isinstance(piece, NewPage):
        made.add_paragraph().add_run().add_break(WD_BREAK.PAGE)
    elif isinstance(piece, Table):
        _table(made, piece)
    elif isinstance(piece, Quote):
        paragraph = made.add_paragraph()
        paragraph.paragraph_format.left_indent = Cm(0.8)
        said = inert.clean(piece.said)
        _runs(paragraph, f"«{NBSP}{said}{NBSP}»", italic=True)
        _run(paragraph, typeset(f" ({inert.clean(piece.where)})"))
    else:
        _text(made, piece)


def _text(made: Any, piece: Text) -> None:
    paragraph = made.add_paragraph()
    if piece.style in IDS:
        paragraph._p.style = IDS[piece.style]  # noqa: SLF001
    form = paragraph.paragraph_format
    if piece.style == "title":
        paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    if piece.style == "right":
        paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
    if piece.style in ("address", "sender"):
        form.space_after = Pt(0)
        form.left_indent = Cm(8.5) if piece.style == "address" else Cm(0)
    if piece.style == "item":
        form.space_after = Pt(2)
    _runs(paragraph, typeset(inert.clean(piece.said)))


def _runs(paragraph: Any, said: str, *, italic: bool = False, bold: bool = False) -> None:
    """Add a text, its marked blanks highlighted."""
    start = 0
    for found in BLANK.finditer(said):
        _run(paragraph, said[start : found.start()], italic=italic, bold=bold)
        run = _run(paragraph, found[0])
        run.font.highlight_color = WD_COLOR_INDEX.YELLOW
        start = found.end()
    _run(paragraph, said[start:], italic=italic, bold=bold)


def _run(paragraph: Any, said: str, *, italic: bool = False, bold: bool = False) -> Any:
    run = paragraph.add_run(said)
    run.italic, run.bold = italic or None, bold or None
    return run


def _field(paragraph: Any, name: str) -> None:
    """Add a field that Word computes: PAGE or NUMPAGES, never a text from data."""
    for kind in ("begin", "", "end"):
        run = paragraph.add_run()
        if kind:
            mark = OxmlElement("w:fldChar")
            mark.set(qn("w:fldCharType"), kind)
        else:
            mark = OxmlElement("w:instrText")
            mark.text = name
        run._r.append(mark)  # noqa: SLF001 -- the library has no fields


def _table(made: Any, piece: Table) -> None:
    lines = [piece.head, *piece.rows, *([piece.total] if piece.total else [])]
    table = made.add_table(rows=len(lines), cols=len(piece.head), style="Table Grid")
    shares = piece.widths or (1,) * len(piece.head)
    table.autofit = False
    for column, share in zip(table.columns, shares, strict=True):
        column.width = Cm(WIDTH_CM * share / sum(shares))
    for n, (line, row) in enumerate(zip(lines, table.rows, strict=True)):
        bold = n == 0 or (bool(piece.total) and n == len(lines) - 1)
        for cell, said, share in zip(row.cells, line, shares, strict=True):
            cell.width = Cm(WIDTH_CM * share / sum(shares))
            paragraph = cell.paragraphs[0]
            paragraph.paragraph_format.space_after = Pt(0)
            _runs(paragraph, typeset(inert.clean(said)), bold=bold)
            for run in paragraph.runs:
                run.font.size = Pt(9)
        whole = row._tr.get_or_add_trPr()  # noqa: SLF001 -- the library cannot say these two
        whole.append(OxmlElement("w:cantSplit"))
        if n == 0:
            whole.append(OxmlElement("w:tblHeader"))
    made.add_paragraph().paragraph_format.space_after = Pt(2)

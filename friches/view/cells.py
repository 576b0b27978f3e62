"""Cells of a workbook: text that stays text, numbers that stay numbers, the same bytes twice."""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation

from friches.view import inert, words
from friches.view.lexicon import w

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from openpyxl import Workbook

CAP = 2_000
"""Longest text in a cell; Excel's limit is 32 767 characters. The block sheets have the whole."""
FORMATS = {"integer": "#,##0", "number": "#,##0.0", "ha": "#,##0.00", "share": "0%",
           "date": "dd/mm/yyyy", "text": "@", "long": "@"}  # fmt: skip
"""Number formats; the program that opens the file shows them as its language writes numbers."""
WIDTHS = {"integer": 12.0, "number": 12.0, "ha": 12.0, "share": 11.0, "date": 13.0, "text": 18.0,
          "long": 46.0}  # fmt: skip
LINE_PT = 15.0
"""Height of a line. Programs do not all fit rows to wrapped text, so heights are written."""
MOST_LINES = 27
"""A row may be 409 points high at most."""
FIRST_DAY = 36_526
"""1 January 2000 as a spreadsheet counts days: no visit is older."""
_MOMENT = (1980, 1, 1, 0, 0, 0)
_DATED = re.compile(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*(<)")


class Column(NamedTuple):
    """One column of a sheet.

    Attributes
    ----------
    name : str
        Machine name: the key of the rows, listed in the sheet « colonnes ».
    label : str
        French header, with its unit.
    kind : str
        text, long (wrapped where `Sheet.wrap`), integer, number, ha, share or date.
    width : float
        In characters; 0 for the kind's own.
    choices : str
        Name of the range that the cells are to be chosen from; "" for none.
    review : bool
        To be filled by the reader.
    """

    name: str
    label: str
    kind: str = "text"
    width: float = 0.0
    choices: str = ""
    review: bool = False


class Sheet(NamedTuple):
    """One sheet: title, columns, rows (dictionaries by column name)."""

    title: str
    columns: Sequence[Column]
    rows: Sequence[dict[str, Any]]
    wrap: bool = False


def add(book: Workbook, sheet: Sheet) -> None:
    """Append a sheet to a write-only workbook: frozen header and key, filter, drop-downs.

    Parameters
    ----------
    book : Workbook
        Opened with `write_only=True`.
    sheet : Sheet
        Missing values are left blank; every text is cleaned and kept a text.
    """
    page = book.create_sheet(sheet.title)
    last = get_column_letter(len(sheet.columns))
    page.freeze_panes = "B2"
    page.auto_filter.ref = f"A1:{last}{len(sheet.rows) + 1}"
    page.page_setup.orientation = "landscape"
    page.page_setup.paperSize = 9
    page.page_setup.fitToHeight = 0
    page.sheet_properties.pageSetUpPr.fitToPage = sheet.wrap  # wide sheets print over several
    page.print_title_rows, page.print_title_cols = "1:1", "A:A"
    for place, column in enumerate(sheet.columns, 1):
        letter = get_column_letter(place)
        page.column_dimensions[letter].width = column.width or WIDTHS[column.kind]
        rule = _rule(column)
        if rule is not None:
            rule.add(f"{letter}2:{letter}{max(len(sheet.rows), 1) + 1}")
            page.data_validations.append(rule)
    labels = {column.name: column.label for column in sheet.columns}
    page.row_dimensions[1].height = _height(labels, sheet.columns)
    page.append([_header(page, column) for column in sheet.columns])
    styles = [_styled(page, column, sheet.wrap) for column in sheet.columns]
    long = [column for column in sheet.columns if column.kind == "long"] if sheet.wrap else []
    for place, row in enumerate(sheet.rows, 2):
        if long:
            page.row_dimensions[place].height = _height(row, long)
        page.append(
            [
                _cell(page, row.get(column.name), style)
                for column, style in zip(sheet.columns, styles, strict=True)
            ]
        )


def _height(row: dict[str, Any], columns: Iterable[Column]) -> float:
    """Return the height in points that the longest wrapped text of a row needs."""
    lines = 1
    for column in columns:
        said = str(_plain(row.get(column.name)) or "")
        lines = max(
            lines, -(-len(said) // max(int((column.width or WIDTHS[column.kind]) * 1.05), 1))
        )
    return LINE_PT * min(lines, MOST_LINES)


def _header(page: Any, column: Column) -> Any:
    cell = _cell(page, column.label, None)
    cell.font = Font(name="Calibri", size=11, bold=True)
    cell.alignment = Alignment(wrap_text=True, vertical="top")
    cell.fill = PatternFill("solid", fgColor="FFF3D6" if column.review else "ECECEC")
    cell.border = Border(bottom=Side(style="medium"))
    return cell


def _styled(page: Any, column: Column, wrap: bool) -> Any:
    """Return a cell whose style the cells of a column share."""
    cell = WriteOnlyCell(page)
    cell.number_format = FORMATS[column.kind]
    cell.alignment = Alignment(vertical="top", wrap_text=wrap and column.kind == "long")
    if column.kind in ("text", "long") and not column.review:
        cell.quotePrefix = True  # kept as a text when the file is saved as CSV and opened again
    if column.review:
        cell.fill = PatternFill("solid", fgColor="FFFBEF")
        line = Side(style="thin", color="B5B5B5")
        cell.border = Border(left=line, right=line, top=line, bottom=line)
    return cell


def _cell(page: Any, value: Any, style: Any) -> Any:
    said = _plain(value)
    cell = WriteOnlyCell(page, said)
    if isinstance(said, str):
        cell.data_type = "s"  # else « =… » would become a formula and « #N/A » an error
    if style is not None:
        cell._style = style._style  # type: ignore[attr-defined]  # noqa: SLF001  (one shared style a column, not one a cell)
    return cell


def _plain(value: Any) -> Any:
    """Return a value as a cell may hold it: None, text, number or date."""
    if words.missing(value):
        return None
    if isinstance(value, str):
        return inert.clean(value, CAP) or None
    if isinstance(value, pd.Timestamp | dt.datetime):
        return value.date() if isinstance(value, dt.datetime) else value
    if isinstance(value, dt.date):
        return value
    number = float(value)
    if number in (float("inf"), float("-inf")):
        return words.number(number)
    return int(number) if number.is_integer() else number


def _rule(column: Column) -> DataValidation | None:
    if column.choices:
        return DataValidation(
            type="list",
            formula1=column.choices,
            allow_blank=True,
            showErrorMessage=True,
            errorTitle=w.workbook.rule.list_title,
            error=w.workbook.rule.list_error,
            showInputMessage=True,
            promptTitle=column.label[:32],
            prompt=w.workbook.rule.list_prompt,
        )
    if column.review and column.kind == "date":
        return DataValidation(
            type="date",
            operator="greaterThanOrEqual",
            formula1=str(FIRST_DAY),
            allow_blank=True,
            showErrorMessage=True,
            errorTitle=w.workbook.rule.date_title,
            error=w.workbook.rule.date_error,
        )
    return None


def same_bytes(raw: bytes, day: dt.date) -> bytes:
    """Return a workbook without the clock: fixed dates in its properties and in the archive.

    Parameters
    ----------
    raw : bytes
        A saved .xlsx.
    day : date
        The date its properties are to show.
    """
    moment = f"{day.isoformat()}T00:00:00Z".encode("ascii")
    made = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(raw)) as old,
        zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            content = old.read(name)
            if name == "docProps/core.xml":
                content = _DATED.sub(rb"\g<1>" + moment + rb"\g<2>", content)
            member = zipfile.ZipInfo(name, _MOMENT)
            member.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(member, content)
    return made.getvalue()


def guide(sheets: Iterable[Sheet]) -> list[dict[str, str]]:
    """Return the rows of « colonnes »: every column of every sheet with its machine name."""
    said = w.workbook
    kinds = {"date": said.kind_date, "share": said.kind_share}
    kinds |= dict.fromkeys(("text", "long"), said.kind_text)
    return [
        {
            "column": column.label,
            "sheet": sheet.title,
            "name": column.name,
            "kind": kinds.get(column.kind, said.kind_number),
            "filled": said.filled_by_reader if column.review else said.filled_by_us,
        }
        for sheet in sheets
        for column in sheet.columns
    ]

"""Tables in, an .xlsx out: typed cells, widths, frozen head, filters, totals."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import IO, Any, Protocol

import xlsxwriter

_DAY_ZERO = date(1899, 12, 30).toordinal()  # what workbooks count days from, after February 1900
Cell = str | int | float | date | datetime | None


class Column(Protocol):
    """A heading, its width in characters, whether the foot adds it up, and the cell's kind."""

    @property
    def title(self) -> str: ...
    @property
    def width(self) -> float: ...
    @property
    def total(self) -> bool: ...
    @property
    def kind(self) -> str: ...  # text | number | date | percent


class Sheet(Protocol):
    """One sheet. `rows` may be a generator: it is read once, row by row."""

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def columns(self) -> Sequence[Column]: ...
    @property
    def rows(self) -> Iterable[Sequence[Cell]]: ...
    @property
    def notes(self) -> Sequence[str]: ...


def build_ledger(sheets: Sequence[Sheet]) -> IO[bytes]:
    """Write the workbook with constant memory; the caller closes the file."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 - handed to the caller
    book = xlsxwriter.Workbook(
        file,
        {
            "constant_memory": True,
            # Nothing typed by people becomes a formula, a link or a number.
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
            "in_memory": False,
        },
    )
    formats = _formats(book)
    for sheet in sheets:
        _write_sheet(book, sheet, formats)
    book.close()
    file.seek(0)
    return file


def _formats(book: Any) -> dict[str, Any]:
    base = {"font_name": "宋体", "font_size": 11, "valign": "vcenter"}
    return {
        "title": book.add_format({**base, "font_name": "黑体", "font_size": 16, "bold": True}),
        "note": book.add_format({**base, "font_color": "#625750", "font_size": 10}),
        "head": book.add_format({**base, "bold": True, "bottom": 2, "bg_color": "#F1EBE1", "text_wrap": True}),
        "text": book.add_format({**base, "text_wrap": True}),
        "number": book.add_format({**base, "num_format": "#,##0"}),
        "percent": book.add_format({**base, "num_format": "0%"}),
        "date": book.add_format({**base, "num_format": "yyyy-mm-dd", "align": "left"}),
        "total": book.add_format({**base, "bold": True, "top": 1, "num_format": "#,##0"}),
    }


def _write_sheet(book: Any, sheet: Sheet, formats: dict[str, Any]) -> None:
    page = book.add_worksheet(sheet.name[:31])
    page.set_landscape()
    page.set_paper(9)  # A4
    page.fit_to_pages(1, 0)
    page.hide_gridlines(0)  # printed too: lines that cost no cell, so that an empty one is not written at all
    page.set_footer("&C第 &P 页，共 &N 页")
    for index, column in enumerate(sheet.columns):
        page.set_column(index, index, column.width)
    page.write_string(0, 0, sheet.title, formats["title"])
    line = 1
    for note in sheet.notes:
        page.write_string(line, 0, note, formats["note"])
        line += 1
    head = line
    page.repeat_rows(head)
    for index, column in enumerate(sheet.columns):
        page.write_string(head, index, column.title, formats["head"])
    page.freeze_panes(head + 1, 1)
    line = head + 1
    sums = [0.0] * len(sheet.columns)
    styles = [formats[column.kind] for column in sheet.columns]
    totals = [index for index, column in enumerate(sheet.columns) if column.total]
    writers = _writers(page)
    for row in sheet.rows:
        for index, (style, value) in enumerate(zip(styles, row, strict=True)):
            if value is not None and value != "":
                writers[type(value)](line, index, value, style)
        for index in totals:
            sums[index] += row[index] or 0  # type: ignore[operator]
        line += 1
    if line > head + 1:
        page.autofilter(head, 0, line - 1, len(sheet.columns) - 1)
    _write_total(page, line, head, sheet.columns, sums, formats)


def _writers(page: Any) -> dict[type, Any]:
    """How a value of this very type is written: a text never as anything else than a text."""

    def write_day(line: int, index: int, value: date, style: Any) -> None:
        page.write_number(line, index, value.toordinal() - _DAY_ZERO, style)

    return {
        str: page.write_string, int: page.write_number, float: page.write_number, bool: page.write_number,
        date: write_day, datetime: page.write_datetime,
    }  # fmt: skip


def _write_total(
    page: Any, line: int, head: int, columns: Sequence[Column], sums: Sequence[float], formats: dict[str, Any]
) -> None:
    """A sum that follows the filter (SUBTOTAL), with its value stored for readers that do not calculate."""
    if not any(column.total for column in columns):
        return
    page.write_string(line, 0, "合计", formats["total"])
    for index, column in enumerate(columns):
        if index == 0:
            continue
        if not column.total:
            page.write_blank(line, index, None, formats["total"])
            continue
        letter = xlsxwriter.utility.xl_col_to_name(index)
        if line == head + 1:
            page.write_number(line, index, 0, formats["total"])
            continue
        formula = f"=SUBTOTAL(9,{letter}{head + 2}:{letter}{line})"
        page.write_formula(line, index, formula, formats["total"], sums[index])

"""A template to fill in: headings with a hint and choices in each cell, text only."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import xlsxwriter

from app.sheets.limits import ROWS_MOST


@dataclass(frozen=True, slots=True)
class TemplateColumn:
    """Heading, width in characters, a hint shown at the cell, and what may be chosen there."""

    title: str
    width: float
    hint: str = ""
    choices: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class TemplateSheet:
    """One sheet to fill in."""

    name: str
    columns: Sequence[TemplateColumn]


def build_template(sheets: Sequence[TemplateSheet]) -> bytes:
    """The .xlsx. It holds the headings alone: an example row would be imported by someone."""
    target = io.BytesIO()
    book = xlsxwriter.Workbook(target, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    head = book.add_format({"bold": True, "bottom": 2, "bg_color": "#F1EBE1", "font_name": "宋体", "font_size": 12})
    # As text, so that a login of digits keeps its zeros.
    text = book.add_format({"num_format": "@", "font_name": "宋体", "font_size": 12})
    for sheet in sheets:
        page = book.add_worksheet(sheet.name)
        page.freeze_panes(1, 0)
        for index, column in enumerate(sheet.columns):
            page.set_column(index, index, column.width, text)
            page.write_string(0, index, column.title, head)
            rule: dict[str, object] = {"validate": "any", "input_title": column.title, "input_message": column.hint}
            if column.choices:
                # A wrong word is warned of, not stopped: several roles may stand in one cell.
                rule |= {"validate": "list", "source": list(column.choices), "error_type": "information"}
            if column.hint or column.choices:
                page.data_validation(1, index, ROWS_MOST, index, rule)
    book.close()
    return target.getvalue()

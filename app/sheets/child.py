"""The limited process that reads one spreadsheet: bytes on stdin, rows as JSON on stdout, no file and no socket.

Started by exec for each file, so that a hostile one can only end its own process.
"""

from __future__ import annotations

import codecs
import csv
import datetime as dt
import io
import json
import resource
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetTypeEnum, SheetVisibleEnum

from app.kernel.processors import use_every_processor
from app.kernel.text import one_line
from app.sheets.headings import is_refused
from app.sheets.limits import COLUMNS_MOST, ROWS_MOST, Refused, form_of

MEMORY = 768 * 1024 * 1024
CPU_SECONDS = 6  # 5 000 × 30 cells take less than two
CELL_MOST = 500  # characters; what a form takes is far shorter
TEXT_MOST = 4_000_000  # characters in all cells
HEIGHT_MOST = 100_000  # rows with the blank ones between

Row = tuple[int, list[str]]


def limit() -> None:
    """No memory without end, no endless loop, and no file or socket from here on."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))


def cell_text(value: Any) -> str:
    """A cell as a person reads it: whole numbers without a point, dates as ISO."""
    if type(value) is str:
        return one_line(value[: CELL_MOST * 2])[:CELL_MOST]
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, dt.datetime):
        return value.strftime("%Y-%m-%d" if value.time() == dt.time() else "%Y-%m-%d %H:%M")
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    return one_line(str(value)[: CELL_MOST * 2])[:CELL_MOST]


def filled(lines: Iterable[tuple[int, list[Any]]]) -> Iterator[Row]:
    """Rows that say something, as text, counted while they come."""
    count = size = 0
    for number, raw in lines:
        cells = [cell_text(value) for value in raw]
        while cells and not cells[-1]:
            cells.pop()
        if not cells:
            continue
        count += 1
        size += sum(map(len, cells))
        if len(cells) > COLUMNS_MOST:
            raise Refused("too_many_columns", str(len(cells)))
        if count > ROWS_MOST + 1:
            raise Refused("too_many_rows")
        if size > TEXT_MOST:
            raise Refused("too_heavy")
        yield number, cells


def sheet_of(name: str, lines: Iterable[tuple[int, list[Any]]]) -> dict[str, Any] | None:
    """Heading and rows, without the columns that are never taken in; None for a blank sheet."""
    rows = list(filled(lines))
    if not rows:
        return None
    head = rows[0][1]
    keep = [index for index, heading in enumerate(head) if heading and not is_refused(heading)]
    kept = [head[index] for index in keep]
    twice = next((heading for heading in kept if kept.count(heading) > 1), "")
    if twice:
        raise Refused("heading_twice", twice)
    body = [(number, [cells[index] if index < len(cells) else "" for index in keep]) for number, cells in rows[1:]]
    return {
        "name": one_line(name)[:31],
        "headings": kept,
        "rows": [row for row in body if any(row[1])],
        "dropped": [heading for heading in head if heading and is_refused(heading)],
    }


def read_workbook(data: bytes) -> list[dict[str, Any]]:
    with CalamineWorkbook.from_filelike(io.BytesIO(data)) as book:
        found = []
        for index, meta in enumerate(book.sheets_metadata):
            if meta.typ in (SheetTypeEnum.MacroSheet, SheetTypeEnum.Vba):
                raise Refused("macro")
            if meta.visible != SheetVisibleEnum.Visible:
                raise Refused("hidden", one_line(meta.name)[:31])
            if meta.typ != SheetTypeEnum.WorkSheet:
                continue  # a chart has no rows
            sheet = book.get_sheet_by_index(index)
            if sheet.merged_cell_ranges:
                raise Refused("merged", _range(sheet.merged_cell_ranges[0]))
            if sheet.height > HEIGHT_MOST:
                raise Refused("too_many_rows")
            first = sheet.start[0] + 1 if sheet.start else 1
            found.append(sheet_of(meta.name, enumerate(sheet.iter_rows(), start=first)))
    return [sheet for sheet in found if sheet is not None]


def _range(corners: tuple[tuple[int, int], tuple[int, int]]) -> str:
    return ":".join(f"{_letters(column)}{row + 1}" for row, column in corners)


def _letters(column: int) -> str:
    text = ""
    column += 1
    while column:
        column, left = divmod(column - 1, 26)
        text = chr(65 + left) + text
    return text


def decode(data: bytes) -> str:
    """UTF-8 with or without BOM, UTF-16, GB18030; refused when none of them fits."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        codings = ["utf-16"]
    elif b"\x00" in (start := data[:2000]):
        # Commas and line ends have a zero byte on one side: behind them it is little endian.
        codings = ["utf-16-le" if start[1::2].count(0) >= start[::2].count(0) else "utf-16-be"]
    else:
        codings = ["utf-8-sig", "gb18030"]
    for coding in codings:
        try:
            text = data.decode(coding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text
    raise Refused("not_a_sheet")


def read_text(data: bytes) -> list[dict[str, Any]]:
    text = decode(data)
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(",\t;", key=first.count)
    csv.field_size_limit(100_000)
    try:
        found = sheet_of("表格", enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), start=1))
    except csv.Error:
        raise Refused("broken") from None
    return [found] if found else []


def answer(data: bytes, suffix: str) -> dict[str, Any]:
    """The sheets, or why not."""
    try:
        form = form_of(data, suffix)
        sheets = read_text(data) if form == "text" else read_workbook(data)
        if not any(sheet["rows"] for sheet in sheets):
            raise Refused("no_rows")
        return {"sheets": sheets}
    except Refused as refusal:
        return {"code": refusal.code, "detail": refusal.detail}
    except PasswordError:
        return {"code": "encrypted", "detail": ""}
    except CalamineError:
        return {"code": "broken", "detail": ""}
    except MemoryError:
        return {"code": "too_heavy", "detail": ""}


def warm_up() -> None:
    """Load every codec, since no file opens later."""
    for coding in ("utf-8-sig", "gb18030", "utf-16", "utf-16-le", "utf-16-be", "utf-8", "cp437"):
        codecs.lookup(coding)  # an empty decode would not load it


def main() -> None:
    use_every_processor()
    warm_up()
    data = sys.stdin.buffer.read()
    limit()
    suffix = sys.argv[1] if len(sys.argv) > 1 else ""
    sys.stdout.buffer.write(json.dumps(answer(data, suffix), ensure_ascii=False).encode("utf-8", "replace"))


if __name__ == "__main__":
    main()

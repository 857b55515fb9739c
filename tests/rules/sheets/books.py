"""Spreadsheets for tests: good ones, and one of each hostile kind."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import xlsxwriter

Rows = Sequence[Sequence[Any]]
PEOPLE_HEAD = ("登录名", "称呼", "单位", "角色", "角色所在单位")
UNIT_HEAD = ("名称", "类型", "上级单位")


def book(sheets: Mapping[str, Rows], change: Callable[[Any, dict[str, Any]], None] | None = None) -> bytes:
    """An .xlsx with these rows; `change` may do more to the workbook and its sheets before it closes."""
    target = io.BytesIO()
    made = xlsxwriter.Workbook(target, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    pages = {}
    for name, rows in sheets.items():
        page = pages[name] = made.add_worksheet(name)
        for line, row in enumerate(rows):
            for column, value in enumerate(row):
                page.write(line, column, value)
    if change is not None:
        change(made, pages)
    made.close()
    return target.getvalue()


def repacked(data: bytes, change: Callable[[str, bytes], bytes], extra: Mapping[str, bytes] | None = None) -> bytes:
    """The package again, each part put through `change`, with more parts behind."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            new.writestr(entry.filename, change(entry.filename, old.read(entry)))
        for name, part in (extra or {}).items():
            new.writestr(name, part)
    return target.getvalue()


def _same(_name: str, part: bytes) -> bytes:
    return part


def _in_sheet(old: bytes, new: bytes) -> Callable[[str, bytes], bytes]:
    return lambda name, part: part.replace(old, new, 1) if name.startswith("xl/worksheets/") else part


GOOD = book({"单位": [UNIT_HEAD, ("示例镇", "镇", "")]})


def _many(count: int) -> bytes:
    return book({"单位": [UNIT_HEAD, *[(f"示例{n}村", "村", "") for n in range(count)]]})


def _sparse() -> bytes:
    """One cell in the first corner and one in the last: a reader that fills the space between needs 400 GB."""
    far = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    return repacked(GOOD, _in_sheet(b"</sheetData>", far))


def _plain_zip() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as package:
        package.writestr("word/document.xml", "<x/>")
    return target.getvalue()


HOSTILE: dict[str, tuple[str, Callable[[], bytes], str]] = {
    # name: (file name, bytes, code)
    "an empty file": ("a.xlsx", lambda: b"", "empty"),
    "a text file renamed": ("a.xlsx", "名称,类型\n".encode, "not_a_sheet"),
    "a page renamed": ("a.xls", lambda: b"<html><table><tr><td>1</td></tr></table></html>", "not_a_sheet"),
    "a picture renamed": ("a.csv", lambda: b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x81\x82\xff", "not_a_sheet"),
    "a package that is no sheet": ("a.xlsx", _plain_zip  , "not_a_sheet"),
    "half a file": ("a.xlsx", lambda: GOOD[: len(GOOD) // 2], "broken"),
    "a file too big": ("a.xlsx", lambda: b"PK\x03\x04" + b"\x00" * (10 * 1024 * 1024), "too_big"),
    "a zip bomb": ("a.xlsx", lambda: repacked(GOOD, _same, {"xl/media/a.xml": b"0" * 30_000_000}), "bomb"),
    "201 entries": ("a.xlsx", lambda: repacked(GOOD, _same, {f"x/{n}.txt": b"1" for n in range(201)}), "bomb"),
    "one cell at the far end": ("a.xlsx", _sparse, "too_heavy"),
    "a link to another file": (
        "a.xlsx", lambda: repacked(GOOD, _same, {"xl/externalLinks/externalLink1.xml": b"<x/>"}), "external",
    ),
    "a macro": ("a.xlsx", lambda: repacked(GOOD, _same, {"xl/vbaProject.bin": b"\x00"}), "macro"),
    "a name that says macro": ("a.xlsm", lambda: GOOD, "macro"),
    "a type that says macro": (
        "a.xlsx", lambda: repacked(GOOD, lambda _n, part: part.replace(b"sheet.main+xml", b"sheet.macroEnabled.main+xml")), "macro",
    ),
    "a formula": ("a.xlsx", lambda: book({"单位": [UNIT_HEAD]}, lambda _b, p: p["单位"].write_formula("A2", "=1+1")), "formula"),
    "an entity": (
        "a.xlsx",
        lambda: repacked(GOOD, _in_sheet(b"<worksheet", b'<!DOCTYPE w [<!ENTITY a "aaaa">]><worksheet')),
        "entities",
    ),
    "UTF-16 that hides an entity": (
        "a.xlsx",
        lambda: repacked(GOOD, lambda n, p: p.decode().encode("utf-16") if n.startswith("xl/worksheets/") else p),
        "broken",
    ),
    "5 001 rows": ("a.xlsx", lambda: _many(5_001), "too_many_rows"),
    "31 columns": ("a.xlsx", lambda: book({"单位": [[f"c{n}" for n in range(31)], ["1"]]}), "too_many_columns"),
    "a merged heading": (
        "a.xlsx", lambda: book({"单位": [UNIT_HEAD, ("a", "b", "c")]}, lambda _b, p: p["单位"].merge_range("A1:C1", "x")), "merged",
    ),
    "a hidden sheet": (
        "a.xlsx",
        lambda: book({"单位": [UNIT_HEAD, ("a", "b", "c")], "暗": [("x",)]}, lambda _b, p: p["暗"].hide()),
        "hidden",
    ),
    "a heading alone": ("a.xlsx", lambda: book({"单位": [UNIT_HEAD]}), "no_rows"),
    "the same heading twice": ("a.xlsx", lambda: book({"单位": [("名称", "名称"), ("a", "b")]}), "heading_twice"),
    "an encrypted file": ("a.xlsx", lambda: _ole("EncryptedPackage"), "encrypted"),
    "an encrypted entry": ("a.xlsx", lambda: _flagged(GOOD), "encrypted"),
    "an old file with a macro": ("a.xls", lambda: _ole("Workbook", "_VBA_PROJECT"), "macro"),
    "an old file that is a document": ("a.xls", lambda: _ole("WordDocument"), "not_a_sheet"),
}  # fmt: skip


def _ole(*names: str) -> bytes:
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 504 + b"".join(name.encode("utf-16-le") for name in names)


def _flagged(data: bytes) -> bytes:
    """The first entry of the directory says that it is encrypted."""
    at = data.index(b"PK\x01\x02") + 8
    return data[:at] + bytes([data[at] | 1]) + data[at + 1 :]


def ods(rows: Rows, more: str = "") -> bytes:
    """A small OpenDocument sheet."""
    cells = "".join(
        "<table:table-row>"
        + "".join(f'<table:table-cell office:value-type="string"{more}><text:p>{c}</text:p></table:table-cell>' for c in row)
        + "</table:table-row>"
        for row in rows
    )  # fmt: skip
    space = "urn:oasis:names:tc:opendocument:xmlns"
    content = (
        f'<office:document-content xmlns:office="{space}:office:1.0" xmlns:table="{space}:table:1.0" '
        f'xmlns:text="{space}:text:1.0"><office:body><office:spreadsheet><table:table table:name="单位">{cells}'
        "</table:table></office:spreadsheet></office:body></office:document-content>"
    )
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as package:
        package.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        package.writestr("META-INF/manifest.xml", "<manifest/>")
        package.writestr("content.xml", content)
    return target.getvalue()

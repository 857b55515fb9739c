"""What a spreadsheet file may be before anything reads its cells: form, size, nothing live inside. Pure."""

from __future__ import annotations

import io
import re
import zipfile
import zlib

# trust.md, import bombs
BYTES_MOST = 10 * 1024 * 1024
ENTRIES_MOST = 200
RATIO_MOST = 100
UNPACKED_MOST = 120 * 1024 * 1024
ROWS_MOST = 5_000  # below the heading
COLUMNS_MOST = 30
SMALL_ENTRY = 1024 * 1024  # a small entry may be packed tightly without being a bomb

ZIP = b"PK\x03\x04"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
TEXT_SUFFIXES = ("csv", "tsv", "txt")

_FORMULA = re.compile(rb"<(?:\w+:)?f(?:\s[^>]*)?>|<(?:\w+:)?f\s*/>")
_CELL = re.compile(rb'\br="([A-Z]{1,3}\d{1,7})"')
_ENTITY = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.I)
_SPANNED = re.compile(rb'table:number-(?:columns|rows)-spanned="(?:[2-9]|[1-9]\d)')
_OTHER_FILES = (
    "xl/externalLinks/",
    "xl/embeddings/",
    "xl/queryTables/",
    "xl/connections.xml",
    "Object ",
    "Basic/External",
)


class Refused(Exception):
    """This file is not read; `code` has its words in `reading.WORDS`, `detail` fills their gap."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail


def form_of(data: bytes, suffix: str) -> str:
    """xlsx, xls, ods or text, by what the file is; the name only settles what is plain text."""
    if not data:
        raise Refused("empty")
    if len(data) > BYTES_MOST:
        raise Refused("too_big")
    if suffix in ("xlsm", "xltm", "xlam"):
        raise Refused("macro")
    if data.startswith(ZIP):
        return _check_package(data)
    if data.startswith(OLE):
        _check_ole(data)
        return "xls"
    if suffix in TEXT_SUFFIXES:
        return "text"
    raise Refused("not_a_sheet")


def _check_ole(data: bytes) -> None:
    if "EncryptedPackage".encode("utf-16-le") in data:
        raise Refused("encrypted")
    if "_VBA_PROJECT".encode("utf-16-le") in data:
        raise Refused("macro")
    if not any(name.encode("utf-16-le") in data for name in ("Workbook", "Book")):
        raise Refused("not_a_sheet")


def _check_package(data: bytes) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            entries = package.infolist()
            _check_entries(entries, len(data))
            form = _form_of_package([entry.filename for entry in entries])
            for entry in entries:
                if entry.filename.lower().endswith((".xml", ".rels")):
                    _check_part(entry.filename, package.read(entry), form)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, ValueError, KeyError):
        raise Refused("broken") from None
    return form


def _check_entries(entries: list[zipfile.ZipInfo], size: int) -> None:
    if len(entries) > ENTRIES_MOST:
        raise Refused("bomb")
    if any(entry.flag_bits & 1 for entry in entries):
        raise Refused("encrypted")
    total = sum(entry.file_size for entry in entries)
    if total > UNPACKED_MOST or total > RATIO_MOST * size:
        raise Refused("bomb")
    for entry in entries:
        if entry.file_size > SMALL_ENTRY and entry.file_size > RATIO_MOST * max(entry.compress_size, 1):
            raise Refused("bomb")


def _form_of_package(names: list[str]) -> str:
    lower = {name.lower() for name in names}
    if any("vbaproject" in name or name.startswith(("basic/", "scripts/")) for name in lower):
        raise Refused("macro")
    if any(name.startswith(_OTHER_FILES) for name in names):
        raise Refused("external")
    if "xl/workbook.bin" in lower:
        raise Refused("xlsb")
    if "xl/workbook.xml" in lower:
        return "xlsx"
    if "content.xml" in lower and "mimetype" in lower:
        return "ods"
    raise Refused("not_a_sheet")


def _check_part(name: str, part: bytes, form: str) -> None:
    if part[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\x00" in part[:64]:
        raise Refused("broken")  # an office program writes UTF-8; another coding hides what we look for
    if _ENTITY.search(part):
        raise Refused("entities")
    if name == "[Content_Types].xml" and b"macroEnabled" in part:
        raise Refused("macro")
    if form == "ods":
        _check_ods(name, part)
    elif name.startswith("xl/worksheets/") and (found := _FORMULA.search(part)):
        start = part.rfind(b"<c ", 0, found.start())
        cell = _CELL.search(part, start, found.start()) if start >= 0 else None
        raise Refused("formula", cell[1].decode() if cell else "")


def _check_ods(name: str, part: bytes) -> None:
    if name == "META-INF/manifest.xml" and b"encryption-data" in part:
        raise Refused("encrypted")
    if name != "content.xml":
        return
    if b"table:formula=" in part:
        raise Refused("formula")
    if b"table:table-source" in part or b"table:cell-range-source" in part:
        raise Refused("external")
    if _SPANNED.search(part):
        raise Refused("merged")

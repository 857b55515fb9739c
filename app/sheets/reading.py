"""A spreadsheet's bytes become rows of text: the server's side of the limited reading process."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.kernel.errors import DomainError
from app.sheets.limits import BYTES_MOST, COLUMNS_MOST, ROWS_MOST

ROOT = Path(__file__).resolve().parents[2]
WALL_SECONDS = 20
AT_ONCE = threading.BoundedSemaphore(2)  # a child may take 768 MB

WORDS = {
    "empty": "这个文件是空的。请选填好的表格。",
    "too_big": f"文件超过{BYTES_MOST // 1024 // 1024}MB。请只留要导入的内容，另存后再传。",
    "not_a_sheet": "这不是表格文件。请用 Excel 或 WPS 打开，另存为 .xlsx 再传。",
    "broken": "这个表格打不开，可能没传完整或已损坏。请用 Excel 或 WPS 打开，另存为 .xlsx 再传。",
    "bomb": "这个文件解开后大得不正常，没有打开。请新建一个表格，把内容复制过去再传。",
    "too_heavy": "这个表格读不下：内容太多，或者已损坏。请把要导入的内容复制到新表格，或分成几个文件，再传。",
    "macro": "这个表格带宏。请另存为不带宏的 .xlsx 再传。",
    "xlsb": "这是 .xlsb 二进制格式。请另存为 .xlsx 再传。",
    "external": "表格里有指向别的文件的链接或嵌入的文件。请把内容复制到新表格，选“只粘贴值”，再传。",
    "entities": "表格里有不该有的定义（XML 实体），没有打开。请用 Excel 或 WPS 重新另存为 .xlsx 再传。",
    "formula": "{d}里有公式。请选中全部内容，复制后“只粘贴值”，再传。",
    "merged": "有合并的单元格{d}。请取消合并，让第一行是表头、每行一条，再传。",
    "hidden": "有隐藏的工作表“{d}”。请取消隐藏并检查，或删掉它，再传。",
    "encrypted": "这个表格加了密码。请去掉密码再传。",
    "too_many_rows": f"超过{ROWS_MOST:,}行。请分成几个文件，一次导入一个。",
    "too_many_columns": f"有{{d}}列，最多{COLUMNS_MOST}列。请只留模板里的列。",
    "heading_twice": "表头“{d}”出现了两次。请只留一列。",
    "no_rows": "表里只有表头或全是空的，没有可以导入的行。",
}  # fmt: skip


class SheetRefused(DomainError):
    """Not read; nothing was kept."""

    def __init__(self, code: str, detail: str = "") -> None:
        known = code if code in WORDS else "broken"
        super().__init__(known, WORDS[known].format(d=detail or ("表格" if known == "formula" else "")))


@dataclass(frozen=True, slots=True)
class Line:
    """One row: its number in the file, and its cells by heading."""

    number: int
    cells: dict[str, str]


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet. `dropped` names the columns that are never taken in; their values never arrived here."""

    name: str
    headings: tuple[str, ...]
    lines: tuple[Line, ...]
    dropped: tuple[str, ...]


def read_sheets(data: bytes, file_name: str) -> list[Sheet]:
    """The visible sheets with rows of .xlsx, .xls, .ods, .csv. Raises SheetRefused in words."""
    if not data:
        raise SheetRefused("empty")
    if len(data) > BYTES_MOST:
        raise SheetRefused("too_big")
    found = _ask(data, _suffix(file_name))
    if "sheets" not in found:
        raise SheetRefused(str(found.get("code")), str(found.get("detail", "")))
    return [_sheet(raw) for raw in found["sheets"]]


def _sheet(raw: dict[str, Any]) -> Sheet:
    headings = tuple(raw["headings"])
    lines = tuple(Line(number, dict(zip(headings, cells, strict=True))) for number, cells in raw["rows"])
    return Sheet(raw["name"], headings, lines, tuple(raw["dropped"]))


def _suffix(file_name: str) -> str:
    found = re.search(r"\.([A-Za-z0-9]{1,5})$", file_name.strip())
    return found[1].lower() if found else ""


def _ask(data: bytes, suffix: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "app.sheets.child", suffix]
    with AT_ONCE:
        try:
            done = subprocess.run(
                command, input=data, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=ROOT, check=False,
                timeout=WALL_SECONDS, env={"PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"},
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise SheetRefused("too_heavy") from None
    if done.returncode != 0 or not done.stdout:
        raise SheetRefused("too_heavy")  # it died at one of its limits
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer

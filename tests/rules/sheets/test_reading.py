"""The reader of spreadsheets on good files of each form and on hostile ones."""

from __future__ import annotations

import subprocess
import sys
from datetime import date

import pytest

from app.sheets.headings import is_refused
from app.sheets.limits import ROWS_MOST, Refused, form_of
from app.sheets.reading import ROOT, WORDS, SheetRefused, read_sheets
from app.sheets.template import TemplateColumn, TemplateSheet, build_template
from tests.rules.sheets.books import GOOD, HOSTILE, UNIT_HEAD, book, ods, repacked

TAB = "\t"


@pytest.mark.parametrize("what", HOSTILE)
def test_each_hostile_file_ends_in_words(what: str) -> None:
    name, make, code = HOSTILE[what]
    with pytest.raises(SheetRefused) as refused:
        read_sheets(make(), name)
    assert refused.value.code == code
    assert refused.value.message.endswith("。")
    assert "{" not in refused.value.message


def test_the_sound_file_that_the_hostile_ones_are_made_of_is_read() -> None:
    (sheet,) = read_sheets(GOOD, "示例.xlsx")
    assert (sheet.name, sheet.headings) == ("单位", UNIT_HEAD)
    assert [(line.number, line.cells["名称"]) for line in sheet.lines] == [(2, "示例镇")]


def test_exactly_5000_rows_and_30_columns_are_read() -> None:
    heads = [f"列{n}" for n in range(30)]
    (sheet,) = read_sheets(book({"单位": [heads, *[["x"] * 30] * ROWS_MOST]}), "a.xlsx")
    assert len(sheet.lines) == ROWS_MOST


@pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("mark", [",", TAB, ";"])
def test_text_in_each_coding_and_with_each_mark(coding: str, mark: str) -> None:
    text = f'名称{mark}类型\r\n"示例{mark}镇"{mark}镇\r\n\r\n𠮷田村{mark}村\r\n'
    (sheet,) = read_sheets(text.encode(coding), "名单.CSV")
    assert [(line.number, line.cells) for line in sheet.lines] == [
        (2, {"名称": f"示例{' ' if mark == TAB else mark}镇", "类型": "镇"}),
        (4, {"名称": "𠮷田村", "类型": "村"}),
    ]


def test_an_open_document_sheet_is_read_and_its_formula_refused() -> None:
    (sheet,) = read_sheets(ods([("名称", "类型"), ("示例镇", "镇")]), "a.ods")
    assert sheet.lines[0].cells == {"名称": "示例镇", "类型": "镇"}
    for more, code in ((' table:formula="of:=1"', "formula"), (' table:number-columns-spanned="3"', "merged")):
        with pytest.raises(SheetRefused) as refused:
            read_sheets(ods([("名称", "类型")], more), "a.ods")
        assert refused.value.code == code


def test_a_file_on_which_the_parser_turns_for_ever_ends_at_the_limit_of_time() -> None:
    """A closing tag misspelt: the parser waits for it past the end of the file."""
    endless = repacked(
        ods([("名称",), ("甲",)]), lambda _name, part: part.replace(b"</table:table>", b"</table:tab:e>")
    )
    with pytest.raises(SheetRefused) as refused:
        read_sheets(endless, "a.ods")
    assert refused.value.code == "too_heavy"


def test_numbers_dates_and_blanks_become_text_and_keep_their_line() -> None:
    rows = [("a", "b", "c", "d"), (), (3.0, 2.5, True, ""), ("", "", "", " "), ("", "", "", "x")]

    def dated(made: object, pages: dict[str, object]) -> None:
        style = made.add_format({"num_format": "yyyy-mm-dd"})  # type: ignore[attr-defined]
        pages["s"].write_datetime("D3", date(2026, 11, 20), style)  # type: ignore[attr-defined]

    (sheet,) = read_sheets(book({"s": rows}, dated), "a.xlsx")
    assert [(line.number, list(line.cells.values())) for line in sheet.lines] == [
        (3, ["3", "2.5", "是", "2026-11-20"]),
        (5, ["", "", "", "x"]),
    ]


def test_what_a_formula_refusal_names_is_the_cell() -> None:
    with pytest.raises(SheetRefused, match=r"^A2里有公式"):
        read_sheets(HOSTILE["a formula"][1](), "a.xlsx")


def test_a_text_that_looks_like_a_formula_stays_text() -> None:
    (sheet,) = read_sheets(book({"s": [("名称",), ("=1+1",)]}), "a.xlsx")
    assert sheet.lines[0].cells["名称"] == "=1+1"


@pytest.mark.parametrize(
    "heading",
    ["民族", " 民 族 ", "民　族", "家长民族", "宗教信仰", "身份证号码", "身份证", "籍贯", "户籍地", "Ｍｉｎｚｕ", "ID card",
     "id_number", "Ethnic group", "Religion", "政治面貌", "证件号"],
)  # fmt: skip
def test_a_column_of_descent_or_belief_is_dropped_before_it_arrives(heading: str) -> None:
    (sheet,) = read_sheets(book({"s": [("名称", heading), ("甲", "不该到这里的值")]}), "a.xlsx")
    assert sheet.headings == ("名称",)
    assert len(sheet.dropped) == 1
    assert "不该到这里的值" not in repr(sheet)


@pytest.mark.parametrize("heading", ["名称", "登录名", "民族团结课", "备注", "电话", "identity"])
def test_an_ordinary_heading_passes(heading: str) -> None:
    assert not is_refused(heading)


def test_the_template_is_read_by_the_reader() -> None:
    made = build_template([TemplateSheet("单位", [TemplateColumn("名称", 20, "提示", ["甲", "乙"])])])
    with pytest.raises(SheetRefused) as refused:
        read_sheets(made, "a.xlsx")
    assert refused.value.code == "no_rows"


def test_every_refusal_of_the_checks_has_words() -> None:
    assert {code for _name, _make, code in HOSTILE.values()} <= set(WORDS)
    with pytest.raises(Refused):
        form_of(b"", "xlsx")


def test_the_reading_process_opens_no_file() -> None:
    """The limits hold in the process that reads; without them it opens one."""
    code = "from app.sheets import child; child.limit(); open('/etc/hostname')"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert "Too many open files" in done.stderr
    free = code.replace("child.limit(); ", "")
    assert subprocess.run([sys.executable, "-c", free], cwd=ROOT, capture_output=True, check=False).returncode == 0

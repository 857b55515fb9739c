"""Rows of a roster: what a cell may say, which session is meant, one party of each contact, seating in order."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from app.kernel.text import normalise_phone
from app.registration.answers import Asking
from app.registration.importing import read_rows
from app.registration.roster_rules import Judged, Known, KnownSession, Row, Sort, answers_of, plan_rows, session_words
from app.registration.rules import InLine, Room
from app.registration.seating import Hold, Seating
from app.sheets.reading import Line, Sheet
from app.sheets.rows import Standing

MORNING = session_words("上午场", 1, datetime(2026, 11, 21, 9), datetime(2026, 11, 21, 10))
EVENING = session_words("晚场", 2, datetime(2026, 11, 21, 19), datetime(2026, 11, 21, 20))
SESSIONS = [KnownSession("a", MORNING, False), KnownSession("b", EVENING, False)]
LIKES = Asking("likes", "several_of", "想学什么", ("剪纸", "太极"), True)


def judged(rows: list[Row], aside: tuple[int, ...] = (), **more: Any) -> list[Judged]:
    phones = {text: normalise_phone(text) or "" for text in {row.cell("phone") for row in rows}}
    known: dict[str, Any] = {
        "sessions": [], "units": {"示例小学": (7, True), "示例镇": (8, False)}, "questions": [], "needs_phone": False,
        "phones": phones, "taken": set(),
    }  # fmt: skip
    return plan_rows(rows, Known(**(known | more)), aside)


def person(**cells: str) -> Row:
    return Row(Sort.PERSON, "个人", 2, {"name": "示例甲"} | cells)


def a_class(**cells: str) -> Row:
    base = {"unit": "示例小学", "label": "一班", "pupils": "30", "name": "王老师", "phone": "13900000001"}
    return Row(Sort.CLASS, "班级", 2, base | cells)


@pytest.mark.parametrize(
    "word", ["上午场", "上 午场", "1", "第1场", "第一场", "09:00", "０９：００", "09:00–10:00", "11月21日 09:00"]
)
def test_a_session_is_known_by_its_label_its_number_and_its_time(word: str) -> None:
    (only,) = judged([person(session=word)], sessions=SESSIONS)
    assert (only.session, only.problems) == ("a", {})


def test_an_unknown_a_missing_an_ended_and_a_doubtful_session_are_named() -> None:
    over = [KnownSession("a", MORNING, True), *SESSIONS[1:]]
    twins = [KnownSession("a", MORNING, False), KnownSession("b", MORNING, False)]
    assert "没有“夜场”" in judged([person(session="夜场")], sessions=SESSIONS)[0].problems["session"]
    assert "没有填" in judged([person()], sessions=SESSIONS)[0].problems["session"]
    assert "已经结束" in judged([person(session="上午场")], sessions=over)[0].problems["session"]
    assert "再细一点" in judged([person(session="上午场")], sessions=twins)[0].problems["session"]
    assert judged([person()], sessions=over)[0].session == "b"  # only one is left to choose


@pytest.mark.parametrize(("text", "people"), [("", 1), ("2", 2), ("２", 2), ("3人", 3), (" 4 位", 4), ("2.0", 2)])
def test_a_number_of_people_is_read_as_people_type_it(text: str, people: int) -> None:
    (only,) = judged([person(adults=text)])
    assert (only.adults, only.standing) == (people, Standing.NEW)


@pytest.mark.parametrize("text", ["两", "-1", "1.5", "²", "1e3", "=2"])
def test_what_is_no_number_is_named(text: str) -> None:
    assert "不是人数" in judged([person(adults=text)])[0].problems["adults"]


def test_a_required_question_is_asked_and_several_choices_stand_in_one_cell() -> None:
    assert "请回答" in judged([person()], questions=[LIKES])[0].problems["q_likes"]
    assert judged([person(q_likes="剪纸、太极")], questions=[LIKES])[0].problems == {}
    assert "选项" in judged([person(q_likes="剪纸/棋")], questions=[LIKES])[0].problems["q_likes"]


def test_a_row_set_aside_neither_has_nor_makes_problems() -> None:
    rows = [person(phone="13900000001"), person(phone="139 0000 0001"), person(name="")]
    assert [each.standing for each in judged(rows)] == [Standing.NEW, Standing.BAD, Standing.BAD]
    assert [each.standing for each in judged(rows, (0, 2))] == [Standing.ASIDE, Standing.NEW, Standing.ASIDE]


def test_classes_of_one_contact_are_one_party_and_a_person_may_not_share_its_phone() -> None:
    first, second, third = judged([a_class(), a_class(label="二班", name=""), person(phone="13900000001")])
    assert (first.leads, second.leads) == (True, False)
    assert not first.problems
    assert not second.problems
    assert "手机号一样" in third.problems["phone"]
    other = judged([a_class(), a_class(label="二班", unit="示例镇")])[1]
    assert "不是学校" in other.problems["unit"]


def test_headings_are_found_in_any_order_and_language_and_each_field_once() -> None:
    sheet = Sheet("a", ("KIDS", "Mobile", "姓名", "备注", "联系人"), (Line(2, {"KIDS": "1", "Mobile": "2", "姓名": "甲", "备注": "x", "联系人": "乙"}),), ())  # fmt: skip
    reading = read_rows([sheet], [], takes_parties=False)
    assert reading.rows[0].cells == {"children": "1", "phone": "2", "name": "甲"}
    assert reading.unknown == ["备注", "联系人"]


def test_a_hold_of_all_sessions_used_in_one_is_gone_in_the_other() -> None:
    room = Room(capacity=10, taken=0, held={7: 6})
    seating = Seating({1: room, 2: room}, {1: (), 2: ()}, [Hold(1, None, 7, 6)])
    assert not seating.seat(2, None, 5)  # six are kept for unit 7
    assert seating.seat(1, 7, 6)
    assert seating.seat(1, None, 4)
    assert not seating.seat(2, None, 6)  # the one who waits there fits now and comes first


def test_nobody_passes_one_who_waits_and_fits_and_a_smaller_one_passes_one_who_does_not() -> None:
    seating = Seating({None: Room(capacity=3, taken=0)}, {None: (InLine(0, 5),)}, [])
    assert [seating.seat(None, None, people) for people in (2, 2, 1)] == [True, False, True]
    waiting = Seating({None: Room(capacity=3, taken=0)}, {None: (InLine(0, 2),)}, [])
    assert not waiting.seat(None, None, 1)


@pytest.mark.parametrize(
    ("text", "options", "chosen"),
    [
        ("剪纸/窗花", ("剪纸/窗花", "太极"), ["剪纸/窗花"]),
        ("太极、剪纸/窗花", ("剪纸/窗花", "太极"), ["太极", "剪纸/窗花"]),
        ("剪纸/窗花/太极", ("剪纸", "剪纸/窗花", "太极"), ["剪纸/窗花", "太极"]),
        ("剪纸、太极", ("剪纸", "剪纸、窗花", "太极"), ["剪纸", "太极"]),
        ("剪纸刀 ; 太极，", ("剪纸", "太极"), ["剪纸刀 ", "太极"]),
        ("", ("剪纸", "太极"), []),
        (" 、 ", ("剪纸", "太极"), []),
    ],
)
def test_an_option_that_holds_a_separator_can_be_chosen(text: str, options: tuple[str, ...], chosen: list[str]) -> None:
    question = Asking("likes", "several_of", "想学什么", options, False)
    assert answers_of(person(q_likes=text), [question])["likes"] == chosen

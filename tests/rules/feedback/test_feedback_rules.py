"""Days for an answer, what a message must be, and the months of the report."""

from __future__ import annotations

from datetime import date

import pytest

from app.feedback.rules import Dated, answer_problems, count_months, due_day, message_problems


@pytest.mark.parametrize(
    ("received", "due"),
    [
        (date(2026, 11, 20), date(2026, 12, 11)),  # a Friday
        (date(2026, 11, 21), date(2026, 12, 11)),  # the Saturday after
        (date(2026, 11, 23), date(2026, 12, 14)),
    ],
)
def test_fifteen_working_days_leave_weekends_out(received: date, due: date) -> None:
    assert due_day(received) == due


@pytest.mark.parametrize(
    ("sort", "message", "contact", "fields"),
    [
        ("complaint", "排队太久", "", []),
        ("suggestion", "字" * 1000, "c" * 60, []),
        ("", "排队太久", "", ["sort"]),
        ("praise", "排队太久", "", ["sort"]),
        ("complaint", "", "", ["message"]),
        ("complaint", "字" * 1001, "", ["message"]),
        ("complaint", "排队太久", "c" * 61, ["contact"]),
        ("", "", "c" * 61, ["sort", "message", "contact"]),
    ],
)
def test_what_cannot_be_taken_is_named_by_field(sort: str, message: str, contact: str, fields: list[str]) -> None:
    assert [problem.field for problem in message_problems(sort, message, contact)] == fields


@pytest.mark.parametrize(
    ("answer", "is_fine"), [("", False), ("谢谢", True), ("字" * 1000, True), ("字" * 1001, False)]
)
def test_an_answer_is_words(answer: str, is_fine: bool) -> None:
    assert (answer_problems(answer) == []) is is_fine


def test_months_count_what_came_what_was_answered_and_what_was_late() -> None:
    rows = [
        Dated(date(2026, 10, 30), date(2026, 11, 20), None),  # open and late
        Dated(date(2026, 11, 2), date(2026, 11, 23), date(2026, 11, 23)),  # on the last day
        Dated(date(2026, 11, 2), date(2026, 11, 23), date(2026, 11, 24)),  # a day late
        Dated(date(2026, 11, 24), date(2026, 12, 15), None),
    ]
    months = count_months(rows, today=date(2026, 11, 24), months=3)
    assert [(m.first.month, m.received, m.answered, m.overdue) for m in months] == [
        (11, 3, 2, 1), (10, 1, 0, 1), (9, 0, 0, 0),
    ]  # fmt: skip


def test_the_months_go_back_over_the_new_year() -> None:
    firsts = [month.first for month in count_months([], today=date(2026, 2, 28), months=4)]
    assert firsts == [date(2026, 2, 1), date(2026, 1, 1), date(2025, 12, 1), date(2025, 11, 1)]

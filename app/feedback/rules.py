"""What a message must be, until when it is answered, and how a month is counted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from app.kernel.errors import Problem

MESSAGE_MOST = 1000
ANSWER_MOST = 1000
CONTACT_MOST = 60
ANSWER_WORKING_DAYS = 15
RECEIPT_LENGTH = 10
SORT_LABELS = {"complaint": "投诉", "suggestion": "建议"}
NO_RECEIPT = "没有这个回执号。请核对10位字母和数字，不分大小写。"


@dataclass(frozen=True, slots=True)
class Dated:
    """The days of one message: when it came, until when it was due, when it was answered."""

    received_on: date
    due_on: date
    answered_on: date | None

    def is_overdue(self, today: date) -> bool:
        """Late: answered after the day, or still open past it."""
        return (self.answered_on or today) > self.due_on


@dataclass(frozen=True, slots=True)
class Month:
    """What the report says of one month. `overdue`: of those received in it."""

    first: date
    received: int
    answered: int
    overdue: int


def due_day(received_on: date) -> date:
    """The last day for the answer. Public holidays are not known here, so the promise errs on the short side."""
    day, left = received_on, ANSWER_WORKING_DAYS
    while left:
        day += timedelta(days=1)
        left -= day.weekday() < 5
    return day


def message_problems(sort: str, message: str, contact: str) -> list[Problem]:
    """What stands in the way of taking the message."""
    found = []
    if sort not in SORT_LABELS:
        found.append(Problem("sort", "请选投诉还是建议。", field="sort"))
    if not message:
        found.append(Problem("message", "请写要说的事。", field="message"))
    elif len(message) > MESSAGE_MOST:
        found.append(Problem("message", f"最多{MESSAGE_MOST}字，现在{len(message)}字。", field="message"))
    if len(contact) > CONTACT_MOST:
        found.append(Problem("contact", f"联系方式最多{CONTACT_MOST}字。", field="contact"))
    return found


def answer_problems(answer: str) -> list[Problem]:
    """An answer is words, not an empty field."""
    if not answer or len(answer) > ANSWER_MOST:
        return [Problem("answer", f"请写回复，1到{ANSWER_MOST}字，对方凭回执号能看到。", field="answer")]
    return []


def count_months(rows: Iterable[Dated], *, today: date, months: int) -> list[Month]:
    """The last `months` months, this one first; months without a message stand there with zeros."""
    firsts = [today.replace(day=1)]
    while len(firsts) < months:
        firsts.append((firsts[-1] - timedelta(days=1)).replace(day=1))
    kept = list(rows)
    return [
        Month(
            first,
            sum(1 for row in kept if row.received_on.replace(day=1) == first),
            sum(1 for row in kept if row.answered_on is not None and row.answered_on.replace(day=1) == first),
            sum(1 for row in kept if row.received_on.replace(day=1) == first and row.is_overdue(today)),
        )
        for first in firsts
    ]

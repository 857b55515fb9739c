"""Reading complaints and suggestions: by receipt for the sender, by reach for the office, by month for the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import false, func, or_, select
from sqlalchemy.orm import Session

from app.activities.models import Activity
from app.feedback.models import Feedback
from app.feedback.rules import RECEIPT_LENGTH, Dated, Month, count_months
from app.kernel.clock import SHANGHAI, business_day
from app.kernel.errors import NotFound
from app.kernel.keys import KeyRing
from app.kernel.text import normalise_code
from app.kernel.tokens import CODE_ALPHABET
from app.organisation.models import Unit


@dataclass(frozen=True, slots=True)
class DeskRow:
    """One line of the office's list; neither the contact nor the receipt is in it."""

    code: str
    sort: str
    message: str
    activity_title: str
    host: str
    created_at: datetime
    due_on: date
    answered_at: datetime | None
    is_overdue: bool


def receipt_index(keys: KeyRing, receipt: str) -> str:
    """What is stored of a receipt: 48 bits would be searched through without the key."""
    return keys.blind("receipt", receipt)


def find_by_receipt(session: Session, receipt: str, *, keys: KeyRing) -> Feedback | None:
    """The message of this receipt; None for a wrong and a malformed one alike."""
    typed = normalise_code(receipt[:40])
    if len(typed) != RECEIPT_LENGTH or set(typed) - set(CODE_ALPHABET):
        typed = ""
    return session.scalar(select(Feedback).where(Feedback.receipt_hash == receipt_index(keys, typed)))


def _reached(paths: Sequence[str] | None) -> Any:
    if paths is None:
        return None
    return or_(false(), *(Unit.path.startswith(path, autoescape=True) for path in paths))


def _within(statement: Any, paths: Sequence[str] | None) -> Any:
    joined = statement.outerjoin(Activity, Activity.id == Feedback.activity_id).outerjoin(
        Unit, Unit.id == Activity.host_unit_id
    )
    reached = _reached(paths)
    return joined if reached is None else joined.where(reached)


def count_feedback(session: Session, paths: Sequence[str] | None, *, today: date) -> tuple[int, int, int]:
    """(open, open and overdue, answered) within reach; `paths` None is the whole district."""
    statement = _within(
        select(
            func.count().filter(Feedback.answered_at.is_(None)),
            func.count().filter(Feedback.answered_at.is_(None), Feedback.due_on < today),
            func.count().filter(Feedback.answered_at.is_not(None)),
        ).select_from(Feedback),
        paths,
    )
    waiting, overdue, answered = session.execute(statement).one()
    return waiting, overdue, answered


def list_feedback(
    session: Session, paths: Sequence[str] | None, *, answered: bool, today: date, page: int = 1, size: int = 20
) -> list[DeskRow]:
    """Open ones by their last day, so that the overdue stand first; answered ones the latest first."""
    statement = _within(select(Feedback, Activity.title, Unit.name).select_from(Feedback), paths)
    if answered:
        statement = statement.where(Feedback.answered_at.is_not(None)).order_by(Feedback.answered_at.desc())
    else:
        statement = statement.where(Feedback.answered_at.is_(None)).order_by(Feedback.due_on, Feedback.id)
    rows = session.execute(statement.limit(size).offset((page - 1) * size))
    return [
        DeskRow(
            row.code, row.sort, row.message or "", title or "", host or "", row.created_at, row.due_on, row.answered_at,
            is_overdue=row.answered_at is None and row.due_on < today,
        )
        for row, title, host in rows
    ]  # fmt: skip


def get_feedback(session: Session, code: str, paths: Sequence[str] | None) -> tuple[Feedback, str, str]:
    """The message with its activity's title and host. Raises NotFound for an absent and a foreign one alike."""
    statement = _within(select(Feedback, Activity.title, Unit.name).select_from(Feedback), paths)
    found = session.execute(statement.where(Feedback.code == code)).first()
    if found is None:
        raise NotFound("没有找到这条投诉建议，或者它不归您回复。")
    return found[0], found[1] or "", found[2] or ""


def contact_of(row: Feedback, *, keys: KeyRing) -> str:
    """The contact in full, or nothing where none was left or no key opens it."""
    if row.contact is None:
        return ""
    try:
        return keys.decrypt(row.contact, context=f"feedback:{row.code}")
    except ValueError:
        return ""


def monthly_counts(
    session: Session, paths: Sequence[str] | None = None, *, today: date, months: int = 12
) -> list[Month]:
    """Received, answered and overdue by month, for the desk and the report; one statement."""
    first = today.replace(year=today.year - 1 - months // 12, day=1)
    since = datetime(first.year, first.month, 1, tzinfo=SHANGHAI)
    statement = _within(
        select(Feedback.created_at, Feedback.due_on, Feedback.answered_at).select_from(Feedback), paths
    ).where(or_(Feedback.created_at >= since, Feedback.answered_at >= since))
    rows = [
        Dated(business_day(created), due, business_day(answered) if answered else None)
        for created, due, answered in session.execute(statement)
    ]
    return count_months(rows, today=today, months=months)

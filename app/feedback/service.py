"""Taking a message without a name, and answering it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.activities.models import Activity
from app.audit.log import record
from app.feedback.models import Feedback
from app.feedback.queries import contact_of, receipt_index
from app.feedback.rules import RECEIPT_LENGTH, answer_problems, due_day, message_problems
from app.kernel.actor import PARTICIPANT, Actor
from app.kernel.clock import business_day
from app.kernel.errors import Conflict, raise_if_blocked
from app.kernel.keys import KeyRing
from app.kernel.text import clean, one_line
from app.kernel.tokens import mac_code


@dataclass(frozen=True, slots=True)
class Message:
    """What the form holds. `browser` and `submission` make a second submit find the first."""

    sort: str
    text: str
    contact: str
    browser: str
    submission: str


def receive(
    session: Session, message: Message, activity: Activity | None, *, keys: KeyRing, now: datetime
) -> tuple[Feedback, str]:
    """The message and its receipt, which is shown now and stored nowhere. Raises RuleBroken beside each field."""
    text, contact = clean(message.text.replace("\r\n", "\n")), one_line(message.contact)
    raise_if_blocked(message_problems(message.sort, text, contact))
    receipt = mac_code(keys.codes, "receipt", message.browser, message.submission, length=RECEIPT_LENGTH)
    index = receipt_index(keys, receipt)
    known = session.scalar(select(Feedback).where(Feedback.receipt_hash == index))
    if known is not None:
        return known, receipt
    row = Feedback(
        sort=message.sort, activity_id=activity.id if activity else None, receipt_hash=index, message=text,
        created_at=now, due_on=due_day(business_day(now)),
    )  # fmt: skip
    session.add(row)
    session.flush()
    if contact:
        row.contact = keys.encrypt(contact, context=f"feedback:{row.code}")
    record(
        session, "feedback.received", actor=PARTICIPANT, object_type="feedback", object_code=row.code, now=now,
        payload={"sort": row.sort},
    )  # fmt: skip
    session.flush()
    return row, receipt


def answer(session: Session, row: Feedback, *, text: str, actor: Actor, now: datetime) -> None:
    """The office's words, once: who sent it may have read them already."""
    text = clean(text.replace("\r\n", "\n"))
    raise_if_blocked(answer_problems(text))
    session.refresh(row, with_for_update=True)
    if row.answered_at is not None:
        raise Conflict("answered", "已经有人回复过了，没有再改。")
    row.answer, row.answered_at, row.answered_by_id = text, now, actor.user_id
    record(
        session, "feedback.answered", actor=actor, object_type="feedback", object_code=row.code, now=now,
        payload={"days": (business_day(now) - business_day(row.created_at)).days},
    )  # fmt: skip
    session.flush()


def read_contact(session: Session, row: Feedback, *, actor: Actor, now: datetime, keys: KeyRing) -> str:
    """The contact in full; opening it is an entry of the log."""
    record(session, "feedback.contact_read", actor=actor, object_type="feedback", object_code=row.code, now=now)
    return contact_of(row, keys=keys)

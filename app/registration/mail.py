"""Letters to those who left an address: put into the outbox with the change itself, sent after the commit."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from app.activities.models import Activity
from app.registration.models import MailKind, MailNotice, PersonalDetail, Registration


def put_letter(
    session: Session, activity: Activity, registration: Registration, kind: MailKind, *, now: datetime
) -> None:
    """One letter of this kind, where the activity sends mail and an address was left."""
    if not activity.sends_mail:
        return
    session.flush()
    has_address = select(
        exists().where(PersonalDetail.registration_id == registration.id, PersonalDetail.email.is_not(None))
    )
    if session.scalar(has_address):
        session.add(MailNotice(registration_id=registration.id, kind=kind.value, created_at=now, next_try_at=now))

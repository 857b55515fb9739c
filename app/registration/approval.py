"""Approval by the organizer, and the answer to an offered place; both under the lock of the places."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.activities.models import Activity
from app.audit.log import record
from app.kernel.actor import PARTICIPANT, SYSTEM, Actor
from app.kernel.errors import Conflict, Problem, RuleBroken
from app.kernel.text import clean
from app.registration.mail import put_letter
from app.registration.models import MailKind, Registration, RegistrationState
from app.registration.places import promote_waiting, with_places
from app.registration.rules import REASON_MOST


def approve_registration(session: Session, registration: Registration, *, actor: Actor, now: datetime) -> None:
    """Pending → confirmed. Approving twice is the same; raises Conflict for any other state."""
    with with_places(session, registration.activity_id) as activity:
        session.refresh(registration)
        if registration.state == RegistrationState.CONFIRMED.value:
            return
        _check_pending(registration)
        registration.state = RegistrationState.CONFIRMED.value
        put_letter(session, activity, registration, MailKind.CONFIRMED, now=now)
        record(
            session, "registration.approved", actor=actor, object_type="registration", object_code=registration.code,
            now=now, payload={"headcount": registration.headcount},
        )  # fmt: skip


def decline_registration(
    session: Session, registration: Registration, *, reason: str, actor: Actor, now: datetime
) -> None:
    """Pending → cancelled with words for the participant; the place goes on at once."""
    reason = clean(reason)
    if not reason or len(reason) > REASON_MOST:
        raise RuleBroken(Problem("reason", f"请写一句原因（最多{REASON_MOST}字），对方会看到。", field="reason"))
    with with_places(session, registration.activity_id) as activity:
        session.refresh(registration)
        _check_pending(registration)
        registration.state = RegistrationState.CANCELLED.value
        registration.cancelled_at = registration.declined_at = now
        registration.decline_reason = reason
        put_letter(session, activity, registration, MailKind.DECLINED, now=now)
        record(
            session, "registration.declined", actor=actor, object_type="registration", object_code=registration.code,
            now=now, payload={"headcount": registration.headcount}, private={"reason": reason},
        )  # fmt: skip
        promote_waiting(session, activity, now=now)


def _check_pending(registration: Registration) -> None:
    if registration.state != RegistrationState.PENDING.value:
        raise Conflict("not_pending", "这个报名不在等待确认，没有改动。请刷新名单。")
    if registration.offered_until is not None:
        raise Conflict("offered", "这个名额在等对方回复，不用确认。")


def accept_offer(session: Session, registration: Registration, *, now: datetime, actor: Actor = PARTICIPANT) -> None:
    """“我来”, or the organizer who has asked by telephone: a person on the list may have no link to answer by.

    Raises Conflict once the time is over: the place has gone on.
    """
    with with_places(session, registration.activity_id) as activity:
        session.refresh(registration)
        if registration.state == RegistrationState.CONFIRMED.value:
            return
        if registration.is_minor and registration.consented_at is None:
            raise Conflict("guardian_first", "这个名额在等监护人同意，没有改动。请让监护人打开同意链接。")
        if (
            registration.state != RegistrationState.PENDING.value
            or registration.offered_until is None
            or registration.offered_until <= now
        ):
            raise Conflict("offer_over", "留名额的时间过了，名额已经给了后面的人。可以重新报名排候补。")
        registration.offered_until = None
        registration.state = (
            RegistrationState.PENDING if activity.needs_approval else RegistrationState.CONFIRMED
        ).value
        record(
            session, "registration.offer_accepted", actor=actor, object_type="registration",
            object_code=registration.code, now=now, payload={"headcount": registration.headcount},
        )  # fmt: skip


def expire_offers(session: Session, *, now: datetime) -> int:
    """Offers whose time is over go back: the place moves on at once; returns how many. Run by the worker."""
    due = session.execute(
        select(Registration.activity_id, Registration.id)
        .where(Registration.state == RegistrationState.PENDING.value, Registration.offered_until <= now)
        .order_by(Registration.activity_id, Registration.id)
    ).all()
    for activity_id, registration_id in due:
        with with_places(session, activity_id) as activity:
            _expire(session, activity, session.get_one(Registration, registration_id, populate_existing=True), now)
    return len(due)


def _expire(session: Session, activity: Activity, registration: Registration, now: datetime) -> None:
    if registration.state != RegistrationState.PENDING.value or registration.offered_until is None:
        return
    registration.state = RegistrationState.CANCELLED.value
    registration.cancelled_at = now
    put_letter(session, activity, registration, MailKind.CANCELLED, now=now)
    record(
        session, "registration.offer_expired", actor=SYSTEM, object_type="registration",
        object_code=registration.code, now=now, payload={"headcount": registration.headcount},
    )  # fmt: skip
    promote_waiting(session, activity, now=now)

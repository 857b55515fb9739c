"""Giving places and writing them down, all who come at once: one person, those who come together, a roster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.activities.models import Activity, PlaceHold
from app.audit.log import record
from app.kernel.keys import KeyRing
from app.kernel.text import normalise_phone, one_line
from app.kernel.tokens import digest, random_secret
from app.registration.entries import Candidate, Entry, PartyEntry, Seat
from app.registration.indexes import (
    browser_index,
    phone_index,
    submission_index,
    tail_index,
    ticket_code,
    ticket_code_index,
    ticket_secret,
)
from app.registration.mail import put_letter
from app.registration.models import MailKind, PartyClass, PersonalDetail, Registration, RegistrationState
from app.registration.places import next_queue, pool_of, read_pools
from app.registration.rules import ClassEntry
from app.registration.seating import Hold, Seating


@dataclass(slots=True)
class Sitting:
    """The places as they were counted once under the lock, moved on with everyone who is seated."""

    session: Session
    activity: Activity
    keys: KeyRing
    seating: Seating
    holds: list[Hold]
    before: dict[int, int]  # places of each hold when they were counted
    rank: int = 0  # the last one given; 0: nobody has waited yet

    def next_rank(self) -> int:
        self.rank = self.rank + 1 if self.rank else next_queue(self.session, self.activity)
        return self.rank


@dataclass(frozen=True, slots=True)
class Made:
    """A registration that is not in the database yet; `secret` opens its ticket and is stored nowhere."""

    registration: Registration
    candidate: Candidate
    secret: str


def read_seating(session: Session, activity: Activity) -> tuple[Seating, list[Hold]]:
    """The pools as they stand, and the holds that seating uses up."""
    pools = read_pools(session, activity)
    rooms = {key: pool.room for key, pool in pools.items()}
    holds: list[Hold] = []
    if any(room.held for room in rooms.values()):
        rows = session.scalars(
            select(PlaceHold)
            .where(PlaceHold.activity_id == activity.id, PlaceHold.released_at.is_(None))
            .order_by(PlaceHold.id)
        )
        holds = [Hold(row.id, row.session_id, row.unit_id, row.places) for row in rows]
    return Seating(rooms, {key: pool.line for key, pool in pools.items()}, holds), holds


def sit_down(session: Session, activity: Activity, keys: KeyRing) -> Sitting:
    """Count once; the caller holds the lock and writes nothing about places beside this sitting."""
    seating, holds = read_seating(session, activity)
    return Sitting(session, activity, keys, seating, holds, {hold.id: hold.places for hold in holds})


def make(sitting: Sitting, candidate: Candidate) -> Made:
    """A place or the next rank in line, in the order of the calls."""
    activity, chosen = sitting.activity, candidate.chosen
    secret = secret_of(activity, candidate.entry, sitting.keys)
    registration = _row(activity, candidate.entry, candidate.seat, secret, keys=sitting.keys, now=candidate.now)
    registration.session_id = chosen.id if chosen else None
    if sitting.seating.seat(pool_of(activity, registration.session_id), registration.unit_id, registration.headcount):
        state = RegistrationState.PENDING if activity.needs_approval else RegistrationState.CONFIRMED
    else:
        state, registration.queue = RegistrationState.WAITLISTED, sitting.next_rank()
    registration.state = state.value
    return Made(registration, candidate, secret)


def store(sitting: Sitting, rows: Sequence[Made]) -> None:
    """The rows with their values, letters and entries of the log."""
    session = sitting.session
    session.add_all([made.registration for made in rows])
    session.flush()
    for made in rows:
        registration, candidate = made.registration, made.candidate
        _keep_person(session, registration, candidate.entry, candidate.seat, sitting.keys)
        if candidate.entry.email:
            is_waiting = registration.state == RegistrationState.WAITLISTED.value
            kind = MailKind.WAITLISTED if is_waiting else MailKind.CONFIRMED
            put_letter(session, sitting.activity, registration, kind, now=candidate.now)
        record(
            session, "registration.made", actor=candidate.actor, object_type="registration",
            object_code=registration.code, now=candidate.now,
            payload={"state": registration.state, "headcount": registration.headcount},
        )  # fmt: skip
    session.flush()


def settle(sitting: Sitting) -> None:
    """What was kept for a unit became its registrations' places."""
    for hold in sitting.holds:
        if hold.places != sitting.before[hold.id]:
            sitting.session.get_one(PlaceHold, hold.id).places = hold.places
            sitting.before[hold.id] = hold.places
    sitting.session.flush()


def secret_of(activity: Activity, entry: Entry | PartyEntry, keys: KeyRing) -> str:
    if not entry.submission:
        return random_secret()
    return ticket_secret(keys, activity.code, entry.browser, entry.submission)


def _row(
    activity: Activity, entry: Entry | PartyEntry, seat: Seat, secret: str, *, keys: KeyRing, now: datetime
) -> Registration:
    code, phone = activity.code, normalise_phone(entry.phone) if entry.phone.strip() else None
    return Registration(
        activity_id=activity.id, unit_id=seat.unit_id, kind=seat.kind.value, adults=seat.adults, children=seat.children,
        secret_hash=digest(secret), ticket_code_index=ticket_code_index(keys, code, ticket_code(keys, secret)),
        phone_index=phone_index(keys, code, phone, seat.phone_slot) if phone else None,
        tail_index=tail_index(keys, code, phone[-4:]) if phone else None,
        submission=submission_index(keys, code, entry.browser, entry.submission) if entry.submission else None,
        browser_index=browser_index(keys, code, entry.browser) if entry.browser else None,
        consent_version=seat.consent_version, consented_at=now if seat.consent_version else None, created_at=now,
        is_minor=seat.is_minor,
    )  # fmt: skip


def _keep_person(
    session: Session, registration: Registration, entry: Entry | PartyEntry, seat: Seat, keys: KeyRing
) -> None:
    phone, email = normalise_phone(entry.phone) if entry.phone.strip() else None, one_line(entry.email)
    session.add(
        PersonalDetail(
            registration_id=registration.id, name=one_line(entry.name), answers=seat.answers,
            phone=keys.encrypt(phone, context=f"phone:{registration.code}") if phone else None,
            email=keys.encrypt(email, context=f"email:{registration.code}") if email else None,
        )
    )  # fmt: skip
    session.add_all(party_rows(registration.id, seat.classes))


def party_rows(registration_id: int, classes: Sequence[ClassEntry]) -> list[PartyClass]:
    """The classes in their order."""
    return [
        PartyClass(
            registration_id=registration_id, position=position, label=one_line(each.label), pupils=each.pupils,
            adults=each.adults, without_photo=each.without_photo,
        )
        for position, each in enumerate(classes, start=1)
    ]  # fmt: skip

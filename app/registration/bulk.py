"""Many registrations at once, in the order given: counted once under the lock, with the result of one by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.activities.models import Activity, PlaceHold
from app.audit.log import record
from app.kernel.actor import Actor
from app.kernel.errors import Problem, RuleBroken, raise_if_blocked
from app.kernel.keys import KeyRing
from app.registration.answers import Asking, read_answers
from app.registration.entering import (
    Entry,
    PartyEntry,
    PhoneTaken,
    Seat,
    check_open,
    choose,
    keep_person,
    list_questions,
    make_row,
    secret_of,
)
from app.registration.mail import put_letter
from app.registration.models import MailKind, Registration, RegistrationKind, RegistrationState
from app.registration.places import key_of, next_queue, pool_of, read_pools, with_places
from app.registration.rules import Asked, contact_problems, party_problems, problems_of
from app.registration.seating import Hold, Seating

CONSENT_VERSION = "desk-2026-11"  # the organizer says that the people were told and agreed
GUARDIAN_FIRST = "这场活动登记孩子的姓名，要监护人先同意，不能从表格导入。请用“登记一名孩子”。"
CHUNK = 500  # rows in memory at a time

Tell = Callable[[int, int], None]  # done, of how many


def silent(_done: int, _total: int) -> None:
    """Nobody listens."""


@dataclass(frozen=True, slots=True)
class Seated:
    """One registration that was made; `secret` opens its ticket and is stored nowhere."""

    code: str
    state: str
    secret: str


@dataclass(frozen=True, slots=True)
class _Sitting:
    """What stays the same for every entry."""

    session: Session
    activity: Activity
    questions: Sequence[Asking]
    keys: KeyRing
    now: datetime
    actor: Actor


@dataclass(frozen=True, slots=True)
class _Made:
    registration: Registration
    entry: Entry | PartyEntry
    seat: Seat
    secret: str


def read_seating(session: Session, activity: Activity) -> tuple[Seating, list[Hold]]:
    """The pools as they stand, and the holds that seating uses up."""
    pools = read_pools(session, activity)
    rows = session.scalars(
        select(PlaceHold)
        .where(PlaceHold.activity_id == activity.id, PlaceHold.released_at.is_(None))
        .order_by(PlaceHold.id)
    )
    holds = [Hold(row.id, row.session_id, row.unit_id, row.places) for row in rows]
    rooms = {key: pool.room for key, pool in pools.items()}
    return Seating(rooms, {key: pool.line for key, pool in pools.items()}, holds), holds


def register_many(
    session: Session,
    activity: Activity,
    entries: Sequence[Entry | PartyEntry],
    *,
    keys: KeyRing,
    now: datetime,
    actor: Actor,
    tell: Tell = silent,
) -> list[Seated]:
    """Register all of them in their order, or none; `tell` hears after every few hundred how many there are.

    Raises RuleBroken for the first that breaks a rule; PhoneTaken where a phone is registered already or stands twice.
    """
    found: list[Seated] = []
    with with_places(session, key_of(activity)) as locked:
        check_open(locked, now)
        sitting = _Sitting(session, locked, list_questions(session, locked), keys, now, actor)
        seating, holds = read_seating(session, locked)
        before, rank = {hold.id: hold.places for hold in holds}, next_queue(session, locked)
        for start in range(0, len(entries), CHUNK):
            chunk = [_make(sitting, entry) for entry in entries[start : start + CHUNK]]
            for made in chunk:
                rank += _give_place(locked, seating, made.registration, rank)
            _refuse_taken(sitting, [made.registration for made in chunk])
            _store(sitting, chunk)
            tell(min(start + CHUNK, len(entries)), len(entries))
            found.extend(Seated(made.registration.code, made.registration.state, made.secret) for made in chunk)
        for hold in holds:
            if hold.places != before[hold.id]:
                session.get_one(PlaceHold, hold.id).places = hold.places
    return found


def _make(sitting: _Sitting, entry: Entry | PartyEntry) -> _Made:
    problems: list[Problem] = []
    chosen = choose(sitting.activity, entry.session_code, sitting.now, problems)
    if isinstance(entry, PartyEntry):
        seat = _party_seat(sitting, entry, problems)
    else:
        seat = _person_seat(sitting, entry, problems)
    raise_if_blocked(problems)
    secret = secret_of(sitting.activity, entry, sitting.keys)
    registration = make_row(sitting.activity, entry, seat, secret, keys=sitting.keys, now=sitting.now)
    registration.session_id = chosen.id if chosen else None
    return _Made(registration, entry, seat, secret)


def _person_seat(sitting: _Sitting, entry: Entry, problems: list[Problem]) -> Seat:
    if sitting.activity.names_minors:
        raise RuleBroken(Problem("guardian_first", GUARDIAN_FIRST))
    needs_phone = sitting.activity.needs_phone
    problems.extend(
        problems_of(
            Asked(entry.name, entry.adults, entry.children, entry.phone, entry.consent, needs_phone, entry.email)
        )
    )
    answers: dict[str, Any] | None = read_answers(sitting.questions, entry.answers, problems) or None
    return Seat(
        RegistrationKind.INDIVIDUAL, entry.adults, entry.children, entry.unit_id, CONSENT_VERSION, answers
    )  # fmt: skip


def _party_seat(sitting: _Sitting, entry: PartyEntry, problems: list[Problem]) -> Seat:
    if not sitting.activity.takes_parties:
        raise RuleBroken(Problem("no_parties", "这场活动不收团体报名，没有保存。请先在报名设置里打开。"))
    problems.extend(party_problems(entry.classes))
    problems.extend(contact_problems(entry.name, entry.phone, entry.email, consent=entry.consent))
    adults, pupils = sum(c.adults for c in entry.classes), sum(c.pupils for c in entry.classes)
    return Seat(RegistrationKind.PARTY, adults, pupils, entry.unit_id, CONSENT_VERSION, None, entry.classes)


def _give_place(activity: Activity, seating: Seating, registration: Registration, rank: int) -> int:
    """A place or the next rank in line; returns how many ranks were used."""
    pool = pool_of(activity, registration.session_id)
    if seating.seat(pool, registration.unit_id, registration.headcount):
        state = RegistrationState.PENDING if activity.needs_approval else RegistrationState.CONFIRMED
        registration.state = state.value
        return 0
    registration.state, registration.queue = RegistrationState.WAITLISTED.value, rank
    return 1


def _refuse_taken(sitting: _Sitting, rows: Sequence[Registration]) -> None:
    """Chunks before this one are in the database already, so that it knows their phones too."""
    phones = [row.phone_index for row in rows if row.phone_index]
    if len(set(phones)) < len(phones) or taken_phones(sitting.session, sitting.activity.id, phones):
        raise PhoneTaken("phone_taken", "有手机号已经报名，什么都没有导入。请重新检查。")


def taken_phones(session: Session, activity_id: int, indexes: Sequence[str]) -> set[str]:
    """Those of these blind indexes that a standing registration of the activity has."""
    found: set[str] = set()
    for start in range(0, len(indexes), CHUNK):
        found.update(
            index
            for index in session.scalars(
                select(Registration.phone_index).where(
                    Registration.activity_id == activity_id,
                    Registration.phone_index.in_(indexes[start : start + CHUNK]),
                    Registration.state != RegistrationState.CANCELLED.value,
                )
            )
            if index
        )
    return found


def _store(sitting: _Sitting, chunk: Sequence[_Made]) -> None:
    session = sitting.session
    session.add_all([made.registration for made in chunk])
    session.flush()
    for made in chunk:
        registration = made.registration
        keep_person(session, registration, made.entry, made.seat, sitting.keys)
        if made.entry.email:
            is_waiting = registration.state == RegistrationState.WAITLISTED.value
            kind = MailKind.WAITLISTED if is_waiting else MailKind.CONFIRMED
            put_letter(session, sitting.activity, registration, kind, now=sitting.now)
        record(
            session, "registration.made", actor=sitting.actor, object_type="registration",
            object_code=registration.code, now=sitting.now,
            payload={"state": registration.state, "headcount": registration.headcount},
        )  # fmt: skip
    session.flush()

"""Registering a person with companions, or a party of classes: one way in under the lock of the places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.activities.models import Activity, ActivitySession, Attendance, Audience, PlaceQuota, Question
from app.kernel.actor import PARTICIPANT, Actor
from app.kernel.errors import DomainError, Problem, RuleBroken, raise_if_blocked
from app.kernel.keys import KeyRing
from app.organisation.models import Unit
from app.registration.answers import Asking, read_answers
from app.registration.entries import Candidate, Entry, PartyEntry, PhoneTaken, Registered, Seat, Wish
from app.registration.known import (
    free_slot,
    known_among,
    known_classes,
    labels_of,
    marks_of,
    read_standing,
    submission_for,
)
from app.registration.models import RegistrationKind
from app.registration.places import find_session, key_of, with_places
from app.registration.rules import (
    CONSENT_VERSION,
    PARTY_CONSENT_VERSION,
    Asked,
    closed_problem,
    contact_problems,
    party_problems,
    problems_of,
)
from app.registration.storing import Made, make, settle, sit_down, store

__all__ = ["Entry", "PartyEntry", "PhoneTaken", "Registered", "Seat", "Wish"]

OTHER_UNIT = "other"


def register(
    session: Session, activity: Activity, entry: Entry, *, keys: KeyRing, now: datetime, actor: Actor = PARTICIPANT
) -> Registered:
    """Register one person with companions, or put them on the waitlist.

    Raises RuleBroken with every problem found; PhoneTaken where another browser holds the phone.
    """
    (found,) = register_together(session, key_of(activity), [Wish(entry, now, actor)], keys=keys)
    if isinstance(found, DomainError):
        raise found
    return found


def register_together(
    session: Session, activity_id: int, wishes: Sequence[Wish], *, keys: KeyRing
) -> list[Registered | DomainError]:
    """Persons who come at once, in this order, each with what it alone would get: counted once under the lock.

    Who is refused gets the error in place of the registration, and nothing of it is written.
    """
    with with_places(session, activity_id) as activity:
        marks = [marks_of(activity, wish.entry, keys) for wish in wishes]
        standing = read_standing(session, activity, marks)
        desk = _Desk(activity, list_questions(session, activity), list_quota_units(session, activity))
        sitting = sit_down(session, activity, keys)
        found: list[Registered | DomainError] = []
        rows: list[Made] = []
        for wish, mark in zip(wishes, marks, strict=True):
            try:
                again = known_among(standing, activity, wish.entry, mark, keys=keys)
                if again is None:
                    made = make(sitting, _candidate(desk, wish))
                    rows.append(made)
                    standing.append(made.registration)
                    again = Registered(made.registration, made.secret, created=True)
                found.append(again)
            except DomainError as error:
                found.append(error)
        store(sitting, rows)
        settle(sitting)
    return found


@dataclass(frozen=True, slots=True)
class _Desk:
    """What the form asks, the same for everyone."""

    activity: Activity
    questions: Sequence[Asking]
    units: Sequence[tuple[int, str, str]]


def _candidate(desk: _Desk, wish: Wish) -> Candidate:
    """Raises RuleBroken with every problem found."""
    activity, entry = desk.activity, wish.entry
    check_open(activity, wish.now)
    if activity.names_minors:
        raise RuleBroken(Problem("guardian_first", "这场活动登记孩子的姓名，请由监护人在“为孩子报名”里填写。"))
    needs_phone = activity.needs_phone
    problems = problems_of(
        Asked(entry.name, entry.adults, entry.children, entry.phone, entry.consent, needs_phone, entry.email)
    )
    chosen = choose(activity, entry.session_code, wish.now, problems)
    answers = read_answers(desk.questions, entry.answers, problems)
    unit_id = entry.unit_id if entry.from_unit is None else _unit_among(desk.units, entry.from_unit, problems)
    raise_if_blocked(problems)
    seat = Seat(RegistrationKind.INDIVIDUAL, entry.adults, entry.children, unit_id, CONSENT_VERSION, answers or None)
    return Candidate(entry, seat, chosen, wish.now, wish.actor)


def chosen_unit(session: Session, activity: Activity, typed: str, problems: list[Problem]) -> int | None:
    """The unit whose quota binds this person; None for another one, and where no unit has a quota."""
    return _unit_among(list_quota_units(session, activity), typed, problems)


def _unit_among(units: Sequence[tuple[int, str, str]], typed: str, problems: list[Problem]) -> int | None:
    if not units or typed == OTHER_UNIT:
        return None
    found = next((unit_id for unit_id, code, _name in units if code == typed), None)
    if found is None:
        problems.append(Problem("unit_missing", "请选从哪个单位来。", field="unit"))
    return found


def list_quota_units(session: Session, activity: Activity) -> list[tuple[int, str, str]]:
    """(id, code, name) of the units that have a quota, in their order."""
    rows = session.execute(
        select(Unit.id, Unit.code, Unit.name)
        .where(Unit.id.in_(select(PlaceQuota.unit_id).where(PlaceQuota.activity_id == activity.id)))
        .order_by(Unit.position, Unit.id)
    )
    return [(row.id, row.code, row.name) for row in rows]


def register_party(
    session: Session, activity: Activity, entry: PartyEntry, *, keys: KeyRing, now: datetime, actor: Actor = PARTICIPANT
) -> Registered:
    """Register classes of a school under one contact and one ticket, whole or not at all.

    Raises RuleBroken with every problem found; PhoneTaken where another browser holds the contact's phone.
    """
    entry = replace(entry, submission=submission_for(entry.submission, str(entry.unit_id), *labels_of(entry)))
    with with_places(session, key_of(activity)) as locked:
        marks = marks_of(locked, entry, keys)
        standing = read_standing(session, locked, [marks])
        again = known_classes(session, locked, standing, entry, marks, keys=keys)
        if again is not None:
            return again
        check_open(locked, now)
        if not locked.takes_parties:
            raise RuleBroken(Problem("no_parties", "这场活动不收团体报名，没有保存。请联系主办单位。"))
        if locked.audience == Audience.UNIT.value and not entry.is_invited and not actor.is_user:
            words = "这场活动只收受邀学校，没有保存。请用主办单位发来的链接报名。"
            raise RuleBroken(Problem("invited_only", words, field="school"))
        consents = asks_school(locked)
        problems = [
            *party_problems(entry.classes),
            *contact_problems(entry.name, entry.phone, entry.email, consent=entry.consent or not consents),
        ]
        chosen = choose(locked, entry.session_code, now, problems)
        raise_if_blocked(problems)
        seat = Seat(
            RegistrationKind.PARTY, sum(c.adults for c in entry.classes), sum(c.pupils for c in entry.classes),
            entry.unit_id, PARTY_CONSENT_VERSION if consents else "", None, entry.classes,
            phone_slot=free_slot(standing, marks),
        )  # fmt: skip
        return enter(session, locked, entry, seat, chosen, keys=keys, now=now, actor=actor)


def asks_school(activity: Activity) -> bool:
    """Whether the school's consent is asked: only where the class leaves it, pupils are named or photos published."""
    return activity.leaves_school or activity.names_minors or bool(activity.photos_may_publish)


def list_questions(session: Session, activity: Activity) -> list[Asking]:
    """The activity's extra questions in order."""
    rows = session.scalars(select(Question).where(Question.activity_id == activity.id).order_by(Question.position))
    return [Asking(row.code, row.sort, row.wording, tuple(row.options), row.is_required) for row in rows]


def check_open(activity: Activity, now: datetime) -> None:
    closed = closed_problem(
        state=activity.state, takes_registration=activity.takes_registration, ends_at=activity.ends_at, now=now
    )
    if closed is not None:
        raise RuleBroken(closed)


def choose(
    activity: Activity, session_code: str | None, now: datetime, problems: list[Problem]
) -> ActivitySession | None:
    if activity.attendance != Attendance.CHOOSE_ONE.value:
        return None
    chosen = find_session(activity, session_code)
    if chosen is None:
        problems.append(Problem("session_missing", "请选一场。", field="session"))
    elif chosen.ends_at <= now:
        problems.append(Problem("session_over", "这一场已经结束，请选别的场次。", field="session"))
    return chosen


def enter(
    session: Session,
    activity: Activity,
    entry: Entry | PartyEntry,
    seat: Seat,
    chosen: ActivitySession | None,
    *,
    keys: KeyRing,
    now: datetime,
    actor: Actor,
) -> Registered:
    """One that breaks no rule; the caller holds the lock."""
    sitting = sit_down(session, activity, keys)
    made = make(sitting, Candidate(entry, seat, chosen, now, actor))
    store(sitting, [made])
    settle(sitting)
    return Registered(made.registration, made.secret, created=True)

"""Registering a person with companions, or a party of classes: one way in under the lock of the places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from app.activities.models import Activity, ActivitySession, Attendance, Audience, PlaceQuota, Question
from app.audit.log import record
from app.kernel.actor import PARTICIPANT, Actor
from app.kernel.errors import Conflict, Problem, RuleBroken, raise_if_blocked
from app.kernel.keys import KeyRing
from app.kernel.text import normalise_phone, one_line
from app.kernel.tokens import digest, random_secret
from app.organisation.models import Unit
from app.registration.answers import Asking, read_answers
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
from app.registration.models import (
    MailKind,
    PartyClass,
    PersonalDetail,
    Registration,
    RegistrationKind,
    RegistrationState,
)
from app.registration.places import find_session, key_of, next_queue, pool_of, read_pools, use_hold, with_places
from app.registration.rules import (
    CONSENT_VERSION,
    PARTY_CONSENT_VERSION,
    Asked,
    ClassEntry,
    closed_problem,
    contact_problems,
    fits,
    party_problems,
    problems_of,
)

OTHER_UNIT = "other"


@dataclass(frozen=True, slots=True)
class Entry:
    """One submitted form. `submission` is the form's own random id: a second submit from the same
    browser is the same registration; empty means that each submit is a new one.

    `browser` is this browser's random token, empty at the desk. `answers`: what was typed, by the question's code.
    """

    session_code: str | None
    name: str
    adults: int
    children: int
    phone: str
    consent: bool
    submission: str
    browser: str
    email: str = ""
    unit_id: int | None = None
    answers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    from_unit: str | None = (
        None  # as chosen where units have quotas: a unit's code or OTHER_UNIT; None: nobody was asked
    )


@dataclass(frozen=True, slots=True)
class PartyEntry:
    """Classes of one school, with one contact; no child's name has a place here."""

    session_code: str | None
    unit_id: int
    classes: tuple[ClassEntry, ...]
    name: str
    phone: str
    consent: bool
    submission: str
    browser: str
    email: str = ""
    is_invited: bool = False  # came by the unit's own link


@dataclass(frozen=True, slots=True)
class Registered:
    """The registration, and the secret of its ticket where this form made it (now or a moment ago).

    `secret` is empty when the same browser registered the same phone with another form.
    """

    registration: Registration
    secret: str
    created: bool


@dataclass(frozen=True, slots=True)
class Seat:
    """What every kind of entry comes down to."""

    kind: RegistrationKind
    adults: int
    children: int
    unit_id: int | None
    consent_version: str
    answers: dict[str, Any] | None
    classes: tuple[ClassEntry, ...] = ()
    is_minor: bool = False


class PhoneTaken(Conflict):
    """Another browser registered this phone: neither ticket nor change is given away."""


def register(
    session: Session, activity: Activity, entry: Entry, *, keys: KeyRing, now: datetime, actor: Actor = PARTICIPANT
) -> Registered:
    """Register one person with companions, or put them on the waitlist.

    Raises RuleBroken with every problem found; PhoneTaken where another browser holds the phone.
    """
    with with_places(session, key_of(activity)) as locked:
        again = find_known(session, locked, entry, keys=keys)
        if again is not None:
            return again
        check_open(locked, now)
        if locked.names_minors:
            raise RuleBroken(Problem("guardian_first", "这场活动登记孩子的姓名，请由监护人在“为孩子报名”里填写。"))
        problems = problems_of(
            Asked(entry.name, entry.adults, entry.children, entry.phone, entry.consent, locked.needs_phone, entry.email)
        )
        chosen = choose(locked, entry.session_code, now, problems)
        answers = read_answers(list_questions(session, locked), entry.answers, problems)
        unit_id = entry.unit_id if entry.from_unit is None else chosen_unit(session, locked, entry.from_unit, problems)
        raise_if_blocked(problems)
        seat = Seat(
            RegistrationKind.INDIVIDUAL, entry.adults, entry.children, unit_id, CONSENT_VERSION, answers or None
        )
        return enter(session, locked, entry, seat, chosen, keys=keys, now=now, actor=actor)


def chosen_unit(session: Session, activity: Activity, typed: str, problems: list[Problem]) -> int | None:
    """The unit whose quota binds this person; None for another one, and where no unit has a quota."""
    units = list_quota_units(session, activity)
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
    with with_places(session, key_of(activity)) as locked:
        again = find_known(session, locked, entry, keys=keys)
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


def find_known(session: Session, activity: Activity, entry: Entry | PartyEntry, *, keys: KeyRing) -> Registered | None:
    """This form sent before, or this phone registered from this browser. Raises PhoneTaken for another browser's."""
    wanted = []
    form = submission_index(keys, activity.code, entry.browser, entry.submission) if entry.submission else None
    phone = normalise_phone(entry.phone) if entry.phone.strip() else None
    phone_key = phone_index(keys, activity.code, phone) if phone else None
    if form:
        wanted.append(Registration.submission == form)
    if phone_key:
        standing = Registration.state != RegistrationState.CANCELLED.value
        wanted.append(and_(Registration.phone_index == phone_key, standing))
    if not wanted:
        return None
    found = session.scalars(
        select(Registration).where(Registration.activity_id == activity.id, or_(*wanted)).order_by(Registration.id)
    ).all()
    for registration in found:
        if form and registration.submission == form:
            return Registered(registration, secret_of(activity, entry, keys), created=False)
    if not found:
        return None
    if entry.browser and found[0].browser_index == browser_index(keys, activity.code, entry.browser):
        return Registered(found[0], "", created=False)
    raise PhoneTaken(
        "phone_taken", "此手机号已报名。请用报名时的手机打开报名码；找不到了，当天到签到台报手机尾号就行。"
    )


def secret_of(activity: Activity, entry: Entry | PartyEntry, keys: KeyRing) -> str:
    if not entry.submission:
        return random_secret()
    return ticket_secret(keys, activity.code, entry.browser, entry.submission)


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
    pool = pool_of(activity, chosen.id if chosen else None)
    headcount = seat.adults + seat.children
    standing = read_pools(session, activity)[pool]
    has_place = fits(headcount, unit_id=seat.unit_id, room=standing.room, line=standing.line)
    secret = secret_of(activity, entry, keys)
    registration = make_row(activity, entry, seat, secret, keys=keys, now=now)
    registration.session_id = chosen.id if chosen else None
    if has_place:
        state = RegistrationState.PENDING if activity.needs_approval else RegistrationState.CONFIRMED
        if seat.unit_id in standing.room.held:
            use_hold(session, activity, pool, seat.unit_id, headcount)
    else:
        state, registration.queue = RegistrationState.WAITLISTED, next_queue(session, activity)
    registration.state = state.value
    session.add(registration)
    session.flush()
    keep_person(session, registration, entry, seat, keys)
    put_letter(session, activity, registration, MailKind.CONFIRMED if has_place else MailKind.WAITLISTED, now=now)
    record(
        session, "registration.made", actor=actor, object_type="registration", object_code=registration.code,
        now=now, payload={"state": registration.state, "headcount": headcount},
    )  # fmt: skip
    session.flush()
    return Registered(registration, secret, created=True)


def make_row(
    activity: Activity, entry: Entry | PartyEntry, seat: Seat, secret: str, *, keys: KeyRing, now: datetime
) -> Registration:
    code, phone = activity.code, normalise_phone(entry.phone) if entry.phone.strip() else None
    return Registration(
        activity_id=activity.id, unit_id=seat.unit_id, kind=seat.kind.value, adults=seat.adults, children=seat.children,
        secret_hash=digest(secret), ticket_code_index=ticket_code_index(keys, code, ticket_code(keys, secret)),
        phone_index=phone_index(keys, code, phone) if phone else None,
        tail_index=tail_index(keys, code, phone[-4:]) if phone else None,
        submission=submission_index(keys, code, entry.browser, entry.submission) if entry.submission else None,
        browser_index=browser_index(keys, code, entry.browser) if entry.browser else None,
        consent_version=seat.consent_version, consented_at=now if seat.consent_version else None, created_at=now,
        is_minor=seat.is_minor,
    )  # fmt: skip


def keep_person(
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

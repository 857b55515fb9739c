"""The verbs of registration; everything that touches places goes through `with_places`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from app.activities.models import Activity, ActivitySession, ActivityState, Attendance, Listing, ReviewState
from app.audit.log import record
from app.kernel.actor import PARTICIPANT, Actor
from app.kernel.erasures import note_erased
from app.kernel.errors import Conflict, Problem, RuleBroken, raise_if_blocked
from app.kernel.keys import KeyRing
from app.kernel.text import clean, normalise_phone, one_line
from app.kernel.tokens import digest, random_secret
from app.registration.indexes import (
    browser_index,
    phone_index,
    submission_index,
    tail_index,
    ticket_code,
    ticket_code_index,
    ticket_secret,
)
from app.registration.models import PersonalDetail, Registration, RegistrationKind, RegistrationState
from app.registration.places import (
    capacity_of,
    count_taken,
    find_session,
    next_queue,
    pool_of,
    promote_waiting,
    waiting_line,
    with_places,
)
from app.registration.queries import RosterRow, roster
from app.registration.rules import (
    CONSENT_VERSION,
    REASON_MOST,
    Asked,
    InLine,
    capacity_problems,
    change_problem,
    closed_problem,
    count_problems,
    fits,
    problems_of,
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One submitted form. `submission` is the form's own random id: a second submit from the same
    browser is the same registration; empty means that each submit is a new one.

    `browser` is this browser's random token, empty at the desk.
    """

    session_code: str | None
    name: str
    adults: int
    children: int
    phone: str
    consent: bool
    submission: str
    browser: str


@dataclass(frozen=True, slots=True)
class Registered:
    """The registration, and the secret of its ticket where this form made it (now or a moment ago).

    `secret` is empty when the same browser registered the same phone with another form.
    """

    registration: Registration
    secret: str
    created: bool


class PhoneTaken(Conflict):
    """Another browser registered this phone: neither ticket nor change is given away."""


def register(
    session: Session, activity: Activity, entry: Entry, *, keys: KeyRing, now: datetime, actor: Actor = PARTICIPANT
) -> Registered:
    """Register one person with companions, or put them on the waitlist.

    Raises RuleBroken with every problem found; PhoneTaken where another browser holds the phone.
    """
    with with_places(session, activity.id) as locked:
        again = _same_submission(session, locked, entry, keys=keys)
        if again is not None:
            return Registered(again, _secret(locked, entry, keys), created=False)
        chosen = _check(locked, entry, now=now)
        phone = normalise_phone(entry.phone) if entry.phone.strip() else None
        if phone is not None:
            known = _same_phone(session, locked, phone, entry, keys=keys)
            if known is not None:
                return Registered(known, "", created=False)
        registration, secret = _write(session, locked, entry, chosen, phone, keys=keys, now=now)
        record(
            session, "registration.made", actor=actor, object_type="registration", object_code=registration.code,
            now=now, payload={"state": registration.state, "headcount": registration.headcount},
        )  # fmt: skip
        return Registered(registration, secret, created=True)


def _check(activity: Activity, entry: Entry, *, now: datetime) -> ActivitySession | None:
    closed = closed_problem(
        state=activity.state, takes_registration=activity.takes_registration, ends_at=activity.ends_at, now=now
    )
    if closed is not None:
        raise RuleBroken(closed)
    problems = problems_of(
        Asked(entry.name, entry.adults, entry.children, entry.phone, entry.consent, activity.needs_phone)
    )
    chosen = None
    if activity.attendance == Attendance.CHOOSE_ONE.value:
        chosen = find_session(activity, entry.session_code)
        if chosen is None:
            problems.append(Problem("session_missing", "请选一场。", field="session"))
        elif chosen.ends_at <= now:
            problems.append(Problem("session_over", "这一场已经结束，请选别的场次。", field="session"))
    raise_if_blocked(problems)
    return chosen


def _secret(activity: Activity, entry: Entry, keys: KeyRing) -> str:
    if not entry.submission:
        return random_secret()
    return ticket_secret(keys, activity.code, entry.browser, entry.submission)


def _same_submission(session: Session, activity: Activity, entry: Entry, *, keys: KeyRing) -> Registration | None:
    if not entry.submission:
        return None
    index = submission_index(keys, activity.code, entry.browser, entry.submission)
    return session.scalar(
        select(Registration).where(Registration.activity_id == activity.id, Registration.submission == index)
    )


def _same_phone(
    session: Session, activity: Activity, phone: str, entry: Entry, *, keys: KeyRing
) -> Registration | None:
    known = session.scalar(
        select(Registration).where(
            Registration.activity_id == activity.id,
            Registration.phone_index == phone_index(keys, activity.code, phone),
            Registration.state != RegistrationState.CANCELLED.value,
        )
    )
    if known is None:
        return None
    if entry.browser and known.browser_index == browser_index(keys, activity.code, entry.browser):
        return known
    raise PhoneTaken(
        "phone_taken", "此手机号已报名。请用报名时的手机打开报名码；找不到了，当天到签到台报手机尾号就行。"
    )


def _write(
    session: Session,
    activity: Activity,
    entry: Entry,
    chosen: ActivitySession | None,
    phone: str | None,
    *,
    keys: KeyRing,
    now: datetime,
) -> tuple[Registration, str]:
    pool = pool_of(activity, chosen.id if chosen else None)
    headcount = entry.adults + entry.children
    line = [InLine(r.id, r.headcount) for r in waiting_line(session, activity, pool)]
    has_place = fits(
        headcount, capacity=capacity_of(activity, pool), taken=count_taken(session, activity, pool), line=line
    )
    secret = _secret(activity, entry, keys)
    registration = Registration(
        activity_id=activity.id, session_id=chosen.id if chosen else None, kind=RegistrationKind.INDIVIDUAL.value,
        state=(RegistrationState.CONFIRMED if has_place else RegistrationState.WAITLISTED).value,
        adults=entry.adults, children=entry.children, queue=None if has_place else next_queue(session, activity),
        secret_hash=digest(secret),
        ticket_code_index=ticket_code_index(keys, activity.code, ticket_code(keys, secret)),
        phone_index=phone_index(keys, activity.code, phone) if phone else None,
        tail_index=tail_index(keys, activity.code, phone[-4:]) if phone else None,
        submission=submission_index(keys, activity.code, entry.browser, entry.submission) if entry.submission else None,
        browser_index=browser_index(keys, activity.code, entry.browser) if entry.browser else None,
        consent_version=CONSENT_VERSION, consented_at=now, created_at=now,
    )  # fmt: skip
    session.add(registration)
    session.flush()
    session.add(
        PersonalDetail(
            registration_id=registration.id, name=one_line(entry.name),
            phone=keys.encrypt(phone, context=f"phone:{registration.code}") if phone else None,
        )
    )  # fmt: skip
    session.flush()
    return registration, secret


def change_headcount(
    session: Session, registration: Registration, *, adults: int, children: int, now: datetime
) -> Registration:
    """Fewer is always granted, and frees places at once; more only while they are free."""
    raise_if_blocked(count_problems(adults, children))
    with with_places(session, registration.activity_id) as activity:
        session.refresh(registration)
        _changeable(activity, registration, PARTICIPANT, now)
        more = adults + children - registration.headcount
        pool = pool_of(activity, registration.session_id)
        capacity = capacity_of(activity, pool)
        if more > 0 and registration.state == RegistrationState.CONFIRMED.value and capacity is not None:
            line = [InLine(r.id, r.headcount) for r in waiting_line(session, activity, pool)]
            if not fits(more, capacity=capacity, taken=count_taken(session, activity, pool), line=line):
                raise RuleBroken(Problem("no_room", f"名额不够，加不了{more}人。原来的报名没有变。", field="adults"))
        before = [registration.adults, registration.children]
        registration.adults, registration.children = adults, children
        record(
            session, "registration.changed", actor=PARTICIPANT, object_type="registration",
            object_code=registration.code, now=now, payload={"before": before, "after": [adults, children]},
        )  # fmt: skip
        promote_waiting(session, activity, now=now)
    return registration


def cancel_registration(session: Session, registration: Registration, *, actor: Actor, now: datetime) -> None:
    """Give the place back; the next in line moves up at once. Cancelling twice is the same."""
    with with_places(session, registration.activity_id) as activity:
        session.refresh(registration)
        if registration.state == RegistrationState.CANCELLED.value:
            return
        _changeable(activity, registration, actor, now)
        registration.state = RegistrationState.CANCELLED.value
        registration.cancelled_at = now
        record(
            session, "registration.cancelled", actor=actor, object_type="registration",
            object_code=registration.code, now=now, payload={"headcount": registration.headcount},
        )  # fmt: skip
        promote_waiting(session, activity, now=now)


def _changeable(activity: Activity, registration: Registration, actor: Actor, now: datetime) -> None:
    chosen = next((s for s in activity.sessions if s.id == registration.session_id), None)
    problem = change_problem(
        activity_state=activity.state,
        is_cancelled=registration.state == RegistrationState.CANCELLED.value,
        starts_at=chosen.starts_at if chosen else activity.starts_at,
        ends_at=chosen.ends_at if chosen else activity.ends_at,
        by_staff=actor.is_user,
        now=now,
    )
    if problem is not None:
        raise Conflict(problem.code, problem.message)


def erase_own(session: Session, registration: Registration, *, now: datetime) -> None:
    """Names and phones go at once; the head-count stays (domain.md, Data dissolves)."""
    session.refresh(registration)
    if registration.erased_at is not None:
        return
    session.execute(delete(PersonalDetail).where(PersonalDetail.registration_id == registration.id))
    registration.phone_index = registration.tail_index = registration.browser_index = None
    registration.erased_at = now
    note_erased(session, registration.code, now=now)
    record(
        session, "registration.erased", actor=PARTICIPANT, object_type="registration",
        object_code=registration.code, now=now,
    )  # fmt: skip
    session.flush()


def change_capacity(
    session: Session, activity_session: ActivitySession, *, capacity: int | None, actor: Actor, now: datetime
) -> None:
    """More places are filled from the line at once; fewer never takes a place away from anyone."""
    raise_if_blocked(capacity_problems(capacity))
    with with_places(session, activity_session.activity_id) as activity:
        if activity.state not in (ActivityState.DRAFT.value, ActivityState.PUBLISHED.value):
            raise Conflict("closed", "已取消或已办结的活动不能改名额。")
        before = activity_session.capacity
        if before == capacity:
            return
        activity_session.capacity = capacity
        activity.version += 1  # an edit form opened before must not bring the old number back
        record(
            session, "places.changed", actor=actor, object_type="activity", object_code=activity.code, now=now,
            payload={"before": before, "after": capacity},
        )  # fmt: skip
        promote_waiting(session, activity, now=now)


def cancel_activity(session: Session, activity: Activity, *, reason: str, actor: Actor, now: datetime) -> None:
    """Published → cancelled, with a reason that every participant's page shows."""
    reason = clean(reason)
    if not reason or len(reason) > REASON_MOST:
        raise RuleBroken(Problem("reason", f"取消要写明原因（最多{REASON_MOST}字），参与者会看到。", field="reason"))
    with with_places(session, activity.id) as locked:
        if locked.state != ActivityState.PUBLISHED.value:
            raise Conflict("not_published", "只有已发布的活动可以取消。")
        if locked.review_state in (ReviewState.UNDER_REVIEW.value, ReviewState.APPROVED.value):
            raise Conflict("in_review", "已提交审核的活动不能取消，请先撤回。")
        locked.state = ActivityState.CANCELLED.value
        locked.cancelled_at, locked.cancel_reason = now, reason
        locked.listing = Listing.NONE.value
        locked.version += 1
        record(
            session, "activity.cancelled", actor=actor, object_type="activity", object_code=locked.code, now=now,
            payload={"registrations": count_registrations(session, locked.id)}, private={"reason": reason},
        )  # fmt: skip


def withdraw_activity(session: Session, activity: Activity, *, actor: Actor, now: datetime) -> None:
    """Published → back to draft, while nobody has registered."""
    with with_places(session, activity.id) as locked:
        if locked.state != ActivityState.PUBLISHED.value:
            raise Conflict("not_published", "只有已发布的活动可以撤回。")
        if count_registrations(session, locked.id):
            raise Conflict("has_registrations", "已经有人报名，不能撤回。可以取消活动，并写明原因。")
        locked.state = ActivityState.DRAFT.value
        locked.listing = Listing.NONE.value
        locked.published_at = None
        locked.version += 1
        record(session, "activity.withdrawn", actor=actor, object_type="activity", object_code=locked.code, now=now)


def count_registrations(session: Session, activity_id: int) -> int:
    """Registrations that stand, the waiting ones too."""
    return (
        session.scalar(
            select(func.count()).where(
                Registration.activity_id == activity_id, Registration.state != RegistrationState.CANCELLED.value
            )
        )
        or 0
    )


def add_counted(
    session: Session,
    activity: Activity,
    *,
    session_id: int,
    adults: int,
    children: int,
    now: datetime,
    unit_id: int | None = None,
) -> Registration:
    """The registration behind a count afterwards or a paper sheet; it never has a name."""
    registration = Registration(
        activity_id=activity.id, session_id=session_id, unit_id=unit_id, kind=RegistrationKind.COUNT.value,
        state=RegistrationState.CONFIRMED.value, adults=adults, children=children, created_at=now,
    )  # fmt: skip
    session.add(registration)
    session.flush()
    return registration


def note_seen(session: Session, registration: Registration, *, now: datetime) -> None:
    """The participant has read the changes of time and place up to now."""
    registration.seen_changes_at = now
    session.flush()


def read_roster(
    session: Session,
    activity: Activity,
    *,
    states: Sequence[RegistrationState],
    session_id: int | None = None,
    page: int = 1,
    size: int = 50,
    actor: Actor,
    now: datetime,
    keys: KeyRing,
) -> list[RosterRow]:
    """Names and phones in full; opening them is an entry of the log, with how many were shown."""
    rows = roster(session, activity.id, states=states, session_id=session_id, page=page, size=size, keys=keys)
    record(
        session, "roster.read", actor=actor, object_type="activity", object_code=activity.code, now=now,
        payload={"count": len(rows)},
    )  # fmt: skip
    return rows

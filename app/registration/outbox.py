"""The outbox: letters put to everybody of an activity, claimed one by one, and settled after the try."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import CursorResult, and_, exists, func, or_, select, update
from sqlalchemy.orm import Session

from app.activities.models import Activity, ActivityChange, ActivitySession, ActivityState, Attendance
from app.audit.log import record
from app.kernel.actor import Actor
from app.kernel.clock import SHANGHAI, business_day, day_bounds
from app.kernel.keys import KeyRing
from app.organisation.models import Unit
from app.registration.letters import FINAL, Facts, Letter, compose, is_outdated
from app.registration.mail import put_letter
from app.registration.models import MailKind, MailNotice, PersonalDetail, Registration, RegistrationState

DELAYS = (
    timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2), timedelta(hours=12),
)  # fmt: skip
# A worker that dies in the middle of a try leaves its letter to the next one after this long.
LEASE = timedelta(minutes=10)
REMINDS_FROM_HOUR = 9  # nobody is written to at night
STANDING = (RegistrationState.CONFIRMED.value, RegistrationState.PENDING.value, RegistrationState.WAITLISTED.value)


@dataclass(frozen=True, slots=True)
class Parcel:
    """A claimed letter in values: it outlives the transaction that claimed it. The address goes nowhere else."""

    notice_id: int
    address: str
    letter: Letter
    activity_code: str
    title: str
    note: str
    venue: str
    page: str
    revision: int
    is_cancelled: bool  # the calendar file then takes the entry out
    sessions: tuple[tuple[str, str, datetime, datetime], ...]  # code, label, start, end; empty: no calendar file


@dataclass(frozen=True, slots=True)
class Dropped:
    """A due letter that is not to be sent, with the word of the closed list."""

    notice_id: int
    problem: str


@dataclass(frozen=True, slots=True)
class Counts:
    """Letters of an activity by what became of them; `problems` of those given up, by word."""

    sent: int
    waiting: int
    failed: int
    problems: dict[str, int]


def put_to_all(session: Session, activity: Activity, kind: MailKind, *, now: datetime) -> None:
    """A letter to everybody who stands on the list; one of the same kind that still waits says the news already."""
    if not activity.sends_mail:
        return
    waits = exists().where(
        MailNotice.registration_id == Registration.id, MailNotice.kind == kind.value,
        MailNotice.sent_at.is_(None), MailNotice.next_try_at.is_not(None), MailNotice.tries == 0,
    )  # fmt: skip
    for registration in session.scalars(
        select(Registration)
        .where(Registration.activity_id == activity.id, Registration.state.in_(STANDING), ~waits)
        .order_by(Registration.id)
    ).all():
        put_letter(session, activity, registration, kind, now=now)


def put_change(session: Session, activity: Activity, *, now: datetime) -> None:
    """After a change of time or place of this very moment."""
    changed = select(exists().where(ActivityChange.activity_id == activity.id, ActivityChange.at == now))
    if session.scalar(changed):
        put_to_all(session, activity, MailKind.CHANGED, now=now)


def put_reminders(session: Session, *, now: datetime) -> int:
    """Once for each who comes tomorrow and has not registered today; from nine o'clock. Returns how many."""
    if now.astimezone(SHANGHAI).hour < REMINDS_FROM_HOUR:
        return 0
    today, _ = day_bounds(business_day(now))
    first, last = day_bounds(business_day(now) + timedelta(days=1))
    activities = session.scalars(
        select(Activity)
        .where(
            Activity.sends_mail, Activity.state == ActivityState.PUBLISHED.value, Activity.starts_at < last,
            Activity.ends_at >= first,
        )
        .order_by(Activity.id)
        .with_for_update()
    ).all()  # fmt: skip
    count = 0
    for activity in activities:
        reminded = exists().where(
            MailNotice.registration_id == Registration.id, MailNotice.kind == MailKind.REMINDER.value
        )
        coming = select(Registration).where(
            Registration.activity_id == activity.id, Registration.state == RegistrationState.CONFIRMED.value,
            Registration.created_at < today, ~reminded,
            exists().where(PersonalDetail.registration_id == Registration.id, PersonalDetail.email.is_not(None)),
        )  # fmt: skip
        if activity.attendance == Attendance.CHOOSE_ONE.value:
            chosen = select(ActivitySession.id).where(
                ActivitySession.activity_id == activity.id, ActivitySession.starts_at >= first,
                ActivitySession.starts_at < last,
            )  # fmt: skip
            coming = coming.where(Registration.session_id.in_(chosen))
        elif activity.starts_at is None or not first <= activity.starts_at < last:
            continue
        for registration in session.scalars(coming.order_by(Registration.id)).all():
            put_letter(session, activity, registration, MailKind.REMINDER, now=now)
            count += 1
    return count


def claim(session: Session, *, keys: KeyRing, base_url: str, now: datetime) -> Parcel | Dropped | None:
    """Take one due letter for this worker alone: the row moves out of reach before anything is sent."""
    while True:
        due = session.execute(
            select(MailNotice.id, MailNotice.next_try_at)
            .where(MailNotice.sent_at.is_(None), MailNotice.next_try_at <= now)
            .order_by(MailNotice.next_try_at, MailNotice.id)
            .limit(1)
        ).first()
        if due is None:
            return None
        taken = session.execute(
            update(MailNotice)
            .where(MailNotice.id == due.id, MailNotice.next_try_at == due.next_try_at, MailNotice.sent_at.is_(None))
            .values(next_try_at=now + LEASE, tries=MailNotice.tries + 1)
            .execution_options(synchronize_session=False)
        )
        assert isinstance(taken, CursorResult)
        if taken.rowcount == 1:
            return _parcel(session, session.get_one(MailNotice, due.id, populate_existing=True), keys, base_url, now)


def _parcel(session: Session, notice: MailNotice, keys: KeyRing, base_url: str, now: datetime) -> Parcel | Dropped:
    registration = session.get_one(Registration, notice.registration_id)
    activity = session.get_one(Activity, registration.activity_id)
    sealed = session.scalar(select(PersonalDetail.email).where(PersonalDetail.registration_id == registration.id))
    address = _opened(sealed, registration, keys)
    if not address:
        return Dropped(notice.id, "erased")
    sessions = [
        s
        for s in activity.sessions
        if activity.attendance != Attendance.CHOOSE_ONE.value or s.id == registration.session_id
    ]
    kind, cancelled = MailKind(notice.kind), activity.state == ActivityState.CANCELLED.value
    is_over = all(s.ends_at <= now for s in sessions)
    if is_outdated(
        kind, state=registration.state, is_cancelled=cancelled, is_declined=registration.declined_at is not None,
        is_over=is_over,
    ):  # fmt: skip
        return Dropped(notice.id, "outdated")
    facts = Facts(
        title=activity.title, host=session.get_one(Unit, activity.host_unit_id).name,
        times=tuple((s.starts_at, s.ends_at) for s in sessions), venue=activity.venue, bring=activity.bring,
        headcount=registration.headcount, page=f"{base_url}/a/{activity.code}",
        reason=(activity.cancel_reason or "") if cancelled else (registration.decline_reason or ""),
        until=registration.offered_until, is_off=cancelled,
    )  # fmt: skip
    is_gone = registration.state == RegistrationState.CANCELLED.value
    # Who gave the place back by an answer that never came has no entry to take out.
    with_calendar = (registration.state == RegistrationState.CONFIRMED.value and kind is not MailKind.DECLINED) or (
        is_gone and kind is MailKind.CANCELLED and registration.offered_until is None
    )
    return Parcel(
        notice.id, address,
        compose(kind, facts, state=registration.state), activity.code, activity.title, activity.summary, activity.venue,
        facts.page, activity.version + is_gone, cancelled or is_gone,
        tuple((s.code, s.label, s.starts_at, s.ends_at) for s in sessions) if with_calendar else (),
    )  # fmt: skip


def _opened(sealed: bytes | None, registration: Registration, keys: KeyRing) -> str:
    try:
        return keys.decrypt(sealed, context=f"email:{registration.code}") if sealed else ""
    except ValueError:  # its key has left the ring: as unreadable as if it were erased
        return ""


def settle(session: Session, notice_id: int, problem: str, *, now: datetime) -> None:
    """After the try: sent, due again later, or given up."""
    notice = session.get_one(MailNotice, notice_id, populate_existing=True)
    notice.problem = problem
    if not problem:
        notice.sent_at, notice.next_try_at = now, None
    elif problem in FINAL or notice.tries > len(DELAYS):
        notice.next_try_at = None
    else:
        notice.next_try_at = now + DELAYS[notice.tries - 1]
    session.flush()


def _of(activity_id: int) -> Any:
    return select(Registration.id).where(Registration.activity_id == activity_id)


def count_letters(session: Session, activity_id: int) -> Counts:
    """What became of the activity's letters; neither an address nor a name is read."""
    rows = session.execute(
        select(MailNotice.problem, MailNotice.sent_at.is_not(None), MailNotice.next_try_at.is_not(None), func.count())
        .where(MailNotice.registration_id.in_(_of(activity_id)))
        .group_by(MailNotice.problem, MailNotice.sent_at.is_not(None), MailNotice.next_try_at.is_not(None))
    ).all()
    failed = {problem: n for problem, is_sent, waits, n in rows if not is_sent and not waits}
    return Counts(
        sum(n for _p, is_sent, _w, n in rows if is_sent),
        sum(n for _p, is_sent, waits, n in rows if not is_sent and waits),
        sum(failed.values()),
        failed,
    )


def resend(session: Session, activity: Activity, *, actor: Actor, now: datetime) -> int:
    """Put the given-up letters that another try could help back into the line; returns how many."""
    done = session.execute(
        update(MailNotice)
        .where(
            MailNotice.registration_id.in_(_of(activity.id)),
            and_(MailNotice.sent_at.is_(None), MailNotice.next_try_at.is_(None)),
            or_(MailNotice.problem == "refused", MailNotice.problem.not_in(FINAL)),
        )
        .values(next_try_at=now, tries=0, problem="")
        .execution_options(synchronize_session=False)
    )
    assert isinstance(done, CursorResult)
    if done.rowcount:
        record(
            session, "mail.resent", actor=actor, object_type="activity", object_code=activity.code, now=now,
            payload={"count": done.rowcount},
        )  # fmt: skip
    return done.rowcount

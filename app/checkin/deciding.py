"""待核实 decided: by the organizer with one press, or by itself when the roster with the ticket arrives."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.activities.models import Activity, ActivitySession, Attendance
from app.audit.log import record
from app.checkin.corrections import check_open, rebuild_one
from app.checkin.doors import window_of
from app.checkin.held import OF_THIS_TICKET, before_revoked, of_same_ticket
from app.checkin.models import (
    CheckIn,
    CheckInEvent,
    DeviceGrant,
    EventKind,
    HeldReason,
    HeldScan,
    HeldState,
    Method,
    Outcome,
)
from app.checkin.rules import GRADE_BY_METHOD, PARTY_MOST, SEALED
from app.checkin.settling import known_of, lock_with, settle_pair
from app.kernel.actor import SYSTEM, Actor
from app.kernel.errors import Conflict, Problem, RuleBroken
from app.registration.models import Registration, RegistrationKind, RegistrationState
from app.registration.places import wait_for_places, with_places
from app.registration.service import add_counted

AT_ONCE = 500


def count_held(
    session: Session, activity: Activity, held: HeldScan, *, actor: Actor, now: datetime, people: int = 0,
    is_whole: bool = False,
) -> int:  # fmt: skip
    """It counts; returns the people. Who is here already gets no second check-in.

    `people` is how many came of a party, where the scan does not say it or says it wrong: so many more, or with
    `is_whole` so many altogether. Raises RuleBroken where nobody says it, Conflict once it was decided, the
    check-ins are sealed, or the activity had been cancelled before the scan.
    """
    _take(session, activity, held)
    _check_countable(session, activity, held)
    registration = _registration_of(session, activity, held, now)
    if is_unsaid(held, registration) and not people:
        raise RuleBroken(Problem("people", "这是班级或团体，请填来了几人，再按“算到场”。", field="people"))
    if not 0 <= people <= PARTY_MOST:
        raise RuleBroken(Problem("people", f"人数请填1到{PARTY_MOST}的整数。", field="people"))
    people = _count(session, held, registration, people or held.people, actor=actor, now=now, is_whole=is_whole)
    code = _session_code(session, held)
    record(
        session, "held.counted", actor=actor, object_type="activity", object_code=activity.code, now=now,
        payload={"headcount": people, "session": code, "kind": held.reason},
    )  # fmt: skip
    return people


def count_before_revoked(
    session: Session, activity: Activity, grant: DeviceGrant, *, actor: Actor, now: datetime
) -> tuple[int, int]:  # fmt: skip
    """All that a revoked phone says it scanned before it was revoked; returns how many records and people.

    The organizer knows whether it was in good hands until then, so it is one decision. Parties stay: how many, and
    whether they are more of those here, is asked of each. Raises Conflict when the check-ins are sealed.
    """
    with with_places(session, activity.id):
        if activity.cancelled_at is None:
            check_open(activity)
    records = people = 0
    for held in session.scalars(before_revoked(grant)).all():
        if held.state != HeldState.OPEN.value:  # one before it settled this one too
            continue
        records, people = records + 1, people + count_held(session, activity, held, actor=actor, now=now)
    return records, people


def dismiss_held(session: Session, activity: Activity, held: HeldScan, *, actor: Actor, now: datetime) -> None:
    """It does not count; the event stays. Raises Conflict once it was decided."""
    _take(session, activity, held)
    held.state, held.decided_at, held.decided_by_id = HeldState.NOT_COUNTED.value, now, actor.user_id
    record(
        session, "held.not_counted", actor=actor, object_type="activity", object_code=activity.code, now=now,
        payload={"headcount": held.people, "session": _session_code(session, held), "kind": held.reason},
    )  # fmt: skip
    session.flush()


def resolve_unknown(session: Session, *, now: datetime, activity_id: int | None = None) -> int:
    """Unknown tickets that a later roster brought count by themselves; returns how many.

    Only what would have counted at the gate: confirmed, in its own session, in time, a party with its number, and not
    sealed.
    """
    statement = (
        select(HeldScan, Registration)
        .join(Registration, OF_THIS_TICKET)
        .where(HeldScan.state == HeldState.OPEN.value, HeldScan.registration_id.is_(None))
        .order_by(HeldScan.activity_id, HeldScan.session_id, Registration.id, HeldScan.id)
        .limit(AT_ONCE)
    )
    if activity_id is not None:
        statement = statement.where(HeldScan.activity_id == activity_id)
    done: dict[str, int] = {}
    for held, registration in session.execute(statement).all():
        activity = session.get_one(Activity, held.activity_id)
        wait_for_places(session, activity.id)
        lock_with(session, held)
        if held.state != HeldState.OPEN.value or held.registration_id is not None:
            continue  # somebody else was faster
        held.registration_id = registration.id
        if _would_count(session, activity, held, registration):
            _count(session, held, registration, held.people, actor=SYSTEM, now=now)
            done[activity.code] = done.get(activity.code, 0) + 1
    for code, count in done.items():
        record(
            session, "held.resolved", actor=SYSTEM, object_type="activity", object_code=code, now=now,
            payload={"count": count},
        )  # fmt: skip
    session.flush()
    return sum(done.values())


def _would_count(session: Session, activity: Activity, held: HeldScan, registration: Registration) -> bool:
    row = session.get_one(ActivitySession, held.session_id)
    opens, closes = window_of(activity, row)
    event = session.execute(select(CheckInEvent).where(CheckInEvent.uid == held.uid)).scalar_one()
    its_own = activity.attendance != Attendance.CHOOSE_ONE.value or registration.session_id in (None, row.id)
    is_confirmed = registration.state == RegistrationState.CONFIRMED.value and not is_unsaid(held, registration)
    is_in_time = its_own and opens <= event.occurred_at < closes
    is_running = activity.state in ("published", "closed") and activity.review_state not in SEALED
    return held.reason == HeldReason.UNKNOWN.value and is_confirmed and is_in_time and is_running


def is_unsaid(held: HeldScan, registration: Registration) -> bool:
    """Whether it is a party of which nobody has said how many came."""
    return registration.kind == RegistrationKind.PARTY.value and held.people == 0


def _is_after_calling_off(session: Session, activity: Activity, held: HeldScan) -> bool:
    if activity.cancelled_at is None:
        return False
    at = session.execute(select(CheckInEvent.occurred_at).where(CheckInEvent.uid == held.uid)).scalar_one()
    return activity.cancelled_at <= at


def _check_countable(session: Session, activity: Activity, held: HeldScan) -> None:
    """Who came before an activity was cancelled did come, however late the news of it."""
    if activity.cancelled_at is None:
        check_open(activity)
    elif _is_after_calling_off(session, activity, held):
        raise Conflict("activity_cancelled", "扫码的时候，这场活动已经取消，不能算到场。")


def _take(session: Session, activity: Activity, held: HeldScan) -> None:
    """Two who decide at once wait for each other; raises Conflict for the second, the helper and the worker too."""
    with with_places(session, activity.id):
        lock_with(session, held)
    _check_undecided(held)


def _check_undecided(held: HeldScan) -> None:
    if held.state != HeldState.OPEN.value:
        raise Conflict("decided", "这一条已经核实过了，请刷新页面看结果。")


def _registration_of(session: Session, activity: Activity, held: HeldScan, now: datetime) -> Registration:
    """The known one, else one that is made for the count: it has no name."""
    if held.registration_id is None:
        held.registration_id = known_of(session, held)
    if held.registration_id is None:
        held.registration_id = _counted_before(session, held)
    if held.registration_id is not None:
        return session.get_one(Registration, held.registration_id)
    made = add_counted(
        session, activity, session_id=held.session_id, adults=max(1, held.people), children=0, now=now
    )  # fmt: skip
    held.registration_id = made.id
    return made


def _counted_before(session: Session, held: HeldScan) -> int | None:
    """The same unknown ticket was let count at this session already: one ticket is not two people."""
    same = of_same_ticket(held)
    if same is None:
        return None
    return session.scalar(
        select(HeldScan.registration_id)
        .where(HeldScan.session_id == held.session_id, HeldScan.registration_id.is_not(None), same)
        .limit(1)
    )


def _count(
    session: Session, held: HeldScan, registration: Registration, said: int, *, actor: Actor, now: datetime,
    is_whole: bool = False,
) -> int:  # fmt: skip
    event = session.execute(select(CheckInEvent).where(CheckInEvent.uid == held.uid)).scalar_one()
    is_party = registration.kind == RegistrationKind.PARTY.value
    people = said if is_party or held.is_walk_in else registration.headcount
    # What a phone recorded outside its pairing proves nothing by itself: it counts as the organizer's own word.
    is_proved = registration.kind != RegistrationKind.COUNT.value and held.reason != HeldReason.REVOKED.value
    method = event.method if is_proved else Method.COUNT.value
    here = session.scalar(
        select(CheckIn.id).where(CheckIn.session_id == held.session_id, CheckIn.registration_id == registration.id)
    )
    is_repeat = here is not None and not is_party
    session.add(
        CheckInEvent(
            uid=f"held:{held.id}", activity_id=held.activity_id, session_id=held.session_id,
            kind=(EventKind.REFUSAL if is_repeat else EventKind.RESOLUTION).value,
            outcome=(Outcome.DUPLICATE if is_repeat else Outcome.ACCEPTED).value, registration_id=registration.id,
            refers_to=None if is_party and is_whole else held.uid, headcount=people,
            grade=None if is_repeat else GRADE_BY_METHOD[method], method=method,
            actor_id=actor.user_id, occurred_at=event.occurred_at, recorded_at=now, reason=held.reason,
            device_id=held.device_id if is_repeat or actor is SYSTEM else None,  # staff's word stands by itself
            counter=event.counter,
        )
    )  # fmt: skip
    held.state, held.decided_at, held.decided_by_id = HeldState.COUNTED.value, now, actor.user_id
    session.flush()
    settle_pair(session, held.session_id, registration.id, now=now)
    rebuild_one(session, held.session_id, registration.id)
    return 0 if is_repeat else people


def _session_code(session: Session, held: HeldScan) -> str:
    return session.get_one(ActivitySession, held.session_id).code

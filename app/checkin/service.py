"""check_in(): the one function of all doors; undo, counts, rebuilding, digests."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Table, delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.activities.models import Activity, ActivitySession, ActivityState, Attendance, ReviewState
from app.activities.rules import window
from app.audit.log import record
from app.checkin.models import CheckIn, CheckInEvent, EventKind, Method, Outcome
from app.checkin.rules import GRADE_BY_METHOD, Decision, Facts, decide_check_in
from app.kernel.actor import Actor
from app.kernel.errors import Conflict, Problem, RuleBroken
from app.kernel.text import clean
from app.kernel.tokens import random_secret
from app.registration.models import PersonalDetail, Registration, RegistrationKind, RegistrationState
from app.registration.service import add_counted

COUNT_MOST = 100_000
UNDO_REASONS = {
    "wrong_person": "扫错了人",
    "wrong_count": "人数不对",
    "test": "试扫",
    "left": "没有参加",
    "other": "其他",
}


@dataclass(frozen=True, slots=True)
class Arrival:
    """What a door saw. `uid` is made where it happened (a grant's nonce, a form's id): a retry is the same.

    Without `registration_id` it is a walk-in of `adults` and `children`.
    """

    uid: str
    session_id: int
    method: Method
    registration_id: int | None = None
    adults: int = 0
    children: int = 0
    name: str = ""
    browser_index: str | None = None
    actor_id: int | None = None
    is_walk_in: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """The stored outcome. `first_at` is when this registration first checked in to this session."""

    outcome: str
    message: str
    first_at: datetime | None
    headcount: int
    registration_id: int | None
    event_uid: str

    @property
    def is_in(self) -> bool:
        """Whether the person is checked in now, by this scan or an earlier one."""
        return self.outcome in (Outcome.ACCEPTED.value, Outcome.DUPLICATE.value)


def insert_ignore(session: Session, table: Any, values: dict[str, Any], *, on: list[str]) -> bool:
    """INSERT … ON CONFLICT DO NOTHING over a unique key; True when the row is ours.

    This is the decision: no look-up before it can race with another client.
    """
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    target: Table = table.__table__
    statement = dialect.insert(target).values(**values).on_conflict_do_nothing(index_elements=on)
    # The returned row decides, not rowcount: with an implicit RETURNING a driver may report -1.
    return session.connection().execute(statement.returning(target.c.id)).first() is not None


def check_in(session: Session, arrival: Arrival, *, now: datetime) -> Result:
    """Every scan is kept, also a refused one; a registration counts once a session, whatever the door.

    At most six statements. The caller commits; the answer leaves after the commit.
    """
    registration_id = arrival.registration_id
    if arrival.is_walk_in:
        registration_id = _walk_in_registration(session, arrival, now)
    row = _look_up(session, arrival.session_id, registration_id)
    facts, headcount = _facts(row, arrival, now)
    decision = decide_check_in(facts)
    first_at, inserted = facts.first_at, False
    if decision.accepted:
        assert registration_id is not None
        inserted = _project(session, row, arrival, registration_id, headcount, now)
        if inserted:
            first_at = now
        else:  # another client was faster between the look-up and here
            decision = Decision(Outcome.DUPLICATE.value, "已签到，这次没有重复计数。")
            first_at = _first_at(session, arrival.session_id, registration_id)
    kept = _keep_event(session, row, arrival, registration_id, decision, headcount, now)
    if not kept:
        return _first_answer(session, arrival, registration_id, took_back=inserted)
    return Result(decision.outcome, decision.message, first_at, headcount, registration_id, arrival.uid)


def _walk_in_registration(session: Session, arrival: Arrival, now: datetime) -> int | None:
    """The registration of a walk-in, made once for the event's uid: a retry finds it."""
    activity_id = select(ActivitySession.activity_id).where(ActivitySession.id == arrival.session_id).scalar_subquery()
    values = {
        "code": _code_of(arrival.uid), "activity_id": activity_id, "session_id": arrival.session_id,
        "kind": RegistrationKind.WALK_IN.value, "state": RegistrationState.CONFIRMED.value, "adults": arrival.adults,
        "children": arrival.children, "submission": arrival.uid[:32], "browser_index": arrival.browser_index,
        "consent_version": "", "created_at": now,
    }  # fmt: skip
    ours = insert_ignore(session, Registration, values, on=["activity_id", "submission"])
    found = session.scalar(
        select(Registration.id).where(
            Registration.activity_id == activity_id, Registration.submission == arrival.uid[:32]
        )
    )
    if ours and arrival.name and found is not None:
        session.add(PersonalDetail(registration_id=found, name=arrival.name[:20]))
        session.flush()
    return found


def _code_of(uid: str) -> str:
    """An address code from the event's uid, so that a retry makes the same row."""
    return hashlib.sha256(uid.encode()).hexdigest()[:12]


def _look_up(session: Session, session_id: int, registration_id: int | None) -> Any:
    """Session, activity, registration and earlier check-in in one statement."""
    return session.execute(
        select(
            ActivitySession.id, ActivitySession.activity_id, ActivitySession.starts_at, ActivitySession.ends_at,
            ActivitySession.opened_at, ActivitySession.closes_at, Activity.opens_before_min, Activity.closes_after_min,
            Activity.state, Activity.review_state, Activity.attendance,
            Registration.id.label("registration_id"), Registration.activity_id.label("registered_activity"),
            Registration.session_id.label("registered_session"), Registration.state.label("registration_state"),
            Registration.kind.label("registration_kind"), Registration.adults, Registration.children,
            CheckIn.first_at,
        )
        .join(Activity, Activity.id == ActivitySession.activity_id)
        .outerjoin(Registration, Registration.id == registration_id)
        .outerjoin(
            CheckIn, (CheckIn.session_id == ActivitySession.id) & (CheckIn.registration_id == Registration.id)
        )
        .where(ActivitySession.id == session_id)
    ).one()  # fmt: skip


def _facts(row: Any, arrival: Arrival, now: datetime) -> tuple[Facts, int]:
    opens_at, closes_at = window(
        starts_at=row.starts_at, ends_at=row.ends_at, opens_before_min=row.opens_before_min,
        closes_after_min=row.closes_after_min, opened_at=row.opened_at, closes_at=row.closes_at,
    )  # fmt: skip
    registered = (row.adults or 0) + (row.children or 0)
    headcount = arrival.adults + arrival.children or registered
    facts = Facts(
        method=arrival.method.value, now=now, opens_at=opens_at, closes_at=closes_at, activity_state=row.state,
        review_state=row.review_state, has_registration=row.registration_id is not None,
        same_activity=row.registered_activity == row.activity_id,
        same_session=row.attendance != Attendance.CHOOSE_ONE.value or row.registered_session in (None, row.id),
        registration_state=row.registration_state or "",
        is_walk_in=row.registration_kind == RegistrationKind.WALK_IN.value, headcount=headcount,
        first_at=row.first_at,
    )  # fmt: skip
    return facts, headcount


def _project(session: Session, row: Any, arrival: Arrival, registration_id: int, headcount: int, now: datetime) -> bool:
    grade = GRADE_BY_METHOD[arrival.method.value]
    values = {
        "activity_id": row.activity_id, "session_id": row.id, "registration_id": registration_id,
        "grade_a": 0, "grade_b": 0, "grade_c": 0, "grade_d": 0, f"grade_{grade.lower()}": headcount,
        "method": arrival.method.value, "first_at": now, "last_at": now,
    }  # fmt: skip
    return insert_ignore(session, CheckIn, values, on=["session_id", "registration_id"])


def _keep_event(
    session: Session,
    row: Any,
    arrival: Arrival,
    registration_id: int | None,
    decision: Decision,
    headcount: int,
    now: datetime,
) -> bool:
    accepted = decision.accepted
    values = {
        "uid": arrival.uid, "kind": (EventKind.ARRIVAL if accepted else EventKind.REFUSAL).value,
        "outcome": decision.outcome, "activity_id": row.activity_id, "session_id": row.id,
        "registration_id": registration_id if row.registration_id else None, "headcount": max(0, headcount),
        "grade": GRADE_BY_METHOD[arrival.method.value] if accepted else None, "method": arrival.method.value,
        "actor_id": arrival.actor_id, "occurred_at": now, "recorded_at": now, "reason": "",
    }  # fmt: skip
    return insert_ignore(session, CheckInEvent, values, on=["uid"])


def _first_at(session: Session, session_id: int, registration_id: int) -> datetime | None:
    return session.scalar(
        select(CheckIn.first_at).where(CheckIn.session_id == session_id, CheckIn.registration_id == registration_id)
    )


def _first_answer(session: Session, arrival: Arrival, registration_id: int | None, *, took_back: bool) -> Result:
    """The same uid again: what it was answered the first time; nothing new counts."""
    if took_back:
        session.execute(
            delete(CheckIn).where(CheckIn.session_id == arrival.session_id, CheckIn.registration_id == registration_id)
        )
    event = session.scalars(select(CheckInEvent).where(CheckInEvent.uid == arrival.uid)).one()
    first = _first_at(session, event.session_id, event.registration_id) if event.registration_id else None
    message = "已签到" if event.outcome == Outcome.ACCEPTED.value else "这一步已经办过了，没有重复计数。"
    return Result(event.outcome, message, first, event.headcount, event.registration_id, event.uid)


def undo_check_in(
    session: Session, event_uid: str, *, activity: Activity, reason: str, note: str, actor: Actor, now: datetime
) -> None:
    """Take one arrival back: an event of its own; the projection is computed anew from the events."""
    if reason not in UNDO_REASONS:
        raise RuleBroken(Problem("reason_missing", "请选撤销的原因。", field="reason"))
    _check_open(activity)
    event = session.scalar(
        select(CheckInEvent).where(
            CheckInEvent.uid == event_uid, CheckInEvent.activity_id == activity.id,
            CheckInEvent.kind == EventKind.ARRIVAL.value,
        )
    )  # fmt: skip
    if event is None or event.registration_id is None:
        raise Conflict("nothing_to_undo", "没有找到这次签到，可能已经撤销。")
    values = {
        "uid": f"undo:{event.id}", "kind": EventKind.UNDO.value, "outcome": Outcome.UNDONE.value,
        "activity_id": event.activity_id, "session_id": event.session_id, "registration_id": event.registration_id,
        "refers_to": event.uid, "headcount": event.headcount, "grade": event.grade, "method": event.method,
        "actor_id": actor.user_id, "occurred_at": now, "recorded_at": now, "reason": reason,
    }  # fmt: skip
    if not insert_ignore(session, CheckInEvent, values, on=["uid"]):
        raise Conflict("undone_already", "这次签到已经撤销过了。")
    _rebuild(session, event.session_id, event.registration_id)
    record(
        session, "checkin.undone", actor=actor, object_type="activity", object_code=activity.code, now=now,
        payload={"headcount": event.headcount}, private={"reason": clean(note) or UNDO_REASONS[reason]},
    )  # fmt: skip


def enter_count(
    session: Session,
    activity_session: ActivitySession,
    *,
    adults: int,
    children: int,
    method: Method,
    actor: Actor,
    now: datetime,
    unit_id: int | None = None,
    uid: str = "",
) -> Result:
    """A count by staff afterwards, or from a paper sheet: grade 清点/补录, never a name."""
    activity = session.get_one(Activity, activity_session.activity_id)
    _check_count(activity, activity_session, adults, children, now)
    uid = uid or random_secret()
    known = session.scalar(select(CheckInEvent.id).where(CheckInEvent.uid == uid))
    registration_id = None
    if known is None:
        registration_id = add_counted(
            session,
            activity,
            session_id=activity_session.id,
            adults=adults,
            children=children,
            unit_id=unit_id,
            now=now,
        ).id
    result = check_in(
        session,
        Arrival(uid, activity_session.id, method, registration_id, adults, children, actor_id=actor.user_id),
        now=now,
    )
    if known is None:
        record(
            session, "checkin.counted", actor=actor, object_type="activity", object_code=activity.code, now=now,
            payload={"headcount": adults + children, "session": activity_session.code},
        )  # fmt: skip
    return result


def _check_count(activity: Activity, row: ActivitySession, adults: int, children: int, now: datetime) -> None:
    if adults < 0 or children < 0 or not 1 <= adults + children <= COUNT_MOST:
        raise RuleBroken(Problem("headcount", f"人数请填1到{COUNT_MOST}的整数。", field="headcount"))
    _check_open(activity)
    if row.starts_at > now:
        raise Conflict("not_begun", "这一场还没开始，不能补录人数。")


def _check_open(activity: Activity) -> None:
    if activity.review_state in (ReviewState.UNDER_REVIEW.value, ReviewState.APPROVED.value):
        raise Conflict("sealed", "已提交审核，签到记录已封存。要改请先撤回，或由审核单位退回。")
    if activity.state == ActivityState.CANCELLED.value:
        raise Conflict("activity_cancelled", "这场活动已取消。")


def _standing(session: Session, *where: Any) -> list[CheckInEvent]:
    """Arrivals that were not undone, in order."""
    undone = select(CheckInEvent.refers_to).where(
        CheckInEvent.kind == EventKind.UNDO.value, CheckInEvent.refers_to.is_not(None)
    )
    return list(
        session.scalars(
            select(CheckInEvent)
            .where(CheckInEvent.kind == EventKind.ARRIVAL.value, CheckInEvent.uid.not_in(undone), *where)
            .order_by(CheckInEvent.id)
        )
    )


def _rebuild(session: Session, session_id: int, registration_id: int) -> None:
    session.execute(delete(CheckIn).where(CheckIn.session_id == session_id, CheckIn.registration_id == registration_id))
    events = _standing(session, CheckInEvent.session_id == session_id, CheckInEvent.registration_id == registration_id)
    if events:
        session.add(_projection(events))
    session.flush()


def _projection(events: list[CheckInEvent]) -> CheckIn:
    grades = {grade: sum(e.headcount for e in events if e.grade == grade) for grade in "ABCD"}
    first, last = events[0], events[-1]
    return CheckIn(
        activity_id=first.activity_id, session_id=first.session_id, registration_id=first.registration_id,
        grade_a=grades["A"], grade_b=grades["B"], grade_c=grades["C"], grade_d=grades["D"], method=first.method,
        first_at=first.occurred_at, last_at=last.occurred_at,
    )  # fmt: skip


def rebuild_check_ins(session: Session, activity_id: int) -> int:
    """Throw the projection away and compute it from the events alone; returns the rows written."""
    session.execute(delete(CheckIn).where(CheckIn.activity_id == activity_id))
    pairs: dict[tuple[int, int], list[CheckInEvent]] = {}
    for event in _standing(session, CheckInEvent.activity_id == activity_id):
        if event.registration_id is not None:
            pairs.setdefault((event.session_id, event.registration_id), []).append(event)
    session.add_all(_projection(events) for events in pairs.values())
    session.flush()
    return len(pairs)


def set_window(
    session: Session,
    activity_session: ActivitySession,
    *,
    verb: str,
    actor: Actor,
    now: datetime,
    until: datetime | None,
) -> None:
    """Open now, close now, or extend to a moment."""
    activity = session.get_one(Activity, activity_session.activity_id)
    _check_open(activity)
    before = activity_session.closes_at.isoformat() if activity_session.closes_at else None
    if verb == "open":
        activity_session.opened_at = now
        if activity_session.closes_at is not None and activity_session.closes_at <= now:
            activity_session.closes_at = None
    elif verb == "close":
        activity_session.closes_at = now
    elif until is not None:
        activity_session.closes_at = until
    record(
        session, "checkin.window_changed", actor=actor, object_type="activity", object_code=activity.code, now=now,
        payload={"before": before, "after": verb},
    )  # fmt: skip

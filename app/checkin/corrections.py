"""Taking an arrival back, and computing the projection anew from the events."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from app.activities.models import Activity, ActivityState
from app.audit.log import record
from app.checkin.models import CheckIn, CheckInEvent, EventKind, Method, Outcome
from app.checkin.repeats import COUNTING, first_time
from app.checkin.rules import PARTY_MOST, SEALED, UNDO_REASONS
from app.checkin.statements import KEEP_EVENT, PROJECT, SessionLane
from app.kernel.actor import Actor
from app.kernel.errors import Conflict, Problem, RuleBroken

Pair = tuple[int, int]  # ids of a session and a registration


def check_open(activity: Activity) -> None:
    """Raises Conflict once the check-ins are sealed by a submission, or the activity was cancelled."""
    if activity.review_state in SEALED:
        raise Conflict("sealed", "已提交审核，签到记录已封存。要改请先撤回，或由审核单位退回。")
    if activity.state == ActivityState.CANCELLED.value:
        raise Conflict("activity_cancelled", "这场活动已取消。")


def undo_check_in(
    session: Session, activity: Activity, *, event_uid: str, reason: str, actor: Actor, now: datetime
) -> int:
    """Take one arrival back: an event of its own; returns how many people fewer are here by it.

    0 where a number confirmed later stands in its place, below 0 where it had itself replaced a higher one.

    `reason` is a key of UNDO_REASONS: a closed list, never free text beside a person. Raises RuleBroken without
    one; Conflict when the arrival is of another activity, undone already, or sealed.
    """
    if reason not in UNDO_REASONS:
        raise RuleBroken(Problem("reason_missing", "请选撤销的原因。", field="reason"))
    check_open(activity)
    event = session.scalar(
        select(CheckInEvent).where(
            CheckInEvent.uid == event_uid, CheckInEvent.activity_id == activity.id,
            CheckInEvent.kind.in_(COUNTING),
        )
    )  # fmt: skip
    if event is None or event.registration_id is None:
        raise Conflict("nothing_to_undo", "没有找到这次签到，可能已经撤销。")
    before = _people_here(session, event.session_id, event.registration_id)
    values = {
        "uid": f"undo:{event.id}", "kind": EventKind.UNDO.value, "outcome": Outcome.UNDONE.value,
        "activity_id": event.activity_id, "session_id": event.session_id, "registration_id": event.registration_id,
        "refers_to": event.uid, "headcount": event.headcount, "grade": event.grade, "method": event.method,
        "actor_id": actor.user_id, "occurred_at": now, "recorded_at": now, "reason": reason, "device_id": None,
        "counter": None,
    }  # fmt: skip
    if not SessionLane(session).write(KEEP_EVENT, values):
        raise Conflict("undone_already", "这次签到已经撤销过了。")
    rebuild_one(session, event.session_id, event.registration_id)
    record(
        session, "checkin.undone", actor=actor, object_type="activity", object_code=activity.code, now=now,
        payload={"headcount": event.headcount}, private={"reason": UNDO_REASONS[reason]},
    )  # fmt: skip
    return before - _people_here(session, event.session_id, event.registration_id)


def _people_here(session: Session, session_id: int, registration_id: int) -> int:
    """As the check-in says, which until the commit nobody else changes."""
    here = lock_check_in(session, session_id, registration_id)
    people = CheckIn.grade_a + CheckIn.grade_b + CheckIn.grade_c + CheckIn.grade_d
    return session.scalar(select(people).where(CheckIn.id == here)) or 0


def events_of(session: Session, session_id: int, registration_id: int) -> list[CheckInEvent]:
    """Every event of one registration at one session, in order of arrival here."""
    return list(
        session.scalars(
            select(CheckInEvent)
            .where(CheckInEvent.session_id == session_id, CheckInEvent.registration_id == registration_id)
            .order_by(CheckInEvent.id)
        )
    )


def lock_check_in(session: Session, session_id: int, registration_id: int) -> int | None:
    """The id of this check-in, which until the commit nobody else changes; None where there is none yet.

    Events are read after it: a part that is under way then adds to what was computed from them. SQLite has one
    writer anyway.
    """
    return session.scalar(
        select(CheckIn.id)
        .where(CheckIn.session_id == session_id, CheckIn.registration_id == registration_id)
        .with_for_update()
    )


def rebuild_one(session: Session, session_id: int, registration_id: int) -> None:
    """The check-in of one registration at one session, computed anew from its events; it goes when none stands."""
    while True:
        here = lock_check_in(session, session_id, registration_id)
        values = _projection(events_of(session, session_id, registration_id))
        if here is not None and values is None:
            session.execute(delete(CheckIn).where(CheckIn.id == here))
        elif here is not None and values is not None:
            session.execute(update(CheckIn).where(CheckIn.id == here).values(**values))
        elif values is not None and not SessionLane(session).write(PROJECT, values):
            continue  # somebody made it meanwhile, from events that were not to be seen yet
        return


def _projection(events: list[CheckInEvent]) -> dict[str, Any] | None:
    """Arrivals add up by grade in the order in which they happened; a number that staff confirmed replaces what
    stood before it, one that staff let count (待核实) adds."""
    undone = {event.refers_to for event in events if event.kind == EventKind.UNDO.value}
    standing = sorted(
        (event for event in events if event.kind in COUNTING and event.uid not in undone),
        key=lambda event: (event.occurred_at, event.id),
    )
    if not standing:
        return None
    grades = dict.fromkeys("ABCD", 0)
    for event in standing:
        if event.kind == EventKind.RESOLUTION.value and event.refers_to is None:
            grades = dict.fromkeys("ABCD", 0)
        grades[event.grade or "D"] += event.headcount
    first, last = standing[0], standing[-1]
    return {
        "activity_id": first.activity_id, "session_id": first.session_id, "registration_id": first.registration_id,
        "grade_a": grades["A"], "grade_b": grades["B"], "grade_c": grades["C"], "grade_d": grades["D"],
        "method": first.method, "first_at": first_time(standing, events), "last_at": last.occurred_at,
    }  # fmt: skip


def confirm_party(
    session: Session, activity: Activity, *, session_id: int, registration_id: int, headcount: int, uid: str,
    actor: Actor, now: datetime,
) -> int:  # fmt: skip
    """Staff counted a party that arrived: this number stands from now on, as 扫码核验; returns it.

    The same `uid` again changes nothing. Raises RuleBroken for a number that cannot be, Conflict once sealed or
    where the party has not arrived.
    """
    if not 1 <= headcount <= PARTY_MOST:
        raise RuleBroken(Problem("headcount", f"人数请填1到{PARTY_MOST}的整数。", field="people"))
    check_open(activity)
    if lock_check_in(session, session_id, registration_id) is None:
        raise Conflict("not_arrived", "这个团体还没有签到，没有可核对的人数。")
    at = max(now, _last_at(session, session_id, registration_id))
    values = {
        "uid": uid, "kind": EventKind.RESOLUTION.value, "outcome": Outcome.ACCEPTED.value, "activity_id": activity.id,
        "session_id": session_id, "registration_id": registration_id, "headcount": headcount, "grade": "A",
        "method": Method.PARTY_CONFIRMED.value, "actor_id": actor.user_id, "occurred_at": at, "recorded_at": now,
        "reason": "", "refers_to": None, "device_id": None, "counter": None,
    }  # fmt: skip
    if SessionLane(session).write(KEEP_EVENT, values):
        rebuild_one(session, session_id, registration_id)
    return headcount


def _last_at(session: Session, session_id: int, registration_id: int) -> datetime:
    """When the newest of what counts happened, which may be later than now: another server's clock may be ahead."""
    last = select(func.max(CheckInEvent.occurred_at)).where(
        CheckInEvent.session_id == session_id, CheckInEvent.registration_id == registration_id,
        CheckInEvent.kind.in_(COUNTING),
    )  # fmt: skip
    return session.execute(last).scalar_one()


def _computed(session: Session, activity_id: int) -> dict[Pair, dict[str, Any]]:
    """The projection of an activity by its events alone."""
    pairs: dict[Pair, list[CheckInEvent]] = {}
    for event in session.scalars(
        select(CheckInEvent).where(CheckInEvent.activity_id == activity_id).order_by(CheckInEvent.id)
    ):
        if event.registration_id is not None:
            pairs.setdefault((event.session_id, event.registration_id), []).append(event)
    return {pair: row for pair, events in pairs.items() if (row := _projection(events)) is not None}


def rebuild_check_ins(session: Session, activity_id: int) -> int:
    """Throw the projection away and compute it from the events alone; returns the rows written."""
    session.execute(delete(CheckIn).where(CheckIn.activity_id == activity_id))
    rows = list(_computed(session, activity_id).values())
    if rows:
        session.execute(insert(CheckIn), rows)
    return len(rows)


def list_differing(session: Session, activity_id: int) -> list[Pair]:
    """Which check-ins of an activity are not what their events say; those written meanwhile are looked at again."""
    columns = [column for column in CheckIn.__table__.columns if column.name != "id"]
    stored = {
        (row["session_id"], row["registration_id"]): dict(row)
        for row in session.execute(select(*columns).where(CheckIn.activity_id == activity_id)).mappings()
    }
    computed = _computed(session, activity_id)
    suspects = sorted(pair for pair in stored.keys() | computed.keys() if stored.get(pair) != computed.get(pair))
    return [pair for pair in suspects if _differs(session, *pair)]


def _differs(session: Session, session_id: int, registration_id: int) -> bool:
    here = lock_check_in(session, session_id, registration_id)
    values = _projection(events_of(session, session_id, registration_id))
    if here is None or values is None:
        return here is not None or values is not None
    row = session.execute(select(CheckIn.__table__).where(CheckIn.id == here)).mappings().one()
    return any(row[name] != value for name, value in values.items())

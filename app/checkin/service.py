"""check_in(): the one function of all doors, and the count that is entered afterwards."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.activities.models import Activity, ActivitySession
from app.audit.log import record
from app.checkin.arriving import COUNT_MOST, Arrival, Place, Result, arrive, find_place, first_answer
from app.checkin.corrections import check_open, rebuild_one
from app.checkin.models import CheckInEvent, EventKind, Method, Outcome
from app.checkin.moves import move_here
from app.checkin.rules import CountAs
from app.checkin.statements import SessionLane
from app.kernel.actor import Actor
from app.kernel.errors import Conflict, Problem, RuleBroken
from app.kernel.tokens import random_secret
from app.registration.service import add_counted

__all__ = ["COUNT_MOST", "Arrival", "Place", "Result", "check_in", "enter_count", "find_answer", "keep_refusal"]


def check_in(session: Session, arrival: Arrival, *, now: datetime) -> Result:
    """`arrive` inside the transaction of a session; group_commit.py runs the same on a connection of its own."""
    mover = arrival.mover
    move = None if mover is None else lambda row: move_here(session, row, actor=mover, now=now)
    result = arrive(SessionLane(session), arrival, now=now, move=move)
    if result.is_new and arrival.count_as is CountAs.WHOLE and result.registration_id is not None:
        # It stands in place of what happened before it, wherever that is among the events.
        event = session.execute(select(CheckInEvent.session_id).where(CheckInEvent.uid == arrival.uid)).one()
        rebuild_one(session, event.session_id, result.registration_id)
    return result


def find_answer(session: Session, uid: str, *, session_code: str) -> Result | None:
    """What this uid was answered before, or None: for a retry that arrives after its grant has expired."""
    lane = SessionLane(session)
    row = find_place(lane, Arrival(uid, None, Method.LIVE_CODE, session_code=session_code))
    return first_answer(lane, uid, row) if row.known_id is not None else None


def keep_refusal(session: Session, *, activity_id: int, session_id: int, method: Method, now: datetime) -> None:
    """A code or tail that names nobody: that somebody tried is kept, what was typed is not."""
    session.add(
        CheckInEvent(
            uid=random_secret(), kind=EventKind.REFUSAL.value, outcome=Outcome.UNKNOWN.value, activity_id=activity_id,
            session_id=session_id, headcount=0, method=method.value, occurred_at=now, recorded_at=now,
        )
    )  # fmt: skip


def enter_count(
    session: Session, activity_session: ActivitySession, *, adults: int, children: int, method: Method, actor: Actor,
    now: datetime, unit_id: int | None = None, uid: str = "",
) -> Result:  # fmt: skip
    """A count by staff afterwards, or from a paper sheet: grade 清点/补录, never a name.

    Raises RuleBroken for a number that cannot be, Conflict before the start and once sealed.
    """
    activity = session.get_one(Activity, activity_session.activity_id)
    _check_count(activity, activity_session, adults, children, now)
    uid = uid or random_secret()
    arrival = Arrival(uid, activity_session.id, method, adults=adults, children=children, actor_id=actor.user_id)
    lane = SessionLane(session)
    row = find_place(lane, arrival)
    if row.known_id is not None:
        return first_answer(lane, uid, row)
    made = add_counted(
        session, activity, session_id=activity_session.id, adults=adults, children=children, unit_id=unit_id, now=now
    )
    result = check_in(
        session,
        Arrival(uid, activity_session.id, method, made.id, adults, children, actor_id=actor.user_id),
        now=now,
    )
    if not result.is_new:
        raise Conflict("not_counted", result.message)
    record(
        session, "checkin.counted", actor=actor, object_type="activity", object_code=activity.code, now=now,
        payload={"headcount": adults + children, "session": activity_session.code},
    )  # fmt: skip
    return result


def _check_count(activity: Activity, row: ActivitySession, adults: int, children: int, now: datetime) -> None:
    if adults < 0 or children < 0 or not 1 <= adults + children <= COUNT_MOST:
        raise RuleBroken(Problem("headcount", f"人数请填1到{COUNT_MOST}的整数。", field="headcount"))
    check_open(activity)
    if row.starts_at > now:
        raise Conflict("not_begun", "这一场还没开始，不能补录人数。")

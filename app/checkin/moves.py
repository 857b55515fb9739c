"""Changing to the session one stands in front of, where each person chose one; it precedes the check-in."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.activities.models import Attendance
from app.audit.log import record
from app.checkin.models import CheckIn
from app.checkin.rules import Decision
from app.checkin.statements import Found
from app.kernel.actor import Actor
from app.registration.models import Registration
from app.registration.places import promote_waiting, read_pools, with_places


def move_here(session: Session, row: Found, *, actor: Actor, now: datetime) -> Decision | None:
    """Move the registration of a look-up's row to its session, under the lock of the places.

    None when it stands there now; a refusal when it has come to the other session already, or no place is left:
    places are never overbooked, not even by the desk.
    """
    if row.attendance != Attendance.CHOOSE_ONE.value or row.registered_session in (None, row.id):
        return None
    elsewhere = session.scalar(select(CheckIn.id).where(CheckIn.registration_id == row.registration_id).limit(1))
    if elsewhere is not None:
        return Decision("foreign", "这个报名已经在另一场签到了，没有改场次。")
    with with_places(session, row.activity_id) as activity:
        registration = session.get_one(Registration, row.registration_id, populate_existing=True)
        room = read_pools(session, activity)[row.id].room
        if not room.has_room(registration.headcount, registration.unit_id):
            return Decision("foreign", "要换到的这一场名额已满，没有改。现场坐得下的话，可以“直接加人”。")
        before = next((s.code for s in activity.sessions if s.id == registration.session_id), "")
        registration.session_id = row.id
        session.flush()
        promote_waiting(session, activity, now=now)
    record(
        session, "registration.moved", actor=actor, object_type="registration", object_code=registration.code,
        now=now, payload={"before": before, "after": row.code},
    )  # fmt: skip
    return None

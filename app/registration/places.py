"""Places: lock, then count. One function takes the lock for every change; there is no stored counter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.activities.models import Activity, ActivitySession, ActivityState, Attendance
from app.audit.log import record
from app.kernel.actor import SYSTEM
from app.registration.models import Registration, RegistrationKind, RegistrationState
from app.registration.rules import InLine, promote

# Walk-ins and counts take no registration place (domain.md, Registration).
_PLACED = (RegistrationKind.INDIVIDUAL.value, RegistrationKind.PARTY.value)
_HELD = (RegistrationState.CONFIRMED.value, RegistrationState.PENDING.value)


@dataclass(frozen=True, slots=True)
class Places:
    """Of one session, or of the whole activity where one registration covers every session."""

    capacity: int | None
    taken: int
    waiting: int

    @property
    def left(self) -> int | None:
        return None if self.capacity is None else max(0, self.capacity - self.taken)


@contextmanager
def with_places(session: Session, activity_id: int) -> Iterator[Activity]:
    """Hold the activity's lock until the transaction ends, and read it and its sessions afresh.

    The one place that takes it: register, change, cancel, promote and capacity all come through here.
    PostgreSQL locks the row (FOR NO KEY UPDATE, so that check-ins that point at it go on); on SQLite
    the write transaction is exclusive already.
    """
    activity = session.scalars(
        select(Activity)
        .where(Activity.id == activity_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one()
    yield activity
    session.flush()


def pool_of(activity: Activity, session_id: int | None) -> int | None:
    """The key of the pool of places: the session, or None where one registration covers all."""
    return session_id if activity.attendance == Attendance.CHOOSE_ONE.value else None


def capacity_of(activity: Activity, session_id: int | None) -> int | None:
    """People that fit. Covering all sessions, the smallest room decides."""
    if activity.attendance == Attendance.CHOOSE_ONE.value:
        return next((s.capacity for s in activity.sessions if s.id == session_id), None)
    limits = [s.capacity for s in activity.sessions if s.capacity is not None]
    return min(limits) if limits else None


def count_taken(session: Session, activity: Activity, session_id: int | None) -> int:
    """People with a place now."""
    statement = select(func.coalesce(func.sum(Registration.adults + Registration.children), 0)).where(
        Registration.activity_id == activity.id, Registration.kind.in_(_PLACED), Registration.state.in_(_HELD)
    )
    if activity.attendance == Attendance.CHOOSE_ONE.value:
        statement = statement.where(Registration.session_id == session_id)
    return int(session.scalar(statement) or 0)


def waiting_line(session: Session, activity: Activity, session_id: int | None) -> list[Registration]:
    """The waitlist in order."""
    statement = select(Registration).where(
        Registration.activity_id == activity.id, Registration.state == RegistrationState.WAITLISTED.value
    )
    if activity.attendance == Attendance.CHOOSE_ONE.value:
        statement = statement.where(Registration.session_id == session_id)
    return list(session.scalars(statement.order_by(Registration.queue, Registration.id)))


def next_queue(session: Session, activity: Activity) -> int:
    """The next rank; ranks only grow, so that nobody comes before one who waits."""
    last = session.scalar(
        select(func.coalesce(func.max(Registration.queue), 0)).where(Registration.activity_id == activity.id)
    )
    return int(last or 0) + 1


def promote_waiting(session: Session, activity: Activity, *, now: datetime) -> list[Registration]:
    """Give freed places to the first in line who fit; call with the lock held."""
    session.flush()
    moved: list[Registration] = []
    if activity.state != ActivityState.PUBLISHED.value:
        return moved
    pools: list[int | None] = (
        [s.id for s in activity.sessions] if activity.attendance == Attendance.CHOOSE_ONE.value else [None]
    )
    for pool in pools:
        line = waiting_line(session, activity, pool)
        if not line:
            continue
        ids = promote(
            [InLine(r.id, r.headcount) for r in line],
            capacity=capacity_of(activity, pool),
            taken=count_taken(session, activity, pool),
        )
        for registration in line:
            if registration.id in ids:
                registration.state = RegistrationState.CONFIRMED.value
                registration.promoted_at = now
                moved.append(registration)
                record(
                    session, "registration.promoted", actor=SYSTEM, object_type="registration",
                    object_code=registration.code, now=now, payload={"headcount": registration.headcount},
                )  # fmt: skip
    session.flush()
    return moved


def count_ahead(session: Session, registration: Registration, activity: Activity) -> int:
    """People waiting before this one in its line."""
    statement = select(func.coalesce(func.sum(Registration.adults + Registration.children), 0)).where(
        Registration.activity_id == activity.id,
        Registration.state == RegistrationState.WAITLISTED.value,
        Registration.queue < registration.queue,
    )
    if activity.attendance == Attendance.CHOOSE_ONE.value:
        statement = statement.where(Registration.session_id == registration.session_id)
    return int(session.scalar(statement) or 0)


def places(session: Session, activity: Activity) -> dict[int | None, Places]:
    """Per pool: capacity, taken, people waiting. One statement."""
    return places_of_many(session, [activity])[activity.id]


def places_of_many(session: Session, activities: Sequence[Activity]) -> dict[int, dict[int | None, Places]]:
    """`places` by activity id, for lists; one statement however many they are."""
    rows = session.execute(
        select(
            Registration.activity_id, Registration.session_id, Registration.state,
            func.sum(Registration.adults + Registration.children).label("people"),
        )
        .where(
            Registration.activity_id.in_([activity.id for activity in activities]),
            Registration.kind.in_(_PLACED), Registration.state.in_((*_HELD, RegistrationState.WAITLISTED.value)),
        )
        .group_by(Registration.activity_id, Registration.session_id, Registration.state)
    ).all()  # fmt: skip
    return {
        activity.id: _pools(activity, [row for row in rows if row.activity_id == activity.id])
        for activity in activities
    }


def _pools(activity: Activity, rows: Sequence[Any]) -> dict[int | None, Places]:
    choose = activity.attendance == Attendance.CHOOSE_ONE.value
    result: dict[int | None, Places] = {}
    for pool in [s.id for s in activity.sessions] if choose else [None]:
        mine = [row for row in rows if not choose or row.session_id == pool]
        result[pool] = Places(
            capacity=capacity_of(activity, pool),
            taken=sum(int(row.people) for row in mine if row.state in _HELD),
            waiting=sum(int(row.people) for row in mine if row.state == RegistrationState.WAITLISTED.value),
        )
    return result


def find_session(activity: Activity, code: str | None) -> ActivitySession | None:
    """The session of this activity with that code."""
    return next((s for s in activity.sessions if s.code == code), None)

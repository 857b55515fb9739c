"""Places: lock, then count. One function takes the lock for every change; there is no stored counter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, inspect, literal, null, select, union_all, update
from sqlalchemy.orm import Session

from app.activities.models import Activity, ActivitySession, ActivityState, Attendance, PlaceHold, PlaceQuota
from app.audit.log import record
from app.kernel.actor import SYSTEM
from app.registration.mail import put_letter
from app.registration.models import GuardianConsent, MailKind, Registration, RegistrationKind, RegistrationState
from app.registration.rules import GUARDIAN_HOURS, InLine, Room, answer_until, promote

# Walk-ins and counts take no registration place (domain.md, Registration).
PLACED = (RegistrationKind.INDIVIDUAL.value, RegistrationKind.PARTY.value)
HELD = (RegistrationState.CONFIRMED.value, RegistrationState.PENDING.value)


@dataclass(frozen=True, slots=True)
class Places:
    """Of one session, or of the whole activity where one registration covers every session."""

    capacity: int | None
    taken: int  # people who registered
    waiting: int
    held: Mapping[int | None, int] = field(default_factory=dict)  # kept free, by the unit they are kept for

    @property
    def kept(self) -> int:
        return sum(self.held.values())

    @property
    def left(self) -> int | None:
        return None if self.capacity is None else max(0, self.capacity - self.taken - self.kept)

    def seen_by(self, unit_id: int | None) -> Places:
        """As this unit sees it: what is kept for it is free."""
        return replace(
            self, held={unit: places for unit, places in self.held.items() if unit != unit_id or unit is None}
        )


@dataclass(frozen=True, slots=True)
class Pool:
    """A room with its line: the smallest waiting one of each unit, and how many registrations wait."""

    room: Room
    line: tuple[InLine, ...]
    waiting: int


_WAIT = select(Activity.id).where(Activity.id == bindparam("id")).with_for_update(key_share=True)


@contextmanager
def with_places(session: Session, activity_id: int) -> Iterator[Activity]:
    """Hold the activity's lock until the transaction ends, and read it and its sessions afresh.

    The one place that takes it: register, change, cancel, promote, capacity, quotas and holds all come through here.
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


def wait_for_places(session: Session, activity_id: int) -> None:
    """Only the waiting of `with_places`, for who decides afterwards what to do there; SQLite has waited already."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(_WAIT, {"id": activity_id})


def key_of(activity: Activity) -> int:
    """Its id without asking the database again: a transaction that begins has expired the object."""
    identity = inspect(activity).identity
    return int(identity[0]) if identity else activity.id


def pool_of(activity: Activity, session_id: int | None) -> int | None:
    """The key of the pool of places: the session, or None where one registration covers all."""
    return session_id if activity.attendance == Attendance.CHOOSE_ONE.value else None


def pools_of(activity: Activity) -> list[int | None]:
    """The keys of all pools of an activity."""
    return [s.id for s in activity.sessions] if activity.attendance == Attendance.CHOOSE_ONE.value else [None]


def capacity_of(activity: Activity, session_id: int | None) -> int | None:
    """People that fit. Covering all sessions, the smallest room decides."""
    if activity.attendance == Attendance.CHOOSE_ONE.value:
        return next((s.capacity for s in activity.sessions if s.id == session_id), None)
    limits = [s.capacity for s in activity.sessions if s.capacity is not None]
    return min(limits) if limits else None


def read_pools(session: Session, activity: Activity) -> dict[int | None, Pool]:
    """Every pool as it stands under the lock; two statements, however many people there are."""
    people = Registration.adults + Registration.children
    rows = session.execute(
        select(
            Registration.session_id, Registration.unit_id, Registration.state, func.sum(people).label("people"),
            func.min(people).label("smallest"), func.count().label("count"),
        )
        .where(
            Registration.activity_id == activity.id, Registration.kind.in_(PLACED),
            Registration.state != RegistrationState.CANCELLED.value,
        )
        .group_by(Registration.session_id, Registration.unit_id, Registration.state)
    ).all()  # fmt: skip
    limits: Sequence[Any] = session.execute(
        union_all(
            select(literal("quota").label("sort"), PlaceQuota.session_id, PlaceQuota.unit_id, PlaceQuota.places).where(
                PlaceQuota.activity_id == activity.id
            ),
            select(literal("hold"), PlaceHold.session_id, PlaceHold.unit_id, PlaceHold.places).where(
                PlaceHold.activity_id == activity.id, PlaceHold.released_at.is_(None)
            ),
        )
    ).all()
    return {pool: _pool(activity, pool, rows, limits) for pool in pools_of(activity)}


def _pool(activity: Activity, pool: int | None, rows: Sequence[Any], limits: Sequence[Any]) -> Pool:
    mine = [row for row in rows if pool is None or row.session_id == pool]
    held: dict[int | None, int] = {}
    quotas: dict[int, int] = {}
    for sort, session_id, unit_id, places in limits:
        if pool is not None and session_id not in (None, pool):
            continue
        if sort == "hold":
            held[unit_id] = held.get(unit_id, 0) + places
        else:
            quotas[unit_id] = places
    used: dict[int, int] = {}
    taken = 0
    for row in mine:
        if row.state in HELD:
            taken += int(row.people)
            if row.unit_id is not None:
                used[row.unit_id] = used.get(row.unit_id, 0) + int(row.people)
    waiting = [row for row in mine if row.state == RegistrationState.WAITLISTED.value]
    line = tuple(InLine(0, int(row.smallest), row.unit_id) for row in waiting)
    room = Room(capacity_of(activity, pool), taken, held, quotas, used)
    return Pool(room, line, sum(int(row.count) for row in waiting))


def next_queue(session: Session, activity: Activity) -> int:
    """The next rank; ranks only grow, so that nobody comes before one who waits."""
    last = session.scalar(
        select(func.coalesce(func.max(Registration.queue), 0)).where(Registration.activity_id == activity.id)
    )
    return int(last or 0) + 1


def use_hold(session: Session, activity: Activity, pool: int | None, unit_id: int | None, headcount: int) -> None:
    """What was kept for this unit becomes its registration's places."""
    if unit_id is None:
        return
    holds = session.scalars(
        select(PlaceHold)
        .where(PlaceHold.activity_id == activity.id, PlaceHold.unit_id == unit_id, PlaceHold.released_at.is_(None))
        .order_by(PlaceHold.id)
    )
    for hold in holds:
        if pool is not None and hold.session_id not in (None, pool):
            continue
        used = min(hold.places, headcount)
        hold.places -= used
        headcount -= used


def promote_waiting(session: Session, activity: Activity, *, now: datetime) -> list[Registration]:
    """Give freed places to the first in line who fit; call with the lock held."""
    session.flush()
    moved: list[Registration] = []
    if activity.state != ActivityState.PUBLISHED.value:
        return moved
    for pool, standing in read_pools(session, activity).items():
        if standing.waiting:
            ids = promote(_line(session, activity, pool), room=standing.room)
            rows = session.scalars(select(Registration).where(Registration.id.in_(ids)).order_by(Registration.queue))
            for registration in rows.all():
                _move_up(session, activity, pool, registration, now)
                moved.append(registration)
    session.flush()
    return moved


def _line(session: Session, activity: Activity, pool: int | None) -> list[InLine]:
    """The waitlist of a pool in order."""
    statement = select(Registration.id, Registration.adults + Registration.children, Registration.unit_id).where(
        Registration.activity_id == activity.id, Registration.state == RegistrationState.WAITLISTED.value
    )
    if pool is not None:
        statement = statement.where(Registration.session_id == pool)
    return [InLine(*row) for row in session.execute(statement.order_by(Registration.queue, Registration.id))]


def _move_up(session: Session, activity: Activity, pool: int | None, registration: Registration, now: datetime) -> None:
    """To a place: at once, or offered where the organizer wants an answer, or before the organizer's approval."""
    registration.promoted_at = now
    registration.state = RegistrationState.CONFIRMED.value
    if registration.is_minor:
        _ask_again(session, activity, registration, now)
    chosen = next((s for s in activity.sessions if s.id == pool), activity)
    if activity.offer_hours is not None and (chosen.starts_at is None or chosen.starts_at > now):
        registration.offered_until = answer_until(
            activity.offer_hours, starts_at=chosen.starts_at, ends_at=chosen.ends_at, now=now
        )
        registration.state = RegistrationState.PENDING.value
    elif activity.needs_approval:
        registration.state = RegistrationState.PENDING.value
    use_hold(session, activity, pool, registration.unit_id, registration.headcount)
    put_letter(session, activity, registration, MailKind.PROMOTED, now=now)
    record(
        session, "registration.promoted", actor=SYSTEM, object_type="registration",
        object_code=registration.code, now=now, payload={"headcount": registration.headcount},
    )  # fmt: skip


def guardian_until(activity: Activity, session_id: int | None, *, now: datetime) -> datetime:
    """Until when a place that was given now waits for the guardian's consent."""
    chosen = next((s for s in activity.sessions if s.id == session_id), activity)
    hours = activity.offer_hours if activity.offer_hours is not None else GUARDIAN_HOURS
    return answer_until(hours, starts_at=chosen.starts_at, ends_at=chosen.ends_at, now=now)


def _ask_again(session: Session, activity: Activity, registration: Registration, now: datetime) -> None:
    """Who moves up without a consent yet has the whole time for it from now on."""
    session.execute(
        update(GuardianConsent)
        .where(GuardianConsent.registration_id == registration.id, GuardianConsent.given_at.is_(None))
        .values(expires_at=guardian_until(activity, registration.session_id, now=now))
    )


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
    """`places` by activity id, for lists; one statement however many they are. What is held is free for its unit alone."""
    ids = [activity.id for activity in activities]
    rows: Sequence[Any] = session.execute(
        union_all(
            select(
                Registration.activity_id, Registration.session_id, Registration.state,
                func.sum(Registration.adults + Registration.children).label("people"), null().label("unit_id"),
            )
            .where(
                Registration.activity_id.in_(ids), Registration.kind.in_(PLACED),
                Registration.state.in_((*HELD, RegistrationState.WAITLISTED.value)),
            )
            .group_by(Registration.activity_id, Registration.session_id, Registration.state),
            select(
                PlaceHold.activity_id, PlaceHold.session_id, literal("hold"), func.sum(PlaceHold.places), PlaceHold.unit_id,
            )
            .where(PlaceHold.activity_id.in_(ids), PlaceHold.released_at.is_(None), PlaceHold.places > 0)
            .group_by(PlaceHold.activity_id, PlaceHold.session_id, PlaceHold.unit_id),
        )
    ).all()  # fmt: skip
    return {
        activity.id: _shown(activity, [row for row in rows if row.activity_id == activity.id])
        for activity in activities
    }


def _shown(activity: Activity, rows: Sequence[Any]) -> dict[int | None, Places]:
    result: dict[int | None, Places] = {}
    for pool in pools_of(activity):
        mine = [row for row in rows if pool is None or row.session_id in (None, pool)]
        held: dict[int | None, int] = {}
        for row in mine:
            if row.state == "hold":
                held[row.unit_id] = held.get(row.unit_id, 0) + int(row.people)
        result[pool] = Places(
            capacity=capacity_of(activity, pool),
            taken=sum(int(row.people) for row in mine if row.state in HELD),
            waiting=sum(int(row.people) for row in mine if row.state == RegistrationState.WAITLISTED.value),
            held=held,
        )
    return result


def find_session(activity: Activity, code: str | None) -> ActivitySession | None:
    """The session of this activity with that code."""
    return next((s for s in activity.sessions if s.code == code), None)

"""Totals and lists of check-ins for consoles and screens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.activities.models import Activity, ActivitySession
from app.checkin.models import CheckIn, CheckInEvent, EventKind
from app.registration.models import PersonalDetail, Registration, RegistrationKind, RegistrationState


@dataclass(frozen=True, slots=True)
class Totals:
    """人次 by grade; `check_ins` counts registrations."""

    a: int = 0
    b: int = 0
    c: int = 0
    d: int = 0
    check_ins: int = 0

    @property
    def total(self) -> int:
        return self.a + self.b + self.c + self.d


@dataclass(frozen=True, slots=True)
class ArrivalRow:
    """One line of the console's list."""

    uid: str
    at: datetime
    name: str
    headcount: int
    method: str
    is_walk_in: bool


def find_session(session: Session, code: str) -> ActivitySession | None:
    """A session by its code, with its activity."""
    return session.scalar(select(ActivitySession).where(ActivitySession.code == code))


def session_totals(session: Session, session_ids: Sequence[int]) -> dict[int, Totals]:
    """Totals by session; sessions without check-ins are absent."""
    rows = session.execute(
        select(
            CheckIn.session_id, func.sum(CheckIn.grade_a), func.sum(CheckIn.grade_b), func.sum(CheckIn.grade_c),
            func.sum(CheckIn.grade_d), func.count(),
        )
        .where(CheckIn.session_id.in_(session_ids))
        .group_by(CheckIn.session_id)
    )  # fmt: skip
    return {row[0]: Totals(*(int(value) for value in row[1:])) for row in rows}


def first_check_in(session: Session, session_id: int, registration_id: int) -> CheckIn | None:
    """The check-in of a registration in a session."""
    return session.scalar(
        select(CheckIn).where(CheckIn.session_id == session_id, CheckIn.registration_id == registration_id)
    )


def check_ins_of(session: Session, registration_id: int) -> dict[int, datetime]:
    """First times by session id, for a participant's own page."""
    rows = session.execute(
        select(CheckIn.session_id, CheckIn.first_at).where(CheckIn.registration_id == registration_id)
    )
    return {row.session_id: row.first_at for row in rows}


def recent_arrivals(session: Session, session_id: int, *, limit: int = 12) -> list[ArrivalRow]:
    """Standing arrivals, newest first."""
    undone = select(CheckInEvent.refers_to).where(
        CheckInEvent.kind == EventKind.UNDO.value, CheckInEvent.refers_to.is_not(None),
        CheckInEvent.session_id == session_id,
    )  # fmt: skip
    rows = session.execute(
        select(
            CheckInEvent.uid, CheckInEvent.occurred_at, PersonalDetail.name, CheckInEvent.headcount,
            CheckInEvent.method, Registration.kind,
        )
        .join(Registration, Registration.id == CheckInEvent.registration_id)
        .outerjoin(PersonalDetail, PersonalDetail.registration_id == Registration.id)
        .where(
            CheckInEvent.session_id == session_id, CheckInEvent.kind == EventKind.ARRIVAL.value,
            CheckInEvent.uid.not_in(undone),
        )
        .order_by(CheckInEvent.id.desc())
        .limit(limit)
    )  # fmt: skip
    return [
        ArrivalRow(r.uid, r.occurred_at, r.name or "", r.headcount, r.method, r.kind == RegistrationKind.WALK_IN.value)
        for r in rows
    ]


def per_minute(session: Session, session_id: int, *, now: datetime, minutes: int = 17) -> list[int]:
    """人次 in each of the last minutes, oldest first."""
    since = now - timedelta(minutes=minutes)
    counts = [0] * minutes
    rows = session.execute(
        select(CheckInEvent.occurred_at, CheckInEvent.headcount).where(
            CheckInEvent.session_id == session_id, CheckInEvent.kind == EventKind.ARRIVAL.value,
            CheckInEvent.occurred_at > since,
        )
    )  # fmt: skip
    for at, headcount in rows:
        counts[min(minutes - 1, max(0, int((at - since).total_seconds() // 60)))] += headcount
    return counts


def _expected_where(activity: Activity, activity_session: ActivitySession) -> list[Any]:
    where: list[Any] = [
        Registration.activity_id == activity.id,
        Registration.state == RegistrationState.CONFIRMED.value,
        Registration.kind.in_((RegistrationKind.INDIVIDUAL.value, RegistrationKind.PARTY.value)),
    ]
    if activity.attendance == "choose_one":
        where.append(Registration.session_id == activity_session.id)
    return where


def count_expected(session: Session, activity: Activity, activity_session: ActivitySession) -> int:
    """People registered for this session."""
    statement = select(func.coalesce(func.sum(Registration.adults + Registration.children), 0))
    return int(session.scalar(statement.where(*_expected_where(activity, activity_session))) or 0)


def list_missing(session: Session, activity: Activity, activity_session: ActivitySession) -> list[tuple[str, int]]:
    """(form of address, people) of the registered who have not come; for the organizer only."""
    here = select(CheckIn.registration_id).where(CheckIn.session_id == activity_session.id)
    rows = session.execute(
        select(PersonalDetail.name, Registration.adults + Registration.children)
        .select_from(Registration)
        .outerjoin(PersonalDetail, PersonalDetail.registration_id == Registration.id)
        .where(*_expected_where(activity, activity_session), Registration.id.not_in(here))
        .order_by(Registration.id)
        .limit(300)
    )
    return [(row[0] or "", int(row[1])) for row in rows]

"""Totals and lists of check-ins for consoles, screens and a participant's own page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session, selectinload

from app.activities.models import Activity, ActivitySession, ActivityState
from app.checkin.models import CheckIn, CheckInEvent, EventKind
from app.checkin.parties import names_of_parties
from app.checkin.rules import shown_name
from app.organisation.models import Unit
from app.registration.models import PersonalDetail, Registration, RegistrationKind, RegistrationState

MISSING_MOST = 300
_OPEN_STATES = (ActivityState.PUBLISHED.value, ActivityState.CLOSED.value, ActivityState.CANCELLED.value)


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
class Door:
    """A session and its activity as plain values: what a sign-in page needs, in one statement."""

    session_id: int
    code: str
    label: str
    starts_at: datetime
    ends_at: datetime
    opened_at: datetime | None
    closes_at: datetime | None
    activity_id: int
    activity_code: str
    title: str
    venue: str
    host: str
    state: str
    review_state: str
    attendance: str
    opens_before_min: int
    closes_after_min: int
    takes_registration: bool
    takes_walk_in: bool
    printed_code_on: bool
    printed_code_version: int


@dataclass(frozen=True, slots=True)
class OwnRow:
    """One registration of this browser, and whether it is in. `key` names it in a form without the secret."""

    key: str
    name: str
    headcount: int
    state: str
    session_id: int | None
    is_walk_in: bool
    first_at: datetime | None
    is_party: bool = False
    expected: int = 0  # of a party: how many were registered
    registration_id: int = 0
    is_marked: bool = False  # no ticket is here: it was named by tail or code, and stays without a name
    event_uid: str = ""  # of a walk-in: the event that made it
    is_offered: bool = False  # a place waits for the participant's own answer
    is_minor: bool = False


@dataclass(frozen=True, slots=True)
class TicketDoor:
    """What a member of staff who scanned a ticket needs to know before permission is checked."""

    registration_id: int
    activity_code: str
    host_path: str
    session_id: int | None  # the asked session, where it is one of the activity


def undone_uids() -> Any:
    """Events that an undo refers to."""
    return select(CheckInEvent.refers_to).where(
        CheckInEvent.kind == EventKind.UNDO.value, CheckInEvent.refers_to.is_not(None)
    )


def find_session(session: Session, code: str) -> ActivitySession | None:
    """A session by its code, with its activity."""
    return session.scalar(
        select(ActivitySession).where(ActivitySession.code == code).options(selectinload(ActivitySession.activity))
    )


def _doors() -> Any:
    return select(
        ActivitySession.id.label("session_id"), ActivitySession.code, ActivitySession.label,
        ActivitySession.starts_at, ActivitySession.ends_at, ActivitySession.opened_at, ActivitySession.closes_at,
        Activity.id.label("activity_id"), Activity.code.label("activity_code"), Activity.title, Activity.venue,
        Unit.name.label("host"), Activity.state, Activity.review_state, Activity.attendance,
        Activity.opens_before_min, Activity.closes_after_min, Activity.takes_registration, Activity.takes_walk_in,
        Activity.printed_code_on, Activity.printed_code_version,
    ).join(Activity, Activity.id == ActivitySession.activity_id).join(Unit, Unit.id == Activity.host_unit_id)  # fmt: skip


def find_door(session: Session, code: str) -> Door | None:
    """The door of a session that participants may know of: never a draft's or a withdrawn activity's."""
    row = session.execute(_doors().where(ActivitySession.code == code, Activity.state.in_(_OPEN_STATES))).first()
    return Door(**row._mapping) if row else None


def list_doors(session: Session, *, since: datetime, until: datetime) -> list[Door]:
    """Doors of published activities between two moments, for codes that name no session."""
    rows = session.execute(
        _doors()
        .where(
            Activity.state == ActivityState.PUBLISHED.value,
            or_(ActivitySession.starts_at < until, ActivitySession.opened_at < until),
            or_(ActivitySession.ends_at > since, ActivitySession.closes_at > since),
        )
        .order_by(ActivitySession.id)
    )  # fmt: skip
    return [Door(**row._mapping) for row in rows]


def find_ticket_door(session: Session, secret_hash: str, *, session_code: str) -> TicketDoor | None:
    """The activity and host of a ticket, by the hash of its secret, and the asked session of that activity."""
    asked = (ActivitySession.activity_id == Activity.id) & (ActivitySession.code == session_code)
    row = session.execute(
        select(
            Registration.id.label("registration_id"), Activity.code.label("activity_code"),
            Unit.path.label("host_path"), ActivitySession.id.label("session_id"),
        )
        .select_from(Registration)
        .join(Activity, Activity.id == Registration.activity_id)
        .join(Unit, Unit.id == Activity.host_unit_id)
        .outerjoin(ActivitySession, asked)
        .where(Registration.secret_hash == secret_hash)
    ).first()  # fmt: skip
    return TicketDoor(**row._mapping) if row else None


def list_own(
    session: Session, door: Door, *, secret_hashes: Sequence[str], browser_index: str, marks: Sequence[str] = ()
) -> list[OwnRow]:
    """This browser's registrations of the activity: its tickets, the walk-ins that it made, those of its `marks`.

    A mark is the uid of an event by which the browser named a registration that it holds no ticket of.
    """
    here = and_(CheckIn.session_id == door.session_id, CheckIn.registration_id == Registration.id)
    walk_in = Registration.kind == RegistrationKind.WALK_IN.value
    wanted = [
        Registration.secret_hash.in_(secret_hashes),
        and_(walk_in, Registration.browser_index == browser_index, CheckIn.id.is_not(None)),
    ]
    if marks:
        wanted.append(Registration.id.in_(_marked(marks)))
    rows = session.execute(
        select(Registration, PersonalDetail.name, CheckIn)
        .outerjoin(PersonalDetail, PersonalDetail.registration_id == Registration.id)
        .outerjoin(CheckIn, here)
        .where(Registration.activity_id == door.activity_id, or_(*wanted))
        .order_by(Registration.id)
        .limit(20)
    )
    return [_own_row(r, name or "", check, r.secret_hash in secret_hashes) for r, name, check in rows]


def _own_row(row: Registration, name: str, check: CheckIn | None, is_held: bool) -> OwnRow:
    is_walk_in = row.kind == RegistrationKind.WALK_IN.value
    is_marked = not is_held and not is_walk_in
    return OwnRow(
        key=(row.secret_hash or "")[:16], name="" if is_marked else name,
        headcount=check.headcount if check else row.headcount, state=row.state, session_id=row.session_id,
        is_walk_in=is_walk_in, first_at=check.first_at if check else None,
        is_party=row.kind == RegistrationKind.PARTY.value, expected=row.headcount, registration_id=row.id,
        is_marked=is_marked, event_uid=row.submission or "" if is_walk_in else "",
        is_offered=row.offered_until is not None, is_minor=row.is_minor,
    )  # fmt: skip


def _marked(marks: Sequence[str]) -> Any:
    return (
        select(CheckInEvent.registration_id)
        .join(Registration, Registration.id == CheckInEvent.registration_id)
        .where(CheckInEvent.uid.in_(marks), Registration.kind != RegistrationKind.WALK_IN.value)
    )


def find_marked(session: Session, activity_id: int, marks: Sequence[str], key: str) -> Registration | None:
    """The registration of one of these marks that a form names by its key."""
    rows = session.scalars(
        select(Registration).where(Registration.activity_id == activity_id, Registration.id.in_(_marked(marks)))
    )
    return next((row for row in rows if key and (row.secret_hash or "")[:16] == key), None)


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


def check_ins_of(session: Session, registration_id: int) -> dict[int, datetime]:
    """First times by session id, for a participant's own page."""
    rows = session.execute(
        select(CheckIn.session_id, CheckIn.first_at).where(CheckIn.registration_id == registration_id)
    )
    return {row.session_id: row.first_at for row in rows}


def count_arrived(session: Session, registration_id: int) -> int:
    """People of a registration who came, in its fullest session."""
    people = CheckIn.grade_a + CheckIn.grade_b + CheckIn.grade_c + CheckIn.grade_d
    return session.scalar(select(func.max(people)).where(CheckIn.registration_id == registration_id)) or 0


def per_minute(session: Session, session_id: int, *, now: datetime, minutes: int = 17) -> list[int]:
    """人次 of the standing arrivals in each of the last minutes, oldest first."""
    since = now - timedelta(minutes=minutes)
    counts = [0] * minutes
    rows = session.execute(
        select(CheckInEvent.occurred_at, CheckInEvent.headcount).where(
            CheckInEvent.session_id == session_id, CheckInEvent.kind == EventKind.ARRIVAL.value,
            CheckInEvent.occurred_at > since, CheckInEvent.uid.not_in(undone_uids()),
        )
    )  # fmt: skip
    for at, headcount in rows:
        counts[min(minutes - 1, max(0, int((at - since).total_seconds() // 60)))] += headcount
    return counts


def _expected_where(activity_id: int, attendance: str, session_id: int) -> list[Any]:
    where: list[Any] = [
        Registration.activity_id == activity_id,
        Registration.state == RegistrationState.CONFIRMED.value,
        Registration.kind.in_((RegistrationKind.INDIVIDUAL.value, RegistrationKind.PARTY.value)),
    ]
    if attendance == "choose_one":
        where.append(Registration.session_id == session_id)
    return where


def count_expected(session: Session, *, activity_id: int, attendance: str, session_id: int) -> int:
    """People registered for this session."""
    statement = select(func.coalesce(func.sum(Registration.adults + Registration.children), 0))
    return int(session.scalar(statement.where(*_expected_where(activity_id, attendance, session_id))) or 0)


def _missing_where(activity_id: int, attendance: str, session_id: int) -> list[Any]:
    here = select(CheckIn.registration_id).where(CheckIn.session_id == session_id)
    return [*_expected_where(activity_id, attendance, session_id), Registration.id.not_in(here)]


@dataclass(frozen=True, slots=True)
class Turnout:
    """People of a session: registered, of these away altogether; walk-ins and those entered by count are neither."""

    expected: int
    away: int
    walk_in: int
    counted: int


def turnout_of(session: Session, *, activity_id: int, attendance: str, session_id: int) -> Turnout:
    """One statement."""
    people = select(func.coalesce(func.sum(Registration.adults + Registration.children), 0))

    def here(kind: RegistrationKind) -> Any:
        grades = CheckIn.grade_a + CheckIn.grade_b + CheckIn.grade_c + CheckIn.grade_d
        statement = select(func.coalesce(func.sum(grades), 0)).join(
            Registration, Registration.id == CheckIn.registration_id
        )
        return statement.where(CheckIn.session_id == session_id, Registration.kind == kind.value).scalar_subquery()

    row = session.execute(
        select(
            people.where(*_expected_where(activity_id, attendance, session_id)).scalar_subquery(),
            people.where(*_missing_where(activity_id, attendance, session_id)).scalar_subquery(),
            here(RegistrationKind.WALK_IN), here(RegistrationKind.COUNT),
        )
    ).one()  # fmt: skip
    return Turnout(*(int(value) for value in row))


def list_missing(session: Session, *, activity_id: int, attendance: str, session_id: int) -> list[tuple[str, int]]:
    """(form of address or masked name, of a party its school and classes; people) of the registered who have not come.

    For the desk only.
    """
    rows = session.execute(
        select(Registration.id, Registration.kind, PersonalDetail.name, Registration.adults + Registration.children)
        .select_from(Registration)
        .outerjoin(PersonalDetail, PersonalDetail.registration_id == Registration.id)
        .where(*_missing_where(activity_id, attendance, session_id))
        .order_by(Registration.id)
        .limit(MISSING_MOST)
    ).all()
    parties = names_of_parties(session, [row.id for row in rows if row.kind == RegistrationKind.PARTY.value])
    return [(parties.get(row.id) or shown_name(row.name or ""), int(row[3])) for row in rows]

"""Reading registrations: by secret, by desk code, by phone tail; the roster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.orm import Session

from app.kernel.errors import NotFound
from app.kernel.keys import KeyRing
from app.kernel.text import mask_name, normalise_code
from app.kernel.tokens import digest
from app.organisation.models import Unit
from app.registration.indexes import tail_index, ticket_code_index
from app.registration.models import PartyClass, PersonalDetail, Registration, RegistrationKind, RegistrationState


@dataclass(frozen=True, slots=True)
class RosterRow:
    """One line of the roster: masked, unless it was read through `service.read_roster`."""

    code: str
    kind: str
    state: str
    session_id: int | None
    name: str
    phone: str
    adults: int
    children: int
    queue: int | None
    created_at: datetime
    erased: bool
    unit: str = ""
    classes: str = ""  # of a party
    is_offer: bool = False  # waits for the participant's answer, not for the organizer

    @property
    def headcount(self) -> int:
        return self.adults + self.children


@dataclass(frozen=True, slots=True)
class StateCount:
    """How many registrations stand in a state, and the people they stand for."""

    registrations: int
    people: int


def find_by_secret(session: Session, secret: str) -> Registration | None:
    """The registration of a ticket's secret."""
    if not 16 <= len(secret) <= 64:
        return None
    return session.scalar(select(Registration).where(Registration.secret_hash == digest(secret)))


def find_by_ticket_code(
    session: Session, activity_id: int, activity_code: str, code: str, *, keys: KeyRing
) -> Registration | None:
    """The registration of an 8-character ticket code within its activity."""
    wanted = normalise_code(code)
    if len(wanted) != 8:
        return None
    return session.scalar(
        select(Registration).where(
            Registration.activity_id == activity_id,
            Registration.ticket_code_index == ticket_code_index(keys, activity_code, wanted),
        )
    )


def find_by_phone_tail(
    session: Session, activity_id: int, activity_code: str, tail: str, *, keys: KeyRing
) -> list[Registration]:
    """Standing registrations whose phone ends so; the caller never lists their names."""
    wanted = normalise_code(tail)
    if len(wanted) != 4 or not wanted.isdigit():
        return []
    return list(
        session.scalars(
            select(Registration)
            .where(
                Registration.activity_id == activity_id,
                Registration.tail_index == tail_index(keys, activity_code, wanted),
                Registration.state != RegistrationState.CANCELLED.value,
            )
            .order_by(Registration.id)
        )
    )


def name_of(session: Session, registration_id: int) -> str:
    """The form of address, empty when erased or never given."""
    return session.scalar(select(PersonalDetail.name).where(PersonalDetail.registration_id == registration_id)) or ""


def names_of(session: Session, registration_ids: Sequence[int]) -> dict[int, str]:
    """Forms of address by registration id."""
    rows = session.execute(
        select(PersonalDetail.registration_id, PersonalDetail.name).where(
            PersonalDetail.registration_id.in_(registration_ids)
        )
    )
    return {row.registration_id: row.name or "" for row in rows}


def roster(
    session: Session,
    activity_id: int,
    *,
    states: Sequence[RegistrationState],
    session_id: int | None = None,
    page: int = 1,
    size: int = 50,
    keys: KeyRing | None = None,
) -> list[RosterRow]:
    """Registrations in order of arrival, the waitlist by rank; without walk-ins and counts.

    Names are masked and phones absent unless `keys` is given: only `service.read_roster` gives them.
    """
    is_waiting = Registration.state == RegistrationState.WAITLISTED.value
    statement = (
        select(Registration, PersonalDetail.name, PersonalDetail.phone, Unit.name)
        .outerjoin(Unit, Unit.id == Registration.unit_id)
        .outerjoin(PersonalDetail, PersonalDetail.registration_id == Registration.id)
        .where(*_on_roster(activity_id, session_id), Registration.state.in_([state.value for state in states]))
        .order_by(case((is_waiting, Registration.queue), else_=0), Registration.id)
        .limit(size)
        .offset((page - 1) * size)
    )
    found = session.execute(statement).all()
    classes = _class_labels(session, [row[0].id for row in found if row[0].kind == RegistrationKind.PARTY.value])
    return [
        RosterRow(
            code=r.code, kind=r.kind, state=r.state, session_id=r.session_id,
            name=(name or "") if keys else mask_name(name or ""),
            phone=keys.decrypt(phone, context=f"phone:{r.code}") if keys and phone else "",
            adults=r.adults, children=r.children, queue=r.queue, created_at=r.created_at,
            erased=r.erased_at is not None, unit=unit or "", classes="、".join(classes.get(r.id, ())),
            is_offer=r.offered_until is not None,
        )
        for r, name, phone, unit in found
    ]  # fmt: skip


def _class_labels(session: Session, ids: Sequence[int]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    if ids:
        for registration_id, label in session.execute(
            select(PartyClass.registration_id, PartyClass.label)
            .where(PartyClass.registration_id.in_(ids))
            .order_by(PartyClass.registration_id, PartyClass.position)
        ):
            found.setdefault(registration_id, []).append(label)
    return found


def _on_roster(activity_id: int, session_id: int | None) -> list[ColumnElement[bool]]:
    where: list[ColumnElement[bool]] = [
        Registration.activity_id == activity_id,
        Registration.kind.in_((RegistrationKind.INDIVIDUAL.value, RegistrationKind.PARTY.value)),
    ]
    if session_id is not None:
        where.append(Registration.session_id == session_id)
    return where


def count_by_state(session: Session, activity_id: int, *, session_id: int | None = None) -> dict[str, StateCount]:
    """Registrations and people by state, every state present."""
    rows = session.execute(
        select(Registration.state, func.count(), func.sum(Registration.adults + Registration.children))
        .where(*_on_roster(activity_id, session_id))
        .group_by(Registration.state)
    )
    found = {state: StateCount(int(count), int(people)) for state, count, people in rows}
    return {state.value: found.get(state.value, StateCount(0, 0)) for state in RegistrationState}


def get_registration(session: Session, activity_id: int, code: str) -> Registration:
    """A registration of this activity. Raises NotFound, also for another activity's."""
    registration = session.scalar(
        select(Registration).where(Registration.activity_id == activity_id, Registration.code == code)
    )
    if registration is None:
        raise NotFound("没有找到这个报名。")
    return registration


def decrypt_phone(session: Session, registration: Registration, *, keys: KeyRing) -> str:
    """The phone in clear, for its owner and the organizer's detail view; empty without one."""
    value = session.scalar(select(PersonalDetail.phone).where(PersonalDetail.registration_id == registration.id))
    return keys.decrypt(value, context=f"phone:{registration.code}") if value else ""

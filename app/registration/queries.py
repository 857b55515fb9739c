"""Reading registrations: by secret, by desk code, by phone tail; the roster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.kernel.keys import KeyRing
from app.kernel.text import normalise_code
from app.kernel.tokens import digest
from app.registration.indexes import tail_index, ticket_code_index
from app.registration.models import PersonalDetail, Registration, RegistrationKind, RegistrationState


@dataclass(frozen=True, slots=True)
class RosterRow:
    """One line of the roster; names only where the reader may see them."""

    code: str
    kind: str
    state: str
    session_id: int | None
    name: str
    adults: int
    children: int
    queue: int | None
    created_at: datetime
    erased: bool


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
    session: Session, activity_id: int, *, states: Sequence[RegistrationState], page: int = 1, size: int = 50
) -> list[RosterRow]:
    """Registrations in order of arrival, the waitlist by rank; without walk-ins and counts."""
    rows = session.execute(
        select(Registration, PersonalDetail.name)
        .outerjoin(PersonalDetail, PersonalDetail.registration_id == Registration.id)
        .where(
            Registration.activity_id == activity_id,
            Registration.state.in_([state.value for state in states]),
            Registration.kind.in_((RegistrationKind.INDIVIDUAL.value, RegistrationKind.PARTY.value)),
        )
        .order_by(Registration.queue.is_not(None), Registration.queue, Registration.id)
        .limit(size)
        .offset((page - 1) * size)
    )
    return [
        RosterRow(
            code=r.code, kind=r.kind, state=r.state, session_id=r.session_id, name=name or "", adults=r.adults,
            children=r.children, queue=r.queue, created_at=r.created_at, erased=r.erased_at is not None,
        )
        for r, name in rows
    ]  # fmt: skip


def decrypt_phone(session: Session, registration: Registration, *, keys: KeyRing) -> str:
    """The phone in clear, for its owner and the organizer's detail view; empty without one."""
    value = session.scalar(select(PersonalDetail.phone).where(PersonalDetail.registration_id == registration.id))
    return keys.decrypt(value, context=f"phone:{registration.code}") if value else ""

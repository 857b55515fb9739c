"""Parties at the gate: who is expected, and how many of each are here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.activities.models import Activity, ActivitySession, Attendance
from app.checkin.models import CheckIn
from app.organisation.models import Unit
from app.registration.models import PartyClass, Registration, RegistrationKind, RegistrationState


@dataclass(frozen=True, slots=True)
class PartyRow:
    """One party at a session. `here` is None before it arrived; `verified` what staff scanned or confirmed of it."""

    code: str
    unit: str
    classes: tuple[str, ...]
    expected: int
    here: int | None
    verified: int


@dataclass(frozen=True, slots=True)
class Reported:
    """How many of a party are here by now, and since when."""

    people: int
    first_at: datetime


def reported_of(session: Session, registration_id: int, session_id: int) -> Reported | None:
    """What was reported of a registration at a session; None where nobody is here."""
    row = session.scalar(
        select(CheckIn).where(CheckIn.session_id == session_id, CheckIn.registration_id == registration_id)
    )
    return Reported(row.headcount, row.first_at) if row else None


def name_of_party(session: Session, registration: Registration) -> str:
    """Its unit and classes; without either, nothing."""
    return names_of_parties(session, [registration.id]).get(registration.id, "")


def names_of_parties(session: Session, registration_ids: Sequence[int]) -> dict[int, str]:
    """Unit and classes of each, `示例第一小学 三年级1班、三年级2班`; two statements, none without any."""
    if not registration_ids:
        return {}
    labels = _labels_of(session, registration_ids)
    rows = session.execute(
        select(Registration.id, Unit.name)
        .outerjoin(Unit, Unit.id == Registration.unit_id)
        .where(Registration.id.in_(registration_ids))
    )
    return {row.id: " ".join(filter(None, [row.name or "", "、".join(labels.get(row.id, ()))])) for row in rows}


def _labels_of(session: Session, registration_ids: Sequence[int]) -> dict[int, list[str]]:
    labels: dict[int, list[str]] = {}
    for registration_id, label in session.execute(
        select(PartyClass.registration_id, PartyClass.label)
        .where(PartyClass.registration_id.in_(registration_ids))
        .order_by(PartyClass.registration_id, PartyClass.position)
    ):
        labels.setdefault(registration_id, []).append(label)
    return labels


def labels_of_parties(session: Session, registration_ids: Sequence[int]) -> dict[int, str]:
    """三年级2班、三年级3班 by registration id; one statement, none for nobody."""
    labels: dict[int, list[str]] = {}
    if not registration_ids:
        return {}
    for registration_id, label in session.execute(
        select(PartyClass.registration_id, PartyClass.label)
        .where(PartyClass.registration_id.in_(registration_ids))
        .order_by(PartyClass.registration_id, PartyClass.position)
    ):
        labels.setdefault(registration_id, []).append(label)
    return {registration_id: "、".join(found) for registration_id, found in labels.items()}


def list_parties(session: Session, activity: Activity, row: ActivitySession) -> list[PartyRow]:
    """Confirmed parties of a session in order of arrival at the list; two statements."""
    here = (CheckIn.session_id == row.id) & (CheckIn.registration_id == Registration.id)
    statement = (
        select(Registration, Unit.name, CheckIn)
        .outerjoin(Unit, Unit.id == Registration.unit_id)
        .outerjoin(CheckIn, here)
        .where(
            Registration.activity_id == activity.id, Registration.kind == RegistrationKind.PARTY.value,
            Registration.state == RegistrationState.CONFIRMED.value,
        )
        .order_by(Registration.id)
    )  # fmt: skip
    if activity.attendance == Attendance.CHOOSE_ONE.value:
        statement = statement.where(Registration.session_id == row.id)
    found = session.execute(statement).all()
    labels = _labels_of(session, [registration.id for registration, _unit, _check_in in found])
    return [
        PartyRow(
            registration.code, unit or "", tuple(labels.get(registration.id, ())), registration.headcount,
            check_in.headcount if check_in else None, check_in.grade_a if check_in else 0,
        )
        for registration, unit, check_in in found
    ]  # fmt: skip

"""Arrivals that stand, as the console lists them: who, how many, and by which door or phone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, exists, or_, select
from sqlalchemy.orm import Session, aliased

from app.checkin.models import CheckInEvent, DeviceGrant, EventKind
from app.checkin.parties import names_of_parties
from app.checkin.queries import undone_uids
from app.checkin.repeats import COUNTING
from app.checkin.rules import shown_name
from app.registration.models import PersonalDetail, Registration, RegistrationKind


@dataclass(frozen=True, slots=True)
class ArrivalRow:
    """One line of the console's list; `name` is a form of address or masked, of a party its school and classes.

    `phone`: the label of the helper's phone that scanned it. `is_replaced`: of a party, a number that somebody
    confirmed afterwards stands in its place (corrections.py).
    """

    uid: str
    at: datetime
    name: str
    headcount: int
    method: str
    kind: str
    phone: str
    is_replaced: bool


def recent_arrivals(session: Session, session_id: int, *, limit: int = 8) -> list[ArrivalRow]:
    """Standing arrivals, newest first."""
    rows = session.execute(
        _arrivals()
        .where(CheckInEvent.session_id == session_id, CheckInEvent.uid.not_in(undone_uids()))
        .order_by(CheckInEvent.id.desc())
        .limit(limit)
    )
    return _arrival_rows(session, rows.all())


def find_arrival(session: Session, activity_id: int, uid: str) -> ArrivalRow | None:
    """A standing arrival of the activity by its uid."""
    row = session.execute(
        _arrivals().where(
            CheckInEvent.activity_id == activity_id, CheckInEvent.uid == uid, CheckInEvent.uid.not_in(undone_uids())
        )
    ).first()
    return _arrival_rows(session, [row])[0] if row else None


def _arrivals() -> Any:
    later = aliased(CheckInEvent)
    replaced = and_(
        Registration.kind == RegistrationKind.PARTY.value,
        exists().where(
            later.registration_id == CheckInEvent.registration_id, later.session_id == CheckInEvent.session_id,
            later.kind == EventKind.RESOLUTION.value, later.refers_to.is_(None), later.uid.not_in(undone_uids()),
            or_(
                later.occurred_at > CheckInEvent.occurred_at,
                and_(later.occurred_at == CheckInEvent.occurred_at, later.id > CheckInEvent.id),
            ),
        ),
    )  # fmt: skip
    return (
        select(
            CheckInEvent.uid, CheckInEvent.occurred_at, PersonalDetail.name, CheckInEvent.headcount,
            CheckInEvent.method, Registration.kind, Registration.id.label("registration_id"),
            DeviceGrant.label.label("phone"), replaced.label("is_replaced"),
        )
        .join(Registration, Registration.id == CheckInEvent.registration_id)
        .outerjoin(PersonalDetail, PersonalDetail.registration_id == Registration.id)
        .outerjoin(DeviceGrant, DeviceGrant.id == CheckInEvent.device_id)
        .where(CheckInEvent.kind.in_(COUNTING))
    )  # fmt: skip


def _arrival_rows(session: Session, rows: Sequence[Any]) -> list[ArrivalRow]:
    """A class goes by its own name and not by its contact's; asked for only where there is one."""
    parties = names_of_parties(
        session, [row.registration_id for row in rows if row.kind == RegistrationKind.PARTY.value]
    )
    return [
        ArrivalRow(
            row.uid, row.occurred_at, parties.get(row.registration_id) or shown_name(row.name or ""), row.headcount,
            row.method, row.kind, row.phone or "", bool(row.is_replaced),
        )
        for row in rows
    ]  # fmt: skip

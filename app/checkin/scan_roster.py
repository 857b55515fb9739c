"""The roster that a paired phone may hold: hashes of tickets and masked names, never a phone number or a full name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.activities.models import Activity, ActivitySession, Attendance
from app.checkin.doors import window_of
from app.checkin.models import CheckIn, DeviceGrant
from app.checkin.rules import shown_name
from app.registration.models import PartyClass, PersonalDetail, Registration, RegistrationKind


@dataclass(frozen=True, slots=True)
class Ticket:
    """One ticket: `hash` of its secret, what is shown of it, and who is here by session code."""

    hash: str
    shown: str
    people: int
    kind: str
    state: str
    session: str | None
    here: dict[str, tuple[datetime, int]]


@dataclass(frozen=True, slots=True)
class ScanRoster:
    """What a phone downloads. `current` is the session that its answers speak of first."""

    activity: Activity
    rows: list[ActivitySession]
    current: ActivitySession
    tickets: list[Ticket]


def read_scan_roster(session: Session, grant: DeviceGrant, *, now: datetime) -> ScanRoster:
    """Five statements, whatever the size, and every ticket: one that is left out would be called unknown at the gate."""
    activity = session.get_one(Activity, grant.activity_id)
    rows = [row for row in activity.sessions if grant.session_id in (None, row.id)]
    current = next((row for row in rows if window_of(activity, row)[1] > now), rows[-1])
    codes = {row.id: row.code for row in rows}
    chooses = activity.attendance == Attendance.CHOOSE_ONE.value
    found = session.execute(
        select(Registration, PersonalDetail.name)
        .outerjoin(PersonalDetail, PersonalDetail.registration_id == Registration.id)
        .where(
            Registration.activity_id == activity.id, Registration.secret_hash.is_not(None),
            Registration.kind.in_((RegistrationKind.INDIVIDUAL.value, RegistrationKind.PARTY.value)),
        )
        .order_by(Registration.id)
    ).all()  # fmt: skip
    classes = _classes(session, activity.id)
    here = _here(session, activity.id, codes)
    every = {row.id: row.code for row in activity.sessions}
    return ScanRoster(
        activity, rows, current,
        [
            Ticket(
                r.secret_hash or "", "、".join(classes.get(r.id, ())) or shown_name(name or ""), r.headcount, r.kind,
                r.state, every.get(r.session_id or 0) if chooses else None, here.get(r.id, {}),
            )
            for r, name in found
        ],
    )  # fmt: skip


def _classes(session: Session, activity_id: int) -> dict[int, list[str]]:
    labels: dict[int, list[str]] = {}
    for registration_id, label in session.execute(
        select(PartyClass.registration_id, PartyClass.label)
        .join(Registration, Registration.id == PartyClass.registration_id)
        .where(Registration.activity_id == activity_id)
        .order_by(PartyClass.registration_id, PartyClass.position)
    ):
        labels.setdefault(registration_id, []).append(label)
    return labels


def _here(
    session: Session, activity_id: int, codes: dict[int, str]
) -> dict[int, dict[str, tuple[datetime, int]]]:  # fmt: skip
    found: dict[int, dict[str, tuple[datetime, int]]] = {}
    checks: Sequence[CheckIn] = session.scalars(
        select(CheckIn).where(CheckIn.activity_id == activity_id, CheckIn.session_id.in_(list(codes)))
    ).all()
    for check in checks:
        found.setdefault(check.registration_id, {})[codes[check.session_id]] = (check.first_at, check.headcount)
    return found

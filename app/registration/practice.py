"""Tickets of nobody for a practice: every door can be tried without anyone who registers first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.activities.models import Activity, Attendance
from app.kernel.actor import Actor
from app.kernel.errors import Conflict
from app.kernel.keys import KeyRing
from app.kernel.tokens import digest
from app.registration.entries import Candidate, Entry, PartyEntry, Seat
from app.registration.indexes import ticket_code, ticket_secret
from app.registration.models import Registration, RegistrationKind, RegistrationState
from app.registration.places import with_places
from app.registration.rules import ClassEntry
from app.registration.service import cancel_registration
from app.registration.storing import make, settle, sit_down, store

BROWSER = "practice"  # no browser's token; the secrets are computed anew whenever the page is opened
CLASS = ClassEntry("演练班", pupils=28, adults=2, without_photo=0)


@dataclass(frozen=True, slots=True)
class Drill:
    """One ticket: whom it shows, how many people it stands for. The last word of a name keeps it unmasked."""

    name: str
    people: int = 1
    is_class: bool = False
    is_cancelled: bool = False


DRILLS = (
    Drill("演练1同学"), Drill("演练2同学", people=2), Drill("演练3同学"), Drill("演练班老师", is_class=True),
    Drill("演练4同学", is_cancelled=True),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PracticeTicket:
    """What the drill's page shows of one."""

    drill: Drill
    secret: str
    code: str  # the eight characters
    people: int


def seed_practice(session: Session, activity: Activity, *, keys: KeyRing, actor: Actor, now: datetime) -> None:
    """The tickets of DRILLS: each gets a place, whatever the activity asks or holds. Raises Conflict for a real one."""
    if not activity.is_practice:
        raise Conflict("no_practice", "只有演练才有演练用的报名码。")
    with with_places(session, activity.id) as locked:
        chosen = locked.sessions[0] if locked.attendance == Attendance.CHOOSE_ONE.value else None
        sitting = sit_down(session, locked, keys)
        rows = []
        for number, drill in enumerate(DRILLS):
            entry: Entry | PartyEntry
            if drill.is_class:
                entry = PartyEntry(None, locked.host_unit_id, (CLASS,), drill.name, "", False, str(number), BROWSER)
                seat = Seat(
                    RegistrationKind.PARTY, CLASS.adults, CLASS.pupils, locked.host_unit_id, "", None, (CLASS,)
                )  # fmt: skip
            else:
                entry = Entry(None, drill.name, drill.people, 0, "", False, str(number), BROWSER)
                seat = Seat(RegistrationKind.INDIVIDUAL, drill.people, 0, None, "", None)
            made = make(sitting, Candidate(entry, seat, chosen, now, actor))
            made.registration.state, made.registration.queue = RegistrationState.CONFIRMED.value, None
            rows.append(made)
        store(sitting, rows)
        settle(sitting)
    for drill, made in zip(DRILLS, rows, strict=True):
        if drill.is_cancelled:
            cancel_registration(session, made.registration, actor=actor, now=now)


def list_practice_tickets(session: Session, activity: Activity, *, keys: KeyRing) -> list[PracticeTicket]:
    """The tickets that this practice has; none once it was scrubbed, none of a real activity."""
    if not activity.is_practice:
        return []
    secrets = [ticket_secret(keys, activity.code, BROWSER, str(number)) for number in range(len(DRILLS))]
    found = {
        row.secret_hash: row
        for row in session.scalars(
            select(Registration).where(
                Registration.activity_id == activity.id,
                Registration.secret_hash.in_([digest(secret) for secret in secrets]),
            )
        )
    }
    return [
        PracticeTicket(drill, secret, ticket_code(keys, secret), row.headcount)
        for drill, secret in zip(DRILLS, secrets, strict=True)
        if (row := found.get(digest(secret))) is not None
    ]

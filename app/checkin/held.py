"""待核实: keeping what a phone recorded and does not fit, and listing it for the organizer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from app.activities.models import Activity, ActivitySession
from app.checkin.clocks import Corrected
from app.checkin.models import (
    CheckIn,
    CheckInEvent,
    DeviceGrant,
    EventKind,
    HeldReason,
    HeldScan,
    HeldState,
    Method,
    Outcome,
)
from app.checkin.rules import ASKED
from app.kernel.tokens import digest
from app.registration.models import Registration, RegistrationKind

# The event's reason where HeldReason is too coarse.
UNSEALED = "unsealed"  # out of a hand-over file that anybody may have written
AGAIN = "again"  # the phone's own report of what such a file brought before and the organizer let count
# A registration of the ticket that was held, read or typed.
OF_THIS_TICKET = (Registration.activity_id == HeldScan.activity_id) & or_(
    Registration.secret_hash == HeldScan.ticket_hash, Registration.ticket_code_index == HeldScan.code_index
)
HELD_MOST = 500  # open ones of one phone: a broken or hostile phone must not fill the organizer's list


def hold(
    session: Session, *, uid: str, activity: Activity, session_id: int, grant: DeviceGrant, reason: HeldReason,
    registration_id: int | None, people: int, time: Corrected, method: Method, now: datetime, is_walk_in: bool,
    ticket_hash: str | None = None, code_index: str | None = None, has_event: bool = False, note: str = "",
    counter: int | None = None,
) -> None:  # fmt: skip
    """Keep the scan, with its event unless check_in() kept one already; `note` is a finer reason, for the event."""
    if not has_event:
        outcome = Outcome.CONFLICT if reason is HeldReason.CANCELLED else Outcome.QUARANTINED
        session.add(
            CheckInEvent(
                uid=uid, kind=EventKind.REFUSAL.value, outcome=outcome.value, activity_id=activity.id,
                session_id=session_id, registration_id=registration_id, headcount=people, grade=None,
                method=method.value, occurred_at=time.at, recorded_at=now, reason=note or reason.value,
                device_id=grant.id, counter=counter,
            )
        )  # fmt: skip
    session.add(
        HeldScan(
            uid=uid, activity_id=activity.id, session_id=session_id, device_id=grant.id, reason=reason.value,
            registration_id=registration_id, ticket_hash=ticket_hash, code_index=code_index, is_walk_in=is_walk_in,
            people=people, claimed_at=time.claimed, received_at=now, state=HeldState.OPEN.value,
        )
    )  # fmt: skip
    session.flush()


def holding_of(session: Session, uid: str) -> HeldScan | None:
    """The held scan of an event, whatever became of it."""
    return session.scalar(select(HeldScan).where(HeldScan.uid == uid))


def lock_held(session: Session, *which: ColumnElement[bool]) -> None:
    """Read those held scans afresh; until the commit nobody else settles them. SQLite has one writer anyway.

    Who settles takes everything of one ticket at once, in this order, so that no two wait for each other in a ring:
    the activity (if many tickets are settled), held scans by their id, the check-in, keys of events.
    """
    session.execute(
        select(HeldScan)
        .where(or_(*which))
        .order_by(HeldScan.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()


def claim_uid(uid: str) -> str:
    """The id of what a file without a seal says of this event: its own, so that the phone's word still finds room."""
    return f"claim:{digest(uid)[:32]}"


def of_same_ticket(held: HeldScan) -> ColumnElement[bool] | None:
    """Held scans of the same ticket that nobody knew, for a select; None where the scan names no such ticket."""
    return same_ticket(held.ticket_hash, held.code_index)


def same_ticket(ticket_hash: str | None, code_index: str | None) -> ColumnElement[bool] | None:
    """The same of a ticket that was read, or else typed."""
    if ticket_hash is not None:
        return HeldScan.ticket_hash == ticket_hash
    return HeldScan.code_index == code_index if code_index is not None else None


def find_held(session: Session, activity_id: int, code: str) -> HeldScan | None:
    """A held scan of the activity by its code."""
    return session.scalar(select(HeldScan).where(HeldScan.activity_id == activity_id, HeldScan.code == code))


def held_open(activity_id: int) -> Any:
    """How many wait for the organizer's decision, for a select."""
    where = (HeldScan.activity_id == activity_id, HeldScan.state == HeldState.OPEN.value)
    return select(func.count()).select_from(HeldScan).where(*where).scalar_subquery()


def phones_waiting(activity_id: int) -> Any:
    """How many events still wait on phones as these last told, for a select."""
    waiting = func.coalesce(func.sum(DeviceGrant.waiting), 0)
    return select(waiting).where(DeviceGrant.activity_id == activity_id).scalar_subquery()


@dataclass(frozen=True, slots=True)
class Gate:
    """Helpers' phones that may scan, what waits on phones, what waits for the organizer."""

    phones: int
    waiting: int
    held: int


def gate_of(session: Session, activity_id: int, *, now: datetime) -> Gate:
    """One statement."""
    on = (
        DeviceGrant.activity_id == activity_id, DeviceGrant.revoked_at.is_(None), DeviceGrant.ended_at.is_(None),
        DeviceGrant.expires_at > now,
    )  # fmt: skip
    phones = select(func.count()).select_from(DeviceGrant).where(*on).scalar_subquery()
    row = session.execute(select(phones, phones_waiting(activity_id), held_open(activity_id))).one()
    return Gate(int(row[0]), int(row[1]), int(row[2]))


def count_open_of(session: Session, device_id: int) -> int:
    """How many of one phone wait."""
    where = (HeldScan.device_id == device_id, HeldScan.state == HeldState.OPEN.value)
    return session.scalar(select(func.count()).select_from(HeldScan).where(*where)) or 0


# What waits of a revoked phone and was scanned before, as the phone itself says: no file that anybody may have written.
_EARLIER = (
    HeldScan.state == HeldState.OPEN.value, HeldScan.reason == HeldReason.REVOKED.value,
    CheckInEvent.reason == HeldReason.REVOKED.value, CheckInEvent.occurred_at < DeviceGrant.revoked_at,
    CheckInEvent.occurred_at < DeviceGrant.expires_at,
    or_(DeviceGrant.ended_at.is_(None), CheckInEvent.occurred_at < DeviceGrant.ended_at),
    or_(DeviceGrant.session_id.is_(None), DeviceGrant.session_id == HeldScan.session_id),
    # To an activity that had been cancelled by then nobody can have come.
    ~exists().where(Activity.id == HeldScan.activity_id, Activity.cancelled_at <= CheckInEvent.occurred_at),
    # Whether a class is one that another has counted, somebody has to look at.
    HeldScan.id.not_in(
        select(HeldScan.id)
        .join(Registration, Registration.id == HeldScan.registration_id)
        .where(Registration.kind == RegistrationKind.PARTY.value)
    ),
)  # fmt: skip


def before_revoked(grant: DeviceGrant) -> Select[HeldScan]:
    """Of one phone; oldest first."""
    return (
        select(HeldScan)
        .join(DeviceGrant, DeviceGrant.id == HeldScan.device_id)
        .join(CheckInEvent, CheckInEvent.uid == HeldScan.uid)
        .where(HeldScan.device_id == grant.id, *_EARLIER)
        .order_by(CheckInEvent.occurred_at, HeldScan.id)
    )


@dataclass(frozen=True, slots=True)
class Lot:
    """What one revoked phone says it scanned before it was revoked."""

    phone: str
    label: str
    records: int
    revoked_at: datetime


def lots_of(session: Session, activity_id: int) -> list[Lot]:
    """Phones with two or more such records: one decision in place of many; one statement."""
    rows = session.execute(
        select(DeviceGrant.code, DeviceGrant.label, func.count(), DeviceGrant.revoked_at)
        .join(HeldScan, HeldScan.device_id == DeviceGrant.id)
        .join(CheckInEvent, CheckInEvent.uid == HeldScan.uid)
        .where(HeldScan.activity_id == activity_id, *_EARLIER)
        .group_by(DeviceGrant.id, DeviceGrant.code, DeviceGrant.label, DeviceGrant.revoked_at)
        .having(func.count() > 1)
        .order_by(DeviceGrant.id)
    )
    return [Lot(code, label, int(records), at) for code, label, records, at in rows if at is not None]


@dataclass(frozen=True, slots=True)
class HeldRow:
    """One line of 待核实 with both facts: what the phone recorded, and what the system knows."""

    code: str
    reason: str
    state: str
    people: int
    is_walk_in: bool
    at: datetime  # corrected
    claimed_at: datetime
    received_at: datetime
    device: str
    device_until: datetime | None  # when the phone's pairing ended early, else when it ran out
    session: str
    registration_id: int | None
    registration_state: str
    cancelled_at: datetime | None
    first_at: datetime | None  # the check-in that this registration has at that session
    here: int
    decided_at: datetime | None
    decided_by_id: int | None  # None where it settled by itself
    outcome: str  # of its event
    is_revoked: bool  # when it was received
    is_again: bool
    is_claim: bool  # out of a file without a seal
    is_party: bool
    expected: int  # people registered
    called_off_at: datetime | None  # when the activity was cancelled
    is_undone: bool  # the helper took the scan back

    @property
    def is_after_calling_off(self) -> bool:
        """Whether the activity had been cancelled by then: nobody can have come to it."""
        return self.called_off_at is not None and self.called_off_at <= self.at

    @property
    def is_unsaid(self) -> bool:
        """Whether it is a party of which nobody has said how many came."""
        return self.is_party and self.people == 0

    @property
    def is_answered(self) -> bool:
        """Whether the helper said afterwards how many of the party came: that number stands in an event of its own."""
        return self.state == HeldState.WITHDRAWN.value and self.is_party and not (self.is_undone or self.is_claim)

    @property
    def is_counted_elsewhere(self) -> bool:
        """Whether somebody else had counted the party, and the phone did not know."""
        return self.reason == HeldReason.REFUSED.value and self.outcome == ASKED


def _undone() -> Any:
    """Whether an undo reached the scan, for a select: among the events of its registration, which have an index."""
    undo = aliased(CheckInEvent)
    return exists().where(
        undo.registration_id == HeldScan.registration_id, undo.kind == EventKind.UNDO.value, undo.refers_to == HeldScan.uid
    )  # fmt: skip


def list_held(
    session: Session, activity_id: int, *, states: Sequence[HeldState] = (HeldState.OPEN,), limit: int = 200,
    offset: int = 0, code: str = "",
) -> list[HeldRow]:  # fmt: skip
    """Held scans, oldest first, or the one with this code; one statement."""
    here = (CheckIn.session_id == HeldScan.session_id) & (CheckIn.registration_id == HeldScan.registration_id)
    rows = session.execute(
        select(HeldScan, CheckInEvent, DeviceGrant, ActivitySession.label, Registration, CheckIn, Activity.cancelled_at)
        .add_columns(_undone())
        .join(CheckInEvent, CheckInEvent.uid == HeldScan.uid)
        .join(DeviceGrant, DeviceGrant.id == HeldScan.device_id)
        .join(ActivitySession, ActivitySession.id == HeldScan.session_id)
        .join(Activity, Activity.id == HeldScan.activity_id)
        .outerjoin(Registration, Registration.id == HeldScan.registration_id)
        .outerjoin(CheckIn, here)
        .where(HeldScan.activity_id == activity_id, HeldScan.state.in_([state.value for state in states]))
        .where(*([HeldScan.code == code] if code else []))
        .order_by(HeldScan.id)
        .limit(limit)
        .offset(offset)
    )
    return [
        HeldRow(
            code=held.code, reason=held.reason, state=held.state, people=held.people, is_walk_in=held.is_walk_in,
            at=event.occurred_at, claimed_at=held.claimed_at, received_at=held.received_at, device=grant.label,
            device_until=grant.revoked_at or grant.ended_at or grant.expires_at, session=label,
            registration_id=held.registration_id, registration_state=registration.state if registration else "",
            cancelled_at=registration.cancelled_at if registration else None,
            first_at=check.first_at if check else None, here=check.headcount if check else 0,
            decided_at=held.decided_at, decided_by_id=held.decided_by_id, outcome=event.outcome,
            is_revoked=grant.revoked_at is not None and grant.revoked_at <= held.received_at,
            is_again=event.reason == AGAIN, is_claim=event.reason == UNSEALED,
            is_party=registration is not None and registration.kind == RegistrationKind.PARTY.value,
            expected=registration.headcount if registration else 0, called_off_at=called_off_at,
            is_undone=is_undone,
        )
        for held, event, grant, label, registration, check, called_off_at, is_undone in rows
    ]  # fmt: skip

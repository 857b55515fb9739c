"""Writing what `repeats.settle` finds: undos that reach an arrival, and the repeat that stands in its place."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.checkin.corrections import events_of, lock_check_in, rebuild_one
from app.checkin.held import holding_of
from app.checkin.models import CheckInEvent, EventKind, HeldScan, HeldState, Outcome
from app.checkin.repeats import settle
from app.checkin.rules import GRADE_BY_METHOD
from app.checkin.statements import KEEP_EVENT, SessionLane
from app.registration.models import Registration, RegistrationKind

UNDO_MOST = timedelta(minutes=2, seconds=30)  # two minutes on the phone's screen, and a slow finger


def put(
    session: Session, *, uid: str, like: CheckInEvent, kind: EventKind, outcome: Outcome, refers_to: str | None,
    at: datetime, now: datetime, device_id: int | None, grade: str | None = "",
) -> None:  # fmt: skip
    """An event derived from another; its uid makes it once."""
    values = {
        "uid": uid, "kind": kind.value, "outcome": outcome.value, "activity_id": like.activity_id,
        "session_id": like.session_id, "registration_id": like.registration_id, "refers_to": refers_to,
        "headcount": like.headcount, "grade": like.grade if grade == "" else grade, "method": like.method,
        "actor_id": None, "occurred_at": at, "recorded_at": now, "reason": "", "device_id": device_id,
    }  # fmt: skip
    SessionLane(session).first(KEEP_EVENT, values)


def take_back_late(session: Session, event: CheckInEvent, *, now: datetime) -> None:
    """The undo of this scan came first: it reaches the scan now."""
    undo = session.scalar(
        select(CheckInEvent).where(
            CheckInEvent.kind == EventKind.REFUSAL.value, CheckInEvent.outcome == Outcome.NOTHING_TO_UNDO.value,
            CheckInEvent.refers_to == event.uid, CheckInEvent.device_id == event.device_id,
        )
    )  # fmt: skip
    if undo is None or undo.occurred_at - event.occurred_at > UNDO_MOST:
        return
    at = max(undo.occurred_at, event.occurred_at)
    _take_back(session, event, at=at, now=now, device_id=event.device_id)
    undo_held(session, event, at=at, now=now)


def _take_back(session: Session, event: CheckInEvent, *, at: datetime, now: datetime, device_id: int | None) -> None:
    put(
        session, uid=f"undo:{event.id}", like=event, kind=EventKind.UNDO, outcome=Outcome.UNDONE, refers_to=event.uid,
        at=at, now=now, device_id=device_id,
    )  # fmt: skip


def undo_held(session: Session, event: CheckInEvent, *, at: datetime, now: datetime) -> None:
    """The scan was held: it waits no more, and if it was let count, it counts no more."""
    held = holding_of(session, event.uid)
    if held is None:
        return
    for each in [held, *_same_unknown(session, held, at)]:
        if each.state == HeldState.OPEN.value:
            each.state, each.decided_at = HeldState.WITHDRAWN.value, now
    counted = session.scalar(select(CheckInEvent).where(CheckInEvent.uid == f"held:{held.id}"))
    if counted is not None:
        _take_back(session, counted, at=at, now=now, device_id=held.device_id)
        if counted.registration_id is not None:
            settle_pair(session, counted.session_id, counted.registration_id, now=now)
    session.flush()


def _same_unknown(session: Session, held: HeldScan, at: datetime) -> list[HeldScan]:
    """The same phone's earlier scans of a ticket that nobody knows yet."""
    if held.ticket_hash is None:
        return []
    return list(
        session.scalars(
            select(HeldScan)
            .join(CheckInEvent, CheckInEvent.uid == HeldScan.uid)
            .where(
                HeldScan.device_id == held.device_id, HeldScan.session_id == held.session_id,
                HeldScan.ticket_hash == held.ticket_hash, CheckInEvent.occurred_at <= at,
            )
        )
    )  # fmt: skip


def settle_pair(session: Session, session_id: int, registration_id: int, *, now: datetime) -> None:
    """Make the events of one registration at one session agree with what its phones did, then the check-in."""
    lock_check_in(session, session_id, registration_id)
    events = events_of(session, session_id, registration_id)
    if len(events) > 1 and not _is_party(session, registration_id):
        found = settle(events)
        for event, undo in found.withdrawn:
            _take_back(session, session.get_one(CheckInEvent, event.id), at=undo.occurred_at, now=now,
                       device_id=undo.device_id)  # fmt: skip
        for waiting in found.waiting:
            held = holding_of(session, waiting.uid)
            if held is not None and held.state == HeldState.OPEN.value:
                held.state, held.decided_at = HeldState.WITHDRAWN.value, now
        if found.stands is not None:
            repeat = session.get_one(CheckInEvent, found.stands.id)
            put(
                session, uid=f"stand:{repeat.id}", like=repeat, kind=EventKind.ARRIVAL, outcome=Outcome.ACCEPTED,
                refers_to=repeat.uid, at=repeat.occurred_at, now=now, device_id=repeat.device_id,
                grade=GRADE_BY_METHOD[repeat.method],
            )  # fmt: skip
    if len(events) > 1:
        rebuild_one(session, session_id, registration_id)


def _is_party(session: Session, registration_id: int) -> bool:
    kind = session.scalar(select(Registration.kind).where(Registration.id == registration_id))
    return kind == RegistrationKind.PARTY.value

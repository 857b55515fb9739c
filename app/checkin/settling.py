"""Writing what `repeats.settle` finds: undos that reach an arrival, and the repeat that stands in its place."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from app.checkin.corrections import events_of, lock_check_in, rebuild_one
from app.checkin.held import OF_THIS_TICKET, holding_of, lock_held, of_same_ticket
from app.checkin.models import CheckInEvent, EventKind, HeldScan, HeldState, Outcome
from app.checkin.repeats import Settled, settle
from app.checkin.rules import GRADE_BY_METHOD
from app.checkin.statements import KEEP_EVENT, SessionLane
from app.registration.models import Registration, RegistrationKind

UNDO_MOST = timedelta(minutes=2, seconds=30)  # two minutes on the phone's screen, and a slow finger


def put(
    session: Session, *, uid: str, like: CheckInEvent, kind: EventKind, outcome: Outcome, refers_to: str | None,
    at: datetime, now: datetime, by: CheckInEvent, grade: str | None = "", registration_id: int | None = None,
) -> None:  # fmt: skip
    """An event derived from another, in its place in the order of the phone that did `by`; its uid makes it once."""
    values = {
        "uid": uid, "kind": kind.value, "outcome": outcome.value, "activity_id": like.activity_id,
        "session_id": like.session_id, "registration_id": registration_id or like.registration_id,
        "refers_to": refers_to, "headcount": like.headcount, "grade": like.grade if grade == "" else grade,
        "method": like.method, "actor_id": None, "occurred_at": at, "recorded_at": now, "reason": "",
        "device_id": by.device_id, "counter": by.counter,
    }  # fmt: skip
    SessionLane(session).write(KEEP_EVENT, values)


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
    _take_back(session, event, by=undo, now=now)
    undo_held(session, event, by=undo, now=now)


def _take_back(session: Session, event: CheckInEvent, *, by: CheckInEvent, now: datetime) -> None:
    if event.registration_id is not None:
        lock_check_in(session, event.session_id, event.registration_id)
    put(
        session, uid=f"undo:{event.id}", like=event, kind=EventKind.UNDO, outcome=Outcome.UNDONE, refers_to=event.uid,
        at=max(by.occurred_at, event.occurred_at), now=now, by=by,
    )  # fmt: skip


def undo_held(session: Session, event: CheckInEvent, *, by: CheckInEvent, now: datetime) -> None:
    """The scan was held: it waits no more, and if it was let count, it counts no more."""
    held = holding_of(session, event.uid)
    if held is None:
        return
    if held.state == HeldState.OPEN.value:
        _withdraw(held, now)
    counted = session.scalar(select(CheckInEvent).where(CheckInEvent.uid == f"held:{held.id}"))
    if counted is not None:
        _take_back(session, counted, by=by, now=now)
        if counted.registration_id is not None:
            settle_pair(session, counted.session_id, counted.registration_id, now=now)
    session.flush()


def _withdraw(held: HeldScan, now: datetime) -> None:
    held.state, held.decided_at = HeldState.WITHDRAWN.value, now


def settle_event(session: Session, event: CheckInEvent, *, now: datetime) -> None:
    """Make what phones did with the ticket of this event agree, whether the ticket is known, was not, or is not yet."""
    known = event.registration_id
    if known is None:
        held = holding_of(session, event.uid)
        if held is None:
            return
        known = known_of(session, held)
        if known is None:
            _settle_unknown(session, held, now=now)
    if known is not None:
        settle_pair(session, event.session_id, known, now=now)


def known_of(session: Session, held: HeldScan) -> int | None:
    """Whose ticket was held, as far as anybody knows by now."""
    return held.registration_id or session.scalar(
        select(Registration.id).join(HeldScan, OF_THIS_TICKET).where(HeldScan.id == held.id).limit(1)
    )


def scans_of(session_id: int, registration: Registration) -> ColumnElement[bool]:
    """What is held of one registration at one session, for a select."""
    return and_(HeldScan.session_id == session_id, _of(registration))


def lock_with(session: Session, held: HeldScan) -> None:
    """This held scan and what else is held of its ticket, read afresh (lock_held)."""
    which = [HeldScan.id == held.id]
    same, known = of_same_ticket(held), known_of(session, held)
    if same is not None:
        which.append(and_(HeldScan.session_id == held.session_id, same))
    if known is not None:
        which.append(scans_of(held.session_id, session.get_one(Registration, known)))
    lock_held(session, *which)


def _settle_unknown(session: Session, held: HeldScan, *, now: datetime) -> None:
    same = of_same_ticket(held)
    if same is None:
        return
    scans = _nameless(session, held.session_id, same, HeldScan.activity_id == held.activity_id)
    _no_longer_waiting(session, settle(scans), now=now)


def _nameless(session: Session, session_id: int, *same: ColumnElement[bool]) -> list[CheckInEvent]:
    """Scans of a ticket that nobody knew when they came, and their undos: these events name no registration."""
    uids = list(session.scalars(select(HeldScan.uid).where(HeldScan.session_id == session_id, *same)))
    if not uids:
        return []
    on_them = or_(CheckInEvent.uid.in_(uids), CheckInEvent.refers_to.in_(uids))
    return list(session.scalars(select(CheckInEvent).where(CheckInEvent.registration_id.is_(None), on_them)))


def _no_longer_waiting(session: Session, found: Settled, *, now: datetime) -> None:
    for waiting in found.waiting:
        held = holding_of(session, waiting.uid)
        if held is not None and held.state == HeldState.OPEN.value:
            _withdraw(held, now)
    session.flush()


def settle_pair(session: Session, session_id: int, registration_id: int, *, now: datetime) -> None:
    """Make the events of one registration at one session agree with what its phones did, then the check-in."""
    lock_check_in(session, session_id, registration_id)
    registration = session.get_one(Registration, registration_id)
    is_party = registration.kind == RegistrationKind.PARTY.value
    nameless = [] if is_party else _nameless(session, session_id, _of(registration))
    for undo in nameless:
        if undo.kind == EventKind.UNDO.value:  # from now on it stands among the events of its registration
            put(
                session, uid=f"known:{undo.id}", like=undo, kind=EventKind.UNDO, outcome=Outcome.UNDONE,
                refers_to=undo.refers_to, at=undo.occurred_at, now=now, by=undo, registration_id=registration_id,
            )  # fmt: skip
    events = events_of(session, session_id, registration_id)
    if len(events) + len(nameless) < 2:
        return
    if not is_party:
        _settle(session, [*events, *nameless], now=now)
    rebuild_one(session, session_id, registration_id)


def _of(registration: Registration) -> ColumnElement[bool]:
    same = HeldScan.registration_id == registration.id
    if registration.secret_hash is not None:
        same = or_(same, HeldScan.ticket_hash == registration.secret_hash)
    if registration.ticket_code_index is not None:
        by_code = HeldScan.code_index == registration.ticket_code_index
        same = or_(same, and_(HeldScan.activity_id == registration.activity_id, by_code))
    return same


def _settle(session: Session, events: list[CheckInEvent], *, now: datetime) -> None:
    found = settle(events)
    for event, undo in found.withdrawn:
        taken_back = session.get_one(CheckInEvent, event.id)
        _take_back(session, taken_back, by=session.get_one(CheckInEvent, undo.id), now=now)
    _no_longer_waiting(session, found, now=now)
    if found.stands is not None:
        repeat = session.get_one(CheckInEvent, found.stands.id)
        put(
            session, uid=f"stand:{repeat.id}", like=repeat, kind=EventKind.ARRIVAL, outcome=Outcome.ACCEPTED,
            refers_to=repeat.uid, at=repeat.occurred_at, now=now, by=repeat, grade=GRADE_BY_METHOD[repeat.method],
        )  # fmt: skip

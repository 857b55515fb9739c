"""What a paired phone recorded, with or without network: each event is kept once, judged at its corrected time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, and_, select
from sqlalchemy.orm import Session

from app.activities.models import Activity, ActivitySession
from app.checkin.answers import Answer, answer_of, said
from app.checkin.clocks import SLACK, Corrected, Sent, correct
from app.checkin.devices import trouble_of
from app.checkin.held import (
    AGAIN,
    HELD_MOST,
    UNSEALED,
    claim_uid,
    count_open_of,
    hold,
    holding_of,
    lock_held,
    of_same_ticket,
    same_ticket,
)
from app.checkin.models import CheckInEvent, DeviceGrant, EventKind, HeldReason, HeldScan, HeldState, Method, Outcome
from app.checkin.rules import ASKED, SEALED, WALK_IN_MOST, CountAs
from app.checkin.service import Arrival, Result, check_in
from app.checkin.settling import UNDO_MOST, known_of, scans_of, settle_event, take_back_late, undo_held
from app.kernel.keys import KeyRing
from app.registration.indexes import ticket_code_index
from app.registration.models import Registration, RegistrationKind, RegistrationState

TOO_LATE = "超过了两分钟，没有撤销。请到签到台，由工作人员撤销。"
# Sent later than the phone waits with its amber (HURRY in main.js): the person was let in, and no red can call back.
LATE = timedelta(milliseconds=1200)
# Refused now, though the helper could not know it then: the organizer decides.
_DECIDED_BY_HAND = frozenset(
    {"too_early", "too_late", "foreign", "not_confirmed", "too_many", "cancelled", "activity_closed"}
)


@dataclass(frozen=True, slots=True)
class Scan:
    """One event as the phone wrote it; its shape is checked, nothing else."""

    uid: str
    counter: int
    session: str
    kind: str  # arrival or undo
    ticket: str | None
    code: str | None
    walk_in: bool
    people: int | None
    refers_to: str | None  # of an undo, what it takes back; of an arrival, the scan that was asked for its number
    device_at: int
    mono: float
    life: str
    by: str
    count_as: str = CountAs.PART.value


@dataclass(frozen=True, slots=True)
class Handed:
    """How a scan came that no phone sent: in a file made at that moment; `is_sealed`: no other hand has been in it."""

    made_at: datetime
    is_sealed: bool


@dataclass(frozen=True, slots=True)
class _Case:
    """A scan, where it happened and when."""

    scan: Scan
    grant: DeviceGrant
    activity: Activity
    row: ActivitySession
    time: Corrected
    now: datetime
    counter: int | None = None  # where the phone's own count tells the order of what it did
    is_claim: bool = False  # of a file that anybody may have written
    is_again: bool = False  # it came before by another way, and the organizer has decided on that
    was_let_in: bool = False  # on amber, before the server heard of it


def take_scan(
    session: Session, scan: Scan, *, sent: Sent, grant: DeviceGrant, keys: KeyRing, now: datetime,
    handed: Handed | None = None,
) -> Answer:  # fmt: skip
    """Store one event and say what became of it; the same again gets the same answer and changes nothing.

    Only an event of another activity is never stored: it is handed over as a file. One out of a sealed file is judged
    as if the phone had sent it when the file was made; one out of any other file is held, whatever it says.
    """
    row = session.scalar(select(ActivitySession).where(ActivitySession.code == scan.session))
    known = session.scalar(_event(scan.uid))
    if row is None or row.activity_id != grant.activity_id or (known and known.activity_id != grant.activity_id):
        return Answer(scan.uid, False, "refused", "red", "这条记录不是这场活动的，交不上来。请把文件交给主办单位。")
    if known is not None:
        return answer_of(session, known)
    found, index = _find(session, scan, row.activity, keys)
    _lock(session, scan, row, found, index)
    claim = holding_of(session, claim_uid(scan.uid))
    is_claim = handed is not None and not handed.is_sealed
    if is_claim:
        if claim is not None:
            return answer_of(session, session.execute(_event(claim.uid)).scalar_one())
        scan = replace(scan, uid=claim_uid(scan.uid), refers_to=scan.refers_to and claim_uid(scan.refers_to))
    elif claim is not None and claim.state == HeldState.OPEN.value:
        claim.state, claim.decided_at = HeldState.WITHDRAWN.value, now  # here is the phone's own word
    time = _time(scan, sent, grant, handed, now)
    case = _Case(
        scan, grant, row.activity, row, time, now, None if is_claim else _counter(session, scan, grant),
        is_claim=is_claim,
        is_again=claim is not None and claim.state == HeldState.COUNTED.value,
        was_let_in=_was_let_in(scan, sent, time, handed=handed, now=now),
    )  # fmt: skip
    return _undo(session, case) if scan.kind == "undo" else _arrive(session, case, found, index)


def _event(uid: str) -> Select[CheckInEvent]:
    return select(CheckInEvent).where(CheckInEvent.uid == uid)


def _time(scan: Scan, sent: Sent, grant: DeviceGrant, handed: Handed | None, now: datetime) -> Corrected:
    received = now if handed is None else max(min(handed.made_at, now), grant.begins_at)
    found = correct(
        sent, device_at=scan.device_at, mono=scan.mono, life=scan.life, received=received, begins_at=grant.begins_at
    )
    is_of_future = handed is not None and handed.made_at - now > SLACK
    return replace(found, is_possible=False) if is_of_future else found


def _find(
    session: Session, scan: Scan, activity: Activity, keys: KeyRing
) -> tuple[Registration | None, str | None]:  # fmt: skip
    """Whose ticket it is, and the index of a typed code."""
    index = ticket_code_index(keys, activity.code, scan.code) if scan.code and not scan.ticket else None
    if scan.walk_in or scan.kind == "undo":
        return None, index
    if scan.ticket:
        return session.scalar(select(Registration).where(Registration.secret_hash == scan.ticket)), None
    typed = (Registration.activity_id == activity.id, Registration.ticket_code_index == index)
    return session.scalar(select(Registration).where(*typed)) if index else None, index


def _lock(
    session: Session, scan: Scan, row: ActivitySession, found: Registration | None, index: str | None
) -> None:  # fmt: skip
    """Whatever is held of this ticket, before anything of it is read or written (held.lock_held)."""
    uids = [claim_uid(scan.uid), *([scan.refers_to, claim_uid(scan.refers_to)] if scan.refers_to else [])]
    which: list[ColumnElement[bool]] = [HeldScan.uid.in_(uids)]
    session_id, same = row.id, same_ticket(scan.ticket, index)
    target = session.scalar(_event(scan.refers_to)) if scan.kind == "undo" and scan.refers_to else None
    if target is not None:
        held = holding_of(session, target.uid)
        known = target.registration_id or (known_of(session, held) if held is not None else None)
        found = session.get_one(Registration, known) if known is not None else None
        session_id, same = target.session_id, of_same_ticket(held) if held is not None else None
    if found is not None:
        which.append(scans_of(session_id, found))
    if same is not None:
        which.append(and_(HeldScan.session_id == session_id, same))
    lock_held(session, *which)


def _counter(session: Session, scan: Scan, grant: DeviceGrant) -> int | None:
    """None where the phone has used this number before: it was emptied and counts anew, so that only times are left."""
    used = select(CheckInEvent.id).where(
        CheckInEvent.device_id == grant.id, CheckInEvent.counter == scan.counter, CheckInEvent.uid != scan.uid
    )
    return scan.counter if session.scalar(used.limit(1)) is None else None


def _was_let_in(scan: Scan, sent: Sent, time: Corrected, *, handed: Handed | None, now: datetime) -> bool:
    """By what the phone claims: a time that was clamped to now says nothing of how long somebody stood there."""
    return handed is not None or sent.life != scan.life or now - time.claimed > LATE


def _arrive(session: Session, case: _Case, found: Registration | None, index: str | None) -> Answer:
    scan = case.scan
    asked = _asked(session, case, found)
    if asked is not None and asked.state in (HeldState.COUNTED.value, HeldState.NOT_COUNTED.value):
        case = replace(case, is_again=True)
    reason = _reason(session, case, found)
    if reason is not None:
        if count_open_of(session, case.grant.id) >= HELD_MOST:
            return Answer(scan.uid, False, "refused", "red", "这部手机的待核实太多了，交不上来。请找主办单位。")
        _hold(session, case, found, reason, index=index)
        return _after(session, case, asked)
    own = found is not None and found.activity_id == case.activity.id
    if found is not None and own and found.state == RegistrationState.CANCELLED.value:
        result = _count_although_cancelled(session, case, found)
    else:
        result = check_in(session, _arrival(case, found), now=case.now)
    if result.outcome == ASKED or (result.outcome in _DECIDED_BY_HAND and case.was_let_in):
        why = HeldReason.CANCELLED if result.outcome == "cancelled" else HeldReason.REFUSED
        _hold(session, case, found, why, has_event=True)
    return _after(session, case, asked)


def _hold(
    session: Session, case: _Case, found: Registration | None, reason: HeldReason, *, index: str | None = None,
    has_event: bool = False,
) -> None:  # fmt: skip
    scan, is_own = case.scan, found is not None and found.activity_id == case.activity.id
    note = UNSEALED if case.is_claim else AGAIN if case.is_again else ""
    hold(
        session, uid=scan.uid, activity=case.activity, session_id=case.row.id, grant=case.grant, reason=reason,
        registration_id=found.id if found and is_own else None, ticket_hash=None if found else scan.ticket,
        code_index=None if found else index, is_walk_in=scan.walk_in, people=_people(scan, found), time=case.time,
        method=_method(scan, found), now=case.now, has_event=has_event, note=note, counter=case.counter,
    )  # fmt: skip


def _asked(session: Session, case: _Case, found: Registration | None) -> HeldScan | None:
    """The scan of the same class by this phone that this one gives the number for."""
    if case.is_claim or found is None or not case.scan.refers_to:
        return None
    asked = holding_of(session, case.scan.refers_to)
    is_same = asked is not None and (asked.device_id, asked.session_id, asked.registration_id) == (
        case.grant.id, case.row.id, found.id,
    )  # fmt: skip
    return asked if is_same else None


def _arrival(case: _Case, found: Registration | None) -> Arrival:
    scan = case.scan
    is_party = found is not None and found.kind == RegistrationKind.PARTY.value
    return Arrival(
        scan.uid, case.row.id, _method(scan, found), found.id if found else None,
        adults=(scan.people or 1) if scan.walk_in else (scan.people or 0) if is_party else 0,
        is_walk_in=scan.walk_in, occurred_at=case.time.at, device_id=case.grant.id, counter=case.counter,
        count_as=CountAs(scan.count_as),
    )  # fmt: skip


def _after(session: Session, case: _Case, asked: HeldScan | None) -> Answer:
    """What was asked waits no more; an undo that came before its scan reaches it; repeats find their earliest time."""
    if asked is not None and asked.state == HeldState.OPEN.value:
        asked.state, asked.decided_at = HeldState.WITHDRAWN.value, case.now
    event = session.execute(select(CheckInEvent).where(CheckInEvent.uid == case.scan.uid)).scalar_one()
    take_back_late(session, event, now=case.now)
    settle_event(session, event, now=case.now)
    return answer_of(session, event)


def _reason(session: Session, case: _Case, found: Registration | None) -> HeldReason | None:
    """Why the organizer has to look at it; the first that fits."""
    if case.is_claim:  # no pairing vouches for it, and if it counts, it counts as the organizer's own word
        return HeldReason.REVOKED
    if case.is_again and (found is None or found.kind == RegistrationKind.PARTY.value):  # nothing else would see it
        return HeldReason.REVOKED
    if trouble_of(case.grant, case.time.at, received=case.now) or case.grant.session_id not in (None, case.row.id):
        return HeldReason.REVOKED
    if not case.time.is_possible:
        return HeldReason.IMPOSSIBLE_TIME
    if case.activity.review_state in SEALED:
        return HeldReason.SEALED
    if case.scan.walk_in:
        return None
    if found is None:
        return HeldReason.UNKNOWN
    if found.state != RegistrationState.CANCELLED.value or found.activity_id != case.activity.id:
        return None
    came_first = found.cancelled_at is not None and found.cancelled_at > case.time.at
    return None if came_first and not _has_another(session, found) else HeldReason.CANCELLED


def _has_another(session: Session, found: Registration) -> bool:
    """The same phone number registered anew: the old ticket is not quietly brought back."""
    if found.phone_index is None:
        return False
    other = select(Registration.id).where(
        Registration.activity_id == found.activity_id, Registration.phone_index == found.phone_index,
        Registration.state != RegistrationState.CANCELLED.value,
    )  # fmt: skip
    return session.scalar(other.limit(1)) is not None


def _method(scan: Scan, found: Registration | None) -> Method:
    if scan.walk_in:
        return Method.DESK_WALK_IN
    if found is not None and found.kind == RegistrationKind.PARTY.value:
        return Method.PARTY_CONFIRMED
    return Method.TICKET_CODE if scan.by == "typed" else Method.TICKET_SCAN


def _people(scan: Scan, found: Registration | None) -> int:
    if scan.walk_in:
        return min(scan.people or 1, WALK_IN_MOST)
    if found is None or found.kind == RegistrationKind.PARTY.value:
        return scan.people or 0  # nobody is assumed: who decides says how many
    return found.headcount


def _count_although_cancelled(session: Session, case: _Case, found: Registration) -> Result:
    """Scanned before it was cancelled: the person came, so it counts as if the news had been here in time."""
    kept = found.state
    found.state = RegistrationState.CONFIRMED.value
    session.flush()
    result = check_in(session, _arrival(case, found), now=case.now)
    found.state = kept
    session.flush()
    return result


def _undo(session: Session, case: _Case) -> Answer:
    scan, time = case.scan, case.time
    if case.is_claim:
        return _undo_claim(session, case)
    target = session.scalar(
        select(CheckInEvent).where(CheckInEvent.uid == scan.refers_to, CheckInEvent.activity_id == case.activity.id)
    )
    problem = _no_undo(case) or (_not_this(case, target) if target else "")
    if problem:
        return said(answer_of(session, _keep_undo(session, case)), problem)
    if target is None:
        # Its scan is still on the way (or was handed over): it will find this waiting.
        return answer_of(session, _keep_undo(session, case, refers_to=scan.refers_to))
    at = max(time.at, target.occurred_at)
    event = _keep_undo(session, case, refers_to=target.uid, target=target, at=at)
    undo_held(session, target, by=event, now=case.now)
    settle_event(session, target, now=case.now)
    return answer_of(session, event)


def _undo_claim(session: Session, case: _Case) -> Answer:
    """An undo out of a file without a seal reaches what such a file brought, while nobody has decided on it; no more.

    It is kept without its target, so that it can never take a real scan back.
    """
    held = holding_of(session, case.scan.refers_to or "")
    is_own = held is not None and held.device_id == case.grant.id and held.state == HeldState.OPEN.value
    note = session.scalar(select(CheckInEvent.reason).where(CheckInEvent.uid == case.scan.refers_to))
    if held is not None and is_own and note == UNSEALED:
        held.state, held.decided_at = HeldState.WITHDRAWN.value, case.now
    return answer_of(session, _keep_undo(session, case))


def _no_undo(case: _Case) -> str:
    if trouble_of(case.grant, case.time.at, received=case.now) == "revoked":
        return "这部手机已被作废，没有撤销。请告诉主办单位。"
    if case.activity.review_state in SEALED:
        return "这场活动已提交审核，签到记录已封存，没有撤销。"
    return "" if case.time.is_possible else TOO_LATE


def _not_this(case: _Case, target: CheckInEvent) -> str:
    """Never for being undone already: what this phone scanned of the ticket since then is to go with it."""
    if target.device_id != case.grant.id or target.kind == EventKind.UNDO.value:
        return "不是这部手机扫的，没有撤销。请到签到台。"
    return TOO_LATE if case.time.at - target.occurred_at > UNDO_MOST else ""


def _keep_undo(
    session: Session, case: _Case, *, refers_to: str | None = None, target: CheckInEvent | None = None,
    at: datetime | None = None,
) -> CheckInEvent:  # fmt: skip
    """An undo with its target; without one a refusal, which counts as nothing until its target comes."""
    event = CheckInEvent(
        uid=case.scan.uid, kind=(EventKind.UNDO if target else EventKind.REFUSAL).value,
        outcome=(Outcome.UNDONE if target else Outcome.NOTHING_TO_UNDO).value, activity_id=case.activity.id,
        session_id=target.session_id if target else case.row.id,
        registration_id=target.registration_id if target else None, refers_to=refers_to,
        headcount=target.headcount if target else 0, grade=target.grade if target else None,
        method=target.method if target else _method(case.scan, None).value, occurred_at=at or case.time.at,
        recorded_at=case.now, reason="", device_id=case.grant.id, counter=case.counter,
    )  # fmt: skip
    session.add(event)
    session.flush()
    return event

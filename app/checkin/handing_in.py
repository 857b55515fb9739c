"""交接文件: what a phone could not send any more, read in by the organizer.

Which trust it has (docs/helpers.md): a file passes through chats and hands, so it is a claim until proved otherwise. The
phone seals it with a key of its own. Sealed, of a phone of this activity: as if that phone had sent it when the file was
made. Without a seal that holds, or of a phone paired elsewhere: every scan waits in 待核实 and, if it is let count, counts
as the organizer's own word (清点/补录); its undos reach nothing but itself. Either way a scan is known by its id: what the
phone has sent already, or the file has brought already, is a repeat, and reading a file twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.activities.models import Activity
from app.audit.log import record
from app.checkin.clocks import Sent
from app.checkin.devices import seal_holds
from app.checkin.held import claim_uid
from app.checkin.models import CheckInEvent, DeviceGrant
from app.checkin.offline import Handed, Scan
from app.kernel.actor import Actor
from app.kernel.keys import KeyRing


@dataclass(frozen=True, slots=True)
class HandedScan:
    """One scan of a file; `device` is the phone that made it, where the file says so."""

    scan: Scan
    device: str


@dataclass(frozen=True, slots=True)
class HandedFile:
    """A file whose shape is right; nothing else of it is known. `ahead`: the server's clock less the phone's, in ms."""

    device: str
    body: str
    seal: str
    sent: Sent
    ahead: int
    scans: Sequence[HandedScan]
    unreadable: int


@dataclass(frozen=True, slots=True)
class Due:
    """A scan that is to be stored, and the phone that it is put down to."""

    scan: Scan
    grant_id: int
    handed: Handed


@dataclass(frozen=True, slots=True)
class Looked:
    """What a file would bring: for the organizer's eyes before, for the writing after."""

    label: str  # of the phone
    device: str
    is_sealed: bool
    due: Sequence[Due]
    undos: int  # among those due
    known: int  # stored already
    foreign: int  # of another activity's sessions
    strange: int  # of this activity, by a phone that was never paired for it
    unreadable: int
    first_at: datetime | None  # by the phone's clock, set right
    last_at: datetime | None


def look_through(session: Session, activity: Activity, file: HandedFile, *, keys: KeyRing) -> Looked:
    """Sort what the file holds; writes nothing."""
    sessions = {row.code for row in activity.sessions}
    phones = _phones(session, activity.id, file)
    own = phones.get(file.device)
    is_sealed = own is not None and seal_holds(keys, file.device, file.body, file.seal)
    uids = [each.scan.uid for each in file.scans]
    stored = _stored(session, uids)
    if not is_sealed:
        brought = _stored(session, [claim_uid(uid) for uid in uids])
        stored |= {uid for uid in uids if claim_uid(uid) in brought}
    handed = Handed(moment_of(file.sent.at + file.ahead), is_sealed)
    due: dict[str, Due] = {}
    known = foreign = strange = 0
    for each in sorted(file.scans, key=lambda one: one.scan.counter):
        grant = own or phones.get(each.device)
        if each.scan.session not in sessions:
            foreign += 1
        elif each.scan.uid in stored or each.scan.uid in due:
            known += 1
        elif grant is None:
            strange += 1
        else:
            due[each.scan.uid] = Due(each.scan, grant.id, handed)
    times = [moment_of(one.scan.device_at + file.ahead) for one in due.values()]
    first = next(
        (phones[code].label for code in [file.device, *(one.device for one in file.scans)] if code in phones), ""
    )
    return Looked(
        label=first, device=file.device, is_sealed=is_sealed, due=list(due.values()),
        undos=sum(1 for one in due.values() if one.scan.kind == "undo"), known=known, foreign=foreign, strange=strange,
        unreadable=file.unreadable, first_at=min(times, default=None), last_at=max(times, default=None),
    )  # fmt: skip


def note_handed_in(
    session: Session, activity: Activity, looked: Looked, *, actor: Actor, now: datetime
) -> None:  # fmt: skip
    """The log says who read which phone's file; what no longer waits on that phone is no longer announced."""
    record(
        session, "device.handed_in", actor=actor, object_type="activity", object_code=activity.code, now=now,
        payload={"device": looked.device, "count": len(looked.due), "sealed": looked.is_sealed},
    )  # fmt: skip
    if looked.is_sealed:
        grant = session.scalar(select(DeviceGrant).where(DeviceGrant.code == looked.device))
        if grant is not None:
            grant.waiting = max(0, grant.waiting - len(looked.due))
    session.flush()


def moment_of(millis: int) -> datetime:
    """A phone's milliseconds as a moment; nonsense becomes a moment that is merely wrong."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=max(0, min(millis, 4 * 10**12)))


def _phones(session: Session, activity_id: int, file: HandedFile) -> dict[str, DeviceGrant]:
    codes = {file.device, *(each.device for each in file.scans if each.device)}
    rows = session.scalars(
        select(DeviceGrant).where(DeviceGrant.activity_id == activity_id, DeviceGrant.code.in_(sorted(codes)))
    )
    return {grant.code: grant for grant in rows}


def _stored(session: Session, uids: Sequence[str]) -> set[str]:
    return set(session.scalars(select(CheckInEvent.uid).where(CheckInEvent.uid.in_(uids))))

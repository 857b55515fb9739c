"""Helpers' phones: pairing by QR or six digits, finding one by its secret, revoking, ending the shift."""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.activities.models import Activity, ActivitySession, ActivityState
from app.audit.log import record
from app.checkin.doors import window_of
from app.checkin.models import DeviceGrant
from app.checkin.queries import find_session
from app.kernel.actor import Actor
from app.kernel.errors import Conflict, NotFound
from app.kernel.keys import KeyRing
from app.kernel.text import one_line
from app.kernel.tokens import digest, mac_digits, mac_text, random_secret, same

PAIRING_SECONDS = 600
STAYS = timedelta(hours=12)  # after the window, and at least: what a phone holds can come in later
LABEL_MOST = 20


def _slot(now: datetime) -> int:
    return int(now.timestamp()) // PAIRING_SECONDS


def count_revoked(session: Session, activity_ids: Collection[int]) -> Counter[int]:
    """How many phones of each activity were revoked. It is part of their pairing codes: what was shown before a phone
    was revoked pairs nobody, and that phone may have seen it."""
    rows = session.execute(
        select(DeviceGrant.activity_id, func.count())
        .where(DeviceGrant.activity_id.in_(activity_ids), DeviceGrant.revoked_at.is_not(None))
        .group_by(DeviceGrant.activity_id)
    )
    return Counter({activity_id: int(count) for activity_id, count in rows})


def _code_of(session_code: str, all_sessions: bool, slot: int, revoked: int) -> tuple[str, ...]:
    return "pair", session_code, "all" if all_sessions else "one", str(slot), str(revoked)


def pairing_key(keys: KeyRing, session_code: str, *, all_sessions: bool, now: datetime, revoked: int) -> str:
    """The key in the pairing QR (132 bits); good for ten to twenty minutes, nothing of it is stored."""
    return mac_text(keys.codes, *_code_of(session_code, all_sessions, _slot(now), revoked))


def pairing_key_holds(
    keys: KeyRing, session_code: str, *, all_sessions: bool, key: str, now: datetime, revoked: int
) -> bool:
    """This ten minutes' key or the one before."""
    slots = (_slot(now), _slot(now) - 1)
    found = [same(mac_text(keys.codes, *_code_of(session_code, all_sessions, slot, revoked)), key) for slot in slots]
    return any(found)


def pairing_pin(keys: KeyRing, session_code: str, *, all_sessions: bool, now: datetime, revoked: int) -> str:
    """Six digits of the console for a phone that cannot scan; the caller counts the tries (kind `pair`)."""
    return mac_digits(keys.codes, *_code_of(session_code, all_sessions, _slot(now), revoked))


def pairing_pin_holds(
    keys: KeyRing, session_code: str, *, all_sessions: bool, pin: str, now: datetime, revoked: int
) -> bool:
    """This ten minutes' digits or the ones before."""
    slots = (_slot(now), _slot(now) - 1)
    found = [same(mac_digits(keys.codes, *_code_of(session_code, all_sessions, slot, revoked)), pin) for slot in slots]
    return any(found)


def pair_device(
    session: Session, *, session_code: str, all_sessions: bool, label: str, actor: Actor, now: datetime,
    before: DeviceGrant | None = None,
) -> tuple[DeviceGrant, str]:  # fmt: skip
    """A new grant and its secret, which is told once and stored nowhere.

    `before` is the grant that this browser still holds: one of the same activity that merely ran out lends its
    beginning, so that what the phone recorded then is not taken for impossible. Raises NotFound for an unknown
    session, Conflict where nobody can sign in any more.
    """
    row = find_session(session, session_code)
    if row is None:
        raise NotFound("没有找到这一场。请看控制台上现在的配对码。")
    activity = row.activity
    if activity.state != ActivityState.PUBLISHED.value:
        raise Conflict("not_open", "这场活动没有在办，不能配对手机。")
    expires_at = max(_last_close(activity, row, all_sessions), now) + STAYS
    begins_at = now
    if before is not None and before.activity_id == activity.id and before.revoked_at is None:
        begins_at = min(now, before.begins_at)
    secret = random_secret()
    grant = DeviceGrant(
        activity_id=activity.id, session_id=None if all_sessions else row.id, secret_hash=digest(secret),
        label=one_line(label)[:LABEL_MOST] or _next_label(session, activity.id), created_by_id=actor.user_id,
        created_at=now, begins_at=begins_at, expires_at=expires_at, last_seen_at=now, waiting=0,
    )  # fmt: skip
    session.add(grant)
    session.flush()
    record(
        session, "device.paired", actor=actor, object_type="activity", object_code=activity.code, now=now,
        payload={"device": grant.code, "session": "" if all_sessions else row.code},
    )  # fmt: skip
    return grant, secret


def _last_close(activity: Activity, row: ActivitySession, all_sessions: bool) -> datetime:
    rows = list(activity.sessions) if all_sessions else [row]
    return max(window_of(activity, each)[1] for each in rows)


def _next_label(session: Session, activity_id: int) -> str:
    taken = set(session.scalars(select(DeviceGrant.label).where(DeviceGrant.activity_id == activity_id)))
    return next(name for number in range(1, 1000) if (name := f"手机{number}") not in taken)


def handover_key(keys: KeyRing, device_code: str) -> str:
    """What a phone seals its hand-over file with: of this phone alone, good for nothing else, stored nowhere."""
    return mac_text(keys.codes, "handover", device_code)


def seal_holds(keys: KeyRing, device_code: str, body: str, seal: str) -> bool:
    """Whether this text left that phone as it is (HMAC-SHA-256, hex)."""
    key = handover_key(keys, device_code).encode()
    return same(hmac.new(key, body.encode(), hashlib.sha256).hexdigest(), seal)


def find_device(session: Session, secret: str, now: datetime) -> DeviceGrant | None:
    """The grant of this secret while it holds; None when unknown, ended, revoked or expired."""
    grant = find_grant(session, secret)
    return grant if grant is not None and not trouble_of(grant, now) else None


def find_grant(session: Session, secret: str) -> DeviceGrant | None:
    """The grant of this secret, whatever became of it."""
    if not 16 <= len(secret) <= 64:
        return None
    return session.scalar(select(DeviceGrant).where(DeviceGrant.secret_hash == digest(secret)))


def trouble_of(grant: DeviceGrant, at: datetime, *, received: datetime | None = None) -> str:
    """Why the grant does not hold at that moment: `revoked`, `ended`, `expired`, or nothing.

    `at` may be claimed by the phone itself; whoever holds a lost one claims what he likes, so a revocation goes by
    when it was `received` (trust.md, Offline queue 4).
    """
    if grant.revoked_at is not None and grant.revoked_at <= (received or at):
        return "revoked"
    if grant.ended_at is not None and grant.ended_at <= at:
        return "ended"
    return "expired" if grant.expires_at <= at else ""


def revoke_device(session: Session, grant: DeviceGrant, activity: Activity, *, actor: Actor, now: datetime) -> None:
    """Lost or lent: from now on nothing that comes from it counts by itself, whenever it says that it was scanned."""
    if grant.revoked_at is not None:
        return
    grant.revoked_at = now
    record(
        session, "device.revoked", actor=actor, object_type="activity", object_code=activity.code, now=now,
        payload={"device": grant.code},
    )  # fmt: skip
    session.flush()


def end_device(session: Session, grant: DeviceGrant, *, actor: Actor, now: datetime) -> None:
    """The helper's shift is over; the page wipes the phone."""
    if grant.ended_at is not None:
        return
    grant.ended_at = now
    code = session.execute(select(Activity.code).where(Activity.id == grant.activity_id)).scalar_one()
    record(
        session, "device.ended", actor=actor, object_type="activity", object_code=code, now=now,
        payload={"device": grant.code},
    )  # fmt: skip
    session.flush()


def note_seen(session: Session, grant_id: int, *, waiting: int, now: datetime) -> None:
    """The phone was here just now, and so many events still wait on it."""
    grant = session.get_one(DeviceGrant, grant_id)
    grant.last_seen_at, grant.waiting = now, waiting
    session.flush()


@dataclass(frozen=True, slots=True)
class PhoneRow:
    """One helper's phone on the console. `trouble` is empty while it may scan."""

    code: str
    label: str
    session: str  # the label of its session, empty for all
    created_at: datetime
    expires_at: datetime
    last_seen_at: datetime | None
    waiting: int
    trouble: str


def list_phones(session: Session, activity_id: int, *, now: datetime) -> list[PhoneRow]:
    """Phones of an activity, newest first; one statement."""
    rows = session.execute(
        select(DeviceGrant, ActivitySession.label)
        .outerjoin(ActivitySession, ActivitySession.id == DeviceGrant.session_id)
        .where(DeviceGrant.activity_id == activity_id)
        .order_by(DeviceGrant.id.desc())
        .limit(200)
    )
    return [
        PhoneRow(
            grant.code, grant.label, label or "", grant.created_at, grant.expires_at, grant.last_seen_at,
            grant.waiting, trouble_of(grant, now),
        )
        for grant, label in rows
    ]  # fmt: skip


def get_phone(session: Session, activity_id: int, code: str) -> DeviceGrant:
    """One of the activity's phones. Raises NotFound, also for another activity's."""
    found = session.scalar(select(DeviceGrant).where(DeviceGrant.activity_id == activity_id, DeviceGrant.code == code))
    if found is None:
        raise NotFound("没有找到这部手机。")
    return found

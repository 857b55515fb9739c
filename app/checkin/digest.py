"""Sealing: a digest of a session's events enters the log when the session closes."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session

from app.activities.models import ActivitySession
from app.activities.rules import window
from app.audit.log import record
from app.checkin.models import CheckInEvent
from app.kernel.actor import SYSTEM


def session_digest(session: Session, session_id: int) -> tuple[int, str]:
    """Number of events and SHA-256 over them in order."""
    sha, count = hashlib.sha256(), 0
    for row in session.execute(
        select(
            CheckInEvent.uid, CheckInEvent.kind, CheckInEvent.outcome, CheckInEvent.headcount, CheckInEvent.grade,
            CheckInEvent.refers_to,
        )
        .where(CheckInEvent.session_id == session_id)
        .order_by(CheckInEvent.id)
    ):  # fmt: skip
        sha.update(json.dumps(list(row), separators=(",", ":")).encode() + b"\n")
        count += 1
    return count, sha.hexdigest()


def digest_closed_sessions(session: Session, *, now: datetime) -> int:
    """A digest of each session's events enters the chain when it closes, and again for late events."""
    late = exists().where(
        CheckInEvent.session_id == ActivitySession.id, CheckInEvent.recorded_at > ActivitySession.digested_at
    )
    any_event = exists().where(CheckInEvent.session_id == ActivitySession.id)
    rows = session.scalars(
        select(ActivitySession)
        .where(ActivitySession.ends_at < now, any_event, or_(ActivitySession.digested_at.is_(None), late))
        .order_by(ActivitySession.id)
        .limit(500)
    ).all()
    done = 0
    for row in rows:
        if window(
            starts_at=row.starts_at, ends_at=row.ends_at, opens_before_min=row.activity.opens_before_min,
            closes_after_min=row.activity.closes_after_min, opened_at=row.opened_at, closes_at=row.closes_at,
        )[1] > now:  # fmt: skip
            continue
        count, value = session_digest(session, row.id)
        row.digested_at = now
        record(
            session, "checkin.digest", actor=SYSTEM, object_type="activity", object_code=row.activity.code, now=now,
            payload={"session": row.code, "events": count, "digest": value},
        )  # fmt: skip
        done += 1
    return done

"""Sealing: a digest of a session's events enters the log when it closes and at submission; every digest can be checked."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Select, exists, func, select, text
from sqlalchemy.orm import Session

from app.activities.models import Activity, ActivitySession
from app.activities.rules import window
from app.audit.log import record
from app.audit.models import AuditEntry
from app.checkin.models import CheckInEvent
from app.checkin.sealing import (
    COLUMNS,
    DIGEST,
    EVENTS_NAME,
    FORM,
    Checked,
    by_session,
    digest_of,
    event_line,
    find_misfit,
    read_sealed,
)
from app.kernel.actor import SYSTEM

AT_ONCE = 500
PAUSE, PAUSES, FEW = 0.02, 100, 5  # seconds, times: for writers that are under way
# Who has begun to insert holds this lock before the id is drawn, and until the commit is to be seen.
_WRITERS = text("""
SELECT virtualtransaction FROM pg_locks
WHERE locktype = 'relation' AND relation = 'check_in_event'::regclass AND mode = 'RowExclusiveLock' AND granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND pid <> pg_backend_pid()
""")


def session_digest(session: Session, session_id: int, *, upto: int | None = None) -> tuple[int, str]:
    """Number of a session's events up to this id, and the digest over them; None is all."""
    return digest_of(_events(session, session_id, upto=upto))


def _events(session: Session, session_id: int, *, upto: int | None = None) -> Iterator[Any]:
    statement = select(*(getattr(CheckInEvent, name) for name in COLUMNS[FORM])).order_by(CheckInEvent.id)
    statement = statement.where(CheckInEvent.session_id == session_id)
    if upto is not None:
        statement = statement.where(CheckInEvent.id <= upto)
    yield from session.execute(statement).mappings()


def last_settled(session: Session, *, pauses: int = PAUSES) -> int | None:
    """The newest event; from now on none with a smaller id comes to light. None while somebody does not end.

    On PostgreSQL a greater id may be committed first. Nobody is held up: the writers of this moment are waited for.
    """
    last = session.scalar(select(func.max(CheckInEvent.id))) or 0
    if session.get_bind().dialect.name != "postgresql":
        return last
    writing = set(session.scalars(_WRITERS))
    for _ in range(pauses):
        if not writing:
            return last
        time.sleep(PAUSE)
        writing &= set(session.scalars(_WRITERS))
    return None


def digest_closed_sessions(session: Session, *, now: datetime) -> int:
    """A digest of each session's events enters the chain when it closes, and again for late events.

    What is late is told by the events' ids and not by any clock.
    """
    upto = last_settled(session)
    if upto is None:
        return 0  # the next round is a minute away
    rows = session.scalars(_with_fresh_events(upto).where(ActivitySession.ends_at < now).limit(AT_ONCE)).all()
    closed = [row for row in rows if _closes_at(row) <= now]
    for row in closed:
        _record(session, row, upto=upto, now=now)
    return len(closed)


def digest_activity(session: Session, activity: Activity, *, now: datetime) -> None:
    """What is submitted and what is approved is covered from that moment, whether or not the sign-in has closed.

    While somebody does not end, it is left to the worker: he may wait for the activity, which is locked here.
    """
    upto = last_settled(session, pauses=FEW)
    if upto is None:
        return
    for row in session.scalars(_with_fresh_events(upto).where(ActivitySession.activity_id == activity.id)):
        _record(session, row, upto=upto, now=now)


def _with_fresh_events(upto: int) -> Select[ActivitySession]:
    """Sessions with an event that no digest covers, up to this id."""
    covered = func.coalesce(ActivitySession.digested_to, 0)
    fresh = exists().where(
        CheckInEvent.session_id == ActivitySession.id, CheckInEvent.id > covered, CheckInEvent.id <= upto
    )
    return select(ActivitySession).where(fresh).order_by(ActivitySession.id)


def _record(session: Session, row: ActivitySession, *, upto: int, now: datetime) -> None:
    count, value = session_digest(session, row.id, upto=upto)
    row.digested_at, row.digested_to = now, upto
    record(
        session, DIGEST, actor=SYSTEM, object_type="activity", object_code=row.activity.code, now=now,
        payload={"session": row.code, "events": count, "digest": value, "form": FORM},
    )  # fmt: skip


def _closes_at(row: ActivitySession) -> datetime:
    return window(
        starts_at=row.starts_at, ends_at=row.ends_at, opens_before_min=row.activity.opens_before_min,
        closes_after_min=row.activity.closes_after_min, opened_at=row.opened_at, closes_at=row.closes_at,
    )[1]  # fmt: skip


def verify_digests(session: Session) -> Checked:
    """Compute every digest of the log anew from the events. The chain itself is verified before (audit.checkpoint)."""
    statement = select(AuditEntry.seq, AuditEntry.body).where(AuditEntry.action == DIGEST).order_by(AuditEntry.seq)
    sealed = by_session(read_sealed(seq, json.loads(body)) for seq, body in session.execute(statement))
    for code, entries in sealed.items():
        session_id = session.scalar(select(ActivitySession.id).where(ActivitySession.code == code))
        misfit = find_misfit(entries, _events(session, session_id or 0))
        if misfit is not None:
            return Checked(len(sealed), misfit)
    return Checked(len(sealed))


def write_events(session: Session, folder: Path) -> int:
    """Every event beside the exported log, a session's together in the order of their ids; returns how many.

    An event holds no personal value; whom and what it names are numbers.
    """
    count = 0
    sessions = session.execute(select(ActivitySession.id, ActivitySession.code).order_by(ActivitySession.id)).all()
    with (folder / EVENTS_NAME).open("w", encoding="utf-8") as file:
        for session_id, code in sessions:
            for event in _events(session, session_id):
                file.write(event_line(code, event))
                count += 1
    return count

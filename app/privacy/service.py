"""The purge: what retention.toml says is due goes, and counts stay."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, Table, and_, delete, or_, select, update
from sqlalchemy.orm import Session

from app.audit.log import record
from app.evidence.models import EvidenceItem
from app.kernel.actor import SYSTEM
from app.kernel.database import Base
from app.organisation.models import SystemState
from app.privacy.queries import due_rows, of_registration, to_erase
from app.privacy.retention import Item, load_retention
from app.registration.models import Registration

GONE = "已注销"
# What a purge reports; the rest (expired devices, wrong tries) is housekeeping that nobody has to read.
COUNTED = {"evidence_item": "pictures", "guardian_consent": "consents", "feedback": "feedback",
           "user_account": "accounts", "audit_detail": "texts"}  # fmt: skip


def purge(session: Session, *, now: datetime) -> dict[str, int]:
    """Remove what is due; returns counts by sort, and keeps them in the log when anything went.

    Figures do not move: registrations, check-ins, facts and seals stay as they are.
    """
    session.flush()
    counts = dict.fromkeys(("registrations", *COUNTED.values()), 0)
    counts["registrations"] = _count(session, update(Registration).where(to_erase(now)).values(erased_at=now))
    for item in load_retention().items:
        if item.how == "keep":
            continue
        table = Base.metadata.tables[item.table]
        changed = _remove(session, item, table, due_rows(table, item.rule, now), now)
        name = COUNTED.get(item.table)
        if name and not (name == "pictures" and item.how != "picture"):
            counts[name] += changed
    session.expire_all()
    if any(counts.values()):
        payload = {name: number for name, number in counts.items() if number}
        record(session, "privacy.purged", actor=SYSTEM, object_type="privacy", object_code="purge", now=now,
               payload=payload)  # fmt: skip
    return counts


def _remove(session: Session, item: Item, table: Table, which: ColumnElement[bool], now: datetime) -> int:
    columns = [table.c[name] for name in item.names]
    if item.how == "delete":
        return _count(session, delete(table).where(which))
    if item.how == "picture":
        here = or_(and_(which, table.c.slot.in_(item.slots)), table.c.expires_at <= now)
        fresh = and_(here, table.c.expired_at.is_(None), table.c.stored_sha256.is_not(None))
        return _count(session, update(EvidenceItem).where(fresh).values(expired_at=now))
    if item.how == "anonymise":
        values: dict[str, Any] = {
            "name": GONE,
            "login": "gone-" + table.c.code,
            "password_hash": "",
            "totp_secret": None,
        }
        return _count(session, update(table).where(which, table.c.name != GONE).values(**values))
    empty = {column.name: None if column.nullable else "" for column in columns}
    filled = or_(*(column.is_not(None) if column.nullable else column != "" for column in columns))
    if "erased_at" in table.c and table.name != Registration.__tablename__:
        return _count(session, update(table).where(which, filled).values(**empty, erased_at=now))
    return _count(session, update(table).where(which, filled).values(**empty))


def _count(session: Session, statement: Any) -> int:
    done = cast("CursorResult[Any]", session.execute(statement, execution_options={"synchronize_session": False}))
    return int(done.rowcount)


def erase_again(session: Session, codes: Iterable[str], *, now: datetime) -> int:
    """Registrations that a person had erased, after a restore brought their values back; returns how many had any."""
    ways = ("delete", "null")
    items = [i for i in load_retention().items if i.rule.kind == "activity" and i.how in ways and i.with_own]
    back = 0
    for code in codes:
        registration = session.scalar(select(Registration).where(Registration.code == code))
        if registration is None:
            continue
        found = 0
        for item in items:
            table = Base.metadata.tables[item.table]
            if "registration_id" in table.c or table.name in ("registration", "audit_detail"):
                found += _remove(session, item, table, of_registration(table, registration), now)
        if registration.erased_at is None:
            registration.erased_at = now
            found += 1
        back += bool(found)
    session.flush()
    return back


def set_mark(session: Session, name: str, value: str) -> None:
    """Keep a small fact about the night's work."""
    row = session.get(SystemState, name)
    if row is None:
        session.add(SystemState(name=name, value=value[:200]))
    else:
        row.value = value[:200]
    session.flush()

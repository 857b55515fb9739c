"""Writing the log: buffered by `record`, chained as the last step of the caller's transaction."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.audit.actions import ACTIONS
from app.audit.chain import GENESIS, VERSION, Link, canonical, commitment, link_hash
from app.audit.models import AuditDetail, AuditEntry
from app.kernel.actor import Actor
from app.kernel.database import before_commit

ADVISORY_LOCK = 5_140_001  # PostgreSQL; any constant that nothing else uses
ORIGIN = "shiliu"


@dataclass(slots=True)
class _Pending:
    action: str
    actor: Actor
    object_type: str
    object_code: str
    at: datetime
    payload: dict[str, Any]
    private: dict[str, str] = field(default_factory=dict)


def record(
    session: Session,
    action: str,
    *,
    actor: Actor,
    object_type: str,
    object_code: str,
    now: datetime,
    payload: dict[str, Any] | None = None,
    private: dict[str, str] | None = None,
) -> None:
    """Keep one entry for this transaction.

    `payload` holds ids, enums and numbers only; free text goes into `private`, which the
    chain keeps as a salted commitment. Raises KeyError for an action or key that is not listed.
    """
    allowed = ACTIONS[action]
    for name in payload or {}:
        if name not in allowed.keys:
            raise KeyError(f"{action} has no payload key {name}")
    for name in private or {}:
        if name not in allowed.private:
            raise KeyError(f"{action} has no private key {name}")
    session.info.setdefault("audit", []).append(
        _Pending(
            action, actor, object_type, object_code, now, payload or {},
            {name: value for name, value in (private or {}).items() if value},
        )
    )  # fmt: skip


@before_commit
def append_pending(session: Session) -> None:
    """Lock, then append what `record` kept. The lock is the last one a transaction takes."""
    pending: list[_Pending] = session.info.pop("audit", [])
    if not pending:
        return
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
    last = session.execute(select(AuditEntry.seq, AuditEntry.hash).order_by(AuditEntry.seq.desc()).limit(1)).first()
    seq, previous = (last.seq, last.hash) if last else (0, GENESIS)
    for item in pending:
        seq += 1
        previous = _append(session, item, seq, previous)
    session.flush()


_HEAD = "SELECT hash FROM audit_entry ORDER BY seq DESC LIMIT 1"


def head(session: Session) -> str:
    """The hash of the last entry, empty before the first: another one means that something was written."""
    found = session.connection().exec_driver_sql(_HEAD).first()  # every kept page asks: no statement is compiled for it
    return str(found[0]) if found else ""


def _append(session: Session, item: _Pending, seq: int, previous: str) -> str:
    payload = dict(item.payload)
    for name, value in item.private.items():
        salt = secrets.token_hex(16)
        payload[name] = {"commit": commitment(salt, value)}
        session.add(AuditDetail(seq=seq, name=name, salt=salt, value=value))
    body = canonical(
        {
            "v": VERSION,
            "origin": ORIGIN,
            "seq": seq,
            "at": item.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "actor_kind": item.actor.kind,
            "actor_code": item.actor.user_code,
            "actor_unit": item.actor.unit_path,
            "role": ",".join(sorted({grant.role.value for grant in item.actor.grants})),
            "action": item.action,
            "object_type": item.object_type,
            "object_code": item.object_code,
            "payload": payload,
            "prev": previous,
        }
    )
    hash_ = link_hash(body)
    session.add(
        AuditEntry(
            seq=seq, at=item.at, actor_kind=item.actor.kind, actor_code=item.actor.user_code,
            actor_unit=item.actor.unit_path,
            role=",".join(sorted({grant.role.value for grant in item.actor.grants})),
            action=item.action, object_type=item.object_type, object_code=item.object_code,
            body=body, previous=previous, hash=hash_,
        )
    )  # fmt: skip
    return hash_


def as_link(entry: AuditEntry) -> Link:
    """The row as the verifier reads it; a changed filter column is found too."""
    return Link(
        seq=entry.seq,
        body=entry.body,
        previous=entry.previous,
        hash=entry.hash,
        columns={
            "at": entry.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "actor_kind": entry.actor_kind,
            "actor_code": entry.actor_code,
            "actor_unit": entry.actor_unit,
            "role": entry.role,
            "action": entry.action,
            "object_type": entry.object_type,
            "object_code": entry.object_code,
        },
    )


def entry_body(entry: AuditEntry) -> dict[str, Any]:
    """The parsed canonical body."""
    parsed: dict[str, Any] = json.loads(entry.body)
    return parsed

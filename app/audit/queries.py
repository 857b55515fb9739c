"""Reading the log: filtered pages, one entry opened, the whole chain streamed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from app.audit.actions import ACTIONS
from app.audit.chain import Link, Verdict, commitment
from app.audit.folder import verify_with_heads
from app.audit.log import as_link, entry_body
from app.audit.models import AuditDetail, AuditEntry, Checkpoint
from app.kernel.errors import NotFound

BATCH = 2000


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Every field narrows; None and empty text mean all."""

    since: datetime | None = None
    action: str = ""
    role: str = ""
    object_code: str = ""


@dataclass(frozen=True, slots=True)
class OpenedEntry:
    """One entry with its texts, and what stood before and after."""

    entry: AuditEntry
    label: str
    payload: dict[str, Any]
    texts: dict[str, str]
    erased: tuple[str, ...]
    changes: list[tuple[str, Any, Any]]


def _filtered(statement: Select[Any], wanted: LogFilter) -> Select[Any]:
    if wanted.since is not None:
        statement = statement.where(AuditEntry.at >= wanted.since)
    if wanted.action in ACTIONS:
        statement = statement.where(AuditEntry.action == wanted.action)
    if wanted.role == "system":
        statement = statement.where(AuditEntry.actor_kind == "system")
    elif wanted.role:
        statement = statement.where(AuditEntry.role.contains(wanted.role, autoescape=True))
    if wanted.object_code:
        statement = statement.where(AuditEntry.object_code == wanted.object_code)
    return statement


def list_entries(session: Session, wanted: LogFilter, *, page: int, size: int = 30) -> tuple[list[AuditEntry], int]:
    """One page, newest first, and the number of all that match."""
    total = session.scalar(_filtered(select(func.count()).select_from(AuditEntry), wanted)) or 0
    rows = session.scalars(
        _filtered(select(AuditEntry), wanted).order_by(AuditEntry.seq.desc()).limit(size).offset((page - 1) * size)
    )
    return list(rows), total


def open_entry(session: Session, seq: int) -> OpenedEntry:
    """The entry with its erasable texts checked against their commitments. Raises NotFound."""
    entry = session.get(AuditEntry, seq)
    if entry is None:
        raise NotFound("没有这一条记录。")
    payload: dict[str, Any] = entry_body(entry)["payload"]
    details = {row.name: row for row in session.scalars(select(AuditDetail).where(AuditDetail.seq == seq))}
    committed = [name for name, value in payload.items() if isinstance(value, dict) and "commit" in value]
    texts = {
        name: details[name].value
        for name in committed
        if name in details and commitment(details[name].salt, details[name].value) == payload[name]["commit"]
    }
    before, after = (None if name in committed else payload.get(name) for name in ("before", "after"))
    return OpenedEntry(
        entry=entry,
        label=ACTIONS[entry.action].label if entry.action in ACTIONS else entry.action,
        payload={k: v for k, v in payload.items() if k not in (*committed, "before", "after")},
        texts=texts,
        erased=tuple(name for name in committed if name not in texts),
        changes=_changes(before, after),
    )


def _changes(before: Any, after: Any) -> list[tuple[str, Any, Any]]:
    if isinstance(before, dict) or isinstance(after, dict):
        first, second = before or {}, after or {}
        return [(key, first.get(key), second.get(key)) for key in sorted({*first, *second})]
    if before is None and after is None:
        return []
    return [("", before, after)]


def stream_links(session: Session) -> Iterator[Link]:
    """Every link from the first, in batches: the log may be long."""
    last = -1
    while True:
        rows = list(
            session.scalars(select(AuditEntry).where(AuditEntry.seq > last).order_by(AuditEntry.seq).limit(BATCH))
        )
        if not rows:
            return
        for row in rows:
            yield as_link(row)
        last = rows[-1].seq
        session.expunge_all()


def checkpoint_roots(session: Session) -> dict[int, str]:
    """Size → root (hex) of every signed tree head."""
    return {row.size: row.root for row in session.execute(select(Checkpoint.size, Checkpoint.root))}


def checkpoint_notes(session: Session) -> list[tuple[int, str]]:
    """Size and signed text of every tree head, oldest first."""
    rows = session.execute(select(Checkpoint.size, Checkpoint.note).order_by(Checkpoint.size))
    return [(row.size, row.note) for row in rows]


def verify_log(session: Session) -> Verdict:
    """Verify chain and tree heads as they stand in this database."""
    return verify_with_heads(stream_links(session), checkpoint_roots(session))


def latest_checkpoint(session: Session) -> Checkpoint | None:
    """The newest signed tree head."""
    return session.scalar(select(Checkpoint).order_by(Checkpoint.size.desc()).limit(1))

"""The chained log, and the erasable side table of what must not stay for ever."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.database import Base, IdMixin, UtcDateTime


class AuditEntry(Base):
    """One link: `body` is the canonical JSON that `hash` covers; the columns repeat it for filters."""

    __tablename__ = "audit_entry"
    __table_args__ = (Index(None, "action", "seq"), Index(None, "object_type", "object_code"))

    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    actor_kind: Mapped[str] = mapped_column(String(12))
    actor_code: Mapped[str] = mapped_column(String(12), default="")
    actor_unit: Mapped[str] = mapped_column(String(120), default="")
    role: Mapped[str] = mapped_column(String(120), default="")
    action: Mapped[str] = mapped_column(String(40))
    object_type: Mapped[str] = mapped_column(String(24))
    object_code: Mapped[str] = mapped_column(String(40))
    body: Mapped[str] = mapped_column(Text)
    previous: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64), unique=True)


class AuditDetail(IdMixin, Base):
    """A free text behind a salted commitment of the chain. Erasing the row keeps the chain whole."""

    __tablename__ = "audit_detail"
    __table_args__ = (Index(None, "seq"),)

    seq: Mapped[int]
    name: Mapped[str] = mapped_column(String(40))
    salt: Mapped[str] = mapped_column(String(32))
    value: Mapped[str] = mapped_column(Text)


class Checkpoint(IdMixin, Base):
    """A signed tree head (C2SP tlog-checkpoint text) over the first `size` entries."""

    __tablename__ = "checkpoint"

    size: Mapped[int] = mapped_column(unique=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    root: Mapped[str] = mapped_column(String(64))
    note: Mapped[str] = mapped_column(Text)

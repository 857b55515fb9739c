"""佐证材料: what was uploaded, its hashes, and which pictures look alike."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.database import Base, CodeMixin, UtcDateTime, enum_check


class EvidenceKind(StrEnum):
    PHOTO = "photo"
    DOCUMENT = "document"  # a picture of a paper, or title + number + date alone
    LINK = "link"


class EvidenceState(StrEnum):
    CURRENT = "current"
    REMOVED = "removed"  # before submission, by the organizer
    SUPERSEDED = "superseded"
    REDACTED = "redacted"


class MatchState(StrEnum):
    OPEN = "open"
    SAME = "same"
    DIFFERENT = "different"


class EvidenceItem(CodeMixin, Base):
    """One item in a slot. After approval it is immutable but for supersede and redact."""

    __tablename__ = "evidence_item"
    __table_args__ = (
        enum_check("kind", EvidenceKind),
        enum_check("state", EvidenceState),
        Index(None, "activity_id", "slot"),
    )

    activity_id: Mapped[int] = mapped_column(ForeignKey("activity.id"))
    slot: Mapped[str] = mapped_column(String(20))
    kind: Mapped[str] = mapped_column(String(10))
    state: Mapped[str] = mapped_column(String(12), default=EvidenceState.CURRENT)
    caption: Mapped[str] = mapped_column(String(100), default="")
    file_name: Mapped[str] = mapped_column(String(120), default="")
    original_sha256: Mapped[str | None] = mapped_column(String(64), index=True)
    stored_sha256: Mapped[str | None] = mapped_column(String(64))
    thumb_sha256: Mapped[str | None] = mapped_column(String(64))
    row_hash: Mapped[str | None] = mapped_column(String(16))
    column_hash: Mapped[str | None] = mapped_column(String(16))
    width: Mapped[int | None]
    height: Mapped[int | None]
    size: Mapped[int | None]
    claimed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # what the camera says
    had_position: Mapped[bool] = mapped_column(default=False)
    document_number: Mapped[str] = mapped_column(String(40), default="")
    dated_on: Mapped[date | None]
    link: Mapped[str] = mapped_column(String(300), default="")
    shows_minors: Mapped[bool | None]  # exception to the set's answer
    may_publish: Mapped[bool | None]
    uploaded_at: Mapped[datetime] = mapped_column(UtcDateTime)
    uploaded_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    superseded_by_id: Mapped[int | None] = mapped_column(ForeignKey("evidence_item.id"))
    reason: Mapped[str] = mapped_column(String(200), default="")
    hidden_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # a family asked; the public page shows it no more
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # a sign-in sheet or a consent form
    expired_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # its picture is gone, the hashes stay


class PhotoBand(Base):
    """One 8-bit band of a picture's hash: near pictures share at least one."""

    __tablename__ = "photo_band"
    __table_args__ = (Index(None, "position", "value"),)

    item_id: Mapped[int] = mapped_column(ForeignKey("evidence_item.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    value: Mapped[int]


class PhotoMatch(CodeMixin, Base):
    """Two pictures that are or look the same; a person decides."""

    __tablename__ = "photo_match"
    __table_args__ = (UniqueConstraint("item_id", "other_id"), enum_check("state", MatchState))

    item_id: Mapped[int] = mapped_column(ForeignKey("evidence_item.id"))
    other_id: Mapped[int] = mapped_column(ForeignKey("evidence_item.id"), index=True)
    is_exact: Mapped[bool]
    distance: Mapped[int]
    state: Mapped[str] = mapped_column(String(10), default=MatchState.OPEN)
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class TakedownState(StrEnum):
    OPEN = "open"
    REMOVED = "removed"
    KEPT = "kept"


class Takedown(CodeMixin, Base):
    """“有我或我的孩子，请撤下”: the picture hides at once, and the organizer is asked afterwards. Nobody's name."""

    __tablename__ = "takedown"
    __table_args__ = (enum_check("state", TakedownState),)

    item_id: Mapped[int] = mapped_column(ForeignKey("evidence_item.id"), index=True)
    state: Mapped[str] = mapped_column(String(8), default=TakedownState.OPEN)
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))

"""报名 and the one table of personal values."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.database import Base, CodeMixin, UtcDateTime, enum_check


class RegistrationState(StrEnum):
    PENDING = "pending"
    CONFIRMED = "confirmed"
    WAITLISTED = "waitlisted"
    CANCELLED = "cancelled"


class RegistrationKind(StrEnum):
    INDIVIDUAL = "individual"
    PARTY = "party"
    WALK_IN = "walk_in"  # takes no registration place
    COUNT = "count"  # made by a count afterwards


class Registration(CodeMixin, Base):
    """报名. Holds counts and digests only; names and phones stand in `personal_detail`.

    `queue` orders the waitlist: it is set when the registration joins the line and never changes.
    """

    __tablename__ = "registration"
    __table_args__ = (
        enum_check("state", RegistrationState),
        enum_check("kind", RegistrationKind),
        Index(None, "activity_id", "state", "session_id"),
        Index(
            "uq_registration_phone",
            "activity_id",
            "phone_index",
            unique=True,
            sqlite_where=text("phone_index IS NOT NULL AND state <> 'cancelled'"),
            postgresql_where=text("phone_index IS NOT NULL AND state <> 'cancelled'"),
        ),
        Index("uq_registration_submission", "activity_id", "submission", unique=True),
        Index(None, "activity_id", "ticket_code_index"),
        Index(None, "activity_id", "tail_index"),
    )

    activity_id: Mapped[int] = mapped_column(ForeignKey("activity.id"))
    session_id: Mapped[int | None] = mapped_column(ForeignKey("activity_session.id"))
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"), index=True)
    kind: Mapped[str] = mapped_column(String(12))
    state: Mapped[str] = mapped_column(String(12))
    adults: Mapped[int]
    children: Mapped[int] = mapped_column(default=0)
    queue: Mapped[int | None] = mapped_column(index=True)
    secret_hash: Mapped[str | None] = mapped_column(String(64), unique=True)
    ticket_code_index: Mapped[str | None] = mapped_column(String(32))
    phone_index: Mapped[str | None] = mapped_column(String(32))
    tail_index: Mapped[str | None] = mapped_column(String(32))
    submission: Mapped[str | None] = mapped_column(String(32))  # of the form; a second submit is the same
    browser_index: Mapped[str | None] = mapped_column(String(32))
    consent_version: Mapped[str] = mapped_column(String(20), default="")
    consented_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    cancelled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    promoted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    seen_changes_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    erased_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    @property
    def headcount(self) -> int:
        return self.adults + self.children


class PersonalDetail(Base):
    """The only table with a participant's values; a row dies, the registration stays."""

    __tablename__ = "personal_detail"

    registration_id: Mapped[int] = mapped_column(ForeignKey("registration.id"), primary_key=True)
    name: Mapped[str | None] = mapped_column(String(40))
    phone: Mapped[bytes | None] = mapped_column(LargeBinary)

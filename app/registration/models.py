"""报名 and the one table of personal values."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, String, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.database import Base, CodeMixin, IdMixin, UtcDateTime, enum_check


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
        Index(
            None,
            "erased_at",
            sqlite_where=text("erased_at IS NOT NULL"),
            postgresql_where=text("erased_at IS NOT NULL"),
        ),  # of the erased alone: who registers writes no entry into it
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
    is_minor: Mapped[bool] = mapped_column(default=False, server_default=false())
    offered_until: Mapped[datetime | None] = mapped_column(UtcDateTime)  # a place that waits for an answer
    declined_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    decline_reason: Mapped[str | None] = mapped_column(String(200))  # the organizer's words to the participant

    @property
    def headcount(self) -> int:
        return self.adults + self.children


class PersonalDetail(Base):
    """The only table with a participant's values; a row dies, the registration stays."""

    __tablename__ = "personal_detail"

    registration_id: Mapped[int] = mapped_column(ForeignKey("registration.id"), primary_key=True)
    name: Mapped[str | None] = mapped_column(String(40))
    phone: Mapped[bytes | None] = mapped_column(LargeBinary)
    email: Mapped[bytes | None] = mapped_column(LargeBinary)
    answers: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))  # by the question's code


class PartyClass(IdMixin, Base):
    """One class of a party: how many are expected. No child's name has a place here."""

    __tablename__ = "party_class"
    __table_args__ = (UniqueConstraint("registration_id", "position"),)

    registration_id: Mapped[int] = mapped_column(ForeignKey("registration.id"))
    position: Mapped[int]
    label: Mapped[str] = mapped_column(String(30))  # 三年级2班
    pupils: Mapped[int]
    adults: Mapped[int]
    without_photo: Mapped[int] = mapped_column(default=0)  # pupils whose families want no photo


class ConsentWay(StrEnum):
    LINK = "link"  # the guardian's own phone
    PAPER = "paper"  # a photo of the signed form, kept as protected evidence until it expires
    SCHOOL = "school"  # declared by the school, the paper stays there


class GuardianConsent(IdMixin, Base):
    """A guardian's consent to a named minor: which text, who, when, how. Without it no name is stored."""

    __tablename__ = "guardian_consent"
    __table_args__ = (enum_check("way", ConsentWay), UniqueConstraint("registration_id"))

    registration_id: Mapped[int] = mapped_column(ForeignKey("registration.id"))
    way: Mapped[str] = mapped_column(String(8))
    text_version: Mapped[str] = mapped_column(String(20))
    secret_hash: Mapped[str | None] = mapped_column(String(64), unique=True)  # of the one-time link
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    given_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    given_as: Mapped[str | None] = mapped_column(String(10))  # 父亲、母亲、其他监护人
    paper_sha256: Mapped[str | None] = mapped_column(String(64))
    recorded_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))


class MailKind(StrEnum):
    CONFIRMED = "confirmed"
    WAITLISTED = "waitlisted"
    PROMOTED = "promoted"
    CHANGED = "changed"
    REMINDER = "reminder"
    CANCELLED = "cancelled"
    DECLINED = "declined"


class MailNotice(IdMixin, Base):
    """A letter to send after the commit. It holds no address: that is read when it is sent, and may be gone by then."""

    __tablename__ = "mail_notice"
    __table_args__ = (enum_check("kind", MailKind), Index(None, "sent_at", "next_try_at"))

    registration_id: Mapped[int] = mapped_column(ForeignKey("registration.id"), index=True)
    kind: Mapped[str] = mapped_column(String(12))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    next_try_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # None: given up or sent
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    tries: Mapped[int] = mapped_column(default=0)
    problem: Mapped[str] = mapped_column(String(40), default="")  # a word of a closed list, never the server's text

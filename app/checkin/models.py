"""签到: append-only events, and the projection that totals read."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.database import Base, CodeMixin, IdMixin, UtcDateTime, enum_check


class EventKind(StrEnum):
    ARRIVAL = "arrival"
    REFUSAL = "refusal"
    UNDO = "undo"
    RESOLUTION = "resolution"


class Grade(StrEnum):
    """How a check-in is known; shown in words and never as a letter."""

    A = "A"  # 扫码核验
    B = "B"  # 现场码
    C = "C"  # 张贴码
    D = "D"  # 清点/补录


class Method(StrEnum):
    """The door."""

    LIVE_CODE = "live_code"
    VENUE_CODE = "venue_code"
    PRINTED_CODE = "printed_code"
    TICKET_SCAN = "ticket_scan"
    TICKET_CODE = "ticket_code"
    PHONE_TAIL = "phone_tail"
    DESK_WALK_IN = "desk_walk_in"
    PARTY_CONFIRMED = "party_confirmed"
    PARTY_OWN = "party_own"  # the teacher's own number
    COUNT = "count"
    PAPER = "paper"


class Outcome(StrEnum):
    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    TOO_EARLY = "too_early"
    TOO_LATE = "too_late"
    EXPIRED = "expired"
    REVOKED = "revoked"
    UNKNOWN = "unknown"
    FOREIGN = "foreign"
    CANCELLED = "cancelled"
    NOT_CONFIRMED = "not_confirmed"
    TOO_MANY = "too_many"
    ACTIVITY_CLOSED = "activity_closed"
    UNDONE = "undone"
    NOTHING_TO_UNDO = "nothing_to_undo"
    QUARANTINED = "quarantined"  # 待核实: what a phone recorded and does not fit
    CONFLICT = "conflict"  # the registration was cancelled before the scan


class CheckInEvent(IdMixin, Base):
    """Every scan, also the refused. Holds no personal value and no scanned text.

    `uid` is made where the event happened; it is the unique key that makes a retry harmless.
    """

    __tablename__ = "check_in_event"
    __table_args__ = (
        UniqueConstraint("uid"),
        enum_check("kind", EventKind),
        enum_check("outcome", Outcome),
        CheckConstraint("headcount >= 0", name="headcount"),
        Index(None, "session_id", "id"),
        Index(None, "registration_id"),
        # Of phones only: the hot path writes no entry into it.
        Index(
            None, "device_id", "counter", sqlite_where=text("device_id IS NOT NULL"),
            postgresql_where=text("device_id IS NOT NULL"),
        ),
    )  # fmt: skip

    uid: Mapped[str] = mapped_column(String(40))
    kind: Mapped[str] = mapped_column(String(12))
    outcome: Mapped[str] = mapped_column(String(16))
    activity_id: Mapped[int] = mapped_column(ForeignKey("activity.id"))
    session_id: Mapped[int] = mapped_column(ForeignKey("activity_session.id"))
    registration_id: Mapped[int | None] = mapped_column(ForeignKey("registration.id"))
    refers_to: Mapped[str | None] = mapped_column(String(40))
    headcount: Mapped[int]
    grade: Mapped[str | None] = mapped_column(String(1))
    method: Mapped[str] = mapped_column(String(16))
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    occurred_at: Mapped[datetime] = mapped_column(UtcDateTime)
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime)
    reason: Mapped[str] = mapped_column(String(20), default="")  # a closed list, never free text
    device_id: Mapped[int | None] = mapped_column(ForeignKey("device_grant.id"))
    counter: Mapped[int | None]  # the phone's own count of what it did; None where it tells no order


class CheckIn(IdMixin, Base):
    """Projection of the events: one per session and registration; it can be rebuilt."""

    __tablename__ = "check_in"
    __table_args__ = (
        UniqueConstraint("session_id", "registration_id"),
        CheckConstraint("grade_a + grade_b + grade_c + grade_d >= 1", name="headcount"),
        Index(None, "activity_id"),
    )

    activity_id: Mapped[int] = mapped_column(ForeignKey("activity.id"))
    session_id: Mapped[int] = mapped_column(ForeignKey("activity_session.id"))
    registration_id: Mapped[int] = mapped_column(ForeignKey("registration.id"), index=True)
    grade_a: Mapped[int] = mapped_column(default=0)
    grade_b: Mapped[int] = mapped_column(default=0)
    grade_c: Mapped[int] = mapped_column(default=0)
    grade_d: Mapped[int] = mapped_column(default=0)
    method: Mapped[str] = mapped_column(String(16))
    first_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_at: Mapped[datetime] = mapped_column(UtcDateTime)

    @property
    def headcount(self) -> int:
        return self.grade_a + self.grade_b + self.grade_c + self.grade_d


class DeviceGrant(CodeMixin, Base):
    """A helper's phone: paired for one session (or all, `session_id` None), until it expires or is revoked."""

    __tablename__ = "device_grant"
    __table_args__ = (UniqueConstraint("secret_hash"), Index(None, "activity_id"))

    activity_id: Mapped[int] = mapped_column(ForeignKey("activity.id"))
    session_id: Mapped[int | None] = mapped_column(ForeignKey("activity_session.id"))
    secret_hash: Mapped[str | None] = mapped_column(String(64))
    label: Mapped[str] = mapped_column(String(20), default="")  # 门口1, never a person's name
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    begins_at: Mapped[datetime] = mapped_column(UtcDateTime)  # no scan is older; of a phone paired again, the first
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_seen_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    waiting: Mapped[int] = mapped_column(default=0)  # the queue as the phone last told it


class HeldReason(StrEnum):
    UNKNOWN = "unknown"
    REVOKED = "revoked"
    IMPOSSIBLE_TIME = "impossible_time"
    CANCELLED = "cancelled"
    SEALED = "sealed"
    REFUSED = "refused"  # recorded without network, and refused when it arrived


class HeldState(StrEnum):
    OPEN = "open"
    COUNTED = "counted"
    NOT_COUNTED = "not_counted"
    WITHDRAWN = "withdrawn"  # the helper took the scan back


class HeldScan(CodeMixin, Base):
    """待核实: a scan that a phone recorded and that does not fit; the organizer decides. `uid` is its event's."""

    __tablename__ = "held_scan"
    __table_args__ = (
        UniqueConstraint("uid"),
        enum_check("reason", HeldReason),
        enum_check("state", HeldState),
        Index(None, "activity_id", "state"),
    )

    uid: Mapped[str] = mapped_column(String(40))
    activity_id: Mapped[int] = mapped_column(ForeignKey("activity.id"))
    session_id: Mapped[int] = mapped_column(ForeignKey("activity_session.id"))
    device_id: Mapped[int] = mapped_column(ForeignKey("device_grant.id"))
    registration_id: Mapped[int | None] = mapped_column(ForeignKey("registration.id"))
    reason: Mapped[str] = mapped_column(String(16))
    ticket_hash: Mapped[str | None] = mapped_column(String(64))  # of an unknown ticket, for a roster that comes later
    code_index: Mapped[str | None] = mapped_column(String(32))  # the same for a typed code
    is_walk_in: Mapped[bool] = mapped_column(default=False)
    people: Mapped[int]
    claimed_at: Mapped[datetime] = mapped_column(UtcDateTime)  # the time by the phone's clock, also an impossible one
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    state: Mapped[str] = mapped_column(String(12), default=HeldState.OPEN)
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))

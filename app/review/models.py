"""送审件, its append-only history, and the ActivityFact that approval freezes."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.database import Base, CodeMixin, IdMixin, UtcDateTime, enum_check


class CaseState(StrEnum):
    UNDER_REVIEW = "under_review"
    RETURNED = "returned"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


class ReviewEventKind(StrEnum):
    SUBMITTED = "submitted"
    WITHDRAWN = "withdrawn"
    RETURNED = "returned"
    APPROVED = "approved"
    REJECTED = "rejected"
    REOPENED = "reopened"


class ReviewCase(CodeMixin, Base):
    """One submission of an activity, in the hands of one reading office."""

    __tablename__ = "review_case"
    __table_args__ = (enum_check("state", CaseState), Index(None, "reader_unit_id", "state"))

    activity_id: Mapped[int] = mapped_column(ForeignKey("activity.id"), index=True)
    reader_unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    state: Mapped[str] = mapped_column(String(12), default=CaseState.UNDER_REVIEW)
    claimed_headcount: Mapped[int | None]  # what the organizer declares
    remark: Mapped[str] = mapped_column(String(300), default="")
    findings: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    flags: Mapped[int] = mapped_column(default=0)
    submitted_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    submitted_by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    reason: Mapped[str] = mapped_column(String(300), default="")


class ReviewEvent(IdMixin, Base):
    """审核记录: append-only."""

    __tablename__ = "review_event"
    __table_args__ = (enum_check("kind", ReviewEventKind), Index(None, "activity_id", "id"))

    activity_id: Mapped[int] = mapped_column(ForeignKey("activity.id"))
    case_id: Mapped[int | None] = mapped_column(ForeignKey("review_case.id"))
    kind: Mapped[str] = mapped_column(String(12))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"))
    reason: Mapped[str] = mapped_column(String(300), default="")
    seal: Mapped[str] = mapped_column(String(64), default="")


class ActivityFact(CodeMixin, Base):
    """What an approved activity counts, frozen; figures are sums over these rows.

    Reopening sets `withdrawn_at`; the next approval makes the next version.
    """

    __tablename__ = "activity_fact"
    __table_args__ = (
        UniqueConstraint("activity_id", "version"),
        Index(None, "year", "primary_task_id"),
        Index(None, "host_unit_id", "counted_on"),
    )

    activity_id: Mapped[int] = mapped_column(ForeignKey("activity.id"))
    version: Mapped[int]
    case_id: Mapped[int] = mapped_column(ForeignKey("review_case.id"))
    counted_on: Mapped[date]  # Shanghai date of the last session
    year: Mapped[int]
    month: Mapped[int]
    kind: Mapped[str] = mapped_column(String(20))
    origin: Mapped[str] = mapped_column(String(8))
    host_unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    primary_task_id: Mapped[int | None] = mapped_column(ForeignKey("task.id"))
    programme_id: Mapped[int | None] = mapped_column(ForeignKey("programme.id"))
    heritage_item_id: Mapped[int | None] = mapped_column(ForeignKey("heritage_item.id"))
    sessions: Mapped[int]
    grade_a: Mapped[int]
    grade_b: Mapped[int]
    grade_c: Mapped[int]
    grade_d: Mapped[int]
    adults: Mapped[int]
    children: Mapped[int]
    classes: Mapped[int] = mapped_column(default=0)
    pairs: Mapped[int] = mapped_column(default=0)
    reach: Mapped[int] = mapped_column(default=0)
    photos: Mapped[int] = mapped_column(default=0)
    seal: Mapped[str] = mapped_column(String(64))
    approved_at: Mapped[datetime] = mapped_column(UtcDateTime)
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    withdrawn_reason: Mapped[str] = mapped_column(String(300), default="")

    @property
    def participations(self) -> int:
        return self.grade_a + self.grade_b + self.grade_c + self.grade_d

    @property
    def verified(self) -> int:
        return self.grade_a + self.grade_b


class FactUnit(Base):
    """A unit reached by a fact: host, co-host, venue, or counted there."""

    __tablename__ = "fact_unit"

    fact_id: Mapped[int] = mapped_column(ForeignKey("activity_fact.id"), primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), primary_key=True, index=True)
    part: Mapped[str] = mapped_column(String(12), primary_key=True)


class MarkKind(StrEnum):
    PARTNER = "partner"  # a partner school or region
    MEDIA_LINK = "media_link"
    TAG = "tag"


class FactMark(IdMixin, Base):
    """Something of a fact that is counted once however often it occurs."""

    __tablename__ = "fact_mark"
    __table_args__ = (enum_check("mark", MarkKind), UniqueConstraint("fact_id", "mark", "value"))

    fact_id: Mapped[int] = mapped_column(ForeignKey("activity_fact.id"))
    mark: Mapped[str] = mapped_column(String(12))
    value: Mapped[str] = mapped_column(String(300))


class FactTask(Base):
    """A related task of a fact: shown as shared, never added."""

    __tablename__ = "fact_task"

    fact_id: Mapped[int] = mapped_column(ForeignKey("activity_fact.id"), primary_key=True)
    task_id: Mapped[int] = mapped_column(ForeignKey("task.id"), primary_key=True, index=True)

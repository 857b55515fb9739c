"""投诉 and 建议: without sign-in, found again by a receipt, answered by the office."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.database import Base, CodeMixin, UtcDateTime, enum_check


class FeedbackSort(StrEnum):
    COMPLAINT = "complaint"
    SUGGESTION = "suggestion"


class Feedback(CodeMixin, Base):
    """One message. What was written and the contact may hold personal values: both go with the retention period."""

    __tablename__ = "feedback"
    __table_args__ = (enum_check("sort", FeedbackSort), Index(None, "answered_at", "due_on"))

    sort: Mapped[str] = mapped_column(String(12))
    activity_id: Mapped[int | None] = mapped_column(ForeignKey("activity.id"), index=True)
    receipt_hash: Mapped[str] = mapped_column(String(64), unique=True)
    message: Mapped[str | None] = mapped_column(String(1000))
    contact: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    due_on: Mapped[date]
    answer: Mapped[str | None] = mapped_column(String(1000))
    answered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    answered_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    erased_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

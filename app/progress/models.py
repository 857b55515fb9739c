"""工作进展 and 建设项目: honest places for what is not an activity."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.database import Base, CodeMixin, UtcDateTime, enum_check


class ProgressState(StrEnum):
    """Shared by notes and establishments: reviewed like evidence."""

    UNDER_REVIEW = "under_review"
    RETURNED = "returned"
    APPROVED = "approved"


class NoteStage(StrEnum):
    DEPLOYED = "deployed"  # 已部署
    ISSUED = "issued"  # 已印发
    ESTABLISHED = "established"  # 已建立
    RUNNING = "running"  # 已运行


class EstablishmentKind(StrEnum):
    PRACTICE_BASE = "practice_base"
    LAW_BASE = "law_base"
    SCHOOL = "red_school"
    COMMUNITY = "red_community"
    BUS_LINE = "bus_line"


class EstablishmentLevel(StrEnum):
    CITY = "city"  # 市级
    DISTRICT = "district"  # 区级


class EstablishmentStage(StrEnum):
    PLANNED = "planned"
    UNDER_WAY = "under_way"
    NAMED = "named"


class ProgressNote(CodeMixin, Base):
    """A unit's dated note on a task or a safeguard; never summed, never a case or a person."""

    __tablename__ = "progress_note"
    __table_args__ = (
        enum_check("state", ProgressState),
        Index(None, "task_id", "noted_on"),
        Index(None, "unit_id", "noted_on"),
    )

    task_id: Mapped[int | None] = mapped_column(ForeignKey("task.id"))
    safeguard_id: Mapped[int | None] = mapped_column(ForeignKey("safeguard.id"))
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    noted_on: Mapped[date]
    text: Mapped[str] = mapped_column(String(300))
    stage: Mapped[str | None] = mapped_column(String(12))
    documents: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)  # ≤ 3: title, number, date
    state: Mapped[str] = mapped_column(String(12), default=ProgressState.UNDER_REVIEW)
    reason: Mapped[str] = mapped_column(String(200), default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))


class Establishment(CodeMixin, Base):
    """建设项目: a thing set up and kept, counted by kind and level once named and approved."""

    __tablename__ = "establishment"
    __table_args__ = (
        enum_check("kind", EstablishmentKind),
        enum_check("stage", EstablishmentStage),
        enum_check("state", ProgressState),
        Index(None, "kind", "level"),
    )

    kind: Mapped[str] = mapped_column(String(16))
    level: Mapped[str | None] = mapped_column(String(10))
    name: Mapped[str] = mapped_column(String(60))
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), index=True)
    stage: Mapped[str] = mapped_column(String(12))
    planned_on: Mapped[date | None]
    under_way_on: Mapped[date | None]
    named_on: Mapped[date | None]
    proof: Mapped[str] = mapped_column(String(200), default="")  # title and 文号 of what names it
    state: Mapped[str] = mapped_column(String(12), default=ProgressState.UNDER_REVIEW)
    reason: Mapped[str] = mapped_column(String(200), default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))

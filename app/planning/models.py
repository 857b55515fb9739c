"""工作计划 → 方面 → 任务 → 指标 → 目标, as the document prints them."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.kernel.database import Base, CodeMixin, IdMixin, UtcDateTime, enum_check


class TaskUnitRole(StrEnum):
    LEAD = "lead"
    RESPONSIBLE = "responsible"


class TargetOrigin(StrEnum):
    DOCUMENT = "document"  # printed in the plan; stays as printed
    OFFICE = "office"  # set by the administrator, with a reason


class Measure(StrEnum):
    """What an indicator counts (domain.md, Metrics)."""

    ACTIVITIES = "activities"
    SESSIONS = "sessions"
    PARTICIPATIONS = "participations"
    VERIFIED = "verified"
    SCHOOLS = "schools"
    TOWNS = "towns"
    UNITS = "units"
    ESTABLISHMENTS = "establishments"
    CLASSES = "classes"
    PAIRS = "pairs"
    PARTNERS = "partners"
    HERITAGE_ITEMS = "heritage_items"
    MEDIA_LINKS = "media_links"
    REACH = "reach"  # 估计覆盖, never 人次
    NOTES = "notes"


class Plan(CodeMixin, Base):
    """实施方案."""

    __tablename__ = "plan"

    pack: Mapped[str] = mapped_column(String(40), unique=True)
    document_number: Mapped[str] = mapped_column(String(40))
    title: Mapped[str] = mapped_column(String(120))
    issued_on: Mapped[date]
    issuer: Mapped[str] = mapped_column(String(120), default="")
    period_starts_on: Mapped[date]
    period_ends_on: Mapped[date | None]
    interim_on: Mapped[date | None]
    interim_text: Mapped[str] = mapped_column(String(120), default="")
    pack_digest: Mapped[str] = mapped_column(String(64))
    loaded_at: Mapped[datetime] = mapped_column(UtcDateTime)


class TaskGroup(IdMixin, Base):
    """方面."""

    __tablename__ = "task_group"
    __table_args__ = (UniqueConstraint("plan_id", "position"),)

    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.id"))
    position: Mapped[int]
    title: Mapped[str] = mapped_column(String(60))


class Task(IdMixin, Base):
    """任务: title and text as printed; short name and the two notes are ours, and editable data."""

    __tablename__ = "task"
    __table_args__ = (UniqueConstraint("plan_id", "number"),)

    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.id"))
    group_id: Mapped[int] = mapped_column(ForeignKey("task_group.id"), index=True)
    number: Mapped[int]
    title: Mapped[str] = mapped_column(String(60))
    short_title: Mapped[str] = mapped_column(String(30))
    text: Mapped[str] = mapped_column(Text)
    counts: Mapped[str] = mapped_column(Text, default="")
    excludes: Mapped[str] = mapped_column(Text, default="")
    platform_note: Mapped[str] = mapped_column(Text, default="")

    group: Mapped[TaskGroup] = relationship()


class TaskUnit(IdMixin, Base):
    """牵头 or 责任单位 of a task as printed; `unit_kind` stands for a class, e.g. 各镇（街道）."""

    __tablename__ = "task_unit"
    __table_args__ = (
        UniqueConstraint("task_id", "role", "position"),
        enum_check("role", TaskUnitRole),
    )

    task_id: Mapped[int] = mapped_column(ForeignKey("task.id"), index=True)
    role: Mapped[str] = mapped_column(String(12))
    position: Mapped[int]
    name: Mapped[str] = mapped_column(String(60))
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"), index=True)
    unit_kind: Mapped[str | None] = mapped_column(String(12))


class Indicator(CodeMixin, Base):
    """指标: a measure and a filter; our proposal, and editable data."""

    __tablename__ = "indicator"
    __table_args__ = (UniqueConstraint("task_id", "slug"), enum_check("measure", Measure))

    task_id: Mapped[int] = mapped_column(ForeignKey("task.id"), index=True)
    slug: Mapped[str] = mapped_column(String(40))
    position: Mapped[int]
    label: Mapped[str] = mapped_column(String(40))
    unit_word: Mapped[str] = mapped_column(String(8))
    measure: Mapped[str] = mapped_column(String(20))
    filters: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    retired_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    task: Mapped[Task] = relationship()


class Target(CodeMixin, Base):
    """目标: a value, a date where one is set, and where it comes from."""

    __tablename__ = "target"
    __table_args__ = (enum_check("origin", TargetOrigin), Index(None, "indicator_id"))

    indicator_id: Mapped[int] = mapped_column(ForeignKey("indicator.id"))
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"))
    origin: Mapped[str] = mapped_column(String(12))
    value: Mapped[int]
    due_on: Mapped[date | None]
    year: Mapped[int | None]  # an office target belongs to one year
    text: Mapped[str] = mapped_column(String(120), default="")  # as printed
    reason: Mapped[str] = mapped_column(String(200), default="")
    set_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    set_at: Mapped[datetime] = mapped_column(UtcDateTime)
    retired_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    retired_reason: Mapped[str] = mapped_column(String(200), default="")

    indicator: Mapped[Indicator] = relationship()


class Safeguard(IdMixin, Base):
    """保障措施: part three of the document, kept for its notes."""

    __tablename__ = "safeguard"
    __table_args__ = (UniqueConstraint("plan_id", "position"),)

    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.id"))
    position: Mapped[int]
    title: Mapped[str] = mapped_column(String(40))
    text: Mapped[str] = mapped_column(Text)

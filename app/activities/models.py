"""活动系列 → 活动 → 场次, and the units that host and take part."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.kernel.database import Base, CodeMixin, IdMixin, UtcDateTime, enum_check


class ActivityState(StrEnum):
    """Stored states; `ended` is derived from the sessions (see rules.shown_state)."""

    DRAFT = "draft"
    PUBLISHED = "published"
    CANCELLED = "cancelled"
    WITHDRAWN = "withdrawn"
    CLOSED = "closed"


class ReviewState(StrEnum):
    NOT_SUBMITTED = "not_submitted"
    UNDER_REVIEW = "under_review"
    RETURNED = "returned"
    APPROVED = "approved"
    REJECTED = "rejected"


class Audience(StrEnum):
    LINK = "link"
    UNIT = "unit"
    PUBLIC = "public"


class Listing(StrEnum):
    """Whether the public calendar shows it: 先审后发."""

    NONE = "none"
    WAITING = "waiting"
    LISTED = "listed"
    DECLINED = "declined"


class Attendance(StrEnum):
    ALL = "all"
    CHOOSE_ONE = "choose_one"


class Origin(StrEnum):
    LIVE = "live"
    PAPER = "paper"  # held on paper, entered afterwards
    IMPORTED = "imported"  # 历史导入


class UnitPart(StrEnum):
    CO_HOST = "co_host"
    TAKING_PART = "taking_part"  # 受邀; reached only when counted there
    VENUE = "venue"


class ProgrammeKind(StrEnum):
    PUBLICITY_MONTH = "publicity_month"
    YOUTH_EXCHANGE = "youth_exchange"
    TOURISM_EXCHANGE = "tourism_exchange"
    HERITAGE_SEASON = "heritage_season"
    SERIES = "series"


class HeritageItem(CodeMixin, Base):
    """非遗项目."""

    __tablename__ = "heritage_item"
    __table_args__ = (UniqueConstraint("name"),)

    name: Mapped[str] = mapped_column(String(40))
    level: Mapped[str] = mapped_column(String(12), default="")
    category: Mapped[str] = mapped_column(String(20), default="")


class Programme(CodeMixin, Base):
    """系列活动: groups activities over a period."""

    __tablename__ = "programme"
    __table_args__ = (enum_check("kind", ProgrammeKind),)

    kind: Mapped[str] = mapped_column(String(20))
    title: Mapped[str] = mapped_column(String(60))
    intro: Mapped[str] = mapped_column(String(300), default="")
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    host_unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))


class Activity(CodeMixin, Base):
    """活动. What is counted or joined is a column; the rest of a kind is validated JSON."""

    __tablename__ = "activity"
    __table_args__ = (
        enum_check("state", ActivityState),
        enum_check("review_state", ReviewState),
        enum_check("audience", Audience),
        enum_check("listing", Listing),
        enum_check("attendance", Attendance),
        enum_check("origin", Origin),
        Index(None, "host_unit_id", "starts_at"),
        Index(None, "state", "starts_at"),
        Index(None, "review_state"),
    )

    kind: Mapped[str] = mapped_column(String(20))
    title: Mapped[str] = mapped_column(String(60))
    summary: Mapped[str] = mapped_column(String(300), default="")
    bring: Mapped[str] = mapped_column(String(100), default="")
    venue: Mapped[str] = mapped_column(String(80), default="")
    venue_unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"), index=True)
    heritage_item_id: Mapped[int | None] = mapped_column(ForeignKey("heritage_item.id"), index=True)
    programme_id: Mapped[int | None] = mapped_column(ForeignKey("programme.id"), index=True)
    host_unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    primary_task_id: Mapped[int | None] = mapped_column(ForeignKey("task.id"), index=True)
    details: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    classes: Mapped[int] = mapped_column(default=0)
    pairs: Mapped[int] = mapped_column(default=0)
    reach: Mapped[int] = mapped_column(default=0)  # 估计覆盖

    state: Mapped[str] = mapped_column(String(12), default=ActivityState.DRAFT)
    review_state: Mapped[str] = mapped_column(String(16), default=ReviewState.NOT_SUBMITTED)
    audience: Mapped[str] = mapped_column(String(8), default=Audience.LINK)
    listing: Mapped[str] = mapped_column(String(8), default=Listing.NONE)
    attendance: Mapped[str] = mapped_column(String(12), default=Attendance.ALL)
    origin: Mapped[str] = mapped_column(String(8), default=Origin.LIVE)
    is_practice: Mapped[bool] = mapped_column(default=False)
    keeps_apart: Mapped[bool] = mapped_column(default=False)  # a second write-up, kept on purpose

    # first start and last end of the sessions, so that lists need no join
    starts_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    ends_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    opens_before_min: Mapped[int] = mapped_column(default=60)
    closes_after_min: Mapped[int] = mapped_column(default=30)
    takes_registration: Mapped[bool] = mapped_column(default=True)
    takes_walk_in: Mapped[bool] = mapped_column(default=True)
    needs_phone: Mapped[bool] = mapped_column(default=False)
    takes_parties: Mapped[bool] = mapped_column(default=False, server_default=false())
    needs_approval: Mapped[bool] = mapped_column(default=False, server_default=false())
    names_minors: Mapped[bool] = mapped_column(default=False, server_default=false())  # a guardian consents first
    leaves_school: Mapped[bool] = mapped_column(
        default=False, server_default=false()
    )  # a class needs its school's consent
    sends_mail: Mapped[bool] = mapped_column(default=False, server_default=false())
    offer_hours: Mapped[int | None]  # an offered place is answered within so many hours; None = no answer needed
    printed_code_on: Mapped[bool] = mapped_column(default=False)
    printed_code_version: Mapped[int] = mapped_column(default=1)
    photos_show_minors: Mapped[bool | None]
    photos_may_publish: Mapped[bool | None]

    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    published_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    cancelled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    cancel_reason: Mapped[str] = mapped_column(String(200), default="")
    listing_reason: Mapped[str] = mapped_column(String(200), default="")
    version: Mapped[int] = mapped_column(default=1)

    sessions: Mapped[list[ActivitySession]] = relationship(
        order_by="ActivitySession.position", lazy="selectin", back_populates="activity"
    )
    units: Mapped[list[ActivityUnit]] = relationship(order_by="ActivityUnit.id", lazy="select")
    related_tasks: Mapped[list[ActivityTask]] = relationship(order_by="ActivityTask.task_id", lazy="select")


class ActivitySession(CodeMixin, Base):
    """场次."""

    __tablename__ = "activity_session"
    __table_args__ = (UniqueConstraint("activity_id", "position"),)

    activity_id: Mapped[int] = mapped_column(ForeignKey("activity.id"))
    position: Mapped[int]
    label: Mapped[str] = mapped_column(String(30), default="")
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)
    capacity: Mapped[int | None]  # people; None = no limit
    opened_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # by hand, earlier than planned
    closes_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # by hand, extended or shortened
    digested_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    digested_to: Mapped[int | None]  # id of the last check-in event that the newest digest covers

    activity: Mapped[Activity] = relationship(back_populates="sessions")


class ActivityUnit(IdMixin, Base):
    """协办、受邀、场地单位 of an activity."""

    __tablename__ = "activity_unit"
    __table_args__ = (
        UniqueConstraint("activity_id", "unit_id", "part"),
        enum_check("part", UnitPart),
    )

    activity_id: Mapped[int] = mapped_column(ForeignKey("activity.id"))
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), index=True)
    part: Mapped[str] = mapped_column(String(12))


class ActivityTask(Base):
    """关联任务: shows the activity as shared, never counts it again."""

    __tablename__ = "activity_task"

    activity_id: Mapped[int] = mapped_column(ForeignKey("activity.id"), primary_key=True)
    task_id: Mapped[int] = mapped_column(ForeignKey("task.id"), primary_key=True, index=True)


class ActivityChange(IdMixin, Base):
    """A change of time or place after publication, shown on every participant's page."""

    __tablename__ = "activity_change"

    activity_id: Mapped[int] = mapped_column(ForeignKey("activity.id"), index=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    field: Mapped[str] = mapped_column(String(20))  # time | venue
    before: Mapped[str] = mapped_column(Text)
    after: Mapped[str] = mapped_column(Text)


class QuestionSort(StrEnum):
    ONE_OF = "one_of"
    SEVERAL_OF = "several_of"
    SHORT_TEXT = "short_text"
    NUMBER = "number"
    YES_NO = "yes_no"


class Question(CodeMixin, Base):
    """An extra question of the registration form; its answers stand with the personal values."""

    __tablename__ = "question"
    __table_args__ = (enum_check("sort", QuestionSort), UniqueConstraint("activity_id", "position"))

    activity_id: Mapped[int] = mapped_column(ForeignKey("activity.id"))
    position: Mapped[int]
    sort: Mapped[str] = mapped_column(String(12))
    wording: Mapped[str] = mapped_column(String(60))
    options: Mapped[list[str]] = mapped_column(JSON, default=list)
    is_required: Mapped[bool] = mapped_column(default=False)


class PlaceQuota(IdMixin, Base):
    """Places of one invited unit; `session_id` None means each session alike."""

    __tablename__ = "place_quota"
    __table_args__ = (UniqueConstraint("activity_id", "session_id", "unit_id"),)

    activity_id: Mapped[int] = mapped_column(ForeignKey("activity.id"), index=True)
    session_id: Mapped[int | None] = mapped_column(ForeignKey("activity_session.id"))
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    places: Mapped[int]


class PlaceHold(CodeMixin, Base):
    """Places the organizer keeps free, e.g. for a class that has not registered yet."""

    __tablename__ = "place_hold"

    activity_id: Mapped[int] = mapped_column(ForeignKey("activity.id"), index=True)
    session_id: Mapped[int | None] = mapped_column(ForeignKey("activity_session.id"))
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"))
    places: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    released_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

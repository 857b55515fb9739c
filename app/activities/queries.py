"""Reading activities: lists, twins, choices for forms, the public calendar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import Session, selectinload

from app.activities.models import (
    Activity,
    ActivityChange,
    ActivitySession,
    ActivityState,
    ActivityUnit,
    Audience,
    HeritageItem,
    Listing,
    Programme,
    ReviewState,
)
from app.activities.rules import same_venue
from app.kernel.clock import business_day, day_bounds
from app.kernel.errors import NotFound
from app.organisation.models import Unit
from app.planning.models import Task


@dataclass(frozen=True, slots=True)
class Twin:
    """Another write-up that may be the same event: title and host only, whoever asks."""

    code: str
    title: str
    host: str
    starts_at: datetime


@dataclass(frozen=True, slots=True)
class ActivityRow:
    """One line of a list."""

    id: int
    code: str
    title: str
    kind: str
    state: str
    review_state: str
    starts_at: datetime | None
    ends_at: datetime | None
    venue: str
    host: str
    is_practice: bool
    listing: str


@dataclass(frozen=True, slots=True)
class ListFilter:
    """Every field narrows; empty means all. `paths` None is the whole district."""

    paths: Sequence[str] | None = None
    kind: str = ""
    state: str = ""
    review_state: str = ""
    unit_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None


def get_activity(session: Session, code: str) -> Activity:
    """Raises NotFound."""
    activity = session.scalar(select(Activity).where(Activity.code == code))
    if activity is None:
        raise NotFound("没有找到这场活动。")
    return activity


def get_public_activity(session: Session, code: str) -> Activity:
    """What a participant may open: published, cancelled or closed; never a draft or a withdrawn one."""
    activity = session.scalar(
        select(Activity).where(
            Activity.code == code,
            Activity.state.in_(
                (ActivityState.PUBLISHED.value, ActivityState.CANCELLED.value, ActivityState.CLOSED.value)
            ),
        )
    )
    if activity is None:
        raise NotFound("没有找到这场活动。链接可能不完整，或者主办单位撤回了它。")
    return activity


def _columns() -> tuple[Any, ...]:
    return (
        Activity.id, Activity.code, Activity.title, Activity.kind, Activity.state, Activity.review_state,
        Activity.starts_at, Activity.ends_at, Activity.venue, Unit.name.label("host"), Activity.is_practice,
        Activity.listing,
    )  # fmt: skip


def _apply(statement: Select[Any], wanted: ListFilter, now: datetime) -> Select[Any]:
    if wanted.paths is not None:
        statement = statement.where(or_(*(Unit.path.startswith(path, autoescape=True) for path in wanted.paths)))
    if wanted.kind:
        statement = statement.where(Activity.kind == wanted.kind)
    if wanted.state == "ended":
        statement = statement.where(Activity.state == ActivityState.PUBLISHED.value, Activity.ends_at <= now)
    elif wanted.state == "published":
        statement = statement.where(Activity.state == wanted.state, Activity.ends_at > now)
    elif wanted.state:
        statement = statement.where(Activity.state == wanted.state)
    if wanted.review_state:
        statement = statement.where(Activity.review_state == wanted.review_state)
    if wanted.unit_id is not None:
        statement = statement.where(Activity.host_unit_id == wanted.unit_id)
    if wanted.since is not None:
        statement = statement.where(Activity.starts_at >= wanted.since)
    if wanted.until is not None:
        statement = statement.where(Activity.starts_at < wanted.until)
    return statement


def list_activities(
    session: Session, wanted: ListFilter, *, now: datetime, page: int = 1, size: int = 20
) -> tuple[list[ActivityRow], int]:
    """One page, newest start first (drafts without a time on top), and the number of all."""
    base = select(*_columns()).join(Unit, Unit.id == Activity.host_unit_id)
    total = session.scalar(
        _apply(select(func.count()).select_from(Activity).join(Unit, Unit.id == Activity.host_unit_id), wanted, now)
    )
    rows = session.execute(
        _apply(base, wanted, now)
        .order_by(Activity.starts_at.is_(None).desc(), Activity.starts_at.desc(), Activity.id.desc())
        .limit(size)
        .offset((page - 1) * size)
    )
    return [ActivityRow(**row._mapping) for row in rows], total or 0


def find_twins(session: Session, activity: Activity) -> list[Twin]:
    """Same Shanghai day and same venue, school or heritage item, anywhere in the district."""
    if activity.starts_at is None:
        return []
    first, after = day_bounds(business_day(activity.starts_at))
    rows = session.execute(
        select(Activity, Unit.name.label("host"))
        .join(Unit, Unit.id == Activity.host_unit_id)
        .where(
            Activity.id != activity.id,
            Activity.starts_at >= first,
            Activity.starts_at < after,
            Activity.is_practice.is_(False),
            Activity.state.in_((ActivityState.PUBLISHED.value, ActivityState.CLOSED.value)),
        )
        .order_by(Activity.id)
        .limit(200)
    ).all()
    return [
        Twin(row.Activity.code, row.Activity.title, row.host, row.Activity.starts_at)
        for row in rows
        if _is_twin(activity, row.Activity)
    ]


def _is_twin(mine: Activity, other: Activity) -> bool:
    return (
        same_venue(mine.venue, other.venue)
        or (mine.venue_unit_id is not None and mine.venue_unit_id == other.venue_unit_id)
        or (
            mine.heritage_item_id is not None
            and mine.heritage_item_id == other.heritage_item_id
            and mine.host_unit_id == other.host_unit_id
        )
    )


def list_changes(session: Session, activity_id: int) -> list[ActivityChange]:
    """Changes of time and place, newest first."""
    return list(
        session.scalars(
            select(ActivityChange)
            .where(ActivityChange.activity_id == activity_id)
            .order_by(ActivityChange.id.desc())
            .limit(20)
        )
    )


def _listed() -> Any:
    return and_(
        Activity.state == ActivityState.PUBLISHED.value,
        Activity.audience == Audience.PUBLIC.value,
        Activity.listing == Listing.LISTED.value,
        Activity.is_practice.is_(False),
    )


def list_public(
    session: Session, *, since: datetime, until: datetime | None = None, limit: int = 30
) -> list[ActivityRow]:
    """Listed activities that are not over at `since`, in order of start."""
    statement = select(*_columns()).join(Unit, Unit.id == Activity.host_unit_id).where(_listed(), Activity.ends_at > since)
    if until is not None:
        statement = statement.where(Activity.starts_at < until)
    rows = session.execute(statement.order_by(Activity.starts_at, Activity.id).limit(limit))
    return [ActivityRow(**row._mapping) for row in rows]


def find_running(session: Session, *, now: datetime) -> ActivitySession | None:
    """The listed session whose sign-in is open now and that started last; for the home page."""
    rows = session.scalars(
        select(ActivitySession)
        .join(Activity, Activity.id == ActivitySession.activity_id)
        .where(
            _listed(),
            ActivitySession.starts_at <= now + timedelta(hours=2),
            ActivitySession.ends_at > now - timedelta(hours=1),
        )
        .order_by(ActivitySession.starts_at.desc())
        .limit(5)
        .options(selectinload(ActivitySession.activity))
    )
    for row in rows:
        opens = row.starts_at - timedelta(minutes=row.activity.opens_before_min)
        closes = row.closes_at or row.ends_at + timedelta(minutes=row.activity.closes_after_min)
        if min(opens, row.opened_at or opens) <= now < closes:
            return row
    return None


def list_waiting_listing(session: Session, paths: Sequence[str] | None) -> list[ActivityRow]:
    """Those that wait for the nod to be shown in public."""
    statement = (
        select(*_columns())
        .join(Unit, Unit.id == Activity.host_unit_id)
        .where(Activity.listing == Listing.WAITING.value, Activity.state == ActivityState.PUBLISHED.value)
    )
    if paths is not None:
        statement = statement.where(or_(*(Unit.path.startswith(path, autoescape=True) for path in paths)))
    return [ActivityRow(**row._mapping) for row in session.execute(statement.order_by(Activity.starts_at, Activity.id))]


def list_for_workbench(session: Session, path: str) -> list[Activity]:
    """All of a subtree that are not finished business, and the last that were approved."""
    open_states = (ReviewState.NOT_SUBMITTED.value, ReviewState.RETURNED.value, ReviewState.UNDER_REVIEW.value)
    return list(
        session.scalars(
            select(Activity)
            .join(Unit, Unit.id == Activity.host_unit_id)
            .where(
                Unit.path.startswith(path, autoescape=True),
                Activity.is_practice.is_(False),
                Activity.review_state.in_(open_states),
                Activity.state.in_((ActivityState.DRAFT.value, ActivityState.PUBLISHED.value)),
            )
            .order_by(Activity.starts_at, Activity.id)
            .limit(200)
            .options(selectinload(Activity.sessions))
        )
    )


def task_choices(session: Session) -> list[tuple[int, int, str]]:
    """(id, number, short title) of every task, in order."""
    rows = session.execute(select(Task.id, Task.number, Task.short_title).order_by(Task.plan_id, Task.number))
    return [(row.id, row.number, row.short_title) for row in rows]


def list_heritage_items(session: Session) -> list[HeritageItem]:
    return list(session.scalars(select(HeritageItem).order_by(HeritageItem.name)))


def list_programmes(session: Session) -> list[Programme]:
    """Newest period first."""
    return list(session.scalars(select(Programme).order_by(Programme.starts_on.desc(), Programme.id.desc())))


def get_programme(session: Session, code: str) -> Programme:
    """Raises NotFound."""
    programme = session.scalar(select(Programme).where(Programme.code == code))
    if programme is None:
        raise NotFound("没有找到这个系列活动。")
    return programme


def units_of(session: Session, activity_id: int) -> list[tuple[str, str]]:
    """(part, unit name) of co-hosts and those taking part."""
    rows = session.execute(
        select(ActivityUnit.part, Unit.name)
        .join(Unit, Unit.id == ActivityUnit.unit_id)
        .where(ActivityUnit.activity_id == activity_id)
        .order_by(ActivityUnit.part, Unit.position, Unit.id)
    )
    return [(row.part, row.name) for row in rows]

"""Reading activities: lists, choices for forms, the public calendar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import Integer, ScalarSelect, Select, and_, bindparam, case, false, func, not_, or_, select
from sqlalchemy.orm import Session, aliased, selectinload

from app.activities.door import ABSENT, PUBLIC
from app.activities.models import (
    Activity,
    ActivityChange,
    ActivitySession,
    ActivityState,
    ActivityTask,
    ActivityUnit,
    Audience,
    HeritageItem,
    Listing,
    Programme,
    ReviewState,
    UnitPart,
)
from app.activities.rules import PRACTICE_SHOWN, window
from app.kernel.database import UtcDateTime
from app.kernel.errors import NotFound
from app.organisation.models import Unit
from app.planning.models import Plan, Task


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

    paths: tuple[str, ...] | None = None
    kind: str = ""
    state: str = ""
    review_state: str = ""
    unit_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    with_discarded: bool = False


@dataclass(frozen=True, slots=True)
class UnitRole:
    """A unit and its part in an activity; `host` for the one that holds it."""

    code: str
    name: str
    part: str


@dataclass(frozen=True, slots=True)
class TaskRole:
    """A task an activity is for; `is_primary` is the one it counts in."""

    number: int
    short_title: str
    is_primary: bool


def get_activity(session: Session, code: str) -> Activity:
    """Raises NotFound."""
    activity = session.scalar(select(Activity).where(Activity.code == code))
    if activity is None:
        raise NotFound("没有找到这场活动。")
    return activity


_PUBLIC = select(Activity).where(Activity.code == bindparam("code"), Activity.state.in_(PUBLIC))


def get_public_activity(session: Session, code: str) -> Activity:
    """What a participant may open: published, cancelled or closed; never a draft or a withdrawn one."""
    activity = session.scalar(_PUBLIC, {"code": code})
    if activity is None:
        raise NotFound(ABSENT)
    return activity


def _under(paths: Sequence[str]) -> Any:
    return or_(false(), *(Unit.path.startswith(path, autoescape=True) for path in paths))


def _units_under(paths: Sequence[str]) -> Select[Any]:
    """Found once for the statement: to compare the path of every activity's host takes three times as long."""
    unit = aliased(Unit)
    return select(unit.id).where(or_(false(), *(unit.path.startswith(path, autoescape=True) for path in paths)))


def _co_hosted(paths: Sequence[str]) -> Any:
    return Activity.id.in_(
        select(ActivityUnit.activity_id).where(
            ActivityUnit.part == UnitPart.CO_HOST.value, ActivityUnit.unit_id.in_(_units_under(paths))
        )
    )


def is_co_hosted(session: Session, activity_id: int, paths: Sequence[str]) -> bool:
    """Whether a unit of these subtrees co-hosts the activity."""
    return session.scalar(select(Activity.id).where(Activity.id == activity_id, _co_hosted(paths))) is not None


def titles_of(session: Session, codes: Sequence[str]) -> dict[str, str]:
    """Titles by code; unknown codes are absent."""
    rows = session.execute(select(Activity.code, Activity.title).where(Activity.code.in_(codes)))
    return {row.code: row.title for row in rows}


def row_columns() -> tuple[Any, ...]:
    return (
        Activity.id, Activity.code, Activity.title, Activity.kind, Activity.state, Activity.review_state,
        Activity.starts_at, Activity.ends_at, Activity.venue, Unit.name.label("host"), Activity.is_practice,
        Activity.listing,
    )  # fmt: skip


def _conditions(wanted: ListFilter) -> list[Any]:
    now = bindparam("now", type_=UtcDateTime)
    over = and_(Activity.is_practice.is_(True), Activity.ends_at <= bindparam("practice_since", type_=UtcDateTime))
    found: list[Any] = [not_(func.coalesce(over, false()))]
    if wanted.paths is not None:
        found.append(or_(Activity.host_unit_id.in_(_units_under(wanted.paths)), _co_hosted(wanted.paths)))
    if not wanted.with_discarded:
        found.append(Activity.state != ActivityState.WITHDRAWN.value)
    if wanted.state in ("published", "ended"):
        over = Activity.ends_at <= now if wanted.state == "ended" else Activity.ends_at > now
        found += [Activity.state == ActivityState.PUBLISHED.value, over]
    elif wanted.state:
        found.append(Activity.state == wanted.state)
    for column, value in (
        (Activity.kind, wanted.kind), (Activity.review_state, wanted.review_state),
        (Activity.host_unit_id, wanted.unit_id),
    ):  # fmt: skip
        if value:
            found.append(column == value)
    if wanted.since is not None:
        found.append(Activity.starts_at >= wanted.since)
    if wanted.until is not None:
        found.append(Activity.starts_at < wanted.until)
    return found


@lru_cache(maxsize=256)
def _list_statements(wanted: ListFilter) -> tuple[Select[Any], Select[Any]]:
    """One page of rows, and the count of all: to put a statement together takes longer than to run it."""
    where = _conditions(wanted)
    rows = (
        select(*row_columns())
        .join(Unit, Unit.id == Activity.host_unit_id)
        .where(*where)
        .order_by(Activity.starts_at.is_(None).desc(), Activity.starts_at.desc(), Activity.id.desc())
        .limit(bindparam("size", type_=Integer))
        .offset(bindparam("skipped", type_=Integer))
    )
    return rows, select(func.count()).select_from(Activity).where(*where)


def list_activities(
    session: Session, wanted: ListFilter, *, now: datetime, page: int = 1, size: int = 20
) -> tuple[list[ActivityRow], int]:
    """One page, newest start first (drafts without a time on top), and the number of all."""
    rows, count = _list_statements(wanted)
    at = {"now": now, "practice_since": now - PRACTICE_SHOWN}
    found = session.execute(rows, at | {"size": size, "skipped": (page - 1) * size})
    return [ActivityRow(*row) for row in found], session.scalar(count, at) or 0


_CHANGES = (
    select(ActivityChange)
    .where(ActivityChange.activity_id == bindparam("activity_id"))
    .order_by(ActivityChange.id.desc())
    .limit(20)
)


def list_changes(session: Session, activity_id: int) -> list[ActivityChange]:
    """Changes of time and place, newest first."""
    return list(session.scalars(_CHANGES, {"activity_id": activity_id}))


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
    statement = (
        select(*row_columns()).join(Unit, Unit.id == Activity.host_unit_id).where(_listed(), Activity.ends_at > since)
    )
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
        opens, closes = window(
            starts_at=row.starts_at, ends_at=row.ends_at, opens_before_min=row.activity.opens_before_min,
            closes_after_min=row.activity.closes_after_min, opened_at=row.opened_at, closes_at=row.closes_at,
        )  # fmt: skip
        if opens <= now < closes:
            return row
    return None


def list_waiting_listing(session: Session, paths: Sequence[str] | None) -> list[ActivityRow]:
    """Those that wait for the nod to be shown in public."""
    statement = (
        select(*row_columns())
        .join(Unit, Unit.id == Activity.host_unit_id)
        .where(Activity.listing == Listing.WAITING.value, Activity.state == ActivityState.PUBLISHED.value)
    )
    if paths is not None:
        statement = statement.where(_under(paths))
    rows = session.execute(statement.order_by(Activity.starts_at, Activity.id).limit(200))
    return [ActivityRow(**row._mapping) for row in rows]


def waiting_listing_count(paths: Sequence[str] | None) -> ScalarSelect[int]:
    """How many of them, as a part of a statement."""
    statement = (
        select(func.count())
        .select_from(Activity)
        .join(Unit, Unit.id == Activity.host_unit_id)
        .where(Activity.listing == Listing.WAITING.value, Activity.state == ActivityState.PUBLISHED.value)
    )
    return (statement if paths is None else statement.where(_under(paths))).scalar_subquery()


def list_for_workbench(session: Session, paths: Sequence[str] | None, *, rejected_since: datetime) -> list[Activity]:
    """What is not finished business, by start, and what was not counted of late; drafts without a time last."""
    open_states = (ReviewState.NOT_SUBMITTED.value, ReviewState.RETURNED.value, ReviewState.UNDER_REVIEW.value)
    statement = (
        select(Activity)
        .join(Unit, Unit.id == Activity.host_unit_id)
        .where(
            Activity.is_practice.is_(False),
            or_(
                Activity.review_state.in_(open_states),
                and_(Activity.review_state == ReviewState.REJECTED.value, Activity.ends_at >= rejected_since),
            ),
            Activity.state.in_((ActivityState.DRAFT.value, ActivityState.PUBLISHED.value)),
        )
    )
    if paths is not None:
        statement = statement.where(_under(paths))
    order = (Activity.starts_at.is_(None), Activity.starts_at, Activity.id)
    return list(session.scalars(statement.order_by(*order).limit(200)))


def load_many(session: Session, ids: Sequence[int]) -> dict[int, Activity]:
    """Activities with their sessions by id, for lists; two statements."""
    return {activity.id: activity for activity in session.scalars(select(Activity).where(Activity.id.in_(ids)))}


def task_choices(session: Session, *, beside: int | None = None) -> list[tuple[int, int, str]]:
    """(id, number, short title) of the newest plan's tasks, in order; of the plan of the task `beside` where given.

    Numbers begin anew with each plan: those of two plans in one list would name each other's tasks.
    """
    newest = select(Plan.id).order_by(Plan.issued_on.desc(), Plan.id.desc()).limit(1).scalar_subquery()
    own = select(Task.plan_id).where(Task.id == (beside or 0)).scalar_subquery()
    rows = session.execute(
        select(Task.id, Task.number, Task.short_title)
        .where(Task.plan_id == func.coalesce(own, newest))
        .order_by(Task.number)
    )
    return [(row.id, row.number, row.short_title) for row in rows]


def list_heritage_items(session: Session) -> list[HeritageItem]:
    return list(session.scalars(select(HeritageItem).order_by(HeritageItem.name)))


def _units_statement() -> Select[Any]:
    unit, joined, host = Unit.__table__, ActivityUnit.__table__, bindparam("host_id", type_=Integer)
    part = func.coalesce(joined.c.part, case((unit.c.id == host, "host"), else_=UnitPart.VENUE.value))
    of_activity = and_(joined.c.unit_id == unit.c.id, joined.c.activity_id == bindparam("activity_id"))
    return (
        select(unit.c.code, unit.c.name, part.label("part"))
        .outerjoin(joined, of_activity)
        .where(or_(unit.c.id.in_((host, bindparam("venue_id", type_=Integer))), joined.c.id.is_not(None)))
        .order_by(unit.c.position, unit.c.id)
    )


_UNITS = _units_statement()
_PARTS = ("host", UnitPart.CO_HOST.value, UnitPart.TAKING_PART.value, UnitPart.VENUE.value)


def units_of(session: Session, activity: Activity) -> list[UnitRole]:
    """Host first, then co-hosts, those taking part and the venue; one statement."""
    wanted = {"activity_id": activity.id, "host_id": activity.host_unit_id, "venue_id": activity.venue_unit_id or 0}
    return sorted((UnitRole(*row) for row in session.execute(_UNITS, wanted)), key=lambda unit: _PARTS.index(unit.part))


def tasks_of(session: Session, activity: Activity) -> list[TaskRole]:
    """The primary task first, then the related ones by number."""
    related = select(ActivityTask.task_id).where(ActivityTask.activity_id == activity.id)
    rows = session.execute(
        select(Task.id, Task.number, Task.short_title).where(
            or_(Task.id == (activity.primary_task_id or 0), Task.id.in_(related))
        )
    )
    roles = [TaskRole(row.number, row.short_title, row.id == activity.primary_task_id) for row in rows]
    return sorted(roles, key=lambda role: (not role.is_primary, role.number))


def names_of(session: Session, activity: Activity) -> tuple[str, str, str]:
    """(heritage item, programme title, programme code), empty where there is none."""
    row = session.execute(
        select(HeritageItem.name, Programme.title, Programme.code)
        .select_from(Activity)
        .outerjoin(HeritageItem, HeritageItem.id == Activity.heritage_item_id)
        .outerjoin(Programme, Programme.id == Activity.programme_id)
        .where(Activity.id == activity.id)
    ).one()
    return row[0] or "", row[1] or "", row[2] or ""

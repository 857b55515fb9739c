"""What a form says of an activity, and writing it into the rows: columns, sessions, relations, kept changes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import delete
from sqlalchemy.orm import Session

from app.activities.kinds import KINDS
from app.activities.models import (
    Activity,
    ActivityChange,
    ActivitySession,
    ActivityState,
    ActivityTask,
    ActivityUnit,
    Attendance,
    Audience,
    UnitPart,
)
from app.activities.rules import PlannedSession, session_problems, text_problems
from app.kernel.clock import SHANGHAI
from app.kernel.errors import Problem, RuleBroken, raise_if_blocked
from app.kernel.text import clean, one_line

NUMERALS = "一二三四五六七八九十"


@dataclass(frozen=True, slots=True)
class ActivityInput:
    """What a form or a seed says of an activity; ids are of rows the actor may name."""

    kind: str
    title: str
    host_unit_id: int
    venue: str = ""
    sessions: tuple[PlannedSession, ...] = ()
    audience: Audience = Audience.LINK
    summary: str = ""
    bring: str = ""
    attendance: Attendance = Attendance.ALL
    primary_task_id: int | None = None
    related_task_ids: tuple[int, ...] = ()
    co_host_ids: tuple[int, ...] = ()
    taking_part_ids: tuple[int, ...] = ()
    venue_unit_id: int | None = None
    heritage_item_id: int | None = None
    programme_id: int | None = None
    details: dict[str, Any] = field(default_factory=dict)
    classes: int = 0
    pairs: int = 0
    reach: int = 0
    takes_registration: bool = True
    takes_walk_in: bool = True
    needs_phone: bool = False
    printed_code_on: bool = False
    opens_before_min: int = 60
    closes_after_min: int = 30
    is_practice: bool = False
    is_paper: bool = False
    keeps_apart: bool = False


def checked(data: ActivityInput) -> tuple[ActivityInput, dict[str, Any]]:
    """The input with its texts cleaned, and the kind's own details. Raises RuleBroken with every problem."""
    kind = KINDS.get(data.kind)
    if kind is None:
        raise RuleBroken(Problem("kind_unknown", "没有这种活动类型，请重新选。", field="kind"))
    data = replace(
        data, title=one_line(data.title), venue=one_line(data.venue), summary=clean(data.summary),
        bring=one_line(data.bring),
    )  # fmt: skip
    problems = text_problems(title=data.title, venue=data.venue, summary=data.summary, bring=data.bring)
    if data.sessions:
        problems.extend(session_problems(data.sessions))
    details, wrong = kind.clean_details(data.details)
    problems.extend(wrong)
    raise_if_blocked(problems)
    return data, details


def fill(activity: Activity, data: ActivityInput, details: dict[str, Any]) -> None:
    """Columns from checked input; state, listing and origin are not a form's business."""
    kind = KINDS[data.kind]
    activity.title, activity.venue, activity.details = data.title, data.venue, details
    activity.summary, activity.bring = data.summary, data.bring
    activity.audience, activity.attendance = data.audience.value, data.attendance.value
    activity.primary_task_id, activity.programme_id = data.primary_task_id, data.programme_id
    activity.venue_unit_id, activity.heritage_item_id = data.venue_unit_id, data.heritage_item_id
    activity.classes, activity.pairs, activity.reach = data.classes, data.pairs, data.reach
    activity.takes_registration = data.takes_registration and kind.individual and not data.is_paper
    activity.takes_walk_in = data.takes_walk_in and kind.walk_in
    activity.needs_phone = data.needs_phone
    activity.opens_before_min, activity.closes_after_min = data.opens_before_min, data.closes_after_min
    activity.keeps_apart = data.keeps_apart
    activity.starts_at = min((s.starts_at for s in data.sessions), default=None)
    activity.ends_at = max((s.ends_at for s in data.sessions), default=None)


def write_sessions(session: Session, activity: Activity, planned: tuple[PlannedSession, ...]) -> None:
    """Sessions keep their row by position, so that registrations and check-ins stay with them."""
    rows = {row.position: row for row in activity.sessions} if activity.id else {}
    for position, want in enumerate(planned, start=1):
        row = rows.get(position)
        if row is None:
            row = ActivitySession(activity_id=activity.id, position=position)
            session.add(row)
        if (row.starts_at, row.ends_at) != (want.starts_at, want.ends_at):
            row.opened_at = row.closes_at = None  # by hand was for the occasion that is no more
        row.starts_at, row.ends_at, row.capacity = want.starts_at, want.ends_at, want.capacity
        row.label = _label(want, position, len(planned))
    surplus = [row for position, row in rows.items() if position > len(planned)]
    if surplus and activity.state != ActivityState.DRAFT.value:
        raise RuleBroken(Problem("sessions_fixed", "发布以后不能减少场次。可以改时间，或取消整场活动。", field="date"))
    for row in surplus:
        session.delete(row)


def _label(want: PlannedSession, position: int, total: int) -> str:
    if want.label or total == 1:
        return want.label[:30]
    return f"第{NUMERALS[position - 1]}场" if position <= len(NUMERALS) else f"第{position}场"


def write_relations(session: Session, activity: Activity, data: ActivityInput) -> None:
    """Related tasks, co-hosts and those taking part, as the form holds them now."""
    session.execute(delete(ActivityTask).where(ActivityTask.activity_id == activity.id))
    session.execute(delete(ActivityUnit).where(ActivityUnit.activity_id == activity.id))
    for task_id in sorted(set(data.related_task_ids) - {data.primary_task_id}):
        session.add(ActivityTask(activity_id=activity.id, task_id=task_id))
    parts = {(unit_id, UnitPart.CO_HOST) for unit_id in data.co_host_ids if unit_id != activity.host_unit_id}
    parts |= {(unit_id, UnitPart.TAKING_PART) for unit_id in data.taking_part_ids}
    for unit_id, part in sorted(parts):
        session.add(ActivityUnit(activity_id=activity.id, unit_id=unit_id, part=part.value))
    session.flush()
    session.expire(activity, ["units", "related_tasks", "sessions"])


def keep_change(session: Session, activity: Activity, data: ActivityInput, *, now: datetime, reason: str) -> None:
    """A change of time or place of a published activity, for every participant's page.

    Once it has begun, such a change needs a reason (domain.md, Review: re-dating).
    """
    for name, before, after in (
        ("time", times_text(planned(activity)), times_text(data.sessions)),
        ("venue", activity.venue, data.venue),
    ):
        if before == after:
            continue
        if activity.starts_at is not None and activity.starts_at <= now and not clean(reason):
            raise RuleBroken(
                Problem("reason_missing", "活动开始以后再改时间地点，要写明原因，审核时会看到。", field="reason")
            )
        session.add(ActivityChange(activity_id=activity.id, at=now, field=name, before=before, after=after))


def times_text(sessions: tuple[PlannedSession, ...]) -> str:
    """`2026-11-24 09:00–2026-11-24 10:00`, one after the other."""

    def text(moment: datetime) -> str:
        return moment.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")

    return "；".join(f"{text(s.starts_at)}–{text(s.ends_at)}" for s in sessions)


def planned(activity: Activity) -> tuple[PlannedSession, ...]:
    """The sessions as they stand, as input."""
    return tuple(PlannedSession(s.starts_at, s.ends_at, s.capacity, s.label) for s in activity.sessions)


def summary_of(activity: Activity) -> dict[str, Any]:
    """Ids, numbers and times for the log; titles and venues stay out of the chain."""
    return {
        "sessions": times_text(planned(activity)), "audience": activity.audience, "attendance": activity.attendance,
        "primary_task": activity.primary_task_id, "programme": activity.programme_id,
        "venue_unit": activity.venue_unit_id, "heritage_item": activity.heritage_item_id, "classes": activity.classes,
        "pairs": activity.pairs, "reach": activity.reach, "walk_in": activity.takes_walk_in,
        "needs_phone": activity.needs_phone, "capacity": [s.capacity for s in activity.sessions],
        "co_hosts": sorted(u.unit_id for u in activity.units if u.part == UnitPart.CO_HOST.value),
        "related_tasks": [t.task_id for t in activity.related_tasks],
    }  # fmt: skip
